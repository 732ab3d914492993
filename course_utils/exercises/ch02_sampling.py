"""The exercises of notebook 02: the posterior mean μ̃_t, the DDPM step, and ancestral sampling, to write and to mend."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import torch
from torch import Tensor

from ..diffusion.models import Model
from ..diffusion.oracles import GaussianDenoiser
from ..diffusion.posterior import fixed_large, fixed_small
from ..diffusion.samplers import ddpm_step, sample
from ..diffusion.schedules import NoiseSchedule, linear_schedule
from .exercise import Case, Exercise, Function
from .verdict import Mistake, agree, amounts_of

TIMES = (60, 20, 2, 1)
"""Where steps are tried: at T, in the middle, and at the last two, where indices and noise go wrong."""

SHIFTED = "this looks up every table at t − 1. They begin with the clean image at index 0, so time t is index t."

HINTS = {
    "size of tensor a (61)": "61 numbers are a whole table, one for each time 0 … T: take the one that belongs to t.",
    "out of bounds": "The tables hold the times 0 … T: time t is index t.",
}


class Lookup:
    """The numbers of a schedule at one time, and the two weights of the posterior mean."""

    def __init__(self, schedule: NoiseSchedule, t: int) -> None:
        self.t, self.ab, self.ab_prev = t, schedule.alpha_bar[t], schedule.alpha_bar[t - 1]
        self.alpha, self.beta, self.sigma = schedule.alpha[t], schedule.beta[t], schedule.posterior_variance[t].sqrt()
        self.a, self.b = self.ab.sqrt(), (1 - self.ab).sqrt()
        self.of_x0 = self.ab_prev.sqrt() * self.beta / (1 - self.ab)
        self.of_x_t = self.alpha.sqrt() * (1 - self.ab_prev) / (1 - self.ab)


Number = Callable[[Lookup], Tensor | float]


def step_batch(seed: int = 0) -> tuple[NoiseSchedule, Tensor, Tensor, Tensor]:
    """A schedule, and x_t, ε and z; any x_t will do. No two sides of a batch agree, so wrong shapes do not pass."""
    x_t, eps, z = torch.randn((3, 6, 3, 5, 4), generator=torch.Generator().manual_seed(seed))
    schedule = linear_schedule(60)
    _ = schedule.posterior_variance  # it is computed when first read; if that comes later, no change of it is seen
    return schedule, x_t, eps, z


def steps(seed: int) -> list[Case]:
    """The same x_t, ε and z at several times."""
    schedule, x_t, eps, z = step_batch(seed)
    return [Case((x_t, eps, t, t - 1, schedule, z), f"at t = {t}, ") for t in TIMES]


def means(seed: int) -> list[Case]:
    """The same without z."""
    return [Case((x_t, eps, t, schedule), where) for (x_t, eps, t, _, schedule, _), where in steps(seed)]


def posterior(
    of_x0: Number = lambda k: k.of_x0,
    of_x_t: Number = lambda k: k.of_x_t,
    of_eps: Number = lambda k: k.b,
    divisor: Number = lambda k: k.a,
    highest: float = torch.inf,
) -> Function:
    """A posterior mean with other weights, or with another x̂_0, (x_t − of_eps ε) / divisor."""

    def attempt(x_t: Tensor, eps: Tensor, t: int, schedule: NoiseSchedule) -> Tensor:
        k = Lookup(schedule, t)
        x0_hat = ((x_t - of_eps(k) * eps) / divisor(k)).clamp(-highest, highest)
        return of_x0(k) * x0_hat + of_x_t(k) * x_t

    return attempt


check_posterior_mean = Exercise(
    name="posterior_mean",
    asks="Check `posterior_mean(x_t, eps, t, schedule)`: the mean of x_{t−1}, given x_t and the x̂_0 that ε implies.",
    right=lambda x_t, eps, t, schedule: ddpm_step(x_t, eps, t, t - 1, schedule, noise=torch.zeros_like(x_t)),
    cases=means,
    mistakes={
        "x̂_0 is still faded: divide it by √ᾱ_t.": posterior(divisor=lambda k: 1),
        "this divides by ᾱ_t in x̂_0; the picture was multiplied by √ᾱ_t.": posterior(divisor=lambda k: k.ab),
        "in x̂_0 the noise is scaled by its variance 1 − ᾱ_t; take the square root.": (
            posterior(of_eps=lambda k: 1 - k.ab)
        ),
        "in x̂_0 the noise is added once more instead of being removed.": posterior(of_eps=lambda k: -k.b),
        "it clamps x̂_0 to [−1, 1]. A sampler may want that later; this formula does not do it.": posterior(highest=1),
        "ε stands where x̂_0 belongs: find the clean picture first.": (
            lambda x_t, eps, t, schedule: (k := Lookup(schedule, t)).of_x0 * eps + k.of_x_t * x_t
        ),
        "this is x̂_0 itself. The step goes only to t − 1: it mixes x̂_0 with x_t.": (
            posterior(lambda k: 1, lambda k: 0)
        ),
        "both weights have ᾱ_t where ᾱ_{t−1} belongs: look that up with t - 1.": (
            posterior(lambda k: k.a * k.beta / (1 - k.ab), lambda k: k.alpha.sqrt())
        ),
        "the weight of x̂_0 has ᾱ_t where ᾱ_{t−1} belongs: look that up with t - 1.": (
            posterior(lambda k: k.a * k.beta / (1 - k.ab))
        ),
        "the weight of x_t has ᾱ_t where ᾱ_{t−1} belongs: look that up with t - 1.": (
            posterior(of_x_t=lambda k: k.alpha.sqrt())
        ),
        "the two weights have changed places: the one with β_t belongs to x̂_0.": (
            posterior(lambda k: k.of_x_t, lambda k: k.of_x0)
        ),
        "the weight of x̂_0 has ᾱ_{t−1} without its square root.": posterior(lambda k: k.of_x0 * k.ab_prev.sqrt()),
        "the weight of x_t has α_t without its square root.": posterior(of_x_t=lambda k: k.of_x_t * k.alpha.sqrt()),
        "both weights lack their square root: √ᾱ_{t−1} and √α_t.": (
            posterior(lambda k: k.of_x0 * k.ab_prev.sqrt(), lambda k: k.of_x_t * k.alpha.sqrt())
        ),
        "the weight of x̂_0 has √β_t; it takes β_t itself.": posterior(lambda k: k.of_x0 / k.beta.sqrt()),
        "the weight of x_t has ᾱ_t where α_t belongs: the product where this one step is meant.": (
            posterior(of_x_t=lambda k: k.a * (1 - k.ab_prev) / (1 - k.ab))
        ),
        "the weights are not divided by 1 − ᾱ_t.": (
            posterior(lambda k: k.of_x0 * (1 - k.ab), lambda k: k.of_x_t * (1 - k.ab))
        ),
        SHIFTED: lambda x_t, eps, t, schedule: posterior()(x_t, eps, t - 1, schedule),
    },
    parts=lambda x_t, eps, t, schedule: {"x̂_0": schedule.predict_x0(x_t, t, eps), "x_t": x_t},
    hints=HINTS,
    source="the mean of a step holds no noise: σ_t z comes in exercise 2",
)


def step(
    of_eps: Number = lambda k: k.beta / k.b,
    divisor: Number = lambda k: k.alpha.sqrt(),
    sigma: Number = lambda k: k.sigma,
) -> Function:
    """A DDPM step with other numbers: (x_t − of_eps ε) / divisor + σ z."""

    def attempt(x_t: Tensor, eps: Tensor, t: int, t_prev: int, schedule: NoiseSchedule, noise: Tensor) -> Tensor:
        k = Lookup(schedule, t)
        return (x_t - of_eps(k) * eps) / divisor(k) + sigma(k) * noise

    return attempt


def none_at_the_end(sigma: Number) -> Number:
    """The same σ_t, but for σ_1 = 0."""
    return lambda k: sigma(k) if k.t > 1 else 0


SIGMAS: dict[str, Number] = {
    "z is scaled by β_t. That is a variance, and not the one asked for: σ_t = √β̃_t, the square root of the "
    "posterior variance.": lambda k: k.beta,
    "this takes σ_t = √β_t, the other choice in the literature. √β_t is exact for other data (section 5 compares the "
    "two); this exercise asks for the posterior one, √β̃_t.": lambda k: k.beta.sqrt(),
    "z is not scaled: multiply it by σ_t = √β̃_t.": lambda k: 1,
}
"""Other σ_t; the right one is 0 at t = 1, and these are not."""

NOISE_AT_THE_END = "noise is added too. The last step ends at the finished picture and adds none: σ_1 = 0."


def noise_at_the_end(
    got: Tensor, truth: Tensor, x_t: Tensor, eps: Tensor, t: int, t_prev: int, schedule: NoiseSchedule, z: Tensor
) -> str | None:
    """Say that the last step adds noise, of whatever size."""
    return NOISE_AT_THE_END if t == 1 and amounts_of(got - truth, z) else None


check_ddpm_step = Exercise(
    name="ddpm_step",
    asks="Check `ddpm_step(x_t, eps, t, t_prev, schedule, noise)`: from x_t to x_{t−1}, with the posterior variance.",
    right=lambda x_t, eps, t, t_prev, schedule, noise: ddpm_step(x_t, eps, t, t_prev, schedule, noise=noise),
    cases=steps,
    mistakes={
        "z is missing: without fresh noise all samples shrink towards the average.": step(sigma=lambda k: 0),
        "ε is scaled by √β_t / √(1 − ᾱ_t); it takes β_t itself.": step(lambda k: k.beta.sqrt() / k.b),
        "ε is scaled by β_t / (1 − ᾱ_t); take the square root of 1 − ᾱ_t.": step(lambda k: k.beta / (1 - k.ab)),
        "ε is scaled with ᾱ_{t−1}; the noise seen in x_t is that of time t, √(1 − ᾱ_t).": (
            step(lambda k: k.beta / (1 - k.ab_prev).sqrt())
        ),
        "ε is added; it should be taken away.": step(lambda k: -k.beta / k.b),
        "the mean is not rescaled: divide by √α_t what is left when some noise is gone.": step(divisor=lambda k: 1),
        "only ε is divided by √α_t: brackets around the whole difference.": (
            step(lambda k: k.beta / k.b / k.alpha.sqrt(), lambda k: 1)
        ),
        "only x_t is divided by √α_t: brackets around the whole difference.": (
            step(lambda k: k.beta / k.b * k.alpha.sqrt())
        ),
        "the mean is divided by √ᾱ_t. That leads to the clean picture; one step is undone by √α_t.": (
            step(divisor=lambda k: k.a)
        ),
        "the mean is divided by α_t; take the square root.": step(divisor=lambda k: k.alpha),
        "the mean is multiplied by √α_t where it should be divided.": step(divisor=lambda k: 1 / k.alpha.sqrt()),
        "z is divided by √α_t as well: it comes after the brackets.": step(sigma=lambda k: k.sigma / k.alpha.sqrt()),
        SHIFTED: lambda x_t, eps, t, t_prev, schedule, z: step()(x_t, eps, t - 1, t_prev - 1, schedule, z),
        "z is scaled by the variance β̃_t; it takes the standard deviation, its square root.": (
            step(sigma=lambda k: k.sigma**2)
        ),
        **{sentence: step(sigma=none_at_the_end(sigma)) for sentence, sigma in SIGMAS.items()},
        **{
            f"{sentence} And noise is added at t = 1 too, to the finished picture.": step(sigma=sigma)
            for sentence, sigma in SIGMAS.items()
        },
        f"at t = 1, {NOISE_AT_THE_END}": step(sigma=lambda k: k.sigma if k.t > 1 else 1),
    },
    parts=lambda x_t, eps, t, t_prev, schedule, noise: {"x_t": x_t, "ε": eps, "z": noise},
    diagnoses=(noise_at_the_end,),
    hints=HINTS,
)


def loop(
    times: Callable[[int], Iterable[int]] = lambda T: range(T, 0, -1),
    anew: bool = False,
    restart: bool = False,
    ask_once: bool = False,
    draw_once: bool = False,
    draws: Callable[[int], bool] = lambda t: True,
    beta: bool = False,
    earlier: int = 0,
) -> Function:
    """A sampling loop along other times, with x drawn anew or x_T at each, one ε or z for all, no z, or σ_t = √β_t.

    Or the model is told an earlier time than that of its x.
    """

    def attempt(model: Model, x_T: Tensor, schedule: NoiseSchedule, generator: torch.Generator) -> Tensor:
        x, eps, z = x_T, None, None
        for t in times(schedule.T):
            x = torch.randn(x.shape, generator=generator) if anew else x_T if restart else x
            if eps is None or not ask_once:
                eps = model(x, torch.full((len(x),), t - earlier), None)
            if z is None or not draw_once:
                z = torch.randn(x.shape, generator=generator) if draws(t) else torch.zeros_like(x)
            x = ddpm_step(x, eps, t, t - 1, schedule, fixed_large if beta else fixed_small, z)
        return x

    return attempt


def sampling_loop(model: Model, x: Tensor, schedule: NoiseSchedule, generator: torch.Generator | None) -> Tensor:
    """Sample along all times with the package's step."""
    *_, last = sample(model, x, schedule.timesteps(schedule.T), schedule, ddpm_step, generator=generator)
    return last.x


def strict_model(schedule: NoiseSchedule) -> Model:
    """A denoiser whose answer depends smoothly on x and t, and which is as strict about t as the network is."""
    mean = torch.linspace(-1, 1, 48).view(3, 4, 4)
    oracle = GaussianDenoiser(mean, 0.2 + mean.abs(), schedule)

    def model(x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        if not isinstance(t, Tensor) or t.shape != x.shape[:1] or t.is_floating_point():
            got = f"{t.dtype} {tuple(t.shape)}" if isinstance(t, Tensor) else repr(t)
            raise ValueError(f"the model wants t as whole numbers, one for each image, shape ({len(x)},), got {got}")
        return oracle(x, t, c)

    return model


def starts(seed: int) -> list[Case]:
    """A model, pure noise, a short schedule, and a seed for the generator, which not every torch can copy."""
    schedule = linear_schedule(12, 0.02, 0.4, stated_for=12)
    x = torch.randn((5, 3, 4, 4), generator=torch.Generator().manual_seed(seed + 1))
    return [Case((strict_model(schedule), x, schedule, seed))]


def own_generator(seed: int) -> torch.Generator:
    """With a seed that no student hands in by chance."""
    return torch.Generator().manual_seed(52_711 + seed)


TOLD_EARLIER = "the model is told t − 1. Tell it the time of the x_t that it gets, t."


def told_earlier(function: Function, model: Model, x: Tensor, schedule: NoiseSchedule, seed: int) -> bool:
    """Whether all that is wrong with a loop is that it tells the model t − 1: a model that adds one mends it."""

    def one_later(x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        return model(x, t + 1, c)

    try:
        got = function(one_later, x, schedule, own_generator(seed))
    except Exception:  # then something else is wrong, of which the first error tells more
        return False
    return agree(got, sampling_loop(model, x, schedule, own_generator(seed)))


def with_generator(function: Function, model: Model, x: Tensor, schedule: NoiseSchedule, seed: int) -> object:
    """Call a sampling loop with a new generator; where the model is asked about t = 0, see whether it is told t − 1."""
    try:
        return function(model, x, schedule, own_generator(seed))
    except ValueError as error:
        if "got 0…" in str(error) and told_earlier(function, model, x, schedule, seed):
            raise Mistake(TOLD_EARLIER) from error
        raise


UPWARDS = "it counts up, from 1 to T. Pure noise is x_T, so the loop begins at T and counts down"
ANEW = (
    "x is drawn anew inside the loop, so each step begins with pure noise and forgets what the steps before it have "
    "done. Only z is drawn there; x is what the last step gave."
)


def drawn_anew(got: Tensor, truth: Tensor, model: Model, x: Tensor, schedule: NoiseSchedule, seed: int) -> str | None:
    """Say that the last step began with noise: at t = 1 so little is changed that what was drawn can be recognised."""
    generator = own_generator(seed)
    draws = [torch.randn(x.shape, generator=generator) for _ in range(3 * schedule.T)]
    alike = torch.corrcoef(torch.stack([batch.flatten() for batch in (got, *draws)]))[0, 1:]
    return ANEW if alike.max() > 0.98 else None


check_sampling_loop = Exercise(
    name="sampling_loop",
    asks="Check `sampling_loop(model, x, schedule, generator)`: from pure noise x to a sample, one step for each time.",
    right=sampling_loop,
    cases=starts,
    mistakes={
        f"{UPWARDS}.": loop(lambda T: range(1, T + 1)),
        f"{UPWARDS} to 1.": loop(lambda T: range(1, T + 1), draws=lambda t: t > 1),
        "it begins at T − 1. Our tables begin with the clean image at index 0, so the times are T, T − 1, …, 1.": (
            loop(lambda T: range(T - 1, 0, -1))
        ),
        "it stops at t = 2. The last step, from 1 to 0, is missing: range(T, 0, -1) ends with 1.": (
            loop(lambda T: range(T, 1, -1))
        ),
        "every step adds the same z. Draw a new one inside the loop.": loop(draw_once=True),
        "no noise is added. Draw a z for each step from the generator.": loop(draws=lambda t: False),
        "the model is asked only once, before the loop. Ask it again at every step, about the new x.": (
            loop(ask_once=True)
        ),
        "every step begins at x_T again, and only the last one counts: put the result of a step back into x.": (
            loop(restart=True)
        ),
        "it returns after the first step: `return` belongs behind the loop, not into it.": loop(lambda T: [T]),
        "it returns the noise it began with: put the result of a step back into x, and see that the loop runs.": loop(
            lambda T: []
        ),
        "the loop is right, but the steps add √β_t z; those of exercise 2 add √β̃_t z.": loop(beta=True),
        "x is drawn anew before the loop. Begin with the x that is handed in.": (
            lambda model, x, schedule, generator: loop()(
                model, torch.randn(x.shape, generator=generator), schedule, generator
            )
        ),
        ANEW: loop(anew=True),
        TOLD_EARLIER: loop(earlier=1),
    },
    run=with_generator,
    diagnoses=(drawn_anew,),
    hints={
        "t must lie in 1…12, got 13": "Pure noise is x_T: the first step begins at T.",
        "t must lie in 1…12, got 0…": "Times run from T down to 1: there is no step from 0, where the clean picture "
        "stands. And the model is told t, not t − 1.",
    },
    source="draw all noise from the generator that is handed in",
)

check_mended_loop = replace(
    check_sampling_loop,
    name="mended_loop",
    asks="Check `mended_loop(model, x, schedule, generator)`: a stranger's loop, with its two mistakes mended.",
    given=loop(lambda T: range(T, 1, -1), draw_once=True),
)
