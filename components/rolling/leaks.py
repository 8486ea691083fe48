"""What a model would learn from, or be told, that nobody knows on the day it predicts."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from components.config import LeakRule
from components.data import Segment, TradingCalendar
from components.data.calendar import Day
from components.errors import InputError
from components.features import DataHandler, lookahead, parse
from components.features.processors import Scaler
from components.tasks import TrainingTask
from components.tasks.windows import TEST, TRAIN, VALID

#: First and last position of a segment.
Days = tuple[int, int]


@dataclass(frozen=True)
class Leak:
    """One way in which a task sees its future."""

    rule: LeakRule
    #: What sees what, with names and days, one line.
    message: str


def refuse_leaks(
    task: TrainingTask, handler: DataHandler, calendar: TradingCalendar, allowed: Collection[LeakRule]
) -> None:
    """Do nothing for a task that does not see its future.

    Args:
        task: One window; those that are rolled from it are like it.
        handler: Its data handler.
        calendar: The trading days.
        allowed: Rules that somebody who knows better has switched off.

    Raises:
        InputError: for the first leak that is not allowed.
    """
    for leak in leaks_of(task, handler, calendar):
        if leak.rule not in allowed:
            raise InputError(f"leak: {leak.message}; if you mean that, write it down: 'allow_leaks: [{leak.rule}]'")


def leaks_of(task: TrainingTask, handler: DataHandler, calendar: TradingCalendar) -> Iterator[Leak]:
    """All leaks of a task."""
    days = {name: calendar.span(*segment) for name, segment in task.segments.items()}
    yield from _features(handler)
    yield from _segments(days, task.segments, calendar)
    yield from _labels(days, handler, calendar)
    yield from _fitted(days, task, handler, calendar)


def _features(handler: DataHandler) -> Iterator[Leak]:
    ahead = {name: lookahead(parse(text)) for name, text in handler.columns["feature"].items()}
    if seeing := [name for name, days in ahead.items() if days]:
        most = max(ahead.values())
        more = f" and {len(seeing) - 3} more" if len(seeing) > 3 else ""
        yield Leak(
            "feature",
            f"feature {', '.join(seeing[:3])}{more} looks up to {most} day{'s' * (most > 1)} ahead: "
            "the model is given what nobody knows on the day",
        )


def _segments(days: dict[str, Days], segments: dict[str, Segment], calendar: TradingCalendar) -> Iterator[Leak]:
    if TEST in days:
        start = days[TEST][0]
        for name, (_, end) in _learnt(days).items():
            if end >= start:
                last = segments[name][1] or "the end of the data"
                yield Leak(
                    "segments",
                    f"segment {name!r} reaches to {last}, into the test from {segments[TEST][0]}: "
                    "the model knows the answers",
                )
    if TRAIN in days and VALID in days:
        begin, end = max(days[TRAIN][0], days[VALID][0]), min(days[TRAIN][1], days[VALID][1])
        if begin <= end:
            yield Leak(
                "segments",
                f"segments {TRAIN!r} and {VALID!r} share the days from {calendar[begin]} to {calendar[end]}: "
                "training would be stopped by rows that it has learnt",
            )


def _learnt(days: dict[str, Days]) -> dict[str, Days]:
    """The segments that models learn from; any other may lie wherever it is wanted."""
    return {name: days[name] for name in (TRAIN, VALID) if name in days}


def _labels(days: dict[str, Days], handler: DataHandler, calendar: TradingCalendar) -> Iterator[Leak]:
    """Labels of days before the test that are only known when it has begun."""
    if TEST not in days:
        return
    start = days[TEST][0]
    ahead = max((lookahead(parse(text)) for text in handler.columns["label"].values()), default=0)
    for name, (_, end) in _learnt(days).items():
        if end < start < end + ahead:
            yield Leak(
                "gap",
                f"segment {name!r} ends on {calendar[end]} and its labels look {ahead} days ahead, beyond the "
                f"first test day {calendar[start]}; end it {ahead} days before the test (rolling.gap: auto)",
            )


def _fitted(
    days: dict[str, Days], task: TrainingTask, handler: DataHandler, calendar: TradingCalendar
) -> Iterator[Leak]:
    """Whatever is fitted on days of a segment that is not there to learn from."""
    others = {name: first for name, (first, _) in days.items() if name != TRAIN}
    if not others:
        return
    name, first = min(others.items(), key=lambda other: other[1])
    spans: list[tuple[LeakRule, str, tuple[Day | None, Day | None]]] = [
        ("fit", f"{type(step).__name__} is fitted", (step.fit_start_time, step.fit_end_time))
        for step in handler.processors
        if isinstance(step, Scaler)
    ]
    if bins := (task.model.get("kwargs") or {}).get("bin_days"):
        spans.append(("bins", f"{task.model['class']} makes its bins", tuple(bins)))
    for rule, what, (start, end) in spans:
        if calendar.span(start, end)[1] >= first:
            yield Leak(
                rule,
                f"{what} on days until {end or 'the end of the data'}, into segment {name!r} from "
                f"{calendar[first]}; end them with segment {TRAIN!r}",
            )
