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
_BEATS_PER_LEASE = 3
_STOP_LIMIT = 5.0


class Heartbeat:
    """A thread that beats for a task, three times a lease, as long as the ``with`` block lasts.

    An outage of MongoDB is borne: the thread tries again until the block ends, and whether the task was meanwhile
    given to somebody else shows at the first beat that comes through.
    """

    def __init__(self, pool: TaskPool, record: TaskRecord) -> None:
        """Beat for a task that `pool` has claimed."""
        self._pool = pool
        self._record = record
        self._interval = pool.lease.total_seconds() / _BEATS_PER_LEASE
        self._progress: Json = None
        self._wake = threading.Condition()
        self._stopped = False
        #: Set once the task is someone else's: whoever trains may stop, the result will be refused.
        self.lost = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"beat-{record.id[:8]}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._wake:
            self._stopped = True
            self._wake.notify()
        self._thread.join(_STOP_LIMIT)  # in an outage it may be waiting for MongoDB; it is a daemon, let it

    def report(self, progress: Json) -> None:
        """Leave word of the progress (any JSON value); it goes out with a beat soon. Never waits for MongoDB.

        Raises:
            InputError: when it is no JSON or too large.

        """
        copy = decode(encode(progress, "progress"))  # the caller may go on changing its own
        with self._wake:
            self._progress = copy
            self._wake.notify()

    def _run(self) -> None:
        beaten = time.monotonic()  # the claim was the first beat
        while (progress := self._next(beaten)) is not _STOP:
            beaten = time.monotonic()
            try:
                self._pool.heartbeat(self._record, progress)
            except LeaseLost as error:
                log.warning("%s", error)
                self.lost.set()
                return
            except RollflowError as error:
                log.warning("no beat for task %s: %s", self._record.id, error)

    def _next(self, beaten: float) -> Json:
        """Wait until the next beat is due, or there is news and the last beat is not too fresh; the news."""
        with self._wake:
            while not self._stopped:
                passed = time.monotonic() - beaten
                pause = self._interval if self._progress is None else min(_PROGRESS_PAUSE, self._interval)
                if passed >= pause:
                    progress, self._progress = self._progress, None
                    return progress
                self._wake.wait(pause - passed)
        return _STOP


_STOP = object()
