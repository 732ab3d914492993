"""What a network is told and what it makes of it: the clocks of the time, and the scale and shift of a block."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Circle, Polygon
from torch import Tensor, nn
from torch.nn.functional import silu

from ..validation import require_floats, require_int
from .drawing import draw_path, draw_word, page_axes
from .images import to_pixels
from .network_diagram import TIME, outputs_of, unet_of
from .picture import FRAME, INK, SIGNED, Picture, place_axes, place_image, styled


@styled
def draw_clocks(embedding: Tensor, times: Sequence[int], hands: int = 8) -> Picture:
    """The sines and cosines of some times as clocks, a row for each time and a column for each hand.

    A hand points up where its sine is 0 and its cosine 1, and turns clockwise. From the second row on, the hand of the
    first is drawn thin, and the angle between the two is filled; beside the row stands the cosine of the two times.

    Args:
        embedding: of the times, shape (R, 2K): K sines, then K cosines, at the frequencies 10000^(−k / K).
        times: R whole numbers, those that were embedded.
        hands: how many of the K hands to draw, evenly spaced, the fastest first.
    """
    require_floats("embedding", embedding)
    if embedding.ndim != 2 or embedding.shape[1] % 2 or len(embedding) != len(times):
        raise ValueError(
            f"embedding must have shape (R, 2K) for R = {len(times)} times, got shape {tuple(embedding.shape)}"
        )
    count = embedding.shape[1] // 2
    require_int("hands", hands, 1, count)
    shown = [k * count // hands for k in range(hands)]
    angles = torch.atan2(*embedding.double().cpu().chunk(2, dim=1))
    radius, row, left, top = min(34, 300 // hands), 84, 106, 56
    width, labels = 820, [f"t = {require_int('each of the times', t, 0)}" for t in times]
    picture = Picture(
        width,
        top + row * len(times),
        f"{hands} hands of clocks that turn with different speeds, at {', '.join(labels)}",
    )
    axes = page_axes(picture)
    column = (width - 118 - left) / hands
    draw_word(axes, (14, 26), "steps for\none turn", "e", size=10.5)
    draw_word(axes, (width - 110, 26), f"cosine with\n{labels[0]}", "e", size=10.5)
    alike = torch.nn.functional.normalize(embedding.double().cpu(), dim=1)
    for i, label in enumerate(labels):
        y = top + row * (i + 0.5) - 2
        draw_word(axes, (14, y), label, "e", TIME, bold=True)
        for j, k in enumerate(shown):
            x = left + column * (j + 0.5)
            _draw_hand(axes, (x, y), radius, angles[i, k].item(), angles[0, k].item() if i else None)
            if i == 0:
                draw_word(axes, (x, 26), f"{2 * math.pi * 10_000 ** (k / count):,.0f}", size=10.5)
        draw_word(axes, (width - 110, y), f"{alike[0] @ alike[i]:.2f}".replace("-", "−"), "e", size=13)
    return picture


def _draw_hand(axes: Axes, at: tuple[float, float], radius: float, angle: float, before: float | None) -> None:
    """A clock with one hand, in radians clockwise from the top, and how far it is from where it was before."""

    def tips(angles: np.ndarray, length: float) -> np.ndarray:
        return np.array(at) + length * np.stack([np.sin(angles), -np.cos(angles)], axis=-1)

    axes.add_patch(Circle(at, radius, facecolor="white", edgecolor=FRAME, linewidth=1.4))
    if before is not None:
        turned = math.remainder(angle - before, 2 * math.pi)
        rim = tips(np.linspace(before, before + turned, 60), radius - 1)
        axes.add_patch(Polygon(np.concatenate([[at], rim]), facecolor=TIME, alpha=0.35, linewidth=0))
        draw_path(axes, np.stack([at, tips(np.array(before), radius - 1)]), colour=INK, width=1, arrow=False)
    draw_path(axes, np.stack([at, tips(np.array(angle), radius - 2)]), colour=TIME, width=2.4)


@styled
def draw_scale_and_shift(
    model: nn.Module, x_t: Tensor, t: int, c: Tensor, channels: Sequence[int], block: str = "down1"
) -> Picture:
    """Some channels of a block before and after its scale and shift, and what SiLU lets through, beside the input.

    All is read from one call of the network.

    Args:
        model: a `ContextUnet`, or a model that holds one as its `network`, such as `FromV`.
        x_t: one noisy image, shape (1, 3, H, W) or (1, 1, H, W), of at most 32 pixels a side.
        t: its time, in 1…9999.
        c: its context, shape (1, n_context).
        channels: numbers of channels of the block; at most six.
        block: the name of a block.
    """
    seen = outputs_of(unet_of(model), x_t, t, c)
    if f"{block}.norm2" not in seen:
        raise ValueError(f"block must be the name of a block of the network, got {block!r}")
    normed = seen[f"{block}.norm2"][0]
    scale, shift = seen[f"{block}.condition"][0].chunk(2)
    if not 1 <= len(channels) <= 6:
        raise ValueError(f"channels must be 1 to 6 numbers, got {len(channels)}")
    chosen = [require_int("each of the channels", k, 0, len(normed) - 1) for k in channels]
    zoom, row, top, limit = 64 // max(normed.shape[1:]), 76, 34, 3.0
    height, width = (side * zoom for side in normed.shape[1:])
    stops = (226, 370, 514, 658)
    picture = Picture(
        820,
        top + row * len(chosen) + 4,
        f"Channels {', '.join(map(str, chosen))} of {block} at t = {t}: before, times 1 + a, plus b, and after SiLU",
    )
    axes = page_axes(picture)
    for x, word in zip(stops, ("normalised", "· (1 + a)", "+ b", "after SiLU"), strict=True):
        draw_word(axes, (x + width / 2, 16), word, bold=True)
    draw_word(axes, (174, 16), "channel")
    middle = top + row * len(chosen) / 2 - 6
    _place_input(picture, axes, x_t, t, middle)
    for i, k in enumerate(chosen):
        y, a, b = top + row * i, scale[k].item(), shift[k].item()
        draw_word(axes, (174, y + height / 2), f"{k}")
        scaled = normed[k] * (1 + a)
        maps = (normed[k], scaled, scaled + b, silu(scaled + b))
        for x, values in zip(stops, maps, strict=True):
            place_image(picture, _signed(values, limit, zoom), x, y, 1)
        for x, word in zip(stops, (f"× {1 + a:.1f}", f"{'+' if b >= 0 else '−'} {abs(b):.1f}", ""), strict=False):
            word = word.replace("-", "−")
            draw_path(axes, [(x + width + 8, y + height / 2), (x + 136, y + height / 2)], width=1.4)
            draw_word(axes, (x + width + 40, y + height / 2), word, "n", TIME, bold=True)
    bar = place_axes(picture, 756, top, 14, row * len(chosen) - 12)
    scale_bar = picture.colorbar(ScalarMappable(Normalize(-limit, limit), SIGNED), cax=bar)
    scale_bar.set_ticks((-limit, 0, limit), labels=("−3", "0", "3"), fontsize=11)
    scale_bar.outline.set(edgecolor=FRAME)
    return picture


def _place_input(picture: Picture, axes: Axes, x_t: Tensor, t: int, middle: float) -> None:
    pixels, zoom = to_pixels(x_t)[0], 112 // max(x_t.shape[2:])
    high, wide = (side * zoom for side in pixels.shape[:2])
    place_image(picture, pixels, 22, round(middle - high / 2), zoom)
    draw_word(axes, (22 + wide / 2, middle - high / 2), f"$x_t$, t = {t}", "n", bold=True)
    draw_path(axes, [(22 + wide + 6, middle), (22 + wide + 30, middle)], width=1.4)


def _signed(values: Tensor, limit: float, zoom: int) -> np.ndarray:
    """A feature map (H, W) in the colours of signed numbers, uint8 of shape (zoom · H, zoom · W, 3)."""
    shown = SIGNED((values / (2 * limit) + 0.5).clamp(0, 1).numpy())[..., :3]
    pixels: np.ndarray = (255 * shown).round().astype(np.uint8).repeat(zoom, 0).repeat(zoom, 1)
    return pixels
