"""Each exercise's check: the blank stub goes on, the solution passes, each classic mistake is called by its name."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import course_utils
from course_utils import diffusion_loss
from course_utils.exercises import (
    check_add_noise,
    check_alpha_bar,
    check_beta_from_alpha_bar,
    check_ddpm_step,
    check_diffusion_loss,
    check_learning_rate,
    check_modulate,
    check_posterior_mean,
    check_predict_x0,
    check_residual_block,
    check_sampling_loop,
    check_time_embedding,
    check_training_loop,
    check_unet,
    check_update_average,
)


def at(table, t):
    return table[t].float().view(-1, 1, 1, 1)


def alpha_bar(beta):
    return (1 - beta).cumprod(0)


def add_noise(x0, t, eps, schedule):
    ab = at(schedule.alpha_bar, t)
    return ab.sqrt() * x0 + (1 - ab).sqrt() * eps


def predict_x0(x_t, t, eps, schedule):
    ab = at(schedule.alpha_bar, t)
    return (x_t - (1 - ab).sqrt() * eps) / ab.sqrt()


def beta_from_alpha_bar(ab):
    return torch.cat([torch.zeros(1, dtype=ab.dtype), (1 - ab[1:] / ab[:-1]).clamp(max=0.999)])


def posterior_mean(x_t, eps, t, schedule):
    beta, alpha = schedule.beta[t], schedule.alpha[t]
    before, ab = schedule.alpha_bar[t - 1], schedule.alpha_bar[t]
    x0_hat = (x_t - (1 - ab).sqrt() * eps) / ab.sqrt()
    return before.sqrt() * beta / (1 - ab) * x0_hat + alpha.sqrt() * (1 - before) / (1 - ab) * x_t


def ddpm_step(x_t, eps, t, t_prev, schedule, noise):
    beta, ab = schedule.beta[t], schedule.alpha_bar[t]
    mean = (x_t - beta / (1 - ab).sqrt() * eps) / (1 - beta).sqrt()
    return mean + schedule.posterior_variance[t].sqrt() * noise


def sampling_loop(model, x, schedule, generator):
    for t in range(schedule.T, 0, -1):
        eps = model(x, torch.full((len(x),), t))
        z = torch.randn(x.shape, generator=generator)
        x = ddpm_step(x, eps, t, t - 1, schedule, z)
    return x


def unet(network, x, condition):
    fine = network.down1(network.stem(x), condition)
    middle = network.down2(F.avg_pool2d(fine, 2), condition)
    coarse = network.bottom2(network.bottom1(F.avg_pool2d(middle, 2), condition), condition)
    up = network.up2(torch.cat([F.interpolate(coarse, scale_factor=2), middle], dim=1), condition)
    return network.head(network.up1(torch.cat([F.interpolate(up, scale_factor=2), fine], dim=1), condition))


def time_embedding(t, width):
    angle = t[:, None] * torch.exp(-math.log(10_000) * torch.arange(width // 2) / (width // 2))
    return torch.cat([angle.sin(), angle.cos()], dim=1)


def modulate(h, condition, layer):
    scale, shift = layer(condition)[:, :, None, None].chunk(2, dim=1)
    return h * (1 + scale) + shift


CHECKS = [
    (check_alpha_bar, alpha_bar),
    (check_add_noise, add_noise),
    (check_predict_x0, predict_x0),
    (check_beta_from_alpha_bar, beta_from_alpha_bar),
    (check_posterior_mean, posterior_mean),
    (check_ddpm_step, ddpm_step),
    (check_sampling_loop, sampling_loop),
    (check_unet, unet),
    (check_time_embedding, time_embedding),
    (check_modulate, modulate),
]


@pytest.mark.parametrize(("check", "solution"), CHECKS)
def test_solution_passes(check, solution, capsys):
    check(solution)
    assert capsys.readouterr().out == f"✓ {solution.__name__} is right.\n"


def not_implemented(*_):
    raise NotImplementedError


@pytest.mark.parametrize(("check", "solution"), CHECKS)
@pytest.mark.parametrize("stub", [lambda *_: None, lambda *_: ..., not_implemented])
def test_blank_stub_is_not_attempted_yet(check, solution, stub, capsys):
    check(stub)
    assert capsys.readouterr().out.startswith(f"○ {solution.__name__}: not attempted yet")


@pytest.mark.parametrize(("check", "solution"), CHECKS)
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda right: right.tolist(), "returns a list, expected a tensor"),
        (lambda right: right[:2], "has shape"),
        (lambda right: right / 0, "NaN or infinity"),
        (lambda right: right * 1.3 + 0.1, "standard deviation"),
        (lambda right: right.half(), "torch.float16"),
        (lambda right: right.to_sparse(), "torch.sparse_coo"),
        (lambda right: right.to("meta"), "on meta"),
        (lambda right: right + 1j, "complex"),
        (lambda right: torch.nn.Parameter(right * 2 + 1), "standard deviation"),
        (lambda right: right + 0.1 * torch.rand(1), "two calls with the same arguments differ"),
        (lambda right: 1 / 0, "stops with ZeroDivisionError"),
    ],
)
def test_any_other_answer_is_described(check, solution, wrong, message, capsys):
    check(lambda *arguments: wrong(solution(*arguments)))
    verdict = capsys.readouterr().out
    assert verdict.startswith("✗")
    assert message in verdict


def mean_by_ratios(x_t, eps, t, schedule):
    ab, before = schedule.alpha_bar[t], schedule.alpha_bar[t - 1]
    alpha = ab / before
    x0_hat = schedule.predict_x0(x_t, t, eps)
    return (before.sqrt() * (1 - alpha) * x0_hat + alpha.sqrt() * (1 - before) * x_t) / (1 - ab)


def mean_of_floats(x_t, eps, t, schedule):
    beta, ab, before = schedule.beta[t].item(), float(schedule.alpha_bar[t]), float(schedule.alpha_bar[t - 1])
    x0_hat = (x_t - math.sqrt(1 - ab) * eps) / math.sqrt(ab)
    return math.sqrt(before) * beta / (1 - ab) * x0_hat + math.sqrt(1 - beta) * (1 - before) / (1 - ab) * x_t


def mean_of_tables_at_single_precision(x_t, eps, t, schedule):
    ab, before = schedule.alpha_bar[t].float(), schedule.alpha_bar[t - 1].float()
    x0_hat = (x_t - (1 - ab).sqrt() * eps) / ab.sqrt()
    x0_hat *= before.sqrt() * schedule.beta[t].float() / (1 - ab)  # in place, but in a tensor of its own
    return x0_hat + schedule.alpha[t].float().sqrt() * (1 - before) / (1 - ab) * x_t


def mean_with_at(x_t, eps, t, schedule):
    tables = schedule.beta, schedule.alpha, schedule.alpha_bar
    (beta, alpha, ab), before = (schedule.at(table, t, x_t) for table in tables), schedule.at(tables[2], t - 1, x_t)
    x0_hat = schedule.predict_x0(x_t, t, eps)
    return before.sqrt() * beta / (1 - ab) * x0_hat + alpha.sqrt() * (1 - before) / (1 - ab) * x_t


def mean_of_the_famous_line(x_t, eps, t, schedule):
    return ddpm_step(x_t, eps, t, t - 1, schedule, torch.zeros_like(x_t))


def step_of_the_package(x_t, eps, t, t_prev, schedule, noise):
    return course_utils.ddpm_step(x_t, eps, t, t_prev, schedule, noise=noise)


def step_from_the_posterior(x_t, eps, t, t_prev, schedule, noise):
    mean = posterior_mean(x_t, eps, t, schedule)
    if t == 1:
        return mean
    before, ab = schedule.alpha_bar[t_prev], schedule.alpha_bar[t]
    return mean + ((1 - before) / (1 - ab) * schedule.beta[t]).sqrt() * noise


def step_of_floats(x_t, eps, t, t_prev, schedule, noise):
    ab, before = float(schedule.alpha_bar[t]), float(schedule.alpha_bar[t_prev])
    alpha = ab / before
    sigma = math.sqrt((1 - before) / (1 - ab) * (1 - alpha))
    return x_t / math.sqrt(alpha) - (1 - alpha) / math.sqrt(alpha * (1 - ab)) * eps + sigma * noise


def loop_of_the_package(model, x, schedule, generator):
    *_, last = course_utils.sample(
        model, x, schedule.timesteps(schedule.T), schedule, course_utils.ddpm_step, None, generator
    )
    return last.x


@torch.no_grad()
def loop_without_a_last_draw(model, x, schedule, generator):
    for t in reversed(range(1, schedule.T + 1)):
        z = torch.randn(x.shape, generator=generator) if t > 1 else torch.zeros_like(x)
        x = ddpm_step(x, model(x, torch.tensor([t] * len(x)), None), t, t - 1, schedule, z)
    return x


def loop_in_a_copy(model, x, schedule, generator):
    x, t = x.clone(), schedule.T
    while t > 0:
        z = torch.empty_like(x).normal_(generator=generator)
        x[:] = step_of_the_package(x, model(x, t * torch.ones(len(x)).long()), t, t - 1, schedule, z)
        t -= 1
    return x


@pytest.mark.parametrize(
    ("check", "variant"),
    [
        (check_posterior_mean, mean_by_ratios),
        (check_posterior_mean, mean_of_floats),
        (check_posterior_mean, mean_of_tables_at_single_precision),
        (check_posterior_mean, mean_with_at),
        (check_posterior_mean, mean_of_the_famous_line),
        (check_ddpm_step, step_of_the_package),
        (check_ddpm_step, step_from_the_posterior),
        (check_ddpm_step, step_of_floats),
        (check_sampling_loop, loop_of_the_package),
        (check_sampling_loop, loop_without_a_last_draw),
        (check_sampling_loop, loop_in_a_copy),
    ],
)
def test_other_ways_to_write_it_pass_too(check, variant, capsys):
    check(variant)
    assert capsys.readouterr().out.endswith("is right.\n")


def scaled(signal, noise):
    """An add_noise with other factors; each is a function of ᾱ_t, α_t and β_t."""

    def attempt(x0, t, eps, schedule):
        tables = [at(table, t) for table in (schedule.alpha_bar, schedule.alpha, schedule.beta)]
        return signal(*tables) * x0 + noise(*tables) * eps

    return attempt


def signal(ab, a, b):
    return ab.sqrt()


def noise(ab, a, b):
    return (1 - ab).sqrt()


def in_place(x0, t, eps, schedule):
    ab = at(schedule.alpha_bar, t)
    return x0.mul_(ab.sqrt()).add_((1 - ab).sqrt() * eps)


def in_the_schedule(x0, t, eps, schedule):
    schedule.alpha_bar = schedule.alpha_bar * 0.5
    return add_noise(x0, t, eps, schedule) * 0


def weights(of_x0, of_x, guess=None):
    """A posterior_mean with other weights, functions of ᾱ_{t−1}, ᾱ_t, α_t and β_t, and perhaps another x̂_0."""

    def attempt(x_t, eps, t, schedule):
        tables = [schedule.alpha_bar[t - 1], schedule.alpha_bar[t], schedule.alpha[t], schedule.beta[t]]
        x0_hat = schedule.predict_x0(x_t, t, eps) if guess is None else guess(x_t, eps, tables[1])
        return of_x0(*tables) * x0_hat + of_x(*tables) * x_t

    return attempt


def of_x0(before, ab, a, b):
    return before.sqrt() * b / (1 - ab)


def of_x(before, ab, a, b):
    return a.sqrt() * (1 - before) / (1 - ab)


def shifted_mean(x_t, eps, t, schedule):
    return posterior_mean(x_t, eps, t - 1, schedule)


def guessing(x0_hat):
    return weights(of_x0, of_x, x0_hat)


def step(mean=None, sigma=None):
    """A ddpm_step with another mean, of x_t, ε, α_t, β_t, ᾱ_t and ᾱ_{t−1}, or another σ, of schedule and t."""

    def attempt(x_t, eps, t, t_prev, schedule, noise):
        right = ddpm_step(x_t, eps, t, t_prev, schedule, 0 * noise)
        tables = schedule.alpha[t], schedule.beta[t], schedule.alpha_bar[t], schedule.alpha_bar[t_prev]
        size = schedule.posterior_variance[t].sqrt() if sigma is None else sigma(schedule, t)
        return (right if mean is None else mean(x_t, eps, *tables)) + size * noise

    return attempt


def but_not_at_the_end(sigma):
    return lambda schedule, t: sigma(schedule, t) if t > 1 else 0


def shifted_step(x_t, eps, t, t_prev, schedule, noise):
    return ddpm_step(x_t, eps, t - 1, t_prev - 1, schedule, noise)


def own_noise(x_t, eps, t, t_prev, schedule, noise):
    return ddpm_step(x_t, eps, t, t_prev, schedule, torch.randn_like(x_t))


def step_in_place(x_t, eps, t, t_prev, schedule, noise):
    x_t -= schedule.beta[t] / (1 - schedule.alpha_bar[t]).sqrt() * eps
    return x_t / schedule.alpha[t].sqrt() + schedule.posterior_variance[t].sqrt() * noise


def root_in_the_schedule(x_t, eps, t, t_prev, schedule, noise):
    return ddpm_step(x_t, eps, t, t_prev, schedule, 0 * noise) + schedule.posterior_variance[t].sqrt_() * noise


def forgotten_end(x_t, eps, t, t_prev, schedule, noise):
    if t > 1:
        return ddpm_step(x_t, eps, t, t_prev, schedule, noise)


def along(times, step=ddpm_step, time=lambda x, t, T: torch.full((len(x),), t)):
    """A sampling_loop along other times, with other steps, or which asks the model about another time."""

    def attempt(model, x, schedule, generator):
        for t in times(schedule.T):
            z = torch.randn(x.shape, generator=generator)
            x = step(x, model(x, time(x, t, schedule.T)), t, t - 1, schedule, z)
        return x

    return attempt


def down(T):
    return range(T, 0, -1)


def upwards_without_a_draw_at_1(model, x, schedule, generator):
    for t in range(1, schedule.T + 1):
        z = torch.randn(x.shape, generator=generator) if t > 1 else 0
        x = ddpm_step(x, model(x, torch.full((len(x),), t)), t, t - 1, schedule, z)
    return x


def same_z(model, x, schedule, generator):
    z = torch.randn(x.shape, generator=generator)
    return along(down, lambda x, eps, t, t_prev, schedule, _: ddpm_step(x, eps, t, t_prev, schedule, z))(
        model, x, schedule, generator
    )


def asked_once(model, x, schedule, generator):
    eps = model(x, torch.full((len(x),), schedule.T))
    return along(down)(lambda *_: eps, x, schedule, generator)


def never_updated(model, x, schedule, generator):
    for t in range(schedule.T, 0, -1):
        z = torch.randn(x.shape, generator=generator)
        x_next = ddpm_step(x, model(x, torch.full((len(x),), t)), t, t - 1, schedule, z)
    return x_next


def returned_too_early(model, x, schedule, generator):
    for t in range(schedule.T, 0, -1):
        z = torch.randn(x.shape, generator=generator)
        return ddpm_step(x, model(x, torch.full((len(x),), t)), t, t - 1, schedule, z)


def not_from_the_generator(model, x, schedule, generator):
    return sampling_loop(model, x, schedule, torch.default_generator)


def all_of_them(model, x, schedule, generator):
    return [x, sampling_loop(model, x, schedule, generator)]


def loop_in_place(model, x, schedule, generator):
    return x.copy_(sampling_loop(model, x, schedule, generator))


def beta_step(x, eps, t, t_prev, schedule, z):
    return step(sigma=but_not_at_the_end(lambda s, t: s.beta[t].sqrt()))(x, eps, t, t_prev, schedule, z)


MISTAKES = [
    (check_add_noise, in_place, "changes its arguments"),
    (check_add_noise, in_the_schedule, "changes its arguments"),
    (check_alpha_bar, lambda beta: 1 - beta, "this is α_t"),
    (check_alpha_bar, lambda beta: beta.cumprod(0), "multiplies the β"),
    (check_alpha_bar, lambda beta: beta.cumsum(0), "adds up the β"),
    (check_alpha_bar, lambda beta: 1 - beta.cumsum(0), "1 − Σβ"),
    (check_alpha_bar, lambda beta: (-beta.cumsum(0)).exp(), "good approximation"),
    (check_alpha_bar, lambda beta: (1 - beta).cumsum(0), "adds up the α"),
    (check_alpha_bar, lambda beta: (1 - beta[1:]).cumprod(0), "has shape (40,), expected (41,)"),
    (check_alpha_bar, lambda beta: (1 - torch.cat([beta[1:], beta[:1]])).cumprod(0), "too far left"),
    (check_alpha_bar, lambda beta: torch.cat([beta[:1] + 1, alpha_bar(beta)[:-1]]), "too far right"),
    (check_alpha_bar, lambda beta: alpha_bar(beta).sqrt(), "this is √ᾱ_t"),
    (check_add_noise, scaled(signal, lambda ab, a, b: 1 - ab), "noise is scaled by 1 − ᾱ_t"),
    (check_add_noise, scaled(lambda ab, a, b: ab, noise), "picture is scaled by ᾱ_t"),
    (check_add_noise, scaled(lambda ab, a, b: ab, lambda ab, a, b: 1 - ab), "both square roots are missing"),
    (check_add_noise, scaled(lambda ab, a, b: a.sqrt(), lambda ab, a, b: b.sqrt()), "this is a single step"),
    (check_add_noise, scaled(signal, lambda ab, a, b: b.sqrt()), "noise of the last step alone"),
    (check_add_noise, scaled(noise, signal), "have changed places"),
    (check_add_noise, scaled(signal, lambda *tables: -noise(*tables)), "the noise is subtracted"),
    (check_add_noise, scaled(signal, lambda *tables: 0), "the noise is missing"),
    (check_add_noise, scaled(signal, lambda *tables: 1), "the noise is not scaled"),
    (check_add_noise, scaled(lambda *tables: 1, noise), "the picture is not scaled"),
    (check_add_noise, lambda x0, t, eps, s: add_noise(x0, t - 1, eps, s), "looks up ᾱ at t − 1"),
    (check_add_noise, lambda x0, t, eps, s: add_noise(x0, t, torch.randn_like(eps), s), "draw none of your own"),
    (check_add_noise, lambda x0, t, eps, s: add_noise(x0, t, eps[:1], s), "the same for all images"),
    (check_add_noise, lambda x0, t, eps, s: add_noise(x0, t, eps[:, :1], s), "the same for all colours"),
    (check_add_noise, lambda x0, t, eps, s: add_noise(x0, t, eps[:, :, :1], s), "the same for all rows"),
    (check_add_noise, lambda x0, t, eps, s: add_noise(x0, t, eps[..., :1], s), "the same for all columns"),
    (check_add_noise, lambda x0, t, eps, s: s.alpha_bar[t] * x0, "see .view(-1, 1, 1, 1)"),
    (
        check_add_noise,
        lambda x0, t, eps, s: add_noise(x0.double(), t, eps, s),
        "is torch.float64, expected torch.float32",
    ),
    (check_predict_x0, lambda x, t, e, s: x - (1 - at(s.alpha_bar, t)).sqrt() * e, "still faded: divide"),
    (check_predict_x0, lambda x, t, e, s: predict_x0(x, t, e, s) / at(s.alpha_bar, t).sqrt(), "divides by ᾱ_t"),
    (check_predict_x0, lambda x, t, e, s: predict_x0(x, t, e, s) * at(s.alpha_bar, t), "multiplies by √ᾱ_t"),
    (
        check_predict_x0,
        lambda x, t, e, s: (x - (1 - at(s.alpha_bar, t)) * e) / at(s.alpha_bar, t).sqrt(),
        "by its variance 1 − ᾱ_t",
    ),
    (check_predict_x0, lambda x, t, e, s: (x - e) / at(s.alpha_bar, t).sqrt(), "the noise is not scaled"),
    (check_predict_x0, lambda x, t, e, s: predict_x0(x, t, -e, s), "added once more"),
    (
        check_predict_x0,
        lambda x, t, e, s: x - (1 - at(s.alpha_bar, t)).sqrt() * e / at(s.alpha_bar, t).sqrt(),
        "brackets around the whole difference",
    ),
    (check_predict_x0, lambda x, t, e, s: predict_x0(x, t - 1, e, s), "looks up ᾱ at t − 1"),
    (check_predict_x0, lambda x, t, e, s: predict_x0(x, t, e, s).clamp(-1, 1), "it clamps the picture"),
    (
        check_predict_x0,
        lambda x, t, e, s: (x - at(s.beta, t).sqrt() * e) / at(s.alpha, t).sqrt(),
        "over a single step",
    ),
    (check_beta_from_alpha_bar, lambda ab: 1 - ab / ab.roll(1), "compares ᾱ_0 with the last"),
    (
        check_beta_from_alpha_bar,
        lambda ab: torch.cat([ab[:1] * 0, beta_from_alpha_bar(ab)[:-1]]),
        "one place too far right: the step",
    ),
    (check_beta_from_alpha_bar, lambda ab: beta_from_alpha_bar(ab)[1:], "β_0 = 0 is missing"),
    (
        check_beta_from_alpha_bar,
        lambda ab: torch.cat([torch.zeros(1, dtype=ab.dtype), 1 - ab[1:] / ab[:-1]]),
        "above 0.999",
    ),
    (
        check_beta_from_alpha_bar,
        lambda ab: torch.cat([torch.ones(1, dtype=ab.dtype), ab[1:] / ab[:-1]]),
        "these are the α_t",
    ),
    (check_beta_from_alpha_bar, lambda ab: torch.cat([ab[:1] * 0, ab[:-1] - ab[1:]]), "a step is a ratio"),
    (check_beta_from_alpha_bar, lambda ab: 1 - ab, "noise of all steps together"),
    (
        check_beta_from_alpha_bar,
        lambda ab: torch.cat([beta_from_alpha_bar(ab)[1:], beta_from_alpha_bar(ab)[-1:]]),
        "too far left",
    ),
    (check_beta_from_alpha_bar, lambda ab: torch.cat([ab[:1] * 0, 1 - ab[:-1] / ab[1:]]), "upside down"),
    (check_posterior_mean, guessing(lambda x, e, ab: x - (1 - ab).sqrt() * e), "x̂_0 is still faded"),
    (check_posterior_mean, guessing(lambda x, e, ab: (x - (1 - ab).sqrt() * e) / ab), "divides by ᾱ_t in x̂_0"),
    (
        check_posterior_mean,
        guessing(lambda x, e, ab: (x - (1 - ab) * e) / ab.sqrt()),
        "in x̂_0 the noise is scaled by its",
    ),
    (check_posterior_mean, guessing(lambda x, e, ab: (x + (1 - ab).sqrt() * e) / ab.sqrt()), "added once more"),
    (
        check_posterior_mean,
        guessing(lambda x, e, ab: ((x - (1 - ab).sqrt() * e) / ab.sqrt()).clip(-1, 1)),
        "it clamps x̂_0",
    ),
    (check_posterior_mean, guessing(lambda x, e, ab: e), "ε stands where x̂_0 belongs"),
    (check_posterior_mean, weights(lambda *tables: 1, lambda *tables: 0), "this is x̂_0 itself"),
    (
        check_posterior_mean,
        weights(lambda before, *tables: of_x0(tables[0], *tables), lambda before, *tables: of_x(tables[0], *tables)),
        "both weights have ᾱ_t",
    ),
    (
        check_posterior_mean,
        weights(lambda before, *tables: of_x0(tables[0], *tables), of_x),
        "the weight of x̂_0 has ᾱ_t where ᾱ_{t−1} belongs",
    ),
    (
        check_posterior_mean,
        weights(of_x0, lambda before, *tables: of_x(tables[0], *tables)),
        "the weight of x_t has ᾱ_t where ᾱ_{t−1} belongs",
    ),
    (check_posterior_mean, weights(of_x, of_x0), "the two weights have changed places"),
    (
        check_posterior_mean,
        weights(lambda before, ab, a, b: before * b / (1 - ab), of_x),
        "has ᾱ_{t−1} without its square root",
    ),
    (
        check_posterior_mean,
        weights(of_x0, lambda before, ab, a, b: a * (1 - before) / (1 - ab)),
        "has α_t without its square root",
    ),
    (
        check_posterior_mean,
        weights(lambda before, ab, a, b: before * b / (1 - ab), lambda before, ab, a, b: a * (1 - before) / (1 - ab)),
        "both weights lack their square root",
    ),
    (
        check_posterior_mean,
        weights(lambda before, ab, a, b: (before * b).sqrt() / (1 - ab), of_x),
        "has √β_t; it takes β_t itself",
    ),
    (
        check_posterior_mean,
        weights(of_x0, lambda before, ab, a, b: ab.sqrt() * (1 - before) / (1 - ab)),
        "has ᾱ_t where α_t belongs",
    ),
    (
        check_posterior_mean,
        weights(lambda before, ab, a, b: before.sqrt() * b, lambda before, ab, a, b: a.sqrt() * (1 - before)),
        "not divided by 1 − ᾱ_t",
    ),
    (check_posterior_mean, shifted_mean, "this looks up every table at t − 1"),
    (
        check_posterior_mean,
        weights(lambda *tables: 0.5, lambda *tables: -0.25),
        "at t = 60, the result is 0.5000 x̂_0 − 0.2500 x_t, expected 0.0014 x̂_0 + 0.8165 x_t.",
    ),
    (check_ddpm_step, step(sigma=lambda s, t: 0), "z is missing"),
    (check_ddpm_step, step(sigma=lambda s, t: s.posterior_variance[t]), "z is scaled by the variance β̃_t"),
    (check_ddpm_step, step(sigma=lambda s, t: s.beta[t]), "That is a variance"),
    (check_ddpm_step, step(sigma=but_not_at_the_end(lambda s, t: s.beta[t])), "posterior variance.\n"),
    (check_ddpm_step, step(sigma=lambda s, t: s.beta[t].sqrt()), "√β̃_t. And noise is added at t = 1 too"),
    (check_ddpm_step, beta_step, "the other choice in the literature"),
    (check_ddpm_step, beta_step, "asks for the posterior one, √β̃_t.\n"),
    (check_ddpm_step, step(sigma=but_not_at_the_end(lambda s, t: 1)), "z is not scaled: multiply it by σ_t = √β̃_t.\n"),
    (check_ddpm_step, step(sigma=lambda s, t: 1), "z is not scaled: multiply it by σ_t = √β̃_t. And noise"),
    (
        check_ddpm_step,
        step(sigma=lambda s, t: s.posterior_variance[max(t, 2)].sqrt()),
        "at t = 1, noise is added too",
    ),
    (
        check_ddpm_step,
        step(lambda x, e, a, b, ab, before: (x - b.sqrt() / (1 - ab).sqrt() * e) / a.sqrt()),
        "ε is scaled by √β_t / √(1 − ᾱ_t)",
    ),
    (
        check_ddpm_step,
        step(lambda x, e, a, b, ab, before: (x - b / (1 - ab) * e) / a.sqrt()),
        "ε is scaled by β_t / (1 − ᾱ_t)",
    ),
    (
        check_ddpm_step,
        step(lambda x, e, a, b, ab, before: (x - b / (1 - before).sqrt() * e) / a.sqrt()),
        "ε is scaled with ᾱ_{t−1}",
    ),
    (
        check_ddpm_step,
        lambda x, e, t, t_prev, s, z: ddpm_step(x, -e, t, t_prev, s, z),
        "ε is added; it should be taken away",
    ),
    (check_ddpm_step, step(lambda x, e, a, b, ab, before: x - b / (1 - ab).sqrt() * e), "the mean is not rescaled"),
    (
        check_ddpm_step,
        step(lambda x, e, a, b, ab, before: x - b / (1 - ab).sqrt() * e / a.sqrt()),
        "only ε is divided by √α_t",
    ),
    (
        check_ddpm_step,
        step(lambda x, e, a, b, ab, before: (x - b / (1 - ab).sqrt() * e) / ab.sqrt()),
        "the mean is divided by √ᾱ_t",
    ),
    (
        check_ddpm_step,
        step(lambda x, e, a, b, ab, before: (x - b / (1 - ab).sqrt() * e) / a),
        "the mean is divided by α_t",
    ),
    (
        check_ddpm_step,
        step(lambda x, e, a, b, ab, before: (x - b / (1 - ab).sqrt() * e) * a.sqrt()),
        "the mean is multiplied by √α_t",
    ),
    (
        check_ddpm_step,
        step(sigma=lambda s, t: (s.posterior_variance[t] / s.alpha[t]).sqrt()),
        "z is divided by √α_t as well",
    ),
    (check_ddpm_step, shifted_step, "looks up every table at t − 1. They begin"),
    (check_ddpm_step, own_noise, "two calls with the same arguments differ: use the noise that is handed in"),
    (check_ddpm_step, step_in_place, "it changes its arguments, which others"),
    (check_ddpm_step, root_in_the_schedule, "it changes its arguments"),
    (check_ddpm_step, forgotten_end, "at t = 1, it returns a NoneType, expected a tensor"),
    (
        check_ddpm_step,
        step(lambda x, e, *_: 2 * x + e, lambda s, t: -3),
        "at t = 60, the result is 2.0000 x_t + 1.0000 ε − 3.0000 z, expected 1.2247 x_t − 0.4083 ε + 0.5773 z.",
    ),
    (check_sampling_loop, along(lambda T: range(1, T + 1)), "counts down.\n"),
    (check_sampling_loop, upwards_without_a_draw_at_1, "it counts up, from 1 to T"),
    (check_sampling_loop, along(lambda T: range(T - 1, -1, -1)), "no step from 0, where the clean picture stands"),
    (check_sampling_loop, along(lambda T: range(T, -1, -1)), "t must lie in 1…12, got 0…0"),
    (check_sampling_loop, along(lambda T: range(T - 1, 0, -1)), "it begins at T − 1"),
    (check_sampling_loop, along(lambda T: range(T, 1, -1)), "it stops at t = 2"),
    (check_sampling_loop, same_z, "every step adds the same z"),
    (check_sampling_loop, along(down, step(sigma=lambda s, t: 0)), "no noise is added"),
    (check_sampling_loop, asked_once, "the model is asked only once"),
    (check_sampling_loop, never_updated, "every step begins at x_T again"),
    (check_sampling_loop, returned_too_early, "it returns after the first step"),
    (check_sampling_loop, lambda model, x, schedule, generator: x, "it returns the noise it began with"),
    (check_sampling_loop, along(down, beta_step), "the loop is right, but the steps add √β_t z"),
    (check_sampling_loop, not_from_the_generator, "draw all noise from the generator"),
    (check_sampling_loop, along(down, time=lambda x, t, T: t / T), "one for each image, shape (5,), got 1.0"),
    (
        check_sampling_loop,
        along(down, time=lambda x, t, T: torch.full((len(x),), t / T)),
        "t as whole numbers, one for each image, shape (5,), got torch.float32",
    ),
    (check_sampling_loop, along(down, time=lambda x, t, T: t), "shape (5,), got 12"),
    (check_sampling_loop, all_of_them, "it returns a list, expected a tensor"),
    (check_sampling_loop, loop_in_place, "changes its arguments, which others still need"),
]


def waves(frequency, order=lambda sines, cosines: torch.cat([sines, cosines], dim=1)):
    """A time_embedding with other frequencies, functions of k and width / 2, or put together in another way."""

    def attempt(t, width):
        angle = t[:, None] * frequency(torch.arange(width // 2), width // 2)
        return order(angle.sin(), angle.cos())

    return attempt


def right_frequency(k, half):
    return 10_000 ** (-k / half)


def knobs(turned, split=lambda both: both[:, :, None, None].chunk(2, dim=1)):
    """A modulate that does something else with h, scale and shift, or finds them elsewhere."""
    return lambda h, condition, layer: turned(h, *split(layer(condition)))


def way(
    join=lambda up, skip: torch.cat([up, skip], dim=1),
    halve=F.avg_pool2d,
    double=lambda h: F.interpolate(h, scale_factor=2),
    bottom2=True,
    skip=lambda stem, fine: fine,
    head=True,
):
    """A unet that goes another way."""

    def attempt(network, x, condition):
        stem = network.stem(x)
        fine = network.down1(stem, condition)
        middle = network.down2(halve(fine, 2), condition)
        coarse = network.bottom1(halve(middle, 2), condition)
        coarse = network.bottom2(coarse, condition) if bottom2 else coarse
        up = network.up2(join(double(coarse), middle), condition)
        up = network.up1(join(double(up), skip(stem, fine)), condition)
        return network.head(up) if head else up

    return attempt


def skips_taken_after_halving(network, x, condition):
    fine = F.avg_pool2d(network.down1(network.stem(x), condition), 2)
    middle = F.avg_pool2d(network.down2(fine, condition), 2)
    coarse = network.bottom2(network.bottom1(middle, condition), condition)
    return network.up2(torch.cat([F.interpolate(coarse, scale_factor=2), middle], dim=1), condition)


class Block(nn.Module):
    """The right block, in pieces that the wrong ones replace."""

    def __init__(self, c_in, c_out, n_condition):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(8, c_in), nn.Conv2d(c_in, c_out, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(8, c_out), nn.Conv2d(c_out, c_out, 3, padding=1)
        self.condition = nn.Linear(n_condition, 2 * c_out)
        self.shortcut = nn.Identity() if c_in == c_out else nn.Conv2d(c_in, c_out, 1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def first(self, x):
        return self.conv1(F.silu(self.norm1(x)))

    def modulated(self, h, condition):
        return modulate(self.norm2(h), condition, self.condition)

    def second(self, h, condition):
        return self.conv2(F.silu(h))

    def past(self, x):
        return self.shortcut(x)

    def forward(self, x, condition):
        return self.past(x) + self.second(self.modulated(self.first(x), condition), condition)


def block_with(**methods):
    """A block in which some methods are others."""
    return type("ResidualBlock", (Block,), methods)


class BlankBlock(nn.Module):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__()
        self.norm1 = nn.GroupNorm(8, c_in)

    def forward(self, x, condition):
        return ...


class ShortcutOnlyWhereNeeded(Block):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__(c_in, c_out, n_condition)
        if c_in == c_out:
            del self.shortcut

    def past(self, x):
        return self.shortcut(x) if hasattr(self, "shortcut") else x


class ShortcutInForward(Block):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__(c_in, c_out, n_condition)
        self.c_in, self.c_out = c_in, c_out
        del self.shortcut

    def past(self, x):
        return x if self.c_in == self.c_out else nn.Conv2d(self.c_in, self.c_out, 1)(x)


class ShortcutAlwaysConvolved(Block):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__(c_in, c_out, n_condition)
        self.shortcut = nn.Conv2d(c_in, c_out, 1)


class BatchNormBlock(Block):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__(c_in, c_out, n_condition)
        self.norm1, self.norm2 = nn.BatchNorm2d(c_in), nn.BatchNorm2d(c_out)


class NoZeros(Block):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__(c_in, c_out, n_condition)
        nn.init.ones_(self.conv2.bias)


class OtherNames(Block):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__(c_in, c_out, n_condition)
        self.to_scale_and_shift = self.condition


class NarrowCondition(Block):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__(c_in, c_out, n_condition)
        self.condition = nn.Linear(n_condition, 2)


class LayersInAList(Block):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__(c_in, c_out, n_condition)
        self.hidden = [self.norm1]
        del self.norm1

    def first(self, x):
        return self.conv1(F.silu(self.hidden[0](x)))


def randomly_dropped(self, h, condition):
    return self.conv2(F.dropout(F.silu(h), 0.1))


MISTAKES += [
    (check_time_embedding, waves(right_frequency, lambda s, c: torch.cat([c, s], dim=1)), "cosines come first"),
    (check_time_embedding, waves(right_frequency, lambda s, c: torch.stack([s, c], 2).flatten(1)), "take turns"),
    (check_time_embedding, waves(right_frequency, lambda s, c: s), "the cosines are missing"),
    (check_time_embedding, waves(right_frequency, lambda s, c: c), "the sines are missing"),
    (check_time_embedding, waves(right_frequency, lambda s, c: s + c), "are added"),
    (check_time_embedding, waves(lambda k, half: 10_000 ** (-k / (2 * half))), "divided by the width"),
    (check_time_embedding, waves(lambda k, half: 10_000 ** (-k / (half - 1))), "as in DDPM's code"),
    (check_time_embedding, waves(lambda k, half: 10_000 ** (-(k + 1) / half)), "k counts from 1"),
    (check_time_embedding, waves(lambda k, half: 10_000 ** (k / half)), "the frequencies rise"),
    (check_time_embedding, waves(lambda k, half: torch.exp(-10_000 * k / half)), "the logarithm is missing"),
    (check_time_embedding, waves(lambda k, half: torch.exp(-4 * k / half)), "natural logarithm"),
    (check_time_embedding, waves(lambda k, half: 2 * torch.pi * right_frequency(k, half)), "multiplied by 2π"),
    (check_time_embedding, waves(lambda k, half: torch.ones(half)), "every frequency is the same"),
    (check_time_embedding, lambda t, width: time_embedding(t**0, width), "t does not come into it"),
    (check_time_embedding, lambda t, width: t[:, None] * time_embedding(t**0, width), "are multiplied by t"),
    (
        check_time_embedding,
        lambda t, width: torch.cat([t[:, None] * right_frequency(torch.arange(6), 6)] * 2, dim=1),
        "these are the angles themselves",
    ),
    (check_time_embedding, lambda t, width: t * right_frequency(torch.arange(6), 6), "t[:, None] makes a column"),
    (check_time_embedding, lambda t, width: time_embedding(t, width).double(), "is torch.float64, expected"),
    (check_modulate, knobs(lambda h, scale, shift: h * scale + shift), "multiplied by scale itself"),
    (check_modulate, knobs(lambda h, scale, shift: h * (1 + shift) + scale), "have changed places: the first half"),
    (check_modulate, knobs(lambda h, scale, shift: h * shift + scale), "changed places, and the 1 is missing"),
    (check_modulate, knobs(lambda h, scale, shift: h * (1 + scale)), "the shift is missing"),
    (check_modulate, knobs(lambda h, scale, shift: h + shift), "the scale is missing"),
    (check_modulate, knobs(lambda h, scale, shift: (h + shift) * (1 + scale)), "the shift is scaled as well"),
    (check_modulate, knobs(lambda h, scale, shift: h * (1 + scale) + 1 + shift), "the 1 is added once more"),
    (check_modulate, knobs(lambda h, scale, shift: h + scale + shift), "h is added instead of multiplied"),
    (
        check_modulate,
        knobs(lambda h, a, b: h * (1 + a) + b, lambda both: (both[:, ::2, None, None], both[:, 1::2, None, None])),
        "every other number",
    ),
    (check_modulate, lambda h, condition, layer: modulate(h, F.silu(condition), layer), "SiLU again"),
    (check_modulate, lambda h, condition, layer: h, "as it came"),
    (
        check_modulate,
        knobs(lambda h, scale, shift: h * (1 + scale) + shift, lambda both: both.chunk(2, dim=1)),
        "[:, :, None, None]",
    ),
    (check_modulate, lambda h, condition, layer: h.mul_(2), "changes its arguments"),
    (check_unet, way(join=lambda up, skip: torch.cat([skip, up], dim=1)), "stands behind the skip connection"),
    (check_unet, way(join=lambda up, skip: up + skip), "They are not added"),
    (check_unet, way(join=lambda up, skip: up), "wants what comes up and the skip connection joined"),
    (check_unet, way(bottom2=False), "bottom2 is left out"),
    (check_unet, way(halve=F.max_pool2d), "halves with max_pool2d"),
    (check_unet, way(halve=lambda h, _: h[..., ::2, ::2]), "leaving out pixels"),
    (check_unet, way(double=lambda h: F.interpolate(h, scale_factor=2, mode="bilinear")), "doubles smoothly"),
    (check_unet, way(skip=lambda stem, fine: stem), "starts at the stem"),
    (check_unet, way(head=False), "the head is missing"),
    (check_unet, skips_taken_after_halving, "before it was halved"),
    (check_residual_block, ShortcutInForward, "shortcut are missing in its state_dict"),
    (check_residual_block, ShortcutAlwaysConvolved, "has weights although c_in = c_out"),
    (check_residual_block, BatchNormBlock, "it has a BatchNorm"),
    (check_residual_block, NoZeros, "should pass its input through"),
    (check_residual_block, OtherNames, "a weight too many, to_scale_and_shift.weight"),
    (check_residual_block, NarrowCondition, "condition.weight has shape (2, 10), expected (48, 10)"),
    (check_residual_block, LayersInAList, "norm1.weight is missing in its state_dict"),
    (check_residual_block, lambda *sizes: lambda x, condition: x, "it is a function, expected an nn.Module"),
    (check_residual_block, block_with(past=lambda self, x: 0), "the shortcut is missing: add it"),
    (
        check_residual_block,
        block_with(modulated=lambda self, h, condition: self.norm2(h)),
        "time and context are ignored",
    ),
    (
        check_residual_block,
        block_with(modulated=lambda self, h, c: modulate(self.norm2(h), c, self.condition) - self.norm2(h)),
        "multiplied by scale itself",
    ),
    (
        check_residual_block,
        block_with(
            modulated=lambda self, h, c: modulate(self.norm2(h), c, lambda c: self.condition(c).roll(h.shape[1], 1))
        ),
        "have changed places",
    ),
    (
        check_residual_block,
        block_with(modulated=lambda self, h, c: self.norm2(modulate(h, c, self.condition))),
        "come before norm2",
    ),
    (
        check_residual_block,
        block_with(
            modulated=lambda self, h, c: self.norm2(h),
            second=lambda self, h, c: modulate(self.conv2(F.silu(h)), c, self.condition),
        ),
        "come after conv2",
    ),
    (
        check_residual_block,
        block_with(
            modulated=lambda self, h, c: self.norm2(h),
            second=lambda self, h, c: self.conv2(modulate(F.silu(h), c, self.condition)),
        ),
        "come after the second SiLU",
    ),
    (
        check_residual_block,
        block_with(modulated=lambda self, h, c: modulate(self.norm2(h), F.silu(c), self.condition)),
        "the condition goes through SiLU again",
    ),
    (check_residual_block, block_with(first=lambda self, x: self.conv1(self.norm1(x))), "the first SiLU is missing"),
    (check_residual_block, block_with(second=lambda self, h, c: self.conv2(h)), "the second SiLU is missing"),
    (
        check_residual_block,
        block_with(first=lambda self, x: self.conv1(self.norm1(x)), second=lambda self, h, c: self.conv2(h)),
        "both SiLUs are missing",
    ),
    (
        check_residual_block,
        block_with(
            first=lambda self, x: self.conv1(F.relu(self.norm1(x))), second=lambda self, h, c: self.conv2(F.relu(h))
        ),
        "this is ReLU",
    ),
    (check_residual_block, block_with(first=lambda self, x: self.conv1(F.silu(x))), "norm1 is missing"),
    (
        check_residual_block,
        block_with(modulated=lambda self, h, c: modulate(h, c, self.condition)),
        "norm2 is missing",
    ),
    (
        check_residual_block,
        block_with(first=lambda self, x: self.conv1(self.norm1(F.silu(x)))),
        "SiLU comes before the normalisation",
    ),
    (check_residual_block, block_with(past=lambda self, x: self.shortcut(self.norm1(x))), "starts behind norm1"),
    (
        check_residual_block,
        block_with(forward=lambda self, x, c: F.silu(Block.forward(self, x, c))),
        "goes through another SiLU",
    ),
    (check_residual_block, block_with(second=randomly_dropped), "two calls with the same arguments differ: a layer"),
    (check_residual_block, block_with(forward=lambda self, x, c: Block.forward(self, x, c) * 2), "standard deviation"),
]


def test_a_residual_block_that_is_right_passes_and_a_blank_one_is_not_attempted_yet(capsys):
    for right in (Block, ShortcutOnlyWhereNeeded, course_utils.networks.unet.ResidualBlock):
        check_residual_block(right)
        assert capsys.readouterr().out == "✓ ResidualBlock is right.\n"
    check_residual_block(BlankBlock)
    assert capsys.readouterr().out.startswith("○ ResidualBlock: not attempted yet")


@pytest.mark.parametrize(("check", "solution"), [*CHECKS[-3:], (check_residual_block, Block)])
def test_checks_of_the_network_leave_the_random_numbers_alone(check, solution):
    before = torch.random.get_rng_state()
    check(solution)
    assert torch.equal(torch.random.get_rng_state(), before)


def training_loss(
    times=lambda n, T, g: torch.randint(1, T + 1, (n,), generator=g),
    noise=lambda x0, g: torch.randn(x0.shape, generator=g),
    mix=lambda x0, t, eps, schedule: schedule.add_noise(x0, t, eps),
    ask=lambda model, x_t, t, c: model(x_t, t, c),
    compare=lambda eps, answer, x0, x_t: (eps - answer).square().mean(),
):
    def diffusion_loss(model, x0, c, schedule, generator):
        t = times(len(x0), schedule.T, generator)
        eps = noise(x0, generator)
        x_t = mix(x0, t, eps, schedule)
        return compare(eps, ask(model, x_t, t, c), x0, x_t)

    return diffusion_loss


def mixed(picture, noise):
    """Questions with these amounts of picture and noise, each a function of ᾱ and of the ᾱ one step earlier."""

    def mix(x0, t, eps, schedule):
        ab, before = at(schedule.alpha_bar, t), at(schedule.alpha_bar, (t - 1).clamp(min=0))
        return picture(ab, before) * x0 + noise(ab, before) * eps

    return training_loss(mix=mix)


def compared(compare):
    return training_loss(compare=compare)


def loop(*actions, at_the_end=lambda losses: losses, note=lambda loss: loss.item()):
    """A loop that does these things for each batch, in this order."""
    do = {
        "zero": lambda model, optimizer, loss: optimizer.zero_grad(),
        "backward": lambda model, optimizer, loss: loss.backward(),
        "clip": lambda model, optimizer, loss: nn.utils.clip_grad_norm_(model.parameters(), 1.0),
        "clip values": lambda model, optimizer, loss: nn.utils.clip_grad_value_(model.parameters(), 1.0),
        "step": lambda model, optimizer, loss: optimizer.step(),
    }

    def training_loop(model, optimizer, batches, loss_of):
        losses = []
        for x0, c in batches:
            loss = loss_of(model, x0, c)
            for action in actions:
                do[action](model, optimizer, loss)
            losses.append(note(loss))
        return at_the_end(losses)

    return training_loop


right_loop = loop("zero", "backward", "clip", "step")


def first_batch_only(model, optimizer, batches, loss_of):
    return right_loop(model, optimizer, [next(batches)], loss_of)


def rate(warm_up=lambda k, n: min(1, (k + 1) / (n / 20 + 1)), cosine=lambda u: (1 + math.cos(math.pi * u)) / 2):
    return lambda step, steps: warm_up(step, steps) * cosine(step / steps)


def average_with(weights=lambda a, b, d: d * a + (1 - d) * b, fractions=torch.lerp, counter=lambda a, b: b):
    @torch.no_grad()
    def update_average(average, model, decay):
        for old, new in zip(average.parameters(), model.parameters(), strict=True):
            old.copy_(weights(old, new, decay))
        for old, new in zip(average.buffers(), model.buffers(), strict=True):
            old.copy_(fractions(old, new, 1 - decay) if new.is_floating_point() else counter(old, new))

    return update_average


def average_of_new_names(average, model, decay):
    for old, new in zip(average.parameters(), model.parameters(), strict=True):
        old = decay * old + (1 - decay) * new  # the mistake


def average_while_learning(average, model, decay):
    for old, new in zip(average.parameters(), model.parameters(), strict=True):
        old.lerp_(new, 1 - decay)


def average_turned_round(average, model, decay):
    average_with()(model, average, decay)


TRAINING = {
    "diffusion_loss": (check_diffusion_loss, training_loss()),
    "training_loop": (check_training_loop, right_loop),
    "learning_rate": (check_learning_rate, rate()),
    "update_average": (check_update_average, average_with()),
}


@pytest.mark.parametrize("name", TRAINING)
def test_what_training_takes_passes_and_a_blank_is_not_attempted_yet(name, capsys):
    check, solution = TRAINING[name]
    check(solution)
    assert capsys.readouterr().out == f"✓ {name} is right.\n"
    for blank in (lambda *_: None, lambda *_: ..., not_implemented):
        check(blank)
        assert capsys.readouterr().out.startswith(f"○ {name}: not attempted yet")


@pytest.mark.parametrize(
    ("check", "variant"),
    [
        (check_diffusion_loss, mixed(lambda ab, _: ab.sqrt(), lambda ab, _: (1 - ab).sqrt())),
        (check_diffusion_loss, compared(lambda eps, answer, x0, x_t: F.mse_loss(answer, eps))),
        (
            check_diffusion_loss,
            lambda model, x0, c, schedule, generator: diffusion_loss(model, x0, c, schedule, None, generator),
        ),
        (check_training_loop, loop("backward", "clip", "step", "zero")),
        (check_learning_rate, rate(cosine=lambda u: math.cos(math.pi * u / 2) ** 2)),
        (check_learning_rate, lambda step, steps: torch.tensor(rate()(step, steps))),
        (check_update_average, average_with(fractions=lambda a, b, share: b)),
    ],
)
def test_other_ways_to_train_pass_too(check, variant, capsys):
    check(variant)
    assert capsys.readouterr().out.startswith("✓")


@pytest.mark.parametrize("name", TRAINING)
def test_checks_of_training_leave_the_random_numbers_alone(name):
    before = torch.random.get_rng_state()
    check, solution = TRAINING[name]
    check(solution)
    assert torch.equal(torch.random.get_rng_state(), before)


def root(ab, _):
    return ab.sqrt()


def rest(ab, _):
    return (1 - ab).sqrt()


MISTAKES += [
    (
        check_diffusion_loss,
        training_loss(lambda n, T, g: torch.randint(1, T + 1, (1,), generator=g).expand(n)),
        "share one t",
    ),
    (
        check_diffusion_loss,
        training_loss(lambda n, T, g: torch.randint(0, T + 1, (n,), generator=g)),
        "Draw it with torch.randint(1",
    ),
    (
        check_diffusion_loss,
        training_loss(
            lambda n, T, g: torch.randint(0, T + 1, (n,), generator=g),
            mix=lambda x0, t, eps, s: root(at(s.alpha_bar, t), 0) * x0 + rest(at(s.alpha_bar, t), 0) * eps,
        ),
        "t = 0 is drawn",
    ),
    (
        check_diffusion_loss,
        training_loss(lambda n, T, g: torch.randint(1, T, (n,), generator=g)),
        "t = T = 6 is never drawn",
    ),
    (
        check_diffusion_loss,
        training_loss(lambda n, T, g: torch.randint(2, T + 1, (n,), generator=g)),
        "t = 1 is never drawn",
    ),
    (
        check_diffusion_loss,
        training_loss(lambda n, T, g: 1 + (T * torch.rand(n, generator=g) ** 2).long()),
        "drawn more often than others",
    ),
    (check_diffusion_loss, training_loss(lambda n, T, g: torch.randint(1, T + 1, (n,))), "from the generator"),
    (check_diffusion_loss, training_loss(noise=lambda x0, g: torch.randn(x0.shape)), "from the generator"),
    (check_diffusion_loss, training_loss(noise=lambda x0, g: torch.rand(x0.shape, generator=g)), "has not mean 0"),
    (
        check_diffusion_loss,
        training_loss(noise=lambda x0, g: torch.randn(x0[:1].shape, generator=g).expand_as(x0)),
        "the same for all images of the batch",
    ),
    (
        check_diffusion_loss,
        training_loss(noise=lambda x0, g: torch.randn(x0[:, :1].shape, generator=g).expand_as(x0)),
        "the same for all colours",
    ),
    (
        check_diffusion_loss,
        training_loss(noise=lambda x0, g: torch.randn(x0[..., :1].shape, generator=g).expand_as(x0)),
        "the same for all columns",
    ),
    (check_diffusion_loss, mixed(lambda ab, _: ab**0, lambda ab, _: 0 * ab), "about the clean picture"),
    (check_diffusion_loss, mixed(lambda ab, _: 0 * ab, lambda ab, _: ab**0), "about the noise alone"),
    (check_diffusion_loss, mixed(root, lambda ab, _: 1 - ab), "That is its variance"),
    (check_diffusion_loss, mixed(lambda ab, _: ab, rest), "the formula has √ᾱ_t"),
    (check_diffusion_loss, mixed(lambda ab, _: ab, lambda ab, _: 1 - ab), "both square roots are missing"),
    (check_diffusion_loss, mixed(rest, root), "have changed places in x_t"),
    (
        check_diffusion_loss,
        mixed(lambda ab, before: (ab / before).sqrt(), lambda ab, before: (1 - ab / before).sqrt()),
        "x_t is a single step",
    ),
    (
        check_diffusion_loss,
        mixed(lambda ab, before: before.sqrt(), lambda ab, before: (1 - before).sqrt()),
        "Our tables begin with the clean image",
    ),
    (check_diffusion_loss, mixed(root, lambda ab, _: ab**0), "the noise in x_t is not scaled"),
    (check_diffusion_loss, mixed(lambda ab, _: ab.sqrt() / 2, rest), "at t = 1, x_t is 0.49 x_0 + 0.22 ε"),
    (check_diffusion_loss, training_loss(ask=lambda model, x_t, t, c: model(x_t, t.flip(0), c)), "told other times"),
    (
        check_diffusion_loss,
        training_loss(ask=lambda model, x_t, t, c: model(x_t, t / 6, c)),
        "wants t as whole numbers",
    ),
    (check_diffusion_loss, training_loss(ask=lambda model, x_t, t, c: model(x_t, 3, c)), "wants t as whole numbers"),
    (check_diffusion_loss, training_loss(ask=lambda model, x_t, t, c: model(x_t[:9], t[:9], c)), "asked about shape"),
    (
        check_diffusion_loss,
        training_loss(ask=lambda model, x_t, t, c: model(x_t.double(), t, c)),
        "x_t is torch.float64",
    ),
    (check_diffusion_loss, training_loss(ask=lambda model, x_t, t, c: model(x_t, t)), "not told the context"),
    (check_diffusion_loss, training_loss(ask=lambda model, x_t, t, c: model(x_t, t, 0 * c)), "another context"),
    (check_diffusion_loss, training_loss(ask=lambda model, x_t, t, c: x_t), "the model is never asked"),
    (
        check_diffusion_loss,
        compared(lambda eps, answer, x0, x_t: (eps - answer).square().sum()),
        "the loss is a sum over all",
    ),
    (
        check_diffusion_loss,
        compared(lambda eps, answer, x0, x_t: (eps - answer).square().sum((1, 2, 3)).mean()),
        "the numbers of each image",
    ),
    (
        check_diffusion_loss,
        compared(lambda eps, answer, x0, x_t: (eps - answer).abs().mean()),
        "the mean of its absolute value",
    ),
    (
        check_diffusion_loss,
        compared(lambda eps, answer, x0, x_t: (eps - answer).square().mean().sqrt()),
        "leave the root out",
    ),
    (
        check_diffusion_loss,
        compared(lambda eps, answer, x0, x_t: (eps - answer).square().mean() / 2),
        "half of the mean",
    ),
    (
        check_diffusion_loss,
        compared(lambda eps, answer, x0, x_t: (x0 - answer).square().mean()),
        "the target is the clean picture",
    ),
    (check_diffusion_loss, compared(lambda eps, answer, x0, x_t: (x_t - answer).square().mean()), "the target is x_t"),
    (check_diffusion_loss, compared(lambda eps, answer, x0, x_t: (answer - eps).mean()), "half of it cancels"),
    (check_diffusion_loss, compared(lambda eps, answer, x0, x_t: answer.square().mean()), "compared with nothing"),
    (
        check_diffusion_loss,
        compared(lambda eps, answer, x0, x_t: (eps.roll(1, 0) - answer).square().mean()),
        "the target is fresh noise",
    ),
    (check_diffusion_loss, compared(lambda eps, answer, x0, x_t: (eps - answer).square()), "the loss has shape"),
    (
        check_diffusion_loss,
        compared(lambda eps, answer, x0, x_t: (eps - answer).square().mean().item()),
        "it returns a float",
    ),
    (
        check_diffusion_loss,
        compared(lambda eps, answer, x0, x_t: (eps - answer).square().mean().detach()),
        "has no gradient",
    ),
    (check_training_loop, loop("backward", "clip", "step"), "the gradients of all batches add up"),
    (check_training_loop, loop("zero"), "no weight has changed"),
    (check_training_loop, loop("step", "zero", "backward", "clip"), "comes before loss.backward()"),
    (check_training_loop, loop("zero", "backward", "step"), "not clipped where it counts"),
    (check_training_loop, loop("zero", "backward", "step", "clip"), "not clipped where it counts"),
    (check_training_loop, loop("zero", "clip", "backward", "step"), "not clipped where it counts"),
    (check_training_loop, loop("zero", "backward", "clip values", "step"), "changes its direction"),
    (check_training_loop, loop("zero", "backward", "clip", "step", "step"), "the first loss is right and later ones"),
    (check_training_loop, first_batch_only, "it returns after the first batch"),
    (check_training_loop, loop("zero", "backward", "clip", "step", note=lambda loss: loss), "put loss.item()"),
    (
        check_training_loop,
        loop("zero", "backward", "clip", "step", at_the_end=lambda losses: None),
        "it returns a NoneType",
    ),
    (check_training_loop, loop("zero", "backward", "clip", "step", at_the_end=sum), "it returns a float"),
    (check_training_loop, loop("zero", "backward", "backward"), "stops with RuntimeError"),
    (check_learning_rate, rate(warm_up=lambda k, n: 1), "the warm-up is missing"),
    (check_learning_rate, rate(cosine=lambda u: 1), "the decay is missing"),
    (check_learning_rate, rate(warm_up=lambda k, n: (k + 1) / (n / 20 + 1)), "the warm-up never ends"),
    (check_learning_rate, rate(warm_up=lambda k, n: min(1, k / (n / 20))), "begins with 0"),
    (check_learning_rate, rate(cosine=lambda u: math.cos(math.pi * u)), "add 1 and halve it"),
    (check_learning_rate, rate(cosine=lambda u: 1 + math.cos(math.pi * u)), "the cosine is not halved"),
    (check_learning_rate, rate(cosine=lambda u: (1 - math.cos(math.pi * u)) / 2), "upside down"),
    (check_learning_rate, rate(cosine=lambda u: (1 + math.cos(2 * math.pi * u)) / 2), "a whole turn"),
    (check_learning_rate, rate(cosine=lambda u: 1 - u), "falls in a straight line"),
    (check_learning_rate, rate(cosine=lambda u: (1 + math.cos(u)) / 2), "π is missing"),
    (
        check_learning_rate,
        lambda k, n: min(1, (k + 1) / (n / 20 + 1)) + (1 + math.cos(math.pi * k / n)) / 2,
        "are added",
    ),
    (check_learning_rate, lambda k, n: 1e-3 * rate()(k, n), "standard deviation"),
    (check_update_average, average_with(lambda a, b, d: (1 - d) * a + d * b), "have changed places"),
    (check_update_average, average_with(lambda a, b, d: b), "is now a copy of the model"),
    (check_update_average, average_with(lambda a, b, d: (1 - d) * b), "what was there is gone"),
    (check_update_average, average_with(lambda a, b, d: d * a + b), "so the weights grow"),
    (check_update_average, average_with(lambda a, b, d: a), "loop over .parameters() too"),
    (check_update_average, average_with(lambda a, b, d: (a + b) / 2), "standard deviation"),
    (check_update_average, average_with(fractions=lambda a, b, share: a), "it forgets the buffers"),
    (check_update_average, average_with(counter=lambda a, b: a), "it forgets the counter"),
    (check_update_average, average_of_new_names, "the average is what it was"),
    (check_update_average, average_while_learning, "under torch.no_grad()"),
    (check_update_average, average_turned_round, "it changes the model"),
]


@pytest.mark.parametrize(("check", "attempt", "message"), MISTAKES, ids=[message for *_, message in MISTAKES])
def test_classic_mistake_is_called_by_its_name(check, attempt, message, capsys):
    check(attempt)
    verdict = capsys.readouterr().out
    assert verdict.startswith("✗")
    assert message in verdict
