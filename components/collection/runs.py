"""The runs of an MLflow experiment, for `RecorderCollector`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from components.tracking import ExperimentManager, RunSummary


@dataclass(frozen=True)
class ExperimentRuns:
    """Runs of an experiment, or of several together, and what they keep."""

    experiments: ExperimentManager
    #: Id of the experiment, or ids of several.
    experiment: str | Sequence[str]
    #: Tags that a run must carry.
    tags: Mapping[str, str] = field(default_factory=dict)

    def runs(self) -> Sequence[RunSummary]:
        """All runs with the tags, the newest last."""
        return self.experiments.runs(self.experiment, self.tags)[::-1]

    def load(self, run: RunSummary, artifact: str) -> Any:
        """A table of a run, such as ``pred``; with an ending any open format, such as ``importance.json``.

        Raises:
            ArtifactMissing: when the run has none.

        """
        recorder = self.experiments.recorder(run)
        if PurePosixPath(artifact).suffix:
            return recorder.load_object(artifact)
        return recorder.load_table(artifact)
