"""Qlib's own answers: its dates where it has any, and ours where it leaves a window open or dies."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from components.data.calendar import TradingCalendar
from components.errors import InputError
from components.tasks import MultiHorizonGen, RollingGen, TrainingTask

#: What we answer there: number of windows, the last one (train | valid | test), the end of its handler.
#: docs/windows.md says why for each.
OURS: dict[str, tuple[int, str, str | None]] = {
    "expanding_40_trunc2_to_last_calendar_day": (
        25,
        "2010-02-01 2018-12-07 | 2018-12-10 2020-12-10 | 2020-12-14 2020-12-31",
        "2020-12-31",
    ),
    "sliding_60_to_last_calendar_day": (
        17,
        "2014-01-21 2018-12-07 | 2018-12-10 2020-12-11 | 2020-12-14 2020-12-31",
        "2020-12-31",
    ),
    "expanding_60_trunc2_test_end_beyond_calendar": (
        17,
        "2010-02-01 2018-12-07 | 2018-12-10 2020-12-10 | 2020-12-14 2020-12-31",
        "2020-12-31",
    ),
    "expanding_60_trunc2_test_end_open": (
        17,
        "2010-02-01 2018-12-07 | 2018-12-10 2020-12-10 | 2020-12-14 2020-12-31",
        None,
    ),
    "sliding_250_test_end_open": (
        4,
        "2013-03-11 2018-01-25 | 2018-01-26 2020-02-05 | 2020-02-06 2020-12-31",
        None,
    ),
    "train_from_calendar_index_0_trunc2": (
        16,
        "2010-01-04 2017-06-21 | 2017-06-22 2019-06-20 | 2019-06-24 2019-08-16",
        "2019-08-16",
    ),
    "train_start_open_trunc2": (
        16,
        "None 2017-06-21 | 2017-06-22 2019-06-20 | 2019-06-24 2019-08-16",
        "2019-08-16",
    ),
    "next_window_starts_exactly_one_past_the_last_day": (
        2,
        "2010-02-01 2015-03-06 | 2015-03-09 2017-03-06 | 2020-11-06 2020-12-31",
        "2020-12-31",
    ),
    "last_window_ends_exactly_on_the_last_day_but_one": (
        3,
        "2010-02-01 2015-05-05 | 2015-05-06 2017-05-04 | 2020-12-31 2020-12-31",
        "2020-12-31",
    ),
    "last_window_has_one_day": (
        2,
        "2010-02-01 2015-05-05 | 2015-05-06 2017-05-04 | 2020-12-31 2020-12-31",
        "2020-12-31",
    ),
    "test_is_shorter_than_step_at_the_end": (
        1,
        "2010-02-01 2014-12-31 | 2015-01-05 2016-12-30 | 2020-11-20 2020-12-31",
        "2020-12-31",
    ),
    "following_expanding_40_to_last_calendar_day": (
        12,
        "2010-02-01 2019-02-12 | 2019-02-15 2020-12-16 | 2020-12-23 2020-12-31",
        "2020-12-31",
    ),
    "following_test_end_open": (
        3,
        "2010-02-01 2017-11-15 | 2017-11-20 2019-09-19 | 2019-09-26 2019-12-25",
        "2019-12-25",
    ),
    "horizons_train_from_calendar_index_0": (
        3,
        "2010-01-04 2014-12-31 | 2015-01-05 2016-12-15 | 2017-01-03 2019-06-28",
        "2018-01-01",
    ),
}


@cache
def golden(shared: Path) -> tuple[TradingCalendar, dict[str, dict[str, Any]]]:
    days = (shared / "data/cn_csi300/calendars/day.txt").read_text().split()
    cases = json.loads((shared / "goldens/rolling_segments.json").read_text())["cases"]
    return TradingCalendar.of(days), {case["name"]: case for case in cases}


def _template(case: dict[str, Any]) -> TrainingTask:
    handler = {"class": "Alpha158", "kwargs": {"end_time": case["handler_end_time"]}}
    return TrainingTask.from_config(
        {"model": {"class": "LGBModel"}, "dataset": {"kwargs": {"handler": handler, "segments": case["input"]}}}
    )


def _text(task: TrainingTask) -> str:
    return " | ".join(f"{first} {last}" for first, last in task.segments.values())


def answer(case: dict[str, Any], calendar: TradingCalendar) -> list[TrainingTask]:
    task, params = _template(case), case["params"]
    if case["kind"].startswith("MultiHorizonGen"):
        return MultiHorizonGen(
            horizons=params["horizon"], label_leak=params["label_leak_n"], calendar=calendar
        ).generate(task)
    rolling = RollingGen(step=params["step"], kind=params["rtype"], gap=params["trunc_days"], calendar=calendar)
    return rolling.following(task, case["test_end"]) if "test_end" in case else rolling.generate(task)


def as_golden(task: TrainingTask) -> dict[str, Any]:
    segments = {name: list(segment) for name, segment in task.segments.items()}
    return {"segments": segments, "handler_end_time": task.handler["kwargs"]["end_time"]}


@pytest.mark.shared
def test_gives_qlibs_dates_wherever_qlib_is_right(shared: Path) -> None:
    calendar, cases = golden(shared)
    others = {"test_starts_after_the_calendar", "following_start_lands_one_past_the_last_day"}
    same = cases.keys() - OURS.keys() - others
    assert (len(cases), len(same)) == (43, 27)
    for name in sorted(same):
        ours = [as_golden(task) for task in answer(cases[name], calendar)]
        wanted = [{key: one[key] for key in ("segments", "handler_end_time")} for one in cases[name]["output"]]
        assert ours == wanted, name


@pytest.mark.shared
@pytest.mark.parametrize("name", sorted(OURS))
def test_ends_windows_where_qlib_leaves_them_open_or_dies(shared: Path, name: str) -> None:
    calendar, cases = golden(shared)
    tasks = answer(cases[name], calendar)
    assert (len(tasks), _text(tasks[-1]), tasks[-1].handler["kwargs"]["end_time"]) == OURS[name]


@pytest.mark.shared
@pytest.mark.parametrize("name", sorted(OURS.keys() - {"following_test_end_open"}))
def test_all_windows_before_the_last_are_qlibs(shared: Path, name: str) -> None:
    calendar, cases = golden(shared)
    theirs = cases[name]["output"] or []  # nothing where it dies
    ours = [as_golden(task)["segments"] for task in answer(cases[name], calendar)]
    assert ours[: len(theirs[:-1])] == [one["segments"] for one in theirs[:-1]]


@pytest.mark.shared
def test_a_test_segment_that_is_open_is_taken_as_one_step_long(shared: Path) -> None:
    calendar, cases = golden(shared)
    tasks = answer(cases["following_test_end_open"], calendar)
    assert [task.segments["test"] for task in tasks] == [
        ("2019-04-03", "2019-07-02"),
        ("2019-07-03", "2019-09-25"),
        ("2019-09-26", "2019-12-25"),
    ]


@pytest.mark.shared
def test_a_test_after_the_calendar_is_an_error_that_names_both(shared: Path) -> None:
    calendar, cases = golden(shared)
    with pytest.raises(
        InputError, match=r"'test': no trading day between 2021-06-01 .* runs from 2010-01-04 to 2020"
    ):
        answer(cases["test_starts_after_the_calendar"], calendar)


@pytest.mark.shared
def test_nothing_follows_a_window_that_ends_with_the_calendar(shared: Path) -> None:
    calendar, cases = golden(shared)
    assert answer(cases["following_start_lands_one_past_the_last_day"], calendar) == []


@pytest.mark.shared
def test_horizons_get_qlibs_labels(shared: Path) -> None:
    calendar, cases = golden(shared)
    case = cases["horizons_1_5_10"]
    labels = [task.handler["kwargs"]["label"] for task in answer(case, calendar)]
    assert labels == [one["label"] for one in case["output"]]
