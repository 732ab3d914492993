"""Which notebooks a command line means, and whose they are."""

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from glob import glob
from pathlib import Path

import nbformat

from .exercises import NOTEBOOKS

CHAPTER = re.compile("|".join(re.escape(path.stem) for path in NOTEBOOKS), re.IGNORECASE)
"""The name of any notebook of the course; students rename the one of last week, too."""

COPY = r"[-_ ]*(?:\bCopy(?: of |\d*)|\(\d+\))"
"""What browsers, JupyterLab and Colab add to the name of a copy."""


def handed_in(words: Sequence[str]) -> list[Path]:
    """The notebooks that the words of a command line mean, each once, in their order.

    Args:
        words: files; folders, which stand for all notebooks in them; and patterns that no shell has expanded.

    Raises FileNotFoundError for a word that means no file, and for a folder without a notebook.
    """
    return list(dict.fromkeys(file for word in words for path in _meant(word) for file in _notebooks(path)))


def _meant(word: str) -> list[Path]:
    """The file of this name; only where there is none, what it matches as a pattern: names may hold brackets."""
    found = [word] if os.path.lexists(word) else sorted(glob(word, recursive=True))
    if not found:
        wanted = "name notebooks, a folder of them, or a pattern such as handed-in/*.ipynb"
        raise FileNotFoundError(f"nothing matches '{word}': {wanted}")
    return [Path(name) for name in found]


def _notebooks(path: Path) -> list[Path]:
    """A file itself, or the notebooks in a folder, without those that editors and archives hide there."""
    if not path.is_dir():
        return [path]
    inside = (file.relative_to(path) for file in sorted(path.rglob("*.ipynb")) if not file.is_dir())
    found = [path / file for file in inside if not any(part.startswith(".") for part in file.parts)]
    if not found:
        raise FileNotFoundError(f"'{path}' holds no notebook: name a folder with at least one file *.ipynb")
    return found


def root_of(files: Sequence[Path]) -> Path:
    """The folder that all files have in common; folders in it may be named after students."""
    return Path(os.path.commonpath([file.absolute().parent for file in files])) if files else Path()


def student(file: Path, notebook: nbformat.NotebookNode, root: Path) -> str:
    """Who handed in a file.

    Args:
        file: `02_sampling-ana.ipynb`, `ana.ipynb`, or `ana/02_sampling.ipynb`.
        notebook: what is in it; if its metadata have a `student`, that is the name.
        root: the folder in which all files lie.

    Otherwise the name is what stands in the file's name beside that of a chapter; else the first folder below `root`;
    else the file's name; and for `02_sampling.ipynb` in `root` itself, the name of that folder.
    """
    known = notebook.metadata.get("student")
    if isinstance(known, str) and known.strip():
        return _tidy(known)
    beside, is_named = re.subn(CHAPTER, " ", file.stem)
    rest = _tidy(re.sub(COPY, "", beside).strip(" _-.,()[]"))
    if is_named and rest:
        return rest
    folders = file.absolute().parent.relative_to(root).parts
    return _tidy(folders[0] if folders else root.name if is_named else file.stem)


def _tidy(name: str) -> str:
    """A name with single spaces, and with letters that are the same where they look the same."""
    return unicodedata.normalize("NFC", " ".join(name.split()))


def look_alike(names: Iterable[str]) -> list[list[str]]:
    """Names that may be those of one student: they differ in signs, or one is the other and digits."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_letters(name).rstrip("0123456789"), []).append(name)
    return [group for plain, group in groups.items() if len(group) > 1 and plain in map(_letters, group)]


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())
