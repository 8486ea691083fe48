"""Taking a task, and writing to it only as long as it is held: safe to repeat when the server fails to answer."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from pymongo import ReturnDocument
from pymongo.read_concern import ReadConcern

from components.pool import updates
from components.pool.desk import PoolDesk
from components.pool.errors import LeaseLost
from components.pool.indexes import CLAIM_ORDER
from components.pool.reader import Query, combined
from components.pool.record import SOUND, Document, TaskRecord
from components.pool.status import TaskStatus


def fence(record: TaskRecord) -> dict[str, Any]:
    """The filter that finds a task only while this very claim holds it.

    The name of the claim stands beside the token, because a token can come again: when a task is removed and
    submitted anew, or when a server that crashed has forgotten the last claim.
    """
    return {
        "_id": record.id,
        "status": TaskStatus.RUNNING.value,
        "token": record.token,
        "claim_id": record.claim_id,
    }


class FencedPool(PoolDesk):
    """The writes of which each happens once or not at all."""

    def _claim(
        self, owner: str, ids: list[str] | None, query: Query | None, status: TaskStatus, lease: timedelta
    ) -> TaskRecord | None:
        self._ensure_indexes()
        where = combined(query, ids, status=status.value, **SOUND, **updates.RESTED)
        # Names this call, so that after an outage it finds the task that it may have claimed unheard.
        claim_id = secrets.token_hex(8)
        update = updates.claim(owner, claim_id, status, lease)
        tries = 0

        def take() -> Document | None:
            nonlocal tries
            tries += 1
            if tries > 1:
                # Also when the other servers do not have it yet.
                newest = self._tasks.with_options(read_concern=ReadConcern("local"))
                mine = newest.find_one({"status": TaskStatus.RUNNING.value, "claim_id": claim_id})
                if mine is not None:
                    return mine
            return self._tasks.find_one_and_update(
                where,
                update,
                sort=CLAIM_ORDER,
                return_document=ReturnDocument.AFTER,
            )

        document = self._patiently(take)
        return None if document is None else TaskRecord.from_document(document)

    def _write(self, record: TaskRecord, update: updates.Pipeline, status: TaskStatus | None) -> None:
        """Write to a task as its holder; `status` is what it gets, None when it stays running."""
        tasks = self._tasks if status is None else self._durable
        tries = 0

        def write() -> bool:
            nonlocal tries
            tries += 1
            return bool(tasks.update_one(fence(record), update).matched_count)

        if self._patiently(write):
            return
        # After an outage the first try may have been written, its answer lost.
        if tries > 1 and status is not None and self._was_written(record, status):
            return
        raise LeaseLost(
            f"task {record.id} is no longer held by {record.owner} (claim {record.token}); nothing was written"
        )

    def _was_written(self, record: TaskRecord, status: TaskStatus) -> bool:
        # By this very claim: another may have the same token, and a reaper may have given the same status.
        step = {"claim": record.claim_id, "status": status.value}
        where = {"_id": record.id, "history": {"$elemMatch": step}}
        return self._patiently(lambda: self._tasks.find_one(where, {"_id": 1})) is not None
