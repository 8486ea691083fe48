"""Moments of rolling windows, put together from those of 1, 2, 4, 8, ... days.

A window of 20 days is its last 4 days and the 16 before. The moments of every power of two come from merging those
of its halves, so the work and the rounding error grow with the logarithm of the window, and nothing of a day
lingers after it has left the window, as it does in running sums.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from components.features.kernels._compile import OFFSETS, SERIES, WINDOWS, Floats, Integers, clip, helper, kernel

#: The statistics of a window: of the first two, of the first three, or all.
COUNT, SUM = 0, 1
MEAN, SQUARES = 1, 2
OTHER_MEAN, OTHER_SQUARES, PRODUCTS = 3, 4, 5
SUM_STATISTICS, MOMENT_STATISTICS, COMOMENT_STATISTICS = 2, 3, 6

Blocks = npt.NDArray[np.float64]


@helper
def _merge_sums(total: Floats, start: int, part: Floats, covered: int, size: int) -> None:
    for earlier in range(size - covered - 1, -1, -1):
        day = start + covered + earlier
        total[COUNT, day] += part[COUNT, earlier]
        total[SUM, day] += part[SUM, earlier]


@helper
def _merge_moments(total: Floats, start: int, part: Floats, covered: int, size: int) -> None:
    """Mean and sum of squared deviations.

    Chan, Golub, LeVeque (1979), "Updating formulae and a pairwise algorithm for computing sample variances".
    """
    for earlier in range(size - covered - 1, -1, -1):
        day = start + covered + earlier
        here, before = total[COUNT, day], part[COUNT, earlier]
        share = before / max(here + before, 1.0)
        gap = part[MEAN, earlier] - total[MEAN, day]
        total[COUNT, day] = here + before
        total[MEAN, day] += gap * share
        total[SQUARES, day] += part[SQUARES, earlier] + gap * gap * here * share


@helper
def _merge_comoments(total: Floats, start: int, part: Floats, covered: int, size: int) -> None:
    """The same for two series and the sum of products of their deviations."""
    for earlier in range(size - covered - 1, -1, -1):
        day = start + covered + earlier
        here, before = total[COUNT, day], part[COUNT, earlier]
        share = before / max(here + before, 1.0)
        weight = here * share
        gap = part[MEAN, earlier] - total[MEAN, day]
        other_gap = part[OTHER_MEAN, earlier] - total[OTHER_MEAN, day]
        total[COUNT, day] = here + before
        total[MEAN, day] += gap * share
        total[OTHER_MEAN, day] += other_gap * share
        total[SQUARES, day] += part[SQUARES, earlier] + gap * gap * weight
        total[OTHER_SQUARES, day] += part[OTHER_SQUARES, earlier] + other_gap * other_gap * weight
        total[PRODUCTS, day] += part[PRODUCTS, earlier] + gap * other_gap * weight


@helper
def _merge(total: Floats, start: int, part: Floats, covered: int, size: int) -> None:
    """To the statistics of the last `covered` days add those of the days before.

    The days of `total` begin at `start`, those of `part` at 0. Days run backwards, so that both may be the same.
    """
    if len(total) == SUM_STATISTICS:
        _merge_sums(total, start, part, covered, size)
    elif len(total) == MOMENT_STATISTICS:
        _merge_moments(total, start, part, covered, size)
    else:
        _merge_comoments(total, start, part, covered, size)


@helper
def _single_days(series: Floats, other: Floats, start: int, size: int, days: Floats) -> None:
    """Statistics of windows of one day; a day on which either series is NaN does not count."""
    for day in range(size):
        for statistic in range(len(days)):
            days[statistic, day] = 0.0
        left, right = series[start + day], other[start + day]
        if not np.isnan(left + right):
            days[COUNT, day] = 1.0
            days[MEAN, day] = left
            if len(days) == COMOMENT_STATISTICS:
                days[OTHER_MEAN, day] = right


@kernel(SERIES, SERIES, OFFSETS, WINDOWS, numba.float64[:, :, ::1])
def window_moments(series: Floats, other: Floats, offsets: Integers, windows: Integers, totals: Blocks) -> None:
    """Fill in zeroed `totals`, shape (windows, statistics, elements)."""
    days = np.empty(totals.shape[1:])
    for instrument in range(len(offsets) - 1):
        start = offsets[instrument]
        size = offsets[instrument + 1] - start
        _single_days(series, other, start, size, days)
        length = 1
        while length <= size:
            for row in range(len(windows)):
                window = clip(windows[row], size)
                if window & length:
                    _merge(totals[row], start, days, window & (length - 1), size)
            _merge(days, 0, days, length, size)
            length *= 2
