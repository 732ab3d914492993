"""What the instructor's guide says about the notebooks, in their own words.

`python -m teaching.guide` brings it up to date. In the guide, each such text stands between two marks,
`<!-- goals -->` and `<!-- end of goals -->`. A test fails when what stands there is not what the notebooks say.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import nbformat

from course_utils.storage.files import write_whole

from .exercises import NOTEBOOKS, asked
from .plan import timetable

GUIDE = Path(__file__).parents[1] / "site" / "instructors.md"
LINKS = "../notebooks/"
"""Where the notebooks are, seen from the guide in the repository; the site's `conf.py` knows it, too."""


def minutes(notebook: nbformat.NotebookNode) -> tuple[int, int]:
    """How long a notebook takes, by its own words: to read and run, and the exercises."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    stated = re.search(r"\*\*Time:\*\* about (\d+) minutes, and (\d+) more with the exercises", text)
    if not stated:
        raise ValueError("the notebook does not say how long it takes: **Time:** about … minutes, and … more with …")
    return int(stated[1]), int(stated[2])


def lecture(notebook: nbformat.NotebookNode) -> int:
    """How many minutes the notes for the lecturer give to all sections together."""
    text = "\n".join(cell.source for cell in notebook.cells)
    return sum(map(int, re.findall(r"<!-- Lecture, (\d+) minutes?\b", text)))


def goals(paths: Iterable[Path] = NOTEBOOKS) -> str:
    """What can be done after each notebook, and how long it takes, in its own words."""
    texts = []
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        question = re.search(r"^\*\*(.+)\*\*$", "\n".join(cell.source for cell in notebook.cells[:3]), re.MULTILINE)
        reading, working = minutes(notebook)
        texts.append(
            f"### {title(notebook)}\n\n*{question[1]}* {reading} minutes to read and run, {working} more for the "
            f"exercises; as a lecture {lecture(notebook)}. After it, students can …\n\n{_objectives(notebook)}"
        )
    return "\n\n".join(texts)


def title(notebook: nbformat.NotebookNode) -> str:
    """The title of a notebook, such as "05 · Context"."""
    return notebook.cells[0].source.splitlines()[0].removeprefix("# ")


def _objectives(notebook: nbformat.NotebookNode) -> str:
    """The list below "After this notebook you can …", which may stretch over several cells."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    after = re.search(r"^## After this notebook.*?(?=^#)", text, re.MULTILINE | re.DOTALL)
    return "\n".join(line for line in after[0].splitlines() if line.startswith("- "))


def plans(paths: Iterable[Path] = NOTEBOOKS) -> str:
    """A timetable for each notebook."""
    notebooks = [nbformat.read(path, as_version=4) for path in paths]
    return "\n\n".join(f"**{title(notebook)}**\n\n{timetable(notebook)}" for notebook in notebooks)


def table(paths: Iterable[Path] = NOTEBOOKS) -> str:
    """All exercises as a table of markdown, each with a link to it; there its solution is folded."""
    lines = ["| notebook | exercise | they write | difficulty | minutes | points |", "|---|---|---|---|---|---|"]
    for path in paths:
        for exercise in asked(path):
            link = f"[{exercise.title}]({LINKS}{path.name}#{_anchor(exercise.heading)})"
            numbers = f"{exercise.minutes} | {exercise.points}"
            lines.append(f"| {path.stem[:2]} | {link} | `{exercise.name}` | {exercise.difficulty} | {numbers} |")
    return "\n".join(lines)


def _anchor(heading: str) -> str:
    """The name that a heading has in an address."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


TEXTS: Mapping[str, Callable[[], str]] = {"goals": goals, "plans": plans, "exercises": table}
"""Which text stands between which marks."""


def filled(page: str, texts: Mapping[str, Callable[[], str]] = TEXTS) -> str:
    """A page with each text between its marks. Raises ValueError for marks that do not stand there once, as a pair."""
    for name, text in texts.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, begun, rest = page.partition(begin)
        _, ended, after = rest.partition(end)
        if not (begun and ended) or page.count(begin) > 1 or page.count(end) > 1:
            raise ValueError(f"the guide must hold the line {begin} once, and below it {end} once")
        page = f"{before}{begin}\n\n{text()}\n\n{end}{after}"
    return page


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring site/instructors.md up to date with the notebooks."""
    argparse.ArgumentParser(prog="python -m teaching.guide", description=main.__doc__).parse_args(arguments)
    old = GUIDE.read_text(encoding="utf-8")
    try:
        new = filled(old)
    except ValueError as error:
        print(f"guide: {error}", file=sys.stderr)
        return 2
    if new != old:
        write_whole(GUIDE, new.encode())
    print(f"{GUIDE.name} {'is rewritten' if new != old else 'was up to date'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
