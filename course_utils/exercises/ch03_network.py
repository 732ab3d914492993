"""The checks of notebook 03: the embedding of the time, scale and shift, the residual block, and the U around them.

Right answers and classic mistakes only; how a verdict is reached from them stands in `verdict.py`, and the network that
the rest of the course uses in `unet.py`.
"""

import functools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..networks.blocks import ResidualBlock, TimeEmbedding
from ..networks.unet import ContextUnet
from .old_verdict import Case, Mistake, check, is_blank

_P = ParamSpec("_P")


FRESH = "a layer that is made in forward is new and random in every call. Make it in __init__"


def _own_randomness(check: Callable[_P, None]) -> Callable[_P, None]:
    """New layers draw their first weights from torch's own generator: leave it as it was."""

    @functools.wraps(check)
    def with_own_randomness(*args: _P.args, **kwargs: _P.kwargs) -> None:
        with torch.random.fork_rng(devices=[]):
            check(*args, **kwargs)

    return with_own_randomness


def check_time_embedding(time_embedding: Callable[[Tensor, int], Tensor]) -> None:
    """Check `time_embedding(t, width)`: sines, then cosines, of t at width / 2 falling frequencies."""
    t, width = torch.tensor([1, 2, 4, 7, 11]), 12
    half = width // 2
    k, logarithm = torch.arange(half), math.log(10_000)

    def waves(frequency: Tensor, t: Tensor = t) -> Tensor:
        angle = t[:, None] * frequency
        return torch.cat([angle.sin(), angle.cos()], dim=1)

    frequency = torch.exp(-logarithm * k / half)
    truth = TimeEmbedding(width)(t)
    sines, cosines = truth.chunk(2, dim=1)
    mistakes = {
        "cosines come first: the exercise asks for the sines, then the cosines.": torch.cat([cosines, sines], dim=1),
        "sines and cosines take turns. That is the order of the original paper; ours puts all sines first.": (
            torch.stack([sines, cosines], dim=2).flatten(1)
        ),
        "the cosines are missing: from the sine alone one cannot tell t from half a turn minus t.": sines,
        "the sines are missing: from the cosine alone one cannot tell t from its mirror image.": cosines,
        "sines and cosines are added. Put them side by side with torch.cat.": sines + cosines,
        "the exponent is divided by the width; there are only width / 2 frequencies, so divide by that.": (
            waves(torch.exp(-logarithm * k / width))
        ),
        "the exponent is divided by width / 2 − 1, as in DDPM's code. Ours divides by width / 2.": (
            waves(torch.exp(-logarithm * k / (half - 1)))
        ),
        "k counts from 1. It counts from 0, so that the first frequency is one radian a step.": (
            waves(torch.exp(-logarithm * (k + 1) / half))
        ),
        "the logarithm is missing: e to a power needs ln 10,000.": waves(torch.exp(-10_000 * k / half)),
        "this takes log10 of 10,000; e to a power needs the natural logarithm.": waves(torch.exp(-4 * k / half)),
        "every frequency is the same: k must count them.": waves(torch.ones(half)),
        "t does not come into it: these are the sines and cosines of the frequencies.": waves(frequency, t**0),
        "the sines and cosines of the frequencies are multiplied by t. Multiply first: sin(t · frequency).": (
            t[:, None] * torch.cat([frequency.sin(), frequency.cos()])
        ),
        "these are the angles themselves: take their sines and cosines.": (
            torch.cat([t[:, None] * frequency, t[:, None] * frequency], dim=1)
        ),
    }

    inexact = {  # the sine of a large angle depends on how it was rounded
        "the frequencies rise: the exponent has a minus, and t is multiplied by them.": waves(1 / frequency),
        "the angle is multiplied by 2π. One radian a step is meant, not one turn.": waves(2 * torch.pi * frequency),
    }

    def nearly(got: Tensor) -> str | None:
        return next((name for name, wrong in inexact.items() if torch.allclose(got, wrong, atol=0.02)), None)

    def attempt(t: Tensor, width: int) -> Tensor:
        with _hinting(
            "size of tensor", "t has shape (B,) and the frequencies (width / 2,): t[:, None] makes a column."
        ):
            return time_embedding(t, width)

    check("time_embedding", attempt, Case((t, width), truth, mistakes, (nearly,)))


@_own_randomness
def check_modulate(modulate: Callable[[Tensor, Tensor, nn.Linear], Tensor]) -> None:
    """Check `modulate(h, condition, layer)`: h · (1 + scale) + shift, both made from the condition by the layer."""
    torch.manual_seed(0)
    h, condition, layer = torch.randn(3, 4, 5, 6), torch.randn(3, 7), nn.Linear(7, 8)
    with torch.no_grad():
        both = layer(condition)[:, :, None, None]
        scale, shift = both.chunk(2, dim=1)
        scale_first, shift_second = both[:, ::2], both[:, 1::2]
        scale_silu, shift_silu = layer(F.silu(condition))[:, :, None, None].chunk(2, dim=1)
    mistakes = {
        "the features are multiplied by scale itself. Where it is 0 they vanish: multiply by 1 + scale.": (
            h * scale + shift
        ),
        "scale and shift have changed places: the first half of the layer's answer is the scale.": (
            h * (1 + shift) + scale
        ),
        "scale and shift have changed places, and the 1 is missing.": h * shift + scale,
        "the shift is missing.": h * (1 + scale),
        "the scale is missing.": h + shift,
        "the shift is scaled as well: multiply first, then add.": (h + shift) * (1 + scale),
        "the 1 is added once more, to the sum: it belongs to the scale alone.": h * (1 + scale) + 1 + shift,
        "the 1 is missing, and h is added instead of multiplied.": h + scale + shift,
        "it takes every other number for the scale. The first half of them is meant: .chunk(2, dim=1).": (
            h * (1 + scale_first) + shift_second
        ),
        "the condition goes through SiLU again. It has been through it when it gets here.": (
            h * (1 + scale_silu) + shift_silu
        ),
        "it returns h as it came.": h,
    }

    def attempt(h: Tensor, condition: Tensor, layer: nn.Linear) -> Tensor:
        hint = (
            "scale and shift need the shape (B, C, 1, 1): split the layer's answer with .chunk(2, dim=1), and give it "
            "two more sides with [:, :, None, None]."
        )
        with _hinting("size of tensor", hint):
            return modulate(h, condition, layer)

    check("modulate", attempt, Case((h, condition, layer), h * (1 + scale) + shift, mistakes))


@_own_randomness
def check_residual_block(block_class: Callable[[int, int, int], nn.Module]) -> None:
    """Check the class `ResidualBlock(c_in, c_out, n_condition)`, called as `block(x, condition)`.

    It is given the weights of the package's block by their names, and must then give the same answers, where the number
    of channels changes and where it does not.
    """

    def attempt(x: Tensor, condition: Tensor, right: ResidualBlock) -> Any:
        mine: Any = block_class(right.conv1.in_channels, right.conv1.out_channels, condition.shape[1])
        first = mine(x, condition)
        if is_blank(first):
            raise NotImplementedError
        _require_same_weights(mine, right)
        if mine.conv2.weight.any() or mine.conv2.bias.any():
            raise Mistake("a new block should pass its input through: set weight and bias of conv2 to 0 in __init__.")
        mine.load_state_dict(right.state_dict())
        mine.eval()
        with torch.no_grad():
            return mine(x, condition)

    check("ResidualBlock", attempt, _block_case(16, 24), _block_case(16, 16))


@_own_randomness
def check_unet(unet: Callable[[ContextUnet, Tensor, Tensor], Tensor]) -> None:
    """Check `unet(network, x, condition)`: down, through the bottleneck and up again, with the network's own parts."""
    network, generator = ContextUnet(n_features=16).eval().requires_grad_(False), torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
    x, t = torch.randn((3, 3, 8, 12), generator=generator), torch.tensor([3, 90, 400])
    c = torch.eye(5)[:3]
    condition = F.silu(network.embed_time(t) + network.embed_context(c))
    truth = network(x, t, c)
    changed: dict[str, dict[str, Any]] = {
        "what comes up stands behind the skip connection. It comes first: torch.cat([up, skip], dim=1).": {
            "join": lambda up, skip: torch.cat([skip, up], dim=1)
        },
        "bottom2 is left out.": {"bottom2": False},
        "it halves with max_pool2d. The network has learned with averages: F.avg_pool2d.": {"halve": F.max_pool2d},
        "it halves by leaving out pixels. The network has learned with averages: F.avg_pool2d.": {
            "halve": lambda x, _: x[..., ::2, ::2]
        },
        "it doubles smoothly. The network has learned with mode='nearest'.": {"smooth": "bilinear"},
        "the skip connection starts at the stem. It carries what down1 puts out.": {"skip_from_stem": True},
        "the head is missing: these are the features of up1.": {"head": False},
    }
    mistakes = {name: _walk(network, x, condition, **change) for name, change in changed.items()}

    def attempt(network: ContextUnet, x: Tensor, condition: Tensor) -> Tensor:
        joined = (
            "a block on the way up wants what comes up and the skip connection joined: torch.cat([up, skip], dim=1)."
        )
        sizes = "the sizes differ. The skip connection carries what a block put out before it was halved."
        with (
            _hinting("size of tensor", joined + " They are not added."),
            _hinting("number of channels in input", joined),
            _hinting("channels, but got", joined),
            _hinting("Sizes of tensors must match", sizes),
        ):
            return unet(network, x, condition)

    check("unet", attempt, Case((network, x, condition), truth, mistakes))


@contextmanager
def _hinting(words: str, hint: str) -> Iterator[None]:
    """Turn PyTorch's complaint about shapes into advice."""
    try:
        yield
    except RuntimeError as error:
        if words in str(error):
            raise Mistake(hint) from error
        raise


def _require_same_weights(mine: nn.Module, right: nn.Module) -> None:
    """Say which weights a student's block lacks, has too many, or has in another shape."""
    if not isinstance(mine, nn.Module):
        raise Mistake(f"it is a {type(mine).__name__}, expected an nn.Module.")
    got, expected = mine.state_dict(), right.state_dict()
    if any("running" in name for name in got):
        raise Mistake("it has a BatchNorm, which mixes the images of a batch. The exercise asks for GroupNorm.")
    if "shortcut.weight" in expected and "shortcut.weight" not in got:
        raise Mistake(
            "the weights of the shortcut are missing in its state_dict, so they are neither trained nor saved. "
            "Where the number of channels changes, self.shortcut is an nn.Conv2d(c_in, c_out, 1), made in __init__."
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
            raise Mistake(f"{name} has shape {tuple(got[name].shape)}, expected {tuple(expected[name].shape)}.")


def _block_case(c_in: int, c_out: int) -> Case:
    """A block with random weights, what it answers, and what its classic distortions answer."""
    generator = torch.Generator().manual_seed(c_out)
    block = ResidualBlock(c_in, c_out, 10).eval().requires_grad_(False)
    for parameter in block.parameters():
        parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    x, condition = torch.randn((3, c_in, 5, 6), generator=generator), torch.randn((3, 10), generator=generator)
    scale, shift = block.condition(condition)[:, :, None, None].chunk(2, dim=1)
    silu_scale, silu_shift = block.condition(F.silu(condition))[:, :, None, None].chunk(2, dim=1)

    def answer(
        first: Callable[[Tensor], Tensor] = lambda x: block.conv1(F.silu(block.norm1(x))),
        modulated: Callable[[Tensor], Tensor] = lambda h: block.norm2(h) * (1 + scale) + shift,
        second: Callable[[Tensor], Tensor] = lambda h: block.conv2(F.silu(h)),
        shortcut: Callable[[Tensor], Tensor] = block.shortcut,
    ) -> Tensor:
        return shortcut(x) + second(modulated(first(x)))

    mistakes = {
        "the shortcut is missing: add it to what conv2 puts out.": answer(shortcut=lambda x: torch.zeros(1)),
        "time and context are ignored: scale and shift the features between norm2 and SiLU.": answer(
            modulated=block.norm2
        ),
        "the features are multiplied by scale itself. Multiply by 1 + scale.": answer(
            modulated=lambda h: block.norm2(h) * scale + shift
        ),
        "scale and shift have changed places: the scale comes first.": answer(
            modulated=lambda h: block.norm2(h) * (1 + shift) + scale
        ),
        "scale and shift come before norm2, which undoes most of them. They come after it.": answer(
            modulated=lambda h: block.norm2(h * (1 + scale) + shift)
        ),
        "scale and shift come after conv2. They come between norm2 and SiLU.": answer(
            modulated=block.norm2, second=lambda h: block.conv2(F.silu(h)) * (1 + scale) + shift
        ),
        "scale and shift come after the second SiLU. They come before it.": answer(
            modulated=lambda h: F.silu(block.norm2(h)) * (1 + scale) + shift, second=block.conv2
        ),
        "the condition goes through SiLU again. It has been through it when it gets here.": answer(
            modulated=lambda h: block.norm2(h) * (1 + silu_scale) + silu_shift
        ),
        "the first SiLU is missing: normalise, SiLU, convolve.": answer(first=lambda x: block.conv1(block.norm1(x))),
        "the second SiLU is missing: scale and shift, SiLU, convolve.": answer(second=block.conv2),
        "both SiLUs are missing.": answer(lambda x: block.conv1(block.norm1(x)), second=block.conv2),
        "this is ReLU; the block has SiLU.": answer(
            lambda x: block.conv1(F.relu(block.norm1(x))), second=lambda h: block.conv2(F.relu(h))
        ),
        "norm1 is missing.": answer(first=lambda x: block.conv1(F.silu(x))),
        "norm2 is missing.": answer(modulated=lambda h: h * (1 + scale) + shift),
        "SiLU comes before the normalisation: normalise, SiLU, convolve.": answer(
            lambda x: block.conv1(block.norm1(F.silu(x)))
        ),
        "the shortcut starts behind norm1. It carries x as it came.": answer(
            shortcut=lambda x: block.shortcut(block.norm1(x))
        ),
        "the sum goes through another SiLU. It is returned as it is.": F.silu(answer()),
    }
    where = "" if c_in != c_out else "where c_in = c_out, "
    return Case((x, condition, block), answer(), mistakes, where=where, source=FRESH)


def _walk(
    network: ContextUnet,
    x: Tensor,
    condition: Tensor,
    join: Callable[[Tensor, Tensor], Tensor] = lambda up, skip: torch.cat([up, skip], dim=1),
    halve: Callable[[Tensor, int], Tensor] = F.avg_pool2d,
    smooth: str = "nearest",
    bottom2: bool = True,
    skip_from_stem: bool = False,
    head: bool = True,
) -> Tensor:
    """The way through the network, with a mistake."""
    stem = network.stem(x)
    fine = network.down1(stem, condition)
    middle = network.down2(halve(fine, 2), condition)
    coarse = network.bottom1(halve(middle, 2), condition)
    coarse = network.bottom2(coarse, condition) if bottom2 else coarse
    up: Tensor = network.up2(join(F.interpolate(coarse, scale_factor=2, mode=smooth), middle), condition)
    skip = stem if skip_from_stem else fine
    up = network.up1(join(F.interpolate(up, scale_factor=2, mode=smooth), skip), condition)
    return network.head(up) if head else up
