"""Linear models, with the arguments of Qlib's model of the same name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from components.checking import check_flag, check_number
from components.errors import InputError
from components.features import DatasetH, Rows
from components.models.model import Fit, FitContext, Model, NotFitted, one_label
from components.progress import ProgressReport

_ESTIMATORS = ("ols", "nnls", "ridge", "lasso")
#: Weights and intercept in the folder of a saved model.
_FILE = "weights.json"


class LinearModel(Model):
    """Least squares: plain, with weights not below 0, or with an L2 or L1 penalty.

    Rows with a NaN are left out, which takes a copy of the training rows.

    Args:
        estimator: ``ols``, ``nnls``, ``ridge`` or ``lasso``.
        alpha: Weight of the penalty, for ``ridge`` and ``lasso``.
        fit_intercept: Whether there is a constant term.
        include_valid: Whether the ``valid`` segment is learnt from as well.
    """

    packages = ("scikit-learn",)

    def __init__(
        self,
        estimator: str = "ols",
        alpha: float = 0.0,
        fit_intercept: bool = False,
        include_valid: bool = False,
    ) -> None:
        if estimator not in _ESTIMATORS:
            raise InputError(f"LinearModel: unknown estimator {estimator!r}; use one of {', '.join(_ESTIMATORS)}")
        check_number("LinearModel: alpha", alpha, least=0)
        check_flag("LinearModel: fit_intercept", fit_intercept)
        check_flag("LinearModel: include_valid", include_valid)
        if alpha and estimator not in ("ridge", "lasso"):
            raise InputError(f"LinearModel: alpha is for ridge and lasso, not for {estimator}")
        self.estimator = estimator
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.include_valid = include_valid
        self._weights: npt.NDArray[np.float64] | None = None
        self._intercept = 0.0

    def fit(self, dataset: DatasetH, context: FitContext = FitContext()) -> Fit:
        """Solve the least squares problem; there are no iterations to stop at, and nothing is random."""
        if context.start_model is not None:
            raise InputError("LinearModel is solved at once: it cannot go on from a start model")
        names = ["train"] + ["valid"] * (self.include_valid and "valid" in dataset.segments)
        found = [_whole(one_label(dataset.learn(name), "LinearModel")) for name in names]
        parts = [part for part in found if len(part)]
        if not parts:
            raise InputError(
                "LinearModel: every training row has a NaN; add the processor Fillna or DropCol to the handler"
            )
        X, y = (np.concatenate(arrays) for arrays in zip(*((part.X, part.y) for part in parts), strict=True))
        weights = [given for part in parts if (given := context.weights(part)) is not None]
        with threadpool_limits(context.threads):
            solver = self._solver().fit(X, y, sample_weight=np.concatenate(weights) if weights else None)
        self._weights = np.asarray(solver.coef_, dtype=np.float64)
        self._intercept = float(solver.intercept_)
        context.progress(ProgressReport(1, 1))
        return Fit(importance=dict(zip(parts[0].features, np.abs(self._weights).tolist(), strict=True)))

    def predict(self, dataset: DatasetH, segment: str = "test") -> pd.Series:
        """Weighted sums of the features; NaN where a feature is."""
        from components.models.weighted_sums import add_weighted

        weights = self._fitted()
        rows = dataset.infer(segment)
        scores = np.full(len(rows), self._intercept)
        add_weighted(np.ascontiguousarray(rows.X), weights, scores)
        return pd.Series(scores, index=rows.index(), name="score")

    def save(self, folder: Path) -> None:
        """Write weights and intercept as JSON."""
        state = {"weights": self._fitted().tolist(), "intercept": self._intercept}
        (folder / _FILE).write_text(json.dumps(state), "utf-8")

    @classmethod
    def load(cls, folder: Path, **kwargs: Any) -> Self:
        """Read weights and intercept."""
        state = json.loads((folder / _FILE).read_text("utf-8"))
        model = cls(**kwargs)
        model._weights = np.asarray(state["weights"])
        model._intercept = state["intercept"]
        return model

    def native(self) -> Any:
        """An estimator of scikit-learn with the same weights."""
        from sklearn.linear_model import LinearRegression

        estimator = LinearRegression()
        estimator.coef_, estimator.intercept_ = self._fitted(), self._intercept
        estimator.n_features_in_ = len(estimator.coef_)
        return estimator

    def _fitted(self) -> npt.NDArray[np.float64]:
        if self._weights is None:
            raise NotFitted("the LinearModel is not fitted yet")
        return self._weights

    def _solver(self) -> Any:
        from sklearn.linear_model import Lasso, LinearRegression, Ridge

        if self.estimator in ("ols", "nnls"):
            return LinearRegression(
                fit_intercept=self.fit_intercept, copy_X=False, positive=self.estimator == "nnls"
            )
        penalised = {"ridge": Ridge, "lasso": Lasso}[self.estimator]
        return penalised(alpha=self.alpha, fit_intercept=self.fit_intercept, copy_X=False)


def _whole(rows: Rows) -> Rows:
    """The rows in which nothing is missing."""
    keep = np.flatnonzero(np.isfinite(rows.X).all(axis=1) & np.isfinite(rows.y))
    return replace(rows, X=rows.X[keep], y=rows.y[keep], rows=rows.rows.take(keep))
