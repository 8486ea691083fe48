"""`python -m flows.ui`: everything there is to look at, and nothing left when it ends."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import httpx
import psutil
import pytest
from commands import Desk, desk, stop

from components.report.runs import save_report
from components.tracking import ExperimentManager
from flows.ui.site import latest_reports

pytestmark = pytest.mark.acceptance


@dataclass(frozen=True)
class Opened:
    """The addresses that the command has printed, by name."""

    addresses: dict[str, str]
    #: What a run on the same home has written with ``--json``.
    run: dict[str, object]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A home of its own, on private servers."""
    home = tmp_path_factory.mktemp("ui")
    place = desk(home, PREFECT_HOME="")
    return Desk(home, {name: value for name, value in place.environ.items() if not name.startswith("PREFECT_")})


@pytest.fixture(scope="module")
def opened(here: Desk) -> Iterator[Opened]:
    run = here.rolling(here.config(), "--step", 200)
    process = here.start("flows.ui", "--no-browser")
    assert process.stdout
    lines = [process.stdout.readline().split() for _ in range(5)]
    assert lines[-1] == ["Ctrl-C", "ends", "them"]
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    assert len(family) > 3
    yield Opened({line[0]: line[1] for line in lines[1:-1]}, run)
    outcome = stop(process, signal.SIGINT)
    assert outcome.status == 0, outcome.err
    assert outcome.err == ""
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []


def test_it_links_to_the_uis_and_the_reports(opened: Opened) -> None:
    page = httpx.get(opened.addresses["everything"]).text
    assert {opened.addresses["Prefect"], opened.addresses["MLflow"]} == set(re.findall(r'href="(http[^"]+)"', page))
    (report,) = re.findall(r'href="(/report/[0-9a-f]{32})">', page)
    assert report == f"/report/{opened.run['recorder_id']}"
    served = httpx.get(opened.addresses["everything"] + report)
    assert served.text == Path(str(opened.run["report"])).read_text("utf-8")
    assert httpx.get(f"{opened.addresses['MLflow']}/health").text == "OK"
    runs = httpx.post(f"{opened.addresses['Prefect']}/api/flow_runs/filter", json={}).json()
    assert [run["state"]["type"] for run in runs] == ["COMPLETED"]


def test_reports_are_listed_by_the_time_they_were_made(experiments: ExperimentManager) -> None:
    experiment = experiments.get_or_create("listed")
    made = {
        "service": datetime(2026, 3, 5, 18, tzinfo=UTC),  # began long before the run
        "nothing to look at": None,
        "run": datetime(2026, 3, 5, 19, tzinfo=timezone(timedelta(hours=8))),
    }
    for name, at in made.items():
        with experiments.start(experiment, name).closing() as recorder:
            if at:
                save_report("<h1>report</h1>", recorder, at)
    listed = latest_reports(experiments)
    assert [(each.name, each.experiment, each.made) for each in listed] == [
        ("service", "listed", made["service"]),
        ("run", "listed", made["run"]),
    ]


@pytest.mark.parametrize("path", ["/report/x", "/report/../mlflow.db", f"/report/{'0' * 32}", "/etc/passwd"])
def test_it_serves_nothing_else(opened: Opened, path: str) -> None:
    assert httpx.get(opened.addresses["everything"] + path).status_code == 404
    assert httpx.get(opened.addresses["everything"], headers={"Host": "example.org"}).status_code == 403


@pytest.mark.skipif(not shutil.which("chromium"), reason="there is no Chromium")
def test_a_browser_follows_the_links(opened: Opened) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(opened.addresses["everything"])
        page.click("text=1 windows")
        page.wait_for_selector("h1")
        assert page.url.startswith(f"{opened.addresses['everything']}/report/")
        page.goto(opened.addresses["everything"])
        page.click("text=Prefect")
        page.wait_for_selector("text=Flow Runs", timeout=60_000)
        browser.close()


def test_a_port_that_is_taken_is_one_line(here: Desk, opened: Opened) -> None:
    port = opened.addresses["everything"].rpartition(":")[2]
    outcome = here.run("flows.ui", "--no-browser", "--port", port)
    assert outcome.status == 2
    assert (
        outcome.err == f"error: port {port} cannot be used (Address already in use); give another one with --port\n"
    )
