"""A service that is run from its form in Prefect's UI, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse

import pytest
from browsers import chromium
from commands import Desk, desk, kill_with_children
from playwright.sync_api import Browser, expect
from servers import ask, node_states

from components.pool import TaskPool
from components.pool.mongod import embedded_mongo

pytestmark = pytest.mark.acceptance

#: Milliseconds that a run may take from the form to its end, the start of its process included.
RUN = 90_000


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def here(browser: Browser, tmp_path: Path, prefect_url: str) -> Iterator[Desk]:
    """A work pool with a worker, to which `prefect deploy` has offered everything."""
    place = desk(
        tmp_path,
        PREFECT_API_URL=prefect_url,
        PREFECT_HOME=str(tmp_path / "prefect"),
        PREFECT_WORKER_QUERY_SECONDS="1",
    )
    pool = ("work-pool", "create", "rollflow", "--type", "process", "--overwrite")
    deploy = ("--no-prompt", "deploy", "--all", "--prefect-file", "deployments/prefect.yaml")
    for command in (pool, deploy):
        outcome = place.run("prefect", *command)
        assert outcome.status == 0, outcome.out + outcome.err
    worker = place.start("prefect", "worker", "start", "--pool", "rollflow")
    yield place
    kill_with_children(worker)
    for deployment in ask("POST", f"{prefect_url}/deployments/filter", json={}).json():
        ask("DELETE", f"{prefect_url}/deployments/{deployment['id']}").raise_for_status()


def test_a_day_is_served_from_the_form(here: Desk, browser: Browser, prefect_url: str) -> None:
    config = here.config()
    begun = here.run("flows.online", "first-train", config, "--day", "2016-06-01")
    assert begun.status == 0, begun.err

    routine = ask("GET", f"{prefect_url}/deployments/name/routine/routine").json()["id"]
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(prefect_url.removesuffix("/api"))
    page.get_by_role("link", name="Deployments").click()
    page.locator(f"a[href$='{routine}']").click()  # its flow has the same name
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Custom run").click()
    page.get_by_role("textbox", name="config").fill(str(config))
    page.get_by_role("button", name="day (Optional)").click()
    page.get_by_role("textbox", name="Date").fill("2016-06-03")
    expect(page.get_by_role("button", name="day (Optional)")).to_have_text("June 3rd, 2016")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("link", name="View run").click()
    expect(page.get_by_role("main").get_by_text("Completed", exact=True).first).to_be_visible(timeout=RUN)
    expect(page.get_by_text("routine run 2016-06-03").first).to_be_visible()
    page.get_by_role("tab", name="Artifacts").click()
    expect(page.get_by_text("Days of service small that were served now").first).to_be_visible()
    run = urlparse(page.url).path.rpartition("/")[2]
    assert sorted(node_states(prefect_url, run)) == [
        "plan",
        "publish",
        "report",
        "serve",
        "store",
        "train 2016-06-03",
    ]

    with embedded_mongo(here.home / "rollflow") as url, TaskPool(url, name="small days") as days:
        done = days.find({"status": "done"})
    assert sorted(str(day.definition["day"]) for day in done) == ["2016-06-01", "2016-06-02", "2016-06-03"]
