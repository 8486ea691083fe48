"""A time limit on trainings that run in a thread, which nothing can end from outside."""

from __future__ import annotations

import time
from dataclasses import dataclass

from components.execution.attempt import Train
from components.execution.supervisor import TimeExceeded
from components.pool import TaskRecord
from components.progress import Progress, ProgressReport
from components.tasks import Json


@dataclass(frozen=True)
class TimeLimited:
    """Ends a training that takes too long, when it next reports its progress."""

    train: Train
    seconds: float

    def __call__(self, record: TaskRecord, progress: Progress) -> Json:
        """Train a task.

        Raises:
            TimeExceeded: when it took too long.
            Exception: whatever the training raises.
        """
        end = time.monotonic() + self.seconds

        def limited(report: ProgressReport) -> None:
            if time.monotonic() > end:
                raise TimeExceeded(f"the training took longer than {self.seconds:g} s; it was ended")
            progress(report)

        return self.train(record, limited)
