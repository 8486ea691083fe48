"""Weeks, months, quarters and years of a trading calendar: where windows begin that do not count days."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from components.data.calendar import TradingCalendar

Every = Literal["week", "month", "quarter", "year"]

#: Months of each period that is made of months.
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def period_starts(calendar: TradingCalendar, every: Every, offset: int = 0) -> list[int]:
    """Position of the day in each period on which a window begins, rising.

    What is known of a day does not depend on the days after it: a calendar that goes on keeps its starts.

    Args:
        calendar: The trading days; the first of them may lie within a period, of which it then is the first one.
        every: The period; weeks begin on Monday.
        offset: Trading days of a period before that day. A period that does not have as many has no start.
    """
    firsts = np.flatnonzero(np.diff(_numbers(calendar, every), prepend=-(2**62)))
    ends = np.append(firsts[1:], len(calendar))
    return [int(first) + offset for first, end in zip(firsts, ends, strict=True) if first + offset < end]


def period_spans(
    calendar: TradingCalendar, every: Every, first: int, until: int, offset: int = 0
) -> Iterator[tuple[int, int]]:
    """First and last position of each test that starts by `until`; each follows the one before.

    The first test begins at `first`, wherever that is, and ends with its period. How long the last one will be is
    not known before the next period begins: until then it ends past the calendar.
    """
    bounds = [first, *(start for start in period_starts(calendar, every, offset) if start > first)]
    for start, following in zip(bounds, [*bounds[1:], len(calendar) + 1], strict=True):
        if start <= until:
            yield start, following - 1


def _numbers(calendar: TradingCalendar, every: Every) -> np.ndarray:
    """The number of the period of each day."""
    if every == "week":
        return (calendar.days.astype(np.int64) + 3) // 7  # 1 January 1970 was a Thursday
    return calendar.days.astype("datetime64[M]").astype(np.int64) // _MONTHS[every]
