"""Whose file is it? Commands mark what they write, replace nothing else, and keep a second process out.

How a file is written stands in `files`, and what is in it in the others.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

_ANY_MARK = re.compile(rb"\[course_utils [a-z-]+ [^\]\s]+\]")


def mark(command: str, out: Path) -> str:
    """What a command writes into each of its files: its own name and that of its result, without folder and ending.

    It is plain ASCII, so that PNG, WebP, Markdown, zip and safetensors hold it as it is.
    """
    return f"[course_utils {command} {quote(os.fsencode(out.stem), safe='')}]"


def is_marked(path: Path, own: str | None = None) -> bool:
    """Whether a file holds this mark, or that of any command of the course."""
    content = path.read_bytes()
    return bool(_ANY_MARK.search(content)) if own is None else own.encode() in content


def require_free(own: str, results: Iterable[Path], overwrite: bool = False) -> None:
    """Ask, before anything is written, whether each of the files may be.

    Args:
        own: the mark of the command and its result.
        results: all that the command will write.
        overwrite: replace what an earlier run of the same command wrote under the same name.

    Raises FileExistsError for a file that is there and was not written by such a run, or was, without `overwrite`, and
    FileNotFoundError if there is no such folder.
    """
    for path in results:
        if not path.parent.is_dir():
            raise FileNotFoundError(f"no such folder: {path.parent}")
        path.with_name(f"{path.name}.part").exists()  # which raises where this name, of `write_whole`, is too long
        if path.is_dir():
            raise IsADirectoryError(f"{path} must be a file, and is a folder")
        if path.exists() and not is_marked(path, own):
            raise FileExistsError(
                f"{path} is there, and was not written by this command under this name: move it, or take another --out"
            )
        if path.exists() and not overwrite:
            raise FileExistsError(
                f"{path} is there, from an earlier run: --overwrite replaces it, and --out takes another name"
            )


@contextmanager
def only_one(out: Path) -> Iterator[None]:
    """Hold a hidden lock file while files of this name are written, so that a second process is told and does no harm.

    The system lets go of the lock when a process ends, however it ends. Raises FileExistsError if another holds it.
    """
    path = out.with_name(f".{out.name}.lock")
    if path.exists() and path.stat().st_size > 0:  # ours are empty
        raise FileExistsError(f"{path} is there, and is no lock of this command: move it")
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise FileExistsError(f"another process is writing {out}: wait for it, or take another --out") from error
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes it when the lock is released, and not before
            path.unlink()
        lock.release()
