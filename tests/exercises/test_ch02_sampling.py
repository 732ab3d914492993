"""Independent cases for the exercises of notebook 02: the posterior mean, the DDPM step, and its loop, also to mend."""

import math

import pytest
import torch

import course_utils
from course_utils import check_ddpm_step, check_mended_loop, check_posterior_mean, check_sampling_loop


def posterior_mean(x_t, eps, t, schedule):
    beta, alpha = schedule.beta[t], schedule.alpha[t]
    ab_prev, ab = schedule.alpha_bar[t - 1], schedule.alpha_bar[t]
    x0_hat = (x_t - (1 - ab).sqrt() * eps) / ab.sqrt()
    return ab_prev.sqrt() * beta / (1 - ab) * x0_hat + alpha.sqrt() * (1 - ab_prev) / (1 - ab) * x_t


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


def mean_by_ratios(x_t, eps, t, schedule):
    ab, ab_prev = schedule.alpha_bar[t], schedule.alpha_bar[t - 1]
    alpha = ab / ab_prev
    x0_hat = schedule.predict_x0(x_t, t, eps)
    return (ab_prev.sqrt() * (1 - alpha) * x0_hat + alpha.sqrt() * (1 - ab_prev) * x_t) / (1 - ab)


def mean_of_floats(x_t, eps, t, schedule):
    beta, ab, ab_prev = schedule.beta[t].item(), float(schedule.alpha_bar[t]), float(schedule.alpha_bar[t - 1])
    x0_hat = (x_t - math.sqrt(1 - ab) * eps) / math.sqrt(ab)
    return math.sqrt(ab_prev) * beta / (1 - ab) * x0_hat + math.sqrt(1 - beta) * (1 - ab_prev) / (1 - ab) * x_t


def mean_of_tables_at_single_precision(x_t, eps, t, schedule):
    ab, ab_prev = schedule.alpha_bar[t].float(), schedule.alpha_bar[t - 1].float()
    x0_hat = (x_t - (1 - ab).sqrt() * eps) / ab.sqrt()
    x0_hat *= ab_prev.sqrt() * schedule.beta[t].float() / (1 - ab)  # in place, but in a tensor of its own
    return x0_hat + schedule.alpha[t].float().sqrt() * (1 - ab_prev) / (1 - ab) * x_t


def mean_with_at(x_t, eps, t, schedule):
    tables = schedule.beta, schedule.alpha, schedule.alpha_bar
    (beta, alpha, ab), ab_prev = (schedule.at(table, t, x_t) for table in tables), schedule.at(tables[2], t - 1, x_t)
    x0_hat = schedule.predict_x0(x_t, t, eps)
    return ab_prev.sqrt() * beta / (1 - ab) * x0_hat + alpha.sqrt() * (1 - ab_prev) / (1 - ab) * x_t


def mean_of_the_famous_line(x_t, eps, t, schedule):
    return ddpm_step(x_t, eps, t, t - 1, schedule, torch.zeros_like(x_t))


def step_of_the_package(x_t, eps, t, t_prev, schedule, noise):
    return course_utils.ddpm_step(x_t, eps, t, t_prev, schedule, noise=noise)


def step_from_the_posterior(x_t, eps, t, t_prev, schedule, noise):
    mean = posterior_mean(x_t, eps, t, schedule)
    if t == 1:
        return mean
    ab_prev, ab = schedule.alpha_bar[t_prev], schedule.alpha_bar[t]
    return mean + ((1 - ab_prev) / (1 - ab) * schedule.beta[t]).sqrt() * noise


def step_of_floats(x_t, eps, t, t_prev, schedule, noise):
    ab, ab_prev = float(schedule.alpha_bar[t]), float(schedule.alpha_bar[t_prev])
    alpha = ab / ab_prev
    sigma = math.sqrt((1 - ab_prev) / (1 - ab) * (1 - alpha))
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


def noise(ab, a, b):
    return (1 - ab).sqrt()


def weights(of_x0, of_x, guess=None):
    """A posterior_mean with other weights, functions of ᾱ_{t−1}, ᾱ_t, α_t and β_t, and perhaps another x̂_0."""

    def attempt(x_t, eps, t, schedule):
        tables = [schedule.alpha_bar[t - 1], schedule.alpha_bar[t], schedule.alpha[t], schedule.beta[t]]
        x0_hat = schedule.predict_x0(x_t, t, eps) if guess is None else guess(x_t, eps, tables[1])
        return of_x0(*tables) * x0_hat + of_x(*tables) * x_t

    return attempt


def of_x0(ab_prev, ab, a, b):
    return ab_prev.sqrt() * b / (1 - ab)


def of_x(ab_prev, ab, a, b):
    return a.sqrt() * (1 - ab_prev) / (1 - ab)


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


def told_earlier(step=ddpm_step):
    return along(down, step, lambda x, t, T: torch.full((len(x),), t - 1))


def counting_from_0(model, x, schedule, generator):
    for i in reversed(range(schedule.T)):
        z = torch.randn(x.shape, generator=generator)
        x = step_of_the_package(x, model(x, torch.full((len(x),), i)), i + 1, i, schedule, z)
    return x


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


def whole_table(x_t, eps, t, t_prev, schedule, noise):
    return x_t - schedule.beta / (1 - schedule.alpha_bar).sqrt() * eps + noise


def mean_with_noise(x_t, eps, t, schedule):
    return posterior_mean(x_t, eps, t, schedule) + schedule.posterior_variance[t].sqrt() * torch.randn(x_t.shape)


def x_drawn_in_the_first_line(model, x, schedule, generator):
    for t in range(schedule.T, 0, -1):
        x = torch.randn(x.shape, generator=generator)
        eps = model(x, torch.full((len(x),), t))
        z = torch.randn(x.shape, generator=generator)
        x = ddpm_step(x, eps, t, t - 1, schedule, z)
    return x


def x_drawn_after_z(model, x, schedule, generator):
    for t in range(schedule.T, 0, -1):
        z = torch.randn(x.shape, generator=generator)
        x = torch.randn(x.shape, generator=generator)
        x = ddpm_step(x, model(x, torch.full((len(x),), t)), t, t - 1, schedule, z)
    return x


def x_overwritten_before_the_step(model, x, schedule, generator):
    for t in range(schedule.T, 0, -1):
        eps = model(x, torch.full((len(x),), t))
        x = torch.randn(x.shape, generator=generator)
        z = torch.randn(x.shape, generator=generator)
        x = ddpm_step(x, eps, t, t - 1, schedule, z)
    return x


def x_drawn_in_place_of_z(model, x, schedule, generator):
    for t in range(schedule.T, 0, -1):
        eps = model(x, torch.full((len(x),), t))
        x = torch.randn(x.shape, generator=generator)
        x = ddpm_step(x, eps, t, t - 1, schedule, x)
    return x


def x_drawn_at_the_end(model, x, schedule, generator):
    for t in range(schedule.T, 0, -1):
        z = torch.randn(x.shape, generator=generator)
        x = ddpm_step(x, model(x, torch.full((len(x),), t)), t, t - 1, schedule, z)
        x = torch.randn(x.shape, generator=generator)
    return x


def x_drawn_before_the_loop(model, x, schedule, generator):
    x = torch.randn(x.shape, generator=generator)
    for t in range(schedule.T, 0, -1):
        z = torch.randn(x.shape, generator=generator)
        x = ddpm_step(x, model(x, torch.full((len(x),), t)), t, t - 1, schedule, z)
    return x


def x_drawn_anew_from_elsewhere(model, x, schedule, generator):
    for t in range(schedule.T, 0, -1):
        x = torch.randn_like(x)
        z = torch.randn(x.shape, generator=generator)
        x = ddpm_step(x, model(x, torch.full((len(x),), t)), t, t - 1, schedule, z)
    return x


def same_z_of_full_size(model, x, schedule, generator):
    z = torch.randn(x.shape, generator=generator)
    return along(down, lambda x, eps, t, t_prev, schedule, _: ddpm_step(x, eps, t, t_prev, schedule, 0 * z) + z)(
        model, x, schedule, generator
    )


def beta_step(x, eps, t, t_prev, schedule, z):
    return step(sigma=but_not_at_the_end(lambda s, t: s.beta[t].sqrt()))(x, eps, t, t_prev, schedule, z)


def handed_out(model, x, schedule, generator):
    """As the cell of `mended_loop` holds it; the step is that of the student."""
    z = torch.randn(x.shape, generator=generator, dtype=x.dtype)
    for t in range(schedule.T, 1, -1):
        eps = model(x, torch.full((len(x),), t))
        x = ddpm_step(x, eps, t, t - 1, schedule, z)
    return x


def handed_out_with_the_step_of_the_package(model, x, schedule, generator):
    z, t = torch.randn(x.shape, generator=generator), schedule.T
    while t > 1:
        x = step_of_the_package(x, model(x, torch.full((len(x),), t)), t, t - 1, schedule, z)
        t -= 1
    return x


def noise_mended(model, x, schedule, generator):
    for t in range(schedule.T, 1, -1):
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype)
        eps = model(x, torch.full((len(x),), t))
        x = ddpm_step(x, eps, t, t - 1, schedule, z)
    return x


def end_mended(model, x, schedule, generator):
    z = torch.randn(x.shape, generator=generator, dtype=x.dtype)
    for t in range(schedule.T, 0, -1):
        eps = model(x, torch.full((len(x),), t))
        x = ddpm_step(x, eps, t, t - 1, schedule, z)
    return x


def noise_of_its_own(model, x, schedule, generator):
    for t in range(schedule.T, 0, -1):
        x = ddpm_step(x, model(x, torch.full((len(x),), t)), t, t - 1, schedule, torch.randn_like(x))
    return x


def drawn_in_advance(model, x, schedule, generator):
    noises = [torch.randn(x.shape, generator=generator, dtype=x.dtype) for _ in range(schedule.T)]
    for t, z in zip(range(schedule.T, 0, -1), noises, strict=True):
        x = ddpm_step(x, model(x, torch.full((len(x),), t)), t, t - 1, schedule, z)
    return x


OTHER_WAYS = [
    (check_posterior_mean, posterior_mean),
    (check_ddpm_step, ddpm_step),
    (check_sampling_loop, sampling_loop),
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
    (check_mended_loop, sampling_loop),
    (check_mended_loop, loop_of_the_package),
    (check_mended_loop, loop_without_a_last_draw),
    (check_mended_loop, loop_in_a_copy),
    (check_mended_loop, drawn_in_advance),
]

MISTAKES = [
    (
        check_sampling_loop,
        lambda model, x, schedule, _: sampling_loop(model, x, schedule, torch.Generator().manual_seed(0)),
        "the result at [",
    ),
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
        weights(lambda ab_prev, *tables: of_x0(tables[0], *tables), lambda ab_prev, *tables: of_x(tables[0], *tables)),
        "both weights have ᾱ_t",
    ),
    (
        check_posterior_mean,
        weights(lambda ab_prev, *tables: of_x0(tables[0], *tables), of_x),
        "the weight of x̂_0 has ᾱ_t where ᾱ_{t−1} belongs",
    ),
    (
        check_posterior_mean,
        weights(of_x0, lambda ab_prev, *tables: of_x(tables[0], *tables)),
        "the weight of x_t has ᾱ_t where ᾱ_{t−1} belongs",
    ),
    (check_posterior_mean, weights(of_x, of_x0), "the two weights have changed places"),
    (
        check_posterior_mean,
        weights(lambda ab_prev, ab, a, b: ab_prev * b / (1 - ab), of_x),
        "has ᾱ_{t−1} without its square root",
    ),
    (
        check_posterior_mean,
        weights(of_x0, lambda ab_prev, ab, a, b: a * (1 - ab_prev) / (1 - ab)),
        "has α_t without its square root",
    ),
    (
        check_posterior_mean,
        weights(
            lambda ab_prev, ab, a, b: ab_prev * b / (1 - ab), lambda ab_prev, ab, a, b: a * (1 - ab_prev) / (1 - ab)
        ),
        "both weights lack their square root",
    ),
    (
        check_posterior_mean,
        weights(lambda ab_prev, ab, a, b: (ab_prev * b).sqrt() / (1 - ab), of_x),
        "has √β_t; it takes β_t itself",
    ),
    (
        check_posterior_mean,
        weights(of_x0, lambda ab_prev, ab, a, b: ab.sqrt() * (1 - ab_prev) / (1 - ab)),
        "has ᾱ_t where α_t belongs",
    ),
    (
        check_posterior_mean,
        weights(lambda ab_prev, ab, a, b: ab_prev.sqrt() * b, lambda ab_prev, ab, a, b: a.sqrt() * (1 - ab_prev)),
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
    (check_ddpm_step, beta_step, "√β_t is exact for other data (section 5 compares the two); this exercise"),
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
        step(lambda x, e, a, b, ab, ab_prev: (x - b.sqrt() / (1 - ab).sqrt() * e) / a.sqrt()),
        "ε is scaled by √β_t / √(1 − ᾱ_t)",
    ),
    (
        check_ddpm_step,
        step(lambda x, e, a, b, ab, ab_prev: (x - b / (1 - ab) * e) / a.sqrt()),
        "ε is scaled by β_t / (1 − ᾱ_t)",
    ),
    (
        check_ddpm_step,
        step(lambda x, e, a, b, ab, ab_prev: (x - b / (1 - ab_prev).sqrt() * e) / a.sqrt()),
        "ε is scaled with ᾱ_{t−1}",
    ),
    (
        check_ddpm_step,
        lambda x, e, t, t_prev, s, z: ddpm_step(x, -e, t, t_prev, s, z),
        "ε is added; it should be taken away",
    ),
    (check_ddpm_step, step(lambda x, e, a, b, ab, ab_prev: x - b / (1 - ab).sqrt() * e), "the mean is not rescaled"),
    (
        check_ddpm_step,
        step(lambda x, e, a, b, ab, ab_prev: x - b / (1 - ab).sqrt() * e / a.sqrt()),
        "only ε is divided by √α_t",
    ),
    (
        check_ddpm_step,
        step(lambda x, e, a, b, ab, ab_prev: x / a.sqrt() - b / (1 - ab).sqrt() * e),
        "only x_t is divided by √α_t",
    ),
    (
        check_ddpm_step,
        step(lambda x, e, a, b, ab, ab_prev: (x - b / (1 - ab).sqrt() * e) / ab.sqrt()),
        "the mean is divided by √ᾱ_t",
    ),
    (
        check_ddpm_step,
        step(lambda x, e, a, b, ab, ab_prev: (x - b / (1 - ab).sqrt() * e) / a),
        "the mean is divided by α_t",
    ),
    (
        check_ddpm_step,
        step(lambda x, e, a, b, ab, ab_prev: (x - b / (1 - ab).sqrt() * e) * a.sqrt()),
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
    (check_ddpm_step, forgotten_end, "returns None"),
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
    (check_sampling_loop, told_earlier(), "the model is told t − 1. Tell it the time of the x_t that it gets, t.\n"),
    (check_sampling_loop, told_earlier(step_of_the_package), "the model is told t − 1. Tell it"),
    (check_sampling_loop, counting_from_0, "the model is told t − 1. Tell"),
    (check_sampling_loop, along(lambda T: range(T, -1, -1), step_of_the_package), "no step from 0, where the"),
    (check_sampling_loop, along(lambda T: range(T - 1, -1, -1), step_of_the_package), "no step from 0, where"),
    (check_sampling_loop, told_earlier(step(sigma=lambda s, t: 0)), "picture stands. And the model is told t, not"),
    (check_sampling_loop, along(down, time=lambda x, t, T: t / T), "one for each image, shape (5,), got 1.0"),
    (
        check_sampling_loop,
        along(down, time=lambda x, t, T: torch.full((len(x),), t / T)),
        "t as whole numbers, one for each image, shape (5,), got torch.float32",
    ),
    (check_sampling_loop, along(down, time=lambda x, t, T: t), "shape (5,), got 12"),
    (check_sampling_loop, all_of_them, "it returns a list, expected a tensor"),
    (check_sampling_loop, loop_in_place, "changes its arguments, which others still need"),
    (check_posterior_mean, mean_with_noise, "differ: the mean of a step holds no noise"),
    (check_posterior_mean, lambda x, e, t, s: posterior_mean(x, e, t + 1, s), "\n  The tables hold the times 0 … T"),
    (check_ddpm_step, whole_table, "\n  61 numbers are a whole table"),
    (
        check_ddpm_step,
        step(sigma=lambda s, t: s.beta[t]),
        "square root of the posterior variance. And noise is added at t = 1 too, to the finished picture.\n",
    ),
    (check_ddpm_step, step(sigma=lambda s, t: s.posterior_variance[t].sqrt() if t > 1 else 0.3), "at t = 1, noise is"),
    (check_sampling_loop, x_drawn_in_the_first_line, "x is drawn anew inside the loop"),
    (check_sampling_loop, x_drawn_after_z, "x is drawn anew inside the loop, so"),
    (check_sampling_loop, x_overwritten_before_the_step, "x is drawn anew inside the loop, so each"),
    (check_sampling_loop, x_drawn_in_place_of_z, "x is drawn anew inside the loop, so each step"),
    (check_sampling_loop, x_drawn_at_the_end, "x is drawn anew inside the loop, so each step begins"),
    (check_sampling_loop, x_drawn_before_the_loop, "x is drawn anew before the loop"),
    (check_sampling_loop, x_drawn_anew_from_elsewhere, "differ: draw all noise from the generator"),
    (check_sampling_loop, same_z_of_full_size, "sampling_loop: the result at ["),
    (check_sampling_loop, along(lambda T: range(T + 1, 0, -1)), "got 13…13\n  Pure noise is x_T"),
    (check_sampling_loop, lambda *given: sampling_loop(*given)[:2], "has shape (2, 3, 4, 4), expected (5, 3, 4, 4)"),
    (check_sampling_loop, lambda *given: sampling_loop(*given).half(), "the result is torch.float16"),
    (check_sampling_loop, lambda *given: sampling_loop(*given) / 0, "the result holds NaN or infinity"),
    (check_mended_loop, noise_mended, "it stops at t = 2. The last step, from 1 to 0, is missing"),
    (check_mended_loop, end_mended, "every step adds the same z. Draw a new one inside the loop"),
    (check_mended_loop, noise_of_its_own, "differ: draw all noise from the generator"),
    (check_mended_loop, along(lambda T: range(T - 1, 0, -1)), "it begins at T − 1"),
    (check_mended_loop, told_earlier(), "the model is told t − 1"),
    (check_mended_loop, along(lambda T: range(T, -1, -1)), "there is no step from 0"),
    (check_mended_loop, along(down, step(sigma=lambda s, t: 0)), "no noise is added"),
    (check_mended_loop, x_drawn_in_the_first_line, "x is drawn anew inside the loop"),
    (check_mended_loop, same_z_of_full_size, "mended_loop: the result at ["),
]


@pytest.mark.parametrize("seed", range(20))
def test_x_drawn_anew_is_told_from_other_noise(seed):
    for attempt in (x_drawn_in_the_first_line, x_drawn_after_z, x_overwritten_before_the_step, x_drawn_in_place_of_z):
        assert "x is drawn anew" in check_sampling_loop.verdict(attempt, seed)
    for attempt in (same_z, same_z_of_full_size, along(down, step(sigma=lambda s, t: 1)), along(down, beta_step)):
        assert "drawn anew" not in check_sampling_loop.verdict(attempt, seed)


@pytest.mark.parametrize(("check", "attempt"), OTHER_WAYS)
def test_other_ways_to_write_it_pass_too(check, attempt):
    assert {check.verdict(attempt, seed) for seed in range(5)} == {f"✓ {check.name} is right."}


@pytest.mark.parametrize(("check", "attempt", "message"), MISTAKES, ids=[message for *_, message in MISTAKES])
def test_a_mistake_is_called_by_its_name(check, attempt, message):
    verdict = check.verdict(attempt) + "\n"  # so that a message can say where it ends
    assert verdict.startswith("✗")
    assert message in verdict


@pytest.mark.parametrize("attempt", [handed_out, handed_out_with_the_step_of_the_package])
def test_code_that_still_does_what_was_handed_out_is_not_attempted(attempt):
    assert {check_mended_loop.verdict(attempt, seed) for seed in range(5)} == {
        "○ mended_loop: not attempted yet. It still does what the code that was handed out does: find "
        "what is wrong, and go on when you like."
    }
