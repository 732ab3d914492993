"""Loading sprites: the course's own, the classic pair, a folder, a sheet; and what is said when something is wrong."""

import io
import pickle
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import load_sprites, sprite_words
from course_utils.__main__ import main
from course_utils.sprites import draw_sprites
from course_utils.storage.datasets import read_sprites
from course_utils.storage.shipped import shipped


def pictures(n=6, height=4, width=5):
    return np.random.default_rng(0).integers(0, 256, (n, height, width, 3), dtype=np.uint8)


def as_bytes(x):
    return ((x + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()


@pytest.fixture
def classic(tmp_path):
    images, labels = pictures(), np.eye(5)[[0, 1, 2, 3, 4, 0]]
    np.save(tmp_path / "sprites_6_4x5.npy", images)
    np.save(tmp_path / "sprite_labels_nc_6_4x5.npy", labels)
    return tmp_path / "sprites_6_4x5.npy", images, labels


@pytest.fixture
def small_file(tmp_path):
    out = tmp_path / "small.npz"
    assert main(["draw-sprites", "--n", "30", "--n-test", "10", "--seed", "4", "--out", str(out)]) == 0
    return out


def test_shipped_sprites_are_unit_range_tensors_with_contexts():
    """Bytes become −1 … 1, and the sprites that were held out stay apart."""
    for split, n in (("train", 20_000), ("test", 2_000)):
        x, c = load_sprites(split=split)
        assert x.shape == (n, 3, 16, 16)
        assert c.shape == (n, 5)
        assert x.dtype == c.dtype == torch.float32
        assert (x.min(), x.max()) == (-1, 1)
        assert x.is_contiguous()
        assert (c.sum(1) == 1).all()
        words = sprite_words(split=split)
        assert set(words) == {"kind", "colour", "facing", "item"}
        assert {len(array) for array in words.values()} == {n}


def test_drawn_file_gives_back_what_was_drawn_and_the_same_bytes_again(small_file, tmp_path):
    again = tmp_path / "again" / small_file.name
    again.parent.mkdir()
    assert main(["draw-sprites", "--n", "30", "--n-test", "10", "--seed", "4", "--out", str(again)]) == 0
    assert again.read_bytes() == small_file.read_bytes()
    drawn = draw_sprites(40, seed=4)
    x = torch.cat([load_sprites(small_file, split=split)[0] for split in ("train", "test")])
    assert (as_bytes(x) == drawn["images"]).all()
    assert (sprite_words(small_file, split="test")["kind"] == drawn["kind"][30:]).all()
    assert small_file.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert "CC0" in small_file.with_suffix(".md").read_text(encoding="utf-8")
    assert not list(tmp_path.glob("*.part"))


def test_classic_pair_with_labels_beside_it_or_given(classic, tmp_path):
    """Bytes become −1 … 1, and colours stay in their order."""
    path, images, labels = classic
    x, c = load_sprites(path)
    assert x.shape == (6, 3, 4, 5)
    assert (as_bytes(x) == images).all()
    assert torch.equal(c, torch.tensor(labels, dtype=torch.float32))
    elsewhere = tmp_path / "other.npy"
    np.save(elsewhere, labels[::-1])
    assert torch.equal(load_sprites(path, labels=elsewhere)[1], c.flip(0))


def test_folder_of_pngs_with_and_without_classes(tmp_path):
    images = pictures()
    for i, image in enumerate(images):
        folder = tmp_path / "tree" / ("cats" if i % 2 else "ants")
        folder.mkdir(parents=True, exist_ok=True)
        (tmp_path / "flat").mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / f"{i}.png")
        Image.fromarray(image).save(tmp_path / "flat" / f"{i}.png")
    x, c = load_sprites(tmp_path / "flat")
    assert (as_bytes(x) == images).all()
    assert c.shape == (6, 0)
    x, c = load_sprites(tmp_path / "tree")
    assert (as_bytes(x) == images[[0, 2, 4, 1, 3, 5]]).all()
    assert c.argmax(1).tolist() == [0, 0, 0, 1, 1, 1]


def test_hidden_folders_are_no_classes_and_empty_ones_neither(tmp_path):
    for folder in (".ipynb_checkpoints", "ants", "bees"):
        (tmp_path / folder).mkdir()
        for name in "AB":
            Image.fromarray(pictures()[0]).save(tmp_path / folder / f"{name}.PNG")
    assert load_sprites(tmp_path)[1].shape == (4, 2)
    (tmp_path / "cats").mkdir()
    with pytest.warns(UserWarning, match="left out: 1 folder without pictures, cats"):
        assert load_sprites(tmp_path)[1].shape == (4, 2)


def test_transparent_pixels_become_white(tmp_path):
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (load_sprites(tmp_path)[0] == 1).all()


def test_sheet_is_cut_into_cells_and_empty_ones_left_out(tmp_path):
    images = pictures(5, 4, 4)
    sheet = np.full((8, 12, 3), 255, dtype=np.uint8)
    for i, image in enumerate(images):
        row, column = divmod(i, 3)
        sheet[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = image
    Image.fromarray(sheet).save(tmp_path / "sheet.png")
    with pytest.warns(UserWarning, match="^left out: 1 empty cell$"):
        x, c = load_sprites(tmp_path / "sheet.png", cell=4)
    assert (as_bytes(x) == images).all()
    assert c.shape == (5, 0)


def test_what_there_is_is_told_in_one_sentence(classic, small_file):
    sprites = read_sprites(classic[0])
    assert sprites.found == "6 pictures of 5×4 in 5 classes: 0 2, 1 1, 2 1, 3 1, 4 1"
    assert sprites.classes == ("0", "1", "2", "3", "4")
    assert sprites.remarks == ()
    sprites = read_sprites(small_file, split="test")
    assert sprites.found.startswith("10 pictures of 16×16 in 5 classes: hero ")
    assert read_sprites().found.startswith("20,000 pictures of 16×16 in 5 classes: hero ")


def test_strengths_are_not_counted(classic, tmp_path):
    np.save(tmp_path / "strengths.npy", np.full((6, 2), 0.5))
    assert read_sprites(classic[0], labels=tmp_path / "strengths.npy").found == "6 pictures of 5×4 in 2 classes: 0, 1"


def test_pictures_without_labels_have_no_classes_and_it_is_said_where_they_were_looked_for(tmp_path):
    np.save(tmp_path / "sprites_lonely.npy", pictures())
    sprites = read_sprites(tmp_path / "sprites_lonely.npy")
    assert sprites.contexts.shape == (6, 0)
    assert sprites.classes == ()
    assert sprites.remarks == (
        "no picture has a class: nothing beside sprites_lonely.npy is named sprite_labels*_lonely.npy",
    )


def test_of_several_labels_beside_the_pictures_the_first_is_taken_and_named(classic):
    np.save(classic[0].with_name("sprite_labels_zz_6_4x5.npy"), np.eye(6))
    sprites = read_sprites(classic[0])
    assert sprites.contexts.shape == (6, 5)
    assert sprites.remarks == ("labels are those of sprite_labels_nc_6_4x5.npy, the first of 2 such files",)


WHOLE = ("labels are whole numbers: each became a class",)
LABELS = {
    "whole numbers": ([3, 3, 10, 2, 2, 2], ("2", "3", "10"), [1, 1, 2, 0, 0, 0], WHOLE),
    "whole numbers in a column": ([[0], [0], [1], [1], [2], [2]], ("0", "1", "2"), [0, 0, 1, 1, 2, 2], WHOLE),
    "whole numbers with a point": ([0.0, 1.0, -1.0, 0.0, 0.0, 0.0], ("-1", "0", "1"), [1, 2, 0, 1, 1, 1], WHOLE),
    "truth values": ([True, False] * 3, ("0", "1"), [1, 0] * 3, WHOLE),
    "words": (["a10", "a2", "b", "b", "a2", "a2"], ("a2", "a10", "b"), [1, 0, 2, 2, 0, 0], ()),
    "bytes": ([b"tree", b"hero"] * 3, ("hero", "tree"), [1, 0] * 3, ()),
}


@pytest.mark.parametrize("kind", LABELS)
def test_whole_numbers_and_words_become_classes(kind, classic, tmp_path):
    given, classes, places, remarks = LABELS[kind]
    np.save(tmp_path / "labels.npy", np.array(given))
    np.savez(tmp_path / "mine.npz", images=classic[1], labels=np.array(given))
    for sprites in (
        read_sprites(classic[0], labels=tmp_path / "labels.npy"),
        read_sprites(tmp_path / "mine.npz"),
    ):
        assert sprites.classes == classes
        assert torch.equal(sprites.contexts, torch.eye(len(classes))[places])
        assert sprites.remarks == remarks


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.eye(6, dtype=np.uint8) * 255, "must be one-hot, with numbers from 0 to 1, got 255"),
        (-np.eye(6), "must be one-hot, with numbers from 0 to 1, got -1.0"),
        (np.full((6, 2), np.nan), "must be one-hot, with numbers from 0 to 1, got nan"),
        (np.full(6, 0.5), "must be one-hot rows, whole numbers or words, got 0.5"),
        (np.full((6, 1), np.inf), "must be one-hot rows, whole numbers or words, got inf"),
        (np.arange(5), r"must hold a label for each of 6 pictures, which is a one-hot row, .* got int64 \(5,\)"),
        (np.full((6, 2), "a"), r"which is a one-hot row, a whole number or a word, got <U1 \(6, 2\)"),
        (np.full(6, 1j), "which is a one-hot row, a whole number or a word, got complex128"),
        (np.array(["", "a"] * 3), "must be different names of one line, got '', 'a'"),
    ],
)
def test_labels_of_another_kind_are_refused(given, message, classic, tmp_path):
    np.save(tmp_path / "labels.npy", given)
    with pytest.raises(ValueError, match=message):
        load_sprites(classic[0], labels=tmp_path / "labels.npy")


def test_an_archive_of_ones_own_needs_pictures_only(tmp_path):
    path, images, words = tmp_path / "mine.npz", pictures(), np.array(["train"] * 4 + ["test"] * 2)
    np.savez(path, images=images)
    sprites = read_sprites(path)
    assert sprites.contexts.shape == (6, 0)
    assert sprites.remarks == ("no picture has a class: mine.npz holds neither contexts nor labels",)
    assert sprite_words(path) == {}
    with pytest.raises(ValueError, match="it holds no sprites of the split 'test'"):
        load_sprites(path, split="test")
    np.savez(path, images=images, labels=[0, 0, 1, 1, 2, 2], split=words, classes=["ant", "bee", "cat"], more=words)
    sprites = read_sprites(path, split="test")
    assert sprites.classes == ("ant", "bee", "cat")  # even if only one of them is held out
    assert sprites.contexts.tolist() == [[0, 0, 1]] * 2
    assert sprite_words(path)["more"].tolist() == ["train"] * 4
    np.savez(path, images=images, contexts=np.eye(6), classes=list("abcdef"))
    assert read_sprites(path).classes == tuple("abcdef")
    np.savez(path, images=images, labels=["b", "a"] * 3, classes=["b", "a"])
    assert read_sprites(path).contexts.argmax(1).tolist() == [0, 1] * 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"x": np.eye(2), "y": np.eye(2)}, r"must hold an array images \(uint8, N×H×W×3\), .*, and it has x, y$"),
        ({}, "and it has none$"),
        ({"images": pictures() / 255}, r"must hold uint8 pictures of shape \(N, H, W, 3\), got float64"),
        ({"images": pictures()[:0]}, r"must hold uint8 pictures of shape \(N, H, W, 3\), got uint8 \(0, "),
        ({"images": pictures(), "split": np.zeros(6)}, "split in .* must be 'train' or 'test' for each of 6 pictures"),
        ({"images": pictures(), "labels": np.arange(6), "classes": ["a"]}, "must be places from 0 to 0 among the cl"),
        ({"images": pictures(), "labels": ["a", "b"] * 3, "classes": ["a"]}, "must be among the classes a, got 'b'"),
        ({"images": pictures(), "contexts": np.eye(6), "classes": ["a"]}, "a column for each of 1 classes, got 6"),
        ({"images": pictures(), "contexts": np.eye(6), "classes": 6}, "classes in .* must be a list of names"),
        (
            {"images": pictures(), "more": np.array([{}])},
            r"mine\.npz: more\.npy holds Python objects, and must hold num",
        ),
    ],
)
def test_an_archive_of_another_form_is_refused(given, message, tmp_path):
    np.savez(tmp_path / "mine.npz", **given)
    with pytest.raises(ValueError, match=message) as refusal:
        load_sprites(tmp_path / "mine.npz")
    assert "allow_pickle" not in str(refusal.value)


def header(shape, descr="|u1"):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "mine.npy is damaged or is no .npy file of numbers: it is empty"),
        (b"<!DOCTYPE html><html>", "it seems to be a web page, saved instead of the file"),
        (pickle.dumps([1, 2]), "it begins as no such file does"),
        (b"PK\x03\x04 and more", "it holds several arrays, as .npz files do"),
        (b"\x93NUMPY\x01\x00\x04\x00{[(", "damaged or is no .npy file of numbers: its header cannot be read"),
        (b"\x93NUMPY\x01\x00\xff\xff" + b" " * 65_535, "damaged or is no .npy file of numbers: its header cannot be"),
        (header((6,), "|O"), "mine.npy holds Python objects, and must hold numbers or words"),
        (header((3 * 2**30, 2, 2, 3)), "mine.npy is damaged: its header promises 36 GiB, and it has 128 bytes"),
        (header((-1, 4, 4, 3)), "mine.npy is damaged or is no .npy file of numbers: its header cannot be read"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused_without_advice_to_trust_it(content, message, tmp_path):
    (tmp_path / "mine.npy").write_bytes(content)
    with pytest.raises(ValueError, match=message) as refusal:
        load_sprites(tmp_path / "mine.npy")
    assert "pickle" not in str(refusal.value).removeprefix(str(tmp_path))
    assert "\n" not in str(refusal.value)


def test_an_array_beyond_all_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    np.save(tmp_path / "mine.npy", pictures(100, 16, 16))
    monkeypatch.setattr("os.sysconf", lambda name: {"SC_PAGE_SIZE": 1024, "SC_PHYS_PAGES": 256}[name])
    monkeypatch.setattr(np.lib.format, "read_array", None)
    with pytest.raises(ValueError, match="would take 300 KiB of memory, and this machine has 256 KiB: bring fewer or"):
        load_sprites(tmp_path / "mine.npy")


def test_a_machine_that_does_not_tell_its_memory_reads_all_the_same(classic, monkeypatch):
    monkeypatch.delattr("os.sysconf")
    assert len(load_sprites(classic[0])[0]) == 6


@pytest.mark.parametrize(
    ("name", "got"),
    [("a.zip", r"\.zip: unpack it first"), ("a.csv", r"\.csv"), ("a.pth", r"\.pth"), ("a", "a name without an ending")],
)
def test_any_other_file_is_told_what_would_do(name, got, tmp_path):
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("a.txt", "hello")
    wanted = "must be a folder of pictures, a picture that holds a sheet of sprites, a .npy or a .npz"
    with pytest.raises(ValueError, match=f"{name} {wanted}, got {got}$"):
        load_sprites(tmp_path / name)


def test_what_is_not_there_is_named(tmp_path, classic):
    with pytest.raises(FileNotFoundError, match=r"no file or folder at this path: .*nowhere"):
        load_sprites(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"no file at this path: .*gone"):
        load_sprites(classic[0], labels=tmp_path / "gone.npy")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no pictures in"):
        load_sprites(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="did not come with this copy"):
        shipped("data/nothing.npz")


def test_what_is_wrong_is_named(tmp_path, classic, small_file):
    path, images, _ = classic

    def refuses(message, *arguments, **options):
        with pytest.raises(ValueError, match=message):
            load_sprites(*arguments, **options)

    refuses("split must be one of 'train', 'test', got 'dev'", split="dev")
    refuses("split is for .npz files only", path, split="test")
    np.save(tmp_path / "short.npy", np.eye(5))
    refuses(
        r"short.npy must hold a label for each of 6 pictures, which is a one-hot row, .*, got float64 \(5, 5\)",
        path,
        labels=tmp_path / "short.npy",
    )
    np.save(tmp_path / "nan.npy", np.full((6, 5), np.nan))
    refuses("nan.npy must be one-hot, with numbers from 0 to 1, got nan", path, labels=tmp_path / "nan.npy")
    np.save(tmp_path / "floats.npy", images / 255.0)
    refuses(
        r"must hold uint8 pictures of shape \(N, H, W, 3\), got float64",
        tmp_path / "floats.npy",
        labels=tmp_path / "short.npy",
    )
    np.save(tmp_path / "pickled.npy", np.array([{}], dtype=object))
    refuses("pickled.npy holds Python objects, and must hold numbers", tmp_path / "pickled.npy")
    Image.fromarray(pictures(1, 8, 12)[0]).save(tmp_path / "sheet.png")
    refuses("say how large a sprite on it is", tmp_path / "sheet.png")
    refuses("cell must divide the sheet's 12×8 pixels, got 5", tmp_path / "sheet.png", cell=5)
    refuses("cell must be a whole number of at least 1, got 0", tmp_path / "sheet.png", cell=0)
    refuses("cell must be a whole number of at least 1, got 4.0", tmp_path / "sheet.png", cell=4.0)
    refuses("cell is for one picture that is a sheet, and .* is a .npy file", path, cell=4)
    refuses("spacing is for one picture that is a sheet", path, spacing=1)
    refuses("margin is for one picture that is a sheet, and .* is a folder", tmp_path, margin=1)
    refuses("spacing must be a whole number of at least 0, got -1", tmp_path / "sheet.png", cell=4, spacing=-1)
    refuses("margin must be a whole number of at least 0, got 0.5", tmp_path / "sheet.png", cell=4, margin=0.5)
    refuses("background is for pictures with transparent pixels", path, background="black")
    refuses("labels is for .npy files only", tmp_path / "sheet.png", labels=path)
    np.savez(tmp_path / "several", images)
    (tmp_path / "several.npz").rename(tmp_path / "several.npy")
    refuses("it holds several arrays", tmp_path / "several.npy", labels=tmp_path / "short.npy")
    Image.new("RGB", (8, 8)).save(tmp_path / "blank.png")
    refuses("every cell of 4×4 pixels has a single colour", tmp_path / "blank.png", cell=4)
    (tmp_path / "both" / "cats").mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(tmp_path / "both" / "a.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "both" / "cats" / "b.png")
    refuses("holds both classes .folders. and pictures without one, such as a.png", tmp_path / "both")
    (tmp_path / "mixed").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "mixed" / "a.png")
    Image.new("RGB", (5, 4)).save(tmp_path / "mixed" / "b.png")
    refuses("one size: 1 is 4×4, such as a.png, and 1 is 5×4, such as b.png", tmp_path / "mixed")
    (tmp_path / "deep").mkdir()
    Image.fromarray(np.zeros((4, 4), dtype=np.uint16)).save(tmp_path / "deep" / "a.png")
    refuses("a.png has more than 8 bits a colour", tmp_path / "deep")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"\x89PNG and then nothing")
    refuses("a.png is damaged or is no picture", tmp_path / "broken")


@pytest.mark.parametrize(
    ("shape", "dtype", "cure"),
    [
        ((4, 3, 8, 8), "u1", r".transpose\(0, 2, 3, 1\) puts the colours last"),
        ((4, 8, 8, 4), "u1", r"\[..., :3\] leaves the transparency out"),
        ((4, 8, 8, 1), "u1", r".repeat\(3, axis=-1\) makes colours of grey"),
        ((4, 8, 8, 3), "f4", "store numbers from 0 to 255 as uint8, and those from 0 to 1 times 255"),
    ],
)
def test_an_array_of_another_form_is_refused_with_a_cure(shape, dtype, cure, tmp_path):
    np.save(tmp_path / "mine.npy", np.zeros(shape, dtype=dtype))
    with pytest.raises(ValueError, match=rf"must hold uint8 pictures of shape \(N, H, W, 3\), got .*{cure}$"):
        load_sprites(tmp_path / "mine.npy")


def test_labels_that_are_not_one_hot_are_remarked(classic, tmp_path):
    rows = np.eye(5)[[0, 1, 2, 3, 4, 0]]
    rows[0, 1], rows[1, 1] = 1, 0.5
    np.save(tmp_path / "soft.npy", rows)
    remark = "labels of 2 of 6 pictures are not one-hot: they are taken as strengths"
    assert read_sprites(classic[0], labels=tmp_path / "soft.npy").remarks == (remark,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--data", ""], "train: argument --data: an empty name is no file and no folder"),
        (["train", "--sizes", "3"], "course_utils: unrecognized arguments: --sizes 3"),
        (["sample"], "sample: the following arguments are required: file"),
        (["sample", "it", "--n", "x"], "sample: argument --n: invalid int value: 'x'"),
    ],
)
def test_a_wrong_option_gets_one_line_and_exit_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert capsys.readouterr().err == f"{message} (--help shows all options)\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "sprites.txt"], "out must end in .npz"),
        (["--out", "nowhere/sprites.npz"], "no such folder: nowhere"),
        (["--n", "0"], "n must be a whole number of at least 1, got 0"),
        (["--n-test", "-1"], "n_test must be a whole number of at least 0, got -1"),
        (["--seed", "-3"], "seed must be a whole number from 0 to 18446744073709551615, got -3"),
    ],
)
def test_a_bad_command_gets_one_line_and_exit_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["draw-sprites", "--n", "5", "--n-test", "5", *arguments]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error == f"draw-sprites: {message}" or error.startswith(f"draw-sprites: {message}")
    assert not list(tmp_path.rglob("*"))


def test_a_new_file_takes_the_place_of_the_old_one_in_a_single_step(small_file):
    """A second name of the old file still shows the old bytes: they were never written over."""
    before, other_name = small_file.read_bytes(), small_file.with_name("other.npz")
    other_name.hardlink_to(small_file)
    assert main(["draw-sprites", "--n", "5", "--n-test", "5", "--overwrite", "--out", str(small_file)]) == 0
    assert small_file.read_bytes() != before
    assert other_name.read_bytes() == before


def test_a_file_without_held_out_sprites_says_so(tmp_path):
    out = tmp_path / "train.npz"
    assert main(["draw-sprites", "--n", "5", "--n-test", "0", "--out", str(out)]) == 0
    with pytest.raises(ValueError, match="it holds no sprites of the split 'test'"):
        load_sprites(out, split="test")


def test_an_interrupted_write_leaves_the_old_file_whole(small_file, monkeypatch):
    before = small_file.read_bytes()

    def fails(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", fails)
    assert main(["draw-sprites", "--n", "5", "--n-test", "5", "--overwrite", "--out", str(small_file)]) == 2
    assert small_file.read_bytes() == before
    assert not list(small_file.parent.glob("*.part"))
