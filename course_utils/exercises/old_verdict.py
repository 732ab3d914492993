"""How a check reaches its verdict: it tries the student's function on copies, compares, and prints one line.

A blank stub is "not attempted yet", a known mistake is called by its name, and anything else is described by numbers.
No formulas here: what is right and which mistakes are classic stands in the file of each notebook.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..diffusion.schedules import NoiseSchedule

Diagnosis = Callable[[Tensor], str | None]
"""Looks at a wrong answer of the right form and says what is wrong with it, or None."""


class Case(NamedTuple):
    """One call of the student's function.

    Attributes:
        arguments: what goes in; the function gets copies.
        truth: what should come out.
        mistakes: what comes out of each classic mistake, by its name; the same names in all cases of a check.
        diagnoses: tried in turn on an answer that is neither right nor known.
        where: how a sentence about this case begins, such as "at t = 1, ".
        source: where noise should come from, said to those whose two calls differ.
    """

    arguments: tuple[Any, ...]
    truth: Tensor
    mistakes: Mapping[str, Tensor]
    diagnoses: tuple[Diagnosis, ...] = ()
    where: str = ""
    source: str = "use the noise that is handed in, and draw none of your own"


class Mistake(Exception):  # noqa: N818  the student's, not ours
    """What a check found out while the student's function ran; its words are the verdict."""


def check(name: str, attempt: Callable[..., Any], *cases: Case) -> None:
    """Try the student's function in each case and print the verdict; a mistake must show in all of them."""
    try:
        verdict = _verdict(attempt, cases)
    except NotImplementedError:
        print(f"○ {name}: not attempted yet. Replace the dots, run the cell again, and go on when you like.")
    except Mistake as mistake:
        print(f"✗ {name}: {mistake}")
    except Exception as error:  # whatever a student's code may raise is news for the student, not for us
        print(f"✗ {name} stops with {type(error).__name__}: {str(error)[:300]}{_hint(error)}")
    else:
        print(f"✗ {name}: {verdict}" if verdict else f"✓ {name} is right.")


def is_blank(answer: object) -> bool:
    """Whether a function, or a line of it, was left as it was handed out."""
    return answer is None or answer is ...


def amounts_of(x: Tensor, *parts: Tensor) -> list[float] | None:
    """How much of each part a batch holds, if it holds nothing else."""
    columns, values = torch.stack([part.flatten() for part in parts], dim=1).double(), x.flatten().double()
    amounts = torch.linalg.lstsq(columns, values[:, None]).solution[:, 0]
    return amounts.tolist() if (columns @ amounts - values).abs().max() < 1e-4 * values.abs().max() else None


def compare_amounts(truth: Tensor, parts: dict[str, Tensor]) -> Diagnosis:
    """Say how much of each part the answer holds, and how much it should."""

    def spelled(x: Tensor) -> str | None:
        amounts = amounts_of(x, *parts.values())
        if amounts is None:
            return None
        sum_of_parts = " + ".join(f"{n:.4f} {name}" for n, name in zip(amounts, parts, strict=True))
        return sum_of_parts.replace("+ -", "− ").replace("-", "−")

    def diagnosis(got: Tensor) -> str | None:
        found = spelled(got)
        return f"the result is {found}, expected {spelled(truth)}." if found else None

    return diagnosis


def _verdict(attempt: Callable[..., Any], cases: tuple[Case, ...]) -> str | None:
    """What is wrong with the student's function, or None."""
    answers: list[Tensor] = []
    for case in cases:
        given = copy.deepcopy(case.arguments)
        got = attempt(*given)
        if not answers and is_blank(got):
            raise NotImplementedError
        if found := _form(got, case.truth):
            return case.where + found
        if not all(map(_same, given, case.arguments)):
            return "it changes its arguments, which others still need: compute new tensors instead."
        answers.append(got.detach().clone())
    for mistake in cases[0].mistakes:
        if all(_agree(got, case.mistakes[mistake]) for got, case in zip(answers, cases, strict=True)):
            return mistake
    for got, case in zip(answers, cases, strict=True):
        if found := _problem(got, attempt(*copy.deepcopy(case.arguments)), case):
            return case.where + found
    return None


def _same(given: Any, original: Any) -> bool:
    """Whether an argument is still what it was. Models may do as they like, and numbers cannot change."""
    if isinstance(original, NoiseSchedule):
        return all(torch.equal(vars(given)[name], table) for name, table in vars(original).items())
    return torch.equal(given, original) if isinstance(original, Tensor) else True


def _hint(error: Exception) -> str:
    if isinstance(error, RuntimeError) and "size of tensor" in str(error):
        return "\n  One number for each image needs the shape (B, 1, 1, 1) to multiply a batch: see .view(-1, 1, 1, 1)."
    if isinstance(error, ValueError) and str(error).startswith(
        ("t must lie in 1…", "t must be a whole number from 1 ")
    ):
        return "\n  Times run from T down to 1: there is no step from 0, where the clean picture stands."
    return ""


def _form(got: Any, truth: Tensor) -> str | None:
    """What is wrong with the form of an answer, or None; shape and precision come later, after the known mistakes."""
    if not isinstance(got, Tensor):
        return f"it returns a {type(got).__name__}, expected a tensor."
    if got.layout != torch.strided or got.device != truth.device or not got.is_floating_point():
        return f"it returns {got.dtype}, {got.layout}, on {got.device}; expected plain {truth.dtype} on {truth.device}."
    return None


def _agree(got: Tensor, wrong: Tensor) -> bool:
    """Whether an answer is that of a mistake, with NaN where the mistake has NaN."""
    same_shape = got.shape == wrong.shape
    return same_shape and torch.allclose(got.double(), wrong.double(), rtol=1e-4, atol=1e-6, equal_nan=True)


def _problem(got: Tensor, again: Tensor, case: Case) -> str | None:
    """What is wrong with an answer that is no known mistake, or None."""
    truth = case.truth
    if got.shape != truth.shape:
        return f"the result has shape {tuple(got.shape)}, expected {tuple(truth.shape)}."
    if got.dtype != truth.dtype:
        return (
            f"the result is {got.dtype}, expected {truth.dtype}, like the argument: tables are float64, so cast them."
        )
    if not torch.isfinite(got).all():
        return "the result holds NaN or infinity."
    if not torch.equal(got, again):
        return f"two calls with the same arguments differ: {case.source}."
    if torch.allclose(got, truth, rtol=1e-4, atol=1e-5):
        return None
    for diagnosis in case.diagnoses:
        if found := diagnosis(got):
            return found
    return (
        f"the result has standard deviation {got.std():.3g}, expected {truth.std():.3g}; "
        f"the largest difference is {(got - truth).abs().max():.2g}."
    )
