"""The procedural artist: from a seed and an index to a sprite and the words that describe it.

How each kind looks is written in `heroes`, `creatures`, `food`, `spells` and `walkers`; how a data set becomes a file,
in `files`.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from ..validation import require_int
from . import creatures, food, heroes, spells, walkers
from .dice import Dice
from .drawing import Kind

_MODULES = {"hero": heroes, "non-hero": creatures, "food": food, "spell": spells, "side-facing": walkers}
CLASSES: dict[str, dict[str, Kind]] = {
    name: {kind.__name__.replace("_", " "): kind for kind in module.KINDS} for name, module in _MODULES.items()
}
"""The five classes, in the order of the context vector, and the kinds of each."""


class Sprite(NamedTuple):
    """One picture and the words for what is in it."""

    pixels: NDArray[np.uint8]  # 16×16×3 on white
    class_name: str  # a key of CLASSES
    kind: str  # a key of CLASSES[class_name]
    colour: str  # the main colour: a key of palette.NAMED
    facing: str  # "front", "left", "right"; "none" for things
    item: str  # what is held; "none" where nothing is


def draw_sprite(seed: int, index: int) -> Sprite:
    """Draw sprite number `index` (≥ 0) of the endless data set that `seed` (≥ 0) stands for.

    Every class is as likely as the next, and within a class every kind. The same two numbers give the same bytes on
    every machine, whatever else has been drawn before.
    """
    dice = Dice(require_int("seed", seed, 0), require_int("index", index, 0))
    class_name = dice.pick(list(CLASSES))
    kind = dice.pick(list(CLASSES[class_name]))
    canvas, *words = CLASSES[class_name][kind](dice)
    return Sprite(canvas.render(), class_name, kind, *words)


def draw_sprites(n: int, seed: int, start: int = 0) -> dict[str, NDArray[Any]]:
    """Draw the sprites `start` … `start + n − 1` of a seed, with a progress bar.

    Returns arrays with one row a sprite: `images` (uint8, n×16×16×3), `contexts` (uint8, n×5, one-hot over CLASSES),
    and the words `kind`, `colour`, `facing`, `item`.
    """
    require_int("n", n, 1)
    drawn = [draw_sprite(seed, i) for i in tqdm(range(start, start + n), "drawing", unit=" sprites", leave=False)]
    names = list(CLASSES)
    classes = [names.index(sprite.class_name) for sprite in drawn]
    images = np.stack([sprite.pixels for sprite in drawn])
    words = {w: np.array([getattr(sprite, w) for sprite in drawn]) for w in ("kind", "colour", "facing", "item")}
    return {"images": images, "contexts": np.eye(len(names), dtype=np.uint8)[classes], **words}
