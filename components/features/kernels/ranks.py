"""Quantiles and ranks in rolling windows, from a sorted copy of each window."""

from __future__ import annotations

import numpy as np

from components.features.kernels._compile import (
    OFFSETS,
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
def _below(ordered: Floats, size: int, value: float) -> int:
    """How many are smaller. Counting all is faster than a binary search, whose branches cannot be predicted."""
    count = 0
    for place in range(size):
        count += ordered[place] < value
    return count


@helper
def _replace(ordered: Floats, size: int, old: float, new: float) -> int:
    """Take out one value and put in another; NaN is none. Returns the new size."""
    if not np.isnan(old):
        size -= 1
        for place in range(_below(ordered, size + 1, old), size):
            ordered[place] = ordered[place + 1]
    if not np.isnan(new):
        position = _below(ordered, size, new)
        for place in range(size, position, -1):
            ordered[place] = ordered[place - 1]
        ordered[position] = new
        size += 1
    return size


@helper
def _quantile(ordered: Floats, size: int, quantile: float) -> float:
    """Linear interpolation between the two nearest."""
    if size == 0:
        return np.nan
    position = quantile * (size - 1)
    low = int(position)
    high = min(low + 1, size - 1)
    return float(ordered[low] + (ordered[high] - ordered[low]) * (position - low))


@helper
def _rank(ordered: Floats, size: int, value: float) -> float:
    """Mean rank of equals, as a share of the size."""
    if np.isnan(value):
        return np.nan
    smaller = _below(ordered, size, value)
    last = smaller
    while last < size and ordered[last] == value:
        last += 1
    return (smaller + 1 + last) / 2 / size


@kernel(SERIES, OFFSETS, WINDOWS, SERIES, RESULTS, RESULTS)
def rolling_ranks(
    series: Floats, offsets: Integers, windows: Integers, quantiles: Floats, cuts: Floats, ranks: Floats
) -> None:
    """Quantiles of each window, rows (window, quantile) in that order, and the rank of its last value in (0, 1]."""
    ordered = np.empty(len(series))
    for instrument in range(len(offsets) - 1):
        start, end = offsets[instrument], offsets[instrument + 1]
        for row in range(len(windows)):
            window, size = clip(windows[row], end - start), 0
            for day in range(start, end):
                old = series[day - window] if day - start >= window else np.nan
                size = _replace(ordered, size, old, series[day])
                ranks[row, day] = _rank(ordered, size, series[day])
                for column in range(len(quantiles)):
                    cuts[row * len(quantiles) + column, day] = _quantile(ordered, size, quantiles[column])
