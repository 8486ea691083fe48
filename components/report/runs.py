"""What a report reads from MLflow runs, and where it is kept."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import pandas as pd

from components.collection import READERS
from components.tracking import ExperimentManager, Recorder, RunSummary

#: File name of a report among the artifacts of its run.
REPORT = "report.html"
#: Tag of the runs whose report is listed: when it was made, in UTC.
REPORT_TAG = "rollflow.report"
#: Segments by which models are measured while they learn: the second half of the names of curves.
_SEGMENTS = ("train", "valid")
#: Metrics of a backtest begin like this.
_BACKTEST = "1day."
#: Libraries whose versions may change results.
_LIBRARIES = (
    "rollflow",
    "lightgbm",
    "scikit-learn",
    "numpy",
    "numba",
    "pandas",
    "pyarrow",
    "mlflow",
    "prefect",
    "pymongo",
    "plotly",
)


@dataclass(frozen=True, kw_only=True)
class Learning:
    """What the run of one training tells of it; the fields of `Training` of the same names."""

    importance: Mapping[str, float]
    curves: Mapping[str, Sequence[float]]


def read_learning(runs: Sequence[RunSummary], experiments: ExperimentManager) -> dict[str, Learning]:
    """Read what was learnt in runs, by their ids.

    Raises:
        ArtifactMissing: when a run has no ``importance.json``.
    """

    def read(run: RunSummary) -> Learning:
        recorder = experiments.recorder(run)
        curves = [name for name in run.metrics if name.rpartition(".")[2] in _SEGMENTS]
        return Learning(
            importance=recorder.load_json("importance"),
            curves={name: recorder.load_series(name).tolist() for name in curves},
        )

    with ThreadPoolExecutor(READERS) as readers:
        return {run.id: learning for run, learning in zip(runs, readers.map(read, runs), strict=True)}


def read_backtest(recorder: Recorder, metrics: Mapping[str, float]) -> pd.DataFrame | None:
    """The backtest of a run by day, as `PortAnaRecord` wrote it; None when its metrics know of none."""
    if not any(name.startswith(_BACKTEST) for name in metrics):
        return None  # what may lie there is of an earlier run with other records
    return recorder.load_table("report")


def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries whose versions may change results, as they are now."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def save_report(page: str, recorder: Recorder, made: datetime) -> Path:
    """Write the HTML of a report to the artifacts of a run, and list it; the file's place on this machine."""
    with recorder.artifacts() as folder:
        (folder / REPORT).write_text(page, "utf-8")
    recorder.set_tags({REPORT_TAG: made.astimezone(UTC).isoformat(timespec="seconds")})
    return recorder.download(REPORT)
