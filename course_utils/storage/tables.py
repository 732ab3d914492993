"""Tables of numbers that the scripts in `benchmarks/` have measured, for notebooks to draw; none are measured here."""

import csv

import torch
from torch import Tensor

from ..networks.broken import ABLATIONS
from .shipped import shipped_by_name


def read_rows(table: str) -> list[dict[str, str]]:
    """The rows of a table in `data/`, which is named without its ending.

    Raises FileNotFoundError for a table that does not exist, and ValueError for one that is damaged.
    """
    with shipped_by_name("table", table, "data", ".csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def load_table(table: str, over: str, column: str, **where: str) -> tuple[Tensor, Tensor]:
    """One curve of a table in `data/`, with a repetition for each seed.

    Args:
        table: its name without ending, such as "steps": `benchmarks/steps.py` says what was measured and how.
        over: the column of the x values.
        column: the column of the y values.
        where: values of other columns that choose rows, such as `sampler="DDIM"`.

    Returns the x values in rising order, shape (N,), and the y values, shape (seeds, N), NaN where a cell is empty.
    Raises FileNotFoundError for a table that does not exist, and ValueError for one that is damaged, for columns that
    it has not and for rows that do not make a curve.
    """
    rows = read_rows(table)
    asked, there = [over, column, *where, "seed"], [*rows[0]]
    if wrong := dict.fromkeys(name for name in asked if name not in there or asked.count(name) > 1):
        wanted = f"different columns of {table}, beside seed"
        raise ValueError(f"over, column and where must be {wanted}, got {', '.join(wrong)}; it has {', '.join(there)}")
    rows = [row for row in rows if where.items() <= row.items()]
    try:
        chosen = {(row["seed"], float(row[over])): float(row[column] or "nan") for row in rows}
    except ValueError as error:
        raise ValueError(f"over and column must be columns of numbers in {table}: {error}") from error
    seeds, x = sorted({seed for seed, _ in chosen}), sorted({at for _, at in chosen})
    if not rows or not len(rows) == len(chosen) == len(seeds) * len(x):
        raise ValueError(f"{table} must have one row for each seed and {over} where {where}, got {len(rows)} rows")
    return torch.tensor(x), torch.tensor([[chosen[seed, at] for at in x] for seed in seeds])


def load_ablations(column: str = "loss") -> tuple[Tensor, dict[str, Tensor]]:
    """What `benchmarks/ablations.py` measured: errors of x_0 on held-out sprites, for each network and seed.

    Args:
        column: "loss" at all times, or at "low", "middle" or "high" ones, in eval mode; or, at the last step only and
            in training mode, "own_mixed" with batches of all times and "own_alike" with batches of nearly one time.

    Returns the steps, shape (N,), and for each network the errors, shape (seeds, N). Raises what `load_table` does.
    """
    curves = {name: load_table("ablations", "step", column, network=name) for name in ABLATIONS}
    steps, _ = curves["whole"]
    return steps, {name: errors for name, (_, errors) in curves.items()}
