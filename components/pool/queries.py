"""Looking into a pool, without changing anything."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bson import MinKey
from pymongo import ASCENDING, DESCENDING
from pymongo.collection import Collection as DocumentCollection

from components.errors import InputError
from components.pool.collection import TaskCollection
from components.pool.connection import Client, connect, retrying
from components.pool.errors import RecordBroken, TaskMissing
from components.pool.indexes import CLAIM_INDEX
from components.pool.names import check_database_name
from components.pool.record import SUMMARY_FIELDS, Document, TaskRecord, TaskSummary
from components.pool.selection import Filter, Selection
from components.pool.status import TaskStatus

Counts = Counter[TaskStatus]

#: Asking for any status whatever lets the index answer alone.
_ANY_STATUS: Filter = {"status": {"$gte": MinKey()}}


class Queries:
    """The reading half of a pool."""

    def __init__(self, collection: TaskCollection) -> None:
        self._collection = collection

    def exists(self) -> bool:
        """Whether the pool has ever had a task."""
        return self._collection.retrying(partial(_is_pool, self._collection.documents))

    def check_exists(self) -> None:
        """Raise `InputError` when there is no such pool, naming those that are."""
        if self.exists():
            return
        collection = self._collection
        pools = collection.retrying(partial(_pools, collection.client, collection.database))
        there = f"it has: {', '.join(pools)}" if pools else "it has none yet"
        raise InputError(f"database {collection.database!r} has no pool {collection.name!r}; {there}")

    def get(self, task_id: str) -> TaskRecord:
        """The task of an id."""
        found = self._documents({"_id": task_id}, limit=1)
        if not found:
            raise self._missing(task_id)
        return TaskRecord.from_document(found[0])

    def get_many(self, ids: Sequence[str]) -> list[TaskRecord]:
        """The tasks of some ids, in their order."""
        found = {record.id: record for record in self.find(Selection.of(ids=ids), limit=0, on_broken=None)}
        missing = [task_id for task_id in ids if task_id not in found]
        if missing:
            raise self._missing(*missing)
        return [found[task_id] for task_id in ids]

    def find(
        self, selection: Selection, *, limit: int, on_broken: Callable[[RecordBroken], None] | None
    ) -> list[TaskRecord]:
        """Tasks in the order of their creation."""
        found: list[Document] = []
        for where in selection.filters():
            found += self._documents(where, sort=[("order", ASCENDING)], limit=limit)
        if selection.ids is not None:  # each page of ids is in order by itself
            found.sort(key=lambda document: document.get("order", 0))
        return list(_readable(found[: limit or None], on_broken))

    def summaries(self, selection: Selection, since: datetime | None) -> list[TaskSummary]:
        """How tasks stand, in no particular order."""
        changed: Filter = {} if since is None else {"updated_at": {"$gte": since}}
        if selection.run is not None:
            # With every field of the index named, only what has changed is looked at.
            changed = {"status": {"$in": list(TaskStatus)}, **changed}
        found: list[TaskSummary] = []
        for where in selection.filters(**changed):
            found += map(TaskSummary.from_document, self._documents(where, projection=SUMMARY_FIELDS))
        return found

    def count(self, selection: Selection) -> int:
        """How many tasks there are, those that cannot be read included."""
        documents = self._collection.documents
        return sum(
            self._collection.retrying(partial(documents.count_documents, where)) for where in selection.filters()
        )

    def counts(self, selection: Selection) -> Counts:
        """How many tasks are in each state."""
        counts: Counts = Counter()
        for where in selection.filters():
            stages = [{"$match": where or _ANY_STATUS}, {"$group": {"_id": "$status", "count": {"$sum": 1}}}]
            for group in self._groups(stages):
                try:
                    counts[TaskStatus(group["_id"])] += group["count"]
                except ValueError:
                    self.refuse_unreadable([{"status": group["_id"]}])
        return counts

    def wait(
        self,
        selection: Selection,
        *,
        until: Collection[TaskStatus],
        timeout: timedelta | None,
        poll: timedelta,
        look: Callable[[], Counts],
    ) -> Counts:
        """Wait until every task is in one of the states `until`; `look` counts them each time."""
        give_up = None if timeout is None else time.monotonic() + timeout.total_seconds()
        before: Counts | None = None
        while True:
            counts = look()
            if selection.ids is not None and counts.total() < len(selection.ids):
                self.refuse_missing(selection.ids)
            unfinished = sum(count for status, count in counts.items() if status not in until)
            if not unfinished:
                return counts
            if give_up is not None and time.monotonic() >= give_up:
                raise TimeoutError(f"{unfinished} tasks of pool {self._collection.name!r} are still open")
            if counts == before:
                self.refuse_unreadable(selection.filters(status={"$nin": [status.value for status in until]}))
            before = counts
            time.sleep(poll.total_seconds())

    def refuse_missing(self, ids: Collection[str]) -> None:
        """Raise `TaskMissing` when one of these tasks is not stored."""
        stored: set[str] = set()
        for where in Selection.of(ids=ids).filters():
            stored.update(document["_id"] for document in self._documents(where, projection={"_id": 1}))
        missing = [task_id for task_id in ids if task_id not in stored]
        if missing:
            raise self._missing(*missing)

    def refuse_unreadable(self, filters: Iterable[Filter]) -> None:
        """Raise the first `RecordBroken` of these tasks, unless one of them can be read."""
        first: RecordBroken | None = None
        for where in filters:
            broken, sound = self._collection.retrying(partial(self._judge, where))
            if sound:
                return
            first = first or broken
        if first is not None:
            raise first

    def _judge(self, where: Filter) -> tuple[RecordBroken | None, bool]:
        """The first of these tasks that cannot be read, and whether there is one that can be."""
        first = None
        for document in self._collection.documents.find(where, batch_size=10):
            try:
                TaskRecord.from_document(document)
            except RecordBroken as error:
                first = first or error
            else:
                return first, True
        return first, False

    def _missing(self, *ids: str) -> TaskMissing:
        more = f" (nor {len(ids) - 1:,} more of those asked for)" if len(ids) > 1 else ""
        return TaskMissing(f"pool {self._collection.name!r} has no task {ids[0]}{more}; submit it (again)")

    def _groups(self, stages: list[Filter]) -> list[Document]:
        return self._collection.retrying(lambda: list(self._collection.documents.aggregate(stages)))

    def _documents(self, where: Filter, **how: Any) -> list[Document]:
        return self._collection.retrying(lambda: list(self._collection.documents.find(where, **how)))


def _readable(
    documents: Iterable[Document], on_broken: Callable[[RecordBroken], None] | None
) -> Iterator[TaskRecord]:
    for document in documents:
        try:
            yield TaskRecord.from_document(document)
        except RecordBroken as error:
            if on_broken is None:
                raise
            on_broken(error)


def list_pools(url: str, database: str = "rollflow", *, latest_first: bool = False) -> list[str]:
    """Names of the pools in a database, sorted; or those with the latest new tasks first.

    Raises:
        InputError: for a name or an address that MongoDB does not take, or when it does not answer.

    """
    check_database_name(database)
    client = connect(url)

    def look() -> list[str]:
        pools = _pools(client, database)
        return sorted(pools, key=partial(_latest, client, database), reverse=True) if latest_first else pools

    try:
        return retrying(look, url, outage_timeout=lambda: timedelta(0))
    finally:
        client.close()


def _latest(client: Client, database: str, pool: str) -> int:
    """The place of the pool's newest task in the order of creation."""
    newest = client[database][pool].find_one({}, {"order": 1}, sort=[("order", DESCENDING)])
    order = newest.get("order") if newest else None
    return order if isinstance(order, int) else 0


def _pools(client: Client, database: str) -> list[str]:
    names = client[database].list_collection_names(filter={"type": "collection"})  # views have no indexes
    return sorted(name for name in names if _is_pool(client[database][name]))


def _is_pool(collection: DocumentCollection[Document]) -> bool:
    """Whether a collection is a pool, rather than something else that is kept in the database."""
    return any(list(index["key"].items()) == CLAIM_INDEX for index in collection.list_indexes())
