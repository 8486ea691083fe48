"""Rules of the backtest on markets small enough to do by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from components.backtest import BacktestResult, TopkDropoutStrategy, backtest
from components.data import Market, open_market

DAYS = ["2020-01-06", "2020-01-07", "2020-01-08", "2020-01-09", "2020-01-10"]
NAN = float("nan")
ONE = TopkDropoutStrategy(topk=1, n_drop=1)
FREE: dict[str, Any] = {"open_cost": 0, "close_cost": 0, "min_cost": 0, "trade_unit": None}


def market(folder: Path, close: dict[str, list[float]], **fields: dict[str, list[float]]) -> Market:
    """Closes by instrument; the index SH000300 stands at 100, and fields are 1 where nothing is said."""
    close = {"SH000300": [100.0] * len(DAYS), **close}
    ones = [1.0] * len(DAYS)
    frames = [
        pd.DataFrame(
            {
                "date": DAYS,
                "instrument": name,
                "close": values,
                **{field: given.get(name, ones) for field, given in {"factor": {}, **fields}.items()},
            }
        )
        for name, values in close.items()
    ]
    pd.concat(frames).to_csv(folder / "bars.csv", index=False)
    return open_market(f"csv:{folder / 'bars.csv'}")


def scores(**names: list[float]) -> pd.Series:
    """Scores by instrument, from the first day on."""
    frame = pd.DataFrame(names, index=pd.DatetimeIndex(DAYS[: len(next(iter(names.values())))], name="datetime"))
    return frame.rename_axis(columns="instrument").stack().rename("score")  # type: ignore[return-value]


def held(result: BacktestResult) -> list[str]:
    """What is held each day, names joined."""
    names = result.positions.groupby("datetime")["instrument"].agg("".join)
    return [str(names.get(day, "")) for day in result.report.index]


def test_a_purchase_in_lots_with_costs(tmp_path: Path) -> None:
    prices = market(tmp_path, {"A": [10, 10, 11, 11, 11], "B": [5.0] * 5}, factor={"A": [0.5] * 5})
    result = backtest(scores(A=[1, 1], B=[0, 0]), prices, strategy=ONE, account=10_000)
    # 95% of the cash are 950 adjusted or 475 real shares; 400 are bought: 800 adjusted ones, for 8,000 + 12
    assert result.report.index.equals(pd.DatetimeIndex(DAYS[:3], name="datetime"))
    assert result.report["cash"].tolist() == [10_000, 1_988, 1_988]
    assert result.report["value"].tolist() == [0, 8_000, 8_800]
    assert result.report["account"].tolist() == [10_000, 9_988, 10_788]
    assert result.report["total_turnover"].tolist() == [0, 8_000, 8_000]
    assert result.report["turnover"].tolist() == [0, 0.8, 0]
    assert result.report["total_cost"].tolist() == [0, 12, 12]
    assert result.report["cost"].tolist() == [0, 0.0012, 0]
    assert result.report["return"].tolist() == [0, 0, 800 / 9_988]
    assert result.positions.to_dict("list") == {
        "datetime": [pd.Timestamp(day) for day in DAYS[1:3]],
        "instrument": ["A", "A"],
        "amount": [800, 800],
        "price": [10, 11],
        "weight": [8_000 / 9_988, 8_800 / 10_788],
        "count_day": [1, 2],
    }


def test_the_least_cost_and_a_sale_before_the_purchase_it_pays_for(tmp_path: Path) -> None:
    prices = market(tmp_path, {"A": [10.0] * 5, "B": [20.0] * 5})
    result = backtest(scores(A=[1, 0], B=[0, 1]), prices, strategy=ONE, account=1_200)
    # A: 100 shares for 1,000 + 5; sold for 1,000 - 5; then 1,190 * 0.95 buys no lot of B
    assert result.report["cash"].tolist() == [1_200, 195, 1_190]
    assert held(result) == ["", "A", ""]


@pytest.mark.parametrize(("cash", "amount", "left"), [(1_006, 100, 1), (1_003, 0, 1_003), (1_004, 100, -1)])
def test_cash_pays_for_costs_too(tmp_path: Path, cash: float, amount: float, left: float) -> None:
    all_of_it = TopkDropoutStrategy(topk=1, n_drop=1, risk_degree=1)
    result = backtest(scores(A=[1]), market(tmp_path, {"A": [10.0] * 5}), strategy=all_of_it, account=cash)
    # 1,004 pay for 99.9 shares, which Qlib's rounding takes for a lot
    assert result.positions["amount"].sum() == amount
    assert result.report["cash"].iloc[-1] == left
    assert result.indicators["ffr"].iloc[-1] == (1 if amount else 0)


def test_a_suspended_name_keeps_its_last_price_and_is_not_sold(tmp_path: Path) -> None:
    prices = market(tmp_path, {"A": [10, 10, NAN, 12, 12], "B": [5.0] * 5})
    result = backtest(scores(A=[1, 0, 0, 0], B=[0, 1, 1, 1]), prices, strategy=ONE, exchange_kwargs=FREE)
    # on the third day B is bought with the cash that is left although A cannot be sold, as in Qlib
    assert held(result) == ["", "A", "AB", "B", "B"]
    assert result.positions.query("instrument == 'A'")["price"].tolist() == [10, 10]


@pytest.mark.parametrize(
    ("limit", "held_days"),
    [
        (None, ["", "A", "B", "B", "B"]),
        (0.095, ["", "A", "A", "B", "B"]),
        (["$close/Ref($close,1)-1>=0.095", "$close/Ref($close,1)-1<=-0.095"], ["", "A", "A", "B", "B"]),
        (0.105, ["", "A", "B", "B", "B"]),
    ],
)
def test_a_name_at_a_limit_is_not_traded(tmp_path: Path, limit: object, held_days: list[str]) -> None:
    prices = market(tmp_path, {"A": [10, 10, 9, 9, 9], "B": [5, 5, 5.5, 5.5, 5.5]})
    kwargs = {**FREE, "limit_threshold": limit}
    result = backtest(scores(A=[1, 0, 0, 0], B=[0, 1, 1, 1]), prices, strategy=ONE, exchange_kwargs=kwargs)
    assert held(result) == held_days


@pytest.mark.parametrize(("forbid_all", "third"), [(True, "A"), (False, "B")])
def test_selling_at_the_upper_limit(tmp_path: Path, forbid_all: bool, third: str) -> None:
    prices = market(tmp_path, {"A": [10, 10, 11, 11, 11], "B": [5.0] * 5})
    strategy = TopkDropoutStrategy(topk=1, n_drop=1, forbid_all_trade_at_limit=forbid_all)
    kwargs = {**FREE, "limit_threshold": 0.095}
    result = backtest(scores(A=[1, 0], B=[0, 1]), prices, strategy=strategy, exchange_kwargs=kwargs)
    assert held(result)[2].replace("AB", "A") == third


def test_a_limit_is_measured_from_the_last_close_before_a_suspension(tmp_path: Path) -> None:
    prices = market(tmp_path, {"A": [10, NAN, 11, 11, 11]})
    kwargs = {**FREE, "limit_threshold": 0.095}
    result = backtest(scores(A=[1, 1, 1]), prices, strategy=ONE, exchange_kwargs=kwargs)
    assert held(result) == ["", "", "", "A"]


def test_deal_prices_and_their_fallback_to_the_close(tmp_path: Path) -> None:
    prices = market(tmp_path, {"A": [10.0] * 5, "B": [10.0] * 5}, open={"A": [8] * 5, "B": [NAN, NAN, 0, 8, 8]})
    kwargs = {**FREE, "deal_price": ["open", "($open+$close)/2"]}
    result = backtest(scores(A=[1, 0], B=[0, 1]), prices, strategy=ONE, account=800, exchange_kwargs=kwargs)
    # A: 95 shares at 8, sold at 9; B: 895 * 0.95 at the close, 10
    assert result.positions["amount"].tolist() == pytest.approx([95, 85.025])


def test_without_a_factor_nothing_is_rounded(tmp_path: Path) -> None:
    prices = market(tmp_path, {"A": [30.0] * 5}, factor={"A": [NAN] * 5})
    assert backtest(scores(A=[1]), prices, strategy=ONE, account=1_000).positions["amount"].item() == 950 / 30


def test_hold_threshold_keeps_a_name(tmp_path: Path) -> None:
    prices = market(tmp_path, {"A": [10.0] * 5, "B": [10.0] * 5})
    strategy = TopkDropoutStrategy(topk=1, n_drop=1, hold_thresh=2, risk_degree=1)
    result = backtest(scores(A=[1, 0, 0], B=[0, 1, 1]), prices, strategy=strategy, exchange_kwargs=FREE)
    assert held(result) == ["", "A", "A", "B"]


@pytest.mark.parametrize(("benchmark", "second"), [("SH000300", 0.0), ("A", 0.1), (["A", "B"], 0.3), (None, 0.0)])
def test_the_benchmark(tmp_path: Path, benchmark: Any, second: float) -> None:
    prices = market(tmp_path, {"A": [10, 11, 11, 11, 11], "B": [10, 15, 15, 15, 15]})
    result = backtest(scores(A=[1]), prices, strategy=ONE, benchmark=benchmark)
    assert result.report["bench"].tolist() == pytest.approx([0, second])
