"""What one student did in one notebook, and what that counts."""

import csv
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
from tqdm import tqdm

from .exercises import NOTEBOOKS, asked
from .marks import RIGHT, chapter, marks
from .questions import answers
from .run import LIMIT, run
from .students import root_of, student

Points = Mapping[str, float]
"""What each exercise counts, by its name."""


@dataclass(frozen=True)
class Work:
    """A notebook that came back.

    Attributes:
        file: where it lies.
        student: who handed it in.
        chapter: the notebook that was handed out.
        found: for each exercise, by its name, its mark and what the check said.
        answers: what the student wrote, by the name of the question.
    """

    file: Path
    student: str
    chapter: Path
    found: Mapping[str, tuple[str, str]]
    answers: Mapping[str, str]

    def points(self, points: Points) -> float:
        """What its right exercises count together."""
        return sum(points[name] for name, (mark, _) in self.found.items() if mark == RIGHT)

    def out_of(self, points: Points) -> float:
        """What all its exercises count together."""
        return sum(points[name] for name in self.found)


@dataclass(frozen=True)
class Running:
    """How to run what came back: so many notebooks at once, and no cell for longer than so many seconds."""

    jobs: int = 1
    limit: int = LIMIT
    threads: int = 1


def look_at(file: Path, root: Path, running: Running | None = None) -> Work:
    """Read one notebook, and run it first if that is wanted. Raises ValueError if it is none of the course's."""
    notebook = nbformat.reads(file.read_text(encoding="utf-8-sig"), as_version=4)  # with a byte-order mark or without
    path = chapter(notebook)
    if running:
        run(notebook, asked(path), running.limit, running.threads)
    who = student(file, notebook, root)
    return Work(file, who, path, marks(notebook, asked(path)), answers(notebook))


def look_at_all(files: Sequence[Path], running: Running | None = None) -> list[Work | Exception]:
    """Read all notebooks, in their order; for those that cannot be read, the reason."""
    root = root_of(files)

    def one(file: Path) -> Work | Exception:
        try:
            return look_at(file, root, running)
        except Exception as error:  # whatever a stranger's file may be, the others are read
            return error

    with ThreadPoolExecutor(running.jobs if running else 1) as pool:
        return list(tqdm(pool.map(one, files), total=len(files), delay=2, leave=False))


def by_student(works: Sequence[Work], points: Points) -> dict[str, dict[Path, Work]]:
    """For each student, by name, the work on each chapter; if it was handed in twice, the better one.

    Ana and ana are one student, under the name that comes first.
    """
    found: dict[str, dict[Path, Work]] = {}
    names: dict[str, str] = {}
    for work in sorted(works, key=lambda work: (work.student.casefold(), work.chapter)):
        chapters = found.setdefault(names.setdefault(work.student.casefold(), work.student), {})
        if work.chapter not in chapters or work.points(points) > chapters[work.chapter].points(points):
            chapters[work.chapter] = work
    return found


def default_points() -> dict[str, float]:
    """What the exercises of the course count by their difficulty."""
    return {exercise.name: float(exercise.points) for path in NOTEBOOKS for exercise in asked(path)}


def read_points(path: Path) -> dict[str, float]:
    """What exercises count, from a table with the columns `exercise` and `points`; those that it leaves out, as usual.

    Raises ValueError for a table without these columns or with semicolons between them, an exercise that the course
    does not have, and points that are no number of at least 0.
    """
    points = default_points()
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if ";" in "".join(rows.fieldnames or ()):
            raise ValueError(f"'{path}' must be separated by commas, as in exercise,points, and not by semicolons")
        if not {"exercise", "points"} <= set(rows.fieldnames or ()):
            raise ValueError(f"'{path}' must have the columns exercise,points; got {','.join(rows.fieldnames or ())!r}")
        for row in rows:
            name, number = (row["exercise"] or "").strip(), _number(row["points"])
            if name not in points:
                raise ValueError(f"'{path}': the course has no exercise {name!r}; it has {', '.join(points)}")
            if number is None:
                raise ValueError(f"'{path}': points must be a number of at least 0, got {row['points']!r} for {name}")
            points[name] = number
    return points


def _number(word: str | None) -> float | None:
    try:
        number = float(word or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
