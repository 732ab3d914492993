"""Independent cases for notebook 03: the U-Net, its time embedding, scale and shift, the residual block, and saving."""

import copy
import io
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils import check_modulate, check_residual_block, check_survives_saving, check_time_embedding, check_unet


def unet(network, x, condition):
    fine = network.down1(network.stem(x), condition)
    middle = network.down2(F.avg_pool2d(fine, 2), condition)
    coarse = network.bottom2(network.bottom1(F.avg_pool2d(middle, 2), condition), condition)
    up = network.up2(torch.cat([F.interpolate(coarse, scale_factor=2), middle], dim=1), condition)
    return network.head(network.up1(torch.cat([F.interpolate(up, scale_factor=2), fine], dim=1), condition))


def time_embedding(t, width):
    angle = t[:, None] * torch.exp(-math.log(10_000) * torch.arange(width // 2) / (width // 2))
    return torch.cat([angle.sin(), angle.cos()], dim=1)


def modulate(h, condition, layer):
    scale, shift = layer(condition)[:, :, None, None].chunk(2, dim=1)
    return h * (1 + scale) + shift


def waves(frequency, order=lambda sines, cosines: torch.cat([sines, cosines], dim=1)):
    """A time_embedding with other frequencies, functions of k and width / 2, or put together in another way."""

    def attempt(t, width):
        angle = t[:, None] * frequency(torch.arange(width // 2), width // 2)
        return order(angle.sin(), angle.cos())

    return attempt


def right_frequency(k, half):
    return 10_000 ** (-k / half)


def knobs(turned, split=lambda both: both[:, :, None, None].chunk(2, dim=1)):
    """A modulate that does something else with h, scale and shift, or finds them elsewhere."""
    return lambda h, condition, layer: turned(h, *split(layer(condition)))


def way(
    join=lambda up, skip: torch.cat([up, skip], dim=1),
    halve=F.avg_pool2d,
    double=lambda h: F.interpolate(h, scale_factor=2),
    bottom2=True,
    skip=lambda stem, fine: fine,
    head=True,
    skips=lambda fine, middle: (fine, middle),
    double_again=None,
):
    """A unet that goes another way."""

    def attempt(network, x, condition):
        stem = network.stem(x)
        fine = network.down1(stem, condition)
        middle = network.down2(halve(fine, 2), condition)
        coarse = network.bottom1(halve(middle, 2), condition)
        coarse = network.bottom2(coarse, condition) if bottom2 else coarse
        fine, middle = skips(fine, middle)
        up = network.up2(join(double(coarse), middle), condition)
        up = network.up1(join((double_again or double)(up), skip(stem, fine)), condition)
        return network.head(up) if head else up

    return attempt


def skips_taken_after_halving(network, x, condition):
    fine = F.avg_pool2d(network.down1(network.stem(x), condition), 2)
    middle = F.avg_pool2d(network.down2(fine, condition), 2)
    coarse = network.bottom2(network.bottom1(middle, condition), condition)
    return network.up2(torch.cat([F.interpolate(coarse, scale_factor=2), middle], dim=1), condition)


def halved_skips_and_late_doubling(network, x, condition):
    fine = F.avg_pool2d(network.down1(network.stem(x), condition), 2)
    middle = F.avg_pool2d(network.down2(fine, condition), 2)
    coarse = network.bottom2(network.bottom1(middle, condition), condition)
    up = F.interpolate(network.up2(torch.cat([coarse, middle], dim=1), condition), scale_factor=2)
    return network.head(F.interpolate(network.up1(torch.cat([up, fine], dim=1), condition), scale_factor=2))


def halved_skips_and_joined_before_doubling(network, x, condition):
    fine = F.avg_pool2d(network.down1(network.stem(x), condition), 2)
    middle = F.avg_pool2d(network.down2(fine, condition), 2)
    coarse = network.bottom2(network.bottom1(middle, condition), condition)
    up = network.up2(F.interpolate(torch.cat([coarse, middle], dim=1), scale_factor=2), condition)
    return network.head(network.up1(F.interpolate(torch.cat([up, fine], dim=1), scale_factor=2), condition))


def without_a_skip(level):
    """A unet in which only up1, or only up2, gets no skip connection."""

    def attempt(network, x, condition):
        fine = network.down1(network.stem(x), condition)
        middle = network.down2(F.avg_pool2d(fine, 2), condition)
        coarse = network.bottom2(network.bottom1(F.avg_pool2d(middle, 2), condition), condition)
        up = F.interpolate(coarse, scale_factor=2)
        up = F.interpolate(network.up2(up if level == 2 else torch.cat([up, middle], 1), condition), scale_factor=2)
        return network.head(network.up1(up if level == 1 else torch.cat([up, fine], 1), condition))

    return attempt


def skip_first(up, skip):
    return torch.cat([skip, up], dim=1)


def as_it_is(h):
    return h


class Block(nn.Module):
    """The right block, in pieces that the wrong ones replace."""

    def __init__(self, c_in, c_out, n_condition):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(8, c_in), nn.Conv2d(c_in, c_out, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(8, c_out), nn.Conv2d(c_out, c_out, 3, padding=1)
        self.condition = nn.Linear(n_condition, 2 * c_out)
        self.shortcut = nn.Identity() if c_in == c_out else nn.Conv2d(c_in, c_out, 1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def first(self, x):
        return self.conv1(F.silu(self.norm1(x)))

    def modulated(self, h, condition):
        return modulate(self.norm2(h), condition, self.condition)

    def second(self, h, condition):
        return self.conv2(F.silu(h))

    def past(self, x):
        return self.shortcut(x)

    def forward(self, x, condition):
        return self.past(x) + self.second(self.modulated(self.first(x), condition), condition)


class Dropping(Block):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__(c_in, c_out, n_condition)
        self.drop = nn.Dropout(0.1)

    def second(self, h, condition):
        return self.conv2(self.drop(F.silu(h)))


class WithoutGradients(Block):
    @torch.no_grad()
    def forward(self, x, condition):
        return super().forward(x, condition)


class DetachedCondition(Block):
    def forward(self, x, condition):
        return super().forward(x, condition.detach())


def block_with(**methods):
    """A block in which some methods are others."""
    return type("ResidualBlock", (Block,), methods)


class ShortcutInForward(Block):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__(c_in, c_out, n_condition)
        self.c_in, self.c_out = c_in, c_out
        del self.shortcut

    def past(self, x):
        return x if self.c_in == self.c_out else nn.Conv2d(self.c_in, self.c_out, 1)(x)


class ShortcutAlwaysConvolved(Block):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__(c_in, c_out, n_condition)
        self.shortcut = nn.Conv2d(c_in, c_out, 1)


class BatchNormBlock(Block):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__(c_in, c_out, n_condition)
        self.norm1, self.norm2 = nn.BatchNorm2d(c_in), nn.BatchNorm2d(c_out)


class NoZeros(Block):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__(c_in, c_out, n_condition)
        nn.init.ones_(self.conv2.bias)


class OtherNames(Block):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__(c_in, c_out, n_condition)
        self.to_scale_and_shift = self.condition


class NarrowCondition(Block):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__(c_in, c_out, n_condition)
        self.condition = nn.Linear(n_condition, 2)


class HalfACondition(Block):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__(c_in, c_out, n_condition)
        self.condition = nn.Linear(n_condition, c_out)


class FourGroups(Block):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__(c_in, c_out, n_condition)
        self.norm2 = nn.GroupNorm(4, c_out)


class NoPadding(Block):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__(c_in, c_out, n_condition)
        self.conv1 = nn.Conv2d(c_in, c_out, 3)


class LayersInAList(Block):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__(c_in, c_out, n_condition)
        self.hidden = [self.norm1]
        del self.norm1

    def first(self, x):
        return self.conv1(F.silu(self.hidden[0](x)))


class Untouched(nn.Module):
    """As the notebook hands it out."""

    def __init__(self, c_in, c_out, n_condition):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(8, c_in), nn.Conv2d(c_in, c_out, 3, padding=1)
        ...

    def forward(self, x, condition):
        return ...


class OnlyForwardWritten(Untouched):
    def forward(self, x, condition):
        h = self.conv1(F.silu(self.norm1(x)))
        h = modulate(self.norm2(h), condition, self.condition)
        return self.shortcut(x) + self.conv2(F.silu(h))


class NothingReturned(Untouched):
    def forward(self, x, condition):
        self.conv1(F.silu(self.norm1(x)))


def randomly_dropped(self, h, condition):
    return self.conv2(F.dropout(F.silu(h), 0.1))


def halves_of_the_condition(h, condition, layer):
    scale, shift = condition[:, :, None, None].chunk(2, dim=1)
    return shift + (1 + scale) * h


def the_condition_as_factor(h, condition, layer):
    half = condition.shape[1] // 2
    return h * condition[:, :half, None, None] + condition[:, half:, None, None]


def apart_by_image(h, condition, layer):
    scale, shift = layer(condition)[:, :, None, None]
    return h * (1 + scale) + shift


def surviving(compare=torch.equal):
    """A survives_saving that compares the two answers in another way."""

    def survives_saving(network, other, x, t, c):
        other.load_state_dict(network.state_dict())
        return compare(network(x, t, c), other(x, t, c))

    return survives_saving


@torch.no_grad()
def survives_a_file(network, other, x, t, c):
    expected, file = network(x, t, c), io.BytesIO()
    torch.save(network.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    return (other(x, t, c) - expected).abs().max() < 1e-6


def survives_in_a_copy(network, other, x, t, c):
    fresh = copy.deepcopy(other)
    fresh.load_state_dict(copy.deepcopy(network.state_dict()))
    return bool((fresh(x, t) == network(x, t)).all())


def survives_without_loading(network, other, x, t, c):
    return torch.equal(torch.func.functional_call(other, network.state_dict(), (x, t, c)), network(x, t, c))


def loaded_too_late(network, other, x, t, c):
    same = torch.equal(network(x, t, c), other(x, t, c))
    other.load_state_dict(network.state_dict())
    return same


def loaded_into_itself(network, other, x, t, c):
    other.load_state_dict(other.state_dict())
    return torch.equal(network(x, t, c), other(x, t, c))


def loaded_the_wrong_way(network, other, x, t, c):
    network.load_state_dict(other.state_dict())
    return torch.equal(network(x, t, c), other(x, t, c))


def parameters_copied(network, other, x, t, c):
    for new, old in zip(other.parameters(), network.parameters(), strict=True):
        new.copy_(old)
    return torch.equal(network(x, t, c), other(x, t, c))


def state_dicts_compared(network, other, x, t, c):
    other.load_state_dict(network.state_dict())
    return all(
        torch.equal(a, b) for a, b in zip(network.state_dict().values(), other.state_dict().values(), strict=True)
    )


def asked_twice(network, other, x, t, c):
    other.load_state_dict(network.state_dict())
    return torch.allclose(network(x, t, c), network(x, t, c))


def beside_its_copy(network, other, x, t, c):
    return torch.equal(network(x, t, c), copy.deepcopy(network)(x, t, c))


def other_before_and_after(network, other, x, t, c):
    before = other(x, t, c)
    other.load_state_dict(network.state_dict())
    return torch.equal(other(x, t, c), before)


def taken_for_a_network(network, other, x, t, c):
    loaded = other.load_state_dict(network.state_dict())
    return torch.equal(network(x, t, c), loaded(x, t, c))


def network_loaded(network, other, x, t, c):
    other.load_state_dict(network)
    return torch.equal(network(x, t, c), other(x, t, c))


def compared_in_an_if(network, other, x, t, c):
    other.load_state_dict(network.state_dict())
    return True if network(x, t, c) == other(x, t, c) else False  # noqa: SIM210  as a student would


def nothing_survives(network, other, x, t, c):
    other.load_state_dict(network.state_dict())
    network(x, t, c), other(x, t, c)
    return False


OTHER_WAYS = [
    (check_unet, unet),
    (
        check_unet,
        way(
            join=lambda up, skip: torch.hstack((up, skip)),
            halve=lambda h, n: F.interpolate(h, scale_factor=1 / n, mode="area"),
        ),
    ),
    (check_time_embedding, time_embedding),
    (check_time_embedding, waves(lambda k, half: 10_000.0 ** (-k / half))),
    (check_modulate, modulate),
    (
        check_modulate,
        lambda h, condition, layer: (
            h + torch.einsum("bchw,bc->bchw", h, layer(condition)[:, :4]) + layer(condition)[:, 4:, None, None]
        ),
    ),
    (check_residual_block, Block),
    (check_survives_saving, surviving()),
    (check_survives_saving, surviving(torch.allclose)),
    (check_survives_saving, surviving(lambda a, b: (a == b).all())),
    (check_survives_saving, surviving(lambda a, b: not (a - b).any())),
    (check_survives_saving, survives_a_file),
    (check_survives_saving, survives_in_a_copy),
    (check_survives_saving, survives_without_loading),
]

MISTAKES = [
    (check_residual_block, Dropping, "it has dropout, and the exercise asks for none"),
    (check_residual_block, WithoutGradients, "nothing in it can learn, since no gradient leads back"),
    (check_residual_block, DetachedCondition, "no gradient reaches the condition, and so time and context"),
    (check_time_embedding, waves(right_frequency, lambda s, c: torch.cat([c, s], dim=1)), "cosines come first"),
    (check_time_embedding, waves(right_frequency, lambda s, c: torch.stack([s, c], 2).flatten(1)), "take turns"),
    (check_time_embedding, waves(right_frequency, lambda s, c: s), "the cosines are missing"),
    (check_time_embedding, waves(right_frequency, lambda s, c: c), "the sines are missing"),
    (check_time_embedding, waves(right_frequency, lambda s, c: s + c), "are added"),
    (check_time_embedding, waves(lambda k, half: 10_000 ** (-k / (2 * half))), "divided by the width"),
    (check_time_embedding, waves(lambda k, half: 10_000 ** (-k / (half - 1))), "as in DDPM's code"),
    (check_time_embedding, waves(lambda k, half: 10_000 ** (-(k + 1) / half)), "k counts from 1"),
    (check_time_embedding, waves(lambda k, half: 10_000 ** (k / half)), "the frequencies rise"),
    (check_time_embedding, waves(lambda k, half: torch.exp(-10_000 * k / half)), "the logarithm is missing"),
    (check_time_embedding, waves(lambda k, half: torch.exp(-4 * k / half)), "natural logarithm"),
    (check_time_embedding, waves(lambda k, half: 2 * torch.pi * right_frequency(k, half)), "multiplied by 2π"),
    (check_time_embedding, waves(lambda k, half: torch.ones(half)), "every frequency is the same"),
    (check_time_embedding, lambda t, width: time_embedding(t**0, width), "t does not come into it"),
    (check_time_embedding, lambda t, width: t[:, None] * time_embedding(t**0, width), "are multiplied by t"),
    (
        check_time_embedding,
        lambda t, width: torch.cat([t[:, None] * right_frequency(torch.arange(6), 6)] * 2, dim=1),
        "these are the angles themselves",
    ),
    (check_time_embedding, lambda t, width: t * right_frequency(torch.arange(6), 6), "t[:, None] makes a column"),
    (check_time_embedding, lambda t, width: time_embedding(t, width).double(), "is torch.float64, expected"),
    (check_modulate, knobs(lambda h, scale, shift: h * scale + shift), "multiplied by scale itself"),
    (check_modulate, knobs(lambda h, scale, shift: h * (1 + shift) + scale), "have changed places: the first half"),
    (check_modulate, knobs(lambda h, scale, shift: h * shift + scale), "changed places, and the 1 is missing"),
    (check_modulate, knobs(lambda h, scale, shift: h * (1 + scale)), "the shift is missing"),
    (check_modulate, knobs(lambda h, scale, shift: h + shift), "the scale is missing"),
    (check_modulate, knobs(lambda h, scale, shift: (h + shift) * (1 + scale)), "the shift is scaled as well"),
    (check_modulate, knobs(lambda h, scale, shift: h * (1 + scale) + 1 + shift), "the 1 is added once more"),
    (check_modulate, knobs(lambda h, scale, shift: h + scale + shift), "h is added instead of multiplied"),
    (
        check_modulate,
        knobs(lambda h, a, b: h * (1 + a) + b, lambda both: (both[:, ::2, None, None], both[:, 1::2, None, None])),
        "every other number",
    ),
    (check_modulate, lambda h, condition, layer: modulate(h, F.silu(condition), layer), "SiLU again"),
    (check_modulate, lambda h, condition, layer: h, "as it came"),
    (
        check_modulate,
        knobs(lambda h, scale, shift: h * (1 + scale) + shift, lambda both: both.chunk(2, dim=1)),
        "[:, :, None, None]",
    ),
    (check_modulate, lambda h, condition, layer: h.mul_(2), "changes its arguments"),
    (check_unet, way(join=lambda up, skip: torch.cat([skip, up], dim=1)), "stands behind the skip connection"),
    (check_unet, way(join=lambda up, skip: up + skip), "They are not added"),
    (check_unet, way(join=lambda up, skip: up), "wants what comes up and the skip connection joined"),
    (check_unet, way(bottom2=False), "bottom2 is left out"),
    (check_unet, way(halve=F.max_pool2d), "halves with max_pool2d"),
    (check_unet, way(halve=lambda h, _: h[..., ::2, ::2]), "leaving out pixels"),
    (check_unet, way(double=lambda h: F.interpolate(h, scale_factor=2, mode="bilinear")), "doubles smoothly"),
    (check_unet, way(skip=lambda stem, fine: stem), "starts at the stem"),
    (check_unet, way(head=False), "the head is missing"),
    (check_unet, skips_taken_after_halving, "before it was halved"),
    (check_unet, halved_skips_and_late_doubling, "the skip must be kept before it is halved."),
    (check_unet, halved_skips_and_joined_before_doubling, "the skip must be kept before it is halved. To double"),
    (check_unet, without_a_skip(1), "The skip connection, from down1, is missing"),
    (check_unet, without_a_skip(2), "The skip connection, from down2, is missing"),
    (check_unet, lambda network, x, condition: network.stem(x, condition), "stem and head take no condition"),
    (
        check_unet,
        lambda network, x, condition: network.head(network.down1(network.stem(x), condition), condition),
        "stem and head take no condition",
    ),
    (check_unet, way(join=lambda up, skip: torch.cat([up, skip])), "joins along dimension 0"),
    (check_unet, way(join=lambda up, skip: torch.cat([skip, up])), "joins along dimension 0"),
    (check_unet, way(join=lambda up, skip: torch.cat([up, skip], dim=2)), "Channels are dimension 1"),
    (check_unet, way(join=lambda up, skip: torch.stack([up, skip], dim=1)), "torch.stack makes a new dimension"),
    (check_unet, way(join=lambda up, skip: skip), "What comes up is missing"),
    (check_unet, way(skips=lambda fine, middle: (middle, fine)), "skip connection to up2 comes from down1"),
    (check_unet, way(skip_first, skips=lambda fine, middle: (middle, fine)), "skip connection to up2 comes from down1"),
    (check_unet, way(skips=lambda fine, middle: (middle, middle)), "skip connection to up1 comes from down2"),
    (check_unet, way(skip_first, skips=lambda fine, middle: (middle, middle)), "to up1 comes from down2"),
    (check_unet, way(double=as_it_is), "what comes up from bottom2 is not doubled before it is joined"),
    (check_unet, way(skip_first, double=as_it_is), "what comes up from bottom2 is not doubled before it is joined"),
    (check_unet, way(double_again=as_it_is), "what comes up from up2 is not doubled before it is joined"),
    (check_unet, way(skip_first, double_again=as_it_is), "what comes up from up2 is not doubled before it is joined"),
    (check_unet, way(skips=lambda fine, middle: (fine, F.avg_pool2d(middle, 2))), "to up2 was halved"),
    (check_unet, way(skip_first, skips=lambda fine, middle: (fine, F.avg_pool2d(middle, 2))), "to up2 was halved"),
    (check_unet, way(skip=lambda stem, fine: F.avg_pool2d(fine, 2)), "to up1 was halved"),
    (check_unet, way(skip_first, skip=lambda stem, fine: F.avg_pool2d(fine, 2)), "to up1 was halved"),
    (check_unet, way(halve=lambda h, _: h), "must be equally high and wide"),
    (check_unet, way(halve=lambda h, _: h, double=as_it_is), "neither halves nor doubles"),
    (check_unet, lambda network, x, condition: network.head(network.down2(x, condition)), "number of channels"),
    (check_unet, lambda network, x, condition: [x], "returns a list"),
    (check_unet, lambda network, x, condition: x[:2], "has shape (2, 3, 8, 12), expected (3, 3, 8, 12)"),
    (check_unet, lambda network, x, condition: x / 0, "NaN or infinity"),
    (check_unet, lambda network, x, condition: 1.3 * unet(network, x, condition) + 0.1, "the result at ["),
    (check_unet, lambda network, x, condition: unet(network, x, condition) + torch.rand(1), "two calls"),
    (check_time_embedding, waves(right_frequency, lambda s, c: torch.cat([s, c])), "stand below the sines"),
    (check_time_embedding, waves(lambda k, half: torch.log(10_000)), "a plain number there is the module math"),
    (check_time_embedding, waves(lambda k, half: math.exp(-k / half)), "those of torch take all numbers"),
    (check_modulate, halves_of_the_condition, "the layer was never called"),
    (check_modulate, the_condition_as_factor, "the layer was never called"),
    (check_modulate, apart_by_image, "takes the batch apart"),
    (check_modulate, lambda h, condition, layer: layer(h), "takes the condition as it comes"),
    (check_residual_block, HalfACondition, "expected (48, 10): scale and shift need 2 · c_out numbers"),
    (check_residual_block, OnlyForwardWritten, "shortcut are missing in its state_dict"),
    (check_residual_block, NothingReturned, "ResidualBlock returns None"),
    (check_residual_block, FourGroups, "norm2 has 4 groups, expected 8"),
    (check_residual_block, NoPadding, "keeps height and width with a padding of 1"),
    (check_residual_block, block_with(past=lambda self, x: x), "past the layers leads the shortcut"),
    (check_residual_block, ShortcutInForward, "shortcut are missing in its state_dict"),
    (check_residual_block, ShortcutAlwaysConvolved, "has weights although c_in = c_out"),
    (check_residual_block, BatchNormBlock, "it has a BatchNorm"),
    (check_residual_block, NoZeros, "should pass its input through"),
    (check_residual_block, OtherNames, "a weight too many, to_scale_and_shift.weight"),
    (check_residual_block, NarrowCondition, "condition.weight has shape (2, 10), expected (48, 10)"),
    (check_residual_block, LayersInAList, "norm1.weight is missing in its state_dict"),
    (check_residual_block, lambda *sizes: lambda x, condition: x, "it is a function, expected an nn.Module"),
    (check_residual_block, block_with(past=lambda self, x: 0), "the shortcut is missing: add it"),
    (
        check_residual_block,
        block_with(modulated=lambda self, h, condition: self.norm2(h)),
        "time and context are ignored",
    ),
    (
        check_residual_block,
        block_with(modulated=lambda self, h, c: modulate(self.norm2(h), c, self.condition) - self.norm2(h)),
        "multiplied by scale itself",
    ),
    (
        check_residual_block,
        block_with(
            modulated=lambda self, h, c: modulate(self.norm2(h), c, lambda c: self.condition(c).roll(h.shape[1], 1))
        ),
        "have changed places",
    ),
    (
        check_residual_block,
        block_with(modulated=lambda self, h, c: self.norm2(modulate(h, c, self.condition))),
        "come before norm2",
    ),
    (
        check_residual_block,
        block_with(
            modulated=lambda self, h, c: self.norm2(h),
            second=lambda self, h, c: modulate(self.conv2(F.silu(h)), c, self.condition),
        ),
        "come after conv2",
    ),
    (
        check_residual_block,
        block_with(
            modulated=lambda self, h, c: self.norm2(h),
            second=lambda self, h, c: self.conv2(modulate(F.silu(h), c, self.condition)),
        ),
        "come after the second SiLU",
    ),
    (
        check_residual_block,
        block_with(modulated=lambda self, h, c: modulate(self.norm2(h), F.silu(c), self.condition)),
        "the condition goes through SiLU again",
    ),
    (check_residual_block, block_with(first=lambda self, x: self.conv1(self.norm1(x))), "the first SiLU is missing"),
    (check_residual_block, block_with(second=lambda self, h, c: self.conv2(h)), "the second SiLU is missing"),
    (
        check_residual_block,
        block_with(first=lambda self, x: self.conv1(self.norm1(x)), second=lambda self, h, c: self.conv2(h)),
        "both SiLUs are missing",
    ),
    (
        check_residual_block,
        block_with(
            first=lambda self, x: self.conv1(F.relu(self.norm1(x))), second=lambda self, h, c: self.conv2(F.relu(h))
        ),
        "this is ReLU",
    ),
    (check_residual_block, block_with(first=lambda self, x: self.conv1(F.silu(x))), "norm1 is missing"),
    (
        check_residual_block,
        block_with(modulated=lambda self, h, c: modulate(h, c, self.condition)),
        "norm2 is missing",
    ),
    (
        check_residual_block,
        block_with(first=lambda self, x: self.conv1(self.norm1(F.silu(x)))),
        "SiLU comes before the normalisation",
    ),
    (check_residual_block, block_with(past=lambda self, x: self.shortcut(self.norm1(x))), "starts behind norm1"),
    (
        check_residual_block,
        block_with(forward=lambda self, x, c: F.silu(Block.forward(self, x, c))),
        "goes through another SiLU",
    ),
    (check_residual_block, block_with(second=randomly_dropped), "two calls with the same arguments differ: layers"),
    (check_residual_block, block_with(forward=lambda self, x, c: Block.forward(self, x, c) * 2), "the result at ["),
    (check_survives_saving, lambda network, other, x, t, c: True, "it asks no network. Load"),
    (check_survives_saving, lambda network, other, x, t, c: False, "it asks no network. Load"),
    (check_survives_saving, state_dicts_compared, "it loads the state dict, and asks no network"),
    (check_survives_saving, loaded_too_late, "it asks `other` about its own weights"),
    (check_survives_saving, loaded_into_itself, "it asks `other` about its own weights"),
    (check_survives_saving, parameters_copied, "first other.load_state_dict(network.state_dict())"),
    (check_survives_saving, loaded_the_wrong_way, "it changes the network that is to be saved"),
    (check_survives_saving, asked_twice, "it never asks `other`"),
    (check_survives_saving, beside_its_copy, "it never asks `other`"),
    (check_survives_saving, other_before_and_after, "it never asks the network that is to be saved"),
    (check_survives_saving, surviving(lambda a, b: a.shape == b.shape), "it says True of every network that it asks"),
    (check_survives_saving, surviving(lambda a, b: a.dtype == b.dtype), "it says True of every network that it asks"),
    (check_survives_saving, surviving(lambda a, b: (a != b).any()), "True and False have changed places"),
    (check_survives_saving, nothing_survives, "the two answers are the same in every number, and it says False"),
    (
        check_survives_saving,
        lambda *given: (
            surviving()(*given) or isinstance(given[0], check_survives_saving.cases(0)[3].arguments[0].__class__)
        ),
        "with a layer in a plain list, the two answers differ, and it says True",
    ),
    (check_survives_saving, surviving(torch.eq), "it returns many answers, shape (2, 3, 8, 4), expected one"),
    (check_survives_saving, surviving(lambda a, b: (a == b).all().view(1)), "it returns many answers, shape (1,)"),
    (check_survives_saving, surviving(torch.sub), "it returns a tensor of torch.float32, expected True or False"),
    (check_survives_saving, surviving(lambda a, b: (a - b).abs().max().item()), "it returns a float, expected True"),
    (check_survives_saving, surviving(lambda a, b: int(torch.equal(a, b))), "it returns a int, expected True or"),
    (check_survives_saving, surviving(lambda a, b: None), "survives_saving returns None"),
    (check_survives_saving, taken_for_a_network, "load_state_dict changes `other` itself, and returns no network"),
    (check_survives_saving, network_loaded, "load_state_dict takes what network.state_dict() gives"),
    (check_survives_saving, compared_in_an_if, "torch.equal gives one answer"),
    (
        check_survives_saving,
        lambda *given: surviving()(given[0], given[1], given[2].zero_(), *given[3:]),
        "changes its arg",
    ),
]


@pytest.mark.parametrize(("check", "attempt"), OTHER_WAYS)
def test_other_ways_to_write_it_pass_too(check, attempt):
    assert {check.verdict(attempt, seed) for seed in range(5)} == {f"✓ {check.name} is right."}


@pytest.mark.parametrize(("check", "attempt", "message"), MISTAKES, ids=[message for *_, message in MISTAKES])
def test_a_mistake_is_called_by_its_name(check, attempt, message):
    verdict = check.verdict(attempt)
    assert verdict.startswith("✗")
    assert message in verdict


def test_an_untouched_block_is_not_attempted():
    assert check_residual_block.verdict(Untouched).startswith("○ ResidualBlock: not attempted yet")


def test_the_right_unet_answers_what_the_network_answers():
    network, x, condition = check_unet.cases(0)[0].arguments
    t, c = torch.tensor([3, 90, 400]), torch.eye(5)[:3]
    assert torch.allclose(check_unet.right(network, x, condition), network(x, t, c), atol=1e-5)
