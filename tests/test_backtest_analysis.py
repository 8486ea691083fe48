"""Figures that sum up a backtest, by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from components.backtest import indicator_analysis, risk_analysis
from components.errors import InputError

NAN = float("nan")


def test_risk_analysis() -> None:
    figures = risk_analysis(pd.Series([0.01, -0.03, 0.02, 0.04]))["risk"].to_dict()
    assert figures == pytest.approx(
        {
            "mean": 0.01,
            "std": 0.029439202887759489,
            "annualized_return": 2.38,
            "information_ratio": 0.01 / 0.029439202887759489 * 238**0.5,
            "max_drawdown": -0.03,
        }
    )
    assert risk_analysis(pd.Series([0.01, 0.03]), N=252)["risk"]["annualized_return"] == pytest.approx(5.04)
    assert risk_analysis(pd.Series([0.01, 0.03]), freq="week")["risk"]["annualized_return"] == pytest.approx(1)
    with pytest.raises(InputError, match="freq must be one of day, week, month"):
        risk_analysis(pd.Series([0.0]), freq="hour")


def test_indicator_analysis() -> None:
    days = pd.DataFrame(
        {
            "ffr": [1, 0.5, NAN],
            "pa": [0, 0, NAN],
            "pos": [0, 0, NAN],
            "deal_amount": [1, 3, 0],
            "value": [9, 1, 0],
            "count": [1, 1, 0],
        }
    )
    rates = {
        method: indicator_analysis(days, method)["value"]["ffr"]
        for method in ("mean", "amount_weighted", "value_weighted")
    }
    assert rates == {"mean": 0.75, "amount_weighted": 0.625, "value_weighted": 0.95}
    with pytest.raises(InputError, match="did you mean 'value_weighted'"):
        indicator_analysis(days, "value_weigthed")
