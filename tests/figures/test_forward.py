"""Figures of the forward process: what is drawn is what was counted, and what the formulas say."""

import io
import re

import matplotlib as mpl
import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import cosine_schedule, linear_schedule, plot_aligned, plot_pixel, plot_tracks
from course_utils.figures.images import to_pixels

SCHEDULES = {"linear": linear_schedule(50), "cosine": cosine_schedule(50)}
LEVELS = (0.9, 0.5, 0.1)


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def tracks():
    return torch.cat([torch.ones(1, 300), 1 + noise(40, 300).cumsum(0) / 5])


def two():
    return noise(2, 3, 16, 16).clamp(-1, 1)


def noisy(x0, t=20):
    """The number in colour 0, row 7, column 8 of many noisy versions."""
    return SCHEDULES["linear"].add_noise(x0[:, 0, 7, 8, None].expand(-1, 4000), t, noise(2, 4000))


def pixel():
    return plot_pixel(two(), noisy(two()), (0, 7, 8), ["Bob", "mushroom"], SCHEDULES["linear"], 20)


def aligned():
    return plot_aligned(noise(1, 3, 16, 16), noise(1, 3, 16, 16, seed=1), SCHEDULES, LEVELS)


PICTURES = {
    "plot_tracks": lambda: plot_tracks(tracks(), (5, 20, 40), "pushes", "height"),
    "plot_pixel": pixel,
    "plot_aligned": aligned,
}


@pytest.mark.parametrize("make", PICTURES.values(), ids=PICTURES)
def test_it_describes_itself_repeats_itself_and_nothing_is_cut_off(make):
    before = dict(mpl.rcParams)
    picture = make()
    assert dict(mpl.rcParams) == before
    assert picture.png() == make().png()
    pixels = np.asarray(Image.open(io.BytesIO(picture.png())).convert("RGB"))
    assert pixels.shape[1] <= 2 * 820
    assert all((edge == 255).all() for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))
    assert len(picture.alt) > 40
    assert picture.smallest_type() >= 13.8


def test_tracks_are_those_of_the_first_grains_and_slices_hold_all_of_them():
    places = tracks()
    axes = plot_tracks(places, (5, 40), "pushes", "height", shown=3).axes[0]
    drawn = [line.get_ydata() for line in axes.lines if len(line.get_ydata()) == len(places)]
    np.testing.assert_allclose(drawn[::-1], places.T[:3], atol=1e-6)
    for stairs, t in zip(axes.patches, (5, 40), strict=True):
        reach, edges, start = stairs.get_data()
        assert start == t
        share = (reach - t) * np.diff(edges)
        middle = (edges[1:] + edges[:-1]) / 2
        assert (share * middle).sum() / share.sum() == pytest.approx(places[t].mean().item(), abs=0.05)
        assert share.sum() == pytest.approx(0.12 * 40, rel=0.01), "a density of 1 is as wide everywhere"
    words = [text.get_text() for text in axes.texts]
    assert words == [f"mean {places[t].mean():.2f}\nspread {places[t].std(correction=0):.2f}" for t in (5, 40)]


def test_a_pixel_has_the_mean_and_the_spread_of_the_formula_and_its_histograms_the_numbers():
    ab, x0 = SCHEDULES["linear"].alpha_bar[20].item(), two()
    axes = pixel().axes[0]
    curves = [line.get_xydata() for line in axes.lines if len(line.get_xydata()) > 2]
    for curve, stairs, sprite, numbers in zip(curves, axes.patches, x0, noisy(x0), strict=False):
        centre = ab**0.5 * sprite[0, 7, 8].item()
        assert curve[curve[:, 1].argmax(), 0] == pytest.approx(centre, abs=0.02)
        assert curve[:, 1].max() == pytest.approx(1 / (2 * np.pi * (1 - ab)) ** 0.5, rel=1e-3)
        heights, edges, _ = stairs.get_data()
        assert (heights * np.diff(edges)).sum() == pytest.approx(1)
        middle = (heights * np.diff(edges) * (edges[1:] + edges[:-1]) / 2).sum()
        assert middle == pytest.approx(numbers.mean().item(), abs=0.02)
    assert len(curves) == 2


def test_aligned_sprites_stand_at_the_times_at_which_as_much_is_left():
    picture = aligned()
    told = [int(found[1]) for text in picture.texts if (found := re.fullmatch(r"(?:t = )?(\d+)", text.get_text()))]
    times = [(s.alpha_bar - level).abs().argmin().item() for s in SCHEDULES.values() for level in LEVELS]
    assert told == times
    x0, eps = noise(1, 3, 16, 16), noise(1, 3, 16, 16, seed=1)
    images = [axes.images[0] for axes in picture.axes if axes.images]
    middles = {}
    for image, t, name in zip(images, times, [name for name in SCHEDULES for _ in LEVELS], strict=True):
        expected = to_pixels(SCHEDULES[name].add_noise(x0, t, eps))[0]
        np.testing.assert_array_equal(image.get_array(), expected)
        box = image.axes.get_position()
        middles.setdefault(name, []).append(820 * (box.x0 + box.x1) / 2)
    for i, name in enumerate(SCHEDULES):
        steps = np.diff(middles[name]) / np.diff(times[i * len(LEVELS) : (i + 1) * len(LEVELS)])
        assert steps == pytest.approx(steps[0], rel=0.1), "time runs evenly"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot_tracks(noise(9), (1,), "x", "y"), r"tracks must have shape \(T \+ 1, N\)"),
        (lambda: plot_tracks(noise(9, 4), (9,), "x", "y"), "times must be a whole number from 0 to 8, got 9"),
        (lambda: plot_tracks(noise(9, 4), (1,), "x", "y", shown=0), "shown must be a whole number of at least 1"),
        (lambda: plot_pixel(two()[:1], noisy(two()), (0, 0, 0), ["a", "b"], SCHEDULES["linear"], 2), "x0 must be two"),
        (lambda: plot_pixel(two(), noise(9), (0, 0, 0), ["a", "b"], SCHEDULES["linear"], 2), r"x_t must have shape"),
        (lambda: plot_pixel(two(), noisy(two()), (0, 0, 16), ["a", "b"], SCHEDULES["linear"], 2), "pixel must be"),
        (lambda: plot_pixel(two(), noisy(two()), (0, 0), ["a", "b"], SCHEDULES["linear"], 2), "pixel must be"),
        (lambda: plot_pixel(two(), noisy(two()), (0, 0, 0), ["a"], SCHEDULES["linear"], 2), "names must have one"),
        (lambda: plot_pixel(two(), noisy(two()), (0, 0, 0), ["a", "b"], SCHEDULES["linear"], 51), "t must be a whole"),
        (lambda: plot_aligned(two(), two(), SCHEDULES, LEVELS), "x0 must be one image"),
        (lambda: plot_aligned(two()[:1], two(), SCHEDULES, LEVELS), "eps must have shape"),
        (lambda: plot_aligned(two()[:1], two()[:1], {}, LEVELS), "schedules must be one or more"),
        (lambda: plot_aligned(two()[:1], two()[:1], SCHEDULES | {"a": linear_schedule(9)}, LEVELS), "of the same T"),
        (lambda: plot_aligned(two()[:1], two()[:1], SCHEDULES, (2,)), "alpha_bars must be a number"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
