"""The ways of students: a course in a hostile place, cells run twice, stopped and out of order, and a kernel anew.

Each way works, or the notebook says in one sentence what to do.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from symtable import symtable
from threading import Timer

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from running import (
    NOTEBOOKS,
    all_outputs,
    code_cells,
    copy_checkout,
    each_notebook,
    errors,
    grumbles,
    is_compared,
    printed,
    words,
)

WHAT_TO_DO = (
    "If a cell stops with an error, or its numbers do not fit the text, "
    "restart the kernel and run all cells from the top."
)
FOLDER = "my course 扩散模型"
PERSONAL = re.compile(r"HOME|USER|LOGNAME|VIRTUAL_ENV|(XDG|JUPYTER|IPYTHON|MPL|PYTHON)\w*")
NO_NETWORK = """
import sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        raise ConnectionError("there is no network")

sys.addaudithook(refuse)
"""
RUN = """
import sys, nbclient, nbformat

notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=600, allow_errors=True).execute()
sys.stdout.buffer.write(nbformat.writes(notebook).encode())
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the course that nobody may write to, with an environment that has no network."""
    course = tmp_path_factory.mktemp("place") / FOLDER
    copy_checkout(course)
    venv.create(course / ".venv", symlinks=True)
    base = {"base": str(course / ".venv"), "platbase": str(course / ".venv")}
    packages = Path(sysconfig.get_path("purelib", "venv", base))
    (packages / "course.pth").write_text(f"{course}\n{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    (packages / "no_network.pth").write_text("import no_network\n")
    (packages / "no_network.py").write_text(NO_NETWORK)
    paths = [path for path in [course, *course.rglob("*")] if not path.is_symlink()]
    for path in paths:
        path.chmod(path.stat().st_mode & ~0o222)
    yield course
    for path in paths:
        path.chmod(path.stat().st_mode | 0o200)


def times(course):
    """When each file and folder was last written."""
    return {path: path.lstat().st_mtime_ns for path in [course, *course.rglob("*")]}


@pytest.fixture
def run_there(checkout, tmp_path):
    """Runs a notebook in the hostile place, from another folder: no home, no GPU, no network, nothing to write to."""
    modest = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"] if os.geteuid() == 0 else []
    environment = {name: value for name, value in os.environ.items() if not PERSONAL.fullmatch(name)}
    before = times(checkout)

    def run(path, **more):
        done = subprocess.run(
            [*modest, str(checkout / ".venv" / "bin" / "python"), "-c", RUN, str(path)],
            cwd=tmp_path,
            env={**environment, "CUDA_VISIBLE_DEVICES": "", **more},
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr.decode()
        return nbformat.reads(done.stdout.decode(), as_version=4)

    yield run
    assert times(checkout) == before, "something was written into the course"


class Kernel:
    """A running kernel, and somebody at the stop button."""

    def __init__(self, folder):
        self.manager, self.client = start_new_kernel(kernel_name="python3", cwd=str(folder))

    def run(self, code, patience=600):
        """The outputs of a cell, which is stopped after so many seconds."""
        stop = Timer(patience, self.manager.interrupt_kernel)
        stop.start()
        said = self._said_about(self.client.execute(code, allow_stdin=False))
        kinds = ("stream", "display_data", "execute_result", "error")
        outputs = [nbformat.v4.output_from_msg(message) for message in said if message["msg_type"] in kinds]
        stop.cancel()
        stop.join()  # a late stop must not hit the next cell
        return outputs

    def _said_about(self, request):
        while True:
            message = self.client.get_iopub_msg(timeout=700)
            if message["parent_header"].get("msg_id") == request:
                if message["content"].get("execution_state") == "idle":
                    return
                yield message

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(tmp_path):
    kernel = Kernel(tmp_path)
    yield kernel
    kernel.close()


def names_written(source):
    """What a cell leaves behind: the names that it gives on its outermost level."""
    symbols = symtable(source, "cell", "exec").get_symbols()
    return {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}


def test_the_place_is_as_hostile_as_it_seems(checkout, run_there, tmp_path):
    refusals = {
        "(course / 'README.md').open('a')": "PermissionError: .*",
        "(course / 'notebooks' / 'new').touch()": "PermissionError: .*",
        "import os; os.environ['HOME']": "KeyError: 'HOME'",
        "import urllib.request; urllib.request.urlopen('http://example.org')": "URLError: .*there is no network.*",
        "import torch; assert torch.cuda.is_available(), 'no GPU'": "AssertionError: no GPU",
        "raise OSError(pathlib.Path.cwd())": f"OSError: {re.escape(str(tmp_path))}",
        "import course_utils; raise OSError(course_utils.__file__)": f"OSError: {re.escape(str(checkout))}/.*",
    }
    codes = [f"import pathlib; course = pathlib.Path({str(checkout)!r})", *refusals]
    cells = [nbformat.v4.new_code_cell(code) for code in codes]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "attempts.ipynb")
    said = errors(all_outputs(run_there(tmp_path / "attempts.ipynb")))
    assert len(said) == len(refusals)
    for heard, refusal in zip(said, refusals.values(), strict=True):
        assert re.fullmatch(refusal, heard)


@each_notebook
def test_a_notebook_runs_in_a_hostile_place(path, checkout, run_there, tmp_path):
    """A read-only checkout, spaces and Chinese in its path, another working directory, no home, no GPU, no network."""
    run = run_there(checkout / "notebooks" / path.name)
    assert not errors(all_outputs(run))
    assert not grumbles(all_outputs(run))
    assert words(run) == words(nbformat.read(path, as_version=4))
    assert not list(tmp_path.iterdir())


@each_notebook
def test_a_restless_student_breaks_nothing_that_running_all_cells_above_does_not_mend(path, kernel):
    """Each cell is run twice, and stopped if it takes more than a second; then all are run backwards, and from the top.

    The first of two runs gets other noise than the second. With a student it is the other way round, but so all cells
    can be compared with what the notebook shows. Backwards, a cell may find a name that a later one has taken: then it
    may stop, and the notebook says what to do.
    """
    cells = code_cells(nbformat.read(path, as_version=4))

    def run_whole(cell):
        outputs = kernel.run(cell.source)
        assert not errors(outputs) + grumbles(outputs), cell.source
        assert printed(outputs) == printed(cell.outputs) or not is_compared(cell), cell.source

    # Not stopped: a half import of torch wants a new kernel, as the notebook says. Part of it comes with an optimizer.
    run_whole(cells[0])
    kernel.run("torch.optim.Adam([torch.zeros(1)])")
    for cell in cells:
        kernel.run("_noise = randomness.get_state(); torch.randn(1, generator=randomness)")
        assert set(errors(kernel.run(cell.source, patience=1))) <= {"KeyboardInterrupt: "}, cell.source
        kernel.run("randomness.set_state(_noise)")
        run_whole(cell)
    for cell in reversed(cells):
        kernel.run(cell.source, patience=1)
    for cell in cells[: len(cells) // 3]:
        run_whole(cell)


@each_notebook
def test_a_cell_alone_in_a_new_kernel_works_or_names_what_is_missing(path, kernel):
    """As after a restart in the middle; what is missing has its name from an earlier cell."""
    earlier = set()
    for cell in code_cells(nbformat.read(path, as_version=4)):
        kernel.run("%reset -f")
        for error in errors(kernel.run(cell.source)):
            missing = re.fullmatch(r"NameError: name '(\w+)' is not defined.*", error)
            assert missing, f"{error}\n\n{cell.source}"
            assert missing[1] in earlier, cell.source
        earlier |= names_written(cell.source)
    assert "randomness" in earlier
    assert not errors(kernel.run("%reset -f\n" + code_cells(nbformat.read(path, as_version=4))[0].source))


@each_notebook
def test_a_notebook_says_what_to_do_when_a_cell_fails(path):
    prose = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    symbols = next(i for i, source in enumerate(prose) if source.startswith("## Symbols"))
    assert WHAT_TO_DO in " ".join(" ".join(prose[:symbols]).split()), "before anything is asked of the reader"


def test_without_a_home_that_can_be_written_matplotlib_says_what_to_do(checkout, run_there, tmp_path):
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)
    notebook.cells = code_cells(notebook)[:2]
    nbformat.write(notebook, tmp_path / "two-cells.ipynb")
    run = run_there(tmp_path / "two-cells.ipynb", HOME=str(checkout / "nobody"))
    assert not errors(all_outputs(run))
    assert words(run) == words(notebook)
    assert [line for line in grumbles(all_outputs(run)) if "MPLCONFIGDIR" in line]


def test_make_sets_the_course_up_in_a_folder_with_spaces_and_chinese_characters(tmp_path):
    course = tmp_path / FOLDER
    copy_checkout(course)
    make = ["make", ".venv/python", f"PYTHON={sys.executable}"]
    subprocess.run(make, cwd=course, check=True, capture_output=True, env={"PATH": os.environ["PATH"]})
    pip = [str(course / ".venv" / "bin" / "pip"), "install", "--quiet", "--no-deps", "--editable", "."]
    subprocess.run(pip, cwd=course, check=True, capture_output=True)
    code = "from importlib.util import find_spec; print(find_spec('course_utils').origin)"
    found = subprocess.run([str(course / ".venv" / "bin" / "python"), "-c", code], cwd=tmp_path, capture_output=True)
    assert found.stdout.decode().strip() == str(course / "course_utils" / "__init__.py")
    shutil.rmtree(course)
