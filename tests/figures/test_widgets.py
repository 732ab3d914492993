"""Widgets in which a sampler answers: what stands under the sliders is what the same call draws."""

from functools import partial

import pytest
import torch

from course_utils import (
    cosine_schedule,
    ddim_step,
    dpm_solver,
    guidance_slider,
    guided,
    sample,
    sampler_sliders,
    show_images,
    sprite_mixer,
)

SCHEDULE = cosine_schedule(100)
X_T = torch.randn((6, 3, 16, 16), generator=torch.Generator().manual_seed(0))
C = torch.eye(5)[torch.arange(6) % 5]
COLOURS = torch.linspace(-0.9, 0.9, 15).view(5, 3, 1, 1)


def paints_its_context(x, t, c=None):
    """Has a colour in mind for each class, grey for none, and a pattern that bends, so that every step counts."""
    x0 = torch.zeros_like(x) if c is None else torch.einsum("bk,kcij->bcij", c, COLOURS).expand_as(x)
    return SCHEDULE.predict_eps(x, t, x0 + 0.5 * torch.tanh(x))


def shows(picture, expected):
    """Whether a widget shows this picture; its element also has a handler for screen readers."""
    return picture.value.startswith(expected.html().removesuffix(">"))


def drawn(w, n, c, step=ddim_step, generator=None):
    *_, end = sample(guided(paints_its_context, w), X_T, SCHEDULE.timesteps(n), SCHEDULE, step, c, generator)
    return end.x


def quickly_drawn(w, c):
    *_, end = dpm_solver(guided(paints_its_context, w), X_T, SCHEDULE.timesteps(10), SCHEDULE, c=c)
    return end.x


def test_the_guidance_slider_draws_with_its_scale_from_the_same_noise():
    slider, picture = guidance_slider(paints_its_context, X_T, SCHEDULE, C).children
    assert (slider.min, slider.max, slider.value) == (0, 8, 1)
    for w in (1, 0, 4.5):
        slider.value = w
        assert shows(picture, show_images(quickly_drawn(w, C), columns=6, title=f"guidance scale w = {w:g}"))


def test_the_mixer_has_a_slider_for_each_class_and_makes_one_context_of_them():
    names = ["hero", "non-hero", "food", "spell", "side-facing"]
    *sliders, picture = sprite_mixer(paints_its_context, X_T, SCHEDULE, names).children
    assert [slider.description for slider in sliders] == names
    assert [slider.value for slider in sliders] == [1, 0, 0, 0, 0]
    first = picture.value
    sliders[2].value = 0.6
    c = torch.tensor([1, 0, 0.6, 0, 0]).expand(6, 5)
    assert shows(picture, show_images(quickly_drawn(2, c), title="c = [1, 0, 0.6, 0, 0]"))
    assert picture.value != first
    for slider in sliders:
        slider.value = 0
    assert shows(picture, show_images(quickly_drawn(0, C), title="c = [0, 0, 0, 0, 0]"))


@pytest.mark.parametrize(("n", "eta", "w"), [(2, 0.0, 1.0), (7, 0.5, 2.5), (50, 1.0, 4.0)])
def test_the_sliders_of_a_sampler_set_steps_noise_and_guidance(n, eta, w):
    *sliders, picture = sampler_sliders(paints_its_context, X_T, SCHEDULE, C).children
    for slider, value in zip(sliders, (n, eta, w), strict=True):
        slider.value = value
    expected = drawn(w, n, C, partial(ddim_step, eta=eta), torch.Generator().manual_seed(0))
    assert shows(picture, show_images(expected, title=f"{n} steps, η = {eta:g}, w = {w:g}"))


def test_sliders_that_make_a_network_work_wait_until_they_are_let_go():
    boxes = (
        guidance_slider(paints_its_context, X_T, SCHEDULE, C),
        sprite_mixer(paints_its_context, X_T, SCHEDULE, list("abcde")),
        sampler_sliders(paints_its_context, X_T, SCHEDULE, C),
    )
    assert not any(slider.continuous_update for box in boxes for slider in box.children[:-1])
