"""The checks of notebook 02: the mean of a step back, the step of DDPM, and the loop around it.

Right answers and classic mistakes only; how a verdict is reached from them stands in `verdict.py`, and the sampler that
the rest of the course uses in `samplers.py`.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from ..diffusion.models import Model
from ..diffusion.oracles import GaussianDenoiser
from ..diffusion.samplers import ddpm_step
from ..diffusion.schedules import NoiseSchedule, linear_schedule
from .old_verdict import Case, Diagnosis, amounts_of, check, compare_amounts

TIMES = (60, 20, 2, 1)
"""Where steps are tried: at T, in the middle, and at the last two, where indices and noise go wrong."""


SHIFTED = "this looks up every table at t − 1. They begin with the clean image at index 0, so time t is index t."


def check_posterior_mean(posterior_mean: Callable[[Tensor, Tensor, int, NoiseSchedule], Tensor]) -> None:
    """Check `posterior_mean(x_t, eps, t, schedule)`: the mean of x_{t−1}, given x_t and the x̂_0 that ε implies."""
    check("posterior_mean", posterior_mean, *map(_posterior_mean_at, TIMES))


def check_ddpm_step(ddpm_step: Callable[[Tensor, Tensor, int, int, NoiseSchedule, Tensor], Tensor]) -> None:
    """Check `ddpm_step(x_t, eps, t, t_prev, schedule, noise)`: from x_t to x_{t−1}, with the posterior variance."""
    check("ddpm_step", ddpm_step, *map(_ddpm_step_at, TIMES))


def check_sampling_loop(sampling_loop: Callable[[Model, Tensor, NoiseSchedule, torch.Generator], Tensor]) -> None:
    """Check `sampling_loop(model, x, schedule, generator)`: from pure noise x to a sample, one step for each time."""
    schedule = linear_schedule(12, 0.02, 0.4, stated_for=12)
    model, T = _strict_model(schedule), schedule.T
    x, z = torch.randn((2, 5, 3, 4, 4), generator=torch.Generator().manual_seed(1))
    first = torch.randn(x.shape, generator=_fresh_generator())
    down = range(T, 0, -1)

    def walk(times: Iterable[int], **how: Any) -> Tensor:
        return _walk(model, x, schedule, times, **how)

    upwards = "it counts up, from 1 to T. Pure noise is x_T, so the loop begins at T and counts down"
    mistakes = {
        f"{upwards}.": walk(range(1, T + 1)),
        f"{upwards} to 1.": walk(range(1, T + 1), draw_last=False),
        "it begins at T − 1. Our tables begin with the clean image at index 0, so the times are T, T − 1, …, 1.": (
            walk(range(T - 1, 0, -1))
        ),
        "it stops at t = 2. The last step, from 1 to 0, is missing: range(T, 0, -1) ends with 1.": (
            walk(range(T, 1, -1))
        ),
        "every step adds the same z. Draw a new one inside the loop.": walk(down, noise=first),
        "no noise is added. Draw a z for each step from the generator.": walk(down, noise=0 * z),
        "the model is asked only once, before the loop. Ask it again at every step, about the new x.": (
            walk(down, eps=model(x, torch.full((len(x),), T), None))
        ),
        "every step begins at x_T again, and only the last one counts: put the result of a step back into x.": (
            walk([1])
        ),
        "it returns after the first step: `return` belongs behind the loop, not into it.": walk([T]),
        "it returns the noise it began with: put the result of a step back into x.": x,
        "the loop is right, but the steps add √β_t z; those of exercise 2 add √β̃_t z.": (
            walk(down, variance=schedule.beta)
        ),
    }

    def attempt(model: Model, x: Tensor, schedule: NoiseSchedule) -> Tensor:
        return sampling_loop(model, x, schedule, _fresh_generator())

    source = "draw all noise from the generator that is handed in"
    check("sampling_loop", attempt, Case((model, x, schedule), walk(down), mistakes, source=source))


def _posterior_mean_at(t: int) -> Case:
    schedule, x_t, eps, _ = step_batch()
    before, ab, alpha, beta = _tables(schedule, t)
    a, b = ab.sqrt(), (1 - ab).sqrt()
    x0_hat = (x_t - b * eps) / a
    first, second = before.sqrt() * beta / (1 - ab), alpha.sqrt() * (1 - before) / (1 - ab)

    def weighted(first: Tensor = first, second: Tensor = second, x0_hat: Tensor = x0_hat) -> Tensor:
        return first * x0_hat + second * x_t

    truth = _mean(schedule, x_t, eps, t)  # the same, without x̂_0
    mistakes = {
        "x̂_0 is still faded: divide it by √ᾱ_t.": weighted(x0_hat=x_t - b * eps),
        "this divides by ᾱ_t in x̂_0; the picture was multiplied by √ᾱ_t.": weighted(x0_hat=(x_t - b * eps) / ab),
        "in x̂_0 the noise is scaled by its variance 1 − ᾱ_t; take the square root.": (
            weighted(x0_hat=(x_t - b**2 * eps) / a)
        ),
        "in x̂_0 the noise is added once more instead of being removed.": weighted(x0_hat=(x_t + b * eps) / a),
        "it clamps x̂_0 to [−1, 1]. A sampler may want that later; this formula does not do it.": (
            weighted(x0_hat=x0_hat.clamp(-1, 1))
        ),
        "ε stands where x̂_0 belongs: find the clean picture first.": weighted(x0_hat=eps),
        "this is x̂_0 itself. The step goes only to t − 1: it mixes x̂_0 with x_t.": x0_hat,
        "both weights have ᾱ_t where ᾱ_{t−1} belongs: look that up with t - 1.": (
            weighted(a * beta / (1 - ab), alpha.sqrt())
        ),
        "the weight of x̂_0 has ᾱ_t where ᾱ_{t−1} belongs: look that up with t - 1.": weighted(a * beta / (1 - ab)),
        "the weight of x_t has ᾱ_t where ᾱ_{t−1} belongs: look that up with t - 1.": weighted(second=alpha.sqrt()),
        "the two weights have changed places: the one with β_t belongs to x̂_0.": weighted(second, first),
        "the weight of x̂_0 has ᾱ_{t−1} without its square root.": weighted(before * beta / (1 - ab)),
        "the weight of x_t has α_t without its square root.": weighted(second=alpha.sqrt() * second),
        "both weights lack their square root: √ᾱ_{t−1} and √α_t.": (
            weighted(before * beta / (1 - ab), alpha.sqrt() * second)
        ),
        "the weight of x̂_0 has √β_t; it takes β_t itself.": weighted(before.sqrt() * beta.sqrt() / (1 - ab)),
        "the weight of x_t has ᾱ_t where α_t belongs: the product where this one step is meant.": (
            weighted(second=a * (1 - before) / (1 - ab))
        ),
        "the weights are not divided by 1 − ᾱ_t.": weighted(first * (1 - ab), second * (1 - ab)),
        SHIFTED: _mean(schedule, x_t, eps, t - 1),
    }
    amounts = compare_amounts(truth, {"x̂_0": x0_hat, "x_t": x_t})
    return Case((x_t, eps, t, schedule), truth, mistakes, (amounts,), f"at t = {t}, ")


def _ddpm_step_at(t: int) -> Case:
    schedule, x_t, eps, z = step_batch()
    before, ab, alpha, beta = _tables(schedule, t)
    b, root, variance = (1 - ab).sqrt(), alpha.sqrt(), schedule.posterior_variance[t]
    mean, noise = _mean(schedule, x_t, eps, t), variance.sqrt() * z
    mistakes = {
        "z is missing: without fresh noise all samples shrink towards the average.": mean,
        "ε is scaled by √β_t / √(1 − ᾱ_t); it takes β_t itself.": (x_t - beta.sqrt() / b * eps) / root + noise,
        "ε is scaled by β_t / (1 − ᾱ_t); take the square root of 1 − ᾱ_t.": (x_t - beta / b**2 * eps) / root + noise,
        "ε is scaled with ᾱ_{t−1}; the noise seen in x_t is that of time t, √(1 − ᾱ_t).": (
            (x_t - beta / (1 - before).sqrt() * eps) / root + noise
        ),
        "ε is added; it should be taken away.": (x_t + beta / b * eps) / root + noise,
        "the mean is not rescaled: divide by √α_t what is left when some noise is gone.": x_t - beta / b * eps + noise,
        "only ε is divided by √α_t: brackets around the whole difference.": x_t - beta / b * eps / root + noise,
        "the mean is divided by √ᾱ_t. That leads to the clean picture; one step is undone by √α_t.": (
            (x_t - beta / b * eps) / ab.sqrt() + noise
        ),
        "the mean is divided by α_t; take the square root.": (x_t - beta / b * eps) / alpha + noise,
        "the mean is multiplied by √α_t where it should be divided.": (x_t - beta / b * eps) * root + noise,
        "z is divided by √α_t as well: it comes after the brackets.": mean + noise / root,
        SHIFTED: _mean(schedule, x_t, eps, t - 1) + schedule.posterior_variance[t - 1].sqrt() * z,
    }
    sigmas = {
        "z is scaled by the variance β̃_t; it takes the standard deviation, its square root.": variance,
        "z is scaled by β_t. That is a variance, and not the one asked for: σ_t = √β̃_t, the square root of the "
        "posterior variance.": beta,
        "this takes σ_t = √β_t, the other choice in the literature, right for other data: for pure noise. The exercise "
        "asks for the posterior one, √β̃_t.": beta.sqrt(),
        "z is not scaled: multiply it by σ_t = √β̃_t.": torch.ones(()),
    }
    for mistake, sigma in sigmas.items():
        mistakes[mistake] = mean + sigma * z if t > 1 else mean
        mistakes[f"{mistake} And noise is added at t = 1 too, to the finished picture."] = mean + sigma * z
    amounts = compare_amounts(mean + noise, {"x_t": x_t, "ε": eps, "z": z})
    diagnoses = (amounts,) if t > 1 else (_noise_at_the_end(mean, z), amounts)
    return Case((x_t, eps, t, t - 1, schedule, z), mean + noise, mistakes, diagnoses, f"at t = {t}, ")


def step_batch() -> tuple[NoiseSchedule, Tensor, Tensor, Tensor]:
    """A schedule, and three batches of noise; any x_t will do. No two sides of a batch agree."""
    x_t, eps, z = torch.randn((3, 6, 3, 5, 4), generator=torch.Generator().manual_seed(0))
    return linear_schedule(60), x_t, eps, z


def _tables(schedule: NoiseSchedule, t: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """ᾱ_{t−1}, ᾱ_t, α_t and β_t."""
    return schedule.alpha_bar[t - 1], schedule.alpha_bar[t], schedule.alpha[t], schedule.beta[t]


def _mean(schedule: NoiseSchedule, x_t: Tensor, eps: Tensor, t: int) -> Tensor:
    """The mean of the step from t, without the questions of `samplers.ddpm_step`: t = 0 gives NaN."""
    _, ab, alpha, beta = _tables(schedule, t)
    return (x_t - beta / (1 - ab).sqrt() * eps) / alpha.sqrt()


def _noise_at_the_end(mean: Tensor, z: Tensor) -> Diagnosis:
    """Say that the last step adds noise, of whatever size."""

    def diagnosis(got: Tensor) -> str | None:
        if amounts_of(got - mean, z):
            return "noise is added too. The last step ends at the finished picture and adds none: σ_1 = 0."
        return None

    return diagnosis


def _fresh_generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _strict_model(schedule: NoiseSchedule) -> Model:
    """A denoiser whose answer depends smoothly on x and t, and which is as strict about t as the network is."""
    mean = torch.linspace(-1, 1, 48).view(3, 4, 4)
    oracle = GaussianDenoiser(mean, 0.2 + mean.abs(), schedule)

    def model(x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        if not isinstance(t, Tensor) or t.shape != x.shape[:1] or t.is_floating_point():
            got = f"{t.dtype} {tuple(t.shape)}" if isinstance(t, Tensor) else repr(t)
            raise ValueError(f"the model wants t as whole numbers, one for each image, shape ({len(x)},), got {got}")
        return oracle(x, t, c)

    return model


def _walk(
    model: Model,
    x: Tensor,
    schedule: NoiseSchedule,
    times: Iterable[int],
    noise: Tensor | None = None,
    eps: Tensor | None = None,
    variance: Tensor | None = None,
    draw_last: bool = True,
) -> Tensor:
    """Sample along `times`, with fresh noise and the model's answer at each unless others are given."""
    generator = _fresh_generator()
    for t in times:
        z = torch.randn(x.shape, generator=generator) if t > 1 or draw_last else torch.zeros(x.shape)
        seen = model(x, torch.full((len(x),), t), None) if eps is None else eps
        x = ddpm_step(x, seen, t, t - 1, schedule, variance, z if noise is None else noise)
    return x
