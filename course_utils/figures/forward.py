"""Figures of the forward process: grains on their way, one pixel of two pictures, schedules where as much is left."""

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from ..diffusion.schedules import NoiseSchedule
from ..validation import require_floats, require_images, require_int, require_number
from .images import to_pixels
from .picture import DATA, FRAME, INK, PAGE, Picture, as_ink, place_axes, place_image, place_text, styled, text_width

_GROUND = {"facecolor": "white", "linewidth": 0, "pad": 1}


@styled
def plot_tracks(tracks: Tensor, times: Sequence[int], xlabel: str, ylabel: str, shown: int = 8) -> Picture:
    """Where grains went in the course of time: the tracks of some, and at some times how all of them are distributed.

    Args:
        tracks: the place of each of N grains at each time, shape (T + 1, N).
        times: where to draw a histogram of all grains, in 0…T; its bars point to the right.
        xlabel, ylabel: what the axes show.
        shown: how many tracks to draw; the first one is drawn in bold.
    """
    if require_floats("tracks", tracks).ndim != 2 or len(tracks) < 2:
        raise ValueError(f"tracks must have shape (T + 1, N) with T of at least 1, got {tuple(tracks.shape)}")
    places, last = tracks.detach().double().cpu().numpy(), len(tracks) - 1
    moments = [require_int("each of the times", t, 0, last) for t in times]
    require_int("shown", shown, 1)
    picture = Picture(PAGE, 340, f"Tracks of {min(shown, places.shape[1])} grains, {ylabel} against {xlabel}, and "
                      f"histograms of {places.shape[1]:,} grains at {', '.join(map(str, moments))}")  # fmt: skip
    axes = place_axes(picture, 55, 44, PAGE - 60, 240)
    for grain in range(min(shown, places.shape[1]) - 1, -1, -1):
        ink, width = (INK, 1.8) if grain == 0 else ("#a3adb6", 0.8)
        axes.plot(places[:, grain], color=ink, linewidth=width, antialiased=False)  # of few colours, so of few bytes
    top = 1.05 * float(np.abs(np.quantile(places, (0.001, 0.999), axis=1)).max())
    axes.set(xlabel=xlabel, ylabel=ylabel, xlim=(-0.01 * last, 1.17 * last), ylim=(-top, top))
    for t in moments:
        _draw_slice(axes, t, places[t], 0.12 * last)
        words = f"mean {places[t].mean():.2f}\nspread {places[t].std():.2f}"
        axes.text(t, 1.03 * top, words, color=as_ink(DATA), fontweight="bold", va="bottom", linespacing=1.1)
    return picture


def _draw_slice(axes: Axes, t: int, places: np.ndarray, unit: float) -> None:
    """A histogram that stands on a vertical line at t, a density of 1 being `unit` wide."""
    heights, edges = np.histogram(places, np.linspace(*axes.get_ylim(), 41), density=True)
    axes.stairs(t + unit * heights, edges, baseline=t, orientation="horizontal", fill=True, color=DATA, zorder=3,
                antialiased=False)  # fmt: skip
    axes.axvline(t, color=DATA, linewidth=1, zorder=3)


@styled
def plot_pixel(
    x0: Tensor, x_t: Tensor, pixel: tuple[int, int, int], names: Sequence[str], schedule: NoiseSchedule, t: int
) -> Picture:
    """One number of two images: histograms of it in many noisy versions of each, below the densities of the formula.

    Args:
        x0: two clean images, shape (2, 3, H, W) or (2, 1, H, W), in [−1, 1].
        x_t: that number in N noisy versions of each image, shape (2, N).
        pixel: colour, row and column of the number.
        names: one for each image.
        schedule: the noise schedule, for the formula.
        t: the time of the noisy versions, in 1…T.
    """
    images, numbers = _require_two(x0, x_t, names)
    if len(pixel) != 3:
        raise ValueError(f"pixel must be a colour, a row and a column, got {pixel!r}")
    colour, row, column = (require_int("pixel", i, 0, n - 1) for i, n in zip(pixel, images.shape[1:], strict=True))
    ab = schedule.alpha_bar[require_int("t", t, 1, schedule.T)]
    spread, side = (1 - ab).sqrt().item(), 100
    picture = Picture(PAGE, 300, f"One pixel of {' and of '.join(names)} at t = {t}: histograms of the same width")
    axes = place_axes(picture, 200, 34, PAGE - 220, 210)
    tall = 1 / (2 * np.pi) ** 0.5 / spread  # of the density at its peak
    for i, tint in enumerate(matplotlib.rcParams["axes.prop_cycle"].by_key()["color"][:2]):
        zoom, y = max(1, side // max(images.shape[2:])), 28 + i * (side + 26)
        place_text(picture, 10, y - 6, names[i], color=as_ink(tint), fontweight="bold", va="bottom")
        place_image(picture, to_pixels(images)[i], 10, y, zoom)
        _place_frame(picture, 10 + column * zoom, y + row * zoom, zoom, tint)
        centre = (ab.sqrt() * images[i, colour, row, column]).item()
        _draw_heap(axes, numbers[i], centre, spread, tint)
        axes.text(centre, 1.2 * tall, names[i], color=as_ink(tint), fontweight="bold", ha="center")
    words = f"the framed pixel at t = {t}: bars are {numbers.shape[1]:,} noisy versions, curves the formula"
    axes.set(xlabel=words, ylim=(0, 1.34 * tall), yticks=[])
    axes.spines["left"].set_visible(False)
    return picture


def _require_two(x0: Tensor, x_t: Tensor, names: Sequence[str]) -> tuple[Tensor, Tensor]:
    images = require_images("x0", x0).detach().double().cpu()
    if len(images) != 2 or max(images.shape[2:]) > 100:
        raise ValueError(f"x0 must be two images of at most 100 pixels a side, got shape {tuple(x0.shape)}")
    numbers = require_floats("x_t", x_t).detach().double().cpu()
    if numbers.ndim != 2 or len(numbers) != 2:
        raise ValueError(f"x_t must have shape (2, N), got {tuple(x_t.shape)}")
    if len(names) != 2:
        raise ValueError(f"names must have one entry for each of 2 images, got {len(names)}")
    return images, numbers


def _place_frame(picture: Picture, x: float, y: float, zoom: int, tint: str) -> None:
    """A frame around one pixel of an image, in its colour on white."""
    axes = place_axes(picture, x, y, zoom, zoom)
    axes.set_axis_off()
    for edge, width in (("white", 5.0), (tint, 2.5)):
        box = Rectangle((-0.3, -0.3), 1.6, 1.6, fill=False, edgecolor=edge, linewidth=width, transform=axes.transAxes)
        axes.add_patch(box).set_clip_on(False)


def _draw_heap(axes: Axes, numbers: Tensor, centre: float, spread: float, tint: str) -> None:
    """A histogram, the Gaussian that it should follow, and a bar from one spread below its centre to one above."""
    heights, edges = np.histogram(numbers, 30, density=True)
    axes.stairs(heights, edges, fill=True, color=tint, alpha=0.25)
    x = torch.linspace(centre - 4 * spread, centre + 4 * spread, 300, dtype=torch.float64)
    formula = torch.distributions.Normal(centre, spread)
    axes.plot(x, formula.log_prob(x).exp(), color=tint)
    level = float(formula.log_prob(torch.tensor(centre + spread)).exp())
    for part in ([0, 0.68 * level], [level, float(formula.log_prob(torch.tensor(centre)).exp())]):
        axes.plot([centre, centre], part, color=tint, linewidth=1, linestyle=":")
    style = {"arrowstyle": "<->", "color": tint, "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (centre - spread, level), (centre + spread, level), arrowprops=style)
    words = f"spread {numbers.std():.2f}"
    axes.text(centre, 0.9 * level, words, color=as_ink(tint), ha="center", va="top")


@styled
def plot_aligned(
    x0: Tensor, eps: Tensor, schedules: Mapping[str, NoiseSchedule], alpha_bars: Sequence[float]
) -> Picture:
    """One image in several schedules, each on a line of its own at the times at which as much of it is left.

    Args:
        x0: one clean image in a batch, shape (1, 3, H, W) or (1, 1, H, W), in [−1, 1].
        eps: its noise, of the same shape.
        schedules: for each name a schedule of the same T.
        alpha_bars: the shares of the power to show, each between 0 and 1; the image stands where ᾱ_t comes closest.
    """
    side = 48
    if len(require_images("x0", x0)) != 1 or max(x0.shape[2:]) > side:
        raise ValueError(f"x0 must be one image of at most {side} pixels a side, got shape {tuple(x0.shape)}")
    if not schedules or len({schedule.T for schedule in schedules.values()}) > 1:
        raise ValueError("schedules must be one or more, all of the same T")
    levels = [require_number("each of the alpha_bars", level, 0, 1) for level in alpha_bars]
    left, top, row, zoom = 40 + max(map(text_width, schedules)), 30, side + 22, side // max(x0.shape[2:])
    unit = (PAGE - left - 50) / next(iter(schedules.values())).T
    alt = f"One sprite in the schedules {', '.join(schedules)}, at the times at which ᾱ is "
    picture = Picture(PAGE, top + row * len(schedules) - 14, alt + ", ".join(f"{level:g}" for level in levels))
    times = {name: [_nearest_time(schedule, level) for level in levels] for name, schedule in schedules.items()}
    axes = place_axes(picture, 0, 0, *picture.page_size())
    axes.set_axis_off()
    axes.set(xlim=(0, PAGE), ylim=(picture.page_size()[1], 0))
    middles = [top + row * i + side / 2 for i in range(len(schedules))]
    for moments in zip(*times.values(), strict=True):  # a line through what is equal
        axes.plot([left + unit * t for t in moments], middles, color=FRAME, linewidth=5, solid_capstyle="round")
    for middle, (name, schedule) in zip(middles, schedules.items(), strict=True):
        place_text(picture, left - 14, middle, name, ha="right", va="center", fontweight="bold")
        axes.plot([left, left + unit * schedule.T], [middle, middle], color=INK, linewidth=1)
        for t in times[name]:
            x, pixels = left + unit * t, to_pixels(schedule.add_noise(x0, t, eps))[0]
            width, height = pixels.shape[1] * zoom, pixels.shape[0] * zoom
            place_image(picture, pixels, round(x - width / 2), round(middle - height / 2), zoom)
            words = f"t = {t}" if t == times[name][0] else f"{t}"
            place_text(picture, x + width / 2 + 5, middle - 5, words, va="bottom", bbox=_GROUND)
    for level, t in zip(levels, next(iter(times.values())), strict=True):
        place_text(picture, left + unit * t, top - 8, f"ᾱ = {level:g}", ha="center", va="bottom", fontweight="bold")
    return picture


def _nearest_time(schedule: NoiseSchedule, level: float) -> int:
    """The time in 1…T at which ᾱ is closest to a level."""
    return int((schedule.alpha_bar[1:] - level).abs().argmin()) + 1
