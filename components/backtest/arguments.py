"""The arguments of a backtest, looked at before there is a signal to trade on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.backtest.exchange import Exchange
from components.backtest.quotes import check_prices
from components.data.calendar import Day, to_day
from components.data.market import Market
from components.errors import InputError


def check_arguments(
    market: Market | None,
    *,
    start_time: Day | None = None,
    end_time: Day | None = None,
    account: float = 1e8,
    benchmark: str | Sequence[str] | None = "SH000300",
    exchange_kwargs: Mapping[str, Any] | None = None,
) -> Exchange:
    """The exchange of a backtest whose arguments are right; they are those of `backtest`.

    Args:
        market: Where the prices will come from; None: not known yet, and not asked.
        start_time: See `backtest`, as the others.
        end_time: See `backtest`.
        account: See `backtest`.
        benchmark: See `backtest`.
        exchange_kwargs: See `backtest`.

    Raises:
        InputError: for a wrong argument, or a name or field that the market does not have.
    """
    if isinstance(account, bool) or not isinstance(account, int | float) or not 0 < account < float("inf"):
        raise InputError(f"account: expected an amount of money above 0, not {account!r:.60}")
    exchange = Exchange.from_kwargs({} if exchange_kwargs is None else exchange_kwargs)
    days = [None if day is None else to_day(day) for day in (start_time, end_time)]
    names = [benchmark] if isinstance(benchmark, str) else [] if benchmark is None else benchmark
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise InputError(f"benchmark: expected an instrument, several or none, not {benchmark!r:.60}")
    if benchmark is not None and not names:
        raise InputError("benchmark: the list is empty; name an instrument, or write null for none")
    if market is not None:
        market.calendar.span(*days)
        _check_benchmark(names, market)
        check_prices(exchange, market)
    return exchange


def _check_benchmark(names: Sequence[str], market: Market) -> None:
    try:
        market.places(names)
    except InputError as error:
        raise InputError(f"benchmark: {error}") from None
