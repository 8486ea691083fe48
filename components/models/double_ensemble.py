"""DoubleEnsemble, with the arguments of Qlib's model of the same name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from components.checking import check_count, check_flag, check_number
from components.errors import InputError
from components.features import DatasetH, Rows
from components.models.arguments import with_context
from components.models.double_ensemble_steps import (
    Columns,
    Floats,
    SubModel,
    chosen_features,
    feature_gains,
    losses_at_both_ends,
    sample_weights,
)
from components.models.lightgbm import SEEDS, THREADS, report_rounds
from components.models.model import Fit, FitContext, Model, NotFitted, one_label
from components.progress import ProgressReport

if TYPE_CHECKING:
    import lightgbm as lgb

#: Columns of each model, in the folder of a saved one.
_COLUMNS = "columns.json"


class DEnsembleModel(Model):
    """Several LightGBM models, each trained on other weights of the samples and on fewer features than the first.

    Args:
        base_model: ``gbm``.
        loss: ``mse``.
        num_models: Number of models.
        enable_sr: Whether samples are weighed anew after each model.
        enable_fs: Whether features are chosen anew after each model.
        alpha1: How much the loss of the ensemble counts for the weight of a sample.
        alpha2: How much the change of its loss from the first trees to the last counts.
        bins_sr: Number of bins of samples that get the same weight.
        bins_fs: Number of bins of features of like importance.
        decay: Base of what weights are multiplied by from model to model; needed if samples are weighed.
        sample_ratios: Share of the features that is kept of each bin, the most important ones first.
        sub_weights: Weight of each model's scores.
        epochs: Rounds of each model at most.
        early_stopping_rounds: Rounds without a better ``valid`` metric after which a model ends; None: never.
        numpy_seed: Seed of shuffling and choosing, with the draws of Qlib after ``np.random.seed(numpy_seed)``; by
            default the seed of the context, else 0.
        params: LightGBM's own parameters.

    Source: https://arxiv.org/abs/2010.01265
    """

    packages = ("lightgbm",)

    def __init__(
        self,
        base_model: str = "gbm",
        loss: str = "mse",
        num_models: int = 6,
        enable_sr: bool = True,
        enable_fs: bool = True,
        alpha1: float = 1.0,
        alpha2: float = 1.0,
        bins_sr: int = 10,
        bins_fs: int = 5,
        decay: float | None = None,
        sample_ratios: Sequence[float] | None = None,
        sub_weights: Sequence[float] | None = None,
        epochs: int = 100,
        early_stopping_rounds: int | None = None,
        numpy_seed: int | None = None,
        **params: Any,
    ) -> None:
        for name, value, only in (("base_model", base_model, "gbm"), ("loss", loss, "mse")):
            if value != only:
                raise InputError(f"DEnsembleModel: {name} {value!r:.60} is not supported; use {only}")
        for name, number in (
            ("num_models", num_models),
            ("bins_sr", bins_sr),
            ("bins_fs", bins_fs),
            ("epochs", epochs),
        ):
            check_count(f"DEnsembleModel: {name}", number)
        for name, flag in (("enable_sr", enable_sr), ("enable_fs", enable_fs)):
            check_flag(f"DEnsembleModel: {name}", flag)
        for name, factor in (("alpha1", alpha1), ("alpha2", alpha2)):
            check_number(f"DEnsembleModel: {name}", factor)
        if early_stopping_rounds is not None:
            check_count("DEnsembleModel: early_stopping_rounds", early_stopping_rounds)
        if numpy_seed is not None:
            check_count("DEnsembleModel: numpy_seed", numpy_seed, least=0)
        if decay is not None or (enable_sr and num_models > 1):
            check_number("DEnsembleModel: decay", decay, least=0)
        self.num_models, self.epochs, self.early_stopping_rounds = num_models, epochs, early_stopping_rounds
        self.enable_sr, self.alpha1, self.alpha2, self.bins_sr, self.decay = (
            enable_sr,
            alpha1,
            alpha2,
            bins_sr,
            decay,
        )
        self.enable_fs, self.bins_fs = enable_fs, bins_fs
        self.sample_ratios = _ratios(sample_ratios, bins_fs)
        self.sub_weights = _weights(sub_weights, num_models)
        self.numpy_seed = numpy_seed
        self.params = {"objective": loss, "verbosity": -1, **params}
        self._threads: int | None = None
        self._models: list[SubModel] = []

    def validate(self) -> None:
        """Let LightGBM look at its parameters."""
        from components.models.lightgbm_params import check_names, check_values

        params = self._params(FitContext())
        check_names(params, model="DEnsembleModel")
        check_values(params, model="DEnsembleModel")

    def fit(self, dataset: DatasetH, context: FitContext = FitContext()) -> Fit:
        """Train one model after the other on ``train``.

        Weights of the context multiply those that the model finds. A model that knows a part of the features has a
        copy of that part while its bins are made.
        """
        if context.start_model is not None:
            raise InputError("DEnsembleModel learns anew: it cannot go on from a start model")
        names = [name for name in ("train", "valid") if name in dataset.segments]
        if "train" not in names:
            raise InputError("DEnsembleModel: the dataset has no segment 'train'")
        training = _Training(
            self, {name: one_label(dataset.learn(name), "DEnsembleModel") for name in names}, context
        )
        for number in range(self.num_models):
            training.train(number)
            if number + 1 < self.num_models:
                training.prepare_next(number)
        self._models, self._threads = training.models, context.threads
        return Fit(curves=training.curves, importance=self._importance(training.train_rows.features))

    def predict(self, dataset: DatasetH, segment: str = "test") -> pd.Series:
        """Weighted mean of the scores of the models."""
        models = self._fitted()
        rows = dataset.infer(segment)
        total = np.zeros(len(rows))
        for model, weight in zip(models, self.sub_weights, strict=True):
            total += model.predict(rows.X) * weight
        return pd.Series(total / np.sum(self.sub_weights), index=rows.index(), name="score")

    def save(self, folder: Path) -> None:
        """Write LightGBM's own text format, a file for each model, and which features it knows."""
        models = self._fitted()
        for number, model in enumerate(models):
            model.booster.save_model(folder / f"model_{number}.txt")
        columns = [model.columns.tolist() for model in models]
        (folder / _COLUMNS).write_text(json.dumps(columns), "utf-8")

    @classmethod
    def load(cls, folder: Path, **kwargs: Any) -> Self:
        """Read what `save` has written."""
        import lightgbm as lgb

        model = cls(**kwargs)
        threads = model._params(FitContext()).get("num_threads", 0)
        for number, columns in enumerate(json.loads((folder / _COLUMNS).read_text("utf-8"))):
            booster = lgb.Booster(model_file=folder / f"model_{number}.txt")
            model._models.append(SubModel(booster, np.array(columns, dtype=np.intp), threads))
        return model

    def _fitted(self) -> list[SubModel]:
        if not self._models:
            raise NotFitted("the DEnsembleModel is not fitted yet")
        return self._models

    def _importance(self, features: Sequence[str]) -> dict[str, float]:
        """Gain by feature, summed over the models with their weights."""
        total = np.zeros(len(features))
        for model, weight in zip(self._models, self.sub_weights, strict=True):
            total[model.columns] += weight * model.booster.feature_importance("gain")
        return dict(zip(features, total.tolist(), strict=True))

    def _params(self, context: FitContext) -> dict[str, Any]:
        return with_context("DEnsembleModel", self.params, context, threads=THREADS, seeds=SEEDS)


class _Training:
    """The state between the models of one training."""

    def __init__(self, of: DEnsembleModel, rows: dict[str, Rows], context: FitContext) -> None:
        self.of = of
        self.rows = rows
        self.train_rows = rows["train"]
        self.context = context
        self.params = of._params(context)
        self.models: list[SubModel] = []
        self.curves: dict[str, list[float]] = {}
        seed = of.numpy_seed if of.numpy_seed is not None else context.seed or 0
        self._random = np.random.RandomState(seed)  # the generator behind np.random, which Qlib draws from
        self._weights: Floats = np.ones(len(self.train_rows))
        self._columns: Columns = np.arange(self.train_rows.X.shape[1])
        self._labels = self.train_rows.y.astype(np.float64)
        for name, part in rows.items():
            if not np.isfinite(part.y).all():
                raise InputError(
                    f"DEnsembleModel: labels of {name} are NaN or infinite; add the learn processor DropnaLabel"
                )
        self._scores: Floats = np.zeros(len(self.train_rows))

    def train(self, number: int) -> None:
        """Train a model on the weights and features of this moment."""
        import lightgbm as lgb

        from components.models.lightgbm_params import check_names, check_values

        check_names(self.params, model="DEnsembleModel")
        found: dict[str, dict[str, list[float]]] = {}
        callbacks = [lgb.record_evaluation(found), report_rounds(self._report(number))]
        if "valid" in self.rows and self.of.early_stopping_rounds:
            callbacks.append(lgb.early_stopping(self.of.early_stopping_rounds, verbose=False))
        try:
            sets = self._sets()
            booster = lgb.train(
                dict(self.params),
                sets[0],
                num_boost_round=self.of.epochs,
                valid_sets=sets,
                valid_names=list(self.rows),
                callbacks=callbacks,
            )
        except (lgb.basic.LightGBMError, TypeError, ValueError):
            check_values(self.params, len(self._columns), model="DEnsembleModel")  # raises when they are to blame
            raise
        self.models.append(SubModel(booster, self._columns, self.params.get("num_threads", 0)))
        for segment, metrics in found.items():
            for metric, values in metrics.items():
                self.curves[f"{metric}.{number + 1}.{segment}"] = values

    def prepare_next(self, number: int) -> None:
        """Weigh the samples and choose the features for the model after this one."""
        of, X, model = self.of, self.train_rows.X, self.models[number]
        self._scores = self._scores + model.predict(X) * of.sub_weights[number]
        ensemble = self._scores / np.sum(of.sub_weights[: number + 1])
        loss = (self._labels - ensemble) ** 2
        if of.enable_sr and of.decay is not None:
            first, last = losses_at_both_ends(model, X, self._labels)
            decay = of.decay ** (number + 1)
            self._weights = sample_weights(
                first, last, loss, alpha1=of.alpha1, alpha2=of.alpha2, bins=of.bins_sr, decay=decay
            )
        if of.enable_fs:
            tell = self._report(number)
            gains = feature_gains(
                self.models, X, self._labels, loss, self._random, lambda: tell(ProgressReport(of.epochs))
            )
            self._columns = chosen_features(gains, of.bins_fs, of.sample_ratios, self._random)

    def _sets(self) -> list[lgb.Dataset]:
        """The rows of each segment in LightGBM's bins, with their weights."""
        from components.models.binning import binned

        whole = len(self._columns) == self.train_rows.X.shape[1]
        parts = ((part.X if whole else part.X[:, self._columns], part.y) for part in self.rows.values())
        sets = binned(parts, self.params, self.context.progress)
        given = {name: self.context.weights(part) for name, part in self.rows.items()}
        sets[0].set_weight(self._weights if given["train"] is None else self._weights * given["train"])
        if "valid" in given:
            sets[1].set_weight(given["valid"])
        return sets

    def _report(self, number: int) -> Any:
        """Progress of one model as that of all."""

        def report(told: ProgressReport) -> None:
            done, total = number * self.of.epochs + told.done, self.of.num_models * self.of.epochs
            self.context.progress(ProgressReport(done, total, told.metrics))

        return report


def _ratios(given: Sequence[float] | None, bins: int) -> list[float]:
    ratios = [0.8, 0.7, 0.6, 0.5, 0.4] if given is None else given
    if not isinstance(ratios, list | tuple) or len(ratios) != bins:
        raise InputError(
            f"DEnsembleModel: sample_ratios: expected a list of {bins} shares, one for each of bins_fs"
        )
    for ratio in ratios:
        check_number("DEnsembleModel: sample_ratios: each", ratio, above=0)
        if ratio > 1:
            raise InputError(f"DEnsembleModel: sample_ratios: each must be at most 1, not {ratio!r:.60}")
    return list(ratios)


def _weights(given: Sequence[float] | None, models: int) -> list[float]:
    weights = [1.0] * models if given is None else given
    if not isinstance(weights, list | tuple) or len(weights) != models:
        raise InputError(f"DEnsembleModel: sub_weights: expected a list of {models} weights, one for each model")
    for weight in weights:
        check_number("DEnsembleModel: sub_weights: each", weight, least=0)
    check_number("DEnsembleModel: sub_weights: the first", weights[0], above=0)
    return list(weights)
