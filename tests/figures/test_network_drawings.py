"""The drawings of what is inside a network: its clocks, its scales and shifts, its blocks, and how far it sees."""

import io
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.patches import Circle, Polygon
from PIL import Image

from course_utils import (
    ContextUnet,
    FromX0,
    build_up,
    draw_clocks,
    draw_receptive_fields,
    draw_residual_block,
    draw_scale_and_shift,
    linear_schedule,
)
from course_utils.figures.images import to_pixels
from course_utils.figures.picture import SIGNED
from course_utils.networks.blocks import TimeEmbedding

TIMES = [100, 101, 400]
EMBEDDING = TimeEmbedding(32)(torch.tensor(TIMES))
CHANNELS = [3, 0, 7]


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def network(**arguments):
    """A network of random weights, the same in every call."""
    network = ContextUnet(**{"n_features": 8} | arguments).eval().requires_grad_(False)
    for i, parameter in enumerate(network.parameters()):
        parameter.copy_(0.3 * noise(*parameter.shape, seed=i))
    return network


X_T, C = noise(1, 3, 16, 16), torch.eye(5)[1:2]


def field(radius, size=48):
    away = (torch.arange(size) - size // 2).abs()
    away = torch.maximum(away[:, None], away)
    return torch.exp(-away.float()) * (away <= radius)


FIELDS = {"three in a row": field(3), "twelve": field(12)}

PICTURES = {
    "clocks": lambda: draw_clocks(EMBEDDING, TIMES),
    "clocks, few and slow": lambda: draw_clocks(TimeEmbedding(4)(torch.tensor([9999, 0])), [9999, 0], hands=2),
    "scale and shift": lambda: draw_scale_and_shift(network(), X_T, 9999, C, [0, 1, 2, 3, 4, 5]),
    "scale and shift, small": lambda: draw_scale_and_shift(network(), X_T[..., :8], 7, C, CHANNELS, "bottom2"),
    "block": lambda: draw_residual_block(network(n_features=32), X_T, 9999, C)[-1],
    "block, passing on": lambda: draw_residual_block(network(), X_T[..., :8], 1, None, "bottom2")[-1],
    "fields": lambda: draw_receptive_fields(FIELDS, X_T),
    "fields, all of it": lambda: draw_receptive_fields({"all": field(48, 128)}, X_T[..., :8]),
}


def rendered(picture):
    return np.array(Image.open(io.BytesIO(picture.png())).convert("RGB"))


def words_of(picture):
    return [text.get_text() for axes in picture.axes for text in axes.texts]


def images_of(picture):
    return [axes.images[0].get_array() for axes in picture.axes if axes.images]


@pytest.mark.parametrize("make", PICTURES.values(), ids=PICTURES)
def test_nothing_is_cut_off_and_words_can_be_read(make):
    picture = make()
    pixels = rendered(picture)
    assert pixels.shape[1] <= 2 * 820
    assert all((edge == 255).all() for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))
    assert picture.smallest_type() >= 14
    np.testing.assert_array_equal(pixels, rendered(make()))


def test_hands_point_where_sine_and_cosine_say():
    picture = draw_clocks(EMBEDDING, TIMES, hands=8)
    axes = picture.axes[0]
    middles = [patch.center for patch in axes.patches if isinstance(patch, Circle)]
    assert len(middles) == 3 * 8
    sine, cosine = EMBEDDING.chunk(2, dim=1)
    shown = torch.stack([sine, cosine], dim=2)[:, ::2].flatten(0, 1).numpy()
    paths = [patch.get_path().vertices for patch in axes.patches if not isinstance(patch, Circle | Polygon)]
    for middle, direction in zip(middles, shown, strict=True):
        *_, hand = (path[1] - path[0] for path in paths if np.allclose(path[0], middle))  # over that of the first time
        found = hand / np.linalg.norm(hand)
        np.testing.assert_allclose(found, direction * (1, -1), atol=1e-3)  # y is measured downwards
    assert {"6", "1,987"} <= set(words_of(picture))


def test_a_filled_angle_is_how_far_a_hand_has_moved_since_the_first_time():
    axes = draw_clocks(EMBEDDING, TIMES, hands=8).axes[0]
    wedges = [patch for patch in axes.patches if isinstance(patch, Polygon)]
    assert len(wedges) == 2 * 8
    first = wedges[0].get_xy()
    middle, radius = first[0], np.linalg.norm(first[1] - first[0])
    x, y = (wedges[0].get_xy()[1:-1] - middle).T
    area = 0.5 * np.abs((x[:-1] * y[1:] - x[1:] * y[:-1]).sum())
    assert area == pytest.approx(0.5 * radius**2 * 1, rel=1e-2), "the fastest hand turns one radian a step"


def test_beside_each_time_stands_its_cosine_with_the_first():
    words = words_of(draw_clocks(EMBEDDING, TIMES))
    unit = F.normalize(EMBEDDING, dim=1)
    assert {f"{unit[0] @ other:.2f}" for other in unit} <= set(words)
    assert {"t = 100", "t = 101", "t = 400", "cosine with\nt = 100"} <= set(words)


def test_channels_are_drawn_as_a_block_scales_and_shifts_them():
    model = network()
    picture = draw_scale_and_shift(FromX0(model, linear_schedule(50)), X_T, 7, C, CHANNELS)
    given, *maps = images_of(picture)
    np.testing.assert_array_equal(given, to_pixels(X_T)[0])
    block, x = model.down1, model.stem(X_T)
    h = block.norm2(block.conv1(F.silu(block.norm1(x))))[0]
    condition = F.silu(model.embed_time(torch.tensor([7])) + model.embed_context(C))
    a, b = block.condition(condition)[0].chunk(2)
    words = words_of(picture)
    for i, k in enumerate(CHANNELS):
        scaled = h[k] * (1 + a[k])
        for seen, values in zip(
            maps[4 * i : 4 * i + 4], (h[k], scaled, scaled + b[k], F.silu(scaled + b[k])), strict=True
        ):
            expected = 255 * SIGNED((values / 6 + 0.5).clamp(0, 1).numpy())[..., :3]
            assert np.abs(seen[::4, ::4].astype(int) - expected).max() <= 1
        assert f"× {1 + a[k]:.1f}".replace("-", "−") in words
        assert f"{'+' if b[k] >= 0 else '−'} {abs(b[k]):.1f}" in words
        assert f"{k}" in words


def test_a_block_is_built_up_from_its_input_to_its_sum():
    stages = draw_residual_block(network(n_features=16), X_T, 7, C)
    words = [set(words_of(stage)) for stage in stages]
    assert len(stages) == 6
    for before, after in pairwise(words):
        assert before < after, "each stage adds something and keeps what was there"
    new = [after - before for before, after in pairwise([set(), *words])]
    for added, word in zip(new, ("48×16×16", "conv₁", "linear", "conv₂", "shortcut", "sum"), strict=True):
        assert any(word in name for name in added), (word, added)
    movie = build_up(stages, [str(i) for i in range(6)], "a block")
    assert movie.size == stages[0].page_size()


def test_the_shortcut_and_the_correction_add_up_to_what_is_drawn_as_their_sum(monkeypatch):
    from course_utils.figures import block_diagram

    drawn = []
    place = block_diagram._place_deck

    def watch(picture, axes, x, features, name, channels, spread=None, *rest):
        drawn.append((name, features, tuple(channels), spread))
        place(picture, axes, x, features, name, channels, spread, *rest)

    monkeypatch.setattr(block_diagram, "_place_deck", watch)
    model = network()
    *_, _ = draw_residual_block(model, X_T, 7, C, "down1")
    last = {name: rest for name, *rest in drawn[-6:]}
    (correction, *how), (shortcut, *alike), (answer, *also) = (last[name] for name in ("correction", "", "sum"))
    assert torch.allclose(correction + shortcut, answer, atol=1e-5)
    assert how == alike == also, "in the same channels and colours"
    condition = F.silu(model.embed_time(torch.tensor([7])) + model.embed_context(C))
    assert torch.allclose(answer, model.down1(model.stem(X_T), condition)[0], atol=1e-5)
    assert torch.allclose(last["$x$"][0], model.stem(X_T)[0], atol=1e-5)


def test_a_block_that_passes_on_says_so():
    assert "shortcut: $x$" in words_of(draw_residual_block(network(), X_T, 7, C, "down1")[-1])
    assert "shortcut, 1×1" in words_of(draw_residual_block(network(), X_T, 7, C, "up1")[-1])


def test_drawing_leaves_a_network_alone():
    drawn = network()
    draw_residual_block(drawn, X_T, 7, C)
    draw_scale_and_shift(drawn, X_T, 7, C, [0])
    assert not [part for part in drawn.modules() if part._forward_hooks]


def test_a_field_is_white_where_nothing_arrives_and_lies_around_the_sprite():
    picture = draw_receptive_fields(FIELDS, X_T)
    for shown, sprite, values in zip(images_of(picture)[::2], images_of(picture)[1::2], FIELDS.values(), strict=True):
        np.testing.assert_array_equal((shown == 255).all(-1), (values == 0).numpy())
        assert shown[24, 24].astype(int).sum() < shown[24, 26].astype(int).sum(), "stronger is darker"
        np.testing.assert_array_equal(sprite, to_pixels(X_T)[0])
    assert {"7 pixels", "25 pixels", "three in a row", "twelve"} <= set(words_of(picture))
    one, two = (
        axes.get_position() for axes in picture.axes if axes.images[:1] and axes.images[0].get_array().shape[0] == 48
    )
    inner = [
        axes.get_position() for axes in picture.axes if axes.images[:1] and axes.images[0].get_array().shape[0] == 16
    ]
    for around, inside in zip((one, two), inner, strict=True):
        assert (around.x0 + around.x1) / 2 == pytest.approx((inside.x0 + inside.x1) / 2)
        assert (around.y0 + around.y1) / 2 == pytest.approx((inside.y0 + inside.y1) / 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: draw_clocks(EMBEDDING, [1, 2]), r"embedding must have shape \(R, 2K\) for R = 2 times"),
        (lambda: draw_clocks(EMBEDDING[:, 1:], TIMES), r"embedding must have shape \(R, 2K\)"),
        (lambda: draw_clocks(EMBEDDING, TIMES, 17), "hands must be a whole number from 1 to 16"),
        (lambda: draw_clocks(EMBEDDING, [1, 2, -3]), "each of the times must be a whole number"),
        (lambda: draw_scale_and_shift(torch.nn.Identity(), X_T, 7, C, [0]), "model must be a ContextUnet"),
        (lambda: draw_scale_and_shift(network(), X_T, 7, C, []), "channels must be 1 to 6 numbers, got 0"),
        (lambda: draw_scale_and_shift(network(), X_T, 7, C, [8]), "each of the channels must be a whole number"),
        (lambda: draw_scale_and_shift(network(), X_T, 7, C, [0], "stem"), "block must be the name of a block"),
        (lambda: draw_residual_block(network(), X_T, 7, C, "head"), "block must be the name of a block"),
        (lambda: draw_residual_block(network(), noise(2, 3, 8, 8), 7), "x_t must be one image"),
        (lambda: draw_receptive_fields({}, X_T), "fields must be 1 to 3, got 0"),
        (lambda: draw_receptive_fields({"a": field(3, 8)}, X_T), r"fields must be of one shape \(S, S\)"),
        (lambda: draw_receptive_fields({"a": 0 * field(3)}, X_T), "fields must not be negative, nor all zeros"),
        (lambda: draw_receptive_fields({"a": -field(3)}, X_T), "fields must not be negative, nor all zeros"),
        (lambda: draw_receptive_fields(FIELDS, noise(2, 3, 8, 8)), "sprite must be one image"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
