"""The command line: `python -m course_utils` followed by draw-sprites, train or evaluate."""

import argparse
import sys
from pathlib import Path
from typing import Any

from .quality.evaluation import quality_table, write_classifier
from .sprites import write_sprites
from .sprites.artist import CLASSES
from .storage.checkpoints import load_model
from .training.recipes import JUDGE, RECIPES, SCHEDULES, SPRITES, Recipe
from .training.run import run_recipe


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns 0, or with one line on stderr 2 if something was wrong, and 130 after Ctrl-C."""
    given = _parser().parse_args(arguments)
    try:
        summary = given.run(given)
    except (ValueError, OSError) as error:
        print(f"{given.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as error:
        print(f"{given.command}: stopped; {error}".removesuffix("; "), file=sys.stderr)
        return 130
    if summary:  # of several processes only the first has one
        print(summary)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m course_utils", description="Tools of From Noise to Sprites.")
    commands = parser.add_subparsers(dest="command", required=True)

    draw = commands.add_parser("draw-sprites", help="draw a data set of sprites and its card")
    draw.add_argument("--n", type=int, default=20_000, help="sprites to train on (default: %(default)s)")
    draw.add_argument("--n-test", type=int, default=2_000, help="further sprites, held out (default: %(default)s)")
    draw.add_argument("--seed", type=int, default=0, help="which data set (default: %(default)s)")
    draw.add_argument("--out", type=Path, default=Path("sprites.npz"), help="file to write (default: %(default)s)")
    draw.set_defaults(run=_draw_sprites)

    learn = commands.add_parser("train", help="train by a recipe, on the sprites of the course or on yours")
    learn.add_argument(
        "--recipe",
        choices=(*RECIPES, JUDGE.name),
        default=SPRITES.name,
        help="what to train: the course's network, the classic lab's, or the judge (default: %(default)s)",
    )
    learn.add_argument("--data", type=Path, help="a folder of PNGs, .npz, .npy or a sheet (default: the course's)")
    learn.add_argument("--cell", type=int, help="side of one sprite in pixels, if the data is a sheet")
    length = learn.add_mutually_exclusive_group()
    length.add_argument("--steps", type=int, help="how many batches to learn from (default: the recipe's)")
    length.add_argument("--minutes", type=float, help="instead of steps, about how long to train")
    learn.add_argument("--n-features", type=int, help="width of the network (default: the recipe's)")
    learn.add_argument("--schedule", choices=SCHEDULES, help="the noise schedule (default: the recipe's)")
    learn.add_argument("--seed", type=int, help="seed of every random choice (default: the recipe's)")
    learn.add_argument("--out", type=Path, help="file to write (default: the recipe's name with .safetensors)")
    learn.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    learn.set_defaults(run=_train)

    evaluate = commands.add_parser("evaluate", help="measure how good the sprites are that a network draws")
    evaluate.add_argument("file", type=Path, help="weights of a network that knows the five classes of the course")
    evaluate.add_argument(
        "--recipe", choices=RECIPES, default=SPRITES.name, help="the recipe that trained it (default: %(default)s)"
    )
    evaluate.set_defaults(run=_evaluate)

    return parser


def _draw_sprites(given: argparse.Namespace) -> str:
    sha256 = write_sprites(given.out, given.n, given.n_test, given.seed)
    return f"{given.out}: {given.n:,} + {given.n_test:,} sprites, sha256 {sha256}"


def _train(given: argparse.Namespace) -> str:
    out = given.out or Path(f"{given.recipe}.safetensors")
    options = {name: value for name, value in vars(given).items() if name in Recipe._fields and value is not None}
    if given.recipe == JUDGE.name:
        if given.resume or options.keys() - {"steps", "seed"}:
            raise ValueError(f"the recipe {JUDGE.name} takes --steps, --seed and --out only")
        judge = JUDGE._replace(**options)
        return write_classifier(out, judge.steps, judge.batch_size, judge.learning_rate, judge.seed)
    if "schedule" in options:
        options["schedule"] = SCHEDULES[options["schedule"]]
    if "minutes" in options:
        options["steps"] = None
    return run_recipe(out, RECIPES[given.recipe]._replace(**options), given.resume)


def _evaluate(given: argparse.Namespace) -> str:
    model, schedule = load_model(given.file, RECIPES[given.recipe].network)
    network: Any = getattr(model, "network", model)  # it may stand in a wrapper
    known = network.arguments["n_context"]
    if known != len(CLASSES):
        wanted = f"a network that knows the {len(CLASSES)} classes of the course"
        raise ValueError(f"{given.file} must hold {wanted}, and it knows {known}")
    return quality_table(model, schedule)


if __name__ == "__main__":
    sys.exit(main())
