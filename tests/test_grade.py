"""The command that reads verdicts: which files its words mean, what any console shows, and how it ends."""

import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from running import ROOT
from tqdm import tqdm

from course_utils.storage.files import any_console
from teaching import grade
from teaching.console import aligned
from teaching.marks import CHANGED, RIGHT
from teaching.report import report
from teaching.work import default_points, look_at

ASKING = "from course_utils import check_add_noise\n\ncheck_add_noise(add_noise)"


def hand_in(path, verdict="✓ add_noise is right."):
    """A notebook of chapter 1 with one exercise in it, saved with this verdict."""
    said = [new_output("stream", name="stdout", text=f"{verdict}\n")]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=[new_code_cell(ASKING, outputs=said)]), path)
    return path


def graded(capsys, *words):
    """How the command ends, which files have a row, and all that it printed."""
    status = grade.main(list(words))
    printed = capsys.readouterr()
    return status, [line.split()[0] for line in printed.out.splitlines() if RIGHT in line], printed


@pytest.fixture
def handed_in(tmp_path, monkeypatch):
    """A folder as it comes back: notebooks, those of students with a folder each, and what JupyterLab leaves behind."""
    monkeypatch.chdir(tmp_path)
    for name in ("ana.ipynb", "ben.ipynb", "eva/mine.ipynb", ".ipynb_checkpoints/ana-checkpoint.ipynb"):
        hand_in(tmp_path / "handed-in" / name)
    for name in ("eva/._mine.ipynb", "list.txt"):
        (tmp_path / "handed-in" / name).write_text("eggs, milk")
    (tmp_path / "nothing" / ".ipynb_checkpoints").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["handed-in/*.ipynb"], ["ana", "ben"]),
        (["handed-in/**/*.ipynb"], ["ana", "ben", "eva/mine"]),
        (["handed-in"], ["ana", "ben", "eva/mine"]),
        (["handed-in/eva", "handed-in/b*"], ["eva/mine", "ben"]),
        (["handed-in/ben.ipynb", "handed-in"], ["ben", "ana", "eva/mine"]),
    ],
)
def test_patterns_and_folders_stand_for_their_notebooks_each_once(handed_in, capsys, words, names):
    status, rows, _ = graded(capsys, *words)
    assert rows == [str(Path("handed-in", f"{name}.ipynb")) for name in names]
    assert status == 0


def test_brackets_in_the_name_of_a_file_are_no_pattern(handed_in, capsys):
    hand_in(Path("ana[1].ipynb"))
    assert graded(capsys, "ana[1].ipynb")[:2] == (0, ["ana[1].ipynb"])


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("*.ipynb", "nothing matches '*.ipynb'"),
        ("gone.ipynb", "nothing matches 'gone.ipynb'"),
        ("", "nothing matches ''"),
        ("nothing", "'nothing' holds no notebook"),
        ("n*", "'nothing' holds no notebook"),
    ],
)
def test_words_that_mean_no_notebook_are_refused_before_anything_is_read(handed_in, capsys, word, reason):
    status, _, printed = graded(capsys, "handed-in", word)
    assert status == 2
    assert printed.out == ""
    assert printed.err.startswith(f"grade: {reason}")
    assert printed.err.count("\n") == 1


def test_a_byte_order_mark_changes_nothing(handed_in, capsys):
    file = hand_in(Path("windows.ipynb"))
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert graded(capsys, "windows.ipynb")[:2] == (0, ["windows.ipynb"])


def test_who_was_left_out_is_told_by_a_remark_and_by_the_status(handed_in, capsys):
    whole = hand_in(Path("eva.ipynb")).read_bytes()
    Path("cut.ipynb").write_bytes(whole[: len(whole) // 2])
    nbformat.write(new_notebook(), "empty.ipynb")
    status, rows, printed = graded(capsys, "cut.ipynb", "handed-in/ana.ipynb", "empty.ipynb", "handed-in/list.txt")
    assert status == 1
    assert rows == [str(Path("handed-in", "ana.ipynb"))]
    assert printed.out.count(" was left out: ") == 3
    status, rows, printed = graded(capsys, "cut.ipynb")
    assert (status, rows) == (1, [])
    assert printed.out.startswith("cut.ipynb was left out: ")


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", "caf\\xe9.ipynb"),
        ("cp1252", "café.ipynb"),
        ("cp1251", "caf\\xe9.ipynb"),
    ],
)
def test_any_console_shows_the_table_and_the_remarks(handed_in, encoding, shown):
    hand_in(Path("café.ipynb"))
    hand_in(Path("李.ipynb"), "✗ add_noise: ε → 李.")
    elsewhere = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "teaching.grade", "café.ipynb", "李.ipynb", "handed-in/list.txt"],
        env={**os.environ, **elsewhere},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    printed = done.stdout.decode(encoding)
    first, *rows = printed.split(os.linesep * 2)[0].splitlines()
    assert [row.split()[0] for row in rows] == [shown, "\\u674e.ipynb"]
    assert {row.index(CHANGED) for row in rows} == {first.index("alpha_bar")}
    assert "\\u674e.ipynb, add_noise: \\u03b5 \\u2192 \\u674e." in printed
    assert "was left out" in printed


def test_columns_stand_below_each_other_however_wide_the_letters_are():
    names = ["ana", "李四", "e\u0301va", "\u1112\u1161\u11ab", "山\u3000田"]
    lines = aligned([[name, "x"] for name in names]).splitlines()
    assert lines == [f"{name}{gap * ' '}x" for name, gap in zip(names, (6, 5, 6, 7, 3), strict=True)]


def test_a_name_keeps_to_its_row_and_cannot_steer_the_terminal(handed_in):
    seen = look_at(Path("handed-in", "ana.ipynb"), handed_in)
    names = ["a\nb.ipynb", "\x1b[2J.ipynb", "\udcff.ipynb", "\u202ea.ipynb"]  # not every system lets a file have them
    rows = (
        report([replace(seen, file=Path(name)) for name in names], {}, default_points()).split("\n\n")[0].splitlines()
    )
    assert [row.split()[0] for row in rows[1:]] == ["a\\nb.ipynb", "\\x1b[2J.ipynb", "\\udcff.ipynb", "\\u202ea.ipynb"]
    assert len({row.index(CHANGED) for row in rows[1:]}) == 1


def test_what_a_student_printed_cannot_steer_the_terminal(handed_in, capsys):
    file = hand_in(Path("eva.ipynb"), "✗ add_noise stops with \x1b[2J HALF\n  See line 2.")
    file.write_bytes(file.read_bytes().replace(b"HALF", rb"\ud800"))  # half a character, as JSON may hold it
    _, _, printed = graded(capsys, "eva.ipynb")
    assert "eva.ipynb, add_noise stops with \\x1b[2J \\ud800\n  See line 2." in printed.out


def test_a_forgiving_console_takes_everything_and_bars_go_on(monkeypatch):
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict") for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    any_console()
    print("ε 李 \udcff")
    assert list(tqdm(range(2), desc="ε")) == [0, 1]
    out.flush()
    assert out.buffer.getvalue().split() == [rb"\u03b5", rb"\u674e", rb"\udcff"]
    assert rb"\u03b5: 100%" in err.buffer.getvalue()


def test_streams_without_an_encoding_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", None)
    any_console()
    assert isinstance(sys.stdout, io.StringIO)
    assert sys.stderr is None
