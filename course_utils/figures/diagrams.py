"""Diagrams with boxes and arrows: how five families of generative models come to a picture.

The diagram of the U-Net stands in `network_diagram`, and figures that show numbers in `numbers` and `curves`.
"""

import torch.nn.functional as F
from matplotlib.patches import FancyArrowPatch
from torch import Tensor

from ..diffusion.schedules import NoiseSchedule
from ..validation import require_floats, require_images
from .drawing import place_box
from .images import to_pixels
from .picture import INK, Picture, place_axes, place_image, place_text, styled


@styled
def draw_model_families(x0: Tensor, eps: Tensor, schedule: NoiseSchedule) -> Picture:
    """How five families of generative models come to a picture, each from left to right.

    Args:
        x0: one clean image in a batch, shape (1, 3, H, W), in [−1, 1].
        eps: noise of the same shape.
        schedule: for the stages of the diffusion.
    """
    if len(require_images("x0", x0)) != 1:
        raise ValueError(f"x0 must be one image in a batch, got shape {tuple(x0.shape)}")
    require_floats("eps", eps, like=x0)
    code, blurred = F.adaptive_avg_pool2d(x0, 4), F.avg_pool2d(x0, 3, 1, 1, count_include_pad=False)
    written = []
    for share in (0, 1 / 3, 2 / 3):
        part = x0.clone()
        part.flatten(2)[..., int(share * part.shape[2] * part.shape[3]) :] = 0.85
        written.append(part)
    half, little = (schedule.add_noise(x0, int(share * schedule.T), eps) for share in (0.3, 0.12))
    families: dict[str, tuple[list[Tensor | str], str]] = {
        "GAN": ([eps, "generator", x0, "critic", "real or\ninvented?"], "one pass; learns from\na critic's verdict"),
        "VAE": ([x0, "encoder", code, "decoder", blurred], "one pass from a short code;\nblurs what the code forgot"),
        "Normalising\nflow": ([eps, "invertible", x0, "its inverse", eps],
                              "one pass, exact both ways;\nevery layer is invertible"),
        "Auto-\nregressive": ([written[0], "network", written[1], "network", written[2], "network", x0],
                           "one pass for each pixel,\nin reading order"),
        "Diffusion": ([eps, "network", half, "network", little, "network", x0],
                      "the same network many times,\nall pixels at once"),
    }  # fmt: skip
    row = 78
    picture = Picture(
        820,
        10 + row * len(families),
        "Five ways to make a picture: GAN, VAE, normalising flow, autoregressive and diffusion models",
    )
    for i, (name, (stages, remark)) in enumerate(families.items()):
        y = 10 + row * i
        place_text(picture, 8, y + 24, name, va="center", fontsize=11, fontweight="bold")
        place_text(picture, 622, y + 24, remark, va="center", fontsize=9.5)
        _draw_stages(picture, 112, y, stages)
    return picture


def _draw_stages(picture: Picture, x: float, y: float, stages: list[Tensor | str]) -> None:
    """Pictures (tensors) and boxes (words) from left to right, with an arrow from each to the next."""
    side, box, gap = 48, 76, 13
    for i, stage in enumerate(stages):
        width = side if isinstance(stage, Tensor) else box
        if isinstance(stage, Tensor):
            pixels = to_pixels(stage)[0]
            zoom = side // max(16, len(pixels))
            inset = (side - zoom * len(pixels)) / 2
            place_image(picture, pixels, x + inset, y + inset, zoom)
        elif i + 1 < len(stages):
            place_box(picture, x, y + side / 2 - 17, box, 34, stage, size=9.5)
        else:
            place_text(picture, x + 4, y + side / 2, stage, va="center")
        if i + 1 < len(stages):
            _place_arrow(picture, x + width + 1, y + side / 2, gap - 2)
        x += width + gap


def _place_arrow(picture: Picture, x: float, y: float, length: float) -> None:
    axes = place_axes(picture, x, y - 5, length, 10)
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(-1, 1))
    axes.add_patch(FancyArrowPatch((0, 0), (1, 0), arrowstyle="-|>", mutation_scale=7, color=INK, shrinkA=0, shrinkB=0))
