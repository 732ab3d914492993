"""What `python -m build` makes, alone on a machine: it installs there with all it needs, and a notebook runs from it.

The environment is empty, and everything comes from the registry. That takes minutes and gigabytes.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest
from running import ROOT, copy_checkout, words

NOTEBOOK = ROOT / "notebooks" / "01_intuition.ipynb"
ELSEWHERE = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def run(*command, cwd):
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=ELSEWHERE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with the sdist of the working tree, and the wheel that was built from that sdist."""
    folder = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of an empty environment; it is removed at the end, because pytest would keep its gigabytes."""
    home = tmp_path_factory.mktemp("empty")
    venv.create(home, with_pip=True, symlinks=True)
    yield home / "bin" / "python"
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """The name of each file that would be committed."""
    folder = tmp_path_factory.mktemp("checkout")
    copy_checkout(folder)
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def test_an_sdist_holds_what_git_holds_and_nothing_else(built, checkout):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert names - {"PKG-INFO"} == checkout
    assert sdist.stat().st_size <= 25e6


def test_a_wheel_holds_the_package_with_its_data_and_nothing_else(built, checkout):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    ours = {name for name in checkout if name.startswith(("course_utils/", "data/", "weights/"))}
    assert names == {name if name.startswith("course_utils/") else f"course_utils/{name}" for name in ours}
    assert wheel.stat().st_size <= 15e6


@pytest.mark.parametrize("kind", ["whl", "tar.gz"])
def test_it_installs_and_a_notebook_runs_from_it(kind, built, python, tmp_path):
    (package,) = built.glob(f"*.{kind}")
    run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "noise-to-sprites", cwd=tmp_path)
    run(python, "-m", "pip", "install", "--quiet", f"{package}[lab]", cwd=tmp_path)
    code = "import course_utils, importlib.metadata as m; print(course_utils.__file__); "
    code += "print(m.distribution('noise-to-sprites').read_text('direct_url.json'))"
    found, origin = run(python, "-c", code, cwd=tmp_path).splitlines()
    assert Path(found).is_relative_to(python.parents[1])
    assert package.name in origin

    shutil.copy(NOTEBOOK, tmp_path)
    run(python, "-m", "nbconvert", "--to", "notebook", "--execute", "--inplace", NOTEBOOK.name, cwd=tmp_path)
    assert words(nbformat.read(tmp_path / NOTEBOOK.name, as_version=4)) == words(nbformat.read(NOTEBOOK, as_version=4))
