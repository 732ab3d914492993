"""Print the names of files in random order, on one line; `make test-shuffled` hands them to pytest.

SEED in the environment decides the order. Without it every call has its own, and stderr says how to repeat that.
"""

import os
import random
import sys
import time


def main(files: list[str]) -> None:
    """Shuffle the files and print them."""
    seed = os.environ.get("SEED") or str(time.time_ns())
    print(f"make test-shuffled SEED={seed}", file=sys.stderr)
    random.Random(seed).shuffle(files)
    print(*files)


if __name__ == "__main__":
    main(sys.argv[1:])
