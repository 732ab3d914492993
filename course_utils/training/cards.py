"""Model cards: the pictures that a trained network draws, its quality, and how it came to be.

What is known of the run is handed in by `run`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from ..diffusion.guidance import guided
from ..diffusion.models import Model
from ..diffusion.samplers import Step, sample
from ..diffusion.schedules import NoiseSchedule
from ..figures.images import show_images
from ..quality.evaluation import SEEDS, N
from ..storage.files import sha256, write_whole


def progress_picture(model: nn.Module, schedule: NoiseSchedule, shape: Sequence[int], n_classes: int) -> bytes:
    """A PNG of a dozen samples of the classes in turn: DDIM, 20 steps, from the same noise every time."""
    device = next(model.parameters()).device
    c = torch.eye(n_classes, device=device)[torch.arange(12) % n_classes] if n_classes else None
    *_, end = sample(model, _noise(12, shape).to(device), schedule.timesteps(20), schedule, c=c)
    return show_images(end.x, columns=6).png()


def write_pictures(
    out: Path, model: Model, schedule: NoiseSchedule, shape: Sequence[int], classes: Sequence[str]
) -> None:
    """`….png`: ten samples of each class, the first that come; `…-from-noise.png`: how the first of each came to be.

    No more than ten classes are shown; where there are none, five times ten samples.
    """
    names = classes[:10]
    c = torch.eye(len(classes))[: len(names)].repeat_interleave(10, dim=0) if names else None
    x_T = _noise(10 * len(names) or 50, shape)
    steps = sample(guided(model, 2), x_T, schedule.timesteps(50), schedule, c=c)
    walk = [Step(schedule.T, x_T, x_T), *tqdm(steps, desc="samples", total=50, delay=2, leave=False)]
    write_whole(out.with_suffix(".png"), show_images(walk[-1].x, columns=10, row_titles=names).png())

    noise = (1 - schedule.alpha_bar).sqrt()  # in equal steps of this one sees something happen, in those of t not
    film = [min(walk, key=lambda step: abs(noise[step.t] - share)) for share in torch.linspace(1, 0, 10)]
    stages = torch.stack([step.x[::10] for step in film], dim=1).flatten(0, 1)
    picture = show_images(stages, titles=[f"t = {step.t}" for step in film], row_titles=names)
    write_whole(out.with_name(f"{out.stem}-from-noise.png"), picture.png())


def write_card(
    out: Path,
    model: nn.Module,
    shape: Sequence[int],
    classes: Sequence[str],
    rows: Sequence[tuple[str, str]],
    quality: str,
    checkpoints: Mapping[str, str],
) -> None:
    """`….md`, the model card: what is in the files, how they were made, and what may be done with them.

    Args:
        out: the file that the card is about.
        model: what is in it.
        shape: of one sprite, (3, H, W).
        classes: their names; none where the sprites had none.
        rows: what is known of the run, each a name and a value.
        quality: a table of how good the drawn sprites are, or nothing.
        checkpoints: what the suffixes of the files mean; all of them are there.
    """
    parameters = sum(parameter.numel() for parameter in model.parameters())
    network = type(getattr(model, "network", model)).__name__
    shown, asked = "fifty samples", "Nothing can be asked for: it draws\nwhatever comes."
    if classes:
        shown, asked = "ten samples of each class", f"It can be asked for {', '.join(classes)}. A"
        asked += "\ntenth of the sprites were shown without their class, so it also draws without being asked for one."
    shipped = out.parent.name == "weights"
    load = f'load_pretrained("{out.stem}")' if shipped else f'load_model("{out.name}", {network})'
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    files = {out.with_stem(out.stem + suffix): weights for suffix, weights in checkpoints.items()}
    lines = "\n".join(f"| `{file.name}` | {weights} | `{sha256(file)}` |" for file, weights in files.items())
    card = f"""# {out.name}

![{shown.capitalize()}]({out.with_suffix(".png").name})

*The first {shown}: DDIM, 50 steps, guidance scale 2, seed 0, nothing picked.*

A `{network}` with {parameters:,} parameters that draws {shape[2]}×{shape[1]} sprites. {asked} Load it with
`model, schedule = {load}`.

| | |
|---|---|
{table}
{_quality(quality)}
| file | weights | sha256 |
|---|---|---|
{lines}

Made for learning how diffusion works: it knows the small pictures that it was shown, and nothing else.
"""
    write_whole(out.with_suffix(".md"), card.encode())


def _quality(table: str) -> str:
    if not table:
        return ""
    return f"""
How good the sprites are that it draws, with 25 steps of DDIM. Each number is the mean of {len(SEEDS)} seeds ± their
standard deviation, and the docstrings of `course_utils/quality/metrics.py` say what it means. {N} real sprites beside
{N} others give the noise floor: a perfect network would reach it.

{table}
"""


def _noise(count: int, shape: Sequence[int]) -> Tensor:
    """The same noise for the same question."""
    return torch.randn((count, *shape), generator=torch.Generator().manual_seed(0))
