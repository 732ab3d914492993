"""Every slide of every deck in a real browser without a network: nothing cut off, missing or illegible."""

import re
import subprocess
import sys

import pytest
from chromium import complaints, faint_words, view
from running import NOTEBOOKS, ROOT, each_notebook
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

sys.path.insert(0, str(ROOT / "slides"))

import deck

READY = """
const done = arguments[0];
const wait = () => window.Reveal?.isReady() && window.MathJax?.startup?.promise
  ? MathJax.startup.promise.then(() => document.fonts.ready).then(() => done(Reveal.getTotalSlides()))
  : setTimeout(wait, 50);
wait();"""

SHOW = """
Reveal.slide(arguments[0]);
for (const later of Reveal.getCurrentSlide().querySelectorAll('.fragment')) later.classList.add('visible');"""

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
    if (!e.alt) faults.push(`${name}: an image without a text alternative`);
    if (box.height / scale < 120) faults.push(`${name}: an image ${box.height / scale} pixels high`);
  }
  const own = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.textContent).join('').trim();
  if (!own || e.closest('svg')) continue;
  const size = getComputedStyle(e).fontSize;
  if (parseFloat(size) < 17.5) faults.push(`${name}: type of ${size}`);
  if (!e.closest('pre, code') && /\$|\\[a-zA-Z(\[]/.test(own)) faults.push(`raw LaTeX: ${own.slice(0, 60)}`);
}
if (slide.querySelector('mjx-merror')) faults.push('mathematics that MathJax does not understand');
if (!slide.matches('.section') && !slide.querySelector('.shown').children.length) faults.push('an empty slide');
return faults;"""


@pytest.fixture(scope="module")
def decks(tmp_path_factory):
    """All decks, made as `make slides` makes them."""
    folder = tmp_path_factory.mktemp("slides")
    deck.main([*map(str, NOTEBOOKS), "--out", str(folder)])
    return folder


@each_notebook
@pytest.mark.parametrize("room", [(1280, 720), (1920, 1080)], ids=str)
def test_every_slide_is_whole_and_legible(browser, decks, path, room):
    view(browser, *room)
    browser.get((decks / f"{path.stem}.html").as_uri())
    count = browser.execute_async_script(READY)
    assert count > 40
    faults = {}
    for i in range(count):
        browser.execute_script(SHOW, i)
        if found := browser.execute_script(FAULTS) + faint_words(browser, ".present .slide"):
            faults[f"slide {i + 1}"] = found
    assert not faults
    assert not complaints(browser)


@each_notebook
def test_movies_play_and_stop(browser, decks, path):
    browser.get((decks / f"{path.stem}.html").as_uri())
    browser.execute_async_script(READY)
    slides = browser.execute_script(
        "return [...document.querySelectorAll('.movie')].map(m => Reveal.getIndices(m.closest('section')).h)"
    )
    for i in slides:
        browser.execute_script(SHOW, i)
        frames = browser.execute_async_script("""
          const done = arguments[0], movie = Reveal.getCurrentSlide().querySelector('.movie'), seen = new Set();
          const image = movie.querySelector('img'), button = movie.querySelector('button');
          button.click();
          const look = setInterval(() => seen.add(image.src), 20);
          setTimeout(() => {
            button.click(); clearInterval(look);
            const last = image.src;
            setTimeout(() => done([seen.size, image.src === last]), 500);
          }, 1000);""")
        assert frames[0] > 2, "it plays"
        assert frames[1], "and stops"
    if path.stem[:2] in ("01", "02", "04"):
        assert slides


def test_a_click_shows_the_reading_and_the_speaker_has_notes(browser, decks):
    browser.get((decks / f"{NOTEBOOKS[0].stem}.html").as_uri())
    count = browser.execute_async_script(READY)
    seen, said = (
        "return Reveal.getCurrentSlide().querySelector('.takeaway')?.checkVisibility({visibilityProperty: true})",
        0,
    )
    for _ in range(12):
        browser.execute_script("Reveal.next()")
        if browser.execute_script(seen) is False:
            browser.execute_script("Reveal.next()")
            assert browser.execute_script(seen)
            break
    else:
        pytest.fail("no reading among the first slides")
    for i in range(count):
        said += bool(browser.execute_script("Reveal.slide(arguments[0]); return Reveal.getSlideNotes()", i))
    assert said > count / 3


def test_the_key_s_opens_the_speakers_window(browser, decks):
    browser.get((decks / f"{NOTEBOOKS[0].stem}.html").as_uri())
    browser.execute_async_script(READY)
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
