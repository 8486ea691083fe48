"""Processors that scale each column by what was seen on the days they are fitted on."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.features.processors.base import FieldsGroup, GroupProcessor, Values

#: Keeps the scale of a constant column above zero.
_EPSILON = 1e-12


@dataclass(frozen=True)
class Scaler(GroupProcessor):
    """Column by column ``(x - centre) / scale``, both from the days `fit_start_time`..`fit_end_time`.

    Those days must not reach into the test segment.
    """

    #: First and last day to fit on, inclusive; None is open.
    fit_start_time: str | None
    fit_end_time: str | None
    fields_group: FieldsGroup = None

    @property
    def bound(self) -> float | None:
        """Scaled values are cut at plus and minus this; None: they are not."""
        return None

    @abstractmethod
    def fit(self, column: npt.NDArray[np.float64]) -> tuple[float, float]:
        """Centre and scale of a column without NaN, at least one value."""

    def scale(self, values: Values, centre: Values, scale: Values) -> None:
        """Scale columns in place."""
        np.subtract(values, centre, out=values)
        np.divide(values, scale, out=values)
        if self.bound is not None:
            np.clip(values, -self.bound, self.bound, out=values)


@dataclass(frozen=True)
class MinMaxNorm(Scaler):
    """From the smallest value, 0, to the largest, 1; a constant column stays as it is."""

    def fit(self, column: npt.NDArray[np.float64]) -> tuple[float, float]:
        """See `Scaler.fit`."""
        low, high = float(column.min()), float(column.max())
        return (low, high - low) if high > low else (0.0, 1.0)


@dataclass(frozen=True)
class ZScoreNorm(Scaler):
    """Less the mean, over the standard deviation (n); a constant column stays as it is."""

    def fit(self, column: npt.NDArray[np.float64]) -> tuple[float, float]:
        """See `Scaler.fit`."""
        # not by a deviation of 0: rounding leaves a little of the mean of equal values
        constant = column.min() == column.max()
        return (0.0, 1.0) if constant else (float(column.mean()), float(column.std()))


@dataclass(frozen=True)
class RobustZScoreNorm(Scaler):
    """Less the median, over 1.4826 times the median absolute deviation, cut at 3 if wished."""

    clip_outlier: bool = True

    @property
    def bound(self) -> float | None:
        """See `Scaler.bound`."""
        return 3.0 if self.clip_outlier else None

    def fit(self, column: npt.NDArray[np.float64]) -> tuple[float, float]:
        """See `Scaler.fit`."""
        median = float(np.median(column))
        distance = float(np.median(np.abs(column - median)))
        return median, (distance + _EPSILON) * 1.4826
