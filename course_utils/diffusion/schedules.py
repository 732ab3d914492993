"""Noise schedules: linear, quadratic, sigmoid, cosine; ᾱ_t, SNR, timesteps; x_t, x̂_0 and ε from one another.

Times run 1…T as in the papers. Every table has length T + 1, and index 0 is the clean image. Random numbers and loops
over time live elsewhere: here everything is a function of its arguments.
"""

import math
from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor

from ..validation import (
    require_beta_ends,
    require_betas,
    require_floats,
    require_int,
    require_noisy_batch,
    require_number,
    require_table,
    require_times,
)

BETA_MAX = 0.999
"""No step may erase the picture altogether: a larger β is clipped to this (Nichol & Dhariwal 2021, section 3.2)."""


class NoiseSchedule:
    """The tables of a diffusion with steps β_1 … β_T, and the forward process they define.

    Args:
        beta: the T noise variances of the single steps, 1-D floating point, each in (0, 1).

    Attributes:
        beta, alpha, alpha_bar: float64 tables of length T + 1, with beta[0] = 0 and alpha[0] = alpha_bar[0] = 1.

    Tables are cast to the dtype and device of the batch when they are looked up, so a batch is never promoted.
    Notation of Ho et al. 2020 (DDPM, arXiv:2006.11239), section 2; in the DDIM paper α means our alpha_bar.
    """

    def __init__(self, beta: Tensor) -> None:
        beta = require_betas(beta).detach().cpu().double()
        self.beta = torch.cat([torch.zeros(1, dtype=torch.float64), beta])
        self.alpha = 1 - self.beta
        self.alpha_bar = torch.log1p(-self.beta).cumsum(0).exp()  # a product of 1000 factors, as a sum of logs
        if self.alpha_bar[1] == 1 or self.alpha_bar[-1] == 0:
            raise ValueError(f"beta must change the picture and leave a trace of it, got alpha_bar {self.alpha_bar}")
        self._signal, self._noise = self.alpha_bar.sqrt(), (1 - self.alpha_bar).sqrt()

    @property
    def T(self) -> int:
        """The number of steps."""
        return len(self.beta) - 1

    @cached_property
    def snr(self) -> Tensor:
        """Signal-to-noise ratio ᾱ_t / (1 − ᾱ_t), float64 of length T + 1; infinite at t = 0."""
        return self.alpha_bar / (1 - self.alpha_bar)

    @cached_property
    def posterior_variance(self) -> Tensor:
        """β̃_t, the variance of q(x_{t−1} | x_t, x_0), float64 of length T + 1; 0 at t = 0 and 1 (DDPM eq. 7)."""
        ab, ab_prev = self.alpha_bar[1:], self.alpha_bar[:-1]
        return torch.cat([self.beta[:1], (1 - ab_prev) / (1 - ab) * self.beta[1:]])

    def signal(self, t: int | Tensor, x: Tensor | None = None) -> float | Tensor:
        """√ᾱ_t, how much of the clean image is in x_t: a_t in x_t = a_t x_0 + b_t ε.

        Args:
            t: one time in 0…T, or an integer tensor of shape (B,).
            x: the batch that is to be multiplied, if t is a tensor.

        Returns a number for one time, else a tensor shaped (B, 1, …) that multiplies `x`, of its dtype and device.
        """
        return self._look_up(self._signal, t, x)

    def noise(self, t: int | Tensor, x: Tensor | None = None) -> float | Tensor:
        """√(1 − ᾱ_t), how much noise is in x_t: b_t in x_t = a_t x_0 + b_t ε. Arguments and result as in `signal`."""
        return self._look_up(self._noise, t, x)

    def at(self, table: Tensor, t: int | Tensor, x: Tensor) -> Tensor:
        """Look up `table[t]` for each image of a batch, shaped (B, 1, 1, …) so that it multiplies the batch `x`.

        `t` is one time in 0…T for all images, or an integer tensor of shape (B,). Dtype and device are those of `x`.
        """
        return self._at(require_table("table", table, self.T), t, x)

    def add_noise(self, x0: Tensor, t: int | Tensor, eps: Tensor) -> Tensor:
        """Jump from the clean image to time t: x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε (DDPM eq. 4).

        Args:
            x0: clean batch of shape (B, …), usually in [−1, 1].
            t: one time in 1…T, or an integer tensor of shape (B,).
            eps: noise of the shape of `x0`, from a unit Gaussian.

        Returns x_t, of the shape and dtype of `x0`. Raises ValueError for another shape, dtype, range or NaN.
        """
        require_noisy_batch(t, self.T, x0=x0, eps=eps)
        return self.signal(t, x0) * x0 + self.noise(t, x0) * eps  # equation (3) of notebook 01

    def predict_x0(self, x_t: Tensor, t: int | Tensor, eps: Tensor) -> Tensor:
        """The clean image that x_t and its noise imply: x̂_0 = (x_t − √(1 − ᾱ_t) ε) / √ᾱ_t; the inverse of add_noise.

        Arguments and errors are those of `add_noise`, with `eps` the true or the predicted noise (DDPM eq. 15).
        """
        require_noisy_batch(t, self.T, x_t=x_t, eps=eps)
        return (x_t - self.noise(t, x_t) * eps) / self.signal(t, x_t)  # equation (4) of notebook 01

    def predict_eps(self, x_t: Tensor, t: int | Tensor, x0: Tensor) -> Tensor:
        """The noise that separates x_t from x_0: ε = (x_t − √ᾱ_t x_0) / √(1 − ᾱ_t).

        Arguments and errors are those of `add_noise`, with `x0` the true or a predicted clean image.
        """
        require_noisy_batch(t, self.T, x_t=x_t, x0=x0)
        return (x_t - self.signal(t, x_t) * x0) / self.noise(t, x_t)

    def timesteps(self, n: int) -> list[int]:
        """N + 1 strictly decreasing times from T to 0, as even as whole numbers allow, for any n in 1…T."""
        require_int("n", n, 1, self.T)
        return [self.T * i // n for i in range(n, -1, -1)]

    def __repr__(self) -> str:
        return f"NoiseSchedule(T={self.T}, alpha_bar_T={self.alpha_bar[-1]:.2g})"

    def _look_up(self, table: Tensor, t: int | Tensor, x: Tensor | None) -> float | Tensor:
        return self._at(table, t, x) if isinstance(t, Tensor) else table[require_int("t", t, 0, self.T)].item()

    def _at(self, table: Tensor, t: int | Tensor, x: Tensor | None) -> Tensor:
        batch = require_floats("x", x)
        times = require_times("t", t, 0, self.T, batch)
        # Indexed and cast where the table is, on the CPU: not every device has float64.
        return table[times].to(batch.dtype).to(batch.device).view(-1, *[1] * (batch.ndim - 1))


def linear_schedule(
    T: int = 500, beta_start: float = 1e-4, beta_end: float = 0.02, stated_for: int = 1000
) -> NoiseSchedule:
    """β_t grows linearly (Ho et al. 2020, section 4).

    Args:
        T: number of steps, at least 1.
        beta_start, beta_end: β of the first and the last step of a chain of `stated_for` steps, in (0, 1).
        stated_for: the length that the two ends were chosen for. A chain of T steps takes larger or smaller steps, by
            the factor stated_for / T, so that it ends in the same noise; `stated_for=T` leaves the ends as they are.
    """
    return _beta_schedule(T, beta_start, beta_end, stated_for, lambda u, a, b: a + (b - a) * u)


def quadratic_schedule(
    T: int = 500, beta_start: float = 1e-4, beta_end: float = 0.02, stated_for: int = 1000
) -> NoiseSchedule:
    """√β_t grows linearly, so β_t quadratically ("scaled linear" in diffusers). Arguments as in `linear_schedule`."""
    return _beta_schedule(T, beta_start, beta_end, stated_for, lambda u, a, b: (a**0.5 + (b**0.5 - a**0.5) * u) ** 2)


def sigmoid_schedule(
    T: int = 500, beta_start: float = 1e-4, beta_end: float = 0.02, stated_for: int = 1000
) -> NoiseSchedule:
    """β_t follows a sigmoid from −6 to 6 (the code of DDIM, Song et al. 2020). Arguments as in `linear_schedule`."""
    return _beta_schedule(T, beta_start, beta_end, stated_for, lambda u, a, b: a + (b - a) * torch.sigmoid(12 * u - 6))


def cosine_schedule(T: int = 500, s: float = 0.008) -> NoiseSchedule:
    """ᾱ_t falls like a squared cosine (Nichol & Dhariwal 2021, arXiv:2102.09672, eq. 17).

    Args:
        T: number of steps, at least 1.
        s: a small offset ≥ 0 that keeps the first steps from being vanishingly small.
    """
    require_int("T", T, 1), require_number("s", s, 0)
    u = torch.arange(T + 1, dtype=torch.float64) / T
    alpha_bar = torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2
    return NoiseSchedule((1 - alpha_bar[1:] / alpha_bar[:-1]).clamp(max=BETA_MAX))


def _beta_schedule(
    T: int, beta_start: float, beta_end: float, stated_for: int, curve: Callable[[Tensor, float, float], Tensor]
) -> NoiseSchedule:
    require_beta_ends(T, beta_start, beta_end, stated_for)
    u = torch.linspace(1, 0, T, dtype=torch.float64).flip(0)  # from 0 to 1; a single step is the last one, u = 1
    return NoiseSchedule((curve(u, beta_start, beta_end) * (stated_for / T)).clamp(max=BETA_MAX))
