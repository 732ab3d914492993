"""The command line: `python -m course_utils` followed by draw-sprites, train, evaluate or train-judge."""

import argparse
import sys
from pathlib import Path
from typing import Any

from .networks.unet import ContextUnet
from .quality.evaluation import quality_table, write_classifier
from .sprites import write_sprites
from .sprites.artist import CLASSES
from .storage.checkpoints import load_model
from .training.recipes import SCHEDULES, STEPS, Recipe
from .training.run import train_sprites


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns 0, or with one line on stderr 2 if something was wrong, and 130 after Ctrl-C."""
    given = _parser().parse_args(arguments)
    try:
        said = given.run(given)
    except (ValueError, OSError) as error:
        print(f"{given.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as error:
        print(f"{given.command}: stopped; {error}".removesuffix("; "), file=sys.stderr)
        return 130
    if said:  # of several processes only one does
        print(said)
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

    usual = Recipe()
    learn = commands.add_parser("train", help="train a network on the sprites of the course, or on yours")
    learn.add_argument("--data", type=Path, help="a folder of PNGs, .npz, .npy or a sheet (default: the course's)")
    learn.add_argument("--cell", type=int, help="side of one sprite in pixels, if the data is a sheet")
    length = learn.add_mutually_exclusive_group()
    length.add_argument("--steps", type=int, help=f"batches to learn from (default: {STEPS})")
    length.add_argument("--minutes", type=float, help="instead of steps, about how long to train")
    learn.add_argument("--n-features", type=int, default=usual.n_features, help="width (default: %(default)s)")
    learn.add_argument("--schedule", choices=SCHEDULES, default=usual.schedule, help="of noise (default: %(default)s)")
    learn.add_argument("--seed", type=int, default=usual.seed, help="of every random choice (default: %(default)s)")
    learn.add_argument(
        "--out", type=Path, default=Path("sprites.safetensors"), help="file to write (default: %(default)s)"
    )
    learn.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    learn.set_defaults(run=_train)

    evaluate = commands.add_parser("evaluate", help="measure how good the sprites are that a network draws")
    evaluate.add_argument("file", type=Path, help="weights of a network that knows the five classes of the course")
    evaluate.set_defaults(run=_evaluate)

    judge = commands.add_parser("train-judge", help="teach the judge that the metrics ask, and write it with its card")
    judge.add_argument("--seed", type=int, default=0, help="of every random choice (default: %(default)s)")
    judge.add_argument(
        "--out", type=Path, default=Path("judge.safetensors"), help="file to write (default: %(default)s)"
    )
    judge.set_defaults(run=_train_judge)
    return parser


def _draw_sprites(given: argparse.Namespace) -> str:
    sha256 = write_sprites(given.out, given.n, given.n_test, given.seed)
    return f"{given.out}: {given.n:,} + {given.n_test:,} sprites, sha256 {sha256}"


def _train(given: argparse.Namespace) -> str:
    recipe = Recipe(**{name: value for name, value in vars(given).items() if name in Recipe._fields})
    return train_sprites(given.out, recipe, given.resume)


def _evaluate(given: argparse.Namespace) -> str:
    model, schedule = load_model(given.file, ContextUnet)
    network: Any = getattr(model, "network", model)  # it may stand in a wrapper
    known = network.arguments["n_context"]
    if known != len(CLASSES):
        wanted = f"a network that knows the {len(CLASSES)} classes of the course"
        raise ValueError(f"{given.file} must hold {wanted}, and it knows {known}")
    return quality_table(model, schedule)


def _train_judge(given: argparse.Namespace) -> str:
    return write_classifier(given.out, given.seed)


if __name__ == "__main__":
    sys.exit(main())
