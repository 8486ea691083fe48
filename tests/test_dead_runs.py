"""A worker of Prefect's that is killed with the run it executes: another one goes on, without a person."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import Desk, desk, kill_with_children, wait_until
from servers import ask

from components.pool import TaskPool, TaskStatus
from components.pool.mongod import embedded_mongo

pytestmark = pytest.mark.acceptance

#: Seconds after which the server takes a silent run for dead, and lets a crashed one go on. Prefect allows no less
#: than ten.
SOON = {"rollflow: silent runs have crashed": 12.0, "rollflow: crashed runs of services go on": 10.0}
#: What of an automation can be written.
WRITTEN = ("name", "description", "enabled", "trigger", "actions", "actions_on_trigger", "actions_on_resolve")


@pytest.fixture
def here(tmp_path: Path, prefect_url: str) -> Iterator[Desk]:
    yield desk(
        tmp_path,
        PREFECT_API_URL=prefect_url,
        PREFECT_HOME=str(tmp_path / "prefect"),
        PREFECT_WORKER_QUERY_SECONDS="1",
        ROLLFLOW_LEASE="3",
    )
    for kind in ("deployments", "automations"):
        for each in ask("POST", f"{prefect_url}/{kind}/filter", json={}).json():
            ask("DELETE", f"{prefect_url}/{kind}/{each['id']}").raise_for_status()


def test_a_killed_worker_and_its_run_are_taken_over(here: Desk, prefect_url: str) -> None:
    config = here.config(seconds=2.0, log=str(here.log))
    killed = worker(here, "killed")
    begun = here.run("flows.online", "first-train", config, "--day", "2016-06-02")
    assert begun.status == 0, begun.err
    wait_until(lambda: ask("GET", f"{prefect_url}/work_pools/small").status_code == 200)
    offered = here.run("deployments.serve", "--config", config, "--work-pool", "small")
    assert offered.status == 0, offered.err
    hurry(prefect_url)
    service = ask("GET", f"{prefect_url}/deployments/name/routine/small").json()
    body = {"parameters": {"config": str(config), "day": "2016-06-03"}}
    created = ask("POST", f"{prefect_url}/deployments/{service['id']}/create_flow_run", json=body)
    run = f"{prefect_url}/flow_runs/{created.json()['id']}"

    with embedded_mongo(here.home / "rollflow") as url, TaskPool(url, name="small") as tasks:
        wait_until(lambda: bool(tasks.find({"status": "running"})))
        (training,) = tasks.find({"status": "running"})
        killed.kill()  # first, or it would say that its run has crashed
        os.kill(int(str(training.owner).rpartition(":")[2]), signal.SIGKILL)
        killed.communicate()
        other = worker(here, "other")
        try:
            wait_until(lambda: ask("GET", run).json()["state"]["type"] == "COMPLETED")
        finally:
            kill_with_children(other)
        with TaskPool(url, name="small days") as days:
            assert days.counts() == {TaskStatus.DONE: 2}
            served = sorted(str(day.definition["day"]) for day in days.find())
    assert served == ["2016-06-02", "2016-06-03"]
    assert here.trained() == ["2016-04-01", "2016-06-03"]  # once each: the killed training never ended

    states = ask("GET", f"{prefect_url}/flow_run_states/", params={"flow_run_id": created.json()["id"]}).json()
    told = [(state["name"], state["message"]) for state in states if state["message"]]
    assert told[:2] == [
        ("Crashed", "no sign of life for a long time: its process has died"),
        ("Scheduled", "goes on: its process had died"),
    ]
    limit = f"{prefect_url}/v2/concurrency_limits/{service['global_concurrency_limit']['id']}"
    wait_until(lambda: ask("GET", limit).json()["active_slots"] == 0)


def worker(here: Desk, name: str) -> subprocess.Popen[str]:
    """A worker of the service's work pool."""
    return here.start("prefect", "worker", "start", "--pool", "small", "--type", "process", "--name", name)


def hurry(api: str) -> None:
    """Let the server take runs for dead sooner than people would like."""
    automations: list[dict[str, Any]] = ask("POST", f"{api}/automations/filter", json={}).json()
    assert {each["name"]: each["trigger"]["within"] for each in automations} == {
        "rollflow: silent runs have crashed": 900,
        "rollflow: crashed runs of services go on": 30,
    }
    for each in automations:
        each["trigger"]["within"] = SOON[each["name"]]
        body = {name: each[name] for name in WRITTEN}
        ask("PUT", f"{api}/automations/{each['id']}", json=body).raise_for_status()
