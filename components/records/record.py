"""Records: what is derived from a trained model and kept with its run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pandas as pd

from components.analysis.signal_analysis import signal_analysis
from components.checking import check_flag, check_number
from components.errors import InputError, RollflowError
from components.formats.tables import read_table, save_table
from components.models.model import checked_scores

PREDICTION = "pred"
LABEL = "label"
_SIGNAL = (PREDICTION, LABEL)


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


class ArtifactFolder:
    """The artifacts of a run while records make them: a folder, and the signal in it."""

    def __init__(self, folder: Path) -> None:
        #: Records write into it, and may read what earlier ones wrote.
        self.folder = folder
        self._signal: tuple[pd.Series, pd.Series] | None = None

    def write_signal(self, prediction: pd.Series, label: pd.Series) -> None:
        """Write ``pred.parquet`` and ``label.parquet``, both indexed (datetime, instrument)."""
        self._signal = prediction.rename("score"), label.rename("label")
        for name, values in zip(_SIGNAL, self._signal, strict=True):
            save_table(values.to_frame(), self.folder / f"{name}.parquet")

    def signal(self) -> tuple[pd.Series, pd.Series]:
        """Prediction and label, as they were written.

        Raises:
            RecordInputMissing: when there is none.
        """
        if self._signal is None:
            try:
                prediction, label = (read_table(self.folder / f"{name}.parquet").iloc[:, 0] for name in _SIGNAL)
            except FileNotFoundError as error:
                raise RecordInputMissing(
                    f"{error.filename} is missing; put SignalRecord first among the records"
                ) from None
            self._signal = prediction, label
        return self._signal


class Record(ABC):
    """Writes files into the artifacts of a run and returns the metrics to log."""

    #: Whether the record is about a whole period only, and so not written for each window of a rolling run.
    whole_period: ClassVar[bool] = False
    #: Whether the record is made from the model itself, and not from what `SignalRecord` wrote.
    needs_model: ClassVar[bool] = False

    @abstractmethod
    def generate(self, artifacts: ArtifactFolder) -> Mapping[str, float]:
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

    def generate(self, artifacts: ArtifactFolder) -> Mapping[str, float]:
        """Score the test segment."""
        rows = self.dataset.infer("test")
        label = pd.Series(rows.y, index=rows.index(), name="label")
        scores = checked_scores(self.model.predict(self.dataset, "test"), rows.index(), type(self.model).__name__)
        artifacts.write_signal(scores, label)
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
            raise InputError(f"SigAnaRecord: label_col {label_col!r:.60}, but a run has one label, number 0")
        check_flag("SigAnaRecord: ana_long_short", ana_long_short)
        check_number("SigAnaRecord: ann_scaler", ann_scaler, above=0)
        self.ana_long_short = ana_long_short
        self.ann_scaler = ann_scaler

    def generate(self, artifacts: ArtifactFolder) -> Mapping[str, float]:
        """Compare the signal with the label, where the label is known; write ``sig_analysis.parquet``."""
        prediction, label = artifacts.signal()
        metrics, daily = signal_analysis(
            prediction, label, ann_scaler=self.ann_scaler, long_short=self.ana_long_short
        )
        save_table(daily, artifacts.folder / "sig_analysis.parquet")
        return metrics
