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

from .files import write_whole

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
    another OSError if there is no such folder, or none that may be written to.
    """
    for path in results:
        require_folder(path.parent)
        if os.path.lexists(path) and not path.is_file():  # pipes and devices would be waited for
            raise FileExistsError(f"{path} is there, and is no file")
        if path.exists() and not is_marked(path, own):
            raise FileExistsError(
                f"{path} is there, and was not written by this command under this name: move it, or take another --out"
            )
        if path.exists() and not overwrite:
            raise FileExistsError(
                f"{path} is there, from an earlier run: --overwrite replaces it, and --out takes another name"
            )


def write_own(path: Path, data: bytes, own: str) -> None:
    """Write a file of a command, unless somebody else's has appeared in its place since that was asked."""
    require_free(own, [path], overwrite=True)
    write_whole(path, data)


def remove_own(path: Path, own: str) -> None:
    """Remove a file of a command; what somebody else put in its place stays."""
    if path.is_file() and is_marked(path, own):
        path.unlink()


def require_folder(folder: Path) -> None:
    """A folder that may be written to. Raises FileNotFoundError or PermissionError."""
    if not folder.is_dir():
        raise FileNotFoundError(f"no such folder: {folder}")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"nothing may be written to the folder {folder}")


@contextmanager
def only_one(out: Path) -> Iterator[None]:
    """Hold a hidden lock file while files of this name are written, so that a second process is told and does no harm.

    The system lets go of the lock when a process ends, however it ends. Raises FileExistsError if another holds it, and
    what `require_folder` does.
    """
    require_folder(out.parent)
    path = out.with_name(f".{out.name}.lock")
    ours = path.is_file() and not path.is_symlink() and path.stat().st_size == 0
    if os.path.lexists(path) and not ours:
        raise FileExistsError(f"{path} is there, and is no lock of this command: move it")
    path.touch()  # what is in the way of it is said by the system
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
