"""Datasets of given numbers, for tests of models."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.data.calendar import TradingCalendar
from components.features import DatasetH, FeatureMatrix
from components.features.matrix import Table
from components.features.rows import RowIndex

#: Rows of each day.
A_DAY = 10


def dataset_of(X: npt.ArrayLike, y: npt.ArrayLike, **shares: float) -> DatasetH:
    """Rows as given, ten a day; segments one after the other, each with its share of the days."""
    X, y = np.ascontiguousarray(X, np.float32), np.asarray(y, np.float32).reshape(-1, 1)
    days = len(X) // A_DAY
    calendar = TradingCalendar(np.datetime64("2020-01-01") + np.arange(days))
    rows = RowIndex(
        day=np.repeat(np.arange(days, dtype=np.int32), A_DAY),
        instrument=np.tile(np.arange(A_DAY, dtype=np.int32), days),
        instruments=tuple("ABCDEFGHIJ"),
        calendar=calendar,
    )
    table = Table(rows=rows, X=X, X_learn=X, y=y, y_learn=y)
    none = Table(rows=rows.take(slice(0)), X=X[:0], X_learn=X[:0], y=y[:0], y_learn=y[:0])
    matrix = FeatureMatrix(
        features=tuple(f"f{number}" for number in range(X.shape[1])),
        labels=("LABEL0",),
        learnable=table,
        other=none,
        late_learnable=none,
        late_other=none,
        first=0,
        last=days - 1,
    )
    segments, first = {}, 0
    for name, share in shares.items():
        last = first + round(share * days) - 1
        segments[name] = (str(calendar[first]), str(calendar[last]))
        first = last + 1
    return DatasetH(matrix, segments)
