"""Statistics that look at every day of each window: skewness, kurtosis, absolute deviation, and weighted means."""

from __future__ import annotations

import math

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
def _skewness(count: float, squares: float, cubes: float) -> float:
    """Adjusted Fisher-Pearson skewness from sums of powers of deviations; NaN for a constant."""
    if count < 3.0 or squares == 0.0:
        return np.nan
    return count * math.sqrt(count - 1.0) / (count - 2.0) * cubes / (squares * math.sqrt(squares))


@helper
def _kurtosis(count: float, squares: float, fourths: float) -> float:
    """Unbiased excess kurtosis from sums of powers of deviations; NaN for a constant."""
    if count < 4.0 or squares == 0.0:
        return np.nan
    scale = (count - 1.0) / ((count - 2.0) * (count - 3.0))
    return scale * (count * (count + 1.0) * fourths / (squares * squares) - 3.0 * (count - 1.0))


@kernel(SERIES, BOUNDS, BOUNDS, WINDOWS, RESULTS, RESULTS, RESULTS, RESULTS)
def rolling_shapes(
    series: Floats,
    starts: Integers,
    ends: Integers,
    windows: Integers,
    skews: Floats,
    kurtoses: Floats,
    deviations: Floats,
    weighted: Floats,
) -> None:
    """Skewness, excess kurtosis, mean absolute deviation and Qlib's WMA of what is not NaN in each window.

    WMA: the days of the window have weights 1, 2, ... divided by their sum; the mean of weight times value.
    """
    for instrument in range(len(starts)):
        start, end = starts[instrument], ends[instrument]
        for row in range(len(windows)):
            window = clip(windows[row], end - start)
            for day in range(start, end):
                first = max(start, day + 1 - window)
                count, total, weights = 0.0, 0.0, 0.0
                for place in range(first, day + 1):
                    if not np.isnan(series[place]):
                        count += 1.0
                        total += series[place]
                        weights += (place - first + 1) * series[place]
                mean = total / count
                squares, cubes, fourths, absolute = 0.0, 0.0, 0.0, 0.0
                for place in range(first, day + 1):
                    if not np.isnan(series[place]):
                        gap = series[place] - mean
                        absolute += abs(gap)
                        squares += gap * gap
                        cubes += gap * gap * gap
                        fourths += gap * gap * gap * gap
                length = day + 1 - first
                skews[row, day] = _skewness(count, squares, cubes)
                kurtoses[row, day] = _kurtosis(count, squares, fourths)
                deviations[row, day] = absolute / count
                weighted[row, day] = weights / (length * (length + 1) / 2) / count
