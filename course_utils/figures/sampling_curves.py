"""Curves of samplers: their walks over the density of each time, and what their steps are worth.

Drawings of a single step and of lists of times stand in `sampling_diagrams`.
"""

from collections.abc import Mapping, Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.ticker import NullLocator
from torch import Tensor

from ..diffusion.oracles import MixtureDenoiser
from ..validation import require_floats, require_images, require_number
from .curves import draw_spread, name_ends, name_ticks, require_repeated
from .drawing import draw_word, plane
from .images import to_pixels
from .picture import (
    DATA,
    DPI,
    INK,
    NETWORK,
    PAGE,
    Picture,
    place_axes,
    place_image,
    place_text,
    styled,
    text_width,
)

_HEIGHTS = torch.linspace(-3.2, 3.2, 241, dtype=torch.float64)  # of the axes of `plot_walks`


@styled
def plot_walks(walks: Mapping[str, Tensor], times: Sequence[int], denoiser: MixtureDenoiser) -> Picture:
    """Walks of numbers from pure noise to data, side by side for each sampler, over the density of each time.

    Each time is shaded by its own density, in steps of a fifth of its largest.

    Args:
        walks: for each sampler the numbers at each time, shape (len(times), K).
        times: where the walks stopped, from T to 0.
        denoiser: the mixture that the numbers come from, of shape (components, 1), and its schedule.
    """
    if denoiser.means.shape[1:] != (1,):
        raise ValueError(f"denoiser must know single numbers, got means of shape {tuple(denoiser.means.shape)}")
    if not walks:
        raise ValueError("walks must hold those of at least one sampler")
    for name, walk in walks.items():
        if require_floats(f"walks[{name!r}]", walk).shape[:-1] != (len(times),):
            wanted = f"({len(times)}, K), one row for each of the times"
            raise ValueError(f"walks[{name!r}] must have shape {wanted}, got {tuple(walk.shape)}")
    gap, top, high = 40, 34, _HEIGHTS[-1].item()
    width = (PAGE - 40) // len(walks) - gap
    picture = Picture(PAGE, 290, f"Walks against time, over the density: {', '.join(walks)}")
    levels = (0.05, 0.2, 0.4, 0.6, 0.8, 1)
    tints = [_tint(0.55 * level) for level in levels[1:]]
    shading = torch.stack([_density(denoiser, t) for t in range(denoiser.schedule.T + 1)], dim=1)
    for i, (name, walk) in enumerate(walks.items()):
        axes = plane(picture, 54 + i * (width + gap), top, width, 200, (times[0], times[-1]), (-high, high), True)
        axes.contourf(range(shading.shape[1]), _HEIGHTS, shading, levels, colors=tints, zorder=0)
        axes.set_title(name, fontsize=13)
        for k, numbers in enumerate(walk.detach().double().cpu().T):
            colour, thick = (NETWORK, 2.6) if k == 0 else (INK, 0.9)
            axes.plot(times, numbers, color=colour, linewidth=thick, zorder=3 - (k > 0))
        axes.set_xticks([times[0], times[0] // 2, 0])
        axes.tick_params(labelsize=11)
        axes.set_xlabel("time t")
        if i == 0:
            axes.set_yticks([-2, 0, 2])
            axes.set_ylabel("the number x")
    return picture


def _tint(share: float) -> str:
    """The colour of data, thinned with white to this share."""
    red, green, blue = (1 - share * (1 - part) for part in to_rgb(DATA))
    return to_hex((red, green, blue))


def _density(denoiser: MixtureDenoiser, t: int) -> Tensor:
    """The density of x_t at the `_HEIGHTS`, as a share of the largest."""
    signal, noise = float(denoiser.schedule.signal(t)), float(denoiser.schedule.noise(t))
    variance = (signal * denoiser.std) ** 2 + noise**2
    means = signal * denoiser.means.double().cpu()[:, 0]
    density = torch.exp(-((_HEIGHTS[:, None] - means) ** 2) / (2 * variance)) @ denoiser.weights.double().cpu()
    return density / density.max()


@styled
def plot_orders(steps: Sequence[int], errors: Mapping[str, Tensor], orders: Mapping[str, int]) -> Picture:
    """Errors against the number of steps, both logarithmic, with the slopes that the orders of the solvers promise.

    Args:
        steps: numbers of steps that rise, at least two.
        errors: for two samplers, by name, the error with each of them, shape (len(steps),), above 0.
        orders: by name the power of the number of steps with which the error falls; the first triangle lies above.
    """
    if len(errors) != 2 or not set(orders) <= set(errors):
        raise ValueError(f"errors and orders must be those of two samplers, got {list(errors)} and {list(orders)}")
    if len(steps) < 2 or list(steps) != sorted(set(steps)):
        raise ValueError(f"steps must be two or more numbers that rise, got {steps!r}")
    for name, error in errors.items():
        if require_floats(f"errors[{name!r}]", error).shape != (len(steps),) or error.min() <= 0:
            raise ValueError(f"errors[{name!r}] must be {len(steps)} numbers above 0, got {error.tolist()}")
    picture = Picture(PAGE, 300, f"Error against steps: {', '.join(errors)}")
    axes = place_axes(picture, 84, 14, PAGE - 270, 230)
    axes.set(xscale="log", yscale="log", xlabel="steps", ylabel="error")
    ends = {}
    for (name, error), colour in zip(errors.items(), (NETWORK, INK), strict=True):
        axes.plot(steps, error, "o-", color=colour, markersize=7)
        ends[name] = (steps[-1], error[-1].item(), colour)
    axes.set_xticks(steps, [str(n) for n in steps])
    axes.tick_params(labelsize=11)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(lambda error, _: f"{error:g}")
    axes.margins(x=0.05, y=0.2)
    name_ends(axes, ends)
    for i, (name, order) in enumerate(orders.items()):
        _draw_slope(axes, steps[-2:], errors[name][-2:].tolist(), order, above=i == 0)
    return picture


def _draw_slope(axes: Axes, steps: Sequence[int], errors: Sequence[float], order: int, above: bool) -> None:
    """A right angle beside a curve, from one number of steps to the next, as steep as a solver of this order."""
    left, right = steps
    start = errors[0] * (1.35 if above else 0.74)
    end = start * (left / right) ** order
    corner = (right, start) if above else (left, end)
    corners = [(left, start), corner, (right, end), (left, start)]
    axes.plot(*zip(*corners, strict=True), color="#7A8794", linewidth=1.4)
    error, step = f"error ÷ {(right / left) ** order:g}", f"steps × {right / left:g}"
    draw_word(axes, (corner[0], (start * end) ** 0.5), error, "e" if above else "w")
    draw_word(axes, ((left * right) ** 0.5, corner[1]), step, "n" if above else "s")


@styled
def plot_steps(
    curves: Mapping[str, tuple[Tensor, Tensor]],
    ylabel: str,
    mark: tuple[str, float],
    sprites: Mapping[str, Mapping[int, Tensor]],
) -> Picture:
    """Curves against the number of steps, named at their ends, and below the axis what some numbers of steps draw.

    Args:
        curves: for each sampler the numbers of steps, shape (N,), and what was measured, shape (R, N), R times; the
            line is the mean, its band goes from the smallest to the largest. At most three.
        ylabel: what was measured.
        mark: a name and a number to compare with.
        sprites: for the rows below, by name, for some numbers of steps one image, shape (3, 16, 16).
    """
    require_repeated("curves", curves)
    require_number("mark", mark[1])
    if not sprites:
        raise ValueError("sprites must hold at least one row of them")
    for name, images in sprites.items():
        for image in images.values():
            require_images(f"sprites[{name!r}]", image[None])
    left = 54 + max(text_width(name, weight="bold") for name in sprites)
    top, height, row = 12, 190, 70
    room = 24 + max(text_width(name, weight="bold") for name in (*curves, mark[0]))
    picture = Picture(
        PAGE,
        top + height + 36 + row * len(sprites),
        f"{ylabel} against steps, for {', '.join(curves)}; below, sprites of {', '.join(sprites)}",
    )
    axes = place_axes(picture, left, top, PAGE - left - room, height)
    ends = draw_spread(axes, curves, log=True)
    axes.axhline(mark[1], color=DATA, linewidth=1.5)
    ends[mark[0]] = (axes.get_xlim()[1], mark[1], DATA)
    axes.set_ylabel(ylabel)
    name_ticks(axes, curves)
    name_ends(axes, ends)
    place_text(picture, left - 42, top + height + 16, "steps", ha="right", va="center")
    for i, (name, images) in enumerate(sprites.items()):
        middle = top + height + 36 + row * (i + 0.5)
        place_text(picture, left - 42, middle, name, ha="right", va="center", fontweight="bold")
        for n, image in images.items():
            across = axes.transData.transform((n, mark[1]))[0] * DPI / picture.dpi
            place_image(picture, to_pixels(image[None])[0], round(across) - 32, round(middle) - 32, 4)
    return picture
