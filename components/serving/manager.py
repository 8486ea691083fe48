"""Online serving: each trading day, models are trained when it is time, and the day is scored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from components.analysis import signal_analysis
from components.collection import AverageEnsemble, Ensemble
from components.data import Fingerprints, Market, until
from components.errors import InputError, RollflowError, nearest
from components.formats.tables import save_table
from components.rolling import label_lookahead
from components.serving.day import DayRecord, Decision, OnlineModel, Realised, Scored, Standing
from components.serving.scoring import Scorer, members_without_score
from components.serving.state import SCORES, SIGNAL, History, ServiceState
from components.serving.strategy import OnlineStrategy
from components.tasks import TrainingTask
from components.tracking import Recorder
from components.training import Trainer, bind, build_handler, data_view


class NoModel(RollflowError):
    """A strategy has no model yet, because its first training failed."""


@dataclass(frozen=True)
class Training:
    """A task to train for a strategy on a day."""

    strategy: str
    task: TrainingTask
    #: The last day of the data that it may see; None: it sees nothing later anyway.
    until: str | None
    regular: bool = True


@dataclass(frozen=True, kw_only=True)
class OnlineManager:
    """Serves strategies day by day.

    Every day is served as it would have been on its evening: nothing later is read. A day is served once, whoever
    asks and however often; days that were missed are served first, in their order.
    """

    strategies: tuple[OnlineStrategy, ...]
    state: ServiceState
    trainer: Trainer
    market: Market
    scorer: Scorer
    fingerprints: Fingerprints = field(default_factory=Fingerprints)
    #: Makes one signal of those of the strategies.
    ensemble: Ensemble = field(default_factory=AverageEnsemble)

    def __post_init__(self) -> None:
        names = [strategy.name for strategy in self.strategies]
        if len(set(names)) < len(names) or not names:
            raise InputError(
                f"strategies need names of their own, at least one; given: {', '.join(names) or 'none'}"
            )

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
        return [] if self.state.history().days else [day]

    def missing_days(self, day: str | None = None) -> list[str]:
        """The days after the last one that was served, until a day.

        Args:
            day: The last of them; None: the data's last one. A day without trading stands for the one before.

        Raises:
            InputError: before the first training, or for a day that the data does not have.
        """
        day, last = self.trading_day(day), self.state.history().last
        if not last:
            raise InputError(
                f"service {self.state.service!r} has not begun; train its first models with first-train"
            )
        return [each for each in self._days(last.day, day) if each > last.day]

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
        served = {record.day for record in self.state.history().days}
        return [day for day in days if day not in served]

    def _served_all(self, days: Sequence[str]) -> list[DayRecord]:
        return [record for day in days for record in self.serve(day)]

    def serve(self, day: str) -> Iterator[DayRecord]:
        """Serve one day, unless somebody else has done it by now."""
        with self.state.serving(day) as held:
            if held is None:
                return
            claim, recorder = held
            history = self.state.history().before(day)
            trained, failed = self.train(self.trainings(day, history))
            record = self._served(day, history, trained, failed, recorder)
            self.state.commit(claim, record)
        yield record

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

    def _days(self, first: str, last: str) -> list[str]:
        """The trading days from one day to another, both inclusive; none when the last is before the first."""
        calendar = self.market.calendar
        return [str(day) for day in calendar.days[calendar.at_or_after(first) : calendar.at_or_before(last) + 1]]

    # --- Training -------------------------------------------------------------------------------------------------

    def trainings(self, day: str, history: History) -> list[Training]:
        """What has to be trained on a day, bound to the data as it was then."""
        then = until(self.market, day)
        found = []
        for strategy in self.strategies:
            models = history.models(strategy.name)
            tasks = strategy.prepare_tasks(then, models) if models else strategy.first_tasks(then)
            found += [self._bound(strategy, task, day, then) for task in tasks]
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
            trained = tuple(_model(training, day, "") for training in trainings)
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

    def _bound(self, strategy: OnlineStrategy, task: TrainingTask, day: str, then: Market) -> Training:
        trusted = self.scorer.trusted
        view = data_view(task, build_handler(task, trusted), self.market)
        sees_later = view.last > self.market.calendar.at_or_before(day)
        seen = then if sees_later else self.market
        (bound,) = bind([task], seen, self.fingerprints, trusted)
        return Training(strategy.name, bound, day if sees_later else None)

    def labels(self, model: OnlineModel, first: str, last: str, on: str) -> pd.Series:
        """The labels of the rows from one day to another, as they were known on a third."""
        strategy = self.strategy(model.strategy)
        label = self.scorer.label(strategy.task_of(model), self.market, first, last)
        known = self.market.calendar.at_or_before(on) - self._ahead(strategy)
        unknown = label.index.get_level_values("datetime") > self.market.calendar.index[max(known, 0)]
        return label.mask(unknown | (known < 0))

    def strategy(self, name: str) -> OnlineStrategy:
        """The strategy of a name.

        Raises:
            InputError: when there is none.
        """
        known = {strategy.name: strategy for strategy in self.strategies}
        if name not in known:
            hint = nearest(name, known) or f"; there is {', '.join(known)}"
            raise InputError(f"service {self.state.service!r} has no strategy {name!r}{hint}")
        return known[name]

    # --- One day --------------------------------------------------------------------------------------------------

    def _served(
        self,
        day: str,
        history: History,
        trained: Sequence[tuple[Training, str]],
        failed: Mapping[str, str],
        recorder: Recorder,
    ) -> DayRecord:
        """Score a day and write it to its run."""
        new = tuple(_model(training, day, run) for training, run in trained)
        standing, decisions, tables, scored = {}, [], [], []
        for strategy in self.strategies:
            before = history.standing(strategy.name)
            mine = [model for model in new if model.strategy == strategy.name]
            standing[strategy.name] = roles = strategy.prepare_online_models(mine, before)
            if not roles.champion:
                why = failed.get(strategy.name, "nothing was trained")
                raise NoModel(f"strategy {strategy.name} has no model to serve {day} with: {why}")
            decisions += _decisions(strategy.name, before, roles)
            models = {model.key: model for model in (*history.models(strategy.name), *mine)}
            for key in roles.scored:
                table, account = self._scored(strategy, models[key], day)
                tables.append(table)
                scored.append(account)
        scores = pd.concat(tables)
        signal = self._signal(scores, standing)
        realised = self._realised(day, history)
        with recorder.artifacts() as folder:
            save_table(scores, folder / f"{SCORES}.parquet")
            save_table(signal.to_frame("score"), folder / f"{SIGNAL}.parquet")
        return DayRecord(
            day=day,
            recorder_id=recorder.id,
            trained=new,
            failed=failed,
            standing=standing,
            decisions=tuple(decisions),
            scored=tuple(scored),
            realised=tuple(realised),
            templates={strategy.name: strategy.template.unbound_key for strategy in self.strategies},
        )

    def _scored(self, strategy: OnlineStrategy, model: OnlineModel, day: str) -> tuple[pd.DataFrame, Scored]:
        task = strategy.task_of(model)
        table = self.scorer.score(task, model.recorder_id, self.market, day, day)
        universe = build_handler(task, self.scorer.trusted).instruments
        missing = members_without_score(self.market, universe, day, table["score"])
        labelled = table[["score"]].assign(strategy=strategy.name, model=model.key)
        return labelled, Scored(
            strategy=strategy.name,
            model=model.key,
            count=int(table["score"].notna().sum()),
            missing=tuple(missing),
        )

    def _signal(self, scores: pd.DataFrame, standing: Mapping[str, Standing]) -> pd.Series:
        """One signal of those of the champions."""
        champions = {
            name: scores.loc[(scores["strategy"] == name) & (scores["model"] == roles.champion), "score"]
            for name, roles in standing.items()
        }
        signal: pd.Series = self.ensemble(champions)
        return signal.rename("score")

    def _realised(self, day: str, history: History) -> list[Realised]:
        """How well the models did whose labels have become known on this day."""
        found = []
        for strategy in self.strategies:
            place = self.market.calendar.at_or_before(day) - self._ahead(strategy)
            scored = [each for each in history.days if place >= 0 and each.day == str(self.market.calendar[place])]
            for earlier in scored:
                found += self._realised_on(strategy, earlier, history)
        return found

    def _realised_on(self, strategy: OnlineStrategy, earlier: DayRecord, history: History) -> list[Realised]:
        scores = self.state.scores([earlier])
        models = {model.key: model for model in history.models(strategy.name)}
        found = []
        for account in earlier.scored:
            if account.strategy != strategy.name:
                continue
            task = strategy.task_of(models[account.model])
            label = self.scorer.label(task, self.market, earlier.day, earlier.day)
            score = scores.loc[(scores["strategy"] == strategy.name) & (scores["model"] == account.model), "score"]
            _, daily = signal_analysis(score, label, long_short=False)
            found.append(
                Realised(
                    strategy=strategy.name,
                    model=account.model,
                    day=earlier.day,
                    ic=_number(daily["ic"].iloc[0]),
                    rank_ic=_number(daily["rank_ic"].iloc[0]),
                    count=int((score.notna() & label.reindex(score.index).notna()).sum()),
                )
            )
        return found

    def _ahead(self, strategy: OnlineStrategy) -> int:
        """Trading days until the label of a day is known."""
        return label_lookahead(build_handler(strategy.template, self.scorer.trusted))

    def _first_test(self) -> str:
        """The first day on which all strategies have something to test."""
        starts = [strategy.template.segments["test"][0] for strategy in self.strategies]
        return max(str(start) for start in starts if start is not None)


def _model(training: Training, day: str, run: str) -> OnlineModel:
    return OnlineModel(
        strategy=training.strategy,
        key=training.task.key,
        recorder_id=run,
        segments=training.task.segments,
        trained=day,
        regular=training.regular,
    )


def _outcomes(trainer: Trainer, trainings: Sequence[Training]) -> list[Recorder | Exception]:
    """The run of each training, or why it failed."""
    try:
        return list(trainer([training.task for training in trainings]))
    except ExceptionGroup as group:
        if len(trainings) == 1:
            return [group.exceptions[0]]
    # some failed, and which is not said: those that are done are not trained again
    return [outcome for training in trainings for outcome in _outcomes(trainer, [training])]


def _decisions(strategy: str, before: Standing, after: Standing) -> list[Decision]:
    if before.champion == after.champion or after.champion is None:
        return []
    return [
        Decision(
            strategy=strategy,
            action="promote",
            model=after.champion,
            instead_of=before.champion,
            by="rule newest",
            why="it is the newest model",
        )
    ]


def _number(value: float) -> float | None:
    """NaN is no JSON."""
    return None if value != value else float(value)
