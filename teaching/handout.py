"""Notebooks to hand out: the same ones without solutions, without answers and without outputs.

What a solution defined is replaced by a line that goes on with the student's own function once its check is satisfied,
and with the package's until then. So a handout runs from top to bottom from the first minute on. Outputs are cleared,
and what the notebook says of them is folded after a prediction: it is worth something only before one has seen more.
"""

import argparse
import ast
import copy
import itertools
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat.v4 import new_markdown_cell

from course_utils.storage.files import write_whole

from .exercises import NOTEBOOKS, Exercise, exercises
from .for_nbgrader import with_metadata
from .questions import Question, answer_cell, bare, is_heading, leads, pieces, questions

GO_ON = """\
# Nothing to do here. Your {name} goes on as soon as its check says ✓; until then the package's stands in.
from course_utils import right_or_ours

{name} = right_or_ours({check}, {name})
"""

FOLD, END = "<details><summary>What we see</summary>", "\n\n</details>"

WELCOME = """\
**This is a handout.** Write your code where the dots are, or mend what stands there, and your answers \
where it says *Your answer*. Run the cells with your exercises, and save.{hand_in}"""

HAND_IN = """ \
Hand in the file as `{stem}-yourname.ipynb`, with your name written in the same way each time."""


def handout(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy of a notebook for students: exercises and checks stay, solutions and folded answers go."""
    given = copy.deepcopy(notebook)
    given.metadata.pop("widgets", None)
    given.metadata["handout"] = True
    prose = Prose(questions(notebook))
    todo = iter(exercises(notebook))
    kept, exercise = [], None
    for cell in given.cells:
        tags = cell.metadata.get("tags", [])
        if "exercise" in tags:
            exercise = next(todo)
        elif "solution" in tags:
            cell.source = without_solution(cell.source, exercise)
            cell.metadata = {"slideshow": cell.metadata["slideshow"]}
            exercise = None
        elif exercise:
            continue  # prose between an exercise and its solution is about the solution
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            prose.after_code()
            kept.append(cell)
        else:
            kept += prose.cells(cell)
    given.cells = leading(joined(kept))
    return given


def with_welcome(given: nbformat.NotebookNode, stem: str | None) -> nbformat.NotebookNode:
    """A copy of a handout that says below its title what to do with it.

    Args:
        given: the handout.
        stem: the beginning of the name under which it is handed in; None if it keeps the name that it has.
    """
    told = WELCOME.format(hand_in=HAND_IN.format(stem=stem) if stem else "")
    welcome = new_markdown_cell(told, id="handout", metadata={"slideshow": {"slide_type": "skip"}})
    whole = copy.copy(given)
    whole.cells = [*given.cells[:1], welcome, *given.cells[1:]]
    return whole


class Prose:
    """The prose of a notebook on its way into a handout; what is folded depends on what came before.

    Attributes:
        asked: the questions that get a cell for an answer, by their text.
        state: "predicted" after a prediction, "seen" after the cell that shows its result, and "told" otherwise.
    """

    def __init__(self, asked: Sequence[Question]) -> None:
        self.asked = {question.text: question for question in asked}
        self.state = "told"

    def after_code(self) -> None:
        """Take note of a cell with code: the first one after a prediction shows what came of it."""
        self.state = "seen" if self.state in ("predicted", "seen") else "told"

    def cells(self, cell: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
        """The cells that one cell of prose becomes: its text, in parts where cells for answers come between."""
        kept, text = [], []
        for piece in map(without_answers, pieces(cell.source)):
            text.append(self._shown(piece))
            if piece in self.asked:
                kept += [_part(cell, text, len(kept)), answer_cell(self.asked[piece])]
                text = []
        return [*kept, _part(cell, text, len(kept))] if any(text) else kept

    def _shown(self, piece: str) -> str:
        """A piece as students see it, folded if it tells what came of a prediction."""
        if piece.startswith("**Predict") or (piece.startswith("**Question") and self.state != "told"):
            self.state = "predicted"  # a question after a prediction has a picture of its own, which comes next
        elif is_heading(piece) or leads(piece):
            self.state = "told"
        if self.state != "seen":
            return piece
        if "$$" in piece:
            self.state = "told"
        return folded(piece)


def _part(cell: nbformat.NotebookNode, text: Sequence[str], before: int) -> nbformat.NotebookNode:
    """A part of a cell of prose, of which so many cells were made before."""
    name = f"{cell.id}-{before + 1}" if before else cell.id
    return new_markdown_cell("\n\n".join(filter(None, text)), id=name, metadata=copy.deepcopy(cell.metadata))


def folded(prose: str) -> str:
    """Prose behind a line to click on.

    Not folded are remarks in brackets at its beginning, which help to read a picture; a formula and what follows it,
    since later cells build on it; and what is folded already.
    """
    paragraphs = re.split(r"\n{2,}", prose)
    begin = 0
    while begin < len(paragraphs) and (remark := bracketed(paragraphs[begin])):
        rest = paragraphs[begin].removeprefix(remark).strip()
        paragraphs[begin : begin + 1] = [remark, rest] if rest else [remark]
        begin += 1
    end = next((i for i, text in enumerate(paragraphs) if re.search(r"\$\$|<details", text)), len(paragraphs))
    if end < len(paragraphs) and paragraphs[end].startswith("$$"):
        end -= 1  # the sentence that leads to the formula stays with it
    if begin < end:
        paragraphs[begin:end] = [FOLD, *paragraphs[begin:end], END.strip()]
    return "\n\n".join(paragraphs)


def bracketed(prose: str) -> str:
    """The remark in brackets with which prose begins, up to the bracket that closes it.

    "" if it begins otherwise, such as with the number of an equation.
    """
    opened = 0
    if re.match(r"\(\d+\)", prose):
        return ""
    for place, letter in enumerate(prose):
        opened += (letter == "(") - (letter == ")")
        if not opened:
            return prose[: place + 1] if place else ""
    return ""


def joined(cells: Sequence[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Cells in which what is folded in one and folded on in the next opens with one click.

    What leads to a formula in the next cell is not folded.
    """
    kept: list[nbformat.NotebookNode] = []
    for cell in cells:
        before = kept[-1].source if kept else ""
        if not (FOLD in before and before.endswith(END)):
            kept.append(cell)
        elif cell.source.startswith(FOLD):
            kept[-1].source = before.removesuffix(END) + cell.source.removeprefix(FOLD)
        else:
            if "$$" in cell.source.partition("\n\n")[0]:
                kept[-1].source = _open_last(before)
            kept.append(cell)
    return kept


def _open_last(prose: str) -> str:
    """Prose whose last folded paragraph, which leads to a formula, is taken out of the fold."""
    told, _, last = prose.removesuffix(END).rpartition("\n\n")
    return _opened(told, last)


def _opened(told: str, last: str) -> str:
    """Prose that ends with an open fold, closed before its last words; without the fold if nothing else is in it."""
    return f"{told.removesuffix(FOLD)}{last}" if told.endswith(FOLD) else f"{told}{END}\n\n{last}"


def leading(cells: Sequence[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Cells in which a sentence that leads to the code below, since it ends with ":" or "?", is not folded."""
    for cell, following in itertools.pairwise(cells):
        told, _, last = cell.source.removesuffix(END).rpartition("\n\n")
        if cell.source.endswith(END) and following.cell_type == "code" and last.endswith((":", "?")):
            before, sentence = re.fullmatch(r"(?s)(?:(.*[.!?:])\s+)?(.+?)", last).groups()
            told = told if before is None else f"{told}\n\n{before}"
            cell.source = _opened(told, sentence)
    return list(cells)


def without_solution(source: str, exercise: Exercise) -> str:
    """What is left of a solution's cell: the stand-in, and what the cell shows after the definition and its check."""
    lines = source.splitlines()
    for node in ast.parse(source).body:
        defines = isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == exercise.name
        if defines or ast.unparse(node) == f"{exercise.check}({exercise.name})":
            first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
            lines[first - 1 : node.end_lineno] = [None] * (node.end_lineno - first + 1)
    rest = "\n".join(line for line in lines if line is not None and not line.startswith("# @title"))
    stand_in = GO_ON.format(name=exercise.name, check=exercise.check)
    return (stand_in + "\n" + re.sub(r"\n{3,}", "\n\n", rest.strip("\n"))).rstrip("\n")


def without_answers(prose: str) -> str:
    """No answers; no notes for the lecturer; no badge, which would open the solutions.

    What else is folded, hints and derivations, stays.
    """
    return re.sub(r"\n*\[!\[Open in Colab\].*", "", bare(prose))


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write a handout. Raises FileExistsError where a file stands that is none: nobody's notebook is overwritten."""
    if path.exists() and not _is_handout(path):
        raise FileExistsError(f"'{path}' was not written by this command: move it away, or name another folder")
    write_whole(path, nbformat.writes(notebook).encode())


def _is_handout(path: Path) -> bool:
    try:
        return nbformat.read(path, as_version=4).metadata.get("handout") is True
    except Exception:  # whatever it is
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a notebook for students, NN_name.ipynb, for each notebook of the course."""
    parser = argparse.ArgumentParser(prog="python -m teaching.handout", description=main.__doc__)
    parser.add_argument("folder", type=Path, help="where to write them")
    parser.add_argument(
        "--nbgrader", action="store_true", help="with the metadata and the tests that nbgrader asks for"
    )
    given = parser.parse_args(arguments)
    given.folder.mkdir(parents=True, exist_ok=True)
    for path in NOTEBOOKS:
        notebook = nbformat.read(path, as_version=4)
        out = with_welcome(handout(notebook), None if given.nbgrader else path.stem)
        if given.nbgrader:
            out = with_metadata(out, exercises(notebook), questions(notebook))
        try:
            write(out, given.folder / path.name)
        except OSError as error:
            print(f"handout: {error}", file=sys.stderr)
            return 2
        print(given.folder / path.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
