"""The noise schedules, held against the papers' identities and against an independent implementation."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler
from hypothesis import given
from hypothesis import strategies as st
from torch.overrides import TorchFunctionMode

from course_utils import NoiseSchedule, cosine_schedule, linear_schedule, quadratic_schedule, sigmoid_schedule

MAKERS = [linear_schedule, quadratic_schedule, sigmoid_schedule, cosine_schedule]
schedules = st.builds(lambda make, T: make(T), st.sampled_from(MAKERS), st.integers(1, 2000))


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (linear_schedule, "linear"),
        (quadratic_schedule, "scaled_linear"),
        (sigmoid_schedule, "sigmoid"),
        (cosine_schedule, "squaredcos_cap_v2"),
    ],
)
@pytest.mark.parametrize("T", [10, 300, 500, 1000])
def test_tables_and_forward_process_agree_with_diffusers(make, name, T):
    ours = make(T) if make is cosine_schedule else make(T, stated_for=T)
    theirs = DDPMScheduler(T, beta_start=1e-4, beta_end=0.02, beta_schedule=name)
    assert (ours.beta[1:] - theirs.betas).abs().max() < 1e-6
    assert (ours.alpha_bar[1:] - theirs.alphas_cumprod).abs().max() < 1e-6
    x0, eps = torch.randn(2, 3, 3, 4, 4, dtype=torch.float64).unbind()
    t = torch.tensor([1, T // 2, T])
    assert (ours.add_noise(x0, t, eps) - theirs.add_noise(x0, eps, t - 1)).abs().max() < 1e-5


@given(schedules)
def test_tables_are_monotone_and_in_range(schedule):
    beta, alpha_bar = schedule.beta, schedule.alpha_bar
    assert len(beta) == len(alpha_bar) == schedule.T + 1
    assert beta.dtype == alpha_bar.dtype == torch.float64
    assert beta[0] == 0
    assert alpha_bar[0] == 1
    assert beta[1:].min() > 0
    assert beta.max() <= 0.999
    assert (alpha_bar.diff() < 0).all()
    assert alpha_bar[-1] > 0
    assert (schedule.snr.diff() < 0).all()
    assert torch.equal(schedule.alpha, 1 - beta)
    assert schedule.alpha_bar[1:].allclose(schedule.alpha[1:].cumprod(0), rtol=1e-9)


@given(schedules)
def test_posterior_variance_is_that_of_two_gaussians_multiplied(schedule):
    """1/β̃_t = α_t/β_t + 1/(1 − ᾱ_{t−1}): precisions add when q(x_t | x_{t−1}) meets q(x_{t−1} | x_0)."""
    variance = schedule.posterior_variance
    assert variance[0] == variance[1] == 0
    precision = schedule.alpha[2:] / schedule.beta[2:] + 1 / (1 - schedule.alpha_bar[1:-1])
    assert variance[2:].allclose(1 / precision, rtol=1e-6)
    assert (variance <= schedule.beta).all()


@given(st.sampled_from(MAKERS), st.integers(20, 2000))
def test_every_schedule_ends_in_noise(make, T):
    assert make(T).alpha_bar[-1] < 2e-3


def test_ends_stated_for_another_length_leave_the_picture_visible():
    left = math.prod(1 - (1e-4 + (0.02 - 1e-4) * i / 299) for i in range(300))
    assert linear_schedule(300, stated_for=300).alpha_bar[-1].item() == pytest.approx(left, rel=1e-9)
    assert left > 0.04
    assert linear_schedule(300).alpha_bar[-1] < 1e-4


@pytest.mark.parametrize("make", MAKERS)
def test_left_alone_there_are_500_steps_with_ends_stated_for_1000(make):
    schedule = make()
    assert schedule.T == 500
    if make is not cosine_schedule:  # it has no ends
        assert torch.equal(schedule.beta, make(500, 1e-4, 0.02, 1000).beta)


@given(schedules, st.data(), st.sampled_from([torch.float32, torch.float64]))
def test_round_trips_through_noise(schedule, data, dtype):
    t = torch.tensor(data.draw(st.lists(st.integers(1, schedule.T), min_size=3, max_size=3)))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    x0, eps = torch.randn((2, 3, 2, 4, 5), generator=generator, dtype=dtype).unbind()
    x_t = schedule.add_noise(x0, t, eps)
    assert x_t.dtype == dtype
    assert x_t.shape == x0.shape
    rounding = 30 * torch.finfo(dtype).eps
    x0_hat, eps_hat = schedule.predict_x0(x_t, t, eps), schedule.predict_eps(x_t, t, x0)
    snr = schedule.snr[t].view(-1, 1, 1, 1)
    assert ((x0_hat - x0).abs() < rounding * (1 + snr.rsqrt())).all()
    assert ((eps_hat - eps).abs() < rounding * (1 + snr.sqrt())).all()


def test_each_image_gets_its_own_time():
    schedule, x0 = linear_schedule(500), torch.ones(3, 1, 3, 3)
    x_t = schedule.add_noise(x0, torch.tensor([1, 250, 500]), torch.zeros_like(x0))
    assert x_t[:, 0, 0, 0].double().allclose(schedule.alpha_bar[[1, 250, 500]].sqrt(), atol=1e-6)
    assert torch.equal(schedule.add_noise(x0, 250, torch.zeros_like(x0))[0], x_t[1])


def test_index_zero_of_a_table_is_the_clean_image():
    schedule, x = linear_schedule(500), torch.zeros(2, 3, 4, 4)
    assert schedule.at(schedule.alpha_bar, 0, x).flatten().tolist() == [1, 1]
    assert schedule.at(schedule.posterior_variance, torch.tensor([0, 1]), x).shape == (2, 1, 1, 1)


@pytest.mark.parametrize("t", [250, np.int64(250), torch.tensor(250), torch.full((2,), 250, dtype=torch.int16)])
def test_any_whole_number_is_a_time(t):
    schedule, x = linear_schedule(500), torch.ones(2, 1, 2, 2)
    assert torch.equal(schedule.add_noise(x, t, x), schedule.add_noise(x, 250, x))


def test_snr_is_the_power_of_the_picture_over_that_of_the_noise():
    schedule = quadratic_schedule(100)
    t, one, zero = torch.arange(1, 101), torch.ones(100, 1).double(), torch.zeros(100, 1).double()
    power = schedule.add_noise(one, t, zero).square() / schedule.add_noise(zero, t, one).square()
    assert schedule.snr[1:].allclose(power.flatten(), rtol=1e-9)
    assert schedule.snr[0] == math.inf


def test_the_jump_has_the_variance_of_the_walk():
    """Iterating x_t = √(1−β_t) x_{t−1} + √β_t ε multiplies the mean and adds variances: follow both in closed form."""
    schedule = cosine_schedule(200)
    mean, variance = 1.0, 0.0
    for t in range(1, 201):
        mean *= math.sqrt(1 - schedule.beta[t])
        variance = (1 - schedule.beta[t].item()) * variance + schedule.beta[t].item()
        one, zero = torch.ones(1, 1, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
        assert schedule.add_noise(one, t, zero).item() == pytest.approx(mean, rel=1e-9)
        assert schedule.add_noise(zero, t, one).item() ** 2 == pytest.approx(variance, rel=1e-9)


@pytest.mark.parametrize("beta", [-0.1, 0.0, 1.0, 1.5])
def test_a_step_neither_leaves_everything_nor_erases_it(beta):
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        NoiseSchedule(torch.tensor([0.1, beta]))


@given(st.integers(1, 2000), st.data())
def test_timesteps_are_even_and_complete_for_any_n(T, data):
    n = data.draw(st.integers(1, T))
    times = cosine_schedule(T).timesteps(n)
    assert all(type(t) is int for t in times)
    strides = [a - b for a, b in pairwise(times)]
    assert times[0] == T
    assert times[-1] == 0
    assert len(strides) == n
    assert min(strides) >= 1
    assert max(strides) - min(strides) <= 1


X = torch.zeros(2, 3, 4, 4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.add_noise(X, 0, X), r"t must be a whole number from 1 to 500, got 0"),
        (lambda s: s.add_noise(X, torch.tensor(0), X), r"t must lie in 1…500, got 0…0"),
        (lambda s: s.add_noise(X, True, X), r"t must be a whole number from 1 to 500, got True"),
        (lambda s: s.at(s.beta, 501, X), r"t must be a whole number from 0 to 500, got 501"),
        (lambda s: s.add_noise(X, 1, X.double()), r"eps must be torch.float32 on cpu, got torch.float64 on cpu"),
        (lambda s: s.add_noise(X, torch.tensor([1, 501]), X), r"t must lie in 1…500"),
        (lambda s: s.add_noise(X, torch.tensor([1, 2, 3]), X), r"t must hold one time for each of 2 images"),
        (lambda s: s.add_noise(X, 1.0, X), r"t must be a whole number from 1 to 500, got 1.0"),
        (lambda s: s.add_noise(X, torch.tensor([0.5, 1.0]), X), r"t must be .*got torch.float32"),
        (lambda s: s.add_noise(X, 1, X[:1]), r"eps must have shape \(2, 3, 4, 4\), got \(1, 3, 4, 4\)"),
        (lambda s: s.add_noise(X.byte(), 1, X), r"x0 must be floating point, got torch.uint8"),
        (lambda s: s.add_noise(X / 0, 1, X), r"x0 must be finite"),
        (lambda s: s.add_noise(X.numpy(), 1, X), r"x0 must be a torch tensor, got ndarray"),
        (lambda s: s.predict_x0(X, 1, X / 0), r"eps must be finite"),
        (lambda s: s.predict_eps(X, 1, X[:, :1]), r"x0 must have shape"),
        (lambda s: s.timesteps(0), r"n must be a whole number from 1 to 500, got 0"),
        (lambda s: s.timesteps(501), r"n must be a whole number from 1 to 500, got 501"),
        (lambda s: linear_schedule(0), r"T must be a whole number of at least 1, got 0"),
        (lambda s: cosine_schedule(2.5), r"T must be a whole number of at least 1, got 2.5"),
        (lambda s: cosine_schedule(10, s=-1), r"s must be a number in \[0, ∞\), got -1"),
        (lambda s: quadratic_schedule(10, beta_end=1.5), r"beta_end must be a number in \(0, 1\), got 1.5"),
        (lambda s: NoiseSchedule(torch.tensor([0.0, 0.1])), r"beta must be 1-D with values strictly between 0 and 1"),
        (lambda s: NoiseSchedule(torch.tensor([0.1, math.nan])), r"beta must be finite"),
        (lambda s: NoiseSchedule(torch.full((200,), 0.999)), r"beta must change the picture and leave a trace"),
        (lambda s: NoiseSchedule(torch.full((2,), 1e-17).double()), r"beta must change the picture and leave a trace"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(linear_schedule(500))


class WithoutDoubles(TorchFunctionMode):
    """Stands in for a device without float64, such as an Apple GPU: it refuses what is moved there in float64."""

    def __torch_function__(self, function, types, arguments=(), options=None):
        moved = function is torch.Tensor.to and any(isinstance(argument, torch.device) for argument in arguments)
        if moved and arguments[0].dtype == torch.float64:
            raise TypeError("this device has no float64")
        return function(*arguments, **(options or {}))


@pytest.mark.parametrize("t", [7, torch.tensor([1, 7, 50])])
def test_tables_are_cast_before_they_reach_a_device_without_float64(t):
    schedule, x = cosine_schedule(50), torch.ones(3, 2)
    with WithoutDoubles():
        schedule.at(schedule.alpha_bar, t, x)
        x_t = schedule.add_noise(x, t, x)
        schedule.predict_eps(x_t, t, schedule.predict_x0(x_t, t, x))
        with pytest.raises(TypeError, match="no float64"):
            schedule.alpha_bar.to(x.device)
