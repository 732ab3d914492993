"""Drawings of how samplers walk: a step of DDIM as a remix, noises on a line and on an arc, lists of times.

Curves of what their steps are worth stand in `sampling_curves`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from ..diffusion.samplers import ddim_step, slerp
from ..diffusion.schedules import NoiseSchedule
from ..validation import require_floats, require_images, require_int
from .drawing import Point, draw_arrow, draw_path, draw_point, draw_ruler, draw_word, page_axes, place_sprite, plane
from .images import to_pixels
from .picture import DATA, FRAME, INK, NETWORK, NOISE, Picture, styled

_BAR = 140  # the amount 1, in pixels of the page


def draw_remix(x_t: Tensor, eps: Tensor, t: int, t_prev: int, schedule: NoiseSchedule) -> list[Picture]:
    """A step of DDIM with η = 0 in four stages: x_t, what a model sees in it, the new amounts, and x_t′.

    Args:
        x_t: one image in a batch at time t, shape (1, 3, 16, 16) or (1, 1, 16, 16).
        eps: the noise that the model sees in it, of the same shape.
        t, t_prev: where the step begins, and where it ends.
        schedule: the noise schedule, for the amounts.

    Returns four pictures for `build_up`.
    """
    _require_sprites("x_t", x_t, 1)
    x_prev = ddim_step(x_t, eps, t, t_prev, schedule)  # which asks about the noise and the times
    pixels = to_pixels(torch.cat([x_t, schedule.predict_x0(x_t, t, eps), eps, x_prev]))
    amounts = [(float(schedule.signal(time)), float(schedule.noise(time))) for time in (t, t_prev)]
    return [_remix(pixels, amounts, (t, t_prev), stage) for stage in range(4)]


@styled
def _remix(pixels: np.ndarray, amounts: Sequence[Point], times: tuple[int, int], stage: int) -> Picture:
    (signal, noise), (new_signal, new_noise) = amounts
    picture = Picture(
        820,
        330,
        f"A step from t = {times[0]} to {times[1]}: {signal:.2f} of a picture in mind and {noise:.2f} of a noise "
        f"become {new_signal:.2f} and {new_noise:.2f} of the same two",
    )
    axes = page_axes(picture)
    left, middle, right, high, low = 76, 410, 744, 94, 258
    _place_named(axes, pixels[0], (left, (high + low) / 2), f"$x_t$,  t = {times[0]}")
    if stage >= 1:
        _place_named(axes, pixels[1], (middle, high), "the picture in mind, $\\hat{x}_0$", DATA)
        _place_named(axes, pixels[2], (middle, low), "the noise seen, $\\hat{ε}$", NOISE)
        _draw_amounts(axes, left + 97, (high, low), amounts[0], "t")
        for y in (high, low):
            draw_path(axes, [(left + 60, (high + low) / 2), (left + 92, y)], width=1.2, arrow=False)
            draw_arrow(axes, (left + 97 + _BAR, y), (middle - 58, y), width=1.2)
    if stage >= 2:
        _draw_amounts(axes, middle + 97, (high, low), amounts[1], "t′")
        for y in (high, low):
            draw_arrow(axes, (middle + 58, y), (middle + 95, y), width=1.2)
    if stage >= 3:
        for y in (high, low):
            draw_arrow(axes, (middle + 97 + _BAR, y), (right - 58, (high + low) / 2 + (y - 176) / 4), width=1.2)
        _place_named(axes, pixels[3], (right, (high + low) / 2), f"$x_{{t′}}$,  t′ = {times[1]}")
    return picture


def _place_named(axes: Axes, image: np.ndarray, at: Point, name: str, colour: str = INK) -> None:
    place_sprite(axes, image, at, 7)
    draw_word(axes, (at[0], at[1] - 56), name, "n", colour, size=12)


def _draw_amounts(axes: Axes, x: float, heights: Point, amounts: Point, time: str) -> None:
    """How much of the picture and of the noise, as bars; an outline shows how long the amount 1 is."""
    names = rf"$\sqrt{{\barα_{{{time}}}}}$", rf"$\sqrt{{1-\barα_{{{time}}}}}$"
    for y, amount, name, colour in zip(heights, amounts, names, (DATA, NOISE), strict=True):
        axes.add_patch(Rectangle((x, y - 11), _BAR, 22, facecolor="white", edgecolor=FRAME))
        axes.add_patch(Rectangle((x, y - 11), amount * _BAR, 22, facecolor=colour, label=name))
        draw_word(axes, (x + _BAR / 2, y - 11), f"{name} = {amount:.2f}", "n", colour, size=12)


@styled
def draw_arc(noises: Mapping[str, Tensor], sprites: Mapping[str, Tensor]) -> Picture:
    """Two ways from one noise to another, in the plane of both: a line, an arc, and what is drawn from their stops.

    The numbers are the lengths of the noises.

    Args:
        noises: for the line and then for the arc, by name, the stops, each of shape (K, C, 16, 16) with the same ends.
        sprites: by the same names what a sampler drew from these stops, of the same shape.
    """
    if len(noises) != 2 or list(sprites) != list(noises):
        raise ValueError(f"noises and sprites must be of a line and an arc, got {list(noises)} and {list(sprites)}")
    (line_name, line), (arc_name, arc) = noises.items()
    for stops in (line, arc, *sprites.values()):
        what = "each of the noises and sprites"
        require_floats(what, _require_sprites(what, stops), like=line)
    picture = Picture(820, 372, f"Noises and their sprites between the same two ends: {line_name}; {arc_name}")
    unit = line[0].norm().item() / 330  # a pixel of the page
    axes = plane(picture, 0, 0, 820, 372, (-410 * unit, 410 * unit), (104 * unit, 476 * unit))
    a, b = line[:1], line[-1:]
    draw_path(axes, _in_plane(torch.cat([slerp(a, b, i / 40) for i in range(41)])), colour=NETWORK, arrow=False)
    draw_path(axes, _in_plane(line), colour=NOISE, arrow=False)
    _draw_stops(axes, line[1:-1], _in_plane(line)[1:-1], sprites[line_name][1:-1], NOISE, "n", unit)
    _draw_stops(axes, arc, _in_plane(arc), sprites[arc_name], NETWORK, "s", unit)
    draw_word(axes, (-400 * unit, 440 * unit), arc_name, "e", NETWORK, 13, bold=True)
    draw_word(axes, (-400 * unit, 160 * unit), line_name, "e", NOISE, 13, bold=True)
    return picture


def _draw_stops(
    axes: Axes, noises: Tensor, places: np.ndarray, sprites: Tensor, colour: str, side: str, unit: float
) -> None:
    """Dots with the lengths of their noises, and sprites opposite the words: below, or away from the origin."""
    for noise, (x, y), image in zip(noises, places, to_pixels(sprites), strict=True):
        length = noise.norm().item()
        draw_point(axes, (x, y), f"{length:.1f}", side, colour)
        away = (62 * x / length, 62 * y / length) if side == "s" else (0, -58)
        place_sprite(axes, image, (x + away[0] * unit, y + away[1] * unit), 5)


def _in_plane(noises: Tensor) -> np.ndarray:
    """Noises of shape (K, …) as points of the plane of the first and the last, whose middle is above: shape (K, 2)."""
    flat = noises.detach().double().cpu().flatten(1)
    a, b = flat[0] / flat[0].norm(), flat[-1] / flat[-1].norm()
    axes = torch.stack([b - a, a + b], dim=1)
    return np.asarray(flat @ (axes / axes.norm(dim=0)))


@styled
def draw_times(lists: Mapping[str, Sequence[int]], T: int) -> Picture:
    """Lists of times on rulers from T to 0, with the numbers of the last three; what runs past 0 wraps around to T.

    Args:
        lists: for each name times that fall, as whole numbers.
        T: where all of them begin.
    """
    require_int("T", T, 1)
    if not lists or any(len(times) < 3 or times[0] != T for times in lists.values()):
        raise ValueError(f"lists must be one or more, each of at least three times from {T} on, got {dict(lists)}")
    rows = [84 + 34 * (times[-1] < 0) for times in lists.values()]
    height = sum(rows) + 4
    picture = Picture(820, height, f"Times from {T} to 0: {', '.join(lists)}")
    axes = plane(picture, 40, 0, 740, height, (T, -0.06 * T), (height, 0))
    for i, (name, times) in enumerate(lists.items()):
        y, end = 44 + sum(rows[:i]), times[-1]
        draw_ruler(axes, y, (T, 0), times, name, NOISE if end else NETWORK, [T, *times[-2:]])
        if end < 0:
            there = end + T + 1
            word = f"in a table, entry −{-end} is that of t = {there}"
            draw_arrow(axes, (end, y + 26), (there, y + 9), word, "s", NOISE, bend=-0.03)
    return picture


def _require_sprites(name: str, x: Tensor, count: int | None = None) -> Tensor:
    if require_images(name, x).shape[2:] != (16, 16) or count not in (None, len(x)):
        raise ValueError(f"{name} must have shape ({count or 'K'}, C, 16, 16), got {tuple(x.shape)}")
    return x
