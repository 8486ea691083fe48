"""A task as the pool knows it, and the document it is read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import PlainValidator, Strict, TypeAdapter, ValidationError

from components.errors import InputError
from components.pool.encoding import decode
from components.pool.errors import RecordBroken
from components.pool.retry import RetryPolicy
from components.pool.status import TaskStatus
from components.tasks import Json

#: Version of the stored document. A reader refuses newer ones rather than misreading them.
SCHEMA = 1

Document = dict[str, Any]

#: Filter for documents of this version that have the fields a claim relies on. Others are never claimed: a claim
#: would start what nobody can finish.
VALID_DOCUMENT: Document = {
    "schema": SCHEMA,
    "definition": {"$type": "object"},
    "token": {"$type": ["int", "long"]},
    "attempts": {"$type": ["int", "long"]},
    "priority": {"$type": ["int", "long"]},
    "errors": {"$type": "array"},
    "history": {"$type": "array"},
    "created_at": {"$type": "date"},
}


def _mapping(value: Any) -> Json:
    if not isinstance(value, dict):
        raise ValueError(value)  # which validation expects
    return decode(value)


def _policy(value: Any) -> RetryPolicy | None:
    try:
        return None if value is None else RetryPolicy.from_document(_mapping(value))
    except InputError as error:
        raise ValueError(str(error)) from None


# What stored fields may hold: nothing is converted that a person may have mistyped.
Whole = Annotated[int, Strict()]
Seconds = Annotated[float, Strict()]
Time = Annotated[datetime, Strict()]
Stored = Annotated[Json, PlainValidator(decode)]
StoredMapping = Annotated[Mapping[str, Json], PlainValidator(_mapping)]
StoredPolicy = Annotated[RetryPolicy | None, PlainValidator(_policy)]


@dataclass(frozen=True, kw_only=True)
class FailedAttempt:
    """How one attempt ended."""

    #: Number of the attempt, from 1.
    attempt: Whole
    #: Token of the claim.
    token: Whole
    #: ``error``: the training raised it; ``lost``: the owner's heartbeats stopped.
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
    started: Time
    #: Seconds from the claim to the failure (of a lost one: to its discovery).
    duration: Seconds


@dataclass(frozen=True, kw_only=True)
class Event:
    """One step of a task from state to state."""

    #: Server time.
    at: Time
    #: The state it got.
    status: TaskStatus
    #: Who held it before or holds it now; None when nobody did.
    owner: str | None
    token: Whole
    #: Name of the claim or amendment that did it; None for a person, or whoever found that the owner was lost.
    claim: str | None = None
    #: What was done, e.g. ``claim``, ``complete``, ``lost: attempt 1 of 3``.
    why: str


@dataclass(frozen=True, kw_only=True)
class TaskRecord:
    """A task and all that is known of it: a snapshot, the database may have moved on."""

    #: SHA-256 of the canonical definition.
    id: str
    definition: StoredMapping
    #: What whoever works on it should know besides, such as where to record; no part of its identity.
    context: StoredMapping
    #: What happens after a failed attempt; None, of tasks of earlier versions: as the pool says.
    retry: StoredPolicy = None
    #: The latest runs that it is part of, oldest first.
    runs: tuple[str, ...] = ()
    status: TaskStatus
    #: Higher ones are claimed first.
    priority: Whole
    #: Who holds the lease, or held it last.
    owner: str | None
    #: Number of claims so far; it only grows, so that older holders can be told from newer ones.
    token: Whole
    #: Random name of the last claim; two claims never share one, even if the server forgot the first in a crash.
    claim_id: str | None
    #: The state it goes back to when this attempt comes to nothing.
    claimed_from: TaskStatus | None
    #: Claims since it was created, reset or part_done; those given back by choice are not counted.
    attempts: Whole
    #: When the lease runs out, server time; None unless running.
    lease_until: Time | None
    #: The time before which nobody may claim it, while it backs off after a failure.
    not_before: Time | None
    #: When the last claim was made.
    started_at: Time | None
    #: What the owner reported last.
    progress: Stored
    #: What the owner left on completing.
    result: Stored
    #: One for each failed attempt, oldest first.
    errors: tuple[FailedAttempt, ...]
    #: Its steps, oldest first.
    history: tuple[Event, ...]
    created_at: Time
    #: Time of the last write, heartbeats included.
    updated_at: Time
    #: Version of the stored document.
    schema: Whole

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> TaskRecord:
        """Read a stored document.

        Raises:
            RecordBroken: naming the task and the field that cannot be read.

        """
        schema = document.get("schema")
        if not isinstance(schema, int) or schema > SCHEMA:
            raise RecordBroken(
                f"task {document.get('_id')}: schema is {schema!r}, this version reads up to {SCHEMA}; "
                "update rollflow"
            )
        return _read(_record_reader(), {"context": {}, **document})  # earlier versions stored none


@dataclass(frozen=True, kw_only=True)
class TaskSummary:
    """How a task stands, without its definition and history: cheap to read again and again."""

    id: str
    status: TaskStatus
    #: Who holds it; None when nobody does.
    owner: str | None
    token: Whole
    attempts: Whole
    #: The time before which nobody may claim it, while it backs off after a failure.
    not_before: Time | None
    #: When the last claim was made.
    started_at: Time | None
    #: What the owner reported last.
    progress: Stored
    #: What the owner left on completing.
    result: Stored
    #: The last failed attempt, without its traceback; None when there was none.
    error: FailedAttempt | None = None
    updated_at: Time

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> TaskSummary:
        """Read what `SUMMARY_FIELDS` leave of a stored document.

        Raises:
            RecordBroken: naming the task and the field that cannot be read.

        """
        errors = document.get("errors") or [None]
        error = errors[-1] if isinstance(errors, list) else errors
        if isinstance(error, dict):
            error = {"traceback": "", **error}
        return _read(_summary_reader(), {**document, "error": error})


#: The projection of MongoDB that leaves what a `TaskSummary` shows.
SUMMARY_FIELDS: Document = {
    **{field.name: 1 for field in fields(TaskSummary) if field.name not in ("id", "error")},
    **{f"errors.{field.name}": 1 for field in fields(FailedAttempt) if field.name != "traceback"},
}

_T = TypeVar("_T")


def _read(reader: TypeAdapter[_T], document: Mapping[str, Any]) -> _T:
    task = document.get("_id")
    try:
        return reader.validate_python({**document, "id": task})
    except ValidationError as error:
        field = str(error.errors(include_url=False)[0]["loc"][0])
        shown = repr(document.get(field, "missing"))[:80]
        raise RecordBroken(f"task {task}: cannot read {field} ({shown}); mend or remove it") from error


@cache
def _record_reader() -> TypeAdapter[TaskRecord]:
    return TypeAdapter(TaskRecord)


@cache
def _summary_reader() -> TypeAdapter[TaskSummary]:
    return TypeAdapter(TaskSummary)
