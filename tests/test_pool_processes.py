"""Real processes on one pool: together, killed by their task, and stopped beyond their lease."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from components.pool import RetryPolicy, TaskPool, TaskStatus

pytestmark = pytest.mark.acceptance

PROLOGUE = """
import os, sys, time
from datetime import timedelta
from components.pool import LeaseLost, RetryPolicy, TaskPool
pool = TaskPool(sys.argv[1], "tests", sys.argv[2], lease=timedelta(seconds=0.4), retry=RetryPolicy(max_attempts=3))
me = f"host:{os.getpid()}"
"""
SUBMIT = "print(len(set(pool.submit({'n': n} for n in range(500)))))"
HANG = """
record = pool.claim(me)
print(record.id, flush=True)
sys.stdin.readline()
try:
    pool.complete(record, "late")
except LeaseLost as error:
    print("lost", flush=True)
"""


def start(url: str, pool: TaskPool, script: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROLOGUE + script, url, pool.name, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def finish(processes: list[subprocess.Popen[str]]) -> list[str]:
    outputs = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return outputs


def eventually(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.02)


def test_eight_processes_submit_the_same_at_once(pool: TaskPool, mongo_url: str) -> None:
    outputs = finish([start(mongo_url, pool, SUBMIT) for _ in range(8)])
    assert outputs == ["500"] * 8
    assert pool.counts() == {TaskStatus.WAITING: 500}
    assert {index["name"] for index in pool._collection.documents.list_indexes()} == {
        "_id_",
        "claim_id_1",
        "lease_until_1",
        "order_1",
        "runs_1_status_1_updated_at_1",
        "status_1_priority_-1_order_1_not_before_1",
    }


def test_a_task_that_kills_its_worker_ends_in_the_dead_letter(pool: TaskPool, mongo_url: str) -> None:
    pool.retry = RetryPolicy(max_attempts=3)
    (task_id,) = pool.submit([{"n": 1}])
    for _ in range(3):
        eventually(lambda: pool.reap() != [] or pool.counts()[TaskStatus.WAITING] == 1)
        worker = start(mongo_url, pool, "pool.claim(me); os.kill(os.getpid(), 9)")
        worker.communicate(timeout=20)
        assert worker.returncode == -signal.SIGKILL
    eventually(lambda: pool.reap() == [task_id])
    dead = pool.get(task_id)
    assert (dead.status, [error.reason for error in dead.errors]) == (TaskStatus.FAILED, ["lost"] * 3)


def test_a_worker_stopped_beyond_its_lease_is_refused(pool: TaskPool, mongo_url: str) -> None:
    pool.lease = timedelta(seconds=60)
    (task_id,) = pool.submit([{"n": 1}])
    stopped = start(mongo_url, pool, HANG)
    assert stopped.stdout is not None
    assert stopped.stdout.readline().strip() == task_id
    os.kill(stopped.pid, signal.SIGSTOP)
    eventually(lambda: pool.reap() == [task_id])
    successor = pool.claim("host:2")
    assert successor is not None
    os.kill(stopped.pid, signal.SIGCONT)
    assert stopped.communicate("\n", timeout=20)[0].strip() == "lost"
    pool.complete(successor, "right")
    assert (pool.get(task_id).result, pool.get(task_id).token) == ("right", 2)
