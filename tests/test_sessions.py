"""Sessions past and to come, and what a scheduled run does on a day."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from components.config.online.schedule import ScheduleSection
from components.data import Market, open_market, until
from components.errors import InputError
from components.serving.sessions import Sessions
from components.serving.sessions.schedule import CronSchedule, Due, find_due, schedule_for

# exchange_calendars asks pandas for what will change one day
pytestmark = pytest.mark.filterwarnings("ignore:Series.values")

HOUR = timedelta(hours=1)


def table(folder: Path, *days: str) -> Market:
    """A market that has bars on these days and knows of no others."""
    pd.DataFrame({"date": days, "instrument": "A", "close": 1.0}).to_csv(folder / "bars.csv", index=False)
    return open_market(f"csv:{folder / 'bars.csv'}")


def qlib_folder(folder: Path, days: list[str], future: list[str] | None) -> Path:
    for part in ("calendars", "instruments", "features/a"):
        (folder / part).mkdir(parents=True)
    (folder / "calendars" / "day.txt").write_text("\n".join(days))
    if future is not None:
        (folder / "calendars" / "day_future.txt").write_text("\n".join(future))
    (folder / "instruments" / "all.txt").write_text(f"A\t{days[0]}\t{days[-1]}\n")
    np.array([0, *[1] * len(days)], dtype="<f4").tofile(folder / "features" / "a" / "close.day.bin")
    return folder


def at(text: str) -> datetime:
    """A moment with its offset."""
    return datetime.fromisoformat(text)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return table(tmp_path_factory.mktemp("past"), "2024-01-02", "2024-01-03")


@pytest.fixture(scope="module")
def shanghai(past: Market) -> Sessions:
    return Sessions.of(ScheduleSection(exchange="XSHG"), past)


@pytest.fixture(scope="module")
def new_york(past: Market) -> Sessions:
    return Sessions.of(ScheduleSection(exchange="XNYS"), past)


@pytest.mark.parametrize(
    ("last", "following"),
    [
        ("2024-02-08", "2024-02-19"),  # Spring Festival
        ("2024-04-03", "2024-04-08"),  # Tomb-Sweeping Day
        ("2024-04-30", "2024-05-06"),  # Labour Day
        ("2024-06-07", "2024-06-11"),  # Dragon Boat Festival
        ("2024-09-13", "2024-09-18"),  # Mid-Autumn Festival
        ("2024-09-30", "2024-10-08"),  # National Day
        ("2024-12-31", "2025-01-02"),
        ("2025-01-27", "2025-02-05"),
        ("2025-04-03", "2025-04-07"),
        ("2025-04-30", "2025-05-06"),
        ("2025-05-30", "2025-06-03"),
        ("2025-09-30", "2025-10-09"),
        ("2025-12-31", "2026-01-05"),
        ("2026-02-13", "2026-02-24"),
        ("2026-04-03", "2026-04-07"),
        ("2026-04-30", "2026-05-06"),
        ("2026-06-18", "2026-06-22"),
        ("2026-09-24", "2026-09-28"),
        ("2026-09-30", "2026-10-08"),
    ],
)
def test_holidays_in_shanghai(shanghai: Sessions, last: str, following: str) -> None:
    assert shanghai.next(last) == date.fromisoformat(following)
    assert shanghai.is_session(last) is True
    assert shanghai.is_session(following) is True
    day = date.fromisoformat(last) + timedelta(days=1)
    while day < date.fromisoformat(following):
        assert shanghai.is_session(day) is False
        assert shanghai.next(day) == date.fromisoformat(following)
        day += timedelta(days=1)


def test_the_days_between_two_days(shanghai: Sessions) -> None:
    assert shanghai.between("2025-09-29", "2025-10-10").astype(str).tolist() == [
        "2025-09-29",
        "2025-09-30",
        "2025-10-09",
        "2025-10-10",
    ]
    assert len(shanghai.between("2025-10-01", "2025-10-08")) == 0
    assert len(shanghai.between("2025-01-01", "2025-12-31")) == 243


@pytest.mark.parametrize(
    ("day", "month", "week"),
    [
        ("2025-01-27", True, True),  # the rest of the month, its last weekday too, is Spring Festival
        ("2025-01-24", False, True),
        ("2025-09-30", True, True),
        ("2025-12-31", True, True),  # 1 and 2 January are holidays
        ("2025-12-30", False, False),
        ("2026-02-13", False, True),
        ("2026-02-27", True, True),
        ("2024-09-18", False, False),
        ("2024-12-31", True, False),
    ],
)
def test_the_last_session_of_a_period_in_shanghai(shanghai: Sessions, day: str, month: bool, week: bool) -> None:
    assert shanghai.is_last(day, "month") is month
    assert shanghai.is_last(day, "week") is week


def test_the_last_session_of_a_month_that_ends_with_good_friday(new_york: Sessions) -> None:
    assert new_york.is_last("2024-03-28", "month") is True
    assert new_york.is_session("2024-03-29") is False
    assert new_york.is_last("2024-03-27", "month") is False


def test_where_the_calendar_of_an_exchange_ends(shanghai: Sessions) -> None:
    assert shanghai.last_known == date(2026, 12, 31)
    assert shanghai.is_session("2026-12-31") is True
    assert shanghai.next("2026-12-31") is None
    assert shanghai.is_session("2027-01-01") is None
    assert shanghai.is_session("2027-01-02") is False  # a Saturday
    assert shanghai.is_last("2026-12-31", "month") is True
    assert shanghai.is_last("2026-12-31", "week") is None  # Friday may be a session, for all that is known
    assert shanghai.warning("2026-11-30") is None
    assert shanghai.warning("2026-12-01") == (
        "exchange_calendars' XSHG ends on 2026-12-31, in 30 days: update exchange_calendars"
    )
    assert shanghai.warning("2027-01-04") == (
        "exchange_calendars' XSHG ends on 2026-12-31, and no later session is known: update exchange_calendars"
    )


@pytest.mark.parametrize(
    ("day", "moment"),
    [
        ("2026-03-06", "2026-03-06T22:00Z"),
        ("2026-03-09", "2026-03-09T21:00Z"),  # clocks went forward on the 8th
        ("2026-10-30", "2026-10-30T21:00Z"),
        ("2026-11-02", "2026-11-02T22:00Z"),  # and back on the 1st
        ("2025-07-03", "2025-07-03T18:00Z"),  # closes at 13:00
        ("2025-11-28", "2025-11-28T19:00Z"),
        ("2026-11-27", "2026-11-27T19:00Z"),
        ("2026-12-24", "2026-12-24T19:00Z"),
    ],
)
def test_an_hour_after_the_close_in_new_york(new_york: Sessions, day: str, moment: str) -> None:
    due = at(moment)
    assert new_york.due(day, HOUR) == due
    assert new_york.closed(due, HOUR) == date.fromisoformat(day)
    before = new_york.closed(due - timedelta(seconds=1), HOUR)
    assert before is not None
    assert new_york.next(before) == date.fromisoformat(day)


def test_a_moment_is_the_same_in_every_time_zone(shanghai: Sessions) -> None:
    for text in ("2026-01-05T18:00+08:00", "2026-01-05T10:00Z", "2026-01-05T05:00-05:00"):
        assert shanghai.closed(at(text), 3 * HOUR) == date(2026, 1, 5)
    assert shanghai.closed(at("2026-01-05T17:59+08:00"), 3 * HOUR) == date(2025, 12, 31)
    assert shanghai.closed(at("2024-01-01T12:00Z"), HOUR) is None
    with pytest.raises(InputError, match="has no time zone"):
        shanghai.closed(datetime(2026, 1, 5, 18), HOUR)


def test_a_market_of_which_only_the_past_is_known(tmp_path: Path) -> None:
    market = table(tmp_path, "2025-01-24", "2025-01-27", "2025-02-05", "2025-02-27")
    sessions = Sessions.of(ScheduleSection(), market)
    assert sessions.is_session("2025-01-28") is False
    assert sessions.next("2025-01-27") == date(2025, 2, 5)
    assert sessions.is_last("2025-01-27", "month") is True
    assert sessions.is_session("2025-02-28") is None
    assert sessions.next("2025-02-27") is None
    assert sessions.is_last("2025-02-27", "month") is None  # the 28th is a Friday
    assert sessions.is_last("2025-02-27", "week") is None
    assert sessions.warning("2025-02-27") is None  # its bars tell of each session
    assert sessions.closed(at("2025-02-28T23:00+08:00"), HOUR) == date(2025, 2, 27)
    whole = Sessions.of(ScheduleSection(), table(tmp_path, "2025-02-27", "2025-02-28"))
    assert whole.is_last("2025-02-28", "month") is True
    assert whole.is_last("2025-02-28", "week") is True


def test_days_to_come_of_a_qlib_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    days = ["2025-01-23", "2025-01-24", "2025-01-27"]
    market = open_market(f"qlib:{qlib_folder(tmp_path / 'a', days, [*days, '2025-02-05', '2025-02-06'])}")
    assert market.future.astype(str).tolist() == ["2025-02-05", "2025-02-06"]
    assert market.calendar.last == np.datetime64("2025-01-27")
    sessions = Sessions.of(ScheduleSection(), market)
    assert sessions.next("2025-01-27") == date(2025, 2, 5)
    assert sessions.is_last("2025-01-27", "month") is True
    assert sessions.is_session("2025-02-07") is None
    assert sessions.warning("2025-01-07") == (
        "the data's calendar of days to come ends on 2025-02-06, in 30 days: renew it"
    )
    assert sessions.warning("2025-01-06") is None

    # what was announced on an earlier evening
    assert until(market, "2025-01-24").future.astype(str).tolist() == ["2025-01-27", "2025-02-05", "2025-02-06"]
    none = open_market(f"qlib:{qlib_folder(tmp_path / 'b', days, None)}")
    assert len(none.future) == len(until(none, "2025-01-24").future) == 0
    assert not caplog.records
    stale = open_market(f"qlib:{qlib_folder(tmp_path / 'c', days, days[:2])}")
    assert len(stale.future) == 0
    assert "day_future.txt ends on 2025-01-24, but day.txt goes to 2025-01-27" in caplog.text
    with pytest.raises(InputError, match=r"day_future\.txt"):
        open_market(f"qlib:{qlib_folder(tmp_path / 'd', days, ['2025-02-05', 'soon'])}")


def test_what_follows_of_an_announcement_beyond_the_exchange(tmp_path: Path) -> None:
    days = ["2026-12-30", "2026-12-31"]
    market = open_market(f"qlib:{qlib_folder(tmp_path / 'a', days, [*days, '2027-01-04'])}")
    sessions = Sessions.of(ScheduleSection(exchange="XSHG"), market)
    assert sessions.next("2026-12-31") == date(2027, 1, 4)
    assert sessions.last_known == date(2027, 1, 4)


def test_the_data_wins_where_it_has_bars(tmp_path: Path) -> None:
    sessions = Sessions.of(
        ScheduleSection(exchange="XSHG"), table(tmp_path, "2025-06-03", "2025-06-07", "2025-06-09")
    )
    assert sessions.is_session("2025-06-04") is False  # a hole
    assert sessions.is_session("2025-06-07") is True  # a Saturday
    assert sessions.is_session("2025-06-10") is True


@pytest.mark.parametrize(
    ("section", "cron", "zone"),
    [
        ({}, "0 18 * * 1,2,3,4,5", "Asia/Shanghai"),
        ({"time_zone": "Europe/Berlin", "close": "17:35", "delay": 40}, "15 18 * * 1,2,3,4,5", "Europe/Berlin"),
        ({"exchange": "XSHG", "delay": 90}, "30 16 * * 1,2,3,4,5", "Asia/Shanghai"),
        ({"exchange": "XNYS", "delay": 0}, "0 16 * * 1,2,3,4,5", "America/New_York"),
        ({"exchange": "XNYS", "delay": 600}, "0 2 * * 2,3,4,5,6", "America/New_York"),  # on the next morning
        ({"exchange": "XSAU"}, "0 18 * * 0,1,2,3,4", "Asia/Riyadh"),
        ({"exchange": "24/7", "delay": 5}, "5 0 * * 0,1,2,3,4,5,6", "UTC"),
        ({"when": "last session of month"}, "0 18 * * 1,2,3,4,5", "Asia/Shanghai"),
    ],
)
def test_a_cron_text(section: dict[str, Any], cron: str, zone: str) -> None:
    assert schedule_for(ScheduleSection.model_validate(section)) == CronSchedule(cron, zone)


@pytest.mark.parametrize(
    ("delay", "first", "days"),
    [
        (60, "2026-11-24T12:00Z", "2026-11-24 2026-11-25 - 2026-11-27 2026-11-30"),  # Thanksgiving, and a half day
        (600, "2026-11-24T12:00Z", "2026-11-24 2026-11-25 - 2026-11-27 2026-11-30"),
        (60, "2026-10-29T12:00Z", "2026-10-29 2026-10-30 2026-11-02 2026-11-03"),  # the end of summer time
        (600, "2026-03-05T12:00Z", "2026-03-05 2026-03-06 2026-03-09 2026-03-10"),  # its beginning
        (60, "2026-12-31T12:00Z", "2026-12-31 - 2027-01-04"),
    ],
)
def test_the_runs_that_prefect_makes_of_it(new_york: Sessions, delay: int, first: str, days: str) -> None:
    from prefect.server.schemas.schedules import CronSchedule as PrefectCron

    section = ScheduleSection(exchange="XNYS", delay=delay)
    schedule = schedule_for(section)
    wanted = [() if day == "-" else (day,) for day in days.split()]
    runs = asyncio.run(
        PrefectCron(cron=schedule.cron, timezone=schedule.timezone).get_dates(len(wanted), start=at(first))
    )
    assert [find_due(section, new_york, scheduled=run, now=run).days for run in runs] == wanted
    regular = [new_york.due(*day, section.after_close) for day in wanted if day and day != ("2026-11-27",)]
    assert set(regular) <= set(runs)


SESSION = ScheduleSection(exchange="XSHG")
MONTH = ScheduleSection(exchange="XSHG", when="last session of month")
WEEK = ScheduleSection(exchange="XSHG", when="last session of week", latest=60)


@pytest.mark.parametrize(
    ("section", "scheduled", "late", "done", "days", "why"),
    [
        (SESSION, "2026-02-13", 0, None, "2026-02-13", "session 2026-02-13"),
        (SESSION, "2026-02-16", 0, "2026-02-13", "", "no session on 2026-02-16"),
        (SESSION, "2026-02-24", 0, "2026-02-13", "2026-02-24", "session 2026-02-24"),
        (SESSION, "2026-02-24", 12, "2026-02-13", "2026-02-24", "session 2026-02-24"),
        (
            SESSION,
            "2026-02-24",
            12.5,
            "2026-02-13",
            "",
            "2026-02-24 is left to the next run: this one starts 12.5 hours late",
        ),
        (
            SESSION,
            "2026-02-25",
            0,
            "2026-02-12",
            "2026-02-13 2026-02-24 2026-02-25",
            "catching up on 3 sessions from 2026-02-13",
        ),
        (SESSION, "2026-02-25", 0, "2026-02-25", "", "2026-02-25 is done already"),
        (SESSION, "2026-02-25", 0, "2026-02-26", "", "2026-02-25 is done already"),
        (SESSION, "2027-01-01", 0, "2026-12-31", "2027-01-01", "session 2027-01-01, if it is a session"),
        (SESSION, "2027-01-02", 0, "2026-12-31", "", "no session on 2027-01-02"),
        (MONTH, "2025-01-24", 0, None, "", "2025-01-24 is not the last session of month"),
        (MONTH, "2025-01-27", 0, None, "2025-01-27", "last session of month 2025-01-27"),
        (MONTH, "2025-01-27", 0, "2025-01-27", "", "2025-01-27 is done already"),
        (MONTH, "2025-01-31", 0, None, "", "no session on 2025-01-31"),
        (
            MONTH,
            "2027-01-29",
            0,
            "2026-12-31",
            "",
            "whether 2027-01-29 is the last session of month is not known yet; if so, a later run catches up",
        ),
        (MONTH, "2025-02-05", 0, "2024-12-31", "2025-01-27", "last session of month 2025-01-27"),
        (
            MONTH,
            "2025-03-31",
            0,
            "2024-12-31",
            "2025-01-27 2025-02-28 2025-03-31",
            "catching up on 3 sessions from 2025-01-27",
        ),
        (WEEK, "2025-12-31", 0, None, "2025-12-31", "last session of week 2025-12-31"),
        (
            WEEK,
            "2025-12-31",
            2,
            None,
            "",
            "2025-12-31 is left to the next run: this one starts 2.0 hours late",
        ),
        (WEEK, "2026-01-05", 0, "2025-12-26", "2025-12-31", "last session of week 2025-12-31"),
    ],
)
def test_what_a_run_does(
    shanghai: Sessions, section: ScheduleSection, scheduled: str, late: float, done: str | None, days: str, why: str
) -> None:
    moment = at(f"{scheduled}T18:00+08:00")
    due = find_due(section, shanghai, scheduled=moment, now=moment + late * HOUR, done=done)
    assert due == Due(tuple(days.split()), why)


def test_a_run_by_hand_takes_the_last_session_that_is_over(shanghai: Sessions, new_york: Sessions) -> None:
    for text, day in (("2026-01-06T10:00+08:00", "2026-01-05"), ("2026-01-06T18:00+08:00", "2026-01-06")):
        assert find_due(SESSION, shanghai, scheduled=at(text), now=at(text)).days == (day,)
    half = at("2026-11-27T14:30-05:00")
    section = ScheduleSection(exchange="XNYS", delay=60)
    assert find_due(section, new_york, scheduled=half, now=half).days == ("2026-11-27",)


def test_a_month_that_ended_unnoticed_is_caught_up_when_the_next_bars_come(tmp_path: Path) -> None:
    """Nobody announces the sessions of this market; the last weekday of January was a holiday."""
    section = ScheduleSection(when="last session of month")
    evening = at("2025-01-27T18:00+08:00")
    sessions = Sessions.of(section, table(tmp_path, "2025-01-24", "2025-01-27"))
    assert find_due(section, sessions, scheduled=evening, now=evening, done="2024-12-31").days == ()
    evening = at("2025-02-05T18:00+08:00")
    sessions = Sessions.of(section, table(tmp_path, "2025-01-24", "2025-01-27", "2025-02-05"))
    assert find_due(section, sessions, scheduled=evening, now=evening, done="2024-12-31").days == ("2025-01-27",)


def test_late_bars_of_a_market_without_announcements(tmp_path: Path) -> None:
    section = ScheduleSection()
    sessions = Sessions.of(section, table(tmp_path, "2025-01-24", "2025-01-27"))
    evening = at("2025-01-28T18:00+08:00")
    assert find_due(section, sessions, scheduled=evening, now=evening, done="2025-01-24") == Due(
        ("2025-01-27", "2025-01-28"), "catching up on 2 sessions from 2025-01-27"
    )


@pytest.mark.parametrize(("name", "hint"), [("XSHH", "; did you mean 'XSHG'?"), ("nowhere", "")])
def test_an_unknown_exchange(tmp_path: Path, name: str, hint: str) -> None:
    section = ScheduleSection(exchange=name)
    for ask in (lambda: schedule_for(section), lambda: Sessions.of(section, table(tmp_path, "2025-01-24"))):
        with pytest.raises(InputError, match=f"exchange_calendars has no {name!r}") as error:
            ask()
        assert str(error.value).endswith(hint)


def test_without_exchange_calendars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "exchange_calendars", None)
    with pytest.raises(InputError, match=r"pip install 'rollflow\[online\]'"):
        schedule_for(SESSION)
    assert schedule_for(ScheduleSection()).cron == "0 18 * * 1,2,3,4,5"


def test_a_time_that_yaml_takes_for_a_number() -> None:
    assert ScheduleSection.model_validate({"close": 900}).close == "15:00"
    assert ScheduleSection.model_validate({"close": "9:30"}).regular_close == timedelta(hours=9.5)


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"time_zone": "Asia/Shanghia"}, "no time zone 'Asia/Shanghia'; did you mean 'Asia/Shanghai'"),
        ({"time_zone": "../etc/passwd"}, "no time zone"),
        ({"close": "25:00"}, "match pattern"),
        ({"close": 24 * 60}, "valid string"),
        ({"delay": -1}, "greater than or equal to 0"),
        ({"when": "monthly"}, "last session of month"),
        ({"latest": 0}, "greater than 0"),
        ({"exchange": ""}, "at least 1"),
        ({"exchange": "XNYS", "close": "16:00"}, "close: the exchange XNYS says that"),
        ({"exchange": "XNYS", "time_zone": "UTC"}, "time_zone: the exchange XNYS says that"),
        ({"exchnage": "XNYS"}, "Extra inputs"),
    ],
)
def test_a_wrong_section(section: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        ScheduleSection.model_validate(section)


def test_how_late_a_run_is_when_clocks_go_back(new_york: Sessions) -> None:
    zone = new_york.zone
    scheduled, now = datetime(2026, 10, 31, 17, tzinfo=zone), datetime(2026, 11, 1, 5, tzinfo=zone)
    due = find_due(ScheduleSection(exchange="XNYS"), new_york, scheduled=scheduled, now=now)
    assert due.why == "2026-10-30 is left to the next run: this one starts 13.0 hours late"


def test_moments_in_utc(shanghai: Sessions) -> None:
    now = datetime(2026, 1, 5, 10, tzinfo=UTC)
    assert find_due(SESSION, shanghai, scheduled=now, now=now).days == ("2026-01-05",)
