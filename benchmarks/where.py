"""Where along t is quality lost? Walks of 25 steps in which one part of the times is walked in another way.

In the first table the ideal denoiser, which knows the training sprites by heart, answers in place of the network: above
a time, or from it down. What becomes better there is what the network does not do well. (Nearest training sprite: 0
means recited.) In the second table steps are those of DDPM in one part of the times and of DDIM in the others: where
does fresh noise help? The third says how far the picture in mind, x̂_0, leaves the range of colours on the way.

500 sprites each, the same starts and classes, three seeds of the drawing. Half an hour of one CPU core:

    OMP_NUM_THREADS=1 python benchmarks/where.py weights/sprites.safetensors
"""

import argparse
import os
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import fmean

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

import torch
from exam import row
from torch import Tensor

from course_utils import (
    IdealDenoiser,
    NoiseSchedule,
    ddim_step,
    ddpm_step,
    load_classifier,
    load_model,
    load_sprites,
    sample,
)
from course_utils.diffusion.models import Model
from course_utils.quality.evaluation import SEEDS, floor, grade

STEPS = 25
NOISY = {
    "never (DDIM)": range(0),
    **{f"t from {t + 1} to {t + 100}": range(t + 1, t + 101) for t in range(0, 500, 100)},
    "always (DDPM, respaced)": range(1, 501),
}
Drawer = Callable[[Tensor, torch.Generator], Tensor]
Outside = dict[int, list[float]]


def either(t_high: int, above: Model, below: Model) -> Model:
    """A model that is one of two: `above` beyond t_high, else `below`."""
    return lambda x, t, c: (above if t[0] > t_high else below)(x, t, c)


def mixed_step(
    x: Tensor, eps: Tensor, t: int, t_prev: int, schedule: NoiseSchedule, *, noise: Tensor | None, noisy: range
) -> Tensor:
    """A step of DDPM from the times in `noisy`, of DDIM from others."""
    return ddpm_step(x, eps, t, t_prev, schedule, noise=noise) if t in noisy else ddim_step(x, eps, t, t_prev, schedule)


def drawer(model: Model, schedule: NoiseSchedule, noisy: range, outside: Outside) -> Drawer:
    """What `grade` asks to draw; fills `outside` with how far x̂_0 is from [−1, 1] at each time."""

    def draw(c: Tensor, generator: torch.Generator) -> Tensor:
        x = torch.randn((len(c), 3, 16, 16), generator=generator)
        for at in sample(model, x, schedule.timesteps(STEPS), schedule, partial(mixed_step, noisy=noisy), c, generator):
            outside[at.t].append((at.x0_hat.abs() - 1).clamp(min=0).mean().item())
        return at.x

    return draw


def print_table(title: str, drawers: Mapping[str, Drawer]) -> None:
    judge = load_classifier()
    real = [floor(judge, seed) for seed in SEEDS]
    print(f"| {title} | excess | accuracy | clean | coverage | recall | nearest training sprite |")
    print("|---|---|---|---|---|---|---|")
    for name, draw in drawers.items():
        found = [grade(judge, draw, seed) for seed in SEEDS]
        print(f"| {name} | {' | '.join(row(found, real))} |", flush=True)
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path)
    network, schedule = load_model(parser.parse_args().weights)
    ideal = IdealDenoiser(load_sprites()[0], schedule, load_sprites()[1])
    models = {"network": network}
    for t in (100, 200, 300, 400):
        models |= {f"ideal above {t}, network": either(t, ideal, network)}
        models |= {f"network above {t}, ideal": either(t, network, ideal)}
    never = NOISY["never (DDIM)"]
    print_table(
        "who answers", {who: drawer(model, schedule, never, defaultdict(list)) for who, model in models.items()}
    )
    outside: dict[str, Outside] = {name: defaultdict(list) for name in NOISY}
    print_table("fresh noise", {name: drawer(network, schedule, noisy, outside[name]) for name, noisy in NOISY.items()})
    print(f"| mean distance of x̂_0 from [−1, 1], in thousandths, at t | {' | '.join(NOISY)} |")
    print(f"{'|---' * (len(NOISY) + 1)}|")
    for t in schedule.timesteps(STEPS)[1::4]:
        print(f"| {t} | {' | '.join(f'{1000 * fmean(outside[name][t]):.1f}' for name in NOISY)} |")


if __name__ == "__main__":
    main()
