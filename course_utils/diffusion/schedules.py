"""Noise schedules: linear, quadratic, sigmoid, cosine; ᾱ_t, SNR, timesteps; x_t, x̂_0 and ε from one another.

Times run 1…T as in the papers. Every table has length T + 1, and index 0 is the clean image. Random numbers and loops
over time live elsewhere: here everything is a function of its arguments.
"""

import math
from collections.abc import Callable, Sequence
from functools import cached_property

import torch
from torch import Tensor

from ..validation import require_floats, require_int, require_number, require_table, require_times

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
        require_floats("beta", beta)
        if beta.ndim != 1 or beta.min() <= 0 or beta.max() >= 1:
            raise ValueError(
                f"beta must be 1-D with values strictly between 0 and 1, "
                f"got shape {tuple(beta.shape)} in [{beta.min():.4g}, {beta.max():.4g}]"
            )
        self.beta = torch.cat([torch.zeros(1, dtype=torch.float64), beta.detach().to("cpu", torch.float64)])
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
        before = self.alpha_bar[:-1]
        return torch.cat([self.beta[:1], (1 - before) / (1 - self.alpha_bar[1:]) * self.beta[1:]])

    def at(self, table: Tensor, t: int | Tensor, x: Tensor) -> Tensor:
        """Look up `table[t]` for each image of a batch, shaped (B, 1, 1, …) so that it multiplies the batch `x`.

        `t` is one time in 0…T for all images, or an integer tensor of shape (B,). Dtype and device are those of `x`.
        """
        require_table("table", table, self.T)
        require_floats("x", x)
        return self._look_up((table,), require_times("t", t, 0, self.T, x), x)[0]

    def add_noise(self, x0: Tensor, t: int | Tensor, eps: Tensor) -> Tensor:
        """Jump from the clean image to time t: x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε (DDPM eq. 4).

        Args:
            x0: clean batch of shape (B, …), usually in [−1, 1].
            t: one time in 1…T, or an integer tensor of shape (B,).
            eps: noise of the shape of `x0`, from a unit Gaussian.

        Returns x_t, of the shape and dtype of `x0`. Raises ValueError for another shape, dtype, range or NaN.
        """
        x0, eps = require_floats("x0", x0), require_floats("eps", eps, like=x0)
        signal, noise = self._signal_and_noise(t, x0)
        return signal * x0 + noise * eps

    def predict_x0(self, x_t: Tensor, t: int | Tensor, eps: Tensor) -> Tensor:
        """The clean image that x_t and its noise imply: x̂_0 = (x_t − √(1 − ᾱ_t) ε) / √ᾱ_t; the inverse of add_noise.

        Arguments and errors are those of `add_noise`, with `eps` the true or the predicted noise (DDPM eq. 15).
        """
        x_t, eps = require_floats("x_t", x_t), require_floats("eps", eps, like=x_t)
        signal, noise = self._signal_and_noise(t, x_t)
        return (x_t - noise * eps) / signal

    def predict_eps(self, x_t: Tensor, t: int | Tensor, x0: Tensor) -> Tensor:
        """The noise that separates x_t from x_0: ε = (x_t − √ᾱ_t x_0) / √(1 − ᾱ_t).

        Arguments and errors are those of `add_noise`, with `x0` the true or a predicted clean image.
        """
        x_t, x0 = require_floats("x_t", x_t), require_floats("x0", x0, like=x_t)
        signal, noise = self._signal_and_noise(t, x_t)
        return (x_t - signal * x0) / noise

    def timesteps(self, n: int) -> list[int]:
        """N + 1 strictly decreasing times from T to 0, as even as whole numbers allow, for any n in 1…T."""
        require_int("n", n, 1, self.T)
        return [self.T * i // n for i in range(n, -1, -1)]

    def __repr__(self) -> str:
        return f"NoiseSchedule(T={self.T}, alpha_bar_T={self.alpha_bar[-1]:.2g})"

    def _signal_and_noise(self, t: int | Tensor, x: Tensor) -> list[float] | list[Tensor]:
        """√ᾱ_t and √(1 − ᾱ_t): two numbers for one time, or tensors shaped to multiply the batch `x`."""
        if not isinstance(t, Tensor):
            require_int("t", t, 1, self.T)
            return [self._signal[t].item(), self._noise[t].item()]
        return self._look_up((self._signal, self._noise), require_times("t", t, 1, self.T, x), x)

    def _look_up(self, tables: Sequence[Tensor], t: Tensor, x: Tensor) -> list[Tensor]:
        shape = (-1, *[1] * (x.ndim - 1))
        return [table.to(x.device)[t].to(x.dtype).view(shape) for table in tables]


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
    require_int("T", T, 1)
    require_number("s", s, 0)
    u = torch.arange(T + 1, dtype=torch.float64) / T
    alpha_bar = torch.cos((u + s) / (1 + s) * math.pi / 2) ** 2
    return NoiseSchedule((1 - alpha_bar[1:] / alpha_bar[:-1]).clamp(max=BETA_MAX))


def _beta_schedule(
    T: int, beta_start: float, beta_end: float, stated_for: int, curve: Callable[[Tensor, float, float], Tensor]
) -> NoiseSchedule:
    require_int("T", T, 1)
    require_int("stated_for", stated_for, 1)
    require_number("beta_start", beta_start, 0, 1, open_interval=True)
    require_number("beta_end", beta_end, 0, 1, open_interval=True)
    u = torch.linspace(1, 0, T, dtype=torch.float64).flip(0)  # from 0 to 1; a single step is the last one, u = 1
    return NoiseSchedule((curve(u, beta_start, beta_end) * (stated_for / T)).clamp(max=BETA_MAX))
