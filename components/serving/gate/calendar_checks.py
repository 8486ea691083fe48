"""Whether the day that is to be served is there, and the calendar around it in order."""

from __future__ import annotations

import numpy as np

from components.config.online.gate import GateSection
from components.data import TradingCalendar
from components.data.calendar import Days
from components.serving.gate.check import Check

_SATURDAY = 5
#: Sessions after which a weekday on which there was none is known to have none: a week.
_WEEK = 5


def day_is_there(calendar: TradingCalendar, day: np.datetime64, sessions: TradingCalendar | None) -> Check:
    """Whether the data reaches the day, and the day is a trading day."""
    name = "day"
    if day > calendar.last:
        behind, unit = _distance(calendar.last, day, sessions)
        problem = (
            f"the data ends on {calendar.last}, {behind} {unit} before {day}; load what is missing, then run again"
        )
        return Check(name=name, level="fail", message=problem, value=behind, limit=0)
    if day not in calendar.days:
        place = calendar.at_or_after(day)
        near = f"after {calendar[place - 1]} comes {calendar[place]}" if place else f"the first is {calendar.first}"
        problem = f"{day} is no trading day of the data: {near}; load the day, or serve another one"
        return Check(name=name, level="fail", message=problem)
    return Check(name=name, level="ok", message=f"{day} is a trading day of the data")


def calendar_in_order(
    days: Days, limits: GateSection, sessions: TradingCalendar | None, known: Days | None
) -> Check:
    """Whether the trading days until the day rise, none is missing, and none is there that cannot be.

    Args:
        days: The trading days of the data until the day.
        limits: The limits.
        sessions: The days on which the exchange is open, if somebody knows them.
        known: The trading days that the data had when it was looked at before.
    """
    name = "calendar"
    if len(wrong := np.flatnonzero(np.diff(days) <= np.timedelta64(0, "D"))):
        problem = f"{days[wrong[0] + 1]} follows {days[wrong[0]]}; sort the trading days, each once"
        return Check(name=name, level="fail", message=problem)
    if known is not None and len(gone := np.setdiff1d(known[known <= days[-1]], days)):
        problem = f"{_named(gone)} no longer in the calendar, but there before; load the data again"
        return Check(name=name, level="fail", message=problem, value=len(gone), limit=0)
    if sessions is not None and len(missing := np.setdiff1d(_overlap(sessions.days, days), days)):
        problem = f"{_named(missing)} not in the data, but the exchange was open; load what is missing"
        return Check(name=name, level="fail", message=problem, value=len(missing), limit=0)
    if sessions is not None and len(surplus := np.setdiff1d(_overlap(days, sessions.days), sessions.days)):
        problem = f"{_named(surplus)} in the data, but the exchange was closed; look where the bars come from"
        return Check(name=name, level="warn", message=problem, value=len(surplus), limit=0)
    if sessions is None and not limits.weekends and _first_weekend(days):
        problem = f"{days[-1]} is on a weekend, the first one with trading; take it out, or set gate.weekends"
        return Check(name=name, level="fail", message=problem)
    gap = int((days[-1] - days[-2]).astype(int)) if len(days) > 1 else 0
    if sessions is None and gap > limits.longest_gap:
        problem = f"{gap} days from {days[-2]} to {days[-1]}, more than {limits.longest_gap}; look for missing days"
        return Check(name=name, level="warn", message=problem, value=gap, limit=limits.longest_gap)
    return Check(name=name, level="ok", message=f"{len(days)} trading days until {days[-1]}")


def _distance(last: np.datetime64, day: np.datetime64, sessions: TradingCalendar | None) -> tuple[int, str]:
    """How far the data lies behind, in sessions where they are known."""
    if sessions is not None and sessions.last >= day:
        count = int(((sessions.days > last) & (sessions.days <= day)).sum())
        return count, "session" if count == 1 else "sessions"
    count = int((day - last).astype(int))
    return count, "day" if count == 1 else "days"


def _overlap(days: Days, other: Days) -> Days:
    """The days from the first to the last one of others."""
    inside: Days = days[(days >= other[0]) & (days <= other[-1])]
    return inside


def _first_weekend(days: Days) -> bool:
    weekday = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    earlier = weekday[:-1]
    return bool(len(earlier) >= _WEEK and weekday[-1] >= _SATURDAY and (earlier < _SATURDAY).all())


def _named(days: Days) -> str:
    """Days by name: ``2020-01-06 is``, ``2020-01-06 and 3 more are``."""
    if len(days) == 1:
        return f"{days[0]} is"
    return f"{days[0]} and {len(days) - 1} more are"
