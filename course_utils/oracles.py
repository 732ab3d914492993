"""Exact noise predictors: models that need no training because we know the distribution they denoise.

Each is called like any model of the course, `model(x, t, c=None) -> eps`, and can be graded against the truth.
"""

import torch
from torch import Tensor

from .schedules import NoiseSchedule
from .validation import require_floats, require_times


class IdealDenoiser:
    """The best possible denoiser for a finite data set: it knows every picture by heart and nothing else.

    Given x_t, each picture x_i of the data has the posterior probability softmax_i(−‖x_t − √ᾱ_t x_i‖² / 2(1 − ᾱ_t)),
    and the mean squared error is smallest for x̂_0 = the mean of the data under these probabilities
    (Karras et al. 2022, EDM, arXiv:2206.00364, appendix B.3).

    Args:
        data: the pictures, floating point of shape (N, …), with at least two dimensions; work is O(B·N) a call.
        schedule: the noise schedule that x_t was made with.
    """

    def __init__(self, data: Tensor, schedule: NoiseSchedule) -> None:
        self.data = require_floats("data", data).detach()
        if data.ndim < 2:
            raise ValueError(f"data must have shape (N, …), got {tuple(data.shape)}")
        self.schedule = schedule
        self._flat = self.data.flatten(1).to(torch.promote_types(data.dtype, torch.float32))  # half is too coarse
        self._square = self._flat.square().sum(1)

    def posterior(self, x: Tensor, t: int | Tensor) -> Tensor:
        """P(x_0 = data[i] | x_t) for each row of the batch `x`, of shape (B, N); rows sum to 1."""
        flat = self._require_batch(x).flatten(1).to(self._flat.dtype)
        t = require_times("t", t, 1, self.schedule.T, flat)
        alpha_bar = self.schedule.at(self.schedule.alpha_bar, t, flat)
        signal, variance = alpha_bar.sqrt(), self.schedule.at(1 - self.schedule.alpha_bar, t, flat)
        inner = flat @ self._flat.T
        return ((signal * inner - alpha_bar * self._square / 2) / variance).softmax(1)

    def predict_x0(self, x: Tensor, t: int | Tensor) -> Tensor:
        """E[x_0 | x_t], the average of all pictures that x_t could have been, each by its probability."""
        return (self.posterior(x, t) @ self._flat).view_as(x).to(x.dtype)

    def __call__(self, x: Tensor, t: int | Tensor, c: Tensor | None = None) -> Tensor:
        """The noise in x_t, of the shape of `x` (B, …). It was told no classes: any context but "none" is refused."""
        if c is not None and c.any():
            raise ValueError("IdealDenoiser knows no classes: c must be None or all zeros")
        return self.schedule.predict_eps(x, t, self.predict_x0(x, t))

    def _require_batch(self, x: Tensor) -> Tensor:
        x = require_floats("x", x)
        if (x.dtype, x.device) != (self.data.dtype, self.data.device):
            raise ValueError(f"x must be {self.data.dtype} on {self.data.device}, got {x.dtype} on {x.device}")
        if x.shape[1:] != self.data.shape[1:]:
            raise ValueError(f"x must have shape (B, {', '.join(map(str, self.data.shape[1:]))}), got {tuple(x.shape)}")
        return x
