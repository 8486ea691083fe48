"""Holdings from day to day: what is planned on the evening, and what has become of it a day later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from components.backtest import Exchange, TopkDropoutStrategy
from components.backtest.account import Account
from components.backtest.quotes import Quotes, Span
from components.backtest.trading import trade
from components.config.online.portfolio import PortfolioSection
from components.data import Market, until
from components.data.calendar import Day, to_day
from components.errors import InputError
from components.serving.portfolio.holdings import Holdings
from components.serving.portfolio.plan import Plan
from components.serving.portfolio.targets import Targets


@dataclass(frozen=True, kw_only=True)
class Portfolio:
    """An account that follows a signal by the rules of a backtest.

    `open` it on the first day of the signal; then, for each day, `plan` on its evening and `advance` when the bars
    of the next one are there. After any number of days the holdings are those of `backtest` over the same signal,
    but for one thing: a backtest rounds no amount to lots if a factor is missing anywhere in its period, which
    nobody knows beforehand; here only the day counts.
    """

    strategy: TopkDropoutStrategy
    exchange: Exchange
    #: Money at the start.
    account: float

    @classmethod
    def of(cls, section: PortfolioSection) -> Self:
        """The portfolio that a config describes.

        Raises:
            InputError: when the strategy's class is in a module that is missing or not trusted.
        """
        return cls(strategy=section.build_strategy(), exchange=section.build_exchange(), account=section.account)

    def open(self, day: Day) -> Holdings:
        """A new account, all of it cash, on the evening of a day."""
        return Holdings.open(day, self.account)

    def plan(self, signal: pd.Series, holdings: Holdings, market: Market) -> Targets:
        """What to buy and sell at the next session, as far as it can be told on the evening of the holdings' day.

        The names are those that `advance` will choose, unless the strategy chooses by what is tradable on its day.
        Amounts are what would be traded at the day's closes. A name without a bar on the day is expected to stay
        suspended; that one may come to its limit is not foreseen.

        Args:
            signal: The day's scores by instrument; NaN is no score.
            holdings: After the day's own trades.
            market: Where the prices come from; nothing after the day is read.

        Raises:
            InputError: for a signal that is not one score per instrument, or a day or name that the market lacks.
        """
        scores = _scores(signal)
        names = _names(scores.index, holdings)
        if not names:
            return Targets(day=holdings.day, cash=holdings.cash, rows=())
        market = until(market, holdings.day)
        if market.calendar.last != to_day(holdings.day):
            raise InputError(f"{holdings.day} is not a trading day of {market.uri}")
        today = self._quotes(market, names, holdings, len(market.calendar) - 1)
        account = Account.after(holdings.day_end(names), len(names), self.exchange)
        return Plan.of(scores.reindex(names), today, market, account, self.strategy).targets(holdings.day)

    def advance(self, holdings: Holdings, targets: Targets | None, market: Market, day: Day) -> Holdings:
        """The holdings after the trades of the next session.

        Names are chosen anew from the ranking, at that day's prices: what is at its limit, suspended or too dear
        for the cash is not traded, as in a backtest.

        Args:
            holdings: After the session before.
            targets: The plan made on that evening; None: there was no signal, so nothing is traded.
            market: Where the prices come from; nothing after `day` is read.
            day: The next trading day.

        Raises:
            InputError: when `day` is not the next trading day, the targets are another day's, or the market does
                not have a name.
        """
        market = until(market, day)
        position = _next_position(market, holdings, day)
        if targets is not None and targets.day != holdings.day:
            raise InputError(f"targets of {targets.day} do not follow holdings of {holdings.day}")
        ranking = () if targets is None else targets.ranking
        names = _names(ranking, holdings)
        if not names:
            return replace(holdings, day=str(to_day(day)), trades=())
        quotes = self._quotes(market, names, holdings, position)
        account = Account.after(holdings.day_end(names), len(names), self.exchange)
        if ranking:
            place = {name: place for place, name in enumerate(names)}
            trade(np.array([place[name] for name in ranking]), account, quotes, self.strategy)
        return holdings.after(day, account.end_day(quotes.close), names)

    def _quotes(self, market: Market, names: Sequence[str], holdings: Holdings, position: int) -> Quotes:
        opened = market.calendar.at_or_after(holdings.opened)
        return Quotes.load(market, Span(names, position, position, opened), self.exchange)[0]


def _names(scored: Iterable[str], holdings: Holdings) -> list[str]:
    """All that can be traded; sorted, for equal scores keep this order as in a backtest."""
    return sorted({*scored, *(position.instrument for position in holdings.positions)})


def _scores(signal: pd.Series) -> pd.Series:
    """The scores that are not NaN.

    Raises:
        InputError: when it is not one score per instrument.
    """
    if isinstance(signal.index, pd.MultiIndex):
        raise InputError(f"signal: expected the instruments of one day, not an index of {list(signal.index.names)}")
    if signal.index.has_duplicates:
        raise InputError(f"signal: {signal.index[signal.index.duplicated()][0]} has more than one score")
    return signal.dropna().astype(np.float64)


def _next_position(market: Market, holdings: Holdings, day: Day) -> int:
    """Calendar position of the day, which must be the last of the market and follow that of the holdings.

    Raises:
        InputError: when it does not.
    """
    position = len(market.calendar) - 1
    if market.calendar.last != to_day(day):
        raise InputError(f"{day} is not a trading day of {market.uri}")
    if market.calendar.at_or_before(holdings.day) != position - 1:
        raise InputError(
            f"holdings of {holdings.day} cannot advance to {day}: other trading days lie between; go day by day"
        )
    return position
