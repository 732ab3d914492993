"""`ContextUnet`: the network of the course, and the three blocks it is built from.

It answers the question `model(x, t, c) -> eps` and knows nothing of schedules, losses or samplers.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .validation import require_floats, require_int

GROUPS = 8
"""Channels are normalised in this many groups, so every width of the network is a multiple of it."""

INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


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
        return torch.cat([angle.sin(), angle.cos()], dim=1)


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
        h = self.norm2(h) * (1 + scale) + shift
        answer: Tensor = self.shortcut(x) + self.conv2(F.silu(h))
        return answer


class ContextUnet(nn.Module):
    """A U-Net that is told the time and, if you like, the context.

    Three resolutions, H×W, half and quarter, with 1, 2 and 4 times `n_features` channels. On the way up each level is
    joined with what the way down saw at this level (concatenation; Ronneberger et al. 2015, arXiv:1505.04597).

    Args:
        in_channels: colours of the image.
        n_features: channels at full resolution, a multiple of 8.
        n_context: length of a context vector.
    """

    def __init__(self, in_channels: int = 3, n_features: int = 32, n_context: int = 5) -> None:
        super().__init__()
        require_int("in_channels", in_channels, 1)
        require_int("n_context", n_context, 1)
        if require_int("n_features", n_features, 1) % GROUPS:
            raise ValueError(f"n_features must be a multiple of {GROUPS}, got {n_features}")
        self.arguments = {"in_channels": in_channels, "n_features": n_features, "n_context": n_context}
        fine, middle, coarse, n_condition = n_features, 2 * n_features, 4 * n_features, 4 * n_features

        self.embed_time = nn.Sequential(
            TimeEmbedding(n_features),
            nn.Linear(n_features, n_condition),
            nn.SiLU(),
            nn.Linear(n_condition, n_condition),
        )
        self.embed_context = nn.Linear(n_context, n_condition, bias=False)  # so all zeros are the same as no context

        self.stem = nn.Conv2d(in_channels, fine, 3, padding=1)
        self.down1 = ResidualBlock(fine, fine, n_condition)
        self.down2 = ResidualBlock(fine, middle, n_condition)
        self.bottom1 = ResidualBlock(middle, coarse, n_condition)
        self.bottom2 = ResidualBlock(coarse, coarse, n_condition)
        self.up2 = ResidualBlock(coarse + middle, middle, n_condition)
        self.up1 = ResidualBlock(middle + fine, fine, n_condition)
        self.head = nn.Sequential(nn.GroupNorm(GROUPS, fine), nn.SiLU(), nn.Conv2d(fine, in_channels, 3, padding=1))
        self.to(memory_format=torch.channels_last)  # how CPUs and GPUs convolve fastest; results are the same

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """What the network was trained to put out, of the shape of `x`.

        Args:
            x: images at time t, shape (B, in_channels, H, W), with H and W divisible by 4.
            t: their times, integers of shape (B,), in 1…T.
            c: their contexts, shape (B, n_context); None, or a row of zeros, for no context.

        Raises ValueError for other shapes and dtypes.
        """
        self._require(x, t, c)
        condition = self.embed_time(t)
        if c is not None:
            condition = condition + self.embed_context(c)
        condition = F.silu(condition)

        fine = self.down1(self.stem(x.contiguous(memory_format=torch.channels_last)), condition)
        middle = self.down2(F.avg_pool2d(fine, 2), condition)
        coarse = self.bottom2(self.bottom1(F.avg_pool2d(middle, 2), condition), condition)
        middle = self.up2(torch.cat([_twice_as_large(coarse), middle], dim=1), condition)
        fine = self.up1(torch.cat([_twice_as_large(middle), fine], dim=1), condition)
        answer: Tensor = self.head(fine)
        return answer.contiguous().to(x.dtype)

    def _require(self, x: Tensor, t: Tensor, c: Tensor | None) -> None:
        channels, n_context = self.arguments["in_channels"], self.arguments["n_context"]
        require_floats("x", x, along=self.stem.weight)
        if x.ndim != 4 or x.shape[1] != channels or x.shape[2] % 4 or x.shape[3] % 4:
            raise ValueError(f"x must have shape (B, {channels}, H, W), H and W divisible by 4, got {tuple(x.shape)}")
        if not isinstance(t, Tensor) or t.shape != x.shape[:1] or t.dtype not in INTEGERS:
            got = f"{t.dtype} {tuple(t.shape)}" if isinstance(t, Tensor) else repr(t)
            raise ValueError(f"t must be an integer tensor of shape ({len(x)},), got {got}")
        if t.min() < 1:
            raise ValueError(f"t must be 1 or more, got {t.min().item()}")
        if c is not None and require_floats("c", c, along=x).shape != (len(x), n_context):
            raise ValueError(f"c must have shape ({len(x)}, {n_context}), got {tuple(c.shape)}")


def _twice_as_large(x: Tensor) -> Tensor:
    """Each pixel becomes a square of four."""
    return F.interpolate(x, scale_factor=2, mode="nearest")
