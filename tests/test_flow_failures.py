"""What goes wrong beside a run or in one of its windows, as a user sees it."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import yaml
from commands import Desk, desk, finish, stop, wait_until
from servers import flow_runs, node_states

from components.errors import InputError
from components.pool import TaskPool, TaskStatus
from components.pool.mongod import embedded_mongo
from components.settings import Settings
from flows.dask_cluster import check_cluster

pytestmark = pytest.mark.acceptance

WINDOWS = ["2016-04-01", "2016-08-19"]
STEP = ("--step", 100)


@pytest.fixture
def here(tmp_path: Path, prefect_url: str, mongo_url: str) -> Desk:
    return desk(
        tmp_path,
        PREFECT_API_URL=prefect_url,
        ROLLFLOW_MONGO_URL=mongo_url,
        ROLLFLOW_DATABASE=f"failures{abs(hash(tmp_path))}",
        ROLLFLOW_TRUSTED_MODULES="sample_models,odd_models",
        ROLLFLOW_LEASE="3",
    )


def changed(config: Path, **changes: Any) -> Path:
    """A config with other values; the key ``task__model__class`` stands for a nested one."""
    content = yaml.safe_load(config.read_text())
    for path, value in changes.items():
        *sections, name = path.split("__")
        place = content
        for section in sections:
            place = place[section]
        place[name] = value
    config.write_text(yaml.safe_dump(content))
    return config


@pytest.mark.parametrize("runner", ["thread", "process", "dask", "worker"])
def test_a_failing_window_stops_nothing_wherever_it_trains(here: Desk, runner: str) -> None:
    broken = here.home / "broken"
    broken.write_text(WINDOWS[0])
    config = here.config(log=str(here.log), fail=str(broken))
    outcome_file = here.home / "outcome.json"
    options = ("--runner", runner, "--workers", 2, "--retries", 2, "--backoff", 0, "--json", outcome_file)
    flow = here.start("flows.rolling", config, *STEP, *options)
    if runner == "worker":
        assert here.run("flows.worker", "--pool", "small", "--workers", 1).status == 1
    outcome = finish(flow)
    assert outcome.status == 1, outcome.err
    assert "Traceback" not in outcome.err
    result = here.outcome()
    assert [(window["status"], window["attempts"]) for window in result["windows"]] == [("failed", 2), ("done", 1)]
    assert result["windows"][0]["error"] == f"RuntimeError: told to fail in {WINDOWS[0]}"
    assert here.trained() == WINDOWS[1:]


def test_a_process_run_that_goes_well_says_nothing_but_how_it_gets_on(here: Desk) -> None:
    outcome = here.run("flows.rolling", here.config(), *STEP, "--runner", "process", "--workers", 2)
    assert outcome.status == 0
    first, watch, how, *lines = [line for line in outcome.err.splitlines() if "waiting for MongoDB" not in line]
    assert first == "2 windows of experiment small, 0 done already; starting Prefect ..."
    assert how.startswith("training 2 at a time, each on ")
    assert watch.startswith(f"watch  {here.environ['PREFECT_API_URL'].removesuffix('/api')}/runs/flow-run/")
    assert sorted(line.split(" done")[0].split("window ")[1] for line in lines) == WINDOWS


def test_a_model_that_exits_is_a_failed_attempt(here: Desk) -> None:
    config = changed(here.config(), task__model={"class": "QuittingModel", "module_path": "odd_models"})
    outcome = here.run("flows.rolling", config, *STEP, "--retries", 1)
    assert outcome.status == 1
    assert "2016-04-01 failed after 1 attempts: TrainingAborted: SystemExit: enough" in outcome.out


def test_a_dask_address_where_nobody_answers_is_one_line_at_once(here: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    outcome = here.run("flows.rolling", here.config(), "--runner", "dask", "--dask", address, timeout=30)
    assert outcome.status == 2
    assert outcome.err.startswith(f"error: --dask {address}: no Dask scheduler answers there (Connection refused)")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("address", ["8786", "host", "tcp://host", "host:port", "tcp://:99999"])
def test_a_dask_address_that_cannot_be_read(address: str) -> None:
    with pytest.raises(InputError, match="write it as HOST:PORT"):
        check_cluster(address, Settings())


def test_a_cluster_of_another_machine_needs_servers_that_it_can_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.dask_cluster._is_here", lambda host: False)  # there is one machine
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as cluster:
        address = f"tcp://127.0.0.1:{cluster.getsockname()[1]}"
        with pytest.raises(InputError, match=r"set ROLLFLOW_MONGO_URL, MLFLOW_TRACKING_URI, PREFECT_API_URL$"):
            check_cluster(address, Settings(tracking_uri="sqlite:///x.db"))
        monkeypatch.setenv("PREFECT_API_URL", "http://host/api")
        check_cluster(address, Settings(mongo_url="mongodb://host", tracking_uri="http://host"))
        monkeypatch.undo()
        check_cluster(address, Settings())


def test_where_no_worker_has_the_data_the_flow_says_so_and_ends(
    here: Desk, prefect_url: str, mongo_url: str
) -> None:
    options = ("--runner", "worker", "--experiment", "nowhere", "--json", here.home / "outcome.json")
    flow = here.start("flows.rolling", here.config(), *STEP, *options)
    with TaskPool(mongo_url, database=here.environ["ROLLFLOW_DATABASE"], name="nowhere") as pool:
        wait_until(lambda: pool.counts()[TaskStatus.WAITING] == 2)
        worker = here.run("flows.worker", "--pool", "nowhere", "--data", "demo:?instruments=20&years=1")
        assert worker.status == 2
        finished = finish(flow, timeout=90)
        assert finished.status == 1
        assert pool.counts() == {TaskStatus.WAITING: 2}  # for a worker that can
    reason = "differs from the data that the flow saw"
    assert finished.err.count("left to other workers: demo:?") == 1  # worker by worker, not window by window
    assert f", which ends on 2015-12-31, {reason}" in finished.err
    errors = [window["error"] for window in here.outcome()["windows"]]
    assert any(error and reason in error for error in errors)
    (run,) = flow_runs(prefect_url, name={"any_": ["rolling nowhere"]})
    states = [state for states in node_states(prefect_url, run["id"]).values() for state in states]
    assert any(name == "Waiting" and message.startswith("left to others: ") for _, name, message in states)
    assert any(kind == "FAILED" and "no worker can run it: " in message for kind, _, message in states)


def test_a_worker_waits_for_a_pool_that_is_not_there_yet(here: Desk) -> None:
    worker = here.start("flows.worker", "--pool", "small", "--workers", 1)
    assert worker.stderr
    lines = [worker.stderr.readline() for _ in range(3)]
    assert "has no pool 'small'; it has none yet; waiting for it, Ctrl-C ends" in lines[2]
    flow = here.start("flows.rolling", here.config(), *STEP, "--runner", "worker")
    assert finish(worker).status == 0
    assert finish(flow).status == 0
    idle = here.start("flows.worker", "--pool", "other")
    assert idle.stderr
    for _ in range(3):
        idle.stderr.readline()
    assert stop(idle, signal.SIGINT).status == 130


def test_a_killed_run_is_marked_as_crashed_by_the_next_one(here: Desk, prefect_url: str, mongo_url: str) -> None:
    config = here.config(seconds=30.0)
    killed = here.start("flows.rolling", config, *STEP, "--experiment", "killed")
    with TaskPool(mongo_url, database=here.environ["ROLLFLOW_DATABASE"], name="killed") as pool:
        wait_until(lambda: pool.counts()[TaskStatus.RUNNING] > 0)
    going = here.start("flows.rolling", config, *STEP, "--experiment", "going")
    with TaskPool(mongo_url, database=here.environ["ROLLFLOW_DATABASE"], name="going") as pool:
        wait_until(lambda: pool.counts()[TaskStatus.RUNNING] > 0)
    killed.kill()
    finish(killed)

    def state(experiment: str) -> tuple[str, str]:
        (run,) = flow_runs(prefect_url, name={"any_": [f"rolling {experiment}"]})
        return run["state"]["type"], run["state"]["message"] or ""

    assert state("killed")[0] == "RUNNING"  # nobody has told Prefect
    assert here.run("flows.rolling", here.config("quick.yaml"), *STEP, "--experiment", "next").status == 0
    message = f"its process {socket.gethostname()}:{killed.pid} is gone; tasks that it held are taken over"
    assert state("killed") == ("CRASHED", message)
    assert state("going")[0] == "RUNNING"
    stop(going, signal.SIGTERM)


def test_what_could_not_be_given_back_is_not_said_to_be(tmp_path: Path, prefect_url: str) -> None:
    with embedded_mongo(tmp_path / "mongo") as url:
        here = desk(tmp_path, PREFECT_API_URL=prefect_url, ROLLFLOW_MONGO_URL=url)
        flow = here.start("flows.rolling", here.config(seconds=60.0), *STEP, "--workers", 2)
        with TaskPool(url, name="small") as pool:
            wait_until(lambda: pool.counts()[TaskStatus.RUNNING] == 2)
        port = urlsplit(url).port
        (mongod,) = (
            process
            for process in psutil.process_iter(["name", "cmdline"])
            if process.info["name"] == "mongod" and str(port) in (process.info["cmdline"] or [])
        )
        mongod.suspend()
        try:
            outcome = stop(flow, signal.SIGINT, timeout=60)
        finally:
            mongod.resume()
    assert outcome.status == 130
    message = "MongoDB did not answer, so that 2 claimed tasks are only free when their lease has run out"
    assert outcome.err.splitlines()[-1] == f"interrupted: {message}; the same command goes on from here"
