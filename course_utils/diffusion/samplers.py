"""Sampling: the DDPM step, the DDIM step, the one loop that walks them along its timesteps, and slerp between noises.

A step is a pure function of numbers that are handed to it. Guidance, clipping and other parameterisations are models
(`guidance`, `models`), so nothing here knows of them.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from math import sqrt
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from tqdm.auto import tqdm

from ..validation import (
    require_generator,
    require_noise,
    require_noises,
    require_number,
    require_shape,
    require_step,
    require_variance,
    require_walk,
)
from .models import Model
from .posterior import Variance, fixed_small
from .schedules import NoiseSchedule


class StepFunction(Protocol):
    """One step of a sampler: `step(x_t, eps, t, t_prev, schedule, noise=…)` gives x at t_prev."""

    def __call__(  # noqa: D102  the class says it
        self, x_t: Tensor, eps: Tensor, t: int, t_prev: int, schedule: NoiseSchedule, *, noise: Tensor | None
    ) -> Tensor: ...


class Step(NamedTuple):
    """What one step of sampling leaves behind.

    Attributes:
        t: the time at which it arrived.
        x: the batch at this time, shape (B, …).
        x0_hat: the clean batch that the model had in mind when the step was taken, of the same shape.
    """

    t: int
    x: Tensor
    x0_hat: Tensor


def ddpm_step(
    x_t: Tensor,
    eps: Tensor,
    t: int,
    t_prev: int,
    schedule: NoiseSchedule,
    variance: Variance = fixed_small,
    noise: Tensor | None = None,
) -> Tensor:
    """One ancestral step from t to t_prev < t: (x_t − β/√(1 − ᾱ_t) ε)/√(1 − β) + σ z (DDPM, Algorithm 2, line 4).

    A step over several times at once uses the β of that jump, 1 − ᾱ_t/ᾱ_{t_prev}, which is β_t when t_prev = t − 1.

    Args:
        x_t: batch at time t, shape (B, …), floating point.
        eps: the noise in it, as predicted by a model; of the same shape.
        t, t_prev: where the step starts, in 1…T, and where it ends, in 0…t − 1.
        schedule: the noise schedule.
        variance: σ² of the step, a function of `posterior`: by default β̃, that of the posterior (DDPM eq. 7);
            `fixed_large` is β, and `LearnedVariance` has one for each number of x_t.
        noise: z, from a unit Gaussian, of the shape of `x_t`. A step that ends at 0 adds no noise and needs none.

    Returns the batch at t_prev. Raises ValueError for other shapes, dtypes, times, NaN, or noise that is missing.
    """
    require_step(x_t, eps, t, t_prev, schedule.T, eta=1)
    ab, ab_prev = float(schedule.alpha_bar[t]), float(schedule.alpha_bar[t_prev])
    beta = 1 - ab / ab_prev  # β_t, or that of a jump
    mean = (x_t - beta / sqrt(1 - ab) * eps) / sqrt(1 - beta)
    sigma = require_variance(variance(x_t, eps, t, t_prev, schedule), x_t).sqrt() * (t_prev > 0)
    return mean + sigma * require_noise(noise, x_t) if sigma.any() else mean  # equation (3) of notebook 02


def ddim_step(
    x_t: Tensor,
    eps: Tensor,
    t: int,
    t_prev: int,
    schedule: NoiseSchedule,
    eta: float = 0.0,
    noise: Tensor | None = None,
) -> Tensor:
    """One DDIM step: √ᾱ' x̂_0 + √(1 − ᾱ' − σ²) ε + σ z, with ᾱ' = ᾱ at t_prev (Song et al. 2020, eq. 12 and 16).

    Args:
        x_t, eps, t, t_prev, schedule: as in `ddpm_step`; with eta = 0, t_prev may also be larger than t.
        eta: σ as a multiple of the posterior standard deviation of the jump, in [0, 1]; 0 adds no noise, and 1 over
            all steps is DDPM.
        noise: z, from a unit Gaussian, of the shape of `x_t`; needed when eta > 0 and t_prev > 0.

    Returns the batch at t_prev. Raises ValueError for other shapes, dtypes, times, NaN, or noise that is missing.
    """
    require_step(x_t, eps, t, t_prev, schedule.T, eta)
    ab, ab_prev = float(schedule.alpha_bar[t]), float(schedule.alpha_bar[t_prev])
    # To a later time eta is 0, and the second root would be of a negative number.
    sigma = eta * sqrt((1 - ab_prev) / (1 - ab)) * sqrt(1 - ab / ab_prev) if eta else 0.0  # (3) of notebook 06
    x0_hat = (x_t - sqrt(1 - ab) * eps) / sqrt(ab)
    mean = sqrt(ab_prev) * x0_hat + sqrt(1 - ab_prev - sigma**2) * eps
    return mean + sigma * require_noise(noise, x_t) if sigma else mean  # (2)


def sample(
    model: Model,
    x: Tensor,
    times: Sequence[int],
    schedule: NoiseSchedule,
    step: StepFunction = ddim_step,
    c: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Iterator[Step]:
    """Walk a batch along `times` and yield where each step arrived: every sampler of the course.

    Args:
        model: any callable `model(x, t, c) -> eps`.
        x: the batch at times[0], shape (B, …); pure noise if that is T.
        times: where to stop on the way, usually `schedule.timesteps(n)`.
        schedule: the noise schedule.
        step: how to get from one time to the next; `functools.partial` sets its eta or variance.
        c: contexts for the model, shape (B, n_context), or None.
        generator: where the noise of the steps comes from; without it steps get none, and those that need it say so.

    Yields a `Step` for each pair of neighbouring times; no gradients are kept. Raises ValueError at once if `times`,
    `x` or `generator` will not do.
    """
    pairs, generator = require_walk(x, times, schedule.T), require_generator("generator", generator)

    def walk(x: Tensor) -> Iterator[Step]:
        for t, t_prev in pairs:
            with torch.no_grad():
                eps = model(x, torch.full((len(x),), t, device=x.device), c)
                noise = None if generator is None else _randn_like(x, generator)
                x_prev = step(x, eps, t, t_prev, schedule, noise=noise)  # which asks about x and eps
                x0_hat = (x - schedule.noise(t) * eps) / schedule.signal(t)
                x = x_prev
            yield Step(t_prev, x, x0_hat)

    return walk(x)


def sample_ddpm(
    model: Model,
    shape: Sequence[int],
    schedule: NoiseSchedule,
    n: int | None = None,
    c: Tensor | None = None,
    variance: Variance = fixed_small,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw samples with DDPM in n steps, by default all T of them.

    Arguments and result are those of `sample_ddim`; `variance` is that of `ddpm_step`.
    """
    x, generator = pure_noise(shape, generator)
    times, step = schedule.timesteps(schedule.T if n is None else n), partial(ddpm_step, variance=variance)
    return last(sample(model, x, times, schedule, step, c, generator), times)


def sample_ddim(
    model: Model,
    shape: Sequence[int],
    schedule: NoiseSchedule,
    n: int = 25,
    c: Tensor | None = None,
    eta: float = 0.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw samples with DDIM.

    Args:
        model: any callable `model(x, t, c) -> eps`.
        shape: of the batch to draw, such as (32, 3, 16, 16).
        schedule: the schedule that the model was trained for.
        n: number of steps, in 1…T.
        c: contexts, shape (B, n_context), or None.
        eta: how much noise each step adds, from 0 (none) to 1 (as much as DDPM).
        generator: where all noise comes from, and with it the device; by default torch's own, on the CPU.

    Returns the samples, of the given shape. Shows a progress bar when it takes longer than two seconds.
    """
    noisy = require_number("eta", eta, 0, 1) > 0
    x, generator = pure_noise(shape, generator)
    times, step = schedule.timesteps(n), partial(ddim_step, eta=eta)
    return last(sample(model, x, times, schedule, step, c, generator if noisy else None), times)


def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """Go from one noise to another along an arc, each image on its own, so that what lies between is as long as noise.

    (sin((1 − u) Ω) a + sin(u Ω) b) / sin Ω with Ω the angle between a and b, as vectors of all their numbers (Shoemake
    1985; for starts of DDIM in Song et al. 2020, appendix D.5).

    Args:
        a, b: two batches of noise, shape (B, …), floating point.
        share: u, from 0 (all a) to 1 (all b).

    Returns a batch of their shape. Raises ValueError for other shapes, dtypes, NaN, a share outside [0, 1], and where
    a and b are parallel or zero, so that there is no one arc between them.
    """
    require_noises(a, b, share)
    a64, b64 = (x.flatten(1).cpu().double() for x in (a, b))  # not every device has float64
    cosine = torch.cosine_similarity(a64, b64).clamp(-1, 1)
    angle = cosine.acos().view(-1, *[1] * (a.ndim - 1))
    of_a, of_b = ((part * angle).sin().div(angle.sin()).to(a.dtype) for part in (1 - share, share))
    return of_a.to(a) * a + of_b.to(b) * b  # equation (4) of notebook 06


def pure_noise(shape: Sequence[int], generator: torch.Generator | None) -> tuple[Tensor, torch.Generator]:
    """Pure noise, and where it came from."""
    generator = require_generator("generator", generator) or torch.default_generator
    return torch.randn(require_shape("shape", shape), generator=generator, device=generator.device), generator


def last(steps: Iterator[Step], times: Sequence[int]) -> Tensor:
    """Where a walk arrives, with a bar for those who wait."""
    end: Step = deque(tqdm(steps, total=len(times) - 1, delay=2, leave=False), maxlen=1).pop()
    return end.x


def _randn_like(x: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(x.shape, generator=generator, dtype=x.dtype, device=generator.device).to(x.device)
