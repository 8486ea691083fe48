"""A fitted model as a folder: what is in it, what comes back, and what a model must not do."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from small_datasets import dataset_of

from components.errors import InputError
from components.features import DatasetH
from components.models import (
    Fit,
    FitContext,
    LinearModel,
    Model,
    ModelContractError,
    SavedModelBroken,
    load_model,
    save_model,
)
from components.models.model import checked_scores

RIDGE = {"estimator": "ridge", "alpha": 0.5, "fit_intercept": True}


class FreeModel(Model):
    """Writes the files that it is told to."""

    def __init__(self, files: dict[str, str] | None = None) -> None:
        self.files = files or {}

    def fit(self, dataset: DatasetH, context: FitContext = FitContext()) -> Fit:
        return Fit()

    def predict(self, dataset: DatasetH, segment: str = "test") -> pd.Series:
        raise NotImplementedError

    def save(self, folder: Path) -> None:
        for name, text in self.files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)

    @classmethod
    def load(cls, folder: Path, **kwargs: Any) -> Self:
        model = cls(**kwargs)
        model.files = {name: (folder / name).read_text() for name in model.files}
        return model


def dataset() -> DatasetH:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 3))
    return dataset_of(X, X[:, 0] + rng.normal(size=200), train=0.7, test=0.3)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    model = LinearModel(**RIDGE)
    model.fit(dataset())
    save_model(model, tmp_path / "model", RIDGE)
    return tmp_path / "model"


def test_a_model_comes_back_with_its_arguments(saved: Path) -> None:
    model = load_model(saved)
    assert isinstance(model, LinearModel)
    assert (model.estimator, model.alpha, model.fit_intercept) == ("ridge", 0.5, True)
    original = LinearModel(**RIDGE)
    original.fit(dataset())
    pd.testing.assert_series_equal(model.predict(dataset()), original.predict(dataset()), check_exact=True)


def test_the_manifest_says_what_made_the_model(saved: Path) -> None:
    assert json.loads((saved / "manifest.json").read_text()) == {
        "class": "LinearModel",
        "module": "components.models.linear",
        "kwargs": RIDGE,
        "files": {"weights.json": (saved / "weights.json").stat().st_size},
        "versions": {
            "python": platform.python_version(),
            "rollflow": version("rollflow"),
            "scikit-learn": version("scikit-learn"),
        },
    }


def test_a_model_may_have_many_files(tmp_path: Path) -> None:
    files = {"one/weights": "1", "two/weights": "2", "steps": "3"}
    save_model(FreeModel(files), tmp_path / "model", {"files": files})
    model = load_model(tmp_path / "model", ["test_saved_models"])
    assert model.files == files  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="ROLLFLOW_TRUSTED_MODULES=test_saved_models"):
        load_model(tmp_path / "model")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "FreeModel.save wrote nothing into the folder that it was given"),
        ({"empty": ""}, "FreeModel.save wrote nothing into the folder that it was given"),
        ({"manifest.json": "{}"}, "FreeModel.save wrote manifest.json, which is not its own; take another name"),
    ],
)
def test_a_model_that_cannot_come_back_is_not_saved(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(ModelContractError, match=message):
        save_model(FreeModel(files), tmp_path / "model", {})


@pytest.mark.parametrize(
    ("path", "text", "error", "message"),
    [
        ("manifest.json", None, SavedModelBroken, "manifest.json cannot be read: .*; train the model again"),
        ("manifest.json", "{", SavedModelBroken, "manifest.json cannot be read"),
        ("manifest.json", "{}", SavedModelBroken, "manifest.json cannot be read"),
        ("weights.json", "[]", SavedModelBroken, r"weights.json has 2 bytes instead of \d+; train the model again"),
        ("weights.json", None, SavedModelBroken, "weights.json has 0 bytes instead of"),
    ],
)
def test_a_folder_that_was_cut_short(
    saved: Path, path: str, text: str | None, error: type[Exception], message: str
) -> None:
    (saved / path).unlink()
    if text is not None:
        (saved / path).write_text(text)
    with pytest.raises(error, match=message):
        load_model(saved)


def test_only_models_are_loaded(saved: Path) -> None:
    manifest = json.loads((saved / "manifest.json").read_text())
    (saved / "manifest.json").write_text(
        json.dumps({**manifest, "class": "DatasetH", "module": "components.features"})
    )
    with pytest.raises(InputError, match="DatasetH is not a Model: it must be a subclass of"):
        load_model(saved)


# --- Scores -------------------------------------------------------------------------------------------------------

INDEX = dataset_of(np.zeros((20, 1)), np.zeros(20), test=1.0).infer("test").index()


def test_scores_are_put_into_the_order_of_the_rows() -> None:
    scores = pd.Series(np.arange(20.0), index=INDEX)
    scores.iloc[3] = np.nan
    shuffled = scores.sample(frac=1, random_state=1).astype("float32")
    pd.testing.assert_series_equal(checked_scores(shuffled, INDEX, "M"), scores)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (None, "M.predict returned a NoneType; return a Series of numbers"),
        (np.zeros(20), "M.predict returned a ndarray; return a Series of numbers"),
        (pd.Series(["a"] * 20, index=INDEX), "M.predict returned a Series of "),
        (pd.Series(np.zeros(20)), "20 scores, but not one for each of the 20 rows of the segment; index them with"),
        (pd.Series(dtype="float64"), "0 scores, but not one for each of the 20 rows"),
        (pd.Series(np.zeros(19), index=INDEX[1:]), "19 scores, but not one for each of the 20 rows"),
        (pd.Series(np.zeros(20), index=INDEX[[0, *range(19)]]), "20 scores, but not one for each of the 20 rows"),
        (pd.Series(np.full(20, np.nan), index=INDEX), "M.predict returned NaN for all 20 rows"),
        (pd.Series([np.inf] + [0.0] * 19, index=INDEX), "M.predict returned 1 infinite scores"),
    ],
)
def test_what_are_no_scores_is_refused(scores: object, message: str) -> None:
    with pytest.raises(ModelContractError, match=message):
        checked_scores(scores, INDEX, "M")
