"""What a training left in its run, read back."""

from __future__ import annotations

from collections.abc import Iterable

from components import models
from components.errors import InputError
from components.models import MODEL_FOLDER, Model
from components.tasks import TrainingTask
from components.tracking.mlflow_model import save_mlflow_model
from components.tracking.recorder import Recorder


def load_task(recorder: Recorder) -> TrainingTask:
    """The task that was trained.

    Raises:
        ArtifactMissing: when the run is not one of a training.
    """
    return TrainingTask.from_config(recorder.load_json("task"))


def load_model(recorder: Recorder, trusted: Iterable[str] = ()) -> Model:
    """The fitted model of a run, with its arguments, read by its own class from its own files.

    Args:
        recorder: The run.
        trusted: Packages, besides rollflow's own, whose classes may be used.

    Raises:
        ArtifactMissing: when the run has no model.
        InputError: when the class is gone, or not trusted.
        SavedModelBroken: when files of the model are missing or cut short.
    """
    with recorder.opened(MODEL_FOLDER) as folder:
        return models.load_model(folder, trusted)


def log_mlflow_model(recorder: Recorder, trusted: Iterable[str] = ()) -> str:
    """Give a run that has been trained its model in MLflow's form too, as `MlflowModelRecord` does while training.

    Returns:
        MLflow's address of the model, ``runs:/ID/model``.

    Raises:
        ArtifactMissing: when the run has no model.
        InputError: when MLflow has no open form for the model, or the run no names of its features.
    """
    features = list(recorder.load_json("importance"))
    if not features:
        raise InputError(
            f"run {recorder.id} does not say which features its model takes; record it with MlflowModelRecord"
        )
    with recorder.opened(MODEL_FOLDER) as folder:
        native = models.load_model(folder, trusted).native()
        taken = models.Manifest.read(folder).files
    with recorder.artifacts() as folder:
        save_mlflow_model(native, features, folder / MODEL_FOLDER, taken)
    return f"runs:/{recorder.id}/{MODEL_FOLDER}"
