"""Tasks as people read them, and as JSON for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from components.pool.pool import TaskPool
from components.pool.reader import Counts
from components.pool.record import TaskRecord
from components.pool.status import TaskStatus
from components.pool.triage import FailureGroup

_SHORT_ID = 12


def write_json(value: Any) -> None:
    """One JSON document on stdout; times as ISO 8601."""
    sys.stdout.write(json.dumps(value, default=_readable, ensure_ascii=False, indent=2) + "\n")


def plain_counts(counts: Counts) -> dict[str, int]:
    """Every state with its number of tasks."""
    return {status.value: counts[status] for status in TaskStatus}


def counts_table(rows: Iterable[tuple[str, Counts]]) -> Table:
    """One row a pool."""
    table = Table("pool", *(status.value for status in TaskStatus), "all")
    for name, counts in rows:
        table.add_row(name, *(str(counts[status]) for status in TaskStatus), str(counts.total()))
    return table


def tasks_table(records: Sequence[TaskRecord]) -> Table:
    """One row a task."""
    table = Table("id", "status", "prio", "attempts", "owner", "test segment", "last error", "updated")
    for record in records:
        error = f"{record.errors[-1].type}: {record.errors[-1].message}" if record.errors else ""
        table.add_row(
            record.id[:_SHORT_ID],
            record.status.value,
            str(record.priority),
            str(record.attempts),
            escape(record.owner or ""),
            escape(_test_segment(record)),
            escape(error[:60]),
            f"{record.updated_at:%Y-%m-%d %H:%M:%S}",
        )
    return table


def history_table(record: TaskRecord) -> Table:
    """One row a step."""
    table = Table("at", "status", "owner", "token", "why")
    for event in record.history:
        at = f"{event.at:%Y-%m-%d %H:%M:%S}"
        table.add_row(at, event.status.value, escape(event.owner or ""), str(event.token), escape(event.why))
    return table


def failures_table(groups: Iterable[FailureGroup]) -> Table:
    """One row a kind of error."""
    table = Table("tasks", "error", "hosts last seen", "first ids")
    for group in groups:
        ids = " ".join(task[:_SHORT_ID] for task in group.ids[:3])
        table.add_row(str(len(group.ids)), escape(f"{group.type}: {group.pattern}"), group.example.host, ids)
    return table


def wait_with_bar(pool: TaskPool, query: dict[str, Any], timeout: timedelta | None) -> Counts:
    """Wait until the chosen tasks are finished, showing how many are."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task(pool.name, total=None)

        def look(counts: Counts) -> None:
            finished = sum(count for status, count in counts.items() if status.is_finished)
            running, failed = counts[TaskStatus.RUNNING], counts[TaskStatus.FAILED]
            words = f"{pool.name}: {running} running, {failed} failed"
            progress.update(bar, completed=finished, total=counts.total(), description=words)

        return pool.wait(query, timeout=timeout, on_counts=look)


def record_json(record: TaskRecord) -> dict[str, Any]:
    """A task with all that is known of it."""
    return asdict(record)


def _readable(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _test_segment(record: TaskRecord) -> str:
    try:
        start, end = record.definition["dataset"]["kwargs"]["segments"]["test"]
    except (KeyError, TypeError, ValueError):
        return ""  # a document of another kind
    return f"{start or ''} – {end or ''}"
