"""The diagram of a residual block, in stages: feature maps and the way of the condition, read from one call."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import Circle
from torch import Tensor, nn

from ..networks.blocks import ResidualBlock
from .drawing import draw_path, draw_word, page_axes, place_box
from .network_diagram import TIME, outputs_of, place_code, stack_cards, unet_of
from .picture import INK, NETWORK, Picture, place_image, styled

_MIDDLE, _LANE = 170, 44  # heights of the two ways, in pixels of the page
_PLUS = 697


@dataclass(frozen=True)
class _Inside:
    """What flows through a block in one call: features (C, H, W), and rows of numbers."""

    x: Tensor
    condition: Tensor
    scale: Tensor
    shift: Tensor
    convolved: Tensor
    told: Tensor
    correction: Tensor
    shortcut: Tensor
    answer: Tensor
    passes_on: bool  # the shortcut is no convolution


def draw_residual_block(
    model: nn.Module, x_t: Tensor, t: int, c: Tensor | None = None, block: str = "up1"
) -> list[Picture]:
    """A block of a `ContextUnet` in six stages, from its input to its sum, for `build_up`.

    They add, one after the other: the input; the first convolution; scale and shift; the second convolution; the way
    past it all; the sum. Of each tensor four channels are drawn, those that vary most; of the three that take part in
    the sum the same four. Green is 0; black and white are −2.5 and 2.5 standard deviations of the tensor, in the sum
    those of the answer.

    Args:
        model: a `ContextUnet`, or a model that holds one as its `network`, such as `FromV`.
        x_t: one noisy image, shape (1, 3, H, W) or (1, 1, H, W), of at most 32 pixels a side.
        t: its time, in 1…9999.
        c: its context, shape (1, n_context); None for no context.
        block: the name of a block.
    """
    inside = _look_inside(model, x_t, t, c, block)
    return [_draw_stage(inside, stage, block, t) for stage in range(1, 7)]


def _look_inside(model: nn.Module, x_t: Tensor, t: int, c: Tensor | None, name: str) -> _Inside:
    network = unet_of(model)
    block = getattr(network, name, None) if isinstance(name, str) else None
    if not isinstance(block, ResidualBlock):
        raise ValueError(f"block must be the name of a block of the network, got {name!r}")
    given: list[Tensor] = []
    handle = block.register_forward_hook(lambda part, arguments, answer: given.extend(arguments))
    try:
        seen = outputs_of(network, x_t, t, c)
    finally:
        handle.remove()
    inside = {part: seen[f"{name}.{part}"][0] for part in ("conv1", "norm2", "condition", "conv2", "shortcut")}
    scale, shift = inside["condition"].chunk(2)
    return _Inside(
        x=given[0][0],
        condition=given[1][0],
        scale=scale,
        shift=shift,
        convolved=inside["conv1"],
        told=inside["norm2"] * (1 + scale[:, None, None]) + shift[:, None, None],
        correction=inside["conv2"],
        shortcut=inside["shortcut"],
        answer=seen[name][0],
        passes_on=isinstance(block.shortcut, nn.Identity),
    )


@styled
def _draw_stage(inside: _Inside, stage: int, name: str, t: int) -> Picture:
    sides = "×".join(map(str, inside.x.shape)), "×".join(map(str, inside.answer.shape))
    picture = Picture(820, 316, f"Stage {stage} of 6 of the block {name} at t = {t}, from {sides[0]} to {sides[1]}")
    axes = page_axes(picture)
    lively = _liveliest(inside.answer)
    spread = inside.answer.std().item()
    _place_deck(picture, axes, 46, inside.x, "$x$", _liveliest(inside.x))
    if stage >= 2:
        draw_path(axes, [(86, _MIDDLE), (102, _MIDDLE)], width=1.6)
        place_box(picture, 102, _MIDDLE - 44, 66, 88, "norm₁\nSiLU\nconv₁")
        draw_path(axes, [(168, _MIDDLE), (184, _MIDDLE)], width=1.6)
        _place_deck(picture, axes, 222, inside.convolved, "$h$", _liveliest(inside.convolved))
    if stage >= 3:
        _draw_telling(picture, axes, inside)
    if stage >= 4:
        draw_path(axes, [(500, _MIDDLE), (516, _MIDDLE)], width=1.6)
        place_box(picture, 516, _MIDDLE - 31, 62, 62, "SiLU\nconv₂")
        draw_path(axes, [(578, _MIDDLE), (592, _MIDDLE)], width=1.6)
        _place_deck(picture, axes, 630, inside.correction, "correction", lively, spread)
    if stage >= 5:
        _draw_way_past(picture, axes, inside, lively, spread)
    if stage >= 6:
        draw_path(axes, [(668, _MIDDLE), (_PLUS - 11, _MIDDLE)], width=1.6)
        draw_path(axes, [(_PLUS + 12, _MIDDLE), (734, _MIDDLE)], width=1.6)
        _place_deck(picture, axes, 772, inside.answer, "sum", lively, spread)
    return picture


def _draw_telling(picture: Picture, axes: Axes, inside: _Inside) -> None:
    """The second normalisation, and below it the condition, which becomes a scale and a shift for each channel."""
    draw_path(axes, [(262, _MIDDLE), (276, _MIDDLE)], width=1.6)
    place_box(picture, 276, _MIDDLE - 17, 58, 34, "norm₂")
    draw_path(axes, [(334, _MIDDLE), (346, _MIDDLE)], width=1.6)
    place_box(picture, 346, _MIDDLE - 23, 68, 46, "scale,\nshift", TIME)
    draw_path(axes, [(414, _MIDDLE), (426, _MIDDLE)], width=1.6)
    _place_deck(picture, axes, 462, inside.told, "$h(1+a)+b$", _liveliest(inside.told))
    low = 274
    place_code(picture, 24, low, inside.condition, 128)
    draw_word(axes, (88, low + 8), f"condition, {len(inside.condition)} numbers", "s", size=10.5)
    draw_path(axes, [(155, low), (176, low)], colour=TIME, width=1.6)
    place_box(picture, 176, low - 15, 62, 30, "linear")
    draw_path(axes, [(238, low), (262, low)], colour=TIME, width=1.6)
    for x, numbers, word in ((266, inside.scale, "a"), (392, inside.shift, "b")):
        place_code(picture, x, low, numbers, 100)
        draw_word(axes, (x + 50, low + 8), f"${word}$, {len(numbers)} numbers", "s", size=10.5)
    draw_path(axes, [(380, low - 12), (380, _MIDDLE + 24)], colour=TIME, width=1.6)


def _draw_way_past(picture: Picture, axes: Axes, inside: _Inside, channels: Sequence[int], spread: float) -> None:
    """The shortcut, and the plus at its end."""
    draw_path(axes, [(46, _MIDDLE - 76), (46, _LANE), (290, _LANE)], colour=NETWORK, width=3)
    place_box(picture, 290, _LANE - 17, 112, 34, "shortcut: $x$" if inside.passes_on else "shortcut, 1×1")
    draw_path(axes, [(402, _LANE), (_PLUS, _LANE), (_PLUS, _MIDDLE - 12)], colour=NETWORK, width=3)
    _place_deck(picture, axes, 540, inside.shortcut, "", channels, spread, _LANE)
    axes.add_patch(Circle((_PLUS, _MIDDLE), 11, facecolor="white", edgecolor=INK, linewidth=1.4))
    draw_word(axes, (_PLUS, _MIDDLE), "+", size=13)


def _place_deck(
    picture: Picture,
    axes: Axes,
    x: float,
    features: Tensor,
    name: str,
    channels: Sequence[int],
    spread: float | None = None,
    y: float = _MIDDLE,
) -> None:
    """Some feature maps as a deck around (x, y), with a name and the shape of all above it."""
    cards = features[list(channels)] / (5 * (spread or features.std().item() or 1.0)) + 0.5
    deck = stack_cards(cards, 60 // max(features.shape[1:]))
    height, width = deck.shape[:2]
    place_image(picture, deck, round(x - width / 2), round(y - height / 2), 1, frame=False)
    if name:
        draw_word(axes, (x, y - height / 2 - 14), name, "n", NETWORK, bold=True)
        draw_word(axes, (x, y - height / 2 + 3), "×".join(map(str, features.shape)), "n", size=10.5)


def _liveliest(features: Tensor) -> list[int]:
    order: list[int] = features.flatten(1).std(1).argsort(descending=True)[:4].tolist()
    return order
