"""How long 32 sprites take: DDIM with 25 steps beside DDPM with all 500, in turn, in one run. Prints a table.

Run it on a quiet machine:  python benchmarks/sampling.py
"""

import os
import time
from collections.abc import Callable

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

import torch

from course_utils import load_pretrained, sample_ddim, sample_ddpm


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    model, schedule = load_pretrained("sprites")
    c = torch.eye(5)[torch.arange(32) % 5]
    samplers = {
        "DDIM, 25 steps": lambda: sample_ddim(model, (32, 3, 16, 16), schedule, 25, c),
        "DDPM, 500 steps": lambda: sample_ddpm(model, (32, 3, 16, 16), schedule, 500, c),
    }
    samplers["DDIM, 25 steps"]()  # the first call is slower
    runs = [{name: seconds(work) for name, work in samplers.items()} for _ in range(3)]
    middle = {name: sorted(run[name] for run in runs)[1] for name in samplers}
    ratio = sorted(run["DDPM, 500 steps"] / run["DDIM, 25 steps"] for run in runs)[1]
    print(f"32 sprites on {torch.get_num_threads()} CPU threads, median of 3\n\n| sampler | seconds |\n|---|---|")
    print("\n".join(f"| {name} | {time:.2f} |" for name, time in middle.items()))
    print(f"\nDDIM is {ratio:.0f} times as fast.")


if __name__ == "__main__":
    main()
