"""What a deck shows, and what it leaves to the speaker; how it looks in a browser is tested in `tests/browser`."""

import base64
import html
import io
import re
import sys

import nbformat
import numpy as np
import pytest
import torch
from nbconvert import SlidesExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image
from running import ROOT, each_notebook

from course_utils import show_images
from course_utils.figures.images import to_pixels
from teaching.exercises import exercises

sys.path.insert(0, str(ROOT / "slides"))

from deck import main
from lecture import display, stacks_of, teaching_code
from pictures import sprites

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="


def prose(source, place="slide"):
    return new_markdown_cell(source, metadata={"slideshow": {"slide_type": place}})


def code(source, *outputs, place="fragment", tags=()):
    return new_code_cell(source, outputs=[*outputs], metadata={"slideshow": {"slide_type": place}, "tags": [*tags]})


def printed(text):
    return new_output("stream", name="stdout", text=text)


def picture(alt="a picture"):
    data = {"image/png": PIXEL, "text/plain": f"[{alt}]"}
    about = {"width": 1, "height": 1, "alt": alt, "type": 14}
    return new_output("display_data", data, metadata={"image/png": about})


def slides_of(notebook, **options):
    """All slides in one row."""
    return [slide for stack in stacks_of(notebook, **options) for slide in stack]


TITLE = prose("# 01 · Title\n\n**A question?**\n\n[![Open](badge.svg)](nb.ipynb)")


def lecture(*cells, **options):
    return slides_of(new_notebook(cells=[TITLE, *cells]), **options)


def kinds(slide):
    return [(block.kind, block.later) for block in slide.blocks]


def test_a_title_shows_its_question_and_picture_and_no_badge():
    (title,) = lecture(prose("A promise.", "notes"), code("show()", picture("five sprites"), place="-"))
    assert (title.heading, title.kind, title.notes) == ("01 · Title", "title", ["A promise."])
    assert title.blocks[0].text == "**A question?**"
    assert 'alt="five sprites"' in title.blocks[1].text


def test_jupyters_slide_types_mean_what_they_say():
    _, stack = stacks_of(
        new_notebook(
            cells=[
                TITLE,
                prose("## Idea\n\n**Question.** What?"),
                prose("$$a = b$$", "-"),
                prose("A story.", "notes"),
                prose("More.", "fragment"),
                prose("Left out.", "skip"),
                prose("Below.", "subslide"),
            ]
        )
    )
    above, below = stack
    assert [block.text for block in above.blocks] == ["**Question.** What?", "$$a = b$$", "More."]
    assert [block.later for block in above.blocks] == [False, False, True]
    assert above.notes == ["A story."]
    assert [block.text for block in below.blocks] == ["Below."]
    assert below.heading == "Idea", "it goes on under the heading of its section"


def test_comments_and_what_is_folded_are_for_the_speaker():
    think = "**Think.** Why?\n\n<details><summary>Answer</summary>\n\nBecause.\n\nAnd so on.\n\n</details>"
    *_, slide = lecture(prose(f"## Idea\n\n<!-- Lecture, 3 minutes. Ask. -->\n\n{think}"))
    assert [block.text for block in slide.blocks] == ["**Think.** Why?"]
    assert slide.notes == ["Lecture, 3 minutes. Ask.", "**Answer.** Because.\n\nAnd so on."]


def test_the_sentence_below_a_figure_is_its_takeaway_and_a_question_is_not():
    figure = code("plot()", picture(), place="subslide")
    *_, slide = lecture(prose("## Idea\n\nText."), figure, prose("This.", "fragment"))
    assert kinds(slide) == [("figure", False), ("takeaway", True)]
    *_, slide = lecture(prose("## Idea\n\nText."), figure, prose("**Question.** And?", "fragment"))
    assert kinds(slide) == [("figure", False), ("text", True)]


def test_code_and_print_are_shown_where_a_tag_asks_for_them():
    source = "import torch\n\n\ndef add(x, eps):\n    return x + eps  # (1)\n\n\nprint(add(1, 2))\nassert True"
    section = prose("## Idea\n\nText.")
    said = printed("3\n✓ add is right.\n○ add: not attempted yet.\n  Go on.\n")
    *_, slide = lecture(section, code(source, said))
    assert kinds(slide) == [("text", False)], "code and print are for the reader unless marked"
    *_, slide = lecture(section, code(source, said, tags=["show-code", "show-print"]))
    assert kinds(slide)[1:] == [("code", True), ("print", True)]
    shown, output = (block.text for block in slide.blocks[1:])
    assert "add" in shown
    for hidden in ("import", "print", "assert"):
        assert hidden not in shown
    assert output.endswith("<pre>3</pre></div>"), "and the verdict of a check never"


def test_functions_stay_apart_and_statements_together():
    assert teaching_code("x = 1\n\n\ndef f():\n    return x\n\n\ny = 2\nz = 3").split("\n") == [
        "x = 1", "", "def f():", "    return x", "", "y = 2", "z = 3"
    ]  # fmt: skip


def test_a_solution_stands_below_its_exercise_on_a_slide_of_its_own_or_nowhere():
    cells = (
        prose("## Idea\n\nText."),
        prose("### Exercise 2 · Write it (easy, 5 minutes)\n\nDo.", "subslide"),
        code("def f():\n    return ...", place="-", tags=["exercise", "show-code"]),
        code("# @title Solution 2\ndef f():\n    return 1", place="subslide", tags=["solution", "show-code"]),
        prose("**Question.** And now?", "subslide"),
    )
    _, _, exercise, solution, after = lecture(*cells)
    assert (exercise.heading, exercise.kind, exercise.minutes) == ("Exercise 2 · Write it", "exercise", 5)
    assert (solution.heading, solution.kind) == ("Exercise 2 · one way to write it", "solution")
    assert after.heading == "Idea"
    assert lecture(*cells, solutions=False) == [slide for slide in lecture(*cells) if slide != solution]


def test_a_mark_that_makes_no_slide_is_an_error():
    with pytest.raises(ValueError, match="must open with a cell of text that begins with its title"):
        slides_of(new_notebook(cells=[code("1 + 1")]))
    with pytest.raises(ValueError, match="nothing stands on these slides: Idea"):
        lecture(prose("## Idea"), prose("Said.", "notes"))
    solved = code("# @title Solution 1\nf = 1", place="subslide", tags=["solution", "show-code"])
    with pytest.raises(ValueError, match="must not stand on the slide of a solution"):
        lecture(prose("## Idea\n\nText."), solved, prose("More.", "fragment"))


def test_equations_break_where_they_have_a_gap():
    assert display("$$a = b$$") == "$$a = b$$"
    broken = display(r"$$a, \qquad\text{that is}\qquad b. \tag{1}$$")
    assert broken == r"$$\begin{gathered} a,  \\[8pt]  \text{that is}\quad  b.  \end{gathered} \tag{1}$$"


def test_sprites_are_laid_out_anew_each_with_its_own_pixels():
    x = torch.rand((5, 3, 4, 6), generator=torch.Generator().manual_seed(0)) * 2 - 1
    data, about = show_images(x, titles=["a", "b", "c"], row_titles=["one", "two"])._repr_mimebundle_()
    page = sprites(data["image/png"], about["image/png"])
    found = [Image.open(io.BytesIO(base64.b64decode(file))) for file in re.findall(r"base64,([^\"]+)", page)]
    for image, pixels in zip(found, to_pixels(x), strict=True):
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), pixels)
    sizes = {(int(width), int(height)) for width, height in re.findall(r'width="(\d+)" height="(\d+)"', page)}
    ((width, height),) = sizes
    assert width % 6 == height % 4 == 0 < width, "whole multiples"
    for word in ("a", "b", "c", "one", "two"):
        assert f">{word}</div>" in page


@each_notebook
def test_a_deck_is_a_lecture(path):
    """A slide or two for each two minutes, each figure with a sentence that stays, and an exercise for the room."""
    deck = slides_of(nbformat.read(path, as_version=4), solutions=False)
    assert 25 <= len(deck) <= 35
    for slide in deck:
        if any(block.kind == "figure" for block in slide.blocks):
            assert slide.blocks[-1].kind == "takeaway", slide.heading
            assert len(slide.blocks[-1].text) <= 170, slide.blocks[-1].text
        assert sum(len(block.text) for block in slide.blocks if block.kind == "text") <= 700, slide.heading
    assert any(block.kind == "figure" for block in deck[0].blocks), "it opens with a picture and a question"
    assert any(slide.kind == "exercise" for slide in deck)
    assert deck[-1].heading == "What you know now"
    for once in ("Symbols", "What breaks if …"):
        assert [slide.heading for slide in deck].count(once) == 1


@each_notebook
def test_no_slide_but_that_of_a_solution_shows_one(path):
    """Word for word, line by line: the lines that a solution has and its exercise has not."""
    notebook = nbformat.read(path, as_version=4)
    shown = [block for slide in slides_of(notebook, solutions=False) for block in slide.blocks]
    text = html.unescape(re.sub(r"<[^>]+>", "", "\n".join(block.text for block in shown)))
    lines = {line.strip() for line in text.splitlines()}
    for exercise in exercises(notebook):
        secret = {line.strip() for line in exercise.solution.splitlines()} - {
            line.strip() for line in exercise.stub.splitlines()
        }
        told = {line for line in secret & lines if re.search(r"[=(]", line)}
        assert not told, f"{exercise.title}: {told}"
    assert all(slide.kind != "solution" for slide in slides_of(notebook, solutions=False))


@each_notebook
def test_jupyter_itself_makes_the_same_slides_in_the_same_order(path):
    notebook = nbformat.read(path, as_version=4)
    plain, _ = SlidesExporter(template_name="reveal").from_notebook_node(notebook)
    ours = [slide.heading for slide in slides_of(notebook)]
    assert plain.count("<section>") == len(ours) + len(stacks_of(notebook)), "each stack is a section, too"
    headings = [re.sub(r"<[^>]+>|¶", "", found) for found in re.findall(r"<h2[^>]*>(.*?)</h2>", plain, re.DOTALL)]
    kept = [heading for heading in dict.fromkeys(ours) if heading in headings]
    assert kept == [heading for heading in dict.fromkeys(headings) if heading in kept]
    assert len(kept) > 5


@each_notebook
def test_the_speaker_hears_how_long_each_section_takes_and_what_to_ask(path):
    sections = {
        stack[0].heading: stack[0]
        for stack in stacks_of(nbformat.read(path, as_version=4))
        if stack[0].heading[0].isdigit()
    }
    title = sections.pop(next(iter(sections)))
    minutes = [re.match(r"Lecture, (\d+) minutes\. \S", slide.notes[0]) for slide in sections.values()]
    assert all(minutes)
    total = sum(int(found[1]) for found in minutes)
    assert 35 <= total <= 45, "with an opening, an exercise and a close it fills an hour"
    assert f"{total} minutes" in title.notes[0]


def test_a_notebook_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SystemExit, match=r"there is no notebook .*nowhere"):
        main([str(tmp_path / "nowhere.ipynb")])
