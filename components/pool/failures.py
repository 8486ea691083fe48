"""An attempt that ended with an error: what is kept of it, and what becomes of its task."""

from __future__ import annotations

import socket
import traceback

from components.pool import updates
from components.pool.errors import TaskLost
from components.pool.record import TaskRecord
from components.pool.retry import RetryPolicy
from components.pool.status import TaskStatus
from components.redaction import redacted
from components.tasks import Json

_MESSAGE_LIMIT, _TRACEBACK_LIMIT = 4_000, 16_000


def failure(
    record: TaskRecord, error: BaseException, retry: RetryPolicy, chance: float, *, by_holder: bool = True
) -> tuple[updates.Pipeline, TaskStatus]:
    """The update that ends the attempt, and the state that it gives the task.

    Args:
        record: the task.
        error: what ended the attempt.
        retry: decides what comes next, unless the task has a policy of its own.
        chance: a random number from [0, 1).
        by_holder: whether the holder reports it, or somebody else found that the holder was lost.

    """
    decision = (record.retry or retry).decide(error, record.attempts, chance)
    attempt = _described(error, record.owner or "")
    why = f"{attempt['reason']}: {decision.reason}"
    claim = record.claim_id if by_holder else None
    update = updates.fail(attempt, retry=decision.retry, delay=decision.delay, why=why, claim=claim)
    back = record.claimed_from or TaskStatus.WAITING
    return update, back if decision.retry else TaskStatus.FAILED


def _described(error: BaseException, owner: str) -> dict[str, Json]:
    """The part of a `FailedAttempt` that the error knows, without passwords; long texts are cut, with a note."""
    lost = isinstance(error, TaskLost)
    return {
        "reason": "lost" if lost else "error",
        "type": type(error).__name__,
        "message": _stored(str(error), _MESSAGE_LIMIT, keep_end=False),
        "traceback": "" if lost else _stored(_traceback(error), _TRACEBACK_LIMIT, keep_end=True),
        # Of a lost one only the name of its owner is known, by custom host:pid.
        "host": owner.partition(":")[0] if lost else socket.gethostname(),
    }


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def _stored(text: str, limit: int, *, keep_end: bool) -> str:
    text = text.encode("utf-8", "backslashreplace").decode()
    text = redacted(text)  # before it is cut: half an address would not be recognised
    if len(text) <= limit:
        return text
    note = f"[{len(text) - limit:,} characters cut]"
    return f"{note}\n{text[-limit:]}" if keep_end else f"{text[:limit]} {note}"
