"""The checks of notebook 05: contexts that are left out, an answer that is amplified, and several answers at once.

Right answers and classic mistakes only; how a verdict is reached from them stands in `verdict.py`, and what the rest of
the course uses in `training.py` and `wrappers.py` of the package.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from ..diffusion.models import Model
from .old_verdict import Case, Diagnosis, Mistake, amounts_of, check, compare_amounts, is_blank


def check_drop_context(drop_context: Callable[[Tensor, float, torch.Generator], Tensor]) -> None:
    """Check `drop_context(c, share, generator)`: a random `share` of the rows of c, shape (B, n_context), become zeros.

    However the rows are drawn: 80 small batches show how many fall, whether they fall one by one, and what is left.
    """
    share, c = 0.25, 0.5 + torch.rand((50, 7), generator=torch.Generator().manual_seed(0))  # no number is zero

    def attempt(c: Tensor, share: float) -> Any:
        whole, answers = c.clone(), []
        for seed in (0, *range(80)):
            answers.append(_ask(drop_context, c, share, torch.Generator().manual_seed(seed)))
            if not (_alike(answers[-1], whole) and torch.equal(c, whole)):
                return answers[-1]  # which `check` describes
        again, *answers = answers
        source = "draw from the generator that is handed in: torch.rand(…, generator=generator)"
        if not torch.equal(again, answers[0]):
            raise Mistake(f"two calls with the same generator differ: {source}.")
        if share in (0, 1):
            return again
        if 0 < again.count_nonzero() < again.numel() and all(torch.equal(again, answer) for answer in answers):
            raise Mistake(f"every generator drops the same: {source}.")
        _look_at_rows(torch.stack(answers), whole, share)
        return whole

    def case(share: float, truth: Tensor, mistake: str) -> Case:
        return Case((c, share), truth, {}, (lambda _: mistake,), f"with share = {share:g}, ")

    check(
        "drop_context",
        attempt,
        Case((c, share), c, {}),
        case(0.0, c, "something is lost: every context stays as it is."),
        case(1.0, 0 * c, "something is left: every context is dropped, and becomes zeros."),
    )


def check_guided(guided: Callable[[Model, float], Model]) -> None:
    """Check `guided(model, guidance_scale)`: it returns a model that answers ε_u + w (ε_c − ε_u)."""
    check("guided", _calling(guided), *map(_guided_by, (3.0, 0.5, 1.0, 0.0)))


def check_composed(
    composed: Callable[[Model, Tensor, Tensor, list[Tensor], list[float]], Tensor],
) -> None:
    """Check `composed(model, x, t, contexts, scales)`: ε_u + Σ_k w_k (ε_k − ε_u), with a scale for each context."""

    def attempt(x: Tensor, t: Tensor, contexts: Tensor, scales: tuple[float, ...]) -> Any:
        return composed(_strict_model, x, t, list(contexts), list(scales))

    check("composed", attempt, *map(_composed_of, ((2.0, 3.0), (2.0, 0.5, -1.0), (3.0,))))


def _guided_by(w: float) -> Case:
    x, t, (c, _, _) = _batch()
    without, given = _strict_model(x, t), _strict_model(x, t, c)
    difference = given - without
    truth = without + w * difference
    mistakes = {
        "this is ε_c, whatever w is. Is the model asked a second time, with zeros, torch.zeros_like(c), in place of "
        "c?": given,
        "this is ε_u, whatever w is. Is the model asked a second time, with c?": without,
        "this is ε_c + w (ε_c − ε_u), the other convention, whose w is ours minus 1. Begin at ε_u.": (
            given + w * difference
        ),
        "ε_u and ε_c have changed places: w = 0 ignores the context, and w = 1 gives ε_c.": given - w * difference,
        "ε_c is added as it is. Add w times the difference ε_c − ε_u, which is what the context changes.": (
            without + w * given
        ),
        "the guidance points away from the context: the difference is ε_c − ε_u.": without - w * difference,
        "ε_u is missing: w (ε_c − ε_u) is only what is added to it.": w * difference,
        "this is w ε_c. With brackets, ε_u + w (ε_c − ε_u), something of ε_u is left.": w * given,
        "ε_c − ε_u is added to w ε_u: w belongs to the difference.": w * without + difference,
        "w is multiplied into the context. Amplify the answers instead: ask with c and with zeros.": (
            _strict_model(x, t, w * c)
        ),
    }
    amounts = compare_amounts(truth, {"ε_u": without, "ε_c": given})
    return Case((x, t, c, w), truth, mistakes, (amounts,), f"with w = {w:g}, ")


def _composed_of(scales: tuple[float, ...]) -> Case:
    x, t, contexts = _batch()
    contexts, K, total = contexts[: len(scales)], len(scales), sum(scales)
    without, answers = _strict_model(x, t), [_strict_model(x, t, c) for c in contexts]
    differences = [answer - without for answer in answers]
    added = _weighted(scales, differences)
    truth = without + added
    one_by_one = without
    for w, answer in zip(scales, answers, strict=True):
        one_by_one = one_by_one + w * (answer - one_by_one)
    mistakes = {
        "ε_u is counted once for every context: add the guided answers' differences, and ε_u only once.": (
            K * without + added
        ),
        "this is the mean of the guided answers, so every scale is divided by their number: add up the differences.": (
            without + added / K
        ),
        "the scales are divided by their sum. They need not add up to 1: take them as they are.": (
            without + added / total
        ),
        "only the last context counts: add every difference to the same sum.": without + scales[-1] * differences[-1],
        "only the first context counts: add up the differences, and `return` behind the loop.": (
            without + scales[0] * differences[0]
        ),
        "every context takes the first scale: walk over both lists with zip(contexts, scales).": (
            without + scales[0] * sum(differences)
        ),
        "the scales are multiplied: each belongs to its own difference.": without + _product(scales) * sum(differences),
        "the scales do nothing: multiply each difference by its own.": without + sum(differences),
        "ε_u is missing: Σ w_k (ε_k − ε_u) is only what is added to it.": added,
        "the answers are added up with their scales, and ε_u is never taken from them.": _weighted(scales, answers),
        "every ε_k is added as it is. Add w_k times the difference ε_k − ε_u.": without + _weighted(scales, answers),
        "the guidance points away from the contexts: the differences are ε_k − ε_u.": without - added,
        "each difference is taken from the sum so far, so later contexts undo earlier ones. It is ε_k − ε_u for all: "
        "keep ε_u under a name of its own.": one_by_one,
    }
    parts = {"ε_u": without, **{f"ε_{k}": answer for k, answer in enumerate(answers, start=1)}}
    diagnoses = (_mixed_contexts(x, t, contexts, scales), compare_amounts(truth, parts))
    return Case((x, t, contexts, scales), truth, mistakes, diagnoses, f"with scales {[*scales]}, ")


def _mixed_contexts(x: Tensor, t: Tensor, contexts: Tensor, scales: tuple[float, ...]) -> Diagnosis:
    """Say that the model was asked about a mixture of the contexts, however it was guided there."""
    summed, weighted = contexts.sum(0), _weighted(scales, contexts)
    mixtures = (summed / len(contexts), summed, weighted / sum(scales), weighted)

    def diagnosis(got: Tensor) -> str | None:
        without = _strict_model(x, t)
        if any(amounts_of(got - without, _strict_model(x, t, mixture) - without) for mixture in mixtures):
            return "the contexts are mixed before the model is asked. Ask about each by itself, and mix the answers."
        return None

    return diagnosis if len(contexts) > 1 else lambda _: None


def _batch() -> tuple[Tensor, Tensor, Tensor]:
    """Six noisy images, their times, and three contexts for each; no two sides of anything agree."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn((6, 3, 5, 4), generator=generator)
    return x, torch.tensor([1, 2, 20, 50, 80, 99]), torch.randn((3, 6, 7), generator=generator)


def _strict_model(x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
    """A model in which no answer follows from others, and which is as strict about shapes as the network is."""
    if not isinstance(t, Tensor) or t.shape != x.shape[:1]:
        raise ValueError(f"the model wants one time for each image, shape ({len(x)},), got {_shape(t)}")
    c = torch.zeros(len(x), 7) if c is None else c
    if not isinstance(c, Tensor) or c.shape != (len(x), 7):
        raise ValueError(f"the model wants one context for each image, shape ({len(x)}, 7), or None, got {_shape(c)}")
    wishes = (c @ torch.linspace(0, 40, 7 * 60).view(7, 60).cos()).view(-1, 3, 5, 4)
    return (x + wishes).sin() * (1 + t.view(-1, 1, 1, 1) / 100)


def _shape(value: Any) -> str:
    return str(tuple(value.shape)) if isinstance(value, Tensor) else repr(value)


def _calling(guided: Callable[[Model, float], Model]) -> Callable[[Tensor, Tensor, Tensor, float], Any]:
    """The student's wrapper, around our model and called."""

    def attempt(x: Tensor, t: Tensor, c: Tensor, w: float) -> Any:
        answer = guided(_strict_model, w)
        if is_blank(answer):
            return None
        if not callable(answer):
            raise Mistake(
                f"it returns a {type(answer).__name__}, expected a model: write `def answer(x, t, c): …` inside, and "
                "return answer."
            )
        return answer(x, t, c)

    return attempt


def _weighted(scales: Sequence[float], parts: Sequence[Tensor] | Tensor) -> Tensor:
    return reduce(torch.add, (w * part for w, part in zip(scales, parts, strict=True)), torch.zeros(()))


def _product(scales: Sequence[float]) -> float:
    return torch.tensor(scales).prod().item()


def _ask(drop_context: Callable[..., Any], c: Tensor, *arguments: Any) -> Any:
    """Call the student's function, and say how a mask is shaped when its shape does not fit."""
    try:
        return drop_context(c, *arguments)
    except RuntimeError as error:
        if "size of tensor" in str(error):
            raise Mistake("one number for each row needs the shape (B, 1) to multiply c: see mask[:, None].") from error
        raise


def _alike(got: Any, c: Tensor) -> bool:
    """Whether an answer has the form of c; one that has only lost rows is called by its name."""
    if not isinstance(got, Tensor) or (got.dtype, got.layout, got.device) != (c.dtype, c.layout, c.device):
        return False
    if got.ndim == c.ndim and len(got) < len(c) and got.shape[1:] == c.shape[1:]:
        raise Mistake(f"rows are taken out: of {len(c)} contexts {len(got)} are left. Put zeros in their place.")
    return got.shape == c.shape and bool(got.isfinite().all())


def _look_at_rows(answers: Tensor, c: Tensor, share: float) -> None:
    """Say what is wrong with many answers, shape (many, B, n_context)."""
    zero = answers == 0
    dropped = zero.all(2)
    count = dropped.sum(1)
    if (zero.any(2) & ~dropped).any():
        raise Mistake("single numbers are dropped. A context falls as a whole: draw one number for each row, (B, 1).")
    kept = c * ~dropped[:, :, None]
    if not dropped.all() and torch.allclose(answers, kept / (1 - share)):
        raise Mistake("what is kept is divided by 1 − share, as in nn.Dropout. A kept context stays as it is.")
    if not torch.allclose(answers, kept):
        raise Mistake("some rows are neither zeros nor the context that was handed in.")
    if ((count == 0) | (count == len(c))).all() and len(count.unique()) == 2:
        raise Mistake("all contexts of a batch are dropped together, or none: draw one number for each row, (B, 1).")
    found = dropped.float().mean().item()
    if abs(found - (1 - share)) < 0.04:
        raise Mistake("it keeps `share` of the contexts and drops the rest: the mask has its two sides changed.")
    if abs(found - share) > 0.04:
        raise Mistake(f"it drops {found:.0%} of the contexts where share asks for {share:.0%}.")
    if len(count.unique()) == 1:
        raise Mistake("every batch loses the same number of contexts. Let chance decide for each row by itself.")
