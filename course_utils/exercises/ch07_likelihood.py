"""The exercises of notebook 07: the KL of two Gaussians, a term of the bound, the best variance, and three slips."""

import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from ..diffusion.likelihood import bits_per_dimension, bound_terms, gaussian_kl, log_density, log_probability_of_level
from ..diffusion.models import Model
from ..diffusion.posterior import Variance, jump
from ..diffusion.schedules import NoiseSchedule, linear_schedule
from .exercise import Case, Exercise, Function
from .verdict import Mistake, NotAttempted, agree, amounts_of, answered, unlike

ONE_NUMBER = {
    "converted to": "The functions of math take one number; those of torch take all numbers of a tensor at once.",
    "must be Tensor, not": "torch's functions want tensors; for a plain number there is the module math.",
}
"""Hints for those who mix up `math` and `torch`."""


class Lookup:
    """The numbers of a jump from t to t_prev. They are looked up without questions: what no table has gives NaN."""

    def __init__(self, schedule: NoiseSchedule, t: int, t_prev: int, table: str = "alpha_bar") -> None:
        looked_up: Tensor = vars(schedule)[table]
        self.ab, self.ab_prev = looked_up[t], looked_up[t_prev]
        self.b2, self.beta = 1 - self.ab, 1 - self.ab / self.ab_prev
        self.share = (1 - self.ab_prev) / self.b2
        self.small = self.share * self.beta
        self.of_x0 = self.ab_prev.sqrt() * self.beta / self.b2
        self.of_x_t = (self.ab / self.ab_prev).sqrt() * self.share
        self.single, self.single_small = schedule.beta[t], schedule.posterior_variance[t]


Number = Callable[[Lookup], Tensor | float]
Times = Callable[[int, int], tuple[int, int]]


def kl(
    means: Callable[..., Tensor] = lambda mean, v, other_mean, w: (mean - other_mean) ** 2 / w,
    ratio: Callable[[Tensor, Tensor], Tensor | float] = lambda v, w: v / w,
    one: float = 1,
    log: Callable[[Tensor, Tensor], Tensor | float] = lambda v, w: (v / w).log(),
    result: Callable[[Tensor], Tensor] = lambda total: total / 2,
) -> Function:
    """A `gaussian_kl` in which some parts of the sum, or what becomes of it, are others."""

    def attempt(mean: Tensor, variance: Tensor, other_mean: Tensor, other_variance: Tensor) -> Tensor:
        v, w = variance, other_variance
        return result(means(mean, v, other_mean, w) + ratio(v, w) - one - log(v, w))

    return attempt


as_written = kl()
"""Equation (3) as a student writes it, which asks nothing about its input."""


def of_variances(change: Callable[[Tensor], Tensor]) -> Function:
    """A `gaussian_kl` that changes both variances before it uses them."""
    return lambda mean, v, other_mean, w: gaussian_kl(mean, change(v), other_mean, change(w))


KL_MISTAKES: dict[str, Function] = {
    "the two Gaussians have changed places. KL(p ‖ q) is not KL(q ‖ p): (3) divides by the variance of the second.": (
        lambda mean, v, other_mean, w: gaussian_kl(other_mean, w, mean, v)
    ),
    "the half is missing: all of the sum is halved.": kl(result=lambda total: total),
    "only the logarithm is halved: put brackets around the whole sum.": (
        kl(log=lambda v, w: (v / w).log() / 2, result=lambda total: total)
    ),
    "only the part of the means is halved: put brackets around the whole sum.": kl(
        lambda mean, v, other_mean, w: (mean - other_mean) ** 2 / w / 2, result=lambda total: total
    ),
    "the logarithm is not halved. That of the standard deviations, log(σ_1 / σ_2), would need no half.": (
        kl(log=lambda v, w: 2 * (v / w).log())
    ),
    "− 1 is missing: the KL of a Gaussian from itself is 0.": kl(one=0),
    "1 is added where it should be taken away: the KL of a Gaussian from itself is 0.": kl(one=-1),
    "1 is taken away after the halving: it belongs inside the brackets.": kl(one=2),
    "the logarithm has the wrong sign, or its fraction is upside down: it is − log(v_1 / v_2).": (
        kl(log=lambda v, w: (w / v).log())
    ),
    "the logarithm is missing: − log(v_1 / v_2).": kl(log=lambda v, w: 0),
    "the logarithm is that to base 2. Nats have the natural one: torch.log.": kl(log=lambda v, w: (v / w).log2()),
    "the logarithm is that to base 10. Nats have the natural one: torch.log.": kl(log=lambda v, w: (v / w).log10()),
    "the fraction outside the logarithm is upside down: it is v_1 / v_2.": kl(ratio=lambda v, w: w / v),
    "both fractions of the variances are upside down: they are v_1 / v_2.": (
        kl(ratio=lambda v, w: w / v, log=lambda v, w: (w / v).log())
    ),
    "the fraction outside the logarithm is missing: v_1 / v_2.": kl(ratio=lambda v, w: 0),
    "the fraction outside the logarithm is squared. Variances come in, so v_1 / v_2 is enough.": (
        kl(ratio=lambda v, w: (v / w) ** 2)
    ),
    "the fraction outside the logarithm has standard deviations: it is v_1 / v_2, of variances.": (
        kl(ratio=lambda v, w: (v / w).sqrt())
    ),
    "the variances are squared, as if they were standard deviations: variances are what comes in.": of_variances(
        torch.square
    ),
    "the roots of the variances are taken: variances are what (3) asks for.": of_variances(torch.sqrt),
    "the difference of the means is not squared.": kl(lambda mean, v, other_mean, w: (mean - other_mean) / w),
    "the difference of the means is not squared: this is its absolute value.": (
        kl(lambda mean, v, other_mean, w: (mean - other_mean).abs() / w)
    ),
    "the squares of the means are subtracted: subtract first, then square.": (
        kl(lambda mean, v, other_mean, w: (mean**2 - other_mean**2) / w)
    ),
    "the means are added: it is their difference that counts.": (
        kl(lambda mean, v, other_mean, w: (mean + other_mean) ** 2 / w)
    ),
    "the means do not come in.": kl(lambda mean, v, other_mean, w: 0 * (mean - other_mean)),
    "only the means come in: what the variances cost is missing.": kl(ratio=lambda v, w: 0, one=0, log=lambda v, w: 0),
    "the means are divided by the variance of the first Gaussian. (3) divides by that of the second.": (
        kl(lambda mean, v, other_mean, w: (mean - other_mean) ** 2 / v)
    ),
    "the means are divided by both variances together. (3) divides by that of the second.": (
        kl(lambda mean, v, other_mean, w: (mean - other_mean) ** 2 / (v + w))
    ),
    "the means are not divided by v_2.": kl(lambda mean, v, other_mean, w: (mean - other_mean) ** 2),
    "the means are divided by the root of v_2: leave the root out.": (
        kl(lambda mean, v, other_mean, w: (mean - other_mean) ** 2 / w.sqrt())
    ),
    "the means are divided by the square of v_2: it is a variance already.": (
        kl(lambda mean, v, other_mean, w: (mean - other_mean) ** 2 / w**2)
    ),
    "these are bits. Nats are asked for: leave out the division by ln 2.": (
        kl(result=lambda total: total / 2 / math.log(2))
    ),
    "all numbers are added up. Leave one for each: the sum comes later.": kl(result=lambda total: (total / 2).sum()),
    "this is the mean of all numbers. Leave one for each.": kl(result=lambda total: (total / 2).mean()),
    "the numbers of each image are added up. Leave one for each of them.": (
        kl(result=lambda total: (total / 2).flatten(1).sum(1))
    ),
    "this is the mean of the numbers of each image. Leave one for each.": (
        kl(result=lambda total: (total / 2).flatten(1).mean(1))
    ),
    "the sign is wrong. No KL is negative.": kl(result=lambda total: -total / 2),
    "this is the cross-entropy. KL is what it has above the entropy of the first Gaussian.": (
        kl(one=0, log=lambda v, w: -(2 * torch.pi * w).log())
    ),
    "this is the mean of both directions. Only that from the first to the second is asked for.": (
        lambda *pair: (gaussian_kl(*pair) + gaussian_kl(*pair[2:], *pair[:2])) / 2
    ),
}
"""Wrong ways to write equation (3), by what is said of them."""


def gaussians(seed: int) -> list[Case]:
    """Gaussians in all numbers of six images, and such that share a variance, or a mean, within an image."""
    generator = torch.Generator().manual_seed(seed)
    mean, other_mean, logs, other_logs = torch.randn((4, 6, 3, 5, 4), generator=generator)
    v, w = (logs / 2).exp(), (0.5 + other_logs / 2).exp()
    shared, other_shared = v[:, :1, :1, :1], w[:, :1, :1, :1]
    return [
        Case((mean, v, other_mean, w)),
        Case((mean, shared, other_mean[:, :1, :1, :1], other_shared), "with one variance for each image, "),
    ]


def parts_of_kl(mean: Tensor, variance: Tensor, other_mean: Tensor, other_variance: Tensor) -> dict[str, Tensor]:
    """What equation (3) adds up."""
    ratio = variance / other_variance
    parts = {
        "(μ_1 − μ_2)² / v_2": (mean - other_mean) ** 2 / other_variance,
        "v_1 / v_2": ratio,
        "· 1": torch.ones_like(mean),
        "log(v_1 / v_2)": ratio.log(),
    }
    return {name: part.expand_as(mean) for name, part in parts.items()}


check_gaussian_kl = Exercise(
    name="gaussian_kl",
    asks="Check `gaussian_kl(mean, variance, other_mean, other_variance)`: the KL of the first Gaussian from the "
    "second, in nats, of each number.",
    right=gaussian_kl,
    cases=gaussians,
    parts=parts_of_kl,
    mistakes=KL_MISTAKES,
    hints=ONE_NUMBER,
)


STEPS = ((40, 20), (60, 20), (20, 19), (9, 2), (20, 1))
"""t and t_prev of the steps whose terms are asked for: long, short, and to the last time that has a KL."""


def terms_to_try(seed: int) -> list[Case]:
    """The same images at all steps; σ² for each number, for each image, or one for all, near β̃ and β."""
    generator, schedule = torch.Generator().manual_seed(seed), linear_schedule(60, beta_end=0.01)
    _ = schedule.posterior_variance  # it is computed when first read; if that comes later, no change of it is seen
    x0, error, x_t = torch.randn((3, 6, 3, 5, 4), generator=generator)
    shares = 0.2 + torch.rand(x0.shape, generator=generator)
    cases = []
    for i, (t, t_prev) in enumerate(STEPS):
        step = jump(t, t_prev, schedule, x0)
        share = (shares, shares[:, :1, :1, :1], shares[0, 0, 0, 0])[i % 3]
        small, beta = (n if share.ndim else n.flatten()[0] for n in (step.variance, step.beta))
        sigma2 = small + share * (beta - small)
        given = x0, x0 + 0.8 * error, x_t, sigma2, t, t_prev, schedule
        cases.append(Case(given, f"from t = {t} to t_prev = {t_prev}, "))
    return cases


def bound_term(
    x0: Tensor, x0_hat: Tensor, x_t: Tensor, sigma2: Tensor, t: int, t_prev: int, schedule: NoiseSchedule
) -> Tensor:
    """The KL of the posterior from the step of a model, with both means as they are defined."""
    step = jump(t, t_prev, schedule, x_t)
    mean, model_mean = (step.of_x0 * x + step.of_x_t * x_t for x in (x0, x0_hat))
    return gaussian_kl(mean, step.variance, model_mean, sigma2)


def term(
    weight: Number = lambda k: k.of_x0,
    small: Number = lambda k: k.small,
    sigma2: Callable[[Lookup, Tensor], Tensor] = lambda k, s: s,
    kl: Function = as_written,
    times: Times = lambda t, t_prev: (t, t_prev),
    table: str = "alpha_bar",
) -> Function:
    """A `bound_term` with other numbers. It leaves out what x_t adds to both means, since that cancels."""

    def attempt(
        x0: Tensor, x0_hat: Tensor, x_t: Tensor, s: Tensor, t: int, t_prev: int, schedule: NoiseSchedule
    ) -> Tensor:
        k = Lookup(schedule, *times(t, t_prev), table)
        nats: Tensor = kl(weight(k) * x0, small(k), weight(k) * x0_hat, sigma2(k, s))
        return nats

    return attempt


def posterior_mean(k: Lookup, x0: Tensor, x_t: Tensor) -> Tensor:
    """Equation (4) of the notebook."""
    return k.of_x0 * x0 + k.of_x_t * x_t


def between_means(
    mean: Callable[[Lookup, Tensor, Tensor], Tensor],
    model_mean: Callable[[Lookup, Tensor, Tensor], Tensor] = posterior_mean,
) -> Function:
    """A `bound_term` with means that are functions of x_0, or x̂_0, and x_t."""

    def attempt(
        x0: Tensor, x0_hat: Tensor, x_t: Tensor, sigma2: Tensor, t: int, t_prev: int, schedule: NoiseSchedule
    ) -> Tensor:
        k = Lookup(schedule, t, t_prev)
        return gaussian_kl(mean(k, x0, x_t), k.small, model_mean(k, x0_hat, x_t), sigma2)

    return attempt


X_T_IS_LEFT = "x_t does not cancel. Both means hold the same amount of it: they differ only in x_0 and x̂_0."


def left_of_x_t(
    got: Tensor, truth: Tensor, x0: Tensor, x0_hat: Tensor, x_t: Tensor, sigma2: Tensor, *_: Any
) -> str | None:
    """Say that x_t comes into a term, where it is a square of some sum of x_0, x̂_0 and x_t, divided by σ²."""
    if got.isnan().any():
        return None
    squares = [a * b / sigma2 for a, b in ((x_t, x_t), (x_t, x0), (x_t, x0_hat), (x0, x0), (x0, x0_hat), (x0_hat,) * 2)]
    rest = [part.expand_as(x0) for part in (1 / sigma2, sigma2.log(), torch.ones_like(x0))]
    amounts = amounts_of(got, *squares, *(rest if sigma2.ndim else rest[2:]))
    return X_T_IS_LEFT if amounts and max(map(abs, amounts[:3])) > 1e-3 else None


def parts_of_term(
    x0: Tensor, x0_hat: Tensor, x_t: Tensor, sigma2: Tensor, t: int, t_prev: int, schedule: NoiseSchedule
) -> dict[str, Tensor]:
    """What the KL adds up; of one σ² for all numbers nobody can tell 1 from the logarithm."""
    ratio = jump(t, t_prev, schedule, x0).variance / sigma2
    parts = {"(x_0 − x̂_0)² / σ²": (x0 - x0_hat) ** 2 / sigma2, "· 1": torch.ones_like(x0)}
    if sigma2.ndim:
        parts |= {"β̃ / σ²": ratio.expand_as(x0), "log(β̃ / σ²)": ratio.log().expand_as(x0)}
    return parts


TOO_EARLY = (
    "this looks up every table one place too early. They begin with the clean image at index 0, so time t is index t."
)
TOO_LATE = (
    "this looks up every table one place too late. They begin with the clean image at index 0, so time t is index t."
)

check_bound_term = Exercise(
    name="bound_term",
    asks="Check `bound_term(x0, x0_hat, x_t, sigma2, t, t_prev, schedule)`: the KL of the posterior of x_{t'} from the "
    "model's step, in nats, of each number.",
    right=bound_term,
    cases=terms_to_try,
    parts=parts_of_term,
    diagnoses=(left_of_x_t,),
    hints=ONE_NUMBER
    | {
        "out of bounds": "The tables hold the times 0 … T: time t is index t.",
        "math domain error": "A logarithm or a root wants a positive number. Which of the variances is not?",
        "size of tensor": "σ² is one number, or one for each image, (B, 1, 1, 1), or one for each number: all multiply "
        "x_t as they are.",
    },
    mistakes={
        "the weight of x_0 has ᾱ_t where ᾱ_{t'} belongs: it is √ᾱ_{t'} β / (1 − ᾱ_t).": (
            term(lambda k: k.ab.sqrt() * k.beta / k.b2)
        ),
        "the weight of x_0 has ᾱ_{t'} without its root.": term(lambda k: k.ab_prev * k.beta / k.b2),
        "the weight of x_0 has no √ᾱ_{t'}: it is √ᾱ_{t'} β / (1 − ᾱ_t).": term(lambda k: k.beta / k.b2),
        "the weight of x_0 is divided by 1 − ᾱ_{t'}. It takes 1 − ᾱ_t, of the time where the step begins.": (
            term(lambda k: k.of_x0 / k.share)
        ),
        "the weight of x_0 is not divided by 1 − ᾱ_t.": term(lambda k: k.of_x0 * k.b2),
        "the weight of x_0 is divided by the root of 1 − ᾱ_t: leave the root out.": (
            term(lambda k: k.of_x0 * k.b2.sqrt())
        ),
        "the weight of x_0 has √β; it takes β itself.": term(lambda k: k.of_x0 / k.beta.sqrt()),
        "the weight of x_0 has β̃; it takes β, the variance that the forward process adds.": (
            term(lambda k: k.of_x0 * k.share)
        ),
        "the weight of x_0 has β_t, of a single step. A jump adds more: 1 − ᾱ_t / ᾱ_{t'}.": (
            term(lambda k: k.of_x0 / k.beta * k.single)
        ),
        "in the weight of x_0 the fraction of β is upside down: it is ᾱ_t / ᾱ_{t'}.": (
            term(lambda k: k.ab_prev.sqrt() * (1 - k.ab_prev / k.ab) / k.b2)
        ),
        "x_0 and x̂_0 have the weight of x_t.": term(lambda k: k.of_x_t),
        "x_0 and x̂_0 are compared as they are. They are only a part of the two means: give them their weight.": (
            term(lambda k: 1)
        ),
        "the posterior has the variance β. It is β̃, which is smaller: much is known of x_{t'} to who knows x_0.": (
            term(small=lambda k: k.beta)
        ),
        "the fraction in β̃ is upside down: it is (1 − ᾱ_{t'}) / (1 − ᾱ_t), and less than 1.": (
            term(small=lambda k: k.beta / k.share)
        ),
        "β̃ has β_t, of a single step. A jump adds more: 1 − ᾱ_t / ᾱ_{t'}.": term(small=lambda k: k.share * k.single),
        "β̃ is that of a single step, from t to t − 1. A jump has one of its own: look up ᾱ_{t'} at t_prev.": (
            term(small=lambda k: k.single_small)
        ),
        "the weight of x_0 and β̃ have β_t, of a single step. A jump adds more: 1 − ᾱ_t / ᾱ_{t'}.": (
            term(lambda k: k.of_x0 / k.beta * k.single, lambda k: k.share * k.single)
        ),
        "the root of β̃ is taken for the variance of the posterior, which is β̃ itself.": (
            term(small=lambda k: k.small**0.5)
        ),
        "β̃ is squared: it is a variance already.": term(small=lambda k: k.small**2),
        "σ² does not come in: β̃ stands for the variance of the model's step, too.": term(sigma2=lambda k, s: k.small),
        "σ² does not come in: β stands for the variance of the model's step.": term(sigma2=lambda k, s: k.beta),
        "σ² is squared: sigma2 is a variance already.": term(sigma2=lambda k, s: s**2),
        "the root of σ² is taken for the variance of the model's step, which is σ² itself.": (
            term(sigma2=lambda k, s: s.sqrt())
        ),
        "α stands where ᾱ belongs. α_t is what one step keeps, ᾱ_t what all steps up to t keep together.": (
            term(table="alpha")
        ),
        "this goes to t − 1 only. Look up ᾱ at t_prev, which may be much earlier.": (
            term(times=lambda t, t_prev: (t, t - 1))
        ),
        "the weight of x_0 is not squared: (5) has its square, as the means differ by the weight times x_0 − x̂_0.": (
            term(weight=lambda k: k.of_x0.sqrt())
        ),
        TOO_EARLY: term(times=lambda t, t_prev: (t - 1, t_prev - 1)),
        TOO_LATE: term(times=lambda t, t_prev: (t + 1, t_prev + 1)),
        "all is NaN, as is the logarithm of a negative number. Perhaps the fraction in β is upside down: it is ᾱ_t / "
        "ᾱ_{t'}, and ᾱ_{t'} is the larger one. Or t and t_prev have changed places.": (
            term(small=lambda k: k.share * (1 - k.ab_prev / k.ab))
        ),
        "the mean of the model's step is x̂_0 itself. The step goes only to t': it mixes x̂_0 with x_t.": (
            between_means(posterior_mean, lambda k, x0_hat, x_t: x0_hat)
        ),
        "the mean of the model's step is x_t itself: give it the form of the posterior's, with x̂_0 for x_0.": (
            between_means(posterior_mean, lambda k, x0_hat, x_t: x_t)
        ),
        "x_t is missing in one of the two means.": between_means(lambda k, x0, x_t: k.of_x0 * x0),
        "x̂_0 is taken for a noise. It is the clean picture already.": between_means(
            posterior_mean,
            lambda k, eps, x_t: k.of_x0 * (x_t - k.b2.sqrt() * eps) / k.ab.sqrt() + k.of_x_t * x_t,
        ),
        "x_0 itself is the mean of the posterior: it mixes x_0 with x_t.": between_means(lambda k, x0, x_t: x0),
        **{sentence: term(kl=wrong) for sentence, wrong in KL_MISTAKES.items()},
    },
)


def errors_to_try(seed: int) -> list[Case]:
    """Steps from t to t_prev, and a mean squared error of x̂_0 for each, once larger than 1 − ᾱ_t."""
    schedule, cases = linear_schedule(60), []
    _ = schedule.posterior_variance  # as above
    for t, t_prev, u in ((40, 20, 0.3), (60, 20, 0.7), (20, 19, 0.4), (9, 2, 1.4), (20, 0, 0.2)):
        x0_error = round((u + seed % 7 / 100) * (1 - schedule.alpha_bar[t].item()), 3)
        cases.append(
            Case((x0_error, t, t_prev, schedule), f"with x0_error = {x0_error:g}, from t = {t} to t_prev = {t_prev}, ")
        )
    return cases


def as_one_number(function: Function, *arguments: Any) -> Tensor:
    """A variance that was asked for as a number: a float, or a tensor that holds one."""
    found = answered(function(*arguments))
    if isinstance(found, Tensor) and found.numel() != 1:
        raise Mistake(f"it returns a tensor of shape {tuple(found.shape)}, expected a single number.")
    if not isinstance(found, Real | Tensor) or (isinstance(found, Tensor) and found.is_complex()):
        raise Mistake(f"it returns a {type(found).__name__}, expected a single number.")
    return torch.tensor(float(found), dtype=torch.float64)


def variance_with(
    u: Callable[[Lookup, float], Tensor | float] = lambda k, error: error / k.b2,
    small: Number = lambda k: k.small,
    beta: Number = lambda k: k.beta,
    mix: Callable[..., Tensor] = lambda small, beta, u: small + u * (beta - small),
    times: Times = lambda t, t_prev: (t, t_prev),
    table: str = "alpha_bar",
) -> Function:
    """A `best_variance` with another u, other ends, or another way between them."""

    def attempt(x0_error: float, t: int, t_prev: int, schedule: NoiseSchedule) -> Tensor:
        k = Lookup(schedule, *times(t, t_prev), table)
        return mix(small(k), beta(k), u(k, x0_error))

    return attempt


best_of = variance_with()
"""Equation (9)."""


def weighted(weight: Number) -> Function:
    """A `best_variance` of the form β̃ + weight · x0_error."""
    return variance_with(u=lambda k, error: weight(k) * error, mix=lambda small, beta, added: small + added)


def share_found(got: Tensor, truth: Tensor, x0_error: float, t: int, t_prev: int, schedule: NoiseSchedule) -> str:
    """Say which u would have given this variance, and which one is right."""
    k = Lookup(schedule, t, t_prev)
    u = [f"{((sigma2 - k.small) / (k.beta - k.small)).item():.17g}" for sigma2 in (got, truth)]
    numbers = zip(unlike(str(got.item()), str(truth.item())), unlike(*u), strict=True)
    found, expected = (
        f"{sigma2}, which is β̃ + {share} (β − β̃)".replace("+ -", "− ").replace("-", "−") for sigma2, share in numbers
    )
    return f"the result is {found}, expected {expected}."


FINE_BEFORE_THE_END: dict[str, Function] = {
    "the logarithms are interpolated, as in Improved DDPM. With this u, (9) goes along a straight line.": (
        variance_with(mix=lambda small, beta, u: (u * beta.log() + (1 - u) * small.log()).exp())
    ),
    "u is divided by 1 − ᾱ_{t'}. It takes 1 − ᾱ_t, of the time where the step begins.": (
        variance_with(u=lambda k, error: error / (1 - k.ab_prev))
    ),
}
"""What stops with an error at t_prev = 0, where β̃ = 1 − ᾱ_{t'} = 0, if it is computed with plain numbers."""


def stops_at_the_end(got: Tensor, truth: Tensor, *arguments: Any) -> str | None:
    """Recognise these from a step that does not end at 0."""
    wrong = (sentence for sentence, f in FINE_BEFORE_THE_END.items() if agree(got, as_one_number(f, *arguments)))
    return next(wrong, None)


OF_A_SINGLE_STEP = "of a single step, from t to t − 1. A jump has ends of its own: look up ᾱ_{t'} at t_prev."

check_best_variance = Exercise(
    name="best_variance",
    asks="Check `best_variance(x0_error, t, t_prev, schedule)`: σ² = β̃ + u (β − β̃) with u = x0_error / (1 − ᾱ_t).",
    right=variance_with(),
    cases=errors_to_try,
    run=as_one_number,
    diagnoses=(stops_at_the_end, share_found),
    hints=ONE_NUMBER
    | {
        "division by zero": "Where t_prev = 0, β̃ and 1 − ᾱ_{t'} are 0: divide by 1 − ᾱ_t alone.",
        "out of bounds": "The tables hold the times 0 … T: time t is index t.",
        "'float' object has no attribute": "x0_error is a plain number. Tables give tensors, which have such methods.",
    },
    mistakes={
        "this is β̃ alone. Of x_0 something is not known: add u (β − β̃).": variance_with(u=lambda k, error: 0),
        "this is β alone, which is the best where u = 1.": variance_with(u=lambda k, error: 1),
        "this is half-way between β̃ and β. How far it is says u.": variance_with(u=lambda k, error: 0.5),
        "β̃ and β have changed places: where the error is 0, β̃ is the best.": (
            variance_with(mix=lambda small, beta, u: beta + u * (small - beta))
        ),
        "it begins at β: where the error is 0, β̃ is the best.": (
            variance_with(mix=lambda small, beta, u: beta + u * (beta - small))
        ),
        "β̃ is missing: u (β − β̃) is what is added to it.": variance_with(mix=lambda small, beta, u: u * (beta - small)),
        "u β is added. What u multiplies is the difference β − β̃.": (
            variance_with(mix=lambda small, beta, u: small + u * beta)
        ),
        "this is u β. Begin at β̃, and go from there towards β.": variance_with(mix=lambda small, beta, u: u * beta),
        "u (β − β̃) is subtracted: what is not known of x_0 makes the variance larger.": (
            variance_with(mix=lambda small, beta, u: small - u * (beta - small))
        ),
        "at t_prev = 0 it returns β̃, which is 0 there. (9) needs no case of its own: β is 1 − ᾱ_t, x0_error remains.": (
            lambda x0_error, t, t_prev, schedule: best_of(x0_error, t, t_prev, schedule) if t_prev else torch.zeros(())
        ),
        **FINE_BEFORE_THE_END,
        "the logarithms are interpolated, as in Improved DDPM, but for β at t_prev = 0. With this u, (9) goes along a "
        "straight line.": variance_with(
            mix=lambda small, beta, u: (u * beta.log() + (1 - u) * (small if small > 0 else beta).log()).exp()
        ),
        "the standard deviations are interpolated: (9) does it with variances.": (
            variance_with(mix=lambda small, beta, u: (small.sqrt() + u * (beta.sqrt() - small.sqrt())) ** 2)
        ),
        "this is a mean of standard deviations. The variances are asked for, and interpolated.": (
            variance_with(mix=lambda small, beta, u: small.sqrt() + u * (beta.sqrt() - small.sqrt()))
        ),
        "this is σ. The variance σ² is asked for: leave the root out.": (
            variance_with(mix=lambda small, beta, u: (small + u * (beta - small)).sqrt())
        ),
        "u is not divided by 1 − ᾱ_t.": variance_with(u=lambda k, error: error),
        "u is divided by ᾱ_t, as if the error were one of ε. That of x̂_0 is divided by 1 − ᾱ_t.": (
            variance_with(u=lambda k, error: error / k.ab)
        ),
        "u is the error of ε, ᾱ_t / (1 − ᾱ_t) times that of x̂_0. Divide x0_error by 1 − ᾱ_t, and leave ᾱ_t out.": (
            variance_with(u=lambda k, error: error * k.ab / k.b2)
        ),
        "u is (1 − ᾱ_t) / ᾱ_t times the error, as if it were one of ε and that of x̂_0 were asked for. Divide x0_error "
        "by 1 − ᾱ_t.": variance_with(u=lambda k, error: error * k.b2 / k.ab),
        "u is multiplied by 1 − ᾱ_t: divide.": variance_with(u=lambda k, error: error * k.b2),
        "u is divided by √(1 − ᾱ_t): leave the root out, since the error is a square.": (
            variance_with(u=lambda k, error: error / k.b2.sqrt())
        ),
        "x0_error is squared: it is a mean of squares already.": variance_with(u=lambda k, error: error**2 / k.b2),
        "the root of x0_error is taken: variances are squares, and so is the error.": (
            variance_with(u=lambda k, error: error**0.5 / k.b2)
        ),
        "the root of u is taken.": variance_with(u=lambda k, error: (error / k.b2) ** 0.5),
        "u is squared.": variance_with(u=lambda k, error: (error / k.b2) ** 2),
        "u is held below 1. It may be larger, where the data vary by more than 1.": (
            variance_with(u=lambda k, error: (error / k.b2).clamp(max=1))
        ),
        f"β is that {OF_A_SINGLE_STEP}": variance_with(beta=lambda k: k.single),
        f"β̃ is that {OF_A_SINGLE_STEP}": variance_with(small=lambda k: k.single_small),
        f"β̃ and β are those {OF_A_SINGLE_STEP}": (
            variance_with(small=lambda k: k.single_small, beta=lambda k: k.single)
        ),
        "β, in β̃ too, is β_t of a single step. A jump adds more: 1 − ᾱ_t / ᾱ_{t'}.": (
            variance_with(small=lambda k: k.share * k.single, beta=lambda k: k.single)
        ),
        "the fraction in β̃ is upside down: it is (1 − ᾱ_{t'}) / (1 − ᾱ_t), and less than 1.": (
            variance_with(small=lambda k: k.beta / k.share)
        ),
        "the fraction in β is upside down, so all variances are negative: it is ᾱ_t / ᾱ_{t'}.": (
            variance_with(
                small=lambda k: k.share * (1 - k.ab_prev / k.ab),
                beta=lambda k: 1 - k.ab_prev / k.ab,
            )
        ),
        "t and t_prev have changed places.": variance_with(times=lambda t, t_prev: (t_prev, t)),
        "α stands where ᾱ belongs. α_t is what one step keeps, ᾱ_t what all steps up to t keep together.": (
            variance_with(table="alpha")
        ),
        TOO_EARLY: variance_with(times=lambda t, t_prev: (t - 1, t_prev - 1)),
        TOO_LATE: variance_with(times=lambda t, t_prev: (t + 1, t_prev + 1)),
        "the error is added with a weight that is not squared: √ᾱ_{t'} β / (1 − ᾱ_t) multiplies x̂_0, so its square "
        "multiplies the error.": weighted(lambda k: k.of_x0),
        "the weight of x̂_0 has ᾱ_t where ᾱ_{t'} belongs: it is √ᾱ_{t'} β / (1 − ᾱ_t).": (
            weighted(lambda k: k.ab * (k.beta / k.b2) ** 2)
        ),
        "the weight of x̂_0 has ᾱ_{t'} without its root.": weighted(lambda k: (k.ab_prev * k.beta / k.b2) ** 2),
        "the weight of x̂_0 has no √ᾱ_{t'}.": weighted(lambda k: (k.beta / k.b2) ** 2),
        "x0_error is added as it is. The mean holds only a part of x̂_0, so only a part of the error counts.": (
            weighted(lambda k: 1)
        ),
    },
)


SLIPS = {
    "nats": "every number would be ln 2 = 0.69 of the right one.",
    "one term": "each number would be one of the terms of its own sprite, seldom the largest, and never negative.",
    "density": "every number would be lower by up to log₂ 127.5 = 7 bits, and often negative.",
    "no last step": "each number would be the sum of the terms of its sprite but for the last one.",
    "per pixel": "every number would be three times the right one, since a pixel has three numbers.",
    "mean": "every number would be 1/768 of the right one, since a sprite has 768 numbers.",
}
"""The names of slips, by what each would do to the numbers of `three_bounds`."""

FOUND = {"A": "density", "B": "nats", "C": "one term"}
"""Which slip each of the programs has."""

SEEN = {
    "A": "Take A from the right number, sprite by sprite: it is much the same for all. And is A ever negative, as no "
    "number of bits can be?",
    "B": "Divide B by the right number, sprite by sprite: is it always the same, and how much?",
    "C": "Divide C by the right number, sprite by sprite, and see what another seed does to it: which slip leaves "
    "something to chance?",
}
"""What can be seen in the numbers of each, said to those who have named another slip."""


def three_bounds(
    model: Model,
    x0: Tensor,
    times: Sequence[int],
    schedule: NoiseSchedule,
    variance: Variance,
    generator: torch.Generator | None = None,
) -> dict[str, Tensor]:
    """What three programs say, A, B and C, each with another slip, which notebook 07 asks for.

    Args:
        model, x0, times, schedule, variance, generator: as in `bound_terms`.

    Returns for each program a number for each image, shape (B,): the bound in bits per dimension, or so it says.
    """
    densities: list[Tensor] = []

    def decoder(x0: Tensor, mean: Tensor, sigma2: Tensor) -> Tensor:
        densities.append(-log_density(x0, mean, sigma2).flatten(1).sum(1))
        return log_probability_of_level(x0, mean, sigma2)

    nats = bound_terms(model, x0, times, schedule, variance, decoder=decoder, generator=generator)
    bits = bits_per_dimension(nats, x0)
    drawn = torch.randint(1, len(bits), (1, len(x0)), generator=generator).to(bits.device)
    numbers = {
        "one term": bits.gather(0, drawn)[0],
        "density": bits[:-1].sum(0) + bits_per_dimension(densities[0], x0),
        "nats": math.log(2) * bits.sum(0),
    }
    return {program: numbers[slip] for program, slip in FOUND.items()}


def named(function: Function) -> Tensor:
    """Raise what the numbers say against a slip that was named; there is nothing to compare."""
    found = answered(function())
    if not isinstance(found, dict):
        raise Mistake(f"it returns a {type(found).__name__}, expected a dictionary with the keys A, B and C.")
    if set(found) != set(FOUND):
        keys = ", ".join(map(str, found)) or "none"
        raise Mistake(f"the keys of the dictionary are {keys}; expected A, B and C.")
    open_still = [program for program in FOUND if found[program] is ...]
    if len(open_still) == len(FOUND):
        raise NotAttempted
    for program, slip in FOUND.items():
        if found[program] is not ... and str(found[program]) != slip:
            raise Mistake(against(program, found[program]))
    if open_still:
        raise Mistake(f"so far it is right. {' and '.join(open_still)} still to be named.")
    return torch.zeros(())


def against(program: str, slip: object) -> str:
    """What the numbers of a program say against a slip."""
    if not isinstance(slip, str) or slip not in SLIPS:
        return f"{program} has {slip!r}, which is none of the slips: {', '.join(map(repr, SLIPS))}."
    return f"{program} does not have the slip {slip!r}: {SLIPS[slip]} {SEEN[program]}"


def naming(**other: object) -> Function:
    """The right answer, but for these programs."""
    return lambda: FOUND | other


check_slips = Exercise(
    name="slips",
    asks="Check `slips()`: which slip each of the programs A, B and C has, as a dictionary.",
    right=naming(),
    cases=lambda seed: [Case(())],
    run=named,
    mistakes={
        "it returns a list, expected a dictionary": lambda: list(FOUND.values()),
        "expected A, B and C.": lambda: {slip: program for program, slip in FOUND.items()},
        "which is none of the slips": naming(A="bits"),
        "so far it is right. B and C still to be named.": naming(B=..., C=...),
        **{
            against(program, slip): naming(**{program: slip})
            for program, right in FOUND.items()
            for slip in SLIPS
            if slip != right
        },
    },
)
