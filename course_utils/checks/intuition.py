"""Checks for the exercises: each takes the student's function, tries it, and says kindly what it found.

A check knows the right answer and the classic wrong ones. It prints one verdict and never stops the notebook: a blank
stub is "not attempted yet", a known mistake is called by its name, and anything else is described by numbers.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from .schedules import BETA_MAX, NoiseSchedule, cosine_schedule, linear_schedule

Diagnosis = Callable[[Tensor], str | None]


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
    _check("alpha_bar", alpha_bar, (beta,), schedule.alpha_bar, mistakes)


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

    _check("add_noise", add_noise, (x0, t, eps, schedule), a * x0 + b * eps, mistakes, same_noise)


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
    _check("predict_x0", predict_x0, (x_t, t, eps, schedule), truth, mistakes)


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
    _check("beta_from_alpha_bar", beta_from_alpha_bar, (alpha_bar,), truth, mistakes)


def _batch() -> tuple[NoiseSchedule, Tensor, Tensor, Tensor]:
    """Six small images, each with its own time and noise; no two of their sides agree, so wrong shapes do not pass."""
    schedule, generator = cosine_schedule(100), torch.Generator().manual_seed(0)
    x0 = torch.rand((6, 3, 5, 4), generator=generator) * 2 - 1
    return schedule, x0, torch.tensor([1, 2, 20, 50, 80, 99]), torch.randn(x0.shape, generator=generator)


def _at(table: Tensor, t: Tensor) -> Tensor:
    return table[t].float().view(-1, 1, 1, 1)


def _check(
    name: str,
    attempt: Callable[..., Any],
    arguments: tuple[Any, ...],
    truth: Tensor,
    mistakes: Mapping[str, Tensor],
    *diagnoses: Diagnosis,
) -> None:
    """Try the student's function on copies of the arguments, and print the verdict."""
    try:
        given, again = copy.deepcopy(arguments), copy.deepcopy(arguments)
        got = attempt(*given)
        if got is None or got is ...:
            raise NotImplementedError
        verdict = _form(got, truth)
        if verdict is None and not all(map(_same, given, arguments)):
            verdict = "it changes its arguments, which others still need: compute new tensors instead."
        verdict = verdict or _problem(got.detach().clone(), attempt(*again), truth, mistakes, diagnoses)
    except NotImplementedError:
        print(f"○ {name}: not attempted yet. Replace the dots, run the cell again, and go on when you like.")
    except Exception as error:  # whatever a student's code may raise is news for the student, not for us
        print(f"✗ {name} stops with {type(error).__name__}: {str(error)[:300]}{_hint(error)}")
    else:
        print(f"✗ {name}: {verdict}" if verdict else f"✓ {name} is right.")


def _same(a: Any, b: Any) -> bool:
    """Whether an argument is still what it was."""
    if isinstance(a, NoiseSchedule):
        return all(torch.equal(x, y) for x, y in ((a.beta, b.beta), (a.alpha, b.alpha), (a.alpha_bar, b.alpha_bar)))
    return torch.equal(a, b)


def _hint(error: Exception) -> str:
    if isinstance(error, RuntimeError) and "size of tensor" in str(error):
        return "\n  One number for each image needs the shape (B, 1, 1, 1) to multiply a batch: see .view(-1, 1, 1, 1)."
    return ""


def _form(got: Any, truth: Tensor) -> str | None:
    """What is wrong with the form of an answer, or None; shape and precision come later, after the known mistakes."""
    if not isinstance(got, Tensor):
        return f"it returns a {type(got).__name__}, expected a tensor."
    if got.layout != torch.strided or got.device != truth.device or not got.is_floating_point():
        return f"it returns {got.dtype}, {got.layout}, on {got.device}; expected plain {truth.dtype} on {truth.device}."
    return None


def _problem(
    got: Tensor, again: Tensor, truth: Tensor, mistakes: Mapping[str, Tensor], diagnoses: tuple[Diagnosis, ...]
) -> str | None:
    """What is wrong with an answer, or None."""
    for mistake, wrong in mistakes.items():
        if got.shape == wrong.shape and torch.allclose(got.double(), wrong.double(), rtol=1e-4, atol=1e-6):
            return mistake
    if got.shape != truth.shape:
        return f"the result has shape {tuple(got.shape)}, expected {tuple(truth.shape)}."
    if got.dtype != truth.dtype:
        return (
            f"the result is {got.dtype}, expected {truth.dtype}, like the argument: tables are float64, so cast them."
        )
    if not torch.isfinite(got).all():
        return "the result holds NaN or infinity."
    if not torch.equal(got, again):
        return "two calls with the same arguments differ: use the noise that is handed in, and draw none of your own."
    if torch.allclose(got, truth, rtol=1e-4, atol=1e-5):
        return None
    for diagnosis in diagnoses:
        if found := diagnosis(got):
            return found
    return (
        f"the result has standard deviation {got.std():.3g}, expected {truth.std():.3g}; "
        f"the largest difference is {(got - truth).abs().max():.2g}."
    )
