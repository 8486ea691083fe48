"""What a service trains, and when: strategies, each with models of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from components.config.online.promotion import PromotionSection
from components.data import Market
from components.errors import InputError
from components.serving.day import Action, Decision, OnlineModel, Standing
from components.serving.promotion import judge
from components.tasks import Json, RollingGen, TrainingTask
from components.tasks.periods import Every
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
    def retraining(self, market: Market, models: Sequence[OnlineModel]) -> list[TrainingTask]:
        """What is trained when something else than time asks for it, such as drift; nothing if that makes no sense.

        Args:
            market: The data until the day.
            models: All models of the strategy, the newest last.
        """

    @abstractmethod
    def on_trial(self, market: Market, models: Sequence[OnlineModel], standing: Standing) -> bool:
        """Whether a challenger still has days in which it may prove itself, so that drift should not replace it.

        Args:
            market: The data until the day.
            models: All models of the strategy, the newest last.
            standing: Their roles on the day before.
        """

    @abstractmethod
    def prepare_online_models(
        self, trained: Sequence[OnlineModel], standing: Standing, realised: Mapping[str, pd.Series]
    ) -> tuple[Standing, list[Decision]]:
        """The roles of the models on a day, and why they change.

        Args:
            trained: The models that were trained on the day.
            standing: The roles until then.
            realised: Model -> its realised IC by day, as far as labels are known.
        """


@dataclass(frozen=True)
class RollingStrategy(OnlineStrategy):
    """Windows of a rolling run, each trained when its first test day has come; the newest is online, or challenges.

    Args:
        name: Tells it from the other strategies of its service.
        task_template: The first window, see `RollingGen`.
        step: Trading days from window to window.
        kind: Whether the training segment grows or moves.
        gap: Trading days left out before the test segment.
        every: The period of the calendar with which windows begin, instead of counting days.
        offset: Trading days of each period before that.
        promotion: When a new model takes over; by default at once, as in Qlib.
    """

    name: str
    task_template: TrainingTask
    step: int = 40
    kind: Kind = "expanding"
    gap: int | None = None
    promotion: PromotionSection = field(default_factory=PromotionSection)
    every: Every | None = None
    offset: int = 0

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

    def prepare_online_models(
        self, trained: Sequence[OnlineModel], standing: Standing, realised: Mapping[str, pd.Series]
    ) -> tuple[Standing, list[Decision]]:
        """A new model challenges the one that is online, and takes its place when the rule of promotion says so."""
        decisions = []
        for model in sorted(trained, key=lambda model: model.name):
            if standing.champion is None:
                decisions.append(self._decision("promote", model.key, standing, "it is the first model"))
                standing = standing.promoted(model.key)
            else:
                instead = standing.challenger
                standing = replace(standing, challenger=model.key)
                if self.promotion.rule != "newest":
                    why = "it is the newest model" + (", and replaces a challenger" if instead else "")
                    decisions.append(self._decision("challenge", model.key, standing, why))
        if standing.champion and standing.challenger:
            empty = pd.Series(dtype="float64")
            verdict = judge(
                self.promotion,
                realised.get(standing.champion, empty),
                realised.get(standing.challenger, empty),
            )
            if verdict.promote:
                decisions.append(
                    self._decision("promote", standing.challenger, standing, verdict.why, verdict.evidence)
                )
                standing = standing.promoted(standing.challenger)
        return standing, decisions

    def _decision(
        self, action: Action, model: str, standing: Standing, why: str, evidence: Mapping[str, Json] | None = None
    ) -> Decision:
        return Decision(
            strategy=self.name,
            action=action,
            model=model,
            instead_of=standing.champion if action == "promote" else None,
            by=f"rule {self.promotion.rule}",
            why=why,
            evidence=evidence or {},
        )

    def retraining(self, market: Market, models: Sequence[OnlineModel]) -> list[TrainingTask]:
        """A window between two regular ones, tested from the market's last day on; none if that day has one."""
        newest = max(models, key=lambda model: model.name)
        distance = len(market.calendar) - 1 - market.calendar.at_or_after(newest.name)
        if not distance:
            return []
        by_days = replace(self._generator(market), step=distance, every=None, offset=0)
        return by_days.following(self.task_of(newest))

    def on_trial(self, market: Market, models: Sequence[OnlineModel], standing: Standing) -> bool:
        """Whether there is a challenger that has not had all days that its realised IC is judged by."""
        challenger = next((model for model in models if model.key == standing.challenger), None)
        if challenger is None or self.promotion.rule != "ic":
            return False
        return len(market.calendar) - 1 - market.calendar.at_or_after(challenger.name) < self.promotion.days

    def task_of(self, model: OnlineModel) -> TrainingTask:
        """The first window, moved to the days of a model."""
        return self.task_template.with_segments(model.segments)

    def _generator(self, market: Market) -> RollingGen:
        return RollingGen(
            step=self.step,
            every=self.every,
            offset=self.offset,
            kind=self.kind,
            gap=self.gap,
            calendar=market.calendar,
        )
