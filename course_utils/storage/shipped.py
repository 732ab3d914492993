"""Data and weights that come with the course: where they are, and that they are what their cards say."""

import re
from pathlib import Path

from .files import sha256


def shipped(name: str) -> Path:
    """The path of a file that comes with the course, such as "data/sprites.npz".

    An installed package carries `data/` and `weights/` inside itself; in a checkout they stand beside it. Raises
    FileNotFoundError if it is in neither place, and ValueError if it is not what a card beside it says.
    """
    for path in (place / name for place in _places()):
        if path.is_file():
            return _require_card(path)
    raise FileNotFoundError(f"{name} did not come with this copy of the course: it is not in {_places()[-1]}")


def shipped_by_name(parameter: str, name: str, folder: str, suffix: str) -> Path:
    """The path of a file that comes with the course and that a parameter asks for, without folder and ending."""
    names = sorted({path.stem for place in _places() for path in (place / folder).glob(f"*{suffix}")})
    if name not in names:
        raise FileNotFoundError(f"{parameter} must be one of those in {folder}/ ({', '.join(names)}), got {name!r}")
    return shipped(f"{folder}/{name}{suffix}")


def _places() -> tuple[Path, Path]:
    package = Path(__file__).parents[1]
    return package, package.parent


def _require_card(path: Path) -> Path:
    """The same path, if a line of some card beside it names the file and its sha256."""
    line = re.compile(rf"`{re.escape(path.name)}`.*`{sha256(path)}`")
    cards = (card.read_text(encoding="utf-8", errors="replace") for card in path.parent.glob("*.md"))
    if not any(map(line.search, cards)):
        raise ValueError(
            f"{path} is damaged, or not what the card beside it describes: get both again (git checkout -- "
            f"{path.parent.name}, or install the course again), or repeat the command that was writing them"
        )
    return path
