"""Figures of a training show every batch, and marks stand in the image and at the pixel that they are meant for."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import plot_dots, plot_losses, point_at, show_images

LOSSES = 1 / torch.arange(1.0, 201)
IMAGES = torch.linspace(-1, 1, 6 * 3 * 16 * 16).reshape(6, 3, 16, 16)


def drawn(picture):
    return np.array(Image.open(io.BytesIO(picture.png())).convert("RGB")).astype(int)


def nothing_touches_the_edge(picture):
    pixels = drawn(picture)
    return all((edge == 255).all() for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))


def test_losses_are_dots_and_a_mean_stands_in_the_middle_of_its_batches():
    picture = plot_losses(LOSSES, "loss", window=20)
    (first,), (every, means) = (axes.lines for axes in picture.axes)
    np.testing.assert_allclose(first.get_xydata(), [(i, 1 / (i + 1)) for i in range(20)], rtol=1e-6)
    np.testing.assert_allclose(every.get_ydata(), LOSSES, rtol=1e-6)
    x, y = means.get_xydata().T
    assert (x[0], x[-1]) == (9.5, 189.5)
    assert y[0] == pytest.approx(LOSSES[:20].mean().item(), rel=1e-6)
    assert y[-1] == pytest.approx(LOSSES[-20:].mean().item(), rel=1e-6)
    assert picture.axes[0].get_ylim() == picture.axes[1].get_ylim() == (0, pytest.approx(1.05))
    assert nothing_touches_the_edge(picture)


@pytest.mark.parametrize(("losses", "window"), [(LOSSES[:99], 50), (LOSSES[None], 50), (LOSSES, 101)])
def test_losses_are_two_windows_at_least(losses, window):
    with pytest.raises(ValueError, match=r"losses must have shape \(N,\), N at least twice the window"):
        plot_losses(losses, "loss", window)


def changed(picture):
    """Where marks changed the plain picture: for each image its pixels, in pixels of the image."""
    plain = show_images(IMAGES, columns=3)
    zoom, corners = plain.grid["zoom"], plain.grid["corners"]
    rows, columns = np.nonzero((drawn(picture) != drawn(plain)).any(2))
    found = {}
    for i, (left, top) in enumerate(corners):
        across, down = (columns / 2 - left) / zoom, (rows / 2 - top) / zoom
        inside = (across >= 0) & (across <= 16) & (down >= 0) & (down <= 16)
        if inside.any():
            found[i] = (across[inside].min(), down[inside].min(), across[inside].max(), down[inside].max())
    return found


def test_an_arrow_goes_from_pixel_to_pixel_of_its_image():
    found = changed(point_at(IMAGES, {4: ((2, 8), (13, 8))}, columns=3))
    assert found == {4: pytest.approx((2, 8, 13, 8), abs=1.2)}


def test_a_frame_surrounds_its_part_of_its_image():
    found = changed(point_at(IMAGES, frames={1: (3, 5, 9, 12)}, columns=3))
    assert found == {1: pytest.approx((3, 5, 9, 12), abs=0.5)}


def test_without_marks_it_is_the_same_picture_but_stays_in_one_piece():
    picture = point_at(IMAGES, titles=["a", "b", "c"], row_titles=["d", "e"])
    plain = show_images(IMAGES, ["a", "b", "c"], ["d", "e"])
    assert (drawn(picture) == drawn(plain)).all()
    assert (picture.alt, picture.grid) == (plain.alt, None)


@pytest.mark.parametrize("number", [6, -1, "0"])
def test_marks_are_for_images_that_are_there(number):
    with pytest.raises(ValueError, match=r"^arrows must be for images 0 to 5, got \["):
        point_at(IMAGES, {number: ((0, 0), (1, 1))})
    with pytest.raises(ValueError, match=r"^frames must be for images 0 to 5, got \["):
        point_at(IMAGES, frames={number: (0, 0, 1, 1)})


def test_dots_are_sorted_by_their_mean_with_the_smallest_above():
    axes = plot_dots({"last": [9.0, 7.0], "first": [1.0], "middle": [1.0, 5.0]}, "x").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["first", "middle", "last"]
    assert [line.get_xydata().tolist() for line in axes.lines[1::2]] == [[[1, 0]], [[1, 1], [5, 1]], [[9, 2], [7, 2]]]
