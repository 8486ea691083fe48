"""Records: what is derived from a trained model and kept with its run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pandas as pd

from components.errors import RollflowError
from components.tracking.signal_analysis import signal_analysis
from components.tracking.tables import read_table, save_table

PREDICTION = "pred"
LABEL = "label"


class RecordInputMissing(RollflowError):
    """A record needs what an earlier record should have written."""


class _Rows(Protocol):
    @property
    def y(self) -> Any: ...
    def index(self) -> pd.MultiIndex: ...


class _Dataset(Protocol):
    def infer(self, segment: str) -> _Rows: ...


class _Model(Protocol):
    def predict(self, dataset: Any, segment: str) -> pd.Series: ...


class Record(ABC):
    """Writes files into the folder of a run's artifacts and returns the metrics to log.

    A record may read what earlier ones wrote into the same folder.
    """

    #: Whether the record is about a whole period only, and so not written for each window of a rolling run.
    whole_period: ClassVar[bool] = False
    #: Whether the record is made from the model itself, and not from what `SignalRecord` wrote.
    needs_model: ClassVar[bool] = False

    @abstractmethod
    def generate(self, folder: Path) -> Mapping[str, float]:
        """Write the record.

        Raises:
            RecordInputMissing: when a record that this one builds on was not written.
        """


class SignalRecord(Record):
    """The scores of the ``test`` segment, and the label as the data has it.

    Writes ``pred.parquet`` (datetime, instrument, score) and ``label.parquet`` (datetime, instrument, label).
    """

    needs_model = True

    def __init__(self, model: _Model, dataset: _Dataset) -> None:
        self.model = model
        self.dataset = dataset

    def generate(self, folder: Path) -> Mapping[str, float]:
        """Score the test segment."""
        rows = self.dataset.infer("test")
        label = pd.Series(rows.y, index=rows.index(), name="label")
        write_signal(folder, self.model.predict(self.dataset, "test"), label)
        return {}


class SigAnaRecord(Record):
    """Daily IC and Rank IC, their means and ratios, and quantile returns.

    Args:
        ana_long_short: Whether returns of the best and worst names are measured too.
        ann_scaler: Trading days in a year.
        label_col: Accepted for Qlib's sake; there is one label.
    """

    def __init__(self, ana_long_short: bool = False, ann_scaler: int = 252, label_col: int = 0) -> None:
        if label_col:
            raise RecordInputMissing(f"SigAnaRecord: label_col {label_col}, but a run has one label, number 0")
        self.ana_long_short = ana_long_short
        self.ann_scaler = ann_scaler

    def generate(self, folder: Path) -> Mapping[str, float]:
        """Compare the signal with the label, where the label is known; write ``sig_analysis.parquet``."""
        prediction, label = read_signal(folder)
        metrics, daily = signal_analysis(
            prediction, label, ann_scaler=self.ann_scaler, long_short=self.ana_long_short
        )
        save_table(daily, folder / "sig_analysis.parquet")
        return metrics


def write_signal(folder: Path, prediction: pd.Series, label: pd.Series) -> None:
    """Write what `SignalRecord` writes."""
    save_table(prediction.rename("score").to_frame(), folder / f"{PREDICTION}.parquet")
    save_table(label.rename("label").to_frame(), folder / f"{LABEL}.parquet")


def read_signal(folder: Path) -> tuple[pd.Series, pd.Series]:
    """Prediction and label that `write_signal` wrote, indexed (datetime, instrument).

    Raises:
        RecordInputMissing: when there is none.
    """
    try:
        return tuple(  # type: ignore[return-value]  # two names, two series
            read_table(folder / f"{name}.parquet").iloc[:, 0] for name in (PREDICTION, LABEL)
        )
    except FileNotFoundError as error:
        raise RecordInputMissing(f"{error.filename} is missing; put SignalRecord first among the records") from None
