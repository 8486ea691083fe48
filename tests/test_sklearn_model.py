"""Estimators of scikit-learn as models, against scikit-learn itself on the same rows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_datasets import SHARES, LateDaysOnly, TooLong, dataset_of, noisy, scores_elsewhere

from components.build import trusting
from components.errors import InputError
from components.models import (
    FitContext,
    Model,
    NotFitted,
    SklearnModel,
    build_model,
    load_model,
    model_config,
    save_model,
)
from components.progress import ProgressReport

X, Y = noisy()
TRAIN, VALID, TEST = slice(0, 360), slice(360, 480), slice(480, 600)


def described(name: str, module: str, **kwargs: Any) -> dict[str, Any]:
    return {"class": name, "module_path": f"sklearn.{module}", "kwargs": kwargs}


FOREST = described("RandomForestRegressor", "ensemble", n_estimators=5, random_state=3)
BOOSTED = described("HistGradientBoostingRegressor", "ensemble", early_stopping=True, n_iter_no_change=3)
RIDGE = described("Ridge", "linear_model", alpha=2.0)
SCALED = described(
    "Pipeline", "pipeline", steps=[["scale", described("StandardScaler", "preprocessing")], ["ridge", RIDGE]]
)
CLASSES = described("LogisticRegression", "linear_model")


def fitted(config: dict[str, Any], y: Any = Y, features: Any = X, **context: Any) -> Model:
    model = build_model(config)
    model.fit(dataset_of(features, y, **SHARES), FitContext(**{"threads": 1, **context}))
    return model


def scores(model: Model, features: Any = X) -> list[float]:
    return model.predict(dataset_of(features, Y, **SHARES)).tolist()


@pytest.mark.parametrize(
    ("config", "bare"),
    [
        (FOREST, RandomForestRegressor(n_estimators=5, random_state=3)),
        (RIDGE, Ridge(alpha=2.0)),
        (SCALED, make_pipeline(StandardScaler(), Ridge(alpha=2.0))),
    ],
    ids=lambda value: value["class"] if isinstance(value, dict) else "",
)
def test_gives_what_the_bare_estimator_gives(config: dict[str, Any], bare: Any) -> None:
    assert scores(fitted(config)) == bare.fit(X[TRAIN], Y[TRAIN]).predict(X[TEST]).tolist()
    given_whole = {"class": "SklearnModel", "kwargs": {"estimator": config}}
    assert scores(fitted(given_whole)) == scores(fitted(config))


def test_classifiers_score_by_the_last_class() -> None:
    bare = LogisticRegression().fit(X[TRAIN], Y[TRAIN] > 0)
    assert scores(fitted(CLASSES, Y > 0)) == bare.predict_proba(X[TEST])[:, 1].tolist()
    by_margin = scores(fitted(described("LinearSVC", "svm", random_state=1), Y > 0))
    assert min(by_margin) < 0 < max(by_margin)
    assert np.corrcoef(by_margin, scores(fitted(CLASSES, Y > 0)))[0, 1] > 0.9
    with pytest.raises(InputError, match="LogisticRegression learns classes; make the label one of few whole"):
        fitted(CLASSES)


def test_the_valid_segment_stops_boosting() -> None:
    model = build_model(BOOSTED)
    fit = model.fit(dataset_of(X, Y, **SHARES), FitContext(threads=1))
    bare = HistGradientBoostingRegressor(early_stopping=True, n_iter_no_change=3)
    bare.fit(X[TRAIN], Y[TRAIN], X_val=X[VALID], y_val=Y[VALID])
    assert scores(model) == bare.predict(X[TEST]).tolist()
    assert fit.best_iteration == bare.n_iter_ < 30
    assert fit.curves["loss.valid"] == (-bare.validation_score_[1:]).tolist()
    assert len(fit.curves["loss.train"]) == bare.n_iter_
    off = {**BOOSTED, "kwargs": {"early_stopping": False, "max_iter": 12}}
    assert build_model(off).fit(dataset_of(X, Y, **SHARES)).best_iteration == 12


@pytest.mark.parametrize("config", [FOREST, RIDGE, SCALED, BOOSTED], ids=lambda config: config["class"])
def test_weights_count(config: dict[str, Any]) -> None:
    """Where the first half counts nothing, it might as well have other labels."""
    reweighter = LateDaysOnly(18)
    other = Y.copy()
    other[:180] = 100.0
    config = {**config, "kwargs": {**config["kwargs"], **({"bootstrap": False} if config is FOREST else {})}}
    if config["class"] == "Pipeline":  # its scaler takes no weights, and sees features only
        assert scores(fitted(config, reweighter=reweighter)) != scores(fitted(config))
    if config is not FOREST:
        assert scores(fitted(config, other, reweighter=reweighter)) == pytest.approx(
            scores(fitted(config, reweighter=reweighter)), rel=1e-6
        )
    assert scores(fitted(config, other)) != pytest.approx(scores(fitted(config)), rel=1e-3)


def test_weights_that_cannot_count_are_refused() -> None:
    with pytest.raises(InputError, match="KNeighborsRegressor takes no weights of rows; leave the reweighter out"):
        fitted(described("KNeighborsRegressor", "neighbors"), reweighter=LateDaysOnly(18))


def test_nan_is_refused_unless_the_estimator_takes_it() -> None:
    holed = X.copy()
    holed[[3, 500], 2] = np.nan
    words = "features of train are NaN or infinite, which Ridge does not take; add the infer processors ProcessInf"
    with pytest.raises(InputError, match=words):
        fitted(RIDGE, features=holed)
    with pytest.raises(InputError, match="a step is given what is NaN or infinite"):
        fitted(SCALED, features=holed)
    with pytest.raises(InputError, match=r"labels of train are NaN or infinite; add .* DropnaLabel"):
        fitted(RIDGE, np.where(np.arange(600) == 5, np.nan, Y))
    assert np.isfinite(scores(fitted(BOOSTED, features=holed), holed)).all()
    imputed = described(
        "Pipeline", "pipeline", steps=[["fill", described("SimpleImputer", "impute")], ["ridge", RIDGE]]
    )
    assert np.isfinite(scores(fitted(imputed, features=holed), holed)).all()


def test_rows_with_nan_get_no_score() -> None:
    holed = X.copy()
    holed[500, 2] = np.nan
    model = fitted(RIDGE)
    found = np.array(scores(model, holed))
    assert np.flatnonzero(np.isnan(found)).tolist() == [20]
    assert np.delete(found, 20).tolist() == np.delete(scores(model), 20).tolist()


@pytest.mark.parametrize(
    ("asked", "ceiling", "used"), [(4, 2, 2), (1, 2, 1), (-1, 2, 2), (3, None, 3), (None, 2, None)]
)
def test_threads_are_a_ceiling(asked: int | None, ceiling: int | None, used: int | None) -> None:
    config = described("RandomForestRegressor", "ensemble", n_estimators=2, n_jobs=asked)
    nested = described("Pipeline", "pipeline", steps=[["only", config]])
    assert fitted(config, threads=ceiling).native().n_jobs == used
    assert fitted(nested, threads=ceiling).native().steps[0][1].n_jobs == used


def test_the_seed_is_for_a_model_that_has_none() -> None:
    unseeded = {**FOREST, "kwargs": {"n_estimators": 5}}
    assert scores(fitted(unseeded, seed=3)) == scores(fitted(FOREST, seed=9))
    assert scores(fitted(unseeded, seed=4)) != scores(fitted(FOREST))


def test_progress_is_told_and_may_stop() -> None:
    told: list[tuple[int, int]] = []
    fitted(FOREST, progress=lambda report: told.append((report.done, report.total)))
    assert told == [(0, 5), (5, 5)]

    def stop_at_three(report: ProgressReport) -> None:
        if report.done == 3:
            assert report.metrics["loss.train"] > 0
            raise TooLong

    gradient = described("GradientBoostingRegressor", "ensemble", n_estimators=5, random_state=1)
    with pytest.raises(TooLong):
        fitted(gradient, progress=stop_at_three)
    bare = GradientBoostingRegressor(n_estimators=5, random_state=1).fit(X[TRAIN], Y[TRAIN])
    fit = build_model(gradient).fit(dataset_of(X, Y, **SHARES))
    assert (fit.best_iteration, fit.curves) == (5, {"loss.train": bare.train_score_.tolist()})
    assert fit.importance == dict(zip(["f0", "f1", "f2", "f3"], bare.feature_importances_.tolist(), strict=True))


@pytest.mark.parametrize("config", [FOREST, SCALED, BOOSTED], ids=lambda config: config["class"])
def test_a_saved_model_predicts_alike_in_another_process(config: dict[str, Any], tmp_path: Path) -> None:
    model = fitted(config)
    save_model(model, tmp_path / "model", model_config(config)["kwargs"])
    assert {path.name for path in (tmp_path / "model").iterdir()} == {"manifest.json", "estimator.skops"}
    assert scores_elsewhere(tmp_path / "model", X[TEST]) == scores(model)


class OwnRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Tells the mean of the labels."""

    def fit(self, X: Any, y: Any) -> OwnRegressor:
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.mean_)


def test_an_estimator_of_ones_own_is_a_model_where_it_is_trusted(tmp_path: Path) -> None:
    config = {"class": "OwnRegressor", "module_path": __name__}
    with pytest.raises(InputError, match=f"ROLLFLOW_TRUSTED_MODULES={__name__}"):
        build_model(config)
    model = build_model(config, [__name__])
    assert isinstance(model, SklearnModel)
    model.fit(dataset_of(X, Y, **SHARES))
    assert scores(model) == [float(np.mean(Y[TRAIN]))] * 120
    save_model(model, tmp_path / "model", model_config(config, [__name__])["kwargs"])
    assert scores(load_model(tmp_path / "model", [__name__])) == scores(model)
    with pytest.raises(InputError, match=f"ROLLFLOW_TRUSTED_MODULES={__name__}"):
        load_model(tmp_path / "model")


def test_a_file_with_other_classes_in_it_is_not_loaded(tmp_path: Path) -> None:
    with trusting([__name__]):
        model = SklearnModel({"class": "OwnRegressor", "module_path": __name__})
        model.fit(dataset_of(X, Y, **SHARES))
    model.save(tmp_path)
    with pytest.raises(InputError, match=f"holds a {__name__}.OwnRegressor, which is not a class of a trusted"):
        SklearnModel.load(tmp_path, estimator=RIDGE)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (described("PCA", "decomposition"), "PCA is neither a regressor nor a classifier, and gives no scores"),
        (described("NearestCentroid", "neighbors"), None),
        (described("Rigde", "linear_model"), "no class 'Rigde' in sklearn.linear_model; did you mean 'Ridge'?"),
        (described("Ridge", "linear_model", alpha=-1), "The 'alpha' parameter of Ridge must be"),
        (described("Ridge", "linear_model", alhpa=1), "did you mean 'alpha'?"),
        (described("Pipeline", "pipeline", steps=[]), "The pipeline is empty"),
        (described("VotingRegressor", "ensemble", estimators=[]), "estimators"),
        (described("Pipeline", "pipeline", steps=[["a", RIDGE], ["b", RIDGE]]), "should be transformers"),
        (
            described("Pipeline", "pipeline", steps=[["a", {"class": "Popen", "module_path": "subprocess"}]]),
            "class subprocess.Popen is not one of rollflow's",
        ),
        (
            described("Pipeline", "pipeline", steps=[["a", described("Bunch", "utils")]]),
            "Bunch is no estimator, kernel or splitter",
        ),
    ],
)
def test_wrong_descriptions(config: dict[str, Any], message: str | None) -> None:
    if message is None:
        assert isinstance(build_model(config), SklearnModel)
        return
    with pytest.raises(InputError, match=re.escape(message)):
        build_model(config)


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    model = build_model(RIDGE)
    with pytest.raises(NotFitted):
        model.predict(dataset_of(X, Y, **SHARES))
    with pytest.raises(NotFitted):
        model.save(tmp_path)
    with pytest.raises(InputError, match="it cannot go on from a start model"):
        fitted(RIDGE, start_model=model)
