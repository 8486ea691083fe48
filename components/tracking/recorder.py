"""One MLflow run: what a training task leaves behind."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import pandas as pd

from components.formats.objects import save_json, write_object
from components.redaction import redacted
from components.tracking.params import WHOLE_PARAMS, fitting, fitting_name, flat_params, unfit
from components.tracking.reader import ArtifactMissing, RunReader
from components.tracking.runs import RunStatus

#: MLflow's limits on batches and lengths.
_MOST_A_BATCH = {"params": 100, "tags": 100, "metrics": 1000}
_ENTRIES_A_BATCH = 1000
_TAG_LENGTH = 5000
#: Tag of a failed run: its error.
ERROR_TAG = "error"
#: Values that follow each other; the index of a Pandas series gives its steps.
Series = Sequence[float] | pd.Series


class Recorder(RunReader):
    """Writes to and reads from one run, by its id: there is no active run, so any thread may use it."""

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
        from mlflow.entities import Metric, Param, RunTag

        now = int(time.time() * 1000)
        texts = flat_params(params or {})
        entries: dict[str, list[Any]] = {
            "params": [Param(name, value) for name, value in fitting(texts).items()],
            "metrics": [
                Metric(fitting_name(name), float(value), now, int(step))
                for name, values in (series or {}).items()
                for step, value in zip(_steps(values, first_step), values, strict=False)
            ],
            "tags": [RunTag(name, str(value)) for name, value in (tags or {}).items()],
        }
        while any(entries.values()):
            room = _ENTRIES_A_BATCH
            batch = {}
            for kind, most in _MOST_A_BATCH.items():
                number = min(most, room)
                batch[kind], entries[kind] = entries[kind][:number], entries[kind][number:]
                room -= len(batch[kind])
            self.client.log_batch(self.id, batch["metrics"], batch["params"], batch["tags"])
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
            self.client.delete_tag(self.id, name)

    @contextmanager
    def artifacts(self) -> Iterator[Path]:
        """A draft of a folder; what is written below it becomes artifacts when the block ends well."""
        if self._folder is None:
            with tempfile.TemporaryDirectory(prefix="rollflow-") as folder:
                yield Path(folder)
                self.client.log_artifacts(self.id, folder)
            return
        # On this machine MLflow would only look the run up and copy.
        draft = self._folder.with_name(f"draft-{uuid4().hex}")
        draft.mkdir(parents=True)
        try:
            yield draft
            try:
                draft.rename(self._folder)
            except OSError:  # the run has artifacts already
                shutil.copytree(draft, self._folder, dirs_exist_ok=True)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

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

    @contextmanager
    def closing(self) -> Iterator[Self]:
        """Close the run as its block ends: FINISHED, FAILED by an error (kept as a tag), or KILLED."""
        try:
            yield self
        except Exception as error:
            self.fail(error)
            raise
        except BaseException:
            self.end(RunStatus.KILLED)
            raise
        self.end()

    def fail(self, error: BaseException) -> None:
        """Close the run as FAILED, with the error as a tag."""
        self.set_tags({ERROR_TAG: redacted(f"{type(error).__name__}: {error}")[:_TAG_LENGTH]})
        self.end(RunStatus.FAILED)

    def suspend(self) -> None:
        """Leave the run to be gone on with later."""
        self.client.update_run(self.id, RunStatus.SCHEDULED.value)

    def resume(self) -> None:
        """Go on with a run that was left, or that has failed."""
        self.client.update_run(self.id, RunStatus.RUNNING.value)
        self.delete_tags([ERROR_TAG])

    def end(self, status: RunStatus = RunStatus.FINISHED) -> None:
        """Close the run."""
        self.client.set_terminated(self.id, status.value)

    def _keep_whole(self, params: Mapping[str, str]) -> None:
        with suppress(ArtifactMissing):
            params = {**self.load_json(Path(WHOLE_PARAMS).stem), **params}
        with self.artifacts() as folder:
            save_json(params, folder / WHOLE_PARAMS)


def _steps(values: Series, first: int) -> Iterable[Any]:
    return values.index if isinstance(values, pd.Series) else count(first)
