"""`UnetWithVariance`: two U-Nets in one, a mean and how far off it will be; for models whose steps know their variance.

How the answers become a step is none of its business: see `diffusion.posterior`.
"""

from torch import Tensor, nn

from .unet import ContextUnet


class UnetWithVariance(nn.Module):
    """A `ContextUnet`, and beside it another, `error`, that says how far off the clean image of the first will be.

    Called like the first, it answers what the first one answers. Improved DDPM has one network with twice the channels
    (arXiv:2102.09672, section 3.1). Two are asked one after the other, so the second sees what the first one said, and
    may be asked about an x̂_0 that was changed on the way, such as a guided one.

    Args:
        n_features: width of the first, a multiple of 8; `error` has width 8.
        n_context: length of a context vector; `error` is told none.
        in_channels: colours of the image.
    """

    def __init__(self, n_features: int = 16, n_context: int = 5, in_channels: int = 3) -> None:
        super().__init__()
        self.arguments = {"n_features": n_features, "n_context": n_context, "in_channels": in_channels}
        self.mean = ContextUnet(in_channels, n_features, n_context)
        self.error = ContextUnet(2 * in_channels, 8, 1, in_channels)

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """What the mean was trained to put out, of the shape of `x`; arguments as in `ContextUnet`."""
        answer: Tensor = self.mean(x, t, c)
        return answer
