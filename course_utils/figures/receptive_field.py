"""What reaches one pixel of an answer, drawn around a sprite at the same scale."""

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle
from torch import Tensor

from ..validation import require_floats, require_images
from .drawing import draw_path, draw_word, page_axes
from .images import to_pixels
from .picture import INK, NETWORK, NOISE, Picture, place_image, styled

_STRENGTH = LinearSegmentedColormap.from_list("strength", ["#e3f4ee", NETWORK])


@styled
def draw_receptive_fields(fields: Mapping[str, Tensor], sprite: Tensor) -> Picture:
    """The receptive field of some networks, side by side, with a sprite in its middle to compare with.

    What cannot reach the answer is white; the rest is green, pale for a millionth of the largest gradient. The pixel of
    the answer is framed.

    Args:
        fields: for each name how strongly each pixel of the input moves the answer in row and column S // 2, shape
            (S, S), never negative; S at most 128.
        sprite: one image in a batch, shape (1, 3, H, W), no larger than the fields.
    """
    if len(require_images("sprite", sprite)) != 1:
        raise ValueError(f"sprite must be one image in a batch, got shape {tuple(sprite.shape)}")
    if not 1 <= len(fields) <= 3:
        raise ValueError(f"fields must be 1 to 3, got {len(fields)}")
    size = len(next(iter(fields.values())))
    for name, field in fields.items():
        require_floats(f"fields[{name!r}]", field)
        if field.shape != (size, size) or not max(sprite.shape[2:]) <= size <= 128:
            raise ValueError(f"fields must be of one shape (S, S), S at most 128, got shape {tuple(field.shape)}")
        if field.min() < 0 or field.max() <= 0:
            raise ValueError(f"fields must not be negative, nor all zeros, got {field.min():g} to {field.max():g}")
    zoom = min(5, 380 // size, 760 // size // len(fields))
    side, top, gap = zoom * size, 30, 30
    spans = {name: int((field > 0).any(dim=1).sum()) for name, field in fields.items()}
    seen = ", ".join(f"{name} {span} pixels" for name, span in spans.items())
    picture = Picture(
        gap + (side + gap) * len(fields),
        top + side + 16,
        f"How far one pixel of the answer sees around a sprite: {seen}",
    )
    pixels = to_pixels(sprite)[0]
    for i, (name, field) in enumerate(fields.items()):
        x, span = gap + (side + gap) * i, spans[name]
        place_image(picture, _shaded(field), x, top, zoom, frame=False)
        rows, columns = pixels.shape[:2]
        corner = (x + zoom * (size // 2 - columns // 2), top + zoom * (size // 2 - rows // 2))
        place_image(picture, pixels, *corner, zoom, frame=False)
        over = page_axes(picture)
        over.add_patch(Rectangle(corner, zoom * columns, zoom * rows, fill=False, edgecolor=INK, linewidth=1.6))
        middle = (x + zoom * (size // 2), top + zoom * (size // 2))
        over.add_patch(Rectangle(middle, zoom, zoom, fill=False, edgecolor=NOISE, linewidth=2))
        above = top + zoom * int((field > 0).any(dim=1).int().argmax())
        draw_word(over, (x + zoom * size / 2, above), name, "n", bold=True, size=12)
        first = int((field > 0).any(dim=0).int().argmax())
        low = top + zoom * (size // 2 + span // 2 + 1) + 8
        ends = [(x + zoom * first, low), (x + zoom * (first + span), low)]
        draw_path(over, ends, width=1.4)
        draw_path(over, ends[::-1], width=1.4)
        draw_word(over, (x + zoom * (first + span / 2), low), f"{span} pixels", "s", bold=True)
    return picture


def _shaded(field: Tensor) -> np.ndarray:
    """Gradients (S, S) as uint8 (S, S, 3): white for 0, then from pale to green by their logarithm."""
    strength = (1 + (field / field.max()).clamp(min=1e-6).log10() / 6).cpu().numpy()
    shown = np.where((field > 0).cpu().numpy()[..., None], _STRENGTH(strength)[..., :3], 1.0)
    pixels: np.ndarray = (255 * shown).round().astype(np.uint8)
    return pixels
