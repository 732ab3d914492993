"""Damaged files are refused in one line, never run, never a silent wrong picture; a write that fails loses nothing."""

import io
import json
import multiprocessing
import os
import pickle
import re
import resource
import shutil
import signal
import sys
import zipfile
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from quick import draw_nothing
from running import ROOT

from course_utils import (
    ContextUnet,
    FromV,
    NoiseSchedule,
    cosine_schedule,
    load_ablations,
    load_classifier,
    load_model,
    load_pretrained,
    load_sprites,
    load_table,
    save_model,
    sprite_words,
)
from course_utils.__main__ import main
from course_utils.diffusion.models import TrainedModel
from course_utils.quality import evaluation
from course_utils.quality.classifier import SpriteClassifier
from course_utils.quality.metrics import Quality
from course_utils.sprites import dataset, write_sprites
from course_utils.storage import shipped
from course_utils.storage.checkpoints import read_network, write_network
from course_utils.storage.files import write_whole
from course_utils.storage.tables import read_rows
from course_utils.training import cards, run, samples
from course_utils.training.state import read_state, write_state

SCHEDULE = cosine_schedule(50)


def same(a, b):
    """Whether a reader gave twice the same, to the last bit."""
    if isinstance(a, torch.nn.Module):
        return type(a) is type(b) and same(a.state_dict(), b.state_dict())
    if isinstance(a, NoiseSchedule):
        return same(a.beta, b.beta)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, torch.Tensor | np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and bool((a == b).all())
    return a == b


def refuses(read, *words):
    with pytest.raises(ValueError) as refusal:  # noqa: PT011
        read()
    assert all(word in str(refusal.value) for word in words), refusal.value
    assert "\n" not in str(refusal.value)


def refuses_every_truncation(path, read):
    whole = path.read_bytes()
    for percent in reversed(range(100)):
        os.truncate(path, len(whole) * percent // 100)
        refuses(read, path.name)
    path.write_bytes(whole)


def refusals_of_flips(path, read, places):
    """How many flipped bits are refused, of one in each of these places; the others must change nothing."""
    good, whole, refused = read(), path.read_bytes(), 0
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        try:
            assert same(read(), good), f"bit {place % 8} of byte {place}"
        except ValueError as error:
            assert path.name in str(error)  # noqa: PT017
            refused += 1
    path.write_bytes(whole)
    return refused


# What comes with the course


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Data and weights of one's own, in a folder that has a space and Chinese characters in its name."""
    root = tmp_path / "my 扩散 course"
    for folder in ("data", "weights"):
        shutil.copytree(ROOT / folder, root / folder)
    monkeypatch.setattr(shipped, "__file__", str(root / "course_utils" / "storage" / "shipped.py"))
    return root


CHECKPOINTS = ["sprites", "sprites-early", "sprites-middle"]
SHIPPED = {
    "data/sprites.npz": load_sprites,
    "weights/judge.safetensors": load_classifier,
    **{f"weights/{name}.safetensors": partial(load_pretrained, name) for name in CHECKPOINTS},
}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_file_is_the_one_that_its_card_describes(name, checkout):
    path, read = checkout / name, SHIPPED[name]
    refuses_every_truncation(path, read)
    places = np.random.default_rng(0).integers(0, path.stat().st_size, 24).tolist()
    assert refusals_of_flips(path, read, [0, 9, path.stat().st_size - 1, *places]) == 27
    path.write_bytes(b"")
    refuses(read, f"{path} is damaged", f"git checkout -- {path.parent.name}")


def test_what_is_whole_but_another_file_is_refused(checkout):
    weights = checkout / "weights"
    shutil.copy(weights / "sprites-middle.safetensors", weights / "sprites.safetensors")
    refuses(load_pretrained, "not what the card beside it describes")
    load_pretrained("sprites-middle")
    write_sprites(checkout / "elsewhere.npz", 10, 5, 0)
    shutil.copy(checkout / "elsewhere.npz", checkout / "data" / "sprites.npz")
    refuses(load_sprites, "not what the card beside it describes")
    refuses(sprite_words)
    assert len(load_sprites(checkout / "data" / "sprites.npz")[0]) == 10  # where one asks for this very file


def test_a_card_may_have_other_line_ends_and_must_be_there(checkout):
    card = checkout / "weights" / "judge.md"
    text = card.read_bytes()
    card.write_bytes(text.replace(b"\n", b"\r\n"))
    load_classifier()
    card.write_bytes(re.sub(rb"\| `[0-9a-f]{6}", b"| `85fdd\xff", text))
    refuses(load_classifier, "judge.safetensors")
    card.unlink()
    refuses(load_classifier, "judge.safetensors")


def test_between_new_data_and_its_card_the_data_is_refused_until_the_command_has_run_again(checkout, monkeypatch):
    out, write = checkout / "data" / "sprites.npz", dataset.write_own
    again = ["draw-sprites", "--n", "20", "--n-test", "5", "--overwrite", "--out", str(out)]

    def stops(path, data, own):
        if path.suffix == ".md":
            raise KeyboardInterrupt
        write(path, data, own)

    with monkeypatch.context() as patch:
        patch.setattr(dataset, "write_own", stops)
        assert main(again) == 130
    refuses(load_sprites, "repeat the command that was writing them")
    assert main(again) == 0
    assert len(load_sprites()[0]) == 20


def test_between_new_weights_and_their_card_they_are_refused_until_the_run_goes_on(checkout, monkeypatch):
    np.save(checkout / "sprites_4.npy", np.zeros((4, 4, 4, 3), dtype=np.uint8))
    np.save(checkout / "sprite_labels_4.npy", np.eye(4))
    draw_nothing(monkeypatch)
    train = ["train", "--data", str(checkout / "sprites_4.npy"), "--steps", "50", "--n-features", "8", "--overwrite"]
    train += ["--out", str(checkout / "weights" / "sprites.safetensors")]

    def stops(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run, "write_card", stops)
        assert main(train) == 130
    for name in CHECKPOINTS:
        refuses(partial(load_pretrained, name), "repeat the command that was writing them")
    load_classifier()
    assert main([*train, "--resume"]) == 0
    for name in CHECKPOINTS:
        assert load_pretrained(name)[0].network.arguments["n_features"] == 8


TABLES = {
    "ablations": load_ablations,
    "absolute": lambda: read_rows("absolute"),
    "guidance": lambda: load_table("guidance", "guidance_scale", "recall"),
    "learning": lambda: read_rows("learning"),
    "no_time": lambda: read_rows("no_time"),
    "steps": lambda: load_table("steps", "steps", "recall", sampler="DDIM"),
    "wishes": lambda: read_rows("wishes"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_damaged_table_is_refused(name, checkout):
    path, read = checkout / "data" / f"{name}.csv", TABLES[name]
    whole, good = path.read_bytes(), read()
    path.write_bytes(whole.replace(b"\n", b"\r\n"))  # as git writes it on Windows
    assert same(str(read()), str(good))
    path.write_bytes(whole)
    refuses_every_truncation(path, read)
    places = np.random.default_rng(0).integers(0, len(whole), 100).tolist()
    assert refusals_of_flips(path, read, places) == 100


# What people make themselves


def a_network(seed=0, **arguments):
    torch.manual_seed(seed)
    return ContextUnet(n_features=8, **arguments)


def make_model(folder):
    path = folder / "it.safetensors"
    save_model(path, FromV(a_network(), SCHEDULE), SCHEDULE, {"note": "hello"})
    return path, partial(load_model, path, ContextUnet)


def make_judge(folder):
    path = folder / "judge.safetensors"
    torch.manual_seed(0)
    write_network(path, SpriteClassifier(["cat", "dog"], [0, 1]), {}, {})
    return path, partial(read_network, path, SpriteClassifier)


def make_data(folder):
    path = folder / "data.npz"
    write_sprites(path, 12, 4, 0)
    return path, lambda: [load_sprites(path), {name: words.tolist() for name, words in sprite_words(path).items()}]


def make_sheet(folder):
    path = folder / "sheet.png"
    pixels = np.random.default_rng(0).integers(0, 256, (16, 48, 3), dtype=np.uint8)
    pixels[:8] = 255
    Image.fromarray(pixels).save(path, dpi=(72, 72))
    return path, lambda: load_sprites(path, cell=16)


def make_folder(folder):
    make_sheet(folder)
    (folder / "sheet.png").rename(folder / "one.png")
    return folder / "one.png", lambda: load_sprites(folder)


def make_state(folder):
    path, expected = folder / "it.state.pt", {"seed": 0}
    state = {
        "written_by": "[course_utils train it]",
        "recipe": expected,
        "losses": [0.5, 0.25],
        "seconds": 1.5,
        "training": a_network().state_dict(),
        "kept": {},
    }
    write_state(path, state)
    return path, lambda: read_state(path, expected)


MADE = {
    # what makes a file; how many bytes at its beginning and its end say what is in it; the share of flips to be refused
    "a model": (make_model, 8000, 0, 0.99),
    "a judge": (make_judge, 4000, 0, 0.99),
    "data": (make_data, 100, 1000, 0.7),
    "a sheet": (make_sheet, 60, 30, 0.8),
    "a folder": (make_folder, 60, 30, 0.8),
    "a state": (make_state, 100, 3000, 0.5),
}


@pytest.mark.parametrize("kind", MADE)
def test_a_truncated_file_is_refused(kind, tmp_path):
    refuses_every_truncation(*MADE[kind][0](tmp_path))


@pytest.mark.parametrize("kind", MADE)
def test_flipped_bits_are_refused_or_change_nothing(kind, tmp_path):
    make, head, tail, share = MADE[kind]
    path, read = make(tmp_path)
    rng, size = np.random.default_rng(0), path.stat().st_size
    places = [
        *rng.integers(0, min(head, size), 100),
        *rng.integers(0, size, 60),
        *size - 1 - rng.integers(0, tail + 1, 60),
    ]
    assert refusals_of_flips(path, read, map(int, places)) >= share * len(places)


def change(tensors=(), words=(), drop=(), keep_sum=False):
    """The file of a small network with other tensors or words in it, with or without the checksum of what it was."""

    def write(folder):
        path, read = make_model(folder)
        with safetensors.safe_open(path, framework="pt") as file:
            kept = {name: file.get_tensor(name) for name in file.keys()} | dict(tensors)  # noqa: SIM118
            told = file.metadata() | dict(words)
        for name in drop if keep_sum else ("sha256", *drop):
            kept.pop(name, None)
            told.pop(name, None)
        path.write_bytes(safetensors.torch.save(kept, told))
        return read

    return write


def raw(header, length=None):
    """A safetensors file with this header."""

    def write(folder):
        path, read = make_model(folder)
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        path.write_bytes((length or len(text)).to_bytes(8, "little") + text)
        return read

    return write


BIAS = torch.zeros(8, dtype=torch.float16)
BETA = SCHEDULE.beta[1:]
ARGUMENTS = {"in_channels": 3, "n_features": 8, "n_context": 5}
WRONG = {
    "a tensor is missing": change(drop=["stem.bias"]),
    "a tensor too many": change({"more": BIAS}),
    "another shape": change({"stem.bias": BIAS[:4]}),
    "a shape that could be spread": change({"stem.bias": BIAS[:1]}),
    "integers": change({"stem.bias": BIAS.to(torch.int16)}),
    "truth values": change({"stem.bias": BIAS.bool()}),
    "NaN": change({"stem.bias": BIAS.log() * 0}),
    "infinity": change({"stem.bias": BIAS.log()}),
    "no schedule": change(drop=["schedule.beta"]),
    "beta of 1": change({"schedule.beta": BETA + 1}),
    "beta of 0": change({"schedule.beta": BETA * 0}),
    "beta is NaN": change({"schedule.beta": BETA * torch.nan}),
    "beta in a square": change({"schedule.beta": BETA.view(2, 25)}),
    "beta in integers": change({"schedule.beta": BETA.long()}),
    "no beta at all": change({"schedule.beta": BETA[:0]}),
    "it predicts something else": change(words={"predicts": "x1"}),
    "it predicts nothing": change(drop=["predicts"]),
    "no arguments": change(drop=["arguments"]),
    "arguments that are no JSON": change(words={"arguments": "{"}),
    "arguments in a list": change(words={"arguments": "[3, 8, 5]"}),
    "arguments of another network": change(words={"arguments": json.dumps(ARGUMENTS | {"depth": 3})}),
    "a larger network": change(words={"arguments": json.dumps(ARGUMENTS | {"n_features": 16})}),
    "a network of no size": change(words={"arguments": json.dumps(ARGUMENTS | {"n_context": -1})}),
    "a network beyond all memory": change(words={"arguments": json.dumps(ARGUMENTS | {"n_features": 8 * 10**9})}),
    "a word was changed": change(words={"predicts": "x0"}, keep_sum=True),
    "a number was changed": change({"stem.bias": BIAS + 1}, keep_sum=True),
    "a header that is no JSON": raw(b"{"),
    "a header of something else": raw([]),
    "a tensor beyond the end": raw({"stem.bias": {"dtype": "F16", "shape": [8], "data_offsets": [0, 16]}}),
    "a tensor beyond all memory": raw({"x": {"dtype": "F16", "shape": [2**40], "data_offsets": [0, 2**41]}}),
    "a header beyond all memory": raw(b"{}", length=2**62),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_tensors_and_words_are_refused(kind, tmp_path):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refuses(WRONG[kind](tmp_path), "cannot read", "it.safetensors, which is damaged or holds another network")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


def test_what_the_checksum_is_of(tmp_path):
    path, read = make_model(tmp_path)
    good = read()
    change()(tmp_path)
    assert b"sha256" not in path.read_bytes()
    assert same(read(), good)  # as files were before they had one
    with pytest.raises(ValueError, match="about must not hold 'sha256'"):
        save_model(path, a_network(), SCHEDULE, {"sha256": "0" * 64})


def test_a_model_is_saved_with_its_own_schedule_only(tmp_path):
    with pytest.raises(ValueError, match="schedule must be that of the model, whose FromV computes with another"):
        save_model(tmp_path / "it.safetensors", FromV(a_network(), SCHEDULE), cosine_schedule(49))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(10**9, 16, 16, 3), (10**6, 64, 64, 3), (2**40, 2**40, 3, 3), (-1, 4, 4, 3)])
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_a_header_that_promises_too_much_takes_no_memory(shape, suffix, tmp_path):
    text, array = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(text, {"descr": "|u1", "fortran_order": False, "shape": shape})
    np.save(array, np.array(["train"]))
    path = tmp_path / f"sprites_1{suffix}"
    if suffix == ".npy":
        path.write_bytes(text.getvalue() + b"x" * 999)
        np.save(tmp_path / "sprite_labels_1.npy", np.eye(5))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
            archive.writestr("images.npy", text.getvalue() + b"x" * 999)
            archive.writestr("contexts.npy", text.getvalue() + b"x" * 999)
            archive.writestr("split.npy", array.getvalue())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refuses(partial(load_sprites, path), path.name)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


class Trap:
    def __reduce__(self):
        return (os.mkdir, ("sprung",))


def trapped_array(path):
    np.save(path, np.array([Trap()], dtype=object), allow_pickle=True)
    return path.read_bytes()


def trapped_archive(path):
    images, contexts, split = np.zeros((1, 4, 4, 3), dtype=np.uint8), np.eye(1), np.array(["train"])
    np.savez(path, images=images, contexts=contexts, split=split, kind=np.array([Trap()], dtype=object))
    return path.read_bytes()


def trapped_state(path):
    state = {"written_by": "", "recipe": {"seed": 0}, "losses": [], "seconds": 0.0, "kept": {}}
    torch.save({**state, "training": Trap()}, path)
    return path.read_bytes()


TRAPS = {
    "a pickle": lambda _: pickle.dumps(Trap()),
    "an array": trapped_array,
    "an archive": trapped_archive,
    "a state": trapped_state,
}


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("kind", MADE)
def test_no_code_in_a_file_is_run(kind, trap, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, read = MADE[kind][0](tmp_path)
    other = tmp_path / "trap.npz" if trap == "an archive" else tmp_path / "trap.npy"
    path.write_bytes(TRAPS[trap](other))
    refuses(read, path.name)
    other.write_bytes(path.read_bytes())
    refuses(partial(load_sprites, other, **{"labels": other} if other.suffix == ".npy" else {}), other.name)
    assert not Path("sprung").exists()


def test_the_traps_are_real(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for content, load in {
        TRAPS["a pickle"](None): pickle.load,
        trapped_array(tmp_path / "a.npy"): partial(np.load, allow_pickle=True),
        trapped_archive(tmp_path / "a.npz"): lambda file: np.load(file, allow_pickle=True)["kind"],
        trapped_state(tmp_path / "a.pt"): partial(torch.load, weights_only=False),
    }.items():
        load(io.BytesIO(content))
        Path("sprung").rmdir()


@pytest.mark.parametrize(
    "part",
    ["written_by", "recipe", "losses", "seconds", "training", "kept", "model", "averaged", "optimizer", "random"],
)
def test_a_state_that_lacks_a_part_is_refused(part, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.save("sprites_4.npy", np.zeros((4, 4, 4, 3), dtype=np.uint8))
    np.save("sprite_labels_4.npy", np.eye(4))
    draw_nothing(monkeypatch)
    monkeypatch.setattr(
        run, "progress_picture", lambda *given: signal.raise_signal(signal.SIGINT) or given[-1].encode()
    )
    train = ["train", "--data", "sprites_4.npy", "--steps", "50", "--n-features", "8", "--out", "it.safetensors"]
    assert main(train) == 130
    state = torch.load("it.state.pt", weights_only=True)
    holder = state if part in state else state["training"]
    if part == "model":
        holder[part]["network.stem.bias"] = torch.zeros(3)
    else:
        del holder[part]
    torch.save(state, "it.state.pt")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    capsys.readouterr()
    assert main([*train, "--resume"]) == 2
    said = capsys.readouterr().err
    assert "cannot read it.state.pt, which is damaged" in said or "state must be what Progress.state() returned" in said
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


# Writing


def write_model(folder, seed):
    save_model(folder / "it.safetensors", a_network(seed), SCHEDULE)


def write_data(folder, seed):
    write_sprites(folder / "it.npz", 3, 2, seed, overwrite=True)


def write_classifier(folder, seed):
    evaluation.write_classifier(folder / "judge.safetensors", 1, 1, 1.0, seed, overwrite=True)


def write_training(folder, seed):
    """All that a run of training writes."""
    out = folder / "it.safetensors"
    write_state(out.with_suffix(".state.pt"), {"written_by": "", "weights": torch.full((3000,), float(seed))})
    save_model(out, a_network(seed), SCHEDULE)
    model = TrainedModel(a_network(seed, n_context=2), ["a", "b"], (3, 4, 4))
    drawing = {"n": 2, "steps": 2, "guidance_scale": 1, "sampler": "ddim", "seed": seed}
    samples.write_samples(
        model, SCHEDULE, ["a"], drawing, out.with_suffix(".png"), folder, out.with_suffix(".webp"), overwrite=True
    )
    cards.write_card(out, model, {"seed": str(seed)}, "", {"": "the end"}, "")


WRITERS = {"a model": write_model, "data": write_data, "a judge": write_classifier, "training": write_training}


def make_quick():
    """Stand-ins for what takes long and writes nothing."""
    torch.set_num_threads(1)  # so that there is no other thread when this process forks
    samples.show_images = lambda x, **_: SimpleNamespace(png=lambda own: x.numpy().tobytes() + own.encode())
    dataset.contact_sheet = lambda images, _: SimpleNamespace(png=lambda own: images.tobytes() + own.encode())
    evaluation.load_sprites = lambda **_: (None, None)
    evaluation.sprite_words = lambda: {"kind": None}
    evaluation.train_classifier = lambda *_, **__: SpriteClassifier(["cat", "dog"], [0, 1])
    evaluation.floor = lambda _, seed: Quality(*map(float, range(seed, seed + 6)))
    evaluation._spoiled_distances = lambda judge: {"nothing": judge.head.bias.sum().item()}


def in_a_fork(act):
    """What becomes of a process that does something: its exit code, or minus the number of the signal that ended it."""
    if (child := os.fork()) == 0:
        try:
            act()
        except OSError:
            os._exit(3)
        except BaseException:
            os._exit(4)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def before_each_step(act):
    """Call a function before a file is opened for writing, flushed to the disk, renamed or removed."""

    def hook(event, given):
        if event in ("os.rename", "os.remove") or (event == "open" and set(str(given[1])) & set("wax+")):
            act()

    fsync = os.fsync
    os.fsync = lambda number: (act(), fsync(number))
    sys.addaudithook(hook)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def kept(folder):
    """All but what a writing that was killed has left behind under a name of its own."""
    return {name: content for name, content in contents(folder).items() if not re.fullmatch("[0-9a-f]{16}.part", name)}


def try_everything(tell, root):
    """In a process of its own: what each writer leaves behind when it is killed at each step, or the disk is full."""
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    make_quick()
    for name, write in WRITERS.items():
        tell.send((name, *try_one(root / name, write)))
    tell.send(None)


def try_one(folder, write):
    folder.mkdir()
    write(folder, 1)
    new = contents(folder)
    write(folder, 0)
    old = contents(folder)

    def left_by(act):
        """How a process ends that writes new files over old ones, what each is then, and what else there is."""
        shutil.rmtree(folder)
        folder.mkdir()
        for file, content in old.items():
            (folder / file).write_bytes(content)
        code, left = in_a_fork(act), contents(folder)
        found = {file: "old" * (left.get(file) == old[file]) or "new" * (left.get(file) == new[file]) for file in old}
        others = left.keys() - old.keys()
        undisturbed = not others or (in_a_fork(partial(write, folder, 1)) == 0 and kept(folder) == new)
        return code, [found[file] for file in old], len(others), undisturbed

    def killed(step):
        steps = count()
        before_each_step(lambda: next(steps) == step and os.kill(os.getpid(), signal.SIGKILL))
        write(folder, 1)

    def limited(size, disposition):
        signal.signal(signal.SIGXFSZ, disposition)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        write(folder, 1)

    kills = [left_by(partial(killed, 0))]
    while kills[-1][0] != 0:
        kills.append(left_by(partial(killed, len(kills))))
    sizes = sorted({0, *(len(content) - 1 for content in new.values())})
    cut = [left_by(partial(limited, size, signal.SIG_DFL)) for size in sizes]
    full = [left_by(partial(limited, size, signal.SIG_IGN)) for size in sizes]
    return kills, cut, full


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory):
    hear, tell = multiprocessing.Pipe(duplex=False)
    arguments = (tell, tmp_path_factory.mktemp("writes"))
    process = multiprocessing.get_context("spawn").Process(target=try_everything, args=arguments)
    process.start()
    tell.close()
    found = {name: rest for name, *rest in iter(hear.recv, None)}
    process.join()
    return found


@pytest.mark.parametrize("name", WRITERS)
def test_a_kill_at_any_step_leaves_old_or_new_files_whole(name, left_behind):
    kills, cut, _ = left_behind[name]
    n_files = len(kills[0][1])
    assert len(kills) > 4 * n_files  # each is opened, flushed and renamed, and what is left of it removed
    assert {code for code, *_ in kills[:-1]} == {-signal.SIGKILL}
    assert {code for code, *_ in cut} == {-signal.SIGXFSZ}  # the kernel kills in the middle of a file
    for _, found, _, undisturbed in kills + cut:
        assert set(found) <= {"old", "new"}
        assert undisturbed
    assert kills[0][1] == ["old"] * n_files
    assert kills[-1][1] == ["new"] * n_files
    assert any(others for _, _, others, _ in kills)


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_the_old_files_whole_and_nothing_else(name, left_behind):
    _, _, full = left_behind[name]
    for code, found, others, _ in full:
        assert code == 3  # an OSError
        assert set(found) <= {"old", "new"}
        assert others == 0
    assert set(full[0][1]) == {"old"}


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *given, name=name, real=real: calls.append(name) or real(*given))
    write_whole(tmp_path / "it", b"hello")
    assert calls == ["fsync", "replace"]
