"""What is handed out holds no solution, gives no prediction away, and still runs."""

import ast
import builtins
import copy
import re
import symtable

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from running import each_notebook
from small_course import EXERCISE, RIGHT, SOLUTION, small_notebook

import course_utils
from course_utils import check_add_noise, right_or_ours
from course_utils.exercises.exercise import Exercise
from teaching.exercises import NOTEBOOKS, exercises
from teaching.handout import handout, main, without_answers
from teaching.questions import ANSWER, asks, pieces, questions


def read(path):
    return nbformat.read(path, as_version=4)


ASKED = exercises(small_notebook())


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
    _, exercise, stand_in, think, answer = handout(before).cells
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
    assert (think.source, answer.source) == ("**Think.** Why?", ANSWER)


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
    folded = sum(cell.source.count("<summary>Answer") for cell in whole.cells)
    assert sum(question.points for question in questions(whole)) >= folded >= 2
    assert text.count(ANSWER) == len(questions(whole))
    assert text.count("<details>") == text.count("</details>")
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


FOLD = "<details><summary>What we see</summary>\n\n{}\n\n</details>"


def prose(*sources):
    """The prose of a handout, of a notebook with this prose, and with code where None stands."""
    cells = [new_code_cell("show()") if source is None else new_markdown_cell(source) for source in sources]
    return [cell.source for cell in handout(new_notebook(cells=cells)).cells if cell.cell_type == "markdown"]


def test_what_came_of_a_prediction_is_folded_up_to_the_next_heading_or_question():
    given = prose("Before.", "**Predict.** Up?", "Wait.", None, "Up.", "By 2.", None, "And down.", "### Next", "Shown.")
    told = FOLD.format("Up.\n\nBy 2.")
    assert given == [
        "Before.",
        "**Predict.** Up?",
        ANSWER,
        "Wait.",
        told,
        FOLD.format("And down."),
        "### Next",
        "Shown.",
    ]


@pytest.mark.parametrize("lead", ["**Think.** Why?", "**Question.** Why?", "**Try it.** Again.", "## 2 · Why?"])
def test_a_question_or_a_heading_in_the_same_cell_stays_in_sight(lead):
    _, _, told, *_ = prose("**Predict.** Up?", None, f"Up.\n\n{lead}\n\nMore.", "Shown.")
    assert told == f"{FOLD.format('Up.')}\n\n{lead}\n\nMore."


@pytest.mark.parametrize("lead", ["**Think.** Why?", "**Try it.** Again.", "### 2"])
def test_after_another_task_or_a_heading_nothing_is_folded(lead):
    given = prose("**Predict.** Up?", None, f"Up.\n\n{lead}", None, "Shown.", "**Question.** Why?", None, "So.")
    assert given[-3:] == ["Shown.", "**Question.** Why?", "So."]


def test_what_a_later_question_shows_is_folded_too_but_not_what_leads_to_it():
    given = prose("**Predict.** Up?", None, "Up.\n\n**Question.** Why?\n\nLook.", "Once more.", None, "So.")
    assert given[-2:] == ["Once more.", FOLD.format("So.")]
    assert prose("**Predict.** Up?", "**Question.** Why?", None, "So.")[-1] == FOLD.format("So.")


def test_what_belongs_to_a_picture_or_to_a_formula_is_not_folded():
    (_, _, *told) = prose(
        "**Predict.** Up?", None, "(White is 1.)\n\nUp.\n\nIn short,\n\n$$a \\tag{1}$$\n\nwith a.", "So b."
    )
    assert told == [f"(White is 1.)\n\n{FOLD.format('Up.')}\n\nIn short,\n\n$$a \\tag{{1}}$$\n\nwith a.", "So b."]


def test_the_sentence_that_leads_to_a_formula_is_not_folded_even_in_another_cell():
    given = prose("**Predict.** Up?", None, "Up.\n\nIn short,", "$$a$$\n\nwith a.", "So b.")
    assert given[2:] == [f"{FOLD.format('Up.')}\n\nIn short,", "$$a$$\n\nwith a.", "So b."]
    assert prose("**Predict.** Up?", None, "In short,", "$$a$$")[2:] == ["In short,", "$$a$$"]
    given = prose("**Predict.** Up?", None, "Up.", "There is a way.", "It is\n$$a$$")
    assert given[2:] == [f"{FOLD.format('Up.')}\n\nThere is a way.", "It is\n$$a$$"]


def test_of_a_paragraph_that_begins_with_brackets_only_these_stay_in_sight():
    told = prose("**Predict.** Up?", None, "(White (or grey) is 1.) Up (by 2).\n\n(Or 3.)")[-1]
    assert told == "(White (or grey) is 1.)\n\n" + FOLD.format("Up (by 2).\n\n(Or 3.)")
    assert prose("**Predict.** Up?", None, "(White is 1.)\n\n(Black is 0.)")[-1] == "(White is 1.)\n\n(Black is 0.)"
    for told in ("(Never closed.", "(1) holds."):
        assert prose("**Predict.** Up?", None, told)[-1] == FOLD.format(told)


@pytest.mark.parametrize("last", ["And on Mondays?", "The numbers:"])
def test_a_sentence_that_leads_to_the_next_code_is_not_folded(last):
    assert prose("**Predict.** Up?", None, f"Up. By 2. {last}", None)[-1] == f"{FOLD.format('Up. By 2.')}\n\n{last}"
    assert prose("**Predict.** Up?", None, "Up.", last, None)[-1] == f"{FOLD.format('Up.')}\n\n{last}"
    assert prose("**Predict.** Up?", None, last, None)[-1] == last
    assert prose("**Predict.** Up?", None, f"(White is 1.) {last}", None)[-1] == f"(White is 1.)\n\n{last}"
    assert prose("**Predict.** Up?", None, f"Up. {last}")[-1] == FOLD.format(f"Up. {last}"), "no code follows"


def test_what_is_folded_already_is_not_folded_again():
    hint = "<details><summary>Derivation</summary>\n\nBy parts.\n</details>"
    assert prose("**Predict.** Up?", None, f"Up.\n\n{hint}")[-1] == f"{FOLD.format('Up.')}\n\n{hint}"


def test_each_question_has_a_cell_for_its_answer_wherever_it_stands():
    answer = "<details><summary>Answer</summary>\n\nYes.\n</details>"
    given = prose(
        f"# 07 · Title\n\n## 3 · Ink\n\nA drop.\n\n**Predict.** Up?\n\n**Think.** Why?\n\n{answer}\n\nGo on.",
        "**Think.** And now?",
        answer,  # in a cell of its own, as on a slide
        f"**Question.** When?\n\n{answer}",
    )
    assert given == [
        "# 07 · Title\n\n## 3 · Ink\n\nA drop.\n\n**Predict.** Up?",
        ANSWER,
        "**Think.** Why?",
        ANSWER,
        "Go on.",
        "**Think.** And now?",
        ANSWER,
        "**Question.** When?",
        ANSWER,
    ]


@each_notebook
def test_every_question_of_a_notebook_is_followed_by_a_cell_for_its_answer(path):
    whole, given = read(path), handout(read(path))
    follows = dict(zip(range(len(given.cells)), given.cells[1:], strict=False))
    asked = [i for i, cell in enumerate(given.cells) if cell.cell_type == "markdown" and asks(pieces(cell.source)[-1])]
    named = [follows[i].metadata["question"] for i in asked]
    assert named == [question.name for question in questions(whole)]
    assert len({cell.id for cell in given.cells}) == len(given.cells)


@each_notebook
def test_a_handout_does_not_praise_what_was_not_done(path):
    text = " ".join(
        cell.source.replace("\n", " ") for cell in handout(read(path)).cells if cell.cell_type == "markdown"
    )
    done = r"[Yy]ou have (?:\w+ )?(?:written|built|mended|made|done)|with your own|\*your\*|your four parts"
    praise = rf"[^.]*(?<!\w)(?:{done})(?!\w)[^.]*\."
    assert re.findall(praise, text) == [], "whoever has not done an exercise reads this, too"


def test_the_command_writes_every_handout(tmp_path, capsys):
    assert main([str(tmp_path / "new")]) == 0
    written = sorted((tmp_path / "new").iterdir())
    assert [path.name for path in written] == [path.name for path in NOTEBOOKS]
    assert capsys.readouterr().out.split() == [str(path) for path in written]
    title, welcome, *rest = read(written[0]).cells
    assert [title, *rest] == handout(read(NOTEBOOKS[0])).cells
    assert "as `01_intuition-yourname.ipynb`" in welcome.source
    assert main([str(tmp_path / "new")]) == 0, "its own files are written again"


@pytest.mark.parametrize("theirs", ["mine", None])
def test_a_notebook_that_is_no_handout_is_not_overwritten(theirs, tmp_path, capsys):
    file = tmp_path / NOTEBOOKS[1].name
    file.write_text(theirs or nbformat.writes(small_notebook()))
    before = file.read_bytes()
    assert main([str(tmp_path)]) == 2
    assert file.read_bytes() == before
    assert "was not written by this command" in capsys.readouterr().err


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


def test_a_handout_keeps_code_to_mend_as_it_was_handed_out():
    stub = RIGHT.replace("schedule.add_noise(x0, t, eps)", "schedule.add_noise(x0, t - 1, eps)  # a stranger's")
    _, exercise, stand_in, *_ = handout(small_notebook(stub)).cells
    assert exercise.source == stub
    assert "add_noise = right_or_ours(check_add_noise, add_noise)" in stand_in.source
    assert "secret" not in stand_in.source


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
