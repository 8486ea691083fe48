"""Training in child processes: real ones, which are killed, crash, hang and take too much."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from commands import wait_until
from isolated_trainings import broken, make

from components.errors import InputError
from components.execution import Interrupted, IsolatedTrainer, Limits, NotRunnableHere
from components.execution.run import run_tasks
from components.pool import RetryPolicy, TaskPool, TaskRecord, TaskStatus

pytestmark = pytest.mark.acceptance


@pytest.fixture
def quick(mongo_url: str, pool: TaskPool) -> Iterator[TaskPool]:
    """The pool of the test, where a task is tried once and a worker that was cut off learns it soon."""
    retry = RetryPolicy(max_attempts=1)
    with TaskPool(mongo_url, database="tests", name=pool.name, lease=timedelta(seconds=1), retry=retry) as quick:
        yield quick


class Deaths(list[tuple[str, str]]):
    """Who was told of which death."""

    def __call__(self, record: TaskRecord, error: Exception) -> None:
        self.append((record.id, type(error).__name__))


def run(pool: TaskPool, *orders: dict[str, Any], **given: Any) -> list[TaskRecord]:
    """Train orders one after the other; how their tasks stand then."""
    ids = pool.submit(orders)
    stop = given.pop("stop", threading.Event())
    with IsolatedTrainer(given.pop("make", make), stop, **given) as trainer:
        run_tasks(pool, trainer, owner="here:1", stop=stop)
    return [pool.get(task_id) for task_id in ids]


def alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_each_task_has_a_process_of_its_own_which_ends(quick: TaskPool) -> None:
    done = run(quick, {"do": "answer", "n": 1}, {"do": "answer", "n": 2}, {"do": "answer", "n": 3})
    assert [record.result["answer"] for record in done] == [2, 4, 6]
    pids = {record.result["pid"] for record in done}
    assert len(pids - {os.getpid()}) == 3
    assert not any(alive(pid) for pid in pids)


def test_errors_are_kept_as_if_they_were_raised_here(quick: TaskPool) -> None:
    failed, refused, odd = run(quick, {"do": "fail"}, {"do": "refuse"}, {"do": "fail_oddly"})
    assert [(record.errors[0].type, record.errors[0].message) for record in (failed, refused, odd)] == [
        ("ZeroDivisionError", "told to fail"),
        ("InputError", "no such feature"),
        ("RemoteError", "Unpicklable: very odd"),
    ]
    assert 'raise ZeroDivisionError("told to fail")' in failed.errors[0].traceback
    assert refused.history[-1].why == "error: InputError is not worth another attempt"


def test_a_child_that_dies_fails_its_attempt(quick: TaskPool) -> None:
    deaths = Deaths()
    *dead, last = run(
        quick,
        {"do": "die"},
        {"do": "crash"},
        {"do": "leave_the_process"},
        {"do": "answer", "n": 1},
        on_death=deaths,
    )
    assert {record.status for record in dead} == {TaskStatus.FAILED}
    assert [record.errors[0].message for record in dead] == [
        "the process of the training was killed by SIGKILL; the system does so when memory runs out",
        "the process of the training was killed by SIGSEGV",
        "the process of the training ended with status 7 and without a result",
    ]
    assert deaths == [(record.id, "ProcessDied") for record in dead]
    assert last.status is TaskStatus.DONE


def test_a_child_that_takes_too_much_memory_is_ended(quick: TaskPool) -> None:
    deaths = Deaths()
    limits = Limits(memory=400 * 2**20)
    small, large = run(
        quick, {"do": "answer", "n": 1}, {"do": "hog", "megabytes": 500}, limits=limits, on_death=deaths
    )
    assert small.status is TaskStatus.DONE
    error = large.errors[0]
    assert error.type == "MemoryExceeded"
    assert "MB of memory, the limit is 400 MB; it was ended" in error.message
    assert deaths == [(large.id, "MemoryExceeded")]


def test_a_child_that_hangs_is_ended_with_all_that_it_started(quick: TaskPool, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    (hung,) = run(quick, {"do": "hang", "pids": str(pids)}, limits=Limits(seconds=1.5))
    assert hung.errors[0].type == "TimeExceeded"
    assert hung.errors[0].message == "the training took longer than 1.5 s; it was ended"
    assert not any(alive(int(pid)) for pid in pids.read_text().split())


@pytest.mark.parametrize(
    ("order", "status", "started"),
    [("start_and_die", TaskStatus.FAILED, 2), ("start_and_answer", TaskStatus.DONE, 1)],
)
def test_what_a_child_has_started_ends_with_it_even_if_it_has_ended_first(
    quick: TaskPool, tmp_path: Path, order: str, status: TaskStatus, started: int
) -> None:
    pids = tmp_path / "pids"
    (ended,) = run(quick, {"do": order, "pids": str(pids)})
    assert ended.status is status, ended.errors
    assert [alive(int(pid)) for pid in pids.read_text().split()] == [False] * started


def test_a_child_that_would_leave_has_failed(quick: TaskPool) -> None:
    (failed,) = run(quick, {"do": "exit_with_status_3"})
    assert (failed.errors[0].type, failed.errors[0].message) == ("TrainingAborted", "SystemExit: 3")
    assert "raise SystemExit(3)" in failed.errors[0].traceback


@pytest.mark.parametrize("order", ["report", "hang"])
def test_stopping_ends_the_child_and_gives_the_task_back(quick: TaskPool, tmp_path: Path, order: str) -> None:
    stop = threading.Event()
    pids = tmp_path / "pids"
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(run, quick, {"do": order, "pids": str(pids)}, stop=stop)
        reported = {"progress.done": {"$gt": 0}}
        wait_until(lambda: bool(quick.find(reported)) if order == "report" else pids.exists())
        stop.set()
        with pytest.raises(Interrupted):
            running.result(10)
    (record,) = quick.find()
    assert (record.status, record.attempts, record.errors) == (TaskStatus.WAITING, 0, ())
    assert not (order == "hang" and any(alive(int(pid)) for pid in pids.read_text().split()))


def test_a_child_whose_task_was_cancelled_is_ended(quick: TaskPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.execution.isolated._SIGN", 0.2)
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(run, quick, {"do": "report"})
        wait_until(lambda: bool(quick.find({"progress.done": {"$gt": 0}})))
        quick.cancel()
        (record,) = running.result(20)
    assert record.status is TaskStatus.CANCELLED


def test_what_is_left_to_others_is_given_back(quick: TaskPool) -> None:
    with pytest.raises(NotRunnableHere, match="no market here") as left:
        run(quick, {"do": "leave"})
    (record,) = quick.find()
    assert left.value.tasks == {"$or": [{"do": "leave"}, {"_id": record.id}]}
    assert record.attempts == 0


def test_a_trainer_that_cannot_be_made_is_an_error_of_the_attempt(quick: TaskPool) -> None:
    (failed,) = run(quick, {"do": "answer"}, make=broken)
    assert (failed.errors[0].type, failed.errors[0].message) == ("RuntimeError", "cannot be made")


def test_children_end_with_a_parent_that_was_killed(quick: TaskPool, mongo_url: str, tmp_path: Path) -> None:
    script = (
        "import sys, threading\n"
        "from components.pool import TaskPool\n"
        "from components.execution.isolated import IsolatedTrainer\n"
        "from components.execution.run import run_tasks\n"
        "from isolated_trainings import make\n"
        "stop = threading.Event()\n"
        "pool = TaskPool(sys.argv[1], 'tests', sys.argv[2])\n"
        "with IsolatedTrainer(make, stop) as trainer:\n"
        "    run_tasks(pool, trainer, owner='here:1', stop=stop)\n"
    )
    pids = tmp_path / "pids"
    quick.submit([{"do": "hang", "pids": str(pids)}])
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    parent = subprocess.Popen([sys.executable, "-c", script, mongo_url, quick.name], env=environ)
    wait_until(pids.exists)
    time.sleep(0.1)
    child, started = map(int, pids.read_text().split())
    assert alive(child)
    assert alive(started)
    parent.kill()
    parent.wait()
    wait_until(lambda: not alive(child) and not alive(started), timeout=10)


def test_a_limit_of_memory_is_refused_where_it_cannot_be_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda path: False)
    with pytest.raises(InputError, match="needs Linux"):
        Limits(memory=1)
