"""What a trained network draws: by name, as pictures and a movie, while it is trained and after; and what it recites.

How samples are drawn at all stands in `diffusion`, what a grid of images looks like in `figures`.
"""

import io
import os
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor
from tqdm.auto import tqdm

from ..diffusion.guidance import guided
from ..diffusion.models import TrainedModel
from ..diffusion.samplers import Step, ddim_step, ddpm_step, sample
from ..diffusion.schedules import NoiseSchedule
from ..diffusion.solvers import dpm_solver
from ..figures.animation import grid
from ..figures.images import show_images, to_pixels
from ..quality.metrics import nearest
from ..storage.ownership import mark, only_one, require_folder, require_free, write_own
from ..validation import require_int

SAMPLERS: dict[str, Callable[..., Iterator[Step]]] = {
    "ddim": partial(sample, step=ddim_step),
    "ddpm": partial(sample, step=ddpm_step),
    "dpm": dpm_solver,
}
"""Ways to draw, by name; DPM-Solver++ draws its noise nowhere but at the start, and neither does DDIM."""


def walk(
    model: TrainedModel,
    schedule: NoiseSchedule,
    names: Sequence[str],
    n: int,
    steps: int = 50,
    guidance_scale: float = 2.0,
    sampler: str = "ddim",
    seed: int = 0,
) -> list[Step]:
    """Draw n pictures of each class that is named, or n of whatever comes, and keep every stop on the way.

    Args:
        model: whose `shape` is known.
        schedule: that of its training.
        names: of classes; none for pictures without a context.
        n: how many of each.
        steps: how many, in 1…T.
        guidance_scale: as in `guided`.
        sampler: one of `SAMPLERS`.
        seed: of all noise; the same question gets the same pictures.

    Returns the noise and where each step arrived, n pictures of the first name first.
    """
    if model.shape is None:
        raise ValueError("model must know the shape of its pictures, and this one was saved without it")
    device, generator = next(model.parameters()).device, torch.Generator().manual_seed(seed)
    x_T = torch.randn((n * max(1, len(names)), *model.shape), generator=generator).to(device)
    c = model.context(*names).repeat_interleave(n, dim=0) if names else None
    more = {"generator": generator} if sampler == "ddpm" else {}
    stops = SAMPLERS[sampler](guided(model, guidance_scale), x_T, schedule.timesteps(steps), schedule, c=c, **more)
    return [Step(schedule.T, x_T, x_T), *tqdm(stops, desc="samples", total=steps, delay=2, leave=False)]


def progress_picture(model: TrainedModel, schedule: NoiseSchedule, own: str) -> bytes:
    """A PNG of a dozen samples of the classes in turn: DDIM, 20 steps, from the same noise every time."""
    names = [model.classes[i % len(model.classes)] for i in range(12)] if model.classes else []
    end = walk(model, schedule, names, 12 if not names else 1, steps=20, guidance_scale=1)[-1]
    return show_images(end.x, columns=6, titles=list(map(short, names))).png(own)


def contact_sheet(stops: Sequence[Step], names: Sequence[str], own: str) -> bytes:
    """A PNG with a row for each class, at most ten pictures wide."""
    x, n = stops[-1].x, len(stops[-1].x) // max(1, len(names))
    rows = names if n <= 10 else [name if i == 0 else "" for name in names for i in range(-(-n // 10))]
    if n > 10 and n % 10 and names:  # each class begins a row
        blank = x.new_ones((-n % 10, *x.shape[1:]))
        x = torch.cat([part for own_x in x.split(n) for part in (own_x, blank)])
    return show_images(x, columns=min(n, 10), row_titles=list(map(short, rows))).png(own)


def from_noise(stops: Sequence[Step], schedule: NoiseSchedule, names: Sequence[str], own: str) -> bytes:
    """A PNG of how the first picture of each class, or every tenth, came to be, in ten stops."""
    noise = (1 - schedule.alpha_bar).sqrt()  # in equal steps of this one sees something happen, in those of t not
    film = [min(stops, key=lambda step: abs(noise[step.t] - share)) for share in torch.linspace(1, 0, 10)]
    firsts = slice(None, None, len(stops[0].x) // len(names) if names else 10)
    stages = torch.stack([step.x[firsts] for step in film], dim=1).flatten(0, 1)
    titles = [f"t = {step.t}" for step in film]
    return show_images(stages, titles=titles, row_titles=list(map(short, names))).png(own)


def movie(stops: Sequence[Step], n: int, own: str) -> bytes:
    """A WebP, lossless, that goes from noise to pictures, n of each class, in about three seconds and then rests."""
    columns = n if 1 < n <= 8 else min(8, len(stops[-1].x))
    shown = stops[:: max(1, len(stops) // 50)]
    shown = [*shown, stops[-1]] if shown[-1] is not stops[-1] else shown
    frames = [grid(to_pixels(step.x), columns) for step in shown]
    zoom = max(1, min(8, 820 // frames[0].shape[1]))
    first, *others = (Image.fromarray(frame.repeat(zoom, axis=0).repeat(zoom, axis=1)) for frame in frames)
    times = [400, *[max(20, 3000 // len(frames))] * (len(frames) - 2), 2000][: len(frames)]
    buffer, more = io.BytesIO(), {"save_all": True, "append_images": others, "duration": times, "loop": 0}
    first.save(buffer, "WEBP", lossless=True, method=4, xmp=own.encode(), **more)
    return buffer.getvalue()


def write_samples(
    model: TrainedModel,
    schedule: NoiseSchedule,
    names: Sequence[str],
    drawing: Mapping[str, Any],
    out: Path,
    each: Path | None = None,
    film: Path | None = None,
    overwrite: bool = False,
) -> str:
    """Draw pictures by name and write them.

    Args:
        model, schedule: what draws.
        names: of classes; none for pictures without a context.
        drawing: further arguments of `walk`.
        out: a .png with a row for each class.
        each: a folder for a file with each picture by itself, made if it is not there.
        film: a .webp in which noise becomes pictures.
        overwrite: replace what was drawn before under the same names.

    Returns one line that says what was written. Raises ValueError and OSError before anything is drawn.
    """
    own = mark("sample", out)
    for option, file, suffix in (("out", out, ".png"), ("movie", film, ".webp")):
        if file is not None and file.suffix != suffix:
            raise ValueError(f"{option} must end in {suffix}, got {file}")
    if each is not None and os.path.lexists(each) and not each.is_dir():
        raise NotADirectoryError(f"each must be a folder, and {each} is none")
    model.context(*names) if names else None  # an unknown name is refused before a folder is made
    require_int("steps", drawing["steps"], 1, schedule.T)
    count = drawing["n"] * max(1, len(names))
    singles = [] if each is None else single_files(each, names, count)
    places = [os.path.realpath(path) for path in (out, film, each, *singles) if path]
    if len(set(places)) < len(places):
        raise ValueError(f"out, movie and the files in each must be different, got {out}, {film} and {each}")
    with only_one(out):
        require_free(own, [file for file in (out, film) if file], overwrite)
        if each is not None and each.exists():
            require_free(own, singles, overwrite)
        elif each is not None:
            require_folder(each.parent)
        stops = walk(model, schedule, names, **drawing)
        write_own(out, contact_sheet(stops, names, own), own)
        if film is not None:
            write_own(film, movie(stops, drawing["n"], own), own)
        if each is not None:
            each.mkdir(exist_ok=True)
            for file, picture in zip(singles, single_pictures(stops, own), strict=True):
                write_own(file, picture, own)
    where = ", ".join(map(str, filter(None, (out, each, film))))
    of_each = f", {drawing['n']} of each of {', '.join(names)}" if names else ""
    return f"{where}: {count} picture{'s' * (count > 1)}{of_each}"


def single_files(folder: Path, names: Sequence[str], count: int) -> list[Path]:
    """A file for each of `count` pictures, one class after the other: `dragon-1.png`, `dragon-2.png` and so on."""
    numbers: Counter[str] = Counter()
    safe: dict[str, str] = {}
    for name in names or ["picture"]:
        if name not in safe:
            word = re.sub(r"[^\w +-]", "_", name)[:50]  # from a file of weights, which may be a stranger's
            while word.casefold() in map(str.casefold, safe.values()):  # as some systems hold "Cat" and "cat" for one
                word += "_"
            safe[name] = word
    files = []
    for i in range(count):
        name = names[i * len(names) // count] if names else "picture"
        numbers[name] += 1
        files.append(folder / f"{safe[name]}-{numbers[name]}.png")
    return files


def single_pictures(stops: Sequence[Step], own: str) -> Iterator[bytes]:
    """Each picture as a PNG, a pixel for a pixel."""
    note = PngInfo()
    note.add_text("Software", own)
    for pixels in to_pixels(stops[-1].x):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG", pnginfo=note)
        yield buffer.getvalue()


def own_or_recited(model: TrainedModel, schedule: NoiseSchedule, images: Tensor) -> tuple[str, str]:
    """Whether 64 samples are nearer to the training pictures than those are to one another: a sentence, and a warning.

    Half as far is called recited: pictures that the network has not seen are as far away as the training pictures are
    from one another. `images` are those it was trained on, shape (N, C, H, W). The warning is empty where all is well.
    """
    names = [model.classes[i % len(model.classes)] for i in range(64)] if model.classes else []
    drawn = walk(model, schedule, names, 64 if not names else 1, steps=25, guidance_scale=1)[-1].x.cpu()
    different = images.unique(dim=0) if len(images) <= 2000 else images  # repeated pictures say nothing about others
    if len(different) < 2:
        return "all training pictures are the same, so there is only one to be learned", ""
    some = different[torch.randperm(len(different), generator=torch.Generator().manual_seed(0))[:500]]
    among = torch.cdist(some.flatten(1), different.flatten(1)).topk(2, largest=False).values[:, 1].median().item()
    distance = nearest(drawn, different)[0]
    recited = int((distance < among / 2).sum())
    said = (
        f"from a sample to the nearest training picture it is {distance.median():.1f}, "
        f"from one training picture to the next {among:.1f} (medians; {len(drawn)} samples)"
    )
    if distance.median() > 2 * among:
        return said, "the samples are nothing like the training pictures yet: more steps help (--steps, --minutes)"
    if recited < len(drawn) / 10:
        return said, ""
    return said, (
        f"{recited} of {len(drawn)} samples are at less than half that distance: the network has learned pictures "
        "by heart. More pictures or fewer steps (--steps) help"
    )


def short(name: str) -> str:
    """A name as it fits beside a picture, with no sign that matplotlib would take for mathematics."""
    return (name if len(name) <= 20 else name[:19] + "…").replace("$", r"\$")


def example(file: Path, classes: Sequence[str]) -> str:
    """What to type to let this network draw; what begins with a dash would be taken for an option."""
    named = [name for name in classes if not name.startswith("-")][:2]
    asked = ["--classes", *named] if named else []
    path = f"./{file.as_posix()}" if file.as_posix().startswith("-") else file.as_posix()
    return shlex.join(["python", "-m", "course_utils", "sample", path, *asked, "--n", "8"])
