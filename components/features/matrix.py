"""The feature matrix: float32 values on disk, mapped into memory, of which segments are views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

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
class Table:
    """Rows of a matrix that lie together, by day and then by instrument."""

    rows: RowIndex
    #: What a model predicts on, shape (rows, features).
    X: Floats
    #: What a model learns from; the same array, unless learn processors change features.
    X_learn: Floats
    #: Labels as the data has them, shape (rows, labels).
    y: Floats
    #: Labels after the learn processors, shape (rows, labels); of rows that nobody learns from they mean nothing.
    y_learn: Floats
    #: Rows that infer processors left; None: all.
    predictable: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def between(self, first: int, last: int) -> slice:
        """Where the rows of the days from one calendar position to another lie."""
        bounds = np.searchsorted(self.rows.day, [first, last + 1])
        return slice(int(bounds[0]), int(bounds[1]))


@dataclass(frozen=True, kw_only=True)
class FeatureMatrix:
    """Prepared features and labels of a handler from `first` to `last`.

    The rows to learn from lie in a table of their own, so that those of consecutive days are one piece. Only the
    last few days, whose labels may not be known yet, are apart from the others: they move when more days come.
    """

    features: tuple[str, ...]
    labels: tuple[str, ...]
    #: The rows to learn from, and those that only serve prediction.
    learnable: Table
    other: Table
    #: The same of the last days.
    late_learnable: Table
    late_other: Table
    #: Calendar positions of the first and last day that may be asked for.
    first: int
    last: int

    @property
    def calendar(self) -> TradingCalendar:
        """The calendar of the market, which may go on before and after."""
        return self.learnable.rows.calendar

    def __len__(self) -> int:
        return sum(map(len, self._tables))

    def learn(self, start: Day | None = None, end: Day | None = None) -> Rows:
        """The rows to learn from on the days `start`..`end`: views of the matrix, nothing is copied.

        Only where days reach to late rows to learn from, there is a copy of all.

        Raises:
            InputError: when there is no such row, or a label is NaN on all of them.

        """
        first, last = self._span(start, end)
        pieces = [(table, table.between(first, last)) for table in (self.learnable, self.late_learnable)]
        X = _joined([table.X_learn[where] for table, where in pieces])
        y = _joined([table.y_learn[where] for table, where in pieces])
        if not len(X):
            raise InputError(f"no row to learn from on {self._days(first, last)}: the learn processors leave none")
        for label, column in zip(self.labels, y.T, strict=True):
            if np.isnan(column).all():
                raise InputError(f"label {label} is NaN on all rows on {self._days(first, last)}")
        return self._rows(X, y, _joined_rows([table.rows.take(where) for table, where in pieces]))

    def learnable_on(self, start: Day | None = None, end: Day | None = None) -> slice:
        """Where the rows to learn from on the days `start`..`end` lie in the table `learnable`.

        Raises:
            InputError: when there is no such row, or when some are late.

        """
        first, last = self._span(start, end)
        where, late = self.learnable.between(first, last), self.late_learnable.between(first, last)
        if late.start < late.stop:
            raise InputError(f"labels are not known yet of all days of {self._days(first, last)}")
        if where.start == where.stop:
            raise InputError(f"no row to learn from on {self._days(first, last)}: the learn processors leave none")
        return where

    def infer(self, start: Day | None = None, end: Day | None = None) -> Rows:
        """The rows to predict on the days `start`..`end`, with labels as the data has them (NaN if unknown).

        A copy, unless all of them are rows to learn from.

        Raises:
            InputError: when there is no such row.

        """
        first, last = self._span(start, end)
        pieces = [(table, table.between(first, last)) for table in self._tables]
        X, y = (_joined([getattr(table, name)[where] for table, where in pieces]) for name in ("X", "y"))
        rows = _joined_rows([table.rows.take(where) for table, where in pieces])
        kept = _joined([_flags(table)[where] for table, where in pieces])
        if sum(where.start < where.stop for _, where in pieces) > 1 or not kept.all():
            order = np.lexsort((rows.instrument, rows.day))
            order = order[kept[order]]
            X, y, rows = X[order], y[order], rows.take(order)
        if not len(rows):
            raise InputError(f"no row to predict on {self._days(first, last)}: the infer processors leave none")
        return self._rows(X, y, rows)

    def covers(self, first: int, last: int) -> bool:
        """Whether the days from calendar position `first` to `last` may be asked for."""
        return self.first <= first and last <= self.last

    def within(self, first: int, last: int) -> FeatureMatrix:
        """The same matrix, of which only some days may be asked for."""
        return replace(self, first=first, last=last)

    @property
    def _tables(self) -> tuple[Table, ...]:
        return self.learnable, self.other, self.late_learnable, self.late_other

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


def _joined(pieces: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Arrays one after the other; if only one has rows, itself and no copy."""
    filled = [piece for piece in pieces if len(piece)] or [pieces[0]]
    joined: npt.NDArray[Any] = filled[0] if len(filled) == 1 else np.concatenate(filled)
    return joined


def _joined_rows(pieces: Sequence[RowIndex]) -> RowIndex:
    day, instrument = (_joined([getattr(piece, name) for piece in pieces]) for name in ("day", "instrument"))
    return replace(pieces[0], day=day, instrument=instrument)


def _flags(table: Table) -> npt.NDArray[np.bool_]:
    return np.ones(len(table), dtype=np.bool_) if table.predictable is None else table.predictable
