"""Bits for a number of a held-out sprite, by chains of 25, 100 and 500 steps; and what a wrong variance costs, exactly.

The first table is of 250 sprites, with the standard error of their mean; each variance is asked about the same noise.
The best scalar is that of the errors for 500 sprites to train on. The second one is of numbers from two known
distributions, by quadrature: the bound less the entropy. Prints both and writes data/bits.csv and data/gap.csv. About
half an hour on one CPU core: OMP_NUM_THREADS=1 python benchmarks/bits.py
"""

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

import torch
from torch import Tensor

from course_utils import MixtureDenoiser, linear_schedule, load_pretrained, load_sprites
from course_utils.diffusion.exact import entropy, exact_errors, exact_terms, exact_variance
from course_utils.diffusion.likelihood import bits_per_dimension, bound_terms, x0_errors
from course_utils.diffusion.models import Model
from course_utils.diffusion.posterior import best_variance, fixed_large, learned_variance, log_between

DATA = Path(__file__).parents[1] / "data"
N, N_TRAIN, AT_ONCE, STEPS = 250, 500, 125, (25, 100, 500)
CHAINS, T = (4, 10, 25, 100, 1000), 1000
POINTS = {"one Gaussian": ([[0.0]], 0.5), "two modes": ([[-1.0], [1.0]], 0.15)}
"""Means and widths of the known distributions."""


def remembered(model: Model) -> Model:
    """A model that is asked once about each time, for a batch that is the same whenever it is asked about it."""
    answers: dict[int, Tensor] = {}

    def answer(x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        if (key := int(t[0])) not in answers:
            answers[key] = model(x, t, c)
        return answers[key]

    return answer


def bits(networks: Sequence[str] = ("sprites", "likelihood")) -> Iterator[Sequence[object]]:
    """A row for each network, variance and number of steps."""
    images, train = load_sprites(split="test")[0][:N], load_sprites()[0][:N_TRAIN]
    for name in networks:
        model, schedule = load_pretrained(name)
        for steps in STEPS:
            times = schedule.timesteps(steps)
            errors = x0_errors(model, train, times, schedule, generator=torch.Generator().manual_seed(1))
            variances = {"β": fixed_large, "best scalar": best_variance(errors)}
            if name == "likelihood":
                variances["learned"] = learned_variance(model, schedule)
            found: dict[str, list[Tensor]] = {variance: [] for variance in variances}
            for i, x0 in enumerate(images.split(AT_ONCE)):
                asked_once = remembered(model)
                for variance, sigma2 in variances.items():
                    generator = torch.Generator().manual_seed(10 + i)
                    terms = bound_terms(asked_once, x0, times, schedule, sigma2, generator=generator)
                    found[variance].append(bits_per_dimension(terms.sum(0), x0))
            for variance, each in found.items():
                of_all = torch.cat(each)
                yield name, variance, steps, 0, f"{of_all.mean():.4f}", f"{of_all.std() / len(of_all) ** 0.5:.4f}"


def gaps() -> Iterator[Sequence[object]]:
    """A row for each distribution, variance and number of steps."""
    schedule = linear_schedule(T)
    for name, (means, width) in POINTS.items():
        truth = MixtureDenoiser(torch.tensor(means, dtype=torch.float64), schedule, std=width)
        for steps in CHAINS:
            times = [*(1 + round(i * (T - 1) / (steps - 1)) for i in range(steps - 1, -1, -1)), 0]
            variances = {
                "β̃": log_between(0.0),  # 0 in the last step, where β stands in for it
                "β": fixed_large,
                "best scalar": best_variance(exact_errors(truth, times, schedule)),
                "best per x": exact_variance(truth),
            }
            for variance, sigma2 in variances.items():
                gap = exact_terms(truth, truth, times, schedule, sigma2).sum() - entropy(truth)
                yield name, variance, steps, 0, f"{gap:.7f}"


def write(file: Path, titles: Sequence[str], rows: Iterator[Sequence[object]]) -> None:
    """Write a table and print it; the file is replaced when it is complete."""
    part = file.with_suffix(".part")
    print(f"\n| {' | '.join(titles)} |\n{'|---' * len(titles)}|")
    with part.open("w", newline="", encoding="utf-8") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerow(titles)
        for row in rows:
            table.writerow(row)
            print(f"| {' | '.join(map(str, row))} |", flush=True)
    part.replace(file)


def main() -> None:
    write(DATA / "gap.csv", ("data", "variance", "steps", "seed", "gap"), gaps())
    write(DATA / "bits.csv", ("network", "variance", "steps", "seed", "bits", "error"), bits())


if __name__ == "__main__":
    main()
