"""What must hold of every task of a pool at every moment, whatever died on the way there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import pairwise

from components.pool import Event, TaskRecord, TaskStatus
from components.pool.updates import ERRORS_KEPT, HISTORY_KEPT

WAITING, RUNNING, PART_DONE, DONE, FAILED, CANCELLED = TaskStatus
#: Steps that begin the count of attempts anew, and those that give one back.
_ANEW, _BACK = ("submit", "reset"), "release"
#: The time of a step is that at which its command came to the server, which may then have let another go first.
_OVERLAP = timedelta(seconds=5)
_NAMES_ITS_CLAIM = ("claim", "complete", "release", "error", "amend")


def assert_sound(records: Iterable[TaskRecord]) -> None:
    """Fail with every violation that there is."""
    found = [f"{record.id[:12]}: {fault}" for record in records for fault in faults(record)]
    assert not found, f"{len(found)} violations\n" + "\n".join(found[:20])


def faults(record: TaskRecord) -> Iterator[str]:
    """What is wrong with a task: nothing, if the pool is as good as its word."""
    path = [f"{event.status}({event.token}, {event.why})" for event in record.history]
    for number, (before, event) in enumerate(pairwise(record.history)):
        for fault in _step_faults(before, event):
            yield f"{fault} in {' -> '.join(path[number : number + 2])}"
    yield from _end_faults(record)
    if len(record.history) < HISTORY_KEPT:
        yield from _count_faults(record)


def _verb(event: Event) -> str:
    return event.why.partition(":")[0]


def _step_faults(before: Event, event: Event) -> Iterator[str]:
    verb = _verb(event)
    if verb == "amend" and (before.status, event.status) != (DONE, DONE):
        yield "amended without being done"
    if verb != "amend" and not before.status.may_become(event.status):
        yield "no legal step"
    if event.token != before.token + (verb == "claim"):
        yield "a token that is not its claim's"
    if event.at < before.at - _OVERLAP:
        yield "time runs backwards"
    if (event.claim is not None) != (verb in _NAMES_ITS_CLAIM) and verb != "lost":  # of which a holder may know too
        yield "not by whom it may be done"
    if before.status is RUNNING and event.claim not in (None, before.claim):
        yield "by another claim than the one that held it"
    if before.status is RUNNING and event.owner != before.owner:
        yield "of another owner than the one that held it"


def _end_faults(record: TaskRecord) -> Iterator[str]:
    last = record.history[-1]
    if last.status is not record.status:
        yield f"is {record.status}, its history ends with {last.status}"
    if last.token != record.token:
        yield f"has token {record.token}, its history ends with {last.token}"
    running = record.status is RUNNING
    held = (record.owner, record.lease_until, record.claim_id, record.claimed_from)
    if any((value is not None) != running for value in held):
        yield f"is {record.status} and held by {held}"
    if running and record.claim_id != last.claim:
        yield "is held by another claim than the last"
    if record.not_before is not None and record.status not in (WAITING, PART_DONE):
        yield f"is {record.status} and rests"
    if record.result is not None and record.status is WAITING:
        yield "waits and has a result"


def _count_faults(record: TaskRecord) -> Iterator[str]:
    """What can be counted only as long as nothing of the history has been cut."""
    verbs = [_verb(event) for event in record.history]
    if verbs[0] != "submit":
        yield f"begins with {verbs[0]}"
    if record.token != verbs.count("claim"):
        yield f"has token {record.token} after {verbs.count('claim')} claims"
    attempts = 0
    for event in record.history:
        if _verb(event) in _ANEW or (_verb(event), event.status) == ("complete", PART_DONE):
            attempts = 0
        attempts += (_verb(event) == "claim") - (_verb(event) == _BACK)
    if record.attempts != attempts:
        yield f"counts {record.attempts} attempts, its history {attempts}"
    failures = [(_verb(event), event.token) for event in record.history if _verb(event) in ("error", "lost")]
    if [(error.reason, error.token) for error in record.errors] != failures[-ERRORS_KEPT:]:
        yield f"keeps {len(record.errors)} errors of {len(failures)} failures"
