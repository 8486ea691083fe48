"""Runs side by side: how alike they predict, how well they do, and how their tasks differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, TypeVar

import pandas as pd

from components.analysis.signal_analysis import signal_analysis
from components.errors import InputError
from components.records.record import PREDICTION
from components.tracking.errors import ArtifactMissing
from components.tracking.experiments import ExperimentManager
from components.tracking.recorder import Recorder
from components.tracking.runs import RunSummary

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class SignalCorrelation:
    """How alike two runs predict, on the rows (datetime, instrument) that both score."""

    #: Ids of the runs.
    runs: tuple[str, str]
    #: Mean over the days of the correlation between the scores of a day.
    pearson: float
    #: The same of their ranks.
    spearman: float
    #: Rows that both score.
    rows: int


@dataclass(frozen=True, kw_only=True)
class RunComparison:
    """Runs side by side; what a run does not have is left out."""

    runs: tuple[RunSummary, ...]
    #: Metric -> {id of a run: its last value}.
    metrics: Mapping[str, Mapping[str, float]]
    #: One for each pair of runs.
    correlations: tuple[SignalCorrelation, ...]
    #: Path within config or task, such as ``task.model.kwargs.seed`` -> {id of a run: value}, where they differ.
    differences: Mapping[str, Mapping[str, Any]]
    #: What could not be compared, and why.
    missing: tuple[str, ...]

    def to_document(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self)


def compare_runs(experiments: ExperimentManager, runs: Sequence[str]) -> RunComparison:
    """Compare runs of any experiments, windows as well as whole rolling runs.

    Args:
        experiments: The store.
        runs: Ids of two runs or more; the start of an id will do.

    Raises:
        InputError: for fewer than two different runs.
        RunMissing: when there is no run of an id.
    """
    found = tuple({run.id: run for run in map(experiments.run, runs)}.values())
    if len(found) < 2:
        raise InputError("compare takes two different runs or more")
    recorders = {run.id: experiments.recorder(run) for run in found}
    missing: list[str] = []
    predictions = _read(_prediction, recorders, missing)
    definitions = _read(_definition, recorders, missing)
    names = dict.fromkeys(name for run in found for name in run.metrics)
    return RunComparison(
        runs=found,
        metrics={name: {run.id: run.metrics[name] for run in found if name in run.metrics} for name in names},
        correlations=tuple(_correlations(predictions, missing)),
        differences=differences({run_id: dict(paths(value)) for run_id, value in definitions.items()}),
        missing=tuple(missing),
    )


def differences(definitions: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The paths at which not all definitions have the same value, with the values of those that have one."""
    every = dict.fromkeys(path for definition in definitions.values() for path in definition)
    found = {
        path: {name: definition[path] for name, definition in definitions.items() if path in definition}
        for path in every
    }
    return {
        path: values
        for path, values in found.items()
        if len(values) < len(definitions) or any(value != next(iter(values.values())) for value in values.values())
    }


def paths(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a JSON value under their paths; a list of plain values is a leaf, empty ones are too."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from paths(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for place, item in enumerate(value):
            yield from paths(item, f"{path}[{place}]")
    else:
        yield path, value


def _read(load: Callable[[Recorder], T], recorders: Mapping[str, Recorder], missing: list[str]) -> dict[str, T]:
    """What is loaded of each run; what is not there is added to `missing`."""
    found = {}
    for run_id, recorder in recorders.items():
        try:
            found[run_id] = load(recorder)
        except ArtifactMissing as error:
            missing.append(str(error))
    return found


def _prediction(recorder: Recorder) -> pd.Series[Any]:
    return recorder.load_table(PREDICTION).iloc[:, 0]


def _definition(recorder: Recorder) -> dict[str, Any]:
    """The config of a whole run; of a window, which has only its task, as much of one as that is."""
    try:
        config: dict[str, Any] = recorder.load_json("config")
    except ArtifactMissing:
        task = recorder.load_json("task")
        data = {"data": task.pop("data")} if "data" in task else {}
        config = {"task": task, **data}
    return config


def _correlations(predictions: Mapping[str, pd.Series[Any]], missing: list[str]) -> Iterator[SignalCorrelation]:
    for first, second in combinations(predictions, 2):
        both = pd.concat([predictions[first], predictions[second]], axis=1, join="inner").dropna()
        if both.empty:
            missing.append(f"runs {first} and {second} predict no (datetime, instrument) in common")
            continue
        metrics, _ = signal_analysis(both.iloc[:, 0], both.iloc[:, 1], long_short=False)
        yield SignalCorrelation(
            runs=(first, second), pearson=metrics["IC"], spearman=metrics["Rank IC"], rows=len(both)
        )
