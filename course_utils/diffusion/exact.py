"""The bound without chance: for numbers from a known mixture of Gaussians, by quadrature; it grades all the rest.

Terms, the best variances and the entropy, in nats. What is sampled stands in `likelihood`.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..validation import require_int, require_variance
from .likelihood import require_chain, require_gaussians
from .models import Model
from .oracles import MixtureDenoiser
from .posterior import Variance, between, jump
from .schedules import NoiseSchedule


def exact_terms(
    model: Model,
    truth: MixtureDenoiser,
    times: Sequence[int],
    schedule: NoiseSchedule,
    variance: Variance,
    n: int = 4001,
) -> Tensor:
    """The terms of the bound, averaged over x_0 and all noise, for numbers from a known mixture: by quadrature.

    Args:
        model: any callable `model(x, t, c) -> eps`, for x of shape (n, 1); `truth` itself is the best one.
        truth: a mixture of Gaussians in one dimension, means of shape (K, 1), of positive width, best in float64.
        times: the chain, from T down to 0.
        schedule: the noise schedule.
        variance: σ² of the steps, positive in the last one, too.
        n: points of the grid on which x_t is integrated.

    Returns nats of shape (len(times),), as in `bound_terms` with `log_density` for the decoder. The sum less
    `entropy(truth)` is the gap: what the steps of the model lose.
    """
    require_line(truth, schedule)
    weights, means = truth.weights, truth.means.flatten()
    ab = schedule.alpha_bar[schedule.T].to(means)
    second_moment = (weights * means.square()).sum() + truth.std**2
    terms = [(ab * second_moment - ab - torch.log1p(-ab)) / 2]
    for t, t_prev in require_chain(truth.means, times, schedule.T):
        x_t, mass = quadrature(truth, t, n)
        eps = model(x_t, torch.full((n,), t), None)
        step, sigma2 = jump(t, t_prev, schedule, x_t), require_variance(variance(x_t, eps, t, t_prev, schedule), x_t)
        require_gaussians(variance=sigma2)
        bias = schedule.predict_x0(x_t, t, eps) - truth.predict_x0(x_t, t)
        missed = step.variance + step.of_x0**2 * (truth.x0_variance(x_t, t) + bias.square())
        nats = (missed / sigma2 + (2 * math.pi * sigma2).log()) / 2
        if t_prev > 0:  # less the entropy of the posterior, which the first term of a KL has
            nats = nats - ((2 * math.pi * step.variance).log() + 1) / 2
        terms.append((mass * nats).sum())
    return torch.stack(terms)


def exact_errors(truth: MixtureDenoiser, times: Sequence[int], schedule: NoiseSchedule, n: int = 4001) -> Tensor:
    """What `x0_errors` estimates, for the best denoiser of a known mixture: a table for `best_variance`."""
    require_line(truth, schedule)
    table = torch.zeros(schedule.T + 1, dtype=torch.float64)
    for t, _ in require_chain(truth.means, times, schedule.T):
        x_t, mass = quadrature(truth, t, n)
        table[t] = (mass * truth.x0_variance(x_t, t)).sum()
    return table


def exact_variance(truth: MixtureDenoiser) -> Variance:
    """The best variance for each x_t of a known mixture: β̃ + u (β − β̃) with u = Var[x_0 | x_t] / (1 − ᾱ_t)."""

    def variance(x_t: Tensor, eps: Tensor, t: int | Tensor, t_prev: int | Tensor, schedule: NoiseSchedule) -> Tensor:
        u = truth.x0_variance(x_t, t) / schedule.at(1 - schedule.alpha_bar, t, x_t)
        return between(u, t, t_prev, schedule)

    return variance


def entropy(truth: MixtureDenoiser, n: int = 4001) -> float:
    """−∫ p log p of a mixture in one dimension, in nats: the bound of perfect steps. Arguments as in `exact_terms`."""
    x, mass = quadrature(truth, 0, n)
    return -(mass * truth.log_density(x, 0)[:, None]).sum().item()


def quadrature(truth: MixtureDenoiser, t: int, n: int = 4001) -> tuple[Tensor, Tensor]:
    """N points x_t of a mixture in one dimension, and the probability that each stands for; both of shape (n, 1)."""
    require_int("n", n, 3)
    require_line(truth, truth.schedule)
    ab = float(truth.schedule.alpha_bar[t])
    centres, width = ab**0.5 * truth.means, (ab * truth.std**2 + 1 - ab) ** 0.5
    low, high = float(centres.min()) - 9 * width, float(centres.max()) + 9 * width
    if high - low > (n - 1) * width:
        raise ValueError(f"n must be at least {int((high - low) / width) + 2} for modes so narrow, got {n}")
    x = torch.linspace(low, high, n, dtype=truth.means.dtype)[:, None]
    return x, truth.log_density(x, t).exp()[:, None] * (x[1] - x[0])


def require_line(truth: MixtureDenoiser, schedule: NoiseSchedule) -> None:
    """A mixture in one dimension that has a density, and is noised by this schedule."""
    if truth.means.shape[1:] != (1,):
        raise ValueError(f"truth must have means of shape (K, 1), got {tuple(truth.means.shape)}")
    if not truth.std:
        raise ValueError("truth must have a positive std: points have no density")
    if not torch.equal(schedule.beta, truth.schedule.beta):
        raise ValueError("schedule must be that of truth, which computes with another one")
