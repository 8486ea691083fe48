"""One watcher for all who want to know how the tasks of a run stand."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from commands import wait_until
from mongods import Mongod, running

from components.pool import PoolUnavailable, RetryPolicy, RunWatcher, TaskMissing, TaskPool, TaskRecord, TaskStatus

QUICK = timedelta(seconds=0.02)


def taken(pool: TaskPool) -> TaskRecord:
    record = pool.claim("host:1")
    assert record is not None
    return record


def test_what_others_do_is_seen(pool: TaskPool, mongo_url: str) -> None:
    first, second = pool.submit([{"n": 1}, {"n": 2}], run="r")
    (other,) = pool.submit([{"n": 3}], run="another", priority=-1)
    with TaskPool(mongo_url, pool.database, pool.name) as elsewhere, RunWatcher(pool, "r", poll=QUICK) as watcher:
        assert set(watcher.tasks) == {first, second}
        with pytest.raises(TaskMissing, match=f"run 'r' of pool {pool.name!r} has no task {other}"):
            watcher.get(other)
        record = taken(elsewhere)
        wait_until(lambda: watcher.get(first).owner == "host:1")
        elsewhere.heartbeat(record, {"done": 3})
        wait_until(lambda: watcher.get(first).progress == {"done": 3})
        elsewhere.complete(record, {"IC": 0.1})
        wait_until(lambda: watcher.get(first).status is TaskStatus.DONE)
        assert watcher.get(first).result == {"IC": 0.1}
        assert watcher.get(second).status is TaskStatus.WAITING
        elsewhere.submit([{"n": 3}], run="r")
        wait_until(lambda: other in watcher.tasks)


def test_lost_tasks_are_taken_back(pool: TaskPool) -> None:
    pool.lease = timedelta(milliseconds=50)
    (task_id,) = pool.submit([{"n": 1}], run="r", retry=RetryPolicy(max_attempts=1))
    taken(pool)
    with RunWatcher(pool, "r", poll=QUICK) as watcher:
        wait_until(lambda: watcher.get(task_id).status is TaskStatus.FAILED)
        error = watcher.get(task_id).error
        assert error is not None
        assert error.reason == "lost"


def test_removed_tasks_are_missed(pool: TaskPool) -> None:
    kept, gone = pool.submit([{"n": 1}, {"n": 2}], run="r")
    with RunWatcher(pool, "r", poll=QUICK, refresh=QUICK) as watcher:
        pool.remove(ids=[gone])
        wait_until(lambda: set(watcher.tasks) == {kept})


def test_an_outage_is_told_to_those_who_ask_and_ends(tmp_path: Path) -> None:
    with (
        running(Mongod(tmp_path)) as server,
        TaskPool(f"{server.url}/?serverSelectionTimeoutMS=100", outage_timeout=QUICK) as pool,
    ):
        (task_id,) = pool.submit([{"n": 1}], run="r")
        with RunWatcher(pool, "r", poll=QUICK) as watcher:

            def unreachable() -> bool:
                try:
                    return not watcher.tasks
                except PoolUnavailable:
                    return True

            server.kill()
            wait_until(unreachable)
            server.start()
            wait_until(lambda: not unreachable())
            assert watcher.get(task_id).status is TaskStatus.WAITING
