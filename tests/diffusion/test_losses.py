"""The loss against its formula, its weights, and context dropout."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import clipped_snr, cosine_schedule, diffusion_loss, drop_context, linear_schedule
from course_utils.diffusion.losses import denoising_loss, draw_times_and_noise

SCHEDULE = linear_schedule(50)
POINTS, CONTEXTS = torch.tensor([[1.0, -0.5], [-1.0, 0.5]]).repeat(50, 1), torch.eye(2).repeat(50, 1)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_loss_is_its_formula():
    """The model is shown x_t and t, and its answer is compared with the noise."""
    asked = {}

    def spy(x, t, c):
        asked.update(x=x, t=t, c=c)
        return 0.3 * x

    x0, weight = torch.randn((40, 3, 2, 2), generator=seeded(1)), torch.linspace(1, 2, 51)
    loss = diffusion_loss(spy, x0, CONTEXTS[:40], SCHEDULE, weight, seeded(5))
    generator = seeded(5)
    t = torch.randint(1, 51, (40,), generator=generator)
    eps = torch.randn(x0.shape, generator=generator)
    x_t = SCHEDULE.add_noise(x0, t, eps)
    assert torch.equal(asked["t"], t)
    assert torch.equal(asked["x"], x_t)
    assert torch.equal(asked["c"], CONTEXTS[:40])
    by_hand = sum(weight[s] * (e - 0.3 * x).square().mean() for s, e, x in zip(t, eps, x_t, strict=True)) / 40
    assert torch.allclose(loss, by_hand.float())
    plain = diffusion_loss(spy, x0, None, SCHEDULE, generator=seeded(5))
    assert torch.allclose(plain, (eps - 0.3 * x_t).square().mean())


@settings(deadline=None)  # the first schedule takes longer
@given(st.sampled_from([linear_schedule, cosine_schedule]), st.integers(2, 600), st.floats(0, 1), st.floats(1.01, 100))
def test_clipped_snr_is_the_error_of_x0_times_the_snr_within_bounds(make, T, low, high):
    schedule = make(T)
    weight, snr = clipped_snr(schedule, low, high), schedule.snr
    assert weight[0] == 0  # no error of noise where there is none
    inside = (low <= snr) & (snr <= high)
    assert torch.all(weight[inside] == 1)  # the error of ε
    assert torch.all(weight[1:][snr[1:] < low] > 1)
    as_x0 = (weight * snr)[1:]  # the weight of the squared error of x_0, which is that of ε divided by the SNR
    torch.testing.assert_close(as_x0, snr[1:].clamp(low, high))
    assert torch.all(weight.diff() >= -1e-12)


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        (-1.0, 5.0, r"low must be a number in \[0, ∞\), got -1.0"),
        (float("nan"), 5.0, r"low must be a number in \[0, ∞\), got nan"),
        (1.0, 1.0, r"high must be a number in \(1, ∞\), got 1.0"),
    ],
)
def test_clipped_snr_needs_two_bounds(low, high, message):
    with pytest.raises(ValueError, match=message):
        clipped_snr(SCHEDULE, low, high)


def test_the_loss_of_a_part_is_its_part_of_the_loss():
    """Processes that draw the same times and noises, and take every second row each, have the loss of one process."""
    x0, weight, c = torch.randn((40, 3, 2, 2), generator=seeded(1)), torch.linspace(1, 2, 51), CONTEXTS[:40]
    t, eps = draw_times_and_noise(x0, SCHEDULE, seeded(5))

    def loss_of(rows):
        return denoising_loss(lambda x, t, c: 0.3 * x, x0[rows], t[rows], eps[rows], c[rows], SCHEDULE, weight)

    together = diffusion_loss(lambda x, t, c: 0.3 * x, x0, c, SCHEDULE, weight, seeded(5))
    assert torch.equal(together, loss_of(slice(None)))
    assert torch.allclose(together, (loss_of(slice(0, None, 2)) + loss_of(slice(1, None, 2))) / 2)


def test_every_time_is_drawn_and_none_beyond():
    times = []

    def spy(x, t, c):
        times.extend(t.tolist())
        return x

    for seed in range(20):
        diffusion_loss(spy, POINTS, None, SCHEDULE, generator=seeded(seed))
    assert set(times) == set(range(1, 51))


def test_context_dropout_drops_its_share_and_nothing_else():
    c = torch.rand((4000, 5), generator=seeded(1)) + 0.1
    before = c.clone()
    dropped = drop_context(c, 0.1, seeded(2))
    gone = (dropped == 0).all(1)
    assert abs(gone.float().mean() - 0.1) < 4 * (0.09 / 4000) ** 0.5
    assert torch.equal(dropped[~gone], c[~gone])
    assert torch.equal(c, before)
    assert torch.equal(drop_context(c, 0.0, seeded(2)), c)
    assert drop_context(c, 1.0, seeded(2)).abs().max() == 0


def test_a_share_or_a_weight_that_cannot_be_is_named():
    with pytest.raises(ValueError, match=r"share must be a number in \[0, 1\]"):
        drop_context(CONTEXTS, 1.5)
    with pytest.raises(
        ValueError, match=r"weight must be a .* table of T \+ 1 = 51 numbers, got torch.float32 \(52,\)"
    ):
        diffusion_loss(lambda x, t, c: x, POINTS, CONTEXTS, SCHEDULE, torch.ones(52))
