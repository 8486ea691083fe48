"""Answers that are lost and servers that forget: a write happens once or not at all, and its writer knows which."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from mongods import Mongod, failing, running

from components.pool import LeaseLost, PoolRefused, PoolUnavailable, RetryPolicy, TaskPool, TaskRecord, TaskStatus

WAITING, RUNNING, PART_DONE, DONE, FAILED, CANCELLED = TaskStatus
NOT_VOUCHED = {"writeConcernError": {"code": 262, "errmsg": "too slow"}}
_names = count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """One that writes its journal twice a second only, so that a kill makes it forget."""
    with running(Mongod(tmp_path_factory.mktemp("mongod"), "--journalCommitInterval", "500")) as mongod:
        yield mongod


@pytest.fixture
def pool(server: Mongod) -> Iterator[TaskPool]:
    retry = RetryPolicy(max_attempts=3, base_delay=timedelta(0))
    with TaskPool(server.url, "tests", f"outage_{next(_names)}", retry=retry) as pool:
        yield pool


def interrupt_after(action: Callable[[], object]) -> None:
    action()
    raise KeyboardInterrupt


def taken(pool: TaskPool, **choice: Any) -> TaskRecord:
    record = pool.claim("host:1", **choice)
    assert record is not None
    return record


def test_a_claim_whose_answer_is_lost_is_made_once(pool: TaskPool) -> None:
    pool.submit([{"n": 1}, {"n": 2}])
    with failing(pool._collection.url, "findAndModify", **NOT_VOUCHED):
        record = taken(pool)
    assert (record.token, record.attempts) == (1, 1)
    assert pool.counts() == {WAITING: 1, RUNNING: 1}
    pool.complete(record)


@pytest.mark.parametrize(
    ("move", "status"),
    [
        (lambda pool, record: pool.complete(record, 1), DONE),
        (lambda pool, record: pool.complete(record, 1, status=PART_DONE), PART_DONE),
        (lambda pool, record: pool.fail(record, ValueError("x")), WAITING),
        (lambda pool, record: pool.release(record), WAITING),
    ],
    ids=["complete", "part", "fail", "release"],
)
def test_a_write_whose_answer_is_lost_is_recognised(
    pool: TaskPool, move: Callable[[TaskPool, TaskRecord], object], status: TaskStatus
) -> None:
    (task_id,) = pool.submit([{"n": 1}])
    record = taken(pool)
    with failing(pool._collection.url, "update", **NOT_VOUCHED):
        move(pool, record)
    assert [event.status for event in pool.get(task_id).history] == [WAITING, RUNNING, status]


def test_a_submission_that_the_server_does_not_vouch_for_is_repeated_or_refused(pool: TaskPool) -> None:
    with failing(pool._collection.url, "insert", **NOT_VOUCHED):
        assert len(pool.submit([{"n": 1}, {"n": 2}])) == 2
    assert pool.counts() == {WAITING: 2}
    with (
        failing(pool._collection.url, "insert", writeConcernError={"code": 100, "errmsg": "not enough nodes"}),
        pytest.raises(PoolRefused, match="not enough nodes"),
    ):
        pool.submit([{"n": 3}])


def test_a_submission_that_is_cut_off_is_repeated(pool: TaskPool) -> None:
    with failing(pool._collection.url, "insert", closeConnection=True):
        pool.submit([{"n": n} for n in range(3)])
    assert pool.counts() == {WAITING: 3}


def test_a_holder_whose_claim_was_forgotten_does_not_take_anothers_work_for_its_own(pool: TaskPool) -> None:
    (task_id,) = pool.submit([{"n": 1}])
    document = pool._collection.documents.find_one({"_id": task_id})
    assert document is not None
    forgotten = taken(pool)
    pool._collection.documents.replace_one({"_id": task_id}, document)  # as a crash leaves it
    winner = taken(pool)
    assert winner.token == forgotten.token
    pool.complete(winner, "right")
    with failing(pool._collection.url, "update", closeConnection=True), pytest.raises(LeaseLost):
        pool.complete(forgotten, "wrong")
    assert pool.get(task_id).result == "right"


def test_a_killed_server_may_forget_a_claim_but_nothing_that_was_finished(server: Mongod, pool: TaskPool) -> None:
    pool.submit([{"n": n} for n in range(4)])
    for _ in range(2):
        pool.complete(taken(pool), "kept")
    forgotten = taken(pool)
    server.kill()
    server.start()
    assert pool.counts() == {DONE: 2, WAITING: 2}
    winner = taken(pool)
    assert (winner.id, winner.token) == (forgotten.id, forgotten.token)
    with pytest.raises(LeaseLost):
        pool.complete(forgotten, "wrong")
    pool.complete(winner, "right")
    assert [record.result for record in pool.find({"status": DONE})] == ["kept", "kept", "right"]


@pytest.mark.parametrize(
    "move",
    [
        lambda pool, record: pool.complete(record, "late", status=PART_DONE),
        lambda pool, record: pool.fail(record, ValueError("late")),
        lambda pool, record: pool.release(record),
    ],
    ids=["part", "fail", "release"],
)
def test_a_holder_reaped_in_an_outage_is_told_so(
    pool: TaskPool, move: Callable[[TaskPool, TaskRecord], object]
) -> None:
    (task_id,) = pool.submit([{"n": 1}])
    pool.complete(taken(pool), "first phase", status=PART_DONE)
    pool.lease = timedelta(milliseconds=50)
    record = taken(pool, status=PART_DONE)
    time.sleep(0.1)
    assert pool.reap() == [task_id]  # gives it the very status that the late write would give it
    with failing(pool._collection.url, "update", closeConnection=True), pytest.raises(LeaseLost):
        move(pool, record)
    assert (pool.get(task_id).status, pool.get(task_id).result) == (PART_DONE, "first phase")


@pytest.mark.parametrize("quick", [True, False], ids=["completed meanwhile", "held meanwhile"])
def test_a_claim_that_the_server_executes_too_late_takes_no_second_task(
    server: Mongod, pool: TaskPool, quick: bool
) -> None:
    pool.submit([{"n": 1}, {"n": 2}])
    with (
        TaskPool(f"{server.url}/?socketTimeoutMS=400", "tests", pool.name) as hasty,
        failing(server.url, "findAndModify", blockConnection=True, blockTimeMS=1200),
    ):
        record = taken(hasty)  # the first try waits in the server when the second one is made
        if quick:
            hasty.complete(record)
        time.sleep(1.5)
        assert pool.counts() == {DONE if quick else RUNNING: 1, WAITING: 1}


def test_one_claim_holds_one_task_even_when_it_is_executed_twice(server: Mongod, pool: TaskPool) -> None:
    pool.submit([{"n": 1}, {"n": 2}])
    pool._collection.server_limit = None  # as if the server had started on both in time
    with (
        TaskPool(f"{server.url}/?socketTimeoutMS=400", "tests", pool.name) as hasty,
        failing(server.url, "findAndModify", blockConnection=True, blockTimeMS=1200),
    ):
        hasty._collection.server_limit = None
        taken(hasty)
        time.sleep(1.5)
        assert pool.counts() == {RUNNING: 1, WAITING: 1}


def test_an_interrupted_attempt_that_cannot_be_given_back_says_so(tmp_path: Path) -> None:
    options = "serverSelectionTimeoutMS=60000"  # which must not hold up who wants to end
    with running(Mongod(tmp_path)) as alone, TaskPool(f"{alone.url}/?{options}", "tests", "stopped") as pool:
        (task_id,) = pool.submit([{"n": 1}])
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt), pool.claimed("host:1"):
            interrupt_after(alone.kill)
        assert pool.unreturned == (task_id,)
        pool.hurry(timedelta(seconds=0.5))
        with pytest.raises(PoolUnavailable, match="does not answer"):
            pool.get(task_id)
    assert time.monotonic() - start < 30  # 5 s with nothing else to do, 60 s if anything were held up


def test_a_server_that_never_ends_in_time_does_not_answer(pool: TaskPool) -> None:
    pool.submit([{"n": 1}])
    hasty = TaskPool(pool._collection.url, "tests", pool.name, outage_timeout=timedelta(seconds=0.2))
    too_slow = {"errorCode": 50, "always": True}  # what the server says when its own time limit has passed
    failing_claims = failing(pool._collection.url, "findAndModify", **too_slow)
    with hasty, failing_claims, pytest.raises(PoolUnavailable, match="does not answer"):
        hasty.claim("host:1")
    assert taken(pool).attempts == 1


def test_a_connection_that_breaks_while_it_is_opened_is_opened_again(pool: TaskPool) -> None:
    pool.submit([{"n": 1}])
    sleeper = threading.Thread(target=pool.find, args=({"$where": "sleep(1000) || true"},))  # has the only one
    sleeper.start()
    time.sleep(0.2)
    with failing(
        pool._collection.url, "hello", "isMaster", always=True, appName="rollflow", closeConnection=True
    ) as mend:
        threading.Timer(0.2, mend).start()
        record = taken(pool)
    assert record.token == 1
    sleeper.join()


def test_a_listing_goes_on_when_its_cursor_dies_with_the_server(pool: TaskPool) -> None:
    ids = pool.submit([{"n": n} for n in range(200)])  # more than one batch
    with failing(pool._collection.url, "getMore", errorCode=43):
        assert [record.id for record in pool.find()] == ids
