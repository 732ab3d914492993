"""Do two judges agree? Weights, asked by the judge they are published with and by the one that recipes are chosen by.

The first is shipped; the second, from `second_judge.py`, is another network. Both look at the same drawings, beside
the same fresh sprites, by which nothing was chosen. An excess is a Fréchet distance less that of real sprites, beside
the same 500 others. Each number is the mean of three seeds of the drawing, ± their standard deviation, for one
training.

    OMP_NUM_THREADS=1 python benchmarks/exam.py --second second.safetensors weights/sprites.safetensors
"""

import argparse
import os
from collections.abc import Callable
from itertools import product
from pathlib import Path
from statistics import fmean, stdev

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

import torch
from second_judge import EXAMINED_ABOUT, fresh_sprites, load
from steps import draw
from torch import Tensor

from course_utils import guided, load_classifier, load_model
from course_utils.quality.evaluation import SEEDS, floor, grade
from course_utils.quality.metrics import Quality

RUNS = (("DDIM", 25, 1), ("DDIM", 25, 2), ("DDPM, respaced", 25, 1), ("DPM-Solver++", 10, 1))
"""Sampler, steps and guidance scale."""

Drawing = Callable[[Tensor, torch.Generator], Tensor]
"""What `grade` asks to draw: sprites, for contexts and a generator."""


def cell(numbers: list[float], form: str) -> str:
    return f"{fmean(numbers):{form}} ± {stdev(numbers):{form}}"


def row(found: list[Quality], real: list[Quality]) -> list[str]:
    excess = [a.frechet_distance - b.frechet_distance for a, b in zip(found, real, strict=True)]
    _, *shares, nearest = zip(*found, strict=True)
    return [cell(excess, ".1f"), *(cell(list(share), ".0%") for share in shares), cell(list(nearest), ".1f")]


def once(drawing: Drawing) -> Drawing:
    """What draws once with each seed, and remembers."""
    drawn: dict[int, Tensor] = {}

    def draw(c: Tensor, generator: torch.Generator) -> Tensor:
        seed = generator.initial_seed()
        if seed not in drawn:
            drawn[seed] = drawing(c, generator)
        return drawn[seed]

    return draw


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("--second", type=Path, required=True, help="what second_judge.py wrote")
    given = parser.parse_args()
    judges = {"shipped": load_classifier(), "second": load(given.second)}
    sprites = fresh_sprites(2000, EXAMINED_ABOUT)
    print("| weights | sampler | judge | excess | accuracy | clean | coverage | recall | nearest training sprite |")
    print("|---|---|---|---|---|---|---|---|---|")
    real = {name: [floor(judge, seed, sprites) for seed in SEEDS] for name, judge in judges.items()}
    for name, least in real.items():
        print(f"| real sprites | | {name} | {' | '.join(row(least, least))} |", flush=True)
    trained = {path: load_model(path) for path in given.weights}
    for (path, (model, schedule)), (sampler, n, scale) in product(trained.items(), RUNS):
        drawing = once(draw(guided(model, scale) if scale != 1 else model, schedule, sampler, n))
        for name, judge in judges.items():
            found = [grade(judge, drawing, seed, sprites) for seed in SEEDS]
            title = f"{path.stem} | {sampler}, {n}{f', guidance {scale}' if scale != 1 else ''} | {name}"
            print(f"| {title} | {' | '.join(row(found, real[name]))} |", flush=True)


if __name__ == "__main__":
    main()
