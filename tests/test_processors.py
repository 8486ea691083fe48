"""Processors against Pandas' own arithmetic, which is what Qlib's are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from components.data import TradingCalendar
from components.errors import InputError
from components.features.handlers import read_processors
from components.features.processors import (
    Block,
    CSRankNorm,
    CSZFillna,
    CSZScoreNorm,
    DropnaLabel,
    DropnaProcessor,
    Fillna,
    MinMaxNorm,
    Pipeline,
    ProcessInf,
    Processor,
    RobustZScoreNorm,
    TanhProcess,
    ZScoreNorm,
)

CALENDAR = TradingCalendar(np.arange("2020-01-01", "2020-01-07", dtype="datetime64[D]"))
DAY = np.repeat(np.arange(6, dtype=np.int32), [1, 4, 3, 6, 2, 8])
NAMES = ("A", "LABEL0", "C")
FIT = {"fit_start_time": "2020-01-02", "fit_end_time": "2020-01-04"}
NAN = np.nan

# a few values that repeat, so that ranks are tied and days constant
VALUES = st.one_of(st.sampled_from([0.0, 1.0, -2.5, NAN]), st.floats(-1e3, 1e3, width=32))
TABLES = arrays(np.float32, (len(DAY), len(NAMES)), elements=VALUES)


def run(processor: Processor, values: np.ndarray[Any, Any], **block: Any) -> pd.DataFrame:
    """Run one processor over a copy of a table, laid out backwards to see that places are respected."""
    place = np.arange(len(values))[::-1].copy()
    stored = np.ascontiguousarray(values[place])
    table = Block(group=block.get("group", "feature"), names=NAMES, values=stored, day=DAY, place=place)
    Pipeline(processors=[processor], calendar=CALENDAR, threads=2).run([table], np.arange(len(values)))
    return pd.DataFrame(stored[place], columns=NAMES)


def check(processor: Processor, values: np.ndarray[Any, Any], expected: pd.DataFrame, rtol: float = 2e-5) -> None:
    np.testing.assert_allclose(run(processor, values), expected, rtol=rtol, atol=2e-5)


def by_day(values: np.ndarray[Any, Any], function: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    """What Pandas gives for each day, with columns in one piece as in Qlib's frames: sums depend on the layout."""
    frame = pd.DataFrame(np.asfortranarray(values), columns=NAMES)
    with np.errstate(all="ignore"):
        return frame.groupby(DAY, group_keys=False).apply(function)


def standard(day: pd.DataFrame) -> pd.DataFrame:
    return (day - day.mean()) / day.std()


def robust(day: pd.DataFrame) -> pd.DataFrame:
    centred = day - day.median()
    return (centred / centred.abs().median() / 1.4826).clip(-3, 3)


@pytest.mark.parametrize(
    ("processor", "function"),
    [
        (CSZScoreNorm(), standard),
        (CSZScoreNorm(method="robust"), robust),
        (CSZFillna(), lambda day: day.fillna(day.mean())),
    ],
)
@settings(max_examples=60, deadline=None)
@given(values=TABLES)
def test_a_day_is_that_of_pandas_to_the_last_bit(
    processor: Processor, function: Callable[[pd.DataFrame], pd.DataFrame], values: np.ndarray[Any, Any]
) -> None:
    np.testing.assert_array_equal(run(processor, values), by_day(values, function))


@pytest.mark.parametrize("size", [7, 8, 128, 129, 300, 5000])
@pytest.mark.parametrize("missing", [0, 0.1])
def test_large_days_are_those_of_pandas_to_the_last_bit(size: int, missing: float) -> None:
    random = np.random.default_rng(size)
    values = random.normal(0.01, 0.3, (size, 2)).astype(np.float32)
    values[random.random(values.shape) < missing] = NAN
    frame = pd.DataFrame(np.asfortranarray(values))
    table = Block(group="label", names=("A", "B"), values=values.copy(), day=np.zeros(size, np.int32))
    Pipeline(processors=[CSZScoreNorm()], calendar=CALENDAR).run([table], np.arange(size))
    np.testing.assert_array_equal(table.values, standard(frame))


@settings(deadline=None)
@given(TABLES)
def test_ranks_of_a_day(values: np.ndarray[Any, Any]) -> None:
    ranks = pd.DataFrame(values, columns=NAMES).groupby(DAY).rank(pct=True)
    np.testing.assert_array_equal(run(CSRankNorm(), values), ((ranks - 0.5) * 3.46).astype(np.float32))


@settings(max_examples=40, deadline=None)
@given(TABLES, st.lists(st.tuples(st.integers(0, 23), st.integers(0, 2)), max_size=20))
def test_the_days_mean_for_infinity(values: np.ndarray[Any, Any], places: list[tuple[int, int]]) -> None:
    for number, (row, column) in enumerate(places):
        values[row, column] = np.inf if number % 2 else -np.inf

    def replace(day: pd.DataFrame) -> pd.DataFrame:
        means = {name: column[~np.isinf(column)].mean() for name, column in day.items()}
        return day.mask(np.isinf(day), pd.Series(means, dtype=np.float32), axis=1)

    np.testing.assert_array_equal(run(ProcessInf(), values), by_day(values, replace))


@settings(deadline=None)
@given(TABLES)
def test_scalers_use_the_days_they_are_fitted_on(values: np.ndarray[Any, Any]) -> None:
    values[np.abs(values) < 1e-30] = 0  # centre and scale are float32, which has fewer digits there
    frame = pd.DataFrame(values.astype(np.float64), columns=NAMES)
    fit = frame[(DAY >= 1) & (DAY <= 3)]
    low, high = fit.min(), fit.max()
    constant = low == high
    spread, deviation = (high - low).mask(constant, 1), fit.std(ddof=0).mask(constant, 1)
    check(MinMaxNorm(**FIT), values, (frame - low.mask(constant, 0)) / spread, rtol=1e-3)
    check(ZScoreNorm(**FIT), values, (frame - fit.mean().mask(constant, 0)) / deviation, rtol=1e-3)
    distance = ((fit - fit.median()).abs().median() + 1e-12) * 1.4826
    check(RobustZScoreNorm(**FIT), values, ((frame - fit.median()) / distance).clip(-3, 3), rtol=1e-3)


def test_literal_values() -> None:
    values = np.zeros((len(DAY), 3), dtype=np.float32)
    values[1:5, 0] = [1, 2, 2, 4]  # the second day
    values[0, 1] = NAN
    assert run(CSRankNorm(), values)["A"][1:5].tolist() == pytest.approx([-0.865, 0.4325, 0.4325, 1.73])
    values[8:14, 2] = 0.3  # the fourth day, whose mean is rounded to 0.29999998
    scores = run(CSZScoreNorm(), values)
    # printed by Qlib 0.9.7 with Pandas 3.1.1
    assert scores["A"][1:5].tolist() == [
        -0.9933992028236389,
        -0.1986798495054245,
        -0.1986798495054245,
        1.3907588720321655,
    ]
    assert scores["C"][8:14].tolist() == [np.inf] * 6
    assert run(Fillna(fill_value=7), values)["LABEL0"][0] == 7
    assert run(TanhProcess(), values).iloc[1].tolist() == pytest.approx([0, 0, -0.7615942])  # not the label


def test_only_columns_of_the_group_change() -> None:
    values = np.full((len(DAY), 3), NAN, dtype=np.float32)
    assert run(Fillna(fields_group="feature"), values).notna().all(axis=None)
    assert run(Fillna(fields_group="feature"), values, group="label").isna().all(axis=None)
    assert run(Fillna(fields_group=["label"]), values, group="label").notna().all(axis=None)


def test_rows_with_nan_are_dropped_and_no_longer_counted() -> None:
    values = np.arange(len(DAY) * 3, dtype=np.float32).reshape(-1, 3)
    values[2, 0] = NAN
    features = Block(group="feature", names=NAMES, values=values, day=DAY)
    labels = Block(group="label", names=("LABEL0",), values=values[:, :1].copy(), day=DAY)
    every = np.arange(len(DAY))
    steps = [DropnaProcessor(fields_group="feature"), CSRankNorm(fields_group="label")]
    outcome = Pipeline(processors=steps, calendar=CALENDAR).run([features, labels], every)
    assert outcome.rows.tolist() == [0, 1, *range(3, len(DAY))]
    expected = [(rank / 3 - 0.5) * 3.46 for rank in (1, 2, 3)]  # three are left on the second day
    assert labels.values[[1, 3, 4], 0].tolist() == pytest.approx(expected)
    # the decision can be replayed where the column that decided is not at hand
    replay = Pipeline(processors=steps, calendar=CALENDAR).run([labels], every, outcome.decisions)
    assert replay.rows.tolist() == outcome.rows.tolist()


def test_reading_descriptions() -> None:
    fit = {"fit_start_time": "2020-01-02", "fit_end_time": "2020-01-04"}
    described = [
        "DropnaLabel",
        {
            "class": "ZScoreNorm",
            "module_path": "qlib.data.dataset.processor",
            "kwargs": {"fit_end_time": "1999-01-01"},
        },
        {"class": "Fillna", "kwargs": {"fields_group": ["feature"]}},
    ]
    assert read_processors(described, fit) == (
        DropnaLabel(),
        ZScoreNorm("2020-01-02", "2020-01-04"),
        Fillna(fields_group=("feature",)),
    )


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"class": "ZScoreNrm"}, "no class 'ZScoreNrm'.*did you mean 'ZScoreNorm'"),
        ({"class": "Fillna", "kwargs": {"fill": 0}}, "Fillna: .*'fill'"),
        ({"class": "Fillna", "kwargs": {"fields_group": "features"}}, "not 'features'; did you mean 'feature'"),
        ({"class": "CSZScoreNorm", "kwargs": {"method": "zscor"}}, "did you mean 'zscore'"),
        ({"class": "ZScoreNorm"}, "give the handler fit_start_time and fit_end_time"),
        ({"class": "TradingCalendar", "module_path": "components.data"}, "not a Processor"),
    ],
)
def test_wrong_descriptions(description: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_processors([description], {"fit_start_time": None, "fit_end_time": None})
