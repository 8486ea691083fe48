"""Gradient-boosted trees, with the arguments of Qlib's model of the same name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from components.errors import InputError
from components.features import DatasetH
from components.models.model import Fit, Model, NotFitted
from components.progress import Progress, ProgressReport, no_progress

if TYPE_CHECKING:
    import lightgbm as lgb

#: LightGBM's names for the number of its threads.
_THREAD_ALIASES = ("num_threads", "num_thread", "nthread", "nthreads", "n_jobs")


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

    file_name = "model.txt"

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
        for name, rounds in (
            ("early_stopping_rounds", early_stopping_rounds),
            ("num_boost_round", num_boost_round),
        ):
            if type(rounds) is not int or rounds < 1:
                raise InputError(f"LGBModel: {name} is {rounds!r:.60}; give a whole number, at least 1")
        if bin_days is not None and len(bin_days) != 2:
            raise InputError(f"LGBModel: bin_days: expected [first day, last day], not {bin_days!r:.60}")
        self.params = {"objective": loss, "verbosity": -1, **params}
        self.early_stopping_rounds = early_stopping_rounds
        self.num_boost_round = num_boost_round
        self.bin_days = bin_days
        self._threads: int | None = None
        self._booster: lgb.Booster | None = None

    def validate(self) -> None:
        """Let LightGBM look at its parameters."""
        from components.models.lightgbm_params import check_parameters

        check_parameters(self._params())

    def fit(self, dataset: DatasetH, *, threads: int | None = None, progress: Progress = no_progress) -> Fit:
        """Train on ``train``; rows are read from the memory-mapped matrix without a copy."""
        import lightgbm as lgb

        from components.models.binning import binned
        from components.models.shared_bins import in_shared_bins

        self._threads = threads
        params = self._params()
        names = [name for name in ("train", "valid") if name in dataset.segments]
        if "train" not in names:
            raise InputError("LGBModel: the dataset has no segment 'train'")
        rows = [dataset.learn(name) for name in names]
        if self.bin_days is None:
            sets = binned([(part.X, part.y) for part in rows], params)
        else:
            segments = dict(zip(names, rows, strict=True))
            sets = in_shared_bins(dataset, segments, (self.bin_days[0], self.bin_days[1]), params)
        curves: dict[str, dict[str, list[float]]] = {}
        callbacks = [lgb.record_evaluation(curves), _report(progress)]
        if "valid" in names:
            callbacks.append(lgb.early_stopping(self.early_stopping_rounds, verbose=False))
        booster = lgb.train(
            params,
            sets[0],
            num_boost_round=self.num_boost_round,
            valid_sets=sets,
            valid_names=names,
            callbacks=callbacks,
        )
        self._booster = booster
        gain = booster.feature_importance("gain")
        return Fit(
            best_iteration=booster.best_iteration if "valid" in names else booster.num_trees(),
            curves={f"{metric}.{name}": values for name in names for metric, values in curves[name].items()},
            importance=dict(zip(rows[0].features, map(float, gain), strict=True)),
        )

    def predict(self, dataset: DatasetH, segment: str = "test") -> pd.Series:
        """Scores of the best iteration."""
        rows = dataset.infer(segment)
        # LightGBM's number of threads is one for the whole process: another one here would reach other trainings.
        scores = self._fitted().predict(rows.X, num_threads=self._params().get("num_threads", 0))
        return pd.Series(scores, index=rows.index(), name="score")

    def save(self, folder: Path) -> Path:
        """Write LightGBM's own text format."""
        path = folder / self.file_name
        self._fitted().save_model(path)
        return path

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read LightGBM's own text format."""
        import lightgbm as lgb

        model = cls()
        model._booster = lgb.Booster(model_file=folder / cls.file_name)
        return model

    def native(self) -> lgb.Booster:
        """The booster."""
        return self._fitted()

    def _fitted(self) -> lgb.Booster:
        if self._booster is None:
            raise NotFitted("the LGBModel is not fitted yet")
        return self._booster

    def _params(self) -> dict[str, Any]:
        """LightGBM's parameters; the threads given to `fit` are a ceiling on what the task asks for."""
        asked = [self.params[name] for name in _THREAD_ALIASES if self.params.get(name) is not None]
        for number in asked:
            if type(number) is not int:
                raise InputError(f"LGBModel: {number!r:.60} threads; give a whole number")
        params = {name: value for name, value in self.params.items() if name not in _THREAD_ALIASES}
        limits = [number for number in (*asked, self._threads or 0) if number > 0]
        return params | ({"num_threads": min(limits)} if limits else {})


def _report(progress: Progress) -> Any:
    def callback(env: Any) -> None:
        metrics = {f"{metric}.{name}": value for name, metric, value, *_ in env.evaluation_result_list or ()}
        progress(ProgressReport(env.iteration + 1, env.end_iteration, metrics))

    return callback
