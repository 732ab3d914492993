# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 07 · Likelihood
#
# **What has this loss to do with probability?**
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/noise-to-sprites/noise-to-sprites/blob/main/notebooks/07_likelihood.ipynb)

# %% [markdown] slideshow={"slide_type": "notes"}
# In this notebook you find out what the loss of notebook 04 is part of: a bound on how improbable a picture is. You write its pieces, read them in bits, and measure what a wrong variance costs. At the end a network says by itself how much noise each pixel needs.

# %% slideshow={"slide_type": "skip"}
import sys

if "google.colab" in sys.modules:  # Colab gets the course first; elsewhere this does nothing
    course = "git+https://github.com/noise-to-sprites/noise-to-sprites@main"
    get_ipython().run_line_magic("pip", f"install -q {course}")
import torch
from course_utils import linear_schedule, load_pretrained, load_sprites

randomness = torch.Generator().manual_seed(7)  # run from top to bottom for the text's numbers

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
from course_utils import bits_per_dimension, bound_terms, learned_variance, plot_bits

model, schedule = load_pretrained("likelihood")  # soon you know what every line of this cell does
variance, times = learned_variance(model, schedule), schedule.timesteps(25)
held_out, _ = load_sprites(split="test")
x0 = held_out[250:314]
nats = bound_terms(model, x0, times, schedule, variance, generator=randomness)
bits = bits_per_dimension(nats, x0)
shown = [400, 300, 200, 100, 20, 0]
ab = schedule.alpha_bar[shown].float().view(-1, 1, 1, 1)
noisy = ab.sqrt() * held_out[3] + (1 - ab).sqrt() * torch.randn(
    (6, 3, 16, 16), generator=randomness
)
plot_bits(bits[1:].mean(1), times, noisy, shown)

# %% [markdown] slideshow={"slide_type": "fragment"}
# What a sprite costs, in bits for each of its 768 numbers: 80 % is paid below $t = 20$, where eyes hardly see noise.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## After this notebook you can …
#
# - **explain** the bound that diffusion models are trained on, and name its three kinds of terms,
# - **compute** one term, in nats and in bits, and say which noise levels carry the bits,
# - **derive** the squared error of the noise from it, and say what the simple loss leaves out,
# - **choose** the variance of a step, and say in nats what a wrong one costs,
# - **find** a slip in somebody's likelihood from the number alone.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Time:** about 45 minutes, and 35 more with the exercises. **You need:** notebooks 01, 02 and 04; logarithms, and what an expectation is. No GPU.
#
# If a cell stops with an error, or its numbers do not fit the text, restart the kernel and run all cells from the top.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols
#
# | math | code | shape | meaning | elsewhere called |
# |---|---|---|---|---|
# | $x_0,\ x_t,\ \hat x_0,\ \hat\varepsilon$ | `x0`, `x_t`, `x0_hat`, `eps` | `(B, …)` | as before | |
# | $t \to t'$ | `t`, `t_prev` | numbers | a step of the chain; $t' = t-1$ if none is left out | |
# | $q$ | `add_noise` | | the **forward process**, which adds noise; $\mathbb E_q$ is the mean over it | |
# | $p_\theta(x_0)$ | | a number | how probable the model finds $x_0$: its **likelihood** | `log_prob`, NLL for $-\log p$ |
# | $L_T,\ L_{t'},\ L_0$ | `terms` | `(n + 1, B)` | the terms of the **bound**, for $n$ steps | VLB, $-$ELBO, `vb_terms` |
# | $\beta,\ \tilde\beta$ | `fixed_large`, `fixed_small` | numbers | variance of the forward step, and of the **posterior** | `"fixed_large"`, `"fixed_small"` |
# | $\sigma^2$ | `sigma2` | a number, or `(B, …)` | the variance of our step back | $\Sigma_\theta$, `"learned_range"` |
# | $u$ | `u` | a number, or `(B, …)` | where $\sigma^2$ lies between $\tilde\beta$ (0) and $\beta$ (1) | |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · How probable is a picture?
#
# <!-- Lecture, 4 minutes. Say what a likelihood is good for before writing one: it makes models comparable, in bits, with a file format. Then the three numbers: the middle one is what we would like to have, the right one is what we can compute. -->
#
# Sampling goes down a chain of random steps. So the model has a probability for each picture: that of all chains that end in it.
#
# $$p_\theta(x_{0:T}) = p(x_T)\prod_{t=1}^{T} p_\theta(x_{t-1}\mid x_t), \qquad p_\theta(x_0) = \int p_\theta(x_{0:T})\; dx_1 \dots dx_T. \tag{1}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# Such a model is called a **latent-variable model**: $x_1 \dots x_T$ are there, and nobody sees them. What is a probability good for? Who trusts $p$ can write $x_0$ in $-\log_2 p(x_0)$ **bits**, so a better model is a shorter file. With the natural logarithm the unit is the **nat**, 1.44 bits.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** Pixels have 8 bits a number. What do coders need that know nothing of diffusion?

# %% slideshow={"slide_type": "fragment"} tags=["show-print"]
import io

from PIL import Image

levels, train_levels = (((x + 1) * 127.5).round().long() for x in (held_out, load_sprites()[0]))
counts = torch.ones(768, 256).scatter_add_(
    1, train_levels.flatten(1).T, torch.ones(768, len(train_levels))
)
share = counts / counts.sum(1, keepdim=True)  # how often each level was seen at each place
histogram = -share.gather(1, levels.flatten(1).T).log2().mean()


def png_bits(pixels):  # of 8 bits, shape (H, W, 3), in one file
    file = io.BytesIO()
    Image.fromarray(pixels.byte().numpy()).save(file, "PNG", optimize=True)
    return 8 * len(file.getvalue()) / pixels.numel()


pictures = levels.permute(0, 2, 3, 1)
png = png_bits(pictures.reshape(-1, 16, 3))  # all sprites in one file, one below the other
alone = sum(png_bits(one) for one in pictures[:250]) / 250
print(
    f"{len(held_out):,} held-out sprites: a histogram for each pixel {histogram:.2f} bits a number,"
)
print(f"all in one PNG {png:.2f}, a PNG for each {alone:.2f}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# The numbers to compare with. But the integral in (1) goes over 500 pictures: nobody can compute it.

# %% [markdown] slideshow={"slide_type": "subslide"}
# What we *can* do is go up: $q(x_{1:T} \mid x_0)$ adds noise. By Jensen's inequality,
#
# $$\begin{aligned}
# -\log p_\theta(x_0) &\le \mathbb E_q\Big[\log \frac{q(x_{1:T}\mid x_0)}{p_\theta(x_{0:T})}\Big] \\
# &= L_T + {\textstyle\sum_{t=2}^{T}} L_{t-1} + L_0, \\
# L_T &= \mathrm{KL}\big(q(x_T|x_0)\,\|\,p(x_T)\big), \\
# L_{t-1} &= \mathbb E_q\,\mathrm{KL}\big(q(x_{t-1}|x_t, x_0)\,\|\,p_\theta(x_{t-1}|x_t)\big), \\
# L_0 &= -\,\mathbb E_q \log p_\theta(x_0|x_1).
# \end{aligned} \tag{2}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# This is the **variational bound** (VLB, or with the other sign the evidence lower bound, ELBO). How is the right side sorted? With two steps, the fraction is $\frac{q(x_1|x_0)\,q(x_2|x_1)}{p(x_2)\,p_\theta(x_1|x_2)\,p_\theta(x_0|x_1)}$. Bayes' rule turns the step up, $q(x_2|x_1)$, into $q(x_1|x_2,x_0)\,q(x_2|x_0)\,/\,q(x_1|x_0)$. Then $q(x_1|x_0)$ cancels, and three fractions remain: $\frac{q(x_2|x_0)}{p(x_2)}$, $\frac{q(x_1|x_2,x_0)}{p_\theta(x_1|x_2)}$ and $\frac1{p_\theta(x_0|x_1)}$. $L_T$ asks whether the end is pure noise. Each $L_{t-1}$ asks whether a step back is that of the posterior. $L_0$ is what the last step says of the picture itself. For a chain with times left out the sum goes over its steps.
#
# The inequality loses $\mathrm{KL}\big(q(x_{1:T}|x_0)\,\|\,p_\theta(x_{1:T}|x_0)\big)$: it is tight if our way up is the model's own.
#
# A **VAE** is the same bound with one step, and with a $q(x_1 \mid x_0)$ that is learned, too (notebook 12). In diffusion $q$ is fixed: it adds noise.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** How much does the inequality lose? Where the data are Gaussian and the denoiser is exact, even (1) can be computed. A chain of 4 steps with variance $\beta$:

# %% slideshow={"slide_type": "skip"}
from itertools import pairwise
from math import log, pi

from course_utils import MixtureDenoiser, entropy, exact_terms, fixed_large, jump

linear, one = linear_schedule(1000), torch.ones(1, 1).double()
gaussian = MixtureDenoiser(0 * one, linear, std=0.5)


def step_of_model(t, t_prev):  # in a Gaussian world x_t' is slope · x_t, plus noise of variance β
    step = jump(t, t_prev, linear, one)  # the posterior, see section 3
    slope = step.of_x0 * gaussian.predict_x0(one, t) + step.of_x_t
    return slope.item(), step.beta.item()


# %% slideshow={"slide_type": "fragment"} tags=["show-print"]
def chain(n):  # n steps of T = 1000, the last one from t = 1
    return [*(1 + round(i * 999 / (n - 1)) for i in range(n - 1, -1, -1)), 0]


width = 1.0  # the variance of what the model draws, from pure noise on
for t, t_prev in pairwise(chain(4)):
    slope, beta = step_of_model(t, t_prev)
    width = slope**2 * width + beta
nll = (log(2 * pi * width) + 0.5**2 / width) / 2
bound = exact_terms(gaussian, gaussian, chain(4), linear, fixed_large).sum()
print(f"entropy of the data {entropy(gaussian):.4f} nats")
print(f"−log p of the model {nll:.4f} nats, its bound {bound:.4f} nats")

# %% [markdown] slideshow={"slide_type": "fragment"}
# The inequality loses 0.04 nats. No model gets below the **entropy** of the data: bound less entropy is the **gap**, 0.24.

# %% [markdown] slideshow={"slide_type": "notes"}
# The mean of each step is exact here, so it is the variance that makes the gap. Section 8 closes it. (These are real numbers, not levels, so $p$ is a density, and an entropy may be negative. Differences mean what they always mean.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2 · How far is one Gaussian from another?
#
# <!-- Lecture, 3 minutes. Vote on the prediction. Then draw the two bells: where q has mass and p has none, the logarithm is large. -->
#
# All terms but $L_0$ are **Kullback–Leibler divergences**: $\mathrm{KL}(q\,\|\,p) = \mathbb E_q[\log q - \log p]$, what it costs to code with $p$ what comes from $q$. Ours are Gaussians, $q = \mathcal N(\mu_1, v_1)$ and $p = \mathcal N(\mu_2, v_2)$:
#
# $$\mathrm{KL}(q\,\|\,p) = \tfrac12\Big(\frac{(\mu_1-\mu_2)^2}{v_2} + \frac{v_1}{v_2} - 1 - \log\frac{v_1}{v_2}\Big). \tag{3}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# It follows from $\mathbb E_q (x - \mu_2)^2 = v_1 + (\mu_1 - \mu_2)^2$, put into the logarithm of both densities.

# %% [markdown] slideshow={"slide_type": "fragment"}
# **Predict.** One bell is twice as wide as another. Which is dearer: to code numbers of the narrow one with the wide one, or numbers of the wide one with the narrow one?

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 1 · Write `gaussian_kl` (easy, 5 minutes)
#
# Write (3), $\tfrac12\big((\mu_1-\mu_2)^2 / v_2 + v_1/v_2 - 1 - \log (v_1/v_2)\big)$, for each number of a batch, in nats. `mean` and `variance` are those of $q$, the others those of $p$.

# %% slideshow={"slide_type": "skip"} tags=["exercise"]
from course_utils import check_gaussian_kl


def gaussian_kl(mean, variance, other_mean, other_variance):
    return ...  # your code: (3)


check_gaussian_kl(gaussian_kl)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "skip"} tags=["solution"]
# @title Solution 1
def gaussian_kl(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    return ((mean - other_mean) ** 2 / other_variance + ratio - 1 - ratio.log()) / 2  # (3)


check_gaussian_kl(gaussian_kl)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** Is (3) what the integral says? Two bells, one twice as wide as the other, each taken for the other:

# %% slideshow={"slide_type": "fragment"} tags=["show-print"]
x = torch.linspace(-40, 40, 400_001, dtype=torch.float64)
zero, narrow, wide = (torch.tensor(n, dtype=torch.float64) for n in (0.0, 1.0, 4.0))


def log_normal(v):
    return -(x**2 / v + (2 * pi * v).log()) / 2


for name, q, p in (
    ("narrow, coded as wide", narrow, wide),
    ("wide, coded as narrow", wide, narrow),
):
    integral = (log_normal(q).exp() * (log_normal(q) - log_normal(p))).sum() * (x[1] - x[0])
    print(f"{name}: formula {gaussian_kl(zero, q, zero, p):.6f}, integral {integral:.6f} nats")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Too small a variance is dearer than too large a one. Remember it for section 8.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3 · The step that the bound compares with
#
# <!-- Lecture, 4 minutes. Notebook 02 has both derivations; here Bayes' rule is done by a grid. Point at the dashed line: one bar too many under a root, and nobody sees it in a sample. -->
#
# What was $x_{t'}$, if we know $x_t$ *and* $x_0$? Bayes' rule: $q(x_{t'} \mid x_t, x_0) \propto q(x_t \mid x_{t'})\; q(x_{t'} \mid x_0)$, two bells multiplied. With $\beta = 1 - \bar\alpha_t/\bar\alpha_{t'}$, that of the jump,
#
# $$\tilde\mu = \frac{\sqrt{\bar\alpha_{t'}}\,\beta}{1-\bar\alpha_t}\,x_0 + \frac{\sqrt{1-\beta}\,(1-\bar\alpha_{t'})}{1-\bar\alpha_t}\,x_t, \qquad \tilde\beta = \frac{1-\bar\alpha_{t'}}{1-\bar\alpha_t}\,\beta. \tag{4}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# Notebook 02 derives it for single steps in two ways, and a jump is no different:
#
# <details><summary>Derivation</summary>
#
# The exponents add up to $-\tfrac12\big[(x_t - \sqrt{1-\beta}\,x_{t'})^2/\beta + (x_{t'} - \sqrt{\bar\alpha_{t'}}\,x_0)^2/(1-\bar\alpha_{t'})\big]$. What stands before $-\tfrac12 x_{t'}^2$ is one over the variance, $\frac{1-\beta}{\beta} + \frac1{1-\bar\alpha_{t'}} = \frac{1-\bar\alpha_t}{\beta(1-\bar\alpha_{t'})}$. What stands before $x_{t'}$, $\frac{\sqrt{1-\beta}}{\beta} x_t + \frac{\sqrt{\bar\alpha_{t'}}}{1-\bar\alpha_{t'}} x_0$, times that variance, is the mean.
# </details>
#
# Two slips are in circulation: $\bar\alpha_t$ in the place of $\bar\alpha_{t'}$ in the weight of $x_t$, and $\tilde\beta$ called "$\sigma$", so that somebody takes it for a standard deviation. It is a variance.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** What do both bells say together? And how far off is the mean, if $x_t$ gets its weight with $\bar\alpha_t$?

# %% slideshow={"slide_type": "fragment"}
from course_utils import plot_posterior

plot_posterior(0.8, -1.0, 300, 200, linear)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Both together: in between, and narrower than each. The slip moves the mean from −0.01 to −0.35.

# %% [markdown] slideshow={"slide_type": "skip"}
# The grey bell is drawn by (4). Is it what Bayes' rule says? We multiply the two others, point by point:

# %% slideshow={"slide_type": "skip"}
step, ab, x = (
    jump(300, 200, linear, one),
    linear.alpha_bar[200],
    torch.linspace(-9, 9, 9001).double(),
)
seen_from_x0 = -((x - ab.sqrt() * 0.8) ** 2) / (2 * (1 - ab))
seen_from_x_t = -((-1.0 - (1 - step.beta).sqrt() * x) ** 2) / (2 * step.beta)
mass = (seen_from_x0 + seen_from_x_t).flatten().softmax(0)
mean, formula = (mass * x).sum(), step.of_x0 * 0.8 + step.of_x_t * -1.0
print(f"mean {mean:.6f}, by (4) {formula.item():.6f}", end="; ")
print(f"variance {(mass * (x - mean) ** 2).sum():.6f}, by (4) {step.variance.item():.6f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4 · One term of the bound
#
# <!-- Lecture, 5 minutes. The whole notebook hangs on this slide: a KL of two Gaussians that differ in x_0 against x̂_0 only, and in the variance. Let them say what vanishes when the guess is right. -->
#
# Our step knows no $x_0$. It puts $\hat x_0$ in its place in (4), and adds noise of a variance $\sigma^2$ of its own. So the means differ by the weight of $x_0$ times $x_0 - \hat x_0$, and with (3) a term is
#
# $$L_{t'} = \tfrac12\Big(\frac{\bar\alpha_{t'}\,\beta^2}{(1-\bar\alpha_t)^2}\,\frac{(x_0-\hat x_0)^2}{\sigma^2} + \frac{\tilde\beta}{\sigma^2} - 1 - \log\frac{\tilde\beta}{\sigma^2}\Big). \tag{5}$$

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 2 · Write `bound_term` (medium, 10 minutes)
#
# Write (5), in nats, for each number of a batch. You need the weight of $x_0$ in (4), $\frac{\sqrt{\bar\alpha_{t'}}\,\beta}{1-\bar\alpha_t}$ with $\beta = 1 - \bar\alpha_t/\bar\alpha_{t'}$, the variance $\tilde\beta = \frac{1-\bar\alpha_{t'}}{1-\bar\alpha_t}\,\beta$, and your `gaussian_kl`: the posterior comes first, the model's step second. `sigma2` is a tensor, $\sigma^2$; `t` and `t_prev` are whole numbers, `t_prev` ≥ 1. Do you need `x_t`?
#
# <details><summary>Hint</summary>
#
# Both means hold <code>x_t</code> with the same weight, so it cancels: <code>mean</code> may be the weight times <code>x0</code>, and <code>other_mean</code> the weight times <code>x0_hat</code>.
# </details>

# %% slideshow={"slide_type": "-"} tags=["exercise", "show-code"]
from course_utils import check_bound_term


def bound_term(x0, x0_hat, x_t, sigma2, t, t_prev, schedule):
    return ...  # your code: (5)


check_bound_term(bound_term)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"} tags=["solution", "show-code"]
# @title Solution 2
def bound_term(x0, x0_hat, x_t, sigma2, t, t_prev, schedule):
    ab, ab_prev = schedule.alpha_bar[t], schedule.alpha_bar[t_prev]
    beta = 1 - ab / ab_prev
    weight = ab_prev.sqrt() * beta / (1 - ab)  # of x_0 in the posterior mean
    posterior_variance = (1 - ab_prev) / (1 - ab) * beta
    return gaussian_kl(weight * x0, posterior_variance, weight * x0_hat, sigma2)  # (5)


check_bound_term(bound_term)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** Do your terms add up to the bound? The whole chain of a Gaussian world is one Gaussian with 11 numbers, $x_0 \dots x_{10}$, once for $q$ and once for the model. Their KL is the bound less the entropy, and it knows nothing of (2).

# %% slideshow={"slide_type": "fragment"} tags=["show-print"]
from torch.distributions import MultivariateNormal, kl_divergence

stops, noises, zeros = chain(10), torch.eye(11).double(), torch.zeros(11).double()


def law(first, slopes, betas):  # of a chain whose numbers are slope · the one before, plus noise
    rows = [first * noises[0]]
    for slope, beta, noise in zip(slopes, betas, noises[1:], strict=True):
        rows.append(slope * rows[-1] + beta**0.5 * noise)
    return torch.stack(rows)


slopes, betas = zip(*(step_of_model(*step) for step in pairwise(stops)), strict=True)
down = law(1.0, slopes, betas)  # the model, from pure noise
up = law(0.5, [(1 - beta) ** 0.5 for beta in betas[::-1]], betas[::-1]).flip(0)  # q, from the data
of_chains = kl_divergence(*(MultivariateNormal(zeros, rows @ rows.T) for rows in (up, down)))
terms = exact_terms(gaussian, gaussian, stops, linear, fixed_large)
print(f"KL of the two chains      {of_chains:.7f} nats")
print(f"sum of the terms, less H  {terms.sum() - entropy(gaussian):.7f} nats, H the entropy")
assert abs(terms.sum() - entropy(gaussian) - of_chains) < 1e-6

# %% [markdown] slideshow={"slide_type": "fragment"}
# Equal in all digits. So each term is a part of the whole, and we may ask which noise level costs what.

# %% [markdown] slideshow={"slide_type": "skip"}
# And yours? We draw 200,000 numbers, and let you sum up all terms but the first and the last:

# %% slideshow={"slide_type": "skip"}
found, x = 0, 0.5 * torch.randn((200_000, 1), generator=randomness, dtype=torch.float64)
for (t, t_prev), beta in zip(pairwise(stops[:-1]), betas[:-1], strict=True):
    x_t = linear.add_noise(x, t, torch.randn(x.shape, generator=randomness, dtype=x.dtype))
    x_hat = gaussian.predict_x0(x_t, t)
    found = found + bound_term(x, x_hat, x_t, beta * one, t, t_prev, linear)
error = found.std() / len(x) ** 0.5
print(f"yours {found.mean():.4f} ± {error:.4f}, by quadrature {terms[1:-1].sum():.4f} nats")
assert abs(found.mean() - terms[1:-1].sum()) < 5 * error

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5 · Where the squared error comes from
#
# <!-- Lecture, 4 minutes. This answers the title. Let them find $\varepsilon$ in (5) before the formula appears. Then the curve: at which t does the simple loss look, and the bound not? -->
#
# Now $\hat x_0$ comes from the network's $\hat\varepsilon$: $x_0 - \hat x_0 = \frac{\sqrt{1-\bar\alpha_t}}{\sqrt{\bar\alpha_t}}\,(\hat\varepsilon - \varepsilon)$. Put that into (5), for a single step:
#
# $$L_{t-1} = \underbrace{\frac{\beta_t^2}{2\,\sigma_t^2\,\alpha_t\,(1-\bar\alpha_t)}}_{\text{weight}}\;(\varepsilon - \hat\varepsilon)^2 + \text{rest.} \tag{6}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# The rest holds the variances, and no mean can change it. All this for $t \ge 2$; $L_0$ comes in section 6. So for a fixed $\sigma_t^2$ the bound *is* the loss of notebook 04, with a weight for each $t$. DDPM put 1 in the place of the weight, and called the result the **simple loss**.

# %% slideshow={"slide_type": "skip"}
t, (x, x_t, eps_hat) = 137, torch.randn((3, 5, 768), generator=randomness, dtype=torch.float64)
ab, alpha, beta = schedule.alpha_bar[t], schedule.alpha[t], schedule.beta[t]
eps, x_hat = schedule.predict_eps(x_t, t, x), schedule.predict_x0(x_t, t, eps_hat)
wrong, right = (bound_term(x, answer, x_t, beta, t, t - 1, schedule) for answer in (x_hat, x))
weight = beta**2 / (2 * beta * alpha * (1 - ab))  # with σ² = β
assert torch.allclose(wrong - right, weight * (eps - eps_hat) ** 2, rtol=1e-9)
print("(6) is your term, but for what is left when the answer is right")

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict.** Who looks more at little noise: the bound, or the simple loss?

# %% slideshow={"slide_type": "fragment"}
from course_utils import clipped_snr, plot_curves

t = torch.arange(2, 451)
of_bound = schedule.beta / (2 * schedule.alpha * (1 - schedule.alpha_bar))  # with σ² = β
weights = {"the bound": of_bound, "simple": torch.ones(501), "the course's": clipped_snr(schedule)}
curves = {name: (t, (weight / weight[200])[t]) for name, weight in weights.items()}
for name, weight in (weights | {"min-SNR": clipped_snr(schedule, low=0)}).items():
    early, late = (weight / weight[200])[[2, 450]]
    print(f"{name:13} at t = 2 {early:8.4f}, at t = 450 {late:6.2f}")
plot_curves(curves, "t", "weight, 1 at t = 200", log_y=True)

# %% [markdown] slideshow={"slide_type": "fragment"}
# With $\sigma^2 = \beta$ the bound looks at $t = 2$ 42 times as hard as at $t = 200$. The simple loss does not, and ours looks away.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Min-SNR** is the course's curve on the left, and 1 on the right.
#
# What does dropping the weight mean? Little noise counts less, so the network has more of its strength left for the levels where outlines and parts are decided. That gave DDPM better pictures and a worse bound (its Table 1). The weights of notebook 04 go further in the same direction.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6 · The last step meets pixels
#
# <!-- Lecture, 4 minutes. Two traps, both real: a density is no probability, and a nat is no bit. Ask what it would mean for a file to have a negative length. -->
#
# $L_0$ is no KL: it asks what the last step, a bell $\mathcal N(\mu_i, \sigma_i^2)$ for each number $i$, says of $x_0$ itself. A pixel takes one of 256 levels, $2/255$ apart. So take the mass on its level, half-way to the neighbours; the first and the last level reach to infinity. With $\Phi_i$, the mass of the bell below a point,
#
# $$L_0 = -\sum_i \log\big(\Phi_i(x_{0,i} + \tfrac1{255}) - \Phi_i(x_{0,i} - \tfrac1{255})\big). \tag{7}$$

# %% [markdown] slideshow={"slide_type": "subslide"}
# In **bits per dimension** we divide the sum of all terms by the $D = 3\cdot16\cdot16$ numbers of a sprite, and by $\ln 2$:
# $$\text{bits} = \frac{L_T + \sum L_{t'} + L_0}{D\,\ln 2}. \tag{8}$$

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** What if somebody takes the *density* of the bell instead of the mass? A pixel at level 128, and a bell at the right place, wider and narrower:

# %% slideshow={"slide_type": "fragment"} tags=["show-print"]
from course_utils import log_density, log_probability_of_level

every_level = torch.linspace(-1, 1, 256, dtype=torch.float64)
level = every_level[128]
for std in (0.1, 0.01, 0.001):
    v = torch.tensor(std, dtype=torch.float64) ** 2
    total = log_probability_of_level(every_level, level, v).exp().sum()
    mass, density = (-f(level, level, v) / log(2) for f in (log_probability_of_level, log_density))
    print(f"std {std:5}: mass {mass:5.2f} bits, density {density:6.2f}", end=" bits; ")
    print(f"all 256 levels sum to {total:.6f}")
print(f"a level is 2/255 wide, and log2(255 / 2) = {log(255 / 2) / log(2):.2f} bits")

# %% [markdown] slideshow={"slide_type": "fragment"}
# 7 bits too few for a wide bell, and for a narrow one there is no end: a density is no probability.

# %% [markdown] slideshow={"slide_type": "notes"}
# At the first and the last level, black and white, less is missing, since those reach to infinity.

# %% [markdown] slideshow={"slide_type": "notes"}
# Densities of 8-bit data are compared honestly only after **dequantisation**: add uniform noise as wide as a level, and add $\log_2 127.5 = 7$ bits to those of the density; on average that is no less than the bits of the mass. Without the noise, ever narrower bells on the levels make the "bits" fall without end.
#
# **Think.** A paper reports 3.1 nats per dimension, another one 4.4 bits. Which model is better?
#
# <details><summary>Answer</summary>
#
# $3.1 / \ln 2 = 4.47$ bits, so the second is better by 0.07 bits, if both count the same thing: the same data, the same number of levels, a mass and not a density.
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 7 · The bits of a sprite
#
# <!-- Lecture, 5 minutes. First collect guesses: is the network of the course a better coder than PNG? It was not made for it. Then ask why more steps can hurt. -->
#
# Two networks. That of the course was trained with weights that favour much noise (section 5). The other one, `likelihood`, is half as wide, was trained with the simple loss, and knows the variance of its steps (section 9).

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** Which of the two needs fewer bits? Does either beat PNG? Do more steps help?

# %% slideshow={"slide_type": "subslide"}
from course_utils import load_table, plot_chains

kinds = {"the course's": ("sprites", "β", "best scalar")}
kinds |= {"likelihood": ("likelihood", "β", "best scalar", "learned")}
panels = {}
for title, (network, *variances) in kinds.items():
    panels[title] = {}
    for kind in variances:
        where = {"network": network, "variance": kind}
        steps, mean = load_table("bits", "steps", "bits", **where)
        _, error = load_table("bits", "steps", "error", **where)
        panels[title][kind] = steps, mean + error * torch.tensor([[-1.0], [0.0], [1.0]])
        each = [f"{m:5.2f} ± {e:.2f}" for m, e in zip(mean[0], error[0], strict=True)]
        print(f"{title:12} {kind:11}", "   ".join(each), "bits with 25, 100, 500 steps")
again = bits.sum(0)
print(
    f"again, 25 steps, 64 other sprites: {again.mean():.2f} ± {again.std() / 8:.2f}, and its parts:"
)
each = [part.sum(0).mean() for part in (bits[:1], bits[1:16], bits[16:-1], bits[-1:])]
print("L_T {:.2f}, steps down to t = 200 {:.2f}, to t = 20 {:.2f}, L_0 {:.2f}".format(*each))
plot_chains(panels, "bits per dimension", {"one PNG": png, "histogram": histogram.item()})

# %% [markdown] slideshow={"slide_type": "fragment"}
# Four times the steps help `likelihood` and hurt ours. Learned beats best scalar by 0.1 to 0.2 bits, and one PNG beats all.

# %% [markdown] slideshow={"slide_type": "notes"}
# Each number is the mean of 250 held-out sprites ± its standard error, asked without a class; the best scalar was measured on 500 sprites to train on. The last lines are a check: one of the numbers again, with other sprites and other noise, and its parts. In the last step, which is scored by (7), the best scalar is not quite the best.
#
# - **Ours** gets worse with more steps. At small $t$ its $\hat x_0$ is off by more than the noise that is left (next cell): its weights look away from there, and it puts out $x_0$ itself, not $v$, with which an error shrinks with the noise. (This table cannot separate the two.) Every further step is charged for it, with $\beta$ most of all.
# - **`likelihood`** with the learned variance gains from 25 to 100 steps and not from there on; with $\beta$ it goes on, since $\beta$ is less wrong the shorter the step. With 25 steps and the best scalar ours is even ahead; only its learned variance brings `likelihood` level.
# - **PNG** with all sprites in one file needs far fewer bits than both: a sprite has few colours, many sprites are alike, and PNG says "as before". A Gaussian step cannot say that two numbers are *equal*. A PNG for each sprite is as long as what `likelihood` needs. So these numbers compare models with models.

# %% slideshow={"slide_type": "skip"}
ours, _ = load_pretrained("sprites")
for t in (1, 5, 20):
    x_t = schedule.add_noise(x0, t, torch.randn(x0.shape, generator=randomness))
    missed = [schedule.noise(t)]
    for network in (ours, model):
        with torch.no_grad():
            x_hat = schedule.predict_x0(x_t, t, network(x_t, torch.full((64,), t)))
        missed.append((x_hat - x0).square().mean().sqrt())
    print("t = {:2}: noise {:.3f}, x̂_0 off by {:.3f} and {:.3f}".format(t, *missed))

# %% [markdown] slideshow={"slide_type": "notes"}
# Roots of mean squares, 64 sprites; first ours, then `likelihood`. At $t = 1$ our answer is further off than $x_t$ itself.
#
# Why are the bits at little noise at all? There the exact level of each number has to be named, one of 256. *Which* sprite it is was settled long before, and took few bits.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 8 · The price of the wrong variance
#
# <!-- Lecture, 6 minutes. The derivation is two lines: the law of total variance. Then the prediction, then the plot, then the slider. End on: the loss curve of notebook 04 already knows the best variance. -->
#
# Which $\sigma^2$ makes (5) smallest? Not knowing $x_0$, what comes before $x_t$ varies for two reasons: the posterior has the variance $\tilde\beta$, and its mean moves with $x_0$. With $u$, the share of $1-\bar\alpha_t$ that is not known of $x_0$,
#
# $$\sigma^2_\text{best} = \tilde\beta + u\,(\beta - \tilde\beta), \qquad u = \frac{\mathbb E\,(x_0-\hat x_0)^2}{1-\bar\alpha_t}. \tag{9}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# This is the law of total variance. The second part is $\frac{\bar\alpha_{t'}\beta^2}{(1-\bar\alpha_t)^2}\,\mathbb E(x_0-\hat x_0)^2$, by the weight in (4); and $\beta - \tilde\beta = \beta\,\frac{\bar\alpha_{t'} - \bar\alpha_t}{1-\bar\alpha_t} = \frac{\bar\alpha_{t'}\beta^2}{1-\bar\alpha_t}$. The $u$ in (9) does not depend on $t'$, so it serves jumps of any length.
#
# With $u = 0$, where $x_0$ is known, $\tilde\beta$ is best; for Gaussian data of variance 1 the best $\hat x_0$ is $\sqrt{\bar\alpha_t}\,x_t$, which is off by $1-\bar\alpha_t$, so $u = 1$, and it is $\beta$. That is why notebook 02 had two variances. With the mean over all $x_t$ we get the best **scalar** (Analytic-DPM); with $\operatorname{Var}[x_0 \mid x_t]$, the best for each $x_t$.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 3 · Write `best_variance` (easy, 5 minutes)
#
# Write (9), $\sigma^2_\text{best} = \tilde\beta + u\,(\beta - \tilde\beta)$ with $u = \frac{\mathbb E(x_0-\hat x_0)^2}{1-\bar\alpha_t}$. `x0_error` is the mean squared error of $\hat x_0$ at time $t$, one number; `t` and `t_prev` are whole numbers. `t_prev` may be 0: then $\tilde\beta = 0$, $\beta = 1-\bar\alpha_t$, and `x0_error` itself remains, without a case of its own.

# %% slideshow={"slide_type": "-"} tags=["exercise", "show-code"]
from course_utils import check_best_variance


def best_variance(x0_error, t, t_prev, schedule):
    return ...  # your code: (9)


check_best_variance(best_variance)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"} tags=["solution", "show-code"]
# @title Solution 3
def best_variance(x0_error, t, t_prev, schedule):
    ab, ab_prev = schedule.alpha_bar[t], schedule.alpha_bar[t_prev]
    beta = 1 - ab / ab_prev
    posterior_variance = (1 - ab_prev) / (1 - ab) * beta
    return posterior_variance + x0_error / (1 - ab) * (beta - posterior_variance)  # (9)


check_best_variance(best_variance)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict.** The denoiser is exact, only the variance differs. One Gaussian, or two narrow modes: where can the best variance close the gap? And what happens with $\tilde\beta$?

# %% slideshow={"slide_type": "fragment"}
panels = {}
for data in ("one Gaussian", "two modes"):
    panels[data] = {}
    for kind in ("β", "best scalar", "best per x"):
        steps, gaps = load_table("gap", "steps", "gap", data=data, variance=kind)
        panels[data][kind] = steps, gaps
        each = "  ".join(f"{abs(gap):.5f}" for gap in gaps[0])
        print(f"{data:12} {kind:11} {each} nats with 4, 10, 25, 100, 1,000 steps")
plot_chains(panels, "gap in nats")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Gaussian data: with the best variance no gap is left, with 4 steps or 1,000. Two modes: a rest stays.

# %% [markdown] slideshow={"slide_type": "notes"}
# With Gaussian data the step back *is* Gaussian, so the right mean and variance are all of it. With two modes it is not: from the middle one may have come from the left or from the right. What is left of the gap with the best variance for each $x$ is the price of a Gaussian step.

# %% slideshow={"slide_type": "skip"}
from course_utils import exact_errors, exact_variance, log_between

modes = MixtureDenoiser(torch.tensor([[-1.0], [1.0]]).double(), linear, std=0.15)


def your_variance(table):
    def variance(x_t, eps, t, t_prev, schedule):
        return best_variance(table[t], t, t_prev, schedule).view(1, 1)

    return variance


for data, truth in (("one Gaussian", gaussian), ("two modes", modes)):
    errors = exact_errors(truth, stops, linear)  # E (x_0 − x̂_0)² of the best answer, at each time
    chosen = {
        "β̃, last step β": log_between(0),
        "β": fixed_large,
        "best scalar, yours": your_variance(errors),
    }
    for name, sigma2 in (chosen | {"best per x": exact_variance(truth)}).items():
        gap = exact_terms(truth, truth, stops, linear, sigma2).sum() - entropy(truth)
        print(f"{data:12}, 10 steps, {name:18} {abs(gap):7.3f} nats")
        assert truth is modes or "best" not in name or abs(gap) < 1e-6

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Try it.** In between: $\sigma^2 = \exp(v \log\beta + (1-v)\log\tilde\beta)$, from $\tilde\beta$ ($v = 0$) to $\beta$ ($v = 1$). Ten steps, two modes. Where is the gap smallest?

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
from course_utils import variance_slider

variance_slider(modes, chain(10), 112, 0.8)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Near $v = 0.85$, at 0.53 nats: a little above the best scalar, 0.52. At $v = 0$ the gap is 178 nats.

# %% [markdown] slideshow={"slide_type": "notes"}
# (In the last step $\beta$ stands in for $\tilde\beta$, which is 0 there: the gap would be infinite.) Even so $\tilde\beta$ explodes where a jump ends near 0: from $t = 112$ to 1 it says that next to nothing is left open, and $x_0$ is far from known. Logarithms between the two ends make such sizes learnable: hence **log-interpolation** in improved DDPM. Ours is (9) itself: a network can learn $\log u$.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 9 · A network that knows how far off it is
#
# <!-- Lecture, 5 minutes. The word to explain is "detached": the variance may look at the mean, and must not pull at it. Then the map of sprites: ask where the network is unsure before showing the third row. -->
#
# A second network looks at $x_t$ and $\hat x_0$, and puts out $\log u$. It is trained with the first, by the **hybrid loss**:
#
# $$\begin{aligned}L_\text{hybrid} = \;&\mathbb E\,\|\varepsilon-\hat\varepsilon\|^2 \\
# &- \mathbb E \log \mathcal N\big(x_0;\; \operatorname{sg}[\hat x_0],\; u\,(1-\bar\alpha_t)\big).\end{aligned} \tag{10}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# The second part is the term of one jump from $t$ to 0, where (9) is $u\,(1-\bar\alpha_t)$. The operator sg (**stop-gradient**, `.detach()` in PyTorch) keeps it from pulling at the mean: only the variance learns from it. Without sg every error would be divided by its variance, so a pixel that is called unsure would teach the mean less. Both parts are means over the numbers of a batch. In improved DDPM one network has twice the channels and puts out the $v$ of the slider, and the second part is 0.001 of the whole bound: for one drawn $t$, $0.001 \cdot T \cdot L_{t-1}$. The best $u$ serves all jumps, so any jump may teach it. A second network for what the first one misses is also in extended Analytic-DPM.

# %% [markdown] slideshow={"slide_type": "-"}
# **Question.** Does it find the best variance? On the two modes we know it. Ten steps, the exact denoiser, a network of 721 weights:

# %% slideshow={"slide_type": "skip"}
from course_utils import LearnedVariance, hybrid_loss
from torch import nn


class LogShare(nn.Module):  # log u, from x_t, x̂_0 and the time
    def __init__(self):
        super().__init__()
        widths = (nn.Linear(3, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1))
        self.layers = nn.Sequential(*widths)

    def forward(self, x, t):
        return self.layers(torch.cat([x, linear.snr[t, None].log() / 4], dim=1))


# %% slideshow={"slide_type": "fragment"} tags=["show-print"]
with torch.random.fork_rng():
    torch.manual_seed(0)
    head = LearnedVariance(LogShare().double(), linear)
optimizer = torch.optim.Adam(head.parameters())
rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=1500)
for _ in range(1500):
    t = torch.tensor(stops)[torch.randint(10, (512,), generator=randomness)]
    x, eps = modes.draw(512, randomness), torch.randn((512, 1), generator=randomness).double()
    optimizer.zero_grad()
    hybrid_loss(modes, head, x, t, eps, None, linear).backward()
    optimizer.step(), rate.step()
with torch.no_grad():
    learned = exact_terms(modes, modes, stops, linear, head).sum()
best = exact_terms(modes, modes, stops, linear, exact_variance(modes)).sum()
gaps = [total - entropy(modes) for total in (best, learned)]
print("gap: best per x {:.2f}, learned {:.2f} nats".format(*gaps))
assert 0 <= learned - best < 0.01

# %% [markdown] slideshow={"slide_type": "skip"}
# And does the second part leave the mean alone? We let one number scale the mean, and ask both losses in which direction they pull it.

# %% slideshow={"slide_type": "skip"}
scale, t = torch.ones(1, dtype=torch.float64, requires_grad=True), torch.full((512,), 334)
x_t = linear.add_noise(x, t, eps)
answer = scale * modes(x_t, t)
simple = (eps - answer).square().mean()
hybrid = hybrid_loss(lambda x, t, c: scale * modes(x, t), head, x, t, eps, None, linear)
step_to_0 = linear.predict_x0(x_t, t, answer), head(x_t, answer, t, 0, linear)
attached = simple - log_density(x, *step_to_0).mean()
losses = (simple, hybrid, attached)
pulls = [torch.autograd.grad(loss, scale, retain_graph=True)[0].item() for loss in losses]
print("simple {:+.4f}, hybrid {:+.4f}".format(*pulls), end="; ")
print(f"without sg {pulls[2] / pulls[0]:.0f} times the simple one")
assert pulls[0] == pulls[1]

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict.** And the sprites' network: where is it sure of a pixel, and where not?

# %% slideshow={"slide_type": "fragment"}
from course_utils import show_uncertainty

eight, t = held_out[:8], 150
x_t = schedule.add_noise(eight, t, torch.randn(eight.shape, generator=randomness))
with torch.no_grad():
    x0_hat = schedule.predict_x0(x_t, t, model(x_t, torch.full((8,), t)))
    std = (variance.share(x_t, x0_hat, t) * (1 - schedule.alpha_bar[t])).sqrt()
show_uncertainty(x_t, x0_hat, std)

# %% [markdown] slideshow={"slide_type": "fragment"}
# It is sure of the ground, less of what is in a sprite, and least of eyes, and of sparks that may be noise.

# %% [markdown] slideshow={"slide_type": "notes"}
# The spread is $\sqrt{u\,(1-\bar\alpha_t)}$, here at $t = 150$. As the variance of a step, `learned_variance` goes into `ddpm_step` like any other. Three times the same starts and the same noise, in 25 steps:

# %% slideshow={"slide_type": "skip"}
from functools import partial

from course_utils import ddpm_step, fixed_small, sample, show_images

classes, x_T = torch.eye(5)[torch.arange(8) % 5], torch.randn((8, 3, 16, 16), generator=randomness)
rows = {}
for name, sigma2 in (
    ("posterior\nvariance", fixed_small),
    ("β", fixed_large),
    ("learned", variance),
):
    step, chance = partial(ddpm_step, variance=sigma2), torch.Generator().manual_seed(7)
    *_, end = sample(model, x_T, times, schedule, step, classes, chance)
    rows[name] = end.x
show_images(torch.cat([*rows.values()]), columns=8, row_titles=[*rows])

# %% [markdown] slideshow={"slide_type": "notes"}
# With $\beta$ the ground stays noisy: it adds more noise than the later steps can take away. The other two are hard to tell apart, and yet their bits are: the posterior variance is 0 in the last step, so its bound is infinite. (Sampling adds no noise there.) So looks say little of bits.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 10 · Three programs, three slips
#
# <!-- Lecture, 3 minutes. Do not solve it. Collect what each slip would do to a number, and let the tables work. -->
#
# Three programs score the same eight sprites, with the same network and noise. Each calls its number the bound in bits per dimension, and each has one of these slips, no two the same:

# %% [markdown] slideshow={"slide_type": "-"}
# | name | slip |
# |---|---|
# | `"nats"` | nats are called bits |
# | `"one term"` | of the terms of each sprite one is drawn at random, and not multiplied by their number |
# | `"density"` | the last step is scored by the density at $x_0$, not by the mass of its level (7) |
# | `"no last step"` | $L_0$ is left out |
# | `"per pixel"` | the bits are divided by 256 pixels, not by 768 numbers |
# | `"mean"` | (8) gets the mean over the numbers in the place of their sum |

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 4 · Which slip is whose? (medium, 15 minutes)
#
# Before you look at the numbers, say for each slip what it would do to one: multiply it, move it, or leave it to chance? Then compare A, B and C with the right numbers, sprite by sprite. `parts` holds the terms of each sprite, first $L_T$ and last $L_0$, so you can compute what a slip would give. Change `seed` and run the cell again. In `slips`, put the name of a slip in the place of each `...`.

# %% slideshow={"slide_type": "skip"} tags=["exercise"]
from course_utils import check_slips, three_bounds

seed, asked = 3, (model, held_out[:8], schedule.timesteps(5), schedule, variance)
first, again = (torch.Generator().manual_seed(seed) for _ in range(2))  # the same noise for all
parts = bits_per_dimension(bound_terms(*asked, generator=first), held_out)
numbers = {"right": parts.sum(0)} | three_bounds(*asked, generator=again)
for name, found in numbers.items():
    print(f"{name:>5}:", *(f"{one:5.2f}" for one in found))


def slips():
    return {"A": ..., "B": ..., "C": ...}  # your answer: for each a name from the table


check_slips(slips)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: the three names.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "skip"} tags=["solution"]
# @title Solution 4
def slips():
    return {"A": "density", "B": "nats", "C": "one term"}


check_slips(slips)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Think.** How can you be sure of each of the three from the numbers alone?
#
# <details><summary>Answer</summary>
#
# B is $\ln 2 = 0.69$ of the right number for every sprite. A is below it by about the same for all, and negative: no sum of KLs and of $-\log$ of probabilities can be that, but a density may be above 1. The difference is less than 7 bits, because the first and the last level reach to infinity, and much of a sprite is white. C is for each sprite one of its own terms, mostly a small one, and another one with another seed.
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 11 · One answer, three views
#
# <!-- Lecture, 2 minutes. Only the sign is worth a fight: noise points away from the data, the score points to them. -->
#
# $\hat\varepsilon$ and $\hat x_0$ are two names of one answer (notebook 01). There is a third. The **score** is the direction in which $x_t$ becomes more probable, $\nabla_{x_t} \log q(x_t)$, and the best answers are, by **Tweedie's formula**,
#
# $$\hat x_0 = \frac{x_t + (1-\bar\alpha_t)\,\nabla \log q(x_t)}{\sqrt{\bar\alpha_t}}, \qquad \hat\varepsilon = -\sqrt{1-\bar\alpha_t}\;\nabla\log q(x_t). \tag{11}$$

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** Is it so? The density of two modes is known, and PyTorch can differentiate it.

# %% slideshow={"slide_type": "fragment"} tags=["show-print"]
for t in (20, 200, 500):
    x_t = torch.linspace(-3, 3, 200, dtype=torch.float64)[:, None].requires_grad_()
    (score,) = torch.autograd.grad(modes.log_density(x_t, t).sum(), x_t)
    with torch.no_grad():
        off = (modes(x_t, t) + (1 - linear.alpha_bar[t]).sqrt() * score).abs().max()
        not_scaled = (modes(x_t, t) + score).abs().max()
    print(f"t = {t:3}: (11) is off by less than 1e-9: {bool(off < 1e-9)}", end="; ")
    print(f"ε = −score would be off by up to {not_scaled:.2f}")
    assert off < 1e-9

# %% [markdown] slideshow={"slide_type": "fragment"}
# The noise is minus the score, *times* $\sqrt{1-\bar\alpha_t}$. Notebook 08 begins here.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Think.** A better likelihood, better pictures: does one follow from the other?
#
# <details><summary>Answer</summary>
#
# No. With 100 steps `likelihood` needs fewer bits than ours, 3.62 against 4.55, and its sprites are worse: their cards give Fréchet distances of 11.6 and 3.9. (The two differ in more than the loss: width, steps, output.) Most bits lie in levels of noise that eyes do not see. What happens above $t = 200$, where outlines and parts are decided, costs one or two tenths of a bit a number (section 7).
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What breaks if …
#
# | you … | then … | seen in |
# |---|---|---|
# | take a density for a probability | up to 7 bits a number are missing, for narrow bells more, and some are negative | section 6 |
# | call nats bits | every number is 0.69 of the right one | sections 6, 10 |
# | draw one $t$ and forget to multiply by the number of steps | the bound is that of a single term | section 10 |
# | take $\tilde\beta$ for long jumps | 455 nats where 0 are possible | section 8 |
# | take $\beta$ for few steps | 0.24 nats a number with 4 steps, where 0 are possible | section 8 |
# | do not detach the mean in (10) | the simple loss no longer decides the mean alone | section 9 |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you know now
#
# **The squared error of the noise is one term of a bound on $-\log p(x_0)$, with its weight left out. Most bits lie at little noise, and a wrong variance costs nats that no better mean can win back.**

# %% [markdown] slideshow={"slide_type": "notes"}
# - A chain has a likelihood, which nobody can compute, and a bound, whose terms are KLs of Gaussians.
# - A term is a squared error with a weight, and something that depends on the variance only. "Simple" drops the weight.
# - Probabilities of pixels need levels, and bits need $\ln 2$.
# - The best variance is $\tilde\beta + u(\beta-\tilde\beta)$; $u$ is the error of $\hat x_0$ over $1-\bar\alpha_t$, measured or learned.
# - Fewer bits are not better pictures.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References
#
# - J. Ho, A. Jain, P. Abbeel, *Denoising Diffusion Probabilistic Models* (DDPM), 2020, [arXiv:2006.11239](https://arxiv.org/abs/2006.11239): our (2) is its (5), our (6) its (12), our (7) its (13); the simple loss its (14).
# - A. Nichol, P. Dhariwal, *Improved Denoising Diffusion Probabilistic Models*, 2021, [arXiv:2102.09672](https://arxiv.org/abs/2102.09672): learned variance and hybrid loss, its (15) and (16).
# - F. Bao, C. Li, J. Zhu, B. Zhang, *Analytic-DPM: an Analytic Estimate of the Optimal Reverse Variance in Diffusion Probabilistic Models*, 2022, [arXiv:2201.06503](https://arxiv.org/abs/2201.06503): the best scalar.
# - F. Bao, C. Li, J. Sun, J. Zhu, B. Zhang, *Estimating the Optimal Covariance with Imperfect Mean in Diffusion Probabilistic Models*, 2022, [arXiv:2206.07309](https://arxiv.org/abs/2206.07309): extended Analytic-DPM, with a second network for the error of the first.
# - D. Kingma, T. Salimans, B. Poole, J. Ho, *Variational Diffusion Models*, 2021, [arXiv:2107.00630](https://arxiv.org/abs/2107.00630): the bound in continuous time, which depends on the schedule only by its SNR at the two ends.
# - C. Luo, *Understanding Diffusion Models: A Unified Perspective*, 2022, [arXiv:2208.11970](https://arxiv.org/abs/2208.11970): the derivation at length.
