"""Handouts for nbgrader: which cells are answers, which are graded, and how many points each counts.

nbgrader gives a cell its points if it does not fail. Our checks never fail, so below each exercise stands a locked cell
that does, unless the check says ✓. Cells for answers are graded by hand.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell

from .exercises import Exercise
from .questions import Question

TEST = """\
# Nothing to do here: nbgrader gives the points of {name} if this cell does not fail.
from course_utils import {check}

assert {check}.verdict({name}).startswith("✓"), {check}.verdict({name})"""


def with_metadata(
    handout: nbformat.NotebookNode, asked: Sequence[Exercise], questions: Sequence[Question]
) -> nbformat.NotebookNode:
    """A copy of a handout with nbgrader's metadata, and a test below each exercise.

    Args:
        handout: a notebook without solutions.
        asked: its exercises, in their order.
        questions: those that have cells for an answer.
    """
    given, todo, named = copy.deepcopy(handout), iter(asked), {question.name: question for question in questions}
    cells = []
    for cell in given.cells:
        cells.append(cell)
        question = named.get(cell.metadata.get("question"))
        if question:
            cell.metadata["nbgrader"] = _marks(f"answer-{question.name}", question.points, solution=True)
        elif "exercise" in cell.metadata.get("tags", []):
            exercise = next(todo)
            cell.metadata["nbgrader"] = _marks(exercise.name, None, solution=True)
            cells.append(_test(exercise))
    given.cells = cells
    return given


def _test(exercise: Exercise) -> nbformat.NotebookNode:
    """The cell that is graded. It may fail without stopping those who run all cells."""
    metadata = {
        "tags": ["raises-exception"],
        "slideshow": {"slide_type": "skip"},
        "nbgrader": _marks(f"test-{exercise.name}", exercise.points, solution=False),
    }
    source = TEST.format(name=exercise.name, check=exercise.check)
    return new_code_cell(source, id=f"test-{exercise.name}", metadata=metadata)


def _marks(name: str, points: int | None, solution: bool) -> Mapping[str, Any]:
    """Metadata in nbgrader's third schema; a cell is graded if it has points, and locked if no student writes in it."""
    graded = {"grade": points is not None, "solution": solution, "locked": not solution, "task": False}
    return {"grade_id": name, "schema_version": 3, **graded} | ({"points": points} if points is not None else {})
