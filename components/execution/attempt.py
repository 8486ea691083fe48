"""One attempt at a task of the pool: claimed, trained, and ended in one of a few ways."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from components.errors import RollflowError
from components.pool import Heartbeat, LeaseLost, PoolUnavailable, TaskPool, TaskRecord, TaskStatus
from components.progress import Progress, ProgressReport
from components.tasks import Json

#: Trains the definition of a record and returns a JSON result; calls its progress, which may raise to stop it.
Train = Callable[[TaskRecord, Progress], Json]


class Interrupted(BaseException):
    """The training was asked to stop. Not an `Exception`, so that the task is given back and not failed."""


class NotRunnableHere(BaseException):
    """What a task needs is not here but may be elsewhere. Not an `Exception`, so that the task is given back."""

    def __init__(self, message: str, tasks: Mapping[str, Json]) -> None:
        super().__init__(message, tasks)
        self.message = message
        #: Query that finds the tasks of which the same is true.
        self.tasks = tasks

    def __str__(self) -> str:
        return self.message


class TrainingAborted(RollflowError):
    """A training raised what is meant to end a process or a thread, such as `SystemExit`; nothing asked it to."""


class AttemptFailed(RollflowError):
    """An attempt at a task failed; what becomes of the task is the pool's decision."""

    def __init__(self, record: TaskRecord) -> None:
        super().__init__(record)  # what pickle hands to the constructor again
        self.record = record

    def __str__(self) -> str:
        if self.record.status is TaskStatus.CANCELLED or not self.record.errors:
            return f"task {self.record.id[:12]} is {self.record.status}"
        last = self.record.errors[-1]
        return f"task {self.record.id[:12]}, attempt {last.attempt}: {last.type}: {last.message}"

    @property
    def will_retry(self) -> bool:
        """Whether the pool lets the task be tried again."""
        return not self.record.status.is_finished


def this_process() -> str:
    """The owner under which this process claims tasks."""
    return f"{socket.gethostname()}:{os.getpid()}"


@contextmanager
def aborts_as_errors() -> Iterator[None]:
    """Let what a training raises fail its attempt, whatever it is, unless it is an interrupt.

    Raises:
        TrainingAborted: in place of any other `BaseException` that is not an `Exception`.
    """
    try:
        yield
    except (Exception, Interrupted, NotRunnableHere, KeyboardInterrupt, asyncio.CancelledError):
        raise
    except BaseException as error:
        raise TrainingAborted(f"{type(error).__name__}: {error}") from error


def claim_and_train(
    pool: TaskPool,
    train: Train,
    *,
    owner: str,
    stop: threading.Event,
    ids: list[str] | None = None,
    query: Mapping[str, Json] | None = None,
    status: TaskStatus = TaskStatus.WAITING,
    next_status: TaskStatus = TaskStatus.DONE,
) -> TaskRecord | None:
    """The task that was trained, None when there was none to be had.

    Raises:
        AttemptFailed: when the training failed.
        Interrupted: when `stop` was set. The task was given back, unless `TaskPool.unreturned` names it.
        NotRunnableHere: when the task needs what is not here; it was given back.
    """
    if stop.is_set():
        raise Interrupted
    record = None
    try:
        with pool.claimed(owner, ids=ids, query=query, status=status) as record:
            if record is None:
                return None
            result = _train(pool, record, train, stop)
            try:
                pool.complete(record, result, status=next_status)
            except PoolUnavailable as error:
                if stop.is_set():  # it cannot wait for the pool, so the training was for nothing, but did not fail
                    raise Interrupted from error
                raise
    except LeaseLost:
        raise
    except NotRunnableHere as left:
        if record is not None:  # whatever the query finds, this one is not to be claimed again and again
            left.tasks = {"$or": [left.tasks, {"_id": record.id}]}
        raise
    except (Exception, SystemExit) as error:  # a model may call sys.exit
        if record is None:
            raise  # it was the claim that failed
        raise AttemptFailed(pool.get(record.id)) from error
    return replace(record, status=next_status, result=result)


def _train(pool: TaskPool, record: TaskRecord, train: Train, stop: threading.Event) -> Json:
    with Heartbeat(pool, record) as beat:

        def progress(report: ProgressReport) -> None:
            if stop.is_set():
                raise Interrupted
            if beat.lost.is_set():
                raise LeaseLost(f"task {record.id} has another owner by now")
            beat.report(report.to_document())

        with aborts_as_errors():
            return train(record, progress)
