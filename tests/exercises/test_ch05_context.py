"""Independent cases for the exercises of notebook 05: context dropout and guidance, also to mend."""

import pytest
import torch
import torch.nn.functional as F

import course_utils
from course_utils import check_composed, check_drop_context, check_guided, check_mended_guided


def dropping(shape=lambda c: (len(c), 1), keep=lambda u, share: u >= share, put=lambda c, kept, share: c * kept):
    """A drop_context that draws numbers of another shape, keeps others, or does something else with what is kept."""

    def drop_context(c, share, generator):
        return put(c, keep(torch.rand(shape(c), generator=generator), share), share)

    return drop_context


def guiding(answer):
    """A guided that puts the two answers together in another way."""

    def guided(model, w):
        return lambda x, t, c: answer(model(x, t, torch.zeros_like(c)), model(x, t, c), w)

    return guided


def composing(answer):
    """A composed that puts the answers together in another way."""

    def composed(model, x, t, contexts, scales):
        return answer(model(x, t, None), [model(x, t, c) for c in contexts], scales)

    return composed


def weighted(scales, parts):
    return sum(w * part for w, part in zip(scales, parts, strict=True))


def differences(u, answers):
    return [answer - u for answer in answers]


def drop_by_bernoulli(c, share, generator):
    return torch.bernoulli(torch.full((len(c),), 1 - share), generator=generator)[:, None] * c


def drop_in_a_copy(c, share, generator):
    c = c.clone()
    c[torch.rand(len(c), generator=generator) < share] = 0
    return c


def drop_one_by_one(c, share, generator):
    return torch.stack([0 * row if torch.rand((), generator=generator) < share else row for row in c])


def drop_with_where(c, share, generator):
    return torch.where(torch.empty(len(c), 1).uniform_(generator=generator) < share, 0.0, c)


def guided_in_one_call(model, w):
    def answer(x, t, c):
        u, given = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([0 * c, c])).chunk(2)
        return (1 - w) * u + w * given

    return answer


def guided_by_none(model, w):
    def answer(x, t, c=None):
        eps = model(x, t)
        eps += w * (model(x, t, c) - eps)
        return eps

    return answer


class Guided(torch.nn.Module):
    def __init__(self, model, w):
        super().__init__()
        self.model, self.w = model, w

    def forward(self, x, t, c):
        return torch.lerp(self.model(x, t, torch.zeros_like(c)), self.model(x, t, c), self.w)


def composed_of_the_package(model, x, t, contexts, scales):
    return course_utils.composed(model, scales)(x, t, torch.stack(contexts, dim=1))


def composed_in_a_loop(model, x, t, contexts, scales):
    u = model(x, t, torch.zeros_like(contexts[0]))
    eps = u.clone()
    for k in range(len(contexts)):
        eps += scales[k] * (model(x, t, contexts[k]) - u)
    return eps


def in_place(c, share, generator):
    c[torch.rand(len(c), generator=generator) < share] = 0
    return c


def same_number_each_time(c, share, generator):
    c = c.clone()
    c[torch.randperm(len(c), generator=generator)[: round(share * len(c))]] = 0
    return c


def drop_the_first(c, share, generator):
    c = c.clone()
    c[: (torch.rand(len(c), generator=generator) < share).sum()] = 0
    return c


def drop_from_a_seed(c, share, generator):
    return course_utils.drop_context(c, share, torch.Generator().manual_seed(3))


def asked_about(mixture, guide=lambda u, eps, ws: u + sum(ws) * (eps - u)):
    """A composed that mixes the contexts and asks once."""

    def composed(model, x, t, contexts, scales):
        return guide(model(x, t), model(x, t, mixture(contexts, scales)), scales)

    return composed


def mean(contexts, scales):
    return sum(contexts) / len(contexts)


def one_by_one(u, answers, scales):
    for w, answer in zip(scales, answers, strict=True):
        u = u + w * (answer - u)
    return u


def composed_in_place(model, x, t, contexts, scales):
    right = composed_in_a_loop(model, x, t, contexts, scales)
    contexts[0].zero_()
    return right


def composed_with_pop(model, x, t, contexts, scales):
    u = model(x, t)
    eps = u
    while contexts:
        eps = eps + scales.pop() * (model(x, t, contexts.pop()) - u)
    return eps


def composed_with_a_tensor(model, x, t, contexts, scales):
    u = model(x, t)
    return u + (torch.tensor(scales) * (torch.stack([model(x, t, c) for c in contexts]) - u)).sum(0)


def untouched(model, guidance_scale):
    def answer(x, t, c):
        return ...

    return answer


def without_outer_return(model, guidance_scale):
    def answer(x, t, c):
        return model(x, t, c)


def without_inner_return(model, guidance_scale):
    def answer(x, t, c):
        model(x, t, c)

    return answer


def called_at_once(model, guidance_scale):
    def answer(x, t, c):
        return model(x, t, c)

    return answer(x, t, c)  # noqa: F821  as a student would


def doubled(model, guidance_scale):
    def answer(x, t, c):
        both = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([0 * c, c]))
        return both + guidance_scale * (model(x, t, c) - both)

    return answer


def handed_out(model, guidance_scale):
    """As the cell of `mended_guided` holds it."""

    def answer(x, t, c):
        both = torch.cat([c, torch.zeros_like(c)])
        eps_u, eps_c = model(torch.cat([x, x]), torch.cat([t, t]), both).chunk(2)
        return eps_u + guidance_scale * (eps_c - eps_u)

    return answer


def mended_twice(model, guidance_scale):
    def answer(x, t, c):
        both = torch.cat([torch.zeros_like(c), c])
        eps_c, eps_u = model(torch.cat([x, x]), torch.cat([t, t]), both).chunk(2)
        return eps_u + guidance_scale * (eps_c - eps_u)

    return answer


def contexts_mended(model, guidance_scale):
    def answer(x, t, c):
        both = torch.cat([torch.zeros_like(c), c])
        eps_u, eps_c = model(torch.cat([x, x]), torch.cat([t, t]), both).chunk(2)
        return eps_u + guidance_scale * (eps_c - eps_u)

    return answer


def names_mended(then):
    """The handed-out code with its two names in the other order, and perhaps another last line."""

    def mended_guided(model, guidance_scale):
        def answer(x, t, c):
            both = torch.cat([c, torch.zeros_like(c)])
            eps_c, eps_u = model(torch.cat([x, x]), torch.cat([t, t]), both).chunk(2)
            return then(eps_u, eps_c, guidance_scale)

        return answer

    return mended_guided


def sign_changed(model, guidance_scale):
    def answer(x, t, c):
        both = torch.cat([c, torch.zeros_like(c)])
        eps_u, eps_c = model(torch.cat([x, x]), torch.cat([t, t]), both).chunk(2)
        return eps_u - guidance_scale * (eps_c - eps_u)

    return answer


OTHER_WAYS = [
    (check_drop_context, dropping()),
    (check_guided, guiding(lambda u, c, w: u + w * (c - u))),
    (check_composed, composing(lambda u, answers, ws: u + weighted(ws, differences(u, answers)))),
    (check_drop_context, course_utils.drop_context),
    (check_drop_context, drop_by_bernoulli),
    (check_drop_context, drop_in_a_copy),
    (check_drop_context, drop_one_by_one),
    (check_drop_context, drop_with_where),
    (check_drop_context, dropping(keep=lambda u, share: u < 1 - share)),
    (check_guided, course_utils.guided),
    (check_guided, guided_in_one_call),
    (check_guided, guided_by_none),
    (check_guided, Guided),
    (check_composed, composed_of_the_package),
    (check_composed, composed_in_a_loop),
    (check_composed, composing(lambda u, eps, ws: (1 - sum(ws)) * u + weighted(ws, eps))),
    (check_mended_guided, contexts_mended),
    (check_mended_guided, names_mended(lambda u, c, w: u + w * (c - u))),
    (check_mended_guided, names_mended(lambda u, c, w: c + (w - 1) * (c - u))),
    (check_mended_guided, guided_by_none),
    (check_mended_guided, Guided),
    (check_mended_guided, course_utils.guided),
]

MISTAKES = [
    (check_drop_context, dropping(keep=lambda u, share: u < share), "it keeps `share` of the contexts"),
    (check_drop_context, dropping(lambda c: c.shape), "single numbers are dropped"),
    (check_drop_context, dropping(lambda c: (1, c.shape[1])), "single numbers are dropped"),
    (check_drop_context, dropping(lambda c: ()), "all contexts of a batch are dropped together"),
    (check_drop_context, in_place, "it changes its arguments"),
    (check_drop_context, lambda c, share, g: course_utils.drop_context(c, share), "two calls with the same generator"),
    (check_drop_context, lambda c, share, g: F.dropout(c, share), "two calls with the same generator"),
    (check_drop_context, drop_from_a_seed, "every generator drops the same"),
    (check_drop_context, dropping(put=lambda c, kept, share: c * kept / (1 - share)), "as in nn.Dropout"),
    (check_drop_context, dropping(put=lambda c, kept, share: c * kept - ~kept * 1.0), "neither zeros nor the context"),
    (check_drop_context, dropping(put=lambda c, kept, share: c[kept[:, 0]]), "rows are taken out: of 50"),
    (check_drop_context, dropping(lambda c: len(c)), "see mask[:, None]"),
    (check_drop_context, lambda c, share, g: c @ c, "stops with RuntimeError: "),
    (check_drop_context, lambda c, share, g: c, "it drops 0% of the contexts where share asks for 25%"),
    (check_drop_context, lambda c, share, g: 0 * c, "it drops 100% of the contexts"),
    (check_drop_context, dropping(keep=lambda u, share: u >= 0.5), "it drops 50% of the contexts"),
    (check_drop_context, drop_the_first, "some rows fall more often than others"),
    (check_drop_context, same_number_each_time, "every batch loses the same number"),
    (check_drop_context, dropping(keep=lambda u, share: u >= 0.25), "with share = 0, something is lost"),
    (
        check_drop_context,
        lambda c, share, g: course_utils.drop_context(c, min(share, 0.9), g),
        "with share = 1, something is left",
    ),
    (check_guided, guiding(lambda u, c, w: (1 + w) * c - w * u), "the other convention"),
    (check_guided, guiding(lambda u, c, w: c + w * (u - c)), "ε_u and ε_c have changed places"),
    (check_guided, guiding(lambda u, c, w: w * u + (1 - w) * c), "ε_u and ε_c have changed places"),
    (check_guided, guiding(lambda u, c, w: u + w * c), "ε_c is added as it is"),
    (check_guided, guiding(lambda u, c, w: u - w * (c - u)), "points away from the context"),
    (check_guided, guiding(lambda u, c, w: w * (c - u)), "ε_u is missing: w (ε_c − ε_u)"),
    (check_guided, guiding(lambda u, c, w: u + w * c - u), "this is w ε_c"),
    (check_guided, guiding(lambda u, c, w: w * u + c - u), "w belongs to the difference"),
    (check_guided, guiding(lambda u, c, w: c), "this is ε_c, whatever w is"),
    (check_guided, lambda model, w: model, "this is ε_c, whatever w is"),
    (
        check_guided,
        lambda model, w: lambda x, t, c: torch.lerp(model(x, t, c), model(x, t, c), w),
        "asked a second time, with zeros",
    ),
    (check_guided, guiding(lambda u, c, w: u), "this is ε_u, whatever w is"),
    (check_guided, lambda model, w: lambda x, t, c: model(x, t, w * c), "w is multiplied into the context"),
    (check_guided, lambda model, w: torch.zeros(3), "returns a Tensor, expected a model: write `def answer(x, t, c)"),
    (check_guided, lambda model, w: lambda x, t, c: model(x, t, 0), "one context for each image, shape (6, 7), or"),
    (check_guided, lambda model, w: lambda x, t, c: model(x, 3, c), "one time for each image, shape (6,), got 3"),
    (
        check_guided,
        lambda model, w: lambda x, t, c: model(torch.cat([x, x]), t, torch.cat([c, 0 * c])).chunk(2)[0],
        "one time for each image, shape (12,), got (6,)",
    ),
    (
        check_guided,
        guiding(lambda u, c, w: 2 * u + c),
        "with w = 3, the result is 2.0000 ε_u + 1.0000 ε_c, expected −2.0000 ε_u + 3.0000 ε_c.",
    ),
    (check_guided, without_outer_return, "guided returns None: does it end with `return`"),
    (check_guided, without_inner_return, "the model that it makes returns None: does the inner function end with"),
    (check_guided, called_at_once, "x, t and c are handed to the inner function"),
    (check_guided, doubled, "all have the shape of x"),
    (check_composed, asked_about(mean), "the contexts are mixed before the model is asked"),
    (check_composed, asked_about(mean, lambda u, eps, ws: u + ws[0] * (eps - u)), "the contexts are mixed before"),
    (check_composed, asked_about(mean, lambda u, eps, ws: eps), "the contexts are mixed before"),
    (
        check_composed,
        asked_about(lambda contexts, ws: weighted(ws, contexts), lambda u, eps, ws: eps),
        "the contexts are mixed before",
    ),
    (
        check_composed,
        asked_about(lambda contexts, ws: weighted(ws, contexts) / sum(ws)),
        "the contexts are mixed before",
    ),
    (check_composed, asked_about(lambda contexts, ws: sum(contexts)), "the contexts are mixed before"),
    (
        check_composed,
        composing(lambda u, eps, ws: sum(u + w * (e - u) for w, e in zip(ws, eps, strict=True))),
        "ε_u is counted once for every context",
    ),
    (
        check_composed,
        composing(lambda u, eps, ws: sum(u + w * (e - u) for w, e in zip(ws, eps, strict=True)) / len(ws)),
        "this is the mean of the guided answers",
    ),
    (
        check_composed,
        composing(lambda u, eps, ws: u + weighted(ws, differences(u, eps)) / sum(ws)),
        "the scales are divided by their sum",
    ),
    (check_composed, composing(lambda u, eps, ws: u + ws[-1] * (eps[-1] - u)), "only the last context counts"),
    (check_composed, composing(lambda u, eps, ws: u + ws[0] * (eps[0] - u)), "only the first context counts"),
    (
        check_composed,
        composing(lambda u, eps, ws: u + ws[0] * sum(differences(u, eps))),
        "every context takes the first scale",
    ),
    (
        check_composed,
        composing(lambda u, eps, ws: u + torch.tensor(ws).prod() * sum(differences(u, eps))),
        "the scales are multiplied",
    ),
    (check_composed, composing(lambda u, eps, ws: u + sum(differences(u, eps))), "the scales do nothing"),
    (check_composed, composing(lambda u, eps, ws: weighted(ws, differences(u, eps))), "ε_u is missing: Σ w_k"),
    (check_composed, composing(lambda u, eps, ws: weighted(ws, eps)), "ε_u is never taken from them"),
    (check_composed, composing(lambda u, eps, ws: u + weighted(ws, eps)), "every ε_k is added as it is"),
    (check_composed, composing(lambda u, eps, ws: u - weighted(ws, differences(u, eps))), "points away from the cont"),
    (check_composed, composing(one_by_one), "each difference is taken from the sum so far"),
    (check_composed, composed_in_place, "it changes its arguments"),
    (check_composed, composed_with_pop, "it changes its arguments, the lists"),
    (check_composed, composed_with_a_tensor, "Each scale is a single number"),
    (
        check_composed,
        composing(lambda u, eps, ws: u + weighted(ws[::-1], differences(u, eps))),
        "with scales [2.0, 3.0], the result is −4.0000 ε_u + 3.0000 ε_1 + 2.0000 ε_2, expected −4.0000 ε_u + 2.0000",
    ),
    (check_mended_guided, sign_changed, "this is ε_c + w (ε_c − ε_u), the other convention"),
    (check_mended_guided, names_mended(lambda u, c, w: u + w * c), "ε_c is added as it is"),
    (check_mended_guided, names_mended(lambda u, c, w: c), "this is ε_c, whatever w is"),
    (check_mended_guided, names_mended(lambda u, c, w: u - w * (c - u)), "points away from the context"),
    (check_mended_guided, names_mended(lambda u, c, w: 2 * u + c), "with w = 3, the result is 2.0000 ε_u + 1.0000 ε_c"),
    (check_mended_guided, names_mended(lambda u, c, w: torch.cat([u, c])), "has shape (12, 3, 5, 4), expected (6, 3,"),
    (check_mended_guided, without_inner_return, "the model that it makes returns None"),
]


@pytest.mark.parametrize(("check", "attempt"), OTHER_WAYS)
def test_other_ways_to_write_it_pass_too(check, attempt):
    assert {check.verdict(attempt, seed) for seed in range(5)} == {f"✓ {check.name} is right."}


@pytest.mark.parametrize(("check", "attempt", "message"), MISTAKES, ids=[message for *_, message in MISTAKES])
def test_a_mistake_is_called_by_its_name(check, attempt, message):
    verdict = check.verdict(attempt)
    assert verdict.startswith("✗")
    assert message in verdict


def test_an_untouched_inner_function_is_not_attempted():
    assert check_guided.verdict(untouched).startswith("○ guided: not attempted yet")


def test_a_right_answer_is_hardly_ever_refused():
    assert {check_drop_context.verdict(drop_by_bernoulli, seed) for seed in range(100, 120)} == {
        "✓ drop_context is right."
    }


@pytest.mark.parametrize("attempt", [handed_out, mended_twice, guiding(lambda u, c, w: w * u + (1 - w) * c)])
def test_code_that_still_does_what_was_handed_out_is_not_attempted(attempt):
    assert {check_mended_guided.verdict(attempt, seed) for seed in range(5)} == {
        "○ mended_guided: not attempted yet. It still does what the code that was handed out does: find "
        "what is wrong, and go on when you like."
    }
