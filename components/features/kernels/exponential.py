"""Exponentially weighted means."""

from __future__ import annotations

import numpy as np

from components.features.kernels._compile import BOUNDS, RESULTS, SERIES, Floats, Integers, helper, kernel


@helper
def _decaying(series: Floats, decay: float, means: Floats) -> None:
    mean, weight = np.nan, 0.0
    for day in range(len(series)):
        weight *= 1.0 - decay
        value = series[day]
        if not np.isnan(value):
            mean = value if weight == 0.0 else mean + (value - mean) / (weight + 1.0)
            weight += 1.0
        means[day] = mean


@helper
def _expanding(series: Floats, means: Floats) -> None:
    """On day n the decay is ``2 / (1 + n)``; the weights of NaN stay in the sum that divides, as in Qlib."""
    for day in range(len(series)):
        keep = 1.0 - 2.0 / (2.0 + day)
        weight, weights, total, seen = 1.0, 0.0, 0.0, False
        for earlier in range(day, -1, -1):
            weights += weight
            if not np.isnan(series[earlier]):
                total += weight * series[earlier]
                seen = True
            weight *= keep
        means[day] = total / weights if seen else np.nan


@kernel(SERIES, BOUNDS, BOUNDS, SERIES, RESULTS)
def exponential_means(series: Floats, starts: Integers, ends: Integers, decays: Floats, means: Floats) -> None:
    """Mean of all days so far, the weight of each `1 - decay` times that of the next; a NaN takes its day.

    A decay of 0 stands for Qlib's expanding window.
    """
    for row in range(len(decays)):
        for instrument in range(len(starts)):
            start, end = starts[instrument], ends[instrument]
            if decays[row] == 0.0:
                _expanding(series[start:end], means[row, start:end])
            else:
                _decaying(series[start:end], decays[row], means[row, start:end])
