"""`Exercise`: one record says what is asked, what is right, and which mistakes have a name; calling it is the check.

From the same record come the stand-in for handouts (`right`) and the tests that every exercise must pass.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .verdict import (
    Mistake,
    NotAttempted,
    NothingReturned,
    agree,
    answered,
    compare_amounts,
    unchanged,
    wrong_form,
    wrong_kind,
    wrong_numbers,
)

Function = Callable[..., Any]
"""What a student writes: a function or a class."""

Diagnosis = Callable[..., str | None]
"""`diagnosis(got, truth, *arguments)` looks at a wrong answer of the right form and says what is wrong, or None."""

HINTS = {
    "size of tensor": "One number for each image needs the shape (B, 1, 1, 1) to multiply a batch: see "
    ".view(-1, 1, 1, 1).",
    "got 0…": "Times run from T down to 1: there is no step from 0, where the clean picture stands.",
    ", got 0": "Times run from T down to 1: there is no step from 0, where the clean picture stands.",
    "t must be a whole number from 1 ": "Times are whole numbers, from T down to 1.",
}
"""What helps against an error whose message holds these words, in every exercise."""


STILL_WRONG = "It still does what the code that was handed out does: find what is wrong"
"""Said where the task is to mend something, and nothing has changed."""


class Case(NamedTuple):
    """One call of the student's function.

    Attributes:
        arguments: what goes in; the function gets copies.
        where: how a sentence about this case begins, such as "at t = 1, ".
    """

    arguments: tuple[Any, ...]
    where: str = ""


def call(function: Function, *arguments: Any) -> Any:
    """Try a function in the plainest way."""
    return function(*arguments)


@dataclass(frozen=True, eq=False, repr=False)
class Exercise:
    """An exercise of the course. Called with what a student wrote, it prints one verdict; it never stops the notebook.

    Attributes:
        name: of what the student writes.
        asks: one sentence, the docstring of the check.
        right: a right answer, which also stands in for the student's in handouts.
        cases: the calls that are tried; other seeds give other numbers.
        mistakes: functions with a classic mistake, by the sentence that the student reads. A mistake is recognised if
            what comes out, a tensor or an error, is the same in all cases. Where `run` or a diagnosis recognises it,
            the key is how their sentence begins.
        run: `run(function, *arguments)` gives what is compared, by default what the function returns. It may raise
            `Mistake`, `NotAttempted` or `NothingReturned`.
        parts: `parts(*arguments)`, tensors by name; the answer should be a sum of them, and is told how much of each
            it holds.
        diagnoses: tried in turn on an answer that is neither right nor known.
        hints: advice, by words in the message of an error; asked before `HINTS`.
        source: where noise should come from, said to those whose two calls differ.
        given: the code that the cell holds before a student changes it, where the task is to find what is wrong with
            it. While an attempt does just what this does, it is not attempted yet.
    """

    name: str
    asks: str
    right: Function
    cases: Callable[[int], Sequence[Case]]
    mistakes: Mapping[str, Function]
    run: Function = call
    parts: Callable[..., Mapping[str, Tensor]] | None = None
    diagnoses: Sequence[Diagnosis] = ()
    hints: Mapping[str, str] = field(default_factory=dict)
    source: str = "use the noise that is handed in, and draw none of your own"
    given: Function | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "__doc__", self.asks)

    def __repr__(self) -> str:
        return self.asks

    def __call__(self, attempt: Function) -> None:
        """Print the verdict on what a student wrote."""
        print(self.verdict(attempt))

    def verdict(self, attempt: Function, seed: int = 0) -> str:
        """One line, and perhaps a hint: ✓ right, ○ not attempted, or ✗ with what is wrong."""
        try:
            with torch.random.fork_rng(devices=[]):  # new layers draw their weights from torch's own generator
                self._require_right(attempt, self.cases(seed))
        except NotAttempted as untouched:
            task = str(untouched) or "Replace the dots, run the cell again"
            return f"○ {self.name}: not attempted yet. {task}, and go on when you like."
        except NothingReturned:
            return f"✗ {self.name} returns None: does it end with `return` and the result?"
        except Mistake as mistake:
            return f"✗ {self.name}: {mistake}"
        except Exception as error:  # whatever a student's code may raise is news for the student, not for us
            known = [*self.hints.items(), *HINTS.items()]
            hints = [hint for words, hint in known if words in str(error)]
            message = f"{type(error).__name__}: {str(error)[:300]}".removesuffix(": ")
            return "\n  ".join([f"✗ {self.name} stops with {message}", *hints[:1]])
        return f"✓ {self.name} is right."

    def _require_right(self, attempt: Function, cases: Sequence[Case]) -> None:
        """Raise what is wrong; a known mistake must show in all cases."""
        truths = [self.run(self.right, *copy.deepcopy(case.arguments)) for case in cases]
        outcomes = [self._outcome(attempt, case, truth) for case, truth in zip(cases, truths, strict=True)]
        tried = list(zip(cases, truths, outcomes, strict=True))
        if not all(map(self._is_right, truths, outcomes)):

            def does_the_same(wrong: Function) -> bool:
                return all(agree(got, self._wrong_outcome(wrong, case)) for case, _, got in tried)

            if self.given and does_the_same(self.given):
                raise NotAttempted(STILL_WRONG)
            for sentence, wrong in self.mistakes.items():
                if does_the_same(wrong):
                    raise Mistake(sentence)
        for case, truth, got in tried:
            if isinstance(got, Exception):
                raise got
            self._require_repeatable(attempt, case, got)
            if not self._is_right(truth, got):
                raise Mistake(case.where + self._describe(got, truth, case))

    def _outcome(self, attempt: Function, case: Case, truth: Tensor) -> Tensor | Exception:
        """What an attempt returns, or the error that stops it."""
        given = copy.deepcopy(case.arguments)
        try:
            got = answered(self.run(attempt, *given))
        except (NotAttempted, NothingReturned, Mistake):
            raise
        except Exception as error:
            return error
        if fault := wrong_form(got, truth):
            raise Mistake(case.where + fault)
        if not all(map(unchanged, given, case.arguments)):
            raise Mistake("it changes its arguments, which others still need: compute new tensors instead.")
        answer: Tensor = got.detach().clone()
        return answer

    def _wrong_outcome(self, wrong: Function, case: Case) -> Tensor | Exception:
        """What a mistake of the list, or the code that was given, returns, or the error that stops it."""
        try:
            outcome: Tensor = self.run(wrong, *copy.deepcopy(case.arguments))
        except Exception as error:
            return error
        return outcome

    def _require_repeatable(self, attempt: Function, case: Case, got: Tensor) -> None:
        again = answered(self.run(attempt, *copy.deepcopy(case.arguments)))
        if not (got.shape == again.shape and torch.allclose(got, again, rtol=0, atol=0, equal_nan=True)):
            raise Mistake(f"{case.where}two calls with the same arguments differ: {self.source}.")

    def _is_right(self, truth: Tensor, got: Tensor | Exception) -> bool:
        if isinstance(got, Exception) or wrong_kind(got, truth):
            return False
        return torch.allclose(got, truth, rtol=1e-4, atol=1e-5)

    def _describe(self, got: Tensor, truth: Tensor, case: Case) -> str:
        """What is wrong with an answer that is no known mistake."""
        if fault := wrong_kind(got, truth):
            return fault
        for diagnosis in self.diagnoses:
            if found := diagnosis(got, truth, *case.arguments):
                return found
        amounts = compare_amounts(got, truth, self.parts(*case.arguments)) if self.parts else None
        return amounts or wrong_numbers(got, truth)
