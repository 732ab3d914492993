"""The command line: `python -m course_utils draw-sprites …` and `python -m course_utils train …`."""

import argparse
import sys
from pathlib import Path

from .recipe import STEPS, train_sprites
from .sprites import write_sprites


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns 0, or 2 with one line on stderr that says what was wrong."""
    parser = argparse.ArgumentParser(prog="python -m course_utils", description="Tools of From Noise to Sprites.")
    commands = parser.add_subparsers(dest="command", required=True)
    draw = commands.add_parser("draw-sprites", help="draw a data set of sprites and its card")
    draw.add_argument("--n", type=int, default=20_000, help="sprites to train on (default: %(default)s)")
    draw.add_argument("--n-test", type=int, default=2_000, help="further sprites, held out (default: %(default)s)")
    draw.add_argument("--seed", type=int, default=0, help="which data set (default: %(default)s)")
    draw.add_argument("--out", type=Path, default=Path("sprites.npz"), help="file to write (default: %(default)s)")
    learn = commands.add_parser("train", help="train the network of the course and write its weights and card")
    learn.add_argument("--steps", type=int, default=STEPS, help="batches to learn from (default: %(default)s)")
    learn.add_argument("--seed", type=int, default=0, help="of every random choice (default: %(default)s)")
    learn.add_argument("--n-features", type=int, default=32, help="width of the network (default: %(default)s)")
    learn.add_argument(
        "--out", type=Path, default=Path("sprites.safetensors"), help="file to write (default: %(default)s)"
    )
    given = parser.parse_args(arguments)
    try:
        print(_draw_sprites(given) if given.command == "draw-sprites" else _train(given))
    except (ValueError, OSError) as error:
        print(f"{given.command}: {error}", file=sys.stderr)
        return 2
    return 0


def _draw_sprites(given: argparse.Namespace) -> str:
    sha256 = write_sprites(given.out, given.n, given.n_test, given.seed)
    return f"{given.out}: {given.n:,} + {given.n_test:,} sprites, sha256 {sha256}"


def _train(given: argparse.Namespace) -> str:
    return train_sprites(given.out, given.steps, given.seed, given.n_features)


if __name__ == "__main__":
    sys.exit(main())
