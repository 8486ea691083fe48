"""Statistics over the instruments of a day, written back in place.

Every kernel takes a table whose rows are sorted by day, where each day starts (and the end), and the columns to
work on. NaN never counts and stays NaN, unless said otherwise.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from components.features.kernels._compile import Integers, helper, kernel

Table = npt.NDArray[np.float32]

TABLE = numba.float32[:, ::1]
STARTS = numba.int64[::1]
COLUMNS = numba.int64[::1]


@helper
def _mean(table: Table, start: int, end: int, column: int, finite: bool) -> float:
    """Mean of what is not NaN, and if `finite` not infinite either; NaN where nothing is."""
    total, count = 0.0, 0
    for row in range(start, end):
        value = table[row, column]
        if not (np.isnan(value) or (finite and np.isinf(value))):
            total += value
            count += 1
    return total / count


@helper
def _gather(table: Table, start: int, end: int, column: int, values: npt.NDArray[np.float64]) -> int:
    """Copy what is not NaN to the front of `values`; how many there are."""
    count = 0
    for row in range(start, end):
        if not np.isnan(table[row, column]):
            values[count] = table[row, column]
            count += 1
    return count


@kernel(TABLE, STARTS, COLUMNS)
def standardise_days(table: Table, starts: Integers, columns: Integers) -> None:
    """Less the mean, over the standard deviation with n - 1."""
    for day in range(len(starts) - 1):
        start, end = starts[day], starts[day + 1]
        for column in columns:
            mean = _mean(table, start, end, column, False)
            squares, count = 0.0, 0
            for row in range(start, end):
                value = table[row, column]
                if not np.isnan(value):
                    squares += (value - mean) ** 2
                    count += 1
            deviation = np.sqrt(squares / (count - 1))
            for row in range(start, end):
                table[row, column] = (table[row, column] - mean) / deviation


@kernel(TABLE, STARTS, COLUMNS)
def standardise_days_robustly(table: Table, starts: Integers, columns: Integers) -> None:
    """Less the median, over 1.4826 times the median distance from it, cut at -3 and 3."""
    values = np.empty(len(table))
    for day in range(len(starts) - 1):
        start, end = starts[day], starts[day + 1]
        for column in columns:
            count = _gather(table, start, end, column, values)
            if count == 0:
                continue
            median = np.median(values[:count])
            distance = np.median(np.abs(values[:count] - median))
            for row in range(start, end):
                score = (table[row, column] - median) / distance / 1.4826
                table[row, column] = min(max(score, -3.0), 3.0) if not np.isnan(score) else np.nan


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
    for day in range(len(starts) - 1):
        start, end = starts[day], starts[day + 1]
        for column in columns:
            mean = _mean(table, start, end, column, False)
            for row in range(start, end):
                if np.isnan(table[row, column]):
                    table[row, column] = mean


@kernel(TABLE, STARTS, COLUMNS)
def replace_infinite(table: Table, starts: Integers, columns: Integers) -> None:
    """The mean of the day's finite values where there is plus or minus infinity."""
    for day in range(len(starts) - 1):
        start, end = starts[day], starts[day + 1]
        for column in columns:
            mean = _mean(table, start, end, column, True)
            for row in range(start, end):
                if np.isinf(table[row, column]):
                    table[row, column] = mean
