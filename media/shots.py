"""The screenshots of README: a slide, a widget and the site, taken with the browser and the JupyterLab of the tests.

python -m pytest media/shots.py       # or make media, which builds decks and site first
"""

import io
import sys
from pathlib import Path

from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

MEDIA = Path(__file__).parent
ROOT = MEDIA.parent
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from chromium import browser, view  # noqa: E402, F401  pytest finds a fixture by its name
from test_lab import ask, lab, picture_of, until, widgets_of  # noqa: E402, F401

WAIT = 120


def keep(png, name):
    """Write a screenshot with 256 colours, which is what it needs; nobody should wait for README."""
    small = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    assert len(small.getvalue()) <= 150_000, f"{name} has {len(small.getvalue())} bytes"
    (MEDIA / name).write_bytes(small.getvalue())


def test_slide(browser):  # noqa: F811
    """The first picture that makes one think."""
    view(browser, 1280, 720)
    browser.get((ROOT / "slides" / "01_intuition.html").as_uri())
    until(browser, WAIT, lambda: browser.execute_script("return window.Reveal?.isReady()"))
    browser.execute_async_script(
        """const shows = slide => /^3 ·/.test(slide.querySelector('h2')?.textContent) && slide.querySelector('img');
        const {h, v} = Reveal.getIndices(Reveal.getSlides().find(shows));
        Reveal.slide(h, v);
        while (Reveal.nextFragment());
        MathJax.startup.promise.then(arguments[0]);"""
    )
    keep(browser.get_screenshot_as_png(), "slide.png")


def test_site(browser):  # noqa: F811
    """The page that makes one want to start."""
    view(browser, 1280, 720)
    browser.get((ROOT / "site" / "_build" / "html" / "index.html").as_uri())
    until(browser, WAIT, lambda: browser.execute_script("return [...document.images].every(image => image.complete)"))
    keep(browser.get_screenshot_as_png(), "site.png")


def test_widget(browser, lab):  # noqa: F811
    """Half a hero and half a spell, in the sprite mixer of notebook 05."""
    size = {"width": 1280, "height": 1200, "deviceScaleFactor": 2, "mobile": False}  # letters are small: twice as sharp
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(lab("05_context.ipynb"))
    until(browser, WAIT, lambda: ask(browser, "return panel?.sessionContext?.session?.kernel?.status === 'idle'"))
    models = "panel.content.widgets.map(cell => cell.model)"
    cells = ask(browser, f"return {models}.map(cell => cell.type === 'code' ? cell.sharedModel.source : '')")
    code = [i for i, source in enumerate(cells) if source]
    run = "panel.content.activeCellIndex = arguments[0]; jupyterapp.commands.execute('notebook:run-cell');"
    for i in (*code[:2], *(i for i in code if "sprite_mixer(" in cells[i])):  # a network, its noise, and the mixer
        ask(browser, run, i)
    until(browser, WAIT, lambda: any(map(picture_of, widgets_of(browser))))
    (widget,) = (widget for widget in widgets_of(browser) if picture_of(widget))
    handles = {handle.accessible_name: handle for handle in widget.find_elements(By.CSS_SELECTOR, "[role=slider]")}
    for name in ("hero", "spell"):
        while (share := float(handles[name].get_attribute("aria-valuenow"))) != 0.5:
            before = picture_of(widget)
            handles[name].send_keys(Keys.ARROW_LEFT if share > 0.5 else Keys.ARROW_RIGHT)
            until(browser, WAIT, lambda: picture_of(widget) not in (None, before))  # noqa: B023
    keep(widget.screenshot_as_png, "widget.png")
    ask(browser, "panel.context.save(); panel.sessionContext.shutdown();")
