"""Means over the days of each window, summed in NumPy's order: absolute deviations, and weighted values."""

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
from components.features.kernels.summation import pairwise_sum


@helper
def _absolute_deviation(days: Floats, values: Floats) -> float:
    """Mean distance from the mean of what is not NaN. `values` is overwritten."""
    count = 0
    for value in days:
        if not np.isnan(value):
            values[count] = value
            count += 1
    mean = pairwise_sum(values[:count]) / count
    for place in range(count):
        values[place] = abs(values[place] - mean)
    return float(pairwise_sum(values[:count]) / count)


@helper
def _weighted_mean(days: Floats, values: Floats) -> float:
    """Weights are 1, 2, ... divided by their sum; the mean of weight times value. `values` is overwritten."""
    count, total = 0, len(days) * (len(days) + 1) / 2
    for place in range(len(days)):
        missing = np.isnan(days[place])
        values[place] = 0.0 if missing else (place + 1) / total * days[place]
        count += not missing
    return float(pairwise_sum(values[: len(days)]) / count)


@kernel(SERIES, BOUNDS, BOUNDS, WINDOWS, RESULTS, RESULTS)
def rolling_means(
    series: Floats, starts: Integers, ends: Integers, windows: Integers, deviations: Floats, weighted: Floats
) -> None:
    """Mean absolute deviation and Qlib's WMA of what is not NaN in each window."""
    values = np.empty(len(series))
    for instrument in range(len(starts)):
        start, end = starts[instrument], ends[instrument]
        for row in range(len(windows)):
            window = clip(windows[row], end - start)
            for day in range(start, end):
                days = series[max(start, day + 1 - window) : day + 1]
                deviations[row, day] = _absolute_deviation(days, values)
                weighted[row, day] = _weighted_mean(days, values)
