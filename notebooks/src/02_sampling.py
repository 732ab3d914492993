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
# # 02 · Sampling
#
# **How does noise turn into a picture?**
#
# <!-- Opening, 3 minutes. Let them look from right to left: where in its row do they still know each sprite? Then ask what a program must do to go from left to right. Say the question of the day, and that they will write the formula themselves. -->
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/noise-to-sprites/noise-to-sprites/blob/main/notebooks/02_sampling.ipynb)

# %% [markdown] slideshow={"slide_type": "notes"}
# Notebook 01 took pictures apart. In this one you make pictures that nobody has drawn before. All of it is one formula, used
# 500 times, and at the end you can write it alone.

# %% slideshow={"slide_type": "skip"}
import sys

if "google.colab" in sys.modules:  # Colab gets the course first; elsewhere this does nothing
    course = "git+https://github.com/noise-to-sprites/noise-to-sprites@main"
    get_ipython().run_line_magic("pip", f"install -q {course}")
import torch
from course_utils import linear_schedule, load_pretrained, load_sprites, sample, show_images
from tqdm.auto import tqdm

randomness = torch.Generator().manual_seed(2)  # run from top to bottom for the text's numbers

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
from course_utils import ddpm_step

model, cosine = load_pretrained("sprites")  # soon you know what every line of this cell does
names, one_of_each = ["hero", "non-hero", "food", "spell", "side-facing"], torch.eye(5)
x_T, times = torch.randn((5, 3, 16, 16), generator=randomness), cosine.timesteps(50)
stages = {500: x_T}
for step in sample(model, x_T, times, cosine, ddpm_step, one_of_each, randomness):
    stages[step.t] = step.x
shown = [500, 450, 400, 350, 300, 250, 200, 150, 70, 0]
pictures = torch.stack([stages[t] for t in shown], dim=1).flatten(0, 1)
show_images(pictures, titles=[f"t = {t}" for t in shown], row_titles=names)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Pure noise at the left. At the right five sprites that nobody drew. In between: one formula, used 50 times.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## After this notebook you can …
#
# - **explain** why one step back can be computed when the way back as a whole cannot,
# - **write** `ddpm_step`, the line that turns noise into a slightly less noisy picture, and the loop around it,
# - **grade** a sampler, with a denoiser whose right answers are known,
# - **say** what the extra noise in every step is for, and what happens without it,
# - **tell** whether a network draws something new or recites what it has seen.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Time:** about 45 minutes, and 40 more with the exercises. **You need:** notebook 01. No GPU. (This notebook uses a network and does not ask what is
# inside; that is notebook 03. How it learned is notebook 04.)
#
# If a cell stops with an error, or its numbers do not fit the text, restart the kernel and run all cells from the top.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols
#
# | math | code | shape | meaning | elsewhere called |
# |---|---|---|---|---|
# | $x_t,\ \varepsilon,\ \hat x_0$ | `x_t`, `eps`, `x0_hat` | `(B, 3, 16, 16)` | as in notebook 01: noisy picture, noise, guess at the clean picture | `sample`, `noise`, `pred_original_sample` |
# | $\beta_t,\ \alpha_t,\ \bar\alpha_t$ | `schedule.beta`, … | `(T+1,)` | as in notebook 01 | `betas`, `alphas`, `alphas_cumprod` |
# | $\varepsilon_\theta(x_t, t)$ | `model(x_t, t)` | like `x_t` | the noise that a model sees in $x_t$; $\theta$ stands for its weights | `unet(x, t).sample`, `model_output` |
# | $q$ | | | a true distribution, of noise or data, and not a model's | |
# | $\tilde\mu_t,\ \tilde\beta_t$ | `posterior_mean`, `schedule.posterior_variance` | like `x_t`, `(T+1,)` | mean and variance of $x_{t-1}$, once $x_t$ and $x_0$ are known: the **posterior** | `q_posterior`, `"fixed_small"` |
# | $\sigma_t$ | `sigma` | a number | how much noise a step back adds, a standard deviation | |
# | $z$ | `z` | like `x_t` | this added noise, before it is scaled: Gaussian, mean 0, variance 1 | `variance_noise` |

# %% [markdown] slideshow={"slide_type": "notes"}
# The time is given to a model as a tensor of shape `(B,)`, one whole number for each image. Where a model can be told what to draw, a third argument `c` does it: `model(x_t, t, c)`. Until notebook 05 we only use it to ask for a class.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · One step back
#
# <!-- Lecture, 5 minutes. Let them find the factor that nobody can know. Do not derive (1): say that it is a compromise of two facts, and count. Both derivations are below. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# The way there, the **forward process**, was easy: add noise. The way back is called the **reverse process**.

# %% [markdown] slideshow={"slide_type": "-"}
# **Question.** You are given a noisy picture $x_t$. What was it one step earlier? Bayes' rule has a formula. Which factor of it can nobody compute?
#
# $$q(x_{t-1} \mid x_t) = \frac{q(x_t \mid x_{t-1})\; q(x_{t-1})}{q(x_t)}.$$

# %% [markdown] slideshow={"slide_type": "fragment"}
# Nobody knows $q(x_{t-1})$: how probable this noisy picture is among the noisy versions of *all pictures in the world*.

# %% [markdown] slideshow={"slide_type": "notes"}
# The first factor is a Gaussian, (1) of notebook 01, and $q(x_t)$ does not depend on $x_{t-1}$.

# %% [markdown] slideshow={"slide_type": "subslide"}
# Now suppose somebody tells us the clean picture. Then everything on the right is known, and everything is Gaussian:
#
# $$q(x_{t-1} \mid x_t, x_0) = \mathcal N\big(\tilde\mu_t(x_t, x_0),\; \tilde\beta_t I\big),$$
#
# $$\tilde\mu_t(x_t, x_0) = \frac{\sqrt{\bar\alpha_{t-1}}\,\beta_t}{1-\bar\alpha_t}\; x_0 + \frac{\sqrt{\alpha_t}\,(1-\bar\alpha_{t-1})}{1-\bar\alpha_t}\; x_t,
# \qquad \tilde\beta_t = \frac{1-\bar\alpha_{t-1}}{1-\bar\alpha_t}\,\beta_t. \tag{1}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# It is a compromise. $x_{t-1}$ is a slightly noisy version of $x_0$, and $x_t$ is a slightly noisier version of $x_{t-1}$. Each of the two facts gives an estimate of $x_{t-1}$, and each estimate counts by one over its variance.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict.** Is (1) true? Make two million pairs $(x_4, x_5)$ of one number each, from $x_0 = 0.7$. Where $x_5$ is near 0.6, is $x_4$ nearer to 0.6 or to 0.7?
#
# <details><summary>Two derivations of (1)</summary>
#
# <em>Collect the squares.</em> Up to a constant, the logarithm of Bayes' rule is
# $-\frac{(x_t - \sqrt{\alpha_t}\,x_{t-1})^2}{2\beta_t} - \frac{(x_{t-1} - \sqrt{\bar\alpha_{t-1}}\,x_0)^2}{2(1-\bar\alpha_{t-1})}$.
# What stands before $-\frac12 x_{t-1}^2$ is one over the variance: $\frac{\alpha_t}{\beta_t} + \frac{1}{1-\bar\alpha_{t-1}} = \frac{1-\bar\alpha_t}{\beta_t\,(1-\bar\alpha_{t-1})} = \frac{1}{\tilde\beta_t}$.
# What stands before $x_{t-1}$, times $\tilde\beta_t$, is the mean: $\tilde\beta_t\Big(\frac{\sqrt{\alpha_t}}{\beta_t}\,x_t + \frac{\sqrt{\bar\alpha_{t-1}}}{1-\bar\alpha_{t-1}}\,x_0\Big) = \tilde\mu_t$.
#
# <em>Draw a line.</em> Given $x_0$, the pair $(x_{t-1}, x_t)$ is Gaussian, with variances $1-\bar\alpha_{t-1}$ and $1-\bar\alpha_t$ and covariance $\sqrt{\alpha_t}\,(1-\bar\alpha_{t-1})$. The best guess at one from the other is a line with slope $k$, covariance over variance:
# $k = \frac{\sqrt{\alpha_t}\,(1-\bar\alpha_{t-1})}{1-\bar\alpha_t}$, mean $\sqrt{\bar\alpha_{t-1}}\,x_0 + k\,(x_t - \sqrt{\bar\alpha_t}\,x_0)$, variance $(1-\bar\alpha_{t-1})(1 - k\sqrt{\alpha_t}) = \tilde\beta_t$.
# </details>

# %% slideshow={"slide_type": "fragment"}
from course_utils import plot_histograms

t, x0, n = 5, 0.7, 2_000_000
linear = linear_schedule(500)
alpha, beta, ab = (table.float() for table in (linear.alpha, linear.beta, linear.alpha_bar))
earlier = ab[t - 1].sqrt() * x0 + (1 - ab[t - 1]).sqrt() * torch.randn(n, generator=randomness)
later = alpha[t].sqrt() * earlier + beta[t].sqrt() * torch.randn(n, generator=randomness)
picked = earlier[(later - 0.6).abs() < 0.005]

first = ab[t - 1].sqrt() * beta[t] / (1 - ab[t])  # (1), the weight of x_0
second = alpha[t].sqrt() * (1 - ab[t - 1]) / (1 - ab[t])  # (1), the weight of x_t
mean, sigma = first * x0 + second * 0.6, linear.posterior_variance[t].sqrt()
print(f"counted:     mean {picked.mean():.3f}, standard deviation {picked.std():.3f}")
print(f"formula (1): mean {mean:.3f}, standard deviation {sigma:.3f}")
print(f"weights: {first:.3f} for the clean picture, {second:.3f} for the noisy one")
of_x0 = linear.alpha_bar[:-1].sqrt() * linear.beta[1:] / (1 - linear.alpha_bar[1:])
print("weight of x_0 at t = 1, 2, 20, 500:", *(f"{of_x0[t - 1]:.3f}" for t in (1, 2, 20, 500)))
density = torch.distributions.Normal(mean, sigma).log_prob
plot_histograms({"counted": picked}, lambda x: density(x).exp(), "x₄", density_name="formula (1)")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Counted and computed agree, and $x_4$ is nearer to 0.6.

# %% [markdown] slideshow={"slide_type": "notes"}
# The mean in (1) is 0.29 of the clean picture and 0.71 of the noisy one. The derivations say it for all $t$. Except at the last few times, a step back is nearly all of $x_t$, and a little of the clean picture.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2 · Ask the denoiser
#
# <!-- Lecture, 2 minutes. The answer is $x_0$, and only $x_0$. Point at each thing in (1) and let them say where it comes from. -->
#
# **Question.** We want to draw. For one step back, which thing in (1) do we not know?

# %% [markdown] slideshow={"slide_type": "fragment"}
# A **denoiser** has a guess. It looks at $x_t$ and says which noise it sees, $\hat\varepsilon = \varepsilon_\theta(x_t, t)$. By (4) of notebook 01 that is a guess at the clean picture:
#
# $$\hat x_0 = \frac{x_t - \sqrt{1-\bar\alpha_t}\;\hat\varepsilon}{\sqrt{\bar\alpha_t}}. \tag{2}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# Put $\hat x_0$ where (1) has $x_0$, take the step, and ask again.
#
# May one do that? The mean in (1) is a straight line in $x_0$. So the mean of $x_{t-1}$ given $x_t$ alone is *exactly* (1) with $\mathbb E[x_0 \mid x_t]$ in the place of $x_0$, and that is what a good denoiser answers. Two things are approximations: the true variance is larger, since $x_0$ is not certain, and the true shape is no Gaussian. Both errors come through the weight of $x_0$, which is small where $\beta_t$ is small beside $1-\bar\alpha_t$. (Section 5 measures what the variance is worth.)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 1 · The mean of a step (medium, 10 minutes)
#
# Write $\tilde\mu_t$ for a model's answer: first (2), then the mean in (1). Here `t` is one whole number for the whole batch, so `schedule.beta[t]` is a tensor of one number, and needs no shape or type to be changed.

# %% slideshow={"slide_type": "skip"} tags=["exercise"]
from course_utils import check_posterior_mean


def posterior_mean(x_t, eps, t, schedule):
    return ...  # your code: equation (2), then the mean in equation (1)


check_posterior_mean(posterior_mean)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "skip"} tags=["solution"]
# @title Solution 1
def posterior_mean(x_t, eps, t, schedule):
    beta, alpha = schedule.beta[t], schedule.alpha[t]
    ab_prev, ab = schedule.alpha_bar[t - 1], schedule.alpha_bar[t]
    x0_hat = (x_t - (1 - ab).sqrt() * eps) / ab.sqrt()  # (2)
    return (
        ab_prev.sqrt() * beta / (1 - ab) * x0_hat + alpha.sqrt() * (1 - ab_prev) / (1 - ab) * x_t
    )  # (1)


check_posterior_mean(posterior_mean)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3 · The famous line
#
# <!-- Lecture, 4 minutes. (3) is (1) with (2) put in. Read it aloud from the inside out. Then ask why noise is added, collect answers, and leave them open until section 6. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# Put (2) into (1) and collect what stands before $x_t$ and what stands before $\hat\varepsilon$. Almost everything cancels, because $\bar\alpha_t = \alpha_t\bar\alpha_{t-1}$. What is left, with noise $z$ of the right size, is
# line 4 of Algorithm 2 in the DDPM paper:

# %% [markdown] slideshow={"slide_type": "-"}
# $$x_{t-1} = \frac{1}{\sqrt{\alpha_t}}\Big(x_t - \frac{\beta_t}{\sqrt{1-\bar\alpha_t}}\;\hat\varepsilon\Big) + \sigma_t\, z, \qquad \sigma_t^2 = \tilde\beta_t, \qquad z = 0 \text{ at } t = 1. \tag{3}$$

# %% [markdown] slideshow={"slide_type": "fragment"}
# Take away a little of the noise that you see, undo the shrinking of one step, and add fresh noise.

# %% [markdown] slideshow={"slide_type": "fragment"}
# **Question.** Add noise, in order to *remove* noise? What could it be for?

# %% [markdown] slideshow={"slide_type": "notes"}
# It looks like a mistake. Section 6 leaves it out, and you will see.
#
# $z = 0$ at the last step, because a finished picture should not be made noisy again. With $\sigma_t^2 = \tilde\beta_t$ that happens by itself: $\tilde\beta_1 = 0$.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 2 · Write `ddpm_step` (medium, 10 minutes)
#
# $$x_{t-1} = \frac{1}{\sqrt{\alpha_t}}\Big(x_t - \frac{\beta_t}{\sqrt{1-\bar\alpha_t}}\;\hat\varepsilon\Big) + \sqrt{\tilde\beta_t}\; z$$
#
# `t` is one whole number, and $z$ is handed in as `noise`. $\tilde\beta_t$ is `schedule.posterior_variance[t]`. You do not need `t_prev`, which is $t-1$.
#
# <!-- Two at a table. Walk round: most forget the root of the variance, or put $\sqrt{\alpha_t}$ under the first $x_t$ only. Whoever is done early writes the loop of exercise 3. -->

# %% slideshow={"slide_type": "-"} tags=["exercise", "show-code"]
from course_utils import check_ddpm_step


def ddpm_step(x_t, eps, t, t_prev, schedule, noise):
    return ...  # your code: equation (3)


check_ddpm_step(ddpm_step)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it. (Samplers in notebook 06 take longer steps and need `t_prev`; all step functions have the same arguments.)


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"} tags=["solution", "show-code"]
# @title Solution 2
def ddpm_step(x_t, eps, t, t_prev, schedule, noise):
    beta, ab = schedule.beta[t], schedule.alpha_bar[t]
    mean = (x_t - beta / (1 - ab).sqrt() * eps) / (1 - beta).sqrt()
    return mean + schedule.posterior_variance[t].sqrt() * noise  # (3)


check_ddpm_step(ddpm_step)

# %% [markdown] slideshow={"slide_type": "skip"}
# Is the mean in (3) really that of exercise 1, at all times?

# %% slideshow={"slide_type": "skip"}
x_t, eps = torch.randn((2, 4, 3, 16, 16), generator=randomness, dtype=torch.float64)
for t in range(1, linear.T + 1):
    short_form = ddpm_step(x_t, eps, t, t - 1, linear, noise=0 * x_t)
    assert torch.allclose(short_form, posterior_mean(x_t, eps, t, linear), atol=1e-9)
print("(1) with (2) put in, and (3), have the same mean at all 500 times")

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 3 · The loop (medium, 10 minutes)
#
# Begin with the noise `x`. For $t = T, T-1, \dots, 1$: ask the model, draw a fresh `z` from the generator, take a `ddpm_step`. Return the last `x`.
#
# <details><summary>Hint</summary>
#
# The model wants the time of each image: <code>torch.full((len(x),), t)</code>. Noise comes from <code>torch.randn(x.shape, generator=generator, dtype=x.dtype)</code>.
# </details>

# %% slideshow={"slide_type": "skip"} tags=["exercise"]
from course_utils import check_sampling_loop


def sampling_loop(model, x, schedule, generator):
    return ...  # your code: a loop of four lines


check_sampling_loop(sampling_loop)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it. This is a complete diffusion sampler.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "skip"} tags=["solution"]
# @title Solution 3
def sampling_loop(model, x, schedule, generator):
    for t in range(schedule.T, 0, -1):
        eps = model(x, torch.full((len(x),), t))
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype)
        x = ddpm_step(x, eps, t, t - 1, schedule, z)
    return x


check_sampling_loop(sampling_loop)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4 · A denoiser that cannot be wrong
#
# <!-- Lecture, 4 minutes. Why an exact denoiser first: whatever is wrong now is the sampler's fault. Let them commit to yes or no, for both questions, before the shares are shown. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# If a sampler draws bad pictures, is it the sampler's fault or the network's? With a network you cannot know. So we try it first where the best answer to *what noise do you see?* can be computed:
# points in the plane that come from six heaps, a **mixture** of six Gaussians. `MixtureDenoiser` weighs the heaps as the `IdealDenoiser` of notebook 01 weighed sprites.

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** The world is six heaps of points, the largest six times as large as the smallest. The denoiser is exact. We begin with 2,000 points of pure noise, one round cloud. Will all six heaps appear? In the right proportions?

# %% slideshow={"slide_type": "fragment"} tags=["show-print"]
from course_utils import MixtureDenoiser, plot_points

angle = torch.arange(6) * torch.pi / 3
heaps = 2 * torch.stack([angle.cos(), angle.sin()], dim=1).double()
weights = torch.tensor([6.0, 5.0, 4.0, 3.0, 2.0, 1.0])
mixture = MixtureDenoiser(heaps, linear, std=0.15, weights=weights)
start = torch.randn((2000, 2), generator=randomness, dtype=torch.float64)


def report(name, points):
    nearest = torch.cdist(points, heaps).argmin(1)
    shares = [f"{(nearest == k).double().mean():4.0%}" for k in range(6)]
    width = (points - heaps[nearest]).std()
    print(f"{name:18} shares {' '.join(shares)}   width of a heap {width:.2f}")


points = sampling_loop(mixture, start, linear, randomness)  # yours
report("the truth", mixture.draw(100_000, randomness))
report("our sampler", points)

# %% [markdown] slideshow={"slide_type": "fragment"}
# All six, in the right proportions up to chance, and each about as wide as it should be.

# %% [markdown] slideshow={"slide_type": "notes"}
# The width is 0.14 beside 0.15: each step adds a little too little noise. Section 5 says why. Nobody told the sampler how many heaps there are: it knows only the answers of the denoiser.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** How does a round cloud become six heaps, and when?

# %% [markdown] slideshow={"slide_type": "notes"}
# `sample` is the loop of exercise 3 in the package. It takes the times to stop at, and any step, such as yours; and it hands out what
# every step leaves behind: `t`, `x` and `x0_hat`.

# %% slideshow={"slide_type": "fragment"}
every_time = linear.timesteps(500)  # 500, 499, … 1, 0
walk = list(sample(mixture, start, every_time, linear, ddpm_step, generator=randomness))
at = {step.t: step.x for step in walk}
panels = torch.stack([start, at[250], at[120], at[60], at[0]])
plot_points(panels[:, :1500], ["t = 500", "t = 250", "t = 120", "t = 60", "t = 0"])

# %% [markdown] slideshow={"slide_type": "fragment"}
# For half of the way nothing seems to happen. At $t = 120$ the middle is thinner, and at 60 the six heaps are there.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5 · How much noise?
#
# <!-- Lecture, 3 minutes. Ask which variance they have seen in code. Both are right, each in its own world. With many small steps it hardly matters; say so. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# In (3) we took $\sigma_t^2 = \tilde\beta_t$, which is right once $x_0$ is known. The other choice in the literature is $\sigma_t^2 = \beta_t$. Each is exact for one world. Notebook 07 measures what each costs.

# %% [markdown] slideshow={"slide_type": "-"}
# - $\sigma_t^2 = \tilde\beta_t$ is exact if the world holds a **single picture**: the denoiser *knows* $x_0$.
# - $\sigma_t^2 = \beta_t$ is exact if the world is **already Gaussian**, with mean 0 and variance 1.
#
# **Predict.** Take 50 large steps, down to $t = 1$. How wrong is the spread if each choice is used in the world of the other?

# %% [markdown] slideshow={"slide_type": "notes"}
# In the Gaussian world $x_{t-1}$ and $x_t$ both have variance 1, and their covariance is $\sqrt{\alpha_t}$. So given $x_t$, the variance of $x_{t-1}$ is $1-\alpha_t = \beta_t$.

# %% slideshow={"slide_type": "fragment"} tags=["show-print"]
short = linear_schedule(50)
cloud, origin = torch.randn((20_000, 2), generator=randomness).double(), torch.zeros(1, 2).double()


def beta_step(x_t, eps, t, t_prev, schedule, noise):
    mean = ddpm_step(x_t, eps, t, t_prev, schedule, 0 * x_t)
    return mean + schedule.beta[t].sqrt() * noise if t > 1 else mean


for world, width in (("a single picture", 0.0), ("a Gaussian", 1.0)):
    exact = MixtureDenoiser(origin, short, std=width)
    truth = (short.alpha_bar[1] * width**2 + 1 - short.alpha_bar[1]).sqrt()
    spreads = []
    for step in (ddpm_step, beta_step):
        *_, last = sample(exact, cloud, range(50, 0, -1), short, step, generator=randomness)
        spreads.append(f"{last.x.std():.3f}")
    print(f"{world:16}: spread should be {truth:.3f}", end=", ")
    print(f"with posterior variance {spreads[0]}, with beta {spreads[1]}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# $\tilde\beta_t$ in the Gaussian world: too narrow by 8 %. $\beta_t$ where there is a single picture: more than twice too wide.

# %% [markdown] slideshow={"slide_type": "notes"}
# With many small steps the two nearly agree, since
# $\tilde\beta_t/\beta_t = (1-\bar\alpha_{t-1})/(1-\bar\alpha_t)$ is close to 1 but for the first few $t$:

# %% slideshow={"slide_type": "skip"}
for t in (2, 5, 20, 100, 500):
    ratio = linear.posterior_variance[t] / linear.beta[t]
    print(f"t = {t:3}: the posterior variance is {ratio:7.2%} of β")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6 · The mistake that everybody should see once
#
# <!-- Lecture, 5 minutes. Take a vote before the picture: six heaps, fewer, or one? Six smaller heaps is a reasonable guess, and wrong. Then let them explain it with (4). -->
#
# **Predict.** Each step is supposed to *remove* noise. So leave $z$ out of (3): same denoiser, same start, same 500 steps. What happens to the six heaps?

# %% slideshow={"slide_type": "subslide"}
from course_utils import ddim_step


def no_noise(x_t, eps, t, t_prev, schedule, noise):
    return ddpm_step(x_t, eps, t, t_prev, schedule, 0 * x_t)


results = {"the truth": mixture.draw(2000, randomness), "DDPM": points}
for name, step in (("DDPM without z", no_noise), ("DDIM", ddim_step)):
    *_, last = sample(mixture, start, every_time, linear, step)  # without a generator: no noise
    results[name] = last.x
for name, found in results.items():
    report(name, found)
assert results["DDPM without z"].std(0).max() < 0.05 < 1 < results["DDIM"].std(0).min()
plot_points(torch.stack(list(results.values()))[:, :1500], list(results))

# %% [markdown] slideshow={"slide_type": "fragment"}
# Without $z$ all 2,000 points end in one place. DDIM adds no noise either, and finds all six heaps.

# %% [markdown] slideshow={"slide_type": "notes"}
# Five heaps are gone, and it is not even the largest that is left. It is the one that lies in the direction of the average of all.
#
# The usual explanation is that "the network expects normally distributed input". That cannot be the reason: this denoiser is a formula, and it answers rightly about any input. And the fourth picture was made by **DDIM**, from the same
# start, with the same denoiser. (Its step splits $x_t$ into picture and noise, and mixes the two anew for $t-1$. It keeps the old noise in place of $z$; notebook 06.)
#
# The reason: the mean in (3) is made for a step with noise.

# %% [markdown] slideshow={"slide_type": "subslide"}
# The simplest world is a Gaussian with variance 1, where $\hat\varepsilon = \sqrt{1-\bar\alpha_t}\;x_t$. Put it into (3), without $z$:
#
# $$\frac{1}{\sqrt{\alpha_t}}\big(x_t - \beta_t\, x_t\big) = \sqrt{\alpha_t}\; x_t. \tag{4}$$

# %% [markdown] slideshow={"slide_type": "-"}
# **Question.** What do 500 such steps make of the cloud?

# %% slideshow={"slide_type": "fragment"} tags=["show-print"]
from course_utils import GaussianDenoiser

mean, std = torch.zeros(2).double(), torch.ones(2).double()
gaussian = GaussianDenoiser(mean, std, linear)
for name, step in (("DDPM without z", no_noise), ("DDIM", ddim_step)):
    *_, last = sample(gaussian, start[:500], every_time, linear, step)
    print(f"{name:15}: the spread becomes {last.x.std() / start[:500].std():.3f} times what it was")
print(f"√ᾱ_500 = {linear.alpha_bar[500].sqrt():.3f}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# The mean *shrinks* the cloud. The noise fills it up again.

# %% [markdown] slideshow={"slide_type": "notes"}
# The mean shrinks it to variance $\alpha_t$, and $\alpha_t + \beta_t = 1$. Leave it out, and 500 steps shrink the cloud by
# $\sqrt{\alpha_1 \alpha_2\cdots\alpha_{500}} = \sqrt{\bar\alpha_{500}}$. All points run to the same average, and from there they all take the same way.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 4 · Somebody else's loop (medium, 10 minutes)
#
# <!-- Its lines are nearly those of exercise 3: show it to those who have written that. -->
#
# "It runs, but it draws garbage." Two things are wrong with this loop. The report shows one of them. The other changes so little that only reading finds it, or the check. Mend both.
#
# <!-- For a second hour, or in place of exercise 2. First all read in silence for two minutes, then name a line. A hint: how many steps are there, and how many noises? -->

# %% slideshow={"slide_type": "-"} tags=["exercise", "show-code", "show-print"]
from course_utils import check_mended_loop


def mended_loop(model, x, schedule, generator):
    noise = torch.randn(x.shape, generator=generator, dtype=x.dtype)
    for t in range(schedule.T, 1, -1):
        times = torch.full((len(x),), t)
        x = ddpm_step(x, model(x, times), t, t - 1, schedule, noise)
    return x


report("this loop", mended_loop(mixture, start, linear, torch.Generator().manual_seed(4)))
check_mended_loop(mended_loop)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: the two mistakes. The same $z$ in every step pushes a point in one direction, 500 times. The missing last step would take away noise of size $\sqrt{\beta_1} = 0.014$. Beside a heap of width 0.15 nobody sees that.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"} tags=["solution", "show-code"]
# @title Solution 4
def mended_loop(model, x, schedule, generator):
    for t in range(schedule.T, 0, -1):  # the last step, from 1 to 0, was missing
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype)  # anew in each step
        times = torch.full((len(x),), t)
        x = ddpm_step(x, model(x, times), t, t - 1, schedule, noise)
    return x


check_mended_loop(mended_loop)
report("mended", mended_loop(mixture, start, linear, torch.Generator().manual_seed(4)))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 7 · An oracle recites
#
# <!-- Lecture, 2 minutes. Ask what they would pay for a perfect network. Then show that the perfect one copies. -->
#
# **Predict.** Back to pictures. The `IdealDenoiser` of notebook 01 knows our 20,000 sprites by heart, and for a world that holds nothing else no denoiser is better. We draw eight sprites with it. Will they be new?

# %% slideshow={"slide_type": "fragment"}
from course_utils import IdealDenoiser, nearest

sprites, contexts = load_sprites()
oracle = IdealDenoiser(sprites, linear)
eight = torch.randn((8, 3, 16, 16), generator=randomness)
*_, last = sample(oracle, eight, linear.timesteps(25), linear, ddim_step)
distance, twins = nearest(last.x, sprites)
print(f"largest distance to the nearest training sprite: {distance.max():.1f}")
show_images(
    torch.cat([last.x, sprites[twins]]), columns=8, row_titles=["drawn", "nearest\nin the data"]
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Every one is in the data, pixel by pixel. With a perfect denoiser for the *data*, diffusion is an expensive way to pick a sprite at random.

# %% [markdown] slideshow={"slide_type": "notes"}
# (We took 25 longer steps of DDIM, to save time: notebook 06.)
#
# A network answers differently, and where its answer differs from the oracle's, it can invent. Why it does so is a question of research. Size alone is not the reason: the same network copies its data if there are a few hundred pictures, and invents others if there are many thousands (Kadkhodaie et al., 2023). And convolutions, which treat all places alike, cannot give the oracle's answers (Kamb and Ganguli, 2024).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 8 · The network draws
#
# <!-- Lecture, 7 minutes. Say what they will see, then play the movie to the end without a word. Ask at which $t$ they saw the first face, drag the slider back there, and go on. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# `load_pretrained` gives us a network that has seen the 20,000 sprites, each with random noise at random times, and the schedule that it was trained with. Here that is the *cosine* schedule of notebook 01, which spends fewer of its 500 times on pictures that are noise and nothing else.

# %% [markdown] slideshow={"slide_type": "-"}
# **Question.** Now a network. It has seen the 20,000 sprites, and begins 32 times with pure noise: 500 steps of (3). When do you recognise the first one?

# %% slideshow={"slide_type": "skip"}
model, cosine = load_pretrained("sprites")
parameters = sum(p.numel() for p in model.parameters())
print(f"{parameters:,} numbers in the network, {sprites.numel():,} in the data")
c = torch.eye(5)[torch.arange(32) % 5]  # what to draw, one-hot: notebook 05
x_T = torch.randn((32, 3, 16, 16), generator=randomness)

# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
walk = sample(model, x_T, every_time, cosine, ddpm_step, c, randomness)
steps = list(tqdm(walk, total=500))  # up to a minute on a slow machine

# %% [markdown] slideshow={"slide_type": "notes"}
# This is how they come to be:

# %% slideshow={"slide_type": "subslide"} tags=["nbval-ignore-output"]
from course_utils import animate

film = [0, 100, 150, 180, *range(200, 290, 15), 300, 325, 350, 400, 499]
animate(
    [steps[i].x for i in film],
    [f"t = {steps[i].t}" for i in film],
    alt="32 sprites appear from noise as t falls from 500 to 0",
    milliseconds=300,
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Nobody drew these. For a third of the way there is nothing to see; then shapes, then colours, and at last the speckles go.

# %% [markdown] slideshow={"slide_type": "notes"}
# The end of the walk:

# %% slideshow={"slide_type": "skip"}
drawn = steps[-1].x
print(f"{(drawn.abs() <= 1.05).float().mean():.0%} of the numbers lie in [−1, 1], or nearly")
show_images(drawn, columns=8)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Inside a step
#
# <!-- Let them write down one word. Then move the slider to their $t$. -->
#
# **Predict.** What does the network *believe* at $t = 480$, when you see nothing but noise?

# %% [markdown] slideshow={"slide_type": "notes"}
# Move the slider. The top row is what the network gets, the middle row the noise it sees, the bottom row the picture that it has in mind, $\hat x_0$ of equation (2).

# %% slideshow={"slide_type": "subslide"} tags=["nbval-ignore-output"]
from course_utils import Step, trajectory_slider

six = [Step(s.t, s.x[:6], s.x0_hat[:6]) for s in steps]
trajectory_slider(x_T[:6], six, cosine)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Where you see nothing but noise, it already has a shape in mind.

# %% [markdown] slideshow={"slide_type": "notes"}
# Some stops for one of them:

# %% slideshow={"slide_type": "subslide"}
stops, one = [490, 470, 440, 400, 350, 300, 220, 120, 20], slice(0, 1)
inputs, guesses = {s.t: s.x[one] for s in steps}, {s.t + 1: s.x0_hat[one] for s in steps}
x_t = torch.cat([inputs[t] for t in stops])
x0_hat = torch.cat([guesses[t] for t in stops])
eps_hat = cosine.predict_eps(x_t, torch.tensor(stops), x0_hat)
for t in (490, 400, 220, 20):
    off = (guesses[t] - drawn[one]).square().mean().sqrt()
    print(f"t = {t:3}: what it has in mind is {off:.2f} from the end")
rows = torch.cat([x_t, eps_hat, x0_hat])
show_images(
    rows, titles=[f"t = {t}" for t in stops], row_titles=["x_t", "noise it\nsees", "in mind"]
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# At first it has a blot in mind: the average of everything it could still become. Then it gets an outline, then parts, and last its final colours.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### With another schedule than its own
#
# **Predict.** Somebody loads the weights and takes the *linear* schedule. At each $t$ there is another amount of noise than the network expects. Garbage?

# %% slideshow={"slide_type": "fragment"}
rows = []
for name, schedule in (("its own", cosine), ("linear", linear)):
    *_, last = sample(model, x_T, schedule.timesteps(25), schedule, ddim_step, c)
    colour = (last.x.amax(1) - last.x.amin(1)).mean()  # 0 for grey
    print(f"{name:7}: largest minus smallest colour of a pixel {colour:.2f} on average")
    rows.append(last.x[:8])
print(f"sprites: {(sprites.amax(1) - sprites.amin(1)).mean():.2f}")
show_images(torch.cat(rows), columns=8, row_titles=["its own", "linear"])


# %% [markdown] slideshow={"slide_type": "fragment"}
# Crisp sprites, and no error. But some are recoloured, one is another drawing, and over all 32 the colours are stronger by a fifth.

# %% [markdown] slideshow={"slide_type": "notes"}
# The sprites of the data lie in between, so this number does not say which is better. That is why a network and its schedule are kept in one file here.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Without the extra noise, again
#
# **Predict.** Section 6, with pictures: no $z$, and for each of three classes two starts of different noise. Where do *they* run together?


# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
def six_and_six(*given, noise):  # the first six with β, the others without noise
    return torch.cat([beta_step(*given, noise)[:6], no_noise(*given, noise)[6:]])


pairs = [0, 1, 2, 5, 6, 7]  # two heroes, two non-heroes, two foods
twice = pairs + pairs
walk = sample(model, x_T[twice], every_time, cosine, six_and_six, c[twice], randomness)
*_, last = tqdm(walk, total=500)
with_beta, without_z = last.x.chunk(2)


# %% [markdown] slideshow={"slide_type": "notes"}
# **Question.** Sprites 1 and 4 are heroes, 2 and 5 non-heroes, 3 and 6 foods. How much do two drawings of one class differ?


# %% slideshow={"slide_type": "subslide"}
def differ(pictures):
    return (pictures[:3] - pictures[3:]).square().mean().sqrt()


three = {"σ² = β̃": drawn[pairs], "σ² = β": with_beta, "no noise": without_z}
for name, pictures in three.items():
    print(f"{name:9}: two of one class differ by {differ(pictures):.2f}")
assert differ(without_z) < 0.6 * differ(drawn[pairs])
show_images(torch.cat(list(three.values())), columns=6, row_titles=list(three))

# %% [markdown] slideshow={"slide_type": "fragment"}
# Without $z$ each class runs together into a single drawing, though the noise differed.

# %% [markdown] slideshow={"slide_type": "notes"}
# In the last row 1 and 4 are the same hero, 2 and 5 the same non-hero, 3 and 6 the same food. The first two rows are sprites, and you can hardly tell which variance made which.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 9 · New, or learned by heart?
#
# <!-- Lecture, 2 minutes. Ask what "far" means before you show a distance. A number without a comparison says nothing. -->
#
# **Question.** The oracle recited. Does the network? How far is a drawn sprite from the nearest one in the data, and what does *far* mean?

# %% [markdown] slideshow={"slide_type": "notes"}
# We need something to compare with: sprites that the same artist drew and the network never saw. (The distance is the root of the summed squared differences of all 768 numbers.)

# %% slideshow={"slide_type": "fragment"}
held_out, held_out_c = load_sprites(split="test")
distance, twins = nearest(drawn, sprites)
usual, _ = nearest(held_out[:500], sprites)
print(f"drawn sprites:    median distance {distance.median():.1f}, smallest {distance.min():.1f}")
print(f"held-out sprites: median distance {usual.median():.1f}, smallest {usual.min():.1f}")
assert distance.median() > usual.median() and distance.min() > 1
both = torch.cat([drawn[:8], sprites[twins[:8]]])
show_images(both, columns=8, row_titles=["drawn", "nearest\nin the data"])

# %% [markdown] slideshow={"slide_type": "fragment"}
# No copy among 32: the nearest is 9.8 away, the median 14.8. For sprites of the same artist that the network never saw, the median is 10.9.

# %% [markdown] slideshow={"slide_type": "notes"}
# (A few held-out sprites have a near double in the data.)
#
# A large distance is no merit, though: a smudge is far from every sprite as well. Whether the pictures are *good* is another question. Section 11 begins to measure it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 10 · Three questions that everybody asks
#
# <!-- Lecture, 5 minutes. Let the room answer all three before you go on, and keep the answers on the board. -->
#
# - Why not stop at an early $\hat x_0$, and save the other steps?
# - Why do most networks predict the noise?
# - Why does it not predict $x_{t-1}$ directly?

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Why not stop at an early $\hat x_0$?

# %% slideshow={"slide_type": "-"}
early = next(step.x0_hat for step in steps if step.t == 479)  # the step that left t = 480
average = torch.stack([sprites[contexts[:, k] == 1].mean(0) for k in range(5)])
off = (early - average[torch.arange(32) % 5]).square().mean().sqrt()
print(f"the early x̂_0 differ from the average of their class by {off:.2f}")
print(f"averages of two classes differ by {average.diff(dim=0).square().mean().sqrt():.2f}")
contrast = early.diff(dim=3).abs().mean() / sprites.diff(dim=3).abs().mean()
print(f"neighbouring pixels differ {contrast:.2f} times as much as in sprites")
rows = torch.cat([early[:5], average])
show_images(rows, columns=5, row_titles=["early x̂₀", "average of\nthe class"])

# %% [markdown] slideshow={"slide_type": "fragment"}
# At $t = 480$ it has nearly the average of the class in mind. That is no failure: of all answers the average has the smallest expected squared error.

# %% [markdown] slideshow={"slide_type": "notes"}
# *One* sprite instead of an average takes many small steps, and a new question after each.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Why do most networks predict the noise?

# %% [markdown] slideshow={"slide_type": "notes"}
# By (2), one error is the other times a number:

# %% [markdown] slideshow={"slide_type": "-"}
# $$\lVert \varepsilon - \hat\varepsilon \rVert^2 = \mathrm{SNR}_t\; \lVert x_0 - \hat x_0 \rVert^2, \qquad \mathrm{SNR}_t = \frac{\bar\alpha_t}{1-\bar\alpha_t}. \tag{5}$$
#
# **Question.** "Because that is easier" is what one reads. Is it?

# %% slideshow={"slide_type": "fragment"} tags=["show-print"]
x0, cls = held_out[:64], held_out_c[:64]
eps, error_of_x0 = torch.randn(x0.shape, generator=randomness), {}
for t in (20, 200, 400, 480):
    with torch.no_grad():
        x_t = cosine.add_noise(x0, t, eps)
        eps_hat = model(x_t, torch.full((64,), t), cls)
    in_eps = (eps - eps_hat).square().mean()
    in_x0 = (x0 - cosine.predict_x0(x_t, t, eps_hat)).square().mean()
    error_of_x0[t] = in_x0
    assert torch.isclose(in_eps, cosine.snr[t].float() * in_x0, rtol=1e-3)  # (5)
    print(f"t = {t:3}: error of the noise {in_eps:.4f}, error of the picture {in_x0:.4f}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Neither is easier: whoever knows one knows the other. The choice is one of *weights*, of which errors count most.

# %% [markdown] slideshow={"slide_type": "notes"}
# (5) holds at every level: asking for noise makes the errors at small $t$ count most, asking for the picture those at large $t$. And it decides what the last layer must put out. Ours puts out the picture; a
# wrapper turns it into noise, so samplers need no change. Notebook 04 compares the two, and a mixture of both.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Think.** What must the wrapper compute, so that a network that puts out $\hat x_0$ can be used with `ddpm_step` as it is written in (3)?
#
# <details><summary>Answer</summary>
#
# The noise that goes with this picture: <code>schedule.predict_eps(x_t, t, x0_hat)</code>, which is (2) solved for the noise. The step cannot tell the difference. In the
# package <code>FromX0(network, schedule)</code> does it once and for all.
# </details>

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Why does the network not predict $x_{t-1}$ directly?

# %% [markdown] slideshow={"slide_type": "notes"}
# It could. What would its loss be? By (1) the error of $x_{t-1}$ has two parts: fresh noise of variance $\tilde\beta_t$, which nobody can foresee, and $w_t^2$ times the error of $x_0$, where $w_t$ is the weight of $x_0$ in (1).

# %% [markdown] slideshow={"slide_type": "-"}
# **Question.** How much lower would its loss be than that of somebody who always takes the average sprite for $x_0$?

# %% slideshow={"slide_type": "fragment"} tags=["show-print"]
beta, ab = cosine.beta.float(), cosine.alpha_bar.float()
for t, error in error_of_x0.items():
    w = ab[t - 1].sqrt() * beta[t] / (1 - ab[t])  # (1), the weight of x_0
    chance = cosine.posterior_variance[t].float()
    lazy, network = chance + w**2 * sprites.var(0).mean(), chance + w**2 * error
    print(f"t = {t:3}: lower by {1 - network / lazy:6.2%}; by chance alone {chance / lazy:6.2%}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# At $t = 200$ and above, all that the network knows lowers this loss by less than 1 %. Nearly all of it is chance.

# %% [markdown] slideshow={"slide_type": "notes"}
# Only at the smallest $t$, where a step ends close to the picture, it counts. A network that predicts $\varepsilon$ or $x_0$ is asked only for what can be known, and (1) does the rest exactly.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 11 · The everyday call
#
# <!-- Lecture, 4 minutes. One call draws 32 sprites. Why 25 steps are enough is for notebook 06. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# Five hundred steps take a while. `sample_ddpm` and `sample_ddim` draw the noise, choose the times and run the loop. DDIM needs far fewer steps; notebook 06 says why.

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** 25 steps instead of 500: is anything lost?

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output", "show-code"]
from course_utils import sample_ddim

quick = sample_ddim(model, (32, 3, 16, 16), cosine, n=25, c=c, generator=randomness)

# %% slideshow={"slide_type": "subslide"}
distance, _ = nearest(quick, sprites)
print(
    f"25 steps: median distance to the data {distance.median():.1f}, smallest {distance.min():.1f}"
)
show_images(quick, columns=8)

# %% [markdown] slideshow={"slide_type": "fragment"}
# A twentieth of the steps. From single pictures nobody can tell whether anything is lost.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### A number for a set of pictures

# %% [markdown] slideshow={"slide_type": "notes"}
# We want to know whether *as a set* they look like the sprites of our artist. The course has a small **judge**, a network that has learned to name the kinds of sprites.

# %% [markdown] slideshow={"slide_type": "-"}
# A judge describes each picture by 64 numbers. Of two sets compare the means $\mu$ and the covariances $\Sigma$:
#
# $$d^2 = \lVert \mu - \mu' \rVert^2 + \mathrm{tr}\big(\Sigma + \Sigma' - 2\,(\Sigma\Sigma')^{1/2}\big). \tag{6}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# Read: how far apart are the averages, and how different are the spreads? (tr is the sum of the diagonal, and $M^{1/2}$ the matrix root.) It is called the **Fréchet distance**, although it is the square of one. The well-known FID is the same with another judge, Inception. Small is good. But how small? With 32 pictures even *real* sprites are far from other real ones: a covariance of 64 numbers cannot be known from 32 pictures. So
# two such distances may be compared only if the judge, the reference and the *number of pictures* are the same. We look at 32 real ones, too.

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** Which is farthest from held-out sprites: 500 steps of DDPM, 25 of DDIM, or the early $\hat x_0$ of section 10?

# %% slideshow={"slide_type": "fragment"} tags=["show-print"]
from course_utils import frechet_distance, load_classifier

judge = load_classifier()
reference = judge.features(held_out[500:])
sets = {"32 real sprites": held_out[:32], "DDPM, 500 steps": drawn, "DDIM, 25 steps": quick}
far = {}
for name, pictures in {**sets, "early x̂_0": early}.items():
    far[name] = frechet_distance(judge.features(pictures.clamp(-1, 1)), reference)
    print(f"{name:15}: Fréchet distance {far[name]:3.0f}")
assert max(far[name] for name in sets) < 0.5 * far["early x̂_0"]

# %% [markdown] slideshow={"slide_type": "fragment"}
# Thirty-two drawn sprites are about as far as thirty-two real ones. The early $\hat x_0$ are more than three times as far.

# %% [markdown] slideshow={"slide_type": "notes"}
# With so few, this number cannot tell more. Notebook 06 draws many.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Think.** Draw the same 32 sprites twice with DDIM, with the same seed, and twice with DDPM, with the same seed. Then with the same *start* but another seed for the steps. Which of the pictures are equal?
#
# <details><summary>Answer</summary>
#
# With the same seed everything is equal, always: all randomness comes from the generator. With the same start and other noise in the steps, DDIM draws the same pictures, since its steps are not
# random; DDPM draws others, since each step adds chance.
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What breaks if …
#
# <!-- Read out the left column and let the room say the middle one. -->
#
# | you … | then … | seen in |
# |---|---|---|
# | leave out $z$ | all samples run together: six heaps to one, a class to one drawing | sections 6 and 8 |
# | take another schedule than the network's own | you get stronger colours, some other drawings, and nothing fails | section 8 |
# | take $\sigma_t^2 = \beta_t$ where the world is a single picture | at $t = 1$ the spread is more than twice what it should be | section 5 |
# | stop at an early $\hat x_0$ | you get nearly the average of the class | section 10 |
# | use a perfect denoiser of the data | you get the data | section 7 |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you know now
#
# <!-- Close, 2 minutes. Ask for the one sentence of today before you come to this slide. -->
#
# **`ddpm_step` takes away a little of the noise that the model sees, undoes the shrinking, and adds fresh noise. Leave the fresh noise out, and all samples run together.**

# %% [markdown] slideshow={"slide_type": "notes"}
# - One step back is a Gaussian, once you know the clean picture. A denoiser's guess in its place gives the right mean, and nearly the right variance if the step is short beside the noise that is left.
# - Around `ddpm_step` stands a loop of four lines.
# - With a denoiser that cannot be wrong, a sampler can be graded: all heaps, right shares, right width.
# - The mean of a step moves all points closer together, and its noise spreads them again.
# - A perfect denoiser of the data recites the data. Our network does not: no drawn sprite is a copy.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References and next
#
# - J. Ho, A. Jain, P. Abbeel, *Denoising Diffusion Probabilistic Models* (DDPM), 2020, [arXiv:2006.11239](https://arxiv.org/abs/2006.11239): our (1) is its (6) and (7), our (3) its Algorithm 2; both variances in its section 3.2.
# - J. Sohl-Dickstein et al., *Deep Unsupervised Learning using Nonequilibrium Thermodynamics*, 2015, [arXiv:1503.03585](https://arxiv.org/abs/1503.03585): small steps back are Gaussian.
# - J. Song, C. Meng, S. Ermon, *Denoising Diffusion Implicit Models* (DDIM), 2020, [arXiv:2010.02502](https://arxiv.org/abs/2010.02502): a step without fresh noise.
# - T. Salimans, J. Ho, *Progressive Distillation for Fast Sampling of Diffusion Models*, 2022, [arXiv:2202.00512](https://arxiv.org/abs/2202.00512): $v$, and (5) in its section 4.
# - Z. Kadkhodaie et al., *Generalization in diffusion models arises from geometry-adaptive harmonic representations*, 2023, [arXiv:2310.02557](https://arxiv.org/abs/2310.02557); M. Kamb, S. Ganguli, *An Analytic Theory of Creativity in Convolutional Diffusion Models*, 2024, [arXiv:2412.20292](https://arxiv.org/abs/2412.20292): why networks invent.
# - M. Heusel et al., *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium*, 2017, [arXiv:1706.08500](https://arxiv.org/abs/1706.08500): the Fréchet distance (6) and FID.
#
# **Next: 03 · Network.** What has to be inside?
