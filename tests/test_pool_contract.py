"""What `TaskPool` promises in its docstring, each promise on a real mongod and on a real replica set of three."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from commands import wait_until
from mongods import ReplicaSet
from pymongo.write_concern import WriteConcern

from components.errors import InputError
from components.pool import Heartbeat, LeaseLost, RetryPolicy, TaskPool, TaskRecord, TaskStatus
from components.pool.status import TRANSITIONS
from components.tasks import TrainingTask, content_key

WAITING, RUNNING, PART_DONE, DONE, FAILED, CANCELLED = TaskStatus
SHORT = timedelta(milliseconds=150)
AT_ONCE = RetryPolicy(max_attempts=3, base_delay=timedelta(0))


@pytest.fixture(scope="module", params=["standalone", "replica set"])
def mongo_url(request: pytest.FixtureRequest, mongo_url: str) -> str:
    """The server that `pool` is on."""
    return request.getfixturevalue("replica_set").url if request.param == "replica set" else mongo_url


@pytest.fixture
def hasty(pool: TaskPool) -> TaskPool:
    """The pool with a very short lease and no rest between attempts."""
    pool.lease = SHORT
    pool.retry = AT_ONCE
    return pool


def taken(pool: TaskPool, owner: str = "host:1", **choice: Any) -> TaskRecord:
    record = pool.claim(owner, **choice)
    assert record is not None
    return record


def lose(pool: TaskPool, record: TaskRecord) -> None:
    time.sleep(pool.lease.total_seconds() * 1.5)
    assert pool.reap() == [record.id]


def steps(pool: TaskPool, task_id: str) -> list[str]:
    return [event.status.value for event in pool.get(task_id).history]


def test_one_task_from_submission_to_result(pool: TaskPool) -> None:
    definition = {"model": {"class": "LGBModel"}, "seed": 7}
    assert pool.submit([definition]) == [content_key(definition)]
    record = taken(pool)
    assert (record.definition, record.owner, record.token, record.attempts) == (definition, "host:1", 1, 1)
    assert pool.claim(owner="host:2") is None
    pool.heartbeat(record, progress={"iteration": 3})
    assert pool.get(record.id).progress == {"iteration": 3}
    pool.complete(record, result={"IC": 0.04})
    done = pool.get(record.id)
    assert (done.result, done.owner, done.lease_until, done.errors) == ({"IC": 0.04}, None, None, ())
    assert [(event.status, event.owner, event.token, event.why) for event in done.history] == [
        (WAITING, None, 0, "submit"),
        (RUNNING, "host:1", 1, "claim"),
        (DONE, "host:1", 1, "complete"),
    ]
    assert pool.counts() == {DONE: 1}


def test_a_training_task_is_stored_under_its_key(pool: TaskPool) -> None:
    task = TrainingTask.from_config(
        {
            "model": {"class": "LGBModel", "kwargs": {"lr": 0.1}},
            "dataset": {
                "class": "DatasetH",
                "kwargs": {"handler": {"class": "Alpha158"}, "segments": {"train": ["2010-01-01", None]}},
            },
        }
    )
    assert pool.submit([task]) == [task.key]
    assert pool.submit([task.to_config()]) == [task.key]
    assert TrainingTask.from_config(pool.get(task.key).definition) == task
    assert [record.id for record in pool.find({"definition.model.class": "LGBModel"})] == [task.key]


def test_a_context_is_no_part_of_the_identity_and_the_newest_counts_for_whoever_begins(pool: TaskPool) -> None:
    tasks = [{"n": 1}, {"n": 2}, {"n": 3}]
    first, second, third = pool.submit(tasks, context={"parent": "a", "a.b": 1})
    assert taken(pool).context == {"parent": "a", "a.b": 1}
    done = taken(pool)
    pool.complete(done)
    assert pool.submit(tasks, context={"parent": "b"}) == [first, second, third]
    assert [pool.get(task).context["parent"] for task in (first, second, third)] == ["a", "a", "b"]
    pool.submit(tasks)
    assert pool.get(third).context == {"parent": "b"}  # who says nothing takes nothing back
    with pytest.raises(InputError, match="the context of the tasks is 1,0"):
        pool.submit(tasks, context={"note": "x" * 1_000_001})


def test_submitting_again_changes_nothing(pool: TaskPool) -> None:
    first, second, third = {"n": 1}, {"n": 2}, {"n": 3}
    ids = pool.submit([first, second, first])
    assert ids[0] == ids[2] != ids[1]
    pool.complete(taken(pool), "kept")
    assert pool.submit([third, second, first], priority=9) == [content_key(third), ids[1], ids[0]]
    assert pool.get(ids[0]).result == "kept"
    assert [record.priority for record in pool.find()] == [0, 0, 9]


def test_a_dry_run_writes_nothing(pool: TaskPool) -> None:
    assert pool.submit([{"n": 1}], dry_run=True) == [content_key({"n": 1})]
    assert pool.counts() == {}


def test_higher_priority_first_then_first_come(pool: TaskPool) -> None:
    pool.submit([{"n": n} for n in range(3)])
    pool.submit([{"n": n} for n in range(10, 12)], priority=5)
    (late,) = pool.submit([{"n": 20}])
    pool.prioritise(1, ids=[late])
    order = [taken(pool).definition["n"] for _ in range(6)]
    assert order == [10, 11, 20, 0, 1, 2]


def test_claim_by_ids_and_query(pool: TaskPool) -> None:
    ids = pool.submit([{"n": n, "kind": "even" if n % 2 == 0 else "odd"} for n in range(4)])
    assert taken(pool, ids=[ids[3], ids[2]]).id == ids[2]
    assert taken(pool, query={"definition.kind": "odd"}).id == ids[1]
    assert pool.claim("x", ids=[ids[0]], query={"definition.kind": "odd"}) is None
    assert pool.claim("x", query={"status": "running"}) is None  # a query never widens what may be claimed


def moves() -> dict[str, Callable[[TaskPool, TaskRecord], object]]:
    return {
        "heartbeat": lambda pool, record: pool.heartbeat(record, {"n": 1}),
        "complete": lambda pool, record: pool.complete(record, 1),
        "part": lambda pool, record: pool.complete(record, 1, status=PART_DONE),
        "fail": lambda pool, record: pool.fail(record, ValueError("late")),
        "release": lambda pool, record: pool.release(record),
    }


def endings() -> dict[str, Callable[[TaskPool, TaskRecord], object]]:
    """The ways in which a record stops being held."""
    return {
        "completed": lambda pool, record: pool.complete(record),
        "part done": lambda pool, record: pool.complete(record, status=PART_DONE),
        "failed": lambda pool, record: pool.fail(record, ValueError("x")),
        "failed for good": lambda pool, record: pool.fail(record, InputError("x")),
        "released": lambda pool, record: pool.release(record),
        "reaped": lose,
        "reset": lambda pool, record: pool.reset(status=[RUNNING]),
        "cancelled": lambda pool, record: pool.cancel(),
        "removed": lambda pool, record: pool.remove({}),
        "removed and back with the same token": lambda pool, record: (
            pool.remove({}),
            pool.submit([record.definition]),
            taken(pool, "host:1"),
        ),
        "taken over": lambda pool, record: (lose(pool, record), taken(pool, "host:1")),
    }


@pytest.mark.parametrize("move", moves().values(), ids=moves())
@pytest.mark.parametrize("ending", endings().values(), ids=endings())
def test_a_late_holder_writes_nothing(
    hasty: TaskPool,
    ending: Callable[[TaskPool, TaskRecord], object],
    move: Callable[[TaskPool, TaskRecord], object],
) -> None:
    hasty.submit([{"n": 1}])
    record = taken(hasty)
    ending(hasty, record)
    before = hasty.find()
    with pytest.raises(LeaseLost, match=record.id):
        move(hasty, record)
    assert hasty.find() == before


def test_a_holder_who_is_late_but_unmissed_still_completes(hasty: TaskPool) -> None:
    hasty.submit([{"n": 1}])
    record = taken(hasty)
    time.sleep(0.2)
    hasty.heartbeat(record)
    assert hasty.reap() == []
    time.sleep(0.2)
    hasty.complete(record)
    assert hasty.reap() == []


def test_the_lease_is_the_servers_time(pool: TaskPool) -> None:
    pool.submit([{"n": 1}])
    record = taken(pool)
    assert record.lease_until is not None
    assert record.started_at is not None
    assert record.lease_until - record.started_at == timedelta(seconds=60)
    assert abs(record.started_at - datetime.now(UTC)) < timedelta(seconds=5)  # the server of the tests is here
    time.sleep(0.02)
    pool.heartbeat(record)
    renewed = pool.get(record.id)
    assert renewed.lease_until is not None
    assert renewed.lease_until > record.lease_until
    assert renewed.updated_at > record.updated_at


def test_lost_tasks_are_taken_over_then_given_up(hasty: TaskPool) -> None:
    (task_id,) = hasty.submit([{"n": 1}])
    for attempt in (1, 2, 3):
        record = taken(hasty, f"host{attempt}:7")
        assert (record.token, record.attempts) == (attempt, attempt)
        assert hasty.reap() == []
        lose(hasty, record)
    assert hasty.claim("host:9") is None
    dead = hasty.get(task_id)
    assert dead.status is FAILED
    assert [(error.attempt, error.reason, error.type, error.host) for error in dead.errors] == [
        (1, "lost", "TaskLost", "host1"),
        (2, "lost", "TaskLost", "host2"),
        (3, "lost", "TaskLost", "host3"),
    ]
    assert all(error.duration >= 0.15 for error in dead.errors)
    assert steps(hasty, task_id) == ["waiting", *["running", "waiting"] * 2, "running", "failed"]


def test_claim_reaps_by_itself(hasty: TaskPool) -> None:
    hasty.submit([{"n": 1}])
    taken(hasty, "a:1")
    assert hasty.claim("b:1") is None
    time.sleep(0.2)
    assert taken(hasty, "b:1").token == 2


def test_failing_keeps_the_error_and_rests(pool: TaskPool) -> None:
    pool.retry = RetryPolicy(max_attempts=2, base_delay=timedelta(seconds=0.3), jitter=0)
    (task_id,) = pool.submit([{"n": 1}])
    with pytest.raises(ValueError, match="no rows") as caught:
        raise ValueError("no rows in 2017")
    assert pool.fail(taken(pool), caught.value) is WAITING
    record = pool.get(task_id)
    assert record.not_before is not None
    assert record.not_before - record.updated_at == timedelta(seconds=0.3)
    (failed,) = record.errors
    assert (failed.type, failed.message, failed.reason, failed.owner) == (
        "ValueError",
        "no rows in 2017",
        "error",
        "host:1",
    )
    assert "test_failing_keeps_the_error_and_rests" in failed.traceback
    assert pool.claim("host:2") is None
    time.sleep(0.35)
    assert pool.fail(taken(pool), KeyError("again")) is FAILED
    assert [error.type for error in pool.get(task_id).errors] == ["ValueError", "KeyError"]
    assert pool.get(task_id).history[-1].why == "error: attempt 2 of 2"


def test_non_retryable_errors_are_not_tried_again(pool: TaskPool) -> None:
    pool.submit([{"n": 1}])
    assert pool.fail(taken(pool), InputError("unknown field")) is FAILED


def test_a_release_is_no_attempt(pool: TaskPool) -> None:
    (task_id,) = pool.submit([{"n": 1}])
    for token in range(1, 6):
        record = taken(pool)
        assert (record.token, record.attempts) == (token, 1)
        pool.release(record)
    assert (pool.get(task_id).status, pool.get(task_id).attempts) == (WAITING, 0)


def test_two_phases(hasty: TaskPool) -> None:
    (task_id,) = hasty.submit([{"n": 1}])
    assert hasty.claim("host:1", status=PART_DONE) is None
    assert hasty.fail(taken(hasty), ValueError()) is WAITING
    hasty.complete(taken(hasty), {"prepared": True}, status=PART_DONE)
    assert hasty.claim("host:1") is None
    second = taken(hasty, status=PART_DONE)
    assert (second.result, second.attempts, second.token) == ({"prepared": True}, 1, 3)
    assert hasty.fail(second, ValueError()) is PART_DONE  # the first phase is not done again
    hasty.release(taken(hasty, status=PART_DONE))
    lose(hasty, taken(hasty, status=PART_DONE))
    assert hasty.get(task_id).result == {"prepared": True}
    hasty.complete(taken(hasty, status=PART_DONE), {"trained": True})
    assert hasty.get(task_id).status is DONE


def test_only_waiting_and_part_done_tasks_can_be_claimed_or_completed_as(pool: TaskPool) -> None:
    pool.submit([{"n": 1}])
    for status in (RUNNING, DONE, FAILED, CANCELLED):
        with pytest.raises(InputError, match="cannot be claimed"):
            pool.claim("x", status=status)
    record = taken(pool)
    for status in (WAITING, RUNNING, FAILED, CANCELLED):
        with pytest.raises(InputError, match="completed as done or part_done"):
            pool.complete(record, status=status)


def bring(pool: TaskPool, status: TaskStatus) -> str:
    (task_id,) = pool.submit([{"status": status.value}])
    if status is CANCELLED:
        pool.cancel(ids=[task_id])
    elif status is not WAITING:
        record = taken(pool, ids=[task_id])
        if status is FAILED:
            pool.fail(record, InputError("x"))
        elif status is not RUNNING:
            pool.complete(record, "result", status=status)
    assert pool.get(task_id).status is status
    return task_id


@pytest.mark.parametrize("status", TaskStatus)
def test_what_a_person_may_do(pool: TaskPool, status: TaskStatus) -> None:
    task_id = bring(pool, status)
    assert pool.cancel() == (1 if status in (WAITING, RUNNING, PART_DONE) else 0) == status.may_become(CANCELLED)
    pool.remove({})
    bring(pool, status)
    changed = pool.reset(status=list(TaskStatus))
    assert changed == (0 if status is WAITING else 1)
    fresh = pool.get(task_id)
    assert (fresh.status, fresh.attempts, fresh.result, fresh.owner, fresh.not_before) == (
        WAITING,
        0,
        None,
        None,
        None,
    )
    assert len(fresh.errors) == (1 if status is FAILED else 0)


def test_reset_takes_failed_and_cancelled_ones_unless_told_otherwise(pool: TaskPool) -> None:
    for status in TaskStatus:
        bring(pool, status)
    assert pool.reset() == 2
    assert pool.counts() == {WAITING: 3, RUNNING: 1, PART_DONE: 1, DONE: 1}


def test_replace_and_remove(pool: TaskPool) -> None:
    (old,) = pool.submit([{"n": 1}], priority=4)
    new = pool.replace(old, {"n": 2})
    assert [(record.id, record.priority) for record in pool.find()] == [(new, 4)]
    assert pool.replace(new, {"n": 2}) == new
    with pytest.raises(InputError, match=f"has no task {old}"):
        pool.replace(old, {"n": 3})
    with pytest.raises(InputError, match="say which tasks"):
        pool.remove()
    assert pool.remove(ids=[new]) == 1
    assert pool.counts() == {}


def test_counts_and_find_by_query_and_ids(pool: TaskPool) -> None:
    ids = pool.submit([{"n": n} for n in range(5)])
    pool.complete(taken(pool))
    assert pool.counts()[DONE] == 1
    assert pool.counts()[FAILED] == 0
    assert pool.counts(ids=ids[:3]) == {DONE: 1, WAITING: 2}
    assert pool.counts({"definition.n": {"$gte": 3}}) == {WAITING: 2}
    assert [record.definition["n"] for record in pool.find(limit=2)] == [0, 1]
    assert [record.id for record in pool.find({"status": DONE})] == ids[:1]


def test_wait_sees_every_look_and_reaps(hasty: TaskPool) -> None:
    hasty.retry = RetryPolicy(max_attempts=1)
    hasty.submit([{"n": 1}, {"n": 2}])
    hasty.complete(taken(hasty))
    with pytest.raises(TimeoutError, match="1 tasks"):
        hasty.wait(timeout=timedelta(0))
    taken(hasty)
    seen: list[dict[TaskStatus, int]] = []
    counts = hasty.wait(poll=timedelta(seconds=0.02), timeout=timedelta(seconds=5), on_counts=seen.append)
    assert counts == {DONE: 1, FAILED: 1} == seen[-1]
    assert seen[0] == {DONE: 1, RUNNING: 1}


def test_claimed_fails_on_errors_and_gives_back_on_interrupts(pool: TaskPool) -> None:
    pool.retry = AT_ONCE
    (task_id,) = pool.submit([{"n": 1}])
    with pytest.raises(ZeroDivisionError), pool.claimed("host:1"):
        raise ZeroDivisionError
    assert [error.type for error in pool.get(task_id).errors] == ["ZeroDivisionError"]
    with pytest.raises(KeyboardInterrupt), pool.claimed("host:1"):
        raise KeyboardInterrupt
    assert (pool.get(task_id).status, pool.get(task_id).attempts) == (WAITING, 1)
    with pool.claimed("host:1") as record:
        assert record is not None
        pool.complete(record)
    with pool.claimed("host:1") as record:
        assert record is None


def test_a_model_that_exits_has_failed(pool: TaskPool) -> None:
    (task_id,) = pool.submit([{"n": 1}], retry=AT_ONCE)
    with pytest.raises(SystemExit), pool.claimed("host:1"):
        raise SystemExit("no licence for this solver")
    record = pool.get(task_id)
    assert (record.status, record.attempts) == (WAITING, 1)
    assert [(error.type, error.message) for error in record.errors] == [
        ("SystemExit", "no licence for this solver")
    ]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ZeroDivisionError])
def test_cleaning_up_does_not_hide_what_it_cleans_up_after(pool: TaskPool, error: type[BaseException]) -> None:
    pool.submit([{"n": 1}])

    def cancelled() -> None:  # so that the task can be neither failed nor given back
        pool.cancel()
        raise error

    with pytest.raises(error), pool.claimed("host:1"):
        cancelled()
    assert pool.counts() == {CANCELLED: 1}
    assert pool.unreturned == ()  # it is nobody's to give back


def test_a_pool_exists_from_its_first_task_on(pool: TaskPool) -> None:
    assert not pool.exists()
    assert pool.counts() == {}
    assert not pool.exists()
    pool.submit([{"n": 1}])
    assert pool.exists()
    pool.remove({})
    assert pool.exists()


def test_heartbeat_thread_keeps_the_lease_and_reports(pool: TaskPool) -> None:
    pool.lease = timedelta(seconds=0.3)
    (task_id,) = pool.submit([{"n": 1}])
    record = taken(pool)
    with Heartbeat(pool, record) as beat:
        beat.report({"iteration": 10})
        for _ in range(8):
            time.sleep(0.1)
            assert pool.reap() == []
        assert not beat.lost.is_set()
        assert pool.get(task_id).progress == {"iteration": 10}
        with pytest.raises(InputError, match="cannot be stored as JSON"):
            beat.report({"model": object()})
        pool.cancel()
        assert beat.lost.wait(2)


def test_what_a_replica_set_may_still_lose_is_not_seen(replica_set: ReplicaSet) -> None:
    with TaskPool(replica_set.url, "tests", "seen") as pool:
        (task_id,) = pool.submit([{"n": 1}])
        with replica_set.lagging():
            alone = pool._collection.documents.with_options(write_concern=WriteConcern(w=1))
            alone.update_one({"_id": task_id}, {"$set": {"status": "done"}})
            assert pool.get(task_id).status is WAITING
            assert pool.counts() == {WAITING: 1}
        wait_until(lambda: pool.get(task_id).status is DONE)


def test_the_table_of_transitions_is_closed() -> None:
    assert set(TRANSITIONS) == set(TaskStatus)
    assert {status for status in TaskStatus if status.is_finished} == {DONE, FAILED, CANCELLED}
    assert {status for status in TaskStatus if status.is_claimable} == {WAITING, PART_DONE}
    assert all(status not in targets for status, targets in TRANSITIONS.items())
