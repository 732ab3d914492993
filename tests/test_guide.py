"""The instructor's guide says what the notebooks say: goals, exercises, minutes, and plans that keep to the clock."""

import re

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook
from running import ROOT, each_notebook

from teaching import guide
from teaching.exercises import NOTEBOOKS, asked, exercises
from teaching.plan import parts, plan, timetable
from teaching.questions import questions

PAGE = guide.GUIDE.read_text(encoding="utf-8")


def read(path):
    return nbformat.read(path, as_version=4)


def cell(source, slide_type="slide"):
    return new_markdown_cell(source, metadata={"slideshow": {"slide_type": slide_type}})


def exercise(number, minutes, slide_type="skip"):
    return cell(f"### Exercise {number} · Task {number} (easy, {minutes} minutes)\n\nWrite it.", slide_type)


def lecture(*exercises):
    """Two sections of 10 and 20 minutes, the first in several cells, with exercises behind each."""
    return new_notebook(
        cells=[
            cell("# 09 · A title\n\n**Why?**"),
            cell("## After this notebook you can …\n\n- **do** it"),
            cell("## 1 · First"),
            cell("<!-- Lecture, 4 minutes. Ask. -->\n\nA drop.", "fragment"),
            cell("<!-- Lecture, 6 minutes. Wait. -->", "notes"),
            *exercises[:1],
            cell("## 2 · Second\n\n<!-- Lecture, 20 minutes. -->\n\n### A detail"),
            *exercises[1:],
            cell("## What breaks if …"),
        ]
    )


def tasks(chosen):
    return [int(re.search(r"\d+", part.text)[0]) for part in chosen if part.exercise]


def test_the_guide_is_up_to_date():
    assert guide.filled(PAGE) == PAGE, "the notebooks say something else now: run python -m teaching.guide"


def test_the_command_rewrites_what_is_old_and_nothing_else(tmp_path, monkeypatch, capsys):
    page = tmp_path / "instructors.md"
    page.write_text(PAGE.replace("### 01 · Intuition", "### 01 · Something else"), encoding="utf-8")
    monkeypatch.setattr(guide, "GUIDE", page)
    assert guide.main([]) == 0
    assert page.read_text(encoding="utf-8") == guide.filled(PAGE)
    written = page.stat().st_mtime_ns
    assert guide.main([]) == 0
    assert page.stat().st_mtime_ns == written
    assert capsys.readouterr().out.splitlines() == ["instructors.md is rewritten", "instructors.md was up to date"]


def test_who_asks_for_help_gets_it_and_nothing_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(guide, "GUIDE", tmp_path / "none.md")
    with pytest.raises(SystemExit, match="0"):
        guide.main(["--help"])
    assert "Bring site/instructors.md up to date" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "broken",
    [
        PAGE.replace("<!-- end of goals -->", ""),
        PAGE.replace("<!-- plans -->", ""),
        PAGE + "<!-- exercises -->",
        PAGE.replace("<!-- goals -->", "").replace("<!-- end of goals -->", "<!-- end of goals -->\n<!-- goals -->"),
    ],
)
def test_marks_that_are_no_pair_are_refused_and_the_page_is_left_alone(broken, tmp_path, monkeypatch, capsys):
    page = tmp_path / "instructors.md"
    page.write_text(broken, encoding="utf-8")
    monkeypatch.setattr(guide, "GUIDE", page)
    assert guide.main([]) == 2
    assert page.read_text(encoding="utf-8") == broken
    assert "must hold the line <!-- " in capsys.readouterr().err


def test_the_guide_holds_goals_plans_and_exercises_of_all_notebooks():
    for path in NOTEBOOKS:
        assert f"### {path.stem[:2]} · " in PAGE
        assert f"**{guide.title(read(path))}**\n\n| in 60 minutes | in 90 minutes |" in PAGE
        for one in asked(path):
            assert f"| {path.stem[:2]} | [{one.title}](../notebooks/{path.name}#exercise-{one.number}" in PAGE


def test_every_link_to_a_notebook_leads_to_one_in_the_repository():
    linked = re.findall(r"\]\(([^)#]*\.ipynb)", PAGE)
    assert len(linked) >= len(NOTEBOOKS)
    assert all((guide.GUIDE.parent / link).is_file() for link in linked)


@each_notebook
def test_minutes_of_the_exercises_add_up_to_what_the_notebook_says(path):
    notebook = read(path)
    assert sum(one.minutes for one in exercises(notebook)) == guide.minutes(notebook)[1]


def test_the_guide_adds_up():
    reading, working = map(sum, zip(*(guide.minutes(read(path)) for path in NOTEBOOKS), strict=True))
    assert f"they take {reading} minutes to read and run, and {working} more for the exercises" in PAGE
    assert f"of the {sum(len(asked(path)) for path in NOTEBOOKS)} exercises" in PAGE
    day = [tuple(map(int, found)) for found in re.findall(r"^\| (\d+):(\d\d) \| (\d+) \|", PAGE, re.MULTILINE)]
    begins = [60 * hour + minute for hour, minute, _ in day]
    ends = [begin + minutes for begin, (*_, minutes) in zip(begins, day, strict=True)]
    assert begins == [9 * 60, *ends[:-1]]
    assert ends[-1] == 17 * 60


def test_a_section_takes_the_minutes_of_all_its_cells():
    names = [(part.text, part.minutes) for part in parts(lecture(exercise(1, 5)))]
    assert names[1:-1] == [("1 · First", 10), ("*Exercise 1 · Task 1*", 5), ("2 · Second", 20)]


def test_a_section_that_does_not_say_its_minutes_is_an_error():
    silent = new_notebook(cells=[cell("## 1 · First\n\nA drop.")])
    with pytest.raises(ValueError, match=r"each section says .* not: \['1 · First'\]"):
        parts(silent)


@pytest.mark.parametrize(
    ("given", "minutes", "done"),
    [
        ([], 60, []),
        ([exercise(1, 10), exercise(2, 15, "subslide"), exercise(3, 10, "subslide")], 60, [2, 3]),
        ([exercise(1, 10), exercise(2, 15, "subslide"), exercise(3, 10, "subslide")], 70, [1, 2, 3]),
        ([exercise(1, 5), exercise(2, 15, "subslide"), exercise(3, 15, "subslide")], 60, [1, 2]),
        ([exercise(1, 30, "subslide"), exercise(2, 10, "subslide"), exercise(3, 10)], 60, [2, 3]),
        ([exercise(1, 10), exercise(2, 10)], 30, []),
    ],
)
def test_exercises_on_slides_come_first_and_others_as_they_fit(given, minutes, done):
    notebook = lecture(*given)
    chosen = plan(notebook, minutes)
    assert tasks(chosen) == done
    assert [part for part in parts(notebook) if part in chosen] == chosen, "in the order of the notebook"


def test_a_timetable_keeps_the_clock():
    rows = timetable(lecture(exercise(1, 30, "subslide"), exercise(2, 25))).splitlines()[2:]
    assert [row[2:-2].split(" | ") for row in rows] == [
        ["0:00", "0:00", "Opening: title, first picture, goals, symbols (3)"],
        ["0:03", "0:03", "1 · First (10)"],
        ["–", "0:13", "*Exercise 1 · Task 1* (30)"],
        ["0:13", "0:43", "2 · Second (20)"],
        ["0:33", "1:03", "*Exercise 2 · Task 2* (25)"],
        ["0:58", "1:28", "Closing: what breaks if …, what you know now (2)"],
        ["1:00", "1:30", "end"],
    ]


@each_notebook
@pytest.mark.parametrize("minutes", [60, 90])
def test_each_notebook_fits_into_the_hour_and_into_ninety_minutes(path, minutes):
    notebook = read(path)
    chosen = plan(notebook, minutes)
    assert sum(part.minutes for part in chosen) <= minutes
    headings = re.findall(r"^## (\d+ · .+)$", "\n".join(c.source for c in notebook.cells), re.MULTILINE)
    assert [part.text for part in chosen if part.text in headings] == headings
    if minutes == 90:
        assert tasks(chosen), "ninety minutes without anything to do"


@each_notebook
def test_two_exercises_are_on_the_slides_and_the_hour_has_time_for_the_first(path):
    tasks_of = [part for part in parts(read(path)) if part.exercise]
    on_slides = [part for part in tasks_of if part.on_slides]
    assert len(on_slides) == 2
    assert [part for part in plan(read(path), 60) if part.exercise] == on_slides[:1]


def test_homework_asks_for_a_prediction_only_in_weeks_without_a_question_to_think_about():
    asked_in = {question.name.rpartition("-think")[0] for path in NOTEBOOKS for question in questions(read(path))}
    weeks = re.findall(r"^\| (\d+) \| (0\d, sections? [^|]+) \|", PAGE, re.MULTILINE)
    assert len(weeks) == 14
    silent = [week for week, held in weeks if not sections_of(held) & asked_in]
    assert f"in weeks {', '.join(silent[:-1])} and {silent[-1]} it is a **Predict**" in PAGE


def sections_of(held):
    """The sections that a week names, such as "04, sections 1 to 4" and "03, sections 8 and 9"."""
    found = re.findall(r"(0\d), sections (\d+) (?:to|and) (\d+)", held)
    return {f"{number}-{i}" for number, first, last in found for i in range(int(first), int(last) + 1)}


def test_the_site_shows_links_to_its_own_copies():
    text = (ROOT / "site" / "conf.py").read_text(encoding="utf-8")
    assert 'replace("](../notebooks/", "](notebooks/")' in text
    assert "teaching" not in text, "Sphinx fills nothing in"
