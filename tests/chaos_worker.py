"""The processes that the chaos suite kills: workers of a pool, and the one that submits its tasks.

Their deaths at a write come from the driver's monitoring: the pool itself knows nothing of them.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pymongo import monitoring

from components.errors import InputError
from components.pool import LeaseLost, PoolUnreachable, RetryPolicy, TaskPool, TaskRecord, TaskStatus

LEASE = timedelta(seconds=1)
ATTEMPTS = 4
#: What a task does, and how many of a hundred do it.
KINDS = {"plain": 80, "two phases": 8, "flaky": 5, "released": 3, "slow": 2, "hopeless": 1.5, "deadly": 0.5}
OPERATIONS = ("submit", "claim", "beat", "part_done", "complete", "fail", "release", "reap")
_WRITES = ("insert", "findAndModify", "update")
_CHUNK = 100


@dataclass(frozen=True)
class Post:
    """Where a process works."""

    url: str
    pool: str
    seed: int
    tasks: int
    #: Where it tells what it does, one line each; a line is written at once or not at all.
    journal: Path

    def open(self) -> TaskPool:
        retry = RetryPolicy(max_attempts=ATTEMPTS, base_delay=timedelta(milliseconds=50))
        while True:
            try:
                return TaskPool(self.url, "chaos", self.pool, lease=LEASE, retry=retry)
            except PoolUnreachable:  # born in an outage
                continue

    def definition(self, number: int) -> dict[str, Any]:
        chance = random.Random(f"{self.seed} {number}")
        (kind,) = chance.choices(list(KINDS), list(KINDS.values()))
        return {"seed": self.seed, "number": number, "kind": kind}


@dataclass(frozen=True)
class Boundary:
    """A moment at which a process kills itself: before or after one of its writes."""

    operation: str
    #: ``before`` the write is sent, or ``after`` the server has answered, which the process does not hear.
    side: str
    #: Of how many of these writes it is the last.
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.side} {self.operation}"


class Process:
    """What it does at the moment, its journal, and its death."""

    def __init__(self, post: Post, boundary: Boundary | None) -> None:
        self.operation = ""
        self._boundary = boundary
        self._passed = 0
        self._journal = os.open(post.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        monitoring.register(_Listener(self))

    @contextmanager
    def doing(self, operation: str) -> Iterator[None]:
        """The operation to which the writes in the block belong."""
        self.operation = operation
        yield
        self.operation = ""

    def say(self, *words: object) -> None:
        line = "\t".join(map(str, (os.getpid(), *words))) + "\n"
        os.write(self._journal, line.encode())

    def at(self, side: str, command: str) -> None:
        """Die, if this is the moment."""
        # A claim that finds nothing reaps: its updates are those of a reaper.
        operation = "reap" if (self.operation, command) == ("claim", "update") else self.operation
        wanted = self._boundary
        if command not in _WRITES or wanted is None or (operation, side) != (wanted.operation, wanted.side):
            return
        self._passed += 1
        if self._passed == wanted.nth:
            self.say("died", wanted)
            os.kill(os.getpid(), signal.SIGKILL)


class _Listener(monitoring.CommandListener):
    def __init__(self, process: Process) -> None:
        self._process = process

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self._process.at("before", event.command_name)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        self._process.at("after", event.command_name)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


def submit(post: Post, boundary: Boundary | None, life: int) -> None:
    """Submit all tasks, in parts; what is there already stays as it is."""
    process = Process(post, boundary)
    with post.open() as pool, process.doing("submit"):
        for start in range(0, post.tasks, _CHUNK):
            pool.submit(post.definition(task) for task in range(start, min(start + _CHUNK, post.tasks)))
            time.sleep(0.02)
    process.say("submitted")


def work(post: Post, boundary: Boundary | None, life: int) -> None:
    """Take tasks until all are finished."""
    process = Process(post, boundary)
    chance = random.Random(f"{post.seed} {life}")
    with post.open() as pool:
        worker = _Worker(pool, process, chance)
        while True:
            if chance.random() < 0.1:
                with process.doing("reap"):
                    pool.reap()
            if worker.take():
                continue
            counts = pool.counts()
            if counts[TaskStatus.DONE] + counts[TaskStatus.FAILED] == post.tasks:
                return
            time.sleep(0.05)


class _Worker:
    def __init__(self, pool: TaskPool, process: Process, chance: random.Random) -> None:
        self._pool = pool
        self._process = process
        self._chance = chance

    def take(self) -> bool:
        """Do one task, if there is one."""
        statuses = [TaskStatus.WAITING, TaskStatus.PART_DONE]
        self._chance.shuffle(statuses)
        for status in statuses:
            with self._process.doing("claim"):
                record = self._pool.claim(f"host:{os.getpid()}", status=status)
            if record is not None:
                self._process.say("claimed", record.id, record.claim_id)
                try:
                    self._do(record)
                except LeaseLost:
                    self._process.say("refused", record.id, record.claim_id)
                return True
        return False

    def _do(self, record: TaskRecord) -> None:
        kind = record.definition["kind"]
        time.sleep(self._chance.uniform(0, 0.005))
        if kind == "deadly":
            self._process.say("died", "of its task")
            os.kill(os.getpid(), signal.SIGKILL)
        for _ in range(6 if kind == "slow" else self._chance.random() < 0.3):
            with self._process.doing("beat"):
                self._pool.heartbeat(record, {"pid": os.getpid()})
            time.sleep(0.3 if kind == "slow" else 0)
        if kind == "hopeless":
            self._fail(record, InputError("never"))
        elif kind == "flaky" and self._chance.random() < 0.6:
            self._fail(record, ValueError("by chance"))
        elif kind == "released" and self._chance.random() < 0.6:
            with self._process.doing("release"):
                self._pool.release(record)
        elif kind == "two phases" and record.claimed_from is TaskStatus.WAITING:
            self._complete(record, TaskStatus.PART_DONE)
        else:
            self._complete(record, TaskStatus.DONE)

    def _fail(self, record: TaskRecord, error: Exception) -> None:
        with self._process.doing("fail"):
            self._pool.fail(record, error)

    def _complete(self, record: TaskRecord, status: TaskStatus) -> None:
        self._process.say("tries", record.id, record.claim_id, status)
        with self._process.doing("complete" if status is TaskStatus.DONE else "part_done"):
            self._pool.complete(record, {"claim": record.claim_id}, status=status)
        self._process.say("acknowledged", record.id, record.claim_id, status)
