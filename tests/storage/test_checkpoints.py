"""Weights on disk: what is written comes back, what is damaged is named, and what is shipped is what its card says."""

import hashlib
import os
import pickle
import re
from pathlib import Path

import pytest
import safetensors.torch
import torch
from running import ROOT
from torch import nn

from course_utils import (
    ContextUnet,
    FromV,
    FromX0,
    cosine_schedule,
    load_model,
    load_pretrained,
    load_sprites,
    sample_ddim,
    save_model,
)
from course_utils.__main__ import main
from course_utils.networks.classic import ClassicUnet
from course_utils.quality import evaluation

SCHEDULE = cosine_schedule(30)
X, T, C = torch.randn((2, 3, 8, 8), generator=torch.Generator().manual_seed(0)), torch.tensor([3, 30]), torch.eye(5)[:2]


def network():
    torch.manual_seed(0)
    made = ContextUnet(n_features=8)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_((parameter + 0.1 * torch.randn(parameter.shape)).half())  # as exact as the file
    return made


MODELS = {"eps": lambda: network(), "v": lambda: FromV(network(), SCHEDULE), "x0": lambda: FromX0(network(), SCHEDULE)}


@pytest.mark.parametrize("predicts", MODELS)
def test_what_is_written_comes_back(predicts, tmp_path):
    model, path = MODELS[predicts](), tmp_path / "it.safetensors"
    save_model(path, model, SCHEDULE, {"note": "hello"})
    loaded, schedule = load_model(path)
    assert type(loaded.model) is type(model)
    assert torch.equal(schedule.beta, SCHEDULE.beta)
    assert not loaded.training
    assert {(p.dtype, p.requires_grad) for p in loaded.parameters()} == {(torch.float32, False)}
    with torch.no_grad():
        assert torch.equal(loaded(X, T, C), model(X, T, C))
    first = path.read_bytes()
    save_model(path, loaded, schedule, {"note": "hello"})
    assert path.read_bytes() == first
    assert (loaded.classes, loaded.shape) == ((), None)
    with safetensors.safe_open(path, framework="pt") as file:
        assert file.metadata()["note"] == "hello"


def test_names_and_shape_come_back_and_ask_for_what_they_name(tmp_path):
    """Not sorted as text, and saved again from what was loaded."""
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    names = ("level 2", "level 10", "Hexe", "龍", 'a "b" [c]')
    save_model(first, MODELS["v"](), SCHEDULE, classes=names, shape=(3, 8, 8))
    save_model(second, *load_model(first))
    model, _ = load_model(second)
    assert (model.classes, model.shape) == (names, (3, 8, 8))
    assert second.read_bytes() == first.read_bytes()
    assert torch.equal(model.context("龍", "level 2"), torch.eye(5)[[3, 0]])
    with pytest.raises(ValueError, match=r"names must be among those that the model knows \('level 2', .*'dragon'"):
        model.context("dragon")
    with pytest.raises(ValueError, match="got None"):
        model.context()
    save_model(first, network(), SCHEDULE)
    with pytest.raises(ValueError, match=r"knows \(nothing: it was trained without classes"):
        load_model(first)[0].context("Hexe")


@pytest.mark.parametrize("names", [["a"], ["a"] * 5, ["a", "b", "c", "d", ""], "abcde", 5, ["a", "b", "c", "d", 5]])
def test_names_that_do_not_fit_are_refused(names, tmp_path):
    with pytest.raises(ValueError, match="classes must be"):
        save_model(tmp_path / "it.safetensors", network(), SCHEDULE, classes=names)
    assert not list(tmp_path.iterdir())


WRAPPERS = {
    "compiled": torch.compile,
    "compiled inside": lambda model: FromV(torch.compile(model.network), SCHEDULE),
    "shared out": nn.DataParallel,
    "averaged": torch.optim.swa_utils.AveragedModel,
    "compiled and shared out": lambda model: torch.compile(nn.DataParallel(model)),
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_what_tools_wrap_is_saved_as_if_it_were_not(wrapper, tmp_path):
    bare, wrapped = tmp_path / "bare.safetensors", tmp_path / "wrapped.safetensors"
    save_model(bare, MODELS["v"](), SCHEDULE)
    save_model(wrapped, WRAPPERS[wrapper](MODELS["v"]()), SCHEDULE)
    assert wrapped.read_bytes() == bare.read_bytes()


def with_a_head_of_its_own(model):
    model.head[2] = nn.Conv2d(8, 3, 1)
    return model


CHANGED = {
    "weight norm": lambda model: nn.utils.parametrizations.weight_norm(model.stem) and model,
    "a new layer": lambda model: model.add_module("more", nn.Linear(1, 1)) or model,
    "another shape": with_a_head_of_its_own,
}


@pytest.mark.parametrize("change", CHANGED)
def test_what_could_not_be_read_back_is_not_written(change, tmp_path):
    with pytest.raises(ValueError, match=r"model must have the weights of ContextUnet\(\*\*arguments\)"):
        save_model(tmp_path / "it.safetensors", CHANGED[change](network()), SCHEDULE)
    with pytest.raises(ValueError, match="model must have a dictionary `arguments`"):
        save_model(tmp_path / "it.safetensors", nn.Linear(2, 2), SCHEDULE)
    assert not list(tmp_path.iterdir())


class Mine(ContextUnet):
    """A network of one's own."""


def test_a_file_names_its_network(tmp_path):
    path = tmp_path / "it.safetensors"
    save_model(path, ClassicUnet(n_features=8), SCHEDULE)
    assert type(load_model(path)[0].network) is ClassicUnet
    save_model(path, Mine(n_features=8), SCHEDULE)
    known = "ContextUnet, UnetWithVariance, ClassicUnet"
    with pytest.raises(ValueError, match=f"its network is a Mine, none of {known}: load_model takes"):
        load_model(path)
    assert type(load_model(path, Mine)[0].network) is Mine


def test_a_failed_write_loses_nothing(tmp_path, monkeypatch):
    path = tmp_path / "it.safetensors"
    save_model(path, network(), SCHEDULE)
    before = path.read_bytes()

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        save_model(path, MODELS["v"](), SCHEDULE)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("value", [torch.nan, 1e6])
def test_weights_that_half_precision_cannot_hold_are_refused(value, tmp_path):
    model = network()
    with torch.no_grad():
        model.stem.bias[0] = value
    with pytest.raises(ValueError, match=r"but stem\.bias has not"):
        save_model(tmp_path / "it.safetensors", model, SCHEDULE)
    assert not list(tmp_path.iterdir())


class Trap:
    def __reduce__(self):
        return (os.mkdir, ("sprung",))


def damaged_files():
    good = {"x": torch.ones(2)}
    return {
        "text": b"hello",
        "empty": b"",
        "pickle": pickle.dumps(Trap()),
        "another thing": safetensors.torch.save(good),
        "no schedule": safetensors.torch.save(good, {"arguments": "{}", "predicts": "eps"}),
        "no network": safetensors.torch.save(
            {"schedule.beta": SCHEDULE.beta[1:]}, {"arguments": "{}", "predicts": "v"}
        ),
    }


@pytest.mark.parametrize("kind", damaged_files())
def test_damaged_files_are_named_and_never_run(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "it.safetensors"
    path.write_bytes(damaged_files()[kind])
    with pytest.raises(ValueError, match=r"cannot read .*it\.safetensors"):
        load_model(path, ContextUnet)
    assert not Path("sprung").exists()


def test_another_network_is_refused(tmp_path):
    path = tmp_path / "it.safetensors"
    save_model(path, network(), SCHEDULE)
    with pytest.raises(ValueError, match="holds another network"):
        load_model(path, lambda **_: nn.Linear(2, 2))


def test_missing_places_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file at this path"):
        load_model(tmp_path / "it.safetensors", ContextUnet)
    with pytest.raises(FileNotFoundError, match="no such folder"):
        save_model(tmp_path / "nowhere" / "it.safetensors", network(), SCHEDULE)
    with pytest.raises(ValueError, match=r"path must end in \.safetensors"):
        save_model(tmp_path / "it.pt", network(), SCHEDULE)
    with pytest.raises(FileNotFoundError, match=r"name must be one of those in weights/ \(judge, .*'dragons'"):
        load_pretrained("dragons")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "tiny.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "N", 70)
        assert main(["train", "--steps", "50", "--n-features", "8", "--out", str(out)]) == 0
    return out


def test_the_command_writes_three_checkpoints_a_card_and_two_pictures(trained):
    names = {path.name for path in trained.parent.iterdir()}
    checkpoints = {f"tiny{suffix}.safetensors" for suffix in ("", "-early", "-middle")}
    assert names == checkpoints | {"tiny.md", "tiny.png", "tiny-from-noise.png"}
    answers = []
    for name in sorted(checkpoints):
        model, schedule = load_model(trained.with_name(name))
        assert isinstance(model.model, FromX0)
        assert model.classes == ("hero", "non-hero", "food", "spell", "side-facing")
        assert model.shape == (3, 16, 16)
        answers.append(model.network(X, torch.tensor([3, 30]), C))
    assert schedule.T == 500
    assert torch.pdist(torch.stack(answers).flatten(1)).min() > 0


def test_the_card_is_true(trained):
    card = trained.with_suffix(".md").read_text(encoding="utf-8")
    for suffix in ("", "-early", "-middle"):
        weights = trained.with_stem(trained.stem + suffix)
        row = rf"\| `{weights.name}` \| .+ \| `{hashlib.sha256(weights.read_bytes()).hexdigest()}` \|\n"
        assert re.search(row, card)
    assert hashlib.sha256((ROOT / "data" / "sprites.npz").read_bytes()).hexdigest() in card
    assert f"--schedule cosine --n-features 8 --steps 50 --seed 0 --out {trained.as_posix()}" in card
    assert "| real sprites, the noise floor | " in card
    assert "| drawn, guidance scale 2 | " in card


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--steps", "49"], "train: steps must be a whole number of at least 50, got 49"),
        (["--seed", "-1"], "train: seed must be a whole number from 0 to 18446744073709551615, got -1"),
        (["--n-features", "12"], "train: n_features must be a multiple of 8, got 12"),
        (["--out", "it.pt"], "train: out must end in .safetensors, got it.pt"),
        (["--out", "nowhere/it.safetensors"], "train: no such folder: nowhere"),
    ],
)
def test_the_command_says_in_one_line_what_is_wrong(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *arguments]) == 2
    assert capsys.readouterr().err.strip() == message
    assert not list(tmp_path.iterdir())


def test_the_shipped_weights_are_what_their_card_says():
    model, schedule = load_pretrained("sprites")
    assert schedule.T == 500
    assert torch.equal(model.context("hero", "spell"), torch.eye(5)[[0, 3]])
    assert sum(parameter.numel() for parameter in model.parameters()) <= 1_500_000
    card = (ROOT / "weights" / "sprites.md").read_text(encoding="utf-8")
    assert hashlib.sha256((ROOT / "data" / "sprites.npz").read_bytes()).hexdigest() in card
    for name in re.findall(r"`(sprites\S*)\.safetensors` \|", card):
        load_pretrained(name)


def test_only_weights_that_a_notebook_loads_are_shipped_and_they_are_light():
    notebooks = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "notebooks" / "src").glob("*.py"))
    for path in (ROOT / "weights").glob("*.safetensors"):
        assert f'"{path.stem}"' in notebooks or (path.stem == "judge" and "load_classifier()" in notebooks), path.name
    assert sum(path.stat().st_size for path in (ROOT / "weights").iterdir()) <= 16e6


def test_the_shipped_network_draws_whole_sprites_that_it_has_not_seen():
    """White where sprites are white, within the range of colours, and no nearer to the data than held-out sprites."""
    model, schedule = load_pretrained("sprites")
    c = torch.eye(5).repeat(8, 1)
    drawn = sample_ddim(model, (40, 3, 16, 16), schedule, 25, c, generator=torch.Generator().manual_seed(0))
    sprites, held_out = load_sprites()[0].flatten(1), load_sprites(split="test")[0][:200].flatten(1)
    assert torch.cdist(drawn.flatten(1), sprites).amin(1).median() >= torch.cdist(held_out, sprites).amin(1).median()
    corners = drawn[:, :, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners > 0.8).float().mean() > 0.9
    assert drawn.abs().max() < 1.5
    assert abs(drawn.std() - sprites.std()) < 0.05
