"""A real Chromium without a network: what the tests of notebooks, slides and site click with.

Where there is no Chromium these tests are skipped and say why; on CI, where there must be one, they fail instead.
"""

import os
import shutil

import pytest
from selenium import webdriver

ROOM = (1280, 720)


@pytest.fixture(scope="session")
def browser():
    """Chromium, driven by Selenium; names of other machines lead nowhere, and what the console says is kept."""
    missing = [program for program in ("chromium", "chromedriver") if not shutil.which(program)]
    if missing:
        stop = pytest.fail if os.environ.get("CI") else pytest.skip
        stop(f"{' and '.join(missing)} not found; Debian has them as the packages chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",  # a container has little of it
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    view(driver, *ROOM)
    yield driver
    driver.quit()


def view(driver, width, height):
    """Give pages exactly this many pixels: a window's own frame does not count."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )


def complaints(driver):
    """What the console has said since it was last asked, except the debugging chatter."""
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def faint_words(driver, where="body"):
    """What can be seen there and is hard to read: contrast with its ground below 4.5 (WCAG 2.2, 1.4.3)."""
    return driver.execute_script(_FAINT, where)


_FAINT = r"""
const rgba = colour => { const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number); return [r, g, b, a]; };
const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
const ground = element => {
  if (!element) return [255, 255, 255];
  const colour = rgba(getComputedStyle(element).backgroundColor);
  return colour[3] === 1 ? colour.slice(0, 3) : over(colour, ground(element.parentElement));
};
const light = colour => {
  const [r, g, b] = colour.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const faint = {}, texts = document.createTreeWalker(document.querySelector(arguments[0]), NodeFilter.SHOW_TEXT);
let count = 0;
while (texts.nextNode()) {
  const text = texts.currentNode, inside = text.parentElement;
  if (!text.data.trim() || inside.closest("script, style, noscript")) continue;
  if (!inside.checkVisibility({visibilityProperty: true})) continue;
  count += 1;
  const behind = ground(inside), ink = over(rgba(getComputedStyle(inside).color), behind);
  const [low, high] = [light(behind), light(ink)].sort((a, b) => a - b);
  const contrast = (high + 0.05) / (low + 0.05);
  if (contrast < 4.5) {
    const name = inside.tagName + "." + inside.className;
    faint[name] ??= `contrast ${contrast.toFixed(2)} of ${name}, ${ink} on ${behind}: ${text.data.trim().slice(0, 40)}`;
  }
}
return count ? Object.values(faint) : ["no text at all"];
"""
