"""The exercises of notebook 05: context dropout, guidance, to write and to mend, and several contexts at once."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from ..diffusion.guidance import guided
from ..diffusion.losses import drop_context
from ..diffusion.models import Model
from .exercise import Case, Exercise
from .verdict import Mistake, amounts_of, answered

MANY = 80
"""So many batches of 50 rows are drawn: at share = 0.25 the share found has a standard deviation of 0.007."""

TOLERANCE = 0.04
"""How far it may lie from 0.25: 5.8 standard deviations, which chance exceeds once in a hundred million."""

FROM_GENERATOR = "draw from the generator that is handed in: torch.rand(…, generator=generator)."
SWAPPED = "ε_u and ε_c have changed places: w = 0 ignores the context, and w = 1 gives ε_c."
MIXED = "the contexts are mixed before the model is asked. Ask about each by itself, and mix the answers."


def contexts_and_shares(seed: int) -> list[Case]:
    """A batch of contexts in which no number is zero, three shares, and the first of the seeds to draw with."""
    c = 0.5 + torch.rand((50, 7), generator=torch.Generator().manual_seed(seed))
    return [Case((c, share, MANY * seed), f"with share = {share:g}, ") for share in (0.25, 0.0, 1.0)]


def drop_often(function: Callable[..., Any], c: Tensor, share: float, first: int) -> Tensor:
    """Draw many times, each time from another generator. Gives `c` if all is well, or the answer that is not."""
    original, answers = c.clone(), list[Tensor]()
    for seed in (first, *range(first, first + MANY)):
        answer = answered(function(c, share, torch.Generator().manual_seed(seed)))
        if not (has_form_of(original, answer) and torch.equal(c, original)):
            return answer  # type: ignore[no-any-return]  # `Exercise` says what is wrong with it
        answers.append(answer.detach().clone())
    again, *answers = answers
    if not torch.equal(again, answers[0]):
        raise Mistake(f"two calls with the same generator differ: {FROM_GENERATOR}")
    if share == 0 and not torch.equal(torch.stack(answers), original.expand(MANY, -1, -1)):
        raise Mistake("with share = 0, something is lost: every context stays as it is.")
    if share == 1 and torch.stack(answers).any():
        raise Mistake("with share = 1, something is left: every context is dropped, and becomes zeros.")
    if 0 < share < 1:
        require_chance(torch.stack(answers), original, share)
    return original


def has_form_of(c: Tensor, answer: Any) -> bool:
    """Whether an answer has the form of c; one that has only lost rows is called by its name."""
    if not isinstance(answer, Tensor) or (answer.dtype, answer.layout, answer.device) != (c.dtype, c.layout, c.device):
        return False
    if answer.ndim == c.ndim and len(answer) < len(c) and answer.shape[1:] == c.shape[1:]:
        raise Mistake(f"rows are taken out: of {len(c)} contexts {len(answer)} are left. Put zeros in their place.")
    return answer.shape == c.shape and bool(answer.isfinite().all())


def require_chance(answers: Tensor, c: Tensor, share: float) -> None:
    """Say what is wrong with many answers, shape (many, B, n_context)."""
    zero = answers == 0
    dropped = zero.all(2)
    count, found = dropped.sum(1), dropped.float().mean().item()
    kept = c * ~dropped[:, :, None]
    if 0 < found < 1 and answers.eq(answers[0]).all():
        raise Mistake(f"every generator drops the same: {FROM_GENERATOR}")
    if (zero.any(2) & ~dropped).any():
        raise Mistake("single numbers are dropped. A context falls as a whole: draw one number for each row, (B, 1).")
    if not dropped.all() and torch.allclose(answers, kept / (1 - share)):
        raise Mistake("what is kept is divided by 1 − share, as in nn.Dropout. A kept context stays as it is.")
    if not torch.allclose(answers, kept):
        raise Mistake("some rows are neither zeros nor the context that was handed in.")
    if ((count == 0) | (count == len(c))).all() and len(count.unique()) == 2:
        raise Mistake("all contexts of a batch are dropped together, or none: draw one number for each row, (B, 1).")
    if abs(found - (1 - share)) < TOLERANCE:
        raise Mistake("it keeps `share` of the contexts and drops the rest: the mask has its two sides changed.")
    if abs(found - share) > TOLERANCE:
        raise Mistake(f"it drops {found:.0%} of the contexts where share asks for {share:.0%}.")
    if dropped.sum(0).min() == 0 or dropped.sum(0).max() > 0.6 * MANY:  # chance does that once in a hundred million
        raise Mistake("some rows fall more often than others: draw one number for each row, (B, 1).")
    if len(count.unique()) == 1:
        raise Mistake("every batch loses the same number of contexts. Let chance decide for each row by itself.")


def drop(
    formula: Callable[[Tensor, Tensor, float], Tensor], shape: Callable[[Tensor], Sequence[int]] = lambda c: (len(c), 1)
) -> Callable[..., Tensor]:
    """A function of (c, share, generator) made from one of c, numbers u between 0 and 1 of some shape, and share."""
    return lambda c, share, generator: formula(c, torch.rand(shape(c), generator=generator), share)


check_drop_context = Exercise(
    name="drop_context",
    asks="Check `drop_context(c, share, generator)`: a random `share` of the rows of c, (B, n_context), become zeros.",
    right=drop_context,
    cases=contexts_and_shares,
    run=drop_often,
    mistakes={
        "it keeps `share` of the contexts": drop(lambda c, u, share: c * (u < share)),
        "single numbers are dropped": drop(lambda c, u, share: c * (u >= share), shape=lambda c: c.shape),
        "all contexts of a batch are dropped together": drop(lambda c, u, share: c * (u >= share), shape=lambda c: ()),
        "what is kept is divided by 1 − share": drop(lambda c, u, share: c * (u >= share) / (1 - share)),
        "some rows are neither zeros nor the context": drop(lambda c, u, share: torch.where(u < share, -1, c)),
        "rows are taken out": drop(lambda c, u, share: c[u[:, 0] >= share]),
        "two calls with the same generator differ": lambda c, share, generator: drop_context(c, share),
        "every generator drops the same": lambda c, share, generator: c * (torch.arange(len(c))[:, None] >= share * 50),
        "some rows fall more often than others": drop(lambda c, u, share: c * (u >= share).sort(0, True).values),
        "every batch loses the same number": drop(lambda c, u, share: c * (u.argsort(0).argsort(0) >= share * len(c))),
        "it drops 0% of the contexts": lambda c, share, generator: c,
        "it drops 100% of the contexts": lambda c, share, generator: 0 * c,
        "with share = 0, something is lost": drop(lambda c, u, share: c * (u >= 0.25)),
        "with share = 1, something is left": drop(lambda c, u, share: c * (u >= min(share, 0.5))),
    },
    hints={"size of tensor": "One number for each row needs the shape (B, 1) to multiply c: see mask[:, None]."},
)


def strict_model(x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
    """A model in which no answer follows from others, and which is as strict about shapes as the network is."""
    if not isinstance(t, Tensor) or t.shape != x.shape[:1]:
        raise ValueError(f"the model wants one time for each image, shape ({len(x)},), got {form(t)}")
    c = torch.zeros(len(x), 7) if c is None else c
    if not isinstance(c, Tensor) or c.shape != (len(x), 7):
        raise ValueError(f"the model wants one context for each image, shape ({len(x)}, 7), or None, got {form(c)}")
    wishes = (c @ torch.linspace(0, 40, 7 * 60).view(7, 60).cos()).view(-1, 3, 5, 4)
    return (x + wishes).sin() * (1 + t.view(-1, 1, 1, 1) / 100)


def form(value: Any) -> str:
    """The shape of a tensor, a number as it is, and of anything else its type."""
    if isinstance(value, Tensor):
        return str(tuple(value.shape))
    return repr(value) if isinstance(value, int | float) else f"a {type(value).__name__}"


def batch(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Six noisy images, their times, and three contexts for each; no two sides of anything agree."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((6, 3, 5, 4), generator=generator)
    return x, torch.tensor([1, 2, 20, 50, 80, 99]), torch.randn((3, 6, 7), generator=generator)


def guidance_scales(seed: int) -> list[Case]:
    """A batch with one context for each image, guided by four scales."""
    x, t, (c, _, _) = batch(seed)
    return [Case((x, t, c, w), f"with w = {w:g}, ") for w in (3.0, 0.5, 1.0, 0.0)]


def call_model_of(function: Callable[..., Any], x: Tensor, t: Tensor, c: Tensor, guidance_scale: float) -> Tensor:
    """Call the model that the function makes of ours."""
    model = answered(function(strict_model, guidance_scale))
    if not callable(model):
        raise Mistake(
            f"it returns a {type(model).__name__}, expected a model: write `def answer(x, t, c): …` inside, and return "
            "answer."
        )
    eps: Tensor | None = model(x, t, c)
    if eps is None:
        raise Mistake("the model that it makes returns None: does the inner function end with `return` and the result?")
    return eps


def guide(formula: Callable[[Tensor, Tensor, float], Tensor]) -> Callable[..., Model]:
    """A function of (model, w) made from one of ε_u, ε_c and w."""
    return lambda model, w: lambda x, t, c: formula(model(x, t, None), model(x, t, c), w)


check_guided = Exercise(
    name="guided",
    asks="Check `guided(model, guidance_scale)`: it returns a model that answers ε_u + w (ε_c − ε_u).",
    right=guided,
    cases=guidance_scales,
    run=call_model_of,
    parts=lambda x, t, c, guidance_scale: {"ε_u": strict_model(x, t), "ε_c": strict_model(x, t, c)},
    mistakes={
        "this is ε_c, whatever w is. Is the model asked a second time, with zeros in place of c, and is w used?": (
            guide(lambda u, c, w: c)
        ),
        "this is ε_u, whatever w is. Is the model asked a second time, with c?": guide(lambda u, c, w: u),
        "this is ε_c + w (ε_c − ε_u), the other convention, whose w is ours minus 1. Begin at ε_u.": (
            guide(lambda u, c, w: c + w * (c - u))
        ),
        SWAPPED: guide(lambda u, c, w: c + w * (u - c)),
        "ε_c is added as it is. Add w times the difference ε_c − ε_u, which is what the context changes.": (
            guide(lambda u, c, w: u + w * c)
        ),
        "the guidance points away from the context: the difference is ε_c − ε_u.": (
            guide(lambda u, c, w: u + w * (u - c))
        ),
        "ε_u is missing: w (ε_c − ε_u) is only what is added to it.": guide(lambda u, c, w: w * (c - u)),
        "this is w ε_c. With brackets, ε_u + w (ε_c − ε_u), something of ε_u is left.": guide(lambda u, c, w: w * c),
        "ε_c − ε_u is added to w ε_u: w belongs to the difference.": guide(lambda u, c, w: w * u + c - u),
        "w is multiplied into the context. Amplify the answers instead: ask with c and with zeros.": (
            lambda model, w: lambda x, t, c: model(x, t, w * c)
        ),
    },
    hints={
        "name 'x' is not defined": "x, t and c are handed to the inner function, when a sampler calls it later.",
        "size of tensor": "ε_u, ε_c and the result all have the shape of x.",
    },
)


check_mended_guided = replace(
    check_guided,
    name="mended_guided",
    asks="Check `mended_guided(model, guidance_scale)`: a stranger's guided model, with its mistake mended.",
    given=check_guided.mistakes[SWAPPED],
    mistakes={sentence: wrong for sentence, wrong in check_guided.mistakes.items() if sentence != SWAPPED},
)


def compose(formula: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """A function of (model, x, t, contexts, scales) made from one of ε_u, the ε_k, and the w_k, shaped to multiply."""

    def answer(model: Model, x: Tensor, t: Tensor, contexts: Sequence[Tensor], scales: Sequence[float]) -> Tensor:
        eps = torch.stack([model(x, t, c) for c in contexts])
        return formula(model(x, t, None), eps, torch.tensor(scales).to(x).view(-1, *[1] * x.ndim))

    return answer


def lists_of_scales(seed: int) -> list[Case]:
    """A batch with two, three contexts and one context for each image, and a scale for each context."""
    x, t, c = batch(seed)
    return [Case((x, t, c[: len(w)], w), f"with scales {[*w]}, ") for w in ((2.0, 3.0), (2.0, 0.5, -1.0), (3.0,))]


def call_with_lists(function: Callable[..., Any], x: Tensor, t: Tensor, c: Tensor, scales: Sequence[float]) -> Any:
    """Hand in contexts and scales as lists."""
    contexts, weights = list(c), list(scales)
    eps = function(strict_model, x, t, contexts, weights)
    if len(contexts) != len(c) or weights != list(scales):
        raise Mistake("it changes its arguments, the lists of contexts and scales: others still need them.")
    return eps


def mixed_contexts(eps: Tensor, truth: Tensor, x: Tensor, t: Tensor, c: Tensor, scales: Sequence[float]) -> str | None:
    """Say that the model was asked about a mixture of the contexts, however it was guided there."""
    if len(c) == 1:
        return None
    u, total = strict_model(x, t), (torch.tensor(scales).view(-1, 1, 1) * c).sum(0)
    mixtures = [strict_model(x, t, mixture) for mixture in (c.mean(0), c.sum(0), total / sum(scales), total)]
    return MIXED if any(amounts_of(eps - u, mixture - u) for mixture in mixtures) else None


check_composed = Exercise(
    name="composed",
    asks="Check `composed(model, x, t, contexts, scales)`: ε_u + Σ_k w_k (ε_k − ε_u), with a scale for each context.",
    right=compose(lambda u, eps, w: u + (w * (eps - u)).sum(0)),
    cases=lists_of_scales,
    run=call_with_lists,
    parts=lambda x, t, c, scales: {
        "ε_u": strict_model(x, t),
        **{f"ε_{k}": strict_model(x, t, c_k) for k, c_k in enumerate(c, start=1)},
    },
    mistakes={
        "ε_u is counted once for every context: add the guided answers' differences, and ε_u only once.": (
            compose(lambda u, eps, w: len(w) * u + (w * (eps - u)).sum(0))
        ),
        "this is the mean of the guided answers, so every scale is divided by their number: add up the differences.": (
            compose(lambda u, eps, w: u + (w * (eps - u)).mean(0))
        ),
        "the scales are divided by their sum. They need not add up to 1: take them as they are.": (
            compose(lambda u, eps, w: u + (w * (eps - u)).sum(0) / w.sum())
        ),
        "only the last context counts: add every difference to the same sum.": (
            compose(lambda u, eps, w: u + w[-1] * (eps[-1] - u))
        ),
        "only the first context counts: add up the differences, and `return` behind the loop.": (
            compose(lambda u, eps, w: u + w[0] * (eps[0] - u))
        ),
        "every context takes the first scale: go through both lists together.": (
            compose(lambda u, eps, w: u + w[0] * (eps - u).sum(0))
        ),
        "the scales are multiplied: each belongs to its own difference.": (
            compose(lambda u, eps, w: u + w.prod() * (eps - u).sum(0))
        ),
        "the scales do nothing: multiply each difference by its own.": compose(lambda u, eps, w: u + (eps - u).sum(0)),
        "ε_u is missing: Σ w_k (ε_k − ε_u) is only what is added to it.": compose(
            lambda u, eps, w: (w * (eps - u)).sum(0)
        ),
        "the answers are added up with their scales, and ε_u is never taken from them.": (
            compose(lambda u, eps, w: (w * eps).sum(0))
        ),
        "every ε_k is added as it is. Add w_k times the difference ε_k − ε_u.": (
            compose(lambda u, eps, w: u + (w * eps).sum(0))
        ),
        "the guidance points away from the contexts: the differences are ε_k − ε_u.": compose(
            lambda u, eps, w: u - (w * (eps - u)).sum(0)
        ),
        "each difference is taken from the sum so far, so later contexts undo earlier ones. It is ε_k − ε_u for all: "
        "keep ε_u under a name of its own.": compose(
            lambda u, eps, w: reduce(lambda so_far, k: so_far + w[k] * (eps[k] - so_far), range(len(w)), u)
        ),
        MIXED: lambda model, x, t, contexts, scales: model(x, t, sum(contexts) / len(contexts)),
    },
    diagnoses=(mixed_contexts,),
    hints={"size of tensor": "Each scale is a single number, and multiplies one difference of the shape of x."},
)
