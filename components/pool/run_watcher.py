"""Watching the tasks of a run: one thread looks at the pool for all who ask in this process."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Self

from components.errors import RollflowError
from components.pool.errors import PoolRefused, TaskMissing
from components.pool.pool import TaskPool
from components.pool.record import TaskSummary

log = logging.getLogger(__name__)

#: A write gets the time at which its command reached the server and may be seen later than one that came after it.
_OVERLAP = timedelta(seconds=10)


class RunWatcher:
    """How the tasks of a run stand, as of a moment ago, for as long as the ``with`` block lasts.

    A look fetches what has changed since the last one, and reaps, so that lost tasks are taken back while everybody
    waits. However many nodes and progress bars ask, the pool is asked once.
    """

    def __init__(
        self,
        pool: TaskPool,
        run: str,
        *,
        poll: timedelta = timedelta(seconds=0.5),
        refresh: timedelta = timedelta(seconds=30),
    ) -> None:
        """Watch the tasks that were submitted with this `run`.

        Args:
            pool: where they are.
            run: the name of the run.
            poll: pause between two looks.
            refresh: time after which everything is fetched anew, which notices removed tasks.

        """
        self._pool = pool
        self._run = run
        self._poll = poll.total_seconds()
        self._refresh = refresh.total_seconds()
        self._tasks: Mapping[str, TaskSummary] = {}
        self._error: RollflowError | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"watch-{run[:20]}", daemon=True)

    def __enter__(self) -> Self:
        self._look(everything=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(self._poll)  # in an outage it may be waiting for MongoDB; it is a daemon, let it

    @property
    def tasks(self) -> Mapping[str, TaskSummary]:
        """All tasks of the run by their ids.

        Raises:
            PoolUnavailable, PoolRefused, RecordBroken: when the last look failed.

        """
        if self._error is not None:
            raise self._error
        return self._tasks

    def get(self, task_id: str) -> TaskSummary:
        """How a task stands.

        Raises:
            TaskMissing: when it is no task of this run, or has been removed.
            PoolUnavailable, PoolRefused, RecordBroken: when the last look failed.

        """
        try:
            return self.tasks[task_id]
        except KeyError:
            raise TaskMissing(f"run {self._run!r} of pool {self._pool.name!r} has no task {task_id}") from None

    def _watch(self) -> None:
        refreshed = time.monotonic()
        while not self._ended.wait(self._poll):
            everything = time.monotonic() - refreshed >= self._refresh
            try:
                self._look(everything=everything)
                self._error = None
            except RollflowError as error:  # whoever asks is told; the next look may succeed
                log.warning("no look at run %s: %s", self._run, error)
                self._error = error
                continue
            if everything:
                refreshed = time.monotonic()

    def _look(self, *, everything: bool) -> None:
        with suppress(PoolRefused):  # whoever may only read can watch all the same: others reap, too
            self._pool.reap()
        latest = max((task.updated_at for task in self._tasks.values()), default=None)
        since = None if everything or latest is None else latest - _OVERLAP
        changed = {task.id: task for task in self._pool.summaries(run=self._run, since=since)}
        self._tasks = changed if since is None else {**self._tasks, **changed}
