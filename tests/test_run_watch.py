"""One look at the pool for all who wait in a process for tasks of a run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import timedelta
from typing import Any

import pytest
from commands import wait_until
from pymongo import MongoClient

from components.execution import Interrupted, LeftBehind, NobodyCanRun, RunWatch, Trainers, run_task
from components.pool import TaskMissing, TaskPool, TaskRecord, TaskStatus

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty looks a second."""
    monkeypatch.setattr("components.execution.run._POLL", 0.02)
    monkeypatch.setattr("components.execution.run_watch._POLL", 0.02)


@pytest.fixture
def trainers() -> Iterator[Trainers]:
    trainers = Trainers(1)
    yield trainers
    trainers.shutdown()


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    """Ends whoever would wait for ever."""
    stop = threading.Event()
    limit = threading.Timer(20, stop.set)
    limit.start()
    yield stop
    stop.set()
    limit.cancel()


def taken(pool: TaskPool) -> TaskRecord:
    record = pool.claim("there:7")
    assert record is not None
    return record


def waited_for(
    pool: TaskPool,
    task_id: str,
    watch: RunWatch,
    trainers: Trainers,
    stop: threading.Event,
    begun: threading.Event | None = None,
) -> TaskRecord:
    """The task, trained elsewhere; says when it has begun to wait."""

    def on_holder(*_: object) -> None:
        if begun:
            begun.set()

    given: dict[str, Any] = {"trainers": trainers, "stop": stop, "await_change": watch.await_change}
    return run_task(pool, task_id, None, owner="here:1", on_holder=on_holder, **given)


def test_those_who_wait_do_not_ask_themselves(mongo_url: str, trainers: Trainers, stop: threading.Event) -> None:
    with ExitStack() as stack:
        pool = stack.enter_context(TaskPool(mongo_url, "watched", "waiting"))
        database = stack.enter_context(MongoClient[dict[str, Any]](mongo_url))["watched"]
        ids = pool.submit([{"n": n} for n in range(5)], run="r")
        held = {record.id: record for record in (taken(pool) for _ in ids)}
        database.command("profile", 2)  # the server notes what it is asked
        stack.callback(database.command, "profile", 0)

        def asked(word: str) -> int:
            noted = database["system.profile"].find({"op": "query", "ns": "watched.waiting"})
            return sum(word in str(each["command"]["filter"]) for each in noted)

        watch = stack.enter_context(closing(RunWatch(pool, "r", patience=MINUTE)))
        threads = stack.enter_context(ThreadPoolExecutor(5))
        waiting = {each: threads.submit(waited_for, pool, each, watch, trainers, stop) for each in ids}
        stack.callback(stop.set)
        wait_until(lambda: all(asked(each) for each in ids))
        looks = asked("'runs': 'r'")
        wait_until(lambda: asked("'runs': 'r'") > looks + 10)
        assert [asked(each) for each in ids] == [1] * 5
        first, *others = ids
        pool.complete(held[first], {"IC": 0.1})
        assert waiting[first].result(60).result == {"IC": 0.1}
        assert [asked(each) for each in ids] == [2, 1, 1, 1, 1]
        stop.set()
        for each in others:
            with pytest.raises(Interrupted):
                waiting[each].result(60)


def test_what_nobody_can_run_is_not_waited_for(pool: TaskPool, trainers: Trainers, stop: threading.Event) -> None:
    (task_id,) = pool.submit([{"n": 1}], run="r")
    record = taken(pool)
    pool.heartbeat(record, LeftBehind("/data is not there", "there:7").to_document())
    pool.release(record)
    with closing(RunWatch(pool, "r", patience=timedelta(0))) as watch:
        reason = r"no worker can run it: /data is not there \(says there:7\); start one that can"
        with pytest.raises(NobodyCanRun, match=reason):
            waited_for(pool, task_id, watch, trainers, stop)
    assert pool.counts() == {TaskStatus.WAITING: 1}


def test_who_waits_for_a_task_that_is_removed_is_told_so(
    pool: TaskPool, trainers: Trainers, stop: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.execution.run_watch._ALL", 3)
    (task_id,) = pool.submit([{"n": 1}], run="r")
    taken(pool)
    with closing(RunWatch(pool, "r", patience=MINUTE)) as watch, ThreadPoolExecutor(1) as threads:
        begun = threading.Event()
        waiting = threads.submit(waited_for, pool, task_id, watch, trainers, stop, begun)
        assert begun.wait(60)
        pool.remove(ids=[task_id])
        with pytest.raises(TaskMissing, match=f"has no task {task_id}"):
            waiting.result(60)
