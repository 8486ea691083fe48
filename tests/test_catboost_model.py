"""CatBoostModel against bare CatBoost on the same rows."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import catboost
import numpy as np
import pytest
import yaml
from small_datasets import SHARES, LateDaysOnly, TooLong, dataset_of, noisy, run_without, scores_elsewhere
from wrong_inputs.case import CONFIG, changed

from components.errors import InputError
from components.models import CatBoostModel, FitContext, LinearModel, NotFitted, save_model
from components.progress import ProgressReport

X, Y = noisy()
TRAIN, VALID, TEST = slice(0, 360), slice(360, 480), slice(480, 600)
PARAMS: dict[str, Any] = {"max_depth": 4, "learning_rate": 0.2, "random_seed": 3}
DATASET = dataset_of(X, Y, **SHARES)


def fitted(context: FitContext = FitContext(threads=1), y: Any = Y, **kwargs: Any) -> CatBoostModel:
    model = CatBoostModel(**{"num_boost_round": 60, "early_stopping_rounds": 5, **PARAMS, **kwargs})
    model.fit(dataset_of(X, y, **SHARES), context)
    return model


def scores(model: CatBoostModel) -> list[float]:
    return model.predict(DATASET).tolist()


def bare(y: Any = Y, **params: Any) -> catboost.CatBoost:
    """As Qlib does it."""
    model = catboost.CatBoost(
        {
            **PARAMS,
            "iterations": 60,
            "early_stopping_rounds": 5,
            "thread_count": 1,
            "silent": True,
            "allow_writing_files": False,
            **params,
        }
    )
    pools = [catboost.Pool(X[part], label=y[part]) for part in (TRAIN, VALID)]
    return model.fit(pools[0], eval_set=pools[1], use_best_model=True)


@pytest.mark.parametrize("loss", ["RMSE", "Logloss"])
def test_gives_what_bare_catboost_gives(loss: str) -> None:
    y = Y if loss == "RMSE" else (Y > 0).astype(np.float32)
    model = CatBoostModel(loss, num_boost_round=60, early_stopping_rounds=5, **PARAMS)
    fit = model.fit(dataset_of(X, y, **SHARES), FitContext(threads=1))
    other = bare(y, loss_function=loss)
    curves = other.get_evals_result()
    assert 1 < other.tree_count_ < 55  # else early stopping is not seen
    assert scores(model) == other.predict(X[TEST]).tolist()
    assert fit.best_iteration == other.tree_count_
    assert fit.curves == {f"{loss}.train": curves["learn"][loss], f"{loss}.valid": curves["validation"][loss]}
    assert fit.importance == dict(
        zip(["f0", "f1", "f2", "f3"], other.get_feature_importance().tolist(), strict=True)
    )


def test_without_a_valid_segment_every_round_is_run() -> None:
    model = CatBoostModel(num_boost_round=7, early_stopping_rounds=1, **PARAMS)
    fit = model.fit(dataset_of(X, Y, train=0.8, test=0.2))
    assert (fit.best_iteration, list(fit.curves)) == (7, ["RMSE.train"])


@pytest.mark.parametrize(
    ("asked", "ceiling", "used"),
    [({"thread_count": 4}, 2, 2), ({"thread_count": 1}, 2, 1), ({"thread_count": -1}, 2, 2), ({}, 2, 2)],
)
def test_threads_are_a_ceiling(asked: dict[str, int], ceiling: int, used: int) -> None:
    model = fitted(FitContext(threads=ceiling), num_boost_round=2, **asked)
    assert model.native().get_param("thread_count") == used


def test_windows_may_train_side_by_side() -> None:
    alone = scores(fitted())
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda _: scores(fitted()), range(8)))
    assert together == [alone] * 8


def test_the_seed_is_for_a_model_that_has_none() -> None:
    def found(seed: int, **params: Any) -> list[float]:
        model = CatBoostModel(num_boost_round=3, **params)
        model.fit(DATASET, FitContext(seed=seed, threads=1))
        return scores(model)

    assert found(7) == found(8, random_state=7) == found(9, random_seed=7)
    assert found(7) != found(8)


def test_weights_count() -> None:
    """Where the first half counts nothing, it might as well have other labels."""
    context = FitContext(threads=1, reweighter=LateDaysOnly(18))
    other = Y.copy()
    other[:180] = 100.0
    assert scores(fitted(context, other)) == pytest.approx(scores(fitted(context)), abs=1e-9)
    assert scores(fitted(context)) != scores(fitted())
    assert scores(fitted(y=other)) != scores(fitted())


def test_training_goes_on_from_a_start_model() -> None:
    first = fitted(num_boost_round=4)
    reports: list[ProgressReport] = []
    model = CatBoostModel(num_boost_round=6, **PARAMS)
    fit = model.fit(DATASET, FitContext(threads=1, start_model=first, progress=reports.append))
    assert fit.best_iteration is not None
    assert (model.native().tree_count_, first.native().tree_count_) == (4 + fit.best_iteration, 4)
    assert (reports[-1].done, reports[-1].total) == (6, 6)
    np.testing.assert_allclose(
        model.native().predict(X[TEST], ntree_end=4), first.native().predict(X[TEST]), rtol=1e-12
    )
    with pytest.raises(InputError, match="CatBoostModel cannot go on from a LinearModel"):
        fitted(FitContext(start_model=LinearModel()))
    narrow = CatBoostModel(num_boost_round=1)
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

    model = CatBoostModel(num_boost_round=60, **PARAMS)
    with pytest.raises(TooLong):
        model.fit(DATASET, FitContext(threads=1, progress=stop_at_three))
    assert told == [(done, 60, ["RMSE.train", "RMSE.valid"]) for done in (1, 2, 3)]
    with pytest.raises(NotFitted):
        model.native()


def test_a_saved_model_predicts_alike_in_another_process(tmp_path: Path) -> None:
    model = fitted()
    save_model(model, tmp_path / "model", {"num_boost_round": 60, **PARAMS})
    assert {path.name for path in (tmp_path / "model").iterdir()} == {"manifest.json", "model.cbm"}
    assert scores_elsewhere(tmp_path / "model", X[TEST]) == scores(model)


def test_nothing_is_written_and_nothing_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    model = CatBoostModel(num_boost_round=3)
    model.validate()
    model.fit(DATASET)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_nan_is_fine_in_features_and_nowhere_else() -> None:
    holed = X.copy()
    holed[[3, 500], 2] = np.nan
    model = CatBoostModel(num_boost_round=3)
    model.fit(dataset_of(holed, Y, **SHARES))
    assert np.isfinite(model.predict(dataset_of(holed, Y, **SHARES))).all()
    with pytest.raises(InputError, match=r"labels of train are NaN or infinite; add .* DropnaLabel"):
        model.fit(dataset_of(X, np.where(np.arange(600) == 5, np.nan, Y), **SHARES))


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"loss": "MAE"}, "loss 'MAE' is not supported; use RMSE or Logloss"),
        ({"num_boost_round": 0}, "num_boost_round must be a whole number of at least 1, not 0"),
        ({"early_stopping_rounds": "x"}, "early_stopping_rounds must be a whole number of at least 1, not 'x'"),
        ({"iterations": 100}, "for iterations say num_boost_round"),
        ({"learning_rate": -1}, "learning_rate must be a number above 0, not -1"),
        ({"thread_count": "x"}, "thread_count must be a whole number, not 'x'"),
        (
            {"bootstrap_type": "Poisson"},
            "bootstrap_type Poisson is for GPUs only; say bootstrap_type: Bernoulli, or task_type: GPU",
        ),
        ({"max_dept": 5}, "CatBoost has no parameter 'max_dept'; did you mean 'max_depth'?"),
        ({"max_depth": "x"}, "does not take max_depth 'x': Can't parse parameter"),
        ({"subsample": 2}, "does not take subsample 2: Subsample should be in (0,1]"),
        ({"grow_policy": "Lossgide"}, "'Lossgide' is unknown; did you mean 'Lossguide'?"),
        ({"eval_metric": "RSME"}, "does not take eval_metric 'RSME': 'RSME' is unknown; did you mean"),
        ({"num_leaves": 100}, "does not take num_leaves 100: max_leaves option works only with lossguide"),
        ({"loss_function": "MultiClass"}, "it would give several scores a row"),
        ({"l2_leaf_reg": -1, "max_depth": 3}, "does not take l2_leaf_reg -1"),
        ({"depth": 3, "max_depth": 3}, "parameters together: only one of the parameters depth, max_depth"),
    ],
)
def test_wrong_arguments_are_found_before_there_is_data(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        CatBoostModel(**kwargs).validate()


def test_arguments_that_only_the_training_or_a_gpu_can_judge_are_left_to_it() -> None:
    CatBoostModel(monotone_constraints=[1, 0, 1], verbose=100).validate()
    CatBoostModel(task_type="GPU", bootstrap_type="Poisson", devices="0").validate()


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the dataset has no segment 'train'"):
        CatBoostModel().fit(dataset_of(X, Y, test=1.0))
    for use in (lambda: CatBoostModel().predict(DATASET), lambda: CatBoostModel().save(tmp_path)):
        with pytest.raises(NotFitted):
            use()


def test_without_catboost_the_command_says_how_to_install_it(tmp_path: Path) -> None:
    config = changed("task.model", {"class": "CatBoostModel", "kwargs": {}}, CONFIG)
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(config))
    status, said = run_without("catboost", tmp_path, "flows.rolling", "run.yaml")
    assert (status, said) == (
        2,
        "error: CatBoostModel needs catboost; install it with: pip install 'rollflow[catboost]'\n",
    )
    assert not (tmp_path / "home").exists()
