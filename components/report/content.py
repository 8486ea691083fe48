"""What a report is made of: values, wherever they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import pandas as pd

from components.analysis import signal_analysis
from components.data import Segment
from components.tasks import Json

#: Status of a trained task that has ended well.
DONE = "done"


@dataclass(frozen=True, kw_only=True)
class Training:
    """One trained task: a window of a rolling run, or the only one of a run without rolling."""

    #: First day of its test segment.
    name: str
    segments: Mapping[str, Segment]
    #: Trading days left out before the test segment.
    gap: int = 0
    #: State of its task, ``done`` when all went well.
    status: str = DONE
    #: Whether it was done before this run.
    reused: bool = False
    attempts: int = 1
    #: The last error, while it is not done.
    error: str | None = None
    #: The iteration whose state is kept, counted from 1; None where the model has none.
    best_iteration: int | None = None
    #: What its training took.
    seconds: float = 0.0
    #: Metrics of its test segment, under the records' names.
    metrics: Mapping[str, float] = field(default_factory=dict)
    #: Importance of each feature by name; empty where the model knows none.
    importance: Mapping[str, float] = field(default_factory=dict)
    #: Values by iteration, named ``METRIC.SEGMENT``, such as ``l2.valid``.
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def is_done(self) -> bool:
        """Whether it has ended well."""
        return self.status == DONE


@dataclass(frozen=True, kw_only=True, eq=False)
class Compared:
    """A run beside others."""

    #: What people tell it by.
    name: str
    #: Metrics over the whole period, under the records' names.
    metrics: Mapping[str, float]
    #: Mean over the days of the correlation of its scores with those of the report's run; None: no row in common.
    likeness: float | None
    #: IC by day.
    ic: pd.Series[Any]
    #: Path within the config -> value, where the runs differ and this one has a value.
    differences: Mapping[str, Json]


@dataclass(frozen=True, kw_only=True, eq=False)
class ReportContent:
    """Everything that a report shows."""

    title: str
    #: What the run was, by short names: model, features, period, ...
    facts: Mapping[str, str]
    trainings: tuple[Training, ...]
    #: Metrics over the whole period, under the records' names.
    metrics: Mapping[str, float]
    #: Scores, indexed (datetime, instrument); empty when nothing was predicted.
    prediction: pd.Series[Any]
    #: What happened, indexed alike.
    label: pd.Series[Any]
    #: The backtest by day, as in `BacktestResult.report`; None when there was none.
    backtest: pd.DataFrame | None
    #: This run and earlier ones of the same experiment, newest first; empty when there is no earlier one.
    compared: tuple[Compared, ...] = ()
    #: Trading days without a prediction, as ``first..last``.
    gaps: tuple[str, ...] = ()
    config: Mapping[str, Json]
    #: Versions of the libraries, by name.
    versions: Mapping[str, str]
    made: datetime

    @cached_property
    def daily(self) -> pd.DataFrame:
        """By day: ``ic``, ``rank_ic``, ``long_short_r``, ``long_avg_r``; see `signal_analysis`."""
        if self.prediction.empty:
            return pd.DataFrame(columns=["ic", "rank_ic", "long_short_r", "long_avg_r"], dtype="float64")
        return signal_analysis(self.prediction, self.label)[1]
