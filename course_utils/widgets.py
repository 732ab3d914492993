"""Interactive figures: the only place that imports ipywidgets. What is drawn comes from `plotting`."""

from collections.abc import Callable, Sequence

import ipywidgets
import torch
from torch import Tensor

from .plotting import Picture, plot_noise_level, show_images
from .samplers import Step
from .schedules import NoiseSchedule


def noise_slider(x0: Tensor, eps: Tensor, schedule: NoiseSchedule) -> ipywidgets.VBox:
    """A slider over t = 1…T beside one picture and its noise, with ᾱ_t and the signal-to-noise ratio read out.

    Args:
        x0: one clean image in a batch, shape (1, 3, H, W), in [−1, 1].
        eps: its noise, of the same shape.
        schedule: the noise schedule.
    """
    return _slider(lambda t: plot_noise_level(x0, eps, schedule, t), "t", 1, schedule.T, schedule.T // 4)


def trajectory_slider(x_T: Tensor, steps: Sequence[Step], schedule: NoiseSchedule) -> ipywidgets.VBox:
    """A slider over the steps of a sampler: the pictures, the noise that the model saw in them, and what it meant.

    Args:
        x_T: where the sampler started, shape (B, 3, H, W).
        steps: everything that `sample` yielded from there.
        schedule: the noise schedule.
    """
    if len(steps) == 0:
        raise ValueError("steps must hold at least one step")
    arrivals = [Step(schedule.T, x_T, x_T), *steps[:-1]]

    def draw(i: int) -> Picture:
        t, x_t, x0_hat = arrivals[i].t, arrivals[i].x, steps[i].x0_hat
        eps = schedule.predict_eps(x_t, t, x0_hat)
        rows = ("x_t", "noise it\nsees", "picture it\nhas in mind")
        return show_images(torch.cat([x_t, eps, x0_hat]), row_titles=rows, columns=len(x_t), title=f"t = {t}")

    return _slider(draw, "step", 0, len(steps) - 1, len(steps) // 3)


def _slider(draw: Callable[[int], Picture], name: str, low: int, high: int, start: int) -> ipywidgets.VBox:
    """A whole-number slider above the picture that `draw` makes for its value."""
    picture = ipywidgets.HTML()  # not an Image, which has no text alternative
    slider = ipywidgets.IntSlider(start, low, high, description=name, layout=ipywidgets.Layout(width="600px"))

    def redraw(_: object = None) -> None:
        picture.value = draw(slider.value).html()

    slider.observe(redraw, names="value")
    redraw()
    return ipywidgets.VBox([slider, picture])
