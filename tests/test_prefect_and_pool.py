"""What Prefect says and what the pool says agree: after a cancellation, a kill, a lost server and a restart."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import Desk, desk, finish, wait_until
from servers import ask, cancel, flow_runs, node_states, prefect_server

from components.pool import TaskPool, TaskStatus
from components.pool.mongod import embedded_mongo

pytestmark = pytest.mark.acceptance

WAITING, RUNNING, PART_DONE, DONE, FAILED, CANCELLED = TaskStatus
WINDOWS = ["2016-04-01", "2016-06-03", "2016-08-05", "2016-10-10"]


@contextmanager
def opened(here: Desk, name: str) -> Iterator[TaskPool]:
    with embedded_mongo(here.home / "rollflow") as url, TaskPool(url, name=name) as pool:
        yield pool


def run_of(url: str, experiment: str) -> dict[str, str]:
    """Id and state of the newest flow run of an experiment."""
    newest = flow_runs(url, name={"any_": [f"rolling {experiment}"]})[0]
    return {"id": newest["id"], "type": newest["state"]["type"], "message": newest["state"]["message"]}


def test_runs_of_a_deployment_that_are_cancelled_or_killed_and_run_again(tmp_path: Path, prefect_url: str) -> None:
    here = desk(tmp_path, PREFECT_API_URL=prefect_url, PREFECT_RUNNER_POLL_FREQUENCY="1", ROLLFLOW_LEASE="3")
    config = here.config(seconds=4.0, log=str(here.log))
    serving = here.start("deployments.serve")
    try:
        deployment = f"{prefect_url}/deployments/name/rolling/rolling"
        assert ask("GET", deployment).status_code == 404  # none that other tests have left, which runs elsewhere
        wait_until(lambda: ask("GET", deployment).status_code == 200)
        create = f"{prefect_url}/deployments/{ask('GET', deployment).json()['id']}/create_flow_run"

        def run() -> str:
            parameters = {"config": str(config), "experiment": "served", "workers": 2}
            reply = ask("POST", create, json={"parameters": parameters})
            assert reply.status_code == 201, reply.text
            return str(reply.json()["id"])

        def state(flow_run: str) -> str:
            return str(ask("GET", f"{prefect_url}/flow_runs/{flow_run}").json()["state"]["type"])

        with opened(here, "served") as pool:
            first = run()
            wait_until(lambda: pool.counts()[RUNNING] == 2)
            cancel(prefect_url, first)
            wait_until(lambda: state(first) == "CANCELLED")
            assert pool.counts() == {WAITING: 4}
            assert {record.attempts for record in pool.find()} == {0}
            nodes = node_states(prefect_url, first)
            assert {nodes[f"train {name}"][-1][0] for name in WINDOWS} == {"CANCELLED"}

            second = run()
            wait_until(lambda: pool.counts()[RUNNING] == 2)
            owners = {str(record.owner) for record in pool.find({"status": "running"})}
            (pid,) = (int(owner.rpartition(":")[2]) for owner in owners)
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: state(second) == "CRASHED")
            assert pool.counts()[RUNNING] == 2  # nobody has noticed yet

            third = run()
            wait_until(lambda: state(third) == "COMPLETED")
            assert pool.counts() == {DONE: 4}
            assert sorted(record.attempts for record in pool.find()) == [1, 1, 2, 2]
        assert sorted(here.trained()) == WINDOWS  # once each
    finally:
        serving.terminate()
        finish(serving)


@pytest.mark.parametrize("runner", ["thread", "process", "dask"])
def test_a_command_that_is_cancelled_in_prefect_gives_its_tasks_back(
    tmp_path: Path, prefect_url: str, runner: str
) -> None:
    here = desk(tmp_path, PREFECT_API_URL=prefect_url)
    experiment = f"cancelled by {runner}"
    config = here.config(seconds=60.0, log=str(here.log))
    process = here.start("flows.rolling", config, "--experiment", experiment, "--runner", runner, "--workers", 1)
    with opened(here, experiment) as pool:
        wait_until(lambda: pool.counts()[RUNNING] == 1)
        cancel(prefect_url, run_of(prefect_url, experiment)["id"])
        outcome = finish(process, 60)
        assert outcome.status == 1
        assert outcome.err.splitlines()[-1].startswith("error: cancelled in Prefect: claimed tasks were given back")
        assert pool.counts() == {WAITING: 4}
        assert {record.attempts for record in pool.find()} == {0}
    flow_run = run_of(prefect_url, experiment)
    assert (flow_run["type"], flow_run["message"]) == ("CANCELLED", "its tasks were given back")
    if runner != "dask":  # whose workers are gone before they have told Prefect of their nodes
        begun = {
            name: states for name, states in node_states(prefect_url, flow_run["id"]).items() if "train 2" in name
        }
        assert begun
        assert {states[-1][0] for states in begun.values()} == {"CANCELLED"}


def test_a_lost_prefect_server_costs_no_training(tmp_path: Path, prefect_url: str) -> None:
    with prefect_server(tmp_path) as server:
        api = f"{server.url}/api"
        here = desk(tmp_path, PREFECT_API_URL=api)
        config = here.config(seconds=2.0, log=str(here.log))
        restarted = here.start("flows.rolling", config, "--workers", 1, "--experiment", "restarted")
        with opened(here, "restarted") as pool:
            wait_until(lambda: pool.counts()[DONE] == 1)
            server.kill()
            wait_until(lambda: pool.counts()[DONE] == 3)
            server.start()
            outcome = finish(restarted)
            assert outcome.status == 0, outcome.err
            assert pool.counts() == {DONE: 4}
        assert run_of(api, "restarted")["type"] == "COMPLETED"

        here.log.unlink()
        impatient = desk(tmp_path, PREFECT_API_URL=api, PREFECT_CLIENT_MAX_RETRIES="1")
        lost = impatient.start("flows.rolling", config, "--workers", 1, "--experiment", "lost")
        with opened(here, "lost") as pool:
            wait_until(lambda: pool.counts()[DONE] == 1)
            server.kill()
            outcome = finish(lost)
            assert outcome.status == 1
            assert outcome.err.splitlines()[-1].startswith("error: the Prefect server does not answer")
            assert "Traceback" not in outcome.err
            assert pool.counts() == {DONE: 4}
    again = desk(tmp_path, PREFECT_API_URL=prefect_url)
    assert again.rolling(config, "--experiment", "lost")["reused"] == 4
    assert sorted(here.trained()) == WINDOWS  # once each


def test_a_prefect_server_that_is_not_there_is_one_line_and_status_2(tmp_path: Path) -> None:
    here = desk(tmp_path, PREFECT_API_URL="http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES="0")
    outcome = here.run("flows.rolling", here.config())
    assert outcome.status == 2, outcome.err
    assert outcome.err.startswith("error: the Prefect server of PREFECT_API_URL does not answer")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("flow", ["train", "features", "worker"])
def test_no_command_begins_without_the_server_that_is_configured(tmp_path: Path, flow: str) -> None:
    here = desk(tmp_path, PREFECT_API_URL="http://127.0.0.1:9/api")
    arguments = ("--pool", "small") if flow == "worker" else (here.config(),)
    outcome = here.run(f"flows.{flow}", *arguments)
    assert outcome.status == 2, outcome.err
    assert outcome.err.startswith("error: the Prefect server of PREFECT_API_URL does not answer")
    assert outcome.err.count("\n") == 1
    assert not (tmp_path / "rollflow" / "mongo").exists()
