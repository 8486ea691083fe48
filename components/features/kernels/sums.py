"""Sums over rolling windows, put together from those of 1, 2, 4, 8, ... days.

A window of 20 days is its last 4 days and the 16 before. The sums of every power of two come from those of its
halves, so the work and the rounding error grow with the logarithm of the window, and nothing of a day lingers after
it has left the window, as it does in running sums.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from components.features.kernels._compile import BOUNDS, SERIES, WINDOWS, Floats, Integers, helper, kernel

#: What is summed of a window, in this order: the number of values and the values.
STATISTICS = 2

#: Of all days so far: the last one, the 2 before, the 4 before those, and so on.
_EVERY_LENGTH = (1 << 62) - 1

Blocks = npt.NDArray[np.float64]


@helper
def _merge(total: Floats, start: int, part: Floats, covered: int, size: int) -> None:
    """To the sums of the last `covered` days add those of the days before.

    The days of `total` begin at `start`, those of `part` at 0. Days run backwards, so that both may be the same.
    """
    for earlier in range(size - covered - 1, -1, -1):
        day = start + covered + earlier
        total[0, day] += part[0, earlier]
        total[1, day] += part[1, earlier]


@helper
def _single_days(series: Floats, days: Floats) -> None:
    for day in range(len(series)):
        missing = np.isnan(series[day])
        days[0, day] = 0.0 if missing else 1.0
        days[1, day] = 0.0 if missing else series[day]


@kernel(SERIES, BOUNDS, BOUNDS, WINDOWS, numba.float64[:, :, ::1])
def window_sums(series: Floats, starts: Integers, ends: Integers, windows: Integers, totals: Blocks) -> None:
    """Fill in zeroed `totals`, shape (windows, statistics, elements)."""
    days = np.empty(totals.shape[1:])
    for instrument in range(len(starts)):
        start, end = starts[instrument], ends[instrument]
        size = end - start
        _single_days(series[start:end], days)
        # The order of the sums follows from the window alone: a later end of the data must not change earlier days.
        longest, length = max(windows.max(), size if windows.min() == 0 else 0), 1
        while length <= longest:
            for row in range(len(windows)):
                window = windows[row] if windows[row] else _EVERY_LENGTH
                if window & length:
                    _merge(totals[row], start, days, window & (length - 1), size)
            _merge(days, 0, days, length, size)
            length *= 2
