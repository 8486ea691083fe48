"""The states of a task in the pool, and the only ways from one to another."""

from __future__ import annotations

from enum import StrEnum


class TaskStatus(StrEnum):
    """What is known of a task. The values are what the database holds."""

    #: Nobody works on it; whoever comes first may claim it.
    WAITING = "waiting"
    #: Claimed: one owner holds its lease.
    RUNNING = "running"
    #: The first of two phases is finished; it may be claimed for the second.
    PART_DONE = "part_done"
    #: Finished, the result is kept.
    DONE = "done"
    #: Given up, every attempt's error is kept: the dead letter.
    FAILED = "failed"
    #: A person no longer wants it.
    CANCELLED = "cancelled"

    @property
    def is_finished(self) -> bool:
        """Whether nothing will happen to the task unless somebody resets it."""
        return self in FINISHED

    @property
    def is_claimable(self) -> bool:
        """Whether a worker may claim a task in this state."""
        return TaskStatus.RUNNING in TRANSITIONS[self]

    def may_become(self, status: TaskStatus) -> bool:
        """Whether the pool ever moves a task from this state to `status`."""
        return status in TRANSITIONS[self]


_S = TaskStatus

#: Every legal step. A task goes back from running to where it was claimed from (waiting or part_done).
TRANSITIONS: dict[TaskStatus, frozenset[TaskStatus]] = {
    _S.WAITING: frozenset({_S.RUNNING, _S.CANCELLED}),
    _S.RUNNING: frozenset({_S.DONE, _S.PART_DONE, _S.WAITING, _S.FAILED, _S.CANCELLED}),
    _S.PART_DONE: frozenset({_S.RUNNING, _S.WAITING, _S.CANCELLED}),
    _S.DONE: frozenset({_S.WAITING}),
    _S.FAILED: frozenset({_S.WAITING}),
    _S.CANCELLED: frozenset({_S.WAITING}),
}

FINISHED = frozenset({_S.DONE, _S.FAILED, _S.CANCELLED})
