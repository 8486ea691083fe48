"""Keeping a task claimed while it is worked on."""

from __future__ import annotations

import logging
import threading
import time
from typing import Self

from components.errors import RollflowError
from components.pool.encoding import decode, encode
from components.pool.errors import LeaseLost
from components.pool.pool import TaskPool
from components.pool.record import TaskRecord
from components.tasks import Json

log = logging.getLogger(__name__)

#: Progress is written at most this often, in seconds, however often it is reported.
_PROGRESS_PAUSE = 1.0
_PER_LEASE = 3
_STOP_LIMIT = 5.0


class Heartbeat:
    """A thread that sends heartbeats for a task, three in each lease, as long as the ``with`` block lasts.

    It retries through outages of MongoDB until the block ends; whether somebody else got the task meanwhile shows
    at the first heartbeat that arrives.
    """

    def __init__(self, pool: TaskPool, record: TaskRecord) -> None:
        """Send heartbeats for a task that `pool` has claimed."""
        self._pool = pool
        self._record = record
        self._interval = pool.lease.total_seconds() / _PER_LEASE
        self._progress: Json = None
        self._wake = threading.Condition()
        self._stopped = False
        #: Set once the task is someone else's: the training may stop, its result will be refused.
        self.lost = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"heartbeat-{record.id[:8]}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._wake:
            self._stopped = True
            self._wake.notify()
        self._thread.join(_STOP_LIMIT)  # in an outage it may be waiting for MongoDB; it is a daemon, let it

    def report(self, progress: Json) -> None:
        """Queue a progress update (any JSON value), sent with a heartbeat soon. Never waits for MongoDB.

        Raises:
            InputError: when it is not JSON, or too large.

        """
        copy = decode(encode(progress, "progress"))  # the caller may go on changing its own
        with self._wake:
            self._progress = copy
            self._wake.notify()

    def _run(self) -> None:
        sent = time.monotonic()  # the claim was the first one
        while (progress := self._next(sent)) is not _STOP:
            sent = time.monotonic()
            try:
                self._pool.heartbeat(self._record, progress)
            except LeaseLost as error:
                log.warning("%s", error)
                self.lost.set()
                return
            except RollflowError as error:
                log.warning("no heartbeat for task %s: %s", self._record.id, error)

    def _next(self, sent: float) -> Json:
        """Wait until a heartbeat is due, sooner if there is progress to send; the progress."""
        with self._wake:
            while not self._stopped:
                passed = time.monotonic() - sent
                pause = self._interval if self._progress is None else min(_PROGRESS_PAUSE, self._interval)
                if passed >= pause:
                    progress, self._progress = self._progress, None
                    return progress
                self._wake.wait(pause - passed)
        return _STOP


_STOP = object()
