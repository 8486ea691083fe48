"""Rolling operators made of moments: sums, means, deviations, correlations and trends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.features.rolling_operators import Array, Bounds, Floats, Request, keys, rolling, windows


@rolling
def sums(requests: Sequence[Request], inputs: Sequence[Floats], bounds: Bounds) -> list[Array]:
    """Sum and Mean."""
    from components.features.kernels.sums import STATISTICS, window_sums

    series, lengths = inputs[0], windows(requests)
    totals = np.zeros((len(lengths), STATISTICS, len(series)))
    window_sums(series, bounds.starts, bounds.ends, np.array(lengths), totals)
    results: list[Array] = []
    for request in requests:
        count, total = totals[lengths.index(int(request.window))]
        if request.operator == "Sum":
            results.append(np.where(count > 0, total, np.nan))
        else:
            results.append(total / count)
    return results


@rolling
def deviations(requests: Sequence[Request], inputs: Sequence[Floats], bounds: Bounds) -> list[Array]:
    """Std and Var."""
    from components.features.kernels.deviations import STATE_SIZE, rolling_variances

    series, lengths = inputs[0], windows(requests)
    variances = np.empty((len(lengths), len(series)))
    with bounds.updates(keys(requests, lengths), STATE_SIZE) as going:
        ends = bounds.starts, bounds.ends, going.firsts, going.lasts
        rolling_variances(series, *ends, np.array(lengths), going.states, variances)
    results: list[Array] = []
    for request in requests:
        variance = variances[lengths.index(int(request.window))]
        # rounding errors may have made a variance of 0 negative
        results.append(np.sqrt(np.maximum(variance, 0)) if request.operator == "Std" else variance)
    return results


@rolling
def pairs(requests: Sequence[Request], inputs: Sequence[Floats], bounds: Bounds) -> list[Array]:
    """Corr, Cov: of the days on which neither series is NaN."""
    from components.features.kernels.correlations import STATE_SIZE, STATISTICS, rolling_pairs

    (left, right), lengths = inputs, windows(requests)
    statistics = np.empty((len(lengths), len(STATISTICS), len(left)))
    with bounds.updates(keys(requests, lengths), STATE_SIZE) as going:
        ends = bounds.starts, bounds.ends, going.firsts, going.lasts
        rolling_pairs(left, right, *ends, np.array(lengths), going.states, statistics)
    return [statistics[lengths.index(int(each.window)), STATISTICS.index(each.operator)] for each in requests]


@rolling
def trends(requests: Sequence[Request], inputs: Sequence[Floats], bounds: Bounds) -> list[Array]:
    """Slope, Resi and Rsquare of the regression on time, of the days that are not NaN."""
    from components.features.kernels.regression import STATE_SIZE, STATISTICS, rolling_regressions

    series, lengths = inputs[0], windows(requests)
    regressions = np.empty((len(lengths), len(STATISTICS), len(series)))
    with bounds.updates(keys(requests, lengths), STATE_SIZE) as going:
        ends = bounds.starts, bounds.ends, going.firsts, going.lasts
        rolling_regressions(series, *ends, np.array(lengths), going.states, regressions)
    return [regressions[lengths.index(int(each.window)), STATISTICS.index(each.operator)] for each in requests]
