"""What the notebooks of the course are, and which exercises stand in them: what all tools for teachers begin with."""

import functools
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat

POINTS = {"easy": 1, "medium": 2, "hard": 3}
"""What an exercise counts, by its difficulty, unless the instructor says otherwise."""

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))

HEADING = re.compile(r"^### (Exercise (\d+) · (.+) \((easy|medium|hard), (\d+) minutes\))$", re.MULTILINE)


@dataclass(frozen=True)
class Exercise:
    """One exercise of a notebook.

    Attributes:
        heading: its heading, as it stands there.
        number, title, difficulty, minutes: the parts of the heading.
        name: what the student writes, a function or a class.
        check: the function that checks it.
        stub, solution: the sources of their cells.
    """

    heading: str
    number: int
    title: str
    difficulty: str
    minutes: int
    name: str
    check: str
    stub: str
    solution: str

    @property
    def points(self) -> int:
        """What it counts, by its difficulty."""
        return POINTS[self.difficulty]


def exercises(notebook: nbformat.NotebookNode) -> list[Exercise]:
    """The exercises of a notebook, in order. Raises ValueError where one has no heading, check or solution."""
    found, heading = [], None
    for i, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            heading = re.search(HEADING, cell.source) or heading
        if "exercise" not in cell.metadata.get("tags", []):
            continue
        call = re.search(r"^(check_\w+)\((\w+)\)$", cell.source, re.MULTILINE)
        rest = (later.source for later in notebook.cells[i:] if "solution" in later.metadata.get("tags", []))
        solution = next(rest, None)
        if not (heading and call and solution):
            raise ValueError(f"an exercise needs a heading, a check and a solution:\n{cell.source}")
        text, number, title, difficulty, minutes = heading.groups()
        check, name = call.groups()
        found.append(Exercise(text, int(number), title, difficulty, int(minutes), name, check, cell.source, solution))
        heading = None
    return found


@functools.cache
def asked(path: Path) -> list[Exercise]:
    """The exercises of one of our notebooks, read once."""
    return exercises(nbformat.read(path, as_version=4))
