"""Interactive figures: the only place that imports ipywidgets. What is drawn comes from `plotting`."""

from collections.abc import Callable

import ipywidgets
from torch import Tensor

from .plotting import Picture, plot_noise_level
from .schedules import NoiseSchedule


def noise_slider(x0: Tensor, eps: Tensor, schedule: NoiseSchedule) -> ipywidgets.VBox:
    """A slider over t = 1…T beside one picture and its noise, with ᾱ_t and the signal-to-noise ratio read out.

    Args:
        x0: one clean image in a batch, shape (1, 3, H, W), in [−1, 1].
        eps: its noise, of the same shape.
        schedule: the noise schedule.
    """
    return _slider(lambda t: plot_noise_level(x0, eps, schedule, t), "t", 1, schedule.T, schedule.T // 4)


def _slider(draw: Callable[[int], Picture], name: str, low: int, high: int, start: int) -> ipywidgets.VBox:
    """A whole-number slider above the picture that `draw` makes for its value."""
    picture = ipywidgets.HTML()  # not an Image, which has no text alternative
    slider = ipywidgets.IntSlider(start, low, high, description=name, layout=ipywidgets.Layout(width="600px"))

    def redraw(_: object = None) -> None:
        picture.value = draw(slider.value).html()

    slider.observe(redraw, names="value")
    redraw()
    return ipywidgets.VBox([slider, picture])
