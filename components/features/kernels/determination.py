"""R squared of the regression on time, by the running sums of Qlib to their last bit.

As with variances, what rounding left of days long gone tells: it is why a window of equal values has an R squared
of 0 here and of NaN there.
"""

from __future__ import annotations

import math

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
def _rsquares(values: Floats, window: int, rsquares: Floats) -> None:
    """One window over one instrument. Its last day has the time `window`; each day, all times become one less."""
    count, time, time_squares = 0.0, 0.0, 0.0
    total, squares, products = 0.0, 0.0, 0.0
    for day in range(len(values)):
        products -= total
        time_squares += count - 2.0 * time
        time -= count
        if day >= window and not np.isnan(values[day - window]):
            count -= 1.0
            total -= values[day - window]
            squares -= values[day - window] * values[day - window]
        if not np.isnan(values[day]):
            count += 1.0
            time += window
            time_squares += window * window
            total += values[day]
            squares += values[day] * values[day]
            products += window * values[day]
        spreads = (count * time_squares - time * time) * (count * squares - total * total)
        correlation = (count * products - time * total) / math.sqrt(spreads) if spreads >= 0.0 else np.nan
        rsquares[day] = correlation * correlation


@kernel(SERIES, OFFSETS, WINDOWS, RESULTS)
def rolling_rsquares(series: Floats, offsets: Integers, windows: Integers, rsquares: Floats) -> None:
    """R squared of what is not NaN in each window; NaN for less than two values, but for rounding errors."""
    for instrument in range(len(offsets) - 1):
        start, end = offsets[instrument], offsets[instrument + 1]
        for row in range(len(windows)):
            window = clip(windows[row], end - start)
            _rsquares(series[start:end], window, rsquares[row, start:end])
