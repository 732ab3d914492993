"""What each part of the network is worth: the same short training with one part broken at a time, on a few seeds.

Prints tables and writes data/ablations.csv, which notebook 03 draws. It takes a quarter of an hour on one CPU core:
OMP_NUM_THREADS=1 python benchmarks/ablations.py
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor
from tqdm.auto import tqdm

from course_utils import ContextUnet, FromV, FromX0, Progress, clipped_snr, cosine_schedule, load_sprites, train
from course_utils.networks.broken import ABLATIONS

FILE = Path(__file__).parents[1] / "data" / "ablations.csv"
SEEDS, STEPS, MARKS = range(3), 400, (10, 25, 50, 100, 150, 200, 250, 300, 350, 400)
N_FEATURES, BATCH_SIZE, LEARNING_RATE = 16, 64, 3e-3
SCHEDULE = cosine_schedule(500)


def errors(model: FromX0, held_out: Sequence[Tensor], train_mode: bool, order: Tensor) -> Tensor:
    """The squared error of x_0 of each of 1,000 held-out sprites, their times spread evenly; asked 50 at a time."""
    x0, c = held_out
    t, eps = torch.linspace(1, 500, 1000).long(), torch.randn(x0.shape, generator=torch.Generator().manual_seed(0))
    x_t, found = SCHEDULE.add_noise(x0, t, eps), torch.empty(1000)
    model.train(train_mode)
    with torch.no_grad():
        for rows in order.split(50):
            x0_hat = model.network(x_t[rows], t[rows], c[rows])
            found[rows] = (x0[rows] - x0_hat).square().mean((1, 2, 3))
    return found


def held_out_sprites() -> list[Tensor]:
    """The sprites that `errors` asks about, and their contexts."""
    return [tensor[:1000] for tensor in load_sprites(split="test")]


def training(name: str, seed: int, steps: int, adapter: type[FromX0 | FromV] = FromX0) -> Iterator[Progress]:
    """Train one of the networks anew; the seed decides its first weights and all that it is shown."""
    images, contexts = load_sprites()
    torch.manual_seed(seed)  # for the first weights, and for shortcuts that are made on the way
    return train(
        adapter(ABLATIONS[name](ContextUnet(n_features=N_FEATURES)), SCHEDULE),
        images,
        contexts,
        SCHEDULE,
        steps=steps,
        batch_size=BATCH_SIZE,
        learning_rate=LEARNING_RATE,
        weight=clipped_snr(SCHEDULE),
        generator=torch.Generator().manual_seed(seed),
    )


def runs() -> Iterator[dict[str, str | int]]:
    """Train every network with every seed, and yield a row at each mark."""
    held_out = held_out_sprites()
    by_time, mixed = torch.arange(1000), torch.randperm(1000, generator=torch.Generator().manual_seed(1))
    for seed in SEEDS:
        for name in ABLATIONS:
            for progress in tqdm(training(name, seed, STEPS), f"{name}, seed {seed}", STEPS):
                if progress.step not in MARKS:
                    continue
                error = errors(progress.averaged, held_out, False, mixed)
                low, middle, high = (third.mean() for third in error.tensor_split(3))
                row = {"loss": error.mean(), "low": low, "middle": middle, "high": high}
                if progress.step == STEPS:
                    row["own_mixed"] = errors(progress.averaged, held_out, True, mixed).mean()
                    row["own_alike"] = errors(progress.averaged, held_out, True, by_time).mean()
                numbers = {column: f"{number:.4f}" for column, number in row.items()}
                yield {"network": name, "seed": seed, "step": progress.step, **numbers}


def print_table(rows: list[dict[str, str | int]], columns: dict[str, str]) -> None:
    """For each network the mean of some columns over the seeds at the last step, with the smallest and the largest."""
    print("| network | " + " | ".join(columns.values()) + " |\n|---" + "|---" * len(columns) + "|")
    for name in ABLATIONS:
        last = [row for row in rows if row["network"] == name and row["step"] == STEPS]
        numbers = [[float(row[column]) for row in last] for column in columns]
        cells = [f"{fmean(each):.3f} ({min(each):.3f} … {max(each):.3f})" for each in numbers]
        print(f"| {name} | " + " | ".join(cells) + " |")
    print()


def main() -> None:
    rows = list(runs())
    columns = ["network", "seed", "step", "loss", "low", "middle", "high", "own_mixed", "own_alike"]
    with FILE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"Squared error of x_0, held out, after {STEPS} steps: mean of {len(SEEDS)} seeds (smallest … largest)\n")
    print_table(rows, {"loss": "all t", "low": "t to 167", "middle": "168 to 333", "high": "from 334"})
    print("The same, in eval mode and with the statistics of each batch of 50, its times mixed or nearly the same\n")
    print_table(rows, {"loss": "eval mode", "own_mixed": "own statistics, mixed", "own_alike": "own statistics, alike"})


if __name__ == "__main__":
    main()
