"""Rolling operators made of moments: sums, means, deviations, correlations and trends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from components.features.families import Array, Floats, Integers, Request, finite, windows
from components.features.operators import EXPANDING

#: Standard deviations up to this are those of a constant series to Qlib: no correlation, no R squared.
_FLAT = 2e-5
#: Statistics of a window: count, sum; or count, mean, squares; or these of two series and their products.
_SUMS, _MOMENTS, _COMOMENTS = 2, 3, 6


def sums(requests: Sequence[Request], inputs: Sequence[Array], offsets: Integers) -> list[Array]:
    """Sum and Mean."""
    series = finite(inputs[0])
    totals = _moments(series, series, offsets, requests, _SUMS)
    results: list[Array] = []
    for request in requests:
        count, total = totals[request.window]
        if request.operator == "Sum":
            results.append(np.where(count > 0, total, np.nan))
        else:
            results.append(total / count)
    return results


def deviations(requests: Sequence[Request], inputs: Sequence[Array], offsets: Integers) -> list[Array]:
    """Std and Var."""
    variances = _variances(finite(inputs[0]), offsets, requests)
    results: list[Array] = []
    for request in requests:
        variance = variances[request.window]
        results.append(_deviation(variance) if request.operator == "Std" else variance)
    return results


def _variances(series: Floats, offsets: Integers, requests: Sequence[Request]) -> dict[float, Floats]:
    """Window -> its variances, with the rounding errors of Pandas."""
    from components.features.kernels.deviations import rolling_variances

    lengths = windows(requests)
    variances = np.empty((len(lengths), len(series)))
    rolling_variances(series, offsets, np.array(lengths), variances)
    return dict(zip(lengths, variances, strict=True))


def _deviation(variance: Floats) -> Floats:
    """The root; rounding errors may have made a variance of 0 negative."""
    return np.sqrt(np.maximum(variance, 0))


def pairs(requests: Sequence[Request], inputs: Sequence[Array], offsets: Integers) -> list[Array]:
    """Corr, Cov: of the days on which neither series is NaN."""
    left, right = map(finite, inputs)
    totals = _moments(left, right, offsets, requests, _COMOMENTS)
    flat = _flat_windows(left, right, offsets, requests) if _alone(left, right) else None
    results: list[Array] = []
    for request in requests:
        count, _, squares, _, other_squares, products = totals[request.window]
        if request.operator == "Cov":
            results.append(_per_degree(products, count))
            continue
        correlation = products / np.sqrt(squares * other_squares)
        if flat is None:
            smaller = np.minimum(squares, other_squares)
            correlation[_per_degree(smaller, count) <= _FLAT**2] = np.nan
        else:
            correlation[flat[request.window]] = np.nan
        results.append(correlation)
    return results


def _alone(left: Floats, right: Floats) -> bool:
    """Whether there is a day with a value in one series only."""
    return bool((np.isnan(left) != np.isnan(right)).any())


def _flat_windows(
    left: Floats, right: Floats, offsets: Integers, requests: Sequence[Request]
) -> dict[float, npt.NDArray[np.bool_]]:
    """Windows in which one of the series, on all its days, is constant."""
    lefts, rights = (_moments(series, series, offsets, requests, _MOMENTS) for series in (left, right))
    return {window: _is_flat(lefts[window]) | _is_flat(rights[window]) for window in lefts}


def _is_flat(totals: Floats) -> npt.NDArray[np.bool_]:
    count, _, squares = totals
    return _per_degree(squares, count) <= _FLAT**2


def trends(requests: Sequence[Request], inputs: Sequence[Array], offsets: Integers) -> list[Array]:
    """Slope, Resi and Rsquare of the regression on time, of the days that are not NaN."""
    from components.features.kernels.determination import STATISTICS, rolling_regressions

    series, lengths = finite(inputs[0]), windows(requests)
    regressions = np.empty((len(lengths), len(STATISTICS), len(series)))
    rolling_regressions(series, offsets, np.array(lengths), regressions)
    squared = [request for request in requests if request.operator == "Rsquare" and request.window != EXPANDING]
    variances = _variances(series, offsets, squared) if squared else {}
    for length, variance in variances.items():
        rsquares = regressions[lengths.index(int(length)), STATISTICS.index("Rsquare")]
        rsquares[_deviation(variance) <= _FLAT] = np.nan
    return [regressions[lengths.index(int(each.window)), STATISTICS.index(each.operator)] for each in requests]


def _moments(
    series: Floats, other: Floats, offsets: Integers, requests: Sequence[Request], statistics: int
) -> dict[float, Floats]:
    """Window -> its statistics, shape (statistics, elements)."""
    from components.features.kernels.moments import window_moments

    lengths = windows(requests)
    totals = np.zeros((len(lengths), statistics, len(series)))
    window_moments(series, other, offsets, np.array(lengths), totals)
    return dict(zip(lengths, totals, strict=True))


def _per_degree(squares: Floats, count: Floats) -> Floats:
    """Sums over degrees of freedom (ddof 1); NaN for less than two values."""
    return np.where(count > 1, squares / (count - 1), np.nan)
