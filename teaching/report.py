"""What all students did, in one place: a table for the console, and one for a spreadsheet."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from .console import aligned, visible
from .exercises import asked
from .marks import CHANGED, RETURNS_NONE, STOPS, WRONG
from .students import look_alike
from .work import Points, Work, by_student

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet may take for a formula."""

LAST = ["points", "of"]
"""The last columns of a spreadsheet, by which we know our own."""


def report(works: Sequence[Work], unread: Mapping[Path, Exception], points: Points, encoding: str = "utf-8") -> str:
    """A table for each chapter, a row for each file, one with totals, and below them what is wrong.

    Args:
        works: what was read.
        unread: what could not be read, and why.
        points: what each exercise counts.
        encoding: that of the console, so that columns stand below each other even where letters become escapes.
    """
    tables: dict[Path, list[list[str]]] = {}
    remarks = [
        f"{file} was left out: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
        for file, error in unread.items()
    ]
    remarks += [f"Counted as different students: {', '.join(names)}" for names in look_alike(by_student(works, points))]
    for work in works:
        rows = tables.setdefault(work.chapter, [[work.chapter.stem, *work.found, "points"]])
        total = f"{work.points(points):g} of {work.out_of(points):g}"
        rows.append([visible(str(work.file), encoding), *(mark for mark, _ in work.found.values()), total])
        bad = (said for mark, said in work.found.values() if mark in (WRONG, RETURNS_NONE, STOPS, CHANGED))
        remarks += [f"{work.file}, {said}" for said in bad]
    if len(tables) > 1:
        tables[Path()] = _totals(works, points, encoding)
    shown = ("\n".join(visible(line, encoding) for line in remark.split("\n")) for remark in remarks)
    return "\n\n".join([*map(aligned, tables.values()), *shown])


def _totals(works: Sequence[Work], points: Points, encoding: str) -> list[list[str]]:
    """A row for each student with the points of each chapter; what was not handed in counts nothing."""
    chapters = sorted({work.chapter for work in works})
    rows = [["student", *(path.stem for path in chapters), "points"]]
    for name, done in by_student(works, points).items():
        each = [f"{done[path].points(points):g}" if path in done else "–" for path in chapters]
        rows.append([visible(name, encoding), *each, f"{total(done, points):g} of {out_of(chapters, points):g}"])
    return rows


def total(done: Mapping[Path, Work], points: Points) -> float:
    """The points of a student, over all chapters."""
    return sum(work.points(points) for work in done.values())


def out_of(chapters: Sequence[Path], points: Points) -> float:
    """What all exercises of these chapters count."""
    return sum(points[exercise.name] for path in chapters for exercise in asked(path))


def spreadsheet(works: Sequence[Work], points: Points) -> str:
    """A table with a row for each student: a mark for each exercise, the points of each chapter, and their sum."""
    chapters = sorted({work.chapter for work in works})
    header = ["student"]
    for path in chapters:
        header += [*(f"{path.stem[:2]} {exercise.name}" for exercise in asked(path)), f"{path.stem[:2]} points"]
    rows = [[*header, *LAST]]
    for name, done in by_student(works, points).items():
        row = [name]
        for path in chapters:
            row += [done[path].found[exercise.name][0] if path in done else "" for exercise in asked(path)]
            row.append(f"{done[path].points(points):g}" if path in done else "")
        rows.append([*row, f"{total(done, points):g}", f"{out_of(chapters, points):g}"])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[harmless(cell) for cell in row] for row in rows])
    return text.getvalue()


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: it begins with an apostrophe if it might."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def is_spreadsheet(path: Path) -> bool:
    """Whether a file is a table that `spreadsheet` wrote."""
    try:
        header = path.read_text(encoding="utf-8-sig").partition("\n")[0].split(",")
    except (OSError, ValueError):
        return False
    return header[0] == "student" and header[-2:] == LAST
