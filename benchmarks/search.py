"""What each choice in the recipe gives at equal cost: one change at a time, from nothing. Prints rows of a table.

Each variant trains for what `--steps` steps of the base cost, by the clock of both in turn in one run, and its learning
rate falls to 0 in that time. It draws 500 sprites in 25 steps, with DDIM and with respaced DDPM. The judge is the
second one and the sprites are fresh: what is published is asked of the first. Run one process on each core:

    python benchmarks/second_judge.py --out second.safetensors
    OMP_NUM_THREADS=1 python benchmarks/search.py --second second.safetensors --steps 900 base "24 features" …
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

from course_utils import FromV, FromX0, NoiseSchedule, Progress, linear_schedule, load_sprites, min_snr, train
from course_utils.quality.evaluation import floor, grade
from course_utils.training.loop import ADAMW
from course_utils.training.recipes import SPRITES, Recipe

SAMPLERS = ("DDIM", "DDPM, respaced")


def error_of_x0(schedule: NoiseSchedule) -> Tensor:
    return 1 / schedule.snr


def error_of_v(schedule: NoiseSchedule) -> Tensor:
    return 1 / schedule.alpha_bar


def x0_more_at_little_noise(schedule: NoiseSchedule) -> Tensor:
    return schedule.snr.clamp(1, 5) / schedule.snr


def x0_less_at_the_ends(schedule: NoiseSchedule) -> Tensor:
    t = torch.arange(schedule.T + 1) / schedule.T
    return (0.4 + 1.2 * (1 - (2 * t - 1).abs())) / schedule.snr


MUON = ADAMW._replace(optimizer=Muon)
VARIANTS: dict[str, Recipe] = {
    "base": SPRITES,
    "puts out v": SPRITES._replace(predicts=FromV),
    "puts out ε": SPRITES._replace(predicts=None),
    "puts out x_0, min-SNR": SPRITES._replace(predicts=FromX0, weight=min_snr),
    "puts out x_0, error of x_0": SPRITES._replace(predicts=FromX0, weight=error_of_x0),
    "puts out v, min-SNR": SPRITES._replace(predicts=FromV, weight=min_snr),
    "puts out v, error of v": SPRITES._replace(predicts=FromV, weight=error_of_v),
    "error of x_0, more at little noise": SPRITES._replace(weight=x0_more_at_little_noise),
    "error of x_0, less at the ends": SPRITES._replace(weight=x0_less_at_the_ends),
    "linear schedule": SPRITES._replace(schedule=linear_schedule),
    "16 features": SPRITES._replace(n_features=16),
    "24 features": SPRITES._replace(n_features=24),
    "48 features": SPRITES._replace(n_features=48),
    "batch 16": SPRITES._replace(batch_size=16),
    "batch 64": SPRITES._replace(batch_size=64),
    "learning rate 1.5e-3": SPRITES._replace(learning_rate=1.5e-3),
    "learning rate 6e-3": SPRITES._replace(learning_rate=6e-3),
    "Muon": SPRITES._replace(optimization=MUON),
    "patches": SPRITES._replace(network=PatchUnet, n_features=48),
    "patches, 64 features": SPRITES._replace(network=PatchUnet, n_features=64),
    "patches, positions": SPRITES._replace(network=partial(PatchUnet, positions=True), n_features=48),
    "patches, positions, attention": SPRITES._replace(
        network=partial(PatchUnet, positions=True, attention=True), n_features=48
    ),
    "patches, Muon": SPRITES._replace(network=PatchUnet, n_features=48, optimization=MUON),
}


def run(recipe: Recipe, steps: int, seed: int) -> Iterator[Progress]:
    schedule = recipe.schedule(recipe.T)
    torch.manual_seed(seed)
    model, generator = recipe.model(schedule, n_context=5), torch.Generator().manual_seed(seed)
    yield from train(model, *load_sprites(), schedule, steps=steps, generator=generator, **recipe.settings(schedule))


def cost(recipe: Recipe) -> float:
    """CPU time of a step, in steps of the base."""
    trials = [run(each, 1000, seed=0) for each in (recipe, SPRITES)]
    times: list[list[float]] = [[], []]
    for _ in range(25):
        for trial, taken in zip(trials, times, strict=True):
            start = time.process_time()
            next(trial)
            taken.append(time.process_time() - start)
    mine, base = (median(taken[3:]) for taken in times)  # the first are slower
    return mine / base


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("variants", nargs="*", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--second", type=Path, required=True, help="what second_judge.py wrote")
    parser.add_argument("--steps", type=int, default=900, help="of the base")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    judge, sprites = load(given.second), fresh_sprites(2000, ASKED_ABOUT)
    real = floor(judge, given.seed, sprites).frechet_distance
    for name in given.variants:
        recipe = VARIANTS[name]
        schedule, steps = recipe.schedule(recipe.T), int(given.steps / cost(recipe))
        *_, last = run(recipe, steps, given.seed)
        cells = []
        for sampler in SAMPLERS:
            found = grade(judge, draw(last.averaged.eval(), schedule, sampler, 25), given.seed, sprites)
            shares = (found.context_accuracy, found.clean_share, found.recall)
            cells.append(" | ".join([f"{found.frechet_distance - real:.1f}", *(f"{share:.0%}" for share in shares)]))
        print(f"| {name} | {given.steps:,} | {given.seed} | {steps:,} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
