"""Correlation and covariance of rolling windows, by the running update of Pandas 3.1.

As with variances, rounding errors of days that have left a window remain, and models are trained on them. Results
are those of Pandas but for the last bit of some float64: Pandas takes a power of 0.5, this a square root.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from components.features.kernels import deviations
from components.features.kernels._compile import (
    BOUNDS,
    SERIES,
    STATES,
    WINDOWS,
    Floats,
    Integers,
    States,
    clip,
    helper,
    kernel,
)
from components.features.kernels.deviations import UNSTABLE, is_constant

#: The statistics of a window, in this order.
STATISTICS = ("Corr", "Cov")

#: Of one series: the value that came into an empty window, from which all are counted; their mean; their squared
#: deviations; and the largest deviation since the window was last summed anew.
Side = tuple[float, float, float, float]
#: Count, both series, and the products of their deviations.
State = tuple[float, Side, Side, float]
_EMPTY: State = (0.0, (0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0), 0.0)


@helper
def _move(side: Side, value: float, count: float, sign: float) -> tuple[Side, float, float]:
    """Welford's update. Returns also the deviation of the value from the mean before and after."""
    origin, mean, squares, peak = side
    value -= origin
    before = value - mean
    mean += sign * (before / count)
    after = value - mean
    return (origin, mean, squares + sign * (before * after), max(peak, abs(after))), before, after


@helper
def _update(state: State, left: float, right: float, sign: float) -> State:
    """A day comes, for a `sign` of 1, or goes, for -1."""
    count, left_side, right_side, products = state
    count += sign
    if count == 0.0:
        return _EMPTY
    if count == 1.0 and sign == 1.0:
        return count, (left, 0.0, 0.0, 0.0), (right, 0.0, 0.0, 0.0), 0.0
    left_side, _, left_after = _move(left_side, left, count, sign)
    right_side, right_before, _ = _move(right_side, right, count, sign)
    return count, left_side, right_side, products + sign * (right_before * left_after)


@helper
def _is_unstable(state: State) -> bool:
    """Whether a sum is so small beside what went through it that too few of its digits are right."""
    _, (_, _, left_squares, left_peak), (_, _, right_squares, right_peak), products = state
    return not (
        abs(products) >= left_peak * right_peak * UNSTABLE
        and left_squares >= left_peak * left_peak * UNSTABLE
        and right_squares >= right_peak * right_peak * UNSTABLE
    )


@helper
def _anew(left: Floats, right: Floats, first: int, last: int) -> State:
    state = _EMPTY
    for day in range(first, last + 1):
        if not np.isnan(left[day] + right[day]):
            state = _update(state, left[day], right[day], 1.0)
    return state


@helper
def _advance(state: State, left: Floats, right: Floats, window: int, day: int) -> State:
    """The window moves on to a day."""
    unstable = False
    gone = day - window
    if gone >= 0 and not np.isnan(left[gone] + right[gone]):
        state = _update(state, left[gone], right[gone], -1.0)
        unstable = _is_unstable(state)
    if not np.isnan(left[day] + right[day]):
        state = _update(state, left[day], right[day], 1.0)
        unstable = unstable or _is_unstable(state)
    return _anew(left, right, max(gone + 1, 0), day) if unstable else state


@helper
def _correlation(state: State) -> float:
    _, (_, _, left_squares, _), (_, _, right_squares, _), products = state
    if left_squares == 0.0 or right_squares == 0.0:
        return np.nan
    correlation = products / np.sqrt(left_squares * right_squares)
    if correlation > 1.0:
        return 1.0
    return -1.0 if correlation < -1.0 else correlation


@helper
def _covariance(state: State) -> float:
    return state[3] / (state[0] - 1.0) if state[0] > 1.0 else np.nan


#: The numbers of a `State`, and of the states of two variances.
STATE_SIZE = 10 + 2 * deviations.STATE_SIZE


@helper
def _load(kept: Floats) -> State:
    return kept[0], (kept[1], kept[2], kept[3], kept[4]), (kept[5], kept[6], kept[7], kept[8]), kept[9]


@helper
def _keep(state: State, kept: Floats) -> None:
    kept[0], left, right, kept[9] = state
    kept[1], kept[2], kept[3], kept[4] = left
    kept[5], kept[6], kept[7], kept[8] = right


@helper
def _pairs(left: Floats, right: Floats, window: int, first: int, last: int, kept: Floats, results: Floats) -> None:
    # Two variances run along: they have rounding errors of their own, by which Qlib finds the constant windows.
    state, left_spread, right_spread = _load(kept), deviations.load(kept[10:15]), deviations.load(kept[15:])
    for day in range(first, len(left)):
        state = _advance(state, left, right, window, day)
        left_spread = deviations.advance(left_spread, left, window, day)
        right_spread = deviations.advance(right_spread, right, window, day)
        constant = is_constant(left_spread) or is_constant(right_spread)
        results[0, day] = np.nan if constant else _correlation(state)
        results[1, day] = _covariance(state)
        if day == last:
            _keep(state, kept)
            deviations.keep(left_spread, kept[10:15])
            deviations.keep(right_spread, kept[15:])


@kernel(SERIES, SERIES, BOUNDS, BOUNDS, BOUNDS, BOUNDS, WINDOWS, STATES, numba.float64[:, :, ::1])
def rolling_pairs(
    left: Floats,
    right: Floats,
    starts: Integers,
    ends: Integers,
    firsts: Integers,
    lasts: Integers,
    windows: Integers,
    states: States,
    results: npt.NDArray[np.float64],
) -> None:
    """The statistics of the days without NaN in each window, shape (windows, statistics, elements).

    Correlations are NaN where one of the series is constant to Qlib, on all its days, and covariances have n - 1.
    Updates go on from states as in `deviations.rolling_variances`.
    """
    for instrument in range(len(starts)):
        start, end = starts[instrument], ends[instrument]
        first, last = firsts[instrument] - start, lasts[instrument] - start
        for row in range(len(windows)):
            window = clip(windows[row], end - start)
            kept = states[instrument, row]
            _pairs(left[start:end], right[start:end], window, first, last, kept, results[row, :, start:end])
