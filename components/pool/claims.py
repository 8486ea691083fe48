"""Taking a task, and writing to it only as long as it is held: safe to repeat when a reply is lost."""

from __future__ import annotations

import logging
import random
import secrets
from datetime import timedelta
from functools import partial
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from components.pool import updates
from components.pool.collection import TaskCollection
from components.pool.encoding import encode
from components.pool.errors import LeaseLost, RecordBroken, TaskLost
from components.pool.failures import failure
from components.pool.indexes import CLAIM_ORDER
from components.pool.record import VALID_DOCUMENT, Document, TaskRecord
from components.pool.retry import RetryPolicy
from components.pool.selection import PAGE, Filter, Selection
from components.pool.status import TaskStatus
from components.tasks import Json

log = logging.getLogger(__name__)

_RUNNING = TaskStatus.RUNNING.value


class Claims:
    """The writes of a holder, of which each happens once or not at all, and the reaping of lost holders."""

    def __init__(self, collection: TaskCollection) -> None:
        self._collection = collection
        # Spreads retries; nothing secret depends on it.
        self._random = random.Random()  # noqa: S311
        #: Lost tasks that cannot be read and have been reported.
        self._unreadable: set[Any] = set()

    def claim(self, owner: str, selection: Selection, status: TaskStatus, lease: timedelta) -> TaskRecord | None:
        """Take the first task in the order of claiming; None when there is none now."""
        self._collection.ensure_indexes()
        conditions = {"status": status.value, **VALID_DOCUMENT, **updates.BACKOFF_OVER}
        while True:
            wanted = self._narrowed(selection, conditions)
            if wanted is None:
                return None
            (where,) = wanted.filters(**conditions)
            # Names this call: after an outage it finds the task that it claimed when only the reply was lost.
            claim_id = secrets.token_hex(8)
            update = updates.claim(owner, claim_id, status, lease)
            document = self._collection.retrying(self._take(where, update, claim_id))
            if document is not None:
                return TaskRecord.from_document(document)
            if wanted is selection:
                return None

    def heartbeat(self, record: TaskRecord, lease: timedelta, progress: Json) -> None:
        """Renew the lease, and store the progress unless it is None."""
        stored = None if progress is None else encode(progress, "progress")
        self._write(record, updates.heartbeat(lease, stored), None)

    def complete(self, record: TaskRecord, result: Json, status: TaskStatus) -> None:
        """Finish the task or its first phase."""
        self._write(record, updates.complete(status, encode(result, "the result")), status)

    def fail(self, record: TaskRecord, error: BaseException, retry: RetryPolicy) -> TaskStatus:
        """End the attempt with an error; the state that the task got."""
        update, status = failure(record, error, retry, self._random.random())
        self._write(record, update, status)
        return status

    def release(self, record: TaskRecord, timeout: timedelta | None) -> None:
        """Give the task back."""
        self._write(record, updates.release(), record.claimed_from, timeout)

    def reap(self, retry: RetryPolicy) -> list[str]:
        """Take tasks from holders whose lease has run out; the ids of those taken."""
        expired = {"status": _RUNNING, **updates.EXPIRED}
        reaped = []
        for document in self._collection.retrying(lambda: list(self._collection.documents.find(expired))):
            try:
                record = TaskRecord.from_document(document)
            except RecordBroken as error:  # the others must not wait until somebody mends it
                if document["_id"] not in self._unreadable:
                    log.warning("not reaped: %s", error)
                self._unreadable.add(document["_id"])
                continue
            lost = TaskLost(f"{record.owner} sent no heartbeat for its lease")
            update, _ = failure(record, lost, retry, self._random.random(), by_holder=False)
            step = partial(self._collection.durable.update_one, {**_fence(record), **updates.EXPIRED}, update)
            if self._collection.retrying(step).modified_count:
                reaped.append(record.id)
        return reaped

    def _narrowed(self, selection: Selection, conditions: Filter) -> Selection | None:
        """The selection if one request can hold it, else the task that is next in it; None when there is none."""
        if selection.ids is None or len(selection.ids) <= PAGE:
            return selection if selection.ids != [] else None
        best: Document | None = None
        for where in selection.filters(**conditions):
            find = partial(
                self._collection.documents.find_one, where, {"priority": 1, "order": 1}, sort=CLAIM_ORDER
            )
            found = self._collection.retrying(find)
            if found is not None and (best is None or _turn(found) < _turn(best)):
                best = found
        return None if best is None else Selection(ids=[best["_id"]])

    def _take(self, where: Filter, update: updates.Pipeline, claim_id: str) -> Any:
        tries = 0
        # The server gives up first. Else it might execute, late, a claim that the client has repeated meanwhile: a
        # second task would be claimed, and idle until its lease runs out.
        limit: dict[str, Any] = {}
        if self._collection.server_limit is not None:
            limit = {"maxTimeMS": self._collection.server_limit}

        def mine() -> Document | None:
            return self._collection.newest.find_one({"status": _RUNNING, "claim_id": claim_id})

        def take() -> Document | None:
            nonlocal tries
            tries += 1
            if tries > 1 and (claimed := mine()) is not None:
                return claimed
            try:
                return self._collection.documents.find_one_and_update(
                    where, update, sort=CLAIM_ORDER, return_document=ReturnDocument.AFTER, **limit
                )
            except DuplicateKeyError:  # an earlier try was executed at this moment
                return mine()

        return take

    def _write(
        self,
        record: TaskRecord,
        update: updates.Pipeline,
        status: TaskStatus | None,
        timeout: timedelta | None = None,
    ) -> None:
        """Write to a task as its holder; `status` is what it gets, None when it stays running."""
        tasks = self._collection.documents if status is None else self._collection.durable
        tries = 0

        def write() -> bool:
            nonlocal tries
            tries += 1
            return bool(tasks.update_one(_fence(record), update).matched_count)

        if self._collection.retrying(write, timeout=timeout):
            return
        # After an outage the first try may have been written, its reply lost.
        if tries > 1 and status is not None and self._was_written(record, status, timeout):
            return
        raise LeaseLost(
            f"task {record.id} is no longer held by {record.owner} (claim {record.token}); nothing was written"
        )

    def _was_written(self, record: TaskRecord, status: TaskStatus, timeout: timedelta | None) -> bool:
        # By this very claim: another may have the same token, and a reaper may have given the same status.
        step = {"claim": record.claim_id, "status": status.value}
        where = {"_id": record.id, "history": {"$elemMatch": step}}
        find = partial(self._collection.documents.find_one, where, {"_id": 1})
        return self._collection.retrying(find, timeout=timeout) is not None


def _fence(record: TaskRecord) -> Filter:
    """The filter that finds a task only while this very claim holds it.

    The name of the claim stands beside the token, because a token can come again: when a task is removed and
    submitted anew, or when a server that crashed has forgotten the last claim.
    """
    return {
        "_id": record.id,
        "status": _RUNNING,
        "token": record.token,
        "claim_id": record.claim_id,
    }


def _turn(document: Document) -> tuple[int, int]:
    return (-document["priority"], document["order"])
