"""Rolling operators that look at single values of a window: extremes, ranks, shapes, weighted means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.features.rolling_operators import Array, Floats, Integers, Layout, Request, rolling, windows


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
def highest(requests: Sequence[Request], inputs: Sequence[Floats], starts: Integers, ends: Integers) -> list[Array]:
    """Max and IdxMax."""
    return _extremes(requests, inputs[0], starts, ends)


@rolling
def lowest(requests: Sequence[Request], inputs: Sequence[Floats], starts: Integers, ends: Integers) -> list[Array]:
    """Min and IdxMin."""
    results = _extremes(requests, -inputs[0], starts, ends)
    return [
        -result if request.operator == "Min" else result for request, result in zip(requests, results, strict=True)
    ]


def _extremes(requests: Sequence[Request], series: Floats, starts: Integers, ends: Integers) -> list[Array]:
    from components.features.kernels.extremes import rolling_extremes

    lengths = windows(requests)
    values, places = np.empty((2, len(lengths), len(series)))
    rolling_extremes(series, starts, ends, np.array(lengths), values, places)
    return [
        (places if request.operator.startswith("Idx") else values)[lengths.index(int(request.window))]
        for request in requests
    ]


@rolling
def ranks(requests: Sequence[Request], inputs: Sequence[Floats], starts: Integers, ends: Integers) -> list[Array]:
    """Quantile, Med and Rank."""
    from components.features.kernels.ranks import rolling_ranks

    series, lengths = inputs[0], windows(requests)
    cuts = sorted({_cut(request) for request in requests if request.operator != "Rank"})
    quantiles = np.empty((len(lengths) * len(cuts), len(series)))
    shares = np.empty((len(lengths), len(series)))
    rolling_ranks(series, starts, ends, np.array(lengths), np.array(cuts, dtype=np.float64), quantiles, shares)
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
def shapes(requests: Sequence[Request], inputs: Sequence[Floats], starts: Integers, ends: Integers) -> list[Array]:
    """Skew, Kurt, Mad and WMA."""
    from components.features.kernels.shapes import rolling_shapes

    series, lengths = inputs[0], windows(requests)
    kinds = ("Skew", "Kurt", "Mad", "WMA")
    results = np.empty((len(kinds), len(lengths), len(series)))
    rolling_shapes(series, starts, ends, np.array(lengths), *results)
    return [results[kinds.index(request.operator), lengths.index(int(request.window))] for request in requests]


@rolling
def exponential(
    requests: Sequence[Request], inputs: Sequence[Floats], starts: Integers, ends: Integers
) -> list[Array]:
    """EMA: a window of N days has the decay 2 / (1 + N); one below 1 is the decay itself, and 0 is expanding."""
    from components.features.kernels.exponential import exponential_means

    series = inputs[0]
    decays = [n if n < 1 else 2 / (1 + n) for n in (request.window for request in requests)]
    means = np.empty((len(decays), len(series)))
    exponential_means(series, starts, ends, np.array(decays, dtype=np.float64), means)
    return list(means)
