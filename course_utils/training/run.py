"""A run of a recipe: it trains, can be stopped and resumed, may share the work among processes, and ends in a card.

What is trained is decided in `recipes`; what a step of training is stands in `loop`, and what is kept in `state`.
"""

import copy
import math
import os
import shlex
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from ..diffusion.losses import diffusion_loss
from ..diffusion.schedules import NoiseSchedule
from ..quality.evaluation import quality_table
from ..sprites.artist import CLASSES
from ..storage.checkpoints import load_model, require_weights_file, save_model
from ..storage.datasets import load_sprites
from ..storage.files import sha256, write_whole
from ..storage.shipped import shipped
from ..validation import require_int
from .cards import progress_picture, write_card, write_pictures
from .loop import Progress, no_average, train
from .recipes import Recipe
from .state import fingerprint, read_state, write_state

if TYPE_CHECKING:
    from accelerate import Accelerator

CHECKPOINTS = {"": 1, "-middle": 8, "-early": 50}
"""What is kept: after which part of the steps, one over the number, by the end of the file's name."""

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


def run_recipe(out: Path, recipe: Recipe, resume: bool = False) -> str:
    """Train a network by a recipe, and write its weights with a card and pictures.

    `out` holds the weights of the end, averaged as the recipe says. Beside it go `…-early` and `…-middle`, those after
    a fiftieth and an eighth of the steps. During the run `….state.pt` holds all that is needed to go on, and
    `….progress.png` shows what the network draws by now.

    Args:
        out: the file to write, ending in .safetensors.
        recipe: what decides the weights.
        resume: go on with a run that was stopped; its weights become those of one that was not, bit by bit.

    Returns one line that says how it went. Raises ValueError and OSError that say in one line what is wrong, and after
    Ctrl-C a KeyboardInterrupt that says how to go on.
    """
    _require(out, recipe)
    sprites = _load(recipe)
    state_file, expected = out.with_suffix(".state.pt"), fingerprint(recipe, sprites.images, sprites.contexts)
    if resume:
        state = read_state(state_file, expected)
    elif state_file.exists():
        raise FileExistsError(f"{state_file} is of a run that was stopped: add --resume, or delete it to start anew")
    else:
        state = {"recipe": expected, "steps": recipe.steps, "losses": [], "seconds": 0.0, "training": None}

    with _processes() as accelerator:
        torch.manual_seed(recipe.seed)  # for the network's first weights, which PyTorch draws from its own generator
        schedule = recipe.schedule(recipe.T)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        model = recipe.model(schedule, sprites.contexts.shape[1])
        model.to(device if accelerator is None else accelerator.device)
        learn: Callable[..., Iterator[Progress]] = partial(
            train,
            images=sprites.images,
            contexts=sprites.contexts,
            schedule=schedule,
            accelerator=accelerator,
            **recipe.settings(schedule),
        )
        if state["steps"] is None and recipe.minutes is not None:
            trial = learn(copy.deepcopy(model), steps=12, generator=torch.Generator())
            state["steps"] = _steps_in(recipe.minutes, trial, accelerator)
        generator = torch.Generator().manual_seed(recipe.seed)
        run = learn(model, steps=state["steps"], generator=generator, state=state["training"])
        if accelerator is not None and not accelerator.is_main_process:
            deque(run, maxlen=0)  # the other processes do their share of the work, and leave the rest to the first
            return ""
        _follow(run, out, schedule, sprites, state)
        return _finish(out, schedule, sprites, recipe, state, accelerator.num_processes if accelerator else 1)


def _follow(
    run: Iterator[Progress], out: Path, schedule: NoiseSchedule, sprites: Sprites, state: dict[str, Any]
) -> None:
    """Train to the end; write the checkpoints when they come, and every half minute the state and a picture."""
    steps, done = state["steps"], state["training"]["step"] if state["training"] else 0
    checkpoints = {steps // part: suffix for suffix, part in CHECKPOINTS.items()}
    losses, begin, due = deque(state["losses"], maxlen=100), time.monotonic() - state["seconds"], -math.inf
    with _ctrl_c_waits() as interrupts, tqdm(run, initial=done, total=steps) as bar:
        for progress in bar:
            losses.append(progress.loss)
            state |= {"losses": list(losses), "seconds": time.monotonic() - begin}
            bar.set_postfix(loss=f"{fmean(losses):.4f}", refresh=False)
            if (suffix := checkpoints.get(progress.step)) is not None:
                save_model(out.with_stem(out.stem + suffix), progress.averaged, schedule)
            if interrupts or time.monotonic() >= due:  # after the checkpoint: what the state counts as done is on disk
                write_state(out.with_suffix(".state.pt"), {**state, "training": progress.state()})
                picture = progress_picture(progress.averaged, schedule, sprites.images.shape[1:], len(sprites.classes))
                write_whole(out.with_suffix(".progress.png"), picture)
                due = time.monotonic() + KEEP_EVERY
            if interrupts:
                raise KeyboardInterrupt(f"{progress.step:,} of {steps:,} steps are kept: add --resume to go on")


def _finish(
    out: Path, schedule: NoiseSchedule, sprites: Sprites, recipe: Recipe, state: dict[str, Any], n_processes: int
) -> str:
    """Draw what the network draws, write its card, and remove what was only needed on the way."""
    model, _ = load_model(out, recipe.network)
    shape, steps, minutes = sprites.images.shape[1:], state["steps"], state["seconds"] / 60
    machine, averaged = (
        _machine(n_processes),
        "" if recipe.optimization.average is no_average else ", EMA of the weights",
    )
    loss, weighted = fmean(state["losses"]), f", weighted with `{recipe.weight.__name__}`" if recipe.weight else ""
    write_pictures(out, model, schedule, shape, sprites.classes)
    rows = [
        ("command", f"`{_command(out, recipe, steps)}`"),
        ("training", f"{steps:,} steps of {recipe.batch_size} sprites in {minutes:.1f} minutes on {machine}"),
        ("data", sprites.source),
        ("predicts", f"{recipe.target()}, at the noise levels of `{recipe.schedule.__name__}({schedule.T})`"),
        ("loss", f"{loss:.4f}: squared error of ε{weighted}, mean of the last {len(state['losses'])} steps"),
    ]
    summary, quality = f"{out}: {steps:,} steps in {minutes:.1f} minutes, loss {loss:.4f}", ""
    if recipe.data is None:  # the sprites of the course, of which some were held out
        held_out = _held_out_loss(model, schedule, recipe)
        summary += f", {held_out:.4f} on held-out sprites"
        rows += [
            ("loss, held out", f"{held_out:.4f}: the same of 2,000 sprites that it has not seen{averaged}"),
            ("licence", "CC0 1.0: use it for anything, no credit needed"),
        ]
        quality = quality_table(model, schedule)
    checkpoints = {suffix: f"after {steps // part:,} steps{averaged}" for suffix, part in CHECKPOINTS.items()}
    checkpoints[""] = f"the end{averaged}: the one to use"
    write_card(out, model, shape, sprites.classes, rows, quality, checkpoints)
    for suffix in (".progress.png", ".state.pt"):
        out.with_suffix(suffix).unlink(missing_ok=True)
    return summary


def _machine(n_processes: int) -> str:
    """Where it was trained, in words."""
    threads = torch.get_num_threads()
    machine = "a GPU" if torch.cuda.is_available() else f"{threads} CPU thread{'s' * (threads > 1)}"
    machine = machine if n_processes == 1 else f"{n_processes} processes, each on {machine}"
    return f"{machine}, PyTorch {torch.__version__.split('+')[0]}"


def _require(out: Path, recipe: Recipe) -> None:
    """Ask what can be asked before anything is read."""
    require_weights_file("out", out)
    require_int("seed", recipe.seed, 0)
    if (recipe.steps is None) == (recipe.minutes is None):
        raise ValueError("give steps or minutes, one of the two")
    if recipe.minutes is None:
        require_int("steps", recipe.steps, 50)
    elif not 0 < recipe.minutes < math.inf:
        raise ValueError(f"minutes must be a positive number, got {recipe.minutes!r}")


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


def _held_out_loss(model: nn.Module, schedule: NoiseSchedule, recipe: Recipe) -> float:
    """The loss of the 2,000 held-out sprites, each at one random time."""
    images, contexts = load_sprites(split="test")
    weight = recipe.weight and recipe.weight(schedule)
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)
        return diffusion_loss(model, images, contexts, schedule, weight, generator).item()


def _command(out: Path, recipe: Recipe, steps: int) -> str:
    """What to type for the same weights."""
    options = {
        "--recipe": recipe.name,
        "--data": recipe.data,
        "--cell": recipe.cell,
        "--schedule": recipe.schedule.__name__.removesuffix("_schedule"),
        "--steps": steps,
        "--seed": recipe.seed,
        "--n-features": recipe.n_features,
        "--out": out.as_posix(),
    }
    words = [str(word) for option, value in options.items() if value is not None for word in (option, value)]
    return shlex.join(["python", "-m", "course_utils", "train", *words])


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
    interrupts: list[bool] = []

    def note(*_: object) -> None:
        interrupts.append(True)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():  # signals reach only the main thread
        yield interrupts
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)
