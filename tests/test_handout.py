"""What is handed out holds no solution and still runs; what comes back is read without trust."""

import ast
import builtins
import copy
import re
import symtable

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from running import each_notebook

import course_utils
from course_utils import check_add_noise, check_mended_guided, check_mended_loop, right_or_ours
from course_utils.exercises.exercise import Exercise
from teaching import grade
from teaching.exercises import NOTEBOOKS, asked, exercises
from teaching.handout import ANSWER, handout, main, without_answers

EXERCISE = """\
from course_utils import check_add_noise


def add_noise(x0, t, eps, schedule):
    return ...  # your code


check_add_noise(add_noise)"""

RIGHT = EXERCISE.replace("...  # your code", "schedule.add_noise(x0, t, eps)")

SOLUTION = """\
# @title Solution 1
from course_utils import show_images


@torch.no_grad()
def add_noise(x0, t, eps, schedule):
    secret = schedule.alpha_bar[t]
    return secret * x0


check_add_noise(add_noise)
shown = add_noise(bob, t, eps, schedule)  # this stays"""


def read(path):
    return nbformat.read(path, as_version=4)


def small_notebook(stub=EXERCISE, solution=SOLUTION):
    """A notebook with one exercise, as a student first sees it: run, and not attempted."""
    said = [new_output("stream", name="stdout", text="○ add_noise: not attempted yet.\n")]
    return new_notebook(
        cells=[
            new_markdown_cell("### Exercise 1 · The jump (easy, 5 minutes)\n\nWrite it."),
            new_code_cell(stub, metadata={"tags": ["exercise"], "slideshow": {"slide_type": "skip"}}, outputs=said),
            new_markdown_cell("Folded below: one way to write it."),
            new_code_cell(solution, metadata={"tags": ["solution"], "slideshow": {"slide_type": "skip"}}),
            new_markdown_cell("**Think.** Why?\n\n<details><summary>Answer</summary>\n\nBecause.\n</details>"),
        ]
    )


ASKED = exercises(small_notebook())


def came_back(source, *printed, error=None, more=""):
    """A student's notebook whose exercise cell was saved with these outputs."""
    outputs = [new_output("stream", name="stdout", text=f"{line}\n") for line in printed]
    if error:
        outputs.append(new_output("error", ename="NameError", evalue=error, traceback=[]))
    return new_notebook(cells=[new_code_cell(more), new_code_cell(source, outputs=outputs)])


def mark_of(*arguments, **options):
    (found,) = grade.marks(came_back(*arguments, **options), ASKED).values()
    return found


def test_an_exercise_is_read_from_its_heading_its_check_and_its_solution():
    (one,) = ASKED
    assert (one.title, one.difficulty, one.minutes) == ("The jump", "easy", 5)
    assert (one.name, one.check, one.solution) == ("add_noise", "check_add_noise", SOLUTION)


@pytest.mark.parametrize("missing", [0, 3])
def test_an_exercise_without_heading_or_solution_is_an_error(missing):
    notebook = small_notebook()
    notebook.cells[missing] = new_markdown_cell("Nothing.")
    with pytest.raises(ValueError, match="needs a heading, a check and a solution"):
        exercises(notebook)


def test_a_solution_goes_and_what_it_shows_stays():
    before = small_notebook()
    whole = copy.deepcopy(before)
    _, exercise, stand_in, think = handout(before).cells
    assert before == whole, "the notebook itself is left alone"
    assert exercise.source == EXERCISE
    assert "secret" not in stand_in.source
    assert "no_grad" not in stand_in.source
    assert "Solution" not in stand_in.source
    assert "add_noise = right_or_ours(check_add_noise, add_noise)" in stand_in.source
    assert "show_images" in stand_in.source
    assert "shown = add_noise(bob, t, eps, schedule)  # this stays" in stand_in.source
    assert "tags" not in stand_in.metadata
    assert not exercise.outputs
    assert think.source == f"**Think.** Why?\n\n{ANSWER}"


def test_notes_for_the_lecturer_go():
    assert without_answers("## 1 · Ink\n\n<!-- Lecture, 4 minutes.\nAsk. -->\n\nA drop.") == "## 1 · Ink\n\nA drop."


def test_the_badge_goes_because_it_opens_the_solutions():
    badge = "[![Open in Colab](https://colab.example/badge.svg)](https://colab.example/nb.ipynb)"
    assert without_answers(f"# Title\n\nA promise.\n\n{badge}") == "# Title\n\nA promise."


@each_notebook
def test_a_handout_is_a_notebook_without_solutions_answers_or_outputs(path):
    whole, given = read(path), handout(read(path))
    nbformat.validate(given)
    assert "widgets" not in given.metadata
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in given.cells)
    text = "\n".join(cell.source for cell in given.cells)
    assert "<summary>Answer" not in text
    assert "colab.research" not in text
    assert "<!--" not in text
    assert "olded below" not in text
    assert text.count(ANSWER) == sum(cell.source.count("<summary>Answer") for cell in whole.cells) >= 2
    assert text.count("<summary>Hint") == sum(cell.source.count("<summary>Hint") for cell in whole.cells) >= 1
    shown = {line.strip() for cell in whole.cells if "solution" not in tags_of(cell) for line in lines_of(cell)}
    left = {line.strip() for cell in given.cells for line in lines_of(cell)}
    for exercise in exercises(whole):
        secret = {line.strip() for line in definition(exercise)} - shown  # a later cell may teach it once more
        assert secret
        assert not secret & left


@each_notebook
def test_a_handout_keeps_every_exercise_and_goes_on_behind_it(path):
    whole, given = read(path), handout(read(path))
    stubs = [i for i, cell in enumerate(given.cells) if "exercise" in tags_of(cell)]
    for i, exercise in zip(stubs, exercises(whole), strict=True):
        assert given.cells[i - 1].source.startswith(f"### {exercise.heading}")
        assert given.cells[i].source == exercise.stub
        assert f"{exercise.name} = right_or_ours({exercise.check}, {exercise.name})" in given.cells[i + 1].source
        assert isinstance(getattr(course_utils, exercise.check), Exercise)


@each_notebook
def test_every_name_in_a_handout_is_defined_before_it_is_used(path):
    defined = {*dir(builtins), "get_ipython"}
    for cell in handout(read(path)).cells:
        if cell.cell_type == "code":
            table = symtable.symtable(cell.source, "cell", "exec")
            defined |= {
                symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()
            }
            assert not used(table) - defined, cell.source


def test_the_command_writes_every_handout(tmp_path, capsys):
    main([str(tmp_path / "new")])
    written = sorted((tmp_path / "new").iterdir())
    assert [path.name for path in written] == [path.name for path in NOTEBOOKS]
    assert capsys.readouterr().out.split() == [str(path) for path in written]
    assert read(written[0]).cells == handout(read(NOTEBOOKS[0])).cells


def test_the_students_function_goes_on_when_it_is_right_and_ours_until_then(capsys):
    def right(x0, t, eps, schedule):
        return schedule.add_noise(x0, t, eps)

    assert right_or_ours(check_add_noise, right) is right
    assert capsys.readouterr().out == "✓ The cells below use your add_noise.\n"
    for attempt in (lambda *given: ..., lambda x0, t, eps, schedule: x0, lambda: None):
        assert right_or_ours(check_add_noise, attempt) is check_add_noise.right
        assert capsys.readouterr().out == "○ The cells below use the package's add_noise, until yours is right.\n"


def test_only_checks_of_the_course_have_stand_ins():
    with pytest.raises(ValueError, match="check must be one of the course's, got 'print'"):
        right_or_ours(print, lambda: None)


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


def test_a_handout_keeps_code_to_mend_as_it_was_handed_out():
    stub = RIGHT.replace("schedule.add_noise(x0, t, eps)", "schedule.add_noise(x0, t - 1, eps)  # a stranger's")
    _, exercise, stand_in, _ = handout(small_notebook(stub)).cells
    assert exercise.source == stub
    assert "add_noise = right_or_ours(check_add_noise, add_noise)" in stand_in.source
    assert "secret" not in stand_in.source


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


def tags_of(cell):
    return cell.metadata.get("tags", [])


def lines_of(cell):
    return cell.source.splitlines() if cell.cell_type == "code" else []


def definition(exercise):
    """The lines of a solution that answer its exercise."""
    (node,) = (node for node in ast.parse(exercise.solution).body if getattr(node, "name", None) == exercise.name)
    return exercise.solution.splitlines()[node.body[0].lineno - 1 : node.end_lineno]


def used(table):
    """Names that a cell looks up outside itself or its functions."""
    at_top = table.get_type() == "module"
    names = {s.get_name() for s in table.get_symbols() if s.is_referenced() and (at_top or s.is_global())}
    return names.union(*map(used, table.get_children()))
