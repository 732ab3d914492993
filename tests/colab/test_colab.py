"""Each notebook as Colab runs it: alone in an empty folder, on a machine that gets the course from its first cell.

The machine is a fresh virtual environment that has all that this one has, but for the course, and Colab's old
ipywidgets. A stand-in for `google.colab` is loaded before the first cell, and the address of the repository leads to
a commit of the working tree: what is tested is what would be pushed.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import nbformat
import pytest
from running import GIT, ROOT, all_outputs, copy_checkout, each_notebook, grumbles, words

REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
OLDER = ["ipywidgets==7.7.1", "ipython-genutils==0.2.0"]  # what the page of Colab can show
NOT_THERE = re.compile(r"noise_to_sprites|course_utils|ipywidgets|.*\.pth$")


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """The working tree as the one commit of a repository, on the branch `main`; its default branch is another."""
    tree = tmp_path_factory.mktemp("repository")
    copy_checkout(tree)
    for command in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "--all", "--force"],
        ["commit", "--quiet", "--message", "The working tree"],
        ["symbolic-ref", "HEAD", "refs/heads/nothing-here"],
    ):
        subprocess.run([*GIT, *command], cwd=tree, check=True)
    return tree


@pytest.fixture(scope="module")
def preinstalled(tmp_path_factory):
    """What Colab has: every package of this environment but the course, and an older ipywidgets."""
    packages = tmp_path_factory.mktemp("preinstalled")
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if not NOT_THERE.match(package.name):
            (packages / package.name).symlink_to(package)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(packages), *OLDER]
    subprocess.run(pip, check=True)
    for card in packages.glob("ipywidgets-*/METADATA"):  # it wants the old Jupyter Notebook beside it, which Colab has
        card.write_text(re.sub("^Requires-Dist.*\n", "", card.read_text(), flags=re.MULTILINE))
    return packages


@pytest.fixture
def colab(tmp_path, repository, preinstalled):
    """A fresh machine: runs a command with its Python in an empty folder, and returns what that printed."""
    venv.create(tmp_path / "venv", symlinks=True)
    python, packages = tmp_path / "venv" / "bin" / "python", site_packages(tmp_path)
    (packages / "preinstalled.pth").write_text(f"{preinstalled}\n")
    (packages / "google" / "colab").mkdir(parents=True)
    (packages / "google" / "colab" / "__init__.py").touch()
    kernel = {"argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"], "display_name": "Python 3"}
    for name, content in {
        "ipython/profile_default/startup/colab.py": "import google.colab\n",
        "jupyter/kernels/python3/kernel.json": json.dumps({**kernel, "language": "python"}),
    }.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "content").mkdir()
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")} | {
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_DATA_DIR": str(tmp_path / "jupyter"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{repository}.insteadOf",
        "GIT_CONFIG_VALUE_0": REPOSITORY,
    }

    def run(*arguments):
        command = [str(python), *arguments]
        done = subprocess.run(command, cwd=tmp_path / "content", env=env, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def site_packages(home):
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(home / "venv"), "platbase": str(home / "venv")}))


@each_notebook
def test_a_notebook_installs_the_course_and_runs(path, tmp_path, colab, preinstalled):
    torch = "import torch; print(torch.__version__, torch.__file__)"
    before = colab("-c", torch)
    assert str(preinstalled) in before
    assert colab("-c", "from importlib.util import find_spec; print(find_spec('course_utils'))") == "None\n"

    shutil.copy(path, tmp_path / "content")
    colab("-m", "nbconvert", "--to", "notebook", "--execute", "--inplace", path.name)

    assert colab("-c", torch) == before
    assert colab("-c", "import course_utils; print(course_utils.__path__[0])").strip() == str(
        site_packages(tmp_path) / "course_utils"
    )
    installed = [package.name.split("-")[0] for package in site_packages(tmp_path).glob("*.dist-info")]
    assert installed == ["noise_to_sprites"], "only the course; what Colab has must stay"
    run = nbformat.read(tmp_path / "content" / path.name, as_version=4)
    assert not grumbles(all_outputs(run))
    assert words(run) == words(nbformat.read(path, as_version=4))
