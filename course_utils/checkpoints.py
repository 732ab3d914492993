"""Models on disk: half-precision weights as safetensors, with the schedule and the arguments that they belong to.

Weights without their schedule are silent garbage, so one file holds both. Nothing is ever unpickled. No training here;
and but for `load_pretrained` no particular network: the class is handed in.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from .datasets import shipped
from .schedules import NoiseSchedule
from .unet import ContextUnet
from .wrappers import FromV, FromX0

PREDICTS = {"x0": FromX0, "v": FromV}
"""What else than the noise a network can put out, and what makes a model of it."""

_BETA = "schedule.beta"


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
        schedule: the schedule that it was trained with.
        about: anything else that a reader should know, in words.

    The same model and words give the same bytes. Raises ValueError if a weight is not finite in half precision, and
    FileNotFoundError if there is no such folder.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"path must end in .safetensors, got {path}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"no such folder: {path.parent}")
    predicts = next((name for name, adapter in PREDICTS.items() if isinstance(model, adapter)), "eps")
    network = model if predicts == "eps" else model.network
    tensors = {name: tensor.detach().cpu().half().contiguous() for name, tensor in network.state_dict().items()}
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"model must have finite weights in half precision, but {name} has not")
    described = {"arguments": json.dumps(network.arguments), "predicts": predicts}
    for name in described.keys() & (about or {}):
        raise ValueError(f"about must not hold {name!r}, which save_model writes itself")
    file = safetensors.torch.save({**tensors, _BETA: schedule.beta[1:].contiguous()}, {**described, **(about or {})})
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(_in_order(file))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def load_model(path: str | os.PathLike[str], network: Callable[..., nn.Module]) -> tuple[nn.Module, NoiseSchedule]:
    """Read a model that `save_model` wrote, and its schedule.

    Args:
        path: the file.
        network: the class of the network in it, such as `ContextUnet`.

    Returns `model(x, t, c) -> eps`, float32, in eval mode, on the CPU, without gradients, and the schedule. Raises
    FileNotFoundError if there is no such file, and ValueError if it is damaged or holds another network.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    try:
        with safe_open(path, framework="pt") as file:
            described = file.metadata() or {}
            tensors = {name: file.get_tensor(name).float() for name in file.keys() if name != _BETA}  # noqa: SIM118
            schedule = NoiseSchedule(file.get_tensor(_BETA))
        loaded = network(**json.loads(described["arguments"]))
        loaded.load_state_dict(tensors)
        adapter = None if described["predicts"] == "eps" else PREDICTS[described["predicts"]]
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"cannot read {path}, which is damaged or holds another network: {error}") from error
    model = loaded if adapter is None else adapter(loaded, schedule)
    return model.eval().requires_grad_(False), schedule


def load_pretrained(name: str = "sprites") -> tuple[nn.Module, NoiseSchedule]:
    """A model that comes with the course, and the schedule it was trained with.

    `name` is that of a file in `weights/`, without its ending; the card beside it says how it was made. Returns and
    raises what `load_model` does.
    """
    return load_model(shipped(f"weights/{name}.safetensors"), ContextUnet)


def _in_order(file: bytes) -> bytes:
    """The same file with its metadata in alphabetical order; the library writes them in a random one."""
    start = 8 + int.from_bytes(file[:8], "little")
    header = json.loads(file[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # so that the numbers behind it stay aligned
    return len(text).to_bytes(8, "little") + text + file[start:]
