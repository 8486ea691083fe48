"""`python -m flows.worker` as a user runs it: real processes on a real pool, drained, killed and limited."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from commands import Desk, Outcome, desk, finish, stop, wait_until
from servers import flow_runs, node_states

from components.config import read_config
from components.data import open_market
from components.pool import TaskPool, TaskRecord, TaskStatus
from components.pool.mongod import embedded_mongo
from components.rolling import plan_windows, store_windows
from components.tracking import PARENT_TAG, ExperimentManager, open_store

pytestmark = pytest.mark.acceptance

WAITING, RUNNING, PART_DONE, DONE, FAILED, CANCELLED = TaskStatus
WINDOWS = ["2016-04-01", "2016-06-03", "2016-08-05", "2016-10-10"]
#: Tasks whose training has begun.
TRAINING = {"progress.done": {"$gt": 0}}
_numbers = count(1)


@dataclass(frozen=True)
class Place:
    """A home that the tests share, and a pool of its own for each of them."""

    desk: Desk
    pool: TaskPool
    experiments: ExperimentManager

    def store(self, *, only: int = len(WINDOWS), timeout: float | None = None, **model: Any) -> str:
        """Store windows as the flow does; the id of their parent run."""
        config = read_config(self.desk.config(f"{self.pool.name}.yaml", **model))
        market = open_market(config.market)
        tasks = [window.task for window in plan_windows(config, market, ["sample_models"])[:only]]
        experiment = self.experiments.get_or_create(self.pool.name)
        stored = store_windows(
            tasks, self.pool, self.experiments, experiment, market, trusted=["sample_models"], timeout=timeout
        )
        return stored.parent

    def move(self, record: TaskRecord) -> None:
        """Let a task have its data where there is none."""
        self.pool.replace(record.id, {**record.definition, "data": "qlib:/nowhere"})

    def start(self, *options: object) -> subprocess.Popen[str]:
        """Start a worker of the pool, one task at a time."""
        return self.desk.start("flows.worker", "--pool", self.pool.name, "--workers", 1, *options)

    def work(self, *options: object) -> Outcome:
        """Run a worker to its end."""
        return finish(self.start(*options))

    def records(self) -> dict[str, TaskRecord]:
        """Each task by its window."""
        segments = {record.id: record.definition["dataset"]["kwargs"]["segments"] for record in self.pool.find()}
        return {segments[record.id]["test"][0]: record for record in self.pool.find()}

    def runs(self, parent: str) -> list[tuple[str, str]]:
        """Name and status of the runs below a parent."""
        experiment = self.experiments.recorder(parent).experiment
        runs = self.experiments.runs(experiment, {PARENT_TAG: parent})
        return sorted((run.name, run.status.value) for run in runs)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    folder = tmp_path_factory.mktemp("workers")
    with embedded_mongo(folder / "rollflow") as url:
        yield folder, url


@pytest.fixture
def place(home: tuple[Path, str], prefect_url: str) -> Iterator[Place]:
    folder, url = home
    here = desk(folder, PREFECT_API_URL=prefect_url, ROLLFLOW_LEASE="3")
    with TaskPool(url, name=f"small{next(_numbers)}") as pool:
        yield Place(here, pool, open_store(None, folder / "rollflow"))


def test_workers_train_while_the_flow_waits(place: Place, prefect_url: str) -> None:
    config = place.desk.config("shared.yaml", seconds=2.0)
    options = [
        "--pool",
        place.pool.name,
        "--experiment",
        place.pool.name,
        "--json",
        place.desk.home / "outcome.json",
    ]
    flow = place.desk.start("flows.rolling", config, "--runner", "worker", *options)
    wait_until(lambda: place.pool.counts()[WAITING] == 4)
    outcome = place.work("--json", place.desk.home / "worker.json")
    assert outcome.status == 0, outcome.err
    assert [line.split(",")[0] for line in outcome.err.splitlines()[2:]] == [f"{name} done" for name in WINDOWS]
    assert outcome.out.startswith("4 tasks done in ")
    told = json.loads((place.desk.home / "worker.json").read_text())
    assert (told["done"], told["failures"], told["counts"]["done"]) == (4, 0, 4)
    finished = finish(flow)
    assert finished.status == 0, finished.err

    result = place.desk.outcome()
    assert {window["owner"] for window in result["windows"]} == {told["owner"]}
    assert place.runs(result["recorder_id"]) == [(name, "FINISHED") for name in WINDOWS]
    name = {"any_": [f"rolling {place.pool.name}"]}
    (run,) = flow_runs(prefect_url, name=name)
    shown = node_states(prefect_url, run["id"])[f"train {WINDOWS[-1]}"]
    assert ("RUNNING", "Elsewhere", f"held by {told['owner']}") in shown
    assert shown[-1][:2] == ("COMPLETED", "Completed")
    assert shown[-1][2].endswith(f"in attempt 1 on {told['owner']}")


def test_a_worker_finishes_what_is_in_hand_at_the_first_sigterm(place: Place) -> None:
    place.store(only=2, seconds=3.0)
    worker = place.start()
    wait_until(lambda: bool(place.pool.find(TRAINING)))
    outcome = stop(worker, signal.SIGTERM)
    assert outcome.status == 0, outcome.err
    assert outcome.out.startswith("1 tasks done")
    assert place.pool.counts() == {DONE: 1, WAITING: 1}


def test_a_worker_gives_back_at_once_at_the_second_sigterm(place: Place) -> None:
    parent = place.store(only=1, seconds=60.0)
    worker = place.start("--isolate")
    wait_until(lambda: bool(place.pool.find(TRAINING)))
    worker.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(2)
    outcome = stop(worker, signal.SIGTERM, timeout=20)
    assert outcome.status == 143
    assert outcome.err.splitlines()[-1].startswith("interrupted: claimed tasks were given back")
    (record,) = place.pool.find()
    assert (record.status, record.attempts) == (WAITING, 0)
    assert place.runs(parent) == [(WINDOWS[0], "KILLED")]


def test_a_child_that_dies_ends_in_the_dead_letter_and_harms_no_other(place: Place) -> None:
    parent = place.store(only=2, rogue=[WINDOWS[0]])
    outcome = place.work("--memory", "4G", "--timeout", 60)
    assert outcome.status == 1
    assert outcome.out.startswith("1 tasks done in ")
    assert "3 attempts failed, 1 tasks given up" in outcome.out
    died, fine = (place.records()[name] for name in WINDOWS[:2])
    message = "the process of the training was killed by SIGKILL; the system does so when memory runs out"
    assert [(error.type, error.message) for error in died.errors] == [("ProcessDied", message)] * 3
    assert f"{WINDOWS[0]} was given up in attempt 3: ProcessDied: {message}" in outcome.err
    assert (died.status, fine.status) == (FAILED, DONE)
    assert place.runs(parent) == [(WINDOWS[0], "FAILED")] * 3 + [(WINDOWS[1], "FINISHED")]


@pytest.mark.parametrize("isolation", [[], ["--isolate"]], ids=["in threads", "isolated"])
def test_a_model_that_would_end_the_process_fails_its_attempts(place: Place, isolation: list[str]) -> None:
    parent = place.store(only=1, fault="exit")
    outcome = place.work(*isolation)
    assert outcome.status == 1, outcome.err
    assert f"{WINDOWS[0]} was given up in attempt 3: TrainingAborted: SystemExit: 3" in outcome.err
    record = place.records()[WINDOWS[0]]
    assert [(error.type, error.message) for error in record.errors] == [("TrainingAborted", "SystemExit: 3")] * 3
    assert place.runs(parent) == [(WINDOWS[0], "FAILED")] * 3


@pytest.mark.parametrize(
    "isolation", [[], ["--isolate"], ["--timeout", "60"]], ids=["in threads", "isolated", "own"]
)
def test_the_time_limit_of_a_flow_holds_in_its_workers(place: Place, isolation: list[str]) -> None:
    place.store(only=1, timeout=0.5, seconds=30.0)
    outcome = place.work(*isolation)
    assert outcome.status == 1, outcome.err
    message = "the training took longer than 0.5 s; it was ended"
    errors = place.records()[WINDOWS[0]].errors
    assert [(error.type, error.message) for error in errors] == [("TimeExceeded", message)] * 3


def test_a_worker_takes_over_from_one_that_was_killed_on_data_of_another_address(place: Place) -> None:
    parent = place.store(only=2, seconds=3.0)
    for record in place.pool.find():
        place.move(record)
    data = ["--data", "demo:?instruments=20&years=2"]
    first = place.start(*data)
    wait_until(lambda: bool(place.pool.find(TRAINING)))
    first.kill()
    finish(first)
    assert place.work(*data).status == 0
    taken_over, other = (place.records()[name] for name in WINDOWS[:2])
    assert (taken_over.status, taken_over.attempts, taken_over.errors[0].reason) == (DONE, 2, "lost")
    assert (other.status, other.attempts) == (DONE, 1)
    assert place.runs(parent) == [(WINDOWS[0], "FINISHED"), (WINDOWS[0], "KILLED"), (WINDOWS[1], "FINISHED")]


def test_what_was_prepared_is_finished_and_what_is_not_here_is_left(place: Place) -> None:
    parent = place.store(only=2)
    place.move(place.records()[WINDOWS[0]])
    assert place.work("--phase", "prepare").status == 0
    assert place.pool.counts() == {PART_DONE: 2}
    outcome = place.work("--phase", "finish")
    assert outcome.status == 2
    assert "error: left to others: market 'qlib:/nowhere': /nowhere does not exist" in outcome.err
    assert [place.records()[name].status for name in WINDOWS[:2]] == [PART_DONE, DONE]
    assert place.runs(parent) == [(WINDOWS[0], "SCHEDULED"), (WINDOWS[1], "FINISHED")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--query", "{status: 1}"], "the query is not JSON"),
        (["--query", '{"$nonsense": 1}'], "unknown top level operator: $nonsense"),
        (["--memory", "much"], "memory 'much': write it as 500M or 4G"),
        (["--timeout", "0"], "0 is not a positive number"),
        (["--forever", "--data", "qlib:/nowhere"], "/nowhere does not exist"),
    ],
)
def test_wrong_input_is_status_2(place: Place, options: list[str], message: str) -> None:
    outcome = place.work(*options)
    assert outcome.status == 2
    assert message in outcome.err.splitlines()[-1]
    assert "Traceback" not in outcome.err
