"""Running what came back: of each notebook only what its checks need, in a fresh kernel, with a time limit, offline.

What runs is code of other people. It has no network where the system lets a process do without one (`unshare`, on
Linux). Elsewhere Python's sockets refuse to connect: that stops accidents, not those who mean it. Files are not guarded
at all.
"""

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook, new_output

from .exercises import Exercise
from .marks import asking_cell
from .needs import needed

LIMIT, STARTING = 60, 600
"""Seconds that a cell may take, where a check takes less than one; and those that torch may take to be imported."""

NO_SOCKETS = """
import socket

def _refuse(connect):
    def checked(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError("there is no network while notebooks are graded")
        return connect(self, address)
    return checked

socket.socket.connect, socket.socket.connect_ex = map(_refuse, (socket.socket.connect, socket.socket.connect_ex))
"""


@functools.cache
def isolated() -> Sequence[str]:
    """What begins a command that shall have no network; nothing where the system does not let us."""
    command = ("unshare", "--map-root-user", "--net")
    if not shutil.which("unshare"):
        return ()
    return command if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0 else ()


class Offline(AsyncKernelManager):
    """Starts a kernel of this Python without a network; we talk to it through files, where there are such."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        if os.name != "nt":
            self.transport = "ipc"
        self.kernel_spec.argv = [*isolated(), sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]


def run(notebook: nbformat.NotebookNode, todo: Sequence[Exercise], limit: int = LIMIT, threads: int = 1) -> None:
    """Run the cells of some exercises, and what they need; their outputs become the new ones.

    Args:
        notebook: what a student handed in.
        todo: the exercises of its chapter.
        limit: seconds that each cell may take. One that takes longer stops with a TimeoutError, and the others go on.
        threads: how many threads of the processor torch may use.
    """
    asking = [asking_cell(notebook, exercise) for exercise in todo]
    cells = [i for i in asking if i is not None]
    for i in cells:
        notebook.cells[i].outputs = []
    parts = needed(notebook, cells)
    while parts:
        stopped = _attempt(notebook, parts, limit, threads)
        if stopped is None:
            return
        index, error = stopped
        del parts[index]  # begin again without it
        if index in cells:
            notebook.cells[index].outputs = [error]


def _attempt(
    notebook: nbformat.NotebookNode, parts: dict[int, str], limit: int, threads: int
) -> tuple[int, nbformat.NotebookNode] | None:
    """Run the parts once, and keep their outputs; the index of one that took too long or ended the kernel, and why."""
    first = "import course_utils\n" + ("" if isolated() else NO_SOCKETS)
    script = new_notebook(cells=[new_code_cell(source) for source in (first, *map(parts.get, sorted(parts)))])
    with tempfile.TemporaryDirectory() as place:
        options = {"allow_errors": True, "kernel_name": "python3", "shutdown_kernel": "immediate"}
        where = {"metadata": {"path": place}}
        client = NotebookClient(script, kernel_manager_class=Offline, timeout=STARTING, resources=where, **options)
        client.create_kernel_manager().connection_file = str(Path(place, "k.json"))  # short: it names sockets
        with client.setup_kernel(env={**os.environ, "OMP_NUM_THREADS": str(threads)}):
            client.execute_cell(script.cells[0], 0)
            client.timeout = limit
            for number, index in enumerate(sorted(parts), start=1):
                try:
                    notebook.cells[index].outputs = client.execute_cell(script.cells[number], number).outputs
                except CellTimeoutError:
                    return index, _error("TimeoutError", f"it took longer than {limit} seconds")
                except DeadKernelError:
                    return index, _error("DeadKernelError", "Python ended, by its own exit or for want of memory")
    return None


def _error(name: str, words: str) -> nbformat.NotebookNode:
    return new_output("error", ename=name, evalue=words, traceback=[])
