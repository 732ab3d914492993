"""Recipes as data: network, what it predicts, loss weight, schedule, steps, batch, rate and seed of each training.

Each shipped weight has its recipe here, and so has the classic lab that the course compares itself with. What runs them
is in `run`, and what a step of training is in `loop`.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..diffusion.likelihood import hybrid_loss
from ..diffusion.losses import clipped_snr, denoising_loss
from ..diffusion.models import FromV, FromX0, TrainedModel
from ..diffusion.posterior import learned_variance
from ..diffusion.schedules import NoiseSchedule, cosine_schedule, linear_schedule, quadratic_schedule, sigmoid_schedule
from ..networks.classic import ClassicUnet
from ..networks.unet import ContextUnet
from ..networks.variance import UnetWithVariance
from .loop import ADAMW, PLAIN_ADAM, Optimization

SCHEDULES: dict[str, Callable[[int], NoiseSchedule]] = {
    "linear": linear_schedule,
    "quadratic": quadratic_schedule,
    "cosine": cosine_schedule,
    "sigmoid": sigmoid_schedule,
}


class Recipe(NamedTuple):
    """All that decides what the weights of a diffusion model become.

    Attributes:
        name: of the recipe.
        network: a class, called with `n_features` and `n_context`.
        n_features: width of the network, a multiple of 8.
        predicts: makes a model of a network that puts out v or x_0; nothing for one that puts out ε.
        schedule: makes a schedule of `T` steps.
        T: the number of noise levels.
        weight: the table of weights of the squared error of ε, made of a schedule; nothing for 1.
        context_dropout: share of the images that are shown without their context.
        steps: how many batches to learn from, at least 50.
        batch_size: images in a batch.
        learning_rate: its largest value.
        optimization: how gradients change the weights.
        seed: of every random choice.
        loss: as in `train`.
        checkpoints: what is kept beside the end: after which part of the steps, one over the number, by the end of the
            file's name.
    """

    name: str
    network: Callable[..., nn.Module]
    n_features: int
    predicts: type[FromV] | type[FromX0] | None
    schedule: Callable[[int], NoiseSchedule]
    T: int
    weight: Callable[[NoiseSchedule], Tensor] | None
    context_dropout: float
    steps: int
    batch_size: int
    learning_rate: float
    optimization: Optimization
    seed: int
    loss: Callable[..., Tensor] = denoising_loss
    checkpoints: Mapping[str, int] = MappingProxyType({"-middle": 16, "-early": 100})

    def target(self) -> str:
        """What the network puts out, in the letters of the papers."""
        return "ε" if self.predicts is None else {FromV: "v", FromX0: "x_0"}[self.predicts]

    def model(self, schedule: NoiseSchedule, n_context: int) -> nn.Module:
        """A new model, `model(x, t, c) -> eps`, with weights from PyTorch's own generator."""
        network = self.network(n_features=self.n_features, n_context=n_context)
        return network if self.predicts is None else self.predicts(network, schedule)

    def settings(self, schedule: NoiseSchedule) -> dict[str, Any]:
        """What `train` is told, beside model, images, schedule, steps and generator."""
        return {
            "batch_size": self.batch_size,
            "learning_rate": self.learning_rate,
            "weight": self.weight and self.weight(schedule),
            "context_dropout": self.context_dropout,
            "optimization": self.optimization,
            "loss": self.loss,
        }


def begin_with(recipe: Recipe, model: TrainedModel, schedule: NoiseSchedule) -> Recipe:
    """The same recipe for a network of the kind, width and noise levels of trained weights, to go on with those.

    Raises ValueError if the schedule is none of `SCHEDULES`.
    """
    for make in SCHEDULES.values():
        if torch.allclose(make(schedule.T).beta, schedule.beta, rtol=1e-6):  # machines round differently
            break
    else:
        raise ValueError(f"the weights to begin with must have a schedule of {', '.join(SCHEDULES)}, got {schedule}")
    network: Any = model.network
    predicts = next((kind for kind in (FromV, FromX0) if isinstance(model.model, kind)), None)
    width = network.arguments["n_features"]
    return recipe._replace(network=type(network), n_features=width, predicts=predicts, schedule=make, T=schedule.T)


def take_over(model: nn.Module, trained: TrainedModel, classes: Sequence[str]) -> None:
    """Put trained weights into a new model; the layer of the context is of use only to the same classes.

    For others it becomes zero: then the network begins as one that was told nothing.
    """
    weights, n_context = trained.model.state_dict(), max(1, len(classes))
    for name, tensor in model.state_dict().items():
        of_context = "context" in name and tensor.shape[1:] == (n_context,)
        if of_context and tuple(classes) != trained.classes:
            tensor.zero_()
        else:
            tensor.copy_(weights[name])


def steps_for(recipe: Recipe, n: int) -> int:
    """How many steps n pictures are good for: those of the recipe, or so many that each is seen `MOST_VIEWS` times."""
    return min(recipe.steps, max(200, MOST_VIEWS * n // recipe.batch_size))


class ClassifierRecipe(NamedTuple):
    """All that decides what the weights of a `SpriteClassifier` become; attributes as in `Recipe`."""

    name: str
    steps: int
    batch_size: int
    learning_rate: float
    seed: int


def hybrid(
    model: nn.Module,
    x0: Tensor,
    t: Tensor,
    eps: Tensor,
    c: Tensor | None,
    schedule: NoiseSchedule,
    weight: Tensor | None,
) -> Tensor:
    """`hybrid_loss` of a model whose network has its variance in it."""
    return hybrid_loss(model, learned_variance(model, schedule), x0, t, eps, c, schedule, weight)


SPRITES = Recipe(
    name="sprites",
    network=ContextUnet,
    n_features=32,
    predicts=FromX0,
    schedule=cosine_schedule,
    T=500,
    weight=clipped_snr,
    context_dropout=0.1,
    steps=40_000,
    batch_size=32,
    learning_rate=3e-3,
    optimization=ADAMW,
    seed=0,
)
"""The recipe of `weights/sprites.safetensors`, and of its checkpoints on the way."""

CLASSIC = Recipe(
    name="classic",
    network=ClassicUnet,
    n_features=64,
    predicts=None,
    schedule=linear_schedule,
    T=500,
    weight=None,
    context_dropout=0.1,
    steps=6_400,  # 32 epochs of our 20,000 sprites
    batch_size=100,
    learning_rate=1e-3,
    optimization=PLAIN_ADAM,
    seed=0,
)
"""The recipe of the classic sprite lab, to compare with; its weights are not shipped."""

LIKELIHOOD = Recipe(
    name="likelihood",
    network=UnetWithVariance,
    n_features=16,
    predicts=FromV,
    schedule=cosine_schedule,
    T=500,
    weight=None,
    context_dropout=0.5,  # it is mostly asked without a class: what a sprite costs in bits is meant of all sprites
    steps=15_000,
    batch_size=32,
    learning_rate=3e-3,
    optimization=ADAMW,
    seed=0,
    loss=hybrid,
    checkpoints={},
)
"""The recipe of `weights/likelihood.safetensors`, whose steps know their variance; made for bits, not for looks."""

MOST_VIEWS = 400
"""How often a picture is shown at most; what becomes of 60 pictures with more, `benchmarks/few.py` measures."""

RECIPES = {recipe.name: recipe for recipe in (SPRITES, CLASSIC, LIKELIHOOD)}
"""Recipes of diffusion models, by name."""

JUDGE = ClassifierRecipe(name="judge", steps=1000, batch_size=256, learning_rate=4e-3, seed=0)
"""The recipe of `weights/judge.safetensors`, the classifier that the metrics ask."""
