"""Exponentially weighted means."""

from __future__ import annotations

import numpy as np

from components.features.kernels._compile import (
    BOUNDS,
    RESULTS,
    SERIES,
    STATES,
    Floats,
    Integers,
    States,
    helper,
    kernel,
)
from components.features.kernels.summation import pairwise_sum

#: The weight of all days so far, their mean, and 1 if there was any.
STATE_SIZE = 3


@helper
def _decaying(series: Floats, decay: float, first: int, last: int, kept: Floats, means: Floats) -> None:
    """The order of operations is that of Pandas, on which the last bits depend."""
    weight, mean = kept[0], kept[1] if kept[2] else np.nan
    for day in range(first, len(series)):
        weight *= 1.0 - decay
        value = series[day]
        if not np.isnan(value):
            if np.isnan(mean):
                mean = value
            elif mean != value:
                mean = (weight * mean + value) / (weight + 1.0)
            weight += 1.0
        means[day] = mean
        if day == last:
            kept[0], kept[1], kept[2] = weight, mean, 0.0 if np.isnan(mean) else 1.0


@helper
def _expanding(series: Floats, means: Floats) -> None:
    """On day n the decay is ``2 / (1 + n)``; the weights of NaN stay in the sum that divides, as in Qlib."""
    weights, products = np.empty(len(series)), np.empty(len(series))
    for day in range(len(series)):
        keep = 1.0 - 2.0 / (2.0 + day)
        for earlier in range(day + 1):
            weights[earlier] = keep ** float(day - earlier)
        total, seen = pairwise_sum(weights[: day + 1]), False
        for earlier in range(day + 1):
            missing = np.isnan(series[earlier])
            products[earlier] = 0.0 if missing else weights[earlier] / total * series[earlier]
            seen = seen or not missing
        means[day] = pairwise_sum(products[: day + 1]) if seen else np.nan


@kernel(SERIES, BOUNDS, BOUNDS, BOUNDS, BOUNDS, SERIES, STATES, RESULTS)
def exponential_means(
    series: Floats,
    starts: Integers,
    ends: Integers,
    firsts: Integers,
    lasts: Integers,
    decays: Floats,
    states: States,
    means: Floats,
) -> None:
    """Mean of all days so far, the weight of each `1 - decay` times that of the next; a NaN takes its day.

    A decay of 0 stands for Qlib's expanding window. Others go on from states as in `deviations.rolling_variances`.
    """
    for row in range(len(decays)):
        for instrument in range(len(starts)):
            start, end = starts[instrument], ends[instrument]
            if decays[row] == 0.0:
                _expanding(series[start:end], means[row, start:end])
            else:
                first, last = firsts[instrument] - start, lasts[instrument] - start
                _decaying(
                    series[start:end], decays[row], first, last, states[instrument, row], means[row, start:end]
                )
