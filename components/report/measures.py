"""The tables behind the figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.data.calendar import Days

Floats = npt.NDArray[np.float64]

_DAY = "datetime"


def quantile_returns(prediction: pd.Series[Any], label: pd.Series[Any], groups: int) -> pd.DataFrame:
    """The mean label of each day's names in groups by score, group 1 the best; NaN for a group without a name.

    A day's `n` names with score and label are ranked, equal scores in row order; the name at place `k` from 0 is
    in group ``k * groups // n + 1``.

    Returns:
        Indexed by day, a column for each group.
    """
    both = pd.DataFrame({"score": prediction, "label": label}).dropna()
    scores = both["score"].groupby(level=_DAY)
    place = scores.rank(method="first", ascending=False) - 1
    group = (place * groups // scores.transform("size") + 1).astype(int)
    means = both["label"].groupby([both.index.get_level_values(_DAY), group]).mean().unstack()
    return means.reindex(columns=range(1, groups + 1))


def monthly_means(daily: pd.Series[Any]) -> pd.DataFrame:
    """Means by month: a row for each year, columns 1 to 12, NaN for a month without a value."""
    days = pd.DatetimeIndex(daily.index)
    means = daily.groupby([days.year, days.month]).mean().unstack()
    return means.reindex(columns=range(1, 13))


def span_means(daily: pd.Series[Any], first: Days, last: Days) -> Floats:
    """Means over spans of days, from `first` to `last` inclusive; NaN for a span without a value."""
    known = daily.dropna()
    days = known.index.to_numpy(dtype="datetime64[D]")
    starts, ends = np.searchsorted(days, first), np.searchsorted(days, last, side="right")
    sums = np.concatenate([[0.0], known.to_numpy(np.float64).cumsum()])
    with np.errstate(invalid="ignore"):
        means: Floats = (sums[ends] - sums[starts]) / (ends - starts)
    return means


def growth(backtest: pd.DataFrame) -> pd.DataFrame:
    """What 1 at the start has become at the end of each day: ``account``, ``without_cost``, ``benchmark``."""
    returns = {
        "account": backtest["return"] - backtest["cost"],
        "without_cost": backtest["return"],
        "benchmark": backtest["bench"],
    }
    return (1 + pd.DataFrame(returns)).cumprod()


def excess(backtest: pd.DataFrame) -> pd.DataFrame:
    """Return over the benchmark, summed over the days as in `risk_analysis`: ``with_cost``, ``without_cost``."""
    without = backtest["return"] - backtest["bench"]
    return pd.DataFrame({"with_cost": without - backtest["cost"], "without_cost": without}).cumsum()


def importance_shares(importance: Mapping[str, Mapping[str, float]], most: int) -> pd.DataFrame:
    """Each feature's share of a window's importance; the `most` important on average, these first.

    Args:
        importance: Window -> feature -> importance. Windows without any are left out.
        most: Number of features.

    Returns:
        A row for each feature, a column for each window; 0 where a window does not know a feature.
    """
    table = pd.DataFrame({window: values for window, values in importance.items() if values}, dtype="float64")
    total = table.sum()
    shares = table.loc[:, total > 0].fillna(0.0) / total[total > 0]
    return shares.loc[shares.mean(axis=1).sort_values(ascending=False, kind="stable").index[:most]]


def thinned(length: int, most: int) -> npt.NDArray[np.intp]:
    """Positions of at most `most` of `length` points, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, length - 1, min(length, most)).round().astype(np.intp))
