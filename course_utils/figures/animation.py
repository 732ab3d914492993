"""Animations that play in a notebook, on a slide and on a web page, offline, with a pause button.

An animation is a `Movie`: small PNG frames and a few lines of HTML. Still figures live beside it, from `images` on.
"""

import base64
import html
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.image
import numpy as np
from torch import Tensor

from ..validation import require_floats, require_int
from .images import to_pixels

_PAGE = """\
<figure class="movie" style="margin:0;display:inline-block" data-frames='{frames}' data-captions='{captions}'>
<img alt="{alt}" src="{first}" width="{width}" height="{height}" style="image-rendering:pixelated;max-width:none">
<figcaption style="font:15px sans-serif;margin:6px 0">
<button style="width:6em" onclick="
 const movie = this.closest('figure'), slider = movie.querySelector('input'), button = this;
 const stop = () => {{ clearInterval(movie.timer); movie.timer = null; button.textContent = '\u25b6 Play'; }};
 if (movie.timer) return stop();
 button.textContent = '\u275a\u275a Pause';
 movie.timer = setInterval(() => {{
  if (!movie.isConnected) return stop();
  slider.value = (Number(slider.value) + 1) % (Number(slider.max) + 1);
  slider.oninput();
 }}, {milliseconds});">\u25b6 Play</button>
<input type="range" min="0" max="{last}" value="0" style="width:16em;vertical-align:middle" aria-label="frame" oninput="
 const movie = this.closest('figure');
 movie.querySelector('img').src = JSON.parse(movie.dataset.frames)[this.value];
 movie.querySelector('output').textContent = JSON.parse(movie.dataset.captions)[this.value];">
<output>{caption}</output>
</figcaption>
</figure>"""


@dataclass(frozen=True, repr=False)
class Movie:
    """A finished animation; a notebook shows it when it is the last value of a cell.

    Frames and player are one HTML element without ids or scripts of its own, so several can stand on a page, and the
    same frames always give the same bytes.
    """

    frames: Sequence[bytes]  # PNG files of one size
    captions: Sequence[str]
    size: tuple[int, int]  # width and height as shown, in pixels of the page
    alt: str
    milliseconds: int

    def __repr__(self) -> str:
        return f"[{self.alt}]"

    def _repr_html_(self) -> str:
        frames = ["data:image/png;base64," + base64.b64encode(frame).decode() for frame in self.frames]
        return _PAGE.format(
            frames=json.dumps(frames),
            captions=html.escape(json.dumps(list(self.captions)), quote=True),
            alt=html.escape(self.alt, quote=True),
            first=frames[0],
            width=self.size[0],
            height=self.size[1],
            milliseconds=self.milliseconds,
            last=len(frames) - 1,
            caption=html.escape(self.captions[0]),
        )


def animate(
    frames: Sequence[Tensor], captions: Sequence[str], alt: str, columns: int = 8, milliseconds: int = 120
) -> Movie:
    """A movie of a grid of images.

    Args:
        frames: one batch of images a frame, each of shape (B, 3, H, W) or (B, 1, H, W) in [−1, 1].
        captions: one for each frame, shown below the images.
        alt: what the movie shows, for those who do not see it.
        columns: images in a row.
        milliseconds: time between two frames, at least 20.
    """
    require_int("columns", columns, 1)
    require_int("milliseconds", milliseconds, 20)
    if len(frames) == 0:
        raise ValueError("frames must hold at least one frame")
    if len(captions) != len(frames):
        raise ValueError(f"captions must have one entry for each of {len(frames)} frames, got {len(captions)}")
    for frame in frames:
        require_floats("each of the frames", frame, like=frames[0])
    grids = [grid(to_pixels(frame), columns) for frame in frames]
    height, width = grids[0].shape[:2]
    zoom = max(1, min(8, 820 // width))
    return Movie([_png(grid) for grid in grids], list(captions), (width * zoom, height * zoom), alt, milliseconds)


def grid(pixels: np.ndarray, columns: int) -> np.ndarray:
    """Images (B, H, W, 3) set out in rows, with two white pixels around each."""
    count, height, width = pixels.shape[:3]
    rows = -(-count // columns)
    cells = np.full((rows * columns, height + 2, width + 2, 3), 255, dtype=np.uint8)
    cells[:count, 1:-1, 1:-1] = pixels
    return (
        cells.reshape(rows, columns, height + 2, width + 2, 3)
        .swapaxes(1, 2)
        .reshape(rows * (height + 2), columns * (width + 2), 3)
    )


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    unsigned: dict[str, Any] = {"Software": None}
    matplotlib.image.imsave(buffer, pixels, format="png", metadata=unsigned)
    return buffer.getvalue()
