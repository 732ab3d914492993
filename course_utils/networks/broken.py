"""Ablations: U-Nets without time, without skip connections, with BatchNorm, or with untrained shortcuts.

What each costs is measured by `benchmarks/ablations.py`, whose numbers `load_ablations` reads. No training here.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from .unet import ContextUnet


class FreshShortcut(nn.Module):
    """The mistake: a 1×1 convolution that is made when it is used, and so is new and random in every call.

    Maps (B, c_in, H, W) to (B, c_out, H, W). It registers no weights: none are trained, and none are saved.
    """

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.c_in, self.c_out = c_in, c_out

    def forward(self, x: Tensor) -> Tensor:
        """Some random mixture of the channels."""
        mixed: Tensor = nn.Conv2d(self.c_in, self.c_out, 1, device=x.device)(x)
        return mixed


def without_time(network: ContextUnet) -> ContextUnet:
    """Stop the clock of a network: whatever t it is told, it reads 0. Changes the network, and returns it."""
    clock: Any = network.embed_time[0]
    clock.frequency.zero_()
    return network


def without_skips(network: ContextUnet) -> ContextUnet:
    """Cut the skip connections of a network: zeros arrive on the way up. Changes the network, and returns it."""
    for down, up in ((network.down1, network.up1), (network.down2, network.up2)):
        up.register_forward_pre_hook(_silence_last(down.conv2.out_channels))
    return network


def with_batch_norm(network: ContextUnet) -> ContextUnet:
    """Put a new BatchNorm in the place of each GroupNorm of a network. Changes the network, and returns it."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.GroupNorm):
                setattr(parent, name, nn.BatchNorm2d(child.num_channels))
    return network


def with_fresh_shortcuts(network: ContextUnet) -> ContextUnet:
    """Make each 1×1 convolution beside a block anew in every call. Changes the network, and returns it."""
    for block in network.children():
        if isinstance(shortcut := getattr(block, "shortcut", None), nn.Conv2d):
            block.shortcut = FreshShortcut(shortcut.in_channels, shortcut.out_channels)
    return network


ABLATIONS: dict[str, Callable[[ContextUnet], ContextUnet]] = {
    "whole": lambda network: network,
    "no t": without_time,
    "BatchNorm": with_batch_norm,
    "no skips": without_skips,
    "shortcut in forward": with_fresh_shortcuts,
}
"""What is done to a network, by the name it has in tables and figures."""


def _silence_last(channels: int) -> Callable[[nn.Module, tuple[Tensor, ...]], tuple[Tensor, ...]]:
    """A hook that replaces the last channels of a module's first input by zeros."""

    def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        x, *others = inputs
        return torch.cat([x[:, :-channels], torch.zeros_like(x[:, -channels:])], dim=1), *others

    return hook
