"""What of a notebook stands on slides, as its author marked it with Jupyter's slide types, and what is said to it.

    slide      opens a slide, and with it a new stack of slides: a section
    subslide   opens a slide below the one before
    -          stands on the slide as well
    fragment   comes with the next click
    notes      is said, not shown
    skip       is for the reader of the notebook alone

Of a cell of code a slide shows its figure or movie. Two tags show more: `show-code` the statements that teach, and
`show-print` what was printed. A fragment below a figure is its takeaway, the sentence that stays on the slide. Comments
and folded texts (answers, hints, proofs) go to the speaker. A solution has a slide of its own, below its exercise.

How outputs become HTML stands in `pictures.py`; how a deck looks and becomes a file, in `deck.py` and beside it.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import nbformat
from nbconvert.filters import Highlight2HTML
from pictures import HEIGHT, monospaced, printed, shown_outputs

MINUTES = r"Lecture, (\d+) minutes\."
LINE = 80  # letters of the text above a figure

EXERCISE = r"Exercise (\d+) · (.+) \((\w+), (\d+) minutes\)"

highlight = Highlight2HTML(pygments_lexer="python")


@dataclass
class Block:
    """One thing on a slide: markdown or HTML, what kind of thing it is, and whether it waits for a click."""

    text: str
    kind: str = "text"
    later: bool = False


@dataclass
class Slide:
    """One thought: its heading, what is shown, and what the speaker says; an exercise knows its minutes."""

    heading: str
    kind: str = "text"
    blocks: list[Block] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    minutes: int = 0


Stack = list[Slide]


def stacks_of(notebook: nbformat.NotebookNode, solutions: bool = True) -> list[Stack]:
    """The lecture in a notebook: a stack of slides for each section, in order.

    Args:
        notebook: executed, with slide types.
        solutions: whether the slides below the exercises are in it.

    Raises ValueError where a mark makes no slide: a notebook that does not open with its title, a slide with nothing on
    it, and a cell that would stand on the slide of a solution.
    """
    stacks: list[Stack] = []
    for cell in notebook.cells:
        place = cell.metadata.get("slideshow", {}).get("slide_type", "-")
        if place == "skip":
            continue
        if not stacks and not (cell.cell_type == "markdown" and cell.source.startswith("# ")):
            raise ValueError("a notebook must open with a cell of text that begins with its title, '# …'")
        if place == "slide":
            stacks.append([Slide("")])
        elif place == "subslide":
            stacks[-1].append(Slide(""))
        slide = stacks[-1][-1]
        if place in ("-", "fragment") and slide.kind == "solution":
            raise ValueError(f"a cell must not stand on the slide of a solution; mark it as a subslide:\n{cell.source}")
        add = _add_text if cell.cell_type == "markdown" else _add_code
        add(slide, cell, later=place == "fragment")
    _complete(stacks)
    return [[slide for slide in stack if solutions or slide.kind != "solution"] for stack in stacks]


def _complete(stacks: list[Stack]) -> None:
    """Give slides without a heading that of their section, refuse empty ones, and say first how long it all takes."""
    for stack in stacks:
        for slide in stack:
            slide.heading = slide.heading or stack[0].heading
    slides = [slide for stack in stacks for slide in stack]
    if empty := [slide.heading for slide in slides if not slide.blocks and slide.kind != "title"]:
        raise ValueError(f"nothing stands on these slides: {', '.join(empty)}")
    minutes = [int(found[1]) for slide in slides for note in slide.notes if (found := re.match(MINUTES, note))]
    if minutes:
        slides[0].notes.insert(0, f"{len(minutes)} sections, {sum(minutes)} minutes.")


def _add_text(slide: Slide, cell: nbformat.NotebookNode, later: bool) -> None:
    """A cell of text: its heading, what stands on the slide, and what is folded or commented out for the speaker."""
    said = cell.metadata["slideshow"]["slide_type"] == "notes"
    for block in blocks_of(cell.source):
        if heading := re.match(r"(#+) (.*)", block):
            slide.heading, slide.kind = heading[2], "title" if heading[1] == "#" else slide.kind
            if exercise := re.fullmatch(EXERCISE, heading[2]):
                slide.heading, slide.kind = f"Exercise {exercise[1]} · {exercise[2]}", "exercise"
                slide.minutes = int(exercise[4])
        elif block.startswith("<!--"):
            slide.notes.insert(0, re.sub(r"^<!--\s*|\s*-->$", "", block))
        elif block.startswith("<details>"):
            name, folded = re.fullmatch(r"<details><summary>(.*?)</summary>(.*)</details>", block, re.DOTALL).groups()
            slide.notes.append(f"**{name}.** {folded.strip()}")
        elif said:
            slide.notes.append(block)
        elif not block.startswith("[!["):  # a badge is for the reader
            below = later and slide.blocks and slide.blocks[-1].kind == "figure" and not is_asked(block)
            kind = "takeaway" if below else "table" if block.startswith("|") else "text"
            slide.blocks.append(Block(display(block), kind, later))


def _add_code(slide: Slide, cell: nbformat.NotebookNode, later: bool) -> None:
    """A cell of code: what it drew, and its code and print where tags ask for them."""
    tags = cell.metadata.get("tags", [])
    if "solution" in tags:
        number = re.search(r"Solution (.+)", cell.source)[1]
        slide.heading, slide.kind = f"Exercise {number} · one way to write it", "solution"
    if "show-code" in tags:
        code = teaching_code(cell.source)
        slide.blocks.append(Block(monospaced(code, highlight(code, metadata=None)), "code", later))
    if "show-print" in tags:
        slide.blocks.append(Block(printed(cell), "print", later))
    lines = sum(0.5 + -(-len(block.text) // LINE) for block in slide.blocks)  # and half a line between two blocks
    room = HEIGHT - round(38 * lines) - 40 * (slide.kind == "title")
    slide.blocks += [Block(html, "figure", later) for html in shown_outputs(cell, room)]


def blocks_of(source: str) -> Iterator[str]:
    """Paragraphs, equations, lists, tables and fenced code of a text; comments and what is folded stay whole."""
    whole = r"<details>.*?</details>|<!--.*?-->|```.*?```"
    for part in re.split(rf"({whole})", source, flags=re.DOTALL):
        if re.fullmatch(whole, part, re.DOTALL):
            yield part
        else:
            yield from (block for block in re.split(r"\n\s*\n", part.strip("\n")) if block.strip())


def is_asked(block: str) -> bool:
    """Whether a paragraph asks the room something."""
    return bool(re.match(r"\*\*(Question|Predict|Think|Try it)\.\*\*", block))


def display(block: str) -> str:
    """An equation as it fits a slide: parts that stand far apart in a line go below one another."""
    if not block.startswith("$$") or r"\qquad" not in block:
        return block
    formula, tag = re.fullmatch(r"\$\$(.*?)(\\tag\{.*?\})?\$\$", block, re.DOTALL).groups()
    formula = re.sub(r"\\qquad\s*(\\text\{[^}]*\})\s*\\qquad", r"\\qquad \1\\quad ", formula)
    lines = r" \\[8pt] ".join(formula.split(r"\qquad"))
    return rf"$$\begin{{gathered}} {lines} \end{{gathered}} {tag or ''}$$"


def teaching_code(source: str) -> str:
    """The statements of a cell that teach: no imports, and no calls that only print, check or draw."""
    lines = source.splitlines()
    kept = [statement for statement in ast.parse(source).body if not _is_for_show(statement)]
    code, end = "", 0
    for statement in kept:
        start = _first_line(statement) - 1
        apart = "\n\n" if start - end > 1 else "\n"  # between functions
        code += apart * bool(code) + "\n".join(lines[start : statement.end_lineno])
        end = statement.end_lineno
    return code


def _first_line(statement: ast.stmt) -> int:
    return min([statement.lineno, *(decorator.lineno for decorator in getattr(statement, "decorator_list", ()))])


def _is_for_show(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.For | ast.With):
        return all(map(_is_for_show, statement.body))
    return isinstance(statement, ast.Import | ast.ImportFrom | ast.Assert) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call | ast.Name)
    )
