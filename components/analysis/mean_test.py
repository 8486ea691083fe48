"""Means of a series whose days depend on each other, and what they prove."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Mean:
    """A mean over days, and how sure it is."""

    value: float
    #: Standard error; infinite for fewer than two days.
    error: float
    days: int


def hac_mean(values: npt.ArrayLike, lag: int | None = None) -> Mean:
    """Mean of a time series with a standard error that holds for autocorrelated, heteroskedastic values.

    The error is that of Newey and West, "A Simple, Positive Semi-definite, Heteroskedasticity and Autocorrelation
    Consistent Covariance Matrix", Econometrica 55 (1987): covariances at the lags 1..L weighted with 1 - l/(L+1).
    It is multiplied with n/(n-1), as a sample's variance is.

    Args:
        values: One a day, in order; NaN are left out.
        lag: The largest lag L that counts; None: 4 (n/100)^(2/9), the rule of Newey and West, "Automatic Lag
            Selection in Covariance Matrix Estimation", Review of Economic Studies 61 (1994).

    Returns:
        NaN and an infinite error for no value, an infinite error for one.

    """
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    days = len(known)
    if days < 2:
        return Mean(float(known[0]) if days else math.nan, math.inf, days)
    lag = min(int(4 * (days / 100) ** (2 / 9)) if lag is None else lag, days - 1)
    away = known - known.mean()
    variance = float(away @ away)
    for distance in range(1, lag + 1):
        variance += 2 * (1 - distance / (lag + 1)) * float(away[distance:] @ away[:-distance])
    return Mean(float(known.mean()), math.sqrt(max(variance, 0.0) / days / (days - 1)), days)


def chance_of_more(mean: Mean) -> float:
    """How likely a mean of at least that much is if the true one is 0: Student's t, one-sided.

    1 for a mean that is not above 0, and for one whose error is not known.
    """
    if not mean.value > 0 or math.isinf(mean.error):
        return 1.0
    return 0.0 if mean.error == 0 else float(stdtr(mean.days - 1, -mean.value / mean.error))


def difference(one: Mean, other: Mean) -> tuple[float, float, float]:
    """The difference of two independent means, its standard error, and its degrees of freedom (Welch, 1947)."""
    squares = one.error**2, other.error**2
    error = math.sqrt(sum(squares))
    if not 0 < error < math.inf:
        return one.value - other.value, error, math.inf
    shares = sum(square**2 / (mean.days - 1) for square, mean in zip(squares, (one, other), strict=True))
    return one.value - other.value, error, sum(squares) ** 2 / shares
