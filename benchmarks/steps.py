"""How many steps a sampler needs: the quality of 500 sprites with four samplers and several numbers of steps.

The same network, starts and classes for all, on three seeds; nothing is clipped on the way. Prints a table and writes
data/steps.csv, which notebook 06 draws. About an hour and a half on one CPU core:
OMP_NUM_THREADS=1 python benchmarks/steps.py
"""

import csv
import os
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

import torch
from torch import Tensor

from course_utils import (
    NoiseSchedule,
    Step,
    ddim_step,
    ddpm_step,
    dpm_solver,
    load_classifier,
    load_pretrained,
    sample,
)
from course_utils.quality.evaluation import SEEDS, grade
from course_utils.quality.metrics import Quality

FILE = Path(__file__).parents[1] / "data" / "steps.csv"
STEPS = (5, 7, 10, 15, 25, 50, 100)


def single_step(
    x_t: Tensor, eps: Tensor, t: int, t_prev: int, schedule: NoiseSchedule, *, noise: Tensor | None
) -> Tensor:
    """The mistake: the coefficients are those of a step to t − 1, wherever it is said to end."""
    return ddpm_step(x_t, eps, t, t - 1, schedule, noise=noise)


WALKS: dict[str, Callable[..., Iterator[Step]]] = {
    "DPM-Solver++": lambda *given, generator, **c: dpm_solver(*given, **c),
    "DDIM": partial(sample, step=ddim_step),
    "DDPM, respaced": partial(sample, step=ddpm_step),
    "DDPM, skipping": partial(sample, step=single_step),
}
RUNS = [*product(STEPS, WALKS), (500, "DDIM"), (500, "DDPM, respaced")]
"""Numbers of steps and samplers. With all 500 steps nothing is skipped, and a better solver has nothing to gain."""


def measure(sampler: str, n: int, seed: int) -> Quality:
    model, schedule = load_pretrained("sprites")

    def draw(c: Tensor, generator: torch.Generator) -> Tensor:
        x = torch.randn((len(c), 3, 16, 16), generator=generator)
        walk = WALKS[sampler](model, x, schedule.timesteps(n), schedule, c=c, generator=generator)
        return deque(walk, maxlen=1).pop().x  # all 500 steps of 500 sprites would fill a gigabyte

    return grade(load_classifier(), draw, seed)


def main() -> None:
    part, found = FILE.with_suffix(".part"), []
    with part.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ["sampler", "steps", "seed", *Quality._fields], lineterminator="\n")
        table.writeheader()
        for (n, sampler), seed in product(RUNS, SEEDS):
            quality = {name: f"{number:.4f}" for name, number in measure(sampler, n, seed)._asdict().items()}
            found.append({"sampler": sampler, "steps": n, "seed": seed, **quality})
            table.writerow(found[-1])
            file.flush()
    part.replace(FILE)
    print_table(found)


def print_table(found: Sequence[Mapping[str, Any]]) -> None:
    """The Fréchet distance as Markdown: mean ± standard deviation, and how many times that of DDPM with all steps."""
    distances = defaultdict(list)
    for row in found:
        distances[row["steps"], row["sampler"]].append(float(row["frechet_distance"]))
    full = fmean(distances[500, "DDPM, respaced"])
    print("Fréchet distance of 500 sprites, mean ± standard deviation of three seeds (times that of DDPM, 500 steps)\n")
    print(f"| steps | {' | '.join(WALKS)} |\n{'|---' * (len(WALKS) + 1)}|")
    for n in dict(RUNS):
        seeds = [distances.get((n, sampler)) for sampler in WALKS]
        cells = [f"{fmean(x):.1f} ± {stdev(x):.1f} ({fmean(x) / full:.2f})" if x else "" for x in seeds]
        print(f"| {n} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
