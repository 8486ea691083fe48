"""The commands of ``python -m components.pool``, each a function of the pool and the options."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from rich.console import Console

from components.cli import confirm, write_json
from components.errors import InputError
from components.pool import show, task_filters
from components.pool.errors import RecordBroken
from components.pool.failure_groups import group_failures
from components.pool.pool import TaskPool
from components.pool.record import TaskRecord
from components.pool.selection import Query
from components.pool.status import TaskStatus

Command = Callable[[TaskPool, argparse.Namespace], int]

_FAILED = TaskStatus.FAILED


def counts(pool: TaskPool, options: argparse.Namespace) -> int:
    """How many tasks are in each state."""
    found = pool.counts(_chosen(pool, options))
    if options.json:
        write_json(show.plain_counts(found))
    else:
        show.print_table(show.counts_table([(pool.name, found)]))
    return 0


def query(pool: TaskPool, options: argparse.Namespace) -> int:
    """Tasks, one a line."""
    records, status = _readable(pool, _chosen(pool, options), options.limit)
    if options.json:
        write_json([show.record_json(record) for record in records])
    else:
        show.print_table(show.tasks_table(records))
    return status


def show_task(pool: TaskPool, options: argparse.Namespace) -> int:
    """All that is known of one task: the essentials, its history and errors, then everything as JSON."""
    records = pool.find(task_filters.starting_with(options.task), limit=2)
    if len(records) != 1:
        found = "several tasks" if records else "no task"
        raise InputError(f"pool {pool.name!r} has {found} whose id starts with {options.task!r}")
    record = records[0]
    document = show.record_json(record)
    if options.json:
        write_json(document)
        return 0
    console = show.console()
    console.print(show.essentials(record))
    console.print()
    console.print(show.history_table(record))
    for error in record.errors:
        title = f"attempt {error.attempt} on {error.host}, {error.duration:.1f} s"
        console.print(f"\n{title}: {error.type}: {error.message}\n{error.traceback}", markup=False, highlight=False)
    bulk = {name: value for name, value in document.items() if name not in ("history", "errors")}
    console.print_json(data=bulk, default=str)
    return 0


def wait(pool: TaskPool, options: argparse.Namespace) -> int:
    """Until every chosen task is done, failed or cancelled; the exit status is 1 when one failed or time is up."""
    timeout = None if options.timeout is None else timedelta(seconds=options.timeout)
    try:
        found = show.wait_with_bar(pool, _chosen(pool, options), timeout)
    except TimeoutError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if options.json:
        write_json(show.plain_counts(found))
    return 1 if found[_FAILED] else 0


def prioritise(pool: TaskPool, options: argparse.Namespace) -> int:
    """Let the chosen tasks be claimed earlier or later."""
    return _report(options, "prioritised", pool.prioritise(options.priority, _chosen(pool, options)))


def reset(pool: TaskPool, options: argparse.Namespace) -> int:
    """Let tasks in any of the given states wait again, as new; results are dropped."""
    where = _chosen(pool, options)
    affected = pool.count({"$and": [where, {"status": {"$in": [status.value for status in options.status]}}]})
    confirm(f"reset {show.tasks(affected)} of pool {pool.name!r} and drop their results", yes=options.yes)
    return _report(options, "reset", pool.reset(where, status=options.status))


def cancel(pool: TaskPool, options: argparse.Namespace) -> int:
    """Give up the chosen tasks that are not finished; running ones are stopped at their next beat."""
    where = _chosen(pool, options)
    unfinished = [status.value for status in TaskStatus if not status.is_finished]
    affected = pool.count({"$and": [where, {"status": {"$in": unfinished}}]})
    confirm(f"cancel {show.tasks(affected)} of pool {pool.name!r}", yes=options.yes)
    return _report(options, "cancelled", pool.cancel(where))


def remove(pool: TaskPool, options: argparse.Namespace) -> int:
    """Delete the chosen tasks with all that is known of them."""
    if not (options.all or task_filters.is_given(options)):
        raise InputError("remove: say which tasks (--id, --query, --run, --error, --window), or --all")
    where = _chosen(pool, options)
    affected = show.tasks(pool.count(where))
    confirm(f"delete {affected} of pool {pool.name!r} with results and history", yes=options.yes)
    return _report(options, "removed", pool.remove(where))


def failures(pool: TaskPool, options: argparse.Namespace) -> int:
    """Failed tasks by their error, the most frequent first."""
    failed, status = _readable(pool, {"$and": [{"status": _FAILED.value}, _chosen(pool, options)]})
    groups = group_failures(failed)
    if options.json:
        write_json([asdict(group) for group in groups])
    else:
        show.print_table(show.failures_table(groups))
    return status


def rerun(pool: TaskPool, options: argparse.Namespace) -> int:
    """Let failed and cancelled tasks wait again; their errors and history are kept."""
    return _report(options, "waiting again", pool.reset(_chosen(pool, options)))


def _chosen(pool: TaskPool, options: argparse.Namespace) -> dict[str, Any]:
    """The filter that the options stand for; an unknown id is an error, for it is most likely mistyped."""
    for start in options.id or ():
        if not pool.count(task_filters.starting_with(start)):
            raise InputError(f"pool {pool.name!r} has no task whose id starts with {start!r}")
    return task_filters.chosen(options)


def _readable(pool: TaskPool, where: Query, limit: int = 0) -> tuple[list[TaskRecord], int]:
    """Tasks, and the exit status: 2 when some cannot be read, of which each is named."""
    broken: list[RecordBroken] = []
    records = pool.find(where, limit=limit, on_broken=broken.append)
    for error in broken:
        sys.stderr.write(f"error: {error}\n")
    return records, 2 if broken else 0


def _report(options: argparse.Namespace, what: str, changed: int) -> int:
    if options.json:
        write_json({"changed": changed})
    else:
        Console().print(f"{show.tasks(changed)} {what}", highlight=False)
    return 0
