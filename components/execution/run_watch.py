"""Watching the tasks of a run: one thread of a process reads the pool for all that wait there, or look on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

from components.errors import RollflowError
from components.execution.left import LeftBehind
from components.pool import PoolRefused, TaskPool, TaskRecord, TaskStatus, TaskSummary

log = logging.getLogger(__name__)

#: Seconds between two looks at the pool.
_POLL = 1.0
#: What was written just before a look may only be seen by the next one.
_OVERLAP = timedelta(seconds=5)
#: Every so many looks all tasks are read, for those that were removed are in no list of changes.
_ALL = 30


class NobodyCanRun(RollflowError):
    """Workers have said that they cannot run what is left of a run, and nobody else has come."""


class RunWatch:
    """How the tasks of a run stand, as a thread reads it: all of them at first, then those that have changed.

    Args:
        pool: Where the tasks are.
        run: The name under which they were submitted.
        patience: Once a worker has said that it cannot run a task: how long nobody may hold any of them.
    """

    def __init__(self, pool: TaskPool, run: str, *, patience: timedelta) -> None:
        self._pool = pool
        self._run = run
        self._patience = patience.total_seconds()
        self._tasks: dict[str, TaskSummary] = {}
        self._looks = 0
        self._idle_since = time.monotonic()
        self._looked = threading.Condition()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="run-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join()

    @property
    def tasks(self) -> Mapping[str, TaskSummary]:
        """The tasks as the last look found them, by id; none before the first one."""
        with self._looked:
            return dict(self._tasks)

    def await_change(self, record: TaskRecord, stop: threading.Event) -> None:
        """Wait until a task has another state or holder than in a record, or `stop` is set.

        Raises:
            NobodyCanRun: when nobody can run what is left of the run.
        """
        with self._looked:
            looks = self._looks
            while not stop.is_set():
                self._looked.wait(_POLL)
                if self._looks == looks:
                    continue
                task = self._tasks.get(record.id)
                if task is None or (task.status, task.token) != (record.status, record.token):
                    return
                if reason := self._stuck():
                    raise NobodyCanRun(
                        f"no worker can run it: {reason}; start one that can, and this command again"
                    )

    def look(self) -> None:
        """Read how the tasks stand now."""
        known = {} if self._looks % _ALL == 0 else dict(self._tasks)
        newest = max((task.updated_at for task in known.values()), default=None)
        changed = self._pool.summaries(run=self._run, since=newest and newest - _OVERLAP)
        known.update((task.id, task) for task in changed)
        with self._looked:
            if any(task.status is TaskStatus.RUNNING for task in known.values()):
                self._idle_since = time.monotonic()
            self._tasks = known
            self._looks += 1
            self._looked.notify_all()

    def _watch(self) -> None:
        while not self._ended.wait(_POLL if self._looks else 0):
            try:
                with suppress(PoolRefused):  # whoever may only read leaves it to others
                    self._pool.reap()
                self.look()
            except RollflowError as error:  # who works meets the same trouble, and says so
                log.debug("run %s: %s", self._run, error)
                self._ended.wait(_POLL)

    def _stuck(self) -> LeftBehind | None:
        """Why nobody can run what is left, as the last worker said that has looked at it."""
        if time.monotonic() - self._idle_since < self._patience:
            return None
        left = [task for task in self._tasks.values() if not task.status.is_finished]
        said = ((task.updated_at, LeftBehind.from_document(task.progress)) for task in left)
        return max(((at, each) for at, each in said if each), default=(None, None), key=lambda found: found[0])[1]
