"""What a model's training period looked like: what later days are compared with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.analysis import signal_analysis
from components.analysis.drift import (
    BlockMoments,
    bin_counts,
    block_moments,
    clustered_limit,
    independent_limit,
    missing_shares,
    quantile_edges,
    rank_autocorrelation,
    stability_index,
)
from components.analysis.mean_test import Floats
from components.config.online.drift import DriftSection
from components.errors import InputError
from components.features import DatasetH
from components.models import Model
from components.models.model import checked_scores
from components.tasks import Json

Days = npt.NDArray[np.intp]
Floats32 = npt.NDArray[np.float32]

#: Days that are read at once: a copy of so few is small.
_DAYS_AT_ONCE = 20
_PIECE = "piece"


@dataclass(frozen=True)
class Distribution:
    """Of one feature, or of the scores."""

    #: Inner edges of the bins; a bin holds its upper edge.
    edges: tuple[float, ...]
    #: Values in each bin.
    counts: tuple[int, ...]
    #: For 1, 2, ... consecutive days, how far they lie from all days; as many as the period allows.
    moments: tuple[BlockMoments, ...]

    @classmethod
    def of(cls, values: npt.NDArray[Any], day: npt.NDArray[Any], bins: int, days: int) -> Self:
        """Of values, each with the number of its day from 0 on; moments for up to `days` days."""
        edges = quantile_edges(values, bins)
        daily = bin_counts(values, edges, day, int(day[-1]) + 1)
        return cls(tuple(edges.tolist()), tuple(daily.sum(axis=0).tolist()), block_moments(daily, days))

    def compare(self, values: npt.NDArray[Any], days: int, chance: float) -> tuple[float, float]:
        """PSI of the values of so many days, and what it exceeds with a given chance if nothing has changed.

        NaN and infinity when there is no value.
        """
        found = bin_counts(values, np.array(self.edges), np.zeros(len(values), dtype=np.intp), 1)[0]
        if not found.sum():
            return math.nan, math.inf
        limit = independent_limit(sum(self.counts), int(found.sum()), len(found), chance)
        if self.moments:  # fewer days differ more: where so many were not looked at, the limit is on the safe side
            limit = max(limit, clustered_limit(self.moments[min(days, len(self.moments)) - 1], chance))
        return float(stability_index(self.counts, found)), limit

    def to_document(self) -> dict[str, Json]:
        """The JSON form."""
        moments = [[each.mean, each.variance, each.blocks] for each in self.moments]
        return {"edges": list(self.edges), "counts": list(self.counts), "moments": moments}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        moments = tuple(BlockMoments(*each) for each in document["moments"])
        return cls(tuple(document["edges"]), tuple(document["counts"]), moments)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What a model was trained on and what it said then."""

    #: Of the scores of the valid segment, which the model has not learnt; of train where there is none.
    scores: Distribution
    #: Of the most important features in the train segment, the most important one first.
    features: Mapping[str, Distribution]
    #: For each feature, the largest share of names without a value on a day of train.
    missing: Mapping[str, float]
    #: Daily ICs of the valid segment; empty where there is none.
    ics: tuple[float, ...]
    #: Rank autocorrelations of the scores from day to day, of the same days as the scores.
    autocorrelations: tuple[float, ...]

    @classmethod
    def of(cls, model: Model, dataset: DatasetH, importance: Mapping[str, float], section: DriftSection) -> Self:
        """Look at a fitted model and its dataset, a few days at a time.

        Args:
            model: The model, fitted.
            dataset: With its segment `train` and, where it has one, `valid`.
            importance: Importance of each feature, as `Fit` has it; none of an empty one is watched.
            section: How many features and bins.

        Raises:
            InputError: when a segment has no rows.

        """
        ranked = sorted((name for name in importance if importance[name] > 0), key=lambda name: -importance[name])
        names = ranked[: section.features]
        day, values, missing = _columns(dataset, "train", names)
        features = {
            name: Distribution.of(column, day, section.bins, section.days)
            for name, column in zip(names, values.T, strict=True)
        }
        has_valid = "valid" in dataset.segments
        scores, labels = _scores(model, dataset, "valid" if has_valid else "train")
        of_day = [each.droplevel("datetime") for _, each in scores.groupby(level="datetime")]
        codes = pd.factorize(scores.index.get_level_values("datetime"))[0]
        daily = signal_analysis(scores, labels, long_short=False)[1]
        return cls(
            scores=Distribution.of(scores.to_numpy(), codes, section.bins, section.days),
            features=features,
            missing=dict(zip(dataset.matrix.features, missing.tolist(), strict=True)),
            ics=_known(daily["ic"]) if has_valid else (),
            autocorrelations=_known(rank_autocorrelation(now, before) for before, now in pairwise(of_day)),
        )

    def to_document(self) -> dict[str, Json]:
        """The JSON form."""
        return {
            "scores": self.scores.to_document(),
            "features": [[name, each.to_document()] for name, each in self.features.items()],
            "missing": [[name, share] for name, share in self.missing.items()],
            "ics": list(self.ics),
            "autocorrelations": list(self.autocorrelations),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(
            scores=Distribution.from_document(document["scores"]),
            features={name: Distribution.from_document(each) for name, each in document["features"]},
            missing=dict(document["missing"]),
            ics=tuple(document["ics"]),
            autocorrelations=tuple(document["autocorrelations"]),
        )


def _pieces(dataset: DatasetH, segment: str) -> Iterator[DatasetH]:
    """The days of a segment, a few at a time, those without a row left out."""
    matrix = dataset.matrix
    first, last = matrix.calendar.span(*dataset.segments[segment])
    found = False
    for start in range(max(first, matrix.first), min(last, matrix.last) + 1, _DAYS_AT_ONCE):
        end = min(start + _DAYS_AT_ONCE - 1, last, matrix.last)
        piece = DatasetH(matrix, {_PIECE: (str(matrix.calendar[start]), str(matrix.calendar[end]))})
        try:
            piece.infer(_PIECE)
        except InputError:  # no row on these days
            continue
        found = True
        yield piece
    if not found:
        raise InputError(f"segment {segment} has no row to compare later days with")


def _columns(dataset: DatasetH, segment: str, names: Sequence[str]) -> tuple[Days, Floats32, Floats]:
    """Day number of each row, values of some features, and the worst day's share of missing values of all."""
    features = dataset.matrix.features
    columns = [features.index(name) for name in names]
    days, values, missing = [], [], np.zeros(len(features))
    for piece in _pieces(dataset, segment):
        rows = piece.infer(_PIECE)
        days.append(rows.day)
        values.append(rows.X[:, columns])
        for of_day in np.split(rows.X, np.flatnonzero(np.diff(rows.day)) + 1):
            missing = np.maximum(missing, missing_shares(of_day))
    return np.unique(np.concatenate(days), return_inverse=True)[1], np.concatenate(values), missing


def _scores(model: Model, dataset: DatasetH, segment: str) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """Scores of a segment, and the labels as the data has them; of several labels the first."""
    scores, labels = [], []
    for piece in _pieces(dataset, segment):
        rows = piece.infer(_PIECE)
        scores.append(checked_scores(model.predict(piece, _PIECE), rows.index(), type(model).__name__))
        labels.append(pd.Series(rows.y if rows.y.ndim == 1 else rows.y[:, 0], rows.index()))
    return pd.concat(scores), pd.concat(labels)


def _known(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in values if not math.isnan(value))
