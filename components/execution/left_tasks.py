"""What a worker leaves to others, until it looks again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from components.execution.attempt import NotRunnableHere
from components.tasks import Json

#: Seconds until tasks that were left are looked at again: the first time, and at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 300.0


@dataclass
class _Left:
    """Tasks that were left for one reason."""

    tasks: Mapping[str, Json]
    pause: float
    until: float


@dataclass
class LeftTasks:
    """The tasks that need what is not here, by reason.

    What is missing may be back: a folder is mounted again, a server answers. So they are looked at again after a
    pause, which is doubled as long as the reason stands.
    """

    clock: Callable[[], float] = time.monotonic
    _left: dict[str, _Left] = field(default_factory=dict, init=False)
    #: Reasons whose pause was over at the last look.
    _again: set[str] = field(default_factory=set, init=False)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why tasks are left."""
        return tuple(self._left)

    def add(self, reason: NotRunnableHere) -> None:
        """Leave tasks to others for a while."""
        tasks, pause, now = reason.tasks, _FIRST_PAUSE, self.clock()
        self._again.discard(str(reason))
        if before := self._left.get(str(reason)):
            if before.until > now:  # other tasks, of which the query said nothing
                before.tasks = {"$or": [before.tasks, tasks]}
                return
            pause = min(2 * before.pause, _LONGEST_PAUSE)
        self._left[str(reason)] = _Left(tasks, pause, now + pause)

    def look(self, query: Mapping[str, Json]) -> Mapping[str, Json]:
        """A query for the tasks to look at now: those that are not left, or were left long enough."""
        now = self.clock()
        self._again = {reason for reason, each in self._left.items() if each.until <= now}
        left = [each.tasks for each in self._left.values() if each.until > now]
        return {"$and": [query, {"$nor": left}]} if left else query

    def forget(self) -> None:
        """The last look met nothing that is missing: drop the reasons that it has put to the test."""
        for reason in self._again:
            del self._left[reason]
        self._again = set()
