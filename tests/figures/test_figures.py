"""Pictures, movies and widgets: pixels stay pixels, nothing is rescaled, and what moves really moves."""

import base64
import io
import json
import re
from html.parser import HTMLParser
from itertools import pairwise

import ipywidgets
import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.font_manager import FontProperties, fontManager, get_font
from PIL import Image

from course_utils import (
    ContextUnet,
    FromV,
    Picture,
    animate,
    build_up,
    draw_model_families,
    draw_network,
    linear_schedule,
    noise_slider,
    plot_curves,
    plot_histograms,
    plot_matrix,
    plot_noise_level,
    plot_panels,
    plot_points,
    plot_spread,
    sample,
    show_images,
    trajectory_slider,
)
from course_utils.figures import picture
from course_utils.figures.images import contact_sheet, sprites_of, to_pixels
from course_utils.figures.network_diagram import _FEATURES, _deck
from course_utils.figures.picture import SIGNED, as_ink

SCHEDULE = linear_schedule(50)


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def network(**arguments):
    """A network of random weights, the same in every call."""
    network = ContextUnet(**{"n_features": 8} | arguments).eval().requires_grad_(False)
    for i, parameter in enumerate(network.parameters()):
        parameter.copy_(0.1 * noise(*parameter.shape, seed=i))
    return network


def spread(*names):
    """Three measurements of each of some curves that all end at the same place."""
    return {
        name: (torch.arange(5), (2 + noise(3, 5, seed=i) / 9) * torch.tensor([3, 2, 1, 1, 0]))
        for i, name in enumerate(names)
    }


def normal(x):
    return torch.exp(-(x**2) / 2) / (2 * torch.pi) ** 0.5


LOG_SPREAD = {
    name: (torch.tensor([5, 10, 25, 500.0])[i:], 30 * y[:, i + 1 :].abs() + 2)
    for i, (name, (_, y)) in enumerate(spread("a", "b").items())
}

PICTURES = {
    "show_images": lambda: show_images(noise(6, 3, 16, 16), titles=["a", "b", "c"], row_titles=["x", "y"], title="T"),
    "show_images, long names": lambda: show_images(
        noise(2, 3, 16, 16),
        ["an image with a long name", "b"],
        ["MMMMMMMMMM"],
        columns=2,
        title="a long title over it all",
    ),
    "show_images, a title for each": lambda: show_images(noise(5, 1, 8, 8), titles=list("abcde"), columns=2),
    "plot_curves": lambda: plot_curves({"up": (torch.arange(9), torch.arange(9))}, "t", "y", "T"),
    "plot_histograms": lambda: plot_histograms({"a": noise(500), "b": noise(500, seed=1)}, normal, "x"),
    "plot_points": lambda: plot_points(noise(3, 50, 2), ["a", "b", "c"], title="T"),
    "plot_noise_level": lambda: plot_noise_level(noise(1, 3, 16, 16), noise(1, 3, 16, 16), SCHEDULE, 20),
    "draw_model_families": lambda: draw_model_families(noise(1, 3, 16, 16), noise(1, 3, 16, 16), SCHEDULE),
    "plot_matrix": lambda: plot_matrix(noise(5, 9), "column", "row", "T"),
    "plot_matrix, named": lambda: plot_matrix(noise(2, 3), "", "", row_names=["a", "b"], column_names=["x", "y", "z"]),
    "plot_matrix, named rows": lambda: plot_matrix(noise(2, 9), "column", "", row_names=["a", "MMMMMMMMMMMM"]),
    "plot_spread": lambda: plot_spread(spread("a", "b", "a long name"), "x", "y", "T"),
    "plot_spread, log": lambda: plot_spread(LOG_SPREAD, "x", "y", "T", log=True),
    "plot_panels": lambda: plot_panels(spread("a", "b"), "x", ("as it was", 1)),
    "draw_network": lambda: draw_network(network(), noise(1, 3, 16, 16), 9999, torch.eye(5)[:1]),
    "draw_network, wide": lambda: draw_network(
        network(n_features=64, n_context=8, in_channels=1), noise(1, 1, 32, 32), 1
    ),
    "contact_sheet": lambda: contact_sheet(to_pixels(noise(4, 3, 16, 16)), {"a": {"k": [0, 1]}, "b": {"l": [2]}}),
}


def rendered(picture):
    return np.array(Image.open(io.BytesIO(picture.png())).convert("RGB"))


@pytest.mark.parametrize("make", PICTURES.values(), ids=PICTURES)
def test_a_picture_describes_itself_and_nothing_is_cut_off(make):
    picture = make()
    assert isinstance(picture, Picture)
    data, metadata = picture._repr_mimebundle_()
    pixels = rendered(picture)
    assert metadata["image/png"]["alt"] == picture.alt
    assert len(picture.alt) >= 8
    assert data["text/plain"] == f"[{picture.alt}]"
    assert pixels.shape[:2] == (2 * metadata["image/png"]["height"], 2 * metadata["image/png"]["width"])
    assert pixels.shape[1] <= 2 * 820
    edges = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
    assert all((edge == 255).all() for edge in edges), "something touches the edge of the picture"


@pytest.mark.parametrize("make", PICTURES.values(), ids=PICTURES)
def test_a_picture_leaves_other_settings_alone_and_repeats_itself(make):
    before = dict(mpl.rcParams)
    first, second = make().png(), make().png()
    assert dict(mpl.rcParams) == before
    assert first == second


def test_names_in_other_scripts_are_written_with_what_the_machine_has(monkeypatch):
    """Each is asked only for what Inter and DejaVu lack; what is not there would be warned of for every picture."""
    for there, families in (
        ([], []),
        (["Arial", "PingFang SC", "Noto Sans CJK SC"], ["Noto Sans CJK SC", "PingFang SC"]),
    ):
        monkeypatch.setattr(picture, "get_font_names", lambda there=there: there)
        with picture.course_style():
            assert mpl.rcParams["font.family"] == ["Course Sans", "DejaVu Sans", *families]


def test_words_and_formulas_are_set_in_the_typeface_of_the_course(recwarn, caplog):
    signs = "ᾱ √σ² ηε − × · → ₀₁ ∅ ≤ ≥ “t = 9” ½ é ∞ ✓"
    with picture.course_style():
        for style in ("normal", "italic"), ("normal", "normal"), ("bold", "normal"):
            font = get_font(fontManager.findfont(FontProperties(weight=style[0], style=style[1])))
            assert font.family_name == "Course Sans"
            assert style == ("normal", "italic") or all(font.get_char_index(ord(sign)) for sign in signs)
        drawn = Picture(400, 60, "signs")
        picture.place_text(drawn, 9, 30, signs + r" $\hat{x}_0,\ \bar\alpha_t,\ \mathbf{x},\ \mathcal{N}$")
        drawn.png()
    assert recwarn.list == []
    assert caplog.messages == []


@pytest.mark.parametrize(("size", "weight"), [(11, "normal"), (13, "bold"), (20, "bold")])
def test_the_width_of_a_text_is_what_it_takes(size, weight):
    with picture.course_style():
        drawn, words = Picture(820, 90, "words"), "Ten hours of “WAVES”,\nᾱ = 0.5, $\\hat{x}_0$"
        picture.place_text(drawn, 0, 60, words, fontsize=size, fontweight=weight)
        there = np.flatnonzero((rendered(drawn) < 250).any((0, 2)))[-1] / 2
        assert picture.text_width(words, size, weight) == pytest.approx(there, rel=0.02)


@pytest.mark.parametrize(
    ("draw", "points"),
    [
        (lambda axes: axes.set(xticks=[], yticks=[], title="title"), 13),
        (lambda axes: axes.set(xlabel="x", yticks=[]), 10),  # the ticks
        (lambda axes: (axes.set_axis_off(), axes.text(0, 0, "word", fontsize=12)), 12),
        (lambda axes: (axes.set_axis_off(), axes.text(0, 0, "no", fontsize=4, visible=False)), None),
        (lambda axes: (axes.set_axis_off(), axes.text(0, 0, " ", fontsize=4)), None),
        (lambda axes: (axes.plot([0], [0], label="a"), axes.legend(fontsize=7)), 7),
        (lambda axes: (axes.set_visible(False), axes.text(0, 0, "no")), None),
    ],
)
def test_a_picture_says_how_large_its_smallest_words_are(draw, points):
    with picture.course_style():
        drawn = Picture(300, 200, "words")
        draw(drawn.add_subplot())
    about = drawn._repr_mimebundle_()[1]["image/png"]
    assert about.get("type") == (points and round(points * 100 / 72, 1))


@pytest.mark.parametrize(
    ("shape", "arguments"),
    [
        ((16, 3, 16, 16), {"titles": [f"t = {t}" for t in range(8)], "row_titles": ["Bob", "mushroom"]}),
        ((6, 3, 16, 16), {"titles": list("abcdef"), "columns": 4, "title": "a title for each, over them all"}),
        ((7, 1, 5, 8), {"columns": 3}),
        ((26, 3, 32, 32), {"columns": 24}),  # at zoom 1
    ],
)
def test_sprites_can_be_cut_out_of_a_grid_bit_by_bit(shape, arguments):
    x = noise(*shape)
    data, metadata = show_images(x, **arguments)._repr_mimebundle_()
    grid = json.loads(json.dumps(metadata["image/png"]["grid"]))
    assert {name: grid[name] for name in arguments} == arguments
    assert len(grid["titles"]) in (0, grid["columns"], len(x))
    page, step = np.array(Image.open(io.BytesIO(data["image/png"])).convert("RGB")), 2 * grid["zoom"]
    cut = sprites_of(data["image/png"], grid)
    for sprite, found, (left, top) in zip(to_pixels(x), cut, grid["corners"], strict=True):
        assert (found == sprite).all()
        left, top = round(2 * left), round(2 * top)
        whole = page[top : top + step * grid["height"], left : left + step * grid["width"]]
        assert (whole == sprite.repeat(step, 0).repeat(step, 1)).all(), "a frame covers something"


def contrast(colour, ground):
    """The ratio of WCAG 2.2, from 1 to 21."""

    def light(channel):
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    low, high = sorted(
        0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b)
        for r, g, b in map(mpl.colors.to_rgb, (colour, ground))
    )
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("make", PICTURES.values(), ids=PICTURES)
def test_words_can_be_read(make):
    for text in make().findobj(mpl.text.Text):
        if text.get_text():
            boxes = text.axes.findobj(mpl.patches.FancyBboxPatch) if text.axes else []
            on = boxes[0].get_facecolor() if text.get_color() == "white" else "white"
            assert contrast(text.get_color(), on) >= 4.5, text.get_text()


def test_images_keep_their_pixels_at_an_integer_zoom():
    x = noise(1, 3, 16, 16).clamp(-1, 1)
    pixels, sprite = rendered(show_images(x)), to_pixels(x)[0]
    for zoom in range(2, 25, 2):  # find the sprite, enlarged without blur, in the picture
        enlarged = sprite.repeat(zoom, 0).repeat(zoom, 1)[zoom:-zoom, zoom:-zoom]  # but for its frame
        rows = np.flatnonzero((pixels == enlarged[0, 0]).all(2).any(1))
        for top in rows[:1]:
            left = np.flatnonzero((pixels[top] == enlarged[0, 0]).all(1))[0]
            found = pixels[top : top + enlarged.shape[0], left : left + enlarged.shape[1]]
            if found.shape == enlarged.shape and (found == enlarged).all():
                assert zoom >= 8
                return
    raise AssertionError("the sprite is not in the picture pixel by pixel")


def test_values_are_clipped_and_never_rescaled():
    x = torch.tensor([-9.0, -1.0, -0.5, 0.0, 0.5, 1.0, 9.0]).view(1, 1, 1, 7)
    assert to_pixels(x)[0, 0, :, 0].tolist() == [0, 0, 64, 128, 191, 255, 255]


def test_a_curve_is_named_in_its_colour_on_itself_where_the_other_is_far():
    t = torch.linspace(0, 1, 50)
    axes = plot_curves({"falls": (t, 1 - t), "rises": (t, t)}, "t", "y").axes[0]
    assert [text.get_text() for text in axes.texts] == ["falls", "rises"]
    for text, line, curve in zip(axes.texts, axes.lines, (lambda x: 1 - x, lambda x: x), strict=True):
        x, y = text.get_position()
        assert y == pytest.approx(curve(x), abs=0.02)
        assert abs(x - 0.5) > 0.2
        assert text.get_color() == as_ink(line.get_color())


def test_a_single_curve_is_named_above_and_kept_whole():
    t = torch.linspace(0, 1, 50)
    axes = plot_curves({"falls": (t, 1 - t)}, "t", "y").axes[0]
    assert (axes.get_title(loc="left"), len(axes.texts)) == ("falls", 0)


def test_curves_show_their_numbers_and_leave_out_what_is_not_finite():
    axes = plot_curves({"a": (torch.arange(4), torch.tensor([1.0, torch.inf, 3.0, torch.nan]))}, "t", "y").axes[0]
    assert axes.lines[0].get_xydata().tolist() == [[0, 1], [2, 3]]


def test_histograms_are_densities_of_the_numbers_at_the_numbers():
    axes = plot_histograms({"a": noise(4000) / 10 + 5, "b": noise(4000) / 10 + 7}, lambda x: normal(x - 6), "x").axes[0]
    for stairs, centre in zip(axes.patches, (5, 7), strict=True):
        heights, edges, _ = stairs.get_data()
        assert (heights * np.diff(edges)).sum() == pytest.approx(1)
        assert (heights * np.diff(edges) * (edges[1:] + edges[:-1]) / 2).sum() == pytest.approx(centre, abs=0.05)


def test_points_stand_where_their_coordinates_say():
    panels = noise(2, 30, 2)
    for axes, points in zip(plot_points(panels, ["a", "b"]).axes, panels, strict=True):
        assert torch.tensor(np.array(axes.collections[0].get_offsets())).allclose(points.double(), atol=1e-6)


def test_the_noise_level_shows_both_roots_and_where_we_are():
    axes = plot_noise_level(noise(1, 3, 16, 16), noise(1, 3, 16, 16), SCHEDULE, 20).axes[1]
    signal, spread = (torch.tensor(line.get_ydata()) for line in axes.lines[:2])
    assert signal.allclose(SCHEDULE.alpha_bar.sqrt())
    assert spread.allclose((1 - SCHEDULE.alpha_bar).sqrt())
    marks = [line.get_xydata()[0].tolist() for line in axes.lines if line.get_marker() == "o"]
    assert marks == [[20, signal[20].item()], [20, spread[20].item()]]


def test_a_matrix_is_coloured_by_its_numbers_and_numbered_from_where_it_begins():
    values = torch.tensor([[-2.0, 0.0, 0.5], [1.0, 2.0, 9.0]])
    axes = plot_matrix(values, "column", "row", limit=2.0, first=(1, 7)).axes[0]
    (image,) = axes.images
    assert image.get_array().tolist() == values.tolist()
    assert image.get_extent() == [6.5, 9.5, 2.5, 0.5]  # the first row on top
    assert (image.norm.vmin, image.norm.vmax, image.cmap) == (-2, 2, SIGNED)
    purple, pale, ochre = (np.array(SIGNED(x)[:3]) for x in (0.0, 0.5, 1.0))
    assert pale.min() > 0.9
    assert purple[2] > purple[1] < purple[0]
    assert ochre[0] > ochre[1] > ochre[2]


def test_a_spread_shows_the_mean_between_the_smallest_and_the_largest():
    curves = spread("a", "b")
    axes = plot_spread(curves, "x", "y").axes[0]
    for line, band, (x, y) in zip(axes.lines, axes.collections, curves.values(), strict=True):
        assert torch.tensor(line.get_xydata()).allclose(torch.stack([x, y.mean(0)], dim=1).double())
        for place, low, high in zip(x, y.amin(0), y.amax(0), strict=True):
            edge = [b for a, b in band.get_paths()[0].vertices if a == place]
            assert (min(edge), max(edge)) == pytest.approx((low.item(), high.item()))
    assert axes.lines[0].get_color() != axes.lines[1].get_color()


def test_names_of_curves_that_end_together_do_not_overlap():
    picture = plot_spread(spread(*"abcde"), "x", "y")
    picture.png()
    texts = picture.axes[0].texts
    assert {text.get_text(): text.get_color() for text in texts} == {
        name: as_ink(line.get_color()) for name, line in zip("abcde", picture.axes[0].lines, strict=True)
    }
    boxes = sorted((text.get_window_extent() for text in texts), key=lambda box: box.y0)
    assert all(lower.y1 <= upper.y0 for lower, upper in pairwise(boxes))


def test_logarithmic_axes_name_what_was_measured():
    axes = plot_spread(LOG_SPREAD, "x", "y", log=True).axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert [text.get_text() for text in axes.get_xticklabels()] == ["5", "10", "25", "500"]
    assert all(float(text.get_text()) > 0 for text in axes.get_yticklabels())


def test_each_panel_holds_the_means_and_the_extremes_of_one_thing():
    curves = spread("a", "b")
    axes = plot_panels(curves, "x").axes
    assert [panel.get_title(loc="left") for panel in axes] == ["a", "b"]
    for panel, (x, y) in zip(axes, curves.values(), strict=True):
        assert torch.tensor(panel.lines[0].get_xydata()).allclose(torch.stack([x, y.mean(0)], dim=1).double())
        edge = panel.collections[0].get_paths()[0].vertices[:, 1]
        assert (edge.min(), edge.max()) == pytest.approx((y.min().item(), y.max().item()))


def words_of(picture):
    return [text.get_text() for axes in picture.axes for text in axes.texts] + [
        text.get_text() for text in picture.texts
    ]


def test_a_network_is_drawn_with_the_shapes_that_flow_through_it():
    picture = draw_network(FromV(network(n_features=16), SCHEDULE), noise(1, 3, 8, 12), 7, torch.eye(5)[1:2])
    words = words_of(picture)
    shapes = ["16×8×12", "32×4×6", "64×2×3", "64×2×3", "32×4×6", "16×8×12", "3×8×12", "3×8×12"]
    assert sorted(word for word in words if "×" in word) == sorted(shapes)
    assert {"down1", "down2", "bottom1", "bottom2", "up2", "up1", "stem", "head", "t = 7"} <= set(words)
    assert {"16 channels, joined to\nthe 32 that come up", "32 channels, joined to\nthe 64 that come up"} <= set(words)
    assert "the condition, 64 numbers" in words
    assert all(f"{name} {shape}" in picture.alt for name, shape in (("down2", "32×4×6"), ("bottom1", "64×2×3")))


def test_a_deck_has_the_liveliest_card_in_front_and_shows_its_numbers():
    features = torch.stack([noise(4, 4, seed=i) * width for i, width in enumerate((1, 5, 2, 3))])
    deck = _deck(features, 2, 2)
    assert deck.shape == (8 + 3, 8 + 3, 3)  # two cards, one step apart
    front = deck[3:, :8][::2, ::2].astype(int)
    place = (features[1] / (5 * features.std()) + 0.5).clamp(0, 1)
    assert np.abs(front - 255 * _FEATURES(place.numpy())[..., :3]).max() <= 1
    behind = 255 * _FEATURES((features[3] / (5 * features.std()) + 0.5).clamp(0, 1).numpy())[0, :, :3]
    assert np.abs(deck[0, 3:][::2].astype(int) - behind).max() <= 1


def test_drawing_a_network_leaves_it_alone():
    drawn = network()
    before = {name: value.clone() for name, value in drawn.state_dict().items()}
    draw_network(drawn, noise(1, 3, 8, 8), 7)
    assert not [part for part in drawn.modules() if part._forward_hooks]
    assert all(torch.equal(value, before[name]) for name, value in drawn.state_dict().items())


def test_a_drawn_network_hears_the_time_and_the_context():
    x_t, hero = noise(1, 3, 8, 8), torch.eye(5)[:1]
    drawings = [draw_network(network(), x_t, t, c) for t, c in ((7, None), (8, None), (7, hero), (7, 0 * hero))]
    images = [[axes.images[0].get_array().tobytes() for axes in drawing.axes if axes.images] for drawing in drawings]
    waves, condition, *features, given, answer = zip(*images, strict=True)
    for seen in (condition, *features, answer):
        assert len(set(seen)) == 3
        assert seen[0] == seen[3]
    assert waves[0] == waves[2] != waves[1]
    assert len(set(given)) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: show_images(noise(3, 16, 16)),
            r"x must have shape \(B, 3, H, W\) or \(B, 1, H, W\), got \(3, 16, 16\)",
        ),
        (lambda: show_images(noise(2, 3, 4, 4), titles=["a", "b", "c"]), "titles must have one entry"),
        (
            lambda: show_images(noise(2, 3, 4, 4), row_titles=["a", "b"]),
            "row_titles must have one entry for each of 1 rows",
        ),
        (lambda: show_images(noise(2, 3, 4, 4), columns=0), "columns must be a whole number of at least 1"),
        (lambda: show_images(noise(2, 3, 4, 4) / 0), "x must be finite"),
        (lambda: plot_points(noise(2, 5), ["a", "b"]), r"panels must have shape \(K, N, 2\)"),
        (lambda: plot_noise_level(noise(1, 3, 4, 4), noise(1, 3, 4, 4), SCHEDULE, 51), "from 1 to 50, got 51"),
        (lambda: plot_noise_level(noise(2, 3, 4, 4), noise(2, 3, 4, 4), SCHEDULE, 5), "x0 must be one image"),
        (lambda: plot_matrix(noise(5), "x", "y"), r"values must have shape \(rows, columns\), got \(5,\)"),
        (lambda: plot_matrix(noise(5, 5), "x", "y", row_names=["a"]), "one entry for each of 5 rows, got 1"),
        (lambda: plot_matrix(noise(5, 4), "x", "y", column_names=["a"]), "one entry for each of 4 columns, got 1"),
        (lambda: plot_spread(spread(*"abcdefghi"), "x", "y"), "curves must be 1 to .*, got 9"),
        (lambda: plot_spread({"a": (torch.arange(3), noise(2, 4))}, "x", "y"), "curves must be .*, each x of shape"),
        (lambda: plot_panels({"a": (torch.arange(3), noise(2, 4))}, "x"), "panels must be .*, each x of shape"),
        (
            lambda: draw_network(torch.nn.Identity(), noise(1, 3, 8, 8), 1),
            "model must be a ContextUnet .* got Identity",
        ),
        (lambda: draw_network(network(), noise(2, 3, 8, 8), 1), "x_t must be one image of at most 32 pixels"),
        (lambda: draw_network(network(), noise(1, 3, 64, 64), 1), "x_t must be one image of at most 32 pixels"),
        (lambda: draw_network(network(), noise(1, 3, 8, 8), 0), "t must be a whole number"),
        (lambda: draw_network(network(n_context=9), noise(1, 3, 8, 8), 1), "at most 8 numbers, got 9"),
        (lambda: noise_slider(noise(1, 1, 300, 4), noise(1, 1, 300, 4), SCHEDULE), "at most 240 pixels a side"),
        (lambda: plot_histograms({str(i): noise(9) for i in range(5)}, normal, "x"), "samples must be 1 to 4 sets"),
        (lambda: trajectory_slider(noise(1, 3, 4, 4), [], SCHEDULE), "steps must hold at least one step"),
        (lambda: animate([], [], "nothing"), "at least one frame"),
        (lambda: animate([noise(1, 3, 4, 4)], ["a", "b"], "one"), "captions must have one entry for each of 1 frames"),
        (lambda: animate([noise(1, 3, 4, 4), noise(2, 3, 4, 4)], ["a", "b"], "two"), "frames must have shape"),
        (lambda: build_up([], [], "nothing"), "pictures must hold at least one picture"),
        (
            lambda: build_up(stages("a", "b"), ["a"], "two"),
            "captions must have one entry for each of 2 pictures, got 1",
        ),
        (
            lambda: build_up(stages("a") + stages("b", size=(300, 201)), ["a", "b"], "two"),
            "pictures must be of one size, got 300×200, 300×201",
        ),
        (lambda: animate([noise(1, 3, 4, 4)], ["a"], "one", milliseconds=1), "milliseconds must be a whole number"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


class Player(HTMLParser):
    """What a browser would find in a movie."""

    def __init__(self, html):
        super().__init__()
        self.found = {}
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.found[tag] = dict(attributes)


def test_a_movie_holds_its_frames_pixel_by_pixel_and_plays_without_the_network():
    frames = [noise(3, 3, 4, 4, seed=i) for i in range(5)]
    movie = animate(frames, [f"it's frame <{i}>" for i in range(5)], 'a "test"', columns=2)
    page = movie._repr_html_()
    player = Player(page).found
    sources = json.loads(player["figure"]["data-frames"])
    assert json.loads(player["figure"]["data-captions"])[3] == "it's frame <3>"
    assert player["img"]["alt"] == 'a "test"'
    assert player["img"]["src"] == sources[0]
    assert player["input"]["max"] == "4"
    assert "setInterval" in player["button"]["onclick"]
    assert "slider.oninput()" in player["button"]["onclick"]
    assert ".src = " in player["input"]["oninput"]
    assert int(player["img"]["width"]) == 8 * 12  # two columns of 4 + 2 pixels, enlarged
    assert "http" not in page
    assert page == animate(frames, [f"it's frame <{i}>" for i in range(5)], 'a "test"', columns=2)._repr_html_()
    for frame, source in zip(frames, sources, strict=True):
        pixels = np.array(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))).convert("RGB"))
        assert (pixels[1:5, 1:5] == to_pixels(frame)[0]).all()
        assert (pixels[1:5, 7:11] == to_pixels(frame)[1]).all()
        assert (pixels[7:11, 1:5] == to_pixels(frame)[2]).all()


def stages(*words, size=(300, 200)):
    """Pictures with more and more words."""
    pictures = [Picture(*size, "words") for _ in words]
    for i, drawn in enumerate(pictures):
        for j, word in enumerate(words[: i + 1]):
            picture.place_text(drawn, 9, 30 * j + 30, word, fontsize=18 - 3 * j)
    return pictures


def test_a_picture_builds_up_in_whole_pictures_and_stands_at_the_last():
    words = ["first", "second", 'it\'s "<third>"']
    page = build_up(stages(*words), words, "all <three>")._repr_html_()
    player = Player(page).found
    sources = json.loads(player["figure"]["data-frames"])
    pngs = [base64.b64decode(source.split(",")[1]) for source in sources]
    assert pngs == [stage.png() for stage in stages(*words)]
    assert json.loads(player["figure"]["data-captions"]) == words
    assert (player["figure"]["class"], player["figure"]["data-type"]) == ("movie", "16.7")  # 12 points
    assert "data-build-up" in player["figure"]
    assert player["img"]["src"] == sources[2]
    assert (player["img"]["width"], player["img"]["height"], player["img"]["alt"]) == ("300", "200", "all <three>")
    assert "pixelated" not in page
    assert (player["input"]["value"], player["input"]["max"]) == ("2", "2")
    assert "<output>it&#x27;s &quot;&lt;third&gt;&quot;</output>" in page
    assert "setInterval(next, 1500)" in player["button"]["onclick"]
    assert page == build_up(stages(*words), words, "all <three>")._repr_html_()


def test_an_animation_is_not_a_picture_that_builds_up():
    player = Player(animate([noise(1, 3, 4, 4)] * 3, list("abc"), "three")._repr_html_()).found
    assert not {"data-build-up", "data-type"} & set(player["figure"])
    assert "pixelated" in player["img"]["style"]
    assert player["input"]["value"] == "0"


def test_the_trajectory_slider_shows_input_noise_and_opinion_of_each_step():
    x_T = noise(2, 3, 16, 16)
    steps = list(sample(lambda x, t, c: 0.1 * x, x_T, [50, 30, 9, 0], SCHEDULE))
    slider, picture = trajectory_slider(x_T, steps, SCHEDULE).children
    assert (slider.min, slider.max) == (0, 2)
    for i, (t, x_t) in enumerate([(50, x_T), (30, steps[0].x), (9, steps[1].x)]):
        slider.value = i
        rows = torch.cat([x_t, 0.1 * x_t, steps[i].x0_hat])
        names = ("x_t", "noise it\nsees", "picture it\nhas in mind")
        shown = Image.open(io.BytesIO(base64.b64decode(Player(picture.value).found["img"]["src"].split(",")[1])))
        expected = Image.open(io.BytesIO(show_images(rows, (), names, 2, f"t = {t}").png()))
        assert np.abs(np.asarray(shown, dtype=int) - np.asarray(expected, dtype=int)).max() <= 1  # ε is computed back
        assert Player(picture.value).found["img"]["alt"].startswith(f"t = {t}:")


def test_moving_the_slider_redraws_the_figure():
    box = noise_slider(noise(1, 3, 16, 16), noise(1, 3, 16, 16, seed=1), SCHEDULE)
    slider, picture = box.children
    assert isinstance(slider, ipywidgets.IntSlider)
    assert (slider.min, slider.max) == (1, 50)
    seen = set()
    for t in (1, 10, 50):
        slider.value = t
        expected = plot_noise_level(noise(1, 3, 16, 16), noise(1, 3, 16, 16, seed=1), SCHEDULE, t)
        assert picture.value.startswith(expected.html().removesuffix(">"))  # and a handler for screen readers follows
        shown = Player(picture.value).found["img"]
        assert re.search(rf"t = {t}\b", shown["alt"])
        assert base64.b64decode(shown["src"].split(",")[1]) == expected.png()
        seen.add(picture.value)
    assert len(seen) == 3


def test_a_slider_brings_a_movie_along_for_where_nothing_can_be_computed():
    schedule, sprite, noise = linear_schedule(40), torch.zeros((1, 3, 4, 4)), torch.randn((2, 3, 4, 4))
    panel = noise_slider(sprite, torch.ones_like(sprite), schedule)
    data, about = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert about["movie"] == panel.movie._repr_html_()
    assert panel.movie.captions[0].startswith("t = 1,")
    assert panel.movie.captions[-1].startswith("t = 40,")
    steps = list(sample(lambda x, t, c: torch.zeros_like(x), noise, schedule.timesteps(15), schedule))
    movie = trajectory_slider(noise, steps, schedule).movie
    assert len(movie.frames) == 10
    assert movie.captions[0].startswith("t = 40:"), "it begins where the sampler did"
