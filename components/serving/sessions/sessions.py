"""Trading days that are over and trading days to come, with the times at which they close."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, Self
from zoneinfo import ZoneInfo

import numpy as np

from components.config.online.schedule import ScheduleSection
from components.data import Market, TradingCalendar, to_day
from components.data.calendar import Day, Days
from components.errors import InputError
from components.serving.sessions.exchange_hours import ExchangeHours

#: Days before the data's end whose unusual closes are of interest, and after it for which sessions are wanted.
_BACK, _AHEAD = timedelta(days=370), timedelta(days=10 * 366)
#: How long before the known days run out this is worth a warning.
_NOTICE = timedelta(days=30)
#: Days of the week with sessions where no exchange says them.
WEEKDAYS: tuple[int, ...] = (0, 1, 2, 3, 4)

Period = Literal["week", "month"]


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """The days of the data; after its end, those of an exchange, then those that the data announces.

    A moment is a datetime with a time zone.
    """

    calendar: TradingCalendar
    #: After this day nothing is known.
    last_known: date
    #: Who knows of days to come; empty: nobody, so that a session is known when its bars are there.
    source: str
    zone: ZoneInfo
    #: From midnight in the zone to the regular close, and to that of days which close at another time.
    close: timedelta
    unusual: Mapping[date, timedelta]
    #: Days of the week with sessions, 0 is Monday.
    weekdays: tuple[int, ...]

    @classmethod
    def of(cls, section: ScheduleSection, market: Market) -> Self:
        """The sessions of a market.

        Raises:
            InputError: for an exchange that is not known, or exchange_calendars when it is not installed.
        """
        data, future = market.calendar.days, market.future
        if section.exchange is None:
            return cls(
                calendar=TradingCalendar(np.concatenate([data, future])),
                last_known=_date(future[-1] if len(future) else data[-1]),
                source="the data's calendar of days to come" if len(future) else "",
                zone=ZoneInfo(section.time_zone),
                close=section.regular_close,
                unusual={},
                weekdays=WEEKDAYS,
            )
        hours = ExchangeHours.of(section.exchange)
        end = _date(data[-1]) + _AHEAD if hours.last is None else hours.last
        days, unusual = hours.sessions(_date(data[-1]) - _BACK, end)
        known = max(end, _date(data[-1]))
        later = future[future > np.datetime64(known)]
        return cls(
            calendar=TradingCalendar(np.concatenate([data, days[days > data[-1]], later])),
            last_known=_date(later[-1]) if len(later) else known,
            source=f"exchange_calendars' {hours.name}",
            zone=hours.zone,
            close=hours.close,
            unusual=unusual,
            weekdays=hours.weekdays,
        )

    def is_session(self, day: Day) -> bool | None:
        """Whether a day is a session; None: not known, but it falls on a day of the week that has sessions."""
        if _date(day) > self.last_known:
            return None if _date(day).weekday() in self.weekdays else False
        position = self.calendar.at_or_before(day)
        return position >= 0 and bool(self.calendar[position] == to_day(day))

    def next(self, day: Day) -> date | None:
        """The first session after a day; None: not known."""
        position = self.calendar.at_or_before(day) + 1
        return _date(self.calendar[position]) if position < len(self.calendar) else None

    def between(self, first: Day, last: Day) -> Days:
        """The known sessions from one day to another, both included."""
        return self.calendar.days[self.calendar.at_or_after(first) : self.calendar.at_or_before(last) + 1]

    def is_last(self, day: Day, period: Period) -> bool | None:
        """Whether a session is the last of its calendar week or month.

        None: that is not known, since a later day of that period may or may not be a session.
        """
        following = self.next(day)
        if following is not None:
            return _period(following, period) != _period(_date(day), period)
        later = max(_date(day), self.last_known)
        while _period(later := later + timedelta(days=1), period) == _period(_date(day), period):
            if later.weekday() in self.weekdays:
                return None
        return True

    def due(self, day: Day, delay: timedelta) -> datetime:
        """The moment some time after the close of a session, by the clocks of the exchange."""
        offset = self.unusual.get(_date(day), self.close) + delay
        return (datetime.combine(_date(day), time()) + offset).replace(tzinfo=self.zone)

    def closed(self, moment: datetime, delay: timedelta) -> date | None:
        """The last known session whose close, plus a delay, is not after a moment; None: there is none."""
        moment = to_utc(moment)
        local = self.local(moment).date()
        for day in self.calendar.days[: self.calendar.at_or_before(local) + 1][::-1]:
            if self.due(day, delay) <= moment:
                return _date(day)
        return None

    def local(self, moment: datetime) -> datetime:
        """What the clocks of the exchange show at a moment.

        Raises:
            InputError: for a moment without a time zone.
        """
        return to_utc(moment).astimezone(self.zone).replace(tzinfo=None)

    def warning(self, day: Day) -> str | None:
        """That the days to come will soon not be known any more, if that is so and somebody should know them."""
        left = self.last_known - _date(day)
        if not self.source or left > _NOTICE:
            return None
        known = f"{self.source} ends on {self.last_known}"
        what = f"in {left.days} days" if left.days > 0 else "and no later session is known"
        return f"{known}, {what}: {'update exchange_calendars' if 'exchange' in self.source else 'renew it'}"


def to_utc(moment: datetime) -> datetime:
    """The same moment in UTC, where every hour has 60 minutes.

    Raises:
        InputError: for a moment without a time zone.
    """
    if moment.tzinfo is None:
        raise InputError(f"{moment} has no time zone")
    return moment.astimezone(UTC)


def _date(day: Day) -> date:
    return date.fromisoformat(str(to_day(day)))


def _period(day: date, period: Period) -> tuple[int, int]:
    return day.isocalendar()[:2] if period == "week" else (day.year, day.month)
