"""Compiled sums of rows that do not depend on the rows around them, as those of a matrix product do."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt


@numba.njit(
    numba.void(numba.types.Array(numba.float32, 2, "C", readonly=True), numba.float64[::1], numba.float64[::1]),
    nogil=True,
    cache=True,
)
def add_weighted(
    values: npt.NDArray[np.float32], weights: npt.NDArray[np.float64], sums: npt.NDArray[np.float64]
) -> None:
    """Add to each sum its row's values times the weights, in the order of the columns, in double precision.

    BLAS sums in an order of its own, by the number of rows and threads: a day that is scored alone would differ in
    last bits from the same day among others.

    Args:
        values: Shape (rows, columns).
        weights: Shape (columns,).
        sums: Shape (rows,).
    """
    for row in range(values.shape[0]):
        total = 0.0
        for column in range(values.shape[1]):
            total += np.float64(values[row, column]) * weights[column]
        sums[row] += total
