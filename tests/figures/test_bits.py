"""The drawings of bits, posteriors and variances show the numbers that they were given."""

import base64
import json
import re

import numpy as np
import pytest
import torch

from course_utils import (
    MixtureDenoiser,
    entropy,
    exact_terms,
    fixed_large,
    jump,
    linear_schedule,
    log_between,
    plot_bits,
    plot_chains,
    plot_posterior,
    show_uncertainty,
    variance_slider,
)
from course_utils.figures.images import sprites_of, to_pixels
from course_utils.figures.variances import _SPREADS, plot_variance

SCHEDULE = linear_schedule(100)
TIMES = [100, 75, 50, 25, 5, 0]
TWO = MixtureDenoiser(torch.tensor([[-1.0], [1.0]]).double(), SCHEDULE, 0.15)


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def words_in(picture):
    return [text.get_text() for axes in picture.axes for text in axes.texts if text.get_text()]


def is_whole(picture):
    """Whether nothing touches the edge of the picture."""
    picture.png()
    pixels = np.asarray(picture.canvas.buffer_rgba())
    return all((edge == 255).all() for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))


def bits_of(bits, times=TIMES, clean=25, **changed):
    good = {"pictures": noise(3, 3, 16, 16), "shown": [100, 50, 0]}
    return plot_bits(torch.tensor(bits), times, clean=clean, **(good | changed))


def test_steps_are_as_long_as_their_time_and_as_their_bits():
    picture = bits_of([0.25, 0.5, 0.25, 1, 2])
    axes = picture.axes[0]
    pale, dark = (patch.get_xy() for patch in axes.patches)
    left, right = pale[:, 0].min(), dark[:, 0].max()
    top, foot = pale[:, 1].min(), pale[:, 1].max()

    def split(outline, y):
        return (outline[outline[:, 1] == y][:, 0].max() - left) / (right - left)

    assert split(pale, top) == pytest.approx(0.75), "in time"
    assert split(pale, foot) == pytest.approx(0.25), "in bits"
    edges = [line.get_xdata() for line in axes.lines if line.get_color() == "white"]
    assert [(edge[0] - left) / (right - left) for edge in edges] == pytest.approx([0.25, 0.5, 0.75, 0.95])
    assert [(edge[-1] - left) / (right - left) for edge in edges] == pytest.approx([1 / 16, 3 / 16, 1 / 4, 1 / 2])
    assert {"3 steps\n1.00 bits, 25 %", "the last 2 steps, where eyes hardly see noise\n3.00 bits, 75 %"} <= set(
        words_in(picture)
    )
    assert [word for word in words_in(picture) if word.isdigit()] == ["0", "1", "2", "3", "4"]


def test_the_last_step_is_dark_unless_one_says_which_are():
    assert bits_of([1.0] * 5, clean=None).png() == bits_of([1.0] * 5, clean=5).png() != bits_of([1.0] * 5).png()


def test_a_sprite_stands_above_its_time():
    pictures = noise(3, 3, 16, 16)
    picture = bits_of([1.0, 1, 1, 1, 1], pictures=pictures)
    axes, *thumbs = picture.axes
    np.testing.assert_array_equal([thumb.images[0].get_array().data for thumb in thumbs], to_pixels(pictures))
    leaders = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 2][:3]
    for thumb, (start, end), share in zip(thumbs, leaders, (0, 0.5, 1), strict=True):
        assert thumb.bbox.x0 / 2 + thumb.bbox.width / 4 == pytest.approx(start, abs=1)
        assert end == pytest.approx(leaders[0][1] + share * (leaders[-1][1] - leaders[0][1]))


@pytest.mark.parametrize(("n", "clean"), [(2, 50), (25, 4), (100, 20)])
def test_bits_of_chains_of_any_length_have_room(n, clean):
    times = [round(100 * (n - i) / n) for i in range(n + 1)]
    picture = bits_of([0.001] * (n - 1) + [3.0], times, clean, pictures=noise(1, 3, 16, 16), shown=[50])
    assert is_whole(picture)
    assert f"{n - times[::-1].index(clean)} steps" in picture.alt
    assert picture.smallest_type() >= 13.8


def test_rounding_errors_below_0_are_no_bits():
    assert bits_of([-1e-9, 0.5, 0.25, 1, 2]).png() == bits_of([0.0, 0.5, 0.25, 1, 2]).png()


def test_bits_say_what_they_cannot_draw():
    for bad, message in (
        ({"bits": [1.0, 1]}, r"bits must be 5 numbers from 0 up, one a step, got \[1.0, 1.0\]"),
        ({"bits": [1.0, 1, 1, 1, -1]}, "bits must be 5 numbers from 0 up"),
        ({"times": [100, 50, 75, 25, 5, 0]}, "times must be three or more that fall to 0"),
        ({"clean": 30}, "clean must be one of the times inside the chain, got 30"),
        ({"clean": 0}, "clean must be a whole number of at least 1, got 0"),
        ({"shown": [100]}, "shown must have one time for each of 3 pictures, got 1"),
        ({"shown": [100, 50, 101]}, "shown must be at most T = 100, got 101"),
        ({"pictures": noise(3, 3, 65, 65)}, "of at most 64 pixels a side"),
    ):
        with pytest.raises(ValueError, match=message):
            bits_of(**({"bits": [1.0] * 5} | bad))


STEPS = torch.tensor([4.0, 10, 1000])
GAPS = {"β": (STEPS, torch.tensor([[0.2, 0.1, 0.01]])), "best": (STEPS, torch.tensor([[1e-12, 0, -1e-12]]))}
WIDE = {"β": (STEPS, torch.tensor([[1.2, 0.8, 0.01]])), "best": (STEPS, torch.tensor([[1.2, 0.5, 0.00007]]))}


def test_chains_of_all_panels_share_an_axis_and_a_zero_is_written():
    picture = plot_chains({"one bell": GAPS, "two bells": WIDE}, "gap, nats")
    one, two = picture.axes
    assert one.get_ylim() == two.get_ylim()
    assert one.get_ylim()[0] < 0.00007
    assert [len(axes.lines) for axes in picture.axes] == [1, 2]
    np.testing.assert_allclose(two.lines[1].get_ydata(), WIDE["best"][1][0])
    assert [text.get_text() for text in one.texts] == ["β", "best:\n0 for any number of steps"]
    assert [label.get_text() for label in one.get_xticklabels()] == ["4", "10", "1000"]
    assert is_whole(picture)


def test_chains_have_marks_to_compare_with():
    picture = plot_chains({"": WIDE}, "bits per dimension", {"histogram": 4.5, "PNG": 0.00002})
    (axes,) = picture.axes
    heights = [line.get_ydata()[0] for line in axes.lines[2:]]
    assert heights == [4.5, 0.00002]
    assert axes.get_ylim()[0] < 0.00002 < 4.5 < axes.get_ylim()[1]
    assert {"histogram", "PNG"} <= set(words_in(picture))
    assert is_whole(picture)


def test_chains_say_what_they_cannot_draw():
    negative = {"β": (STEPS, torch.tensor([[0.2, -0.1, 0.01]]))}
    for panels, marks, message in (
        ({}, None, "panels must be one or more"),
        ({"a": negative}, None, r"panels\['a'\] must hold curves above 0"),
        ({"a": {"best": GAPS["best"]}}, None, r"panels\['a'\] must hold curves above 0"),
        ({"a": {"β": (STEPS, torch.ones(3))}}, None, r"panels\['a'\] must be one or more"),
        ({"a": WIDE}, {"PNG": 0}, "marks must be above 0"),
    ):
        with pytest.raises(ValueError, match=message):
            plot_chains(panels, "gap", marks)


DRAWINGS = {
    "plot_bits": lambda: bits_of([0.25, 0.5, 0.25, 1, 2]),
    "plot_chains": lambda: plot_chains({"one bell": GAPS, "two bells": WIDE}, "gap, nats", {"PNG": 0.2}),
    "plot_posterior": lambda: plot_posterior(1.0, -1.0, 60, 40, SCHEDULE),
    "plot_variance": lambda: plot_variance(TWO, 0.8, 25, 5, 0.5, {0.0: 2.0, 0.5: 1.0}),
    "show_uncertainty": lambda: show_uncertainty(noise(2, 3, 8, 8), noise(2, 3, 8, 8), noise(2, 3, 8, 8).abs()),
}


@pytest.mark.parametrize("make", DRAWINGS.values(), ids=DRAWINGS)
def test_a_drawing_describes_itself_and_repeats_itself(make):
    data, about = make()._repr_mimebundle_()
    assert data["image/png"] == make().png()
    assert len(about["image/png"]["alt"]) > 30
    assert about["image/png"]["width"] <= 820
    assert about["image/png"]["type"] >= 13.8
    assert is_whole(make())


def test_the_posterior_is_the_product_of_the_two_other_bells():
    picture = plot_posterior(1.0, -1.0, 60, 40, SCHEDULE)
    axes, _ = picture.axes
    data, noisy, both = (line.get_ydata() for line in axes.lines[:3])
    x = np.asarray(axes.lines[2].get_xdata())
    product = data * noisy
    np.testing.assert_allclose(both / both.sum(), product / product.sum(), atol=1e-4)
    step = jump(60, 40, SCHEDULE, torch.zeros(1).double())
    assert x[both.argmax()] == pytest.approx((step.of_x0 - step.of_x_t).item(), abs=0.02)
    assert sum("spread" in word for word in words_in(picture)) == 3
    starts, ends = zip(*(line.get_xdata() for line in picture.axes[1].lines), strict=True)
    assert list(starts) == sorted(starts)
    assert list(ends) == sorted(ends), "words and their points in one order"
    assert is_whole(picture)


@pytest.mark.parametrize("x_t", [-1.5, 1.5])
def test_the_slip_stands_where_the_wrong_weight_leads(x_t):
    axes, _ = plot_posterior(1.0, x_t, 60, 40, SCHEDULE).axes
    ab, ab_prev = SCHEDULE.alpha_bar[60], SCHEDULE.alpha_bar[40]
    alpha = ab / ab_prev
    right = (ab_prev.sqrt() * (1 - alpha) + alpha.sqrt() * (1 - ab_prev) * x_t) / (1 - ab)
    wrong = (ab_prev.sqrt() * (1 - alpha) + alpha.sqrt() * (1 - ab) * x_t) / (1 - ab)
    dashed = axes.lines[3].get_xdata()[0]
    assert dashed == pytest.approx(wrong.item())
    assert abs(dashed - right) > 0.05
    with pytest.raises(ValueError, match="t_prev must be a whole number of at least 1, got 0"):
        plot_posterior(1.0, x_t, 60, 0, SCHEDULE)


def test_a_spread_is_white_where_it_is_0_and_dark_at_the_limit():
    x_t, std = noise(2, 3, 8, 8).clamp(-1, 1), torch.zeros(2, 3, 8, 8)
    std[0, :, 2, 3], std[1, 0, 4, 5], std[1, :, 6, 7] = 0.4, 0.3, 9
    picture = show_uncertainty(x_t, x_t / 2, std, limit=0.4)
    sprites = sprites_of(picture.png(), picture.grid)
    np.testing.assert_array_equal(sprites[:4], to_pixels(torch.cat([x_t, x_t / 2])))
    first, second = (sprite.astype(float) for sprite in sprites[4:])
    assert (first[0, 0] == 255).all()
    for pixel, share in ((first[2, 3], 1), (second[4, 5], 0.25), (second[6, 7], 1)):
        np.testing.assert_allclose(pixel, 255 * np.array(_SPREADS(float(share))[:3]), atol=1.5)
    assert second[4, 5].sum() > second[6, 7].sum()
    assert picture.grid["row_titles"][2] == "spread:\n0 is white,\n0.4 is dark"
    with pytest.raises(ValueError, match="std must"):
        show_uncertainty(x_t, x_t, std[:1])


@pytest.mark.parametrize(("x_t", "t", "t_prev"), [(0.8, 25, 5), (0.1, 25, 5), (-0.3, 75, 50), (0.9, 5, 0)])
def test_the_truth_of_a_step_has_the_moments_of_the_posterior(x_t, t, t_prev):
    picture = plot_variance(TWO, x_t, t, t_prev, 1, {0.0: 2.0, 1: 1.0})
    left, right = picture.axes
    outline = left.collections[0].get_paths()[0].vertices
    x, density = outline[1:601].T
    mass = density * (x[1] - x[0])
    start = torch.tensor([[x_t]]).double()
    step, x0_hat = jump(t, t_prev, SCHEDULE, start), TWO.predict_x0(start, t)
    mean = (step.of_x0 * x0_hat + step.of_x_t * start).item()
    variance = (step.variance + step.of_x0**2 * TWO.x0_variance(start, t)).item()
    assert mass.sum() == pytest.approx(1)
    assert (mass * x).sum() == pytest.approx(mean, abs=0.01)
    assert (mass * (x - mean) ** 2).sum() == pytest.approx(variance, rel=0.05)
    bell = left.lines[0].get_ydata()
    beta = fixed_large(start, start, t, t_prev, SCHEDULE).item()
    assert bell.max() == pytest.approx((2 * np.pi * beta) ** -0.5, rel=1e-3)
    assert right.get_title(loc="left") == "v = 1: a gap of 1 nats"
    assert is_whole(picture)


def shown_in(movie):
    return json.loads(re.search("data-frames='(.*?)'", movie)[1])


def test_the_slider_of_variances_reads_out_the_gap_of_the_chain():
    panel = variance_slider(TWO, TIMES, 25, 0.8)
    slider, picture = panel.children
    assert (slider.min, slider.max, slider.value) == (0, 1, 1)
    least, seen = entropy(TWO), set()
    for v in (1, 0.85, 0.3, 0):
        slider.value = v
        gap = exact_terms(TWO, TWO, TIMES, SCHEDULE, log_between(v)).sum().item() - least
        assert f"a gap of {gap:.3g} nats" in picture.value
        seen.add(picture.value)
    assert len(seen) == 4
    movie = panel._repr_mimebundle_()[1]["movie"]
    frames = shown_in(movie)
    assert len(frames) == len(panel.movie.captions) == len(set(frames))
    assert all(base64.b64decode(frame.split(",")[1]).startswith(b"\x89PNG") for frame in frames)
    best = float(re.match(r"v = ([\d.]+), the best", panel.movie.captions[-1])[1])
    gaps = {v / 20: exact_terms(TWO, TWO, TIMES, SCHEDULE, log_between(v / 20), n=501).sum() for v in range(21)}
    assert best == min(gaps, key=gaps.get)
    assert panel.movie.smallest_type >= 13.8


def test_a_bell_of_width_1_loses_nothing_with_beta():
    one = MixtureDenoiser(torch.zeros(1, 1).double(), SCHEDULE, 1.0)
    slider, picture = variance_slider(one, TIMES, 75, 0.5).children
    assert slider.value == 1
    assert "a gap of 0 nats" in picture.value
    with pytest.raises(ValueError, match="t must be one of the times before the last, got 24"):
        variance_slider(one, TIMES, 24, 0.5)
