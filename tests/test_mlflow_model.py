"""Models in MLflow's own form: what its registry and its servers load gives the scores of the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sample_models import SlowModel
from small_tasks import CONFIG

from components.data import Market
from components.errors import InputError
from components.features import MatrixStore
from components.models import LGBModel, LinearModel, NotFitted, model_config
from components.tasks import TrainingTask
from components.tracking import (
    ArtifactMissing,
    ExperimentManager,
    Recorder,
    load_model,
    load_task,
    log_mlflow_model,
    register_model,
)
from components.training import analyses_of, open_dataset, train_task

SIGNAL = {"class": "SignalRecord", "kwargs": {"model": "<MODEL>", "dataset": "<DATASET>"}}
MLFLOW = {"class": "MlflowModelRecord", "kwargs": {"model": "<MODEL>", "dataset": "<DATASET>"}}
GBDT = CONFIG["model"]
LINEAR = {"class": "LinearModel", "kwargs": {"estimator": "ridge", "alpha": 0.1, "fit_intercept": True}}
XGB = {"class": "XGBModel", "kwargs": {"num_boost_round": 5, "max_depth": 3}}
CAT = {"class": "CatBoostModel", "kwargs": {"num_boost_round": 5, "max_depth": 3}}
FOREST = {
    "class": "RandomForestRegressor",
    "module_path": "sklearn.ensemble",
    "kwargs": {"n_estimators": 3, "random_state": 1},
}
FILLED = [{"class": "Fillna", "kwargs": {"fields_group": "feature"}}]


@pytest.fixture
def as_mlflow_does(experiments: ExperimentManager, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Loads a model by MLflow's address and scores with it, knowing nothing of rollflow."""
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", experiments.uri)
    return lambda address, features: mlflow.pyfunc.load_model(address).predict(features)


def task_of(model: dict[str, Any], *record: dict[str, Any]) -> TrainingTask:
    task = TrainingTask.from_config({**CONFIG, "model": model, "record": list(record)})
    return task.with_handler_kwargs(infer_processors=FILLED)


def trained(task: TrainingTask, market: Market, matrices: MatrixStore, experiments: ExperimentManager) -> Recorder:
    recorder = experiments.start(experiments.get_or_create("served"), "run")
    with recorder.closing():
        train_task(task, market=market, matrices=matrices, recorder=recorder, threads=1)
    return recorder


def features_of(task: TrainingTask, market: Market, matrices: MatrixStore) -> pd.DataFrame:
    rows = open_dataset(task, market, matrices).infer("test")
    frame = pd.DataFrame(np.asarray(rows.X, dtype=np.float64), columns=list(rows.features))
    return frame[["C", "R", "V"]]  # MLflow puts them in order by name


@pytest.mark.parametrize("model", [GBDT, LINEAR, FOREST, XGB, CAT], ids=lambda model: model["class"])
def test_a_recorded_model_scores_as_the_run_did(
    model: dict[str, Any],
    market: Market,
    matrices: MatrixStore,
    experiments: ExperimentManager,
    as_mlflow_does: Any,
) -> None:
    task = task_of(model, SIGNAL, MLFLOW)
    recorder = trained(task, market, matrices, experiments)
    features = features_of(task, market, matrices)
    scores = recorder.load_table("pred")["score"].to_numpy()
    np.testing.assert_allclose(as_mlflow_does(f"runs:/{recorder.id}/model", features), scores, rtol=1e-12)

    name = f"{model['class']} registered"
    assert [register_model(experiments, recorder.id, name) for _ in range(2)] == [1, 2]
    np.testing.assert_allclose(as_mlflow_does(f"models:/{name}/2", features), scores, rtol=1e-12)

    files = {Path(name).name for name in recorder.list_artifacts("model")}
    assert files.isdisjoint({"model.pkl", "python_model.pkl"})
    assert {"MLmodel", "manifest.json"} <= files
    assert type(load_model(recorder)).__name__ == model_config(model)["class"]  # one folder has both forms
    needed = recorder.download("model/requirements.txt").read_text()
    assert {"LGBModel": "lightgbm==4.7", "XGBModel": "xgboost", "CatBoostModel": "catboost"}.get(
        model["class"], "scikit-learn=="
    ) in needed


@pytest.mark.parametrize("model", [GBDT, LINEAR, FOREST, XGB, CAT], ids=lambda model: model["class"])
def test_a_run_is_given_its_model_afterwards(
    model: dict[str, Any],
    market: Market,
    matrices: MatrixStore,
    experiments: ExperimentManager,
    as_mlflow_does: Any,
) -> None:
    task = task_of(model, SIGNAL)
    recorder = experiments.recorder(trained(task, market, matrices, experiments).id)
    with pytest.raises(ArtifactMissing, match="has no artifact 'model/MLmodel'"):
        register_model(experiments, recorder.id, "too early")
    address = log_mlflow_model(recorder)
    assert address == f"runs:/{recorder.id}/model"
    scores = recorder.load_table("pred")["score"].to_numpy()
    np.testing.assert_allclose(as_mlflow_does(address, features_of(task, market, matrices)), scores, rtol=1e-12)


def test_task_and_model_are_read_back(
    market: Market, matrices: MatrixStore, experiments: ExperimentManager
) -> None:
    task = task_of(GBDT, SIGNAL)
    recorder = trained(task, market, matrices, experiments)
    assert load_task(recorder) == task
    scores = load_model(recorder).predict(open_dataset(task, market, matrices))
    pd.testing.assert_series_equal(scores, recorder.load_table("pred")["score"], check_index_type=False)


def test_a_model_of_ones_own_is_read_back_when_it_is_trusted(
    market: Market, matrices: MatrixStore, experiments: ExperimentManager
) -> None:
    task = task_of({"class": "SlowModel", "module_path": "sample_models"}, SIGNAL)
    recorder = experiments.start(experiments.get_or_create("own"), "run")
    train_task(task, market=market, matrices=matrices, recorder=recorder, trusted=["sample_models"])
    with pytest.raises(InputError, match="ROLLFLOW_TRUSTED_MODULES=sample_models"):
        load_model(recorder)
    assert isinstance(load_model(recorder, ["sample_models"]), SlowModel)
    with pytest.raises(InputError, match="does not say which features"):
        log_mlflow_model(recorder, ["sample_models"])
    with pytest.raises(
        InputError, match="SlowModel has no form that MLflow knows; give the class a method `native`"
    ):
        load_model(recorder, ["sample_models"]).native()


def test_a_model_is_read_from_a_server(market: Market, matrices: MatrixStore, mlflow_url: str) -> None:
    task = task_of(GBDT, SIGNAL)
    server = ExperimentManager(mlflow_url)
    recorder = server.recorder(trained(task, market, matrices, server).id)
    assert recorder.list_artifacts("model") == ["model/manifest.json", "model/model.txt"]
    model = load_model(recorder)
    assert isinstance(model, LGBModel)
    assert model.num_boost_round == 12
    scores = model.predict(open_dataset(task, market, matrices))
    pd.testing.assert_series_equal(scores, recorder.load_table("pred")["score"], check_index_type=False)
    log_mlflow_model(recorder)
    assert "model/MLmodel" in recorder.list_artifacts("model")
    assert isinstance(load_model(recorder), LGBModel)


class LinearWithRequirements(LinearModel):
    """Has a file of its own under a name that MLflow needs."""

    def save(self, folder: Path) -> None:
        super().save(folder)
        (folder / "requirements.txt").write_text("of its own")


def test_mlflow_overwrites_no_file_of_a_model(
    market: Market, matrices: MatrixStore, experiments: ExperimentManager
) -> None:
    model = {"class": "LinearWithRequirements", "module_path": __name__}
    message = "the model has a file requirements.txt: MLflow needs that name"
    recorder = experiments.start(experiments.get_or_create("taken"), "run")
    with pytest.raises(InputError, match=message):
        train_task(
            task_of(model, SIGNAL, MLFLOW), market=market, matrices=matrices, recorder=recorder, trusted=[__name__]
        )
    train_task(task_of(model, SIGNAL), market=market, matrices=matrices, recorder=recorder, trusted=[__name__])
    with pytest.raises(InputError, match=message):
        log_mlflow_model(recorder, [__name__])
    assert recorder.download("model/requirements.txt").read_text() == "of its own"


def test_what_is_no_training_has_no_model(experiments: ExperimentManager) -> None:
    empty = experiments.start(experiments.get_or_create("empty"), "run")
    with pytest.raises(ArtifactMissing, match="has no artifact 'model'"):
        load_model(empty)
    for model in (LGBModel(), LinearModel()):
        with pytest.raises(NotFitted):
            model.native()


def test_the_record_is_for_windows_and_not_for_the_joined_signal(market: Market) -> None:
    ana = {"class": "SigAnaRecord"}
    assert [type(record).__name__ for record in analyses_of(task_of(GBDT, SIGNAL, MLFLOW, ana), market)] == [
        "SigAnaRecord"
    ]
