"""Scores of online models: of just the days that are asked for, on just the features that these days need."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from components.data import Market, to_day
from components.features import DatasetH, FeatureMatrix, MatrixStore
from components.models import Model
from components.models.model import checked_scores
from components.rolling import label_lookahead
from components.tasks import TrainingTask
from components.tracking import ExperimentManager, load_model
from components.training import build_handler

#: The segment of the days that are asked for.
_ASKED = "asked"


@dataclass(frozen=True)
class Scorer:
    """Scores days with models that were trained before; a model is read and a matrix opened once.

    A score of a day does not depend on which days are asked for together with it, and equals that of a run over all
    days, to the bit.
    """

    experiments: ExperimentManager
    matrices: MatrixStore
    #: Packages whose classes tasks may name.
    trusted: tuple[str, ...] = ()
    _models: dict[str, Model] = field(default_factory=dict)
    _matrices: dict[tuple[str, str], FeatureMatrix] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def score(self, task: TrainingTask, recorder_id: str, market: Market, first: str, last: str) -> pd.DataFrame:
        """Score and label of the rows from one day to another, both inclusive.

        Args:
            task: What the model was trained on.
            recorder_id: The MLflow run of the model.
            market: The data; features are made until its last day.
            first: The first day, ``YYYY-MM-DD``.
            last: The last day.

        Returns:
            Columns score and label (NaN where it is not known), indexed (datetime, instrument).

        Raises:
            InputError: when there is no row on these days.
            ArtifactMissing: when the run has no model.
        """
        dataset = DatasetH(self.matrix(task, market), {_ASKED: (first, last)})
        rows, model = dataset.infer(_ASKED), self.model(recorder_id)
        scores = checked_scores(model.predict(dataset, _ASKED), rows.index(), type(model).__name__)
        return pd.DataFrame({"score": scores.to_numpy(), "label": rows.y}, index=rows.index())

    def label(self, task: TrainingTask, market: Market, first: str, last: str) -> pd.Series:
        """The labels of the rows from one day to another, as the data has them; NaN where one is not known."""
        rows = self.matrix(task, market).infer(first, last)
        return pd.Series(rows.y, index=rows.index(), name="label")

    def ahead(self, task: TrainingTask) -> int:
        """Trading days until the label of a day is known."""
        return label_lookahead(build_handler(task, self.trusted))

    def model(self, recorder_id: str) -> Model:
        """The fitted model of a run."""
        with self._lock:
            if recorder_id not in self._models:
                self._models[recorder_id] = load_model(self.experiments.recorder(recorder_id), self.trusted)
            return self._models[recorder_id]

    def matrix(self, task: TrainingTask, market: Market) -> FeatureMatrix:
        """The features of a task's handler until the market's last day; stored ones grow by the days they lack."""
        handler = build_handler(task.with_handler_kwargs(end_time=str(market.calendar.last)), self.trusted)
        key = (repr(handler), market.version)
        with self._lock:
            if key not in self._matrices:
                self._matrices[key] = self.matrices.open(handler, market)
            return self._matrices[key]


def members_without_score(market: Market, universe: str | Iterable[str], day: str, scored: pd.Series) -> list[str]:
    """Members of a universe that have no score on a day, sorted.

    Args:
        market: The data.
        universe: Its name, or the instruments.
        day: The trading day.
        scored: Scores of the day, indexed (datetime, instrument).
    """
    if isinstance(universe, str):
        spans, at = market.spans(universe), to_day(day)
        inside = (spans.first <= at) & (at <= spans.last)
        members = {code for code, is_in in zip(spans.codes, inside, strict=True) if is_in}
    else:
        members = set(universe)
    return sorted(members - set(scored.dropna().index.get_level_values("instrument")))
