"""The loss of DDPM's Algorithm 1, its weights, and context dropout; the loop stands in `training.loop`."""

import torch
from torch import Tensor

from ..validation import require_clean_batch, require_cpu_generator, require_number, require_rows
from .models import Model
from .schedules import NoiseSchedule


def drop_context(c: Tensor, share: float, generator: torch.Generator | None = None) -> Tensor:
    """Replace a random `share` of the contexts, shape (B, n_context), by zeros, which mean "no context".

    A model that sees both learns to draw with and without a context (Ho & Salimans 2022, arXiv:2207.12598, sec. 3.2).
    The generator, by default torch's own, is one for the CPU.
    """
    require_rows("c", c), require_number("share", share, 0, 1), require_cpu_generator("generator", generator)
    keep = torch.rand((len(c), 1), generator=generator) >= share
    return c * keep.to(c)


def clipped_snr(schedule: NoiseSchedule, low: float = 1.0, high: float = 5.0) -> Tensor:
    """The weights clip(SNR_t, low, high) / SNR_t of the error of ε, a table of length T + 1 for `diffusion_loss`.

    Between the bounds it is the error of ε, beyond them that of x_0, times the bound. So neither little noise, where
    the SNR is huge, nor much noise, where it is nearly nothing, takes all the attention. The upper bound alone is
    min-SNR, `low=0` (Hang et al. 2023, arXiv:2303.09556, section 3.4), and the lower one alone is truncated SNR
    (Salimans & Ho 2022, arXiv:2202.00512, section 4).
    """
    require_number("low", low, 0), require_number("high", high, low, open_interval=True)
    return schedule.snr.clamp(low, high) / schedule.snr  # equation (3) of notebook 04


def diffusion_loss(
    model: Model,
    x0: Tensor,
    c: Tensor | None,
    schedule: NoiseSchedule,
    weight: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """The mean of w_t (ε − ε_θ(x_t, t, c))² over a batch, each image with a random time and noise (DDPM, Algorithm 1).

    Args:
        model: any callable `model(x, t, c) -> eps`.
        x0: clean images, shape (B, …).
        c: their contexts, shape (B, n_context), or None.
        schedule: the noise schedule.
        weight: a table w of length T + 1; by default 1 (DDPM's "simple" loss, eq. 14). `1 / schedule.alpha_bar` makes
            it the squared error of v, `1 / schedule.snr` that of x_0 (Salimans & Ho 2022, arXiv:2202.00512, sec. 4).
        generator: where times and noises come from, one for the CPU; by default torch's own.

    Returns a scalar with a gradient. Raises ValueError for other shapes, dtypes and NaN.
    """
    require_clean_batch(x0, c, weight, schedule.T)
    t, eps = draw_times_and_noise(x0, schedule, generator)
    return denoising_loss(model, x0, t, eps, c, schedule, weight)


def draw_times_and_noise(
    x0: Tensor, schedule: NoiseSchedule, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """A time in 1…T and a noise for each image of a batch, drawn on the CPU, on the device of the batch."""
    require_cpu_generator("generator", generator)
    t = torch.randint(1, schedule.T + 1, (len(x0),), generator=generator)
    eps = torch.randn(x0.shape, generator=generator, dtype=x0.dtype)
    return t.to(x0.device), eps.to(x0.device)


def denoising_loss(
    model: Model,
    x0: Tensor,
    t: Tensor,
    eps: Tensor,
    c: Tensor | None,
    schedule: NoiseSchedule,
    weight: Tensor | None = None,
) -> Tensor:
    """The mean of w_t (ε − ε_θ(x_t, t, c))² for times t of shape (B,) and noises ε of the shape of `x0`.

    Arguments and result are otherwise those of `diffusion_loss`.
    """
    x_t = schedule.add_noise(x0, t, eps)
    error = (eps - model(x_t, t, c)).square()  # equation (1) of notebook 04
    return (error if weight is None else schedule.at(weight, t, x0) * error).mean()
