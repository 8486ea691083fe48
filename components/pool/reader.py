"""Looking into a pool, without changing anything."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any, Self, TypeVar

from bson import MinKey
from bson.errors import BSONError
from pymongo import ASCENDING, ReadPreference
from pymongo.collection import Collection as MongoCollection
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from components.errors import InputError
from components.pool.connection import connect, patiently
from components.pool.errors import RecordBroken
from components.pool.record import Document, TaskRecord
from components.pool.status import FINISHED, TaskStatus
from components.redaction import without_password

T = TypeVar("T")
Query = Mapping[str, Any]
Counts = Counter[TaskStatus]

_BAD_IN_DATABASE = frozenset('/\\. "$*<>:|?\0')


class PoolReader:
    """The reading half of a pool: one MongoDB collection, one document a task.

    A query is a MongoDB filter on the stored documents, e.g. ``{"definition.model.class": "LGBModel"}``. In names
    of stored fields ``.``, ``$`` and ``%`` are percent-encoded: an argument ``a.b`` is ``...kwargs.a%2Eb``.
    """

    def __init__(
        self,
        url: str,
        database: str = "rollflow",
        name: str = "rolling",
        *,
        patience: timedelta = timedelta(seconds=30),
    ) -> None:
        if not database or not _BAD_IN_DATABASE.isdisjoint(database) or len(database.encode()) > 63:
            raise InputError(f"database name {database!r}: MongoDB does not allow it; use letters, digits and '_'")
        if not name or "$" in name or "\0" in name or name.startswith("system.") or len(name.encode()) > 120:
            raise InputError(f"pool name {name!r}: MongoDB does not allow it; use letters, digits and '_'")
        self._url = url
        self._patience = patience
        self._client = connect(url)
        # The primary and a majority, whatever the address prefers: an older copy knows nothing of the last claim,
        # and what a majority does not have yet may be lost with the primary.
        self._tasks: MongoCollection[Document] = self._client[database].get_collection(
            name,
            read_preference=ReadPreference.PRIMARY,
            read_concern=ReadConcern("majority"),
            write_concern=WriteConcern(w="majority", j=False),
        )
        #: For writes whose loss in a crash of the server would cost work: acknowledged when they are on disk.
        self._durable = self._tasks.with_options(write_concern=WriteConcern(w="majority", j=True))
        self.database = database
        self.name = name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({without_password(self._url)!r}, {self.database!r}, {self.name!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def check_exists(self) -> None:
        """Make sure that a pool which a person has named is there: else the name is a slip, not an empty pool.

        Raises:
            InputError: when it is not; the message names those that are.

        """
        if not self.count():
            pools = list_pools(self._url, self.database)
            if self.name not in pools:
                there = f"it has: {', '.join(pools)}" if pools else "it has none yet"
                raise InputError(f"database {self.database!r} has no pool {self.name!r}; {there}")

    def get(self, task_id: str) -> TaskRecord:
        """The task of an id.

        Raises:
            InputError: when there is none.

        """
        document = self._patiently(lambda: self._tasks.find_one({"_id": task_id}))
        if document is None:
            raise InputError(f"pool {self.name!r} has no task {task_id}")
        return TaskRecord.from_document(document)

    def find(
        self,
        query: Query | None = None,
        *,
        ids: Iterable[str] | None = None,
        limit: int = 0,
        on_broken: Callable[[RecordBroken], None] | None = None,
    ) -> list[TaskRecord]:
        """Tasks in the order of their creation; `limit` 0 is all of them.

        Raises:
            RecordBroken: for one that cannot be read, unless `on_broken` takes the error and the others are wanted.

        """
        where = combined(query, ids)
        found = self._patiently(lambda: list(self._tasks.find(where, sort=[("order", ASCENDING)], limit=limit)))
        records = []
        for document in found:
            try:
                records.append(TaskRecord.from_document(document))
            except RecordBroken as error:
                if on_broken is None:
                    raise
                on_broken(error)
        return records

    def count(self, query: Query | None = None, *, ids: Iterable[str] | None = None) -> int:
        """How many tasks there are, those that cannot be read included."""
        return self._patiently(lambda: self._tasks.count_documents(combined(query, ids)))

    def counts(self, query: Query | None = None, *, ids: Iterable[str] | None = None) -> Counts:
        """How many tasks are in each state; 0 for a state that is not in it.

        Raises:
            RecordBroken: for a task in a state that there is not.

        """
        # Asking for any status whatever lets the index answer alone.
        where = combined(query, ids) or {"status": {"$gte": MinKey()}}
        stages = [{"$match": where}, {"$group": {"_id": "$status", "count": {"$sum": 1}}}]
        groups = self._patiently(lambda: list(self._tasks.aggregate(stages)))
        counts: Counts = Counter()
        for group in groups:
            try:
                counts[TaskStatus(group["_id"])] = group["count"]
            except ValueError:
                self._refuse_unreadable({"status": group["_id"]})
        return counts

    def wait(
        self,
        query: Query | None = None,
        *,
        ids: Iterable[str] | None = None,
        until: Collection[TaskStatus] = FINISHED,
        timeout: timedelta | None = None,
        poll: timedelta = timedelta(seconds=0.5),
        on_counts: Callable[[Counts], None] | None = None,
    ) -> Counts:
        """Wait until every task is in one of the states `until`; `on_counts` sees every look at the pool.

        Raises:
            TimeoutError: when that takes longer than `timeout`.
            RecordBroken: when of those still open none can be read, so that nobody will ever finish them.

        """
        give_up = None if timeout is None else time.monotonic() + timeout.total_seconds()
        chosen = None if ids is None else list(ids)
        still_open = combined(query, chosen, status={"$nin": [status.value for status in until]})
        before: Counts | None = None
        while True:
            counts = self._look(query, chosen)
            if on_counts:
                on_counts(counts)
            open_tasks = sum(count for status, count in counts.items() if status not in until)
            if not open_tasks:
                return counts
            if give_up is not None and time.monotonic() >= give_up:
                raise TimeoutError(f"{open_tasks} tasks of pool {self.name!r} are still open")
            if counts == before:
                self._refuse_unreadable(still_open)
            before = counts
            time.sleep(poll.total_seconds())

    def _refuse_unreadable(self, where: Query) -> None:
        """Raise the first `RecordBroken` of these tasks, unless one of them can be read."""

        def look() -> RecordBroken | None:
            first = None
            for document in self._tasks.find(where, batch_size=10):
                try:
                    TaskRecord.from_document(document)
                except RecordBroken as error:
                    first = first or error
                else:
                    return None
            return first

        if broken := self._patiently(look):
            raise broken

    def _look(self, query: Query | None, ids: list[str] | None) -> Counts:
        return self.counts(query, ids=ids)

    def _patiently(self, action: Callable[[], T]) -> T:
        try:
            return patiently(action, self._url, self._patience)
        except (BSONError, OverflowError) as error:
            raise InputError(f"pool {self.name!r}: MongoDB cannot take that value: {error}") from None


def combined(query: Query | None, ids: Iterable[str] | None = None, **own: Any) -> dict[str, Any]:
    """One filter of a user's query, a choice of ids, and conditions of our own, none hiding another."""
    parts = [dict(query or {}), {} if ids is None else {"_id": {"$in": list(ids)}}, own]
    parts = [part for part in parts if part]
    return {"$and": parts} if len(parts) > 1 else parts[0] if parts else {}


def list_pools(url: str, database: str = "rollflow") -> list[str]:
    """Names of the pools in a database, sorted."""
    client = connect(url)
    try:
        names = patiently(client[database].list_collection_names, url, timedelta(0))
    finally:
        client.close()
    return sorted(name for name in names if not name.startswith("system."))
