"""Independent cases for the exercises of notebook 07: KL, a term of the bound, the best variance, and three slips."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from course_utils import MixtureDenoiser, linear_schedule, load_pretrained, load_sprites
from course_utils.diffusion.likelihood import (
    bits_per_dimension,
    bound_terms,
    log_density,
    log_probability_of_level,
    step_term,
    x0_errors,
)
from course_utils.diffusion.posterior import best_variance, between, fixed_large, jump
from course_utils.exercises.ch07_likelihood import (
    check_best_variance,
    check_bound_term,
    check_gaussian_kl,
    check_slips,
    three_bounds,
)


def gaussian_kl(mean, variance, other_mean, other_variance):
    """As students write it: it asks nothing about its input."""
    ratio = variance / other_variance
    return 0.5 * ((mean - other_mean) ** 2 / other_variance + ratio - 1 - ratio.log())


def kl_of_torch(mean, variance, other_mean, other_variance):
    return kl_divergence(Normal(mean, variance.sqrt()), Normal(other_mean, other_variance.sqrt()))


def kl_of_stds(mean, variance, other_mean, other_variance):
    std, other_std = variance.sqrt(), other_variance.sqrt()
    return torch.log(other_std / std) + (variance + (mean - other_mean) ** 2) / (2 * other_variance) - 0.5


def kl_of_logs(mean, variance, other_mean, other_variance):
    log, other_log = variance.log(), other_variance.log()
    return 0.5 * (-1 + other_log - log + (log - other_log).exp() + (mean - other_mean) ** 2 * (-other_log).exp())


def kl_in_double(*pair):
    return kl_of_stds(*(x.double() for x in pair)).float()


def kl_in_bits(*pair):
    return gaussian_kl(*pair) / math.log(2)


def kl_as_written_by_hand(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    return ((mean - other_mean) ** 2 / other_variance) / 2 + ratio - 1 - torch.log(ratio)


class Jump:
    """The numbers of a step, looked up and computed once more."""

    def __init__(self, schedule, t, t_prev):
        self.ab, self.ab_prev = schedule.alpha_bar[t], schedule.alpha_bar[t_prev]
        self.beta = 1 - self.ab / self.ab_prev
        self.tilde = (1 - self.ab_prev) / (1 - self.ab) * self.beta
        self.of_x0 = self.ab_prev.sqrt() * self.beta / (1 - self.ab)
        self.of_x_t = (self.ab / self.ab_prev).sqrt() * (1 - self.ab_prev) / (1 - self.ab)


def terms(
    of_x0=lambda k: k.of_x0,
    of_x_t=lambda k: k.of_x_t,
    posterior=lambda k, sigma2: k.tilde,
    model=lambda k, sigma2: sigma2,
    kl=gaussian_kl,
    times=lambda t, t_prev: (t, t_prev),
):
    """A bound_term with both means, in which some parts are others."""

    def bound_term(x0, x0_hat, x_t, sigma2, t, t_prev, schedule):
        k = Jump(schedule, *times(t, t_prev))
        mean, model_mean = (of_x0(k) * x + of_x_t(k) * x_t for x in (x0, x0_hat))
        return kl(mean, posterior(k, sigma2), model_mean, model(k, sigma2))

    return bound_term


def term_without_x_t(x0, x0_hat, x_t, sigma2, t, t_prev, schedule):
    k = Jump(schedule, t, t_prev)
    ratio = k.tilde / sigma2
    return k.of_x0**2 * (x0 - x0_hat) ** 2 / (2 * sigma2) + (ratio - 1 - ratio.log()) / 2


def term_of_noises(x0, x0_hat, x_t, sigma2, t, t_prev, schedule):
    k = Jump(schedule, t, t_prev)
    error = schedule.predict_eps(x_t, t, x0) - schedule.predict_eps(x_t, t, x0_hat)
    ratio = k.tilde / sigma2
    weight = k.beta**2 / (2 * sigma2 * (1 - k.beta) * (1 - k.ab))
    return weight * error**2 + (ratio - 1 - ratio.log()) / 2


def term_of_the_package(x0, x0_hat, x_t, sigma2, t, t_prev, schedule):
    return step_term(x0, x_t, schedule.predict_eps(x_t, t, x0_hat), sigma2, t, t_prev, schedule)


def term_at_single_precision(x0, x0_hat, x_t, sigma2, t, t_prev, schedule):
    ab, ab_prev = schedule.alpha_bar.float()[[t, t_prev]]
    beta = 1 - ab / ab_prev
    weight = ab_prev.sqrt() * beta / (1 - ab)
    return gaussian_kl(weight * x0, (1 - ab_prev) / (1 - ab) * beta, weight * x0_hat, sigma2)


def term_of_floats(x0, x0_hat, x_t, sigma2, t, t_prev, schedule):
    ab, ab_prev = float(schedule.alpha_bar[t]), float(schedule.alpha_bar[t_prev])
    beta = 1 - ab / ab_prev
    mean = math.sqrt(ab_prev) * beta / (1 - ab) * x0
    model_mean = math.sqrt(ab_prev) * beta / (1 - ab) * x0_hat
    return kl_of_stds(mean, torch.tensor((1 - ab_prev) / (1 - ab) * beta), model_mean, sigma2)


def term_with_the_schedule(x0, x0_hat, x_t, sigma2, t, t_prev, schedule):
    ab, ab_prev = (schedule.at(schedule.alpha_bar, time, x0) for time in (t, t_prev))
    beta = 1 - ab / ab_prev
    mean, model_mean = (
        ab_prev.sqrt() * beta / (1 - ab) * x + (1 - beta).sqrt() * (1 - ab_prev) / (1 - ab) * x_t for x in (x0, x0_hat)
    )
    return gaussian_kl(mean, (1 - ab_prev) / (1 - ab) * beta, model_mean, sigma2)


def one_mean_without_x_t(x0, x0_hat, x_t, sigma2, t, t_prev, schedule):
    k = Jump(schedule, t, t_prev)
    return gaussian_kl(k.of_x0 * x0, k.tilde, k.of_x0 * x0_hat + k.of_x_t * x_t, sigma2)


def unequal_means(x0, x0_hat, x_t, sigma2, t, t_prev, schedule):
    k = Jump(schedule, t, t_prev)
    return gaussian_kl(k.of_x0 * x0 + k.of_x_t * x_t, k.tilde, k.of_x0 * x0_hat + (1 - k.beta).sqrt() * x_t, sigma2)


def term_in_place(x0, x0_hat, x_t, sigma2, t, t_prev, schedule):
    return terms()(x0.clone(), x0_hat.sub_(x0).add_(x0), x_t.mul_(2), sigma2, t, t_prev, schedule)


def variance(
    u=lambda k, error: error / (1 - k.ab),
    mix=lambda k, u: k.tilde + u * (k.beta - k.tilde),
    times=lambda t, t_prev: (t, t_prev),
):
    """A best_variance with another u, or another way between the two."""

    def best_variance(x0_error, t, t_prev, schedule):
        k = Jump(schedule, *times(t, t_prev))
        return mix(k, u(k, x0_error))

    return best_variance


def variance_of_floats(x0_error, t, t_prev, schedule):
    ab, ab_prev = schedule.alpha_bar[[t, t_prev]].tolist()
    beta = 1 - ab / ab_prev
    tilde = (1 - ab_prev) / (1 - ab) * beta
    return tilde + x0_error / (1 - ab) * (beta - tilde)


def variance_of_the_mean(x0_error, t, t_prev, schedule):
    k = Jump(schedule, t, t_prev)
    return k.tilde + k.of_x0**2 * x0_error


def variance_at_single_precision(x0_error, t, t_prev, schedule):
    ab, ab_prev = schedule.alpha_bar.float()[[t, t_prev]]
    beta = 1 - ab / ab_prev
    tilde = (1 - ab_prev) / (1 - ab) * beta
    return torch.lerp(tilde, beta, x0_error / (1 - ab))


def variance_of_the_package(x0_error, t, t_prev, schedule):
    u = torch.tensor([x0_error], dtype=torch.float64) / (1 - schedule.alpha_bar[t])
    return between(u, t, t_prev, schedule)


def variance_by_a_mixture_of_steps(x0_error, t, t_prev, schedule):
    k = Jump(schedule, t, t_prev)
    return (1 - (u := x0_error / (1 - k.ab))) * k.tilde + u * k.beta


def logs_of_floats(x0_error, t, t_prev, schedule):
    k = Jump(schedule, t, t_prev)
    u = x0_error / float(1 - k.ab)
    return math.exp(u * math.log(k.beta) + (1 - u) * math.log(k.tilde))


def divided_by_what_may_be_zero(x0_error, t, t_prev, schedule):
    k = Jump(schedule, t, t_prev)
    return float(k.tilde) + x0_error / float(1 - k.ab_prev) * float(k.beta - k.tilde)


def returning(**slips):
    return lambda: slips


OTHER_WAYS = [
    (check_gaussian_kl, gaussian_kl),
    (check_gaussian_kl, kl_of_torch),
    (check_gaussian_kl, kl_of_stds),
    (check_gaussian_kl, kl_of_logs),
    (check_gaussian_kl, kl_in_double),
    (check_bound_term, terms()),
    (check_bound_term, terms(of_x_t=lambda k: 0)),  # it cancels, so it cannot be wrong in both
    (check_bound_term, terms(of_x_t=lambda k: 1)),
    (
        check_bound_term,
        terms(kl=kl_of_torch, model=lambda k, sigma2: sigma2.float(), posterior=lambda k, _: k.tilde.float()),
    ),
    (check_bound_term, term_without_x_t),
    (check_bound_term, term_of_noises),
    (check_bound_term, term_of_the_package),
    (check_bound_term, term_at_single_precision),
    (check_bound_term, term_of_floats),
    (check_bound_term, term_with_the_schedule),
    (check_best_variance, variance()),
    (check_best_variance, variance_of_floats),
    (check_best_variance, variance_of_the_mean),
    (check_best_variance, variance_at_single_precision),
    (check_best_variance, variance_of_the_package),
    (check_best_variance, variance_by_a_mixture_of_steps),
    (check_slips, returning(C="one term", A="density", B="nats")),
]

MISTAKES = [
    (check_gaussian_kl, lambda m, v, n, w: gaussian_kl(n, w, m, v), "the two Gaussians have changed places"),
    (check_gaussian_kl, lambda *pair: 2 * gaussian_kl(*pair), "the half is missing"),
    (check_gaussian_kl, kl_as_written_by_hand, "only the part of the means is halved"),
    (
        check_gaussian_kl,
        lambda m, v, n, w: (m - n) ** 2 / w + v / w - 1 - torch.log(v / w) / 2,
        "only the logarithm is halved",
    ),
    (
        check_gaussian_kl,
        lambda m, v, n, w: ((m - n) ** 2 + v) / (2 * w) - 0.5 - (v / w).log(),
        "the logarithm is not halved",
    ),
    (check_gaussian_kl, lambda *pair: gaussian_kl(*pair) + 0.5, "− 1 is missing"),
    (check_gaussian_kl, lambda *pair: gaussian_kl(*pair) - 0.5, "1 is taken away after the halving"),
    (check_gaussian_kl, lambda *pair: gaussian_kl(*pair) + 1, "1 is added where it should be taken away"),
    (
        check_gaussian_kl,
        lambda m, v, n, w: gaussian_kl(m, v, n, w) + (v / w).log(),
        "the logarithm has the wrong sign, or its fraction is upside down",
    ),
    (check_gaussian_kl, lambda m, v, n, w: gaussian_kl(m, v, n, w) + (v / w).log() / 2, "the logarithm is missing"),
    (
        check_gaussian_kl,
        lambda m, v, n, w: ((m - n) ** 2 / w + v / w - 1 - torch.log2(v / w)) / 2,
        "the logarithm is that to base 2",
    ),
    (
        check_gaussian_kl,
        lambda m, v, n, w: gaussian_kl(m, v, n, w) + (w / v - v / w) / 2,
        "the fraction outside the logarithm is upside down",
    ),
    (
        check_gaussian_kl,
        lambda m, v, n, w: ((m - n) ** 2 / w + w / v - 1 - torch.log(w / v)) / 2,
        "both fractions of the variances are upside down",
    ),
    (
        check_gaussian_kl,
        lambda m, v, n, w: kl_divergence(Normal(m, v), Normal(n, w)),
        "as if they were standard deviations",
    ),
    (
        check_gaussian_kl,
        lambda m, v, n, w: gaussian_kl(m, v.sqrt(), n, w.sqrt()),
        "the roots of the variances are taken",
    ),
    (
        check_gaussian_kl,
        lambda m, v, n, w: ((m - n).abs() / w + v / w - 1 - (v / w).log()) / 2,
        "this is its absolute value",
    ),
    (
        check_gaussian_kl,
        lambda m, v, n, w: ((m - n) / w + v / w - 1 - (v / w).log()) / 2,
        "the difference of the means is not squared.",
    ),
    (
        check_gaussian_kl,
        lambda m, v, n, w: ((m - n) ** 2 / v + v / w - 1 - (v / w).log()) / 2,
        "the means are divided by the variance of the first",
    ),
    (
        check_gaussian_kl,
        lambda m, v, n, w: ((m - n) ** 2 + v / w - 1 - (v / w).log()) / 2,
        "the means are not divided by v_2",
    ),
    (check_gaussian_kl, lambda m, v, n, w: (m - n) ** 2 / w / 2, "only the means come in"),
    (check_gaussian_kl, lambda m, v, n, w: gaussian_kl(0 * m, v, 0 * n, w), "the means do not come in"),
    (check_gaussian_kl, kl_in_bits, "these are bits"),
    (check_gaussian_kl, lambda *pair: gaussian_kl(*pair).sum(), "all numbers are added up"),
    (check_gaussian_kl, lambda *pair: gaussian_kl(*pair).mean(), "this is the mean of all numbers"),
    (check_gaussian_kl, lambda *pair: gaussian_kl(*pair).sum((1, 2, 3)), "the numbers of each image are added up"),
    (check_gaussian_kl, lambda *pair: gaussian_kl(*pair).mean((1, 2, 3)), "this is the mean of the numbers of each"),
    (check_gaussian_kl, lambda *pair: -gaussian_kl(*pair), "No KL is negative"),
    (
        check_gaussian_kl,
        lambda m, v, n, w: -Normal(n, w.sqrt()).log_prob(m) + v / w / 2,
        "this is the cross-entropy",
    ),
    (check_gaussian_kl, lambda m, v, n, w: gaussian_kl(m, v, n, w) + 0.1 * v / w, "the result is 0.5000 (μ_1 − μ_2)²"),
    (check_gaussian_kl, lambda m, v, n, w: (m - n) ** 4, "the result at ["),
    (check_gaussian_kl, lambda m, v, n, w: math.log(v / w), "The functions of math take one number"),
    (check_gaussian_kl, lambda m, v, n, w: gaussian_kl(m, v, n, w).tolist(), "returns a list, expected a tensor"),
    (check_gaussian_kl, lambda m, v, n, w: gaussian_kl(m, v.double(), n, w), "the result is torch.float64"),
    (check_gaussian_kl, lambda m, v, n, w: gaussian_kl(m.sub_(n), v, 0 * n, w), "it changes its arguments"),
    (
        check_bound_term,
        terms(of_x0=lambda k: k.ab.sqrt() * k.beta / (1 - k.ab)),
        "the weight of x_0 has ᾱ_t where ᾱ_{t'} belongs",
    ),
    (
        check_bound_term,
        terms(of_x0=lambda k: k.ab_prev * k.beta / (1 - k.ab)),
        "the weight of x_0 has ᾱ_{t'} without its root",
    ),
    (check_bound_term, terms(of_x0=lambda k: k.beta / (1 - k.ab)), "the weight of x_0 has no √ᾱ_{t'}"),
    (
        check_bound_term,
        terms(of_x0=lambda k: k.ab_prev.sqrt() * k.beta / (1 - k.ab_prev)),
        "the weight of x_0 is divided by 1 − ᾱ_{t'}",
    ),
    (
        check_bound_term,
        terms(of_x0=lambda k: k.ab_prev.sqrt() * k.beta),
        "the weight of x_0 is not divided by 1 − ᾱ_t",
    ),
    (check_bound_term, terms(lambda k: k.of_x_t, lambda k: k.of_x0), "x_0 and x̂_0 have the weight of x_t"),
    (check_bound_term, terms(of_x0=lambda k: 1), "x_0 and x̂_0 are compared as they are"),
    (check_bound_term, terms(posterior=lambda k, _: k.beta), "the posterior has the variance β"),
    (
        check_bound_term,
        terms(posterior=lambda k, _: (1 - k.ab) / (1 - k.ab_prev) * k.beta),
        "the fraction in β̃ is upside down",
    ),
    (check_bound_term, terms(posterior=lambda k, _: k.tilde.sqrt()), "the root of β̃ is taken"),
    (check_bound_term, terms(posterior=lambda k, _: k.tilde**2), "β̃ is squared"),
    (
        check_bound_term,
        lambda x0, x0_hat, x_t, sigma2, t, t_prev, s: gaussian_kl(
            (k := Jump(s, t, t_prev)).of_x0 * x0, s.posterior_variance[t], k.of_x0 * x0_hat, sigma2
        ),
        "β̃ is that of a single step",
    ),
    (
        check_bound_term,
        lambda x0, x0_hat, x_t, sigma2, t, t_prev, s: gaussian_kl(
            (k := Jump(s, t, t_prev)).ab_prev.sqrt() * s.beta[t] / (1 - k.ab) * x0,
            (1 - k.ab_prev) / (1 - k.ab) * s.beta[t],
            k.ab_prev.sqrt() * s.beta[t] / (1 - k.ab) * x0_hat,
            sigma2,
        ),
        "the weight of x_0 and β̃ have β_t, of a single step",
    ),
    (
        check_bound_term,
        terms(posterior=lambda k, sigma2: sigma2, model=lambda k, _: k.tilde),
        "the two Gaussians have changed places",
    ),
    (check_bound_term, terms(model=lambda k, _: k.tilde), "σ² does not come in: β̃ stands for"),
    (check_bound_term, terms(model=lambda k, _: k.beta), "σ² does not come in: β stands for"),
    (check_bound_term, terms(model=lambda k, sigma2: sigma2**2), "σ² is squared"),
    (check_bound_term, terms(model=lambda k, sigma2: sigma2.sqrt()), "the root of σ² is taken"),
    (check_bound_term, terms(times=lambda t, t_prev: (t, t - 1)), "this goes to t − 1 only"),
    (check_bound_term, terms(times=lambda t, t_prev: (t - 1, t_prev - 1)), "looks up every table one place too early"),
    (check_bound_term, terms(times=lambda t, t_prev: (t_prev, t)), "Or t and t_prev have changed places"),
    (check_bound_term, terms(times=lambda t, t_prev: (t + 1, t_prev + 1)), "looks up every table one place too late"),
    (check_bound_term, one_mean_without_x_t, "x_t is missing in one of the two means"),
    (check_bound_term, unequal_means, "x_t does not cancel"),
    (
        check_bound_term,
        lambda x0, x0_hat, x_t, sigma2, t, t_prev, s: gaussian_kl(
            Jump(s, t, t_prev).of_x0 * x0 + Jump(s, t, t_prev).of_x_t * x_t, Jump(s, t, t_prev).tilde, x0_hat, sigma2
        ),
        "the mean of the model's step is x̂_0 itself",
    ),
    (
        check_bound_term,
        lambda x0, x0_hat, x_t, sigma2, t, t_prev, s: terms()(
            x0, s.predict_x0(x_t, t, x0_hat), x_t, sigma2, t, t_prev, s
        ),
        "x̂_0 is taken for a noise",
    ),
    (
        check_bound_term,
        lambda x0, x0_hat, x_t, sigma2, t, t_prev, s: Jump(s, t, t_prev).of_x0 ** 2 * (x0 - x0_hat) ** 2 / (2 * sigma2),
        "only the means come in",
    ),
    (check_bound_term, terms(kl=kl_as_written_by_hand), "only the part of the means is halved"),
    (check_bound_term, terms(kl=kl_in_bits), "these are bits"),
    (check_bound_term, terms(kl=lambda *pair: gaussian_kl(*pair).sum()), "all numbers are added up"),
    (
        check_bound_term,
        terms(of_x0=lambda k: 1.3 * k.of_x0, posterior=lambda k, _: 1.1 * k.tilde),
        "from t = 40 to t_prev = 20, the result is 0.3994 (x_0 − x̂_0)² / σ²",
    ),
    (check_bound_term, lambda x0, *_: x0**2, "from t = 40 to t_prev = 20, the result at ["),
    (check_bound_term, term_in_place, "it changes its arguments"),
    (
        check_bound_term,
        lambda x0, x0_hat, x_t, *rest: terms()(x0, x0_hat, x_t, *rest) + torch.randn_like(x_t),
        "two calls with the same arguments differ",
    ),
    (check_best_variance, variance(u=lambda k, _: 0), "this is β̃ alone"),
    (check_best_variance, variance(u=lambda k, _: 1), "this is β alone"),
    (check_best_variance, variance(mix=lambda k, u: k.beta + u * (k.tilde - k.beta)), "β̃ and β have changed places"),
    (check_best_variance, variance(u=lambda k, error: error), "u is not divided by 1 − ᾱ_t"),
    (check_best_variance, variance(u=lambda k, error: error / k.ab), "u is divided by ᾱ_t"),
    (check_best_variance, variance(u=lambda k, error: error * k.ab / (1 - k.ab)), "u is the error of ε"),
    (check_best_variance, variance(u=lambda k, error: error / (1 - k.ab).sqrt()), "u is divided by √(1 − ᾱ_t)"),
    (check_best_variance, variance(u=lambda k, error: error / (1 - k.ab_prev)), "u is divided by 1 − ᾱ_{t'}"),
    (check_best_variance, variance(u=lambda k, error: min(1, error / (1 - k.ab))), "u is held below 1"),
    (check_best_variance, divided_by_what_may_be_zero, "u is divided by 1 − ᾱ_{t'}. It takes"),
    (
        check_best_variance,
        variance(mix=lambda k, u: k.beta**u * k.tilde ** (1 - u)),
        "the logarithms are interpolated",
    ),
    (check_best_variance, logs_of_floats, "the logarithms are interpolated"),
    (check_best_variance, variance(mix=lambda k, u: (k.tilde + u * (k.beta - k.tilde)) ** 0.5), "this is σ."),
    (
        check_best_variance,
        variance(mix=lambda k, u: ((1 - u) * k.tilde.sqrt() + u * k.beta.sqrt()) ** 2),
        "the standard deviations are interpolated",
    ),
    (check_best_variance, lambda e, t, t_prev, s: variance()(e, t, t - 1, s), "β̃ and β are those of a single step"),
    (
        check_best_variance,
        lambda e, t, t_prev, s: (k := Jump(s, t, t_prev)).tilde + e / (1 - k.ab) * (s.beta[t] - k.tilde),
        "β is that of a single step",
    ),
    (
        check_best_variance,
        lambda e, t, t_prev, s: (
            (k := Jump(s, t, t_prev)) and s.posterior_variance[t] + e / (1 - k.ab) * (k.beta - s.posterior_variance[t])
        ),
        "β̃ is that of a single step",
    ),
    (
        check_best_variance,
        lambda e, t, t_prev, s: (k := Jump(s, t, t_prev)).tilde + k.of_x0 * e,
        "the error is added with a weight that is not squared",
    ),
    (
        check_best_variance,
        lambda e, t, t_prev, s: (k := Jump(s, t, t_prev)).tilde + k.ab * (k.beta / (1 - k.ab)) ** 2 * e,
        "the weight of x̂_0 has ᾱ_t where ᾱ_{t'} belongs",
    ),
    (check_best_variance, lambda e, t, t_prev, s: Jump(s, t, t_prev).tilde + e, "x0_error is added as it is"),
    (check_best_variance, variance(times=lambda t, t_prev: (t - 1, t_prev - 1)), "one place too early"),
    (check_best_variance, variance(times=lambda t, t_prev: (t_prev, t)), "t and t_prev have changed places"),
    (check_best_variance, lambda e, t, t_prev, s: (e / (1 - s.alpha_bar[t])).sqrt() + e.sqrt(), "plain number"),
    (
        check_best_variance,
        variance(u=lambda k, error: 0.9 * error / (1 - k.ab)),
        "from t = 40 to t_prev = 20, the result is 0.752, which is β̃ + 0.27 (β − β̃), expected 0.761",
    ),
    (check_best_variance, lambda e, t, t_prev, s: s.beta, "of shape (61,), expected a single number"),
    (check_best_variance, lambda e, t, t_prev, s: torch.tensor(1j), "returns a Tensor, expected a single number"),
    (check_best_variance, lambda e, t, t_prev, s: "0.1", "returns a str, expected a single number"),
    (check_best_variance, lambda e, t, t_prev, s: math.nan, "NaN or infinity"),
    (check_slips, returning(A="nats", B="density", C="one term"), "A does not have the slip 'nats'"),
    (check_slips, returning(A="density", B="per pixel", C="one term"), "three times the right one"),
    (check_slips, returning(A="density", B="nats", C="no last step"), "which slip leaves something to chance?"),
    (check_slips, returning(A="density", B="mean", C=...), "B does not have the slip 'mean'"),
    (check_slips, returning(A="density", B="nats", C=...), "so far it is right. C still to be named"),
    (check_slips, returning(A="a density", B="nats", C="one term"), "A has 'a density', which is none of the slips"),
    (check_slips, returning(A=["density"], B="nats", C="one term"), "none of the slips"),
    (check_slips, returning(A="density"), "the keys of the dictionary are A; expected A, B and C"),
    (check_slips, dict, "the keys of the dictionary are none"),
    (check_slips, lambda: "density", "returns a str, expected a dictionary"),
]


@pytest.mark.parametrize(("check", "attempt"), OTHER_WAYS)
def test_other_ways_to_write_it_pass_too(check, attempt):
    assert {check.verdict(attempt, seed) for seed in range(5)} == {f"✓ {check.name} is right."}


@pytest.mark.parametrize(("check", "attempt", "message"), MISTAKES, ids=[message for *_, message in MISTAKES])
def test_a_mistake_is_called_by_its_name(check, attempt, message):
    verdict = check.verdict(attempt)
    assert verdict.startswith("✗")
    assert message in verdict


def test_a_dictionary_of_dots_is_not_attempted():
    assert check_slips.verdict(returning(A=..., B=..., C=...)).startswith("○ slips: not attempted yet")


def test_the_stand_ins_do_what_the_package_does():
    schedule = linear_schedule(20)
    x0, x0_hat, x_t = torch.randn((3, 5, 1, 2, 3), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    table = torch.linspace(0, 0.4, 21, dtype=torch.float64)
    for t, t_prev in ((20, 19), (20, 5), (7, 1)):
        sigma2 = best_variance(table)(x_t, x_t, t, t_prev, schedule)
        found = check_best_variance.right(table[t], t, t_prev, schedule)
        torch.testing.assert_close(found, sigma2.flatten()[0])
        term = step_term(x0, x_t, schedule.predict_eps(x_t, t, x0_hat), sigma2, t, t_prev, schedule)
        torch.testing.assert_close(check_bound_term.right(x0, x0_hat, x_t, sigma2, t, t_prev, schedule), term)
    assert jump(7, 0, schedule, x0).variance.max() == 0
    torch.testing.assert_close(check_best_variance.right(0.3, 7, 0, schedule), torch.tensor(0.3).double())


LEVELS = torch.randint(20, 236, (12, 3, 4, 4), generator=torch.Generator().manual_seed(5)).double() / 127.5 - 1
SCHEDULE = linear_schedule(40)
CHAIN = {
    "model": MixtureDenoiser(LEVELS, SCHEDULE, std=0.2),
    "x0": LEVELS[:8],
    "times": SCHEDULE.timesteps(5),
    "schedule": SCHEDULE,
    "variance": fixed_large,
}


def fresh(seed):
    return torch.Generator().manual_seed(seed)


def said(seed=0):
    return three_bounds(**CHAIN, generator=fresh(seed))


def truth(decoder=log_probability_of_level):
    nats = bound_terms(**CHAIN, decoder=decoder, generator=fresh(0))
    return bits_per_dimension(nats, LEVELS)


def test_each_of_the_three_programs_has_the_slip_that_the_check_asks_for():
    numbers, bits = said(), truth()
    assert set(numbers) == {"A", "B", "C"}
    assert check_slips.verdict(returning(A="density", B="nats", C="one term")).startswith("✓")
    torch.testing.assert_close(numbers["A"], truth(log_density).sum(0))
    torch.testing.assert_close(numbers["B"], bits.sum(0) * 0.6931471805599453)
    assert ((numbers["C"] - bits[1:]).abs().amin(0) < 1e-12).all()


def test_what_the_check_says_of_their_numbers_can_be_seen():
    numbers, right = said(), truth().sum(0)
    offset = (right - numbers["A"]) / math.log2(127.5)
    assert (offset > 0.98).all()  # a density is a probability per length, and a level of these is 2 / 255 long
    assert (offset < 1.02).all()
    shares = {name: (numbers[name] / right) for name in "BC"}
    assert shares["B"].std() < 1e-6 < 0.01 < shares["C"].std()
    assert torch.equal(numbers["C"], said()["C"])
    draws = torch.stack([said(seed)["C"] for seed in range(30)])
    assert draws.std(0).min() > 0.01
    torch.testing.assert_close(draws.mean(), right.mean() / 5, rtol=0.25, atol=0)  # the mean of the terms but L_T


def test_numbers_at_the_ends_of_the_range_lose_less_than_seven_bits():
    """Their levels reach to infinity, and so they hold half of a Gaussian around them."""
    ends = LEVELS.sign()
    chain = CHAIN | {"model": MixtureDenoiser(ends, SCHEDULE, std=0.05), "x0": ends[:8]}
    nats = bound_terms(**chain, generator=fresh(0)).sum(0)
    numbers = three_bounds(**chain, generator=fresh(0))
    below = bits_per_dimension(nats, ends) - numbers["A"]
    assert (below < 1).all()
    assert (below > 0).all()


def test_on_sprites_their_numbers_are_as_the_check_says():
    """With the network and the chain of the notebook: negative, 0.69 of the right one, and left to chance."""
    model, schedule = load_pretrained("sprites")
    x0, times = load_sprites(split="test")[0][:8], schedule.timesteps(5)
    errors = x0_errors(model, load_sprites()[0][:64], times, schedule, generator=fresh(0))
    chain = model, x0, times, schedule, best_variance(errors)
    nats = bound_terms(*chain, generator=fresh(3))
    right, *draws = bits_per_dimension(nats.sum(0), x0), *(three_bounds(*chain, fresh(seed)) for seed in (3, 4))
    assert draws[0]["A"].max() < 0
    torch.testing.assert_close(draws[0]["B"] / right, torch.full((8,), 0.6931472))
    shares = torch.stack([numbers["C"] / right for numbers in draws])
    assert shares.min() > 0
    assert shares.std(1).min() > 0.01
    assert (shares[0] - shares[1]).abs().max() > 0.01


def test_without_a_generator_the_programs_draw_from_that_of_torch():
    torch.manual_seed(3)
    first = three_bounds(**CHAIN)
    torch.manual_seed(3)
    assert all(torch.equal(first[name], again) for name, again in three_bounds(**CHAIN).items())


@pytest.mark.parametrize(
    ("name", "bad"),
    [("x0", None), ("x0", LEVELS * math.nan), ("times", [40, 20]), ("times", [20, 0]), ("generator", 3)],
)
def test_the_programs_refuse_what_the_bound_refuses(name, bad):
    with pytest.raises(ValueError, match=name):
        three_bounds(**CHAIN | {"generator": None, name: bad})
