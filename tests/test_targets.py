"""Holdings that follow a signal from day to day, and the plans made on the evenings between."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from components.backtest import BacktestResult, Exchange, TopkDropoutStrategy, backtest
from components.config.online.portfolio import PortfolioSection
from components.data import Market, open_market
from components.errors import InputError
from components.serving.portfolio import Portfolio
from components.serving.portfolio.holdings import Holdings, Position, Trade
from components.serving.portfolio.targets import Target, Targets

DAYS = ["2020-01-06", "2020-01-07", "2020-01-08", "2020-01-09", "2020-01-10"]
NAN = float("nan")
FREE: dict[str, Any] = {"open_cost": 0, "close_cost": 0, "min_cost": 0, "trade_unit": None}


def bars(folder: Path, close: dict[str, list[float]], factor: float = 1.0) -> Market:
    """Closes by instrument on `DAYS`; a name with fewer of them ends early."""
    frames = [
        pd.DataFrame({"date": DAYS[: len(values)], "instrument": name, "close": values, "factor": factor})
        for name, values in close.items()
    ]
    pd.concat(frames).to_csv(folder / "bars.csv", index=False)
    return open_market(f"csv:{folder / 'bars.csv'}")


def portfolio(account: float = 10_000, exchange: dict[str, Any] | None = None, **strategy: Any) -> Portfolio:
    return Portfolio(
        strategy=TopkDropoutStrategy(**{"topk": 1, "n_drop": 1, **strategy}),
        exchange=Exchange.from_kwargs(FREE if exchange is None else exchange),
        account=account,
    )


def kept(holdings: Holdings) -> Holdings:
    """What another machine reads back."""
    return Holdings.from_document(json.loads(json.dumps(holdings.to_document(), allow_nan=False)))


def sent(targets: Targets) -> Targets:
    return Targets.from_document(json.loads(json.dumps(targets.to_document(), allow_nan=False)))


def follow(
    market: Market, days: list[str], signals: list[dict[str, float]], portfolio: Portfolio
) -> list[Holdings]:
    """The holdings of each day; the signal of a day is traded on the next."""
    held = [portfolio.open(days[0])]
    for day, signal in zip(days[1:], signals, strict=True):
        targets = portfolio.plan(pd.Series(signal, dtype=float), held[-1], market)
        held.append(portfolio.advance(held[-1], targets, market, day))
    return held


def names(holdings: Holdings) -> str:
    return "".join(position.instrument for position in holdings.positions)


def assert_same(
    market: Market, signal: pd.Series, portfolio: Portfolio, exchange: dict[str, Any]
) -> BacktestResult:
    """Day by day through documents, as different machines would go, and at once by a backtest."""
    whole = backtest(
        signal,
        market,
        strategy=portfolio.strategy,
        account=portfolio.account,
        benchmark=None,
        exchange_kwargs=exchange,
    )
    days = whole.report.index
    by_day = dict(list(signal.droplevel("datetime").groupby(signal.index.get_level_values("datetime"))))
    positions = dict(list(whole.positions.groupby("datetime")))
    holdings = portfolio.open(days[0].date())
    for evening, day in pairwise(days):
        targets = portfolio.plan(by_day.get(evening, pd.Series(dtype=float)), kept(holdings), market)
        holdings = portfolio.advance(kept(holdings), sent(targets), market, day.date())
        row = whole.report.loc[day]
        assert holdings.cash == row["cash"], day
        assert len(holdings.trades) == whole.indicators.loc[day, "count"], day
        assert sum(trade.amount for trade in holdings.trades) == whole.indicators.loc[day, "deal_amount"], day
        assert sum(trade.value for trade in holdings.trades) == whole.indicators.loc[day, "value"], day
        assert [(p.instrument, p.amount, p.price, p.days_held) for p in holdings.positions] == (
            list(positions[day][["instrument", "amount", "price", "count_day"]].itertuples(index=False, name=None))
            if day in positions
            else []
        ), day
    return whole


STRATEGIES = [
    {"topk": 10, "n_drop": 3},
    {"topk": 8, "n_drop": 2, "only_tradable": True},
    {"topk": 10, "n_drop": 4, "hold_thresh": 3, "forbid_all_trade_at_limit": False, "risk_degree": 0.8},
    {"topk": 500, "n_drop": 5},
]
COSTS: dict[str, Any] = {"open_cost": 0.0005, "close_cost": 0.0015, "min_cost": 5}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_day_by_day_is_a_backtest_on_the_demo_market(strategy: dict[str, Any]) -> None:
    market = open_market("demo:?seed=3&instruments=40&years=2")
    close = market.panel("close", market.instruments[1:])
    frame = pd.DataFrame(close.T, index=market.calendar.index, columns=market.instruments[1:])
    signal = -frame.rename_axis(index="datetime", columns="instrument").pct_change(5, fill_method=None)
    signal = signal.iloc[200:280].round(2)  # equal scores, and NaN where a name is suspended
    signal.iloc[[20, 21]] = NAN
    exchange = {**COSTS, "limit_threshold": 0.03, "deal_price": ["open", "close"]}
    result = assert_same(
        market,
        signal.stack(),  # type: ignore[arg-type]
        portfolio(1e6, exchange, **strategy),
        exchange,
    )
    assert result.report["total_turnover"].iloc[-1] > 1e6


@pytest.mark.shared
@pytest.mark.parametrize(
    ("strategy", "exchange"),
    [
        ({"topk": 50, "n_drop": 5}, {"deal_price": "close", "limit_threshold": 0.095}),
        (
            {"topk": 30, "n_drop": 5, "hold_thresh": 2, "only_tradable": True},
            {
                "deal_price": "open",
                "limit_threshold": ["$close/EMA(Ref($close,1),3)-1>=0.03", "$close/Ref($close,1)-1<=-0.03"],
            },
        ),
    ],
)
def test_day_by_day_is_a_backtest_on_csi300(
    shared: Path, strategy: dict[str, Any], exchange: dict[str, Any]
) -> None:
    market = open_market(f"qlib:{shared / 'data' / 'cn_csi300'}")
    signal = pd.read_parquet(shared / "goldens" / "signal.parquet").set_index(["datetime", "instrument"])["score"]
    days = signal.index.get_level_values("datetime")
    signal = signal[days.isin(days.unique().sort_values()[20:50])]
    exchange = {**COSTS, **exchange}
    result = assert_same(market, signal, portfolio(1e8, exchange, **strategy), exchange)
    assert len(result.report) == 31


def test_a_plan_is_in_real_shares_and_lots_at_the_close(tmp_path: Path) -> None:
    market = bars(tmp_path, {"A": [10, 10, 11, 11, 11], "B": [5.0] * 5}, factor=0.5)
    book = portfolio(10_000, {})
    start = book.open("2020-01-06")
    plan = book.plan(pd.Series({"A": 1.0, "B": 0.5, "C": NAN}), start, market)
    # 95% of the cash pay for 950 adjusted or 475 real shares at 20; four lots cost 8,000 + 12
    assert plan == Targets(
        day="2020-01-06",
        cash=1_988,
        rows=(
            Target(
                instrument="A",
                score=1,
                rank=1,
                held=0,
                target=400,
                buy=400,
                sell=0,
                price=20,
                tradable=True,
                why="rank 1 of 2",
            ),
            Target(
                instrument="B",
                score=0.5,
                rank=2,
                held=0,
                target=0,
                buy=0,
                sell=0,
                price=10,
                tradable=True,
                why="",
            ),
        ),
    )
    assert sent(plan) == plan
    assert [row.instrument for row in plan.orders] == ["A"]
    after = book.advance(start, plan, market, "2020-01-07")
    assert after == Holdings(
        day="2020-01-07",
        opened="2020-01-06",
        cash=1_988,
        positions=(Position(instrument="A", amount=800, price=10, days_held=1),),
        trades=(Trade(instrument="A", side="buy", ordered=950 // 200 * 200, amount=800, value=8_000, cost=12),),
    )
    assert after.value == 9_988
    assert kept(after) == after
    change = book.plan(pd.Series({"A": 0.0, "B": 1.0}), after, market)
    assert [(row.instrument, row.held, row.buy, row.sell, row.target, row.why) for row in change.rows] == [
        ("B", 0, 900, 0, 900, "rank 1 of 2"),  # 9,968 * 0.95 pay for 946 real shares at 10
        ("A", 400, 0, 400, 0, "rank 2 of 2"),
    ]


def test_a_plan_reads_nothing_after_its_day(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    before = {"A": [10.0, 11.0], "B": [5.0, 5.5]}
    market = bars(one, before)
    later = bars(two, {"A": [10, 11, 99, 1, 1], "B": [5, 5.5, NAN, NAN, 7]})
    book = portfolio(topk=2)
    signal = pd.Series({"A": 1.0, "B": 2.0})
    held = Holdings.open("2020-01-07", 10_000)
    assert book.plan(signal, held, market) == book.plan(signal, held, later)
    assert book.advance(book.open(DAYS[0]), None, market, DAYS[1]) == book.advance(
        book.open(DAYS[0]), None, later, DAYS[1]
    )


def test_a_name_at_its_limit_on_the_next_day_is_planned_and_not_bought(tmp_path: Path) -> None:
    market = bars(tmp_path, {"A": [10, 11, 12.1, 12.1, 12.1]})
    book = portfolio(exchange={**FREE, "limit_threshold": 0.095}, n_drop=0)
    held = follow(market, DAYS, [{"A": 1.0}] * 4, book)
    assert [names(day) for day in held] == ["", "", "", "A", "A"]
    assert [day.cash for day in held[:3]] == [10_000, 10_000, 10_000]
    plan = book.plan(pd.Series({"A": 1.0}), held[1], market)
    assert [row.why for row in plan.rows] == ["rank 1 of 1; closed at its upper limit"]
    assert plan.rows[0].tradable  # it may come off the limit


def test_a_suspended_name_is_not_expected_back(tmp_path: Path) -> None:
    market = bars(tmp_path, {"A": [10, 10, NAN, NAN, 12], "B": [5.0] * 5})
    book = portfolio()
    held = follow(market, DAYS[:3], [{"A": 1.0, "B": 0.0}] * 2, book)
    plan = book.plan(pd.Series({"A": 0.0, "B": 1.0}), held[2], market)
    assert [(row.instrument, row.buy, row.sell, row.tradable, row.why) for row in plan.rows] == [
        ("B", 95, 0, True, "rank 1 of 2"),  # with what is in cash, as a backtest would
        ("A", 0, 0, False, "to be sold once it trades again; no bar since 2020-01-07"),
    ]
    assert plan.rows[1].price == 10
    again = book.plan(pd.Series({"A": 1.0}), Holdings.open(DAYS[3], 100), market)
    assert [row.why for row in again.rows] == ["to be bought once it trades again; no bar since 2020-01-07"]
    # it is back on the last day, and the plan of the evening before holds: it is sold
    fourth = book.advance(held[2], plan, market, DAYS[3])
    assert names(fourth) == "AB"
    plan = book.plan(pd.Series({"A": 0.0, "B": 1.0}), fourth, market)
    last = book.advance(fourth, plan, market, DAYS[4])
    assert names(last) == "B"
    assert [(trade.side, trade.instrument, trade.value) for trade in last.trades] == [("sell", "A", 11_400)]


def test_a_delisted_name_stays_at_its_last_price(tmp_path: Path) -> None:
    market = bars(tmp_path, {"A": [10.0, 10.0, 9.0], "B": [5.0] * 5})
    book = portfolio()
    held = follow(market, DAYS, [{"A": 1.0, "B": 0.0}, {"A": 1.0, "B": 0.0}, {"B": 1.0}, {"B": 1.0}], book)
    assert [names(day) for day in held] == ["", "A", "A", "AB", "AB"]
    assert held[4].positions[0] == Position(instrument="A", amount=950, price=9, days_held=4)
    plan = book.plan(pd.Series({"B": 1.0}), held[4], market)
    assert plan.rows[-1] == Target(
        instrument="A",
        score=None,
        rank=None,
        held=950,
        target=950,
        buy=0,
        sell=0,
        price=9,
        tradable=False,
        why="to be sold once it trades again; no bar since 2020-01-08",
    )
    assert plan.ranking == ("B",)


@pytest.mark.parametrize("signal", [pd.Series(dtype=float), pd.Series({"A": NAN, "B": NAN})])
def test_without_scores_everything_is_kept(tmp_path: Path, signal: pd.Series) -> None:
    market = bars(tmp_path, {"A": [10, 10, 11, 11, 11], "B": [5.0] * 5})
    book = portfolio()
    assert book.plan(signal, book.open(DAYS[0]), market) == Targets(day=DAYS[0], cash=10_000, rows=())
    assert book.plan(signal, book.open(DAYS[0]), market).table().empty
    held = follow(market, DAYS[:2], [{"A": 1.0}], book)[1]
    plan = book.plan(signal, held, market)
    assert [(row.instrument, row.held, row.target, row.why) for row in plan.rows] == [("A", 950, 950, "")]
    after = book.advance(held, plan, market, DAYS[2])
    assert after == book.advance(held, None, market, DAYS[2])
    assert after.positions == (Position(instrument="A", amount=950, price=11, days_held=2),)
    assert after.trades == ()


def test_more_names_wanted_than_there_are(tmp_path: Path) -> None:
    market = bars(tmp_path, {"A": [10.0] * 5, "B": [5.0] * 5, "C": [NAN] + [1.0] * 4})
    book = portfolio(topk=10, n_drop=2)
    plan = book.plan(pd.Series({"A": 2.0, "B": 1.0, "C": 3.0}), book.open(DAYS[0]), market)
    assert [(row.instrument, row.buy, row.price, row.why) for row in plan.rows] == [
        ("C", 0, None, "to be bought once it trades again; no bar so far"),
        ("A", pytest.approx(9_500 / 3 / 10), 10, "rank 2 of 3"),
        ("B", pytest.approx(9_500 / 3 / 5), 5, "rank 3 of 3"),
    ]


def test_equal_scores_are_ranked_by_name(tmp_path: Path) -> None:
    market = bars(tmp_path, {name: [10.0] * 5 for name in "ABCD"})
    plan = portfolio().plan(
        pd.Series({"D": 1.0, "B": 1.0, "C": 2.0, "A": 1.0}), Holdings.open(DAYS[0], 1e4), market
    )
    assert plan.ranking == ("C", "A", "B", "D")


def test_why_a_chosen_name_is_not_traded(tmp_path: Path) -> None:
    market = bars(tmp_path, {"A": [10.0] * 5, "B": [500.0] * 5})
    book = portfolio(exchange={**FREE, "trade_unit": 100}, hold_thresh=3)
    held = follow(market, DAYS[:2], [{"A": 1.0}], book)[1]
    plan = book.plan(pd.Series({"A": 0.0, "B": 1.0}), held, market)
    assert [(row.instrument, row.why) for row in plan.rows] == [
        ("B", "not bought: its share of the cash does not pay for a lot"),
        ("A", "not sold: held for 1 of at least 3 days"),
    ]
    dear = portfolio(exchange={**FREE, "min_cost": 5_000})
    poor = Holdings(
        day=DAYS[1],
        opened=DAYS[0],
        cash=0,
        positions=(Position(instrument="A", amount=100, price=10, days_held=1),),
    )
    plan = dear.plan(pd.Series({"A": 0.0, "B": 1.0}), poor, market)
    assert plan.rows[1].why == "not sold: it would not pay the cost of the sale"


def test_the_table_as_parquet_and_csv(tmp_path: Path) -> None:
    market = bars(tmp_path, {"A": [10.0] * 5, "B": [5.0] * 5})
    book = portfolio(exchange={**FREE, "trade_unit": 100})
    held = follow(market, DAYS[:2], [{"A": 1.0}], book)[1]
    plan = book.plan(pd.Series({"B": 1.5}), held, market)
    plan.save_csv(tmp_path / "targets.csv")
    assert (tmp_path / "targets.csv").read_text() == (
        "datetime,instrument,score,rank,held,target,buy,sell,price,tradable,why\n"
        "2020-01-07,B,1.5,1,0.0,1900.0,1900.0,0.0,5.0,True,rank 1 of 1\n"
        "2020-01-07,A,,,900.0,0.0,0.0,900.0,10.0,True,no score\n"
    )
    plan.save_parquet(tmp_path / "targets.parquet")
    table = pq.read_table(tmp_path / "targets.parquet")
    assert [str(field.type) for field in table.schema] == [
        "timestamp[ns]", "string", "double", "int64", *["double"] * 5, "bool", "string",
    ]  # fmt: skip
    assert table.column("rank").to_pylist() == [1, None]
    assert table.column("instrument").to_pylist() == ["B", "A"]
    assert table.column("score").to_pylist() == [1.5, None]


def test_days_must_follow_one_another(tmp_path: Path) -> None:
    market = bars(tmp_path, {"A": [10.0] * 5})
    book = portfolio()
    held = book.open(DAYS[1])
    plan = book.plan(pd.Series({"A": 1.0}), held, market)
    for day, says in [
        (DAYS[3], "holdings of 2020-01-07 cannot advance to 2020-01-09"),
        (DAYS[1], "holdings of 2020-01-07 cannot advance to 2020-01-07"),
        ("2020-01-11", "2020-01-11 is not a trading day"),
    ]:
        with pytest.raises(InputError, match=says):
            book.advance(held, plan, market, day)
    with pytest.raises(InputError, match="targets of 2020-01-07 do not follow holdings of 2020-01-08"):
        book.advance(book.open(DAYS[2]), plan, market, DAYS[3])
    with pytest.raises(InputError, match="2020-01-13 is not a trading day"):
        book.plan(pd.Series({"A": 1.0}), book.open("2020-01-13"), market)


def test_signals_that_cannot_be_followed(tmp_path: Path) -> None:
    market = bars(tmp_path, {"A": [10.0] * 5})
    book, held = portfolio(), Holdings.open(DAYS[0], 1_000)
    with pytest.raises(InputError, match="A has more than one score"):
        book.plan(pd.Series([1.0, 2.0], index=["A", "A"]), held, market)
    index = pd.MultiIndex.from_tuples([(pd.Timestamp(DAYS[0]), "A")], names=["datetime", "instrument"])
    with pytest.raises(InputError, match="expected the instruments of one day"):
        book.plan(pd.Series([1.0], index=index), held, market)
    with pytest.raises(InputError, match="no instrument 'X'"):
        book.plan(pd.Series({"X": 1.0}), held, market)


def test_a_section_without_entries_has_the_defaults_of_qlib() -> None:
    book = Portfolio.of(PortfolioSection())
    assert book == Portfolio(
        strategy=TopkDropoutStrategy(topk=50, n_drop=5),
        exchange=Exchange(limit_threshold=0.095, open_cost=0.0005, close_cost=0.0015),
        account=1e8,
    )
    assert book.open("2020-01-06").cash == 1e8


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"strategy": {"class": "TopkDropout"}}, "did you mean 'TopkDropoutStrategy'"),
        (
            {"strategy": {"class": "TopkDropoutStrategy", "kwargs": {"topk": 5, "ndrop": 1}}},
            "did you mean 'n_drop'",
        ),
        ({"exchange_kwargs": {"deal_prize": "open"}}, "did you mean 'deal_price'"),
        ({"account": 0}, "greater than 0"),
        ({"account": float("inf")}, "finite"),
        ({"money": 5}, "Extra inputs"),
    ],
)
def test_a_wrong_section(section: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        PortfolioSection.model_validate(section)


def test_a_section_may_name_a_class_that_is_trusted_elsewhere() -> None:
    section = PortfolioSection.model_validate(
        {"strategy": {"class": "Mine", "module_path": "my_strategies", "kwargs": {"topk": 5, "n_drop": 1}}}
    )
    with pytest.raises(InputError, match="my_strategies"):
        section.build_strategy()
