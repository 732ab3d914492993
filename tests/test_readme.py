"""What README shows and says at first sight is so: its ten lines draw, its commands run, its pictures are there."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import torch
from PIL import Image
from quick import draw_nothing

from course_utils import context_accuracy, load_classifier, load_pretrained, load_sprites, sample_ddim
from course_utils.__main__ import main
from course_utils.figures.images import to_pixels

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]


def fences(language):
    """What stands in the blocks of code of a language."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [text for name, text in blocks if name == language]


def test_ten_lines_draw_what_they_ask_for(tmp_path, monkeypatch):
    (code,) = fences("python")
    assert len(code.split("\n\n")) == 2
    assert len([line for line in code.splitlines() if line]) == 10
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    exec(code, names := {})
    assert [path.name for path in tmp_path.iterdir()] == ["sprites.png"]
    with Image.open("sprites.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 7 * picture.height  # eight in a row

    x, wish = names["x"], names["wish"]
    assert context_accuracy(load_classifier(), x, wish) >= 0.75  # 0.2 by chance
    torch.manual_seed(0)
    model, schedule = load_pretrained()  # which makes a network first, of random numbers
    torch.testing.assert_close(x, sample_ddim(model, (8, 3, 16, 16), schedule, 25, wish))


def test_commands_for_makers_run_one_after_the_other(tmp_path, monkeypatch, capsys):
    (block,) = (block for block in fences("") if "course_utils train" in block)
    activate, *lines = block.splitlines()
    assert len(lines) == 4
    assert activate.startswith("source .venv/bin/activate ")
    monkeypatch.chdir(tmp_path)
    draw_nothing(monkeypatch)
    for name, pixels in zip(("cat", "dragon"), to_pixels(load_sprites()[0][:2]), strict=True):
        Path("my-sprites", name).mkdir(parents=True)
        for i in range(4):
            Image.fromarray(pixels).rotate(90 * i).save(Path("my-sprites", name, f"{i}.png"))
    for line in lines:
        python, m, package, *arguments = shlex.split(line, comments=True)
        assert [python, m, package] == ["python", "-m", "course_utils"]
        if arguments[0] == "train":  # a small network, and as short as the command allows
            arguments = ["0.02" if argument == "20" else argument for argument in arguments] + ["--n-features", "8"]
        assert main(arguments) == 0, capsys.readouterr().err
    for name in ("mine.md", "mine-samples.png", "more.png", "more.webp", "sprites-samples.png"):
        assert Path(name).is_file()


def test_a_newcomer_finds_the_start_in_the_first_lines():
    head = README.splitlines()[:20]
    start = head.index("```")
    assert head[start + 1 : start + 3] == [f"git clone --depth 1 {REPOSITORY}", f"cd {Path(REPOSITORY).name}"]
    assert [line.split("#")[0].strip() for line in head[start + 3 : start + 5]] == ["make lab", "make test"]


def test_the_site_is_where_its_workflow_publishes_it():
    """GitHub Pages of a repository: its owner's domain, and its name."""
    owner, name = REPOSITORY.removeprefix("https://github.com/").split("/")
    sites = re.findall(r"https://[\w.-]+\.github\.io[^\s)]*", README)
    assert set(sites) == {f"https://{owner}.github.io/{name}/"}
    assert "actions/deploy-pages@" in (ROOT / ".github" / "workflows" / "site.yml").read_text()


def test_links_to_headings_lead_somewhere():
    links = re.findall(r"\]\(([\w./-]*)#([\w-]+)\)", README)
    assert len(links) >= 2
    for page, anchor in links:
        text = (ROOT / (page or "README.md")).read_text(encoding="utf-8")
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        assert anchor in [heading.lower().replace(" ", "-") for heading in headings], f"{page}#{anchor}"


@pytest.mark.parametrize("notebook", sorted(path.stem for path in ROOT.glob("notebooks/*.ipynb")))
def test_each_notebook_has_a_light_picture_with_words(notebook):
    cover = re.search(rf'\[<img src="media/covers/{notebook}\.png" width="(\d+)" alt="([^"]+)">\]', README)
    width, words = cover.groups()
    assert len(words) >= 40
    path = ROOT / "media" / "covers" / f"{notebook}.png"
    assert path.stat().st_size < 25_000
    with Image.open(path) as picture:
        assert picture.mode == "RGB"  # opaque, so that it is the same on a dark page
        assert picture.width == 2 * int(width)


def test_every_picture_is_there_and_light():
    named = re.findall(r"\]\((media/[^)]+)\)", README) + re.findall(r'<img src="([^"]+)"', README)
    ours = [path for path in (ROOT / "media").rglob("*") if path.suffix in (".png", ".svg", ".webp")]
    assert {ROOT / name for name in named} == set(ours)
    for path in ours:
        assert path.stat().st_size < (500_000 if path.suffix == ".webp" else 120_000), path
