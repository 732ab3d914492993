"""The questions that public functions ask of their input, each answered by a `ValueError` that names the argument.

No mathematics here: a function that computes calls these first, and then computes.
"""

import math
import operator
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from unicodedata import normalize

import torch
from torch import Tensor


def require_int(name: str, value: object, low: int, high: int | None = None) -> int:
    """A whole number between `low` and `high` (both included); anything else is refused."""
    bounds = f"a whole number from {low} to {high}" if high is not None else f"a whole number of at least {low}"
    try:
        number = None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:  # no number, or one with a fraction, or several
        number = None
    if number is None or number < low or (high is not None and number > high):
        raise ValueError(f"{name} must be {bounds}, got {value!r}")
    return number


def require_seed(seed: object) -> int:
    """A seed as PyTorch takes it: 64 bits, and not negative."""
    return require_int("seed", seed, 0, 2**64 - 1)


def require_number(
    name: str, value: object, low: float = -math.inf, high: float = math.inf, open_interval: bool = False
) -> float:
    """A finite number between `low` and `high`, which are included unless the interval is open; all else is refused."""
    try:
        number = math.nan if isinstance(value, bool | str | bytes) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError):  # no number, or several
        number = math.nan
    inside = low < number < high if open_interval else low <= number <= high
    if not (inside and math.isfinite(number)):
        left = "(" if open_interval or low == -math.inf else "["
        right = ")" if open_interval or high == math.inf else "]"
        interval = f"{left}{low:g}, {high:g}{right}".replace("inf", "∞")
        raise ValueError(f"{name} must be a number in {interval}, got {value!r}")
    return number


def require_range(low: object, high: object) -> None:
    """Two finite numbers, the first smaller than the second."""
    if not require_number("low", low) < require_number("high", high):
        raise ValueError(f"low must be smaller than high, got {low!r} and {high!r}")


def require_shape(name: str, shape: Sequence[int]) -> tuple[int, ...]:
    """One or more whole numbers of at least 1."""
    if not isinstance(shape, Sequence) or len(shape) == 0:
        raise ValueError(f"{name} must be one or more whole numbers, got {shape!r}")
    return tuple(require_int(f"each side of {name}", side, 1) for side in shape)


def require_classes(name: str, classes: object) -> tuple[str, ...]:
    """Names of classes, each another one, not empty and on one line; perhaps none. Letters taken apart are joined."""
    if isinstance(classes, str) or not isinstance(classes, Iterable):
        raise ValueError(f"{name} must be a list of names, got {classes!r}")
    names = tuple(normalize("NFC", word) if isinstance(word, str) else word for word in classes)
    good = all(isinstance(word, str) and word.strip() and word.splitlines() == [word] for word in names)
    if not good or len(set(names)) < len(names):
        raise ValueError(f"{name} must be different names of one line, got {', '.join(map(repr, names))}")
    return names


def require_generator(name: str, generator: object) -> torch.Generator | None:
    """A source of random numbers, on any device; nothing stands for PyTorch's own."""
    if generator is not None and not isinstance(generator, torch.Generator):
        made = "torch.Generator().manual_seed(0) makes one"
        raise ValueError(f"{name} must be a torch.Generator, got {generator!r}: {made}")
    return generator


def require_cpu_generator(name: str, generator: object) -> torch.Generator | None:
    """A source of random numbers that are drawn on the CPU, wherever they are needed; nothing stands for PyTorch's."""
    source = require_generator(name, generator)
    if source is not None and source.device.type != "cpu":
        found = f"got one for {source.device}: torch.Generator().manual_seed(0) makes one"
        raise ValueError(f"{name} must be one for cpu, where the numbers are drawn, {found}")
    return source


def require_floats(name: str, x: object, like: Tensor | None = None, along: Tensor | None = None) -> Tensor:
    """A floating-point tensor of at least one dimension without NaN or infinity.

    Shape, dtype and device are those of `like`, if it is given; dtype and device are those of `along`.
    """
    if not isinstance(x, Tensor):
        raise ValueError(f"{name} must be a torch tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise ValueError(f"{name} must be floating point, got {x.dtype}")
    if x.ndim == 0 or x.numel() == 0:
        raise ValueError(f"{name} must be a batch with at least one element, got shape {tuple(x.shape)}")
    if like is not None and x.shape != like.shape:
        raise ValueError(f"{name} must have shape {tuple(like.shape)}, got {tuple(x.shape)}")
    kin = along if like is None else like
    if kin is not None and (x.dtype, x.device) != (kin.dtype, kin.device):
        raise ValueError(f"{name} must be {kin.dtype} on {kin.device}, got {x.dtype} on {x.device}")
    if not all(map(math.isfinite, x.detach().aminmax())):  # NaN and infinity reach one of the two; fast
        raise ValueError(f"{name} must be finite, but holds NaN or infinity")
    return x


def require_images(name: str, x: object) -> Tensor:
    """A batch of images: finite floats of shape (B, C, H, W), with C = 1 (grey) or 3 (RGB)."""
    images = require_floats(name, x)
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"{name} must have shape (B, 3, H, W) or (B, 1, H, W), got {tuple(images.shape)}")
    return images


def require_table(name: str, table: object, T: int) -> Tensor:
    """A number for each time 0…T: a floating-point tensor of shape (T + 1,); infinity may be among them, NaN not."""
    if not isinstance(table, Tensor) or not table.is_floating_point() or table.shape != (T + 1,):
        got = f"{table.dtype} {tuple(table.shape)}" if isinstance(table, Tensor) else type(table).__name__
        raise ValueError(f"{name} must be a floating-point table of T + 1 = {T + 1} numbers, got {got}")
    if table.isnan().any():
        raise ValueError(f"{name} must be a table of numbers, but holds NaN")
    return table


def require_times(name: str, t: object, low: int, T: int, x: Tensor) -> Tensor:
    """One time for the whole batch `x`, or one for each image of it, in low…T; int64 of shape (B,), on the CPU."""
    if not isinstance(t, Tensor):
        return torch.full((len(x),), require_int(name, t, low, T))
    if t.is_floating_point() or t.is_complex() or t.dtype == torch.bool:
        raise ValueError(f"{name} must be an int or an integer tensor, got {t.dtype}")
    if t.shape not in ((), (len(x),)):
        raise ValueError(f"{name} must hold one time for each of {len(x)} images, got shape {tuple(t.shape)}")
    if t.min() < low or t.max() > T:
        raise ValueError(f"{name} must lie in {low}…{T}, got {t.min().item()}…{t.max().item()}")
    return t.to("cpu", torch.int64).expand(len(x))


def require_betas(beta: object) -> Tensor:
    """The noise variances of the steps of a schedule: 1-D, each strictly between 0 and 1."""
    betas = require_floats("beta", beta)
    if betas.ndim != 1 or betas.min() <= 0 or betas.max() >= 1:
        got = f"shape {tuple(betas.shape)} in [{betas.min():.4g}, {betas.max():.4g}]"
        raise ValueError(f"beta must be 1-D with values strictly between 0 and 1, got {got}")
    return betas


def require_beta_ends(T: object, beta_start: object, beta_end: object, stated_for: object) -> None:
    """A number of steps, and the first and last noise variance of a chain of a stated number of steps."""
    require_int("T", T, 1)
    require_int("stated_for", stated_for, 1)
    require_number("beta_start", beta_start, 0, 1, open_interval=True)
    require_number("beta_end", beta_end, 0, 1, open_interval=True)


def require_noisy_batch(t: object, T: int, **batches: object) -> None:
    """Two batches of one shape, given by their names, at noisy times: 1…T."""
    (name, first), (other, second) = batches.items()
    x = require_floats(name, first)
    require_floats(other, second, like=x)
    require_times("t", t, 1, T, x) if isinstance(t, Tensor) else require_int("t", t, 1, T)


def require_step(x_t: object, eps: object, t: int, t_prev: int, T: int, eta: object) -> None:
    """What a step of a sampler is told: a batch, the noise in it, two different times, and how much noise it adds."""
    require_floats("eps", eps, like=require_floats("x_t", x_t))
    require_int("t", t, 1, T)
    if require_int("t_prev", t_prev, 0, T) == t:
        raise ValueError(f"t and t_prev must differ, got {t} twice")
    if require_number("eta", eta, 0, 1) > 0 and t_prev > t:
        raise ValueError(
            f"t_prev must be smaller than t for a step that adds noise, got t = {t}, t_prev = {t_prev}"
            + (f"; to a later time, eta must be 0, got {eta!r}" if eta != 1 else "")
        )


def require_noise(noise: Tensor | None, x_t: Tensor) -> Tensor:
    """The noise z of a step that adds σ z, of the shape of `x_t`."""
    if noise is None:
        raise ValueError("noise must be given for a step that adds some; sample() draws it from its generator")
    return require_floats("noise", noise, like=x_t)


def require_variance(variance: object, x_t: Tensor, name: str = "variance") -> Tensor:
    """What a variance answered: numbers of at least 0 that multiply the batch `x_t`."""
    sigma2 = require_floats(name, variance, along=x_t)
    if sigma2.ndim != x_t.ndim or any(side not in (1, own) for side, own in zip(sigma2.shape, x_t.shape, strict=True)):
        raise ValueError(f"{name} must have shape {tuple(x_t.shape)}, or 1 for any side, got {tuple(sigma2.shape)}")
    require_number(name, sigma2.min().item(), 0)
    return sigma2


def require_walk(x: object, times: object, T: int) -> Iterator[tuple[int, int]]:
    """The pairs of neighbouring times along which a batch can be walked."""
    require_floats("x", x)
    if not isinstance(times, Iterable):
        raise ValueError(f"times must be a list of whole numbers, got {times!r}")
    stops = [require_int("each of the times", t, 0, T) for t in times]
    if len(stops) < 2 or min(stops[:-1]) < 1 or any(t == t_prev for t, t_prev in pairwise(stops)):
        raise ValueError(f"times must be two or more, no two neighbours equal, only the last one 0; got {stops}")
    return pairwise(stops)


def require_noises(a: object, b: object, share: object) -> None:
    """Two batches of noise with one arc from each image of one to that of the other, and a share of the way."""
    first = require_floats("a", a)
    second = require_floats("b", b, like=first)
    require_number("share", share, 0, 1)
    a64, b64 = (x.flatten(1).cpu().double() for x in (first, second))  # not every device has float64
    cosine = torch.cosine_similarity(a64, b64)
    if (cosine.abs().clamp(max=1).acos().sin() < 1e-4).any() or not all(
        x.flatten(1).any(1).all() for x in (first, second)
    ):
        raise ValueError("a and b must not be parallel, or zero: there is no one arc from one to the other")


def require_gaussian(mean: object, std: object) -> None:
    """Mean and standard deviation of independent Gaussians."""
    if (smallest := require_floats("std", std, like=require_floats("mean", mean)).min()) <= 0:
        raise ValueError(f"std must be positive, got {smallest.item():.4g}")


def require_pictures(name: str, x: object, count: str = "N") -> Tensor:
    """One or more things of one shape, (N, …), with at least two dimensions."""
    if (pictures := require_floats(name, x)).ndim < 2:
        raise ValueError(f"{name} must have shape ({count}, …), got {tuple(pictures.shape)}")
    return pictures


def require_mixture(means: object, std: object, weights: Tensor | None, classes: Tensor | None) -> None:
    """K means, one width, and perhaps K positive weights and K one-hot classes."""
    count = len(require_pictures("means", means, "K"))
    require_number("std", std, 0)
    if weights is not None:
        if require_floats("weights", weights).shape != (count,):
            raise ValueError(f"weights must be {count} positive numbers, got shape {tuple(weights.shape)}")
        if weights.min() <= 0:
            raise ValueError(f"weights must be {count} positive numbers, got {weights.min().item():.4g} among them")
    if classes is not None:
        if require_floats("classes", classes).ndim != 2 or len(classes) != count:
            raise ValueError(f"classes must be one-hot of shape ({count}, n), got {tuple(classes.shape)}")
        if not (((classes == 0) | (classes == 1)).all() and (classes.sum(1) == 1).all()):
            raise ValueError(f"classes must be one-hot of shape ({count}, n), got rows with other numbers than one 1")


def require_question(
    x: object, t: object, c: Tensor | None, sample: Tensor, T: int, n_context: int | None = None
) -> None:
    """What an oracle is asked: a batch like one sample, its times, and a context if it knows classes."""
    require_times("t", t, 1, T, batch := require_points(x, sample))
    if c is not None and require_floats("c", c).any() and n_context is None:
        raise ValueError("this oracle knows no classes: c must be None or all zeros")
    if c is not None and n_context is not None and (c.shape != (len(batch), n_context) or c.min() < 0):
        got = f"{c.min().item():.4g} among those of shape {tuple(c.shape)}"
        raise ValueError(f"c must be numbers ≥ 0 of shape ({len(batch)}, {n_context}), got {got}")


def require_points(x: object, sample: Tensor) -> Tensor:
    """A batch of things like one sample."""
    batch = require_floats("x", x, along=sample)
    if batch.shape[1:] != sample.shape:
        raise ValueError(f"x must have shape (B, {', '.join(map(str, sample.shape))}), got {tuple(batch.shape)}")
    return batch


def require_contexts(c: object, x: Tensor, count: int | None = None) -> Tensor:
    """A context for each image of the batch `x`, shape (B, n_context), or `count` of them, (B, count, n_context)."""
    contexts = require_floats("c", c, along=require_floats("x", x))
    leading = (len(x),) if count is None else (len(x), count)
    if contexts.ndim != len(leading) + 1 or contexts.shape[:-1] != leading:
        wanted = ", ".join(map(str, leading))
        raise ValueError(f"c must have shape ({wanted}, n_context), got {tuple(contexts.shape)}")
    return contexts


def require_rows(name: str, c: object) -> Tensor:
    """A row of numbers for each image, shape (B, n)."""
    if (rows := require_floats(name, c)).ndim != 2:
        raise ValueError(f"{name} must have shape (B, n_context), got {tuple(rows.shape)}")
    return rows


def require_scales(scales: object) -> list[float]:
    """One or more finite numbers."""
    if not isinstance(scales, Sequence) or isinstance(scales, str | bytes) or len(scales) == 0:
        raise ValueError(f"scales must be a list of one or more finite numbers, got {scales!r}")
    return [require_number("each of the scales", w) for w in scales]


def require_clean_batch(x0: object, c: Tensor | None, weight: Tensor | None, T: int) -> None:
    """What a loss is told: clean images, a row of context for each if there are any, and a weight for each time."""
    images = require_floats("x0", x0)
    if c is not None and len(require_floats("c", c, along=images)) != len(images):
        raise ValueError(f"c must have one row for each of {len(images)} images, got shape {tuple(c.shape)}")
    if weight is not None:
        require_table("weight", weight, T)
