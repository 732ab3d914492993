"""Recipes are data: what each says, that `train --recipe` runs it, and where the shipped weights started."""

import hashlib
from functools import partial

import numpy
import pytest
import torch
from PIL import Image
from quick import draw_nothing

from course_utils import (
    ContextUnet,
    FromV,
    FromX0,
    NoiseSchedule,
    clipped_snr,
    cosine_schedule,
    linear_schedule,
    load_model,
    load_pretrained,
)
from course_utils.__main__ import main
from course_utils.diffusion.losses import denoising_loss
from course_utils.networks.classic import ClassicUnet
from course_utils.networks.variance import UnetWithVariance
from course_utils.training import run
from course_utils.training.loop import ADAMW, PLAIN_ADAM
from course_utils.training.recipes import (
    CLASSIC,
    JUDGE,
    LIKELIHOOD,
    RECIPES,
    SCHEDULES,
    SPRITES,
    begin_with,
    hybrid,
    steps_for,
    take_over,
)
from course_utils.training.state import fingerprint

START = "c054e3ce5801b2baed04d6c873132487f124a4719dddedd48a9bc4a19b259eb0"
"""Of the weights before the first step, as half-precision numbers in the order of their names."""


def test_the_start_of_the_shipped_weights_is_a_seed_and_the_network():
    """So the course ships no file of it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = SPRITES.model(cosine_schedule(500), n_context=5)
        torch.manual_seed(0)
        network = ContextUnet()
    tensors = dict(sorted(network.state_dict().items()))
    for name, tensor in model.network.state_dict().items():
        assert torch.equal(tensor, tensors[name])
    assert hashlib.sha256(b"".join(x.half().numpy().tobytes() for x in tensors.values())).hexdigest() == START


class Enough(Exception):  # noqa: N818  no error
    """Stops a training before its first step."""


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_recipe_is_what_the_command_trains_by(recipe, monkeypatch, tmp_path):
    seen = {}

    def spy(model, images, contexts, schedule, **settings):
        seen.update(settings, model=model, schedule=schedule)
        raise Enough

    monkeypatch.setattr(run, "train", spy)
    with pytest.raises(Enough):
        main(["train", "--recipe", recipe.name, "--out", str(tmp_path / "it.safetensors")])
    schedule = recipe.schedule(recipe.T)
    assert torch.equal(seen["schedule"].beta, schedule.beta)
    assert (seen["weight"] is None) if recipe.weight is None else torch.equal(seen["weight"], recipe.weight(schedule))
    for name in ("steps", "batch_size", "learning_rate", "context_dropout", "optimization", "loss"):
        assert seen[name] == getattr(recipe, name)
    network = seen["model"] if recipe.predicts is None else seen["model"].network
    assert type(network) is recipe.network
    assert network.arguments["n_features"] == recipe.n_features


def test_the_shipped_recipe_is_the_one_that_was_measured():
    ours = ("sprites", ContextUnet, 32, FromX0, cosine_schedule, 500, clipped_snr, 0.1, 40_000, 32, 3e-3, ADAMW, 0)
    classic = ("classic", ClassicUnet, 64, None, linear_schedule, 500, None, 0.1, 6_400, 100, 1e-3, PLAIN_ADAM, 0)
    bits = ("likelihood", UnetWithVariance, 16, FromV, cosine_schedule, 500, None, 0.5, 15_000, 32, 3e-3, ADAMW, 0)
    more = denoising_loss, {"-middle": 16, "-early": 100}
    assert ((*ours, *more), (*classic, *more), (*bits, hybrid, {})) == (SPRITES, CLASSIC, LIKELIHOOD)
    assert [*RECIPES.values()] == [SPRITES, CLASSIC, LIKELIHOOD]
    assert JUDGE == ("judge", 1000, 256, 4e-3, 0)


def test_a_fingerprint_tells_all_settings_apart():
    adamw = partial(torch.optim.AdamW, betas=(0.5, 0.5), fused=True)
    others = [
        SPRITES._replace(optimization=SPRITES.optimization._replace(optimizer=adamw)),
        SPRITES._replace(optimization=PLAIN_ADAM),
        SPRITES._replace(schedule=linear_schedule),
        SPRITES._replace(context_dropout=0.2),
    ]
    prints = [str(fingerprint(recipe, torch.zeros(2))) for recipe in (SPRITES, *others)]
    assert len(set(prints)) == len(prints)
    assert fingerprint(SPRITES, torch.zeros(2)) == fingerprint(SPRITES._replace(), torch.zeros(2))


def test_schedules_have_the_names_of_their_functions():
    for name, make in SCHEDULES.items():
        assert make.__name__ == f"{name}_schedule"


def test_the_classic_recipe_trains_and_can_be_loaded(monkeypatch, tmp_path, capsys):
    draw_nothing(monkeypatch)
    monkeypatch.setattr(run, "quality_table", lambda *_: "a table")
    monkeypatch.setitem(RECIPES, "classic", CLASSIC._replace(n_features=8, batch_size=4))
    out = tmp_path / "it.safetensors"
    assert main(["train", "--recipe", "classic", "--steps", "50", "--out", str(out)]) == 0
    model, schedule = load_model(out)
    assert type(model.network) is ClassicUnet
    assert torch.equal(schedule.beta, linear_schedule(500).beta)
    assert model(torch.zeros(2, 3, 16, 16), torch.tensor([1, 500]), None).shape == (2, 3, 16, 16)
    card = out.with_suffix(".md").read_text(encoding="utf-8")
    assert "A `ClassicUnet` with" in card
    assert "EMA" not in card
    assert "--recipe classic --schedule linear --n-features 8 --steps 50" in card
    assert "| predicts | ε, at the noise levels of `linear_schedule(500)` |" in card
    assert "squared error of ε, mean of the last 50 steps" in card


def test_the_judge_takes_few_options(tmp_path, capsys):
    given = ["train", "--recipe", "judge", "--minutes", "3", "--out", str(tmp_path / "it.safetensors")]
    assert main(given) == 2
    assert capsys.readouterr().err == "train: the recipe judge takes --steps, --seed, --out and --overwrite only\n"


def test_a_place_that_cannot_be_is_refused_before_the_training(tmp_path, capsys):
    for recipe in (*RECIPES, JUDGE.name):
        assert main(["train", "--recipe", recipe, "--out", str(tmp_path / "it.txt")]) == 2
        assert capsys.readouterr().err == f"train: out must end in .safetensors, got {tmp_path / 'it.txt'}\n"


def test_trained_weights_are_taken_over_whole_for_the_same_classes_and_untold_for_others():
    """The network is the same, and a context that it does not know yet changes nothing."""
    trained, schedule = load_pretrained("sprites")
    recipe = begin_with(CLASSIC._replace(steps=7), trained, schedule)
    assert (recipe.network, recipe.n_features, recipe.predicts) == (ContextUnet, 32, FromX0)
    assert (recipe.schedule, recipe.T, recipe.steps) == (cosine_schedule, 500, 7)
    x = torch.randn((2, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    t, hero, nothing = torch.tensor([20, 400]), trained.context("hero", "hero"), torch.zeros(2, 5)
    with torch.no_grad():
        same = recipe.model(schedule, 5)
        take_over(same, trained, trained.classes)
        assert torch.equal(same(x, t, hero), trained(x, t, hero))
        for classes in (["cat", "dog"], trained.classes[::-1], []):
            n = max(1, len(classes))
            other = recipe.model(schedule, n)
            take_over(other, trained, classes)
            assert torch.equal(other(x, t, torch.eye(n)[[0, 0]]), trained(x, t, nothing))
    with pytest.raises(ValueError, match="must have a schedule of linear, quadratic, cosine, sigmoid"):
        begin_with(SPRITES, trained, NoiseSchedule(torch.linspace(0.001, 0.3, 500)))


def test_the_command_begins_with_trained_weights(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    draw_nothing(monkeypatch)
    monkeypatch.setitem(RECIPES, "sprites", SPRITES._replace(batch_size=4, learning_rate=1e-9))
    for name in ("cat", "dog"):
        (tmp_path / "art" / name).mkdir(parents=True)
        for i in range(20):
            Image.new("RGB", (16, 16), (12 * i, 0, 0)).save(tmp_path / "art" / name / f"{i}.png")
    train = ["train", "--data", "art", "--from", "sprites", "--out", "it.safetensors"]
    assert main([*train, "--steps", "50"]) == 0
    (model, _), (before, _) = load_model("it.safetensors"), load_pretrained("sprites")
    assert model.classes == ("cat", "dog")
    assert torch.allclose(model.network.stem.weight, before.network.stem.weight, atol=1e-3)
    assert "--from sprites --steps 50" in (tmp_path / "it.md").read_text(encoding="utf-8")
    capsys.readouterr()
    assert main([*train, "--n-features", "16"]) == 2
    assert "--recipe, --n-features and --schedule are those of the weights to begin with" in capsys.readouterr().err
    assert main([*train[:-3], "dragons", "--out", "it.safetensors"]) == 2
    assert "--from must be one of those in weights/" in capsys.readouterr().err


def test_few_pictures_are_good_for_few_steps_and_that_is_said(monkeypatch, tmp_path, capsys):
    assert steps_for(SPRITES, 20_000) == SPRITES.steps
    assert steps_for(SPRITES, 60) == 750
    assert steps_for(SPRITES, 1) == 200
    monkeypatch.chdir(tmp_path)
    draw_nothing(monkeypatch)
    monkeypatch.setitem(RECIPES, "sprites", SPRITES._replace(batch_size=400, n_features=8))
    numpy.save("sprites_3.npy", numpy.arange(144, dtype=numpy.uint8).reshape(3, 4, 4, 3))
    assert main(["train", "--data", "sprites_3.npy", "--out", "it.safetensors", "--minutes", "0.001"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("3 pictures of 4×4\n")
    assert "at most 200 steps, so that 3 pictures are not learned by heart (--steps decides otherwise)\n" in said
    assert said.endswith("so near\nto draw with it: python -m course_utils sample it.safetensors --n 8\n")
