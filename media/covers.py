"""One small picture for each notebook, for the table of README: drawn by what the notebook is about.

    python -m media.covers media/covers

Each is a grid of sprites on white, five in a row; 03 is the U, and 07 what each step costs in bits. They have two
pixels for each pixel of the page.
"""

import sys
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_utils import (
    bound_terms,
    ddim_step,
    ddpm_step,
    guided,
    learned_variance,
    load_pretrained,
    load_sprites,
    sample,
)
from course_utils.figures.bits import PALE
from course_utils.figures.images import to_pixels
from course_utils.figures.picture import DATA, FRAME, NETWORK

from .logo import BOB

COLUMNS, ROWS, ZOOM, GAP = 5, 3, 4, 8
SIDE = 16 * ZOOM + GAP
WIDTH, HEIGHT = COLUMNS * SIDE + GAP, ROWS * SIDE + GAP
ONE_OF_EACH = torch.eye(5)  # hero, non-hero, food, spell, side-facing
MODEL, SCHEDULE = load_pretrained("sprites")
GUIDED = guided(MODEL, 2)


def randomness(seed: int) -> torch.Generator:
    """Where the noise of one cover comes from."""
    return torch.Generator().manual_seed(seed)


def noise(seed: int, n: int) -> Tensor:
    """A start for n sprites."""
    return torch.randn((n, 3, 16, 16), generator=randomness(seed))


def draw(x: Tensor, c: Tensor, n: int = 25, model=GUIDED, step=ddim_step, generator=None) -> list[Tensor]:
    """The start and every stop on the way to sprites."""
    return [x, *(stop.x for stop in sample(model, x, SCHEDULE.timesteps(n), SCHEDULE, step, c, generator))]


def intuition() -> Tensor:
    """Three sprites of the data under more and more noise."""
    sprites = load_sprites()[0][[BOB, 9, 15]]
    eps = noise(1, ROWS)
    rows = [sprites, *(SCHEDULE.add_noise(sprites, t, eps) for t in (125, 250, 375, 500))]
    return torch.stack(rows, dim=1).flatten(0, 1)


def sampling() -> Tensor:
    """One noise, three walks with DDPM: three sprites."""
    start = noise(2, 1).expand(ROWS, -1, -1, -1)
    walk = draw(start, ONE_OF_EACH[[1, 1, 1]], 100, MODEL, ddpm_step, randomness(2))
    return torch.stack([walk[i] for i in (0, 55, 75, 88, 100)], dim=1).flatten(0, 1)


def network() -> Image.Image:
    """The U and its skip connections. Bob goes in under noise, and what comes out is the network's guess at him."""
    canvas = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen = ImageDraw.Draw(canvas)
    x_t = SCHEDULE.add_noise(load_sprites()[0][[BOB]], 200, noise(3, 1))
    x0_hat = SCHEDULE.predict_x0(x_t, 200, MODEL(x_t, torch.tensor([200])))
    for left, x in ((GAP, x_t), (WIDTH - SIDE, x0_hat)):
        canvas.paste(enlarged(x)[0], (left, (HEIGHT - 16 * ZOOM) // 2))
    for left, y in ((104, 64), (138, 128)):  # skips
        pen.line([left, y, WIDTH - left, y], fill=FRAME, width=4)
    blocks = [(104, 32, 128), (138, 96, 64), (184, 160, 32), (WIDTH - 138, 96, 64), (WIDTH - 104, 32, 128)]
    for x, top, height in blocks:
        pen.rectangle([x - 9, top, x + 9, top + height], fill=NETWORK)
    return canvas


def training() -> Tensor:
    """The same noise, drawn after 400, 2,500 and 40,000 steps of training."""
    x = noise(4, COLUMNS)
    names = ("sprites-early", "sprites-middle", "sprites")
    return torch.cat([draw(x, ONE_OF_EACH, model=guided(load_pretrained(name)[0], 2))[-1] for name in names])


def context() -> Tensor:
    """Three noises, five wishes."""
    return draw(noise(5, ROWS).repeat_interleave(COLUMNS, dim=0), ONE_OF_EACH.repeat(ROWS, 1))[-1]


def fast_sampling() -> Tensor:
    """The same noise, in 1, 5 and 25 steps."""
    return torch.cat([draw(noise(6, COLUMNS), ONE_OF_EACH, n)[-1] for n in (1, 5, 25)])


def likelihood() -> Image.Image:
    """A potion under less and less noise; below it the steps, as long as their time, and then as long as their bits."""
    model, schedule = load_pretrained("likelihood")
    times, x0 = schedule.timesteps(25), load_sprites(split="test")[0][:64]
    terms = bound_terms(model, x0, times, schedule, learned_variance(model, schedule), generator=randomness(7))
    bits = terms[1:].mean(1).cumsum(0)
    canvas = Image.new("RGB", (WIDTH, HEIGHT), "white")
    canvas.paste(fan([t / schedule.T for t in times], [1, *(1 - bits / bits[-1]).tolist()], times.index(40)), (0, SIDE))
    for i, t in enumerate((450, 350, 250, 150, 50)):  # each stands above its time
        canvas.paste(enlarged(schedule.add_noise(x0[[3]], t, noise(7, 1)))[0], (GAP + i * SIDE, GAP))
    return canvas


def fan(above: list[float], below: list[float], dark: int) -> Image.Image:
    """Two rulers from 1 to 0 and what joins them, cut at these places; the parts from the place `dark` on are dark."""
    smooth = 4
    canvas = Image.new("RGB", (smooth * WIDTH, smooth * (HEIGHT - SIDE)), "white")
    pen, heights = ImageDraw.Draw(canvas), [smooth * y for y in (16, 32, 72, HEIGHT - SIDE - GAP)]

    def edge(place: int) -> list[tuple[float, float]]:
        ends = (smooth * (WIDTH - GAP - share[place] * (WIDTH - 2 * GAP)) for share in (above, above, below, below))
        return list(zip(ends, heights, strict=True))

    for first, last, colour in ((0, dark, PALE), (dark, -1, DATA)):
        pen.polygon([*edge(first), *edge(last)[::-1]], fill=colour)
    for place in range(1, len(above) - 1):
        pen.line(edge(place), fill="white", width=smooth)
    return canvas.reduce(smooth)


COVERS = {
    "01_intuition": intuition,
    "02_sampling": sampling,
    "03_network": network,
    "04_training": training,
    "05_context": context,
    "06_fast_sampling": fast_sampling,
    "07_likelihood": likelihood,
}


def enlarged(x: Tensor) -> list[Image.Image]:
    """Sprites whose pixels are squares of whole pixels."""
    return [Image.fromarray(pixels) for pixels in to_pixels(x).repeat(ZOOM, axis=1).repeat(ZOOM, axis=2)]


def grid(x: Tensor) -> Image.Image:
    """Sprites in rows of five."""
    canvas = Image.new("RGB", (WIDTH, HEIGHT), "white")
    for i, sprite in enumerate(enlarged(x)):
        canvas.paste(sprite, (GAP + i % COLUMNS * SIDE, GAP + i // COLUMNS * SIDE))
    return canvas


def main(folder: Path) -> None:
    """Write all covers."""
    folder.mkdir(exist_ok=True)
    for name, cover in COVERS.items():
        drawn = cover()
        picture = grid(drawn) if isinstance(drawn, Tensor) else drawn
        picture.save(folder / f"{name}.png", optimize=True)
        print(f"{name}: {(folder / name).with_suffix('.png').stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
