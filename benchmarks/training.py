"""How long the course's weights take to train: the time of a step, and of all that the recipe takes. Prints a table.

Run it on a quiet machine:  python benchmarks/training.py
"""

import statistics
import time
from itertools import islice, pairwise

import torch

from course_utils import load_sprites, train
from course_utils.training.recipes import SPRITES


def main() -> None:
    recipe = SPRITES
    schedule = recipe.schedule(recipe.T)
    model = recipe.model(schedule, n_context=5)
    run = train(model, *load_sprites(), schedule, steps=recipe.steps, **recipe.settings(schedule))
    clock = [time.perf_counter() for _ in islice(run, 60)]
    step = statistics.median(later - earlier for earlier, later in pairwise(clock[10:]))  # the first are slower
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(f"{parameters:,} parameters, batches of {recipe.batch_size}, {torch.get_num_threads()} CPU threads\n")
    print("| work | time |\n|---|---|")
    print(f"| one step | {step:.3f} s |\n| {recipe.steps:,} steps | {step * recipe.steps / 60:.0f} minutes |")


if __name__ == "__main__":
    main()
