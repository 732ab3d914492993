"""Models made from models: each formula against the calls it replaces."""

import pytest
import torch
from torch import nn

from course_utils import FromV, FromX0, MixtureDenoiser, clipped, diffusion_loss, guided, linear_schedule, sample

SCHEDULE = linear_schedule(100)
HEAPS = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
MIXTURE = MixtureDenoiser(HEAPS, SCHEDULE, std=0.5, classes=torch.eye(2, dtype=torch.float64))


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


T, C = torch.tensor([1, 20, 60, 100]), torch.eye(2, dtype=torch.float64)[[0, 1, 0, 1]]


@pytest.mark.parametrize("w", [-1.0, 0.0, 0.5, 1.0, 2.0, 7.5])
def test_guidance_goes_from_the_answer_without_context_towards_the_one_with(w):
    x = noise(4, 1)
    without, told = MIXTURE(x, T), MIXTURE(x, T, C)
    assert torch.allclose(guided(MIXTURE, w)(x, T, C), without + w * (told - without), atol=1e-12)
    assert torch.equal(guided(MIXTURE, w)(x, T), without)


@pytest.mark.parametrize(("w", "size"), [(0, 4), (1, 4), (3, 8)])
def test_guidance_asks_once(w, size):
    sizes = []

    def spy(x, t, c):
        sizes.append(len(x))
        return MIXTURE(x, t, c)

    guided(spy, w)(noise(4, 1), T, C)
    assert sizes == [size]


def test_scale_one_samples_the_class_and_scale_zero_samples_all():
    c = torch.tensor([[0.0, 1.0]], dtype=torch.float64).expand(2000, 2)
    for w, mean, spread in ((1, 1.0, 0.5), (0, 0.0, 1.25**0.5)):
        *_, end = sample(guided(MIXTURE, w), noise(2000, 1), SCHEDULE.timesteps(100), SCHEDULE, c=c)
        assert abs(end.x.mean() - mean) < 0.1
        assert abs(end.x.std() - spread) < 0.05


def test_clipping_keeps_the_picture_in_range_and_leaves_good_ones_alone():
    x0, eps = torch.linspace(-3, 3, 8, dtype=torch.float64)[:, None], noise(8, 1)
    t = torch.tensor([1, 5, 20, 50, 60, 70, 90, 100])
    x_t = SCHEDULE.add_noise(x0, t, eps)
    answer = clipped(lambda x, t, c: eps, SCHEDULE)(x_t, t)
    assert torch.allclose(SCHEDULE.predict_x0(x_t, t, answer), x0.clamp(-1, 1), atol=1e-9)
    inside = x0.abs() <= 1
    assert inside.any()
    assert torch.allclose(answer[inside], eps[inside], atol=1e-9)
    other = clipped(lambda x, t, c: eps, SCHEDULE, low=0.0, high=0.5)(x_t, t)
    assert torch.allclose(SCHEDULE.predict_x0(x_t, t, other), x0.clamp(0, 0.5), atol=1e-9)


class Knows(nn.Module):
    """A network that has been told its answer."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, x, t, c=None):
        return self.answer


def test_adapters_turn_a_picture_or_v_into_noise():
    x0, eps = noise(4, 3, 2, 2), noise(4, 3, 2, 2, seed=1)
    x_t, ab = SCHEDULE.add_noise(x0, T, eps), SCHEDULE.alpha_bar[T].view(-1, 1, 1, 1)
    assert torch.allclose(FromX0(Knows(x0), SCHEDULE)(x_t, T), eps, atol=1e-9)
    assert torch.allclose(FromV(Knows(ab.sqrt() * eps - (1 - ab).sqrt() * x0), SCHEDULE)(x_t, T), eps, atol=1e-12)


def test_the_losses_are_reweightings_of_one_another():
    """Salimans & Ho 2022, section 4: the loss of v and of x_0 are that of ε with another weight for each time."""
    x0, answer = noise(4, 3, 2, 2), noise(4, 3, 2, 2, seed=1)

    def with_seed(model, weight):
        return diffusion_loss(model, x0, None, SCHEDULE, weight, torch.Generator().manual_seed(2))

    generator = torch.Generator().manual_seed(2)
    t = torch.randint(1, 101, (4,), generator=generator)
    eps = torch.randn(x0.shape, generator=generator, dtype=x0.dtype)
    ab = SCHEDULE.alpha_bar[t].view(-1, 1, 1, 1)
    of_v = (ab.sqrt() * eps - (1 - ab).sqrt() * x0 - answer).square().mean()
    assert torch.allclose(with_seed(FromV(Knows(answer), SCHEDULE), 1 / SCHEDULE.alpha_bar), of_v)
    of_x0 = (x0 - answer).square().mean()
    assert torch.allclose(with_seed(FromX0(Knows(answer), SCHEDULE), 1 / SCHEDULE.snr), of_x0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: guided(MIXTURE, float("nan")), "guidance_scale must be a finite number"),
        (lambda: clipped(MIXTURE, SCHEDULE, 1.0, 1.0), "low must be smaller than high"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
