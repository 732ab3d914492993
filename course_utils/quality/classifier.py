"""`SpriteClassifier`, whose features and opinions the metrics use (in prose: the judge); its training and loading.

It looks at finished pictures and knows nothing of diffusion. What is computed from its opinion stands in `metrics`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm.auto import tqdm

from ..storage.checkpoints import read_network
from ..storage.shipped import shipped
from ..validation import require_cpu_generator, require_floats, require_int

SIZE, N_FEATURES = 16, 64


class SpriteClassifier(nn.Module):
    """Says which kind of sprite a picture shows, or that it is spoiled, and describes it by 64 numbers.

    Three convolutions see patches of 3, 7 and 15 pixels; the features are a linear picture of what they found, shifted
    and scaled so that over the pictures it learned from each has mean 0 and variance 1.

    Args:
        kinds: names of the kinds.
        classes: for each kind the number of its class.
    """

    def __init__(self, kinds: Sequence[str], classes: Sequence[int]) -> None:
        super().__init__()
        if not kinds or len(kinds) != len(classes):
            raise ValueError(f"classes must have one entry for each of {len(kinds)} kinds, got {len(classes)}")
        for number in classes:
            require_int("each of the classes", number, 0)
        self.arguments = {"kinds": list(kinds), "classes": list(classes)}
        self.kinds, self.classes = tuple(kinds), tuple(classes)
        self.body = nn.Sequential(
            _convolution(3, 32, stride=1),
            _convolution(32, 64, stride=2),
            _convolution(64, 128, stride=2),
            nn.Flatten(),
            nn.Linear(128 * (SIZE // 4) ** 2, N_FEATURES, bias=False),
            nn.BatchNorm1d(N_FEATURES, affine=False),
        )
        self.head = nn.Linear(N_FEATURES, len(kinds) + 1)

    def features(self, images: Tensor) -> Tensor:
        """The description of each picture, shape (B, 64), of pictures of shape (B, 3, 16, 16) in [−1, 1]."""
        if require_floats("images", images).shape[1:] != (3, SIZE, SIZE):
            raise ValueError(f"images must have shape (B, 3, {SIZE}, {SIZE}), got {tuple(images.shape)}")
        found: Tensor = self.body(images)
        return found

    def forward(self, images: Tensor) -> Tensor:
        """A score for each kind, and one more for "spoiled", shape (B, n_kinds + 1)."""
        scores: Tensor = self.head(F.relu(self.features(images)))
        return scores

    def kind_of(self, images: Tensor) -> Tensor:
        """The number of the likeliest kind of each picture, shape (B,), whether it is spoiled or not."""
        with torch.no_grad():
            return self.forward(images)[:, :-1].argmax(dim=1)

    def is_clean(self, images: Tensor) -> Tensor:
        """Whether a picture looks more like some kind of sprite than spoiled, bool of shape (B,)."""
        with torch.no_grad():
            return self.forward(images).argmax(dim=1) < len(self.kinds)

    def class_of(self, images: Tensor) -> Tensor:
        """The number of the class of each picture, that of its likeliest kind, shape (B,)."""
        return torch.tensor(self.classes)[self.kind_of(images).cpu()].to(images.device)


def load_classifier() -> SpriteClassifier:
    """The judge that comes with the course; its card in `weights/` says how it was made and how good it is."""
    return read_network(shipped("weights/judge.safetensors"), SpriteClassifier)[0]


def train_classifier(
    images: Tensor,
    kinds: NDArray[np.str_],
    contexts: Tensor,
    steps: int,
    batch_size: int,
    learning_rate: float,
    generator: torch.Generator | None = None,
    network: type[SpriteClassifier] = SpriteClassifier,
) -> SpriteClassifier:
    """Teach a new judge by showing it sprites, a quarter of them spoiled; returns it in eval mode.

    Args:
        images: sprites, shape (N, 3, 16, 16), in [−1, 1].
        kinds: the word for the kind of each.
        contexts: one-hot classes, shape (N, n_classes).
        steps: how many batches to learn from.
        batch_size: pictures in a batch.
        learning_rate: its largest value.
        generator: of all random choices but the first weights, which PyTorch draws from its own; one for the CPU.
        network: the kind of classifier.
    """
    require_int("steps", steps, 1), require_cpu_generator("generator", generator)
    class_of: Mapping[str, int] = dict(zip(kinds.tolist(), contexts.argmax(dim=1).tolist(), strict=True))
    names = sorted(class_of)
    judge = network(names, [class_of[name] for name in names])
    answers = torch.tensor([names.index(kind) for kind in kinds.tolist()])
    optimizer = torch.optim.AdamW(judge.parameters(), weight_decay=0.05)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps)
    for _ in tqdm(range(steps), "judge", delay=2, leave=False):
        rows = torch.randint(len(images), (batch_size,), generator=generator)
        x, answer = images[rows], answers[rows]
        quarter = batch_size // 4
        x[:quarter], answer[:quarter] = spoil(x[:quarter], generator), len(names)
        x = x + 0.03 * torch.randn(x.shape, generator=generator)  # less than eyes can see
        loss = F.cross_entropy(judge(x), answer)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate.step()
    return judge.eval().requires_grad_(False)


def spoil(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Spoil each picture in one of four ways, by chance: noise, blur, stray pixels, or halves of two that do not fit.

    `images` has shape (B, 3, H, W); stray pixels and other halves are taken from other pictures of the batch.
    """
    require_cpu_generator("generator", generator)
    n, _, height, width = images.shape

    def chance(*shape: int) -> Tensor:
        return torch.rand((n, *shape), generator=generator)

    noisy = images + (0.1 + 0.3 * chance(1, 1, 1)) * torch.randn(images.shape, generator=generator)
    smooth = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    blurred = images.lerp(smooth, 0.4 + 0.6 * chance(1, 1, 1))
    other = images[torch.randperm(n, generator=generator)]
    stray = torch.where(chance(1, height, width) < 0.03 * chance(1, 1, 1), other.roll(width // 2, dims=3), images)
    column = torch.arange(width) / width < 0.3 + 0.4 * chance(1, 1, 1)
    halves = torch.where(column, images, other)
    spoiled = torch.stack([noisy, blurred, stray, halves])
    return spoiled[torch.randint(4, (n,), generator=generator), torch.arange(n)]


def _convolution(c_in: int, c_out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(c_in, c_out, 3, stride, padding=1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU())
