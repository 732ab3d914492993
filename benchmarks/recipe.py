"""The classic lab recipe beside ours, from nothing, at equal CPU time: a table, a picture, and the time each takes.

Both learn from the same sprites, draw the same classes from the same starts with 25 steps of DDIM, x̂_0 clipped to the
range of colours (the classic one needs that), and are asked the same questions. A minute is one of two cores, 120 CPU
seconds, so waiting does not count; the learning rate of each training falls to 0 within its time.
Each number is the mean over trainings, one for each seed. Times of drawing are not counted.

    OMP_NUM_THREADS=1 python benchmarks/recipe.py --minutes 0.5 1 3 10 --seeds 0 1 2 --picture recipe.png
    OMP_NUM_THREADS=1 python benchmarks/recipe.py --recipes classic --minutes 30 90 --seeds 0
"""

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean, median

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

import torch
from torch import Tensor, nn

from course_utils import clipped, load_classifier, load_sprites, sample_ddim, show_images, train
from course_utils.quality.evaluation import floor, grade
from course_utils.quality.metrics import Quality
from course_utils.training.recipes import RECIPES, Recipe

ACCURATE, CLEAN = 0.8, 0.5
"""What a training has to reach for the line at the end: share of sprites of the right class, share of clean ones."""


def run(recipe: Recipe, steps: int, images: Tensor, contexts: Tensor) -> Iterator[nn.Module]:
    """The network to draw with after each step of a training by a recipe."""
    schedule = recipe.schedule(recipe.T)
    torch.manual_seed(recipe.seed)
    model, generator = recipe.model(schedule, contexts.shape[1]), torch.Generator().manual_seed(recipe.seed)
    learning = train(model, images, contexts, schedule, steps=steps, generator=generator, **recipe.settings(schedule))
    for progress in learning:
        yield progress.averaged


def costs(names: Sequence[str], images: Tensor, contexts: Tensor) -> dict[str, float]:
    """CPU seconds of a step of each recipe, by the clock of all in turn: the median of fifteen."""
    trials = {name: run(RECIPES[name], 1000, images, contexts) for name in names}
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(18):
        for name, trial in trials.items():
            start = time.process_time()
            next(trial)
            times[name].append(time.process_time() - start)
    return {name: median(taken[3:]) for name, taken in times.items()}  # the first are slower


def examined(recipe: Recipe, steps: int, images: Tensor, contexts: Tensor) -> tuple[float, Quality, Tensor]:
    """How many CPU minutes a training of so many steps took, what the judge says of it, and sprites that it draws."""
    start = time.process_time()
    *_, model = run(recipe, steps, images, contexts)
    minutes = (time.process_time() - start) / 60
    schedule, drawn = recipe.schedule(recipe.T), []

    def draw(c: Tensor, generator: torch.Generator) -> Tensor:
        shape = (len(c), 3, 16, 16)
        drawn.append(sample_ddim(clipped(model.eval(), schedule), shape, schedule, 25, c, generator=generator))
        return drawn[0]

    return minutes, grade(load_classifier(), draw, recipe.seed), drawn[0]


def cells(found: Sequence[Quality], real: Sequence[Quality]) -> list[str]:
    """Means over trainings, and in brackets the smallest and the largest."""
    excess = [a.frechet_distance - b.frechet_distance for a, b in zip(found, real, strict=True)]
    _, accuracy, clean, _, recall, _ = zip(*found, strict=True)
    text = [f"{fmean(excess):.1f} ({min(excess):.1f} … {max(excess):.1f})"]
    return text + [f"{fmean(x):.0%} ({min(x):.0%} … {max(x):.0%})" for x in (accuracy, clean, recall)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--minutes", type=float, nargs="+", default=[0.5, 1, 3, 10])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--picture",
        type=Path,
        help="also write a picture with ten sprites of each row, by the first seed, to this file",
    )
    given = parser.parse_args()
    images, contexts = load_sprites()
    real = [floor(load_classifier(), seed) for seed in given.seeds]
    step = costs(given.recipes, images, contexts)
    print(
        "| recipe | minutes | CPU seconds a step | steps | CPU minutes | excess | context accuracy | clean | recall |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    enough, rows = {}, {}
    for minutes in sorted(given.minutes):
        for name in given.recipes:
            steps, found, spent = int(120 * minutes / step[name]), [], []
            for seed in given.seeds:
                cpu, quality, drawn = examined(RECIPES[name]._replace(seed=seed), steps, images, contexts)
                found.append(quality)
                spent.append(cpu)
                rows.setdefault(f"{name}, {minutes:g} min", drawn[:10])
            planned = f"{minutes:g} | {step[name]:.3f} | {steps:,} | {fmean(spent):.1f}"
            print(f"| {name} | {planned} | {' | '.join(cells(found, real))} |", flush=True)
            accuracy, clean = (fmean(getattr(x, key) for x in found) for key in ("context_accuracy", "clean_share"))
            if accuracy >= ACCURATE and clean >= CLEAN:
                enough.setdefault(name, minutes)
    if given.picture:
        picture = show_images(torch.cat(list(rows.values())), columns=10, row_titles=list(rows))
        given.picture.write_bytes(picture.png())
    print()
    for name in given.recipes:
        shorter = [minutes for minutes in sorted(given.minutes) if minutes < enough.get(name, float("inf"))]
        reached = f"in {enough[name]:g} minutes" if name in enough else "not reached"
        not_in = f", not in {shorter[-1]:g}" if shorter else ""
        print(f"{ACCURATE:.0%} of the right class and {CLEAN:.0%} clean: {name} {reached}{not_in}.")


if __name__ == "__main__":
    main()
