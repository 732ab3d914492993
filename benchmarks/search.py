"""What each choice in the recipe gives at equal CPU time: one change at a time, from nothing. Prints rows of a table.

Each variant trains for the same CPU seconds, with a learning rate that falls to 0 in that time, then draws 500 sprites
with DDIM, 25 steps. Several processes may run side by side, with one thread each:

    OMP_NUM_THREADS=1 python benchmarks/search.py --seconds 120 base "32 features" …
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

import torch
from torch import Tensor

from course_utils import (
    ContextUnet,
    FromV,
    FromX0,
    NoiseSchedule,
    Progress,
    cosine_schedule,
    linear_schedule,
    load_classifier,
    load_sprites,
    min_snr,
    sample_ddim,
    train,
)
from course_utils.quality.metrics import Quality, measure

Weight = Callable[[NoiseSchedule], Tensor | None]


def error_of_v(schedule: NoiseSchedule) -> Tensor:
    return 1 / schedule.alpha_bar


def error_of_x0(schedule: NoiseSchedule) -> Tensor:
    return 1 / schedule.snr


def error_of_eps(schedule: NoiseSchedule) -> None:
    return None


def as_it_is(network: ContextUnet, schedule: NoiseSchedule) -> ContextUnet:
    return network


BASE: dict[str, Any] = {
    "n_features": 16,
    "batch_size": 32,
    "learning_rate": 4e-3,
    "predict": FromV,
    "weight": min_snr,
    "schedule": cosine_schedule,
}
VARIANTS: dict[str, dict[str, Any]] = {
    "base": {},
    "linear schedule": {"schedule": linear_schedule},
    "error of v": {"weight": error_of_v},
    "error of ε": {"weight": error_of_eps},
    "linear, error of v": {"schedule": linear_schedule, "weight": error_of_v},
    "linear, predicts ε": {"schedule": linear_schedule, "predict": as_it_is, "weight": error_of_eps},
    "predicts ε": {"predict": as_it_is},
    "predicts x_0, error of x_0": {"predict": FromX0, "weight": error_of_x0},
    "predicts x_0": {"predict": FromX0},
    "24 features": {"n_features": 24},
    "32 features": {"n_features": 32},
    "32 features, batch 16": {"n_features": 32, "batch_size": 16},
    "32 features, batch 64": {"n_features": 32, "batch_size": 64},
    "32 features, 3e-3, predicts x_0, error of x_0": {
        "n_features": 32,
        "learning_rate": 3e-3,
        "predict": FromX0,
        "weight": error_of_x0,
    },
    "linear, error of v, batch 16": {"schedule": linear_schedule, "weight": error_of_v, "batch_size": 16},
    "learning rate 2e-3": {"learning_rate": 2e-3},
    "learning rate 8e-3": {"learning_rate": 8e-3},
}


def quality(choices: Mapping[str, Any], seconds: float, seed: int) -> tuple[int, Quality]:
    """Train one variant for so many CPU seconds; returns its steps and what `measure` finds."""
    made = {**BASE, **choices}
    schedule = made["schedule"](500)
    images, contexts = load_sprites()

    def run(steps: int) -> Iterator[Progress]:
        torch.manual_seed(seed)
        model = made["predict"](ContextUnet(n_features=made["n_features"]), schedule)
        return train(
            model,
            images,
            contexts,
            schedule,
            steps=steps,
            batch_size=made["batch_size"],
            learning_rate=made["learning_rate"],
            weight=made["weight"](schedule),
            generator=torch.Generator().manual_seed(seed),
        )

    trial = run(20)
    next(trial)
    start = time.process_time()
    for _ in islice(trial, 15):
        pass
    steps = int(seconds / ((time.process_time() - start) / 15))
    *_, last = run(steps)
    wanted = torch.eye(5)[torch.arange(500) % 5]
    drawn = sample_ddim(
        last.averaged.eval(), (500, 3, 16, 16), schedule, 25, wanted, generator=torch.Generator().manual_seed(seed)
    )
    return steps, measure(load_classifier(), drawn.clamp(-1, 1), wanted, load_sprites(split="test")[0][:500], images)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("variants", nargs="*", default=list(VARIANTS))
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for name in given.variants:
        steps, found = quality(VARIANTS[name], given.seconds, given.seed)
        shares = (found.context_accuracy, found.clean_share, found.recall)
        numbers = " | ".join([f"{found.frechet_distance:.1f}", *(f"{share:.0%}" for share in shares)])
        print(f"| {name} | {given.seconds:.0f} | {given.seed} | {steps:,} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
