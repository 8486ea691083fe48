"""DEnsembleModel: its steps on numbers that can be followed, and the whole on the data of the other models.

That the scores are Qlib's is seen in `test_qlib_models.py`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_datasets import SHARES, LateDaysOnly, TooLong, dataset_of, noisy, scores_elsewhere

from components.errors import InputError
from components.models import DEnsembleModel, FitContext, LGBModel, NotFitted, save_model
from components.models.double_ensemble_steps import chosen_features, sample_weights
from components.progress import ProgressReport

X, Y = noisy(features=8)
TEST = slice(480, 600)
TREES: dict[str, Any] = {"num_leaves": 7, "learning_rate": 0.3, "min_data_in_leaf": 5, "deterministic": True}
ARGUMENTS: dict[str, Any] = {"num_models": 3, "epochs": 10, "decay": 0.5, **TREES}
DATASET = dataset_of(X, Y, **SHARES)


def fitted(context: FitContext = FitContext(threads=1), y: Any = Y, **kwargs: Any) -> DEnsembleModel:
    model = DEnsembleModel(**{**ARGUMENTS, **kwargs})
    model.fit(dataset_of(X, y, **SHARES), context)
    return model


def scores(model: DEnsembleModel) -> list[float]:
    return model.predict(DATASET).tolist()


def columns(model: DEnsembleModel, folder: Path) -> str:
    folder.mkdir(exist_ok=True)
    model.save(folder)
    return (folder / "columns.json").read_text()


# --- Steps --------------------------------------------------------------------------------------------------------


def test_hard_samples_weigh_more() -> None:
    """Four samples, two bins: 0 and 1 are easy and get easier, 2 and 3 are hard and get harder."""
    first = np.array([[2.0], [3.0], [1.0], [1.0]])
    last = np.array([[0.1], [0.2], [4.0], [5.0]])
    loss = np.array([0.1, 0.2, 4.0, 5.0])
    found = sample_weights(first, last, loss, alpha1=1, alpha2=0, bins=2, decay=1.0)
    # ranks of -loss: 1, 3/4, 2/4, 1/4; bins (0.25..0.625] and (0.625..1], means 0.375 and 0.875
    assert found.tolist() == pytest.approx([1 / 0.975, 1 / 0.975, 1 / 0.475, 1 / 0.475])
    # ranks of the last losses: 1/4 .. 1, over ranks of the first: 3/4, 1, 3/8, 3/8; ratios 1/3, 1/2, 2, 8/3
    found = sample_weights(first, last, loss, alpha1=0, alpha2=1, bins=2, decay=1.0)
    # their ranks 1/4 .. 1; means of the bins as above, the other way round
    assert found.tolist() == pytest.approx([1 / 0.475, 1 / 0.475, 1 / 0.975, 1 / 0.975])
    alike = sample_weights(first, last, loss, alpha1=1, alpha2=1, bins=2, decay=0.0)
    assert alike.tolist() == [10.0] * 4


def test_of_each_bin_a_share_of_the_features_is_kept() -> None:
    gains = np.array([0.0, 0.1, 0.9, 1.0, 0.05, 0.02])  # two bins: features 2 and 3, and the rest
    random = np.random.RandomState(1)
    kept = chosen_features(gains, 2, [1.0, 0.5], random)
    assert {2, 3} <= set(kept.tolist())
    assert len(kept) == 4
    assert kept.tolist() == sorted(kept.tolist())
    assert chosen_features(gains, 2, [0.01, 0.01], random).size == 2  # at least one of each


# --- The whole ----------------------------------------------------------------------------------------------------


def test_one_model_is_lightgbm() -> None:
    alone = LGBModel(num_boost_round=10, early_stopping_rounds=100, **TREES)
    alone.fit(dataset_of(X, Y, train=0.6, test=0.4), FitContext(threads=1))
    model = DEnsembleModel(num_models=1, epochs=10, **TREES)
    fit = model.fit(DATASET, FitContext(threads=1))
    np.testing.assert_allclose(model.predict(DATASET), alone.predict(DATASET), rtol=1e-6)
    assert sorted(fit.curves) == ["l2.1.train", "l2.1.valid"]
    assert len(fit.curves["l2.1.valid"]) == 10


def test_scores_are_the_weighted_mean_of_the_models() -> None:
    first = fitted(sub_weights=[1, 0, 0])
    assert scores(first) == scores(fitted(num_models=1))
    whole = fitted(sub_weights=[2, 1, 1], enable_sr=False)  # what the weights change but for the mean
    models = [np.asarray(each.predict(X[TEST])) for each in whole._models]
    assert scores(whole) == pytest.approx((2 * models[0] + models[1] + models[2]) / 4)
    fit = DEnsembleModel(**ARGUMENTS).fit(DATASET, FitContext(threads=1))
    assert list(fit.importance) == [f"f{place}" for place in range(8)]
    assert max(fit.importance, key=lambda name: fit.importance[name]) == "f0"
    assert fit.best_iteration is None
    assert len(fit.curves) == 6


@pytest.mark.parametrize("step", ["enable_sr", "enable_fs"])
def test_both_steps_matter(step: str) -> None:
    assert scores(fitted(**{step: False})) != scores(fitted())
    neither = fitted(enable_sr=False, enable_fs=False, decay=None)
    assert scores(neither) == pytest.approx(scores(fitted(num_models=1)))  # three times the same


def test_a_seed_gives_its_numbers_whatever_else_is_drawn(tmp_path: Path) -> None:
    np.random.seed(5)  # as somebody else might
    first = fitted(numpy_seed=3)
    state = np.random.get_state()[1]
    np.random.seed(6)
    assert scores(first) == scores(fitted(numpy_seed=3)) == scores(fitted(FitContext(threads=1, seed=3), seed=0))
    np.random.seed(5)
    assert (np.random.get_state()[1] == state).all()  # and draws nothing from theirs
    seeds = {columns(fitted(numpy_seed=seed), tmp_path / str(seed)) for seed in range(4)}
    assert len(seeds) > 1


def test_weights_count() -> None:
    """Where the first half counts nothing, it might as well have other labels."""
    context = FitContext(threads=1, reweighter=LateDaysOnly(18))
    other = Y.copy()
    other[:180] = 100.0
    one = {"num_models": 1}
    assert scores(fitted(context, other, **one)) == pytest.approx(scores(fitted(context, **one)), rel=1e-6)
    assert scores(fitted(context)) != scores(fitted())
    with pytest.raises(InputError, match="it cannot go on from a start model"):
        fitted(FitContext(start_model=fitted(**one)))


def test_early_stopping_by_valid() -> None:
    fit = DEnsembleModel(**{**ARGUMENTS, "epochs": 60, "early_stopping_rounds": 3}).fit(DATASET)
    assert 3 < len(fit.curves["l2.1.valid"]) < 60
    without = DEnsembleModel(**{**ARGUMENTS, "early_stopping_rounds": 3})
    fit = without.fit(dataset_of(X, Y, train=0.8, test=0.2))
    assert {name: len(values) for name, values in fit.curves.items()} == dict.fromkeys(
        ("l2.1.train", "l2.2.train", "l2.3.train"), 10
    )


@pytest.mark.parametrize("stop_at", [3, 10, 15])  # in the first model, after it, in the second
def test_progress_is_told_and_may_stop(stop_at: int) -> None:
    told = []

    def stop(report: ProgressReport) -> None:
        if report.total:
            told.append((report.done, report.total))
        if report.done == stop_at:
            raise TooLong

    with pytest.raises(TooLong):
        fitted(FitContext(threads=1, progress=stop))
    assert told[-1] == (stop_at, 30)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_threads_are_a_ceiling(tmp_path: Path) -> None:
    fitted(FitContext(threads=1), num_threads=4).save(tmp_path)
    assert "[num_threads: 1]" in (tmp_path / "model_2.txt").read_text()


def test_a_saved_model_predicts_alike_in_another_process(tmp_path: Path) -> None:
    model = fitted()
    save_model(model, tmp_path / "model", ARGUMENTS)
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert names == {"manifest.json", "columns.json", "model_0.txt", "model_1.txt", "model_2.txt"}
    assert scores_elsewhere(tmp_path / "model", X[TEST]) == scores(model)


def test_nan_is_fine_in_features() -> None:
    holed = X.copy()
    holed[[3, 500], 2] = np.nan
    model = DEnsembleModel(**ARGUMENTS)
    model.fit(dataset_of(holed, Y, **SHARES), FitContext(threads=1))
    assert np.isfinite(model.predict(dataset_of(holed, Y, **SHARES))).all()
    with pytest.raises(InputError, match=r"labels of train are NaN or infinite; add .* DropnaLabel"):
        fitted(y=np.where(np.arange(600) == 5, np.nan, Y))


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"base_model": "mlp"}, "base_model 'mlp' is not supported; use gbm"),
        ({"loss": "binary"}, "loss 'binary' is not supported; use mse"),
        ({"num_models": 0}, "num_models must be a whole number of at least 1, not 0"),
        ({"decay": None}, "decay must be a number of at least 0, not None"),
        ({"decay": "x"}, "decay must be a number of at least 0, not 'x'"),
        ({"enable_sr": "no"}, "enable_sr must be true or false, not 'no'"),
        ({"alpha1": "x"}, "alpha1 must be a number, not 'x'"),
        ({"bins_fs": 3}, "sample_ratios: expected a list of 3 shares, one for each of bins_fs"),
        ({"sample_ratios": [1, 1, 1, 1, 2]}, "sample_ratios: each must be at most 1, not 2"),
        ({"sample_ratios": [1, 1, 1, 1, 0]}, "sample_ratios: each must be a number above 0, not 0"),
        ({"sub_weights": [1, 1]}, "sub_weights: expected a list of 3 weights, one for each model"),
        ({"sub_weights": [0, 1, 1]}, "sub_weights: the first must be a number above 0, not 0"),
        ({"epochs": "many"}, "epochs must be a whole number of at least 1, not 'many'"),
        ({"numpy_seed": -1}, "numpy_seed must be a whole number of at least 0, not -1"),
        ({"num_leafs": 5}, "DEnsembleModel: LightGBM has no parameter 'num_leafs'; did you mean 'num_leaves'?"),
        ({"num_leaves": 1}, "DEnsembleModel: LightGBM does not take num_leaves 1"),
        ({"num_threads": "x"}, "DEnsembleModel: num_threads must be a whole number, not 'x'"),
    ],
)
def test_wrong_arguments_are_found_before_there_is_data(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        DEnsembleModel(**{**ARGUMENTS, **kwargs}).validate()


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the dataset has no segment 'train'"):
        DEnsembleModel(**ARGUMENTS).fit(dataset_of(X, Y, test=1.0))
    for use in (
        lambda: DEnsembleModel(**ARGUMENTS).predict(DATASET),
        lambda: DEnsembleModel(**ARGUMENTS).save(tmp_path),
    ):
        with pytest.raises(NotFitted):
            use()
