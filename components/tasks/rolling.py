"""One task per window of a period that is walked through in steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal, get_args

from components.data.calendar import Day, Segment, TradingCalendar, to_day
from components.errors import InputError, nearest
from components.tasks.generator import TaskGen
from components.tasks.periods import Every, period_spans
from components.tasks.task import TrainingTask
from components.tasks.windows import TEST, Span, Window, align, leave_gap, roll, tested_from

Kind = Literal["expanding", "sliding"]
Last = Literal["full", "clip", "drop"]


@dataclass(frozen=True, kw_only=True)
class RollingGen(TaskGen):
    """Retrains every `step` trading days: one task per window, each tested on the `step` days after the last one.

    The template's segments are the first window, except that its test is cut to `step` days; the last day of
    the template's test is how far to go. Each next window lies `step` trading days later. With `every`, windows
    begin with the weeks, months, quarters or years of the calendar instead; the first test ends with its period.

    The gap is about what is known when. A label that looks `h` days ahead, such as
    ``Ref($close, -2)/Ref($close, -1) - 1`` with h = 2, is known for day t only after the close of t + h.
    A model that predicts at the close of the first test day may learn from day t only if t + h is not later, so
    the training days after that are left out: ``gap=h`` ends training h trading days before the test, as Qlib's
    `trunc_days` does. With ``gap=h + 1`` no training label touches even the first test day's return.

    Errors of `generate` and `following` are `InputError`; differences from Qlib are listed in docs/windows.md.
    """

    #: Trading days from window to window, which is also the length of a test segment.
    step: int = 40
    #: The period with which windows begin, instead of counting `step` days.
    every: Every | None = None
    #: Trading days of each period before that; a period that does not have as many begins no window.
    offset: int = 0
    #: ``expanding`` keeps the first training day, ``sliding`` the number of training days.
    kind: Kind = "expanding"
    #: Least number of trading days from the last day of any other segment to the first test day; None: as given.
    gap: int | None = None
    #: The trading days; a window never passes the last one.
    calendar: TradingCalendar
    #: A test segment that passes the wanted end is kept ``full``, cut there (``clip``) or left out (``drop``).
    last: Last = "full"

    def __post_init__(self) -> None:
        if self.step < 1:
            raise InputError(f"step={self.step}: a window must move on by at least 1 trading day")
        if self.gap is not None and self.gap < 0:
            raise InputError(f"gap={self.gap}: the days left out before the test cannot be negative")
        if self.offset < 0 or (self.offset and self.every is None):
            raise InputError(
                f"offset={self.offset}: expected a number of days of a period, and `every` to say which"
            )
        for name, value, known in (("kind", self.kind, get_args(Kind)), ("last", self.last, get_args(Last))):
            if value not in known:
                raise InputError(f"{name}={value!r}: expected {' or '.join(known)}{nearest(value, known)}")

    def generate(self, task: TrainingTask) -> list[TrainingTask]:
        """The windows from the template's test start until its test end, the first included.

        Raises:
            InputError: when a segment has no trading day, or none is left by the gap, or (with ``last="drop"``)
                the test is shorter than one step.

        """
        window = align(task.segments, self.calendar)
        start, end = tested_from(window), window[TEST][1]
        until = self._last_position if end is None else end
        tasks = self._tasks(task, self._rolled(window, self._tests(start, until)), until)
        if not tasks:
            length = f"{self.step} trading days" if self.every is None else f"a {self.every}"
            raise InputError(
                f"no whole window of {length} between {self.calendar[start]} and "
                f"{self.calendar[until]}; take shorter windows, a longer test or last='clip'"
            )
        return tasks

    def following(self, task: TrainingTask, until: Day | None = None) -> list[TrainingTask]:
        """The windows after that of `task` whose test starts by `until` (None: the calendar's end).

        Their test segments are as long as that of `task`, but at least one step, so that no day between two
        windows is left without a prediction: a test segment may have been cut short where the calendar ended. With
        `every` they end with their periods.

        Raises:
            InputError: when a segment has no trading day, or none is left by the gap.

        """
        window = align(task.segments, self.calendar)
        start, end = tested_from(window), window[TEST][1]
        length = self.step if end is None else max(end - start + 1, self.step)
        position = self._last_position if until is None else self.calendar.at_or_before(until)
        tests = islice(self._tests(start, position, length), 1, None)
        return self._tasks(task, self._rolled(window, tests), position)

    @property
    def _last_position(self) -> int:
        return len(self.calendar) - 1

    def _tests(self, start: int, until: int, length: int | None = None) -> Iterator[tuple[int, int]]:
        """The test spans from a first day on that start by a last one; of so many days each, where days count."""
        if self.every is not None:
            yield from period_spans(self.calendar, self.every, start, until, self.offset)
            return
        for first in range(start, until + 1, self.step):
            yield first, first + (length or self.step) - 1

    def _rolled(self, first: Window, tests: Iterable[tuple[int, int]]) -> Iterable[Window]:
        if self.gap is not None:
            first = leave_gap(first, self.gap, self.calendar)
        return roll(first, tests, expanding=self.kind == "expanding")

    def _tasks(self, task: TrainingTask, windows: Iterable[Window], until: int) -> list[TrainingTask]:
        """The template on each of the windows that the policy for the last one leaves."""
        tasks = []
        for window in windows:
            if self.last == "drop" and (window[TEST][1] or 0) > until:
                continue
            end = until if self.last == "clip" else self._last_position
            segments = {
                name: self._days(name, span, end if name == TEST else None) for name, span in window.items()
            }
            tasks.append(_loading_until(task.with_segments(segments), _last_day(segments)))
        return tasks

    def _days(self, name: str, span: Span, limit: int | None) -> Segment:
        """First and last day of a span, cut at a position or where the calendar ends."""
        start, end = span
        limit = self._last_position if limit is None else limit
        if start is not None and start > limit:
            raise InputError(
                f"segment {name!r} would start {start - limit} trading days after the calendar's last day "
                f"{self.calendar.last}; end the test earlier or take more data"
            )
        return (
            None if start is None else str(self.calendar[start]),
            None if end is None else str(self.calendar[min(end, limit)]),
        )


def _last_day(segments: dict[str, Segment]) -> str:
    """The last day that any segment asks for."""
    return max(end for _, end in segments.values() if end is not None)


def _loading_until(task: TrainingTask, day: str) -> TrainingTask:
    """The task with a handler that loads data at least until `day`; a later or open end stays."""
    end = (task.handler.get("kwargs") or {}).get("end_time")
    return task if end is None or to_day(end) >= to_day(day) else task.with_handler_kwargs(end_time=day)
