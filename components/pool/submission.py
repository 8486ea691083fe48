"""New tasks: their identity and their first documents."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import bson
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument

from components.errors import InputError
from components.pool.encoding import check_size, encode_task
from components.pool.record import SCHEMA, Document
from components.pool.status import TaskStatus
from components.tasks import Json, TrainingTask, text_key

Task = TrainingTask | Mapping[str, Any]

_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_NUMBERS_PER_MILLISECOND = 1_000_000


def identify(task: Task) -> tuple[str, RawBSONDocument]:
    """The id of a task and its definition as it is stored.

    Raises:
        InputError: when it is not a JSON document, or too large.

    """
    if isinstance(task, TrainingTask):
        task = task.to_config()
    elif not isinstance(task, Mapping):
        raise InputError(f"a task is a TrainingTask or a mapping, not a {type(task).__name__}")
    try:
        text, stored = encode_task(task)
    except (ValueError, RecursionError) as error:  # NaN, infinity, half a surrogate pair, endless nesting
        raise InputError(f"a task that has no JSON form: {error}") from None
    except (BSONError, OverflowError) as error:
        raise InputError(f"a task that cannot be stored: {error}") from None
    task_id = text_key(text)
    check_size(len(stored), f"task {task_id}")
    return task_id, RawBSONDocument(stored)


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What is said of all tasks that are submitted together."""

    #: The server's time.
    now: datetime
    #: Grows with time and belongs to this submission only: of two at the same time, one is the newer.
    number: int
    priority: int
    #: What goes with new tasks, in its stored form: ``context`` and ``retry``.
    instructions: Mapping[str, Json]
    #: Those that the caller gave: they replace what goes with tasks that are stored already.
    given: Collection[str]
    run: str | None

    @classmethod
    def at(cls, now: datetime, **fields: Any) -> Self:
        """A submission at a time of the server."""
        number = _milliseconds(now) * _NUMBERS_PER_MILLISECOND + secrets.randbelow(_NUMBERS_PER_MILLISECOND)
        return cls(now=now, number=number, **fields)

    def documents(self, tasks: Iterable[tuple[int, str, RawBSONDocument]]) -> list[Document]:
        """The documents of new tasks, which wait; of each its place in the submission, id and definition."""
        now = self.now
        waiting = TaskStatus.WAITING.value
        event = {"at": now, "status": waiting, "owner": None, "token": 0, "claim": None, "why": "submit"}
        # First come, first served: the time of submission, made unique by the place in the submission.
        order = _milliseconds(now) * _NUMBERS_PER_MILLISECOND
        same: Document = {
            "schema": SCHEMA,
            **{field: _encoded(value) for field, value in self.instructions.items()},
            "since": _encoded(dict.fromkeys(self.given, self.number)),
            **({"runs": [self.run]} if self.run is not None else {}),
            "status": waiting,
            "priority": self.priority,
            "owner": None,
            "token": 0,
            "claim_id": None,
            "claimed_from": None,
            "attempts": 0,
            "lease_until": None,
            "not_before": None,
            "started_at": None,
            "progress": None,
            "result": None,
            "errors": [],
            "history": [_encoded(event)],
            "created_at": now,
            "updated_at": now,
        }
        return [
            {"_id": task_id, "definition": definition, "order": order + place, **same}
            for place, task_id, definition in tasks
        ]


def _encoded(document: Mapping[str, Any]) -> RawBSONDocument:
    """Encoded once for thousands of documents that have it."""
    return RawBSONDocument(bson.encode(document))


def _milliseconds(time: datetime) -> int:
    """Since 1970."""
    return (time - _EPOCH) // timedelta(milliseconds=1)
