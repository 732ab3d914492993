"""The blocks of the U-Net: sinusoidal time embedding, residual block with scale and shift, upsampling."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..validation import require_int

GROUPS = 8
"""Channels are normalised in this many groups, so every width of the network is a multiple of it."""


class TimeEmbedding(nn.Module):
    """Sines and cosines of t at `width` / 2 frequencies, from one radian a step to almost one in 10,000 steps.

    Neighbouring times look alike and distant ones do not (Vaswani et al. 2017, arXiv:1706.03762, section 3.5; used for
    diffusion by DDPM, appendix B). Maps t of shape (B,) to (B, width).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        if require_int("width", width, 2) % 2:
            raise ValueError(f"width must be an even number, got {width}")
        half = width // 2
        self.frequency: Tensor
        self.register_buffer("frequency", torch.exp(-math.log(10_000) * torch.arange(half) / half), persistent=False)

    def forward(self, t: Tensor) -> Tensor:
        """The embedding of each time, shape (B, width)."""
        angle = t[:, None] * self.frequency
        return torch.cat([angle.sin(), angle.cos()], dim=1)  # equation (2) of notebook 03


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut; time and context scale and shift the features between them.

    Maps (B, c_in, H, W) and a condition (B, n_condition) to (B, c_out, H, W). The scale and shift are those of FiLM
    (Perez et al. 2018, arXiv:1709.07871), as in Nichol & Dhariwal 2021. The second convolution starts at zero, so a new
    block passes its input through.
    """

    def __init__(self, c_in: int, c_out: int, n_condition: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(GROUPS, c_in), nn.Conv2d(c_in, c_out, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(GROUPS, c_out), nn.Conv2d(c_out, c_out, 3, padding=1)
        self.condition = nn.Linear(n_condition, 2 * c_out)
        self.shortcut = nn.Identity() if c_in == c_out else nn.Conv2d(c_in, c_out, 1)
        for parameter in self.conv2.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """The new features, shape (B, c_out, H, W)."""
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.condition(condition)[:, :, None, None].chunk(2, dim=1)
        h = self.norm2(h) * (1 + scale) + shift  # equation (4) of notebook 03
        answer: Tensor = self.shortcut(x) + self.conv2(F.silu(h))  # (5)
        return answer


def twice_as_large(x: Tensor) -> Tensor:
    """Each pixel becomes a square of four."""
    return F.interpolate(x, scale_factor=2, mode="nearest")
