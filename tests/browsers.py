"""Pages of this project in a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: How many traces each figure has, and how many of them Plotly has drawn.
_DRAWN = """() => Object.fromEntries([...document.querySelectorAll("[data-figure]")].map((place) => [
    place.dataset.figure,
    [place.data.length,
     place.querySelectorAll(".scatterlayer .trace, .barlayer .trace, .heatmaplayer .hm image").length],
]))"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium of this machine; where there is none the tests skip, but fail in CI."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        message = "there is no chromium on the PATH to open the report with"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_QUIET)
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page as it was opened."""

    page: Page
    #: Errors on the console, and addresses that the page asked for besides its own.
    complaints: list[str] = field(default_factory=list)

    def colour(self, figure: str) -> str:
        """The colour of the first line of a figure."""
        return str(self.page.evaluate(f"document.querySelector('[data-figure={figure}]').data[0].line.color"))

    def drawn(self) -> dict[str, tuple[int, int]]:
        """How many traces each figure has, and how many of them are drawn."""
        return {name: (had, shown) for name, (had, shown) in self.page.evaluate(_DRAWN).items()}

    def is_as_wide_as_its_window(self) -> bool:
        """Whether nothing, figures included, is wider than the window."""
        width = self.page.viewport_size["width"]  # type: ignore[index]
        boxes = [figure.bounding_box() for figure in self.page.locator("[data-figure] .main-svg").all()]
        return self.page.evaluate("document.documentElement.scrollWidth") == width and all(
            box and box["width"] > 100 and box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes
        )


@contextmanager
def visited(browser: Browser, file: Path, width: int, theme: str) -> Iterator[Visit]:
    """A file in a window of a width and theme, its figures drawn."""
    page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=theme)  # type: ignore[arg-type]
    visit = Visit(page)
    page.on("console", lambda message: visit.complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("request", lambda sent: visit.complaints.append(sent.url) if sent.url != file.as_uri() else None)
    page.goto(file.as_uri())
    if page.locator("[data-figure]").count():
        page.wait_for_selector(f"html[data-drawn={theme}]", state="attached")
    yield visit
    page.close()
