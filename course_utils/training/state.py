"""The state of a run on disk, from which a stopped run goes on: written whole, read only if it is of the same run."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..storage.ownership import write_own
from .recipes import Recipe


def fingerprint(recipe: Recipe, *data: Tensor, **more: Any) -> dict[str, Any]:
    """All that decides what a run becomes, as words and numbers; of the data it is the sha256."""

    def plain(value: Any) -> Any:
        if isinstance(value, partial):
            return [plain(value.func), plain(tuple(value.keywords.items()))]
        if isinstance(value, tuple):
            return [plain(part) for part in value]
        if isinstance(value, Mapping):
            return dict(value)
        return value.__name__.removesuffix("_schedule") if callable(value) else value

    digest = hashlib.sha256()
    for tensor in data:
        digest.update(str(tuple(tensor.shape)).encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return {name: plain(value) for name, value in recipe._asdict().items()} | more | {"data": digest.hexdigest()}


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """Keep a state: tensors, numbers and words, in dictionaries and lists; "written_by" is the mark of its run."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_own(path, buffer.getvalue(), state["written_by"])


def read_state(path: Path, expected: Mapping[str, Any]) -> dict[str, Any]:
    """What `write_state` wrote, if its "recipe" is the fingerprint that is expected.

    Raises FileNotFoundError if there is no such file, and ValueError if it is damaged, or of another run.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no {path}, so there is nothing to go on with: leave out --resume to start anew")
    try:
        with zipfile.ZipFile(path) as archive:  # which is what torch.save writes, and what has checksums
            if damaged := archive.testzip():
                raise ValueError(f"{damaged} is not what was written")
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if state.keys() != {"written_by", "recipe", "losses", "seconds", "training", "kept"}:
            raise ValueError("it is not the state of a run")
        found = dict(state["recipe"])
    except Exception as error:  # a damaged archive can raise almost anything
        raise ValueError(
            f"cannot read {path}, which is damaged or is no state of a run: move it away to start anew"
        ) from error
    for name, value in expected.items():
        if found.get(name) != value:
            difference = "other sprites" if name == "data" else f"{name} {found.get(name)}, not {value}"
            raise ValueError(f"{path} is of a run with {difference}: ask for the same, or delete it to start anew")
    return state
