"""What a training says while it runs: the loss of each batch, and what is left of it when chance is averaged out."""

from torch import Tensor

from ..validation import require_floats, require_int
from .picture import NETWORK, PAGE, Picture, as_ink, place_axes, styled


@styled
def plot_losses(losses: Tensor, ylabel: str, window: int = 50) -> Picture:
    """The loss of every batch as a dot: the first ones alone, and then all, with a line through the means of many.

    Args:
        losses: one number for each batch, shape (N,).
        ylabel: what they measure.
        window: over how many batches a mean is taken, and how many are shown alone; N is at least twice as many.
    """
    require_int("window", window, 2)
    if require_floats("losses", losses).ndim != 1 or len(losses) < 2 * window:
        raise ValueError(f"losses must have shape (N,), N at least twice the window, got {tuple(losses.shape)}")
    losses = losses.detach().double().cpu()
    means, first = losses.unfold(0, window, 1).mean(1), (window - 1) / 2
    picture = Picture(PAGE, 310, f"{ylabel}, the first {window} batches, and all {len(losses)} with means of {window}")
    early, later = place_axes(picture, 75, 40, 240, 212), place_axes(picture, 365, 40, PAGE - 385, 212)
    early.plot(losses[:window], "o-", color=NETWORK, markersize=4, linewidth=1)
    later.plot(losses, "o", color=NETWORK, alpha=0.3, markersize=3.5, markeredgewidth=0)
    later.plot([first + i for i in range(len(means))], means, color=as_ink(NETWORK), linewidth=3)
    top = 1.05 * losses.max().item()
    early.set(xlabel="step", ylabel=ylabel, title=f"The first {window} batches", xlim=(-1, window), ylim=(0, top))
    later.set(xlabel="step", title=f"All {len(losses):,}, and means of {window}", xlim=(0, len(losses)), ylim=(0, top))
    return picture
