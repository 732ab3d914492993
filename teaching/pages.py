"""Pages to read in a browser: what to give back to a student, and what all students answered to each question.

Our own questions and answers are rendered. What students wrote stands in them as text: it cannot become part of the
page, whatever it holds.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import nbformat
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from .exercises import asked
from .questions import Question, questions
from .report import out_of, total
from .work import Points, Work, by_student

OURS = '<meta name="generator" content="teaching.grade">'
"""What our pages begin with, so that we know our own."""

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)
TEMPLATES.filters["markdown"] = markdown2html_mistune


@functools.cache
def questions_of(path: Path) -> list[Question]:
    """The questions of one of our notebooks, read once."""
    return questions(nbformat.read(path, as_version=4))


def feedback(works: Sequence[Work], points: Points) -> dict[str, str]:
    """A page for each student, by the name of its file: verdicts, points, and the student's own answers."""
    pages: dict[str, str] = {}
    template = TEMPLATES.get_template("feedback.html.j2")
    for name, done in by_student(works, points).items():
        chapters = [(work, asked(path), questions_of(path)) for path, work in done.items()]
        sums = {"total": total(done, points), "out_of": out_of(list(done), points)}
        page = template.render(student=name, chapters=chapters, points=points, ours=OURS, **sums)
        pages[_file_name(name, pages)] = page
    return pages


def answered(works: Sequence[Work], points: Points) -> str:
    """One page with all questions, and below each what the notebook and the students answered, ordered by name."""
    students = by_student(works, points)
    chapters = []
    for path in sorted({work.chapter for work in works}):
        asked_here = [(question, *_to(question, path, students)) for question in questions_of(path)]
        chapters.append((path.stem, asked_here))
    return TEMPLATES.get_template("answers.html.j2").render(chapters=chapters, ours=OURS)


def _to(
    question: Question, path: Path, students: Mapping[str, Mapping[Path, Work]]
) -> tuple[list[tuple[str, str]], list[str]]:
    """Who answered a question, and what; and who handed in the chapter and did not."""
    works = {name: done[path] for name, done in students.items() if path in done}
    said = [(name, work.answers[question.name]) for name, work in works.items() if question.name in work.answers]
    return said, [name for name, work in works.items() if question.name not in work.answers]


def _file_name(student: str, taken: Mapping[str, str]) -> str:
    """A name for a file that every system takes, and that no other student of the class has."""
    plain = re.sub(r"\W+", "-", student).strip("-")[:80] or "student"
    names = (f"{plain}{f'-{n}' if n > 1 else ''}.html" for n in range(1, len(taken) + 2))
    used = {name.casefold() for name in taken}
    return next(name for name in names if name.casefold() not in used)


def is_page(path: Path) -> bool:
    """Whether a file is a page that we wrote."""
    try:
        return OURS in path.read_text(encoding="utf-8")[:500]
    except (OSError, ValueError):
        return False
