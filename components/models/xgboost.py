"""XGBoost's boosted trees, with the arguments of Qlib's model of the same name."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from components.checking import check_count, check_flag
from components.errors import InputError
from components.features import DatasetH, Rows
from components.models.arguments import check_extra, with_context
from components.models.model import Fit, FitContext, Model, NotFitted, one_label
from components.progress import Progress, ProgressReport

if TYPE_CHECKING:
    import xgboost as xgb

log = logging.getLogger(__name__)

#: XGBoost's names for the number of its threads, and for its seed.
_THREADS = ("nthread", "n_jobs")
_SEEDS = ("seed", "random_state")
#: The booster in the folder of a saved model, in XGBoost's own binary JSON.
_FILE = "booster.ubj"  # model.ubj is what MLflow writes
#: Words in errors of XGBoost that the data is to blame for, and what to do.
_MISTAKES = {
    "contains `inf`": "a feature is infinite; add the infer processor ProcessInf",
    "Label contains": "a label is NaN or infinite; add the learn processor DropnaLabel",
}


class XGBModel(Model):
    """XGBoost, stopped early by the ``valid`` segment where there is one.

    As in Qlib, the trees after the best round are kept and count, and `n_estimators` is ignored: published configs
    name it, but Qlib hands it to a function that does not know it.

    Args:
        num_boost_round: Rounds at most; in Qlib an argument of `fit`.
        early_stopping_rounds: Rounds without a better ``valid`` metric after which training ends.
        use_best_iteration: Whether the trees after the best round are dropped, as LGBModel does.
        params: XGBoost's own parameters.

    Raises:
        ModuleUnavailable: where XGBoost is not installed.

    Source: https://xgboost.readthedocs.io/en/stable/parameter.html
    """

    packages = ("xgboost", "xgboost-cpu")

    def __init__(
        self,
        num_boost_round: int = 1000,
        early_stopping_rounds: int = 50,
        use_best_iteration: bool = False,
        **params: Any,
    ) -> None:
        self.check_installed()
        if "n_estimators" in params:
            _say_that_it_is_ignored()
        check_count("XGBModel: num_boost_round", num_boost_round)
        check_count("XGBModel: early_stopping_rounds", early_stopping_rounds)
        check_flag("XGBModel: use_best_iteration", use_best_iteration)
        if use_best_iteration and params.get("booster") == "gblinear":
            raise InputError("XGBModel: use_best_iteration drops trees, and booster gblinear has none")
        self.params = {name: value for name, value in params.items() if name != "n_estimators"}
        self.num_boost_round = num_boost_round
        self.early_stopping_rounds = early_stopping_rounds
        self.use_best_iteration = use_best_iteration
        self._threads: int | None = None
        self._booster: xgb.Booster | None = None

    @classmethod
    def check_installed(cls) -> None:
        """Check that there is XGBoost."""
        check_extra("XGBModel", "xgboost")

    def validate(self) -> None:
        """Let XGBoost look at its parameters."""
        from components.models.xgboost_params import check_params

        check_params(self._params(FitContext()))

    def fit(self, dataset: DatasetH, context: FitContext = FitContext()) -> Fit:
        """Train on ``train``, from the trees of the start model on if there is one.

        XGBoost puts the rows into its bins straight from the memory-mapped matrix, where it works with bins.
        """
        params = self._params(context)
        names = [name for name in ("train", "valid") if name in dataset.segments]
        if "train" not in names:
            raise InputError("XGBModel: the dataset has no segment 'train'")
        rows = {name: one_label(dataset.learn(name), "XGBModel") for name in names}
        features = rows["train"].features
        start = self._start(context, len(features))
        curves: dict[str, dict[str, list[float]]] = {}
        with _explained(params, len(features)):
            booster = self._trained(rows, params, start, curves, context)
        if self.use_best_iteration and "valid" in names:
            booster = booster[: booster.best_iteration + 1]
        self._booster, self._threads = booster, context.threads
        return Fit(
            best_iteration=booster.num_boosted_rounds() - (start.num_boosted_rounds() if start else 0),
            curves={
                f"{metric}.{name}": list(values)
                for name in names
                for metric, values in curves.get(name, {}).items()
            },
            importance=_importance(booster, features),
        )

    def _trained(
        self,
        rows: Mapping[str, Rows],
        params: Mapping[str, Any],
        start: xgb.Booster | None,
        curves: dict[str, dict[str, list[float]]],
        context: FitContext,
    ) -> xgb.Booster:
        """What XGBoost makes of the rows of each segment; it fills the curves."""
        import xgboost as xgb

        context.progress(ProgressReport())
        sets: dict[str, xgb.DMatrix] = {}
        for name, part in rows.items():
            sets[name] = _matrix(part, params, context, sets.get("train"))
            context.progress(ProgressReport())
        return xgb.train(
            dict(params),
            sets["train"],
            num_boost_round=self.num_boost_round,
            evals=[(matrix, name) for name, matrix in sets.items()],
            early_stopping_rounds=self.early_stopping_rounds if "valid" in sets else None,
            evals_result=curves,
            verbose_eval=False,
            xgb_model=start,
            callbacks=[_report(context.progress, self.num_boost_round)],
        )

    def predict(self, dataset: DatasetH, segment: str = "test") -> pd.Series:
        """Scores of all trees that are kept; see the class."""
        rows = dataset.infer(segment)
        booster = self.native()
        if threads := self._params(FitContext(threads=self._threads)).get("nthread"):
            booster.set_param({"nthread": threads})
        return pd.Series(_scores(booster, rows), index=rows.index(), name="score").astype("float64")

    def save(self, folder: Path) -> None:
        """Write XGBoost's own binary JSON."""
        self.native().save_model(folder / _FILE)

    @classmethod
    def load(cls, folder: Path, **kwargs: Any) -> Self:
        """Read XGBoost's own binary JSON."""
        import xgboost as xgb

        model = cls(**kwargs)
        model._booster = xgb.Booster(model_file=folder / _FILE)
        return model

    def native(self) -> xgb.Booster:
        """The booster."""
        if self._booster is None:
            raise NotFitted("the XGBModel is not fitted yet")
        return self._booster

    def _start(self, context: FitContext, features: int) -> xgb.Booster | None:
        """The booster to go on from, with the trees that it keeps."""
        if context.start_model is None:
            return None
        if not isinstance(context.start_model, XGBModel):
            raise InputError(
                f"XGBModel cannot go on from a {type(context.start_model).__name__}, only from an XGBModel"
            )
        booster = context.start_model.native()
        if booster.num_features() != features:
            raise InputError(
                f"XGBModel: the start model has {booster.num_features()} features, the dataset {features}; "
                "it can only go on with the same ones"
            )
        return booster

    def _params(self, context: FitContext) -> dict[str, Any]:
        return with_context("XGBModel", self.params, context, threads=_THREADS, seeds=_SEEDS)


@contextmanager
def _explained(params: Mapping[str, Any], features: int) -> Iterator[None]:
    """Errors of XGBoost that the data or the parameters are to blame for, as such."""
    import xgboost as xgb

    from components.models.xgboost_params import check_params

    try:
        yield
    except (xgb.core.XGBoostError, AttributeError, TypeError, ValueError) as error:
        for words, message in _MISTAKES.items():
            if words in str(error):
                raise InputError(f"XGBModel: {message}") from None
        check_params(params, features)  # raises when they are to blame
        raise


@cache
def _say_that_it_is_ignored() -> None:
    log.warning("XGBModel ignores n_estimators, as Qlib does; num_boost_round is the number of rounds")


def _matrix(rows: Rows, params: Mapping[str, Any], context: FitContext, train: xgb.DMatrix | None) -> xgb.DMatrix:
    """Rows in XGBoost's own form: in its bins where it works with them, which are the same either way.

    Bins take a byte a value instead of eight.
    """
    import xgboost as xgb

    given = {"label": rows.y, "weight": context.weights(rows), "nthread": params.get("nthread")}
    # What is not named here has its own idea of a matrix, or is not known to bin alike.
    binned = (
        params.get("tree_method", "auto") in ("auto", "hist")
        and params.get("booster", "gbtree") in ("gbtree", "dart")
        and params.get("device", "cpu") == "cpu"
        and not params.keys() & {"updater", "process_type"}
    )
    if not binned:
        return xgb.DMatrix(rows.X, **given)
    return xgb.QuantileDMatrix(rows.X, max_bin=params.get("max_bin", 256), ref=train, **given)


def _scores(booster: xgb.Booster, rows: Rows) -> Any:
    """Predictions, from the matrix as it lies in memory where that gives the same numbers."""
    import xgboost as xgb

    return booster.inplace_predict(rows.X) if _kind(booster) == "gbtree" else booster.predict(xgb.DMatrix(rows.X))


def _importance(booster: xgb.Booster, features: tuple[str, ...]) -> dict[str, float]:
    """Total gain by feature, as LGBModel has it; of a linear booster the size of the weights."""
    kind = "weight" if _kind(booster) == "gblinear" else "total_gain"
    found: dict[str, Any] = booster.get_score(importance_type=kind)
    return {name: abs(float(found.get(f"f{place}", 0.0))) for place, name in enumerate(features)}


def _kind(booster: xgb.Booster) -> str:
    return str(json.loads(booster.save_config())["learner"]["gradient_booster"]["name"])


def _report(progress: Progress, total: int) -> Any:
    """A callback of XGBoost that tells of each round."""
    import xgboost as xgb

    class Report(xgb.callback.TrainingCallback):
        """Tells of each round; what it raises ends the training."""

        done = 0

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
            """Tell; go on."""
            self.done += 1
            metrics = {
                f"{metric}.{name}": values[-1] for name, of in evals_log.items() for metric, values in of.items()
            }
            progress(ProgressReport(self.done, total, metrics))
            return False

    return Report()
