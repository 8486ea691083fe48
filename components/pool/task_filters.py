"""Which tasks a command is about: options of the command line as one MongoDB filter."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from typing import Any

from components.errors import InputError

_TEST_SEGMENT = "definition.dataset.kwargs.segments.test"
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that choose tasks."""
    group = parser.add_argument_group("which tasks", "all that are given must hold; none given: every task")
    group.add_argument(
        "--id", action="append", metavar="ID", help="this task (the start of its id will do); repeat"
    )
    group.add_argument("--query", metavar="JSON", help="MongoDB filter on the stored documents")
    group.add_argument("--run", metavar="NAME", help="tasks of this run")
    group.add_argument("--error", metavar="REGEX", help="tasks with an error whose type or message matches")
    group.add_argument("--window", metavar="DAY", help="tasks whose test segment contains this day (YYYY-MM-DD)")


def is_given(options: argparse.Namespace) -> bool:
    """Whether the options choose at all."""
    return any((options.id, options.query, options.run, options.error, options.window))


def starting_with(start: str) -> dict[str, Any]:
    """The filter for the tasks whose id starts with this."""
    return {"_id": {"$gte": start, "$lt": start + "~"}}  # '~' comes after every digit


def chosen(options: argparse.Namespace) -> dict[str, Any]:
    """The filter that the options stand for.

    Raises:
        InputError: for one that cannot be read.

    """
    parts: list[Mapping[str, Any]] = []
    if options.id:
        parts.append({"$or": [starting_with(start) for start in options.id]})
    if options.query:
        parts.append(read_query(options.query, "--query"))
    if options.run:
        parts.append({"runs": options.run})
    if options.error:
        parts.append({"$or": [{f"errors.{field}": {"$regex": options.error}} for field in ("type", "message")]})
    if options.window:
        parts.append(_window(options.window))
    return {"$and": parts} if parts else {}


def read_query(text: str, source: str) -> Mapping[str, Any]:
    """The MongoDB filter in a JSON text; `source` names it in messages.

    Raises:
        InputError: when it is not one.
    """
    try:
        query = json.loads(text)
    except ValueError as error:
        raise InputError(f"{source} is not JSON: {error}") from None
    if not isinstance(query, dict):
        raise InputError(f'{source}: expected a JSON object like {{"status": "failed"}}')
    return query


def _window(day: str) -> Mapping[str, Any]:
    if not _DAY.fullmatch(day):
        raise InputError(f"--window {day}: not a day; write it as YYYY-MM-DD")
    # Days are stored as text, whose order is theirs; an open end is null.
    ends = [{f"{_TEST_SEGMENT}.1": {"$gte": day}}, {f"{_TEST_SEGMENT}.1": None}]
    return {f"{_TEST_SEGMENT}.0": {"$lte": day}, "$or": ends}
