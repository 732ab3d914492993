"""The project around the course: two commands, one list of dependencies, one wheel that needs nothing else."""

import ast
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import zipfile
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest
from running import PUBLIC_NAMES

import course_utils

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def names_and_bounds(requirements):
    return dict(re.fullmatch(r"([a-z0-9-]+)(>=[0-9.]+)", requirement).groups() for requirement in requirements)


def test_dependencies_have_lower_bounds_only():
    extras = PROJECT["optional-dependencies"]
    exceptions = ("ruff>=", "noise-to-sprites[")  # a linter, and the course with some of its extras
    for requirement in [*PROJECT["dependencies"], *(line for extra in extras.values() for line in extra)]:
        assert re.fullmatch(r"[a-z0-9-]+>=[0-9.]+", requirement) or requirement.startswith(exceptions)


def test_conda_environment_is_the_same_as_the_lab():
    ours = names_and_bounds([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["lab"]])
    listed = re.findall(r"^  - ([a-z-]+)(>=[0-9.]+)$", (ROOT / "environment.yml").read_text(), re.MULTILINE)
    theirs = dict(listed)
    assert theirs.pop("python") == PROJECT["requires-python"]
    conda_names = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
    assert theirs == {conda_names.get(name, name): bound for name, bound in ours.items()}


def test_make_alone_prints_its_targets_one_line_each():
    env = {"PATH": os.environ["PATH"]}  # not that of a make around this test
    lines = subprocess.run(["make"], cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout.splitlines()
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [line.split()[1] for line in lines] == targets
    assert {"lab", "test", "notebooks"} <= set(targets)
    assert all(len(line.split()) > 3 for line in lines)


def test_workflows_pin_every_action_and_run_what_anybody_can_type():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for workflow in ROOT.glob(".github/workflows/*.yml"):
        text = workflow.read_text()
        for action in re.findall(r"\buses:(.*)", text):
            assert re.fullmatch(r" [\w/-]+@[0-9a-f]{40} # v\d+(\.\d+)*", action), f"{workflow.name}:{action}"
        assert set(re.findall(r"\bmake (?:--silent )?([a-z-]+)", text)) <= set(targets), workflow.name


@pytest.mark.parametrize(
    ("python", "reason"),
    [
        ("oldpython", "the course needs Python 3.11 or newer, and oldpython is 3.9"),
        ("nopython", "nopython is not installed"),
    ],
)
@pytest.mark.parametrize("target", ["lab", "test"])
def test_make_says_in_one_line_why_a_python_will_not_do(python, reason, target, tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    old = tmp_path / "bin" / "oldpython"
    old.parent.mkdir()
    pretend = "import sys; sys.version_info = (3, 9, 0, 'final', 0); exec(sys.argv[1])"
    old.write_text(f"""#!/bin/sh\nshift\nexec '{sys.executable}' -c "{pretend}" "$@"\n""")
    old.chmod(0o755)
    done = subprocess.run(
        ["make", target, f"PYTHON={python}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PATH": f"{old.parent}{os.pathsep}{os.environ['PATH']}"},
    )
    assert done.returncode != 0
    said = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("make: ***")]
    assert len(said) == 1
    assert reason in said[0]
    assert not (tmp_path / ".venv").exists()


STAND_IN = """#!/bin/sh
# Python, pip and jupyter in one: notes what it is asked, and fails where it is told to.
echo "$*" >> "$NOTES"
IFS=,; for words in $FAILS; do case "$*" in *"$words"*) exit 1 ;; esac; done
if [ "$1 $2" = "-m venv" ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && cp "$0" "$3/bin/jupyter"; fi
"""


@pytest.fixture
def set_up(tmp_path):
    """Runs `make .venv/lab` on a Linux of stand-ins; gives what pip was asked, and what was said."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)

    def run(system="Linux", gpu="No devices were found", fails="", arguments=(), **env):
        stand_ins = {
            "python3": STAND_IN,
            "uname": f"#!/bin/sh\necho {system}",
            "nvidia-smi": f"#!/bin/sh\necho '{gpu}'",
        }
        for name, text in stand_ins.items():
            (tmp_path / name).write_text(text)
            (tmp_path / name).chmod(0o755)
        env |= {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "NOTES": str(tmp_path / "notes"), "FAILS": fails}
        command = ["make", ".venv/lab", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
        asked = (tmp_path / "notes").read_text().splitlines()
        assert sum("urlopen" in line for line in asked) <= 1
        return [line.split(" pip ")[1] for line in asked if " pip " in line], done.stderr

    return run


GPU = "GPU 0: NVIDIA GeForce"
ALL = "install --disable-pip-version-check --editable .[lab]"
FOR_CPUS = "install --disable-pip-version-check --index-url https://download.pytorch.org/whl/cpu torch torchvision"
BACK = "uninstall -qy torch torchvision"


@pytest.mark.parametrize(
    ("machine", "asked", "said"),
    [
        ({}, [FOR_CPUS, ALL], "about 1.3 GB"),
        ({"gpu": GPU, "fails": "import torch"}, [ALL], "about 6 GB"),
        ({"gpu": GPU, "arguments": ["TORCH=cpu"]}, [FOR_CPUS, ALL], "about 1.3 GB"),
        ({"arguments": ["TORCH=cuda"], "fails": "import torch"}, [ALL], "about 6 GB"),
        ({"system": "Darwin", "fails": "import torch"}, [ALL], "about 1 GB elsewhere"),
        ({"fails": "urlopen,import torch"}, [ALL], "about 6 GB"),  # the index does not answer
        ({"fails": "--index-url,import torch"}, [FOR_CPUS, BACK, ALL], "about 6 GB"),  # has nothing for this machine
        ({"fails": "import torch"}, [FOR_CPUS, BACK, ALL], "about 6 GB"),  # or two that do not fit
    ],
)
def test_without_a_gpu_pytorch_comes_without_cuda_if_it_can(set_up, machine, asked, said):
    """And in any other case as the registry has it. How large it is is said before it comes."""
    now_asked, now_said = set_up(**machine)
    assert now_asked == asked
    assert said in now_said


@pytest.mark.parametrize(("env", "quiet"), [({}, 0), ({"CI": "true"}, 2)])
def test_pip_shows_its_progress_but_in_ci(set_up, env, quiet):
    asked, _ = set_up(**env)
    assert sum("--quiet" in line for line in asked) == quiet


def test_lab_opens_the_first_notebook():
    lab = re.search(r"^lab:.*\n\t(.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    first = re.search(r"--notebook-dir=\. .*default_url=/lab/tree/(\S+)", lab)[1]
    assert ROOT / first == min((ROOT / "notebooks").glob("*.ipynb"))


def test_a_second_call_installs_nothing_until_the_dependencies_change(tmp_path):
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv").mkdir()
    for age, name in ((300, "pyproject.toml"), (200, ".venv/python"), (100, ".venv/lab"), (100, ".venv/test")):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age,) * 2)

    def would_run():
        env = {"PATH": os.environ["PATH"]}  # not that of a make around this test, which may be for another .venv
        done = subprocess.run(["make", "-n", "lab", "test"], cwd=tmp_path, env=env, capture_output=True, text=True)
        return done.stdout

    assert "jupyter lab" in would_run()
    assert "pytest --nbval" in would_run()
    assert "pip install" not in would_run()
    (tmp_path / "pyproject.toml").touch()
    assert would_run().count("pip install") == 2


def test_a_wheel_carries_data_and_weights_and_works_from_anywhere(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = (tmp_path / "dist").glob("noise_to_sprites-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    for folder in ("data", "weights"):
        for file in (file for file in (ROOT / folder).iterdir() if file.is_file()):
            assert (tmp_path / "site" / "course_utils" / folder / file.name).is_file()
    code = "import course_utils; print(course_utils.__file__, tuple(course_utils.load_sprites()[0].shape))"
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert str(tmp_path / "site") in found
    assert "(20000, 3, 16, 16)" in found


def test_public_names_are_explicit_and_documented():
    assert len(PUBLIC_NAMES) == len(set(PUBLIC_NAMES))
    for name in PUBLIC_NAMES:
        assert getattr(course_utils, name).__doc__, name


def test_imports_only_go_down():
    """Rooms on one floor do not meet, and within a room there is no circle."""
    floors = "validation < diffusion, networks < figures, storage < sprites, quality < training < exercises < __main__"
    floor = {room: i for i, rooms in enumerate(floors.split(" < ")) for room in rooms.split(", ")}
    assert floors in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    package = ROOT / "course_utils"
    rooms = {path.parent.name for path in package.glob("*/*.py")} | {path.stem for path in package.glob("*.py")}
    assert rooms - {"__init__"} == set(floor)
    below = {}
    for path in package.rglob("*.py"):
        own = path.relative_to(package).with_suffix("").parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.startswith("course_utils") for name in names)
            if isinstance(node, ast.ImportFrom) and own != ("__init__",):
                assert not (node.module or "").startswith("course_utils")
                if node.level == len(own):  # from the package itself
                    rooms = [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
                    rooms = [room for room in rooms if room != "__version__"]
                    assert all(floor[room] < floor[own[0]] for room in rooms), f"{path.name}: {rooms}"
                elif node.level:  # from a neighbour in the same room
                    neighbours = [node.module] if node.module else [alias.name for alias in node.names]
                    below.setdefault(own, set()).update((own[0], name) for name in neighbours)
    TopologicalSorter(below).prepare()  # raises where there is a circle


def test_files_are_short():
    """The artist and the cases of exercises excepted."""
    for path in (ROOT / "course_utils").rglob("*.py"):
        if path.parent.name not in ("sprites", "exercises"):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, path


def test_torchvision_and_pyplot_stay_out_of_the_import():
    code = "import sys, course_utils; print({'torchvision', 'matplotlib.pyplot', 'diffusers'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert said.strip() == "set()"


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]])
def test_code_is_tidy(command):
    """Without the cache: ruff keeps a verdict on a file that another file has changed."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--no-cache", str(ROOT)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_readme_lists_every_notebook():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert f"notebooks/{path.name}" in readme


def pages():
    """Every page of prose that people read, with its text; what stands in fences is code."""
    for page in [*ROOT.glob("*.md"), *ROOT.glob("*/*.md"), *ROOT.glob("*/api/*.md")]:
        yield page, re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def test_links_to_files_lead_somewhere():
    for page, text in pages():
        for target in re.findall(r"\]\((?!https?:|colab:|arxiv:|#|mailto:)([^)#]+)", text):
            beside = (
                ROOT if page.parent.name == "site" and target.startswith("notebooks/") else page.parent
            )  # copied there
            assert (beside / target).exists(), f"{page.name} links to {target}"


def test_pages_can_be_heard():
    """Pictures have words, and no level of headings is left out."""
    for page, text in pages():
        assert all(len(alt) >= 8 for alt in re.findall(r"!\[([^\]]*)\]\(", text)), page
        levels = [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]
        assert levels[0] == 1, page
        assert all(below <= above + 1 for above, below in pairwise(levels)), page


def test_the_repository_has_one_address():
    """A fork changes `project.urls.Repository`, and this test and those of the notebooks say where else."""
    ours = PROJECT["urls"]["Repository"].removeprefix("https://github.com/")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for notebook in ROOT.glob("notebooks/*.ipynb"):
        assert f"https://colab.research.google.com/github/{ours}/blob/main/notebooks/{notebook.name}" in readme
    for page, text in pages():
        named = re.findall(r"github(?:\.com)?/([\w-]+/noise-to-sprites)", text)
        assert set(named) <= {ours}, page
