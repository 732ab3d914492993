"""Figures of numbers: histograms against a density, point clouds, a matrix as a heat map, repeated runs as dots."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from matplotlib.patheffects import withStroke
from torch import Tensor

from ..validation import require_floats, require_int, require_number
from .picture import (
    DATA,
    FRAME,
    NETWORK,
    PAGE,
    SIGNED,
    Picture,
    as_ink,
    place_axes,
    place_text,
    require_size,
    styled,
    text_width,
)


@styled
def plot_histograms(
    samples: Mapping[str, Tensor],
    density: Callable[[Tensor], Tensor],
    xlabel: str,
    title: str = "",
    density_name: str = "formula",
) -> Picture:
    """Histograms of several sets of numbers, drawn as outlines, over the curve of the density they should follow.

    Args:
        samples: for each name a 1-D tensor of numbers.
        density: the probability density as a function of x.
        xlabel, title, density_name: what the axis shows, what to see, and what to call the curve.
    """
    dashes = ("-", (0, (2, 1.5)), ":", "-.")
    if not 1 <= len(samples) <= len(dashes):
        raise ValueError(f"samples must be 1 to {len(dashes)} sets of numbers, got {len(samples)}")
    values = torch.cat([require_floats(f"samples[{name!r}]", x).flatten() for name, x in samples.items()]).double()
    low, high = values.min().item(), values.max().item()
    x = torch.linspace(low, high, 400, dtype=torch.float64)
    picture = Picture(760, 340, f"{title or 'Histograms'}: {xlabel}, for {', '.join(samples)} and {density_name}")
    axes = picture.add_axes((0.05, 0.17, 0.9, 0.68))
    axes.fill_between(x, density(x), color=FRAME, alpha=0.6, linewidth=0, label=density_name)
    for (name, numbers), dash in zip(samples.items(), dashes, strict=False):
        heights, edges = np.histogram(numbers.flatten().double(), 60, (low, high), density=True)
        axes.stairs(heights, edges, label=name, linestyle=dash, linewidth=2)
    axes.set(xlabel=xlabel, title=title, yticks=[])
    axes.spines["left"].set_visible(False)
    axes.legend()
    return picture


@styled
def plot_points(
    panels: Tensor, titles: Sequence[str], limit: float = 3.0, colour: str = DATA, title: str = ""
) -> Picture:
    """Clouds of points in the plane, side by side on equal axes.

    Args:
        panels: K clouds of N points, shape (K, N, 2).
        titles: one for each cloud.
        limit: the axes run from −limit to +limit.
        colour: of the points.
        title: one line above it all.
    """
    require_floats("panels", panels)
    if panels.ndim != 3 or panels.shape[2] != 2 or len(titles) != len(panels):
        raise ValueError(
            f"panels must have shape (K, N, 2) with K titles, got {tuple(panels.shape)}, {len(titles)} titles"
        )
    require_number("limit", limit, 0, open_interval=True)
    side, top = (PAGE - 10 * len(panels)) // len(panels), 36 if title else 4
    picture = Picture(PAGE, top + 28 + side, f"{title or f'{len(panels)} clouds of points'}: {', '.join(titles)}")
    for i, (points, name) in enumerate(zip(panels.cpu(), titles, strict=True)):
        axes = place_axes(picture, 5 + i * (side + 10), top + 26, side, side)
        axes.scatter(points[:, 0], points[:, 1], s=2.5, color=colour, alpha=0.55, linewidths=0)
        axes.set(xlim=(-limit, limit), ylim=(-limit, limit), xticks=[], yticks=[])
        axes.spines[:].set(visible=True, color=FRAME)
        place_text(picture, 5 + i * (side + 10) + side / 2, top + 20, name, ha="center", va="bottom")
    if title:
        place_text(picture, 5, 4, title, va="top", fontsize=13, fontweight="bold")
    return picture


@styled
def plot_matrix(
    values: Tensor,
    xlabel: str,
    ylabel: str,
    title: str = "",
    limit: float = 1.0,
    first: tuple[int, int] = (0, 0),
    row_names: Sequence[str] = (),
    column_names: Sequence[str] = (),
    size: tuple[int, int] = (560, 200),
) -> Picture:
    """A table of numbers as a picture: purple below 0, ochre above it, and a scale that says how far.

    Args:
        values: shape (rows, columns).
        xlabel, ylabel, title: what columns and rows are, and what to see.
        limit: what is coloured fully; larger numbers look the same.
        first: the numbers of the first row and the first column.
        row_names, column_names: one for each row and column, in the place of its number; with names for both, each
            number of the table is written into it.
        size: width and height of the table in pixels of the page.
    """
    if require_floats("values", values).ndim != 2:
        raise ValueError(f"values must have shape (rows, columns), got {tuple(values.shape)}")
    rows, columns = values.shape
    if len(row_names) not in (0, rows):
        raise ValueError(f"row_names must have one entry for each of {rows} rows, got {len(row_names)}")
    if len(column_names) not in (0, columns):
        raise ValueError(f"column_names must have one entry for each of {columns} columns, got {len(column_names)}")
    require_number("limit", limit, 0, open_interval=True)
    row, column = (require_int("first", number, 0) for number in first)
    width, height = require_size(size)
    left, top = 75 + max(map(text_width, row_names), default=0) // 2, 40 if title else 16
    picture = Picture(left + width + 90, top + height + 55, f"{title or 'A table of numbers'}: {ylabel}, by {xlabel}")
    axes = place_axes(picture, left, top, width, height)
    edges = (column - 0.5, column + columns - 0.5, row + rows - 0.5, row - 0.5)
    image = axes.imshow(
        values.detach().cpu().numpy(),
        SIGNED,
        vmin=-limit,
        vmax=limit,
        extent=edges,
        aspect="auto",
        interpolation="nearest",
    )
    if row_names:
        axes.set_yticks(range(row, row + rows), row_names)
    if column_names:
        axes.set_xticks(range(column, column + columns), column_names)
    if row_names and column_names:
        for i, j in np.ndindex(rows, columns):
            number = f"{values[i, j].item():.2f}".replace("-", "−")
            rim = [withStroke(linewidth=3, foreground="white")]  # where the ground is dark
            axes.text(column + j, row + i, number, ha="center", va="center", path_effects=rim)
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axes.spines[:].set(visible=True, color=FRAME)
    scale = picture.colorbar(image, cax=place_axes(picture, left + width + 18, top, 14, height))
    scale.set_ticks((-limit, 0, limit))
    scale.outline.set(edgecolor=FRAME)
    return picture


@styled
def plot_dots(
    groups: Mapping[str, Sequence[float]],
    xlabel: str,
    title: str = "",
    mark: tuple[str, float] | None = None,
) -> Picture:
    """Numbers that were measured several times: a row for each name, a dot for each time, a line at their mean.

    The smallest mean stands above.

    Args:
        groups: for each name its numbers; what was measured are networks.
        xlabel, title: what the axis shows, and what to see. It begins at 0.
        mark: a name and a number to compare with, such as that of real data.
    """
    if not groups or not all(len(numbers) for numbers in groups.values()):
        raise ValueError("groups must be one or more names, each with at least one number")
    for number in [number for numbers in groups.values() for number in numbers]:
        require_number("each number of the groups", number)
    if mark is not None:
        require_number("mark", mark[1])
    groups = dict(sorted(groups.items(), key=lambda group: sum(group[1]) / len(group[1])))
    size, row = 13, 28  # of a name in points, and from one to the next in pixels
    left, top = 24 + max(text_width(name, size) for name in groups), (40 if title else 14) + 20 * (mark is not None)
    height = row * len(groups)
    picture = Picture(PAGE, top + height + 58, f"{title or 'Measurements'}: {xlabel}, for {', '.join(groups)}")
    axes = place_axes(picture, left, top, PAGE - 30 - left, height)
    for i, numbers in enumerate(groups.values()):
        mean = sum(numbers) / len(numbers)
        axes.plot([mean, mean], [i - 0.3, i + 0.3], color=NETWORK, linewidth=2.5, solid_capstyle="butt")
        axes.plot(numbers, [i] * len(numbers), "o", color=NETWORK, markersize=8, alpha=0.6, markeredgewidth=0)
    if mark is not None:
        axes.axvline(mark[1], color=DATA, linewidth=1.5)
        axes.text(mark[1], -0.62, mark[0], color=as_ink(DATA), fontweight="bold", ha="center", va="bottom")
    axes.set_yticks(range(len(groups)), list(groups), fontsize=size)
    axes.set(xlabel=xlabel, title=title, ylim=(len(groups) - 0.5, -0.5))
    axes.set_xlim(left=0)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", color=FRAME, linewidth=0.6)
    axes.set_axisbelow(True)
    return picture
