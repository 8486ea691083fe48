"""The connections of a run: its own, and closed with it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from commands import TOP, Desk, desk, finish, wait_until
from filelock import FileLock
from servers import cancel, flow_runs

from components.execution import Phase
from components.pool import PoolRefused, PoolUnavailable, RetryPolicy, TaskPool, TaskStatus
from flows.services import RunClosed, ServiceRegistry, Services, end_run, make_trainer
from flows.workspace import Workspace


def workspace(home: Path, mongo_url: str, **values: Any) -> Workspace:
    usual: dict[str, Any] = {
        "run": "one",
        "mongo_url": mongo_url,
        "database": "tests",
        "pool": "services",
        "lease": timedelta(seconds=60),
        "tracking_uri": None,
        "experiment": "services",
        "home": home,
        "matrices": home / "features",
        "matrices_limit": 20 * 2**30,
        "market": "demo:?years=1&instruments=5",
        "trusted": (),
        "slots": 1,
        "retry": RetryPolicy(),
        "timeout": None,
    }
    return Workspace(**usual | values)


def test_a_run_has_one_set_of_connections_however_many_threads_ask(tmp_path: Path, mongo_url: str) -> None:
    registry, place = ServiceRegistry(), workspace(tmp_path, mongo_url)
    begin = threading.Barrier(8)

    def ask(_: int) -> tuple[int, int]:
        begin.wait()
        services = registry.of(place)
        return id(services), id(services.pool)

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(ask, range(8)))) == 1
    registry.close(place)


@pytest.fixture
def restless() -> Iterator[None]:
    """Python goes from one thread to the next as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_threads_that_ask_at_the_same_moment_get_the_same_connections(tmp_path: Path) -> None:
    place, begin = workspace(tmp_path, "mongodb://nowhere"), threading.Barrier(8)

    def ask(registry: ServiceRegistry) -> int:
        begin.wait()
        return id(registry.of(place))

    with ThreadPoolExecutor(8) as threads:
        for _ in range(500):  # it would go wrong now and then
            assert len(set(threads.map(ask, [ServiceRegistry()] * 8))) == 1


def test_connections_are_closed_with_their_run(tmp_path: Path, mongo_url: str) -> None:
    registry, place = ServiceRegistry(), workspace(tmp_path, mongo_url)
    pool = registry.of(place).pool
    assert pool.count() == 0
    registry.close(place)
    with pytest.raises(PoolRefused, match="after close"):
        pool.count()


def test_the_pool_does_not_wait_until_mlflow_is_there(tmp_path: Path, mongo_url: str) -> None:
    registry, place = ServiceRegistry(), workspace(tmp_path, mongo_url)
    services = registry.of(place)
    with ThreadPoolExecutor(2) as threads:
        with FileLock(tmp_path / "mlflow.db.lock"):  # somebody else makes the database, which takes long
            experiment = threads.submit(lambda: services.experiment)
            wait_until(lambda: Services.experiments in services.made)
            assert threads.submit(lambda: services.pool.count()).result(60) == 0
            assert not experiment.done()
        assert experiment.result(60) == "1"
    registry.close(place)


def test_a_run_that_has_ended_opens_nothing_more_and_leaves_others_alone(tmp_path: Path, mongo_url: str) -> None:
    registry = ServiceRegistry()
    one, other = workspace(tmp_path, mongo_url), workspace(tmp_path, mongo_url, run="other")
    ended, going = registry.of(one), registry.of(other)
    assert ended.pool is not going.pool
    registry.close(one, stop=True)
    assert (ended.stop.is_set(), going.stop.is_set()) == (True, False)
    with pytest.raises(RunClosed):
        registry.of(one)
    assert going.pool.count() == 0
    assert registry.open_runs() == 1
    registry.close(other)
    assert registry.open_runs() == 0


def test_a_child_that_cannot_reach_mongodb_costs_an_attempt_and_not_the_task(tmp_path: Path) -> None:
    place = workspace(tmp_path, "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=100", run="of a child")
    with pytest.raises(PoolUnavailable, match="does not answer") as away:
        make_trainer(place, Phase.TRAIN)
    assert RetryPolicy().decide(away.value, 1, 0.0).retry
    end_run(place)


#: Trains two windows twice; says which threads of ours and what else is left.
TWICE = """
import gc, sys, threading, time
from flows.rolling.flow import rolling
from flows.services import REGISTRY

def ours():
    names = ("trainer", "progress", "cancellation", "heartbeat", "pymongo")
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(names)]

for step in (200, 100):
    rolling(config=sys.argv[1], step=step)
limit = time.monotonic() + 30
while ours() and time.monotonic() < limit:
    time.sleep(0.1)
print(ours(), REGISTRY.open_runs(), gc.get_freeze_count())
"""

#: Two flows side by side, one of which is cancelled meanwhile; says how each ended.
TOGETHER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from flows.rolling.flow import rolling

def run(config, experiment):
    try:
        return [window.status.value for window in rolling(config=config, experiment=experiment, step=100).windows]
    except BaseException as error:
        return type(error).__name__

with ThreadPoolExecutor(2) as threads:
    print(*threads.map(run, sys.argv[1:], ["ended", "goes on"]))
"""


@pytest.fixture
def here(tmp_path: Path, prefect_url: str, mongo_url: str) -> Desk:
    return desk(tmp_path, PREFECT_API_URL=prefect_url, ROLLFLOW_MONGO_URL=mongo_url, ROLLFLOW_DATABASE="services")


def script(here: Desk, text: str, *arguments: object) -> subprocess.Popen[str]:
    path = here.home / "script.py"
    path.write_text(text)
    pipe = subprocess.PIPE
    command = [sys.executable, str(path), *map(str, arguments)]
    environ = {**here.environ, "PYTHONPATH": f"{TOP}:{TOP / 'tests'}"}
    return subprocess.Popen(command, env=environ, stdout=pipe, stderr=pipe, text=True)


@pytest.mark.acceptance
def test_a_run_leaves_no_thread_and_no_connection(here: Desk) -> None:
    outcome = finish(script(here, TWICE, here.config()))
    assert outcome.out == "[] 0 0\n", outcome.err


@pytest.mark.acceptance
def test_of_two_flows_in_a_process_one_is_cancelled_and_the_other_goes_on(
    here: Desk, prefect_url: str, mongo_url: str
) -> None:
    ended, going = here.config("ended.yaml", seconds=30.0), here.config("going.yaml", seconds=6.0)
    process = script(here, TOGETHER, ended, going)
    with TaskPool(mongo_url, database="services", name="ended") as pool:
        wait_until(lambda: pool.counts()[TaskStatus.RUNNING] > 0)
        (flow_run,) = flow_runs(prefect_url, name={"any_": ["rolling ended"]})
        cancel(prefect_url, flow_run["id"])
        outcome = finish(process)
        assert outcome.out == "CancelledRun ['done', 'done']\n", outcome.err
        assert pool.counts() == {TaskStatus.WAITING: 2}
