"""The feature matrix: float32 values on disk, mapped into memory, of which segments are views."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.data.calendar import Day, TradingCalendar
from components.data.market import Positions
from components.errors import InputError
from components.features.rows import RowIndex

Floats = npt.NDArray[np.float32]
Offsets = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows of a segment, by day and then by instrument. The arrays are read-only: others share them."""

    #: Feature values, shape (rows, features), float32, C order.
    X: Floats
    #: Labels, float32: shape (rows,), or (rows, labels) if there are several.
    y: Floats
    #: Names of the features, the columns of X.
    features: tuple[str, ...]
    #: Names of the labels.
    labels: tuple[str, ...]
    #: Day and instrument of each row.
    rows: RowIndex

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def day(self) -> Positions:
        """Calendar position of each row's day."""
        return self.rows.day

    @property
    def instrument(self) -> Positions:
        """Code of each row's instrument, an index into ``rows.instruments``."""
        return self.rows.instrument

    def index(self) -> pd.MultiIndex:
        """The index of a Series or frame of these rows: (datetime, instrument)."""
        return self.rows.to_index()


@dataclass(frozen=True, kw_only=True)
class FeatureMatrix:
    """Prepared features and labels of a handler from `first` to `last`.

    Rows lie in two parts, each by day and then by instrument: the first `learnable` rows are those to learn
    from, the others only serve prediction. So the rows to learn from on consecutive days are one piece.
    """

    features: tuple[str, ...]
    labels: tuple[str, ...]
    #: Day and instrument of all rows, in the order of the matrix; the calendar is the market's.
    rows: RowIndex
    #: Number of rows in the first part.
    learnable: int
    #: What a model predicts on, shape (rows, features).
    X: Floats
    #: What a model learns from; the same array, unless learn processors change features.
    X_learn: Floats
    #: Labels as the data has them, shape (rows, labels).
    y: Floats
    #: Labels after the learn processors, shape (learnable, labels).
    y_learn: Floats
    #: Rows that infer processors left; None: all.
    predictable: npt.NDArray[np.bool_] | None
    #: Calendar positions of the first and last day that may be asked for.
    first: int
    last: int

    @property
    def calendar(self) -> TradingCalendar:
        """The calendar of the market, which may go on before and after."""
        return self.rows.calendar

    def learn(self, start: Day | None = None, end: Day | None = None) -> Rows:
        """The rows to learn from on the days `start`..`end`: views of the matrix, nothing is copied.

        Raises:
            InputError: when there is no such row, or a label is NaN on all of them.

        """
        where = self.learnable_on(start, end)
        y = self.y_learn[where]
        for label, column in zip(self.labels, y.T, strict=True):
            if np.isnan(column).all():
                raise InputError(f"label {label} is NaN on all rows on {self._days(*self._span(start, end))}")
        return self._rows(self.X_learn[where], y, _pick(self.rows, where))

    def learnable_on(self, start: Day | None = None, end: Day | None = None) -> slice:
        """Where the rows to learn from on the days `start`..`end` lie in the matrix.

        Raises:
            InputError: when there is no such row.

        """
        first, last = self._span(start, end)
        begin, stop = _within(self.rows.day[: self.learnable], first, last)
        if begin == stop:
            raise InputError(f"no row to learn from on {self._days(first, last)}: the learn processors leave none")
        return slice(begin, stop)

    def infer(self, start: Day | None = None, end: Day | None = None) -> Rows:
        """The rows to predict on the days `start`..`end`, with labels as the data has them (NaN if unknown).

        A copy, unless the part of the other rows has none of them.

        Raises:
            InputError: when there is no such row.

        """
        first, last = self._span(start, end)
        begin, stop = _within(self.rows.day[: self.learnable], first, last)
        other, end_other = (
            self.learnable + bound for bound in _within(self.rows.day[self.learnable :], first, last)
        )
        where: slice | Offsets = slice(begin, stop)
        if other < end_other or self.predictable is not None:
            where = self._merged(np.r_[begin:stop, other:end_other])
        rows = _pick(self.rows, where)
        if not len(rows):
            raise InputError(f"no row to predict on {self._days(first, last)}: the infer processors leave none")
        return self._rows(self.X[where], self.y[where], rows)

    def covers(self, first: int, last: int) -> bool:
        """Whether the days from calendar position `first` to `last` may be asked for."""
        return self.first <= first and last <= self.last

    def within(self, first: int, last: int) -> FeatureMatrix:
        """The same matrix, of which only some days may be asked for."""
        return replace(self, first=first, last=last)

    def _merged(self, places: Offsets) -> Offsets:
        """The predictable ones of some rows, by day and then by instrument."""
        if self.predictable is not None:
            places = places[self.predictable[places]]
        rows = self.rows
        return places[np.lexsort((rows.instrument[places], rows.day[places]))]

    def _rows(self, X: Floats, y: Floats, rows: RowIndex) -> Rows:
        y = y[:, 0] if len(self.labels) == 1 else y
        return Rows(X=X, y=y, features=self.features, labels=self.labels, rows=rows)

    def _span(self, start: Day | None, end: Day | None) -> tuple[int, int]:
        first, last = self.calendar.span(start, end)
        first, last = max(first, self.first), min(last, self.last)
        if first > last:
            asked = f"{start or 'the first day'} to {end or 'the last day'}"
            raise InputError(f"no day from {asked} is among the handler's ({self._days(self.first, self.last)})")
        return first, last

    def _days(self, first: int, last: int) -> str:
        return f"{self.calendar[first]}..{self.calendar[last]}"


def _within(days: Positions, first: int, last: int) -> tuple[int, int]:
    """Where the rows of days from `first` to `last` begin and stop among rows sorted by day."""
    return int(np.searchsorted(days, first, "left")), int(np.searchsorted(days, last, "right"))


def _pick(rows: RowIndex, where: slice | Offsets) -> RowIndex:
    return replace(rows, day=rows.day[where], instrument=rows.instrument[where])
