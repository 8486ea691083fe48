"""How drift is measured, and what it makes of the demo market, quiet and changed."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from components.analysis import signal_analysis
from components.analysis.drift import (
    BlockMoments,
    bin_counts,
    block_moments,
    clustered_limit,
    ic_decay,
    independent_limit,
    lower_limit,
    quantile_edges,
    rank_autocorrelation,
    stability_index,
)
from components.config.online.drift import DriftSection
from components.data import open_market
from components.features import Alpha158, DatasetH, FeatureMatrix, MatrixStore
from components.models import FitContext, LGBModel
from components.serving.drift import DriftReport, Measure, inspect_drift
from components.serving.drift.reference import Reference

SECTION = DriftSection()


def test_bins_are_quantiles_and_hold_their_upper_edge() -> None:
    values = np.array([5, 1, 4, 2, 3, np.nan], np.float32)
    assert quantile_edges(values, 5).tolist() == [1, 2, 3, 4]
    counts = bin_counts(np.array([1, 1.5, np.nan, 4, 9, np.inf]), np.array([1.0, 2, 3, 4]), np.zeros(6, int), 1)
    assert counts.tolist() == [[1, 1, 0, 1, 2]]


def test_frequent_values_share_edges_and_a_constant_has_none() -> None:
    assert quantile_edges(np.array([0, 0, 0, 0, 0, 0, 1, 2.0]), 4).tolist() == [0]
    assert quantile_edges(np.full(9, 3.0), 4).tolist() == []
    assert quantile_edges(np.full(9, np.nan), 4).tolist() == []
    assert quantile_edges(np.array([-np.inf, -np.inf, 1, 2, np.inf]), 5).tolist() == [1, 2]
    assert stability_index([9], [4]) == 0


def test_stability_index_of_two_bins_by_hand() -> None:
    # shares with half a value added: 50/100 and 50/100, 25/100 and 75/100; -1/4 ln 1/2 + 1/4 ln 3/2
    found = stability_index([49.5, 49.5], [24.5, 74.5])
    assert found == pytest.approx(0.25 * math.log(2) + 0.25 * math.log(1.5))
    assert 0 < stability_index([100, 0], [0, 100]) < math.inf


@given(arrays(np.int64, (2, 5), elements=st.integers(0, 10_000)))
def test_the_index_is_symmetric_and_not_negative(counts: npt.NDArray[np.int64]) -> None:
    index = stability_index(counts[0], counts[1])
    assert index >= 0
    assert index == pytest.approx(stability_index(counts[1], counts[0]))
    assert stability_index(counts[0], counts[0]) == 0


def test_limit_of_independent_values() -> None:
    # chi-square with two degrees of freedom: the quantile is -2 ln(chance)
    assert independent_limit(1000, 100, 3, 0.01) == pytest.approx((0.001 + 0.01) * -2 * math.log(0.01))
    # nine degrees of freedom: 27.877, from a table
    assert independent_limit(10**9, 300, 10, 0.001) == pytest.approx(27.877 / 300, abs=1e-5)
    assert independent_limit(0, 10, 10, 0.001) == independent_limit(10, 10, 1, 0.001) == math.inf


def test_unchanged_independent_values_exceed_the_limit_as_often_as_they_should() -> None:
    rng = np.random.default_rng(5)
    drawn = rng.multinomial(100, [0.1] * 10, 4000), rng.multinomial(400, [0.1] * 10, 4000)
    share = (stability_index(*drawn) > independent_limit(100, 400, 10, 0.05)).mean()
    assert 0.03 < share < 0.06


def test_the_limit_grows_when_the_names_of_a_day_move_together() -> None:
    rng = np.random.default_rng(5)
    day = np.repeat(np.arange(200), 50)

    def limits(together: float) -> tuple[float, float]:
        def draw() -> npt.NDArray[np.float64]:
            return rng.normal(0, 1, len(day)) + together * rng.normal(0, 1, 200)[day]

        values = draw()
        edges = quantile_edges(values, 10)
        daily = bin_counts(values, edges, day, 200)
        limit = clustered_limit(block_moments(daily, 5)[4], 0.01)
        later = bin_counts(draw(), edges, day, 200).reshape(40, 5, 10).sum(axis=1)
        return limit, float((stability_index(daily.sum(axis=0), later) > limit).mean())

    alone, moved = limits(0.0), limits(1.0)
    assert alone[0] == pytest.approx(independent_limit(10_000, 250, 10, 0.01), rel=0.4)
    assert moved[0] > 5 * alone[0]
    assert alone[1] <= 0.05
    assert moved[1] <= 0.05


def test_blocks_of_days_up_to_a_quarter_of_them() -> None:
    daily = np.tile([[3, 1], [1, 3]], (10, 1))
    assert len(block_moments(daily, 20)) == 5
    assert block_moments(daily, 2)[1].mean < 1e-9  # two days are always the same
    assert block_moments(daily[:3], 20) == ()
    assert clustered_limit(BlockMoments(0.0, 0.0, 4), 0.01) == 0


def test_rank_autocorrelation_is_over_names_that_both_days_have() -> None:
    today = pd.Series([1.0, 2, 3, 4, 9], list("ABCDE"))
    before = pd.Series([40.0, 10, 20, 30, 1], list("DACBF"))
    assert rank_autocorrelation(today, before) == pytest.approx(0.8)  # 1 - 6 * 2 / (4 * 15)
    assert math.isnan(rank_autocorrelation(today, before[:2]))
    assert math.isnan(rank_autocorrelation(today * 0, before))


def test_lower_limit_is_a_prediction_interval_of_fishers_z() -> None:
    # z = -1, 0, 1: spread sqrt(4/3); Student's t with two degrees of freedom at 0.75: sqrt(2/3)
    assert lower_limit(np.tanh([-1, 0, 1]), 0.25) == pytest.approx(-math.tanh(math.sqrt(8 / 9)))
    assert math.isnan(lower_limit([0.1, 0.2], 0.01))


def test_decay_of_the_ic() -> None:
    # lag 1 (4 days): errors sqrt(6.25 / 12) each, so Welch's degrees of freedom are 6; t at 0.99 is 3.143
    found = ic_decay([0, 1, 2, 3], [1, 2, 3, 4], 0.01)
    assert (found.live.value, found.reference.value) == (1.5, 2.5)
    assert found.limit == pytest.approx(2.5 - 3.1427 * math.sqrt(12.5 / 12), abs=1e-3)
    assert math.isnan(ic_decay([0.1, 0.2], [], 0.01).limit)


@pytest.mark.parametrize(
    "wrong", [{"chance": 0.0}, {"days": 0}, {"bins": 1}, {"missing": 1.5}, {"retrain": "yes"}, {"psy": 0.1}]
)
def test_wrong_settings(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DriftSection.model_validate(wrong)


def test_least_days_beyond_the_days_that_count_can_never_be_met() -> None:
    with pytest.raises(ValidationError, match="ic_least 20 is more than ic_days 10"):
        DriftSection(ic_days=10)


@pytest.mark.parametrize(
    ("alarm", "retrain", "since", "due"),
    [
        ("ic", True, None, True),
        ("ic", True, 19, False),
        ("ic", True, 20, True),
        ("ic", False, None, False),
        ("data age", True, None, False),
        ("missing", True, None, False),
        (None, True, None, False),
    ],
)
def test_an_alarm_starts_a_training_now_and_then(
    alarm: str | None, retrain: bool, since: int | None, due: bool
) -> None:
    measures = tuple(Measure(name, 1.0, 0.0, name == alarm, name) for name in ("ic", "data age", "missing"))
    assert DriftReport(measures).calls_for_training(DriftSection(retrain=retrain), since) == due


class Served:
    """A model that was trained once on a demo market, and each day after that."""

    def __init__(self, matrix: FeatureMatrix) -> None:
        self.matrix = matrix
        segments = {"train": ("2015-04-01", "2016-03-31"), "valid": ("2016-04-01", "2016-08-31")}
        dataset = DatasetH(matrix, segments)
        model = LGBModel(num_boost_round=20, learning_rate=0.1, num_leaves=15, seed=1)
        fit = model.fit(dataset, FitContext(threads=1))
        self.reference = Reference.of(model, dataset, fit.importance, SECTION)
        live = DatasetH(matrix, {"live": ("2016-09-01", "2018-12-27")})
        self.scores = model.predict(live, "live")
        self.day = live.infer("live").day
        label = pd.Series(live.infer("live").y, self.scores.index)
        self.ics = signal_analysis(self.scores, label, long_short=False)[1]["ic"]

    def scores_from(self, first: int, last: int) -> pd.Series:
        return self.scores.iloc[slice(*np.searchsorted(self.day, [first, last + 1]))]

    def inspect(self, position: int, **changed: Any) -> DriftReport:
        days = self.matrix.calendar
        first = position - SECTION.days + 1
        arguments = {
            "rows": self.matrix.infer(days[first], days[position]),
            "scores": self.scores_from(first, position),
            "realised": self.ics[self.ics.index <= pd.Timestamp(days[position - 2])],
            "previous": self.scores_from(position - 1, position - 1),
            "model_age": 10,
            "data_age": 0,
        }
        return inspect_drift(self.reference, section=SECTION, **{**arguments, **changed})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Served, Served]:
    """On a quiet market, and on one with another regime from 2017 on."""
    store = MatrixStore(tmp_path_factory.mktemp("matrices"))
    quiet, changed = (
        Served(store.open(Alpha158(instruments="all"), open_market(f"demo:?years=4&instruments=60{option}")))
        for option in ("", "&regime=2017-01-03")
    )
    return quiet, changed


def alarms_by_day(served: Served, first: str, days: int) -> list[tuple[str, ...]]:
    start = served.matrix.calendar.at_or_after(first)
    reports = [served.inspect(position) for position in range(start, start + days)]
    return [tuple(measure.name for measure in report.alarms) for report in reports]


def test_a_quiet_market_does_not_alarm_and_another_regime_does(served: tuple[Served, Served]) -> None:
    quiet, changed = served
    assert quiet.reference == changed.reference  # nothing is different before the day
    found = alarms_by_day(quiet, "2016-10-03", 500)
    assert sum(map(bool, found)) <= 7
    after = alarms_by_day(changed, "2017-01-03", 60)
    assert any(after[:20])
    names = {name for day in after for name in day}
    assert any(name.startswith("psi ") for name in names)


def test_reference_and_report_survive_json(served: tuple[Served, Served]) -> None:
    quiet = served[0]
    document = json.loads(json.dumps(quiet.reference.to_document(), allow_nan=False))
    assert Reference.from_document(document) == quiet.reference
    report = quiet.inspect(600)
    text = json.dumps(report.to_document(), allow_nan=False)
    assert DriftReport.from_document(json.loads(text)) == report
    assert "\n" not in report.summary


def test_the_most_important_features_are_watched(served: tuple[Served, Served]) -> None:
    reference = served[0].reference
    assert len(reference.features) == 10
    assert list(reference.missing) == list(served[0].matrix.features)
    assert len(reference.ics) == 109  # sessions of the valid segment
    assert sum(reference.scores.counts) == len(served[0].matrix.infer("2016-04-01", "2016-08-31"))
    shares = np.array(next(iter(reference.features.values())).counts)
    assert shares.max() < 1.2 * shares.min()  # deciles


def measure(report: DriftReport, name: str) -> Measure:
    return next(each for each in report.measures if each.name == name)


def test_missing_values_are_named(served: tuple[Served, Served]) -> None:
    quiet = served[0]
    rows = quiet.matrix.infer(quiet.matrix.calendar[580], quiet.matrix.calendar[600])
    X = rows.X.copy()
    X[rows.day == 600, :2] = np.nan
    found = measure(quiet.inspect(600, rows=replace(rows, X=X)), "missing")
    assert (found.value, found.alarm) == (1.0, True)
    assert found.message.startswith("share of names without a value of KMID (and of 1 other features) 1.000, limit")
    X[:, :2] = rows.X[:, :2]
    X[rows.day == 599] = np.nan  # yesterday
    assert not measure(quiet.inspect(600, rows=replace(rows, X=X)), "missing").alarm


def test_a_watched_feature_without_values_has_no_index(served: tuple[Served, Served]) -> None:
    quiet = served[0]
    rows = quiet.matrix.infer(quiet.matrix.calendar[581], quiet.matrix.calendar[600])
    report = quiet.inspect(600, rows=replace(rows, X=np.full_like(rows.X, np.nan)))
    name = f"psi {next(iter(quiet.reference.features))}"
    assert (measure(report, name).value, measure(report, name).alarm) == (None, False)
    assert measure(report, name).message.endswith("has no PSI: it has no value now or is constant")
    json.dumps(report.to_document(), allow_nan=False)


def test_ages(served: tuple[Served, Served]) -> None:
    report = served[0].inspect(600, model_age=121, data_age=1)
    assert measure(report, "model age").message == "model age 121 sessions, limit 120"
    assert {"model age", "data age"} <= {alarm.name for alarm in report.alarms}
    report = served[0].inspect(600, model_age=120, data_age=0)
    assert not {"model age", "data age"} & {alarm.name for alarm in report.alarms}


def test_the_ic_is_judged_after_enough_days(served: tuple[Served, Served]) -> None:
    bad = pd.Series(np.tile([-0.2, -0.3], 10))
    few = measure(served[0].inspect(600, realised=bad[:19]), "ic")
    assert (few.alarm, few.limit) == (False, None)
    assert few.message.endswith("not judged, 19 of 20 days with labels")
    assert measure(served[0].inspect(600, realised=bad), "ic").alarm
    assert measure(served[0].inspect(600, realised=bad[:0]), "ic").value is None


def test_a_signal_turned_round_overnight_alarms(served: tuple[Served, Served]) -> None:
    quiet = served[0]
    before = -quiet.scores_from(600, 600)
    found = measure(quiet.inspect(600, previous=before), "rank autocorrelation")
    assert (round(found.value or 0, 9), found.alarm) == (-1.0, True)
    assert measure(quiet.inspect(600, previous=before.droplevel("datetime")), "rank autocorrelation") == found
    assert measure(quiet.inspect(600, previous=None), "rank autocorrelation").value is None


def test_a_model_without_importance_and_valid_segment(served: tuple[Served, Served]) -> None:
    dataset = DatasetH(served[0].matrix, {"train": ("2015-04-01", "2015-08-31")})
    model = LGBModel(num_boost_round=3, seed=1)
    model.fit(dataset, FitContext(threads=1))
    reference = Reference.of(model, dataset, {}, SECTION)
    assert (reference.ics, reference.features) == ((), {})
    rows = served[0].matrix.infer("2015-09-01", "2015-09-28")
    scores = model.predict(DatasetH(served[0].matrix, {"test": ("2015-09-01", "2015-09-28")}))
    report = inspect_drift(
        reference,
        rows=rows,
        scores=scores,
        realised=pd.Series([0.1] * 20),
        previous=None,
        model_age=1,
        data_age=0,
        section=SECTION,
    )
    names = ["psi score", "missing", "ic", "rank autocorrelation", "model age", "data age"]
    assert [each.name for each in report.measures] == names
    assert measure(report, "ic").message.endswith("not judged, the valid segment has 0 days with an IC")
