"""Bad input to the whole public API, in one table: each parameter refuses it by a ValueError that names the parameter.

A public function without a row, or with a parameter that nobody has tried to fool, fails here. The table is read from
left to right: what is called, good arguments, and for each parameter what it must refuse.
"""

import inspect
import math
import re
import traceback
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from running import PUBLIC_NAMES

import course_utils
from course_utils import (
    ContextUnet,
    FromV,
    FromX0,
    GaussianDenoiser,
    LearnedVariance,
    MixtureDenoiser,
    Step,
    best_variance,
    check_add_noise,
    clipped,
    composed,
    cosine_schedule,
    exact_variance,
    fixed_large,
    fixed_small,
    guided,
    linear_schedule,
    load_classifier,
    log_between,
)
from course_utils.networks.variance import UnetWithVariance

T = 10
SCHEDULE = linear_schedule(T)
X = torch.linspace(-1, 1, 2 * 3 * 8 * 8).view(2, 3, 8, 8)
EPS, ONE, C = X.flip(0).clone(), X[:1].clone(), torch.eye(5)[:2]
TIMES, TABLE = torch.tensor([1, T]), SCHEDULE.beta.clone()
POINTS, SPRITES, FEATURES = torch.eye(3), torch.zeros(4, 3, 16, 16), torch.randn(9, 4)
CURVE = {"loss": (torch.arange(4.0), torch.arange(4.0))}
BAND = {"loss": (torch.arange(4.0), torch.rand(2, 4))}
BITS, SPREADS = torch.tensor([0.5, 1.0]), {"loss": (torch.arange(1.0, 5), torch.rand(2, 4) + 0.1)}
MODEL, JUDGE = ContextUnet(n_features=8), load_classifier()
LEVELS, ABOVE = ((X + 1) * 127.5).round() / 127.5 - 1, X.abs() + 0.1
BOTH, HEAD = UnetWithVariance(n_features=8), LearnedVariance(ContextUnet(6, 8, 1, 3), SCHEDULE)
STEPS = [Step(T - 1, X, X), Step(0, X, X)]


def like(good):
    """What does not go together with another tensor that `good` fits: other shapes, dtypes, devices."""
    return [torch.cat([good, good]), good[..., None], good.double(), good.half(), good.to("meta")]


def floats(good):
    """What no function of a floating-point tensor may take for one."""
    spoiled = good.repeat(1, *[1] * (good.ndim - 1))
    nan, inf = spoiled.clone(), spoiled.clone()
    nan.view(-1)[-1], inf.view(-1)[0] = math.nan, -math.inf
    return [good.tolist(), good.numpy(), None, good.long(), good.bool(), good.to(torch.complex64), good[:0], nan, inf]


def some(bad):
    """Without None, which stands for no context."""
    return [value for value in bad if value is not None]


def numbers(*outside):
    """What is no number, and numbers that lie outside."""
    return ["0.5", None, True, math.nan, math.inf, -math.inf, 1j, [0.1, 0.2], torch.ones(2), *outside]


def whole(*outside):
    """What is no whole number, and whole numbers that lie outside."""
    return ["3", True, math.nan, 2.5, torch.tensor(2.5), torch.ones(7).int(), [1], *outside]


def times(n, low=1):
    """Times that a batch of n images cannot have: outside low…T, of another kind, or too many of them."""
    bad = [
        torch.full((n,), low - 1),
        torch.full((n,), T + 1),
        torch.ones(n),
        torch.ones(n).bool(),
        torch.ones(n + 1).int(),
    ]
    return [*whole(low - 1, T + 1), None, *bad, torch.ones(n, 1).int()]


class Elsewhere(torch.Generator):
    """A generator of another device, as far as anyone asks."""

    device = torch.device("cuda")


GENERATORS = [0, "0", True, torch.Generator, np.random.default_rng(0)]
CPU_GENERATORS = [*GENERATORS, Elsewhere()]
SHAPES = ["3, 16, 16", 3, (), (2, 0), (2, -1), (2, 2.5), (2, None), None, [True, 3]]
IMAGES = [*floats(X), X[0], X[:, :2]]
TABLES = [None, TABLE.tolist(), TABLE[1:], TABLE[:, None], TABLE.long(), torch.tensor(0.1)]
IN_01 = numbers(-0.1, 1.1, 5)
POSITIVE = numbers(0, -1)
VARIANCES = [
    lambda *_: None,
    lambda *_: 0.1,
    lambda *_: TABLE,
    lambda x_t, *_: -x_t.abs(),
    lambda x_t, *_: x_t.abs() * math.nan,
    lambda x_t, *_: x_t.abs().double(),
    lambda x_t, *_: x_t.abs().to("meta"),
    lambda x_t, *_: x_t.abs()[..., None],
    lambda x_t, *_: x_t.abs()[0],
    lambda x_t, *_: torch.cat([x_t, x_t]).abs(),
]
"""Functions that answer with no variance of a batch."""

x0_eps_t = {"x0": floats(X), "eps": [*floats(EPS), *like(EPS)], "t": times(2)}
x_t_eps_t = {"x_t": floats(X), "eps": [*floats(EPS), *like(EPS)], "t": times(2)}
a_step = {
    "x_t": floats(X),
    "eps": [*floats(EPS), *like(EPS)],
    "t": [*whole(0, T + 1), None, TIMES],
    "t_prev": [*whole(-1, T + 1, 5), None, TIMES],
    "noise": [*floats(EPS), *like(EPS)],
}
a_jump = {"x_t": floats(X), "t": times(2), "t_prev": [*times(2, low=0), 5, 6, TIMES]}
its_question = {"x_t": X, "eps": EPS, "t": 5, "t_prev": 4, "schedule": SCHEDULE}
unseen = {"eps": []}  # what a variance is asked about, and does not look at
a_walk = {
    "x": floats(X),
    "times": [[], [5], [5, 5], [5, 0, 3], [T + 1, 0], [5, -1], [5, 2.5], [5, "0"]],
    "c": some([*floats(C), *like(C)]),
}
a_drawing = {"shape": SHAPES, "n": [*whole(0, T + 1)], "c": a_walk["c"], "generator": GENERATORS}
a_schedule = {
    "T": [*whole(0, -3), None],
    "beta_start": numbers(0, 1, -0.1),
    "beta_end": numbers(0, 1, 1.5),
    "stated_for": [*whole(0), None],
}
an_oracle = {
    "x": [*floats(POINTS), *like(POINTS)[1:]],
    "t": times(3),
    "c": [bad for bad in floats(POINTS) if bad is not None] + [POINTS[:2], -POINTS],
}
curves = [{}, {"loss": (torch.arange(4.0), torch.arange(5.0))}, {"loss": (torch.ones(2, 2), torch.ones(2, 2))}]
bands = [{}, {"loss": (torch.arange(4.0), torch.rand(4))}, {"loss": (torch.arange(5.0), torch.rand(2, 4))}]
falling = [*a_walk["times"], [T, 5], [5, 0], [T, 5, 7, 0]]
a_chain = {"times": falling, "n": [*whole(2), None]}
WAY, LINE = torch.randn(3, 3, 16, 16), MixtureDenoiser(torch.tensor([[-1.0], [1.0]]), SCHEDULE, 0.1)
FIELD = {"a": (POINTS[:, :2], POINTS[:, 1:])}
INSIDE = {"model": MODEL, "x_t": ONE, "t": 3, "c": C[:1], "block": "down1"}
OUTSIDE = {
    "x_t": [*floats(ONE), X, torch.zeros(1, 3, 64, 64)],
    "t": [*whole(0, 10_000), None, TIMES],
    "c": [C, C[0], C[:1].double(), C[:1] * math.nan, [1, 0, 0, 0, 0]],
    "block": ["stem", "nothing", None, 3],
}
sizes = [(300, 0), (300, 2.5), ("a", "b"), (100, 200, 300)]
a_network = {"in_channels": [*whole(0), None], "n_features": [*whole(0, 12), None], "n_context": [*whole(0), None]}
an_image = {
    "x": [*floats(X), X.double(), X[0], X[:, :2], X[..., :-1], X[..., :6]],
    "t": [3, None, [1, 2], TIMES.float(), TIMES[:1], TIMES[:, None], TIMES.bool(), TIMES - 5],
    "c": a_walk["c"],
}
some_images = {"images": [*floats(SPRITES), SPRITES[0], SPRITES[..., :8]]}

ORACLE = MixtureDenoiser(POINTS, SCHEDULE, 0.1, classes=torch.eye(3))
NO_LINES = [ORACLE, MixtureDenoiser(POINTS[:, :1], SCHEDULE, 0.0)]
FUNCTIONS = {
    "NoiseSchedule": (
        {"beta": TABLE[1:]},
        {"beta": [*floats(TABLE[1:]), TABLE, torch.ones(3), TABLE[1:, None], torch.full((200,), 0.999)]},
    ),
    "NoiseSchedule.at": (
        {"self": SCHEDULE, "table": TABLE, "t": TIMES, "x": X},
        {"table": TABLES, "t": times(2, low=0), "x": floats(X)},
    ),
    "NoiseSchedule.signal": ({"self": SCHEDULE, "t": TIMES, "x": X}, {"t": times(2, low=0), "x": floats(X)}),
    "NoiseSchedule.noise": ({"self": SCHEDULE, "t": TIMES, "x": X}, {"t": times(2, low=0), "x": floats(X)}),
    "NoiseSchedule.add_noise": ({"self": SCHEDULE, "x0": X, "t": TIMES, "eps": EPS}, x0_eps_t),
    "NoiseSchedule.predict_x0": ({"self": SCHEDULE, "x_t": X, "t": TIMES, "eps": EPS}, x_t_eps_t),
    "NoiseSchedule.predict_eps": (
        {"self": SCHEDULE, "x_t": X, "t": TIMES, "x0": EPS},
        {"x_t": floats(X), "x0": [*floats(EPS), *like(EPS)], "t": times(2)},
    ),
    "NoiseSchedule.timesteps": ({"self": SCHEDULE, "n": 3}, {"n": [*whole(0, T + 1), None]}),
    "linear_schedule": ({"T": T, "beta_start": 0.1, "beta_end": 0.2, "stated_for": 10}, a_schedule),
    "quadratic_schedule": ({"T": T, "beta_start": 0.1, "beta_end": 0.2, "stated_for": 10}, a_schedule),
    "sigmoid_schedule": ({"T": T, "beta_start": 0.1, "beta_end": 0.2, "stated_for": 10}, a_schedule),
    "cosine_schedule": ({"T": T, "s": 0.01}, {"T": [*whole(0), None], "s": numbers(-0.1)}),
    "ddpm_step": (
        {"x_t": X, "eps": EPS, "t": 5, "t_prev": 4, "schedule": SCHEDULE, "variance": fixed_large, "noise": EPS},
        a_step | {"variance": VARIANCES},
    ),
    "ddim_step": (
        {"x_t": X, "eps": EPS, "t": 5, "t_prev": 4, "schedule": SCHEDULE, "eta": 1.0, "noise": EPS},
        a_step | {"eta": IN_01},
    ),
    "sample": (
        {"model": MODEL, "x": X, "times": [5, 0], "schedule": SCHEDULE, "c": C},
        a_walk | {"generator": GENERATORS},
    ),
    "dpm_solver": ({"model": MODEL, "x": X, "times": [5, 0], "schedule": SCHEDULE, "c": C}, a_walk),
    "sample_ddpm": (
        {"model": MODEL, "shape": X.shape, "schedule": SCHEDULE, "n": T, "c": C, "variance": fixed_large},
        a_drawing | {"variance": VARIANCES},
    ),
    "sample_ddim": (
        {"model": MODEL, "shape": X.shape, "schedule": SCHEDULE, "n": 2, "c": C, "eta": 0},
        a_drawing | {"eta": IN_01},
    ),
    "sample_dpm": ({"model": MODEL, "shape": X.shape, "schedule": SCHEDULE, "n": 2, "c": C}, a_drawing),
    "slerp": (
        {"a": X, "b": X.sin(), "share": 0.5},
        {"a": [*floats(X), torch.zeros_like(X)], "b": [*floats(X), *like(X), torch.zeros_like(X)], "share": IN_01},
    ),
    "guided": (
        {"model": MODEL, "guidance_scale": 2},
        {"guidance_scale": numbers()},
    ),
    "composed": (
        {"model": MODEL, "scales": [2, -1.0]},
        {"scales": ["2", None, True, math.nan, 1j, 2, [], [1, math.nan], ["1", "2"], torch.ones(2, 2)]},
    ),
    "a composed model": (
        {"call": composed(MODEL, [2, 3]), "x": X, "t": TIMES, "c": torch.stack([C, C], dim=1)},
        {"x": floats(X), "c": some([*floats(C), *like(C)])},
    ),
    "right_or_ours": (
        {"check": check_add_noise, "attempt": SCHEDULE.add_noise},
        {"check": [None, check_add_noise.right, print]},
    ),
    "a guided model": (
        {"call": guided(MODEL, 2), "x": X, "t": TIMES, "c": C},
        {"x": floats(X), "c": some([*floats(C), *like(C)])},
    ),
    "clipped": (
        {"model": MODEL, "schedule": SCHEDULE, "low": -1, "high": 1},
        {"low": numbers(1, 2), "high": numbers(-1, -2)},
    ),
    "a clipped model": (
        {"call": clipped(lambda x, t, c: x, SCHEDULE), "x": X, "t": TIMES},
        {"x": floats(X), "t": times(2)},
    ),
    "FromV.forward": (
        {"self": FromV(MODEL, SCHEDULE), "x": X, "t": TIMES, "c": C},
        {"x": floats(X), "t": times(2), "c": a_walk["c"]},
    ),
    "FromX0.forward": (
        {"self": FromX0(MODEL, SCHEDULE), "x": X, "t": TIMES, "c": C},
        {"x": floats(X), "t": times(2), "c": a_walk["c"]},
    ),
    "GaussianDenoiser": (
        {"mean": POINTS[0], "std": POINTS[0] + 1, "schedule": SCHEDULE},
        {"mean": floats(POINTS[0]), "std": [*floats(POINTS[0] + 1), *like(POINTS[0]), POINTS[0], POINTS[0] - 2]},
    ),
    "GaussianDenoiser.__call__": (
        {"self": GaussianDenoiser(POINTS[0], POINTS[0] + 1, SCHEDULE), "x": POINTS, "t": 3, "c": POINTS * 0},
        an_oracle | {"c": [POINTS, POINTS.tolist()]},
    ),
    "MixtureDenoiser": (
        {"means": POINTS, "schedule": SCHEDULE, "std": 0.1, "weights": POINTS[0] + 1, "classes": POINTS},
        {
            "means": [*floats(POINTS), POINTS[0]],
            "std": numbers(-0.1),
            "weights": [
                *floats(POINTS[0] + 1)[:2],
                POINTS[0],
                POINTS[0] - 2,
                torch.ones(4),
                torch.tensor([1, 1, math.nan]),
            ],
            "classes": [POINTS.tolist(), POINTS.long(), POINTS * 2, POINTS[:2], POINTS[0], POINTS * math.nan],
        },
    ),
    "MixtureDenoiser.draw": ({"self": ORACLE, "n": 3}, {"n": [*whole(0), None], "generator": CPU_GENERATORS}),
    "MixtureDenoiser.posterior": ({"self": ORACLE, "x": POINTS, "t": 3, "c": POINTS}, an_oracle),
    "MixtureDenoiser.predict_x0": ({"self": ORACLE, "x": POINTS, "t": 3, "c": POINTS}, an_oracle),
    "MixtureDenoiser.x0_variance": ({"self": ORACLE, "x": POINTS, "t": 3, "c": POINTS}, an_oracle),
    "MixtureDenoiser.log_density": (
        {"self": ORACLE, "x": POINTS, "t": 0},
        {"x": an_oracle["x"], "t": times(3, low=0)},
    ),
    "MixtureDenoiser.__call__": ({"self": ORACLE, "x": POINTS, "t": 3, "c": POINTS}, an_oracle),
    "IdealDenoiser": (
        {"data": POINTS, "schedule": SCHEDULE, "classes": POINTS},
        {"data": [*floats(POINTS), POINTS[0]], "classes": [POINTS.tolist(), POINTS * 2, POINTS[:2], POINTS[0]]},
    ),
    "ContextUnet": (
        {"in_channels": 3, "n_features": 8, "n_context": 5, "out_channels": 3},
        a_network | {"out_channels": whole(0)},
    ),
    "ContextUnet.forward": ({"self": MODEL, "x": X, "t": TIMES, "c": C}, an_image),
    "UnetWithVariance": ({"call": UnetWithVariance, "n_features": 8, "n_context": 5, "in_channels": 3}, a_network),
    "UnetWithVariance.forward": ({"call": BOTH, "x": X, "t": TIMES, "c": C}, an_image),
    "drop_context": (
        {"c": C, "share": 0.5},
        {"c": [*floats(C), C[0]], "share": IN_01, "generator": CPU_GENERATORS},
    ),
    "clipped_snr": ({"schedule": SCHEDULE, "low": 1.0, "high": 5.0}, {"low": numbers(-1, 5, 6), "high": numbers(1, 0)}),
    "diffusion_loss": (
        {"model": MODEL, "x0": X, "c": C, "schedule": SCHEDULE, "weight": TABLE},
        {
            "x0": floats(X),
            "c": a_walk["c"],
            "weight": [*TABLES[1:], TABLE * math.nan],
            "generator": CPU_GENERATORS,
        },
    ),
    "train": (
        {
            "model": MODEL,
            "images": X,
            "contexts": C,
            "schedule": SCHEDULE,
            "steps": 2,
            "batch_size": 2,
            "learning_rate": 1e-3,
            "weight": TABLE,
            "context_dropout": 0.1,
        },
        {
            "images": floats(X),
            "contexts": [*floats(C), C[:1], C[0], C[:, :4], C[:, :0], C.double(), C.half()],
            "steps": [*whole(0), None, lambda done: 0, lambda done: 2.5, lambda done: None],
            "batch_size": [*whole(0), None],
            "learning_rate": POSITIVE,
            "weight": TABLES[1:],
            "context_dropout": IN_01,
            "generator": CPU_GENERATORS,
            "state": [3, {}, {"step": 1}, {"step": 1, "steps": 3}],
        },
    ),
    "jump": ({"t": 5, "t_prev": 4, "schedule": SCHEDULE, "x_t": X}, a_jump),
    "fixed_small": (its_question, a_jump | unseen),
    "fixed_large": (its_question, a_jump | unseen),
    "log_between": (
        {"v": 0.5},
        {"v": [*IN_01[:-4], *IN_01[-3:], *some(floats(ABOVE / 9))[2:], torch.tensor([0.5, 1.1]), -X.abs()]},
    ),
    "a variance between": ({"call": log_between(0.5), **its_question}, a_jump),
    "best_variance": (
        {"x0_error": TABLE},
        {"x0_error": [*floats(TABLE), TABLE[:, None], torch.tensor(0.1), -TABLE]},
    ),
    "a best variance": ({"call": best_variance(TABLE), **its_question}, a_jump),
    "LearnedVariance.share": (
        {"self": HEAD, "x_t": X, "x0_hat": EPS, "t": TIMES},
        {"x_t": floats(X), "x0_hat": [*floats(EPS), *like(EPS)], "t": times(2)},
    ),
    "LearnedVariance.forward": ({"self": HEAD, **its_question}, a_jump | {"eps": [*floats(EPS), *like(EPS)]}),
    "learned_variance": (
        {"model": BOTH, "schedule": SCHEDULE},
        {"model": [MODEL, guided(MODEL, 2), None]},
    ),
    "gaussian_kl": (
        {"mean": X, "variance": ABOVE, "other_mean": EPS, "other_variance": ABOVE},
        {
            "mean": floats(X),
            "variance": [*floats(ABOVE), ABOVE * 0, -ABOVE],
            "other_mean": floats(EPS),
            "other_variance": [*floats(ABOVE), ABOVE * 0, -ABOVE],
        },
    ),
    "log_density": (
        {"x0": X, "mean": EPS, "variance": ABOVE},
        {"x0": floats(X), "mean": floats(EPS), "variance": [*floats(ABOVE), ABOVE * 0, -ABOVE]},
    ),
    "log_probability_of_level": (
        {"x0": LEVELS, "mean": X, "variance": ABOVE},
        {"x0": [*floats(LEVELS), X, LEVELS + 2 / 255], "mean": floats(X), "variance": [*floats(ABOVE), -ABOVE]},
    ),
    "bound_terms": (
        {"model": MODEL, "x0": LEVELS, "times": [T, 5, 0], "schedule": SCHEDULE, "variance": fixed_large, "c": C},
        {
            "x0": [*floats(LEVELS), X],
            "times": falling,
            "variance": VARIANCES,
            "c": a_walk["c"],
            "generator": CPU_GENERATORS,
        },
    ),
    "step_term": (
        {"x0": LEVELS, "x_t": X, "eps": EPS, "sigma2": ABOVE, "t": 5, "t_prev": 4, "schedule": SCHEDULE},
        {
            "x0": [*floats(LEVELS), *like(LEVELS)],
            "x_t": floats(X),
            "eps": a_step["eps"],
            "sigma2": [*floats(ABOVE), *like(ABOVE), -ABOVE, TABLE],
            "t": a_step["t"],
            "t_prev": a_step["t_prev"],
        },
    ),
    "bits_per_dimension": ({"nats": torch.ones(3, 2), "x0": X}, {"x0": floats(X)}),
    "x0_errors": (
        {"model": MODEL, "x0": X, "times": [5, 0], "schedule": SCHEDULE, "c": C},
        {"x0": floats(X), "times": a_walk["times"], "c": a_walk["c"], "generator": CPU_GENERATORS},
    ),
    "hybrid_loss": (
        {
            "model": MODEL,
            "variance": fixed_large,
            "x0": X,
            "t": TIMES,
            "eps": EPS,
            "c": C,
            "schedule": SCHEDULE,
            "weight": TABLE,
        },
        x0_eps_t | {"variance": VARIANCES, "c": a_walk["c"], "weight": TABLES[1:]},
    ),
    "exact_terms": (
        {"model": LINE, "truth": LINE, "times": [T, 5, 0], "schedule": SCHEDULE, "variance": fixed_large, "n": 101},
        a_chain | {"truth": NO_LINES, "schedule": [cosine_schedule(T)], "variance": [*VARIANCES, fixed_small]},
    ),
    "exact_errors": (
        {"truth": LINE, "times": [T, 5, 0], "schedule": SCHEDULE, "n": 101},
        a_chain | {"truth": NO_LINES, "schedule": [cosine_schedule(T)]},
    ),
    "an exact variance": (
        {"call": exact_variance(LINE), "x_t": X.view(-1, 1), "eps": X.view(-1, 1), "t": 5, "t_prev": 4, "s": SCHEDULE},
        {"t": whole(0, T + 1), "t_prev": whole(-1, T + 1, 5)},
    ),
    "entropy": ({"truth": LINE, "n": 101}, {"truth": NO_LINES, "n": [*whole(2, 20), None]}),
    "SpriteClassifier": (
        {"kinds": ["a", "b"], "classes": [0, 1]},
        {"kinds": [[], ["a"]], "classes": [[], [0], [0, -1], [0, 0.5], ["a", "b"]]},
    ),
    **{
        f"SpriteClassifier.{name}": ({"self": JUDGE, "images": SPRITES}, some_images)
        for name in ("features", "forward", "kind_of", "is_clean", "class_of")
    },
    "clean_share": ({"judge": JUDGE, "images": SPRITES}, some_images),
    "coverage": ({"judge": JUDGE, "images": SPRITES}, some_images),
    "context_accuracy": (
        {"judge": JUDGE, "images": SPRITES, "contexts": torch.eye(5)[:4]},
        some_images | {"contexts": [*floats(torch.eye(5)[:4]), C, C[0], torch.eye(4)]},
    ),
    "frechet_distance": (
        {"features": FEATURES, "others": FEATURES + 1},
        {
            "features": [*floats(FEATURES), FEATURES[:1], FEATURES[0]],
            "others": [*floats(FEATURES), FEATURES[:1], FEATURES[:, :2], FEATURES.to("meta")],
        },
    ),
    "recall": (
        {"features": FEATURES, "others": FEATURES + 1, "neighbours": 3},
        {
            "features": [*floats(FEATURES), FEATURES[0]],
            "others": [*floats(FEATURES), FEATURES[0], FEATURES[:, :2], FEATURES.double(), FEATURES.to("meta")],
            "neighbours": [*whole(0, 9), None],
        },
    ),
    "nearest": (
        {"images": X, "others": EPS},
        {"images": floats(X), "others": [*floats(X), X[..., :4], X.double(), X.to("meta")]},
    ),
    "load_ablations": ({"column": "loss"}, {"column": ["network", "x", "seed"]}),
    "load_table": (
        {"table": "steps", "over": "steps", "column": "frechet_distance", "sampler": "DDIM"},
        {"table": ["dragons"], "over": ["x", "sampler"], "column": ["x", "sampler"]},
    ),
    "load_pretrained": ({"name": "sprites"}, {"name": ["dragons"]}),
    "load_sprites": (
        {"split": "test"},
        {
            "path": ["nowhere.npz", "nowhere"],
            "split": ["dev"],
            "labels": ["x.npy"],
            "cell": [16, *whole(0)],
            "spacing": [1, None, *whole(-1)],
            "margin": [1, None, *whole(-1)],
            "background": ["black", "no colour", "", 3, None],
        },
    ),
    "sprite_words": ({"split": "test"}, {"path": ["nowhere.npz"], "split": ["dev"]}),
    "save_model": (
        {"path": "it.safetensors", "model": MODEL, "schedule": SCHEDULE, "classes": list("abcde"), "shape": (3, 8, 8)},
        {"path": ["it.pt"], "classes": [["a"], "abcde", ["a"] * 5, [1, 2, 3, 4, 5], 5], "shape": some(SHAPES)},
    ),
    "load_model": (
        {"path": course_utils.storage.shipped.shipped("weights/sprites.safetensors"), "network": ContextUnet},
        {"path": ["nowhere.safetensors"]},
    ),
    "show_images": (
        {"x": X, "titles": ["a", "b"], "row_titles": ["a"], "columns": 2},
        {"x": IMAGES, "titles": [["a"], ["a"] * 3], "row_titles": [["a", "b"]], "columns": whole(0)},
    ),
    "plot_bits": (
        {"bits": BITS, "times": [T, 5, 0], "pictures": SPRITES[:2], "shown": [T, 5], "clean": 5},
        {
            "bits": [*floats(BITS), BITS[:1], -BITS, BITS * 0],
            "times": [[T, 0], [5, T, 0], [T, 5], [T, 5.5, 0], [T, 5, 5, 0]],
            "pictures": [*floats(SPRITES[:2]), SPRITES[:1], SPRITES[0], SPRITES[:2, :2], torch.zeros(2, 3, 65, 65)],
            "shown": [[T], [T, T + 1], [T, -1], [T, 0.5], [T, "5"]],
            "clean": whole(0, 4, T),
        },
    ),
    "plot_chains": (
        {"panels": {"a": SPREADS}, "ylabel": "y", "marks": {"b": 1.0}},
        {
            "panels": [{}, *({"a": bad} for bad in bands), {"a": {"loss": (SPREADS["loss"][0], -SPREADS["loss"][1])}}],
            "marks": [{"b": 0}, {"b": -1}, {"b": "1"}, {"b": math.nan}],
        },
    ),
    "plot_posterior": (
        {"x0": 1.0, "x_t": -1.0, "t": 6, "t_prev": 3, "schedule": SCHEDULE},
        {
            "x0": numbers(),
            "x_t": numbers(),
            "t": [*whole(0, T + 1, 2), None],
            "t_prev": [*whole(0, T + 1, 6), None],
        },
    ),
    "show_uncertainty": (
        {"x_t": X, "x0_hat": EPS, "std": ABOVE, "limit": 0.5},
        {
            "x_t": IMAGES,
            "x0_hat": [*floats(EPS), *like(EPS)],
            "std": [*floats(ABOVE), *like(ABOVE)],
            "limit": POSITIVE,
        },
    ),
    "variance_slider": (
        {"truth": LINE, "times": [T, 5, 0], "t": 5, "x_t": 0.5},
        {"truth": NO_LINES, "times": falling, "t": [*whole(0, 4, T + 1), None], "x_t": numbers()},
    ),
    "three_bounds": (
        {"model": MODEL, "x0": LEVELS, "times": [T, 5, 0], "schedule": SCHEDULE, "variance": fixed_large},
        {
            "x0": [*floats(LEVELS), X],
            "times": falling,
            "variance": VARIANCES,
            "generator": CPU_GENERATORS,
        },
    ),
    "plot_curves": (
        {"curves": CURVE, "xlabel": "x", "ylabel": "y", "size": (300, 200)},
        {"curves": curves, "size": sizes},
    ),
    "plot_histograms": (
        {"samples": {"a": POINTS[0]}, "density": torch.exp, "xlabel": "x"},
        {
            "samples": [
                {},
                {"samples": POINTS.long()},
                {"samples": POINTS * math.nan},
                {str(i): POINTS for i in range(5)},
            ]
        },
    ),
    "plot_points": (
        {"panels": torch.zeros(2, 5, 2), "titles": ["a", "b"], "limit": 3},
        {
            "panels": [*floats(torch.zeros(2, 5, 2)), torch.zeros(2, 5, 3), torch.zeros(5, 2)],
            "titles": [["a"], []],
            "limit": POSITIVE,
        },
    ),
    "plot_spread": (
        {"curves": BAND, "xlabel": "x", "ylabel": "y", "size": (300, 200)},
        {"curves": [*bands, BAND | {str(i): BAND["loss"] for i in range(9)}], "size": sizes},
    ),
    "plot_panels": (
        {"panels": BAND, "xlabel": "x", "mark": ("a", 1.0)},
        {"panels": bands, "mark": [("a", "b"), ("a", math.nan)]},
    ),
    "plot_matrix": (
        {
            "values": X[0, 0],
            "xlabel": "x",
            "ylabel": "y",
            "limit": 1.0,
            "first": (0, 0),
            "row_names": ["a"] * 8,
            "column_names": ["a"] * 8,
            "size": (100, 100),
        },
        {
            "values": [*floats(X[0, 0]), X[0], X[0, 0, 0]],
            "limit": POSITIVE,
            "first": [(0, "a"), (0, 0.5)],
            "row_names": [["a"]],
            "column_names": [["a"]],
            "size": sizes,
        },
    ),
    "plot_dots": (
        {"groups": {"a": [1.0, 2.0]}, "xlabel": "x", "mark": ("a", 1.0)},
        {"groups": [{}, {"a": []}, {"a": [math.nan]}], "mark": [("a", "b"), ("a", math.nan)]},
    ),
    "plot_losses": (
        {"losses": torch.rand(40), "ylabel": "loss", "window": 20},
        {"losses": [*floats(torch.rand(40)), torch.rand(2, 40), torch.rand(39)], "window": whole(1, 21)},
    ),
    "point_at": (
        {
            "x": X,
            "arrows": {0: ((0, 0), (3, 3))},
            "frames": {1: (0, 0, 4, 4)},
            "titles": ["a", "b"],
            "row_titles": ["a"],
            "columns": 2,
        },
        {
            "x": IMAGES,
            "arrows": [{2: ((0, 0), (3, 3))}, {-1: ((0, 0), (3, 3))}],
            "frames": [{2: (0, 0, 4, 4)}, {"0": (0, 0, 4, 4)}],
            "titles": [["a"], ["a"] * 3],
            "row_titles": [["a", "b"]],
            "columns": whole(0),
        },
    ),
    "draw_clocks": (
        {"embedding": torch.ones(2, 4), "times": [1, 2], "hands": 2},
        {
            "embedding": [*floats(torch.ones(2, 4)), torch.ones(2, 3), torch.ones(3, 4), torch.ones(4)],
            "times": [[1], [1, -2], [1, 0.5]],
            "hands": [*whole(0, 3), None],
        },
    ),
    "draw_scale_and_shift": (
        {"channels": [0, 1], **INSIDE},
        {"channels": [[], [8], [-1], [0.5], range(7)], **OUTSIDE},
    ),
    "draw_residual_block": (INSIDE, OUTSIDE),
    "draw_receptive_fields": (
        {"fields": {"a": torch.eye(16)}, "sprite": ONE},
        {
            "fields": [
                {},
                {"a": torch.eye(4)},
                {"a": -torch.eye(16)},
                {"a": torch.zeros(16, 16)},
                {"a": torch.eye(16), "b": torch.eye(20)},
                {"a": torch.eye(16) * math.nan},
                {"a": torch.eye(200)},
            ],
            "sprite": [*floats(ONE), X],
        },
    ),
    "plot_tracks": (
        {"tracks": torch.rand(5, 3), "times": [0, 4], "xlabel": "x", "ylabel": "y", "shown": 2},
        {
            "tracks": [*floats(torch.rand(5, 3)), torch.rand(5), torch.rand(1, 3)],
            "times": [[5], [-1], [0.5]],
            "shown": whole(0),
        },
    ),
    "plot_pixel": (
        {"x0": X, "x_t": EPS[:, 0, 0], "pixel": (0, 1, 2), "names": ["a", "b"], "schedule": SCHEDULE, "t": 3},
        {
            "x0": [*floats(X), ONE],
            "x_t": [*floats(EPS[:, 0, 0]), EPS[:1, 0, 0], EPS],
            "pixel": [(0, 1), (3, 0, 0), (0, -1, 0), (0, 0, 0.5)],
            "names": [["a"]],
            "t": [*whole(0, T + 1), None],
        },
    ),
    "plot_aligned": (
        {"x0": ONE, "eps": EPS[:1], "schedules": {"a": SCHEDULE}, "alpha_bars": [0.5]},
        {
            "x0": [*floats(ONE), X],
            "eps": [*floats(ONE), *like(ONE)],
            "schedules": [{}, {"a": SCHEDULE, "b": linear_schedule(T + 1)}],
            "alpha_bars": [[1.5], [-0.1], ["a"]],
        },
    ),
    "draw_remix": (
        {"x_t": SPRITES[:1], "eps": SPRITES[:1] + 1, "t": T, "t_prev": 1, "schedule": SCHEDULE},
        {
            "x_t": [*floats(SPRITES[:1]), SPRITES, ONE],
            "eps": [*floats(SPRITES[:1]), *like(SPRITES[:1])],
            "t": [*whole(0, T + 1), None],
            "t_prev": [*whole(-1, T), None],
        },
    ),
    "draw_times": (
        {"lists": {"a": [T, 5, 0]}, "T": T},
        {"lists": [{}, {"a": [T, 0]}, {"a": [9, 5, 0]}], "T": whole(0)},
    ),
    "draw_arc": (
        {"noises": {"a": WAY, "b": WAY}, "sprites": {"a": WAY, "b": WAY}},
        {
            "noises": [{}, {"a": WAY}, {"a": WAY, "b": WAY[:2]}, {"a": X, "b": X}, {"a": WAY, "b": WAY * math.nan}],
            "sprites": [{}, {"a": WAY}, {"a": WAY, "b": WAY[:2]}, {"a": WAY, "b": WAY.double()}],
        },
    ),
    "plot_walks": (
        {"walks": {"a": torch.rand(3, 2)}, "times": [T, 5, 0], "denoiser": LINE},
        {
            "walks": [{}, {"a": torch.rand(2, 2)}, {"a": torch.rand(3)}, {"a": torch.rand(3, 2) * math.nan}],
            "times": [[T, 0], []],
            "denoiser": [MixtureDenoiser(POINTS, SCHEDULE, 0.1)],
        },
    ),
    "plot_orders": (
        {"steps": [2, 4], "errors": {"a": torch.ones(2), "b": torch.ones(2)}, "orders": {"a": 1}},
        {
            "steps": [[2], [4, 2], []],
            "errors": [{}, {"a": torch.ones(2)}, {"a": torch.ones(3), "b": torch.ones(2)}, {"a": torch.zeros(2)}],
            "orders": [{"c": 1}],
        },
    ),
    "plot_steps": (
        {"curves": BAND, "ylabel": "y", "mark": ("a", 1.0), "sprites": {"b": {2: X[0]}}},
        {
            "curves": bands,
            "mark": [("a", "b"), ("a", math.nan)],
            "sprites": [{}, {"b": {2: X}}, {"b": {2: X[0] * math.nan}}],
        },
    ),
    "draw_guidance": (
        {"eps_u": POINTS[0, :2], "eps_c": POINTS[1, :2], "scales": (2, 4)},
        {
            "eps_u": [*floats(POINTS[0, :2]), POINTS[0], POINTS],
            "eps_c": [*floats(POINTS[1, :2]), POINTS[0], POINTS],
            "scales": [(), (1, 2), ("2",), (math.nan,)],
        },
    ),
    "plot_guided_paths": (
        {"paths": {"a": X[0, :, :, :2]}, "clouds": {"b": X[0, 0, :, :2]}, "fields": FIELD, "limit": 1.0},
        {
            "paths": [{}, {"a": X[0, 0, :, :2]}, {"a": X[0]}, {"a": X[0, :, :, :2] * math.nan}],
            "clouds": [{}, {"b": X[0, 0]}, {"b": X[0, :, :, :2]}],
            "fields": [{}, {"b": FIELD["a"]}],
            "limit": POSITIVE,
        },
    ),
    "build_up": (
        {"pictures": [course_utils.show_images(X)], "captions": ["a"], "alt": "two pictures"},
        {
            "pictures": [[], [course_utils.show_images(X), course_utils.show_images(ONE)]],
            "captions": [[], ["a", "b"]],
        },
    ),
    "plot_noise_level": (
        {"x0": ONE, "eps": EPS[:1], "schedule": SCHEDULE, "t": 3},
        {
            "x0": [*floats(ONE), X, torch.zeros(1, 3, 300, 300)],
            "eps": [*floats(ONE), *like(ONE)],
            "t": [*whole(0, T + 1), None],
        },
    ),
    "animate": (
        {"frames": [X, EPS], "captions": ["a", "b"], "alt": "two frames", "columns": 2, "milliseconds": 100},
        {
            "frames": [[], [X, X[:1]], [X, None], [X * math.nan, X], [X, X.double()]],
            "captions": [["a"], []],
            "columns": [*whole(0), None],
            "milliseconds": [*whole(5), None],
        },
    ),
    "draw_model_families": (
        {"x0": ONE, "eps": EPS[:1], "schedule": SCHEDULE},
        {"x0": [*floats(ONE), X], "eps": [*floats(ONE), *like(ONE)]},
    ),
    "draw_network": (
        {"model": MODEL, "x_t": ONE, "t": 3, "c": C[:1]},
        {
            "x_t": [*floats(ONE), X, torch.zeros(1, 3, 64, 64)],
            "t": [*whole(0, 10_000), None, TIMES],
            "c": [C, C[0], C[:1].double(), C[:1] * math.nan, [1, 0, 0, 0, 0]],
        },
    ),
    "noise_slider": (
        {"x0": ONE, "eps": EPS[:1], "schedule": SCHEDULE},
        {"x0": [*floats(ONE), X], "eps": [*floats(ONE), *like(ONE)]},
    ),
    "trajectory_slider": (
        {"x_T": X, "steps": STEPS, "schedule": SCHEDULE},
        {"x_T": [*floats(X), *like(X)], "steps": [[]]},
    ),
    "guidance_slider": (
        {"model": MODEL, "x_T": X, "schedule": linear_schedule(20), "c": C},
        {"x_T": [*IMAGES], "c": a_walk["c"]},
    ),
    "sampler_sliders": (
        {"model": MODEL, "x_T": X, "schedule": linear_schedule(50), "c": C},
        {"x_T": [*IMAGES], "c": a_walk["c"]},
    ),
    "sprite_mixer": (
        {"model": MODEL, "x_T": X, "schedule": linear_schedule(20), "names": list("abcde")},
        {"x_T": [*IMAGES]},
    ),
}

WORDS = {
    "attempt",
    "names",
    "title",
    "xlabel",
    "ylabel",
    "alt",
    "density_name",
    "colour",
    "log",
    "log_y",
    "about",
    "where",
}
MODULES = {
    "self",
    "call",
    "model",
    "network",
    "schedule",
    "judge",
    "step",
    "density",
    "accelerator",
    "optimization",
    "loss",
    "decoder",
    "truth",
    "nats",
}
"""Parameters whose mistakes Python and PyTorch name themselves: words, switches, functions, objects of the course."""

RESULTS = {"Movie", "Picture", "Progress", "Step"}
"""What functions return, and nobody makes."""


def public_calls():
    """All that the package exports and the methods of its classes, each with the names of its parameters."""
    for name in PUBLIC_NAMES:
        public = getattr(course_utils, name)
        if name.startswith("check_") or name in RESULTS:  # a check judges whatever comes; see test_checks.py
            continue
        yield name, inspect.signature(public).parameters
        if inspect.isclass(public):
            for method, function in inspect.getmembers(public, inspect.isfunction):
                if method == "__call__" or (method in vars(public) and not method.startswith("_")):
                    yield f"{name}.{method}", inspect.signature(function).parameters


def test_every_public_function_is_in_the_table_with_every_parameter():
    for name, parameters in public_calls():
        owner, _, method = name.partition(".")
        if method and getattr(getattr(course_utils, owner), method).__qualname__ != name:
            continue  # inherited
        if missing := set(parameters) - WORDS - MODULES - set(FUNCTIONS.get(name, ({}, {}))[1]):
            pytest.fail(f"{name} has nothing in the table for {', '.join(sorted(missing))}")


def call(name, given):
    """Call a function of the table, and go through what it yields."""
    if "call" in given:
        return given["call"](*[value for key, value in given.items() if key != "call"])
    function = course_utils
    for part in name.split("."):
        function = getattr(function, part)
    answer = function(**given)
    return list(answer) if isinstance(answer, Iterator) else answer


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where files may be written


@pytest.mark.parametrize("name", FUNCTIONS)
def test_good_input_is_welcome(name):
    call(name, FUNCTIONS[name][0])


@pytest.mark.parametrize(
    ("name", "parameter"), [(name, parameter) for name, (_, table) in FUNCTIONS.items() for parameter in table]
)
def test_bad_input_is_refused_by_name(name, parameter):
    good, table = FUNCTIONS[name]
    for bad in table[parameter]:
        try:
            call(name, good | {parameter: bad})
        except (ValueError, FileNotFoundError) as refusal:
            said, *_, by = str(refusal), *traceback.extract_tb(refusal.__traceback__)
            named = re.search(rf"\b{parameter}\b", said) or str(bad) in said  # a file names itself
            assert named, f"{said!r} does not say {parameter!r}"
            assert by.filename.startswith(course_utils.__path__[0]), f"{said!r} was said by {by.filename}"
        else:
            pytest.fail(f"{parameter} = {bad!r} is welcome")


@pytest.mark.parametrize("name", [name for name, (_, table) in FUNCTIONS.items() if "generator" in table])
def test_a_generator_is_asked_about_at_the_call(name):
    """Before the first step, and with the words that help."""
    good, table = FUNCTIONS[name]
    function = MixtureDenoiser.draw if name == "MixtureDenoiser.draw" else getattr(course_utils, name)
    hint = r"torch\.Generator\(\)\.manual_seed\(0\) makes one$"
    with pytest.raises(ValueError, match=f"^generator must be a torch.Generator, got 0: {hint}"):
        function(**good, generator=0)
    if table["generator"] is CPU_GENERATORS:
        with pytest.raises(ValueError, match=f"^generator must be one for cpu, .*, got one for cuda: {hint}"):
            function(**good, generator=Elsewhere())
