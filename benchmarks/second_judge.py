"""The classifier by which recipes are chosen: another network than the judge's, taught on sprites drawn for it alone.

What is published is asked of the judge that the course ships, about the sprites that the course holds out. A recipe
that was chosen because it pleases that judge would have an advantage there, so `search.py` asks this one, about fresh
sprites. (Both have learned what "spoiled" means from the same four ways, so on that they are not independent.) Writes
it, and prints how far it can be trusted. A few minutes of one core:

    python benchmarks/second_judge.py --out second.safetensors
"""

import argparse
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor, nn

from course_utils.quality.classifier import SpriteClassifier, train_classifier
from course_utils.quality.evaluation import SEEDS, floor
from course_utils.sprites import draw_sprites
from course_utils.storage.checkpoints import read_network, write_network
from course_utils.training.recipes import JUDGE

TAUGHT_ON, ASKED_ABOUT, EXAMINED_ABOUT = 1, 2, 3
"""Seeds of the artist: to learn from, to choose by, and for `exam.py`. The course's own sprites have seed 0."""


class SecondJudge(SpriteClassifier):
    """Looks with windows of 5 pixels, then 3, and keeps the largest answer of each square of four pixels."""

    def __init__(self, kinds: list[str], classes: list[int]) -> None:
        super().__init__(kinds, classes)
        self.body = nn.Sequential(
            nn.Conv2d(3, 24, 5, padding=2),
            nn.GELU(),
            nn.MaxPool2d(2),
            nn.Conv2d(24, 64, 3, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.GELU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 96, 3, padding=1, bias=False),
            nn.BatchNorm2d(96),
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(96 * 4 * 4, 64, bias=False),
            nn.BatchNorm1d(64, affine=False),
        )


def fresh_sprites(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """New sprites, (n, 3, 16, 16) in [−1, 1], and their one-hot classes, (n, 5)."""
    return as_tensors(draw_sprites(n, seed))


def as_tensors(drawn: dict) -> tuple[Tensor, Tensor]:
    images = torch.from_numpy(drawn["images"]).permute(0, 3, 1, 2).float() / 127.5 - 1
    return images.contiguous(), torch.from_numpy(drawn["contexts"]).float()


def load(path: Path) -> SpriteClassifier:
    return read_network(path, SecondJudge)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("second.safetensors"))
    given = parser.parse_args()
    if given.out.exists():
        parser.error(f"{given.out} is there: move it, or give another --out")
    drawn = draw_sprites(20_000, TAUGHT_ON)
    images, contexts = as_tensors(drawn)
    torch.manual_seed(TAUGHT_ON)
    judge = train_classifier(
        images,
        drawn["kind"],
        contexts,
        JUDGE.steps,
        JUDGE.batch_size,
        JUDGE.learning_rate,
        torch.Generator().manual_seed(TAUGHT_ON),
        network=SecondJudge,
    )
    write_network(given.out, judge, {}, {})
    sprites = fresh_sprites(2000, ASKED_ABOUT)
    found = [floor(judge, seed, sprites) for seed in SEEDS]
    print(f"{given.out}, of fresh sprites, mean of {len(SEEDS)} seeds:", end=" ")
    accuracy, clean = (
        fmean(getattr(quality, name) for quality in found) for name in ("context_accuracy", "clean_share")
    )
    distance = fmean(quality.frechet_distance for quality in found)
    print(f"accuracy {accuracy:.1%}, clean {clean:.1%}, Fréchet distance of real sprites {distance:.2f}")


if __name__ == "__main__":
    main()
