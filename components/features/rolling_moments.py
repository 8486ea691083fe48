"""Rolling operators made of moments: sums, means, deviations, correlations and trends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.features.rolling_operators import Array, Floats, Integers, Request, rolling, windows


@rolling
def sums(requests: Sequence[Request], inputs: Sequence[Floats], starts: Integers, ends: Integers) -> list[Array]:
    """Sum and Mean."""
    from components.features.kernels.sums import STATISTICS, window_sums

    series, lengths = inputs[0], windows(requests)
    totals = np.zeros((len(lengths), STATISTICS, len(series)))
    window_sums(series, starts, ends, np.array(lengths), totals)
    results: list[Array] = []
    for request in requests:
        count, total = totals[lengths.index(int(request.window))]
        if request.operator == "Sum":
            results.append(np.where(count > 0, total, np.nan))
        else:
            results.append(total / count)
    return results


@rolling
def deviations(
    requests: Sequence[Request], inputs: Sequence[Floats], starts: Integers, ends: Integers
) -> list[Array]:
    """Std and Var."""
    from components.features.kernels.deviations import rolling_variances

    series, lengths = inputs[0], windows(requests)
    variances = np.empty((len(lengths), len(series)))
    rolling_variances(series, starts, ends, np.array(lengths), variances)
    results: list[Array] = []
    for request in requests:
        variance = variances[lengths.index(int(request.window))]
        # rounding errors may have made a variance of 0 negative
        results.append(np.sqrt(np.maximum(variance, 0)) if request.operator == "Std" else variance)
    return results


@rolling
def pairs(requests: Sequence[Request], inputs: Sequence[Floats], starts: Integers, ends: Integers) -> list[Array]:
    """Corr, Cov: of the days on which neither series is NaN."""
    from components.features.kernels.correlations import STATISTICS, rolling_pairs

    (left, right), lengths = inputs, windows(requests)
    statistics = np.empty((len(lengths), len(STATISTICS), len(left)))
    rolling_pairs(left, right, starts, ends, np.array(lengths), statistics)
    return [statistics[lengths.index(int(each.window)), STATISTICS.index(each.operator)] for each in requests]


@rolling
def trends(requests: Sequence[Request], inputs: Sequence[Floats], starts: Integers, ends: Integers) -> list[Array]:
    """Slope, Resi and Rsquare of the regression on time, of the days that are not NaN."""
    from components.features.kernels.regression import STATISTICS, rolling_regressions

    series, lengths = inputs[0], windows(requests)
    regressions = np.empty((len(lengths), len(STATISTICS), len(series)))
    rolling_regressions(series, starts, ends, np.array(lengths), regressions)
    return [regressions[lengths.index(int(each.window)), STATISTICS.index(each.operator)] for each in requests]
