"""Datasets as tensors in [−1, 1]: the course's sprites, and folders, sheets or arrays that people bring.

Here it is decided what a path means; files are read in `arrays` and `pictures`. How the course's sprites are drawn and
written stands in `sprites`.
"""

import os
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..validation import require_classes, require_int
from .arrays import SPLITS, Raw, read_npy, read_npz, read_words
from .folders import picture_suffixes
from .pictures import read_folder, read_sheet, require_background
from .shipped import shipped

_PACKED = {".zip", ".7z", ".rar", ".tar", ".gz", ".tgz"}


class Sprites(NamedTuple):
    """What there is to learn from.

    The images are float32 of shape (N, 3, H, W) in [−1, 1]; the contexts float32 of shape (N, K), K = 0 where nothing
    is labelled; the classes a name for each of the K contexts. `found` says in one sentence what there is, and each of
    the remarks what was left out, passed over or changed, or looks wrong.
    """

    images: Tensor
    contexts: Tensor
    classes: tuple[str, ...]
    found: str
    remarks: tuple[str, ...]


def read_sprites(
    path: str | os.PathLike[str] | None = None,
    *,
    split: str | None = None,
    labels: str | os.PathLike[str] | None = None,
    cell: int | None = None,
    spacing: int = 0,
    margin: int = 0,
    background: str = "white",
) -> Sprites:
    """Read the course's sprites, or your own, with the names of their classes and what there is to say about them.

    Args:
        path: nothing for the sprites of the course; else a file that `draw-sprites` wrote or another `.npz` with
            `images`, the classic `sprites_*.npy`, a folder of pictures (its sub-folders, in natural order, are the
            classes), or one picture that holds a sheet of sprites.
        split: "train" (the default) or "test"; only `.npz` files have splits.
        labels: a `.npy` of one-hot rows, whole numbers or words; without it `sprite_labels*_….npy` is looked for beside
            the sprites.
        cell: side of one sprite on a sheet, in pixels. Empty cells are left out.
        spacing: pixels between the cells of a sheet, at least 0.
        margin: pixels around all cells of a sheet, at least 0.
        background: the colour that shows through transparent pixels, or "auto" for one that suits the pictures.

    Returns the sprites. Raises FileNotFoundError for what is not there, and ValueError for what is damaged, of the
    wrong form, or too large for this machine.
    """
    require_int("spacing", spacing, 0)
    require_int("margin", margin, 0)
    require_background(background)
    source = shipped("data/sprites.npz") if path is None else Path(path)
    if not source.exists():
        raise FileNotFoundError(f"no file or folder at this path: {source}")
    kind = _kind(source)
    for_one = {"split": (split, ".npz"), "labels": (labels, ".npy")}
    for_sheets = {"cell": cell, "spacing": spacing or None, "margin": margin or None}
    this = f"{source} is a {kind}{' file' * kind.startswith('.')}"
    for name, (value, fits) in for_one.items():
        if value is not None and kind != fits:
            raise ValueError(f"{name} is for {fits} files only, and {this}")
    for name, number in for_sheets.items():
        if number is not None and kind != "sheet":
            raise ValueError(f"{name} is for one picture that is a sheet, and {this}")
    if background != "white" and kind not in ("folder", "sheet"):
        raise ValueError(f"background is for pictures with transparent pixels, and {this}")
    if kind == "sheet" and cell is None:
        raise ValueError(f"{source} is one picture: say how large a sprite on it is, such as --cell 16 (cell=16)")
    try:
        if kind == ".npz":
            return _sprites(source, read_npz(source, split or SPLITS[0]))
        if kind == ".npy":
            return _sprites(source, read_npy(source, None if labels is None else Path(labels)))
        if kind == "folder":
            return _sprites(source, read_folder(source, background))
        return _sprites(source, read_sheet(source, cell or 0, spacing, margin, background))
    except MemoryError as error:
        raise ValueError(f"{source} needs more memory than is free: bring fewer or smaller pictures") from error


def load_sprites(
    path: str | os.PathLike[str] | None = None,
    *,
    split: str | None = None,
    labels: str | os.PathLike[str] | None = None,
    cell: int | None = None,
    spacing: int = 0,
    margin: int = 0,
    background: str = "white",
) -> tuple[Tensor, Tensor]:
    """Load the course's sprites, or your own.

    Args:
        path, split, labels, cell, spacing, margin, background: as for `read_sprites`.

    Returns the images, float32 of shape (N, 3, H, W) in [−1, 1], and the contexts, float32 of shape (N, K); K = 0 where
    nothing is labelled. What was left out or looks wrong is said in warnings. Raises what `read_sprites` does.
    """
    sprites = read_sprites(
        path, split=split, labels=labels, cell=cell, spacing=spacing, margin=margin, background=background
    )
    for remark in sprites.remarks:
        warnings.warn(remark, stacklevel=2)
    return sprites.images, sprites.contexts


def sprite_words(path: str | os.PathLike[str] | None = None, *, split: str = "train") -> dict[str, NDArray[np.str_]]:
    """What each sprite was drawn from: words for `kind`, `colour`, `facing`, `item`, in the order of `load_sprites`."""
    return read_words(shipped("data/sprites.npz") if path is None else Path(path), split)


def _kind(source: Path) -> str:
    """What a path is: "folder", "sheet", ".npy" or ".npz"."""
    suffix = source.suffix.lower()
    if source.is_dir():
        return "folder"
    if not source.is_file():
        raise ValueError(f"{source} must be a file or a folder, and is something else")
    if suffix in (".npy", ".npz"):
        return suffix
    if suffix in picture_suffixes():
        return "sheet"
    got = f"{suffix or 'a name without an ending'}{': unpack it first' if suffix in _PACKED else ''}"
    raise ValueError(
        f"{source} must be a folder of pictures, a picture that holds a sheet of sprites, a .npy or a .npz, got {got}"
    )


def _sprites(source: Path, raw: Raw) -> Sprites:
    classes = require_classes(f"the classes of {source}", raw.classes)
    try:
        x = torch.from_numpy(raw.images).permute(0, 3, 1, 2).contiguous().float().div_(127.5).sub_(1)
    except RuntimeError as error:  # as PyTorch says it
        raise MemoryError from error
    alone = ("every picture is a class of its own",) if 1 < len(classes) == len(x) else ()
    return Sprites(x, torch.from_numpy(raw.contexts), classes, _found(raw), (*raw.remarks, *alone))


def _found(raw: Raw) -> str:
    """What there is, in one sentence; of many classes only the first dozen."""
    n, height, width = raw.images.shape[:3]
    pictures = f"{n:,} {'picture' if n == 1 else 'pictures'} of {width}×{height}"
    if not raw.classes:
        return pictures
    counts: list[Any] = [f"{count:,}" for count in raw.contexts.sum(0, dtype=int).tolist()]
    if not ((raw.contexts == 0) | (raw.contexts == 1)).all():  # strengths, which nobody counts
        counts = [""] * len(counts)
    listed = [f"{name} {count}".strip() for name, count in zip(raw.classes, counts, strict=True)]
    several = f"{len(listed):,} {'class' if len(listed) == 1 else 'classes'}"
    return f"{pictures} in {several}: {', '.join(listed[:12])}{', …' if len(listed) > 12 else ''}"
