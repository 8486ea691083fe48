"""Compiled hashes of the values of bars, which add up: the order in which they are read does not matter."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

# The finaliser of MurmurHash3 (https://github.com/aappleby/smhasher): a bijection in which every bit of the input
# affects every bit of the result, and 0 stays 0.
_FIRST, _SECOND = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT, _WORD = np.uint64(33), np.uint64(32)


@numba.njit(inline="always", nogil=True)
def _mixed(value: np.uint64) -> np.uint64:
    value ^= value >> _SHIFT
    value *= _FIRST
    value ^= value >> _SHIFT
    value *= _SECOND
    value ^= value >> _SHIFT
    return value


@numba.njit(
    numba.void(numba.uint32[:, ::1], numba.uint64[::1], numba.uint64[::1], numba.uint64[:, ::1]),
    nogil=True,
    cache=True,
)
def add_cells(bits: npt.NDArray[np.uint32], keys: Hashes, days: Hashes, cells: Hashes) -> None:
    """Add to `cells` the hash of each value of one field: of its bits, its day, and the key of its row.

    Args:
        bits: Values as the bits of float32, shape (instruments, days). A missing value (NaN) adds nothing.
        keys: A hash of field and instrument for each row.
        days: A number for each day, below 2**32.
        cells: What is added to, shape (instruments, days).
    """
    for row in range(bits.shape[0]):
        for day in range(bits.shape[1]):
            value = bits[row, day]
            if value & np.uint32(0x7FFFFFFF) > np.uint32(0x7F800000):  # NaN
                continue
            if value == np.uint32(0x80000000):  # -0.0, which a text file may not tell from 0.0
                value = np.uint32(0)
            cells[row, day] += _mixed(keys[row] + ((days[day] << _WORD) | np.uint64(value)))


@numba.njit(
    numba.void(numba.uint64[:, ::1], numba.int64[::1], numba.uint64[:, :, ::1]),
    nogil=True,
    cache=True,
)
def sum_cells(cells: Hashes, cuts: npt.NDArray[np.int64], sums: Hashes) -> None:
    """Two independent sums of hashes: of themselves, and mixed once more.

    Args:
        cells: Hashes, shape (instruments, days).
        cuts: Positions of days, rising.
        sums: The sums over the days from each cut to the next one, shape (instruments, cuts - 1, 2).
    """
    for row in range(cells.shape[0]):
        for part in range(len(cuts) - 1):
            plain, mixed = np.uint64(0), np.uint64(0)
            for day in range(cuts[part], cuts[part + 1]):
                plain += cells[row, day]
                mixed += _mixed(cells[row, day])
            sums[row, part, 0] = plain
            sums[row, part, 1] = mixed
