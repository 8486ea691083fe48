"""A task as the pool knows it, and the document it is read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from components.pool.encoding import decode
from components.pool.errors import RecordBroken
from components.pool.status import TaskStatus
from components.tasks import Json

#: Version of the stored document. A reader refuses newer ones rather than misreading them.
SCHEMA = 1

Document = dict[str, Any]

#: Filter for documents of this version whose fields can be counted on. Others are never claimed: a claim would
#: start what nobody can finish.
SOUND: Document = {
    "schema": SCHEMA,
    "definition": {"$type": "object"},
    "token": {"$type": ["int", "long"]},
    "attempts": {"$type": ["int", "long"]},
    "priority": {"$type": ["int", "long"]},
    "errors": {"$type": "array"},
    "history": {"$type": "array"},
    "created_at": {"$type": "date"},
}


@dataclass(frozen=True, kw_only=True)
class FailedAttempt:
    """How one attempt ended."""

    #: Number of the attempt, from 1.
    attempt: int
    #: Token of the claim.
    token: int
    #: ``error``: the training raised it; ``lost``: the owner stopped beating.
    reason: str
    #: Class of the error.
    type: str
    message: str
    #: Cut at the front when it is long; the end says where it happened.
    traceback: str
    owner: str
    #: Machine of the owner.
    host: str
    #: When the task was claimed, server time.
    started: datetime
    #: Seconds from the claim to the failure (of a lost one: to its discovery).
    duration: float


@dataclass(frozen=True, kw_only=True)
class Event:
    """One step of a task from state to state."""

    #: Server time.
    at: datetime
    #: The state it got.
    status: TaskStatus
    #: Who held it before or holds it now; None when nobody did.
    owner: str | None
    token: int
    #: Name of the claim that did it; None for a person, or whoever found that the owner was lost.
    claim: str | None
    #: What was done, e.g. ``claim``, ``complete``, ``lost: attempt 1 of 3``.
    why: str


@dataclass(frozen=True, kw_only=True)
class TaskRecord:
    """A task and all that is known of it. A snapshot: the database may have moved on."""

    #: SHA-256 of the canonical definition.
    id: str
    definition: Mapping[str, Json]
    #: What whoever works on it should know besides, such as where to record; no part of its identity.
    context: Mapping[str, Json]
    status: TaskStatus
    #: Higher ones are claimed first.
    priority: int
    #: Who holds the lease, or held it last.
    owner: str | None
    #: Number of claims so far; it only grows, so that older holders can be told from newer ones.
    token: int
    #: Random name of the last claim; two claims never share one, even if the server forgot the first in a crash.
    claim_id: str | None
    #: The state it goes back to when this attempt comes to nothing.
    claimed_from: TaskStatus | None
    #: Claims since it was created, reset or part_done; those given back by choice are not counted.
    attempts: int
    #: When the lease runs out, server time; None unless running.
    lease_until: datetime | None
    #: The time before which nobody may claim it, while it rests after a failure.
    not_before: datetime | None
    #: When the last claim was made.
    started_at: datetime | None
    #: What the owner reported last.
    progress: Json
    #: What the owner left on completing.
    result: Json
    #: One for each failed attempt, oldest first.
    errors: tuple[FailedAttempt, ...]
    #: Its steps, oldest first.
    history: tuple[Event, ...]
    created_at: datetime
    #: Time of the last write, beats included.
    updated_at: datetime
    #: Version of the stored document.
    schema: int

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> TaskRecord:
        """Read a stored document.

        Raises:
            RecordBroken: naming the task and the field that cannot be read.

        """
        task = document.get("_id")
        schema = document.get("schema")
        if not isinstance(schema, int) or schema > SCHEMA:
            raise RecordBroken(
                f"task {task}: schema is {schema!r}, this version reads up to {SCHEMA}; update rollflow"
            )
        document = {"context": {}, **document}  # earlier versions stored none
        values: dict[str, Any] = {"id": task}
        for name, read in _READERS.items():
            try:
                values[name] = read(document[name])
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                shown = repr(document.get(name, "missing"))[:80]
                raise RecordBroken(f"task {task}: cannot read {name} ({shown}); mend or remove it") from error
        return cls(**values)


def _is(*kinds: type) -> Any:
    def read(value: Any) -> Any:
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise TypeError(value)
        return value

    return read


def _mapping(value: Any) -> Json:
    return decode(_is(dict)(value))


def _optional_status(value: Any) -> TaskStatus | None:
    return None if value is None else TaskStatus(value)


def _items(read: Any) -> Any:
    return lambda value: tuple(read(item) for item in _is(list)(value))


def _object(kind: type, readers: Mapping[str, Any], **defaults: Any) -> Any:
    def read(value: Mapping[str, Any]) -> Any:
        stored = {**defaults, **value}
        return kind(**{name: read_field(stored[name]) for name, read_field in readers.items()})

    return read


_NoneType = type(None)
_ATTEMPT_READERS: dict[str, Any] = {
    **dict.fromkeys(("attempt", "token"), _is(int)),
    **dict.fromkeys(("reason", "type", "message", "traceback", "owner", "host"), _is(str)),
    "started": _is(datetime),
    "duration": _is(int, float),
}
_EVENT_READERS: dict[str, Any] = {
    "at": _is(datetime),
    "status": TaskStatus,
    "owner": _is(str, _NoneType),
    "token": _is(int),
    "claim": _is(str, _NoneType),
    "why": _is(str),
}
_READERS: dict[str, Any] = {
    "definition": _mapping,
    "context": _mapping,
    "status": TaskStatus,
    "priority": _is(int),
    "owner": _is(str, _NoneType),
    "token": _is(int),
    "claim_id": _is(str, _NoneType),
    "claimed_from": _optional_status,
    "attempts": _is(int),
    "lease_until": _is(datetime, _NoneType),
    "not_before": _is(datetime, _NoneType),
    "started_at": _is(datetime, _NoneType),
    "progress": decode,
    "result": decode,
    "errors": _items(_object(FailedAttempt, _ATTEMPT_READERS)),
    "history": _items(_object(Event, _EVENT_READERS, claim=None)),
    "created_at": _is(datetime),
    "updated_at": _is(datetime),
    "schema": _is(int),
}
