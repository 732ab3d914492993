"""What a kind's drawing function takes and returns."""

from collections.abc import Callable
from typing import NamedTuple

from .canvas import Canvas
from .dice import Dice


class Drawing(NamedTuple):
    """A drawn canvas and the words that describe it."""

    canvas: Canvas
    colour: str  # a key of palette.NAMED
    facing: str = "front"  # "front", "left" or "right"; things do not face: "none"
    item: str = "none"  # what is held


Kind = Callable[[Dice], Drawing]
