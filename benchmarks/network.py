"""How near the network comes to what the machine can do: operations and time of a pass, beside a matrix product.

A multiplication and an addition count as two operations. Prints a table, and where the time of a training step goes.
`--compile` also tries `torch.compile`, which needs a compiler and some minutes. Run it on a quiet machine:

    python benchmarks/network.py
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from unittest.mock import patch

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from course_utils import cosine_schedule, diffusion_loss, load_sprites
from course_utils.training.recipes import SPRITES

BATCH_SIZE = SPRITES.batch_size

KINDS = {
    "convolutions, their gradients": ("convolution_backward",),
    "convolutions, forward": ("mkldnn_convolution", "convolution"),
    "GroupNorm, both ways": ("group_norm",),
    "SiLU, both ways": ("silu",),
    "products of matrices": ("mm",),
    "optimiser": ("adam", "Optimizer"),
    "memory: copies, joins, resizing": ("copy", "cat", "upsample", "avg_pool", "empty", "clone", "fill", "zero"),
    "sums and products": ("add", "mul", "sub", "sum", "square", "mean", "div"),
}
"""What the names of PyTorch's operations tell, the first that fits; the rest is Python, autograd and small things."""


def seconds(work: Callable[[], object]) -> float:
    work()  # the first call is slower
    times = []
    for _ in range(15):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def operations(work: Callable[[], object]) -> float:
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def shares(work: Callable[[], object]) -> dict[str, float]:
    """Which share of the CPU time of some work goes where."""
    work()
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        for _ in range(10):
            work()
    times = dict.fromkeys([*KINDS, "the rest"], 0.0)
    for event in seen.key_averages():
        kinds = [kind for kind, parts in KINDS.items() if any(part in event.key for part in parts)]
        kind = kinds[0] if kinds and event.key.startswith(("aten::", "Optimizer")) else "the rest"  # not autograd's own
        times[kind] += event.self_cpu_time_total
    return {kind: time / sum(times.values()) for kind, time in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compile", action="store_true", help="also try torch.compile")
    given = parser.parse_args()
    torch.manual_seed(0)
    schedule, (images, contexts) = cosine_schedule(500), load_sprites()
    x0, c, t = images[:BATCH_SIZE], contexts[:BATCH_SIZE], torch.full((BATCH_SIZE,), 250)
    a, b = torch.randn(2, 2048, 2048)
    model = SPRITES.model(schedule, n_context=5)
    plain = copy.deepcopy(model).to(memory_format=torch.contiguous_format)

    def forward(model: nn.Module, mode: Callable[[], AbstractContextManager[object]] = torch.no_grad) -> None:
        with mode():
            model(x0, t, c)

    def convolution(channels: int, side: int) -> Callable[[], None]:
        layer = nn.Conv2d(channels, channels, 3, padding=1).to(memory_format=torch.channels_last)
        features = torch.randn(BATCH_SIZE, channels, side, side).to(memory_format=torch.channels_last)
        return lambda: forward(lambda *_: layer(features))

    def training(model: nn.Module, fused: bool = True) -> Callable[[], None]:
        optimizer = torch.optim.AdamW(model.parameters(), fused=fused)

        def step() -> None:
            optimizer.zero_grad()
            diffusion_loss(model, x0, c, schedule, SPRITES.weight(schedule)).backward()
            optimizer.step()

        return step

    step, plain_step = training(model), training(plain)

    def half_step() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            step()

    def channels_first_step() -> None:
        with patch.object(torch, "channels_last", torch.contiguous_format):  # which the network asks for
            plain_step()

    work = {
        "matrix product, 2048 × 2048": lambda: a @ b,
        **{
            f"convolution, {n} channels, {side} × {side}": convolution(n, side)
            for n, side in ((32, 16), (64, 8), (128, 4))
        },
        f"forward, {BATCH_SIZE} sprites": lambda: forward(model),
        "… in inference_mode": lambda: forward(model, torch.inference_mode),
        f"training step, {BATCH_SIZE} sprites": step,
        "… its optimiser not fused": training(model, fused=False),
        "… its images not channels-last": channels_first_step,
        "… in bfloat16": half_step,
    }
    if given.compile:
        compiled = torch.compile(model)
        work |= {"forward, compiled": lambda: forward(compiled), "training step, compiled": training(compiled)}
    threads = torch.get_num_threads()
    print(f"{threads} CPU thread{'s' * (threads > 1)}, float32\n")
    print("| work | GFLOP | seconds | GFLOP/s | of the peak |\n|---|---|---|---|---|")
    peak = None
    for name, run in work.items():
        count, duration = operations(run) / 1e9, seconds(run)
        rate = count / duration
        peak = peak or rate  # the matrix product comes first
        print(f"| {name} | {count:.2f} | {duration:.3f} | {rate:.0f} | {rate / peak:.0%} |", flush=True)
    print("\n| where a training step spends its time | share |\n|---|---|")
    for kind, share in shares(step).items():
        print(f"| {kind} | {share:.0%} |")


if __name__ == "__main__":
    main()
