"""The command line: `python -m course_utils` followed by draw-sprites, train, sample or evaluate."""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any, NoReturn

import torch

from . import __version__
from .quality.evaluation import quality_table, write_classifier
from .sprites import write_sprites
from .sprites.artist import CLASSES
from .storage.checkpoints import load_model, load_pretrained
from .storage.datasets import Sprites, read_sprites
from .storage.files import any_console
from .storage.shipped import shipped_by_name
from .training.recipes import JUDGE, RECIPES, SCHEDULES, SPRITES, Recipe, begin_with, steps_for
from .training.run import run_recipe
from .training.samples import SAMPLERS, write_samples
from .validation import require_int, require_seed

SOURCE = ("cell", "spacing", "margin", "background", "labels")
"""Options that say how `--data` is to be read."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns 0, or with one line on stderr 2 if something was wrong, and 130 after Ctrl-C."""
    any_console()
    given = _parser().parse_args(arguments)
    try:
        summary = given.run(given)
    except (ValueError, OSError) as error:
        print(f"{given.command}: {_sentence(error)}", file=sys.stderr)
        return 2
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "alloc" not in str(error) and "memory" not in str(error):
            raise
        print(f"{given.command}: not enough memory: fewer or smaller pictures help", file=sys.stderr)
        return 2
    except KeyboardInterrupt as error:
        print(f"{given.command}: stopped; {error}".removesuffix("; "), file=sys.stderr)
        return 130
    if summary:  # of several processes only the first has one
        print(summary)
    return 0


def _sentence(error: ValueError | OSError) -> str:
    """What went wrong; where the system says it, without its number."""
    if isinstance(error, OSError) and error.strerror:
        return ": ".join([*filter(None, [error.filename]), error.strerror.lower()])
    return str(error)


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the options."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog.split()[-1]}: {message} (--help shows all options)\n")


def _path(text: str) -> Path:
    """A path of the command line, which would be the current folder if it were empty."""
    if not text:
        raise argparse.ArgumentTypeError("an empty name is no file and no folder")
    return Path(text)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m course_utils", description="Tools of From Noise to Sprites.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)

    draw = commands.add_parser("draw-sprites", help="draw a data set of sprites and its card")
    draw.add_argument("--n", type=int, default=20_000, help="sprites to train on (default: %(default)s)")
    draw.add_argument("--n-test", type=int, default=2_000, help="further sprites, held out (default: %(default)s)")
    draw.add_argument("--seed", type=int, default=0, help="which data set (default: %(default)s)")
    draw.add_argument("--out", type=_path, default=Path("sprites.npz"), help="file to write (default: %(default)s)")
    draw.set_defaults(run=_draw_sprites)

    learn = commands.add_parser("train", help="train by a recipe, on the sprites of the course or on yours")
    learn.add_argument(
        "--recipe",
        choices=(*RECIPES, JUDGE.name),
        default=SPRITES.name,
        help="what to train: the course's network, the classic lab's, or the judge (default: %(default)s)",
    )
    learn.add_argument("--data", type=_path, help="a folder of pictures, a sheet, .npy or .npz (default: the course's)")
    learn.add_argument("--cell", type=int, help="side of one sprite in pixels, if the data is a sheet")
    learn.add_argument("--spacing", type=int, help="pixels between the sprites of a sheet (default: 0)")
    learn.add_argument("--margin", type=int, help="pixels around the sprites of a sheet (default: 0)")
    learn.add_argument("--background", help="colour behind transparent pixels, or auto (default: white)")
    learn.add_argument("--labels", type=_path, help="labels of an .npy file (default: sprite_labels….npy beside it)")
    learn.add_argument("--from", type=_path, dest="start", help="begin with these weights: a file, or sprites")
    learn.add_argument(
        "--steps",
        type=int,
        help="how many batches to learn from (default: the recipe's, or as many as the pictures are good for)",
    )
    learn.add_argument("--minutes", type=float, help="stop after about this time, if that is earlier")
    learn.add_argument("--n-features", type=int, help="width of the network (default: the recipe's)")
    learn.add_argument("--schedule", choices=SCHEDULES, help="the noise schedule (default: the recipe's)")
    learn.add_argument("--seed", type=int, help="seed of every random choice (default: the recipe's)")
    learn.add_argument("--out", type=_path, help="file to write (default: the recipe's name with .safetensors)")
    learn.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    learn.set_defaults(run=_train)

    show = commands.add_parser("sample", help="let a trained network draw, by the names of its classes")
    show.add_argument("file", type=_path, help="its weights: a file that train wrote, or sprites for the course's")
    show.add_argument(
        "--classes",
        nargs="+",
        action="extend",
        metavar="NAME",
        help="what to draw (default: each class); for a name that begins with a dash, --classes=NAME",
    )
    show.add_argument("--n", type=int, default=8, help="pictures of each class (default: %(default)s)")
    show.add_argument("--guidance-scale", type=float, default=2.0, help="0 ignores the class (default: %(default)s)")
    show.add_argument("--steps", type=int, default=25, help="steps of the sampler (default: %(default)s)")
    show.add_argument("--sampler", choices=SAMPLERS, default="ddim", help="(default: %(default)s)")
    show.add_argument("--seed", type=int, default=0, help="other seeds, other pictures (default: %(default)s)")
    show.add_argument("--out", type=_path, help="picture to write, .png (default: FILE-samples.png)")
    show.add_argument("--each", type=_path, metavar="FOLDER", help="write each picture by itself, too")
    show.add_argument("--movie", type=_path, metavar="FILE.webp", help="write how noise becomes pictures, too")
    show.set_defaults(run=_sample)
    for command in (draw, learn, show):
        command.add_argument("--overwrite", action="store_true", help="replace what an earlier run of this name wrote")

    evaluate = commands.add_parser("evaluate", help="measure how good the sprites are that a network draws")
    evaluate.add_argument("file", type=_path, help="weights of a network that knows the five classes of the course")
    evaluate.set_defaults(run=_evaluate)

    return parser


def _draw_sprites(given: argparse.Namespace) -> str:
    sha256 = write_sprites(given.out, given.n, given.n_test, given.seed, given.overwrite)
    return f"{given.out}: {given.n:,} + {given.n_test:,} sprites, sha256 {sha256}"


def _train(given: argparse.Namespace) -> str:
    out = given.out or Path(f"{given.recipe}.safetensors")
    options = {name: value for name, value in vars(given).items() if name in Recipe._fields and value is not None}
    if given.recipe == JUDGE.name:
        refused = given.resume or given.minutes or given.data or given.start
        if refused or options.keys() - {"recipe", "steps", "seed"}:
            raise ValueError(f"the recipe {JUDGE.name} takes --steps, --seed, --out and --overwrite only")
        judge = JUDGE._replace(**options)
        return write_classifier(out, judge.steps, judge.batch_size, judge.learning_rate, judge.seed, given.overwrite)
    if "schedule" in options:
        options["schedule"] = SCHEDULES[options["schedule"]]
    recipe, sprites, start = RECIPES[given.recipe]._replace(**options), _read(given), None
    if given.start is not None:
        if options.keys() & {"n_features", "schedule"} or given.recipe != SPRITES.name:
            raise ValueError(
                "--recipe, --n-features and --schedule are those of the weights to begin with: leave them out"
            )
        start, model, schedule = _load("--from", given.start)
        recipe = begin_with(recipe, model, schedule)
    if sprites is not None and given.steps is None:
        recipe = recipe._replace(steps=(enough := steps_for(recipe, len(sprites.images))))
        print(
            f"at most {enough:,} steps, so that {len(sprites.images):,} pictures are not learned by heart "
            "(--steps decides otherwise)"
        )
    return run_recipe(
        out,
        recipe,
        sprites,
        _command(given, recipe, out),
        minutes=given.minutes,
        start=start,
        resume=given.resume,
        overwrite=given.overwrite,
    )


def _read(given: argparse.Namespace) -> Sprites | None:
    """What `--data` names, and tell what was found there; nothing for the sprites of the course."""
    source = {name: getattr(given, name) for name in SOURCE if getattr(given, name) is not None}
    if given.data is None:
        if source:
            raise ValueError(f"--{next(iter(source))} says how --data is to be read: give --data, too")
        return None
    sprites = read_sprites(given.data, **source)
    print(sprites.found, *sprites.remarks, sep="\n")
    return sprites


def _command(given: argparse.Namespace, recipe: Recipe, out: Path) -> str:
    """What to type for the same weights."""
    options = {"--recipe": recipe.name, "--data": given.data}
    options |= {f"--{name}": getattr(given, name) for name in SOURCE}
    options |= (
        {"--from": given.start}
        if given.start
        else {
            "--schedule": recipe.schedule.__name__.removesuffix("_schedule"),
            "--n-features": recipe.n_features,
        }
    )
    options |= {"--steps": recipe.steps, "--minutes": given.minutes, "--seed": recipe.seed, "--out": out.as_posix()}
    words = [str(word) for option, value in options.items() if value is not None for word in (option, value)]
    return shlex.join(["python", "-m", "course_utils", "train", *words])


def _sample(given: argparse.Namespace) -> str:
    require_int("n", given.n, 1)
    require_seed(given.seed)
    file, model, schedule = _load("FILE", given.file)
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    out = given.out or Path(f"{file.stem}-samples.png")
    drawing = {name: getattr(given, name) for name in ("n", "steps", "guidance_scale", "sampler", "seed")}
    names = model.classes if given.classes is None else given.classes
    return write_samples(model, schedule, names, drawing, out, given.each, given.movie, given.overwrite)


def _evaluate(given: argparse.Namespace) -> str:
    file, model, schedule = _load("FILE", given.file)
    if model.classes != tuple(CLASSES):
        known = ", ".join(model.classes) or "no classes by name"
        raise ValueError(f"{file} must hold a network that knows {', '.join(CLASSES)}, and it knows {known}")
    if model.shape != (3, 16, 16):
        drawn = f"draws {model.shape[2]}×{model.shape[1]}" if model.shape else "does not say what it draws"
        raise ValueError(f"{file} must hold a network that draws 16×16 sprites, and it {drawn}")
    return quality_table(model, schedule)


def _load(option: str, file: Path) -> Any:
    """The file of some weights, the model in it and its schedule; a name that is no file may be that of ours."""
    if not file.suffix and not file.exists():
        return shipped_by_name(option, file.name, "weights", ".safetensors"), *load_pretrained(file.name)
    return file, *load_model(file)


if __name__ == "__main__":
    sys.exit(main())
