"""One MLflow run: what a training task leaves behind."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pandas as pd

from components.errors import RollflowError
from components.tracking.tables import read_table

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: MLflow's limits on batches and lengths.
_PARAMS_A_BATCH = 100
_PARAM_LENGTH = 500
_METRICS_A_BATCH = 1000
_TAG_LENGTH = 5000


class ArtifactMissing(RollflowError):
    """A run does not have the artifact that was asked for."""


class RunStatus(StrEnum):
    """Status of a run, as MLflow names it."""

    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"

    @property
    def is_finished(self) -> bool:
        """Whether the run has ended, well or not."""
        return self is not RunStatus.RUNNING


@dataclass(frozen=True)
class Recorder:
    """Writes to and reads from one run, by its id: there is no active run, so any thread may use it."""

    client: MlflowClient
    id: str
    #: Address of the artifacts, where it is known: what started or listed the run knows it. None: MLflow is asked.
    artifact_uri: str | None = None

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log parameters; nested ones under dotted names, long values cut to what MLflow takes.

        The whole of a long value belongs in an artifact (`save_json`).
        """
        from mlflow.entities import Param

        entries = [Param(name, str(value)[:_PARAM_LENGTH]) for name, value in _flat(params)]
        for first in range(0, len(entries), _PARAMS_A_BATCH):
            self.client.log_batch(self.id, params=entries[first : first + _PARAMS_A_BATCH])

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Log one value of each metric."""
        self.log_series({name: [value] for name, value in metrics.items()}, first_step=step)

    def log_series(self, series: Mapping[str, Sequence[float]], first_step: int = 0) -> None:
        """Log metrics with steps, such as a training curve, in as few requests as MLflow allows."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        entries = [
            Metric(_metric_name(name), float(value), now, step)
            for name, values in series.items()
            for step, value in enumerate(values, first_step)
        ]
        for first in range(0, len(entries), _METRICS_A_BATCH):
            self.client.log_batch(self.id, metrics=entries[first : first + _METRICS_A_BATCH])

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags, replacing earlier values."""
        from mlflow.entities import RunTag

        self.client.log_batch(self.id, tags=[RunTag(name, str(value)) for name, value in tags.items()])

    @contextmanager
    def artifacts(self) -> Iterator[Path]:
        """A temporary folder; what is written below it becomes artifacts when the block ends well."""
        with tempfile.TemporaryDirectory(prefix="rollflow-") as folder:
            yield Path(folder)
            if self._folder:  # on this machine MLflow would only look the run up and copy
                shutil.copytree(folder, self._folder, dirs_exist_ok=True)
            else:
                self.client.log_artifacts(self.id, folder)

    def load_table(self, name: str) -> pd.DataFrame:
        """A table saved as ``NAME.parquet``, indexed (datetime, instrument) as far as it has these columns.

        Raises:
            ArtifactMissing: when the run has none.
        """
        return read_table(self.download(f"{name}.parquet"))

    def load_json(self, name: str) -> Any:
        """A value saved as ``NAME.json``.

        Raises:
            ArtifactMissing: when the run has none.
        """
        return json.loads(self.download(f"{name}.json").read_text("utf-8"))

    def download(self, path: str) -> Path:
        """An artifact as a local file (in place when the artifacts are on this machine).

        Raises:
            ArtifactMissing: when the run has none.
        """
        from mlflow.exceptions import MlflowException

        if self._folder:
            place = self._folder / path
            if not place.exists():
                raise ArtifactMissing(f"run {self.id} has no artifact {path!r} ({place})")
            return place
        try:
            return Path(self.client.download_artifacts(self.id, path))
        except (MlflowException, OSError) as error:
            raise ArtifactMissing(f"run {self.id} has no artifact {path!r}: {error}") from error

    def list_artifacts(self, folder: str | None = None) -> list[str]:
        """Paths of the artifacts below a folder."""
        return [info.path for info in self.client.list_artifacts(self.id, folder)]

    @property
    def experiment(self) -> str:
        """Id of the experiment that the run belongs to."""
        return str(self.client.get_run(self.id).info.experiment_id)

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the run now."""
        return dict(self.client.get_run(self.id).data.tags)

    @property
    def status(self) -> RunStatus:
        """Status of the run now."""
        return RunStatus(self.client.get_run(self.id).info.status)

    @contextmanager
    def closing(self) -> Iterator[Self]:
        """Close the run as its block ends: FINISHED, FAILED by an error (kept as a tag), or KILLED."""
        try:
            yield self
        except Exception as error:
            self.set_tags({"error": f"{type(error).__name__}: {error}"[:_TAG_LENGTH]})
            self.end(RunStatus.FAILED)
            raise
        except BaseException:
            self.end(RunStatus.KILLED)
            raise
        self.end()

    def end(self, status: RunStatus = RunStatus.FINISHED) -> None:
        """Close the run."""
        self.client.set_terminated(self.id, status.value)

    @cached_property
    def _folder(self) -> Path | None:
        """The artifacts if they are on this machine: asking MLflow for each file takes longer than reading it."""
        place = urlsplit(self.artifact_uri or self.client.get_run(self.id).info.artifact_uri)
        return Path(url2pathname(place.path)) if place.scheme in ("", "file") else None


def save_json(value: Any, path: Path) -> None:
    """Write a JSON value, readable by people."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False), "utf-8")


def _flat(params: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in params.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"[:250], value


def _metric_name(name: str) -> str:
    """MLflow refuses some characters in names of metrics."""
    return "".join(char if char.isalnum() or char in "_-. /" else "_" for char in name)
