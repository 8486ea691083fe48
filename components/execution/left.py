"""Why a task was given back by whoever could not run it, kept with the task for those who wait for it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from components.errors import RollflowError
from components.execution.attempt import NotRunnableHere, Train
from components.pool import TaskPool, TaskRecord
from components.progress import Progress
from components.redaction import redacted
from components.tasks import Json

log = logging.getLogger(__name__)

_REASON, _OWNER = "not_runnable", "at"


@dataclass(frozen=True)
class LeftBehind:
    """What a worker said of a task that it left to others."""

    reason: str
    #: Who said it.
    owner: str

    def __str__(self) -> str:
        return f"{self.reason} (says {self.owner})"

    def to_document(self) -> dict[str, Json]:
        """The JSON form, which the pool keeps as the progress of the task."""
        return {_REASON: self.reason, _OWNER: self.owner}

    @classmethod
    def from_document(cls, document: object) -> Self | None:
        """Read the JSON form; None for any other progress."""
        if not isinstance(document, Mapping) or not isinstance(document.get(_REASON), str):
            return None
        return cls(document[_REASON], str(document.get(_OWNER)))


@dataclass(frozen=True)
class LeavingWord:
    """Runs tasks, and keeps with a task that cannot be run here why not."""

    train: Train
    pool: TaskPool

    def __call__(self, record: TaskRecord, progress: Progress) -> Json:
        """Run a task.

        Raises:
            NotRunnableHere: when what it needs is not here.
            Exception: whatever the training raises.
        """
        try:
            return self.train(record, progress)
        except NotRunnableHere as error:
            word = LeftBehind(redacted(error.message), str(record.owner))
            try:
                self.pool.heartbeat(record, word.to_document())
            except RollflowError as refused:
                log.warning("task %s: why it is left to others was not stored: %s", record.id, refused)
            raise
