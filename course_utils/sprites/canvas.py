"""A 16×16 canvas: masks to fill, templates to stamp, light from the upper left, a dark outline round it all.

A canvas holds a colour ramp and a tone for each pixel; RGB appears only in `render`. What is drawn is decided
elsewhere.
"""

from collections.abc import Callable, Mapping
from functools import cache
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .palette import BASE, INK, OUTLINE, SHADOW, Ramp

SIZE = 16
Point = tuple[float, float]  # x to the right, y down; the first pixel has its centre at (0, 0)
Reals = float | NDArray[np.float64]
Mask = NDArray[np.bool_]
Tones = NDArray[np.int16]
Number = TypeVar("Number", bound=np.generic)
Light = int | Tones | Callable[[Mask], Tones]  # one tone, a tone for each pixel, or a function such as `round_light`

COLUMNS = np.arange(SIZE, dtype=np.float64)
ROWS = COLUMNS[:, None]  # a row and a column of numbers, not yet spread over the canvas
GROUND = SIZE - 2  # the row that feet stand on; the last one is left to the outline
_PAPER: Ramp = ((255, 255, 255),) * 5
_TONES = len(_PAPER)
_EMPTY = -_TONES  # the darkest tone of the last ramp, which is the paper


class Canvas:
    """Sixteen by sixteen pixels, empty at first."""

    def __init__(self) -> None:
        self._ramps: dict[Ramp, int] = {}  # the number of each ramp's darkest tone; the others follow it
        self._pixels = np.full((SIZE, SIZE), _EMPTY, dtype=np.int16)  # numbers of tones

    @property
    def filled(self) -> Mask:
        """Where something has been drawn."""
        return np.not_equal(self._pixels, _EMPTY)

    def fill(self, mask: Mask, ramp: Ramp, light: Light = BASE) -> None:
        """Paint a mask in the tones of its light."""
        tones = light(mask) if callable(light) else light
        np.copyto(self._pixels, self._number(ramp) + tones, where=mask)

    def part(self, mask: Mask, ramp: Ramp, light: Light = BASE) -> None:
        """Paint a mask in front of what is there, set off by a dark line where it covers that."""
        self.fill(grown(mask) & self.filled, ramp, OUTLINE)
        self.fill(mask, ramp, light)

    def dot(self, x: int, y: int, ramp: Ramp, tone: int = BASE) -> None:
        """Paint one pixel; outside the canvas nothing happens."""
        if 0 <= x < SIZE and 0 <= y < SIZE:
            self._pixels[y, x] = self._number(ramp) + tone

    def stamp(self, template: str, x: int, y: int, ramps: Mapping[str, Ramp], mirrored: bool = False) -> None:
        """Stamp a template with its upper left corner at (x, y); what sticks out of the canvas is cut off.

        In a template a small letter is the material that `ramps` gives for it, lit from the upper left; the same
        letter as a capital is that material in shadow; `#` is ink and `.` leaves what is there.
        """
        letters, places, tones = _read(template, mirrored)
        numbers = [self._number(INK if letter == "#" else ramps[letter]) for letter in letters]
        to, source = _overlap(x, y)
        stamped = np.array([*numbers, _EMPTY], dtype=np.int16)[places[source]] + tones[source]
        np.copyto(self._pixels[to], stamped, where=stamped != _EMPTY)

    def stamp_in_front(self, template: str, x: int, y: int, ramps: Mapping[str, Ramp], mirrored: bool = False) -> None:
        """Stamp a template with a line of ink between it and what it covers."""
        self.fill(grown(silhouette(template, x, y, mirrored)) & self.filled, INK, OUTLINE)
        self.stamp(template, x, y, ramps, mirrored)

    def shift(self, dx: int, dy: int) -> None:
        """Move everything drawn so far; what leaves the canvas is lost."""
        to, source = _overlap(dx, dy)
        moved = np.full_like(self._pixels, _EMPTY)
        moved[to] = self._pixels[source]
        self._pixels = moved

    def centre(self, slip_x: int = 0, slip_y: int | None = None) -> None:
        """Move everything to the middle, `slip` half pixels on, yet off the border; without `slip_y` only sideways."""
        dx = _to_middle(self.filled, 0, slip_x)
        self.shift(dx, 0 if slip_y is None else _to_middle(self.filled, 1, slip_y))

    def render(self) -> NDArray[np.uint8]:
        """The picture, 16×16×3, on white, with an outline in the darkest tone of whatever it borders."""
        outline = np.full_like(self._pixels, _EMPTY)
        for neighbour in neighbours(self._pixels, _EMPTY):  # last wins: the outline takes its hue from below
            np.copyto(outline, neighbour, where=neighbour != _EMPTY)
        pixels = np.where(self.filled, self._pixels, outline - outline % _TONES)
        return np.array([*self._ramps, _PAPER], dtype=np.uint8).reshape(-1, 3)[pixels]

    def _number(self, ramp: Ramp) -> int:
        """The number of a ramp's darkest tone."""
        return self._ramps.setdefault(ramp, _TONES * len(self._ramps))


def ellipse(cx: Reals, cy: Reals, rx: Reals, ry: Reals) -> Mask:
    """The pixels whose centres lie within an ellipse; n ellipses at once where the numbers are n×1×1."""
    across, down = (COLUMNS - cx) / rx, (ROWS - cy) / ry
    return across * across + down * down <= 1.0


def polygon(*corners: Point) -> Mask:
    """The pixels whose centres lie within a polygon, by the even-odd rule."""
    edges = [(*start, *end) for start, end in pairwise((*corners, corners[0])) if start[1] != end[1]]
    x0, y0, x1, y1 = np.reshape(edges, (-1, 4)).T[..., None, None]  # room for rows and columns
    crossed = (y0 <= ROWS) != (y1 <= ROWS)
    inside: Mask = np.logical_xor.reduce(crossed & (x0 + (ROWS - y0) * (x1 - x0) / (y1 - y0) > COLUMNS))
    return inside


def box(x0: float, y0: float, x1: float, y1: float) -> Mask:
    """The pixels of an upright rectangle, both corners included."""
    mask = np.zeros((SIZE, SIZE), dtype=bool)
    mask[max(int(y0 + 0.5), 0) : int(y1 + 1.5), max(int(x0 + 0.5), 0) : int(x1 + 1.5)] = True
    return mask


INSIDE = box(1, 1, SIZE - 2, SIZE - 2)  # all but the border, which is left to the outline


def line(*points: Point) -> Mask:
    """A line one pixel wide through some points, both ends included."""
    mask = np.zeros((SIZE, SIZE), dtype=bool)
    for (x0, y0), (x1, y1) in pairwise(points):
        steps = int(max(abs(x1 - x0), abs(y1 - y0)) + 0.5) or 1
        for i in range(steps + 1):
            x, y = int(x0 + (x1 - x0) * i / steps + 0.5), int(y0 + (y1 - y0) * i / steps + 0.5)
            if 0 <= x < SIZE and 0 <= y < SIZE:
                mask[y, x] = True
    return mask


def silhouette(template: str, x: int, y: int, mirrored: bool = False) -> Mask:
    """The pixels that `Canvas.stamp` would paint."""
    mask = np.zeros((SIZE, SIZE), dtype=bool)
    to, source = _overlap(x, y)
    mask[to] = _read(template, mirrored)[1][source] >= 0
    return mask


def grown(mask: Mask) -> Mask:
    """A mask and the pixels beside it."""
    above, left, right, below = neighbours(mask, False)
    return mask | above | left | right | below


def shrunk(mask: Mask) -> Mask:
    """A mask without the pixels at its edge."""
    return ~grown(~mask)


def round_light(mask: Mask) -> Tones:
    """Tones of a round body: light at the upper left of its bounding box, shadow at the lower right."""
    if not mask.any():  # no box to speak of
        return shade(mask, mask)
    (left, right), (top, bottom) = _span(mask, 0), _span(mask, 1)
    across = (COLUMNS - (left + right) / 2) / ((right - left + 1) / 2)
    down = (ROWS - (top + bottom) / 2) / ((bottom - top + 1) / 2)
    depth = across * 0.6 + down * 0.8
    return shade(depth < -0.42, depth > 0.42)


def edge_light(mask: Mask) -> Tones:
    """Tones of a thin or flat part: light along its upper left edge, shadow along its lower right edge."""
    above, left, right, below = neighbours(mask, False)
    return shade(~(above | left), ~(right | below))


def bevel_light(mask: Mask) -> Tones:
    """Tones of a cut edge: light all along the left and the top, shadow all along the right and the bottom."""
    above, left, right, below = neighbours(mask, False)
    return shade(~(above & left), above & left & ~(right & below))


def slant_light(mask: Mask) -> Tones:
    """Tones of a slanting body: a light rim all along its upper left, a shadow all along its lower right."""
    upper, lower = np.roll(mask, 1, (0, 1)), np.roll(mask, -1, (0, 1))  # nothing comes round: the border is empty
    return shade(~upper, upper & ~lower)


def shade(lit: Mask, dark: Mask) -> Tones:
    """Light where it is lit, shadow where it is dark, the base tone where it is neither or both."""
    return np.int16(BASE) + lit - dark  # the tones are numbers in this order


def unit(turn: float) -> Point:
    """The direction (1, 0), turned by twice the arc tangent of `turn`: no sine, so the same on every machine."""
    return (1 - turn * turn) / (1 + turn * turn), 2 * turn / (1 + turn * turn)


def variants(sheet: str) -> tuple[str, ...]:
    """The templates that stand side by side in a sheet."""
    rows = [row.split() for row in sheet.strip().splitlines()]
    return tuple("\n".join(column) for column in zip(*rows, strict=True))


def neighbours(
    pixels: NDArray[Number], outside: int
) -> tuple[NDArray[Number], NDArray[Number], NDArray[Number], NDArray[Number]]:
    """What lies above, to the left, to the right and below of each pixel."""
    padded = np.full((SIZE + 2, SIZE + 2), outside, dtype=pixels.dtype)
    padded[1:-1, 1:-1] = pixels
    return padded[:-2, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:], padded[2:, 1:-1]


def _span(mask: Mask, axis: int) -> tuple[int, int]:
    """The first and the last column (axis 0) or row (axis 1) of what is not empty."""
    used = np.flatnonzero(mask.any(axis))
    return int(used[0]), int(used[-1])


def _to_middle(mask: Mask, axis: int, slip: int) -> int:
    """How far to move a mask to the middle and so many half pixels on, yet off the border."""
    first, last = _span(mask, axis)
    return max(1 - first, min(SIZE - 2 - last, (SIZE - 1 - first - last + slip) // 2))


@cache
def _overlap(dx: int, dy: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a canvas moved by (dx, dy) lies on the old one, and which part of it that is."""

    def span(d: int) -> tuple[slice, slice]:
        """The same along one axis."""
        return slice(max(d, 0), max(SIZE + min(d, 0), 0)), slice(max(-d, 0), max(SIZE - max(d, 0), 0))

    (to_x, from_x), (to_y, from_y) = span(dx), span(dy)
    return (to_y, to_x), (from_y, from_x)


@cache
def _read(template: str, mirrored: bool) -> tuple[str, NDArray[np.int_], Tones]:
    """The letters of a template, and in canvas size for each pixel the place of its letter (or −1) and its tone."""
    rows = [row[::-1] if mirrored else row for row in template.split()]
    if len(rows) > SIZE or len({len(row) for row in rows}) != 1 or len(rows[0]) > SIZE:
        raise ValueError(f"a template has at most {SIZE} rows of one length, at most {SIZE}; got {rows}")
    grid = np.full((SIZE, SIZE), ".")
    grid[: len(rows), : len(rows[0])] = [list(row) for row in rows]
    letters = "".join(sorted(set("".join(rows).lower()) - {"."}))
    places, tones = np.full((SIZE, SIZE), -1), np.zeros((SIZE, SIZE), dtype=np.int16)
    for place, letter in enumerate(letters):
        lit, deep = grid == letter, grid == letter.upper()
        places[lit | deep] = place
        tones[deep] = SHADOW
        tones[lit] = edge_light(lit)[lit]  # after the shadow: ink has no capital
    return letters, places, tones
