"""Retry policies belong to tasks: whoever fails or reaps a task applies the task's policy, not its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta

import pytest

from components.pool import RecordBroken, RetryPolicy, TaskPool, TaskRecord, TaskStatus

ONCE = RetryPolicy(max_attempts=1)
OFTEN = RetryPolicy(max_attempts=5, base_delay=timedelta(0))


def taken(pool: TaskPool) -> TaskRecord:
    record = pool.claim("host:1")
    assert record is not None
    return record


@pytest.fixture
def strict(pool: TaskPool, mongo_url: str) -> Iterator[TaskPool]:
    """The same pool as somebody else opens it, whose own policy allows one attempt."""
    with TaskPool(mongo_url, pool.database, pool.name, retry=ONCE) as stranger:
        yield stranger


@pytest.mark.parametrize(
    "reaping",
    [
        lambda pool: pool.reap(),
        lambda pool: pool.wait(timeout=timedelta(0)),
        lambda pool: pool.claim("x", query={"definition.n": 2}),
    ],
    ids=["reap", "wait", "claim"],
)
def test_a_stranger_who_reaps_gives_up_no_task(
    pool: TaskPool, strict: TaskPool, reaping: Callable[[TaskPool], object]
) -> None:
    pool.retry, pool.lease = OFTEN, timedelta(milliseconds=20)
    (task_id,) = pool.submit([{"n": 1}])
    taken(pool)
    time.sleep(0.05)
    with suppress(TimeoutError):
        reaping(strict)
    assert pool.get(task_id).status is TaskStatus.WAITING
    assert pool.get(task_id).history[-1].why == "lost: attempt 1 of 5"


def test_a_worker_applies_the_policy_of_the_task(pool: TaskPool, strict: TaskPool) -> None:
    pool.submit([{"n": 1}], retry=OFTEN)
    assert strict.fail(taken(strict), ValueError()) is TaskStatus.WAITING
    strict.submit([{"n": 2}], priority=1)
    assert pool.fail(taken(pool), ValueError()) is TaskStatus.FAILED


def test_the_newest_policy_that_was_given_counts_for_whoever_begins(pool: TaskPool) -> None:
    pool.retry = ONCE
    (task_id,) = pool.submit([{"n": 1}])
    assert pool.get(task_id).retry == ONCE
    pool.submit([{"n": 1}], retry=OFTEN)
    assert pool.get(task_id).retry == OFTEN
    pool.submit([{"n": 1}], context={"a": 1})
    assert pool.get(task_id).retry == OFTEN
    taken(pool)
    pool.submit([{"n": 1}], retry=ONCE)
    assert pool.get(task_id).retry == OFTEN


def test_a_task_of_an_earlier_version_has_the_policy_of_the_pool(pool: TaskPool, strict: TaskPool) -> None:
    (task_id,) = pool.submit([{"n": 1}])
    pool._collection.documents.update_one({"_id": task_id}, {"$unset": {"retry": 1, "since": 1}})
    assert pool.get(task_id).retry is None
    assert strict.fail(taken(strict), ValueError()) is TaskStatus.FAILED


def test_a_policy_that_cannot_be_read_is_named(pool: TaskPool) -> None:
    (task_id,) = pool.submit([{"n": 1}])
    pool._collection.documents.update_one({"_id": task_id}, {"$set": {"retry.max_attempts": 0}})
    with pytest.raises(RecordBroken, match=f"task {task_id}: cannot read retry"):
        pool.get(task_id)
