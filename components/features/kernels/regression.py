"""Regression on time, by the running sums of Qlib to their last bit.

As with variances, rounding errors of days that have left the window remain: they are why a window of equal values
has an R squared of 0 in one place and of NaN in another.
"""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

from components.features.kernels._compile import (
    BOUNDS,
    SERIES,
    STATES,
    WINDOWS,
    Floats,
    Integers,
    States,
    helper,
    kernel,
)
from components.features.kernels.deviations import STATE_SIZE as SPREAD_SIZE
from components.features.kernels.deviations import advance, is_constant, keep, load

#: The statistics of a window, in this order.
STATISTICS = ("Slope", "Resi", "Rsquare")

#: Six sums, and the state of a variance.
STATE_SIZE = 6 + SPREAD_SIZE


@helper
def _regressions(values: Floats, window: int, first: int, last: int, kept: Floats, results: Floats) -> None:
    """One window over one instrument. Its last day has the time `window`; each day, all times become one less."""
    spread = load(kept[6:])
    count, time, time_squares = kept[0], kept[1], kept[2]
    total, squares, products = kept[3], kept[4], kept[5]
    for day in range(first, len(values)):
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
        results[2, day] = np.nan if is_constant(spread) else correlation * correlation
        if day == last:
            kept[0], kept[1], kept[2] = count, time, time_squares
            kept[3], kept[4], kept[5] = total, squares, products
            keep(spread, kept[6:])


@helper
def _all_days(values: Floats, results: Floats) -> None:
    """All days so far over one instrument. Its first day has the time 1."""
    count, time, time_squares = 0.0, 0.0, 0.0
    total, squares, products = 0.0, 0.0, 0.0
    for day in range(len(values)):
        now = day + 1.0
        if not np.isnan(values[day]):
            count += 1.0
            time += now
            time_squares += now * now
            total += values[day]
            squares += values[day] * values[day]
            products += now * values[day]
        time_spread = count * time_squares - time * time
        spreads = time_spread * (count * squares - total * total)
        joint = count * products - time * total
        slope = joint / time_spread
        correlation = joint / math.sqrt(spreads) if spreads >= 0.0 else np.nan
        results[0, day] = slope
        results[1, day] = values[day] - (slope * now + (total / count - slope * (time / count)))
        results[2, day] = correlation * correlation


@kernel(SERIES, BOUNDS, BOUNDS, BOUNDS, BOUNDS, WINDOWS, STATES, numba.float64[:, :, ::1])
def rolling_regressions(
    series: Floats,
    starts: Integers,
    ends: Integers,
    firsts: Integers,
    lasts: Integers,
    windows: Integers,
    states: States,
    results: npt.NDArray[np.float64],
) -> None:
    """The statistics of what is not NaN in each window, shape (windows, statistics, elements).

    NaN for less than two values, but for rounding errors. As in Qlib, R squared is NaN for a constant, but not over
    all days so far. Updates go on from states as in `deviations.rolling_variances`, but those over all days so far.
    """
    for instrument in range(len(starts)):
        start, end = starts[instrument], ends[instrument]
        first, last = firsts[instrument] - start, lasts[instrument] - start
        for row in range(len(windows)):
            # not cut to the instrument's days: the times, and so the rounding, follow from the window
            if windows[row]:
                kept = states[instrument, row]
                _regressions(series[start:end], windows[row], first, last, kept, results[row, :, start:end])
            else:
                _all_days(series[start:end], results[row, :, start:end])
