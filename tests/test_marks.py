"""What comes back is read without trust: which verdict a cell was saved with, and whether it is the course's."""

import pytest
from small_course import EXERCISE, RIGHT, SOLUTION, came_back, small_notebook

from course_utils import check_add_noise, check_mended_guided, check_mended_loop, right_or_ours
from teaching import marks
from teaching.exercises import exercises

ASKED = exercises(small_notebook())


def mark_of(*arguments, **options):
    (found,) = marks.marks(came_back(*arguments, **options), ASKED).values()
    return found


@pytest.mark.parametrize(
    ("attempt", "mark"),
    [
        (check_add_noise.right, marks.RIGHT),
        (lambda *given: ..., marks.BLANK),
        (lambda *given: None if given else 0, marks.RETURNS_NONE),
        (lambda *given: 1 / 0, marks.STOPS),
        (lambda x0, t, eps, schedule: x0, marks.WRONG),
    ],
)
def test_every_kind_of_verdict_has_its_mark(attempt, mark):
    verdict = check_add_noise.verdict(attempt)
    assert mark_of(RIGHT, verdict) == (mark, verdict[2:])


@pytest.mark.parametrize("check", [check_mended_loop, check_mended_guided])
def test_code_to_mend_counts_as_not_attempted_until_it_does_something_else(check, capsys):
    source = RIGHT.replace("add_noise", check.name)
    todo = exercises(small_notebook(source, SOLUTION.replace("add_noise", check.name)))
    for attempt, mark in ((check.given, marks.BLANK), (check.right, marks.RIGHT), (lambda *_: 0, marks.WRONG)):
        verdict = check.verdict(attempt)
        assert marks.marks(came_back(source, verdict), todo) == {check.name: (mark, verdict[2:])}
    assert right_or_ours(check, check.given) is check.right
    assert f"the package's {check.name}, until yours is right" in capsys.readouterr().out


def test_verdicts_are_read_from_the_outputs():
    assert mark_of(RIGHT, "✓ add_noise is right.") == (marks.RIGHT, "add_noise is right.")
    assert mark_of(EXERCISE, "○ add_noise: not attempted yet.")[0] == marks.BLANK
    assert mark_of(RIGHT, "hello", "✗ add_noise: the noise is missing.") == (
        marks.WRONG,
        "add_noise: the noise is missing.",
    )
    assert mark_of(RIGHT)[0] == marks.NOT_RUN
    assert mark_of(RIGHT, error="name 'x' is not defined") == (
        marks.STOPS,
        "add_noise: the cell stops with NameError: name 'x' is not defined",
    )


def test_a_verdict_of_two_lines_is_one_verdict():
    mark, said = mark_of(RIGHT, "✗ add_noise stops with RuntimeError: sizes", "  See .view(-1, 1, 1, 1).")
    assert mark == marks.STOPS
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
    assert mark == marks.CHANGED
    assert reason in said


def test_two_verdicts_in_one_cell_are_refused():
    mark, said = mark_of(RIGHT, "✓ add_noise is right.", "✗ add_noise: the noise is missing.")
    assert mark == marks.CHANGED
    assert "2 verdicts" in said


def test_a_magic_or_a_slip_elsewhere_does_not_matter():
    assert mark_of(RIGHT, "✓ add_noise is right.", more="!pip list\ndef f(:")[0] == marks.RIGHT
