"""The training loop: AdamW, warm-up and cosine decay, clipped gradients, EMA of the weights, bfloat16, resumable state.

It yields after each step, so bars, pictures and checkpoints are the caller's; files live in `storage`.
"""

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from ..diffusion.losses import denoising_loss, draw_times_and_noise, drop_context
from ..diffusion.schedules import NoiseSchedule
from ..validation import require_cpu_generator, require_floats, require_int, require_number, require_table

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
        steps: how many there will be in all, as planned now.
    """

    step: int
    loss: float
    averaged: nn.Module
    state: Callable[[], dict[str, Any]]
    steps: int


def warm_up_and_cosine(step: int, steps: int) -> float:
    """The share of the learning rate at step 0, 1, … of a run: up for a twentieth of it, then down like half a cosine.

    It is equation (5) of notebook 04.
    """
    warm_up = min(1.0, (step + 1) / (steps / 20 + 1))
    return warm_up * (1 + math.cos(math.pi * step / steps)) / 2


def linear_decay(step: int, steps: int) -> float:
    """The share of the learning rate at step 0, 1, … of a run that falls in a straight line to 0."""
    return 1 - step / steps


def growing_ema(average: Tensor, new: Tensor, count: Tensor | int) -> Tensor:
    """An exponential moving average whose memory grows with the run: a tenth of it, and at most 1,000 steps."""
    if not average.is_floating_point():  # a counter, such as that of BatchNorm
        return new
    return average.lerp(new, max(0.001, 9 / (10 + int(count))))


def no_average(average: Tensor, new: Tensor, count: Tensor | int) -> Tensor:
    """The newest weights in the place of an average."""
    return new


class Optimization(NamedTuple):
    """How gradients change the weights.

    Attributes:
        optimizer: made of the parameters and the largest learning rate.
        learning_rate: `learning_rate(step, steps)`, the share of it at step 0, 1, …
        max_norm: what gradients are clipped to.
        average: `average(old, new, count)`, the average of the weights after `count` steps.
    """

    optimizer: Callable[[Iterator[nn.Parameter], float], torch.optim.Optimizer]
    learning_rate: Callable[[int, int], float]
    max_norm: float
    average: Callable[[Tensor, Tensor, Tensor | int], Tensor]


def fused_adamw(
    parameters: Iterator[nn.Parameter], learning_rate: float, betas: tuple[float, float]
) -> torch.optim.Optimizer:
    """AdamW, in one piece (fused) on the devices where every version of PyTorch that we support can do it."""
    weights = list(parameters)
    fused = all(weight.device.type in ("cpu", "cuda") for weight in weights)
    return torch.optim.AdamW(weights, learning_rate, betas, fused=True if fused else None)


ADAMW = Optimization(partial(fused_adamw, betas=(0.9, 0.99)), warm_up_and_cosine, 1.0, growing_ema)
"""How the course trains: AdamW, warm-up and half a cosine, clipped gradients, and an average of the weights (EMA)."""

PLAIN_ADAM = Optimization(torch.optim.Adam, linear_decay, math.inf, no_average)
"""How the classic recipe trains: Adam and a learning rate that falls linearly, and nothing else."""


def train(
    model: nn.Module,
    images: Tensor,
    contexts: Tensor,
    schedule: NoiseSchedule,
    *,
    steps: int | Callable[[int], int],
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    weight: Tensor | None = None,
    context_dropout: float = 0.1,
    optimization: Optimization = ADAMW,
    loss: Callable[..., Tensor] = denoising_loss,
    generator: torch.Generator | None = None,
    state: Mapping[str, Any] | None = None,
    accelerator: "Accelerator | None" = None,
) -> Iterator[Progress]:
    """Train a model in place, and yield after each step; in half precision where the machine has it (`has_bfloat16`).

    With AdamW, unless another `optimization` is given. The learning rate rises over the first twentieth of the run and
    then falls like half a cosine to 0. Gradients are clipped to norm 1. The average of the weights forgets over the
    last tenth of the run so far, at most 1,000 steps.

    Args:
        model: a module `model(x, t, c) -> eps`, on the device to train on.
        images: clean images, shape (N, …), in [−1, 1].
        contexts: their contexts, shape (N, n_context).
        schedule: the noise schedule.
        steps: how many batches to learn from; or a function that is asked before each step with the number of steps
            taken, and answers how many there will be in all. Where processes share the work it must answer the same in
            all of them; nobody else sees to that.
        batch_size: images in a batch, drawn with replacement.
        learning_rate: its largest value.
        weight: as in `diffusion_loss`.
        context_dropout: share of the images that are shown without their context.
        optimization: how gradients change the weights.
        loss: `loss(model, x0, t, eps, c, schedule, weight)`, a scalar, by default that of Algorithm 1.
        generator: where all random choices come from, one for the CPU; by default torch's own.
        state: what `Progress.state()` returned in a run with the same other arguments, to go on behind that step. On
            the same machine the rest of the run is the same to the last bit.
        accelerator: of Hugging Face Accelerate, where several processes share the work. Each computes its part of the
            same batches, so the losses are those of one process, up to rounding.

    Raises ValueError for bad input at once, and while training when the loss is not finite any more.
    """
    _require_data(images, contexts, _n_context(model))
    settled = None if callable(steps) else require_int("steps", steps, 1)
    if weight is not None:
        require_table("weight", weight, schedule.T)
    require_number("learning_rate", learning_rate, 0, open_interval=True)
    require_number("context_dropout", context_dropout, 0, 1)
    require_cpu_generator("generator", generator)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ValueError("model has nothing to learn: model.requires_grad_(True) thaws one that was loaded")
    if accelerator is not None and loss is not denoising_loss:
        raise ValueError("loss must be the usual one where processes share the work, and this one is for one process")
    n_processes, rank = (1, 0) if accelerator is None else (accelerator.num_processes, accelerator.process_index)
    if require_int("batch_size", batch_size, 1) % n_processes:
        raise ValueError(f"batch_size must be a multiple of the {n_processes} processes, got {batch_size}")

    generator = torch.default_generator if generator is None else generator
    learner = model.train() if accelerator is None else accelerator.prepare_model(model.train())
    optimizer = optimization.optimizer(model.parameters(), learning_rate)
    averaged = AveragedModel(model, avg_fn=optimization.average, use_buffers=True).eval()
    stateful: dict[str, Any] = {"model": model, "averaged": averaged, "optimizer": optimizer}
    plan = steps if callable(steps) else lambda done: steps
    if state is not None:
        _restore(state, settled, stateful, generator)

    def take_state() -> dict[str, Any]:
        states = {name: part.state_dict() for name, part in stateful.items()}
        step = int(averaged.n_averaged)
        return copy.deepcopy({"step": step, "steps": settled, "random": generator.get_state(), **states})

    device = next(model.parameters()).device
    half = half_precision(device)

    def run() -> Iterator[Progress]:
        step = int(averaged.n_averaged)
        while step < (steps := require_int("the answer of steps", plan(step), 1)):
            step += 1
            rows = torch.randint(len(images), (batch_size,), generator=generator)
            x0, c = images[rows].to(device), contexts[rows].to(device)
            c = drop_context(c, context_dropout, generator)
            t, eps = draw_times_and_noise(x0, schedule, generator)
            share = slice(rank, None, n_processes)  # every process draws the whole batch, and learns from its share
            with half:
                own = loss(learner, x0[share], t[share], eps[share], c[share], schedule, weight)
            mean = own.detach() if accelerator is None else accelerator.reduce(own.detach(), "mean")
            if not torch.isfinite(mean):
                raise ValueError(f"the loss became {mean.item()} at step {step}: a smaller learning_rate may help")
            optimizer.zero_grad()
            own.backward()
            nn.utils.clip_grad_norm_(model.parameters(), optimization.max_norm)
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * optimization.learning_rate(step - 1, steps)
            optimizer.step()
            averaged.update_parameters(model)
            yield Progress(step, mean.item(), averaged.module, take_state, steps)

    return run()


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16; without them half precision is slower than full."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # older versions do not tell
    return device.type == "cpu" and bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def half_precision(device: torch.device) -> AbstractContextManager[object]:
    """Where networks calculate with bfloat16, if the device `has_bfloat16`; else they go on as ever."""
    # Old versions of PyTorch do not know every device, and raise even if autocast is not enabled.
    return torch.autocast(device.type, torch.bfloat16) if has_bfloat16(device) else nullcontext()


def _n_context(model: nn.Module) -> int | None:
    """How long the contexts are that a model, or the network in it, says that it knows; nothing if it does not say."""
    for place in ("", "network.", "model.", "model.network."):
        try:
            return int(attrgetter(f"{place}arguments")(model)["n_context"])
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
    return None


def _require_data(images: object, contexts: object, n_context: int | None) -> None:
    """Images, and for each a context of their dtype and of the length that the model knows, if it is known."""
    count = len(x := require_floats("images", images))
    wanted = f"({count}, {'n_context' if n_context is None else n_context})"
    if isinstance(contexts, Tensor) and contexts.shape == (count, 0):  # as `load_sprites` has it without classes
        no_context = f'give torch.zeros{wanted}, which means "no context"'
        raise ValueError(f"contexts must have shape {wanted}, got ({count}, 0), which is no class at all: {no_context}")
    c = require_floats("contexts", contexts)
    if c.ndim != 2 or len(c) != count or c.shape[1] != (n_context or c.shape[1]):
        raise ValueError(f"contexts must have shape {wanted}, got {tuple(c.shape)}")
    if c.dtype != x.dtype:
        raise ValueError(f"contexts must be {x.dtype}, as images are, got {c.dtype}")


def _restore(state: Mapping[str, Any], steps: int | None, parts: Mapping[str, Any], generator: torch.Generator) -> None:
    """Put a run back to where `Progress.state()` found it."""
    try:
        if state["steps"] != steps:
            found, asked = ("planned" if n is None else n for n in (state["steps"], steps))
            raise ValueError(f"it is that of a run of {found} steps, not {asked}")
        for name, part in parts.items():
            part.load_state_dict(copy.deepcopy(state[name]))  # the optimiser would go on writing into the caller's
        generator.set_state(state["random"])
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"state must be what Progress.state() returned in such a run: {reason}") from error
