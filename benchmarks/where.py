"""Where along t is quality lost? Walks that begin at other times, or are walked in another way; 25 steps from T.

In the first table a walk does not begin with pure noise, but with fresh sprites to which noise was added up to a time
t: what a perfect network would have made of pure noise by then, in very many steps. So what is wrong at the end went
wrong below t. In the second table steps are those of DDPM in one part of the times, of DDIM in the others: where does
fresh noise help? The third says how far the picture in mind, x̂_0, leaves the range of colours on the way. The last one
asks whether the network can see at all what is before its eyes: real sprites with noise up to t, and what it says x_0
is at one look, which is clipped to [−1, 1]. A sampler ends with such a look at little noise: what is lost there, no
earlier step can mend.

500 sprites each, the same classes, three seeds of the drawing; one look has one noise, the same at all t. A
quarter of an hour of one CPU core:

    OMP_NUM_THREADS=1 python benchmarks/where.py weights/sprites.safetensors
"""

import argparse
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from statistics import fmean

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

import torch
from exam import Drawing, row
from second_judge import fresh_sprites
from torch import Tensor

from course_utils import (
    NoiseSchedule,
    clean_share,
    ddim_step,
    ddpm_step,
    frechet_distance,
    load_classifier,
    load_model,
    load_sprites,
    sample,
)
from course_utils.diffusion.models import Model
from course_utils.quality.evaluation import SEEDS, N, floor, grade

STEPS, BEGUN_WITH = 25, 4
"""Steps of a whole walk, and a seed of the artist that nothing else uses."""

LOOKED_AT = (1, 20, 60, 100, 200, 300, 400, 450)
"""Times of one look."""

NOISY = {
    "never (DDIM)": range(0),
    **{f"t from {t + 1} to {t + 100}": range(t + 1, t + 101) for t in range(0, 500, 100)},
    "t from 1 to 400": range(1, 401),
    "always (DDPM, respaced)": range(1, 501),
}
Outside = dict[int, list[float]]


def from_fresh_sprites(model: Model, schedule: NoiseSchedule, t: int) -> Drawing:
    """What `grade` asks to draw: DDIM from t down, from fresh sprites of the wanted classes with noise."""
    images, contexts = fresh_sprites(3000, BEGUN_WITH)

    def draw(c: Tensor, generator: torch.Generator) -> Tensor:
        left = {k: (contexts[:, k] == 1).nonzero().flatten().tolist() for k in range(c.shape[1])}
        x0 = images[[left[k].pop() for k in c.argmax(dim=1).tolist()]]
        x = schedule.add_noise(x0, t, torch.randn(x0.shape, generator=generator))
        *_, end = sample(model, x, [time for time in schedule.timesteps(STEPS) if time <= t], schedule, c=c)
        return end.x

    return draw


def mixed_step(
    x: Tensor, eps: Tensor, t: int, t_prev: int, schedule: NoiseSchedule, *, noise: Tensor | None, noisy: range
) -> Tensor:
    """A step of DDPM from the times in `noisy`, of DDIM from others."""
    return ddpm_step(x, eps, t, t_prev, schedule, noise=noise) if t in noisy else ddim_step(x, eps, t, t_prev, schedule)


def drawer(model: Model, schedule: NoiseSchedule, noisy: range, outside: Outside) -> Drawing:
    """What `grade` asks to draw; fills `outside` with how far x̂_0 is from [−1, 1] at each time."""

    def draw(c: Tensor, generator: torch.Generator) -> Tensor:
        x = torch.randn((len(c), 3, 16, 16), generator=generator)
        times = schedule.timesteps(STEPS)
        walk = sample(model, x, times, schedule, partial(mixed_step, noisy=noisy), c, generator)
        for t, step in zip(times, walk, strict=False):  # x̂_0 is what it had in mind at t, before the step
            outside[t].append((step.x0_hat.abs() - 1).clamp(min=0).mean().item())
        return step.x

    return draw


def print_table(title: str, drawers: Mapping[str, Drawing]) -> None:
    judge = load_classifier()
    real = [floor(judge, seed) for seed in SEEDS]
    print(f"| {title} | excess | accuracy | clean | coverage | recall | nearest training sprite |")
    print("|---|---|---|---|---|---|---|")
    for name, draw in drawers.items():
        found = [grade(judge, draw, seed) for seed in SEEDS]
        print(f"| {name} | {' | '.join(row(found, real))} |", flush=True)
    print()


def one_look(model: Model, schedule: NoiseSchedule, x0: Tensor, c: Tensor) -> Iterator[tuple[int, Tensor]]:
    """What a network says x_0 is at each of the times `LOOKED_AT`, where one noise was added; x0 (n, C, H, W)."""
    eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(0))
    for t in LOOKED_AT:
        x_t = schedule.add_noise(x0, t, eps)
        yield t, schedule.predict_x0(x_t, t, model(x_t, torch.full((len(x0),), t), c)).clamp(-1, 1)


def print_one_look(model: Model, schedule: NoiseSchedule) -> None:
    """The error of x̂_0 on real sprites, and what the judge says of it, beside what it says of the sprites."""
    judge, (images, contexts) = load_classifier(), load_sprites(split="test")
    x0, c, real = images[:N], contexts[:N], judge.features(images[N:])
    least = frechet_distance(judge.features(x0), real)
    print("\n| one look at t | squared error of x_0 | excess | clean |\n|---|---|---|---|")
    for t, x0_hat in one_look(model, schedule, x0, c):
        excess = frechet_distance(judge.features(x0_hat), real) - least
        print(f"| {t} | {(x0_hat - x0).square().mean():.4f} | {excess:.1f} | {clean_share(judge, x0_hat):.0%} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path)
    network, schedule = load_model(parser.parse_args().weights)
    begun = {f"{t}": from_fresh_sprites(network, schedule, t) for t in (100, 200, 300, 400, 500)}
    print_table("fresh sprites with noise up to t =", begun)
    outside: dict[str, Outside] = {name: defaultdict(list) for name in NOISY}
    print_table("fresh noise", {name: drawer(network, schedule, noisy, outside[name]) for name, noisy in NOISY.items()})
    print(f"| mean distance of x̂_0 from [−1, 1], in thousandths, at t | {' | '.join(NOISY)} |")
    print(f"{'|---' * (len(NOISY) + 1)}|")
    for t in schedule.timesteps(STEPS)[:-1:4]:
        print(f"| {t} | {' | '.join(f'{1000 * fmean(outside[name][t]):.1f}' for name in NOISY)} |")
    print_one_look(network, schedule)


if __name__ == "__main__":
    main()
