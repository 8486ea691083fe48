"""The day loop of a backtest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from components.backtest.account import Account, DayEnd
from components.backtest.arguments import check_arguments
from components.backtest.exchange import Exchange
from components.backtest.quotes import Quotes, Span, benchmark_return
from components.backtest.result import BacktestResult
from components.backtest.signal import Signal
from components.backtest.strategy import TopkDropoutStrategy
from components.backtest.trading import trade
from components.data.calendar import Day
from components.data.market import Market

_DEFAULT_STRATEGY = TopkDropoutStrategy(topk=50, n_drop=5)


def backtest(
    prediction: pd.Series | pd.DataFrame,
    market: Market,
    *,
    strategy: TopkDropoutStrategy = _DEFAULT_STRATEGY,
    start_time: Day | None = None,
    end_time: Day | None = None,
    account: float = 1e8,
    benchmark: str | Sequence[str] | None = "SH000300",
    exchange_kwargs: Mapping[str, Any] | None = None,
) -> BacktestResult:
    """Trade on a signal, day by day; the score of a day is traded on the next one.

    Args:
        prediction: Scores indexed (datetime, instrument).
        market: Where the prices come from.
        strategy: What to buy and sell.
        start_time: First day of the report; None: the first day with scores.
        end_time: Last day of the report; None: the day after the last one with scores.
        account: Money at the start.
        benchmark: An index, or names whose mean return is the benchmark; None: cash.
        exchange_kwargs: Costs, limits and lots, by Qlib's names; see `Exchange`.

    Raises:
        InputError: for a wrong argument, or a name or field that the market does not have.
    """
    exchange = check_arguments(
        market,
        start_time=start_time,
        end_time=end_time,
        account=account,
        benchmark=benchmark,
        exchange_kwargs=exchange_kwargs,
    )
    signal = Signal.of(prediction, market.calendar, start_time, end_time)
    quotes = Quotes.load(market, Span(signal.instruments, signal.first, signal.last, signal.first), exchange)
    return BacktestResult.of(
        list(_simulate(signal, quotes, strategy, exchange, float(account))),
        days=market.calendar.days[signal.first : signal.last + 1],
        instruments=signal.instruments,
        account=float(account),
        benchmark=benchmark_return(market, benchmark, signal.first, signal.last),
    )


def _simulate(
    signal: Signal, quotes: Quotes, strategy: TopkDropoutStrategy, exchange: Exchange, cash: float
) -> Iterator[DayEnd]:
    """The account after each day."""
    account = Account(cash, len(signal.instruments), exchange)
    for day in range(len(signal)):
        if len(ranked := signal.ranked(day)):
            trade(ranked, account, quotes[day], strategy)
        yield account.end_day(quotes.close[day])
