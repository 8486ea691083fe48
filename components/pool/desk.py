"""What a person (or a flow on a person's behalf) does to tasks, whoever holds them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from components.errors import InputError
from components.pool import updates
from components.pool.reader import PoolReader, Query, combined
from components.pool.status import TRANSITIONS, TaskStatus


class PoolDesk(PoolReader):
    """Changing the standing of tasks. Each method returns how many tasks it changed.

    A worker whose task is reset, cancelled or removed learns it from its next beat or write: `LeaseLost`.
    """

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

    def _update(self, where: Mapping[str, Any], update: updates.Pipeline) -> int:
        return self._patiently(lambda: self._durable.update_many(where, update)).modified_count
