"""The package's functions are those that the notebooks teach: on random input, each gives what the solution gives."""

import ast
import functools
from contextlib import suppress

import jupytext
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from running import code_cells
from test_notebooks import SOURCES, TEACHES, tags_of
from torch import nn

import course_utils
from course_utils import ContextUnet, FromV, NoiseSchedule, cosine_schedule, linear_schedule
from course_utils.networks.blocks import ResidualBlock, TimeEmbedding
from course_utils.training.loop import warm_up_and_cosine

DEFINITIONS, IMPORTS = ast.FunctionDef | ast.ClassDef, ast.Import | ast.ImportFrom


@functools.cache
def solutions():
    """What the cells with solutions define, as those who solved everything have it; no other line of them is run."""
    found = {}
    for path in SOURCES:
        names = {"torch": torch, "nn": nn, "F": F}
        for cell in code_cells(jupytext.read(path)):
            names = dict(names)  # a function keeps what it was defined with, whatever is imported later
            kept = IMPORTS if "exercise" in tags_of(cell) else IMPORTS | DEFINITIONS
            body = [node for node in ast.parse(cell.source).body if isinstance(node, kept)]
            with suppress(NameError):  # of a definition that uses what other lines have computed
                exec(compile(ast.Module(body, type_ignores=[]), str(path), "exec"), names)
            if "solution" in tags_of(cell):
                found |= {node.name: names[node.name] for node in body if isinstance(node, DEFINITIONS)}
    return found


def solution(name):
    return solutions()[name]


class Draw:
    """Random input of one seed: a schedule, batches in double precision, times, contexts and networks."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)
        T = self.whole(3, 60)
        self.schedule = (linear_schedule, cosine_schedule)[seed % 2](T)
        self.t = torch.randint(1, T + 1, (5,), generator=self.generator)
        self.step_t, self.seed = self.whole(2, T), seed
        self.t_prev = self.whole(0, self.step_t - 1)
        self.share = torch.rand((), generator=self.generator, dtype=torch.float64).item()

    def whole(self, low, high):
        return int(torch.randint(low, high + 1, (), generator=self.generator))

    def batch(self, *shape):
        return torch.randn(shape or (5, 3, 4, 4), generator=self.generator, dtype=torch.float64)

    def fresh(self):
        return torch.Generator().manual_seed(self.seed)

    def model(self):
        """Smooth in x, t and c, and different for each."""
        mix = self.batch(4, 48)

        def model(x, t, c=None):
            wish = 0 if c is None else (c @ mix).view_as(x)
            return (x + wish).sin() * (1 + t.view(-1, 1, 1, 1) / 60)

        return model

    def network(self, module):
        for parameter in module.double().parameters():
            parameter.data = 0.2 * self.batch(*parameter.shape)
        return module.eval().requires_grad_(False)


def of_block(draw):
    right = draw.network(ResidualBlock(8, 16, 6))
    theirs = solution("ResidualBlock")(8, 16, 6).double().eval()
    theirs.load_state_dict(right.state_dict())
    x, condition = draw.batch(2, 8, 3, 5), draw.batch(2, 6)
    return theirs(x, condition), right(x, condition)


def of_modulate(draw):
    """The package has it inside its block: with everything else taken away, this is what is left."""
    block, x, condition = draw.network(ResidualBlock(8, 8, 6)), draw.batch(2, 8, 3, 5), draw.batch(2, 6)
    seen = []
    block.norm2.register_forward_hook(lambda *given: seen.append(given[2]))
    block.conv2.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    block(x, condition)
    h, after_silu = seen
    return F.silu(solution("modulate")(h, condition, block.condition)), after_silu


def of_unet(draw):
    network, x, c = draw.network(ContextUnet(n_features=8)), draw.batch(2, 3, 8, 4), draw.batch(2, 5)
    t = draw.t[:2]
    condition = F.silu(network.embed_time(t) + network.embed_context(c))
    return solution("unet")(network, x, condition), network(x, t, c)


def of_sampling_loop(draw):
    model, x, times = draw.model(), draw.batch(), draw.schedule.timesteps(draw.schedule.T)
    *_, last = course_utils.sample(model, x, times, draw.schedule, course_utils.ddpm_step, generator=draw.fresh())
    return solution("sampling_loop")(model, x, draw.schedule, draw.fresh()), last.x


def of_loss(draw):
    network = draw.network(ContextUnet(n_features=8)).float()
    model, x0, c = FromV(network, draw.schedule), draw.batch().float(), draw.batch(5, 5).float()
    theirs = solution("diffusion_loss")(model, x0, c, draw.schedule, draw.fresh())
    return theirs, course_utils.diffusion_loss(model, x0, c, draw.schedule, generator=draw.fresh())


def of_training_loop(draw):
    """Against the loop of the package, with plain steps and the same batches."""
    images, contexts = draw.batch(40, 3).float(), draw.batch(40, 2).float()
    ours, theirs = nn.Linear(3, 3), nn.Linear(3, 3)
    theirs.load_state_dict(ours.state_dict())
    losses = course_utils.check_training_loop.right(
        ours, torch.optim.SGD(ours.parameters(), 0.1), zip(images.split(8), contexts.split(8), strict=True), squared
    )
    found = solution("training_loop")(
        theirs, torch.optim.SGD(theirs.parameters(), 0.1), zip(images.split(8), contexts.split(8), strict=True), squared
    )
    return torch.cat([torch.tensor(found), theirs.weight.flatten()]), torch.cat(
        [torch.tensor(losses), ours.weight.flatten()]
    )


def squared(model, x0, c):
    return (model(x0).sum(1) - c.sum(1)).square().mean()


def of_update_average(draw):
    """Against PyTorch's exponential moving average."""
    networks = [draw.network(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))) for _ in range(2)]
    average = torch.optim.swa_utils.AveragedModel(
        networks[0], avg_fn=lambda old, new, _: old.lerp(new, 1 - draw.share) if old.is_floating_point() else new
    )
    average.update_parameters(networks[0])  # the first only copies
    average.update_parameters(networks[1])
    solution("update_average")(networks[0], networks[1], draw.share)
    return tuple(torch.cat([p.flatten() for p in m.parameters()]) for m in (networks[0], average.module))


def of_composed(draw):
    model, x, contexts, scales = draw.model(), draw.batch(), draw.batch(5, 3, 4), draw.batch(3).tolist()
    theirs = solution("composed")(model, x, draw.t, list(contexts.unbind(1)), scales)
    return theirs, course_utils.composed(model, scales)(x, draw.t, contexts)


def of_slerp(draw):
    a, b = draw.batch(), draw.batch()
    return solution("slerp")(a, b, draw.share), course_utils.slerp(a, b, draw.share)


def step_arguments(draw):
    return draw.batch(), draw.batch(), draw.step_t


def of_ddim_step(draw):
    given = (*step_arguments(draw), draw.t_prev, draw.schedule, draw.share, draw.batch())
    return solution("ddim_step")(*given), course_utils.ddim_step(*given)


def of_ddpm_step(draw):
    x_t, eps, t = step_arguments(draw)
    z = draw.batch()
    theirs = solution("ddpm_step")(x_t, eps, t, t - 1, draw.schedule, z)
    return theirs, course_utils.ddpm_step(x_t, eps, t, t - 1, draw.schedule, noise=z)


def of_posterior_mean(draw):
    x_t, eps, t = step_arguments(draw)
    no_noise = torch.zeros_like(x_t)
    theirs = solution("posterior_mean")(x_t, eps, t, draw.schedule)
    return theirs, course_utils.ddpm_step(x_t, eps, t, t - 1, draw.schedule, noise=no_noise)


def of_guided(draw):
    model, x, c, w = draw.model(), draw.batch(), draw.batch(5, 4), 8 * draw.share
    return solution("guided")(model, w)(x, draw.t, c), course_utils.guided(model, w)(x, draw.t, c)


def of_drop_context(draw):
    c = draw.batch(50, 4)
    theirs = solution("drop_context")(c, draw.share, draw.fresh())
    return theirs, course_utils.drop_context(c, draw.share, draw.fresh())


def of_method(name):
    def compare(draw):
        x, other = draw.batch(), draw.batch()
        theirs = solution(name)(x, draw.t, other, draw.schedule)
        return theirs, getattr(draw.schedule, name)(x, draw.t, other)

    return compare


def of_gaussian_kl(draw):
    given = draw.batch(), draw.batch().exp(), draw.batch(), draw.batch().exp()
    return solution("gaussian_kl")(*given), course_utils.gaussian_kl(*given)


def of_bound_term(draw):
    """Both are told x̂_0; the package's own is told ε, and digits are lost on the way from one to the other."""
    x0, x_t, t = step_arguments(draw)
    given = (x0, draw.batch(), x_t, draw.batch().exp(), t, max(1, draw.t_prev), draw.schedule)
    return solution("bound_term")(*given), course_utils.check_bound_term.right(*given)


def of_best_variance(draw):
    x, _, t = step_arguments(draw)
    errors = draw.batch(draw.schedule.T + 1).exp()
    ours = course_utils.best_variance(errors)(x, x, t, draw.t_prev, draw.schedule)
    return solution("best_variance")(errors[t], t, draw.t_prev, draw.schedule).expand_as(ours), ours


PAIRS = {
    "alpha_bar": lambda draw: (
        solution("alpha_bar")(draw.schedule.beta),
        NoiseSchedule(draw.schedule.beta[1:]).alpha_bar,
    ),
    "beta_from_alpha_bar": lambda draw: (
        solution("beta_from_alpha_bar")(draw.schedule.alpha_bar),
        draw.schedule.beta,
    ),
    "add_noise": of_method("add_noise"),
    "predict_x0": of_method("predict_x0"),
    "posterior_mean": of_posterior_mean,
    "ddpm_step": of_ddpm_step,
    "sampling_loop": of_sampling_loop,
    "unet": of_unet,
    "time_embedding": lambda draw: (solution("time_embedding")(draw.t, 12), TimeEmbedding(12)(draw.t)),
    "modulate": of_modulate,
    "ResidualBlock": of_block,
    "diffusion_loss": of_loss,
    "training_loop": of_training_loop,
    "learning_rate": lambda draw: tuple(
        torch.tensor([rate(step, 50 + draw.seed) for step in range(50 + draw.seed)], dtype=torch.float64)
        for rate in (solution("learning_rate"), warm_up_and_cosine)
    ),
    "update_average": of_update_average,
    "drop_context": of_drop_context,
    "guided": of_guided,
    "composed": of_composed,
    "ddim_step": of_ddim_step,
    "timesteps": lambda draw: tuple(
        torch.tensor(times, dtype=torch.float64)
        for n in [draw.whole(1, draw.schedule.T)]
        for times in (solution("timesteps")(draw.schedule.T, n), draw.schedule.timesteps(n))
    ),
    "slerp": of_slerp,
    "gaussian_kl": of_gaussian_kl,
    "bound_term": of_bound_term,
    "best_variance": of_best_variance,
}
"""For each name that a notebook teaches, what the solution and the package make of the same random input."""


def test_everything_that_a_notebook_teaches_is_compared():
    assert set(PAIRS) == set().union(*TEACHES.values())


@pytest.mark.parametrize("name", PAIRS)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_the_package_does_what_the_notebook_teaches(name, seed):
    theirs, ours = PAIRS[name](Draw(seed))
    single = ours.dtype == torch.float32
    torch.testing.assert_close(theirs, ours, rtol=1e-4 if single else 1e-9, atol=1e-5 if single else 1e-9)
