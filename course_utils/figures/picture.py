"""`Picture`, a matplotlib figure with a text alternative; the palette, the style, and placing by pixels of the page.

What is drawn on a picture stands in `images`, `curves`, `numbers` and the diagrams.
"""

import base64
import functools
import html
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager, get_font_names
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.textpath import TextPath
from matplotlib.typing import ColorType

from ..validation import require_shape

STYLE = Path(__file__).with_name("course.mplstyle")

# Inter, under a name of our own: a machine may have another Inter, and every machine shall draw the same pictures.
for _file in sorted(Path(__file__).with_name("fonts").glob("*.ttf")):
    fontManager.addfont(_file)

# With signs that Inter and DejaVu Sans lack: on Linux, Windows and macOS.
_EAST_ASIAN = (
    "Noto Sans CJK SC",
    "WenQuanYi Micro Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans",
    "Yu Gothic",
)

DATA, NOISE, NETWORK = "#0072B2", "#D55E00", "#009E73"
"""What a colour means on every page: blue is data, vermilion is noise, green is a network or an oracle.

They are three of Okabe and Ito's, which can be told apart without colour vision.
"""


INK, FRAME = "#1f2933", "#c5ccd3"


SIGNED = LinearSegmentedColormap.from_list("signed", ["#8F4A7B", "#f7f5f3", "#B26F00"])
"""Numbers below 0 are purple, numbers above it ochre, and 0 is pale."""


DPI = 100  # of the page; figures are rendered at twice this, so that type is sharp


PAGE = 820  # pixels that a cell of JupyterLab shows on a small laptop; wider figures would be scaled, and blurred


_P = ParamSpec("_P")


class Picture(Figure):
    """A matplotlib figure whose size is given in pixels of the page and which carries a text alternative, `alt`.

    A picture of nothing but images and their titles can be laid out anew, on a slide or elsewhere, by its `grid`; see
    `show_images`.
    """

    grid: dict[str, Any] | None = None

    def __init__(self, width: float, height: float, alt: str) -> None:
        hair = 1e-3  # matplotlib rounds pixels down, and 820 / 100 · 200 may be 1639.99…
        super().__init__(figsize=((width + hair) / DPI, (height + hair) / DPI), dpi=2 * DPI)
        FigureCanvasAgg(self)
        self.alt = alt

    def png(self, software: str | None = None) -> bytes:
        """The picture as a PNG file, with two pixels for each pixel of the page; `software` says what wrote it."""
        buffer = io.BytesIO()
        with course_style():
            self.savefig(buffer, format="png", metadata={"Software": software})
        return buffer.getvalue()

    def html(self) -> str:
        """The picture as an HTML element that needs no other file."""
        width, height = self.page_size()
        source = base64.b64encode(self.png()).decode()
        alt = html.escape(self.alt, quote=True)
        return f'<img src="data:image/png;base64,{source}" width="{width}" height="{height}" alt="{alt}">'

    def page_size(self) -> tuple[int, int]:
        """Width and height in pixels of the page."""
        width, height = self.get_size_inches() * DPI
        return round(width), round(height)

    def smallest_type(self) -> float | None:
        """The size of the smallest words in pixels of the page, None if there are none; an index counts as its letter.

        The labels of ticks are written when the picture is, so ask after `png`.
        """
        sizes = [text.get_fontsize() for text in _texts(self) if text.get_text().strip()]
        return round(float(min(sizes)) * DPI / 72, 1) if sizes else None

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        png = self.png()
        width, height = self.page_size()
        about = {"width": width, "height": height, "alt": self.alt, "type": self.smallest_type(), "grid": self.grid}
        known = {name: value for name, value in about.items() if value is not None}
        return {"image/png": png, "text/plain": f"[{self.alt}]"}, {"image/png": known}


def _texts(artist: Artist) -> Iterator[Text]:
    """The texts in an artist that can be seen."""
    if not artist.get_visible():
        return
    if isinstance(artist, Text):
        yield artist
    hidden = (artist.xaxis, artist.yaxis) if isinstance(artist, Axes) and not artist.axison else ()
    for child in artist.get_children():
        if child not in hidden:
            yield from _texts(child)


def course_style() -> AbstractContextManager[None]:
    """The course's style; names of classes may need signs that only another typeface of the machine has."""
    there = set(get_font_names())
    others = [name for name in _EAST_ASIAN if name in there]
    return matplotlib.style.context([STYLE, {"font.family": ["Course Sans", "DejaVu Sans", *others]}])


def as_ink(colour: ColorType) -> str:
    """A colour of the course for text on white, or for the ground of white text: the same hue, darker.

    The contrast is then 4.5 or more, as WCAG 2.2 asks for text (1.4.3). Lines and areas need less, and keep the colour.
    """
    red, green, blue = to_rgb(colour)
    return to_hex((0.8 * red, 0.8 * green, 0.8 * blue))


def styled(draw: Callable[_P, Picture]) -> Callable[_P, Picture]:
    """Draw in the course's style and leave everybody else's matplotlib settings alone."""

    @functools.wraps(draw)
    def draw_styled(*args: _P.args, **kwargs: _P.kwargs) -> Picture:
        with course_style():
            return draw(*args, **kwargs)

    return draw_styled


def text_width(text: str, size: float | None = None, weight: str = "normal") -> int:
    """Width of a text in pixels of the page; its size is in points, and the ordinary one by default."""
    font = FontProperties(size=size or matplotlib.rcParams["font.size"], weight=weight)
    extents = (TextPath((0, 0), line or " ", prop=font).get_extents() for line in text.split("\n"))
    return round(max(box.x1 for box in extents) * DPI / 72) if text.strip() else 0


def place_axes(picture: Picture, x: float, y: float, width: float, height: float) -> Axes:
    """Axes with their upper left corner at (x, y), in pixels of the page from its upper left."""
    page_width, page_height = picture.get_size_inches() * DPI
    return picture.add_axes((x / page_width, 1 - (y + height) / page_height, width / page_width, height / page_height))


def place_image(picture: Picture, image: np.ndarray, x: float, y: float, zoom: int, frame: bool = True) -> None:
    """One image (uint8 H×W×3) at an integer zoom, its upper left corner at (x, y), usually in a thin frame around it.

    If x and y are whole or half pixels of the page, each pixel of the image is 2·zoom × 2·zoom pixels of the PNG file,
    of exactly its colour.
    """
    height, width = image.shape[:2]
    axes = place_axes(picture, x, y, width * zoom, height * zoom)
    axes.imshow(image, interpolation="nearest")
    axes.set_axis_off()
    if frame:  # two pixels of the file wide, and outside, so that it covers nothing
        edge, line = 0.5 / zoom, 72 / DPI
        corner, size = (-0.5 - edge, -0.5 - edge), (width + 2 * edge, height + 2 * edge)
        axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=FRAME, linewidth=line, clip_on=False))


def place_text(picture: Picture, x: float, y: float, text: str, **style: Any) -> None:
    """Text at (x, y), in pixels of the page from its upper left."""
    page_width, page_height = picture.get_size_inches() * DPI
    picture.text(x / page_width, 1 - y / page_height, text, **style)


def require_size(size: Sequence[int]) -> tuple[int, int]:
    """A width and a height in pixels of the page."""
    if len(require_shape("size", size)) != 2:
        raise ValueError(f"size must be a width and a height in pixels of the page, got {size!r}")
    return size[0], size[1]
