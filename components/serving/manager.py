"""Online serving: each trading day, models are trained when it is time, and the day is scored."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from components.config.online.gate import GateSection
from components.data import Fingerprints, Market, until
from components.errors import InputError, RollflowError, nearest
from components.features import parse
from components.features.expression import fields
from components.formats.objects import save_json
from components.pool import LeaseLost
from components.serving.day import DayRecord, OnlineModel, Request
from components.serving.evening import Evening
from components.serving.gate import GateReport, SeenBars, inspect_day
from components.serving.state import SEEN, History
from components.serving.strategy import OnlineStrategy
from components.tasks import TrainingTask
from components.tracking import ArtifactMissing, Recorder
from components.training import Trainer, bind, build_handler, data_view

log = logging.getLogger(__name__)

#: How often a day may be taken away before that is an error.
_TRIES = 5


class DayIsRed(RollflowError):
    """The data of a day is not fit to be served; models and signal of the day before stay in force."""

    def __init__(self, report: GateReport) -> None:
        super().__init__(report)  # what pickle hands to the constructor again
        self.report = report

    def __str__(self) -> str:
        return self.report.summary


@dataclass(frozen=True)
class Training:
    """A task to train for a strategy on a day."""

    strategy: str
    task: TrainingTask
    #: The last day of the data that it may see; None: it sees nothing later anyway.
    until: str | None
    #: Whether it is one of the windows that follow each other.
    regular: bool = True

    def model(self, day: str, recorder_id: str) -> OnlineModel:
        """What comes of it on a day."""
        return OnlineModel(
            strategy=self.strategy,
            key=self.task.key,
            recorder_id=recorder_id,
            segments=self.task.segments,
            trained=day,
            regular=self.regular,
        )


@dataclass(frozen=True, kw_only=True)
class OnlineManager:
    """Serves strategies day by day.

    Every day is served as it would have been on its evening: nothing later is read. A day is served once, whoever
    asks and however often; days that were missed are served first, in their order.
    """

    evening: Evening
    trainer: Trainer
    fingerprints: Fingerprints = field(default_factory=Fingerprints)
    #: What must be seen of a day's data before it is served; None: nobody looks.
    gate: GateSection | None = None

    def __post_init__(self) -> None:
        names = [strategy.name for strategy in self.strategies]
        if len(set(names)) < len(names) or not names:
            raise InputError(
                f"strategies need names of their own, at least one; given: {', '.join(names) or 'none'}"
            )

    @property
    def strategies(self) -> tuple[OnlineStrategy, ...]:
        """What is served."""
        return self.evening.strategies

    @property
    def market(self) -> Market:
        """The data."""
        return self.evening.market

    # --- Days -----------------------------------------------------------------------------------------------------

    def first_train(self, day: str | None = None) -> list[DayRecord]:
        """Serve the first day: train the newest window of each strategy, and put it online; see `first_days`."""
        return self._served_all(self.first_days(day))

    def routine(self, day: str | None = None) -> list[DayRecord]:
        """Serve all days that were missed, until a day; the records of those served now. See `missing_days`."""
        return self._served_all(self.missing_days(day))

    def simulate(self, first: str | None = None, last: str | None = None) -> list[DayRecord]:
        """Serve all days of a past period, as the routine of each evening would have done.

        All models of the period are trained before its first day is scored, at the same time where there are
        workers. Days that were served before are not served again.
        """
        days = self.period(first, last)
        self.train(self.upcoming(days[0], days[-1], History()))
        return self._served_all(self.unserved(days))

    def first_days(self, day: str | None = None) -> list[str]:
        """The day that a service begins with; none when it has begun.

        Args:
            day: The day; None: the data's last one. A day without trading stands for the one before.

        Raises:
            InputError: for a day that the data does not have.
        """
        day = self.trading_day(day)
        return [] if self.history().days else [day]

    def missing_days(self, day: str | None = None) -> list[str]:
        """The days after the last one that was served, until a day.

        Args:
            day: The last of them; None: the data's last one. A day without trading stands for the one before.

        Raises:
            InputError: before the first training, or for a day that the data does not have.
        """
        day, last = self.trading_day(day), self.history().last
        if not last:
            raise InputError(
                f"service {self.evening.state.service!r} has not begun; train its first models with first-train"
            )
        return [each for each in self._days(last.day, day) if each > last.day]

    def lacking(self, first: str | None = None, last: str | None = None) -> list[str]:
        """The days of a period that were not served yet.

        Args:
            first: The first day; None: the one after the last that was served.
            last: The last day; None: the data's last one.

        Raises:
            InputError: for a period that would leave days without a signal, or that lies before the first training.
        """
        missing = self.missing_days(last)
        begun = self.history().days[0].day
        if first is not None and first < begun:
            raise InputError(
                f"service {self.evening.state.service!r} began on {begun}; simulate tells what it had said before"
            )
        if first is not None and missing and first > missing[0]:
            raise InputError(
                f"{missing[0]} was not served yet, and days are served in order; begin with it, not with {first}"
            )
        return missing

    def period(self, first: str | None = None, last: str | None = None) -> list[str]:
        """The trading days of a period.

        Args:
            first: The first day; None: the first test day of the templates.
            last: The last day; None: the data's last one.

        Raises:
            InputError: when there is none.
        """
        start, end = self.market.calendar.span(first or self._first_test(), last)
        return [str(day) for day in self.market.calendar.days[start : end + 1]]

    def unserved(self, days: Sequence[str]) -> list[str]:
        """Those of some days that were not served yet."""
        served = {record.day for record in self.history().days}
        return [day for day in days if day not in served]

    def history(self) -> History:
        """The days that were served.

        Raises:
            InputError: when a strategy's task has changed since: its models would not be of one kind.
        """
        history = self.evening.state.history()
        for strategy in self.strategies:
            known = history.template(strategy.name)
            if known not in (None, strategy.template.unbound_key):
                raise InputError(
                    f"strategy {strategy.name!r} of service {self.evening.state.service!r} is served with another "
                    "task; give the new one a name of its own beside it"
                )
        return history

    def serve(self, day: str) -> DayRecord | None:
        """Serve one day, unless somebody else has done it by now; None: somebody else has.

        A day that was taken away meanwhile, as happens when its database forgets a claim in a crash or this process
        stood still for too long, is served again.

        Raises:
            DayIsRed: when its data is not fit to be served.
            LeaseLost: when the day was taken away again and again.
        """
        tries = 0
        while True:
            try:
                return self._serve_once(day)
            except LeaseLost as error:
                tries += 1
                if tries == _TRIES:
                    raise
                log.warning("%s of service %r is served again: %s", day, self.evening.state.service, error)

    def _serve_once(self, day: str) -> DayRecord | None:
        state = self.evening.state
        with state.serving(day) as held:
            if held is None:
                return None
            claim, recorder = held
            history = self.history().before(day)
            report = self.inspect(day, history)
            if report and report.red:
                raise DayIsRed(report)
            trained, failed = self.train(self.trainings(day, history))
            new = [training.model(day, run) for training, run in trained]
            with recorder.artifacts() as folder:
                served = self.evening.serve(day, history, new, failed, state.requests(history), folder)
                recomputed = self._recomputed(report, history, folder)
                if report and report.seen:
                    save_json(report.seen.to_document(), folder / f"{SEEN}.json")
            record = DayRecord(
                day=day,
                recorder_id=recorder.id,
                trained=tuple(new),
                failed=failed,
                gate=report,
                recomputed=recomputed,
                templates={name: self.strategy(name).template.unbound_key for name in served["standing"]},
                **served,
            )
            state.commit(claim, record)
        return record

    def _recomputed(self, report: GateReport | None, history: History, folder: Path) -> tuple[str, ...]:
        """The days whose signal is made anew because their data was revised, if the config wants that."""
        if self.gate is None or report is None or report.revision is None or self.gate.on_revision != "recompute":
            return ()
        return self.evening.recompute(report.revision.since, history, folder)

    def inspect(self, day: str, history: History, known: SeenBars | None = None) -> GateReport | None:
        """Look at the data of a day; None: nobody is to look.

        Args:
            day: The day.
            history: The days before.
            known: What was seen on the day before, if it is not served yet.
        """
        if self.gate is None:
            return None
        handlers = [build_handler(strategy.template, self.evening.scorer.trusted) for strategy in self.strategies]
        texts = [text for handler in handlers for part in handler.columns.values() for text in part.values()]
        named = sorted(frozenset[str]().union(*(fields(parse(text)) for text in texts)))
        if known is None and history.last:
            known = self._seen(history.last)
        universes = list(dict.fromkeys(handler.instruments for handler in handlers))
        seen = [name for name in named if name in self.market.fields]
        return inspect_day(self.market, day, universes, seen, self.gate, known)

    def fit_days(self, days: Sequence[str], history: History) -> list[str]:
        """Those of some days in a row that may be served, before the first whose data is not fit for it.

        Args:
            days: The days, in order.
            history: The days before them.
        """
        known = None
        for place, day in enumerate(days):
            report = self.inspect(day, history, known)
            if report and report.red:
                return list(days[:place])
            known = report.seen if report else None
        return list(days)

    def _seen(self, day: DayRecord) -> SeenBars | None:
        try:
            return SeenBars.from_document(self.evening.state.load_json(day, SEEN))
        except ArtifactMissing:
            return None

    def trading_day(self, day: str | None) -> str:
        """The trading day of a date: itself, or the one before.

        Raises:
            InputError: for a date after the data's end or before its beginning.
        """
        calendar = self.market.calendar
        if day is None:
            return str(calendar.last)
        place = calendar.at_or_before(day)
        if place < 0 or calendar.at_or_after(day) == len(calendar):
            raise InputError(f"{self.market.uri} has no {day}; its days are {calendar.first} to {calendar.last}")
        return str(calendar[place])

    def strategy(self, name: str) -> OnlineStrategy:
        """The strategy of a name.

        Raises:
            InputError: when there is none.
        """
        known = {strategy.name: strategy for strategy in self.strategies}
        if name not in known:
            hint = nearest(name, known) or f"; there is {', '.join(known)}"
            raise InputError(f"service {self.evening.state.service!r} has no strategy {name!r}{hint}")
        return known[name]

    def ask(self, request: Request) -> Request:
        """Ask for another role of a model, with the next day that is served.

        Args:
            request: Its model may be the start of a key, or None: the challenger, or the champion before.

        Returns:
            The request with the whole key.

        Raises:
            InputError: when there is no such model, or it has the role already.
        """
        history = self.history()
        strategy, roles = self.strategy(request.strategy), history.standing(request.strategy)
        wanted = request.model or (roles.challenger if request.action == "promote" else roles.previous)
        role = "challenger" if request.action == "promote" else "champion before"
        if not wanted:
            raise InputError(f"strategy {strategy.name}: there is no {role}; say which model, see status")
        found = [model.key for model in history.models(strategy.name) if model.key.startswith(wanted)]
        if len(found) != 1:
            count = f"{len(found)} models have keys" if found else "no model has a key"
            raise InputError(f"strategy {strategy.name}: {count} that begin with {wanted!r}; see status")
        if found[0] == roles.champion:
            raise InputError(f"strategy {strategy.name}: model {found[0][:12]} is online already")
        asked = replace(request, model=found[0], after=str(history.last.day if history.last else ""))
        self.evening.state.request(asked)
        return asked

    def labels(self, model: OnlineModel, first: str, last: str, on: str) -> pd.Series:
        """The labels of the rows from one day to another, as they were known on a third."""
        strategy, scorer = self.strategy(model.strategy), self.evening.scorer
        label = scorer.label(strategy.task_of(model), self.market, first, last)
        known = self.market.calendar.at_or_before(on) - scorer.ahead(strategy.template)
        unknown = label.index.get_level_values("datetime") > self.market.calendar.index[max(known, 0)]
        return label.mask(unknown | (known < 0))

    # --- Training -------------------------------------------------------------------------------------------------

    def trainings(self, day: str, history: History) -> list[Training]:
        """What has to be trained on a day, bound to the data as it was then."""
        then = until(self.market, day)
        found = []
        for strategy in self.strategies:
            models = history.models(strategy.name)
            tasks = strategy.prepare_tasks(then, models) if models else strategy.first_tasks(then)
            regular = bool(tasks)
            if not regular and self._asks_for_training(strategy, then, history):
                tasks = strategy.retraining(then, models)
            found += [self.bound(strategy, task, day, regular=regular) for task in tasks]
        return found

    def upcoming(self, first: str, last: str, history: History) -> list[Training]:
        """What will have to be trained from one day to another, if nothing but time asks for it.

        Args:
            first: The first day, ``YYYY-MM-DD``.
            last: The last day.
            history: The days before the first one.
        """
        found = []
        for day in self._days(first, last):
            trainings = self.trainings(day, history)
            trained = tuple(training.model(day, "") for training in trainings)
            history = History((*history.days, DayRecord(day=day, recorder_id="", trained=trained)))
            found += trainings
        return found

    def train(self, trainings: Sequence[Training]) -> tuple[list[tuple[Training, str]], dict[str, str]]:
        """Train; the run of each training that came off, and strategy -> what did not."""
        done: list[tuple[Training, str]] = []
        failed: dict[str, str] = {}
        for last_day in dict.fromkeys(training.until for training in trainings):
            group = [training for training in trainings if training.until == last_day]
            trainer: Any = self.trainer
            seeing: Trainer = replace(trainer, context=replace(trainer.context, until=last_day))
            for training, outcome in zip(group, _outcomes(seeing, group), strict=True):
                if isinstance(outcome, Recorder):
                    done.append((training, outcome.id))
                else:
                    failed[training.strategy] = f"{type(outcome).__name__}: {outcome}"
        return done, failed

    def bound(self, strategy: OnlineStrategy, task: TrainingTask, day: str, *, regular: bool = True) -> Training:
        """A task of a strategy on the data as it was on the evening of a day."""
        trusted = self.evening.scorer.trusted
        view = data_view(task, build_handler(task, trusted), self.market)
        sees_later = view.last > self.market.calendar.at_or_before(day)
        seen = until(self.market, day) if sees_later else self.market
        (bound,) = bind([task], seen, self.fingerprints, trusted)
        return Training(strategy.name, bound, day if sees_later else None, regular)

    def _asks_for_training(self, strategy: OnlineStrategy, then: Market, history: History) -> bool:
        """Whether the day before has found what another training may mend: drift, or a revised history."""
        last = history.last
        if last is None:
            return False
        if self.gate and self.gate.on_revision == "retrain" and last.gate and last.gate.revision:
            return True
        drift, section, models = last.drift.get(strategy.name), self.evening.drift, history.models(strategy.name)
        if drift is None or section is None or strategy.on_trial(then, models, history.standing(strategy.name)):
            return False
        extra = [model.trained for model in models if not model.regular]
        since = len(then.calendar) - 1 - then.calendar.at_or_after(extra[-1]) if extra else None
        return drift.calls_for_training(section, since)

    def _served_all(self, days: Sequence[str]) -> list[DayRecord]:
        return [record for day in days if (record := self.serve(day))]

    def _days(self, first: str, last: str) -> list[str]:
        """The trading days from one day to another, both inclusive; none when the last is before the first."""
        calendar = self.market.calendar
        return [str(day) for day in calendar.days[calendar.at_or_after(first) : calendar.at_or_before(last) + 1]]

    def _first_test(self) -> str:
        """The first day on which all strategies have something to test."""
        starts = [strategy.template.segments["test"][0] for strategy in self.strategies]
        return max(str(start) for start in starts if start is not None)


def _outcomes(trainer: Trainer, trainings: Sequence[Training]) -> list[Recorder | Exception]:
    """The run of each training, or why it failed."""
    try:
        return list(trainer([training.task for training in trainings]))
    except ExceptionGroup as group:
        if len(trainings) == 1:
            return [group.exceptions[0]]
    # some failed, and which is not said: those that are done are not trained again
    return [outcome for training in trainings for outcome in _outcomes(trainer, [training])]
