"""What moves in a notebook, on a slide and on a web page, offline: animations, and pictures that build up in stages.

Either is a `Movie`: PNG frames and a few lines of HTML. Still figures live beside it, from `images` on.
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
from .picture import Picture

_PAGE = """\
<figure class="movie"{kind} style="margin:0;display:inline-block" data-frames='{frames}' data-captions='{captions}'>
<img alt="{alt}" src="{shown}" width="{width}" height="{height}" style="{style}">
<figcaption style="font:15px sans-serif;margin:6px 0;width:min-content;min-width:max(100%,24em)">
<button style="width:6em" onclick="
 const movie = this.closest('figure'), slider = movie.querySelector('input'), button = this;
 const stop = () => {{ clearInterval(movie.timer); movie.timer = null; button.textContent = '\u25b6 Play'; }};
 const next = () => {{
  if (!movie.isConnected) return stop();
  slider.value = (Number(slider.value) + 1) % (Number(slider.max) + 1);
  slider.oninput();
  if (slider.value === slider.max) stop();
 }};
 if (movie.timer) return stop();
 button.textContent = '\u275a\u275a Pause';
 movie.timer = setInterval(next, {milliseconds});
 next();">\u25b6 Play</button>
<input type="range" min="0" max="{last}" value="{start}" style="width:16em;vertical-align:middle" aria-label="{steps}" \
oninput="
 const movie = this.closest('figure');
 movie.querySelector('img').src = JSON.parse(movie.dataset.frames)[this.value];
 movie.querySelector('output').textContent = JSON.parse(movie.dataset.captions)[this.value];">
<output>{caption}</output>
</figcaption>
</figure>"""


@dataclass(frozen=True, repr=False)
class Movie:
    """A finished animation, or the stages of a picture; a notebook shows it when it is the last value of a cell.

    Frames and player are one HTML element without ids or scripts of its own, so several can stand on a page, and the
    same frames always give the same bytes. It plays to its end, and then from its beginning. The arrow keys move its
    slider. The element of a picture that builds up has the attributes `data-build-up` and, like the metadata of a
    picture, `data-type`, the size of its smallest words.
    """

    frames: Sequence[bytes]  # PNG files of one size
    captions: Sequence[str]
    size: tuple[int, int]  # width and height as shown, in pixels of the page
    alt: str
    milliseconds: int
    builds_up: bool = False  # stands at its end, and is smoothed where it is scaled; else its pixels stay squares
    smallest_type: float | None = None  # in pixels of the page

    def __repr__(self) -> str:
        return f"[{self.alt}]"

    def _repr_html_(self) -> str:
        frames = ["data:image/png;base64," + base64.b64encode(frame).decode() for frame in self.frames]
        start = len(frames) - 1 if self.builds_up else 0
        words = f' data-type="{self.smallest_type}"' if self.smallest_type is not None else ""
        return _PAGE.format(
            kind=" data-build-up" + words if self.builds_up else "",
            frames=json.dumps(frames),
            captions=html.escape(json.dumps(list(self.captions)), quote=True),
            alt=html.escape(self.alt, quote=True),
            shown=frames[start],
            width=self.size[0],
            height=self.size[1],
            style="max-width:100%;height:auto" if self.builds_up else "image-rendering:pixelated;max-width:none",
            milliseconds=self.milliseconds,
            last=len(frames) - 1,
            start=start,
            steps="stage" if self.builds_up else "frame",
            caption=html.escape(self.captions[start]),
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
    _require_captions("frame", len(frames), captions)
    for frame in frames:
        require_floats("each of the frames", frame, like=frames[0])
    grids = [grid(to_pixels(frame), columns) for frame in frames]
    height, width = grids[0].shape[:2]
    zoom = max(1, min(8, 820 // width))
    return Movie([_png(grid) for grid in grids], list(captions), (width * zoom, height * zoom), alt, milliseconds)


def build_up(pictures: Sequence[Picture], captions: Sequence[str], alt: str) -> Movie:
    """A picture in stages, each a whole picture; it stands at the last one, and plays slowly from the first.

    Args:
        pictures: one for each stage, all of one size.
        captions: one for each stage, shown below it.
        alt: what the last stage shows, for those who do not see it.
    """
    _require_captions("picture", len(pictures), captions)
    sizes = [picture.page_size() for picture in pictures]
    if len(set(sizes)) > 1:
        raise ValueError(
            f"pictures must be of one size, got {', '.join(f'{width}×{height}' for width, height in sizes)}"
        )
    frames = [picture.png() for picture in pictures]
    words = [size for picture in pictures if (size := picture.smallest_type()) is not None]
    return Movie(frames, list(captions), sizes[0], alt, 1500, builds_up=True, smallest_type=min(words, default=None))


def _require_captions(name: str, count: int, captions: Sequence[str]) -> None:
    if count == 0:
        raise ValueError(f"{name}s must hold at least one {name}")
    if len(captions) != count:
        raise ValueError(f"captions must have one entry for each of {count} {name}s, got {len(captions)}")


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
