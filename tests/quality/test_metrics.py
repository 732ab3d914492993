"""The metrics on sets whose answer is known: in closed form, by another library, or because we spoiled them."""

import functools

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.image.fid import FrechetInceptionDistance

from course_utils import load_sprites, sprite_words
from course_utils.quality.classifier import SpriteClassifier, load_classifier, spoil, train_classifier
from course_utils.quality.metrics import (
    clean_share,
    context_accuracy,
    coverage,
    frechet_distance,
    measure,
    nearest,
    recall,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@functools.cache
def held_out():
    """The judge, two disjoint halves of the held-out sprites with their contexts, and the kinds of the second."""
    images, contexts = load_sprites(split="test")
    kinds = sprite_words(split="test")["kind"][1000:]
    return load_classifier(), images[:1000], images[1000:], contexts[1000:], kinds


def distance_to_real(images):
    judge, real, *_ = held_out()
    return frechet_distance(judge.features(images), judge.features(real))


# --- Fréchet distance ---------------------------------------------------------------------------------------------


@given(st.integers(0, 99), st.floats(-3, 3), st.floats(0.2, 3))
def test_the_distance_of_shifted_and_scaled_points_has_a_formula(seed, shift, scale):
    x = torch.randn((50, 4), generator=seeded(seed), dtype=torch.float64)
    expected = (shift + (scale - 1) * x.mean(0)).square().sum() + (scale - 1) ** 2 * x.var(0).sum()
    assert frechet_distance(x, scale * x + shift) == pytest.approx(expected.item(), abs=1e-6)


@given(st.integers(0, 99))
def test_the_distance_is_symmetric_zero_to_itself_and_blind_to_order_and_rotation(seed):
    x, y = torch.randn((2, 40, 5), generator=seeded(seed), dtype=torch.float64)
    y = y @ torch.randn((5, 5), generator=seeded(seed + 1), dtype=torch.float64)
    rotation = torch.linalg.qr(torch.randn((5, 5), generator=seeded(seed + 2), dtype=torch.float64)).Q
    distance = frechet_distance(x, y)
    assert distance == pytest.approx(frechet_distance(y, x), rel=1e-6)
    assert distance == pytest.approx(frechet_distance(x @ rotation, y @ rotation), rel=1e-6)
    assert frechet_distance(x, x.flip(0)) < 1e-5


def test_the_distance_agrees_with_another_implementation():
    class AsTheyAre(torch.nn.Module):
        num_features = 6

        def forward(self, x):
            return x

    x, y = torch.randn((80, 6), generator=seeded(1)), 1.5 * torch.randn((60, 6), generator=seeded(2)).cumsum(1)
    theirs = FrechetInceptionDistance(feature=AsTheyAre())
    theirs.update(x, real=True)
    theirs.update(y, real=False)
    assert frechet_distance(x, y) == pytest.approx(theirs.compute().item(), rel=1e-4)


def test_the_distance_survives_fewer_points_than_features():
    x, y = torch.randn((2, 10, 64), generator=seeded())
    assert 0 < frechet_distance(x, y) < 200


def test_real_sprites_are_near_and_spoiled_ones_far():
    _, _, real, contexts, _ = held_out()
    floor = distance_to_real(real)
    assert floor < 2
    smooth = F.avg_pool2d(F.pad(real, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    noise = torch.randn(real.shape, generator=seeded())
    assert distance_to_real(real.lerp(smooth, 0.5)) > 5 * floor
    assert distance_to_real(real + 0.2 * noise) > 5 * floor
    assert distance_to_real(spoil(real, seeded())) > 5 * floor
    assert distance_to_real(real[contexts[:, 0] == 1]) > 10 * floor  # a single class
    assert distance_to_real(real[:2].repeat(500, 1, 1, 1)) > 10 * floor  # two sprites, copied


def test_more_blur_and_more_noise_are_farther():
    _, _, real, _, _ = held_out()
    smooth = F.avg_pool2d(F.pad(real, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    noise = torch.randn(real.shape, generator=seeded())
    for spoiled in (lambda a: real.lerp(smooth, a), lambda a: real + a * noise):
        distances = [distance_to_real(spoiled(a)) for a in (0, 0.05, 0.1, 0.15)]  # from about 0.2 on all is lost
        assert distances == sorted(distances)


# --- what the judge says ------------------------------------------------------------------------------------------


def test_the_judge_knows_held_out_sprites_and_sees_what_is_spoiled():
    judge, _, real, contexts, kinds = held_out()
    found = [judge.kinds[k] for k in judge.kind_of(real)]
    assert sum(a == b for a, b in zip(found, kinds, strict=True)) / 1000 > 0.98
    assert context_accuracy(judge, real, contexts) > 0.98
    assert context_accuracy(judge, real, contexts.roll(1, dims=1)) < 0.02  # everything asked for is something else
    assert context_accuracy(judge, torch.zeros_like(real), contexts) < 0.3  # all alike, so right for a class at most
    assert clean_share(judge, real) > 0.98
    assert clean_share(judge, spoil(real, seeded())) < 0.35
    assert clean_share(judge, torch.randn(real.shape, generator=seeded())) < 0.01


def test_features_are_standardised():
    judge = load_classifier()
    features = judge.features(load_sprites()[0][:4000])
    assert features.mean(0).abs().max() < 0.7  # 0 for a mixture with a quarter of spoiled ones
    assert ((features.var(0) > 0.5) & (features.var(0) < 2)).all()


def test_coverage_counts_kinds():
    """Each kind once, however many pictures show it."""
    judge, _, real, _, kinds = held_out()
    assert coverage(judge, real) == 1
    assert coverage(judge, real[kinds == "apple"]) <= 3 / len(judge.kinds)  # now and then one is taken for another
    assert coverage(judge, real[:1]) == pytest.approx(1 / len(judge.kinds))


def test_recall_is_the_share_of_the_real_that_is_reached():
    """Not of the drawn that are real, which is precision."""
    drawn = torch.randn((300, 3), generator=seeded(1))
    assert recall(drawn, drawn) == 1
    assert recall(drawn + 100, drawn) == 0
    half = torch.cat([drawn, drawn + 100])
    assert recall(half, drawn) == 0.5
    assert recall(drawn, half) == 1  # precision would be a half
    on_a_line = torch.arange(5.0)[:, None]
    assert recall(torch.tensor([[6.0], [8.0]]), on_a_line, neighbours=2) == 0.5  # the last ball reaches from 2 to 6


def test_recall_falls_when_a_class_is_missing():
    judge, real, others, contexts, _ = held_out()
    some = others[contexts[:, 0] == 0]
    everything = recall(judge.features(real[: len(some)]), judge.features(others[: len(some)]))
    assert recall(judge.features(real[: len(some)]), judge.features(some)) < everything - 0.1


def test_nearest_finds_copies():
    images = torch.randn((20, 3, 4, 4), generator=seeded())
    distance, index = nearest(images[[3, 7]] + 0.25, images)
    assert index.tolist() == [3, 7]
    assert distance.tolist() == pytest.approx([0.25 * 48**0.5] * 2, rel=1e-4)
    assert nearest(images, images)[0].max() < 0.02


def test_measure_says_what_the_others_say():
    judge, real, others, contexts, _ = held_out()
    found = measure(judge, others[:200], contexts[:200], real[:200], others[100:300])
    drawn, reference = judge.features(others[:200]), judge.features(real[:200])
    assert found.frechet_distance == frechet_distance(drawn, reference)
    assert found.context_accuracy == context_accuracy(judge, others[:200], contexts[:200])
    assert found.clean_share == clean_share(judge, others[:200])
    assert found.coverage == coverage(judge, others[:200])
    assert found.recall == recall(reference, drawn)
    assert found.nearest_distance == nearest(others[:200], others[100:300])[0].median().item()


# --- teaching -----------------------------------------------------------------------------------------------------


def test_spoiling_changes_every_picture_and_repeats_with_its_seed():
    images = load_sprites()[0][:200]
    spoiled = spoil(images, seeded(1))
    assert spoiled.shape == images.shape
    unchanged = (spoiled == images).all(dim=(1, 2, 3)).float().mean()
    assert unchanged < 0.1  # a few are spoiled by no stray pixel, or by a half that is the same
    assert torch.equal(spoiled, spoil(images, seeded(1)))


def test_a_judge_learns():
    images, contexts = load_sprites()
    kinds = sprite_words()["kind"]
    few = (kinds == "apple") | (kinds == "ghost")
    torch.manual_seed(0)
    judge = train_classifier(
        images[few], kinds[few], contexts[few], steps=30, batch_size=64, learning_rate=4e-3, generator=seeded()
    )
    assert judge.kinds == ("apple", "ghost")
    assert context_accuracy(judge, images[few][:200], contexts[few][:200]) > 0.9
    assert not judge.training


# --- mistakes -----------------------------------------------------------------------------------------------------


def test_bad_input_is_named():
    judge, points = load_classifier(), torch.randn((10, 4), generator=seeded())
    with pytest.raises(ValueError, match=r"others must have shape \(N, D\).*got \(10, 3\)"):
        frechet_distance(points, points[:, :3])
    with pytest.raises(ValueError, match="features must be finite"):
        frechet_distance(points / 0, points)
    with pytest.raises(ValueError, match=r"features must have shape \(N, D\), N ≥ 2"):
        frechet_distance(points[:1], points)
    with pytest.raises(ValueError, match=r"images must have shape \(B, 3, 16, 16\), got \(2, 3, 8, 8\)"):
        judge.features(torch.zeros(2, 3, 8, 8))
    with pytest.raises(ValueError, match=r"contexts must have shape \(2, n_classes\)"):
        context_accuracy(judge, torch.zeros(2, 3, 16, 16), torch.zeros(3, 5))
    with pytest.raises(ValueError, match="neighbours must be a whole number from 1 to 9, got 10"):
        recall(points, points, neighbours=10)
    with pytest.raises(ValueError, match="others must be pictures of shape"):
        nearest(torch.zeros(2, 3, 16, 16), torch.zeros(2, 3, 8, 8))
    with pytest.raises(ValueError, match="classes must have one entry for each of 2 kinds"):
        SpriteClassifier(["a", "b"], [0])
