"""Workers, submitters and servers that are killed while thousands of tasks are done; then every task is looked at.

A longer run by hand: ``python tests/chaos.py --seed 7 --minutes 10``
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count, product
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from unittest.mock import patch

import chaos_worker
from chaos_check import Journal, check
from chaos_worker import LEASE, OPERATIONS, Boundary, Post
from mongods import Mongod, ReplicaSet, running

from components.pool import TaskStatus

BOUNDARIES = tuple(Boundary(operation, side) for operation, side in product(OPERATIONS, ("before", "after")))


@dataclass
class Report:
    """What was done to the processes, and what became of the tasks."""

    seconds: float = 0.0
    #: Processes that killed themselves at a write, or were killed by their task.
    deaths: Counter[str] = field(default_factory=Counter)
    #: Workers that were killed at any moment, and that were stopped beyond their lease.
    killed: int = 0
    stopped: int = 0
    #: Servers that were killed and started again.
    servers: int = 0
    #: Writes that were refused because the task was no longer held.
    refused: int = 0
    #: Claims that a killed server had no memory of.
    forgotten: int = 0
    tasks: Counter[TaskStatus] = field(default_factory=Counter)

    def __add__(self, other: Report) -> Report:
        return Report(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    def __str__(self) -> str:
        tasks = ", ".join(f"{number} {status}" for status, number in sorted(self.tasks.items()))
        writes = self.deaths.total() - self.deaths["of its task"]
        return (
            f"{self.seconds:.0f} s: {self.tasks.total()} tasks ({tasks}); killed: {writes} processes at a write, "
            f"{self.deaths['of its task']} by their task, {self.killed} at random, {self.servers} servers; "
            f"{self.stopped} stopped beyond their lease, {self.refused} late writes refused, "
            f"{self.forgotten} claims forgotten by their server"
        )


class Round:
    """One pool of tasks, from its first submission to its last result."""

    def __init__(
        self, server: Mongod | ReplicaSet, folder: Path, *, seed: int, tasks: int, servers: int, workers: int = 8
    ) -> None:
        """Plan a round.

        Args:
            server: what the pool is on.
            folder: where the processes keep their journal.
            seed: of the tasks, and of who dies when.
            tasks: how many there are.
            servers: how often a server is killed.
            workers: how many work at a time.

        """
        self.report = Report()
        self._server = server
        self._post = Post(server.url, f"round_{seed}", seed, tasks, folder / f"journal_{seed}")
        self._journal = Journal(self._post.journal)
        self._chance = random.Random(seed)
        self._context = _nursery()
        self._lives = count(1)
        self._workers: list[ForkServerProcess | None] = [None] * workers
        self._submitter: ForkServerProcess | None = None
        self._killed: set[int] = set()
        self._mending = threading.Thread()
        # Blows fall after so many completions, so that a slow machine gets no more of them than a quick one.
        self._blows = [(self._chance.randrange(tasks), self._strike) for _ in range(tasks // 25)]
        self._blows += [(tasks * number // servers, self._strike_server) for number in range(servers)]
        self._blows.sort(key=lambda blow: -blow[0])

    def run(self, limit: float) -> None:
        """Until every task is finished, at most `limit` seconds; then look at each of them."""
        begin = time.monotonic()
        try:
            while not self._staffed():
                assert time.monotonic() < begin + limit, f"not finished: {self.report}"
                finished = self._journal.read().verbs["acknowledged"]
                while self._blows and self._blows[-1][0] <= finished:
                    self._blows.pop()[1]()
                time.sleep(0.02)
        finally:
            for process in (self._submitter, *self._workers):
                if process is not None:
                    process.kill()
            if self._mending.is_alive():
                self._mending.join()
        self.report.seconds = time.monotonic() - begin
        self._check()

    def _check(self) -> None:
        with self._post.open() as pool:
            records = {record.id: record for record in pool.find()}
        journal = self._journal.read()
        journal.close()
        self.report.deaths = journal.deaths()
        self.report.refused = journal.verbs["refused"]
        self.report.tasks = Counter(record.status for record in records.values())
        kept = {event.claim for record in records.values() for event in record.history}
        self.report.forgotten = len(journal.claims() - kept)
        check(records, journal, self._killed, self._post)

    def _staffed(self) -> bool:
        """Replace the dead; whether all have gone home because nothing is left to do."""
        if self._submitter is None or self._submitter.exitcode not in (None, 0):
            self._submitter = self._begin(self._submitter, chaos_worker.submit, "submit")
        for slot, worker in enumerate(self._workers):
            if worker is None or worker.exitcode not in (None, 0):
                self._workers[slot] = self._begin(worker, chaos_worker.work, *OPERATIONS[1:])
        return all(process is not None and process.exitcode == 0 for process in (self._submitter, *self._workers))

    def _begin(
        self, before: ForkServerProcess | None, life: Callable[..., None], *operations: str
    ) -> ForkServerProcess:
        if before is not None:
            assert before.exitcode == -signal.SIGKILL, f"a process ended by itself: {before.exitcode}"
            self._killed.add(before.pid or 0)
        arguments = (self._post, self._boundary(operations), next(self._lives))
        process = self._context.Process(target=life, args=arguments, daemon=True)
        process.start()
        return process

    def _boundary(self, operations: tuple[str, ...]) -> Boundary | None:
        """One at which nobody has died yet; when there is none left, one that comes late or never."""
        died = self._journal.read().deaths()
        mine = [boundary for boundary in BOUNDARIES if boundary.operation in operations]
        new = [boundary for boundary in mine if not died[str(boundary)]]
        if new:
            return self._chance.choice(new)
        chosen = self._chance.choice(mine)
        return Boundary(chosen.operation, chosen.side, self._chance.randint(1, 50))

    def _strike(self) -> None:
        """Kill a worker wherever it is, or stop it for longer than its lease."""
        worker = self._chance.choice(self._workers)
        if worker is None or not worker.is_alive() or worker.pid is None:
            return
        if self._chance.random() < 0.7:
            worker.kill()
            self.report.killed += 1
            return
        os.kill(worker.pid, signal.SIGSTOP)
        self.report.stopped += 1
        pause = threading.Timer(LEASE.total_seconds() * 1.5, _continue, args=(worker.pid,))
        pause.daemon = True
        pause.start()

    def _strike_server(self) -> None:
        if self._mending.is_alive():
            self._mending.join()
        self._mending = threading.Thread(target=self._restart_server, args=(self._chance.uniform(0, 1),))
        self._mending.start()

    def _restart_server(self, pause: float) -> None:
        victim = self._server.primary() if isinstance(self._server, ReplicaSet) else self._server
        victim.kill()
        self.report.servers += 1
        time.sleep(pause)
        self._server.start()


def _nursery() -> ForkServerContext:
    """Where a process begins in some milliseconds: it is forked from one that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["chaos"])
    with patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):  # by nothing else it finds modules
        forkserver.ensure_running()
    return context


def _continue(pid: int) -> None:
    with suppress(ProcessLookupError):  # killed while it was stopped
        os.kill(pid, signal.SIGCONT)


def main() -> None:
    """Round after round, on a server alone and on a replica set in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--tasks", type=int, default=2000, help="in each round")
    options = parser.parse_args()
    give_up = time.monotonic() + 60 * options.minutes
    total = Report()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        home = Path(folder)
        with running(Mongod(home / "alone")) as alone, running(ReplicaSet(home / "set")) as replicas:
            for number in count():
                server = replicas if number % 2 else alone
                trial = Round(
                    server,
                    home,
                    seed=options.seed + number,
                    tasks=options.tasks,
                    servers=8,
                    workers=options.workers,
                )
                trial.run(limit=300)
                total += trial.report
                sys.stdout.write(f"seed {options.seed + number}, {type(server).__name__}, {trial.report}\n")
                sys.stdout.flush()
                if time.monotonic() > give_up:
                    break
    sys.stdout.write(f"all, {total}\n")


if __name__ == "__main__":
    main()
