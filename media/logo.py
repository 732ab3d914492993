"""The sign of the site: Bob, as he is in the data, without the white around him.

python -m media.logo site/_static/sprite.png
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from course_utils import load_sprites
from course_utils.figures.images import to_pixels

BOB = 103  # his place in the data, as in notebook 01


def logo() -> Image.Image:
    """Bob on nothing: the white that touches a corner is made transparent, the white in his eyes is not."""
    sprites, _ = load_sprites()
    picture = Image.fromarray(to_pixels(sprites[BOB : BOB + 1])[0])
    outside = Image.fromarray(255 * (np.asarray(picture).min(axis=2) == 255).astype(np.uint8)).copy()
    for corner in ((0, 0), (15, 0), (0, 15), (15, 15)):
        if outside.getpixel(corner) == 255:
            ImageDraw.floodfill(outside, corner, 128)
    picture.putalpha(outside.point(lambda value: 0 if value == 128 else 255))
    return picture.resize((8 * 16, 8 * 16), Image.Resampling.NEAREST)


if __name__ == "__main__":
    logo().save(Path(sys.argv[1]), optimize=True)
