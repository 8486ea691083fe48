"""What DoubleEnsemble does between two of its models: weigh the samples anew, and choose features.

Source: Zhang, Li, Chen, Li, "DoubleEnsemble: A New Ensemble Method Based on Sample Reweighting and Feature
Selection for Financial Data Analysis", https://arxiv.org/abs/2010.01265
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

if TYPE_CHECKING:
    import lightgbm as lgb

Floats = npt.NDArray[np.floating[Any]]
Columns = npt.NDArray[np.intp]

#: Rows that are scored in one go, so that no copy of the matrix is made.
_BATCH = 1 << 16
#: Share of the trees that the loss of a sample is averaged over, at either end of its curve.
_END = 0.1


@dataclass(frozen=True)
class SubModel:
    """One of the models of the ensemble."""

    booster: lgb.Booster
    #: The columns of the matrix that it knows.
    columns: Columns
    #: Threads that it scores with; 0: as many as LightGBM likes.
    threads: int = 0

    def predict(self, X: Floats, **arguments: Any) -> Floats:
        """Scores of rows of the whole matrix."""
        parts = [self._part(X, start, arguments) for start in range(0, len(X), _BATCH)]
        return np.concatenate(parts)

    def predict_shuffled(self, X: Floats, place: int, order: npt.NDArray[np.integer[Any]]) -> Floats:
        """Scores of rows after the values of one column have been put into another order."""
        (own,) = np.flatnonzero(self.columns == place)
        scores = np.empty(len(X))
        for start in range(0, len(X), _BATCH):
            rows = slice(start, start + _BATCH)
            part = X[rows][:, self.columns]
            part[:, own] = X[order[rows], place]
            scores[rows] = self.booster.predict(part, num_threads=self.threads)
        return scores

    def _part(self, X: Floats, start: int, arguments: dict[str, Any]) -> Floats:
        part = X[start : start + _BATCH]
        if len(self.columns) < X.shape[1]:
            part = part[:, self.columns]
        return np.asarray(self.booster.predict(part, num_threads=self.threads, **arguments))


def losses_at_both_ends(model: SubModel, X: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Squared errors of a model with its first trees, and with nearly all: a column for each number of trees.

    What lies between is not needed, and so not kept.
    """
    trees = model.booster.num_trees()
    part = max(int(trees * _END), 1)
    scores = _cumulated(model, X, 0, part)
    first = np.column_stack([(y - each) ** 2 for each in scores])
    scores = _cumulated(model, X, trees - part, trees)
    return first, np.column_stack([(y - each) ** 2 for each in scores])


def _cumulated(model: SubModel, X: Floats, start: int, stop: int) -> Iterator[Floats]:
    """Scores with the trees so far, after each tree from one place to another."""
    total = model.predict(X, start_iteration=0, num_iteration=start) if start else np.zeros(len(X))
    for tree in range(start, stop):
        total = total + model.predict(X, start_iteration=tree, num_iteration=1)
        yield total


def sample_weights(
    first: Floats, last: Floats, loss: Floats, *, alpha1: float, alpha2: float, bins: int, decay: float
) -> Floats:
    """Weights of the samples for the next model: high for those that are hard, and those that get no easier.

    Args:
        first: Losses with the first trees of the last model, shape (samples, trees).
        last: Losses with its last trees.
        loss: Losses of the ensemble so far.
        alpha1: How much the loss of the ensemble counts.
        alpha2: How much the change of the loss counts.
        bins: Number of bins of samples that get the same weight.
        decay: How much the weights differ: 0 is not at all.
    """
    start, end = (pd.DataFrame(part).rank(pct=True).mean(axis=1) for part in (first, last))
    ease = alpha1 * pd.Series(-loss).rank(pct=True) + alpha2 * (end / start).rank(pct=True)
    codes = pd.cut(ease, bins, labels=False)
    mean = ease.groupby(codes).mean()
    return np.asarray(1.0 / (decay * mean.loc[codes].to_numpy() + 0.1))


def feature_gains(
    models: Sequence[SubModel],
    X: Floats,
    y: Floats,
    loss: Floats,
    random: np.random.RandomState,
    tell: Callable[[], None],
) -> Floats:
    """By how much the loss grows when a feature is shuffled, over the deviation of that; one number a feature.

    A model that does not know a feature is not asked again, for its scores stay as they are.

    Args:
        models: The ensemble so far.
        X: Features, shape (samples, features).
        y: Labels.
        loss: Losses of the ensemble so far.
        random: Where the order comes from: one permutation a feature.
        tell: Called before each feature.
    """
    scores = [model.predict(X) for model in models]
    gains = np.zeros(X.shape[1])
    for place in range(X.shape[1]):
        tell()
        order = random.permutation(len(X))
        mean = np.zeros(len(X))
        for model, whole in zip(models, scores, strict=True):
            knows = place in model.columns
            mean += (model.predict_shuffled(X, place, order) if knows else whole) / len(models)
        growth = (y - mean) ** 2 - loss
        gains[place] = growth.mean() / (growth.std() + 1e-7)
    return gains


def chosen_features(gains: Floats, bins: int, ratios: Sequence[float], random: np.random.RandomState) -> Columns:
    """The features of the next model, in order: of each bin of gains a share by chance, the best bin first."""
    codes = pd.cut(gains, bins, labels=False)
    kept = []
    for ratio, code in zip(ratios, sorted(set(codes), reverse=True), strict=False):
        candidates = np.flatnonzero(codes == code)
        kept.append(random.choice(candidates, size=math.ceil(ratio * len(candidates)), replace=False))
    return np.sort(np.concatenate(kept))
