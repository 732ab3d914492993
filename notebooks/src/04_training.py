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
# # 04 · Training
#
# **How does it learn to see through noise?**
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/noise-to-sprites/noise-to-sprites/blob/main/notebooks/04_training.ipynb)

# %% [markdown] slideshow={"slide_type": "notes"}
# In this notebook a network that knows nothing learns to draw, while you watch. You write the loss, the loop, and the two habits that
# make the loop work well. At the end you can train one on sprites of your own.

# %% slideshow={"slide_type": "skip"}
import sys

if "google.colab" in sys.modules:  # Colab gets the course first; elsewhere this does nothing
    course = "git+https://github.com/noise-to-sprites/noise-to-sprites@main"
    get_ipython().run_line_magic("pip", f"install -q {course}")
import torch
from course_utils import ContextUnet, FromX0, load_pretrained, load_sprites, sample, show_images
from tqdm.auto import tqdm

randomness = torch.Generator().manual_seed(4)  # run from top to bottom for the text's numbers

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
end, schedule = load_pretrained("sprites")
torch.manual_seed(0)  # the seed of its training: so these are its first weights
start = FromX0(ContextUnet(), schedule).eval().requires_grad_(False)
early, middle = (load_pretrained(name)[0] for name in ("sprites-early", "sprites-middle"))
checkpoints = {"start": start, "early": early, "middle": middle, "end": end}  # of one network
x_T = torch.randn((10, 3, 16, 16), generator=randomness)  # the same noise for all of them
c = torch.eye(5)[torch.arange(10) % 5]
rows = []
for model in checkpoints.values():
    *_, last = sample(model, x_T, schedule.timesteps(25), schedule, c=c)
    rows.append(last.x)
show_images(torch.cat(rows), columns=10, row_titles=list(checkpoints))

# %% [markdown] slideshow={"slide_type": "fragment"}
# One network at four ages, from before its first step to the end. Every column began with the same noise.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## After this notebook you can …
#
# - **write** `diffusion_loss`, the question that DDPM learns from, and the loop that asks it,
# - **say** why times are random, the learning rate falls, and weights are averaged,
# - **train** a small network from nothing, in a minute or two,
# - **read** a loss curve without being fooled,
# - **train** on your own sprites, and find a leak between them and the exam.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Time:** about 50 minutes, and 45 more with the exercises. **You need:** notebooks 01 and 02; from 03 only that there is a network. What a gradient is. No GPU.
#
# If a cell stops with an error, or its numbers do not fit the text, restart the kernel and run all cells from the top.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols
#
# | math | code | shape | meaning | elsewhere called |
# |---|---|---|---|---|
# | $\varepsilon_\theta(x_t, t, c)$ | `model(x_t, t, c)` | like `x_t` | the noise that the network sees | `noise_pred` |
# | $c$ | `c` | `(B, 5)` | the context: what to draw (notebook 05) | `class_labels` |
# | $\theta$ | `model.parameters()` | many | its weights: all the numbers that learning changes | |
# | $L(\theta)$ | `loss` | a number | how wrong the network is on average | $L_\text{simple}$ (DDPM) |
# | $w_t$ | `weight` | `(T+1,)` | how much an error at time $t$ counts | `snr_weight`, $\lambda(t)$ |
# | $g$ | `p.grad` | like $\theta$ | the gradient of the loss: which way it rises | |
# | $k,\ n$ | `step`, `steps` | whole numbers | which step of learning it is, from 0, and how many there are | `global_step` |
# | $\lambda_k$ | `learning_rate` | a number | how far a step goes | `lr` |
# | $\bar\theta$ | `average` | like $\theta$ | an average of the weights of the last steps | EMA, `ema_model` |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · A question whose answer we know
#
# <!-- Lecture, 3 minutes. Read (1) aloud from the inside out. Then ask for the loss of somebody who always says "no noise". It is 1, and it is the number to beat. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# Draw a sprite, a time and a noise, mix them, and ask: *which noise is in here?* You know, since you made it. Learning means to answer
# very many such questions, and to be corrected a little after each.

# %% [markdown] slideshow={"slide_type": "-"}
# How wrong an answer is, the **loss** says, a mean squared error:
#
# $$L(\theta) = \mathbb E_{x_0,\, t,\, \varepsilon}\ \big\lVert\, \varepsilon - \varepsilon_\theta\big(\underbrace{\sqrt{\bar\alpha_t}\; x_0 + \sqrt{1-\bar\alpha_t}\;\varepsilon}_{x_t},\ t\big)\big\rVert^2. \tag{1}$$

# %% [markdown] slideshow={"slide_type": "fragment"}
# Read $\mathbb E$ as "on average over": all sprites $x_0$, all times $t = 1 \dots T$ alike, all noises $\varepsilon$. By $\lVert\cdot\rVert^2$ we mean the *mean* over the 768 numbers of a picture.

# %% [markdown] slideshow={"slide_type": "notes"}
# Where does (1) come from? The steps back are Gaussians whose means the network chooses. To make the data as probable as possible (maximum **likelihood**), these means must fit, and how badly they fit is the squared error of the noise, times a number for each $t$. DDPM left out these numbers: hence "simple loss". Notebook 07, section 5, derives them.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** What is a good loss? Let us grade two answers that need no network, "there is no noise" and "it is all noise", beside the network that comes with the course.

# %% slideshow={"slide_type": "fragment"} tags=["show-print"]
sprites, contexts = load_sprites()
held_out, held_out_c = load_sprites(split="test")  # 2,000 sprites that no network has seen
x0, c = held_out[:64], held_out_c[:64]
eps = torch.randn(x0.shape, generator=randomness)
for t in (50, 200, 450):
    x_t = schedule.add_noise(x0, t, eps)
    eps_hat = checkpoints["end"](x_t, torch.full((64,), t), c)
    answers = {"no noise": 0 * x_t, "all noise": x_t, "network": eps_hat}
    errors = [f"{name} {(eps - a).square().mean():.2f}" for name, a in answers.items()]
    print(f"t = {t:3}: " + ",  ".join(errors))

# %% [markdown] slideshow={"slide_type": "notes"}
# The answer "no noise" has a loss of 1, the variance of the noise. At $t = 450$ the lazy answer "all noise" has an error of 0.02, and says nothing about the picture.

# %% [markdown] slideshow={"slide_type": "fragment"}
# So a number such as 0.05 is neither good nor bad: **it depends on the level**.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 1 · The loss (medium, 10 minutes)
#
# Write (1) for a batch. Draw one time for **each** image, then a noise for each, both from the generator. Return the mean of the squared error as a tensor.
#
# <details><summary>Hint</summary>
#
# <code>torch.randint(…, generator=generator)</code> leaves out its upper end. <code>schedule.add_noise(x0, t, eps)</code> mixes.
# </details>

# %% slideshow={"slide_type": "-"} tags=["exercise", "show-code"]
from course_utils import check_diffusion_loss


def diffusion_loss(model, x0, c, schedule, generator):
    return ...  # your code: equation (1), in four lines


check_diffusion_loss(diffusion_loss)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"} tags=["solution", "show-code"]
# @title Solution 1
def diffusion_loss(model, x0, c, schedule, generator):
    t = torch.randint(1, schedule.T + 1, (len(x0),), generator=generator)
    eps = torch.randn(x0.shape, generator=generator)
    x_t = schedule.add_noise(x0, t, eps)
    return (eps - model(x_t, t, c)).square().mean()  # (1)


check_diffusion_loss(diffusion_loss)
from course_utils import diffusion_loss as weighted_loss  # the package's has a weight: section 3

assert (  # the same but for chance: with all weights 1
    diffusion_loss(lambda x, t, c: 0 * x, x0, c, schedule, randomness)
    - weighted_loss(lambda x, t, c: 0 * x, x0, c, schedule, torch.ones(501), randomness)
).abs() < 0.05

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2 · Why is the time random, and another one for each image?
#
# <!-- Lecture, 3 minutes. Ask what goes wrong when all images of a batch share a time. The gradient is right on average, and the training is worse all the same. -->

# %% [markdown] slideshow={"slide_type": "-"}
# The loss (1) only asks that on average all times come equally often.
#
# **Predict.** What if all images of a batch share one $t$?

# %% [markdown] slideshow={"slide_type": "notes"}
# `benchmarks/learning.py` trained a small network (16 features, 400 steps) both ways, three times each. The measure
# is the **Fréchet distance** between 500 drawn sprites and real ones (notebook 02): smaller is better.

# %% slideshow={"slide_type": "fragment"}
from course_utils import plot_dots
from course_utils.storage.tables import read_rows

measured = read_rows("learning")
last_step = max(row["step"] for row in measured if row["step"])


def frechet(run, weights="averaged", step=last_step):  # one number for each seed
    wanted = {"run": run, "weights": weights, "step": step}
    return [float(row["frechet"]) for row in measured if wanted.items() <= row.items()]


ways = {"a t for each image": frechet("ours"), "one t for the batch": frechet("one t a batch")}
assert min(ways["one t for the batch"]) > max(ways["a t for each image"])
plot_dots(ways, f"Fréchet distance after {last_step} steps, three seeds")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Each dot is one training, the line their mean. The batch that mixes levels wins every time.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3 · Which errors count?
#
# <!-- Lecture, 5 minutes. The three losses are one loss with three weights. Let them vote for a weight before the dots are shown. -->

# %% [markdown] slideshow={"slide_type": "-"}
# A network may put out ε, $x_0$, or a mixture, $v = \sqrt{\bar\alpha_t}\,\varepsilon - \sqrt{1-\bar\alpha_t}\,x_0$. Their errors are one, times a factor:
#
# $$\underbrace{\lVert \varepsilon - \hat\varepsilon \rVert^2}_{w_t = 1} \qquad
# \underbrace{\lVert v - \hat v \rVert^2 = \tfrac{1}{\bar\alpha_t}\,\lVert \varepsilon - \hat\varepsilon \rVert^2}_{w_t = 1/\bar\alpha_t} \qquad
# \underbrace{\lVert x_0 - \hat x_0 \rVert^2 = \tfrac{1}{\mathrm{SNR}_t}\,\lVert \varepsilon - \hat\varepsilon \rVert^2}_{w_t = 1/\mathrm{SNR}_t} \tag{2}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# (The factors come from (5) of notebook 02. In flow matching, $v$ is another quantity: $\varepsilon - x_0$.) So all three losses are (1) with a weight $w_t$ in front. It says at which levels a mistake hurts.

# %% [markdown] slideshow={"slide_type": "subslide"}
# A fourth weight is a compromise: errors of $x_0$, times SNR, which is **clipped** to lie between 1 and 5:
#
# $$w_t = \frac{\operatorname{clip}(\mathrm{SNR}_t,\ 1,\ 5)}{\mathrm{SNR}_t}. \tag{3}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# With the upper bound alone it is called **min-SNR** (Hang et al., 2023). The table is `clipped_snr(schedule)`.

# %% [markdown] slideshow={"slide_type": "-"}
# **Question.** Which levels does each loss look at?

# %% [markdown] slideshow={"slide_type": "notes"}
# Here is the shipped network, which puts out $x_0$, on 64 held-out sprites.

# %% slideshow={"slide_type": "fragment"} tags=["show-print"]
weight = schedule.snr.clamp(1, 5) / schedule.snr  # (3), clipped_snr(schedule)
x0, c = held_out[:64], held_out_c[:64]
eps = torch.randn(x0.shape, generator=randomness)
for t in (5, 50, 200, 350, 450):
    x_t, signal = schedule.add_noise(x0, t, eps), schedule.alpha_bar[t].sqrt()
    eps_hat = checkpoints["end"](x_t, torch.full((64,), t), c)
    x0_hat, noise = schedule.predict_x0(x_t, t, eps_hat), (1 - signal**2).sqrt()
    of_eps, of_x0 = (eps - eps_hat).square().mean(), (x0 - x0_hat).square().mean()
    of_v = (signal * (eps - eps_hat) - noise * (x0 - x0_hat)).square().mean()
    assert torch.isclose(of_v, of_eps / signal.float() ** 2, rtol=1e-3)  # (2)
    assert torch.isclose(of_x0, of_eps / schedule.snr[t].float(), rtol=1e-3)  # (2)
    numbers = f"ε {of_eps:.2f}, v {of_v:.2f}, x₀ {of_x0:.3f}, (3) {weight[t] * of_eps:.3f}"
    print(f"t = {t:3}: error of {numbers}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# The error of ε is largest at the smallest $t$, that of $x_0$ at the largest.

# %% [markdown] slideshow={"slide_type": "notes"}
# At $t = 5$ the error of ε is worse than that of "no noise": there is hardly any noise to name, and the smallest mistake of the picture is large beside it. At the largest $t$ hardly
# anything of the picture can be seen. The error of $v$ is the sum of the two.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict.** The same short training of a network that puts out $x_0$, three times with each weight: that of ε, of $v$, of $x_0$, min-SNR, and (3), the clipped SNR. Which draws best?

# %% slideshow={"slide_type": "fragment"}
from itertools import pairwise
from statistics import fmean

weightings = {run: frechet(run) for run in ("error of ε", "error of v", "min-SNR")}
weightings |= {"clipped SNR": frechet("ours"), "error of x₀": frechet("error of x0")}
assert all(min(worse) > max(better) for worse, better in pairwise(weightings.values()))
at_end = {"weights": "averaged", "step": last_step}
for name, run in (("clipped SNR", "ours"), ("error of x₀", "error of x0")):
    rows = [row for row in measured if ({"run": run} | at_end).items() <= row.items()]
    of_x0, of_eps = (fmean(float(row[e]) for row in rows) for e in ("error_x0", "error_eps"))
    print(f"{name}: error of x₀ {of_x0:.3f}, error of ε {of_eps:.2f}")
plot_dots(weightings, f"Fréchet distance after {last_step} steps")

# %% [markdown] slideshow={"slide_type": "fragment"}
# No two of them overlap. Best are plain errors of $x_0$, worst those of ε, which count mistakes at the smallest $t$ more than a thousandfold.

# %% [markdown] slideshow={"slide_type": "notes"}
# Why then (3)? The two lines above the dots tell: the error of $x_0$ is the same with both weights, and that of ε, most of which is made at the smallest $t$, is much smaller with (3). After 400 steps a network draws rough shapes. That of the course learned a hundred times longer and should get details right, so it learned with (3) (`benchmarks/README.md`).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4 · The loop
#
# <!-- Lecture, 3 minutes. Five lines: loss, zero, backward, clip, step. Ask what one bad picture does to the gradient. -->

# %% [markdown] slideshow={"slide_type": "-"}
# The gradient $g$ of the loss says for each weight which way the loss rises. A step of learning goes the other way:
#
# $$g = \nabla_\theta L(\theta), \qquad g \leftarrow g \cdot \min\!\Big(1, \frac{1}{\lVert g\rVert}\Big), \qquad \theta \leftarrow \theta - \lambda_k\, g. \tag{4}$$

# %% [markdown] slideshow={"slide_type": "fragment"}
# The middle part is *clipping*: a gradient longer than 1 is shortened to length 1, so that one unusual batch cannot dominate.

# %% [markdown] slideshow={"slide_type": "notes"}
# PyTorch does each part in one line: `loss.backward()` computes $g$ and **adds** it to `p.grad` of every weight `p`. So the old one must be emptied first, with `optimizer.zero_grad()`. `torch.nn.utils.clip_grad_norm_` clips, and `optimizer.step()` takes the
# step. Our optimizer is *AdamW*, which takes an average of the last gradients and divides each number of it by its usual size.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 2 · The loop (medium, 10 minutes)
#
# For each `(x0, c)` of `batches`: compute the loss with `loss_of(model, x0, c)`, then do (4), clipping to norm 1. Return the list of all losses as plain numbers (`loss.item()`).

# %% slideshow={"slide_type": "-"} tags=["exercise", "show-code"]
from course_utils import check_training_loop


def training_loop(model, optimizer, batches, loss_of):
    return ...  # your code: equation (4) for each batch


check_training_loop(training_loop)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it. Every training in PyTorch looks like this inside.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"} tags=["solution", "show-code"]
# @title Solution 2
def training_loop(model, optimizer, batches, loss_of):
    losses = []
    for x0, c in batches:
        loss = loss_of(model, x0, c)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()  # (4)
        losses.append(loss.item())
    return losses


check_training_loop(training_loop)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5 · How large a step?
#
# <!-- Lecture, 2 minutes. Ask why not one rate for all steps, and let somebody draw a better one in the air before the curve is shown. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# At first, large steps: there is far to go. At the end, small ones: every batch is a small sample, its gradient is off by chance, and large steps would keep moving the weights about. So the learning rate falls, here like half a cosine. At the very
# beginning it climbs for a twentieth of the run (*warm-up*), because Adam does not know yet how large gradients usually are:

# %% [markdown] slideshow={"slide_type": "-"}
# $$\frac{\lambda_k}{\lambda_{\max}} = \min\!\Big(1, \frac{k+1}{n/20+1}\Big)\cdot\frac{1 + \cos(\pi k / n)}{2}. \tag{5}$$

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 3 · The learning rate (easy, 5 minutes)
#
# Write (5): the share of the largest learning rate for step $k$ of $n$. `step` and `steps` are plain whole numbers.

# %% slideshow={"slide_type": "skip"} tags=["exercise"]
import math

from course_utils import check_learning_rate


def learning_rate(step, steps):
    return ...  # your code: equation (5)


check_learning_rate(learning_rate)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "skip"} tags=["solution"]
# @title Solution 3
def learning_rate(step, steps):
    warm_up = min(1, (step + 1) / (steps / 20 + 1))
    return warm_up * (1 + math.cos(math.pi * step / steps)) / 2  # (5)


check_learning_rate(learning_rate)

# %% [markdown] slideshow={"slide_type": "notes"}
# Its curve for 400 steps:

# %% slideshow={"slide_type": "fragment"}
from course_utils import plot_curves

shares = torch.tensor([learning_rate(step, 400) for step in range(400)])
curve = {"The learning rate over 400 steps": (torch.arange(400), shares)}
plot_curves(curve, "step", "share of the largest", size=(720, 260))

# %% [markdown] slideshow={"slide_type": "fragment"}
# Up in the first twentieth of the run, then down to 0 like half a cosine.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6 · An average of networks
#
# <!-- Lecture, 3 minutes. Ask what an average of two networks is. It is an average of numbers, and it works because the two are neighbours. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# Since each gradient is off by chance, the weights wander about a good place, and their mean is nearer to it than most of them.

# %% [markdown] slideshow={"slide_type": "-"}
# So beside the network that learns we keep a second one that only follows: the **exponential moving average** (EMA),
#
# $$\bar\theta \leftarrow d\,\bar\theta + (1-d)\,\theta, \tag{6}$$

# %% [markdown] slideshow={"slide_type": "fragment"}
# with a *decay* $d$ just below 1: $d = 0.99$ remembers about the last 100 steps. We learn with $\theta$ and draw with $\bar\theta$.

# %% [markdown] slideshow={"slide_type": "notes"}
# A network may hold more than weights. *Buffers* are numbers that it keeps without learning them. BatchNorm (notebook 03, section 8) keeps a running mean and variance, and counts its batches.

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 4 · The average (medium, 10 minutes)
#
# Write (6), in place: it changes `average` and returns nothing, and it must reach the buffers, too. The counter of BatchNorm has no fractions, so copy it. All this under `torch.no_grad()`: it is bookkeeping, not learning.
#
# <details><summary>Hint</summary>
#
# Loop over <code>zip(average.parameters(), model.parameters())</code>, and over <code>.buffers()</code>. <code>old.lerp_(new, 1 - decay)</code> moves <code>old</code> a share of the way to <code>new</code>, <code>old.copy_(new)</code> copies, and <code>tensor.is_floating_point()</code> tells which to use.
# </details>

# %% slideshow={"slide_type": "skip"} tags=["exercise"]
from course_utils import check_update_average


def update_average(average, model, decay): ...  # your code: equation (6), in place


check_update_average(update_average)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "skip"} tags=["solution"]
# @title Solution 4
@torch.no_grad()
def update_average(average, model, decay):
    for old, new in zip(average.parameters(), model.parameters()):
        old.lerp_(new, 1 - decay)  # (6)
    for old, new in zip(average.buffers(), model.buffers()):
        if new.is_floating_point():
            old.lerp_(new, 1 - decay)
        else:
            old.copy_(new)  # a counter


check_update_average(update_average)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### What if the buffers are forgotten?

# %% [markdown] slideshow={"slide_type": "notes"}
# Our network has GroupNorm, which keeps no statistics. Many networks in circulation have BatchNorm.

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** A BatchNorm layer sees numbers with mean 5. Its average follows the weights and forgets the buffers. It should put out numbers with mean 0. What does it do?

# %% slideshow={"slide_type": "fragment"} tags=["show-print"]
import copy

layer = torch.nn.BatchNorm1d(4)
right, forgetful = copy.deepcopy(layer), copy.deepcopy(layer)
numbers = 5 + torch.randn((64, 4), generator=randomness)
for _ in range(200):
    layer(numbers)  # in training mode, each call updates the running statistics
    update_average(right, layer, 0.9)
    for old, new in zip(forgetful.parameters(), layer.parameters()):  # and no buffers
        old.data.lerp_(new.data, 0.1)
for name, average in (("with buffers", right), ("without", forgetful)):
    print(f"{name:12}: mean {average.eval()(numbers).mean().abs():.1f}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# It does nothing: its statistics are still those from before the first step. No error says so, and the training goes well.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 7 · Watch it learn
#
# <!-- Lecture, 6 minutes. Start the training in the room if you can: it takes a minute or two. Let them call out what they see first. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# Like the shipped network, ours puts out $x_0$. It is smaller, and learns by plain errors of $x_0$, which were best in the short trainings of section 3. The average remembers the last tenth of the run so far.

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** What does a network learn first: colours, outlines, or faces?

# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
steps, batch_size = 1500, 32
torch.manual_seed(0)  # anew, each time this cell is run
model = FromX0(ContextUnet(n_features=16), schedule)  # it knows nothing
average, optimizer = copy.deepcopy(model), torch.optim.AdamW(model.parameters(), betas=(0.9, 0.99))
losses, album = [], {0: copy.deepcopy(average)}


def loss_of(model, x0, c):  # the squared error of x₀, by (2)
    return weighted_loss(model, x0, c, schedule, 1 / schedule.snr, randomness)


for k in tqdm(range(steps)):  # a minute or two
    optimizer.param_groups[0]["lr"] = 5e-3 * learning_rate(k, steps)  # (5)
    rows = torch.randint(len(sprites), (batch_size,), generator=randomness)
    batches = [(sprites[rows], contexts[rows])]
    losses += training_loop(model, optimizer, batches, loss_of)  # (4), one step
    update_average(average, model, decay=1 - 9 / (10 + k))  # (6)
    if k + 1 in (20, 100, 300, steps):
        album[k + 1] = copy.deepcopy(average)

# %% [markdown] slideshow={"slide_type": "notes"}
# That was a complete training. We draw from the same noise at five moments. And the **judge**, the classifier of notebook 02, says how many of 300 are what was asked for. Guessing would be right in one case of five.

# %% slideshow={"slide_type": "fragment"} tags=["nbval-ignore-output"]
from course_utils import build_up, context_accuracy, ddpm_step, load_classifier

judge = load_classifier()
many, many_c = torch.randn((300, 3, 16, 16), generator=randomness), held_out_c[:300]
one_of_each, times = torch.eye(5)[torch.arange(10) % 5], schedule.timesteps(25)


def draw(model):  # of the classes of the first 300 sprites that were held out
    same = torch.Generator().manual_seed(0)  # the same noise for all
    *_, last = sample(model, many, schedule.timesteps(10), schedule, ddpm_step, many_c, same)
    return last.x.clamp(-1, 1)  # as a screen shows it


rows = [list(sample(m, x_T, times, schedule, c=one_of_each))[-1].x for m in album.values()]
shares = {k: context_accuracy(judge, draw(young), many_c) for k, young in album.items()}
assert max(shares[0], shares[20]) < 0.4 and shares[steps] >= 0.5, shares
ages, later = [f"{k} steps" for k in album], torch.ones_like(x_T)
stages = [torch.cat([*rows[:n], *[later] * (5 - n)]) for n in range(1, 6)]
pictures = [show_images(stage, columns=10, row_titles=ages) for stage in stages]
build_up(pictures, ages, f"Ten sprites from the same noise after {', '.join(ages)}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# First the white margin and something dark inside. After 100 steps there are colours inside outlines. Faces are far off, even at the end.

# %% [markdown] slideshow={"slide_type": "notes"}
# At the end the judge finds at least half of the 300 in the class that was asked for.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** From its loss alone, when would you have stopped this training?

# %% slideshow={"slide_type": "fragment"}
from course_utils import plot_losses

history = torch.tensor(losses)
smooth = history.unfold(0, 50, 1).mean(1)
print(f"it fell by more than half in 25 steps: {bool(history[20:30].mean() < 0.5 * history[0])}")
assert history[-100:].std() > smooth[steps // 2] - smooth[-1]
plot_losses(history, "squared error of x₀")

# %% [markdown] slideshow={"slide_type": "fragment"}
# It falls by half in 25 steps, then ever more slowly: single batches differ by more than the second half has gained.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### What did the average do?
#
# **Predict.** When does an average save more errors: with a rate that falls, or with one that stays large?

# %% [markdown] slideshow={"slide_type": "notes"}
# We plot the error of $x_0$ of the network minus that of its average, on held-out sprites, in the trainings of section 2.

# %% slideshow={"slide_type": "fragment"}
from course_utils import plot_spread

marks = ["100", "200", last_step]


def errors_of(run, weights):  # shape (seeds, marks)
    rows = [row for row in measured if (row["run"], row["weights"]) == (run, weights)]
    return torch.tensor([[float(r["error_x0"]) for r in rows if r["step"] == m] for m in marks]).T


saved, at = {}, torch.tensor([int(mark) for mark in marks])
for name, run in (("rate stays large", "constant rate"), ("rate falls", "ours")):
    raw, averaged = errors_of(run, "raw"), errors_of(run, "averaged")
    print(f"{name:16}: error {raw[:, -1].mean():.3f}, of the average {averaged[:, -1].mean():.3f}")
    saved[name] = (at, raw - averaged)
(_, large), (_, falling) = saved.values()
assert (large[:, -1] > 0.003).all() and (falling[:, -1].abs() < 0.001).all()
plot_spread(saved, "step", "error saved", size=(720, 270))

# %% [markdown] slideshow={"slide_type": "fragment"}
# With a rate that stays large, the average errs less, in every training. With a rate that falls to zero, both end in the same place.

# %% [markdown] slideshow={"slide_type": "notes"}
# In this short run a constant rate with an average is best. The shipped network had a falling rate and an average; we did not compare in a long run.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 8 · What the loss does not tell
#
# <!-- Lecture, 5 minutes. Go back to the title picture: these are the four ages. Take a guess for the share of clean ones. End with the friend's 0.02. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# The network that comes with the course is larger and learned for longer. It was kept at three moments, as **checkpoints**, and its first weights can be made again from a seed. The picture at the top shows what all four draw.

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** Between "middle" and "end" the loss of one network falls by a few hundredths. What happens to the Fréchet distance of its sprites, and to the shares that are clean and of the right class?

# %% [markdown] slideshow={"slide_type": "notes"}
# The loss has the weight (3) and is that of 500 held-out sprites. The judge looks at 300 drawn ones.

# %% slideshow={"slide_type": "fragment"} tags=["show-print"]
from course_utils import clean_share, frechet_distance

real = judge.features(held_out[300:])


def distance(pictures):
    return frechet_distance(judge.features(pictures), real)


n = 500
t, eps = torch.linspace(1, 500, n).long(), torch.randn((n, 3, 16, 16), generator=randomness)
x0, c, x_t = held_out[:n], held_out_c[:n], schedule.add_noise(held_out[:n], t, eps)
by_level, far = {}, {}
for age, model in checkpoints.items():
    error = (eps - model(x_t, t, c)).square().mean((1, 2, 3))
    loss, pictures = (weight[t] * error).mean(), draw(model)
    by_level[age] = error / schedule.snr[t]  # of x₀, by (2)
    far[age], right = distance(pictures), context_accuracy(judge, pictures, many_c)
    quality = f"Fréchet distance {far[age]:3.0f}, class right {right:4.0%}"
    print(f"{age:6}: loss {loss:.3f}, {quality}, clean {clean_share(judge, pictures):4.0%}")
print(f"real sprites: Fréchet distance {distance(held_out[:300]):.0f}")
assert min(far["start"], far["early"]) > 1.5 * far["middle"] > 2 * far["end"]

# %% [markdown] slideshow={"slide_type": "fragment"}
# From "early" to "end" the loss falls from 0.20 to 0.12 only. The share of clean sprites, without stray pixels, noise and broken outlines, rises from 1 % to 81 %.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** How can that be? Look at the error of $x_0$ level by level.

# %% [markdown] slideshow={"slide_type": "notes"}
# Beside the ages stands somebody who always answers with the mean of the class, and in the print `IdealDenoiser` of notebook 01, which compares $x_t$ with every sprite of its class.

# %% slideshow={"slide_type": "fragment"}
from course_utils import IdealDenoiser

class_means = torch.stack([sprites[contexts[:, k] == 1].mean(0) for k in range(5)])
by_level["mean of the class"] = (x0 - class_means[c.argmax(1)]).square().mean((1, 2, 3))
middle, high = (t > 100) & (t <= 300), t > 400
for name, error in by_level.items():
    some, much = error[middle].mean(), error[high].mean()  # noise
    print(f"{name:17}: t = 101 to 300 {some:.3f}, from 401 {much:.3f}")
ideal = IdealDenoiser(sprites, schedule, contexts).predict_x0(x_t[high], t[high], c[high])
hard = (x0[high] - ideal).square().mean()
print(f"who compares with its whole class, t from 401: {hard:.3f} ({high.sum()} pictures)")
window = t.float().unfold(0, 50, 10).mean(1)
curves = {name: (window, error.unfold(0, 50, 10).mean(1)) for name, error in by_level.items()}
del curves["start"]
plot_curves(curves, "t", "squared error of x₀", size=(720, 280))

# %% [markdown] slideshow={"slide_type": "fragment"}
# At $t = 101$ to 300 the oldest errs about a third as much as the early one. Towards $t = 500$ nobody knows much.

# %% [markdown] slideshow={"slide_type": "notes"}
# (Smoothed over 50 levels.) That is hardly more than the mean of the class: from 401 on, the oldest has 0.34, and the whole class at hand gives 0.32. The average over all levels hides this: at high $t$ errors are large, and fall by an eighth only. And a sampler asks its network again and again, about pictures that *it* made; the loss knows nothing of that.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Think.** Your loss is 0.04, a friend's is 0.02. Whose network draws better?
#
# <details><summary>Answer</summary>
#
# You cannot know. With another schedule or another weight the two numbers measure different things. Loss curves compare two
# moments of <em>one</em> recipe. To compare recipes, measure pictures.
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 9 · The wizard's hat
#
# <!-- Lecture, 3 minutes. Let them point at the hat in x_t first. Then let them find the mistake in the two pictures on the right of the second figure. They cannot, and that is the lesson. -->

# %% [markdown] slideshow={"slide_type": "-"}
# A single question, about a wizard that no network has seen, at a level where you may just make out the hat.
#
# **Predict.** The networks are asked for the noise. Where in the picture will they be wrong?

# %% slideshow={"slide_type": "subslide"}
from course_utils import point_at, sprite_words

i = int((sprite_words(split="test")["kind"] == "wizard").argmax())  # the first wizard
wizard, wizard_c, t = held_out[i : i + 1], held_out_c[i : i + 1], torch.tensor([200])
rows, noise = [], torch.randn(wizard.shape, generator=randomness)
x_t = schedule.add_noise(wizard, t, noise)
for age in ("early", "end"):
    eps_hat = checkpoints[age](x_t, t, wizard_c)
    off = eps_hat - noise
    rows += [x_t, eps_hat, off, schedule.predict_x0(x_t, t, eps_hat), wizard]
    hat = off[..., 1:7, 7:14].square().mean().sqrt()
    print(f"{age:5}: off by {off.square().mean().sqrt():.2f}, in the hat by {hat:.2f}")
tops = ["x_t", "noise\nit sees", "minus the\ntrue noise", "picture it\nhas in mind", "the truth"]
frames = dict.fromkeys((2, 7), (7, 1, 14, 7))  # the hat, in the third column
point_at(torch.cat(rows), None, frames, tops, ["early", "end"])

# %% [markdown] slideshow={"slide_type": "fragment"}
# The third column is the error, grey where there is none. In the frame: the early network took some of the hat for noise.

# %% [markdown] slideshow={"slide_type": "notes"}
# What a network did not recognise as picture, it took for noise. In the error of the early one stands a ghost of the wizard. With age he fades from the third column and appears in the fourth.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### A mistake that you cannot see

# %% [markdown] slideshow={"slide_type": "notes"}
# Much code in circulation stretches every picture before it shows it.

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** Somebody forgets to divide by $\sqrt{\bar\alpha_t}$ when computing $\hat x_0$, so all numbers are too small. Who finds the mistake if pictures are **stretched**, the smallest number to black and the largest to white?

# %% slideshow={"slide_type": "fragment"}
t = torch.tensor([300])
x_t = schedule.add_noise(wizard, t, noise)
eps_hat = checkpoints["end"](x_t, t, wizard_c)
right = schedule.predict_x0(x_t, t, eps_hat)
wrong = right * schedule.alpha_bar[300].sqrt().float()  # what is left without the division


def stretched(x):
    return 2 * (x - x.min()) / (x.max() - x.min()) - 1


print(f"largest difference as they are: {(right - wrong).abs().max():.1f}")
print(f"largest difference, stretched:  {(stretched(right) - stretched(wrong)).abs().max():.1f}")
shown = torch.cat([right, wrong, stretched(right), stretched(wrong)])
show_images(shown, ["right", "wrong", "right,\nstretched", "wrong,\nstretched"])

# %% [markdown] slideshow={"slide_type": "fragment"}
# Stretching makes the two equal. It removes just what was wrong: the scale. So `show_images` clips and never stretches.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 10 · Choices, measured
#
# <!-- Lecture, 4 minutes. Three bets: output, weight, schedule. Take a show of hands for each. -->

# %% [markdown] slideshow={"slide_type": "-"}
# "Ours" is the recipe of the shipped weights: the cosine schedule, a network that puts out $x_0$, squared errors, the weight (3). Each other training changes something: what the network **puts out**, the **weight**, the **schedule**, or how errors count: **absolute** (L1), or as **Huber** has it, squared when small and absolute when large.
#
# **Predict.** Which choice matters most?

# %% [markdown] slideshow={"slide_type": "notes"}
# Each row is one recipe of `benchmarks/learning.py` (400 steps, three seeds, 500 sprites): what the network puts out, and what is counted.

# %% slideshow={"slide_type": "subslide"}
choices = {
    "x₀, clipped SNR: ours": frechet("ours"),
    "x₀, error of x₀": frechet("error of x0"),
    "x₀, error of ε": frechet("error of ε"),
    "ε, error of ε": frechet("puts out ε, error of ε"),
    "v, error of v": frechet("puts out v, error of v"),
    "ε, min-SNR": frechet("puts out ε, min-SNR"),
    "v, min-SNR": frechet("puts out v, min-SNR"),
    "x₀, min-SNR": frechet("min-SNR"),
    "ours, absolute errors": frechet("L1"),
    "ours, Huber": frechet("Huber"),
    "ours, linear schedule": frechet("linear schedule"),
}
for name, seeds in choices.items():
    print(f"{name:21}: {sum(seeds) / 3:5.1f}   (from {min(seeds):.1f} to {max(seeds):.1f})")
floor = next(float(row["frechet"]) for row in measured if row["run"] == "real sprites")
ours = choices["x₀, clipped SNR: ours"]
assert max(choices["ours, absolute errors"]) < min(ours)
assert max(ours) < min(choices["ours, linear schedule"])
assert max(choices["x₀, min-SNR"]) < min(choices["v, min-SNR"])
assert max(choices["v, min-SNR"]) < min(choices["ε, min-SNR"])
plot_dots(choices, f"Fréchet distance after {last_step} steps", mark=("real sprites", floor))

# %% [markdown] slideshow={"slide_type": "fragment"}
# **What the network puts out** matters as much as the weight: with min-SNR, $x_0$ draws far better than $v$, and $v$ better than ε.

# %% [markdown] slideshow={"slide_type": "notes"}
# But with the error of ε, $x_0$ and ε draw equally badly. The linear schedule is behind the cosine.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Absolute errors** draw best, beside plain errors of $x_0$. But they are smallest for the *median* of what may be behind the noise, and squared errors for the *mean*, which (1) of notebook 02 needs.
#
# **Predict.** A world of two numbers: +1 comes in 70 of 100 cases, −1 in 30. Somebody who knows this world answers perfectly, once with the mean and once with the median. How often does a sampler draw +1?

# %% slideshow={"slide_type": "skip"}
ab = schedule.alpha_bar


def perfect(answer):  # for that world, if `answer` says what to make of a probability
    def model(x, t, c=None):
        signal, noise = (schedule.at(table.sqrt(), t, x) for table in (ab, 1 - ab))
        of_plus = torch.sigmoid(2 * signal * x / noise**2 + math.log(0.7 / 0.3))
        return (x - signal * answer(of_plus)) / noise

    return model


starts = torch.randn((20_000, 1), generator=randomness)
answers = {"mean": lambda p: 2 * p - 1, "median": lambda p: (2 * p - 1).sign()}
for name, answer in answers.items():
    *_, last = sample(perfect(answer), starts, schedule.timesteps(100), schedule)
    print(f"answers with the {name:6}: {(last.x > 0).float().mean():.0%} are +1")
for of in read_rows("absolute"):
    far, kinds = float(of["frechet_distance"]), float(of["coverage"])
    told = f"Fréchet distance {far:4.1f}, kinds drawn {kinds:.0%}"
    print(f"{of['errors']:8} errors, {of['steps']:>4} steps, seed {of['seed']}: {told}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# With the mean 70 %, with the median **90 %**: it leaves out what is rarer. In training, too, absolute errors draw fewer of the 58 kinds, at both lengths.

# %% [markdown] slideshow={"slide_type": "notes"}
# At high noise the median always answers +1. The distance of absolute errors is ahead after 400 steps and behind after 5,000, with each seed. So take them for a few hundred steps at most; where they cross is not measured. (These distances are those of DDIM with 25 steps, the ones above of 10.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 11 · What it learns from
#
# <!-- Lecture, 4 minutes. Scale, mirrors, leaks: three mistakes that no error message tells you about. -->

# %% [markdown] slideshow={"slide_type": "-"}
# Three things about data are often done wrong. First, the **size of the numbers**: the noise has standard deviation 1, and a schedule is made for pictures of about that size.
#
# **Question.** Up to which $t$ is more than half of the variance of $x_t$ picture, for three ways to write the same sprites as numbers?

# %% slideshow={"slide_type": "fragment"} tags=["show-print"]
scales = {"−1 to 1": sprites, "0 to 1": (sprites + 1) / 2, "0 to 255": (sprites + 1) * 127.5}
for name, numbers in scales.items():
    var = numbers.var().double()
    share = schedule.alpha_bar * var / (schedule.alpha_bar * var + 1 - schedule.alpha_bar)
    half = (share > 0.5).sum().item()
    print(f"{name:8}: more than half of it is picture up to t = {half}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Written from 0 to 1, a sprite is mostly noise early. Written from 0 to 255, nearly all levels are as good as clean.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### A mirror

# %% [markdown] slideshow={"slide_type": "notes"}
# With photographs it is usual to show half of the pictures in a mirror: a cat in a mirror is a cat. DDPM did so.

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** Which sprites of the lower row could be in our data?

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
words = sprite_words()
for crowd in (sprites[contexts[:, 0] == 1], sprites[contexts[:, 4] == 1]):  # heroes, side-facing
    some, others = judge.features(crowd[:1000]), judge.features(crowd[1000:3000])
    mirrored = judge.features(crowd[:1000].flip(3))
    assert frechet_distance(mirrored, others) > 2 * frechet_distance(some, others)
chosen = {"knight": 2, "ghost": 1, "slime": 2, "apple": 2, "potion": 6, "doughnut": 5}
six = [sprites[torch.from_numpy(words["kind"] == kind)][n] for kind, n in chosen.items()]
both, rows = torch.stack([*six, *(x.flip(2) for x in six)]), ["as drawn", "in a mirror"]
light = dict.fromkeys(range(6), ((0.5, 0.5), (4, 4)))  # where it comes from, and where it falls
wrong = light | dict.fromkeys(range(6, 12), ((15.5, 0.5), (12, 4)))
pictures = [point_at(both, arrows, row_titles=rows, columns=6) for arrows in ({}, light, wrong)]
captions = ["six sprites", "the light as it is drawn", "the light in a mirror"]
build_up(pictures, captions, "Six sprites lit from the left, and in a mirror from the right")

# %% [markdown] slideshow={"slide_type": "fragment"}
# None of them. Our sprites are all **lit from the upper left**, and in a mirror the light comes from the right.

# %% [markdown] slideshow={"slide_type": "notes"}
# So mirror only what could be in the data. The judge sees it: in a mirror, a crowd is more than twice as far from its class (that is the assertion).

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Test pictures in the training set

# %% [markdown] slideshow={"slide_type": "-"}
# `IdealDenoiser` of notebook 01 knows a list of sprites by heart. It is the extreme of a network that memorises.
#
# **Predict.** Its error of ε at $t = 200$: on the sprites of its list, and on 64 held-out ones. Then we let 2,000 held-out sprites slip into its list. What happens to its loss on them?

# %% slideshow={"slide_type": "fragment"} tags=["show-print"]
t, eps = torch.full((64,), 200), torch.randn((64, 3, 16, 16), generator=randomness)
leaky = torch.cat([sprites, held_out]), schedule, torch.cat([contexts, held_out_c])
models = {
    "by heart": IdealDenoiser(sprites, schedule, contexts),
    "with a leak": IdealDenoiser(*leaky),
    "network": checkpoints["end"],
}
for name, model in models.items():
    found = []
    for x0, c in ((sprites[:64], contexts[:64]), (held_out[:64], held_out_c[:64])):
        eps_hat = model(schedule.add_noise(x0, t, eps), t, c)
        found.append((eps - eps_hat).square().mean())
    print(f"{name:11}: training {found[0]:.2f}, held out {found[1]:.2f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Learned by heart, the loss is 0 on the training set and several times that of the network on anything new.

# %% [markdown] slideshow={"slide_type": "fragment"}
# With the leak it is 0 on the test as well. **Nothing about it is better**, but you can no longer see that.

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 5 · Find the leak (medium, 10 minutes)
#
# For each held-out picture, does the training set hold it? Answer with a tensor of booleans. A picture that was saved with 8 bits and read again is moved by up to 0.004, so count two pictures as the same if no number differs by more than 0.01. (The training set is large: not all differences fit into one tensor.)
#
# <details><summary>Hint</summary>
#
# How far is each from each? <code>torch.cdist</code> measures it, and its argument <code>p</code> says how.
# </details>

# %% slideshow={"slide_type": "skip"} tags=["exercise"]
from course_utils import check_leaked


def leaked(held_out, training):
    return ...  # your code: one answer for each held-out picture


check_leaked(leaked)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it, and the answer for our own sprites.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "skip"} tags=["solution"]
# @title Solution 5
def leaked(held_out, training):
    farthest = torch.cdist(held_out.flatten(1), training.flatten(1), p=torch.inf)
    return (farthest <= 0.01).any(dim=1)


check_leaked(leaked)
print(f"of 64 held-out sprites, {leaked(held_out[:64], sprites).sum()} are in the data")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 12 · Stop, go on, repeat
#
# <!-- Lecture, 2 minutes. For a room that trains its own; otherwise read the question and the answer. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# `train` in the package is the loop of section 7 as a generator, like `sample`. To go on after a stop, the weights are not enough: the average, what Adam remembers, and the random numbers must go on, too. `progress.state()` holds them all.

# %% [markdown] slideshow={"slide_type": "-"}
# **Question.** Is a training that was stopped half-way the *same* training? And why does `train`, which computes in 16 bits where that is fast (bfloat16), keep the weights in 32?

# %% slideshow={"slide_type": "skip"}
from course_utils import train


def begin(seed, state=None):
    torch.manual_seed(seed)
    young = FromX0(ContextUnet(n_features=8), schedule)
    source, settings = torch.Generator().manual_seed(seed), {"weight": weight, "batch_size": 16}
    return train(
        young, sprites, contexts, schedule, steps=6, generator=source, state=state, **settings
    )


full = list(begin(seed=0))
again, other = list(begin(seed=0)), list(begin(seed=1))
run = begin(seed=0)
first_half = [next(run) for _ in range(3)]
second_half = list(begin(seed=0, state=first_half[-1].state()))
print("same seed, same losses:     ", [p.loss for p in full] == [p.loss for p in again])
print("other seed, same losses:    ", [p.loss for p in full] == [p.loss for p in other])
print("stopped half-way, same rest:", [p.loss for p in full[3:]] == [p.loss for p in second_half])
print("in bfloat16, 1 + 0.001 is", (torch.ones(1) + 0.001).bfloat16().item())

# %% [markdown] slideshow={"slide_type": "fragment"}
# The stopped training has the same losses. In bfloat16 a small step would be lost: 1 + 0.001 is 1.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 13 · Your sprites
#
# <!-- Lecture, 2 minutes. End with what they can do tonight: forty pictures and sixty small steps. Ask how they would notice that it recites. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# Put your pictures into a folder, all of one size, height and width divisible by 4. Sub-folders become classes. Then, in a terminal:

# %% [markdown] slideshow={"slide_type": "-"}
# ```
# python -m course_utils train --data my_sprites --minutes 10 --out mine.safetensors
# python -m course_utils sample mine.safetensors --classes cat dragon --n 8
# ```

# %% [markdown] slideshow={"slide_type": "notes"}
# With few pictures, begin with our network instead of with nothing: `--from sprites`.

# %% [markdown] slideshow={"slide_type": "-"}
# **Question.** Does a trained network help? Here is a folder with 40 pictures of one kind, without any label, as you might bring it.

# %% slideshow={"slide_type": "skip"}
import tempfile
from pathlib import Path

from course_utils.figures.images import to_pixels
from PIL import Image

folder = Path(tempfile.mkdtemp()) / "my_sprites"
folder.mkdir()
ghosts = sprites[torch.from_numpy(words["kind"] == "ghost")][:40]
for i, picture in enumerate(to_pixels(ghosts)):  # stands for your own work
    Image.fromarray(picture).save(folder / f"{i}.png")
yours, labels = load_sprites(folder)
print(f"{len(yours)} pictures of shape {tuple(yours.shape[1:])}, {labels.shape[1]} classes")
show_images(yours[:10], columns=10)

# %% [markdown] slideshow={"slide_type": "notes"}
# No label is the context of all zeros, "no context". We go on training the shipped network on these 40 alone.

# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
model, schedule = load_pretrained("sprites")
model.requires_grad_(True)
no_label = torch.zeros(len(yours), 5)
settings = {"steps": 60, "batch_size": 16, "learning_rate": 1e-3, "weight": weight}
run = train(model, yours, no_label, schedule, generator=randomness, **settings)
*_, progress = tqdm(run, total=60)

# %% [markdown] slideshow={"slide_type": "notes"}
# Saved, loaded again, and asked for ten pictures without a label:

# %% slideshow={"slide_type": "fragment"}
from course_utils import load_model, save_model

save_model(folder / "mine.safetensors", progress.averaged, schedule)
loaded, its_schedule = load_model(folder / "mine.safetensors")
rows = []
for network in (load_pretrained("sprites")[0], loaded):
    *_, last = sample(network, x_T, its_schedule.timesteps(25), its_schedule)
    rows.append(last.x)
ghosts_before, ghosts_after = (
    (judge.kind_of(x) == judge.kinds.index("ghost")).float().mean() for x in rows
)
assert ghosts_before < 0.2 and ghosts_after > 0.5
print("the judge takes most of the new ones for ghosts")
show_images(torch.cat(rows), columns=10, row_titles=["ours", "with your\n40 pictures"])

# %% [markdown] slideshow={"slide_type": "fragment"}
# After sixty small steps with 40 ghosts it draws ghosts.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Think.** With 40 pictures and many more steps, how would you notice that the network recites?
#
# <details><summary>Answer</summary>
#
# Keep a few of your pictures out of the folder. When the network begins to recite, the loss on the folder goes on falling and the loss on the others rises. And look for the nearest picture in the folder beside each drawing, as in notebook 02.
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What breaks if …
#
# | you … | then … | seen in |
# |---|---|---|
# | give a whole batch one time | the drawings are worse | section 2 |
# | forget `zero_grad` | old gradients are added to new ones | exercise 2 |
# | forget the buffers in the average | its layers keep the statistics from before the first step, and nothing says so | section 6 |
# | take absolute errors | a sampler draws what is common too often | section 10 |
# | stretch pictures before you show them | mistakes of scale become invisible | section 9 |
# | show mirrored pictures | the light comes from both sides | section 11 |
# | let test pictures slip into training | the test is passed, whatever was learned | section 11 |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you know now
#
# **A network learns by questions whose answers we know: which noise is in here? The loss compares two moments of one recipe. Only pictures, and numbers computed from them, say whether pictures are good.**

# %% [markdown] slideshow={"slide_type": "notes"}
# - A batch mixes times. The learning rate falls, or the weights are averaged: both take out what is due to chance.
# - What a network puts out and how its errors are weighted matter most. Squared errors, since a sampler needs means.
# - The loss is an average over levels, and high noise makes up most of it.
# - Mind the scale of data, mirrors, and leaks.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References and next
#
# - J. Ho, A. Jain, P. Abbeel, *Denoising Diffusion Probabilistic Models* (DDPM), 2020, [arXiv:2006.11239](https://arxiv.org/abs/2006.11239): Algorithm 1; our (1) is its (14); mirrors and averaging in its appendix B.
# - T. Salimans, J. Ho, *Progressive Distillation for Fast Sampling of Diffusion Models*, 2022, [arXiv:2202.00512](https://arxiv.org/abs/2202.00512): $v$, and our (2) in its section 4.
# - T. Hang et al., *Efficient Diffusion Training via Min-SNR Weighting Strategy*, 2023, [arXiv:2303.09556](https://arxiv.org/abs/2303.09556): min-SNR, in its section 3.4.
# - D. Kingma, J. Ba, *Adam: A Method for Stochastic Optimization*, 2014, [arXiv:1412.6980](https://arxiv.org/abs/1412.6980); I. Loshchilov, F. Hutter, *Decoupled Weight Decay Regularization*, 2017, [arXiv:1711.05101](https://arxiv.org/abs/1711.05101): AdamW.
# - I. Loshchilov, F. Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, 2016, [arXiv:1608.03983](https://arxiv.org/abs/1608.03983): the cosine in (5).
# - T. Karras et al., *Analyzing and Improving the Training Dynamics of Diffusion Models* (EDM2), 2023, [arXiv:2312.02696](https://arxiv.org/abs/2312.02696): what averaging does, and how long it should remember.
# - M. Heusel et al., *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium*, 2017, [arXiv:1706.08500](https://arxiv.org/abs/1706.08500): the Fréchet distance, (6) of notebook 02, with another judge.
#
# **Next: 05 · Context.** How do I ask for a hero?
