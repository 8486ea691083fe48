"""Processors that scale each column by what was seen on the days they are fitted on."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.checking import check_flag
from components.data.calendar import to_day
from components.features.processors.base import FieldsGroup, GroupProcessor, Values

#: Keeps the scale of a constant column above zero.
_EPSILON = np.float32(1e-12)
#: Standard deviation of a normal distribution over its median absolute deviation.
_NORMAL = np.float32(1.4826)
#: Centre and scale that leave a column as it is.
_UNCHANGED = np.float32(0), np.float32(1)


@dataclass(frozen=True)
class Scaler(GroupProcessor):
    """Column by column ``(x - centre) / scale``, both from the days `fit_start_time`..`fit_end_time`.

    Those days must not reach into the test segment. Sums, medians and scales are float32 as in Qlib: the last bits
    of all scores depend on it.
    """

    #: First and last day to fit on, inclusive; None is open.
    fit_start_time: str | None
    fit_end_time: str | None
    fields_group: FieldsGroup = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for day in (self.fit_start_time, self.fit_end_time):
            if day is not None:
                to_day(day)

    @property
    def bound(self) -> float | None:
        """Scaled values are cut at plus and minus this; None: they are not."""
        return None

    @abstractmethod
    def fit(self, column: npt.NDArray[np.float32]) -> tuple[np.float32, np.float32]:
        """Centre and scale of a contiguous column with NaN in it, but at least one value."""

    def scale(self, values: Values, centre: Values, scale: Values) -> None:
        """Scale columns in place."""
        np.subtract(values, centre, out=values)
        np.divide(values, scale, out=values)
        if self.bound is not None:
            np.clip(values, -self.bound, self.bound, out=values)


@dataclass(frozen=True)
class MinMaxNorm(Scaler):
    """From the smallest value, 0, to the largest, 1; a constant column stays as it is."""

    def fit(self, column: npt.NDArray[np.float32]) -> tuple[np.float32, np.float32]:
        """See `Scaler.fit`."""
        low, high = np.nanmin(column), np.nanmax(column)
        return (low, high - low) if high > low else _UNCHANGED


@dataclass(frozen=True)
class ZScoreNorm(Scaler):
    """Less the mean, over the standard deviation (n); a constant column stays as it is."""

    def fit(self, column: npt.NDArray[np.float32]) -> tuple[np.float32, np.float32]:
        """See `Scaler.fit`."""
        # not by a deviation of 0: rounding leaves a little of the mean of equal values
        constant = np.nanmin(column) == np.nanmax(column)
        return _UNCHANGED if constant else (np.nanmean(column), np.nanstd(column))


@dataclass(frozen=True)
class RobustZScoreNorm(Scaler):
    """Less the median, over 1.4826 times the median absolute deviation, cut at 3 if wished."""

    clip_outlier: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_flag("RobustZScoreNorm: clip_outlier", self.clip_outlier)

    @property
    def bound(self) -> float | None:
        """See `Scaler.bound`."""
        return 3.0 if self.clip_outlier else None

    def fit(self, column: npt.NDArray[np.float32]) -> tuple[np.float32, np.float32]:
        """See `Scaler.fit`."""
        seen = column[~np.isnan(column)]
        median = np.median(seen)
        distance = np.median(np.abs(seen - median))
        return median, (distance + _EPSILON) * _NORMAL
