"""What diagrams are made of stands where it should, in words that can be read."""

import io

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Annotation
from PIL import Image

from course_utils import Picture
from course_utils.figures.drawing import (
    draw_arrow,
    draw_path,
    draw_point,
    draw_ruler,
    draw_word,
    page_axes,
    place_box,
    place_sprite,
    plane,
)
from course_utils.figures.picture import DATA, INK, NOISE, as_ink, course_style

SPRITE = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)


@pytest.fixture
def picture():
    with course_style():
        yield Picture(300, 200, "a test")


def drawn(picture):
    return np.array(Image.open(io.BytesIO(picture.png())).convert("RGB"))


def ink(picture):
    """The corners (left, top), (right, bottom) of what was drawn, in pixels of the page."""
    rows, columns = np.nonzero((drawn(picture) < 250).any(2))
    return columns.min() / 2, rows.min() / 2, (columns.max() + 1) / 2, (rows.max() + 1) / 2


def coloured(picture, colour, x, y):
    """Whether this pixel of the page has this colour."""
    return np.abs(drawn(picture)[round(2 * y), round(2 * x)] / 255 - to_rgb(colour)).max() < 0.02


def test_axes_of_the_page_count_its_pixels_from_the_upper_left(picture):
    draw_path(page_axes(picture), [(20, 30), (220, 30), (220, 130)], arrow=False, width=1.44)
    assert ink(picture) == pytest.approx((20, 29, 221, 131), abs=1)


@pytest.mark.parametrize("dash", ["-", ":", "--"])
def test_a_path_ends_in_an_arrow_at_its_last_point(picture, dash):
    draw_path(page_axes(picture), [(20, 100), (120, 100), (250, 100)], colour=NOISE, dash=dash)
    left, top, right, bottom = ink(picture)
    assert (left, right) == pytest.approx((20, 250), abs=3)
    assert 6 < bottom - top < 16  # the head
    assert coloured(picture, NOISE, 243, 100)


@pytest.mark.parametrize(("bend", "middle"), [(0, 100), (0.25, 150), (-0.25, 50)])
def test_an_arrow_swerves_to_its_right_and_its_name_stands_at_its_middle(picture, bend, middle):
    axes = page_axes(picture)
    draw_arrow(axes, (50, 100), (250, 100), "a name", "c", DATA, bend=bend)  # eastwards, so its right is below
    assert axes.texts[0].xy == pytest.approx((150, middle))
    axes.texts[0].set_visible(False)
    assert coloured(picture, DATA, 150, middle)


def test_a_bend_is_the_same_where_numbers_are_not_square(picture):
    axes = plane(picture, 0, 0, 300, 200, (0, 3), (0, 1))
    draw_arrow(axes, (0.5, 0.5), (2.5, 0.5), "a name", bend=0.25)
    assert axes.texts[0].xy == pytest.approx((1.5, 0.25))


@pytest.mark.parametrize(
    ("side", "right", "below"),
    [("c", 0, 0), ("n", 0, -1), ("s", 0, 1), ("e", 1, 0), ("w", -1, 0), ("nw", -1, -1), ("se", 1, 1)],
)
def test_a_word_stands_on_the_side_that_a_compass_shows(picture, side, right, below):
    draw_word(page_axes(picture), (150, 100), "word", side)
    left, top, end, bottom = ink(picture)
    assert int(left > 150) - int(end < 150) == right
    assert int(top > 100) - int(bottom < 100) == below


def test_a_point_is_a_dot_with_a_name_in_its_colour(picture):
    axes = plane(picture, 50, 0, 200, 200, (-1, 1), (-1, 1))
    draw_point(axes, (0.5, 0.5), r"$\varepsilon_c$", colour=NOISE)
    assert coloured(picture, NOISE, 200, 50)
    assert axes.texts[0].get_color() == as_ink(NOISE)


def test_a_ruler_has_full_dots_on_it_and_hollow_ones_beyond_it(picture):
    axes = plane(picture, 30, 0, 240, 200, (500, -100), (0, 2))  # time runs to the left
    draw_ruler(axes, 1, (0, 500), [500, 250, -50], "runs past 0", NOISE, (500, -50))
    at = {t: 30 + 240 * (500 - t) / 600 for t in (500, 250, -50)}
    assert [coloured(picture, NOISE, x, 100) for x in at.values()] == [True, True, False]
    assert coloured(picture, "white", at[-50], 100)
    assert [text.get_text() for text in axes.texts] == ["500", "−50", "runs past 0"]
    assert axes.texts[-1].xy == (500, 1)  # its left end


def test_a_sprite_lies_with_its_middle_at_a_point_pixel_by_pixel(picture):
    place_sprite(plane(picture, 0, 0, 300, 200, (-1, 1), (-1, 1)), SPRITE, (1 / 3, 1 / 7), 3)
    x, y = 200 - 24, round(100 - 100 / 7 - 24)
    found = drawn(picture)[2 * y : 2 * y + 96, 2 * x : 2 * x + 96]
    assert (found == SPRITE.repeat(6, 0).repeat(6, 1)).all()


def test_words_are_of_eleven_points_at_least(picture):
    axes = page_axes(picture)
    draw_point(axes, (50, 50), "a")
    draw_arrow(axes, (50, 50), (99, 50), "b")
    draw_ruler(axes, 90, (10, 200), [10], "d", INK, (10,))
    place_box(picture, 10, 150, 80, 30, "f")
    words = [text for text in picture.findobj(Annotation) if text.get_text()]
    assert sorted(text.get_text() for text in words) == ["10", "a", "b", "d"]
    picture.png()
    assert picture.smallest_type() == round(1100 / 72, 1)


def test_bad_input_is_named(picture):
    axes = page_axes(picture)
    with pytest.raises(ValueError, match=r"side must be one of c, n, s, .*, got 'up'"):
        draw_word(axes, (0, 0), "a", "up")
    for points in ([(0, 0)], np.zeros(4), np.zeros((3, 3))):
        with pytest.raises(ValueError, match=r"points must have shape \(N, 2\) with N of at least 2"):
            draw_path(axes, points)
