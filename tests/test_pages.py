"""What the pages of the site say is true: formulas, lists and numbers. How they look is tested in tests/browser."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
)
from running import PUBLIC_NAMES

import course_utils
from course_utils import (
    FromV,
    GaussianDenoiser,
    MixtureDenoiser,
    cosine_schedule,
    ddim_step,
    guided,
    linear_schedule,
)

ROOT = Path(__file__).parents[1]
SITE = ROOT / "site"
SCHEDULES = [linear_schedule(500), linear_schedule(1000), cosine_schedule(500)]


def words(path):
    """A page as one line, so that a sentence is found wherever its lines break."""
    return " ".join(path.read_text().split())


def test_reference_lists_every_public_name_in_order():
    listed = re.findall(r"^   ~([\w.]+)\.(\w+)$", (SITE / "api" / "index.md").read_text(), re.MULTILINE)
    assert [name for _, name in listed] == PUBLIC_NAMES
    for module, name in listed:
        assert getattr(importlib.import_module(f"course_utils.{module}"), name) is getattr(course_utils, name)


def test_reference_has_every_module():
    package = ROOT / "course_utils"
    internal = {
        "storage.files",
        "storage.folders",
        "training.cards",
        "training.machine",
        "training.state",
        "exercises.verdict",
    }
    paths = [path for path in package.glob("*/*.py") if path.parent.name != "sprites"]
    modules = {f"{path.parent.name}.{path.stem}" for path in paths if path.stem != "__init__"}
    modules |= {"sprites"}
    pages = "".join(path.read_text() for path in (SITE / "api").glob("*.md"))
    assert sorted(re.findall(r"automodule:: course_utils\.([\w.]+)", pages)) == sorted(modules - internal)


def test_landing_page_agrees_with_readme_and_project():
    landing = words(SITE / "index.md")
    rows = re.findall(
        r"^\| \[(\d\d) (.+?)\]\((notebooks/\S+?)\).*?\| (.+?) \|.*\| (\d+) \+ (\d+) \|$",
        (ROOT / "README.md").read_text(),
        re.MULTILINE,
    )
    assert len(rows) == len(list((ROOT / "notebooks").glob("*.ipynb")))
    for number, title, path, question, reading, exercises in rows:
        card = f"[{number} · {title}]({path}) {question} *{reading} minutes, and {exercises} for the exercises*"
        assert card in landing
        assert f"\n{path.removesuffix('.ipynb')}\n" in (SITE / "index.md").read_text()
    repository = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
    assert set(re.findall(r"https://github[^\s)`]+", landing)) == {repository}


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_score_is_the_best_guess_at_the_noise(schedule):
    means, std = torch.tensor([[-1.0, 0.5], [2.0, 0.0]], dtype=torch.float64), 0.3
    mixture, t = MixtureDenoiser(means, schedule, std=std), schedule.T // 3
    alpha_bar = schedule.alpha_bar[t]
    x_t = torch.randn((16, 2), generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    variance = alpha_bar * std**2 + 1 - alpha_bar
    distance = (x_t[:, None] - alpha_bar.sqrt() * means).square().sum(-1)
    (score,) = torch.autograd.grad(torch.logsumexp(-distance / (2 * variance), dim=1).sum(), x_t)
    eps = mixture(x_t.detach(), t)
    torch.testing.assert_close(score, -eps / (1 - alpha_bar).sqrt())
    tweedie = (x_t.detach() + (1 - alpha_bar) * score) / alpha_bar.sqrt()
    torch.testing.assert_close(tweedie, schedule.predict_x0(x_t.detach(), t, eps))


def test_chain_and_continuous_time_nearly_agree():
    schedule, s = linear_schedule(1000), torch.arange(1001, dtype=torch.float64) / 1000
    difference = (schedule.alpha_bar - torch.exp(-0.1 * s - 19.9 / 2 * s**2)).abs().max()
    assert 0.0005 < difference < 0.001
    assert "for $T = 1000$ the two $\\bar\\alpha_t$ differ by less than 0.001" in words(SITE / "notation.md")


@pytest.mark.parametrize("T", [300, 500, 1000])
def test_linear_schedule_is_divided_by_T(T):
    t = torch.arange(1, T + 1, dtype=torch.float64)
    beta = 1000 / T * (1e-4 + (0.02 - 1e-4) * (t - 1) / (T - 1))
    torch.testing.assert_close(linear_schedule(T).beta[1:], beta)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_edm_sees_the_same_in_other_coordinates(schedule):
    generator = torch.Generator().manual_seed(1)
    x0, eps = torch.randn((2, 8, 3), generator=generator, dtype=torch.float64)
    t, t_prev = schedule.T - 3, schedule.T // 2
    sigma, alpha_bar = schedule.snr**-0.5, schedule.alpha_bar
    torch.testing.assert_close(sigma, ((1 - alpha_bar) / alpha_bar).sqrt())
    torch.testing.assert_close(alpha_bar, 1 / (1 + sigma**2))
    torch.testing.assert_close(schedule.add_noise(x0, t, eps) / alpha_bar[t].sqrt(), x0 + sigma[t] * eps)

    model = GaussianDenoiser(torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64) / 2, schedule)
    x_t = schedule.add_noise(x0, t, eps)
    eps_hat, x = model(x_t, t), x_t / alpha_bar[t].sqrt()
    denoised = schedule.predict_x0(x_t, t, eps_hat)
    torch.testing.assert_close(eps_hat, (x - denoised) / sigma[t])
    euler = x + (sigma[t_prev] - sigma[t]) * (x - denoised) / sigma[t]
    torch.testing.assert_close(ddim_step(x_t, eps_hat, t, t_prev, schedule) / alpha_bar[t_prev].sqrt(), euler)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_flow_matching_sees_the_same_on_a_straight_path(schedule):
    generator = torch.Generator().manual_seed(3)
    x0, eps = torch.randn((2, 8, 3), generator=generator, dtype=torch.float64)
    sigma, alpha_bar = schedule.snr**-0.5, schedule.alpha_bar
    tau, length = 1 / (1 + schedule.snr**0.5), alpha_bar.sqrt() + (1 - alpha_bar).sqrt()
    torch.testing.assert_close(tau, sigma / (1 + sigma))
    torch.testing.assert_close(sigma, tau / (1 - tau))
    torch.testing.assert_close(alpha_bar, (1 - tau) ** 2 / ((1 - tau) ** 2 + tau**2))
    t, t_prev = schedule.T - 3, schedule.T // 2
    x_t = schedule.add_noise(x0, t, eps)
    torch.testing.assert_close(x_t / length[t], (1 - tau[t]) * x0 + tau[t] * eps)

    model = GaussianDenoiser(torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64) / 2, schedule)
    z, eps_hat = x_t / length[t], model(x_t, t)
    x0_hat = schedule.predict_x0(x_t, t, eps_hat)
    velocity = eps_hat - x0_hat
    torch.testing.assert_close(z - tau[t] * velocity, x0_hat)
    torch.testing.assert_close(z + (1 - tau[t]) * velocity, eps_hat)
    euler = z + (tau[t_prev] - tau[t]) * velocity
    torch.testing.assert_close(ddim_step(x_t, eps_hat, t, t_prev, schedule) / length[t_prev], euler)


def test_two_meanings_of_v_are_velocities_on_two_paths():
    generator = torch.Generator().manual_seed(4)
    x0, eps = torch.randn((2, 8, 3), generator=generator, dtype=torch.float64)
    angle, h = torch.arange(1, 8, dtype=torch.float64)[:, None, None] * torch.pi / 16, 1e-5
    signal, noise = angle.cos(), angle.sin()  # √ᾱ and √(1 − ᾱ)
    ahead, behind = ((angle + step).cos() * x0 + (angle + step).sin() * eps for step in (h, -h))
    v, velocity = signal * eps - noise * x0, (eps - x0).expand(7, -1, -1)
    torch.testing.assert_close((ahead - behind) / (2 * h), v, rtol=0, atol=1e-8)
    ahead, behind = ((1 - step) * x0 + step * eps for step in (0.6, 0.4))
    torch.testing.assert_close((ahead - behind) / 0.2, eps - x0)
    same_way = torch.nn.functional.cosine_similarity(v.flatten(1), velocity.flatten(1)) > 1 - 1e-9
    assert same_way.tolist() == [False, False, False, True, False, False, False]  # only where signal = noise
    torch.testing.assert_close(velocity[3], 2**0.5 * v[3])


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_noise_picture_and_v_give_each_other(schedule):
    generator = torch.Generator().manual_seed(2)
    x0, eps = torch.randn((2, 8, 3), generator=generator, dtype=torch.float64)
    t = torch.full((8,), schedule.T // 2)
    signal, noise = schedule.alpha_bar[t[0]].sqrt(), (1 - schedule.alpha_bar[t[0]]).sqrt()
    x_t, v = schedule.add_noise(x0, t, eps), signal * eps - noise * x0
    torch.testing.assert_close(schedule.predict_x0(x_t, t, eps), x0)
    torch.testing.assert_close(signal * v + noise * x_t, eps)
    torch.testing.assert_close(signal * x_t - noise * v, x0)
    network = torch.nn.Module()
    network.forward = lambda x, t, c: v
    torch.testing.assert_close(FromV(network, schedule)(x_t, t), eps)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_letters_of_ddim_in_ours(schedule):
    alpha = schedule.alpha_bar  # what DDIM calls α
    before, now = alpha[:-1], alpha[1:]
    torch.testing.assert_close(1 - now / before, schedule.beta[1:])
    variance = (1 - before) / (1 - now) * (1 - now / before)  # its σ² at η = 1
    torch.testing.assert_close(variance, schedule.posterior_variance[1:])


def test_two_conventions_of_guidance():
    eps_c, eps_u, w = torch.tensor([[2.0]]), torch.tensor([[0.5]]), 3.0

    def model(x, t, c):
        return torch.where(c.bool(), eps_c, eps_u)

    ours = guided(model, w)(torch.zeros(1, 1), torch.ones(1, dtype=torch.int64), torch.ones(1, 1))
    theirs = w - 1
    torch.testing.assert_close(ours, (1 + theirs) * eps_c - theirs * eps_u)


def test_names_and_counting_of_diffusers():
    schedule = linear_schedule(1000)
    torch.testing.assert_close(DDIMScheduler().alphas_cumprod.double(), schedule.alpha_bar[1:], rtol=1e-4, atol=0)
    small, large = DDPMScheduler(variance_type="fixed_small"), DDPMScheduler(variance_type="fixed_large")
    for t in (2, 500, 1000):
        assert small._get_variance(t - 1).item() == pytest.approx(schedule.posterior_variance[t].item(), rel=1e-3)
        assert large._get_variance(t - 1).item() == pytest.approx(schedule.beta[t].item(), rel=1e-3)
    x0, eps = torch.ones(1, 3), -torch.ones(1, 3)
    theirs = DDPMScheduler().add_noise(x0, eps, torch.tensor([499]))
    torch.testing.assert_close(theirs, schedule.add_noise(x0, 500, eps))


def test_sigmas_of_diffusers_are_of_three_kinds():
    schedule = linear_schedule(1000)
    sigma, alpha_bar = (schedule.snr**-0.5)[1:], schedule.alpha_bar[1:]
    solver, euler = DPMSolverMultistepScheduler(), EulerDiscreteScheduler()
    torch.testing.assert_close(solver.sigmas.double(), sigma, rtol=1e-3, atol=0)
    torch.testing.assert_close(euler.sigmas[:-1].flip(0).double(), sigma, rtol=1e-3, atol=0)
    torch.testing.assert_close(1 / (1 + sigma**2).sqrt(), alpha_bar.sqrt())
    torch.testing.assert_close(sigma / (1 + sigma**2).sqrt(), (1 - alpha_bar).sqrt())
    for theirs in ((solver.alpha_t, solver.sigma_t), solver._sigma_to_alpha_sigma_t(sigma)):
        torch.testing.assert_close(theirs[0].double(), alpha_bar.sqrt(), rtol=1e-3, atol=0)
        torch.testing.assert_close(theirs[1].double(), (1 - alpha_bar).sqrt(), rtol=1e-3, atol=0)
    assert not hasattr(DDIMScheduler(), "sigmas")

    x0, eps, flow = torch.ones(1, 3), -torch.ones(1, 3), FlowMatchEulerDiscreteScheduler()
    sigma, sigma_next = flow.sigmas[250:252]
    torch.testing.assert_close(flow.timesteps / 1000, flow.sigmas)
    x = flow.scale_noise(x0, flow.timesteps[250:251], eps)
    torch.testing.assert_close(x, (1 - sigma) * x0 + sigma * eps)
    stepped = flow.step(eps - x0, flow.timesteps[250], x).prev_sample
    torch.testing.assert_close(stepped, (1 - sigma_next) * x0 + sigma_next * eps)


def test_numbers_on_the_notation_page():
    page = words(SITE / "notation.md")
    sigma = linear_schedule(500).snr ** -0.5
    assert f"from {sigma[1]:.3f} to {sigma[500]:.0f};" in page
    assert f"about {round((cosine_schedule(500).snr[500] ** -0.5).item(), -3):,.0f}," in page
    left = linear_schedule(300, stated_for=300).alpha_bar[300]
    assert rf"leave $\bar\alpha_T \approx {left:.2f}$" in page
