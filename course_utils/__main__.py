"""The command line: `python -m course_utils draw-sprites …`."""

import argparse
import sys
from pathlib import Path

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
    given = parser.parse_args(arguments)
    try:
        sha256 = write_sprites(given.out, given.n, given.n_test, given.seed)
    except (ValueError, OSError) as error:
        print(f"draw-sprites: {error}", file=sys.stderr)
        return 2
    print(f"{given.out}: {given.n:,} + {given.n_test:,} sprites, sha256 {sha256}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
