"""Training one task: model and dataset from their description, fit, save, records."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from components import models
from components.data import Market, Segment
from components.features import MatrixStore
from components.formats.objects import save_json
from components.models import MODEL_FOLDER, Fit, FitContext, Model, model_config, save_model
from components.progress import Progress, no_progress
from components.records import ArtifactFolder, Record
from components.tasks import Json, TrainingTask
from components.tracking import Recorder
from components.training.dataset import open_dataset
from components.training.records import build_records

#: The task among the artifacts of its run.
TASK_FILE = "task.json"


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """What a trained task leaves in the pool; the rest is in its MLflow run."""

    #: Id of the MLflow run.
    recorder_id: str
    #: The iteration whose state is kept, None where the model has none.
    best_iteration: int | None
    metrics: Mapping[str, float]
    #: Seconds by phase: data, fit, records.
    seconds: Mapping[str, float]
    #: Version of the files of the market with which the labels were compared last, see `refresh_labels`.
    data_version: str

    def to_document(self) -> dict[str, Json]:
        """The JSON form."""
        return {**vars(self), "metrics": dict(self.metrics), "seconds": dict(self.seconds)}


@dataclass
class Stopwatch:
    """Adds up seconds by phase."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time of a block under a name."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - start, 4)


def build_model(task: TrainingTask, trusted: Iterable[str] = ()) -> Model:
    """The model that a task describes, not fitted.

    Raises:
        InputError: when the description is wrong, or is not one of a model.
    """
    return models.build_model(task.model, trusted)


def train_task(
    task: TrainingTask,
    *,
    market: Market,
    matrices: MatrixStore,
    recorder: Recorder,
    threads: int | None = None,
    progress: Progress = no_progress,
    trusted: Iterable[str] = (),
    days: Segment | None = None,
) -> TrainResult:
    """Train a task and write everything about it to a run, which stays open.

    Args:
        task: What to train.
        market: Where the data comes from.
        matrices: Where feature matrices are kept.
        recorder: The run to write to.
        threads: Ceiling on the model's threads.
        progress: Called while the features are built and after each iteration; raises to stop the training.
        trusted: Packages whose classes the task may name.
        days: Days of the feature matrix where it has to be built, if it is to serve other tasks as well.

    Raises:
        InputError: when the task describes something that cannot be built or trained.
    """
    watch = Stopwatch()
    model = build_model(task, trusted)
    with watch.phase("data"):
        dataset = open_dataset(task, market, matrices, trusted, days, progress)
        # Before the fit, which is the longest part: a mistake in their descriptions ends it here.
        records = build_records(task, model, dataset, market, trusted)
    with watch.phase("fit"):
        fit = model.fit(dataset, FitContext(threads=threads, progress=progress))
    with watch.phase("records"):
        metrics = _write(task, model, fit, records, recorder, model_config(task.model, trusted).get("kwargs") or {})
    return TrainResult(
        recorder_id=recorder.id,
        best_iteration=fit.best_iteration,
        metrics=metrics,
        seconds=watch.seconds,
        data_version=market.version,
    )


def parameters(task: TrainingTask) -> dict[str, Json]:
    """What is logged of a task as parameters of its run."""
    return {"model": task.model, "segments": task.segments, "handler": task.handler}


def _write(
    task: TrainingTask,
    model: Model,
    fit: Fit,
    records: Iterable[Record],
    recorder: Recorder,
    arguments: Mapping[str, Any],
) -> dict[str, float]:
    """Write everything about a fitted model, made with the arguments, to its run; the metrics of the records."""
    metrics: dict[str, float] = {}
    with recorder.artifacts() as folder:
        save_json(task.to_config(), folder / TASK_FILE)
        save_json(dict(fit.importance), folder / "importance.json")
        save_model(model, folder / MODEL_FOLDER, arguments)
        artifacts = ArtifactFolder(folder)
        for record in records:
            metrics |= record.generate(artifacts)
    iterations = {} if fit.best_iteration is None else {"best_iteration": float(fit.best_iteration)}
    recorder.log(
        params=parameters(task),
        series={**fit.curves, **{name: [value] for name, value in (metrics | iterations).items()}},
    )
    return metrics
