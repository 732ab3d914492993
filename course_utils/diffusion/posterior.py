"""The posterior q(x_{t'} | x_t, x_0) of any jump, and what variance a step of the reverse process may take.

A variance is a function `variance(x_t, eps, t, t_prev, schedule)`: β̃, β, what lies between, the best for a measured
error, and the best that a network can tell from what it sees. What a wrong one costs is computed in `likelihood`.
"""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from ..validation import require_floats, require_noisy_batch, require_number, require_table, require_times
from .schedules import NoiseSchedule


class Variance(Protocol):
    """σ² of a reverse step: `variance(x_t, eps, t, t_prev, schedule)`, that multiplies a batch like `x_t`."""

    def __call__(  # noqa: D102  the class says it
        self, x_t: Tensor, eps: Tensor, t: int | Tensor, t_prev: int | Tensor, schedule: NoiseSchedule
    ) -> Tensor: ...


class Jump(NamedTuple):
    """The posterior q(x_{t'} | x_t, x_0) of a jump from t to an earlier t': its mean is of_x0 · x_0 + of_x_t · x_t.

    Attributes:
        beta: β = 1 − ᾱ_t / ᾱ_{t'}, the variance that the forward process adds from t' to t.
        variance: β̃ = (1 − ᾱ_{t'}) / (1 − ᾱ_t) β, that of the posterior; 0 where t' = 0.
        of_x0: √ᾱ_{t'} β / (1 − ᾱ_t).
        of_x_t: √(1 − β) (1 − ᾱ_{t'}) / (1 − ᾱ_t).
    """

    beta: Tensor
    variance: Tensor
    of_x0: Tensor
    of_x_t: Tensor


def jump(t: int | Tensor, t_prev: int | Tensor, schedule: NoiseSchedule, x_t: Tensor) -> Jump:
    """The posterior of a jump from t to t_prev, a single step where t_prev = t − 1 (DDPM eq. 6 and 7).

    Args:
        t, t_prev: one time each, or integer tensors of shape (B,), with t in 1…T and t_prev in 0…t − 1.
        schedule: the noise schedule.
        x_t: the batch that is to be multiplied, shape (B, …).

    Returns tensors of shape (B, 1, …), of the dtype and device of `x_t`. Raises ValueError for other times.
    """
    require_floats("x_t", x_t)
    start, end = require_times("t", t, 1, schedule.T, x_t), require_times("t_prev", t_prev, 0, schedule.T, x_t)
    if (end >= start).any():
        at = int((end >= start).nonzero()[0])
        raise ValueError(f"t_prev must be smaller than t, got t = {start[at].item()}, t_prev = {end[at].item()}")
    ab, ab_prev = schedule.alpha_bar[start], schedule.alpha_bar[end]  # float64 until all differences are taken
    beta = 1 - ab / ab_prev
    share = (1 - ab_prev) / (1 - ab)
    numbers = beta, share * beta, ab_prev.sqrt() * beta / (1 - ab), (ab / ab_prev).sqrt() * share
    return Jump(*(n.to(x_t.dtype).to(x_t.device).view(-1, *[1] * (x_t.ndim - 1)) for n in numbers))


def fixed_small(x_t: Tensor, eps: Tensor, t: int | Tensor, t_prev: int | Tensor, schedule: NoiseSchedule) -> Tensor:
    """β̃, the variance of the posterior: the best where all data are one point, and too small for others."""
    return jump(t, t_prev, schedule, x_t).variance


def fixed_large(x_t: Tensor, eps: Tensor, t: int | Tensor, t_prev: int | Tensor, schedule: NoiseSchedule) -> Tensor:
    """β, the variance of the forward step: the best for Gaussian data of variance 1, and too large for less."""
    return jump(t, t_prev, schedule, x_t).beta


def log_between(v: float | Tensor) -> Variance:
    """exp(v log β + (1 − v) log β̃), with v in [0, 1], as in Nichol & Dhariwal 2021 (arXiv:2102.09672, eq. 15).

    Where a step ends at 0, β̃ = 0 has no logarithm, and β is taken. `v` is a number, or a batch like x_t.
    """
    shares = require_shares("v", v)

    def variance(x_t: Tensor, eps: Tensor, t: int | Tensor, t_prev: int | Tensor, schedule: NoiseSchedule) -> Tensor:
        step, share = jump(t, t_prev, schedule, x_t), shares.to(x_t.dtype).to(x_t.device)
        small = torch.where(step.variance > 0, step.variance, step.beta)
        return (share * step.beta.log() + (1 - share) * small.log()).exp()

    return variance


def best_variance(x0_error: Tensor) -> Variance:
    """β̃ + u (β − β̃) with u = E[(x_0 − x̂_0)²] / (1 − ᾱ_t): the best variance that all x_t of a time share.

    It is the variance of x_{t'} given x_t: that of the posterior, and what is not known of x_0 (Analytic-DPM, Bao et
    al. 2022, arXiv:2201.06503). u does not depend on t', so one table serves jumps of any length.

    Args:
        x0_error: a table of length T + 1, the mean squared error of a number of x̂_0 at each time; see `x0_errors`.
    """
    require_errors("x0_error", x0_error)

    def variance(x_t: Tensor, eps: Tensor, t: int | Tensor, t_prev: int | Tensor, schedule: NoiseSchedule) -> Tensor:
        require_noisy_batch(t, schedule.T, x_t=x_t, eps=eps)
        require_table("x0_error", x0_error, schedule.T)
        u = schedule.at(x0_error, t, x_t) / schedule.at(1 - schedule.alpha_bar, t, x_t)
        return between(u, t, t_prev, schedule)

    return variance


class LearnedVariance(nn.Module):
    """A variance for each number of each x_t: a network says how far off x̂_0 is, from x_t and from x̂_0 itself.

    What it puts out is log u, with u as in `best_variance`, so it begins near β, and its answer serves jumps of any
    length. It is trained by `hybrid_loss`, and works beside any model: what a step knows is all that it is told.

    Args:
        network: `network(x, t) -> log u`, from twice the channels of a picture to as many as a picture has.
        schedule: the schedule that it is trained with.
    """

    def __init__(self, network: nn.Module, schedule: NoiseSchedule) -> None:
        super().__init__()
        self.network, self.schedule = network, schedule

    def share(self, x_t: Tensor, x0_hat: Tensor, t: int | Tensor) -> Tensor:
        """The u of each number, of the shape of `x_t`, between e⁻¹⁵ and e⁵."""
        require_noisy_batch(t, self.schedule.T, x_t=x_t, x0_hat=x0_hat)
        times = require_times("t", t, 1, self.schedule.T, x_t).to(x_t.device)
        log_u: Tensor = self.network(torch.cat([x_t, x0_hat], dim=1), times)
        return log_u.to(x_t.dtype).clamp(-15, 5).exp()  # in half precision u would be coarse

    def forward(
        self, x_t: Tensor, eps: Tensor, t: int | Tensor, t_prev: int | Tensor, schedule: NoiseSchedule
    ) -> Tensor:
        """σ² of the step from t to t_prev, of the shape of `x_t`."""
        return between(self.share(x_t, schedule.predict_x0(x_t, t, eps), t), t, t_prev, schedule)


def learned_variance(model: nn.Module, schedule: NoiseSchedule) -> LearnedVariance:
    """The variance that a model learned with its mean, if its network is a `UnetWithVariance`."""
    error = getattr(getattr(model, "network", model), "error", None)
    if not isinstance(error, nn.Module):
        raise ValueError(
            f"model must have learned its variance, as `likelihood` has; this {type(model).__name__} has none"
        )
    return LearnedVariance(error, schedule)


def between(u: Tensor, t: int | Tensor, t_prev: int | Tensor, schedule: NoiseSchedule) -> Tensor:
    """β̃ + u (β − β̃), for u that multiplies a batch, such as one of shape (B, 1, …)."""
    step = jump(t, t_prev, schedule, u)
    return step.variance + u * (step.beta - step.variance)  # equation (9) of notebook 07


def require_shares(name: str, v: object) -> Tensor:
    """A share from 0 to 1, or a batch of them."""
    if not isinstance(v, Tensor) or v.ndim == 0:
        return torch.tensor(require_number(name, v, 0, 1), dtype=torch.float64)
    for end in require_floats(name, v).detach().aminmax():
        require_number(name, end.item(), 0, 1)
    return v


def require_errors(name: str, table: object) -> Tensor:
    """Mean squared errors at the times 0…T, for any T: a table of numbers of at least 0."""
    errors = require_floats(name, table)
    if errors.ndim != 1 or errors.min() < 0:
        got = f"shape {tuple(errors.shape)} and {errors.min().item():.4g} among them"
        raise ValueError(f"{name} must be a table of T + 1 numbers of at least 0, got {got}")
    return errors
