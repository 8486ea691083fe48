"""When a service runs, and what a run at some moment has to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from components.config.online.schedule import ScheduleSection, When
from components.data.calendar import Day, to_day
from components.serving.sessions.exchange_hours import ExchangeHours
from components.serving.sessions.sessions import WEEKDAYS, Period, Sessions, to_utc

_PERIODS: dict[When, Period] = {"last session of week": "week", "last session of month": "month"}


@dataclass(frozen=True)
class CronSchedule:
    """A schedule as data."""

    #: Five fields; days of the week count from Sunday, 0.
    cron: str
    timezone: str


@dataclass(frozen=True)
class Due:
    """What a run has to do."""

    #: Sessions to work through, ``YYYY-MM-DD``, in order; none: the run ends at once.
    days: tuple[str, ...]
    #: One line for the log.
    why: str


def schedule_for(section: ScheduleSection) -> CronSchedule:
    """Every day of the week that can have a session, at the regular close plus the delay.

    Holidays, and sessions that are not the last of their period, are left to `find_due`: no cron text knows them.

    Raises:
        InputError: for an exchange that is not known, or exchange_calendars when it is not installed.
    """
    if section.exchange is None:
        zone, close, weekdays = section.time_zone, section.regular_close, WEEKDAYS
    else:
        hours = ExchangeHours.of(section.exchange)
        zone, close, weekdays = hours.zone.key, hours.close, hours.weekdays
    days_later, clock = divmod(close + section.after_close, timedelta(days=1))
    minutes = clock // timedelta(minutes=1)
    of_week = sorted((day + 1 + days_later) % 7 for day in weekdays)
    return CronSchedule(f"{minutes % 60} {minutes // 60} * * {','.join(map(str, of_week))}", zone)


def find_due(
    section: ScheduleSection, sessions: Sessions, *, scheduled: datetime, now: datetime, done: Day | None = None
) -> Due:
    """What a run has to do that was scheduled for one moment and starts at another.

    Args:
        section: The schedule.
        sessions: Those of the market as its data is now.
        scheduled: When the run should have started; for one that somebody starts by hand, the same as `now`.
        now: When it starts. Like `scheduled`, with a time zone.
        done: The last session that is worked through; None: none was, and there is nothing to catch up on.

    Returns:
        All sessions to run that are not done yet, up to the last one that had closed by `scheduled`; none on a
        holiday, or for a run that is too late. A day of which nobody knows yet whether it is a session is taken for
        one: the run will see whether its bars are there.
    """
    day = _day_of(section, sessions, scheduled)
    if sessions.is_session(day) is False:
        return Due((), f"no session on {day}")
    late = to_utc(now) - to_utc(scheduled)
    if late > section.tolerance:
        hours = late / timedelta(hours=1)
        return Due((), f"{day} is left to the next run: this one starts {hours:.1f} hours late")
    days = tuple(str(each) for each in _pending(section, sessions, day, done))
    return Due(days, _why(section, sessions, day, days))


def _day_of(section: ScheduleSection, sessions: Sessions, scheduled: datetime) -> date:
    """The day whose close, and the delay after it, had last passed, be it a session or not."""
    delay = section.after_close
    regular = (sessions.local(scheduled) - sessions.close - delay).date()
    closed = sessions.closed(scheduled, delay)  # a later one where it closed early
    return regular if closed is None else max(regular, closed)


def _pending(section: ScheduleSection, sessions: Sessions, day: date, done: Day | None) -> list[date]:
    """The sessions after the last that is done which should have a run."""
    after = day - timedelta(days=1) if done is None else date.fromisoformat(str(to_day(done)))
    known = [date.fromisoformat(str(each)) for each in sessions.between(after + timedelta(days=1), day)]
    if section.when == "session":
        return known if sessions.is_session(day) or day <= after else [*known, day]
    return [each for each in known if sessions.is_last(each, _PERIODS[section.when])]


def _why(section: ScheduleSection, sessions: Sessions, day: date, days: tuple[str, ...]) -> str:
    if len(days) > 1:
        return f"catching up on {len(days)} sessions from {days[0]}"
    if days:
        unknown = "" if sessions.is_session(days[0]) else ", if it is a session"
        return f"{section.when} {days[0]}{unknown}"
    wanted = True if section.when == "session" else sessions.is_last(day, _PERIODS[section.when])
    if wanted is None or sessions.is_session(day) is None:
        return f"whether {day} is the {section.when} is not known yet; if so, a later run catches up"
    return f"{day} is done already" if wanted else f"{day} is not the {section.when}"
