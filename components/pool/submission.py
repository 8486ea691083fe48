"""New tasks: their identity and their first document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

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


def new_documents(
    definitions: Iterable[tuple[int, str, RawBSONDocument]], context: Json, *, priority: int, now: datetime
) -> list[Document]:
    """The documents of tasks that wait.

    Args:
        definitions: Place in its batch, id and definition of each task.
        context: What the pool keeps beside each of them.
        priority: Higher ones are claimed first.
        now: The server's time.
    """
    waiting = TaskStatus.WAITING.value
    event = {"at": now, "status": waiting, "owner": None, "token": 0, "claim": None, "why": "submit"}
    # First come, first served: the time of submission, made unique by the place in the batch.
    order = (now - _EPOCH) // timedelta(milliseconds=1) * _ORDERS_PER_MILLISECOND
    same: Document = {
        "schema": SCHEMA,
        "context": context,
        "status": waiting,
        "priority": priority,
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
        "history": [RawBSONDocument(bson.encode(event))],
        "created_at": now,
        "updated_at": now,
    }
    return [
        {"_id": task_id, "definition": definition, "order": order + place, **same}
        for place, task_id, definition in definitions
    ]
