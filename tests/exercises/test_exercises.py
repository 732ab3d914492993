"""What holds for every exercise, whatever it asks: its record is enough to test it."""

import re

import pytest
import torch
from running import PUBLIC_NAMES

import course_utils
from course_utils.exercises.exercise import Exercise, call

EXERCISES = {
    name: getattr(course_utils, name) for name in PUBLIC_NAMES if isinstance(getattr(course_utils, name), Exercise)
}
each_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
SIMPLE = {name: exercise for name, exercise in EXERCISES.items() if exercise.run is call}
each_simple_exercise = pytest.mark.parametrize("exercise", SIMPLE.values(), ids=SIMPLE)
"""Those that are simply called, and answer with a tensor."""

each_mistake = pytest.mark.parametrize(
    ("exercise", "sentence"),
    [(exercise, sentence) for exercise in EXERCISES.values() for sentence in exercise.mistakes],
    ids=[f"{name}: {sentence[:60]}" for name, exercise in EXERCISES.items() for sentence in exercise.mistakes],
)


def test_a_check_is_the_record_of_its_exercise():
    assert {name for name in PUBLIC_NAMES if name.startswith("check_")} == set(EXERCISES)
    for name, exercise in EXERCISES.items():
        assert exercise.__doc__.startswith("Check `")
        assert name.endswith(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", exercise.name).lower())


@each_exercise
def test_a_right_answer_raises_no_false_alarm(exercise):
    assert {exercise.verdict(exercise.right, seed) for seed in range(20)} == {f"✓ {exercise.name} is right."}


@each_mistake
def test_a_mistake_is_called_by_its_name_and_by_no_other(exercise, sentence):
    for seed in range(3):
        verdict = exercise.verdict(exercise.mistakes[sentence], seed)
        assert verdict.startswith("✗"), f"seed {seed}"
        others = [other for other in exercise.mistakes if other in verdict and other not in sentence]
        assert sentence in verdict, f"seed {seed}: {verdict}"
        assert not others, f"seed {seed}: {verdict}"


@each_exercise
def test_dots_are_not_attempted(exercise):
    assert exercise.verdict(lambda *_: ...).startswith(f"○ {exercise.name}: not attempted yet")


@each_exercise
def test_code_to_mend_is_not_attempted_and_wrong_in_a_way_of_its_own(exercise):
    if exercise.given:
        for seed in range(20):
            assert exercise.verdict(exercise.given, seed) == (
                f"○ {exercise.name}: not attempted yet. It still does what the code that was handed out does: find "
                "what is wrong, and go on when you like."
            )
    else:
        assert "mended" not in exercise.name


@each_exercise
def test_a_missing_return_is_said(exercise):
    def returns_nothing(*arguments):
        list(arguments)

    verdict = exercise.verdict(returns_nothing)
    if works_in_place(exercise):  # then None is right, and doing nothing is wrong
        assert re.match(f"✗ {exercise.name}: .* is what it was", verdict)
    else:
        assert verdict.startswith(f"✗ {exercise.name} returns None")


def works_in_place(exercise):
    return getattr(exercise.right, "__annotations__", {}).get("return", ...) is None


@each_exercise
@pytest.mark.parametrize("error", [NotImplementedError, ZeroDivisionError])
def test_an_error_is_that_of_the_student(exercise, error):
    def stops(*_):
        raise error('"lerp_cpu" not implemented')

    said = f'✗ {exercise.name} stops with {error.__name__}: "lerp_cpu" not implemented'
    assert exercise.verdict(stops).splitlines()[0] == said


@each_simple_exercise
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda right: right.tolist(), "returns a list, expected a tensor"),
        (lambda right: right[:2], "has shape"),
        (lambda right: right / 0, "NaN or infinity"),
        (lambda right: right * 1.3 + 0.1, "the result"),
        (lambda right: right.half(), "torch.float16"),
        (lambda right: right.to_sparse(), "torch.sparse_coo"),
        (lambda right: right.to("meta"), "on meta"),
        (lambda right: right + 1j, "complex"),
        (lambda right: torch.nn.Parameter(right * 2 + 1), "the result"),
        (lambda right: right + 0.1 * torch.rand(1), "two calls with the same arguments differ"),
        (lambda right: 1 / 0, "stops with ZeroDivisionError"),
    ],
)
def test_any_other_answer_is_described(exercise, wrong, message):
    verdict = exercise.verdict(almost(wrong)(exercise.right))
    assert verdict.startswith("✗")
    assert message in verdict


GARBAGE = [None, "a hero", 5, lambda: None, lambda *_: "a hero", lambda *_: 5, lambda *_: [], str]


@each_exercise
@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_does_not_stop_the_notebook(exercise, garbage, capsys):
    exercise(garbage)
    assert capsys.readouterr().out.startswith(("✗", "○"))


def almost(change):
    """A right answer with something done to it at the end."""
    return lambda right: lambda *arguments: change(right(*arguments))


def first_changed(x):
    x = x.clone()
    x.flatten()[0] += 1e-3
    return x


@each_simple_exercise
@pytest.mark.parametrize("change", [lambda x: x * 1.001, lambda x: x + 1e-4, first_changed, lambda x: x * 1.3 + 0.1])
def test_no_message_says_a_number_and_expects_the_same(exercise, change):
    verdict = exercise.verdict(almost(change)(exercise.right))
    assert verdict.startswith("✗")
    for got, expected in re.findall(r"(?:is|at \[.*\] is) (.+?), expected (.+?)\.(?:\s|$)", verdict):
        assert got != expected


@each_exercise
def test_random_numbers_of_the_student_stay_as_they_were(exercise):
    state = torch.get_rng_state()
    exercise.verdict(exercise.right)
    assert torch.equal(torch.get_rng_state(), state)
