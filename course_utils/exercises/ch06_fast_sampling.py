"""The exercises of notebook 06: the DDIM step from t to any earlier time, a list of fewer times, and slerp."""

import math
from collections.abc import Callable
from itertools import pairwise
from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from ..diffusion.samplers import ddim_step, slerp
from ..diffusion.schedules import NoiseSchedule, linear_schedule
from .ch02_sampling import step_batch
from .exercise import Case, Exercise, Function
from .verdict import Mistake, answered, compare_amounts

STEPS = ((40, 20, 0.5), (60, 20, 1.0), (20, 19, 1.0), (9, 2, 0.5), (60, 10, 0.0), (20, 0, 0.5), (1, 0, 1.0))
"""t, t_prev and η of the steps that are tried: long, short, without noise, and to the end."""

NEGATIVE = (
    "as is the root of a negative number. Perhaps the second fraction in σ is upside down: it is 1 − ᾱ_t / ᾱ_{t'}, and "
    "ᾱ_{t'} is the larger one. Or t and t_prev have changed places."
)
"""What answers with NaN cannot tell apart."""


class Lookup:
    """The numbers of a step from t to t_prev. They are looked up without questions: what no table has gives NaN."""

    def __init__(self, schedule: NoiseSchedule, t: int, t_prev: int, eta: float, table: str = "alpha_bar") -> None:
        self.ab, self.ab_prev = vars(schedule)[table][t], vars(schedule)[table][t_prev]
        self.a, self.b, self.eta = self.ab.sqrt(), (1 - self.ab).sqrt(), torch.tensor(eta)
        self.first, self.second = (1 - self.ab_prev) / (1 - self.ab), 1 - self.ab / self.ab_prev
        self.sigma = eta * (self.first * self.second).sqrt()
        self.alpha, self.single_sigma = schedule.alpha[t], eta * schedule.posterior_variance[t].sqrt()


Formula = Callable[[Lookup], Tensor]


def steps_to_try(seed: int) -> list[Case]:
    """The same batches at all steps."""
    schedule, x_t, eps, z = step_batch(seed)
    return [
        Case((x_t, eps, t, t_prev, schedule, eta, z), f"from t = {t} to t_prev = {t_prev} with η = {eta:g}, ")
        for t, t_prev, eta in STEPS
    ]


def step(
    x0_hat: Callable[[Lookup, Tensor, Tensor], Tensor] = lambda k, x_t, eps: (x_t - k.b * eps) / k.a,
    sigma: Formula = lambda k: k.sigma,
    of_x0_hat: Formula = lambda k: k.ab_prev.sqrt(),
    of_eps: Formula = lambda k: (1 - k.ab_prev - k.sigma**2).sqrt(),
    of_noise: Formula = lambda k: k.sigma,
    times: Callable[[int, int], tuple[int, int]] = lambda t, t_prev: (t, t_prev),
    table: str = "alpha_bar",
) -> Function:
    """A DDIM step with other parts. Another σ counts twice, under the root and before z."""

    def wrong_step(
        x_t: Tensor, eps: Tensor, t: int, t_prev: int, schedule: NoiseSchedule, eta: float, noise: Tensor
    ) -> Tensor:
        k = Lookup(schedule, *times(t, t_prev), eta, table)
        k.sigma = sigma(k)
        return of_x0_hat(k) * x0_hat(k, x_t, eps) + of_eps(k) * eps + of_noise(k) * noise

    return wrong_step


def ddpm(alpha: Formula, sigma: Formula) -> Function:
    """DDPM's step with some α and σ, written as a DDIM step: its mean is (x_t − (1 − α) / √(1 − ᾱ_t) ε) / √α."""
    return step(
        x0_hat=lambda k, x_t, eps: x_t - (1 - alpha(k)) / k.b * eps,
        of_x0_hat=lambda k: 1 / alpha(k).sqrt(),
        of_eps=lambda k: 0 * k.ab,
        of_noise=sigma,
    )


check_ddim_step = Exercise(
    name="ddim_step",
    asks="Check `ddim_step(x_t, eps, t, t_prev, schedule, eta, noise)`: from x_t to an earlier time, near or far.",
    right=ddim_step,
    cases=steps_to_try,
    parts=lambda x_t, eps, t, t_prev, schedule, eta, noise: {"x_t": x_t, "ε": eps, "z": noise},
    hints={
        "math domain error": "A number under a root is negative. Variances are positive: which of them is not?",
        "division by zero": "Some steps have η = 0, and some end at t_prev = 0, where 1 − ᾱ_{t'} and σ are 0: nothing "
        "in (2) and (3) is divided by these.",
    },
    mistakes={
        "σ² is missing under the root: z brings noise of its own, so ε must bring less, √(1 − ᾱ_{t'} − σ²).": (
            step(of_eps=lambda k: (1 - k.ab_prev).sqrt())
        ),
        "σ² is taken away twice under the root.": step(of_eps=lambda k: (1 - k.ab_prev - 2 * k.sigma**2).sqrt()),
        "under the root stands σ; it takes the variance, σ².": step(of_eps=lambda k: (1 - k.ab_prev - k.sigma).sqrt()),
        "under the root σ² is added; z brings noise of its own, so take it away.": (
            step(of_eps=lambda k: (1 - k.ab_prev + k.sigma**2).sqrt())
        ),
        "ε has no root: it is scaled by √(1 − ᾱ_{t'} − σ²).": step(of_eps=lambda k: 1 - k.ab_prev - k.sigma**2),
        "x̂_0 and ε have ᾱ_t where ᾱ_{t'} belongs, so the step goes nowhere: look that up at t_prev.": (
            step(of_x0_hat=lambda k: k.a, of_eps=lambda k: (1 - k.ab - k.sigma**2).sqrt())
        ),
        "x̂_0 is scaled by √ᾱ_t; where the step ends it is √ᾱ_{t'}, looked up at t_prev.": step(of_x0_hat=lambda k: k.a),
        "under the root stands ᾱ_t; where the step ends it is ᾱ_{t'}, looked up at t_prev.": (
            step(of_eps=lambda k: (1 - k.ab - k.sigma**2).sqrt())
        ),
        "x̂_0 is scaled by ᾱ_{t'}; take the square root.": step(of_x0_hat=lambda k: k.ab_prev),
        "x̂_0 is not scaled: at t_prev the picture is faded by √ᾱ_{t'}.": step(of_x0_hat=lambda k: k.ab / k.ab),
        "this is x̂_0 itself: put the noise of time t_prev back in.": (
            lambda x_t, eps, t, t_prev, schedule, eta, noise: schedule.predict_x0(x_t, t, eps)
        ),
        "ε is missing: at t_prev there is still noise in the picture.": step(of_eps=lambda k: 0 * k.ab),
        "z is missing: add σ z.": step(of_noise=lambda k: 0 * k.ab),
        "z is scaled by the variance σ²; it takes the standard deviation σ.": step(of_noise=lambda k: k.sigma**2),
        "z is scaled by η alone: it takes σ.": step(of_noise=lambda k: k.eta),
        "z is not scaled: it takes σ.": step(of_noise=lambda k: k.ab / k.ab),
        "ε and z have changed places: z takes σ.": (
            step(of_eps=lambda k: k.sigma, of_noise=lambda k: (1 - k.ab_prev - k.sigma**2).sqrt())
        ),
        "η does not come in: this is the step of η = 0.": step(sigma=lambda k: 0 * k.sigma),
        "η is missing in σ: with η = 0 nothing may be added.": step(sigma=lambda k: (k.first * k.second).sqrt()),
        "η is squared: σ is η times the two roots.": step(sigma=lambda k: k.eta * k.sigma),
        "η stands under the roots of σ; it belongs before them.": (
            step(sigma=lambda k: (k.eta * k.first * k.second).sqrt())
        ),
        "σ has no root: these are variances, and z takes the standard deviation.": (
            step(sigma=lambda k: k.eta * k.first * k.second)
        ),
        "the first fraction in σ is upside down: it is (1 − ᾱ_{t'}) / (1 − ᾱ_t), and less than 1.": (
            step(sigma=lambda k: k.eta * (k.second / k.first).sqrt())
        ),
        f"all is NaN, {NEGATIVE}": (step(sigma=lambda k: k.eta * k.first.sqrt() * (1 - k.ab_prev / k.ab).sqrt())),
        f"all is NaN but the steps to t_prev = 0, {NEGATIVE}": (
            step(sigma=lambda k: k.eta * (k.first * (1 - k.ab_prev / k.ab)).sqrt())
        ),
        "the first factor of σ is missing: √((1 − ᾱ_{t'}) / (1 − ᾱ_t)).": step(sigma=lambda k: k.eta * k.second.sqrt()),
        "the second factor of σ is missing: √(1 − ᾱ_t / ᾱ_{t'}).": step(sigma=lambda k: k.eta * k.first.sqrt()),
        "σ has 1 − α_t, of a single step. A longer one adds more: it takes 1 − ᾱ_t / ᾱ_{t'}.": (
            step(sigma=lambda k: k.eta * (k.first * (1 - k.alpha)).sqrt())
        ),
        "σ is that of a single step, from t to t − 1. A longer one adds more: look up ᾱ_{t'} at t_prev.": (
            step(sigma=lambda k: k.single_sigma)
        ),
        "x̂_0 is still faded: divide it by √ᾱ_t.": step(lambda k, x_t, eps: x_t - k.b * eps),
        "x̂_0 is divided by ᾱ_t; the picture was multiplied by √ᾱ_t.": (
            step(lambda k, x_t, eps: (x_t - k.b * eps) / k.ab)
        ),
        "in x̂_0 the noise is scaled by its variance 1 − ᾱ_t; take the square root.": (
            step(lambda k, x_t, eps: (x_t - k.b**2 * eps) / k.a)
        ),
        "in x̂_0 the noise is added once more instead of being removed.": (
            step(lambda k, x_t, eps: (x_t + k.b * eps) / k.a)
        ),
        "x̂_0 is looked up at t_prev. The noise was seen at time t, so it takes ᾱ_t.": (
            step(lambda k, x_t, eps: (x_t - (1 - k.ab_prev).sqrt() * eps) / k.ab_prev.sqrt())
        ),
        "it clamps x̂_0 to [−1, 1]. A wrapper may want that later; this formula does not do it.": (
            step(lambda k, x_t, eps: ((x_t - k.b * eps) / k.a).clamp(-1, 1))
        ),
        "α stands where ᾱ belongs. α_t is what one step keeps, ᾱ_t what all steps up to t keep together.": (
            step(table="alpha")
        ),
        "this goes to t − 1 only. Look up ᾱ at t_prev, which may be much earlier.": (
            step(times=lambda t, t_prev: (t, t - 1))
        ),
        "this looks up every table one place too early. They begin with the clean image at index 0, so time t is index "
        "t.": step(times=lambda t, t_prev: (t - 1, t_prev - 1)),
        "this is DDPM's step from t to t − 1, with β_t and α_t. It knows nothing of t_prev.": (
            ddpm(lambda k: k.alpha, sigma=lambda k: k.single_sigma)
        ),
        "this is DDPM's step from t to t − 1, with β_t and α_t, and only σ knows of t_prev.": (
            ddpm(lambda k: k.alpha, sigma=lambda k: k.sigma)
        ),
        "the mean is that of DDPM, which is right for η = 1 alone. For others ε takes √(1 − ᾱ_{t'} − σ²).": (
            ddpm(lambda k: k.ab / k.ab_prev, sigma=lambda k: k.sigma)
        ),
    },
)


def walks_to_try(seed: int) -> list[Case]:
    """T and n: where n does not divide T, where it does, all times, and a single step."""
    return [Case(numbers) for numbers in ((500, 30 + seed), (500, 25), (10, 7), (12, 12), (100, 100), (5, 1), (1, 1))]


def walk(timesteps: Callable[[int, int], Any], T: int, n: int) -> Tensor:
    """Raise what is wrong with a list of times; there is nothing to compare, since any way of rounding is right."""
    times = answered(timesteps(T, n))
    if found := wrong_entries(times) or wrong_ends(times, T, n) or wrong_steps(times, T, n):
        raise Mistake(f"with T = {T} and n = {n}, {found}")
    return torch.zeros(())


def wrong_entries(times: Any) -> str | None:
    """Say that this is no list of whole numbers."""
    if not isinstance(times, list):
        return f"it returns a {type(times).__name__}, expected a list of whole numbers."
    for t in times:
        if not isinstance(t, Integral):
            return f"the list holds a {type(t).__name__}, expected whole numbers: //, round and .tolist() make them."
    return None


def wrong_ends(times: list[int], T: int, n: int) -> str | None:
    """Say that the list does not go down from T to 0."""
    if len(times) < 2:
        return f"the list is {times}, but even a single step needs two times: where it starts and where it ends."
    steps = [t - t_prev for t, t_prev in pairwise(times)]
    if max(steps) < 0:
        return f"the times grow, from {times[0]} to {times[-1]}. Sampling begins with noise, at T, and goes down to 0."
    if min(times) < 0:
        return (
            f"the list runs past 0, to {min(times)}. There is no such time, and a table, asked for index {min(times)}, "
            "answers from its end: no error, only a wrong picture."
        )
    if max(times) > T:
        return f"the list holds {max(times)}, and the last time that the schedule knows is T = {T}."
    if T % n and set(steps) in ({T // n}, {T // n + 1}):
        return (
            f"every step is {steps[0]} long, and {n} of these cover {n * steps[0]} of {T}: steps of one length do not "
            f"fit. Where would the times lie, evenly from {T} to 0, if they did not have to be whole?"
        )
    if times[0] != T:
        return f"the list begins with {times[0]}: pure noise is at T = {T}, and sampling begins there."
    if times[-1] != 0:
        return f"the list ends with {times[-1]}: the finished picture is at 0, so that is the last time."
    return None


def wrong_steps(times: list[int], T: int, n: int) -> str | None:
    """Say what is wrong with the steps of a list from T to 0; of n even ones no two differ by more than 1."""
    steps = [t - t_prev for t, t_prev in pairwise(times)]
    if len(steps) == n and min(steps) > 0 and max(steps) - min(steps) <= 1:
        return None
    if len(steps) == n and (found := cut_off(times, T, n)):
        return found
    if min(steps) <= 0:
        where = next(i for i, step in enumerate(steps) if step <= 0)
        return f"{times[where + 1]} comes after {times[where]}: every time must be smaller than the one before."
    if len(steps) != n:
        counted = f"{len(steps)} steps" if len(steps) > 1 else "a single step"
        return f"there are {len(times)} times, and so {counted}: n steps need n + 1 times."
    return (
        f"the steps are between {min(steps)} and {max(steps)} long. As equal as whole numbers allow means that no two "
        "differ by more than 1."
    )


def cut_off(times: list[int], T: int, n: int) -> str | None:
    """Say that all times are rounded down, and that some, after an error of floating point, have lost a whole 1."""
    floors = [(T * i // n, T * i % n) for i in range(n, -1, -1)]
    lower = [(t, floor, rest) for t, (floor, rest) in zip(times, floors, strict=True) if t != floor]
    if not lower or any(t != floor - 1 or rest for t, floor, rest in lower):  # only what should be whole can lose 1
        return None
    t = lower[0][0]
    return (
        f"{t} stands where {t + 1} should. int() cuts off what follows the decimal point, after rounding errors of "
        "1 − i / n, or of another fraction, have left a number just below a whole one."
    )


check_timesteps = Exercise(
    name="timesteps",
    asks="Check `timesteps(T, n)`: a list of n + 1 whole numbers that fall from T to 0 in steps as equal as can be.",
    right=lambda T, n: linear_schedule(T).timesteps(n),
    cases=walks_to_try,
    run=walk,
    mistakes={
        "expected a list of whole numbers": lambda T, n: range(T, -1, -(T // n)),
        "the list holds a float": lambda T, n: [T * i / n for i in range(n, -1, -1)],
        "even a single step needs two times": lambda T, n: [T],
        "the times grow": lambda T, n: [T * i // n for i in range(n + 1)],
        "the list runs past 0": lambda T, n: [T - i * -(-T // n) for i in range(n + 1)],
        "and the last time that the schedule knows is": lambda T, n: [T * i // n + 1 for i in range(n, -1, -1)],
        "steps of one length do not fit": lambda T, n: [T - i * (T // n) for i in range(n + 1)],
        "the list begins with": lambda T, n: [T * i // n for i in range(n - 1, -1, -1)],
        "the list ends with": lambda T, n: [T * i // n for i in range(n, 0, -1)],
        "int() cuts off": lambda T, n: [int(T * (1 - i / n)) for i in range(n + 1)],
        "every time must be smaller": lambda T, n: [*(T * i // n for i in range(n, -1, -1)), 0],
        "n steps need n + 1 times": lambda T, n: torch.linspace(T, 0, n).round().long().tolist(),
        "the steps are between": lambda T, n: [*(T - i * (T // n) for i in range(n)), 0],
    },
)


def noises(seed: int) -> list[Case]:
    """Six pairs of noises with six different angles and lengths, none of them right and none 1."""
    a, other = torch.randn((2, 6, 3, 5, 4), generator=torch.Generator().manual_seed(seed))
    common, size = (column(torch.linspace(low, high, 6)) for low, high in ((0.2, 0.8), (0.6, 1.1)))
    a, b = size.flip(0) * a, size * (common * a + (1 - common**2).sqrt() * other)
    return [Case((a, b, share), f"with share = {share:g}, ") for share in (0.25, 0.5, 0.9, 0.0, 1.0)]


def column(numbers: Tensor) -> Tensor:
    """One number for each image, shaped to multiply a batch."""
    return numbers.view(-1, 1, 1, 1)


def dot(a: Tensor, b: Tensor) -> Tensor:
    """The dot product of each pair of images."""
    return column((a * b).flatten(1).sum(1))


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """The cosine of the angle of each pair of images."""
    return dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()


def arc(angle: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor, float], Tensor]:
    """Equation (4) with another Ω."""

    def wrong_slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
        omega = angle(a, b)
        return (((1 - share) * omega).sin() * a + (share * omega).sin() * b) / omega.sin()

    return wrong_slerp


def amounts_in_an_image(got: Tensor, truth: Tensor, a: Tensor, b: Tensor, share: float) -> str | None:
    """Say how much of a and b the worst image holds."""
    i = int((got - truth).abs().flatten(1).amax(1).argmax())
    amounts = compare_amounts(got[i], truth[i], {"a": a[i], "b": b[i]})
    return amounts and f"in image {i} of the batch {amounts}"


check_slerp = Exercise(
    name="slerp",
    asks="Check `slerp(a, b, share)`: from a to b along an arc, each image by its own angle.",
    right=slerp,
    cases=noises,
    diagnoses=(amounts_in_an_image,),
    mistakes={
        "this is the straight line from a to b. What lies between is too short: half-way between two noises the "
        "standard deviation is about 0.7, and the model was trained on 1.": torch.lerp,
        "this is the straight line, stretched. That is good only where a and b have nothing in common; the arc takes "
        "sines of Ω.": lambda a, b, share: torch.lerp(a, b, share) / math.hypot(1 - share, share),
        "these are the roots √(1 − u) and √u. They keep the variance where a and b have nothing in common, and are not "
        "the arc: it takes sines of Ω.": lambda a, b, share: math.sqrt(1 - share) * a + math.sqrt(share) * b,
        "a and b have changed places: share 0 is all a.": lambda a, b, share: slerp(b, a, share),
        "one angle serves the whole batch. Each image has its own: flatten(1), not flatten().": (
            arc(lambda a, b: ((a * b).sum() / (a.norm() * b.norm())).acos())
        ),
        "one angle, the mean of all, serves the whole batch. Each image has its own.": (
            arc(lambda a, b: cosine(a, b).acos().mean())
        ),
        "the lengths are those of the whole batch: norm() without dim takes all images as one vector, and so all "
        "angles come out too near to 90°. Each image has a length of its own.": (
            arc(lambda a, b: (dot(a, b) / (a.norm() * b.norm())).acos())
        ),
        "an angle is measured for every pixel. An image is one vector: flatten(1) first.": (
            arc(lambda a, b: torch.cosine_similarity(a.double(), b.double())[:, None].acos().float())
        ),
        "all is NaN: the dot product of two images must be divided by both lengths, since acos knows only −1 … 1.": (
            arc(lambda a, b: dot(a, b).acos())
        ),
        "the cosine of Ω is the mean of a · b, which is so only where both have standard deviation 1. Divide the dot "
        "product by both lengths.": arc(lambda a, b: (dot(a, b) / a[0].numel()).acos()),
        "cosine and sine of u · 90° fit a right angle, which noises have only on average: measure Ω.": (
            arc(lambda a, b: torch.tensor(torch.pi / 2))
        ),
        "the cosine of Ω serves as Ω: acos is missing.": arc(cosine),
        "it is not divided by sin Ω, so it does not begin at a.": (
            lambda a, b, share: slerp(a, b, share) * cosine(a, b).acos().sin()
        ),
        "the result has length 1. Unit vectors serve to find Ω; then mix a and b as they are.": (
            lambda a, b, share: slerp(a / dot(a, a).sqrt(), b / dot(b, b).sqrt(), share)
        ),
    },
)
