"""What the pages of the site say is true: formulas, lists and numbers. How they look is tested in tests/browser."""

import importlib
import math
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
    fixed_large,
    fixed_small,
    guided,
    jump,
    linear_schedule,
    log_between,
    log_density,
    log_probability_of_level,
    step_term,
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


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_the_posterior_of_a_jump_is_two_bells_multiplied(schedule):
    x0, x_t = torch.randn((2, 8, 3), generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    t, t_prev = schedule.T // 2, schedule.T // 3
    ab, ab_prev = schedule.alpha_bar[t], schedule.alpha_bar[t_prev]
    beta = 1 - ab / ab_prev
    from_x0, from_x_t = 1 / (1 - ab_prev), (1 - beta) / beta  # how sure each is of x_{t'}: one over the variance
    mean = (from_x0 * ab_prev.sqrt() * x0 + from_x_t * x_t / (1 - beta).sqrt()) / (from_x0 + from_x_t)
    of_x0, of_x_t = ab_prev.sqrt() * beta / (1 - ab), (1 - beta).sqrt() * (1 - ab_prev) / (1 - ab)
    torch.testing.assert_close(of_x0 * x0 + of_x_t * x_t, mean)
    torch.testing.assert_close(beta * (1 - ab_prev) / (1 - ab), 1 / (from_x0 + from_x_t))
    step = jump(t, t_prev, schedule, x0)
    torch.testing.assert_close(step.of_x0 * x0 + step.of_x_t * x_t, mean)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_a_term_of_the_bound_in_three_letters(schedule):
    x0, eps, eps_hat = torch.randn((3, 8, 3), generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    for t, t_prev in ((schedule.T // 2, schedule.T // 3), (9, 8)):
        ab, ab_prev = schedule.alpha_bar[t], schedule.alpha_bar[t_prev]
        beta = 1 - ab / ab_prev
        small = beta * (1 - ab_prev) / (1 - ab)
        x_t = schedule.add_noise(x0, t, eps)
        x0_hat = schedule.predict_x0(x_t, t, eps_hat)
        first = ab_prev * beta**2 / (1 - ab) ** 2 * (x0 - x0_hat) ** 2
        for sigma2 in (small, beta, 0.7 * beta):
            term = (first / sigma2 + small / sigma2 - 1 - (small / sigma2).log()) / 2
            torch.testing.assert_close(step_term(x0, x_t, eps_hat, sigma2, t, t_prev, schedule), term)
        vdm = (schedule.snr[t_prev] - schedule.snr[t]) * (x0 - x0_hat) ** 2 / 2
        torch.testing.assert_close(step_term(x0, x_t, eps_hat, small, t, t_prev, schedule), vdm)
    ddpm = beta**2 / (2 * 0.7 * beta * schedule.alpha[t] * (1 - ab)) * (eps - eps_hat) ** 2
    torch.testing.assert_close(first / (2 * 0.7 * beta), ddpm)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_the_best_variance_by_three_errors(schedule):
    """In a Gaussian world, where all three are known: x_0 has the variance 0.3."""
    t, t_prev = schedule.T // 2, schedule.T // 3
    ab, ab_prev = schedule.alpha_bar[t], schedule.alpha_bar[t_prev]
    power = 0.3 * ab + 1 - ab  # of x_t
    error_of_x0, error_of_eps, answer = 0.3 * (1 - ab) / power, 0.3 * ab / power, (1 - ab) / power
    model = MixtureDenoiser(torch.zeros(1, 1, dtype=torch.float64), schedule, std=0.3**0.5)
    torch.testing.assert_close(model(power.sqrt().view(1, 1), t) ** 2, answer.view(1, 1))
    torch.testing.assert_close(error_of_eps, 1 - answer)
    torch.testing.assert_close(error_of_x0 / (1 - ab), error_of_eps / ab)
    beta = 1 - ab / ab_prev
    small = beta * (1 - ab_prev) / (1 - ab)
    power_before = 0.3 * ab_prev + 1 - ab_prev
    truth = power_before - (1 - beta) * power_before**2 / power  # of x_{t'}, given x_t
    torch.testing.assert_close(small + error_of_x0 / (1 - ab) * (beta - small), truth)


def test_densities_of_8_bit_data_become_bits():
    """Where a bell is much wider than a level, its mass there is its density times the width."""
    level, wide = torch.linspace(-1, 1, 256, dtype=torch.float64)[100], torch.tensor(0.04, dtype=torch.float64)
    added = log_density(level, level, wide) - log_probability_of_level(level, level, wide)
    assert added.item() / math.log(2) == pytest.approx(math.log2(255 / 2), abs=1e-4)
    page = words(SITE / "notation.md")
    assert rf"\log_2 \tfrac{{255}}{{2}} = {math.log2(255 / 2):.2f}$ are added" in page
    assert rf"$1/\ln 2 = {1 / math.log(2):.2f}$ bits" in page


def test_alpha_bar_one_step_too_late_is_hard_to_see():
    noise = 1 - linear_schedule(500).alpha_bar
    too_large = noise[2:] / noise[1:-1]  # from t = 2 on
    page = words(SITE / "notation.md")
    assert f"{too_large[0]:.1f} times too large at $t = 2$, by {too_large[8] - 1:.0%}".replace("%", " %") in page
    assert too_large[100 - 2 :].max() < 1.02
    assert "by less than 2 % from $t = 100$ on" in page


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


def test_variances_of_diffusers_are_variances_roots_and_logarithms():
    schedule, x = linear_schedule(1000), torch.zeros(1, 3, dtype=torch.float64)
    root, ranged = (DDPMScheduler(variance_type=kind) for kind in ("fixed_small_log", "learned_range"))
    for t in (2, 500, 1000):
        small, large = (variance(x, x, t, t - 1, schedule).item() for variance in (fixed_small, fixed_large))
        assert root._get_variance(t - 1).item() ** 2 == pytest.approx(small, rel=1e-3)
        for v in (0.0, 0.3, 1.0):
            theirs = ranged._get_variance(t - 1, predicted_variance=torch.tensor(2 * v - 1)).exp().item()
            assert theirs == pytest.approx(small ** (1 - v) * large**v, rel=1e-3)
            assert theirs == pytest.approx(log_between(v)(x, x, t, t - 1, schedule).item(), rel=1e-3)


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
