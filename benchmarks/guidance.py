"""What guidance gives and what it takes: the quality of 500 sprites for each guidance scale, on three seeds.

Prints a table and writes data/guidance.csv, which notebook 05 draws. About a quarter of an hour on one CPU core:
OMP_NUM_THREADS=1 python benchmarks/guidance.py
"""

import csv
import os
from collections import defaultdict
from itertools import product
from pathlib import Path

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

import torch
from exam import row
from torch import Tensor

from course_utils import guided, load_classifier, load_pretrained, sample_ddim
from course_utils.quality.evaluation import SEEDS, floor, grade
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
    part, found = FILE.with_suffix(".part"), defaultdict(list)
    with part.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ["guidance_scale", "seed", *Quality._fields], lineterminator="\n")
        table.writeheader()
        for scale, seed in product(SCALES, SEEDS):
            found[scale].append(measure(scale, seed))
            quality = {name: f"{number:.4f}" for name, number in found[scale][-1]._asdict().items()}
            table.writerow({"guidance_scale": scale, "seed": seed, **quality})
            file.flush()
    part.replace(FILE)
    real = [floor(load_classifier(), seed) for seed in SEEDS]
    print("500 sprites, DDIM with 25 steps, mean ± standard deviation of three seeds\n")
    print("| guidance scale | excess | accuracy | clean | coverage | recall | nearest training sprite |")
    print("|---|---|---|---|---|---|---|")
    for scale, qualities in found.items():
        print(f"| {scale:g} | {' | '.join(row(qualities, real))} |")


if __name__ == "__main__":
    main()
