"""A trained network draws by name, from a shell, and a run tells when it recites what it was shown."""

import io
import re
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from course_utils import ContextUnet, FromV, cosine_schedule, load_model, save_model
from course_utils.__main__ import main
from course_utils.diffusion.models import TrainedModel
from course_utils.diffusion.oracles import IdealDenoiser
from course_utils.training import cards, samples

SCHEDULE = cosine_schedule(50)
NAMES = ("dragon", "cat", "Łódź $5$")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    network = FromV(ContextUnet(n_features=8, n_context=3), SCHEDULE)
    save_model("mine.safetensors", network, SCHEDULE, classes=NAMES, shape=(3, 8, 12))
    return tmp_path


def pixels(path):
    return np.array(Image.open(path).convert("RGB"))


class Recorder(nn.Module):
    """A model that draws the number of the class that it is asked for."""

    def __init__(self):
        super().__init__()
        self.shade = nn.Parameter(torch.tensor([-1.0, 0.0, 1.0]))

    def forward(self, x, t, c=None):
        x0 = torch.ones_like(x) * (self.shade * c).sum(1).view(-1, 1, 1, 1)
        return SCHEDULE.predict_eps(x, t, x0)


def test_each_name_draws_its_own_class_in_the_order_of_the_question():
    model = TrainedModel(Recorder(), NAMES, (3, 4, 4))
    for sampler in samples.SAMPLERS:
        stops = samples.walk(model, SCHEDULE, ["cat", "dragon", "cat"], 2, 10, 1, sampler)
        assert [step.t for step in stops] == SCHEDULE.timesteps(10)
        assert torch.allclose(stops[-1].x.mean((1, 2, 3)), torch.tensor([0.0, 0, -1, -1, 0, 0]), atol=1e-5)


def test_the_command_draws_by_name(folder, capsys):
    asked = ["sample", "mine.safetensors", "--classes", NAMES[2], "cat", "--n", "3", "--steps", "4"]
    assert main([*asked, "--each", "each", "--movie", "it.webp", "--out", "it.png"]) == 0
    said = capsys.readouterr().out
    assert said == f"it.png, each, it.webp: 6 pictures, 3 of each of {NAMES[2]}, cat\n"
    assert {path.name for path in Path("each").iterdir()} == {
        *(f"Łódź _5_-{i}.png" for i in (1, 2, 3)),
        *(f"cat-{i}.png" for i in (1, 2, 3)),
    }
    model, schedule = load_model("mine.safetensors")
    stops = samples.walk(model, schedule, [NAMES[2], "cat"], 3, steps=4)
    expected = samples.to_pixels(stops[-1].x)
    assert (pixels("each/cat-2.png") == expected[4]).all()
    movie = Image.open("it.webp")
    assert movie.n_frames == 5
    movie.seek(4)
    zoom = movie.width // (3 * 14)
    assert movie.width == zoom * 3 * 14
    last = np.array(movie.convert("RGB"))[zoom : zoom * 9 : zoom, zoom : zoom * 13 : zoom]
    assert (last == expected[0]).all()
    assert (
        np.array(movie.convert("RGB"))[::zoom, ::zoom].repeat(zoom, 0).repeat(zoom, 1) == movie.convert("RGB")
    ).all()


def test_without_names_it_draws_of_each_and_the_seed_decides(folder, capsys):
    for seed, out in (("0", "a.png"), ("0", "b.png"), ("1", "c.png")):
        assert main(["sample", "mine.safetensors", "--n", "2", "--steps", "2", "--seed", seed, "--out", out]) == 0
    assert capsys.readouterr().out.count(f"6 pictures, 2 of each of {', '.join(NAMES)}") == 3
    assert (pixels("a.png") == pixels("b.png")).all()
    assert (pixels("a.png") != pixels("c.png")).any()
    assert main(["sample", "mine.safetensors", "--n", "23", "--steps", "1"]) == 0  # rows of ten
    assert Path("mine-samples.png").exists()


def test_a_new_shell_knows_the_names(folder):
    asked = ["sample", "mine.safetensors", "--classes", "dragon", "--n", "1", "--steps", "1"]
    done = subprocess.run([sys.executable, "-m", "course_utils", *asked], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "mine-samples.png: 1 picture, 1 of each of dragon\n"), done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp1251"])
def test_any_console_will_do(encoding, folder, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    asked = ["sample", "mine.safetensors", "--n", "1", "--steps", "1"]
    done = subprocess.run([sys.executable, "-m", "course_utils", *asked], capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"3 pictures" in done.stdout


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            ["--classes", "dragn"],
            "names must be among those that the model knows ('dragon', 'cat', 'Łódź $5$'), got 'dragn': did you mean "
            "'dragon'?",
        ),
        (["--n", "0"], "n must be a whole number of at least 1, got 0"),
        (["--steps", "51"], "steps must be a whole number from 1 to 50, got 51"),
        (["--guidance-scale", "nan"], "guidance_scale must be a number in (-∞, ∞), got nan"),
        (["--seed", "-1"], f"seed must be a whole number from 0 to {2**64 - 1}, got -1"),
        (["--out", "it.jpg"], "out must end in .png, got it.jpg"),
        (["--out", "no/it.png"], "no such folder: no"),
        (["--movie", "it.gif"], "movie must end in .webp, got it.gif"),
        (["--each", "mine.safetensors"], "each must be a folder, and mine.safetensors is none"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_drawn(given, message, folder, capsys, monkeypatch):
    before = set(folder.rglob("*"))
    assert main(["sample", "mine.safetensors", *given]) == 2
    assert capsys.readouterr().err == f"sample: {message}\n"
    assert set(folder.rglob("*")) == before


def test_a_file_without_the_shape_of_a_picture_says_so(folder, capsys):
    save_model("old.safetensors", ContextUnet(n_features=8), SCHEDULE)
    assert main(["sample", "old.safetensors"]) == 2
    assert "model must know the shape of its pictures, and this one was saved without it" in capsys.readouterr().err


def test_names_from_a_strangers_file_lead_nowhere():
    files = samples.single_files(Path("each"), ["../../up", "a/b", "a:b"], 6)
    assert {file.parent for file in files} == {Path("each")}
    assert len(set(files)) == 6


@pytest.mark.parametrize(
    "names", [["cat", "Cat", "CAT"], ["a=b", "a_b", "a b"], ["龍" * 200, "龍" * 201], ["cat", "cat"]]
)
def test_each_class_has_files_of_its_own_also_where_capitals_do_not_count(names, tmp_path):
    files = samples.single_files(tmp_path, names, 2 * len(names))
    assert len({str(file).casefold() for file in files}) == len(files)
    for file in files:
        file.touch()  # no name is too long
    for name, first, second in zip(names, files[::2], files[1::2], strict=True):
        assert first.name[:-6] == second.name[:-6], name


NASTY = ['it\'s "mine" [1].safetensors', "-dash.safetensors", "two  words.safetensors", "火 $x$.safetensors"]


@pytest.mark.parametrize("name", NASTY)
def test_what_the_card_says_to_type_can_be_typed(name, folder, capsys):
    classes = ["-b", 'it\'s "a" cat', "$HOME | dog", "C:\\new"]
    network = FromV(ContextUnet(n_features=8, n_context=4), SCHEDULE)
    save_model(name, network, SCHEDULE, classes=classes, shape=(3, 8, 8))
    model, _ = load_model(name)
    for suffix in ("", "-early", "-middle"):
        save_model(Path(name).with_stem(Path(name).stem + suffix), model, SCHEDULE)
    cards.write_card(Path(name), model, {"command": "a | b"}, "", {"": "the end"}, "")
    card = Path(name).with_suffix(".md").read_text(encoding="utf-8")
    shell, python = (card.split(f"```{language}\n")[1].split("\n```")[0] for language in ("", "python"))
    _, _, command, *words = shlex.split(shell)
    assert command == "course_utils"
    assert main([*words, "--steps", "1"]) == 0
    assert '16 pictures, 8 of each of it\'s "a" cat, $HOME | dog' in capsys.readouterr().out
    exec(python, scope := {})
    assert scope["c"].tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]]
    assert scope["x"].shape == (2, 3, 8, 8)
    assert r"| command | a \| b |" in card
    picture = re.search(r"!\[.*\]\((\S+)\)", card)[1]
    assert unquote(picture) == Path(name).with_suffix(".png").name


def test_the_pictures_on_the_way_bear_the_names(monkeypatch):
    shown = []
    show = samples.show_images
    monkeypatch.setattr(samples, "show_images", lambda x, **more: shown.append(more) or show(x, **more))
    model = TrainedModel(Recorder(), NAMES, (3, 4, 4))
    picture = samples.progress_picture(model, SCHEDULE, "[course_utils train it]")
    assert Image.open(io.BytesIO(picture)).info["Software"] == "[course_utils train it]"
    assert shown[0]["titles"][:4] == ["dragon", "cat", r"Łódź \$5\$", "dragon"]
    samples.contact_sheet(samples.walk(model, SCHEDULE, NAMES, 2, 2), NAMES, "")
    assert shown[1]["row_titles"] == ["dragon", "cat", r"Łódź \$5\$"]


class Reciter(nn.Module):
    """A model that draws nothing but what it was shown."""

    def __init__(self, images):
        super().__init__()
        self.oracle, self.unused = IdealDenoiser(images, SCHEDULE), nn.Parameter(torch.zeros(1))

    def forward(self, x, t, c=None):
        return self.oracle(x, t)


def test_a_network_that_recites_is_told_from_one_that_does_not():
    """The oracle of 60 pictures against that of 600 others like them."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand((660, 3, 4, 4), generator=generator) * 2 - 1
    told = []
    for known in (images[:60], images[60:]):
        told.append(samples.own_or_recited(TrainedModel(Reciter(known), (), (3, 4, 4)), SCHEDULE, images[:60]))
    (said, warning), (_, fine) = told
    assert said.startswith("from a sample to the nearest training picture it is 0.")
    assert warning.startswith("64 of 64 samples are at less than half that distance: the network has learned")
    assert fine == ""
    same = samples.own_or_recited(
        TrainedModel(Reciter(images[:1]), (), (3, 4, 4)), SCHEDULE, images[:1].repeat(9, 1, 1, 1)
    )
    assert same == ("all training pictures are the same, so there is only one to be learned", "")
    far = samples.own_or_recited(TrainedModel(Reciter(images + 9), (), (3, 4, 4)), SCHEDULE, images[:60])
    assert far[1].startswith("the samples are nothing like the training pictures yet: more steps help")
