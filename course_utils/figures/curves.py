"""Figures of curves: one curve a name, means with the band of their seeds, and several measurements side by side."""

from collections.abc import Mapping
from itertools import pairwise

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Affine2D, IdentityTransform
from torch import Tensor

from ..validation import require_number
from .picture import DPI, FRAME, NETWORK, PAGE, Picture, as_ink, place_axes, require_size, styled, text_width


@styled
def plot_curves(
    curves: Mapping[str, tuple[Tensor, Tensor]],
    xlabel: str,
    ylabel: str,
    title: str = "",
    log_y: bool = False,
    size: tuple[int, int] = (720, 320),
) -> Picture:
    """Curves with their names beside them instead of in a legend.

    Args:
        curves: for each name the x and the y values, 1-D tensors of one length; what is not finite is left out.
        xlabel, ylabel, title: what the axes show, and what to see; a single curve gives its name to the title.
        log_y: whether the y axis is logarithmic.
        size: width and height in pixels of the page.
    """
    if not curves or any(x.ndim != 1 or x.shape != y.shape for x, y in curves.values()):
        got = {name: (tuple(x.shape), tuple(y.shape)) for name, (x, y) in curves.items()}
        raise ValueError(f"curves must be one or more, each of x and y of one shape (N,), got shapes {got}")
    width, height = require_size(size)
    picture = Picture(width, height, f"{title or 'Curves'}: {ylabel} against {xlabel}, for {', '.join(curves)}")
    title = title or (next(iter(curves)) if len(curves) == 1 else "")
    top = 40 if title else 16
    axes = place_axes(picture, 75, top, width - 95, height - top - 55)
    if log_y:
        axes.set_yscale("log")
    lines = {}
    for name, (x, y) in curves.items():
        x, y = x.double().cpu(), y.double().cpu()
        shown = torch.isfinite(x) & torch.isfinite(y)
        (lines[name],) = axes.plot(x[shown], y[shown])
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axes.margins(x=0)
    if len(curves) > 1:
        name_curves(axes, lines)
    return picture


@styled
def plot_spread(
    curves: Mapping[str, tuple[Tensor, Tensor]],
    xlabel: str,
    ylabel: str,
    title: str = "",
    log: bool = False,
    size: tuple[int, int] = (720, 380),
) -> Picture:
    """Curves that were measured several times: the mean in a band from the smallest to the largest, named at its end.

    Args:
        curves: for each name the x values, shape (N,), and the y values of each repetition, shape (R, N). The first
            curve is that of a network; at most four others.
        xlabel, ylabel, title: what the axes show, and what to see.
        log: whether both axes are logarithmic; the x axis then names the values that were measured.
        size: width and height in pixels of the page.
    """
    require_repeated("curves", curves)
    width, height = require_size(size)
    room, top = 30 + max(text_width(name, weight="bold") for name in curves), 40 if title else 16
    picture = Picture(width, height, f"{title or 'Curves'}: {ylabel} against {xlabel}, for {', '.join(curves)}")
    axes = place_axes(picture, 75, top, width - 85 - room, height - top - 55)
    ends = draw_spread(axes, curves, log)
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if log:
        name_ticks(axes, curves)
    name_ends(axes, ends)
    return picture


@styled
def plot_panels(
    panels: Mapping[str, tuple[Tensor, Tensor]], xlabel: str, mark: tuple[str, float] | None = None
) -> Picture:
    """Several things that were measured together, each in a panel of its own: means in bands from smallest to largest.

    Args:
        panels: for each name the x values, shape (N,), and the y values of each repetition, shape (R, N); of a network.
        xlabel: what the x axes show.
        mark: a name and a value of x to compare with.
    """
    require_repeated("panels", panels)
    if mark is not None:
        require_number("mark", mark[1])
    columns = len(panels) if len(panels) <= 4 else 3
    gap, top, height = 58, 30, 190 if columns == len(panels) else 98
    width, row_height = (PAGE - 5) // columns - gap, top + height + 34
    picture = Picture(PAGE, -(-len(panels) // columns) * row_height + 16, f"{', '.join(panels)} against {xlabel}")
    for i, (name, (x, y)) in enumerate(panels.items()):
        row, column = divmod(i, columns)
        axes = place_axes(picture, gap + column * (width + gap) - 8, top + row * row_height, width, height)
        axes.fill_between(x, y.amin(0), y.amax(0), color=NETWORK, alpha=0.25, linewidth=0)
        axes.plot(x, y.mean(0), "o-", color=NETWORK, markersize=4, clip_on=False)
        axes.set(xlabel=xlabel if i + columns >= len(panels) else "", xlim=(x.min().item(), x.max().item()))
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.set_title(name, fontsize=11)
        if mark is not None:
            axes.axvline(mark[1], color=FRAME, linewidth=1.2, zorder=0)
            low, high = axes.get_ylim()
            there = np.interp(mark[1], x, y.mean(0))
            at, va = (0.98, "top") if there < (low + high) / 2 else (0.02, "bottom")  # where the curve is not
            axes.text(mark[1], at, f" {mark[0]}", transform=axes.get_xaxis_transform(), fontsize=10, va=va)
    return picture


def require_repeated(name: str, curves: Mapping[str, tuple[Tensor, Tensor]]) -> None:
    """Curves that were measured several times: x of shape (N,), and y of shape (R, N) for R times."""
    if not curves or any(y.ndim != 2 or x.shape != y.shape[1:] for x, y in curves.values()):
        got = {key: (tuple(x.shape), tuple(y.shape)) for key, (x, y) in curves.items()}
        raise ValueError(f"{name} must be one or more, each x of shape (N,) and y of shape (R, N), got shapes {got}")


def draw_spread(
    axes: Axes, curves: Mapping[str, tuple[Tensor, Tensor]], log: bool
) -> dict[str, tuple[float, float, str]]:
    """Draw means in their bands, as `plot_spread` does, and say where each ends and in which colour."""
    colours = (NETWORK, *matplotlib.rcParams["axes.prop_cycle"].by_key()["color"])
    if not 1 <= len(curves) <= len(colours):
        raise ValueError(f"curves must be 1 to {len(colours)}, got {len(curves)}")
    if log:
        axes.set(xscale="log", yscale="log")
    ends = {}
    for (name, (x, y)), colour in zip(curves.items(), colours, strict=False):
        axes.fill_between(x, y.amin(0), y.amax(0), color=colour, alpha=0.25, linewidth=0)
        axes.plot(x, y.mean(0), color=colour)
        ends[name] = (x[-1].item(), y.mean(0)[-1].item(), colour)
    axes.margins(x=0)
    return ends


def name_ticks(axes: Axes, curves: Mapping[str, tuple[Tensor, Tensor]]) -> None:
    """Plain numbers at logarithmic axes: what was measured on the x axis, and round ones on the y axis."""
    measured = torch.cat([x for x, _ in curves.values()]).unique().tolist()
    round_ones = [a * 10**b for b in range(-3, 5) for a in (1, 2, 3, 4, 6, 8)]
    for axis, values in ((axes.xaxis, measured), (axes.yaxis, round_ones)):
        low, high = sorted(axis.get_view_interval())
        kept = [value for value in values if low * 0.999 <= value <= high * 1.001]
        axis.set_ticks(kept, [f"{value:g}" for value in kept])
        axis.set_ticks([], minor=True)


def name_curves(axes: Axes, curves: Mapping[str, Line2D]) -> None:
    """Write each name into its curve, like a height into a contour line, there where the other curves are farthest."""
    axes.get_xlim(), axes.get_ylim()  # settles the limits, on which positions depend
    x = np.linspace(axes.bbox.x0, axes.bbox.x1, 101)
    y = {name: np.interp(x, *axes.transData.transform(line.get_xydata()).T) for name, line in curves.items()}
    middle = slice(22, 79)  # a name needs room to both sides
    taken: list[tuple[float, float]] = []
    for name, own in y.items():
        slope = np.gradient(own, x)
        others = [np.abs(other - own) / np.hypot(1, slope) for key, other in y.items() if key != name]
        room = np.minimum.reduce(others)
        for name_x, name_y in taken:  # and names keep clear of each other
            room = np.where((np.abs(x - name_x) < 200) & (np.abs(own - name_y) < 44), 0, room)
        i = middle.start + int(room[middle].argmax())
        taken.append((x[i], own[i]))
        name_x, name_y = axes.transData.inverted().transform(taken[-1])
        style = {
            "color": as_ink(curves[name].get_color()),
            "fontweight": "bold",
            "rotation": np.degrees(np.arctan(slope[i])),
        }
        text = axes.text(name_x, name_y, name, ha="center", va="center", rotation_mode="anchor", **style)
        _leave_out(axes, curves[name], text)


def _leave_out(axes: Axes, line: Line2D, text: Text) -> None:
    """Interrupt a line where its name is, and no other line."""
    turned = text.get_rotation()
    text.set_rotation(0)
    box = text.get_window_extent().padded(0.04 * axes.figure.dpi)
    text.set_rotation(turned)
    x, y = axes.transData.transform(text.get_position())
    turn = Affine2D().rotate_deg_around(x, y, turned)
    corners = turn.transform([(box.x0, box.y0), (box.x0, box.y1), (box.x1, box.y1), (box.x1, box.y0)])  # clockwise
    gap = Path([*corners, corners[0]], closed=True)
    whole = axes.bbox.padded(axes.figure.dpi)
    frame = [(whole.x0, whole.y0), (whole.x1, whole.y0), (whole.x1, whole.y1), (whole.x0, whole.y1)]
    outside = Path([*frame, frame[0]], closed=True)  # the other way round, so that the gap is a hole in it
    line.set_clip_path(Path.make_compound_path(outside, gap), IdentityTransform())


def name_ends(axes: Axes, ends: Mapping[str, tuple[float, float, str]]) -> None:
    """Write names to the right of the ends of curves, each (x, y, colour), and push them apart where they are close."""
    axes.get_xlim(), axes.get_ylim()  # settles the limits, on which positions depend
    line = 19 * axes.figure.dpi / DPI
    y = {name: axes.transData.transform((x, y))[1] for name, (x, y, _) in ends.items()}
    order = sorted(y, key=y.__getitem__)
    for _ in range(100):  # neighbours that are too close give way by halves
        for lower, upper in pairwise(order):
            if (lack := line - (y[upper] - y[lower])) > 0.01:
                y[lower], y[upper] = y[lower] - lack / 2, y[upper] + lack / 2
    for name, (_, _, colour) in ends.items():
        x, middle = axes.transAxes.inverted().transform((axes.bbox.x1 + line / 2, y[name]))
        axes.text(
            x,
            middle,
            name,
            color=as_ink(colour),
            va="center",
            fontweight="bold",
            transform=axes.transAxes,
        )
