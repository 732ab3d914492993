"""How good a network, or the classifier itself, is on the course's sprites: metrics over several seeds, as a table.

What is measured stands in `metrics`. This module draws the sprites and takes the real ones that they are compared with.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev

import torch
import torch.nn.functional as F
from torch import Tensor

from ..diffusion.guidance import guided
from ..diffusion.models import Model
from ..diffusion.samplers import sample_ddim
from ..diffusion.schedules import NoiseSchedule
from ..storage.checkpoints import require_weights_file, write_network
from ..storage.datasets import load_sprites, sprite_words
from ..storage.files import sha256
from ..storage.ownership import mark, only_one, require_free, write_own
from ..storage.shipped import shipped
from ..validation import require_seed
from .classifier import SpriteClassifier, load_classifier, spoil, train_classifier
from .metrics import Quality, frechet_distance, measure

N, SEEDS = 500, (0, 1, 2)
"""How many sprites are drawn for one measurement, and how often it is done, so that each number has an error bar."""


def quality_table(model: Model, schedule: NoiseSchedule) -> str:
    """A table in Markdown: the metrics of drawn sprites, with guidance scale 1 and 2, below those of real ones.

    Each number is the mean of three seeds of the drawing, ± their standard deviation. Every seed takes 500 held-out
    sprites, draws as many of the same classes with 25 steps of DDIM, and compares. The row of real sprites compares
    them with 500 other held-out ones of the same classes: that is the noise floor, which a perfect network would reach.
    The excess is what a Fréchet distance has over that of the same seed.

    Args:
        model: `model(x, t, c) -> eps` for the five classes of the course.
        schedule: its noise schedule.
    """

    def drawer(guidance_scale: float) -> Callable[[Tensor, torch.Generator], Tensor]:
        chosen = guided(model, guidance_scale) if guidance_scale != 1 else model

        def draw(contexts: Tensor, generator: torch.Generator) -> Tensor:
            return sample_ddim(chosen, (len(contexts), 3, 16, 16), schedule, 25, contexts, generator=generator)

        return draw

    judge = load_classifier()
    rows = {"real sprites, the noise floor": [floor(judge, seed) for seed in SEEDS]}
    for scale in (1, 2):
        rows[f"drawn, guidance scale {scale}"] = [grade(judge, drawer(scale), seed) for seed in SEEDS]
    return _table(rows)


def grade(
    judge: SpriteClassifier,
    draw: Callable[[Tensor, torch.Generator], Tensor],
    seed: int,
    held_out: tuple[Tensor, Tensor] | None = None,
) -> Quality:
    """What the metrics say of 500 sprites that were drawn for the classes of as many held-out ones.

    Args:
        judge: whose opinion counts.
        draw: `draw(contexts, generator) -> images`, for contexts of shape (500, 5).
        seed: decides which sprites are taken, and all randomness of the drawing.
        held_out: real sprites and their contexts, by default those that the course holds out.
    """
    images, contexts = held_out or load_sprites(split="test")
    generator = torch.Generator().manual_seed(seed)
    real = torch.randperm(len(images), generator=generator)[:N]
    drawn = draw(contexts[real], generator).clamp(-1, 1)
    return measure(judge, drawn, contexts[real], images[real], load_sprites()[0])


def floor(judge: SpriteClassifier, seed: int, held_out: tuple[Tensor, Tensor] | None = None) -> Quality:
    """What the metrics say of 500 real sprites, beside the same 500 others, of the same classes, as in `grade`.

    Arguments as in `grade`: a perfect network would get this from it.
    """
    images, contexts = held_out or load_sprites(split="test")
    rows, classes = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed)), contexts.argmax(dim=1)
    wanted, rest = classes[rows[:N]].bincount(minlength=contexts.shape[1]).tolist(), rows[N:]
    others = torch.cat([rest[classes[rest] == k][:count] for k, count in enumerate(wanted)])
    if len(others) < N:
        raise ValueError(f"held_out must have {N} other sprites of the same classes, got {len(others)}")
    return measure(judge, images[others], contexts[others], images[rows[:N]], load_sprites()[0])


def write_classifier(
    out: str | os.PathLike[str],
    steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    overwrite: bool = False,
) -> str:
    """Teach a judge on the course's sprites and write it, with a card that says how far it can be trusted.

    Args:
        out: the file to write, ending in .safetensors; the card goes beside it.
        steps, batch_size, learning_rate: as in `train_classifier`.
        seed: of every random choice.
        overwrite: replace what an earlier call wrote under the same name.

    Returns one line that says how it went.
    """
    out = require_weights_file("out", Path(out))  # before the training, not after it
    require_seed(seed)
    own = mark("train", out)
    with only_one(out):
        require_free(own, [out, out.with_suffix(".md")], overwrite)
        return _write_classifier(out, own, steps, batch_size, learning_rate, seed)


def _write_classifier(out: Path, own: str, steps: int, batch_size: int, learning_rate: float, seed: int) -> str:
    torch.manual_seed(seed)
    images, contexts = load_sprites()
    generator = torch.Generator().manual_seed(seed)
    kinds = sprite_words()["kind"]
    judge = train_classifier(images, kinds, contexts, steps, batch_size, learning_rate, generator)
    require_free(own, [out], overwrite=True)  # training took its time: is it still ours?
    write_network(out, judge, {}, {"written_by": own})
    real = [floor(judge, seed) for seed in SEEDS]
    spoiled = "\n".join(f"| {name} | {distance:.1f} |" for name, distance in _spoiled_distances(judge).items())
    parameters = sum(parameter.numel() for parameter in judge.parameters())
    card = f"""# {out.name}

A small classifier with {parameters:,} parameters that says which of {len(judge.kinds)} kinds of sprites a 16×16 picture
shows, and whether it is spoiled. The metrics of the course ask for its opinion, and for the 64 features it comes to it
by. It has seen sprites spoiled in four ways: by noise, blur, stray pixels, and halves that do not fit.

| | |
|---|---|
| command | `python -m course_utils train --recipe judge --seed {seed} --out {out.as_posix()}` |
| data | `data/sprites.npz`, split "train", sha256 `{sha256(shipped("data/sprites.npz"))}` |
| sha256 of `{out.name}` | `{sha256(out)}` |
| licence | CC0 1.0: use it for anything, no credit needed |

The noise floor, what the metrics say of real sprites: {N} held-out ones beside {N} others of the same classes, the mean
of {len(SEEDS)} seeds ± the standard deviation.

{_table({"real sprites": real})}

And the Fréchet distance of {N} held-out sprites that were spoiled to {N} others:

| spoiled by | Fréchet distance |
|---|---|
{spoiled}

Another machine or number of threads rounds differently, and the same command makes another judge, as good as this one.
It knows the sprites of this course and nothing else, and it is stricter than eyes: a pixel that does not fit is enough.

<!-- {own} -->
"""
    write_own(out.with_suffix(".md"), card.encode(errors="backslashreplace"), own)
    accuracy = fmean(quality.context_accuracy for quality in real)
    return f"{out}: puts {accuracy:.1%} of held-out sprites into their class"


def _spoiled_distances(judge: SpriteClassifier) -> dict[str, float]:
    images, contexts = load_sprites(split="test")
    real, others = judge.features(images[:N]), images[N : 2 * N]
    smooth = F.avg_pool2d(F.pad(others, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    noise = torch.randn(others.shape, generator=torch.Generator().manual_seed(0))
    spoiled = {
        "nothing": others,
        "noise of standard deviation 0.1": others + 0.1 * noise,
        "noise of standard deviation 0.3": others + 0.3 * noise,
        "a quarter of a blur over 3×3 pixels": others.lerp(smooth, 0.25),
        "the whole blur": smooth,
        "one of the four ways by chance": spoil(others, torch.Generator().manual_seed(0)),
        "showing heroes only": others[contexts[N : 2 * N, 0] == 1],
        "showing the same ten over and over": others[:10].repeat(N // 10, 1, 1, 1),
    }
    return {name: frechet_distance(judge.features(x), real) for name, x in spoiled.items()}


def _table(rows: Mapping[str, Sequence[Quality]]) -> str:
    """One line for each list of seeds; the first one is the floor that the excess of the others is counted from."""
    titles = (
        "",
        "Fréchet distance",
        "excess",
        "context accuracy",
        "clean",
        "coverage",
        "recall",
        "nearest training sprite",
    )
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    real = [quality.frechet_distance for quality in next(iter(rows.values()))]
    for name, found in rows.items():
        frechet, *shares, nearest = zip(*found, strict=True)
        excess = [distance - least for distance, least in zip(frechet, real, strict=True)]
        cells = [f"{fmean(x):.1f} ± {stdev(x):.1f}" for x in (frechet, excess)]
        cells += [f"{fmean(share):.0%} ± {stdev(share):.0%}" for share in shares]
        cells += [f"{fmean(nearest):.1f} ± {stdev(nearest):.1f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)
