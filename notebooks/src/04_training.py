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
# In this notebook a network that knows nothing learns to draw, while you watch. You write everything that it takes: the loss, the loop, and the two habits that
# make the loop work well. At the end you can train one on sprites of your own.
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/noise-to-sprites/noise-to-sprites/blob/main/notebooks/04_training.ipynb)

# %% slideshow={"slide_type": "skip"}
import sys

if "google.colab" in sys.modules:  # Colab gets the course first; elsewhere this does nothing
    course = "git+https://github.com/noise-to-sprites/noise-to-sprites@main"
    get_ipython().run_line_magic("pip", f"install -q {course}")
import torch
from course_utils import ContextUnet, FromX0, load_pretrained, load_sprites, sample, show_images
from tqdm.auto import tqdm

randomness = torch.Generator().manual_seed(4)  # run from top to bottom, and your numbers are ours

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
end, schedule = load_pretrained("sprites")
torch.manual_seed(0)  # with this seed its training began, and so does its story
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

# %% [markdown] slideshow={"slide_type": "slide"}
# ## After this notebook you can …
#
# - **write** `diffusion_loss`, the question that every diffusion model learns from, and the loop that asks it again and again,
# - **say** why times are random, why the learning rate falls, and what an average of networks is good for,
# - **train** a small network from nothing, in a minute or two,
# - **read** a loss curve without being fooled: by the level of noise, by the average, by the pictures,
# - **train** on your own sprites, and tell what a mistake in the data would do.
#
# **Time:** about 50 minutes, and 35 more with the exercises. **You need:** notebooks 01 and 02; from 03 only that there is a network. What a gradient is. No GPU.
#
# If a cell stops with an error, or prints other numbers than ours, run all cells above it first: *Run → Run All Above Selected Cell* (in Colab: *Runtime → Run before*). If that does not help, restart the kernel first.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols
#
# | math | code | shape | meaning |
# |---|---|---|---|
# | $x_0,\ x_t,\ \varepsilon,\ \bar\alpha_t$ | `x0`, `x_t`, `eps`, `schedule.alpha_bar` | | as in notebooks 01 and 02 |
# | $\varepsilon_\theta(x_t, t, c)$ | `model(x_t, t, c)` | like `x_t` | the noise that the network sees |
# | $\theta$ | `model.parameters()` | many | its weights: all the numbers that learning changes |
# | $L(\theta)$ | `loss` | a number | how wrong the network is on average |
# | $w_t$ | `weight` | `(T+1,)` | how much an error at time $t$ counts |
# | $g$ | `p.grad` | like $\theta$ | the gradient of the loss: which way it rises |
# | $k,\ n$ | `step`, `steps` | whole numbers | which step of learning it is, from 0, and how many there are |
# | $\lambda_k$ | `learning_rate` | a number | how far a step goes |
# | $\bar\theta$ | `average` | like $\theta$ | an average of the weights of the last steps |
#
# The context $c$ says what to draw: five numbers, one for each class. It goes along with each picture; notebook 05 is about it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · A question whose answer we know
#
# <!-- Lecture, 4 minutes. Ask for the loss of somebody who always says "no noise". It is 1, and it is the number to beat. -->
#
# In notebook 01 you turned one sprite into any number of questions. Draw a sprite, a time and a noise, mix them, and ask: *which noise is in here?* You know, since you made it. Learning is to hear
# very many such questions, and to be corrected a little after each.
#
# How wrong an answer is, we measure by its mean squared error:
#
# $$L(\theta) = \mathbb E_{x_0,\, t,\, \varepsilon}\ \big\lVert\, \varepsilon - \varepsilon_\theta\big(\underbrace{\sqrt{\bar\alpha_t}\; x_0 + \sqrt{1-\bar\alpha_t}\;\varepsilon}_{x_t},\ t\big)\big\rVert^2. \tag{1}$$
#
# Read $\mathbb E$ as "on average over": all sprites $x_0$, all times $t = 1 \dots T$ alike, all noises $\varepsilon$. By $\lVert\cdot\rVert^2$ we mean the *mean* over the 768 numbers of a picture, not the sum, so that the loss has
# the same size for pictures of any size. The DDPM paper calls the procedure Algorithm 1: draw the three, compute (1) for them, take a step that makes it smaller, repeat.
#
# **Question.** What is a good loss? Let us grade two answers that need no network, "there is no noise" and "it is all noise", beside the network that comes with the course.

# %% slideshow={"slide_type": "fragment"}
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

# %% [markdown] slideshow={"slide_type": "fragment"}
# Whoever always answers "no noise" has a loss of 1, the variance of the noise. At $t = 450$ the lazy answer "all noise" is almost perfect, and says nothing about the picture. So
# a number such as 0.05 is neither good nor bad: **it depends on the level**. Keep that in mind for section 9.

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 1 · The loss (medium, 10 minutes)
#
# Write (1) for a batch. Draw a time for **each** image with `torch.randint(…, generator=generator)`, whose upper end is not included; a noise for each with `torch.randn`; mix them with `schedule.add_noise(x0, t, eps)`; ask
# `model(x_t, t, c)`; return the mean of the squared error as a tensor.

# %% slideshow={"slide_type": "skip"} tags=["exercise"]
from course_utils import check_diffusion_loss


def diffusion_loss(model, x0, c, schedule, generator):
    return ...  # your code: equation (1), in four lines


check_diffusion_loss(diffusion_loss)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "slide"} tags=["solution"]
# @title Solution 1
def diffusion_loss(model, x0, c, schedule, generator):
    t = torch.randint(1, schedule.T + 1, (len(x0),), generator=generator)
    eps = torch.randn(x0.shape, generator=generator)
    x_t = schedule.add_noise(x0, t, eps)
    return (eps - model(x_t, t, c)).square().mean()  # (1)


check_diffusion_loss(diffusion_loss)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2 · Why is the time random, and another one for each image?
#
# <!-- Lecture, 4 minutes. Ask what goes wrong when all images of a batch share a time. The mean is right, and the training is worse all the same. -->
#
# We could show the network $t = 1$ first, then $t = 2$, and so on. Or one time for a whole batch. The loss (1) only asks that on average all times come equally often.
#
# **Predict.** Sixty batches of 8 sprites. Once all images of a batch share one $t$, once each has its own. How much does the error of $\hat x_0$ differ from batch to batch?

# %% slideshow={"slide_type": "fragment"}
shared, own = [], []
for x0, c in zip(held_out[:480].split(8), held_out_c.split(8)):
    eps = torch.randn(x0.shape, generator=randomness)
    for found, draws in ((shared, 1), (own, 8)):
        t = torch.randint(1, schedule.T + 1, (draws,), generator=randomness).expand(8)
        x_t = schedule.add_noise(x0, t, eps)
        x0_hat = schedule.predict_x0(x_t, t, checkpoints["middle"](x_t, t, c))
        found.append((x0 - x0_hat).square().mean())
shared, own = torch.stack(shared), torch.stack(own)
print(f"one t for all:  mean {shared.mean():.2f}, standard deviation {shared.std():.2f}")
print(f"one t for each: mean {own.mean():.2f}, standard deviation {own.std():.2f}")
assert own.std() < 0.6 * shared.std()

# %% [markdown] slideshow={"slide_type": "fragment"}
# Both estimate the same average, up to chance. But a batch with a single time says something about one level only, and pulls the network to and fro. A batch that mixes all levels says a little about each, and its
# gradient points where (1) really falls.
#
# What is that worth? We trained a small network both ways, three times each, and wrote down how good its drawings are. (`benchmarks/learning.py` did it: about a quarter of an hour on one CPU core, too long for a notebook.) The measure
# is the *Fréchet distance* between drawn sprites and real ones. Section 9 explains it; until then: **smaller is better**.

# %% slideshow={"slide_type": "fragment"}
from course_utils import plot_dots
from course_utils.storage.tables import read_rows

measured = read_rows("learning")
last_step = max(row["step"] for row in measured if row["step"])


def frechet(run, weights="averaged", step=last_step):  # one number for each seed
    wanted = {"run": run, "weights": weights, "step": step}
    return [float(row["frechet"]) for row in measured if wanted.items() <= row.items()]


times = {"own t for each": frechet("ours"), "one t for all": frechet("one t a batch")}
assert min(times["one t for all"]) > max(times["own t for each"])
plot_dots(times, f"Fréchet distance after {last_step} steps, three seeds")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Each dot is one training, the line their mean. The batch that mixes levels wins every time, at no cost.
#
# **Think.** Why not go through the times in order, all images at $t = 1$ first, then all at $t = 2$, and so on up to 500?
#
# <details><summary>Answer</summary>
#
# The same weights serve all levels. While the network practises one of them, nothing holds the others in place, and it forgets. When it comes to $t = 500$, it has become a network for large $t$. Shuffled data is the same idea: a step
# should look like the whole.
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3 · Which errors count?
#
# <!-- Lecture, 6 minutes. The three losses are one loss with three weights. Let them vote for a weight before the dots are shown. -->
#
# An error of the noise is an error of the picture, seen through another lens; that was (5) of notebook 02. There is a third lens, $v = \sqrt{\bar\alpha_t}\,\varepsilon - \sqrt{1-\bar\alpha_t}\,x_0$, which holds a bit of both:
#
# $$\underbrace{\lVert \varepsilon - \hat\varepsilon \rVert^2}_{w_t = 1} \qquad
# \underbrace{\lVert v - \hat v \rVert^2 = \tfrac{1}{\bar\alpha_t}\,\lVert \varepsilon - \hat\varepsilon \rVert^2}_{w_t = 1/\bar\alpha_t} \qquad
# \underbrace{\lVert x_0 - \hat x_0 \rVert^2 = \tfrac{1}{\mathrm{SNR}_t}\,\lVert \varepsilon - \hat\varepsilon \rVert^2}_{w_t = 1/\mathrm{SNR}_t} \tag{2}$$
#
# So all three losses are (1) with a weight $w_t$ in front of the error. They do not ask another question. They say at which levels a mistake hurts. (And since $1/\bar\alpha_t = 1 + 1/\mathrm{SNR}_t$, the error of $v$ is the sum of the other two.)
#
# **Question.** Which levels does each loss look at? Here is one network, the shipped one, in all three lenses.

# %% slideshow={"slide_type": "fragment"}
x0, c = held_out[:64], held_out_c[:64]
eps, errors = torch.randn(x0.shape, generator=randomness), {}
for t in (5, 50, 200, 350, 450):
    eps_hat = checkpoints["end"](schedule.add_noise(x0, t, eps), torch.full((64,), t), c)
    errors[t] = (eps - eps_hat).square().mean()
    of_v, of_x0 = errors[t] / schedule.alpha_bar[t], errors[t] / schedule.snr[t]  # (2)
    print(f"t = {t:3}: error of ε {errors[t]:.2f}, of v {of_v:.2f}, of x₀ {of_x0:.2f}")
    assert (of_v - errors[t] - of_x0).abs() < 1e-6

# %% [markdown] slideshow={"slide_type": "fragment"}
# The error of ε is largest at the smallest $t$. There a picture has hardly any noise that one could name, and our network is worse than the answer "no noise", whose error is 1: it draws the whole picture anew, and the smallest mistake in that is large beside so little noise. The error of $x_0$ is largest at the largest $t$, where hardly
# anything of the picture can be seen, and nobody could avoid most of it. The error of $v$ is the sum of the two.
#
# By (2), who counts errors of ε counts those of $x_0$ with a factor, $\mathrm{SNR}_t$. The factor is more than a thousand at the smallest $t$, and nearly zero at the largest. A compromise is to **clip** it: it shall be at least 1, and at most 5.
#
# $$w_t = \frac{\operatorname{clip}(\mathrm{SNR}_t,\ 1,\ 5)}{\mathrm{SNR}_t}. \tag{3}$$
#
# So it is the error of ε where picture and noise are about equally strong. Where there is more noise it is the error of $x_0$, and where there is less, five times the error of $x_0$. The table is `clipped_snr(schedule)`. Elsewhere you meet its two halves: with the upper bound alone it is called **min-SNR** (Hang et al., 2023), and with the lower one alone *truncated SNR*.
#
# **Question.** Which levels count with (3)?

# %% slideshow={"slide_type": "fragment"}
from course_utils import clipped_snr

weight = schedule.snr.clamp(1, 5) / schedule.snr  # (3)
assert torch.equal(weight, clipped_snr(schedule))
for t, error in errors.items():
    print(f"t = {t:3}: weight {weight[t]:.3f}, so the error is {weight[t] * error:.3f}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Compare with the errors of ε above: the smallest $t$ count a few hundred times less, and the largest 40 times more. Does it help?
#
# **Predict.** The same short training of a network that puts out $x_0$, with each of five weights, three times each. Which draws best?

# %% slideshow={"slide_type": "fragment"}
from itertools import pairwise
from statistics import fmean

lenses = {run: frechet(run) for run in ("error of ε", "error of v", "min-SNR")}
lenses |= {"clipped SNR": frechet("ours"), "error of x₀": frechet("error of x0")}
assert all(min(worse) > max(better) for worse, better in pairwise(lenses.values()))
at_end = {"weights": "averaged", "step": last_step}
for name, run in (("clipped SNR", "ours"), ("error of x₀", "error of x0")):
    rows = [row for row in measured if ({"run": run} | at_end).items() <= row.items()]
    of_x0, of_eps = (fmean(float(row[e]) for row in rows) for e in ("error_x0", "error_eps"))
    print(f"{name}: error of x₀ {of_x0:.3f}, error of ε {of_eps:.2f}")
plot_dots(lenses, f"Fréchet distance after {last_step} steps")

# %% [markdown] slideshow={"slide_type": "fragment"}
# No two of them overlap. Who counts the errors of ε or of $v$ draws worst: both multiply the errors of the picture at the smallest $t$ by more than a thousand. Min-SNR takes that away, and (3), which is the same up to $t = 248$, counts the large $t$ more. Both steps help. Best of all draws who counts plain errors of $x_0$, and so the smallest $t$ even less.
#
# Why then (3)? After 400 steps a network draws rough shapes, and the finest details do not count yet. The two lines above the dots compare the errors of the last two networks. That of $x_0$ is the same. That of ε, most of which is made at the smallest $t$, is much smaller with (3). The network of the course learned a hundred times longer, and should get the finest details right as well. Indeed: after 5,000 steps, networks of either kind draw equally well with 25 steps of DDIM, and at $t = 1$ the one that counts plain errors of $x_0$ has more than twice the error, at $t = 20$ 1.7 times (`benchmarks/search.py`, one training each).
#
# A second choice hides behind the first: what the last layer **puts out**. A network that puts out ε must copy its input at large $t$, and its tiny errors grow a hundredfold and more when we turn them into a picture. One that puts out $x_0$ must copy its
# input at small $t$. One that puts out $v$ must always do some of both. `FromV` and `FromX0` turn such networks into models that answer with noise, so all of them can be trained with the same function. Section 11 compares them.
#
# The package's `diffusion_loss` is yours with one more argument, `weight`. From here on we use it, mostly with the weight (3).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4 · The loop
#
# <!-- Lecture, 4 minutes. Five lines: zero, loss, backward, clip, step. Ask what one bad picture does to the gradient. -->
#
# The gradient $g$ of the loss says for each weight which way the loss rises. A step of learning goes the other way:
#
# $$g = \nabla_\theta L(\theta), \qquad g \leftarrow g \cdot \min\!\Big(1, \frac{1}{\lVert g\rVert}\Big), \qquad \theta \leftarrow \theta - \lambda_k\, g. \tag{4}$$
#
# The middle part is *clipping*: a gradient longer than 1 is shortened to 1, so that a single strange batch cannot throw the network far away.
#
# PyTorch does each part in one line: `loss.backward()` computes $g$ and **adds** it to `p.grad` of every weight `p`. So the old one must be emptied first, with `optimizer.zero_grad()`. `torch.nn.utils.clip_grad_norm_` clips, and `optimizer.step()` takes the
# step. Our optimizer is *Adam*, which divides each number of $g$ by its usual size, so that all weights learn at about the same pace.

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 2 · The loop (medium, 10 minutes)
#
# For each `(x0, c)` of `batches`: compute the loss with `loss_of(model, x0, c)`, then do (4), clipping to norm 1. Return the list of all losses as plain numbers (`loss.item()`).

# %% slideshow={"slide_type": "skip"} tags=["exercise"]
from course_utils import check_training_loop


def training_loop(model, optimizer, batches, loss_of):
    return ...  # your code: equation (4) for each batch


check_training_loop(training_loop)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it. Every training in PyTorch looks like this inside.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "slide"} tags=["solution"]
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
# ### A strange batch
#
# **Predict.** One of 32 pictures was never divided: it counts from 0 to 255 instead of −1 to 1. How long is the gradient?

# %% slideshow={"slide_type": "fragment"}
from course_utils import diffusion_loss

torch.manual_seed(0)  # the first weights of a network come from PyTorch's own generator
model = FromX0(ContextUnet(n_features=16), schedule)
fine, strange = sprites[:32], sprites[:32].clone()
strange[0] = (strange[0] + 1) * 127.5
lengths = []
for x0 in (fine, strange):
    same = torch.Generator().manual_seed(0)  # the same times and the same noise for both
    model.zero_grad()
    diffusion_loss(model, x0, contexts[:32], schedule, weight, same).backward()
    lengths.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0))  # before clipping
    after = sum(p.grad.square().sum() for p in model.parameters()).sqrt()
    assert abs(after - 1) < 0.001
assert lengths[1] > 3 * lengths[0]
print("one strange picture makes the gradient more than three times as long")
print("after clipping, it has length 1 in both cases")

# %% [markdown] slideshow={"slide_type": "fragment"}
# One picture of 32 outshouts the 31 others together. Clipping does not mend the direction of this step, but the damage is no larger than that of any other. (Adam, too, remembers large gradients for a while. It is one more reason to clip *before* the step.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5 · How large a step?
#
# <!-- Lecture, 2 minutes. Draw the curve in the air: up in a twentieth of the run, then down like a cosine. -->
#
# At first, large steps: nothing is learned yet, and there is far to go. At the end, small ones: every batch is a small sample, its gradient is off by chance, and large steps would keep shaking the weights. So the learning rate falls, here like half a cosine. At the very
# beginning it climbs for a twentieth of the run, because Adam does not know yet how large gradients usually are:
#
# $$\frac{\lambda_k}{\lambda_{\max}} = \min\!\Big(1, \frac{k+1}{n/20+1}\Big)\cdot\frac{1 + \cos(\pi k / n)}{2}, \qquad k = 0, 1, \dots, n-1. \tag{5}$$

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 3 · The learning rate (easy, 5 minutes)
#
# Write (5): the share of the largest learning rate for step $k$ of $n$. `step` and `steps` are plain whole numbers; `math.cos` and `math.pi` are at hand.

# %% slideshow={"slide_type": "skip"} tags=["exercise"]
import math

from course_utils import check_learning_rate


def learning_rate(step, steps):
    return ...  # your code: equation (5)


check_learning_rate(learning_rate)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it, and its curve.

# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"} tags=["solution"]
# @title Solution 3
from course_utils import plot_curves


def learning_rate(step, steps):
    warm_up = min(1, (step + 1) / (steps / 20 + 1))
    return warm_up * (1 + math.cos(math.pi * step / steps)) / 2  # (5)


check_learning_rate(learning_rate)
shares = torch.tensor([learning_rate(step, 400) for step in range(400)])
curve = {"Equation (5), 400 steps": (torch.arange(400), shares)}
plot_curves(curve, "step", "share", size=(720, 260))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6 · An average of networks
#
# <!-- Lecture, 3 minutes. Ask what an average of two networks is. It is an average of numbers, and it works because the two are neighbours. -->
#
# The weights wander about a good place instead of standing in it. The mean of many places around a goal is nearer to the goal than most of them. So beside the network that learns we keep a second one that never learns, and only follows: the *exponential moving average* (EMA),
#
# $$\bar\theta \leftarrow d\,\bar\theta + (1-d)\,\theta, \tag{6}$$
#
# with a *decay* $d$ just below 1: $d = 0.99$ remembers about the last 100 steps. We learn with $\theta$ and draw with $\bar\theta$.
#
# A network holds more than weights. *Buffers* are numbers that it keeps without learning them, such as the running statistics of BatchNorm, and a counter. Who averages the weights and forgets the buffers has a network whose parts
# do not fit.

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 4 · The average (medium, 10 minutes)
#
# Write (6), in place: it changes `average` and returns nothing. Loop over `zip(average.parameters(), model.parameters())`, and over `.buffers()` as well. `old.lerp_(new, 1 - decay)` moves `old` a
# share of the way to `new`, and `old.copy_(new)` copies. A counter has no fractions, so copy it; `tensor.is_floating_point()` tells. All this under `torch.no_grad()`: it is bookkeeping, not learning.

# %% slideshow={"slide_type": "skip"} tags=["exercise"]
from course_utils import check_update_average


def update_average(average, model, decay): ...  # your code: equation (6), in place


check_update_average(update_average)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "slide"} tags=["solution"]
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

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What if the buffers are forgotten?
#
# Our network has GroupNorm, which keeps no statistics, so nothing can be forgotten. Many networks in circulation have BatchNorm.
#
# **Predict.** A BatchNorm layer sees numbers with mean 5. Its average copies the weights and forgets the buffers. It should put out numbers with mean 0. What does it do?

# %% slideshow={"slide_type": "fragment"}
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
network = checkpoints["end"].network
assert not list(network.state_dict().keys() - dict(network.named_parameters()))

# %% [markdown] slideshow={"slide_type": "fragment"}
# It does nothing at all: its statistics are still those of the first day, mean 0 and variance 1. Nothing fails, training goes well, and every picture that you draw with the average is garbage. (The assertion says that our own network stores nothing but weights.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 7 · Watch it learn
#
# <!-- Lecture, 6 minutes. Start the training in the room if you can: it takes a minute or two. Let them call out what they see first. -->
#
# Now all of it together. Like the shipped network, ours puts out $x_0$. It is smaller, has never seen a sprite, and has a minute or two. So it learns by plain errors of $x_0$, which were best in the short trainings of section 3. The decay of the average starts low and grows, so that it forgets its first, worthless, weights: it remembers the last tenth of the run so far.
#
# **Predict.** What does it learn first: colours, outlines, or faces?

# %% slideshow={"slide_type": "fragment"}
steps, batch_size = 1500, 32


def newborn():  # a network that knows nothing, its average, and what moves its weights
    torch.manual_seed(0)
    model = FromX0(ContextUnet(n_features=16), schedule)
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.99))
    return model, copy.deepcopy(model), optimizer


print(f"{sum(p.numel() for p in newborn()[0].parameters()):,} numbers to learn")

# %% slideshow={"slide_type": "fragment"} tags=["nbval-ignore-output"]
model, average, optimizer = newborn()  # anew, each time this cell is run
losses, album = [], {0: copy.deepcopy(average)}
for k in tqdm(range(steps)):  # a minute or two
    optimizer.param_groups[0]["lr"] = 5e-3 * learning_rate(k, steps)  # (5)
    rows = torch.randint(len(sprites), (batch_size,), generator=randomness)
    x0, c = sprites[rows], contexts[rows]
    loss = diffusion_loss(model, x0, c, schedule, 1 / schedule.snr, randomness)  # of x₀, by (2)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()  # (4)
    update_average(average, model, decay=1 - 9 / (10 + k))  # (6)
    losses.append(loss.item())
    if k + 1 in (20, 100, 300, steps):
        album[k + 1] = copy.deepcopy(average)

# %% [markdown] slideshow={"slide_type": "fragment"}
# That was a complete training, in fifteen lines, and every line is yours. First the loss, averaged over 50 batches.

# %% slideshow={"slide_type": "fragment"}
history = torch.tensor(losses)
smooth = history.unfold(0, 50, 1).mean(1)
print(f"the loss fell by more than half: {bool(smooth[-1] < 0.5 * history[0])}")
assert history[-100:].std() > smooth[steps // 2] - smooth[-1]
plot_curves(
    {"The mean of 50 batches": (torch.arange(steps)[25:-24], smooth)},
    "step",
    "squared error of x₀",
    size=(720, 280),
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# It falls fast, and then hardly: single batches differ from one another by more than the whole second half of the training has gained (that is the assertion). Where are the sprites? The same noise, drawn by the network at five moments:

# %% slideshow={"slide_type": "fragment"}
rows = []
one_of_each = torch.eye(5)[torch.arange(10) % 5]
for young in album.values():
    *_, last = sample(young, x_T, schedule.timesteps(25), schedule, c=one_of_each)
    rows.append(last.x)
names = [f"{k} steps" for k in album]
show_images(torch.cat(rows), columns=10, row_titles=names)

# %% [markdown] slideshow={"slide_type": "fragment"}
# At first it draws a pattern that has nothing to do with sprites. After 20 steps it knows what all of them share: a white margin, and something darker inside. After 100 there are colours inside dark outlines, and what follows makes both firmer. You may recognise a body here and a claw there; faces are far off. But nobody told it what an outline
# is. It was shown 48,000 sprites through noise, each of ours 2.4 times on average, and that was enough.
#
# **Question.** Does it draw what it is asked for? We let it draw 300 sprites, and ask a classifier for the class of each. (It comes with the course, and section 9 tells more about it.) Guessing would be right in one case of five.

# %% slideshow={"slide_type": "fragment"}
from course_utils import context_accuracy, ddpm_step, load_classifier

judge = load_classifier()
many, many_c = torch.randn((300, 3, 16, 16), generator=randomness), held_out_c[:300]


def draw(model):  # of the classes of the first 300 sprites that were held out
    same = torch.Generator().manual_seed(0)  # the same noise for all
    *_, last = sample(model, many, schedule.timesteps(10), schedule, ddpm_step, many_c, same)
    return last.x.clamp(-1, 1)  # as a screen shows it


shares = {k: context_accuracy(judge, draw(young), many_c) for k, young in album.items()}
assert max(shares[0], shares[20]) < 0.4 and shares[steps] >= 0.5, shares
print(f"after {steps} steps the judge finds at least half of them in the class that was asked for")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What did the average do?
#
# **Predict.** We have drawn with the average. How different is the network that it follows? And when is the difference larger: in the middle of the run, or at its end?

# %% slideshow={"slide_type": "fragment"}
gaps = {"average": average, "raw": model}
apart = sum((a - b).square().sum() for a, b in zip(average.parameters(), model.parameters()))
moved = sum((a - b).square().sum() for a, b in zip(average.parameters(), album[0].parameters()))
assert apart < 0.001 * moved
print("at the end, the two differ by less than a thousandth of the way that they have come")
rows = []
for weights in gaps.values():
    *_, last = sample(weights.eval(), x_T, schedule.timesteps(25), schedule, c=one_of_each)
    rows.append(last.x)
show_images(torch.cat(rows), columns=10, row_titles=list(gaps))

# %% [markdown] slideshow={"slide_type": "fragment"}
# Hardly any difference: at the end the learning rate is almost zero, so the network has stopped wandering, and the average has caught up with it. The trainings of section 2 tell the whole story. Some had a rate that falls, as here, and some one that stays large. Here is the error of $x_0$ that both sets of
# weights make on held-out sprites, on the way and at the end.

# %% slideshow={"slide_type": "fragment"}
from course_utils import plot_spread

marks = ["100", "200", last_step]


def along(run, weights):  # shape (seeds, marks)
    rows = [row for row in measured if (row["run"], row["weights"]) == (run, weights)]
    errors = [[float(row["error_x0"]) for row in rows if row["step"] == m] for m in marks]
    return torch.tensor([int(step) for step in marks]), torch.tensor(errors).T


curves = {
    "constant, average": along("constant rate", "averaged"),
    "constant, raw": along("constant rate", "raw"),
    "falling, average": along("ours", "averaged"),
    "falling, raw": along("ours", "raw"),
}
constant, constant_raw, falling, falling_raw = (errors[:, -1] for _, errors in curves.values())
assert (constant < constant_raw - 0.003).all() and (falling - falling_raw).abs().max() < 0.001
plot_spread(curves, "step", "squared error of x₀")

# %% [markdown] slideshow={"slide_type": "fragment"}
# (The bands reach from the best of three trainings to the worst.) With a rate that stays large, the network still wanders at the end, and the average errs less than the network that it follows, in every training. With a rate that falls to zero, both end in the same place.
#
# Averaging and a falling rate both take the wandering out. In so short a run averaging alone does it better, because a rate that falls stops a network that still has far to go. Most people use both, and so did the training of the network that comes with the course.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 8 · Four ages
#
# <!-- Lecture, 3 minutes. Play the movie. All four begin with the same noise, and that is why they can be compared. -->
#
# A minute or two made outlines and colours. The network that comes with the course is larger and learned for longer; `weights/sprites.md` says how long. It was kept at three moments, as *checkpoints*, and how it began a seed says. You have seen all four at the very top of this page.
#
# **Question.** Does an older network draw the *same* picture better, or another one? Watch four of them at once, all from the same noise.

# %% slideshow={"slide_type": "fragment"} tags=["nbval-ignore-output"]
from course_utils import animate

times = schedule.timesteps(25)
walks = [list(sample(m, x_T[:5], times, schedule, c=one_of_each[:5])) for m in checkpoints.values()]
film = [torch.cat([step.x for step in steps_at_once]) for steps_at_once in zip(*walks)]
captions = [f"t = {t}; from top to bottom: {', '.join(checkpoints)}" for t in times[1:]]
alt = "Five sprites appear, drawn by a network at four ages, one below the other"
animate(film, captions, alt, columns=5)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Column by column it is often one drawing, growing up, and now and then it becomes another thing. All four begin with the same noise, and DDIM adds no other. Where a network is right about the whole, older ones agree with it, and add detail.
#
# **Question.** How good are they? Now it is time to say how one measures that.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 9 · What the loss does not tell
#
# <!-- Lecture, 5 minutes. This is the section to remember. Ask which of two networks is better when the losses are 0.04 and 0.02. -->
#
# To compare drawn pictures with real ones, we ask a **judge**: a small classifier that learned to tell the kinds of sprites apart, and to recognise spoiled ones. It describes each picture by 64 numbers, its *features*. For real sprites and for drawn ones these form two clouds, and the
# **Fréchet distance** compares the two by their means $\mu$ and covariances $\Sigma$:
#
# $$\lVert \mu - \mu' \rVert^2 + \operatorname{tr}\!\big(\Sigma + \Sigma' - 2\,(\Sigma\,\Sigma')^{1/2}\big). \tag{7}$$
#
# It is 0 when both agree, and grows with wrong kinds, with blur, with noise and with lost variety. With few pictures it is too large, even for real ones, so we always print what *real* sprites get.
#
# **Predict.** Between "middle" and "end" the loss falls by a few hundredths. What do the pictures do?

# %% slideshow={"slide_type": "fragment"}
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
# (The loss is weighted with (3), on held-out sprites.) Most of the loss is gone early, and the pictures are worthless. Then it falls by a few hundredths, and they become sprites. "Class right" is the share of pictures that the judge takes for the class that was asked for, as well as it can;
# "clean" is the share that it does not find spoiled. It is strict: one pixel that does not fit is enough.
#
# **Question.** How can a picture improve so much when the loss improves so little? Look at the error of the picture level by level. Beside the ages stands somebody who never looks, and always answers with the mean of the class.

# %% slideshow={"slide_type": "fragment"}
from course_utils import IdealDenoiser

class_means = torch.stack([sprites[contexts[:, k] == 1].mean(0) for k in range(5)])
by_level["mean of the class"] = (x0 - class_means[c.argmax(1)]).square().mean((1, 2, 3))
middle, high = (t > 100) & (t <= 300), t > 400
for name, error in by_level.items():
    print(
        f"{name:17}: t = 101 to 300 {error[middle].mean():.3f}, from 401 {error[high].mean():.3f}"
    )
ideal = IdealDenoiser(sprites, schedule, contexts).predict_x0(x_t[high], t[high], c[high])
unavoidable = (x0[high] - ideal).square().mean()
print(f"who compares x_t with all 20,000 sprites: from 401 {unavoidable:.3f}")
assert unavoidable > 0.7 * by_level["end"][high].mean()
window = t.float().unfold(0, 50, 10).mean(1)
curves = {name: (window, error.unfold(0, 50, 10).mean(1)) for name, error in by_level.items()}
del curves["start"]
plot_curves(curves, "t", "squared error of x₀")

# %% [markdown] slideshow={"slide_type": "fragment"}
# (Each curve is smoothed over 50 levels.) Each age errs less than the one before. At high noise, where hardly anything can be seen, the early network knows little more than the mean of the class. The oldest has learned something. Most of the rest seems hard to avoid: even who compares $x_t$ with every sprite of the course (`IdealDenoiser`, notebook 01) has an error of that size. So the loss, an average over all
# levels, hides what has been gained under errors that are hard to avoid.
#
# And a sampler asks its network again and again, each time about a picture that *it* made. Small errors add up; the loss knows nothing of that, since in training every question is made from a real sprite.
#
# **Think.** Your loss is 0.04, a friend's is 0.02. Whose network draws better?
#
# <details><summary>Answer</summary>
#
# You cannot know. If your friend uses another schedule or another weight, the two numbers measure different things: a schedule that spends more of its times at high noise has a lower loss of ε with the same network. Loss curves compare two
# moments of <em>one</em> recipe. To compare recipes, look at pictures, and measure them. Section 11 has an example.
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 10 · The wizard's hat
#
# <!-- Lecture, 4 minutes. Let them find the mistake in the lower row. They cannot, and that is the lesson. -->
#
# Let us look into a single question, on a sprite that no network has seen: a wizard, at a level where you may just make out the hat.
#
# **Predict.** The networks are asked for the noise. Where in the picture will they be wrong?

# %% slideshow={"slide_type": "fragment"}
from course_utils import sprite_words

kinds = sprite_words(split="test")["kind"]
i = int((kinds == "wizard").argmax())  # the first wizard
wizard, wizard_c, t = held_out[i : i + 1], held_out_c[i : i + 1], torch.tensor([200])
noise = torch.randn(wizard.shape, generator=randomness)
x_t, rows = schedule.add_noise(wizard, t, noise), []
for age, model in checkpoints.items():
    eps_hat = model(x_t, t, wizard_c)
    off = eps_hat - noise
    rows += [x_t, eps_hat, off, schedule.predict_x0(x_t, t, eps_hat), wizard]
    print(f"{age:6}: the noise is off by {off.square().mean().sqrt():.2f}")
tops = ["x_t", "noise\nit sees", "minus the\ntrue noise", "picture it\nhas in mind", "the truth"]
show_images(torch.cat(rows), titles=tops, row_titles=list(checkpoints))

# %% [markdown] slideshow={"slide_type": "fragment"}
# The second column tells you little: noise looks like noise. The third is the error, grey where there is none. The newborn network knows nothing, and errs everywhere. The early one has found the margin and the outline, and a ghost of the wizard stands in its error: what was not
# recognised as picture was taken for noise. With age he fades from the third column and appears in the fourth, where the hat gets its brim. **What is missing in one column stands in the other**, as (4) of notebook 01 says. Even the oldest is not sure of the colours. At this level nobody could be.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A mistake that you cannot see
#
# Much code in circulation stretches every picture before it shows it, so that its smallest number becomes black and its largest white. It looks helpful.
#
# **Predict.** Somebody forgets to divide by $\sqrt{\bar\alpha_t}$ when computing $\hat x_0$, so all numbers are too small. The upper row shows numbers as they are, the lower row stretches them. Who finds the mistake?

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
show_images(shown, ["right", "wrong"], ["as it is", "stretched"], columns=2)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Stretching makes the two equal to the last digit. It removes just what was wrong: the scale. That is why `show_images` clips and never stretches. If your pictures look pale, they *are* pale.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 11 · Choices, measured
#
# <!-- Lecture, 5 minutes. Three bets: output, weight, schedule. The second table turns the order round: loss and quality are two things. -->
#
# In every training many things are chosen. Here are some of them, from the same benchmark as in section 2: one small network, 400 steps, three seeds each. "Ours" is the recipe of the shipped weights: the cosine schedule, a network that puts out $x_0$, squared errors, the weight (3). In the other rows one choice is another:
#
# - **What it puts out**: ε or $v$ (section 3), each with its own error and with min-SNR. For comparison: $x_0$ with min-SNR.
# - **How errors count**: absolute (L1), or as Huber has it: squared when small and absolute when large.
# - **The schedule**: linear, as in notebook 01.
#
# **Predict.** Do these choices matter? Which matters most?

# %% slideshow={"slide_type": "fragment"}
choices = {
    "ours": frechet("ours"),
    "ε, its error": frechet("puts out ε, error of ε"),
    "v, its error": frechet("puts out v, error of v"),
    "ε, min-SNR": frechet("puts out ε, min-SNR"),
    "v, min-SNR": frechet("puts out v, min-SNR"),
    "x₀, min-SNR": frechet("min-SNR"),
    "absolute error": frechet("L1"),
    "Huber": frechet("Huber"),
    "linear schedule": frechet("linear schedule"),
}
for name, seeds in choices.items():
    print(f"{name:15}: {sum(seeds) / 3:5.1f}   (from {min(seeds):.1f} to {max(seeds):.1f})")
floor = next(float(row["frechet"]) for row in measured if row["run"] == "real sprites")
assert max(choices["absolute error"]) < min(choices["ours"])
assert max(choices["ours"]) < min(choices["linear schedule"])
assert max(choices["x₀, min-SNR"]) < min(choices["v, min-SNR"])
assert max(choices["v, min-SNR"]) < min(choices["ε, min-SNR"])
plot_dots(choices, f"Fréchet distance after {last_step} steps", mark=("real sprites", floor))

# %% [markdown] slideshow={"slide_type": "fragment"}
# It does matter. **What the network puts out** matters as much as the weight. With the same weight, min-SNR, $x_0$ draws far better than $v$, and $v$ better than ε. Noise is hard to put out: each pixel must be right by itself, and a young network is not that exact. But output and weight belong together: with the error of ε, a network that puts out $x_0$ drew no better than one that puts out ε (section 3).
#
# The linear schedule is worse than the cosine. Huber's errors are a little ahead of squared ones: most errors here
# are small, and there the two are the same.
#
# **Absolute errors** draw best. Then why does the course square its errors? A squared error is smallest for the *mean* of what may be behind the noise, and (1) of notebook 02 needs that mean. An absolute error is smallest for the *median*.
#
# **Predict.** A world of two numbers: +1 comes in 70 of 100 cases, −1 in 30. Somebody who knows this world answers perfectly, once with the mean and once with the median. How often does a sampler draw +1 with each?


# %% slideshow={"slide_type": "fragment"}
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

# %% [markdown] slideshow={"slide_type": "fragment"}
# The median forgets what is rarer: at high noise it always answers +1. So absolute errors sharpen early and lose variety in the end. In a short training a network is so far from any perfect answer that this does not show yet.
#
# **Predict.** Sort the same trainings by their error of ε, on held-out sprites. Is the order the same?


# %% slideshow={"slide_type": "fragment"}
def error_of(run):
    wanted = {"run": run, "weights": "averaged", "step": last_step}
    errors = [float(row["error_eps"]) for row in measured if wanted.items() <= row.items()]
    return sum(errors) / len(errors)


for run in ("ours", "min-SNR", "puts out v, min-SNR", "puts out ε, error of ε"):
    print(f"{run:22}: error of ε {error_of(run):.2f}, Fréchet {sum(frechet(run)) / 3:.0f}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# It is turned round: the trainings that draw worst have by far the smallest error of ε. A network that puts out $x_0$ must copy its input at the smallest $t$. What it misses there is large, seen as noise, and hardly changes the picture.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 12 · What it learns from
#
# <!-- Lecture, 4 minutes. Scale, mirrors, leaks: three mistakes that no error message tells you about. -->
#
# A network believes what it is shown. Three things about the data that are often done wrong.
#
# ### The size of the numbers
#
# The noise has standard deviation 1. The pictures must be of that size, so that both fade into one another at the levels that the schedule was made for.
#
# **Question.** Up to which $t$ is more than half of the variance of $x_t$ picture, for three ways to write the same sprites as numbers?

# %% slideshow={"slide_type": "fragment"}
scales = {"−1 to 1": sprites, "0 to 1": (sprites + 1) / 2, "0 to 255": (sprites + 1) * 127.5}
for name, numbers in scales.items():
    var = numbers.var().double()
    share = schedule.alpha_bar * var / (schedule.alpha_bar * var + 1 - schedule.alpha_bar)
    half = (share > 0.5).sum().item()
    print(f"{name:8}: more than half of it is picture up to t = {half}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Written from 0 to 1, a sprite drowns early, and many steps stir mere noise. Written from 0 to 255, it shines through the noise almost to the end: nearly all levels are as good as clean, and everything must be decided in the last few.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A mirror
#
# For photographs it is usual to show the network each picture as it is and in a mirror, by chance. It doubles the data for nothing: a cat in a mirror is a cat. DDPM did so.
#
# **Predict.** Upper row: five of our sprites. Lower row: the same in a mirror. Which of the lower ones could be in our data?

# %% slideshow={"slide_type": "fragment"}
words = sprite_words()
knights = torch.from_numpy((words["kind"] == "knight") & (words["item"] == "sword"))
left = torch.from_numpy(words["facing"] == "left")
hero, side = contexts[:, 0] == 1, contexts[:, 4] == 1
for name, pictures in (("heroes", sprites[hero]), ("side-facing", sprites[side])):
    some, others = judge.features(pictures[:1000]), judge.features(pictures[1000:3000])
    mirrored = judge.features(pictures[:1000].flip(3))
    print(f"{name:11}: {frechet_distance(some, others):.1f} from others of their class, ", end="")
    print(f"in a mirror {frechet_distance(mirrored, others):.1f}")
print(f"of the side-facing ones, {left[side].float().mean():.0%} face left")
shown = torch.cat([sprites[knights][:3], sprites[left][:2]])
rows = ["as drawn", "in a mirror"]
show_images(torch.cat([shown, shown.flip(3)]), columns=5, row_titles=rows)

# %% [markdown] slideshow={"slide_type": "fragment"}
# None of them. Hands do not matter, our heroes carry swords in either, and the side-facing class looks both ways. But **light falls on all of our sprites from the upper left**, and in a mirror it comes from the right. You may have missed it. The judge does not: seen in a mirror, a crowd is several times as far
# from its class as it was before. A network that is trained with mirrors draws light from both sides.
#
# And where a word goes with the picture, such as "faces left", the mirror makes it a lie. **A mirror is a claim about the world.** Check it before you make it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The exam in the exercise book
#
# We have always graded on sprites that were held out. Here is why. `IdealDenoiser` of notebook 01 knows a list of sprites by heart, and nothing else. It is the extreme of a network that memorises.
#
# **Predict.** Its error of ε at $t = 200$: on the sprites of its list, and on sprites that it has not seen. Then we let 2,000 held-out sprites slip into its list. What happens to its loss on them?

# %% slideshow={"slide_type": "fragment"}
from course_utils import IdealDenoiser

t, eps = torch.full((64,), 200), torch.randn((64, 3, 16, 16), generator=randomness)
models = {
    "by heart": IdealDenoiser(sprites, schedule, contexts),
    "with a leak": IdealDenoiser(
        torch.cat([sprites, held_out]), schedule, torch.cat([contexts, held_out_c])
    ),
    "network": checkpoints["end"],
}
for name, model in models.items():
    found = []
    for x0, c in ((sprites[:64], contexts[:64]), (held_out[:64], held_out_c[:64])):
        eps_hat = model(schedule.add_noise(x0, t, eps), t, c)
        found.append((eps - eps_hat).square().mean())
    print(f"{name:11}: training {found[0]:.2f}, held out {found[1]:.2f}")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Learned by heart, the loss is 0 on the exercises and several times that of the network on anything new. With the leak it is 0 on the exam as well. **Nothing about it is better**: on the next new sprite it will be as bad as before. But you can no longer see it.
#
# The network has about the same loss on both. It is worse on the exercises than the list, far better on what is new, and that is all that we want of it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 13 · Stop, go on, repeat
#
# <!-- Lecture, 2 minutes. Only for a room that trains its own. Otherwise one sentence will do. -->
#
# `train` in the package is the loop of section 7 with these habits built in. It is a generator, like `sample`: it yields after each step, and you decide what to do then.
#
# - **Seeds.** Random numbers come from one generator, the first weights from PyTorch's own. Set both, and a training repeats itself.
# - **Checkpoints.** To go on later, the weights are not enough: the average, what Adam remembers, and the random numbers must go on, too. `progress.state()` holds them all.
# - **Half precision.** Many processors multiply faster with 16 bits. `train` uses bfloat16 where it is fast, for the network's answers only. The weights stay in 32 bits, and you can see why below.
#
# **Question.** Is a training that was stopped half-way the *same* training?

# %% slideshow={"slide_type": "fragment"}
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
# Stopping leaves no trace. And in bfloat16 a small step is lost altogether: weights that were kept in it would stop learning long before the end.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 14 · Your sprites
#
# <!-- Lecture, 3 minutes. End with what they can do tonight: forty pictures and sixty small steps. -->
#
# Put your pictures into a folder, all of one size, height and width even. Sub-folders become classes, and their names are what you can ask for later. Without any, the network learns to draw without being told what. Then, in a terminal:
#
# ```
# python -m course_utils train --data my_sprites --minutes 10 --out mine.safetensors
# python -m course_utils sample mine.safetensors --classes cat dragon --n 8
# ```
#
# The first command says what it found and what it left out, and shows the loss and the time that is left. Every half minute it writes `mine.progress.png`, a picture of what the network draws by now. Ctrl-C stops it at any moment, and the same command with `--resume` goes on. At the end there are the weights of three ages, pictures, and a card that says how
# they were made. It replaces no file that it did not write itself. The second command draws, and so does Python:
#
# ```python
# model, schedule = load_model("mine.safetensors")
# x = sample_ddim(model, (2, *model.shape), schedule, c=model.context("cat", "dragon"))
# ```
#
# What to expect:
#
# - **Time.** On two CPU cores, 16 × 16 pixels: outlines within a minute, sprites within ten. Twice the width and height take four times as long.
# - **How many.** Our network saw 20,000. With a few hundred it learns them by heart sooner or later (section 9 of notebook 02 shows how to find out). So the command stops earlier when there are few, and at the end it says how near samples are to your pictures.
# - **Few pictures?** Then begin with our network instead of with nothing: `--from sprites`. It knows what an outline is.
#
# **Question.** Does a trained network help? Here is a folder with 40 pictures of one kind, without any label, as you might bring it.

# %% slideshow={"slide_type": "fragment"}
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

# %% [markdown] slideshow={"slide_type": "fragment"}
# No label is the context of all zeros, "no context". We thaw the shipped network, and go on training it on these 40 alone.

# %% slideshow={"slide_type": "fragment"} tags=["nbval-ignore-output"]
model, schedule = load_pretrained("sprites")
model.requires_grad_(True)
no_label = torch.zeros(len(yours), 5)
settings = {"steps": 60, "batch_size": 16, "learning_rate": 1e-3, "weight": weight}
run = train(model, yours, no_label, schedule, generator=randomness, **settings)
*_, progress = tqdm(run, total=60)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Saved, loaded again as you would load it tomorrow, and asked for ten pictures, without a label:

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
# It does. After sixty small steps it draws what you brought, in the manner of your forty pictures, and with outlines and eyes that it already knew. Compare what the network of section 7 could draw after a hundred steps from nothing.
#
# **Think.** With 40 pictures and many more steps, the loss on them falls and falls. How would you notice that the network recites?
#
# <details><summary>Answer</summary>
#
# Keep a few of your pictures out of the folder. While the network finds rules, its loss falls on those, too. When it begins to recite, the loss on the folder goes on falling and the loss on the others rises. And look for the nearest picture in the folder beside each drawing, as in notebook 02.
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you know now
#
# - A diffusion model learns by answering questions that were made from data: which noise is in here? `diffusion_loss` is four lines.
# - A batch mixes times, so that each step looks like the whole. The learning rate falls, so that the network comes to rest; an average of its weights does much the same.
# - A small network learns outlines and colours in a minute or two. Longer training brings the rest.
# - The loss is an average over levels, and most of it cannot be avoided. Whether pictures are good, pictures must tell, and numbers that are computed from them.
# - What you show a network is what it believes: mind the scale, mirrors, and what you keep for the exam.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What breaks if …
#
# | you … | then … | seen in |
# |---|---|---|
# | give a whole batch one time | the gradient pulls to and fro, and the drawings are worse | section 2 |
# | forget `zero_grad` | old gradients are added to new ones | exercise 2 |
# | forget the buffers in the average | the averaged network draws garbage, and nothing says why | section 6 |
# | compare losses of two recipes | you compare nothing | sections 9 and 11 |
# | stretch pictures before you show them | mistakes of scale become invisible | section 10 |
# | show mirrored pictures where left and right matter | the network learns a world that does not exist | section 12 |
# | let test pictures slip into training | the test is passed, whatever was learned | section 12 |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## References and next
#
# - J. Ho, A. Jain, P. Abbeel, *Denoising Diffusion Probabilistic Models* (DDPM), 2020, [arXiv:2006.11239](https://arxiv.org/abs/2006.11239): Algorithm 1; our (1) is its (14); mirrors and averaging in its appendix B.
# - T. Salimans, J. Ho, *Progressive Distillation for Fast Sampling of Diffusion Models*, 2022, [arXiv:2202.00512](https://arxiv.org/abs/2202.00512): $v$, and our (2) in its section 4.
# - T. Hang et al., *Efficient Diffusion Training via Min-SNR Weighting Strategy*, 2023, [arXiv:2303.09556](https://arxiv.org/abs/2303.09556): min-SNR, in its section 3.4.
# - D. Kingma, J. Ba, *Adam: A Method for Stochastic Optimization*, 2014, [arXiv:1412.6980](https://arxiv.org/abs/1412.6980); I. Loshchilov, F. Hutter, *Decoupled Weight Decay Regularization*, 2017, [arXiv:1711.05101](https://arxiv.org/abs/1711.05101): AdamW.
# - I. Loshchilov, F. Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, 2016, [arXiv:1608.03983](https://arxiv.org/abs/1608.03983): the cosine in (5).
# - T. Karras et al., *Analyzing and Improving the Training Dynamics of Diffusion Models* (EDM2), 2023, [arXiv:2312.02696](https://arxiv.org/abs/2312.02696): what averaging does, and how long it should remember.
# - M. Heusel et al., *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium*, 2017, [arXiv:1706.08500](https://arxiv.org/abs/1706.08500): the Fréchet distance (7), with another judge.
#
# **Next: 05 · Context.** How do I ask for a hero?
