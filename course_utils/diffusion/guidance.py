"""Classifier-free guidance by one context or several: models made from a model, so that no sampler learns of it."""

import math
from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor

from ..validation import require_floats, require_number
from .models import Model


def guided(model: Model, guidance_scale: float | Sequence[float]) -> Model:
    """Classifier-free guidance: ε_u + w (ε_c − ε_u), with ε_u the answer without context (arXiv:2207.12598).

    With several contexts at once each has a scale of its own: ε_u + Σ_k w_k (ε_k − ε_u) (the conjunction of Liu et al.
    2022, arXiv:2206.01714).

    Args:
        model: one that was trained with and without context.
        guidance_scale: w; 0 ignores the context, 1 leaves the model as it is, more than 1 amplifies. (The paper calls
            w − 1 its w.) Or a sequence of K of them.

    Returns a model whose c has shape (B, n_context), or (B, K, n_context) for K scales; None is no context, as ever. It
    calls `model` once, with a batch of 2B or (K + 1) B, less what would be multiplied by zero: w = 0 and w = 1 need
    only B. Raises ValueError for scales that are not finite, and in the call for another shape of c.
    """
    given = guidance_scale if isinstance(guidance_scale, Sequence) else [guidance_scale]
    single = given is not guidance_scale
    scales = [require_number("guidance_scale", w) for w in given]
    if not scales:
        raise ValueError("guidance_scale must be a finite number, or several, got none")

    def answer(x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        if c is None:
            return model(x, t, None)
        require_floats("c", c, along=require_floats("x", x))
        contexts = c[:, None] if single else c
        if contexts.ndim != 3 or contexts.shape[:2] != (len(x), len(scales)):
            wanted = f"({len(x)}, n_context)" if single else f"({len(x)}, {len(scales)}, n_context)"
            raise ValueError(f"c must have shape {wanted}, got {tuple(c.shape)}")
        weights = [1 - math.fsum(scales), *scales]  # the formula, sorted by what the model answers
        asked = torch.cat([torch.zeros_like(contexts[:, :1]), contexts], dim=1).unbind(1)
        kept = [(w, one) for w, one in zip(weights, asked, strict=True) if w != 0]
        many = len(kept)
        eps = model(torch.cat([x] * many), torch.cat([t] * many), torch.cat([one for _, one in kept]))
        return reduce(torch.add, [w * part for (w, _), part in zip(kept, eps.chunk(many), strict=True)])

    return answer
