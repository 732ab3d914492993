"""The checks of notebook 06: a list of fewer times, the step that may be long, and the arc between two noises.

Right answers and classic mistakes only; how a verdict is reached from them stands in `verdict.py`, and the sampler that
the rest of the course uses in `samplers.py`.
"""

import math
from collections.abc import Callable
from itertools import pairwise
from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from ..diffusion.samplers import ddim_step, slerp
from ..diffusion.schedules import NoiseSchedule
from .ch02_sampling import step_batch
from .old_verdict import Case, Mistake, check, compare_amounts, is_blank

WALKS = ((500, 30), (500, 25), (10, 7), (12, 12), (5, 1), (1, 1))
"""T and n of the lists that are asked for: where n divides T, where it does not, all times, and a single step."""


STEPS = ((40, 20, 0.5), (60, 20, 1.0), (20, 19, 1.0), (9, 2, 0.5), (60, 10, 0.0), (20, 0, 0.5), (1, 0, 1.0))
"""t, t_prev and η of the steps that are tried: long, short, and to the end."""


def check_timesteps(timesteps: Callable[[int, int], list[int]]) -> None:
    """Check `timesteps(T, n)`: a list of n + 1 whole numbers that fall from T to 0 in steps as equal as can be."""

    def attempt() -> Any:
        for T, n in WALKS:
            times = timesteps(T, n)
            if (T, n) == WALKS[0] and is_blank(times):
                return None
            if found := _wrong_times(times, T, n):
                raise Mistake(f"with T = {T} and n = {n}, {found}")
        return torch.zeros(())

    check("timesteps", attempt, Case((), torch.zeros(()), {}))


def check_ddim_step(
    ddim_step: Callable[[Tensor, Tensor, int, int, NoiseSchedule, float, Tensor], Tensor],
) -> None:
    """Check `ddim_step(x_t, eps, t, t_prev, schedule, eta, noise)`: from x_t to an earlier time, near or far."""
    check("ddim_step", ddim_step, *(_ddim_step_over(*step) for step in STEPS))


def check_slerp(slerp: Callable[[Tensor, Tensor, float], Tensor]) -> None:
    """Check `slerp(a, b, share)`: from a to b along an arc, each image by its own angle."""
    check("slerp", slerp, *map(_slerp_at, (0.25, 0.5, 0.9, 0.0, 1.0)))


def _wrong_times(times: Any, T: int, n: int) -> str | None:
    """What is wrong with a list of times, or None; any way of rounding is right."""
    if not isinstance(times, list):
        return f"it returns a {type(times).__name__}, expected a list of whole numbers."
    for t in times:
        if not isinstance(t, Integral):
            return f"the list holds a {type(t).__name__}, expected whole numbers: //, round and .tolist() make them."
    if len(times) < 2:
        return f"the list is {times}, but even a single step needs two times: where it starts and where it ends."
    steps = [t - t_prev for t, t_prev in pairwise(times)]
    if max(steps) < 0:
        return f"the times grow, from {times[0]} to {times[-1]}. Sampling begins with noise, at T, and goes down to 0."
    if min(times) < 0:
        return (
            f"the list runs past 0, to {min(times)}. There is no such time, and a table, asked for index {min(times)}, "
            "answers from its end: no error, only a wrong picture."
        )
    if max(times) > T:
        return f"the list holds {max(times)}, and the last time that the schedule knows is T = {T}."
    if T % n and len(set(steps)) == 1:
        return (
            f"every step is {steps[0]} long, and {n} of these cover {n * steps[0]} of {T}: steps of one length do not "
            "fit. Take T · i / n for i = n, …, 0 and round each."
        )
    if times[0] != T:
        return f"the list begins with {times[0]}: pure noise is at T = {T}, and sampling begins there."
    if times[-1] != 0:
        return f"the list ends with {times[-1]}: the finished picture is at 0, so that is the last time."
    if min(steps) <= 0:
        where = next(i for i, step in enumerate(steps) if step <= 0)
        return f"{times[where + 1]} comes after {times[where]}: every time must be smaller than the one before."
    if len(times) != n + 1:
        return f"there are {len(times)} times, and so {len(steps)} steps: n steps need n + 1 times."
    if max(steps) - min(steps) > 1:
        return (
            f"the steps are between {min(steps)} and {max(steps)} long. As equal as whole numbers allow means that no "
            "two differ by more than 1."
        )
    return None


def _ddim_step_over(t: int, t_prev: int, eta: float) -> Case:
    schedule, x_t, eps, z = step_batch()
    before, ab = schedule.alpha_bar[t_prev], schedule.alpha_bar[t]
    a, b = ab.sqrt(), (1 - ab).sqrt()
    faded, x0_hat, sigma = before.sqrt(), (x_t - b * eps) / a, eta * _sigma(schedule, t, t_prev)
    towards, nothing, one = (1 - before - sigma**2).sqrt(), torch.zeros(()), torch.ones(())

    def step(
        x0_hat: Tensor = x0_hat,
        sigma: Tensor = sigma,
        picture: Tensor = faded,
        towards: Tensor | None = None,
        added: Tensor | None = None,
    ) -> Tensor:
        """A step with other parts. Another σ counts twice, under the root and before z."""
        root = (1 - before - sigma**2).sqrt() if towards is None else towards
        return picture * x0_hat + root * eps + (sigma if added is None else added) * z

    mistakes = {
        "σ² is missing under the root: z brings noise of its own, so ε must bring less, √(1 − ᾱ_{t'} − σ²).": (
            step(towards=(1 - before).sqrt())
        ),
        "σ² is taken away twice under the root.": step(towards=(1 - before - 2 * sigma**2).sqrt()),
        "under the root stands σ; it takes the variance, σ².": step(towards=(1 - before - sigma).sqrt()),
        "under the root σ² is added; z brings noise of its own, so take it away.": (
            step(towards=(1 - before + sigma**2).sqrt())
        ),
        "ε has no root: it is scaled by √(1 − ᾱ_{t'} − σ²).": step(towards=towards**2),
        "x̂_0 and ε have ᾱ_t where ᾱ_{t'} belongs, so the step goes nowhere: look that up at t_prev.": (
            step(picture=a, towards=(1 - ab - sigma**2).sqrt())
        ),
        "x̂_0 is scaled by √ᾱ_t; where the step ends it is √ᾱ_{t'}, looked up at t_prev.": step(picture=a),
        "under the root stands ᾱ_t; where the step ends it is ᾱ_{t'}, looked up at t_prev.": (
            step(towards=(1 - ab - sigma**2).sqrt())
        ),
        "x̂_0 is scaled by ᾱ_{t'}; take the square root.": step(picture=before),
        "x̂_0 is not scaled: at t_prev the picture is faded by √ᾱ_{t'}.": step(picture=one),
        "this is x̂_0 itself: put the noise of time t_prev back in.": x0_hat,
        "ε is missing: at t_prev there is still noise in the picture.": step(towards=nothing),
        "z is missing: add σ z.": step(added=nothing),
        "z is scaled by the variance σ²; it takes the standard deviation σ.": step(added=sigma**2),
        "z is scaled by η alone: it takes σ.": step(added=eta * one),
        "z is not scaled: it takes σ.": step(added=one),
        "ε and z have changed places: z takes σ.": step(towards=sigma, added=towards),
        **{name: step(sigma=wrong) for name, wrong in _wrong_sigmas(schedule, t, t_prev, eta).items()},
        **{name: step(wrong) for name, wrong in _wrong_guesses(x_t, eps, before, ab).items()},
        **_other_steps(schedule, x_t, eps, z, t, t_prev, eta),
    }
    amounts = compare_amounts(step(), {"x_t": x_t, "ε": eps, "z": z})
    where = f"from t = {t} to t_prev = {t_prev} with η = {eta:g}, "
    truth = ddim_step(x_t, eps, t, t_prev, schedule, eta, z)
    return Case((x_t, eps, t, t_prev, schedule, eta, z), truth, mistakes, (amounts,), where)


def _wrong_sigmas(schedule: NoiseSchedule, t: int, t_prev: int, eta: float) -> dict[str, Tensor]:
    before, ab = schedule.alpha_bar[t_prev], schedule.alpha_bar[t]
    first, second = (1 - before) / (1 - ab), 1 - ab / before
    root = (first * second).sqrt()
    return {
        "η does not come in: this is the step of η = 0.": 0 * root,
        "η is missing in σ: with η = 0 nothing may be added.": root,
        "η is squared: σ is η times the two roots.": eta**2 * root,
        "η stands under the roots of σ; it belongs before them.": math.sqrt(eta) * root,
        "σ has no root: these are variances, and z takes the standard deviation.": eta * first * second,
        "the first fraction in σ is upside down: it is (1 − ᾱ_{t'}) / (1 − ᾱ_t), and less than 1.": (
            eta * (second / first).sqrt()
        ),
        "the second fraction in σ is upside down: it is 1 − ᾱ_t / ᾱ_{t'}, and ᾱ_{t'} is the larger one.": (
            eta * first.sqrt() * (1 - before / ab).sqrt()
        ),
        "the first factor of σ is missing: √((1 − ᾱ_{t'}) / (1 − ᾱ_t)).": eta * second.sqrt(),
        "the second factor of σ is missing: √(1 − ᾱ_t / ᾱ_{t'}).": eta * first.sqrt(),
        "σ has 1 − α_t, of a single step. A longer one adds more: it takes 1 − ᾱ_t / ᾱ_{t'}.": (
            eta * (first * schedule.beta[t]).sqrt()
        ),
        "σ is that of a single step, from t to t − 1. A longer one adds more: look up ᾱ_{t'} at t_prev.": (
            eta * schedule.posterior_variance[t].sqrt()
        ),
    }


def _wrong_guesses(x_t: Tensor, eps: Tensor, before: Tensor, ab: Tensor) -> dict[str, Tensor]:
    a, b = ab.sqrt(), (1 - ab).sqrt()
    return {
        "x̂_0 is still faded: divide it by √ᾱ_t.": x_t - b * eps,
        "x̂_0 is divided by ᾱ_t; the picture was multiplied by √ᾱ_t.": (x_t - b * eps) / ab,
        "in x̂_0 the noise is scaled by its variance 1 − ᾱ_t; take the square root.": (x_t - b**2 * eps) / a,
        "in x̂_0 the noise is added once more instead of being removed.": (x_t + b * eps) / a,
        "x̂_0 is looked up at t_prev. The noise was seen at time t, so it takes ᾱ_t.": (
            (x_t - (1 - before).sqrt() * eps) / before.sqrt()
        ),
        "it clamps x̂_0 to [−1, 1]. A wrapper may want that later; this formula does not do it.": (
            ((x_t - b * eps) / a).clamp(-1, 1)
        ),
    }


def _other_steps(
    schedule: NoiseSchedule, x_t: Tensor, eps: Tensor, z: Tensor, t: int, t_prev: int, eta: float
) -> dict[str, Tensor]:
    sigma, single_sigma = eta * _sigma(schedule, t, t_prev), eta * schedule.posterior_variance[t].sqrt()

    def ddim(t: int, t_prev: int) -> Tensor:
        """The right formula, without the questions of `samplers.ddim_step`: what t < 1 looks up gives NaN."""
        before, ab, sigma = schedule.alpha_bar[t_prev], schedule.alpha_bar[t], eta * _sigma(schedule, t, t_prev)
        x0_hat = (x_t - (1 - ab).sqrt() * eps) / ab.sqrt()
        return before.sqrt() * x0_hat + (1 - before - sigma**2).sqrt() * eps + sigma * z

    def ddpm_mean(alpha: Tensor) -> Tensor:
        return (x_t - (1 - alpha) / (1 - schedule.alpha_bar[t]).sqrt() * eps) / alpha.sqrt()

    single, jump = ddpm_mean(schedule.alpha[t]), ddpm_mean(schedule.alpha_bar[t] / schedule.alpha_bar[t_prev])
    return {
        "this goes to t − 1 only. Look up ᾱ at t_prev, which may be much earlier.": ddim(t, t - 1),
        "this looks up every table one place too early. They begin with the clean image at index 0, so time t is index "
        "t.": ddim(t - 1, t_prev - 1),
        "this is DDPM's step from t to t − 1, with β_t and α_t. It knows nothing of t_prev.": single + single_sigma * z,
        "this is DDPM's step from t to t − 1, with β_t and α_t, and only σ knows of t_prev.": single + sigma * z,
        "the mean is that of DDPM, which is right for η = 1 alone. For others ε takes √(1 − ᾱ_{t'} − σ²).": (
            jump + sigma * z
        ),
    }


def _sigma(schedule: NoiseSchedule, t: int, t_prev: int) -> Tensor:
    """The standard deviation of z with η = 1."""
    before, ab = schedule.alpha_bar[t_prev], schedule.alpha_bar[t]
    return ((1 - before) / (1 - ab) * (1 - ab / before)).sqrt()


def _slerp_at(share: float) -> Case:
    a, b = _two_noises()
    x, y = a.double(), b.double()
    lengths = [one.flatten(1).norm(dim=1).view(-1, 1, 1, 1) for one in (x, y)]
    product = (x * y).flatten(1).sum(1).view(-1, 1, 1, 1)
    cosine = product / (lengths[0] * lengths[1])

    def along(angle: Tensor, share: float = share, a: Tensor = x, b: Tensor = y) -> Tensor:
        return (((1 - share) * angle).sin() * a + (share * angle).sin() * b) / angle.sin()

    angle, straight = cosine.acos(), (1 - share) * x + share * y
    wrong = {
        "this is the straight line from a to b. What lies between is too short: half-way between two noises the "
        "standard deviation is about 0.7, and the model was trained on 1.": straight,
        "this is the straight line, stretched. That is good only where a and b have nothing in common; the arc takes "
        "sines of Ω.": straight / math.sqrt((1 - share) ** 2 + share**2),
        "these are the roots √(1 − u) and √u. They keep the variance where a and b have nothing in common, and are not "
        "the arc: it takes sines of Ω.": math.sqrt(1 - share) * x + math.sqrt(share) * y,
        "a and b have changed places: share 0 is all a.": along(angle, 1 - share),
        "one angle serves the whole batch. Each image has its own: flatten(1), not flatten().": (
            along((product.sum() / (x.norm() * y.norm())).acos())
        ),
        "one angle, the mean of all, serves the whole batch. Each image has its own.": along(angle.mean()),
        "an angle is measured for every pixel. An image is one vector: flatten(1) first.": (
            along(torch.cosine_similarity(x, y, dim=1)[:, None].acos())
        ),
        "all is NaN: the dot product must be divided by both lengths, since acos knows only −1 … 1.": (
            along(product.acos())
        ),
        "the cosine of Ω is the mean of a · b, which is so only where both have standard deviation 1. Divide the dot "
        "product by both lengths.": along((x * y).flatten(1).mean(1).view(-1, 1, 1, 1).acos()),
        "cosine and sine of u · 90° fit a right angle, which noises have only on average: measure Ω.": (
            along(torch.tensor(torch.pi / 2, dtype=torch.float64))
        ),
        "the cosine of Ω serves as Ω: acos is missing.": along(cosine),
        "it is not divided by sin Ω, so it does not begin at a.": along(angle) * angle.sin(),
        "the result has length 1. Unit vectors serve to find Ω; then mix a and b as they are.": (
            along(angle, a=x / lengths[0], b=y / lengths[1])
        ),
    }
    mistakes = {name: one.to(a.dtype) for name, one in wrong.items()}
    return Case((a, b, share), slerp(a, b, share), mistakes, (), f"with share = {share:g}, ")


def _two_noises() -> tuple[Tensor, Tensor]:
    """Six pairs of noises with six different angles and lengths, none of them right and none 1."""
    a, other = torch.randn((2, 6, 3, 5, 4), generator=torch.Generator().manual_seed(0))
    common, size = (torch.linspace(low, high, 6).view(-1, 1, 1, 1) for low, high in ((0.2, 0.8), (0.6, 1.1)))
    return size.flip(0) * a, size * (common * a + (1 - common**2).sqrt() * other)
