"""Running what came back: only what a check needs, not for ever, and without a network."""

import socket

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from running import each_notebook
from small_course import EXERCISE, RIGHT, came_back, small_notebook

from teaching import grade, marks, run
from teaching.exercises import exercises
from teaching.handout import handout
from teaching.needs import needed

ASKED = exercises(small_notebook())


def chosen(*sources, goal="use(x)"):
    """Which of these cells the last one needs; the cells and the goal are short enough to compare."""
    notebook = new_notebook(cells=[new_code_cell(source) for source in (*sources, goal)])
    parts = needed(notebook, [len(sources)])
    assert parts.pop(len(sources)) == goal
    return [parts[i] for i in sorted(parts)]


@pytest.mark.parametrize(
    ("cells", "needs"),
    [
        (["x = 1", "y = 2"], ["x = 1"]),
        (["y = 2\nz = 3", "x = y"], ["y = 2", "x = y"]),
        (["x = slow()", "x = 1"], ["x = 1"]),
        (["x = 1", "x += 1"], ["x = 1", "x += 1"]),
        (["x = 1", "if y:\n    x = 2", "y = 3"], ["x = 1", "if y:\n    x = 2"]),
        (["x = [1]", "x[0] = 2", "x.sort()", "y = x.copy()", "print(x)"], ["x = [1]", "x[0] = 2", "x.sort()"]),
        (["k = 2", "def x():\n    k = 1\n    return k"], ["def x():\n    k = 1\n    return k"]),
        (["k = 2", "def x():\n    return k"], ["k = 2", "def x():\n    return k"]),
        (["def x():\n    return k", "k = 2"], ["def x():\n    return k", "k = 2"]),
        (["def x():\n    return k", "k = f()", "def f():\n    return 2"], ["def x():\n    return k", "k = f()"]),
        (["@wrap\ndef x():\n    pass", "wrap = 2"], ["@wrap\ndef x():\n    pass"]),
        (["from math import *", "x = pi"], ["from math import *", "x = pi"]),
        (["import a.b", "x = a.b.c"], ["import a.b", "x = a.b.c"]),
        (["%matplotlib inline\n!ls\nx = 1"], ["x = 1"]),
        (["def (:", "x = 1"], ["x = 1"]),
        (["for x in y:\n    pass", "y = 1"], ["for x in y:\n    pass"]),
    ],
)
def test_a_check_needs_what_defines_the_names_that_it_uses(cells, needs):
    assert chosen(*cells) == needs


def test_of_the_cell_itself_only_what_the_last_line_needs_runs():
    cell = new_code_cell("import a\nprint(slow())\n\ndef f():\n    return a\n\ncheck(f)")
    notebook = new_notebook(cells=[cell])
    assert needed(notebook, [0]) == {0: "import a\ndef f():\n    return a\ncheck(f)"}


def test_a_slip_in_the_cell_itself_is_left_to_python():
    assert chosen("x = 1", goal="def f(:\n    pass\ncheck(f)") == []


@each_notebook
def test_of_a_handout_little_runs(path):
    given = handout(nbformat.read(path, as_version=4))
    stubs = [i for i, cell in enumerate(given.cells) if "exercise" in cell.metadata.get("tags", [])]
    parts = needed(given, stubs)
    assert set(stubs) <= set(parts)
    text = "\n".join(parts.values())
    assert not [word for word in ("sample(", "train(", "load_pretrained(", "show_images(") if word in text]


def verdicts(*notebooks):
    """The marks of notebooks after they were run, and what was said."""
    found = []
    for notebook in notebooks:
        run.run(notebook, ASKED)
        found.append(marks.marks(notebook, ASKED)["add_noise"])
    return found


def test_students_code_runs_only_when_asked_for(tmp_path, capsys):
    trace = tmp_path / "trace"
    source = RIGHT.replace("    return", f"    open({str(trace)!r}, 'w').close()\n    return")
    nbformat.write(came_back(source, "✗ add_noise: forged."), tmp_path / "ana.ipynb")
    nbformat.write(came_back(EXERCISE, "✓ add_noise is right."), tmp_path / "ben.ipynb")
    assert grade.main([str(tmp_path)]) == 0
    assert not trace.exists()
    assert "add_noise: forged." in capsys.readouterr().out
    assert grade.main([str(tmp_path), "--run", "--jobs", "2"]) == 0
    assert trace.exists()
    rows = capsys.readouterr().out.splitlines()[1:3]
    assert [row.split("   ")[0].rsplit("/")[-1] for row in rows] == ["ana.ipynb", "ben.ipynb"]
    assert [word in row for word, row in zip((marks.RIGHT, marks.BLANK), rows, strict=True)] == [True, True]


def test_what_never_ends_and_what_ends_python_cost_only_their_own_exercise():
    def asking(name, body):
        return f"from course_utils import check_{name}\n\n\ndef {name}(*given):\n    {body}\n\n\ncheck_{name}({name})"

    bodies = {"add_noise": "while True: pass", "guided": "import os; os._exit(1)", "slerp": "return ..."}
    sources = [asking(*one) for one in bodies.items()]
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    todo = [exercises(small_notebook(source, "pass"))[0] for source in sources]
    run.run(notebook, todo, limit=10)
    assert list(marks.marks(notebook, todo).values()) == [
        (marks.STOPS, "add_noise: the cell stops with TimeoutError: it took longer than 10 seconds"),
        (
            marks.STOPS,
            "guided: the cell stops with DeadKernelError: Python ended, by its own exit or for want of memory",
        ),
        (marks.BLANK, "slerp: not attempted yet. Replace the dots, run the cell again, and go on when you like."),
    ]


CONNECTS = RIGHT.replace("    return", "    import socket\n    socket.create_connection(({!r}, {}), 5)\n    return")


@pytest.mark.skipif(not run.isolated(), reason="this system does not let us start a process without a network")
def test_a_kernel_has_no_network_not_even_this_machine():
    with socket.create_server(("127.0.0.1", 0)) as server:
        ((mark, said),) = verdicts(came_back(CONNECTS.format("127.0.0.1", server.getsockname()[1])))
    assert (mark, "Network is unreachable" in said) == (marks.STOPS, True)


def test_where_the_system_cannot_help_sockets_refuse(monkeypatch):
    monkeypatch.setattr(run, "isolated", tuple)
    ((mark, said),) = verdicts(came_back(CONNECTS.format("192.0.2.1", 80)))
    assert (mark, "there is no network while notebooks are graded" in said) == (marks.STOPS, True)


@pytest.mark.parametrize("word", ["0", "-1", "two", "1.5"])
@pytest.mark.parametrize("option", ["--jobs", "--limit"])
def test_numbers_of_jobs_and_seconds_are_whole_and_at_least_one(option, word, capsys):
    with pytest.raises(SystemExit):
        grade.main(["ana.ipynb", option, word])
    assert f"must be a whole number of at least 1, got '{word}'" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--jobs", "--limit"])
def test_how_to_run_is_refused_where_nothing_is_run(option, tmp_path, capsys):
    assert grade.main([str(tmp_path), option, "2"]) == 2
    assert "add --run" in capsys.readouterr().err
