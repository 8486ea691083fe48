"""The report of a real run in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from browsers import Visit, chromium, visited
from commands import CONFIG, desk
from playwright.sync_api import Browser

pytestmark = pytest.mark.acceptance

FIGURES = [
    "timeline",
    "ic-cumulated",
    "ic-windows",
    "ic-days",
    "ic-months",
    "groups",
    "group-means",
    "long-short",
    "equity",
    "excess",
    "turnover",
    "importance",
    "curve-valid",
    "curve-train",
    "ic-compared",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory, prefect_url: str) -> dict[str, Any]:
    """What a rolling run of boosted trees with a backtest wrote with --json."""
    here = desk(tmp_path_factory.mktemp("desk"), PREFECT_API_URL=prefect_url)
    model = {"class": "LGBModel", "kwargs": {"num_boost_round": 20, "min_data_in_leaf": 5, "num_leaves": 8}}
    backtest = {"account": 1e7, "benchmark": "DEMO000"}
    strategy = {"class": "TopkDropoutStrategy", "kwargs": {"signal": "<PRED>", "topk": 5, "n_drop": 1}}
    records = [
        {"class": "SignalRecord", "kwargs": {"model": "<MODEL>", "dataset": "<DATASET>"}},
        {"class": "SigAnaRecord", "kwargs": {"ana_long_short": True}},
        {"class": "PortAnaRecord", "kwargs": {"config": {"strategy": strategy, "backtest": backtest}}},
    ]
    config = here.home / "trees.yaml"
    config.write_text(yaml.safe_dump({**CONFIG, "task": {**CONFIG["task"], "model": model, "record": records}}))
    here.rolling(here.config())  # an earlier run of the experiment, with another model
    return here.rolling(config)


@pytest.fixture
def visit(browser: Browser, outcome: dict[str, Any], request: pytest.FixtureRequest) -> Iterator[Visit]:
    """The report in a window of the width and theme that the test asks for."""
    width, theme = request.param
    with visited(browser, Path(outcome["report"]), width, theme) as opened:
        yield opened


@pytest.mark.parametrize("visit", [(w, t) for w in (1280, 390) for t in ("light", "dark")], indirect=True)
def test_every_figure_is_drawn_and_nothing_is_wider_than_the_window(visit: Visit) -> None:
    drawn = visit.drawn()
    assert list(drawn) == FIGURES
    assert {name: shown for name, (_, shown) in drawn.items()} == {name: had for name, (had, _) in drawn.items()}
    assert min(shown for _, shown in drawn.values()) > 0
    assert visit.is_as_wide_as_its_window()
    assert visit.complaints == []


@pytest.mark.parametrize("visit", [(1280, "light")], indirect=True)
def test_earlier_runs_stand_on_the_same_days(visit: Visit) -> None:
    first_day = "name => String(document.querySelector(`[data-figure=${name}]`).data[0].x[0]).slice(0, 10)"
    days = [visit.page.evaluate(first_day, figure) for figure in ("ic-cumulated", "ic-compared")]
    assert days[0] == days[1] != "0"
    assert days[0].startswith("20")


@pytest.mark.parametrize("visit", [(1280, "light")], indirect=True)
def test_figures_follow_the_theme(visit: Visit) -> None:
    light = visit.colour("ic-cumulated")
    visit.page.emulate_media(color_scheme="dark")
    visit.page.wait_for_selector("html[data-drawn=dark]", state="attached")
    dark = visit.colour("ic-cumulated")
    assert light.startswith("#")
    assert dark.startswith("#")
    assert light != dark
    assert visit.complaints == []


@pytest.mark.parametrize("visit", [(390, "light")], indirect=True)
def test_the_page_names_what_the_run_was(visit: Visit, outcome: dict[str, Any]) -> None:
    text = visit.page.inner_text("body")
    assert f"{outcome['metrics']['IC']:.4f}".replace("-", "\N{MINUS SIGN}") in text
    assert outcome["recorder_id"] in text
    visit.page.get_by_text("Config", exact=True).click()
    assert "num_boost_round: 20" in visit.page.inner_text("#run")
    visit.page.get_by_text("Versions as the report was made").click()
    assert "lightgbm" in visit.page.inner_text("#run")
    assert re.search(r'task.model.class\s+"LGBModel"\s+"SlowModel"', visit.page.inner_text("#comparison"))
