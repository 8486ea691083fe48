"""The backtest: what the account did, against its benchmark, and what trading cost."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from components.report.figures.information import MEAN_DAYS
from components.report.figures.style import BAD, FIRST, MUTED, SECOND, SHARE, THIRD, area, line, stacked
from components.report.measures import excess, growth

_NUMBER = ".1%"


def equity(backtest: pd.DataFrame) -> go.Figure:
    """Growth of 1 for account and benchmark, and how far each is below its highest point so far."""
    curves = growth(backtest)
    falls = curves / curves.cummax().clip(lower=1.0) - 1
    return stacked(
        [
            line(curves["account"], "account", FIRST, number=".3f"),
            line(curves["without_cost"], "without costs", FIRST, number=".3f", thin=True),
            line(curves["benchmark"], "benchmark", THIRD, number=".3f"),
        ],
        [
            area(falls["benchmark"], "benchmark, drawdown", THIRD, number=_NUMBER),
            area(falls["account"], "account, drawdown", FIRST, number=_NUMBER),
        ],
        height=460,
        yaxis2={"tickformat": SHARE},
    )


def excess_return(backtest: pd.DataFrame) -> go.Figure:
    """Return over the benchmark, summed, and its drawdown with costs."""
    curves = excess(backtest)
    fall = curves["with_cost"] - curves["with_cost"].cummax()
    return stacked(
        [
            line(curves["with_cost"], "after costs", FIRST, number=_NUMBER),
            line(curves["without_cost"], "without costs", FIRST, number=_NUMBER, thin=True),
        ],
        [area(fall, "drawdown after costs", BAD, number=_NUMBER)],
        height=360,
        yaxis={"tickformat": SHARE},
        yaxis2={"tickformat": SHARE},
    )


def turnover(backtest: pd.DataFrame) -> go.Figure:
    """Daily turnover with its moving mean, and costs summed, as shares of the account."""
    daily = backtest["turnover"]
    return stacked(
        [
            line(daily, "turnover", MUTED, number=_NUMBER, thin=True).update(line_dash="solid"),
            line(daily.rolling(MEAN_DAYS).mean(), f"mean of {MEAN_DAYS} days", FIRST, number=_NUMBER),
        ],
        [area(backtest["cost"].cumsum(), "costs so far", SECOND, number=".2%")],
        height=360,
        yaxis={"tickformat": SHARE},
        yaxis2={"tickformat": SHARE},
    )
