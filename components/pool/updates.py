"""The updates of the pool as aggregation pipelines, so that every time in them is the server's (``$$NOW``).

Values that come from outside are wrapped in ``$literal``: text that starts with a dollar is not an expression.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from components.pool.status import TaskStatus
from components.tasks import Json

Pipeline = list[dict[str, Any]]
Expression = Any

#: How many of its latest steps and errors a task keeps.
HISTORY_KEPT = 200
ERRORS_KEPT = 30
#: How many of the latest runs that a task is part of are kept.
RUNS_KEPT = 100

NOW = "$$NOW"
#: Fields of a task that nobody holds.
_NOBODY: dict[str, Any] = {"owner": None, "lease_until": None, "claim_id": None, "claimed_from": None}
#: Filter for tasks that no longer back off after a failure, and for those whose lease has run out.
BACKOFF_OVER = {"$expr": {"$lte": ["$not_before", NOW]}}
EXPIRED = {"$expr": {"$lt": ["$lease_until", NOW]}}


def claim(owner: str, claim_id: str, status: TaskStatus, lease: timedelta) -> Pipeline:
    """Waiting or part_done -> running."""
    holder, token = {"$literal": owner}, {"$add": ["$token", 1]}
    return [
        {
            "$set": {
                "status": TaskStatus.RUNNING.value,
                "owner": holder,
                "token": token,
                "claim_id": claim_id,
                "claimed_from": status.value,
                "attempts": {"$add": ["$attempts", 1]},
                "lease_until": _after(lease),
                "not_before": None,
                "started_at": NOW,
                "updated_at": NOW,
                "progress": None,
                "history": _event(TaskStatus.RUNNING.value, "claim", token=token, owner=holder, claim=claim_id),
            }
        }
    ]


def heartbeat(lease: timedelta, progress: Json) -> Pipeline:
    """Running -> running, with a new lease."""
    fields = {"lease_until": _after(lease), "updated_at": NOW}
    if progress is not None:
        fields["progress"] = {"$literal": progress}
    return [{"$set": fields}]


def complete(status: TaskStatus, result: Json) -> Pipeline:
    """Running -> done or part_done. The next phase has its own attempts."""
    fields: dict[str, Any] = {"result": {"$literal": result}}
    if status is TaskStatus.PART_DONE:
        fields["attempts"] = 0
    return [{"$set": {**_moved(status.value, "complete", claim="$claim_id"), **fields}}]


def release() -> Pipeline:
    """Running -> where it was claimed from, as if it had not been claimed."""
    moved = _moved("$claimed_from", "release", claim="$claim_id")
    return [{"$set": {**moved, "attempts": {"$subtract": ["$attempts", 1]}}}]


def fail(error: Mapping[str, Json], *, retry: bool, delay: timedelta, why: str, claim: str | None) -> Pipeline:
    """Running -> where it was claimed from, to be tried again after `delay`; or -> failed.

    `claim` is the holder's; None when somebody else found that the holder was lost.
    """
    failed_attempt = {
        "$mergeObjects": [
            {"$literal": dict(error)},
            {
                "attempt": "$attempts",
                "token": "$token",
                "owner": "$owner",
                "started": "$started_at",
                "duration": {"$divide": [{"$subtract": [NOW, "$started_at"]}, 1000]},
            },
        ]
    }
    fields: dict[str, Any] = {"errors": _appended("$errors", failed_attempt, ERRORS_KEPT)}
    if retry and delay:
        fields["not_before"] = _after(delay)
    status = "$claimed_from" if retry else TaskStatus.FAILED.value
    return [{"$set": {**_moved(status, why, claim=claim), **fields}}]


def reset() -> Pipeline:
    """Any state -> waiting, as new: its attempts start again, its errors and history are kept."""
    fields = {"attempts": 0, "not_before": None, "result": None, "progress": None}
    return [{"$set": {**_moved(TaskStatus.WAITING.value, "reset"), **fields}}]


def cancel() -> Pipeline:
    """Waiting, part_done or running -> cancelled."""
    return [{"$set": _moved(TaskStatus.CANCELLED.value, "cancel")}]


def amend(result: Json, amendment: str) -> Pipeline:
    """Done -> done, with another result; `amendment` names the call in the history."""
    history = _event(TaskStatus.DONE.value, "amend", claim=amendment)
    return [{"$set": {"result": {"$literal": result}, "updated_at": NOW, "history": history}}]


def set_instruction(field: str, value: Json, submission: int) -> Pipeline:
    """Another context or retry policy, by a submission of this number; not a step of the state machine."""
    return [{"$set": {field: {"$literal": value}, f"since.{field}": submission, "updated_at": NOW}}]


def join(run: str) -> Pipeline:
    """Part of one more run; not a step of the state machine."""
    others = {"$ifNull": ["$runs", []]}
    return [{"$set": {"runs": _appended(others, {"$literal": run}, RUNS_KEPT), "updated_at": NOW}}]


def prioritise(priority: int) -> Pipeline:
    """Claimed earlier or later; not a step of the state machine."""
    return [{"$set": {"priority": priority, "updated_at": NOW}}]


def _moved(status: Expression, why: str, *, claim: Expression = None) -> dict[str, Any]:
    return {**_NOBODY, "status": status, "updated_at": NOW, "history": _event(status, why, claim=claim)}


def _event(
    status: Expression,
    why: str,
    *,
    token: Expression = "$token",  # noqa: S107 - a field
    owner: Expression = "$owner",
    claim: Expression = None,
) -> Expression:
    event = {"at": NOW, "status": status, "owner": owner, "token": token, "claim": claim, "why": {"$literal": why}}
    return _appended("$history", event, HISTORY_KEPT)


def _appended(array: Expression, item: Expression, kept: int) -> Expression:
    return {"$slice": [{"$concatArrays": [array, [item]]}, -kept]}


def _after(delay: timedelta) -> Expression:
    return {"$add": [NOW, round(delay.total_seconds() * 1000)]}
