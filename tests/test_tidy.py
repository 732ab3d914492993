"""What `make notebooks` does to a notebook that it has run, before it replaces the committed one."""

import base64
import copy
import io
import os
import re
import subprocess
import sys

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image
from running import ROOT

sys.path.insert(0, str(ROOT / "notebooks"))

from tidy import light, look_alike, main, packed, tidy

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
SIZE = {"image/png": {"alt": "noise, and nothing but noise", "height": 15, "width": 20}}


def noise(seed=0, channels=3, height=30, width=40):
    return np.random.default_rng(seed).integers(3, 253, (height, width, channels), dtype=np.uint8)


def png(pixels, **options):
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(file := io.BytesIO(), "PNG", **options)
    return file.getvalue()


def in_base64(pixels, **options):
    return base64.b64encode(png(pixels, **options)).decode()


def read(file):
    """A picture and its pixels, from a file or its base64."""
    picture = Image.open(io.BytesIO(file if isinstance(file, bytes) else base64.b64decode(file)))
    return picture.mode, np.asarray(picture.convert("RGB"))


def figure(pixels, **options):
    return new_output(
        "display_data", {"image/png": in_base64(pixels, **options), "text/plain": "[noise]"}, metadata=SIZE
    )


def drawn(*outputs, cell="first"):
    return new_notebook(cells=[new_code_cell("draw()", id=cell, outputs=copy.deepcopy([*outputs]))])


def shown(notebook, output=-1):
    return notebook.cells[0].outputs[output].data["image/png"]


def coloured(count):
    """A picture with so many colours."""
    colours = np.stack([np.arange(count) // 16, np.arange(count) % 16, np.arange(count) // 2], axis=1).astype(np.uint8)
    order = np.random.default_rng(0).permutation(np.arange(1200) % count)
    return colours[order].reshape(30, 40, 3)


def opaque(pixels):
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])


def test_an_opaque_picture_loses_its_alpha_channel_and_nothing_else():
    mode, pixels = read(shown(tidy(drawn(figure(opaque(noise()))))))
    assert mode == "RGB"
    assert (pixels == noise()).all()


def test_what_shines_through_is_the_white_of_the_page():
    see_through = noise(channels=4)
    see_through[0, :, 3], see_through[1, :, 3] = 0, 255
    mode, pixels = read(shown(tidy(drawn(figure(see_through)))))
    share = see_through[..., 3:] / 255
    assert mode == "RGB"
    assert np.abs(pixels - (share * see_through[..., :3] + (1 - share) * 255)).max() <= 0.51
    assert (pixels[0] == 255).all()
    assert (pixels[1] == see_through[1, :, :3]).all()


def test_a_palette_with_a_transparent_colour_is_put_on_white_too():
    picture = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8))
    picture.putpalette([10, 20, 30, 40, 50, 60])
    tidied = light(png(picture, transparency=0))
    assert "transparency" not in Image.open(io.BytesIO(tidied)).info
    assert read(tidied)[1].tolist() == [[[255] * 3, [40, 50, 60]], [[40, 50, 60], [255] * 3]]


@pytest.mark.parametrize(("colours", "mode"), [(1, "P"), (2, "P"), (17, "P"), (256, "P"), (257, "RGB")])
@pytest.mark.parametrize("alpha", [False, True])
def test_up_to_256_colours_become_a_palette_and_every_colour_survives(colours, mode, alpha):
    before = coloured(colours)
    assert len(np.unique(before.reshape(-1, 3), axis=0)) == colours
    after = read(shown(tidy(drawn(figure(opaque(before) if alpha else before)))))
    assert after[0] == mode
    assert (after[1] == before).all()


DOWN, ACROSS = np.mgrid[:90, :120]
PICTURES = {
    "noise": noise(),
    "slopes": np.stack([DOWN, ACROSS, DOWN + ACROSS], axis=2).astype(np.uint8),
    "large pixels": noise(3, 3, 24, 24).repeat(8, axis=0).repeat(8, axis=1),
    "strokes": np.where(noise(1, 1, 90, 120) < 240, 255, noise(2, 3, 90, 120)).astype(np.uint8),
}


@pytest.mark.parametrize("name", PICTURES)
def test_many_colours_stay_exactly_as_they_are_however_they_are_packed(name):
    before = PICTURES[name]
    files = packed(Image.fromarray(before))
    assert len(set(files)) == 3
    for file in files:
        mode, after = read(file)
        assert mode == "RGB"
        assert (after == before).all()
    assert light(png(opaque(before))) == min(files, key=len)


def test_words_and_size_of_a_picture_stay():
    (output,) = tidy(drawn(figure(opaque(noise())))).cells[0].outputs
    assert output.metadata == SIZE
    assert output.data["text/plain"] == "[noise]"


def test_a_picture_that_is_light_already_keeps_its_bytes():
    """Whoever has packed it: another Pillow packs differently."""
    for pixels in (noise(), Image.fromarray(coloured(9)).convert("P"), noise(channels=1)[..., 0]):
        assert light(png(pixels, compress_level=1)) == png(pixels, compress_level=1)


def moved(levels):
    """The noise, with one channel of one pixel so many levels from what it was."""
    pixels = noise()
    pixels[7, 5, 1] = int(pixels[7, 5, 1]) + levels
    return pixels


@pytest.mark.parametrize(("levels", "kept"), [(0, True), (2, True), (-2, True), (3, False), (-3, False)])
def test_a_picture_that_looks_like_the_old_one_keeps_its_bytes(levels, kept):
    old = drawn(figure(moved(levels), compress_level=1))
    after = shown(tidy(drawn(figure(opaque(noise()))), old))
    assert (after == shown(old)) == kept
    if not kept:
        assert (read(after)[1] == noise()).all()


def test_an_old_picture_that_stays_becomes_light():
    after = shown(tidy(drawn(figure(opaque(noise()))), drawn(figure(opaque(moved(1))))))
    assert read(after)[0] == "RGB"
    assert (read(after)[1] == moved(1)).all()


@pytest.mark.parametrize("side", [0, 1])
def test_a_picture_of_another_size_is_another_picture(side):
    flat = np.full((30, 40, 3), 250, np.uint8)
    larger = np.full((30 + (side == 0), 40 + (side == 1), 3), 250, np.uint8)
    assert read(shown(tidy(drawn(figure(larger)), drawn(figure(flat)))))[1].shape == larger.shape
    assert look_alike(png(flat), png(flat))
    assert not look_alike(png(flat), png(larger))


def test_only_the_picture_in_the_same_place_of_the_same_cell_is_asked():
    new, other = figure(opaque(noise())), figure(opaque(noise(1)))
    old = figure(moved(1))
    plain = shown(tidy(drawn(new)))
    assert shown(tidy(drawn(new), drawn(old, cell="second"))) == plain
    assert shown(tidy(drawn(new), drawn(other, old))) == plain
    assert shown(tidy(drawn(other, new), drawn(other, old))) == shown(drawn(old))
    assert shown(tidy(drawn(other, new), drawn(other))) == plain
    assert shown(tidy(drawn(new), drawn(new_output("stream", text="no picture yet")))) == plain


def test_each_frame_of_a_movie_is_a_picture_and_the_words_around_it_stay():
    def movie(*frames):
        sources = ", ".join(f'"data:image/png;base64,{in_base64(frame)}"' for frame in frames)
        return drawn(
            new_output("display_data", {"text/html": f"<figure data-frames='[{sources}]'>iVBORw & more</figure>"})
        )

    def html(notebook):
        return notebook.cells[0].outputs[0].data["text/html"]

    assert html(tidy(movie(opaque(noise()), opaque(coloured(5))))).count("base64") == 2
    old = movie(noise(2), moved(2), noise(3))
    assert html(tidy(movie(opaque(noise(2)), opaque(noise()), noise(3)), old)) == html(old)
    changed = html(tidy(movie(opaque(noise(2)), opaque(noise(4)), noise(3)), old))
    sources = changed.split('"')
    assert (read(sources[3].split(",")[1])[1] == noise(4)).all()
    assert sources[::2] == html(old).split('"')[::2]


def bar(words):
    return new_output("display_data", {"text/plain": words, VIEW: {"model_id": "bar"}})


def test_bars_go_and_what_was_printed_in_pieces_is_whole():
    pieces = [new_output("stream", name="stdout", text=text) for text in ("one\n", "two\n")]
    bars = [bar("100%|████| 5/5 [00:01<00:00, 4.00it/s]"), bar("100%|████| 5/5 [00:09<00:00, 1.80s/it]")]
    picture = figure(noise())
    (cell,) = tidy(drawn(bars[0], *pieces, bars[1], picture)).cells
    assert [output.get("text") for output in cell.outputs] == ["one\ntwo\n", None]
    assert shown(tidy(drawn(bars[0], figure(opaque(noise()))), drawn(figure(moved(1))))) == in_base64(moved(1))


def with_widgets():
    notebook = drawn(new_output("display_data", {VIEW: {"model_id": "box"}}), bar("100% 5/5 [00:01<00:00, 4.00it/s]"))
    image = f'<img src="data:image/png;base64,{in_base64(opaque(noise()))}" alt="noise" onload="say()">'
    models = {
        "box": {"children": ["IPY_MODEL_slider", "IPY_MODEL_picture"]},
        "slider": {"value": 7, "layout": "IPY_MODEL_layout"},
        "layout": {"width": "600px"},
        "picture": {"value": image},
        "bar": {"value": 5, "layout": "IPY_MODEL_bare"},
        "bare": {},
    }
    state = {name: {"model_name": name, "state": state} for name, state in models.items()}
    notebook.metadata.widgets = {STATE: {"state": state, "version_major": 2}}
    return nbformat.from_dict(notebook)


def test_widgets_that_are_shown_stay_with_all_they_need_and_a_light_picture():
    before, after = (notebook.metadata.widgets[STATE].state for notebook in (with_widgets(), tidy(with_widgets())))
    assert set(after) == {"box", "slider", "layout", "picture"}
    assert all(after[name] == before[name] for name in ("box", "slider", "layout"))
    start, source, end = after["picture"].state.value.split('"', 2)
    assert read(source.split(",")[1])[0] == "RGB"
    assert (read(source.split(",")[1])[1] == noise()).all()
    assert (start, end) == ("<img src=", ' alt="noise" onload="say()">')


@pytest.mark.parametrize("old", [None, "old.ipynb"])
def test_twice_changes_nothing_more(old, tmp_path):
    notebook = with_widgets()
    outputs = [figure(pixels) for pixels in (opaque(noise()), noise(channels=4), coloured(200), *PICTURES.values())]
    notebook.cells += [new_code_cell("draw()", id="more", outputs=outputs)]
    new = tmp_path / "new.ipynb"
    nbformat.write(notebook, new)
    nbformat.write(drawn(figure(moved(1)), cell="more"), tmp_path / "old.ipynb")
    once, twice = (main(new, old and tmp_path / old) or new.read_bytes() for _ in range(2))
    assert once == twice
    assert len(once) > 10_000


def test_make_names_the_notebook_that_was_run_and_the_one_it_replaces(tmp_path):
    wanted = "notebooks/tidy.py notebooks/.run/01_intuition.ipynb notebooks/01_intuition.ipynb"
    command = ["make", "--dry-run", "--always-make", "notebooks/01_intuition.ipynb"]
    env = {"PATH": os.environ["PATH"]}  # not that of a make around this test
    assert wanted in subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout
    nbformat.write(drawn(figure(opaque(noise()))), tmp_path / "new.ipynb")
    nbformat.write(drawn(figure(moved(1))), tmp_path / "old.ipynb")
    command = [sys.executable, ROOT / "notebooks" / "tidy.py", "new.ipynb", "old.ipynb"]
    subprocess.run(command, cwd=tmp_path, check=True)
    after = (tmp_path / "new.ipynb").read_bytes()
    assert shown(nbformat.reads(after.decode(), as_version=4)) == in_base64(moved(1))
    subprocess.run(command[:-1], cwd=tmp_path, check=True)  # as for a notebook that is new
    assert (tmp_path / "new.ipynb").read_bytes() == after


def test_the_movie_of_a_slider_is_made_light_like_any_other():
    pixels = np.zeros((4, 4, 4), dtype=np.uint8)
    output = new_output(
        "display_data", {VIEW: {"model_id": "a"}}, metadata={"movie": f"<img src='{in_base64(pixels)}'>"}
    )
    (cell,) = tidy(drawn(output)).cells
    assert read(re.search("'(.*)'", cell.outputs[0].metadata["movie"])[1])[0] == "P", "without alpha, with a palette"
