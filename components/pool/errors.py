"""What can go wrong with the pool, each explained in one line."""

from __future__ import annotations

from components.errors import InputError, RollflowError, Unavailable


class LeaseLost(RollflowError):
    """The task is no longer this worker's: the write was refused as a whole; discard the work."""


class TaskLost(RollflowError):
    """The owner of a task stopped sending heartbeats: it was killed, or cut off for longer than its lease."""


class ResultChanged(RollflowError):
    """A result was not amended: the task is no longer done, or has another result by now."""


class PoolUnreachable(InputError):
    """MongoDB did not answer the first request: its address is most likely wrong. Or it does not let us in."""


class PoolUnavailable(Unavailable):
    """MongoDB has answered before, but an outage lasts longer than it is waited for; or its disk is full."""


class PoolRefused(InputError):
    """MongoDB answers but refuses the operation (rights, a query it cannot read)."""


class TaskMissing(InputError):
    """The pool has no task of that id: never submitted, or removed since."""


class RecordBroken(InputError):
    """A stored task cannot be read: changed by hand, or written by a newer version. It is left as it is."""
