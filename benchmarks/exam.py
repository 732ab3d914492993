"""Do two judges agree? Weights, asked by the judge they are published with and by the one that recipes are chosen by.

The first is shipped; the second, from `second_judge.py`, is another network. Both look at the same drawings, beside
the same fresh sprites, by which nothing was chosen. An excess is a Fréchet distance less that of real sprites, beside
the same 500 others. Each number is the mean of three seeds of the drawing, ± their standard deviation, for one
training.

    OMP_NUM_THREADS=1 python benchmarks/exam.py --second second.safetensors weights/sprites.safetensors
"""

import argparse
import os
from pathlib import Path
from statistics import fmean, stdev

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

from second_judge import EXAMINED_ABOUT, fresh_sprites, load
from steps import draw

from course_utils import guided, load_classifier, load_model
from course_utils.quality.evaluation import SEEDS, floor, grade
from course_utils.quality.metrics import Quality

RUNS = (("DDIM", 25, 1), ("DDIM", 25, 2), ("DDPM, respaced", 25, 1), ("DPM-Solver++", 10, 1))
"""Sampler, steps and guidance scale."""


def cell(numbers: list[float], form: str) -> str:
    return f"{fmean(numbers):{form}} ± {stdev(numbers):{form}}"


def row(found: list[Quality], real: list[Quality]) -> list[str]:
    excess = [a.frechet_distance - b.frechet_distance for a, b in zip(found, real, strict=True)]
    _, *shares, nearest = zip(*found, strict=True)
    return [cell(excess, ".1f"), *(cell(list(share), ".0%") for share in shares), cell(list(nearest), ".1f")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("--second", type=Path, required=True, help="what second_judge.py wrote")
    given = parser.parse_args()
    judges = {"shipped": load_classifier(), "second": load(given.second)}
    sprites = fresh_sprites(2000, EXAMINED_ABOUT)
    print("| weights | sampler | judge | excess | accuracy | clean | coverage | recall | nearest training sprite |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, judge in judges.items():
        real = [floor(judge, seed, sprites) for seed in SEEDS]
        print(f"| real sprites | | {name} | {' | '.join(row(real, real))} |", flush=True)
        for path in given.weights:
            model, schedule = load_model(path)
            for sampler, n, scale in RUNS:
                chosen = guided(model, scale) if scale != 1 else model
                found = [grade(judge, draw(chosen, schedule, sampler, n), seed, sprites) for seed in SEEDS]
                title = f"{path.stem} | {sampler}, {n}{f', guidance {scale}' if scale != 1 else ''} | {name}"
                print(f"| {title} | {' | '.join(row(found, real))} |", flush=True)


if __name__ == "__main__":
    main()
