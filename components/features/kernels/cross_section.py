"""Statistics over the instruments of a day, written back in place.

Every kernel takes a table whose rows are sorted by day, where each day starts (and the end), and the columns to
work on. NaN never counts and stays NaN, unless said otherwise.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from components.features.kernels._compile import Floats, Integers, helper, kernel
from components.features.kernels.summation import pairwise_sum

Table = npt.NDArray[np.float32]
Singles = npt.NDArray[np.float32]

TABLE = numba.float32[:, ::1]
STARTS = numba.int64[::1]
COLUMNS = numba.int64[::1]


@helper
def _mean(table: Table, start: int, end: int, column: int, finite: bool, values: Singles) -> np.float32:
    """Mean of what is not NaN, and if `finite` not infinite either; NaN where nothing is. `values` is overwritten.

    Pandas' mean of float32: the sum of all rows, 0 in the place of NaN, is float32 throughout.
    """
    size, count = 0, 0
    for row in range(start, end):
        value = table[row, column]
        if finite and np.isinf(value):
            continue
        missing = np.isnan(value)
        values[size] = np.float32(0.0) if missing else value
        size += 1
        count += not missing
    return pairwise_sum(values[:size]) / np.float32(count)


@helper
def _deviation(table: Table, start: int, end: int, column: int, values: Floats) -> np.float32:
    """Standard deviation with n - 1 of what is not NaN; NaN for less than two values. `values` is overwritten.

    Pandas' deviation of float32: sums are float64, and the variance is float32.
    """
    size = end - start
    count = 0
    for place in range(size):
        value = table[start + place, column]
        missing = np.isnan(value)
        values[place] = 0.0 if missing else value
        count += not missing
    if count < 2:
        return np.float32(np.nan)
    mean = pairwise_sum(values[:size]) / count
    for place in range(size):
        gap = mean - values[place]
        values[place] = 0.0 if np.isnan(table[start + place, column]) else gap * gap
    deviation: np.float32 = np.sqrt(np.float32(pairwise_sum(values[:size]) / (count - 1)))
    return deviation


@helper
def _put_means(table: Table, starts: Integers, columns: Integers, infinite: bool) -> None:
    """A day's mean in place of what is infinite, or else of what is missing."""
    values = np.empty(len(table), np.float32)
    for day in range(len(starts) - 1):
        start, end = starts[day], starts[day + 1]
        for column in columns:
            mean = _mean(table, start, end, column, infinite, values)
            for row in range(start, end):
                value = table[row, column]
                if np.isinf(value) if infinite else np.isnan(value):
                    table[row, column] = mean


@kernel(TABLE, STARTS, COLUMNS)
def standardise_days(table: Table, starts: Integers, columns: Integers) -> None:
    """Less the mean, over the standard deviation with n - 1, to the last bit of Pandas."""
    singles, doubles = np.empty(len(table), np.float32), np.empty(len(table))
    for day in range(len(starts) - 1):
        start, end = starts[day], starts[day + 1]
        for column in columns:
            mean = _mean(table, start, end, column, False, singles)
            deviation = _deviation(table, start, end, column, doubles)
            for row in range(start, end):
                table[row, column] = (table[row, column] - mean) / deviation


@kernel(TABLE, STARTS, COLUMNS)
def standardise_days_robustly(table: Table, starts: Integers, columns: Integers) -> None:
    """Less the median, over 1.4826 times the median distance from it, cut at -3 and 3, in float32 as Pandas."""
    values = np.empty(len(table), np.float32)
    for day in range(len(starts) - 1):
        start, end = starts[day], starts[day + 1]
        for column in columns:
            count = 0
            for row in range(start, end):
                if not np.isnan(table[row, column]):
                    values[count] = table[row, column]
                    count += 1
            if count == 0:
                continue
            median = np.float32(np.median(values[:count]))
            distance = np.float32(np.median(np.abs(values[:count] - median)))
            for row in range(start, end):
                score = (table[row, column] - median) / distance / np.float32(1.4826)
                if not np.isnan(score):
                    score = min(max(score, np.float32(-3.0)), np.float32(3.0))
                table[row, column] = score


@kernel(TABLE, STARTS, COLUMNS)
def rank_days(table: Table, starts: Integers, columns: Integers) -> None:
    """Ranks from 1/n to 1, tied ones averaged, then moved to mean 0 and deviation 1: (rank - 0.5) * 3.46."""
    values = np.empty(len(table))
    rows = np.empty(len(table), dtype=np.int64)
    for day in range(len(starts) - 1):
        for column in columns:
            count = 0
            for row in range(starts[day], starts[day + 1]):
                if not np.isnan(table[row, column]):
                    values[count] = table[row, column]
                    rows[count] = row
                    count += 1
            order = np.argsort(values[:count])
            place = 0
            while place < count:
                after = place + 1
                while after < count and values[order[after]] == values[order[place]]:
                    after += 1
                rank = (place + 1 + after) / 2.0 / count
                for tied in range(place, after):
                    table[rows[order[tied]], column] = (rank - 0.5) * 3.46
                place = after


@kernel(TABLE, STARTS, COLUMNS)
def fill_days(table: Table, starts: Integers, columns: Integers) -> None:
    """The day's mean where there is NaN."""
    _put_means(table, starts, columns, False)


@kernel(TABLE, STARTS, COLUMNS)
def replace_infinite(table: Table, starts: Integers, columns: Integers) -> None:
    """The mean of the day's finite values where there is plus or minus infinity."""
    _put_means(table, starts, columns, True)
