"""MLflow's registry of models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.models import MODEL_FOLDER
from components.tracking.experiments import ExperimentManager

if TYPE_CHECKING:
    from mlflow import MlflowClient


def register_model(experiments: ExperimentManager, run_id: str, name: str) -> int:
    """Enter the model that a run has in MLflow's form (`MlflowModelRecord`) into MLflow's registry.

    Returns:
        Its version there; ``models:/NAME/VERSION`` is its address.

    Raises:
        ArtifactMissing: when the run has no model in that form.
        InputError: for a name that MLflow refuses.
    """
    from mlflow.exceptions import MlflowException

    run = experiments.run(run_id)
    with experiments.recorder(run).opened(f"{MODEL_FOLDER}/MLmodel"):
        pass  # it is there

    def register(client: MlflowClient) -> int:
        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        return int(client.create_model_version(name, f"{run.artifact_uri}/{MODEL_FOLDER}", run.id).version)

    return experiments.store.ask_once(f"model {name!r} cannot be registered", register)
