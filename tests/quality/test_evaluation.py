"""The tables of quality, for networks whose quality is known, and the commands that print and write them."""

import hashlib
from itertools import takewhile
from pathlib import Path

import pytest
import torch
from running import ROOT

from course_utils import (
    ContextUnet,
    IdealDenoiser,
    cosine_schedule,
    load_classifier,
    load_sprites,
    save_model,
)
from course_utils.__main__ import main
from course_utils.quality import evaluation
from course_utils.quality.classifier import SpriteClassifier
from course_utils.quality.evaluation import quality_table
from course_utils.storage.checkpoints import read_network

TITLES = [
    "",
    "Fréchet distance",
    "excess",
    "context accuracy",
    "clean",
    "coverage",
    "recall",
    "nearest training sprite",
]


@pytest.fixture(autouse=True)
def few_sprites(monkeypatch):
    monkeypatch.setattr(evaluation, "N", 70)
    monkeypatch.setattr(evaluation, "SEEDS", (0, 1))


def read(text):
    """The mean and standard deviation of every row and column of the table of quality in a text."""
    lines = text.splitlines()
    start = lines.index(f"| {' | '.join(TITLES)} |")
    found = {}
    for line in takewhile(lambda line: line.startswith("|"), lines[start + 2 :]):
        name, *cells = (cell.strip() for cell in line.split("|")[1:-1])
        numbers = [tuple(float(number.rstrip("%")) for number in cell.split(" ± ")) for cell in cells]
        found[name] = dict(zip(TITLES[1:], numbers, strict=True))
    return found


def test_who_recites_draws_clean_sprites_at_distance_zero_whatever_is_asked_for():
    schedule = cosine_schedule(500)
    recites = IdealDenoiser(load_sprites()[0][:300], schedule)
    found = read(quality_table(lambda x, t, c=None: recites(x, t), schedule))
    real, drawn = found["real sprites, the noise floor"], found["drawn, guidance scale 1"]
    assert drawn == found["drawn, guidance scale 2"]  # since it never listens
    assert drawn["nearest training sprite"] == (0.0, 0.0)
    assert drawn["clean"][0] >= 97
    assert 5 < drawn["context accuracy"][0] < 40  # one of five, by chance
    assert drawn["Fréchet distance"][0] < 2 * real["Fréchet distance"][0]
    assert drawn["recall"][0] > 30
    assert real["context accuracy"][0] >= 97
    assert real["clean"][0] >= 97
    assert real["nearest training sprite"][0] > 3
    assert real["excess"] == (0.0, 0.0)
    of_means = drawn["Fréchet distance"][0] - real["Fréchet distance"][0]
    assert drawn["excess"][0] == pytest.approx(of_means, abs=0.11)  # numbers have one decimal
    assert any(deviation > 0 for _, deviation in drawn.values())  # the seeds differ


def test_who_listens_to_nothing_and_draws_noise_is_far_from_sprites():
    found = read(quality_table(lambda x, t, c=None: torch.zeros_like(x), cosine_schedule(500)))
    noise = found["drawn, guidance scale 1"]
    assert noise["Fréchet distance"][0] > 5 * found["real sprites, the noise floor"]["Fréchet distance"][0]
    assert noise["clean"][0] < 3
    assert noise["recall"][0] < 10


def test_the_sprites_that_are_drawn_are_those_that_were_asked_for(monkeypatch):
    """The same contexts are asked of the network and of the judge."""
    judge, asked = load_classifier(), []

    def spy(x, t, c=None):
        asked.append(c)
        return torch.zeros_like(x)

    measured = []
    measure = evaluation.measure
    monkeypatch.setattr(evaluation, "measure", lambda *given: measured.append(given) or measure(*given))
    evaluation.grade(judge, lambda c, generator: spy(torch.ones(len(c), 3, 16, 16), None, c), 0)
    (_, drawn, contexts, held_out, train) = measured[0]
    assert torch.equal(contexts, asked[0])
    assert len(drawn) == len(held_out) == 70
    assert len(train) == 20_000
    assert torch.equal(judge.class_of(held_out), contexts.argmax(1))


def test_the_floor_is_what_real_sprites_of_the_same_classes_get_beside_the_same_others(monkeypatch):
    """So the excess is a paired difference: what a set drawn for these classes has over a real one of these classes."""
    judge, measured = load_classifier(), []
    measure = evaluation.measure
    monkeypatch.setattr(evaluation, "measure", lambda *given: measured.append(given) or measure(*given))
    evaluation.grade(judge, lambda c, generator: torch.ones(len(c), 3, 16, 16), 1)
    evaluation.floor(judge, 1)
    (_, _, asked, beside, _), (_, images, contexts, held_out, _) = measured
    assert torch.equal(held_out, beside)
    assert torch.equal(contexts.sum(dim=0), asked.sum(dim=0))
    assert torch.cdist(images.flatten(1), held_out.flatten(1)).min() > 0  # nobody is on both sides
    sprites = torch.ones(200, 3, 16, 16), torch.eye(5)[torch.arange(200) % 5]
    assert evaluation.floor(judge, 0, sprites).frechet_distance == 0
    assert measured[-1][3].shape == (70, 3, 16, 16)
    with pytest.raises(ValueError, match="held_out must have 70 other sprites of the same classes, got 30"):
        evaluation.floor(judge, 0, tuple(each[:100] for each in sprites))


def test_the_command_prints_the_table(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    names = ["hero", "non-hero", "food", "spell", "side-facing"]
    save_model("new.safetensors", ContextUnet(n_features=8), cosine_schedule(500), classes=names, shape=(3, 16, 16))
    assert main(["evaluate", "new.safetensors"]) == 0
    said = capsys.readouterr()
    assert read(said.out)["drawn, guidance scale 2"]["context accuracy"][0] < 50
    assert main(["evaluate", "no.safetensors"]) == 2
    assert capsys.readouterr().err == "evaluate: no file at this path: no.safetensors\n"


def test_a_network_of_other_classes_or_another_size_is_refused_by_name(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ours = ["hero", "non-hero", "food", "spell", "side-facing"]
    for classes, shape, message in (
        (["cat", "dog"], (3, 16, 16), f"knows {', '.join(ours)}, and it knows cat, dog"),
        (ours[::-1], (3, 16, 16), f"and it knows {', '.join(ours[::-1])}"),
        ([], (3, 16, 16), "and it knows no classes by name"),
        (ours, (3, 8, 12), "draws 16×16 sprites, and it draws 12×8"),
        (ours, None, "draws 16×16 sprites, and it does not say what it draws"),
    ):
        network = ContextUnet(n_features=8, n_context=len(classes) or 5)
        save_model("other.safetensors", network, cosine_schedule(500), classes=classes, shape=shape)
        assert main(["evaluate", "other.safetensors"]) == 2
        said = capsys.readouterr().err
        assert said.startswith("evaluate: other.safetensors must hold a network that ")
        assert said.endswith(f"{message}\n")


def test_the_command_teaches_a_judge_and_writes_its_card(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["train", "--recipe", "judge", "--steps", "60"]
    assert main([*command, "--out", "it.safetensors"]) == 0
    judge, others, _ = read_network("it.safetensors", SpriteClassifier)
    assert others == {}
    assert judge.kinds == load_classifier().kinds
    card = Path("it.md").read_text(encoding="utf-8")
    assert f"`it.safetensors` | `{hashlib.sha256(Path('it.safetensors').read_bytes()).hexdigest()}` |" in card
    accuracy = read(card)["real sprites"]["context accuracy"][0]
    assert accuracy > 50
    assert "of held-out sprites into their class" in capsys.readouterr().out
    first = Path("it.safetensors").read_bytes()
    assert main([*command, "--out", "it.safetensors"]) == 2
    assert "it.safetensors is there, from an earlier run" in capsys.readouterr().err
    assert main([*command, "--overwrite", "--out", "it.safetensors"]) == 0
    assert Path("it.safetensors").read_bytes() == first
    assert main([*command, "--seed", "-1"]) == 2
    assert main([*command, "--out", "no/it.safetensors"]) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"it.safetensors", "it.md"}


def test_the_shipped_judge_is_what_its_card_says():
    card = (ROOT / "weights" / "judge.md").read_text(encoding="utf-8")
    assert hashlib.sha256((ROOT / "weights" / "judge.safetensors").read_bytes()).hexdigest() in card
    assert hashlib.sha256((ROOT / "data" / "sprites.npz").read_bytes()).hexdigest() in card
    parameters = sum(parameter.numel() for parameter in load_classifier().parameters())
    assert f"{parameters:,} parameters" in card
