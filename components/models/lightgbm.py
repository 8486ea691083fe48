"""Gradient-boosted trees, with the arguments of Qlib's model of the same name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from components.checking import check_count
from components.data import to_day
from components.errors import InputError
from components.features import DatasetH, Rows
from components.models.arguments import with_context
from components.models.model import Fit, FitContext, Model, NotFitted, one_label
from components.progress import Progress, ProgressReport

if TYPE_CHECKING:
    import lightgbm as lgb

#: LightGBM's names for the number of its threads.
THREADS = ("num_threads", "num_thread", "nthread", "nthreads", "n_jobs")
#: LightGBM's names for its seed.
SEEDS = ("seed", "random_seed", "random_state")
#: The booster in the folder of a saved model.
_FILE = "model.txt"


class LGBModel(Model):
    """LightGBM, stopped early by the ``valid`` segment where there is one.

    Args:
        loss: ``mse`` or ``binary``.
        early_stopping_rounds: Rounds without a better ``valid`` metric after which training ends.
        num_boost_round: Rounds at most.
        bin_days: First and last day of the rows whose values make LightGBM's bins, by default those of ``train``.
            Windows with the same days that train in one process share them: less time, slightly other trees.
        params: LightGBM's own parameters.
    """

    packages = ("lightgbm",)

    def __init__(
        self,
        loss: str = "mse",
        early_stopping_rounds: int = 50,
        num_boost_round: int = 1000,
        bin_days: Sequence[str] | None = None,
        **params: Any,
    ) -> None:
        if loss not in ("mse", "binary"):
            raise InputError(f"LGBModel: loss {loss!r} is not supported; use mse or binary")
        check_count("LGBModel: early_stopping_rounds", early_stopping_rounds)
        check_count("LGBModel: num_boost_round", num_boost_round)
        if bin_days is not None:
            if not isinstance(bin_days, list | tuple) or len(bin_days) != 2:
                raise InputError(f"LGBModel: bin_days: expected [first day, last day], not {bin_days!r:.60}")
            bin_days = [str(to_day(day)) for day in bin_days]
        self.params = {"objective": loss, "verbosity": -1, **params}
        self.early_stopping_rounds = early_stopping_rounds
        self.num_boost_round = num_boost_round
        self.bin_days = bin_days
        self._threads: int | None = None
        self._booster: lgb.Booster | None = None

    def validate(self) -> None:
        """Let LightGBM look at its parameters."""
        from components.models.lightgbm_params import check_names, check_values

        params = self._params(FitContext())
        check_names(params)
        check_values(params)

    def fit(self, dataset: DatasetH, context: FitContext = FitContext()) -> Fit:
        """Train on ``train``, from the trees of the start model on if there is one.

        Rows are read from the memory-mapped matrix without a copy.
        """
        import lightgbm as lgb

        from components.models.lightgbm_params import check_names, check_values

        params = self._params(context)
        check_names(params)
        names = [name for name in ("train", "valid") if name in dataset.segments]
        if "train" not in names:
            raise InputError("LGBModel: the dataset has no segment 'train'")
        rows = {name: one_label(dataset.learn(name), "LGBModel") for name in names}
        features = rows["train"].features
        start = self._start(context, len(features))
        self._threads = context.threads
        curves: dict[str, dict[str, list[float]]] = {}
        try:
            booster = self._trained(dataset, rows, params, start, curves, context)
        except (lgb.basic.LightGBMError, TypeError, ValueError):
            check_values(params, len(features))  # raises when they are to blame
            raise
        self._booster = booster
        best = booster.best_iteration if "valid" in names else booster.current_iteration()
        gain = booster.feature_importance("gain")
        return Fit(
            best_iteration=best - (start.current_iteration() if start else 0),
            curves={
                f"{metric}.{name}": values for name in names for metric, values in curves.get(name, {}).items()
            },
            importance=dict(zip(features, map(float, gain), strict=True)),
        )

    def _trained(
        self,
        dataset: DatasetH,
        rows: Mapping[str, Rows],
        params: Mapping[str, Any],
        start: lgb.Booster | None,
        curves: dict[str, dict[str, list[float]]],
        context: FitContext,
    ) -> lgb.Booster:
        """What LightGBM makes of the rows of each segment; it fills the curves."""
        import lightgbm as lgb

        from components.models.binning import binned
        from components.models.shared_bins import in_shared_bins

        if self.bin_days is None:
            sets = binned([(part.X, part.y) for part in rows.values()], params, context.progress)
        else:
            sets = in_shared_bins(dataset, rows, (self.bin_days[0], self.bin_days[1]), params, context.progress)
        for each, part in zip(sets, rows.values(), strict=True):
            each.set_weight(context.weights(part))
            if start is not None:
                each.data = part.X  # the scores to go on from are those of the start model on it
        callbacks = [lgb.record_evaluation(curves), report_rounds(context.progress)]
        if "valid" in rows:
            callbacks.append(lgb.early_stopping(self.early_stopping_rounds, verbose=False))
        return lgb.train(
            dict(params),
            sets[0],
            num_boost_round=self.num_boost_round,
            valid_sets=sets,
            valid_names=list(rows),
            init_model=start,
            callbacks=callbacks,
        )

    def predict(self, dataset: DatasetH, segment: str = "test") -> pd.Series:
        """Scores of the best iteration."""
        rows = dataset.infer(segment)
        # LightGBM's number of threads is one for the whole process: another one here would reach other trainings.
        threads = self._params(FitContext(threads=self._threads)).get("num_threads", 0)
        scores = self._fitted().predict(rows.X, num_threads=threads)
        return pd.Series(scores, index=rows.index(), name="score")

    def save(self, folder: Path) -> None:
        """Write LightGBM's own text format."""
        self._fitted().save_model(folder / _FILE)

    @classmethod
    def load(cls, folder: Path, **kwargs: Any) -> Self:
        """Read LightGBM's own text format."""
        import lightgbm as lgb

        model = cls(**kwargs)
        model._booster = lgb.Booster(model_file=folder / _FILE)
        return model

    def native(self) -> lgb.Booster:
        """The booster."""
        return self._fitted()

    def _fitted(self) -> lgb.Booster:
        if self._booster is None:
            raise NotFitted("the LGBModel is not fitted yet")
        return self._booster

    def _start(self, context: FitContext, features: int) -> lgb.Booster | None:
        """The booster to go on from, with the trees up to its best iteration."""
        import lightgbm as lgb

        if context.start_model is None:
            return None
        if not isinstance(context.start_model, LGBModel):
            raise InputError(
                f"LGBModel cannot go on from a {type(context.start_model).__name__}, only from an LGBModel"
            )
        booster = context.start_model._fitted()
        if booster.num_feature() != features:
            raise InputError(
                f"LGBModel: the start model has {booster.num_feature()} features, the dataset {features}; "
                "it can only go on with the same ones"
            )
        return lgb.Booster(model_str=booster.model_to_string())

    def _params(self, context: FitContext) -> dict[str, Any]:
        """LightGBM's parameters; the threads of the context are a ceiling on what the task asks for."""
        return with_context("LGBModel", self.params, context, threads=THREADS, seeds=SEEDS)


def report_rounds(progress: Progress) -> Any:
    """A callback of LightGBM that tells of each round; what progress raises ends the training."""

    def callback(env: Any) -> None:
        metrics = {f"{metric}.{name}": value for name, metric, value, *_ in env.evaluation_result_list or ()}
        done, total = (iteration - env.begin_iteration for iteration in (env.iteration + 1, env.end_iteration))
        progress(ProgressReport(done, total, metrics))

    return callback
