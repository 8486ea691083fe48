"""Taking tasks from the pool and training them."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import partial

from components.errors import RollflowError
from components.pool import Heartbeat, LeaseLost, TaskPool, TaskRecord, TaskStatus
from components.tasks import Json
from components.training.model import Progress

#: Trains the definition of a record and returns a JSON result; calls its progress, which may raise to stop it.
Train = Callable[[TaskRecord, Progress], Json]

#: Seconds between two looks at a task that somebody else holds.
_POLL = 1.0


class Interrupted(BaseException):
    """The training was asked to stop. Not an `Exception`, so that the task is given back and not failed."""


class AttemptFailed(RollflowError):
    """An attempt at a task failed; what becomes of the task is the pool's decision."""

    def __init__(self, record: TaskRecord) -> None:
        super().__init__(record.id)
        self.record = record

    def __str__(self) -> str:
        if self.record.status is TaskStatus.CANCELLED:
            return f"task {self.record.id[:12]} was cancelled"
        last = self.record.errors[-1]
        return f"task {self.record.id[:12]}, attempt {last.attempt}: {last.type}: {last.message}"

    @property
    def will_retry(self) -> bool:
        """Whether the pool lets the task be tried again."""
        return not self.record.status.is_finished


def this_process() -> str:
    """The owner under which this process claims tasks."""
    return f"{socket.gethostname()}:{os.getpid()}"


def run_task(
    pool: TaskPool,
    task_id: str,
    train: Train,
    *,
    owner: str,
    stop: threading.Event,
    trainers: Executor,
) -> TaskRecord:
    """Train one task of the pool, unless it is finished; wait while somebody else holds it or it rests.

    Training itself is left to one of the `trainers`: a caller that waits for somebody else's work keeps none of
    them from it, and a few threads that train one task after the other hold less memory than many would.

    Returns:
        The record of the finished task, whoever trained it.

    Raises:
        AttemptFailed: when the training failed here, or the task had been given up.
        Interrupted: when `stop` was set; the task was given back.
    """
    while True:
        record = pool.get(task_id)
        if record.status is TaskStatus.DONE:
            return record
        if record.status.is_finished:
            raise AttemptFailed(record)
        if record.status is TaskStatus.RUNNING:
            pool.reap()
            if stop.wait(_POLL):
                raise Interrupted
            continue
        try:
            claim = partial(_claim_and_train, pool, train, owner=owner, stop=stop, ids=[task_id])
            trained = trainers.submit(claim).result()
        except LeaseLost:
            continue  # somebody else has it by now: wait for them
        except Exception as error:
            raise AttemptFailed(pool.get(task_id)) from error
        if not trained and stop.wait(_POLL):
            raise Interrupted


def run_tasks(
    pool: TaskPool,
    train: Train,
    *,
    owner: str,
    stop: threading.Event,
    query: Mapping[str, Json] | None = None,
    status: TaskStatus = TaskStatus.WAITING,
    next_status: TaskStatus = TaskStatus.DONE,
) -> int:
    """Train the tasks of a pool that are in a status, one after the other, until there is none to be had.

    A failing task does not stop the others: its error is in the pool.

    Returns:
        How many were trained.
    """
    trained = 0
    while not stop.is_set():
        try:
            if not _claim_and_train(
                pool, train, owner=owner, stop=stop, query=query, status=status, next_status=next_status
            ):
                return trained
            trained += 1
        except LeaseLost:
            continue
        except Exception:  # noqa: S112  # kept in the pool, which decides what becomes of the task
            continue
    return trained


def _claim_and_train(
    pool: TaskPool,
    train: Train,
    *,
    owner: str,
    stop: threading.Event,
    ids: list[str] | None = None,
    query: Mapping[str, Json] | None = None,
    status: TaskStatus = TaskStatus.WAITING,
    next_status: TaskStatus = TaskStatus.DONE,
) -> bool:
    """Whether there was a task to train."""
    if stop.is_set():
        raise Interrupted
    with pool.claimed(owner, ids=ids, query=query, status=status) as record:
        if record is None:
            return False
        with Heartbeat(pool, record) as beat:

            def progress(done: int, total: int, metrics: Mapping[str, float]) -> None:
                if stop.is_set():
                    raise Interrupted
                if beat.lost.is_set():
                    raise LeaseLost(f"task {record.id} has another owner by now")
                beat.report({"done": done, "total": total, "metrics": dict(metrics)})

            result = train(record, progress)
        pool.complete(record, result, status=next_status)
    return True
