"""`ClassicUnet`: the U-Net of the classic sprite lab, with BatchNorm and GELU, to compare the course's own with."""

import torch
from torch import Tensor, nn

from ..validation import require_floats, require_int

SIZE = 16
"""Its bottleneck averages over all of a 4×4 picture, so it knows this size of images and no other."""


class ClassicUnet(nn.Module):
    """A U-Net with 64 features, BatchNorm, max pooling, and t / T through a small network.

    Time and context scale and shift what comes back up, not the blocks. The known errors of the lab are mended: the
    shortcut is a module of its own, and a mask drops contexts instead of keeping them.

    Args:
        n_features: channels at full resolution, a multiple of 8.
        n_context: length of a context vector.
        T: the last time, by which t is divided.
    """

    def __init__(self, n_features: int = 64, n_context: int = 5, T: int = 500) -> None:
        super().__init__()
        if require_int("n_features", n_features, 8) % 8:
            raise ValueError(f"n_features must be a multiple of 8, got {n_features}")
        require_int("n_context", n_context, 1), require_int("T", T, 1)
        self.arguments = {"n_features": n_features, "n_context": n_context, "T": T}
        n = n_features
        self.stem1, self.stem2 = _convolution(3, n), _convolution(n, n)
        self.shortcut = nn.Conv2d(3, n, 1)
        self.down1 = nn.Sequential(_four_convolutions(n, n), nn.MaxPool2d(2))
        self.down2 = nn.Sequential(_four_convolutions(n, 2 * n), nn.MaxPool2d(2))
        self.to_vector = nn.Sequential(nn.AvgPool2d(4), nn.GELU())
        self.time = nn.ModuleList(_embedding(1, width) for width in (2 * n, n))
        self.context = nn.ModuleList(_embedding(n_context, width) for width in (2 * n, n))
        self.up0 = nn.Sequential(nn.ConvTranspose2d(2 * n, 2 * n, 4, 4), nn.GroupNorm(8, 2 * n), nn.ReLU())
        self.up1 = nn.Sequential(nn.ConvTranspose2d(4 * n, n, 2, 2), _four_convolutions(n, n))
        self.up2 = nn.Sequential(nn.ConvTranspose2d(2 * n, n, 2, 2), _four_convolutions(n, n))
        self.head = nn.Sequential(
            nn.Conv2d(2 * n, n, 3, padding=1), nn.GroupNorm(8, n), nn.ReLU(), nn.Conv2d(n, 3, 3, padding=1)
        )

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """What the network was trained to put out, of the shape of `x`, (B, 3, 16, 16); t (B,), c (B, n_context)."""
        if require_floats("x", x).shape[1:] != (3, SIZE, SIZE):
            raise ValueError(f"x must have shape (B, 3, {SIZE}, {SIZE}), got {tuple(x.shape)}")
        share = (t / self.arguments["T"]).view(-1, 1).to(x)
        c = x.new_zeros(len(x), self.arguments["n_context"]) if c is None else c
        fine = (self.shortcut(x) + self.stem2(self.stem1(x))) / 2**0.5
        middle = self.down1(fine)
        coarse = self.down2(middle)
        up = self.up0(self.to_vector(coarse))
        up = self.up1(torch.cat([self.context[0](c) * up + self.time[0](share), coarse], dim=1))
        up = self.up2(torch.cat([self.context[1](c) * up + self.time[1](share), middle], dim=1))
        answer: Tensor = self.head(torch.cat([up, fine], dim=1))
        return answer


def _convolution(c_in: int, c_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(c_in, c_out, 3, padding=1), nn.BatchNorm2d(c_out), nn.GELU())


def _four_convolutions(c_in: int, c_out: int) -> nn.Sequential:
    return nn.Sequential(_convolution(c_in, c_out), *(_convolution(c_out, c_out) for _ in range(3)))


def _embedding(n_in: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(n_in, width), nn.GELU(), nn.Linear(width, width), nn.Unflatten(1, (width, 1, 1)))
