"""The task pool on MongoDB."""

from components.pool.errors import (
    LeaseLost,
    PoolRefused,
    PoolUnavailable,
    PoolUnreachable,
    RecordBroken,
    ResultChanged,
    TaskLost,
    TaskMissing,
)
from components.pool.heartbeat import Heartbeat
from components.pool.pool import TaskPool
from components.pool.queries import list_pools
from components.pool.record import Event, FailedAttempt, TaskRecord, TaskSummary
from components.pool.retry import RetryDecision, RetryPolicy
from components.pool.status import FINISHED, TaskStatus

__all__ = [
    "FINISHED",
    "Event",
    "FailedAttempt",
    "Heartbeat",
    "LeaseLost",
    "PoolRefused",
    "PoolUnavailable",
    "PoolUnreachable",
    "RecordBroken",
    "ResultChanged",
    "RetryDecision",
    "RetryPolicy",
    "TaskLost",
    "TaskMissing",
    "TaskPool",
    "TaskRecord",
    "TaskStatus",
    "TaskSummary",
    "list_pools",
]
