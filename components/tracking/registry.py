"""MLflow's registry of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from components.models import MODEL_FOLDER
from components.tracking.experiments import ExperimentManager
from components.tracking.runs import RunSummary
from components.tracking.search import quoted

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: Versions that are looked at, more than any model has.
_MOST = 10_000


def register_model(experiments: ExperimentManager, run_id: str, name: str) -> int:
    """Enter the model that a run has in MLflow's form (`MlflowModelRecord`) into MLflow's registry.

    Returns:
        Its version there; ``models:/NAME/VERSION`` is its address.

    Raises:
        ArtifactMissing: when the run has no model in that form.
        InputError: for a name that MLflow refuses.
    """
    run = experiments.run(run_id)
    with experiments.recorder(run).opened(f"{MODEL_FOLDER}/MLmodel"):
        pass  # it is there
    return experiments.store.ask_once(
        f"model {name!r} cannot be registered", lambda client: _new_version(client, name, run)
    )


def register_roles(
    experiments: ExperimentManager, name: str, runs: Sequence[str], roles: Mapping[str, str | None]
) -> None:
    """Let MLflow's registry have a version for the model of each run, and an alias for each role.

    What is there already stays; so this may be done again at any time.

    Args:
        experiments: The MLflow store.
        name: Of the registered model.
        runs: Ids of runs, oldest first.
        roles: Alias -> the run whose model has the role; None: no model has.

    Raises:
        InputError: for a name that MLflow refuses.
        RunMissing: when a run is not in the store.
    """

    def register(client: MlflowClient) -> None:
        _make(client, name)
        known = client.search_model_versions(f"name = {quoted(name)}", max_results=_MOST)
        versions = {version.run_id: int(version.version) for version in known}
        for run_id in runs:
            if run_id not in versions:
                versions[run_id] = _new_version(client, name, experiments.run(run_id))
        aliases = {alias: str(version) for alias, version in client.get_registered_model(name).aliases.items()}
        for alias, run in roles.items():
            if run is None and alias in aliases:
                client.delete_registered_model_alias(name, alias)
            elif run is not None and aliases.get(alias) != str(versions[run]):
                client.set_registered_model_alias(name, alias, str(versions[run]))

    experiments.store.ask_once(f"model {name!r} cannot be registered", register)


def _new_version(client: MlflowClient, name: str, run: RunSummary) -> int:
    _make(client, name)
    return int(client.create_model_version(name, f"{run.artifact_uri}/{MODEL_FOLDER}", run.id).version)


def _make(client: MlflowClient, name: str) -> None:
    """Make a registered model, unless there is one."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
