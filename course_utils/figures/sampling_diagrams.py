"""Drawings of how samplers walk: a step of DDIM as a remix, noises on a chord and on an arc, lists of times.

Curves of what their steps are worth stand in `sampling_curves`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from ..diffusion.samplers import ddim_step
from ..diffusion.schedules import NoiseSchedule
from ..validation import require_floats, require_images, require_int
from .drawing import Point, draw_arrow, draw_path, draw_point, draw_ruler, draw_word, page_axes, place_sprite, plane
from .images import to_pixels
from .picture import DATA, FRAME, INK, NETWORK, NOISE, Picture, styled

_SIDE, _ZOOM = 112, 7  # of a picture in `draw_remix`, in pixels of the page
_BAR = 140  # the amount 1, in pixels of the page


def draw_remix(x_t: Tensor, eps: Tensor, t: int, t_prev: int, schedule: NoiseSchedule) -> list[Picture]:
    """A step of DDIM with η = 0 in four stages: x_t, what the model sees in it, the new amounts, and x_t′.

    Args:
        x_t: one image in a batch at time t, shape (1, C, 16, 16).
        eps: the noise that a model sees in it, of the same shape.
        t, t_prev: where the step begins, and where it ends.
        schedule: the noise schedule, for the amounts.

    Returns four pictures for `build_up`. Raises ValueError for other shapes and times.
    """
    if tuple(require_images("x_t", x_t).shape[::2]) != (1, 16) or x_t.shape[3] != 16:
        raise ValueError(f"x_t must be one image of 16 × 16 pixels in a batch, got shape {tuple(x_t.shape)}")
    mixed = ddim_step(x_t, eps, t, t_prev, schedule)  # which asks about eps and the times
    batch = torch.cat([x_t, schedule.predict_x0(x_t, t, eps), eps, mixed])
    amounts = [(float(schedule.signal(time)), float(schedule.noise(time))) for time in (t, t_prev)]
    return [_remix(to_pixels(batch), amounts, (t, t_prev), stage) for stage in range(4)]


def _remix(pixels: np.ndarray, amounts: Sequence[Point], times: tuple[int, int], stage: int) -> Picture:
    t, t_prev = times
    (signal, noise), (new_signal, new_noise) = amounts
    alt = (
        f"A step from t = {t} to {t_prev}: the noisy picture is {signal:.2f} of a picture in mind and {noise:.2f} of a "
        f"noise; the new one is {new_signal:.2f} of the same picture and {new_noise:.2f} of the same noise"
    )
    return _draw_remix(alt, pixels, amounts, times, stage)


@styled
def _draw_remix(
    alt: str, pixels: np.ndarray, amounts: Sequence[Point], times: tuple[int, int], stage: int
) -> Picture:
    picture = Picture(820, 330, alt)
    axes = page_axes(picture)
    left, middle, right, high, low = 76, 410, 744, 94, 258
    _name_image(picture, axes, pixels[0], (left, (high + low) / 2), f"$x_t$, t = {times[0]}")
    if stage >= 1:
        _name_image(picture, axes, pixels[1], (middle, high), "the picture in mind, $\\hat{x}_0$", DATA)
        _name_image(picture, axes, pixels[2], (middle, low), "the noise seen, $\\hat{ε}$", NOISE)
        _draw_amounts(axes, left + 92, (high, low), amounts[0], "t")
    if stage >= 2:
        _draw_amounts(axes, middle + 92, (high, low), amounts[1], "t'")
    if stage >= 3:
        _name_image(picture, axes, pixels[3], (right, (high + low) / 2), f"$x_{{t'}}$, t′ = {times[1]}")
    return picture


def _name_image(
    picture: Picture, axes: Axes, image: np.ndarray, at: Point, name: str, colour: str = INK
) -> None:
    place_sprite(axes, image, at, _ZOOM)
    draw_word(axes, (at[0], at[1] - _SIDE / 2), name, "n", colour, size=12, bold=colour != INK)


def _draw_amounts(axes: Axes, x: float, heights: Point, amounts: Point, time: str) -> None:
    """How much of the picture and of the noise, as bars; an outline shows how long the amount 1 would be."""
    names = rf"$\sqrt{{\barα_{{{time}}}}}$", rf"$\sqrt{{1-\barα_{{{time}}}}}$"
    for y, amount, name, colour in zip(heights, amounts, names, (DATA, NOISE), strict=True):
        axes.add_patch(Rectangle((x, y - 11), _BAR, 22, facecolor="white", edgecolor=FRAME))
        axes.add_patch(Rectangle((x, y - 11), amount * _BAR, 22, facecolor=colour, label="amount"))
        draw_word(axes, (x + _BAR / 2, y - 11), f"{name} = {amount:.2f}", "n", colour, size=12)


@styled
def draw_arc(noises: Mapping[str, Tensor], sprites: Mapping[str, Tensor]) -> Picture:
    """Two ways from one noise to another, a line and an arc, in the plane of the two, and what is drawn from each stop.

    Args:
        noises: for the line and for the arc, by the names that they shall have, the stops, each of shape (K, C, H, W)
            with the same two ends.
        sprites: by the same names what a sampler drew from the stops, of shape (K, C, 16, 16).
    """
    (line_name, line), (arc_name, arc) = noises.items()
    require_floats("noises", arc, like=line)
    if list(sprites) != list(noises) or any(len(drawn) != len(line) for drawn in sprites.values()):
        raise ValueError(f"sprites must have one for each stop of {', '.join(noises)}")
    picture = Picture(820, 410, f"Sprites from the stops on {line_name}, and from those on {arc_name}")
    radius = arc[0].norm().item()
    axes = plane(picture, 60, 40, 700, 370, (-700 / 720 * radius, 700 / 720 * radius), (0.1 * radius, 1.13 * radius))
    places = {name: plane_of(noise) for name, noise in noises.items()}
    for end in (0, -1):
        draw_path(axes, [(0, 0.1 * radius), places[arc_name][end]], colour=FRAME, width=1.2, arrow=False)
    for (name, stops), colour, side in zip(places.items(), (NOISE, NETWORK), ("s", "n"), strict=True):
        draw_path(axes, stops, colour=colour, stops=True, arrow=False)
        inner = range(1, len(stops) - 1)
        for i in inner:
            size = float(np.hypot(*stops[i]))
            draw_word(axes, tuple(stops[i]), f"{size:.1f}", side, colour, 10)
    del draw_point
    return picture
