"""Joining the predictions of a run's windows, and judging them over the whole period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pandas as pd

from components.collection import READERS, RollingEnsemble, coverage
from components.config import RunConfig
from components.data import Market
from components.errors import InputError
from components.formats.objects import save_json
from components.formats.tables import save_table
from components.gc_pause import garbage_kept
from components.pool import TaskPool, TaskRecord, TaskStatus
from components.records.record import LABEL, PREDICTION, ArtifactFolder
from components.rolling.changes import DATA_TRACE
from components.rolling.checks import warnings_of
from components.rolling.result import RunResult, WindowResult
from components.rolling.window import Stored, adopted
from components.tracking import ArtifactMissing, ExperimentManager, RunStatus
from components.training import analyses_of

#: File name of the joined predictions among the artifacts of the parent run.
PREDICTIONS = "predictions"


@dataclass(frozen=True, kw_only=True)
class Joined:
    """The windows of a run, and one signal over all days that they cover."""

    windows: tuple[WindowResult, ...]
    prediction: pd.Series
    label: pd.Series
    #: Trading days of the tested period without a prediction, as ``first..last``.
    gaps: tuple[str, ...]


def join_windows(
    records: Sequence[TaskRecord], stored: Stored, pool: TaskPool, experiments: ExperimentManager, market: Market
) -> Joined:
    """Read the signals of all windows that are done, by the run ids that the pool holds, and join them.

    Where two windows predict the same day, the later one wins. A window whose signal turns out to be damaged is not
    done any more: its task waits to be trained again.

    Raises:
        InputError: when two windows begin on the same day, so that neither is the later one.
    """
    results = [
        WindowResult.of(record, reused=record.id in stored.done, change=stored.changes.get(record.id))
        for record in records
    ]
    windows = tuple(sorted(results, key=lambda window: (window.name, window.key)))
    done = {window.key: window.recorder_id for window in windows if window.recorder_id}
    _check_order([window for window in windows if window.key in done])
    runs = adopted(done.values(), experiments, stored.parent)

    def read(run_id: str) -> tuple[pd.DataFrame, pd.DataFrame] | ArtifactMissing:
        try:
            return runs[run_id].load_table(PREDICTION), runs[run_id].load_table(LABEL)
        except ArtifactMissing as error:
            return error

    with ThreadPoolExecutor(READERS) as readers, garbage_kept():
        found = dict(zip(done, readers.map(read, done.values()), strict=True))
    damaged = {key: str(error) for key, error in found.items() if isinstance(error, ArtifactMissing)}
    pool.reset(ids=damaged, status=[TaskStatus.DONE])
    signals = {key: signal for key, signal in found.items() if not isinstance(signal, ArtifactMissing)}
    predictions = {key: prediction for key, (prediction, _) in signals.items()}
    labels = {key: label for key, (_, label) in signals.items()}
    return Joined(
        windows=tuple(window.lost(damaged[window.key]) if window.key in damaged else window for window in windows),
        prediction=_joined(predictions),
        label=_joined(labels),
        gaps=tuple(coverage(predictions, [window.segments["test"] for window in windows], market.calendar).gaps),
    )


def _check_order(windows: Sequence[WindowResult]) -> None:
    for earlier, later in pairwise(windows):
        if earlier.name == later.name:
            raise InputError(
                f"windows {earlier.key[:12]} and {later.key[:12]} both begin on {later.name}; join those of each "
                "model apart, see components.collection.RollingGroup"
            )


def analyse_run(
    config: RunConfig,
    joined: Joined,
    *,
    experiments: ExperimentManager,
    stored: Stored,
    market: Market,
    trusted: Sequence[str] = (),
) -> RunResult:
    """Judge the joined signal by the records of the task, and write everything to the parent run.

    Without a parent, everything is written to the run of the one task, if it was trained.
    """
    parent = stored.parent
    run_id = parent or joined.windows[0].recorder_id
    metrics: dict[str, float] = {}
    predictions = None
    if run_id:
        recorder = experiments.recorder(run_id)
        with recorder.artifacts() as folder:
            unused = None if parent else {"rolling"}
            save_json(config.model_dump(mode="json", exclude=unused), folder / "config.json")
            save_json([window.to_document() for window in joined.windows], folder / "windows.json")
            if stored.trace:
                save_json(stored.trace.to_document(), folder / f"{DATA_TRACE}.json")
            if len(joined.prediction):
                metrics = _judge(config, joined, folder, market, trusted)
        recorder.log_metrics(metrics)
        failed = any(window.status is not TaskStatus.DONE for window in joined.windows)
        recorder.end(RunStatus.FAILED if failed else RunStatus.FINISHED)
        predictions = str(recorder.download(f"{PREDICTIONS}.parquet")) if len(joined.prediction) else None
    tested = config.template().with_segments(joined.windows[0].segments)
    return RunResult(
        experiment=config.experiment_name,
        warnings=warnings_of(tested, market, trusted),
        pool=config.pool_name,
        recorder_id=run_id or "",
        windows=joined.windows,
        metrics=metrics,
        predictions=predictions,
        report=None,
        gaps=joined.gaps,
        reused=sum(window.reused for window in joined.windows),
    )


def _judge(
    config: RunConfig, joined: Joined, folder: Path, market: Market, trusted: Sequence[str]
) -> dict[str, float]:
    artifacts = ArtifactFolder(folder)
    artifacts.write_signal(joined.prediction, joined.label)
    both = joined.prediction.to_frame("score").join(joined.label.rename("label"))
    save_table(both, folder / f"{PREDICTIONS}.parquet")
    metrics: dict[str, float] = {}
    for record in analyses_of(config.template(), market, trusted):
        metrics |= record.generate(artifacts)
    return metrics


def _joined(frames: Mapping[str, pd.DataFrame]) -> pd.Series:
    """One series of many windows' tables with one column."""
    if not frames:
        return pd.Series(dtype="float64")
    joined: pd.Series = RollingEnsemble()({name: frame.iloc[:, 0] for name, frame in frames.items()})
    return joined
