"""The runs of an MLflow experiment, for `RecorderCollector`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from components.tracking import ExperimentManager, RunSummary


@dataclass(frozen=True)
class ExperimentRuns:
    """Runs of an experiment, and their tables."""

    experiments: ExperimentManager
    #: Id of the experiment.
    experiment: str
    #: Tags that a run must carry.
    tags: Mapping[str, str] = field(default_factory=dict)

    def runs(self) -> Sequence[RunSummary]:
        """All runs with the tags, the newest last."""
        return self.experiments.runs(self.experiment, self.tags)[::-1]

    def load(self, run: RunSummary, artifact: str) -> pd.DataFrame:
        """A table of a run, indexed (datetime, instrument) as far as it has these columns.

        Raises:
            ArtifactMissing: when the run has none.

        """
        return self.experiments.recorder(run).load_table(artifact)
