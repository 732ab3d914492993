"""The questions that public functions ask of their input, each answered by a `ValueError` that names the argument.

No mathematics here: a function that computes calls these first, and then computes.
"""

import math
import operator
from collections.abc import Sequence

import torch
from torch import Tensor


def require_int(name: str, value: object, low: int, high: int | None = None) -> int:
    """A whole number between `low` and `high` (both included); anything else is refused."""
    bounds = f"a whole number from {low} to {high}" if high is not None else f"a whole number of at least {low}"
    try:
        number = None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:  # no number, or one with a fraction, or several
        number = None
    if number is None or number < low or (high is not None and number > high):
        raise ValueError(f"{name} must be {bounds}, got {value!r}")
    return number


def require_number(
    name: str, value: object, low: float = -math.inf, high: float = math.inf, open_interval: bool = False
) -> float:
    """A finite number between `low` and `high`, which are included unless the interval is open; all else is refused."""
    try:
        number = math.nan if isinstance(value, bool | str | bytes) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError):  # no number, or several
        number = math.nan
    inside = low < number < high if open_interval else low <= number <= high
    if not (inside and math.isfinite(number)):
        left = "(" if open_interval or low == -math.inf else "["
        right = ")" if open_interval or high == math.inf else "]"
        interval = f"{left}{low:g}, {high:g}{right}".replace("inf", "∞")
        raise ValueError(f"{name} must be a number in {interval}, got {value!r}")
    return number


def require_shape(name: str, shape: Sequence[int]) -> tuple[int, ...]:
    """One or more whole numbers of at least 1."""
    if not isinstance(shape, Sequence) or len(shape) == 0:
        raise ValueError(f"{name} must be one or more whole numbers, got {shape!r}")
    return tuple(require_int(f"each side of {name}", side, 1) for side in shape)


def require_floats(name: str, x: object, like: Tensor | None = None, along: Tensor | None = None) -> Tensor:
    """A floating-point tensor of at least one dimension without NaN or infinity.

    Shape, dtype and device are those of `like`, if it is given; dtype and device are those of `along`.
    """
    if not isinstance(x, Tensor):
        raise ValueError(f"{name} must be a torch tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise ValueError(f"{name} must be floating point, got {x.dtype}")
    if x.ndim == 0 or x.numel() == 0:
        raise ValueError(f"{name} must be a batch with at least one element, got shape {tuple(x.shape)}")
    if like is not None and x.shape != like.shape:
        raise ValueError(f"{name} must have shape {tuple(like.shape)}, got {tuple(x.shape)}")
    kin = along if like is None else like
    if kin is not None and (x.dtype, x.device) != (kin.dtype, kin.device):
        raise ValueError(f"{name} must be {kin.dtype} on {kin.device}, got {x.dtype} on {x.device}")
    if not all(map(math.isfinite, x.detach().aminmax())):  # NaN and infinity reach one of the two; fast
        raise ValueError(f"{name} must be finite, but holds NaN or infinity")
    return x


def require_images(name: str, x: object) -> Tensor:
    """A batch of images: finite floats of shape (B, C, H, W), with C = 1 (grey) or 3 (RGB)."""
    images = require_floats(name, x)
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"{name} must have shape (B, 3, H, W) or (B, 1, H, W), got {tuple(images.shape)}")
    return images


def require_table(name: str, table: object, T: int) -> Tensor:
    """A number for each time 0…T: a floating-point tensor of shape (T + 1,); infinity may be among them, NaN not."""
    if not isinstance(table, Tensor) or not table.is_floating_point() or table.shape != (T + 1,):
        got = f"{table.dtype} {tuple(table.shape)}" if isinstance(table, Tensor) else type(table).__name__
        raise ValueError(f"{name} must be a floating-point table of T + 1 = {T + 1} numbers, got {got}")
    if table.isnan().any():
        raise ValueError(f"{name} must be a table of numbers, but holds NaN")
    return table


def require_times(name: str, t: object, low: int, T: int, x: Tensor) -> Tensor:
    """One time for the whole batch `x`, or one for each image of it, in low…T; returned as integers of shape (B,)."""
    times = t if isinstance(t, Tensor) else torch.tensor(require_int(name, t, low, T))
    if times.is_floating_point() or times.is_complex() or times.dtype == torch.bool:
        raise ValueError(f"{name} must be an int or an integer tensor, got {times.dtype}")
    if times.shape not in ((), (len(x),)):
        raise ValueError(f"{name} must hold one time for each of {len(x)} images, got shape {tuple(times.shape)}")
    if times.min() < low or times.max() > T:
        raise ValueError(f"{name} must lie in {low}…{T}, got {times.min().item()}…{times.max().item()}")
    return times.to(x.device, torch.int64).expand(len(x))
