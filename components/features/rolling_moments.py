"""Rolling operators made of moments: sums, means, deviations, correlations and trends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from components.features.families import Array, Floats, Integers, Request, finite, windows

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


def moments(requests: Sequence[Request], inputs: Sequence[Array], offsets: Integers) -> list[Array]:
    """Mean, Std, Var."""
    series = finite(inputs[0])
    totals = _moments(series, series, offsets, requests, _MOMENTS)
    results: list[Array] = []
    for request in requests:
        count, mean, squares = totals[request.window]
        if request.operator == "Mean":
            results.append(np.where(count > 0, mean, np.nan))
        else:
            variance = _per_degree(squares, count)
            results.append(np.sqrt(variance) if request.operator == "Std" else variance)
    return results


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
    deviations = [Request("Std", request.window) for request in requests]
    lefts, rights = (moments(deviations, [series], offsets) for series in (left, right))
    return {
        request.window: (one <= _FLAT) | (other <= _FLAT)
        for request, one, other in zip(requests, lefts, rights, strict=True)
    }


def trends(requests: Sequence[Request], inputs: Sequence[Array], offsets: Integers) -> list[Array]:
    """Slope, Rsquare, Resi of the regression on time, of the days that are not NaN."""
    series = finite(inputs[0])
    time = np.arange(len(series), dtype=np.float64)
    totals = _moments(series, time, offsets, requests, _COMOMENTS)
    results: list[Array] = []
    for request in requests:
        count, mean, squares, time_mean, time_squares, products = totals[request.window]
        slope = products / time_squares
        if request.operator == "Slope":
            results.append(slope)
        elif request.operator == "Resi":
            results.append(series - (mean + slope * (time - time_mean)))
        else:
            rsquare = slope * products / squares
            if request.window:
                rsquare[_per_degree(squares, count) <= _FLAT**2] = np.nan
            results.append(rsquare)
    return results


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
