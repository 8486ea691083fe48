"""What a store says of its experiments and runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.entities import Experiment as MlflowExperiment
    from mlflow.entities import Run

#: Tag by which MLflow's UI shows a run below another one.
PARENT_TAG = "mlflow.parentRunId"
#: A whole id of a run.
RUN_ID = re.compile(r"[0-9a-f]{32}")


class RunStatus(StrEnum):
    """Status of a run, as MLflow names it."""

    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"

    @property
    def is_finished(self) -> bool:
        """Whether the run has ended, well or not."""
        return self not in (RunStatus.SCHEDULED, RunStatus.RUNNING)


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What a listing says of an experiment."""

    id: str
    name: str
    #: Whether it was deleted; then it keeps its name until it is restored or purged.
    deleted: bool
    created_at: datetime | None

    @classmethod
    def of(cls, found: MlflowExperiment) -> Experiment:
        """The experiment as MLflow gives it."""
        return cls(
            id=str(found.experiment_id),
            name=found.name,
            deleted=found.lifecycle_stage == "deleted",
            created_at=_time(found.creation_time),
        )


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """What a listing says of a run."""

    id: str
    #: Id of its experiment.
    experiment: str
    name: str
    status: RunStatus
    started_at: datetime | None
    ended_at: datetime | None
    tags: Mapping[str, str]
    #: Parameters as far as MLflow takes them; `Recorder.params` has long ones whole.
    params: Mapping[str, str]
    #: The last value of each metric.
    metrics: Mapping[str, float]
    #: Address of its artifacts.
    artifact_uri: str

    @property
    def parent(self) -> str | None:
        """Id of the run that it is shown below."""
        return self.tags.get(PARENT_TAG)

    @classmethod
    def of(cls, run: Run) -> RunSummary:
        """The run as MLflow gives it."""
        return cls(
            id=run.info.run_id,
            experiment=str(run.info.experiment_id),
            name=run.info.run_name or "",
            status=RunStatus(run.info.status),
            started_at=_time(run.info.start_time),
            ended_at=_time(run.info.end_time),
            tags=dict(run.data.tags),
            params=dict(run.data.params),
            metrics=dict(run.data.metrics),
            artifact_uri=run.info.artifact_uri,
        )


def _time(milliseconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
