"""What rolling operators share.

Operators that share work on the same series are computed at once: ``(requests, inputs, layout) -> results``, with
the series of all instruments one after the other and one result per request. Rolling operators take and give
float64, need one value that is not NaN, and take infinite values for missing ones, as Pandas does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np
import numpy.typing as npt

from components.features.running import Continuation

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Request:
    """One operator to compute on some series."""

    operator: str
    window: float
    quantile: float | None = None
    #: Days before the first day of the period on which the series begin; None: the value does not depend on it.
    begin: int | None = None
    #: Names its state among those that are kept.
    key: str = ""


@dataclass(frozen=True)
class Layout:
    """Where the series of some instruments lie, one after the other."""

    #: Where each series starts among the elements, and the end.
    offsets: Integers
    #: For each series, how many of its days come before the first day of the period; less than 0: it begins later.
    before: Integers
    #: How running updates go on; None: they begin with the series, and nothing is kept.
    continuation: Continuation | None = None

    @property
    def ends(self) -> Integers:
        """Where each series ends."""
        return self.offsets[1:]

    def starts(self, begin: int | None) -> Integers:
        """Where each series starts if it begins so many days before the period, or with its data."""
        if begin is None:
            return self.offsets[:-1]
        late = np.maximum(self.before - min(begin, _ALL_DAYS), 0)
        return np.minimum(self.offsets[:-1] + late, self.ends)

    def blank(self, results: Array, begin: int | None) -> None:
        """Put NaN on the days before the series begin; the elements are the last axis of `results`."""
        if begin is not None:
            offsets, starts = self.offsets[:-1], self.starts(begin)
            late = starts > offsets
            for offset, start in zip(offsets[late].tolist(), starts[late].tolist(), strict=True):
                results[..., offset:start] = np.nan


#: More days than any calendar has.
_ALL_DAYS = 1 << 31


@dataclass(frozen=True)
class Updates:
    """From which element to which running updates go, and their states, which kernels change in place."""

    firsts: Integers
    #: The elements after which the states are wanted; -1: not at all.
    lasts: Integers
    #: Shape (series, operators, numbers).
    states: Floats


@dataclass(frozen=True)
class Bounds:
    """Where series that begin together start and end."""

    starts: Integers
    ends: Integers
    _continuation: Continuation | None

    @contextmanager
    def updates(self, keys: Sequence[str], numbers: int) -> Iterator[Updates]:
        """The updates of operators with states of so many numbers, which are kept under their keys at the end."""
        states = np.zeros((len(self.starts), len(keys), numbers))
        if self._continuation is None:
            yield Updates(self.starts, np.full(len(self.starts), -1), states)
            return
        goes_on = self._continuation
        if goes_on.resumes:
            for row, key in enumerate(keys):
                states[:, row] = goes_on.states.known(key, goes_on.places, numbers)
        yield Updates(np.maximum(self.starts, goes_on.firsts), goes_on.lasts, states)
        for row, key in enumerate(keys):
            goes_on.states.table(key, numbers)[goes_on.kept_places] = states[goes_on.kept, row]


RollingOperators = Callable[[Sequence[Request], Sequence[Array], Layout], list[Array]]
#: The same for requests whose series begin together, and whose series are finite.
_Computation = Callable[[Sequence[Request], Sequence[Floats], Bounds], list[Array]]


def rolling(compute: _Computation) -> RollingOperators:
    """Rolling operators from what computes them where all series begin together."""

    @wraps(compute)
    def computed(requests: Sequence[Request], inputs: Sequence[Array], layout: Layout) -> list[Array]:
        series = [finite(values) for values in inputs]
        results: dict[Request, Array] = {}
        for begin in dict.fromkeys(request.begin for request in requests):
            together = [request for request in requests if request.begin == begin]
            values = compute(together, series, Bounds(layout.starts(begin), layout.ends, layout.continuation))
            for request, value in zip(together, values, strict=True):
                layout.blank(value, begin)
                results[request] = value
        return [results[request] for request in requests]

    return computed


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


def keys(requests: Sequence[Request], lengths: Sequence[int]) -> list[str]:
    """For each window, the key of a request that has it."""
    return [next(request.key for request in requests if request.window == length) for length in lengths]


def shift(requests: Sequence[Request], inputs: Sequence[Array], layout: Layout) -> list[Array]:
    """Ref and Delta, in the precision of the series."""
    series = inputs[0] if inputs[0].dtype.kind == "f" else inputs[0].astype(np.float64)
    results = []
    for request in requests:
        shifted = np.empty_like(series)
        layout.blank(shifted, request.begin)
        starts = layout.starts(request.begin)
        for start, end in zip(starts.tolist(), layout.ends.tolist(), strict=True):
            if start < end:
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
