"""Largest value of rolling windows, and where it stands."""

from __future__ import annotations

import numpy as np

from components.features.kernels._compile import (
    BOUNDS,
    RESULTS,
    SERIES,
    WINDOWS,
    Floats,
    Integers,
    clip,
    helper,
    kernel,
)


@helper
def _find_missing(values: Floats, missing: Integers) -> None:
    """Fill in, for each day, the first day from there on that is NaN."""
    found = len(values)
    for day in range(len(values) - 1, -1, -1):
        if np.isnan(values[day]):
            found = day
        missing[day] = found


@helper
def _largest(
    values: Floats, missing: Integers, window: int, queue: Integers, largest: Floats, places: Floats
) -> None:
    """One window over one instrument. The queue holds days that may still become the largest, falling in value."""
    head, tail = 0, 0
    for day in range(len(values)):
        first = max(day - window + 1, 0)
        value = values[day]
        if not np.isnan(value):
            while tail > head and values[queue[tail - 1]] < value:
                tail -= 1
            queue[tail] = day
            tail += 1
        if tail > head and queue[head] < first:
            head += 1
        if tail == head:
            largest[day] = np.nan
            places[day] = np.nan
        else:
            best = queue[head]
            largest[day] = values[best]
            places[day] = (missing[first] if missing[first] <= day else best) - first + 1


@kernel(SERIES, BOUNDS, BOUNDS, WINDOWS, RESULTS, RESULTS)
def rolling_extremes(
    series: Floats, starts: Integers, ends: Integers, windows: Integers, largest: Floats, places: Floats
) -> None:
    """Largest value that is not NaN, and the place of the first largest, counted from 1 at the window's start.

    Like ``numpy.argmax``, the place takes a NaN for the largest of all. Both are NaN where all of a window is.
    """
    queue = np.empty(len(series), np.int64)
    missing = np.empty(len(series), np.int64)
    for instrument in range(len(starts)):
        start, end = starts[instrument], ends[instrument]
        values = series[start:end]
        _find_missing(values, missing)
        for row in range(len(windows)):
            window = clip(windows[row], end - start)
            _largest(values, missing, window, queue, largest[row, start:end], places[row, start:end])
