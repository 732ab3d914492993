"""What stands in for an exercise that is not done yet, in a notebook that was handed out without its solutions.

Later cells of a notebook call what its exercises define. With a stand-in they run whether or not the exercise is done.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from .exercise import Exercise

Attempt = TypeVar("Attempt", bound=Callable[..., Any])


def right_or_ours(check: Exercise, attempt: Attempt) -> Attempt:
    """The student's function or class if its check is satisfied, else the right answer of the record; it says which.

    Args:
        check: the check of the exercise, such as `check_add_noise`.
        attempt: what the student has written.

    Raises ValueError if `check` is not one of the course's.
    """
    if not isinstance(check, Exercise):
        raise ValueError(f"check must be one of the course's, got {getattr(check, '__name__', check)!r}")
    if check.verdict(attempt).startswith("✓"):
        print(f"✓ The cells below use your {check.name}.")
        return attempt
    print(f"○ The cells below use the package's {check.name}, until yours is right.")
    return cast(Attempt, check.right)
