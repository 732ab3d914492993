"""Independent cases for the exercises of notebook 06: timesteps, the DDIM step and slerp."""

import math

import numpy as np
import pytest
import torch

import course_utils
from course_utils import check_ddim_step, check_slerp, check_timesteps, linear_schedule


def timesteps(T, n):
    return [round(T * i / n) for i in range(n, -1, -1)]


def sigma_of(schedule, t, t_prev):
    ab_prev, ab = schedule.alpha_bar[t_prev], schedule.alpha_bar[t]
    return ((1 - ab_prev) / (1 - ab) * (1 - ab / ab_prev)).sqrt()


def stepping(
    x0_hat=lambda x, e, ab, ab_prev: (x - (1 - ab).sqrt() * e) / ab.sqrt(),
    sigma=lambda eta, ab, ab_prev: eta * ((1 - ab_prev) / (1 - ab)).sqrt() * (1 - ab / ab_prev).sqrt(),
    picture=lambda ab, ab_prev: ab_prev.sqrt(),
    towards=lambda ab, ab_prev, sigma: (1 - ab_prev - sigma**2).sqrt(),
    added=lambda sigma, eta: sigma,
):
    """A ddim_step in which some parts are others."""

    def ddim_step(x_t, eps, t, t_prev, schedule, eta, noise):
        ab, ab_prev = schedule.alpha_bar[t], schedule.alpha_bar[t_prev]
        s = sigma(eta, ab, ab_prev)
        guess = x0_hat(x_t, eps, ab, ab_prev)
        return picture(ab, ab_prev) * guess + towards(ab, ab_prev, s) * eps + added(s, eta) * noise

    return ddim_step


def column(numbers):
    return numbers.view(-1, 1, 1, 1)


def cosine(a, b):
    return column((a * b).flatten(1).sum(1) / (a.flatten(1).norm(dim=1) * b.flatten(1).norm(dim=1)))


def along(angle, share, a, b):
    return (((1 - share) * angle).sin() * a + (share * angle).sin() * b) / angle.sin()


def arc(angle=lambda a, b: cosine(a, b).acos()):
    """A slerp with another angle."""
    return lambda a, b, share: along(angle(a, b), share, a, b)


def step_of_floats(x_t, eps, t, t_prev, schedule, eta, noise):
    ab, ab_prev = float(schedule.alpha_bar[t]), float(schedule.alpha_bar[t_prev])
    sigma = eta * math.sqrt((1 - ab_prev) / (1 - ab) * (1 - ab / ab_prev))
    x0_hat = (x_t - math.sqrt(1 - ab) * eps) / math.sqrt(ab)
    return math.sqrt(ab_prev) * x0_hat + math.sqrt(1 - ab_prev - sigma**2) * eps + sigma * noise


def step_at_single_precision(x_t, eps, t, t_prev, schedule, eta, noise):
    ab, ab_prev = schedule.alpha_bar.float()[[t, t_prev]]
    sigma = eta * ((1 - ab_prev) / (1 - ab) * (1 - ab / ab_prev)).sqrt()
    x0_hat = (x_t - (1 - ab).sqrt() * eps) / ab.sqrt()
    return ab_prev.sqrt() * x0_hat + (1 - ab_prev - sigma**2).clamp(min=0).sqrt() * eps + sigma * noise


def step_with_the_schedule(x_t, eps, t, t_prev, schedule, eta, noise):
    x0_hat, ab_prev = schedule.predict_x0(x_t, t, eps), schedule.at(schedule.alpha_bar, t_prev, x_t)
    sigma = eta * sigma_of(schedule, t, t_prev)
    x = ab_prev.sqrt() * x0_hat + (1 - ab_prev - sigma**2).sqrt().to(x_t) * eps
    return x + sigma * noise if t_prev > 0 else x


def arc_by_similarity(a, b, share):
    angle = column(torch.cosine_similarity(a.flatten(1), b.flatten(1)).acos())
    return along(angle, share, a, b)


def arc_of_unit_vectors(a, b, share):
    u, v = a / a.flatten(1).norm(dim=1).view(-1, 1, 1, 1), b / b.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return along((u * v).sum((1, 2, 3), keepdim=True).acos(), share, a, b)


def arc_image_by_image(a, b, share):
    images = []
    for one, other in zip(a, b, strict=True):
        angle = torch.acos(torch.sum(one * other) / (one.norm() * other.norm()))
        images.append(along(angle, share, one, other))
    return torch.stack(images)


def forgotten_after_the_first(T, n):
    return timesteps(T, n) if n == 30 else None


def strides_past_zero(T, n):
    times = list(range(T, 0, -(T // n)))
    return [*times, times[-1] - T // n]


def elsewhere(start=lambda t, t_prev: t, end=lambda t, t_prev: t_prev):
    """The right ddim_step with other times, even with those that no table has."""

    def ddim_step(x_t, eps, t, t_prev, schedule, eta, noise):
        return stepping()(x_t, eps, start(t, t_prev), end(t, t_prev), schedule, eta, noise)

    return ddim_step


def with_other_sigma(sigma):
    """A ddim_step whose σ is a function of schedule, t and t_prev, times η."""

    def ddim_step(x_t, eps, t, t_prev, schedule, eta, noise):
        other = eta * sigma(schedule, t, t_prev)
        return stepping(sigma=lambda *_: other)(x_t, eps, t, t_prev, schedule, eta, noise)

    return ddim_step


def ddpm(alpha, sigma):
    """DDPM's step with an α and a σ that are functions of schedule, t and t_prev."""

    def ddim_step(x_t, eps, t, t_prev, schedule, eta, noise):
        a, b = alpha(schedule, t, t_prev), (1 - schedule.alpha_bar[t]).sqrt()
        return (x_t - (1 - a) / b * eps) / a.sqrt() + eta * sigma(schedule, t, t_prev) * noise

    return ddim_step


def single_alpha(schedule, t, t_prev):
    return schedule.alpha[t]


def single_sigma(schedule, t, t_prev):
    return schedule.posterior_variance[t].sqrt()


def alpha_of_jump(schedule, t, t_prev):
    return schedule.alpha_bar[t] / schedule.alpha_bar[t_prev]


def own_noise(x_t, eps, t, t_prev, schedule, eta, noise):
    return stepping()(x_t, eps, t, t_prev, schedule, eta, torch.randn_like(x_t))


def step_in_place(x_t, eps, t, t_prev, schedule, eta, noise):
    return x_t.copy_(stepping()(x_t, eps, t, t_prev, schedule, eta, noise))


def step_that_forgets_the_end(x_t, eps, t, t_prev, schedule, eta, noise):
    if t_prev > 0:
        return stepping()(x_t, eps, t, t_prev, schedule, eta, noise)


def step_with_alpha(x_t, eps, t, t_prev, schedule, eta, noise):
    a, a_prev = schedule.alpha[t], schedule.alpha[t_prev]
    sigma = eta * ((1 - a_prev) / (1 - a)).sqrt() * (1 - a / a_prev).sqrt()
    x0_hat = (x_t - (1 - a).sqrt() * eps) / a.sqrt()
    return a_prev.sqrt() * x0_hat + (1 - a_prev - sigma**2).sqrt() * eps + sigma * noise


def noise_at_the_end(x_t, eps, t, t_prev, schedule, eta, noise):
    return stepping()(x_t, eps, t, t_prev, schedule, eta, noise) + (0.1 * noise if t_prev == 0 else 0)


def product(a, b):
    return column((a * b).flatten(1).sum(1))


def arc_with_one_length(a, b, share):
    u, v = a.flatten(1), b.flatten(1)
    cosine = (u * v).sum(dim=1) / (u.norm() * v.norm())
    return along(cosine.acos().view(-1, 1, 1, 1), share, a, b)


def arc_of_a_unit_batch(a, b, share):
    u, v = a / a.norm(), b / torch.linalg.vector_norm(b)
    return along((u * v).sum((1, 2, 3), keepdim=True).acos(), share, a, b)


def truncated_one_by_one(T, n):
    times = []
    for i in range(n + 1):
        u = 1 - i / n
        times.append(int(u * T))
    return times


OTHER_WAYS = [
    (check_timesteps, timesteps),
    (check_ddim_step, stepping()),
    (check_slerp, arc()),
    (check_timesteps, lambda T, n: [T * i // n for i in range(n, -1, -1)]),
    (check_timesteps, lambda T, n: [math.ceil(T * (n - i) / n) for i in range(n + 1)]),
    (check_timesteps, lambda T, n: [-(-T * i // n) for i in range(n + 1)][::-1]),
    (check_timesteps, lambda T, n: torch.linspace(T, 0, n + 1).round().long().tolist()),
    (check_timesteps, lambda T, n: list(np.linspace(T, 0, n + 1).round().astype(int))),
    (check_timesteps, lambda T, n: linear_schedule(T).timesteps(n)),
    (check_ddim_step, course_utils.ddim_step),
    (check_ddim_step, step_of_floats),
    (check_ddim_step, step_at_single_precision),
    (check_ddim_step, step_with_the_schedule),
    (check_slerp, course_utils.slerp),
    (check_slerp, arc_by_similarity),
    (check_slerp, arc_of_unit_vectors),
    (check_slerp, arc_image_by_image),
]

MISTAKES = [
    (
        check_timesteps,
        lambda T, n: list(range(T, -1, -(T // n))),
        "every step is 16 long, and 30 of these cover 480 of 500",
    ),
    (check_timesteps, lambda T, n: list(range(T, 0, -(T // n))), "with T = 500 and n = 30, every step is 16 long"),
    (check_timesteps, lambda T, n: [T - i * (T // n) for i in range(n + 1)], "every step is 16 long"),
    (check_timesteps, lambda T, n: list(range(0, T, T // n))[::-1], "every step is 16 long"),
    (check_timesteps, lambda T, n: [T - i * math.ceil(T / n) for i in range(n + 1)], "the list runs past 0, to -10"),
    (check_timesteps, strides_past_zero, "the list runs past 0, to -12"),
    (check_timesteps, lambda T, n: timesteps(T, n)[::-1], "the times grow, from 0 to 500"),
    (check_timesteps, lambda T, n: [T + 1, *timesteps(T, n)[1:]], "the list holds 501, and the last time"),
    (check_timesteps, lambda T, n: timesteps(T - 1, n), "the list begins with 499"),
    (check_timesteps, lambda T, n: timesteps(T, n)[1:], "the list begins with 483"),
    (check_timesteps, lambda T, n: timesteps(T, n)[:-1], "the list ends with 17"),
    (check_timesteps, lambda T, n: [1 + t for t in timesteps(T - 1, n)], "the list ends with 1"),
    (check_timesteps, lambda T, n: [*timesteps(T, n), 0], "0 comes after 0"),
    (check_timesteps, lambda T, n: torch.linspace(T, 0, n).long().tolist(), "there are 30 times, and so 29 steps"),
    (check_timesteps, lambda T, n: timesteps(T, n + 1), "there are 32 times, and so 31 steps"),
    (
        check_timesteps,
        lambda T, n: [round(T * (i / n) ** 2) for i in range(n, -1, -1)],
        "the steps are between 1 and 33",
    ),
    (check_timesteps, lambda T, n: [T * i / n for i in range(n, -1, -1)], "the list holds a float"),
    (check_timesteps, lambda T, n: list(torch.tensor(timesteps(T, n))), "the list holds a Tensor"),
    (check_timesteps, lambda T, n: torch.tensor(timesteps(T, n)), "returns a Tensor, expected a list"),
    (check_timesteps, lambda T, n: range(T, -1, -(T // n)), "returns a range, expected a list"),
    (check_timesteps, lambda T, n: [T], "even a single step needs two times"),
    (check_timesteps, forgotten_after_the_first, "returns None: does it end with `return`"),
    (check_timesteps, lambda T, n: timesteps(T, n) if n < T else [T, *timesteps(T, n)], "12 comes after 12"),
    (check_timesteps, lambda T, n: list(range(T, -1, -(T // n))), "Where would the times lie, evenly from 500 to 0"),
    (
        check_timesteps,
        lambda T, n: [int(T * (1 - i / n)) for i in range(n + 1)],
        "with T = 500 and n = 25, 339 stands where 340 should. int() cuts off",
    ),
    (check_timesteps, truncated_one_by_one, "after rounding errors of 1 − i / n"),
    (
        check_timesteps,
        lambda T, n: [math.floor(T * (i / n)) for i in reversed(range(n + 1))],
        "with T = 100 and n = 100, 57 stands where 58 should. int() cuts off",
    ),
    (check_timesteps, lambda T, n: [T, 0], "there are 2 times, and so a single step"),
    (check_timesteps, lambda T, n: [T - i * (T // n) for i in range(n)] + [0], "the steps are between 16 and 36"),
    (
        check_ddim_step,
        stepping(sigma=lambda eta, ab, ab_prev: eta * ((1 - ab_prev) / (1 - ab) * (1 - ab_prev / ab)).sqrt()),
        "all is NaN but the steps to t_prev = 0, as is the root of a negative number",
    ),
    (
        check_ddim_step,
        lambda x, e, t, t_prev, s, eta, z: stepping()(x, e, t_prev, t, s, eta, z),
        "Or t and t_prev have changed places",
    ),
    (
        check_ddim_step,
        lambda x, e, t, t_prev, s, eta, z: step_of_floats(x, e, t_prev, t, s, eta, z),
        "A number under a root is negative",
    ),
    (check_ddim_step, step_with_alpha, "α stands where ᾱ belongs"),
    (check_ddim_step, stepping(towards=lambda ab, ab_prev, s: (1 - ab_prev).sqrt()), "σ² is missing under the root"),
    (check_ddim_step, stepping(towards=lambda ab, ab_prev, s: (1 - ab_prev - 2 * s**2).sqrt()), "taken away twice"),
    (check_ddim_step, stepping(towards=lambda ab, ab_prev, s: (1 - ab_prev - s).sqrt()), "under the root stands σ;"),
    (
        check_ddim_step,
        stepping(towards=lambda ab, ab_prev, s: (1 - ab_prev + s**2).sqrt()),
        "under the root σ² is added",
    ),
    (check_ddim_step, stepping(towards=lambda ab, ab_prev, s: 1 - ab_prev - s**2), "ε has no root"),
    (
        check_ddim_step,
        stepping(picture=lambda ab, ab_prev: ab.sqrt(), towards=lambda ab, ab_prev, s: (1 - ab - s**2).sqrt()),
        "so the step goes nowhere",
    ),
    (check_ddim_step, stepping(picture=lambda ab, ab_prev: ab.sqrt()), "x̂_0 is scaled by √ᾱ_t; where"),
    (check_ddim_step, stepping(towards=lambda ab, ab_prev, s: (1 - ab - s**2).sqrt()), "under the root stands ᾱ_t;"),
    (check_ddim_step, stepping(picture=lambda ab, ab_prev: ab_prev), "x̂_0 is scaled by ᾱ_{t'}; take the square root"),
    (check_ddim_step, stepping(picture=lambda ab, ab_prev: 1), "x̂_0 is not scaled"),
    (
        check_ddim_step,
        stepping(picture=lambda *_: 1, towards=lambda *_: 0, added=lambda *_: 0),
        "this is x̂_0 itself",
    ),
    (check_ddim_step, stepping(towards=lambda ab, ab_prev, s: 0), "ε is missing"),
    (check_ddim_step, stepping(added=lambda s, eta: 0), "z is missing: add σ z"),
    (check_ddim_step, stepping(added=lambda s, eta: s**2), "z is scaled by the variance σ²"),
    (check_ddim_step, stepping(added=lambda s, eta: eta), "z is scaled by η alone"),
    (check_ddim_step, stepping(added=lambda s, eta: 1), "z is not scaled"),
    (
        check_ddim_step,
        lambda x, e, t, t_prev, s, eta, z: (
            stepping()(x, e, t, t_prev, s, eta, z)
            + ((1 - s.alpha_bar[t_prev] - (eta * sigma_of(s, t, t_prev)) ** 2).sqrt() - eta * sigma_of(s, t, t_prev))
            * (z - e)
        ),
        "ε and z have changed places",
    ),
    (check_ddim_step, with_other_sigma(lambda s, t, t_prev: 0), "η does not come in"),
    (
        check_ddim_step,
        lambda x, e, t, t_prev, s, eta, z: stepping()(x, e, t, t_prev, s, 1.0, z),
        "η is missing in σ",
    ),
    (
        check_ddim_step,
        lambda x, e, t, t_prev, s, eta, z: stepping()(x, e, t, t_prev, s, eta**2, z),
        "η is squared",
    ),
    (
        check_ddim_step,
        lambda x, e, t, t_prev, s, eta, z: stepping()(x, e, t, t_prev, s, eta**0.5, z),
        "η stands under the roots",
    ),
    (check_ddim_step, with_other_sigma(lambda s, t, t_prev: sigma_of(s, t, t_prev) ** 2), "σ has no root"),
    (
        check_ddim_step,
        stepping(sigma=lambda eta, ab, ab_prev: eta * ((1 - ab) / (1 - ab_prev)).sqrt() * (1 - ab / ab_prev).sqrt()),
        "the first fraction in σ is upside down",
    ),
    (
        check_ddim_step,
        stepping(sigma=lambda eta, ab, ab_prev: eta * ((1 - ab_prev) / (1 - ab)).sqrt() * (1 - ab_prev / ab).sqrt()),
        "the second fraction in σ is upside down",
    ),
    (
        check_ddim_step,
        stepping(sigma=lambda eta, ab, ab_prev: eta * (1 - ab / ab_prev).sqrt()),
        "the first factor of σ is missing",
    ),
    (
        check_ddim_step,
        stepping(sigma=lambda eta, ab, ab_prev: eta * ((1 - ab_prev) / (1 - ab)).sqrt()),
        "the second factor of σ is missing",
    ),
    (check_ddim_step, with_other_sigma(single_sigma), "σ is that of a single step"),
    (
        check_ddim_step,
        with_other_sigma(
            lambda s, t, t_prev: ((1 - s.alpha_bar[t_prev]) / (1 - s.alpha_bar[t]) * (1 - s.alpha[t])).sqrt()
        ),
        "σ has 1 − α_t, of a single step",
    ),
    (check_ddim_step, stepping(lambda x, e, ab, ab_prev: x - (1 - ab).sqrt() * e), "x̂_0 is still faded"),
    (check_ddim_step, stepping(lambda x, e, ab, ab_prev: (x - (1 - ab).sqrt() * e) / ab), "x̂_0 is divided by ᾱ_t"),
    (check_ddim_step, stepping(lambda x, e, ab, ab_prev: (x - (1 - ab) * e) / ab.sqrt()), "by its variance 1 − ᾱ_t"),
    (check_ddim_step, stepping(lambda x, e, ab, ab_prev: (x + (1 - ab).sqrt() * e) / ab.sqrt()), "added once more"),
    (
        check_ddim_step,
        stepping(lambda x, e, ab, ab_prev: (x - (1 - ab_prev).sqrt() * e) / ab_prev.sqrt()),
        "x̂_0 is looked up at t_prev",
    ),
    (
        check_ddim_step,
        stepping(lambda x, e, ab, ab_prev: ((x - (1 - ab).sqrt() * e) / ab.sqrt()).clip(-1, 1)),
        "it clamps x̂_0",
    ),
    (check_ddim_step, elsewhere(end=lambda t, t_prev: t - 1), "this goes to t − 1 only"),
    (
        check_ddim_step,
        elsewhere(lambda t, t_prev: t - 1, lambda t, t_prev: t_prev - 1),
        "looks up every table one place too early",
    ),
    (check_ddim_step, ddpm(single_alpha, single_sigma), "It knows nothing of t_prev"),
    (check_ddim_step, ddpm(single_alpha, sigma_of), "only σ knows of t_prev"),
    (check_ddim_step, ddpm(alpha_of_jump, sigma_of), "the mean is that of DDPM"),
    (check_ddim_step, own_noise, "two calls with the same arguments differ: use the noise that is handed in"),
    (check_ddim_step, step_in_place, "it changes its arguments"),
    (check_ddim_step, step_that_forgets_the_end, "returns None: does it end with `return`"),
    (check_ddim_step, noise_at_the_end, "+ 0.1000 z, expected"),
    (
        check_ddim_step,
        lambda x, e, *_: 2 * x - e,
        "from t = 40 to t_prev = 20 with η = 0.5, the result is 2.0000 x_t − 1.0000 ε + 0.0000 z, expected",
    ),
    (check_slerp, lambda a, b, share: torch.lerp(a, b, share), "this is the straight line from a to b"),
    (
        check_slerp,
        lambda a, b, share: torch.lerp(a, b, share) / math.hypot(share, 1 - share),
        "this is the straight line, stretched",
    ),
    (
        check_slerp,
        lambda a, b, share: math.sqrt(1 - share) * a + math.sqrt(share) * b,
        "these are the roots √(1 − u) and √u",
    ),
    (check_slerp, lambda a, b, share: course_utils.slerp(b, a, share), "a and b have changed places"),
    (
        check_slerp,
        arc(lambda a, b: torch.cosine_similarity(a.flatten(), b.flatten(), dim=0).acos()),
        "flatten(1), not flatten()",
    ),
    (check_slerp, arc(lambda a, b: cosine(a, b).acos().mean()), "one angle, the mean of all"),
    (
        check_slerp,
        arc(lambda a, b: torch.cosine_similarity(a, b)[:, None].acos()),
        "an angle is measured for every pixel",
    ),
    (check_slerp, arc(lambda a, b: product(a, b).acos()), "divided by both lengths, since acos knows"),
    (check_slerp, arc(lambda a, b: (product(a, b) / a[0].numel()).acos()), "the cosine of Ω is the mean of a · b"),
    (
        check_slerp,
        lambda a, b, share: math.cos(share * math.pi / 2) * a + math.sin(share * math.pi / 2) * b,
        "fit a right angle",
    ),
    (check_slerp, arc(cosine), "acos is missing"),
    (
        check_slerp,
        lambda a, b, share: course_utils.slerp(a, b, share) * cosine(a, b).acos().sin(),
        "it is not divided by sin Ω",
    ),
    (
        check_slerp,
        lambda a, b, share: arc()(a / product(a, a).sqrt(), b / product(b, b).sqrt(), share),
        "the result has length 1",
    ),
    (
        check_slerp,
        lambda a, b, share: along(torch.cosine_similarity(a.flatten(1), b.flatten(1)).acos(), share, a, b),
        "see .view(-1, 1, 1, 1)",
    ),
    (check_slerp, arc_with_one_length, "the lengths are those of the whole batch"),
    (check_slerp, arc_of_a_unit_batch, "norm() without dim takes all images as one vector"),
    (
        check_slerp,
        arc(lambda a, b: product(torch.nn.functional.normalize(a), torch.nn.functional.normalize(b)).acos()),
        "the result holds NaN",
    ),
    (check_slerp, lambda a, b, share: a.lerp_(b, share), "it changes its arguments"),
    (check_slerp, lambda a, b, share: course_utils.slerp(a, b, share**2), "of the batch the result is"),
]


@pytest.mark.parametrize(("check", "attempt"), OTHER_WAYS)
def test_other_ways_to_write_it_pass_too(check, attempt):
    assert {check.verdict(attempt, seed) for seed in range(5)} == {f"✓ {check.name} is right."}


@pytest.mark.parametrize(("check", "attempt", "message"), MISTAKES, ids=[message for *_, message in MISTAKES])
def test_a_mistake_is_called_by_its_name(check, attempt, message):
    verdict = check.verdict(attempt)
    assert verdict.startswith("✗")
    assert message in verdict
