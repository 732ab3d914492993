"""How weights are made: one run from sprites to five files, which may be stopped at any moment and go on later.

What a step of training is stands in `training`, what a file of weights holds in `checkpoints`, and what is told about
them in `cards`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..diffusion.schedules import NoiseSchedule, cosine_schedule, linear_schedule, quadratic_schedule, sigmoid_schedule

STEPS, BATCH_SIZE, LEARNING_RATE, N_FEATURES = 20_000, 32, 3e-3, 32


SCHEDULES: dict[str, Callable[[int], NoiseSchedule]] = {
    "linear": linear_schedule,
    "quadratic": quadratic_schedule,
    "cosine": cosine_schedule,
    "sigmoid": sigmoid_schedule,
}


class Recipe(NamedTuple):
    """All that decides what the weights become.

    Attributes:
        data: where the sprites are, as `load_sprites` takes it; nothing for those of the course.
        cell: side of a sprite, if `data` is a sheet.
        steps: how many batches to learn from, at least 50; nothing for `STEPS`.
        minutes: instead of steps, for about how long. A few steps are timed, and from then on their number is settled.
        n_features: width of the network, a multiple of 8.
        schedule: a name from `SCHEDULES`.
        seed: of every random choice.
    """

    data: Path | None = None
    cell: int | None = None
    steps: int | None = None
    minutes: float | None = None
    n_features: int = N_FEATURES
    schedule: str = "cosine"
    seed: int = 0
