"""Images with arrows and frames at what one should see in them."""

from collections.abc import Mapping, Sequence

from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from torch import Tensor

from .drawing import draw_arrow, page_axes
from .images import show_images
from .picture import INK, Picture, styled

Point = tuple[float, float]
Box = tuple[float, float, float, float]


@styled
def point_at(
    x: Tensor,
    arrows: Mapping[int, tuple[Point, Point]] | None = None,
    frames: Mapping[int, Box] | None = None,
    titles: Sequence[str] = (),
    row_titles: Sequence[str] = (),
    columns: int | None = None,
) -> Picture:
    """A grid of images with an arrow, or a frame, in some of them.

    Args:
        x, titles, row_titles, columns: as for `show_images`.
        arrows: for the number of an image, where its arrow begins and where it ends, each (x, y) in pixels of the image
            from its upper left corner.
        frames: for the number of an image, the left, upper, right and lower edge of its frame, in the same pixels.
    """
    arrows, frames = arrows or {}, frames or {}
    picture = show_images(x, titles, row_titles, columns)
    assert picture.grid is not None
    for name, marks in (("arrows", arrows), ("frames", frames)):
        if unknown := [number for number in marks if number not in range(len(x))]:
            raise ValueError(f"{name} must be for images 0 to {len(x) - 1}, got {unknown}")
    axes, zoom, corners = page_axes(picture), picture.grid["zoom"], picture.grid["corners"]
    for number, (start, end) in arrows.items():
        left, top = corners[number]
        start, end = ((left + zoom * across, top + zoom * down) for across, down in (start, end))
        draw_arrow(axes, start, end, width=3)
    for number, (x0, y0, x1, y1) in frames.items():
        left, top = corners[number]
        corner = (left + zoom * x0, top + zoom * y0)
        frame = Rectangle(corner, zoom * (x1 - x0), zoom * (y1 - y0), fill=False, edgecolor=INK, linewidth=2)
        frame.set_path_effects([withStroke(linewidth=5, foreground="white")])
        axes.add_patch(frame)
    picture.grid = None  # the marks belong to these places
    return picture
