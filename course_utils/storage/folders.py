"""What in a folder is to be read: its pictures, in natural order, without what is hidden, held out, or written by us.

How a picture is read stands in `pictures`.
"""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NoReturn

from PIL import Image

from .arrays import natural
from .ownership import is_marked

_NO_PIXELS = {"BUFR", "EPS", "FITS", "GRIB", "HDF5", "MPEG", "WMF"}  # formats that Pillow passes on to other programs
_HELD_OUT = {"test", "val", "valid", "validation"}


@cache
def picture_suffixes() -> frozenset[str]:
    """Endings, in lower case and with the dot, of files that Pillow reads as pixels."""
    known = Image.registered_extensions()
    return frozenset(suffix for suffix, kind in known.items() if kind in Image.OPEN and kind not in _NO_PIXELS)


def files_below(folder: Path) -> list[Path]:
    """All files in a folder and below it, in natural order, without hidden ones and what macOS packs into zips.

    Links are followed, and each folder is read once, whatever leads to it.
    """

    def fail(error: OSError) -> NoReturn:
        raise error

    found: list[Path] = []
    seen = set(folder.resolve().parents)  # a link that leads up leads to what was not meant
    for place, folders, files in os.walk(folder, onerror=fail, followlinks=True):
        if (real := Path(place).resolve()) in seen:
            folders[:] = []
            continue
        seen.add(real)
        folders[:] = sorted((name for name in folders if name[0] != "." and name != "__MACOSX"), key=natural)
        found += [Path(place, name) for name in sorted(files, key=natural) if name[0] != "."]
    return [file for file in found if file.is_file() or not file.exists()]  # pipes and devices would be waited for


def sort_out(path: Path, files: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """The pictures among files, and remarks on the others."""

    def names(some: Sequence[Path]) -> list[str]:
        return [file.relative_to(path).as_posix() for file in some]

    pictures = [file for file in files if file.suffix.lower() in picture_suffixes()]
    others = [file for file in files if file.suffix.lower() not in picture_suffixes()]
    ours = dict.fromkeys(file for file in pictures if is_marked(file))
    remarks = [
        *left_out(names(others), "file that is no picture", "files that are no pictures"),
        *left_out(names([*ours]), "picture that this course wrote", "pictures that this course wrote"),
    ]
    return [file for file in pictures if file not in ours], remarks


def left_out(names: Sequence[str], one: str, several: str) -> list[str]:
    """A remark on what was left out, if it was anything."""
    if len(names) < 2:
        return [f"left out: 1 {one}, {text_of(name)}" for name in names]
    return [f"left out: {len(names):,} {several}, such as {text_of(names[0])}"]


def split_folders(folders: Sequence[str]) -> tuple[str, list[str]]:
    """The folder to learn from, and those held out; there are none unless all folders are such."""
    train = [name for name in folders if name.lower() == "train"]
    held_out = [name for name in folders if name.lower() in _HELD_OUT]
    return ("", []) if len(train) != 1 or len(folders) > 1 + len(held_out) else (train[0], held_out)


def text_of(name: str) -> str:
    """A name of a file as text that can be written anywhere, even if the name is not UTF-8."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
