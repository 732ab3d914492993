"""The site as a reader meets it: built as `make site` builds it, opened from disk, without a network."""

import json
import re
import subprocess
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from chromium import ROOM, complaints, faint_words, view
from running import ROOT, each_notebook
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

HTML = ROOT / "site" / "_build" / "html"
DESKTOP, TELEPHONE = ROOM, (390, 844)


@pytest.fixture(scope="module")
def site():
    made = subprocess.run(["make", "site"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "WARNING" not in made.stderr
    return sorted(path for path in HTML.rglob("*.html") if "_static" not in path.parts)  # templates of the theme


def open_page(browser, page, theme="light"):
    """Open a page, in the reader's choice of light or dark, and wait until all its formulas are drawn."""
    view(browser, *DESKTOP)
    browser.get((HTML / page).as_uri())
    browser.execute_script("localStorage.setItem('mode', arguments[0])", theme)
    browser.execute_script("localStorage.setItem('theme', arguments[0])", theme)
    browser.refresh()
    browser.set_script_timeout(60)
    browser.execute_async_script("(window.MathJax?.startup?.promise ?? Promise.resolve()).then(arguments[0])")


class Page(HTMLParser):
    """The links of a page, what it loads by itself, and what can be linked to in it."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loads, self.anchors = [], [], set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors |= {attributes[name] for name in ("id", "name") if attributes.get(name)}
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        elif tag == "link" and attributes.get("rel") not in ("index", "search", "next", "prev", "canonical"):
            self.loads.append(attributes["href"])
        if attributes.get("src"):
            self.loads.append(attributes["src"])


def test_every_link_leads_somewhere(site):
    pages = {path: Page(path) for path in site}
    problems = []
    for path, page in pages.items():
        for link in [*page.links, *page.loads]:
            scheme, host, target, _, anchor = urlsplit(link)
            if scheme or host:
                continue
            to = (path.parent / unquote(target)).resolve() if target else path
            if not to.is_file():
                problems.append(f"{path.relative_to(HTML)}: {link} does not exist")
            elif anchor and to in pages and unquote(anchor) not in pages[to].anchors:
                problems.append(f"{path.relative_to(HTML)}: {link} has no such anchor")
    assert not problems, "\n".join(problems)


def test_pages_load_nothing_from_the_network(site):
    problems = [
        f"{path.relative_to(HTML)}: {source[:80]}"
        for path in site
        for source in Page(path).loads
        if urlsplit(source).scheme not in ("", "data") or urlsplit(source).netloc
    ]
    assert not problems, "\n".join(problems)


INSPECT = r"""
const problems = [], main = document.querySelector("main") ?? document.body;
for (const image of document.images) {
  if (!image.complete || image.naturalWidth === 0) problems.push("not loaded: " + image.src.slice(0, 80));
  if (!image.alt.trim()) problems.push("no alternative text: " + image.src.slice(0, 80));
  const shape = image.offsetWidth / image.offsetHeight / (image.naturalWidth / image.naturalHeight);
  if (image.offsetWidth && Math.abs(shape - 1) > 0.03) problems.push("distorted: " + image.src.slice(0, 80));
}
let level = 0;
for (const heading of main.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
  const now = Number(heading.tagName[1]);
  if (now > level + 1) problems.push("heading skips a level: " + heading.textContent);
  level = now;
}
const titles = [...document.querySelectorAll("h1")].filter(title => title.checkVisibility()).length;
if (titles !== 1) problems.push(titles + " headings of the first level");
for (const math of main.querySelectorAll(".math"))
  if (!math.querySelector("mjx-container svg")) problems.push("formula not drawn: " + math.textContent.slice(0, 80));
for (const wrong of main.querySelectorAll("[data-mml-node=merror], mjx-merror"))
  problems.push("formula is wrong: " + wrong.closest(".math").textContent.slice(0, 80));
const texts = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const text = texts.currentNode, inside = text.parentElement;
  if (inside.closest("pre, code, script, style, mjx-container")) continue;
  if (/\$\$|\\[([]|\\(frac|sqrt|bar)|\*\*\w/.test(text.data)) problems.push("raw markup: " + text.data.slice(0, 80));
}
return problems;
"""


@pytest.mark.parametrize("part", ["pages", "api", "notebooks", "_modules"])
def test_pages_are_whole_and_legible(browser, site, part):
    pages = [path.relative_to(HTML) for path in site]
    pages = [page for page in pages if page.parts[0] == part or (part == "pages" and len(page.parts) == 1)]
    assert pages
    complaints(browser)
    problems = []
    for page in pages:
        open_page(browser, page)
        browser.execute_script("document.head.insertAdjacentHTML('beforeend', '<style>*{transition:none!important}')")
        browser.execute_script("document.querySelectorAll('details').forEach(details => details.open = true)")
        found = browser.execute_script(INSPECT)
        for theme in ("dark", "light"):
            browser.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
            found += [f"{theme}: {faint}" for faint in faint_words(browser)]
        for size in (DESKTOP, TELEPHONE):
            view(browser, *size)
            width = browser.execute_script("return document.documentElement.scrollWidth")
            if width > size[0]:
                found.append(f"is {width} pixels wide on a screen of {size[0]}")
        problems += [f"{page}: {problem}" for problem in found + complaints(browser)]
    assert not problems, "\n".join(problems)


def test_reader_can_switch_to_dark(browser, site):
    open_page(browser, "notation.html")
    ground = "return getComputedStyle(document.body).backgroundColor"
    assert browser.execute_script(ground) == "rgb(255, 255, 255)"
    browser.find_element(By.CSS_SELECTOR, ".theme-switch-button").click()
    browser.find_element(By.CSS_SELECTOR, ".theme-change-button[data-mode=dark]").click()
    browser.execute_script("document.head.insertAdjacentHTML('beforeend', '<style>*{transition:none!important}')")
    assert max(map(int, re.findall(r"\d+", browser.execute_script(ground)))) < 50
    browser.get((HTML / "glossary.html").as_uri())
    assert browser.execute_script("return document.documentElement.dataset.theme") == "dark"


def test_figures_keep_their_white_ground_in_the_dark(browser, site):
    open_page(browser, "notebooks/01_intuition.html", "dark")
    grounds = browser.execute_script("""
        const styles = [...document.querySelectorAll(".cell_output img")].map(image => getComputedStyle(image));
        return styles.map(style => `${style.backgroundColor}, ${style.filter}`);
    """)
    assert len(grounds) > 10
    assert set(grounds) == {"rgb(255, 255, 255), none"}


def test_search_finds_a_word(browser, site):
    open_page(browser, "index.html")
    complaints(browser)
    browser.find_element(By.CSS_SELECTOR, ".search-button-field").click()
    browser.switch_to.active_element.send_keys("posterior\n")
    results = WebDriverWait(browser, 20).until(
        lambda driver: driver.find_elements(By.CSS_SELECTOR, "#search-results li a")
    )
    WebDriverWait(browser, 20).until(lambda driver: "finished" in driver.find_element(By.ID, "search-results").text)
    assert {"02 · Sampling", "Glossary"} <= {
        link.text for link in browser.find_elements(By.CSS_SELECTOR, "#search-results li a")
    }
    assert complaints(browser) == []
    results[0].click()
    assert "posterior" in browser.find_element(By.TAG_NAME, "main").text.lower()


@each_notebook
def test_notebooks_fold_and_play(browser, site, path):
    open_page(browser, f"notebooks/{path.stem}.html")
    cells = json.loads(path.read_text())["cells"]
    solutions = sum("solution" in cell["metadata"].get("tags", []) for cell in cells)
    hidden = sum(
        "google.colab" in "".join(cell["source"]) or cell["metadata"].get("jupyter", {}).get("source_hidden", False)
        for cell in cells
        if cell["cell_type"] == "code"
    )
    answers = sum("".join(cell["source"]).count("<details>") for cell in cells if cell["cell_type"] == "markdown")
    folds = browser.find_elements(By.CSS_SELECTOR, "main details")
    assert not any(fold.get_attribute("open") for fold in folds)
    assert len(folds) == hidden + answers
    labels = [fold.find_element(By.TAG_NAME, "summary").text for fold in folds]
    assert labels.count("Show the solution") == solutions > 0
    for fold in folds:
        content = fold.find_element(By.CSS_SELECTOR, ":scope > :not(summary)")
        assert not content.is_displayed()
        displayed = expected_conditions.visibility_of(content)
        summary = fold.find_element(By.TAG_NAME, "summary")
        browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", summary)
        summary.click()
        WebDriverWait(browser, 10).until(displayed)

    movies = browser.find_elements(By.CSS_SELECTOR, "figure.movie")
    assert len(movies) == path.read_text().count('class=\\"movie\\"')
    for movie in movies:
        image, button = movie.find_element(By.TAG_NAME, "img"), movie.find_element(By.TAG_NAME, "button")
        first = image.get_attribute("src")
        browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", button)
        button.click()
        WebDriverWait(browser, 10).until(lambda _, image=image, first=first: image.get_attribute("src") != first)
        button.click()
        assert "Play" in button.text

    sliders = [
        output
        for cell in cells
        for output in cell.get("outputs", ())
        if "application/vnd.jupyter.widget-view+json" in output.get("data", ())
    ]
    still = [output for output in sliders if "movie" not in output["metadata"]]
    assert len(browser.find_elements(By.CSS_SELECTOR, "figure.widget img")) == len(still)
    colab = browser.find_elements(By.CSS_SELECTOR, "a[href*='colab.research.google.com/github']")
    assert {link.get_attribute("href") for link in colab} == set(
        re.findall(r"https://colab.research.google.com/github/[^)\\]+", path.read_text())
    )
