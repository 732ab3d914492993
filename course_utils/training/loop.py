"""The training loop: AdamW, warm-up and cosine decay, clipped gradients, EMA of the weights, bfloat16, resumable state.

It yields after each step, so bars, pictures and checkpoints are the caller's; files live in `storage`.
"""

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from ..diffusion.losses import diffusion_loss, drop_context
from ..diffusion.schedules import NoiseSchedule
from ..validation import require_floats, require_int, require_number, require_table

if TYPE_CHECKING:
    from accelerate import Accelerator


class Progress(NamedTuple):
    """Where a training run stands.

    Attributes:
        step: how many steps were taken, from 1.
        loss: of the batch of this step.
        averaged: the model with averaged weights (EMA), to sample from. It goes on changing: copy what you keep.
        state: a function that returns a copy of all that the rest of the run depends on: weights, their average,
            optimiser, generator. `train(…, state=…)` goes on from there; `torch.save` and `torch.load` keep it.
    """

    step: int
    loss: float
    averaged: nn.Module
    state: Callable[[], dict[str, Any]]


def train(
    model: nn.Module,
    images: Tensor,
    contexts: Tensor,
    schedule: NoiseSchedule,
    *,
    steps: int,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    weight: Tensor | None = None,
    context_dropout: float = 0.1,
    generator: torch.Generator | None = None,
    state: Mapping[str, Any] | None = None,
    accelerator: "Accelerator | None" = None,
) -> Iterator[Progress]:
    """Train a model in place with AdamW, and yield after each step.

    The learning rate rises over the first twentieth of the run and then falls like a half cosine to 0. Gradients are
    clipped to norm 1. The average of the weights forgets over the last tenth of the run so far, at most 1,000 steps. In
    half precision where the machine computes in it (`has_bfloat16`).

    Args:
        model: a module `model(x, t, c) -> eps`, on the device to train on.
        images: clean images, shape (N, …), in [−1, 1].
        contexts: their contexts, shape (N, n_context).
        schedule: the noise schedule.
        steps: how many batches to learn from.
        batch_size: images in a batch, drawn with replacement.
        learning_rate: its largest value.
        weight: as in `diffusion_loss`.
        context_dropout: share of the images that are shown without their context.
        generator: where all random choices come from; by default torch's own.
        state: what `Progress.state()` returned in a run with the same other arguments, to go on behind that step. On
            the same machine the rest of the run is the same to the last bit.
        accelerator: of Hugging Face Accelerate, where several processes share the work. Each computes its part of the
            same batches, so the losses are those of one process, up to rounding.

    Raises ValueError for bad input at once, and while training when the loss is not finite any more.
    """
    require_floats("images", images)
    if require_floats("contexts", contexts).ndim != 2 or len(contexts) != len(images):
        raise ValueError(f"contexts must have shape ({len(images)}, n_context), got {tuple(contexts.shape)}")
    require_int("steps", steps, 1)
    if weight is not None:
        require_table("weight", weight, schedule.T)
    require_number("learning_rate", learning_rate, 0, open_interval=True)
    require_number("context_dropout", context_dropout, 0, 1)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ValueError("model has nothing to learn: model.requires_grad_(True) thaws one that was loaded")
    shared_by, mine = (1, 0) if accelerator is None else (accelerator.num_processes, accelerator.process_index)
    if require_int("batch_size", batch_size, 1) % shared_by:
        raise ValueError(f"batch_size must be a multiple of the {shared_by} processes, got {batch_size}")

    generator = torch.default_generator if generator is None else generator
    learner = model.train() if accelerator is None else accelerator.prepare_model(model.train())
    optimizer = torch.optim.AdamW(model.parameters(), learning_rate, betas=(0.9, 0.99), fused=True)
    averaged = AveragedModel(model, avg_fn=_forgetful_average, use_buffers=True).eval()
    parts: dict[str, Any] = {"model": model, "averaged": averaged, "optimizer": optimizer}
    if state is not None:
        _restore(state, steps, parts, generator)

    def take_state() -> dict[str, Any]:
        now = {name: part.state_dict() for name, part in parts.items()}
        return copy.deepcopy({"step": int(averaged.n_averaged), "steps": steps, "random": generator.get_state(), **now})

    device = next(model.parameters()).device
    half = torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16(device))

    def run() -> Iterator[Progress]:
        for step in range(int(averaged.n_averaged) + 1, steps + 1):
            rows = torch.randint(len(images), (batch_size,), generator=generator)
            x0, c = images[rows].to(device), contexts[rows].to(device)
            c = drop_context(c, context_dropout, generator)
            with half:
                loss = diffusion_loss(learner, x0, c, schedule, weight, generator, slice(mine, None, shared_by))
            whole = loss.detach() if accelerator is None else accelerator.reduce(loss.detach(), "mean")
            if not torch.isfinite(whole):
                raise ValueError(f"the loss became {whole.item()} at step {step}: a smaller learning_rate may help")
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * _learning_rate(step - 1, steps)
            optimizer.step()
            averaged.update_parameters(model)
            yield Progress(step, whole.item(), averaged.module, take_state)

    return run()


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16; without them half precision is slower than full."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # older versions do not tell
    return device.type == "cpu" and bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def _learning_rate(step: int, steps: int) -> float:
    """The share of the learning rate that step 0, 1, … of a run takes."""
    return min(1.0, (step + 1) / (0.05 * steps + 1)) * (1 + math.cos(math.pi * step / steps)) / 2


def _forgetful_average(average: Tensor, new: Tensor, count: Tensor | int) -> Tensor:
    """An exponential moving average whose memory grows with the run: a tenth of it, and at most 1,000 steps."""
    if not average.is_floating_point():  # a counter, such as that of BatchNorm
        return new
    return average.lerp(new, max(0.001, 9 / (10 + int(count))))


def _restore(state: Mapping[str, Any], steps: int, parts: Mapping[str, Any], generator: torch.Generator) -> None:
    """Put a run back to where `Progress.state()` found it."""
    try:
        if state["steps"] != steps:
            raise ValueError(f"it is that of a run of {state['steps']} steps, not {steps}")
        for name, part in parts.items():
            part.load_state_dict(copy.deepcopy(state[name]))  # the optimiser would go on writing into the caller's
        generator.set_state(state["random"])
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        told = " ".join(str(error).split())
        raise ValueError(f"state must be what Progress.state() returned in such a run: {told}") from error
