"""Models made from models: each formula against the calls it replaces. (Guidance has a file of its own.)"""

import pytest
import torch
from torch import nn

from course_utils import FromV, FromX0, clipped, diffusion_loss, linear_schedule

SCHEDULE = linear_schedule(100)


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


T = torch.tensor([1, 20, 60, 100])


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


@pytest.mark.parametrize("wrap", [clipped, FromX0, FromV])
@pytest.mark.parametrize("c", [None, torch.eye(4)])
def test_the_model_inside_is_asked_what_the_outer_one_was_asked(wrap, c):
    asked = []

    class Listens(nn.Module):
        def forward(self, *given):
            asked.append(given)
            return 0.5 * given[0]

    x = noise(4, 3, 2, 2)
    wrap(Listens(), SCHEDULE)(x, T, c)
    (given,) = asked
    assert [*map(id, given)] == [*map(id, (x, T, c))]  # these very tensors


@pytest.mark.parametrize("adapter", [FromX0, FromV])
def test_a_network_may_compute_in_less_precision_than_it_is_asked_in(adapter):
    x = noise(4, 3, 2, 2)
    assert adapter(Knows(x.float()), SCHEDULE)(x, T).dtype == x.dtype


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


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="low must be smaller than high"):
        clipped(None, SCHEDULE, 1.0, 1.0)
