"""The classic lab recipe beside ours, from nothing, at equal CPU time: a table, a picture, and how much sooner ours is.

Both learn from the same sprites, draw with the same sampler and are asked the same questions. A minute is one of two
cores, 120 CPU seconds, so other work on the machine disturbs nobody; the learning rate of each run falls to 0 within
its time. Times of drawing are not counted.

    OMP_NUM_THREADS=1 python benchmarks/recipe.py --minutes 0.5 1 3 10 --picture recipe.png
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

import torch
from torch import Tensor, nn

from course_utils import (
    ContextUnet,
    FromV,
    cosine_schedule,
    diffusion_loss,
    drop_context,
    linear_schedule,
    load_sprites,
    min_snr,
    sample_ddim,
    show_images,
    train,
)
from course_utils.quality.classifier import load_classifier
from course_utils.quality.metrics import measure
from course_utils.training.loop import has_bfloat16
from course_utils.training.recipes import BATCH_SIZE, LEARNING_RATE, N_FEATURES

Run = Iterator[nn.Module]
LINEAR, COSINE = linear_schedule(500), cosine_schedule(500)
DRAWN = 500


def convolution(c_in: int, c_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(c_in, c_out, 3, padding=1), nn.BatchNorm2d(c_out), nn.GELU())


def four_convolutions(c_in: int, c_out: int) -> nn.Sequential:
    return nn.Sequential(convolution(c_in, c_out), *(convolution(c_out, c_out) for _ in range(3)))


class ClassicUnet(nn.Module):
    """The network of the classic lab: 64 features, BatchNorm, max pooling, t / T through a small network.

    Time and context scale and shift what comes back up, not the blocks. Its known errors are mended: the shortcut is a
    module of its own, and a mask drops contexts instead of keeping them.
    """

    def __init__(self, n: int = 64, n_context: int = 5) -> None:
        super().__init__()
        self.stem1, self.stem2 = convolution(3, n), convolution(n, n)
        self.shortcut = nn.Conv2d(3, n, 1)
        self.down1 = nn.Sequential(four_convolutions(n, n), nn.MaxPool2d(2))
        self.down2 = nn.Sequential(four_convolutions(n, 2 * n), nn.MaxPool2d(2))
        self.to_vector = nn.Sequential(nn.AvgPool2d(4), nn.GELU())
        self.time = nn.ModuleList(self._embedding(1, width) for width in (2 * n, n))
        self.context = nn.ModuleList(self._embedding(n_context, width) for width in (2 * n, n))
        self.up0 = nn.Sequential(nn.ConvTranspose2d(2 * n, 2 * n, 4, 4), nn.GroupNorm(8, 2 * n), nn.ReLU())
        self.up1 = self._up(4 * n, n)
        self.up2 = self._up(2 * n, n)
        self.head = nn.Sequential(
            nn.Conv2d(2 * n, n, 3, padding=1), nn.GroupNorm(8, n), nn.ReLU(), nn.Conv2d(n, 3, 3, padding=1)
        )

    @staticmethod
    def _embedding(n_in: int, width: int) -> nn.Sequential:
        return nn.Sequential(nn.Linear(n_in, width), nn.GELU(), nn.Linear(width, width), nn.Unflatten(1, (width, 1, 1)))

    @staticmethod
    def _up(c_in: int, c_out: int) -> nn.Sequential:
        return nn.Sequential(nn.ConvTranspose2d(c_in, c_out, 2, 2), four_convolutions(c_out, c_out))

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """The noise that it sees, of the shape of `x`."""
        share = (t / LINEAR.T).view(-1, 1).to(x)
        c = x.new_zeros(len(x), 5) if c is None else c
        first = self.stem1(x)
        fine = (self.shortcut(x) + self.stem2(first)) / 2**0.5
        middle = self.down1(fine)
        coarse = self.down2(middle)
        up = self.up0(self.to_vector(coarse))
        up = self.up1(torch.cat([self.context[0](c) * up + self.time[0](share), coarse], dim=1))
        up = self.up2(torch.cat([self.context[1](c) * up + self.time[1](share), middle], dim=1))
        return self.head(torch.cat([up, fine], dim=1))


def classic(steps: int, images: Tensor, contexts: Tensor) -> Run:
    """Adam at 1e-3, falling linearly; batches of 100; the squared error of ε; no average of the weights."""
    model, generator = ClassicUnet(), torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    half = torch.autocast("cpu", torch.bfloat16, enabled=has_bfloat16(torch.device("cpu")))  # as in ours
    for _ in range(steps):
        rows = torch.randint(len(images), (100,), generator=generator)
        x0, c = images[rows], drop_context(contexts[rows], 0.1, generator)
        with half:
            loss = diffusion_loss(model, x0, c, LINEAR, generator=generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate.step()
        yield model


def ours(steps: int, images: Tensor, contexts: Tensor) -> Run:
    """What `python -m course_utils train` does."""
    model = FromV(ContextUnet(n_features=N_FEATURES), COSINE)
    run = train(
        model,
        images,
        contexts,
        COSINE,
        steps=steps,
        batch_size=BATCH_SIZE,
        learning_rate=LEARNING_RATE,
        weight=min_snr(COSINE),
        generator=torch.Generator().manual_seed(0),
    )
    for progress in run:
        yield progress.averaged


def trained(recipe: Callable[..., Run], minutes: float, images: Tensor, contexts: Tensor) -> tuple[nn.Module, int]:
    """A network after so many minutes of two cores, in eval mode, and how many steps it took."""
    trial = recipe(1000, images, contexts)
    for _ in islice(trial, 3):  # the first steps are slower
        pass
    start = time.process_time()
    for _ in islice(trial, 12):
        pass
    steps = int(120 * minutes * 12 / (time.process_time() - start))
    torch.manual_seed(0)
    *_, model = recipe(steps, images, contexts)
    return model.eval(), steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, nargs="+", default=[0.5, 1, 3, 10])
    parser.add_argument("--picture", type=Path, help="also write a picture with ten sprites of each run to this file")
    given = parser.parse_args()
    images, contexts = load_sprites()
    held_out, judge = load_sprites(split="test")[0][:DRAWN], load_classifier()
    wanted = torch.eye(5)[torch.arange(DRAWN) % 5]
    print(f"{DRAWN} sprites by DDIM, 25 steps, seed 0\n")
    print("| recipe | minutes | steps | Fréchet distance | context accuracy | clean | recall |")
    print("|---|---|---|---|---|---|---|")
    distance, rows = {}, {}
    for minutes in given.minutes:
        for recipe, schedule in ((classic, LINEAR), (ours, COSINE)):
            model, steps = trained(recipe, minutes, images, contexts)
            generator = torch.Generator().manual_seed(0)
            drawn = sample_ddim(model, (DRAWN, 3, 16, 16), schedule, 25, wanted, generator=generator).clamp(-1, 1)
            found = measure(judge, drawn, wanted, held_out, images)
            distance[recipe, minutes] = found.frechet_distance
            rows[f"{recipe.__name__}, {minutes:g} min"] = drawn[:10]
            shares = (found.context_accuracy, found.clean_share, found.recall)
            numbers = " | ".join([f"{found.frechet_distance:.1f}", *(f"{share:.0%}" for share in shares)])
            print(f"| {recipe.__name__} | {minutes:g} | {steps:,} | {numbers} |", flush=True)
    if given.picture:
        picture = show_images(torch.cat(list(rows.values())), columns=10, row_titles=list(rows))
        given.picture.write_bytes(picture.png())

    longest = max(given.minutes)
    enough = [m for m in sorted(given.minutes) if distance[ours, m] <= distance[classic, longest]]
    print()
    if enough:
        more = "at least " if enough[0] == min(given.minutes) else ""
        print(f"What the classic recipe reaches in {longest:g} minutes, ours reaches in {enough[0]:g}: ", end="")
        print(f"{more}{longest / enough[0]:.0f} times sooner.")
    else:
        print(f"Ours did not reach in {longest:g} minutes what the classic recipe did.")


if __name__ == "__main__":
    main()
