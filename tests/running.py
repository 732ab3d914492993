"""What tests that run notebooks share: which there are, a copy of the checkout to run them in, and what they said."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PUBLIC_NAMES = re.findall(r" as (\w+)$", (ROOT / "course_utils" / "__init__.py").read_text(), re.MULTILINE)
"""What `from course_utils import …` offers, in the order in which a student meets it."""

GIT = ["git", "-c", "safe.directory=*", "-c", "user.name=test", "-c", "user.email=test@localhost"]

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def copy_checkout(folder):
    """Copy there what would be committed of the working tree."""
    listed = subprocess.run(
        [*GIT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def is_compared(cell):
    """Whether nbval compares what this cell prints."""
    return "nbval-ignore-output" not in cell.metadata.get("tags", [])


def printed(outputs):
    """The printed text of a cell, and of its pictures their words."""
    return "".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs)


def words(notebook):
    """The printed text of each cell that nbval compares, except the set-up."""
    return [printed(cell.outputs) for cell in code_cells(notebook)[1:] if is_compared(cell)]


def all_outputs(notebook):
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def errors(outputs):
    return [f"{output.ename}: {output.evalue}" for output in outputs if output.output_type == "error"]


def grumbles(outputs):
    """What was written to stderr."""
    return [output.text for output in outputs if output.get("name") == "stderr"]
