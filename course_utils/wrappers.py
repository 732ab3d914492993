"""Models made from models: each takes `model(x, t, c) -> eps` and returns another one.

A sampler never learns about guidance, clipping or what a network was trained to put out.
"""

import math

import torch
from torch import Tensor, nn

from .samplers import Model
from .schedules import NoiseSchedule


def guided(model: Model, guidance_scale: float) -> Model:
    """Classifier-free guidance: ε_u + w (ε_c − ε_u), with ε_u the answer without context (arXiv:2207.12598).

    Args:
        model: one that was trained with and without context.
        guidance_scale: w; 0 ignores the context, 1 leaves the model as it is, more than 1 amplifies. (The paper calls
            w − 1 its w.)

    Returns a model that calls `model` once with a batch of 2B; with w = 0, w = 1 or c = None, once with B.
    """
    if not math.isfinite(guidance_scale):
        raise ValueError(f"guidance_scale must be a finite number, got {guidance_scale!r}")

    def answer(x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        if c is None or guidance_scale == 0:
            return model(x, t, None)
        if guidance_scale == 1:
            return model(x, t, c)
        twice = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([torch.zeros_like(c), c]))
        eps_u, eps_c = twice.chunk(2)
        return eps_u + guidance_scale * (eps_c - eps_u)

    return answer


def clipped(model: Model, schedule: NoiseSchedule, low: float = -1.0, high: float = 1.0) -> Model:
    """Clamp the clean image that the model has in mind, x̂_0, to [low, high], and answer with the noise that fits it."""
    if not low < high:
        raise ValueError(f"low must be smaller than high, got {low!r} and {high!r}")

    def answer(x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        x0_hat = schedule.predict_x0(x, t, model(x, t, c))
        return schedule.predict_eps(x, t, x0_hat.clamp(low, high))

    return answer


class FromX0(nn.Module):
    """A model made from a network that puts out the clean image: ε = (x_t − √ᾱ_t x̂_0) / √(1 − ᾱ_t).

    Args:
        network: `network(x, t, c) -> x0_hat`.
        schedule: the schedule that it is trained with.
    """

    def __init__(self, network: nn.Module, schedule: NoiseSchedule) -> None:
        super().__init__()
        self.network, self.schedule = network, schedule

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """The noise in `x` of shape (B, …), at times t of shape (B,)."""
        return self.schedule.predict_eps(x, t, self.network(x, t, c).to(x.dtype))


class FromV(nn.Module):
    """A model made from a network that puts out v = √ᾱ_t ε − √(1 − ᾱ_t) x_0: ε = √ᾱ_t v + √(1 − ᾱ_t) x_t.

    v is picture and noise in one: mostly noise where there is little of it, mostly picture where there is nothing but
    noise, and always of unit size (Salimans & Ho 2022, arXiv:2202.00512, section 4). Arguments as in `FromX0`.
    """

    def __init__(self, network: nn.Module, schedule: NoiseSchedule) -> None:
        super().__init__()
        self.network, self.schedule = network, schedule

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """The noise in `x` of shape (B, …), at times t of shape (B,)."""
        signal = self.schedule.at(self.schedule.alpha_bar.sqrt(), t, x)
        noise = self.schedule.at((1 - self.schedule.alpha_bar).sqrt(), t, x)
        return signal * self.network(x, t, c) + noise * x
