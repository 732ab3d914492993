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
# # 03 · Network
#
# **What has to be inside?**
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/noise-to-sprites/noise-to-sprites/blob/main/notebooks/03_network.ipynb)

# %% [markdown] slideshow={"slide_type": "notes"}
# Notebook 02 asked a network 500 times what noise it sees, and never looked inside. In this one you take it apart, write its parts
# yourself and put it together again. At the end the trained weights work with your parts as they do with ours.

# %% slideshow={"slide_type": "skip"}
import sys

if "google.colab" in sys.modules:  # Colab gets the course first; elsewhere this does nothing
    course = "git+https://github.com/noise-to-sprites/noise-to-sprites@main"
    get_ipython().run_line_magic("pip", f"install -q {course}")
import torch
from course_utils import load_pretrained, load_sprites, show_images
from torch import nn

randomness = torch.Generator().manual_seed(3)  # run from top to bottom for the text's numbers

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
model, schedule = load_pretrained("sprites")  # soon you know what is inside
sprites, contexts = load_sprites()
bob, t, c = sprites[103:104], torch.tensor([200]), contexts[103:104]
eps = torch.randn(bob.shape, generator=randomness)
six = torch.arange(450, 0, -80)
rows = [schedule.add_noise(bob.expand(6, 3, 16, 16), six, eps.expand(6, 3, 16, 16))]
rows.append(model.network(rows[0], six, c.expand(6, 5)))
heads = {"titles": [f"t = {time}" for time in six], "row_titles": ["goes in", "comes out"]}
show_images(torch.cat(rows), columns=6, **heads)

# %% [markdown] slideshow={"slide_type": "fragment"}
# One network, asked six times. It is told how noisy the picture is, and which class it shows.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## After this notebook you can …
#
# - **explain** what going down is for, and what the skip connections are for,
# - **write** the U, the embedding of the time, scale and shift, and a residual block,
# - **print** a table of shapes, weights and work from any network,
# - **write** a test that finds a layer which is never trained and never saved,
# - **say** what each part is worth, from a measurement and its spread.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Time:** about 45 minutes, and 65 more with the exercises. **You need:** notebooks 01 and 02; what a convolution and a gradient are. No GPU. (How the network *learned* is notebook 04.)
#
# If a cell stops with an error, or its numbers do not fit the text, restart the kernel and run all cells from the top.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols
#
# | math | code | shape | meaning | elsewhere called |
# |---|---|---|---|---|
# | $x_t,\ t$ | `x_t`, `t` | `(B, 3, H, W)`, `(B,)` | as before: noisy pictures and their times | `sample`, `timestep` |
# | $c$ | `c` | `(B, 5)` | the context: which of five classes, one-hot | `class_labels`, `cond`, `y` |
# | $n$ | `n` | a number | how many channels the network has at full size | `block_out_channels[0]`, `model_channels` |
# | $h$ | `h` | `(B, C, H, W)` | features: a picture with $C$ channels instead of 3 colours | `hidden_states` |
# | $\gamma(t)$ | `time_embedding(t, width)` | `(B, width)` | the time as sines and cosines | `time_proj`, positional encoding |
# | $e$ | `condition` | `(B, 4n)` | what every block is told about time and context | `temb`, `emb` |
# | $a,\ b$ | `scale`, `shift` | `(B, C, 1, 1)` | what a block makes of it: two numbers for each channel | FiLM, `scale_shift` |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · Same shape in and out
#
# <!-- Lecture, 2 minutes. Ask for the shape of the answer before you show it. Then ask which of the two needs a large view, and which a sharp one. -->

# %% [markdown] slideshow={"slide_type": "-"}
# **Question.** Into the network go a noisy picture of shape `(1, 3, 16, 16)`, its time and its context. Which shape has the answer?

# %% slideshow={"slide_type": "skip"}
x_t = schedule.add_noise(bob, t, eps)
network = model.network  # without the wrapper that turns its answer into noise
n = network.arguments["n_features"]
answer = network(x_t, t, c)
print(f"x_t {tuple(x_t.shape)}, t {tuple(t.shape)}, c {tuple(c.shape)} → {tuple(answer.shape)}")
signal = schedule.alpha_bar[t].sqrt().float()
noise = (1 - schedule.alpha_bar[t]).sqrt().float()
error = (answer - bob).square().mean() / bob.square().mean()
print(f"Bob has power {bob.square().mean():.1f}; the error of the answer has {error:.0%} of that")
assert torch.allclose(model(x_t, t, c), (x_t - signal * answer) / noise, atol=1e-4)  # the wrapper

# %% [markdown] slideshow={"slide_type": "notes"}
# Our network puts out a guess at the clean picture, $\hat x_0$ (notebook 04 compares that with its rivals). Samplers ask for noise. So a wrapper without weights, `FromX0`, makes noise of the guess: $\hat\varepsilon = (x_t - \sqrt{\bar\alpha_t}\,\hat x_0) / \sqrt{1-\bar\alpha_t}$.

# %% [markdown] slideshow={"slide_type": "fragment"}
# The same: one number for each colour of each pixel. To answer well, a network needs two things that are hard to have at once.
#
# - **See far.** Is this red pixel part of a coat, or of an apple? One must see the whole sprite.
# - **Stay near.** Noise differs from pixel to pixel, so each pixel needs its own answer, in its own place.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2 · How far does it see?
#
# <!-- Lecture, 4 minutes. Let them count: each 3 × 3 convolution adds one pixel to each side. Then show that adding up is not the whole truth. -->

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** A 3×3 convolution looks one pixel to each side. Our network has 14 of them between input and output. How many pixels wide is all that can reach one pixel of the answer, its **receptive field**?

# %% [markdown] slideshow={"slide_type": "notes"}
# If a pixel of the input cannot reach the output, the gradient of the output with respect to it is exactly zero. So autograd can measure the field. (We take the normalisations of section 7 out: they subtract means over many pixels, so a little of each pixel reaches all others.)

# %% slideshow={"slide_type": "subslide"}
from copy import deepcopy

from course_utils import draw_receptive_fields


def gradient(network, size=96):
    """How strongly each pixel of the input moves the middle pixel of the answer."""
    x = torch.randn((1, 3, size, size), generator=randomness).requires_grad_()
    network(x)[0, :, size // 2, size // 2].sum().backward()
    return x.grad.abs().sum(1)[0]


bare = deepcopy(network)
for part in bare.modules():
    for name, child in list(part.named_children()):
        if isinstance(child, nn.GroupNorm):
            setattr(part, name, nn.Identity())
count = sum(getattr(part, "kernel_size", None) == (3, 3) for part in network.modules())
torch.manual_seed(0)  # new layers draw their weights from PyTorch's own generator
in_a_row = nn.Sequential(*[nn.Conv2d(3, 3, 3, padding=1) for _ in range(count)])
both = {f"{count} in a row": in_a_row, f"our U, also with {count}": lambda x: bare(x, t)}
fields = {name: gradient(one)[12:-12, 12:-12] for name, one in both.items()}  # the rest is empty
for name, field in fields.items():
    print(f"{name:18}: {(field > 0).any(1).sum()} × {(field > 0).any(0).sum()} pixels")
draw_receptive_fields(fields, bob)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Fourteen in a row see 29 pixels. The U sees 62 with as many: it **halves** the picture, and in a picture of half the size, one step to the side is a step of two.

# %% [markdown] slideshow={"slide_type": "notes"}
# (Dark green is the largest gradient, pale green a millionth of it. The framed pixel is the one of the answer.)
#
# For a sprite both see enough: of fourteen in a row, only pixels that are 15 apart do not see each other. They differ in what they cost: section 3.
#
# Another way to see far is **attention**: each place compares itself with all others, and takes most from those that fit. Its work grows with the *square* of the number of pixels. Large networks have it where their pictures are small.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3 · Down, and up again
#
# <!-- Lecture, 6 minutes. Ask what a sprite of 4 × 4 pixels can still tell. Follow the drawing of the U from left to right, and then along the skip connections. -->

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** Going down has a price. We halve Bob twice, by averaging. What is left of him at 4 × 4 pixels, and what is lost?

# %% slideshow={"slide_type": "fragment"}
import torch.nn.functional as F


def double(h):  # each pixel becomes a square of four
    return F.interpolate(h, scale_factor=2, mode="nearest")


half = F.avg_pool2d(bob, 2)
quarter = F.avg_pool2d(half, 2)
lost = bob - double(double(quarter))
print(f"lost: {lost.var() / bob.var():.0%} of Bob's variance")
stations = {"16 × 16": bob, "8 × 8": half, "4 × 4": quarter, "first − third": lost / 2}
same_size = torch.cat([F.interpolate(x, size=16, mode="nearest") for x in stations.values()])
show_images(same_size, titles=list(stations))

# %% [markdown] slideshow={"slide_type": "fragment"}
# Sixteen squares are left: a summary. The details are lost, and they are three quarters of Bob's variance.

# %% [markdown] slideshow={"slide_type": "notes"}
# (In the last picture grey is 0.) An **autoencoder** is built like that: small in the middle, so that mostly a summary gets through. For us that is not enough: where exactly the outline was must be packed into channels, and section 4 measures how badly that goes.

# %% [markdown] slideshow={"slide_type": "subslide"}
# A **U-Net** (Ronneberger et al., 2015) keeps the summary and the details. On the way up, each level is handed what the way down saw at this level, by a **skip connection**:

# %% [markdown] slideshow={"slide_type": "-"}
# $$h_\text{up} = \text{block}\big(\,[\,\text{double}(h_\text{below}),\; h_\text{skip}\,]\,\big). \tag{1}$$

# %% [markdown] slideshow={"slide_type": "fragment"}
# The brackets mean: first the channels of the one, then the channels of the other, **side by side** (`torch.cat` along dimension 1). They are not added.

# %% slideshow={"slide_type": "subslide"}
from course_utils import draw_network

draw_network(model, x_t, t.item(), c)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Down to 4 × 4 pixels and up again, with skip connections across. Every block is told time and context.

# %% [markdown] slideshow={"slide_type": "notes"}
# Each deck of cards is a block, and a card is one channel of what it puts out, for Bob at $t = 200$. (A few of many are drawn, those with the largest numbers in front.)

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 1 · The U (medium, 15 minutes)
#
# Write the way through the network with its own parts: `stem`, `down1`, halve, `down2`, halve, `bottom1`, `bottom2`; then twice double, join, `up2` or `up1`; then `head`. Stem and head, which begin and end with a 3×3 convolution, take a picture. The six blocks take a picture and the condition, as in `network.down1(h, condition)`; what the condition is comes in section 6. Which features are joined where, the picture above shows.
#
# <details><summary>Hint</summary>
#
# Halve with <code>F.avg_pool2d(h, 2)</code>, double with <code>double</code> from above, and join with <code>torch.cat([from_below, skipped], dim=1)</code>. Keep what <code>down1</code> and <code>down2</code> put out, <em>before</em> it is halved.
# </details>

# %% slideshow={"slide_type": "skip"} tags=["exercise"]
from course_utils import check_unet


def unet(network, x, condition):
    return ...  # your code: seven lines or so


check_unet(unet)

# %% [markdown] slideshow={"slide_type": "skip"}
# The solution is folded into the next cell. Try first: the check tells you what kind of mistake you made.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "skip"} tags=["solution"]
# @title Solution 1
def unet(network, x, condition):
    fine = network.down1(network.stem(x), condition)
    middle = network.down2(F.avg_pool2d(fine, 2), condition)
    coarse = network.bottom1(F.avg_pool2d(middle, 2), condition)
    coarse = network.bottom2(coarse, condition)
    up = network.up2(torch.cat([double(coarse), middle], dim=1), condition)  # (1)
    up = network.up1(torch.cat([double(up), fine], dim=1), condition)  # (1)
    return network.head(up)


check_unet(unet)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### What is where?
#
# **Question.** Where in the U are most of its weights, and where is most of its work?

# %% [markdown] slideshow={"slide_type": "notes"}
# A **forward hook** is a function that PyTorch calls when a part has done its work, with what went in and what came out. Work we count in multiply-adds: a multiplication and the addition that goes with it.

# %% slideshow={"slide_type": "skip"}
from functools import partial

from torch.utils.flop_counter import FlopCounterMode

shapes = {}


def note(part, inputs, output, name):
    shapes[name] = inputs[0].shape[1:], output.shape[1:]


hooks = [p.register_forward_hook(partial(note, name=name)) for name, p in network.named_children()]
with FlopCounterMode(display=False) as counter:
    network(x_t, t, c)
for hook in hooks:
    hook.remove()
flops = counter.get_flop_counts()  # it counts multiplications and additions one by one
print(f"{'part':14}{'in':>12}{'out':>14}{'weights':>12}{'million multiply-adds':>24}")
for name, sides in shapes.items():
    before, after = ("×".join(map(str, side)) or "a number" for side in sides)
    weights = sum(p.numel() for p in network.get_submodule(name).parameters())
    work = sum(flops[f"ContextUnet.{name}"].values()) / 2e6
    print(f"{name:14}{before:>12}{after:>14}{weights:>12,}{work:>24.2f}")
weights, work = sum(p.numel() for p in network.parameters()), counter.get_total_flops() / 2e6
print(f"{'all':40}{weights:>12,}{work:>24.2f}")


# %% [markdown] slideshow={"slide_type": "fragment"}
# Most **weights** are at the bottom, where there are many channels. Most **work** is done on the way up, where pictures are large and joined channels are many.

# %% [markdown] slideshow={"slide_type": "notes"}
# The row of `up2` shows equation (1): 128 channels come from below, and 64 from `down2`.

# %% [markdown] slideshow={"slide_type": "fragment"}
# **Question.** What would it cost not to go down at all, with the same blocks?


# %% slideshow={"slide_type": "skip"}
def flat(network, x, condition):
    fine = network.down1(network.stem(x), condition)
    middle = network.down2(fine, condition)
    coarse = network.bottom2(network.bottom1(middle, condition), condition)
    up = network.up2(torch.cat([coarse, middle], dim=1), condition)
    return network.head(network.up1(torch.cat([up, fine], dim=1), condition))


condition = F.silu(network.embed_time(t) + network.embed_context(c))  # section 6
assert torch.allclose(unet(network, x_t, condition), answer, atol=1e-4)  # the U is right
with FlopCounterMode(display=False) as flat_counter:
    flat(network, x_t, condition)
dearer = flat_counter.get_total_flops() / counter.get_total_flops()
side = (gradient(lambda x: flat(bare, x, condition)) > 0).any(1).sum()
print(f"{dearer:.1f} times the work, and it sees {side} × {side} pixels")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Five times the work, to see half as far. That is why the network is a U.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4 · What do the skip connections carry?
#
# <!-- Lecture, 4 minutes. Take a vote on what the network without skips will do. It has to draw every outline from memory. If there is time, ask what follows the picture in the notes. -->

# %% [markdown] slideshow={"slide_type": "-"}
# We train two small networks for 120 steps each. In the second one, zeros arrive by the skip connections. All else is equal.

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** Both then see 100 new sprites with a little noise. Is the error of the second one larger than that of $x_t$ itself, taken for the picture?

# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
from course_utils import ContextUnet, FromX0, sample_ddim, train, without_skips
from tqdm.auto import tqdm

small = {}
for name, change in (("whole", lambda network: network), ("no skips", without_skips)):
    torch.manual_seed(0)  # the same first weights for both
    learner = FromX0(change(ContextUnet(n_features=16)), schedule)
    order, w = torch.Generator().manual_seed(0), 1 / schedule.snr  # and the same batches
    settings = {"steps": 120, "batch_size": 32, "learning_rate": 5e-3, "weight": w}
    run = train(learner, sprites, contexts, schedule, **settings, generator=order)
    *_, last = tqdm(run, name, total=120)
    small[name] = last.averaged.eval()

# %% [markdown] slideshow={"slide_type": "skip"}
# (What `train` does is for notebook 04.) Now new sprites, at $t = 120$:

# %% slideshow={"slide_type": "subslide"}
new, classes = (tensor[:100] for tensor in load_sprites(split="test"))
noisy = schedule.add_noise(new, 120, torch.randn(new.shape, generator=randomness))
rows, left = [new[:6], noisy[:6]], {}
for name, learned in small.items():
    with torch.no_grad():
        eps_hat = learned(noisy, torch.full((100,), 120), classes)
    x0_hat = schedule.predict_x0(noisy, 120, eps_hat)
    left[name] = (x0_hat - new).square().mean()
    rows.append(x0_hat[:6])
    print(f"{name:9}: error of the picture {left[name]:.3f}")
print(f"x_t as it is: {(noisy - new).square().mean():.3f}")
assert left["whole"] < (noisy - new).square().mean() < left["no skips"]
show_images(torch.cat(rows), columns=6, row_titles=["clean", "x_t, t = 120", "whole", "no skips"])

# %% [markdown] slideshow={"slide_type": "fragment"}
# The whole network keeps the outlines that it was shown. Without skip connections the error is larger than that of doing nothing.

# %% [markdown] slideshow={"slide_type": "notes"}
# What it draws is a blur of about the right size: the place of each single pixel was lost on the way down.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Think.** A convolution over joined channels computes $W_1 h_\text{below} + W_2 h_\text{skip}$, with a kernel for each half. When would that be the same as *adding* the two and convolving once?
#
# <details><summary>Answer</summary>
#
# When both have the same kernel, $W_1 = W_2$, and so the same number of channels. Joining lets the network learn, for each channel, how much to take from below and how much from the side.
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5 · What time is it?
#
# <!-- Lecture, 7 minutes. On the clocks, let the room point at the hands that moved, first from 100 to 101, then from 100 to 400. The exercise comes after the clocks. -->

# %% [markdown] slideshow={"slide_type": "-"}
# **Question.** A single dark pixel at $t = 5$ is an eye; at $t = 400$ it is noise. So the network must know $t$. Why not hand it the number itself?

# %% [markdown] slideshow={"slide_type": "fragment"}
# A linear layer makes a straight line of it. We let it choose from many curved functions of $t$, sines and cosines, like the hands of many clocks:

# %% [markdown] slideshow={"slide_type": "fragment"}
# $$\gamma(t) = \big(\sin \omega_0 t, \dots, \sin \omega_{K-1} t,\; \cos \omega_0 t, \dots, \cos \omega_{K-1} t\big), \qquad
# \omega_k = e^{-\ln(10000)\, k / K}. \tag{2}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# The first hand turns one radian a step. The last turns by less than a tenth of a radian in 500 steps.

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** Which hands tell 100 from 101, and which tell 100 from 400?

# %% slideshow={"slide_type": "fragment"}
from course_utils import draw_clocks

three = torch.tensor([100, 101, 400])
draw_clocks(network.embed_time[0](three), three.tolist())

# %% [markdown] slideshow={"slide_type": "fragment"}
# Fast hands tell neighbours apart, slow hands tell early from late.

# %% [markdown] slideshow={"slide_type": "notes"}
# (Every second hand is drawn. Filled is how far it is from where it was at $t = 100$.)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 2 · The embedding of the time (easy, 10 minutes)
#
# Write equation (2). `t` holds `B` whole numbers, `width` is $2K$, and the result has shape `(B, width)`: first all $\sin\omega_k t$, then all $\cos\omega_k t$, with $\omega_k = e^{-\ln(10000)\, k / K}$.
#
# <details><summary>Hint</summary>
#
# <code>torch.arange(half)</code> counts $k$ from 0. <code>t[:, None]</code> makes a column of the times, and a column times a row is a table.
# </details>

# %% slideshow={"slide_type": "-"} tags=["exercise", "show-code"]
import math

from course_utils import check_time_embedding


def time_embedding(t, width):
    return ...  # your code: equation (2), in three or four lines


check_time_embedding(time_embedding)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"} tags=["solution", "show-code"]
# @title Solution 2
def time_embedding(t, width):
    half = width // 2
    frequency = torch.exp(-math.log(10_000) * torch.arange(half) / half)
    angle = t[:, None] * frequency  # (B, 1) times (half,) is (B, half)
    return torch.cat([angle.sin(), angle.cos()], dim=1)  # (2)


check_time_embedding(time_embedding)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The table of all times
#
# **Question.** What does that look like, for all times from 1 to 500 at once?

# %% slideshow={"slide_type": "fragment"}
from course_utils import plot_matrix

gamma = time_embedding(torch.arange(1, 501), n)
direction = F.normalize(gamma, dim=1)
alike = direction @ direction.T
cosine = torch.stack([alike.diagonal(apart).mean() for apart in range(500)])
for apart in (1, 5, 15, 20, 100, 400):
    assert alike.diagonal(apart).std() < 1e-3  # whatever the two times are
    print(f"{apart:3} steps apart: cosine {cosine[apart]:.2f}")
print(f"smallest: {cosine.min():.3f}, {cosine.argmin()} steps apart")
plot_matrix(gamma.T, "t", "sines, then cosines", first=(0, 1), size=(640, 256))

# %% [markdown] slideshow={"slide_type": "fragment"}
# A column is what the network is told at that time; a row is one hand, fast ones first in each half.

# %% [markdown] slideshow={"slide_type": "notes"}
# Two times look alike if their columns point in the same direction: then the cosine of the angle between them is 1. Neighbours are alike, so what the network learns at one time nearly holds at the next. Farther apart the cosine falls, but in waves: times that are 20 steps apart are *more* alike than those 15 apart.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Think.** Why does the cosine depend only on the distance? And why is it mostly above 0, even for times that are far apart?
#
# <details><summary>Answer</summary>
#
# For one hand, $\sin\omega s\,\sin\omega t + \cos\omega s\,\cos\omega t = \cos\omega(s-t)$: only the difference is left. The scalar product of two columns is the sum of that over all hands. Slow hands
# have hardly moved in 400 steps, so their part stays near 1.
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# The embedding has no weights. Two layers that learn come behind it; together they are `network.embed_time`.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6 · What shall I draw?
#
# <!-- Lecture, 6 minutes. Let them find out why W has no bias. Go through the four channels one by one at t = 450, and click on to 50. -->

# %% [markdown] slideshow={"slide_type": "-"}
# The context is *one-hot*: five numbers, with a 1 for the class that is asked for. A linear layer $W$ without bias makes it as long as the time behind its two layers. All blocks are told SiLU of their sum, the **condition**:

# %% [markdown] slideshow={"slide_type": "-"}
# $$e = \mathrm{SiLU}\big(\text{layers}(\gamma(t)) + W c\big), \qquad \mathrm{SiLU}(u) = u \cdot \mathrm{sigmoid}(u). \tag{3}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# A one-hot $c$ picks one column of $W$, the **embedding** of this class. SiLU is a ReLU with its corner rounded off.

# %% [markdown] slideshow={"slide_type": "fragment"}
# **Question.** What do five zeros ask for, and what would they ask for with a bias?

# %% [markdown] slideshow={"slide_type": "notes"}
# Without a bias, five zeros add nothing: leaving $c$ away and asking for $c = 0$ are the same question. Notebook 05 is built on that: one network draws with and without a wish. (An assertion in section 7 checks it.)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Scale and shift

# %% [markdown] slideshow={"slide_type": "-"}
# How can a list of numbers influence a picture with $C$ channels? A simple way is called **FiLM** (Perez et al., 2018). Each block has a linear layer that makes two numbers for each channel from the condition, a scale $a$ and a shift $b$. Then

# %% [markdown] slideshow={"slide_type": "-"}
# $$h \;\leftarrow\; h \cdot (1 + a) + b. \tag{4}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# All pixels of a channel are treated alike. With the 1, a layer that puts out 0 changes nothing.

# %% [markdown] slideshow={"slide_type": "fragment"}
# **Predict.** Behind it comes SiLU, which lets through what is above 0. Say one channel finds outlines. At which $t$ would you shut it, and with which $a$ or $b$?

# %% slideshow={"slide_type": "subslide"} tags=["nbval-ignore-output"]
from course_utils import build_up, draw_scale_and_shift

pictures, telling = [], [15, 19, 25, 24]  # four of the first block's 32 channels
for time in (450, 50):
    noisy_bob = schedule.add_noise(bob, time, eps)
    pictures.append(draw_scale_and_shift(model, noisy_bob, time, c, telling))
captions = ["With much noise", "With little noise"]
build_up(pictures, captions, "Scale and shift of four channels at t = 450, and then at t = 50")

# %% [markdown] slideshow={"slide_type": "fragment"}
# At $t = 450$ three of the channels are shut and the last is open. At $t = 50$ it is the other way round.

# %% [markdown] slideshow={"slide_type": "notes"}
# With little noise, channel 15 marks the ground, 19 the outlines and 25 the figure. With much noise there is nothing to be marked.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Exercise 3 · Scale and shift (easy, 10 minutes)
#
# Write equation (4), $h \cdot (1 + a) + b$. `h` has shape `(B, C, H, W)`, `condition` has shape `(B, n_condition)`, and `layer` is an `nn.Linear` that turns it into $2C$ numbers: first the $C$ scales, then the $C$ shifts.
#
# <details><summary>Hint</summary>
#
# <code>.chunk(2, dim=1)</code> cuts a tensor in two, and <code>[:, :, None, None]</code> gives it two more sides, so that it lines up with the channels and not with the columns.
# </details>

# %% slideshow={"slide_type": "-"} tags=["exercise", "show-code"]
from course_utils import check_modulate


def modulate(h, condition, layer):
    return ...  # your code: equation (4), in two lines


check_modulate(modulate)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "subslide"} tags=["solution", "show-code"]
# @title Solution 3
def modulate(h, condition, layer):
    scale, shift = layer(condition)[:, :, None, None].chunk(2, dim=1)
    return h * (1 + scale) + shift  # (4)


check_modulate(modulate)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 7 · A residual block
#
# <!-- Lecture, 5 minutes. Build the diagram up and follow equation (5) with a finger. Ask what is left of the block when the last convolution is all zeros. -->

# %% [markdown] slideshow={"slide_type": "-"}
# The six blocks are built alike. Twice: normalise, SiLU, convolve. Before the second SiLU, scale and shift. And past it all leads a **shortcut**:

# %% [markdown] slideshow={"slide_type": "-"}
# $$\begin{aligned} h &= \text{conv}_1(\mathrm{SiLU}(\text{norm}_1(x))) \\ h &= \text{norm}_2(h)\cdot(1 + a) + b \\ \text{block}(x, e) &= \text{shortcut}(x) + \text{conv}_2(\mathrm{SiLU}(h)). \end{aligned} \tag{5}$$

# %% slideshow={"slide_type": "subslide"} tags=["nbval-ignore-output"]
from course_utils import draw_residual_block

captions = [
    "What comes in: here the 96 joined channels of up1",
    "Normalise, SiLU, convolve",
    "The condition scales and shifts each channel",
    "SiLU, and the second convolution",
    "The shortcut leads past it all",
    "The sum is what the block puts out",
]
alt = (
    "A residual block: two convolutions, scale and shift between them, a shortcut past, and the sum"
)
build_up(draw_residual_block(model, x_t, t.item(), c), captions, alt)

# %% [markdown] slideshow={"slide_type": "fragment"}
# A block adds a correction to what the shortcut lets through.

# %% [markdown] slideshow={"slide_type": "subslide"}
# - **GroupNorm** takes the channels of *one* picture in 8 groups, and gives each group mean 0 and variance 1. (Then it multiplies and shifts each channel by two learned numbers.)
# - **The shortcut** makes the block a sum (He et al., 2015). Where the number of channels changes, a 1×1 convolution does that in the shortcut: one small matrix, the same for each pixel.
# - **conv₂ begins at zero.** So a new block is nothing but its shortcut.

# %% [markdown] slideshow={"slide_type": "fragment"}
# **Think.** In a new block conv₂ is all zeros. Does conv₁ learn anything in the very first step?
#
# <details><summary>Answer</summary>
#
# No. The gradient reaches conv₁ through the weights of conv₂, and they are 0. But conv₂ itself gets a gradient, because what comes into it is not 0. From the second
# step on everything learns. (If <em>both</em> factors of a product began at zero, neither would ever move.)
# </details>

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 4 · The block (hard, 20 minutes)
#
# Write equation (5). All layers are made in `__init__`, under these names, so that our trained weights find their places: `norm1`, `conv1`, `norm2`, `conv2`, `condition` (an `nn.Linear` to twice `c_out`) and `shortcut`. Use your `modulate`.
#
# <details><summary>Hint</summary>
#
# The shortcut is <code>nn.Conv2d(c_in, c_out, 1)</code>, or <code>nn.Identity()</code> where nothing changes. For the zeros: <code>nn.init.zeros_(self.conv2.weight)</code>, and the same for its bias.
# </details>

# %% slideshow={"slide_type": "skip"} tags=["exercise"]
from course_utils import check_residual_block


class ResidualBlock(nn.Module):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(8, c_in), nn.Conv2d(c_in, c_out, 3, padding=1)
        ...  # your code: four more layers, and zeros for conv2

    def forward(self, x, condition):
        return ...  # your code: equation (5)


check_residual_block(ResidualBlock)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "skip"} tags=["solution"]
# @title Solution 4
class ResidualBlock(nn.Module):
    def __init__(self, c_in, c_out, n_condition):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(8, c_in), nn.Conv2d(c_in, c_out, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(8, c_out), nn.Conv2d(c_out, c_out, 3, padding=1)
        self.condition = nn.Linear(n_condition, 2 * c_out)
        self.shortcut = nn.Identity() if c_in == c_out else nn.Conv2d(c_in, c_out, 1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x, condition):
        h = self.conv1(F.silu(self.norm1(x)))
        h = modulate(self.norm2(h), condition, self.condition)  # (4)
        return self.shortcut(x) + self.conv2(F.silu(h))  # (5)


check_residual_block(ResidualBlock)


# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Your network
#
# **Question.** We build a network around the four parts that this notebook asks you to write (the package's, where yours is not right), and load the trained weights into it. Does it give the same answer?


# %% slideshow={"slide_type": "skip"}
class YourNetwork(ContextUnet):
    def forward(self, x, t, c):
        clock = self.embed_time[1:](time_embedding(t, n))  # (2), then the two layers
        return unet(self, x, F.silu(clock + self.embed_context(c)))  # (3), then (1)


yours = YourNetwork(**network.arguments)
for name, block in list(yours.named_children()):
    if hasattr(block, "shortcut"):  # it is a residual block: put yours in its place
        sides = block.conv1.in_channels, block.conv1.out_channels
        setattr(yours, name, ResidualBlock(*sides, block.condition.in_features))
print(yours.load_state_dict(network.state_dict()))
assert torch.allclose(yours(x_t, t, c), answer, atol=1e-4)
assert torch.allclose(yours(x_t, t, 0 * c), network(x_t, t), atol=1e-4)  # no wish
print("and it answers what ours answers")

# %% slideshow={"slide_type": "fragment"}
from course_utils import sample

names = ["hero", "non-hero", "food", "spell", "side-facing"]
x_T = torch.randn((10, 3, 16, 16), generator=randomness)
your_model = FromX0(yours.eval().requires_grad_(False), schedule)
times = schedule.timesteps(25)
*_, end = sample(your_model, x_T, times, schedule, c=torch.eye(5).repeat(2, 1))
show_images(end.x, titles=names, columns=5)

# %% [markdown] slideshow={"slide_type": "fragment"}
# It does, up to 0.0001. So it can draw: two of each class, with 25 steps of DDIM, nothing picked.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 8 · Break it
#
# <!-- Lecture, 7 minutes. Give two minutes for the order, in pairs, and write the bets on the board. One break is an improvement, and finding out why is worth the time. -->

# %% [markdown] slideshow={"slide_type": "notes"}
# What is each part worth? Break it, train again, and compare (an **ablation**). `benchmarks/ablations.py` did that with a smaller network (16 features), for 400 steps of 64 sprites, with three seeds each:

# %% [markdown] slideshow={"slide_type": "-"}
# | network | what is broken |
# |---|---|
# | whole | nothing |
# | no t | whatever $t$ is, it is told $\gamma(0)$ |
# | BatchNorm | each GroupNorm is replaced by a BatchNorm |
# | no skips | zeros arrive by the skip connections |
# | shortcut in forward | the 1×1 convolutions of the shortcuts are made anew in every call |
#
# **Predict.** Put the five in order, from the smallest damage to the largest.

# %% slideshow={"slide_type": "subslide"}
from course_utils import load_ablations, plot_dots

steps, loss = load_ablations("loss")
more = {name: y[:, -1] / loss["whole"][:, -1] - 1 for name, y in loss.items()}  # with the same seed
print("                      error at the end   more than whole, three seeds")
for name, y in loss.items():
    print(f"{name:22}{y[:, -1].mean():16.3f}   {more[name].min():+.0%} to {more[name].max():+.0%}")
assert more["BatchNorm"].max() < 0 < more["no t"].min()
assert more["no t"].max() < 0.1 < more["shortcut in forward"].min()
assert more["shortcut in forward"].max() < more["no skips"].min()
dots = {name: y[:, -1].tolist() for name, y in loss.items()}
plot_dots(dots, f"error of x₀ after {steps[-1]:.0f} steps, held-out sprites")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Without skip connections the error is a quarter larger, and always new shortcuts cost an eighth. Without the time little is lost.

# %% [markdown] slideshow={"slide_type": "notes"}
# (A dot is a seed. With the same seed all five saw the same pictures, times and noises.) With BatchNorm a little is gained, with each seed. All of this is about the *error*, and about 400 steps.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### No skips
#
# **Question.** When does it hurt: at low $t$ (to 167), in the middle, or at high $t$ (from 334)?

# %% slideshow={"slide_type": "fragment"}
thirds = {"low t": "low", "middle t": "middle", "high t": "high"}
print(" " * 20 + "".join(f"{title:>12}" for title in thirds))
for name in loss:
    means = [load_ablations(column)[1][name][:, -1].mean() for column in thirds.values()]
    print(f"{name:20}" + "".join(f"{end:12.3f}" for end in means))
ends = {title: load_ablations(column)[1] for title, column in thirds.items()}
ratio = {title: y["no skips"][:, -1] / y["whole"][:, -1] for title, y in ends.items()}
low, middle, high = ratio.values()
assert low.min() > 3 and middle.min() > 1.3 and high.max() < 1.1
dots = {title: seeds.tolist() for title, seeds in ratio.items()}
plot_dots(dots, "error without skip connections / error of the whole", mark=("whole", 1))

# %% [markdown] slideshow={"slide_type": "fragment"}
# At low $t$ the error is nearly four times as large. At high $t$ there is only a rough shape to be guessed, and a rough shape gets through the bottleneck.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### No t
#
# **Question.** A network in circulation takes $t$ and then never uses it. We saw that its error is a thirtieth larger. How can it do without?

# %% [markdown] slideshow={"slide_type": "notes"}
# Where neighbours differ inside an area of one colour, it is noise. Let us guess the level of noise, $\sqrt{1-\bar\alpha_t}$, from nothing but the median difference between neighbours.
#
# And does it show in the pictures? `benchmarks/no_time.py` trained both for 2,000 steps, with three seeds, and drew 500 sprites in 25 steps, with DDIM and with DDPM. It did the same with networks that put out $v = \sqrt{\bar\alpha_t}\,\varepsilon - \sqrt{1-\bar\alpha_t}\,x_0$ (notebook 04).

# %% slideshow={"slide_type": "skip"}
from course_utils.storage.tables import read_rows

many, _ = load_sprites(split="test")
t_many = torch.randint(1, 501, (len(many),), generator=randomness)
noisy = schedule.add_noise(many, t_many, torch.randn(many.shape, generator=randomness))
median = noisy.diff(dim=3).abs().flatten(1).median(dim=1).values
seen = median / (0.6745 * 2**0.5)  # the median of |difference|, for noise of strength 1
true = (1 - schedule.alpha_bar[t_many]).sqrt()
correlation = torch.corrcoef(torch.stack([seen.double(), true]))[0, 1]
print(f"level of noise, seen and true: correlation {correlation:.2f}")
measured = read_rows("no_time")
for puts_out in ("x0", "v"):
    for name in ("whole", "no t"):
        rows = [r for r in measured if (r["puts_out"], r["network"]) == (puts_out, name)]
        error = sum(float(r["loss"]) for r in rows) / len(rows)
        print(f"puts out {puts_out:2}, {name:5}: error {error:.3f}, Fréchet distance", end="")
        for sampler in ("DDIM", "DDPM"):
            far = [float(r["frechet_distance"]) for r in rows if r["sampler"].startswith(sampler)]
            print(f"  {sampler} {min(far):.0f} to {max(far):.0f}", end="")
        print()

# %% [markdown] slideshow={"slide_type": "fragment"}
# It can see the time: the differences between neighbouring pixels and the level of noise have a correlation of 0.98.

# %% [markdown] slideshow={"slide_type": "notes"}
# A few lines of arithmetic see it, so a network can, too. With $x_0$ the distances hardly differ.

# %% [markdown] slideshow={"slide_type": "fragment"}
# With $v$, whose mixture depends on $t$, it draws worse: with DDIM the Fréchet distance is 28 to 34 instead of 17 to 19. The error is larger by 3 % only.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### BatchNorm
#
# With BatchNorm the error is *lower*, with every seed. It takes its mean and variance over **all pictures of the batch** in training, and afterwards (`.eval()`) uses an average that it has kept.

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** What happens to somebody who samples and forgets `.eval()`?

# %% [markdown] slideshow={"slide_type": "notes"}
# In training the pictures of a batch have all kinds of $t$; in a sampler they have one.

# %% slideshow={"slide_type": "skip"}
from course_utils import with_batch_norm

columns = {"eval mode": "loss", "training mode, t mixed": "own_mixed", "t alike": "own_alike"}
print(" " * 12 + "".join(f"{title:>24}" for title in columns))
for name in ("whole", "BatchNorm"):
    means = [load_ablations(column)[1][name][:, -1].mean() for column in columns.values()]
    print(f"{name:12}" + "".join(f"{end:24.3f}" for end in means))
assert means[1] < 1.02 * means[0] and means[2] > 1.15 * means[0]  # of BatchNorm

torch.manual_seed(0)
grouped = ContextUnet(n_features=16)  # both new, and in training mode
batched = with_batch_norm(deepcopy(grouped))
guests, t_guests = torch.cat([x_t, noisy[:7]]), torch.cat([t, t_many[:7]])
for name, one in (("GroupNorm", grouped), ("BatchNorm", batched)):
    alone, in_company = one(x_t, t)[0], one(guests, t_guests)[0]
    same = torch.allclose(alone, in_company, atol=1e-4)
    print(f"{name}: the answer about Bob does {'not ' * same}depend on who is with him")

# %% [markdown] slideshow={"slide_type": "fragment"}
# Nothing crashes. While times are mixed hardly anything changes; when they are alike, as in a sampler, the error is a fifth larger.

# %% [markdown] slideshow={"slide_type": "fragment"}
# With GroupNorm each picture is answered alone, and there is no switch to forget.

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### The shortcut that is always new
#
# **Question.** This is in a network that many have copied. It runs, it trains, its loss falls. What is wrong?

# %% [markdown] slideshow={"slide_type": "-"}
# ```python
# def forward(self, x):
#     ...
#     shortcut = nn.Conv2d(self.c_in, self.c_out, 1).to(x.device)
#     return shortcut(x) + h
# ```

# %% [markdown] slideshow={"slide_type": "notes"}
# A layer that is made in `forward` gets new random weights *in every call*. The optimiser does not know them, and no file holds them. We do that to our trained network, and ask it the same question twice.

# %% slideshow={"slide_type": "subslide"}
from course_utils import with_fresh_shortcuts

torch.manual_seed(0)
broken = with_fresh_shortcuts(deepcopy(network)).eval()
lost = sorted(set(network.state_dict()) - set(broken.state_dict()))
print(f"not in the state dict: {', '.join(name for name in lost if 'weight' in name)}")
answers = [answer, broken(x_t, t, c), broken(x_t, t, c)]
print(f"two calls agree: {torch.equal(answers[1], answers[2])}")
print("errors of the three:", *(f"{(bob - x0_hat).square().mean():.3f}" for x0_hat in answers))
tops = ["trained\nshortcuts", "new ones,\nfirst call", "new ones,\nsecond call"]
show_images(torch.cat([x_t, *answers]), titles=["x_t", *tops])

# %% [markdown] slideshow={"slide_type": "fragment"}
# Four layers are gone. With random ones in their place the error is much larger, and each call has other colours.

# %% [markdown] slideshow={"slide_type": "notes"}
# A network that was *trained* with the bug works around it: in our ablation its error is an eighth larger. Without that comparison one sees a loss that falls as it should: **the loss does not give it away.** Which test does?

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 5 · The test that finds it (medium, 10 minutes)
#
# There is no equation for this one. A network is saved today and loaded tomorrow. Write a function that says, `True` or `False`, whether it still answers the same. `other` is a second network of the same kind, with other random weights, and you may do with it what you like. Your test should also find layers that are kept in a plain Python list, where PyTorch does not see them.
#
# <details><summary>Hint</summary>
#
# <code>network.state_dict()</code> is what a file would hold, and <code>other.load_state_dict(…)</code> loads it. What must be equal then?
# </details>

# %% slideshow={"slide_type": "skip"} tags=["exercise"]
from course_utils import check_survives_saving


def survives_saving(network, other, x, t, c):
    return ...  # your code: save, load, compare


check_survives_saving(survives_saving)

# %% [markdown] slideshow={"slide_type": "skip"}
# Folded below: one way to write it. To call the network twice would find these shortcuts, but not layers in a list: they answer alike in both calls, and are not saved either.


# %% cellView="form" jupyter={"source_hidden": true} slideshow={"slide_type": "skip"} tags=["solution"]
# @title Solution 5
def survives_saving(network, other, x, t, c):
    other.load_state_dict(network.state_dict())
    return torch.equal(network(x, t, c), other(x, t, c))


check_survives_saving(survives_saving)
for name, one in (("ours", network), ("yours", yours), ("broken", broken)):
    other = deepcopy(one)  # of the same kind; now with other weights
    for weights in other.parameters():
        nn.init.normal_(weights, generator=randomness)
    print(f"{name:6} survives: {survives_saving(one, other, x_t, t, c)}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# ### Larger pictures
#
# **Predict.** Our network has only convolutions, so it takes larger pictures, too. But it has seen nothing but 16 × 16. What will it draw on 24 × 24 pixels?

# %% [markdown] slideshow={"slide_type": "notes"}
# Some U-Nets squeeze the coarsest features into one vector, with a linear layer that is made for exactly 4 × 4 pixels. We ask both.

# %% slideshow={"slide_type": "fragment"}
numbers = 4 * n * 4 * 4  # the coarsest features of a picture of 16 × 16
squeeze = nn.Sequential(nn.Flatten(), nn.Linear(numbers, 64), nn.Linear(64, numbers))
for side in (16, 24, 32):
    x = torch.randn((1, 3, side, side), generator=randomness)
    coarse = torch.randn((1, 4 * n, side // 4, side // 4), generator=randomness)
    try:
        squeeze(coarse)
        verdict = "works"
    except RuntimeError as error:
        verdict = type(error).__name__
    print(f"{side} × {side}: ours gives {tuple(network(x, t).shape)}, hard-wired: {verdict}")
large = torch.randn((5, 3, 24, 24), generator=randomness)
*_, end = sample(model, large, times, schedule, c=torch.eye(5))
show_images(end.x, titles=names)


# %% [markdown] slideshow={"slide_type": "fragment"}
# Outlines are dark, the ground is white, colours fit. But it is not *one* thing any more. That there is one body, in the middle, was learned for 16 pixels.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 9 · Any network will do
#
# <!-- Lecture, 3 minutes. Ask what has to change for points in the plane: nothing but the network. -->

# %% [markdown] slideshow={"slide_type": "-"}
# **Question.** Training, schedule and sampler only want *some* function `model(x, t, c)` that answers in the shape of `x`. Can a few linear layers, with equations (2) to (4) in them, learn two moons, and which one is asked for?


# %% slideshow={"slide_type": "skip"}
class PointNetwork(nn.Module):
    def __init__(self, width=128):
        super().__init__()
        self.embed_context = nn.Linear(2, 32, bias=False)
        self.layers = nn.ModuleList([nn.Linear(2, width), nn.Linear(width, width)])
        self.modulations = nn.ModuleList([nn.Linear(32, 2 * width) for _ in self.layers])
        self.head = nn.Linear(width, 2)

    def forward(self, x, t, c):
        condition = time_embedding(t, 32) + self.embed_context(c)  # (2), and (3) without SiLU
        for layer, modulation in zip(self.layers, self.modulations):
            scale, shift = modulation(condition).chunk(2, dim=1)
            x = F.silu(layer(x) * (1 + scale) + shift)  # (4)
        return self.head(x)


# %% slideshow={"slide_type": "skip"} tags=["nbval-ignore-output"]
moon = torch.arange(4000) % 2
angle, side = torch.pi * torch.rand(4000, generator=randomness), 1.0 - 2 * moon
moons = 1.2 * torch.stack([angle.cos() - side / 2, side * (angle.sin() - 0.25)], dim=1)
moons = moons + 0.06 * torch.randn(moons.shape, generator=randomness)
torch.manual_seed(0)
learner, which = FromX0(PointNetwork(), schedule), torch.eye(2)[moon]
settings = {"steps": 500, "batch_size": 512, "learning_rate": 1e-2, "weight": w}
*_, last = tqdm(train(learner, moons, which, schedule, **settings, generator=randomness), total=500)
drawn = sample_ddim(last.averaged, (2000, 2), schedule, 50, which[:2000], generator=randomness)

# %% [markdown] slideshow={"slide_type": "notes"}
# The same `train`, the same `sample_ddim`, the same schedule as for sprites.

# %% slideshow={"slide_type": "fragment"}
from course_utils import plot_points

distance, closest = torch.cdist(drawn, moons).min(dim=1)
obeyed = (distance < 0.2) & (moon[closest] == moon[:2000])
assert obeyed.float().mean() > 0.9
panels = torch.stack([moons[:1000], drawn[:1000], drawn[moon[:2000] == 0]])
plot_points(panels, ["data", "drawn", "drawn: one moon"], limit=2.2)

# %% [markdown] slideshow={"slide_type": "fragment"}
# A few seconds of training, and more than nine points in ten lie on the moon that was asked for.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What breaks if …
#
# | you … | then … | seen in |
# |---|---|---|
# | do not go down | it costs five times the work and sees less far | section 3 |
# | cut the skip connections | where the picture can still be seen well, the error is nearly four times as large | sections 4 and 8 |
# | forget the 1 in $1 + a$ | a layer that puts out 0 silences its channel | section 6 |
# | do not tell it $t$ | the error is a thirtieth larger; if it puts out $v$, it draws worse, with DDIM far worse | section 8 |
# | use BatchNorm and forget `.eval()` | no message, and an error that is a fifth larger | section 8 |
# | make a layer in `forward` | it is new in every call, is never saved, and the loss falls all the same | section 8 |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you know now
#
# **The network goes down to see far, and hands each place its details by skip connections. Time and context tell each block how to scale and shift its channels. A block adds a correction to its input.**

# %% [markdown] slideshow={"slide_type": "notes"}
# - The time is a table of sines and cosines, in which neighbours are alike. Time and context add up to one condition. The correction that a block adds begins with none.
# - A layer made in `forward` is never trained and never saved. The loss does not give it away; save, load and compare does.
# - Of four parts, the skip connections are worth most. What the time is worth depends on what the network puts out.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## References and next
#
# - O. Ronneberger, P. Fischer, T. Brox, *U-Net: Convolutional Networks for Biomedical Image Segmentation*, 2015, [arXiv:1505.04597](https://arxiv.org/abs/1505.04597): the U, and joined skip connections; our (1).
# - A. Vaswani et al., *Attention Is All You Need*, 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762): the embedding, in its section 3.5, where sines and cosines take turns; our (2).
# - J. Ho, A. Jain, P. Abbeel, *Denoising Diffusion Probabilistic Models* (DDPM), 2020, [arXiv:2006.11239](https://arxiv.org/abs/2006.11239): a U-Net that is told the time, in its appendix B.
# - E. Perez et al., *FiLM: Visual Reasoning with a General Conditioning Layer*, 2018, [arXiv:1709.07871](https://arxiv.org/abs/1709.07871): our (4).
# - A. Nichol, P. Dhariwal, *Improved Denoising Diffusion Probabilistic Models*, 2021, [arXiv:2102.09672](https://arxiv.org/abs/2102.09672): scale and shift behind GroupNorm, as in our (5).
# - K. He et al., *Deep Residual Learning for Image Recognition*, 2015, [arXiv:1512.03385](https://arxiv.org/abs/1512.03385): the shortcut.
# - S. Ioffe, C. Szegedy, *Batch Normalization*, 2015, [arXiv:1502.03167](https://arxiv.org/abs/1502.03167); Y. Wu, K. He, *Group Normalization*, 2018, [arXiv:1803.08494](https://arxiv.org/abs/1803.08494).
#
# **Next: 04 · Training.** How does it learn to see through noise?
