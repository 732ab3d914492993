"""A run of a recipe: it trains, can be stopped and resumed, may share the work among processes, and ends in a card.

What is trained is decided in `recipes`; what a step of training is stands in `loop`, what is kept in `state`, and what
the network draws in `samples`.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from ..diffusion.losses import draw_times_and_noise
from ..diffusion.models import TrainedModel
from ..diffusion.schedules import NoiseSchedule
from ..quality.evaluation import quality_table
from ..storage.checkpoints import load_model, require_weights_file, save_model
from ..storage.datasets import Sprites, load_sprites, read_sprites
from ..storage.files import sha256
from ..storage.ownership import mark, only_one, remove_own, require_free, write_own
from ..storage.shipped import shipped
from ..validation import require_int, require_seed
from .cards import write_card
from .loop import Progress, no_average, train
from .machine import ctrl_c_waits, is_first, machine, processes
from .recipes import Recipe, hybrid, take_over
from .samples import contact_sheet, example, from_noise, own_or_recited, progress_picture, walk
from .state import fingerprint, read_state, write_state

if TYPE_CHECKING:
    from accelerate import Accelerator

KEEP_EVERY = 30
"""Seconds between two writings of the state of a run: no more than this is ever lost."""


def run_recipe(
    out: Path,
    recipe: Recipe,
    sprites: Sprites | None,
    command: str,
    *,
    minutes: float | None = None,
    start: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> str:
    """Train a network by a recipe, and write its weights with a card and pictures.

    `out` holds the weights of the end, averaged as the recipe says. Beside it go its checkpoints, such as `…-early` and
    `…-middle`, those after a hundredth and a 16th of the steps. All of that is written at the end. During the run
    `….state.pt` holds what is needed to go on, and `….progress.png` shows what the network draws by now.

    Args:
        out: the file to write, ending in .safetensors.
        recipe: what decides the weights.
        sprites: what to learn from, or nothing for the sprites of the course; their classes are those of the model.
        command: what to type for the same run, for the card.
        minutes: stop after this time, if that is before `recipe.steps`; the learning rate follows the pace it meets.
        start: trained weights to begin with, as `begin_with` puts them into the recipe; nothing for random ones.
        resume: go on with a run that was stopped. Without `minutes` its weights become those of one that was not, bit
            by bit.
        overwrite: replace what an earlier run of this name wrote.

    Returns a few lines that say how it went. Raises ValueError and OSError that say in one line what is wrong, and
    after Ctrl-C a KeyboardInterrupt that says how to go on.
    """
    ours = sprites is None
    sprites = sprites or course_sprites()
    _require(out, recipe, sprites, minutes)
    asked = {"classes": list(sprites.classes), "minutes": minutes, "start": start and sha256(start)}
    expected = fingerprint(recipe, sprites.images, sprites.contexts, **asked)
    with processes() as accelerator, only_one(out) if is_first(accelerator) else nullcontext():
        state = _begin(out, recipe, expected, resume, overwrite)
        torch.manual_seed(recipe.seed)  # for the network's first weights, which PyTorch draws from its own generator
        schedule = recipe.schedule(recipe.T)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        contexts = sprites.contexts if sprites.classes else torch.zeros(len(sprites.images), 1)
        model = recipe.model(schedule, contexts.shape[1])
        if start is not None:
            take_over(model, load_model(start)[0], sprites.classes)
        model.to(device if accelerator is None else accelerator.device)
        run = train(
            model,
            sprites.images,
            contexts,
            schedule,
            steps=recipe.steps if minutes is None else _plan(minutes, state["seconds"], recipe.steps, accelerator),
            generator=torch.Generator().manual_seed(recipe.seed),
            state=state["training"],
            accelerator=accelerator,
            **recipe.settings(schedule),
        )
        if not is_first(accelerator):
            deque(run, maxlen=0)  # the other processes do their share of the work, and leave the rest to the first
            return ""
        try:
            _follow(run, out, schedule, sprites, recipe, state)
            where = machine(accelerator.num_processes if accelerator else 1)
            model = _write(out, schedule, sprites, recipe, state)
            return _tell(out, model, schedule, sprites, recipe, state, ours, command, where)
        except KeyboardInterrupt as stop:
            kept = ["all but the last seconds are kept: add --resume to go on"]
            raise KeyboardInterrupt(*stop.args or kept * out.with_suffix(".state.pt").exists()) from stop


def results(out: Path, recipe: Recipe) -> list[Path]:
    """All files that a run of a recipe leaves behind."""
    weights = [out.with_stem(out.stem + suffix) for suffix in recipe.checkpoints]
    return [out, *weights, *map(out.with_suffix, (".md", ".png")), out.with_name(f"{out.stem}-from-noise.png")]


def _begin(out: Path, recipe: Recipe, expected: Mapping[str, Any], resume: bool, overwrite: bool) -> dict[str, Any]:
    """The state from which a run of these settings begins, if all its files may be written."""
    own, state_file = mark("train", out), out.with_suffix(".state.pt")
    require_free(own, results(out, recipe), overwrite or resume)
    require_free(own, [out.with_suffix(".progress.png")], overwrite=True)
    if resume:
        state = read_state(state_file, expected)
        if state["written_by"] != own:
            raise ValueError(f"{state_file} is of a run with another --out: give it that name, or start anew")
        return state
    require_free(own, [state_file], overwrite=True)
    if state_file.exists():
        raise FileExistsError(f"{state_file} is of a run that was stopped: add --resume, or delete it to start anew")
    return {"written_by": own, "recipe": expected, "losses": [], "seconds": 0.0, "training": None, "kept": {}}


def _follow(
    run: Iterator[Progress],
    out: Path,
    schedule: NoiseSchedule,
    sprites: Sprites,
    recipe: Recipe,
    state: dict[str, Any],
) -> None:
    """Train to the end; keep checkpoints in the state, and write it with a picture every half minute."""
    done, kept = state["training"]["step"] if state["training"] else 0, state["kept"]
    losses, begin, due = deque(state["losses"], maxlen=100), time.monotonic() - state["seconds"], -math.inf
    with ctrl_c_waits() as interrupts, tqdm(run, initial=done, total=state["recipe"]["steps"]) as bar:
        for progress in bar:
            losses.append(progress.loss)
            bar.total = progress.steps
            bar.set_postfix(loss=f"{fmean(losses):.4f}", refresh=False)
            for suffix, part in recipe.checkpoints.items():
                if suffix not in kept and progress.step >= progress.steps // part:
                    kept[suffix] = {"step": progress.step, "weights": _copy(progress.averaged)}
            if interrupts or time.monotonic() >= due:
                state |= {"losses": list(losses), "seconds": time.monotonic() - begin, "training": progress.state()}
                write_state(out.with_suffix(".state.pt"), state)
                model = TrainedModel(progress.averaged, sprites.classes, sprites.images.shape[1:])
                own = state["written_by"]
                write_own(out.with_suffix(".progress.png"), progress_picture(model, schedule, own), own)
                due = time.monotonic() + KEEP_EVERY
            if interrupts:
                raise KeyboardInterrupt(
                    f"{progress.step:,} of {progress.steps:,} steps are kept: add --resume to go on"
                )
            end = progress
        if "" not in kept:  # else the run was stopped after its last step
            kept[""] = {"step": end.step, "weights": _copy(end.averaged)}
            state |= {"losses": list(losses), "seconds": time.monotonic() - begin, "training": end.state()}
            write_state(out.with_suffix(".state.pt"), state)


def _write(out: Path, schedule: NoiseSchedule, sprites: Sprites, recipe: Recipe, state: dict[str, Any]) -> TrainedModel:
    """Write the checkpoints and two pictures; returns the model as it was read back from its file."""
    own, shape = state["written_by"], sprites.images.shape[1:]
    require_free(own, results(out, recipe), overwrite=True)  # training took its time: is all of it still ours?
    for suffix in (*recipe.checkpoints, ""):
        model, file = recipe.model(schedule, max(1, len(sprites.classes))), out.with_stem(out.stem + suffix)
        model.load_state_dict(state["kept"][suffix]["weights"])
        require_free(own, [file], overwrite=True)
        save_model(file, model, schedule, {"written_by": own}, classes=sprites.classes, shape=shape)
        trained, _ = load_model(file)  # what cannot be read back is no result
    shown = trained.classes[:10]
    stops = walk(trained, schedule, shown, 10 if shown else 50)
    write_own(out.with_suffix(".png"), contact_sheet(stops, shown, own), own)
    write_own(out.with_name(f"{out.stem}-from-noise.png"), from_noise(stops, schedule, shown, own), own)
    return trained


def _tell(
    out: Path,
    model: TrainedModel,
    schedule: NoiseSchedule,
    sprites: Sprites,
    recipe: Recipe,
    state: dict[str, Any],
    ours: bool,
    command: str,
    where: str,
) -> str:
    """Write the card, say how it went, and remove what was only needed on the way."""
    kept, minutes = state["kept"], state["seconds"] / 60
    averaged = "" if recipe.optimization.average is no_average else ", EMA of the weights"
    loss, weighted = fmean(state["losses"]), f", weighted with `{recipe.weight.__name__}`" if recipe.weight else ""
    weighted += ", and −log p(x_0 | x_t) of a number, in nats" if recipe.loss is hybrid else ""
    took = f"{kept['']['step']:,} steps of {recipe.batch_size} sprites in {minutes:.1f} minutes"
    rows = {
        "command": f"`{command}`",
        "training": f"{took} on {where}",
        "data": sprites.found,
        "predicts": f"{recipe.target()}, at the noise levels of `{recipe.schedule.__name__}({schedule.T})`",
        "loss": f"{loss:.4f}: squared error of ε{weighted}, mean of the last {len(state['losses'])} steps",
    }
    told, quality = [f"{out}: {kept['']['step']:,} steps in {minutes:.1f} minutes, loss {loss:.4f}"], ""
    if ours:  # of the sprites of the course some were held out
        held_out = _held_out_loss(model, schedule, recipe)
        told[0] += f", {held_out:.4f} on held-out sprites"
        rows["loss, held out"] = f"{held_out:.4f}: the same of 2,000 sprites that it has not seen{averaged}"
        rows["licence"] = "CC0 1.0: use it for anything, no credit needed"
        quality = quality_table(model, schedule)
    else:
        told += own_or_recited(model, schedule, sprites.images)
        rows["distances"] = told[1]
    checkpoints = {"": f"the end{averaged}: the one to use"}
    checkpoints |= {
        suffix: f"after {(step := kept[suffix]['step']):,} step{'s' * (step != 1)}{averaged}"
        for suffix in recipe.checkpoints
    }
    write_card(out, model, rows, quality, checkpoints, state["written_by"])
    for suffix in (".progress.png", ".state.pt"):
        remove_own(out.with_suffix(suffix), state["written_by"])
    return "\n".join([*filter(None, told), f"to draw with it: {example(out, model.classes)}"])


def course_sprites() -> Sprites:
    """The sprites of the course that are there to train on."""
    source = f'`data/sprites.npz`, split "train", sha256 `{sha256(shipped("data/sprites.npz"))}`'
    return read_sprites()._replace(found=source)


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}


def _require(out: Path, recipe: Recipe, sprites: Sprites, minutes: float | None) -> None:
    """Ask what can be asked before anything is written."""
    require_weights_file("out", out)
    require_seed(recipe.seed)
    require_int("steps", recipe.steps, 50)
    if minutes is not None and not 0 < minutes < math.inf:
        raise ValueError(f"minutes must be a positive number, got {minutes!r}")
    height, width = sprites.images.shape[2:]
    if height % 4 or width % 4:
        raise ValueError(f"height and width of a sprite must be divisible by 4, got {height}×{width}")


def _held_out_loss(model: nn.Module, schedule: NoiseSchedule, recipe: Recipe) -> float:
    """The loss of the 2,000 held-out sprites, each at one random time."""
    images, contexts = load_sprites(split="test")
    weight = recipe.weight and recipe.weight(schedule)
    with torch.no_grad():
        t, eps = draw_times_and_noise(images, schedule, torch.Generator().manual_seed(0))
        return recipe.loss(model, images, t, eps, contexts, schedule, weight).item()


def _plan(minutes: float, before: float, limit: int, accelerator: "Accelerator | None") -> Callable[[int], int]:
    """How many steps there will be, asked anew before each: what fits into the time, at the pace met so far."""
    begin = time.monotonic() - before  # seconds that earlier parts of the run took

    def steps(done: int) -> int:
        share = min(1.0, (time.monotonic() - begin) / (60 * minutes))
        total = torch.tensor(max(50, min(limit, done / share if done else limit)))
        total = total if accelerator is None else accelerator.reduce(total, "mean")  # all processes have one plan
        return max(done, round(total.item()))

    return steps
