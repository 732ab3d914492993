"""Where the bits of a picture are: what each step of a chain adds to the bound, and what chains of any length need."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.patches import Polygon
from matplotlib.patheffects import withStroke
from torch import Tensor

from ..validation import require_floats, require_images, require_int, require_number
from .curves import draw_spread, name_ends, name_ticks, require_repeated
from .drawing import draw_word, page_axes
from .images import to_pixels
from .picture import DATA, INK, PAGE, Picture, as_ink, place_axes, place_image, styled, text_width

_LEFT, _RIGHT = 100, PAGE - 20  # the ends of both rulers of `plot_bits`
_SPRITES, _TIME, _BITS, _TALL = 28, 122, 216, 48  # the upper edges of its rows, and how high the bits stand
PALE = "#bfdceb"  # a quarter of the colour of data
FLAT = 1e-6  # nats or bits; what is nearer to 0 is a rounding error, and counts as 0


@styled
def plot_bits(
    bits: Tensor, times: Sequence[int], pictures: Tensor, shown: Sequence[int], clean: int | None = None
) -> Picture:
    """The same chain on two rulers: above, its steps are as long as their time, and below, as long as their bits.

    Args:
        bits: what each step adds to the bound, in bits per dimension, shape (n,), none below 0.
        times: the chain, n + 1 times that fall from T to 0.
        pictures: one sprite with less and less noise, shape (K, 3, H, W); at most 9, of at most 64 pixels a side.
        shown: the times of the pictures.
        clean: one of the times, from which on eyes hardly see the noise; the steps after it are dark. By default the
            time before 0.
    """
    stops, moments = _require_falling(times), _require_moments(pictures, shown)
    if require_floats("bits", bits).shape != (len(stops) - 1,) or bits.min() < -FLAT or bits.sum() <= 0:
        raise ValueError(f"bits must be {len(stops) - 1} numbers from 0 up, one a step, got {bits.tolist()}")
    if max(moments) > stops[0]:
        raise ValueError(f"shown must be at most T = {stops[0]}, got {max(moments)}")
    clean = stops[-2] if clean is None else require_int("clean", clean, 1)
    if clean not in stops[1:-1]:
        raise ValueError(f"clean must be one of the times inside the chain, got {clean!r}")
    first, spent = stops.index(clean), [0.0, *bits.double().clamp(min=0).cumsum(0).tolist()]
    total = spent[-1]
    early, late = (f"{x:.2f} bits, {100 * x / total:.0f} %" for x in (spent[first], total - spent[first]))
    left = len(stops) - 1 - first
    last = "the last step" if left == 1 else f"the last {left} steps"
    alt = f"The steps of a chain by their time and by their bits per dimension: {first} steps, down to t = {clean}"
    picture = Picture(PAGE, 306, f"{alt}, hold {early}, and {last} {late}")
    axes = page_axes(picture)
    _place_moments(picture, axes, pictures, moments, stops[0])
    upper = [_along(1 - t / stops[0]) for t in stops]
    lower = [_along(amount / total) for amount in spent]
    shares = (
        (slice(0, first + 1), f"{first} steps\n{early}", INK, PALE),
        (slice(first, None), f"{last}, where eyes hardly see noise\n{late}", "white", as_ink(DATA)),
    )
    for part, _, _, ground in shares:
        _draw_fan(axes, upper[part], lower[part], ground)
    if len(stops) <= 60:
        for above, below in zip(upper[1:-1], lower[1:-1], strict=True):
            edge = [(above, _TIME), (above, _TIME + 16), (below, _BITS), (below, _BITS + _TALL)]
            axes.plot(*zip(*edge, strict=True), color="white", linewidth=0.5, antialiased=False)  # of few bytes
    for y, word in ((_TIME + 8, "time"), (_BITS + _TALL / 2, "bits per\ndimension")):
        draw_word(axes, (_LEFT - 2, y), word, "w", bold=True)
    for part, words, colour, ground in shares:
        _write_share(axes, upper[part], lower[part], words, colour, ground)
    _draw_scale(axes, total)
    return picture


def _require_falling(times: Sequence[int]) -> list[int]:
    stops = [require_int("each of the times", t, 0) for t in times]
    if len(stops) < 3 or stops[-1] != 0 or stops != sorted(set(stops), reverse=True):
        raise ValueError(f"times must be three or more that fall to 0, got {stops}")
    return stops


def _require_moments(pictures: Tensor, shown: Sequence[int]) -> list[int]:
    require_images("pictures", pictures)
    if len(pictures) > 9 or max(pictures.shape[2:]) > 64:
        raise ValueError(f"pictures must be 9 at most, of at most 64 pixels a side, got {tuple(pictures.shape)}")
    if len(shown) != len(pictures):
        raise ValueError(f"shown must have one time for each of {len(pictures)} pictures, got {len(shown)}")
    return [require_int("each of the times shown", t, 0) for t in shown]


def _along(share: float) -> float:
    """Where a share of a ruler ends, in pixels of the page."""
    return _LEFT + share * (_RIGHT - _LEFT)


def _place_moments(picture: Picture, axes: Axes, pictures: Tensor, moments: Sequence[int], T: int) -> None:
    """Pictures in a row, each with its time above it and a line from it to this time."""
    pixels = to_pixels(pictures)
    zoom = 64 // max(pixels.shape[1:3])
    height, width = (side * zoom for side in pixels.shape[1:3])
    room = (_RIGHT - _LEFT - width) / max(1, len(moments) - 1)
    for i, (t, image) in enumerate(zip(moments, pixels, strict=True)):
        x = round(_LEFT + i * room)
        place_image(picture, image, x, _SPRITES, zoom)
        draw_word(axes, (x + width / 2, _SPRITES), f"t = {t}", "n")
        ends = (x + width / 2, _along(1 - t / T)), (_SPRITES + height + 3, _TIME - 2)
        axes.plot(*ends, color="#7A8794", linewidth=1)


def _draw_fan(axes: Axes, upper: Sequence[float], lower: Sequence[float], colour: str) -> None:
    """A part of the upper ruler, the same part of the lower one, and what is between them."""
    (a, b), (c, d) = (upper[0], upper[-1]), (lower[0], lower[-1])
    heights = (_TIME, _TIME + 16, _BITS, _BITS + _TALL)
    outline = [*zip((a, a, c, c), heights, strict=True), *zip((d, d, b, b), heights[::-1], strict=True)]
    axes.add_patch(Polygon(outline, facecolor=colour, linewidth=0, antialiased=False))


def _write_share(
    axes: Axes, upper: Sequence[float], lower: Sequence[float], words: str, colour: str, ground: str
) -> None:
    """Words in the middle of a part of the lower ruler, or above it, where it is wide enough; else none."""
    between = [(above + below) / 2 for above, below in zip(upper, lower, strict=True)]
    for ends, y in ((lower, _BITS + _TALL / 2), (between, (_TIME + 16 + _BITS) / 2)):
        if text_width(words, weight="bold") < ends[-1] - ends[0] - 8:
            style: dict[str, Any] = {"color": colour, "fontweight": "bold", "ha": "center", "va": "center"}
            rim = [withStroke(linewidth=4, foreground=ground)]  # over the edges of short steps
            axes.text((ends[0] + ends[-1]) / 2, y, words, path_effects=rim, linespacing=1.3, **style)
            return


def _draw_scale(axes: Axes, total: float) -> None:
    """Whole bits below the lower ruler."""
    for amount in range(int(total) + 1):
        x, y = _along(amount / total), _BITS + _TALL
        axes.plot([x, x], [y + 1, y + 6], color=INK, linewidth=1)
        draw_word(axes, (x, y + 4), f"{amount}", "s")


@styled
def plot_chains(
    panels: Mapping[str, Mapping[str, tuple[Tensor, Tensor]]], ylabel: str, marks: Mapping[str, float] | None = None
) -> Picture:
    """What chains of different lengths lose or need, side by side for different data, on logarithmic axes.

    A curve within 10⁻⁶ of 0 has no place on such an axis: its name stands at the foot, with "0".

    Args:
        panels: for each panel its curves, by name: the numbers of steps, shape (N,), and what was measured, shape
            (R, N), R times; the line is the mean, its band goes from the smallest to the largest.
        ylabel: what was measured.
        marks: numbers above 0 to compare with, by name.
    """
    marks, flat = {} if marks is None else dict(marks), _require_panels(panels)
    if not all(require_number("each of the marks", value, 0) for value in marks.values()):
        raise ValueError(f"marks must be above 0, got {marks!r}")
    values = torch.cat([y.flatten() for curves in panels.values() for _, y in curves.values()]).tolist()
    values = [*marks.values(), *(value for value in values if value > FLAT)]
    limits = min(values) / 1.4, max(values) * 1.2
    room = 24 + max(text_width(name, weight="bold") for curves in (*panels.values(), marks) for name in curves)
    top, width = 34 if any(panels) else 12, (PAGE - 78) // len(panels) - room
    picture = Picture(PAGE, top + 260, f"{ylabel} against steps: {'; '.join(map(_listed, panels, panels.values()))}")
    for i, (title, curves) in enumerate(panels.items()):
        axes = place_axes(picture, 78 + i * (width + room), top, width, 206)
        axes.set(xlabel="steps", ylabel=ylabel if i == 0 else "", title=title)
        _draw_chains(axes, {name: curves[name] for name in curves if name not in flat[title]}, marks, limits)
        axes.tick_params(labelleft=i == 0)  # all share one axis
        if flat[title]:
            words = f"{', '.join(flat[title])}:\n0 for any number of steps"
            axes.text(0.03, 0.04, words, transform=axes.transAxes, fontweight="bold", linespacing=1.3)
    return picture


def _require_panels(panels: Mapping[str, Mapping[str, tuple[Tensor, Tensor]]]) -> dict[str, list[str]]:
    """For each panel the names of its curves that are 0 everywhere; one other at least is above 0 everywhere."""
    if not panels:
        raise ValueError("panels must be one or more")
    flat = {}
    for title, curves in panels.items():
        require_repeated(f"panels[{title!r}]", curves)
        flat[title] = [name for name, (_, y) in curves.items() if y.abs().max() < FLAT]
        if len(flat[title]) == len(curves) or any(
            y.min() <= 0 for name, (_, y) in curves.items() if name not in flat[title]
        ):
            raise ValueError(f"panels[{title!r}] must hold curves above 0, and perhaps some that are 0 everywhere")
    return flat


def _draw_chains(
    axes: Axes, curves: Mapping[str, tuple[Tensor, Tensor]], marks: Mapping[str, float], limits: tuple[float, float]
) -> None:
    ends = draw_spread(axes, curves, log=True)
    for line in axes.lines:
        line.set(marker="o", markersize=6, clip_on=False)
    axes.margins(x=0.03)
    axes.set_ylim(limits)
    for name, value in marks.items():
        axes.axhline(value, color=DATA, linewidth=1.5, linestyle=(0, (5, 2)))
        ends[name] = (axes.get_xlim()[1], value, DATA)
    name_ticks(axes, curves)
    if limits[1] > 80 * limits[0]:
        decades = [10.0**power for power in range(-6, 7) if limits[0] <= 10.0**power <= limits[1]]
        axes.set_yticks(decades, [f"{value:g}" for value in decades])
    name_ends(axes, ends)


def _listed(title: str, names: Iterable[str]) -> str:
    return f"{title}: {', '.join(names)}" if title else ", ".join(names)
