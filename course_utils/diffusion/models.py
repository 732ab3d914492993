"""What a model is, `model(x, t, c) -> eps`, and models made from networks and models: x_0- and v-prediction, clipping.

Guidance, which makes a model from a model too, stands in `guidance`.
"""

from collections.abc import Callable

from torch import Tensor, nn

from ..validation import require_floats, require_range
from .schedules import NoiseSchedule

Model = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""`model(x, t, c) -> eps`: x of shape (B, …), integer t of shape (B,), c of shape (B, n_context) or None."""


def clipped(model: Model, schedule: NoiseSchedule, low: float = -1.0, high: float = 1.0) -> Model:
    """Clamp the clean image that the model has in mind, x̂_0, to [low, high], and answer with the noise that fits it."""
    require_range(low, high)

    def answer(x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        x0_hat = schedule.predict_x0(x, t, model(require_floats("x", x), t, c))
        return schedule.predict_eps(x, t, x0_hat.clamp(low, high))

    return answer


class FromX0(nn.Module):
    """A model made from a network that puts out the clean image: ε = (x_t − √ᾱ_t x̂_0) / √(1 − ᾱ_t).

    Args:
        network: `network(x, t, c) -> x0_hat`.
        schedule: the schedule that it is trained with.
    """

    def __init__(self, network: nn.Module, schedule: NoiseSchedule) -> None:
        super().__init__()
        self.network, self.schedule = network, schedule

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """The noise in `x` of shape (B, …), at times t of shape (B,), in 1…T."""
        x0_hat: Tensor = self.network(x, t, c)
        return self.schedule.predict_eps(x, t, x0_hat.to(x.dtype))


class FromV(nn.Module):
    """A model made from a network that puts out v = √ᾱ_t ε − √(1 − ᾱ_t) x_0: ε = √ᾱ_t v + √(1 − ᾱ_t) x_t.

    v is picture and noise in one: mostly noise where there is little of it, mostly picture where there is nothing but
    noise, and of unit size where the pictures are (Salimans & Ho 2022, arXiv:2202.00512, section 4). Arguments as in
    `FromX0`.
    """

    def __init__(self, network: nn.Module, schedule: NoiseSchedule) -> None:
        super().__init__()
        self.network, self.schedule = network, schedule

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """The noise in `x` of shape (B, …), at times t of shape (B,), in 1…T."""
        v: Tensor = self.network(x, t, c)
        return self.schedule.signal(t, x) * v + self.schedule.noise(t, x) * x
