"""Windows that roll over a trading calendar, as positions on it; tasks and policies come in `rolling`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from components.data.calendar import Segment, TradingCalendar
from components.errors import InputError, nearest

#: The segments that every window has, and the one that early stopping looks at, under Qlib's names.
TRAIN, TEST, VALID = "train", "test", "valid"
#: First and last position of a segment, inclusive; None is open.
Span = tuple[int | None, int | None]
#: Segment name -> span.
Window = dict[str, Span]


def align(segments: Mapping[str, Segment], calendar: TradingCalendar) -> Window:
    """Positions of segments; those given off trading days shrink to the trading days within.

    Raises:
        InputError: when there is no train or test segment, the test has no first day, or a segment has no
            trading day.

    """
    for name in (TRAIN, TEST):
        if name not in segments:
            raise InputError(f"task.dataset.kwargs.segments: {name!r} is missing{nearest(name, segments)}")
    if segments[TEST][0] is None:
        raise InputError("segment 'test' needs a first day; only its last day may be open (None)")
    window: Window = {}
    for name, (start, end) in segments.items():
        try:
            first, last = calendar.span(start, end)
        except InputError as error:
            raise InputError(f"segment {name!r}: {error}") from None
        window[name] = (None if start is None else first, None if end is None else last)
    return window


def tested_from(window: Window) -> int:
    """Position of the first test day."""
    start = window[TEST][0]
    assert start is not None, "`align` refuses an open start of the test"  # noqa: S101 - narrows the type
    return start


def leave_gap(window: Window, gap: int, calendar: TradingCalendar) -> Window:
    """The window with every segment but the test ending at least `gap` trading days before the test.

    The distance is counted from last day to first day, so neighbours are 1 apart; a segment never runs into
    the test, even with a gap of 0.

    Raises:
        InputError: when no day of a segment is left.

    """
    tested = tested_from(window)
    bound = tested - max(gap, 1)
    cut: Window = {}
    for name, (start, end) in window.items():
        if name == TEST:
            cut[name] = (start, end)
        elif (start or 0) <= bound:
            cut[name] = (start, bound if end is None else min(end, bound))
        else:
            allowed = f"by {calendar[bound]}" if bound >= 0 else f"before the calendar's first day {calendar.first}"
            raise InputError(
                f"window with test from {calendar[tested]}: a gap of {gap} trading days leaves nothing of segment "
                f"{name!r}, which starts on {calendar[start or 0]} and would have to end {allowed}; "
                "take a smaller gap, an earlier segment or a later test"
            )
    return cut


def roll(first: Window, tests: Iterable[tuple[int, int]], *, expanding: bool) -> Iterator[Window]:
    """The window moved to each of some test spans.

    Everything moves by the same number of trading days, so all distances within a window stay; only the start
    of an expanding training segment stays in place. Open ends stay open, and ends may lie past the calendar.
    """
    origin = tested_from(first)
    for test in tests:
        moved = test[0] - origin
        window = {
            name: (
                start if start is None or (expanding and name == TRAIN) else start + moved,
                None if end is None else end + moved,
            )
            for name, (start, end) in first.items()
        }
        yield window | {TEST: test}
