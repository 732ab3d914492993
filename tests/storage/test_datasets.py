"""Loading sprites: the course's own, the classic pair, a folder, a sheet; and what is said when something is wrong."""

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import load_sprites, sprite_words
from course_utils.__main__ import main
from course_utils.sprites import draw_sprites
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
    again = tmp_path / "again.npz"
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


def test_hidden_folders_are_no_classes_and_empty_ones_an_error(tmp_path):
    for folder in (".ipynb_checkpoints", "ants", "bees"):
        (tmp_path / folder).mkdir()
        Image.fromarray(pictures()[0]).save(tmp_path / folder / "A.PNG")
    assert load_sprites(tmp_path)[1].shape == (2, 2)
    (tmp_path / "cats").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no PNG files in .*cats"):
        load_sprites(tmp_path)


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
    x, c = load_sprites(tmp_path / "sheet.png", cell=4)
    assert (as_bytes(x) == images).all()
    assert c.shape == (5, 0)


def test_what_is_not_there_is_named(tmp_path, classic):
    with pytest.raises(FileNotFoundError, match=r"no file or folder at this path: .*nowhere"):
        load_sprites(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"no file at this path: .*gone"):
        load_sprites(classic[0], labels=tmp_path / "gone.npy")
    np.save(tmp_path / "sprites_lonely.npy", pictures())
    with pytest.raises(FileNotFoundError, match=r"nothing beside it is named sprite_labels\*_lonely.npy"):
        load_sprites(tmp_path / "sprites_lonely.npy")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no PNG files in"):
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
        r"short.npy must hold one row of numbers for each of 6 pictures, got float64 \(5, 5\)",
        path,
        labels=tmp_path / "short.npy",
    )
    np.save(tmp_path / "nan.npy", np.full((6, 5), np.nan))
    refuses("nan.npy must hold finite numbers", path, labels=tmp_path / "nan.npy")
    np.save(tmp_path / "floats.npy", images / 255.0)
    refuses(
        r"must hold uint8 pictures of shape \(N, H, W, 3\), got float64",
        tmp_path / "floats.npy",
        labels=tmp_path / "short.npy",
    )
    np.save(tmp_path / "pickled.npy", np.array([{}], dtype=object))
    refuses("damaged or is no .npy file of numbers", tmp_path / "pickled.npy", labels=tmp_path / "short.npy")
    Image.fromarray(pictures(1, 8, 12)[0]).save(tmp_path / "sheet.png")
    refuses("say how large a sprite on it is", tmp_path / "sheet.png")
    refuses("cell must divide the sheet's 12×8 pixels, got 5", tmp_path / "sheet.png", cell=5)
    refuses("cell must be a whole number of at least 1, got 0", tmp_path / "sheet.png", cell=0)
    refuses("cell must be a whole number of at least 1, got 4.0", tmp_path / "sheet.png", cell=4.0)
    refuses("cell is for sheets only", path, cell=4)
    refuses("labels is for .npy files only", tmp_path / "sheet.png", labels=path)
    np.savez(tmp_path / "several", images)
    (tmp_path / "several.npz").rename(tmp_path / "several.npy")
    refuses("it holds several arrays", tmp_path / "several.npy", labels=tmp_path / "short.npy")
    Image.new("RGB", (8, 8)).save(tmp_path / "blank.png")
    refuses("every cell of 4×4 pixels has a single colour", tmp_path / "blank.png", cell=4)
    (tmp_path / "both" / "cats").mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(tmp_path / "both" / "a.png")
    refuses("holds both classes .folders. and pictures without one, such as a.png", tmp_path / "both")
    (tmp_path / "mixed").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "mixed" / "a.png")
    Image.new("RGB", (5, 4)).save(tmp_path / "mixed" / "b.png")
    refuses("all pictures must have one size: .*a.png is 4×4, .*b.png 5×4", tmp_path / "mixed")
    (tmp_path / "deep").mkdir()
    Image.fromarray(np.zeros((4, 4), dtype=np.uint16)).save(tmp_path / "deep" / "a.png")
    refuses("a.png has more than 8 bits a colour", tmp_path / "deep")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"\x89PNG and then nothing")
    refuses("a.png is damaged or is no picture", tmp_path / "broken")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "sprites.txt"], "out must end in .npz"),
        (["--out", "nowhere/sprites.npz"], "no such folder: nowhere"),
        (["--n", "0"], "n must be a whole number of at least 1, got 0"),
        (["--n-test", "-1"], "n_test must be a whole number of at least 0, got -1"),
        (["--seed", "-3"], "seed must be a whole number of at least 0, got -3"),
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
    assert main(["draw-sprites", "--n", "5", "--n-test", "5", "--out", str(small_file)]) == 0
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
    assert main(["draw-sprites", "--n", "5", "--n-test", "5", "--out", str(small_file)]) == 2
    assert small_file.read_bytes() == before
    assert not list(small_file.parent.glob("*.part"))
