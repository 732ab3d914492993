"""Where a run takes place: one process or several, what the machine is called, and Ctrl-C that waits for a step's end.

What is trained, and what is written, is no business of this module.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from accelerate import Accelerator


def machine(n_processes: int) -> str:
    """Where it was trained, in words."""
    threads = torch.get_num_threads()
    name = "a GPU" if torch.cuda.is_available() else f"{threads} CPU thread{'s' * (threads > 1)}"
    name = name if n_processes == 1 else f"{n_processes} processes, each on {name}"
    return f"{name}, PyTorch {torch.__version__.split('+')[0]}"


@contextmanager
def processes() -> Iterator["Accelerator | None"]:
    """Hugging Face Accelerate, where it has started several processes; nothing where there is only one."""
    if os.environ.get("WORLD_SIZE") in (None, "", "1"):
        yield None
        return
    try:
        from accelerate import Accelerator
    except ModuleNotFoundError as error:
        raise ValueError("several processes need Accelerate: pip install accelerate") from error
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    try:
        yield accelerator
    finally:
        accelerator.end_training()


def is_first(accelerator: "Accelerator | None") -> bool:
    """Whether this is the process that writes; the others only help it."""
    return accelerator is None or accelerator.is_main_process


@contextmanager
def ctrl_c_waits() -> Iterator[list[bool]]:
    """Let a step finish: the first Ctrl-C is only noted, in the list that this gives; a second one interrupts."""
    interrupts: list[bool] = []

    def note(*_: object) -> None:
        interrupts.append(True)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():  # signals reach only the main thread
        yield interrupts
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)
