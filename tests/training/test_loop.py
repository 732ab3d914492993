"""The training loop, on a task that is small enough to learn at once."""

import copy
import io
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from course_utils import (
    FromV,
    FromX0,
    diffusion_loss,
    drop_context,
    linear_schedule,
    train,
)
from course_utils.diffusion.losses import denoising_loss, draw_times_and_noise
from course_utils.diffusion.models import TrainedModel
from course_utils.training import loop
from course_utils.training.loop import has_bfloat16

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


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_part_of_the_images_is_shown_without_context(share):
    model, shown = Small(), []
    model.register_forward_pre_hook(lambda module, given: shown.append(given[2].any(dim=1)))
    for _ in run(model, steps=40, context_dropout=share):
        pass
    told = torch.cat(shown).float()
    assert len(told) == 40 * 32
    assert abs(1 - told.mean().item() - share) <= 4 * (share * (1 - share) / len(told)) ** 0.5


@pytest.mark.parametrize("weight", [None, 1 / SCHEDULE.alpha_bar])
def test_it_learns(weight):
    model = FromV(Small(), SCHEDULE)
    losses = [progress.loss for progress in run(model, steps=400, learning_rate=1e-2, weight=weight)]
    assert sum(losses[-50:]) < 0.6 * sum(losses[:50])


def test_another_loss_is_told_everything_and_its_value_is_reported():
    told, weight = [], torch.linspace(1, 2, 51)

    def loss(*question):
        told.append(question)
        model, x0, t, eps, c, schedule, weight = question
        return 3 * denoising_loss(model, x0, t, eps, c, schedule, weight) + 1

    model, generator = Small(), seeded(0)
    for progress in run(model, steps=3, weight=weight, loss=loss):
        assert len(told) == progress.step
        rows = torch.randint(100, (32,), generator=generator)
        c = drop_context(CONTEXTS[rows], 0.1, generator)
        t, eps = draw_times_and_noise(POINTS[rows], SCHEDULE, generator)
        asked, x0, times, noise, contexts, schedule, table = told[-1]
        for found, expected in ((x0, POINTS[rows]), (times, t), (noise, eps), (contexts, c)):
            assert torch.equal(found, expected)
        assert asked is model
        assert schedule is SCHEDULE
        assert table is weight
        assert progress.loss > 1


def test_the_loss_is_that_of_algorithm_1_unless_another_is_given():
    models = [Small(), Small(), Small()]
    losses = [
        [progress.loss for progress in run(model, **arguments)]
        for model, arguments in zip(
            models,
            ({}, {"loss": denoising_loss}, {"loss": lambda *question: 2 * denoising_loss(*question)}),
            strict=True,
        )
    ]
    assert losses[0] == losses[1]
    assert losses[2][0] == pytest.approx(2 * losses[0][0], rel=1e-6)
    assert torch.equal(models[0].layers[0].weight, models[1].layers[0].weight)


def test_with_a_loss_of_its_own_any_module_learns():
    """Here one number, which is no model: what the loss makes of it is all that counts."""
    one = Holds(mean=Knows(n_context=7))  # its contexts are not asked about
    before = one.mean.weight.item()

    def loss(module, x0, t, eps, c, schedule, weight):
        return (module.mean.weight - x0.std()).square()

    losses = [progress.loss for progress in run(one, steps=200, learning_rate=0.03, loss=loss)]
    assert before == 1
    assert one.mean.weight.item() == pytest.approx(POINTS.std().item(), abs=0.03)
    assert losses[-1] < 0.1 * losses[0]


def test_a_seed_gives_the_same_weights_again_and_another_one_others():
    models = [Small(), Small(), Small()]
    for model, seed in zip(models, (0, 0, 1), strict=True):
        *_, end = run(model, seed=seed)
        assert end.step == 30
    first, again, other = (model.layers[0].weight for model in models)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_step_is_that_of_adamw_on_clipped_gradients(monkeypatch):
    """The same run, written out with another optimiser: the one that is not fused."""
    monkeypatch.setattr(loop, "has_bfloat16", lambda device: False)
    model, other = Small(), Small()
    optimizer = torch.optim.AdamW(other.parameters(), betas=(0.9, 0.99), weight_decay=0.01, eps=1e-8, fused=False)
    generator = seeded(0)
    for progress in run(model, steps=40, learning_rate=1e-2):
        rows = torch.randint(100, (32,), generator=generator)
        c = drop_context(CONTEXTS[rows], 0.1, generator)
        loss = diffusion_loss(other, POINTS[rows], c, SCHEDULE, None, generator)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(other.parameters(), 1.0)
        optimizer.param_groups[0]["lr"] = 1e-2 * loop.warm_up_and_cosine(progress.step - 1, 40)
        optimizer.step()
        assert progress.loss == pytest.approx(loss.item(), rel=1e-4)
    for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-5)


@pytest.mark.parametrize("own", [True, False])
def test_a_run_goes_on_from_its_state_as_if_it_had_never_stopped(own):
    def start(model, state=None):
        torch.manual_seed(5)
        generator = seeded(7) if own else None
        return train(
            model, POINTS, CONTEXTS, SCHEDULE, steps=30, batch_size=32, generator=generator, state=state
        )  # fmt: skip

    model, losses, file = Small(), [], io.BytesIO()
    for progress in start(model):
        losses.append(progress.loss)
        if progress.step == 12:
            kept = progress.state()
            torch.save(kept, file)
    file.seek(0)
    for state in (kept, kept, torch.load(file, weights_only=True)):  # twice: going on leaves the state as it was
        again = Small()
        with torch.no_grad():
            again.layers[0].weight.zero_()
        rest = list(start(again, state))
        assert [later.step for later in rest] == list(range(13, 31))
        assert [later.loss for later in rest] == losses[12:]
        for one, other in ((model, again), (progress.averaged, rest[-1].averaged)):
            for name, tensor in one.state_dict().items():
                assert torch.equal(tensor, other.state_dict()[name]), name
    assert list(start(Small(), progress.state())) == []


def test_a_state_of_another_run_is_refused():
    for progress in run(Small(), steps=3):
        state = progress.state()
    for wrong, message in (
        ({**state, "steps": 4}, "it is that of a run of 4 steps, not 3"),
        ({name: part for name, part in state.items() if name != "random"}, "random"),
        ({**state, "model": {"weight": torch.ones(2)}}, "state_dict"),
        ({}, "steps"),
        ("a file name", "string indices"),
    ):
        with pytest.raises(
            ValueError, match=rf"state must be what Progress\.state\(\) returned in such a run: .*{message}"
        ):
            run(Small(), steps=3, state=wrong)


@pytest.mark.parametrize(("first", "then", "after", "steps"), [(30, 12, 10, 12), (10, 25, 7, 25), (30, 5, 10, 10)])
def test_a_plan_may_shorten_or_lengthen_the_run(first, then, after, steps):
    """The last one finds that more steps are taken than there should be."""
    asked, rates = [], []

    def plan(done):
        asked.append(done)
        return first if done < after else then

    def rate(step, steps):
        rates.append((step, steps))
        return 1.0

    progress = list(run(Small(), steps=plan, optimization=loop.ADAMW._replace(learning_rate=rate)))
    assert asked == [*range(steps + 1)]
    assert [step.step for step in progress] == [*range(1, steps + 1)]
    assert [step.steps for step in progress] == [first if done < after else then for done in range(steps)]
    assert rates == [(step.step - 1, step.steps) for step in progress]


def test_a_plan_that_never_changes_is_a_number_of_steps():
    planned, fixed = list(run(Small(), steps=lambda done: 20)), list(run(Small(), steps=20))
    assert [step.loss for step in planned] == [step.loss for step in fixed]
    assert [step.steps for step in planned] == [step.steps for step in fixed] == [20] * 20
    assert (planned[-1].state()["steps"], fixed[-1].state()["steps"]) == (None, 20)


def test_a_run_with_a_plan_goes_on_from_its_state():
    def plan(done):
        return 30 if done < 15 else 20

    whole = [(step.loss, step.state()) for step in run(Small(), steps=plan)]
    rest = list(run(Small(), steps=plan, state=whole[11][1]))
    assert [step.step for step in rest] == [*range(13, 21)]
    assert [step.loss for step in rest] == [loss for loss, _ in whole[12:]]
    for other, state, message in (
        (20, whole[11][1], "it is that of a run of planned steps, not 20"),
        (plan, next(run(Small(), steps=3)).state(), "it is that of a run of 3 steps, not planned"),
    ):
        with pytest.raises(ValueError, match=message):
            run(Small(), steps=other, state=state)


@pytest.mark.parametrize("answer", [0, -1, 2.5, None, "3", True])
def test_a_plan_must_answer_with_a_number_of_steps(answer):
    steps = run(Small(), steps=lambda done: 5 if done < 2 else answer)
    assert [next(steps).step, next(steps).step] == [1, 2]
    with pytest.raises(ValueError, match=r"the answer of steps must be a whole number of at least 1, got "):
        next(steps)


class Knows(nn.Module):
    """A model that says how long its contexts are."""

    def __init__(self, **arguments):
        super().__init__()
        self.arguments, self.weight = arguments, nn.Parameter(torch.ones(()))

    def forward(self, x, t, c=None):
        return self.weight * x


class Holds(nn.Module):
    """A model that holds another one, as `network` or `model`."""

    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x, t, c=None):
        return next(self.children())(x, t, c)


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda model: model,
        lambda model: Holds(network=model),
        lambda model: Holds(model=model),
        lambda model: Holds(model=Holds(network=model)),
        lambda model: FromV(model, SCHEDULE),
        lambda model: TrainedModel(FromV(model, SCHEDULE)),
    ],
)
def test_contexts_have_the_length_that_the_model_knows(wrapped):
    (step,) = run(wrapped(Knows(n_context=2)), steps=1)
    assert step.step == 1
    with pytest.raises(ValueError, match=r"contexts must have shape \(100, 5\), got \(100, 2\)"):
        run(wrapped(Knows(n_context=5)))
    for silent in (Knows(), Knows(n_features=8), Small()):
        assert next(run(wrapped(silent))).step == 1


def test_pictures_without_classes_are_told_what_no_context_is():
    for model, n_context in ((Small(), "n_context"), (Knows(n_context=2), "2")):
        hint = rf'contexts .*got \(100, 0\), .*: give torch\.zeros\(100, {n_context}\), which means "no context"$'
        with pytest.raises(ValueError, match=hint):
            train(model, POINTS, CONTEXTS[:, :0], SCHEDULE, steps=1)
    assert next(train(Small(), POINTS, torch.zeros(100, 2), SCHEDULE, steps=1, batch_size=4)).step == 1


def test_a_loaded_model_says_how_it_can_learn_again():
    model = Small().eval().requires_grad_(False)
    with pytest.raises(ValueError, match=r"model\.requires_grad_\(True\) thaws one that was loaded"):
        run(model)
    before = copy.deepcopy(model.layers[0].weight)
    model.layers[2].requires_grad_(True)
    *_, end = run(model)
    assert torch.equal(model.layers[0].weight, before)
    assert not torch.equal(end.averaged.layers[2].weight, Small().layers[2].weight)


def test_the_model_trains_in_its_training_mode_and_the_average_is_for_drawing():
    model = Small().eval()
    for progress in run(model, steps=2):
        assert model.training
        assert not progress.averaged.training


def test_processes_share_the_rows_and_report_the_loss_of_all():
    """What Accelerate is asked for; with two real processes `test_recipe` sees that it does it."""
    prepared, reduced = [], []

    def prepare_model(model):
        prepared.append(model)
        return model

    def reduce(loss, how):
        assert how == "mean"
        reduced.append(loss.item())
        return loss + 1

    shares = []
    for index in range(2):
        engine = SimpleNamespace(
            num_processes=2, process_index=index, prepare_model=prepare_model, reduce=reduce
        )  # fmt: skip
        model = Small()
        first = next(run(model, accelerator=engine))
        assert prepared.pop() is model
        assert first.loss == pytest.approx(reduced[-1] + 1)
        shares.append(reduced.pop())
    assert next(run(Small())).loss == pytest.approx(sum(shares) / 2, rel=1e-2)
    assert shares[0] != shares[1]
    with pytest.raises(ValueError, match="batch_size must be a multiple of the 3 processes, got 32"):
        run(Small(), accelerator=SimpleNamespace(num_processes=3, process_index=0))


def test_the_average_is_an_average_of_weights_and_buffers():
    """It is updated in every step, and with the weights as they are after it."""
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
    rates = [loop.warm_up_and_cosine(step, steps) for step in range(steps)]
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
        average = loop.growing_ema(average, torch.full_like(average, step), step - 1)
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
    monkeypatch.setattr(loop, "has_bfloat16", lambda device: available)
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
        ({"contexts": CONTEXTS.double()}, "contexts must be torch.float32, as images are, got torch.float64"),
        ({"generator": 0}, "generator must be a torch.Generator, got 0"),
        ({"steps": 0}, "steps must be a whole number of at least 1"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1"),
        ({"learning_rate": 0.0}, r"learning_rate must be a number in \(0, ∞\)"),
        ({"context_dropout": 1.5}, r"context_dropout must be a number in \[0, 1\], got 1.5"),
        ({"weight": torch.ones(50)}, r"weight must be a .* table of T \+ 1 = 51 numbers, got torch.float32 \(50,\)"),
        ({"weight": torch.ones(52)}, r"weight must be a .* table of T \+ 1 = 51 numbers, got torch.float32 \(52,\)"),
    ],
)
def test_bad_input_is_named_before_the_first_step(changed, message):
    arguments = {"images": POINTS, "contexts": CONTEXTS, "schedule": SCHEDULE, "steps": 3, **changed}
    with pytest.raises(ValueError, match=message):
        train(Small(), **arguments)


def test_the_value_of_another_loss_is_asked_about_too():
    steps = run(Small(), loss=lambda model, x0, *_: model(x0, torch.ones(len(x0))).sum() * torch.nan)
    with pytest.raises(ValueError, match="the loss became nan at step 1: a smaller learning_rate may help"):
        next(steps)


def test_a_loss_that_bursts_is_named():
    steps = run(Small(), weight=torch.full((51,), torch.inf))
    with pytest.raises(ValueError, match="the loss became inf at step 1"):
        next(steps)
