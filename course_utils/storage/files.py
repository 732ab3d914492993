"""Files on disk: written whole or not at all, and known by their sha256. What stands in them is decided elsewhere."""

import hashlib
import os
import secrets
import sys
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that at any moment, even if the power fails, it is the whole new one or what was there before."""
    part = path.with_name(f"{secrets.token_hex(8)}.part")  # a name that nobody's file has
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # what is in the file reaches the disk before its name does
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """The checksum of a file, as cards quote it; that of a table is the same however git ends its lines."""
    data = path.read_bytes()
    return hashlib.sha256(data.replace(b"\r\n", b"\n") if path.suffix == ".csv" else data).hexdigest()


def any_console() -> None:
    """Let standard output and standard error replace what they cannot encode.

    So no command dies while it tells its result. Streams that cannot be reconfigured, as in Jupyter, are left alone.
    """
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="backslashreplace")
