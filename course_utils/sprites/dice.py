"""The artist's dice: every random decision of a sprite, the same on every machine and in every version of Python."""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Random choices for one sprite, fixed by the data set's seed and the sprite's index.

    Python promises that `random.Random(seed).random()` never changes between versions or machines, and promises it of
    no other method, so every choice is made from it with plain arithmetic.
    """

    def __init__(self, seed: int, index: int) -> None:
        self._random = random.Random(f"sprite {seed}/{index}").random

    def uniform(self, low: float, high: float) -> float:
        """A real number in [low, high)."""
        return low + (high - low) * self._random()

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int((high - low + 1) * self._random())

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, each as likely as the next."""
        return options[int(len(options) * self._random())]

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._random() < probability
