"""Regression on time, by the running sums of Qlib to their last bit.

As with variances, what rounding left of days long gone tells: it is why a window of equal values has an R squared
of 0 here and of NaN there.
"""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

from components.features.kernels._compile import BOUNDS, SERIES, WINDOWS, Floats, Integers, helper, kernel
from components.features.kernels.deviations import EMPTY, advance, is_constant

#: The statistics of a window, in this order.
STATISTICS = ("Slope", "Resi", "Rsquare")


@helper
def _regressions(values: Floats, window: int, expanding: bool, results: Floats) -> None:
    """One window over one instrument. Its last day has the time `window`; each day, all times become one less."""
    spread = EMPTY
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
        spread = advance(spread, values, window, day)
        time_spread = count * time_squares - time * time
        spreads = time_spread * (count * squares - total * total)
        joint = count * products - time * total
        slope = joint / time_spread
        correlation = joint / math.sqrt(spreads) if spreads >= 0.0 else np.nan
        results[0, day] = slope
        results[1, day] = values[day] - (slope * window + (total / count - slope * (time / count)))
        results[2, day] = np.nan if is_constant(spread) and not expanding else correlation * correlation


@kernel(SERIES, BOUNDS, BOUNDS, WINDOWS, numba.float64[:, :, ::1])
def rolling_regressions(
    series: Floats, starts: Integers, ends: Integers, windows: Integers, results: npt.NDArray[np.float64]
) -> None:
    """The statistics of what is not NaN in each window, shape (windows, statistics, elements).

    NaN for less than two values, but for rounding errors. As in Qlib, R squared is NaN for a constant, but not over
    all days so far.
    """
    for instrument in range(len(starts)):
        start, end = starts[instrument], ends[instrument]
        for row in range(len(windows)):
            # not cut to the instrument's days: the times, and so the rounding, follow from the window
            window = windows[row] if windows[row] else end - start
            _regressions(series[start:end], window, windows[row] == 0, results[row, :, start:end])
