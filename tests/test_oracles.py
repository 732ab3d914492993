"""The exact denoiser, graded against the truth that it claims to know."""

import pytest
import torch

from course_utils import IdealDenoiser, cosine_schedule, linear_schedule

SCHEDULE = cosine_schedule(100)


def data(n=7):
    return torch.randn((n, 3, 4, 4), generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def noise(n):
    return torch.randn((n, 3, 4, 4), generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_posterior_is_bayes_rule():
    """Against the probabilities written out with torch.distributions, one picture at a time."""
    oracle, t = IdealDenoiser(data(), SCHEDULE), 85
    x_t = SCHEDULE.add_noise(data()[:2], t, noise(2))
    ab = SCHEDULE.alpha_bar[t]
    log_likelihood = torch.stack(
        [torch.distributions.Normal(ab.sqrt() * x, (1 - ab).sqrt()).log_prob(x_t).sum((1, 2, 3)) for x in data()], 1
    )
    assert oracle.posterior(x_t, t).allclose(log_likelihood.softmax(1), atol=1e-10)
    assert oracle.posterior(x_t, t).max() < 0.99  # a race, not a certainty


def test_it_finds_the_picture_when_there_is_little_noise_and_the_average_when_there_is_only_noise():
    oracle = IdealDenoiser(data(), SCHEDULE)
    eps = noise(7)
    assert oracle.predict_x0(SCHEDULE.add_noise(data(), 1, eps), 1).allclose(data(), atol=1e-6)
    assert oracle.predict_x0(eps, 100).allclose(data().mean(0).expand(7, -1, -1, -1), atol=0.1)


def test_noise_and_picture_belong_together():
    oracle, t = IdealDenoiser(data(), SCHEDULE), torch.tensor([10, 60])
    x_t = noise(2)
    x0_hat = SCHEDULE.predict_x0(x_t, t, oracle(x_t, t))
    assert x0_hat.allclose(oracle.predict_x0(x_t, t), atol=1e-9)


def test_its_error_is_the_smallest():
    """The posterior mean beats both the nearest picture and the average of all, on average over noise."""
    oracle, t, n = IdealDenoiser(data(), SCHEDULE), 75, 2000
    which = torch.randint(7, (n,), generator=torch.Generator().manual_seed(1))
    x0 = data()[which]
    x_t = SCHEDULE.add_noise(x0, t, torch.randn(x0.shape, generator=torch.Generator().manual_seed(2), dtype=x0.dtype))

    def error(x0_hat):
        return (x0_hat - x0).square().mean()

    best = error(oracle.predict_x0(x_t, t))
    assert best < 0.95 * error(data()[oracle.posterior(x_t, t).argmax(1)])
    assert best < 0.95 * error(data().mean(0))


def test_bad_input_is_named():
    oracle = IdealDenoiser(data(), SCHEDULE)
    with pytest.raises(ValueError, match=r"x must have shape \(B, 3, 4, 4\), got \(2, 3, 5, 4\)"):
        oracle(torch.zeros(2, 3, 5, 4).double(), 1)
    with pytest.raises(ValueError, match="knows no classes"):
        oracle(data(), 1, torch.eye(7))
    assert oracle(data(), 1, torch.zeros(7, 5)).shape == data().shape  # all zeros means "no context"
    with pytest.raises(ValueError, match="t must be a whole number from 1 to 100, got 101"):
        oracle(data(), 101)
    with pytest.raises(ValueError, match=r"x must be torch.float64 on cpu, got torch.float32"):
        oracle(data().float(), 1)
    with pytest.raises(ValueError, match=r"data must have shape \(N, …\), got \(7,\)"):
        IdealDenoiser(torch.ones(7), SCHEDULE)


def test_half_precision_does_not_overflow():
    """A logit is a squared distance over a tiny variance, far beyond what 16 bits can hold."""
    schedule, eps = linear_schedule(500), torch.randn((9, 3, 16, 16), generator=torch.Generator().manual_seed(0)).half()
    pictures = torch.rand(eps.shape, generator=torch.Generator().manual_seed(1)).half() * 2 - 1
    oracle, x_t = IdealDenoiser(pictures, schedule), schedule.add_noise(pictures, 1, eps)
    assert oracle.posterior(x_t, 1).argmax(1).tolist() == list(range(9))
    assert oracle.predict_x0(x_t, 1).dtype == oracle(x_t, 1).dtype == torch.float16
    assert torch.equal(oracle.predict_x0(x_t, 1), pictures)
