"""The posterior of a jump and the variances of a step, against Bayes' rule on a grid and against diffusers."""

from functools import partial
from itertools import pairwise

import pytest
import torch
from diffusers import DDPMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_utils import FromX0, MixtureDenoiser, ddpm_step, guided, linear_schedule, sample
from course_utils.diffusion.models import TrainedModel
from course_utils.diffusion.posterior import (
    LearnedVariance,
    best_variance,
    fixed_large,
    fixed_small,
    jump,
    learned_variance,
    log_between,
)

T = 200
SCHEDULE = linear_schedule(T)
JUMPS = st.integers(1, T).flatmap(lambda t: st.tuples(st.just(t), st.integers(0, t - 1)))
LONGER = st.integers(2, T).flatmap(lambda t: st.tuples(st.just(t), st.integers(1, t - 1)))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=seeded(seed), dtype=dtype)


X = noise(2, 3, 4, 4)


def diffusers_at(t, t_prev, **options):
    """Their scheduler, about to go from t to t_prev in one jump; their times are smaller by one."""
    theirs = DDPMScheduler(T, clip_sample=False, **options)
    theirs.alphas_cumprod = SCHEDULE.alpha_bar[1:]  # its own are in float32
    theirs.set_timesteps(timesteps=[t - 1, t_prev - 1] if t_prev else [t - 1])
    return theirs


@given(JUMPS)
@settings(deadline=None)
def test_any_jump_agrees_with_diffusers(times):
    """Mean and variance of q(x_{t'} | x_t, x_0), for single steps and for longer ones."""
    t, t_prev = times
    theirs, x0, z = diffusers_at(t, t_prev, prediction_type="sample"), noise(*X.shape, seed=1), noise(*X.shape, seed=2)
    step, variance = jump(t, t_prev, SCHEDULE, X), theirs._get_variance(t - 1)
    assert step.variance.unique().item() == pytest.approx(variance.item(), rel=1e-9, abs=1e-15)
    their = theirs.step(x0, t - 1, X, generator=seeded(2)).prev_sample
    if t > 1:  # at their last time they add no noise
        their = their - variance.sqrt() * z
    assert torch.allclose(step.of_x0 * x0 + step.of_x_t * X, their, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("t", "t_prev"), [(2, 1), (50, 49), (T, T - 1), (100, 20), (T, 1), (T, 120)])
def test_any_jump_is_bayes_rule_on_a_grid(t, t_prev):
    """What x_{t'} was, if x_0 and x_t are known: how probable each is after x_0, times how probable x_t is after it."""
    ab, ab_prev = SCHEDULE.alpha_bar[t], SCHEDULE.alpha_bar[t_prev]
    x0, x_t = 0.7, torch.tensor([[-0.4]], dtype=torch.float64)
    x = torch.linspace(-8, 8, 200_001, dtype=torch.float64)
    prior = torch.distributions.Normal(ab_prev.sqrt() * x0, (1 - ab_prev).sqrt()).log_prob(x)
    likelihood = torch.distributions.Normal((ab / ab_prev).sqrt() * x, (1 - ab / ab_prev).sqrt()).log_prob(x_t[0])
    mass = (prior + likelihood).softmax(0)
    mean = (mass * x).sum().item()
    step = jump(t, t_prev, SCHEDULE, x_t)
    assert (step.of_x0 * x0 + step.of_x_t * x_t).item() == pytest.approx(mean, abs=1e-9)
    assert step.variance.item() == pytest.approx((mass * (x - mean) ** 2).sum().item(), rel=1e-6)
    assert step.beta.item() == pytest.approx(1 - (SCHEDULE.alpha[t_prev + 1 : t + 1]).prod().item(), rel=1e-9)


@given(JUMPS, st.integers(0, 99))
@settings(deadline=None)
def test_the_mean_of_a_step_is_that_of_the_posterior_with_x0_hat(times, seed):
    """As DDPM writes it, in terms of ε, and as Bayes' rule does, in terms of x̂_0."""
    eps, step = noise(*X.shape, seed=seed), jump(*times, SCHEDULE, X)
    mean = step.of_x0 * SCHEDULE.predict_x0(X, times[0], eps) + step.of_x_t * X
    assert torch.allclose(mean, ddpm_step(X, eps, *times, SCHEDULE, noise=torch.zeros_like(X)), rtol=1e-9, atol=1e-9)


def test_a_jump_to_the_clean_image_is_x0_itself():
    step = jump(torch.tensor([1, T]), 0, SCHEDULE, X)
    assert step.variance.abs().max() == step.of_x_t.abs().max() == 0
    assert torch.allclose(step.of_x0, torch.ones_like(step.of_x0), atol=1e-12)
    assert torch.allclose(step.beta.flatten(), 1 - SCHEDULE.alpha_bar[[1, T]], atol=1e-12)


def test_each_image_makes_its_own_jump():
    t, t_prev = torch.tensor([7, T], dtype=torch.int32), torch.tensor([6, 30])
    together = jump(t, t_prev, SCHEDULE, X)
    for i in range(2):
        for number, alone in zip(together, jump(int(t[i]), int(t_prev[i]), SCHEDULE, X[:1]), strict=True):
            assert number.shape == (2, 1, 1, 1)
            assert torch.equal(number[i : i + 1], alone)
    with pytest.raises(ValueError, match="t_prev must be smaller than t, got t = 7, t_prev = 7"):
        jump(t, torch.tensor([7, 30]), SCHEDULE, X)
    with pytest.raises(ValueError, match="t_prev must lie in 0…200, got 6…201"):
        jump(t, torch.tensor([6, 201]), SCHEDULE, X)


@given(JUMPS, st.sampled_from([torch.float16, torch.bfloat16, torch.float32]))
@settings(deadline=None)
def test_a_batch_in_lower_precision_gets_the_right_numbers_rounded(times, dtype):
    """Differences of ᾱ are taken before they are rounded: in half precision little would be left of a small one."""
    for number, exact in zip(jump(*times, SCHEDULE, X.to(dtype)), jump(*times, SCHEDULE, X), strict=True):
        assert torch.equal(number, exact.to(dtype))


def asked(variance, t, t_prev, x_t=X, schedule=SCHEDULE):
    return variance(x_t, 0.5 * x_t, t, t_prev, schedule)


@given(JUMPS)
@settings(deadline=None)
def test_fixed_variances_agree_with_diffusers(times):
    theirs = diffusers_at(*times)
    for variance, name in ((fixed_small, "fixed_small"), (fixed_large, "fixed_large")):
        their = theirs._get_variance(times[0] - 1, variance_type=name).item()
        assert asked(variance, *times).unique().item() == pytest.approx(their, rel=1e-9, abs=1e-15)


@given(LONGER, st.floats(0, 1))
@settings(deadline=None)
def test_what_lies_between_agrees_with_diffusers(times, share):
    """Their network puts out a number from −1 to 1, and their answer is the logarithm."""
    theirs, ours = diffusers_at(*times, variance_type="learned_range"), asked(log_between(share), *times)
    their = theirs._get_variance(times[0] - 1, predicted_variance=torch.tensor(2 * share - 1, dtype=torch.float64))
    assert ours.unique().item() == pytest.approx(their.exp().item(), rel=1e-6)


def test_between_stand_both_ends_and_a_share_for_each_number():
    share = torch.rand(X.shape, generator=seeded(), dtype=torch.float64)
    shares = asked(log_between(share), 90, 60)
    by_hand = asked(fixed_large, 90, 60) ** share * asked(fixed_small, 90, 60) ** (1 - share)
    assert torch.allclose(shares, by_hand, rtol=1e-9)
    for v, end in ((0, fixed_small), (1.0, fixed_large)):
        assert torch.allclose(asked(log_between(v), 90, 60), asked(end, 90, 60), rtol=1e-9)
        assert torch.allclose(asked(log_between(v), 90, 0), asked(fixed_large, 90, 0), rtol=1e-9)


@given(JUMPS, st.floats(0, 1))
@settings(deadline=None)
def test_the_best_variance_adds_what_is_not_known_of_x0(times, error):
    """The law of total variance: that of the posterior, and the error of x̂_0 as far as x_0 enters its mean."""
    table = torch.zeros(T + 1, dtype=torch.float64)
    table[times[0]] = error
    step = jump(*times, SCHEDULE, X)
    found = asked(best_variance(table), *times)
    assert torch.allclose(found, step.variance + step.of_x0**2 * error, rtol=1e-9, atol=1e-12)


def test_the_best_variance_is_beta_for_a_unit_gaussian_and_the_posterior_one_for_a_point():
    ab, spread = SCHEDULE.alpha_bar, torch.tensor([0.0, 1.0], dtype=torch.float64)
    point, unit = ((s**2 * (1 - ab) / (ab * s**2 + 1 - ab)).nan_to_num() for s in spread)  # Var[x_0 | x_t]
    for t, t_prev in ((1, 0), (2, 1), (T, T - 1), (T, 0), (150, 20)):
        assert torch.allclose(asked(best_variance(unit), t, t_prev), asked(fixed_large, t, t_prev), rtol=1e-9)
        assert torch.equal(asked(best_variance(point), t, t_prev), asked(fixed_small, t, t_prev))


def test_the_best_variance_needs_a_table_for_its_schedule():
    variance = best_variance(torch.rand(T))
    with pytest.raises(ValueError, match=r"x0_error must be a .* table of T \+ 1 = 201 numbers, got .*\(200,\)"):
        asked(variance, 5, 4)


class Constant(nn.Module):
    """A network that puts out one number whatever it sees, and keeps what it saw."""

    def __init__(self, log_u):
        super().__init__()
        self.log_u, self.seen = nn.Parameter(torch.tensor(log_u, dtype=torch.float64)), []

    def forward(self, x, t):
        self.seen.append((x, t))
        return self.log_u.expand_as(x[:, : x.shape[1] // 2])


@given(JUMPS, st.floats(-9, 2))
@settings(deadline=None)
def test_a_head_that_answers_with_a_constant_is_the_best_variance_of_that_error(times, log_u):
    table = torch.tensor(log_u, dtype=torch.float64).exp() * (1 - SCHEDULE.alpha_bar)
    learned, best = (asked(variance, *times) for variance in (head(log_u), best_variance(table)))
    assert learned.shape == X.shape
    assert torch.allclose(learned, best.expand_as(X), rtol=1e-9)


def head(log_u=-1.0):
    return LearnedVariance(Constant(log_u), SCHEDULE)


def test_a_head_sees_x_t_and_the_picture_in_it():
    variance, eps, t = head(), 0.3 * X, torch.tensor([50, 120])
    together = variance(X, eps, t, torch.tensor([40, 0]), SCHEDULE)
    variance(X, eps, 50, 40, SCHEDULE)
    (told, times), (again, time) = variance.network.seen
    assert torch.equal(told, torch.cat([X, SCHEDULE.predict_x0(X, t, eps)], dim=1))
    assert torch.equal(times, t)
    assert torch.equal(again[0], told[0])
    assert time.tolist() == [50, 50]
    for i, (t, t_prev) in enumerate(((50, 40), (120, 0))):
        assert torch.equal(together[i : i + 1], variance(X[i : i + 1], eps[i : i + 1], t, t_prev, SCHEDULE))


def test_a_head_learns_and_never_asks_for_the_impossible():
    variance = head()
    asked(variance, 50, 40).sum().backward()
    assert variance.network.log_u.grad.abs() > 0
    for log_u, bound in ((-1e3, -15), (1e3, 5)):
        share = head(log_u).share(X, X, 50)
        assert share.shape == X.shape
        assert torch.allclose(share.log(), torch.full_like(X, bound), atol=1e-9)


def test_a_head_in_half_precision_answers_in_that_of_the_batch():
    variance, x = head(-2.5), X.float()
    variance.network.to(torch.bfloat16)
    assert variance(x, 0.5 * x, 50, 40, SCHEDULE).dtype == torch.float32
    assert torch.allclose(variance.share(x, x, 50), torch.full_like(x, -2.5).exp(), rtol=1e-6)


def test_a_model_that_learned_its_variance_hands_it_out():
    """Wherever the network is: alone, in an adapter, or as `load_model` gives it."""
    network = nn.Module()
    network.error = Constant(-1.0)
    for model in (network, FromX0(network, SCHEDULE), TrainedModel(FromX0(network, SCHEDULE)), TrainedModel(network)):
        variance = learned_variance(model, SCHEDULE)
        assert variance.network is network.error
        assert variance.schedule is SCHEDULE
    for model in (FromX0(Constant(-1.0), SCHEDULE), Constant(-1.0), guided(Constant(-1.0), 2)):
        with pytest.raises(ValueError, match="model must have learned its variance"):
            learned_variance(model, SCHEDULE)


class Doubtful(nn.Module):
    """A network that is less sure of numbers far from 0."""

    def forward(self, x, t):
        x_t, x0_hat = x.chunk(2, dim=1)
        return x_t.square() - x0_hat.square() / 2


@pytest.mark.parametrize("share", [None, 3.0])
def test_a_head_works_beside_any_model_in_the_one_loop(share):
    """Also beside a guided one: it is asked about the picture that the step has in mind, which guidance has moved."""
    classes = torch.eye(3, dtype=torch.float64)
    heaps = noise(3, 2, seed=5)
    model, c = MixtureDenoiser(heaps, SCHEDULE, 0.2, classes=classes), classes[[0, 1, 2, 0, 1]]
    model = model if share is None else guided(model, share)
    variance, times, x = LearnedVariance(Doubtful(), SCHEDULE), [T, 120, 60, 10, 0], noise(5, 2)
    walk = list(sample(model, x, times, SCHEDULE, partial(ddpm_step, variance=variance), c, seeded(3)))
    generator = seeded(3)
    for (t, t_prev), step in zip(pairwise(times), walk, strict=True):
        eps, z = model(x, torch.full((5,), t), c), torch.randn(x.shape, generator=generator, dtype=x.dtype)
        x0_hat, posterior = SCHEDULE.predict_x0(x, t, eps), jump(t, t_prev, SCHEDULE, x)
        u = (x.square() - x0_hat.square() / 2).clamp(-15, 5).exp()
        sigma2 = posterior.variance + u * (posterior.beta - posterior.variance)
        mean = posterior.of_x0 * x0_hat + posterior.of_x_t * x
        x = mean + (sigma2.sqrt() * z if t_prev else 0)
        assert torch.allclose(step.x, x, rtol=1e-9, atol=1e-9)
        assert not step.x.requires_grad
        x = step.x


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: jump(0, 0, SCHEDULE, X), "t must be a whole number from 1 to 200, got 0"),
        (lambda: jump(5, 5, SCHEDULE, X), "t_prev must be smaller than t, got t = 5, t_prev = 5"),
        (lambda: jump(5, 9, SCHEDULE, X), "t_prev must be smaller than t, got t = 5, t_prev = 9"),
        (lambda: asked(fixed_small, 5, 5), "t_prev must be smaller than t"),
        (lambda: asked(fixed_large, 5, 4, X * torch.nan), "must be finite"),
        (lambda: log_between(1.1), r"v must be a number in \[0, 1\], got 1.1"),
        (lambda: log_between(torch.tensor([0.2, -0.1])), r"v must be a number in \[0, 1\]"),
        (lambda: log_between(torch.tensor([0.2, torch.nan])), "v must be"),
        (lambda: best_variance(torch.tensor([0.1, torch.nan])), "x0_error must be"),
        (lambda: best_variance(-torch.ones(T + 1)), "x0_error must be .* at least 0"),
        (lambda: asked(head(), 0, 0), "t must be a whole number from 1 to 200, got 0"),
        (lambda: asked(head(), 5, 5), "t_prev must be smaller than t"),
        (lambda: head().share(X, X[:1], 5), "x0_hat must have shape"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
