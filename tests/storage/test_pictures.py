"""Pictures that people bring: what is read of a folder or a sheet, and what is said about the rest."""

import os
import sys
import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from course_utils import load_sprites
from course_utils.diffusion.models import TrainedModel
from course_utils.storage import arrays, folders, pictures
from course_utils.storage.datasets import read_sprites
from course_utils.storage.ownership import mark


def noise(seed=0, height=4, width=4, channels=3):
    return np.random.default_rng(seed).integers(1, 255, (height, width, channels), dtype=np.uint8)


def save(path, pixels=None, **options):
    """A picture at this path, in folders that are made for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise() if pixels is None else pixels).save(path, **options)
    return path


def as_bytes(sprites):
    return ((sprites.images + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()


def drawing(colour, share=0.5, size=8):
    """Opaque pixels of one colour in the upper rows, and nothing below."""
    pixels = np.zeros((size, size, 4), dtype=np.uint8)
    pixels[: round(size * share)] = [*colour, 255]
    return pixels


# Folders


def test_all_that_pillow_reads_is_read_and_other_files_are_named(tmp_path):
    for i, suffix in enumerate(("png", "webp", "bmp", "GIF", "tga")):
        save(tmp_path / f"{i}.{suffix}")
    for name in ("notes.txt", "Thumbs.db", "desktop.ini", ".DS_Store", ".hidden.png", "._0.png"):
        (tmp_path / name).write_bytes(b"no picture")
    save(tmp_path / ".ipynb_checkpoints" / "0.png")
    sprites = read_sprites(tmp_path)
    assert sprites.images.shape == (5, 3, 4, 4)
    assert sprites.found == "5 pictures of 4×4"
    assert sprites.remarks == ("left out: 3 files that are no pictures, such as Thumbs.db",)
    assert sprites.classes == ()


@pytest.mark.parametrize("suffix", [".h5", ".grib", ".bufr", ".wmf", ".eps", ".mpg", ".fits", ".svg", ".txt"])
def test_what_pillow_cannot_turn_into_pixels_by_itself_is_no_picture(suffix):
    assert suffix not in folders.picture_suffixes()
    assert {".png", ".apng", ".jpg", ".webp", ".gif", ".bmp", ".tif"} <= folders.picture_suffixes()


def test_a_damaged_picture_is_an_error_whatever_its_ending(tmp_path):
    save(tmp_path / "a.png")
    (tmp_path / "b.webp").write_bytes(b"<!DOCTYPE html>")
    with pytest.raises(ValueError, match=r"b\.webp is damaged or is no picture"):
        read_sprites(tmp_path)


def test_folders_below_a_class_belong_to_it(tmp_path):
    save(tmp_path / "hero" / "portrait.png")
    save(tmp_path / "hero" / "walk" / "left" / "1.png")
    save(tmp_path / "tree" / "1.png")
    sprites = read_sprites(tmp_path)
    assert sprites.classes == ("hero", "tree")
    assert sprites.contexts.sum(0).tolist() == [2, 1]
    assert sprites.found == "3 pictures of 4×4 in 2 classes: hero 2, tree 1"
    assert sprites.remarks == ()


def test_classes_stand_in_natural_order_and_of_many_a_dozen_is_listed(tmp_path):
    for level in range(1, 15):
        save(tmp_path / f"level {level}" / "a.png")
    sprites = read_sprites(tmp_path)
    assert sprites.classes == tuple(f"level {level}" for level in range(1, 15))
    assert torch.equal(sprites.contexts, torch.eye(14))
    assert sprites.found.endswith("in 14 classes: " + ", ".join(f"level {k} 1" for k in range(1, 13)) + ", …")


@pytest.mark.parametrize("suffix", ["gif", "png", "webp"])
def test_each_frame_of_an_animation_is_a_picture(suffix, tmp_path):
    first, *rest = [Image.fromarray(noise(seed)) for seed in range(3)]
    options = {"lossless": True} if suffix == "webp" else {}
    (tmp_path / "walk").mkdir()
    first.save(tmp_path / "walk" / f"a.{suffix}", save_all=True, append_images=rest, **options)
    save(tmp_path / "tree" / "b.png")
    sprites = read_sprites(tmp_path)
    assert sprites.contexts.sum(0).tolist() == [1, 3]
    assert sprites.remarks == ("1 file holds several frames: each frame is a picture",)
    if suffix != "gif":  # which has only so many colours
        assert (as_bytes(sprites)[1:] == [noise(seed) for seed in range(3)]).all()


def test_what_macos_packs_and_empty_folders_are_left_out(tmp_path):
    save(tmp_path / "tree" / "a.png")
    save(tmp_path / "__MACOSX" / "tree" / "a.png")
    (tmp_path / "empty").mkdir()
    sprites = read_sprites(tmp_path)
    assert sprites.classes == ("tree",)
    assert sprites.remarks == ("left out: 2 folders without pictures, such as __MACOSX",)


def test_each_folder_is_read_once_whatever_links_lead_to_it(tmp_path):
    art = tmp_path / "art"
    for i in range(3):
        save(art / "tree" / f"{i}.png")
    save(tmp_path / "elsewhere" / "a.png")
    save(tmp_path / "outside.png")
    for link, target in {"tree/up": "..", "tree/higher": "../..", "tree/again": ".", "cat": "../elsewhere"}.items():
        (art / link).symlink_to(target)
    (tmp_path / "elsewhere" / "back").symlink_to("../art")
    sprites = read_sprites(art)
    assert (sprites.classes, sprites.contexts.sum(0).tolist()) == (("cat", "tree"), [1, 3])


def test_letters_that_macos_takes_apart_are_one(tmp_path):
    for name in ("Ka\u0308fer", "dog"):
        save(tmp_path / name / "a.png")
    classes = read_sprites(tmp_path).classes
    assert classes == ("K\u00e4fer", "dog")
    model = TrainedModel(torch.nn.Linear(1, 1), classes)
    assert torch.equal(model.context("Ka\u0308fer"), model.context("K\u00e4fer"))
    by_hand = TrainedModel(torch.nn.Linear(1, 1), ["Ka\u0308fer", "dog"])
    assert torch.equal(by_hand.context("Ka\u0308fer"), by_hand.context("K\u00e4fer"))
    with pytest.raises(ValueError, match="did you mean 'dog'"):
        model.context("DOG")


def test_a_pipe_is_not_waited_for(tmp_path):
    save(tmp_path / "a.png")
    os.mkfifo(tmp_path / "b.png")
    assert read_sprites(tmp_path).found == "1 picture of 4×4"
    with pytest.raises(ValueError, match=r"b\.png must be a file or a folder, and is something else"):
        read_sprites(tmp_path / "b.png", cell=4)


def test_classes_of_one_picture_each_are_remarked(tmp_path):
    for name in "ab":
        save(tmp_path / name / "a.png")
    assert read_sprites(tmp_path).remarks == ("every picture is a class of its own",)
    save(tmp_path / "a" / "b.png")
    assert read_sprites(tmp_path).remarks == ()


@pytest.mark.parametrize("held_out", [["test"], ["val"], ["Validation", "test"]])
def test_of_train_and_test_only_train_is_read(held_out, tmp_path):
    for folder in ("train", *held_out):
        for kind in ("ants", "bees"):
            save(tmp_path / folder / kind / "a.png")
            save(tmp_path / folder / kind / "b.png")
    sprites = read_sprites(tmp_path)
    assert sprites.classes == ("ants", "bees")
    assert len(sprites.images) == 4
    assert sprites.remarks == (f"passed over: {' and '.join(held_out)}, because train is what there is to learn from",)


def test_train_without_classes_and_train_among_other_classes(tmp_path):
    save(tmp_path / "train" / "a.png")
    save(tmp_path / "test" / "a.png")
    assert read_sprites(tmp_path).classes == ()
    save(tmp_path / "bus" / "a.png")
    assert read_sprites(tmp_path).classes == ("bus", "test", "train")


def test_what_a_command_of_the_course_wrote_is_never_learned_from(tmp_path):
    save(tmp_path / "tree" / "a.png")
    picture, sign = Image.fromarray(noise(0, 40, 40)), mark("train", tmp_path / "mine.safetensors")
    for name in ("mine.progress.png", "mine.png"):
        picture.save(tmp_path / name, pnginfo=signed(sign))
    sprites = read_sprites(tmp_path)
    assert len(sprites.images) == 1
    assert sprites.remarks == ("left out: 2 pictures that this course wrote, such as mine.png",)
    asked_for = read_sprites(tmp_path / "mine.png", cell=20)  # this very picture
    assert len(asked_for.images) == 4
    assert asked_for.remarks == ("this is a picture that a command of the course wrote",)
    save(tmp_path / "z.png")
    with pytest.raises(ValueError, match=r"holds both classes .folders. and pictures without one, such as z\.png"):
        read_sprites(tmp_path)


def signed(sign):
    info = PngInfo()
    info.add_text("Software", sign)
    return info


def test_sizes_that_differ_are_counted_with_an_example_each(tmp_path):
    for i in range(3):
        save(tmp_path / f"a{i}.png")
    save(tmp_path / "b.png", noise(0, 5, 6))
    message = "all pictures must have one size: 3 are 4×4, such as a0.png, and 1 is 6×5, such as b.png$"
    with pytest.raises(ValueError, match=message):
        read_sprites(tmp_path)
    for i in range(4):
        save(tmp_path / f"c{i}.png", noise(0, 7, 7 + i))
    with pytest.raises(ValueError, match=r"such as b\.png, 1 is 7×7, such as c0\.png, and 3 of 3 other sizes$"):
        read_sprites(tmp_path)


def test_a_folder_without_pictures_says_what_it_holds(tmp_path):
    (tmp_path / "data.csv").write_text("a,b")
    with pytest.raises(FileNotFoundError, match=r"no pictures in .*; left out: 1 file that is no picture, data\.csv$"):
        read_sprites(tmp_path)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_every_kind_of_8_bit_picture_is_read(mode, tmp_path):
    suffix = "tif" if mode in ("CMYK", "YCbCr") else "png"
    Image.new(mode, (4, 4)).save(tmp_path / f"a.{suffix}")
    assert read_sprites(tmp_path).images.shape == (1, 3, 4, 4)


def test_pages_of_several_sizes_are_refused(tmp_path):
    pages = [Image.new("RGB", (4, 4)), Image.new("RGB", (5, 4))]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(ValueError, match=r"a\.tif holds frames of several sizes"):
        read_sprites(tmp_path)


def test_a_name_that_is_not_utf_8_becomes_text(tmp_path):
    name = b"b\xe4r"
    try:
        os.mkdir(os.fsencode(tmp_path) + b"/" + name)
    except OSError:  # as on macOS, whose names are always text
        assert sys.platform != "linux"
        return
    save(tmp_path / os.fsdecode(name) / "a.png")
    sprites = read_sprites(tmp_path)
    assert sprites.classes == (r"b\xe4r",)
    sprites.found.encode()


# Transparency


def test_white_drawings_are_told_and_auto_makes_them_visible(tmp_path):
    save(tmp_path / "a.png", drawing((255, 255, 255)))
    save(tmp_path / "b.png", drawing((10, 200, 10)))
    sprites = read_sprites(tmp_path)
    assert sprites.remarks == (
        "50.0 % of the drawn pixels are white like the background, so they cannot be seen: "
        "--background auto chooses another",
    )
    sprites = read_sprites(tmp_path, background="auto")
    assert sprites.remarks == ("transparent pixels became black",)
    assert as_bytes(sprites)[0, :, 0, 0].tolist() == [255] * 4 + [0] * 4


def test_auto_takes_the_first_colour_that_nothing_is_near(tmp_path):
    for i, level in enumerate((250, 5, 128)):
        save(tmp_path / f"{i}.png", drawing((level, level, level)))
    assert read_sprites(tmp_path, background="auto").remarks == ("transparent pixels became magenta",)


def test_auto_is_white_for_colours_and_says_nothing_without_transparency(tmp_path):
    save(tmp_path / "a.png", noise())
    assert read_sprites(tmp_path, background="auto").remarks == ()
    save(tmp_path / "a.png", drawing((200, 0, 0), size=4))
    assert read_sprites(tmp_path, background="auto").remarks == ("transparent pixels became white",)


def test_any_colour_can_be_the_background_and_white_paper_is_no_mistake(tmp_path):
    save(tmp_path / "a.png", np.zeros((4, 4, 4), dtype=np.uint8))
    assert (as_bytes(read_sprites(tmp_path, background="#0a1400")) == [10, 20, 0]).all()
    assert read_sprites(tmp_path).remarks == ()
    save(tmp_path / "a.png", np.full((4, 4, 3), 255, dtype=np.uint8))
    assert read_sprites(tmp_path).remarks == ()  # nothing of it shows the background


@pytest.mark.parametrize("background", ["whiite", "", 3, None, (1, 2, 3), "#12"])
def test_a_background_that_is_no_colour_is_refused(background, tmp_path):
    save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"background must be a colour such as white or #ff00ff, or auto, got "):
        read_sprites(tmp_path, background=background)


# Sheets


def sheet_of(cells, columns, spacing=0, margin=0, last_gap=False, channels=4):
    """Cells set out in rows, with nothing between and around them."""
    rows, cell = -(-len(cells) // columns), cells[0].shape[0]
    gap = 0 if last_gap else spacing
    height, width = (n * (cell + spacing) - gap + 2 * margin for n in (rows, columns))
    sheet = np.zeros((height, width, channels), dtype=np.uint8)
    for i, pixels in enumerate(cells):
        y, x = (margin + place * (cell + spacing) for place in divmod(i, columns))
        sheet[y : y + cell, x : x + cell] = pixels
    return sheet


def opaque(seed):
    return np.dstack([noise(seed), np.full((4, 4), 255, dtype=np.uint8)])


CELLS = [opaque(seed) for seed in range(6)]


@pytest.mark.parametrize("last_gap", [False, True])
@pytest.mark.parametrize(("spacing", "margin"), [(0, 0), (1, 0), (2, 3), (0, 1)])
def test_gaps_and_margins_are_cut_away(spacing, margin, last_gap, tmp_path):
    path = save(tmp_path / "sheet.png", sheet_of(CELLS, 3, spacing, margin, last_gap))
    sprites = read_sprites(path, cell=4, spacing=spacing, margin=margin)
    assert (as_bytes(sprites) == [cell[..., :3] for cell in CELLS]).all()
    assert sprites.contexts.shape == (6, 0)


def test_a_large_sheet_with_gaps_of_one_pixel(tmp_path):
    path = save(tmp_path / "sheet.png", noise(0, 526, 968))
    with pytest.raises(
        ValueError, match="cell must divide the sheet's 968×526 pixels, got 16: with a gap of one pixel"
    ):
        read_sprites(path, cell=16)
    assert len(read_sprites(path, cell=16, spacing=1).images) == 57 * 31
    with pytest.raises(
        ValueError, match="cell, spacing and margin must fit the sheet's 968×526 pixels, got 16, 2 and 0"
    ):
        read_sprites(path, cell=16, spacing=2)
    with pytest.raises(ValueError, match="got 16, 0 and 500"):
        read_sprites(path, cell=16, margin=500)


def test_white_drawings_on_transparency_are_no_empty_cells(tmp_path):
    white, nothing = np.full((4, 4, 4), 255, dtype=np.uint8), np.zeros((4, 4, 4), dtype=np.uint8)
    path = save(tmp_path / "sheet.png", sheet_of([white, nothing, white], 3))
    sprites = read_sprites(path, cell=4)
    assert len(sprites.images) == 2
    assert sprites.remarks[-1].startswith("100.0 % of the drawn pixels are white like the background")
    assert (read_sprites(path, cell=4, background="black").images == 1).all()
    with pytest.raises(ValueError, match="holds no sprites: every cell of 4×4 pixels is transparent"):
        read_sprites(save(tmp_path / "none.png", sheet_of([nothing, nothing], 2)), cell=4)


def test_cells_that_end_in_a_gap_are_told(tmp_path):
    path = save(tmp_path / "sheet.png", sheet_of(CELLS, 3, 1, last_gap=True))
    sprites = read_sprites(path, cell=5)
    assert sprites.remarks == (
        "the last row and column of every cell are empty: if they are gaps, say --cell 4 --spacing 1",
    )
    assert read_sprites(path, cell=4, spacing=1).remarks == ()
    path = save(tmp_path / "sheet.png", sheet_of(CELLS, 3, 1, last_gap=True, channels=4)[..., :3])
    assert "--cell 4 --spacing 1" in read_sprites(path, cell=5).remarks[0]
    assert len(read_sprites(save(tmp_path / "full.png", sheet_of(CELLS, 3)), cell=4).remarks) == 0


def test_cells_with_nothing_at_any_edge_are_not_taken_for_gaps(tmp_path):
    small = np.zeros((4, 4, 4), dtype=np.uint8)
    small[1:3, 1:3] = [200, 0, 0, 255]
    assert read_sprites(save(tmp_path / "sheet.png", sheet_of([small] * 4, 2)), cell=4).remarks == ()


def test_a_sheet_with_several_frames_is_cut_in_each(tmp_path):
    first, second = (Image.fromarray(sheet_of([opaque(seed), opaque(seed + 1)], 2)) for seed in (0, 2))
    first.save(tmp_path / "sheet.png", save_all=True, append_images=[second])
    sprites = read_sprites(tmp_path / "sheet.png", cell=4)
    assert (as_bytes(sprites) == [opaque(seed)[..., :3] for seed in range(4)]).all()
    assert sprites.remarks == ("1 file holds several frames: each frame is a picture",)


# Size


def test_a_picture_beyond_pillows_limit_is_refused_and_one_below_it_read_in_silence(tmp_path, monkeypatch):
    path = save(tmp_path / "sheet.png", noise(0, 40, 40))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
        assert len(read_sprites(path, cell=4).images) == 100
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 700)
        with pytest.raises(ValueError, match=r"sheet\.png has more than 0 million pixels: cut it into smaller sheets"):
            read_sprites(path, cell=4)


def test_pictures_beyond_all_memory_are_refused_before_they_are_read(tmp_path, monkeypatch):
    for i in range(9):
        save(tmp_path / f"{i}.png")
    monkeypatch.setattr(arrays.os, "sysconf", lambda name: {"SC_PAGE_SIZE": 100, "SC_PHYS_PAGES": 17}[name])
    monkeypatch.setattr(pictures, "_frames", None)
    with pytest.raises(ValueError, match=r"would take 1\.688 KiB of memory, and this machine has 1\.66 KiB: "):
        read_sprites(tmp_path)


def test_memory_that_runs_out_on_the_way_is_one_sentence(tmp_path, monkeypatch):
    def fails(*_):
        raise MemoryError

    save(tmp_path / "a.png")
    monkeypatch.setattr(Image.Image, "convert", fails)
    with pytest.raises(ValueError, match="needs more memory than is free: bring fewer or smaller pictures"):
        read_sprites(tmp_path)


def test_remarks_are_warnings_that_point_to_the_caller(tmp_path):
    save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.warns(UserWarning, match=r"left out: 1 file that is no picture, notes\.txt") as told:
        images, contexts = load_sprites(tmp_path)
    assert told[0].filename == __file__
    assert (images.shape, contexts.shape) == ((1, 3, 4, 4), (1, 0))
