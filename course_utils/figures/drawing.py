"""What diagrams are made of: words, points, arrows, paths, rulers, boxes, and sprites at points.

All but `place_box` draw on axes, at points of these axes, whose limits must have been set before: `page_axes` measure
in pixels of the page, a `plane` in numbers. Blue is data, vermilion noise, green a network; the rest is ink.
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike

from .picture import DPI, FRAME, INK, NETWORK, Picture, as_ink, place_axes, place_image

Point = tuple[float, float]

_SIDES = ("c", "n", "s", "e", "w", "ne", "nw", "se", "sw")


def page_axes(picture: Picture) -> Axes:
    """Axes without a frame over the whole picture, in pixels of the page from its upper left corner."""
    width, height = picture.page_size()
    return plane(picture, 0, 0, width, height, (0, width), (height, 0))


def plane(
    picture: Picture, x: float, y: float, width: float, height: float, xlim: Point, ylim: Point, frame: bool = False
) -> Axes:
    """A part of the plane without ticks, its upper left corner at (x, y), in pixels of the page."""
    axes = place_axes(picture, x, y, width, height)
    axes.set(xlim=xlim, ylim=ylim, xticks=[], yticks=[], facecolor="none")
    axes.spines[:].set(visible=frame, color=FRAME)
    return axes


def draw_word(
    axes: Axes, at: Point, word: str, side: str = "c", colour: str = INK, size: float = 11, bold: bool = False
) -> None:
    """A word at a point, or on the side of it that a compass shows: "n", "ne", "e" …, with north above."""
    if side not in _SIDES:
        raise ValueError(f"side must be one of {', '.join(_SIDES)}, got {side!r}")
    if not word:
        return
    right, up = ("e" in side) - ("w" in side), ("n" in side) - ("s" in side)
    axes.annotate(
        word,
        at,
        (5 * right, 5 * up),
        textcoords="offset points",
        ha=("right", "center", "left")[right + 1],
        va=("top", "center", "bottom")[up + 1],
        color=as_ink(colour),
        fontsize=size,
        fontweight="bold" if bold else "normal",
        annotation_clip=False,
        path_effects=[withStroke(linewidth=3, foreground="white")],
    )


def draw_point(axes: Axes, at: Point, name: str = "", side: str = "ne", colour: str = INK, size: float = 7) -> None:
    """A dot with its name beside it."""
    axes.plot(*at, "o", color=colour, markersize=size, clip_on=False)
    draw_word(axes, at, name, side, colour)


def draw_arrow(
    axes: Axes,
    start: Point,
    end: Point,
    name: str = "",
    side: str = "n",
    colour: str = INK,
    width: float = 2.0,
    bend: float = 0.0,
    dash: str = "-",
) -> None:
    """An arrow with its name beside its middle; `bend` is how far it swerves to its right, as a share of its length."""
    a, b = axes.transData.transform([start, end])
    along = b - a
    control = (a + b) / 2 + 2 * bend * np.array([along[1], -along[0]])
    t = np.linspace(0, 1, 50 if bend else 2)[:, None]
    curve = axes.transData.inverted().transform((1 - t) ** 2 * a + 2 * t * (1 - t) * control + t**2 * b)
    draw_path(axes, curve, colour=colour, width=width, dash=dash)
    middle = axes.transData.inverted().transform((a + 2 * control + b) / 4)
    draw_word(axes, _point(middle), name, side, colour)


def draw_path(
    axes: Axes,
    points: ArrayLike,
    colour: str = INK,
    width: float = 2.0,
    arrow: bool = True,
    dash: str = "-",
) -> None:
    """A line through points of shape (N, 2), as an arrow or without a head."""
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or len(points) < 2 or points.shape[1] != 2:
        raise ValueError(f"points must have shape (N, 2) with N of at least 2, got {points.shape}")
    style: dict[str, Any] = {"color": colour, "linewidth": width, "joinstyle": "round", "clip_on": False}
    head: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 7 + 3 * width} if arrow else {"arrowstyle": "-"}
    if arrow and dash != "-":  # the head itself must not be dashed
        tip = points[-1] + 0.01 * (points[-2] - points[-1])
        axes.add_patch(FancyArrowPatch(path=Path([tip, points[-1]]), **head, **style))
        head = {"arrowstyle": "-"}
    axes.add_patch(FancyArrowPatch(path=Path(points), fill="|" in head["arrowstyle"], linestyle=dash, **head, **style))


def draw_ruler(
    axes: Axes,
    y: float,
    ends: Point,
    stops: Sequence[float],
    name: str = "",
    colour: str = INK,
    numbers: Sequence[float] = (),
) -> None:
    """A horizontal line of numbers at the height y, with a dot at each stop; hollow ones lie beyond its ends.

    Args:
        axes: where x is the number.
        y: the height of the line.
        ends: the smallest and the largest number of the line.
        stops: the numbers that are used.
        name: of the line, above its left end.
        colour: of the stops and the name.
        numbers: those to be written below the line.
    """
    low, high = min(ends), max(ends)
    axes.plot([low, high], [y, y], color=INK, linewidth=1.2, solid_capstyle="butt", clip_on=False)
    axes.plot([low, high], [y, y], "|", color=INK, markersize=12, clip_on=False)
    beyond = [stop for stop in stops if not low <= stop <= high]
    for stop in beyond:
        axes.plot([low if stop < low else high, stop], [y, y], ":", color=INK, linewidth=1.2, zorder=1, clip_on=False)
    for stop in stops:
        fill = "white" if stop in beyond else colour
        axes.plot(stop, y, "o", color=colour, markerfacecolor=fill, markersize=7, clip_on=False)
    for number in numbers:
        draw_word(axes, (number, y), f"{number:g}".replace("-", "−"), "s")
    left = high if axes.xaxis_inverted() else low
    axes.annotate(name, (left, y), (0, 9), textcoords="offset points", color=as_ink(colour), fontweight="bold")


def place_sprite(axes: Axes, image: np.ndarray, at: Point, zoom: int, frame: bool = True) -> None:
    """An image (uint8 H×W×3) at an integer zoom with its middle at a point of the axes, on whole pixels."""
    picture = cast(Picture, axes.figure)
    height, width = image.shape[:2]
    across, up = axes.transData.transform(at) * DPI / picture.dpi
    x, y = across - width * zoom / 2, picture.page_size()[1] - up - height * zoom / 2
    place_image(picture, image, round(x), round(y), zoom, frame)


def place_box(
    picture: Picture,
    x: float,
    y: float,
    width: float,
    height: float,
    name: str,
    colour: str = NETWORK,
    size: float = 11,
) -> None:
    """A rounded box with a name in it, its upper left corner at (x, y), in pixels of the page."""
    axes = place_axes(picture, x, y, width, height)
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(0, height))
    shape = FancyBboxPatch((1, 1), width - 2, height - 2, "round,pad=0,rounding_size=6", facecolor=as_ink(colour), lw=0)
    axes.add_patch(shape)
    axes.text(width / 2, height / 2, name, color="white", ha="center", va="center", fontsize=size, fontweight="bold")


def _point(numbers: np.ndarray) -> Point:
    return float(numbers[0]), float(numbers[1])
