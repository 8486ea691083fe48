"""Windows in the same bins: the rows of a matrix are put into them once, and each window takes its part."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np

from components.data import Segment
from components.errors import InputError
from components.features import DatasetH, FeatureMatrix, Rows
from components.models.binning import binned
from components.progress import Progress, no_progress


def in_shared_bins(
    dataset: DatasetH, segments: Mapping[str, Rows], days: Segment, params: Mapping[str, Any], progress: Progress
) -> list[lgb.Dataset]:
    """Segments, each with its rows, in LightGBM's bins, made from the rows to learn from on the days given.

    Raises:
        InputError: when the segment `train` ends before these days do.
    """
    calendar = dataset.matrix.calendar
    train = dataset.segments["train"]
    if calendar.span(*days)[1] > calendar.span(*train)[1]:
        raise InputError(
            f"bins of the days until {days[1]} would tell a model that learns until {train[1]} of later days"
        )
    whole = _binned_matrix.of(dataset.matrix, days, params, progress)
    sets = []
    for name, rows in segments.items():
        where = dataset.matrix.learnable_on(*dataset.segments[name])
        part = whole.subset(list(range(where.start, where.stop)), params=dict(params)).construct()
        sets.append(part.set_label(rows.y))
    return sets


@dataclass(frozen=True)
class _Entry:
    """A binned matrix, as long as there is the matrix that it was made from."""

    #: The features of the matrix.
    source: weakref.ref[Any]
    #: The rows that the bins were made from, and LightGBM's parameters.
    bins: tuple[slice, Mapping[str, Any]]
    #: The binned rows; emptied when the features are gone.
    binned: list[lgb.Dataset]


class _BinnedMatrix:
    """The matrix that was asked for last, in bins: windows that train one after the other share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: _Entry | None = None

    def of(
        self, matrix: FeatureMatrix, days: Segment, params: Mapping[str, Any], progress: Progress = no_progress
    ) -> lgb.Dataset:
        """All rows to learn from of a matrix in the bins of some days; their labels are left to who takes some."""
        bins = (matrix.learnable_on(*days), dict(params))
        with self._lock:
            last = self._last
            if last is None or last.source() is not matrix.learnable.X_learn or last.bins != bins:
                self._last = None  # the memory is needed for the next one
                binned = [_all_rows(matrix, *bins, progress)]
                # Not under the lock: the features may be let go of at any time and in any thread.
                source = weakref.ref(matrix.learnable.X_learn, lambda _: binned.clear())
                last = self._last = _Entry(source, bins, binned)
            return last.binned[0]


def _all_rows(matrix: FeatureMatrix, bins: slice, params: Mapping[str, Any], progress: Progress) -> lgb.Dataset:
    """All rows to learn from in the bins of some of them."""
    X = matrix.learnable.X_learn
    unlabelled = np.zeros(len(X), dtype=np.float32)
    _, whole = binned([(X[bins], unlabelled[bins]), (X, unlabelled)], params, progress)
    return whole


_binned_matrix = _BinnedMatrix()
