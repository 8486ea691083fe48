"""Handing in tasks and changing their standing: what anybody may do at any time, whoever holds them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from bson.raw_bson import RawBSONDocument
from pymongo.errors import BulkWriteError

from components.errors import InputError
from components.gc_pause import garbage_kept
from components.pool import updates
from components.pool.connection import refusals
from components.pool.encoding import encode
from components.pool.indexes import INDEXES
from components.pool.reader import PoolReader, Query, combined
from components.pool.record import SOUND, Document
from components.pool.status import TRANSITIONS, TaskStatus
from components.pool.submission import Task, identify, new_documents
from components.tasks import Json

T = TypeVar("T")

_MOST_IDS = 10_000  # in a request
#: Documents in a request, and requests at a time: while the server stores some, the next are made.
_MOST_DOCUMENTS, _WRITERS = 1_000, 3
#: A context is for whoever begins: who holds a task has read it, and one that is done needs none.
_OUT_OF_DATE = {"status": {"$nin": [TaskStatus.RUNNING.value, TaskStatus.DONE.value]}}


class PoolDesk(PoolReader):
    """Submitting tasks, and changing the standing of those that are there.

    The methods that change tasks return how many they changed. A worker whose task is reset, cancelled or removed
    learns it from its next beat or write: `LeaseLost`.
    """

    _indexed = False

    def submit(
        self,
        tasks: Iterable[Task],
        *,
        priority: int = 0,
        context: Mapping[str, Json] | None = None,
        dry_run: bool = False,
    ) -> list[str]:
        """Store tasks that are not stored yet; the others stay as they are, whatever their state.

        Args:
            tasks: what is to be done.
            priority: higher ones are claimed first.
            context: what whoever works on them should know besides; a task that is stored already and that nobody
                has begun since gets the newer context.
            dry_run: write nothing.

        Returns:
            The id of each task, in their order.

        Raises:
            InputError: for a task that is no JSON document or too large; then nothing is written.

        """
        told = encode(context or {}, "the context of the tasks")
        with garbage_kept():
            identified = [identify(task) for task in tasks]
            if not dry_run and identified:
                self._store(dict(identified), told, priority)
        return [task_id for task_id, _ in identified]

    def _store(self, definitions: Mapping[str, RawBSONDocument], context: Json, priority: int) -> None:
        self._ensure_indexes()
        known = self._known(list(definitions))
        if context:
            for ids in _pieces(sorted(known), _MOST_IDS):
                old = combined(None, ids, **_OUT_OF_DATE, context={"$ne": context})
                self._update(old, updates.tell(context))
        now = self._server_time()

        def insert(tasks: Sequence[tuple[int, str, RawBSONDocument]]) -> None:
            self._insert(new_documents(tasks, context, priority=priority, now=now))

        missing = [(place, *task) for place, task in enumerate(definitions.items()) if task[0] not in known]
        with ThreadPoolExecutor(_WRITERS) as writers:
            list(writers.map(insert, _pieces(missing, _MOST_DOCUMENTS)))

    def prioritise(self, priority: int, query: Query | None = None, *, ids: Iterable[str] | None = None) -> int:
        """Let tasks be claimed earlier (higher) or later (lower)."""
        return self._update(combined(query, ids), updates.prioritise(priority))

    def reset(
        self,
        query: Query | None = None,
        *,
        ids: Iterable[str] | None = None,
        status: Collection[TaskStatus] = (TaskStatus.FAILED, TaskStatus.CANCELLED),
    ) -> int:
        """Make tasks that are in one of the states `status` wait again, as new.

        Errors and history are kept, the result is dropped.
        """
        states = [state.value for state in status if state is not TaskStatus.WAITING]
        return self._update(combined(query, ids, status={"$in": states}), updates.reset())

    def cancel(self, query: Query | None = None, *, ids: Iterable[str] | None = None) -> int:
        """Give up tasks that are not finished."""
        states = [state.value for state in TaskStatus if TaskStatus.CANCELLED in TRANSITIONS[state]]
        return self._update(combined(query, ids, status={"$in": states}), updates.cancel())

    def remove(self, query: Query | None = None, *, ids: Iterable[str] | None = None) -> int:
        """Delete tasks with all that is known of them.

        Raises:
            InputError: when neither query nor ids say which.

        """
        if query is None and ids is None:
            raise InputError("remove: say which tasks, by query or ids; an empty query {} is all of them")
        where = combined(query, ids)
        return self._patiently(lambda: self._durable.delete_many(where)).deleted_count

    def replace(self, task_id: str, task: Task) -> str:
        """Put another task in the place of one, with its priority and context; returns the id of the new one.

        Raises:
            InputError: when there is no task of that id.

        """
        old = self.get(task_id)
        (new_id,) = self.submit([task], priority=old.priority, context=old.context)
        if new_id != task_id:
            self.remove(ids=[task_id])
        return new_id

    def _update(self, where: Mapping[str, Any], update: updates.Pipeline) -> int:
        # One that is broken must neither be changed nor stop the others.
        sound = {"$and": [where, SOUND, {"status": {"$in": list(TaskStatus)}}]}
        return self._patiently(lambda: self._durable.update_many(sound, update)).modified_count

    def _insert(self, documents: list[Document]) -> None:
        def insert() -> None:
            try:
                self._durable.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                # Else somebody submitted the same at the same time, or an outage hid that we did.
                if refusals(error):
                    raise

        self._patiently(insert)

    def _known(self, ids: Sequence[str]) -> set[str]:
        """Which of these tasks are stored."""
        if self._patiently(lambda: self._tasks.find_one({}, {"_id": 1})) is None:
            return set()  # a new pool is not asked for thousands of ids

        def ask(some: Sequence[str]) -> set[str]:
            return {found["_id"] for found in self._tasks.find({"_id": {"$in": some}}, {"_id": 1})}

        return set().union(*(self._patiently(partial(ask, some)) for some in _pieces(ids, _MOST_IDS)))

    def _server_time(self) -> datetime:
        options = self._client.codec_options  # else its time comes without a zone
        answer = self._patiently(lambda: self._client.admin.command("hello", codec_options=options))
        time: datetime = answer["localTime"]
        return time

    def _ensure_indexes(self) -> None:
        # Before the first write rather than on connecting: who may only read can still look.
        if not self._indexed:
            self._patiently(lambda: self._tasks.create_indexes(INDEXES))
            self._indexed = True


def _pieces(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[first : first + size] for first in range(0, len(items), size))
