"""What guidance does, drawn in a plane: the arrow from one answer through the other, and where its samples go."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ..validation import require_floats, require_number
from .animation import Movie, build_up
from .drawing import draw_arrow, draw_path, draw_point, draw_word, page_axes, plane
from .picture import DATA, INK, NETWORK, NOISE, PAGE, Picture, place_text, styled


def draw_guidance(eps_u: Tensor, eps_c: Tensor, scales: Sequence[float] = (2, 4)) -> Movie:
    """Two answers of a model as points in the plane, the arrow from one to the other, and how far guidance goes on it.

    Args:
        eps_u, eps_c: the noise seen without and with a context, two numbers each, shape (2,).
        scales: the guidance scales beyond 1 to show, in rising order.
    """
    for name, eps in (("eps_u", eps_u), ("eps_c", eps_c)):
        if require_floats(name, eps).shape != (2,):
            raise ValueError(f"{name} must be two numbers, shape (2,), got shape {tuple(eps.shape)}")
    if not scales or not all(require_number("scales", w) > 1 for w in scales):
        raise ValueError(f"scales must be one or more numbers beyond 1, got {scales!r}")
    captions = (
        "One answer: without a context.",
        "Another: with it.",
        "Their difference is what the word changes.",
        "Guidance goes on, w times as far.",
    )
    alt = f"The arrow from the answer without context through the one with it, and on to w = {scales[-1]:g}"
    pictures = [_arrow_so_far(eps_u, eps_c, scales, stage, alt) for stage in range(len(captions))]
    return build_up(pictures, captions, alt)


@styled
def _arrow_so_far(eps_u: Tensor, eps_c: Tensor, scales: Sequence[float], stage: int, alt: str) -> Picture:
    """The first stages of the arrow; each keeps what the one before has shown."""
    change = eps_c - eps_u
    far = eps_u + scales[-1] * change
    corners = torch.stack([eps_u, eps_c, far])
    low, high = corners.amin(0), corners.amax(0)
    middle = (low + high) / 2
    width, height, margin = 720, 200, 90
    unit = max((high[0] - low[0]).item() / (width - 3 * margin), (high[1] - low[1]).item() / (height - margin))

    def at(eps: Tensor) -> tuple[float, float]:  # the same scale in both directions, so that angles are true
        right, up = ((eps - middle) / unit).tolist()
        return width / 2 + right, height / 2 - up

    picture = Picture(width, height, alt)
    axes = page_axes(picture)
    if stage >= 3:
        draw_arrow(axes, at(eps_c), at(far), colour=NOISE, dash=":")
        for w in scales:
            draw_point(axes, at(eps_u + w * change), f"w = {w:g}", "se", NOISE)
    if stage >= 2:
        draw_arrow(axes, at(eps_u), at(eps_c), r"$\varepsilon_c - \varepsilon_\varnothing$", "n")
    if stage >= 1:
        draw_point(axes, at(eps_c), r"$\varepsilon_c$,  w = 1", "se", DATA, 10)
    draw_point(axes, at(eps_u), r"$\varepsilon_\varnothing$,  w = 0", "se", NETWORK, 10)
    return picture


@styled
def plot_guided_paths(
    paths: Mapping[str, Tensor], clouds: Mapping[str, Tensor], fields: Mapping[str, tuple[Tensor, Tensor]], limit: float
) -> Picture:
    """Paths of a sampler in the plane, side by side, over clouds of the data and arrows that say where it would go.

    Args:
        paths: for each panel where N points were at each of S steps, shape (S, N, 2).
        clouds: for each name the points of some class, shape (M, 2); the first is the class that was asked for.
        fields: for each panel places and arrows there, both of shape (K, 2).
        limit: the axes run from −limit to +limit.
    """
    _require_planes("paths", paths, 3)
    _require_planes("clouds", clouds, 2)
    for name in paths:
        if name not in fields:
            raise ValueError(f"fields must have places and arrows for {name!r}, got them for {', '.join(fields)}")
    require_number("limit", limit, 0, open_interval=True)
    gap, top = 16, 30
    side = (PAGE - gap * (len(paths) - 1)) // len(paths)
    alt = f"Paths of samples in the plane for {', '.join(paths)}, over {', '.join(clouds)}"
    picture = Picture(PAGE, top + side, alt)
    for i, (name, path) in enumerate(paths.items()):
        axes = plane(picture, i * (side + gap), top, side, side, (-limit, limit), (-limit, limit), frame=True)
        for colour, points in zip((DATA, INK), clouds.values(), strict=False):
            axes.scatter(points[:, 0].cpu(), points[:, 1].cpu(), s=4, color=colour, alpha=0.35, linewidths=0)
        places, arrows = (each.cpu() for each in fields[name])
        axes.quiver(*places.T, *arrows.T, color=INK, alpha=0.35, width=0.004, angles="xy")
        for walk in path.swapaxes(0, 1).cpu().numpy():
            draw_path(axes, walk, colour=NETWORK, width=1.6, arrow=False)
            axes.plot(*walk[-1], "o", color=NETWORK, markersize=5)
        for colour, (label, points) in zip((DATA, INK), clouds.items(), strict=False):
            side_of, edge = ("n", points[:, 1].argmax()) if colour == DATA else ("s", points[:, 1].argmin())
            right, up = points[edge].tolist()
            draw_word(axes, (right, up), label if i == 0 else "", side_of, colour)
        place_text(picture, i * (side + gap) + side / 2, top - 7, name, ha="center", va="bottom", fontweight="bold")
    return picture


def _require_planes(name: str, groups: Mapping[str, Tensor], dimensions: int) -> None:
    """One or more sets of points of the plane."""
    if not groups:
        raise ValueError(f"{name} must hold at least one set of points")
    for key, points in groups.items():
        if require_floats(f"{name}[{key!r}]", points).ndim != dimensions or points.shape[-1] != 2:
            wanted = "(S, N, 2)" if dimensions == 3 else "(N, 2)"
            raise ValueError(f"{name}[{key!r}] must have shape {wanted}, got {tuple(points.shape)}")
