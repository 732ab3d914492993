"""What stands in for an exercise that is not done yet, in a notebook that was handed out without its solutions.

Later cells of a notebook call what its exercises define. With a stand-in they run whether or not the exercise is done.
Nothing here is a solution in the words of the course: what the package has is called, and the rest is kept short.
"""

import contextlib
import io
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from .. import exercises as checks
from ..diffusion.guidance import guided
from ..diffusion.losses import diffusion_loss, drop_context
from ..diffusion.models import Model
from ..diffusion.samplers import ddim_step, ddpm_step, sample, slerp
from ..diffusion.schedules import BETA_MAX, NoiseSchedule, linear_schedule
from ..networks.blocks import ResidualBlock, TimeEmbedding
from ..training.loop import _learning_rate
from .ch03_network import _walk

Attempt = TypeVar("Attempt", bound=Callable[..., Any])


def right_or_ours(check: Callable[[Attempt], None], attempt: Attempt) -> Attempt:
    """The student's function or class if its check is satisfied, else the package's; it says which.

    Args:
        check: the check of the exercise, such as `check_add_noise`.
        attempt: what the student has written.

    Raises ValueError if `check` is not one of the course's.
    """
    if check not in OURS:
        raise ValueError(f"check must be one of the course's, got {getattr(check, '__name__', check)!r}")
    name, verdict = check.__name__.removeprefix("check_"), io.StringIO()
    with contextlib.redirect_stdout(verdict):
        check(attempt)
    if verdict.getvalue().startswith("✓"):
        print(f"✓ The cells below use your {name}.")
        return attempt
    print(f"○ The cells below use the package's {name}, until yours is right.")
    ours: Attempt = OURS[check]
    return ours


def _beta_from_alpha_bar(alpha_bar: Tensor) -> Tensor:
    before = alpha_bar.roll(1).index_copy(0, torch.tensor([0]), alpha_bar[:1])
    return ((before - alpha_bar) / before).clamp(max=BETA_MAX)


def _posterior_mean(x_t: Tensor, eps: Tensor, t: int, schedule: NoiseSchedule) -> Tensor:
    return ddpm_step(x_t, eps, t, t - 1, schedule, noise=torch.zeros_like(x_t))


def _ddpm_step(x_t: Tensor, eps: Tensor, t: int, t_prev: int, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
    return ddpm_step(x_t, eps, t, t_prev, schedule, noise=noise)


def _sampling_loop(model: Model, x: Tensor, schedule: NoiseSchedule, generator: torch.Generator | None) -> Tensor:
    times = schedule.timesteps(schedule.T)
    *_, last = sample(model, x, times, schedule, ddpm_step, generator=generator)
    return last.x


def _modulate(h: Tensor, condition: Tensor, layer: nn.Linear) -> Tensor:
    factor, shift = (part[:, :, None, None] for part in layer(condition).tensor_split(2, dim=1))
    return torch.addcmul(h + shift, factor, h)


def _diffusion_loss(model: Model, x0: Tensor, c: Tensor, schedule: NoiseSchedule, generator: torch.Generator) -> Tensor:
    return diffusion_loss(model, x0, c, schedule, generator=generator)


def _training_loop(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Iterable[tuple[Tensor, Tensor]],
    loss_of: Callable[[nn.Module, Tensor, Tensor], Tensor],
) -> list[float]:
    return [_learn(model, optimizer, loss_of(model, *batch)) for batch in batches]


def _learn(model: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor) -> float:
    """One step of a training loop."""
    model.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), max_norm=1)
    optimizer.step()
    return loss.item()


def _update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    news = model.state_dict()
    for name, old in average.state_dict().items():
        old.copy_(decay * old + (1 - decay) * news[name] if old.is_floating_point() else news[name])


def _composed(model: Model, x: Tensor, t: Tensor, contexts: list[Tensor], scales: list[float]) -> Tensor:
    return guided(model, scales)(x, t, torch.stack(contexts, dim=1))


OURS: dict[Callable[..., None], Any] = {
    checks.check_alpha_bar: lambda beta: NoiseSchedule(beta[1:]).alpha_bar,
    checks.check_add_noise: lambda x0, t, eps, schedule: schedule.add_noise(x0, t, eps),
    checks.check_beta_from_alpha_bar: _beta_from_alpha_bar,
    checks.check_predict_x0: lambda x_t, t, eps, schedule: schedule.predict_x0(x_t, t, eps),
    checks.check_posterior_mean: _posterior_mean,
    checks.check_ddpm_step: _ddpm_step,
    checks.check_sampling_loop: _sampling_loop,
    checks.check_unet: _walk,
    checks.check_time_embedding: lambda t, width: TimeEmbedding(width)(t),
    checks.check_modulate: _modulate,
    checks.check_residual_block: ResidualBlock,
    checks.check_diffusion_loss: _diffusion_loss,
    checks.check_training_loop: _training_loop,
    checks.check_learning_rate: _learning_rate,
    checks.check_update_average: _update_average,
    checks.check_drop_context: drop_context,
    checks.check_guided: guided,
    checks.check_composed: _composed,
    checks.check_ddim_step: ddim_step,
    checks.check_timesteps: lambda T, n: linear_schedule(T).timesteps(n),
    checks.check_slerp: slerp,
}
"""What stands in for each exercise, by its check."""
