"""What a strategy's models have predicted, for the collectors that analyse rolling runs as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components.collection import Collected, Collector
from components.collection.collector import Process
from components.records import LABEL, PREDICTION
from components.serving.manager import OnlineManager
from components.serving.state import model_scores


@dataclass(frozen=True, kw_only=True)
class ServedScores(Collector):
    """{artifact: {(strategy, first test day): table}} of the models of a strategy, on the days that they scored.

    The artifacts are ``pred`` and ``label``; a label is NaN where it was not known on the newest day.
    """

    manager: OnlineManager
    strategy: str
    process_list: Sequence[Process] = ()

    def collect(self) -> Collected:
        """Read the scores of all days."""
        history, state = self.manager.history(), self.manager.evening.state
        predictions, labels = {}, {}
        for model in history.models(self.strategy):
            days = history.scored_by(model)
            if days:
                key = (model.strategy, model.name)
                predictions[key] = model_scores(state.scores(days), model).to_frame("score")
                label = self.manager.labels(model, days[0].day, days[-1].day, history.days[-1].day)
                labels[key] = label.reindex(predictions[key].index).to_frame("label")
        return Collected({PREDICTION: predictions, LABEL: labels})
