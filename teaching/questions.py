"""What a notebook asks its reader: pieces of its prose, the questions among them, and cells for the answers.

A question begins with **Predict.** or **Think.**, or its answer is folded. In a handout a cell of its own follows each.
That cell knows its question by a name such as `05-7-predict`: notebook 05, section 7.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import nbformat
from nbformat.v4 import new_markdown_cell

ANSWER = "*Your answer, in a sentence or two:*"
"""What stands in a cell for an answer before anybody writes into it."""

FOLDED = re.compile(r"<details>\s*<summary>Answer</summary>(.*?)</details>", re.DOTALL)
COMMENT = re.compile(r"\n*<!--.*?-->", re.DOTALL)
LEADS = r"\*\*(?:Predict|Think|Question|Try it)\.\*\*"


@dataclass(frozen=True)
class Question:
    """A question that is answered in words.

    Attributes:
        name: notebook, section and kind, such as "05-7-predict"; a second one of a section ends with "-2".
        text: the question.
        answer: what the notebook answers, below the question; "" where it leaves that to what comes next.
    """

    name: str
    text: str
    answer: str = ""

    @property
    def points(self) -> int:
        """What its answer counts for those who grade answers: a prediction may be wrong, so it counts nothing."""
        return 0 if self.text.startswith("**Predict.**") else 1


def pieces(prose: str) -> list[str]:
    """The source of a cell in pieces, without notes for the lecturer.

    A piece ends before a heading, before a lead such as **Think.**, or with what is folded.
    """
    found = re.split(rf"(?m)^(?=#{{1,6}} |{LEADS})|(?<=^</details>)$", COMMENT.sub("", prose))
    return [piece.strip() for piece in found if piece.strip()]


def is_heading(piece: str) -> bool:
    """Whether a piece is a heading and what follows it."""
    return piece.startswith("#")


def leads(piece: str) -> bool:
    """Whether a piece asks the reader for something: to predict, to think, to wonder, to try."""
    return re.match(LEADS, piece) is not None


def asks(piece: str) -> bool:
    """Whether a piece of a whole notebook wants an answer in words."""
    return re.match(r"\*\*(?:Predict|Think)\.\*\*", piece) is not None or FOLDED.search(piece) is not None


def bare(prose: str) -> str:
    """Prose without folded answers and without notes for the lecturer."""
    return COMMENT.sub("", FOLDED.sub("", prose)).strip()


def questions(notebook: nbformat.NotebookNode) -> list[Question]:
    """The questions of a notebook of the course, in their order."""
    found: dict[str, Question] = {}
    for section, piece in _pieces(notebook):
        text = bare(piece)
        folded = "".join(FOLDED.findall(piece)).strip()
        if folded and not text and found:  # an answer in a cell of its own belongs to the question before it
            last = list(found)[-1]
            found[last] = replace(found[last], answer=folded)
        if not (text and asks(piece)):
            continue
        kind = "predict" if piece.startswith("**Predict") else "think"
        name = f"{section}-{kind}"
        again = sum(re.fullmatch(rf"{name}(-\d+)?", other) is not None for other in found)
        name = f"{name}-{again + 1}" if again else name
        found[name] = Question(name, text, folded)
    return list(found.values())


def _pieces(notebook: nbformat.NotebookNode) -> Iterator[tuple[str, str]]:
    """Each piece of prose, with the numbers of the notebook and the section in which it stands, such as "05-7"."""
    number, section = "00", 0
    for cell in notebook.cells:
        for piece in pieces(cell.source) if cell.cell_type == "markdown" else ():
            if title := re.match(r"# (\d+) · ", piece):
                number = title[1]
            elif heading := re.match(r"## (\d+) · ", piece):
                section = int(heading[1])
            yield f"{number}-{section}", piece


def answer_cell(question: Question) -> nbformat.NotebookNode:
    """A cell for the answer to a question."""
    metadata = {"tags": ["answer"], "question": question.name, "slideshow": {"slide_type": "skip"}}
    return new_markdown_cell(ANSWER, id=f"answer-{question.name}", metadata=metadata)


def answers(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """What a student wrote, by the name of the question; nothing where the cell is as it was handed out, or gone."""
    found = {}
    for cell in notebook.cells:
        name = cell.metadata.get("question")
        said = cell.source.replace(ANSWER, "").strip()
        if isinstance(name, str) and said:
            found[name] = f"{found[name]}\n\n{said}" if name in found else said
    return found
