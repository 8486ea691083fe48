"""Online serving: what is served on an evening, whoever asks, however late and however often."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from small_tasks import CONFIG

from components.collection import AverageEnsemble, MergeCollector, RollingGroup
from components.config.online.drift import DriftSection
from components.config.online.gate import GateSection
from components.config.online.portfolio import PortfolioSection
from components.config.online.promotion import PromotionSection
from components.data import Fingerprints, Market, Markets, until
from components.data.cut import _CutMarket
from components.data.market import Panel
from components.errors import InputError
from components.features import MatrixStore
from components.models.saved import SavedModelBroken
from components.pool import LeaseLost, TaskPool, TaskRecord
from components.serving import (
    DayIsRed,
    DayRecord,
    Evening,
    NoModel,
    OnlineManager,
    OnlineStrategy,
    Request,
    RollingStrategy,
    Scorer,
    ServedScores,
    ServiceState,
    verify,
)
from components.serving.day import Action, ServingDay
from components.serving.portfolio import Portfolio
from components.tasks import TrainingTask
from components.tracking import ArtifactBroken, ExperimentManager, open_store
from components.training import PoolTrainer, TaskTrainer, TrainingContext

TASK = TrainingTask.from_config(CONFIG)
FIRST, SECOND = "2016-07-01", "2016-07-29"  # the windows, 20 trading days apart
NEWEST = PromotionSection()
_numbers = count(1)

#: Makes a manager of the one service of a test, on a market.
Serve = Callable[..., OnlineManager]


@pytest.fixture(scope="module")
def experiments(tmp_path_factory: pytest.TempPathFactory) -> ExperimentManager:
    return open_store(None, tmp_path_factory.mktemp("store"))


@pytest.fixture
def serve(
    mongo_url: str, experiments: ExperimentManager, matrices: MatrixStore, market: Market, tmp_path: Path
) -> Iterator[Serve]:
    name = f"service {next(_numbers)}"
    experiment = experiments.get_or_create(name)
    with (
        TaskPool(mongo_url, database="tests", name=name) as pool,
        TaskPool(mongo_url, database="tests", name=f"{name} days") as days,
    ):

        def manager(
            on: Market = market, run: str = "", promotion: PromotionSection = NEWEST, **steps: int
        ) -> OnlineManager:
            markets = Markets(on.uri)
            markets.adopt(on)
            trainer = TaskTrainer(
                experiments=experiments,
                experiment=name,
                markets=markets,
                matrices=matrices,
                fingerprints=Fingerprints(),
                confirm=pool.heartbeat,
            )
            strategies = steps or {"trees": 20}
            evening = Evening(
                strategies=tuple(
                    RollingStrategy(each, TASK, step=step, gap=2, promotion=promotion)
                    for each, step in strategies.items()
                ),
                state=ServiceState(name, days, experiments, experiment, run),
                market=on,
                scorer=Scorer(experiments, matrices),
            )
            context = TrainingContext(experiment=experiment)
            return OnlineManager(evening=evening, trainer=PoolTrainer(pool=pool, trainer=trainer, context=context))

        yield manager


def signal(manager: OnlineManager) -> pd.Series:
    return manager.evening.state.signal(manager.evening.state.history().days)


def test_a_day_is_served_once(serve: Serve) -> None:
    (day,) = serve().first_train(FIRST)
    assert (day.day, [model.segments["test"] for model in day.trained]) == (FIRST, [(FIRST, FIRST)])
    assert [(each.count, each.missing) for each in day.scored] == [(24, ())]
    assert serve().first_train(FIRST) == []
    assert serve().routine(FIRST) == []
    assert len(signal(serve())) == 24


def test_every_evening_a_simulation_and_missed_days_say_the_same(serve: Serve, market: Market) -> None:
    days = serve().period(FIRST, "2016-08-15")
    for day in days:
        manager = serve(until(market, day))  # the data ends with the day
        assert [each.day for each in (manager.first_train() or manager.routine())] == [day]
    by_day = signal(serve())
    missed = serve(run="missed")
    missed.first_train(FIRST)
    assert [each.day for each in missed.routine("2016-08-15")] == days[1:]
    simulated = serve(run="simulated")
    assert [each.day for each in simulated.simulate(FIRST, "2016-08-15")] == days
    assert by_day.equals(signal(missed))
    assert by_day.equals(signal(simulated))
    assert not by_day.index.has_duplicates
    assert by_day.index.get_level_values("datetime").unique().astype(str).tolist() == days
    online = serve().evening.state.history().online()
    assert {day: [model.name for model in models["trees"]] for day, models in online.items()} == {
        day: [FIRST if day < SECOND else SECOND] for day in days
    }


def test_a_served_day_is_read_once_however_many_come_after_it(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    from_document = DayRecord.from_document

    def counted(document: dict[str, Any]) -> DayRecord:
        read.append(document["day"])
        return from_document(document)

    monkeypatch.setattr(DayRecord, "from_document", counted)
    manager = serve()
    manager.first_train(FIRST)
    assert [day.day for day in serve(run="").routine("2016-07-06")] == ["2016-07-04", "2016-07-05", "2016-07-06"]
    read.clear()
    assert [day.day for day in manager.routine("2016-07-07")] == ["2016-07-07"]
    assert [day.day for day in manager.history().days][-2:] == ["2016-07-06", "2016-07-07"]
    assert sorted(read) == ["2016-07-01", "2016-07-04", "2016-07-05", "2016-07-06", "2016-07-07"]


def test_scores_are_those_of_a_training_over_all_days(serve: Serve, market: Market) -> None:
    manager = serve()
    manager.simulate(FIRST, "2016-07-20")
    scores = manager.evening.state.scores(manager.evening.state.history().days)["score"]
    (model,) = manager.evening.state.history().models("trees")
    at_once = manager.evening.scorer.score(TASK, model.recorder_id, market, FIRST, "2016-07-20")["score"]
    assert scores.equals(at_once)


def test_realised_ic_comes_when_the_label_is_known(serve: Serve) -> None:
    manager = serve()
    manager.simulate(FIRST, "2016-07-08")
    history = manager.evening.state.history()
    assert [(day.day, [each.day for each in day.realised]) for day in history.days] == [
        ("2016-07-01", []),
        ("2016-07-04", []),
        ("2016-07-05", ["2016-07-01"]),
        ("2016-07-06", ["2016-07-04"]),
        ("2016-07-07", ["2016-07-05"]),
        ("2016-07-08", ["2016-07-06"]),
    ]
    (realised,) = history.days[2].realised
    (model,) = history.models("trees")
    both = manager.evening.scorer.score(TASK, model.recorder_id, manager.market, FIRST, FIRST)
    assert realised.ic == pytest.approx(both["score"].corr(both["label"]), abs=1e-12)
    assert realised.count == 24


def test_strategies_stand_side_by_side(serve: Serve) -> None:
    manager = serve(short=20, long=30)
    manager.simulate(FIRST, "2016-08-12")
    history = manager.evening.state.history()
    assert [model.name for model in history.models("short")] == [FIRST, SECOND]
    assert [model.name for model in history.models("long")] == [FIRST, "2016-08-12"]
    scores, joined = manager.evening.state.scores(history.days), signal(manager)
    each = {name: part["score"] for name, part in scores.groupby("strategy")}
    standard = {
        name: part.groupby(level="datetime").transform(lambda day: (day - day.mean()) / day.std())
        for name, part in each.items()
    }
    expected = (standard["short"] + standard["long"]) / 2
    pd.testing.assert_series_equal(joined, expected.reindex(joined.index), check_names=False, atol=1e-12)


def test_a_service_begins_with_its_first_training(serve: Serve) -> None:
    with pytest.raises(InputError, match="has not begun; train its first models with first-train"):
        serve().routine(FIRST)
    with pytest.raises(InputError, match="first test day 2016-07-01 is after 2016-06-30"):
        serve().first_train("2016-06-30")
    with pytest.raises(InputError, match="has no 2030-01-01; its days are 2015-01-02 to 2016-12-30"):
        serve().first_train("2030-01-01")
    with pytest.raises(InputError, match="names of their own"):
        replace(serve(), evening=replace(serve().evening, strategies=serve().strategies * 2))


def test_a_day_without_trading_stands_for_the_one_before(serve: Serve) -> None:
    (day,) = serve().first_train("2016-07-03")
    assert day.day == "2016-07-01"


def _held(manager: OnlineManager, day: str, lease: timedelta) -> TaskRecord:
    """Somebody else begins to serve a day."""
    pool, task = manager.evening.state.pool, ServingDay(manager.evening.state.service, day)
    pool.submit([task.to_config()])
    usual, pool.lease = pool.lease, lease
    held = pool.claim("elsewhere:1", ids=[task.key])
    pool.lease = usual
    assert held is not None
    return held


def test_a_day_whose_process_was_killed_is_served_by_whoever_waits_for_it(serve: Serve) -> None:
    manager = serve()
    _held(manager, FIRST, timedelta(seconds=1))
    assert [each.day for each in manager.first_train(FIRST)] == [FIRST]


def test_a_day_that_is_given_back_is_served_by_whoever_waits_for_it(serve: Serve) -> None:
    manager = serve()
    held = _held(manager, FIRST, timedelta(minutes=5))
    with ThreadPoolExecutor() as threads:
        serving = threads.submit(manager.first_train, FIRST)
        manager.evening.state.pool.release(held)
        assert [each.day for each in serving.result()] == [FIRST]


class _Broken:
    """An ensemble that cannot be had."""

    def __call__(self, _signals: object) -> pd.Series:
        raise RuntimeError("told to fail")


def test_a_day_that_failed_is_served_at_once_when_it_is_asked_for_again(serve: Serve) -> None:
    manager = serve()
    broken = replace(manager, evening=replace(manager.evening, ensemble=_Broken()))
    for _ in range(4):  # however often
        with pytest.raises(RuntimeError, match="told to fail"):
            broken.first_train(FIRST)
    assert manager.evening.state.history().days == ()
    assert [each.day for each in manager.first_train(FIRST)] == [FIRST]


class _TakenAway:
    """An ensemble; while it works, the day it works for is given back, as by a database that forgets a claim."""

    def __init__(self, days: TaskPool, times: int) -> None:
        self.days = days
        self.times = times

    def __call__(self, signals: Any) -> pd.Series:
        if self.times:
            self.times -= 1
            (held,) = self.days.find({"status": "running"})
            self.days.release(held)
        return AverageEnsemble()(signals)


def test_a_day_that_is_taken_away_is_served_again(serve: Serve) -> None:
    manager = serve()
    pool = manager.evening.state.pool

    def taken_away(times: int) -> OnlineManager:
        return replace(manager, evening=replace(manager.evening, ensemble=_TakenAway(pool, times)))

    with pytest.raises(LeaseLost, match="no longer held"):
        taken_away(5).first_train(FIRST)
    assert manager.history().days == ()
    assert [each.day for each in taken_away(4).first_train(FIRST)] == [FIRST]
    assert len(signal(manager)) == 24


def test_scores_can_be_collected_as_those_of_rolling_runs(serve: Serve) -> None:
    manager = serve(short=20, long=30)
    manager.simulate("2016-07-27", "2016-08-01")
    collectors = {name: ServedScores(manager=manager, strategy=name) for name in ("short", "long")}
    found = MergeCollector(collectors=collectors, process_list=[RollingGroup(), AverageEnsemble()])()
    assert list(found.results) == [("short", "pred"), ("short", "label"), ("long", "pred"), ("long", "label")]
    alone = MergeCollector(collectors={"short": collectors["short"]}, process_list=[RollingGroup()])()
    joined = alone.results["short", "pred"]["short",]["score"]
    scores = manager.evening.state.scores(manager.history().days)
    assert joined.equals(scores.loc[scores["strategy"] == "short", "score"].sort_index())


# --- Decisions ----------------------------------------------------------------------------------------------------


def request(manager: OnlineManager, action: Action, model: str | None = None) -> Request:
    service = manager.evening.state.service
    return manager.ask(
        Request(service=service, strategy="trees", action=action, model=model, by="me", why="it is May")
    )


def roles(manager: OnlineManager) -> tuple[str | None, str | None, str | None]:
    """Test starts of champion, challenger and champion before."""
    history = manager.history()
    names = {model.key: model.name for model in history.models("trees")}
    standing = history.standing("trees")
    found = (standing.champion, standing.challenger, standing.previous)
    return tuple(names[key] if key else None for key in found)  # type: ignore[return-value]


def test_a_rollback_is_carried_out_with_the_next_day(serve: Serve) -> None:
    manager = serve()
    manager.first_train("2016-07-28")
    manager.routine(SECOND)
    assert roles(manager) == (SECOND, None, FIRST)
    asked = request(manager, "roll back")
    assert request(manager, "roll back").key == asked.key  # asked for twice is asked for once
    assert [each.key for each in manager.evening.state.requests(manager.history())] == [asked.key]
    assert roles(manager) == (SECOND, None, FIRST)

    (day,) = manager.routine("2016-08-01")
    assert roles(manager) == (FIRST, None, SECOND)
    (decision,) = day.decisions
    assert (decision.action, decision.by, decision.why, day.requests) == (
        "roll back",
        "me",
        "it is May",
        (asked.key,),
    )
    assert manager.evening.state.requests(manager.history()) == []
    scores = manager.evening.state.scores([day])
    assert set(scores["model"]) == {day.champion("trees")}

    back = request(manager, "promote", manager.history().standing("trees").previous)
    manager.routine("2016-08-02")
    assert roles(manager) == (SECOND, None, FIRST)
    assert back.after == "2016-08-01"


def test_a_challenger_predicts_beside_the_champion_until_it_is_promoted(serve: Serve) -> None:
    manager = serve(promotion=PromotionSection(rule="never"))
    manager.first_train("2016-07-28")
    (day,) = manager.routine(SECOND)
    assert roles(manager) == (FIRST, SECOND, None)
    assert [(each.action, each.by) for each in day.decisions] == [("challenge", "rule never")]
    assert len(day.scored) == 2
    assert len(manager.evening.state.signal([day])) == day.scored[0].count
    request(manager, "promote")
    manager.routine("2016-08-01")
    assert roles(manager) == (SECOND, None, FIRST)


@pytest.mark.parametrize(
    ("action", "model", "message"),
    [
        ("roll back", None, "strategy trees: there is no champion before; say which model, see status"),
        ("promote", None, "strategy trees: there is no challenger; say which model, see status"),
        ("promote", "zz", "strategy trees: no model has a key that begin with 'zz'; see status"),
        ("promote", "", "strategy trees: there is no challenger; say which model, see status"),
    ],
)
def test_what_cannot_be_decided_is_refused(serve: Serve, action: Action, model: str | None, message: str) -> None:
    manager = serve()
    manager.first_train(FIRST)
    with pytest.raises(InputError, match=message):
        request(manager, action, model)
    with pytest.raises(InputError, match="is online already"):
        request(manager, "promote", manager.history().standing("trees").champion)


# --- Proof --------------------------------------------------------------------------------------------------------


def test_what_was_served_is_what_a_rolling_run_says(serve: Serve, market: Market) -> None:
    manager = serve()
    manager.first_train("2016-07-27")
    manager.routine("2016-08-02")
    found = verify(manager)
    assert found.equal
    assert [(check.first, check.last, check.revised) for check in found.checks] == [
        ("2016-07-27", "2016-07-28", False),
        (SECOND, "2016-08-02", False),
    ]
    assert [check.found and check.found.rows for check in found.checks] == [48, 72]
    (check,) = verify(manager, "2016-07-28", "2016-07-28").checks
    assert (check.first, check.last) == ("2016-07-28", "2016-07-28")
    with pytest.raises(InputError, match="has served no day from 2016-12-01 to None"):
        verify(manager, "2016-12-01")


def test_a_score_that_was_not_served_so_is_found(serve: Serve) -> None:
    manager = serve()
    (day,) = manager.first_train("2016-07-27")
    recorder = manager.evening.scorer.experiments.recorder(day.recorder_id)
    scores = recorder.load_table("scores")
    scores.iloc[3, scores.columns.get_loc("score")] += 0.25
    recorder.save_object("scores.parquet", scores.iloc[:-1])
    (check,) = verify(manager).checks
    assert check.found is not None
    assert (check.equal, check.found.rows, check.found.differing, check.found.missing) == (False, 23, 1, 1)
    assert check.found.largest == pytest.approx(0.25)


# --- The gate -----------------------------------------------------------------------------------------------------


def test_a_red_day_stops_and_the_days_before_it_are_served(serve: Serve, market: Market) -> None:
    halved = Halved(market, "2016-07-06")
    manager = replace(serve(halved), gate=GateSection())
    manager.first_train("2016-07-01")
    assert manager.fit_days(["2016-07-04", "2016-07-05", "2016-07-06", "2016-07-07"], manager.history()) == [
        "2016-07-04",
        "2016-07-05",
    ]
    with pytest.raises(DayIsRed, match="gate red on 2016-07-06: bars demo: "):
        manager.routine("2016-07-07")
    last = manager.history().last
    assert last is not None
    assert last.day == "2016-07-05"
    assert last.gate is not None
    assert not last.gate.red

    mended = replace(serve(market), gate=GateSection())
    assert [day.day for day in mended.routine("2016-07-07")] == ["2016-07-06", "2016-07-07"]


@pytest.mark.parametrize("choice", ["go on", "recompute", "retrain"])
def test_a_revised_history_is_named_and_what_follows_is_the_configs_choice(
    serve: Serve, market: Market, choice: Literal["go on", "recompute", "retrain"]
) -> None:
    gate = GateSection(on_revision=choice)
    before = replace(serve(until(market, "2016-07-05")), gate=gate)
    before.first_train(FIRST)
    before.routine()
    served = signal(before)
    code = str(served.index.get_level_values("instrument")[0])
    revised = Mended(until(market, "2016-07-07"), code, "2016-07-04")
    manager = replace(serve(revised), gate=gate)
    day, after = manager.routine("2016-07-07")
    assert day.gate is not None
    assert day.gate.revision is not None
    assert (day.gate.revision.since, day.gate.revision.instruments, day.gate.revision.kind) == (
        "2016-07-04",
        (code,),
        "mended",
    )
    assert after.gate is not None
    assert after.gate.revision is None  # it was named once
    state, history = manager.evening.state, manager.history()
    assert signal(manager)[served.index].equals(served)  # what was served stays
    corrected = state.corrected(signal(manager), history.days)
    differ = corrected[served.index] != served
    changed = sorted({str(day.date()) for day in served.index[differ].get_level_values("datetime")})
    assert (day.recomputed, changed) == (
        (("2016-07-04", "2016-07-05"), ["2016-07-04"]) if choice == "recompute" else ((), [])
    )
    assert [(model.name, model.regular) for model in after.trained] == (
        [("2016-07-07", False)] if choice == "retrain" else []
    )
    assert roles(manager)[0] == ("2016-07-07" if choice == "retrain" else FIRST)


class Mended(_CutMarket):
    """A market of which one bar has another close."""

    def __init__(self, market: Market, code: str, day: str) -> None:
        super().__init__(market, len(market.calendar))
        self.code, self.day = code, market.calendar.at_or_after(day)

    @property
    def version(self) -> str:
        return f"mended {super().version}"

    def panel(self, field: str, instruments: Sequence[str]) -> Panel:
        panel = super().panel(field, instruments)
        if field == "close" and self.code in instruments:
            panel[list(instruments).index(self.code), self.day] *= 1.3
        return panel


class Halved(_CutMarket):
    """A market of which one day has but half of its bars."""

    def __init__(self, market: Market, day: str) -> None:
        super().__init__(market, len(market.calendar))
        self.day = market.calendar.at_or_after(day)

    @property
    def version(self) -> str:
        return f"halved {super().version}"

    def panel(self, field: str, instruments: Sequence[str]) -> Panel:
        panel = super().panel(field, instruments)
        panel[::2, self.day] = np.nan
        return panel


# --- A service that is changed ------------------------------------------------------------------------------------


def models(manager: OnlineManager, strategy: str) -> list[tuple[str, str]]:
    """Test starts of a strategy's models, and when they were trained."""
    return [(model.name, model.trained) for model in manager.history().models(strategy)]


def test_a_strategy_that_is_added_begins_with_the_next_day(serve: Serve) -> None:
    serve().first_train(FIRST)
    both = serve(trees=20, more=20)
    days = both.routine("2016-07-05")
    assert [sorted(day.standing) for day in days] == [["more", "trees"], ["more", "trees"]]
    assert models(both, "trees") == [(FIRST, FIRST)]
    assert models(both, "more") == [(FIRST, "2016-07-04")]


def test_a_strategy_may_go_and_come_back(serve: Serve) -> None:
    serve(trees=20, more=20).first_train(FIRST)
    serve().routine("2016-07-04")
    both = serve(trees=20, more=20)
    (day,) = both.routine("2016-07-05")
    assert models(both, "more") == [(FIRST, FIRST)]
    (model,) = both.history().models("more")
    assert day.champion("more") == model.key


def test_a_strategy_that_comes_back_with_another_task_is_refused(serve: Serve) -> None:
    serve(trees=20, more=20).first_train(FIRST)
    serve().routine("2016-07-04")
    both = serve(trees=20, more=20)
    trees, more = both.strategies
    assert isinstance(more, RollingStrategy)
    other = replace(more, task_template=TASK.with_handler_kwargs(infer_processors=[{"class": "Fillna"}]))
    changed = replace(both, evening=replace(both.evening, strategies=(trees, other)))
    with pytest.raises(InputError, match=r"strategy 'more' of service 'service \d+' is served with another task"):
        changed.routine("2016-07-05")


def test_a_strategy_that_is_renamed_begins_anew(serve: Serve) -> None:
    serve().first_train(FIRST)
    renamed = serve(forest=20)
    (day,) = renamed.routine("2016-07-04")
    assert list(day.standing) == ["forest"]
    assert models(renamed, "forest") == [(FIRST, "2016-07-04")]


def test_windows_follow_with_another_step_from_then_on(serve: Serve) -> None:
    serve().first_train(FIRST)
    serve().routine("2016-07-14")
    shorter = serve(trees=10)
    shorter.routine("2016-07-15")
    assert models(shorter, "trees") == [(FIRST, FIRST), ("2016-07-15", "2016-07-15")]


def test_another_rule_of_promotion_holds_from_the_next_day_on(serve: Serve) -> None:
    never = serve(promotion=PromotionSection(rule="never"))
    never.first_train("2016-07-28")
    never.routine(SECOND)
    assert roles(never) == (FIRST, SECOND, None)
    newest = serve()
    (day,) = newest.routine("2016-08-01")
    assert roles(newest) == (SECOND, None, FIRST)
    assert [(each.action, each.by) for each in day.decisions] == [("promote", "rule newest")]


def test_a_strategy_that_cannot_begin_does_not_keep_the_others_from_being_served(serve: Serve) -> None:
    trees, more = serve(trees=20, more=20).strategies
    assert isinstance(more, RollingStrategy)
    broken = replace(more, task_template=replace(TASK, model={"class": "LGBModel", "kwargs": {"loss": "none"}}))

    def manager(*strategies: OnlineStrategy) -> OnlineManager:
        return replace(serve(), evening=replace(serve().evening, strategies=strategies))

    with pytest.raises(
        NoModel, match=f"no model to serve {FIRST} with; strategy more: AttemptFailed: .*InputError"
    ):
        manager(broken).first_train(FIRST)
    (day,) = manager(trees, broken).first_train(FIRST)
    assert (list(day.standing), list(day.failed)) == (["trees"], ["more"])
    (day,) = manager(trees, more).routine("2016-07-04")  # mended
    assert (list(day.standing), dict(day.failed)) == (["trees", "more"], {})
    assert models(serve(trees=20, more=20), "more") == [(FIRST, "2016-07-04")]


def test_a_model_whose_files_are_lost_is_named(serve: Serve) -> None:
    manager = serve()
    manager.first_train(FIRST)
    (model,) = manager.history().models("trees")
    recorder = manager.evening.scorer.experiments.recorder(model.recorder_id)
    (recorder.download("model") / "model.txt").unlink()
    with pytest.raises(SavedModelBroken, match=f"{model.recorder_id}.*train the model again"):
        serve().routine("2016-07-04")


# --- Drift --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("promotion", "trained"),
    [
        (NEWEST, [FIRST, "2016-07-04", "2016-07-06", "2016-07-08", "2016-07-12"]),
        (
            PromotionSection(rule="ic", days=5, least=5, confidence=0.99999),
            [FIRST, "2016-07-04", "2016-07-11"],  # the challenger has the five days that it is judged by
        ),
    ],
    ids=["newest", "ic"],
)
def test_drift_lets_a_challenger_prove_itself(
    serve: Serve, promotion: PromotionSection, trained: list[str]
) -> None:
    manager = serve(promotion=promotion)
    alarming = DriftSection(model_age=1, retrain=True, every=2)
    manager = replace(manager, evening=replace(manager.evening, drift=alarming))
    manager.first_train(FIRST)
    days = manager.routine("2016-07-12")
    assert all("model age" in [alarm.name for alarm in day.drift["trees"].alarms] for day in days)
    assert [day for _, day in models(manager, "trees")] == trained
    assert [model.regular for model in manager.history().models("trees")] == [True] + [False] * (len(trained) - 1)


def test_an_account_does_not_begin_anew_because_a_disk_has_failed(serve: Serve) -> None:
    manager = serve()
    portfolio = Portfolio.of(
        PortfolioSection(strategy={"class": "TopkDropoutStrategy", "kwargs": {"topk": 5, "n_drop": 1}})
    )
    following = replace(manager, evening=replace(manager.evening, portfolio=portfolio))
    (day,) = following.first_train(FIRST)
    holdings = following.evening.state.experiments.recorder(day.recorder_id).download("holdings.json")
    kept = holdings.read_text()
    holdings.write_text(kept[: len(kept) // 2])
    with pytest.raises(ArtifactBroken, match=r"holdings\.json"):
        following.routine("2016-07-04")
    holdings.write_text(kept)
    assert [each.day for each in following.routine("2016-07-04")] == ["2016-07-04"]
