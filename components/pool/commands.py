"""The commands of ``python -m components.pool``, each a function of the pool and the options."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta

from rich.console import Console

from components.errors import InputError
from components.pool import choice, show
from components.pool.pool import TaskPool
from components.pool.status import TaskStatus
from components.pool.triage import group_failures

Command = Callable[[TaskPool, argparse.Namespace], int]

_FAILED = TaskStatus.FAILED


def counts(pool: TaskPool, options: argparse.Namespace) -> int:
    """How many tasks are in each state."""
    found = pool.counts(choice.chosen(options))
    if options.json:
        show.write_json(show.plain_counts(found))
    else:
        Console().print(show.counts_table([(pool.name, found)]))
    return 0


def query(pool: TaskPool, options: argparse.Namespace) -> int:
    """Tasks, one a line."""
    records = pool.find(choice.chosen(options), limit=options.limit)
    if options.json:
        show.write_json([show.record_json(record) for record in records])
    else:
        Console().print(show.tasks_table(records))
    return 0


def show_task(pool: TaskPool, options: argparse.Namespace) -> int:
    """All that is known of one task, with its history."""
    records = pool.find({"_id": {"$gte": options.task, "$lt": options.task + "~"}}, limit=2)
    if len(records) != 1:
        found = "several tasks" if records else "no task"
        raise InputError(f"pool {pool.name!r} has {found} whose id starts with {options.task!r}")
    record = show.record_json(records[0])
    if options.json:
        show.write_json(record)
        return 0
    console = Console()
    history, errors = show.history_table(records[0]), record.pop("errors")
    del record["history"]
    console.print_json(data=record, default=str)
    console.print(history)
    for error in errors:
        title = f"attempt {error['attempt']} on {error['host']}, {error['duration']:.1f} s"
        console.print(f"{title}: {error['type']}: {error['message']}\n{error['traceback']}", markup=False)
    return 0


def wait(pool: TaskPool, options: argparse.Namespace) -> int:
    """Until every chosen task is done, failed or cancelled; the exit status is 1 when one failed or time is up."""
    timeout = None if options.timeout is None else timedelta(seconds=options.timeout)
    try:
        found = show.wait_with_bar(pool, choice.chosen(options), timeout)
    except TimeoutError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if options.json:
        show.write_json(show.plain_counts(found))
    return 1 if found[_FAILED] else 0


def prioritise(pool: TaskPool, options: argparse.Namespace) -> int:
    """Let the chosen tasks be claimed earlier or later."""
    return _told(options, "prioritised", pool.prioritise(options.priority, choice.chosen(options)))


def reset(pool: TaskPool, options: argparse.Namespace) -> int:
    """Let tasks in any of the given states wait again, as new; results are dropped."""
    where = choice.chosen(options)
    found = pool.counts(where)
    affected = sum(found[status] for status in options.status)
    _confirm(options, f"reset {affected} tasks of pool {pool.name!r} and drop their results")
    return _told(options, "reset", pool.reset(where, status=options.status))


def cancel(pool: TaskPool, options: argparse.Namespace) -> int:
    """Give up the chosen tasks that are not finished; running ones are stopped at their next beat."""
    where = choice.chosen(options)
    found = pool.counts(where)
    affected = sum(count for status, count in found.items() if not status.is_finished)
    _confirm(options, f"cancel {affected} tasks of pool {pool.name!r}")
    return _told(options, "cancelled", pool.cancel(where))


def remove(pool: TaskPool, options: argparse.Namespace) -> int:
    """Delete the chosen tasks with all that is known of them."""
    if not (options.all or choice.is_given(options)):
        raise InputError("remove: say which tasks (--id, --query, --error, --window), or --all")
    where = choice.chosen(options)
    _confirm(options, f"delete {pool.counts(where).total()} tasks of pool {pool.name!r} with results and history")
    return _told(options, "removed", pool.remove(where))


def failures(pool: TaskPool, options: argparse.Namespace) -> int:
    """Failed tasks by their error, the most frequent first."""
    failed = pool.find({"$and": [{"status": _FAILED.value}, choice.chosen(options)]})
    groups = group_failures(failed)
    if options.json:
        show.write_json([asdict(group) for group in groups])
    else:
        Console().print(show.failures_table(groups))
    return 0


def rerun(pool: TaskPool, options: argparse.Namespace) -> int:
    """Let failed and cancelled tasks wait again; their errors and history are kept."""
    return _told(options, "waiting again", pool.reset(choice.chosen(options)))


def _told(options: argparse.Namespace, what: str, changed: int) -> int:
    if options.json:
        show.write_json({"changed": changed})
    else:
        Console().print(f"{changed} tasks {what}", highlight=False)
    return 0


def _confirm(options: argparse.Namespace, what: str) -> None:
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise InputError(f"this would {what}; add --yes to do it")
    if input(f"{what}? [y/N] ").strip().lower() not in ("y", "yes"):
        raise InputError("nothing was changed")
