"""What a service trains, and when: strategies, each with models of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

from components.data import Market
from components.errors import InputError
from components.serving.day import OnlineModel, Standing
from components.tasks import RollingGen, TrainingTask
from components.tasks.rolling import Kind


class OnlineStrategy(ABC):
    """Says which models a service trains on a day, and which of them it puts online.

    A market that is given to it ends on the day in question: what comes later cannot be seen.
    """

    #: Tells it from the other strategies of its service.
    name: str

    @property
    @abstractmethod
    def template(self) -> TrainingTask:
        """What all its models have in common."""

    @abstractmethod
    def first_tasks(self, market: Market) -> list[TrainingTask]:
        """What is trained on the first day of all.

        Raises:
            InputError: when there is nothing to train by then.
        """

    @abstractmethod
    def prepare_tasks(self, market: Market, models: Sequence[OnlineModel]) -> list[TrainingTask]:
        """What has to be trained on a later day.

        Args:
            market: The data until the day.
            models: All models of the strategy, the newest last.
        """

    @abstractmethod
    def task_of(self, model: OnlineModel) -> TrainingTask:
        """What a model was trained on, not bound to data."""

    @abstractmethod
    def prepare_online_models(self, trained: Sequence[OnlineModel], standing: Standing) -> Standing:
        """The roles of the models once some were trained: at best, the newest is online."""


@dataclass(frozen=True)
class RollingStrategy(OnlineStrategy):
    """The newest window of a rolling run is online; the next one is trained when its first test day has come.

    Args:
        name: Tells it from the other strategies of its service.
        task_template: The first window, see `RollingGen`.
        step: Trading days from window to window.
        kind: Whether the training segment grows or moves.
        gap: Trading days left out before the test segment.
    """

    name: str
    task_template: TrainingTask
    step: int = 40
    kind: Kind = "expanding"
    gap: int | None = None

    @property
    def template(self) -> TrainingTask:
        """The first window."""
        return self.task_template

    def first_tasks(self, market: Market) -> list[TrainingTask]:
        """The newest window whose test has begun.

        Raises:
            InputError: when none has.
        """
        start = self.task_template.segments["test"][0]
        if start is not None and market.calendar.at_or_after(start) == len(market.calendar):
            raise InputError(
                f"strategy {self.name}: its first test day {start} is after {market.calendar.last}; "
                "begin on a later day, or test earlier"
            )
        return self._generator(market).generate(self.task_template)[-1:]

    def prepare_tasks(self, market: Market, models: Sequence[OnlineModel]) -> list[TrainingTask]:
        """The windows after the newest one whose test has begun: one at most, if no day was left out."""
        regular = [model for model in models if model.regular]
        if not regular:
            return self.first_tasks(market)
        newest = max(regular, key=lambda model: model.name)
        return self._generator(market).following(self.task_of(newest))

    def prepare_online_models(self, trained: Sequence[OnlineModel], standing: Standing) -> Standing:
        """The newest of the new models takes over."""
        for model in sorted(trained, key=lambda model: model.name):
            standing = standing.promoted(model.key)
        return standing

    def retraining(self, market: Market, models: Sequence[OnlineModel]) -> list[TrainingTask]:
        """A window between two regular ones, tested from the market's last day on; none if that day has one."""
        newest = max(models, key=lambda model: model.name)
        distance = len(market.calendar) - 1 - market.calendar.at_or_after(newest.name)
        if not distance:
            return []
        return replace(self._generator(market), step=distance).following(self.task_of(newest))

    def task_of(self, model: OnlineModel) -> TrainingTask:
        """The first window, moved to the days of a model."""
        return self.task_template.with_segments(model.segments)

    def _generator(self, market: Market) -> RollingGen:
        return RollingGen(step=self.step, kind=self.kind, gap=self.gap, calendar=market.calendar)
