"""What a deck shows, and what it leaves to the speaker; how it looks in a browser is tested in `tests/browser`."""

import re
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from running import ROOT, each_notebook

sys.path.insert(0, str(ROOT / "slides"))

from deck import main
from lecture import MOST_CODE, blocks_of, display, first_words, kind_of, slides_of, teaching_code

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="


def prose(source, place="slide"):
    return new_markdown_cell(source, metadata={"slideshow": {"slide_type": place}})


def code(source, *outputs, place="fragment", tags=()):
    return new_code_cell(source, outputs=[*outputs], metadata={"slideshow": {"slide_type": place}, "tags": [*tags]})


def printed(text):
    return new_output("stream", name="stdout", text=text)


def picture(alt="a picture"):
    data = {"image/png": PIXEL, "text/plain": f"[{alt}]"}
    return new_output("display_data", data, metadata={"image/png": {"width": 1, "height": 1, "alt": alt}})


def lecture(*cells):
    return slides_of(new_notebook(cells=[prose("# 01 · Title\n\n**A question?**\n\nA promise."), *cells]))


def test_a_title_shows_its_question_and_picture_and_leaves_the_promise_to_the_speaker():
    (title,) = lecture(code("show()", picture("five sprites"), place="-"))
    assert (title.heading, title.kind, title.notes) == ("01 · Title", "title", ["A promise."])
    assert title.shown[0] == "**A question?**"
    assert 'alt="five sprites"' in title.shown[1]


def test_questions_equations_tables_and_lists_are_shown_and_sentences_are_said():
    source = "## Idea\n\nA story.\n\n$$a = b$$\n\n**Predict.** What?\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    _, first, second, third = lecture(prose(source))
    assert first.shown == ["$$a = b$$", "**Predict.** What?"]
    assert first.notes == ["A story."]
    assert second.shown == ["- one\n- two"]
    assert third.shown == ["| a | b |\n|---|---|\n| 1 | 2 |"]
    assert {slide.heading for slide in (first, second, third)} == {"Idea"}


def test_a_section_without_anything_to_show_shows_how_it_begins():
    *_, slide = lecture(prose("## Idea\n\nShort and clear. (An aside.)"))
    assert slide.shown == ["Short and clear."]


def test_notes_and_folded_answers_are_for_the_speaker():
    think = "**Think.** Why?\n\n<details><summary>Answer</summary>\n\nBecause.\n\nAnd so on.\n\n</details>"
    *_, slide = lecture(prose(f"## Idea\n\n<!-- 3 minutes. -->\n\nA story.\n\n{think}"))
    assert slide.shown == ["**Think.** Why?"]
    assert slide.notes == ["3 minutes.", "A story.", "**Answer.** Because.\n\nAnd so on."]


def test_the_reading_of_a_figure_appears_with_the_next_click():
    _, _, figure = lecture(prose("## Idea\n\n**Question.** What?"), code("plot()", picture()), prose("This. And that."))
    assert figure.kind == "figure"
    assert figure.takeaway == "This. And that."


def test_exercises_and_widgets_are_left_out():
    widget = new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "VBox()"})
    hidden = code("secret()", printed("secret"), place="skip")
    assert len(lecture(prose("### Exercise", "skip"), hidden, code("slider()", widget))) == 1


def test_code_is_shown_where_it_teaches():
    shown = "def add(x, eps):\n    return x + eps  # (1)"
    _, slide = lecture(
        code(f"import torch\nfrom x import y\n\n\n{shown}\n\n\nprint(add(1, 2))\nassert True", printed("3"))
    )
    assert slide.kind == "code"
    assert "add" in slide.shown[0]
    for hidden in ("import", "print", "assert"):
        assert hidden not in slide.shown[0]
    _, figure = lecture(code("x = 1\nplot(x)", picture()))
    assert figure.kind == "figure", "plumbing without a comment is no slide"
    assert len(lecture(code("x = 1"))) == 1, "and neither is a cell that says nothing"


def test_the_praise_of_a_check_is_no_output():
    _, slide = lecture(code("def f():\n    pass\n\n\ncheck_f(f)", printed("✓ f is right.\n")))
    assert len(slide.shown) == 1


def test_long_code_is_left_out_and_its_figure_is_shown():
    long = "\n".join(f"x_{i} = {i}  # step" for i in range(MOST_CODE + 1))
    assert teaching_code(long) == ""
    assert teaching_code("\n".join(long.splitlines()[1:])).count("\n") == MOST_CODE - 1
    assert [slide.kind for slide in lecture(code(long, picture()))] == ["title", "figure"]


def test_much_print_and_a_figure_are_two_slides():
    kinds = [slide.shown for slide in lecture(code("plot()", printed("1\n2\n3\n4"), picture()))]
    assert [len(shown) for shown in kinds[1:]] == [1, 1]
    (both,) = lecture(code("plot()", printed("1\n2"), picture()))[1:]
    assert len(both.shown) == 2


@pytest.mark.parametrize(
    ("paragraph", "words"),
    [
        ("One. Two.", "One. Two."),
        ("(A (deep) remark.) One.", "One."),
        ("One. (A remark.) Two.", "One."),
        ("One. Here it comes:", "One."),
        ("Here it comes:", ""),
        ("One is 1.5 and e.g. two.", "One is 1.5 and e.g. two."),
        ("A" * 100 + ". " + "B" * 100 + ".", "A" * 100 + "."),
    ],
)
def test_first_words(paragraph, words):
    assert first_words(paragraph) == words


def test_long_lists_and_tables_are_cut_between_items():
    items = [f"- {letter * 100}\n  more" for letter in "abcdefgh"]
    pieces = list(blocks_of("\n".join(items)))
    assert len(pieces) == 2
    assert "\n".join(pieces) == "\n".join(items)
    head, rows = "| a |\n|---|", [f"| {'x' * 90} |" for _ in range(9)]
    pieces = list(blocks_of("\n".join([head, *rows])))
    assert all(piece.startswith(head) for piece in pieces)
    assert sum(piece.count("x" * 90) for piece in pieces) == 9


def test_equations_break_where_they_have_a_gap():
    assert display("$$a = b$$") == "$$a = b$$"
    broken = display(r"$$a, \qquad\text{that is}\qquad b. \tag{1}$$")
    assert broken == r"$$\begin{gathered} a,  \\[8pt]  \text{that is}\quad  b.  \end{gathered} \tag{1}$$"


@each_notebook
def test_nothing_of_a_lecture_gets_lost(path):
    """Every paragraph that is not left out is shown or said, and no solution or exercise is told."""
    cells = nbformat.read(path, as_version=4).cells
    deck = slides_of(nbformat.read(path, as_version=4))
    said = "\n".join("\n".join(slide.notes) for slide in deck)
    shown = "\n".join("\n".join(slide.shown) for slide in deck)
    for cell in cells:
        if cell.cell_type == "markdown" and cell.metadata.slideshow.slide_type != "skip":
            for block in blocks_of(cell.source):
                match kind_of(block):
                    case "prose":
                        assert block in said
                    case "question" | "list" | "table":
                        assert block in shown
    assert "Exercise" not in " ".join(slide.heading for slide in deck)
    assert "your code" not in shown
    pictures = [cell for cell in cells if cell.cell_type == "code" and cell.metadata.slideshow.slide_type != "skip"]
    expected = sum("image/png" in output.get("data", {}) for cell in pictures for output in cell.outputs)
    assert shown.count("<img ") - shown.count('class="movie"') == expected


@each_notebook
def test_the_speaker_hears_how_long_each_section_takes_and_what_to_ask(path):
    deck = slides_of(nbformat.read(path, as_version=4))
    sections = {
        slide.heading: slide for slide in reversed(deck) if slide.heading[0].isdigit() and slide.kind != "title"
    }
    minutes = [re.match(r"Lecture, (\d+) minutes\. \S", slide.notes[0]) for slide in sections.values()]
    assert all(minutes)
    assert 40 <= sum(int(found[1]) for found in minutes) <= 60, "a lecture is about three quarters of an hour"
    assert f"{sum(int(found[1]) for found in minutes)} minutes" in deck[0].notes[0]


def test_mistakes_are_answered_kindly(tmp_path):
    with pytest.raises(ValueError, match="must open with a cell of text that begins with its title"):
        slides_of(new_notebook(cells=[code("1 + 1")]))
    with pytest.raises(SystemExit, match=r"there is no notebook .*nowhere"):
        main([str(tmp_path / "nowhere.ipynb")])
