"""Skewness and kurtosis, from every day of each window."""

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


@kernel(SERIES, BOUNDS, BOUNDS, WINDOWS, RESULTS, RESULTS)
def rolling_shapes(
    series: Floats,
    starts: Integers,
    ends: Integers,
    windows: Integers,
    skews: Floats,
    kurtoses: Floats,
) -> None:
    """Skewness and excess kurtosis of what is not NaN in each window."""
    for instrument in range(len(starts)):
        start, end = starts[instrument], ends[instrument]
        for row in range(len(windows)):
            window = clip(windows[row], end - start)
            for day in range(start, end):
                first = max(start, day + 1 - window)
                count, total = 0.0, 0.0
                for place in range(first, day + 1):
                    if not np.isnan(series[place]):
                        count += 1.0
                        total += series[place]
                mean = total / count
                squares, cubes, fourths = 0.0, 0.0, 0.0
                for place in range(first, day + 1):
                    if not np.isnan(series[place]):
                        gap = series[place] - mean
                        squares += gap * gap
                        cubes += gap * gap * gap
                        fourths += gap * gap * gap * gap
                skews[row, day] = _skewness(count, squares, cubes)
                kurtoses[row, day] = _kurtosis(count, squares, fourths)
