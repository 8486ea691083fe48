"""Every operator against literal values, Pandas and least squares."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_market import Series, compute

NAN, INF = np.nan, np.inf
X = [1, 2, NAN, 4, 3]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$x + 1", [2, 3, NAN, 5, 4]),
        ("2*$x - $x/2", [1.5, 3, NAN, 6, 4.5]),
        ("1/($x - 2)", [-1, INF, NAN, 0.5, 1]),
        ("-$x", [-1, -2, NAN, -4, -3]),
        ("$x**2", [1, 4, NAN, 16, 9]),
        ("$x > 2", [0, 0, 0, 1, 1]),
        ("$x != $x", [0, 0, 1, 0, 0]),
        ("Not($x <= 2)", [0, 0, 1, 1, 1]),
        ("($x > 1) & ($x < 4)", [0, 1, 0, 0, 1]),
        ("($x == 1) | ($x >= 4)", [1, 0, 0, 1, 0]),
        ("If($x > 2, $x, 0)", [0, 0, 0, 4, 3]),
        ("Greater($x, 2)", [2, 2, NAN, 4, 3]),
        ("Less($x, 2)", [1, 2, NAN, 2, 2]),
        ("Sign($x - 2)", [-1, 0, NAN, 1, 1]),
        ("Sign($x > 2)", [0, 0, 0, 1, 1]),
        ("($x > 2) - ($x < 2)", [-1, 0, 0, 1, 1]),
        ("Log(($x > 2)*2)", [-INF, -INF, -INF, np.log(2), np.log(2)]),
        ("Abs($x - 3)", [2, 1, NAN, 1, 0]),
        ("Log($x - 1)", [-INF, 0, NAN, np.log(3), np.log(2)]),
        ("Ref($x, 1)", [NAN, 1, 2, NAN, 4]),
        ("Ref($x, -2)", [NAN, 4, 3, NAN, NAN]),
        ("Ref($x, 9)", [NAN] * 5),
        ("Ref($x, -9)", [NAN] * 5),
        ("Ref($x, 0)", [1] * 5),
        ("Delta($x, 1)", [NAN, 1, NAN, NAN, -1]),
        ("Delta($x, 0)", [0, 1, NAN, 3, 2]),
        ("Sum($x, 2)", [1, 3, 2, 4, 7]),
        ("Sum($x, 0)", [1, 3, 3, 7, 10]),
        ("Mean($x, 3)", [1, 1.5, 1.5, 3, 3.5]),
        ("Mean($x > 1, 2)", [0, 0.5, 0.5, 0.5, 1]),
        ("Count($x, 3)", [1, 2, 2, 2, 2]),
        ("Count($x, 1)", [1, 1, 0, 1, 1]),
        ("Max($x, 2)", [1, 2, 2, 4, 4]),
        ("Min($x, 2)", [1, 1, 2, 4, 3]),
        ("IdxMax($x, 2)", [1, 2, 2, 1, 1]),
        ("IdxMin($x, 3)", [1, 1, 3, 2, 1]),
        ("Rank($x, 3)", [1, 1, NAN, 1, 0.5]),
        ("Med($x, 3)", [1, 1.5, 1.5, 3, 3.5]),
        ("Quantile($x, 5, 0.25)", [1, 1.25, 1.25, 1.5, 1.75]),
        ("Var($x, 3)", [NAN, 0.5, 0.5, 2, 0.5]),
        ("Std($x, 3)", [NAN, 0.5**0.5, 0.5**0.5, 2**0.5, 0.5**0.5]),
        ("Slope($x, 4)", [NAN, 1, 1, 1, 3 / 7]),
        ("Resi($x, 2)", [NAN, 0, NAN, NAN, 0]),
        ("Mad($x, 3)", [0, 0.5, 0.5, 1, 0.5]),
        ("WMA($x, 2)", [1, 5 / 6, 2 / 3, 8 / 3, 5 / 3]),
        ("EMA($x, 3)", [1, 2.5 / 1.5, 2.5 / 1.5, 4.625 / 1.375, 5.3125 / 1.6875]),
    ],
)
def test_operators_on_a_short_series(text: str, expected: Series) -> None:
    np.testing.assert_allclose(compute(text, x=X), expected, rtol=1e-6)


REFERENCES: dict[str, Callable[[pd.Series], pd.Series]] = {
    "Mean($x, 3)": lambda x: x.rolling(3, min_periods=1).mean(),
    "Sum($x, 7)": lambda x: x.rolling(7, min_periods=1).sum(),
    "Std($x, 5)": lambda x: x.rolling(5, min_periods=1).std(),
    "Var($x, 0)": lambda x: x.expanding(min_periods=1).var(),
    "Max($x, 4)": lambda x: x.rolling(4, min_periods=1).max(),
    "Min($x, 6)": lambda x: x.rolling(6, min_periods=1).min(),
    "Min($x, 0)": lambda x: x.expanding(min_periods=1).min(),
    "IdxMax($x, 5)": lambda x: x.rolling(5, min_periods=1).apply(lambda w: w.argmax() + 1, raw=True),
    "IdxMin($x, 6)": lambda x: x.rolling(6, min_periods=1).apply(lambda w: w.argmin() + 1, raw=True),
    "IdxMin($x, 0)": lambda x: x.expanding(min_periods=1).apply(lambda w: w.argmin() + 1, raw=True),
    "Med($x, 6)": lambda x: x.rolling(6, min_periods=1).median(),
    "Quantile($x, 5, 0.8)": lambda x: x.rolling(5, min_periods=1).quantile(0.8),
    "Quantile($x, 0, 0.3)": lambda x: x.expanding(min_periods=1).quantile(0.3),
    "Rank($x, 4)": lambda x: x.rolling(4, min_periods=1).rank(pct=True),
    "Rank($x, 0)": lambda x: x.expanding(min_periods=1).rank(pct=True),
    "Count($x, 3)": lambda x: x.rolling(3, min_periods=0).count(),
    "Skew($x, 5)": lambda x: x.rolling(5, min_periods=1).apply(lambda w: pd.Series(w).skew(), raw=True),
    "Kurt($x, 6)": lambda x: x.rolling(6, min_periods=1).apply(lambda w: pd.Series(w).kurt(), raw=True),
    "Mad($x, 4)": lambda x: x.rolling(4, min_periods=1).apply(
        lambda w: np.nanmean(abs(w - np.nanmean(w))), raw=True
    ),
    "WMA($x, 4)": lambda x: x.rolling(4, min_periods=1).apply(
        lambda w: np.nanmean(w * np.arange(1, len(w) + 1) / np.arange(1, len(w) + 1).sum()), raw=True
    ),
    "EMA($x, 4)": lambda x: x.ewm(span=4, min_periods=1).mean(),
    "EMA($x, 0.3)": lambda x: x.ewm(alpha=0.3, min_periods=1).mean(),
}
PAIR_REFERENCES: dict[str, Callable[[pd.Series, pd.Series], pd.Series]] = {
    "Cov($x, $y, 5)": lambda x, y: x.rolling(5, min_periods=1).cov(y),
    "Cov($x, $y, 0)": lambda x, y: x.expanding(min_periods=1).cov(y),
    "Corr($x, $y, 6)": lambda x, y: (
        x.rolling(6, min_periods=1)
        .corr(y)
        .where((x.rolling(6, min_periods=1).std() > 2e-5) & (y.rolling(6, min_periods=1).std() > 2e-5))
    ),
}
#: Small whole numbers: exact in float32, with many ties and constant windows.
VALUES = st.lists(st.one_of(st.just(NAN), st.integers(-4, 4)), min_size=1, max_size=40)


@pytest.mark.parametrize("text", REFERENCES)
@settings(max_examples=25, deadline=None)
@given(values=VALUES)
def test_operators_agree_with_pandas(text: str, values: list[float]) -> None:
    with np.errstate(all="ignore"):
        expected = REFERENCES[text](pd.Series(values, dtype=float)).to_numpy()
    np.testing.assert_allclose(compute(text, threads=1, x=values), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("text", PAIR_REFERENCES)
@settings(max_examples=50, deadline=None)
@given(pairs=st.lists(st.tuples(*[st.one_of(st.just(NAN), st.integers(-4, 4))] * 2), min_size=1, max_size=40))
def test_pairs_agree_with_pandas(text: str, pairs: list[tuple[float, float]]) -> None:
    x, y = (list(values) for values in zip(*pairs, strict=True))
    left, right = pd.Series(x, dtype=float), pd.Series(y, dtype=float)
    result, expected = compute(text, threads=1, x=x, y=y), PAIR_REFERENCES[text](left, right).to_numpy()
    np.testing.assert_array_equal(result, expected.astype(np.float32))


@settings(max_examples=50, deadline=None)
@given(values=VALUES, window=st.sampled_from([0, 3, 5, 8]))
def test_trends_agree_with_least_squares(values: list[float], window: int) -> None:
    results = [compute(f"{name}($x, {window})", threads=1, x=values) for name in ("Slope", "Rsquare", "Resi")]
    for day in range(len(values)):
        part = np.array(values[max(0, day + 1 - window) if window else 0 : day + 1], dtype=float)
        seen = np.flatnonzero(~np.isnan(part))
        slope = rsquare = residual = NAN
        if len(seen) > 1:
            slope, level = np.polyfit(seen, part[seen], 1)
            residual = part[-1] - (level + slope * (len(part) - 1))
            rsquare = np.corrcoef(seen, part[seen])[0, 1] ** 2 if part[seen].std() else NAN
        found = [result[day] for result in results]
        np.testing.assert_allclose(found, [slope, rsquare, residual], rtol=1e-5, atol=1e-5)
