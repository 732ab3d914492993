"""`ContextUnet`: the U-Net of the course, with skip connections, told the time and the context.

It answers the question `network(x, t, c)` and knows nothing of schedules, losses or samplers.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..validation import require_floats, require_int
from .blocks import GROUPS, ResidualBlock, TimeEmbedding, twice_as_large

INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


class ContextUnet(nn.Module):
    """A U-Net that is told the time and, if you like, the context.

    Three resolutions, H×W, half and quarter, with 1, 2 and 4 times `n_features` channels. On the way up each level is
    joined with what the way down saw at this level (concatenation; Ronneberger et al. 2015, arXiv:1505.04597).

    Args:
        in_channels: colours of the image.
        n_features: channels at full resolution, a multiple of 8.
        n_context: length of a context vector.
        out_channels: numbers that it puts out for each pixel; by default as many as it takes in.
    """

    def __init__(
        self, in_channels: int = 3, n_features: int = 32, n_context: int = 5, out_channels: int | None = None
    ) -> None:
        super().__init__()
        require_int("in_channels", in_channels, 1), require_int("n_context", n_context, 1)
        out_channels = require_int("out_channels", in_channels if out_channels is None else out_channels, 1)
        if require_int("n_features", n_features, 1) % GROUPS:
            raise ValueError(f"n_features must be a multiple of {GROUPS}, got {n_features}")
        self.arguments = {
            "in_channels": in_channels,
            "n_features": n_features,
            "n_context": n_context,
            "out_channels": out_channels,
        }
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
        self.head = nn.Sequential(nn.GroupNorm(GROUPS, fine), nn.SiLU(), nn.Conv2d(fine, out_channels, 3, padding=1))
        self.to(memory_format=torch.channels_last)  # how CPUs and GPUs convolve fastest; results are the same

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """What the network was trained to put out, shape (B, out_channels, H, W).

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
        middle = self.up2(torch.cat([twice_as_large(coarse), middle], dim=1), condition)
        fine = self.up1(torch.cat([twice_as_large(middle), fine], dim=1), condition)
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
