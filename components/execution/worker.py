"""Serving a pool: its tasks are trained until none is left, or for ever, by as many workers as there are."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from components.execution.attempt import Interrupted, NotRunnableHere, Train
from components.execution.left_tasks import LeftTasks
from components.execution.run import OnAttempt, ignore, run_tasks
from components.pool import TaskPool, TaskRecord, TaskStatus
from components.tasks import Json

log = logging.getLogger(__name__)

#: Seconds between two looks at a pool that has nothing to do now.
_POLL = 1.0


class Phase(StrEnum):
    """How far a worker takes a task."""

    #: From its beginning to its end.
    TRAIN = "train"
    #: The first of two phases: everything but the fit, which is left for later.
    PREPARE = "prepare"
    #: The second of two phases.
    FINISH = "finish"

    @property
    def claims_from(self) -> TaskStatus:
        """The state of the tasks that are claimed."""
        return TaskStatus.PART_DONE if self is Phase.FINISH else TaskStatus.WAITING

    @property
    def completes_to(self) -> TaskStatus:
        """The state in which a completed task is left."""
        return TaskStatus.PART_DONE if self is Phase.PREPARE else TaskStatus.DONE


@dataclass(frozen=True, kw_only=True)
class WorkerStats:
    """What a worker has done."""

    #: Tasks that it completed.
    done: int = 0
    #: Attempts that failed, whether the task is tried again or not.
    failures: int = 0
    #: Ids of the tasks that were given up after an attempt of its.
    failed: tuple[str, ...] = ()
    #: Why tasks are left to other workers.
    left: tuple[str, ...] = ()

    def __add__(self, other: WorkerStats) -> WorkerStats:
        return WorkerStats(
            done=self.done + other.done,
            failures=self.failures + other.failures,
            failed=self.failed + other.failed,
            left=tuple(dict.fromkeys(self.left + other.left)),
        )


@dataclass(frozen=True, kw_only=True)
class WorkerResult:
    """The outcome of a worker."""

    pool: str
    owner: str
    phase: Phase
    served: WorkerStats
    #: How many of the tasks that it could choose from are in each state.
    counts: Mapping[TaskStatus, int]
    seconds: float

    def to_document(self) -> dict[str, Json]:
        """The JSON form."""
        return {
            "pool": self.pool,
            "owner": self.owner,
            "phase": self.phase.value,
            **asdict(self.served),
            "counts": {status.value: self.counts[status] for status in TaskStatus},
            "seconds": self.seconds,
        }


@dataclass(frozen=True, kw_only=True)
class Worker:
    """Takes tasks of a pool and trains them, one after the other.

    It ends when every task that it may choose is finished, so it also waits for those that back off after a failure
    and for those that others hold: should their holder die, it takes them over. Tasks that need what is not here,
    such as a folder of market data, are left to others, and looked at again after a while.
    """

    pool: TaskPool
    train: Train
    #: Under which it claims, by custom ``host:pid``.
    owner: str
    #: Ends it: the task in hand is given back.
    stop: threading.Event = field(default_factory=threading.Event)
    #: Ends it: the task in hand is finished.
    drain: threading.Event = field(default_factory=threading.Event)
    phase: Phase = Phase.TRAIN
    #: MongoDB filter on the tasks to choose from.
    query: Mapping[str, Json] = field(default_factory=dict)
    #: Whether it goes on when there is nothing left, until it is told to end.
    forever: bool = False

    def serve(self, on_attempt: OnAttempt = ignore) -> WorkerStats:
        """Train until there is nothing left; `on_attempt` sees how a task stands after each attempt.

        Raises:
            Interrupted: when `stop` was set.
        """
        served, left = WorkerStats(), LeftTasks()

        def note(record: TaskRecord) -> None:
            nonlocal served
            served += self._outcome(record)
            on_attempt(record)

        while not self.drain.is_set():
            chosen = left.look(self.query)
            try:
                self._train_all(chosen, note)
            except NotRunnableHere as reason:
                if str(reason) not in left.reasons:
                    log.warning("left to others: %s", reason)
                left.add(reason)
                continue
            left.forget()
            if self.drain.is_set() or not (self.forever or self._open(chosen)):
                break
            if self.stop.wait(_POLL):
                raise Interrupted
        return served + WorkerStats(left=left.reasons)

    def result(self, served: Iterable[WorkerStats], seconds: float) -> WorkerResult:
        """What several that served at the same time have done together."""
        return WorkerResult(
            pool=self.pool.name,
            owner=self.owner,
            phase=self.phase,
            served=sum(served, WorkerStats()),
            counts=self.pool.counts(self.query),
            seconds=round(seconds, 1),
        )

    def _outcome(self, record: TaskRecord) -> WorkerStats:
        if record.status is self.phase.completes_to:
            return WorkerStats(done=1)
        return WorkerStats(failures=1, failed=(record.id,) if record.status is TaskStatus.FAILED else ())

    def _train_all(self, chosen: Mapping[str, Json], on_attempt: OnAttempt) -> None:
        run_tasks(
            self.pool,
            self.train,
            owner=self.owner,
            stop=self.stop,
            drain=self.drain,
            query=chosen,
            status=self.phase.claims_from,
            next_status=self.phase.completes_to,
            on_attempt=on_attempt,
        )

    def _open(self, chosen: Mapping[str, Json]) -> bool:
        """Whether tasks are left that may still come to this worker."""
        takes = self.phase.claims_from.value
        held = {"status": TaskStatus.RUNNING.value, "claimed_from": takes}
        return bool(self.pool.find({"$and": [chosen, {"$or": [{"status": takes}, held]}]}, limit=1))
