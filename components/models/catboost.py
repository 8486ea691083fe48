"""CatBoost's boosted trees, with the arguments of Qlib's model of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from components.checking import check_count, check_number
from components.errors import InputError
from components.features import DatasetH, Rows
from components.models.arguments import check_extra, with_context
from components.models.model import Fit, FitContext, Model, NotFitted, one_label
from components.progress import Progress, ProgressReport

if TYPE_CHECKING:
    import catboost

#: CatBoost's names for the number of its threads, and for its seed.
_THREADS = ("thread_count",)
_SEEDS = ("random_seed", "random_state")
#: CatBoost's other names for the number of rounds.
_ROUNDS = ("iterations", "n_estimators", "num_trees")
#: CatBoost's ways to say what is printed.
_PRINTING = {"verbose", "logging_level", "verbose_eval", "silent"}
#: CatBoost's names for the segments.
_SEGMENTS = {"learn": "train", "validation": "valid"}
#: The trees in the folder of a saved model, in CatBoost's own format.
_FILE = "model.cbm"


class CatBoostModel(Model):
    """CatBoost, stopped early by the ``valid`` segment where there is one; trees after the best round are dropped.

    It runs on the CPU unless `task_type` says otherwise; Qlib takes a GPU where it finds one. Nothing is written
    into the working directory unless `allow_writing_files` says so.

    Args:
        loss: ``RMSE`` or ``Logloss``.
        num_boost_round: Rounds at most; in Qlib an argument of `fit`.
        early_stopping_rounds: Rounds without a better ``valid`` metric after which training ends.
        params: CatBoost's own parameters.

    Raises:
        ModuleUnavailable: where CatBoost is not installed.

    Source: https://catboost.ai/docs/en/references/training-parameters/
    """

    packages = ("catboost",)

    def __init__(
        self, loss: str = "RMSE", num_boost_round: int = 1000, early_stopping_rounds: int = 50, **params: Any
    ) -> None:
        self.check_installed()
        if loss not in ("RMSE", "Logloss"):
            raise InputError(f"CatBoostModel: loss {loss!r} is not supported; use RMSE or Logloss")
        check_count("CatBoostModel: num_boost_round", num_boost_round)
        check_count("CatBoostModel: early_stopping_rounds", early_stopping_rounds)
        for name in params.keys() & _ROUNDS:
            raise InputError(f"CatBoostModel: for {name} say num_boost_round")
        for name in params.keys() & {"learning_rate", "eta"}:
            check_number(f"CatBoostModel: {name}", params[name], above=0)  # CatBoost itself takes any
        self.params = {"loss_function": loss, "task_type": "CPU", "allow_writing_files": False, **params}
        if not params.keys() & _PRINTING:
            self.params["logging_level"] = "Silent"
        if self._on_cpu and self.params.get("bootstrap_type") == "Poisson":
            raise InputError(
                "CatBoostModel: bootstrap_type Poisson is for GPUs only; say bootstrap_type: Bernoulli, or "
                "task_type: GPU where there is one"
            )
        self.num_boost_round = num_boost_round
        self.early_stopping_rounds = early_stopping_rounds
        self._threads: int | None = None
        self._model: catboost.CatBoost | None = None

    @classmethod
    def check_installed(cls) -> None:
        """Check that there is CatBoost."""
        check_extra("CatBoostModel", "catboost")

    def validate(self) -> None:
        """Let CatBoost look at its parameters, unless they are for a GPU."""
        from components.models.catboost_params import check_params

        params = self._params(FitContext())
        if self._on_cpu:
            check_params(params)

    def fit(self, dataset: DatasetH, context: FitContext = FitContext()) -> Fit:
        """Train on ``train``, from the trees of the start model on if there is one.

        CatBoost keeps a copy of the rows by columns. On a GPU progress is not told until the end.
        """
        names = [name for name in ("train", "valid") if name in dataset.segments]
        if "train" not in names:
            raise InputError("CatBoostModel: the dataset has no segment 'train'")
        rows = {name: _labelled(one_label(dataset.learn(name), "CatBoostModel"), name) for name in names}
        features = rows["train"].features
        start = self._start(context, features)
        model = self._trained(rows, start, context)
        self._model, self._threads = model, context.threads
        return Fit(
            best_iteration=model.tree_count_ - (start.tree_count_ if start else 0),
            curves={
                f"{metric}.{_SEGMENTS[name]}": list(values)
                for name, of in model.get_evals_result().items()
                for metric, values in of.items()
            },
            importance=dict(zip(features, map(float, model.get_feature_importance()), strict=True)),
        )

    def _trained(
        self, rows: Mapping[str, Rows], start: catboost.CatBoost | None, context: FitContext
    ) -> catboost.CatBoost:
        """What CatBoost makes of the rows of each segment."""
        import catboost

        from components.models.catboost_params import check_params

        context.progress(ProgressReport())
        pools = {name: _pool(part, context) for name, part in rows.items()}
        params = self._params(context) | {"iterations": self.num_boost_round}
        if "valid" in pools:
            params["early_stopping_rounds"] = self.early_stopping_rounds
        model = catboost.CatBoost(params)
        report = _Report(context.progress, self.num_boost_round)
        try:
            model.fit(
                pools["train"],
                eval_set=pools.get("valid"),
                use_best_model="valid" in pools,
                init_model=start,
                callbacks=[report] if self._on_cpu else None,
            )
        except catboost.CatBoostError:
            if self._on_cpu:
                check_params(self._params(context), rows["train"].X.shape[1])  # raises when they are to blame
            raise
        report.raise_what_stopped_it()
        return model

    def predict(self, dataset: DatasetH, segment: str = "test") -> pd.Series:
        """Scores of the best round; with Logloss the logarithm of the odds, as in Qlib."""
        rows = dataset.infer(segment)
        threads = self._params(FitContext(threads=self._threads)).get("thread_count", -1)
        scores = self.native().predict(rows.X, thread_count=threads)
        return pd.Series(scores, index=rows.index(), name="score")

    def save(self, folder: Path) -> None:
        """Write CatBoost's own format."""
        self.native().save_model(str(folder / _FILE))

    @classmethod
    def load(cls, folder: Path, **kwargs: Any) -> Self:
        """Read CatBoost's own format."""
        import catboost

        model = cls(**kwargs)
        model._model = catboost.CatBoost().load_model(str(folder / _FILE))
        return model

    def native(self) -> catboost.CatBoost:
        """CatBoost's model."""
        if self._model is None:
            raise NotFitted("the CatBoostModel is not fitted yet")
        return self._model

    @property
    def _on_cpu(self) -> bool:
        return bool(self.params["task_type"] == "CPU")

    def _start(self, context: FitContext, features: tuple[str, ...]) -> catboost.CatBoost | None:
        """The model to go on from."""
        if context.start_model is None:
            return None
        if not isinstance(context.start_model, CatBoostModel):
            raise InputError(
                f"CatBoostModel cannot go on from a {type(context.start_model).__name__}, only from a CatBoostModel"
            )
        model = context.start_model.native()
        if tuple(model.feature_names_) != features:
            raise InputError(
                f"CatBoostModel: the start model has {len(model.feature_names_)} features, the dataset "
                f"{len(features)}; it can only go on with the same ones"
            )
        return model

    def _params(self, context: FitContext) -> dict[str, Any]:
        return with_context("CatBoostModel", self.params, context, threads=_THREADS, seeds=_SEEDS)


class _Report:
    """A callback of CatBoost that tells of each round.

    CatBoost would turn what it raises into an error of its own, so that it is kept and raised afterwards.
    """

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0
        self._error: BaseException | None = None

    def after_iteration(self, info: Any) -> bool:
        """Tell; whether to go on."""
        self._done += 1
        metrics = {
            f"{metric}.{_SEGMENTS[name]}": values[-1]
            for name, of in info.metrics.items()
            for metric, values in of.items()
        }
        try:
            self._progress(ProgressReport(self._done, self._total, metrics))
        except BaseException as error:
            self._error = error
            return False
        return True

    def raise_what_stopped_it(self) -> None:
        """Raise what progress has raised, if it has."""
        if self._error is not None:
            raise self._error


def _labelled(rows: Rows, segment: str) -> Rows:
    if not np.isfinite(rows.y).all():
        raise InputError(
            f"CatBoostModel: labels of {segment} are NaN or infinite; add the learn processor DropnaLabel"
        )
    return rows


def _pool(rows: Rows, context: FitContext) -> catboost.Pool:
    import catboost

    return catboost.Pool(rows.X, label=rows.y, weight=context.weights(rows), feature_names=list(rows.features))
