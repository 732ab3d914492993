"""The exact denoisers, graded against the truth that they claim to know."""

import pytest
import torch

from course_utils import GaussianDenoiser, IdealDenoiser, MixtureDenoiser, cosine_schedule, linear_schedule

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


HEAPS = torch.tensor([[-2.0, 0.0], [0.0, 2.0], [2.0, 0.5]], dtype=torch.float64)
WEIGHTS = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)
CLASSES = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
POINTS = 2 * torch.randn((5, 2), generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def log_density(x, t, weights, std=0.3):
    """The logarithm of the density of x_t when x_0 comes from the heaps, written out."""
    ab = SCHEDULE.alpha_bar[t]
    heap = torch.distributions.Normal(ab.sqrt() * HEAPS, (ab * std**2 + 1 - ab).sqrt())
    return (heap.log_prob(x[:, None]).sum(2) + weights.log()).logsumexp(1)


@pytest.mark.parametrize("t", [1, 30, 70, 100])
@pytest.mark.parametrize("told", [None, [0.0, 1.0], [0.5, 0.25], [0.0, 0.0]])
def test_the_noise_is_the_gradient_of_the_density(t, told):
    """Tweedie's formula: ε̂ = −√(1 − ᾱ_t) ∇ log p(x_t), here with PyTorch's own derivative."""
    c = None if told is None else torch.tensor([told], dtype=torch.float64)
    weights = WEIGHTS if c is None or not c.any() else WEIGHTS * (c @ CLASSES.T)[0]
    x = POINTS.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(log_density(x, t, weights).sum(), x)
    oracle = MixtureDenoiser(HEAPS, SCHEDULE, 0.3, 7 * WEIGHTS, CLASSES)  # weights in any unit
    found = oracle(POINTS, t, None if c is None else c.expand(5, 2))
    assert torch.allclose(found, -((1 - SCHEDULE.alpha_bar[t]) ** 0.5) * gradient, atol=1e-9)


@pytest.mark.parametrize("t", [0, 1, 30, 70, 100])
def test_the_density_is_that_of_the_mixture(t):
    oracle = MixtureDenoiser(HEAPS, SCHEDULE, 0.3, 7 * WEIGHTS, CLASSES)
    assert torch.allclose(oracle.log_density(POINTS, t), log_density(POINTS, t, WEIGHTS), atol=1e-9)
    times = torch.tensor([t, 3, t, 9, 0])
    alone = torch.cat([oracle.log_density(POINTS[i : i + 1], int(times[i])) for i in range(5)])
    assert torch.allclose(oracle.log_density(POINTS, times), alone, atol=1e-12)


@pytest.mark.parametrize("t", [1, 30, 70, 100])
def test_its_gradient_is_the_noise_and_its_curvature_the_variance_that_remains(t):
    """Tweedie's formula and that of second order: Var[x_0 | x_t] = (1 − ᾱ)/ᾱ (1 + (1 − ᾱ) ∂² log p), each number."""
    oracle, ab = MixtureDenoiser(HEAPS, SCHEDULE, 0.3, WEIGHTS), SCHEDULE.alpha_bar[t]
    x = POINTS.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(oracle.log_density(x, t).sum(), x, create_graph=True)
    assert torch.allclose(-((1 - ab) ** 0.5) * gradient, oracle(POINTS, t), atol=1e-9)
    curvature = torch.stack(
        [torch.autograd.grad(gradient[:, i].sum(), x, retain_graph=True)[0][:, i] for i in range(2)], 1
    )
    remains = (1 - ab) / ab * (1 + (1 - ab) * curvature)
    assert torch.allclose(oracle.x0_variance(POINTS, t), remains, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("told", [None, [0.0, 1.0], [0.5, 0.25], [0.0, 0.0]])
def test_what_remains_to_be_known_is_what_bayes_rule_leaves(told):
    """On a grid of all x_0 that the first number could have been."""
    t, std = 60, 0.3
    means, ab = HEAPS[:, :1], SCHEDULE.alpha_bar[t]
    c = None if told is None else torch.tensor([told], dtype=torch.float64).expand(5, 2)
    weights = WEIGHTS if c is None or not c.any() else WEIGHTS * (c[0] @ CLASSES.T)
    x0 = torch.linspace(-6, 6, 40_001, dtype=torch.float64)
    prior = (torch.distributions.Normal(means, std).log_prob(x0) + weights.log()[:, None]).logsumexp(0)
    x_t = POINTS[:, :1]
    share = (prior + torch.distributions.Normal(ab.sqrt() * x0, (1 - ab).sqrt()).log_prob(x_t)).softmax(1)
    mean = (share * x0).sum(1, keepdim=True)
    oracle = MixtureDenoiser(means, SCHEDULE, std, WEIGHTS, CLASSES)
    assert torch.allclose(oracle.predict_x0(x_t, t, c), mean, atol=1e-6)
    remains = (share * (x0 - mean) ** 2).sum(1, keepdim=True)
    assert torch.allclose(oracle.x0_variance(x_t, t, c), remains, rtol=1e-6)


def test_a_data_set_remains_as_uncertain_as_its_pictures_differ():
    oracle, t = IdealDenoiser(data(), SCHEDULE), torch.tensor([85, 60])
    x_t = SCHEDULE.add_noise(data()[:2], t, noise(2))
    share = oracle.posterior(x_t, t)[..., None, None, None]
    remains = (share * (data() - oracle.predict_x0(x_t, t)[:, None]) ** 2).sum(1)
    assert remains.max() > 0.1
    assert torch.allclose(oracle.x0_variance(x_t, t), remains, atol=1e-12)


def test_what_remains_in_low_precision():
    x = POINTS.half()
    oracle, exact = (MixtureDenoiser(h, SCHEDULE, 0.3, WEIGHTS) for h in (HEAPS.half(), HEAPS.half().double()))
    for t in (1, 60, 100):
        found, density = oracle.x0_variance(x, t), oracle.log_density(x, t)
        assert found.dtype == density.dtype == torch.float16
        assert (found >= 0).all()
        assert torch.allclose(found.double(), exact.x0_variance(x.double(), t), rtol=2e-3, atol=1e-3)
        assert torch.allclose(density.double(), exact.log_density(x.double(), t), rtol=2e-3)


def test_each_row_has_its_own_time_and_class():
    oracle, t = MixtureDenoiser(HEAPS, SCHEDULE, 0.3, WEIGHTS, CLASSES), torch.tensor([1, 30, 70, 100, 2])
    c = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.5, 0.5], [0.0, 1.0]], dtype=torch.float64)
    for i in range(5):
        row = slice(i, i + 1)
        assert torch.allclose(oracle(POINTS, t, c)[row], oracle(POINTS[row], t[row], c[row]), atol=1e-12)
        alone = oracle.x0_variance(POINTS[row], t[row], c[row])
        assert torch.allclose(oracle.x0_variance(POINTS, t, c)[row], alone, atol=1e-12)


def test_the_noise_in_a_gaussian_is_the_gradient_of_its_density():
    """Tweedie's formula again: x_t of a Gaussian of width s is a Gaussian of variance ᾱ_t s² + 1 − ᾱ_t."""
    mean, std = torch.tensor([0.5, -1.0], dtype=torch.float64), torch.tensor([0.2, 3.0], dtype=torch.float64)
    for t in (1, 30, 70, 100):
        ab, x = SCHEDULE.alpha_bar[t], POINTS.clone().requires_grad_()
        density = torch.distributions.Normal(ab.sqrt() * mean, (ab * std**2 + 1 - ab).sqrt())
        (gradient,) = torch.autograd.grad(density.log_prob(x).sum(), x)
        found = GaussianDenoiser(mean, std, SCHEDULE)(POINTS, t)
        assert torch.allclose(found, -((1 - ab) ** 0.5) * gradient, atol=1e-9)


def test_a_single_heap_is_a_gaussian():
    mean, std = torch.tensor([0.5, -1.0], dtype=torch.float64), torch.full((2,), 0.7, dtype=torch.float64)
    for t in (1, 50, 100):
        assert torch.allclose(
            GaussianDenoiser(mean, std, SCHEDULE)(POINTS, t),
            MixtureDenoiser(mean[None], SCHEDULE, 0.7)(POINTS, t),
            atol=1e-10,
        )


def test_each_coordinate_of_a_gaussian_has_its_own_width():
    mean, std = torch.tensor([0.5, -1.0], dtype=torch.float64), torch.tensor([0.2, 3.0], dtype=torch.float64)
    both = GaussianDenoiser(mean, std, SCHEDULE)(POINTS, 60)
    for i in range(2):
        alone = GaussianDenoiser(mean[i : i + 1], std[i : i + 1], SCHEDULE)(POINTS[:, i : i + 1], 60)
        assert torch.equal(both[:, i : i + 1], alone)


def test_a_data_set_is_a_mixture_without_width():
    ideal, mixture = IdealDenoiser(data(), SCHEDULE), MixtureDenoiser(data(), SCHEDULE, 0.0)
    assert torch.equal(ideal(noise(7), 50), mixture(noise(7), 50))


def test_an_ideal_denoiser_that_was_told_classes_thinks_of_its_class_only():
    contexts = torch.eye(2, dtype=torch.float64)[[0, 1, 0, 1, 0, 1, 0]]
    oracle = IdealDenoiser(data(), SCHEDULE, contexts)
    probability = oracle.posterior(noise(7), 90, contexts)
    assert (probability[contexts @ contexts.T == 0] == 0).all()
    assert torch.allclose(probability.sum(1), torch.ones(7, dtype=torch.float64))


def test_draws_come_from_the_mixture():
    n = 20_000
    drawn = MixtureDenoiser(HEAPS, SCHEDULE, 0.3, WEIGHTS).draw(n, torch.Generator().manual_seed(0))
    nearest = torch.cdist(drawn, HEAPS).argmin(1)
    shares = torch.bincount(nearest, minlength=3) / n
    assert ((shares - WEIGHTS).abs() < 4 * (WEIGHTS * (1 - WEIGHTS) / n).sqrt()).all()
    assert (drawn - HEAPS[nearest]).std() == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GaussianDenoiser(HEAPS[0], -HEAPS[0].abs(), SCHEDULE), "std must be positive"),
        (lambda: GaussianDenoiser(HEAPS[0], HEAPS, SCHEDULE), "std must have shape"),
        (lambda: GaussianDenoiser(HEAPS[0], HEAPS[0].exp(), SCHEDULE)(noise(2), 1), r"x must have shape \(B, 2\)"),
        (lambda: GaussianDenoiser(HEAPS[0], HEAPS[0].exp(), SCHEDULE)(POINTS, 1, torch.eye(5)), "knows no classes"),
        (lambda: MixtureDenoiser(HEAPS[0], SCHEDULE, 0.1), r"means must have shape \(K, …\)"),
        (lambda: MixtureDenoiser(HEAPS, SCHEDULE, -0.1), r"std must be a number in \[0, ∞\), got -0.1"),
        (lambda: MixtureDenoiser(HEAPS, SCHEDULE, 0.1, -WEIGHTS), "weights must be 3 positive numbers"),
        (lambda: MixtureDenoiser(HEAPS, SCHEDULE, 0.1, WEIGHTS[:2]), "weights must be 3 positive numbers"),
        (lambda: MixtureDenoiser(HEAPS, SCHEDULE, 0.1, classes=CLASSES + 1), "classes must be one-hot"),
        (lambda: MixtureDenoiser(HEAPS, SCHEDULE, 0.1, classes=CLASSES[:2]), "classes must be one-hot"),
        (lambda: MixtureDenoiser(HEAPS, SCHEDULE, 0.1)(POINTS, 1, torch.eye(5)), "knows no classes"),
        (lambda: MixtureDenoiser(HEAPS, SCHEDULE, 0.1, classes=CLASSES)(POINTS, 1, POINTS), "c must be numbers ≥ 0"),
        (lambda: MixtureDenoiser(HEAPS, SCHEDULE, 0.1, classes=2 * CLASSES), "classes must be one-hot"),
        (
            lambda: MixtureDenoiser(HEAPS, SCHEDULE, 0.1, classes=CLASSES)(POINTS, 1, CLASSES[:2].long()),
            "c must be float",
        ),
        (
            lambda: MixtureDenoiser(HEAPS, SCHEDULE, 0.1, classes=torch.eye(4)[:3])(POINTS, 1, torch.eye(4)[[3] * 5]),
            "c must name a class that some component belongs to",
        ),
        (lambda: MixtureDenoiser(HEAPS, SCHEDULE, 0.1).draw(0), "n must be a whole number"),
        (lambda: MixtureDenoiser(HEAPS, SCHEDULE, 0.1).x0_variance(POINTS, 0), "t must be a whole number from 1"),
        (lambda: MixtureDenoiser(HEAPS, SCHEDULE, 0.1).x0_variance(POINTS, 1, torch.eye(5)), "knows no classes"),
        (lambda: MixtureDenoiser(HEAPS, SCHEDULE, 0.1).log_density(POINTS, 101), "t must be a whole number from 0"),
        (lambda: MixtureDenoiser(HEAPS, SCHEDULE, 0.1).log_density(noise(2), 1), r"x must have shape \(B, 2\)"),
    ],
)
def test_what_an_oracle_cannot_know_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
