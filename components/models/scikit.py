"""Any regressor or classifier of scikit-learn as a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from components.errors import InputError
from components.features import DatasetH, Rows
from components.models.estimators import (
    build_estimator,
    fit_into,
    last_step,
    takes_nan,
    weights_argument,
)
from components.models.model import Fit, FitContext, Model, NotFitted, one_label
from components.progress import ProgressReport

#: The estimator in the folder of a saved model.
_FILE = "estimator.skops"
#: Rows that are looked at in one go for NaN.
_BATCH = 1 << 14


class SklearnModel(Model):
    """A regressor, a classifier or a pipeline of scikit-learn, fitted to ``train``.

    A classifier scores by the probability of its last class, or by its decision function. An estimator that takes
    a validation set (`HistGradientBoostingRegressor`, `HistGradientBoostingClassifier`) is given ``valid`` for its
    early stopping. Rows to score that have a NaN get none if the estimator does not take NaN.

    Args:
        estimator: Description of the estimator: ``class``, ``module_path``, ``kwargs``; estimators among its
            arguments are descriptions as well.

    Source: https://scikit-learn.org/stable/developers/develop.html
    """

    packages = ("scikit-learn", "skops", "numpy", "scipy")

    def __init__(self, estimator: Mapping[str, Any]) -> None:
        self.estimator = estimator
        self._unfitted = build_estimator(estimator)
        self._fitted_estimator: Any = None
        self._threads: int | None = None

    def fit(self, dataset: DatasetH, context: FitContext = FitContext()) -> Fit:
        """Fit a fresh copy of the estimator.

        Progress is told before and after; only `GradientBoosting*` can also be stopped in between.
        """
        from sklearn.base import clone

        if context.start_model is not None:
            raise InputError("SklearnModel learns anew: it cannot go on from a start model")
        estimator = clone(self._unfitted)
        fit_into(estimator, context)
        rows = self._rows(dataset, "train")
        arguments = self._weights(rows, context) | self._validation(dataset, context)
        rounds = getattr(last_step(estimator), "n_estimators", 1)
        if _takes(estimator, "monitor"):
            arguments["monitor"] = _reporting(context, rounds)
        context.progress(ProgressReport(0, rounds))
        with threadpool_limits(context.threads), self._explained():
            estimator.fit(rows.X, rows.y, **arguments)
        self._fitted_estimator, self._threads = estimator, context.threads
        context.progress(ProgressReport(rounds, rounds))
        return _report(last_step(estimator), rows.features)

    def predict(self, dataset: DatasetH, segment: str = "test") -> pd.Series:
        """What a regressor predicts; of a classifier, see the class."""
        estimator = self.native()
        rows = dataset.infer(segment)
        whole = np.full(len(rows), True) if takes_nan(estimator) else _finite(rows.X)
        scores = np.full(len(rows), np.nan)
        if whole.any():
            X = rows.X if whole.all() else rows.X[whole]
            with threadpool_limits(self._threads), self._explained():
                scores[whole] = _scores(estimator, X)
        return pd.Series(scores, index=rows.index(), name="score")

    def save(self, folder: Path) -> None:
        """Write skops' format, which is no pickle."""
        from components.models import skops_files

        skops_files.dump(self.native(), folder / _FILE)

    @classmethod
    def load(cls, folder: Path, **kwargs: Any) -> Self:
        """Read skops' format.

        Raises:
            InputError: when there is something in it that is not trusted.
        """
        from components.models import skops_files

        model = cls(**kwargs)
        model._fitted_estimator = skops_files.load(folder / _FILE)
        return model

    def native(self) -> Any:
        """The fitted estimator."""
        if self._fitted_estimator is None:
            raise NotFitted("the SklearnModel is not fitted yet")
        return self._fitted_estimator

    @property
    def _name(self) -> str:
        return type(self._unfitted).__name__

    def _rows(self, dataset: DatasetH, segment: str) -> Rows:
        """Rows to learn from, without the NaN that the estimator does not take."""
        rows = one_label(dataset.learn(segment), "SklearnModel")
        if not np.isfinite(rows.y).all():
            raise InputError(
                f"SklearnModel: labels of {segment} are NaN or infinite; add the learn processor DropnaLabel"
            )
        if not takes_nan(self._unfitted) and not _finite(rows.X).all():
            raise InputError(self._refused_nan(f"features of {segment} are"))
        return rows

    def _refused_nan(self, what: str) -> str:
        return (
            f"SklearnModel: {what} NaN or infinite, which {self._name} does not take; add the infer processors "
            "ProcessInf and Fillna, or take HistGradientBoostingRegressor"
        )

    def _weights(self, rows: Rows, context: FitContext) -> dict[str, Any]:
        weights = context.weights(rows)
        if weights is None:
            return {}
        name = weights_argument(self._unfitted)
        if name is None:
            raise InputError(f"SklearnModel: {self._name} takes no weights of rows; leave the reweighter out")
        return {name: weights}

    def _validation(self, dataset: DatasetH, context: FitContext) -> dict[str, Any]:
        """Arguments of `fit` for early stopping by ``valid``, where the estimator takes such."""
        if "valid" not in dataset.segments or not _takes(self._unfitted, "X_val"):
            return {}
        if not self._unfitted.get_params()["early_stopping"]:
            return {}
        rows = self._rows(dataset, "valid")
        return {"X_val": rows.X, "y_val": rows.y, "sample_weight_val": context.weights(rows)}

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Errors of scikit-learn that arguments or data are to blame for, as such."""
        from sklearn.utils._param_validation import InvalidParameterError

        try:
            yield
        except ValueError as error:
            line = str(error).splitlines()[0]
            if isinstance(error, InvalidParameterError):
                raise InputError(f"SklearnModel: {line}") from None
            if "NaN" in line:
                raise InputError(self._refused_nan("a step is given what is")) from None
            if "Unknown label type" in line:
                raise InputError(
                    f"SklearnModel: {self._name} learns classes; make the label one of few whole numbers, such as "
                    "Gt(Ref($close, -2)/Ref($close, -1), 1)"
                ) from None
            raise


def _takes(estimator: Any, argument: str) -> bool:
    """Whether `fit` has an argument."""
    from sklearn.utils.validation import has_fit_parameter

    return bool(has_fit_parameter(estimator, argument))


def _finite(X: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """For each row whether all is finite, found without a mask as large as the matrix."""
    parts = [np.isfinite(X[start : start + _BATCH]).all(axis=1) for start in range(0, len(X), _BATCH)]
    return np.concatenate(parts)


def _scores(estimator: Any, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
    from sklearn.base import is_classifier

    if not is_classifier(estimator):
        return np.asarray(estimator.predict(X))
    of_classes = estimator.predict_proba if hasattr(estimator, "predict_proba") else estimator.decision_function
    found = np.asarray(of_classes(X))
    return found[:, -1] if found.ndim > 1 else found


def _reporting(context: FitContext, rounds: int) -> Any:
    def monitor(done: int, estimator: Any, _local: Mapping[str, Any]) -> bool:
        metrics = {"loss.train": float(estimator.train_score_[done])}
        context.progress(ProgressReport(done + 1, rounds, metrics))
        return False

    return monitor


def _report(estimator: Any, features: tuple[str, ...]) -> Fit:
    """What an estimator that has learnt tells of its training."""
    importance = getattr(estimator, "feature_importances_", None)
    if importance is None:
        importance = np.abs(np.ravel(getattr(estimator, "coef_", ())))
    known = len(importance) == len(features)  # else steps before it have made other columns
    rounds: Any = getattr(estimator, "n_iter_", getattr(estimator, "n_estimators_", None))
    boosted = hasattr(estimator, "train_score_") and rounds is not None
    return Fit(
        best_iteration=int(rounds) if boosted else None,
        curves=_curves(estimator) if boosted else {},
        importance=dict(zip(features, map(float, importance), strict=True)) if known else {},
    )


def _curves(estimator: Any) -> dict[str, list[float]]:
    """Losses by iteration; `HistGradientBoosting*` keeps scores, beginning before the first iteration."""
    if not hasattr(estimator, "validation_score_"):
        return {"loss.train": np.asarray(estimator.train_score_, dtype=float).tolist()}
    scores = {"train": estimator.train_score_, "valid": estimator.validation_score_}
    name, sign = ("loss", -1) if estimator.scoring == "loss" else ("score", 1)
    return {f"{name}.{key}": (sign * values[1:]).tolist() for key, values in scores.items() if len(values)}
