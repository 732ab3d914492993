"""The exercises of notebook 03: the U-Net, its time embedding, scale and shift, the residual block, and saving."""

import math
from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..networks.blocks import GROUPS, ResidualBlock, TimeEmbedding
from ..networks.broken import with_batch_norm, with_fresh_shortcuts
from ..networks.unet import ContextUnet
from .exercise import Case, Exercise, Function
from .verdict import Mistake, agree, amounts_of, answered


def give_weights(module: nn.Module, strength: float, generator: torch.Generator) -> None:
    """Random weights for all layers, also for those that begin at zero."""
    for parameter in module.eval().requires_grad_(False).parameters():
        parameter.copy_(strength * torch.randn(parameter.shape, generator=generator))


def unaltered(x: Tensor) -> Tensor:
    """What a function does that does nothing."""
    return x


class AllShapes(TorchFunctionMode):
    """While it is on, `torch.cat` names all shapes when it stops, in the same words whichever tensor comes first.

    PyTorch names one side of each. From that one cannot tell whether what comes up was not doubled, or the skip
    connection halved.
    """

    def __torch_function__(self, func: Function, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        try:
            return func(*args, **(kwargs or {}))
        except RuntimeError as error:
            if "Sizes of tensors must match" not in str(error):
                raise
            shapes = sorted(tuple(tensor.shape) for tensor in (args[0] if args else kwargs["tensors"]))
            raise RuntimeError(f"{str(error).split('.')[0]}, got {' and '.join(map(str, shapes))}.") from error


def naming_all_shapes(unet: Function, network: ContextUnet, x: Tensor, condition: Tensor) -> Any:
    """Try a way through the network."""
    with AllShapes():
        return unet(network, x, condition)


def network_and_pictures(seed: int) -> list[Case]:
    """A small network with random weights, three pictures that are not square, and their conditions."""
    network, generator = ContextUnet(n_features=16), torch.Generator().manual_seed(seed)
    give_weights(network, 0.1, generator)
    x = torch.randn((3, 3, 8, 12), generator=generator)
    condition = F.silu(network.embed_time(torch.tensor([3, 90, 400])) + network.embed_context(torch.eye(5)[:3]))
    return [Case((network, x, condition))]


def walk(
    join: Callable[[Tensor, Tensor], Tensor] = lambda up, skip: torch.cat([up, skip], dim=1),
    skips: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]] = lambda stem, fine, middle: (fine, middle),
    halve: Callable[[Tensor, int], Tensor] = F.avg_pool2d,
    scales: tuple[int, int] = (2, 2),
    mode: str = "nearest",
    late: bool = False,
    join1: Callable[[Tensor, Tensor], Tensor] | None = None,
    bottom2: bool = True,
    head: bool = True,
) -> Function:
    """A way through the network: down, through the bottleneck, and up again with skip connections.

    `late` doubles behind the blocks and not before them; `join1` joins otherwise before up1.
    """

    def double(h: Tensor, level: int, now: bool) -> Tensor:
        return F.interpolate(h, scale_factor=scales[level], mode=mode) if now else h

    def unet(network: ContextUnet, x: Tensor, condition: Tensor) -> Tensor:
        stem = network.stem(x)
        fine = network.down1(stem, condition)
        middle = network.down2(halve(fine, 2), condition)
        coarse = network.bottom1(halve(middle, 2), condition)
        coarse = network.bottom2(coarse, condition) if bottom2 else coarse
        skip1, skip2 = skips(stem, fine, middle)
        up = double(network.up2(join(double(coarse, 0, not late), skip2), condition), 0, late)
        up = double(network.up1((join1 or join)(double(up, 1, not late), skip1), condition), 1, late)
        answer: Tensor = network.head(up) if head else up
        return answer

    return unet


def halved(stem: Tensor, fine: Tensor, middle: Tensor) -> tuple[Tensor, Tensor]:
    """Skip connections that were kept too late."""
    return F.avg_pool2d(fine, 2), F.avg_pool2d(middle, 2)


def doubled_again(stem: Tensor, fine: Tensor, middle: Tensor) -> tuple[Tensor, Tensor]:
    """The same, made to fit what comes up."""
    skip1, skip2 = (F.interpolate(skip, scale_factor=2) for skip in halved(stem, fine, middle))
    return skip1, skip2


check_unet = Exercise(
    name="unet",
    asks="Check `unet(network, x, condition)`: down, through the bottleneck and up, with the network's own parts.",
    right=walk(),
    cases=network_and_pictures,
    run=naming_all_shapes,
    mistakes={
        "what comes up stands behind the skip connection. It comes first, as in equation (1).": (
            walk(join=lambda up, skip: torch.cat([skip, up], dim=1))
        ),
        "bottom2 is left out.": walk(bottom2=False),
        "it halves with max_pool2d. The network has learned with averages: F.avg_pool2d.": walk(halve=F.max_pool2d),
        "it halves by leaving out pixels. The network has learned with averages: F.avg_pool2d.": (
            walk(halve=lambda h, _: h[..., ::2, ::2])
        ),
        "it doubles smoothly. The network has learned with mode='nearest'.": walk(mode="bilinear"),
        "it neither halves nor doubles: every block works at full size.": walk(halve=lambda h, _: h, scales=(1, 1)),
        "the skip connection starts at the stem. It carries what down1 puts out.": (
            walk(skips=lambda stem, fine, middle: (stem, middle))
        ),
        "the head is missing: these are the features of up1.": walk(head=False),
        "up2 wants what comes up and the skip connection joined, side by side. The skip connection, from down2, is "
        "missing.": walk(join=lambda up, skip: up),
        "up1 wants what comes up and the skip connection joined, side by side. The skip connection, from down1, is "
        "missing.": walk(join1=lambda up, skip: up),
        "a block on the way up wants what comes up and the skip connection joined, side by side. What comes up is "
        "missing.": walk(join=lambda up, skip: skip),
        "what comes up from bottom2 is not doubled before it is joined.": walk(scales=(1, 2)),
        "what comes up from up2 is not doubled before it is joined.": walk(scales=(2, 1)),
        "the skip connection to up2 comes from down1. It should come from its own level, down2.": (
            walk(skips=lambda stem, fine, middle: (fine, fine))
        ),
        "the skip connection to up1 comes from down2. It should come from its own level, down1.": (
            walk(skips=lambda stem, fine, middle: (middle, middle))
        ),
        "the skip connection to up2 was halved. It carries what down2 put out before it was halved.": (
            walk(skips=lambda stem, fine, middle: (fine, F.avg_pool2d(middle, 2)))
        ),
        "the skip connection to up1 was halved. It carries what down1 put out before it was halved.": (
            walk(skips=lambda stem, fine, middle: (F.avg_pool2d(fine, 2), middle))
        ),
        "the skip must be kept before it is halved.": walk(skips=halved, late=True),
        "the skip must be kept before it is halved. To double it again does not bring back what is lost.": (
            walk(skips=doubled_again)
        ),
    },
    hints={
        "takes 2 positional arguments but 3 were given": "stem and head take no condition.",
        "except in dimension 1": "What is joined must be equally high and wide. Halve before down2 and before bottom1, "
        "keep the features from before that, and double what comes up.",
        "except in dimension": "torch.cat joins along dimension 0, the batch, unless dim says otherwise. Channels are "
        "dimension 1.",
        "stack expects": "torch.stack makes a new dimension. torch.cat puts channels side by side in dimension 1.",
        "size of tensor": "What comes up and the skip connection are joined, side by side. They are not added.",
        "number of channels in input": "Each block takes a certain number of channels: compare the order of the "
        "blocks, and what is joined, with the list above.",
    },
)


def times(seed: int) -> list[Case]:
    """Five times and an even width."""
    return [Case((torch.tensor([1, 2, 4, 7, 11]) + seed, 12 + seed // 4 * 2))]


def side_by_side(sines: Tensor, cosines: Tensor) -> Tensor:
    """All sines, then all cosines."""
    return torch.cat([sines, cosines], dim=1)


def powers(k: Tensor, half: float, logarithm: float = math.log(10_000)) -> Tensor:
    """Frequencies that fall as k grows."""
    return torch.exp(-logarithm * k / half)


def waves(
    frequency: Callable[[Tensor, int], Tensor] = powers, order: Callable[[Tensor, Tensor], Tensor] = side_by_side
) -> Callable[[Tensor, int], Tensor]:
    """A time_embedding made from the frequencies, a function of k and width / 2, and the order of sines and cosines."""

    def time_embedding(t: Tensor, width: int) -> Tensor:
        angle = t[:, None] * frequency(torch.arange(width // 2), width // 2)
        return order(angle.sin(), angle.cos())

    return time_embedding


LARGE_ANGLES = {
    "the frequencies rise: the exponent has a minus, and t is multiplied by them.": waves(
        lambda k, half: 1 / powers(k, half)
    ),
    "the angle is multiplied by 2π. One radian a step is meant, not one turn.": waves(
        lambda k, half: 2 * torch.pi * powers(k, half)
    ),
}


def nearly(got: Tensor, truth: Tensor, t: Tensor, width: int) -> str | None:
    """Recognise large angles: their sines depend on how the angles were rounded."""
    return next((name for name, wrong in LARGE_ANGLES.items() if torch.allclose(got, wrong(t, width), atol=0.02)), None)


check_time_embedding = Exercise(
    name="time_embedding",
    asks="Check `time_embedding(t, width)`: sines, then cosines, of t at width / 2 falling frequencies.",
    right=lambda t, width: TimeEmbedding(width)(t),
    cases=times,
    source="what is drawn or made inside is new and random in every call",
    mistakes={
        "cosines come first: the exercise asks for the sines, then the cosines.": (
            waves(order=lambda sines, cosines: side_by_side(cosines, sines))
        ),
        "sines and cosines take turns. That is the order of the original paper; ours puts all sines first.": (
            waves(order=lambda sines, cosines: torch.stack([sines, cosines], dim=2).flatten(1))
        ),
        "the cosines are missing: from the sine alone one cannot tell t from half a turn minus t.": (
            waves(order=lambda sines, cosines: sines)
        ),
        "the sines are missing: from the cosine alone one cannot tell t from its mirror image.": (
            waves(order=lambda sines, cosines: cosines)
        ),
        "sines and cosines are added. Put them side by side with torch.cat.": waves(order=torch.add),
        "the cosines stand below the sines, as if they belonged to other images. Side by side is dimension 1.": (
            waves(order=lambda sines, cosines: torch.cat([sines, cosines]))
        ),
        "the exponent is divided by the width; there are only width / 2 frequencies, so divide by that.": (
            waves(lambda k, half: powers(k, 2 * half))
        ),
        "the exponent is divided by width / 2 − 1, as in DDPM's code. Ours divides by width / 2.": (
            waves(lambda k, half: powers(k, half - 1))
        ),
        "k counts from 1. It counts from 0, so that the first frequency is one radian a step.": (
            waves(lambda k, half: powers(k + 1, half))
        ),
        "the logarithm is missing: e to a power needs ln 10,000.": waves(lambda k, half: powers(k, half, 10_000)),
        "this takes log10 of 10,000; e to a power needs the natural logarithm.": (
            waves(lambda k, half: powers(k, half, math.log10(10_000)))
        ),
        "every frequency is the same: k must count them.": waves(lambda k, half: torch.ones(half)),
        "t does not come into it: these are the sines and cosines of the frequencies.": (
            lambda t, width: waves()(t**0, width)
        ),
        "the sines and cosines of the frequencies are multiplied by t. Multiply first: sin(t · frequency).": (
            lambda t, width: t[:, None] * waves()(t**0, width)
        ),
        "these are the angles themselves: take their sines and cosines.": (
            lambda t, width: (t[:, None] * powers(torch.arange(width // 2), width // 2)).repeat(1, 2)
        ),
        "the result is torch.float64, expected torch.float32, like the weights that it will be multiplied with.": (
            lambda t, width: waves()(t, width).double()
        ),
        **LARGE_ANGLES,
    },
    diagnoses=(nearly,),
    hints={
        "size of tensor": "t has shape (B,) and the frequencies (width / 2,): t[:, None] makes a column.",
        "must be Tensor, not": "torch's functions want tensors; for a plain number there is the module math.",
        "converted to": "The functions of math take one number; those of torch take all numbers of a tensor at once.",
    },
)


def features(seed: int) -> list[Case]:
    """Features, a condition and a layer. The condition fits without the layer, so who forgets it gets a result."""
    generator, layer = torch.Generator().manual_seed(seed), nn.Linear(8, 8)
    h, condition = torch.randn((3, 4, 5, 6), generator=generator), torch.randn((3, 8), generator=generator)
    give_weights(layer, 0.4, generator)
    return [Case((h, condition, layer))]


def modulated(
    formula: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda h, a, b: h * (1 + a) + b,
    halves: Callable[[Tensor], tuple[Tensor, ...]] = lambda both: both.chunk(2, dim=1),
    activation: Callable[[Tensor], Tensor] = unaltered,
) -> Function:
    """A function of (h, condition, layer) made from one of h, the scale a and the shift b."""
    return lambda h, condition, layer: formula(h, *halves(layer(activation(condition))[:, :, None, None]))


NO_LAYER = "the layer was never called: scale and shift are what it makes of the condition, not the condition itself."


def without_layer(got: Tensor, truth: Tensor, h: Tensor, condition: Tensor, layer: nn.Linear) -> str | None:
    """Say that the condition itself was taken for scale and shift, whatever became of them then."""
    first, second = condition[:, :, None, None].chunk(2, dim=1)
    amounts = amounts_of(got, first.expand_as(h), second.expand_as(h), h * first, h * second, h, torch.ones_like(h))
    return NO_LAYER if amounts and max(map(abs, amounts[:4])) > 1e-3 else None


check_modulate = Exercise(
    name="modulate",
    asks="Check `modulate(h, condition, layer)`: h · (1 + scale) + shift, both made from the condition by the layer.",
    right=modulated(),
    cases=features,
    source="a layer that is made inside is new and random in every call",
    mistakes={
        "the features are multiplied by scale itself. Where it is 0 they vanish: multiply by 1 + scale.": (
            modulated(lambda h, a, b: h * a + b)
        ),
        "scale and shift have changed places: the first half of the layer's answer is the scale.": (
            modulated(lambda h, a, b: h * (1 + b) + a)
        ),
        "scale and shift have changed places, and the 1 is missing.": modulated(lambda h, a, b: h * b + a),
        "the shift is missing.": modulated(lambda h, a, b: h * (1 + a)),
        "the scale is missing.": modulated(lambda h, a, b: h + b),
        "the shift is scaled as well: multiply first, then add.": modulated(lambda h, a, b: (h + b) * (1 + a)),
        "the 1 is added once more, to the sum: it belongs to the scale alone.": (
            modulated(lambda h, a, b: h * (1 + a) + 1 + b)
        ),
        "the 1 is missing, or its brackets, and h is added instead of multiplied.": modulated(
            lambda h, a, b: h + a + b
        ),
        "it takes every other number for the scale. The first half of them is meant: .chunk(2, dim=1).": (
            modulated(halves=lambda both: (both[:, ::2], both[:, 1::2]))
        ),
        "the condition goes through SiLU again. It has been through it when it gets here.": (
            modulated(activation=F.silu)
        ),
        "it returns h as it came.": lambda h, condition, layer: h,
        NO_LAYER: lambda h, condition, layer: modulated()(h, condition, nn.Identity()),
    },
    diagnoses=(without_layer,),
    hints={
        "size of tensor": "scale and shift need the shape (B, C, 1, 1): split the layer's answer with "
        ".chunk(2, dim=1), and give it two more sides with [:, :, None, None].",
        "too many values to unpack": "This takes the batch apart. Scale and shift are halves of dimension 1.",
        "mat1 and mat2": "The layer takes the condition as it comes, of shape (B, n_condition).",
    },
)


def blocks(seed: int) -> list[Case]:
    """Pictures, conditions and weights for a block that changes the number of channels, and for one that does not."""
    cases = []
    for c_in, c_out, where in ((16, 24, ""), (16, 16, "where c_in = c_out, ")):
        generator, block = torch.Generator().manual_seed(100 * seed + c_out), ResidualBlock(c_in, c_out, 10)
        give_weights(block, 0.3, generator)
        x, condition = torch.randn((3, c_in, 5, 6), generator=generator), torch.randn((3, 10), generator=generator)
        cases.append(Case((x, condition, block), where))
    return cases


@torch.no_grad()
def with_our_weights(block_class: Function, x: Tensor, condition: Tensor, ours: ResidualBlock) -> Any:
    """What a block of the student's class answers when it has the weights of ours, found by their names."""
    block = answered(block_class(ours.conv1.in_channels, ours.conv1.out_channels, condition.shape[1]))
    if not isinstance(block, nn.Module):
        raise Mistake(f"it is a {type(block).__name__}, expected an nn.Module.")
    try:
        first = block(x, condition)
    except Exception:
        require_same_layers(block, ours)  # a wrong layer is the cause, and the error only where it shows
        raise
    answered(first)  # before the layers: an untouched stub lacks some
    require_same_layers(block, ours)
    weights = block.state_dict()
    if weights["conv2.weight"].any() or weights["conv2.bias"].any():
        raise Mistake("a new block should pass its input through: set weight and bias of conv2 to 0 in __init__.")
    block.load_state_dict(ours.state_dict())
    answer = block.eval()(x, condition)
    if isinstance(answer, Tensor) and agree(answer, ours(x, condition)):  # right, if it can learn
        require_gradients(block, x, condition)
    return answer


@torch.enable_grad()
def require_gradients(block: nn.Module, x: Tensor, condition: Tensor) -> None:
    """Say what cannot learn, because a gradient does not reach it."""
    source = condition.clone().requires_grad_()
    answer = block(x, source)
    learning = {"the condition, and so time and context": source, **dict(block.named_parameters())}
    if not (isinstance(answer, Tensor) and answer.requires_grad):
        no_way = "nothing in it can learn, since no gradient leads back"
        raise Mistake(f"{no_way}: no torch.no_grad(), no detach().")
    gradients = torch.autograd.grad(answer.sum(), list(learning.values()), allow_unused=True)
    for name, gradient in zip(learning, gradients, strict=True):
        if gradient is None:
            raise Mistake(f"no gradient reaches {name}: it cannot learn. No torch.no_grad(), no detach().")


def require_same_layers(block: nn.Module, ours: nn.Module) -> None:
    """Say which weights a student's block lacks, has too many, or has in another shape, and which layers differ."""
    if any(isinstance(part, nn.Dropout | nn.Dropout2d) for part in block.modules()):
        raise Mistake("it has dropout, and the exercise asks for none.")
    got, expected = block.state_dict(), ours.state_dict()
    if any("running" in name for name in got):
        raise Mistake("it has a BatchNorm, which mixes the images of a batch. The exercise asks for GroupNorm.")
    if "shortcut.weight" in expected and "shortcut.weight" not in got:
        raise Mistake(
            "the weights of the shortcut are missing in its state_dict: does it have another name, or is it made in "
            "forward? Where the number of channels changes, self.shortcut is an nn.Conv2d(c_in, c_out, 1) in __init__."
        )
    if "shortcut.weight" in got and "shortcut.weight" not in expected:
        raise Mistake("the shortcut has weights although c_in = c_out. Let x through as it is, with nn.Identity().")
    for name in [*expected, *got]:
        if name not in got:
            raise Mistake(f"{name} is missing in its state_dict: is the layer made in __init__, under this name?")
        if name not in expected:
            raise Mistake(
                f"it has a weight too many, {name}. Its layers are norm1, conv1, norm2, conv2, condition, shortcut."
            )
        if got[name].shape != expected[name].shape:
            reason = ": scale and shift need 2 · c_out numbers." if name.startswith("condition") else "."
            raise Mistake(f"{name} has shape {tuple(got[name].shape)}, expected {tuple(expected[name].shape)}{reason}")
    for name in ("norm1", "norm2"):
        if (groups := getattr(getattr(block, name), "num_groups", GROUPS)) != GROUPS:
            raise Mistake(f"{name} has {groups} groups, expected {GROUPS}.")


def block_with(
    first: Callable[[ResidualBlock, Tensor], Tensor] = lambda net, x: net.conv1(F.silu(net.norm1(x))),
    between: Callable[..., Tensor] = lambda net, h, a, b: net.norm2(h) * (1 + a) + b,
    second: Callable[..., Tensor] = lambda net, h, a, b: net.conv2(F.silu(h)),
    shortcut: Callable[[ResidualBlock, Tensor], Tensor] = lambda net, x: net.shortcut(x),
    activation: Callable[[Tensor], Tensor] = unaltered,
    last: Callable[[Tensor], Tensor] = unaltered,
) -> type[ResidualBlock]:
    """A block whose forward is put together from other pieces, made from its layers, the scale a and the shift b."""

    class Wrong(ResidualBlock):
        def forward(self, x: Tensor, condition: Tensor) -> Tensor:
            a, b = self.condition(activation(condition))[:, :, None, None].chunk(2, dim=1)
            h = between(self, first(self, x), a, b)
            return last(shortcut(self, x) + second(self, h, a, b))

    return Wrong


def made_with(name: str, layer: Callable[[int, int], nn.Module]) -> Function:
    """A block in which one layer is another, made from c_in and c_out."""

    def make(c_in: int, c_out: int, n_condition: int) -> ResidualBlock:
        block = ResidualBlock(c_in, c_out, n_condition)
        setattr(block, name, layer(c_in, c_out))
        return block

    return make


check_residual_block = Exercise(
    name="ResidualBlock",
    asks="Check `ResidualBlock(c_in, c_out, n_condition)`, a class whose blocks are called as `block(x, condition)`.",
    right=ResidualBlock,
    cases=blocks,
    run=with_our_weights,
    mistakes={
        "the shortcut is missing: add it to what conv2 puts out.": block_with(shortcut=lambda net, x: torch.zeros(1)),
        "time and context are ignored: scale and shift the features between norm2 and SiLU.": (
            block_with(between=lambda net, h, a, b: net.norm2(h))
        ),
        "the features are multiplied by scale itself. Multiply by 1 + scale.": (
            block_with(between=lambda net, h, a, b: net.norm2(h) * a + b)
        ),
        "scale and shift have changed places: the scale comes first.": (
            block_with(between=lambda net, h, a, b: net.norm2(h) * (1 + b) + a)
        ),
        "scale and shift come before norm2, which undoes most of them. They come after it.": (
            block_with(between=lambda net, h, a, b: net.norm2(h * (1 + a) + b))
        ),
        "scale and shift come after conv2. They come between norm2 and SiLU.": block_with(
            between=lambda net, h, a, b: net.norm2(h), second=lambda net, h, a, b: net.conv2(F.silu(h)) * (1 + a) + b
        ),
        "scale and shift come after the second SiLU. They come before it.": block_with(
            between=lambda net, h, a, b: F.silu(net.norm2(h)) * (1 + a) + b, second=lambda net, h, a, b: net.conv2(h)
        ),
        "the condition goes through SiLU again. It has been through it when it gets here.": (
            block_with(activation=F.silu)
        ),
        "the first SiLU is missing: normalise, SiLU, convolve.": block_with(lambda net, x: net.conv1(net.norm1(x))),
        "the second SiLU is missing: scale and shift, SiLU, convolve.": (
            block_with(second=lambda net, h, a, b: net.conv2(h))
        ),
        "both SiLUs are missing.": (
            block_with(lambda net, x: net.conv1(net.norm1(x)), second=lambda net, h, a, b: net.conv2(h))
        ),
        "this is ReLU; the block has SiLU.": block_with(
            lambda net, x: net.conv1(F.relu(net.norm1(x))), second=lambda net, h, a, b: net.conv2(F.relu(h))
        ),
        "norm1 is missing.": block_with(lambda net, x: net.conv1(F.silu(x))),
        "norm2 is missing.": block_with(between=lambda net, h, a, b: h * (1 + a) + b),
        "SiLU comes before the normalisation: normalise, SiLU, convolve.": (
            block_with(lambda net, x: net.conv1(net.norm1(F.silu(x))))
        ),
        "the shortcut starts behind norm1. It carries x as it came.": (
            block_with(shortcut=lambda net, x: net.shortcut(net.norm1(x)))
        ),
        "the sum goes through another SiLU. It is returned as it is.": block_with(last=F.silu),
        "it has a BatchNorm": made_with("norm1", lambda c_in, c_out: nn.BatchNorm2d(c_in)),
        "the weights of the shortcut are missing": made_with("shortcut", lambda c_in, c_out: nn.Identity()),
        "the shortcut has weights": made_with("shortcut", lambda c_in, c_out: nn.Conv2d(c_in, c_out, 1)),
        "norm2.weight is missing": made_with("norm2", lambda c_in, c_out: nn.Identity()),
        "it has a weight too many, norm3.weight": made_with("norm3", lambda c_in, c_out: nn.GroupNorm(8, c_out)),
        "condition.weight has shape": made_with("condition", lambda c_in, c_out: nn.Linear(10, c_out)),
        "norm1 has 4 groups": made_with("norm1", lambda c_in, c_out: nn.GroupNorm(4, c_in)),
        "a new block": made_with("conv2", lambda c_in, c_out: nn.Conv2d(c_out, c_out, 3, padding=1)),
        "two calls with the same arguments differ": block_with(last=F.dropout),
    },
    hints={
        "at non-singleton dimension 1": "The numbers of channels differ: past the layers leads the shortcut, and scale "
        "and shift are the two halves of what the layer `condition` puts out.",
        "size of tensor": "Scale and shift need the shape (B, c_out, 1, 1) to line up with the channels, and a 3 × 3 "
        "convolution keeps height and width with a padding of 1.",
    },
    source="layers that are made in forward are new and random in every call. Make all layers in __init__",
)


class SmallNetwork(nn.Module):
    """A single block, told time and context. It is sound."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.block, self.head = nn.Conv2d(3, 8, 1), ResidualBlock(8, 16, 6), nn.Conv2d(16, 3, 1)

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """Some function of picture, time and context, of the shape of the picture."""
        condition = torch.cat([t[:, None] / 100, torch.zeros(len(x), 5) if c is None else c], dim=1)
        answer: Tensor = self.head(self.block(self.stem(x), condition))
        return answer


class WithListedLayer(SmallNetwork):
    """The mistake: a layer stands in a plain list, where PyTorch does not look for it, so the state dict misses it."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = [nn.Conv2d(3, 3, 1)]

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """The same, and one layer more."""
        answer: Tensor = self.hidden[0](super().forward(x, t, c))
        return answer


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "": SmallNetwork,
    "with BatchNorm, ": lambda: with_batch_norm(cast(ContextUnet, SmallNetwork())),
    "with a shortcut that is made anew in every call, ": (
        lambda: with_fresh_shortcuts(cast(ContextUnet, SmallNetwork()))
    ),
    "with a layer in a plain list, ": WithListedLayer,
}
"""Two kinds of network that survive saving, and two that do not, by how a sentence about them begins."""


def saved_networks(seed: int) -> list[Case]:
    """Two networks of each kind, all of whose weights and statistics differ, and what both are asked."""
    generator = torch.Generator().manual_seed(seed)
    x, c = torch.randn((2, 3, 8, 4), generator=generator), torch.eye(5)[:2]
    cases = []
    for where, make in NETWORKS.items():
        networks = make(), make()
        for network in networks:
            for module in (network, *getattr(network, "hidden", [])):
                give_weights(module, 0.3, generator)
            for name, tensor in network.state_dict().items():
                if "running" in name:
                    tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
        cases.append(Case((*networks, x, torch.tensor([3, 90]), c), where))
    return cases


def survives_saving(network: nn.Module, other: nn.Module, x: Tensor, t: Tensor, c: Tensor) -> bool:
    """Whether another network of the same kind answers the same once it has loaded the state dict."""
    other.load_state_dict(network.state_dict())
    return torch.equal(network(x, t, c), other(x, t, c))


def same_state(one: Mapping[str, Tensor], another: Mapping[str, Tensor]) -> bool:
    """Whether two state dicts of one kind of network hold the same numbers."""
    return all(map(torch.equal, one.values(), another.values()))


def yes_or_no(answer: Any) -> bool:
    """An answer that is True or False; anything else is a mistake."""
    if isinstance(answer, Tensor) and answer.dtype == torch.bool:
        if answer.ndim:
            shape = tuple(answer.shape)
            raise Mistake(f"it returns many answers, shape {shape}, expected one: torch.equal gives it, or .all().")
        return bool(answer)
    if not isinstance(answer, bool):
        kind = f"tensor of {answer.dtype}" if isinstance(answer, Tensor) else type(answer).__name__
        raise Mistake(f"it returns a {kind}, expected True or False.")
    return answer


def watched(function: Function, network: nn.Module, other: nn.Module, x: Tensor, t: Tensor, c: Tensor) -> Tensor:
    """What a test says of a network, as 1 or 0. The test is watched, so that what it leaves out can be said."""
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    asked, other_asked = list[bool](), list[bool]()
    network.register_forward_pre_hook(lambda *_: asked.append(True))
    other.register_forward_pre_hook(  # was it, or a copy of it, as the network is?
        lambda module, _: other_asked.append(same_state(module.state_dict(), network.state_dict()))
    )
    says = yes_or_no(answered(function(network, other, x, t, c)))
    if not same_state(network.state_dict(), before):
        raise Mistake("it changes the network that is to be saved: load the state dict of that one into `other`.")
    seen = list(asked), list(other_asked), same_state(network.state_dict(), other.state_dict())
    if says != survives_saving(network, other, x, t, c):
        require_both_asked(*seen)
    return torch.tensor(float(says))


def require_both_asked(asked: list[bool], other_asked: list[bool], loaded: bool) -> None:
    """Say what is left out in a test that is wrong about some network."""
    if loaded and not (asked or other_asked):
        raise Mistake(
            "it loads the state dict, and asks no network. What the state dict misses is missing in both: ask both, "
            "and compare what they answer."
        )
    if not (asked or other_asked):
        raise Mistake("it asks no network. Load the state dict, ask both, and compare what they answer.")
    if not other_asked:
        raise Mistake(
            "it never asks `other`. A network beside itself shows what is made anew in every call, and not what its "
            "state dict misses."
        )
    if not asked:
        raise Mistake("it never asks the network that is to be saved: `other` should answer as that one does.")
    if not any(other_asked):
        raise Mistake("it asks `other` about its own weights: first other.load_state_dict(network.state_dict()).")


def unlike_right_test(got: Tensor, truth: Tensor, *arguments: Any) -> str:
    """Say of a test that asks both networks how it is wrong."""
    if truth:
        return "the two answers are the same in every number, and it says False."
    return "the two answers differ, and it says True: compare all their numbers, as torch.equal does."


def survival_test(
    compare: Callable[[Tensor, Tensor], Any] = torch.equal,
    source: int = 0,
    target: int = 1,
    pair: tuple[int, int] = (0, 1),
) -> Function:
    """A test that compares otherwise, or that loads another network or asks others: 0 is the first, 1 is `other`."""

    def test(network: nn.Module, other: nn.Module, x: Tensor, t: Tensor, c: Tensor) -> Any:
        networks = network, other
        networks[target].load_state_dict(networks[source].state_dict())
        return compare(*(networks[i](x, t, c) for i in pair))

    return test


check_survives_saving = Exercise(
    name="survives_saving",
    asks="Check `survives_saving(network, other, x, t, c)`: whether `other` answers as the network does, once it has "
    "loaded its state dict.",
    right=survives_saving,
    cases=saved_networks,
    run=watched,
    mistakes={
        "it asks no network": lambda network, other, x, t, c: True,
        "it loads the state dict, and asks no network": lambda network, other, x, t, c: (
            other.load_state_dict(network.state_dict()) and same_state(network.state_dict(), other.state_dict())
        ),
        "it never asks `other`": survival_test(pair=(0, 0)),
        "it never asks the network": survival_test(pair=(1, 1)),
        "it asks `other` about its own weights": survival_test(target=1, source=1),
        "it changes the network that is to be saved": survival_test(source=1, target=0),
        "it says True of every network that it asks. Where the two answers differ, it should say False: compare all "
        "their numbers, as torch.equal does, and not their shapes.": survival_test(lambda a, b: a.shape == b.shape),
        "True and False have changed places: a network survives if both answer the same.": (
            survival_test(lambda a, b: not torch.equal(a, b))
        ),
        "it returns many answers": survival_test(torch.eq),
    },
    diagnoses=(unlike_right_test,),
    hints={
        "dict-like": "load_state_dict takes what network.state_dict() gives.",
        "_IncompatibleKeys": "load_state_dict changes `other` itself, and returns no network.",
        "Boolean value of Tensor": "== compares number by number; torch.equal gives one answer.",
    },
)
