"""Classifier-free guidance by one context or several: models made from a model, so that no sampler learns of it."""

from collections.abc import Sequence
from functools import reduce
from math import fsum

import torch
from torch import Tensor

from ..validation import require_contexts, require_number, require_scales
from .models import Model


def guided(model: Model, guidance_scale: float) -> Model:
    """Classifier-free guidance: ε_u + w (ε_c − ε_u), with ε_u the answer without context (arXiv:2207.12598).

    Args:
        model: one that was trained with and without context.
        guidance_scale: w; 0 ignores the context, 1 leaves the model as it is, more than 1 amplifies. (The paper calls
            w − 1 its w.)

    Returns a model whose c has shape (B, n_context); None is no context, as ever. It calls `model` once, with a batch
    of 2B, and of B where w is 0 or 1 and one of the two answers would be multiplied by zero. Raises ValueError for a
    scale that is not finite, and in the call for another shape of c.
    """
    w = require_number("guidance_scale", guidance_scale)

    def answer(x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        if c is None or w == 1:
            return model(x, t, c)
        no_context = torch.zeros_like(require_contexts(c, x))
        if w == 0:
            return model(x, t, no_context)
        eps_u, eps_c = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([no_context, c])).chunk(2)
        return eps_u + w * (eps_c - eps_u)  # equation (1) of notebook 05

    return answer


def composed(model: Model, scales: Sequence[float]) -> Model:
    """Several wishes at once: ε_u + Σ_k w_k (ε_k − ε_u), the conjunction of Liu et al. 2022 (arXiv:2206.01714).

    Args:
        model: one that was trained with and without context.
        scales: w_1 … w_K, one for each context; a negative one leads away from it.

    Returns a model whose c has shape (B, K, n_context); None is no context, as ever. It calls `model` once, with a
    batch of (K + 1) B, less what would be multiplied by zero. Raises ValueError for scales that are not finite, and in
    the call for another shape of c.
    """
    scales = require_scales(scales)

    def answer(x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        if c is None:
            return model(x, t, None)
        wishes = require_contexts(c, x, len(scales)).unbind(1)
        weights = [1 - fsum(scales), *scales]  # equation (4) of notebook 05, sorted by what the model answers
        contexts = [torch.zeros_like(wishes[0]), *wishes]
        asked = [(w, c_k) for w, c_k in zip(weights, contexts, strict=True) if w != 0]
        n = len(asked)
        eps = model(torch.cat([x] * n), torch.cat([t] * n), torch.cat([c_k for _, c_k in asked])).chunk(n)
        return reduce(torch.add, [w * eps_k for (w, _), eps_k in zip(asked, eps, strict=True)])

    return answer
