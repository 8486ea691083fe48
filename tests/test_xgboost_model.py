"""XGBModel against bare XGBoost on the same rows."""

from __future__ import annotations

import json
import re
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost as xgb
import yaml
from small_datasets import SHARES, LateDaysOnly, TooLong, dataset_of, noisy, run_without, scores_elsewhere
from wrong_inputs.case import CONFIG, changed

from components.errors import InputError
from components.models import FitContext, LinearModel, NotFitted, XGBModel, save_model
from components.models.xgboost import _say_that_it_is_ignored
from components.progress import ProgressReport

X, Y = noisy()
TRAIN, VALID, TEST = slice(0, 360), slice(360, 480), slice(480, 600)
PARAMS: dict[str, Any] = {"max_depth": 3, "eta": 0.3, "subsample": 0.8, "seed": 3, "eval_metric": "rmse"}
DATASET = dataset_of(X, Y, **SHARES)


def fitted(context: FitContext = FitContext(threads=1), y: Any = Y, **kwargs: Any) -> XGBModel:
    model = XGBModel(**{"num_boost_round": 60, "early_stopping_rounds": 5, **PARAMS, **kwargs})
    model.fit(dataset_of(X, y, **SHARES), context)
    return model


def scores(model: XGBModel) -> list[float]:
    return model.predict(DATASET).tolist()


def bare(rounds: int = 60, **params: Any) -> tuple[xgb.Booster, dict[str, Any]]:
    """As Qlib does it: plain matrices, and all trees."""
    curves: dict[str, Any] = {}
    sets = [xgb.DMatrix(X[part], label=Y[part]) for part in (TRAIN, VALID)]
    booster = xgb.train(
        {**PARAMS, "nthread": 1, **params},
        sets[0],
        rounds,
        evals=[(sets[0], "train"), (sets[1], "valid")],
        early_stopping_rounds=5,
        evals_result=curves,
        verbose_eval=False,
    )
    return booster, curves


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"tree_method": "exact"},
        {"tree_method": "approx"},
        {"max_bin": 16},
        {"booster": "dart", "rate_drop": 0.1},
        {"booster": "gblinear", "subsample": None},
        {"objective": "reg:absoluteerror"},
    ],
    ids=str,
)
def test_gives_what_bare_xgboost_gives(params: dict[str, Any]) -> None:
    linear = params.get("booster") == "gblinear"
    if linear:
        kwargs = {"booster": "gblinear", "eta": 0.3, "seed": 3, "eval_metric": "rmse", "nthread": 1}
        model = XGBModel(num_boost_round=10, **kwargs)
        model.fit(DATASET)
        booster = xgb.train(kwargs, xgb.DMatrix(X[TRAIN], label=Y[TRAIN]), 10)
    else:
        model = fitted(**params)
        booster, _ = bare(**params)
    assert scores(model) == booster.predict(xgb.DMatrix(X[TEST])).tolist()


def test_the_trees_after_the_best_round_are_kept_as_in_qlib_unless_told_otherwise() -> None:
    booster, curves = bare()
    best = booster.best_iteration + 1
    assert (best, booster.num_boosted_rounds()) == (best, best + 5)
    for use_best, rounds in ((False, best + 5), (True, best)):
        model = XGBModel(num_boost_round=60, early_stopping_rounds=5, use_best_iteration=use_best, **PARAMS)
        fit = model.fit(DATASET, FitContext(threads=1))
        assert fit.best_iteration == model.native().num_boosted_rounds() == rounds
        wanted = booster.predict(xgb.DMatrix(X[TEST]), iteration_range=(0, rounds))
        assert scores(model) == wanted.tolist()
        assert fit.curves == {f"rmse.{name}": curves[name]["rmse"] for name in ("train", "valid")}
        assert list(fit.importance) == ["f0", "f1", "f2", "f3"]
    gains = booster[:best].get_score(importance_type="total_gain")
    assert fit.importance == pytest.approx({"f3": 0.0} | gains)


def test_without_a_valid_segment_every_round_is_run() -> None:
    model = XGBModel(num_boost_round=7, early_stopping_rounds=1, **PARAMS)
    fit = model.fit(dataset_of(X, Y, train=0.8, test=0.2))
    assert (fit.best_iteration, list(fit.curves)) == (7, ["rmse.train"])


def test_n_estimators_is_ignored_as_in_qlib(caplog: pytest.LogCaptureFixture) -> None:
    _say_that_it_is_ignored.cache_clear()  # it is said once a process
    assert scores(fitted(n_estimators=1)) == scores(fitted())
    assert "num_boost_round is the number of rounds" in caplog.text


@pytest.mark.parametrize(
    ("asked", "ceiling", "used"),
    [({"nthread": 4}, 2, 2), ({"n_jobs": 1}, 2, 1), ({"nthread": 0}, 2, 2), ({}, 2, 2), ({"nthread": 3}, None, 3)],
)
def test_threads_are_a_ceiling(asked: dict[str, int], ceiling: int | None, used: int) -> None:
    model = fitted(FitContext(threads=ceiling), num_boost_round=2, **asked)
    assert f'"nthread":"{used}"' in model.native().save_config()
    model.predict(DATASET)
    assert f'"nthread":"{used}"' in model.native().save_config()


def test_the_seed_is_for_a_model_that_has_none() -> None:
    unseeded = {name: value for name, value in PARAMS.items() if name != "seed"}

    def found(seed: int, **params: Any) -> list[float]:
        model = XGBModel(num_boost_round=3, **unseeded, **params)
        model.fit(DATASET, FitContext(seed=seed, threads=1))
        return scores(model)

    assert found(7) == found(8, random_state=7)
    assert found(7) != found(8)


def test_weights_count() -> None:
    """Where the first half counts nothing, it might as well have other labels."""
    context = FitContext(threads=1, reweighter=LateDaysOnly(18))
    other = Y.copy()
    other[:180] = 100.0
    assert scores(fitted(context, other)) == scores(fitted(context)) != scores(fitted())
    assert scores(fitted(y=other)) != scores(fitted())


def test_training_goes_on_from_a_start_model() -> None:
    first = fitted(num_boost_round=4)
    whole, _ = bare(4)
    reports: list[ProgressReport] = []
    model = XGBModel(num_boost_round=6, **PARAMS)
    context = FitContext(threads=1, start_model=first, progress=reports.append)
    assert model.fit(DATASET, context).best_iteration == 6
    assert (model.native().num_boosted_rounds(), first.native().num_boosted_rounds()) == (10, 4)
    assert (reports[-1].done, reports[-1].total) == (6, 6)
    np.testing.assert_array_equal(model.native()[:4].inplace_predict(X[TEST]), whole.predict(xgb.DMatrix(X[TEST])))
    with pytest.raises(InputError, match="XGBModel cannot go on from a LinearModel"):
        fitted(FitContext(start_model=LinearModel()))
    narrow = XGBModel(num_boost_round=1)
    narrow.fit(dataset_of(X[:, :3], Y, **SHARES))
    with pytest.raises(InputError, match="the start model has 3 features, the dataset 4"):
        fitted(FitContext(start_model=narrow))


def test_progress_is_told_each_round_and_may_stop() -> None:
    told = []

    def stop_at_three(report: ProgressReport) -> None:
        if report.total:
            told.append((report.done, report.total, sorted(report.metrics)))
        if report.done == 3:
            raise TooLong

    with pytest.raises(TooLong):
        fitted(FitContext(threads=1, progress=stop_at_three))
    assert told == [(done, 60, ["rmse.train", "rmse.valid"]) for done in (1, 2, 3)]


def test_a_saved_model_predicts_alike_in_another_process(tmp_path: Path) -> None:
    model = fitted()
    save_model(model, tmp_path / "model", {"num_boost_round": 60, **PARAMS})
    assert {path.name for path in (tmp_path / "model").iterdir()} == {"manifest.json", "booster.ubj"}
    versions = json.loads((tmp_path / "model" / "manifest.json").read_text())["versions"]
    assert xgb.__version__ in (versions.get("xgboost"), versions.get("xgboost-cpu"))
    assert scores_elsewhere(tmp_path / "model", X[TEST]) == scores(model)


def test_the_matrix_is_not_copied() -> None:
    dataset = dataset_of(*noisy(20_000, 40), train=0.9, valid=0.1)
    tracemalloc.start()
    XGBModel(num_boost_round=1, max_depth=2).fit(dataset, FitContext(threads=1))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert dataset.matrix.learnable.X.nbytes == 32_000_000
    assert peak < 32_000_000 / 5


def test_nan_is_fine_in_features_and_nowhere_else() -> None:
    holed, infinite = X.copy(), X.copy()
    holed[[3, 500], 2] = np.nan
    infinite[3, 2] = np.inf
    model = XGBModel(num_boost_round=3)
    model.fit(dataset_of(holed, Y, **SHARES))
    assert np.isfinite(model.predict(dataset_of(holed, Y, **SHARES))).all()
    with pytest.raises(InputError, match="a feature is infinite; add the infer processor ProcessInf"):
        model.fit(dataset_of(infinite, Y, **SHARES))
    with pytest.raises(InputError, match="a label is NaN or infinite; add the learn processor DropnaLabel"):
        model.fit(dataset_of(X, np.where(np.arange(600) == 5, np.nan, Y), **SHARES))


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"num_boost_round": 0}, "num_boost_round must be a whole number of at least 1, not 0"),
        ({"early_stopping_rounds": "x"}, "early_stopping_rounds must be a whole number of at least 1, not 'x'"),
        ({"use_best_iteration": 1}, "use_best_iteration must be true or false, not 1"),
        ({"use_best_iteration": True, "booster": "gblinear"}, "drops trees, and booster gblinear has none"),
        ({"nthread": "x"}, "nthread must be a whole number, not 'x'"),
        ({"max_dept": 5}, "XGBoost has no parameter 'max_dept'"),
        ({"max_dept": 5}, "did you mean 'max_depth'?"),
        ({"max_depth": "x"}, "does not take max_depth 'x': Invalid Parameter format for max_depth expect int"),
        ({"eta": -1, "max_depth": 3}, "does not take eta -1: value -1 for Parameter learning_rate"),
        ({"eta": float("nan")}, "eta is nan; give a finite number"),
        ({"objective": "reg:sqarederror"}, "Unknown objective function: `reg:sqarederror`"),
        ({"objective": "multi:softprob", "num_class": 3}, "does not give one score a row"),
        ({"objective": "rank:ndcg"}, "does not give one score a row"),
        ({"eval_metric": "rsme"}, "does not take eval_metric 'rsme': Unknown metric function rsme"),
        ({"tree_method": "fast"}, "does not take tree_method 'fast'"),
        ({"callbacks": ["x"]}, "XGBoost has no parameter 'callbacks'"),
    ],
)
def test_wrong_arguments_are_found_before_there_is_data(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        XGBModel(**kwargs).validate()


def test_arguments_that_only_the_training_can_judge_are_left_to_it() -> None:
    XGBModel(monotone_constraints="(1,0,1)", device="cuda", verbosity=2).validate()
    XGBModel(objective="binary:logistic", eval_metric=["auc", "logloss"], gamma=1, reg_lambda=2).validate()
    with pytest.raises(InputError, match="does not take monotone_constraints"):
        fitted(monotone_constraints="(1,0,1,0,1)")


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the dataset has no segment 'train'"):
        XGBModel().fit(dataset_of(X, Y, test=1.0))
    for use in (lambda: XGBModel().predict(DATASET), lambda: XGBModel().save(tmp_path)):
        with pytest.raises(NotFitted):
            use()


def test_without_xgboost_the_command_says_how_to_install_it(tmp_path: Path) -> None:
    config = changed("task.model", {"class": "XGBModel", "kwargs": {}}, CONFIG)
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(config))
    status, said = run_without("xgboost", tmp_path, "flows.rolling", "run.yaml")
    assert (status, said) == (
        2,
        "error: XGBModel needs xgboost; install it with: pip install 'rollflow[xgboost]'\n",
    )
    assert not (tmp_path / "home").exists()
