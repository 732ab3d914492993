"""Exact noise predictors: models that need no training because we know the distribution they denoise.

Each is called like any model of the course, `model(x, t, c=None) -> eps`, and can be graded against the truth. No
sampling here beyond drawing from that truth.
"""

import math

import torch
from torch import Tensor

from ..validation import (
    require_cpu_generator,
    require_gaussian,
    require_int,
    require_mixture,
    require_pictures,
    require_points,
    require_question,
)
from .schedules import NoiseSchedule


class GaussianDenoiser:
    """The best possible denoiser when each number of x_0 is an independent Gaussian.

    x_t is then Gaussian too, with mean √ᾱ_t μ and variance v_t = ᾱ_t s² + 1 − ᾱ_t, and the noise in it is
    ε̂ = √(1 − ᾱ_t) (x_t − √ᾱ_t μ) / v_t, a straight line in x_t. (Conditional mean of a joint Gaussian.)

    Args:
        mean, std: μ and s > 0, floating point of the shape of one sample, such as (2,) for points in the plane.
        schedule: the noise schedule that x_t was made with.
    """

    def __init__(self, mean: Tensor, std: Tensor, schedule: NoiseSchedule) -> None:
        require_gaussian(mean, std)
        self.mean, self.std, self.schedule = mean, std, schedule

    def __call__(self, x: Tensor, t: int | Tensor, c: Tensor | None = None) -> Tensor:
        """The noise in x_t, of the shape of `x` (B, …). It was told no classes: any context but "none" is refused."""
        require_question(x, t, c, self.mean, self.schedule.T)
        ab = self.schedule.at(self.schedule.alpha_bar, t, x)
        one_minus_ab = self.schedule.at(1 - self.schedule.alpha_bar, t, x)
        return one_minus_ab.sqrt() * (x - ab.sqrt() * self.mean) / (ab * self.std**2 + one_minus_ab)


class MixtureDenoiser:
    """The best possible denoiser when x_0 comes from a mixture of Gaussians of one width.

    x_t comes from component k with the posterior probability r_k = softmax_k(log w_k − ‖x_t − √ᾱ_t μ_k‖² / 2 v_t),
    v_t = ᾱ_t s² + 1 − ᾱ_t, and x̂_0 is the average of what each component would answer:
    Σ_k r_k (μ_k + √ᾱ_t s² / v_t (x_t − √ᾱ_t μ_k)).

    Args:
        means: μ_k, floating point of shape (K, …), with at least two dimensions; work is O(B·K) a call.
        schedule: the noise schedule that x_t was made with.
        std: s ≥ 0, the standard deviation of each number around the mean of its component.
        weights: w_k > 0 of shape (K,), in any unit; by default all the same.
        classes: which class each component belongs to, one-hot of shape (K, n_context). Without it the oracle knows
            no classes.
    """

    def __init__(
        self,
        means: Tensor,
        schedule: NoiseSchedule,
        std: float,
        weights: Tensor | None = None,
        classes: Tensor | None = None,
    ) -> None:
        require_mixture(means, std, weights, classes)
        self.means, self.schedule, self.std = means.detach(), schedule, std
        self._flat = self.means.flatten(1).to(torch.promote_types(means.dtype, torch.float32))  # half is too coarse
        self._square = self._flat.square().sum(1)
        weights = self._flat.new_ones(len(means)) if weights is None else weights.to(self._flat)
        self.weights = weights / weights.sum()
        self.classes = None if classes is None else classes.to(self._flat)

    def draw(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """N samples of the truth, shape (n, …), by chance of a generator for the CPU; by default torch's own."""
        require_int("n", n, 1), require_cpu_generator("generator", generator)
        which = torch.multinomial(self.weights.cpu(), n, replacement=True, generator=generator)
        eps = torch.randn((n, *self.means.shape[1:]), generator=generator, dtype=self.means.dtype)
        return self.means[which.to(self.means.device)] + self.std * eps.to(self.means.device)

    def posterior(self, x: Tensor, t: int | Tensor, c: Tensor | None = None) -> Tensor:
        """P(component | x_t) for each row of the batch `x`, of shape (B, K); rows sum to 1.

        A context `c` of shape (B, n_context) multiplies the weight of each component by the entry of its class; None
        and a row of zeros leave the weights as they are.
        """
        return self._posterior(*self._tables(x, t, c), c)

    def predict_x0(self, x: Tensor, t: int | Tensor, c: Tensor | None = None) -> Tensor:
        """E[x_0 | x_t], the average of all that x_t could have been, each by its probability."""
        flat, a, one_minus_ab = self._tables(x, t, c)
        centre = self._posterior(flat, a, one_minus_ab, c) @ self._flat
        gain = a * self.std**2 / (a**2 * self.std**2 + one_minus_ab)
        return (centre + gain * (flat - a * centre)).view_as(x).to(x.dtype)

    def x0_variance(self, x: Tensor, t: int | Tensor, c: Tensor | None = None) -> Tensor:
        """Var[x_0 | x_t] of each number, of the shape of `x`: how far off the best x̂_0 is, squared, on average."""
        flat, a, one_minus_ab = self._tables(x, t, c)
        share = self._posterior(flat, a, one_minus_ab, c)
        variance = a**2 * self.std**2 + one_minus_ab
        spread = share @ self._flat.square() - (share @ self._flat).square()  # of what the components would answer
        own = self.std**2 * one_minus_ab / variance
        return ((one_minus_ab / variance) ** 2 * spread.clamp(min=0) + own).view_as(x).to(x.dtype)

    def log_density(self, x: Tensor, t: int | Tensor) -> Tensor:
        """The log-density of x_t in nats, shape (B,); at t = 0 that of the data, if they have a width."""
        flat = require_points(x, self.means[0]).flatten(1).to(self._flat.dtype)
        ab = self.schedule.alpha_bar
        a, one_minus_ab = self.schedule.at(ab.sqrt(), t, flat), self.schedule.at(1 - ab, t, flat)
        variance = a**2 * self.std**2 + one_minus_ab
        norm = flat.square().sum(1, keepdim=True) / variance + flat.shape[1] * (2 * math.pi * variance).log()
        return (self._logits(flat, a, variance).add(self.weights.log()).logsumexp(1) - norm[:, 0] / 2).to(x.dtype)

    def __call__(self, x: Tensor, t: int | Tensor, c: Tensor | None = None) -> Tensor:
        """The noise in x_t, of the shape of `x` (B, …), given the context `c` (see `posterior`)."""
        return self.schedule.predict_eps(x, t, self.predict_x0(x, t, c))

    def _posterior(self, flat: Tensor, a: Tensor, one_minus_ab: Tensor, c: Tensor | None) -> Tensor:
        logits = self._logits(flat, a, a**2 * self.std**2 + one_minus_ab)
        return (logits + self._log_weights(c)).softmax(1)

    def _logits(self, flat: Tensor, a: Tensor, variance: Tensor) -> Tensor:
        """The log of N(x_t; √ᾱ_t μ_k, variance) for each row and component, less what all components of a row share."""
        return (a * (flat @ self._flat.T) - a**2 * self._square / 2) / variance

    def _tables(self, x: Tensor, t: int | Tensor, c: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """The batch as rows, √ᾱ_t and 1 − ᾱ_t, in the precision of the calculation."""
        n_context = None if self.classes is None else self.classes.shape[1]
        require_question(x, t, c, self.means[0], self.schedule.T, n_context)
        flat, ab = x.flatten(1).to(self._flat.dtype), self.schedule.alpha_bar
        return flat, self.schedule.at(ab.sqrt(), t, flat), self.schedule.at(1 - ab, t, flat)

    def _log_weights(self, c: Tensor | None) -> Tensor:
        """Logarithms of the w_k for each row, shape (1, K) or (B, K)."""
        if self.classes is None or c is None:
            return self.weights.log()[None]
        share = torch.where(c.any(1, keepdim=True), c.to(self._flat) @ self.classes.T, 1)
        if (share == 0).all(1).any():
            raise ValueError("c must name a class that some component belongs to")
        return (self.weights * share).log()


class IdealDenoiser(MixtureDenoiser):
    """The best possible denoiser for a finite data set: it knows every picture by heart and nothing else.

    A mixture with one component of width 0 at each picture, so `posterior` says how probable each picture is and
    `predict_x0` averages them (Karras et al. 2022, EDM, arXiv:2206.00364, appendix B.3).

    Args:
        data: the pictures, floating point of shape (N, …), with at least two dimensions; work is O(B·N) a call.
        schedule: the noise schedule that x_t was made with.
        classes: the class of each picture, one-hot of shape (N, n_context), if it shall know them.
    """

    def __init__(self, data: Tensor, schedule: NoiseSchedule, classes: Tensor | None = None) -> None:
        require_pictures("data", data)
        super().__init__(data, schedule, std=0.0, classes=classes)
