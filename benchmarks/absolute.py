"""What absolute errors are worth in a short training and in a longer one, beside squared errors, on a few seeds.

Prints a table and writes data/absolute.csv, which notebook 04 reads. About a quarter of an hour on one CPU core:
OMP_NUM_THREADS=1 python benchmarks/absolute.py
"""

import csv
import os
from collections import deque
from itertools import product
from pathlib import Path

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

import torch
from exam import row
from learning import RUNS, SEEDS, train
from torch import Tensor

from course_utils import load_classifier, sample_ddim
from course_utils.quality.evaluation import floor, grade
from course_utils.quality.metrics import Quality

FILE = Path(__file__).parents[1] / "data" / "absolute.csv"
ERRORS = {"squared": RUNS["ours"], "absolute": RUNS["L1"]}
STEPS = (400, 5000)


def measure(errors: str, steps: int, seed: int) -> Quality:
    """Train a small network, and grade 500 sprites that its average draws with DDIM in 25 steps."""
    schedule = ERRORS[errors].schedule
    _, _, average = deque(train(ERRORS[errors], seed, steps), maxlen=1).pop()

    def draw(contexts: Tensor, generator: torch.Generator) -> Tensor:
        return sample_ddim(average, (len(contexts), 3, 16, 16), schedule, 25, contexts, generator=generator)

    return grade(load_classifier(), draw, seed=0)


def main() -> None:
    part, found = FILE.with_suffix(".part"), dict[tuple[str, int], list[Quality]]()
    with part.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ["errors", "steps", "seed", *Quality._fields], lineterminator="\n")
        table.writeheader()
        for steps, errors, seed in product(STEPS, ERRORS, SEEDS):
            quality = measure(errors, steps, seed)
            found.setdefault((errors, steps), []).append(quality)
            numbers = {name: f"{number:.4f}" for name, number in quality._asdict().items()}
            table.writerow({"errors": errors, "steps": steps, "seed": seed, **numbers})
            file.flush()
    part.replace(FILE)
    real = [floor(load_classifier(), 0)] * len(SEEDS)
    print("500 sprites, DDIM with 25 steps, mean ± standard deviation of three trainings\n")
    print("| errors | steps | excess | accuracy | clean | coverage | recall | nearest training sprite |")
    print("|---|---|---|---|---|---|---|---|")
    for (errors, steps), qualities in found.items():
        print(f"| {errors} | {steps:,} | {' | '.join(row(qualities, real))} |")


if __name__ == "__main__":
    main()
