"""Models against the libraries below them, on the same rows."""

from __future__ import annotations

import re
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.optimize import nnls
from sklearn.linear_model import Lasso, Ridge
from small_datasets import A_DAY, SHARES, Part, TooLong, dataset_of, noisy

from components.errors import InputError
from components.features import DatasetH, Rows
from components.models import FitContext, LGBModel, LinearModel, Model, NotFitted, Reweighter
from components.progress import ProgressReport

PARAMS: dict[str, Any] = {
    "num_leaves": 7,
    "learning_rate": 0.3,
    "min_data_in_leaf": 5,
    "seed": 3,
    "deterministic": True,
}


def parts(dataset: DatasetH) -> dict[str, Part]:
    found = {name: dataset.learn(name) for name in dataset.segments}
    return {name: (rows.X, rows.y) for name, rows in found.items()}


def trees(text: str) -> str:
    """The part of LightGBM's text form that holds the trees; parameters follow."""
    return text[: text.index("end of trees")]


def saved(model: Model, folder: Path) -> str:
    folder.mkdir(exist_ok=True)
    model.save(folder)
    (file,) = folder.iterdir()
    return file.read_text()


# --- LightGBM -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["mse", "binary"])
def test_gives_what_bare_lightgbm_gives(tmp_path: Path, loss: str) -> None:
    X, y = noisy()
    dataset = dataset_of(X, y if loss == "mse" else y > 0, **SHARES)
    model = LGBModel(loss, early_stopping_rounds=5, num_boost_round=100, **PARAMS)
    fit = model.fit(dataset, FitContext(threads=1))

    params = PARAMS | {"objective": loss, "num_threads": 1, "verbosity": -1}
    given = parts(dataset)
    curves: dict[str, Any] = {}
    sets = [lgb.Dataset(*given[name]) for name in ("train", "valid")]
    bare = lgb.train(
        params,
        sets[0],
        num_boost_round=100,
        valid_sets=sets,
        valid_names=["train", "valid"],
        callbacks=[lgb.record_evaluation(curves), lgb.early_stopping(5, verbose=False)],
    )
    metric = {"mse": "l2", "binary": "binary_logloss"}[loss]
    assert 1 < bare.best_iteration < 90  # else early stopping is not seen
    assert trees(saved(model, tmp_path)) == trees(bare.model_to_string())
    assert fit.best_iteration == bare.best_iteration
    assert fit.curves == {f"{metric}.{name}": curves[name][metric] for name in ("train", "valid")}
    assert len(fit.curves[f"{metric}.valid"]) == bare.best_iteration + 5
    gains = bare.feature_importance("gain").tolist()
    assert fit.importance == dict(zip(["f0", "f1", "f2", "f3"], gains, strict=True))
    scores = model.predict(dataset)
    np.testing.assert_array_equal(scores, bare.predict(given["test"][0]))
    assert scores.dtype == np.float64
    assert (scores.name, scores.index.names) == ("score", ["datetime", "instrument"])
    assert scores.index[0] == (pd.Timestamp("2020-02-18"), "A")


def test_without_a_valid_segment_every_round_is_run(tmp_path: Path) -> None:
    dataset = dataset_of(*noisy(), train=0.8, test=0.2)
    model = LGBModel(num_boost_round=7, early_stopping_rounds=1, **PARAMS)
    fit = model.fit(dataset, FitContext(threads=1))
    assert fit.best_iteration == 7
    assert list(fit.curves) == ["l2.train"]
    bare = lgb.train(PARAMS | {"verbosity": -1, "num_threads": 1}, lgb.Dataset(*parts(dataset)["train"]), 7)
    assert trees(saved(model, tmp_path)) == trees(bare.model_to_string())


@pytest.mark.parametrize(
    ("asked", "ceiling", "used"),
    [
        ({"n_jobs": 4}, 2, 2),
        ({"num_threads": 1}, 2, 1),
        ({"nthread": -1}, 2, 2),
        ({}, 2, 2),
        ({"nthread": 3}, None, 3),
        ({}, None, 0),  # as many as LightGBM likes
    ],
)
def test_threads_are_a_ceiling(tmp_path: Path, asked: dict[str, int], ceiling: int | None, used: int) -> None:
    dataset = dataset_of(*noisy(20), train=1.0)
    model = LGBModel(num_boost_round=1, **PARAMS, **asked)
    model.fit(dataset, FitContext(threads=ceiling))
    assert f"[num_threads: {used}]" in saved(model, tmp_path)


def test_a_saved_model_predicts_alike(tmp_path: Path) -> None:
    dataset = dataset_of(*noisy(), **SHARES)
    model = LGBModel(early_stopping_rounds=5, num_boost_round=100, **PARAMS)
    model.fit(dataset, FitContext(threads=1))
    model.save(tmp_path)
    loaded = LGBModel.load(tmp_path, num_boost_round=100, **PARAMS)
    assert (loaded.num_boost_round, loaded.params) == (100, model.params)
    for segment in ("test", "valid"):
        pd.testing.assert_series_equal(
            loaded.predict(dataset, segment), model.predict(dataset, segment), check_exact=True
        )


def test_progress_is_told_each_round_and_may_stop() -> None:
    told = []

    def stop_at_three(report: ProgressReport) -> None:
        if report.total:
            told.append((report.done, report.total, sorted(report.metrics)))
        if report.done == 3:
            raise TooLong

    with pytest.raises(TooLong):
        LGBModel(num_boost_round=40, **PARAMS).fit(
            dataset_of(*noisy(), **SHARES), FitContext(progress=stop_at_three)
        )
    assert told == [(done, 40, ["l2.train", "l2.valid"]) for done in (1, 2, 3)]


def test_the_matrix_is_not_copied() -> None:
    dataset = dataset_of(*noisy(20_000, 40), train=0.9, valid=0.1)
    size = dataset.matrix.learnable.X.nbytes
    assert np.shares_memory(dataset.learn("train").X, dataset.matrix.learnable.X)
    tracemalloc.start()
    LGBModel(num_boost_round=1, num_leaves=2, bin_construct_sample_cnt=1000).fit(dataset)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == 32_000_000
    assert peak < size / 5


def test_what_cannot_be_fitted_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="loss 'mae' is not supported; use mse or binary"):
        LGBModel(loss="mae")
    dataset = dataset_of(*noisy(20), test=1.0)
    with pytest.raises(InputError, match="the dataset has no segment 'train'"):
        LGBModel().fit(dataset)
    for model in (LGBModel(), LinearModel()):
        with pytest.raises(NotFitted):
            model.predict(dataset)
        with pytest.raises(NotFitted):
            model.save(tmp_path)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"num_boost_round": 0}, "num_boost_round must be a whole number of at least 1, not 0"),
        ({"early_stopping_rounds": "x"}, "early_stopping_rounds must be a whole number of at least 1, not 'x'"),
        ({"num_threads": "x"}, "num_threads must be a whole number, not 'x'"),
        ({"num_leafs": 5}, "LightGBM has no parameter 'num_leafs'; did you mean 'num_leaves'?"),
        ({"num_leaves": -5}, "does not take num_leaves -5: Check failed: (num_leaves) > (1)"),
        ({"learning_rate": -1}, "does not take learning_rate -1: Check failed: (learning_rate) > (0.0)"),
        ({"learning_rate": "fast", "num_leaves": 3}, "does not take learning_rate 'fast'"),
        ({"learning_rate": float("inf")}, "learning_rate is inf; give a finite number"),
        ({"num_leaves": {"a": 1}}, "does not take num_leaves {'a': 1}"),
        ({"metric": "rsme"}, "does not take metric 'rsme': it measures nothing"),
        ({"objective": "lambdarank"}, "does not take objective 'lambdarank': Ranking tasks require query"),
        ({"objective": "multiclass", "num_class": 3}, "parameters together: it would give several scores a row"),
        ({"boosting": "rf"}, "does not take boosting 'rf': Check failed"),
    ],
)
def test_wrong_arguments_of_lightgbm_are_found_before_there_is_data(
    kwargs: dict[str, Any], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        LGBModel(**kwargs).validate()
    assert capfd.readouterr().err == ""  # LightGBM's own lines would be a second answer


def test_arguments_that_only_the_training_can_judge_are_left_to_it() -> None:
    LGBModel(monotone_constraints=[1, 0, 1], device="gpu", tree_learner="voting", num_threads=2).validate()
    for objective in ("huber", "quantile", "poisson", "gamma", "tweedie", "mape", "cross_entropy"):
        LGBModel(objective=objective, min_data_in_bin=50, metric=["l1", "rmse"]).validate()
    LGBModel(loss="binary", metric="auc", is_unbalance=True, boosting="dart", linear_tree=True).validate()
    LGBModel(colsample_bytree=0.9, subsample=0.8, subsample_freq=1, lambda_l1=205.0, max_depth=8).validate()


class LaterCountMore(Reweighter):
    """Weights that grow from row to row; a mistake, where one is given."""

    def __init__(self, mistake: npt.ArrayLike | None = None) -> None:
        self.mistake = mistake

    def reweight(self, data: Rows) -> npt.ArrayLike:
        return self.by_day(data) if self.mistake is None else self.mistake

    @staticmethod
    def by_day(data: Rows) -> npt.NDArray[np.float64]:
        return np.asarray(1.0 + data.day + data.instrument / 10)


@pytest.mark.parametrize("shared", [False, True])
def test_weights_reach_lightgbm(tmp_path: Path, shared: bool) -> None:
    dataset = dataset_of(*noisy(), **SHARES)
    days = {"bin_days": dataset.segments["train"]} if shared else {}
    model = LGBModel(num_boost_round=20, **days, **PARAMS)
    fit = model.fit(dataset, FitContext(threads=1, reweighter=LaterCountMore()))
    given = {name: dataset.learn(name) for name in ("train", "valid")}
    sets = [lgb.Dataset(rows.X, rows.y, weight=LaterCountMore.by_day(rows)) for rows in given.values()]
    params = PARAMS | {"objective": "mse", "num_threads": 1, "verbosity": -1}
    curves: dict[str, Any] = {}
    callbacks = [lgb.record_evaluation(curves)]
    bare = lgb.train(params, sets[0], 20, valid_sets=sets, valid_names=["train", "valid"], callbacks=callbacks)
    assert fit.curves["l2.valid"] == curves["valid"]["l2"]
    assert trees(saved(model, tmp_path)) == trees(bare.model_to_string(num_iteration=fit.best_iteration))
    unweighted = LGBModel(num_boost_round=20, **PARAMS)
    assert unweighted.fit(dataset, FitContext(threads=1)).curves != fit.curves


@pytest.mark.parametrize("shared", [False, True])
def test_training_goes_on_from_a_start_model(tmp_path: Path, shared: bool) -> None:
    dataset = dataset_of(*noisy(), **SHARES)
    days = {"bin_days": dataset.segments["train"]} if shared else {}
    first = LGBModel(num_boost_round=4, **PARAMS)
    assert first.fit(dataset, FitContext(threads=1)).best_iteration == 3
    first.save(tmp_path)

    given = parts(dataset)
    sets = [lgb.Dataset(*given[name]) for name in ("train", "valid")]
    params = PARAMS | {"objective": "mse", "num_threads": 1, "verbosity": -1}
    bare = lgb.train(
        params, sets[0], 6, valid_sets=sets[1:], init_model=lgb.Booster(model_file=tmp_path / "model.txt")
    )
    for start in (first, LGBModel.load(tmp_path)):
        model = LGBModel(num_boost_round=6, **days, **PARAMS)
        reports: list[ProgressReport] = []
        fit = model.fit(dataset, FitContext(threads=1, start_model=start, progress=reports.append))
        assert fit.best_iteration is not None
        np.testing.assert_array_equal(
            model.predict(dataset), bare.predict(given["test"][0], num_iteration=3 + fit.best_iteration)
        )
        assert (reports[-1].done, reports[-1].total, len(fit.curves["l2.valid"])) == (6, 6, 6)
    assert trees(saved(first, tmp_path)).count("Tree=") == 3  # as it was


def test_a_start_model_must_fit() -> None:
    dataset = dataset_of(*noisy(), **SHARES)
    other = LGBModel(num_boost_round=1, **PARAMS)
    other.fit(dataset_of(*noisy(features=3), **SHARES))
    for model, start, message in [
        (LinearModel(), LinearModel(), "LinearModel is solved at once: it cannot go on from a start model"),
        (LGBModel(), LinearModel(), "LGBModel cannot go on from a LinearModel"),
        (LGBModel(), other, "the start model has 3 features, the dataset 4"),
    ]:
        with pytest.raises(InputError, match=message):
            model.fit(dataset, FitContext(start_model=start))
    with pytest.raises(NotFitted):
        LGBModel().fit(dataset, FitContext(start_model=LGBModel()))


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (np.ones(3), r"LaterCountMore: weights of shape \(3,\) for 360 rows; give one for each row"),
        (np.full(360, np.nan), "a weight is negative, infinite or NaN, or all are 0"),
        (-np.ones(360), "a weight is negative"),
        (np.zeros(360), "or all are 0"),
    ],
)
def test_wrong_weights_are_refused(mistake: npt.ArrayLike, message: str) -> None:
    dataset = dataset_of(*noisy(), **SHARES)
    for model in (LGBModel(), LinearModel()):
        with pytest.raises(InputError, match=message):
            model.fit(dataset, FitContext(reweighter=LaterCountMore(mistake)))


def test_the_seed_is_for_a_model_that_has_none() -> None:
    dataset = dataset_of(*noisy(), **SHARES)
    bagged = {"num_boost_round": 3, "bagging_fraction": 0.5, "bagging_freq": 1, "deterministic": True}

    def scores(context: FitContext, **params: Any) -> list[float]:
        model = LGBModel(**bagged, **params)
        model.fit(dataset, context)
        return list(model.predict(dataset))

    assert scores(FitContext(seed=7)) == scores(FitContext(), seed=7)
    assert scores(FitContext(seed=8)) != scores(FitContext(seed=7))
    assert scores(FitContext(seed=8), random_state=7) == scores(FitContext(seed=7))


def test_several_labels_are_refused() -> None:
    given = dataset_of(*noisy(), **SHARES)
    table = given.matrix.learnable
    y = np.hstack([table.y, table.y])
    matrix = replace(given.matrix, labels=("ONE", "TWO"), learnable=replace(table, y=y, y_learn=y))
    for model in (LGBModel(), LinearModel()):
        with pytest.raises(InputError, match="learns one label, and the handler has 2: ONE, TWO"):
            model.fit(DatasetH(matrix, given.segments))


def test_what_only_the_training_can_judge_is_wrong_input_there() -> None:
    dataset = dataset_of(*noisy(), **SHARES)
    with pytest.raises(InputError, match=r"does not take monotone_constraints \[1, 1\]: Check failed"):
        LGBModel(monotone_constraints=[1, 1]).fit(dataset)
    with pytest.raises(InputError, match="LightGBM has no parameter 'num_leafs'"):
        LGBModel(num_leafs=5).fit(dataset)


def test_making_bins_can_be_stopped() -> None:
    def stop(report: ProgressReport) -> None:
        assert report == ProgressReport()
        raise TooLong

    dataset = dataset_of(*noisy(), **SHARES)
    for days in ({}, {"bin_days": dataset.segments["train"]}):
        with pytest.raises(TooLong):
            LGBModel(**days).fit(dataset, FitContext(progress=stop))


# --- Linear models ------------------------------------------------------------------------------------------------


def by_library(estimator: str, X: npt.NDArray[Any], y: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Weights by the textbook or by scikit-learn."""
    X, y = X.astype(np.float64), y.astype(np.float64)
    solutions = {
        "ols": lambda: np.linalg.lstsq(X, y, rcond=None)[0],
        "nnls": lambda: nnls(X, y)[0],
        "ridge": lambda: np.linalg.solve(X.T @ X + 50 * np.eye(X.shape[1]), X.T @ y),
        "lasso": lambda: Lasso(alpha=0.1, fit_intercept=False).fit(X, y).coef_,
    }
    return np.asarray(solutions[estimator]())


def weights(model: LinearModel) -> npt.NDArray[Any]:
    """By what a model predicts for unit vectors."""
    unit = np.vstack([np.eye(4), np.zeros((A_DAY - 4, 4))])
    scores = model.predict(dataset_of(unit, np.zeros(A_DAY), test=1.0)).to_numpy()
    return np.asarray(scores[:4] - scores[4])


@pytest.mark.parametrize(("estimator", "alpha"), [("ols", 0.0), ("nnls", 0.0), ("ridge", 50.0), ("lasso", 0.1)])
def test_solves_as_the_library_does(estimator: str, alpha: float) -> None:
    X, y = noisy()
    model = LinearModel(estimator, alpha=alpha)
    fit = model.fit(dataset_of(X, y, **SHARES), FitContext(threads=1))
    wanted = by_library(estimator, X[:360], y[:360])
    assert weights(model) == pytest.approx(wanted, abs=1e-5)
    assert list(fit.importance.values()) == pytest.approx(np.abs(wanted), abs=1e-5)
    assert fit.best_iteration is None


@pytest.mark.parametrize(("estimator", "alpha"), [("ols", 0.0), ("nnls", 0.0), ("ridge", 50.0), ("lasso", 0.1)])
def test_weights_count_as_repeated_rows_would(estimator: str, alpha: float) -> None:
    """Where there is a penalty, its own weight does not depend on the number of rows (ridge), or does (lasso)."""
    X, y = noisy()
    X[1, 2] = np.nan  # a row that is left out, with its weight
    model = LinearModel(estimator, alpha=alpha, include_valid=True)
    model.fit(dataset_of(X, y, **SHARES), FitContext(reweighter=Twice()))
    X, y = np.delete(X[:480], 1, axis=0), np.delete(y[:480], 1)
    times = 1 + (np.delete(np.arange(480), 1) // A_DAY) % 2
    assert weights(model) == pytest.approx(
        by_library(estimator, np.repeat(X, times, axis=0), np.repeat(y, times)), abs=1e-5
    )


class Twice(Reweighter):
    """Every second day counts twice."""

    def reweight(self, data: Rows) -> npt.ArrayLike:
        return pd.Series(1.0 + data.day % 2, index=data.index())


def test_intercept_and_valid_rows_when_asked() -> None:
    X, y = noisy()
    dataset = dataset_of(X, y + 3, **SHARES)
    model = LinearModel("ridge", alpha=2.0, fit_intercept=True, include_valid=True)
    model.fit(dataset)
    bare = Ridge(alpha=2.0).fit(X[:480].astype(np.float64), y[:480].astype(np.float64) + 3)
    np.testing.assert_allclose(model.predict(dataset), bare.predict(X[480:].astype(np.float64)), atol=1e-5)
    without = LinearModel(include_valid=True)
    without.fit(dataset_of(X, y, train=0.6))  # there is no valid segment to include
    assert weights(without) == pytest.approx(by_library("ols", X[:360], y[:360]), abs=1e-5)


def test_a_row_has_the_same_score_whatever_rows_are_scored_with_it() -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(20 * A_DAY, 158)).astype(np.float32)
    model = LinearModel("ridge", alpha=1.0)
    model.fit(dataset_of(X, X[:, 0] + rng.normal(size=len(X)), **SHARES), FitContext(threads=1))
    y = np.zeros(len(X))
    whole = model.predict(dataset_of(X, y, test=1.0)).to_numpy()
    for days in (1, 3, 7):
        for day in range(0, 20 - days, days):
            rows = slice(day * A_DAY, (day + days) * A_DAY)
            alone = model.predict(dataset_of(X[rows], y[rows], test=1.0)).to_numpy()
            assert alone.tobytes() == whole[rows].tobytes()


def test_rows_with_nan_are_left_out_and_scored_nan() -> None:
    X, y = noisy()
    whole = by_library("ols", np.delete(X[:360], [1, 7], axis=0), np.delete(y[:360], [1, 7]))
    X[1, 2], y[7], X[500, 0] = np.nan, np.nan, np.nan
    dataset = dataset_of(X, y, **SHARES)
    model = LinearModel()
    model.fit(dataset)
    assert weights(model) == pytest.approx(whole, abs=1e-5)
    assert np.flatnonzero(model.predict(dataset).isna()).tolist() == [20]
    X[:, 1] = np.nan
    with pytest.raises(InputError, match="every training row has a NaN; add the processor Fillna or DropCol"):
        model.fit(dataset_of(X, y, **SHARES))


def test_a_saved_linear_model_predicts_alike(tmp_path: Path) -> None:
    dataset = dataset_of(*noisy(), **SHARES)
    model = LinearModel(fit_intercept=True)
    model.fit(dataset)
    model.save(tmp_path)
    loaded = LinearModel.load(tmp_path, fit_intercept=True)
    assert loaded.fit_intercept
    pd.testing.assert_series_equal(loaded.predict(dataset), model.predict(dataset), check_exact=True)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"alpha": -1, "estimator": "ridge"}, "alpha must be a number of at least 0, not -1"),
        ({"alpha": "x", "estimator": "ridge"}, "alpha must be a number of at least 0, not 'x'"),
        ({"alpha": float("nan"), "estimator": "ridge"}, "alpha must be a number of at least 0, not nan"),
        ({"fit_intercept": "no"}, "fit_intercept must be true or false, not 'no'"),
        ({"estimator": "elastic"}, "unknown estimator 'elastic'; use one of ols, nnls, ridge, lasso"),
        ({"alpha": 0.1}, "alpha is for ridge and lasso, not for ols"),
    ],
)
def test_wrong_arguments_of_a_linear_model(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        LinearModel(**kwargs)
