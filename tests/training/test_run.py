"""The command that trains: killed, stopped, misused or shared, it makes the weights of one quiet run."""

import json
import multiprocessing
import os
import pickle
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from quick import draw_nothing
from safetensors.torch import load_file
from tqdm.auto import tqdm

from course_utils import cosine_schedule, linear_schedule, load_model
from course_utils.__main__ import main
from course_utils.training import loop, run
from course_utils.training.recipes import RECIPES, SPRITES

CHECKPOINTS = ("-early", "-middle", "")
SPAWN = multiprocessing.get_context("forkserver")  # new processes that need not import torch again
SPAWN.set_forkserver_preload([__name__, "torch._dynamo"])


def write_sprites(folder, n=40, side=4, classes=2):
    """Little sprites in the classic form: a .npy, and its labels beside it."""
    pixels = np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8)
    np.save(folder / "sprites_mine.npy", pixels)
    np.save(folder / "sprite_labels_mine.npy", np.eye(classes)[np.arange(n) % classes])


def make_quick(patch, keep_every=1e9):
    """Small batches and stand-ins for the pictures."""
    patch.setitem(RECIPES, "sprites", SPRITES._replace(batch_size=4))
    patch.setattr(run, "KEEP_EVERY", keep_every)
    draw_nothing(patch)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    make_quick(monkeypatch)
    monkeypatch.chdir(tmp_path)
    write_sprites(tmp_path)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts jobs that ignore it
    yield tmp_path
    signal.signal(signal.SIGINT, before)


def command(*more):
    given = {"--data": "sprites_mine.npy", "--steps": "50", "--n-features": "8", "--out": "it.safetensors"}
    given |= dict(zip(more[::2], more[1::2], strict=True))
    return ["train", *(word for pair in given.items() if pair[1] for word in pair)]


def weights(folder):
    return {suffix: (folder / f"it{suffix}.safetensors").read_bytes() for suffix in CHECKPOINTS}


def stderr_line(capsys):
    """The one line on stderr, without the bar."""
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line and "%|" not in line)
    return line


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The weights of a run that nothing happened to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        make_quick(patch)
        patch.chdir(folder)
        write_sprites(folder)
        assert main(command()) == 0
    assert {path.name for path in folder.iterdir() if path.name.startswith("it")} == {
        *(f"it{suffix}.safetensors" for suffix in CHECKPOINTS),
        "it.md",
        "it.png",
        "it-from-noise.png",
    }
    assert len(set(weights(folder).values())) == 3
    return weights(folder)


def elsewhere(folder, given):
    """What a new process does."""
    os.chdir(folder)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    make_quick(pytest.MonkeyPatch(), keep_every=0.05)
    tqdm.set_lock(threading.RLock())  # the usual one would be left behind
    sys.exit(main(given))


def test_killed_at_any_moment_it_goes_on_to_the_same_weights(undisturbed, tmp_path):
    write_sprites(tmp_path)
    state = tmp_path / "it.state.pt"

    def appears(name):
        return lambda: (tmp_path / name).exists()

    def written(times):
        seen = set()
        return lambda: state.exists() and (seen.add(state.stat().st_mtime_ns) or len(seen) > times)

    moments = [
        appears("it.progress.png"),
        *(written(random.randint(1, 6)) for _ in range(3)),
        appears("it.safetensors"),
        None,
    ]
    for moment in moments:
        resume = ["--resume"] if state.exists() else []
        process = SPAWN.Process(target=elsewhere, args=(tmp_path, [*command(), *resume]))
        process.start()
        while process.is_alive() and moment is not None and not moment():
            time.sleep(0.001)
        if moment is not None:
            time.sleep(random.uniform(0, 0.03))
            process.kill()
        process.join()
        assert process.exitcode in ((0,) if moment is None else (-signal.SIGKILL, 0))
        if (tmp_path / "it.md").exists() and not state.exists():  # the last kill may come too late
            break
    assert weights(tmp_path) == undisturbed
    assert not state.exists()
    left = [path.stem for path in tmp_path.glob("*.part")]  # of the writings that were killed, under names of their own
    assert all(re.fullmatch("[0-9a-f]{16}", stem) for stem in left)


def at_call(monkeypatch, number, act):
    """Do something in the middle of a step."""
    calls, draw = [], loop.draw_times_and_noise

    def spy(*given):
        calls.append(1)
        if len(calls) == number:
            act()
        return draw(*given)

    monkeypatch.setattr(loop, "draw_times_and_noise", spy)


def test_ctrl_c_lets_the_step_finish_and_keeps_it(undisturbed, folder, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        at_call(patch, 20, lambda: signal.raise_signal(signal.SIGINT))
        assert main(command()) == 130
    assert stderr_line(capsys) == "train: stopped; 20 of 50 steps are kept: add --resume to go on"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert torch.load("it.state.pt", weights_only=True)["training"]["step"] == 20
    assert main([*command(), "--resume"]) == 0
    assert weights(folder) == undisturbed


def test_a_second_ctrl_c_does_not_wait(undisturbed, folder, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        at_call(patch, 20, lambda: [signal.raise_signal(signal.SIGINT) for _ in range(2)])
        assert main(command()) == 130
    assert stderr_line(capsys) == "train: stopped; all but the last seconds are kept: add --resume to go on"
    assert torch.load("it.state.pt", weights_only=True)["training"]["step"] == 1
    assert main([*command(), "--resume"]) == 0
    assert weights(folder) == undisturbed


def test_a_full_disk_loses_nothing(undisturbed, folder, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(run, "KEEP_EVERY", 0.0)
        at_call(patch, 20, lambda: patch.setattr(os, "fsync", full))
        assert main(command()) == 2
    assert stderr_line(capsys) == "train: no space left on device"
    assert torch.load("it.state.pt", weights_only=True)["training"]["step"] == 19
    assert main([*command(), "--resume"]) == 0
    assert weights(folder) == undisturbed


def full(*_):
    raise OSError(28, "No space left on device")


@pytest.fixture
def stopped(folder, monkeypatch, capsys):
    """A run that was stopped after its third step."""
    with monkeypatch.context() as patch:
        at_call(patch, 3, lambda: signal.raise_signal(signal.SIGINT))
        assert main(command()) == 130
    capsys.readouterr()
    return folder


def test_only_the_same_run_goes_on(stopped, capsys):
    before = {path: path.read_bytes() for path in stopped.iterdir()}
    for changed, message in {
        ("--seed", "1"): "seed 0, not 1",
        ("--n-features", "16"): "n_features 8, not 16",
        ("--steps", "60"): "steps 50, not 60",
        ("--schedule", "linear"): "schedule cosine, not linear",
        ("--minutes", "1"): "minutes None, not 1.0",
        ("--data", ""): "classes ['0', '1'], not ['hero', 'non-hero', 'food', 'spell', 'side-facing']",
    }.items():
        assert main([*command(*changed), "--resume"]) == 2
        end = "ask for the same, or delete it to start anew"
        assert stderr_line(capsys) == f"train: it.state.pt is of a run with {message}: {end}"
    assert main(command()) == 2
    assert "it.state.pt is of a run that was stopped: add --resume, or delete it to start anew" in stderr_line(capsys)
    write_sprites(stopped, n=41)
    assert main([*command(), "--resume"]) == 2
    assert "other sprites" in stderr_line(capsys)
    write_sprites(stopped, classes=3)
    assert main([*command(), "--resume"]) == 2
    assert "is of a run with classes ['0', '1'], not ['0', '1', '2']" in stderr_line(capsys)
    write_sprites(stopped)
    assert {path: path.read_bytes() for path in stopped.iterdir()} == before


def test_a_changed_recipe_goes_on_with_no_old_run(stopped, monkeypatch, capsys):
    monkeypatch.setitem(RECIPES, "sprites", SPRITES._replace(batch_size=4, learning_rate=1.0))
    assert main([*command(), "--resume"]) == 2
    assert "is of a run with learning_rate 0.003, not 1.0" in stderr_line(capsys)


class Trap:
    def __reduce__(self):
        return (os.mkdir, ("sprung",))


def test_a_damaged_state_is_named_and_never_run(stopped, capsys):
    state = stopped / "it.state.pt"
    whole = state.read_bytes()
    bias = torch.load(state, weights_only=True)["training"]["model"]["network.stem.bias"].numpy().tobytes()
    flipped = bytearray(whole)
    flipped[whole.index(bias) + 2] ^= 1
    for damaged in (b"", b"hello", whole[:-1000], bytes(flipped), pickle.dumps(Trap()), pickle.dumps({"recipe": 1})):
        state.write_bytes(damaged)
        assert main([*command(), "--resume"]) == 2
        assert stderr_line(capsys) == (
            "train: cannot read it.state.pt, which is damaged or is no state of a run: move it away to start anew"
        )
    assert not Path("sprung").exists()


def test_minutes_end_when_they_are_over_whatever_the_pace(folder, monkeypatch):
    """The plan is made again before each step: on a machine that becomes slower there are fewer steps."""
    for slower, least, most in ((1, 95, 125), (4, 65, 85)):
        now = [0.0]

        def step(now=now, slower=slower):
            now[0] += 0.1 * (slower if now[0] > 6 else 1)

        with monkeypatch.context() as patch:
            patch.setattr(run.time, "monotonic", lambda now=now: now[0])
            draw = loop.draw_times_and_noise
            patch.setattr(loop, "draw_times_and_noise", lambda *given, step=step, draw=draw: step() or draw(*given))
            given = command("--steps", "5000", "--minutes", "0.18", "--out", f"it{slower}.safetensors")
            assert main(given) == 0
        assert now[0] == pytest.approx(0.18 * 60, abs=0.9)
        card = Path(f"it{slower}.md").read_text(encoding="utf-8")
        assert "--minutes 0.18" in card
        steps = int(re.search(r"training \| ([\d,]+) steps", card)[1].replace(",", ""))
        assert least <= steps <= most


def test_a_run_of_some_minutes_goes_on_with_the_time_that_is_left(folder, monkeypatch):
    with monkeypatch.context() as patch:
        at_call(patch, 20, lambda: signal.raise_signal(signal.SIGINT))
        assert main(command("--steps", "", "--minutes", "0.001")) == 130
    assert main([*command("--steps", "", "--minutes", "0.001"), "--resume"]) == 0
    assert "| training | 50 steps of 4 sprites in " in Path("it.md").read_text(encoding="utf-8")  # at least 50


def test_sprites_without_classes(folder, monkeypatch):
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    monkeypatch.setitem(RECIPES, "sprites", SPRITES._replace(batch_size=8))
    sheet = np.random.default_rng(0).integers(0, 256, (24, 48, 3), dtype=np.uint8)
    Image.fromarray(sheet).save("sheet.png")
    assert main([*command("--data", "sheet.png", "--cell", "12")]) == 0
    model, _ = load_model("it.safetensors")
    assert model.network.arguments == {"in_channels": 3, "n_features": 8, "n_context": 1, "out_channels": 3}
    card = Path("it.md").read_text(encoding="utf-8")
    assert "draws 12×12 sprites" in card
    assert "Nothing can be asked for" in card
    assert "--data sheet.png --cell 12" in card
    assert "| data | 8 pictures of 12×12 |" in card
    assert "python -m course_utils sample it.safetensors --n 8" in card
    assert "--classes" not in card
    for word in ("hero", "class", "CC0", "sprites.npz", "held", "load_pretrained"):
        assert word not in card
    assert {Image.open(name).format for name in ("it.png", "it-from-noise.png")} == {"PNG"}
    assert not Path("it.progress.png").exists()


def test_classes_without_names_are_numbered(folder):
    assert main(command()) == 0
    card = Path("it.md").read_text(encoding="utf-8")
    assert "It can be asked for 0, 1." in card
    for word in ("hero", "CC0", "sprites.npz", "held", "load_pretrained"):
        assert word not in card
    model, schedule = load_model("it.safetensors")
    assert (model.classes, model.shape, model.network.arguments["n_context"]) == (("0", "1"), (3, 4, 4), 2)
    assert torch.equal(schedule.beta, cosine_schedule(500).beta)


def test_the_picture_shows_the_training(folder, monkeypatch):
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    monkeypatch.setitem(RECIPES, "sprites", SPRITES._replace(batch_size=4))
    monkeypatch.setattr(run, "KEEP_EVERY", 0.0)
    seen, write = [], run.write_own

    def spy(path, data, own):
        write(path, data, own)
        if path.name == "it.progress.png":
            seen.append(Image.open(path).convert("RGB").tobytes())

    monkeypatch.setattr(run, "write_own", spy)
    at_call(monkeypatch, 3, lambda: signal.raise_signal(signal.SIGINT))
    assert main(command()) == 130
    assert len(set(seen)) == len(seen) == 3


def test_the_state_is_written_now_and_then(folder, monkeypatch):
    monkeypatch.setattr(run, "KEEP_EVERY", 0.2)
    times, write = [], run.write_state
    monkeypatch.setattr(run, "write_state", lambda *given: times.append(time.monotonic()) or write(*given))
    assert main(command()) == 0
    assert len(times) >= 3
    assert min(np.diff(times[:-1])) >= 0.2  # the last one is written at the end, whenever that is


def test_the_schedule_is_the_one_that_was_asked_for(folder):
    assert main(command("--schedule", "linear")) == 0
    assert torch.equal(load_model("it.safetensors")[1].beta, linear_schedule(500).beta)
    assert "`linear_schedule(500)`" in Path("it.md").read_text(encoding="utf-8")


def test_the_command_says_in_one_line_what_is_wrong(folder, monkeypatch, capsys):
    Path("empty").mkdir()
    Path("folder.safetensors").mkdir()
    odd = np.zeros((4, 8, 10, 3), dtype=np.uint8)
    np.save("sprites_odd.npy", odd)
    np.save("sprite_labels_odd.npy", np.ones((4, 1)))
    np.save("sprites_nan.npy", np.zeros((4, 8, 8, 3), dtype=np.uint8))
    np.save("sprite_labels_nan.npy", np.full((4, 1), np.nan))
    before = sorted(folder.iterdir())
    for changed, message in {
        ("--data", "nowhere.npy"): "no file or folder at this path: nowhere.npy",
        ("--data", "empty"): "no pictures in empty",
        ("--data", "sprites_odd.npy"): "height and width of a sprite must be divisible by 4, got 8×10",
        ("--data", "sprites_nan.npy"): "sprite_labels_nan.npy must be one-hot rows, whole numbers or words, got nan",
        ("--cell", "8"): "cell is for one picture that is a sheet, and sprites_mine.npy is a .npy file",
        ("--data", "", "--cell", "8"): "--cell says how --data is to be read: give --data, too",
        ("--seed", str(2**64)): f"seed must be a whole number from 0 to {2**64 - 1}, got {2**64}",
        ("--steps", "", "--minutes", "0"): "minutes must be a positive number, got 0.0",
        ("--steps", "", "--minutes", "nan"): "minutes must be a positive number, got nan",
        ("--n-features", "12"): "n_features must be a multiple of 8, got 12",
        ("--out", "folder.safetensors"): "out must be a file, and folder.safetensors is a folder",
    }.items():
        assert main(command(*changed)) == 2
        assert stderr_line(capsys) == f"train: {message}"
    assert main([*command(), "--resume"]) == 2
    assert stderr_line(capsys) == (
        "train: no it.state.pt, so there is nothing to go on with: leave out --resume to start anew"
    )
    assert sorted(folder.iterdir()) == before
    monkeypatch.setattr(os, "fsync", full)
    assert main(command()) == 2
    assert stderr_line(capsys) == "train: no space left on device"
    assert sorted(folder.iterdir()) == before


def test_names_that_are_no_utf8_survive_a_training_on_any_console(folder):
    odd = os.fsdecode(b"caf\xe9")
    for name in (odd, "龍"):
        Path(odd, name).mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (4, 4), (40 * i, 0, 0)).save(Path(odd, name, f"{i}.png"))
    given = ["train", "--data", odd, "--steps", "50", "--n-features", "8", "--out", f"{odd}.safetensors"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-m", "course_utils", *given], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"6 pictures of 4\\xd74 in 2 classes: caf\\xe9 3, \\u9f8d 3" in done.stdout
    assert b"to draw with it:" in done.stdout
    model, _ = load_model(f"{odd}.safetensors")
    assert model.classes == (r"caf\xe9", "龍")
    assert r"It can be asked for caf\xe9, 龍" in Path(f"{odd}.md").read_text(encoding="utf-8")


def test_too_little_memory_is_a_sentence_and_other_errors_are_not_hidden(folder, monkeypatch, capsys):
    def lacks(*_, **__):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory")

    def fails(*_, **__):
        raise RuntimeError("something else")

    monkeypatch.setattr(run, "train", lacks)
    assert main(command()) == 2
    assert stderr_line(capsys) == "train: not enough memory: fewer or smaller pictures help"
    monkeypatch.setattr(run, "train", fails)
    with pytest.raises(RuntimeError, match="something else"):
        main(command())


def test_one_process_is_none_too_few(folder, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "")
    assert main(command()) == 0


def test_several_processes_need_accelerate(folder, monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    assert main(command()) == 2
    assert stderr_line(capsys) == "train: several processes need Accelerate: pip install accelerate"


SHARED = """
import sys
from test_run import make_quick, train_aloud
import pytest
sys.exit(train_aloud(pytest.MonkeyPatch(), sys.argv[1:]))
"""


def train_aloud(patch, given):
    """The command, which writes its losses into a file named for the process."""
    make_quick(patch)
    patch.setitem(RECIPES, "sprites", SPRITES._replace(batch_size=8))
    patch.setattr(loop, "has_bfloat16", lambda device: False)  # which rounds more than what is compared
    losses, train = [], run.train

    def spy(*given, **named):
        for progress in train(*given, **named):
            losses.append(progress.loss)
            yield progress

    patch.setattr(run, "train", spy)
    code = main(given)
    Path("losses" + os.environ.get("RANK", "")).write_text(json.dumps(losses))
    return code


def test_two_processes_train_as_one(folder, monkeypatch):
    write_sprites(folder, side=8)
    with monkeypatch.context() as patch:
        assert train_aloud(patch, command("--out", "alone.safetensors")) == 0
    alone = load_file("alone.safetensors")
    Path("shared.py").write_text(SHARED)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    launch = ["accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--main_process_port", port]
    done = subprocess.run(
        [sys.executable, "-m", *launch, "shared.py", *command()],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("50 steps in") == 1
    assert "on 2 processes" in Path("it.md").read_text(encoding="utf-8")
    losses, first, second = (json.loads(Path(name).read_text()) for name in ("losses", "losses0", "losses1"))
    assert len(losses) == 50
    assert first == second == pytest.approx(losses, rel=1e-3)
    assert first[0] == pytest.approx(losses[0], rel=1e-6)  # before the optimiser makes more of the rounding
    shared = load_file("it.safetensors")
    apart = torch.cat([(shared[name].double() - alone[name].double()).flatten() for name in alone])
    assert apart.norm() < 0.01 * torch.cat([tensor.double().flatten() for tensor in alone.values()]).norm()
