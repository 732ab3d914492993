"""What wishes that were never trained draw: mixed contexts, and sums of answers, beside what was trained.

Of 300 sprites for each wish the share that the judge finds clean, and the shares of the five classes it sees, on three
seeds; the noise of a seed is the same for all wishes. Then, for each pair of classes and one seed, whether those whose
embeddings are similar mix better. Prints two tables and writes data/wishes.csv. About half an hour on one CPU core:
OMP_NUM_THREADS=1 python benchmarks/wishes.py
"""

import csv
import os
from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

import torch

from course_utils import composed, guided, load_classifier, load_pretrained, sample_ddim
from course_utils.quality.evaluation import SEEDS

FILE = Path(__file__).parents[1] / "data" / "wishes.csv"
N, AT_ONCE, STEPS, SCALE = 300, 100, 25, 2
CLASSES = ("hero", "non-hero", "food", "spell", "side-facing")
CONTEXTS: dict[str, Sequence[float]] = {
    "hero": [1, 0, 0, 0, 0],
    "food": [0, 0, 1, 0, 0],
    "spell": [0, 0, 0, 1, 0],
    "side-facing": [0, 0, 0, 0, 1],
    "no context": [0, 0, 0, 0, 0],
    "0.5 hero": [0.5, 0, 0, 0, 0],
    "hero, 0.6 food": [1, 0, 0.6, 0, 0],
    "0.5 hero, 0.5 food": [0.5, 0, 0.5, 0, 0],
    "0.6 food, 0.4 spell": [0, 0, 0.6, 0.4, 0],
    "0.5 food, 0.5 spell": [0, 0, 0.5, 0.5, 0],
    "0.5 hero, 0.5 side": [0.5, 0, 0, 0, 0.5],
    "2 hero": [2, 0, 0, 0, 0],
    "all five": [1, 1, 1, 1, 1],
}
"""One context, under guidance; the first five are what the others are compared with."""

ANSWERS: dict[str, tuple[Sequence[int], Sequence[float]]] = {
    "hero and food": ([0, 2], [1, 1]),
    "food and spell": ([2, 3], [1, 1]),
    "food, not hero": ([2, 0], [2, -1]),
    "hero, not side": ([0, 4], [2, -1]),
    "anything but hero": ([0], [-1]),
}
"""Classes whose answers are summed up, and a scale for each."""


class Seen(NamedTuple):
    """What the judge sees: the share of clean sprites, and those of the classes."""

    clean: float
    classes: tuple[float, ...]


def look(contexts: torch.Tensor, scales: Sequence[float] | None, seed: int) -> Seen:
    """Draw with one context, shape (5,), or with a wish for each of the scales, shape (K, 5)."""
    (model, schedule), judge = load_pretrained("sprites"), load_classifier()
    chosen = guided(model, SCALE) if scales is None else composed(model, scales)
    generator, c = torch.Generator().manual_seed(seed), contexts.expand(AT_ONCE, *contexts.shape)
    shape = (AT_ONCE, 3, 16, 16)
    drawn = [sample_ddim(chosen, shape, schedule, STEPS, c, generator=generator) for _ in range(N // AT_ONCE)]
    images = torch.cat(drawn).clamp(-1, 1)
    classes = judge.class_of(images).bincount(minlength=len(CLASSES)) / N
    return Seen(judge.is_clean(images).float().mean().item(), tuple(classes.tolist()))


def cell(shares: Sequence[float]) -> str:
    return f"{fmean(shares):.0%} ({min(shares):.0%} … {max(shares):.0%})"


def wishes() -> None:
    """Measure all wishes, write the file and print a table."""
    one_hot = torch.eye(len(CLASSES))
    asked = [("context", name, torch.tensor(amounts).float(), None) for name, amounts in CONTEXTS.items()]
    asked += [("answers", name, one_hot[[*which]], scales) for name, (which, scales) in ANSWERS.items()]
    part, found = FILE.with_suffix(".part"), defaultdict(list)
    with part.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["how", "wish", "seed", "clean", *CLASSES])
        for how, name, contexts, scales in asked:
            for seed in SEEDS:
                clean, classes = look(contexts, scales, seed)
                found[how, name].append((clean, *classes))
                table.writerow([how, name, seed, *(f"{share:.4f}" for share in (clean, *classes))])
                file.flush()
    part.replace(FILE)
    print(f"{N} sprites, DDIM with {STEPS} steps, mean of {len(SEEDS)} seeds (smallest … largest)\n")
    print(f"| mixed | wish | clean | {' | '.join(CLASSES)} |\n|---|---|---{'|---' * len(CLASSES)}|")
    for (how, name), shares in found.items():
        print(f"| {how} | {name} | {' | '.join(cell(each) for each in zip(*shares, strict=True))} |", flush=True)


def pairs() -> None:
    """For each pair of classes, half of both: print the clean share beside the cosine of the embeddings."""
    one_hot, arrows = torch.eye(len(CLASSES)), load_pretrained("sprites")[0].network.embed_context.weight.T
    alone = [look(context, None, seed=0).clean for context in one_hot]
    cosines, means, clean = [], [], []
    print(f"\nHalf of each of two classes, guidance {SCALE}, seed 0\n")
    print("| classes | cosine of their embeddings | clean | clean, the first alone | the second alone |")
    print("|---|---|---|---|---|")
    for i, j in combinations(range(len(CLASSES)), 2):
        cosines.append(torch.cosine_similarity(arrows[i], arrows[j], dim=0).item())
        clean.append(look((one_hot[i] + one_hot[j]) / 2, None, seed=0).clean)
        means.append((alone[i] + alone[j]) / 2)
        shares = " | ".join(f"{share:.0%}" for share in (clean[-1], alone[i], alone[j]))
        print(f"| {CLASSES[i]}, {CLASSES[j]} | {cosines[-1]:.2f} | {shares} |", flush=True)
    y, generator = torch.tensor(clean), torch.Generator().manual_seed(0)
    shuffled = torch.stack([y[torch.randperm(len(y), generator=generator)] for _ in range(10_000)])
    print("\nCorrelation of the clean share; p of 10,000 permutations, both sides\n")
    for name, numbers in {"the cosine": cosines, "the mean of both alone": means}.items():
        x = torch.tensor(numbers)
        r = correlation(x, y[None])
        p = (correlation(x, shuffled).abs() >= r.abs() - 1e-6).float().mean()
        print(f"- with {name}: {r.item():.2f}, p = {p:.3f}")


def correlation(x: torch.Tensor, many: torch.Tensor) -> torch.Tensor:
    """Pearson's correlation of x, shape (N,), with each row of another tensor, shape (M, N)."""
    return torch.cosine_similarity(x - x.mean(), many - many.mean(dim=1, keepdim=True), dim=1)


def main() -> None:
    wishes()
    pairs()


if __name__ == "__main__":
    main()
