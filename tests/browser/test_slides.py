"""Every slide of every deck in a real browser without a network: nothing cut off, missing or illegible."""

import re
import subprocess
import sys
import time

import pytest
from chromium import complaints, faint_words, view
from running import NOTEBOOKS, ROOT, each_notebook
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

sys.path.insert(0, str(ROOT / "slides"))

import deck

READY = """
const done = arguments[0];
const wait = () => window.Reveal?.isReady() && window.MathJax?.startup?.promise
  ? MathJax.startup.promise.then(() => document.fonts.ready).then(() => done(Reveal.getSlides().length))
  : setTimeout(wait, 50);
wait();"""

SHOW = """
const slide = Reveal.getSlides()[arguments[0]], {h, v} = Reveal.getIndices(slide);
Reveal.slide(h, v);
for (const later of slide.querySelectorAll('.fragment')) later.classList.add('visible');
build(slide);"""

# Where the deck stands: the number of its slide, and whether that is a solution.
HERE = "const s = Reveal.getCurrentSlide(); return [Reveal.getSlides().indexOf(s), s.matches('.solution')]"

FAULTS = r"""
const slide = Reveal.getCurrentSlide().querySelector('.slide'), room = slide.getBoundingClientRect();
const scale = Reveal.getScale(), faults = [];
for (const e of slide.querySelectorAll('*')) {
  if (e.closest('mjx-assistive-mml')) continue;
  const box = e.getBoundingClientRect(), name = `${e.tagName} "${e.textContent.slice(0, 40)}"`;
  const out = side => Math.round((box[side] - room[side]) / scale);
  if (box.width && (out('bottom') > -24 || out('right') > -40 || out('left') < 40 || out('top') < 16))
    faults.push(`${name} leaves the slide: ${['left', 'top', 'right', 'bottom'].map(out)}`);
  if (e.tagName === 'IMG') {
    if (!e.naturalWidth) faults.push(`${name}: an image that does not load`);
    const sprites = e.closest('.sprites');
    if (!e.alt && !sprites?.ariaLabel) faults.push(`${name}: an image without a text alternative`);
    if (box.height / scale < (sprites ? 30 : 120)) faults.push(`${name}: an image ${box.height / scale} pixels high`);
    const times = Math.min(box.width / e.getAttribute('width'), box.height / e.getAttribute('height')) / scale;
    if (times * e.dataset.type < 14) faults.push(`${name}: a figure with words of ${times * e.dataset.type} pixels`);
    const pixels = box.width / scale / e.naturalWidth;
    if (getComputedStyle(e).imageRendering === 'pixelated' && Math.abs(pixels - Math.round(pixels)) > 0.01)
      faults.push(`${name}: ${pixels} pixels for each pixel of a sprite`);
  }
  const own = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.textContent).join('').trim();
  if (!own || e.closest('svg')) continue;
  const size = getComputedStyle(e).fontSize;
  if (parseFloat(size) < 17.5) faults.push(`${name}: type of ${size}`);
  if (!e.closest('pre, code') && /\$|\\[a-zA-Z(\[]/.test(own)) faults.push(`raw LaTeX: ${own.slice(0, 60)}`);
}
if (slide.querySelector('mjx-merror')) faults.push('mathematics that MathJax does not understand');
if (!slide.querySelector('.shown').children.length) faults.push('an empty slide');
return faults;"""


@pytest.fixture(scope="module")
def decks(tmp_path_factory):
    """All decks, made as `make slides` makes them."""
    folder = tmp_path_factory.mktemp("slides")
    deck.main([*map(str, NOTEBOOKS), "--out", str(folder)])
    return folder


def open_deck(browser, decks, path):
    """Show a deck, and say how many slides it has, solutions included, once it is laid out."""
    browser.get("about:blank")  # else only the number of the slide would be new
    browser.get((decks / f"{path.stem}.html").as_uri())
    return browser.execute_async_script(READY)


@each_notebook
@pytest.mark.parametrize("room", [(1280, 720), (1920, 1080)], ids=str)
def test_every_slide_is_whole_and_legible(browser, decks, path, room):
    view(browser, *room)
    count = open_deck(browser, decks, path)
    assert count >= 25
    faults = {}
    for i in range(count):
        browser.execute_script(SHOW, i)
        if found := browser.execute_script(FAULTS) + faint_words(browser, ".slides > .present > .present > .slide"):
            faults[f"slide {i + 1}"] = found
    assert not faults
    assert not complaints(browser)


@each_notebook
def test_movies_begin_by_themselves_and_the_key_k_stops_them(browser, decks, path):
    open_deck(browser, decks, path)
    movies = browser.execute_script(
        "return Reveal.getSlides().map(s => Boolean(s.querySelector('.movie:not([data-build-up])')))"
    )
    page = browser.find_element(By.TAG_NAME, "body")
    for i in [i for i, movie in enumerate(movies) if movie]:
        browser.execute_script(SHOW, i)
        watch = """
          const done = arguments[0], image = Reveal.getCurrentSlide().querySelector('.movie img'), seen = new Set();
          const look = setInterval(() => seen.add(image.src), 20);
          setTimeout(() => { clearInterval(look); done(seen.size); }, 1000);"""
        assert browser.execute_async_script(watch) > 2, "it plays"
        page.send_keys("k")
        assert browser.execute_async_script(watch) == 1, "and stops"
        page.send_keys("k")
        assert browser.execute_async_script(watch) > 2, "and goes on"
        browser.execute_script(SHOW, i - 1)
        playing = "return Boolean(Reveal.getSlides()[arguments[0]].querySelector('.movie').timer)"
        assert not browser.execute_script(playing, i), "nothing plays on a slide that is left"
    if path.stem[:2] in ("01", "02", "06"):
        assert any(movies)


@each_notebook
def test_the_right_arrow_shows_everything_but_solutions_and_the_down_arrow_opens_one(browser, decks, path):
    count = open_deck(browser, decks, path)
    page, seen, opened = browser.find_element(By.TAG_NAME, "body"), [], 0
    for _ in range(20 * count):
        number, solution = browser.execute_script(HERE)
        assert not solution
        if not seen or number != seen[-1]:
            seen.append(number)
            if browser.execute_script("return Boolean(Reveal.getCurrentSlide().querySelector('.timer'))"):
                page.send_keys(Keys.ARROW_DOWN)
                assert browser.execute_script(HERE) == [number + 1, True], "below an exercise stands its solution"
                page.send_keys(Keys.ARROW_UP)
                opened += 1
        if number == count - 1 and not browser.execute_script("return Reveal.availableFragments().next"):
            break
        page.send_keys(Keys.ARROW_RIGHT)
    hidden = browser.execute_script("return Reveal.getSlides().filter(s => s.matches('.solution')).length")
    assert len(seen) == count - hidden
    assert seen == sorted(seen)
    assert opened == hidden > 0
    page.send_keys(Keys.ARROW_LEFT)
    assert browser.execute_script(HERE)[0] <= seen[-1]


def test_a_deck_without_solutions_has_none(tmp_path):
    deck.main([str(NOTEBOOKS[0]), "--out", str(tmp_path), "--no-solutions"])
    page = (tmp_path / f"{NOTEBOOKS[0].stem}.html").read_text(encoding="utf-8")
    assert 'class="exercise"' in page
    assert 'class="solution"' not in page
    assert "one way to write it" not in page


def test_the_time_of_an_exercise_runs_and_stops(browser, decks):
    open_deck(browser, decks, NOTEBOOKS[0])
    exercise = "Reveal.getSlides().findIndex(s => s.querySelector('.timer'))"
    browser.execute_script(SHOW, browser.execute_script(f"return {exercise}"))
    left = "return Reveal.getCurrentSlide().querySelector('.timer').textContent"
    begin, page = browser.execute_script(left), browser.find_element(By.TAG_NAME, "body")
    page.send_keys("t")
    WebDriverWait(browser, 10).until(lambda driver: driver.execute_script(left) != begin)
    page.send_keys("t")
    stopped = browser.execute_script(left)
    time.sleep(1.5)
    assert browser.execute_script(left) == stopped


@each_notebook
def test_the_overview_shows_the_whole_deck(browser, decks, path):
    open_deck(browser, decks, path)
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ESCAPE)
    WebDriverWait(browser, 10).until(lambda driver: driver.execute_script("return Reveal.isOverview()"))
    outside = browser.execute_async_script("""
      const done = arguments[0];
      requestAnimationFrame(() => requestAnimationFrame(() => done(Reveal.getSlides().filter(s => {
        const box = s.getBoundingClientRect();
        const {left, top, right, bottom, width} = box;
        return !width || left < -1 || top < -1 || right > innerWidth + 1 || bottom > innerHeight + 1;
      }).length)))""")
    assert outside == 0


def test_a_click_shows_the_takeaway_and_the_speaker_has_notes(browser, decks):
    count = open_deck(browser, decks, NOTEBOOKS[0])
    seen = "return Reveal.getCurrentSlide().querySelector('.takeaway').checkVisibility({visibilityProperty: true})"
    assert browser.execute_script(seen) is False, "the first slide has a picture, and a sentence that waits"
    browser.find_element(By.TAG_NAME, "body").send_keys(" ")
    assert browser.execute_script(seen)
    said = 0
    for i in range(count):
        browser.execute_script(SHOW, i)
        said += bool(browser.execute_script("return Reveal.getSlideNotes()"))
    assert said > count / 2


def test_the_key_s_opens_the_speakers_window(browser, decks):
    open_deck(browser, decks, NOTEBOOKS[0])
    # The driver cannot look into a window that a page writes itself, so the page keeps hold of it.
    browser.execute_script("const open = window.open; window.open = (...how) => window.speaker = open(...how);")
    browser.find_element(By.TAG_NAME, "body").send_keys("s")
    WebDriverWait(browser, 60).until(
        lambda driver: "In this notebook" in driver.execute_script("return speaker?.document.body.innerText ?? ''")
    )
    assert browser.execute_script("return speaker.document.querySelectorAll('iframe').length") == 2, (
        "this slide and next"
    )
    browser.execute_script("speaker.close()")
    assert not complaints(browser)


def test_a_deck_is_not_printed_before_its_pages_are_there(browser):
    """While reveal.js moves slides onto pages, there is a frame in which the document holds neither."""
    browser.get("data:text/html,<div class='slides'></div>")
    browser.execute_script(
        """window.MathJax = {startup: {promise: Promise.resolve()}};
        setTimeout(() => document.body.innerHTML = '<div class="pdf-page"></div>', 300);"""
    )
    browser.execute_async_script(deck.LAID_OUT)
    assert browser.execute_script("return document.querySelector('.pdf-page')")


def test_a_deck_on_paper_has_a_page_for_each_slide(decks, tmp_path):
    deck.main([str(NOTEBOOKS[-1]), "--out", str(tmp_path), "--pdf"])
    printed = (tmp_path / f"{NOTEBOOKS[-1].stem}.pdf").read_bytes()
    slides = (decks / f"{NOTEBOOKS[-1].stem}.html").read_text(encoding="utf-8").count('<div class="slide ')
    assert len(re.findall(rb"/Type /Page\b", printed)) == slides


def test_the_light_variant_asks_the_network_for_its_javascript(tmp_path):
    deck.main([str(NOTEBOOKS[0]), "--out", str(tmp_path), "--cdn"])
    page = (tmp_path / f"{NOTEBOOKS[0].stem}.html").read_text(encoding="utf-8")
    assert len(re.findall(r'<script src="https://cdn\.jsdelivr\.net/npm/[^"]+@\d+\.\d+\.\d+/[^"]+\.js">', page)) == 3
    assert len(page) < 2e6


def test_without_npm_one_line_says_both_ways():
    """The rule that fetches the JavaScript, asked in a world in which nothing is installed."""
    rule = ["make", "--silent", "--always-make", "--old-file=package.json", "node_modules/installed", "PATH=/nowhere"]
    made = subprocess.run(rule, cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode != 0
    first = made.stdout.splitlines()[0]
    assert "npm" in first
    assert "CDN=1" in first
