"""Variance of rolling windows, by the running update of Pandas 3 to its last bit.

A day that has left a window leaves rounding errors behind, down to windows of equal values whose variance is then
not 0. Whoever wants Qlib's numbers needs these errors too: they decide which windows count as constant, and divided
by a mean of nothing they become large.
"""

from __future__ import annotations

import sys

import numpy as np

from components.features.kernels._compile import (
    BOUNDS,
    RESULTS,
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

#: When the squares shrink below this share at once, too few of their digits are right to go on with them.
UNSTABLE = 1e3 * sys.float_info.epsilon

#: Standard deviations up to this are those of a constant series to Qlib: no correlation, no R squared.
FLAT = 2e-5

#: Count, mean, squared deviations, and what rounding took from the mean when values were added and removed.
State = tuple[float, float, float, float, float]
EMPTY: State = (0.0, 0.0, 0.0, 0.0, 0.0)
STATE_SIZE = 5


@helper
def _add(state: State, value: float) -> State:
    """Welford's update, with Kahan's compensation for the mean."""
    count, mean, squares, added, removed = state
    count += 1.0
    before = mean - added
    corrected = value - added
    gap = corrected - mean
    added = gap + mean - corrected
    mean += gap / count
    return count, mean, squares + (value - before) * (value - mean), added, removed


@helper
def _remove(state: State, value: float) -> State:
    count, mean, squares, added, removed = state
    count -= 1.0
    if count == 0.0:
        return count, 0.0, 0.0, added, removed
    before = mean - removed
    corrected = value - removed
    gap = corrected - mean
    removed = gap + mean - corrected
    mean -= gap / count
    return count, mean, squares - (value - before) * (value - mean), added, removed


@helper
def _shrank(squares: float, state: State) -> bool:
    """Whether the squared deviations, so many before, lost too many digits."""
    return squares * UNSTABLE > state[2]


@helper
def _anew(values: Floats) -> State:
    state = EMPTY
    for value in values:
        if not np.isnan(value):
            state = _add(state, value)
    return state


@helper
def advance(state: State, values: Floats, window: int, day: int) -> State:
    """The window moves on to a day."""
    unstable = False
    if day >= window and not np.isnan(values[day - window]):
        squares = state[2]
        state = _remove(state, values[day - window])
        unstable = state[0] > 0.0 and _shrank(squares, state)
    if not np.isnan(values[day]):
        squares = state[2]
        state = _add(state, values[day])
        unstable = unstable or _shrank(squares, state)
    return _anew(values[max(day + 1 - window, 0) : day + 1]) if unstable else state


@helper
def variance(state: State) -> float:
    """With n - 1; NaN for less than two values."""
    return state[2] / (state[0] - 1.0) if state[0] > 1.0 else np.nan


@helper
def is_constant(state: State) -> bool:
    """Whether Qlib takes a window for one of equal values; its deviation is NaN or a little above 0 then."""
    degrees = state[0] - 1.0
    if state[2] > 2.0 * FLAT * FLAT * degrees:  # far from it; spares the division and the root
        return False
    return degrees > 0.0 and np.sqrt(max(state[2] / degrees, 0.0)) <= FLAT


@helper
def load(kept: Floats) -> State:
    """The state of an update that goes on."""
    return kept[0], kept[1], kept[2], kept[3], kept[4]


@helper
def keep(state: State, kept: Floats) -> None:
    """Keep the state of an update for its continuation."""
    for place in range(STATE_SIZE):
        kept[place] = state[place]


@helper
def _variances(values: Floats, window: int, first: int, last: int, kept: Floats, variances: Floats) -> None:
    state = load(kept)
    for day in range(first, len(values)):
        state = advance(state, values, window, day)
        variances[day] = variance(state)
        if day == last:
            keep(state, kept)


@kernel(SERIES, BOUNDS, BOUNDS, BOUNDS, BOUNDS, WINDOWS, STATES, RESULTS)
def rolling_variances(
    series: Floats,
    starts: Integers,
    ends: Integers,
    firsts: Integers,
    lasts: Integers,
    windows: Integers,
    states: States,
    variances: Floats,
) -> None:
    """Variances with n - 1 of what is not NaN in each window; NaN for less than two values.

    Updates go on from `states`, shape (instruments, windows, numbers), with the elements at `firsts`, and their
    states after those at `lasts` are kept there.
    """
    for instrument in range(len(starts)):
        start, end = starts[instrument], ends[instrument]
        first, last = firsts[instrument] - start, lasts[instrument] - start
        for row in range(len(windows)):
            window = clip(windows[row], end - start)
            _variances(series[start:end], window, first, last, states[instrument, row], variances[row, start:end])
