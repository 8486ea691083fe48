"""Tasks as people read them, and as JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from rich.console import Console, JustifyMethod
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from components.pool.failure_groups import FailureGroup
from components.pool.pool import TaskPool
from components.pool.queries import Counts
from components.pool.record import TaskRecord
from components.pool.status import TaskStatus
from components.tasks import Json

_SHORT_ID = 8
_WIDEST = 250  # characters
_NUMBERS = (*(status.value for status in TaskStatus), "all")


def plain_counts(counts: Counts) -> dict[str, int]:
    """Every state with its number of tasks."""
    return {status.value: counts[status] for status in TaskStatus}


def console() -> Console:
    """Stdout: as wide as the screen, or as it needs to be in a file or for another program."""
    found = Console()
    if not found.is_terminal:
        found.width = _WIDEST
    return found


def print_table(table: Table) -> None:
    """A table on stdout."""
    console().print(table)


def tasks(number: int) -> str:
    """How many, in words."""
    return f"{number} task{'' if number == 1 else 's'}"


def counts_table(rows: Iterable[tuple[str, Counts]]) -> Table:
    """One row per pool."""
    table = _table("pool", *_NUMBERS, numeric=_NUMBERS)
    for name, counts in rows:
        table.add_row(escape(name), *(str(counts[status]) for status in TaskStatus), str(counts.total()))
    return table


def tasks_table(records: Sequence[TaskRecord]) -> Table:
    """One row per task."""
    table = _table("id", "status", "prio", "tries", "test", "updated", "owner or error", numeric=("prio", "tries"))
    for record in records:
        failed = record.errors and record.status is not TaskStatus.DONE
        error = f"{record.errors[-1].type}: {record.errors[-1].message}" if failed else ""
        table.add_row(
            record.id[:_SHORT_ID],
            record.status.value,
            str(record.priority),
            str(record.attempts),
            escape(_test_segment(record)),
            f"{record.updated_at:%m-%d %H:%M}",
            _yielding(record.owner or error),
        )
    return table


def essentials(record: TaskRecord) -> Table:
    """What a person asks first of a task, one line each."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    last = record.errors[-1] if record.errors else None
    lines = {
        "task": record.id,
        "status": f"{record.status}, attempt {record.attempts} of {_attempts(record)}",
        "test": _test_segment(record),
        "owner": record.owner,
        "runs": ", ".join(record.runs),
        "submitted": f"{record.created_at:%Y-%m-%d %H:%M:%S}",
        "last write": f"{record.updated_at:%Y-%m-%d %H:%M:%S}",
        "backs off until": f"{record.not_before:%Y-%m-%d %H:%M:%S}" if record.not_before else None,
        "last error": f"{last.type}: {last.message}" if last else None,
        "progress": _short_json(record.progress),
        "result": _short_json(record.result),
    }
    for name, text in lines.items():
        if text:
            grid.add_row(name, _yielding(text))
    return grid


def history_table(record: TaskRecord) -> Table:
    """One row per step."""
    table = _table("at", "status", "owner", "token", "why", numeric=("token",))
    for event in record.history:
        at = f"{event.at:%Y-%m-%d %H:%M:%S}"
        table.add_row(at, event.status.value, escape(event.owner or ""), str(event.token), _yielding(event.why))
    return table


def failures_table(groups: Iterable[FailureGroup]) -> Table:
    """One row per kind of error."""
    table = _table("tasks", "first ids", "last on host", "error", numeric=("tasks",))
    for group in groups:
        ids = " ".join(task[:_SHORT_ID] for task in group.ids[:2])
        error = _yielding(f"{group.type}: {group.pattern}")
        table.add_row(str(len(group.ids)), ids, escape(group.example.host), error)
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


def _attempts(record: TaskRecord) -> str:
    return str(record.retry.max_attempts) if record.retry else "?"


def _short_json(value: Json) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _test_segment(record: TaskRecord) -> str:
    try:
        start, end = record.definition["dataset"]["kwargs"]["segments"]["test"]
    except (KeyError, TypeError, ValueError):
        return ""  # a document of another kind
    return f"{start or ''}..{end or ''}"


def _table(*columns: str, numeric: Collection[str]) -> Table:
    """An empty one, one line a row; what a narrow screen has no room for is cut."""
    table = Table(header_style="bold", box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for name in columns:
        justify: JustifyMethod = "right" if name in numeric else "left"
        table.add_column(name, justify=justify, no_wrap=name != columns[-1])
    return table


def _yielding(text: str) -> Text:
    """The first line of a text, as much as there is room for."""
    return Text(text.partition("\n")[0], no_wrap=True, overflow="ellipsis")
