"""Figures that sum up a backtest."""

from __future__ import annotations

import numpy as np
import pandas as pd

from components.errors import InputError, nearest

#: Periods in a year, as Qlib counts them here (its signal analysis has 252 days).
_PERIODS = {"day": 238, "week": 50, "month": 12}
#: What days are weighted by in means of the trade indicators, by method.
_WEIGHTS = {"mean": "count", "amount_weighted": "deal_amount", "value_weighted": "value"}


def risk_analysis(returns: pd.Series, N: float | None = None, freq: str = "day") -> pd.DataFrame:
    """Risk and return of a series of returns, summed and not compounded.

    The definitions are those of Qlib's ``risk_analysis`` in mode ``sum``: the annualised return is the mean times
    the periods in a year, the information ratio mean / std times their root, the drawdown the deepest fall of the
    cumulated sum below its highest point so far (the start does not count as one).

    Args:
        returns: Fractions, one per period.
        N: Periods in a year; None: by `freq`.
        freq: ``day``, ``week`` or ``month``, also written ``1day``.

    Returns:
        Column ``risk``; rows ``mean``, ``std``, ``annualized_return``, ``information_ratio``, ``max_drawdown``.

    Raises:
        InputError: for another `freq`.
    """
    if N is None:
        period = freq.removeprefix("1")
        if period not in _PERIODS:
            raise InputError(f"risk_analysis: freq must be one of {', '.join(_PERIODS)}, not {freq!r}")
        N = _PERIODS[period]
    mean, std = returns.mean(), returns.std(ddof=1)
    curve = returns.cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):  # returns that never vary have no ratio
        information_ratio = mean / std * np.sqrt(N)
    return pd.Series(
        {
            "mean": mean,
            "std": std,
            "annualized_return": mean * N,
            "information_ratio": information_ratio,
            "max_drawdown": (curve - curve.cummax()).min(),
        }
    ).to_frame("risk")


def check_method(method: str) -> str:
    """The method of `indicator_analysis`, if it is one.

    Raises:
        InputError: for an unknown one.
    """
    if not isinstance(method, str) or method not in _WEIGHTS:
        raise InputError(
            f"indicator_analysis_method: unknown method {method!r:.60}{nearest(str(method), _WEIGHTS)}"
        )
    return method


def indicator_analysis(indicators: pd.DataFrame, method: str = "mean") -> pd.DataFrame:
    """Means of the daily trade indicators over all days, weighted.

    Args:
        indicators: Columns ``ffr``, ``pa``, ``pos``, ``deal_amount``, ``value``, ``count``.
        method: The weight of a day for ``ffr`` and ``pa``: ``mean`` (its orders), ``amount_weighted`` or
            ``value_weighted``. For ``pos`` it is always the orders.

    Returns:
        Column ``value``; rows ``ffr``, ``pa``, ``pos``.

    Raises:
        InputError: for an unknown method.
    """
    weights = _WEIGHTS[check_method(method)]
    weight = {"ffr": weights, "pa": weights, "pos": "count"}
    return pd.Series(
        {name: (indicators[name] * indicators[by]).sum() / indicators[by].sum() for name, by in weight.items()}
    ).to_frame("value")
