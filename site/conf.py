"""How Sphinx makes the site. `make site` builds it; what the pages say stands in the .md files and in the notebooks.

Notebooks are shown as they were executed, and never run here. What a page on the web needs, and a notebook does not, is
done to them while they are read: see `for_the_web`.
"""

import json
import os
import shutil
import sys
import tomllib
from pathlib import Path

from docutils.nodes import math_block
from sphinx.ext import autosummary

SITE = Path(__file__).parent
# Sphinx reads only what lies below this folder; git ignores the copy.
shutil.rmtree(SITE / "notebooks", ignore_errors=True)
shutil.copytree(SITE.parent / "notebooks", SITE / "notebooks", ignore=shutil.ignore_patterns("src", ".*"))

course = tomllib.loads((SITE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
repository = course["urls"]["Repository"]  # the only place that names it
COLAB = "https://colab.research.google.com"

project = "From Noise to Sprites"
author = course["authors"][0]["name"].removeprefix("The ")
copyright = f"{author}. Prose and figures: CC BY 4.0; code: MIT; sprites and weights: CC0"

sys.path.insert(0, str(SITE.parent))  # for the package
import course_utils  # noqa: E402

release = course_utils.__version__
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]

# Notebooks and Markdown
nb_execution_mode = "off"  # they are committed executed
nb_ipywidgets_js = {}  # a slider needs a kernel, and its JavaScript would come from the network
nb_code_prompt_show, nb_code_prompt_hide = "Show the code", "Hide the code"
myst_enable_extensions = ["amsmath", "dollarmath", "attrs_block", "deflist", "colon_fence"]
myst_heading_anchors = 3
myst_url_schemes = {
    "https": None,
    "arxiv": {"url": "https://arxiv.org/abs/{{path}}", "title": "arXiv:{{path}}"},
    "colab": COLAB + "/github/" + repository.removeprefix("https://github.com/") + "/blob/main/{{path}}",
}

highlight_language = "none"  # what is code says so

# The API reference
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autosummary_generate = False  # tables only, no pages of their own
autosummary.WELL_KNOWN_ABBREVIATIONS += ("eq.",)  # does not end the first sentence
toc_object_entries_show_parents = "hide"
napoleon_numpy_docstring = False
napoleon_use_param = False  # our "Args" may name several in one line
napoleon_custom_sections = [("Attributes", "params_style")]
default_role = "py:obj"  # `add_noise` in a docstring becomes a link where there is something to link to
maximum_signature_line_length = 120
python_use_unqualified_type_names = True

# JavaScript comes with the pages, so that they work from disk; `make site CDN=1` leaves the large part on the network
CDN = os.environ.get("CDN") == "1"
pinned = json.loads((SITE.parent / "package.json").read_text(encoding="utf-8"))["dependencies"]["mathjax"]
html_static_path = ["_static", *([] if CDN else ["../node_modules/mathjax/es5/tex-svg.js"])]
mathjax_path = f"https://cdn.jsdelivr.net/npm/mathjax@{pinned}/es5/tex-svg.js" if CDN else "tex-svg.js"
summaries_need_a_server = 'DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY &&= location.protocol !== "file:"'
html_js_files = [(None, {"body": summaries_need_a_server})]  # from disk, the search shows titles alone

# The look
html_theme = "sphinx_book_theme"
html_title = project
html_css_files = ["course.css"]
html_logo = html_favicon = "_static/sprite.png"
html_sourcelink_suffix = ""
html_use_index = html_domain_indices = False  # the search finds more
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system has it
html_theme_options = {
    "repository_url": repository,
    "repository_branch": "main",
    "use_repository_button": True,
    "launch_buttons": {"colab_url": COLAB},
    "navbar_persistent": [],  # the sidebar has a search field already
    "footer_content_items": ["copyright"],
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def to_the_copies(app, docname, source):
    """Let links to notebooks, written for those who read a page in the repository, lead to the site's own pages."""
    if not docname.startswith("notebooks/"):
        source[0] = source[0].replace("](../notebooks/", "](notebooks/")


def for_the_web(app, docname, source):
    """Change a notebook, as it is read, into what a page needs; the file stays as it is."""
    if not docname.startswith("notebooks/"):
        return
    notebook = json.loads(source[0])
    widgets = notebook["metadata"].pop("widgets", {}).get("application/vnd.jupyter.widget-state+json", {})
    title, *cells = notebook["cells"]
    # The page has a launch button; and after the title a heading of the third level would be out of order.
    title["source"] = [line for line in title["source"] if "colab-badge" not in line]  # the page has a launch button
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        metadata = cell["metadata"]
        tags, mystnb = metadata.setdefault("tags", []), metadata.setdefault("mystnb", {})
        if "solution" in tags:
            tags.append("hide-cell")
            mystnb.update(code_prompt_show="Show the solution", code_prompt_hide="Hide the solution")
        elif metadata.get("jupyter", {}).get("source_hidden") or "google.colab" in "".join(cell["source"]):
            tags.append("hide-input")
        for output in cell["outputs"]:
            shown = output.get("metadata", {}).get("image/png", {})
            if shown:
                mystnb["image"] = {"alt": shown["alt"], "width": f"{shown['width']}px"}
            widget = output.get("data", {}).get("application/vnd.jupyter.widget-view+json")
            if widget:
                movie = output["metadata"].get("movie")
                output["data"] = {"text/html": movie or still(widgets["state"], widget["model_id"])}
    source[0] = json.dumps(notebook)


def still(models, model):
    """What a widget showed when the notebook was run, and where it moves."""
    *sliders, picture = (
        models[child.removeprefix("IPY_MODEL_")]["state"] for child in models[model]["state"]["children"]
    )
    names = ", ".join(f"<em>{slider['description']}</em>" for slider in sliders)
    moves = "a slider for {}. It moves" if len(sliders) == 1 else "sliders for {}. They move"
    caption = f"Here the notebook has {moves.format(names)} in JupyterLab and on Colab."
    return f'<figure class="widget">{picture["value"]}<figcaption>{caption}</figcaption></figure>'


def as_written(app, doctree):
    """Let a displayed formula reach MathJax as it is: Sphinx would wrap lines in `split`, which knows no tags."""
    for formula in doctree.findall(math_block):
        formula["classes"].append("amsmath")
        formula.setdefault("number", None)


def plain_words(app, what, name, obj, options, lines):
    """Put back what napoleon takes for the type of a constant: the words before a colon in its description."""
    for line in [line for line in lines if line.startswith(":type: ") and what in ("data", "attribute", "property")]:
        lines.remove(line)
        lines[0] = f"{line.removeprefix(':type: ')}: {lines[0]}"


def setup(app):
    """Called by Sphinx."""
    app.connect("source-read", to_the_copies)
    app.connect("source-read", for_the_web)
    app.connect("doctree-read", as_written)
    app.connect("autodoc-process-docstring", plain_words, priority=600)  # after napoleon's 500
