"""Which rows a feature matrix has: pairs of a trading day and an instrument."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.data.calendar import TradingCalendar
from components.data.market import Market, Membership, Positions
from components.errors import InputError


@dataclass(frozen=True, kw_only=True)
class RowIndex:
    """Rows in some order; no pair of day and instrument occurs twice."""

    #: For each row, the calendar position of its day.
    day: Positions
    #: For each row, the index of its instrument in `instruments`.
    instrument: Positions
    instruments: tuple[str, ...]
    calendar: TradingCalendar

    @classmethod
    def of(cls, market: Market, membership: Membership, first: int, last: int) -> RowIndex:
        """The rows of a universe from one calendar position to another, by day and then by instrument.

        Raises:
            InputError: when no instrument has a row there.

        """
        start, end = np.maximum(membership.first, first), np.minimum(membership.last, last)
        length = np.maximum(end - start + 1, 0)
        if not length.sum():
            days = market.calendar
            raise InputError(f"no instrument of the universe has data from {days[first]} to {days[last]}")
        ends = np.cumsum(length)
        day = np.arange(ends[-1]) + np.repeat(start - (ends - length), length)
        instrument = np.repeat(membership.instrument, length)
        order = np.argsort(day, kind="stable")  # spans are sorted by instrument, and so stay within a day
        return cls(
            day=day[order].astype(np.int32),
            instrument=instrument[order].astype(np.int32),
            instruments=membership.instruments,
            calendar=market.calendar,
        )

    def __len__(self) -> int:
        return len(self.day)

    def take(self, order: npt.NDArray[np.integer] | slice) -> RowIndex:
        """The rows at the given places, in that order."""
        return replace(self, day=self.day[order], instrument=self.instrument[order])

    def to_index(self) -> pd.MultiIndex:
        """The index of a frame of these rows, with Qlib's level names ``datetime`` and ``instrument``."""
        levels: list[Any] = [self.calendar.index, _names(self.instruments)]
        codes: list[Any] = [self.day, self.instrument]
        return pd.MultiIndex(levels, codes, names=["datetime", "instrument"], verify_integrity=False)


@lru_cache(maxsize=8)  # there are few universes, and windows ask for theirs several times each
def _names(instruments: tuple[str, ...]) -> pd.Index[str]:
    return pd.Index(instruments)
