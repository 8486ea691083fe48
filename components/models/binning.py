"""The rows of a window in LightGBM's bins, in less time than LightGBM takes by itself."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Self

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from components.features.mapping import release
from components.progress import Progress, ProgressReport, no_progress

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.floating[Any]]
Places = npt.NDArray[np.int32]

#: What LightGBM takes for zero: kZeroThreshold in its meta.h.
_ZERO = float(np.float32(1e-35))


def binned(
    parts: Iterable[tuple[Floats, Floats]], params: Mapping[str, Any], progress: Progress = no_progress
) -> list[lgb.Dataset]:
    """Features and labels as LightGBM's own, in the bins of the first part: those that ``lgb.Dataset(X)`` has.

    The features are not needed any more afterwards. Progress is reported for each batch of rows.
    """
    sets: list[lgb.Dataset] = []
    for X, y in parts:
        same_bins = sets[0] if sets else None
        sets.append(_Dataset(_Batches(X, progress), label=y, params=dict(params), reference=same_bins).construct())
    return sets


class _Scratch(threading.local):
    """Memory that a thread keeps for its samples, for the system takes longer to hand it out than we to fill it."""

    def __init__(self) -> None:
        self._values = np.empty(0)

    def of_shape(self, *shape: int) -> Floats:
        """An array with whatever is left in it."""
        size = math.prod(shape)
        if size > len(self._values):
            self._values = np.empty(size)
        return self._values[:size].reshape(shape)


_scratch = _Scratch()


class _Batches(lgb.Sequence):
    """A matrix that LightGBM reads in batches; if it is a mapped file, none of them stays in memory."""

    batch_size = 1 << 14

    def __init__(self, X: Floats, progress: Progress) -> None:
        self.X = X
        self._progress = progress

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, rows: int | slice | list[int]) -> Floats:
        self.next_batch()
        # LightGBM's own sampling, see below, wants doubles.
        return self.X[rows] if isinstance(rows, slice) else self.X[rows].astype(np.float64)

    def next_batch(self) -> None:
        """Let go of the rows that were read before."""
        self._progress(ProgressReport())
        release(self.X)


class _Dataset(lgb.Dataset):
    """LightGBM's, with another way to take the sample of rows that the bins are made from.

    LightGBM takes it row by row in one thread, into columns that grow. That and sorting them in C++ takes almost
    half of the time of the binning.
    """

    _sampled = False

    def construct(self) -> Self:
        """Put the rows into bins, unless that has been done."""
        super().construct()
        if self.reference is None and not self._sampled:
            _say_that_it_samples_itself()
        return self

    # The name by which LightGBM 4.7 calls a private method of its own. A version that has another name for it takes
    # the sample itself: the bins are the same, and a line in the log says that it takes longer.
    def _Dataset__sample(self, *, seqs: list[_Batches], total_nrow: int) -> tuple[list[Floats], list[Places]]:  # noqa: N802
        (batches,) = seqs
        self._sampled = True
        rows = self._create_sample_indices(total_nrow=total_nrow)
        columns = _scratch.of_shape(batches.X.shape[1], len(rows))
        for start in range(0, len(rows), batches.batch_size):
            part = slice(start, start + batches.batch_size)
            batches.next_batch()
            columns[:, part] = batches.X[rows[part]].T
        everywhere = np.arange(len(rows), dtype=np.int32)
        found = [_nonzero(values, everywhere) for values in columns]
        for values, _ in found:
            _sort(values)
        return [values for values, _ in found], [where for _, where in found]


@cache
def _say_that_it_samples_itself() -> None:
    log.warning(
        "LightGBM %s takes the sample for its bins in its own way, which is slower than ours for 4.7",
        lgb.__version__,
    )


def _nonzero(values: Floats, places: Places) -> tuple[Floats, Places]:
    """What is not zero of a column, moved to its front, and the places where it was."""
    nonzero = ~(np.abs(values) <= _ZERO)  # NaN is
    count = np.count_nonzero(nonzero)
    if count == len(values):
        return values, places
    values[:count] = values[nonzero]
    return values[:count], places[nonzero]


def _sort(values: Floats) -> None:
    """Do most of LightGBM's sorting of a sample in place: NumPy has a vectorised way.

    LightGBM moves what is not NaN to the front, sorts that, and leaves the rest as it is (BinMapper::FindBin). It
    looks at all of it later, so that as many as there are NaN have to stay at the end.
    """
    values[: len(values) - np.count_nonzero(np.isnan(values))].sort()
