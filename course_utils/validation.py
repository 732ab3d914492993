"""The questions that public functions ask of their input, each answered by a `ValueError` that names the argument.

No mathematics here: a function that computes calls these first, and then computes.
"""

import torch
from torch import Tensor


def require_int(name: str, value: object, low: int, high: int | None = None) -> int:
    """A whole number between `low` and `high` (both included); anything else is refused."""
    bounds = f"a whole number from {low} to {high}" if high is not None else f"a whole number of at least {low}"
    if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
        raise ValueError(f"{name} must be {bounds}, got {value!r}")
    return value


def require_floats(name: str, x: object, like: Tensor | None = None) -> Tensor:
    """A floating-point tensor of at least one dimension without NaN or infinity, of the shape of `like` if given."""
    if not isinstance(x, Tensor):
        raise ValueError(f"{name} must be a torch tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise ValueError(f"{name} must be floating point, got {x.dtype}")
    if x.ndim == 0 or x.numel() == 0:
        raise ValueError(f"{name} must be a batch with at least one element, got shape {tuple(x.shape)}")
    if like is not None and x.shape != like.shape:
        raise ValueError(f"{name} must have shape {tuple(like.shape)}, got {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError(f"{name} must be finite, but holds NaN or infinity")
    return x


def require_images(name: str, x: object) -> Tensor:
    """A batch of images: finite floats of shape (B, C, H, W), with C = 1 (grey) or 3 (RGB)."""
    images = require_floats(name, x)
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"{name} must have shape (B, 3, H, W) or (B, 1, H, W), got {tuple(images.shape)}")
    return images


def require_times(name: str, t: object, T: int, x: Tensor) -> Tensor:
    """One time for the whole batch `x`, or one for each image of it, in 1…T; returned as integers of shape (B,)."""
    if isinstance(t, int) and not isinstance(t, bool):
        t = torch.full((len(x),), t, device=x.device)
    if not isinstance(t, Tensor) or t.dtype not in (torch.int64, torch.int32, torch.int16, torch.uint8):
        raise ValueError(f"{name} must be an int or an integer tensor, got {getattr(t, 'dtype', type(t).__name__)}")
    if t.shape != (len(x),):
        raise ValueError(f"{name} must hold one time for each of {len(x)} images, got shape {tuple(t.shape)}")
    if t.min() < 1 or t.max() > T:
        raise ValueError(f"{name} must lie in 1…{T} (0 is the clean image), got {t.min().item()}…{t.max().item()}")
    return t.to(x.device, torch.int64)
