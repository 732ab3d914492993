"""How long drawing takes: beside `diffusers`, with few steps beside all, and with more sprites, steps or width.

What is compared runs in turn in one process; numbers are medians, and a ratio is the median of the ratios of each turn,
so what slows the machine for a while slows both. Prints tables. Run it on a quiet machine:

    python benchmarks/sampling.py --picture sampling.png
"""

import argparse
import os
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from statistics import median

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler, SchedulerMixin
from torch import Tensor

from course_utils import (
    ContextUnet,
    FromX0,
    NoiseSchedule,
    load_pretrained,
    plot_curves,
    sample_ddim,
    sample_ddpm,
    sample_dpm,
)
from course_utils.diffusion.models import Model

BATCH, SPRITE = 32, (3, 16, 16)
SAMPLERS = {
    "DDPM": (sample_ddpm, partial(DDPMScheduler, clip_sample=False), 50),
    "DDIM": (sample_ddim, partial(DDIMScheduler, clip_sample=False), 25),
    "DPM-Solver++(2M)": (sample_dpm, DPMSolverMultistepScheduler, 10),
}


def in_turn(work: Mapping[str, Callable[[], object]], turns: int) -> list[dict[str, float]]:
    """Seconds of each piece of work in each turn; one turn before these is not counted, because it is slower."""
    runs = []
    for _ in range(turns + 1):
        runs.append({})
        for name, call in work.items():
            start = time.perf_counter()
            call()
            runs[-1][name] = time.perf_counter() - start
    return runs[1:]


@torch.no_grad()
def draw_with_diffusers(model: Model, scheduler: SchedulerMixin, n: int, generator: torch.Generator) -> Tensor:
    """The loop of its pipelines around a model of ours, whose times are larger by one."""
    scheduler.set_timesteps(n)
    x = torch.randn((BATCH, *SPRITE), generator=generator)
    noise = {} if isinstance(scheduler, DPMSolverMultistepScheduler) else {"generator": generator}
    for t in scheduler.timesteps:
        eps = model(x, (t + 1).expand(BATCH), None)
        x = scheduler.step(eps, t, x, **noise).prev_sample
    return x


def beside_diffusers(model: Model, schedule: NoiseSchedule) -> None:
    """Whole time with the network, and time outside it: what is left with a network that costs nothing."""
    answer, generator = torch.randn(BATCH, *SPRITE), torch.Generator().manual_seed(0)
    print(f"{BATCH} sprites, time of ours / of theirs, and the part of a step outside the network\n")
    print("| sampler | steps | whole time | outside | ours, ms | theirs, ms |\n|---|---|---|---|---|---|")
    for name, (draw, theirs, n) in SAMPLERS.items():
        scheduler = theirs(
            num_train_timesteps=schedule.T, trained_betas=schedule.beta[1:].numpy(), timestep_spacing="trailing"
        )

        def work(model: Model, draw=draw, scheduler=scheduler, n=n) -> dict[str, Callable[[], Tensor]]:
            return {
                "ours": partial(draw, model, (BATCH, *SPRITE), schedule, n, generator=generator),
                "theirs": partial(draw_with_diffusers, model, scheduler, n, generator),
            }

        whole, outside = in_turn(work(model), 7), in_turn(work(lambda x, t, c: answer), 100)
        ratios = [median(run["ours"] / run["theirs"] for run in runs) for runs in (whole, outside)]
        ms = [1000 / n * median(run[side] for run in outside) for side in ("ours", "theirs")]
        print(f"| {name} | {n} | {ratios[0]:.2f} | {ratios[1]:.2f} | {ms[0]:.2f} | {ms[1]:.2f} |", flush=True)


def few_steps_beside_all(model: Model, schedule: NoiseSchedule) -> None:
    c = torch.eye(5)[torch.arange(BATCH) % 5]
    samplers = {
        f"DDPM, {schedule.T} steps": partial(sample_ddpm, model, (BATCH, *SPRITE), schedule, schedule.T, c),
        "DDIM, 25 steps": partial(sample_ddim, model, (BATCH, *SPRITE), schedule, 25, c),
        "DPM-Solver++(2M), 10 steps": partial(sample_dpm, model, (BATCH, *SPRITE), schedule, 10, c),
    }
    runs, slowest = in_turn(samplers, 2), next(iter(samplers))
    print(f"\n| {BATCH} sprites | seconds | times as fast |\n|---|---|---|")
    for name in samplers:
        faster = median(run[slowest] / run[name] for run in runs)
        print(f"| {name} | {median(run[name] for run in runs):.2f} | {faster:.0f} |", flush=True)


def growth(what: str, sizes: Iterable[int], draw: Callable[[int], Callable[[], Tensor]]) -> tuple[Tensor, Tensor]:
    """Doublings of a size and of the time that it takes; also prints them."""
    runs = in_turn({str(size): draw(size) for size in sizes}, 3)
    times = torch.tensor([median(run[str(size)] for run in runs) for size in sizes])
    print(f"\n| {what} | seconds |\n|---|---|")
    print("\n".join(f"| {size} | {seconds:.3f} |" for size, seconds in zip(sizes, times.tolist(), strict=True)))
    sizes = torch.tensor(sizes)
    return (sizes / sizes[0]).log2(), (times / times[0]).log2()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", type=Path, help="also write a picture of how time grows to this file")
    given = parser.parse_args()
    model, schedule = load_pretrained("sprites")
    threads = torch.get_num_threads()
    print(f"Samplers on {threads} CPU thread{'s' * (threads > 1)}\n")
    beside_diffusers(model, schedule)
    few_steps_beside_all(model, schedule)

    def draw(batch: int = BATCH, n: int = 10, model: Model = model) -> Callable[[], Tensor]:
        return partial(sample_ddim, model, (batch, *SPRITE), schedule, n)

    def fresh(width: int) -> Model:
        return FromX0(ContextUnet(n_features=width), schedule).eval()

    curves = {
        "sprites": growth("sprites, 10 steps", (1, 2, 4, 8, 16, 32, 64, 128), lambda batch: draw(batch=batch)),
        "steps": growth(f"steps, {BATCH} sprites", (5, 10, 25, 50, 100), lambda n: draw(n=n)),
        "width": growth("features of the network", (8, 16, 32, 64), lambda width: draw(model=fresh(width))),
    }
    if given.picture:
        axes = "doublings of sprites (from 1), steps (from 5) or width (from 8)", "doublings of time"
        given.picture.write_bytes(plot_curves(curves, *axes, title="How the time of drawing grows").png())


if __name__ == "__main__":
    main()
