"""What a service leaves to look at: its page, those of its days, and what the Prefect UI shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from commands import CONFIG, Desk, desk

pytestmark = pytest.mark.acceptance

STRATEGY = {"class": "TopkDropoutStrategy", "kwargs": {"signal": "<PRED>", "topk": 5, "n_drop": 1}}


@pytest.fixture
def here(tmp_path: Path, prefect_url: str) -> Desk:
    return desk(tmp_path, PREFECT_API_URL=prefect_url)


def shown(prefect_url: str, key: str) -> Any:
    """The newest artifact of a key."""
    wanted = {"artifacts": {"key": {"any_": [key]}}}
    (artifact,) = httpx.post(f"{prefect_url}/artifacts/latest/filter", json=wanted).raise_for_status().json()
    return artifact["data"]


def test_a_service_and_its_days_have_pages(here: Desk, prefect_url: str) -> None:
    config = here.home / "service.yaml"
    config.write_text(yaml.safe_dump({**CONFIG, "online": {"portfolio": {"strategy": STRATEGY, "account": 1e6}}}))
    to_json = ("--json", here.home / "outcome.json")
    assert here.run("flows.online", "first-train", config, "--day", "2016-06-02", *to_json).status == 0
    served = here.run("flows.online", "routine", config, "--day", "2016-06-07", *to_json)
    assert served.status == 0, served.err
    page = Path(here.outcome()["report"])
    text = page.read_text()
    assert f"report        {page}" in served.out
    assert page.parent == Path(here.outcome()["signals"]).parent
    assert "2016-06-07, the newest day that was served" in text
    assert "Orders for the next session" in text
    pages = {file.read_text() for file in page.parents[2].glob("*/artifacts/report.html")} - {text}
    days = ["2016-06-02", "2016-06-03", "2016-06-06", "2016-06-07"]
    assert sorted(next(day for day in days if f"{day}, the newest day" in each) for each in pages) == days

    table = json.loads(shown(prefect_url, "routine-days"))
    assert [(row["day"], row["gate"]) for row in table] == [
        ("2016-06-07", "green"),
        ("2016-06-06", "green"),
        ("2016-06-03", "green"),
    ]
    assert {row["scored"] + row["without a score"] for row in table} == {20}
    assert {row["held"] for row in json.loads(shown(prefect_url, "first-train-orders"))} == {0.0}
    assert "| SlowModel | champion | 2016-06-03 | 2016-06-03 |" in shown(prefect_url, "routine-signal")
    assert page.as_uri() in shown(prefect_url, "routine-report")

    for holdings in page.parents[2].glob("*/artifacts/holdings.json"):
        holdings.write_text("{")
    again = here.run("flows.online", "routine", config, "--day", "2016-06-07", *to_json)
    assert again.status == 0, again.err
    (warning,) = here.outcome()["warnings"]
    assert warning.startswith("the page of the service could not be made: ")
    assert (here.outcome()["report"], here.outcome()["days"]) == (None, [])
    assert "\n" not in warning
    assert warning in again.out
