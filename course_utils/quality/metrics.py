"""Metrics of drawn sprites: Fréchet distance, context accuracy, clean share, coverage, recall, nearest neighbours.

Each is a pure function of pictures, features or the classifier's opinion. Every docstring says what the number needs,
and its noise floor: where it stands when nothing is wrong.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ..validation import require_floats, require_int
from .classifier import SpriteClassifier


class Quality(NamedTuple):
    """What `measure` finds; each number is explained by the function of its name."""

    frechet_distance: float
    context_accuracy: float
    clean_share: float
    coverage: float
    recall: float
    nearest_distance: float


def frechet_distance(features: Tensor, others: Tensor) -> float:
    """The squared Fréchet distance ‖μ − μ'‖² + tr(Σ + Σ' − 2 (Σ Σ')^½) of two clouds, each taken for a Gaussian.

    With `judge.features` of drawn and of held-out sprites it is our Fréchet sprite distance, as FID is with features of
    Inception (Heusel et al. 2017, arXiv:1706.08500, eq. 6). It grows with wrong kinds, blur, noise and lost variety; it
    does not notice copying. A finite sample makes it too large, by about c / N: compare only equal numbers of
    pictures, 500 or more (below 65, as many as there are features plus one, a covariance is singular), and mind the
    value for real sprites, which stands in the judge's card.

    Args:
        features: shape (N, D), N ≥ 2.
        others: shape (M, D), M ≥ 2.

    Returns a number from 0 (equal means and covariances) upwards, in units of a feature's variance.
    """
    require_floats("others", others, along=require_floats("features", features))
    for name, x in (("features", features), ("others", others)):
        if x.ndim != 2 or len(x) < 2 or x.shape[1] != features.shape[-1]:
            raise ValueError(f"{name} must have shape (N, D), N ≥ 2 and D as the other has, got {tuple(x.shape)}")
    clouds = [x.cpu().double() for x in (features, others)]  # not every device has float64
    (mean, mean2), (covariance, covariance2) = zip(*((x.mean(dim=0), _covariance(x)) for x in clouds), strict=True)
    # Σ Σ' has the same eigenvalues as the symmetric Σ^½ Σ' Σ^½: real, and not negative but for rounding.
    root = torch.linalg.eigvals(covariance @ covariance2).real.clamp(min=0).sqrt().sum()
    distance = (mean - mean2).square().sum() + covariance.trace() + covariance2.trace() - 2 * root
    return max(0.0, float(distance))


def context_accuracy(judge: SpriteClassifier, images: Tensor, contexts: Tensor) -> float:
    """The share of pictures that the judge puts into the class asked for.

    Needs no reference. With N pictures the standard error is at most 1 / (2 √N): 0.02 for 500. The ceiling is the
    judge's accuracy on held-out sprites, in its card. It asks what a picture shows, not how well: a smudge may be
    recognised. Images have shape (N, 3, 16, 16), contexts are one-hot of shape (N, n_classes).
    """
    found, known = judge.class_of(images), max(judge.classes)
    if require_floats("contexts", contexts).ndim != 2 or len(contexts) != len(found) or known >= contexts.shape[1]:
        raise ValueError(f"contexts must have shape ({len(found)}, n_classes), got {tuple(contexts.shape)}")
    return (found == contexts.argmax(dim=1)).float().mean().item()


def clean_share(judge: SpriteClassifier, images: Tensor) -> float:
    """The share of pictures that the judge does not find spoiled: without noise, blur, stray pixels or broken outlines.

    Needs no reference; the standard error is as that of `context_accuracy`, the ceiling in the judge's card. The judge
    has learned a few ways to spoil a sprite, so it is a stern critic and not a just one: use it to compare. Images have
    shape (N, 3, 16, 16).
    """
    return judge.is_clean(images).float().mean().item()


def coverage(judge: SpriteClassifier, images: Tensor) -> float:
    """The share of all kinds of sprites that the judge finds at least once among the pictures, shape (N, 3, 16, 16).

    Too low when there are few pictures: N sprites of the course show a kind of probability p with chance 1 − (1 − p)^N,
    which for the rarest kind, one sprite in 65, is 0.99 from about N = 300 on. A smudge is counted as the kind it
    resembles most.
    """
    return len(judge.kind_of(images).unique()) / len(judge.kinds)


def recall(features: Tensor, others: Tensor, neighbours: int = 3) -> float:
    """The share of real sprites that lie where sprites are drawn: inside a ball around a drawn one.

    The ball around each drawn sprite reaches to its third nearest drawn neighbour (Kynkäänniemi et al. 2019,
    arXiv:1904.06991, eq. 1 and 2). With the arguments exchanged it is their precision: the share of drawn sprites that
    lie where real ones are. Both depend on the numbers of pictures; compare equal ones, 500 or more, beside the value
    for two sets of real sprites. A few drawn outliers have large balls and make it too high.

    Args:
        features: of real sprites, shape (N, D).
        others: of drawn ones, shape (M, D), M > neighbours.
        neighbours: which neighbour decides how large a ball is.
    """
    require_floats("others", others, along=require_floats("features", features))
    if features.ndim != 2 or others.ndim != 2 or features.shape[1] != others.shape[1]:
        got = f"{tuple(features.shape)} and {tuple(others.shape)}"
        raise ValueError(f"features and others must have shape (N, D) and (M, D), got {got}")
    require_int("neighbours", neighbours, 1, len(others) - 1)
    within = torch.cdist(others, others).topk(neighbours + 1, largest=False).values
    radius = within.amax(dim=1)  # of the neighbours and the point itself, which is the nearest
    return (torch.cdist(features, others) <= radius).any(dim=1).float().mean().item()


def nearest(images: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """For each picture how far the nearest of the others is, and which: Euclidean distance of the pixels in [−1, 1].

    A network that recites its data draws sprites at distance 0 from a training sprite. Far is no merit, since a smudge
    is far from everything: compare with sprites that were held out. One picture is enough.

    Args:
        images: shape (N, …).
        others: shape (M, …), such as the training sprites.

    Returns the distances and the indices, both of shape (N,).
    """
    if require_floats("others", others, along=require_floats("images", images)).shape[1:] != images.shape[1:]:
        raise ValueError(f"others must be pictures of shape {tuple(images.shape[1:])}, got {tuple(others.shape[1:])}")
    distance, index = torch.cdist(images.flatten(1), others.flatten(1)).min(dim=1)
    return distance, index


def measure(judge: SpriteClassifier, images: Tensor, contexts: Tensor, held_out: Tensor, train: Tensor) -> Quality:
    """All of the above for drawn pictures.

    Args:
        judge: whose opinion counts.
        images: drawn, shape (N, 3, 16, 16).
        contexts: what was asked for, one-hot of shape (N, n_classes).
        held_out: as many real sprites that the network has not seen, or a few more.
        train: those it has seen.
    """
    drawn, real = judge.features(images), judge.features(held_out)
    return Quality(
        frechet_distance(drawn, real),
        context_accuracy(judge, images, contexts),
        clean_share(judge, images),
        coverage(judge, images),
        recall(real, drawn),
        nearest(images, train)[0].median().item(),
    )


def _covariance(x: Tensor) -> Tensor:
    return x.T.cov()
