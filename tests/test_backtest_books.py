"""Whatever is traded, the books of a backtest balance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.backtest import TopkDropoutStrategy, backtest
from components.data import Market, open_market


@pytest.fixture(scope="module")
def demo() -> Market:
    return open_market("demo:?instruments=20&years=1")


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 99),
    topk=st.integers(1, 12),
    n_drop=st.integers(0, 6),
    account=st.sampled_from([1e3, 2e5, 1e8]),
    limit=st.sampled_from([None, 0.02]),
    only_tradable=st.booleans(),
)
def test_the_books_balance(
    demo: Market, seed: int, topk: int, n_drop: int, account: float, limit: float | None, only_tradable: bool
) -> None:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product(
        [pd.DatetimeIndex(demo.calendar.days[:40].astype("datetime64[ns]")), demo.instruments[1:]],
        names=["datetime", "instrument"],
    )
    prediction = pd.Series(rng.normal(size=len(index)), index=index).sample(frac=0.9, random_state=seed)
    result = backtest(
        prediction,
        demo,
        strategy=TopkDropoutStrategy(topk=topk, n_drop=n_drop, only_tradable=only_tradable),
        account=account,
        benchmark=None,
        exchange_kwargs={"limit_threshold": limit},
    )
    report = result.report
    bought = result.positions.query("count_day == 1")
    places = demo.places(bought["instrument"])
    days = np.searchsorted(demo.calendar.days, bought["datetime"].to_numpy().astype("datetime64[D]"))
    close, factor = (demo.panel(field, demo.instruments) for field in ("close", "factor"))
    dearest = np.nanmax(close / factor)
    lots = bought["amount"] * factor[places, days] / 100
    by_day = result.positions.assign(value=lambda rows: rows["amount"] * rows["price"]).groupby("datetime")["value"]
    assert (report["cash"] >= -0.1 * dearest).all()
    assert np.allclose(lots, np.round(lots), atol=1e-9)
    assert np.allclose(report["account"], report["cash"] + report["value"])
    assert np.allclose(by_day.sum().reindex(report.index, fill_value=0), report["value"])
    growth = report["account"] / report["account"].shift(fill_value=account) - 1
    assert np.allclose(growth, report["return"] - report["cost"])
    assert np.allclose(result.indicators["value"].cumsum(), report["total_turnover"])
