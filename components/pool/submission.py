"""New tasks: their identity and their first document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument

from components.errors import InputError
from components.pool.encoding import check_size, encode_task
from components.pool.record import SCHEMA, Document
from components.pool.status import TaskStatus
from components.tasks import Json, TrainingTask, text_key

Task = TrainingTask | Mapping[str, Any]

_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_ORDERS_PER_MILLISECOND = 1_000_000


def identify(task: Task) -> tuple[str, RawBSONDocument]:
    """The id of a task and its definition as it is stored.

    Raises:
        InputError: when it is no JSON document, or too large.

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


def new_document(
    task_id: str, definition: RawBSONDocument, context: Json, *, priority: int, position: int, now: datetime
) -> Document:
    """The document of a task that waits; `position` is its place in its batch, `now` the server's time."""
    waiting = TaskStatus.WAITING.value
    event = {"at": now, "status": waiting, "owner": None, "token": 0, "claim": None, "why": "submit"}
    milliseconds = (now - _EPOCH) // timedelta(milliseconds=1)
    return {
        "_id": task_id,
        "schema": SCHEMA,
        "definition": definition,
        "context": context,
        "status": waiting,
        "priority": priority,
        # First come, first served: the time of submission, made unique by the place in the batch.
        "order": milliseconds * _ORDERS_PER_MILLISECOND + position,
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
        "history": [event],
        "created_at": now,
        "updated_at": now,
    }
