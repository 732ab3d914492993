"""Handouts for nbgrader: its own validator takes them, and a right answer passes its tests where a blank one fails."""

import contextlib
import io
import subprocess

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.validator import Validator
from running import ROOT, each_notebook
from small_course import RIGHT, small_notebook

from teaching.exercises import NOTEBOOKS, exercises
from teaching.for_nbgrader import with_metadata
from teaching.handout import handout, main
from teaching.questions import questions


def read(path):
    return nbformat.read(path, as_version=4)


def for_nbgrader(notebook):
    return with_metadata(handout(notebook), exercises(notebook), questions(notebook))


def marked(notebook):
    return {cell.metadata["nbgrader"]["grade_id"]: cell for cell in notebook.cells if "nbgrader" in cell.metadata}


@each_notebook
def test_nbgrader_takes_every_handout(path):
    given = for_nbgrader(read(path))
    nbformat.validate(given)
    MetadataValidator().validate_nb(given)
    cells = marked(given)
    for exercise in exercises(read(path)):
        assert cells[exercise.name].source == exercise.stub
        assert cells[f"test-{exercise.name}"].metadata["nbgrader"]["points"] == exercise.points
        assert given.cells.index(cells[f"test-{exercise.name}"]) == given.cells.index(cells[exercise.name]) + 1
    assert [f"answer-{question.name}" for question in questions(read(path))] == [n for n in cells if "answer" in n]


def test_students_write_answers_and_functions_and_tests_are_locked():
    cells = marked(for_nbgrader(small_notebook()))
    assert {name: (mark["grade"], mark["solution"], mark["locked"]) for name, mark in marks_of(cells)} == {
        "add_noise": (False, True, False),
        "test-add_noise": (True, False, True),
        "answer-00-0-think": (True, True, False),
    }


def marks_of(cells):
    return [(name, cell.metadata["nbgrader"]) for name, cell in cells.items()]


def test_a_prediction_counts_nothing():
    notebook = small_notebook()
    notebook.cells.append(new_markdown_cell("**Predict.** Up?"))
    cells = marked(for_nbgrader(notebook))
    points = {name: mark["points"] for name, mark in marks_of(cells) if "answer" in name}
    assert points == {"answer-00-0-think": 1, "answer-00-0-predict": 0}


def test_the_command_writes_them_when_asked(tmp_path):
    for arguments, graded in (([], False), (["--nbgrader"], True)):
        assert main([str(tmp_path), *arguments]) == 0
        written = read(tmp_path / NOTEBOOKS[0].name)
        assert bool(marked(written)) == graded
        assert ("yourname" in written.cells[1].source) != graded, "nbgrader knows a file by the name that it has"


@pytest.mark.parametrize(("words", "options"), [([], ""), (["NBGRADER=1"], " --nbgrader")])
def test_make_passes_the_wish_on(words, options):
    done = subprocess.run(["make", "-n", "handout", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"-m teaching.handout handout{options}" in [
        line.rstrip().partition("python ")[2] for line in done.stdout.splitlines()
    ]


@pytest.mark.parametrize(("attempt", "said"), [(None, "VALIDATION FAILED ON 1 CELL(S)"), (RIGHT, "Success!")])
def test_nbgrader_passes_what_is_right_and_fails_what_is_blank(attempt, said, tmp_path):
    given = for_nbgrader(small_notebook(solution="def add_noise(): ..."))
    if attempt:
        marked(given)["add_noise"].source = attempt
    file = tmp_path / "ana.ipynb"
    nbformat.write(given, file)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        checker = Validator()
        checker.stream = printed
        checker.validate_and_print(str(file))
    assert said in printed.getvalue()
    if not attempt:
        assert "○ add_noise: not attempted yet." in printed.getvalue()
