"""Prices of the days that are traded, and which names can be bought and sold on them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.backtest.exchange import Exchange
from components.backtest.strategy import Flags
from components.data.market import Market, Panel
from components.errors import InputError
from components.features.engine import evaluate
from components.features.expression import Expression, fields, lookahead
from components.features.parser import parse
from components.features.rows import RowIndex

_log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]
#: A price up to this is no price.
_NO_PRICE = 1e-8


@dataclass(frozen=True)
class Span:
    """The names and days that are traded."""

    instruments: Sequence[str]
    #: Calendar positions of the first and the last day.
    first: int
    last: int
    #: Where expressions begin: the calendar position of the first day on which the account was open.
    start: int


@dataclass(frozen=True, kw_only=True)
class Quotes:
    """Arrays of shape (days, instruments), of one day (instruments,); adjusted prices."""

    #: NaN where the name is suspended.
    close: Panel
    buy_price: Panel
    sell_price: Panel
    #: Real shares per adjusted share; None where the market does not have it: then nothing is rounded to lots.
    factor: Panel | None
    can_buy: Flags
    can_sell: Flags

    @classmethod
    def load(cls, market: Market, span: Span, exchange: Exchange) -> Quotes:
        """Quotes for names and days.

        Raises:
            InputError: for a name, a field or an expression that the market does not have.
        """
        days = slice(span.first, span.last + 1)
        whole_close = market.panel("close", span.instruments)
        close = np.ascontiguousarray(whole_close[:, days].T)
        buy_price, sell_price = _values("deal_price", exchange.deal_prices, market, span)
        if isinstance(exchange.limit_threshold, tuple):
            no_buy, no_sell = _values("limit_threshold", exchange.limit_threshold, market, span).astype(bool)
        else:
            no_buy, no_sell = _beyond(exchange.limit_threshold, _change(whole_close)[:, days].T)
        quoted = ~np.isnan(close)
        return cls(
            close=close,
            buy_price=np.where(buy_price > _NO_PRICE, buy_price, close),
            sell_price=np.where(sell_price > _NO_PRICE, sell_price, close),
            factor=_factor(market, span, quoted),
            can_buy=quoted & ~no_buy,
            can_sell=quoted & ~no_sell,
        )

    def __getitem__(self, day: int) -> Quotes:
        """The quotes of one day."""
        return Quotes(
            close=self.close[day],
            buy_price=self.buy_price[day],
            sell_price=self.sell_price[day],
            factor=None if self.factor is None else self.factor[day],
            can_buy=self.can_buy[day],
            can_sell=self.can_sell[day],
        )


def check_prices(exchange: Exchange, market: Market) -> None:
    """Do nothing for prices and limits that a market has.

    Raises:
        InputError: for an expression that is wrong, looks ahead, or has a field that the market lacks.
    """
    for text in exchange.deal_prices:
        _parse("deal_price", text, market)
    for text in exchange.limit_threshold if isinstance(exchange.limit_threshold, tuple) else ():
        _parse("limit_threshold", text, market)
    market.check_field("close")


def last_known(market: Market, field: str, instruments: Sequence[str]) -> tuple[Panel, npt.NDArray[np.intp]]:
    """The last value of a field and its calendar position, per instrument; NaN and -1 where there is none.

    Raises:
        InputError: for a field or an instrument that the market does not have.
    """
    panel = market.panel(field, instruments)
    there = ~np.isnan(panel)
    position = np.where(there.any(axis=1), panel.shape[1] - 1 - np.argmax(there[:, ::-1], axis=1), -1)
    return panel[np.arange(len(panel)), position], position


def benchmark_return(market: Market, benchmark: str | Sequence[str] | None, first: int, last: int) -> Floats:
    """Daily return of an index, or the mean of several names; 0 where it is not known or there is no benchmark.

    Raises:
        InputError: for an unknown name.
    """
    if benchmark is None:
        return np.zeros(last - first + 1)
    close = market.panel("close", [benchmark] if isinstance(benchmark, str) else list(benchmark))
    change = pd.DataFrame(_ratio(close, close)[:, first : last + 1])
    return change.mean().fillna(0).to_numpy(np.float64)


def _values(what: str, texts: Sequence[str], market: Market, span: Span) -> Panel:
    """Values of expressions, shape (expressions, days, instruments).

    Raises:
        InputError: for an expression that is wrong, looks ahead, or has a field that the market lacks.
    """
    expressions = [_parse(what, text, market) for text in texts]
    days, instruments = span.last + 1 - span.first, len(span.instruments)
    rows = RowIndex(
        day=np.repeat(np.arange(span.first, span.last + 1, dtype=np.int32), instruments),
        instrument=np.tile(np.arange(instruments, dtype=np.int32), days),
        instruments=tuple(span.instruments),
        calendar=market.calendar,
    )
    values = np.empty((len(rows), len(expressions)), dtype=np.float32)
    evaluate(expressions, market, rows, values, start=span.start)
    return np.ascontiguousarray(values.T).reshape(-1, days, instruments)


def _parse(what: str, text: str, market: Market) -> Expression:
    expression = parse(text)
    if ahead := lookahead(expression):
        raise InputError(f"exchange_kwargs.{what}: {text!r} looks {ahead} days ahead, which nobody can on the day")
    for field in sorted(fields(expression)):
        market.check_field(field)
    return expression


def _beyond(limit: float | None, change: Panel) -> tuple[Flags, Flags]:
    """Where a change is too high to buy, and too low to sell."""
    if limit is None:
        nowhere = np.zeros(change.shape, dtype=bool)
        return nowhere, nowhere
    return change >= limit, change <= -limit


def _change(close: Panel) -> Panel:
    """Daily change as a fraction of the last known close, so that a limit also holds after a suspension."""
    seen = np.where(np.isnan(close), 0, np.arange(close.shape[1]))
    return _ratio(close, np.take_along_axis(close, np.maximum.accumulate(seen, axis=1), axis=1))


def _ratio(close: Panel, known: Panel) -> Panel:
    """What each close is more than the known one of the day before, as a fraction of that."""
    change = np.full_like(close, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        change[:, 1:] = close[:, 1:] / known[:, :-1] - 1
    return change


def _factor(market: Market, span: Span, quoted: Flags) -> Panel | None:
    """The factor, or None where one is missing beside a close: rounding some names only would favour others."""
    if "factor" not in market.fields:
        _log.warning("%s has no field $factor: amounts are not rounded to lots", market.uri)
        return None
    factor = market.panel("factor", span.instruments)[:, span.first : span.last + 1].T
    if missing := int(np.sum(np.isnan(factor) & quoted)):
        _log.warning("%s: %d closes are without a $factor: amounts are not rounded to lots", market.uri, missing)
        return None
    return np.ascontiguousarray(factor)
