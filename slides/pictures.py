"""How the outputs of a cell look on a slide: figures, sprites laid out anew, movies, print; all of them HTML.

Sprites are shown pixel by pixel at a whole multiple of their size, so a grid of them is taken apart, and its words are
set in the type of the deck.
"""

import base64
import html
import io
import re

import nbformat
from PIL import Image

ROOM = (1152, 430)  # pixels for a figure on a slide of 1280 × 720
LETTER = 10.4  # pixels that a letter of a label takes on average, at 20 pixels
LINE, GAP = 26, 12  # of a label's line; between sprites


def printed(cell: nbformat.NotebookNode) -> str:
    """What a cell printed, but for the verdict of a check."""
    text = "".join(output.text for output in cell.outputs if output.output_type == "stream")
    text = re.sub(r"^[✓✗○] .*(\n  .*)*\n?", "", text, flags=re.MULTILINE).rstrip()
    return monospaced(text, f"<pre>{html.escape(text)}</pre>")


def monospaced(text: str, block: str) -> str:
    """A block of code or print that says how wide and how long it is, so that its type can be as large as fits."""
    lines = text.splitlines()
    return f'<div class="mono" style="--columns: {max(map(len, lines))}; --lines: {len(lines)}">{block}</div>'


def shown_outputs(cell: nbformat.NotebookNode) -> list[str]:
    """The figures and movies of a cell; widgets need a kernel and are left to the notebook."""
    shown = []
    for output in cell.outputs:
        data = output.get("data", {})
        if 'class="movie' in data.get("text/html", ""):
            shown.append(enlarged(data["text/html"]))
        elif "image/png" in data:
            shown.append(figure(data["image/png"], output.metadata["image/png"]))
    return shown


def figure(png: str, about: nbformat.NotebookNode) -> str:
    """A figure as an image, or its sprites one by one if it says where they are."""
    if "grid" in about:
        return sprites(base64.b64decode(png), about)
    return (
        f'<img src="data:image/png;base64,{"".join(png.split())}" width="{about["width"]}" height="{about["height"]}"'
        f' alt="{html.escape(about["alt"], quote=True)}" data-type="{about.get("type", 14)}">'
    )


def sprites(png: bytes, about: nbformat.NotebookNode) -> str:
    """A grid of sprites, each an image of its own pixels at the largest whole multiple for which all have room."""
    grid = about["grid"]
    columns, titles, rows = grid["columns"], grid["titles"], -(-len(grid["corners"]) // grid["columns"])
    of_each = len(titles) > columns
    high = max((title.count("\n") + 1 for title in titles), default=0) * LINE
    left = max((len(line) for name in grid["row_titles"] for line in name.split("\n")), default=-2) * LETTER + 20
    wide = max((len(line) for title in titles for line in title.split("\n")), default=0) * LETTER
    across, down = (ROOM[0] - left) / columns - GAP, (ROOM[1] - high * (not of_each)) / rows - GAP - high * of_each
    zoom = max(1, int(min(across / grid["width"], down / grid["height"], 12)))
    cell = max(grid["width"] * zoom, min(wide, across))
    heads = [] if of_each or not titles else [*[""] * bool(grid["row_titles"]), *titles]
    parts = [f'<div class="name">{_lines(title)}</div>' for title in heads]
    for i, pixels in enumerate(native(png, grid)):
        if i % columns == 0 and grid["row_titles"]:
            parts.append(f'<div class="name row">{_lines(grid["row_titles"][i // columns])}</div>')
        name = f'<div class="name">{_lines(titles[i])}</div>' if of_each else ""
        size = f'width="{pixels.width * zoom}" height="{pixels.height * zoom}"'
        parts.append(f'<div class="cell">{name}<img class="sprite" alt="" src="{_uri(pixels)}" {size}></div>')
    labels = "max-content " * bool(grid["row_titles"])
    return (
        f'<div class="sprites" role="img" aria-label="{html.escape(about["alt"], quote=True)}"'
        f' style="grid-template-columns: {labels}repeat({columns}, {cell:.0f}px)">{"".join(parts)}</div>'
    )


def native(png: bytes, grid: nbformat.NotebookNode) -> list[Image.Image]:
    """The images of a grid: of each enlarged pixel the middle; two pixels of the file are one of the page."""
    page, zoom = Image.open(io.BytesIO(png)).convert("RGB"), 2 * grid["zoom"]
    size = (grid["width"], grid["height"])
    found = []
    for x, y in grid["corners"]:
        box = (round(2 * x), round(2 * y), round(2 * x) + size[0] * zoom, round(2 * y) + size[1] * zoom)
        found.append(page.crop(box).resize(size, Image.Resampling.NEAREST))
    return found


def enlarged(movie: str) -> str:
    """A movie as large as a slide can show it, in whole multiples of its pixels unless it is a drawing."""
    width, height = (int(re.search(rf'{side}="(\d+)"', movie)[1]) for side in ("width", "height"))
    scale = min(ROOM[0] / width, ROOM[1] / height)
    if "pixelated" in movie:
        first = re.search(r"data:image/png;base64,([\w+/=]+)", movie)[1]
        own = Image.open(io.BytesIO(base64.b64decode(first))).width
        scale = max(1, int(scale * width / own)) * own / width
    return movie.replace(
        f'width="{width}" height="{height}"', f'width="{width * scale:.0f}" height="{height * scale:.0f}"'
    )


def _uri(picture: Image.Image) -> str:
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _lines(name: str) -> str:
    return "<br>".join(html.escape(line) for line in name.split("\n"))
