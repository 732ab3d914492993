"""What came back: what the checks said in each student's notebook, as a table, and as files to keep or to give back.

By default nothing is run: the verdicts are read from the outputs that a notebook was saved with. Outputs can be faked,
and they can be older than the code above them. `--run` runs the exercises first, and what they need. That is code of
other people, and without a network it can still do whatever you can do to the files of this machine: use a container,
or an account where that does not matter. What runs can also print what it likes. So this helps people who work
together; it does not stop who cheats.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from course_utils.storage.files import any_console, write_whole

from .pages import answered, feedback, is_page
from .report import is_spreadsheet, report, spreadsheet
from .run import LIMIT
from .students import handed_in
from .work import Running, Work, default_points, look_at_all, read_points


def main(arguments: Sequence[str] | None = None) -> int:
    """Print who has solved what: a row for each notebook that came back."""
    any_console()
    given = _parser().parse_args(arguments)
    try:
        _require_run(given)
        files = handed_in(given.files)
        points = read_points(given.points) if given.points else default_points()
        _require_ours(given.csv, is_spreadsheet)
        _require_wish(given.csv, given.overwrite)
        _require_ours(given.answers, is_page)
    except (OSError, ValueError) as error:
        return _refuse(error)
    jobs = given.jobs or 1
    running = Running(jobs, given.limit or LIMIT, max(1, (os.cpu_count() or 1) // jobs)) if given.run else None
    seen = dict(zip(files, look_at_all(files, running), strict=True))
    works = [work for work in seen.values() if isinstance(work, Work)]
    unread = {file: error for file, error in seen.items() if isinstance(error, Exception)}
    print(report(works, unread, points, sys.stdout.encoding or "utf-8"))
    try:
        _write(_files(given, works, points))
    except OSError as error:
        return _refuse(error)
    return 1 if unread else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m teaching.grade", description=main.__doc__)
    parser.add_argument("files", nargs="+", metavar="notebook.ipynb", help="a notebook, a folder of them, or a pattern")
    parser.add_argument("--points", type=Path, metavar="FILE", help="what exercises count: a CSV file, exercise,points")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write a table with a row for each student")
    parser.add_argument("--overwrite", action="store_true", help="replace a table that --csv wrote earlier")
    parser.add_argument("--feedback", type=Path, metavar="FOLDER", help="write a page for each student")
    parser.add_argument("--answers", type=Path, metavar="FILE", help="write a page with all answers, by question")
    parser.add_argument("--run", action="store_true", help="run the students' code first; by default nothing is run")
    parser.add_argument("--jobs", type=_count, metavar="N", help="with --run: so many notebooks at once; 1 by default")
    parser.add_argument(
        "--limit", type=_count, metavar="SECONDS", help=f"with --run: for each cell; {LIMIT} by default"
    )
    return parser


def _count(word: str) -> int:
    """A number from 1 on."""
    if not (word.isascii() and word.isdigit() and int(word)):
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {word!r}")
    return int(word)


def _files(given: argparse.Namespace, works: Sequence[Work], points: Mapping[str, float]) -> dict[Path, str]:
    """What to write where. Raises FileExistsError where a page would replace a file of somebody else."""
    found = {given.csv: "\ufeff" + spreadsheet(works, points)} if given.csv else {}  # so Excel knows that it is UTF-8
    if given.answers:
        found[given.answers] = answered(works, points)
    for name, page in feedback(works, points).items() if given.feedback else ():
        found[given.feedback / name] = page
        _require_ours(given.feedback / name, is_page)
    return found


def _write(files: Mapping[Path, str]) -> None:
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode("utf-8", "backslashreplace"))


def _require_ours(path: Path | None, is_ours: Callable[[Path], bool]) -> None:
    """Raise FileExistsError where a file stands that this command did not write."""
    if path and os.path.lexists(path) and not is_ours(path):
        raise FileExistsError(f"'{path}' was not written by this command: move it away, or name another file")


def _require_run(given: argparse.Namespace) -> None:
    """Raise ValueError for options that say how to run what is not run."""
    if not given.run and (given.jobs or given.limit):
        raise ValueError("--jobs and --limit say how to run notebooks: add --run, or leave them out and nothing is run")


def _require_wish(table: Path | None, overwrite: bool) -> None:
    """Raise FileExistsError where a table stands that nobody wished to replace."""
    if table and table.exists() and not overwrite:
        raise FileExistsError(f"'{table}' may hold corrections of yours: name another file, or add --overwrite")


def _refuse(error: Exception) -> int:
    print(f"grade: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
