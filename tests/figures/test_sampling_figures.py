"""The drawings of samplers show the numbers that they were given."""

import re

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from course_utils import (
    MixtureDenoiser,
    ddim_step,
    draw_arc,
    draw_remix,
    draw_times,
    linear_schedule,
    plot_curves,
    plot_orders,
    plot_steps,
    plot_walks,
    slerp,
)
from course_utils.figures.images import to_pixels
from course_utils.figures.sampling_curves import _HEIGHTS, _density
from course_utils.figures.sampling_diagrams import _in_plane

SCHEDULE = linear_schedule(500)


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def sprites_in(picture):
    return [axes.images[0].get_array().data for axes in picture.axes if axes.images]


def words_in(picture):
    return [text.get_text() for axes in picture.axes for text in axes.texts if text.get_text()]


def is_whole(picture):
    """Whether nothing touches the edge of the picture."""
    picture.png()
    pixels = np.asarray(picture.canvas.buffer_rgba())
    return all((edge == 255).all() for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))


def test_a_remix_has_the_amounts_and_pictures_of_the_step():
    x_t, eps = noise(1, 3, 16, 16), noise(1, 3, 16, 16, seed=1)
    stages = draw_remix(x_t, eps, 300, 100, SCHEDULE)
    widths = [bar.get_width() for bar in stages[-1].axes[0].patches if bar.get_label().startswith("$")]
    amounts = [amount(t) for t in (300, 100) for amount in (SCHEDULE.signal, SCHEDULE.noise)]
    assert widths == pytest.approx([140 * amount for amount in amounts])
    batch = [x_t, SCHEDULE.predict_x0(x_t, 300, eps), eps, ddim_step(x_t, eps, 300, 100, SCHEDULE)]
    np.testing.assert_array_equal(sprites_in(stages[-1]), to_pixels(torch.cat(batch)))
    assert [len(sprites_in(stage)) for stage in stages] == [1, 3, 3, 4]
    assert all(map(is_whole, stages))
    with pytest.raises(ValueError, match=r"x_t must have shape \(1, C, 16, 16\), got \(2, 3, 16, 16\)"):
        draw_remix(noise(2, 3, 16, 16), noise(2, 3, 16, 16), 300, 100, SCHEDULE)


def ways(count=5):
    a, b = noise(2, 1, 3, 16, 16)
    shares = torch.linspace(0, 1, count).tolist()
    line, arc = torch.cat([(1 - u) * a + u * b for u in shares]), torch.cat([slerp(a, b, u) for u in shares])
    return {"line": line, "arc": arc}


def test_the_stops_of_line_and_arc_have_their_lengths_and_their_sprites():
    noises, sprites = ways(), {"line": noise(5, 3, 16, 16, seed=2), "arc": noise(5, 3, 16, 16, seed=3)}
    picture = draw_arc(noises, sprites)
    lengths = [f"{x.norm():.1f}" for x in (*noises["line"][1:-1], *noises["arc"])]
    assert [word for word in words_in(picture) if re.fullmatch(r"\d+\.\d", word)] == lengths
    shown = to_pixels(torch.cat([sprites["line"][1:-1], sprites["arc"]]))
    np.testing.assert_array_equal(sprites_in(picture), shown)
    assert is_whole(picture)
    with pytest.raises(ValueError, match=r"must be of a line and an arc, got \['line', 'arc'\] and \['arc'\]"):
        draw_arc(noises, {"arc": sprites["arc"]})


def test_the_plane_of_two_noises_keeps_lengths_and_angles():
    for stops in ways().values():
        places = torch.from_numpy(_in_plane(stops))
        flat = stops.flatten(1).double()
        torch.testing.assert_close(places @ places.T, flat @ flat.T, rtol=1e-5, atol=1e-3)
        assert places[0, 0] < 0 < places[-1, 0]
        assert (places[:, 1] > 0).all(), "their middle is above"


def test_rulers_hold_all_times_and_say_where_a_negative_one_leads():
    lists = {f"strides of {s}": [500 - s * i for i in range(31)] for s in (16, 17)}
    picture = draw_times(lists, 500)
    dots = [line.get_xdata()[0] for line in picture.axes[0].lines if line.get_marker() == "o"]
    assert dots == [*lists["strides of 16"], *lists["strides of 17"]]
    words = words_in(picture)
    assert {"36", "20", "7", "−10", "in a table, entry −10 is that of t = 491"} <= set(words)
    assert is_whole(picture)
    with pytest.raises(ValueError, match="each of at least three times from 500 on"):
        draw_times({"late": [400, 200, 0]}, 500)


THREE = MixtureDenoiser(torch.tensor([[-1.4], [0.3], [1.5]]).double(), SCHEDULE, 0.15, torch.tensor([1.0, 2, 1]))


@pytest.mark.parametrize("t", [0, 100, 500])
def test_the_density_behind_walks_is_that_of_the_mixture(t):
    x = SCHEDULE.signal(t) * THREE.draw(400_000, torch.Generator().manual_seed(0))
    x = x + SCHEDULE.noise(t) * noise(400_000, 1).double()
    step = (_HEIGHTS[1] - _HEIGHTS[0]).item()
    low, high = _HEIGHTS[0].item() - step / 2, _HEIGHTS[-1].item() + step / 2
    counted, _ = np.histogram(x, len(_HEIGHTS), (low, high))
    density = _density(THREE, t)
    assert density.max() == 1
    np.testing.assert_allclose(counted / counted.sum(), density / density.sum(), atol=1e-3)


def test_walks_are_drawn_as_they_went():
    times = [500, 250, 0]
    walks = {"one": noise(3, 2), "two": noise(3, 2, seed=1)}
    picture = plot_walks(walks, times, THREE)
    for axes, (name, walk) in zip(picture.axes, walks.items(), strict=True):
        assert axes.get_title(loc="left") == name
        for line, numbers in zip(axes.lines, walk.T, strict=True):
            np.testing.assert_array_equal(line.get_xdata(), times)
            np.testing.assert_allclose(line.get_ydata(), numbers)
    assert is_whole(picture)
    with pytest.raises(
        ValueError, match=r"walks\['one'\] must have shape \(3, K\), one row for each of the times, got \(2, 2\)"
    ):
        plot_walks({"one": noise(2, 2)}, times, THREE)


def test_triangles_are_as_steep_as_their_orders():
    errors = {"first": torch.tensor([0.4, 0.2, 0.11]), "second": torch.tensor([0.5, 0.1, 0.02])}
    picture = plot_orders((30, 60, 120), errors, {"first": 1, "second": 2})
    triangles = [line.get_xydata() for line in picture.axes[0].lines if len(line.get_xdata()) == 4]
    for corners, order in zip(triangles, (1, 2), strict=True):
        (left, right), (low, high) = np.unique(corners[:, 0]), np.unique(corners[:, 1])
        assert (right / left, high / low) == pytest.approx((2, 2**order))
    assert {"error ÷ 2", "error ÷ 4", "steps × 2"} <= set(words_in(picture))
    assert is_whole(picture)
    with pytest.raises(ValueError, match=r"errors\['first'\] must be 2 numbers above 0, got \[1.0, 0.0\]"):
        plot_orders((30, 60), {"first": torch.tensor([1.0, 0]), "second": torch.ones(2)}, {"first": 1})


def test_sprites_stand_below_their_number_of_steps():
    steps = torch.tensor([5.0, 10, 25, 500])
    rows = {name: {n: noise(3, 16, 16, seed=n) for n in (5, 25, 500)} for name in ("a", "a longer name")}
    picture = plot_steps({"a": (steps, 3 + noise(3, 4).abs())}, "distance", ("real", 2.0), rows)
    curve, *thumbs = picture.axes
    for axes, (n, image) in zip(thumbs, [pair for row in rows.values() for pair in row.items()], strict=True):
        middle = axes.bbox.x0 / 2 + axes.bbox.width / 4
        assert middle == pytest.approx(curve.transData.transform((n, 3))[0] / 2, abs=1)
        np.testing.assert_array_equal(axes.images[0].get_array().data, to_pixels(image[None])[0])
    assert curve.get_ylim()[0] < 2
    assert "real" in words_in(picture)
    assert is_whole(picture)


def test_a_name_interrupts_its_own_curve_and_no_other():
    x = torch.linspace(0, 1, 200)
    picture = plot_curves({"below": (x, 0 * x), "above": (x, 0 * x + 0.02), "far": (x, x + 1)}, "x", "y")
    picture.png()
    pixels, (axes,) = np.asarray(picture.canvas.buffer_rgba())[..., :3] / 255, picture.axes
    below, above, _ = axes.texts
    box = below.get_window_extent()
    assert not box.overlaps(above.get_window_extent())
    for line, there in zip(axes.lines, (False, True), strict=False):
        row = len(pixels) - round(axes.transData.transform((0, line.get_ydata()[0]))[1])
        band = pixels[row - 3 : row + 4, round(box.x0) : round(box.x1)]
        shown = (np.abs(band - to_rgb(line.get_color())).max(2) < 0.02).mean(1).max()
        assert (shown > 0.25) == there, "a name stands in its own curve, and on the other"
