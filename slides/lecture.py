"""What a lecture shows of a notebook, and what it leaves to the speaker.

A notebook is written to be read, a slide to be looked at while somebody speaks. So a slide shows headings, questions,
equations, tables, lists, figures and short code, and the sentences between them become the speaker's notes. Nothing is
written twice. How a deck looks, and how it becomes a file, stands in `deck.py`, `deck.css` and `deck.html.j2`.
"""

import ast
import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import nbformat
from nbconvert.filters import Highlight2HTML

MOST_CODE = 12  # lines that can be read from the last row
MOST_PRINTED = 3  # lines above a figure
MOST_ROWS, MOST_ITEMS = 400, 560  # characters of markdown in a table, in a list
MOST_SAID = 170  # characters of a reading that is shown under its figure
ROOM = (1152, 420)  # pixels for a movie on a slide of 1280 × 720

MINUTES = r"Lecture, (\d+) minutes\."

highlight = Highlight2HTML(pygments_lexer="python")


@dataclass
class Slide:
    """One thought: its heading, what is shown, what appears with the next click, and what the speaker says."""

    heading: str
    shown: list[str] = field(default_factory=list)
    takeaway: str = ""
    notes: list[str] = field(default_factory=list)
    kind: str = "text"


def slides_of(notebook: nbformat.NotebookNode) -> list[Slide]:
    """The slides of a notebook, in order; cells whose slide type is `skip` are for the student alone."""
    deck: list[Slide] = []
    for cell in notebook.cells:
        place = cell.metadata.get("slideshow", {}).get("slide_type", "-")
        if not deck and not (cell.cell_type == "markdown" and cell.source.startswith("# ")):
            raise ValueError("a notebook must open with a cell of text that begins with its title, '# …'")
        if place == "skip":
            continue
        if cell.cell_type == "markdown":
            _add_prose(deck, cell.source)
        elif place == "-" and deck[-1].kind == "title":
            deck[-1].shown += _outputs(cell)
        else:
            _add_code(deck, cell)
    for slide in deck:
        if slide.kind == "text" and not slide.shown:
            prose = [block for block in slide.notes if not re.match(MINUTES, block)]
            slide.shown, slide.kind = [first_words(block) for block in prose[:1]], "text" if prose else "section"
    minutes = [int(found[1]) for slide in deck for note in slide.notes if (found := re.match(MINUTES, note))]
    if minutes:
        deck[0].notes.insert(0, f"{len(minutes)} sections, {sum(minutes)} minutes.")
    return deck


def _add_prose(deck: list[Slide], source: str) -> None:
    """A cell of text: a new slide if it has a heading or something to show, else the reading of the slide before."""
    for block in blocks_of(source):
        kind, slide = kind_of(block), deck[-1] if deck else Slide("")
        if kind == "heading":
            deck.append(Slide(block.lstrip("# "), kind="title" if block.startswith("# ") else "text"))
        elif kind == "note":
            slide.notes.insert(0, re.sub(r"^<!--\s*|\s*-->$", "", block))
        elif kind == "answer":
            slide.notes.append("**Answer.** " + re.sub(r"</?details>|<summary>.*?</summary>", "", block).strip())
        elif kind == "prose":
            slide.notes.append(block)
            if not slide.takeaway and slide.kind in ("figure", "code"):
                slide.takeaway = first_words(block)
        elif kind != "badge":
            alone = kind == "table" or "**Think.**" in block
            if slide.kind in ("figure", "code") or len(slide.shown) == 2 or (slide.shown and alone):
                deck.append(Slide(slide.heading))
            deck[-1].shown.append(display(block))


def _add_code(deck: list[Slide], cell: nbformat.NotebookNode) -> None:
    """A cell of code: its code, if it teaches, and what it put out."""
    heading, outputs = deck[-1].heading, _outputs(cell)
    printed = [output for output in outputs if "<pre" in output]
    seen = [output for output in outputs if output not in printed]
    code = teaching_code(cell.source)
    if "#" in code or re.search(r"^(def|class) ", code, re.MULTILINE):
        deck.append(Slide(heading, [_monospaced(code, highlight(code, metadata=None))], kind="code"))
        if not seen and len("".join(printed).splitlines()) + len(code.splitlines()) <= MOST_CODE:
            deck[-1].shown += printed
            return
    if seen and len("".join(printed).splitlines()) > MOST_PRINTED:
        deck.append(Slide(heading, printed, kind="figure"))
        printed = []
    if outputs:
        deck.append(Slide(heading, printed + seen, kind="figure"))


def blocks_of(source: str) -> Iterator[str]:
    """Paragraphs, equations, lists and tables of a text; folded answers and comments stay whole, long lists are cut."""
    folded = r"<details>.*?</details>|<!--.*?-->"
    for part in re.split(rf"({folded})", source, flags=re.DOTALL):
        if re.fullmatch(folded, part, re.DOTALL):
            yield part
        else:
            for block in re.split(r"\n\s*\n", part.strip("\n")):
                if block.strip():
                    yield from _pieces(block)


def _pieces(block: str) -> Iterator[str]:
    lines = block.splitlines()
    if kind_of(block) == "table":
        head, rows = lines[:2], lines[2:]
        for some in _even(rows, MOST_ROWS):
            yield "\n".join([*head, *some])
    elif kind_of(block) == "list":
        items = re.split(r"\n(?=[-*] |\d+\. )", block)
        for some in _even(items, MOST_ITEMS):
            yield "\n".join(some)
    else:
        yield block


def _even(items: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    """As few parts as needed for at most that many characters in each, with nearly equal numbers of items."""
    parts = min(len(items), -(-len("".join(items)) // most))
    for i in range(parts):
        yield items[i * len(items) // parts : (i + 1) * len(items) // parts]


def kind_of(block: str) -> str:
    """What a block of markdown is: heading, badge, note, answer, equation, table, list, question or prose."""
    kinds = {
        "heading": r"#+ ",
        "badge": r"\[!\[",
        "note": r"<!--",
        "answer": r"<details>",
        "equation": r"\$\$",
        "table": r"\|",
        "list": r"[-*] |\d+\. ",
        "question": r"\*\*((Question|Predict|Think|Try it)\.\*\*|[^*]+\?\*\*$)",
    }
    return next((kind for kind, start in kinds.items() if re.match(start, block)), "prose")


def first_words(paragraph: str) -> str:
    """The sentences at the start of a paragraph that can be read in a breath; a remark in brackets is no start."""
    paragraph = re.sub(r"^\((?:[^()]|\([^()]*\))*\)\s*", "", " ".join(paragraph.split()))
    kept: list[str] = []
    for sentence in re.split(r"(?<=[.?!])\s+(?=[A-Z$*`\"(])", paragraph):
        too_long = kept and len(" ".join([*kept, sentence])) > MOST_SAID
        if too_long or sentence.startswith("(") or sentence.endswith(":"):  # what a colon announces stands elsewhere
            break
        kept.append(sentence)
    return " ".join(kept)


def display(block: str) -> str:
    """An equation as it fits a slide: parts that stand far apart in a line go below one another."""
    if not block.startswith("$$") or r"\qquad" not in block:
        return block
    formula, tag = re.fullmatch(r"\$\$(.*?)(\\tag\{.*?\})?\$\$", block, re.DOTALL).groups()
    formula = re.sub(r"\\qquad\s*(\\text\{[^}]*\})\s*\\qquad", r"\\qquad \1\\quad ", formula)
    lines = r" \\[8pt] ".join(formula.split(r"\qquad"))
    return rf"$$\begin{{gathered}} {lines} \end{{gathered}} {tag or ''}$$"


def teaching_code(source: str) -> str:
    """The statements of a cell that teach: no imports, and no calls that only print, check or draw.

    Nothing is left of a cell whose statements are too many to be read from afar.
    """
    lines = source.splitlines()
    kept = [statement for statement in ast.parse(source).body if not _is_for_show(statement)]
    pieces = ["\n".join(lines[_first_line(statement) - 1 : statement.end_lineno]) for statement in kept]
    code = "\n".join(pieces)
    return code if len(code.splitlines()) <= MOST_CODE else ""


def _first_line(statement: ast.stmt) -> int:
    return min([statement.lineno, *(decorator.lineno for decorator in getattr(statement, "decorator_list", ()))])


def _is_for_show(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.For | ast.With):
        return all(map(_is_for_show, statement.body))
    return isinstance(statement, ast.Import | ast.ImportFrom | ast.Assert) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call | ast.Name)
    )


def _outputs(cell: nbformat.NotebookNode) -> list[str]:
    """What a cell put out, as HTML; widgets need a kernel and are left to the notebook, like the praise of a check."""
    printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
    printed = "\n".join(line for line in printed.splitlines() if not line.startswith("✓"))
    shown = [_monospaced(printed, f"<pre>{html.escape(printed)}</pre>")] if printed else []
    for output in cell.outputs:
        data = output.get("data", {})
        if output.output_type == "stream":
            continue
        elif 'class="movie"' in data.get("text/html", ""):
            shown.append(_enlarged(data["text/html"]))
        elif "image/png" in data:
            size = output.metadata["image/png"]
            alt = html.escape(size["alt"], quote=True)
            source = "data:image/png;base64," + data["image/png"].replace("\n", "")
            shown.append(f'<img src="{source}" width="{size["width"]}" height="{size["height"]}" alt="{alt}">')
        elif "application/vnd.jupyter.widget-view+json" not in data:
            shown.append(_monospaced(data["text/plain"], f"<pre>{html.escape(data['text/plain'])}</pre>"))
    return shown


def _monospaced(text: str, block: str) -> str:
    """A block of code or print that says how wide it is, so that the type can be as large as fits."""
    return f'<div class="mono" style="--columns: {min(100, max(map(len, text.splitlines())))}">{block}</div>'


def _enlarged(movie: str) -> str:
    """A movie as large as a slide can show it."""
    width, height = (int(re.search(rf'{side}="(\d+)"', movie)[1]) for side in ("width", "height"))
    scale = min(ROOM[0] / width, ROOM[1] / height)
    return movie.replace(
        f'width="{width}" height="{height}"', f'width="{width * scale:.0f}" height="{height * scale:.0f}"'
    )
