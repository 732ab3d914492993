"""Plant the classic errors one at a time, and say which tests notice: `make mutants`.

Each is planted in a copy of the package and tested in a process of its own; the checkout stays as it is. Asked are all
guards of the test file in which its own guard stands.
"""

import multiprocessing
import os
import shutil
import sys
import tempfile
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import hypothesis
import pytest
import torchmetrics.image.fid  # noqa: F401  what is slow to import is imported once, and each process begins with it
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler  # noqa: F401

from .classic import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
GUARDS = {mutant.guard for mutant in MUTANTS}


class Watch:
    """A plugin of pytest: runs guards only, and keeps which failed, and whether in an assertion of the test."""

    def __init__(self) -> None:
        self.failed: dict[str, bool] = {}

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if _name(item) in GUARDS]

    def pytest_runtest_makereport(self, item, call):
        if call.excinfo is not None:
            asserted = isinstance(call.excinfo.value, AssertionError | pytest.fail.Exception)
            self.failed[_name(item)] = self.failed.get(_name(item), False) or asserted


def _name(item: pytest.Item) -> str:
    return item.nodeid.removeprefix("tests/").split("[")[0]


def run_guards(file: str, mutant: Mutant | None = None) -> dict[str, bool]:
    """Which guards in a test file fail with this error in the package, and whether in an assertion."""
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()) as said:
        copy, watch = Path(folder), Watch()
        for name in ("course_utils", "tests"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        for name in ("data", "weights"):
            (copy / name).symlink_to(ROOT / name)
        if mutant is not None:
            path = copy / "course_utils" / mutant.file
            before, after = path.read_text(encoding="utf-8").split(mutant.old)  # it stands there once
            path.write_text(before + mutant.new + after, encoding="utf-8")
        os.chdir(copy)
        sys.path.insert(0, str(copy))
        hypothesis.settings.load_profile("mutants")
        options = ["-o", "addopts=", "-p", "no:nbval", "-p", "no:cacheprovider", "--tb=short", f"tests/{file}"]
        code = pytest.main(options, plugins=[watch])
        if code not in (0, 1) or not Path(sys.modules["course_utils"].__file__).is_relative_to(copy):
            raise RuntimeError(f"the tests did not run, with {mutant}:\n{said.getvalue()}")
        os.chdir(ROOT)
    return watch.failed


def main() -> int:
    """Print which guards notice each error; 1 if its own does not, or if a guard fails without any error."""
    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]  # no simpler example is looked for
    hypothesis.settings.register_profile("mutants", phases=phases, database=None, deadline=None, derandomize=True)
    with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as pool:
        files = sorted({guard.split("::")[0] for guard in GUARDS})
        if red := [name for failed in pool.map(run_guards, files, 1) for name in failed]:
            print("These tests fail without an error in the package:", *sorted(red), sep="\n  ")
            return 1
        jobs = [pool.apply_async(run_guards, (mutant.guard.split("::")[0], mutant)) for mutant in MUTANTS]
        survivors = 0
        for mutant, job in zip(MUTANTS, jobs, strict=True):
            failed = job.get()
            caught = failed.pop(mutant.guard, False)
            survivors += not caught
            print(
                f"{mutant.file}: {mutant.idea}\n  {'caught' if caught else 'NOT CAUGHT'} by {mutant.guard}", flush=True
            )
            for name in sorted(failed):
                print(f"  and by {name}")
    print(f"\n{len(MUTANTS) - survivors} of {len(MUTANTS)} errors are caught by the test that should catch them.")
    return int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main())
