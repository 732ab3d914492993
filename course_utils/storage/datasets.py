"""Datasets as tensors in [−1, 1]: the course's sprites, and folders, sheets or arrays that people bring.

Reading only: how the course's sprites are drawn and written stands in `sprites`.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ..validation import require_int
from .shipped import shipped

SPLITS = ("train", "test")


def load_sprites(
    path: str | os.PathLike[str] | None = None,
    *,
    split: str | None = None,
    labels: str | os.PathLike[str] | None = None,
    cell: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Load the course's sprites, or your own.

    Args:
        path: nothing for the sprites of the course; else a file that `draw-sprites` wrote (`.npz`), the classic
            `sprites_*.npy`, a folder of PNGs (its sub-folders, in alphabetical order, are the classes), or one
            picture that holds a sheet of sprites.
        split: "train" (the default) or "test"; only `.npz` files have splits.
        labels: the classic labels; without it `sprite_labels*_….npy` is looked for beside the sprites.
        cell: side of one sprite on a sheet, in pixels. Cells of a single colour are left out.

    Returns the images, float32 of shape (N, 3, H, W) in [−1, 1], and the contexts, float32 one-hot of shape (N, K);
    K = 0 where nothing is labelled. Transparent pixels become white. Raises FileNotFoundError for what is not there,
    and ValueError for what is damaged or of the wrong form.
    """
    source = shipped("data/sprites.npz") if path is None else Path(path)
    if not source.exists():
        raise FileNotFoundError(f"no file or folder at this path: {source}")
    kind = "folder" if source.is_dir() else source.suffix
    for name, value, fits in (("split", split, ".npz"), ("labels", labels, ".npy")):
        if value is not None and kind != fits:
            raise ValueError(f"{name} is for {fits} files only, and {source} is none")
    if cell is not None and kind in (".npz", ".npy", "folder"):
        raise ValueError(f"cell is for sheets only, and {source} is none")
    if source.suffix == ".npz":
        arrays = _read_split(source, split or "train")
        images, contexts = arrays["images"], arrays["contexts"]
    elif source.suffix == ".npy":
        images, contexts = _read_classic(source, labels)
    elif source.is_dir():
        images, contexts = _read_folder(source)
    else:
        images, contexts = _read_sheet(source, cell)
    x = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous() / 127.5 - 1
    return x, torch.from_numpy(contexts.astype(np.float32))


def sprite_words(path: str | os.PathLike[str] | None = None, *, split: str = "train") -> dict[str, NDArray[np.str_]]:
    """What each sprite was drawn from: words for `kind`, `colour`, `facing`, `item`, in the order of `load_sprites`."""
    arrays = _read_split(shipped("data/sprites.npz") if path is None else Path(path), split)
    return {name: words for name, words in arrays.items() if name not in ("images", "contexts")}


def _read_split(path: Path, split: str) -> dict[str, NDArray[Any]]:
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(map(repr, SPLITS))}, got {split!r}")
    if not path.exists():
        raise FileNotFoundError(f"no file at this path: {path}")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        rows = arrays.pop("split") == split
        if not rows.any():
            raise ValueError(f"it holds no sprites of the split {split!r}")
        arrays = {name: array[rows] for name, array in arrays.items()}
        _require_images(path, arrays["images"])
        _require_labels(path, arrays["contexts"], len(arrays["images"]))
    except Exception as error:  # a damaged archive can raise almost anything
        raise ValueError(f"cannot read {path}, which is damaged or another kind of file: {error}") from error
    return arrays


def _read_classic(path: Path, labels: str | os.PathLike[str] | None) -> tuple[NDArray[Any], NDArray[Any]]:
    """The pair sprites_*.npy (uint8 N×H×W×3) and sprite_labels*_*.npy (one-hot N×K)."""
    if labels is None:
        pattern = f"sprite_labels*{path.name.removeprefix('sprites')}"
        found = sorted(path.parent.glob(pattern))
        if not found:
            raise FileNotFoundError(f"no labels for {path}: nothing beside it is named {pattern}; give labels=…")
        labels = found[0]
    images, contexts = _read_array(path), _read_array(Path(labels))
    _require_images(path, images)
    _require_labels(Path(labels), contexts, len(images))
    return images, contexts


def _read_array(path: Path) -> NDArray[Any]:
    if not path.exists():
        raise FileNotFoundError(f"no file at this path: {path}")
    try:
        array = np.load(path, allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise ValueError("it holds several arrays")
    except Exception as error:  # a damaged header can raise almost anything
        raise ValueError(f"{path} is damaged or is no .npy file of numbers: {error}") from error
    return array


def _read_folder(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """PNGs in sub-folders, one for each class, or all in one folder, without classes."""
    folders = sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    files, classes = [], []
    if folders and _pngs(path):
        raise ValueError(f"{path} holds both classes (folders) and pictures without one, such as {_pngs(path)[0].name}")
    for k, folder in enumerate(folders or [path]):
        found = _pngs(folder)
        if not found:
            raise FileNotFoundError(f"no PNG files in {folder}")
        files += found
        classes += [k] * len(found)
    contexts = np.eye(len(folders), dtype=np.uint8)[classes] if folders else np.zeros((len(files), 0), dtype=np.uint8)
    images = [_read_picture(file) for file in files]
    for file, image in zip(files, images, strict=True):
        if image.shape != images[0].shape:
            (height, width), (height0, width0) = image.shape[:2], images[0].shape[:2]
            raise ValueError(
                f"all pictures must have one size: {files[0]} is {width0}×{height0}, {file} {width}×{height}"
            )
    return np.stack(images), contexts


def _pngs(folder: Path) -> list[Path]:
    return sorted(f for f in folder.iterdir() if f.suffix.lower() == ".png" and not f.name.startswith("."))


def _read_sheet(path: Path, cell: int | None) -> tuple[NDArray[Any], NDArray[Any]]:
    if cell is None:
        raise ValueError(f"{path} is one picture: say how large a sprite on it is, such as cell=16")
    sheet = _read_picture(path)
    height, width = sheet.shape[:2]
    require_int("cell", cell, 1)
    if height % cell or width % cell:
        raise ValueError(f"cell must divide the sheet's {width}×{height} pixels, got {cell}")
    cells = sheet.reshape(height // cell, cell, width // cell, cell, 3).swapaxes(1, 2).reshape(-1, cell, cell, 3)
    drawn = (cells != cells[:, :1, :1]).any((1, 2, 3))
    if not drawn.any():
        raise ValueError(f"{path} holds no sprites: every cell of {cell}×{cell} pixels has a single colour")
    return cells[drawn], np.zeros((drawn.sum(), 0), dtype=np.uint8)


def _read_picture(path: Path) -> NDArray[np.uint8]:
    """A picture as uint8 H×W×3, on white where it is transparent."""
    try:
        with Image.open(path) as file:
            file.verify()  # the checksums of a PNG, which are not looked at while it is read
        with Image.open(path) as file:
            mode, picture = file.mode, file.convert("RGBA")
    except Exception as error:  # a damaged picture can raise almost anything
        raise ValueError(f"{path} is damaged or is no picture: {error}") from error
    if mode[0] in "IF":
        raise ValueError(f"{path} has more than 8 bits a colour: save it with 8")
    return np.array(Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB"))


def _require_images(path: Path, images: NDArray[Any]) -> None:
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3 or len(images) == 0:
        raise ValueError(f"{path} must hold uint8 pictures of shape (N, H, W, 3), got {images.dtype} {images.shape}")


def _require_labels(path: Path, contexts: NDArray[Any], n: int) -> None:
    if contexts.ndim != 2 or len(contexts) != n or contexts.dtype.kind not in "buif":
        got = f"got {contexts.dtype} {contexts.shape}"
        raise ValueError(f"{path} must hold one row of numbers for each of {n} pictures, {got}")
    if not np.isfinite(contexts).all():
        raise ValueError(f"{path} must hold finite numbers, but has NaN or infinity")
