"""What a backtest gives: a report by day, the holdings, and figures that sum them up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from components.backtest.account import DayEnd
from components.backtest.analysis import risk_analysis
from components.backtest.quotes import Floats
from components.data.calendar import Days


@dataclass(frozen=True, eq=False, kw_only=True)
class BacktestResult:
    """Frames with Qlib's names; money in the currency of the prices, returns as fractions."""

    #: Indexed by datetime, values at the end of the day: ``account`` (cash + value), ``return`` (before costs),
    #: ``total_turnover``, ``turnover``, ``total_cost``, ``cost`` (both of the day, as a share of the account of the
    #: day before), ``value`` (of the holdings), ``cash``, ``bench`` (return of the benchmark).
    report: pd.DataFrame
    #: One row per day and name held: ``datetime``, ``instrument``, ``amount`` (adjusted shares), ``price`` (last
    #: known close, adjusted), ``weight`` (share of the account), ``count_day`` (days held, 1 on the first).
    positions: pd.DataFrame
    #: `risk_analysis` of the excess return over the benchmark: column ``risk``, rows
    #: (``excess_return_without_cost`` | ``excess_return_with_cost``, figure).
    analysis: pd.DataFrame
    #: Indexed by datetime: ``ffr`` (mean share of an order that was dealt), ``pa`` (price advantage) and ``pos``
    #: (share of orders with one), both 0 as orders deal at the base price, ``deal_amount``, ``value``, ``count``.
    indicators: pd.DataFrame

    @classmethod
    def of(
        cls,
        day_ends: Sequence[DayEnd],
        *,
        days: Days,
        instruments: Sequence[str],
        account: float,
        benchmark: Floats,
    ) -> Self:
        """Frames from the account at the end of each day, which began with `account` in cash."""
        index = pd.DatetimeIndex(days.astype("datetime64[ns]"), name="datetime")
        report = _report(day_ends, index, account, benchmark)
        excess = report["return"] - report["bench"]
        return cls(
            report=report,
            positions=_positions(day_ends, report["account"], instruments),
            analysis=pd.concat(
                {
                    "excess_return_without_cost": risk_analysis(excess),
                    "excess_return_with_cost": risk_analysis(excess - report["cost"]),
                }
            ),
            indicators=_indicators(day_ends, index),
        )


def _report(day_ends: Sequence[DayEnd], index: pd.DatetimeIndex, start: float, benchmark: Floats) -> pd.DataFrame:
    cash = np.array([day.cash for day in day_ends])
    value = np.array([day.amount @ day.price for day in day_ends])
    turnover = np.array([sum(deal.value for deal in day.deals) for day in day_ends], dtype=np.float64)
    cost = np.array([sum(deal.cost for deal in day.deals) for day in day_ends], dtype=np.float64)
    account = cash + value
    before = np.concatenate([[start], account[:-1]])
    return pd.DataFrame(
        {
            "account": account,
            "return": (account - before + cost) / before,
            "total_turnover": turnover.cumsum(),
            "turnover": turnover / before,
            "total_cost": cost.cumsum(),
            "cost": cost / before,
            "value": value,
            "cash": cash,
            "bench": benchmark,
        },
        index=index,
    )


def _positions(day_ends: Sequence[DayEnd], account: pd.Series, instruments: Sequence[str]) -> pd.DataFrame:
    held = [len(day.places) for day in day_ends]
    amount = np.concatenate([day.amount for day in day_ends])
    price = np.concatenate([day.price for day in day_ends])
    places = np.concatenate([day.places for day in day_ends])
    return pd.DataFrame(
        {
            "datetime": account.index.repeat(held),
            "instrument": np.array(instruments)[places],
            "amount": amount,
            "price": price,
            "weight": amount * price / np.repeat(account.to_numpy(), held),
            "count_day": np.concatenate([day.days_held for day in day_ends]),
        }
    )


def _indicators(day_ends: Sequence[DayEnd], index: pd.DatetimeIndex) -> pd.DataFrame:
    """A day without an order has no rates: they are NaN."""
    rows = []
    for day in day_ends:
        known = 0.0 if day.deals else np.nan
        rows.append(
            {
                "ffr": np.mean([deal.amount / deal.ordered for deal in day.deals]) if day.deals else np.nan,
                "pa": known,
                "pos": known,
                "deal_amount": sum(deal.amount for deal in day.deals),
                "value": sum(deal.value for deal in day.deals),
                "count": len(day.deals),
            }
        )
    return pd.DataFrame(rows, index=index)
