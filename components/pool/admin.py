"""Submitting tasks, and what a person may do to them at any time, whoever holds them."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from bson.raw_bson import RawBSONDocument
from pymongo.errors import BulkWriteError

from components.gc_pause import garbage_kept
from components.pool import updates
from components.pool.collection import TaskCollection
from components.pool.connection import DUPLICATE_KEY, refusals
from components.pool.encoding import encode
from components.pool.errors import ResultChanged, TaskMissing
from components.pool.record import VALID_DOCUMENT, Document, TaskRecord
from components.pool.selection import PAGE, Selection, combined, pages
from components.pool.status import TRANSITIONS, TaskStatus
from components.pool.submission import Submission, Task, identify
from components.tasks import Json

#: Documents in a request, and requests at a time: while the server stores some, the next are made.
_MOST_DOCUMENTS, _WRITERS = 1_000, 3
#: Tasks whose context may still change: whoever holds a task has read it, and one that is done needs none.
_NOT_BEGUN = {"status": {"$nin": [TaskStatus.RUNNING.value, TaskStatus.DONE.value]}}


class Admin:
    """Changes to tasks that need no claim; those that change many return how many they changed."""

    def __init__(self, collection: TaskCollection) -> None:
        self._collection = collection

    def submit(
        self,
        tasks: Iterable[Task],
        *,
        priority: int,
        context: Mapping[str, Json] | None,
        retry: Mapping[str, Json],
        gives_retry: bool,
        run: str | None,
        dry_run: bool,
    ) -> list[str]:
        """Store tasks that are not stored yet; see `TaskPool.submit`."""
        instructions = {"context": encode(context or {}, "the context of the tasks"), "retry": retry}
        given = [field for field, is_given in (("context", context), ("retry", gives_retry)) if is_given]
        with garbage_kept():
            identified = [identify(task) for task in tasks]
            if not dry_run and identified:
                self._collection.ensure_indexes()
                submission = Submission.at(
                    self._collection.server_time(),
                    priority=priority,
                    instructions=instructions,
                    given=given,
                    run=run,
                )
                self._store(dict(identified), submission)
        return [task_id for task_id, _ in identified]

    def prioritise(self, priority: int, selection: Selection) -> int:
        """Let tasks be claimed earlier (higher) or later (lower)."""
        return self._update(selection, updates.prioritise(priority))

    def reset(self, selection: Selection, status: Collection[TaskStatus]) -> int:
        """Make tasks in one of these states wait again, as new."""
        states = [state.value for state in status if state is not TaskStatus.WAITING]
        return self._update(selection, updates.reset(), status={"$in": states})

    def cancel(self, selection: Selection) -> int:
        """Give up tasks that are not finished."""
        states = [state.value for state in TaskStatus if TaskStatus.CANCELLED in TRANSITIONS[state]]
        return self._update(selection, updates.cancel(), status={"$in": states})

    def remove(self, selection: Selection) -> int:
        """Delete tasks with all that is known of them."""
        delete = self._collection.durable.delete_many
        return sum(self._collection.retrying(partial(delete, where)).deleted_count for where in selection.filters())

    def amend(self, record: TaskRecord, result: Json) -> None:
        """Replace the result of a task that is done; see `TaskPool.amend`."""
        amendment = secrets.token_hex(8)
        update = updates.amend(encode(result, "the result"), amendment)
        unchanged = {
            "_id": record.id,
            "status": TaskStatus.DONE.value,
            "token": record.token,
            "result": {"$eq": encode(record.result, "the result")},
        }
        tasks = self._collection.durable
        if self._collection.retrying(lambda: tasks.update_one(unchanged, update)).matched_count:
            return
        # After an outage an earlier try may have been written, its reply lost.
        mine = {"_id": record.id, "history.claim": amendment}
        if self._collection.retrying(lambda: self._collection.newest.find_one(mine, {"_id": 1})):
            return
        now = self._collection.retrying(lambda: tasks.find_one({"_id": record.id}, {"status": 1}))
        if now is None:
            raise TaskMissing(f"pool {self._collection.name!r} has no task {record.id}")
        changed = (
            "has another result by now" if now["status"] == TaskStatus.DONE else f"is {now['status']}, not done"
        )
        raise ResultChanged(f"task {record.id} {changed}; nothing was written")

    def _update(self, selection: Selection, update: updates.Pipeline, **conditions: Json) -> int:
        # A broken document must neither be changed nor stop the others.
        readable = combined(VALID_DOCUMENT, {"status": {"$in": list(TaskStatus)}})
        changed = 0
        for where in selection.filters(**conditions):
            step = partial(self._collection.durable.update_many, combined(where, readable), update)
            changed += self._collection.retrying(step).modified_count
        return changed

    def _store(self, definitions: Mapping[str, RawBSONDocument], submission: Submission) -> None:
        known = self._known(definitions)
        known |= self._insert(definitions, submission, definitions.keys() - known)
        self._inform(Selection(ids=sorted(known)), submission)
        # One that was there at first may have been removed since.
        self._insert(definitions, submission, known - self._known(known))

    def _inform(self, known: Selection, submission: Submission) -> None:
        """Tell tasks that were stored already what has changed for them."""
        for field in submission.given:
            older = {f"since.{field}": {"$not": {"$gte": submission.number}}}
            update = updates.set_instruction(field, submission.instructions[field], submission.number)
            self._update(known, update, **_NOT_BEGUN, **older)
        if submission.run is not None:
            self._update(known, updates.join(submission.run), runs={"$ne": submission.run})

    def _insert(
        self, definitions: Mapping[str, RawBSONDocument], submission: Submission, wanted: AbstractSet[str]
    ) -> set[str]:
        """Store the wanted ones; the ids of those that somebody stored meanwhile, or that we did in an outage."""
        new = [(place, *task) for place, task in enumerate(definitions.items()) if task[0] in wanted]

        def store(some: Sequence[tuple[int, str, RawBSONDocument]]) -> set[str]:
            documents = submission.documents(some)
            return self._collection.retrying(partial(self._insert_many, documents))

        with ThreadPoolExecutor(_WRITERS) as writers:
            return set().union(*writers.map(store, pages(new, _MOST_DOCUMENTS)))

    def _insert_many(self, documents: Sequence[Document]) -> set[str]:
        """Store documents; the ids of those that are stored already."""
        try:
            self._collection.durable.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            if refusals(error):
                raise
            failed = error.details["writeErrors"]
            return {documents[one["index"]]["_id"] for one in failed if one["code"] == DUPLICATE_KEY}
        return set()

    def _known(self, ids: Collection[str]) -> set[str]:
        """Which of these tasks are stored."""
        tasks, retrying = self._collection.documents, self._collection.retrying
        if not ids or retrying(lambda: tasks.find_one({}, {"_id": 1})) is None:
            return set()  # a new pool is not asked for thousands of ids

        def ask(some: Sequence[str]) -> set[str]:
            return {found["_id"] for found in tasks.find({"_id": {"$in": some}}, {"_id": 1})}

        return set().union(*(retrying(partial(ask, some)) for some in pages(list(ids), PAGE)))
