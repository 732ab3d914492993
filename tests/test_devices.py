"""Devices without float64, such as Apple's MPS, and what old versions of torch lack there: an emulation on the CPU."""

import math

import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

from course_utils import (
    ContextUnet,
    FromV,
    FromX0,
    GaussianDenoiser,
    MixtureDenoiser,
    NoiseSchedule,
    clean_share,
    clipped,
    clipped_snr,
    composed,
    context_accuracy,
    cosine_schedule,
    coverage,
    ddpm_step,
    diffusion_loss,
    dpm_solver,
    frechet_distance,
    guided,
    load_classifier,
    nearest,
    recall,
    sample,
    sample_ddim,
    sample_ddpm,
    sample_dpm,
    slerp,
    train,
)
from course_utils.quality.metrics import measure
from course_utils.training.loop import ADAMW, PLAIN_ADAM, has_bfloat16

MPS, CPU = torch.device("mps"), torch.device("cpu")
MOVES = {torch.Tensor.to, torch.Tensor.copy_, torch.Tensor.__getitem__, torch.Tensor.device.__get__}


class Distant(torch.Tensor):
    """Numbers that pretend to be on a device without float64. They are on the CPU."""

    __torch_function__ = torch._C._disabled_torch_function_impl


def distant(x):
    if x.dtype == torch.float64:
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64")
    return x if isinstance(x, Distant) else x.as_subclass(Distant)


def near(x):
    return x.as_subclass(torch.Tensor) if isinstance(x, Distant) else x


class WithoutDoubles(TorchFunctionMode):
    """What the device does: it has no float64, keeps its tensors apart from those of the CPU, and can be named.

    It sees what is called, not what PyTorch calls in turn.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
        here = any(isinstance(x, Distant) for x in tensors)
        if here and func == torch.Tensor.device.__get__:  # Python makes a new one whenever it is asked
            return MPS
        if here and func is torch.Tensor.__deepcopy__:
            with self:
                return again(*args)
        if func not in MOVES and here and any(x.ndim and not isinstance(x, Distant) for x in tensors):
            raise RuntimeError(f"{func.__name__}: expected all tensors to be on the same device")
        goes = arrives(func, args, kwargs, here)
        args, kwargs = tree_map(
            lambda x: CPU if isinstance(x, torch.device | str) and x in (MPS, "mps") else x, (args, kwargs)
        )
        result = func(*args, **kwargs)
        if here and func is torch.Tensor.to and result.dtype == torch.float64:
            distant(result)  # the cast comes before the move
        return tree_map(lambda x: (distant if goes else near)(x) if isinstance(x, torch.Tensor) else x, result)


def arrives(func, args, kwargs, here):
    """Whether the result of a call is on the device."""
    if func is torch.Tensor.cpu:
        return False
    if func is torch.Tensor.to and isinstance(args[-1], torch.Tensor) and len(args) == 2:
        return isinstance(args[1], Distant)
    named = [
        x for x in (*args, *kwargs.values()) if isinstance(x, torch.device | str) and x in (CPU, "cpu", MPS, "mps")
    ]
    return named[0] in (MPS, "mps") if named else here


def again(x, memo):
    twin = x.detach().clone()
    memo[id(x)] = nn.Parameter(twin, x.requires_grad) if isinstance(x, nn.Parameter) else twin
    return memo[id(x)]


def moved(module):
    """The module, on the device."""
    for part in module.modules():
        for name, x in part._parameters.items():
            if x is not None:
                part._parameters[name] = nn.Parameter(distant(x.detach().clone()), x.requires_grad)
        for name, x in part._buffers.items():
            part._buffers[name] = distant(x.detach().clone())
    return module


@pytest.fixture(autouse=True)
def mps():
    with WithoutDoubles():
        yield


T = 12
SCHEDULE = cosine_schedule(T)
X = torch.linspace(-1, 1, 4 * 3 * 16 * 16).sin().view(4, 3, 16, 16)
EPS, C = X.flip(0).cos(), torch.eye(5)[:4]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def on_device(*tensors):
    return [x.to(MPS) for x in tensors]


def network():
    torch.manual_seed(0)
    return ContextUnet(n_features=8)


def arrived(x, expected):
    assert x.device == MPS
    assert torch.allclose(x.cpu(), expected, atol=1e-5)


def test_the_emulation_has_no_float64_and_keeps_its_tensors_apart():
    (x,) = on_device(X)
    for wrong in (
        x.double,
        lambda: x.to(torch.float64),
        lambda: x.to("cpu", torch.float64),
        lambda: X.double().to(MPS),
        lambda: torch.zeros(2, dtype=torch.float64, device=x.device),
        lambda: x.flatten(1).double(),
    ):
        with pytest.raises(TypeError, match="Cannot convert a MPS Tensor to float64"):
            wrong()
    with pytest.raises(RuntimeError, match="same device"):
        x + X
    assert x.cpu().double().device == CPU
    assert [y.device for y in (x.to("cpu"), X.to(x), X.to(x.device), x + 1, torch.ones(2, device=MPS))] == [
        CPU,
        *[MPS] * 4,
    ]


def test_slerp_goes_along_the_same_arc():
    arrived(slerp(*on_device(X, EPS), 0.3), slerp(X, EPS, 0.3))


def test_a_schedule_can_be_made_there_and_its_tables_are_looked_up():
    schedule = NoiseSchedule(*on_device(SCHEDULE.beta[1:].float()))
    x, eps, t = on_device(X, EPS, torch.tensor([1, 3, 7, T]))
    arrived(schedule.add_noise(x, t, eps), SCHEDULE.add_noise(X, t.cpu(), EPS))
    arrived(SCHEDULE.predict_x0(x, t, eps), SCHEDULE.predict_x0(X, t.cpu(), EPS))


@pytest.mark.parametrize(
    "draw",
    [
        lambda model, x, c: [*sample(model, x, SCHEDULE.timesteps(4), SCHEDULE, c=c)][-1].x,
        lambda model, x, c: [*sample(model, x, [T, T - 1, T - 2], SCHEDULE, ddpm_step, c, seeded())][-1].x,
        lambda model, x, c: [*dpm_solver(model, x, SCHEDULE.timesteps(4), SCHEDULE, c)][-1].x,
        lambda model, x, c: [*sample(clipped(model, SCHEDULE), x, [T, 4, 0], SCHEDULE, c=c)][-1].x,
        lambda model, x, c: [*sample(guided(model, 2), x, [T, 4, 0], SCHEDULE, c=c)][-1].x,
        lambda model, x, c: [*sample(composed(model, [2]), x, [T, 4, 0], SCHEDULE, c=c[:, None])][-1].x,
    ],
    ids=["DDIM", "DDPM", "DPM-Solver", "clipped", "guided", "composed"],
)
@pytest.mark.parametrize("adapter", [FromV, FromX0, lambda model, schedule: model])
def test_batches_are_walked_there(draw, adapter):
    model = adapter(network(), SCHEDULE)
    expected = draw(model, X, C)
    arrived(draw(moved(model), *on_device(X, C)), expected)


@pytest.mark.parametrize("draw", [sample_ddim, sample_ddpm, sample_dpm])
def test_a_generator_of_the_device_decides_where_samples_are_drawn(draw):
    class Source(torch.Generator):
        device = MPS

    drawn = draw(moved(network()), (4, 3, 16, 16), SCHEDULE, 4, *on_device(C), generator=Source().manual_seed(0))
    arrived(drawn, draw(network(), (4, 3, 16, 16), SCHEDULE, 4, C, generator=seeded()))


def test_oracles_answer_there():
    points, t = torch.eye(3), torch.tensor([1, 5, T])
    there = on_device(points)[0]
    gaussian, mixture = GaussianDenoiser(points[0], points[0] + 1, SCHEDULE), MixtureDenoiser(points, SCHEDULE, 0.1)
    arrived(GaussianDenoiser(there[0], there[0] + 1, SCHEDULE)(there, t), gaussian(points, t))
    far = MixtureDenoiser(there, SCHEDULE, 0.1)
    arrived(far(there, t), mixture(points, t))
    arrived(far.draw(5, seeded()), mixture.draw(5, seeded()))


@pytest.mark.parametrize("weight", [None, clipped_snr(SCHEDULE)])
def test_the_loss_is_the_same_there(weight):
    expected = diffusion_loss(network(), X, C, SCHEDULE, weight, seeded())
    arrived(diffusion_loss(moved(network()), *on_device(X, C), SCHEDULE, weight, seeded()), expected)


@pytest.mark.parametrize("optimization", [ADAMW, PLAIN_ADAM])
def test_a_network_is_trained_there_and_the_run_goes_on_from_its_state(optimization):
    def run(model, state=None):
        return train(
            FromV(model, SCHEDULE), X, C, SCHEDULE, steps=6, batch_size=4, weight=clipped_snr(SCHEDULE),
            optimization=optimization, generator=seeded(), state=state,
        )  # fmt: skip

    expected = [progress.loss for progress in run(network())]
    model = moved(network())
    progress = [(step.loss, step.state() if step.step == 3 else None) for step in run(model)]
    assert all(x.device == MPS for x in model.parameters())
    assert [loss for loss, _ in progress] == pytest.approx(expected, rel=0.05)
    rest = [step.loss for step in run(moved(network()), progress[2][1])]
    assert rest == [loss for loss, _ in progress[3:]]


def test_metrics_are_the_same_there():
    judge = load_classifier()
    features, others = judge.features(X), judge.features(EPS)
    far = on_device(features, others)
    assert frechet_distance(*far) == frechet_distance(features, others)
    assert recall(*far, 2) == recall(features, others, 2)
    arrived(nearest(*on_device(X, EPS))[0], nearest(X, EPS)[0])
    expected = measure(judge, X, C, EPS, EPS)
    images, contexts, real = on_device(X, C, EPS)
    judge = moved(judge)
    assert measure(judge, images, contexts, real, real) == pytest.approx(expected)
    assert context_accuracy(judge, images, contexts) == expected.context_accuracy
    assert (clean_share(judge, images), coverage(judge, images)) == (expected.clean_share, expected.coverage)


def test_autocast_is_not_asked_about_devices_without_bfloat16(monkeypatch):
    """Old versions of torch raise for a device that they do not know, even if nothing is to be cast."""

    class Old(torch.autocast):
        def __init__(self, device_type, *given, **named):
            if device_type not in ("cpu", "cuda"):
                raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
            super().__init__(device_type, *given, **named)

    monkeypatch.setattr(torch, "autocast", Old)
    assert not has_bfloat16(MPS)
    (step,) = train(moved(network()), X, C, SCHEDULE, steps=1, batch_size=2, generator=seeded())
    assert math.isfinite(step.loss)


def test_adamw_is_fused_only_where_every_torch_can_do_it():
    for device, fused in (("cpu", True), ("meta", None)):
        optimizer = ADAMW.optimizer(iter([nn.Parameter(torch.zeros(2, device=device))]), 0.1)
        assert optimizer.param_groups[0]["fused"] == fused
        assert optimizer.param_groups[0]["betas"] == (0.9, 0.99)
        assert optimizer.param_groups[0]["lr"] == 0.1
