"""Every figure of the course, one call each. Matplotlib only; no widgets and no frames of an animation here.

A function returns a `Picture`: a matplotlib figure that describes itself, shown when it is the last value of a cell.
Images are drawn with nearest-neighbour pixels at an integer zoom, clipped to [−1, 1] and never rescaled, so that a bug
in their scale stays visible.
"""

import base64
import functools
import html
import io
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib.style
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath
from matplotlib.ticker import MaxNLocator
from matplotlib.typing import ColorType
from torch import Tensor

from .schedules import NoiseSchedule
from .validation import require_floats, require_images, require_int, require_number, require_shape

STYLE = Path(__file__).with_name("course.mplstyle")
DATA, NOISE, NETWORK = "#0072B2", "#D55E00", "#009E73"
"""What a colour means on every page: blue is data, vermilion is noise, green is a network or an oracle.

They are three of Okabe and Ito's, which can be told apart without colour vision.
"""
FRAME = "#c5ccd3"
SIGNED = LinearSegmentedColormap.from_list("signed", ["#8F4A7B", "#f7f5f3", "#B26F00"])
"""Numbers below 0 are purple, numbers above it ochre, and 0 is pale."""

_DPI = 100  # of the page; figures are rendered at twice this, so that type is sharp
_PAGE = 820  # pixels that a cell of JupyterLab shows on a small laptop; wider figures would be scaled, and blurred
_P = ParamSpec("_P")


class Picture(Figure):
    """A matplotlib figure whose size is given in pixels of the page and which carries a text alternative, `alt`."""

    def __init__(self, width: float, height: float, alt: str) -> None:
        hair = 1e-3  # matplotlib rounds pixels down, and 820 / 100 · 200 may be 1639.99…
        super().__init__(figsize=((width + hair) / _DPI, (height + hair) / _DPI), dpi=2 * _DPI)
        FigureCanvasAgg(self)
        self.alt = alt

    def png(self) -> bytes:
        """The picture as a PNG file, with two pixels for each pixel of the page."""
        buffer = io.BytesIO()
        with matplotlib.style.context(STYLE):
            self.savefig(buffer, format="png", metadata={"Software": None})
        return buffer.getvalue()

    def html(self) -> str:
        """The picture as an HTML element that needs no other file."""
        width, height = self._size()
        source = base64.b64encode(self.png()).decode()
        alt = html.escape(self.alt, quote=True)
        return f'<img src="data:image/png;base64,{source}" width="{width}" height="{height}" alt="{alt}">'

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        width, height = self._size()
        size_and_alt = {"width": width, "height": height, "alt": self.alt}
        return {"image/png": self.png(), "text/plain": f"[{self.alt}]"}, {"image/png": size_and_alt}

    def _size(self) -> tuple[int, int]:
        width, height = self.get_size_inches() * _DPI
        return round(width), round(height)


def as_ink(colour: ColorType) -> str:
    """A colour of the course for text on white, or for the ground of white text: the same hue, darker.

    The contrast is then 4.5 or more, as WCAG 2.2 asks for text (1.4.3). Lines and areas need less, and keep the colour.
    """
    red, green, blue = to_rgb(colour)
    return to_hex((0.8 * red, 0.8 * green, 0.8 * blue))


def styled(draw: Callable[_P, Picture]) -> Callable[_P, Picture]:
    """Draw in the course's style and leave everybody else's matplotlib settings alone."""

    @functools.wraps(draw)
    def draw_styled(*args: _P.args, **kwargs: _P.kwargs) -> Picture:
        with matplotlib.style.context(STYLE):
            return draw(*args, **kwargs)

    return draw_styled


def to_pixels(x: Tensor) -> np.ndarray:
    """Images (B, C, H, W) in [−1, 1] as uint8 (B, H, W, 3); what lies outside [−1, 1] is clipped, never rescaled."""
    x = require_images("x", x).detach().float().cpu().expand(-1, 3, -1, -1)
    return ((x.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()


@styled
def show_images(
    x: Tensor,
    titles: Sequence[str] = (),
    row_titles: Sequence[str] = (),
    columns: int | None = None,
    title: str = "",
) -> Picture:
    """A grid of images.

    Args:
        x: images of shape (B, 3, H, W) or (B, 1, H, W), −1 black and +1 white.
        titles: one for each column, or one for each image.
        row_titles: one for each row.
        columns: images in a row; by default as many as there are titles, else at most eight.
        title: one line above it all.
    """
    pixels = to_pixels(x)
    count, height, width = pixels.shape[:3]
    columns = require_int("columns", columns if columns is not None else min(count, len(titles) or 8), 1)
    rows = -(-count // columns)
    if len(titles) not in (0, columns, count):
        raise ValueError(f"titles must have one entry a column ({columns}) or an image ({count}), got {len(titles)}")
    if len(row_titles) not in (0, rows):
        raise ValueError(f"row_titles must have one entry for each of {rows} rows, got {len(row_titles)}")

    every_image_titled = len(titles) > columns
    left = 24 + max(map(_text_width, row_titles), default=-10)
    zoom = max(1, min(10, ((_PAGE - left) // columns - 4) // (width + 1)))
    cell = max(width * zoom + zoom + 4, 8 + max(map(_text_width, titles), default=0))
    gap, top = zoom + 4, 36 if title else 4
    title_height = 18 * max((1 + label.count("\n") for label in titles), default=0) + 4 * bool(titles)
    row_height = height * zoom + gap + title_height * every_image_titled
    first_row = top + title_height
    page = (
        max(left + columns * cell, left + _text_width(title) * 1.4),
        first_row + rows * row_height - title_height * every_image_titled,
    )
    named = "; ".join(
        ", ".join(" ".join(label.split()) for label in labels) for labels in (row_titles, titles) if labels
    )
    picture = Picture(*page, ": ".join(filter(None, [title or f"{count} images", named])))
    for i, image in enumerate(pixels):
        row, column = divmod(i, columns)
        x0, y0 = left + column * cell + (cell - gap - width * zoom) / 2, first_row + row * row_height
        place_image(picture, image, x0, y0, zoom)
        if every_image_titled or (titles and row == 0):
            place_text(picture, x0 + width * zoom / 2, y0 - 5, titles[i], ha="center", va="bottom")
    for row, label in enumerate(row_titles):
        place_text(picture, left - 10, first_row + row * row_height + height * zoom / 2, label, ha="right", va="center")
    if title:
        place_text(picture, left, 4, title, va="top", fontsize=13, fontweight="bold")
    return picture


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
    width, height = _require_size(size)
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
        _name_curves(axes, lines)
    return picture


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
    values = torch.cat([require_floats(name, x).flatten() for name, x in samples.items()]).double()
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
    side, top = (_PAGE - 10 * len(panels)) // len(panels), 36 if title else 4
    picture = Picture(_PAGE, top + 28 + side, f"{title or f'{len(panels)} clouds of points'}: {', '.join(titles)}")
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
    colours = (NETWORK, *matplotlib.rcParams["axes.prop_cycle"].by_key()["color"])
    if not 1 <= len(curves) <= len(colours):
        raise ValueError(f"curves must be 1 to {len(colours)}, got {len(curves)}")
    _require_repeated("curves", curves)
    width, height = _require_size(size)
    room, top = 30 + max(map(_text_width, curves)), 40 if title else 16
    picture = Picture(width, height, f"{title or 'Curves'}: {ylabel} against {xlabel}, for {', '.join(curves)}")
    axes = place_axes(picture, 75, top, width - 85 - room, height - top - 55)
    if log:
        axes.set(xscale="log", yscale="log")
    ends = {}
    for (name, (x, y)), colour in zip(curves.items(), colours, strict=False):
        axes.fill_between(x, y.amin(0), y.amax(0), color=colour, alpha=0.25, linewidth=0)
        axes.plot(x, y.mean(0), color=colour)
        ends[name] = (x[-1].item(), y.mean(0)[-1].item(), colour)
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axes.margins(x=0)
    if log:
        _name_ticks(axes.xaxis, torch.cat([x for x, _ in curves.values()]).unique().tolist())
        _name_ticks(axes.yaxis, [a * 10**b for b in range(-3, 5) for a in (1, 2, 3, 4, 6, 8)])
    _name_ends(axes, ends)
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
    _require_repeated("panels", panels)
    if mark is not None:
        require_number("mark", mark[1])
    gap, top, height = 58, 30, 190
    width = (_PAGE - 5) // len(panels) - gap
    picture = Picture(_PAGE, top + height + 55, f"Measurements: {', '.join(panels)} against {xlabel}")
    for i, (name, (x, y)) in enumerate(panels.items()):
        axes = place_axes(picture, gap + i * (width + gap) - 8, top, width, height)
        axes.fill_between(x, y.amin(0), y.amax(0), color=NETWORK, alpha=0.25, linewidth=0)
        axes.plot(x, y.mean(0), "o-", color=NETWORK, markersize=4)
        axes.set(xlabel=xlabel, xlim=(x.min().item(), x.max().item()))
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.set_title(name, fontsize=11)
        if mark is not None:
            axes.axvline(mark[1], color=FRAME, linewidth=1.2, zorder=0)
            axes.text(mark[1], 0.02, f" {mark[0]}", transform=axes.get_xaxis_transform(), fontsize=10)
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
    size: tuple[int, int] = (560, 200),
) -> Picture:
    """A table of numbers as a picture: purple below 0, ochre above it, and a scale that says how far.

    Args:
        values: shape (rows, columns).
        xlabel, ylabel, title: what columns and rows are, and what to see.
        limit: what is coloured fully; larger numbers look the same.
        first: the numbers of the first row and the first column.
        row_names: one for each row, in the place of its number.
        size: width and height of the table in pixels of the page.
    """
    if require_floats("values", values).ndim != 2:
        raise ValueError(f"values must have shape (rows, columns), got {tuple(values.shape)}")
    rows, columns = values.shape
    if len(row_names) not in (0, rows):
        raise ValueError(f"row_names must have one entry for each of {rows} rows, got {len(row_names)}")
    require_number("limit", limit, 0, open_interval=True)
    row, column = (require_int("first", number, 0) for number in first)
    width, height = _require_size(size)
    left, top = 75 + max(map(_text_width, row_names), default=0) // 2, 40 if title else 16
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
    left, top, row = 24 + max(map(_text_width, groups)), (40 if title else 14) + 20 * (mark is not None), 32
    height = row * len(groups)
    picture = Picture(720, top + height + 58, f"{title or 'Measurements'}: {xlabel}, for {', '.join(groups)}")
    axes = place_axes(picture, left, top, 690 - left, height)
    for i, numbers in enumerate(groups.values()):
        mean = sum(numbers) / len(numbers)
        axes.plot([mean, mean], [i - 0.3, i + 0.3], color=NETWORK, linewidth=2.5, solid_capstyle="butt")
        axes.plot(numbers, [i] * len(numbers), "o", color=NETWORK, markersize=7, alpha=0.6, markeredgewidth=0)
    if mark is not None:
        axes.axvline(mark[1], color=DATA, linewidth=1.5)
        axes.text(mark[1], -0.62, mark[0], color=as_ink(DATA), fontweight="bold", ha="center", va="bottom")
    axes.set_yticks(range(len(groups)), list(groups))
    axes.set(xlabel=xlabel, title=title, ylim=(len(groups) - 0.5, -0.5))
    axes.set_xlim(left=0)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", color=FRAME, linewidth=0.6)
    axes.set_axisbelow(True)
    return picture


@styled
def plot_noise_level(x0: Tensor, eps: Tensor, schedule: NoiseSchedule, t: int) -> Picture:
    """One image at time t beside the curves of how much signal and how much noise it holds.

    Args:
        x0: one clean image in a batch, shape (1, 3, H, W), in [−1, 1].
        eps: its noise, of the same shape.
        schedule: the noise schedule.
        t: the time, in 1…T.
    """
    side = 240
    require_images("x0", x0)
    if len(x0) != 1 or max(x0.shape[2:]) > side:
        raise ValueError(f"x0 must be one image of at most {side} pixels a side, got shape {tuple(x0.shape)}")
    x_t = schedule.add_noise(x0, t, eps)
    alpha_bar, snr = schedule.alpha_bar[t].item(), schedule.snr[t].item()
    readout = f"t = {t}      ᾱ = {alpha_bar:.4f}      SNR = {snr:.3g}"
    picture = Picture(760, 300, f"A sprite with noise at {readout}")
    place_image(picture, to_pixels(x_t)[0], 10, 40, side // max(x0.shape[2:]))
    place_text(picture, 10, 8, readout, va="top", fontsize=13, fontweight="bold")
    axes = place_axes(picture, 330, 40, 410, 205)
    signal, noise = schedule.alpha_bar.sqrt(), (1 - schedule.alpha_bar).sqrt()
    lines = {"picture × √ᾱ": axes.plot(signal, color=DATA)[0], "noise × √(1−ᾱ)": axes.plot(noise, color=NOISE)[0]}
    axes.axvline(t, color=FRAME, zorder=0)
    axes.plot([t], [signal[t]], "o", color=DATA, markersize=9)
    axes.plot([t], [noise[t]], "o", color=NOISE, markersize=9)
    axes.set(xlabel="t", xlim=(0, schedule.T), ylim=(-0.06, 1.12), ylabel="multiplied by")
    _name_curves(axes, lines)
    return picture


@styled
def contact_sheet(images: np.ndarray, groups: Mapping[str, Mapping[str, Sequence[int]]]) -> Picture:
    """All kinds of sprites at a glance: a column for each class, in it a row of examples for each kind.

    Args:
        images: uint8 of shape (N, 16, 16, 3).
        groups: for each class, for each of its kinds, the rows of `images` to show; at most five are.
    """
    zoom, across, row_height, top = 2, 5, 54, 40
    cell = images.shape[2] * zoom + 3
    column = across * cell + 24
    page = (16 + column * len(groups), top + row_height * max(map(len, groups.values())))
    picture = Picture(
        *page, f"A contact sheet of {sum(map(len, groups.values()))} kinds of sprites in {len(groups)} classes"
    )
    for i, (name, kinds) in enumerate(groups.items()):
        x = 16 + i * column
        place_text(picture, x, 6, name, va="top", fontsize=13, fontweight="bold")
        for j, (kind, rows) in enumerate(kinds.items()):
            y = top + j * row_height
            for k, row in enumerate(rows[:across]):
                place_image(picture, images[row], x + k * cell, y, zoom, frame=False)
            place_text(picture, x + 2, y + row_height - 8, kind, va="center", fontsize=8)
    return picture


def _text_width(text: str) -> int:
    """Width of a text of ordinary size, in pixels of the page."""
    size = matplotlib.rcParams["font.size"]
    extents = (TextPath((0, 0), line or " ", size=size).get_extents() for line in text.split("\n"))
    return round(max(box.x1 for box in extents) * _DPI / 72) if text.strip() else 0


def place_axes(picture: Picture, x: float, y: float, width: float, height: float) -> Axes:
    """Axes with their upper left corner at (x, y), in pixels of the page from its upper left."""
    page_width, page_height = picture.get_size_inches() * _DPI
    return picture.add_axes((x / page_width, 1 - (y + height) / page_height, width / page_width, height / page_height))


def place_image(picture: Picture, image: np.ndarray, x: float, y: float, zoom: int, frame: bool = True) -> None:
    """One image (uint8 H×W×3) at an integer zoom, its upper left corner at (x, y), usually in a thin frame."""
    height, width = image.shape[:2]
    axes = place_axes(picture, x, y, width * zoom, height * zoom)
    axes.imshow(image, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=frame, color=FRAME, linewidth=0.6)


def place_text(picture: Picture, x: float, y: float, text: str, **style: Any) -> None:
    """Text at (x, y), in pixels of the page from its upper left."""
    page_width, page_height = picture.get_size_inches() * _DPI
    picture.text(x / page_width, 1 - y / page_height, text, **style)


def _require_repeated(name: str, curves: Mapping[str, tuple[Tensor, Tensor]]) -> None:
    if not curves or any(y.ndim != 2 or x.shape != y.shape[1:] for x, y in curves.values()):
        got = {key: (tuple(x.shape), tuple(y.shape)) for key, (x, y) in curves.items()}
        raise ValueError(f"{name} must be one or more, each x of shape (N,) and y of shape (R, N), got shapes {got}")


def _require_size(size: Sequence[int]) -> tuple[int, int]:
    if len(require_shape("size", size)) != 2:
        raise ValueError(f"size must be a width and a height in pixels of the page, got {size!r}")
    return size[0], size[1]


def _name_ticks(axis: Axis, values: Sequence[float]) -> None:
    """Ticks at these values, written as plain numbers."""
    low, high = sorted(axis.get_view_interval())
    kept = [value for value in values if low * 0.999 <= value <= high * 1.001]
    axis.set_ticks(kept, [f"{value:g}" for value in kept])
    axis.set_ticks([], minor=True)


def _name_curves(axes: Axes, curves: Mapping[str, Line2D]) -> None:
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
        box = {"facecolor": "white", "linewidth": 0, "pad": 1.5}
        axes.text(name_x, name_y, name, ha="center", va="center", rotation_mode="anchor", bbox=box, **style)


def _name_ends(axes: Axes, ends: Mapping[str, tuple[float, float, str]]) -> None:
    """Write names to the right of the ends of curves, each (x, y, colour), and push them apart where they are close."""
    axes.get_xlim(), axes.get_ylim()  # settles the limits, on which positions depend
    line = 17 * axes.figure.dpi / _DPI
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
