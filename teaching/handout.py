"""Notebooks to hand out: the same ones without solutions, without answers and without outputs.

What a solution defined is replaced by a line that goes on with the student's own function once its check is satisfied,
and with the package's until then. So a handout runs from top to bottom from the first minute on. Outputs are cleared: a
prediction is worth something only before one has seen the picture.
"""

import ast
import copy
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat

from .exercises import NOTEBOOKS, Exercise, exercises

ANSWER = "*Your answer, in a sentence or two:*"
GO_ON = """\
# Nothing to do here. Your {name} goes on as soon as its check says ✓; until then the package's stands in.
from course_utils import right_or_ours

{name} = right_or_ours({check}, {name})
"""


def handout(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy of a notebook for students: exercises and checks stay, solutions and folded answers go."""
    given = copy.deepcopy(notebook)
    given.metadata.pop("widgets", None)
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
        else:
            cell.source = without_answers(cell.source)
        kept.append(cell)
    given.cells = kept
    return given


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
    """Room for an answer where one was folded; no notes for the lecturer; no badge, which would open the solutions.

    What else is folded, hints and derivations, stays.
    """
    prose = re.sub(r"<details><summary>Answer</summary>.*?</details>", ANSWER, prose, flags=re.DOTALL)
    prose = re.sub(r"\n*<!--.*?-->", "", prose, flags=re.DOTALL)
    return re.sub(r"\n*\[!\[Open in Colab\].*", "", prose)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write handout/NN_name.ipynb for each notebook, or into the folder that is named."""
    (folder,) = map(Path, sys.argv[1:] if arguments is None else arguments)
    folder.mkdir(parents=True, exist_ok=True)
    for path in NOTEBOOKS:
        unfinished = folder / f"{path.name}.part"
        nbformat.write(handout(nbformat.read(path, as_version=4)), unfinished)
        unfinished.replace(folder / path.name)
        print(folder / path.name)


if __name__ == "__main__":
    main()
