"""How soon a few pictures are learned by heart: the distance of samples to the training pictures, step after step.

    OMP_NUM_THREADS=1 python benchmarks/few.py

Sixty pictures of two kinds, mirrored and with their colours exchanged, are learned by the recipe of the course from
random weights, with seed 0. Each row draws 64 samples with 25 steps of DDIM. Beside them stand the distances among the
training pictures, and of held-out pictures of these kinds to them: a network that has learned what such pictures have
in common, and none of them, would be there. One training, one seed; six minutes of a core.
"""

import torch
from torch import Tensor

from course_utils import load_sprites, nearest, sample_ddim, sprite_words, train
from course_utils.training.recipes import SPRITES

KINDS, EACH, SHOWN, SAMPLES = ("mushroom", "cat"), 30, (50, 100, 200, 400, 800, 1200, 1600), 64


def pictures(split: str, each: int | None = None) -> Tensor:
    """Pictures of the two kinds, the first kind first, that the course's network has not seen like this."""
    images, kinds = load_sprites(split=split)[0], sprite_words(split=split)["kind"]
    return torch.cat([images[torch.from_numpy(kinds == kind)][:each] for kind in KINDS])[:, [1, 2, 0]].flip(3)


def main() -> None:
    """Train, and print a row at each of the steps in `SHOWN`."""
    images, held_out, schedule = pictures("train", EACH), pictures("test"), SPRITES.schedule(SPRITES.T)
    among = torch.cdist(images.flatten(1), images.flatten(1)).fill_diagonal_(torch.inf).amin(1).median()
    print(f"from one training picture to the next {among:.1f}, ", end="")
    print(f"from {len(held_out)} held-out ones to them {nearest(held_out, images)[0].median():.1f} (medians)\n")
    print("| steps | showings of each picture | samples to training pictures | at less than half the distance among |")
    print("|---|---|---|---|")
    torch.manual_seed(SPRITES.seed)
    model, generator = SPRITES.model(schedule, len(KINDS)), torch.Generator().manual_seed(SPRITES.seed)
    contexts, asked = (torch.eye(len(KINDS)).repeat_interleave(n, 0) for n in (EACH, SAMPLES // len(KINDS)))
    settings = SPRITES.settings(schedule)
    for now in train(model, images, contexts, schedule, steps=SHOWN[-1], generator=generator, **settings):
        if now.step in SHOWN:
            start = torch.Generator().manual_seed(0)
            drawn = sample_ddim(now.averaged, (SAMPLES, 3, 16, 16), schedule, 25, asked, generator=start)
            distance = nearest(drawn, images)[0]
            showings, recited = now.step * SPRITES.batch_size / len(images), (distance < among / 2).float().mean()
            print(f"| {now.step:,} | {showings:.0f} | {distance.median():.1f} | {recited:.0%} |", flush=True)


if __name__ == "__main__":
    main()
