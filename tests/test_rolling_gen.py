from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from components.data import Segment
from components.data.calendar import TradingCalendar
from components.errors import InputError
from components.tasks import RollingGen, TrainingTask


def task_of(segments: Mapping[str, Any], handler_end: str | None = None) -> TrainingTask:
    handler = {"class": "Alpha158", "kwargs": {"end_time": handler_end}}
    return TrainingTask.from_config(
        {"model": {"class": "LGBModel"}, "dataset": {"kwargs": {"handler": handler, "segments": segments}}}
    )


def handler_end(task: TrainingTask) -> str | None:
    end: str | None = task.handler["kwargs"]["end_time"]
    return end


# --- Literal windows on a calendar of every day of January 2024, so that positions can be read off ----------------

JANUARY = TradingCalendar.of(f"2024-01-{day:02}" for day in range(1, 32))
TEMPLATE = {
    "train": ("2024-01-02", "2024-01-06"),
    "valid": ("2024-01-07", "2024-01-10"),
    "test": ("2024-01-11", "2024-01-20"),
}


def january(segments: dict[str, Segment]) -> dict[str, tuple[int, int]]:
    return {name: (int(str(a)[-2:]), int(str(b)[-2:])) for name, (a, b) in segments.items()}


def windows(tasks: list[TrainingTask]) -> list[dict[str, tuple[int, int]]]:
    return [january(task.segments) for task in tasks]


def test_expanding_windows_with_a_gap() -> None:
    tasks = RollingGen(step=4, kind="expanding", gap=2, calendar=JANUARY).generate(task_of(TEMPLATE))
    assert windows(tasks) == [
        {"train": (2, 6), "valid": (7, 9), "test": (11, 14)},
        {"train": (2, 10), "valid": (11, 13), "test": (15, 18)},
        {"train": (2, 14), "valid": (15, 17), "test": (19, 22)},  # a full step, past the wanted 20th
    ]


def test_sliding_windows_without_a_gap() -> None:
    tasks = RollingGen(step=4, kind="sliding", calendar=JANUARY).generate(task_of(TEMPLATE))
    assert windows(tasks) == [
        {"train": (2, 6), "valid": (7, 10), "test": (11, 14)},
        {"train": (6, 10), "valid": (11, 14), "test": (15, 18)},
        {"train": (10, 14), "valid": (15, 18), "test": (19, 22)},
    ]


def test_the_last_window_is_clipped_or_dropped_when_asked() -> None:
    def tests(last: Any) -> list[tuple[int, int]]:
        tasks = RollingGen(step=4, calendar=JANUARY, last=last).generate(task_of(TEMPLATE))
        return [window["test"] for window in windows(tasks)]

    assert tests("full") == [(11, 14), (15, 18), (19, 22)]
    assert tests("clip") == [(11, 14), (15, 18), (19, 20)]
    assert tests("drop") == [(11, 14), (15, 18)]


def test_a_period_shorter_than_the_step_is_one_window_or_an_error_when_dropped() -> None:
    (window,) = RollingGen(step=15, calendar=JANUARY).generate(task_of(TEMPLATE))
    assert january(window.segments)["test"] == (11, 25)
    with pytest.raises(InputError, match="no whole window of 15 trading days between 2024-01-11 and 2024-01-20"):
        RollingGen(step=15, calendar=JANUARY, last="drop").generate(task_of(TEMPLATE))


def test_segments_shrink_to_the_trading_days_within() -> None:
    weekdays = TradingCalendar.of(day for day in JANUARY.days if np.is_busday(day))
    segments = {"train": ("2024-01-06", "2024-01-14"), "test": ("2024-01-20", "2024-01-28")}
    tasks = RollingGen(step=3, calendar=weekdays).generate(task_of(segments))
    assert windows(tasks) == [
        {"train": (8, 12), "test": (22, 24)},
        {"train": (8, 17), "test": (25, 29)},  # the 27th and 28th are a weekend
    ]


def test_a_training_segment_without_an_end_stops_before_the_test() -> None:
    segments = {"train": ("2024-01-02", None), "test": ("2024-01-11", None)}
    (first, *_) = RollingGen(step=30, gap=3, calendar=JANUARY).generate(task_of(segments))
    assert january(first.segments) == {"train": (2, 8), "test": (11, 31)}


def test_the_handler_loads_until_the_last_test_day() -> None:
    def ends(end: str | None) -> list[str | None]:
        tasks = RollingGen(step=4, calendar=JANUARY).generate(task_of(TEMPLATE, end))
        return [handler_end(task) for task in tasks]

    assert ends("2024-01-01") == ["2024-01-14", "2024-01-18", "2024-01-22"]
    assert ends("2024-01-16") == ["2024-01-16", "2024-01-18", "2024-01-22"]
    assert ends("2024-03-01") == ["2024-03-01"] * 3
    assert ends(None) == [None] * 3


def test_a_handler_end_on_a_holiday_before_the_last_test_day_moves_too() -> None:
    weekdays = TradingCalendar.of(day for day in JANUARY.days if np.is_busday(day))
    segments = {"train": ("2024-01-02", "2024-01-05"), "test": ("2024-01-08", "2024-01-15")}
    (task,) = RollingGen(step=6, calendar=weekdays).generate(task_of(segments, "2024-01-13"))
    assert handler_end(task) == "2024-01-15"


def test_fit_dates_of_the_handler_stay() -> None:
    task = task_of(TEMPLATE).with_handler_kwargs(fit_start_time="2024-01-02", fit_end_time="2024-01-06")
    for window in RollingGen(step=4, kind="sliding", gap=2, calendar=JANUARY).generate(task):
        assert window.handler["kwargs"]["fit_end_time"] == "2024-01-06"


def test_the_template_stays_as_it_is() -> None:
    task = task_of(TEMPLATE, "2024-01-01")
    before = task.key
    RollingGen(step=4, gap=2, calendar=JANUARY).generate(task)
    assert TrainingTask.from_config(task.to_config()).key == before
    assert task.segments == TEMPLATE


def test_following_goes_on_whole_after_a_window_cut_by_the_calendar() -> None:
    short = TradingCalendar(JANUARY.days[:20])
    *_, last = RollingGen(step=8, calendar=short).generate(task_of({**TEMPLATE, "test": ("2024-01-11", None)}))
    assert january(last.segments)["test"] == (19, 20)
    (following,) = RollingGen(step=8, calendar=JANUARY).following(last)
    assert january(following.segments)["test"] == (27, 31)
    assert RollingGen(step=8, calendar=JANUARY).following(last, "2024-01-26") == []


def test_following_leaves_the_gap_even_after_a_window_that_has_none() -> None:
    (following,) = RollingGen(step=10, gap=3, calendar=JANUARY).following(task_of(TEMPLATE), "2024-01-21")
    assert january(following.segments) == {"train": (2, 16), "valid": (17, 18), "test": (21, 30)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 0}, "step=0: a window must move on by at least 1 trading day"),
        ({"gap": -1}, "gap=-1: .* cannot be negative"),
        ({"kind": "slidng"}, "kind='slidng': expected expanding or sliding; did you mean 'sliding'"),
        ({"last": "all"}, "last='all': expected full or clip or drop"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        RollingGen(calendar=JANUARY, **options)


@pytest.mark.parametrize(
    ("segments", "gap", "message"),
    [
        (
            TEMPLATE,
            5,
            r"test from 2024-01-11: a gap of 5 .* nothing of segment 'valid', .* 2024-01-07 .* by 2024-01-06",
        ),
        (TEMPLATE, 11, r"nothing of segment 'train', .* end before the calendar's first day 2024-01-01"),
        ({**TEMPLATE, "valid": TEMPLATE["test"]}, 0, r"nothing of segment 'valid', which starts on 2024-01-11"),
        ({"trian": ("2024-01-02", "2024-01-06"), "test": TEMPLATE["test"]}, None, "'train' is missing; .* 'trian'"),
        ({"train": TEMPLATE["train"]}, None, "'test' is missing"),
        ({**TEMPLATE, "test": (None, "2024-01-20")}, None, "'test' needs a first day"),
        ({**TEMPLATE, "valid": ("2024-01-10", "2024-01-07")}, None, "'valid': no trading day between 2024-01-10"),
        ({**TEMPLATE, "live": ("2024-01-26", "2024-01-27")}, None, "'live' would start 3 trading days after"),
    ],
)
def test_segments_that_cannot_roll_are_refused(segments: Any, gap: int | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        RollingGen(step=4, gap=gap, calendar=JANUARY).generate(task_of(segments))


# --- Properties ---------------------------------------------------------------------------------------------------


@st.composite
def rollings(draw: st.DrawFn) -> tuple[RollingGen, TrainingTask, int, int]:
    """A generator, a template that suits it, and the positions of the first and the last wanted test day."""
    holidays = draw(st.sets(st.integers(1, 149), max_size=40))
    start = date(2020, 1, 1)
    calendar = TradingCalendar.of(start + timedelta(days=n) for n in range(150) if n not in holidays)
    gap = draw(st.none() | st.integers(0, 8))
    train, valid = draw(st.integers(0, 10)), draw(st.integers(12, 20))
    tested = valid + (gap or 0) + draw(st.integers(1, 10))
    until = draw(st.integers(tested, len(calendar) - 1))
    days = [str(day) for day in calendar.days]
    segments = {
        "train": (days[train], days[valid - 1]),
        "valid": (days[valid], days[tested - 1]),
        "test": (days[tested], days[until]),
    }
    rolling = RollingGen(
        step=draw(st.integers(1, 60)),
        kind=draw(st.sampled_from(["expanding", "sliding"])),
        gap=gap,
        calendar=calendar,
        last=draw(st.sampled_from(["full", "clip"])),
    )
    return rolling, task_of(segments, draw(st.sampled_from([None, days[0], days[-1]]))), tested, until


def positions(task: TrainingTask, calendar: TradingCalendar) -> dict[str, tuple[int, int]]:
    return {name: calendar.span(*segment) for name, segment in task.segments.items()}


@given(rollings())
def test_tests_tile_the_wanted_period(case: tuple[RollingGen, TrainingTask, int, int]) -> None:
    rolling, task, tested, until = case
    tests = [positions(window, rolling.calendar)["test"] for window in rolling.generate(task)]
    covered = [day for first, last in tests for day in range(first, last + 1)]
    assert covered == list(range(tested, covered[-1] + 1))
    assert all(last - first + 1 == rolling.step for first, last in tests[:-1])
    if rolling.last == "clip":
        assert covered[-1] == until
    else:
        assert until <= covered[-1] <= min(until + rolling.step - 1, len(rolling.calendar) - 1)


@given(rollings())
def test_every_window_keeps_the_gap_and_its_lengths(case: tuple[RollingGen, TrainingTask, int, int]) -> None:
    rolling, task, _, _ = case
    found = [positions(window, rolling.calendar) for window in rolling.generate(task)]
    for place, window in enumerate(found):
        for name in ("train", "valid"):
            assert window["test"][0] - window[name][1] >= max(rolling.gap or 0, 1)
            if rolling.kind == "sliding" or name == "valid":
                assert window[name][1] - window[name][0] == found[0][name][1] - found[0][name][0]
            assert window[name][1] == found[0][name][1] + place * rolling.step
        if rolling.kind == "expanding":
            assert window["train"][0] == found[0]["train"][0]


@given(rollings())
def test_following_the_first_window_gives_the_rest(case: tuple[RollingGen, TrainingTask, int, int]) -> None:
    rolling, task, _, until = case
    first, *rest = rolling.generate(task)
    assert rolling.following(first, str(rolling.calendar[until])) == rest


@given(rollings(), st.integers(1, 80))
def test_more_days_extend_the_list(case: tuple[RollingGen, TrainingTask, int, int], more: int) -> None:
    rolling, task, tested, _ = case
    shorter = TradingCalendar(rolling.calendar.days[:-more])
    assume(tested < len(shorter))
    task = task.with_segments({**task.segments, "test": (task.segments["test"][0], None)})
    step, kind, gap = rolling.step, rolling.kind, rolling.gap
    few = RollingGen(step=step, kind=kind, gap=gap, calendar=shorter).generate(task)
    many = RollingGen(step=step, kind=kind, gap=gap, calendar=rolling.calendar).generate(task)
    # Only the newest window may have been cut where the shorter calendar ended.
    assert few[:-1] == many[: len(few) - 1]
    assert few[-1].segments["train"] == many[len(few) - 1].segments["train"]
    assert few[-1].segments["test"][0] == many[len(few) - 1].segments["test"][0]


@given(rollings())
def test_the_handler_always_reaches_the_window(case: tuple[RollingGen, TrainingTask, int, int]) -> None:
    rolling, task, _, _ = case
    for window in rolling.generate(task):
        end = handler_end(window)
        assert end is None or end >= str(window.segments["test"][1])
