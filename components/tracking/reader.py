"""Reading one MLflow run by its id."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pandas as pd

from components.errors import RollflowError
from components.formats.objects import read_object
from components.formats.tables import read_table
from components.tracking.params import WHOLE_PARAMS, fitting_name
from components.tracking.runs import RunStatus, RunSummary
from components.tracking.store import RunMissing, one_line, refusals

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


class ArtifactMissing(RollflowError):
    """A run does not have the artifact that was asked for."""


@dataclass(frozen=True)
class RunReader:
    """What a run holds now; every look asks MLflow, but for the artifacts that are on this machine.

    Everything raises `RunMissing` when there is no run of that id.
    """

    client: MlflowClient
    id: str
    #: Address of the artifacts, where it is known: what started or listed the run knows it. None: MLflow is asked.
    artifact_uri: str | None = None

    @property
    def experiment(self) -> str:
        """Id of the experiment that the run belongs to."""
        return str(self._run().info.experiment_id)

    @property
    def status(self) -> RunStatus:
        """Status of the run."""
        return RunStatus(self._run().info.status)

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the run."""
        return dict(self._run().data.tags)

    @property
    def params(self) -> dict[str, str]:
        """Parameters of the run, those that are too long for MLflow whole."""
        params: dict[str, str] = dict(self._run().data.params)
        try:
            whole: dict[str, str] = self.load_json(Path(WHOLE_PARAMS).stem)
        except ArtifactMissing:
            return params
        short = {fitting_name(name) for name in whole}
        return {name: value for name, value in params.items() if name not in short} | whole

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric."""
        return dict(self._run().data.metrics)

    def load_series(self, name: str) -> pd.Series:
        """All values of a metric by step, such as a training curve; empty when the run has none."""
        with refusals(f"metric {name!r} of run {self.id}", RunMissing):
            history = self.client.get_metric_history(self.id, fitting_name(name))
        history.sort(key=lambda metric: (metric.step, metric.timestamp))
        steps = pd.Index([metric.step for metric in history], name="step", dtype="int64")
        return pd.Series([metric.value for metric in history], index=steps, name=name, dtype="float64")

    def load_table(self, name: str) -> pd.DataFrame:
        """A table saved as ``NAME.parquet``, indexed (datetime, instrument) as far as it has these columns.

        Raises:
            ArtifactMissing: when the run has none.
        """
        with self.opened(f"{name}.parquet") as place:
            return read_table(place)

    def load_json(self, name: str) -> Any:
        """A value saved as ``NAME.json``.

        Raises:
            ArtifactMissing: when the run has none.
        """
        return self.load_object(f"{name}.json")

    def load_object(self, path: str, *, pickle: bool = False) -> Any:
        """The value of an artifact: a table (.parquet) or a plain value (.json).

        Args:
            path: Such as ``pred.parquet``.
            pickle: Read the file as a pickle, whatever it is called. Reading a pickle runs what its writer put
                there, so it is for runs of people whom you trust; those of Qlib are pickles.

        Raises:
            ArtifactMissing: when the run has none.
            InputError: for another format, or a pickle that was not named as one.
        """
        with self.opened(path) as place:
            return read_object(place, as_pickle=pickle)

    def download(self, path: str, to: Path | None = None) -> Path:
        """An artifact, a file or a folder, on this machine.

        Args:
            path: Such as ``pred.parquet``; empty: all artifacts.
            to: Folder to put a copy in, under the same path; None: in place if the artifacts are on this machine,
                else in a temporary folder that is left.

        Raises:
            ArtifactMissing: when the run has none.
        """
        if to is None:
            return self._fetched(path, None)
        with self.opened(path) as place:
            return _copied(place, to / path)

    @contextmanager
    def opened(self, path: str) -> Iterator[Path]:
        """An artifact on this machine while the block lasts; not to be written to.

        Raises:
            ArtifactMissing: when the run has none.
        """
        with tempfile.TemporaryDirectory(prefix="rollflow-") if self._folder is None else nullcontext() as folder:
            yield self._fetched(path, folder)

    def list_artifacts(self, folder: str | None = None) -> list[str]:
        """Paths of the artifacts in a folder, those of folders ending in a slash."""
        with refusals(f"artifacts of run {self.id}", RunMissing):
            found = self.client.list_artifacts(self.id, folder)
        return [f"{info.path}/" if info.is_dir else info.path for info in found]

    def summary(self) -> RunSummary:
        """What a listing says of the run.

        Raises:
            RunMissing: when there is none, or it was deleted.
        """
        run = self._run()
        if run.info.lifecycle_stage == "deleted":
            raise RunMissing(
                f"run {self.id} was deleted; restore it with 'python -m components.tracking restore {self.id}'"
            )
        return RunSummary.of(run)

    def _fetched(self, path: str, to: str | None) -> Path:
        """An artifact in place, or where there is none on this machine, fetched into a folder."""
        from mlflow.exceptions import MlflowException

        if self._folder:
            place = self._folder / path
            if not place.exists():
                raise ArtifactMissing(f"run {self.id} has no artifact {path!r} ({place})")
            return place
        try:
            return Path(self.client.download_artifacts(self.id, path, to))
        except (MlflowException, OSError) as error:
            raise ArtifactMissing(f"run {self.id} has no artifact {path!r}: {one_line(error)}") from error

    def _run(self) -> Run:
        with refusals(f"there is no run {self.id!r}", RunMissing):
            return self.client.get_run(self.id)

    @cached_property
    def _folder(self) -> Path | None:
        """The artifacts if they are on this machine: asking MLflow for each file takes longer than reading it."""
        place = urlsplit(self.artifact_uri or self._run().info.artifact_uri)
        return Path(url2pathname(place.path)) if place.scheme in ("", "file") else None


def _copied(place: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir():
        shutil.copytree(place, target, dirs_exist_ok=True)
    else:
        shutil.copy2(place, target)
    return target
