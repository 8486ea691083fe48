"""What a collector of runs asks of the place where they are."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar


class RunInfo(Protocol):
    """What a listing says of a run, such as `components.tracking.RunSummary`."""

    @property
    def id(self) -> str:
        """What MLflow knows the run by."""

    @property
    def status(self) -> str:
        """Status, as MLflow names it."""

    @property
    def tags(self) -> Mapping[str, str]:
        """Tag -> value."""

    @property
    def params(self) -> Mapping[str, str]:
        """Parameter -> value."""


R = TypeVar("R", bound=RunInfo)

#: Threads that read artifacts of many runs. Reading a file of this machine is Python's work, so more threads than
#: cores only wait for each other; a few of them also bridge the way to a server.
READERS = min(8, max(2, os.cpu_count() or 2))


class RunSource(Protocol[R]):
    """Where runs and their artifacts are, such as `components.collection.ExperimentRuns`."""

    def runs(self) -> Sequence[R]:
        """All runs, the newest last."""

    def load(self, run: R, artifact: str) -> Any:
        """An artifact of a listed run; called by several threads at once.

        Raises:
            RollflowError: when the run has none.

        """
