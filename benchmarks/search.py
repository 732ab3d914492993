"""What each choice in the recipe gives at equal cost, from nothing. Prints a table.

Each variant trains for what `--steps` steps of the base cost, by the clock of both in turn in one run, and its learning
rate falls to 0 in that time. It draws 500 sprites in 25 steps of DDIM and of respaced DDPM, x̂_0 clipped. The second
judge is asked, about fresh sprites: what is published is asked of the shipped one. Last come the squared errors of x_0
at one look at 500 of these sprites with noise, at the times of `where.py`. Run one process on each core:

    python benchmarks/second_judge.py --out second.safetensors
    OMP_NUM_THREADS=1 python benchmarks/search.py --second second.safetensors --steps 1200 base "24 features" …
"""

import argparse
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

import torch
from second_judge import ASKED_ABOUT, fresh_sprites, load
from steps import draw
from torch import Tensor
from variants import Muon, PatchUnet
from where import LOOKED_AT, one_look

from course_utils import FromV, NoiseSchedule, Progress, clipped, clipped_snr, linear_schedule, load_sprites, train
from course_utils.quality.evaluation import N, floor, grade
from course_utils.training.loop import ADAMW
from course_utils.training.recipes import SPRITES, Recipe

SAMPLERS = ("DDIM", "DDPM, respaced")


def error_of_x0(schedule: NoiseSchedule) -> Tensor:
    return 1 / schedule.snr


def error_of_v(schedule: NoiseSchedule) -> Tensor:
    return 1 / schedule.alpha_bar


def x0_less_at_the_ends(schedule: NoiseSchedule) -> Tensor:
    return (1 / 3 + 2 * (schedule.alpha_bar * (1 - schedule.alpha_bar)).sqrt()) / schedule.snr


def x0_most_at_350(schedule: NoiseSchedule) -> Tensor:
    t = torch.arange(schedule.T + 1) * 500 / schedule.T
    return (0.4 + 1.6 * (-((t - 350) / 80).square()).exp()) / schedule.snr


MIN_SNR = partial(clipped_snr, low=0)
MUON = ADAMW._replace(optimizer=Muon)
PATCHES = SPRITES._replace(network=PatchUnet, n_features=48)
VARIANTS: dict[str, Recipe] = {
    "base": SPRITES,
    "puts out ε, min-SNR": SPRITES._replace(predicts=None, weight=MIN_SNR),
    "puts out v, min-SNR": SPRITES._replace(predicts=FromV, weight=MIN_SNR),
    "puts out v, error of v": SPRITES._replace(predicts=FromV, weight=error_of_v),
    "min-SNR": SPRITES._replace(weight=MIN_SNR),
    "error of x_0": SPRITES._replace(weight=error_of_x0),
    "error of x_0, less at the ends": SPRITES._replace(weight=x0_less_at_the_ends),
    "error of x_0, most at t = 350": SPRITES._replace(weight=x0_most_at_350),
    "linear schedule": SPRITES._replace(schedule=linear_schedule),
    "16 features": SPRITES._replace(n_features=16),
    "24 features": SPRITES._replace(n_features=24),
    "48 features": SPRITES._replace(n_features=48),
    "batch 16": SPRITES._replace(batch_size=16),
    "batch 64": SPRITES._replace(batch_size=64),
    "learning rate 1.5e-3": SPRITES._replace(learning_rate=1.5e-3),
    "learning rate 6e-3": SPRITES._replace(learning_rate=6e-3),
    "Muon": SPRITES._replace(optimization=MUON),
    "patches, 48 features": PATCHES,
    "patches, 64 features": PATCHES._replace(n_features=64),
    "patches, 48 features, positions": PATCHES._replace(network=partial(PatchUnet, positions=True)),
    "patches, 48 features, attention": PATCHES._replace(network=partial(PatchUnet, attention=True)),
    "patches, 48 features, Muon": PATCHES._replace(optimization=MUON),
}
"""What differs from the recipe of the shipped weights, which puts out x_0 with the weights `clipped_snr`."""


def run(recipe: Recipe, steps: int, seed: int) -> Iterator[Progress]:
    schedule = recipe.schedule(recipe.T)
    torch.manual_seed(seed)
    model, generator = recipe.model(schedule, n_context=5), torch.Generator().manual_seed(seed)
    yield from train(model, *load_sprites(), schedule, steps=steps, generator=generator, **recipe.settings(schedule))


def cost(recipe: Recipe) -> float:
    """CPU time of a step, in steps of the base; 1 where a step is the same work, whatever the clock says."""
    works = [(each.network, each.n_features, each.batch_size, each.optimization) for each in (recipe, SPRITES)]
    if works[0] == works[1]:
        return 1.0
    trials = [run(each, 1000, seed=0) for each in (recipe, SPRITES)]
    times: list[list[float]] = [[], []]
    for _ in range(25):
        for trial, taken in zip(trials, times, strict=True):
            start = time.process_time()
            next(trial)
            taken.append(time.process_time() - start)
    return median(mine / base for mine, base in list(zip(*times, strict=True))[3:])  # the first are slower


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("variants", nargs="*", help=f"all, or some of: {', '.join(VARIANTS)}")
    parser.add_argument("--second", type=Path, required=True, help="what second_judge.py wrote")
    parser.add_argument("--steps", type=int, default=1200, help="of the base")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if unknown := set(given.variants) - set(VARIANTS):
        parser.error(f"no such variant: {', '.join(sorted(unknown))}")
    judge, sprites = load(given.second), fresh_sprites(2000, ASKED_ABOUT)
    real, (x0, c) = floor(judge, given.seed, sprites).frechet_distance, (part[:N] for part in sprites)
    grades = " | ".join(f"{sampler}: excess | accuracy | clean | recall" for sampler in SAMPLERS)
    errors = f"squared error of x_0, in thousandths, at t = {LOOKED_AT}"
    print(f"| variant | steps of the base | seed | steps | {grades} | {errors} |")
    print("|---" * 13 + "|")
    for name in given.variants or VARIANTS:
        recipe = VARIANTS[name]
        schedule, steps = recipe.schedule(recipe.T), int(given.steps / cost(recipe))
        *_, last = run(recipe, steps, given.seed)
        cells = []
        for sampler in SAMPLERS:
            model = clipped(last.averaged.eval(), schedule)  # what puts out ε needs it at the first step
            found = grade(judge, draw(model, schedule, sampler, 25), given.seed, sprites)
            shares = (found.context_accuracy, found.clean_share, found.recall)
            cells.append(" | ".join([f"{found.frechet_distance - real:.1f}", *(f"{share:.0%}" for share in shares)]))
        with torch.no_grad():
            looks = one_look(last.averaged.eval(), schedule, x0, c)
            cells.append(", ".join(f"{1000 * (x0_hat - x0).square().mean():.1f}" for _, x0_hat in looks))
        print(f"| {name} | {given.steps:,} | {given.seed} | {steps:,} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
