"""The task pool: who may do what to a task, and when."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Self

from components.errors import InputError, RollflowError
from components.pool.admin import Admin
from components.pool.claims import Claims
from components.pool.collection import TaskCollection
from components.pool.errors import LeaseLost, PoolRefused, RecordBroken
from components.pool.queries import Counts, Queries
from components.pool.record import TaskRecord, TaskSummary
from components.pool.retry import RetryPolicy
from components.pool.selection import Query, Selection
from components.pool.status import FINISHED, TaskStatus
from components.pool.submission import Task
from components.redaction import without_password
from components.tasks import Json

log = logging.getLogger(__name__)

#: How long an interrupted process tries to give its task back.
_STOP_TIMEOUT = timedelta(seconds=3)


class TaskPool:
    """Tasks in a MongoDB collection, each trained once although workers die, hang and race.

    Who may change a task, and when:

    - Anybody may *submit*. The id is the hash of the definition, so submitting twice is the same as once.
    - Anybody may *claim* a task that is waiting (or part_done, for its second phase) and not backing off after a
      failure. The claim is one atomic step: of any number of claimants one gets the task. It becomes the *holder*
      and gets a lease and a token one higher than every earlier holder's. The claim counts as an attempt.
    - While the task is running, only its holder may *heartbeat* (which renews the lease), *complete*, *fail* or
      *release* it. Each of these names the claim; if the task has another holder by now, or none, nothing is
      written and the caller gets `LeaseLost`.
    - Once a lease has run out, anybody may *reap* the task: the attempt counts as lost, and the task goes back, or
      to the dead letter when its attempts are used up. Until somebody does, the late holder may still write.
      `claim` reaps when it finds nothing else to do, and `wait` before each look: no command has to be run for it.
    - What follows a failed or lost attempt is decided by the retry policy stored with the task, whoever asks.
    - Anybody may *amend* the result of a task that is done, and a person may prioritise, reset, cancel or remove
      tasks at any time.

    Tasks are chosen by ``query``, ``ids`` and ``run``, all of which must hold. A query is a MongoDB filter on the
    stored documents, e.g. ``{"definition.model.class": "LGBModel"}``; in names of stored fields ``.``, ``$`` and
    ``%`` are percent-encoded: an argument ``a.b`` is ``...kwargs.a%2Eb``. Any number of ids will do, but a run,
    which has an index, is found faster than many ids.

    Every method retries through outages of MongoDB, and raises `PoolUnavailable` when one lasts too long and
    `PoolRefused` when MongoDB refuses the operation. All times are the server's. Methods may be called from many
    threads; after a fork, make a new pool.
    """

    def __init__(
        self,
        url: str,
        database: str = "rollflow",
        name: str = "rolling",
        *,
        lease: timedelta = timedelta(seconds=60),
        retry: RetryPolicy | None = None,
        outage_timeout: timedelta = timedelta(seconds=30),
    ) -> None:
        """Connect to the pool `name` of a database; it is created with its first task.

        Args:
            url: address of MongoDB (``mongodb://...``).
            database: name of the database.
            name: name of the pool, a collection of the database.
            lease: how long a claim holds without a heartbeat.
            retry: policy of the tasks that are submitted without one.
            outage_timeout: how long an operation is retried while MongoDB does not answer.

        Raises:
            PoolUnreachable: when MongoDB does not answer or the password is wrong.
            InputError: for a name that MongoDB does not allow.

        """
        if lease <= timedelta(0):
            raise InputError(f"lease is {lease}; give more than zero")
        self.lease = lease
        self.retry = retry or RetryPolicy()
        self._unreturned: list[str] = []
        self._collection = TaskCollection(url, database, name, outage_timeout=outage_timeout)
        self._claims = Claims(self._collection)
        self._admin = Admin(self._collection)
        self._queries = Queries(self._collection)

    def __repr__(self) -> str:
        return f"TaskPool({without_password(self._collection.url)!r}, {self.database!r}, {self.name!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def database(self) -> str:
        """Name of the database."""
        return self._collection.database

    @property
    def name(self) -> str:
        """Name of the pool."""
        return self._collection.name

    @property
    def unreturned(self) -> tuple[str, ...]:
        """Ids of tasks that `claimed` could not give back: others get them when their lease has run out."""
        return tuple(self._unreturned)

    def close(self) -> None:
        """Close the connections."""
        self._collection.close()

    def hurry(self, timeout: timedelta = _STOP_TIMEOUT) -> None:
        """Wait for MongoDB no longer than this from now on, in every thread: the process is about to end."""
        self._collection.hurry(timeout)

    # --- Submitting

    def submit(
        self,
        tasks: Iterable[Task],
        *,
        priority: int = 0,
        context: Mapping[str, Json] | None = None,
        retry: RetryPolicy | None = None,
        run: str | None = None,
        dry_run: bool = False,
    ) -> list[str]:
        """Store tasks that are not stored yet; the others stay as they are, whatever their state.

        A task that is stored already and that nobody has begun since gets the context and the policy of the newest
        submission that gave one.

        Args:
            tasks: what is to be done.
            priority: higher ones are claimed first.
            context: what whoever works on them should know besides.
            retry: what happens after a failed attempt; None: new tasks get the pool's policy.
            run: a name of your choice by which these tasks can be found; a task may be part of many runs.
            dry_run: write nothing.

        Returns:
            The id of each task, in their order.

        Raises:
            InputError: for a task that is not a JSON document, or too large; then nothing is written.

        """
        policy = (retry or self.retry).to_document()
        return self._admin.submit(
            tasks,
            priority=priority,
            context=context,
            retry=policy,
            gives_retry=retry is not None,
            run=run,
            dry_run=dry_run,
        )

    # --- Holding a task

    def claim(
        self,
        owner: str,
        *,
        ids: Iterable[str] | None = None,
        query: Query | None = None,
        run: str | None = None,
        status: TaskStatus = TaskStatus.WAITING,
    ) -> TaskRecord | None:
        """Take the task of highest priority, the oldest of these; None when none can be had now.

        `owner` is who works on it, by custom ``host:pid``; `status` is waiting, or part_done for the second phase.
        """
        if not status.is_claimable:
            raise InputError(f"a task that is {status} cannot be claimed; waiting and part_done ones can")
        selection = Selection.of(query, ids, run)
        record = self._claims.claim(owner, selection, status, self.lease)
        if record is None and self.reap():
            record = self._claims.claim(owner, selection, status, self.lease)
        return record

    @contextmanager
    def claimed(
        self,
        owner: str,
        *,
        ids: Iterable[str] | None = None,
        query: Query | None = None,
        run: str | None = None,
        status: TaskStatus = TaskStatus.WAITING,
    ) -> Iterator[TaskRecord | None]:
        """`claim` for a ``with`` block, whose body completes the task.

        An error in the body, `SystemExit` included, fails the task; an interrupt (Ctrl-C, a cancellation) gives it
        back, within some seconds even if MongoDB does not answer; see `unreturned`. The error or interrupt always
        goes on as it is: what prevents the pool from being told is logged.
        """
        record = self.claim(owner, ids=ids, query=query, run=run, status=status)
        try:
            yield record
        except LeaseLost:
            raise
        except (Exception, SystemExit) as error:
            if record is not None:
                self._fail_quietly(record, error)
            raise
        except BaseException:
            if record is not None:
                self._release_quietly(record)
            raise

    def heartbeat(self, record: TaskRecord, progress: Json = None) -> None:
        """Renew the lease, and report progress (any JSON value; None leaves the last one).

        Raises:
            LeaseLost: when it is someone else's by now.

        """
        self._claims.heartbeat(record, self.lease, progress)

    def complete(self, record: TaskRecord, result: Json = None, *, status: TaskStatus = TaskStatus.DONE) -> None:
        """Finish the task, or with `status` part_done its first phase, leaving a result (any JSON value).

        Raises:
            LeaseLost: when it is someone else's by now; nothing is written.
            InputError: when the result is too large or not JSON; the task is still held.

        """
        if status not in (TaskStatus.DONE, TaskStatus.PART_DONE):
            raise InputError(f"complete: a task is completed as done or part_done, not as {status}")
        self._claims.complete(record, result, status)

    def fail(self, record: TaskRecord, error: BaseException) -> TaskStatus:
        """End the attempt with an error, which is kept; passwords in its text are not.

        Returns:
            The state the task got: where it was claimed from, to be tried again after a pause; or failed.

        Raises:
            LeaseLost: when it is someone else's by now.

        """
        return self._claims.fail(record, error, self.retry)

    def release(self, record: TaskRecord, *, timeout: timedelta | None = None) -> None:
        """Give the task back untouched: the attempt is not counted.

        Without a `timeout` it tries as long as an outage is waited for.

        Raises:
            LeaseLost: when it is someone else's by now.

        """
        self._claims.release(record, timeout)

    def reap(self) -> list[str]:
        """Take tasks from holders whose lease has run out.

        Returns:
            Ids of the tasks given back or, their attempts used up, failed. Of several reapers one gets each.

        """
        return self._claims.reap(self.retry)

    # --- Changing tasks that others may hold

    def amend(self, record: TaskRecord, result: Json) -> None:
        """Replace the result of a task that is done, as what becomes known later demands; the history says so.

        Args:
            record: the task as it was read.
            result: the new result, any JSON value.

        Raises:
            ResultChanged: when the task is no longer done, or has another result than `record`; nothing is written.
            TaskMissing: when it is not stored any more.
            InputError: when the result is too large or not JSON.

        """
        self._admin.amend(record, result)

    def prioritise(
        self,
        priority: int,
        query: Query | None = None,
        *,
        ids: Iterable[str] | None = None,
        run: str | None = None,
    ) -> int:
        """Let tasks be claimed earlier (higher) or later (lower); returns how many were changed."""
        return self._admin.prioritise(priority, Selection.of(query, ids, run))

    def reset(
        self,
        query: Query | None = None,
        *,
        ids: Iterable[str] | None = None,
        run: str | None = None,
        status: Collection[TaskStatus] = (TaskStatus.FAILED, TaskStatus.CANCELLED),
    ) -> int:
        """Make tasks that are in one of the states `status` wait again, as new; returns how many.

        Errors and history are kept, the result is dropped. The holder of a running one learns it from `LeaseLost`.
        """
        return self._admin.reset(Selection.of(query, ids, run), status)

    def cancel(
        self, query: Query | None = None, *, ids: Iterable[str] | None = None, run: str | None = None
    ) -> int:
        """Give up tasks that are not finished; returns how many. Their holders learn it from `LeaseLost`."""
        return self._admin.cancel(Selection.of(query, ids, run))

    def remove(
        self, query: Query | None = None, *, ids: Iterable[str] | None = None, run: str | None = None
    ) -> int:
        """Delete tasks with all that is known of them; returns how many. Their holders learn it from `LeaseLost`.

        Raises:
            InputError: when neither query, ids nor run say which.

        """
        if query is None and ids is None and run is None:
            raise InputError("remove: say which tasks, by query, ids or run; an empty query {} is all of them")
        return self._admin.remove(Selection.of(query, ids, run))

    def replace(self, task_id: str, task: Task) -> str:
        """Put another task in the place of one, with its priority, context and policy; returns the new id.

        Raises:
            TaskMissing: when there is no task of that id.

        """
        old = self.get(task_id)
        (new_id,) = self.submit([task], priority=old.priority, context=old.context, retry=old.retry)
        if new_id != task_id:
            self.remove(ids=[task_id])
        return new_id

    # --- Looking

    def exists(self) -> bool:
        """Whether there is such a pool: it may be empty, but somebody has submitted to it."""
        return self._queries.exists()

    def check_exists(self) -> None:
        """Make sure that a pool which a person has named is there: else the name is mistyped, not the pool empty.

        Raises:
            InputError: when it is not; the message names those that are.

        """
        self._queries.check_exists()

    def get(self, task_id: str) -> TaskRecord:
        """The task of an id.

        Raises:
            TaskMissing: when there is none.

        """
        return self._queries.get(task_id)

    def get_many(self, ids: Iterable[str]) -> list[TaskRecord]:
        """The tasks of some ids, in their order.

        Raises:
            TaskMissing: when one of them is not stored.

        """
        return self._queries.get_many(list(ids))

    def find(
        self,
        query: Query | None = None,
        *,
        ids: Iterable[str] | None = None,
        run: str | None = None,
        limit: int = 0,
        on_broken: Callable[[RecordBroken], None] | None = None,
    ) -> list[TaskRecord]:
        """Tasks in the order of their creation; `limit` 0 is all of them.

        Raises:
            RecordBroken: for one that cannot be read, unless `on_broken` takes the error and the others are wanted.

        """
        return self._queries.find(Selection.of(query, ids, run), limit=limit, on_broken=on_broken)

    def summaries(
        self,
        query: Query | None = None,
        *,
        ids: Iterable[str] | None = None,
        run: str | None = None,
        since: datetime | None = None,
    ) -> list[TaskSummary]:
        """How tasks stand, in no particular order, without fetching their definitions and histories.

        With `since`, only of those written to since this time of the server; an index finds them in a `run`.

        Raises:
            RecordBroken: for one that cannot be read.

        """
        return self._queries.summaries(Selection.of(query, ids, run), since)

    def count(self, query: Query | None = None, *, ids: Iterable[str] | None = None, run: str | None = None) -> int:
        """How many tasks there are, those that cannot be read included."""
        return self._queries.count(Selection.of(query, ids, run))

    def counts(
        self, query: Query | None = None, *, ids: Iterable[str] | None = None, run: str | None = None
    ) -> Counts:
        """How many tasks are in each state; 0 for a state that is not in it.

        Raises:
            RecordBroken: for a task in an unknown state.

        """
        return self._queries.counts(Selection.of(query, ids, run))

    def wait(
        self,
        query: Query | None = None,
        *,
        ids: Iterable[str] | None = None,
        run: str | None = None,
        until: Collection[TaskStatus] = FINISHED,
        timeout: timedelta | None = None,
        poll: timedelta = timedelta(seconds=0.5),
        on_counts: Callable[[Counts], None] | None = None,
    ) -> Counts:
        """Wait until every task is in one of the states `until`, and reap meanwhile.

        There is a pause of `poll` between two looks at the pool; `on_counts` gets the counts of each.

        Raises:
            TimeoutError: when it takes longer than `timeout`.
            TaskMissing: when one of `ids` is not stored, or is removed meanwhile.
            RecordBroken: when none of the unfinished ones can be read, so that nobody will ever finish them.

        """
        selection = Selection.of(query, ids, run)

        def look() -> Counts:
            with suppress(PoolRefused):  # whoever may only read can wait all the same: others reap, too
                self.reap()
            counts = self._queries.counts(selection)
            if on_counts:
                on_counts(counts)
            return counts

        return self._queries.wait(selection, until=until, timeout=timeout, poll=poll, look=look)

    # --- Cleaning up after an error, which it must not replace

    def _fail_quietly(self, record: TaskRecord, error: BaseException) -> None:
        try:
            self.fail(record, error)
        except RollflowError as refused:
            log.warning("task %s: its error was not stored: %s", record.id, refused)

    def _release_quietly(self, record: TaskRecord) -> None:
        try:
            self.release(record, timeout=_STOP_TIMEOUT)
        except LeaseLost as lost:
            log.info("%s", lost)
        except RollflowError as refused:
            self._unreturned.append(record.id)
            log.warning("task %s was not given back, its lease has to run out: %s", record.id, refused)
