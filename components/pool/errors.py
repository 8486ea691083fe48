"""What can go wrong with the pool, each explained in one line."""

from __future__ import annotations

from components.errors import InputError, RollflowError


class LeaseLost(RollflowError):
    """The task is no longer this worker's: the write was refused as a whole and the work is to be thrown away."""


class TaskLost(RollflowError):
    """The owner of a task stopped beating: it was killed, or cut off for longer than its lease."""


class PoolUnreachable(InputError):
    """MongoDB does not answer, or does not let us in."""


class PoolRefused(InputError):
    """MongoDB answers but refuses the operation (rights, disk space, a query it cannot read)."""


class RecordBroken(InputError):
    """A stored task cannot be read: changed by hand, or written by a newer version. It is left as it is."""
