"""Colour: ramps of five tones with hue-shifted shading, and the named colours that sprites are described by.

No shapes here, only colours. Everything is plain arithmetic (no powers, no sines), so the bytes are the same
everywhere.
"""

import colorsys
from collections.abc import Sequence

from .dice import Dice

OUTLINE, SHADOW, BASE, LIGHT, SHINE = range(5)
"""The tones of a ramp, from dark to bright."""

Colour = tuple[int, int, int]
Ramp = tuple[Colour, Colour, Colour, Colour, Colour]

_VIOLET, _YELLOW = 0.72, 0.14  # painters cool their shadows and warm their lights: hues drift towards these two

NAMED: dict[str, tuple[float, float, float]] = {  # hue, saturation, value, each in [0, 1]
    "red": (0.985, 0.78, 0.86),
    "orange": (0.065, 0.84, 0.95),
    "yellow": (0.130, 0.76, 0.97),
    "green": (0.330, 0.62, 0.72),
    "teal": (0.480, 0.66, 0.74),
    "blue": (0.590, 0.70, 0.86),
    "purple": (0.760, 0.52, 0.78),
    "pink": (0.920, 0.46, 0.95),
    "brown": (0.065, 0.60, 0.58),
    "gray": (0.600, 0.12, 0.70),
}
"""The ten colour names that a sprite's `colour` attribute can take."""


def ramp(hue: float, saturation: float, value: float) -> Ramp:
    """Five tones around one colour: outline, shadow, base, light, shine."""
    return (
        _tone(hue, saturation * 1.05 + 0.10, value * 0.30, _VIOLET, 0.30),
        _tone(hue, saturation * 1.10 + 0.02, value * 0.70, _VIOLET, 0.16),
        _tone(hue, saturation, value, _VIOLET, 0.0),
        _tone(hue, saturation * 0.78, value * 1.10 + 0.04, _YELLOW, 0.16),
        _tone(hue, saturation * 0.35, value * 1.15 + 0.12, _YELLOW, 0.30),
    )


def named_ramp(name: str, dice: Dice) -> Ramp:
    """A ramp that anyone would call by this name, yet never quite the same one twice."""
    hue, saturation, value = NAMED[name]
    return ramp(
        hue + dice.uniform(-0.02, 0.02),
        saturation * dice.uniform(0.88, 1.08),
        value * dice.uniform(0.92, 1.04),
    )


def flat(colour_ramp: Ramp, tone: int) -> Ramp:
    """One tone of a ramp for lit and shadowed pixels alike, and for the outline too: inner lines, cores, sleeves."""
    return (colour_ramp[tone],) * 5


def bright(colour_ramp: Ramp, tone: int) -> Ramp:
    """One tone of a ramp for lit and shadowed pixels alike, but in the ramp's dark outline: bright eyes and teeth."""
    return colour_ramp[OUTLINE], *flat(colour_ramp, tone)[1:]


def _tone(hue: float, saturation: float, value: float, drift_to: float, drift: float) -> Colour:
    """A colour whose hue drifts some way towards another, as bytes."""
    turn = (drift_to - hue + 0.5) % 1.0 - 0.5  # the short way round the colour wheel
    red, green, blue = colorsys.hsv_to_rgb((hue + drift * turn) % 1.0, min(saturation, 1.0), min(value, 1.0))
    return int(red * 255 + 0.5), int(green * 255 + 0.5), int(blue * 255 + 0.5)


INK = ramp(0.70, 0.25, 0.32)
BLACK = flat(INK, OUTLINE)  # eyes and mouths
WHITE = ramp(0.60, 0.05, 0.95)
GOLD = ramp(0.125, 0.72, 0.94)
STEEL = ramp(0.60, 0.14, 0.78)
WOOD = ramp(0.075, 0.58, 0.56)
LEATHER = ramp(0.055, 0.52, 0.46)
BONE = ramp(0.12, 0.14, 0.92)
LEAF = ramp(0.32, 0.62, 0.62)

_SKINS = [(0.075, 0.30, 0.97), (0.070, 0.38, 0.90), (0.065, 0.46, 0.78), (0.060, 0.54, 0.62), (0.055, 0.56, 0.46)]
_HAIRS = [
    (0.070, 0.60, 0.34), (0.060, 0.65, 0.50), (0.105, 0.60, 0.82), (0.045, 0.78, 0.74), (0.640, 0.30, 0.26),
    (0.110, 0.14, 0.88), (0.540, 0.50, 0.75), (0.900, 0.42, 0.84),
]  # fmt: skip


def skin_ramp(dice: Dice) -> Ramp:
    """A human skin, from pale to deep brown."""
    hue, saturation, value = dice.pick(_SKINS)
    return ramp(hue, saturation * dice.uniform(0.9, 1.1), value * dice.uniform(0.95, 1.03))


def hair_ramp(dice: Dice) -> Ramp:
    """A hair colour: black to blond and white, now and then something a wizard would wear."""
    hue, saturation, value = dice.pick(_HAIRS)
    return ramp(hue + dice.uniform(-0.01, 0.01), saturation * dice.uniform(0.9, 1.1), value * dice.uniform(0.9, 1.1))


def hair_beside(other: Ramp, dice: Dice) -> Ramp:
    """A hair colour lighter or darker than the skin or the coat beside it."""
    hair = hair_ramp(dice)
    while abs(sum(hair[BASE]) - sum(other[BASE])) < 110:
        hair = hair_ramp(dice)
    return hair


def first_apart(options: Sequence[Ramp], *others: Ramp) -> Ramp:
    """The first ramp that stands out against the others, or else the last; unlike `hair_beside` it counts hues too."""
    for option in options[:-1]:
        if all(sum(abs(a - b) for a, b in zip(option[BASE], other[BASE], strict=True)) > 125 for other in others):
            return option
    return options[-1]
