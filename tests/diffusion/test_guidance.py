"""Guidance, held against its formula and, on a mixture whose answers are known, against its differential equation.

For the mixture the guided field has a closed form, so where each start ends can be computed without any sampler.
"""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import MixtureDenoiser, composed, dpm_solver, guided, linear_schedule, sample

SCHEDULE = linear_schedule(500)
STD = 0.5
HEAPS = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
MIXTURE = MixtureDenoiser(HEAPS, SCHEDULE, STD, classes=torch.eye(2, dtype=torch.float64))

STARTS = torch.linspace(-6, 6, 121, dtype=torch.float64)  # of x_T, and how much of the unit Gaussian each stands for
PARTS = (-STARTS.square() / 2).softmax(0)


def mean_and_std(x, parts=PARTS):
    mean = (parts * x).sum()
    return mean.item(), (parts * (x - mean).square()).sum().sqrt().item()


def field(y, log_variance, w):
    """How y = x / √ᾱ moves with u = log(s² + 1/SNR) under guidance towards +1: dy/du = (y − centre) / 2.

    The probability flow is dy/dσ = ε̂ with σ² = 1/SNR. Tweedie's ε̂ is σ (y − centre) / (s² + σ²), where the centre is 1
    for the class, and the posterior mean of ±1, a tanh, without one.
    """
    of_all, of_class = torch.tanh(y / math.exp(log_variance)), 1
    return (y - of_all - w * (of_class - of_all)) / 2


def exact_ends(w, steps=400):
    """Where the exact guided flow takes STARTS, by the classic method of Runge and Kutta from T to t = 0."""
    y, u = STARTS / SCHEDULE.alpha_bar[-1].sqrt(), math.log(STD**2 + 1 / SCHEDULE.snr[-1].item())
    h = (math.log(STD**2) - u) / steps
    for _ in range(steps):
        k1 = field(y, u, w)
        k2 = field(y + h / 2 * k1, u + h / 2, w)
        k3 = field(y + h / 2 * k2, u + h / 2, w)
        k4 = field(y + h * k3, u + h, w)
        y, u = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), u + h
    return y


def sampled_ends(w, n, solver=sample):
    c = HEAPS.new_tensor([[0.0, 1.0]]).expand(len(STARTS), 2)
    *_, end = solver(guided(MIXTURE, w), STARTS[:, None], SCHEDULE.timesteps(n), SCHEDULE, c=c)
    return end.x[:, 0]


def tilted_mean_and_std(w):
    """Of the density p(x|c)^w p(x)^(1−w), summed over a fine grid."""
    x = torch.linspace(-8, 8, 20_001, dtype=torch.float64)
    of_class, other = (torch.distributions.Normal(mean, STD).log_prob(x) for mean in (1.0, -1.0))
    of_all = torch.logaddexp(of_class, other) - math.log(2)
    return mean_and_std(x, (w * of_class + (1 - w) * of_all).softmax(0))


def test_the_exact_flow_knows_the_mixture():
    """With w = 0 it ends in the mixture, with w = 1 in the class; what is missing is the trace of the data at T."""
    for w, mean, std in ((0, 0.0, math.sqrt(1 + STD**2)), (1, 1.0, STD)):
        assert mean_and_std(exact_ends(w)) == pytest.approx((mean, std), abs=5e-3)
        assert tilted_mean_and_std(w) == pytest.approx((mean, std), abs=1e-9)
    assert torch.allclose(exact_ends(4), exact_ends(4, steps=800), rtol=0, atol=1e-5)


@pytest.mark.parametrize("w", [0, 1, 4])
def test_guidance_follows_the_exact_flow_from_every_start(w):
    assert torch.allclose(sampled_ends(w, 250, dpm_solver), exact_ends(w), rtol=0, atol=2e-3)


def test_scale_four_moves_the_mean_out_and_shrinks_the_spread_by_the_exact_amounts():
    plain, exact = mean_and_std(exact_ends(1)), mean_and_std(exact_ends(4))
    assert exact == pytest.approx((1.675, 0.290), abs=1e-3)
    coarse, fine = mean_and_std(sampled_ends(4, 125)), mean_and_std(sampled_ends(4, 250))
    for i in range(2):
        assert abs(fine[i] - exact[i]) < 0.01 * abs(exact[i] - plain[i]) + 0.005
        assert 1.8 < (coarse[i] - exact[i]) / (fine[i] - exact[i]) < 2.2  # DDIM is of first order
        assert 2 * fine[i] - coarse[i] == pytest.approx(exact[i], abs=5e-4)  # so this is of second


def test_guidance_is_not_sampling_from_the_tilted_density():
    plain, tilted = tilted_mean_and_std(1), tilted_mean_and_std(4)
    for found in (mean_and_std(sampled_ends(4, 125)), mean_and_std(exact_ends(4))):
        for of_found, of_plain, of_tilted in zip(found, plain, tilted, strict=True):
            assert abs(of_found - of_plain) > 3 * abs(of_tilted - of_plain)


def test_scale_zero_samples_all_and_scale_one_the_class():
    heaps, weights = HEAPS.new_tensor([[-2.0], [0.0], [2.0]]), HEAPS.new_tensor([0.6, 0.3, 0.1])
    classes = HEAPS.new_tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    mixture = MixtureDenoiser(heaps, SCHEDULE, std=0.2, weights=weights, classes=classes)
    start = torch.randn((2000, 1), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    c = classes[1:2].expand(2000, 2)
    for w, shares in ((0, weights), (1, HEAPS.new_tensor([0.0, 0.75, 0.25]))):
        *_, end = sample(guided(mixture, w), start, SCHEDULE.timesteps(100), SCHEDULE, c=c)
        nearest = torch.cdist(end.x, heaps).argmin(1)
        found, mean = torch.bincount(nearest, minlength=3) / 2000, (shares * heaps[:, 0]).sum()
        spread = ((shares * (heaps[:, 0] - mean).square()).sum() + 0.2**2).sqrt()
        assert ((found - shares).abs() <= 4 * (shares * (1 - shares) / 2000).sqrt()).all()
        assert abs(end.x.mean() - mean) < 4 * spread / 2000**0.5
        assert abs(end.x.std() - spread) < 0.05
        assert 0.18 < (end.x - heaps[nearest]).std() < 0.21


T = torch.tensor([1, 20, 250, 500])
X = torch.randn((4, 1), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
NONE, LEFT, RIGHT = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
ONE = torch.stack([LEFT, RIGHT, LEFT, RIGHT])
TWO = torch.stack([ONE, torch.stack([RIGHT, RIGHT, NONE, LEFT])], dim=1)  # shape (4, 2, 2)
SCALES = st.floats(-8, 8)


@given(w=SCALES)
@settings(max_examples=30, deadline=None)
def test_one_context_follows_the_formula(w):
    eps_u, eps_c = MIXTURE(X, T), MIXTURE(X, T, ONE)
    answer = guided(MIXTURE, w)(X, T, ONE)
    assert torch.allclose(answer, eps_u + w * (eps_c - eps_u), rtol=0, atol=1e-12)
    assert torch.allclose(answer, composed(MIXTURE, [w])(X, T, ONE[:, None]), rtol=0, atol=1e-12)


@given(scales=st.tuples(SCALES, SCALES))
@settings(max_examples=30, deadline=None)
def test_two_contexts_follow_the_formula(scales):
    without = MIXTURE(X, T)
    formula = without + sum(w * (MIXTURE(X, T, TWO[:, k]) - without) for k, w in enumerate(scales))
    assert torch.allclose(composed(MIXTURE, scales)(X, T, TWO), formula, rtol=0, atol=1e-12)


@given(scales=st.lists(SCALES, min_size=1, max_size=3))
@settings(max_examples=30, deadline=None)
def test_no_context_and_rows_of_zeros_are_the_model_without_context(scales):
    model, nothing = composed(MIXTURE, scales), torch.zeros((4, len(scales), 2), dtype=torch.float64)
    assert torch.equal(model(X, T), MIXTURE(X, T))
    assert torch.equal(model(X, T, None), MIXTURE(X, T))
    assert torch.allclose(model(X, T, nothing), MIXTURE(X, T), rtol=0, atol=1e-12)


@pytest.mark.parametrize("w", [0, 1, 4.5])
def test_one_scale_without_context_is_the_model_without_context(w):
    assert torch.equal(guided(MIXTURE, w)(X, T), MIXTURE(X, T))
    assert torch.equal(guided(lambda x, t, c: MIXTURE(x, t, c), w)(X, T), MIXTURE(X, T))  # one that must be told c
    nothing = torch.zeros((4, 2), dtype=torch.float64)
    assert torch.allclose(guided(MIXTURE, w)(X, T, nothing), MIXTURE(X, T), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("scale", "c", "asked"),
    [
        (3, ONE, [NONE, ONE]),
        (-1.0, ONE, [NONE, ONE]),
        (0, ONE, [NONE]),
        (1, ONE, [ONE]),
        ([2.0], ONE[:, None], [NONE, ONE]),
        ([2.0, 3.0], TWO, [NONE, TWO[:, 0], TWO[:, 1]]),
        ([0.0, 3.0], TWO, [NONE, TWO[:, 1]]),
        ([0.25, 0.75], TWO, [TWO[:, 0], TWO[:, 1]]),
        ([0.0, 1.0], TWO, [TWO[:, 1]]),
        ([0.0, 0.0], TWO, [NONE]),
    ],
)
def test_it_asks_once_and_only_for_what_counts(scale, c, asked):
    calls = []

    def spy(x, t, c):
        calls.append((x, t, c))
        return MIXTURE(x, t, c)

    (composed if isinstance(scale, list) else guided)(spy, scale)(X, T, c)
    ((x, t, contexts),) = calls
    assert torch.equal(x, torch.cat([X] * len(asked)))
    assert torch.equal(t, torch.cat([T] * len(asked)))
    assert torch.equal(contexts, torch.cat([one.expand(4, 2) for one in asked]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: guided(MIXTURE, math.nan), r"guidance_scale must be a number in \(-∞, ∞\), got nan"),
        (lambda: guided(MIXTURE, math.inf), r"guidance_scale must be a number in \(-∞, ∞\), got inf"),
        (lambda: composed(MIXTURE, [1.0, math.nan]), r"scales must be a number in \(-∞, ∞\), got nan"),
        (lambda: composed(MIXTURE, []), "scales must be a list of one or more finite numbers, got "),
        (lambda: guided(MIXTURE, 2)(X, T, TWO), r"c must have shape \(4, n_context\), got \(4, 2, 2\)"),
        (lambda: guided(MIXTURE, 2)(X, T, LEFT), r"c must have shape \(4, n_context\), got \(2,\)"),
        (lambda: guided(MIXTURE, 2)(X, T, ONE[:3]), r"c must have shape \(4, n_context\), got \(3, 2\)"),
        (lambda: composed(MIXTURE, [2, 2])(X, T, ONE), r"c must have shape \(4, 2, n_context\), got \(4, 2\)"),
        (lambda: composed(MIXTURE, [2])(X, T, ONE), r"c must have shape \(4, 1, n_context\), got \(4, 2\)"),
        (lambda: composed(MIXTURE, [2, 2, 2])(X, T, TWO), r"c must have shape \(4, 3, n_context\), got \(4, 2, 2\)"),
        (lambda: composed(MIXTURE, [2, 2])(X, T, TWO[:1]), r"c must have shape \(4, 2, n_context\), got \(1, 2, 2\)"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
