"""What came back: what the checks said in each student's notebook, as a table.

By default nothing is run: the verdicts are read from the outputs that a notebook was saved with. Outputs can be faked,
and they can be older than the code above them. `--run` runs the notebooks first, from top to bottom. That is code of
other people, and it can do whatever you can do on this machine: use a container, or an account where that does not
matter. What runs can also print what it likes. So this helps people who work together; it does not stop who cheats.
"""

import argparse
import ast
import os
import re
import sys
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from glob import glob
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from tqdm import tqdm

from course_utils.storage.files import any_console

from .exercises import NOTEBOOKS, Exercise, asked

RIGHT, WRONG, BLANK, NOT_RUN, CHANGED = "right", "wrong", "not attempted", "not run", "check changed"
RETURNS_NONE, STOPS = "returns None", "stops"


def marks(notebook: nbformat.NotebookNode, todo: Sequence[Exercise]) -> dict[str, tuple[str, str]]:
    """For each exercise, by its name: one of the words above, and what the check said or what is wrong with it."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    replaced = {name for cell in cells for name in _bound(cell.source)}
    return {exercise.name: _changed(exercise, replaced) or _verdict(exercise, cells) for exercise in todo}


def _changed(exercise: Exercise, replaced: set[str]) -> tuple[str, str] | None:
    """Whether the notebook defines a check, or `print`, anew."""
    for name in (exercise.check, "print"):
        if name in replaced:
            return CHANGED, f"{exercise.name}: the notebook defines its own {name}, so the verdict says nothing."
    return None


def _verdict(exercise: Exercise, cells: Sequence[nbformat.NotebookNode]) -> tuple[str, str]:
    """What the last cell that asks the course's check says."""
    name, call = exercise.name, f"{exercise.check}({exercise.name})"
    asking = [cell for cell in cells if _asks(cell.source, exercise)]
    if not asking:
        imports = f"from course_utils import {exercise.check}"
        return CHANGED, f"{name}: no cell has the line `{imports}` and ends with `{call}`, as it was handed out."
    for output in asking[-1].outputs:
        if output.output_type == "error":
            return STOPS, f"{name}: the cell stops with {output.ename}: {output.evalue}"
    printed = "".join(output.text for output in asking[-1].outputs if output.get("name") == "stdout")
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


def handed_in(words: Sequence[str]) -> list[Path]:
    """The notebooks that the words of a command line mean, each once, in their order.

    Args:
        words: files; folders, which stand for all notebooks in them; and patterns that no shell has expanded.

    Raises FileNotFoundError for a word that means no file, and for a folder without a notebook.
    """
    return list(dict.fromkeys(file for word in words for path in _meant(word) for file in _notebooks(path)))


def _meant(word: str) -> list[Path]:
    """The file of this name; only where there is none, what it matches as a pattern: names may hold brackets."""
    found = [word] if os.path.lexists(word) else sorted(glob(word, recursive=True))
    if not found:
        wanted = "name notebooks, a folder of them, or a pattern such as handed-in/*.ipynb"
        raise FileNotFoundError(f"nothing matches '{word}': {wanted}")
    return [Path(name) for name in found]


def _notebooks(path: Path) -> list[Path]:
    """A file itself, or the notebooks in a folder, without those that editors and archives hide there."""
    if not path.is_dir():
        return [path]
    inside = (file.relative_to(path) for file in sorted(path.rglob("*.ipynb")) if not file.is_dir())
    found = [path / file for file in inside if not any(part.startswith(".") for part in file.parts)]
    if not found:
        raise FileNotFoundError(f"'{path}' holds no notebook: name a folder with at least one file *.ipynb")
    return found


def report(files: Sequence[Path], run: bool = False, encoding: str = "utf-8") -> tuple[str, bool]:
    """A table for each chapter, a row for each file, and below them what is wrong, in the words of the checks.

    Args:
        files: the notebooks.
        run: run them first.
        encoding: that of the console, so that columns stand below each other even where letters become escapes.

    Returns the text, and whether it has a row for every file: what cannot be read is left out with a remark.
    """
    tables: dict[Path, list[list[str]]] = {}
    remarks: list[str] = []
    complete = True
    for file in tqdm(files, delay=2, leave=False):
        name = visible(str(file), encoding)
        try:
            path, found = look_at(file, run)
        except Exception as error:  # whatever a stranger's file may be, the others are read
            complete = False
            remarks.append(f"{name} was left out: {type(error).__name__}: {' '.join(str(error).split())[:200]}")
            continue
        rows = tables.setdefault(path, [[path.stem, *found]])
        rows.append([name, *(mark for mark, _ in found.values())])
        remarks += [
            f"{name}, {verdict}" for mark, verdict in found.values() if mark in (WRONG, RETURNS_NONE, STOPS, CHANGED)
        ]
    shown = ("\n".join(visible(line, encoding) for line in remark.split("\n")) for remark in remarks)
    return "\n\n".join([*map(aligned, tables.values()), *shown]), complete


def look_at(file: Path, run: bool) -> tuple[Path, dict[str, tuple[str, str]]]:
    """The chapter that a file belongs to, and the marks of its exercises."""
    notebook = nbformat.reads(file.read_text(encoding="utf-8-sig"), as_version=4)  # with a byte-order mark or without
    path = chapter(notebook)
    if run:
        with tempfile.TemporaryDirectory() as elsewhere:
            where = {"metadata": {"path": elsewhere}}
            NotebookClient(notebook, timeout=600, allow_errors=True, kernel_name="python3", resources=where).execute()
    return path, marks(notebook, asked(path))


def visible(line: str, encoding: str) -> str:
    """A line with escapes for what a console of this encoding cannot show, and for what would steer a terminal."""
    steering = ("Cc", "Cf", "Cs", "Zl", "Zp")  # control, format and half characters, ends of lines and paragraphs
    safe = (c.encode("unicode_escape").decode() if unicodedata.category(c) in steering else c for c in line)
    return "".join(safe).encode(encoding, "backslashreplace").decode(encoding)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """A table of words, one column below the other."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = (
        "   ".join(word + " " * (width - _width(word)) for word, width in zip(row, widths, strict=True)) for row in rows
    )
    return "\n".join(map(str.rstrip, lines))


def _width(word: str) -> int:
    """How many places a word takes in a terminal: Chinese letters take two, accents none."""
    composed = unicodedata.normalize("NFC", word)  # some systems take letters apart, é into e and its accent
    letters = [c for c in composed if unicodedata.category(c) not in ("Mn", "Me")]
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in letters)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print who has solved what: a row for each notebook that came back."""
    any_console()
    parser = argparse.ArgumentParser(prog="python -m teaching.grade", description=main.__doc__)
    parser.add_argument("files", nargs="+", metavar="notebook.ipynb", help="a notebook, a folder of them, or a pattern")
    parser.add_argument("--run", action="store_true", help="run the students' code first; by default nothing is run")
    given = parser.parse_args(arguments)
    try:
        files = handed_in(given.files)
    except OSError as error:
        print(f"grade: {error}", file=sys.stderr)
        return 2
    text, complete = report(files, given.run, sys.stdout.encoding or "utf-8")
    print(text)
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
