"""What the notebooks say about themselves: their goals, their minutes and their exercises, for the instructor's guide.

The guide on the site takes its tables from here while Sphinx reads it, so they cannot grow old.
"""

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import nbformat

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@dataclass(frozen=True)
class Exercise:
    """One exercise of a notebook.

    Attributes:
        heading: its heading, as it stands there.
        title, difficulty, minutes: the parts of the heading.
        name: what the student writes, a function or a class.
        check: the function that checks it.
        stub, solution: the sources of their cells.
    """

    heading: str
    title: str
    difficulty: str
    minutes: int
    name: str
    check: str
    stub: str
    solution: str


def exercises(notebook: nbformat.NotebookNode) -> list[Exercise]:
    """The exercises of a notebook, in order. Raises ValueError where one has no heading, check or solution."""
    found = []
    for i, cell in enumerate(notebook.cells):
        if "exercise" not in cell.metadata.get("tags", []):
            continue
        heading = re.match(r"### (Exercise \d+ · (.+) \((\w+), (\d+) minutes\))\n", notebook.cells[i - 1].source + "\n")
        call = re.search(r"^(check_\w+)\((\w+)\)$", cell.source, re.MULTILINE)
        rest = (later.source for later in notebook.cells[i:] if "solution" in later.metadata.get("tags", []))
        solution = next(rest, None)
        if not (heading and call and solution):
            raise ValueError(f"an exercise needs a heading, a check and a solution:\n{cell.source}")
        text, title, difficulty, minutes = heading.groups()
        check, name = call.groups()
        found.append(Exercise(text, title, difficulty, int(minutes), name, check, cell.source, solution))
    return found


@functools.cache
def asked(path: Path) -> list[Exercise]:
    """The exercises of one of our notebooks, read once."""
    return exercises(nbformat.read(path, as_version=4))


def minutes(notebook: nbformat.NotebookNode) -> tuple[int, int]:
    """How long a notebook takes, by its own words: to read and run, and the exercises."""
    text = "\n".join(cell.source for cell in notebook.cells[:6])
    stated = re.search(r"\*\*Time:\*\* about (\d+) minutes, and (\d+) more with the exercises", text)
    if not stated:
        raise ValueError("the notebook does not say how long it takes: **Time:** about … minutes, and … more with …")
    return int(stated[1]), int(stated[2])


def lecture(notebook: nbformat.NotebookNode) -> int:
    """How many minutes the notes for the lecturer give to all sections together."""
    text = "\n".join(cell.source for cell in notebook.cells)
    return sum(map(int, re.findall(r"<!-- Lecture, (\d+) minutes?\b", text)))


def table(paths: Iterable[Path] = NOTEBOOKS) -> str:
    """All exercises as a table of markdown, each with a link to it; there its solution is folded."""
    lines = ["| notebook | exercise | they write | difficulty | minutes |", "|---|---|---|---|---|"]
    for path in paths:
        for exercise in asked(path):
            link = f"[{exercise.title}](notebooks/{path.name}#{_anchor(exercise.heading)})"
            row = (path.stem[:2], link, f"`{exercise.name}`", exercise.difficulty, str(exercise.minutes))
            lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def goals(paths: Iterable[Path] = NOTEBOOKS) -> str:
    """What can be done after each notebook, and how long it takes, in its own words."""
    parts = []
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        title, question = re.match(r"# (.+)\n\n\*\*(.+)\*\*", notebook.cells[0].source).groups()
        reading, working = minutes(notebook)
        after = next(cell.source for cell in notebook.cells if cell.source.startswith("## After this notebook"))
        bullets = "\n".join(line for line in after.splitlines() if line.startswith("- "))
        parts.append(
            f"### {title}\n\n*{question}* {reading} minutes to read and run, {working} more for the exercises; as a "
            f"lecture {lecture(notebook)}. After it, students can …\n\n{bullets}"
        )
    return "\n\n".join(parts)


def _anchor(heading: str) -> str:
    """The name that a heading has in an address."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def fill_in(app: object, page: str, source: list[str]) -> None:
    """Put the tables where the guide asks for them; Sphinx calls it with each page."""
    if page == "instructors":
        source[0] = source[0].replace("<!-- goals -->", goals()).replace("<!-- exercises -->", table())


def setup(app: object) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True}
