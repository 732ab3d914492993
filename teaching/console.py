"""Tables for a console: columns below each other whatever the letters are, and nothing that steers the terminal."""

import unicodedata
from collections.abc import Sequence


def visible(line: str, encoding: str) -> str:
    """A line with escapes for what a console of this encoding cannot show, and for what would steer a terminal."""
    steering = ("Cc", "Cf", "Cs", "Zl", "Zp")  # control, format and half characters, ends of lines and paragraphs
    safe = (c.encode("unicode_escape").decode() if unicodedata.category(c) in steering else c for c in line)
    return "".join(safe).encode(encoding, "backslashreplace").decode(encoding)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """A table of words, one column below the other."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = (
        "   ".join(word + " " * (width - _width(word)) for word, width in zip(row, widths, strict=True)) for row in rows
    )
    return "\n".join(map(str.rstrip, lines))


def _width(word: str) -> int:
    """How many places a word takes in a terminal: Chinese letters take two, accents none."""
    composed = unicodedata.normalize("NFC", word)  # some systems take letters apart, é into e and its accent
    letters = [c for c in composed if unicodedata.category(c) not in ("Mn", "Me")]
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in letters)
