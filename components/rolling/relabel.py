"""Labels that became known, or were mended, after a window was trained: filled in without training again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from components.collection import READERS
from components.data import Market
from components.features import DataHandler, parse
from components.features.engine import evaluate
from components.features.rows import RowIndex
from components.pool import ResultChanged, TaskPool, TaskRecord
from components.records import LABEL, PREDICTION, ArtifactFolder
from components.tasks import TrainingTask
from components.tracking import ExperimentManager, Recorder
from components.training import analyses_of, build_handler


def refresh_labels(
    records: Sequence[TaskRecord],
    reused: Collection[str],
    pool: TaskPool,
    experiments: ExperimentManager,
    market: Market,
    trusted: Iterable[str] = (),
) -> list[TaskRecord]:
    """Compare the labels of done windows with the data as it is now; where they differ, write them and the metrics.

    A label looks ahead beyond the last test day, so that it may not be known yet when a window is trained. Windows
    whose labels were compared with just these files of the market before are not looked at again.

    Args:
        records: Windows of a run.
        reused: Ids of those that were done before; the labels of the others are new.
        pool: Where the metrics of a window are kept.
        experiments: Where its labels are kept.
        market: The data as it is now.
        trusted: Packages whose classes the windows may name.

    Returns:
        The records, of the windows that were looked at as they are in the pool now.
    """
    stale = [
        record for record in records if record.id in reused and record.result.get("data_version") != market.version
    ]
    refresh = partial(_refreshed, pool=pool, experiments=experiments, market=market, trusted=tuple(trusted))
    with ThreadPoolExecutor(READERS) as readers:
        fresh = {record.id: record for record in readers.map(refresh, stale)}
    return [fresh.get(record.id, record) for record in records]


def _refreshed(
    record: TaskRecord,
    *,
    pool: TaskPool,
    experiments: ExperimentManager,
    market: Market,
    trusted: Sequence[str],
) -> TaskRecord:
    task = TrainingTask.from_config(record.definition)
    recorder = experiments.recorder(record.result["recorder_id"])
    stored = recorder.load_table(LABEL).iloc[:, 0]
    known = _labels(build_handler(task, trusted), task, market).reindex(stored.index)
    result = {**record.result, "data_version": market.version}
    if not np.array_equal(known.to_numpy(), stored.to_numpy(), equal_nan=True):
        result["metrics"] = {**result["metrics"], **_written(recorder, known, task, market, trusted)}
    try:
        pool.amend(record, result)
    except ResultChanged:  # somebody else does the same, or has reset the task
        return pool.get(record.id)
    return replace(record, result=result)


def _labels(handler: DataHandler, task: TrainingTask, market: Market) -> pd.Series:
    """The labels of the test segment as the data has them now."""
    rows = RowIndex.of(
        market, market.membership(handler.instruments), *market.calendar.span(*task.segments["test"])
    )
    values = np.empty((len(rows), 1), dtype=np.float32)
    start, _ = handler.span(market)
    (label,) = handler.columns["label"].values()
    evaluate([parse(label)], market, rows, values, start=start, threads=1)
    return pd.Series(values[:, 0], index=rows.to_index(), name="label")


def _written(
    recorder: Recorder, label: pd.Series, task: TrainingTask, market: Market, trusted: Sequence[str]
) -> dict[str, float]:
    """Write labels to the run of a window, and what is derived from them; the new metrics."""
    prediction = recorder.load_table(PREDICTION).iloc[:, 0]
    metrics: dict[str, float] = {}
    with recorder.artifacts() as folder:
        artifacts = ArtifactFolder(folder)
        artifacts.write_signal(prediction, label)
        for record in analyses_of(task, market, trusted):
            metrics |= record.generate(artifacts)
    recorder.log_metrics(metrics)
    return metrics
