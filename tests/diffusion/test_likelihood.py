"""The variational bound, sampled and exact, against joint Gaussians, torch.distributions and quadrature."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from course_utils import GaussianDenoiser, MixtureDenoiser, cosine_schedule, ddpm_step, linear_schedule
from course_utils.diffusion.exact import entropy, exact_errors, exact_terms, exact_variance, quadrature
from course_utils.diffusion.likelihood import (
    bits_per_dimension,
    bound_terms,
    gaussian_kl,
    hybrid_loss,
    log_density,
    log_probability_of_level,
    step_term,
    x0_errors,
)
from course_utils.diffusion.losses import denoising_loss
from course_utils.diffusion.posterior import LearnedVariance, best_variance, fixed_large, fixed_small, jump

SCHEDULE = linear_schedule(1000)
LEVELS = torch.arange(256, dtype=torch.float64) / 127.5 - 1


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=seeded(seed), dtype=dtype)


def chain(steps, T=1000):
    """As many times as steps, evenly from T to 1, and then 0."""
    return [*(1 + round(i * (T - 1) / (steps - 1)) for i in range(steps - 1, -1, -1)), 0]


def mixture(*means, std, schedule=SCHEDULE, weights=None):
    return MixtureDenoiser(torch.tensor(means, dtype=torch.float64)[:, None], schedule, std, weights)


HALF = mixture(0.0, std=0.5)
MODES = mixture(-1.0, 1.0, std=0.15)


def gap(truth, times, variance, model=None, n=801):
    """On a grid that is wide enough, and far quicker than the usual one."""
    schedule = truth.schedule
    return exact_terms(model or truth, truth, times, schedule, variance, n).sum().item() - entropy(truth, n)


# ---- what a term is made of


@settings(deadline=None)
@given(st.lists(st.floats(-9, 9), min_size=2, max_size=2), st.lists(st.floats(-6, 6), min_size=2, max_size=2))
def test_the_kl_of_two_gaussians_is_that_of_torch(means, logs):
    mean, other = torch.tensor(means, dtype=torch.float64)
    variance, other_variance = torch.tensor(logs, dtype=torch.float64).exp()
    found = gaussian_kl(mean, variance, other, other_variance)
    assert found.item() >= -1e-12
    theirs = kl_divergence(Normal(mean, variance.sqrt()), Normal(other, other_variance.sqrt()))
    assert torch.allclose(found, theirs, rtol=1e-9, atol=1e-9)
    assert gaussian_kl(mean, variance, mean, variance).item() == 0


@settings(deadline=None)
@given(st.floats(-9, 9), st.floats(-6, 6), st.floats(-9, 9))
def test_the_density_is_that_of_torch(mean, log_variance, x0):
    mean, log_variance, x0 = torch.tensor([[mean], [log_variance], [x0]], dtype=torch.float64)
    theirs = Normal(mean, (log_variance / 2).exp()).log_prob(x0)
    assert torch.allclose(log_density(x0, mean, log_variance.exp()), theirs, rtol=1e-9)


def test_shapes_are_broadcast():
    """A table of numbers, one of its variances for each row."""
    x, means, variance = noise(4, 3), noise(4, 3, seed=1), noise(4, 1, seed=2).exp()
    by_row = [log_density(x[i], means[i], variance[i]) for i in range(4)]
    assert torch.equal(log_density(x, means, variance), torch.stack(by_row))
    levels = LEVELS[torch.randint(256, (4, 3), generator=seeded())]
    by_row = [log_probability_of_level(levels[i], means[i], variance[i]) for i in range(4)]
    assert torch.equal(log_probability_of_level(levels, means, variance), torch.stack(by_row))
    by_row = [gaussian_kl(means[i], variance[i], x[i], variance[0]) for i in range(4)]
    assert torch.equal(gaussian_kl(means, variance, x, variance[:1]), torch.stack(by_row))


@settings(deadline=None)
@given(st.floats(-5, 5), st.floats(math.log(1e-4), math.log(10)))
def test_the_probabilities_of_256_levels_sum_to_1(mean, log_std):
    """Whatever mean and width: nothing is lost beyond the first and the last level, nor between two."""
    mean, variance = torch.tensor(mean, dtype=torch.float64), torch.tensor(2 * log_std, dtype=torch.float64).exp()
    found = log_probability_of_level(LEVELS, mean, variance)
    assert found.max() <= 0
    assert found.exp().sum().item() == pytest.approx(1, abs=1e-9)


@settings(deadline=None)
@given(st.integers(0, 255), st.floats(-3, 3), st.floats(math.log(0.02), math.log(3)))
def test_the_probability_of_a_level_is_the_area_between_its_ends(level, mean, log_std):
    """By the trapezoid rule, on a logarithmic scale, far out in the tails as well; 12 widths stand for infinity."""
    std = math.exp(log_std)
    low = LEVELS[level].item() - 1 / 255 if level > 0 else min(-1 + 1 / 255, mean) - 12 * std
    high = LEVELS[level].item() + 1 / 255 if level < 255 else max(1 - 1 / 255, mean) + 12 * std
    x = torch.linspace(low, high, 20_001, dtype=torch.float64)
    density = Normal(torch.tensor(mean, dtype=torch.float64), std).log_prob(x)
    density[[0, -1]] -= math.log(2)
    area = density.logsumexp(0).item() + math.log((high - low) / 20_000)
    mean, variance = torch.tensor([[mean], [std**2]], dtype=torch.float64)
    assert log_probability_of_level(LEVELS[level : level + 1], mean, variance).item() == pytest.approx(area, abs=3e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("std", [0.01, 0.3, 10.0])
def test_a_mean_far_away_gives_numbers_and_gradients(dtype, std):
    far = 3000 * std if dtype == torch.float32 else 1e6 * std
    for mean in (0.0, 0.999, -1.0, 30 * std, -30 * std, far, -far):
        mean = torch.full((256,), mean, dtype=dtype, requires_grad=True)
        variance = torch.full((256,), std**2, dtype=dtype, requires_grad=True)
        found = log_probability_of_level(LEVELS.to(dtype), mean, variance)
        assert found.dtype == dtype
        assert found.isfinite().all()
        assert found.max() <= 0
        for gradient in torch.autograd.grad(found.sum(), [mean, variance]):
            assert gradient.isfinite().all()


@pytest.mark.parametrize("std", [0.01, 0.3, 10.0])
def test_single_precision_is_precise_enough(std):
    mean = torch.linspace(-1.5, 1.5, 256, dtype=torch.float64)
    exact = log_probability_of_level(LEVELS[:, None], mean, torch.tensor(std**2, dtype=torch.float64))
    found = log_probability_of_level(LEVELS[:, None].float(), mean.float(), torch.tensor(std**2))
    assert torch.allclose(found.double(), exact, rtol=1e-3, atol=2e-3)


def test_levels_are_alike_seen_from_either_side():
    mean, variance = noise(256), noise(256, seed=1).exp()
    ours, mirrored = (log_probability_of_level(s * LEVELS, s * mean, variance) for s in (1, -1))
    assert torch.allclose(ours, mirrored, rtol=1e-9)


def test_with_no_width_a_level_is_certain_or_impossible():
    found = log_probability_of_level(LEVELS[[0, 5, 6, 255]], LEVELS[[0, 5, 5, 0]], torch.zeros(4, dtype=torch.float64))
    assert found.tolist() == [0, 0, -math.inf, -math.inf]


def test_nats_become_bits_of_each_number():
    x0, nats = torch.zeros(2, 3, 4, 4), torch.tensor([[48 * math.log(2)], [0.0]])
    assert torch.allclose(bits_per_dimension(nats, x0), torch.tensor([[1.0], [0.0]]))
    uniform = torch.full((2,), 48 * math.log(256))  # all levels alike
    assert bits_per_dimension(uniform, x0).tolist() == pytest.approx([8, 8])
    assert bits_per_dimension(uniform, x0[:, :, :1]).tolist() == pytest.approx([32, 32])


# ---- the bound of images, term by term


PICTURES = LEVELS[torch.randint(256, (5, 3, 4, 4), generator=seeded(1))]
CONTEXT = noise(5, 2, seed=2)


def crooked(x, t, c=None):
    """A model that is far from right, and looks at all that it is told."""
    t = t.view(-1, *[1] * (x.ndim - 1))
    return 0.7 * torch.sin(x) + t / 2000 + (0 if c is None else c.sum(1).view_as(t) / 9)


def spread(x_t, eps, t, t_prev, schedule):
    """A variance for each number, between β̃ and β, also where a step ends at 0."""
    step = jump(t, t_prev, schedule, x_t)
    return step.variance + torch.sigmoid(x_t + eps) * (step.beta - step.variance)


@pytest.mark.parametrize("decoder", [log_probability_of_level, log_density])
def test_each_term_of_the_bound_is_written_out_with_torch(decoder):
    times, generator = [1000, 600, 90, 1, 0], seeded(7)
    found = bound_terms(crooked, PICTURES, times, SCHEDULE, spread, decoder, CONTEXT, seeded(7))
    assert found.shape == (5, 5)
    assert found.dtype == torch.float64
    ab = SCHEDULE.alpha_bar
    end = Normal(ab[1000].sqrt() * PICTURES, (1 - ab[1000]).sqrt())
    assert torch.allclose(found[0], kl_divergence(end, Normal(0.0, 1.0)).sum((1, 2, 3)), rtol=1e-6)
    for term, (t, t_prev) in zip(found[1:], pairwise(times), strict=True):
        x_t = SCHEDULE.add_noise(PICTURES, t, torch.randn(PICTURES.shape, generator=generator, dtype=torch.float64))
        eps = crooked(x_t, torch.full((5,), t), CONTEXT)
        mean = ddpm_step(x_t, eps, t, t_prev, SCHEDULE, noise=0 * x_t)
        std = spread(x_t, eps, t, t_prev, SCHEDULE).sqrt()
        if t_prev:
            true = ddpm_step(x_t, SCHEDULE.predict_eps(x_t, t, PICTURES), t, t_prev, SCHEDULE, noise=0 * x_t)
            beta = 1 - ab[t] / ab[t_prev]
            by_hand = kl_divergence(Normal(true, ((1 - ab[t_prev]) / (1 - ab[t]) * beta).sqrt()), Normal(mean, std))
        elif decoder is log_density:
            by_hand = -Normal(mean, std).log_prob(PICTURES)
        else:
            ends = Normal(mean, std).cdf(PICTURES + 1 / 255), Normal(mean, std).cdf(PICTURES - 1 / 255)
            by_hand = -(torch.where(PICTURES == 1, 1, ends[0]) - torch.where(PICTURES == -1, 0, ends[1])).log()
        assert torch.allclose(term, by_hand.sum((1, 2, 3)), rtol=1e-5)
        alone = step_term(PICTURES, x_t, eps, std**2, t, t_prev, SCHEDULE, decoder)
        assert torch.allclose(alone, by_hand, rtol=1e-3, atol=1e-4)


def test_the_bound_asks_the_model_once_a_step_and_keeps_no_gradients():
    asked, weight = [], torch.ones((), dtype=torch.float64, requires_grad=True)

    def model(x, t, c):
        asked.append((tuple(t.tolist()), c))
        return weight * 0.5 * x

    found = bound_terms(model, PICTURES[:2], SCHEDULE.timesteps(3), SCHEDULE, fixed_large, c=CONTEXT[:2])
    assert [t for t, _ in asked] == [(1000, 1000), (666, 666), (333, 333)]
    assert all(torch.equal(c, CONTEXT[:2]) for _, c in asked)
    assert found.shape == (4, 2)
    assert not found.requires_grad


def test_numbers_need_no_second_dimension():
    x0, times = LEVELS[::50], [1000, 300, 0]
    flat, column = (
        bound_terms(crooked, x, times, SCHEDULE, fixed_large, generator=seeded()) for x in (x0, x0[:, None])
    )
    assert flat.shape == (3, 6)
    assert torch.allclose(flat, column)


def test_a_term_takes_one_variance_for_all_numbers():
    x_t, eps, sigma2 = noise(3, *PICTURES.shape)
    one = torch.tensor(0.2, dtype=torch.float64)
    for t_prev in (0, 40):
        term = step_term(PICTURES, x_t, eps, one, 90, t_prev, SCHEDULE)
        assert torch.equal(term, step_term(PICTURES, x_t, eps, one.expand_as(x_t), 90, t_prev, SCHEDULE))
        term = step_term(PICTURES, x_t, eps, sigma2[:, :1].square(), 90, t_prev, SCHEDULE)
        assert torch.equal(
            term, step_term(PICTURES, x_t, eps, sigma2[:, :1].square().expand_as(x_t), 90, t_prev, SCHEDULE)
        )


def test_a_seed_gives_the_same_bound_again_and_another_one_another():
    first, again, other = (
        bound_terms(crooked, PICTURES, [1000, 300, 0], SCHEDULE, fixed_large, generator=seeded(seed))
        for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert torch.equal(first[0], other[0])  # nothing is drawn for how far x_T is from noise
    assert not torch.isclose(first[1:], other[1:]).any()


def test_with_no_variance_in_the_last_step_there_is_no_bound():
    found = bound_terms(crooked, PICTURES, [1000, 300, 0], SCHEDULE, fixed_small, generator=seeded())
    assert found[:-1].isfinite().all()
    assert (found[-1] == math.inf).all()
    assert bound_terms(crooked, PICTURES, [1000, 300, 0], SCHEDULE, generator=seeded()).isfinite().all()


def test_a_bound_in_single_precision():
    """The terms of all 1,000 steps are small differences: those of float32 must not be rounded away."""
    times = [1000, 999, 998, 500, 499, 3, 2, 1, 0]
    model = GaussianDenoiser(torch.zeros(3, 4, 4).double(), torch.full((3, 4, 4), 0.5).double(), SCHEDULE)
    single = GaussianDenoiser(model.mean.float(), model.std.float(), SCHEDULE)
    z = [noise(*PICTURES.shape, seed=t, dtype=torch.float32) for t in times]
    for (t, t_prev), eps in zip(pairwise(times), z, strict=False):
        x_t = SCHEDULE.add_noise(PICTURES, t, eps.double())
        sigma2 = fixed_large(x_t, x_t, t, t_prev, SCHEDULE)
        exact = step_term(PICTURES, x_t, model(x_t, t), sigma2, t, t_prev, SCHEDULE)
        rough = x_t.float()
        term = step_term(PICTURES.float(), rough, single(rough, t), sigma2.float(), t, t_prev, SCHEDULE)
        assert term.sum().item() == pytest.approx(exact.sum().item(), rel=2e-3, abs=2e-5 * 240)


# ---- the bound of numbers, exactly


def test_the_sampled_bound_is_unbiased():
    """Its mean over data and noise is the exact one, term by term, for a crooked model and a crooked variance."""
    n, times, truth = 20_000, chain(5), mixture(-1.0, 0.5, std=0.3, weights=torch.tensor([0.3, 0.7]))
    x0 = truth.draw(n, seeded(1))
    found = bound_terms(crooked, x0, times, SCHEDULE, spread, log_density, generator=seeded(2))
    error = (found.mean(1) - exact_terms(crooked, truth, times, SCHEDULE, spread)).abs()
    assert (error < 4 * found.std(1) / n**0.5).all()
    perfect = bound_terms(truth, x0, times, SCHEDULE, exact_variance(truth), log_density, generator=seeded(3)).sum(0)
    assert perfect.mean().item() > entropy(truth)


def joint_gaussians(times, schedule, mean, std, model, variance):
    """The chain of the data and the chain of the model, x_0 first and x_T last, as two Gaussians; ε = k x_t + m."""
    ab = schedule.alpha_bar[torch.tensor(times[::-1])]
    # of x_s with a later x_t: √(ᾱ_t / ᾱ_s) times the variance of x_s
    later = ((ab / ab[:, None]).sqrt() * (ab * std**2 + 1 - ab)[:, None]).triu()
    covariance = later + later.triu(1).T
    data = MultivariateNormal(ab.sqrt() * mean, covariance)

    size = len(times)
    matrix, shift, width = torch.zeros(size, size).double(), torch.zeros(size).double(), torch.ones(size).double()
    for place, (t, t_prev) in enumerate(pairwise(times)):  # x_{t'} = a x_t + b + σ z
        ab_t, ab_prev = schedule.alpha_bar[t], schedule.alpha_bar[t_prev]
        beta, one = 1 - ab_t / ab_prev, torch.ones(1, 1).double()
        m = model(0 * one, torch.tensor([t])).item()
        k = model(one, torch.tensor([t])).item() - m
        row = size - 2 - place
        matrix[row, row + 1] = (1 - beta / (1 - ab_t).sqrt() * k) / (1 - beta).sqrt()
        shift[row] = -beta / (1 - ab_t).sqrt() * m / (1 - beta).sqrt()
        width[row] = variance(one, one, t, t_prev, schedule).item()
    inverse = torch.linalg.inv(torch.eye(size).double() - matrix)
    return data, MultivariateNormal(inverse @ shift, inverse @ width.diag() @ inverse.T)


def straight(x, t, c=None):
    """A model that is wrong, and a straight line in x_t."""
    return 0.8 * x + t.view(-1, 1) / 5000


BETWEEN = best_variance(torch.full((1001,), 0.01, dtype=torch.float64))


@pytest.mark.parametrize("variance", [fixed_large, BETWEEN])
@pytest.mark.parametrize(("mean", "model"), [(0.0, None), (0.3, None), (0.0, straight), (0.3, straight)])
def test_the_gap_is_the_kl_of_two_chains(mean, model, variance):
    """All steps at once, as Gaussians in 11 dimensions: how far the chain of the model is from that of the data."""
    times, truth = chain(10), mixture(mean, std=0.5)
    data, ours = joint_gaussians(times, SCHEDULE, mean, 0.5, model or truth, variance)
    assert gap(truth, times, variance, model, n=4001) == pytest.approx(kl_divergence(data, ours).item(), abs=1e-6)


def beta_at_the_end(x_t, eps, t, t_prev, schedule):
    return (fixed_small if t_prev else fixed_large)(x_t, eps, t, t_prev, schedule)


PRICES = [
    (HALF, "beta", (0.23685, 0.10223, 0.04297)),
    (HALF, "best", (0.0, 0.0, 0.0)),
    (MODES, "beta", (1.2026, 0.7886, 0.4008)),
    (MODES, "best", (1.2025, 0.5150, 0.1555)),
    (MODES, "best per x", (1.1380, 0.2064, 0.0499)),
]
"""Gaps in nats for 4, 10 and 25 steps, found by another quadrature before this package had one."""


@pytest.mark.parametrize(("truth", "name", "prices"), PRICES)
def test_the_price_of_the_wrong_variance(truth, name, prices):
    for steps, price in zip((4, 10, 25), prices, strict=True):
        times = chain(steps)
        variance = {
            "beta": fixed_large,
            "best": best_variance(exact_errors(truth, times, SCHEDULE, n=801)),
            "best per x": exact_variance(truth),
        }[name]
        assert gap(truth, times, variance) == pytest.approx(price, rel=0.02, abs=1e-6)


def test_too_small_a_variance_costs_most():
    assert gap(HALF, chain(10), beta_at_the_end) == pytest.approx(454.6, rel=0.02)


WIDTHS = st.floats(math.log(0.02), math.log(3)).map(math.exp)
CHAINS = st.sets(st.integers(1, 999), max_size=7).map(lambda stops: [1000, *sorted(stops, reverse=True), 0])


@settings(deadline=None, max_examples=25)
@given(CHAINS, WIDTHS)
def test_the_best_steps_of_a_gaussian_cost_nothing(times, std):
    """Even a single step: what remains is that x_T is not quite the noise that the chain begins with."""
    truth = mixture(0.3, std=std)
    end, ab = SCHEDULE.alpha_bar[1000] * (std**2 - 1) + 1, SCHEDULE.alpha_bar[1000]
    unlike = kl_divergence(Normal(ab.sqrt() * 0.3, end.sqrt()), Normal(0.0, 1.0)).item()
    for variance in (best_variance(exact_errors(truth, times, SCHEDULE, 801)), exact_variance(truth)):
        assert gap(truth, times, variance) == pytest.approx(unlike, abs=1e-6)


@settings(deadline=None, max_examples=25)
@given(CHAINS, st.floats(-2, 2))
def test_any_other_variance_is_worse_by_what_the_formula_says(times, log_factor):
    """The log of a Gaussian is flat only at the best variance; f times as much costs (1/f − 1 + log f) / 2 a step."""
    best, factor = best_variance(exact_errors(MODES, times, SCHEDULE, n=801)), math.exp(log_factor)
    found = exact_terms(MODES, MODES, times, SCHEDULE, best, n=801)
    other = exact_terms(MODES, MODES, times, SCHEDULE, lambda *question: factor * best(*question), n=801)
    excess = torch.full_like(found, (1 / factor - 1 + log_factor) / 2)
    excess[0] = 0
    assert torch.allclose(other - found, excess, rtol=1e-6, atol=1e-8)
    assert exact_terms(MODES, MODES, times, SCHEDULE, exact_variance(MODES), n=801).sum() <= found.sum() + 1e-9


def test_beta_is_the_best_for_a_unit_gaussian_and_the_posterior_one_for_what_is_nearly_a_point():
    unit, point, x = mixture(0.0, std=1.0), mixture(0.4, std=1e-6), noise(3, 1)
    for times in map(chain, (2, 5, 20)):
        assert gap(unit, times, fixed_large) == pytest.approx(0, abs=1e-8)
        of_unit, of_point = (best_variance(exact_errors(truth, times, SCHEDULE, n=801)) for truth in (unit, point))
        for t, t_prev in pairwise(times):
            question = x, x, t, t_prev, SCHEDULE
            large, small = fixed_large(*question).expand_as(x), fixed_small(*question).expand_as(x)
            assert torch.allclose(of_unit(*question).expand_as(x), large, rtol=1e-6)
            assert torch.allclose(exact_variance(unit)(*question), large, rtol=1e-9)
            assert torch.allclose(of_point(*question).expand_as(x), small, rtol=1e-6, atol=2e-12)
            assert torch.allclose(exact_variance(point)(*question), small, rtol=1e-6, atol=2e-12)


def test_the_entropy_of_a_gaussian_and_of_two_far_apart_has_a_formula():
    of_one = math.log(0.15) + (1 + math.log(2 * math.pi)) / 2
    assert entropy(mixture(0.7, std=0.15)) == pytest.approx(of_one, abs=1e-9)
    assert entropy(mixture(-5.0, 5.0, std=0.15)) == pytest.approx(of_one + math.log(2), abs=1e-9)
    shares = torch.tensor([0.9, 0.1], dtype=torch.float64)
    of_shares = -(shares * shares.log()).sum().item()
    assert entropy(mixture(-5.0, 5.0, std=0.15, weights=shares)) == pytest.approx(of_one + of_shares, abs=1e-6)


@pytest.mark.parametrize("t", [0, 1, 300, 1000])
def test_the_grid_holds_all_of_the_probability(t):
    x, mass = quadrature(MODES, t)
    ab = SCHEDULE.alpha_bar[t]
    assert x.shape == mass.shape == (4001, 1)
    assert mass.sum().item() == pytest.approx(1, abs=1e-9)
    assert (mass * x).sum().item() == pytest.approx(0, abs=1e-9)
    assert (mass * x**2).sum().item() == pytest.approx((ab * (1 + 0.15**2) + 1 - ab).item(), rel=1e-6)


# ---- errors of x̂_0, and a variance that learns them


def test_the_error_of_x0_is_the_mean_of_the_variance_that_remains():
    truth, times = mixture(-1.0, 0.5, std=0.3), [1000, 700, 300, 60, 1]
    found = torch.stack(
        [x0_errors(truth, truth.draw(2000, seeded(s)), times, SCHEDULE, None, seeded(99 + s)) for s in range(12)]
    )
    exact = exact_errors(truth, [*times, 0], SCHEDULE)
    assert found.shape == (12, 1001)
    assert found.dtype == torch.float64
    asked = torch.zeros(1001).bool()
    asked[times[:-1]] = True
    assert ((found[0] != 0) == asked).all()
    mean, error = found.mean(0)[asked], found.std(0)[asked] / 12**0.5
    assert ((mean - exact[asked]).abs() < 4 * error).all()
    assert (error < 0.02 * mean).all()


def test_a_worse_model_has_larger_errors_and_a_context_reaches_it():
    n, times = 4000, [1000, 500, 20, 0]
    x0 = MODES.draw(n, seeded(1))
    best, worse = (x0_errors(model, x0, times, SCHEDULE, None, seeded(2)) for model in (MODES, crooked))
    asked = worse > 0
    assert asked.nonzero().flatten().tolist() == [20, 500, 1000]
    assert (worse[asked] > best[asked]).all()
    x_t, c = SCHEDULE.add_noise(x0, 1000, noise(n, 1, seed=2)), torch.ones(n, 2, dtype=torch.float64)
    by_hand = (SCHEDULE.predict_x0(x_t, 1000, crooked(x_t, torch.full((n,), 1000), c)) - x0).square().mean()
    told = x0_errors(crooked, x0, [1000, 0], SCHEDULE, c, seeded(2))[1000]
    assert told.item() == pytest.approx(by_hand.item(), rel=1e-9)


class Line(nn.Module):
    """A model of two numbers, w x + b; and a head that puts out one, or one for each time."""

    def __init__(self, size=1):
        super().__init__()
        self.mean = nn.Parameter(torch.tensor([0.3, 0.1], dtype=torch.float64))
        self.log_u = nn.Parameter(torch.full((size,), -1.0, dtype=torch.float64))

    def forward(self, x, t, c=None):
        return self.mean[0] * x + self.mean[1]

    def head(self, x, t):
        return self.log_u[t if len(self.log_u) > 1 else 0 * t].view(-1, 1).expand(-1, x.shape[1] // 2)


class Head(nn.Module):
    """Of what it is handed, a method."""

    def __init__(self, line):
        super().__init__()
        self.line = line

    def forward(self, x, t):
        return self.line.head(x, t)


def batch(truth, n, seed=0):
    x0 = truth.draw(n, seeded(seed))
    return x0, torch.randint(1, truth.schedule.T + 1, (n,), generator=seeded(seed + 1)), noise(n, 1, seed=seed + 2)


@pytest.mark.parametrize("weight", [None, torch.linspace(1, 2, 1001)])
def test_the_variance_never_moves_the_mean(weight):
    """The gradient of the mean is that of the simple loss, to the last bit, and the variance has one of its own."""
    line, (x0, t, eps) = Line(), batch(MODES, 64)
    both = hybrid_loss(line, LearnedVariance(Head(line), SCHEDULE), x0, t, eps, None, SCHEDULE, weight)
    simple = denoising_loss(line, x0, t, eps, None, SCHEDULE, weight)
    of_both, of_variance = torch.autograd.grad(both, [line.mean, line.log_u])
    (of_simple,) = torch.autograd.grad(simple, [line.mean])
    assert torch.equal(of_both, of_simple)
    assert of_variance.abs() > 0


def test_the_hybrid_loss_is_its_formula():
    (x0, t, eps), told = batch(MODES, 64), []

    def variance(x_t, eps_hat, start, end, schedule):
        told.append((x_t, eps_hat, start, end))
        return spread(x_t, eps_hat, start, end, schedule)

    x_t = SCHEDULE.add_noise(x0, t, eps)
    c = torch.ones(64, 2, dtype=torch.float64)
    found = hybrid_loss(crooked, variance, x0, t, eps, c, SCHEDULE)
    eps_hat = crooked(x_t, t, c)
    ((seen, answer, start, end),) = told
    assert torch.equal(seen, x_t)
    assert torch.equal(answer, eps_hat)
    assert torch.equal(start, t)
    assert torch.equal(end, 0 * t)
    width = spread(x_t, eps_hat, t, 0 * t, SCHEDULE).sqrt()
    log_p = Normal(SCHEDULE.predict_x0(x_t, t, eps_hat), width).log_prob(x0)
    assert found.item() == pytest.approx(((eps - eps_hat).square().mean() - log_p.mean()).item(), rel=1e-9)


@pytest.mark.parametrize("t", [1, 200, 1000])
def test_a_constant_that_minimises_the_loss_is_the_best_variance(t):
    """What a head of one number learns at one time from samples is the table of errors of these samples."""
    line, (x0, _, eps) = Line(), batch(MODES, 500)
    times, head = torch.full((500,), t), LearnedVariance(Head(line), SCHEDULE)
    optimizer = torch.optim.LBFGS([line.log_u], tolerance_grad=1e-12, tolerance_change=1e-14, max_iter=60)

    def closure():
        optimizer.zero_grad()
        loss = hybrid_loss(MODES, head, x0, times, eps, None, SCHEDULE)
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    x_t = SCHEDULE.add_noise(x0, t, eps)
    table = torch.zeros(1001, dtype=torch.float64)
    table[t] = (MODES.predict_x0(x_t, t) - x0).square().mean()
    for t_prev in {0, t // 2, t - 1}:
        learned = head(x_t, MODES(x_t, t), t, t_prev, SCHEDULE)
        assert torch.allclose(learned, best_variance(table)(x_t, x_t, t, t_prev, SCHEDULE).expand_as(x_t), rtol=1e-6)


def test_a_trained_variance_reaches_the_best_one():
    """A number for each time, from samples: the bound is within a hundredth of a nat of the exact one."""
    schedule = cosine_schedule(20)
    truth = mixture(-1.0, 1.0, std=0.15, schedule=schedule)
    line = Line(size=21)
    head, times = LearnedVariance(Head(line), schedule), schedule.timesteps(10)
    optimizer = torch.optim.Adam([line.log_u], lr=0.1, betas=(0.9, 0.99))
    rate = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.01, 250)
    for step in range(250):
        loss = hybrid_loss(truth, head, *batch(truth, 1000, seed=3 * step), None, schedule)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate.step()
    with torch.no_grad():
        learned = gap(truth, times, head)
    best, large = gap(truth, times, best_variance(exact_errors(truth, times, schedule))), gap(truth, times, fixed_large)
    assert best - 1e-9 < learned < best + 0.01 < large - 0.05


def test_a_network_in_half_precision_has_a_loss_in_full():
    (x0, eps), t = noise(2, 4, 1, dtype=torch.float32), torch.tensor([1, 9, 99, 999])

    def model(x, t, c):
        return (0.5 * x).to(torch.bfloat16)

    loss = hybrid_loss(model, fixed_large, x0, t, eps, None, SCHEDULE)
    assert loss.dtype == torch.float32
    assert loss.isfinite()


# ---- what is refused


def chain_of(times, truth=HALF, variance=fixed_large, schedule=SCHEDULE, n=4001):
    return exact_terms(truth, truth, times, schedule, variance, n)


POINT = torch.ones(1, dtype=torch.float64)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: chain_of([999, 0]), r"times must fall from T = 1000 to 0, .* got \[999, 0\]"),
        (lambda: chain_of([1000, 5]), r"times must fall from T = 1000 to 0, .* got \[1000, 5\]"),
        (lambda: chain_of([1000, 5, 9, 0]), r"times must fall from T = 1000 to 0"),
        (lambda: chain_of([1000]), "times must be two or more"),
        (lambda: chain_of([1000, 0], n=2), "n must be a whole number of at least 3, got 2"),
        (lambda: chain_of([1000, 0], variance=fixed_small), "variance must be positive, got 0"),
        (lambda: chain_of([1000, 0], variance=lambda x, *_: x[:, 0] ** 2 + 1), r"variance must have shape \(4001, 1\)"),
        (lambda: chain_of([1000, 0], schedule=cosine_schedule(1000)), "schedule must be that of truth"),
        (lambda: exact_errors(HALF, [1000, 0], cosine_schedule(1000)), "schedule must be that of truth"),
        (lambda: entropy(mixture(0.0, std=0.0)), "truth must have a positive std"),
        (lambda: entropy(MixtureDenoiser(noise(2, 3), SCHEDULE, 0.1)), r"truth must have means of shape \(K, 1\)"),
        (lambda: entropy(mixture(-1.0, 1.0, std=1e-4)), "n must be at least 20020 for modes so narrow, got 4001"),
        (lambda: gaussian_kl(POINT, POINT, POINT, -POINT), "other_variance must be positive, got -1"),
        (lambda: gaussian_kl(POINT, POINT * math.nan, POINT, POINT), "variance must be finite"),
        (lambda: log_density(POINT, POINT, 0 * POINT), "variance must be positive, got 0"),
        (lambda: log_probability_of_level(POINT, POINT, -POINT), "variance must be at least 0, got -1"),
        (lambda: log_probability_of_level(POINT / 2, POINT, POINT), "x0 must be on 256 levels from −1 to 1"),
        (lambda: log_probability_of_level(POINT + 2 / 255, POINT, POINT), "x0 must be on 256 levels from −1 to 1"),
        (lambda: bound_terms(crooked, PICTURES / 2, [1000, 0], SCHEDULE), "x0 must be on 256 levels from −1 to 1"),
        (
            lambda: bound_terms(crooked, PICTURES, [1000, 0], SCHEDULE, lambda x, *_: x[0].square()),
            r"variance must have shape \(5, 3, 4, 4\)",
        ),
        (
            lambda: hybrid_loss(crooked, lambda x, *_: x - 9, POINT, torch.ones(1).long(), POINT, None, SCHEDULE),
            r"variance must be a number in \[0, ∞\), got -",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
