"""How the outputs of a cell look on a slide: figures, sprites laid out anew, movies, print; all of them HTML.

Sprites are shown pixel by pixel at a whole multiple of their size, so a grid of them is taken apart, and its words are
set in the type of the deck.
"""

import base64
import html
import io
import re
from collections.abc import Sequence

import nbformat
from PIL import Image

from course_utils.figures.images import sprites_of

WIDTH, HEIGHT = 1152, 436  # pixels for a figure and its sentence on a slide of 1280 × 720
LETTER = 0.52  # of the size of its type, which is what a letter takes on average
LABEL, SMALL = 20, 17.5  # sizes of type, in pixels; the small one for names that are too long


def printed(cell: nbformat.NotebookNode) -> str:
    """What a cell printed, but for the verdict of a check."""
    text = "".join(output.text for output in cell.outputs if output.output_type == "stream")
    text = re.sub(r"^[✓✗○] .*(\n  .*)*\n?", "", text, flags=re.MULTILINE).rstrip()
    return monospaced(text, f"<pre>{html.escape(text)}</pre>")


def monospaced(text: str, block: str) -> str:
    """A block of code or print that says how wide and how long it is, so that its type can be as large as fits."""
    lines = text.splitlines()
    return f'<div class="mono" style="--columns: {max(map(len, lines))}; --lines: {len(lines)}">{block}</div>'


def shown_outputs(cell: nbformat.NotebookNode, height: int) -> list[str]:
    """The figures and movies of a cell, in a room of that height; of a slider its movie."""
    shown = []
    for output in cell.outputs:
        data = output.get("data", {})
        movie = output.get("metadata", {}).get("movie", data.get("text/html", ""))  # of a slider, or itself
        if 'class="movie' in movie:
            shown.append(enlarged(movie, height))
        elif "image/png" in data:
            shown.append(figure(data["image/png"], output.metadata["image/png"], height))
    return shown


def figure(png: str, about: nbformat.NotebookNode, height: int) -> str:
    """A figure as an image, or its sprites one by one if it says where they are."""
    if "grid" in about:
        return sprites(base64.b64decode(png), about, height)
    return (
        f'<img src="data:image/png;base64,{"".join(png.split())}" width="{about["width"]}" height="{about["height"]}"'
        f' alt="{html.escape(about["alt"], quote=True)}" data-type="{about.get("type", 14)}">'
    )


def sprites(png: bytes, about: nbformat.NotebookNode, height: int = HEIGHT) -> str:
    """A grid of sprites, each an image of its own pixels at the largest whole multiple for which all have room."""
    grid = about["grid"]
    columns, titles, row_titles = grid["columns"], grid["titles"], grid["row_titles"]
    rows = -(-len(grid["corners"]) // columns)
    titled_rows = rows if len(titles) > columns else bool(titles)  # each image has a name, or each column
    gap = 12 if rows < 6 else 5
    across = (WIDTH - _longest(row_titles) * LETTER * LABEL - 28) / columns - gap
    size = max(SMALL, min(LABEL, across / (_longest(titles) * LETTER + 0.1)))
    names = titled_rows * max((title.count("\n") + 1 for title in titles), default=0) * 1.3 * size
    down = (height - names) / rows - gap
    zoom = max(1, int(min(across / grid["width"], down / grid["height"], 12)))
    cell = max(grid["width"] * zoom, min(_longest(titles) * LETTER * size, across))
    heads = [*[""] * bool(row_titles), *titles] if titled_rows == 1 else []
    parts = [_name(title) for title in heads]
    for i, pixels in enumerate(map(Image.fromarray, sprites_of(png, grid))):
        if i % columns == 0 and row_titles:
            parts.append(_name(row_titles[i // columns], "row"))
        above = _name(titles[i]) if titled_rows > 1 else ""
        place = f'width="{pixels.width * zoom}" height="{pixels.height * zoom}"'
        parts.append(f'<div class="cell">{above}<img class="sprite" alt="" src="{_uri(pixels)}" {place}></div>')
    labels = "max-content " * bool(row_titles)
    return (
        f'<div class="sprites" role="img" aria-label="{html.escape(about["alt"], quote=True)}" style="gap: {gap}px;'
        f' --name: {size:.1f}px; grid-template-columns: {labels}repeat({columns}, {cell:.0f}px)">{"".join(parts)}</div>'
    )


def _longest(names: Sequence[str]) -> int:
    """Letters of the longest line of any name."""
    return max((len(line) for name in names for line in name.split("\n")), default=0)


def _name(name: str, kind: str = "") -> str:
    lines = "<br>".join(html.escape(line) for line in name.split("\n"))
    return f'<div class="name {kind}">{lines}</div>'


def enlarged(movie: str, height: int) -> str:
    """A movie as large as a slide can show it, in whole multiples of its pixels unless it is a drawing."""
    wide, high = (int(re.search(rf'{side}="(\d+)"', movie)[1]) for side in ("width", "height"))
    scale = min(WIDTH / wide, (height - 46) / high)  # below it stand its controls
    if "pixelated" in movie:
        first = re.search(r"data:image/png;base64,([\w+/=]+)", movie)[1]
        own = Image.open(io.BytesIO(base64.b64decode(first))).width
        scale = max(1, int(scale * wide / own)) * own / wide
    return movie.replace(f'width="{wide}" height="{high}"', f'width="{wide * scale:.0f}" height="{high * scale:.0f}"')


def _uri(picture: Image.Image) -> str:
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
