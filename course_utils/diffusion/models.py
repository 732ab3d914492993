"""What a model is, `model(x, t, c) -> eps`, and models made from networks and models: x_0- and v-prediction, clipping.

A trained model also knows its classes by name. Guidance, which makes a model from a model too, stands in `guidance`.
"""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from unicodedata import normalize

import torch
from torch import Tensor, nn

from ..validation import require_classes, require_floats, require_range, require_shape
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


class TrainedModel(nn.Module):
    """A model that knows what it was trained on: the names of its classes and the shape of its pictures.

    Args:
        model: `model(x, t, c) -> eps`, with parameters.
        classes: a name for each context, in their order; none where the pictures had none.
        shape: of one picture, (C, H, W), if it is known.
    """

    def __init__(self, model: nn.Module, classes: Sequence[str] = (), shape: Sequence[int] | None = None) -> None:
        super().__init__()
        self.model = model
        self.classes = require_classes("classes", classes)
        self.shape = None if shape is None else require_shape("shape", shape)

    @property
    def network(self) -> nn.Module:
        """What was trained, without the wrapper that turns its answer into noise."""
        network: nn.Module = getattr(self.model, "network", self.model)
        return network

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """The noise in `x` of shape (B, …), at times t of shape (B,), in 1…T."""
        eps: Tensor = self.model(x, t, c)
        return eps

    def context(self, *names: str) -> Tensor:
        """The contexts that ask for these classes, one row for each name: one-hot, shape (len(names), n_context).

        Raises ValueError for a name that is none of `classes`.
        """
        # as `require_classes` spells them: macOS takes letters apart
        asked = [normalize("NFC", name) if isinstance(name, str) else name for name in names]
        for name in tuple(asked) or (None,):
            if name not in self.classes:
                known = ", ".join(map(repr, self.classes[:12])) or "nothing: it was trained without classes"
                known += f" and {len(self.classes) - 12:,} more" if len(self.classes) > 12 else ""
                alike = {word.casefold(): word for word in self.classes}
                near = get_close_matches(str(name).casefold(), alike, 1)
                meant = f": did you mean {alike[near[0]]!r}?" if near else ""
                raise ValueError(f"names must be among those that the model knows ({known}), got {name!r}{meant}")
        rows = torch.tensor([self.classes.index(name) for name in asked])
        return torch.eye(len(self.classes))[rows].to(next(self.parameters()).device)
