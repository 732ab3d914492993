"""How the course's own weights are made: one run from the data to five files, a card and a picture.

What a step of training is stands in `training`, what a file of weights holds in `checkpoints`.
"""

import hashlib
import time
from collections import deque
from pathlib import Path
from statistics import fmean

import torch
from torch import nn
from tqdm.auto import tqdm

from .checkpoints import load_model, save_model
from .datasets import load_sprites, shipped
from .plotting import show_images
from .samplers import Step, sample
from .schedules import NoiseSchedule, linear_schedule
from .sprites.artist import CLASSES
from .training import diffusion_loss, train
from .unet import ContextUnet
from .validation import require_int
from .wrappers import FromV, guided

STEPS, BATCH_SIZE, LEARNING_RATE = 10_000, 64, 3e-3


def train_sprites(out: Path, steps: int, seed: int, n_features: int = 32) -> str:
    """Train a `ContextUnet` on the course's sprites to predict v, and write its weights with a card and pictures.

    `out` holds the averaged weights of the end. Beside it go `…-start`, `…-early` and `…-middle`, the averaged weights
    after none, a fiftieth and an eighth of the steps, and `…-raw`, the weights of the end without averaging.

    Args:
        out: the file to write, ending in .safetensors; older files are replaced only when the new ones are complete.
        steps: how many batches to learn from, at least 50.
        seed: of every random choice.
        n_features: width of the network, a multiple of 8.

    Returns one line that says how it went.
    """
    require_int("steps", steps, 50)
    require_int("seed", seed, 0)
    if out.suffix != ".safetensors":
        raise ValueError(f"out must end in .safetensors, got {out}")
    if not out.parent.is_dir():
        raise FileNotFoundError(f"no such folder: {out.parent}")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(seed)  # for the network's first weights, which PyTorch draws from its own generator
    schedule = linear_schedule(500)
    model = FromV(ContextUnet(n_features=n_features), schedule).to(device)
    weight = 1 / schedule.alpha_bar  # the squared error of v
    images, contexts = load_sprites()
    ages = {0: "-start", steps // 50: "-early", steps // 8: "-middle", steps: ""}

    def save(module: nn.Module, suffix: str) -> None:
        save_model(out.with_stem(out.stem + suffix), module, schedule)

    save(model, ages[0])
    begin, recent = time.monotonic(), deque(maxlen=100)
    run = train(
        model,
        images,
        contexts,
        schedule,
        steps=steps,
        batch_size=BATCH_SIZE,
        learning_rate=LEARNING_RATE,
        weight=weight,
        generator=torch.Generator().manual_seed(seed),
    )
    for progress in (bar := tqdm(run, total=steps)):
        recent.append(progress.loss)
        bar.set_postfix(loss=f"{fmean(recent):.4f}", refresh=False)
        if progress.step in ages:
            save(progress.averaged, ages[progress.step])
    minutes = (time.monotonic() - begin) / 60
    save(model, "-raw")

    end, _ = load_model(out, ContextUnet)
    _write_pictures(out, end, schedule)
    held_out = _held_out_loss(end, schedule, weight)
    loss = fmean(recent)
    card = _card(out, end, steps, seed, n_features, minutes, loss, held_out)
    out.with_suffix(".md").write_text(card, encoding="utf-8")
    return f"{out}: {steps:,} steps in {minutes:.1f} minutes, loss {loss:.4f}, {held_out:.4f} on held-out sprites"


def _held_out_loss(model: nn.Module, schedule: NoiseSchedule, weight: torch.Tensor) -> float:
    """The loss on the 2,000 held-out sprites, each at one random time."""
    images, contexts = load_sprites(split="test")
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)
        return diffusion_loss(model, images, contexts, schedule, weight, generator).item()


def _write_pictures(out: Path, model: nn.Module, schedule: NoiseSchedule) -> None:
    """`….png`: ten samples of each class, the first that come; `…-from-noise.png`: how the first of each came to be."""
    contexts = torch.eye(len(CLASSES)).repeat_interleave(10, dim=0)
    x_T = torch.randn((len(contexts), 3, 16, 16), generator=torch.Generator().manual_seed(0))
    steps = list(sample(guided(model, 2), x_T, schedule.timesteps(50), schedule, c=contexts))
    names = list(CLASSES)
    out.with_suffix(".png").write_bytes(show_images(steps[-1].x, columns=10, row_titles=names).png())

    walk = [Step(schedule.T, x_T, x_T), *steps]
    film = [walk[i] for i in (0, 20, 28, 32, 35, 38, 41, 44, 47, 50)]
    stages = torch.stack([step.x[::10] for step in film], dim=1).flatten(0, 1)
    picture = show_images(stages, titles=[f"t = {step.t}" for step in film], row_titles=names)
    out.with_name(f"{out.stem}-from-noise.png").write_bytes(picture.png())


def _card(
    out: Path,
    model: nn.Module,
    steps: int,
    seed: int,
    n_features: int,
    minutes: float,
    loss: float,
    held_out: float,
) -> str:
    """The model card: what is in the files, how they were made, and what may be done with them."""
    parameters = sum(parameter.numel() for parameter in model.parameters())
    data = hashlib.sha256(shipped("data/sprites.npz").read_bytes()).hexdigest()
    command = f"python -m course_utils train --steps {steps} --seed {seed} --n-features {n_features}"
    version = torch.__version__.split("+")[0]
    device = "one GPU" if torch.cuda.is_available() else f"{torch.get_num_threads()} CPU threads"
    return f"""# {out.name}

![Ten samples of each of the five classes]({out.with_suffix(".png").name})

*The first ten samples of each class: DDIM, 50 steps, guidance scale 2, seed 0, nothing picked.*

A `ContextUnet` with {parameters:,} parameters that draws 16×16 sprites of five classes: {", ".join(CLASSES)}. It was
shown a tenth of the sprites without their class, so it also draws without being told one. Load it with
`model, schedule = load_pretrained("{out.stem}")`.

| | |
|---|---|
| command | `{command} --out {out.as_posix()}` |
| training | {steps:,} steps of {BATCH_SIZE} sprites in {minutes:.1f} minutes on {device}, PyTorch {version} |
| data | `data/sprites.npz`, split "train", sha256 `{data}` |
| predicts | v, at the noise levels of `linear_schedule(500)` |
| loss | {loss:.4f}: squared error of v, the last 100 steps; {held_out:.4f} on the held-out sprites, averaged weights |
| sha256 | `{hashlib.sha256(out.read_bytes()).hexdigest()}` |
| licence | CC0 1.0: use it for anything, no credit needed |

| file | weights |
|---|---|
| `{out.name}` | the end, averaged over the last steps (EMA): the one to use |
| `{out.stem}-start.safetensors` | before the first step |
| `{out.stem}-early.safetensors` | after {steps // 50:,} steps, averaged |
| `{out.stem}-middle.safetensors` | after {steps // 8:,} steps, averaged |
| `{out.stem}-raw.safetensors` | the end, not averaged |

Made for learning how diffusion works: it knows small pictures that our own program drew, and nothing else.
"""
