"""Linear models, with the arguments of Qlib's model of the same name."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from components.errors import InputError
from components.features import DatasetH
from components.models.model import Fit, Model, NotFitted
from components.progress import Progress, ProgressReport, no_progress

_ESTIMATORS = ("ols", "nnls", "ridge", "lasso")


class LinearModel(Model):
    """Least squares: plain, with weights not below 0, or with an L2 or L1 penalty.

    Rows with a NaN are left out, which takes a copy of the training rows.

    Args:
        estimator: ``ols``, ``nnls``, ``ridge`` or ``lasso``.
        alpha: Weight of the penalty, for ``ridge`` and ``lasso``.
        fit_intercept: Whether there is a constant term.
        include_valid: Whether the ``valid`` segment is learnt from as well.
    """

    file_name = "model.json"

    def __init__(
        self,
        estimator: str = "ols",
        alpha: float = 0.0,
        fit_intercept: bool = False,
        include_valid: bool = False,
    ) -> None:
        if estimator not in _ESTIMATORS:
            raise InputError(f"LinearModel: unknown estimator {estimator!r}; use one of {', '.join(_ESTIMATORS)}")
        if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or not 0 <= alpha < math.inf:
            raise InputError(f"LinearModel: alpha is {alpha!r:.60}; give a number, at least 0")
        for name, chosen in (("fit_intercept", fit_intercept), ("include_valid", include_valid)):
            if not isinstance(chosen, bool):
                raise InputError(f"LinearModel: {name} is {chosen!r:.60}; give true or false")
        if alpha and estimator not in ("ridge", "lasso"):
            raise InputError(f"LinearModel: alpha is for ridge and lasso, not for {estimator}")
        self.estimator = estimator
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.include_valid = include_valid
        self._weights: npt.NDArray[np.float64] | None = None
        self._intercept = 0.0

    def fit(self, dataset: DatasetH, *, threads: int | None = None, progress: Progress = no_progress) -> Fit:
        """Solve the least squares problem; there are no iterations to stop at."""
        names = ["train"] + ["valid"] * (self.include_valid and "valid" in dataset.segments)
        rows = [dataset.learn(name) for name in names]
        whole = [np.isfinite(part.X).all(axis=1) & np.isfinite(part.y) for part in rows]
        X = np.concatenate([part.X[keep] for part, keep in zip(rows, whole, strict=True)])
        y = np.concatenate([part.y[keep] for part, keep in zip(rows, whole, strict=True)])
        if not len(y):
            raise InputError(
                "LinearModel: every training row has a NaN; add the processor Fillna or DropCol to the handler"
            )
        with threadpool_limits(threads):
            solver = self._solver().fit(X, y)
        self._weights = np.asarray(solver.coef_, dtype=np.float64)
        self._intercept = float(solver.intercept_)
        progress(ProgressReport(1, 1))
        return Fit(importance=dict(zip(rows[0].features, np.abs(self._weights).tolist(), strict=True)))

    def predict(self, dataset: DatasetH, segment: str = "test") -> pd.Series:
        """Weighted sums of the features; NaN where a feature is."""
        weights = self._fitted()
        rows = dataset.infer(segment)
        return pd.Series(rows.X @ weights + self._intercept, index=rows.index(), name="score")

    def save(self, folder: Path) -> Path:
        """Write weights and intercept as JSON."""
        path = folder / self.file_name
        path.write_text(json.dumps({"weights": self._fitted().tolist(), "intercept": self._intercept}), "utf-8")
        return path

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read weights and intercept."""
        state = json.loads((folder / cls.file_name).read_text("utf-8"))
        model = cls()
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
