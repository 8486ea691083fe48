"""Windows that begin with weeks, months, quarters and years, on a calendar with holidays."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from test_input_warnings import config
from test_rolling_gen import task_of

from components.config import parse_config
from components.data import open_market, until
from components.data.calendar import TradingCalendar
from components.errors import InputError
from components.rolling import plan_windows
from components.serving.from_config import strategies_of
from components.tasks import RollingGen
from components.tasks.periods import Every, period_starts

#: Weekdays of 2024 and of the two months after it, without New Year, Good Friday and 1 May.
HOLIDAYS = ("2024-01-01", "2024-03-29", "2024-05-01", "2025-01-01")
YEAR = TradingCalendar.of(
    str(day.date()) for day in pd.bdate_range("2024-01-01", "2025-02-28", holidays=HOLIDAYS, freq="C")
)
TEMPLATE = {
    "train": ("2024-01-02", "2024-02-14"),
    "valid": ("2024-02-15", "2024-02-29"),
    "test": ("2024-03-01", "2024-06-28"),
}


def spans_tested(every: Every, **options: Any) -> list[tuple[str, str]]:
    template = TEMPLATE | {"test": options.pop("test", TEMPLATE["test"])}
    generator = RollingGen(every=every, gap=2, calendar=YEAR, **options)
    return [tuple(map(str, task.segments["test"])) for task in generator.generate(task_of(template))]  # type: ignore[misc]


def test_months() -> None:
    assert spans_tested("month") == [
        ("2024-03-01", "2024-03-28"),
        ("2024-04-01", "2024-04-30"),
        ("2024-05-02", "2024-05-31"),
        ("2024-06-03", "2024-06-28"),
    ]


def test_a_test_that_begins_within_a_period_ends_with_it() -> None:
    assert spans_tested("quarter", test=("2024-03-18", "2024-10-31")) == [
        ("2024-03-18", "2024-03-28"),
        ("2024-04-01", "2024-06-28"),
        ("2024-07-01", "2024-09-30"),
        ("2024-10-01", "2024-12-31"),  # a whole period, past the wanted 31 October
    ]
    assert spans_tested("quarter", test=("2024-03-18", "2024-10-31"), last="clip")[-1] == (
        "2024-10-01",
        "2024-10-31",
    )
    assert spans_tested("quarter", test=("2024-03-18", "2024-10-31"), last="drop")[-1] == (
        "2024-07-01",
        "2024-09-30",
    )


def test_weeks_begin_on_monday_or_on_the_first_day_after_it() -> None:
    assert spans_tested("week", test=("2024-03-25", "2024-05-10"))[:2] == [
        ("2024-03-25", "2024-03-28"),
        ("2024-04-01", "2024-04-05"),
    ]
    assert len(spans_tested("week", test=("2024-03-25", "2024-05-10"))) == 7


def test_years_and_the_end_of_the_calendar() -> None:
    assert spans_tested("year", test=("2024-03-01", None)) == [
        ("2024-03-01", "2024-12-31"),
        ("2025-01-02", "2025-02-28"),
    ]
    # what is left of 2025 is not known yet
    assert spans_tested("year", test=("2024-03-01", None), last="drop") == [("2024-03-01", "2024-12-31")]


def test_an_offset_is_counted_in_trading_days_of_the_period() -> None:
    assert spans_tested("month", offset=2, test=("2024-03-05", "2024-05-31")) == [
        ("2024-03-05", "2024-04-02"),
        ("2024-04-03", "2024-05-03"),
        ("2024-05-06", "2024-06-04"),
    ]
    # in the week of Good Friday there is no fifth day, so that its model stays for another week
    assert spans_tested("week", offset=4, test=("2024-03-22", "2024-04-12")) == [
        ("2024-03-22", "2024-04-04"),
        ("2024-04-05", "2024-04-11"),
        ("2024-04-12", "2024-04-18"),
    ]


def test_training_moves_with_the_test_and_keeps_its_distance() -> None:
    for kind, starts in (("expanding", ["2024-01-02"] * 4), ("sliding", ["2024-01-02", "2024-01-30"])):
        tasks = RollingGen(every="month", kind=kind, gap=2, calendar=YEAR).generate(task_of(TEMPLATE))  # type: ignore[arg-type]
        assert [task.segments["train"][0] for task in tasks][: len(starts)] == starts
        for task in tasks:
            ends, test = task.segments["valid"][1], task.segments["test"][0]
            assert YEAR.at_or_after(str(test)) - YEAR.at_or_before(str(ends)) == 2


def test_following_windows_are_those_of_the_whole_period() -> None:
    generator = RollingGen(every="month", gap=2, calendar=YEAR)
    windows = generator.generate(task_of(TEMPLATE))
    following = generator.following(windows[0], "2024-06-28")
    assert [task.segments for task in following] == [task.segments for task in windows[1:]]


@given(
    every=st.sampled_from(["week", "month", "quarter", "year"]),
    offset=st.integers(0, 6),
    first=st.integers(60, 250),
    days=st.sets(st.integers(0, 420), min_size=300),
)
def test_tests_tile_the_period_and_do_not_depend_on_later_days(
    every: Every, offset: int, first: int, days: set[int]
) -> None:
    start = np.datetime64("2024-01-01")
    calendar = TradingCalendar(np.array([start + day for day in sorted(days)]))
    template = {
        "train": (str(calendar[0]), str(calendar[first - 20])),
        "test": (str(calendar[first]), str(calendar[len(calendar) - 30])),
    }
    generator = RollingGen(every=every, offset=offset, gap=3, calendar=calendar)
    spans = [calendar.span(*task.segments["test"]) for task in generator.generate(task_of(template))]
    assert spans[0][0] == first
    assert all(end + 1 == begin for (_, end), (begin, _) in pairwise(spans))
    assert spans[-1][1] >= len(calendar) - 30
    cut = TradingCalendar(calendar.days[: first + 10])
    whole = period_starts(calendar, every, offset)
    assert period_starts(cut, every, offset) == [position for position in whole if position < first + 10]


def test_a_run_and_a_service_by_months() -> None:
    run = parse_config(yaml.safe_dump(config(rolling={"every": "month"})), "here")
    market = open_market(run.market)
    windows = plan_windows(run, market)
    assert [window.name for window in windows][:3] == ["2016-04-01", "2016-05-02", "2016-06-01"]
    assert len(windows) == 8
    (strategy,) = strategies_of(run, market)
    (first,) = strategy.first_tasks(until(market, "2016-05-13"))
    assert first.segments["test"] == ("2016-05-02", "2016-05-13")
    assert run.rolling.pace == "every month"
    by_days = run.with_options(step=60)
    assert (by_days.rolling.step, by_days.rolling.every) == (60, None)
    assert run.with_options(kind="sliding").rolling.every == "month"


def test_a_rule_of_promotion_must_be_met_within_a_period() -> None:
    run = parse_config(
        yaml.safe_dump(config(rolling={"every": "week"}, online={"promotion": {"rule": "ic"}})), "here"
    )
    with pytest.raises(InputError, match=r"20 days with labels are more .* the next one comes after 5 days"):
        strategies_of(run, open_market(run.market))
