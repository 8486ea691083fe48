"""The page of a service in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from browsers import Visit, chromium, visited
from playwright.sync_api import Browser
from small_service import DAYS, NEW, gate, history, realised, served, signal

from components.report.service.page import render, render_day
from components.serving import History
from components.serving.page import service_content

pytestmark = pytest.mark.acceptance

MADE = datetime(2026, 3, 4, 18, 30, tzinfo=UTC)
LONG = "a_name_without_any_space_" * 6
STOPPED = gate("2026-04-17", "fail", f"3 of 20 instruments of {LONG} have a bar")


def month() -> dict[str, Any]:
    """Thirty days, so that all moving means are there, with names and errors as long as they come."""
    first, second, third = history().days
    later = [str(day.date()) for day in pd.bdate_range("2026-03-05", periods=27)]
    scored = (*third.scored[:1], replace(third.scored[1], missing=tuple(f"S{number:04}" for number in range(40))))
    more = [
        replace(third, day=day, decisions=(), realised=(realised(day, NEW, 0.01),), scored=scored) for day in later
    ]
    more[-1] = replace(more[-1], failed={"trees": f"ValueError: {LONG}"})
    days = History((first, second, third, *more))
    return {
        "history": days,
        "signal": signal({day.day: "ABCD" for day in days.days}),
        "service": LONG,
        "stopped": STOPPED,
    }


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages by name."""
    folder = tmp_path_factory.mktemp("pages")
    first = History(history().days[:1])
    texts = {
        "three days": render(service_content(served(), MADE)),
        "a month": render(service_content(served(**month()), MADE)),
        "one day": render(service_content(served(history=first, signal=signal({DAYS[0]: "AB"})), MADE)),
        "page of a day": render_day(service_content(served(**month()), MADE)),
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    return {name: folder / f"{name}.html" for name in texts}


@pytest.fixture
def visit(browser: Browser, pages: dict[str, Path], request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A page in a window of the width and theme that the test asks for."""
    name, width, theme = request.param
    with visited(browser, pages[name], width, theme) as opened:
        yield opened


NAMES = ("three days", "a month", "one day", "page of a day")


@pytest.mark.parametrize(
    "visit", [(name, w, t) for name in NAMES for w, t in ((1280, "light"), (390, "dark"))], indirect=True
)
def test_every_figure_is_drawn_and_nothing_is_wider_than_the_window(visit: Visit) -> None:
    assert all(had == shown > 0 for had, shown in visit.drawn().values())
    assert visit.is_as_wide_as_its_window()
    assert visit.complaints == []


@pytest.mark.parametrize("visit", [("a month", 1280, "light")], indirect=True)
def test_all_figures_are_there_and_follow_the_theme(visit: Visit) -> None:
    assert list(visit.drawn()) == [
        "realised-cumulated",
        "realised-days-0",
        "realised-days-1",
        "turnover",
        "coverage",
    ]
    light = visit.colour("realised-cumulated")
    visit.page.emulate_media(color_scheme="dark")
    visit.page.wait_for_selector("html[data-drawn=dark]", state="attached")
    assert light != visit.colour("realised-cumulated")
    assert visit.complaints == []


@pytest.mark.parametrize("visit", [("a month", 1280, "light")], indirect=True)
def test_what_matters_is_on_the_first_screen(visit: Visit) -> None:
    height = visit.page.viewport_size["height"]  # type: ignore[index]
    for text in ("2026-04-17 was not served", "trees was not trained"):
        box = visit.page.get_by_text(text).first.bounding_box()
        assert box
        assert box["y"] + box["height"] < height


@pytest.mark.parametrize("visit", [("a month", 390, "light")], indirect=True)
def test_what_is_folded_opens(visit: Visit) -> None:
    # S0039 is the last of forty, of which twelve are shown
    assert not visit.page.get_by_text("S0039").is_visible()
    visit.page.get_by_text("and 28 more").click()
    assert visit.page.get_by_text("S0039").is_visible()
