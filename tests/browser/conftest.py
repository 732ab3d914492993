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
