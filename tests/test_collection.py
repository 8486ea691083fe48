from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.collection import (
    RAW,
    AverageEnsemble,
    Collected,
    Collector,
    ExperimentRuns,
    Group,
    MergeCollector,
    Missing,
    RecorderCollector,
    RollingEnsemble,
    RollingGroup,
    SingleKeyEnsemble,
    coverage,
)
from components.data.calendar import TradingCalendar
from components.errors import InputError, RollflowError
from components.formats.tables import save_table
from components.tracking import ExperimentManager, RunStatus

INDEX = ["datetime", "instrument"]


def table(rows: Mapping[tuple[int, str], float]) -> pd.DataFrame:
    """Scores by day of January 2020 and instrument."""
    index = pd.MultiIndex.from_tuples([(pd.Timestamp(2020, 1, day), name) for day, name in rows], names=INDEX)
    return pd.DataFrame({"score": list(rows.values())}, index=index, dtype=float)


def as_rows(result: Any) -> dict[tuple[int, str], float]:
    scores = result["score"] if isinstance(result, pd.DataFrame) else result
    return {(day.day, name): score for (day, name), score in scores.items()}


# --- Ensembles, against Qlib --------------------------------------------------------------------------------------


def golden_inputs(shared: Path, case: str) -> dict[str, pd.DataFrame]:
    rows = (
        pd.read_parquet(shared / "goldens/ensemble_inputs.parquet")
        .query("case == @case")
        .sort_values(["order", "row"])
    )
    return {key: part.set_index(INDEX)[["score"]] for key, part in rows.groupby("key", sort=False)}


def golden_output(shared: Path, case: str) -> pd.DataFrame:
    return pd.read_parquet(shared / "goldens/ensemble_outputs.parquet").query("case == @case")


@pytest.mark.shared
@pytest.mark.parametrize(
    "case",
    [
        "rolling_overlap",
        "rolling_duplicates_inside_a_window",
        "rolling_equal_first_date",
        "rolling_other_instruments",
    ],
)
def test_joins_windows_as_qlib(shared: Path, case: str) -> None:
    ours = RollingEnsemble()(golden_inputs(shared, case))
    wanted = golden_output(shared, case).set_index(INDEX)[["score"]]
    pd.testing.assert_frame_equal(ours, wanted, check_exact=True)


@pytest.mark.shared
@pytest.mark.parametrize(
    "case",
    ["average_three_models_one_lacks_instruments", "average_nan_and_other_days", "average_constant_day"],
)
def test_averages_as_qlib(shared: Path, case: str) -> None:
    ours = AverageEnsemble()(golden_inputs(shared, case))
    wanted = golden_output(shared, case).set_index(INDEX)["score"]
    pd.testing.assert_series_equal(ours, wanted, check_names=False, rtol=0, atol=1e-12)


@pytest.mark.shared
def test_averages_nested_results_as_qlib(shared: Path) -> None:
    flat = golden_inputs(shared, "average_nested_dict")
    ours = AverageEnsemble()({"A": {"x": flat["A|x"], "y": flat["A|y"]}, "B": flat["B"]})
    wanted = golden_output(shared, "average_nested_dict").set_index(INDEX)["score"]
    pd.testing.assert_series_equal(ours, wanted, check_names=False, rtol=0, atol=1e-12)


@pytest.mark.shared
def test_joins_the_windows_of_each_model_as_qlib(shared: Path) -> None:
    inputs = {tuple(key.split("|")): rows for key, rows in golden_inputs(shared, "rolling_group").items()}
    ours = RollingGroup()(inputs)
    wanted = golden_output(shared, "rolling_group")
    assert list(ours) == [("model_a",), ("model_b",)]
    for (model,), joined in ours.items():
        pd.testing.assert_frame_equal(joined, wanted[wanted["key"] == model].set_index(INDEX)[["score"]])


def decoded(value: Any) -> Any:
    """The encoding of ensemble_keys.json: a dict as pairs, a tuple key as a list."""
    if isinstance(value, dict) and list(value) == ["dict"]:
        return {tuple(key) if isinstance(key, list) else key: decoded(item) for key, item in value["dict"]}
    return value


@pytest.mark.shared
def test_unwraps_single_keys_as_qlib(shared: Path) -> None:
    cases = json.loads((shared / "goldens/ensemble_keys.json").read_text())["single_key_ensemble"]
    assert len(cases) == 9
    for case in cases:
        assert SingleKeyEnsemble()(decoded(case["input"]), **case["kwargs"]) == decoded(case["output"]), case[
            "name"
        ]


@pytest.mark.shared
def test_groups_by_window_as_qlib(shared: Path) -> None:
    cases = json.loads((shared / "goldens/ensemble_keys.json").read_text())["rolling_group"]
    assert len(cases) == 6
    for case in cases:
        if case["group_error"]:
            with pytest.raises(InputError, match="key 'm': expected a tuple"):
                RollingGroup().group(decoded(case["input"]))
        else:
            group = RollingGroup(ens=dict)
            assert group.group(decoded(case["input"])) == decoded(case["group_output"]), case["name"]
            assert group(decoded(case["input"])) == decoded(case["call_output_with_identity_ensemble"]), case[
                "name"
            ]


# --- Ensembles, by hand -------------------------------------------------------------------------------------------


def test_the_latest_window_has_the_word_on_rows_that_it_has() -> None:
    older = table({(2, "a"): 1, (3, "a"): 2, (3, "b"): 3})
    newer = table({(4, "a"): 5, (3, "a"): np.nan})
    joined = RollingEnsemble()({"newer": newer, "older": older})
    assert list(as_rows(joined)) == [(2, "a"), (3, "a"), (3, "b"), (4, "a")]
    assert joined["score"].tolist() == pytest.approx([1, np.nan, 3, 5], nan_ok=True)


def test_joins_series_and_tables_by_day_and_keeps_what_they_are() -> None:
    days = pd.DatetimeIndex(["2020-01-02", "2020-01-03"], name="datetime")
    older = pd.DataFrame({"ic": [0.1, 0.2], "windows": ["x", "x"]}, index=days)
    newer = pd.DataFrame({"ic": [0.3, 0.4], "windows": ["y", "y"]}, index=days.shift(1, freq="D"))
    joined = RollingEnsemble()({1: older, 2: newer})
    assert joined["ic"].tolist() == [0.1, 0.3, 0.4]
    assert joined["windows"].tolist() == ["x", "y", "y"]
    assert joined.index.equals(pd.DatetimeIndex(["2020-01-02", "2020-01-03", "2020-01-04"], name="datetime"))
    pd.testing.assert_series_equal(
        RollingEnsemble()({1: older["ic"], 2: newer["ic"]}), joined["ic"], check_freq=False
    )


def test_an_empty_window_adds_nothing() -> None:
    full = table({(2, "a"): 1})
    assert as_rows(RollingEnsemble()({1: full[:0], 2: full, 3: full[:0]})) == {(2, "a"): 1}
    assert len(RollingEnsemble()({1: full[:0]})) == 0


@given(st.lists(st.lists(st.tuples(st.integers(1, 9), st.sampled_from("abc")), max_size=8), min_size=1, max_size=5))
def test_equals_concatenating_and_keeping_the_last(windows: list[list[tuple[int, str]]]) -> None:
    tables = {}
    for place, rows in enumerate(windows):
        index = pd.MultiIndex.from_tuples([(pd.Timestamp(2020, 1, day), name) for day, name in rows], names=INDEX)
        tables[place] = pd.Series(np.arange(len(rows)) + 100.0 * place, index=index, name="score")
    tables = {place: rows for place, rows in tables.items() if len(rows)}
    if not tables:
        return
    together = pd.concat(sorted(tables.values(), key=lambda rows: rows.index.get_level_values("datetime").min()))
    wanted = together[~together.index.duplicated(keep="last")].sort_index()
    assert as_rows(RollingEnsemble()(tables)) == as_rows(wanted)


def test_standardises_each_model_per_day() -> None:
    small = table({(2, "a"): 1, (2, "b"): 2, (2, "c"): 3, (3, "a"): 5})
    large = table({(2, "a"): 300, (2, "b"): 100, (4, "a"): 0.1, (4, "b"): 0.1, (4, "c"): 0.1})
    average = AverageEnsemble()({"small": small, "large": large})
    half = np.sqrt(0.5)
    assert as_rows(average) == pytest.approx(
        {
            (2, "a"): (-1 + half) / 2,
            (2, "b"): (0 - half) / 2,
            (2, "c"): 1,
            (3, "a"): np.nan,  # one name has no deviation
            (4, "a"): np.nan,  # nor has a constant, whatever the rounding
            (4, "b"): np.nan,
            (4, "c"): np.nan,
        },
        nan_ok=True,
    )


@pytest.mark.parametrize("ensemble", [RollingEnsemble(), AverageEnsemble()])
def test_what_cannot_be_joined_is_refused(ensemble: Any) -> None:
    good = table({(2, "a"): 1})
    with pytest.raises(InputError, match=r"did all (of them|models) fail\?"):
        ensemble({})
    with pytest.raises(
        InputError, match=r"w: expected a table indexed \(datetime, instrument\), got \[None\]|\('w',\)"
    ):
        ensemble({"w": good.reset_index()})
    with pytest.raises(InputError, match="they cannot be joined"):
        ensemble({"w": good, "x": good.droplevel("instrument")})
    nameless = good.reset_index()
    nameless["instrument"] = None
    with pytest.raises(InputError, match="a row without instrument"):
        ensemble({"w": nameless.set_index(INDEX)})


def test_windows_must_have_the_same_columns_and_models_unique_rows() -> None:
    good = table({(2, "a"): 1})
    with pytest.raises(InputError, match=r"x has columns \['label'\], but w has columns \['score'\]"):
        RollingEnsemble()({"w": good, "x": good.rename(columns={"score": "label"})})
    with pytest.raises(InputError, match="more than once"):
        AverageEnsemble()({"w": pd.concat([good, good])})


def test_a_group_of_ones_own() -> None:
    def by_model(results: Mapping[Any, int]) -> dict[str, dict[int, int]]:
        return {"all": {seed: score for (_, seed), score in results.items()}}

    assert Group(by_model, lambda members: max(members.values()))({("a", 1): 2, ("b", 2): 3}) == {"all": 3}


# --- Collectors ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    id: str
    status: str = "FINISHED"
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Folder:
    """A source of runs without a server: {(run, artifact): value}, an exception standing for a failed read."""

    listing: Sequence[Run]
    stored: Mapping[tuple[str, str], Any]
    together: threading.Barrier | None = None

    def runs(self) -> Sequence[Run]:
        return self.listing

    def load(self, run: Run, artifact: str) -> Any:
        if self.together:
            self.together.wait(timeout=10)
        found = self.stored.get((run.id, artifact), RollflowError(f"run {run.id} has no artifact {artifact!r}"))
        if isinstance(found, Exception):
            raise found
        return found


def window_of(run: Any) -> Any:
    return run.tags["window"]


def test_collects_by_artifact_and_key_and_processes_each() -> None:
    runs = [Run("1", tags={"window": "w1"}), Run("2", tags={"window": "w2"})]
    stored = {("1", "pred"): 10, ("2", "pred"): 20, ("1", "label"): 1, ("2", "label"): 2}
    collector = RecorderCollector(
        source=Folder(runs, stored),
        artifacts=["pred", "label"],
        rec_key=window_of,
        process_list=[lambda results: sum(results.values()), lambda total: total * 2],
    )
    assert collector.collect() == Collected({"pred": {"w1": 10, "w2": 20}, "label": {"w1": 1, "w2": 2}})
    assert collector() == Collected({"pred": 60, "label": 6})


def test_says_what_is_missing_and_why() -> None:
    runs = [
        Run("1", "FAILED", {"window": "w1"}),  # tried again below: nothing is missing
        Run("2", tags={"window": "w1"}),
        Run("3", tags={"window": "w2"}),
        Run("4", tags={"window": "w2"}),
        Run("5", "FAILED", {"window": "w3"}),
        Run("6", tags={"window": "w4"}),
        Run("7", tags={"window": "w5"}),
        Run("8", "RUNNING", {"window": "elsewhere"}),
    ]
    stored = {
        ("2", "pred"): "two",
        ("3", "pred"): "three",
        ("4", "pred"): "four",
        ("7", "pred"): ValueError("torn"),
    }
    collected = RecorderCollector(
        source=Folder(runs, stored), rec_key=window_of, rec_filter=lambda run: run.tags["window"] != "elsewhere"
    )()
    assert collected.results == {"pred": {"w1": "two", "w2": "four"}}
    assert collected.missing == (
        Missing("3", "w2", "replaced by the newer run 4"),
        Missing("5", "w3", "its status is FAILED"),
        Missing("6", "w4", "pred: run 6 has no artifact 'pred'"),
        Missing("7", "w5", "pred: torn"),
    )
    assert str(collected.missing[1]) == "w3 (run 5): its status is FAILED"


def test_artifacts_are_chosen_under_names_of_ones_own() -> None:
    run = Run("1", params={"seed": "7"})
    source = Folder([run], {("1", "sig_analysis"): 0.05})
    collector = RecorderCollector(source=source, artifacts={"IC": "sig_analysis", "run": RAW, "label": "label"})
    assert collector() == Collected(
        {"IC": {"1": 0.05}, "run": {"1": run}, "label": {}},
        (Missing("1", "1", "label: run 1 has no artifact 'label'"),),
    )


def test_any_status_when_asked() -> None:
    source = Folder([Run("1", "RUNNING"), Run("2", "KILLED")], {("1", "pred"): 1, ("2", "pred"): 2})
    assert RecorderCollector(source=source, statuses=None)().results == {"pred": {"1": 1, "2": 2}}
    assert RecorderCollector(source=source, statuses=["KILLED"])().results == {"pred": {"2": 2}}


def test_reads_several_artifacts_at_the_same_time() -> None:
    runs = [Run(str(place)) for place in range(4)]
    source = Folder(runs, {(run.id, "pred"): run.id for run in runs}, together=threading.Barrier(4))
    assert len(RecorderCollector(source=source, readers=4)().results["pred"]) == 4  # else the barrier breaks


def test_an_unforeseen_error_is_not_a_missing_artifact() -> None:
    with pytest.raises(ZeroDivisionError):
        RecorderCollector(source=Folder([Run("1")], {("1", "pred"): ZeroDivisionError()}))()


class Fixed(Collector):
    """A collector of one's own."""

    def __init__(self, collected: Collected, *process_list: Any) -> None:
        self.collected, self.process_list = collected, process_list

    def collect(self) -> Collected:
        return self.collected


def test_merges_collectors_with_all_that_they_miss() -> None:
    lost = Missing("9", "w1", "gone")
    a = Fixed(Collected({"pred": {"x": 1}}, (lost,)), SingleKeyEnsemble())
    b = Fixed(Collected({"pred": {"y": 2}, "ic": {"y": 3}}))
    assert MergeCollector(collectors={"A": a, "B": b})() == Collected(
        {("A", "pred"): 1, ("B", "pred"): {"y": 2}, ("B", "ic"): {"y": 3}}, (lost,)
    )
    named = MergeCollector(
        collectors={"A": a, "B": b}, merge_key=lambda name, key: f"{name}_{key}", process_list=[SingleKeyEnsemble()]
    )
    assert named().results == {"A_pred": 1, "B_pred": 2, "B_ic": 3}


def test_collects_from_mlflow(tmp_path: Path) -> None:
    experiments = ExperimentManager(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts")
    experiment = experiments.get_or_create("rolling")
    for day, status in ((2, RunStatus.FINISHED), (3, RunStatus.FINISHED), (4, RunStatus.FAILED)):
        recorder = experiments.start(experiment, f"w{day}", tags={"model": "gbdt", "window": str(day)})
        with recorder.artifacts() as folder:
            save_table(table({(day, "a"): day, (3, "b"): day}), folder / "pred.parquet")
        recorder.end(status)
    experiments.start(experiment, "another", tags={"model": "linear"})
    collected = RecorderCollector(
        source=ExperimentRuns(experiments, experiment, {"model": "gbdt"}),
        artifacts=["pred", "label"],
        rec_key=lambda run: (run.tags["model"], run.tags["window"]),
    ).collect()
    (joined,) = RollingGroup()(collected.results["pred"]).values()
    assert as_rows(joined) == {(2, "a"): 2, (3, "a"): 3, (3, "b"): 3}
    assert [(missing.key, missing.reason.split(":")[0]) for missing in collected.missing] == [
        (("gbdt", "4"), "its status is FAILED"),
        (("gbdt", "2"), "label"),
        (("gbdt", "3"), "label"),
    ]


def test_collects_over_several_experiments(tmp_path: Path) -> None:
    experiments = ExperimentManager(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts")
    ids = {name: experiments.get_or_create(name) for name in ("gbdt", "linear")}
    for place, (model, window) in enumerate((model, window) for model in ids for window in (2, 3)):
        with experiments.start(ids[model], f"{model} {window}").closing() as recorder:
            recorder.save_object("pred.parquet", table({(window, "a"): place, (window, "b"): -place}))
            recorder.save_object("importance.json", {"F": place})

    def key(run: Any) -> tuple[str, str]:
        model, window = run.name.split()
        return model, window

    together = RecorderCollector(
        source=ExperimentRuns(experiments, tuple(ids.values())),
        artifacts={"pred": "pred", "importance": "importance.json"},
        rec_key=key,
    )()
    assert together.missing == ()
    assert together.results["importance"] == {
        ("gbdt", "2"): {"F": 0},
        ("gbdt", "3"): {"F": 1},
        ("linear", "2"): {"F": 2},
        ("linear", "3"): {"F": 3},
    }
    joined = RollingGroup()(together.results["pred"])
    assert as_rows(joined[("linear",)]) == {(2, "a"): 2, (2, "b"): -2, (3, "a"): 3, (3, "b"): -3}

    each = {
        name: RecorderCollector(
            source=ExperimentRuns(experiments, id_), rec_key=key, process_list=[RollingGroup(), SingleKeyEnsemble()]
        )
        for name, id_ in ids.items()
    }
    merged = MergeCollector(collectors=each, merge_key=lambda name, _: name)()
    assert list(merged.results) == ["gbdt", "linear"]
    pd.testing.assert_frame_equal(merged.results["linear"], joined[("linear",)])
    assert as_rows(AverageEnsemble()(merged.results)).keys() == as_rows(joined[("linear",)]).keys()


# --- Coverage -----------------------------------------------------------------------------------------------------

WEEKDAYS = TradingCalendar.of(
    day for day in np.arange("2020-01-02", "2020-02-01", dtype="datetime64[D]") if np.is_busday(day)
)


def predicted(*days: int) -> pd.DataFrame:
    return table({(day, name): 0 for day in days for name in "ab"})


def test_names_the_days_without_and_with_several_predictions() -> None:
    found = coverage(
        {
            "w1": predicted(2, 3, 6, 7),
            "w3": predicted(13, 14, 16).reset_index(),
            "late": predicted(7, 8, 14)["score"],
        },
        [("2020-01-02", "2020-01-07"), ("2020-01-08", "2020-01-12"), ("2020-01-13", "2020-01-17")],
        WEEKDAYS,
    )
    assert (found.wanted, found.covered, found.is_complete) == (12, 8, False)
    assert found.gaps == ("2020-01-09..2020-01-10", "2020-01-15..2020-01-15", "2020-01-17..2020-01-17")
    assert found.overlaps == ("2020-01-07..2020-01-07", "2020-01-14..2020-01-14")


def test_covered_across_a_weekend_and_to_an_open_end() -> None:
    found = coverage({1: predicted(29, 30, 31)}, [("2020-01-29", None)], WEEKDAYS)
    assert (found.wanted, found.gaps, found.overlaps, found.is_complete) == (3, (), (), True)
    assert coverage({}, [("2020-01-30", None)], WEEKDAYS).gaps == ("2020-01-30..2020-01-31",)


def test_predictions_off_the_calendar_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"prediction w1: 2020-01-04 is not on the calendar, .* 2020-01-02 to 2020-01-31"
    ):
        coverage({"w1": predicted(3, 4)}, [], WEEKDAYS)
    with pytest.raises(InputError, match="prediction w1: no level or column 'datetime'"):
        coverage({"w1": predicted(3).droplevel("datetime")}, [], WEEKDAYS)
