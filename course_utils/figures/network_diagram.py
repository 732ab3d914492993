"""The diagram of a U-Net: feature maps, shapes and conditioning, read from one call of a real `ContextUnet`."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Circle, Rectangle
from torch import Tensor, nn

from ..networks.unet import ContextUnet
from ..validation import require_images, require_int
from .drawing import draw_path, place_box
from .images import to_pixels
from .picture import INK, NETWORK, SIGNED, Picture, as_ink, place_axes, place_image, place_text, styled

TIME, _CONTEXT = "#8F4A7B", "#B26F00"


_FEATURES = LinearSegmentedColormap.from_list("features", ["#05241c", NETWORK, "#f4fffa"])


_DECKS = {
    "down1": (194, 90),
    "down2": (270, 198),
    "bottom1": (350, 282),
    "bottom2": (470, 282),
    "up2": (550, 198),
    "up1": (626, 90),
}
"""Where the middle of each block stands, in pixels of the page."""


@styled
def draw_network(model: nn.Module, x_t: Tensor, t: int, c: Tensor | None = None) -> Picture:
    """A `ContextUnet` as a U of cards: what its blocks put out for one noisy picture, and where t and c come in.

    Shapes and features are read from one call of the network. A block is a deck of feature maps, one card for every
    n_features / 4 channels, at the size of its pixels; the one that varies most lies in front. Green is 0; black and
    white are −2.5 and 2.5 standard deviations of the whole block.

    Args:
        model: a `ContextUnet`, or a model that holds one as its `network`, such as `FromV`.
        x_t: one noisy image, shape (1, 3, H, W) or (1, 1, H, W), of at most 32 pixels a side.
        t: its time, in 1…9999.
        c: its context, shape (1, n_context), of at most 8 numbers; None for no context.
    """
    network = unet_of(model)
    if network.arguments["n_context"] > 8:
        raise ValueError(f"model must have contexts of at most 8 numbers, got {network.arguments['n_context']}")
    c = x_t.new_zeros((1, network.arguments["n_context"])) if c is None else c
    seen = outputs_of(network, x_t, t, c)
    features = {name: seen[name][0] for name in _DECKS}
    shapes = {name: "×".join(map(str, block.shape)) for name, block in features.items()}
    picture = Picture(
        820,
        446,
        "The network as a U, from a noisy picture to its answer: "
        + ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        + "; skip connections lead from down1 to up1 and from down2 to up2; time and context reach every block",
    )
    axes = place_axes(picture, 0, 0, 820, 446)
    axes.set_axis_off()
    axes.set(xlim=(0, 820), ylim=(446, 0))
    _draw_flow(axes, features)
    _draw_condition(picture, axes, seen, t, c[0])
    zoom = 80 // max(x_t.shape[2:])
    for name, block in features.items():
        _place_stage(
            picture, *_DECKS[name], _deck(block, zoom, network.arguments["n_features"] // 4), name, shapes[name]
        )
    for x, image, name in ((54, x_t, "$x_t$"), (766, seen["head"], "answer")):
        pixels = to_pixels(image)[0].repeat(zoom, 0).repeat(zoom, 1)
        _place_stage(picture, x, 90, pixels, name, "×".join(map(str, image.shape[1:])), INK)
    return picture


def _place_stage(
    picture: Picture, x: float, y: float, pixels: np.ndarray, name: str, shape: str, colour: str = NETWORK
) -> None:
    """An image around (x, y), with its name and its shape above it."""
    height, width = pixels.shape[:2]
    top = round(y - height / 2)
    place_image(picture, pixels, round(x - width / 2), top, 1, frame=False)
    place_text(picture, x, top - 23, name, ha="center", va="bottom", fontweight="bold", color=as_ink(colour))
    place_text(picture, x, top - 5, shape, ha="center", va="bottom", fontsize=10.5)


def _deck(features: Tensor, zoom: int, per_card: int) -> np.ndarray:
    """Feature maps (C, H, W) as a deck of cards, uint8 of shape (height, width, 3)."""
    order = features.flatten(1).std(1).argsort(descending=True)
    return stack_cards(features[order][: len(features) // per_card] / (5 * features.std()) + 0.5, zoom)


def stack_cards(cards: Tensor, zoom: int) -> np.ndarray:
    """Feature maps (K, H, W) as a deck, the first in front, black for 0 and white for 1; uint8 (height, width, 3)."""
    step = 3
    shown = (255 * _FEATURES(cards.clamp(0, 1).numpy())[..., :3]).round().astype(np.uint8)
    shown = shown.repeat(zoom, 1).repeat(zoom, 2)
    count, height, width = shown.shape[:3]
    behind = step * (count - 1)
    deck = np.full((height + behind, width + behind, 3), 255, dtype=np.uint8)
    for i in reversed(range(count)):
        top, left = behind - step * i, step * i
        deck[max(top - 1, 0) : top + height, left : left + width + 1] = 255  # a white edge around the card
        deck[top : top + height, left : left + width] = shown[i]
    return deck


def unet_of(model: nn.Module) -> ContextUnet:
    """The network itself, of a model that is one or holds one."""
    network = getattr(model, "network", model)
    if not isinstance(network, ContextUnet):
        raise ValueError(f"model must be a ContextUnet or hold one, got {type(model).__name__}")
    return network


def outputs_of(network: nn.Module, x_t: Tensor, t: int, c: Tensor | None) -> dict[str, Tensor]:
    """What each part of a network puts out in one call about one image, by the name of the part."""
    if len(require_images("x_t", x_t)) != 1 or max(x_t.shape[2:]) > 32:
        raise ValueError(f"x_t must be one image of at most 32 pixels a side, got shape {tuple(x_t.shape)}")
    times = torch.tensor([require_int("t", t, 1, 9999)])
    seen: dict[str, Tensor] = {}

    def record(name: str) -> Callable[..., None]:
        return lambda part, given, answer: seen.update({name: answer})

    handles = [part.register_forward_hook(record(name)) for name, part in network.named_modules()]
    try:
        with torch.no_grad():
            network(x_t, times, c)
    finally:
        for handle in handles:
            handle.remove()
    return seen


def _draw_flow(axes: Axes, features: Mapping[str, Tensor]) -> None:
    """The way of the picture, down and up, and the two skip connections."""
    for points in (
        [(98, 90), (144, 90)],
        [(208, 140), (208, 198), (232, 198)],
        [(284, 234), (284, 282), (310, 282)],
        [(388, 282), (432, 282)],
        [(510, 282), (536, 282), (536, 234)],
        [(588, 198), (612, 198), (612, 140)],
        [(676, 90), (722, 90)],
    ):
        draw_path(axes, points, colour=INK, width=1.6)
    for x, y, word in ((215, 214, "halve"), (291, 298, "halve"), (525, 298, "double"), (607, 214, "double")):
        axes.text(x, y, word, ha="center", va="center", fontsize=10.5)
    for x, word in ((121, "stem"), (699, "head")):
        axes.text(x, 82, word, ha="center", va="bottom", color=as_ink(NETWORK), fontweight="bold", fontsize=11)
    for y, left, right, down, below in ((90, 246, 574, "down1", "up2"), (198, 308, 512, "down2", "bottom2")):
        draw_path(axes, [(left, y), (right, y)], colour=NETWORK, width=3.5)
        joined = f"{len(features[down])} channels, joined to\nthe {len(features[below])} that come up"
        axes.text(
            410,
            y - 47,
            "skip connection",
            ha="center",
            va="bottom",
            color=as_ink(NETWORK),
            fontweight="bold",
            fontsize=11,
        )
        axes.text(410, y - 7, joined, ha="center", va="bottom", fontsize=10.5, linespacing=1.1)


def _draw_condition(picture: Picture, axes: Axes, seen: Mapping[str, Tensor], t: int, c: Tensor) -> None:
    """How t and c become the condition, and the line that brings it to every block."""
    bus, row, low = 336, 384, 426
    for x, y in ((176, 140), (250, 234), (328, 314), (448, 314), (554, 234), (644, 140)):
        draw_path(axes, [(x, bus), (x, y)], colour=TIME, width=1.6)
    axes.plot([176, 644], [bus, bus], color=TIME, linewidth=1.6)
    waves, condition = seen["embed_time.0"][0], F.silu(seen["embed_time"] + seen["embed_context"])[0]

    axes.text(14, row, f"t = {t}", va="center", color=as_ink(TIME), fontweight="bold")
    axes.text(14, low, "c", va="center", color=as_ink(_CONTEXT), fontweight="bold")
    place_code(picture, 88, row, waves, 96)
    axes.text(136, row - 12, "sines, cosines", ha="center", va="bottom", fontsize=10.5)
    axes.text(88 + 9 * len(c), low - 11, "context", ha="center", va="bottom", fontsize=10.5)
    for i, number in enumerate(c.tolist()):
        axes.add_patch(
            Rectangle(
                (88 + 18 * i, low - 8), 16, 16, facecolor=_CONTEXT if number else "white", edgecolor=INK, linewidth=0.8
            )
        )
    draw_path(axes, [(188, row), (208, row)], colour=TIME, width=1.6)
    place_box(picture, 208, row - 13, 92, 26, "two layers", size=10.5)
    draw_path(axes, [(92 + 18 * len(c), low), (208, low)], colour=_CONTEXT, width=1.6)
    place_box(picture, 208, low - 13, 92, 26, "one layer", size=10.5)
    draw_path(axes, [(300, row), (324, row)], colour=TIME, width=1.6)
    draw_path(axes, [(300, low), (336, low), (336, row + 12)], colour=_CONTEXT, width=1.6)
    axes.add_patch(Circle((336, row), 10, facecolor="white", edgecolor=INK, linewidth=1.4))
    axes.text(336, row, "+", ha="center", va="center", fontsize=13)
    draw_path(axes, [(348, row), (372, row)], colour=TIME, width=1.6)
    place_code(picture, 374, row, condition, 256)
    axes.text(502, row + 14, f"the condition, {len(condition)} numbers", ha="center", va="top", fontsize=10.5)
    draw_path(axes, [(502, row - 12), (502, bus)], colour=TIME, width=1.6)
    axes.text(
        660,
        bus,
        "tells every block how\nto scale and shift\nits channels",
        va="center",
        color=as_ink(TIME),
        fontsize=11,
    )


def place_code(picture: Picture, x: float, y: float, numbers: Tensor, width: int) -> None:
    """Numbers as coloured stripes around the height y, pale for 0; only every second or third if they are too many."""
    numbers = numbers[:: -(-len(numbers) // width)]
    cell = width // len(numbers)
    shown = SIGNED((numbers / (2 * numbers.abs().max().clamp(min=1e-9)) + 0.5).numpy())[None, :, :3]
    stripes = (255 * shown).round().astype(np.uint8).repeat(18, 0).repeat(cell, 1)
    place_image(picture, stripes, x + (width - cell * len(numbers)) / 2, y - 9, 1)
