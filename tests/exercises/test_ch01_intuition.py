"""Independent cases for the exercises of notebook 01: ᾱ_t, the jump, also to mend, and the ways back."""

import pytest
import torch

from course_utils import (
    check_add_noise,
    check_alpha_bar,
    check_beta_from_alpha_bar,
    check_mended_add_noise,
    check_predict_x0,
)


def at(table, t):
    return table[t].float().view(-1, 1, 1, 1)


def alpha_bar(beta):
    return (1 - beta).cumprod(0)


def add_noise(x0, t, eps, schedule):
    ab = at(schedule.alpha_bar, t)
    return ab.sqrt() * x0 + (1 - ab).sqrt() * eps


def predict_x0(x_t, t, eps, schedule):
    ab = at(schedule.alpha_bar, t)
    return (x_t - (1 - ab).sqrt() * eps) / ab.sqrt()


def beta_from_alpha_bar(ab):
    return torch.cat([torch.zeros(1, dtype=ab.dtype), (1 - ab[1:] / ab[:-1]).clamp(max=0.999)])


def scaled(signal, noise):
    """An add_noise with other factors; each is a function of ᾱ_t, α_t and β_t."""

    def attempt(x0, t, eps, schedule):
        tables = [at(table, t) for table in (schedule.alpha_bar, schedule.alpha, schedule.beta)]
        return signal(*tables) * x0 + noise(*tables) * eps

    return attempt


def signal(ab, a, b):
    return ab.sqrt()


def noise(ab, a, b):
    return (1 - ab).sqrt()


def in_place(x0, t, eps, schedule):
    ab = at(schedule.alpha_bar, t)
    return x0.mul_(ab.sqrt()).add_((1 - ab).sqrt() * eps)


def in_the_schedule(x0, t, eps, schedule):
    schedule.alpha_bar = schedule.alpha_bar * 0.5
    return add_noise(x0, t, eps, schedule) * 0


def handed_out(x0, t, eps, schedule):
    """As the cell of `mended_add_noise` holds it."""
    ab = schedule.alpha_bar[t - 1].to(x0.dtype).view(-1, 1, 1, 1)
    return ab.sqrt() * x0 + (1 - ab) * eps


def handed_out_in_other_words(x0, t, eps, schedule):
    before = at(schedule.alpha_bar, t - 1)
    return torch.sqrt(before) * x0 + eps - before * eps


def root_mended(x0, t, eps, schedule):
    ab = schedule.alpha_bar[t - 1].to(x0.dtype).view(-1, 1, 1, 1)
    return ab.sqrt() * x0 + (1 - ab).sqrt() * eps


def time_mended(x0, t, eps, schedule):
    ab = schedule.alpha_bar[t].to(x0.dtype).view(-1, 1, 1, 1)
    return ab.sqrt() * x0 + (1 - ab) * eps


def mended_with_einsum(x0, t, eps, schedule):
    ab = schedule.alpha_bar.to(x0)[t]
    return torch.einsum("b,bchw->bchw", ab**0.5, x0) + torch.einsum("b,bchw->bchw", (1 - ab) ** 0.5, eps)


def mended_one_by_one(x0, t, eps, schedule):
    pairs = zip(x0, eps, schedule.alpha_bar[t].tolist(), strict=True)
    return torch.stack([ab**0.5 * picture + (1 - ab) ** 0.5 * noise for picture, noise, ab in pairs])


def clamped(low, high=0.999, start=0):
    """A beta_from_alpha_bar that clamps from below too, the whole table or what follows β_0."""
    return lambda ab: torch.cat([ab[:1] * 0, 1 - ab[1:] / ab[:-1]])[start:].clamp(low, high)


OTHER_WAYS = [
    (check_alpha_bar, alpha_bar),
    (check_add_noise, add_noise),
    (check_predict_x0, predict_x0),
    (check_beta_from_alpha_bar, beta_from_alpha_bar),
    (check_beta_from_alpha_bar, clamped(0)),
    (check_mended_add_noise, add_noise),
    (check_mended_add_noise, mended_with_einsum),
    (check_mended_add_noise, mended_one_by_one),
    (check_mended_add_noise, lambda x0, t, eps, schedule: schedule.add_noise(x0, t, eps)),
]

MISTAKES = [
    (
        check_beta_from_alpha_bar,
        lambda ab: torch.cat([1 - ab[:1], 1 - ab[1:-1] / ab[:-2], ab.new_tensor([0.999])]),
        "the result at [",
    ),
    (check_add_noise, in_place, "changes its arguments"),
    (check_add_noise, in_the_schedule, "changes its arguments"),
    (check_alpha_bar, lambda beta: 1 - beta, "this is α_t"),
    (check_alpha_bar, lambda beta: beta.cumprod(0), "multiplies the β"),
    (check_alpha_bar, lambda beta: 1 - beta.cumprod(0), "one minus the product of the β"),
    (check_alpha_bar, lambda beta: beta.cumsum(0), "adds up the β"),
    (check_alpha_bar, lambda beta: 1 - beta.cumsum(0), "1 − Σβ"),
    (check_alpha_bar, lambda beta: (-beta.cumsum(0)).exp(), "good approximation"),
    (check_alpha_bar, lambda beta: (1 - beta).cumsum(0), "adds up the α"),
    (check_alpha_bar, lambda beta: (1 - beta[1:]).cumprod(0), "has shape (40,), expected (41,)"),
    (check_alpha_bar, lambda beta: (1 - torch.cat([beta[1:], beta[:1]])).cumprod(0), "too far left"),
    (check_alpha_bar, lambda beta: torch.cat([beta[:1] + 1, alpha_bar(beta)[:-1]]), "too far right"),
    (check_alpha_bar, lambda beta: alpha_bar(beta).sqrt(), "this is √ᾱ_t"),
    (check_add_noise, scaled(signal, lambda ab, a, b: 1 - ab), "noise is scaled by 1 − ᾱ_t"),
    (check_add_noise, scaled(signal, lambda ab, a, b: 1 - ab.sqrt()), "the root goes around 1 − ᾱ_t"),
    (check_add_noise, scaled(lambda ab, a, b: ab, noise), "picture is scaled by ᾱ_t"),
    (check_add_noise, scaled(lambda ab, a, b: ab, lambda ab, a, b: 1 - ab), "both square roots are missing"),
    (check_add_noise, scaled(lambda ab, a, b: a.sqrt(), lambda ab, a, b: b.sqrt()), "this is a single step"),
    (check_add_noise, scaled(signal, lambda ab, a, b: b.sqrt()), "noise of the last step alone"),
    (check_add_noise, scaled(noise, signal), "have changed places"),
    (check_add_noise, scaled(signal, lambda *tables: -noise(*tables)), "the noise is subtracted"),
    (check_add_noise, scaled(signal, lambda *tables: 0), "the noise is missing"),
    (check_add_noise, scaled(signal, lambda *tables: 1), "the noise is not scaled"),
    (check_add_noise, scaled(lambda *tables: 1, noise), "the picture is not scaled"),
    (check_add_noise, lambda x0, t, eps, s: add_noise(x0, t - 1, eps, s), "looks up ᾱ at t − 1"),
    (check_add_noise, lambda x0, t, eps, s: add_noise(x0, t, torch.randn_like(eps), s), "draw none of your own"),
    (check_add_noise, lambda x0, t, eps, s: add_noise(x0, t, eps[:1], s), "the same for all images"),
    (check_add_noise, lambda x0, t, eps, s: add_noise(x0, t, eps[:, :1], s), "the same for all colours"),
    (check_add_noise, lambda x0, t, eps, s: add_noise(x0, t, eps[:, :, :1], s), "the same for all rows"),
    (check_add_noise, lambda x0, t, eps, s: add_noise(x0, t, eps[..., :1], s), "the same for all columns"),
    (check_add_noise, lambda x0, t, eps, s: s.alpha_bar[t] * x0, "see .view(-1, 1, 1, 1)"),
    (
        check_add_noise,
        lambda x0, t, eps, s: add_noise(x0.double(), t, eps, s),
        "is torch.float64, expected torch.float32",
    ),
    (check_predict_x0, lambda x, t, e, s: x - (1 - at(s.alpha_bar, t)).sqrt() * e, "still faded: divide"),
    (check_predict_x0, lambda x, t, e, s: predict_x0(x, t, e, s) / at(s.alpha_bar, t).sqrt(), "divides by ᾱ_t"),
    (check_predict_x0, lambda x, t, e, s: predict_x0(x, t, e, s) * at(s.alpha_bar, t), "multiplies by √ᾱ_t"),
    (
        check_predict_x0,
        lambda x, t, e, s: (x - (1 - at(s.alpha_bar, t)) * e) / at(s.alpha_bar, t).sqrt(),
        "by its variance 1 − ᾱ_t",
    ),
    (check_predict_x0, lambda x, t, e, s: (x - e) / at(s.alpha_bar, t).sqrt(), "the noise is not scaled"),
    (check_predict_x0, lambda x, t, e, s: x - e, "neither is scaled"),
    (
        check_predict_x0,
        lambda x, t, e, s: (x - at(s.alpha_bar, t).sqrt() * e) / (1 - at(s.alpha_bar, t)).sqrt(),
        "the two roots have changed places",
    ),
    (check_predict_x0, lambda x, t, e, s: predict_x0(x, t, -e, s), "added once more"),
    (
        check_predict_x0,
        lambda x, t, e, s: x - (1 - at(s.alpha_bar, t)).sqrt() * e / at(s.alpha_bar, t).sqrt(),
        "brackets around the whole difference",
    ),
    (check_predict_x0, lambda x, t, e, s: predict_x0(x, t - 1, e, s), "looks up ᾱ at t − 1"),
    (check_predict_x0, lambda x, t, e, s: predict_x0(x, t, e, s).clamp(-1, 1), "it clamps the picture"),
    (
        check_predict_x0,
        lambda x, t, e, s: (x - at(s.beta, t).sqrt() * e) / at(s.alpha, t).sqrt(),
        "over a single step",
    ),
    (check_beta_from_alpha_bar, lambda ab: 1 - ab / ab.roll(1), "compares ᾱ_0 with the last"),
    (
        check_beta_from_alpha_bar,
        lambda ab: torch.cat([ab[:1] * 0, beta_from_alpha_bar(ab)[:-1]]),
        "one place too far right: the step",
    ),
    (check_beta_from_alpha_bar, lambda ab: beta_from_alpha_bar(ab)[1:], "β_0 = 0 is missing"),
    (
        check_beta_from_alpha_bar,
        lambda ab: torch.cat([torch.zeros(1, dtype=ab.dtype), 1 - ab[1:] / ab[:-1]]),
        "above 0.999",
    ),
    (
        check_beta_from_alpha_bar,
        lambda ab: torch.cat([torch.ones(1, dtype=ab.dtype), ab[1:] / ab[:-1]]),
        "these are the α_t",
    ),
    (check_beta_from_alpha_bar, lambda ab: torch.cat([ab[:1] * 0, ab[:-1] - ab[1:]]), "a step is a ratio"),
    (check_beta_from_alpha_bar, lambda ab: 1 - ab, "noise of all steps together"),
    (check_beta_from_alpha_bar, lambda ab: (1 - ab).clamp(max=0.999), "noise of all steps together, clamped"),
    (check_beta_from_alpha_bar, clamped(0.001), "small β are raised: clamp only from above"),
    (check_beta_from_alpha_bar, clamped(0.0001), "small β are raised: clamp only"),
    (
        check_beta_from_alpha_bar,
        lambda ab: torch.cat([ab[:1] * 0, clamped(0.0001, start=1)(ab)]),
        "small β are raised: clamp",
    ),
    (check_beta_from_alpha_bar, lambda ab: torch.cat([ab[:1] * 0, clamped(0.02, start=1)(ab)]), "small β are raised"),
    (
        check_beta_from_alpha_bar,
        lambda ab: torch.cat([ab[:1] / 2, clamped(0, start=1)(ab)]),
        "the result at [0] is 0.5",
    ),
    (check_beta_from_alpha_bar, torch.ones_like, "the result at [0] is 1"),
    (
        check_beta_from_alpha_bar,
        lambda ab: torch.cat([beta_from_alpha_bar(ab)[1:], beta_from_alpha_bar(ab)[-1:]]),
        "too far left",
    ),
    (check_beta_from_alpha_bar, lambda ab: torch.cat([ab[:1] * 0, 1 - ab[:-1] / ab[1:]]), "upside down"),
    (check_mended_add_noise, root_mended, "this looks up ᾱ at t − 1"),
    (check_mended_add_noise, time_mended, "the noise is scaled by 1 − ᾱ_t"),
    (check_mended_add_noise, lambda x0, t, eps, s: handed_out(x0, t + 1, eps, s), "the noise is scaled by 1 − ᾱ_t"),
    (check_mended_add_noise, scaled(lambda ab, a, b: ab, lambda ab, a, b: 1 - ab), "both square roots are missing"),
    (check_mended_add_noise, scaled(signal, lambda *tables: -noise(*tables)), "the noise is subtracted"),
    (check_mended_add_noise, lambda x0, t, eps, s: add_noise(x0, t + 1, eps, s), "the result at ["),
    (check_mended_add_noise, lambda x0, t, eps, s: handed_out(x0, t, 2 * eps, s), "the result at ["),
]


@pytest.mark.parametrize(("check", "attempt"), OTHER_WAYS)
def test_other_ways_to_write_it_pass_too(check, attempt):
    assert {check.verdict(attempt, seed) for seed in range(5)} == {f"✓ {check.name} is right."}


@pytest.mark.parametrize(("check", "attempt", "message"), MISTAKES, ids=[message for *_, message in MISTAKES])
def test_a_mistake_is_called_by_its_name(check, attempt, message):
    verdict = check.verdict(attempt)
    assert verdict.startswith("✗")
    assert message in verdict


@pytest.mark.parametrize("attempt", [handed_out, handed_out_in_other_words])
def test_code_that_still_does_what_was_handed_out_is_not_attempted(attempt):
    assert {check_mended_add_noise.verdict(attempt, seed) for seed in range(5)} == {
        "○ mended_add_noise: not attempted yet. It still does what the code that was handed out does: find "
        "what is wrong, and go on when you like."
    }
