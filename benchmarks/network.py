"""How near the network comes to what the machine can do: operations and time of a pass, beside a matrix product.

A multiplication and an addition count as two operations. Prints a table. Run it on a quiet machine:

    python benchmarks/network.py
"""

import copy
import statistics
import time
from collections.abc import Callable
from unittest.mock import patch

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from course_utils import ContextUnet, FromV, cosine_schedule, diffusion_loss, load_sprites, min_snr
from course_utils.training.recipes import SPRITES

BATCH_SIZE = SPRITES.batch_size


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


def main() -> None:
    torch.manual_seed(0)
    schedule, (images, contexts) = cosine_schedule(500), load_sprites()
    x0, c, t = images[:BATCH_SIZE], contexts[:BATCH_SIZE], torch.full((BATCH_SIZE,), 250)
    a, b = torch.randn(2, 2048, 2048)
    model = FromV(ContextUnet(), schedule)
    plain = copy.deepcopy(model).to(memory_format=torch.contiguous_format)

    def forward() -> None:
        with torch.no_grad():
            model(x0, t, c)

    def training(model: nn.Module, fused: bool = True) -> Callable[[], None]:
        optimizer = torch.optim.AdamW(model.parameters(), fused=fused)

        def step() -> None:
            optimizer.zero_grad()
            diffusion_loss(model, x0, c, schedule, min_snr(schedule)).backward()
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
        f"forward, {BATCH_SIZE} sprites": forward,
        f"training step, {BATCH_SIZE} sprites": step,
        "… its optimiser not fused": training(model, fused=False),
        "… its images not channels-last": channels_first_step,
        "… in bfloat16": half_step,
    }
    threads = torch.get_num_threads()
    print(f"{threads} CPU thread{'s' * (threads > 1)}, float32\n")
    print("| work | GFLOP | seconds | GFLOP/s | of the peak |\n|---|---|---|---|---|")
    peak = None
    for name, run in work.items():
        count, duration = operations(run) / 1e9, seconds(run)
        rate = count / duration
        peak = peak or rate  # the matrix product comes first
        print(f"| {name} | {count:.2f} | {duration:.3f} | {rate:.0f} | {rate / peak:.0%} |")


if __name__ == "__main__":
    main()
