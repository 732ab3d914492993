"""How long the data takes: drawing 20,000 sprites on one core, and reading the shipped file. Prints a table.

Run it on a quiet machine:  python benchmarks/data.py
"""

import time
from collections.abc import Callable

from course_utils import load_sprites
from course_utils.sprites import draw_sprites

SAMPLE = 4000  # enough for every kind; the time for 20,000 is in proportion


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    draw_sprites(500, seed=1)  # templates are parsed once
    drawing = sorted(seconds(lambda: draw_sprites(SAMPLE, seed=2)) for _ in range(3))[1] * 20_000 / SAMPLE
    reading = sorted(seconds(load_sprites) for _ in range(3))[1]
    print("| work | CPU seconds (median of 3) | budget |\n|---|---|---|")
    print(f"| draw 20,000 sprites | {drawing:.1f} | 30 |\n| load_sprites() | {reading:.1f} | 2 |")


if __name__ == "__main__":
    main()
