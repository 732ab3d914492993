"""The procedural artist: the same sprites everywhere, all different, well inside the frame, every kind its own."""

import hashlib
import re

import numpy as np
import pytest

from course_utils.sprites import CLASSES, draw_sprite, draw_sprites
from course_utils.sprites.canvas import Canvas
from course_utils.sprites.palette import NAMED
from course_utils.storage.shipped import shipped

SHIPPED = shipped("data/sprites.npz")
KINDS = [(name, kind) for name, kinds in CLASSES.items() for kind in kinds]


@pytest.fixture(scope="module")
def shipped():
    with np.load(SHIPPED) as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def drawn():
    return draw_sprites(2500, seed=123)


def silhouettes(images):
    return {image.tobytes() for image in (images < 250).any(3)}


def test_a_sample_drawn_again_is_the_shipped_sample_byte_by_byte(shipped):
    for index in [0, 1, 19_999, 20_000, 21_999, *range(7, 22_000, 211)]:
        sprite = draw_sprite(0, index)
        assert sprite.pixels.tobytes() == shipped["images"][index].tobytes()
        assert shipped["contexts"][index].tolist() == [name == sprite.class_name for name in CLASSES]
        for word in ("kind", "colour", "facing", "item"):
            assert shipped[word][index] == getattr(sprite, word)


def test_shipped_file_is_small_and_its_card_tells_the_truth(shipped):
    card = SHIPPED.with_suffix(".md").read_text(encoding="utf-8")
    assert SHIPPED.stat().st_size <= 6e6
    assert hashlib.sha256(SHIPPED.read_bytes()).hexdigest() in card
    assert f"{len(np.unique(shipped['images'].reshape(22_000, -1), axis=0)):,} of them different" in card
    for name, count in zip(CLASSES, shipped["contexts"].sum(0, dtype=int), strict=True):
        assert f"| {name} | {count:,} |" in card
    assert SHIPPED.with_suffix(".png").stat().st_size > 10_000


def test_train_and_test_are_all_different_sprites(shipped):
    assert shipped["images"].shape == (22_000, 16, 16, 3)
    assert shipped["images"].dtype == np.uint8
    assert (shipped["split"] == "train").sum() == 20_000
    assert (shipped["split"] == "test").sum() == 2_000
    assert len(np.unique(shipped["images"].reshape(22_000, -1), axis=0)) == 22_000


def test_contexts_are_one_hot_and_classes_balanced(shipped):
    assert (shipped["contexts"].sum(1) == 1).all()
    shares = shipped["contexts"].mean(0)
    assert abs(shares - 0.2).max() < 0.02


def test_a_sprite_depends_on_seed_and_index_alone():
    alone = draw_sprite(5, 40)
    among = draw_sprites(3, seed=5, start=39)
    assert among["images"][1].tobytes() == alone.pixels.tobytes()
    assert draw_sprite(6, 40).pixels.tobytes() != alone.pixels.tobytes()


def test_each_class_has_at_least_eight_kinds_and_each_kind_its_own_name():
    assert list(CLASSES) == ["hero", "non-hero", "food", "spell", "side-facing"]
    assert all(len(kinds) >= 8 for kinds in CLASSES.values())
    names = [kind for _, kind in KINDS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z][a-z -]+", name) for name in names)


@pytest.mark.parametrize(("class_name", "kind"), KINDS, ids=[kind for _, kind in KINDS])
def test_every_kind_varies_and_stays_inside_its_outline(class_name, kind, drawn):
    images = drawn["images"][drawn["kind"] == kind]
    assert len(images) >= 20
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)
    assert len(silhouettes(images)) >= 0.3 * len(images)
    assert len(set(drawn["colour"][drawn["kind"] == kind])) >= 3
    dark = images.min((1, 2, 3))
    assert (dark < 110).all()  # there is an outline
    drawn_pixels = (images < 250).any(3).sum((1, 2))
    assert drawn_pixels.min() >= 50  # no speck, and not a filled square
    assert drawn_pixels.max() < 256


def test_no_kind_is_a_recoloured_copy_of_another(drawn):
    """Two kinds share hardly any silhouette, so they differ in shape and not only in colour."""
    shapes = {kind: silhouettes(drawn["images"][drawn["kind"] == kind]) for _, kind in KINDS}
    for _, kind in KINDS:
        for _, other in KINDS:
            if kind < other:
                shared = len(shapes[kind] & shapes[other]) / min(len(shapes[kind]), len(shapes[other]))
                assert shared < 0.1, f"{kind} and {other} share {shared:.0%} of their silhouettes"


def test_words_describe_the_picture(drawn):
    assert set(drawn["colour"]) <= set(NAMED)
    characters = np.isin(drawn["contexts"].argmax(1), [0, 1, 4])
    assert set(drawn["facing"][~characters]) == {"none"}
    assert set(drawn["facing"][drawn["contexts"][:, 4] == 1]) == {"left", "right"}
    assert set(drawn["facing"][drawn["contexts"][:, 0] == 1]) == {"front"}
    assert set(drawn["item"][~characters]) == {"none"}
    assert len(set(drawn["item"])) >= 8


def test_light_comes_from_the_left_whichever_way_one_walks(drawn):
    """Along a row of a walker it grows darker to the right, on average over each direction; mirrored, it would not."""
    for facing in ("left", "right"):
        rows = (drawn["contexts"][:, 4] == 1) & (drawn["facing"] == facing)
        assert 0.35 < rows.sum() / (drawn["contexts"][:, 4] == 1).sum() < 0.65
        lit = []
        for image in drawn["images"][rows].astype(float).mean(3):
            places = np.argwhere(image < 250)
            x, brightness = places[:, 1], image[tuple(places.T)]
            lit.append(np.corrcoef(x, brightness)[0, 1])
        assert np.mean(lit) < -0.02, f"{facing}: {np.mean(lit):.3f}"


@pytest.mark.parametrize(("seed", "index"), [(-1, 0), (0, -1), (0.5, 0), (0, "a")])
def test_bad_seeds_and_indices_are_named(seed, index):
    with pytest.raises(ValueError, match="must be a whole number of at least 0"):
        draw_sprite(seed, index)


def test_a_malformed_template_is_refused():
    with pytest.raises(ValueError, match="rows of one length"):
        Canvas().stamp("aa aaa", 0, 0, {})
