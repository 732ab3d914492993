"""The samplers, graded with denoisers whose right answers are known, and held against an independent implementation."""

import math
from functools import partial
from itertools import pairwise

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import (
    GaussianDenoiser,
    MixtureDenoiser,
    ddim_step,
    ddpm_step,
    dpm_solver,
    linear_schedule,
    sample,
    sample_ddim,
    sample_ddpm,
    sample_dpm,
    slerp,
)
from course_utils.diffusion.posterior import fixed_large, fixed_small

SCHEDULE = linear_schedule(500)
MEAN, STD = torch.tensor([0.7, -0.4], dtype=torch.float64), torch.tensor([0.3, 1.4], dtype=torch.float64)
GAUSSIAN = GaussianDenoiser(MEAN, STD, SCHEDULE)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=seeded(seed), dtype=dtype)


def last(steps):
    *_, end = steps
    return end.x


def affine(step, t, t_prev):
    """What the code does to x in a step with the exact Gaussian denoiser, read off from three points: a x + b + σ z."""
    x = torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]], dtype=torch.float64)
    z = torch.tensor([[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    b, a_plus_b, b_plus_sigma = step(x, GAUSSIAN(x, t), t, t_prev, SCHEDULE, noise=z)
    return a_plus_b - b, b, b_plus_sigma - b


def exact_affine(t, t_prev, variance):
    """A and b from the formulas: the x̂_0 of a Gaussian put into the DDIM paper's equation 12."""
    now, before = SCHEDULE.alpha_bar[t].item(), SCHEDULE.alpha_bar[t_prev].item()
    gain = math.sqrt(now) * STD**2 / (now * STD**2 + 1 - now)  # x̂_0 = μ + gain (x − √ᾱ μ)
    rest = math.sqrt(max(0.0, 1 - before - variance) / (1 - now))
    # x' = √ᾱ' x̂_0 + √(1 − ᾱ' − σ²) (x − √ᾱ x̂_0) / √(1 − ᾱ)
    weight = math.sqrt(before) - rest * math.sqrt(now)
    a = weight * gain + rest
    return a, weight * (MEAN - gain * math.sqrt(now) * MEAN)


def posterior(t, t_prev):
    now, before = SCHEDULE.alpha_bar[t].item(), SCHEDULE.alpha_bar[t_prev].item()
    return (1 - before) / (1 - now) * (1 - now / before)


@pytest.mark.parametrize("n", [1, 7, 30, 500])
@pytest.mark.parametrize(
    ("step", "share"),
    [(ddpm_step, 1.0), (ddim_step, 0.0), (partial(ddim_step, eta=0.5), 0.25), (partial(ddim_step, eta=1.0), 1.0)],
)
def test_mean_and_variance_of_a_gaussian_follow_the_closed_form(n, step, share):
    """Every root, sign and ᾱ of a step, and how much noise it adds: a wrong one moves the mean or the variance."""
    mean, variance = torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)
    exact_mean, exact_variance = mean.clone(), variance.clone()
    for t, t_prev in pairwise(SCHEDULE.timesteps(n)):
        a, b, sigma = affine(step, t, t_prev)
        mean, variance = a * mean + b, a**2 * variance + sigma**2
        sigma2 = share * posterior(t, t_prev)
        a, b = exact_affine(t, t_prev, sigma2)
        exact_mean, exact_variance = a * exact_mean + b, a**2 * exact_variance + sigma2
        assert torch.allclose(mean, exact_mean, rtol=0, atol=1e-10)
        assert torch.allclose(variance, exact_variance, rtol=0, atol=1e-10)


def test_beta_variance_is_exact_for_a_unit_gaussian():
    exact = GaussianDenoiser(torch.zeros(2).double(), torch.ones(2).double(), SCHEDULE)
    for t in (2, 17, 250, 500):
        x = torch.eye(2, dtype=torch.float64)
        step = partial(ddpm_step, variance=fixed_large)
        a = step(x, exact(x, t), t, t - 1, SCHEDULE, noise=0 * x)[0, 0]
        sigma = step(0 * x, exact(0 * x, t), t, t - 1, SCHEDULE, noise=x)[0, 0]
        assert abs(a**2 + sigma**2 - 1) < 1e-10


@pytest.mark.parametrize("n", [7, 500])
def test_beta_variance_of_jumps_is_exact_for_a_unit_gaussian(n):
    """β of a jump, not of its last step: the spread stays 1 all the way."""
    exact = GaussianDenoiser(torch.zeros(2).double(), torch.ones(2).double(), SCHEDULE)
    for t, t_prev in pairwise(SCHEDULE.timesteps(n)[:-1]):
        x, zero = torch.eye(2, dtype=torch.float64), torch.zeros(2, 2, dtype=torch.float64)
        a = ddpm_step(x, exact(x, t), t, t_prev, SCHEDULE, fixed_large, zero)[0, 0]
        sigma = ddpm_step(zero, zero, t, t_prev, SCHEDULE, fixed_large, x)[0, 0]
        assert abs(a**2 + sigma**2 - 1) < 1e-10


@given(t=st.integers(2, 500), back=st.integers(1, 499), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_a_step_adds_the_variance_that_it_is_told(t, back, seed):
    """One for the batch, one for each image, or one for each number; the mean is the same whatever it is."""
    t_prev = max(1, t - back)
    x, eps, z = noise(3, 2, 3, 4, seed=seed)
    for shape in ((1, 1, 1), (2, 1, 1), (2, 3, 4)):
        sigma2, asked = noise(*shape, seed=seed).square(), []

        def variance(*question, sigma2=sigma2, asked=asked):
            asked.append(question)
            return sigma2

        with_noise, without = (ddpm_step(x, eps, t, t_prev, SCHEDULE, variance, noise) for noise in (z, 0 * z))
        assert torch.allclose(with_noise - without, sigma2.sqrt() * z, atol=1e-9)
        assert torch.equal(without, ddpm_step(x, eps, t, t_prev, SCHEDULE, noise=0 * z))
        assert torch.equal(without, ddpm_step(x, eps, t, t_prev, SCHEDULE, nothing))
        for question in asked:
            assert question[0] is x
            assert question[1] is eps
            assert question[2:] == (t, t_prev, SCHEDULE)


def final_std(n, step=ddim_step):
    variance = torch.ones(2, dtype=torch.float64)
    for t, t_prev in pairwise(SCHEDULE.timesteps(n)):
        a, _, sigma = affine(step, t, t_prev)
        variance = a**2 * variance + sigma**2
    return variance.sqrt()


def test_discretisation_error_falls_at_first_order_and_any_n_is_as_good_as_its_neighbours():
    error = {n: (final_std(n) - STD).abs() for n in (25, 30, 33, 50, 100)}
    for n in (25, 50):
        ratio = error[n] / error[2 * n]
        assert ((ratio > 1.6) & (ratio < 2.4)).all(), ratio
    for n in (30, 33):  # neither divides 500
        assert ((error[n] < error[25]) & (error[n] > error[50])).all()


HEAPS = torch.tensor([[-2.0, 0.0], [0.0, 2.0], [2.0, 0.0]], dtype=torch.float64)
WEIGHTS = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)
CLASSES = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
MIXTURE = MixtureDenoiser(HEAPS, SCHEDULE, std=0.2, weights=WEIGHTS, classes=CLASSES)


def shares_and_width(points):
    nearest = torch.cdist(points, HEAPS).argmin(1)
    return torch.bincount(nearest, minlength=3) / len(points), (points - HEAPS[nearest]).std()


@pytest.mark.parametrize("step", [ddpm_step, ddim_step])
def test_all_modes_appear_with_their_weights_and_their_width(step):
    """With too little noise, or none, DDPM would lose modes and width."""
    n = 2000
    points = last(sample(MIXTURE, noise(n, 2), SCHEDULE.timesteps(500), SCHEDULE, step, generator=seeded(1)))
    shares, width = shares_and_width(points)
    assert ((shares - WEIGHTS).abs() < 4 * (WEIGHTS * (1 - WEIGHTS) / n).sqrt()).all()
    assert 0.19 < width < 0.21


def nothing(x_t, eps, t, t_prev, schedule):
    """A variance of a step that adds no noise."""
    return torch.zeros_like(x_t)


def test_without_its_noise_ddpm_collapses():
    step = partial(ddpm_step, variance=nothing)
    points = last(sample(MIXTURE, noise(500, 2), SCHEDULE.timesteps(500), SCHEDULE, step))
    shares, width = shares_and_width(points)
    assert shares.max() == 1
    assert width < 0.02


def test_a_context_draws_its_class_only():
    c = torch.tensor([[0.0, 1.0]], dtype=torch.float64).expand(600, 2)
    points = last(sample(MIXTURE, noise(600, 2), SCHEDULE.timesteps(100), SCHEDULE, c=c))
    shares, _ = shares_and_width(points)
    assert shares[0] == 0
    assert abs(shares[1] - 0.75) < 4 * (0.75 * 0.25 / 600) ** 0.5


@given(t=st.integers(1, 500), back=st.integers(1, 500), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_ddim_with_all_its_noise_is_ddpm(t, back, seed):
    t_prev = max(0, t - back)
    x, eps, z = noise(3, 2, 3, 4, seed=seed)
    ours = ddim_step(x, eps, t, t_prev, SCHEDULE, eta=1.0, noise=z)
    assert torch.allclose(ours, ddpm_step(x, eps, t, t_prev, SCHEDULE, noise=z), rtol=1e-9, atol=1e-9)


def test_ddim_with_all_its_noise_over_all_steps_is_ddpm():
    walks = [
        last(sample(GAUSSIAN, noise(5, 2), SCHEDULE.timesteps(500), SCHEDULE, step, generator=seeded(3)))
        for step in (ddpm_step, partial(ddim_step, eta=1.0))
    ]
    assert torch.allclose(*walks, rtol=0, atol=1e-10)


@pytest.mark.parametrize("variance_type", ["fixed_small", "fixed_large"])
def test_ddpm_agrees_with_diffusers(variance_type):
    theirs = DDPMScheduler(500, variance_type=variance_type, clip_sample=False)
    theirs.alphas_cumprod = SCHEDULE.alpha_bar[1:]  # its own, in float32, are off by more than 1e-5
    variance = {"fixed_small": fixed_small, "fixed_large": fixed_large}[variance_type]
    x = noise(2, 3, 4, 4, dtype=torch.float32)
    for t in range(500, 0, -1):
        eps = 0.9 * x + 0.1 * noise(*x.shape, seed=t, dtype=torch.float32)
        z = noise(*x.shape, seed=1000 + t, dtype=torch.float32)
        ours = ddpm_step(x, eps, t, t - 1, SCHEDULE, variance, z)
        their = theirs.step(eps, t - 1, x, generator=seeded(1000 + t)).prev_sample
        assert torch.allclose(ours, their, rtol=0, atol=1e-5)
        x = ours


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("n", [10, 50, 500])
def test_ddim_agrees_with_diffusers(n, eta):
    theirs = DDIMScheduler(
        trained_betas=SCHEDULE.beta[1:].numpy(),
        clip_sample=False,
        set_alpha_to_one=True,
        timestep_spacing="trailing",
        num_train_timesteps=500,
    )
    theirs.set_timesteps(n)
    x = noise(2, 3, 4, 4, dtype=torch.float32)
    for (t, t_prev), their_t in zip(pairwise(SCHEDULE.timesteps(n)), theirs.timesteps.tolist(), strict=True):
        assert their_t == t - 1
        eps, z = (noise(*x.shape, seed=seed + t, dtype=torch.float32) for seed in (0, 1000))
        ours = ddim_step(x, eps, t, t_prev, SCHEDULE, eta, z)
        their = theirs.step(eps, their_t, x, eta=eta, variance_noise=z).prev_sample
        assert torch.allclose(ours, their, rtol=1e-5, atol=1e-5)
        x = 0.1 * ours  # an arbitrary ε would make it grow without end


def test_up_and_down_again_leads_back():
    x, error = noise(20, 2), {}
    for n in (50, 200):
        times = [t for t in SCHEDULE.timesteps(n) if t] + [1]
        encoded = last(sample(GAUSSIAN, x, times[::-1], SCHEDULE))
        error[n] = (last(sample(GAUSSIAN, encoded, times, SCHEDULE)) - x).abs().max()
    assert error[200] < 0.5 * error[50] < 0.3


def test_a_walk_reports_each_arrival_and_calls_the_model_once_a_step():
    """The model is asked about the time at which the step starts, not about the one where it arrives."""
    asked = []

    def model(x, t, c):
        asked.append((tuple(t.tolist()), c))
        return 0.5 * x

    c, x = torch.ones(2, 5), noise(2, 3, 4, 4, dtype=torch.float32).requires_grad_()
    before = x.detach().clone()
    walk = sample(model, x, [500, 200, 3, 0], SCHEDULE, c=c)
    assert asked == []  # nothing is computed before it is needed
    first, second, third = walk
    assert [step.t for step in (first, second, third)] == [200, 3, 0]
    assert [t for t, _ in asked] == [(500, 500), (200, 200), (3, 3)]
    assert all(given is c for _, given in asked)
    assert torch.equal(first.x0_hat, SCHEDULE.predict_x0(before, 500, 0.5 * before))
    assert torch.equal(second.x0_hat, SCHEDULE.predict_x0(first.x, 200, 0.5 * first.x))
    assert torch.equal(third.x, ddim_step(second.x, 0.5 * second.x, 3, 0, SCHEDULE))
    assert not third.x.requires_grad
    assert torch.equal(x, before)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("step", [ddpm_step, partial(ddim_step, eta=0.5)])
def test_precision_is_kept(dtype, step):
    x = noise(2, 3, 4, 4).to(dtype)
    walk = list(sample(lambda x, t, c: 0.9 * x, x, [500, 250, 0], SCHEDULE, step, generator=seeded()))
    assert {tensor.dtype for s in walk for tensor in (s.x, s.x0_hat)} == {dtype}


@settings(max_examples=30, deadline=None)
@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    dtype=st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]),
    n=st.integers(1, 12),
    walk=st.sampled_from([ddim_step, ddpm_step, "dpm"]),
)
def test_any_batch_keeps_its_form_along_any_walk(shape, dtype, n, walk):
    """Shape, dtype and device of what comes out are those of what went in, and no gradient hangs on it."""
    schedule, x = linear_schedule(12, stated_for=12), noise(*shape).to(dtype)
    weight = torch.full((), 0.1, dtype=dtype, requires_grad=True)
    arguments = (lambda x, t, c: weight * x, x, schedule.timesteps(n), schedule)
    steps = list(dpm_solver(*arguments) if walk == "dpm" else sample(*arguments, walk, generator=seeded()))
    assert [step.t for step in steps] == schedule.timesteps(n)[1:]
    for tensor in (tensor for step in steps for tensor in (step.x, step.x0_hat)):
        assert (tensor.shape, tensor.dtype, tensor.device) == (x.shape, x.dtype, x.device)
        assert not tensor.requires_grad
        assert tensor.isfinite().all()


def test_the_everyday_calls_are_the_loop():
    def model(x, t, c):
        return x * (0.9 + t.view(-1, 1, 1, 1) / 5000) + (0 if c is None else c.view(-1, 1, 1, 1))

    shape, c = (3, 1, 4, 4), torch.ones(3, 1) / 9
    for call, n, step in (
        (sample_ddim, 25, ddim_step),
        (partial(sample_ddim, n=20), 20, ddim_step),
        (partial(sample_ddim, n=20, eta=0.7), 20, partial(ddim_step, eta=0.7)),
        (sample_ddpm, 500, ddpm_step),
        (partial(sample_ddpm, n=33), 33, ddpm_step),
        (partial(sample_ddpm, variance=fixed_large), 500, partial(ddpm_step, variance=fixed_large)),
        (partial(sample_ddpm, n=33, variance=fixed_large), 33, partial(ddpm_step, variance=fixed_large)),
    ):
        generator = seeded(4)
        x = torch.randn(shape, generator=generator)
        by_hand = last(sample(model, x, SCHEDULE.timesteps(n), SCHEDULE, step, c, generator))
        drawn = call(model, shape, SCHEDULE, c=c, generator=seeded(4))
        assert torch.equal(drawn, by_hand)
        assert not torch.equal(drawn, call(model, shape, SCHEDULE, c=c, generator=seeded(5)))

    x = torch.randn(shape, generator=seeded(4))
    for call, n in ((sample_dpm, 10), (partial(sample_dpm, n=33), 33)):
        by_hand = last(dpm_solver(model, x, SCHEDULE.timesteps(n), SCHEDULE, c))
        drawn = call(model, shape, SCHEDULE, c=c, generator=seeded(4))
        assert torch.equal(drawn, by_hand)
        assert not torch.equal(drawn, call(model, shape, SCHEDULE, c=c, generator=seeded(5)))


@pytest.mark.parametrize("call", [sample_ddpm, sample_ddim, partial(sample_ddim, eta=0.5), sample_dpm])
def test_a_seed_decides_the_picture_to_the_last_bit(call):
    first, again, other = (call(good, (2, 3, 4, 4), SCHEDULE, n=20, generator=seeded(seed)) for seed in (4, 4, 5))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("call", [sample_ddim, sample_dpm])
def test_without_fresh_noise_only_the_start_is_drawn(call):
    used, alone = seeded(4), seeded(4)
    call(good, (2, 3, 4, 4), SCHEDULE, n=20, generator=used)
    torch.randn((2, 3, 4, 4), generator=alone)
    assert torch.equal(used.get_state(), alone.get_state())


@pytest.mark.parametrize("times", [*map(SCHEDULE.timesteps, (5, 10, 25, 30)), [500, 480, 100, 99, 3, 1, 0]])
def test_dpm_solver_agrees_with_diffusers(times):
    theirs = DPMSolverMultistepScheduler(
        num_train_timesteps=500,
        solver_order=2,
        algorithm_type="dpmsolver++",
        solver_type="midpoint",
        lower_order_final=True,
        final_sigmas_type="zero",
    )
    theirs.alphas_cumprod = SCHEDULE.alpha_bar[1:].numpy()  # its own, in float32, are off by more than 1e-5
    theirs.set_timesteps(timesteps=[t - 1 for t in times[:-1]])

    def model(x, t, c):  # bends, so that the last two pictures differ
        return torch.tanh(x + 0.3 * torch.sin(t / 40).view(-1, 1, 1, 1))

    their = x = noise(2, 3, 4, 4, dtype=torch.float32)
    for t, ours in zip(times, dpm_solver(model, x, times, SCHEDULE), strict=False):
        their = theirs.step(model(their, torch.full((2,), t), None), t - 1, their).prev_sample
        assert torch.allclose(ours.x, their, rtol=1e-4, atol=1e-4)


def error_at_one(solver, n):
    """Largest error at t = 1 of a walk with the exact Gaussian: its flow keeps (x − √ᾱ μ) / √v, for each number."""
    schedule = linear_schedule(4000)  # a long one, so that whole numbers are fine enough
    times = [*schedule.timesteps(n)[:-1], 1]
    signal, v = schedule.alpha_bar.sqrt(), (schedule.alpha_bar[:, None] * STD**2 + 1 - schedule.alpha_bar[:, None])
    x = noise(20, 2)
    exact = signal[1] * MEAN + (v[1] / v[-1]).sqrt() * (x - signal[-1] * MEAN)
    return (last(solver(GaussianDenoiser(MEAN, STD, schedule), x, times, schedule)) - exact).abs().amax(0)


@pytest.mark.parametrize(("solver", "low", "high"), [(sample, 0.9, 1.1), (dpm_solver, 1.8, 2.3)])
def test_dpm_solver_is_of_second_order_and_ddim_of_first(solver, low, high):
    errors = [error_at_one(solver, n) for n in (100, 200, 400)]
    for coarse, fine in pairwise(errors):
        order = (coarse / fine).log2()
        assert ((order > low) & (order < high)).all(), order


def test_dpm_solver_begins_and_ends_at_first_order():
    x, times = noise(20, 2), [500, 300, 100, 0]
    first, second, third = dpm_solver(GAUSSIAN, x, times, SCHEDULE)
    first_ddim, second_ddim, _ = sample(GAUSSIAN, x, times, SCHEDULE)
    assert torch.allclose(first.x, first_ddim.x, atol=1e-12)
    assert (second.x - second_ddim.x).abs().max() > 0.01
    assert torch.allclose(third.x, third.x0_hat, atol=1e-12)
    assert torch.allclose(third.x0_hat, SCHEDULE.predict_x0(second.x, 100, GAUSSIAN(second.x, 100)), atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_dpm_solver_keeps_precision_and_calls_the_model_once_a_step(dtype):
    asked = []

    def model(x, t, c):
        asked.append((tuple(t.tolist()), c))
        return 0.9 * x

    x, c = noise(2, 3, 4, 4).to(dtype), torch.ones(2, 5)
    walk = list(dpm_solver(model, x, [500, 250, 100, 0], SCHEDULE, c))
    assert [step.t for step in walk] == [250, 100, 0]
    assert [t for t, _ in asked] == [(500, 500), (250, 250), (100, 100)]
    assert all(given is c for _, given in asked)
    assert {tensor.dtype for step in walk for tensor in (step.x, step.x0_hat)} == {dtype}


SHARES = st.floats(0, 1)


@given(seed=st.integers(0, 999), share=SHARES)
@settings(deadline=None)
def test_what_lies_between_two_noises_is_as_long_as_noise(seed, share):
    a, b = noise(2, 3, 768, seed=seed)
    between = slerp(a, b, share).norm(dim=1) / 768**0.5
    assert ((between > 0.85) & (between < 1.15)).all()  # half-way along the straight line it would be 0.7


@given(seed=st.integers(0, 999), share=SHARES)
@settings(deadline=None)
def test_slerp_turns_each_image_by_its_share_of_the_angle(seed, share):
    a, b = torch.nn.functional.normalize(noise(2, 5, 3, seed=seed), dim=2)
    arc = slerp(a, b, share)
    assert torch.allclose(arc.norm(dim=1), torch.ones(5).double(), atol=1e-9)
    whole, part = (a * b).sum(1).acos(), (a * arc).sum(1).clamp(-1, 1).acos()
    assert torch.allclose(part, share * whole, atol=1e-6)
    assert torch.allclose(arc, slerp(b, a, 1 - share), atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_slerp_begins_at_one_noise_and_ends_at_the_other(dtype):
    a, b = noise(2, 4, 3, 5, 5).to(dtype)
    assert torch.equal(slerp(a, b, 0), a)
    assert torch.equal(slerp(a, b, 1.0), b)
    assert slerp(a, b, 0.3).dtype == dtype
    alone = torch.cat([slerp(a[i : i + 1], b[i : i + 1], 0.3) for i in range(4)])
    assert torch.allclose(slerp(a, b, 0.3).double(), alone.double(), atol=1e-6)


@pytest.mark.parametrize("factor", [3.0, -0.1])
def test_parallel_noises_are_refused_whichever_way_their_cosine_is_rounded(factor):
    for seed in range(50):
        a = noise(1, 48, seed=seed)
        with pytest.raises(ValueError, match="parallel"):
            slerp(a, factor * a, 0.5)


def test_one_image_without_noise_is_refused_among_others():
    a, b = noise(2, 2, 48)
    b[1] = 0
    for pair in ((a, b), (b, a)):
        with pytest.raises(ValueError, match="parallel"):
            slerp(*pair, 0.5)


def good(x, t, c=None):
    return 0.5 * x


X = noise(2, 3, 4, 4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ddpm_step(X, X, 0, 0, SCHEDULE, noise=X), "t must be a whole number from 1 to 500, got 0"),
        (lambda: ddpm_step(X, X, 501, 0, SCHEDULE, noise=X), "t must be a whole number from 1 to 500, got 501"),
        (lambda: ddpm_step(X, X, 5, -1, SCHEDULE, noise=X), "t_prev must be a whole number from 0 to 500, got -1"),
        (lambda: ddpm_step(X, X, 5, 5, SCHEDULE, noise=X), "t and t_prev must differ"),
        (lambda: ddpm_step(X, X, 5, 6, SCHEDULE, noise=X), "t_prev must be smaller than t"),
        (lambda: ddpm_step(X, X, 5.0, 4, SCHEDULE, noise=X), "t must be a whole number"),
        (lambda: ddpm_step(X, X[:1], 5, 4, SCHEDULE, noise=X), "eps must have shape"),
        (lambda: ddpm_step(X, X * torch.nan, 5, 4, SCHEDULE, noise=X), "eps must be finite"),
        (lambda: ddpm_step(X.int(), X, 5, 4, SCHEDULE, noise=X), "x_t must be floating point"),
        (lambda: ddpm_step(X, X, 5, 4, SCHEDULE), "noise must be given"),
        (lambda: ddpm_step(X, X, 5, 4, SCHEDULE, noise=X.float()), "noise must be torch.float64"),
        (lambda: ddpm_step(X, X, 5, 4, SCHEDULE, lambda *_: 0.1, X), "variance must be a torch tensor, got float"),
        (
            lambda: ddpm_step(X, X, 5, 4, SCHEDULE, lambda *_: -X.abs(), X),
            r"variance must be a number in \[0, ∞\), got",
        ),
        (lambda: ddpm_step(X, X, 5, 4, SCHEDULE, lambda *_: X.abs().float(), X), "variance must be torch.float64"),
        (lambda: ddpm_step(X, X, 5, 4, SCHEDULE, lambda *_: X.abs() * torch.inf, X), "variance must be finite"),
        (
            lambda: ddpm_step(X, X, 5, 4, SCHEDULE, lambda *_: SCHEDULE.beta, X),
            r"variance must have shape \(2, 3, 4, 4\), or 1 for any side, got \(501,\)",
        ),
        (lambda: ddpm_step(X, X, 5, 4, SCHEDULE, lambda *_: X[:, :2].abs(), X), r"got \(2, 2, 4, 4\)"),
        (lambda: ddpm_step(X, X, 5, 4, SCHEDULE, fixed_large), "noise must be given"),
        (lambda: ddim_step(X, X, 5, 4, SCHEDULE, eta=-0.1), r"eta must be a number in \[0, 1\], got -0.1"),
        (lambda: ddim_step(X, X, 5, 4, SCHEDULE, eta=float("nan")), "eta must be"),
        (lambda: ddim_step(X, X, 5, 4, SCHEDULE, eta=0.5), "noise must be given"),
        (lambda: ddim_step(X, X, 5, 6, SCHEDULE, eta=0.5, noise=X), "eta must be 0, got 0.5"),
        (lambda: last(sample(good, X, [500], SCHEDULE)), "times must be two or more"),
        (lambda: last(sample(good, X, [500, 0, 10], SCHEDULE)), "only the last one 0"),
        (lambda: last(sample(None, X, [5, 5, 0], SCHEDULE)), "no two neighbours equal"),
        (lambda: ddpm_step(X, X, torch.tensor([5, 5]), 4, SCHEDULE, noise=X), "t must be a whole number"),
        (lambda: last(sample(good, X, [501, 0], SCHEDULE)), "times must be a whole number from 0 to 500, got 501"),
        (lambda: last(sample(good, X, [500.0, 0], SCHEDULE)), "times must be a whole number"),
        (lambda: last(sample(good, X[0, 0, 0, 0], [500, 0], SCHEDULE)), "x must be a batch"),
        (lambda: last(sample(lambda x, t, c: x[:1], X, [500, 0], SCHEDULE)), "eps must have shape"),
        (lambda: last(sample(good, X, [500, 2, 0], SCHEDULE, ddpm_step)), "noise must be given"),
        (lambda: sample_ddim(good, (2, 3), SCHEDULE, n=501), "n must be a whole number from 1 to 500, got 501"),
        (lambda: sample_ddpm(good, (2, 3), SCHEDULE, n=0), "n must be a whole number from 1 to 500, got 0"),
        (lambda: sample_dpm(good, (2, 3), SCHEDULE, n=501), "n must be a whole number from 1 to 500, got 501"),
        (lambda: last(dpm_solver(good, X, [500], SCHEDULE)), "times must be two or more"),
        (lambda: last(dpm_solver(good, X, [500, 0, 10], SCHEDULE)), "only the last one 0"),
        (lambda: last(dpm_solver(good, X, [500, 500, 0], SCHEDULE)), "no two neighbours equal"),
        (lambda: last(dpm_solver(good, X * torch.nan, [500, 0], SCHEDULE)), "x must be finite"),
        (lambda: last(dpm_solver(lambda x, t, c: x[:1], X, [500, 0], SCHEDULE)), "eps must have shape"),
        (lambda: slerp(X, X[:1], 0.5), r"b must have shape \(2, 3, 4, 4\), got \(1, 3, 4, 4\)"),
        (lambda: slerp(X, X.float(), 0.5), "b must be torch.float64"),
        (lambda: slerp(X.int(), X, 0.5), "a must be floating point"),
        (lambda: slerp(X * torch.nan, X, 0.5), "a must be finite"),
        (lambda: slerp(X, X * torch.inf, 0.5), "b must be finite"),
        (lambda: slerp(X, X + 1, -0.1), r"share must be a number in \[0, 1\], got -0.1"),
        (lambda: slerp(X, X + 1, 1.1), r"share must be a number in \[0, 1\], got 1.1"),
        (lambda: slerp(X, X + 1, math.nan), r"share must be a number in \[0, 1\], got nan"),
        (lambda: slerp(X, 3 * X, 0.5), "a and b must not be parallel"),
        (lambda: slerp(X, -X, 0.5), "a and b must not be parallel"),
        (lambda: slerp(X, torch.stack([X[0] + 1, X[1]]), 0.5), "a and b must not be parallel"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("step", "t"),
    [
        (ddpm_step, 1),
        (ddpm_step, 30),
        (partial(ddpm_step, variance=fixed_large), 1),
        (partial(ddpm_step, variance=fixed_large), 30),
        (partial(ddpm_step, variance=lambda x_t, *_: x_t.square()), 30),
        (partial(ddim_step, eta=1.0), 1),
        (partial(ddim_step, eta=1.0), 30),
    ],
)
def test_the_last_step_adds_no_noise(step, t):
    x0_hat = SCHEDULE.predict_x0(X, t, 0.3 * X)
    for z in (X, None):
        assert torch.allclose(step(X, 0.3 * X, t, 0, SCHEDULE, noise=z), x0_hat, atol=1e-9)
