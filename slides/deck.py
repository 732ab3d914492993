"""Decks for a lecture room, made from the notebooks: each one HTML file that needs no network and no other file.

What stands on the slides is read by `lecture.py` and drawn by `pictures.py`; how they look is said in `deck.css` and
`deck.html.j2`, and what they do in `deck.js`.
"""

import argparse
import base64
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import jinja2
import nbformat
from lecture import stacks_of
from nbconvert.filters.markdown_mistune import markdown2html_mistune as to_html

HERE = Path(__file__).parent
MODULES = HERE.parent / "node_modules"
LIBRARIES = ("mathjax/es5/tex-svg.js", "reveal.js/dist/plugin/notes.js", "reveal.js/dist/reveal.js")
LAID_OUT = """
const done = arguments[0];
const wait = () => document.querySelector(".pdf-page") // all pages come at once; until then slides may be nowhere
  ? MathJax.startup.promise.then(() => document.fonts.ready).then(done) : setTimeout(wait, 50);
wait();"""
FONTS = {"Course Sans": "inter", "Course Mono": "jetbrains-mono"}


def fonts() -> str:
    """Two typefaces as CSS, so that a line is as long on every machine as it was when the deck was checked."""
    faces = []
    for family, package in FONTS.items():
        for subset in ("greek", "latin"):
            file = MODULES / "@fontsource-variable" / package / "files" / f"{package}-{subset}-wght-normal.woff2"
            data = base64.b64encode(file.read_bytes()).decode()
            faces.append(
                f"@font-face {{ font-family: '{family} {subset}'; font-weight: 100 900;"
                f" src: url(data:font/woff2;base64,{data}) format('woff2'); }}"
            )
    return "\n".join(faces)


def deck(notebook: nbformat.NotebookNode, cdn: bool = False, solutions: bool = True) -> str:
    """A deck as one page of HTML.

    Args:
        notebook: executed, with slide types.
        cdn: leave fonts and JavaScript to the network; the file is a few megabytes smaller and needs it.
        solutions: whether each exercise has its solution on a slide below it.
    """
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE), undefined=jinja2.StrictUndefined)
    environment.filters |= {"markdown": to_html, "inline": lambda text: re.sub(r"^<p>|</p>\s*$", "", to_html(text))}
    return environment.get_template("deck.html.j2").render(
        stacks=stacks_of(notebook, solutions),
        solutions=solutions,
        styles=[
            _style("reveal.js/dist/reveal.css", cdn),
            "" if cdn else fonts(),
            (HERE / "deck.css").read_text(encoding="utf-8"),
        ],
        scripts=[*(_script(path, cdn) for path in LIBRARIES), _inline(HERE / "deck.js")],
    )


def _style(path: str, cdn: bool) -> str:
    return f'@import url("{_address(path)}");' if cdn else (MODULES / path).read_text(encoding="utf-8")


def _script(path: str, cdn: bool) -> str:
    if cdn:
        return f'<script src="{_address(path)}"></script>'
    return _inline(MODULES / path)


def _inline(path: Path) -> str:
    code = path.read_text(encoding="utf-8").replace("</script", r"<\/script")
    return f"<script>{code}</script>"


def _address(path: str) -> str:
    """Where the network has a file of a package, in the very version that offline decks carry."""
    package, _, file = path.partition("/")
    version = json.loads((HERE.parent / "package.json").read_text(encoding="utf-8"))["dependencies"][package]
    return f"https://cdn.jsdelivr.net/npm/{package}@{version}/{file}"


def print_pdf(page: Path, out: Path) -> None:
    """Let Chromium print a deck, one slide a page, once all its formulas and pages are laid out."""
    from selenium import webdriver  # only those who print need it
    from selenium.common.exceptions import WebDriverException

    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium") or ""  # else Selenium looks for Chrome
    try:
        browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    except WebDriverException as error:
        sys.exit(
            f"no Chromium to print with; open the deck with ?print-pdf in a browser and print it there\n{error.msg}"
        )
    try:
        browser.set_script_timeout(120)
        browser.get(f"{page.resolve().as_uri()}?print-pdf")
        browser.execute_async_script(LAID_OUT)
        printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})
    finally:
        browser.quit()
    out.write_bytes(base64.b64decode(printed["data"]))


def write(notebook: Path, out: Path, cdn: bool = False, solutions: bool = True) -> None:
    """Write a deck as HTML or, where the name ends in .pdf, on paper; an old one is replaced only by a whole one."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as unfinished:
        page = Path(unfinished, "deck.html")
        page.write_text(deck(nbformat.read(notebook, as_version=4), cdn, solutions), encoding="utf-8")
        if out.suffix == ".pdf":
            print_pdf(page, Path(unfinished, "deck.pdf"))
        Path(unfinished, f"deck{out.suffix}").replace(out)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make a lecture of each notebook."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("notebooks", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=HERE, help="folder for the decks")
    parser.add_argument("--pdf", action="store_true", help="print the decks; needs Chromium")
    parser.add_argument("--cdn", action="store_true", help="load fonts and JavaScript from the network")
    parser.add_argument("--no-solutions", action="store_true", help="leave out the slides below the exercises")
    given = parser.parse_args(arguments)
    if missing := [str(notebook) for notebook in given.notebooks if not notebook.is_file()]:
        sys.exit(f"there is no notebook {', '.join(missing)}")
    if not (given.cdn or MODULES.is_dir()):
        sys.exit("the JavaScript is missing: `make slides` fetches it with npm, and `make slides CDN=1` does without")
    for notebook in given.notebooks:
        out = given.out / f"{notebook.stem}.{'pdf' if given.pdf else 'html'}"
        write(notebook, out, given.cdn, not given.no_solutions)
        print(out)


if __name__ == "__main__":
    main()
