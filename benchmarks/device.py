"""What a GPU gives: a training step and 32 sprites in 25 steps, on the CPU and on the GPU if there is one.

Prints a table. In half precision (bfloat16) where the device has it, as `train` does. On a machine with a GPU:

    python benchmarks/device.py
"""

import os
import statistics
import time
from collections.abc import Callable

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

import torch

from course_utils import diffusion_loss, load_sprites, sample_ddim
from course_utils.training.loop import half_precision, has_bfloat16
from course_utils.training.recipes import SPRITES


def seconds(work: Callable[[], object], device: torch.device) -> float:
    times = []
    for _ in range(8):
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[2:])  # the first are slower


def times(device: torch.device, batch_size: int) -> tuple[float, float]:
    """Seconds of a training step of so many sprites, and of drawing 32 sprites in 25 steps."""
    schedule, (images, contexts) = SPRITES.schedule(SPRITES.T), load_sprites()
    torch.manual_seed(0)
    model = SPRITES.model(schedule, n_context=5).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    weight = SPRITES.weight and SPRITES.weight(schedule)
    x0, c = images[:batch_size].to(device), contexts[:batch_size].to(device)
    generator = torch.Generator(device).manual_seed(0)

    def step() -> None:
        with half_precision(device):
            loss = diffusion_loss(model, x0, c, schedule, weight)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def draw() -> None:
        with half_precision(device):
            sample_ddim(model, (32, 3, 16, 16), schedule, 25, generator=generator)

    return seconds(step, device), seconds(draw, device)


def main() -> None:
    print("| device | batch | half precision | training step, ms | 32 sprites, 25 steps, s |\n|---|---|---|---|---|")
    for name in ("cpu", *["cuda"] * torch.cuda.is_available()):
        device = torch.device(name)
        for batch_size in (SPRITES.batch_size, *[1024] * (name == "cuda")):
            step, draw = times(device, batch_size)
            half = "yes" if has_bfloat16(device) else "no"
            print(f"| {name} | {batch_size:,} | {half} | {1000 * step:.1f} | {draw:.2f} |", flush=True)


if __name__ == "__main__":
    main()
