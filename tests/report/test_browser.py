"""The page in headless Chromium: sorting, console, network, widths, accessibility.

They need the package `playwright` (extra `browser`) and a Chromium of the system's own; the accessibility
test also axe-core's script, in $AEZOO_AXE or where `npm install --global axe-core` puts it.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aezoo.report import Looks, Picture, Points, of_runs, render
from tests.report.runs import HOSTILE, make_run, png

pytestmark = pytest.mark.slow
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
METHODS = '.comparison tbody.method th[scope="row"]'


def chromium() -> str:
    found = os.environ.get("AEZOO_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), "")
    if not found:
        pytest.skip("there is no Chromium here: install it, or name it in AEZOO_CHROMIUM")
    return found


def axe() -> str:
    if named := os.environ.get("AEZOO_AXE"):
        return Path(named).read_text(encoding="utf-8")
    if shutil.which("npm"):
        asked = subprocess.run(["npm", "root", "--global"], capture_output=True, text=True, check=False)
        file = Path(asked.stdout.strip()) / "axe-core" / "axe.min.js"
        if file.is_file():
            return file.read_text(encoding="utf-8")
    pytest.skip("there is no axe-core here: `npm install --global axe-core`, or name axe.min.js in AEZOO_AXE")


@pytest.fixture(scope="module")
def browser() -> Iterator:
    playwright = pytest.importorskip("playwright.sync_api", reason="the extra `browser` is not installed")
    path = chromium()
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory) -> Path:
    """A page with everything on it, of runs whose names are long and hostile."""
    folder = tmp_path_factory.mktemp("page")
    name = HOSTILE.replace("/", "|")
    runs = [
        make_run(folder / name, HOSTILE, sse=20.0, warnings=[HOSTILE]),
        make_run(folder / "best", sse=3.0, changed={"train": {"batch_size": 8, "schedule": "batch " * 30}}),
        make_run(folder / "no-pictures", sse=100.0, pictures=False),
        make_run(folder / "unfinished", finished=False),
    ]
    page = of_runs(runs)
    points = Points({"0": [(0, 0), (1, 2)], "1": [(1, 1)]}, [(0, 1)], ("code 1", "code 2"))
    wide = Picture(png((900, 100)), note="9 points")
    looks = {view.label: Looks(wide, Picture(why="the data are vectors"), points) for view in page.views}
    file = folder / "report.html"
    file.write_text(render(replace(page, looks=looks)))
    return file


class Seen:
    """A page that is open, and what it said and asked for."""

    def __init__(self, browser, file: Path, **settings) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page = browser.new_context(**settings).new_page()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())

    def methods(self) -> list[str]:
        return [text.partition("<")[0] or "hostile" for text in self._methods()]

    def _methods(self) -> list[str]:
        return self.page.eval_on_selector_all(METHODS, "all => all.map(one => one.textContent)")

    def sorted(self, name: str) -> str | None:
        return self.head(name).get_attribute("aria-sort")

    def head(self, name: str):
        return self.page.locator(".comparison thead tr:last-child th").filter(has_text=name).first


@pytest.fixture
def seen(browser, page_file) -> Seen:
    return Seen(browser, page_file)


def test_the_page_says_nothing_on_the_console_and_asks_for_nothing(seen, page_file):
    assert seen.said == []
    assert [url for url in seen.asked if not url.startswith("data:")] == [page_file.as_uri()]


def test_a_hostile_name_stays_text(seen):
    assert "aezoo report" in seen.page.title()
    assert seen.page.locator("img[src='x']").count() == 0
    assert seen.page.locator("script").count() == 1
    assert HOSTILE in seen.page.locator(".warnings").inner_text()


def test_clicks_sort_rows_by_number_and_say_so(seen):
    before = seen.methods()
    assert before == ["hostile", "best", "no-pictures", "unfinished1"]
    head = seen.head("sse")
    head.locator("button").click()
    assert seen.methods() == ["best", "hostile", "no-pictures", "unfinished1"]
    assert seen.sorted("sse") == "ascending"
    head.locator("button").click()
    assert seen.methods() == ["no-pictures", "hostile", "best", "unfinished1"]  # empty ones stay last
    assert seen.sorted("sse") == "descending"
    assert seen.page.locator("#sorted").inner_text() == "sorted by sse ↓, descending"
    seen.head("method").locator("button").click()
    assert seen.sorted("method") == "ascending" and seen.sorted("sse") is None


def test_the_keyboard_sorts_too(seen):
    seen.page.evaluate("document.querySelector('.comparison-scroll').focus()")
    reached = ""
    for _ in range(8):
        seen.page.keyboard.press("Tab")
        reached = seen.page.evaluate("document.activeElement.textContent")
        if reached.startswith("sse"):
            break
    assert reached.startswith("sse")
    seen.page.keyboard.press("Enter")
    assert seen.sorted("sse") == "ascending"
    seen.page.keyboard.press("Space")
    assert seen.sorted("sse") == "descending"


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_never_scrolls_sideways(browser, page_file, width):
    seen = Seen(browser, page_file, viewport={"width": width, "height": 800})
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation(browser, page_file, scheme, width):
    script = axe()
    settings = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    seen = Seen(browser, page_file, **settings)
    seen.page.evaluate(script)
    found = seen.page.evaluate("axe.run()")
    heavy = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in heavy] == []
    assert len(found["passes"]) > 15
