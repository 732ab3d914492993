"""The exercises of notebook 01: ᾱ_t, the forward process in one jump, also to mend, x̂_0 from ε, and β_t from ᾱ_t."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from ..diffusion.schedules import BETA_MAX, NoiseSchedule, cosine_schedule, linear_schedule
from .exercise import Case, Exercise

ZERO = torch.zeros(1, dtype=torch.float64)
SHIFTED = "this looks up ᾱ at t − 1. Our tables begin with the clean image at index 0, so time t is index t."


class Lookup:
    """The numbers of a schedule at the times of a batch, shaped to multiply it."""

    def __init__(self, schedule: NoiseSchedule, t: Tensor) -> None:
        tables = (schedule.alpha_bar, schedule.alpha_bar.roll(1), schedule.alpha, schedule.beta)
        self.ab, self.ab_prev, self.alpha, self.beta = (table[t].float().view(-1, 1, 1, 1) for table in tables)
        self.a, self.b = self.ab.sqrt(), (1 - self.ab).sqrt()


def jump(formula: Callable[[Lookup, Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """A function of (x, t, ε, schedule) made from one of the numbers at t, x and ε."""
    return lambda x, t, eps, schedule: formula(Lookup(schedule, t), x, eps)


def shift(table: Tensor, places: int) -> Tensor:
    """A table moved to the left or right, with its end repeated."""
    return torch.cat([table[places:], table[-1:]]) if places > 0 else torch.cat([table[:1], table[:places]])


def schedules(seed: int) -> list[Case]:
    """The table β_0 = 0, β_1 … β_T of a schedule of some length."""
    return [Case((linear_schedule(40 + seed).beta,))]


def images(seed: int) -> list[Case]:
    """Six small images, each with its own time and noise; no two of their sides agree, so wrong shapes do not pass."""
    schedule, generator = cosine_schedule(100), torch.Generator().manual_seed(seed)
    x0 = torch.rand((6, 3, 5, 4), generator=generator) * 2 - 1
    return [Case((x0, torch.tensor([1, 2, 20, 50, 80, 99]), torch.randn(x0.shape, generator=generator), schedule))]


def same_noise(x_t: Tensor, truth: Tensor, x0: Tensor, t: Tensor, eps: Tensor, schedule: NoiseSchedule) -> str | None:
    """Say that the noise was broadcast."""
    k = Lookup(schedule, t)
    noise = (x_t - k.a * x0) / k.b
    for dim, things in enumerate(("all images of the batch", "all colours", "all rows", "all columns")):
        if noise.std(dim).max() < 1e-3:
            return f"the noise has another shape than the picture: it is the same for {things}."
    return None


check_alpha_bar = Exercise(
    name="alpha_bar",
    asks="Check `alpha_bar(beta)`: from the table β_0 = 0, β_1 … β_T to the table ᾱ_0 = 1, ᾱ_1 … ᾱ_T.",
    right=lambda beta: NoiseSchedule(beta[1:]).alpha_bar,
    cases=schedules,
    mistakes={
        "this is α_t = 1 − β_t, what a single step keeps. ᾱ_t is what all steps up to t keep together.": (
            lambda beta: 1 - beta
        ),
        "this multiplies the β. What survives a step is 1 − β_t: multiply those.": lambda beta: beta.cumprod(0),
        "this adds up the β. What survives several steps is a product, not a sum.": lambda beta: beta.cumsum(0),
        "this is 1 − Σβ, which is close while β is small and then falls below zero. Multiply instead.": (
            lambda beta: 1 - beta.cumsum(0)
        ),
        "this is exp(−Σβ): a good approximation while β is small, but ᾱ_t is the exact product of the 1 − β_s.": (
            lambda beta: (-beta.cumsum(0)).exp()
        ),
        "this adds up the α. What survives several steps is a product, not a sum.": lambda beta: (1 - beta).cumsum(0),
        "this is 1 − ᾱ_t, the share of the noise. The table holds what is left of the picture.": (
            lambda beta: 1 - (1 - beta).cumprod(0)
        ),
        "this is one minus the product of the β. What survives a step is 1 − β_t: subtract first, then multiply.": (
            lambda beta: 1 - beta.cumprod(0)
        ),
        "every value stands one place too far left: ᾱ_0 = 1 belongs at index 0 (β_0 = 0 takes care of it).": (
            lambda beta: shift((1 - beta).cumprod(0), 1)
        ),
        "every value stands one place too far right: ᾱ_t includes step t itself.": (
            lambda beta: shift((1 - beta).cumprod(0), -1)
        ),
        "this is √ᾱ_t. The table holds ᾱ_t itself; the square root comes later.": (
            lambda beta: (1 - beta).cumprod(0).sqrt()
        ),
    },
)

check_add_noise = Exercise(
    name="add_noise",
    asks="Check `add_noise(x0, t, eps, schedule)`: x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε with another t for every image.",
    right=lambda x0, t, eps, schedule: schedule.add_noise(x0, t, eps),
    cases=images,
    mistakes={
        "the noise is scaled by 1 − ᾱ_t. That is its variance; numbers are scaled by the standard deviation, its "
        "square root.": jump(lambda k, x0, eps: k.a * x0 + k.b**2 * eps),
        "the root goes around 1 − ᾱ_t: √(1 − ᾱ_t), not 1 − √ᾱ_t.": jump(lambda k, x0, eps: k.a * x0 + (1 - k.a) * eps),
        "the picture is scaled by ᾱ_t; the formula has √ᾱ_t.": jump(lambda k, x0, eps: k.ab * x0 + k.b * eps),
        "both square roots are missing.": jump(lambda k, x0, eps: k.ab * x0 + k.b**2 * eps),
        "this is a single step, with α_t and β_t. The jump from the clean image uses ᾱ_t, the product of all α_s.": (
            jump(lambda k, x0, eps: k.alpha.sqrt() * x0 + k.beta.sqrt() * eps)
        ),
        "the noise is scaled by √β_t, the noise of the last step alone. All steps together have added √(1 − ᾱ_t).": (
            jump(lambda k, x0, eps: k.a * x0 + k.beta.sqrt() * eps)
        ),
        "picture and noise have changed places: √ᾱ_t belongs to x_0.": jump(lambda k, x0, eps: k.b * x0 + k.a * eps),
        "the noise is subtracted.": jump(lambda k, x0, eps: k.a * x0 - k.b * eps),
        SHIFTED: jump(lambda k, x0, eps: k.ab_prev.sqrt() * x0 + (1 - k.ab_prev).sqrt() * eps),
        "the noise is missing.": jump(lambda k, x0, eps: k.a * x0),
        "the noise is not scaled.": jump(lambda k, x0, eps: k.a * x0 + eps),
        "the picture is not scaled.": jump(lambda k, x0, eps: x0 + k.b * eps),
    },
    diagnoses=(same_noise,),
)

check_mended_add_noise = replace(
    check_add_noise,
    name="mended_add_noise",
    asks="Check `mended_add_noise(x0, t, eps, schedule)`: a stranger's add_noise, with its two mistakes mended.",
    given=jump(lambda k, x0, eps: k.ab_prev.sqrt() * x0 + (1 - k.ab_prev) * eps),
)

check_predict_x0 = Exercise(
    name="predict_x0",
    asks="Check `predict_x0(x_t, t, eps, schedule)`: the clean image that x_t and its noise imply.",
    right=lambda x_t, t, eps, schedule: schedule.predict_x0(x_t, t, eps),
    cases=images,  # any x_t will do: with a wrong ε, x̂_0 may lie far outside [−1, 1]
    mistakes={
        "the noise has been removed, but the picture is still faded: divide by √ᾱ_t.": (
            jump(lambda k, x_t, eps: x_t - k.b * eps)
        ),
        "this divides by ᾱ_t; the picture was multiplied by √ᾱ_t.": (
            jump(lambda k, x_t, eps: (x_t - k.b * eps) / k.ab)
        ),
        "this multiplies by √ᾱ_t where it should divide.": jump(lambda k, x_t, eps: (x_t - k.b * eps) * k.a),
        "the noise is scaled by its variance 1 − ᾱ_t; take the square root.": (
            jump(lambda k, x_t, eps: (x_t - k.b**2 * eps) / k.a)
        ),
        "the noise is not scaled: it entered x_t multiplied by √(1 − ᾱ_t).": (
            jump(lambda k, x_t, eps: (x_t - eps) / k.a)
        ),
        "neither is scaled: ε entered x_t multiplied by √(1 − ᾱ_t), and the picture by √ᾱ_t.": (
            jump(lambda k, x_t, eps: x_t - eps)
        ),
        "the two roots have changed places: take away √(1 − ᾱ_t) ε, then divide by √ᾱ_t.": (
            jump(lambda k, x_t, eps: (x_t - k.a * eps) / k.b)
        ),
        "the noise is added once more instead of being removed.": jump(lambda k, x_t, eps: (x_t + k.b * eps) / k.a),
        "only the noise is divided by √ᾱ_t: brackets around the whole difference.": (
            jump(lambda k, x_t, eps: x_t - k.b * eps / k.a)
        ),
        SHIFTED: jump(lambda k, x_t, eps: (x_t - (1 - k.ab_prev).sqrt() * eps) / k.ab_prev.sqrt()),
        "this is the way back over a single step, with α_t. From x_t to the clean image it takes ᾱ_t.": (
            jump(lambda k, x_t, eps: (x_t - k.beta.sqrt() * eps) / k.alpha.sqrt())
        ),
        "it clamps the picture to [−1, 1]. A sampler may want that later; equation (4) does not do it.": (
            jump(lambda k, x_t, eps: ((x_t - k.b * eps) / k.a).clamp(-1, 1))
        ),
    },
)


def falling(seed: int) -> list[Case]:
    """A table ᾱ that falls like a squared cosine, to nothing, and one of β from 1e-5 to 0.5, which needs no clamp."""
    u = torch.linspace(0, 1, 41 - seed % 20, dtype=torch.float64)
    unclamped = linear_schedule(30 + seed, 1e-5, 0.5, stated_for=30 + seed)
    return [Case((torch.cos(u * torch.pi / 2) ** 2,)), Case((unclamped.alpha_bar,))]


def beta_of(alpha_bar: Tensor, highest: float = BETA_MAX) -> Tensor:
    """β_1 … β_T."""
    return (1 - alpha_bar[1:] / alpha_bar[:-1]).clamp(max=highest)


RAISED = "small β are raised: clamp only from above."


def raised(got: Tensor, truth: Tensor, alpha_bar: Tensor) -> str | None:
    """Say that β are clamped from below, at whatever value, with β_0 or without it."""
    for first in (0, 1):
        lowest, smallest = got[first:].min(), truth[first:].min()
        clamped = truth[first:].clamp(min=lowest)
        if smallest + 1e-6 < lowest < truth.max() and torch.allclose(got[first:], clamped):
            return RAISED
    return None


check_beta_from_alpha_bar = Exercise(
    name="beta_from_alpha_bar",
    asks="Check `beta_from_alpha_bar(alpha_bar)`: from ᾱ_0 … ᾱ_T to β_0 = 0, β_1 … β_T, no β above 0.999.",
    right=lambda alpha_bar: torch.cat([ZERO, beta_of(alpha_bar)]),
    cases=falling,
    hints={
        "size of tensor": "A ratio of neighbours takes two slices of one length, one without the first value and one "
        "without the last."
    },
    mistakes={
        "the last β is above 0.999, so the last step would erase everything: clamp it.": (
            lambda ab: torch.cat([ZERO, beta_of(ab, highest=1)])
        ),
        RAISED: lambda ab: torch.cat([ZERO, beta_of(ab).clamp(min=1e-3)]),
        "β_0 = 0 is missing: T + 1 values come in, and T + 1 go out.": beta_of,
        "0 stands at the end: β_0 = 0 comes first, and the step from t − 1 to t belongs at index t.": (
            lambda ab: torch.cat([beta_of(ab), ZERO])
        ),
        "these are the α_t = ᾱ_t / ᾱ_{t−1}. One minus them is β_t.": (
            lambda ab: torch.cat([ZERO + 1, 1 - beta_of(ab, highest=1)])
        ),
        "these are the α_t, with a 0 in front of them: `1 −` is missing, since β_t = 1 − ᾱ_t / ᾱ_{t−1}.": (
            lambda ab: torch.cat([ZERO, 1 - beta_of(ab, highest=1)])
        ),
        "this is the difference ᾱ_{t−1} − ᾱ_t. ᾱ is a product, so a step is a ratio.": (
            lambda ab: torch.cat([ZERO, -ab.diff()])
        ),
        "this is 1 − ᾱ_t, the noise of all steps together. One step is the ratio of two neighbours.": lambda ab: 1 - ab,
        "this is 1 − ᾱ_t, the noise of all steps together, clamped. One step is the ratio of two neighbours.": (
            lambda ab: (1 - ab).clamp(max=BETA_MAX)
        ),
        "every value stands one place too far left: the step from t − 1 to t belongs at index t.": (
            lambda ab: shift(torch.cat([ZERO, beta_of(ab)]), 1)
        ),
        "every value stands one place too far right: the step from t − 1 to t belongs at index t.": (
            lambda ab: shift(torch.cat([ZERO, beta_of(ab)]), -1)
        ),
        "the ratio is upside down: it is ᾱ_t / ᾱ_{t−1}.": lambda ab: torch.cat([ZERO, 1 - ab[:-1] / ab[1:]]),
        "β_0 compares ᾱ_0 with the last ᾱ: nothing comes before index 0, and β_0 = 0.": lambda ab: 1 - ab / ab.roll(1),
    },
    diagnoses=(raised,),
)
