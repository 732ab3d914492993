"""Checkpoints: half-precision weights as safetensors, with the schedule and the arguments that they belong to.

Weights without their schedule are silent garbage, so one file holds both. Nothing is ever unpickled. No training here;
and but for `load_pretrained` no particular network: the class is handed in.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import safetensors.torch
import torch
from safetensors import safe_open
from torch import Tensor, nn

from ..diffusion.models import FromV, FromX0
from ..diffusion.schedules import NoiseSchedule
from ..networks.unet import ContextUnet
from .files import write_whole
from .shipped import shipped_by_name

Network = TypeVar("Network", bound=nn.Module)


PREDICTS = {"x0": FromX0, "v": FromV}
"""What else than the noise a network can put out, and what makes a model of it."""


_BETA, _SUM, _NO_SUM = "schedule.beta", "sha256", "0" * 64


def save_model(
    path: str | os.PathLike[str],
    model: nn.Module,
    schedule: NoiseSchedule,
    about: Mapping[str, str] | None = None,
) -> None:
    """Write a model and its schedule to one file; an older file is replaced only when the new one is complete.

    Args:
        path: ends in .safetensors.
        model: a network with a dictionary `arguments` that its class can be called with, such as `ContextUnet`; alone,
            or in `FromV` or `FromX0`.
        schedule: the schedule that it was trained with; that of `FromV` or `FromX0`.
        about: anything else that a reader should know, in words.

    The same model and words give the same bytes. The file holds a checksum of itself. Raises ValueError if a weight is
    not finite in half precision, and FileNotFoundError if there is no such folder.
    """
    predicts, network = "eps", model
    if isinstance(model, FromX0 | FromV):
        predicts, network = next(name for name, kind in PREDICTS.items() if isinstance(model, kind)), model.network
        if not torch.equal(model.schedule.beta, schedule.beta):
            raise ValueError(f"schedule must be that of the model, whose {type(model).__name__} computes with another")
    for name in {"arguments", "predicts", _SUM} & (about or {}).keys():
        raise ValueError(f"about must not hold {name!r}, which save_model writes itself")
    write_network(path, network, {_BETA: schedule.beta[1:].contiguous()}, {"predicts": predicts, **(about or {})})


def load_model(path: str | os.PathLike[str], network: Callable[..., nn.Module]) -> tuple[nn.Module, NoiseSchedule]:
    """Read a model that `save_model` wrote, and its schedule.

    Args:
        path: the file.
        network: the class of the network in it, such as `ContextUnet`.

    Returns `model(x, t, c) -> eps`, float32, in eval mode, on the CPU, without gradients, and the schedule. Raises
    FileNotFoundError if there is no such file, and ValueError if it is damaged or holds another network.
    """
    loaded, others, words = read_network(path, network)
    try:
        schedule = NoiseSchedule(others.pop(_BETA))
        if others:
            raise ValueError(f"the network has no {', '.join(sorted(others))}")
        model = loaded if words["predicts"] == "eps" else PREDICTS[words["predicts"]](loaded, schedule)
    except (KeyError, ValueError) as error:
        raise _unreadable(path, error) from error
    return model.eval(), schedule


def load_pretrained(name: str = "sprites") -> tuple[nn.Module, NoiseSchedule]:
    """A model that comes with the course, and the schedule it was trained with.

    `name` is that of a file in `weights/`, without its ending; the card beside it says how it was made, and which bytes
    it has. Returns and raises what `load_model` does.
    """
    return load_model(shipped_by_name("name", name, "weights", ".safetensors"), ContextUnet)


def write_network(
    path: str | os.PathLike[str], network: nn.Module, others: Mapping[str, Tensor], words: Mapping[str, str]
) -> None:
    """Write a network's weights in half precision, its `arguments`, and other tensors and words as they are.

    Raises what `save_model` does.
    """
    path = require_weights_file("path", Path(path))
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    tensors = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"model must have finite weights in half precision, but {name} has not")
    words = {"arguments": json.dumps(network.arguments), **words, _SUM: _NO_SUM}
    file = _in_order(safetensors.torch.save({**tensors, **others}, words))
    write_whole(path, _with_sum(file, _NO_SUM, hashlib.sha256(file).hexdigest()))


def require_weights_file(name: str, path: Path) -> Path:
    """A file that weights may be written to, asked before there are any.

    Raises ValueError for another ending, FileNotFoundError if there is no such folder, and IsADirectoryError.
    """
    if path.suffix != ".safetensors":
        raise ValueError(f"{name} must end in .safetensors, got {path}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"no such folder: {path.parent}")
    if path.is_dir():
        raise IsADirectoryError(f"{name} must be a file, and {path} is a folder")
    return path


def read_network(
    path: str | os.PathLike[str], network: Callable[..., Network]
) -> tuple[Network, dict[str, Tensor], dict[str, str]]:
    """Read what `write_network` wrote: the network, float32 and in eval mode, the other tensors, and the words.

    Raises what `load_model` does.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file at this path: {path}")
    file_bytes = path.read_bytes()
    try:
        with safe_open(path, framework="pt") as file:
            words = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        checksum = words.pop(_SUM, None)  # the oldest files have none
        if checksum is not None and checksum != hashlib.sha256(_with_sum(file_bytes, checksum, _NO_SUM)).hexdigest():
            raise ValueError("its checksum is that of other bytes")
        loaded = network(**json.loads(words["arguments"]))
        weights = {name: tensors.pop(name) for name in loaded.state_dict()}
        for name, own in loaded.state_dict().items():
            if weights[name].is_floating_point() != own.is_floating_point() or not weights[name].isfinite().all():
                raise ValueError(f"{name} must hold finite numbers that are as whole as {own.dtype}")
        loaded.load_state_dict(weights)
    except Exception as error:  # a damaged file can raise almost anything
        raise _unreadable(path, error) from error
    return loaded.eval().requires_grad_(False), tensors, words


def _unreadable(path: str | os.PathLike[str], error: Exception) -> ValueError:
    return ValueError(f"cannot read {path}, which is damaged or holds another network: {' '.join(str(error).split())}")


def _with_sum(file: bytes, old: str, new: str) -> bytes:
    """The same file with another checksum among its words; a checksum is that of the file with zeros in its place."""
    return file.replace(f'"{_SUM}":"{old}"'.encode(), f'"{_SUM}":"{new}"'.encode(), 1)


def _in_order(file: bytes) -> bytes:
    """The same file with its metadata in alphabetical order; the library writes them in a random one."""
    start = 8 + int.from_bytes(file[:8], "little")
    header = json.loads(file[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # so that the numbers behind it stay aligned
    return len(text).to_bytes(8, "little") + text + file[start:]
