"""The loss against its formula, and the loop on a task that is small enough to learn at once."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from course_utils import FromV, FromX0, diffusion_loss, drop_context, linear_schedule, train, training
from course_utils.training import has_bfloat16

SCHEDULE = linear_schedule(50)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


class Small(nn.Module):
    """Eight numbers that know two points in the plane; its buffer counts calls."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(5, 32), nn.SiLU(), nn.Linear(32, 2))
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x, t, c=None):
        self.calls += 1
        c = torch.zeros(len(x), 2) if c is None else c
        return self.layers(torch.cat([x, t[:, None] / 50, c], dim=1))


POINTS, CONTEXTS = torch.tensor([[1.0, -0.5], [-1.0, 0.5]]).repeat(50, 1), torch.eye(2).repeat(50, 1)


def run(model, steps=30, seed=0, **arguments):
    return train(
        model, POINTS, CONTEXTS, SCHEDULE, steps=steps, batch_size=32, generator=seeded(seed), **arguments
    )  # fmt: skip


def test_the_loss_is_its_formula():
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


@pytest.mark.parametrize("weight", [None, 1 / SCHEDULE.alpha_bar])
def test_it_learns(weight):
    model = FromV(Small(), SCHEDULE)
    losses = [progress.loss for progress in run(model, steps=400, learning_rate=1e-2, weight=weight)]
    assert sum(losses[-50:]) < 0.6 * sum(losses[:50])


def test_a_seed_gives_the_same_weights_again_and_another_one_others():
    models = [Small(), Small(), Small()]
    for model, seed in zip(models, (0, 0, 1), strict=True):
        *_, end = run(model, seed=seed)
        assert end.step == 30
    first, again, other = (model.layers[0].weight for model in models)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_average_is_an_average_of_weights_and_buffers():
    model, average, count = Small(), None, 0
    for progress in run(model):
        new = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        if average is None:
            average = new
        else:
            count += 1
            share = max(0.001, 9 / (10 + count))
            average = {name: (1 - share) * average[name] + share * new[name] for name in new}
        for name, tensor in progress.averaged.state_dict().items():
            assert torch.allclose(tensor, average[name], atol=1e-5), name
    assert not torch.equal(progress.averaged.layers[0].weight, model.layers[0].weight)


def test_the_learning_rate_rises_and_falls():
    model, moves = Small(), []
    before = copy.deepcopy(model.layers[0].weight)
    for _ in run(model, steps=200):
        moves.append((model.layers[0].weight - before).abs().max().item())
        before = model.layers[0].weight.detach().clone()
    assert moves[0] < 0.3 * max(moves)
    assert moves[-1] < 0.02 * max(moves)


@given(st.integers(1, 3000))
def test_the_learning_rate_rises_over_a_twentieth_and_falls_to_nearly_zero(steps):
    rates = [training._learning_rate(step, steps) for step in range(steps)]
    top = rates.index(max(rates))
    assert top <= 0.05 * steps + 1
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    if steps >= 100:
        assert rates[top] > 0.98
        assert rates[steps // 2] == pytest.approx(0.5, abs=0.01)
        assert rates[-1] < 0.001


@pytest.mark.parametrize(("n", "age"), [(100, 10), (1000, 100), (5000, 500), (20_000, 1000)])
def test_the_average_is_a_tenth_of_the_run_old_and_never_much_more_than_1000_steps(n, age):
    average = torch.ones(1, dtype=torch.float64)
    for step in range(2, n + 1):  # an average of the numbers of the steps
        average = training._forgetful_average(average, torch.full_like(average, step), step - 1)
    assert n - average.item() == pytest.approx(age, rel=0.1)


def test_a_counter_is_not_averaged():
    model = Small()
    model.calls = model.calls.long()
    *_, end = run(model, steps=12)
    assert end.averaged.calls == 12


def test_gradients_are_clipped(monkeypatch):
    norms, clip = [], nn.utils.clip_grad_norm_

    def spy(parameters, max_norm):
        parameters = list(parameters)
        clip(parameters, max_norm)
        norms.append(torch.stack([p.grad.norm() for p in parameters]).norm().item())

    monkeypatch.setattr(nn.utils, "clip_grad_norm_", spy)
    for _ in run(Small(), steps=5, weight=torch.full((51,), 1e4)):
        pass
    assert len(norms) == 5
    assert all(0.9 < norm < 1.001 for norm in norms)


def test_half_precision_is_for_processors_that_have_it(monkeypatch):
    cpu = torch.device("cpu")
    for capabilities, has in (({}, False), ({"avx512_bf16": True}, True), ({"amx_bf16": True, "avx2": True}, True)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda given=capabilities: given, raising=False)
        assert has_bfloat16(cpu) == has
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not has_bfloat16(cpu)


@pytest.mark.parametrize("available", [True, False])
@pytest.mark.parametrize("adapter", [FromV, FromX0, lambda network, schedule: network])
def test_half_precision_stays_inside_the_network(adapter, available, monkeypatch):
    monkeypatch.setattr(training, "has_bfloat16", lambda device: available)
    network, inside = Small(), set()
    network.layers[0].register_forward_hook(lambda module, given, out: inside.add(out.dtype))
    for progress in run(adapter(network, SCHEDULE), steps=3):
        assert torch.isfinite(torch.tensor(progress.loss))
    assert inside == {torch.bfloat16 if available else torch.float32}
    assert {p.dtype for p in network.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"images": POINTS * torch.nan}, "images must be finite"),
        ({"contexts": CONTEXTS[:3]}, r"contexts must have shape \(100, n_context\), got \(3, 2\)"),
        ({"steps": 0}, "steps must be a whole number of at least 1"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"context_dropout": 1.5}, r"share must lie in \[0, 1\]"),
        ({"weight": torch.full((51,), torch.inf)}, "the loss became inf at step 1"),
    ],
)
def test_bad_input_is_named(changed, message):
    arguments = {"images": POINTS, "contexts": CONTEXTS, "schedule": SCHEDULE, "steps": 3, **changed}
    with pytest.raises(ValueError, match=message):
        next(train(Small(), **arguments))
