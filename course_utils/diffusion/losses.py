"""The loss of DDPM's Algorithm 1, its weights (min-SNR), and context dropout; the loop stands in `training.loop`."""

import torch
from torch import Tensor

from ..validation import require_floats, require_number, require_table
from .models import Model
from .schedules import NoiseSchedule


def drop_context(c: Tensor, share: float, generator: torch.Generator | None = None) -> Tensor:
    """Replace a random `share` of the contexts, shape (B, n_context), by zeros, which mean "no context".

    A model that sees both learns to draw with and without a context (Ho & Salimans 2022, arXiv:2207.12598, sec. 3.2).
    """
    if require_floats("c", c).ndim != 2:
        raise ValueError(f"c must have shape (B, n_context), got {tuple(c.shape)}")
    require_number("share", share, 0, 1)
    keep = torch.rand((len(c), 1), generator=generator) >= share
    return c * keep.to(c)


def min_snr(schedule: NoiseSchedule, gamma: float = 5.0) -> Tensor:
    """The weights min(SNR_t, γ) / SNR_t of the error of ε, a table of length T + 1 for `diffusion_loss`.

    Where there is much noise this is the error of ε, and where there is little that of x_0, times γ: no noise level
    takes all the attention (Hang et al. 2023, arXiv:2303.09556, section 3.4).
    """
    require_number("gamma", gamma, 0, open_interval=True)
    return schedule.snr.clamp(max=gamma) / schedule.snr


def diffusion_loss(
    model: Model,
    x0: Tensor,
    c: Tensor | None,
    schedule: NoiseSchedule,
    weight: Tensor | None = None,
    generator: torch.Generator | None = None,
    rows: slice = slice(None),
) -> Tensor:
    """The mean of w_t (ε − ε_θ(x_t, t, c))² over a batch, each image with a random time and noise (DDPM, Algorithm 1).

    Args:
        model: any callable `model(x, t, c) -> eps`.
        x0: clean images, shape (B, …).
        c: their contexts, shape (B, n_context), or None.
        schedule: the noise schedule.
        weight: a table w of length T + 1; by default 1 (DDPM's "simple" loss, eq. 14). `1 / schedule.alpha_bar` makes
            it the squared error of v, `1 / schedule.snr` that of x_0 (Salimans & Ho 2022, arXiv:2202.00512, sec. 4).
        generator: where times and noises come from; by default torch's own.
        rows: the mean over these rows of the batch only, with the times and noises that they have in the whole.

    Returns a scalar with a gradient. Raises ValueError for other shapes, dtypes and NaN.
    """
    require_floats("x0", x0)
    if c is not None and len(require_floats("c", c, along=x0)) != len(x0):
        raise ValueError(f"c must have one row for each of {len(x0)} images, got shape {tuple(c.shape)}")
    if weight is not None:
        require_table("weight", weight, schedule.T)
    t = torch.randint(1, schedule.T + 1, (len(x0),), generator=generator).to(x0.device)[rows]
    eps = torch.randn(x0.shape, generator=generator, dtype=x0.dtype).to(x0.device)[rows]
    x0, c = x0[rows], None if c is None else c[rows]
    error = (eps - model(schedule.add_noise(x0, t, eps), t, c)).square()
    return (error if weight is None else schedule.at(weight, t, x0) * error).mean()
