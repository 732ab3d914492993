"""Interactive figures, all that imports ipywidgets: noise levels, trajectories, guidance, samplers, and variances.

What is drawn comes from `images` and `variances`. On a slide or a web page there is no Python behind a slider; a movie
of some of its places then stands in for it, in the metadata of the output, where notebooks do not look.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import ipywidgets
import torch
from torch import Tensor

from ..diffusion.exact import entropy, exact_terms
from ..diffusion.guidance import guided
from ..diffusion.likelihood import require_chain
from ..diffusion.models import Model
from ..diffusion.oracles import MixtureDenoiser
from ..diffusion.posterior import log_between
from ..diffusion.samplers import Step, ddim_step, sample
from ..diffusion.schedules import NoiseSchedule
from ..diffusion.solvers import dpm_solver
from ..validation import require_floats, require_images, require_int, require_number
from .animation import Movie, animate, build_up
from .images import plot_noise_level, show_images
from .picture import Picture
from .variances import plot_variance

_WIDE = ipywidgets.Layout(width="600px")


# ipywidgets ties neither the name nor the value beside a handle to it, so each new picture does, for screen readers.
_NAME_HANDLES = """\
for (const handle of this.closest('.widget-vbox')?.querySelectorAll('[role=slider]') ?? []) {
 const slider = handle.closest('.widget-slider');
 handle.ariaLabel = slider.querySelector('.widget-label').textContent;
 handle.ariaValueText = slider.querySelector('.widget-readout').textContent;
}"""


class _Panel(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Sliders above a picture, and a movie that stands in for them where nothing can be computed."""

    movie: Movie | None = None

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        return bundle if self.movie is None else (bundle, {"movie": self.movie._repr_html_()})


def noise_slider(x0: Tensor, eps: Tensor, schedule: NoiseSchedule) -> _Panel:
    """A slider over t = 1…T beside one picture and its noise, with ᾱ_t and the signal-to-noise ratio read out.

    Args:
        x0: one clean image in a batch, shape (1, 3, H, W), in [−1, 1].
        eps: its noise, of the same shape.
        schedule: the noise schedule.
    """
    panel = _slider(lambda t: plot_noise_level(x0, eps, schedule, t), "t", 1, schedule.T, schedule.T // 4)
    times = sorted({max(1, round(i * schedule.T / 20)) for i in range(21)})
    captions = [f"t = {t}, ᾱ = {schedule.alpha_bar[t]:.3f}" for t in times]
    frames = [schedule.add_noise(x0, t, eps) for t in times]
    panel.movie = animate(frames, captions, f"A sprite with more and more noise, from t = 1 to t = {schedule.T}")
    return panel


def trajectory_slider(x_T: Tensor, steps: Sequence[Step], schedule: NoiseSchedule) -> _Panel:
    """A slider over the steps of a sampler: the pictures, the noise that the model saw in them, and what it meant.

    Args:
        x_T: where the sampler started, shape (B, 3, H, W).
        steps: everything that `sample` yielded from there.
        schedule: the noise schedule.
    """
    if len(steps) == 0:
        raise ValueError("steps must hold at least one step")
    require_images("x_T", require_floats("x_T", x_T, like=steps[0].x))
    arrivals = [Step(schedule.T, x_T, x_T), *steps[:-1]]

    def draw(i: int) -> Picture:
        t, x_t, x0_hat = arrivals[i].t, arrivals[i].x, steps[i].x0_hat
        eps = schedule.predict_eps(x_t, t, x0_hat)
        rows = ("x_t", "noise it\nsees", "picture it\nhas in mind")
        return show_images(torch.cat([x_t, eps, x0_hat]), row_titles=rows, columns=len(x_t), title=f"t = {t}")

    panel = _slider(draw, "step", 0, len(steps) - 1, len(steps) // 3)
    some = sorted({round(i * (len(steps) - 1) / 9) for i in range(10)})
    shown = [(arrivals[i].t, arrivals[i].x, steps[i].x0_hat) for i in some]
    panel.movie = animate(
        [torch.cat([x_t, schedule.predict_eps(x_t, t, x0_hat), x0_hat]) for t, x_t, x0_hat in shown],
        [f"t = {t}: the noisy picture, the noise it sees in it, the picture it has in mind" for t, _, _ in shown],
        "Three rows of pictures as the steps go by: the noisy pictures, the noise in them, and what is in mind",
        columns=len(x_T),
        milliseconds=500,
    )
    return panel


def guidance_slider(model: Model, x_T: Tensor, schedule: NoiseSchedule, c: Tensor) -> _Panel:
    """A slider over guidance scales from 0 to 8: what DPM-Solver++ draws from the same noise in 10 steps.

    Args:
        model: one that was trained with and without context.
        x_T: pure noise, shape (B, 3, H, W); ten images take half a second on two quiet cores.
        schedule: the schedule of the model.
        c: their contexts, shape (B, n_context).
    """
    require_images("x_T", x_T)

    def draw(w: float) -> Picture:
        *_, end = dpm_solver(guided(model, w), x_T, schedule.timesteps(10), schedule, c=c)
        return show_images(end.x, columns=min(len(x_T), 10), title=f"guidance scale w = {w:g}")

    return _panel(draw, [_float_slider("w", 1, 8, 0.5)])


def sprite_mixer(model: Model, x_T: Tensor, schedule: NoiseSchedule, names: Sequence[str]) -> _Panel:
    """A slider for each class: the context of what DPM-Solver++ draws from the same noise, with w = 2.

    Args:
        model, x_T, schedule: as in `guidance_slider`.
        names: of the classes, one for each number of a context.
    """
    require_images("x_T", x_T)

    def draw(*amounts: float) -> Picture:
        c = torch.tensor(amounts).expand(len(x_T), -1)
        *_, end = dpm_solver(guided(model, 2), x_T, schedule.timesteps(10), schedule, c=c)
        return show_images(end.x, title=f"c = [{', '.join(f'{amount:g}' for amount in amounts)}]")

    sliders = [_float_slider(name, float(i == 0), 1, 0.1) for i, name in enumerate(names)]
    return _panel(draw, sliders)


def sampler_sliders(model: Model, x_T: Tensor, schedule: NoiseSchedule, c: Tensor) -> _Panel:
    """Sliders over the number of steps, η and the guidance scale: what DDIM draws from the same noise.

    Arguments as in `guidance_slider`; the noise of the steps is the same each time, too.
    """
    require_images("x_T", x_T)

    def draw(n: int, eta: float, w: float) -> Picture:
        step, generator = partial(ddim_step, eta=eta), torch.Generator().manual_seed(0)
        *_, end = sample(guided(model, w), x_T, schedule.timesteps(n), schedule, step, c, generator)
        return show_images(end.x, title=f"{n} steps, η = {eta:g}, w = {w:g}")

    steps = ipywidgets.SelectionSlider(
        options=(2, 3, 5, 7, 10, 15, 25, 50), value=10, description="steps", continuous_update=False, layout=_WIDE
    )
    return _panel(draw, [steps, _float_slider("η", 0, 1, 0.1), _float_slider("w", 1, 4, 0.5)])


def variance_slider(truth: MixtureDenoiser, times: Sequence[int], t: int, x_t: float) -> _Panel:
    """A slider over the variance of the steps of a chain, from β̃ to β: one step over the truth, and what all lose.

    Args:
        truth: a mixture in one dimension, means of shape (K, 1), of positive width, in float64.
        times: the chain, from T down to 0.
        t: one of its times before the last, where the step starts that is drawn.
        x_t: the number from which it starts.
    """
    require_number("x_t", x_t)
    ends = dict(require_chain(truth.means, times, truth.schedule.T))
    if require_int("t", t, 1) not in ends:
        raise ValueError(f"t must be one of the times before the last, got {t!r}")
    t_prev, least, gaps = ends[t], entropy(truth, 2001), {}
    for v in (i / 20 for i in range(21)):
        terms = exact_terms(truth, truth, times, truth.schedule, log_between(v), n=2001)
        gaps[v] = terms.sum().item() - least

    def draw(v: float) -> Picture:
        return plot_variance(truth, x_t, t, t_prev, round(20 * v) / 20, gaps)

    slider = _float_slider("v", 1, 1, 0.05)
    slider.continuous_update = True  # no network has to answer
    panel = _panel(draw, [slider])
    best = min(gaps, key=gaps.__getitem__)
    some = [*(v for v in (0, 1) if v != best), best]
    captions = [f"v = {v:g}{', the best one for all steps' if v == best else ''}" for v in some]
    alt = f"A step from {t} to {t_prev} over the truth, and the gap of the chain, for some v up to the best, {best:g}"
    panel.movie = build_up([draw(v) for v in some], captions, alt)
    return panel


def _slider(draw: Callable[[int], Picture], name: str, low: int, high: int, start: int) -> _Panel:
    """A whole-number slider above the picture that `draw` makes for its value."""
    return _panel(draw, [ipywidgets.IntSlider(start, low, high, description=name, layout=_WIDE)])


def _float_slider(name: str, start: float, high: float, step: float) -> ipywidgets.FloatSlider:
    """A slider from 0 that speaks only when it is let go, since a network has to answer."""
    return ipywidgets.FloatSlider(
        start, min=0, max=high, step=step, description=name, continuous_update=False, layout=_WIDE
    )


def _panel(draw: Callable[..., Picture], sliders: Sequence[ipywidgets.ValueWidget]) -> _Panel:
    """Sliders above the picture that `draw` makes for their values."""
    picture = ipywidgets.HTML()  # not an Image, which has no text alternative

    def redraw(_: object = None) -> None:
        image = draw(*(slider.value for slider in sliders)).html()
        picture.value = image.removesuffix(">") + f' onload="{_NAME_HANDLES}">'

    for slider in sliders:
        slider.observe(redraw, names="value")
    redraw()
    return _Panel([*sliders, picture])
