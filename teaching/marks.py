"""What the checks said in a notebook that came back: a mark for each exercise, read from its outputs without trust."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat

from .exercises import NOTEBOOKS, Exercise, asked

RIGHT, WRONG, BLANK, NOT_RUN, CHANGED = "right", "wrong", "not attempted", "not run", "check changed"
RETURNS_NONE, STOPS = "returns None", "stops"


def marks(notebook: nbformat.NotebookNode, todo: Sequence[Exercise]) -> dict[str, tuple[str, str]]:
    """For each exercise, by its name: one of the words above, and what the check said or what is wrong with it."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    replaced = {name for cell in cells for name in _bound(cell.source)}
    return {exercise.name: _changed(exercise, replaced) or _verdict(exercise, notebook) for exercise in todo}


def _changed(exercise: Exercise, replaced: set[str]) -> tuple[str, str] | None:
    """Whether the notebook defines a check, or `print`, anew."""
    for name in (exercise.check, "print"):
        if name in replaced:
            return CHANGED, f"{exercise.name}: the notebook defines its own {name}, so the verdict says nothing."
    return None


def asking_cell(notebook: nbformat.NotebookNode, exercise: Exercise) -> int | None:
    """The index of the last cell that asks the course's check, whose verdict counts."""
    cells = enumerate(notebook.cells)
    return max((i for i, cell in cells if cell.cell_type == "code" and _asks(cell.source, exercise)), default=None)


def _verdict(exercise: Exercise, notebook: nbformat.NotebookNode) -> tuple[str, str]:
    """What the last cell that asks the course's check says."""
    name, call = exercise.name, f"{exercise.check}({exercise.name})"
    asking = asking_cell(notebook, exercise)
    if asking is None:
        imports = f"from course_utils import {exercise.check}"
        return CHANGED, f"{name}: no cell has the line `{imports}` and ends with `{call}`, as it was handed out."
    outputs = notebook.cells[asking].outputs
    for output in outputs:
        if output.output_type == "error":
            return STOPS, f"{name}: the cell stops with {output.ename}: {output.evalue}"
    printed = "".join(output.text for output in outputs if output.get("name") == "stdout")
    verdicts = re.findall(r"^[✓✗○] .*(?:\n  .+)*", printed, re.MULTILINE)
    if not verdicts:
        return NOT_RUN, f"{name}: the cell was saved without a verdict."
    if len(verdicts) > 1:
        return CHANGED, f"{name}: the cell says {len(verdicts)} verdicts, and a check says one."
    return _mark(name, verdicts[0]), verdicts[0][2:]


def _mark(name: str, verdict: str) -> str:
    """Which kind of verdict it is; a check has one beginning for each."""
    kinds = {
        f"✓ {name} is right": RIGHT,
        f"○ {name}: not attempted": BLANK,
        f"✗ {name} returns None": RETURNS_NONE,
        f"✗ {name} stops with": STOPS,
    }
    return next((mark for beginning, mark in kinds.items() if verdict.startswith(beginning)), WRONG)


def _asks(source: str, exercise: Exercise) -> bool:
    """Whether a cell imports the check and ends by calling it, whatever stands between."""
    lines = [line.rstrip() for line in source.strip().splitlines()]
    imports = f"from course_utils import {exercise.check}"
    return imports in lines and lines[-1] == f"{exercise.check}({exercise.name})"


def _bound(source: str) -> Iterator[str]:
    """Names that a cell defines or assigns, anywhere in it; imports from the course are its own business."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a magic, or a slip of the student
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Import | ast.ImportFrom):
            ours = getattr(node, "module", None) == "course_utils"
            yield from (alias.asname or alias.name for alias in node.names if not ours or alias.asname)


def chapter(notebook: nbformat.NotebookNode) -> Path:
    """Which notebook of the course was handed in. Raises ValueError if none of its checks is in it."""
    source = "\n".join(cell.source for cell in notebook.cells)

    def in_common(path: Path) -> int:
        return sum(exercise.check in source for exercise in asked(path))

    best = max(NOTEBOOKS, key=in_common)
    if not in_common(best):
        raise ValueError("it holds no exercise of the course")
    return best
