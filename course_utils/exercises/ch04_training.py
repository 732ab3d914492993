"""The exercises of notebook 04: the loss of DDPM, the training loop, its learning rate, the EMA, and leaks."""

import math
from collections.abc import Callable, Iterable
from itertools import islice
from numbers import Real
from typing import Any

import torch
from torch import Tensor, nn

from ..diffusion.losses import diffusion_loss
from ..diffusion.schedules import NoiseSchedule
from .ch01_intuition import Lookup, same_noise
from .exercise import Case, Exercise, Function
from .verdict import Mistake, NotAttempted, agree, answered, compare_amounts, is_stub, unchanged, wrong_numbers

MIXED: dict[str, Callable[[Lookup, Tensor, Tensor], Tensor]] = {
    "the model is asked about the clean picture: add the noise first.": lambda k, x0, eps: x0,
    "the model is asked about the noise alone: mix it with the picture.": lambda k, x0, eps: eps,
    "the noise in x_t is scaled by 1 − ᾱ_t. That is its variance; numbers are scaled by the standard deviation, its "
    "square root.": lambda k, x0, eps: k.a * x0 + k.b**2 * eps,
    "the picture in x_t is scaled by ᾱ_t; the formula has √ᾱ_t.": lambda k, x0, eps: k.ab * x0 + k.b * eps,
    "both square roots are missing in x_t.": lambda k, x0, eps: k.ab * x0 + k.b**2 * eps,
    "picture and noise have changed places in x_t: √ᾱ_t belongs to x_0.": lambda k, x0, eps: k.b * x0 + k.a * eps,
    "x_t is a single step, with α_t and β_t. The jump from the clean picture uses ᾱ_t.": (
        lambda k, x0, eps: k.alpha.sqrt() * x0 + k.beta.sqrt() * eps
    ),
    "x_t is made with ᾱ_{t−1}. Our tables begin with the clean image at index 0, so time t is index t.": (
        lambda k, x0, eps: k.ab_prev.sqrt() * x0 + (1 - k.ab_prev).sqrt() * eps
    ),
    "the noise in x_t is not scaled.": lambda k, x0, eps: k.a * x0 + eps,
}
"""Wrong ways to mix picture and noise, by what is said of them."""

COMPARED: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]] = {
    "the loss is a sum over all numbers, so the step grows with the batch: take the mean.": (
        lambda eps, eps_hat, x0, x_t: (eps - eps_hat).square().sum()
    ),
    "the loss is a sum over the numbers of each image: take the mean over everything.": (
        lambda eps, eps_hat, x0, x_t: (eps - eps_hat).square().sum((1, 2, 3)).mean()
    ),
    "the error is not squared: this is the mean of its absolute value.": (
        lambda eps, eps_hat, x0, x_t: (eps - eps_hat).abs().mean()
    ),
    "this is the square root of the mean squared error: leave the root out.": (
        lambda eps, eps_hat, x0, x_t: (eps - eps_hat).square().mean().sqrt()
    ),
    "this is half of the mean squared error.": lambda eps, eps_hat, x0, x_t: (eps - eps_hat).square().mean() / 2,
    "the target is the clean picture. The model is asked for the noise.": (
        lambda eps, eps_hat, x0, x_t: (x0 - eps_hat).square().mean()
    ),
    "the target is x_t. The model is asked for the noise in it.": (
        lambda eps, eps_hat, x0, x_t: (x_t - eps_hat).square().mean()
    ),
    "the error is not squared before the mean, and half of it cancels.": (
        lambda eps, eps_hat, x0, x_t: (eps - eps_hat).mean()
    ),
    "the mean error is squared: square each error first, and take the mean then.": (
        lambda eps, eps_hat, x0, x_t: (eps - eps_hat).mean().square()
    ),
    "the answer of the model is compared with nothing: subtract it from ε.": (
        lambda eps, eps_hat, x0, x_t: eps_hat.square().mean()
    ),
    "a sign is wrong: ε is subtracted in x_t, or the answer of the model is added to ε instead of subtracted.": (
        lambda eps, eps_hat, x0, x_t: (eps + eps_hat).square().mean()
    ),
}
"""Wrong ways to compare the noise and the answer of the model, by what is said of them."""


class Witness(nn.Module):
    """A model that knows the pictures, and so the noise in what it is asked.

    It says what is wrong with the question, and answers with the noise and a known error: so the right loss is known
    whatever was drawn, and so is that of each mistake.
    """

    ERROR = torch.tensor([0.0, 1.0, 0.0, -3.0])
    """That of the four columns of a picture. Its mean square, absolute value and mean are three different numbers."""

    def __init__(self, x0: Tensor, c: Tensor, schedule: NoiseSchedule) -> None:
        super().__init__()
        self.x0, self.c, self.schedule = x0, c, schedule
        self.weight = nn.Parameter(torch.ones(()))  # so that a loss has a gradient
        self.asked = False

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """Look at the question, and answer with ε and the known error."""
        if not isinstance(t, Tensor) or t.shape != x.shape[:1] or t.is_floating_point():
            got = f"{t.dtype} {tuple(t.shape)}" if isinstance(t, Tensor) else repr(t)
            raise Mistake(f"the model wants t as whole numbers, one for each image, shape ({len(x)},), got {got}.")
        if x.shape != self.x0.shape:
            raise Mistake(f"the model is asked about shape {tuple(x.shape)}; the pictures have {tuple(self.x0.shape)}.")
        if x.dtype != self.x0.dtype:
            raise Mistake(f"x_t is {x.dtype}, expected {self.x0.dtype}: tables are float64, so cast what you look up.")
        self.asked, self.x_t, self.t, self.context = True, x.detach().clone(), t.clone(), c
        self._require_fair_times(t)
        k = Lookup(self.schedule, t)
        self.eps = (self.x_t - k.a * self.x0) / k.b
        some = self.x_t[:50]  # enough to see whether noise is shared
        if shared := same_noise(some, some, self.x0[:50], t[:50], some, self.schedule):
            raise Mistake(shared)
        self._require_mixed(self.x_t, t)
        self.eps_hat = self.eps + self.ERROR
        return self.weight * self.eps_hat

    def require_right(self, loss: Any) -> None:
        """Say what is wrong with a loss, or with the context that came with the question."""
        if not self.asked:
            raise Mistake("the model is never asked.")
        if self.context is None:
            raise Mistake("the model is not told the context: model(x_t, t, c).")
        if not (isinstance(self.context, Tensor) and torch.equal(self.context, self.c)):
            raise Mistake("the model is told another context than the one of the picture.")
        if not isinstance(loss, Tensor):
            raise Mistake(f"it returns a {type(loss).__name__}, expected a tensor, from which gradients are computed.")
        if loss.shape != ():
            raise Mistake(f"the loss has shape {tuple(loss.shape)}, expected a single number: take the mean.")
        if not loss.requires_grad:
            raise Mistake("the loss has no gradient, so nothing can be learned: no torch.no_grad(), no detach().")
        for sentence, compare in COMPARED.items():
            wrong = compare(self.eps, self.eps_hat, self.x0, self.x_t)
            if math.isclose(abs(loss.item()), abs(wrong.item()), rel_tol=1e-4):
                raise Mistake(sentence)
        if abs(loss.item() - 1 - self.eps_hat.square().mean().item()) < 0.05:  # five standard errors
            raise Mistake(
                "the target is fresh noise, not the noise that was mixed into x_t. Draw ε once, and use it twice: "
                "nobody can guess a second draw."
            )

    def _require_fair_times(self, t: Tensor) -> None:
        T, low, high = self.schedule.T, t.min().item(), t.max().item()
        if low == high:
            raise Mistake("all images of the batch share one t: draw one for each.")
        if low < 1:
            raise Mistake("t = 0 is drawn, and the clean picture holds no noise: times begin with 1.")
        if low > 1:
            raise Mistake("t = 1 is never drawn: times begin with 1.")
        if high < T:
            raise Mistake(f"t = T = {T} is never drawn: torch.randint leaves out its upper end.")
        counts, fair = torch.bincount(t, minlength=T + 1)[1:], len(t) / T
        if (counts - fair).abs().max() > 5 * math.sqrt(fair):  # five standard errors
            raise Mistake("some times are drawn more often than others; all of 1…T should be equally likely.")

    def _require_mixed(self, x_t: Tensor, t: Tensor) -> None:
        """Measure how much picture and how much noise the questions hold at each time, and say what is wrong."""

        def mean(x: Tensor) -> Tensor:  # at each time
            return torch.bincount(t, x.mean((1, 2, 3)).double())[1:] / torch.bincount(t)[1:]

        if self.eps.mean().abs() > 0.05:
            raise Mistake("the noise has not mean 0: torch.randn is Gaussian, torch.rand is not.")
        of_x0 = mean(x_t * self.x0) / mean(self.x0.square())
        noise = x_t - of_x0.float()[t - 1].view(-1, 1, 1, 1) * self.x0
        found = torch.stack([of_x0, mean(noise.square()).sqrt()])
        k = Lookup(self.schedule, torch.arange(1, self.schedule.T + 1))
        one, zero = torch.ones_like(k.a), torch.zeros_like(k.a)
        expected = torch.cat([k.a, k.b]).view(2, -1)
        # five standard errors are 0.05: some 500 images of 60 numbers for each time, and a third is their mean square
        if (found - expected).abs().max() < 0.06:
            return
        for sentence, mix in MIXED.items():
            wrong = torch.cat([mix(k, one, zero), mix(k, zero, one)]).view(2, -1)
            if (found - wrong).abs().max() < 0.06:
                raise Mistake(sentence)
        if (mean(noise**4) / found[1] ** 4).max() < 2.5:  # a Gaussian has 3, torch.rand has 1.8
            raise Mistake("the noise is not Gaussian: torch.randn is, torch.rand is not.")
        if found[0].max() - found[0].min() < 0.1:
            raise Mistake("the model is told other times than those the noise was made for: draw t once, and keep it.")
        off = (found - expected).abs()
        place = int(off.amax(0).argmax())
        measured = found.where(off > 0.06, expected)  # what is right but for chance need not be told
        sums = [f"{a:.2f} x_0 + {b:.2f} ε".replace("-", "−") for a, b in (measured[:, place], expected[:, place])]
        raise Mistake(f"at t = {place + 1}, x_t is {sums[0]}, expected {sums[1]}.")


def questioned(function: Function, x0: Tensor, c: Tensor, schedule: NoiseSchedule, seed: int) -> Tensor:
    """The loss that a function computes; three witnesses look on, and the first two should be asked the same."""
    known = (x0.clone(), c.clone())
    questions: list[Tensor] = []
    times: list[Tensor] = []
    for draws in (seed, seed, seed + 1):
        witness = Witness(*known, schedule)
        loss: Tensor = answered(function(witness, x0, c, schedule, torch.Generator().manual_seed(draws)))
        witness.require_right(loss)
        if not all(map(unchanged, (x0, c), known)):
            return loss  # the exercise says that arguments have changed
        questions.append(witness.x_t)
        times.append(witness.t)
    drawn_again = any(not torch.equal(*pair[:2]) for pair in (questions, times))
    if drawn_again or torch.equal(*questions[1:]):
        raise Mistake("draw t and ε from the generator that is handed in: torch.randn(…, generator=generator).")
    if torch.equal(*times[1:]):
        raise Mistake("every generator gives the same times. Draw t by chance, as you draw ε.")
    return loss


def crowd(seed: int) -> list[Case]:
    """So many pictures that each of six times is drawn about 500 times."""
    generator = torch.Generator().manual_seed(1 + seed)
    x0 = torch.rand((3000, 3, 5, 4), generator=generator) * 2 - 1
    schedule = NoiseSchedule(torch.tensor([0.05, 0.15, 0.25, 0.35, 0.45, 0.55]))
    return [Case((x0, torch.rand((3000, 2), generator=generator), schedule, 2 + seed))]


def loss_with(
    times: Function = lambda B, T, g: torch.randint(1, T + 1, (B,), generator=g),
    noise: Function = lambda x0, g: torch.randn(x0.shape, generator=g),
    mix: Function = lambda k, x0, eps: k.a * x0 + k.b * eps,
    ask: Function = lambda model, x_t, t, c: model(x_t, t, c),
    compare: Function = lambda eps, eps_hat, x0, x_t: (eps - eps_hat).square().mean(),
) -> Function:
    """A `diffusion_loss` with one of its lines written in another way."""

    def loss(model: Function, x0: Tensor, c: Tensor, schedule: NoiseSchedule, generator: torch.Generator) -> Tensor:
        t, eps = times(len(x0), schedule.T, generator), noise(x0, generator)
        x_t = mix(Lookup(schedule, t), x0, eps)
        result: Tensor = compare(eps, ask(model, x_t, t, c), x0, x_t)
        return result

    return loss


def broadcast(dim: int) -> Function:
    """A `diffusion_loss` that draws too little noise."""
    return loss_with(noise=lambda x0, g: torch.randn(x0.narrow(dim, 0, 1).shape, generator=g).expand_as(x0))


check_diffusion_loss = Exercise(
    name="diffusion_loss",
    asks="Check `diffusion_loss(model, x0, c, schedule, generator)`: Algorithm 1 of DDPM up to the gradient.",
    right=lambda model, x0, c, schedule, generator: diffusion_loss(model, x0, c, schedule, generator=generator),
    cases=crowd,
    run=questioned,
    hints={
        "got 0…": "Draw it with torch.randint(1, …): the clean picture, t = 0, holds no noise.",
        "t must lie in 1…": "The last time is schedule.T, whatever schedule is handed in.",
    },
    mistakes={
        "all images of the batch share one t": loss_with(
            times=lambda B, T, g: torch.randint(1, T + 1, (1,), generator=g).expand(B)
        ),
        "t = 0 is drawn": loss_with(times=lambda B, T, g: torch.randint(0, T + 1, (B,), generator=g)),
        "t = T = 6 is never drawn": loss_with(times=lambda B, T, g: torch.randint(1, T, (B,), generator=g)),
        "t = 1 is never drawn": loss_with(times=lambda B, T, g: torch.randint(2, T + 1, (B,), generator=g)),
        "some times are drawn more often": loss_with(
            times=lambda B, T, g: (torch.randn(B, generator=g) + T / 2).round().clamp(1, T).long()
        ),
        "draw t and ε from the generator that is handed in": loss_with(noise=lambda x0, g: torch.randn(x0.shape)),
        "every generator gives the same times": loss_with(times=lambda B, T, g: 1 + torch.arange(B) % T),
        "the noise has not mean 0": loss_with(noise=lambda x0, g: torch.rand(x0.shape, generator=g)),
        "the noise is not Gaussian": loss_with(noise=lambda x0, g: torch.rand(x0.shape, generator=g) * 2 - 1),
        "it is the same for all images of the batch": broadcast(0),
        "it is the same for all colours": broadcast(1),
        "it is the same for all rows": broadcast(2),
        "it is the same for all columns": broadcast(3),
        **{sentence: loss_with(mix=mix) for sentence, mix in MIXED.items()},
        "the model is told other times": loss_with(ask=lambda model, x_t, t, c: model(x_t, t.flip(0), c)),
        "the model wants t as whole numbers": loss_with(ask=lambda model, x_t, t, c: model(x_t, t / 6, c)),
        "x_t is torch.float64": loss_with(ask=lambda model, x_t, t, c: model(x_t.double(), t, c)),
        "the model is not told the context": loss_with(ask=lambda model, x_t, t, c: model(x_t, t)),
        "the model is told another context": loss_with(ask=lambda model, x_t, t, c: model(x_t, t, 0 * c)),
        "the model is never asked": loss_with(ask=lambda model, x_t, t, c: x_t),
        **{sentence: loss_with(compare=compare) for sentence, compare in COMPARED.items()},
        "the target is fresh noise": loss_with(
            compare=lambda eps, eps_hat, x0, x_t: (torch.randn(eps.shape) - eps_hat).square().mean()
        ),
        "the loss has shape": loss_with(compare=lambda eps, eps_hat, x0, x_t: (eps - eps_hat).square()),
        "it returns a float": loss_with(compare=lambda eps, eps_hat, x0, x_t: (eps - eps_hat).square().mean().item()),
        "the loss has no gradient": loss_with(
            compare=lambda eps, eps_hat, x0, x_t: (eps - eps_hat).square().mean().detach()
        ),
    },
)


def five_batches(seed: int) -> list[Case]:
    """Five batches of eight points and where each should go."""
    generator = torch.Generator().manual_seed(seed)
    return [Case(([tuple(torch.randn((2, 8, 3), generator=generator)) for _ in range(5)],))]


def squared_distance(model: nn.Module, x0: Tensor, c: Tensor) -> Tensor:
    """A loss whose gradients are long enough to be clipped."""
    error: Tensor = model(x0) - c
    return error.square().sum(1).mean()


def learned(function: Function, batches: list[tuple[Tensor, Tensor]]) -> Tensor:
    """The losses of a training of three little neurons, and the weights in the end."""
    model, unseen = nn.Linear(3, 3), iter(batches)
    model.load_state_dict({"weight": 3 * (2 * torch.eye(3) - 1), "bias": torch.full((3,), 1.5)})
    # momentum tells two steps from one of twice the length
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.5)
    losses = answered(function(model, optimizer, unseen, squared_distance))
    if not isinstance(losses, list):
        raise Mistake(f"it returns a {type(losses).__name__}, expected the list of the losses, one for each batch.")
    if left := len(list(unseen)):
        seen = "the first batch" if left == len(batches) - 1 else f"{len(batches) - left} of {len(batches)} batches"
        raise Mistake(f"it returns after {seen}: `return` belongs behind the loop, not into it.")
    for loss in losses:
        if isinstance(loss, Tensor):
            memory = ", and each keeps its whole computation in memory" if loss.requires_grad else ""
            raise Mistake(f"the losses in the list are tensors{memory}: put loss.item() into the list.")
        if not isinstance(loss, Real):
            raise Mistake(f"the list holds a {type(loss).__name__}, expected plain numbers: put loss.item() into it.")
    if len(losses) != len(batches):
        raise Mistake(f"the list has length {len(losses)}, expected {len(batches)}: one loss for each batch.")
    return torch.cat([torch.tensor(losses, dtype=torch.float32), *(p.detach().flatten() for p in model.parameters())])


OTHER_LENGTHS = (0.01, 0.1, 0.5, 2, 5, 10)
"""To which a gradient may be clipped by mistake. The first gradient of a training is longer than each of them."""

OTHER_LENGTH = "the gradient is clipped to another length than 1."


def clipped_otherwise(got: Tensor, truth: Tensor, batches: list[tuple[Tensor, Tensor]]) -> str | None:
    """Recognise other lengths."""
    others = (loop("zero", "backward", f"clip to {length}", "step") for length in OTHER_LENGTHS)
    return OTHER_LENGTH if any(agree(got, learned(other, batches)) for other in others) else None


def unlike_right_training(got: Tensor, truth: Tensor, batches: list[tuple[Tensor, Tensor]]) -> str:
    """Say where a training leaves the right one."""
    n = len(batches)
    if torch.allclose(got[:n], truth[:n], rtol=1e-4):
        return "the losses are right, and the last weights are not: look at what happens after the last loss."
    if torch.allclose(got[0], truth[0], rtol=1e-4):
        return "the first loss is right and later ones are not: look at what happens between two batches."
    return wrong_numbers(got[:n], truth[:n])


def clip_to(length: float) -> Function:
    """What shortens gradients that are longer than this."""
    return lambda model, optimizer, loss: nn.utils.clip_grad_norm_(model.parameters(), length)


ACTIONS: dict[str, Function] = {
    "zero": lambda model, optimizer, loss: optimizer.zero_grad(),
    "backward": lambda model, optimizer, loss: loss.backward(),
    "clip": clip_to(1.0),
    **{f"clip to {length}": clip_to(length) for length in OTHER_LENGTHS},
    "clip values": lambda model, optimizer, loss: nn.utils.clip_grad_value_(model.parameters(), 1.0),
    "step": lambda model, optimizer, loss: optimizer.step(),
}


def loop(
    *actions: str, batches_seen: int | None = None, note: Function = Tensor.item, too_late: bool = False
) -> Function:
    """A training loop that does these things for each batch, in this order, and notes the loss, or that after them."""

    def training_loop(model: Any, optimizer: Any, batches: Iterable[Any], loss_of: Function) -> list[Any]:
        losses = []
        for x0, c in islice(batches, batches_seen):
            loss = loss_of(model, x0, c)
            for action in actions:
                ACTIONS[action](model, optimizer, loss)
            losses.append(note(loss_of(model, x0, c) if too_late else loss))
        return losses

    return training_loop


check_training_loop = Exercise(
    name="training_loop",
    asks="Check `training_loop(model, optimizer, batches, loss_of)`: a step of learning for each batch; the losses.",
    right=loop("zero", "backward", "clip", "step"),
    cases=five_batches,
    run=learned,
    mistakes={
        "the gradients of all batches add up: empty them with optimizer.zero_grad() before each loss.backward().": (
            loop("backward", "clip", "step")
        ),
        "no weight has changed. Each batch takes optimizer.zero_grad(), loss.backward(), clipping and "
        "optimizer.step(), in this order.": loop("zero"),
        "optimizer.step() comes before loss.backward(), so each step uses the gradient of the batch before.": (
            loop("step", "zero", "backward", "clip")
        ),
        "the gradients are not clipped where it counts: between loss.backward() and optimizer.step().": (
            loop("zero", "backward", "step")
        ),
        "it clips each number of the gradient by itself, which changes its direction: clip_grad_norm_ shortens the "
        "whole gradient.": loop("zero", "backward", "clip values", "step"),
        OTHER_LENGTH: loop("zero", "backward", "clip to 10", "step"),
        "return the loss that was computed before the step.": loop("zero", "backward", "clip", "step", too_late=True),
        "it returns after the first batch": loop("zero", "backward", "clip", "step", batches_seen=1),
        "the losses in the list are tensors": loop("zero", "backward", "clip", "step", note=lambda loss: loss),
    },
    diagnoses=(clipped_otherwise, unlike_right_training),
)


def shares(function: Function, steps: int) -> Tensor:
    """The shares of all steps of a run."""
    found = [answered(function(step, steps)) for step in range(steps)]
    if isinstance(found[0], str):
        raise Mistake("it returns a str, expected a single number.")
    try:
        return torch.tensor([float(share) for share in found], dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise Mistake(f"it returns a {type(found[0]).__name__}, expected a single number.") from error


def unlike_right_share(got: Tensor, truth: Tensor, steps: int) -> str:
    """Say at which step the share is most wrong."""
    step = int((got - truth).abs().argmax())
    return f"at step {step} of {steps}, {wrong_numbers(got[step], truth[step])}"


def rate(
    warm_up: Function = lambda k, n: min(1, (k + 1) / (n / 20 + 1)),
    decay: Function = lambda u: (1 + math.cos(math.pi * u)) / 2,
) -> Function:
    """A learning rate with another warm-up, or with another decay over u = k / n."""
    return lambda step, steps: warm_up(step, steps) * decay(step / steps)


check_learning_rate = Exercise(
    name="learning_rate",
    asks="Check `learning_rate(step, steps)`: the share of the rate at step 0, 1, …, warm-up times half a cosine.",
    right=lambda k, n: min(1, (k + 1) / (n / 20 + 1)) * (1 + math.cos(math.pi * k / n)) / 2,
    cases=lambda seed: [Case((60 + seed,)), Case((47 + seed,))],
    run=shares,
    mistakes={
        "the warm-up is missing, or it is 1 at every step: over the first twentieth of the run the rate climbs. If you "
        "have written one, check the brackets of the warm-up.": rate(lambda k, n: min(1, (k + 1) / n / 20 + 1)),
        "the decay is missing: behind the warm-up the rate falls to 0.": rate(decay=lambda u: 1),
        "the warm-up never ends: min(1, …) stops it when it reaches 1.": rate(lambda k, n: (k + 1) / (n / 20 + 1)),
        "the warm-up takes the larger of two numbers, so it begins with 1 and then grows: (5) takes the smaller.": (
            rate(lambda k, n: max(1, (k + 1) / (n / 20 + 1)))
        ),
        "the warm-up begins with 0, so the first step learns nothing: it is (k + 1) / (n / 20 + 1).": (
            rate(lambda k, n: min(1, k / (n / 20)))
        ),
        "the warm-up has k where (5) has k + 1: k counts from 0, so the first step learns nothing.": (
            rate(lambda k, n: min(1, k / (n / 20 + 1)))
        ),
        "the warm-up has n / (20 + 1) where (5) has n / 20 + 1: 1 is added after the division.": (
            rate(lambda k, n: min(1, (k + 1) / (n / (20 + 1))))
        ),
        "the warm-up has n // 20 + 1, and // rounds down. (5) has n / 20 + 1.": (
            rate(lambda k, n: min(1, (k + 1) / (n // 20 + 1)))
        ),
        "the warm-up has n // 20, which rounds down, and no + 1. (5) has n / 20 + 1.": (
            rate(lambda k, n: min(1, (k + 1) / (n // 20)))
        ),
        "only the cosine is halved, so the rate begins above 1: close the bracket before / 2, to halve the 1 too.": (
            rate(decay=lambda u: 1 + math.cos(math.pi * u) / 2)
        ),
        "the cosine has k / (n − 1), so the last step learns nothing. (5) has k / n.": (
            lambda k, n: min(1, (k + 1) / (n / 20 + 1)) * (1 + math.cos(math.pi * k / (n - 1))) / 2
        ),
        "the cosine runs from 1 to −1: add 1 and halve it.": rate(decay=lambda u: math.cos(math.pi * u)),
        "the cosine is not halved: the rate begins at twice its size.": (
            rate(decay=lambda u: 1 + math.cos(math.pi * u))
        ),
        "the cosine is upside down: the rate begins at 0 and ends at 1.": (
            rate(decay=lambda u: (1 - math.cos(math.pi * u)) / 2)
        ),
        "this is a whole turn of the cosine, 2π. Half a turn, π, leads from 1 to 0.": (
            rate(decay=lambda u: (1 + math.cos(2 * math.pi * u)) / 2)
        ),
        "this falls in a straight line. Half a cosine falls slowly, then fast, then slowly.": (
            rate(decay=lambda u: 1 - u)
        ),
        "π is missing in the cosine: cos(k / n) hardly falls.": rate(decay=lambda u: (1 + math.cos(u)) / 2),
        "warm-up and decay are added. Multiply them.": (
            lambda k, n: min(1, (k + 1) / (n / 20 + 1)) + (1 + math.cos(math.pi * k / n)) / 2
        ),
    },
    diagnoses=(unlike_right_share,),
    hints={"cos(): argument 'input'": "Use math.cos: step and steps are plain numbers."},
)


def two_networks(seed: int) -> list[Case]:
    """Two small networks with BatchNorm, all of whose weights and buffers differ."""
    generator = torch.Generator().manual_seed(seed)
    average, model = (nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)) for _ in range(2))
    for count, network in ((10, average), (20, model)):
        for tensor in network.state_dict().values():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) if tensor.is_floating_point() else count)
    return [Case((average, model, 0.75))]


def parts_of(network: nn.Module) -> list[Tensor]:
    """Copies of all weights, all running statistics and the counter of a network, each as one row of numbers."""
    buffers = {whole: [b for b in network.buffers() if b.is_floating_point() != whole] for whole in (False, True)}
    groups = list(network.parameters()), buffers[False], buffers[True]
    return [torch.cat([tensor.detach().flatten().float() for tensor in group]) for group in groups]


def averaged(function: Function, average: nn.Module, model: nn.Module, decay: float) -> Tensor:
    """Weights and running statistics of the average after a call; while weights are wrong, the rest is left aside."""
    old, new = parts_of(average), parts_of(model)
    result = function(average, model, decay)
    if result is ... or (result is None and is_stub(function)):
        raise NotAttempted
    found, right = parts_of(average), [a.lerp(b, 1 - decay) for a, b in zip(old, new, strict=True)]
    if not all(map(torch.equal, parts_of(model), new)):
        raise Mistake("it changes the model, which is still learning: change the average.")
    if all(map(torch.equal, found, old)):
        raise Mistake(
            "the average is what it was. `p = …` and lerp without its underscore make new tensors: write into the old "
            "one, with p.lerp_(…) or p.copy_(…)."
        )
    if not torch.allclose(found[0], right[0]):
        return torch.cat([found[0], right[1]])
    if torch.equal(found[1], old[1]):
        raise Mistake(
            "it forgets the buffers: the running statistics of BatchNorm stay as they were before the first step. "
            "Loop over .buffers() too, and copy the counter."
        )
    if not torch.equal(found[2], new[2]):
        fault = "forgets" if torch.equal(found[2], old[2]) else "changes"
        raise Mistake(f"it {fault} the counter among the buffers, num_batches_tracked: copy what is no fraction.")
    copied = torch.equal(found[1], new[1])  # which is as good as an average
    return torch.cat([found[0], right[1] if copied else found[1]])


def unlike_right_average(got: Tensor, truth: Tensor, average: nn.Module, model: nn.Module, decay: float) -> str:
    """Say how much of the old and of the new numbers stands where the average is wrong."""
    old, new = (torch.cat(parts_of(network)[:2]) for network in (average, model))
    wrong = ~torch.isclose(got, truth, rtol=1e-4, atol=1e-5)
    where = "" if wrong[: len(parts_of(model)[0])].any() else "among the buffers, "
    some, expected = got[wrong], truth[wrong]
    amounts = compare_amounts(some, expected, {"old": old[wrong], "new": new[wrong]}) if len(some) > 2 else None
    worst = (some - expected).abs().argmax()
    return where + (amounts or wrong_numbers(some[worst], expected[worst]))


def averaging(formula: Callable[[Tensor, Tensor, float], Tensor] | None = None, forgets: str = "") -> Function:
    """An `update_average` with another formula for numbers with fractions; `forgets` holds words of skipped names."""

    def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
        news = model.state_dict()
        for name, old in average.state_dict().items():
            new = news[name]
            if old.is_floating_point():
                new = formula(old, new, decay) if formula else decay * old + (1 - decay) * new
            if not any(word in name for word in forgets.split()):
                old.copy_(new)

    return update_average


check_update_average = Exercise(
    name="update_average",
    asks="Check `update_average(average, model, decay)`: average ← decay · average + (1 − decay) · model, in place. "
    "Buffers belong to it: those with fractions may be averaged or copied, and counters are copied.",
    right=averaging(),
    cases=two_networks,
    run=averaged,
    hints=dict.fromkeys(
        ("not implemented for 'Long'", "desired output type Long", "expected dtype long"),
        "Counters among the buffers, such as num_batches_tracked, are whole numbers, without fractions: copy them.",
    )
    | {
        "leaf Variable": "Weights that learn cannot be changed in place: do it under torch.no_grad().",
        "lerp_() received an invalid": "lerp_ takes the new weights, and how far to go towards them.",
    },
    mistakes={
        "old and new have changed places: most of the average, `decay` of it, stays.": (
            averaging(lambda old, new, decay: (1 - decay) * old + decay * new)
        ),
        "the average is now a copy of the model: keep `decay` of what it was.": averaging(lambda old, new, decay: new),
        "what was there is gone: this is the new share alone, (1 − decay) · model.": (
            averaging(lambda old, new, decay: (1 - decay) * new)
        ),
        "old and new are added, so the weights grow: multiply the new ones by 1 − decay.": (
            averaging(lambda old, new, decay: decay * old + new)
        ),
        "the weights are what they were, and only buffers have changed: loop over .parameters() too, in place.": (
            averaging(forgets="weight bias")
        ),
        "it forgets the buffers": averaging(forgets="running num_batches"),
        "it forgets the counter": averaging(forgets="num_batches"),
        "the average is what it was": lambda average, model, decay: [decay * old for old in average.parameters()],
        "it changes the model": lambda average, model, decay: averaging()(model, average, decay),
    },
    diagnoses=(unlike_right_average,),
)


def rounded(picture: Tensor) -> Tensor:
    """A picture that was saved with 8 bits and read again."""
    return ((picture + 1) * 127.5).round() / 127.5 - 1


def moved(by: float) -> Callable[[Tensor], Tensor]:
    """What changes a single number of a picture."""
    return lambda picture: (
        picture.flatten().index_fill(0, torch.tensor([7]), picture.flatten()[7] + by).view_as(picture)
    )


COPIED: tuple[Callable[[Tensor], Tensor], ...] = (
    Tensor.clone,
    rounded,
    rounded,
    moved(0.008),
    moved(0.015),
    moved(0.05),
)
"""How held-out pictures come among the training pictures: the first four are the same to within 0.01."""


def held_out_and_training(seed: int) -> list[Case]:
    """Random pictures, some of them in both batches at two positions. Once the first batch is smaller, once larger."""
    generator, cases = torch.Generator().manual_seed(seed), []
    for n, m, height, width in ((8, 11, 17, 15), (10, 7, 13, 19)):
        # rounding moves 700 numbers together by more than 0.05: no limit to a sum of differences tells them apart
        held_out, training = (torch.rand((k, 3, height, width), generator=generator) * 2 - 1 for k in (n, m))
        chosen = places = torch.randperm(n, generator=generator)[: len(COPIED)]
        while (chosen == places).any():
            places = torch.randperm(m, generator=generator)[: len(COPIED)]
        for copied, i, j in zip(COPIED, chosen, places, strict=True):
            training[j] = copied(held_out[i])
        cases.append(Case((held_out, training)))
    return cases


def one_answer_each(function: Function, held_out: Tensor, training: Tensor) -> Tensor:
    """The answers of a function, as 1 and 0."""
    answer = answered(function(held_out, training))
    if isinstance(answer, int) or (isinstance(answer, Tensor) and answer.ndim == 0):
        raise Mistake("it returns one answer for all held-out pictures, expected True or False for each of them.")
    if not isinstance(answer, Tensor):
        raise Mistake(f"it returns a {type(answer).__name__}, expected a tensor of True and False.")
    if answer.dtype != torch.bool:
        raise Mistake(f"it returns {answer.dtype}, expected torch.bool: True or False for each held-out picture.")
    return answer.float()


def unlike_right_leaks(got: Tensor, truth: Tensor, held_out: Tensor, training: Tensor) -> str:
    """Name a held-out picture that is judged wrongly, and the training picture that is most like it."""
    i = int((got != truth).nonzero()[0])
    distance, j = (training - held_out[i]).abs().flatten(1).amax(1).min(0)
    pair = f"held-out picture {i} and training picture {j} differ by up to {distance:.3f}"
    return f"{pair}, so they are the same, and it says False." if truth[i] else f"{pair}, and it says True."


def leaks(
    distance: Function = lambda differences: differences.amax(2),
    limit: float = 0.01,
    answer: Function = lambda same: same.any(1),
) -> Function:
    """A `leaked` that measures the distance of each pair, or answers, in another way."""
    return lambda held_out, training: answer(
        distance((held_out[:, None] - training).abs().flatten(2)) <= limit  # shape (N, M)
    )


check_leaked = Exercise(
    name="leaked",
    asks="Check `leaked(held_out, training)`: for each held-out picture, whether it is among the training pictures, "
    "where no number of it differs by more than 0.01.",
    right=lambda held_out, training: (torch.cdist(held_out.flatten(1), training.flatten(1), p=torch.inf) <= 0.01).any(
        1
    ),
    cases=held_out_and_training,
    run=one_answer_each,
    mistakes={
        "only exact copies are found. A picture that was saved with 8 bits and read again is moved by up to 0.004: "
        "allow 0.01.": leaks(limit=0),
        "copies that were rounded are not found: all differences are added up, as torch.cdist does unless it is told "
        "p=torch.inf. Look at the largest.": leaks(lambda differences: differences.sum(2)),
        "it takes pictures for the same that differ in one number only, but by 0.05. Look at the largest difference, "
        "not at the mean, and allow 0.01.": leaks(lambda differences: differences.mean(2)),
        "every picture is found. Two are the same if all of their numbers are close, not some.": (
            leaks(lambda differences: differences.amin(2))
        ),
        "no picture is found. It leaks if it is like one of the training pictures, not like all: .any(dim=1).": (
            leaks(answer=lambda same: same.all(1))
        ),
        "each is compared with the one at the same position. A leak may stand anywhere: compare each with each.": (
            lambda held_out, training: torch.tensor(
                [torch.allclose(a, b, rtol=0, atol=0.01) for a, b in zip(held_out, training, strict=False)]
            )
        ),
        "there is an answer for each training picture. The question is asked of the held-out ones.": (
            leaks(answer=lambda same: same.any(0))
        ),
        "there is an answer for each pair. A held-out picture leaks if any of its pairs is the same: .any(dim=1).": (
            leaks(answer=lambda same: same)
        ),
        "True and False have changed places: True is for those that the training pictures hold.": (
            leaks(answer=lambda same: ~same.any(1))
        ),
        "it returns torch.int64, expected torch.bool": leaks(answer=lambda same: same.sum(1)),
        "it returns one answer for all": leaks(answer=lambda same: same.any(1).sum()),
    },
    diagnoses=(unlike_right_leaks,),
    hints={
        "size of tensor": "There are more pictures of one kind than of the other, and each is compared with each: "
        "torch.cdist does it for rows of numbers, .flatten(1), with p=torch.inf."
    },
)
