"""Running updates to the last bit of Pandas and Qlib, with the rounding errors of days long gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_market import SmallMarket, compute

from components.data import open_market
from components.features.engine import evaluate
from components.features.kernels.correlations import STATE_SIZE as PAIR
from components.features.kernels.correlations import rolling_pairs
from components.features.kernels.deviations import STATE_SIZE as VARIANCE
from components.features.kernels.deviations import rolling_variances
from components.features.parser import parse
from components.features.rows import RowIndex

NAN = np.nan
WINDOWS = np.array([2, 3, 5, 20, 60, 0])
#: Trading collapses and then stands still: what 5329.8 left behind keeps the deviation from becoming 0.
HALT = [5329.8, 3215.1, 31.61, 31.2, 31.2, 31.2, 31.2]
#: The same, but trading goes on.
COLLAPSE = [886.6, 879.9, 2726.5, 0.053, 0.056, 0.054, 0.055]


def variances(series: npt.NDArray[np.float64], offsets: list[int]) -> npt.NDArray[np.float64]:
    result = np.empty((len(WINDOWS), len(series)))
    rolling_variances(series, *bounds(offsets), WINDOWS, states(offsets, VARIANCE), result)
    return result


def bounds(offsets: list[int]) -> tuple[npt.NDArray[np.int64], ...]:
    """Where the series begin and end, and that all of their elements are to be computed."""
    starts, ends = np.array(offsets[:-1]), np.array(offsets[1:])
    return starts, ends, starts, ends - 1


def states(offsets: list[int], size: int) -> npt.NDArray[np.float64]:
    """States of updates that have seen nothing yet."""
    return np.zeros((len(offsets) - 1, len(WINDOWS), size))


def windows_of(series: npt.NDArray[np.float64]) -> list[Any]:
    values = pd.Series(series)
    return [values.rolling(window, min_periods=1) if window else values.expanding(1) for window in WINDOWS.tolist()]


def pandas_variances(series: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.array([window.var().to_numpy() for window in windows_of(series)])


def pairs(
    left: npt.NDArray[np.float64], right: npt.NDArray[np.float64], offsets: list[int]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    result = np.empty((len(WINDOWS), 2, len(left)))
    rolling_pairs(left, right, *bounds(offsets), WINDOWS, states(offsets, PAIR), result)
    return result[:, 0].astype(np.float32), result[:, 1]


def pandas_pairs(
    left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Correlations as Qlib has them: none where a standard deviation is nearly 0."""
    correlations, covariances = [], []
    for one, window in zip(windows_of(left), windows_of(right), strict=True):
        flat = (one.std() <= 2e-5) | (window.std() <= 2e-5)
        correlations.append(one.corr(pd.Series(right)).mask(flat).to_numpy(np.float32))
        covariances.append(one.cov(pd.Series(right)).to_numpy())
    return np.array(correlations), np.array(covariances)


#: Stretches of noise, of one value, or of nothing, of very different sizes.
STRETCHES = st.lists(
    st.tuples(
        st.integers(1, 80), st.sampled_from([1e-8, 1e-3, 1.0, 3.3, 1e7]), st.sampled_from(["noise", "same", "none"])
    ),
    min_size=1,
    max_size=30,
)


def series_of(stretches: list[tuple[int, float, str]], seed: int) -> npt.NDArray[np.float64]:
    random = np.random.default_rng(seed)
    kinds = {
        "noise": lambda days: random.normal(size=days),
        "same": np.ones,
        "none": lambda days: np.full(days, NAN),
    }
    return np.concatenate([kinds[kind](days) * scale for days, scale, kind in stretches])


@settings(max_examples=100, deadline=None)
@given(stretches=STRETCHES, seed=st.integers(0, 1000))
def test_variances_are_those_of_pandas(stretches: list[tuple[int, float, str]], seed: int) -> None:
    series = series_of(stretches, seed)
    np.testing.assert_array_equal(variances(series, [0, len(series)]), pandas_variances(series), strict=True)


@settings(max_examples=100, deadline=None)
@given(left=STRETCHES, right=STRETCHES, seed=st.integers(0, 1000))
def test_pairs_are_those_of_pandas(
    left: list[tuple[int, float, str]], right: list[tuple[int, float, str]], seed: int
) -> None:
    one, other = series_of(left, seed), series_of(right, seed + 1)
    size = min(len(one), len(other))
    ours, theirs = pairs(one[:size], other[:size], [0, size]), pandas_pairs(one[:size], other[:size])
    for mine, expected in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine, expected, strict=True)


@pytest.mark.shared
def test_variances_of_real_volumes_are_those_of_pandas(shared: Path) -> None:
    market = open_market(f"qlib:{shared / 'data' / 'cn_csi300'}")
    volumes = market.panel("volume", market.instruments)
    series = [
        volume[first : last + 1].astype(np.float64)
        for volume, first, last in zip(volumes, *market.data_range(market.instruments), strict=True)
    ]
    offsets = np.cumsum([0, *map(len, series)]).tolist()
    expected = np.concatenate([pandas_variances(one) for one in series], axis=1)
    np.testing.assert_array_equal(variances(np.concatenate(series), offsets), expected)


@pytest.mark.shared
def test_correlations_of_real_prices_and_volumes_are_those_of_pandas(shared: Path) -> None:
    market = open_market(f"qlib:{shared / 'data' / 'cn_csi300'}")
    codes = market.instruments[::20]
    closes, volumes = (market.panel(field, codes) for field in ("close", "volume"))
    bounds = [slice(first, last + 1) for first, last in zip(*market.data_range(codes), strict=True)]
    left = [close[days].astype(np.float64) for close, days in zip(closes, bounds, strict=True)]
    right = [np.log(volume[days] + 1).astype(np.float64) for volume, days in zip(volumes, bounds, strict=True)]
    offsets = np.cumsum([0, *map(len, left)]).tolist()
    ours = pairs(np.concatenate(left), np.concatenate(right), offsets)
    theirs = [pandas_pairs(one, other) for one, other in zip(left, right, strict=True)]
    for mine, expected in zip(ours, zip(*theirs, strict=True), strict=True):
        np.testing.assert_array_equal(mine, np.concatenate(expected, axis=1))


def test_a_halt_after_large_values_is_qlibs() -> None:
    # printed by Qlib 0.9.7 and Pandas 3.1.1
    deviations = [NAN, 1495.3185030150023, 2667.001413852094, 1838.1072326846815, 0.23671353099301987]
    assert compute("Std($x, 3)", x=HALT).tolist()[1:] == [
        np.float32(value) for value in (*deviations[1:], 6.426029295300881e-05, 6.426029295300881e-05)
    ]
    rsquares = [1.0, 0.9866168809110247, 0.7500965796259619, 0.7499999806197956, 0, 0]
    assert compute("Rsquare($x, 3)", x=HALT).tolist()[1:] == [np.float32(value) for value in rsquares]


def test_a_correlation_after_large_values_is_qlibs() -> None:
    # printed by Qlib 0.9.7 and Pandas 3.1.1; that of the last three days alone is 0.9958705
    assert compute("Corr($x, $y, 3)", x=COLLAPSE, y=[1, 6, 5, 3, 7, 4, 4])[5] == np.float32(0.9956565534358317)


def test_a_deviation_that_rounding_made_small_is_that_of_a_constant() -> None:
    rsquares = compute("Rsquare($x, 3)", x=[0.1, 0.7, 0.3, 0.3, 0.3, NAN, 0.3, 0.4])
    np.testing.assert_allclose(rsquares, [NAN, 1, 0.107142874, 0.75, NAN, NAN, NAN, 1], rtol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "Std($x, 3)",
        "Std($x, 3)/Mean($x, 2)",
        "Rsquare($x, 3)",
        "Corr($x, $y, 3)",
        "Cov($x, $x, 3)",
        "Slope($z, 3)",
        "Resi($z, 3)",
        "EMA($x, 3)",
    ],
)
def test_a_value_does_not_depend_on_the_rows_asked_for(text: str) -> None:
    bars = {"x": COLLAPSE, "y": [1, 6, 5, 3, 7, 4, 4], "z": [8e7, 9e7, 3e8, *COLLAPSE[3:]]}
    # what rounding left of the first days tells
    assert compute(text, **bars)[-1] != compute(text, **{name: values[-4:] for name, values in bars.items()})[-1]
    market = SmallMarket({"A": (0, bars), "B": (2, {name: values[:5] for name, values in bars.items()})})
    rows = RowIndex.of(market, market.membership("all"), 0, 6)
    expressions = [parse(text), parse("Mean($x, 2)"), parse(text)]
    whole, last = np.empty((len(rows), 3), np.float32), np.empty((2, 3), np.float32)
    evaluate(expressions, market, rows, whole, start=0)
    evaluate(expressions, market, rows.take(np.arange(len(rows) - 2, len(rows))), last, start=0)
    np.testing.assert_array_equal(last, whole[-2:])
    np.testing.assert_array_equal(last[:, 0], last[:, 2])
