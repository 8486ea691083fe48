"""Training in child processes: their memory is released, limits hold, and what kills them kills nobody else."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Self

from components.execution.attempt import Interrupted, Train
from components.execution.subprocess_handle import ChildProcess
from components.execution.subprocess_main import Kind
from components.execution.supervisor import Limits, MemoryExceeded, ProcessDied, TimeExceeded
from components.execution.time_limit import time_limit
from components.pool import TaskRecord
from components.progress import Progress, ProgressReport
from components.tasks import Json

log = logging.getLogger(__name__)

#: Seconds between two looks at a child, and between two signs of life of one that reports nothing.
_LOOK, _SIGN = 0.05, 5.0


def _nothing(_record: TaskRecord, _error: Exception) -> None:
    """Nobody cleans up after a child that was killed."""


@dataclass
class IsolatedTrainer:
    """Trains each task in a child process of its own. One spare child is always ready, its imports done.

    Children are new processes, not forks: LightGBM's threads do not survive a fork.
    """

    #: Makes what trains; called in each child, so it must be picklable.
    make: Callable[[], Train]
    #: Ends the training in hand.
    stop: threading.Event
    #: Of every task; where a task has a shorter time limit of its own, that counts.
    limits: Limits = field(default_factory=Limits)
    #: Called with the task and the error when its child was killed or died.
    on_death: Callable[[TaskRecord, Exception], None] = _nothing
    _spare: ChildProcess | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __enter__(self) -> Self:
        self._spare = ChildProcess(self.make)
        return self

    def __exit__(self, *_: object) -> None:
        if self._spare:
            self._spare.kill()

    def __call__(self, record: TaskRecord, progress: Progress) -> Json:
        """Train a task.

        Raises:
            ProcessDied: when the child was killed, or crashed.
            MemoryExceeded, TimeExceeded: when a limit was passed.
            Exception: whatever the training raises.
        """
        worker = self._take()
        try:
            return self._follow(worker, record, progress)
        except (ProcessDied, MemoryExceeded, TimeExceeded) as error:
            worker.kill()
            self._clean_up(record, error)
            raise
        except BaseException:
            worker.stop()
            raise
        finally:
            worker.end()

    def _take(self) -> ChildProcess:
        with self._lock:
            spare, self._spare = self._spare, ChildProcess(self.make)
        if spare and spare.alive:
            return spare
        if spare:
            spare.kill()
        return ChildProcess(self.make)

    def _follow(self, worker: ChildProcess, record: TaskRecord, progress: Progress) -> Json:
        worker.send(record)
        limits = self.limits.within(time_limit(record))
        last = ProgressReport()
        reported = time.monotonic()
        while True:
            message = worker.receive(_LOOK)
            now = time.monotonic()
            if self.stop.is_set():
                raise Interrupted
            if message is not None:
                if message.kind is Kind.RESULT:
                    return message.content
                if message.kind is Kind.ERROR:
                    raise message.content.rebuilt()
                if message.kind is Kind.BEGUN:
                    worker.begin()
                if message.kind is Kind.PROGRESS:
                    last, reported = message.content, -inf
            if now - reported >= _SIGN:
                progress(last)  # raises when the task has become somebody else's
                reported = now
            worker.check(limits)

    def _clean_up(self, record: TaskRecord, error: Exception) -> None:
        try:
            self.on_death(record, error)
        except Exception:
            log.warning("task %s: what its training had open was not closed", record.id, exc_info=True)
