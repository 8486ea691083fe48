"""Taking tasks from the pool and training them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from functools import partial

from components.errors import InputError
from components.execution.attempt import AttemptFailed, Interrupted, NotRunnableHere, Train, claim_and_train
from components.execution.left import LeftBehind
from components.execution.trainers import Trainers
from components.pool import LeaseLost, TaskPool, TaskRecord, TaskStatus
from components.tasks import Json

log = logging.getLogger(__name__)

#: Called at every look at a task that is waited for, with its holder and what the last one said of it who could not
#: run it; None: there is none.
OnHolder = Callable[[str | None, LeftBehind | None], None]

#: Waits until a task may no longer be as it is in a record, or an event is set.
AwaitChange = Callable[[TaskRecord, threading.Event], None]

#: Called after each attempt with the record of the task.
OnAttempt = Callable[[TaskRecord], None]

#: Seconds between two looks at a task that somebody else holds.
_POLL = 1.0


def ignore(*_news: object) -> None:
    """For news that nobody wants."""


def run_task(
    pool: TaskPool,
    task_id: str,
    train: Train | None,
    *,
    owner: str,
    stop: threading.Event,
    trainers: Trainers,
    on_holder: OnHolder = ignore,
    await_change: AwaitChange | None = None,
) -> TaskRecord:
    """Train one task of the pool, unless it is finished; wait while somebody else holds it or it backs off.

    Without `train`, all of it is left to others, and waited for.

    Training itself is left to the `trainers`: a caller that waits for somebody else's work keeps none of them from
    it, and a few threads that train one task after the other hold less memory than many would. Many that wait
    should share one `RunWatch` and its `await_change`; alone, this one looks at the pool every second.

    Returns:
        The record of the finished task, whoever trained it.

    Raises:
        AttemptFailed: when the training failed here, or the task had been given up.
        InputError: when the task needs what is not here; it was given back.
        Interrupted: when `stop` was set; the task was given back.
        NobodyCanRun: when a `RunWatch` says so.
    """
    await_change = await_change or partial(_look_again, pool)

    def held(holder: str | None, word: LeftBehind | None) -> None:
        trainers.skip(task_id)
        on_holder(holder, word)

    try:
        while True:
            record = _await_task(pool, task_id, stop, held, await_change, claimable=train is not None)
            if train is None or record.status is TaskStatus.DONE:
                return record
            on_holder(owner, None)
            # One that was prepared is finished from what its first phase left.
            status = record.status
            claim = partial(claim_and_train, pool, train, owner=owner, stop=stop, ids=[task_id], status=status)
            try:
                trained = trainers.submit(task_id, claim).result()
            except LeaseLost:
                continue  # somebody else has it by now: wait for them
            except NotRunnableHere as left:
                raise InputError(str(left)) from None
            if trained is None and stop.wait(_POLL):
                raise Interrupted
    finally:
        trainers.skip(task_id)


def _await_task(
    pool: TaskPool,
    task_id: str,
    stop: threading.Event,
    on_holder: OnHolder,
    await_change: AwaitChange,
    *,
    claimable: bool,
) -> TaskRecord:
    """Wait until a task is done, or with `claimable` until anybody may claim it."""
    while True:
        record = pool.get(task_id)
        if record.status is TaskStatus.DONE or (claimable and record.status.is_claimable):
            return record
        if record.status.is_finished:
            raise AttemptFailed(record)
        on_holder(record.owner, LeftBehind.from_document(record.progress))
        await_change(record, stop)
        if stop.is_set():
            raise Interrupted


def _look_again(pool: TaskPool, _record: TaskRecord, stop: threading.Event) -> None:
    pool.reap()
    stop.wait(_POLL)


def run_tasks(
    pool: TaskPool,
    train: Train,
    *,
    owner: str,
    stop: threading.Event,
    query: Mapping[str, Json] | None = None,
    status: TaskStatus = TaskStatus.WAITING,
    next_status: TaskStatus = TaskStatus.DONE,
    drain: threading.Event | None = None,
    on_attempt: OnAttempt = ignore,
) -> int:
    """Train the tasks of a pool that are in a status, one after the other, until there is none to be had.

    Once `stop` is set, the task in hand is given back; once `drain` is set, it is finished and no other is taken.

    A failing task does not stop the others: its error is in the pool.

    Returns:
        How many were trained.

    Raises:
        Interrupted: when `stop` was set in the middle of a task, which was given back.
        NotRunnableHere: when a task needs what is not here; it was given back.
    """
    trained = 0
    claim = partial(claim_and_train, owner=owner, query=query, status=status, next_status=next_status, stop=stop)
    while not (stop.is_set() or (drain and drain.is_set())):
        try:
            record = claim(pool, train)
        except LeaseLost:
            continue
        except AttemptFailed as failed:
            _tell(on_attempt, failed.record)
            continue
        if record is None:
            break
        _tell(on_attempt, record)
        trained += 1
    return trained


def _tell(on_attempt: OnAttempt, record: TaskRecord) -> None:
    """Report how a task stands; whoever watches never ends what it watches."""
    try:
        on_attempt(record)
    except Exception:
        log.warning("an attempt at task %s could not be reported", record.id, exc_info=True)
