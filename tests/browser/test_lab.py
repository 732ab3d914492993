"""The notebooks in a real JupyterLab: every cell runs, every slider draws a new picture, every movie plays and stops.

There is one server, with a copy of the notebooks and settings of its own. Each notebook is run once, from top to
bottom, and the tests look at what it has become. How long sliders take to answer is recorded, not judged.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time

import pytest
from chromium import complaints
from running import NOTEBOOKS, PUBLIC_NAMES
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

import course_utils
from course_utils.figures.animation import Movie

WIDGET = re.compile(r"\b(?:\w+_sliders?|sprite_mixer)\(")
MOVIES = [
    name for name in PUBLIC_NAMES if getattr(getattr(course_utils, name), "__annotations__", {}).get("return") is Movie
]
MOVIE = re.compile(rf"\b(?:{'|'.join(MOVIES)})\(")
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"  # the one thing that comes from elsewhere


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab that knows nothing of this machine's; gives the address of a notebook."""
    home = tmp_path_factory.mktemp("lab")
    (home / "notebooks").mkdir()
    for notebook in NOTEBOOKS:
        shutil.copy(notebook, home / "notebooks")
    settings = {
        "settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings": {"windowingMode": "none"},  # show all
        "config/labconfig/page_config.json": {
            "disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}
        },
    }
    for name, content in settings.items():
        (home / name).parent.mkdir(parents=True)
        (home / name).write_text(json.dumps(content))
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"]
    command += ["--ServerApp.port=0", f"--ServerApp.root_dir={home / 'notebooks'}"]
    command += ["--LabApp.expose_app_in_browser=True"]
    env = {**os.environ, **{name: str(home / folder) for name, folder in folders.items()}}
    with (home / "log").open("w") as log:
        server = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    card = home / "runtime" / f"jpserver-{server.pid}.json"  # written when the server listens
    for _ in range(600):
        if card.exists() or server.poll() is not None:
            break
        time.sleep(0.1)
    assert card.exists(), (home / "log").read_text()
    listening = json.loads(card.read_text())
    yield lambda name: f"{listening['url']}lab/tree/{name}?reset&token={listening['token']}"
    server.terminate()
    server.wait(30)


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def page(browser, lab, request):
    """The page of a notebook after all its cells have run."""
    complaints(browser)  # those of pages before
    browser.get(lab(request.param.name))
    until(browser, 60, lambda: idle(browser))
    ask(
        browser,
        """window.heard = [];
        panel.sessionContext.iopubMessage.connect((_, message) => {
          if (message.header.msg_type === 'error' || message.content.name === 'stderr') heard.push(message.content);
        });
        window.finished = false;
        jupyterapp.commands.execute('notebook:run-all-cells').finally(() => { window.finished = true; });""",
    )
    until(browser, 500, lambda: ask(browser, "return finished"))
    yield browser
    ask(browser, "panel.context.save(); panel.sessionContext.shutdown();")
    until(browser, 30, lambda: ask(browser, "return !panel.sessionContext.session && !panel.context.model.dirty"))


def ask(driver, script, *arguments):
    """Run some JavaScript beside `panel`, the notebook in front."""
    return driver.execute_script(f"const panel = window.jupyterapp?.shell?.currentWidget; {script}", *arguments)


def idle(driver):
    return ask(driver, "return panel?.sessionContext?.session?.kernel?.status === 'idle'")


def until(driver, seconds, condition, every=0.5):
    return WebDriverWait(driver, seconds, poll_frequency=every).until(lambda _: condition())


def troubles(page):
    """Errors and warnings: in the cells, among the kernel's messages, and on the console."""
    until(page, 30, lambda: idle(page))
    outputs = ask(
        page,
        """const cells = [...panel.content.model.cells].filter(cell => cell.type === 'code');
        return cells.flatMap(cell => cell.executionCount ? cell.outputs.toJSON() : [{output_type: 'error'}]);""",
    )
    in_cells = [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"]
    on_console = [line for line in complaints(page) if not line.startswith(BADGE)]
    return in_cells + ask(page, "return heard") + on_console


def calls_of(page, pattern):
    """How often the code of this notebook calls something."""
    script = "return [...panel.content.model.cells].filter(c => c.type === 'code').map(c => c.sharedModel.getSource())"
    return sum(len(pattern.findall(source)) for source in ask(page, script))


def widgets_of(page):
    return page.find_elements(By.CSS_SELECTOR, ".jp-OutputArea-output .widget-vbox")


def picture_of(element):
    return element.parent.execute_script("return arguments[0].querySelector('img')?.src", element)


def test_all_cells_run_without_a_complaint(page):
    assert troubles(page) == []


def test_formulas_are_typeset(page):
    script = """return panel.content.widgets.filter(cell => cell.model.type === 'markdown').map(cell => ({
        source: cell.model.sharedModel.getSource(),
        text: cell.node.querySelector('.jp-MarkdownOutput').textContent,
        formulas: cell.node.querySelectorAll('mjx-container').length,
        broken: cell.node.querySelectorAll('mjx-merror, [data-mjx-error]').length}))"""
    cells = [cell for cell in ask(page, script) if "$" in re.sub("<!--.*?-->", "", cell["source"], flags=re.DOTALL)]
    assert len(cells) > 5
    for cell in cells:
        assert cell["formulas"] > 0, cell["source"]
        assert cell["broken"] == 0, cell["source"]
        assert "$" not in cell["text"], cell["text"]


def test_every_slider_draws_a_new_picture(page, record_property):
    widgets = widgets_of(page)
    assert len(widgets) == calls_of(page, WIDGET)
    for widget in widgets:
        handles = widget.find_elements(By.CSS_SELECTOR, "[role=slider]")
        assert handles
        for handle in handles:
            at_the_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
            before, start = picture_of(widget), time.perf_counter()
            handle.send_keys(Keys.ARROW_LEFT if at_the_end else Keys.ARROW_RIGHT)
            until(page, 30, lambda: picture_of(widget) not in (None, before), every=0.05)  # noqa: B023
            record_property(handle.accessible_name, f"answers in {time.perf_counter() - start:.2f} s")
    assert troubles(page) == []


def test_every_movie_plays_and_pauses(page):
    movies = page.find_elements(By.CSS_SELECTOR, ".jp-OutputArea-output figure.movie")
    assert len(movies) == calls_of(page, MOVIE)
    for movie in movies:
        button, position = movie.find_element(By.TAG_NAME, "button"), movie.find_element(By.TAG_NAME, "input")
        first = picture_of(movie)
        button.click()
        until(page, 10, lambda: picture_of(movie) != first)  # noqa: B023
        button.click()
        stopped = position.get_property("value")
        time.sleep(1)
        assert position.get_property("value") == stopped
    assert troubles(page) == []


def test_sliders_have_names_and_pictures_have_words_for_those_who_do_not_see(page):
    for widget in widgets_of(page):
        names = [handle.accessible_name for handle in widget.find_elements(By.CSS_SELECTOR, "[role=slider]")]
        assert names == [label.text for label in widget.find_elements(By.CSS_SELECTOR, ".widget-slider .widget-label")]
        assert all(names)
        assert len(set(names)) == len(names)
    for control in page.find_elements(By.CSS_SELECTOR, ".jp-OutputArea-output :is(button, input)"):
        assert control.accessible_name
    # JupyterLab shows the figures of cells without the words that come with them: see test_notebooks.py for those.
    places = ".widget-vbox img, figure.movie img, .jp-MarkdownOutput img"
    pictures = page.find_elements(By.CSS_SELECTOR, places)
    assert pictures
    for picture in pictures:
        assert len(picture.get_attribute("alt")) >= 8, picture.get_attribute("outerHTML")[:200]
