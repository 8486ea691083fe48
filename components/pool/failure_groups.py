"""Failed tasks grouped by error, as a person looks through them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from components.pool.record import FailedAttempt, TaskRecord

# What differs between two occurrences of the same error: numbers, addresses, quoted values.
_PARTICULARS = re.compile(r"0x[0-9a-fA-F]+|'[^']*'|\"[^\"]*\"|\d[\d.:-]*")


@dataclass(frozen=True, kw_only=True)
class FailureGroup:
    """Tasks whose last attempt ended with the same kind of error."""

    type: str
    #: The message with its particulars replaced by an ellipsis.
    pattern: str
    #: The last of these errors in full.
    example: FailedAttempt
    #: Ids of the tasks, oldest first.
    ids: tuple[str, ...]


def group_failures(records: Iterable[TaskRecord]) -> list[FailureGroup]:
    """The last errors of tasks by type and message, the most frequent first; tasks without one are left out."""
    groups: dict[tuple[str, str], list[tuple[str, FailedAttempt]]] = defaultdict(list)
    for record in records:
        if record.errors:
            last = record.errors[-1]
            groups[last.type, _PARTICULARS.sub("…", last.message)].append((record.id, last))
    found = [
        FailureGroup(type=kind, pattern=pattern, example=members[-1][1], ids=tuple(task for task, _ in members))
        for (kind, pattern), members in groups.items()
    ]
    return sorted(found, key=lambda group: -len(group.ids))
