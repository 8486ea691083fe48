"""From columns of a block to rows of the matrix."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from components.features.kernels._compile import kernel

#: So many rows are written at a time that their lines stay in the cache until they are full.
_TILE = 16


@kernel(numba.float32[:, ::1], numba.int32[::1], numba.int64[::1], numba.float32[:, ::1])
def scatter_rows(
    columns: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int32],
    places: npt.NDArray[np.int64],
    matrix: npt.NDArray[np.float32],
) -> None:
    """Write ``columns[:, element]`` to ``matrix[rows[element], places]``; elements of row -1 are not wanted."""
    for first in range(0, len(rows), _TILE):
        last = min(first + _TILE, len(rows))
        for column in range(len(columns)):
            for element in range(first, last):
                if rows[element] >= 0:
                    matrix[rows[element], places[column]] = columns[column, element]
