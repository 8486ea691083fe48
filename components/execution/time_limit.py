"""The time limit of a task, and how it is held on trainings in a thread, which nothing can end from outside."""

from __future__ import annotations

import time
from dataclasses import dataclass

from components.execution.attempt import Train
from components.execution.supervisor import TimeExceeded
from components.pool import TaskRecord
from components.progress import Progress, ProgressReport
from components.tasks import Json

#: Where the context of a task says how many seconds an attempt at it may take.
TIME_LIMIT = "timeout"


def time_limit(record: TaskRecord) -> float | None:
    """How many seconds an attempt at a task may take, as whoever stored it said; None: as many as it needs."""
    seconds = record.context.get(TIME_LIMIT)
    return float(seconds) if isinstance(seconds, int | float) and seconds > 0 else None


@dataclass(frozen=True)
class TimeLimited:
    """Ends a training that takes longer than its task allows, when it next reports its progress."""

    train: Train

    def __call__(self, record: TaskRecord, progress: Progress) -> Json:
        """Train a task.

        Raises:
            TimeExceeded: when it took too long.
            Exception: whatever the training raises.
        """
        seconds = time_limit(record)
        if seconds is None:
            return self.train(record, progress)
        end = time.monotonic() + seconds

        def limited(report: ProgressReport) -> None:
            if time.monotonic() > end:
                raise TimeExceeded(f"the training took longer than {seconds:g} s; it was ended")
            progress(report)

        return self.train(record, limited)
