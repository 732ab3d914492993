"""The checks of notebook 04: the loss, the loop that makes it small, the learning rate and the average of the weights.

Right answers and classic mistakes only; how a verdict is reached from them stands in `verdict.py`, and the training
that the rest of the course uses in `training.py` of the package.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from ..diffusion.models import Model
from ..diffusion.schedules import NoiseSchedule
from .old_verdict import Case, Mistake, check, is_blank

Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""`loss_of(model, x0, c)`: a scalar with a gradient."""


def check_diffusion_loss(
    diffusion_loss: Callable[[Model, Tensor, Tensor | None, NoiseSchedule, torch.Generator], Tensor],
) -> None:
    """Check `diffusion_loss(model, x0, c, schedule, generator)`: Algorithm 1 up to the gradient.

    The model is a witness. It finds the noise by itself, writes down what it was asked, and answers with the noise and
    a known error, so that the right loss is known whatever was drawn.
    """
    schedule = NoiseSchedule(torch.tensor([0.05, 0.15, 0.25, 0.35, 0.45, 0.55]))
    generator = torch.Generator().manual_seed(1)
    x0 = torch.rand((3000, 3, 5, 4), generator=generator) * 2 - 1
    c = torch.rand((3000, 2), generator=generator)

    def attempt(x0: Tensor, c: Tensor, schedule: NoiseSchedule) -> Any:
        answers, witnesses = [], [_Witness(x0, schedule) for _ in range(3)]
        for witness, seed in zip(witnesses, (2, 2, 3), strict=True):
            answers.append(_ask(diffusion_loss, witness, x0, c, schedule, torch.Generator().manual_seed(seed)))
            if is_blank(answers[0]):
                return None
            witness.testify(answers[-1], c)
        first, again, other = (witness.x_t for witness in witnesses)
        if not torch.equal(first, again) or torch.equal(first, other):
            raise Mistake("draw t and ε from the generator that is handed in: torch.randn(…, generator=generator).")
        return answers[0]

    check("diffusion_loss", attempt, Case((x0, c, schedule), torch.tensor(_Witness.LOSS), {}))


def check_training_loop(
    training_loop: Callable[[nn.Module, torch.optim.Optimizer, Iterable[tuple[Tensor, Tensor]], Loss], list[float]],
) -> None:
    """Check `training_loop(model, optimizer, batches, loss_of)`: a step of learning for each batch, and the losses."""
    batches = _little_batches()

    def attempt() -> Any:
        model, optimizer = _little_model()
        before = _weights(model)
        losses = training_loop(model, optimizer, iter(batches), _little_loss)
        moved = not torch.equal(_weights(model), before)
        if is_blank(losses) and not moved:
            return None
        if not isinstance(losses, list):
            raise Mistake(f"it returns a {type(losses).__name__}, expected the list of the losses, one for each batch.")
        if any(isinstance(loss, Tensor) for loss in losses):
            raise Mistake(
                "the losses in the list are tensors, and each keeps its whole computation in memory: put loss.item() "
                "into the list."
            )
        return torch.cat([torch.tensor(losses), _weights(model)])

    def outcome(*actions: str, batches: list[tuple[Tensor, Tensor]] = batches) -> Tensor:
        return _little_run(actions, batches)

    mistakes = {
        "the gradients of all batches add up: empty them with optimizer.zero_grad() before each loss.backward().": (
            outcome("backward", "clip", "step")
        ),
        "no weight has changed. Each batch takes optimizer.zero_grad(), loss.backward(), clipping and "
        "optimizer.step(), in this order.": outcome("zero"),
        "optimizer.step() comes before loss.backward(), so each step uses the gradient of the batch before.": (
            outcome("step", "zero", "backward", "clip")
        ),
        "the gradients are not clipped where it counts: between loss.backward() and optimizer.step().": (
            outcome("zero", "backward", "step")
        ),
        "it clips each number of the gradient by itself, which changes its direction: clip_grad_norm_ shortens the "
        "whole gradient.": outcome("zero", "backward", "clip values", "step"),
        "it returns after the first batch: `return` belongs behind the loop, not into it.": (
            outcome("zero", "backward", "clip", "step", batches=batches[:1])
        ),
    }
    right = outcome("zero", "backward", "clip", "step")

    def clipped_elsewhere(got: Tensor) -> str | None:
        if got.shape == right.shape and torch.allclose(got[0], right[0]):
            return "the first loss is right and later ones are not: look at what happens between two batches."
        return None

    check("training_loop", attempt, Case((), right, mistakes, (clipped_elsewhere,)))


def check_learning_rate(learning_rate: Callable[[int, int], float]) -> None:
    """Check `learning_rate(step, steps)`: the share of the rate at step 0, 1, …, warm-up times half a cosine."""
    steps = 60
    k = torch.arange(steps + 1, dtype=torch.float64)
    warm, falling = ((k + 1) / (steps / 20 + 1)).clamp(max=1), (1 + (math.pi * k / steps).cos()) / 2

    def attempt() -> Any:
        shares = [learning_rate(step, steps) for step in range(steps + 1)]
        if is_blank(shares[0]):
            return None
        return torch.tensor([float(share) for share in shares], dtype=torch.float64)

    mistakes = {
        "the warm-up is missing: over the first twentieth of the run the rate climbs.": falling,
        "the decay is missing: behind the warm-up the rate falls to 0.": warm,
        "the warm-up never ends: min(1, …) stops it when it reaches 1.": (k + 1) / (steps / 20 + 1) * falling,
        "the warm-up begins with 0, so the first step learns nothing: it is (k + 1) / (n / 20 + 1).": (
            (k / (steps / 20)).clamp(max=1) * falling
        ),
        "the cosine runs from 1 to −1: add 1 and halve it.": warm * (2 * falling - 1),
        "the cosine is not halved: the rate begins at twice its size.": warm * 2 * falling,
        "the cosine is upside down: the rate begins at 0 and ends at 1.": warm * (1 - falling),
        "this is a whole turn of the cosine, 2π. Half a turn, π, leads from 1 to 0.": (
            warm * (1 + (2 * math.pi * k / steps).cos()) / 2
        ),
        "this falls in a straight line. Half a cosine falls slowly, then fast, then slowly.": warm * (1 - k / steps),
        "π is missing in the cosine: cos(k / n) hardly falls.": warm * (1 + (k / steps).cos()) / 2,
        "warm-up and decay are added. Multiply them.": warm + falling,
    }
    check("learning_rate", attempt, Case((), warm * falling, mistakes))


def check_update_average(update_average: Callable[[nn.Module, nn.Module, float], object]) -> None:
    """Check `update_average(average, model, decay)`: average ← decay · average + (1 − decay) · model, in place.

    Buffers belong to it: those with fractions may be averaged or copied, and counters are copied.
    """
    decay = 0.75
    old, new = map(_parts, _two_networks())
    right = [*(a.lerp(b, 1 - decay) for a, b in zip(old[:2], new[:2], strict=True)), new[2]]

    def attempt() -> Any:
        average, model = _two_networks()
        try:
            update_average(average, model, decay)
        except RuntimeError as error:
            if "leaf Variable" in str(error):
                raise Mistake("weights that learn cannot be changed in place: do it under torch.no_grad().") from error
            raise
        if not all(map(torch.equal, _parts(model), new)):
            raise Mistake("it changes the model, which is still learning: change the average.")
        found = _parts(average)
        if all(map(torch.equal, found, old)):
            if not getattr(getattr(update_average, "__code__", None), "co_names", "?"):
                return None  # a stub, which calls nothing
            raise Mistake(
                "the average is what it was. `p = …` only gives a name to a new tensor: write into the old one, with "
                "p.lerp_(…) or p.copy_(…)."
            )
        _look_at_weights(found[0], old[0], new[0], decay)
        if torch.equal(found[1], old[1]):
            raise Mistake(
                "it forgets the buffers: the running statistics of BatchNorm stay as they were before the first step. "
                "Loop over .buffers() too, and copy the counter."
            )
        if torch.equal(found[2], old[2]):
            raise Mistake("it forgets the counter among the buffers, num_batches_tracked: copy what is no fraction.")
        if torch.equal(found[1], new[1]):
            found[1] = right[1]  # copied, which is as good
        return torch.cat(found)

    check("update_average", attempt, Case((), torch.cat(right), {}))


def _look_at_weights(found: Tensor, old: Tensor, new: Tensor, decay: float) -> None:
    known = {
        "old and new have changed places: most of the average, `decay` of it, stays.": old.lerp(new, decay),
        "the average is now a copy of the model: keep `decay` of what it was.": new,
        "what was there is gone: this is the new share alone, (1 − decay) · model.": (1 - decay) * new,
        "old and new are added, so the weights grow: multiply the new ones by 1 − decay.": decay * old + new,
        "the weights are what they were, and only buffers have changed: loop over .parameters() too.": old,
    }
    for mistake, wrong in known.items():
        if torch.allclose(found, wrong):
            raise Mistake(mistake)


class _Witness(nn.Module):
    """A model that knows the pictures, and so the noise; it answers with the noise and an error of 0, 1 or −3."""

    LOSS = 2.5  # half of its errors are 0, a quarter is 1, a quarter is −3

    def __init__(self, x0: Tensor, schedule: NoiseSchedule) -> None:
        super().__init__()
        self.x0, self.schedule = x0, schedule
        self.weight = nn.Parameter(torch.ones(()))
        self.asked = False

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        if not isinstance(t, Tensor) or t.shape != x.shape[:1] or t.is_floating_point():
            got = f"{t.dtype} {tuple(t.shape)}" if isinstance(t, Tensor) else repr(t)
            raise Mistake(f"the model wants t as whole numbers, one for each image, shape ({len(x)},), got {got}.")
        if x.shape != self.x0.shape:
            raise Mistake(f"the model is asked about shape {tuple(x.shape)}; the pictures have {tuple(self.x0.shape)}.")
        if x.dtype != self.x0.dtype:
            raise Mistake(f"x_t is {x.dtype}, expected {self.x0.dtype}: tables are float64, so cast what you look up.")
        self.asked, self.x_t, self.t, self.c = True, x.detach(), t, c
        self._look_at_times()
        self._look_at_noise()
        self._look_at_pictures()
        return self.weight * (self.noise() + self.errors())

    def noise(self) -> Tensor:
        """The noise in what it was asked."""
        ab = self.schedule.at(self.schedule.alpha_bar, self.t, self.x0)
        return (self.x_t - ab.sqrt() * self.x0) / (1 - ab).sqrt()

    def errors(self) -> Tensor:
        pattern = torch.tensor([0.0, 1.0, 0.0, -3.0])
        return pattern.expand(self.x0.shape)

    def testify(self, loss: Any, c: Tensor) -> None:
        """Say what is wrong with a loss, or with the context that came with the question."""
        if not self.asked:
            raise Mistake("the model is never asked.")
        if self.c is None:
            raise Mistake("the model is not told the context: model(x_t, t, c).")
        if not torch.equal(self.c, c):
            raise Mistake("the model is told another context than the one of the picture.")
        if not isinstance(loss, Tensor):
            raise Mistake(
                f"it returns a {type(loss).__name__}, expected a tensor, from which gradients can be computed."
            )
        if loss.shape != ():
            raise Mistake(f"the loss has shape {tuple(loss.shape)}, expected a single number: take the mean.")
        if not loss.requires_grad:
            raise Mistake("the loss has no gradient, so nothing can be learned: no torch.no_grad(), no detach().")
        self._look_at_loss(loss.item())

    def _look_at_times(self) -> None:
        T, low, high = self.schedule.T, self.t.min().item(), self.t.max().item()
        if low == high:
            raise Mistake("all images of the batch share one t: draw one for each, torch.randint(…, (len(x0),)).")
        if low < 1:
            raise Mistake("t = 0 is drawn, and the clean picture holds no noise: torch.randint(1, schedule.T + 1, …).")
        if low > 1 or high < T:
            missing = 1 if low > 1 else f"T = {T}"
            raise Mistake(
                f"t = {missing} is never drawn; torch.randint(1, schedule.T + 1, …) leaves out its upper end."
            )
        counts = torch.bincount(self.t, minlength=T + 1)[1:]
        if (counts / counts.float().mean() - 1).abs().max() > 0.25:
            raise Mistake("some times are drawn more often than others; all of 1…T should be equally likely.")

    def _look_at_pictures(self) -> None:
        """How much picture and how much noise the questions hold at each time, against right and wrong formulas."""
        found = self._amounts()
        beta, alpha, ab = (
            table[1:].float() for table in (self.schedule.beta, self.schedule.alpha, self.schedule.alpha_bar)
        )
        a, b, before = ab.sqrt(), (1 - ab).sqrt(), self.schedule.alpha_bar[:-1].float()
        if _near(found, (a, b)):
            return
        known = {
            "the model is asked about the clean picture: add the noise first.": (a / a, 0 * b),
            "the model is asked about the noise alone: mix it with the picture.": (0 * a, b / b),
            "the noise in x_t is scaled by 1 − ᾱ_t. That is its variance; numbers are scaled by the standard "
            "deviation, its square root.": (a, b**2),
            "the picture in x_t is scaled by ᾱ_t; the formula has √ᾱ_t.": (ab, b),
            "both square roots are missing in x_t.": (ab, b**2),
            "picture and noise have changed places in x_t: √ᾱ_t belongs to x_0.": (b, a),
            "x_t is a single step, with α_t and β_t. The jump from the clean picture uses ᾱ_t.": (
                alpha.sqrt(), beta.sqrt()
            ),
            "x_t is made with ᾱ_{t−1}. Our tables begin with the clean image at index 0, so time t is index t.": (
                before.sqrt(), (1 - before).sqrt()
            ),
            "the noise in x_t is not scaled.": (a, b / b),
        }  # fmt: skip
        for mistake, amounts in known.items():
            if _near(found, amounts):
                raise Mistake(mistake)
        picture, noise = found
        if picture.max() - picture.min() < 0.05 < a.max() - a.min():
            raise Mistake("the model is told other times than those the noise was made for: draw t once, and keep it.")
        raise Mistake(
            f"at t = 1, x_t is {picture[0]:.2f} x_0 + {noise[0]:.2f} ε, expected {a[0]:.2f} x_0 + {b[0]:.2f} ε; "
            f"at t = {len(a)}, {picture[-1]:.2f} and {noise[-1]:.2f}, expected {a[-1]:.2f} and {b[-1]:.2f}."
        )

    def _amounts(self) -> tuple[Tensor, Tensor]:
        """How much of the picture x_t holds at each time, and the standard deviation of what else it holds."""
        pairs = [(self.x_t[self.t == t], self.x0[self.t == t]) for t in range(1, self.schedule.T + 1)]
        picture = torch.stack([(x_t * x0).sum() / x0.square().sum() for x_t, x0 in pairs])
        rest = [(x_t - a * x0).square().mean().sqrt() for a, (x_t, x0) in zip(picture, pairs, strict=True)]
        return picture, torch.stack(rest)

    def _look_at_noise(self) -> None:
        noise = self.noise()
        for dim, things in enumerate(("all images of the batch", "all colours", "all rows", "all columns")):
            if noise.std(dim).max() < 1e-3:
                raise Mistake(f"the noise has another shape than the pictures: it is the same for {things}.")
        if noise.mean().abs() > 0.05:
            raise Mistake("the noise has not mean 0: torch.randn is Gaussian, torch.rand is not.")

    def _look_at_loss(self, loss: float) -> None:
        off, noise, count = self.errors(), self.noise(), self.x0.numel()
        answer = noise + off
        known = {
            "the loss is a sum over all numbers, so the step grows with the batch: take the mean.": self.LOSS * count,
            "the loss is a sum over the numbers of each image: take the mean over everything.": (
                self.LOSS * count / len(off)
            ),
            "the error is not squared: this is the mean of its absolute value.": off.abs().mean().item(),
            "this is the square root of the mean squared error: leave the root out.": self.LOSS**0.5,
            "this is half of the mean squared error.": self.LOSS / 2,
            "the target is the clean picture. The model is asked for the noise.": (self.x0 - answer)
            .square()
            .mean()
            .item(),
            "the target is x_t. The model is asked for the noise in it.": (self.x_t - answer).square().mean().item(),
            "the error is not squared before the mean, and half of it cancels.": off.mean().item(),
            "the answer of the model is compared with nothing: subtract it from ε.": answer.square().mean().item(),
        }
        for mistake, value in known.items():
            if math.isclose(abs(loss), abs(value), rel_tol=1e-3):
                raise Mistake(mistake)
        if abs(loss - (self.LOSS + 2 * noise.square().mean().item())) < 0.15:
            raise Mistake(
                "the target is fresh noise, not the noise that was mixed into x_t. Draw ε once, and use it twice: "
                "nobody can guess a second draw."
            )


def _ask(diffusion_loss: Callable[..., Any], *arguments: Any) -> Any:
    """Call the student's loss, and say where t = 0 comes from when `add_noise` refuses it."""
    try:
        return diffusion_loss(*arguments)
    except ValueError as error:
        if str(error).startswith("t must lie in 1…"):
            raise Mistake(f"{error}. Draw it with torch.randint(1, schedule.T + 1, …).") from error
        raise


def _near(found: tuple[Tensor, Tensor], expected: tuple[Tensor, Tensor]) -> bool:
    """Whether amounts agree up to chance: with 500 pictures at a time, one standard error is up to 0.01."""
    return all((one - other).abs().max() < 0.05 for one, other in zip(found, expected, strict=True))


def _little_batches() -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return [tuple(torch.randn((2, 8, 3), generator=generator)) for _ in range(5)]


def _little_model() -> tuple[nn.Module, torch.optim.Optimizer]:
    with torch.random.fork_rng(devices=()), torch.no_grad():
        model = nn.Linear(3, 3)
        model.weight.copy_(2 * torch.eye(3) - 1)
        model.bias.fill_(1.5)
    return model, torch.optim.SGD(model.parameters(), lr=0.2)


def _little_loss(model: nn.Module, x0: Tensor, c: Tensor) -> Tensor:
    error: Tensor = model(x0) - c
    return error.square().sum(1).mean()


def _weights(model: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def _little_run(actions: Iterable[str], batches: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
    """The losses and the last weights of a training that does these things for each batch, in this order."""
    model, optimizer = _little_model()
    losses = []
    for x0, c in batches:
        loss = _little_loss(model, x0, c)
        for action in actions:
            if action == "zero":
                optimizer.zero_grad()
            elif action == "backward":
                loss.backward()
            elif action == "clip":
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            elif action == "clip values":
                nn.utils.clip_grad_value_(model.parameters(), 1.0)
            else:
                optimizer.step()
        losses.append(loss.item())
    return torch.cat([torch.tensor(losses), _weights(model)])


def _two_networks() -> tuple[nn.Module, nn.Module]:
    """Two small networks with BatchNorm, all of whose weights and buffers differ."""
    with torch.random.fork_rng(devices=()):
        networks = [nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)) for _ in range(2)]
    generator = torch.Generator().manual_seed(0)
    for count, network in enumerate(networks, start=1):
        for tensor in network.state_dict().values():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) if tensor.is_floating_point() else 10 * count)
    return networks[0], networks[1]


def _parts(network: nn.Module) -> list[Tensor]:
    """All weights, all running statistics, and the counter of a network, each as one row of numbers."""
    buffers = list(network.buffers())
    return [
        torch.cat([tensor.detach().flatten() for tensor in tensors]).float()
        for tensors in (
            list(network.parameters()),
            [buffer for buffer in buffers if buffer.is_floating_point()],
            [buffer.view(1) for buffer in buffers if not buffer.is_floating_point()],
        )
    ]
