"""How far what a model sees and says has moved from what it was trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import chdtri, fdtri, stdtrit

from components.analysis.mean_test import Floats, Mean, difference, hac_mean

Counts = npt.NDArray[np.int64]

#: Added to each bin's count, so that an empty one has a share: the prior of Jeffreys for a multinomial.
_PRIOR = 0.5


def quantile_edges(values: npt.NDArray[np.floating[Any]], bins: int) -> Floats:
    """Inner edges of at most so many bins with about as many values each; a bin holds its upper edge.

    NaN are left out. Values that are frequent get a bin of their own or share one: there are fewer edges then,
    and none for a constant.
    """
    known = np.sort(values[~np.isnan(values)])
    if not len(known):
        return np.empty(0)
    places = np.ceil(np.arange(1, bins) / bins * len(known)).astype(np.intp) - 1
    edges = np.unique(known[places].astype(np.float64))
    inner: Floats = edges[np.isfinite(edges) & (edges < known[-1])]
    return inner


def bin_counts(
    values: npt.NDArray[np.floating[Any]], edges: Floats, day: npt.NDArray[np.integer[Any]], days: int
) -> Counts:
    """How many values of each day lie in each bin, shape (days, bins); NaN are left out."""
    known = ~np.isnan(values)
    bins = len(edges) + 1
    place = np.searchsorted(edges, values[known], side="left")
    return np.bincount(day[known] * bins + place, minlength=days * bins).reshape(days, bins).astype(np.int64)


def stability_index(expected: npt.ArrayLike, found: npt.ArrayLike) -> Any:
    """Population stability index (PSI) of counts by bin: the sum of (q - p) ln(q / p) over the bins.

    Known from scorecards (Lewis, "An Introduction to Credit Scoring", 1994), where below 0.1 counts as stable and
    above 0.25 as changed. It is the symmetric divergence of Kullback and Leibler. Half a value is added to each
    bin, so that an empty one gives no infinite index.

    Args:
        expected: Counts of the reference, shape (..., bins).
        found: Counts of what is compared with it, alike.

    Returns:
        The index, shape (...); 0 for a single bin.

    """
    p, q = (_shares(np.asarray(counts, dtype=np.float64)) for counts in (expected, found))
    return ((q - p) * np.log(q / p)).sum(axis=-1)


def _shares(counts: Floats) -> Floats:
    smooth = counts + _PRIOR
    shares: Floats = smooth / smooth.sum(axis=-1, keepdims=True)
    return shares


def independent_limit(expected: int, found: int, bins: int, chance: float) -> float:
    """What the PSI of unchanged data exceeds with a given chance, when all values are independent.

    It is distributed as (1/n + 1/m) chi-square with bins - 1 degrees of freedom (Yurdakul and Naranjo, "Statistical
    properties of the population stability index", Journal of Risk Model Validation 14, 2020). Infinite where there
    is nothing to compare.
    """
    if bins < 2 or not expected or not found:
        return math.inf
    return (1 / expected + 1 / found) * float(chdtri(bins - 1, chance))


@dataclass(frozen=True)
class BlockMoments:
    """The PSI of so many consecutive days of the reference against all of it."""

    mean: float
    variance: float
    #: How many independent blocks the reference is worth.
    blocks: float


def block_moments(daily: Counts, longest: int) -> tuple[BlockMoments, ...]:
    """Moments of the PSI of blocks of 1, 2, ... `longest` consecutive days; up to a quarter of all days.

    A block is part of the reference that it is compared with, which makes its PSI smaller than that of later days;
    the moments are those of later ones. Where days are alike for long, there are fewer independent blocks than fit
    side by side, and each is a larger part of the reference.

    Args:
        daily: Counts, shape (days, bins).
        longest: Days of the longest blocks.

    """
    total, memory = len(daily), _memory(daily)
    sums = np.concatenate([np.zeros((1, daily.shape[1]), dtype=np.int64), daily.cumsum(axis=0)])
    moments = []
    for days in range(1, min(longest, total // 4) + 1):
        blocks = sums[days:] - sums[:-days]
        index = stability_index(sums[-1], blocks[blocks.any(axis=1)])
        reach = min(days + memory, total / 2)
        outside = (total + reach) / (total - reach)  # 1/n + 1/m of a later block, over 1/n - 1/m of one inside
        moments.append(BlockMoments(float(index.mean()) * outside, float(index.var()) * outside**2, total / reach))
    return tuple(moments)


def _memory(daily: Counts) -> float:
    """For how many days the shares of the bins stay alike: twice the sum of their autocorrelations.

    It ends with the first lag that is not positive (the initial positive sequence of Geyer, Statistical Science 7,
    1992, in a simple form).
    """
    shares = daily[daily.any(axis=1)].astype(np.float64)
    away = shares / shares.sum(axis=1, keepdims=True)
    away -= away.mean(axis=0)
    power, memory = float((away * away).sum()), 0.0
    for lag in range(1, len(away)):
        correlation = float((away[lag:] * away[:-lag]).sum()) / power if power else 0.0
        if correlation <= 0:
            break
        memory += 2 * correlation
    return memory


def clustered_limit(moments: BlockMoments, chance: float) -> float:
    """What the PSI of as many days of unchanged data exceeds with a given chance, when values depend on each other.

    All names of a day move with the market, and features look back over many days. The distribution is then a
    scaled chi-square, whose scale and degrees of freedom follow from mean and variance (Satterthwaite, Biometrics
    Bulletin 2, 1946; for tests on bins of clustered samples Rao and Scott, Annals of Statistics 12, 1984). As the
    moments come from few blocks, F stands in place of the chi-square; it would be exact if only the mean were
    estimated, and to allow for the variance its second degrees of freedom are never more than the blocks.
    """
    if moments.mean <= 0 or moments.variance <= 0:
        return 0.0
    freedom = 2 * moments.mean**2 / moments.variance
    return moments.mean * float(fdtri(freedom, min(freedom, 1.0) * moments.blocks, 1 - chance))


def missing_shares(values: npt.NDArray[np.floating[Any]]) -> Floats:
    """Share of the rows in which each column is NaN; shape (columns,)."""
    shares: Floats = np.isnan(values).mean(axis=0)
    return shares


def rank_autocorrelation(today: pd.Series[Any], before: pd.Series[Any]) -> float:
    """Spearman's correlation of the scores of two days over the names that both have; NaN for fewer than three.

    Both are indexed by instrument.
    """
    both = pd.concat([today.rename("today"), before.rename("before")], axis=1, join="inner").dropna()
    if len(both) < 3:
        return math.nan
    ranks = both.rank().to_numpy()
    away = ranks - ranks.mean(axis=0)
    scale = math.sqrt(float((away[:, 0] ** 2).sum() * (away[:, 1] ** 2).sum()))
    return float(away[:, 0] @ away[:, 1]) / scale if scale else math.nan


def lower_limit(reference: npt.ArrayLike, chance: float) -> float:
    """What the next correlation falls below with a given chance, judged by those of the reference.

    The prediction interval of a normal sample, on the scale of Fisher's z = artanh r. NaN for fewer than three.
    """
    known = np.asarray(reference, dtype=np.float64)
    known = np.arctanh(np.clip(known[~np.isnan(known)], -0.999999, 0.999999))
    if len(known) < 3:
        return math.nan
    spread = known.std(ddof=1) * math.sqrt(1 + 1 / len(known))
    return math.tanh(known.mean() - float(stdtrit(len(known) - 1, 1 - chance)) * spread)


@dataclass(frozen=True)
class Decay:
    """How realised ICs compare with those of the reference."""

    live: Mean
    reference: Mean
    #: What a live mean falls below with the given chance if nothing has changed.
    limit: float


def ic_decay(live: npt.ArrayLike, reference: npt.ArrayLike, chance: float) -> Decay:
    """Compare the mean of realised ICs with that of the reference, with HAC errors of both, see `hac_mean`."""
    now, then = hac_mean(live), hac_mean(reference)
    _, error, freedom = difference(now, then)
    limit = math.nan if math.isinf(error) else then.value - float(stdtrit(min(freedom, 1e6), 1 - chance)) * error
    return Decay(now, then, limit)
