"""How long the course's weights take to train: the time of a step, and of all that the recipe takes. Prints a table.

Run it on a quiet machine:  python benchmarks/training.py
"""

import statistics
import time
from itertools import islice, pairwise

import torch

from course_utils import ContextUnet, FromV, cosine_schedule, load_sprites, min_snr, train
from course_utils.training.recipes import BATCH_SIZE, STEPS


def main() -> None:
    schedule = cosine_schedule(500)
    model = FromV(ContextUnet(), schedule)
    run = train(model, *load_sprites(), schedule, steps=STEPS, batch_size=BATCH_SIZE, weight=min_snr(schedule))
    clock = [time.perf_counter() for _ in islice(run, 60)]
    step = statistics.median(later - earlier for earlier, later in pairwise(clock[10:]))  # the first are slower
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(f"{parameters:,} parameters, batches of {BATCH_SIZE}, {torch.get_num_threads()} CPU threads\n")
    print("| work | time |\n|---|---|")
    print(f"| one step | {step:.3f} s |\n| {STEPS:,} steps | {step * STEPS / 60:.0f} minutes |")


if __name__ == "__main__":
    main()
