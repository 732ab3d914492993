"""One run on disk: its state, written every half minute and after Ctrl-C, and several processes that share the work.

What is trained is decided in `recipes`, and what a step of training is in `loop`.
"""

import copy
import hashlib
import io
import math
import os
import shlex
import signal
import threading
import time
import zipfile
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from ..diffusion.losses import diffusion_loss, min_snr
from ..diffusion.models import FromV
from ..diffusion.schedules import NoiseSchedule
from ..networks.unet import ContextUnet
from ..quality.evaluation import quality_table
from ..sprites.artist import CLASSES
from ..storage.checkpoints import load_model, save_model
from ..storage.datasets import load_sprites
from ..storage.files import sha256, write_whole
from ..storage.shipped import shipped
from ..validation import require_int
from .cards import progress_picture, write_card, write_pictures
from .loop import Progress, train
from .recipes import BATCH_SIZE, LEARNING_RATE, SCHEDULES, STEPS, Recipe

if TYPE_CHECKING:
    from accelerate import Accelerator


KEEP_EVERY = 30
"""Seconds between two writings of the state of a run: no more than this is ever lost."""


class Sprites(NamedTuple):
    """What there is to learn from.

    Attributes:
        images: shape (N, 3, H, W), in [−1, 1].
        contexts: shape (N, n_context); where nothing is labelled one that is always 0, which means "no context".
        classes: their names, one for each context that can be asked for.
        source: where the sprites are from, in words.
    """

    images: Tensor
    contexts: Tensor
    classes: list[str]
    source: str


def train_sprites(out: Path, recipe: Recipe, resume: bool = False) -> str:
    """Train a `ContextUnet` to predict v, and write its weights with a card and pictures.

    `out` holds the averaged weights of the end. Beside it go `…-start`, `…-early` and `…-middle`, the averaged weights
    after none, a fiftieth and an eighth of the steps, and `…-raw`, the weights of the end without averaging. During the
    run `….state.pt` holds all that is needed to go on, and `….progress.png` shows what the network draws by now.

    Args:
        out: the file to write, ending in .safetensors.
        recipe: what decides the weights.
        resume: go on with a run that was stopped; its weights become those of one that was not, bit by bit.

    Returns one line that says how it went. Raises ValueError and OSError that say in one line what is wrong, and after
    Ctrl-C a KeyboardInterrupt that says how to go on.
    """
    recipe = _require(out, recipe)
    sprites = _load(recipe)
    state_file = out.with_suffix(".state.pt")
    wanted = {**recipe._asdict(), "data": _sum_of(sprites.images, sprites.contexts)}
    wanted |= {"batch_size": BATCH_SIZE, "learning_rate": LEARNING_RATE}
    if resume:
        kept = _read_state(state_file, wanted)
    elif state_file.exists():
        raise FileExistsError(f"{state_file} is of a run that was stopped: add --resume, or delete it to start anew")
    else:
        kept = {"recipe": wanted, "steps": recipe.steps, "losses": [], "seconds": 0.0, "training": None}

    with _processes() as accelerator:
        torch.manual_seed(recipe.seed)  # for the network's first weights, which PyTorch draws from its own generator
        schedule = SCHEDULES[recipe.schedule](500)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        model = FromV(ContextUnet(n_features=recipe.n_features, n_context=sprites.contexts.shape[1]), schedule)
        model.to(device if accelerator is None else accelerator.device)
        learn = partial(
            train,
            images=sprites.images,
            contexts=sprites.contexts,
            schedule=schedule,
            batch_size=BATCH_SIZE,
            learning_rate=LEARNING_RATE,
            weight=min_snr(schedule),
            accelerator=accelerator,
        )
        if kept["steps"] is None and recipe.minutes is not None:
            trial = learn(copy.deepcopy(model), steps=12, generator=torch.Generator())
            kept["steps"] = _steps_in(recipe.minutes, trial, accelerator)
        generator = torch.Generator().manual_seed(recipe.seed)
        run = learn(model, steps=kept["steps"], generator=generator, state=kept["training"])
        if accelerator is not None and not accelerator.is_main_process:
            deque(run, maxlen=0)  # the other processes do their share of the work, and leave the rest to the first
            return ""
        _follow(run, out, model, schedule, sprites, kept)
        return _tell(out, schedule, sprites, recipe, kept, accelerator.num_processes if accelerator else 1)


def _follow(
    run: Iterator[Progress],
    out: Path,
    model: nn.Module,
    schedule: NoiseSchedule,
    sprites: Sprites,
    kept: dict[str, Any],
) -> None:
    """Train to the end; write the five ages when they come, and every half minute the state and a picture."""

    def save(module: nn.Module, age: str) -> None:
        save_model(out.with_stem(out.stem + age), module, schedule)

    steps, done = kept["steps"], kept["training"]["step"] if kept["training"] else 0
    ages = {steps // 50: "-early", steps // 8: "-middle", steps: ""}
    losses, begin, due = deque(kept["losses"], maxlen=100), time.monotonic() - kept["seconds"], -math.inf
    if done == 0:
        save(model, "-start")
    with _ctrl_c_waits() as stopping, tqdm(run, initial=done, total=steps) as bar:
        for progress in bar:
            losses.append(progress.loss)
            kept |= {"losses": list(losses), "seconds": time.monotonic() - begin}
            bar.set_postfix(loss=f"{fmean(losses):.4f}", refresh=False)
            if progress.step in ages:
                save(progress.averaged, ages[progress.step])
            if stopping or time.monotonic() >= due:  # after the ages: what the state counts as done is on disk
                _write_state(out.with_suffix(".state.pt"), {**kept, "training": progress.state()})
                picture = progress_picture(progress.averaged, schedule, sprites.images.shape[1:], len(sprites.classes))
                write_whole(out.with_suffix(".progress.png"), picture)
                due = time.monotonic() + KEEP_EVERY
            if stopping:
                raise KeyboardInterrupt(f"{progress.step:,} of {steps:,} steps are kept: add --resume to go on")
    save(model, "-raw")


def _tell(
    out: Path,
    schedule: NoiseSchedule,
    sprites: Sprites,
    recipe: Recipe,
    kept: Mapping[str, Any],
    n_processes: int,
) -> str:
    """Draw what the network draws, write its card, and remove what was only needed on the way."""
    model, _ = load_model(out, ContextUnet)
    shape, steps, minutes, loss = sprites.images.shape[1:], kept["steps"], kept["seconds"] / 60, fmean(kept["losses"])
    write_pictures(out, model, schedule, shape, sprites.classes)

    threads = torch.get_num_threads()
    machine = "a GPU" if torch.cuda.is_available() else f"{threads} CPU thread{'s' * (threads > 1)}"
    machine = machine if n_processes == 1 else f"{n_processes} processes, each on {machine}"
    version = torch.__version__.split("+")[0]
    rows = [
        ("command", f"`{_command(out, recipe, steps)}`"),
        (
            "training",
            f"{steps:,} steps of {BATCH_SIZE} sprites in {minutes:.1f} minutes on {machine}, PyTorch {version}",
        ),
        ("data", sprites.source),
        ("predicts", f"v, at the noise levels of `{recipe.schedule}_schedule({schedule.T})`"),
        ("loss", f"{loss:.4f}: squared error of ε, weighted with `min_snr`, mean of the last 100 steps"),
    ]
    said, measured = f"{out}: {steps:,} steps in {minutes:.1f} minutes, loss {loss:.4f}", ""
    if recipe.data is None:  # the sprites of the course, of which some were held out
        held_out = _held_out_loss(model, schedule)
        said += f", {held_out:.4f} on held-out sprites"
        rows += [
            ("loss, held out", f"{held_out:.4f}: the same of 2,000 sprites that it has not seen, averaged weights"),
            ("licence", "CC0 1.0: use it for anything, no credit needed"),
        ]
        measured = quality_table(model, schedule)
    ages = {
        "": "the end, averaged over the last steps (EMA): the one to use",
        "-start": "before the first step",
        "-early": f"after {steps // 50:,} steps, averaged",
        "-middle": f"after {steps // 8:,} steps, averaged",
        "-raw": "the end, not averaged",
    }
    write_card(out, model, shape, sprites.classes, rows, measured, ages)
    for suffix in (".progress.png", ".state.pt"):
        out.with_suffix(suffix).unlink(missing_ok=True)
    return said


def _require(out: Path, recipe: Recipe) -> Recipe:
    """Ask what can be asked before anything is read; a recipe without a length gets the usual one."""
    if out.suffix != ".safetensors":
        raise ValueError(f"out must end in .safetensors, got {out}")
    if not out.parent.is_dir():
        raise FileNotFoundError(f"no such folder: {out.parent}")
    if out.is_dir():
        raise IsADirectoryError(f"out must be a file, and {out} is a folder")
    require_int("seed", recipe.seed, 0)
    if recipe.schedule not in SCHEDULES:
        raise ValueError(f"schedule must be one of {', '.join(SCHEDULES)}, got {recipe.schedule!r}")
    if recipe.minutes is None:
        return recipe._replace(steps=require_int("steps", STEPS if recipe.steps is None else recipe.steps, 50))
    if recipe.steps is not None:
        raise ValueError("give steps or minutes, not both")
    if not 0 < recipe.minutes < math.inf:
        raise ValueError(f"minutes must be a positive number, got {recipe.minutes!r}")
    return recipe


def _load(recipe: Recipe) -> Sprites:
    images, contexts = load_sprites(recipe.data, cell=recipe.cell)
    if recipe.data is None:
        source = f'`data/sprites.npz`, split "train", sha256 `{sha256(shipped("data/sprites.npz"))}`'
        return Sprites(images, contexts, list(CLASSES), source)
    height, width = images.shape[2:]
    if height % 4 or width % 4:
        raise ValueError(f"{recipe.data}: height and width of a sprite must be divisible by 4, got {height}×{width}")
    classes = [f"context {k}" for k in range(1, contexts.shape[1] + 1)]
    if not classes:
        contexts = torch.zeros(len(images), 1)
    return Sprites(images, contexts, classes, f"`{recipe.data.as_posix()}`, {len(images):,} sprites")


def _sum_of(*tensors: Tensor) -> str:
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(str(tuple(tensor.shape)).encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _held_out_loss(model: nn.Module, schedule: NoiseSchedule) -> float:
    """The loss of the 2,000 held-out sprites, each at one random time."""
    images, contexts = load_sprites(split="test")
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)
        return diffusion_loss(model, images, contexts, schedule, min_snr(schedule), generator).item()


def _command(out: Path, recipe: Recipe, steps: int) -> str:
    """What to type for the same weights."""
    own = {"--data": recipe.data, "--cell": recipe.cell}
    words = ["python", "-m", "course_utils", "train"]
    words += [str(word) for name, value in own.items() if value is not None for word in (name, value)]
    words += (
        f"--schedule {recipe.schedule} --steps {steps} --seed {recipe.seed} --n-features {recipe.n_features}".split()
    )
    return shlex.join([*words, "--out", out.as_posix()])


def _read_state(path: Path, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What `_write_state` wrote, if it is of a run of this recipe."""
    if not path.exists():
        raise FileNotFoundError(f"no {path}, so there is nothing to go on with: leave out --resume to start anew")
    try:
        with zipfile.ZipFile(path) as archive:  # which is what torch.save writes, and what has checksums
            if spoiled := archive.testzip():
                raise ValueError(f"{spoiled} is not what was written")
        kept: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if kept.keys() != {"recipe", "steps", "losses", "seconds", "training"}:
            raise ValueError("it is not the state of a run")
        found = dict(kept["recipe"])
    except Exception as error:  # a damaged archive can raise almost anything
        raise ValueError(f"cannot read {path}, which is damaged: delete it to start anew") from error
    for name, value in wanted.items():
        if found.get(name) != value:
            told = "other sprites" if name == "data" else f"{name} {found.get(name)}, not {value}"
            raise ValueError(f"{path} is of a run with {told}: ask for the same, or delete it to start anew")
    return kept


def _write_state(path: Path, state: Mapping[str, Any]) -> None:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_whole(path, buffer.getvalue())


def _steps_in(minutes: float, trial: Iterator[Progress], accelerator: "Accelerator | None") -> int:
    """How many steps take that long, at the pace of a trial run."""
    clock = [time.perf_counter() for _ in tqdm(trial, desc="timing", delay=2, leave=False)]
    pace = torch.tensor(median(later - earlier for earlier, later in pairwise(clock[1:])))  # the first step is slower
    pace = pace if accelerator is None else accelerator.reduce(pace, "mean")
    return max(50, round(60 * minutes / pace.item()))


@contextmanager
def _processes() -> Iterator["Accelerator | None"]:
    """Hugging Face Accelerate, where it has started several processes; nothing where there is only one."""
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        yield None
        return
    try:
        from accelerate import Accelerator
    except ModuleNotFoundError as error:
        raise ValueError("several processes need Accelerate: pip install accelerate") from error
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    try:
        yield accelerator
    finally:
        accelerator.end_training()


@contextmanager
def _ctrl_c_waits() -> Iterator[list[bool]]:
    """Let a step finish: the first Ctrl-C is only noted, in the list that this gives; a second one interrupts."""
    asked: list[bool] = []

    def note(*_: object) -> None:
        asked.append(True)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():  # only the main thread hears signals
        yield asked
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
