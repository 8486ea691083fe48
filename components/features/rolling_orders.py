"""Rolling operators that look at single values of a window: extremes, ranks, shapes, weighted means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.features.families import Array, Floats, Integers, Request, finite, windows


def count(requests: Sequence[Request], inputs: Sequence[Array], offsets: Integers) -> list[Array]:
    """Count: how many days are not NaN, infinite ones among them."""
    seen = np.concatenate([[0], np.cumsum(~np.isnan(inputs[0]))]).astype(np.float64)
    end = np.arange(1, len(seen))
    first = np.repeat(offsets[:-1], np.diff(offsets))
    results: list[Array] = []
    for request in requests:
        window = int(request.window) or len(seen)
        results.append(seen[end] - seen[np.maximum(end - window, first)])
    return results


def highest(requests: Sequence[Request], inputs: Sequence[Array], offsets: Integers) -> list[Array]:
    """Max and IdxMax."""
    return _extremes(requests, finite(inputs[0]), offsets)


def lowest(requests: Sequence[Request], inputs: Sequence[Array], offsets: Integers) -> list[Array]:
    """Min and IdxMin."""
    results = _extremes(requests, -finite(inputs[0]), offsets)
    return [
        -result if request.operator == "Min" else result for request, result in zip(requests, results, strict=True)
    ]


def _extremes(requests: Sequence[Request], series: Floats, offsets: Integers) -> list[Array]:
    from components.features.kernels.extremes import rolling_extremes

    lengths = windows(requests)
    values, places = np.empty((2, len(lengths), len(series)))
    rolling_extremes(series, offsets, np.array(lengths), values, places)
    return [
        (places if request.operator.startswith("Idx") else values)[lengths.index(int(request.window))]
        for request in requests
    ]


def ranks(requests: Sequence[Request], inputs: Sequence[Array], offsets: Integers) -> list[Array]:
    """Quantile, Med and Rank."""
    from components.features.kernels.ranks import rolling_ranks

    series, lengths = finite(inputs[0]), windows(requests)
    cuts = sorted({_cut(request) for request in requests if request.operator != "Rank"})
    quantiles = np.empty((len(lengths) * len(cuts), len(series)))
    shares = np.empty((len(lengths), len(series)))
    rolling_ranks(series, offsets, np.array(lengths), np.array(cuts, dtype=np.float64), quantiles, shares)
    results: list[Array] = []
    for request in requests:
        row = lengths.index(int(request.window))
        results.append(
            shares[row] if request.operator == "Rank" else quantiles[row * len(cuts) + cuts.index(_cut(request))]
        )
    return results


def _cut(request: Request) -> float:
    return 0.5 if request.quantile is None else request.quantile


def shapes(requests: Sequence[Request], inputs: Sequence[Array], offsets: Integers) -> list[Array]:
    """Skew, Kurt, Mad and WMA."""
    from components.features.kernels.shapes import rolling_shapes

    series, lengths = finite(inputs[0]), windows(requests)
    kinds = ("Skew", "Kurt", "Mad", "WMA")
    results = np.empty((len(kinds), len(lengths), len(series)))
    rolling_shapes(series, offsets, np.array(lengths), *results)
    return [results[kinds.index(request.operator), lengths.index(int(request.window))] for request in requests]


def exponential(requests: Sequence[Request], inputs: Sequence[Array], offsets: Integers) -> list[Array]:
    """EMA: a window of N days has the decay 2 / (1 + N); one below 1 is the decay itself, and 0 is expanding."""
    from components.features.kernels.exponential import exponential_means

    series = finite(inputs[0])
    decays = [n if n < 1 else 2 / (1 + n) for n in (request.window for request in requests)]
    means = np.empty((len(decays), len(series)))
    exponential_means(series, offsets, np.array(decays, dtype=np.float64), means)
    return list(means)
