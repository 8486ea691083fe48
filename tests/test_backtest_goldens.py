"""The backtest against what Qlib 0.9.7 computes from the same signal and the same bars."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.backtest import BacktestResult, TopkDropoutStrategy, backtest, indicator_analysis, risk_analysis
from components.data import Market, open_market

pytestmark = pytest.mark.shared

COSTS: dict[str, Any] = {"freq": "day", "open_cost": 0.0005, "close_cost": 0.0015, "min_cost": 5}
MONEY = ["account", "value", "cash", "total_turnover", "total_cost"]
RATES = ["return", "turnover", "cost", "bench"]


@pytest.fixture(scope="module")
def market(shared: Path) -> Market:
    return open_market(f"qlib:{shared / 'data' / 'cn_csi300'}")


@pytest.fixture(scope="module")
def signal(shared: Path) -> pd.Series:
    table = pd.read_parquet(shared / "goldens" / "signal.parquet")
    return table.set_index(["datetime", "instrument"])["score"]


def expressions(limit: float) -> list[str]:
    return [f"$close/Ref($close,1)-1>={limit}", f"$close/Ref($close,1)-1<=-{limit}"]


def run(signal: pd.Series, market: Market, account: float = 1e8, **options: dict[str, Any]) -> BacktestResult:
    return backtest(
        signal,
        market,
        strategy=TopkDropoutStrategy(**options["strategy"]),
        start_time="2017-01-01",
        end_time="2018-12-31",
        account=account,
        exchange_kwargs={**COSTS, **options["exchange"]},
    )


@pytest.mark.parametrize("limit", [0.095, expressions(0.095), None], ids=["number", "expressions", "none"])
@pytest.mark.parametrize(
    ("name", "topk", "n_drop", "price"), [("backtest", 50, 5, "close"), ("backtest2", 30, 2, "open")]
)
def test_goldens(
    shared: Path, signal: pd.Series, market: Market, name: str, topk: int, n_drop: int, price: str, limit: object
) -> None:
    stem = shared / "goldens" / (name if limit is None else f"{name}_limit")
    exchange = {"deal_price": price, "limit_threshold": limit}
    result = run(signal, market, strategy={"topk": topk, "n_drop": n_drop}, exchange=exchange)

    report = pd.read_parquet(f"{stem}_report.parquet").set_index("datetime")
    assert list(result.report.columns) == list(report.columns)
    assert (result.report.index == report.index).all()
    np.testing.assert_allclose(result.report[MONEY], report[MONEY], rtol=1e-6)
    # the first purchase earns nothing: a return of 1e-17 there, and no relative difference
    np.testing.assert_allclose(result.report[RATES], report[RATES], rtol=1e-6, atol=1e-12)

    positions = pd.read_parquet(f"{stem}_positions.parquet").sort_values(
        ["datetime", "instrument"], ignore_index=True
    )
    assert list(result.positions.columns) == list(positions.columns)
    keys, values = ["datetime", "instrument"], ["amount", "price", "weight", "count_day"]
    assert (result.positions[keys] == positions[keys]).all(axis=None)
    np.testing.assert_allclose(result.positions[values], positions[values], rtol=1e-6)

    analysis = json.loads(Path(f"{stem}_analysis.json").read_text())
    for part in ("excess_return_without_cost", "excess_return_with_cost"):
        assert result.analysis["risk"][part].to_dict() == pytest.approx(analysis[part], rel=1e-6)
    assert risk_analysis(result.report["bench"])["risk"].to_dict() == pytest.approx(analysis["benchmark"], rel=1e-6)
    assert indicator_analysis(result.indicators)["value"].to_dict() == pytest.approx(
        analysis["indicators"], rel=1e-6
    )


@pytest.mark.parametrize(
    ("strategy", "exchange", "cash", "account", "total_cost", "most", "fulfilled"),
    [
        pytest.param(
            {"topk": 30, "n_drop": 5, "only_tradable": True},
            {"limit_threshold": expressions(0.04)},
            *(1e8, 140830773.2330009, 23193169.191420056, 30, 1.0),
            id="only tradable names",
        ),
        pytest.param(
            {"topk": 30, "n_drop": 5, "hold_thresh": 5, "forbid_all_trade_at_limit": False},
            {"limit_threshold": expressions(0.04)},
            *(1e8, 122316586.2628564, 12270091.247853272, 35, 1.0),
            id="limits one way and five days held",
        ),
        pytest.param(
            {"topk": 10, "n_drop": 3, "risk_degree": 1.0},
            {"deal_price": ["open", "close"]},
            *(1e5, 303629.5618311131, 66852.07008843636, 10, 1.0),
            id="few lots, all of the cash, two prices",
        ),
        pytest.param(
            {"topk": 10, "n_drop": 3, "risk_degree": 1.0},
            {"min_cost": 50},
            *(2e4, 2410.9994805533693, 18600.0, 9, None),
            id="eaten by the least cost",
        ),
        pytest.param(
            {"topk": 20, "n_drop": 3, "risk_degree": 1.0},
            {"trade_unit": None},
            *(1e6, 1562542.8409666435, 225531.3336290206, 20, 0.9997484193057059),
            id="no lots, cut by the cash",
        ),
        pytest.param(
            {"topk": 20, "n_drop": 10, "hold_thresh": 3},
            {"limit_threshold": expressions(0.02)},
            *(1e8, 119968778.88317814, 22446209.696163952, 30, 1.0),
            id="more held than wanted",
        ),
    ],
)
def test_rules_that_the_goldens_do_not_reach(
    signal: pd.Series,
    market: Market,
    strategy: dict[str, Any],
    exchange: dict[str, Any],
    cash: float,
    account: float,
    total_cost: float,
    most: int,
    fulfilled: float | None,
) -> None:
    """Figures of Qlib 0.9.7; the share of fulfilled orders where it counts no order of less than a lot."""
    result = run(signal, market, account=cash, strategy=strategy, exchange=exchange)
    assert result.report["account"].iloc[-1] == pytest.approx(account, rel=1e-9)
    assert result.report["total_cost"].iloc[-1] == pytest.approx(total_cost, rel=1e-9)
    assert result.positions.groupby("datetime").size().max() == most
    if fulfilled is not None:
        assert indicator_analysis(result.indicators)["value"]["ffr"] == pytest.approx(fulfilled, rel=1e-9)
