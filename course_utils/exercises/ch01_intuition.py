"""The checks of notebook 01: the noise schedule, the jump to time t, and the way back.

Right answers and classic mistakes only; how a verdict is reached from them stands in `verdict.py`.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ..diffusion.schedules import BETA_MAX, NoiseSchedule, cosine_schedule, linear_schedule
from .verdict import Case, check


def check_alpha_bar(alpha_bar: Callable[[Tensor], Tensor]) -> None:
    """Check `alpha_bar(beta)`: from the table β_0 = 0, β_1 … β_T to the table ᾱ_0 = 1, ᾱ_1 … ᾱ_T."""
    schedule = linear_schedule(40)
    beta, alpha = schedule.beta, schedule.alpha
    mistakes = {
        "this is α_t = 1 − β_t, what a single step keeps. ᾱ_t is what all steps up to t keep together.": alpha,
        "this multiplies the β. What survives a step is 1 − β_t: multiply those.": beta.cumprod(0),
        "this adds up the β. What survives several steps is a product, not a sum.": beta.cumsum(0),
        "this is 1 − Σβ, which is close while β is small and then falls below zero. Multiply instead.": 1
        - beta.cumsum(0),
        "this is exp(−Σβ): a good approximation while β is small, but ᾱ_t is the exact product of the 1 − β_s.": (
            (-beta.cumsum(0)).exp()
        ),
        "this adds up the α. What survives several steps is a product, not a sum.": alpha.cumsum(0),
        "every value stands one place too far left: ᾱ_0 = 1 belongs at index 0 (β_0 = 0 takes care of it).": (
            torch.cat([schedule.alpha_bar[1:], schedule.alpha_bar[-1:]])
        ),
        "every value stands one place too far right: ᾱ_t includes step t itself.": (
            torch.cat([schedule.alpha_bar[:1], schedule.alpha_bar[:-1]])
        ),
        "this is √ᾱ_t. The table holds ᾱ_t itself; the square root comes later.": schedule.alpha_bar.sqrt(),
    }
    check("alpha_bar", alpha_bar, Case((beta,), schedule.alpha_bar, mistakes))


def check_add_noise(add_noise: Callable[[Tensor, Tensor, Tensor, NoiseSchedule], Tensor]) -> None:
    """Check `add_noise(x0, t, eps, schedule)`: x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε with another t for every image."""
    schedule, x0, t, eps = _batch()
    beta, alpha, before = (_at(table, t) for table in (schedule.beta, schedule.alpha, schedule.alpha_bar.roll(1)))
    ab = _at(schedule.alpha_bar, t)
    a, b = ab.sqrt(), (1 - ab).sqrt()
    mistakes = {
        "the noise is scaled by 1 − ᾱ_t. That is its variance; numbers are scaled by the standard deviation, its "
        "square root.": a * x0 + b**2 * eps,
        "the picture is scaled by ᾱ_t; the formula has √ᾱ_t.": ab * x0 + b * eps,
        "both square roots are missing.": ab * x0 + b**2 * eps,
        "this is a single step, with α_t and β_t. The jump from the clean image uses ᾱ_t, the product of all α_s.": (
            alpha.sqrt() * x0 + beta.sqrt() * eps
        ),
        "the noise is scaled by √β_t, the noise of the last step alone. All steps together have added √(1 − ᾱ_t).": (
            a * x0 + beta.sqrt() * eps
        ),
        "picture and noise have changed places: √ᾱ_t belongs to x_0.": b * x0 + a * eps,
        "the noise is subtracted.": a * x0 - b * eps,
        "this looks up ᾱ at t − 1. Our tables begin with the clean image at index 0, so time t is index t.": (
            before.sqrt() * x0 + (1 - before).sqrt() * eps
        ),
        "the noise is missing.": a * x0,
        "the noise is not scaled.": a * x0 + eps,
        "the picture is not scaled.": x0 + b * eps,
    }

    def same_noise(x_t: Tensor) -> str | None:
        noise = (x_t - a * x0) / b
        for dim, things in enumerate(("all images of the batch", "all colours", "all rows", "all columns")):
            if noise.std(dim).max() < 1e-3:
                return f"the noise has another shape than the picture: it is the same for {things}."
        return None

    check("add_noise", add_noise, Case((x0, t, eps, schedule), a * x0 + b * eps, mistakes, (same_noise,)))


def check_predict_x0(predict_x0: Callable[[Tensor, Tensor, Tensor, NoiseSchedule], Tensor]) -> None:
    """Check `predict_x0(x_t, t, eps, schedule)`: the clean image that x_t and its noise imply."""
    schedule, x_t, t, eps = _batch()  # any x_t will do: with a wrong ε, x̂_0 may lie far outside [−1, 1]
    ab, alpha, before = (_at(table, t) for table in (schedule.alpha_bar, schedule.alpha, schedule.alpha_bar.roll(1)))
    a, b = ab.sqrt(), (1 - ab).sqrt()
    truth = (x_t - b * eps) / a
    mistakes = {
        "the noise has been removed, but the picture is still faded: divide by √ᾱ_t.": x_t - b * eps,
        "this divides by ᾱ_t; the picture was multiplied by √ᾱ_t.": (x_t - b * eps) / ab,
        "this multiplies by √ᾱ_t where it should divide.": (x_t - b * eps) * a,
        "the noise is scaled by its variance 1 − ᾱ_t; take the square root.": (x_t - b**2 * eps) / a,
        "the noise is not scaled: it entered x_t multiplied by √(1 − ᾱ_t).": (x_t - eps) / a,
        "the noise is added once more instead of being removed.": (x_t + b * eps) / a,
        "only the noise is divided by √ᾱ_t: brackets around the whole difference.": x_t - b * eps / a,
        "this looks up ᾱ at t − 1. Our tables begin with the clean image at index 0, so time t is index t.": (
            (x_t - (1 - before).sqrt() * eps) / before.sqrt()
        ),
        "this is the way back over a single step, with α_t. From x_t to the clean image it takes ᾱ_t.": (
            (x_t - (1 - alpha).sqrt() * eps) / alpha.sqrt()
        ),
        "it clamps the picture to [−1, 1]. A sampler may want that later; equation (4) does not do it.": truth.clamp(
            -1, 1
        ),
    }
    check("predict_x0", predict_x0, Case((x_t, t, eps, schedule), truth, mistakes))


def check_beta_from_alpha_bar(beta_from_alpha_bar: Callable[[Tensor], Tensor]) -> None:
    """Check `beta_from_alpha_bar(alpha_bar)`: from ᾱ_0 … ᾱ_T to β_0 = 0, β_1 … β_T, no β above 0.999."""
    T = 40
    u = torch.arange(T + 1, dtype=torch.float64) / T
    alpha_bar = torch.cos(u * torch.pi / 2) ** 2
    ratio = alpha_bar[1:] / alpha_bar[:-1]
    zero = torch.zeros(1, dtype=torch.float64)
    truth = torch.cat([zero, (1 - ratio).clamp(max=BETA_MAX)])
    mistakes = {
        "the last β is above 0.999, so the last step would erase everything: clamp it.": torch.cat([zero, 1 - ratio]),
        "β_0 = 0 is missing: T + 1 values come in, and T + 1 go out.": truth[1:],
        "these are the α_t = ᾱ_t / ᾱ_{t−1}. One minus them is β_t.": torch.cat([zero + 1, ratio]),
        "this is the difference ᾱ_{t−1} − ᾱ_t. ᾱ is a product, so a step is a ratio.": torch.cat(
            [zero, -alpha_bar.diff()]
        ),
        "this is 1 − ᾱ_t, the noise of all steps together. One step is the ratio of two neighbours.": 1 - alpha_bar,
        "every value stands one place too far left: the step from t − 1 to t belongs at index t.": (
            torch.cat([truth[1:], truth[-1:]])
        ),
        "every value stands one place too far right: the step from t − 1 to t belongs at index t.": (
            torch.cat([zero, truth[:-1]])
        ),
        "the ratio is upside down: it is ᾱ_t / ᾱ_{t−1}.": torch.cat([zero, 1 - 1 / ratio]),
        "β_0 compares ᾱ_0 with the last ᾱ: nothing comes before index 0, and β_0 = 0.": 1
        - alpha_bar / alpha_bar.roll(1),
    }
    check("beta_from_alpha_bar", beta_from_alpha_bar, Case((alpha_bar,), truth, mistakes))


def _batch() -> tuple[NoiseSchedule, Tensor, Tensor, Tensor]:
    """Six small images, each with its own time and noise; no two of their sides agree, so wrong shapes do not pass."""
    schedule, generator = cosine_schedule(100), torch.Generator().manual_seed(0)
    x0 = torch.rand((6, 3, 5, 4), generator=generator) * 2 - 1
    return schedule, x0, torch.tensor([1, 2, 20, 50, 80, 99]), torch.randn(x0.shape, generator=generator)


def _at(table: Tensor, t: Tensor) -> Tensor:
    return table[t].float().view(-1, 1, 1, 1)
