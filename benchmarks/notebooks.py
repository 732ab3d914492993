"""What each notebook costs beside what it may: time from top to bottom, memory and size. Prints a table.

What is above its bar is bold. Other work on the machine adds a little to the CPU seconds and much to the others. Run it
on a quiet machine:

    python benchmarks/notebooks.py
"""

import time
from itertools import pairwise
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from tqdm.auto import tqdm

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
SECONDS, GB, MB = 60, 2, 2  # the bars
USED = """
import resource, sys, torch
used, unit = resource.getrusage(resource.RUSAGE_SELF), 1 if sys.platform == "darwin" else 1024
print(used.ru_utime + used.ru_stime, used.ru_maxrss * unit, torch.get_num_threads())
"""


def measure(path: Path) -> tuple[list[str], str]:
    """Run a notebook and, as one cell more, ask its kernel what it has used; a row of the table, and the threads."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(USED))
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": path.parent}})
    ends = [time.perf_counter()]
    with client.setup_kernel():
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
            ends.append(time.perf_counter())
    cpu, peak, threads = notebook.cells.pop().outputs[0].text.split()
    spent = [end - start for start, end in pairwise(ends[:-1])]
    slowest = max(range(len(spent)), key=spent.__getitem__)
    row = [
        path.stem,
        beside(sum(spent), SECONDS, ".0f"),
        f"{float(cpu):.0f}",
        f"[{notebook.cells[slowest].execution_count}] {spent[slowest]:.0f}",
        beside(float(peak) / 1e9, GB, ".1f"),
        beside(path.stat().st_size / 1e6, MB, ".1f"),
    ]
    return row, threads


def beside(number: float, bar: float, digits: str) -> str:
    return f"{number:{digits}}" if number <= bar else f"**{number:{digits}}**"


def main() -> None:
    measured = [measure(path) for path in tqdm(NOTEBOOKS)]
    print(f"Each in a kernel of its own with {measured[0][1]} CPU threads; the start of the kernel counts.\n")
    print("| notebook | seconds | CPU seconds | slowest cell, seconds | peak memory, GB | size, MB |")
    print("|---|---|---|---|---|---|")
    for row in [["may take", str(SECONDS), "", "", str(GB), str(MB)], *(row for row, _ in measured)]:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
