"""What the families of rolling operators share.

A family computes at once all operators that share work on the same series: ``(requests, inputs, offsets) ->
results``, with the series of all instruments one after the other and one result per request. Rolling operators take
and give float64, need one value that is not NaN, and take infinite values for missing ones, as Pandas does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Request:
    """One operator to compute on the series of its family."""

    operator: str
    window: float
    quantile: float | None = None


Family = Callable[[Sequence[Request], Sequence[Array], Integers], list[Array]]


def finite(series: Array) -> Floats:
    """The series in float64, NaN where it is infinite."""
    values = series.astype(np.float64)
    infinite = np.isinf(values)
    if infinite.any():
        values[infinite] = np.nan
    return values


def windows(requests: Sequence[Request]) -> list[int]:
    """The distinct windows, sorted."""
    return sorted({int(request.window) for request in requests})


def shift(requests: Sequence[Request], inputs: Sequence[Array], offsets: Integers) -> list[Array]:
    """Ref and Delta, in the precision of the series."""
    series = inputs[0] if inputs[0].dtype.kind == "f" else inputs[0].astype(np.float64)
    results = []
    for request in requests:
        shifted = np.empty_like(series)
        for start, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
            _shift(series[start:end], int(request.window), shifted[start:end])
        results.append(series - shifted if request.operator == "Delta" else shifted)
    return results


def _shift(series: Array, days: int, shifted: Array) -> None:
    """The series as it was `days` ago; 0 days: as it was on its first day."""
    if days == 0:
        shifted[:] = series[0]
    elif days > 0:
        shifted[:days] = np.nan
        shifted[days:] = series[:-days]
    else:
        shifted[days:] = np.nan
        shifted[:days] = series[-days:]
