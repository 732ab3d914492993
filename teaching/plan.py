"""A timed plan of a notebook for an hour, and one for ninety minutes: all sections, and exercises as they fit.

The minutes are those of the notebook: each section holds `<!-- Lecture, 4 minutes. … -->` for the lecturer, and each
exercise says in its heading how long it takes. Which exercises belong to the lecture, the slides say.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import nbformat

from .exercises import HEADING

OPENING, CLOSING = 3, 2
"""Minutes for title, first picture and symbols; and for what breaks, and what is known now."""


@dataclass(frozen=True)
class Part:
    """Something of a notebook that takes time in a room.

    Attributes:
        text: what the plan calls it.
        minutes: how long it takes.
        exercise: whether it can be left out.
        on_slides: whether it is part of the lecture.
    """

    text: str
    minutes: int
    exercise: bool = False
    on_slides: bool = True


def parts(notebook: nbformat.NotebookNode) -> list[Part]:
    """Opening, sections, exercises and closing, in their order; a section may stretch over any number of cells.

    Raises ValueError for a section whose minutes are not said.
    """
    found = [Part("Opening: title, first picture, goals, symbols", OPENING)]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            hidden = cell.metadata.get("slideshow", {}).get("slide_type") == "skip"
            for line in re.split(r"(?m)^(?=#|<!-- Lecture)", cell.source):
                _add(found, line, not hidden)
    silent = [part.text for part in found if not part.minutes]
    if silent:
        raise ValueError(f"each section says how long its lecture takes, <!-- Lecture, 4 minutes. … -->; not: {silent}")
    return [*found, Part("Closing: what breaks if …, what you know now", CLOSING)]


def _add(found: list[Part], text: str, on_slides: bool) -> None:
    """Add the section or the exercise that a piece of text begins, or the minutes that it gives to the last section."""
    if section := re.match(r"## (\d+ · .+)", text):
        found.append(Part(section[1].strip(), 0))
    elif exercise := HEADING.match(text):
        found.append(Part(f"*Exercise {exercise[2]} · {exercise[3]}*", int(exercise[5]), True, on_slides))
    elif lecture := re.match(r"<!-- Lecture, (\d+) minutes?\b", text):
        place = max(i for i, part in enumerate(found) if not part.exercise)
        found[place] = Part(found[place].text, found[place].minutes + int(lecture[1]))


def plan(notebook: nbformat.NotebookNode, minutes: int) -> list[Part]:
    """What to do with a notebook in so many minutes: all sections, and as many exercises as fit.

    Those on the slides come first, then the others, each in the order of the notebook; one that is too long is passed
    over. If the sections alone take longer, they are the plan.
    """
    everything = parts(notebook)
    left = minutes - sum(part.minutes for part in everything if not part.exercise)
    chosen = set()
    for part in sorted(filter(lambda part: part.exercise, everything), key=lambda part: not part.on_slides):
        if part.minutes <= left:
            chosen.add(part)
            left -= part.minutes
    return [part for part in everything if part in chosen or not part.exercise]


def clock(chosen: Sequence[Part]) -> dict[Part, str]:
    """When each part begins, "0:45" after the first."""
    begins, passed = {}, 0
    for part in chosen:
        begins[part] = f"{passed // 60}:{passed % 60:02}"
        passed += part.minutes
    return begins


def timetable(notebook: nbformat.NotebookNode, lengths: Sequence[int] = (60, 90)) -> str:
    """A table of markdown: what is done when, in a column for each length; what is left out has a dash there."""
    columns = [clock([*plan(notebook, length), Part("end", 1)]) for length in lengths]
    lines = [
        "| " + " | ".join(f"in {length} minutes" for length in lengths) + " | what (minutes) |",
        "|---" * (len(lengths) + 1) + "|",
    ]
    for part in parts(notebook):
        if any(part in column for column in columns):
            begins = " | ".join(column.get(part, "–") for column in columns)
            lines.append(f"| {begins} | {part.text} ({part.minutes}) |")
    return "\n".join([*lines, "| " + " | ".join(column[Part("end", 1)] for column in columns) + " | end |"])
