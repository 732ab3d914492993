"""The list of classic errors is honest: each can be planted, and the test that guards it exists."""

import ast
from collections import Counter
from pathlib import Path

import pytest
from mutants.classic import MUTANTS

ROOT = Path(__file__).parents[1]


def source(name):
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.idea)
def test_an_error_can_be_planted_and_its_guard_exists(mutant):
    right = source(f"course_utils/{mutant.file}")
    assert right.count(mutant.old) == 1
    wrong = right.replace(mutant.old, mutant.new)
    assert ast.dump(ast.parse(wrong)) != ast.dump(ast.parse(right))  # more than a comment, and still Python
    file, guard = mutant.guard.split("::")
    assert guard in {node.name for node in ast.parse(source(f"tests/{file}")).body if isinstance(node, ast.FunctionDef)}


def test_the_list_is_long_and_says_nothing_twice():
    assert len(MUTANTS) >= 25
    assert max(Counter(mutant.idea for mutant in MUTANTS).values()) == 1
    assert max(Counter((mutant.file, mutant.old, mutant.new) for mutant in MUTANTS).values()) == 1


def test_every_area_of_the_course_has_its_errors():
    areas = {"diffusion", "networks", "training", "quality", "figures", "storage"}
    assert {mutant.file.split("/")[0] for mutant in MUTANTS} == areas
    core = {
        "schedules",
        "models",
        "samplers",
        "solvers",
        "losses",
        "guidance",
        "oracles",
        "posterior",
        "likelihood",
        "exact",
    }
    assert {f"diffusion/{name}.py" for name in core} <= {mutant.file for mutant in MUTANTS}
