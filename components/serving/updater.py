"""Predictions and labels of a recorded model, brought up to a day: what Qlib's updaters do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from components.data import Market
from components.formats.tables import save_table
from components.records import LABEL, PREDICTION
from components.rolling import label_lookahead
from components.serving.scoring import Scorer
from components.tasks import TrainingTask
from components.tracking import Recorder, load_task
from components.training import build_handler


@dataclass(frozen=True, kw_only=True)
class Updater(ABC):
    """Brings a table of a run, indexed (datetime, instrument), up to a day; rows before the first new day stay.

    Args:
        recorder: The run of a trained model.
        market: The data.
        scorer: Reads the model and makes its features.
        to_date: The last day; None, or a later one than the data's: the data's last day.
        from_date: The first day that is made anew; None: as the updater says.
    """

    recorder: Recorder
    market: Market
    scorer: Scorer
    to_date: str | None = None
    from_date: str | None = None
    #: Which table it is.
    name: str = field(init=False)

    def update(self, *, write: bool = True) -> pd.DataFrame | None:
        """Make the rows that are missing.

        Args:
            write: Whether the run gets them.

        Returns:
            The whole table with the new rows; None when there is nothing to do.

        Raises:
            ArtifactMissing: when the run has no model, or no such table.
            InputError: for a day that the data does not have.
        """
        stored = self.recorder.load_table(self.name)
        calendar = self.market.calendar
        task = load_task(self.recorder)
        if self.from_date is None:
            first = max(self._after(stored) - self._again(task), 0)
        else:
            first = calendar.at_or_after(self.from_date)
        last = len(calendar) - 1 if self.to_date is None else calendar.at_or_before(self.to_date)
        if first > last:
            return None
        new = self._rows(task, str(calendar[first]), str(calendar[last]))
        days = stored.index.get_level_values("datetime")
        kept = stored[(days < calendar.index[first]) | (days > calendar.index[last])]
        table = pd.concat([kept, new]).sort_index()
        if write:
            with self.recorder.artifacts() as folder:
                save_table(table, folder / f"{self.name}.parquet")
        return table

    @abstractmethod
    def _again(self, task: TrainingTask) -> int:
        """How many days before the first missing one are made anew."""

    @abstractmethod
    def _rows(self, task: TrainingTask, first: str, last: str) -> pd.DataFrame:
        """The rows of some days."""

    def _after(self, stored: pd.DataFrame) -> int:
        """Calendar position of the day after the last one that a table has a value of."""
        known = stored.dropna().index.get_level_values("datetime")
        if not len(known):
            return self.market.calendar.at_or_after(str(stored.index.get_level_values("datetime").min().date()))
        return self.market.calendar.at_or_before(str(known.max().date())) + 1


@dataclass(frozen=True, kw_only=True)
class PredUpdater(Updater):
    """Scores the days after the last one that a run has scores of, with its model."""

    name: str = field(init=False, default=PREDICTION)

    def _again(self, _task: TrainingTask) -> int:
        return 0

    def _rows(self, task: TrainingTask, first: str, last: str) -> pd.DataFrame:
        return self.scorer.score(task, self.recorder.id, self.market, first, last)[["score"]]


@dataclass(frozen=True, kw_only=True)
class LabelUpdater(Updater):
    """Reads the labels of the days after the last one that a run has a label of, and those of some days before.

    Qlib takes a day for done as soon as it has any label. Here so many days are read again as a label looks ahead.
    """

    name: str = field(init=False, default=LABEL)

    def _again(self, task: TrainingTask) -> int:
        return label_lookahead(build_handler(task, self.scorer.trusted))

    def _rows(self, task: TrainingTask, first: str, last: str) -> pd.DataFrame:
        return self.scorer.label(task, self.market, first, last).to_frame().astype(np.float64)
