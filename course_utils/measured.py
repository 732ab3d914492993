"""Numbers that the scripts in `benchmarks/` have measured, for notebooks to draw. Nothing is measured here."""

import csv

import torch
from torch import Tensor

from .datasets import shipped


def load_measured(table: str, over: str, column: str, **where: str) -> tuple[Tensor, Tensor]:
    """One curve of a table in `data/`, with a repetition for each seed.

    Args:
        table: its name without ending, such as "steps": `benchmarks/steps.py` says what was measured and how.
        over: the column of the x values.
        column: the column of the y values.
        where: values of other columns that choose rows, such as `sampler="DDIM"`.

    Returns the x values in rising order, shape (N,), and the y values, shape (seeds, N). Raises FileNotFoundError for a
    table that does not exist, and ValueError for columns that it has not and for rows that do not make a curve.
    """
    with shipped(f"data/{table}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if missing := {over, column, "seed", *where} - set(rows[0]):
        raise ValueError(f"{table} has no columns {sorted(missing)}; it has {', '.join(rows[0])}")
    rows = [row for row in rows if where.items() <= row.items()]
    chosen = {(row["seed"], float(row[over])): float(row[column]) for row in rows}
    seeds, x = sorted({seed for seed, _ in chosen}), sorted({at for _, at in chosen})
    if not rows or not len(rows) == len(chosen) == len(seeds) * len(x):
        raise ValueError(f"{table} must have one row for each seed and {over} where {where}, got {len(rows)} rows")
    return torch.tensor(x), torch.tensor([[chosen[seed, at] for at in x] for seed in seeds])
