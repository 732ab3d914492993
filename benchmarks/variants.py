"""What was tried for the recipe and is not part of the course: a U-Net on patches, attention, and Muon.

`search.py` trains with them. Nothing here is checked for bad input.
"""

import math
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.networks.blocks import ResidualBlock, TimeEmbedding, twice_as_large


class PatchUnet(nn.Module):
    """A U-Net whose pixels are squares of 2 × 2: `n_features` channels on 8 × 8 and twice as many on 4 × 4.

    Args:
        n_features, n_context: as in `ContextUnet`.
        attention: whether all places of the coarsest level look at each other, in four heads.
        positions: whether each place has a learned offset of its own, which ties the network to 16 × 16 pixels.
    """

    def __init__(
        self, n_features: int = 48, n_context: int = 5, attention: bool = False, positions: bool = False
    ) -> None:
        super().__init__()
        fine, coarse, n_condition = n_features, 2 * n_features, 4 * n_features
        self.embed_time = nn.Sequential(
            TimeEmbedding(n_features),
            nn.Linear(n_features, n_condition),
            nn.SiLU(),
            nn.Linear(n_condition, n_condition),
        )
        self.embed_context = nn.Linear(n_context, n_condition, bias=False)
        self.stem = nn.Conv2d(12, fine, 3, padding=1)
        self.positions = nn.Parameter(torch.zeros(fine, 8, 8)) if positions else None
        self.down = ResidualBlock(fine, fine, n_condition)
        self.bottom1 = ResidualBlock(fine, coarse, n_condition)
        self.attention = Attention(coarse) if attention else nn.Identity()
        self.bottom2 = ResidualBlock(coarse, coarse, n_condition)
        self.up = ResidualBlock(coarse + fine, fine, n_condition)
        self.head = nn.Sequential(nn.GroupNorm(8, fine), nn.SiLU(), nn.Conv2d(fine, 12, 3, padding=1))
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        condition = self.embed_time(t)
        condition = F.silu(condition if c is None else condition + self.embed_context(c))
        fine = self.stem(F.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last))
        fine = self.down(fine if self.positions is None else fine + self.positions, condition)
        coarse = self.bottom1(F.avg_pool2d(fine, 2), condition)
        coarse = self.bottom2(self.attention(coarse), condition)
        fine = self.up(torch.cat([twice_as_large(coarse), fine], dim=1), condition)
        return F.pixel_shuffle(self.head(fine), 2).contiguous()


class Attention(nn.Module):
    """Every place looks at every other (Vaswani et al. 2017, arXiv:1706.03762), beside a shortcut; zero at first."""

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.norm, self.attend = nn.GroupNorm(8, channels), nn.MultiheadAttention(channels, heads, batch_first=True)
        nn.init.zeros_(self.attend.out_proj.weight)

    def forward(self, x: Tensor) -> Tensor:
        places = self.norm(x).flatten(2).transpose(1, 2)
        seen, _ = self.attend(places, places, places, need_weights=False)
        return x + seen.transpose(1, 2).unflatten(2, x.shape[2:])


class Muon(torch.optim.AdamW):
    """AdamW, but convolutions go along their momentum with all singular values made equal (Jordan et al. 2024).

    The length of a step is matched to that of AdamW (Liu et al. 2025, arXiv:2502.16982, eq. 4). Convolutions do not
    decay.
    """

    def __init__(self, parameters: Iterator[nn.Parameter], learning_rate: float) -> None:
        super().__init__(parameters, learning_rate, betas=(0.9, 0.99), fused=True)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.ndim == 4 and min(weight.shape[:2]) > 12:  # neither the first layer nor the last
                    momentum = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
                    momentum.lerp_(weight.grad, 0.05)
                    along = orthogonal(weight.grad.lerp(momentum, 0.95).flatten(1))
                    length = 0.2 * math.sqrt(max(along.shape)) * group["lr"]
                    weight.sub_(length * along.view(weight.shape))
                    weight.grad = None  # so AdamW passes it over
        super().step()


def orthogonal(matrix: Tensor, rounds: int = 5) -> Tensor:
    """The matrix with its singular values pulled to about 1, by Newton–Schulz on the smaller of its squares."""
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = wide / (wide.norm() + 1e-7)
    square, product = wide @ wide.T, torch.eye(len(wide))
    for _ in range(rounds):
        factor = 3.4445 * torch.eye(len(wide)) - 4.775 * square + 2.0315 * square @ square
        square, product = factor @ square @ factor, factor @ product
    return product @ wide if matrix.shape[0] <= matrix.shape[1] else (product @ wide).T
