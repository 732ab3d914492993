"""Solvers that remember where they were: DPM-Solver++(2M). The steps that remember nothing stand in `samplers`."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from ..validation import require_walk
from .models import Model
from .samplers import Step, last, pure_noise
from .schedules import NoiseSchedule


def dpm_solver(
    model: Model, x: Tensor, times: Sequence[int], schedule: NoiseSchedule, c: Tensor | None = None
) -> Iterator[Step]:
    """Walk a batch along `times` with DPM-Solver++(2M): DDIM towards where x̂_0 is heading, not to where it is.

    The last two x̂_0 make a straight line in λ = log √SNR, and each step aims at its point half-way through that step
    (Lu et al. 2022, arXiv:2211.01095, Algorithm 2). The first step knows only one x̂_0, and a step to 0, where λ is
    infinite, takes x̂_0 as it is. Arguments, what is yielded and errors are those of `sample`.
    """
    pairs, lam = require_walk(x, times, schedule.T), schedule.snr.log() / 2  # λ

    def walk(x: Tensor) -> Iterator[Step]:
        last_x0_hat, last_h = None, 1.0
        for t, t_prev in pairs:
            with torch.no_grad():
                eps = model(x, torch.full((len(x),), t, device=x.device), c)
                x0_hat = schedule.predict_x0(x, t, eps)
                h, aim = float(lam[t_prev] - lam[t]), x0_hat
                if last_x0_hat is not None and t_prev > 0:
                    aim = x0_hat + h / (2 * last_h) * (x0_hat - last_x0_hat)
                    eps = schedule.predict_eps(x, t, aim)
                x = schedule.add_noise(aim, t_prev, eps) if t_prev else aim
                last_x0_hat, last_h = x0_hat, h
            yield Step(t_prev, x, x0_hat)

    return walk(x)


def sample_dpm(
    model: Model,
    shape: Sequence[int],
    schedule: NoiseSchedule,
    n: int = 10,
    c: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw samples with DPM-Solver++(2M), which adds no noise. Arguments and result are those of `sample_ddim`."""
    x, _ = pure_noise(shape, generator)
    times = schedule.timesteps(n)
    return last(dpm_solver(model, x, times, schedule, c), times)
