"""Quantiles and ranks in rolling windows, from a sorted copy of each window."""

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
def _below(ordered: Floats, size: int, value: float) -> int:
    """How many are smaller. Counting all is faster than a binary search, whose branches cannot be predicted."""
    count = 0
    for place in range(size):
        count += ordered[place] < value
    return count


@helper
def _replace(ordered: Floats, size: int, old: float, new: float) -> tuple[int, int]:
    """Put one value in the place of another, NaN being none. Returns the new size and how many are below `new`."""
    if np.isnan(old):
        gap = size
        size += 1
    else:
        gap = _below(ordered, size, old)
    if np.isnan(new):
        for place in range(gap, size - 1):
            ordered[place] = ordered[place + 1]
        return size - 1, 0
    while gap > 0 and ordered[gap - 1] >= new:
        ordered[gap] = ordered[gap - 1]
        gap -= 1
    while gap < size - 1 and ordered[gap + 1] < new:
        ordered[gap] = ordered[gap + 1]
        gap += 1
    ordered[gap] = new
    return size, gap


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
def _rank(ordered: Floats, size: int, below: int) -> float:
    """Mean rank of those that equal the one with so many below, as a share of the size."""
    last = below + 1
    while last < size and ordered[last] == ordered[below]:
        last += 1
    return (below + 1 + last) / 2 / size


@kernel(SERIES, BOUNDS, BOUNDS, WINDOWS, SERIES, RESULTS, RESULTS)
def rolling_ranks(
    series: Floats,
    starts: Integers,
    ends: Integers,
    windows: Integers,
    quantiles: Floats,
    cuts: Floats,
    ranks: Floats,
) -> None:
    """Quantiles of each window, rows (window, quantile) in that order, and the rank of its last value in (0, 1]."""
    ordered = np.empty(len(series))
    for instrument in range(len(starts)):
        start, end = starts[instrument], ends[instrument]
        for row in range(len(windows)):
            window, size = clip(windows[row], end - start), 0
            for day in range(start, end):
                old = series[day - window] if day - start >= window else np.nan
                size, below = _replace(ordered, size, old, series[day])
                ranks[row, day] = np.nan if np.isnan(series[day]) else _rank(ordered, size, below)
                for column in range(len(quantiles)):
                    cuts[row * len(quantiles) + column, day] = _quantile(ordered, size, quantiles[column])
