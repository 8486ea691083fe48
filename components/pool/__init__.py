"""The task pool on MongoDB."""

from components.pool.errors import LeaseLost, PoolRefused, PoolUnreachable, RecordBroken, TaskLost
from components.pool.heartbeat import Heartbeat
from components.pool.pool import TaskPool
from components.pool.reader import list_pools
from components.pool.record import Event, FailedAttempt, TaskRecord
from components.pool.retry import RetryDecision, RetryPolicy
from components.pool.status import TaskStatus

__all__ = [
    "Event",
    "FailedAttempt",
    "Heartbeat",
    "LeaseLost",
    "PoolRefused",
    "PoolUnreachable",
    "RecordBroken",
    "RetryDecision",
    "RetryPolicy",
    "TaskLost",
    "TaskPool",
    "TaskRecord",
    "TaskStatus",
    "list_pools",
]
