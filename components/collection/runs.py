"""The runs of an MLflow experiment, for `RecorderCollector`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlparse
from urllib.request import url2pathname

from components.collection.tables import read_table

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

    def load(self, run_id: str, artifact: str) -> pd.DataFrame:
        """A table of a run, indexed (datetime, instrument) as far as it has these columns.

        Raises:
            ArtifactMissing: when the run has none.

        """
        name = f"{artifact}.parquet"
        path = self._folder / run_id / "artifacts" / name if self._folder else None
        return read_table(path if path and path.exists() else self.experiments.recorder(run_id).download(name))

    @cached_property
    def _folder(self) -> Path | None:
        """The folder of all runs if it is on this machine: asking MLflow for each file takes 20 times as long."""
        location = urlparse(self.experiments.client.get_experiment(self.experiment).artifact_location)
        return Path(url2pathname(location.path)) if location.scheme in ("", "file") else None
