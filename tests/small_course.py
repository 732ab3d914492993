"""A notebook with one exercise, as tests of handouts and of marks need it, and what comes back of it."""

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

EXERCISE = """\
from course_utils import check_add_noise


def add_noise(x0, t, eps, schedule):
    return ...  # your code


check_add_noise(add_noise)"""

RIGHT = EXERCISE.replace("...  # your code", "schedule.add_noise(x0, t, eps)")

SOLUTION = """\
# @title Solution 1
from course_utils import show_images


@torch.no_grad()
def add_noise(x0, t, eps, schedule):
    secret = schedule.alpha_bar[t]
    return secret * x0


check_add_noise(add_noise)
shown = add_noise(bob, t, eps, schedule)  # this stays"""


def small_notebook(stub=EXERCISE, solution=SOLUTION):
    """A notebook with one exercise, as a student first sees it: run, and not attempted."""
    said = [new_output("stream", name="stdout", text="○ add_noise: not attempted yet.\n")]
    return new_notebook(
        cells=[
            new_markdown_cell("### Exercise 1 · The jump (easy, 5 minutes)\n\nWrite it."),
            new_code_cell(stub, metadata={"tags": ["exercise"], "slideshow": {"slide_type": "skip"}}, outputs=said),
            new_markdown_cell("Folded below: one way to write it."),
            new_code_cell(solution, metadata={"tags": ["solution"], "slideshow": {"slide_type": "skip"}}),
            new_markdown_cell("**Think.** Why?\n\n<details><summary>Answer</summary>\n\nBecause.\n</details>"),
        ]
    )


def came_back(source, *printed, error=None, more=""):
    """A student's notebook whose exercise cell was saved with these outputs."""
    outputs = [new_output("stream", name="stdout", text=f"{line}\n") for line in printed]
    if error:
        outputs.append(new_output("error", ename="NameError", evalue=error, traceback=[]))
    return new_notebook(cells=[new_code_cell(more), new_code_cell(source, outputs=outputs)])
