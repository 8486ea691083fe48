"""Whom to choose, given scores; and what is said about wrong input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.backtest import TopkDropoutStrategy, backtest
from components.data import Market, open_market
from components.errors import InputError


def choose(ranked: str, held: str, tradable: str = "ABCDEFGH", **strategy: Any) -> tuple[str, str]:
    """Names to sell and to buy among eight, each a letter."""
    names = np.array(list("ABCDEFGH"))
    sell, buy = TopkDropoutStrategy(**strategy).choose(
        np.array([ord(name) - ord("A") for name in ranked], dtype=np.intp),
        np.isin(names, list(held)),
        np.isin(names, list(tradable)),
    )
    return "".join(sorted(names[sell])), "".join(names[buy])


@pytest.mark.parametrize(
    ("ranked", "held", "sell", "buy"),
    [
        pytest.param("HGFEDCBA", "", "", "HGF", id="at first the best"),
        pytest.param("ABCDEFGH", "ABC", "", "", id="nothing better to buy"),
        pytest.param("DABCEFGH", "ABC", "C", "D", id="one is better"),
        pytest.param("DEFABCGH", "ABC", "BC", "DE", id="no more than n_drop"),
        pytest.param("ADBECFGH", "ABC", "C", "D", id="E is worse than what is kept"),
        pytest.param("DEFGA", "ABC", "BC", "DE", id="without a score comes last"),
        pytest.param("DEFGH", "ABC", "BC", "DE", id="all without a score: in the order of their codes"),
        pytest.param("FGHABCDE", "ABCDE", "DE", "", id="more held than wanted"),
        pytest.param("GHABCDEF", "ABCDEF", "EF", "", id="far more held than wanted: Qlib would buy nearly all"),
    ],
)
def test_choice(ranked: str, held: str, sell: str, buy: str) -> None:
    assert choose(ranked, held, topk=3, n_drop=2) == (sell, buy)


def test_choice_without_a_drop_sells_nothing() -> None:
    assert choose("DEFABC", "AB", topk=3, n_drop=0) == ("", "D")


def test_choice_among_tradable_names() -> None:
    assert choose("DEFABC", "ABC", tradable="ABEF", topk=3, n_drop=1, only_tradable=True) == ("B", "E")


@pytest.fixture(scope="module")
def demo() -> Market:
    return open_market("demo:?instruments=10&years=1")


def prediction(
    days: list[str], names: list[str], levels: tuple[str, str] = ("datetime", "instrument")
) -> pd.Series:
    index = pd.MultiIndex.from_product([pd.DatetimeIndex(days), names], names=levels)
    return pd.Series(np.arange(len(index), dtype=float), index=index)


DAYS = ["2015-03-02", "2015-03-03"]
GOOD = prediction(DAYS, ["DEMO001", "DEMO003"])


def test_both_orders_of_the_index_and_a_frame_give_the_same(demo: Market) -> None:
    expected = backtest(GOOD, demo, benchmark=None).report
    for other in (GOOD.swaplevel(), GOOD.to_frame("score"), GOOD.iloc[::-1]):
        pd.testing.assert_frame_equal(backtest(other, demo, benchmark=None).report, expected)
    assert list(expected.index.astype(str)) == [*DAYS, "2015-03-04"]


def test_a_day_without_scores_trades_nothing(demo: Market) -> None:
    gap = prediction([DAYS[0], "2015-03-05"], ["DEMO001", "DEMO003"])
    assert backtest(gap, demo, benchmark=None).indicators["count"].tolist() == [0, 2, 0, 0, 2]


def test_scores_of_the_day_before_the_start_are_traded(demo: Market) -> None:
    result = backtest(GOOD, demo, benchmark=None, start_time=DAYS[1], end_time=DAYS[1])
    assert result.indicators["count"].tolist() == [2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"account": 0}, "account: expected an amount of money above 0, not 0"),
        ({"benchmark": "DEMO00"}, "no instrument 'DEMO00'.*did you mean 'DEMO0"),
        ({"start_time": "2016-13-01"}, "not a date: '2016-13-01'"),
        (
            {"start_time": "2015-06-01", "end_time": "2015-06-30"},
            "no score to trade on from 2015-06-01 to 2015-06-30",
        ),
        ({"prediction": GOOD.rename_axis(["date", "instrument"])}, "expected an index of datetime and instrument"),
        ({"prediction": pd.concat([GOOD, GOOD])}, r"the row .*DEMO001.* occurs twice"),
        ({"prediction": GOOD * np.nan}, "prediction: it has no score"),
        ({"prediction": prediction(["2015-03-01"], ["DEMO001"])}, "2015-03-01 is not a trading day"),
        ({"prediction": prediction(DAYS, ["DEMO1"])}, "no instrument 'DEMO1'"),
    ],
)
def test_wrong_arguments(demo: Market, arguments: dict[str, Any], message: str) -> None:
    arguments = {"prediction": GOOD, "benchmark": None, **arguments}
    with pytest.raises(InputError, match=message):
        backtest(arguments.pop("prediction"), demo, **arguments)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"limit_treshold": 0.1}, "unknown key 'limit_treshold'; did you mean 'limit_threshold'"),
        ({"volume_threshold": 1}, "unknown key 'volume_threshold'"),
        ({"impact_cost": 0.1}, "impact_cost: only 0 is supported"),
        ({"freq": "1min"}, "freq: only 'day'"),
        ({"open_cost": -1}, "open_cost: expected a number of at least 0"),
        ({"min_cost": float("nan")}, "min_cost: expected a number"),
        ({"trade_unit": 0}, "trade_unit: expected a number above 0"),
        ({"limit_threshold": -0.1}, "limit_threshold: expected a fraction"),
        ({"limit_threshold": ["$close>1"]}, "limit_threshold: expected a fraction"),
        ({"limit_threshold": ["$close>Ref($close,-1)", "$close>1"]}, "limit_threshold: .* looks 1 days ahead"),
        ({"deal_price": 3}, "deal_price: expected a field or two"),
        ({"deal_price": "opne"}, r"no field \$opne .*did you mean 'open'"),
        ({"deal_price": "$close/"}, "column .*not an expression"),
    ],
)
def test_wrong_exchange_kwargs(demo: Market, kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        backtest(GOOD, demo, benchmark=None, exchange_kwargs=kwargs)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"topk": 0}, "topk must be a whole number of at least 1, not 0"),
        ({"n_drop": 1.5}, "n_drop must be a whole number of at least 0, not 1.5"),
        ({"method_sell": "random"}, "method_sell='random' is not supported, only 'bottom'"),
        ({"risk_degree": 1.1}, "risk_degree must be above 0 and at most 1, not 1.1"),
    ],
)
def test_wrong_strategy(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TopkDropoutStrategy(**{"topk": 5, "n_drop": 1, **kwargs})
