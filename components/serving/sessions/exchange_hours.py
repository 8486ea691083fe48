"""What exchange_calendars knows of an exchange."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from components.data.calendar import Days
from components.errors import InputError, nearest


@dataclass(frozen=True)
class ExchangeHours:
    """When an exchange is open, as a rule."""

    name: str
    zone: ZoneInfo
    #: From midnight, in the exchange's zone, to the regular close.
    close: timedelta
    #: Days of the week with sessions, 0 is Monday.
    weekdays: tuple[int, ...]
    #: First and last day on which its sessions are known; None: they follow from rules.
    first: date | None
    last: date | None

    @classmethod
    def of(cls, name: str) -> Self:
        """The hours of an exchange.

        Raises:
            InputError: when exchange_calendars is not installed, does not have it, or fails to make it.
        """
        calendar = _calendar(name)
        close = calendar.close_times[-1][1]
        first, last = calendar.bound_min(), calendar.bound_max()
        return cls(
            name=name,
            zone=ZoneInfo(str(calendar.tz)),
            close=timedelta(days=calendar.close_offset, hours=close.hour, minutes=close.minute),
            weekdays=tuple(day for day, open_ in enumerate(calendar.weekmask) if open_ == "1"),
            first=None if first is None else first.date(),
            last=None if last is None else last.date(),
        )

    def sessions(self, first: date, last: date) -> tuple[Days, Mapping[date, timedelta]]:
        """Sessions from one day to another, as far as they are known, and unusual closes among them.

        Raises:
            InputError: when exchange_calendars fails to make that part of its calendar.
        """
        first = first if self.first is None else max(first, self.first)
        last = last if self.last is None else min(last, self.last)
        if first >= last:
            return np.array([], dtype="datetime64[D]"), {}
        calendar = _calendar(self.name, start=pd.Timestamp(first), end=pd.Timestamp(last))
        days = calendar.sessions.to_numpy().astype("datetime64[D]")
        closes = calendar.closes.dt.tz_convert(self.zone).dt.tz_localize(None) - calendar.sessions
        unusual = closes[closes != pd.Timedelta(self.close)]
        return days, {day.date(): close.to_pytimedelta() for day, close in unusual.items()}


def _calendar(name: str, **span: pd.Timestamp) -> Any:
    """A calendar of exchange_calendars, which is imported only for an exchange: few configs ask for one.

    Raises:
        InputError: when it is not installed, or cannot make that calendar.
    """
    try:
        import exchange_calendars as library
    except ImportError:
        raise InputError(
            "schedule.exchange needs exchange_calendars: pip install 'rollflow[online]', or leave the exchange out "
            "and the data's own calendar is used"
        ) from None
    try:
        return library.get_calendar(name, **span)
    except library.errors.InvalidCalendarName:
        hint = nearest(name, library.get_calendar_names())
        raise InputError(f"schedule.exchange: exchange_calendars has no {name!r}{hint}") from None
    except ValueError as error:
        raise InputError(f"schedule.exchange: exchange_calendars fails to make {name}: {error!s:.120}") from None
