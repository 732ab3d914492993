"""Arrays of pictures and labels in .npy and .npz files: asked for size and kind before anything large is read.

Nothing is ever unpickled. Files of pictures stand in `pictures`; what a path means is decided in `datasets`.
"""

import glob
import math
import os
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "test")


class Raw(NamedTuple):
    """What was read, before it becomes tensors: bytes (N, H, W, 3), float32 (N, K), K names, and sentences."""

    images: NDArray[np.uint8]
    contexts: NDArray[np.float32]
    classes: tuple[str, ...]
    remarks: tuple[str, ...]


def read_npy(path: Path, labels: Path | None) -> Raw:
    """Read the classic pair: sprites_*.npy (uint8 N×H×W×3), and labels from a file given or found beside it.

    Args:
        path: the pictures.
        labels: one-hot rows, whole numbers or words; without it `sprite_labels*_….npy` is looked for beside `path`.

    Raises FileNotFoundError for what is not there, and ValueError for what is damaged or of the wrong form.
    """
    images, remarks = _read_file(path), []
    _require_images(path, images)
    if labels is None:
        rest = path.name.removeprefix("sprites")
        found = sorted(path.parent.glob(f"sprite_labels*{glob.escape(rest)}"))
        if not found:
            remark = f"no picture has a class: nothing beside {path.name} is named sprite_labels*{rest}"
            return Raw(images, no_contexts(len(images)), (), (remark,))
        labels = found[0]
        if len(found) > 1:
            remarks.append(f"labels are those of {labels.name}, the first of {len(found)} such files")
    contexts, classes, more = to_contexts(str(labels), _read_file(labels), len(images))
    return Raw(images, contexts, classes, (*remarks, *more))


def read_npz(path: Path, split: str) -> Raw:
    """Read the `images` of an archive that belong to a split, with its `contexts` or `labels` and names of `classes`.

    Raises ValueError for what is damaged, lacks pictures or is of the wrong form.
    """
    arrays, rows = _read_split(path, split)
    n, names = len(rows), arrays.get("classes")
    if names is not None and (names.ndim != 1 or names.dtype.kind not in "US"):
        raise ValueError(f"classes in {path} must be a list of names, got {names.dtype} {names.shape}")
    kind = next((name for name in ("contexts", "labels") if name in arrays), None)
    if kind is None:
        remark = f"no picture has a class: {path.name} holds neither contexts nor labels"
        return Raw(arrays["images"][rows], no_contexts(n)[rows], (), (remark,))
    contexts, classes, remarks = to_contexts(
        f"{path}: {kind}", arrays[kind], n, None if names is None else _texts(names)
    )
    return Raw(arrays["images"][rows], contexts[rows], classes, remarks)


def read_words(path: Path, split: str) -> dict[str, NDArray[Any]]:
    """Read what else an archive says of each picture of a split. Raises what `read_npz` does."""
    arrays, rows = _read_split(path, split)
    others = arrays.keys() - {"images", "contexts", "labels", "classes"}
    return {name: array[rows] for name, array in arrays.items() if name in others and array.shape[:1] == rows.shape}


def to_contexts(
    name: str, labels: NDArray[Any], n: int, classes: Sequence[str] | None = None
) -> tuple[NDArray[np.float32], tuple[str, ...], tuple[str, ...]]:
    """Turn labels of any kind into contexts (N, K) with K names, and say what was changed.

    Args:
        name: what the labels are called in a sentence.
        labels: numbers in [0, 1] of shape (N, K ≥ 2); or whole numbers or words of shape (N,) or (N, 1).
        n: how many pictures there are.
        classes: names of the K contexts, of which whole numbers are the places; else columns are named by their places,
            and numbers and words by themselves.

    Raises ValueError for labels of any other kind.
    """
    single = labels.ndim == 1 or labels.shape[1:] == (1,)
    kinds = "buifUS" if single else "buif"
    if labels.ndim not in (1, 2) or len(labels) != n or labels.dtype.kind not in kinds:
        wanted = f"a label for each of {n:,} pictures, which is a one-hot row, a whole number or a word"
        raise ValueError(f"{name} must hold {wanted}, got {labels.dtype} {labels.shape}")
    if single and labels.dtype.kind in "US":
        return _of_words(name, labels.reshape(n), classes)
    if single:
        return _of_whole_numbers(name, labels.reshape(n), classes)
    inside = (labels >= 0) & (labels <= 1)  # NaN is neither
    if not inside.all():
        raise ValueError(f"{name} must be one-hot, with numbers from 0 to 1, got {labels[~inside][0]}")
    k = labels.shape[1]
    if classes is not None and len(classes) != k:
        raise ValueError(f"{name} must have a column for each of {len(classes)} classes, got {k}")
    odd = int((((labels != 0) & (labels != 1)).any(1) | (labels.sum(1, dtype=float) != 1)).sum())
    said = (f"labels of {odd:,} of {n:,} pictures are not one-hot: they are taken as strengths",) if odd else ()
    return labels.astype(np.float32), tuple(classes or map(str, range(k))), said


def no_contexts(n: int) -> NDArray[np.float32]:
    """Contexts of pictures without classes: (N, 0)."""
    return np.zeros((n, 0), dtype=np.float32)


def one_hot(name: str, places: Sequence[int] | NDArray[Any], k: int) -> NDArray[np.float32]:
    """Contexts (N, K) of pictures whose classes have these places. Raises ValueError if they exceed all memory."""
    require_memory(name, len(places) * k)
    contexts = np.zeros((len(places), k), dtype=np.float32)
    contexts[np.arange(len(places)), places] = 1
    return contexts


def natural(name: str) -> tuple[str, str]:
    """A key to sort names by as people do, "level 2" before "level 10"."""
    return re.sub("[0-9]+", lambda digits: digits[0].zfill(20), name), name


def require_memory(name: object, values: int) -> None:
    """So many numbers of float32 must fit into the memory of this machine, as far as it tells how much it has."""
    try:
        memory: float = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # as on Windows
        memory = math.inf
    if 4 * values > memory:
        sizes = f"{_in_words(4 * values)} of memory, and this machine has {_in_words(memory)}"
        raise ValueError(f"{name} would take {sizes}: bring fewer or smaller pictures")


def _require_images(path: Path, images: NDArray[Any]) -> None:
    """One or more pictures in bytes, of shape (N, H, W, 3)."""
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3 or images.size == 0:
        got = f"{images.dtype} {images.shape}"
        cures = {
            ": .transpose(0, 2, 3, 1) puts the colours last": images.ndim == 4 and images.shape[1] == 3,
            ": [..., :3] leaves the transparency out": images.ndim == 4 and images.shape[3] == 4,
            ": .repeat(3, axis=-1) makes colours of grey": images.ndim == 4 and images.shape[3] == 1,
            ": store numbers from 0 to 255 as uint8, and those from 0 to 1 times 255": images.dtype != np.uint8,
        }
        cure = next((words for words, fits in cures.items() if fits), "")
        raise ValueError(f"{path} must hold uint8 pictures of shape (N, H, W, 3), got {got}{cure}")


def _of_words(
    name: str, labels: NDArray[Any], classes: Sequence[str] | None
) -> tuple[NDArray[np.float32], tuple[str, ...], tuple[str, ...]]:
    words = _texts(labels)
    known = tuple(classes or sorted(set(words), key=natural))
    for word in set(words) - set(known):
        raise ValueError(f"{name} must be among the classes {', '.join(known)}, got {word!r}")
    places = {word: place for place, word in enumerate(known)}
    return one_hot(name, [places[word] for word in words], len(known)), known, ()


def _texts(words: NDArray[Any]) -> list[str]:
    """Words as text that can be written anywhere, whatever they were made of."""
    if words.dtype.kind == "S":
        words = np.char.decode(words, "utf-8", "backslashreplace")
    return [word.encode("utf-8", "backslashreplace").decode() for word in words.tolist()]


def _of_whole_numbers(
    name: str, labels: NDArray[Any], classes: Sequence[str] | None
) -> tuple[NDArray[np.float32], tuple[str, ...], tuple[str, ...]]:
    if labels.dtype.kind == "f":
        whole = (np.abs(labels) < 2**53) & (labels == np.floor(labels))
        if not whole.all():
            raise ValueError(f"{name} must be one-hot rows, whole numbers or words, got {labels[~whole][0]}")
    numbers = labels.astype(np.int64) if labels.dtype.kind in "bf" else labels
    said = ("labels are whole numbers: each became a class",)
    if classes is None:
        values, places = np.unique(numbers, return_inverse=True)
        return one_hot(name, places, len(values)), tuple(map(str, values.tolist())), said
    if numbers.min() < 0 or numbers.max() >= len(classes):
        got = f"{numbers.min()} to {numbers.max()}"
        raise ValueError(f"{name} must be places from 0 to {len(classes) - 1} among the classes, got {got}")
    return one_hot(name, numbers, len(classes)), tuple(classes), said


@contextmanager
def _damage(sentence: str) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read, which can be almost anything, into a ValueError that says so."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(f"{sentence}: {error}") from error


def _read_split(path: Path, split: str) -> tuple[dict[str, NDArray[Any]], NDArray[np.bool_]]:
    """All arrays of an archive except `split`, whole, and which of its pictures belong to the split."""
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(map(repr, SPLITS))}, got {split!r}")
    if not path.exists():
        raise FileNotFoundError(f"no file at this path: {path}")
    arrays = _read_archive(path)
    if "images" not in arrays:
        wanted = "an array images (uint8, N×H×W×3), and perhaps contexts or labels, classes and split"
        raise ValueError(f"{path} must hold {wanted}, and it has {', '.join(arrays) or 'none'}")
    _require_images(path, arrays["images"])
    n = len(arrays["images"])
    words = arrays.pop("split", np.full(n, "train"))
    if words.shape != (n,) or words.dtype.kind != "U":
        got = f"{words.dtype} {words.shape}"
        raise ValueError(f"split in {path} must be 'train' or 'test' for each of {n:,} pictures, got {got}")
    rows = words == split
    if not rows.any():
        raise ValueError(f"cannot read {path}: it holds no sprites of the split {split!r}")
    return arrays, rows


def _read_archive(path: Path) -> dict[str, NDArray[Any]]:
    with _damage(f"cannot read {path}, which is damaged or another kind of file"):
        archive = zipfile.ZipFile(path)
    with archive:  # a part without the ending is damaged too: NumPy writes none
        return {
            part.filename.removesuffix(".npy"): _read_array(
                f"{path}: {part.filename}", partial(archive.open, part), part.file_size
            )
            for part in archive.infolist()
        }


def _read_file(path: Path) -> NDArray[Any]:
    if not path.is_file():
        raise FileNotFoundError(f"no file at this path: {path}")
    return _read_array(str(path), lambda: path.open("rb"), path.stat().st_size)


def _read_array(name: str, opened: Callable[[], IO[bytes]], size: int) -> NDArray[Any]:
    """Numbers or words from a file of so many bytes, after a look at its first bytes and its header."""
    damaged = f"{name} is damaged or is no .npy file of numbers"
    with _damage(damaged), opened() as file:
        start = file.read(16)
    if not start.startswith(np.lib.format.MAGIC_PREFIX):
        raise ValueError(f"{damaged}: {_kind(start)}")
    with opened() as file:
        try:
            version = np.lib.format.read_magic(file)
            read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
            shape, _, dtype = read(file)
            if min(shape, default=0) < 0:
                raise ValueError("a side is negative")
        except Exception as error:  # a damaged header can raise almost anything, and with advice that is not ours
            raise ValueError(f"{damaged}: its header cannot be read") from error
        left = size - file.tell()
    if dtype.hasobject:
        raise ValueError(f"{name} holds Python objects, and must hold numbers or words")
    promised = math.prod(shape) * dtype.itemsize
    if promised > left:
        sizes = f"promises {_in_words(promised)}, and it has {_in_words(size)}"
        raise ValueError(f"{name} is damaged: its header {sizes}")
    require_memory(name, max(math.prod(shape), promised // 4))
    with _damage(damaged), opened() as file:
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _kind(start: bytes) -> str:
    """What a file seems to be that does not begin as a .npy does."""
    if not start:
        return "it is empty"
    if start.startswith(b"PK"):
        return "it holds several arrays, as .npz files do"
    if start.lstrip().startswith(b"<"):
        return "it seems to be a web page, saved instead of the file"
    return "it begins as no such file does"


def _in_words(size: float) -> str:
    """A number of bytes, as people say it."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:,.0f} TiB"
