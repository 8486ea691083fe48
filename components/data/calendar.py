"""The trading days of a market, and positions on them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.errors import InputError

Days = npt.NDArray[np.datetime64]
Day = str | date | np.datetime64
#: First and last day of a segment, inclusive, as ``YYYY-MM-DD``; None is open.
Segment = tuple[str | None, str | None]
#: NumPy would take 20150105 for a year, and 2015-01 for the first of January.
_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:[ T].*)?")


def to_day(value: Day) -> np.datetime64:
    """A day, or a text that begins with YYYY-MM-DD, as a ``datetime64[D]``; a time of day is dropped.

    Raises:
        InputError: when the value is not a date.

    """
    try:
        if isinstance(value, str | date | np.datetime64) and _DAY.fullmatch(text := str(value)):
            return np.datetime64(text[:10], "D")
    except ValueError:
        pass
    raise InputError(f"not a date: {value!r:.60}; write it as YYYY-MM-DD")


@dataclass(frozen=True)
class TradingCalendar:
    """Sorted, unique trading days. A *position* is an index into them, counted from 0."""

    days: Days

    @classmethod
    def of(cls, days: Iterable[Day]) -> TradingCalendar:
        """A calendar of the given days, which may come in any order."""
        array = np.unique(np.array([to_day(day) for day in days], dtype="datetime64[D]"))
        if not len(array):
            raise InputError("a trading calendar without a day; check the data folder")
        return cls(array)

    def __len__(self) -> int:
        return len(self.days)

    def __getitem__(self, position: int) -> np.datetime64:
        """The day at a position, which must lie on the calendar (no counting from the end)."""
        if not 0 <= position < len(self.days):
            raise IndexError(f"position {position} is not on a calendar of {len(self.days)} days")
        return np.datetime64(self.days[position])

    @cached_property
    def index(self) -> pd.DatetimeIndex:
        """The days as Pandas has them, to the nanosecond."""
        return pd.DatetimeIndex(self.days.astype("datetime64[ns]"))

    @property
    def first(self) -> np.datetime64:
        """The first trading day."""
        return np.datetime64(self.days[0])

    @property
    def last(self) -> np.datetime64:
        """The last trading day."""
        return np.datetime64(self.days[-1])

    def at_or_after(self, day: Day) -> int:
        """Position of the first trading day not before `day`; ``len(self)`` when there is none."""
        return int(np.searchsorted(self.days, to_day(day), side="left"))

    def at_or_before(self, day: Day) -> int:
        """Position of the last trading day not after `day`; -1 when there is none."""
        return int(np.searchsorted(self.days, to_day(day), side="right")) - 1

    def span(self, start: Day | None, end: Day | None) -> tuple[int, int]:
        """Positions ``(first, last)`` of the trading days within ``[start, end]``; None is open.

        Raises:
            InputError: when no trading day lies within.

        """
        first = 0 if start is None else self.at_or_after(start)
        last = len(self) - 1 if end is None else self.at_or_before(end)
        if first > last:
            raise InputError(
                f"no trading day between {start} and {end}; the calendar runs from {self.first} to {self.last}"
            )
        return first, last
