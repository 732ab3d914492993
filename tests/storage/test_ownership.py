"""What is yours stays yours: each command, with a file of somebody else in each place that it would write to."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from quick import draw_nothing

from course_utils import ContextUnet, cosine_schedule, load_sprites, save_model
from course_utils.__main__ import main
from course_utils.sprites import dataset
from course_utils.storage.ownership import is_marked, mark, only_one, require_free
from course_utils.training import run, samples
from course_utils.training.recipes import RECIPES, SPRITES


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(RECIPES, "sprites", SPRITES._replace(batch_size=4, steps=50, n_features=8))
    draw_nothing(monkeypatch)
    colours = np.random.default_rng(0).integers(0, 255, (6, 8, 8, 3), dtype=np.uint8)
    Path("art").mkdir()
    for i, picture in enumerate(colours):
        Image.fromarray(picture).save(f"art/{i}.png")
    save_model("net.safetensors", ContextUnet(n_features=8, n_context=1), cosine_schedule(50), shape=(3, 8, 8))
    return tmp_path


TRAIN = ["train", "--data", "art", "--out", "it.safetensors"]
COMMANDS = {
    "draw-sprites": (["draw-sprites", "--n", "3", "--n-test", "1", "--out", "it.npz"], ("it.npz", "it.png", "it.md")),
    "train": (
        TRAIN,
        (
            *("it.safetensors", "it-early.safetensors", "it-middle.safetensors", "it.md", "it.png"),
            *("it-from-noise.png", "it.progress.png", "it.state.pt", ".it.safetensors.lock"),
        ),
    ),
    "sample": (
        [
            "sample",
            "net.safetensors",
            "--n",
            "2",
            "--steps",
            "2",
            "--out",
            "it.png",
            "--each",
            "each",
            "--movie",
            "it.webp",
        ],
        ("it.png", "it.webp", "each/picture-1.png", "each/picture-2.png"),
    ),
}
PLACES = [(name, place) for name, (_, places) in COMMANDS.items() for place in places]


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("name", "place"), PLACES)
@pytest.mark.parametrize("more", [[], ["--overwrite"]])
def test_a_file_of_somebody_else_is_refused_by_name_before_anything_is_written(name, place, more, folder, capsys):
    path = Path(place)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"months of work")
    before = contents(folder)
    assert main([*COMMANDS[name][0], *more]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"{name}: {place} is ")
    assert said.count("\n") == 1
    assert contents(folder) == before


@pytest.mark.parametrize("name", COMMANDS)
def test_what_the_command_wrote_itself_is_replaced_when_that_is_asked_for(name, folder, capsys):
    command, places = COMMANDS[name]
    assert main(command) == 0
    first = contents(folder)
    written = [place for place in places if Path(place).exists()]
    assert all(is_marked(Path(place)) for place in written)
    assert main(command) == 2
    assert "is there, from an earlier run: --overwrite replaces it" in capsys.readouterr().err
    assert contents(folder) == first
    assert main([*command, "--overwrite", "--seed", "1"]) == 0
    assert Path(written[0]).read_bytes() != first[folder / written[0]]
    assert contents(folder).keys() == first.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_file_with_the_name_of_a_half_written_one_is_left_alone(name, folder):
    command, places = COMMANDS[name]
    Path("each").mkdir()
    for place in places:
        Path(f"{place}.part").write_bytes(b"months of work")
    before = contents(folder)
    assert main(command) == 0
    after = contents(folder)
    assert {path: after.get(path) for path in before} == before


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_no_file_is_refused_and_not_waited_for(name, folder, capsys):
    command, places = COMMANDS[name]
    os.mkfifo(places[0])
    assert main(command) == 2
    assert capsys.readouterr().err == f"{name}: {places[0]} is there, and is no file\n"
    os.remove(places[0])
    os.symlink("nowhere", places[0])
    assert main([*command, "--overwrite"]) == 2
    assert capsys.readouterr().err == f"{name}: {places[0]} is there, and is no file\n"


def test_a_state_of_somebody_else_is_not_ours_to_delete(folder, capsys):
    Path("it.state.pt").write_bytes(b"months of work")
    assert main(TRAIN) == 2
    assert "it.state.pt is there, and was not written by this command under this name" in capsys.readouterr().err
    assert main([*TRAIN, "--resume"]) == 2
    assert capsys.readouterr().err.endswith("is damaged or is no state of a run: move it away to start anew\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_folder_that_may_not_be_written_to_is_named_before_the_work(name, folder, capsys, monkeypatch):
    """Also one for single pictures, after the others might have been written."""
    before = contents(folder)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != Path("each"))
    Path("each").mkdir()
    assert main([word.replace("it.", "each/it.") for word in COMMANDS[name][0]]) == 2
    assert capsys.readouterr().err == f"{name}: nothing may be written to the folder each\n"
    if name == "sample":
        assert main(COMMANDS[name][0]) == 2
        Path("each").rmdir()
        assert main(["no/each" if word == "each" else word for word in COMMANDS[name][0]]) == 2
        assert capsys.readouterr().err.endswith("sample: no such folder: no\n")
    assert contents(folder) == before


def test_a_model_whose_name_ends_like_that_of_a_checkpoint_is_another_model(folder, capsys):
    assert main([*TRAIN[:-1], "hero-early.safetensors"]) == 0
    before = contents(folder)
    assert main([*TRAIN[:-1], "hero.safetensors", "--overwrite"]) == 2
    assert "hero-early.safetensors is there, and was not written by this command under this name" in (
        capsys.readouterr().err
    )
    assert contents(folder) == before


def test_a_sheet_is_not_replaced_by_the_picture_of_what_was_learned_from_it(folder, capsys):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (16, 32, 3), dtype=np.uint8)).save("hero.png")
    before = contents(folder)
    assert main(["train", "--data", "hero.png", "--cell", "8", "--out", "hero.safetensors"]) == 2
    assert "hero.png is there, and was not written by this command" in capsys.readouterr().err
    assert contents(folder) == before


def test_an_older_model_stays_whole_until_the_new_one_is(folder, monkeypatch):
    assert main(TRAIN) == 0
    first = contents(folder)
    with monkeypatch.context() as patch:
        patch.setattr(run, "save_model", stops)
        assert main([*TRAIN, "--overwrite", "--seed", "1"]) == 130
    left = contents(folder)
    assert {path: left[path] for path in first} == first
    assert main([*TRAIN, "--resume", "--seed", "1"]) == 0
    assert contents(folder).keys() == first.keys()
    assert contents(folder)[folder / "it.safetensors"] != first[folder / "it.safetensors"]


def stops(*_, **__):
    raise KeyboardInterrupt


def test_a_file_that_appears_during_the_training_is_not_replaced_and_the_training_not_lost(folder, monkeypatch, capsys):
    follow = run._follow
    with monkeypatch.context() as patch:
        patch.setattr(run, "_follow", lambda *given: follow(*given) or Path("it.md").write_text("my notes"))
        assert main(TRAIN) == 2
    assert "it.md is there, and was not written by this command" in capsys.readouterr().err
    assert Path("it.md").read_text() == "my notes"
    Path("it.md").rename("notes.md")
    assert main([*TRAIN, "--resume"]) == 0
    assert is_marked(Path("it.md"))


WORK = {"draw-sprites": (dataset, "draw_sprites"), "train": (run, "_follow"), "sample": (samples, "walk")}


@pytest.mark.parametrize(("name", "place"), [(name, place) for name, place in PLACES if not place.endswith(".lock")])
def test_a_file_that_is_saved_while_a_command_works_is_not_replaced(name, place, folder, monkeypatch):
    """Each file is looked at once more before it is written, or removed."""
    path, (module, function) = Path(place), WORK[name]
    path.parent.mkdir(exist_ok=True)
    work = getattr(module, function)

    def work_and_save(*given, **more):
        done = work(*given, **more)
        path.unlink(missing_ok=True)
        path.write_bytes(b"months of work")
        return done

    monkeypatch.setattr(module, function, work_and_save)
    main(COMMANDS[name][0])
    assert path.read_bytes() == b"months of work"


def test_pictures_do_not_replace_each_other(folder, capsys):
    sample = ["sample", "net.safetensors", "--n", "2", "--steps", "2"]
    Path("each").mkdir()
    Path("link").symlink_to("each")
    for more in (["--out", "each/picture-1.png", "--each", "link"], ["--out", "x.png", "--each", "x.png"]):
        assert main([*sample, *more]) == 2
        assert "out, movie and the files in each must be different" in capsys.readouterr().err
    assert main([*sample, "--out", "x.png", "--movie", "f.webp", "--each", "f.webp"]) == 2
    Path("nowhere").symlink_to("gone")
    assert main([*sample, "--out", "x.png", "--each", "nowhere"]) == 2
    assert "each must be a folder, and nowhere is none" in capsys.readouterr().err
    assert not list(folder.glob("x.png"))


def test_the_state_of_a_run_goes_on_under_its_own_name_only(folder, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(run, "_write", stops)
        assert main(TRAIN) == 130
    os.rename("it.state.pt", "other.state.pt")
    before = contents(folder)
    assert main([*TRAIN[:-1], "other.safetensors", "--resume"]) == 2
    assert "other.state.pt is of a run with another --out: give it that name" in capsys.readouterr().err
    os.rename("other.state.pt", "kept")
    os.mkfifo("other.state.pt")
    assert main([*TRAIN[:-1], "other.safetensors", "--resume"]) == 2
    assert "no other.state.pt, so there is nothing to go on with" in capsys.readouterr().err
    assert contents(folder).keys() - before.keys() == {folder / "kept"}


def test_what_a_run_writes_is_never_taken_for_data(folder, monkeypatch, capsys):
    """Stopped in the middle, in the folder of the pictures, it goes on with the same pictures."""
    monkeypatch.undo()
    monkeypatch.chdir(folder / "art")
    monkeypatch.setitem(RECIPES, "sprites", SPRITES._replace(batch_size=4, steps=50, n_features=8))
    train = ["train", "--data", ".", "--out", "mine.safetensors"]
    with monkeypatch.context() as patch:
        patch.setattr(run, "_write", stops)
        assert main(train) == 130
    assert Path("mine.progress.png").exists()
    assert main([*train, "--resume"]) == 0
    assert "left out: 1 picture" in capsys.readouterr().out
    assert main(["sample", "mine.safetensors", "--n", "2", "--steps", "2", "--each", "drawn"]) == 0
    with pytest.warns(UserWarning, match="left out"):
        assert len(load_sprites(".")[0]) == 6


def test_a_name_that_is_too_long_for_one_of_the_files_is_refused_before_the_training(folder, capsys):
    before = contents(folder)
    assert main([*TRAIN[:-1], f"{'n' * 243}.safetensors"]) == 2
    assert "file name too long" in capsys.readouterr().err
    assert contents(folder) == before


HOLD = """import sys
from pathlib import Path
from course_utils.storage.ownership import only_one
with only_one(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("name", [*COMMANDS, "judge"])
def test_a_second_process_is_told_and_does_no_harm(name, folder, capsys):
    """The lock is the system's, so a process that was killed leaves none behind."""
    judge = ["train", "--recipe", "judge", "--steps", "1", "--out", "it.safetensors"], ("it.safetensors",)
    command, (out, *_) = COMMANDS.get(name, judge)
    run = [sys.executable, "-c", HOLD, out]
    other = subprocess.Popen(run, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "held\n"
    before = contents(folder)
    told = pytest.raises(FileExistsError, match=f"another process is writing {out}: wait for it")
    with told, only_one(Path(out)):
        pass
    assert main(command) == 2
    assert f"another process is writing {out}: wait for it" in capsys.readouterr().err
    assert contents(folder) == before
    other.kill()
    other.wait()
    if name != "judge":  # which takes its time
        assert main(command) == 0
        assert not Path(f".{out}.lock").exists()


def test_what_another_process_finished_in_the_meantime_is_not_replaced(folder, monkeypatch, capsys):
    """The question whether a name is free is asked when nobody else can take it any more."""

    @contextmanager
    def waits(out):
        with only_one(out):
            out.write_text(mark("train", out))
            yield

    monkeypatch.setattr(run, "only_one", waits)
    assert main(TRAIN) == 2
    assert "it.safetensors is there, from an earlier run" in capsys.readouterr().err
    assert is_marked(Path("it.safetensors"))


def test_a_mark_is_plain_and_of_one_name(tmp_path):
    for name in ("hero", "hero-raw", "my hero", "龍", "a]b", os.fsdecode(b"caf\xe9"), "it.v2"):
        own = mark("train", tmp_path / f"{name}.safetensors")
        assert own.isascii()
        assert '"' not in own
        path = tmp_path / "file"
        path.write_bytes(b"before " + own.encode() + b" behind")
        assert is_marked(path, own)
        assert is_marked(path)
        assert not is_marked(path, mark("train", tmp_path / "her.safetensors"))
        assert not is_marked(path, mark("sample", tmp_path / f"{name}.safetensors"))
        require_free(own, [path], overwrite=True)
    path.write_bytes(b"[course_utils] is a package")
    assert not is_marked(path)
