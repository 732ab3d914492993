"""The network that knows how wrong it is: two in one, kept in one file, trained in one run."""

import math
from functools import partial

import pytest
import torch

from course_utils import (
    ContextUnet,
    FromX0,
    clipped_snr,
    cosine_schedule,
    ddpm_step,
    guided,
    load_model,
    sample,
    save_model,
    train,
)
from course_utils.diffusion.likelihood import hybrid_loss
from course_utils.diffusion.losses import denoising_loss
from course_utils.diffusion.posterior import learned_variance
from course_utils.networks.variance import UnetWithVariance
from course_utils.training import loop

SCHEDULE = cosine_schedule(50)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def network(**arguments):
    """A small one with random weights everywhere: in a fresh one some are zero."""
    torch.manual_seed(0)
    made = UnetWithVariance(n_features=8, **arguments)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    return made.eval()


X, T, C = torch.rand((4, 3, 8, 12), generator=seeded(1)) * 2 - 1, torch.tensor([1, 7, 25, 50]), torch.eye(5)[:4]


@torch.no_grad()
def test_it_answers_what_its_mean_answers():
    model = network()
    assert torch.equal(model(X, T, C), model.mean(X, T, C))
    assert torch.equal(model(X, T), model.mean(X, T))
    assert not torch.allclose(model(X, T), model(X, T, C))


@pytest.mark.parametrize("channels", [1, 3])
def test_its_error_sees_two_pictures_and_has_a_number_for_each_of_one(channels):
    model, x = network(in_channels=channels, n_context=2), X[:, :channels]
    assert model(x, T, C[:, :2]).shape == x.shape
    assert model.error(torch.cat([x, x], dim=1), T).shape == x.shape
    assert sum(p.numel() for p in model.error.parameters()) < 150_000


def test_the_mean_is_not_moved_by_what_the_error_learns():
    model = network()
    model(X, T, C).square().sum().backward()
    assert all(parameter.grad is None for parameter in model.error.parameters())
    assert all(parameter.grad is not None for parameter in model.mean.parameters())


def test_its_arguments_make_it_again():
    model = network(n_context=3, in_channels=1)
    again = UnetWithVariance(**model.arguments)
    again.load_state_dict(model.state_dict())
    assert torch.equal(again(X[:, :1], T), model(X[:, :1], T))


@torch.no_grad()
def test_it_comes_back_from_a_file_with_what_it_learned(tmp_path):
    model = FromX0(network(), SCHEDULE)
    save_model(tmp_path / "it.safetensors", model, SCHEDULE, classes=list("abcde"), shape=(3, 8, 12))
    loaded, schedule = load_model(tmp_path / "it.safetensors")
    assert isinstance(loaded.network, UnetWithVariance)
    assert torch.allclose(loaded(X, T, C), model(X, T, C), atol=0.05)  # half precision
    before, after = (learned_variance(m, schedule).share(X, 0.5 * X, T) for m in (model, loaded))
    assert torch.allclose(before, after, rtol=0.02)
    assert not torch.isclose(before, torch.ones(())).all()


@pytest.mark.parametrize("scale", [None, 2.0])
def test_its_variance_is_that_of_its_steps(scale):
    """The loop of the course draws with it, guided or not."""
    model = FromX0(network(), SCHEDULE)
    variance, times = learned_variance(model, SCHEDULE), SCHEDULE.timesteps(4)
    drawing, x = model if scale is None else guided(model, scale), torch.randn(X.shape, generator=seeded(2))
    step = partial(ddpm_step, variance=variance)
    *_, end = sample(drawing, x, times, SCHEDULE, step, C, seeded(3))
    *_, other = sample(drawing, x, times, SCHEDULE, ddpm_step, C, seeded(3))
    assert end.x.shape == X.shape
    assert end.x.isfinite().all()
    assert not torch.allclose(end.x, other.x)
    with torch.no_grad():
        first = step(x, drawing(x, torch.full((4,), 50), C), 50, times[1], SCHEDULE, noise=torch.ones_like(x))
        mean = step(x, drawing(x, torch.full((4,), 50), C), 50, times[1], SCHEDULE, noise=torch.zeros_like(x))
    sigma2 = (first - mean).square()
    beta = 1 - SCHEDULE.alpha_bar[50] / SCHEDULE.alpha_bar[times[1]]
    assert (sigma2.amin((1, 2, 3)) < 0.99 * sigma2.amax((1, 2, 3))).all()  # one for each number, not one for all
    assert ((sigma2 > 0.01 * beta) & (sigma2 < 100 * beta)).all()


@pytest.mark.parametrize("half", [False, True])
def test_one_run_trains_both_and_the_mean_as_if_it_were_alone(half, monkeypatch):
    """Where gradients are not clipped, which would be done to those of both together."""
    monkeypatch.setattr(loop, "has_bfloat16", lambda device: half)
    images, contexts = X.repeat(4, 1, 1, 1), C.repeat(4, 1)

    def hybrid(model, x0, t, eps, c, schedule, weight):
        return hybrid_loss(model, learned_variance(model, schedule), x0, t, eps, c, schedule, weight)

    ends, start = {}, FromX0(network(), SCHEDULE).state_dict()
    for loss in (hybrid, denoising_loss):
        model = FromX0(network(), SCHEDULE)
        for progress in train(
            model,
            images,
            contexts,
            SCHEDULE,
            steps=5,
            batch_size=8,
            weight=clipped_snr(SCHEDULE),
            optimization=loop.ADAMW._replace(max_norm=math.inf),
            loss=loss,
            generator=seeded(),
        ):
            assert math.isfinite(progress.loss)
        ends[loss] = model.state_dict()
    for name, begun in start.items():
        together, alone = ends[hybrid][name], ends[denoising_loss][name]
        if name.startswith("network.mean"):
            assert torch.equal(together, alone), name
        else:
            assert torch.equal(alone, begun), name  # a weight without a gradient stays as it is
    learned = [name for name, begun in start.items() if not torch.equal(ends[hybrid][name], begun)]
    assert any(name.startswith("network.mean") for name in learned)
    assert any(name.startswith("network.error") for name in learned)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_features": 12}, "n_features must be a multiple of 8, got 12"),
        ({"n_context": 0}, "n_context must be a whole number of at least 1, got 0"),
        ({"in_channels": 0}, "in_channels must be a whole number of at least 1, got 0"),
        ({"in_channels": None}, "in_channels must be a whole number of at least 1, got None"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        UnetWithVariance(**arguments)


def test_a_plain_network_has_no_variance():
    with pytest.raises(ValueError, match="model must have learned its variance"):
        learned_variance(FromX0(ContextUnet(n_features=8), SCHEDULE), SCHEDULE)
