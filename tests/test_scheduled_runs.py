"""A service that nobody starts: its schedule, late runs, holidays, red gates, on a real server and work pool."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from commands import CONFIG, Desk, desk, kill_with_children, wait_until
from receiver import Receiver, receiving
from servers import ask, cancel

from components.pool import TaskPool
from components.pool.mongod import embedded_mongo

pytestmark = pytest.mark.acceptance

#: Everything is told of today, for runs of a schedule are late or not by the clock on the wall.
TODAY = datetime.now(UTC).date()
#: The sessions after the first training; yesterday nobody traded.
HOLIDAY = TODAY - timedelta(days=1)
BEGUN, MISSED, ALSO_MISSED = (TODAY - timedelta(days=days) for days in (4, 3, 2))
TOMORROW = TODAY + timedelta(days=1)


def write_prices(folder: Path, last: date, instruments: int = 20) -> None:
    """Bars of every day but the holiday until a day, on which only so many instruments have one."""
    days = [day for day in pd.date_range(end=TOMORROW, periods=121) if day.date() != HOLIDAY]
    codes = [f"S{number:02d}" for number in range(20)]
    rng = np.random.default_rng(3)
    index = pd.MultiIndex.from_product([days, codes], names=["date", "instrument"])
    bars = pd.DataFrame({"close": 10 * np.exp(rng.normal(0, 0.02, (120, 20)).cumsum(axis=0)).ravel()}, index)
    bars["volume"] = np.round(1e6 * np.exp(rng.normal(0, 0.5, len(bars))))
    bars["factor"] = 1.0
    bars = bars[: pd.Timestamp(last)].reset_index()
    has_bar = (bars["date"] < pd.Timestamp(last)) | bars["instrument"].isin(codes[:instruments])
    folder.mkdir(exist_ok=True)
    bars[has_bar].to_parquet(folder / "prices.parquet", index=False)


def write_config(here: Desk) -> Path:
    """A service that runs at midnight, at most two days late."""
    content: dict[str, Any] = json.loads(json.dumps(CONFIG))
    segments = {"train": (115, 60), "valid": (59, 20), "test": (19, 0)}
    content["task"]["dataset"]["kwargs"]["segments"] = {
        name: [str(TODAY - timedelta(days=days)) for days in ends] for name, ends in segments.items()
    }
    schedule = {"time_zone": "UTC", "close": "00:00", "delay": 0, "latest": 2 * 24 * 60}
    content |= {
        "data": f"parquet:{here.home / 'prices'}",
        "experiment": "nightly",
        "online": {"schedule": schedule},
    }
    path = here.home / "nightly.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def test_a_service_that_runs_by_its_schedule(tmp_path: Path, prefect_url: str, receiver: Receiver) -> None:
    environ = {"PREFECT_API_URL": prefect_url, "PREFECT_HOME": str(tmp_path / "prefect")}
    here = desk(tmp_path, **environ, ROLLFLOW_WEBHOOK=receiver.url, PREFECT_WORKER_QUERY_SECONDS="1")
    config = write_config(here)
    write_prices(tmp_path / "prices", TODAY)
    worker = here.start("prefect", "worker", "start", "--pool", "nightly", "--type", "process")
    try:
        begun = here.run("flows.online", "first-train", config, "--day", BEGUN, "--json", tmp_path / "outcome.json")
        assert begun.status == 0, begun.err
        wait_until(lambda: ask("GET", f"{prefect_url}/work_pools/nightly").status_code == 200)
        offered = here.run("deployments.serve", "--config", config, "--work-pool", "nightly")
        assert offered.status == 0, offered.err
        service = ask("GET", f"{prefect_url}/deployments/name/routine/nightly").json()
        (schedule,) = service["schedules"]
        own = f"{prefect_url}/deployments/{service['id']}"
        # the test says when runs are due, also at midnight
        ask("PATCH", f"{own}/schedules/{schedule['id']}", json={"active": False}).raise_for_status()

        def create(**body: Any) -> str:
            reply = ask("POST", f"{own}/create_flow_run", json=body)
            assert reply.status_code == 201, reply.text
            return str(reply.json()["id"])

        def due(day: date) -> str:
            """What Prefect makes of the schedule for a day."""
            at = {"scheduled_time": f"{day}T00:00:00Z"}
            return create(state={"type": "SCHEDULED", "state_details": at}, tags=["auto-scheduled"])

        def state(run: str, *names: str) -> str:
            """The message of its state, as soon as it is one of these."""
            found: dict[str, Any] = {}

            def there() -> bool:
                found.update(ask("GET", f"{prefect_url}/flow_runs/{run}").json()["state"])
                return found["name"] in {*names, "Completed", "Failed", "Crashed"}

            wait_until(there, timeout=300)
            assert found["name"] in names, found["message"]
            return str(found["message"])

        late = state(due(MISSED), "Completed")
        assert late.startswith(f"{MISSED} is left to the next run: this one starts ")
        assert state(due(HOLIDAY), "Completed") == f"no session on {HOLIDAY}"
        state(due(TODAY), "Completed")
        assert served(here) == [str(day) for day in (BEGUN, MISSED, ALSO_MISSED, TODAY)]
        assert [each for each in receiver.messages if each["kind"] in ("gate", "failure")] == []

        write_prices(tmp_path / "prices", TOMORROW, instruments=5)
        red = create(parameters={"day": str(TOMORROW)})
        assert f"gate red on {TOMORROW}: bars" in state(red, "AwaitingRetry")
        assert served(here)[-1] == str(TODAY)
        (told,) = [each for each in receiver.messages if each["kind"] in ("gate", "failure")]
        assert (told["service"], told["day"], told["kind"]) == ("nightly", str(TOMORROW), "gate")
        assert told["text"].startswith(f"gate red on {TOMORROW}: bars")
        assert told["run"].endswith(red)
        cancel(prefect_url, red)
        state(red, "Cancelled")

        wrong = create(parameters={"config": str(tmp_path / "none.yaml")})
        message = state(wrong, "Failed")
        assert "none.yaml: does not exist" in message
        failure = receiver.messages[-1]
        assert (failure["kind"], failure["run"].endswith(wrong)) == ("failure", True)
        assert "none.yaml: does not exist" in failure["text"]
    finally:
        kill_with_children(worker)  # told to end, one of Prefect's now and then does not
        for deployment in ask("POST", f"{prefect_url}/deployments/filter", json={}).json():
            ask("DELETE", f"{prefect_url}/deployments/{deployment['id']}").raise_for_status()


def served(here: Desk) -> list[str]:
    """The days that the service has served, from the pool."""
    with embedded_mongo(here.home / "rollflow") as url, TaskPool(url, name="nightly days") as days:
        done = days.find({"status": "done"})
    return sorted(str(record.definition["day"]) for record in done)
