"""What the choices in training are worth: the same short training with one choice changed at a time, on a few seeds.

Prints a table and writes data/learning.csv, which notebook 04 draws. About a quarter of an hour on one CPU core:
OMP_NUM_THREADS=1 python benchmarks/learning.py
"""

import copy
import csv
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm.auto import tqdm

from course_utils import (
    ContextUnet,
    FromV,
    FromX0,
    NoiseSchedule,
    clipped,
    clipped_snr,
    cosine_schedule,
    drop_context,
    frechet_distance,
    linear_schedule,
    load_classifier,
    load_sprites,
    sample,
)

FILE = Path(__file__).parents[1] / "data" / "learning.csv"
MIN_SNR = partial(clipped_snr, low=0)
SEEDS, STEPS, MARKS = range(3), 400, (100, 200)
N_FEATURES, BATCH_SIZE, LEARNING_RATE, N_DRAWN, N_WALK = 16, 32, 5e-3, 500, 10


def error_of_eps(schedule: NoiseSchedule) -> Tensor:
    return torch.ones_like(schedule.alpha_bar)


def error_of_v(schedule: NoiseSchedule) -> Tensor:
    return 1 / schedule.alpha_bar


def huber(error: Tensor) -> Tensor:
    return F.huber_loss(error, torch.zeros_like(error), reduction="none")


class Choices(NamedTuple):
    """What is chosen in a training.

    Attributes:
        schedule: of noise.
        adapter: makes a model of a network, so it says what the network puts out.
        weight: how much the squared error of ε counts at each time, from a schedule.
        distance: how errors count, after they were multiplied by the root of the weight.
        decay: whether the learning rate falls to 0.
        one_time: whether all images of a batch share one t.
    """

    schedule: NoiseSchedule = cosine_schedule(500)
    adapter: Callable[[nn.Module, NoiseSchedule], nn.Module] = FromX0
    weight: Callable[[NoiseSchedule], Tensor] = clipped_snr
    distance: Callable[[Tensor], Tensor] = Tensor.square
    decay: bool = True
    one_time: bool = False


RUNS = {
    "ours": Choices(),
    "error of ε": Choices(weight=error_of_eps),
    "error of v": Choices(weight=error_of_v),
    "error of x0": Choices(weight=lambda schedule: 1 / schedule.snr),
    "min-SNR": Choices(weight=MIN_SNR),
    "puts out ε, error of ε": Choices(adapter=lambda network, schedule: network, weight=error_of_eps),
    "puts out ε, min-SNR": Choices(adapter=lambda network, schedule: network, weight=MIN_SNR),
    "puts out v, error of v": Choices(adapter=FromV, weight=error_of_v),
    "puts out v, min-SNR": Choices(adapter=FromV, weight=MIN_SNR),
    "linear schedule": Choices(schedule=linear_schedule(500)),
    "L1": Choices(distance=Tensor.abs),
    "Huber": Choices(distance=huber),
    "constant rate": Choices(decay=False),
    "one t a batch": Choices(one_time=True),
}
FOLLOWED = ("ours", "constant rate")
"""Runs that are graded on the way as well, with and without averaging."""


def train(choices: Choices, seed: int, steps: int = STEPS) -> Iterator[tuple[int, nn.Module, nn.Module]]:
    """Train a small network; yield the step, the model and its average after each step.

    But for what is chosen this is `course_utils.train`, in full precision.
    """
    schedule, scale = choices.schedule, choices.weight(choices.schedule).sqrt()
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    images, contexts = load_sprites()
    model = choices.adapter(ContextUnet(n_features=N_FEATURES), schedule)
    average = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.99), fused=True)
    for k in range(steps):
        warm = min(1.0, (k + 1) / (0.05 * steps + 1))
        falling = (1 + math.cos(math.pi * k / steps)) / 2 if choices.decay else 1.0
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * warm * falling
        rows = torch.randint(len(images), (BATCH_SIZE,), generator=generator)
        x0, c = images[rows], drop_context(contexts[rows], 0.1, generator)
        draws = 1 if choices.one_time else BATCH_SIZE
        t = torch.randint(1, schedule.T + 1, (draws,), generator=generator).expand(BATCH_SIZE)
        eps = torch.randn(x0.shape, generator=generator)
        error = schedule.at(scale, t, x0) * (eps - model(schedule.add_noise(x0, t, eps), t, c))
        optimizer.zero_grad()
        choices.distance(error).mean().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            for old, new in zip(average.parameters(), model.parameters(), strict=True):
                old.lerp_(new, max(0.001, 9 / (10 + k)))
        yield k + 1, model, average


class Examiner:
    """Grades models on the same held-out sprites with the same noise, and by what they draw from the same starts."""

    def __init__(self) -> None:
        self.judge, generator = load_classifier(), torch.Generator().manual_seed(0)
        images, contexts = load_sprites(split="test")
        self.x0, self.c = images[:N_DRAWN], contexts[:N_DRAWN]
        self.eps, self.x_T = torch.randn((2, *self.x0.shape), generator=generator)
        self.real = self.judge.features(images[N_DRAWN:])
        self.floor = frechet_distance(self.judge.features(self.x0), self.real)

    def grade(self, model: nn.Module, schedule: NoiseSchedule) -> dict[str, str]:
        """The mean squared errors of ε and of x_0, and the Fréchet distance of what it draws with DDIM in 10 steps.

        The picture in mind is clipped to [−1, 1] at every step: at the first one of the cosine schedule, what puts out
        ε is off by factors of thousands.
        """
        t = torch.linspace(1, schedule.T, N_DRAWN).long()
        with torch.no_grad():
            x_t = schedule.add_noise(self.x0, t, self.eps)
            eps_hat = model(x_t, t, self.c)
            errors = self.eps - eps_hat, self.x0 - schedule.predict_x0(x_t, t, eps_hat)
        *_, last = sample(clipped(model, schedule), self.x_T, schedule.timesteps(N_WALK), schedule, c=self.c)
        distance = frechet_distance(self.judge.features(last.x), self.real)
        of_eps, of_x0 = (f"{error.square().mean():.4f}" for error in errors)
        return {"error_eps": of_eps, "error_x0": of_x0, "frechet": f"{distance:.2f}"}


def rows(examiner: Examiner) -> Iterator[dict[str, str | int]]:
    """Train each way with each seed, and yield a row whenever a model is graded."""
    yield {"run": "real sprites", "frechet": f"{examiner.floor:.2f}"}
    for seed in SEEDS:
        for name, choices in RUNS.items():
            for step, model, average in tqdm(train(choices, seed), f"{name}, seed {seed}", STEPS):
                if step == STEPS or (step in MARKS and name in FOLLOWED):
                    graded = {"raw": model, "averaged": average} if name in FOLLOWED else {"averaged": average}
                    for weights, kept in graded.items():
                        found = examiner.grade(kept, choices.schedule)
                        yield {"run": name, "seed": seed, "step": step, "weights": weights, **found}


def main() -> None:
    fields, found = ["run", "seed", "step", "weights", "error_eps", "error_x0", "frechet"], []
    part = FILE.with_suffix(".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, fields, restval="", lineterminator="\n")
        table.writeheader()
        for row in rows(Examiner()):
            table.writerow(row)
            file.flush()
            found.append(row)
    part.replace(FILE)
    print_table(found)


def print_table(found: Sequence[Mapping[str, str | int]]) -> None:
    """The end of each run, as Markdown: the excess of the Fréchet distance over that of real sprites."""
    floor = float(found[0]["frechet"])
    print(f"After {STEPS} steps, {len(SEEDS)} trainings with a seed each; real sprites have a distance of {floor}\n")
    print("| run | weights | error of ε | error of x_0 | excess, each training |\n|---|---|---|---|---|")
    for name, weights in product(RUNS, ("raw", "averaged")):
        ends = [r for r in found[1:] if (r["run"], r["step"], r["weights"]) == (name, STEPS, weights)]
        if ends:
            excess = [float(row["frechet"]) - floor for row in ends]
            seeds = ", ".join(f"{number:.1f}" for number in excess)
            errors = [f"{fmean(float(row[error]) for row in ends):.3f}" for error in ("error_eps", "error_x0")]
            print(f"| {name} | {weights} | {' | '.join(errors)} | {fmean(excess):.1f} ({seeds}) |")


if __name__ == "__main__":
    main()
