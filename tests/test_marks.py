"""What comes back is read without trust: which verdict a cell was saved with, and whether it is the course's."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from small_course import EXERCISE, RIGHT, SOLUTION, came_back, small_notebook

from course_utils import check_add_noise, check_mended_guided, check_mended_loop, right_or_ours
from teaching import grade
from teaching.exercises import NOTEBOOKS, asked, exercises

ASKED = exercises(small_notebook())


def mark_of(*arguments, **options):
    (found,) = grade.marks(came_back(*arguments, **options), ASKED).values()
    return found


@pytest.mark.parametrize(
    ("attempt", "mark"),
    [
        (check_add_noise.right, grade.RIGHT),
        (lambda *given: ..., grade.BLANK),
        (lambda *given: None if given else 0, grade.RETURNS_NONE),
        (lambda *given: 1 / 0, grade.STOPS),
        (lambda x0, t, eps, schedule: x0, grade.WRONG),
    ],
)
def test_every_kind_of_verdict_has_its_mark(attempt, mark):
    verdict = check_add_noise.verdict(attempt)
    assert mark_of(RIGHT, verdict) == (mark, verdict[2:])


@pytest.mark.parametrize("check", [check_mended_loop, check_mended_guided])
def test_code_to_mend_counts_as_not_attempted_until_it_does_something_else(check, capsys):
    source = RIGHT.replace("add_noise", check.name)
    todo = exercises(small_notebook(source, SOLUTION.replace("add_noise", check.name)))
    for attempt, mark in ((check.given, grade.BLANK), (check.right, grade.RIGHT), (lambda *_: 0, grade.WRONG)):
        verdict = check.verdict(attempt)
        assert grade.marks(came_back(source, verdict), todo) == {check.name: (mark, verdict[2:])}
    assert right_or_ours(check, check.given) is check.right
    assert f"the package's {check.name}, until yours is right" in capsys.readouterr().out


def test_verdicts_are_read_from_the_outputs():
    assert mark_of(RIGHT, "✓ add_noise is right.") == (grade.RIGHT, "add_noise is right.")
    assert mark_of(EXERCISE, "○ add_noise: not attempted yet.")[0] == grade.BLANK
    assert mark_of(RIGHT, "hello", "✗ add_noise: the noise is missing.") == (
        grade.WRONG,
        "add_noise: the noise is missing.",
    )
    assert mark_of(RIGHT)[0] == grade.NOT_RUN
    assert mark_of(RIGHT, error="name 'x' is not defined") == (
        grade.STOPS,
        "add_noise: the cell stops with NameError: name 'x' is not defined",
    )


def test_a_verdict_of_two_lines_is_one_verdict():
    mark, said = mark_of(RIGHT, "✗ add_noise stops with RuntimeError: sizes", "  See .view(-1, 1, 1, 1).")
    assert mark == grade.STOPS
    assert said.endswith("sizes\n  See .view(-1, 1, 1, 1).")


@pytest.mark.parametrize(
    ("source", "more", "reason"),
    [
        (RIGHT.replace("\ncheck_add_noise(add_noise)", ""), "", "no cell has the line"),
        (RIGHT.replace("(add_noise)", "(schedule.add_noise)"), "", "no cell has the line"),
        (RIGHT.replace("from course_utils", "from mine"), "", "its own check_add_noise"),
        (RIGHT, "def check_add_noise(f): ...", "its own check_add_noise"),
        (RIGHT, "check_add_noise = lambda f: 0", "its own check_add_noise"),
        (RIGHT, "from mine import check_add_noise", "its own check_add_noise"),
        (RIGHT, "from course_utils import check_slerp as check_add_noise", "its own check_add_noise"),
        (RIGHT, "import builtins\nprint = builtins.exit", "its own print"),
    ],
)
def test_a_check_that_was_changed_is_refused_whatever_it_says(source, more, reason):
    mark, said = mark_of(source, "✓ add_noise is right.", more=more)
    assert mark == grade.CHANGED
    assert reason in said


def test_two_verdicts_in_one_cell_are_refused():
    mark, said = mark_of(RIGHT, "✓ add_noise is right.", "✗ add_noise: the noise is missing.")
    assert mark == grade.CHANGED
    assert "2 verdicts" in said


def test_a_magic_or_a_slip_elsewhere_does_not_matter():
    assert mark_of(RIGHT, "✓ add_noise is right.", more="!pip list\ndef f(:")[0] == grade.RIGHT


def test_the_report_is_a_table_with_reasons_below(tmp_path):
    ana, ben = tmp_path / "ana.ipynb", tmp_path / "ben.ipynb"
    nbformat.write(came_back(RIGHT, "✓ add_noise is right."), ana)
    nbformat.write(came_back(RIGHT, "✗ add_noise: the noise is missing."), ben)
    text, complete = grade.report([ana, ben])
    table, *reasons = text.split("\n\n")
    words = [re.split(" {3,}", line) for line in table.splitlines()]
    names = [exercise.name for exercise in asked(NOTEBOOKS[0])]
    assert words == [
        ["01_intuition", *names],
        [str(ana), *(grade.RIGHT if name == "add_noise" else grade.CHANGED for name in names)],
        [str(ben), *(grade.WRONG if name == "add_noise" else grade.CHANGED for name in names)],
    ]
    assert f"{ben}, add_noise: the noise is missing." in reasons
    assert len(reasons) == 2 * len(names) - 1
    assert complete


def test_what_is_no_notebook_of_the_course_is_left_out_and_the_others_are_read(tmp_path):
    files = [tmp_path / name for name in ("list.txt", "other.ipynb", "gone.ipynb", "ana.ipynb")]
    files[0].write_text("eggs, milk")
    nbformat.write(new_notebook(cells=[new_code_cell("1 + 1")]), files[1])
    nbformat.write(came_back(RIGHT, "✓ add_noise is right."), files[3])
    said, complete = grade.report(files)
    assert re.findall(r"(\w+\.\w+) was left out", said) == ["list.txt", "other.ipynb", "gone.ipynb"]
    assert "ValueError: it holds no exercise of the course" in said
    assert grade.RIGHT in said
    assert not complete


def test_students_code_runs_only_when_asked_for(tmp_path):
    trace = tmp_path / "trace"
    forged = came_back(RIGHT, "✗ add_noise: forged.", more=f"open({str(trace)!r}, 'w').close()")
    nbformat.write(forged, tmp_path / "ana.ipynb")
    assert "wrong" in grade.report([tmp_path / "ana.ipynb"])[0]
    assert not trace.exists()
    assert "right" in grade.report([tmp_path / "ana.ipynb"], run=True)[0]
    assert trace.exists()
