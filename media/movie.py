"""The moving picture of README: noise becomes sprites, drawn by the network that comes with the course.

    python -m media.movie media/noise-to-sprites.webp

It moves for less than five seconds, once, and then stands still: so nobody has to look for a pause button (WCAG 2.2.2).
"""

import sys
from pathlib import Path

import torch
from PIL import Image

from course_utils import ddpm_step, load_pretrained, sample
from course_utils.figures.images import to_pixels

COLUMNS, ROWS, ZOOM, GAP = 8, 3, 5, 8
STEPS, SEED = 50, 7
MILLISECONDS, LOOK = 140, 400  # for each frame, and for the noise at the start


def draw() -> list[torch.Tensor]:
    """The noise, and every second stop on its way to sprites of all five classes."""
    model, schedule = load_pretrained("sprites")
    generator, n = torch.Generator().manual_seed(SEED), COLUMNS * ROWS
    x, contexts = torch.randn((n, 3, 16, 16), generator=generator), torch.eye(5)[torch.arange(n) % 5]
    walk = sample(model, x, schedule.timesteps(STEPS), schedule, ddpm_step, contexts, generator)
    return [x, *(step.x for step in walk)][::2]


def frame(sprites: torch.Tensor) -> Image.Image:
    """Sprites in rows on white, each pixel a square of whole pixels."""
    big = to_pixels(sprites).repeat(ZOOM, axis=1).repeat(ZOOM, axis=2)
    side = big.shape[1] + GAP
    canvas = Image.new("RGB", (COLUMNS * side + GAP, ROWS * side + GAP), "white")
    for i, sprite in enumerate(big):
        canvas.paste(Image.fromarray(sprite), (GAP + i % COLUMNS * side, GAP + i // COLUMNS * side))
    return canvas


def main(path: Path) -> None:
    """Write the picture; lossless, because pixel art has sharp edges, and the lossy form is three times as large."""
    first, *others = map(frame, draw())
    times = [LOOK] + [MILLISECONDS] * len(others)
    unfinished = path.with_suffix(".part")
    first.save(unfinished, "WEBP", save_all=True, append_images=others, duration=times, loop=1, lossless=True, method=4)
    unfinished.replace(path)
    print(f"{path}: {len(times)} frames, {sum(times) / 1000:.1f} seconds, {path.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
