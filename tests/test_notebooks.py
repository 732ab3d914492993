"""What every notebook of the course must be, now and in future; that its outputs are reproduced is nbval's part."""

import ast
import re
import tomllib
from itertools import pairwise

import jupytext
import nbformat
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, start_new_kernel
from running import NOTEBOOKS, PUBLIC_NAMES, ROOT, all_outputs, code_cells, each_notebook

import course_utils

SOURCES = sorted((ROOT / "notebooks" / "src").glob("*.py"))
TEACHES = {
    "01_intuition": {"add_noise", "predict_x0", "alpha_bar", "beta_from_alpha_bar"},
    "02_sampling": {"posterior_mean", "ddpm_step", "sampling_loop"},
    "03_network": {"unet", "time_embedding", "modulate", "ResidualBlock"},
    "04_training": {"diffusion_loss", "training_loop", "learning_rate", "update_average"},
    "05_context": {"drop_context", "guided", "composed"},
    "06_fast_sampling": {"ddim_step", "timesteps", "slerp"},
    "07_likelihood": {"gaussian_kl", "bound_term", "best_variance"},
}
"""Names that a notebook writes itself, because it teaches them; any other use of a package name is a redefinition."""

PACKAGE_NAMES = set(PUBLIC_NAMES) | {name for name in dir(course_utils.NoiseSchedule) if not name.startswith("_")}
SLIDES = {"slide", "subslide", "fragment", "skip", "notes", "-"}


def cells_of(path):
    return nbformat.read(path, as_version=4).cells


def code_of(path):
    return code_cells(nbformat.read(path, as_version=4))


def tags_of(cell):
    return cell.metadata.get("tags", [])


def tree_of(cell):
    return ast.parse(cell.source)


def test_there_is_a_text_for_each_notebook():
    assert [path.stem for path in NOTEBOOKS] == [path.stem for path in SOURCES]
    assert NOTEBOOKS


@each_notebook
def test_text_and_notebook_hold_the_same_cells(path):
    def comparable(cells):
        kept = ("tags", "slideshow", "jupyter", "cellView")
        return [(c.cell_type, c.source, {k: c.metadata[k] for k in kept if k in c.metadata}) for c in cells]

    text = jupytext.read(path.parent / "src" / f"{path.stem}.py")
    for ours, theirs in zip(comparable(text.cells), comparable(cells_of(path)), strict=True):
        assert ours == theirs


@each_notebook
def test_every_code_cell_was_executed_in_order_and_none_failed(path):
    code = code_of(path)
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [output for cell in code for output in cell.outputs if output.output_type == "error"]
    assert not [output for cell in code for output in cell.outputs if output.get("name") == "stderr"]


@each_notebook
def test_cells_are_short_and_led_by_prose(path):
    cells = cells_of(path)
    for cell in cells:
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= 25, cell.source
            assert max(map(len, cell.source.splitlines())) <= 100, cell.source
    lengths = [len(cell.source.splitlines()) for cell in cells if cell.cell_type == "code"]
    assert sum(length > 15 for length in lengths) <= len(lengths) // 5
    kinds = "".join(cell.cell_type[0] for cell in cells)
    assert "ccc" not in kinds, "three code cells in a row"


def words_of(prose):
    """Each formula counts as a word, punctuation and the notes of the lecturer do not."""
    prose = re.sub(r"<!--.*?-->", "", prose, flags=re.DOTALL)
    prose = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", " formula ", prose, flags=re.DOTALL)
    return [word for word in prose.split() if re.search(r"\w", word)]


@each_notebook
def test_it_is_no_longer_than_a_lesson(path):
    """At most 35 code cells, and 3,500 words but for readings and references."""
    cells = cells_of(path)
    assert sum(cell.cell_type == "code" for cell in cells) <= 35
    prose = (cell.source for cell in cells if cell.cell_type == "markdown")
    lesson = [text for text in prose if not text.startswith(("## Where to go", "## References"))]
    assert sum(len(words_of(text)) for text in lesson) <= 3500


@each_notebook
def test_there_is_something_to_do_in_every_three_sections(path):
    prose = "\n".join(cell.source for cell in cells_of(path) if cell.cell_type == "markdown")
    sections = re.split(r"^## \d+ · .*$", prose, flags=re.MULTILINE)[1:]
    to_do = [
        bool(re.search(r"\*\*(Predict|Think|Try it)\.\*\*|^### Exercise", text, re.MULTILINE)) for text in sections
    ]
    assert all(any(to_do[i : i + 3]) for i in range(len(to_do) - 2))


@each_notebook
def test_its_symbols_say_what_they_are_called_elsewhere(path):
    (symbols,) = (cell.source for cell in cells_of(path) if cell.source.startswith("## Symbols"))
    assert "| meaning | elsewhere called |" in symbols


@each_notebook
def test_it_opens_with_title_promise_badge_and_objectives(path):
    cells = cells_of(path)
    repository = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
    assert cells[0].source.startswith("# ")
    assert len(re.findall("^# ", "\n".join(c.source for c in cells if c.cell_type == "markdown"), re.MULTILINE)) == 1
    colab = repository.replace("https://github.com", "https://colab.research.google.com/github")
    (branch,) = re.findall(rf"{re.escape(colab)}/blob/([\w.-]+)/notebooks/{path.name}", cells[0].source)
    first = next(cell for cell in cells if cell.cell_type == "code")
    assert len(first.source.splitlines()) <= 10
    assert f"git+{repository}@{branch}" in first.source
    assert any(cell.source.startswith("## After this notebook you can") for cell in cells[:6])
    assert any(cell.source.startswith("## Symbols") for cell in cells[:8])
    assert cells[-1].source.startswith("## References")


@each_notebook
def test_exercises_come_with_checks_and_folded_solutions_and_questions_with_folded_answers(path):
    cells = cells_of(path)
    exercises = [i for i, cell in enumerate(cells) if "exercise" in tags_of(cell)]
    assert len(exercises) >= 3
    for i in exercises:
        assert re.search(r"\((easy|medium|hard), \d+ minutes\)", cells[i - 1].source)
        assert "not attempted yet" in str(cells[i].outputs)
        solution = next(cell for cell in cells[i:] if "solution" in tags_of(cell))
        assert solution.metadata["jupyter"]["source_hidden"]
        assert solution.metadata["cellView"] == "form"
        assert solution.source.startswith("# @title")
        assert "is right" in str(solution.outputs)
    thinks = [cell.source for cell in cells if "**Think.**" in cell.source]
    assert len(thinks) >= 2
    assert all("<details><summary>" in think and "</details>" in think for think in thinks)


@each_notebook
def test_every_cell_knows_its_place_on_a_slide(path):
    for cell in cells_of(path):
        assert cell.metadata.get("slideshow", {}).get("slide_type") in SLIDES, cell.source


@each_notebook
def test_imports_are_explicit_and_paths_untouched(path):
    for cell in code_of(path):
        assert "sys.path" not in cell.source
        assert not re.search(r"^\s*[%!]", cell.source, re.MULTILINE), "magics break the text form"
        for node in ast.walk(tree_of(cell)):
            if isinstance(node, ast.ImportFrom):
                assert "*" not in [alias.name for alias in node.names]
                assert node.module.split(".")[0] not in ("matplotlib", "ipywidgets")
            if isinstance(node, ast.Import):
                assert not {"matplotlib", "ipywidgets"} & {alias.name.split(".")[0] for alias in node.names}


@each_notebook
def test_no_package_name_is_redefined_outside_the_notebook_that_teaches_it(path):
    allowed = TEACHES.get(path.stem, set())
    for cell in code_of(path):
        for node in ast.walk(tree_of(cell)):
            names = [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            assert not set(names) & (PACKAGE_NAMES - allowed), f"{names} are imported, not written again"


@each_notebook
def test_numbers_are_compared_and_only_moving_things_ignored(path):
    """A cell whose output is not compared must say nothing in words: it holds a widget, a movie or a progress bar."""
    for cell in code_of(path):
        waits = re.search(r"\b(tqdm|sample_d\w+)\(", cell.source)
        moving = bool(waits) or any(word in str(cell.outputs) for word in ('class="movie', "widget-view+json"))
        assert ("nbval-ignore-output" in tags_of(cell)) == moving, cell.source
        assert not (moving and "print(" in cell.source)
        if waits:
            assert not cell.outputs, "a bar of the past is of no use to a reader"


@each_notebook
def test_pictures_have_text_alternatives(path):
    for cell in code_of(path):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                assert len(output.metadata["image/png"]["alt"]) >= 8
    for cell in cells_of(path):
        if cell.cell_type == "markdown":
            assert not re.search(r"!\[\]\(", cell.source)


@each_notebook
def test_no_level_of_headings_is_left_out(path):
    prose = "\n".join(cell.source for cell in cells_of(path) if cell.cell_type == "markdown")
    levels = [len(marks) for marks in re.findall(r"^(#+) ", prose, re.MULTILINE)]
    assert levels[0] == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


@each_notebook
def test_it_is_small(path):
    """1.5 MB for the six that build the model, 1 MB for each that follows."""
    assert path.stat().st_size <= (1.5e6 if path.stem < "07" else 1e6)


@each_notebook
def test_it_holds_the_widgets_that_it_shows_and_no_others(path):
    """Without its state a widget is blank on the site; the state of a progress bar would be new in every diff."""
    notebook = nbformat.read(path, as_version=4)
    held = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    views = (output.get("data", {}).get("application/vnd.jupyter.widget-view+json") for output in all_outputs(notebook))
    assert set(held) == {view["model_id"] for view in views if view} | set(re.findall(r"IPY_MODEL_(\w+)", str(held)))


@each_notebook
def test_prose_breaks_no_promise_of_style(path):
    for cell in cells_of(path):
        if cell.cell_type == "markdown":
            assert not re.search("[\U0001f300-\U0001faff]", cell.source), "no emoji"
            assert not re.search(r"(?i)\b(simply put|let's dive|in today's world|game.?changer)\b", cell.source)


def test_a_kernel_lives_without_a_heartbeat():
    manager, client = start_new_kernel(kernel_name=CURRENT_ENV_KERNEL_NAME)
    try:
        assert client.is_alive()
        assert not client.hb_channel.is_alive()
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
