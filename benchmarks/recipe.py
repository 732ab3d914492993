"""The classic lab recipe beside ours, from nothing, at equal CPU time: a table, a picture, and how much sooner ours is.

Both learn from the same sprites, draw with the same sampler and are asked the same questions. A minute is one of two
cores, 120 CPU seconds, so other work on the machine disturbs nobody; the learning rate of each run falls to 0 within
its time. Times of drawing are not counted.

    OMP_NUM_THREADS=1 python benchmarks/recipe.py --minutes 0.5 1 3 10 --picture recipe.png
"""

import argparse
import os
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

import torch
from torch import Tensor, nn

from course_utils import load_classifier, load_sprites, sample_ddim, show_images, train
from course_utils.quality.metrics import measure
from course_utils.training.recipes import RECIPES, Recipe

DRAWN = 500


def run(recipe: Recipe, steps: int, images: Tensor, contexts: Tensor) -> Iterator[nn.Module]:
    """The network to draw with after each step of a training by a recipe."""
    schedule = recipe.schedule(recipe.T)
    torch.manual_seed(recipe.seed)
    model, generator = recipe.model(schedule, contexts.shape[1]), torch.Generator().manual_seed(recipe.seed)
    learning = train(model, images, contexts, schedule, steps=steps, generator=generator, **recipe.settings(schedule))
    for progress in learning:
        yield progress.averaged


def trained(recipe: Recipe, minutes: float, images: Tensor, contexts: Tensor) -> tuple[nn.Module, int]:
    """A network after so many minutes of two cores, in eval mode, and how many steps it took."""
    trial = run(recipe, 1000, images, contexts)
    for _ in islice(trial, 3):  # the first steps are slower
        pass
    start = time.process_time()
    for _ in islice(trial, 12):
        pass
    steps = int(120 * minutes * 12 / (time.process_time() - start))
    *_, model = run(recipe, steps, images, contexts)
    return model.eval(), steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, nargs="+", default=[0.5, 1, 3, 10])
    parser.add_argument("--picture", type=Path, help="also write a picture with ten sprites of each run to this file")
    given = parser.parse_args()
    images, contexts = load_sprites()
    held_out, judge = load_sprites(split="test")[0][:DRAWN], load_classifier()
    wanted = torch.eye(5)[torch.arange(DRAWN) % 5]
    print(f"{DRAWN} sprites by DDIM, 25 steps, seed 0\n")
    print("| recipe | minutes | steps | Fréchet distance | context accuracy | clean | recall |")
    print("|---|---|---|---|---|---|---|")
    distance, rows = {}, {}
    for minutes in given.minutes:
        for name, recipe in RECIPES.items():
            model, steps = trained(recipe, minutes, images, contexts)
            schedule, generator = recipe.schedule(recipe.T), torch.Generator().manual_seed(0)
            drawn = sample_ddim(model, (DRAWN, 3, 16, 16), schedule, 25, wanted, generator=generator).clamp(-1, 1)
            found = measure(judge, drawn, wanted, held_out, images)
            distance[name, minutes] = found.frechet_distance
            rows[f"{name}, {minutes:g} min"] = drawn[:10]
            shares = (found.context_accuracy, found.clean_share, found.recall)
            numbers = " | ".join([f"{found.frechet_distance:.1f}", *(f"{share:.0%}" for share in shares)])
            print(f"| {name} | {minutes:g} | {steps:,} | {numbers} |", flush=True)
    if given.picture:
        picture = show_images(torch.cat(list(rows.values())), columns=10, row_titles=list(rows))
        given.picture.write_bytes(picture.png())

    longest = max(given.minutes)
    enough = [m for m in sorted(given.minutes) if distance["sprites", m] <= distance["classic", longest]]
    print()
    if enough:
        more = "at least " if enough[0] == min(given.minutes) else ""
        print(f"What the classic recipe reaches in {longest:g} minutes, ours reaches in {enough[0]:g}: ", end="")
        print(f"{more}{longest / enough[0]:.0f} times sooner.")
    else:
        print(f"Ours did not reach in {longest:g} minutes what the classic recipe did.")


if __name__ == "__main__":
    main()
