"""The task pool: who may do what to a task, and when."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any

from components.errors import InputError
from components.pool import updates
from components.pool.attempt import failure
from components.pool.encoding import encode
from components.pool.errors import LeaseLost, PoolRefused, RecordBroken, TaskLost
from components.pool.fencing import FencedPool, fence
from components.pool.reader import Counts, Query
from components.pool.record import TaskRecord
from components.pool.retry import RetryPolicy
from components.pool.status import TaskStatus
from components.tasks import Json

log = logging.getLogger(__name__)


class TaskPool(FencedPool):
    """Tasks in a MongoDB collection, each trained once although workers die, hang and race.

    Who may change a task, and when:

    - Anybody may *submit*. The id is the hash of the definition, so submitting twice is the same as once.
    - Anybody may *claim* a task that is waiting (or part_done, for its second phase) and does not rest after a
      failure. The claim is one atomic step: of any number of claimants one gets the task. It becomes the *holder*
      and gets a lease and a token one higher than every earlier holder's. The claim counts as an attempt.
    - While the task is running, only its holder may *heartbeat* (which renews the lease), *complete*, *fail* or
      *release* it. Each of these names the claim; if the task has another holder by now, or none, nothing is
      written and the caller gets `LeaseLost`.
    - Once a lease has run out, anybody may *reap* the task: the attempt counts as lost, and the task goes back, or
      to the dead letter when its attempts are used up. Until somebody has, the late holder may still write. `claim`
      reaps by itself when it finds nothing else to do, and `wait` at every look: no command has to be run for it.
    - A person may prioritise, reset, cancel or remove tasks at any time.

    All times are the server's. Methods may be called from many threads; after a fork, make a new pool.
    """

    def __init__(
        self,
        url: str,
        database: str = "rollflow",
        name: str = "rolling",
        *,
        lease: timedelta = timedelta(seconds=60),
        retry: RetryPolicy | None = None,
        patience: timedelta = timedelta(seconds=30),
    ) -> None:
        """Connect to the pool `name` of a database; it comes into being with its first task.

        Args:
            url: address of MongoDB (``mongodb://...``).
            database: name of the database.
            name: name of the pool, a collection of the database.
            lease: how long a claim holds without a sign of life.
            retry: what happens after a failed attempt.
            patience: how long an outage of MongoDB is waited for.

        Raises:
            PoolUnreachable: when MongoDB does not answer or the password is wrong.

        """
        if lease <= timedelta(0):
            raise InputError(f"lease is {lease}; give more than zero")
        super().__init__(url, database, name, patience=patience)
        self.lease = lease
        self.retry = retry or RetryPolicy()
        # Spreads retries; nothing secret hangs on it.
        self._random = random.Random()  # noqa: S311
        #: Lost tasks of which somebody has been told that they cannot be read.
        self._unreadable: set[Any] = set()

    def claim(
        self,
        owner: str,
        *,
        ids: Iterable[str] | None = None,
        query: Query | None = None,
        status: TaskStatus = TaskStatus.WAITING,
    ) -> TaskRecord | None:
        """Take the task of highest priority, the oldest of these; None when there is none to be had now.

        Args:
            owner: who works on it, by custom ``host:pid``.
            ids: choose among these tasks only.
            query: choose among the tasks that this MongoDB filter finds.
            status: waiting, or part_done for the second phase.

        """
        if not status.is_claimable:
            raise InputError(f"a task that is {status} cannot be claimed; waiting and part_done ones can")
        chosen = None if ids is None else list(ids)
        record = self._claim(owner, chosen, query, status, self.lease)
        if record is None and self.reap():
            record = self._claim(owner, chosen, query, status, self.lease)
        return record

    @contextmanager
    def claimed(
        self,
        owner: str,
        *,
        ids: Iterable[str] | None = None,
        query: Query | None = None,
        status: TaskStatus = TaskStatus.WAITING,
    ) -> Iterator[TaskRecord | None]:
        """`claim` for a ``with`` block, whose body completes the task.

        An error in the body fails the task; an interrupt (Ctrl-C, a cancellation) gives it back. Both go on.
        """
        record = self.claim(owner, ids=ids, query=query, status=status)
        try:
            yield record
        except LeaseLost:
            raise
        except Exception as error:
            if record is not None:
                self.fail(record, error)
            raise
        except BaseException:
            if record is not None:
                self.release(record)
            raise

    def heartbeat(self, record: TaskRecord, progress: Json = None) -> None:
        """Renew the lease, and report progress (any JSON value; None leaves the last one).

        Raises:
            LeaseLost: when it is someone else's by now.

        """
        stored = None if progress is None else encode(progress, "progress")
        self._write(record, updates.beat(self.lease, stored), None)

    def complete(self, record: TaskRecord, result: Json = None, *, status: TaskStatus = TaskStatus.DONE) -> None:
        """Finish the task, or with `status` part_done its first phase, leaving a result (any JSON value).

        Raises:
            LeaseLost: when it is someone else's by now; nothing is written.
            InputError: when the result is too large or no JSON; the task is still held.

        """
        if status not in (TaskStatus.DONE, TaskStatus.PART_DONE):
            raise InputError(f"complete: a task is completed as done or part_done, not as {status}")
        self._write(record, updates.complete(status, encode(result, "the result")), status)

    def fail(self, record: TaskRecord, error: BaseException) -> TaskStatus:
        """End the attempt with an error, which is kept.

        Returns:
            The state the task got: where it was claimed from, to be tried again after a rest; or failed.

        Raises:
            LeaseLost: when it is someone else's by now.

        """
        update, status = failure(record, error, self.retry, self._random.random())
        self._write(record, update, status)
        return status

    def release(self, record: TaskRecord) -> None:
        """Give the task back untouched: the attempt is not counted.

        Raises:
            LeaseLost: when it is someone else's by now.

        """
        self._write(record, updates.release(), record.claimed_from)

    def reap(self) -> list[str]:
        """Take tasks from holders whose lease has run out.

        Returns:
            Ids of the tasks given back or, their attempts used up, failed. Of several reapers one gets each.

        """
        expired = {"status": TaskStatus.RUNNING.value, **updates.EXPIRED}
        reaped = []
        for document in self._patiently(lambda: list(self._tasks.find(expired))):
            try:
                record = TaskRecord.from_document(document)
            except RecordBroken as error:  # the others must not wait for somebody to mend it
                if document["_id"] not in self._unreadable:
                    log.warning("not reaped: %s", error)
                self._unreadable.add(document["_id"])
                continue
            lost = TaskLost(f"{record.owner} did not beat for its lease")
            update, _ = failure(record, lost, self.retry, self._random.random(), by_holder=False)
            step = partial(self._durable.update_one, {**fence(record), **updates.EXPIRED}, update)
            if self._patiently(step).modified_count:
                reaped.append(record.id)
        return reaped

    def _look(self, query: Query | None, ids: list[str] | None) -> Counts:
        with suppress(PoolRefused):  # who may only read can wait all the same: others reap, too
            self.reap()
        return super()._look(query, ids)
