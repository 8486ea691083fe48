"""What a training left in its run, read back."""

from __future__ import annotations

from collections.abc import Iterable

from components.build import find_class
from components.errors import InputError
from components.models import Model
from components.tasks import TrainingTask
from components.tracking.mlflow_model import MODEL_FOLDER, save_mlflow_model
from components.tracking.recorder import Recorder


def load_task(recorder: Recorder) -> TrainingTask:
    """The task that was trained.

    Raises:
        ArtifactMissing: when the run is not one of a training.
    """
    return TrainingTask.from_config(recorder.load_json("task"))


def load_model(recorder: Recorder, trusted: Iterable[str] = ()) -> Model:
    """The fitted model of a run, read by its own class from its own format.

    Args:
        recorder: The run.
        trusted: Packages, besides rollflow's own, whose classes may be used.

    Raises:
        ArtifactMissing: when the run has no model.
        InputError: when the class is gone, or not trusted.
    """
    config = load_task(recorder).model
    cls = find_class(config, Model, default_module="components.models", trusted=trusted)
    with recorder.opened(cls.file_name) as place:
        return cls.load(place.parent)


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
    native = load_model(recorder, trusted).native()
    with recorder.artifacts() as folder:
        save_mlflow_model(native, features, folder / MODEL_FOLDER)
    return f"runs:/{recorder.id}/{MODEL_FOLDER}"
