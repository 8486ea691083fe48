"""What is done with a day once its models are trained: roles, scores, drift, signal, orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from components.analysis import signal_analysis
from components.collection import AverageEnsemble, Ensemble
from components.config.online.drift import DriftSection
from components.data import Market
from components.errors import RollflowError
from components.features import DatasetH
from components.formats.objects import save_json
from components.formats.tables import save_table
from components.serving.day import DayRecord, Decision, OnlineModel, Realised, Request, Scored, Standing
from components.serving.drift import DriftReport, Reference, inspect_drift
from components.serving.portfolio import Holdings, Portfolio, Targets
from components.serving.scoring import Scorer, members_without_score
from components.serving.state import (
    HOLDINGS,
    RECOMPUTED,
    SCORES,
    SIGNAL,
    TARGETS,
    History,
    ServiceState,
    model_scores,
)
from components.serving.strategy import OnlineStrategy
from components.tasks.windows import TEST
from components.tracking import ArtifactBroken, ArtifactMissing
from components.training import build_handler

#: What a model's training period looked like, among the artifacts of its run.
_REFERENCE = "reference"


class NoModel(RollflowError):
    """No strategy has a model yet, because their first trainings failed."""


@dataclass(frozen=True, kw_only=True)
class Evening:
    """Makes the record of a day, and the tables that go with it, of what is known on its evening."""

    strategies: tuple[OnlineStrategy, ...]
    state: ServiceState
    market: Market
    scorer: Scorer
    #: Makes one signal of those of the strategies.
    ensemble: Ensemble = field(default_factory=AverageEnsemble)
    #: What counts as drift; None: nobody looks.
    drift: DriftSection | None = None
    #: Follows the signal; None: nobody does.
    portfolio: Portfolio | None = None

    def serve(
        self,
        day: str,
        history: History,
        new: Sequence[OnlineModel],
        failed: Mapping[str, str],
        requests: Sequence[Request],
        folder: Path,
    ) -> dict[str, Any]:
        """Serve a day; a strategy that has no model yet begins on a later one.

        Args:
            day: The day.
            history: The days before.
            new: The models that were trained for it.
            failed: Strategy -> what did not come of a training.
            requests: What people have asked for since the day before.
            folder: Where to write the tables.

        Returns:
            The fields of its `DayRecord` that came of it.

        Raises:
            NoModel: when none has.
        """
        realised = self._realised(day, history)
        standing: dict[str, Standing] = {}
        decisions: list[Decision] = []
        for strategy in self.strategies:
            roles, taken = self._roles(strategy, history, new, realised, requests)
            if roles.champion:
                standing[strategy.name] = roles
                decisions += taken
        if not standing:
            why = "; ".join(f"strategy {name}: {why}" for name, why in failed.items())
            raise NoModel(f"there is no model to serve {day} with; {why}")
        serving = [strategy for strategy in self.strategies if strategy.name in standing]
        models = {model.key: model for model in (*history.trained, *new)}
        tables, scored = [], []
        for strategy in serving:
            for key in standing[strategy.name].scored:
                table, account = self._scored(strategy, models[key], day)
                tables.append(table)
                scored.append(account)
        scores = pd.concat(tables)
        signal = self._signal(scores, standing)
        save_table(scores, folder / f"{SCORES}.parquet")
        save_table(signal.to_frame("score"), folder / f"{SIGNAL}.parquet")
        self._trade(day, history, signal, folder)
        return {
            "standing": standing,
            "decisions": tuple(decisions),
            "requests": tuple(request.key for request in requests),
            "scored": tuple(scored),
            "realised": tuple(realised),
            "drift": self._drift(day, history, standing, models, realised),
        }

    def recompute(self, since: str, history: History, folder: Path) -> tuple[str, ...]:
        """Make the signal of the days from one on anew, with the data as it is now and the models that were online.

        Args:
            since: The first day whose data was revised; what looks back to it differs as well.
            history: The days that were served.
            folder: Where to write the signal.

        Returns:
            The days.
        """
        days = [day for day in history.days if day.day >= since]
        if not days:
            return ()
        models = {model.key: model for model in history.trained}
        parts: dict[str, list[pd.Series]] = {}
        for day in days:
            for strategy in self.strategies:
                if key := day.champion(strategy.name):
                    table, _ = self._scored(strategy, models[key], day.day)
                    parts.setdefault(strategy.name, []).append(table["score"])
        signal: pd.Series = self.ensemble({name: pd.concat(tables) for name, tables in parts.items()})
        save_table(signal.to_frame("score"), folder / f"{RECOMPUTED}.parquet")
        return tuple(day.day for day in days)

    # --- Roles ----------------------------------------------------------------------------------------------------

    def _roles(
        self,
        strategy: OnlineStrategy,
        history: History,
        new: Sequence[OnlineModel],
        realised: Sequence[Realised],
        requests: Sequence[Request],
    ) -> tuple[Standing, list[Decision]]:
        """The roles of a strategy's models on this day, and why they are not those of the day before."""
        roles, decisions = history.standing(strategy.name), []
        for request in requests:
            if request.strategy == strategy.name:
                roles, decision = request.carried_out(roles)
                decisions.append(decision)
        mine = [model for model in new if model.strategy == strategy.name]
        known = [*(each for day in history.days for each in day.realised), *realised]
        roles, taken = strategy.prepare_online_models(mine, roles, _ics(strategy.name, known))
        return roles, [*decisions, *taken]

    # --- Scores ---------------------------------------------------------------------------------------------------

    def _scored(self, strategy: OnlineStrategy, model: OnlineModel, day: str) -> tuple[pd.DataFrame, Scored]:
        task = strategy.task_of(model)
        table = self.scorer.score(task, model.recorder_id, self.market, day, day)
        universe = build_handler(task, self.scorer.trusted).instruments
        labelled = table[["score"]].assign(strategy=strategy.name, model=model.key)
        return labelled, Scored(
            strategy=strategy.name,
            model=model.key,
            count=int(table["score"].notna().sum()),
            missing=tuple(members_without_score(self.market, universe, day, table["score"])),
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
        found, tables = [], dict[str, pd.DataFrame]()
        for strategy in self.strategies:
            place = self.market.calendar.at_or_before(day) - self.scorer.ahead(strategy.template)
            earlier = history.on(str(self.market.calendar[place])) if place >= 0 else None
            if earlier:
                if earlier.day not in tables:  # strategies mostly look back to the same day
                    tables[earlier.day] = self.state.scores([earlier])
                found += self._realised_on(strategy, earlier, tables[earlier.day], history)
        return found

    def _realised_on(
        self, strategy: OnlineStrategy, earlier: DayRecord, scores: pd.DataFrame, history: History
    ) -> list[Realised]:
        models = {model.key: model for model in history.models(strategy.name)}
        found = []
        for account in earlier.scored:
            if account.strategy != strategy.name:
                continue
            model = models[account.model]
            label = self.scorer.label(strategy.task_of(model), self.market, earlier.day, earlier.day)
            score = model_scores(scores, model)
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

    # --- Drift ----------------------------------------------------------------------------------------------------

    def _drift(
        self,
        day: str,
        history: History,
        standing: Mapping[str, Standing],
        models: Mapping[str, OnlineModel],
        realised: Sequence[Realised],
    ) -> dict[str, DriftReport]:
        """Strategy -> what the last days of its champion look like beside its training period."""
        if self.drift is None:
            return {}
        known = [*(each for earlier in history.days for each in earlier.realised), *realised]
        return {
            strategy.name: self._drift_of(
                strategy, models[str(standing[strategy.name].champion)], day, known, self.drift
            )
            for strategy in self.strategies
            if strategy.name in standing
        }

    def _drift_of(
        self,
        strategy: OnlineStrategy,
        model: OnlineModel,
        day: str,
        known: Sequence[Realised],
        section: DriftSection,
    ) -> DriftReport:
        task, calendar = strategy.task_of(model), self.market.calendar
        place = calendar.at_or_before(day)
        first = str(calendar[max(place - section.days + 1, 0)])
        scores = self.scorer.score(task, model.recorder_id, self.market, first, day)["score"]
        days = scores.index.get_level_values("datetime")
        before = scores[days == calendar.index[place - 1]] if place else scores[:0]
        learnt = [str(last) for name, (_, last) in model.segments.items() if name != TEST and last is not None]
        return inspect_drift(
            self._reference(strategy, model, section),
            rows=self.scorer.matrix(task, self.market).infer(first, day),
            scores=scores,
            realised=_ics(strategy.name, known).get(model.key, pd.Series(dtype="float64")),
            previous=before if len(before) else None,
            model_age=place - calendar.at_or_before(max(learnt)),
            data_age=0,
            section=section,
        )

    def _reference(self, strategy: OnlineStrategy, model: OnlineModel, section: DriftSection) -> Reference:
        """What a model's training period looked like: made once, and kept with the model."""
        recorder = self.scorer.experiments.recorder(model.recorder_id)
        try:
            return Reference.from_document(recorder.load_json(_REFERENCE))
        except ArtifactMissing:
            segments = {name: days for name, days in model.segments.items() if name != TEST}
            dataset = DatasetH(self.scorer.matrix(strategy.task_of(model), self.market), segments)
            importance = recorder.load_json("importance")
            found = Reference.of(self.scorer.model(model.recorder_id), dataset, importance, section)
            recorder.save_object(f"{_REFERENCE}.json", found.to_document())
            return found

    # --- Orders ---------------------------------------------------------------------------------------------------

    def _trade(self, day: str, history: History, signal: pd.Series, folder: Path) -> None:
        """What has become of yesterday's orders, and those for tomorrow."""
        if self.portfolio is None:
            return
        holdings = self._holdings(self.portfolio, day, history)
        targets = self.portfolio.plan(signal.droplevel("datetime"), holdings, self.market)
        save_json(
            {"holdings": holdings.to_document(), "targets": targets.to_document()}, folder / f"{HOLDINGS}.json"
        )
        targets.save_parquet(folder / f"{TARGETS}.parquet")
        targets.save_csv(folder / f"{TARGETS}.csv")

    def _holdings(self, portfolio: Portfolio, day: str, history: History) -> Holdings:
        if history.last is None:
            return portfolio.open(day)
        try:
            kept = self.state.load_json(history.last, HOLDINGS)
        except ArtifactBroken:
            raise  # an account must not begin anew because a disk has failed
        except ArtifactMissing:  # nobody followed the signal until now
            return portfolio.open(day)
        holdings, targets = Holdings.from_document(kept["holdings"]), Targets.from_document(kept["targets"])
        return portfolio.advance(holdings, targets, self.market, day)


def _ics(strategy: str, realised: Sequence[Realised]) -> dict[str, pd.Series]:
    """Model -> its realised IC by day, in order."""
    found: dict[str, dict[str, float]] = {}
    for each in realised:
        if each.strategy == strategy and each.ic is not None:
            found.setdefault(each.model, {})[each.day] = each.ic
    return {model: pd.Series(ics, dtype="float64").sort_index() for model, ics in found.items()}


def _number(value: float) -> float | None:
    """NaN is no JSON."""
    return None if value != value else float(value)
