"""What guidance gives and what it takes: the quality of 500 sprites for each guidance scale, on three seeds.

Prints a table and writes data/guidance.csv, which notebook 05 draws. About a quarter of an hour on one CPU core:
OMP_NUM_THREADS=1 python benchmarks/guidance.py
"""

import csv
import os
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

import torch
from torch import Tensor

from course_utils import guided, load_classifier, load_pretrained, sample_ddim
from course_utils.quality.evaluation import SEEDS, grade
from course_utils.quality.metrics import Quality

FILE = Path(__file__).parents[1] / "data" / "guidance.csv"
SCALES = (0, 0.5, 1, 1.5, 2, 3, 4, 6, 8)


def measure(scale: float, seed: int) -> Quality:
    model, schedule = load_pretrained("sprites")

    def draw(contexts: Tensor, generator: torch.Generator) -> Tensor:
        chosen = guided(model, scale)
        return sample_ddim(chosen, (len(contexts), 3, 16, 16), schedule, 25, contexts, generator=generator)

    return grade(load_classifier(), draw, seed)


def main() -> None:
    part, found = FILE.with_suffix(".part"), []
    with part.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ["guidance_scale", "seed", *Quality._fields], lineterminator="\n")
        table.writeheader()
        for scale, seed in product(SCALES, SEEDS):
            quality = {name: f"{number:.4f}" for name, number in measure(scale, seed)._asdict().items()}
            found.append({"guidance_scale": scale, "seed": seed, **quality})
            table.writerow(found[-1])
            file.flush()
    part.replace(FILE)
    print_table(found)


def print_table(found: Sequence[Mapping[str, Any]]) -> None:
    """Mean ± standard deviation over the seeds, as Markdown."""
    print("500 sprites, DDIM with 25 steps, mean ± standard deviation of three seeds\n")
    titles = ("guidance scale", "Fréchet distance", "context accuracy", "clean", "coverage", "recall")
    print(f"| {' | '.join(titles)} |\n{'|---' * len(titles)}|")
    for scale in SCALES:
        rows = [row for row in found if row["guidance_scale"] == scale]
        numbers = {name: [float(row[name]) for row in rows] for name in Quality._fields}
        shares = ("context_accuracy", "clean_share", "coverage", "recall")
        cells = [f"{fmean(numbers[name]):.0%} ± {stdev(numbers[name]):.0%}" for name in shares]
        frechet = numbers["frechet_distance"]
        print(f"| {scale:g} | {fmean(frechet):.1f} ± {stdev(frechet):.1f} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
