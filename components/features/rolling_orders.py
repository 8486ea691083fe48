"""Rolling operators that look at single values of a window: extremes, ranks, shapes, weighted means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from components.features.operators import EXPANDING
from components.features.rolling_operators import Array, Bounds, Floats, Layout, Request, rolling, windows


def count(requests: Sequence[Request], inputs: Sequence[Array], layout: Layout) -> list[Array]:
    """Count: how many days are not NaN, infinite ones among them."""
    seen = np.concatenate([[0], np.cumsum(~np.isnan(inputs[0]))]).astype(np.float64)
    end = np.arange(1, len(seen))
    results: list[Array] = []
    for request in requests:
        window = int(request.window) or len(seen)
        first = np.repeat(layout.starts(request.begin), np.diff(layout.offsets))
        results.append(seen[end] - seen[np.maximum(end - window, first)])
        layout.blank(results[-1], request.begin)
    return results


@rolling
def highest(requests: Sequence[Request], inputs: Sequence[Floats], bounds: Bounds) -> list[Array]:
    """Max and IdxMax."""
    return _extremes(requests, inputs[0], bounds)


@rolling
def lowest(requests: Sequence[Request], inputs: Sequence[Floats], bounds: Bounds) -> list[Array]:
    """Min and IdxMin."""
    results = _extremes(requests, -inputs[0], bounds)
    return [
        -result if request.operator == "Min" else result for request, result in zip(requests, results, strict=True)
    ]


def _extremes(requests: Sequence[Request], series: Floats, bounds: Bounds) -> list[Array]:
    from components.features.kernels.extremes import rolling_extremes

    lengths = windows(requests)
    values, places = np.empty((2, len(lengths), len(series)))
    rolling_extremes(series, bounds.starts, bounds.ends, np.array(lengths), values, places)
    return _rows(requests, lengths, {"Max": values, "Min": values, "IdxMax": places, "IdxMin": places})


@rolling
def ranks(requests: Sequence[Request], inputs: Sequence[Floats], bounds: Bounds) -> list[Array]:
    """Quantile, Med and Rank."""
    from components.features.kernels.ranks import rolling_ranks

    series, lengths = inputs[0], windows(requests)
    cuts = sorted({_cut(request) for request in requests if request.operator != "Rank"})
    quantiles = np.empty((len(lengths) * len(cuts), len(series)))
    shares = np.empty((len(lengths), len(series)))
    rolling_ranks(
        series, bounds.starts, bounds.ends, np.array(lengths), np.array(cuts, dtype=np.float64), quantiles, shares
    )
    results: list[Array] = []
    for request in requests:
        row = lengths.index(int(request.window))
        results.append(
            shares[row] if request.operator == "Rank" else quantiles[row * len(cuts) + cuts.index(_cut(request))]
        )
    return results


def _cut(request: Request) -> float:
    return 0.5 if request.quantile is None else request.quantile


@rolling
def shapes(requests: Sequence[Request], inputs: Sequence[Floats], bounds: Bounds) -> list[Array]:
    """Skew and Kurt."""
    from components.features.kernels.shapes import rolling_shapes

    series, lengths = inputs[0], windows(requests)
    skews, kurtoses = np.empty((2, len(lengths), len(series)))
    rolling_shapes(series, bounds.starts, bounds.ends, np.array(lengths), skews, kurtoses)
    return _rows(requests, lengths, {"Skew": skews, "Kurt": kurtoses})


@rolling
def means(requests: Sequence[Request], inputs: Sequence[Floats], bounds: Bounds) -> list[Array]:
    """Mad and WMA."""
    from components.features.kernels.window_means import rolling_means

    series, lengths = inputs[0], windows(requests)
    deviations, weighted = np.empty((2, len(lengths), len(series)))
    rolling_means(series, bounds.starts, bounds.ends, np.array(lengths), deviations, weighted)
    return _rows(requests, lengths, {"Mad": deviations, "WMA": weighted})


def _rows(requests: Sequence[Request], lengths: Sequence[int], tables: Mapping[str, Array]) -> list[Array]:
    """For each request its window's row, in the table of its operator."""
    return [tables[request.operator][lengths.index(int(request.window))] for request in requests]


@rolling
def exponential(requests: Sequence[Request], inputs: Sequence[Floats], bounds: Bounds) -> list[Array]:
    """EMA: a window of N days has the decay 2 / (1 + N); one below 1 is the decay itself, and 0 is expanding."""
    from components.features.kernels.exponential import STATE_SIZE, exponential_means

    series = inputs[0]
    decays = [_decay(request.window) for request in requests]
    means = np.empty((len(decays), len(series)))
    with bounds.updates([request.key for request in requests], STATE_SIZE) as going:
        ends = bounds.starts, bounds.ends, going.firsts, going.lasts
        exponential_means(series, *ends, np.array(decays, dtype=np.float64), going.states, means)
    return list(means)


def _decay(window: float) -> float:
    """By way of the centre of mass, as in Pandas: the last bit depends on it."""
    if window == EXPANDING:
        return 0
    centre = (1 - window) / window if window < 1 else (window - 1) / 2
    return 1 / (1 + centre)
