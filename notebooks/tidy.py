"""Make a notebook that has just been executed ready to be committed: light, and the same file after every run.

    python notebooks/tidy.py NEW [OLD]

NEW is the executed notebook, which is rewritten; OLD is the one that it will replace, if there is one.

- What a cell prints becomes one piece, however slowly it came.
- Progress bars go: they are for the one who waits. Of the widgets only those stay that the notebook shows.
- Pictures lose their alpha channel, and those of at most 256 colours get a palette. No colour changes, so noise stays
  as it is. This holds for figures, for the frames of movies, and for what a slider showed.
- A figure or frame that looks like that of OLD keeps its bytes. Another processor rounds some colours by one or two
  levels and another zlib packs the same picture differently; neither is news.
"""

import base64
import io
import re
import struct
import sys
import zlib
from pathlib import Path

import nbformat
import numpy as np
from nbconvert.preprocessors import CoalesceStreamsPreprocessor
from nbformat import NotebookNode
from PIL import Image, ImageChops

BAR = re.compile(r"it/s\]|s/it\]")
PNG = re.compile(r"iVBORw0KGgo[A-Za-z0-9+/\n]+=*\n?")
"""A PNG file in base64, alone or in HTML; so begins its signature."""

LEVELS = 2
"""By how many of 255 grey levels two pictures may differ and still be the same."""


def tidy(notebook: NotebookNode, old: NotebookNode | None = None) -> NotebookNode:
    """The notebook as it is committed; `old` is the one that it replaces."""
    notebook, _ = CoalesceStreamsPreprocessor().preprocess(notebook, {})
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in cells:
        cell.outputs = [output for output in cell.outputs if not BAR.search(str(output.get("data")))]
    keep_shown_widgets(notebook)
    old_outputs = {cell.get("id"): cell.outputs for cell in old.cells if cell.cell_type == "code"} if old else {}
    for cell in cells:
        before = old_outputs.get(cell.get("id"), [])
        for i, output in enumerate(cell.outputs):
            lighten(output, before[i] if i < len(before) else NotebookNode())
    return notebook


def keep_shown_widgets(notebook: NotebookNode) -> None:
    """Drop widgets that no output shows, not even as part of another, and lighten the pictures of the others."""
    for widgets in notebook.metadata.get("widgets", {}).values():
        shown, found = {}, str(notebook.cells)
        while new := {name: model for name, model in widgets.state.items() if name in found and name not in shown}:
            shown, found = shown | new, str(new)
        widgets.state = shown
        for model in widgets.state.values():
            if isinstance(html := model.state.get("value"), str):
                model.state.value = with_light_pngs(html)


def lighten(output: NotebookNode, old: NotebookNode) -> None:
    """Lighten the pictures of an output; those that look like the ones in the same place of `old` become these."""
    for kind in {"image/png", "text/html"} & set(output.get("data", {})):
        output.data[kind] = with_light_pngs(output.data[kind], old.get("data", {}).get(kind, ""))
    if "movie" in output.get("metadata", {}):  # that of a slider
        output.metadata["movie"] = with_light_pngs(output.metadata["movie"], old.get("metadata", {}).get("movie", ""))


def with_light_pngs(text: str, old: str = "") -> str:
    """A text with each PNG in it made light, or replaced by its like in the same place of `old`."""
    olds = map(base64.b64decode, PNG.findall(old))

    def replace(found: re.Match[str]) -> str:
        png, before = base64.b64decode(found[0]), next(olds, None)
        return base64.b64encode(light(before if before and look_alike(png, before) else png)).decode()

    return PNG.sub(replace, text)


def light(png: bytes) -> bytes:
    """The same picture on white, without alpha, and with a palette if it has at most 256 colours.

    A picture that is so already keeps its bytes, whoever made them.
    """
    picture = Image.open(io.BytesIO(png))
    alpha = picture.mode in ("LA", "RGBA") or "transparency" in picture.info
    if not alpha and (picture.mode != "RGB" or picture.getcolors(256) is None):
        return png
    rgb = on_white(picture)
    return min(packed(with_palette(rgb) if rgb.getcolors(256) else rgb), key=len)


def packed(picture: Image.Image) -> list[bytes]:
    """A picture as PNG files: by Pillow and, if it is RGB, without filters and with rows as changes from the one above.

    Pillow chooses a filter for each row by a rule of thumb. Text and curves are smaller without any, and enlarged
    sprites, whose rows repeat, as changes: those of the first six notebooks by 8 %, for 0.1 seconds more a figure.
    """
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    if picture.mode != "RGB":
        return [file.getvalue()]
    rows = np.asarray(picture).reshape(picture.height, -1)
    changes = np.diff(rows, axis=0, prepend=np.zeros_like(rows[:1]))  # of unsigned bytes, so modulo 256
    return [file.getvalue(), rgb_png(picture.size, 0, rows), rgb_png(picture.size, 2, changes)]


def rgb_png(size: tuple[int, int], number: int, rows: np.ndarray) -> bytes:
    """A PNG file of RGB rows that went through the filter of this number, as https://www.w3.org/TR/png-3/ has it."""
    header = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)  # 8 bits a channel, RGB, and what PNG always says
    pixels = zlib.compress(np.insert(rows, 0, number, axis=1).tobytes(), 9)
    file = b"\x89PNG\r\n\x1a\n"
    for name, data in ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")):
        file += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return file


def on_white(picture: Image.Image) -> Image.Image:
    """What one sees of a picture on a white page, as RGB."""
    page = Image.new("RGBA", picture.size, "white")
    page.alpha_composite(picture.convert("RGBA"))
    return page.convert("RGB")


def with_palette(rgb: Image.Image) -> Image.Image:
    """The same picture, pixel by pixel, as places in a sorted list of its colours, of which there are at most 256."""
    pixels = np.asarray(rgb).astype(np.int64) @ (1 << 16, 1 << 8, 1)
    colours, places = np.unique(pixels, return_inverse=True)
    picture = Image.fromarray(places.reshape(pixels.shape).astype(np.uint8))
    picture.putpalette([colour >> shift & 255 for colour in colours.tolist() for shift in (16, 8, 0)])
    return picture


def look_alike(png: bytes, other: bytes) -> bool:
    """Whether two pictures have the same size and differ in no channel of any pixel by more than `LEVELS`."""
    one, two = (on_white(Image.open(io.BytesIO(file))) for file in (png, other))
    return one.size == two.size and int(np.asarray(ImageChops.difference(one, two)).max()) <= LEVELS


def main(new: str, old: str | None = None) -> None:
    """Tidy the file `new`, which will replace the file `old`."""
    before = nbformat.read(old, as_version=4) if old else None
    nbformat.write(tidy(nbformat.read(new, as_version=4), before), Path(new))


if __name__ == "__main__":
    main(*sys.argv[1:])
