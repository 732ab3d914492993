"""Tables of benchmarks: each gives the curves that stand in it, and says what it has not."""

import csv

import pytest
from running import ROOT

from course_utils import load_table

DATA = ROOT / "data"


@pytest.mark.parametrize(
    ("table", "over", "where"),
    [("guidance", "guidance_scale", {}), ("steps", "steps", {"sampler": "DDIM"})],
)
def test_a_curve_has_each_number_in_its_place(table, over, where):
    with (DATA / f"{table}.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if where.items() <= row.items()]
    x, y = load_table(table, over, "recall", **where)
    assert y.shape == (3, len(x))
    assert x.tolist() == sorted({float(row[over]) for row in rows})
    for row in rows:
        found = y[int(row["seed"]), x.tolist().index(float(row[over]))]
        assert found.item() == pytest.approx(float(row["recall"]))


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda: load_table("nothing", "a", "b"), FileNotFoundError, r"table must be one .*guidance, .*'nothing'"),
        (lambda: load_table("guidance", "w", "recall"), ValueError, "columns of guidance.*, got w; it has guid"),
        (lambda: load_table("steps", "steps", "seed", sampler="DDIM"), ValueError, "beside seed, got seed;"),
        (lambda: load_table("steps", "steps", "steps", sampler="DDIM"), ValueError, "different .*, got steps;"),
        (lambda: load_table("steps", "sampler", "recall"), ValueError, "must be columns of numbers .*'DDIM'|DPM"),
        (lambda: load_table("steps", "steps", "recall"), ValueError, "one row for each seed and steps"),
        (lambda: load_table("steps", "steps", "recall", sampler="no"), ValueError, "got 0 rows"),
    ],
)
def test_what_is_not_there_is_named(ask, error, words):
    with pytest.raises(error, match=words):
        ask()
