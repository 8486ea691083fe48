"""How well a signal ranks what happens next: information coefficients and quantile returns, day by day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.errors import InputError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]

_DAY = "datetime"
#: Cells of days × names that are worked on at once: few enough to stay in the processor's cache.
_BLOCK = 1 << 14


def signal_analysis(
    prediction: pd.Series[Any] | pd.DataFrame,
    label: pd.Series[Any] | pd.DataFrame,
    *,
    ann_scaler: float = 252,
    quantile: float = 0.2,
    long_short: bool = True,
) -> tuple[dict[str, float], pd.DataFrame]:
    """Qlib's signal metrics, with its definitions.

    IC is the Pearson correlation of score and label over the names of a day, Rank IC the Spearman one (average
    ranks). The long-short return of a day is half the difference of the mean labels of the best and the worst
    ``int(names * quantile)`` names, equal scores in row order; the long-average return is the mean label of all.
    A name without score or label does not count in the correlations; a name without a score is never among the
    best or the worst as long as there are others. The correlation of a constant is NaN.

    Args:
        prediction: Score, indexed (datetime, instrument); a frame must have one column.
        label: What happened, as a return per day (0.01 is 1 %), indexed alike. Rows that only one of the two has
            count as missing in the other.
        ann_scaler: Trading days in a year.
        quantile: Share of the names that is bought, and that is sold.
        long_short: Whether the returns are computed too.

    Returns:
        Metrics over all days (means, means over standard deviations; ICIR is not annualised), and the daily
        values: ``ic``, ``rank_ic``, ``long_short_r``, ``long_avg_r``, indexed by day. NaN days do not count.

    Raises:
        InputError: when the two have no row in common, or are not indexed by day.

    """
    score, truth = _aligned(_column(prediction, "prediction"), _column(label, "label"))
    codes, days = pd.factorize(score.index.get_level_values(_DAY), sort=True)
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(days) + 1))
    values: dict[str, list[Floats]] = {}
    with np.errstate(invalid="ignore", divide="ignore"):
        for scores, labels, sizes in _blocks(score.to_numpy()[order], truth.to_numpy()[order], starts):
            for name, daily in _daily(scores, labels, sizes, quantile, long_short).items():
                values.setdefault(name, []).append(daily)
    frame = pd.DataFrame({name: np.concatenate(parts) for name, parts in values.items()}, index=days.rename(_DAY))
    return _metrics(frame, ann_scaler), frame


def _metrics(daily: pd.DataFrame, ann_scaler: float) -> dict[str, float]:
    """Means and ratios over the days, under Qlib's names."""
    mean, ratio = daily.mean(), daily.mean() / daily.std()
    metrics = {}
    for column, name in (("ic", "IC"), ("rank_ic", "Rank IC")):
        metrics[name] = float(mean[column])
        metrics[f"{name}IR"] = float(ratio[column])
    for column, name in (("long_short_r", "Long-Short"), ("long_avg_r", "Long-Avg")):
        if column in daily:
            metrics[f"{name} Ann Return"] = float(mean[column] * ann_scaler)
            metrics[f"{name} Ann Sharpe"] = float(ratio[column] * ann_scaler**0.5)
    return metrics


def _column(values: pd.Series[Any] | pd.DataFrame, name: str) -> pd.Series[Any]:
    """The only column, as float64."""
    if isinstance(values, pd.DataFrame):
        if values.shape[1] != 1:
            raise InputError(f"{name}: expected one column, got {list(values.columns)}; choose one of them")
        values = values.iloc[:, 0]
    if _DAY not in values.index.names:
        raise InputError(f"{name}: expected an index (datetime, instrument), got {list(values.index.names)}")
    return values.astype(np.float64)


def _aligned(prediction: pd.Series[Any], label: pd.Series[Any]) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """Both on the rows that either has, in the order of the rows if they have the same, else sorted."""
    if not prediction.index.equals(label.index):
        for name, values in (("prediction", prediction), ("label", label)):
            if not values.index.is_unique:
                twice = values.index[values.index.duplicated()][0]
                raise InputError(f"{name}: {tuple(map(str, twice))} stands there more than once; keep one")
        together = len(prediction) + len(label)
        prediction, label = prediction.align(label, join="outer")
        if len(prediction) == together:
            raise InputError(
                "prediction and label have no (datetime, instrument) in common; are they of one market?"
            )
    if prediction.empty:
        raise InputError("prediction and label are empty; does the test segment have any data?")
    return prediction, label


def _blocks(scores: Floats, labels: Floats, starts: Ints) -> Iterator[tuple[Floats, Floats, Ints]]:
    """Scores and labels as matrices (days × names of the day, NaN behind them) with the days' numbers of names.

    `starts` says where the rows of each day begin, and the last one's end.
    """
    sizes = np.diff(starts)
    many = max(1, _BLOCK // int(sizes.max()))
    for first in range(0, len(sizes), many):
        size = sizes[first : first + many]
        filled = np.arange(size.max()) < size[:, None]
        rows = slice(starts[first], starts[first + len(size)])
        block = np.full((2, *filled.shape), np.nan)
        block[0][filled], block[1][filled] = scores[rows], labels[rows]
        yield block[0], block[1], size


def _daily(scores: Floats, labels: Floats, sizes: Ints, quantile: float, long_short: bool) -> dict[str, Floats]:
    """One value per day of everything that is measured."""
    known = ~np.isnan(labels)
    both = known & ~np.isnan(scores)
    ranks = _ranks(np.where(both, scores, np.nan)), _ranks(np.where(both, labels, np.nan))
    rank_ic = _correlation(*ranks, both)
    # Ranks are exact, so they tell a constant for certain; a mean of floats does not.
    daily = {"ic": np.where(np.isnan(rank_ic), np.nan, _correlation(scores, labels, both)), "rank_ic": rank_ic}
    if long_short:
        count = (sizes * quantile).astype(np.intp)
        long, short = (_mean(labels, _best(side, count) & known) for side in (scores, -scores))
        daily |= {"long_short_r": (long - short) / 2, "long_avg_r": _mean(labels, known)}
    return daily


def _mean(values: Floats, chosen: Bools) -> Floats:
    """Mean of the chosen values of each row; NaN where none is."""
    mean: Floats = np.where(chosen, values, 0.0).sum(axis=1) / chosen.sum(axis=1)
    return mean


def _correlation(x: Floats, y: Floats, chosen: Bools) -> Floats:
    """Pearson's correlation of the chosen values of each row; NaN for a constant and for fewer than two."""
    dx, dy = (np.where(chosen, values - _mean(values, chosen)[:, None], 0.0) for values in (x, y))
    scale = np.sqrt((dx * dx).sum(axis=1)) * np.sqrt((dy * dy).sum(axis=1))
    correlation: Floats = np.clip((dx * dy).sum(axis=1) / scale, -1.0, 1.0)
    return correlation


def _ranks(values: Floats) -> Floats:
    """Ranks in each row from 0, those of equal values averaged; whatever stands for NaN has no meaning."""
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    places = np.arange(values.shape[1])
    differs = ordered[:, 1:] != ordered[:, :-1]
    if differs.all():
        average = np.broadcast_to(places.astype(np.float64), values.shape)
    else:
        edge = np.ones((len(values), 1), dtype=bool)
        first = np.maximum.accumulate(np.where(np.hstack([edge, differs]), places, 0), axis=1)
        upwards = np.where(np.hstack([differs, edge]), places, values.shape[1])[:, ::-1]
        average = (first + np.minimum.accumulate(upwards, axis=1)[:, ::-1]) / 2
    ranks = np.empty_like(values)
    np.put_along_axis(ranks, order, average, axis=1)
    return ranks


def _best(scores: Floats, count: Ints) -> Bools:
    """The `count` highest scores of each row; of equal ones the earlier, and those without a score last."""
    scores = np.where(np.isnan(scores), -np.inf, scores)
    lowest = np.take_along_axis(np.sort(scores, axis=1), scores.shape[1] - np.maximum(count, 1)[:, None], axis=1)
    above, level = scores > lowest, scores == lowest
    room = count[:, None] - above.sum(axis=1, keepdims=True)
    best: Bools = above | (level & (np.cumsum(level, axis=1) <= room))
    return best
