"""How wide a step of the reverse process is: three bells of a posterior, a step over the truth, maps of a spread."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator
from torch import Tensor
from torch.distributions import Normal

from ..diffusion.oracles import MixtureDenoiser
from ..diffusion.posterior import jump, log_between
from ..diffusion.schedules import NoiseSchedule
from ..validation import require_floats, require_images, require_int, require_number
from .bits import FLAT, PALE
from .drawing import draw_word, page_axes
from .images import show_images
from .picture import DATA, INK, NETWORK, NOISE, PAGE, Picture, as_ink, place_axes, styled

_SPREADS = LinearSegmentedColormap.from_list("spreads", ["white", NETWORK, "#00251b"])
_SLIP = "#8F4A7B"


@styled
def plot_posterior(x0: float, x_t: float, t: int, t_prev: int, schedule: NoiseSchedule) -> Picture:
    """What a number was at t_prev: seen from x_0, seen from x_t, and from both, which is the posterior.

    A dashed line stands where its mean falls if ᾱ_t is written for ᾱ_{t_prev} in the weight of x_t.

    Args:
        x0, x_t: the number at both ends.
        t, t_prev: where the jump starts and ends, with t_prev of at least 1.
        schedule: the noise schedule.
    """
    require_number("x0", x0), require_number("x_t", x_t)
    require_int("t", t, 1), require_int("t_prev", t_prev, 1)  # at 0 the posterior is a point, x_0
    step, ab_prev = jump(t, t_prev, schedule, torch.zeros(1, dtype=torch.float64)), schedule.alpha_bar[t_prev].item()
    beta, of_x0, of_x_t = step.beta.item(), step.of_x0.item(), step.of_x_t.item()
    mean, slip = of_x0 * x0 + of_x_t * x_t, of_x0 * x0 + (1 - beta) ** 0.5 * x_t
    bells = [
        ("seen from $x_0$", ab_prev**0.5 * x0, (1 - ab_prev) ** 0.5, DATA),
        ("seen from $x_t$", x_t / (1 - beta) ** 0.5, (beta / (1 - beta)) ** 0.5, NOISE),
        ("from both: the posterior", mean, step.variance.item() ** 0.5, INK),
    ]
    seen = "a bell seen from x_0, one seen from x_t, and from both a narrower one"
    picture = Picture(PAGE, 312, f"What a number was at t = {t_prev}, by x_0 = {x0:g} and x_t = {x_t:g}: {seen}")
    axes = place_axes(picture, 20, 66, PAGE - 40, 192)
    low = min(centre - 3 * spread for _, centre, spread, _ in bells)
    high = max(centre + 3 * spread for _, centre, spread, _ in bells)
    x, peaks = torch.linspace(low, high, 600, dtype=torch.float64), []
    for name, centre, spread, colour in bells:
        height = Normal(centre, spread).log_prob(x).exp()
        if colour == INK:
            axes.fill_between(x, height, color="#e3e7ea", linewidth=0, zorder=0, antialiased=False)
        axes.plot(x, height, color=colour, antialiased=False, zorder=2 + (colour == INK))  # of few bytes
        words = f"{name}\nmean {centre:.2f}, spread {spread:.2f}".replace("-", "−")
        peaks.append((centre, 0.4 / spread, words, colour))
    top = 0.9 * peaks[2][1]
    axes.plot([slip, slip], [0, top], "--", color=_SLIP, linewidth=1.6)
    words = rf"with $\bar\alpha_{{{t}}}$ for $\bar\alpha_{{{t_prev}}}$" + f"\nmean {slip:.2f}".replace("-", "−")
    axes.set(xlim=(low, high), ylim=(0, 1.1 * peaks[2][1]), yticks=[], xlabel=f"the number at t = {t_prev}")
    axes.spines["left"].set_visible(False)
    _name_from_above(picture, axes, [*peaks, (slip, top, words, _SLIP)])
    return picture


def _name_from_above(picture: Picture, axes: Axes, points: Sequence[tuple[float, float, str, str]]) -> None:
    """Words in a row above the axes, each with a line to its point (x, y), in the order of x."""
    page = page_axes(picture)
    for i, (x, y, words, colour) in enumerate(sorted(points)):
        at = (i + 0.5) * PAGE / len(points)
        draw_word(page, (at, 52), words, "n", colour, bold=True)
        point = page.transData.inverted().transform(axes.transData.transform((x, y)))
        page.plot(*zip((at, 50), point, strict=True), color=colour, linewidth=0.8)


def show_uncertainty(x_t: Tensor, x0_hat: Tensor, std: Tensor, limit: float = 0.5) -> Picture:
    """Noisy pictures, what a network makes of them, and how far off it takes each pixel of this to be.

    Args:
        x_t, x0_hat: pictures in [−1, 1], shape (B, 3, H, W), and the answers to them, of the same shape.
        std: the spread of each number around the answer, of the same shape; the mean over colours is shown.
        limit: the spread that is shown darkest; larger ones look the same.
    """
    require_images("x_t", x_t), require_floats("x0_hat", x0_hat, like=x_t), require_floats("std", std, like=x_t)
    require_number("limit", limit, 0, open_interval=True)
    shares = (std.detach().mean(1) / limit).clamp(0, 1).cpu().numpy()
    maps = torch.from_numpy(_SPREADS(shares)[..., :3]).movedim(-1, 1).to(x_t) * 2 - 1
    rows = ("noisy", "answer", f"spread:\n0 is white,\n{limit:g} is dark")
    return show_images(torch.cat([x_t, x0_hat, maps]), row_titles=rows, columns=len(x_t))


@styled
def plot_variance(
    truth: MixtureDenoiser, x_t: float, t: int, t_prev: int, v: float, gaps: Mapping[float, float]
) -> Picture:
    """One step of a chain over the truth, its variance between β̃ and β, and what this choice costs the whole chain.

    Args:
        truth: a mixture in one dimension, means of shape (K, 1), in float64.
        x_t: where the step starts.
        t, t_prev: the times at which it starts and ends.
        v: its variance is exp(v log β + (1 − v) log β̃); one of the keys of `gaps`.
        gaps: for each v what a chain of such steps loses, in nats; on the logarithmic axis nothing is below 10⁻⁶.
    """
    require_number("x_t", x_t), require_number("v", v, 0, 1)
    if v not in gaps:
        raise ValueError(f"v must be one of the keys of gaps, got {v!r}")
    best, shown = min(gaps, key=gaps.__getitem__), {key: max(gap, FLAT) for key, gap in gaps.items()}
    loss = f"a gap of {gaps[v] if gaps[v] > FLAT else 0:.3g} nats"
    start = truth.means.new_tensor([[x_t]])
    std = float(log_between(v)(start, start, t, t_prev, truth.schedule)) ** 0.5
    picture = Picture(
        PAGE, 276, f"A step from {t} to {t_prev} with v = {v:g}, of spread {std:.3f}, over the truth; {loss}"
    )
    left, right = place_axes(picture, 20, 58, 380, 164), place_axes(picture, 490, 40, 310, 182)
    _draw_step(left, truth, start, t, t_prev, std)
    lowest, highest = shown[best], max(shown.values())
    ratio = max(highest / lowest, 10)
    style: dict[str, Any] = {"antialiased": False, "zorder": 3}  # of few colours, so of few bytes in a movie
    right.plot(list(shown), list(shown.values()), color=INK, **style)
    right.plot(best, shown[best], "o", color=INK, markerfacecolor="white", markersize=9, **style)
    right.plot(v, shown[v], "o", color=NETWORK, markersize=10, **style)
    right.set(yscale="log", xlim=(-0.03, 1.03), ylim=(lowest / ratio**0.25, highest * ratio**0.08), ylabel="gap, nats")
    draw_word(right, (best, shown[best]), f"best: v = {best:g}", "sw" if best > 0.5 else "se")
    right.set_title(f"v = {v:g}: {loss}")
    right.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    right.minorticks_off()
    right.set_xlabel(r"v, from 0 ($\tilde\beta$) to 1 ($\beta$)")
    right.yaxis.set_major_formatter(lambda gap, _: f"{gap:g}")
    return picture


def _draw_step(axes: Axes, truth: MixtureDenoiser, start: Tensor, t: int, t_prev: int, std: float) -> None:
    """The density of x_{t_prev} given x_t, by Bayes, and the Gaussian of the step."""
    step, x0_hat = jump(t, t_prev, truth.schedule, start), truth.predict_x0(start, t)
    centre, beta = float(step.of_x0 * x0_hat + step.of_x_t * start), step.beta
    known = float(step.variance + step.of_x0**2 * truth.x0_variance(start, t)) ** 0.5
    reach = 3.2 * max(known, float(beta) ** 0.5)
    x = torch.linspace(centre - reach, centre + reach, 600, dtype=start.dtype)[:, None]
    log = truth.log_density(x, t_prev)[:, None] - (start - (1 - beta).sqrt() * x).square() / (2 * beta)
    density = log.softmax(0) / (x[1] - x[0])
    axes.fill_between(x[:, 0], density[:, 0], color=PALE, linewidth=0, antialiased=False)
    axes.plot(x[:, 0], Normal(centre, std).log_prob(x[:, 0]).exp(), color=NETWORK, antialiased=False)
    top = 1.6 * density.max().item()
    axes.set(
        xlim=(centre - reach, centre + reach),
        ylim=(0, top),
        yticks=[],
        xlabel=f"x at t = {t_prev}, from {start.item():g} at t = {t}",
    )
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    for y, words, colour in ((26, "filled: the truth", DATA), (8, f"line: the step, spread {std:.3f}", NETWORK)):
        style: dict[str, Any] = {"color": as_ink(colour), "fontweight": "bold", "textcoords": "offset points"}
        axes.annotate(words, (0, 1), (0, y), xycoords="axes fraction", **style)
