"""Where along t does the fresh noise of DDPM help? Walks that are DDPM in one part of the times and DDIM in the others.

500 sprites each, 25 steps, the same starts and classes, three seeds of the drawing. Prints two tables: how good the
sprites are, and how far the network's idea of the clean sprite, x̂_0, leaves the range of colours on the way.

    OMP_NUM_THREADS=1 python benchmarks/noise.py weights/sprites.safetensors
"""

import argparse
import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

import torch
from exam import row
from torch import Tensor

from course_utils import NoiseSchedule, ddim_step, ddpm_step, load_classifier, load_model, sample
from course_utils.diffusion.models import Model
from course_utils.quality.evaluation import SEEDS, floor, grade

STEPS, PARTS = 25, 5
WALKS = {
    "none (DDIM)": range(0),
    **{
        f"t from {100 * part + 1} to {100 * (part + 1)}": range(100 * part + 1, 100 * part + 101)
        for part in range(PARTS)
    },
    "t to 200": range(1, 201),
    "t from 201": range(201, 501),
    "all (DDPM, respaced)": range(1, 501),
}


Drawer = Callable[[Tensor, torch.Generator], Tensor]


def drawer(model: Model, schedule: NoiseSchedule, noisy: range, outside: dict[int, list[float]]) -> Drawer:
    """What `grade` asks to draw; fills `outside` with how far x̂_0 is from [−1, 1] at each time."""

    def step(x: Tensor, eps: Tensor, t: int, t_prev: int, s: NoiseSchedule, *, noise: Tensor | None) -> Tensor:
        return ddpm_step(x, eps, t, t_prev, s, noise=noise) if t in noisy else ddim_step(x, eps, t, t_prev, s)

    def draw(c: Tensor, generator: torch.Generator) -> Tensor:
        x = torch.randn((len(c), 3, 16, 16), generator=generator)
        for at in sample(model, x, schedule.timesteps(STEPS), schedule, step, c, generator):
            outside[at.t].append((at.x0_hat.abs() - 1).clamp(min=0).mean().item())
        return at.x

    return draw


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path)
    model, schedule = load_model(parser.parse_args().weights)
    judge = load_classifier()
    real = [floor(judge, seed) for seed in SEEDS]
    outside: dict[str, dict[int, list[float]]] = {name: defaultdict(list) for name in WALKS}
    print("| fresh noise at | excess | accuracy | clean | coverage | recall | nearest training sprite |")
    print("|---|---|---|---|---|---|---|")
    for name, noisy in WALKS.items():
        found = [grade(judge, drawer(model, schedule, noisy, outside[name]), seed) for seed in SEEDS]
        print(f"| {name} | {' | '.join(row(found, real))} |", flush=True)
    print("\nMean distance of x̂_0 from [−1, 1], in thousandths, where each step arrives\n")
    print(f"| t | {' | '.join(WALKS)} |\n{'|---' * (len(WALKS) + 1)}|")
    for t in schedule.timesteps(STEPS)[1::4]:
        print(f"| {t} | {' | '.join(f'{1000 * fmean(outside[name][t]):.1f}' for name in WALKS)} |")


if __name__ == "__main__":
    main()
