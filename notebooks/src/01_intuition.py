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
# # 01 · Intuition
#
# **Where does a picture go when it turns into noise?**
#
# <!-- Opening, 3 minutes. Cover the left of the picture and uncover it from the right: who names the first sprite? Then turn the question round: how could one teach a program to go from right to left? By going from left to right, today. -->
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/noise-to-sprites/noise-to-sprites/blob/main/notebooks/01_intuition.ipynb)

# %% [markdown] slideshow={"slide_type": "notes"}
# In this notebook you take a picture apart, a little noise at a time. At the end you can jump to any stage of its decay
# with a single formula, and you know exactly how much of it is left.

# %% slideshow={"slide_type": "skip"}
import sys

if "google.colab" in sys.modules:  # Colab gets the course first; elsewhere this does nothing
    course = "git+https://github.com/noise-to-sprites/noise-to-sprites@main"
    get_ipython().run_line_magic("pip", f"install -q {course}")
import torch
from course_utils import linear_schedule, load_sprites, show_images

randomness = torch.Generator().manual_seed(1)  # run from top to bottom for the text's numbers

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
sprites, contexts = load_sprites()  # soon you can write every line of this cell yourself
five, schedule = sprites[[103, 32, 28, 14, 1]], linear_schedule(500)
eps = torch.randn(five.shape, generator=randomness)
times = [1, 20, 40, 65, 90, 120, 160, 220, 320, 500]
stages = torch.stack([schedule.add_noise(five, t, eps) for t in times], dim=1)
show_images(stages.flatten(0, 1), titles=[f"t = {t}" for t in times])

# %% [markdown] slideshow={"slide_type": "fragment"}
# Each row is one sprite. At $t = 1$ you know it at once, and at $t = 500$ nobody could say which it was.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## After this notebook you can …
#
# - **explain** why a diffusion model learns by destroying pictures,
# - **write** `add_noise`, the one line that DDPM is trained with, and say why it holds a square root,
# - **compare** noise schedules, and tell when one of them stops too early,
# - **undo** the noise when you know it, and predict how far off you are when you only think you do,
# - **say** what the best possible network would answer at each level of noise.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Time:** about 40 minutes, and 35 more with the exercises. **You need:** a little Python and PyTorch; what a mean, a variance and a
# Gaussian are; for section 11, Bayes' rule. No GPU, no earlier knowledge of diffusion models.
#
# If a cell stops with an error, or its numbers do not fit the text, restart the kernel and run all cells from the top.
#
# **How to study:** guess first. Run the cell. Then read its code.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols
#
# | math | code | shape | meaning | elsewhere called |
# |---|---|---|---|---|
# | $x_0$ | `x0` | `(B, 3, 16, 16)` | a batch of clean pictures, in $[-1, 1]$ | `x_start`, `original_samples` |
# | $T$ | `schedule.T` | a number | how many steps the decay takes; here 500 | `num_train_timesteps` |
# | $t$ | `t` | `(B,)` | how far it has come, from 1 to $T$ | `timesteps` |
# | $x_t$ | `x_t` | like `x0` | the picture at time $t$ | `sample` |
# | $\varepsilon$ | `eps` | like `x0` | noise: each number from a Gaussian with mean 0 and variance 1 | `noise` |
# | $\beta_t$ | `schedule.beta` | `(T+1,)` | variance of the noise that step $t$ adds | `betas` |
# | $\alpha_t$ | `schedule.alpha` | `(T+1,)` | $1 - \beta_t$, the share of the variance that step $t$ keeps | `alphas` |
# | $\bar\alpha_t$ | `schedule.alpha_bar` | `(T+1,)` | $\alpha_1 \alpha_2 \cdots \alpha_t$, the share that is left of the picture's power (the mean of its squares) at time $t$ | `alphas_cumprod`; $\alpha_t$ in the DDIM paper |
# | $\hat x_0$ | `x0_hat` | like `x0` | a guess at the clean picture | `pred_original_sample` |

# %% [markdown] slideshow={"slide_type": "notes"}
# $B$ is the number of pictures in a batch. Index 0 of every table is the clean picture: $\beta_0 = 0$ and $\bar\alpha_0 = 1$. So `alpha_bar[t]` is $\bar\alpha_t$, without any "minus one".

# %% [markdown] slideshow={"slide_type": "skip"}
# A **diffusion model** learns to go the other way. Here is ours, as you will know it at the end: it turns pure noise into sprites that nobody has drawn. Change the 8, and it draws eight others.

# %% slideshow={"slide_type": "skip"}
from course_utils import load_pretrained, sample

model, its_schedule = load_pretrained("sprites")
pure_noise = torch.randn((8, 3, 16, 16), generator=torch.Generator().manual_seed(8))
one_of_five = torch.eye(5)[torch.arange(8) % 5]  # what to draw: notebook 05
*_, end = sample(model, pure_noise, its_schedule.timesteps(25), its_schedule, c=one_of_five)
show_images(end.x)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · A drop of ink
#
# <!-- Lecture, 4 minutes. Let them draw first: one track on paper, then the shape of all 1,000. Point at the bold track and follow it with a finger: nothing in it says where it is going. Then at the four slices: they are all that changes in a lawful way. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# A drop of ink falls into a glass of water. At first you can point at it. A little later you can still tell where it fell.
# Wait long enough, and the water is evenly grey: nothing you measure in it says where the drop was.

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** 1,000 grains of ink start at one point. Chance pushes each of them a little, 1,000 times. Draw the height of one grain in the course of time. Then draw where all grains are at the end.

# %% [markdown] slideshow={"slide_type": "notes"}
# A push adds a little noise to a grain's position. It also shrinks the position very slightly, as the glass keeps the ink from
# spreading for ever. (Section 4 explains the two square roots.)

# %% slideshow={"slide_type": "subslide"}
from course_utils import plot_tracks

ink = torch.tensor([-1.2, 1.6]).expand(1000, 2)  # the drop: all grains in one place
places = [ink]
for _ in range(1000):
    ink = 0.99**0.5 * ink + 0.01**0.5 * torch.randn(ink.shape, generator=randomness)
    places.append(ink)
heights = torch.stack(places)[:, :, 1]
moments = (20, 220, 500, 1000)
for n in (0, *moments):
    print(f"{n:4} pushes: mean height {heights[n].mean():.2f}, spread {heights[n].std():.2f}")
plot_tracks(heights, moments, "pushes", "height")

# %% [markdown] slideshow={"slide_type": "fragment"}
# No track says where it goes. All grains together drift to the middle and spread out: each push loses a little of the drop.

# %% [markdown] slideshow={"slide_type": "notes"}
# The lines are the tracks of eight grains, and each blue histogram shows where all 1,000 are. After 1,000 pushes what is left of the first height, 0.03, is no more than chance.
#
# A diffusion model learns to run this backwards. For the whole way that sounds impossible. For a single small step it is not:
# given a slightly blurred cloud, you can guess quite well where the ink was a moment ago.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2 · A picture is a point, too
#
# <!-- Lecture, 3 minutes. Let somebody count before the sprites are shown. Introduce Bob and Fred by name: Bob dissolves today, and comes back in notebook 03. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# A picture is a point as well, with more coordinates. So we can do to pictures what we did to ink.

# %% [markdown] slideshow={"slide_type": "-"}
# **Question.** A grain of ink in the glass is two numbers, its place. How many numbers is a colour picture of 16 × 16 pixels?

# %% slideshow={"slide_type": "fragment"}
sprites, contexts = load_sprites()
low, high = sprites.min(), sprites.max()
print(f"sprites:  {tuple(sprites.shape)}, from {low:.0f} (black) to {high:.0f} (white)")
print(f"          mean {sprites.mean():.1f}, standard deviation {sprites.std():.1f}")
print(f"contexts: {tuple(contexts.shape)}, one class each: {contexts.sum(0).int().tolist()}")
names = ["hero", "non-hero", "food", "spell", "side-facing"]
labels = [names[c.argmax()] for c in contexts[:16]]
show_images(sprites[:16], titles=labels, columns=8)

# %% [markdown] slideshow={"slide_type": "fragment"}
# 16 × 16 pixels with 3 colours: a sprite is 768 numbers between −1 (black) and +1 (white), one point in a space of 768 dimensions.

# %% [markdown] slideshow={"slide_type": "notes"}
# Read the first shape as sprites, colours, rows, columns. A program in `course_utils/sprites` drew all 20,000. A picture file counts from 0 to 255; we count from −1 to +1, since at the end of the decay every number
# comes from a Gaussian with standard deviation 1, and numbers between −1 and 1 are of that size already.
#
# The classes are for notebook 05. Today we look at one sprite, Bob. Beside him is Fred.

# %% slideshow={"slide_type": "subslide"}
bob, fred = sprites[103:104], sprites[12476:12477]
show_images(torch.cat([bob, fred]), titles=["Bob", "Fred"])

# %% [markdown] slideshow={"slide_type": "fragment"}
# Bob and Fred differ in colours and eyes, and hardly in shape.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3 · What would you say?
#
# <!-- Lecture, 3 minutes. Show the pictures and let the room name each, from the right, where it is hardest, to the left. Keep the four answers on the board: section 11 compares them with the exact ones. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# We do to Bob what the water did to the ink, with 500 pushes that grow from tiny to small. `schedule.beta[t]` is the variance of push number $t$.

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** Bob gets 500 pushes. Look at four moments, each as if you knew nothing of the others: *what was this?*

# %% slideshow={"slide_type": "fragment"}
x, pushed = bob, {}
for t in range(1, 501):
    beta = schedule.beta[t].float()
    x = (1 - beta).sqrt() * x + beta.sqrt() * torch.randn(x.shape, generator=randomness)
    pushed[t] = x
four = (35, 85, 115, 475)
show_images(torch.cat([pushed[t] for t in four]), titles=[f"t = {t}" for t in four])

# %% [markdown] slideshow={"slide_type": "fragment"}
# The more noise there is, the less you can read off, and the more you have to make up.

# %% [markdown] slideshow={"slide_type": "notes"}
# (Noise takes numbers beyond −1 and 1. The screen shows them as −1 and 1; the tensor keeps them.)
#
# These might be your four answers, and they are the whole idea of a diffusion model.
#
# 1. *That is Bob.* With little noise you only have to clean up.
# 2. *Probably Bob. I fill in details.* For that you need to know what sprites look like.
# 3. *Bob, or Fred? I see an outline.* Several sprites seem to fit it.
# 4. *No idea. Let me suggest one.* And a network that suggests something here, and improves it level by level, has drawn a new sprite.
#
# The last level must be so close to pure Gaussian noise that we can begin to draw with random numbers. This starting distribution is called the **prior**.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4 · One step
#
# <!-- Lecture, 3 minutes. Read (1) aloud: shrink a little, add a little noise. Collect guesses for the factor, then show the two variances. Whoever adds standard deviations instead of variances can try it with two dice. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# One push, in the language of probability, is a step of the **forward process**. Given the picture at time $t-1$, the picture at time $t$ is Gaussian,

# %% [markdown] slideshow={"slide_type": "-"}
# $$q(x_t \mid x_{t-1}) = \mathcal N\big(\sqrt{1-\beta_t}\; x_{t-1},\; \beta_t I\big), \qquad\text{that is}\qquad
# x_t = \sqrt{1-\beta_t}\; x_{t-1} + \sqrt{\beta_t}\;\varepsilon_t. \tag{1}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# Read: $q$ is how $x_t$ is distributed once $x_{t-1}$ is known. $\mathcal N(m, vI)$ means that each number is Gaussian around its entry of $m$, with variance $v$, independently of the others. Each step draws
# a fresh $\varepsilon_t$. To give it the variance $\beta_t$, we multiply it by $\sqrt{\beta_t}$: variance grows with the square of a factor.

# %% [markdown] slideshow={"slide_type": "-"}
# **Question.** Adding noise makes sense. But why shrink the picture first, by $\sqrt{1-\beta_t}$? Begin with numbers of variance 1: what is it after 500 steps, with and without the factor?

# %% slideshow={"slide_type": "fragment"} tags=["show-print"]
shrunk = plain = torch.randn(100_000, generator=randomness)  # numbers with variance 1
for t in range(1, schedule.T + 1):
    beta, eps_t = schedule.beta[t].float(), torch.randn(100_000, generator=randomness)
    shrunk = (1 - beta).sqrt() * shrunk + beta.sqrt() * eps_t  # (1)
    plain = plain + beta.sqrt() * eps_t
print(f"variance after 500 steps: {shrunk.var():.2f} with shrinking, {plain.var():.1f} without")

# %% [markdown] slideshow={"slide_type": "notes"}
# Without shrinking, every step adds its variance to the 1 that we began with. With shrinking, variance 1 stays variance 1, since
# $(1-\beta_t)\cdot 1 + \beta_t = 1$ (**variance preserving**; our sprites begin at 0.5, and grow to 1). And the picture, multiplied by a factor below 1 again and again, fades away.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5 · One jump
#
# <!-- Lecture, 7 minutes. Let them collect the two noises in the bracket themselves. The step from there to (3) is the most important one of the course: variances add, so two noises are one. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# To train a network we need $x_t$ for random $t$, millions of times. Must we walk up to 500 steps each time? With $\alpha_t = 1 - \beta_t$, do step 2 after step 1:

# %% [markdown] slideshow={"slide_type": "-"}
# $$\begin{aligned} x_2 &= \sqrt{\alpha_2}\,\big(\sqrt{\alpha_1}\, x_0 + \sqrt{\beta_1}\,\varepsilon_1\big) + \sqrt{\beta_2}\,\varepsilon_2 \\
#  &= \sqrt{\alpha_1\alpha_2}\; x_0 + \big(\sqrt{\alpha_2\beta_1}\,\varepsilon_1 + \sqrt{\beta_2}\,\varepsilon_2\big). \end{aligned}$$
#
# **Question.** The bracket holds two independent noises. What is the variance of their sum? (Put $\beta = 1 - \alpha$.)

# %% [markdown] slideshow={"slide_type": "notes"}
# Two independent Gaussians add up to one Gaussian, and their *variances* add: $\alpha_2\beta_1 + \beta_2 = \alpha_2(1-\alpha_1) + 1 - \alpha_2 = 1 - \alpha_1\alpha_2$.
# So the picture is multiplied by $\sqrt{\alpha_1\alpha_2}$, and the noise has variance $1 - \alpha_1\alpha_2$. A third step works the same way, and so does every later one:

# %% [markdown] slideshow={"slide_type": "subslide"}
# $$\bar\alpha_t = \alpha_1\,\alpha_2 \cdots \alpha_t \tag{2}$$
#
# $$q(x_t \mid x_0) = \mathcal N\big(\sqrt{\bar\alpha_t}\; x_0,\; (1-\bar\alpha_t)\, I\big), \qquad\text{that is}\qquad
# x_t = \sqrt{\bar\alpha_t}\; x_0 + \sqrt{1-\bar\alpha_t}\;\varepsilon. \tag{3}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# This one $\varepsilon$ stands for all $t$ noises together. The mean of the squares of a picture's numbers is called its *power*, and $\bar\alpha_t$ is the share of it that is left.
#
# So one line makes training examples for nothing: draw a picture, a time and a noise, and (3) turns them into a question, *what is the noise in this $x_t$?*, whose answer we know.

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 1 · What is left (easy, 5 minutes)
#
# Turn the table `beta` ($\beta_0 = 0, \beta_1, \dots, \beta_T$) into the table of $\bar\alpha_t$, equation (2).
#
# <details><summary>Hint</summary>
#
# PyTorch has running products: <code>torch.cumprod</code>.
# </details>

# %% slideshow={"slide_type": "skip"} tags=["exercise"]
from course_utils import check_alpha_bar


def alpha_bar(beta):
    return ...  # your code: equation (2)


check_alpha_bar(alpha_bar)

# %% [markdown] slideshow={"slide_type": "skip"}
# The solution is folded into the next cell. Try first: the check tells you what kind of mistake you made.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "skip"} tags=["solution"]
# @title Solution 1
def alpha_bar(beta):
    return (1 - beta).cumprod(0)  # (2)


check_alpha_bar(alpha_bar)
assert torch.allclose(alpha_bar(schedule.beta), schedule.alpha_bar, rtol=1e-12)
for t in (1, 100, 250, 500):
    print(f"t = {t:3}: {schedule.alpha_bar[t]:8.3%} of the picture's power is left")

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 2 · Write `add_noise` (medium, 10 minutes)
#
# Write $x_t = \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1-\bar\alpha_t}\,\varepsilon$ for a batch in which **every image has its own time**: `x0` and `eps` have shape `(B, 3, H, W)`, and `t` holds `B` whole numbers.
#
# <!-- Two at a table. Walk round: most forget the root, or the shape of ᾱ. The next slide is for those who left out the view. -->
#
# <details><summary>Hint</summary>
#
# <code>schedule.alpha_bar[t]</code> has shape <code>(B,)</code> and double precision. <code>.to(x0.dtype)</code> gives it the type of the pictures, and <code>.view(-1, 1, 1, 1)</code> a shape that multiplies a batch.
# </details>

# %% slideshow={"slide_type": "-"} tags=["exercise", "show-code"]
from course_utils import check_add_noise


def add_noise(x0, t, eps, schedule):
    return ...  # your code: equation (3), in two or three lines


check_add_noise(add_noise)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"} tags=["solution", "show-code"]
# @title Solution 2
def add_noise(x0, t, eps, schedule):
    ab = schedule.alpha_bar[t].to(x0.dtype).view(-1, 1, 1, 1)  # one ᾱ for each image
    return ab.sqrt() * x0 + (1 - ab).sqrt() * eps  # (3)


check_add_noise(add_noise)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### A batch of times, and a trap
#
# **Predict.** Sixteen Bobs, 16 pixels wide, with sixteen times from 1 to 400, and without `.view`:
#
# ```python
# ab = schedule.alpha_bar[t].float()  # shape (16,)
# x_t = ab.sqrt() * bobs + (1 - ab).sqrt() * noise
# ```
#
# Does it stop? If not, what do the pictures look like?

# %% [markdown] slideshow={"slide_type": "notes"}
# `alpha_bar[t]` has shape `(B,)`. Why does it need `.view(-1, 1, 1, 1)`? PyTorch lines shapes up from the *right*: without it, `(B,)` meets the **columns** of the pictures, not the
# batch. Usually the sizes differ and PyTorch stops you.

# %% slideshow={"slide_type": "subslide"}
sixteen = sprites[16:32]
noise = torch.randn(sixteen.shape, generator=randomness)
t = torch.randint(1, schedule.T + 1, (16,), generator=randomness)
yours, ours = add_noise(sixteen, t, noise, schedule), schedule.add_noise(sixteen, t, noise)
assert torch.allclose(yours, ours, atol=1e-6)  # the package's, which we may call from here on

bobs, t = bob.expand(16, -1, -1, -1), torch.linspace(1, 400, 16).long()
ab = schedule.alpha_bar[t].float()  # shape (16,)
trapped = ab.sqrt() * bobs + (1 - ab).sqrt() * noise
print(f"shape {tuple(trapped.shape)}, and not a word of warning")
both = torch.cat([schedule.add_noise(bobs, t, noise)[::2], trapped[::2]])
show_images(both, titles=[f"t = {i}" for i in t[::2]], row_titles=["right", "no .view"])

# %% [markdown] slideshow={"slide_type": "fragment"}
# Above, every picture has its own time. Below, every *column* has: all are clean at the left and noisy at the right. Nothing failed.

# %% [markdown] slideshow={"slide_type": "notes"}
# That is why
# the checks of this course use batches in which no two sides agree.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Do 150 steps and one jump really agree?
#
# **Predict.** Send 50,000 copies of the number 0.6 through 150 steps of (1), and 50,000 others through one jump (3). What do the two heaps look like?

# %% slideshow={"slide_type": "fragment"}
from course_utils import plot_histograms

copies = torch.full((50_000, 1, 1, 1), 0.6)
walked = copies
for t in range(1, 151):
    beta, eps_t = schedule.beta[t].float(), torch.randn(copies.shape, generator=randomness)
    walked = (1 - beta).sqrt() * walked + beta.sqrt() * eps_t  # (1)
fresh = torch.randn(copies.shape, generator=randomness)
jumped = add_noise(copies, torch.full((50_000,), 150), fresh, schedule)  # (3)
ab = schedule.alpha_bar[150]
expected = torch.distributions.Normal(0.6 * ab.sqrt(), (1 - ab).sqrt())
heaps = {"150 steps": walked, "one jump": jumped}
for name, heap in heaps.items():
    assert abs(heap.mean() - expected.mean) < 0.02 and abs(heap.std() - expected.stddev) < 0.02
    print(f"{name:9}: mean {heap.mean():.1f}, standard deviation {heap.std():.2f}")
print(f"formula  : mean {expected.mean:.1f}, standard deviation {expected.stddev:.2f}")
plot_histograms(heaps, lambda x: expected.log_prob(x).exp(), "x at t = 150")

# %% [markdown] slideshow={"slide_type": "fragment"}
# They agree in mean, in spread and in shape.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6 · Why the square root?
#
# <!-- Lecture, 3 minutes. Ask which of the two formulas they have seen in code. Both are in circulation. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# For the clean picture and for pure noise both are the same.

# %% [markdown] slideshow={"slide_type": "-"}
# **Question.** You will meet code that has $(1-\bar\alpha_t)\,\varepsilon$, without the root. Where does it make a difference?

# %% slideshow={"slide_type": "skip"}
right, wrong = (1 - schedule.alpha_bar).sqrt(), 1 - schedule.alpha_bar
worst = (right - wrong).argmax().item()
for i in (10, worst):
    factor = right[i] / wrong[i]
    print(f"t = {i}: should be {right[i]:.3f}, is {wrong[i]:.3f}, {factor:.0f} times too small")
print(f"the gap is largest at t = {worst}")

# %% [markdown] slideshow={"slide_type": "notes"}
# A number below 1 is smaller than its root, by the largest factor where there is little noise to begin with. In pictures:

# %% slideshow={"slide_type": "subslide"}
times = torch.tensor([10, 30, 60, 100, 150, 250])
ab = schedule.alpha_bar[times].float().view(-1, 1, 1, 1)
bob_eps = eps[:1]
rows = [ab.sqrt() * bob + scale * bob_eps for scale in ((1 - ab).sqrt(), 1 - ab)]
sides = ["√(1−ᾱ)\nright", "1−ᾱ\nwrong"]
show_images(torch.cat(rows), titles=[f"t = {t}" for t in times], row_titles=sides)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Below there is too little noise, from the beginning. $1-\bar\alpha_t$ is a variance, but noise is multiplied by a *standard deviation*, its root.

# %% [markdown] slideshow={"slide_type": "notes"}
# A network trained on the lower row expects almost clean pictures at $t = 30$. A sampler will hand it noisier ones.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 3 · Somebody else's `add_noise` (medium, 5 minutes)
#
# This function makes plausible pictures, but its noise spreads less than (3) says. It has two mistakes. Mend both.
#
# <!-- For a second hour, or in place of exercise 2. Most find the root at once. Ask what t - 1 does at t = 1. -->

# %% slideshow={"slide_type": "-"} tags=["exercise", "show-code", "show-print"]
from course_utils import check_mended_add_noise


def mended_add_noise(x0, t, eps, schedule):
    ab = schedule.alpha_bar[t - 1].to(x0.dtype).view(-1, 1, 1, 1)
    return ab.sqrt() * x0 + (1 - ab) * eps


nothing, t = torch.zeros_like(sixteen), torch.full((16,), 10)  # no picture: only noise is left
spread, should = mended_add_noise(nothing, t, noise, schedule).std(), right[10]
print(f"at t = 10 the noise has spread {spread:.3f}, and equation (3) says {should:.3f}")
check_mended_add_noise(mended_add_noise)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: the two mistakes. (The new spread is right but for chance.)


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"} tags=["solution", "show-code"]
# @title Solution 3
def mended_add_noise(x0, t, eps, schedule):
    ab = schedule.alpha_bar[t].to(x0.dtype).view(-1, 1, 1, 1)  # not t - 1: index 0 is clean
    return ab.sqrt() * x0 + (1 - ab).sqrt() * eps  # (3): a root


check_mended_add_noise(mended_add_noise)
print(f"spread at t = 10 now: {mended_add_noise(nothing, t, noise, schedule).std():.3f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 7 · Watch it dissolve
#
# <!-- Lecture, 3 minutes. Let the movie play, and stop it (K) when the first hands go up: read out ᾱ. Then the same with Bob, and compare the hands with the crossing of the curves. -->
#
# **Question.** Sixteen sprites, each with its own noise. Raise your hand when you can name none of them any more.

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
from course_utils import animate

film = [1, *range(20, 161, 20), 200, 240, 300, 500]
animate(
    [schedule.add_noise(sixteen, t, noise) for t in film],
    [f"t = {t},  ᾱ = {schedule.alpha_bar[t]:.3f}" for t in film],
    alt="16 sprites dissolve into noise as t grows from 1 to 500",
    milliseconds=400,
)

# %% [markdown] slideshow={"slide_type": "fragment"}
# At $t = 120$ more than half of their power is left, at $t = 140$ less than half. When did you lose the last one?

# %% [markdown] slideshow={"slide_type": "notes"}
# Press Play, or drag the slider.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** At which $t$ do *you* lose Bob? **SNR**, the signal-to-noise ratio, is $\bar\alpha_t / (1-\bar\alpha_t)$: the power of the
# picture over that of the noise.

# %% [markdown] slideshow={"slide_type": "notes"}
# (So it is for a picture of power 1.) Move the slider slowly. Blue is what the picture is multiplied by, orange is what the noise is multiplied by.

# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
from course_utils import noise_slider

noise_slider(bob, bob_eps, schedule)

# %% [markdown] slideshow={"slide_type": "notes"}
# (No slider? GitHub shows none: open the notebook in JupyterLab or Colab.) Here is one stop on the way, where the curves cross.

# %% slideshow={"slide_type": "fragment"}
from course_utils import plot_noise_level

crossing = (schedule.snr - 1).abs().argmin().item()
power = bob.square().mean()
print(f"SNR = 1 near t = {crossing}; Bob's own power is {power:.1f}")
plot_noise_level(bob, bob_eps, schedule, crossing)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Here, near $t = 130$, picture and noise are multiplied by the same number. Did you lose Bob before, or after?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 8 · What does the noise know about the picture?
#
# <!-- Lecture, 3 minutes. Take a vote: dark wider, bright wider, or the same? It is the same in every pixel: noise knows nothing of the picture. -->

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** The red of one pixel is dark in Bob, bright in a mushroom. Make 4,000 noisy versions of each: where does it spread more?

# %% slideshow={"slide_type": "fragment"}
from course_utils import plot_pixel

pair, red = torch.cat([bob, sprites[9:10]]), []
for sprite in pair:
    many = sprite.expand(4000, -1, -1, -1)
    x_t = schedule.add_noise(many, 100, torch.randn(many.shape, generator=randomness))
    red.append(x_t[:, 0, 7, 8])
    fade = schedule.alpha_bar[100].sqrt().float()
    mean, spread = red[-1].mean(), red[-1].std()
    print(f"mean {mean:.1f} = {fade:.2f} × {sprite[0, 7, 8]:.2f}, spread {spread:.2f}")
    assert (x_t.mean(0) - fade * sprite).abs().max() < 0.08  # so it is in all 768 numbers
    assert (x_t.std(0) - (1 - fade**2).sqrt()).abs().max() < 0.05
print(f"formula (3) says the spread is {(1 - schedule.alpha_bar[100]).sqrt():.2f}")
plot_pixel(pair, torch.stack(red), (0, 7, 8), ["Bob", "mushroom"], schedule, 100)

# %% [markdown] slideshow={"slide_type": "fragment"}
# The same width, another centre. The centre is the picture, faded by $\sqrt{\bar\alpha_t}$; the width knows nothing of the picture.

# %% [markdown] slideshow={"slide_type": "notes"}
# So it is in each of the 768 numbers (the assertions check it), and equation (3) says so: $x_0$ stands in the mean, and nowhere else.
#
# We draw the noise without looking at the picture. But whoever knows $x_t$ and one of the two can compute the other from (3).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 9 · Schedules: how fast should it go?
#
# <!-- Lecture, 6 minutes. Ask which schedule destroys first, show the curves, then ask for the noisiest of four pictures with half of the power left: it is a trick question, and the point. The ghost is the point to dwell on: it is a bug that never crashes. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# The list of $\beta_t$ is ours to choose. It is called the **schedule**. Four that people use:

# %% [markdown] slideshow={"slide_type": "-"}
# | schedule | idea |
# |---|---|
# | linear | $\beta_t$ grows evenly (DDPM) |
# | quadratic | $\sqrt{\beta_t}$ grows evenly: slower at first |
# | sigmoid | $\beta_t$ follows an S: tiny at first, then rising fast, then level |
# | cosine | $\bar\alpha_t = f(t)/f(0)$ with $f(t) = \cos^2\!\big(\tfrac{t/T+s}{1+s}\cdot\tfrac{\pi}{2}\big)$, $s = 0.008$; each $\beta_t$ at most 0.999 |

# %% [markdown] slideshow={"slide_type": "-"}
# **Question.** Which of them destroys a picture first?

# %% slideshow={"slide_type": "subslide"}
from course_utils import cosine_schedule, plot_curves, quadratic_schedule, sigmoid_schedule

schedules = {
    "linear": linear_schedule(500),
    "quadratic": quadratic_schedule(500),
    "sigmoid": sigmoid_schedule(500),
    "cosine": cosine_schedule(500),
}
for name, s in schedules.items():
    print(f"{name:9}: power left at t = 250 {s.alpha_bar[250]:4.0%}, at 500 {s.alpha_bar[500]:.0e}")
t = torch.arange(501)
curves = {name: (t, s.alpha_bar) for name, s in schedules.items()}
plot_curves(curves, "t", "ᾱ, share of the power left")

# %% [markdown] slideshow={"slide_type": "fragment"}
# The linear one is first: half-way it has 8 % of the power left, and the cosine still half.

# %% [markdown] slideshow={"slide_type": "notes"}
# So in the second half of the linear schedule you see almost only noise. All four end in noise or close to it; the quadratic one leaves most: Bob, multiplied by $\sqrt{7\cdot 10^{-4}} \approx 0.03$.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Predict.** Take from each schedule the picture with half of its power left. Which of the four is the noisiest?

# %% slideshow={"slide_type": "fragment"}
from course_utils import plot_aligned

levels = (0.9, 0.5, 0.1, 0.01)
for level in levels:
    times = [(s.alpha_bar - level).abs().argmin().item() for s in schedules.values()]
    four = torch.cat([s.add_noise(bob, t, bob_eps) for s, t in zip(schedules.values(), times)])
    apart = (four.amax(0) - four.amin(0)).max()
    print(f"ᾱ = {level:<4} at t = {times}: no number differs by more than {apart:.2f}")
    assert apart < 0.05
plot_aligned(bob, bob_eps, schedules, levels)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Where as much is left, all four show the same picture. A schedule says *when*, not *what*.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### How large may a step be?
#
# **Predict.** In the linear schedule step 499 adds over a hundred times the variance of step 2. Which of the two takes away the larger share of the SNR?

# %% slideshow={"slide_type": "fragment"}
for t in (2, 10, 100, 400, 499, 500):
    kept = [s.snr[t] / s.snr[t - 1] for s in (schedules["linear"], schedules["cosine"])]
    print("step {:3}: the SNR falls to {:.1%} (linear) and {:.1%} (cosine)".format(t, *kept))
assert all((s.beta.diff() > 0).all() for s in schedules.values())  # β grows in all four
print(f"the last linear β is {schedule.beta[500] / schedule.beta[1]:.0f} times the first")
t = torch.arange(501)
curves = {name: (t, s.snr.clamp(min=1e-5)) for name, s in schedules.items()}
plot_curves(curves, "t", "SNR (drawn down to 1e-5)", log_y=True, size=(720, 300))

# %% [markdown] slideshow={"slide_type": "fragment"}
# Step 2: it takes away more than half of the ratio, step 499 a few percent. Where there is hardly any noise, a little more counts.

# %% [markdown] slideshow={"slide_type": "notes"}
# So first steps must be small, and in all four $\beta_t$ grows. The cosine does not end so gently: its last two steps take nearly all that is left.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### When a schedule stops too early
#
# **Predict.** DDPM's linear schedule goes from $10^{-4}$ to $0.02$ in $T = 1000$ steps. Code in circulation takes $T = 300$ and keeps the two numbers. Is its $x_{300}$ pure noise?

# %% [markdown] slideshow={"slide_type": "notes"}
# That schedule has 700 steps less, and its steps are no larger. One noisy picture does not show what is left. The *average* of many does.

# %% slideshow={"slide_type": "fragment"}
both = {
    "as stated": linear_schedule(300, stated_for=300),  # β from 0.0001 to 0.02, whatever T is
    "rescaled": linear_schedule(300),  # all β larger by 1000/300
}
many, rows = bob.expand(2000, -1, -1, -1), []
for name, s in both.items():
    ends = s.add_noise(many, s.T, torch.randn(many.shape, generator=randomness))
    rows += [ends[0], ends.mean(0)]
    ab = s.alpha_bar[300]
    print(f"{name:9}: ᾱ_300 = {ab:.5f}, the picture is multiplied by {ab.sqrt():.3f}")
tops = [f"{name},\n{what}" for name in both for what in ("one x₃₀₀", "average of 2,000")]
show_images(torch.stack(rows), titles=tops)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Bob's ghost: he is still there, at a fifth of his strength. A sampler begins with *pure* noise, which such a network has never seen.

# %% [markdown] slideshow={"slide_type": "notes"}
# Multiplying every $\beta$ by $1000/T$ mends it: fewer steps, each larger.

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 4 · A schedule from its curve (medium, 10 minutes)
#
# The cosine schedule is given by $\bar\alpha_t$, but a step needs $\beta_t$. Solve equation (2) for $\beta_t$, and turn the table `alpha_bar` into the table `beta` of the same length. It begins with $\beta_0 = 0$, and no $\beta_t$ exceeds 0.999: the last step of a cosine would erase everything.
#
# <details><summary>Hint</summary>
#
# Equation (2) says $\bar\alpha_t = \bar\alpha_{t-1}\,(1-\beta_t)$. All ratios of neighbours at once are <code>alpha_bar[1:] / alpha_bar[:-1]</code>.
# </details>

# %% slideshow={"slide_type": "skip"} tags=["exercise"]
from course_utils import check_beta_from_alpha_bar


def beta_from_alpha_bar(alpha_bar):
    return ...  # your code


check_beta_from_alpha_bar(beta_from_alpha_bar)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way, and a schedule of our own made with it.

# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "skip"} tags=["solution"]
# @title Solution 4
from course_utils import NoiseSchedule


def beta_from_alpha_bar(alpha_bar):
    beta = 1 - alpha_bar[1:] / alpha_bar[:-1]
    return torch.cat([torch.zeros(1, dtype=beta.dtype), beta.clamp(max=0.999)])


check_beta_from_alpha_bar(beta_from_alpha_bar)
line = torch.linspace(1, 0, 501, dtype=torch.float64)
straight = NoiseSchedule(beta_from_alpha_bar(line)[1:])  # from β_1: it adds β_0 itself
ab = straight.alpha_bar
print(f"ᾱ in a straight line: ᾱ_250 = {ab[250]:.2f}, ᾱ_500 = {ab[500]:.0e}, not 0: the clamp")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 10 · Back again, if you know the noise
#
# <!-- Lecture, 3 minutes. Let somebody solve (3) for the picture at the board. Then ask what an error of the noise becomes. -->
#
# **Question.** You hold $x_t = \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1-\bar\alpha_t}\,\varepsilon$, and somebody tells you $\varepsilon$. What was the picture?

# %% [markdown] slideshow={"slide_type": "notes"}
# Solve equation (3) for the picture:

# %% [markdown] slideshow={"slide_type": "fragment"}
# $$\hat x_0 = \frac{x_t - \sqrt{1-\bar\alpha_t}\;\varepsilon}{\sqrt{\bar\alpha_t}} \tag{4}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# So a network that finds the noise has found the picture, and the other way round. DDPM and many later models ask for the noise.

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 5 · The way back (easy, 5 minutes)
#
# Write equation (4), for the same kind of batch as in exercise 2.

# %% slideshow={"slide_type": "skip"} tags=["exercise"]
from course_utils import check_predict_x0


def predict_x0(x_t, t, eps, schedule):
    return ...  # your code: equation (4)


check_predict_x0(predict_x0)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "skip"} tags=["solution"]
# @title Solution 5
def predict_x0(x_t, t, eps, schedule):
    ab = schedule.alpha_bar[t].to(x_t.dtype).view(-1, 1, 1, 1)
    return (x_t - (1 - ab).sqrt() * eps) / ab.sqrt()  # (4)


check_predict_x0(predict_x0)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### And if you only *think* you know it?

# %% [markdown] slideshow={"slide_type": "notes"}
# A network's guess $\hat\varepsilon$ is never perfect. Put it into (4).

# %% [markdown] slideshow={"slide_type": "-"}
# A guess $\hat\varepsilon = \varepsilon + \delta$ makes an error of the picture:
#
# $$\hat x_0 - x_0 = -\sqrt{\frac{1-\bar\alpha_t}{\bar\alpha_t}}\;\delta = -\frac{\delta}{\sqrt{\mathrm{SNR}_t}}. \tag{5}$$
#
# **Predict.** Let each number of the guess be off by about 0.1. At which $t$ is the picture lost?

# %% slideshow={"slide_type": "subslide"}
delta = 0.1 * torch.randn(bob.shape, generator=randomness)
times = [25, 100, 200, 300, 400, 500]
guesses = []
for t in times:
    x_t = schedule.add_noise(bob, t, bob_eps)
    exact = predict_x0(x_t, torch.tensor([t]), bob_eps, schedule)  # yours, with the true noise
    assert torch.allclose(exact, bob, atol=1e-3)  # Bob comes back from anywhere
    guess = predict_x0(x_t, torch.tensor([t]), bob_eps + delta, schedule)  # and with a guess
    guesses.append(guess)
    factor, formula = ((guess - bob) / delta).abs().median(), schedule.snr[t] ** -0.5
    print(f"t = {t:3}: the error is multiplied by {factor:.3g}; formula (5) says {formula:.3g}")
itself = (x_t - bob_eps).square().mean().sqrt()
print(f"and x_500 taken for the noise would be off by only {itself:.3f}")
show_images(torch.cat(guesses), titles=[f"t = {t}" for t in times])

# %% [markdown] slideshow={"slide_type": "fragment"}
# With a guess of the noise that is off by 0.1, Bob is clean at $t = 100$, speckled at 200 and gone at 400. With the true noise he comes back from anywhere.

# %% [markdown] slideshow={"slide_type": "notes"}
# At $t = 500$ an error of the noise is multiplied by 163. $x_{500}$ is so nearly pure noise that it is itself a guess with an error of
# 0.005. Multiplied by 163, even that is as large as the picture.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Think.** Equation (4) divides by $\sqrt{\bar\alpha_t}$. What would it do with a schedule that ends at exactly $\bar\alpha_T = 0$, and what does that say about asking for noise at that level?
#
# <details><summary>Answer</summary>
#
# It divides by zero. At that level $x_T$ <em>is</em> the noise, so finding it is trivial and tells nothing about the picture. Models for such schedules are asked for the picture, or for a
# mixture of picture and noise called $v$ (notebook 04).
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 11 · The best possible answer
#
# <!-- Lecture, 4 minutes. Say first what is in the bracket: how far $x_t$ is from the faded sprite. Go back to the four answers of section 3. The exact denoiser gives the same ones, later. Say clearly that its answer is an average. -->
#
# Suppose the world holds nothing but our 20,000 sprites, each as likely as the next. Given $x_t$, which one was it?

# %% [markdown] slideshow={"slide_type": "notes"}
# By (3), a sprite $s$ leads to this $x_t$ with a density that depends only on the distance between $x_t$ and the faded
# $\sqrt{\bar\alpha_t}\, s$. Bayes' rule turns that into a probability for each sprite:

# %% [markdown] slideshow={"slide_type": "-"}
# $$P(x_0 = s \mid x_t) \;\propto\; \exp\!\Big(-\frac{\lVert x_t - \sqrt{\bar\alpha_t}\, s\rVert^2}{2\,(1-\bar\alpha_t)}\Big). \tag{6}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# Of all answers, the mean has the smallest expected squared error. So the best answer is $\mathbb E[x_0 \mid x_t]$, the average of all sprites, each weighted with its probability (the **posterior**). No network, no training: `IdealDenoiser`, our *oracle*.

# %% [markdown] slideshow={"slide_type": "-"}
# **Question.** Up to which $t$ is the best possible guesser still certain that it is Bob?

# %% [markdown] slideshow={"slide_type": "notes"}
# And how many sprites are still in the race? (We count with the exponential of the entropy: $n$ equally probable sprites give $n$.)

# %% slideshow={"slide_type": "subslide"}
from course_utils import IdealDenoiser

oracle = IdealDenoiser(sprites.double(), schedule)  # double: a close race ends alike everywhere
times = torch.tensor([60, 180, 235, 260, 300, 500])
six = torch.ones(6, 1, 1, 1)
x_t = schedule.add_noise(bob * six, times, bob_eps * six).double()
probability = oracle.posterior(x_t, times)  # (6)
racing = torch.distributions.Categorical(probs=probability).entropy().exp()
for t, n, p in zip(times.tolist(), racing.tolist(), probability[:, 103].tolist()):
    print(f"t = {t:3}: {p:4.0%} sure that it is Bob, about {n:,.0f} in the race")
x0_hat = oracle.predict_x0(x_t, times)
rows = torch.cat([x_t, x0_hat])
show_images(rows, titles=[f"t = {t}" for t in times], row_titles=["x_t", "best\nanswer"])

# %% [markdown] slideshow={"slide_type": "fragment"}
# Certain at $t = 180$, where you see next to nothing. Then a blend of two, of four, of hundreds; at $t = 500$ the average of nearly all.

# %% [markdown] slideshow={"slide_type": "notes"}
# The four answers of section 3 come in the same order, but later, since the oracle knows every sprite and compares all 768 numbers.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Question.** Whom else does it think of? Here are its four favourites at two levels.

# %% slideshow={"slide_type": "subslide"}
rows, labels = [], []
for i in (2, 3):
    top = probability[i].topk(4)
    rows.append(sprites[top.indices])
    labels += [f"{p:.0%}" if p >= 0.005 else "<1%" for p in top.values.tolist()]
show_images(torch.cat(rows), titles=labels, columns=4, row_titles=["t = 235", "t = 260"])

# %% [markdown] slideshow={"slide_type": "fragment"}
# *Bob, or Fred?* There is Fred, in brown. The oracle hesitates between sprites that look alike through the noise.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Question.** And how far off is the best possible guess of the *noise*, which section 10 asked for? Beside it, the same guess in another way. The density $q$ of noisy pictures is a sum of Gaussians, one for each sprite $s$, and the gradient of each is the Gaussian times $(\sqrt{\bar\alpha_t}\,s - x_t)/(1-\bar\alpha_t)$. Divide the sum by $q(x_t)$, and the Gaussians become the probabilities (6). So $\nabla \log q(x_t) = \mathbb E\big[\sqrt{\bar\alpha_t}\,x_0 - x_t \mid x_t\big] / (1-\bar\alpha_t)$. Solved for the picture:
#
# $$\mathbb E[x_0 \mid x_t] = \frac{x_t + (1-\bar\alpha_t)\,\nabla \log q(x_t)}{\sqrt{\bar\alpha_t}}. \tag{7}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# This is **Tweedie's formula**, and $\nabla \log q$ is called the **score**. So the best denoiser also gives the score.

# %% slideshow={"slide_type": "skip"}
eps_hat = oracle(x_t, times)
for t, e, x0 in zip(times.tolist(), eps_hat, x0_hat):
    noise_error, picture_error = (e - bob_eps[0]).norm() / 768**0.5, (x0 - bob[0]).norm() / 768**0.5
    print(f"t = {t:3}: the noise is off by {noise_error:.3f}, the picture by {picture_error:.2f}")

ab = schedule.alpha_bar[300]
log_q = torch.func.grad(
    lambda x: (-(x - ab.sqrt() * sprites).square().sum((1, 2, 3)) / (2 - 2 * ab)).logsumexp(0)
)
at_300 = x_t[4]
tweedie = (at_300 + (1 - ab) * log_q(at_300)) / ab.sqrt()  # (7), the gradient by autograd
assert torch.allclose(tweedie, x0_hat[4], atol=1e-4)

# %% [markdown] slideshow={"slide_type": "notes"}
# At $t = 500$ the noise is easy to guess, since $x_t$ is almost nothing else. It is off by 0.004 only, and by (5) that becomes 163 times as much in the picture: one jump home gives an average, not a sprite. Notebook 02 goes back in small steps, and asks again after each. (The assertion checks (7).)
#
# The oracle keeps a list of 20,000 sprites, so whoever draws with it ends at one of them (notebook 02).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 12 · Five ways to make a picture
#
# <!-- Lecture, 2 minutes. One sentence for each family is enough, from left to right. A question about speed is a question for notebook 06. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# Only sketched here; notebook 15 trains all five.

# %% [markdown] slideshow={"slide_type": "notes"}
# - **GAN**: a generator learns to fool a critic. Only the generator draws.
# - **VAE**: learns to shrink a picture to a short code and back. It draws from a random code.
# - **Normalising flow**: one network that runs in both directions, from noise to picture and back.
# - **Autoregressive**: one pixel after another, each guessed from those before.
# - **Diffusion**: what this course is about.

# %% slideshow={"slide_type": "-"}
from course_utils import draw_model_families

draw_model_families(bob, bob_eps, schedule)

# %% [markdown] slideshow={"slide_type": "fragment"}
# A diffusion model pays with time: it calls its network again and again. In return its task is simple to state: *find the noise*.

# %% [markdown] slideshow={"slide_type": "notes"}
# Notebook 06 needs a twentieth of the calls.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What breaks if …
#
# <!-- Read out the left column and let the room say the middle one. -->
#
# | you … | then … | seen in |
# |---|---|---|
# | do not shrink before adding noise | the numbers swell; their variance passes 10 | section 4 |
# | forget the root in $\sqrt{1-\bar\alpha_t}$ | there is too little noise, early by the largest factor | section 6 |
# | forget `.view(-1, 1, 1, 1)` | columns get times instead of pictures, sometimes silently | section 5 |
# | use the betas of $T = 1000$ with $T = 300$ | a ghost stays in the last level | section 9 |
# | jump home from $t = 500$ in one step | you get the average of all sprites | section 11 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **Think.** Your friend trains with pictures in $[0, 1]$ instead of $[-1, 1]$. Nothing crashes. What is different at $t = 1$, in between, and at $t = T$?
#
# <details><summary>Answer</summary>
#
# At $t = 1$ nothing that you could see. In between the noise covers them sooner: at each $t$ their variance, compared with the noise, is a quarter of what it was. And
# all of them lie on one side of 0, so as they fade, the whole batch grows darker. At $t = T$ both are almost pure noise.
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you know now
#
# <!-- Close, 2 minutes. Ask for the one sentence of today before you come to this slide. -->
#
# **$x_t = \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1-\bar\alpha_t}\,\varepsilon$. We add the noise ourselves, so we know the right answer. That is why a diffusion model learns by destroying pictures.**

# %% [markdown] slideshow={"slide_type": "notes"}
# - The root is there because a number is scaled by a standard deviation, and it is variances that add up.
# - A schedule should end in pure noise, and its first steps must be small. Two numbers chosen for 1,000 steps do not suit 300.
# - If you know the noise, you know the picture. If your guess of the noise is off by $\delta$, your picture is off by $\delta/\sqrt{\mathrm{SNR}_t}$.
# - The best possible answer is an average of all pictures that are still in the race, $\mathbb E[x_0 \mid x_t]$, and it gives the score.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References and next
#
# - J. Sohl-Dickstein et al., *Deep Unsupervised Learning using Nonequilibrium Thermodynamics*, 2015, [arXiv:1503.03585](https://arxiv.org/abs/1503.03585): the idea.
# - J. Ho, A. Jain, P. Abbeel, *Denoising Diffusion Probabilistic Models* (DDPM), 2020, [arXiv:2006.11239](https://arxiv.org/abs/2006.11239): our (1) is its (2), our (3) its (4), our (4) its (15).
# - A. Nichol, P. Dhariwal, *Improved Denoising Diffusion Probabilistic Models*, 2021, [arXiv:2102.09672](https://arxiv.org/abs/2102.09672): the cosine schedule, its (17).
# - J. Song, C. Meng, S. Ermon, *Denoising Diffusion Implicit Models* (DDIM), 2020, [arXiv:2010.02502](https://arxiv.org/abs/2010.02502): its code has the quadratic and the sigmoid schedule.
# - S. Lin et al., *Common Diffusion Noise Schedules and Sample Steps are Flawed*, 2023, [arXiv:2305.08891](https://arxiv.org/abs/2305.08891): when a schedule stops too early.
# - T. Karras et al., *Elucidating the Design Space of Diffusion-Based Generative Models* (EDM), 2022, [arXiv:2206.00364](https://arxiv.org/abs/2206.00364): the ideal denoiser, its appendix B.3.
#
# **Next: 02 · Sampling.** How does noise turn into a picture?
