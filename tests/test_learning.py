"""Choices in training, measured: the benchmark trains as the course does, its table is whole, its dots are right."""

import csv
import functools
import importlib.util
import io
import math
from itertools import islice
from pathlib import Path

import matplotlib.colors
import numpy as np
import pytest
import torch
from PIL import Image

import course_utils
from course_utils import ContextUnet, FromX0, clipped_snr, cosine_schedule, load_sprites, plot_dots
from course_utils.training import loop

ROOT = Path(__file__).parents[1]
FILE = ROOT / "data" / "learning.csv"


@pytest.fixture(scope="module")
def learning():
    spec = importlib.util.spec_from_file_location("learning", ROOT / "benchmarks" / "learning.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.load_sprites = functools.cache(load_sprites)
    return module


def weights_after_two_steps(learning, run):
    *_, (_, model, _) = islice(learning.train(learning.RUNS[run], 0), 2)
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.fixture(scope="module")
def ours(learning):
    return weights_after_two_steps(learning, "ours")


@pytest.fixture(scope="module")
def table():
    with FILE.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_where_nothing_is_chosen_the_benchmark_trains_as_the_package_does(learning, monkeypatch):
    monkeypatch.setattr(loop, "has_bfloat16", lambda device: False)
    schedule = cosine_schedule(500)
    torch.manual_seed(7)
    model = FromX0(ContextUnet(n_features=learning.N_FEATURES), schedule)
    run = course_utils.train(
        model,
        *load_sprites(),
        schedule,
        steps=learning.STEPS,
        batch_size=learning.BATCH_SIZE,
        learning_rate=learning.LEARNING_RATE,
        weight=clipped_snr(schedule),
        generator=torch.Generator().manual_seed(7),
    )
    for _ in islice(run, 3):
        pass
    *_, (step, ours, _) = islice(learning.train(learning.Choices(), 7), 3)
    assert step == 3
    for own, theirs in zip(ours.parameters(), model.parameters(), strict=True):
        assert torch.allclose(own, theirs, atol=2e-4)


@pytest.mark.parametrize(
    "run",
    [
        "error of ε",
        "error of x0",
        "min-SNR",
        "puts out v, error of v",
        "linear schedule",
        "L1",
        "Huber",
        "one t a batch",
    ],
)
def test_each_choice_changes_the_training(learning, ours, run):
    assert not torch.allclose(weights_after_two_steps(learning, run), ours, atol=1e-5)


def test_a_constant_rate_stays_where_the_other_falls(learning, monkeypatch):
    monkeypatch.setattr(learning, "N_FEATURES", 8)
    moves = {}
    for run in ("ours", "constant rate"):
        kept = [
            torch.cat([p.detach().flatten().clone() for p in model.parameters()])
            for _, model, _ in learning.train(learning.RUNS[run], 0, steps=4)
        ]
        moves[run] = (kept[3] - kept[2]).abs().max().item()
    assert moves["constant rate"] == pytest.approx(learning.LEARNING_RATE, rel=0.5)
    assert moves["ours"] < 0.5 * moves["constant rate"]


def test_huber_is_squared_when_small_and_absolute_when_large(learning):
    assert learning.huber(torch.tensor([-0.1, 0.0, 0.2, -3.0, 5.0])).tolist() == pytest.approx(
        [0.005, 0, 0.02, 2.5, 4.5]
    )


def test_the_table_holds_every_run_with_every_seed_and_the_notebook_finds_it(learning, table):
    assert course_utils.storage.datasets.shipped("data/learning.csv").read_bytes() == FILE.read_bytes()
    wanted = [("real sprites", "", "", "")]
    for seed in learning.SEEDS:
        for run in learning.RUNS:
            followed = run in learning.FOLLOWED
            for step in (*learning.MARKS, learning.STEPS) if followed else (learning.STEPS,):
                kinds = ("raw", "averaged") if followed else ("averaged",)
                wanted += [(run, str(seed), str(step), weights) for weights in kinds]
    assert [(row["run"], row["seed"], row["step"], row["weights"]) for row in table] == wanted


def test_networks_are_farther_from_sprites_than_sprites_are(table):
    floor, *others = (float(row["frechet"]) for row in table)
    assert 0 < floor < 5
    assert all(floor < distance < math.inf for distance in others)
    assert all(0 < float(row[error]) < math.inf for row in table[1:] for error in ("error_eps", "error_x0"))


def test_dots_stand_at_their_numbers_and_a_line_at_their_mean():
    axes = plot_dots({"a": [1.0, 2.0, 6.0], "b": [4.0]}, "x", mark=("real", 0.5)).axes[0]
    lines = [line.get_xydata().tolist() for line in axes.lines]
    assert [line for line in lines if len(line) == 3] == [[[1, 0], [2, 0], [6, 0]]]
    assert lines[0] == [[3, -0.3], [3, 0.3]]
    assert lines[2] == [[4, 0.7], [4, 1.3]]
    assert lines[3] == [[4, 1]]
    assert axes.lines[-1].get_xdata() == [0.5, 0.5]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert axes.yaxis_inverted()
    assert axes.get_xlim()[0] == 0
    assert [text.get_text() for text in axes.texts] == ["real"]
    colours = {matplotlib.colors.to_hex(line.get_color()) for line in axes.lines[:4]}
    assert len(colours) == 1
    assert matplotlib.colors.to_hex(axes.lines[-1].get_color()) not in colours


def test_dots_describe_themselves_and_nothing_is_cut_off():
    for mark in (None, ("real sprites", 0.01)):
        picture = plot_dots({"a": [1.0], "MMMMMMMMMMMMMMMM": [30.0, 1000.0]}, "x", "a title", mark=mark)
        assert picture.alt == "a title: x, for a, MMMMMMMMMMMMMMMM"
        pixels = np.array(Image.open(io.BytesIO(picture.png())).convert("RGB"))
        assert all((edge == 255).all() for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))


@pytest.mark.parametrize("groups", [{}, {"a": []}])
def test_dots_need_numbers(groups):
    with pytest.raises(ValueError, match="groups must be one or more names, each with at least one number"):
        plot_dots(groups, "x")
