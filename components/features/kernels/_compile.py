"""How kernels are compiled: once, for one signature, kept on disk, and without holding the interpreter's lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Function = TypeVar("Function", bound=Callable[..., Any])
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
States = npt.NDArray[np.float64]

#: The days of several instruments, one instrument after the other.
SERIES = numba.float64[::1]
#: Where each instrument starts in a series, or where each ends; what lies between is left as it is.
BOUNDS = numba.int64[::1]
#: Lengths of windows in days; 0 is all days so far.
WINDOWS = numba.int64[::1]
#: One row per window.
RESULTS = numba.float64[:, ::1]
#: What running updates keep of each instrument and window: the numbers of their state.
STATES = numba.float64[:, :, ::1]


def kernel(*arguments: Any) -> Callable[[Function], Function]:
    """A decorator that compiles for these argument types when the module is imported."""
    return cast(
        Callable[[Function], Function],
        numba.njit(numba.void(*arguments), nogil=True, cache=True, error_model="numpy"),
    )


def helper(function: Function) -> Function:
    """A part of kernels, compiled into them: tuples handed to and fro would else go through memory."""
    return cast(Function, numba.njit(nogil=True, error_model="numpy", forceinline=True)(function))


def recursive(function: Function) -> Function:
    """As `helper`, for what calls itself."""
    return cast(Function, numba.njit(nogil=True, error_model="numpy")(function))


@helper
def clip(window: int, size: int) -> int:
    """No window is longer than the series of `size` days, and 0 is as long."""
    return min(window, size) if window else size
