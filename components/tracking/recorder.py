"""One MLflow run: what a training task leaves behind."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import pandas as pd

from components.formats.objects import read_object, write_object
from components.formats.tables import read_table
from components.redaction import redacted
from components.tracking.batches import Series, batches
from components.tracking.errors import ArtifactMissing, RunMissing
from components.tracking.faults import one_line
from components.tracking.params import WHOLE_PARAMS, fitting_name, flat_params, unfit
from components.tracking.run_artifacts import RunArtifacts
from components.tracking.runs import RunStatus, RunSummary
from components.tracking.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

logger = logging.getLogger(__name__)

T = TypeVar("T")
#: Tag of a failed run: its error.
ERROR_TAG = "error"
_TAG_LENGTH = 5000
#: Seconds that the closing of a run may take after an error, which must not wait for a store that is gone.
_CLOSING = 10.0


@dataclass(frozen=True)
class Recorder:
    """Writes to and reads from one run, by its id: there is no active run, so any thread may use it.

    What it says is what the run holds now: every look asks MLflow, but for artifacts that are on this machine. All
    of it raises `RunMissing` when there is no run of that id, and `Unavailable` when the store does not answer.
    """

    store: Store
    id: str
    #: Address of the artifacts, where it is known: what started or listed the run knows it. None: MLflow is asked.
    artifact_uri: str | None = None
    #: Called before artifacts are written: raises when the writer may no longer write to the run.
    confirm: Callable[[], object] | None = None

    # --- What the run says ----------------------------------------------------------------------------------------

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
        history = self._ask(lambda client: client.get_metric_history(self.id, fitting_name(name)))
        history.sort(key=lambda metric: (metric.step, metric.timestamp))
        steps = pd.Index([metric.step for metric in history], name="step", dtype="int64")
        return pd.Series([metric.value for metric in history], index=steps, name=name, dtype="float64")

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

    # --- Parameters, metrics, tags --------------------------------------------------------------------------------

    def log(
        self,
        *,
        params: Mapping[str, Any] | None = None,
        series: Mapping[str, Series] | None = None,
        tags: Mapping[str, Any] | None = None,
        first_step: int = 0,
    ) -> None:
        """Log parameters, metrics with steps (such as a training curve) and tags, in as few requests as possible.

        Nested parameters get dotted names. What is too long for MLflow, or has a name that it refuses, is cut
        there and kept whole as an artifact; `params` gives it back. A tag replaces its earlier value.
        """
        texts = flat_params(params or {})
        for batch in batches(texts, series or {}, tags or {}, first_step):
            self._ask(partial(batch.log, run_id=self.id))
        if whole := unfit(texts):
            self._keep_whole(whole)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log parameters."""
        self.log(params=params)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Log one value of each metric."""
        self.log(series={name: [value] for name, value in metrics.items()}, first_step=step)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags, replacing earlier values."""
        self.log(tags=tags)

    def delete_tags(self, names: Iterable[str]) -> None:
        """Take tags away; those that the run does not have are no error."""
        for name in self.tags.keys() & set(names):
            self._ask(partial(_delete_tag, self.id, name))

    # --- Artifacts ------------------------------------------------------------------------------------------------

    def artifacts(self) -> AbstractContextManager[Path]:
        """A draft of a folder; what is written below it becomes artifacts when the block ends well.

        Each file is there as a whole or not at all; on this machine they also survive a power loss from then on.
        """
        return self._files.writing()

    def load_table(self, name: str) -> pd.DataFrame:
        """A table saved as ``NAME.parquet``, indexed (datetime, instrument) as far as it has these columns.

        Raises:
            ArtifactMissing: when the run has none.
            ArtifactBroken: when it is empty, cut off or damaged.
        """
        table: pd.DataFrame = self._files.read(f"{name}.parquet", read_table)
        return table

    def load_json(self, name: str) -> Any:
        """A value saved as ``NAME.json``.

        Raises:
            ArtifactMissing: when the run has none.
            ArtifactBroken: when it is empty, cut off or damaged.
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
            ArtifactBroken: when it is empty, cut off or damaged.
            InputError: for another format, or a pickle that was not named as one.
        """
        return self._files.read(path, partial(read_object, as_pickle=pickle))

    def save_object(self, path: str, value: Any, *, pickle: bool = False) -> None:
        """Keep a value as an artifact in an open format: a table (.parquet) or a plain value (.json).

        Args:
            path: Such as ``analysis/turnover.parquet``; its ending says the format.
            value: A Pandas series comes back as a table with one column.
            pickle: Write a pickle, which only `load_object` with ``pickle=True`` reads.

        Raises:
            InputError: for another ending, or a value that the format cannot hold.
        """
        with self.artifacts() as folder:
            write_object(value, folder / path, as_pickle=pickle)

    def download(self, path: str, to: Path | None = None) -> Path:
        """An artifact, a file or a folder, on this machine.

        Args:
            path: Such as ``pred.parquet``; empty: all artifacts.
            to: Folder to put a copy in, under the same path; None: in place if the artifacts are on this machine,
                else below ``downloads/ID`` in the home folder, in place of an earlier copy.

        Raises:
            ArtifactMissing: when the run has none.
        """
        return self._files.download(path, to)

    def opened(self, path: str) -> AbstractContextManager[Path]:
        """An artifact on this machine while the block lasts; not to be written to.

        Raises:
            ArtifactMissing: when the run has none.
        """
        return self._files.opened(path)

    def list_artifacts(self, folder: str | None = None) -> list[str]:
        """Paths of the artifacts in a folder, those of folders ending in a slash."""
        return list(self._files.listed(folder or ""))

    def unreadable(self, paths: Iterable[str]) -> str | None:
        """Why one of some artifacts (``pred.parquet``) cannot be read back; None when nothing is wrong with them.

        A glance at presence, size and, on this machine, at the end of tables; damage within shows when they are
        loaded, as `ArtifactBroken`.
        """
        return self._files.unreadable(paths)

    def clear_drafts(self) -> None:
        """Remove what processes that were killed have left of artifacts; whatever is written next does so, too."""
        self._files.clear()

    # --- Status ---------------------------------------------------------------------------------------------------

    @contextmanager
    def closing(self, killed: tuple[type[Exception], ...] = (), *, suspend: bool = False) -> Iterator[Self]:
        """Close the run as its block ends: FINISHED, FAILED by an error (kept as a tag), or KILLED.

        Closing a run after an error never hides the error, and does not wait long for a store that is gone.

        Args:
            killed: Errors by which the run is KILLED, not FAILED: it is no longer wanted.
            suspend: Leave a run whose block ends well to be gone on with later, instead of finishing it.
        """
        try:
            yield self
        except BaseException as error:
            if isinstance(error, Exception) and not isinstance(error, killed):
                self._close_quietly(partial(self.fail, error))
            else:
                self._close_quietly(partial(self.end, RunStatus.KILLED))
            raise
        if suspend:
            self.suspend()
        else:
            self.end()

    def fail(self, error: BaseException) -> None:
        """Close the run as FAILED, with the error as a tag."""
        self.set_tags({ERROR_TAG: redacted(f"{type(error).__name__}: {error}")[:_TAG_LENGTH]})
        self.end(RunStatus.FAILED)

    def suspend(self) -> None:
        """Leave the run to be gone on with later."""
        self._ask(lambda client: client.update_run(self.id, RunStatus.SCHEDULED.value))

    def resume(self) -> None:
        """Go on with a run that was left, or that has failed."""
        self._ask(lambda client: client.update_run(self.id, RunStatus.RUNNING.value))
        self.delete_tags([ERROR_TAG])

    def end(self, status: RunStatus = RunStatus.FINISHED) -> None:
        """Close the run; nothing is left of artifacts that a killed process was writing to it."""
        self._ask(lambda client: client.set_terminated(self.id, status.value))
        self.clear_drafts()

    def _close_quietly(self, close: Callable[[], None]) -> None:
        def closed() -> None:
            try:
                close()
            except Exception as error:
                logger.warning("run %s was not closed: %s", self.id, one_line(error))

        closer = threading.Thread(target=closed, daemon=True)
        closer.start()
        closer.join(_CLOSING)

    def _run(self) -> Run:
        return self._ask(lambda client: client.get_run(self.id))

    def _ask(self, action: Callable[[MlflowClient], T]) -> T:
        return self.store.ask(f"run {self.id!r}", action, RunMissing)

    @cached_property
    def _files(self) -> RunArtifacts:
        return RunArtifacts(self.store, self.id, self.artifact_uri, self.confirm)

    def _keep_whole(self, params: Mapping[str, str]) -> None:
        with suppress(ArtifactMissing):
            params = {**self.load_json(Path(WHOLE_PARAMS).stem), **params}
        self.save_object(WHOLE_PARAMS, params)


def _delete_tag(run_id: str, name: str, client: MlflowClient) -> None:
    client.delete_tag(run_id, name)
