"""Figures of images: grids of samples, a contact sheet of the data set, one image at a noise level.

Images are drawn with nearest-neighbour pixels at an integer zoom, clipped to [−1, 1] and never rescaled, so that a bug
in their scale stays visible.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from ..diffusion.schedules import NoiseSchedule
from ..validation import require_images, require_int
from .curves import name_curves
from .picture import DATA, FRAME, NOISE, PAGE, Picture, place_axes, place_image, place_text, styled, text_width


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

    What it shows is written in the picture's `grid`, in pixels of the page: "zoom", "height" and "width" of an image in
    its own pixels, "columns", "corners" (the upper left one of each image), "titles", "row_titles" and "title".

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
    left = 24 + max(map(text_width, row_titles), default=-10)
    zoom = max(1, min(10, ((PAGE - left) // columns - 4) // (width + 1)))
    cell = max(width * zoom + zoom + 4, 8 + max(map(text_width, titles), default=0))
    gap, top = zoom + 4, 36 if title else 4
    title_height = 18 * max((1 + label.count("\n") for label in titles), default=0) + 4 * bool(titles)
    row_height = height * zoom + gap + title_height * every_image_titled
    first_row = top + title_height
    page = (
        max(left + columns * cell, left + text_width(title, 13, "bold") + 8),
        first_row + rows * row_height - title_height * every_image_titled,
    )
    named = "; ".join(
        ", ".join(" ".join(label.split()) for label in labels) for labels in (row_titles, titles) if labels
    )
    picture = Picture(*page, ": ".join(filter(None, [title or f"{count} images", named])))
    corners = [
        (left + column * cell + (cell - gap - width * zoom) / 2, first_row + row * row_height)
        for row, column in (divmod(i, columns) for i in range(count))
    ]
    picture.grid = {
        "zoom": zoom,
        "height": height,
        "width": width,
        "columns": columns,
        "corners": [list(corner) for corner in corners],
        "titles": list(titles),
        "row_titles": list(row_titles),
        "title": title,
    }
    for i, (image, (x0, y0)) in enumerate(zip(pixels, corners, strict=True)):
        place_image(picture, image, x0, y0, zoom)
        if every_image_titled or (titles and i < columns):
            place_text(picture, x0 + width * zoom / 2, y0 - 5, titles[i], ha="center", va="bottom")
    for row, label in enumerate(row_titles):
        place_text(picture, left - 10, first_row + row * row_height + height * zoom / 2, label, ha="right", va="center")
    if title:
        place_text(picture, left, 4, title, va="top", fontsize=13, fontweight="bold")
    return picture


def sprites_of(png: bytes, grid: Mapping[str, Any]) -> list[np.ndarray]:
    """The images (uint8 H×W×3) of a `show_images`, each pixel as it was, from its PNG file and its `grid`."""
    page, step = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")), 2 * grid["zoom"]
    height, width = step * grid["height"], step * grid["width"]
    corners = [(round(2 * x), round(2 * y)) for x, y in grid["corners"]]
    return [page[y : y + height : step, x : x + width : step] for x, y in corners]


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
    name_curves(axes, lines)
    return picture
