"""Checkpoints: half-precision weights as safetensors, with all that they are of no use without.

That is the schedule, the network's name and arguments, the names of the classes and the shape of a picture. Nothing is
ever unpickled. No training here.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import safetensors.torch
import torch
from torch import Tensor, nn

from ..diffusion.models import FromV, FromX0, TrainedModel
from ..diffusion.schedules import NoiseSchedule
from ..networks.classic import ClassicUnet
from ..networks.unet import ContextUnet
from ..networks.variance import UnetWithVariance
from .files import write_whole
from .ownership import require_folder
from .shipped import shipped_by_name

Network = TypeVar("Network", bound=nn.Module)

NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "ContextUnet": ContextUnet,
    "UnetWithVariance": UnetWithVariance,
    "ClassicUnet": ClassicUnet,
}
"""Networks that a file only has to name."""

PREDICTS = {"x0": FromX0, "v": FromV}
"""What else than the noise a network can put out, and what makes a model of it."""

_BETA, _SUM, _NO_SUM = "schedule.beta", "sha256", "0" * 64


def save_model(
    path: str | os.PathLike[str],
    model: nn.Module,
    schedule: NoiseSchedule,
    about: Mapping[str, str] | None = None,
    *,
    classes: Sequence[str] = (),
    shape: Sequence[int] | None = None,
) -> None:
    """Write a model and its schedule to one file; an older file is replaced only when the new one is complete.

    Args:
        path: ends in .safetensors.
        model: a network with a dictionary `arguments` that its class can be called with, such as `ContextUnet`; alone,
            in `FromV` or `FromX0`, as `load_model` gave it, compiled, or shared out by `DataParallel`.
        schedule: the schedule that it was trained with; that of `FromV` or `FromX0`.
        about: anything else that a reader should know, in words.
        classes: a name for each context; those that the model knows already need not be said again.
        shape: of one picture, (C, H, W); likewise.

    The same model and words give the same bytes. The file holds a checksum of itself. Raises ValueError if a weight is
    not finite in half precision, or if `load_model` could not read the file, and FileNotFoundError if there is no such
    folder.
    """
    model = _bare(model)
    if isinstance(model, TrainedModel):
        classes, shape, model = classes or model.classes, shape or model.shape, _bare(model.model)
    known = TrainedModel(model, classes, shape)
    predicts = next((name for name, kind in PREDICTS.items() if isinstance(model, kind)), "eps")
    if isinstance(model, FromX0 | FromV) and not torch.equal(model.schedule.beta, schedule.beta):
        raise ValueError(f"schedule must be that of the model, whose {type(model).__name__} computes with another")
    words = {"predicts": predicts, "classes": json.dumps(known.classes), "shape": json.dumps(known.shape)}
    for name in {"arguments", "network", _SUM, *words} & (about or {}).keys():
        raise ValueError(f"about must not hold {name!r}, which save_model writes itself")
    network = _bare(known.network)
    if known.classes and len(known.classes) != (n_context := _arguments(network).get("n_context")):
        raise ValueError(f"classes must be a name for each of {n_context} contexts, got {len(known.classes)}")
    write_network(path, network, {_BETA: schedule.beta[1:].contiguous()}, words | dict(about or {}))


def load_model(
    path: str | os.PathLike[str], network: Callable[..., nn.Module] | None = None
) -> tuple[TrainedModel, NoiseSchedule]:
    """Read a model that `save_model` wrote, and its schedule.

    Args:
        path: the file.
        network: the class of the network in it, if it is none of the course's.

    Returns `model(x, t, c) -> eps`, float32, in eval mode, on the CPU, without gradients, and the schedule. The model
    knows `model.classes` and `model.shape`, and `model.context("hero")` asks for one. Raises FileNotFoundError if there
    is no such file, and ValueError if it is damaged or holds another network.
    """
    loaded, others, words = read_network(path, network)
    try:
        schedule = NoiseSchedule(others.pop(_BETA))
        if others:
            raise ValueError(f"the network has no {', '.join(sorted(others))}")
        model = loaded if words["predicts"] == "eps" else PREDICTS[words["predicts"]](loaded, schedule)
        classes, shape = (
            json.loads(words.get(name, default)) for name, default in (("classes", "[]"), ("shape", "null"))
        )
        trained = TrainedModel(model, classes, shape)
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(path, error) from error
    return trained.eval(), schedule


def load_pretrained(name: str = "sprites") -> tuple[TrainedModel, NoiseSchedule]:
    """A model that comes with the course, and the schedule it was trained with.

    `name` is that of a file in `weights/`, without its ending; the card beside it says how it was made, and which bytes
    it has. Returns and raises what `load_model` does.
    """
    return load_model(shipped_by_name("name", name, "weights", ".safetensors"))


def write_network(
    path: str | os.PathLike[str], network: nn.Module, others: Mapping[str, Tensor], words: Mapping[str, str]
) -> None:
    """Write a network's weights in half precision, its `arguments`, and other tensors and words as they are.

    Raises what `save_model` does.
    """
    path, arguments = require_weights_file("path", Path(path)), _arguments(network)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    tensors = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    with torch.device("meta"):  # where it costs nothing, no random numbers either
        fresh = type(network)(**arguments).state_dict()
    for name in fresh.keys() ^ tensors.keys() or [n for n in fresh if fresh[n].shape != tensors[n].shape]:
        kind = f"{type(network).__name__}(**arguments)"
        raise ValueError(f"model must have the weights of {kind}, or nobody could load it, and {name} is another")
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"model must have finite weights in half precision, but {name} has not")
    words = {"network": type(network).__name__, "arguments": json.dumps(arguments), **words, _SUM: _NO_SUM}
    file = _in_order(safetensors.torch.save({**tensors, **others}, words))
    write_whole(path, _with_sum(file, _NO_SUM, hashlib.sha256(file).hexdigest()))


def require_weights_file(name: str, path: Path) -> Path:
    """A file that weights may be written to, asked before there are any.

    Raises ValueError for another ending, FileNotFoundError if there is no such folder, and IsADirectoryError.
    """
    if path.suffix != ".safetensors":
        raise ValueError(f"{name} must end in .safetensors, got {path}")
    require_folder(path.parent)
    if path.is_dir():
        raise IsADirectoryError(f"{name} must be a file, and {path} is a folder")
    return path


def read_network(
    path: str | os.PathLike[str], network: Callable[..., Network] | None
) -> tuple[Network, dict[str, Tensor], dict[str, str]]:
    """Read what `write_network` wrote: the network, float32 and in eval mode, the other tensors, and the words.

    Without its class the network is one of `NETWORKS`. Raises what `load_model` does.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file at this path: {path}")
    if path.suffix != ".safetensors":
        raise ValueError(f"{path} must be a .safetensors file with weights")
    file_bytes = path.read_bytes()
    try:
        tensors = safetensors.torch.load(file_bytes)  # which also refuses a header that is not what it should be
        words = _header(file_bytes).get("__metadata__", {})
        checksum = words.pop(_SUM, None)  # the oldest files have none
        if checksum is not None and checksum != hashlib.sha256(_with_sum(file_bytes, checksum, _NO_SUM)).hexdigest():
            raise ValueError("its checksum is that of other bytes")
        loaded = (network or _by_name(words))(**json.loads(words["arguments"]))
        weights = {name: tensors.pop(name) for name in loaded.state_dict()}
        for name, own in loaded.state_dict().items():
            if weights[name].is_floating_point() != own.is_floating_point() or not weights[name].isfinite().all():
                raise ValueError(f"{name} must hold finite numbers that are as whole as {own.dtype}")
        loaded.load_state_dict(weights)
    except Exception as error:  # a damaged file can raise almost anything
        raise _unreadable(path, error) from error
    return loaded.eval().requires_grad_(False), tensors, words


def _by_name(words: Mapping[str, str]) -> Callable[..., Any]:
    name = words.get("network", "ContextUnet")  # the oldest files do not say
    if name not in NETWORKS:
        raise ValueError(f"its network is a {name}, none of {', '.join(NETWORKS)}: load_model takes its class")
    return NETWORKS[name]


def _bare(module: nn.Module) -> nn.Module:
    """What torch.compile, DataParallel and AveragedModel wrap, if it is one of these."""
    while isinstance(inner := getattr(module, "_orig_mod", getattr(module, "module", None)), nn.Module):
        module = inner
    return module


def _arguments(network: nn.Module) -> dict[str, Any]:
    arguments = getattr(network, "arguments", None)
    if not isinstance(arguments, dict):
        kind = type(network).__name__
        raise ValueError(
            f"model must have a dictionary `arguments` that its class can be called with, and {kind} has none"
        )
    return arguments


def _unreadable(path: str | os.PathLike[str], error: Exception) -> ValueError:
    return ValueError(f"cannot read {path}, which is damaged or holds another network: {' '.join(str(error).split())}")


def _with_sum(file: bytes, old: str, new: str) -> bytes:
    """The same file with another checksum among its words; a checksum is that of the file with zeros in its place."""
    return file.replace(f'"{_SUM}":"{old}"'.encode(), f'"{_SUM}":"{new}"'.encode(), 1)


def _in_order(file: bytes) -> bytes:
    """The same file with its metadata in alphabetical order; the library writes them in a random one."""
    header, start = _header(file), 8 + int.from_bytes(file[:8], "little")
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # so that the numbers behind it stay aligned
    return len(text).to_bytes(8, "little") + text + file[start:]


def _header(file: bytes) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(file[8 : 8 + int.from_bytes(file[:8], "little")])
    return header
