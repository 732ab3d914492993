"""Pictures that Pillow reads, in folders and on sheets: their bytes on one background, and what was left out.

Arrays stand in `arrays`; what a path means is decided in `datasets`.
"""

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from ..validation import require_int
from .arrays import Raw, natural, no_contexts, one_hot, require_memory
from .folders import files_below, left_out, sort_out, split_folders, text_of
from .ownership import is_marked

_COLOURS = ("white", "black", "grey", "magenta")  # from which the background "auto" is chosen
_NEAR = 32  # levels, of 255, within which a colour is hard to tell from the background
_LAYERED = {"MPO", "PSD"}  # formats whose further frames are layers and previews of the first


class _Header(NamedTuple):
    """What is known of a picture before its pixels are read."""

    width: int
    height: int
    frames: int


def require_background(background: str) -> None:
    """A colour that Pillow knows, or "auto"; anything else is refused."""
    try:
        if background != "auto":
            ImageColor.getrgb(background)
    except (AttributeError, TypeError, ValueError) as error:
        wanted = "a colour such as white or #ff00ff, or auto"
        raise ValueError(f"background must be {wanted}, got {background!r}") from error


def read_folder(path: Path, background: str) -> Raw:
    """Read the pictures in a folder; if they lie in sub-folders, these are the classes, with all that is below them.

    Args:
        path: the folder. Hidden files are passed over, and so are test and val beside train.
        background: what shows through transparent pixels, as for `on_background`.

    Raises FileNotFoundError if there are no pictures, and ValueError if one is damaged or they do not go together.
    """
    files, remarks = sort_out(path, files_below(path))
    if not files:
        raise FileNotFoundError("; ".join((f"no pictures in {path}", *remarks)))
    tops = [file.relative_to(path).parts[0] if file.parent != path else "" for file in files]
    folders = sorted({*tops} - {""}, key=natural)
    if folders and "" in tops:
        loose = files[tops.index("")].name
        raise ValueError(f"{path} holds both classes (folders) and pictures without one, such as {loose}")
    train, held_out = split_folders(folders)
    if held_out:
        found = read_folder(path / train, background)
        remark = f"passed over: {' and '.join(held_out)}, because {train} is what there is to learn from"
        return found._replace(remarks=(remark, *found.remarks))
    there = {entry.name for entry in path.iterdir() if entry.is_dir() and entry.name[0] != "."}
    empty = sorted(there - {*folders}, key=natural)
    remarks += left_out(empty, "folder without pictures", "folders without pictures")
    frames = _read_all(path, files)
    images, more = on_background(np.concatenate(frames), background)
    places = np.repeat([folders.index(top) if top else 0 for top in tops], [len(some) for some in frames])
    contexts = one_hot(str(path), places, len(folders)) if folders else no_contexts(len(images))
    return Raw(images, contexts, tuple(map(text_of, folders)), (*remarks, *_about_frames(frames), *more))


def read_sheet(path: Path, cell: int, spacing: int, margin: int, background: str) -> Raw:
    """Cut a picture into cells, row by row, and leave out the empty ones.

    Args:
        path: the sheet; if it has several frames, each is one.
        cell: side of a cell in pixels, at least 1.
        spacing: pixels between cells, at least 0; a further gap behind the last cell is no harm.
        margin: pixels around all cells, at least 0.
        background: what shows through transparent pixels, as for `on_background`.

    A cell is empty if it is wholly transparent or, on a sheet without transparency, of a single colour. Raises
    ValueError if the sheet is damaged, does not fit the cells or has only empty ones.
    """
    require_int("cell", cell, 1)
    header = _header(path)
    _require_fit(header, cell, spacing, margin)
    frames = _frames(path, header)
    sheets, remarks = on_background(frames, background)
    cells, alpha = (_cut(pixels, cell, spacing, margin) for pixels in (sheets, frames[..., 3]))
    see_through = bool((frames[..., 3] < 255).any())
    drawn = alpha.any((1, 2)) if see_through else (cells != cells[:, :1, :1]).any((1, 2, 3))
    if not drawn.any():
        what = "is transparent" if see_through else "has a single colour"
        raise ValueError(f"{path} holds no sprites: every cell of {cell}×{cell} pixels {what}")
    cells, alpha = cells[drawn], alpha[drawn]
    empty = alpha == 0 if see_through else (cells == cells[-1, -1, -1]).all(3)
    gaps = _about_gaps(empty, cell) if spacing == 0 else []
    said = ["this is a picture that a command of the course wrote"] if is_marked(path) else []
    said += [f"left out: {n:,} empty cell{'s' * (n > 1)}"] if (n := int((~drawn).sum())) else []
    return Raw(cells, no_contexts(len(cells)), (), (*said, *_about_frames([frames]), *gaps, *remarks))


def on_background(pixels: NDArray[np.uint8], background: str) -> tuple[NDArray[np.uint8], list[str]]:
    """Put pictures with transparency on a colour.

    Args:
        pixels: RGBA, uint8 of shape (N, H, W, 4).
        background: a colour, or "auto" for the first of white, black, grey and magenta that is least often near the
            pixels that are drawn.

    Returns RGB of shape (N, H, W, 3), and remarks: which colour was chosen, and how much of the drawing it hides.
    """
    see_through = pixels[(pixels[..., 3] < 255).any((1, 2))]
    remarks, choose = [], ": --background auto chooses another"
    if background == "auto":
        background, choose = _unlike(see_through[see_through[..., 3] > 0][:, :3]), ""
        remarks += [f"transparent pixels became {background}"] if len(see_through) else []
    colour = ImageColor.getrgb(background)[:3]
    opaque = see_through[see_through[..., 3] == 255][:, :3]
    share = 100 * float((opaque == colour).all(1).mean()) if len(opaque) else 0.0
    if share >= 0.05:  # else one would read 0.0 %
        same = f"{share:.1f} % of the drawn pixels are {background} like the background"
        remarks.append(f"{same}, so they cannot be seen{choose}")
    under = Image.new("RGBA", (pixels.shape[2], pixels.shape[1]), (*colour, 255))
    put = (Image.alpha_composite(under, Image.fromarray(picture)).convert("RGB") for picture in pixels)
    return np.stack([np.asarray(picture) for picture in put]), remarks


def _unlike(drawn: NDArray[np.uint8]) -> str:
    """Of the colours to choose from, the first that is least often near pixels (N, 3)."""

    def near(name: str) -> int:
        distance = np.abs(drawn.astype(np.int16) - np.array(ImageColor.getrgb(name), dtype=np.int16))
        return int((distance.max(1) <= _NEAR).sum())

    return min(_COLOURS, key=near)


def _read_all(path: Path, files: Sequence[Path]) -> list[NDArray[np.uint8]]:
    """For each picture its frames, after a look at all their sizes."""
    headers = {file: _header(file) for file in files}
    sizes = Counter((header.width, header.height) for header in headers.values())
    if len(sizes) > 1:
        raise ValueError(f"all pictures must have one size: {_list_sizes(path, headers, sizes)}")
    ((width, height),) = sizes
    require_memory(path, 3 * width * height * sum(header.frames for header in headers.values()))
    return [_frames(file, header) for file, header in headers.items()]


def _list_sizes(path: Path, headers: Mapping[Path, _Header], sizes: Counter[tuple[int, int]]) -> str:
    """How many pictures have which size, with an example each; of many sizes only the most common."""
    parts = []
    for size, n in sizes.most_common(3):
        example = next(file for file, header in headers.items() if header[:2] == size).relative_to(path).as_posix()
        parts.append(f"{n:,} {'is' if n == 1 else 'are'} {size[0]}×{size[1]}, such as {text_of(example)}")
    if others := len(headers) - sum(n for _, n in sizes.most_common(3)):
        parts.append(f"{others:,} of {len(sizes) - 3:,} other sizes")
    return f"{', '.join(parts[:-1])}, and {parts[-1]}"


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """A picture while it is read; what goes wrong becomes one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # what is too large is an error below
            with Image.open(path) as file:
                yield file
    except MemoryError:
        raise
    except Image.DecompressionBombError as error:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        raise ValueError(f"{path} has more than {most} million pixels: cut it into smaller sheets") from error
    except Exception as error:  # a damaged picture can raise almost anything
        raise ValueError(f"{path} is damaged or is no picture: {error}") from error


def _header(path: Path) -> _Header:
    """The size of a picture and how many frames it has, if its checksums are right and it has 8 bits a colour."""
    with _opened(path) as file:
        file.verify()  # the checksums of a PNG, which are not looked at while it is read
    with _opened(path) as file:
        frames = 1 if file.format in _LAYERED else int(getattr(file, "n_frames", 1))
        mode, header = file.mode, _Header(*file.size, frames)
    if mode[0] in "IF":
        raise ValueError(f"{path} has more than 8 bits a colour: save it with 8")
    require_memory(path, 3 * header.width * header.height * frames)
    return header


def _frames(path: Path, header: _Header) -> NDArray[np.uint8]:
    """All frames of a picture: RGBA of shape (frames, H, W, 4)."""
    frames: list[NDArray[Any]] = []
    with _opened(path) as file:
        for k in range(header.frames):
            if k:  # not every format can be asked for its first
                file.seek(k)
            frames.append(np.asarray(file.convert("RGBA")))
    if any(frame.shape != frames[0].shape for frame in frames):
        raise ValueError(f"{path} holds frames of several sizes, and all pictures must have one")
    return np.stack(frames)


def _require_fit(header: _Header, cell: int, spacing: int, margin: int) -> None:
    """Cells and the gaps between them must fill the sheet; if a gap of one pixel would help, the refusal says so."""
    sides = [header.width - 2 * margin, header.height - 2 * margin]
    if all(_fits(side, cell, spacing) for side in sides):
        return
    size, hint = f"the sheet's {header.width}×{header.height} pixels", ""
    if spacing == 0 and all(_fits(side, cell, 1) for side in sides):
        hint = ": with a gap of one pixel between cells it would fit: --spacing 1"
    if spacing == margin == 0:
        raise ValueError(f"cell must divide {size}, got {cell}{hint}")
    raise ValueError(f"cell, spacing and margin must fit {size}, got {cell}, {spacing} and {margin}{hint}")


def _fits(side: int, cell: int, spacing: int) -> bool:
    """Whether cells with gaps fill the side of a sheet, with or without a gap behind the last."""
    return side >= cell and (side + spacing) % (cell + spacing) in (0, spacing)


def _cut(sheets: NDArray[np.uint8], cell: int, spacing: int, margin: int) -> NDArray[np.uint8]:
    """Cells (N, cell, cell, …) of sheets (frames, H, W, …)."""
    step = cell + spacing
    ys, xs = (range(margin, side - margin - cell + 1, step) for side in sheets.shape[1:3])
    return np.stack([sheet[y : y + cell, x : x + cell] for sheet in sheets for y in ys for x in xs])


def _about_gaps(empty: NDArray[np.bool_], cell: int) -> list[str]:
    """A remark if cells (N, cell, cell) seem to be cut one pixel too large: one edge is always empty, its like not."""
    first, last = (bool(empty[:, k].all() and empty[:, :, k].all()) for k in (0, -1))
    if cell < 2 or first or not last:
        return []
    return [f"the last row and column of every cell are empty: if they are gaps, say --cell {cell - 1} --spacing 1"]


def _about_frames(frames: Sequence[NDArray[np.uint8]]) -> list[str]:
    n = sum(len(some) > 1 for some in frames)
    files = "1 file holds" if n == 1 else f"{n:,} files hold"
    return [f"{files} several frames: each frame is a picture"] if n else []
