"""What a model's steps say about probability: the terms of the variational bound, and the loss that learns a variance.

Everything is in nats; `bits_per_dimension` converts. The variances that a step may take stand in `posterior`, and what
the bound is where the data are known, without any sampling, in `exact`.
"""

import math
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from ..validation import (
    require_clean_batch,
    require_cpu_generator,
    require_floats,
    require_step,
    require_variance,
    require_walk,
)
from .models import Model
from .posterior import Variance, fixed_large, jump
from .schedules import NoiseSchedule

Decoder = Callable[[Tensor, Tensor, Tensor], Tensor]
"""`decoder(x0, mean, variance)`: the log-probability of each number of x_0, in nats."""


def gaussian_kl(mean: Tensor, variance: Tensor, other_mean: Tensor, other_variance: Tensor) -> Tensor:
    """KL(N(mean, variance) ‖ N(other_mean, other_variance)) of each number, in nats; shapes are broadcast."""
    require_gaussians(mean=mean, variance=variance, other_mean=other_mean, other_variance=other_variance)
    ratio = variance / other_variance
    return ((mean - other_mean).square() / other_variance + ratio - 1 - ratio.log()) / 2  # equation (3) of notebook 07


def log_density(x0: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """The log of N(x_0; mean, variance) for each number, in nats: the decoder of continuous data."""
    require_gaussians(x0=x0, mean=mean, variance=variance)
    return -((x0 - mean).square() / variance + (2 * math.pi * variance).log()) / 2


def log_probability_of_level(x0: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """The log-probability that N(mean, variance) gives to the level of x_0, of 256 from −1 to 1 (DDPM eq. 13).

    A level reaches half-way to its neighbours, and the first and the last one to infinity; so their probabilities sum
    to 1. Shapes are broadcast; the result is in nats, and never above 0. With a variance of 0 it is 0 or −∞.
    """
    require_levels("x0", x0)
    require_gaussians(mean=mean, variance=variance, zero=True)
    std, half = variance.sqrt(), 1 / 255
    upper = torch.where(x0 > 1 - half, math.inf, (x0 + half - mean) / std)
    lower = torch.where(x0 < half - 1, -math.inf, (x0 - half - mean) / std)
    # On the side of the smaller tail, where the difference of two logarithms loses nothing.
    flip = lower > 0
    upper, lower = torch.where(flip, -lower, upper), torch.where(flip, -upper, lower)
    log_upper, log_lower = torch.special.log_ndtr(upper), torch.special.log_ndtr(lower)
    ratio = (log_lower - log_upper).nan_to_num(nan=-math.inf, neginf=-math.inf).exp()  # NaN where both are −∞
    log_probability: Tensor = log_upper + torch.log1p(-ratio)
    return log_probability


def bound_terms(
    model: Model,
    x0: Tensor,
    times: Sequence[int],
    schedule: NoiseSchedule,
    variance: Variance = fixed_large,
    decoder: Decoder = log_probability_of_level,
    c: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """The terms of the variational bound on −log p(x_0) for each image, in nats (DDPM eq. 5).

    Args:
        model: any callable `model(x, t, c) -> eps`.
        x0: clean images, shape (B, …); in [−1, 1], on 256 levels, for the decoder that is taken by default.
        times: the chain, such as `schedule.timesteps(n)`, from T down to 0.
        schedule: the noise schedule.
        variance: σ² of the steps, by default β; with `fixed_small` the last term is infinite, since β̃ is 0 there.
        decoder: the log-probability of x_0 given the last step.
        c: contexts for the model, shape (B, n_context), or None.
        generator: where the one noise of each image and term comes from, one for the CPU; by default torch's own.

    Returns a tensor of shape (len(times), B): first L_T, how far x_T is from pure noise, and then a term for each step.
    Their sum over the first dimension bounds −log p(x_0) on average over the noise. Raises ValueError for bad input.
    """
    require_clean_batch(x0, c, None, schedule.T)
    require_cpu_generator("generator", generator)
    pairs, T = require_chain(x0, times, schedule.T), torch.tensor(schedule.T)
    mean, variance_T = schedule.signal(T, x0) * x0, schedule.at(1 - schedule.alpha_bar, T, x0)
    terms = [gaussian_kl(mean, variance_T, torch.zeros_like(x0), torch.ones_like(x0))]
    for t, t_prev in pairs:
        noise = torch.randn(x0.shape, generator=generator, dtype=x0.dtype).to(x0.device)
        x_t = schedule.add_noise(x0, t, noise)
        with torch.no_grad():
            eps = model(x_t, torch.full((len(x0),), t, device=x0.device), c)
            sigma2 = require_variance(variance(x_t, eps, t, t_prev, schedule), x_t)
        terms.append(step_term(x0, x_t, eps, sigma2, t, t_prev, schedule, decoder))
    return torch.stack([term.reshape(len(x0), -1).sum(1) for term in terms])


def step_term(
    x0: Tensor,
    x_t: Tensor,
    eps: Tensor,
    sigma2: Tensor,
    t: int,
    t_prev: int,
    schedule: NoiseSchedule,
    decoder: Decoder = log_probability_of_level,
) -> Tensor:
    """The term of the bound that the step from t to t_prev adds, for each number, in nats (DDPM eq. 5).

    It is the KL of the posterior from the step of the model, and for a step to 0 the decoder's −log p(x_0 | x_t).
    """
    require_step(x_t, eps, t, t_prev, schedule.T, eta=1)
    if isinstance(sigma2, Tensor) and sigma2.ndim == 0:  # one for all
        sigma2 = sigma2.expand(x_t.shape)
    require_floats("x0", x0, like=x_t), require_variance(sigma2, x_t, "sigma2")
    step, x0_hat = jump(t, t_prev, schedule, x_t), schedule.predict_x0(x_t, t, eps)
    mean, model_mean = (step.of_x0 * x + step.of_x_t * x_t for x in (x0, x0_hat))
    if t_prev == 0:
        return -decoder(x0, model_mean, sigma2)
    return gaussian_kl(mean, step.variance, model_mean, sigma2)


def bits_per_dimension(nats: Tensor, x0: Tensor) -> Tensor:
    """Nats of images like those of `x0`, shape (B, …), in bits for each of their numbers."""
    return nats / (math.log(2) * require_floats("x0", x0)[0].numel())


def x0_errors(
    model: Model,
    x0: Tensor,
    times: Sequence[int],
    schedule: NoiseSchedule,
    c: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """The mean squared error of x̂_0 at each of `times`, a table of length T + 1 for `best_variance`.

    One noise for each image and time; where no step begins the table is 0. Arguments as in `bound_terms`.
    """
    require_clean_batch(x0, c, None, schedule.T)
    require_cpu_generator("generator", generator)
    table = torch.zeros(schedule.T + 1, dtype=torch.float64)
    for t, _ in require_walk(x0, times, schedule.T):
        noise = torch.randn(x0.shape, generator=generator, dtype=x0.dtype).to(x0.device)
        x_t = schedule.add_noise(x0, t, noise)
        with torch.no_grad():
            x0_hat = schedule.predict_x0(x_t, t, model(x_t, torch.full((len(x0),), t, device=x0.device), c))
        table[t] = (x0 - x0_hat).square().mean().item()
    return table


def hybrid_loss(
    model: Model,
    variance: Variance,
    x0: Tensor,
    t: Tensor,
    eps: Tensor,
    c: Tensor | None,
    schedule: NoiseSchedule,
    weight: Tensor | None = None,
) -> Tensor:
    """L_simple for the mean, and −log p(x_0 | x_t) of one jump to 0 for the variance (after arXiv:2102.09672, eq. 16).

    The mean is detached there, so the second part pulls at nothing but the variance. Improved DDPM takes steps t → t−1
    in it. The best variance, in the form of `LearnedVariance`, is the same for all jumps; and in the jump to 0 an error
    in it costs as much at a large t as at a small one. It is a density even if the data have levels. Those at both ends
    reach to infinity, so with the mass of its level a white pixel would ask for no variance where x̂_0 is white, and for
    ever more where it falls short of it.

    Args:
        model: any callable `model(x, t, c) -> eps`, to be trained or not.
        variance: such as `LearnedVariance`.
        x0, t, eps, c, schedule, weight: as in `denoising_loss`.

    Returns a scalar with a gradient.
    """
    require_clean_batch(x0, c, weight, schedule.T)
    x_t = schedule.add_noise(x0, t, eps)
    eps_hat = model(x_t, t, c).to(x_t.dtype)  # a network in half precision may answer in it
    detached = eps_hat.detach()  # the mean learns from the simple loss alone
    sigma2 = require_variance(variance(x_t, detached, t, torch.zeros_like(t), schedule), x_t)
    log_p = log_density(x0, schedule.predict_x0(x_t, t, detached), sigma2)
    error = (eps - eps_hat).square() * (1 if weight is None else schedule.at(weight, t, x0))
    return error.mean() - log_p.mean()  # equation (10) of notebook 07


def require_chain(x: Tensor, times: Sequence[int], T: int) -> list[tuple[int, int]]:
    """The pairs of a chain that falls from T to 0."""
    pairs = list(require_walk(x, times := list(times) if isinstance(times, Iterable) else times, T))
    if times[0] != T or times[-1] != 0 or any(t <= t_prev for t, t_prev in pairs):
        raise ValueError(f"times must fall from T = {T} to 0, as `schedule.timesteps(n)` do, got {list(times)}")
    return pairs


def require_gaussians(zero: bool = False, **numbers: object) -> None:
    """Means and variances by their names, finite; variances are positive, or perhaps zero."""
    for name, x in numbers.items():
        smallest = require_floats(name, x[None] if isinstance(x, Tensor) and x.ndim == 0 else x).min().item()
        if name.endswith("variance") and (smallest < 0 or (smallest == 0 and not zero)):
            raise ValueError(f"{name} must be {'at least 0' if zero else 'positive'}, got {smallest:.4g}")


def require_levels(name: str, x: object) -> None:
    """Numbers on 256 levels from −1 to 1, as pictures of 8 bits have them."""
    level = (require_floats(name, x[None] if isinstance(x, Tensor) and x.ndim == 0 else x).float() + 1) * 127.5
    if level.min() < -0.1 or level.max() > 255.1 or (level - level.round()).abs().max() > 0.1:
        raise ValueError(f"{name} must be on 256 levels from −1 to 1; the decoder of other numbers is log_density")
