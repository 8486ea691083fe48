"""Sums of arrays in NumPy's order, on which their last bits depend."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from components.features.kernels._compile import helper, recursive

Number = TypeVar("Number", np.float32, np.float64)

#: Up to so many values are summed by eight running sums; more are cut in two.
_BLOCK = 128


@helper
def _block_sum(values: npt.NDArray[Number]) -> Number:
    whole = len(values) - len(values) % 8
    a = b = c = d = e = f = g = h = values.dtype.type(0)
    for place in range(0, whole, 8):
        a += values[place]
        b += values[place + 1]
        c += values[place + 2]
        d += values[place + 3]
        e += values[place + 4]
        f += values[place + 5]
        g += values[place + 6]
        h += values[place + 7]
    total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for place in range(whole, len(values)):
        total += values[place]
    return total


@recursive
def pairwise_sum(values: npt.NDArray[Number]) -> Number:
    """The sum, in the precision of the values, as ``values.sum()`` of a contiguous array."""
    if len(values) <= _BLOCK:
        return _block_sum(values)
    half = len(values) // 2
    half -= half % 8
    return pairwise_sum(values[:half]) + pairwise_sum(values[half:])
