"""Which recorded models are online, by tags of their runs: what Qlib's online tool does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components.data import Market
from components.serving.scoring import Scorer
from components.serving.updater import PredUpdater
from components.tracking import ExperimentManager, Recorder

#: The tag, and its values.
STATUS_TAG = "online_status"
ONLINE, OFFLINE = "online", "offline"


@dataclass(frozen=True)
class OnlineTool:
    """Tags the runs of an experiment; a run without the tag is offline.

    The tags are a picture of what a service has decided, for people and for programs that only know MLflow; what
    counts are the days of the service.

    Args:
        experiments: The MLflow store.
        experiment: Id of the experiment.
    """

    experiments: ExperimentManager
    experiment: str

    def set_online_tag(self, recorders: Sequence[Recorder], status: str = ONLINE) -> None:
        """Give runs a status."""
        for recorder in recorders:
            recorder.set_tags({STATUS_TAG: status})

    def reset_online_tag(self, recorders: Sequence[Recorder]) -> None:
        """Let just these runs be online. They are tagged first, so that at no time none is online."""
        self.set_online_tag(recorders)
        chosen = {recorder.id for recorder in recorders}
        others = [recorder for recorder in self.online_models() if recorder.id not in chosen]
        self.set_online_tag(others, OFFLINE)

    def online_models(self) -> list[Recorder]:
        """The runs that are online, newest first."""
        return [
            self.experiments.recorder(run) for run in self.experiments.runs(self.experiment, {STATUS_TAG: ONLINE})
        ]

    def update_online_pred(
        self, market: Market, scorer: Scorer, to_date: str | None = None, from_date: str | None = None
    ) -> None:
        """Bring the predictions of all models that are online up to a day; see `PredUpdater`."""
        for recorder in self.online_models():
            PredUpdater(
                recorder=recorder, market=market, scorer=scorer, to_date=to_date, from_date=from_date
            ).update()
