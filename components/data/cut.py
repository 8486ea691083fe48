"""A market as it was on the evening of an earlier day."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.data.calendar import Day, Days, TradingCalendar
from components.data.market import Market, Panel
from components.data.membership import Positions, Spans
from components.errors import InputError


def until(market: Market, day: Day) -> Market:
    """What of a market is known on the evening of a day: nothing later is in its calendar, bars or universes.

    Bars that were mended since are as they are now. A market that ends by then is returned as it is.

    Raises:
        InputError: when the market has no day until then.
    """
    last = market.calendar.at_or_before(day)
    if last < 0:
        raise InputError(f"{market.uri} begins on {market.calendar.first}, after {day}")
    return market if last == len(market.calendar) - 1 else _CutMarket(market, last + 1)


class _CutMarket(Market):
    """The first days of another market."""

    def __init__(self, market: Market, days: int) -> None:
        self._market, self._days = market, days
        self.uri = market.uri
        self.calendar = TradingCalendar(market.calendar.days[:days])
        self.instruments = market.instruments
        self.fields = market.fields
        self.universes = market.universes

    @property
    def future(self) -> Days:
        """What was announced that evening: the days after it, if the market announces any."""
        future = self._market.future
        return np.concatenate([self._market.calendar.days[self._days :], future]) if len(future) else future

    @property
    def version(self) -> str:
        return f"{self._market.version}-{self._days}"

    def panel(self, field: str, instruments: Sequence[str]) -> Panel:
        return np.ascontiguousarray(self._market.panel(field, instruments)[:, : self._days])

    def data_range(self, instruments: Sequence[str]) -> tuple[Positions, Positions]:
        first, last = self._market.data_range(instruments)
        begun = first < self._days
        return (
            np.where(begun, first, 0).astype(np.int32),
            np.where(begun, np.minimum(last, self._days - 1), -1).astype(np.int32),
        )

    def spans(self, universe: str) -> Spans:
        return self._market.spans(universe)
