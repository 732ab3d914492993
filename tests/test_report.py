"""What is made of all that came back: whose it is, what it counts, and files to keep or to give back."""

import csv
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from small_course import RIGHT, came_back

from teaching import grade, marks
from teaching.exercises import NOTEBOOKS, asked
from teaching.pages import answered, feedback, questions_of
from teaching.questions import answer_cell, questions
from teaching.report import harmless, report, spreadsheet
from teaching.students import look_alike, root_of, student
from teaching.work import Work, default_points, look_at_all, read_points

FIRST, SECOND = NOTEBOOKS[:2]
NAMES = [exercise.name for exercise in asked(FIRST)]
POINTS = default_points()
QUESTION = questions(nbformat.read(FIRST, as_version=4))[0]


def work(name, right=("add_noise",), chapter=FIRST, answers=None):
    found = {
        one.name: (marks.RIGHT, f"{one.name} is right.") if one.name in right else (marks.WRONG, f"{one.name}: no.")
        for one in asked(chapter)
    }
    return Work(Path(f"{name}.ipynb"), name, chapter, found, answers or {})


def rows_of(text):
    return list(csv.DictReader(text.removeprefix("\ufeff").splitlines()))


def hand_in(path, verdict="✓ add_noise is right.", answer=None, **metadata):
    """A notebook as a student leaves it, with one exercise and one answer."""
    notebook = came_back(RIGHT, verdict)
    cell = answer_cell(QUESTION)
    cell.source += f"\n\n{answer}" if answer else ""
    notebook.cells.append(cell)
    notebook.metadata.update(metadata)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


@pytest.mark.parametrize(
    ("file", "metadata", "name"),
    [
        ("all/02_sampling-ana.ipynb", {}, "ana"),
        ("all/ana_02_sampling.ipynb", {}, "ana"),
        ("all/02_sampling_ana  lee.ipynb", {}, "ana lee"),
        ("all/02_sampling (ana lee).ipynb", {}, "ana lee"),
        ("all/Copy of 02_sampling - ana.ipynb", {}, "ana"),
        ("all/02_sampling-ana-Copy1.ipynb", {}, "ana"),
        ("all/02_sampling-ana (2).ipynb", {}, "ana"),
        ("all/e\u0301va_02_sampling.ipynb", {}, "\u00e9va"),
        ("all/01_Intuition-ana.ipynb", {}, "ana"),
        ("all/ana.ipynb", {}, "ana"),
        ("all/ana/02_sampling.ipynb", {}, "ana"),
        ("all/ana/week 2/02_sampling (1).ipynb", {}, "ana"),
        ("all/ana/mine.ipynb", {}, "ana"),
        ("all/week 2/02_sampling-ana.ipynb", {}, "ana"),
        ("all/02_sampling.ipynb", {}, "all"),
        ("all/ben/02_sampling-ben.ipynb", {"student": " Ana  Lee "}, "Ana Lee"),
        ("all/ben/02_sampling.ipynb", {"student": 7}, "ben"),
    ],
)
def test_a_student_is_known_by_metadata_by_the_file_or_by_the_folder(file, metadata, name):
    notebook = new_notebook(metadata=metadata)
    assert student(Path(file).absolute(), notebook, Path("all").absolute()) == name


def test_the_folder_of_all_files_is_no_student():
    assert root_of([Path("all/ana/x.ipynb"), Path("all/ben/y.ipynb")]) == Path("all").absolute()
    assert root_of([Path("all/ana/x.ipynb"), Path("all/ana/y.ipynb")]) == Path("all/ana").absolute()


def test_the_report_is_a_table_with_points_and_reasons_below(tmp_path):
    ana, ben = hand_in(tmp_path / "ana.ipynb"), hand_in(tmp_path / "ben.ipynb", "✗ add_noise: the noise is missing.")
    table, *reasons = report(look_at_all([ana, ben]), {}, POINTS).split("\n\n")
    assert [re.split(" {3,}", line) for line in table.splitlines()] == [
        ["01_intuition", *NAMES, "points"],
        [str(ana), *(marks.RIGHT if name == "add_noise" else marks.CHANGED for name in NAMES), "2 of 8"],
        [str(ben), *(marks.WRONG if name == "add_noise" else marks.CHANGED for name in NAMES), "0 of 8"],
    ]
    assert f"{ben}, add_noise: the noise is missing." in reasons
    assert len(reasons) == 2 * len(NAMES) - 1


def test_what_is_no_notebook_of_the_course_is_left_out_and_the_others_are_read(tmp_path, capsys):
    files = [tmp_path / name for name in ("list.txt", "other.ipynb", "gone.ipynb", "ana.ipynb")]
    files[0].write_text("eggs, milk")
    nbformat.write(new_notebook(cells=[new_code_cell("1 + 1")]), files[1])
    hand_in(files[3])
    unread = [one for one in look_at_all(files) if isinstance(one, Exception)]
    assert [type(error) for error in unread[1:]] == [ValueError, FileNotFoundError]
    assert str(unread[1]) == "it holds no exercise of the course"
    assert grade.main([str(file) for file in (files[0], files[1], files[3])]) == 1
    assert re.findall(r"(\w+\.\w+) was left out", capsys.readouterr().out) == ["list.txt", "other.ipynb"]


def test_totals_count_all_chapters_and_the_better_of_two():
    works = [work("ana", ["add_noise"]), work("ana", ["add_noise", "alpha_bar"]), work("ana", ["ddpm_step"], SECOND)]
    text = report([*works, work("ben", [])], {}, POINTS)
    (totals,) = (table for table in text.split("\n\n") if table.startswith("student"))
    assert [line.split()[-5:] for line in totals.splitlines()[1:]] == [
        ["3", "2", "5", "of", "16"],
        ["0", "–", "0", "of", "16"],
    ]


def test_names_that_differ_in_large_letters_are_one_student_and_those_that_look_alike_are_told():
    works = [work("Ana", []), work("ana", ["add_noise"]), work("ana", ["ddpm_step"], SECOND)]
    (row,) = rows_of(spreadsheet(works, POINTS))
    assert (row["student"], row["01 points"], row["02 points"]) == ("Ana", "2", "2")
    assert "Counted as different" not in report(works, {}, POINTS)
    text = report([*works, work("ana2"), work("ben")], {}, POINTS)
    assert "\n\nCounted as different students: Ana, ana2\n\n" in text
    assert look_alike(["ana lee", "ana-lee", "ana", "team 1", "team 2", "1", "2"]) == [["ana lee", "ana-lee"]]


def test_a_spreadsheet_has_a_row_for_each_student():
    ana, ben = rows_of(spreadsheet([work("ben", [], SECOND), work("ana"), work("ben")], POINTS))
    assert (ana["student"], ana["01 add_noise"], ana["01 points"], ana["02 ddpm_step"]) == ("ana", "right", "2", "")
    assert (ana["points"], ana["of"]) == ("2", "16")
    assert (ben["01 alpha_bar"], ben["02 points"], ben["points"]) == ("wrong", "0", "2")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_of_a_spreadsheet_is_a_formula(name):
    assert harmless(name) == f"'{name}"
    text = spreadsheet([work(name)], POINTS)
    assert f"'{name}" in text
    assert f"\n{name}" not in text
    assert harmless("ana-lee = 1") == "ana-lee = 1"


def test_points_are_those_of_the_difficulty_unless_a_table_says_otherwise(tmp_path):
    table = tmp_path / "points.csv"
    table.write_text("exercise,points,why\nadd_noise,2.5,\nslerp,0,left out\n", encoding="utf-8-sig")
    assert (POINTS["alpha_bar"], POINTS["add_noise"], POINTS["ResidualBlock"]) == (1, 2, 3)
    assert read_points(table) == POINTS | {"add_noise": 2.5, "slerp": 0}


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("name,points\nadd_noise,2", "must have the columns exercise,points; got 'name,points'"),
        ("exercise;points\nadd_noise;2", "must be separated by commas, as in exercise,points, and not by semicolons"),
        ("", "must have the columns exercise,points; got ''"),
        ("exercise,points\nadd_nose,2", "the course has no exercise 'add_nose'; it has alpha_bar,"),
        ("exercise,points\nadd_noise,-1", "points must be a number of at least 0, got '-1' for add_noise"),
        ("exercise,points\nadd_noise,nan", "got 'nan' for add_noise"),
        ("exercise,points\nadd_noise", "got None for add_noise"),
    ],
)
def test_a_table_of_points_that_cannot_be_meant_is_refused(table, reason, tmp_path, capsys):
    path = tmp_path / "points.csv"
    path.write_text(table)
    with pytest.raises(ValueError, match=re.escape(reason)):
        read_points(path)
    assert grade.main([str(hand_in(tmp_path / "ana.ipynb")), "--points", str(path)]) == 2
    assert reason in capsys.readouterr().err


def test_feedback_holds_verdicts_points_and_answers_and_nothing_of_it_is_markup():
    evil = "<script>alert(1)</script> & $x < y$"
    pages = feedback([work("ana", answers={QUESTION.name: evil}), work("../ana"), work("李")], POINTS)
    assert sorted(pages) == ["ana-2.html", "ana.html", "李.html"]
    page = next(page for page in pages.values() if "<title>ana<" in page)
    assert "2 of 8 points" in page
    assert "add_noise is right." in page
    assert "predict_x0: no." in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; $x &lt; y$" in page
    assert "<script" not in page
    assert "<strong>Predict.</strong>" in page


def test_all_files_are_written_and_only_our_own_are_written_again(tmp_path, capsys):
    hand_in(tmp_path / "in" / "ana.ipynb", answer="It is Bob.")
    hand_in(tmp_path / "in" / "ben.ipynb")
    table, folder, answers = tmp_path / "marks.csv", tmp_path / "back", tmp_path / "answers.html"
    command = [str(tmp_path / "in"), "--csv", str(table), "--feedback", str(folder), "--answers", str(answers)]
    assert grade.main(command) == 0
    assert grade.main(command) == 2
    assert f"'{table}' may hold corrections of yours" in capsys.readouterr().err
    command.append("--overwrite")
    assert [row["student"] for row in rows_of(table.read_text(encoding="utf-8"))] == ["ana", "ben"]
    assert sorted(page.name for page in folder.iterdir()) == ["ana.html", "ben.html"]
    assert "It is Bob." in (folder / "ana.html").read_text(encoding="utf-8")
    assert re.search(r"<b>ana</b></p>\n<blockquote>It is Bob\.", answers.read_text(encoding="utf-8"))
    assert "<b>ben</b>" not in answers.read_text(encoding="utf-8"), "who wrote nothing"
    assert grade.main(command) == 0
    for file in (table, folder / "ben.html", answers):
        ours = file.read_bytes()
        file.write_text("student,my notes")
        capsys.readouterr()
        assert grade.main(command) == 2
        assert f"'{file}' was not written by this command" in capsys.readouterr().err
        assert file.read_text() == "student,my notes"
        file.write_bytes(ours)


def test_answers_of_the_class_stand_below_the_question_and_ours_is_folded():
    think = next(question for question in questions(nbformat.read(FIRST, as_version=4)) if question.answer)
    works = [work("ana", answers={think.name: "**So.** <b>"}), work("ben"), work("eva"), work("kim", chapter=SECOND)]
    page = answered(works, POINTS)
    here = page.partition(f'<h2 id="{think.name}">')[2].partition("<h2")[0]
    assert here.index("<strong>Think.</strong>") < here.index("<details>") < here.index("**So.** &lt;b&gt;")
    assert here.count("<p>No answer: ben, eva</p>") == 1
    assert page.count("What the notebook answers") == sum(
        bool(one.answer) for path in (FIRST, SECOND) for one in questions_of(path)
    )


def test_an_answer_of_the_notebook_is_found_wherever_it_is_folded():
    folded = "<details><summary>Answer</summary>\n\nBecause *so*.\n</details>"
    sources = (f"**Think.** Why?\n\n{folded}\n\nGo on.", "**Predict.** Up?", "**Think.** And now?", folded)
    found = questions(new_notebook(cells=[new_markdown_cell(source) for source in sources]))
    assert [question.answer for question in found] == ["Because *so*.", "", "Because *so*."]


def test_an_answer_is_known_by_its_cell_wherever_it_went(tmp_path):
    notebook = came_back(RIGHT, "✓ add_noise is right.")
    first, second = answer_cell(QUESTION), answer_cell(QUESTION)
    second.id = "split"
    first.source, second.source = "It is Bob.", "Or Fred."  # the prompt is gone, the cell was split
    notebook.cells[:0] = [first, new_markdown_cell("**Predict.** Up?"), second]
    nbformat.write(notebook, tmp_path / "ana.ipynb")
    (seen,) = look_at_all([tmp_path / "ana.ipynb"])
    assert seen.answers == {QUESTION.name: "It is Bob.\n\nOr Fred."}


def test_a_question_is_named_by_notebook_section_and_kind():
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# 07 · Title"),
            new_markdown_cell("## 3 · Ink\n\n**Predict.** Up?"),
            new_markdown_cell("**Think.** Why?\n\n**Predict.** Down?"),
            new_markdown_cell("## 12 · More\n\n**Predict.** Up?  Again?"),
        ]
    )
    names = ["07-3-predict", "07-3-think", "07-3-predict-2", "07-12-predict"]
    assert [question.name for question in questions(notebook)] == names
    assert [answer_cell(question).metadata["question"] for question in questions(notebook)] == names
