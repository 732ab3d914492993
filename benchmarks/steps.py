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
from course_utils.diffusion.models import Model
from course_utils.quality.evaluation import SEEDS, N, floor, grade
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
PAIR = ("DDPM, respaced", "DDIM")
RUNS = [*product(STEPS, WALKS), *product((500,), PAIR)]
"""Numbers of steps and samplers. With all 500 steps nothing is skipped, and the solver has arrived long before."""


def draw(model: Model, schedule: NoiseSchedule, sampler: str, n: int) -> Callable[[Tensor, torch.Generator], Tensor]:
    """What `grade` asks to draw: the walk of a sampler in n steps."""

    def run(c: Tensor, generator: torch.Generator) -> Tensor:
        x = torch.randn((len(c), 3, 16, 16), generator=generator)
        walk = WALKS[sampler](model, x, schedule.timesteps(n), schedule, c=c, generator=generator)
        return deque(walk, maxlen=1).pop().x  # all 500 steps of 500 sprites would fill a gigabyte

    return run


def main() -> None:
    part, found = FILE.with_suffix(".part"), []
    (model, schedule), judge = load_pretrained("sprites"), load_classifier()
    with part.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ["sampler", "steps", "seed", *Quality._fields], lineterminator="\n")
        table.writeheader()
        for (n, sampler), seed in product(RUNS, SEEDS):
            measured = grade(judge, draw(model, schedule, sampler, n), seed)
            quality = {name: f"{number:.4f}" for name, number in measured._asdict().items()}
            found.append({"sampler": sampler, "steps": n, "seed": seed, **quality})
            table.writerow(found[-1])
            file.flush()
    part.replace(FILE)
    print_table(found)


def print_table(found: Sequence[Mapping[str, Any]]) -> None:
    """The excess over real sprites as Markdown, and how far samplers are apart, in pairs of the same starts."""
    columns: dict[tuple[str, int, str], list[float]] = defaultdict(list)
    for row, name in product(found, Quality._fields):  # seeds come in the same order everywhere
        columns[row["sampler"], row["steps"], name].append(float(row[name]))
    judge = load_classifier()
    real = [floor(judge, seed).frechet_distance for seed in SEEDS]
    print(f"Excess of the Fréchet distance of {N} sprites over that of real ones (in brackets: over DDPM, 500 steps)\n")
    print(f"| steps | {' | '.join(WALKS)} |\n{'|---' * (len(WALKS) + 1)}|")
    full = columns["DDPM, respaced", 500, "frechet_distance"]
    for n in dict(RUNS):
        distances = [columns.get((sampler, n, "frechet_distance")) for sampler in WALKS]
        cells = [f"{apart(x, real)} ({apart(x, full)})" if x else "" for x in distances]
        print(f"| {n} | {' | '.join(cells)} |")
    print("\nRespaced DDPM less DDIM\n")
    print(f"| steps | {' | '.join(Quality._fields)} |\n{'|---' * (len(Quality._fields) + 1)}|")
    for n in dict(RUNS):
        pairs = [[columns[s, n, name] for s in PAIR] for name in Quality._fields]
        print(f"| {n} | {' | '.join(apart(*pair, digits=3) for pair in pairs)} |")


def apart(numbers: Sequence[float], others: Sequence[float], digits: int = 1) -> str:
    """Mean and standard deviation of the differences of pairs."""
    differences = [a - b for a, b in zip(numbers, others, strict=True)]
    return f"{fmean(differences):.{digits}f} ± {stdev(differences):.{digits}f}"


if __name__ == "__main__":
    main()
