"""What can be said of an answer: not attempted, nothing returned, of the wrong form, or wrong by these numbers.

No formulas here: what is right, and which mistakes are classic, stands in the file of each notebook.
"""

import dis
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from ..diffusion.schedules import NoiseSchedule


class NotAttempted(Exception):  # noqa: N818  no error of anybody
    """A function, or a line of it, was left as it was handed out."""


class NothingReturned(Exception):  # noqa: N818  the student's, not ours
    """A function returned None where something was asked for."""


class Mistake(Exception):  # noqa: N818  the student's, not ours
    """What a check found out; its words are the verdict."""


def answered(answer: Any) -> Any:
    """The same answer, if it is one: dots are those of a stub, and None is what a function without `return` gives."""
    if answer is ...:
        raise NotAttempted
    if answer is None:
        raise NothingReturned
    return answer


def is_stub(function: Callable[..., Any]) -> bool:
    """Whether a function, whatever decorates it, does nothing but return None or dots."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    nothing = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}
    return code is not None and {step.opname for step in dis.get_instructions(code)} <= nothing


def agree(got: object, wrong: object) -> bool:
    """Whether an outcome is that of a mistake: the same numbers, with NaN where it has NaN, or the same error."""
    if isinstance(got, Exception) and isinstance(wrong, Exception):
        return type(got) is type(wrong) and str(got) == str(wrong)
    if not (isinstance(got, Tensor) and isinstance(wrong, Tensor) and got.shape == wrong.shape):
        return False
    return torch.allclose(got.double(), wrong.double(), rtol=1e-4, atol=1e-6, equal_nan=True)


def unchanged(given: Any, original: Any) -> bool:
    """Whether an argument is still what it was. Models may do as they like, and numbers cannot change."""
    if isinstance(original, NoiseSchedule):
        return all(unchanged(table, getattr(original, name)) for name, table in vars(given).items())
    return torch.equal(given, original) if isinstance(original, Tensor) else True


def wrong_form(got: object, truth: Tensor) -> str | None:
    """What is wrong with the form of an answer, or None; shape and precision come later, after the known mistakes."""
    if not isinstance(got, Tensor):
        return f"it returns a {type(got).__name__}, expected a tensor."
    if got.layout != torch.strided or got.device != truth.device or not got.is_floating_point():
        return f"it returns {got.dtype}, {got.layout}, on {got.device}; expected plain {truth.dtype} on {truth.device}."
    return None


def wrong_kind(got: Tensor, truth: Tensor) -> str | None:
    """What is wrong with shape, precision or finiteness of an answer, or None."""
    if got.shape != truth.shape:
        return f"the result has shape {tuple(got.shape)}, expected {tuple(truth.shape)}."
    if got.dtype != truth.dtype:
        remark = " One float64, such as a table of a schedule, makes all of it float64: cast it first."
        return f"the result is {got.dtype}, expected {truth.dtype}." + remark * (got.dtype == torch.float64)
    return None if torch.isfinite(got).all() else "the result holds NaN or infinity."


def wrong_numbers(got: Tensor, truth: Tensor) -> str:
    """The number that is farthest from what it should be, with as many digits as show a difference."""
    place = int((got - truth).abs().argmax())
    index = ", ".join(str(int(i)) for i in torch.unravel_index(torch.tensor(place), got.shape))
    found, expected = unlike(f"{got.flatten()[place]:.17g}", f"{truth.flatten()[place]:.17g}")
    at = f" at [{index}]" if index else ""
    return f"the result{at} is {found}, expected {expected}."


def unlike(*numbers: str) -> list[str]:
    """Numbers with three significant digits, or with as many more as it takes to tell them apart."""
    for digits in range(3, 18):
        short = [f"{float(number):.{digits}g}" for number in numbers]
        if len(set(short)) == len(set(numbers)):
            break
    return short


def amounts_of(x: Tensor, *parts: Tensor) -> list[float] | None:
    """How much of each part a batch holds, if it holds nothing else."""
    columns, values = torch.stack([part.flatten() for part in parts], dim=1).double(), x.flatten().double()
    amounts = torch.linalg.lstsq(columns, values[:, None]).solution[:, 0]
    return amounts.tolist() if (columns @ amounts - values).abs().max() < 1e-4 * values.abs().max() else None


def compare_amounts(got: Tensor, truth: Tensor, parts: Mapping[str, Tensor]) -> str | None:
    """Say how much of each part the answer holds, and how much it should; None if it holds something else."""
    found, expected = (amounts_of(x, *parts.values()) for x in (got, truth))
    if found is None or expected is None:
        return None
    for digits in range(4, 18):
        spelled = [_sum_of(parts, amounts, digits) for amounts in (found, expected)]
        if spelled[0] != spelled[1]:
            break
    return f"the result is {spelled[0]}, expected {spelled[1]}."


def _sum_of(names: Iterable[str], amounts: Iterable[float], digits: int) -> str:
    """Such as "1.2247 x_t − 0.4083 ε"."""
    spelled = " + ".join(f"{round(n, digits) + 0.0:.{digits}f} {name}" for n, name in zip(amounts, names, strict=True))
    return spelled.replace("+ -", "− ").replace("-", "−")
