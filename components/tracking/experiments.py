"""Experiments and their runs on an MLflow store: a SQLite file, a database or a server."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from components.errors import InputError, nearest
from components.models import MODEL_FOLDER
from components.tracking.listing import ExperimentListing, alive
from components.tracking.recorder import Recorder
from components.tracking.runs import PARENT_TAG, Experiment
from components.tracking.store import ExperimentMissing, RunMissing, one_line, refusals

#: Lets MLflow's UI open an experiment as one of model training.
_KIND = {"mlflow.experimentKind": "custom_model_development"}


class ExperimentManager(ExperimentListing):
    """Creates, finds, lists and deletes experiments and runs by explicit ids.

    There is no active experiment or run, so it is safe to use from many threads and processes.

    Args:
        uri: ``sqlite:///FILE``, ``http(s)://HOST`` or a database that MLflow takes.
        artifacts: Folder of the artifacts of new experiments; None: what the server says.
    """

    def get_or_create(self, name: str) -> str:
        """Id of the experiment of that name; several processes may ask for a new one at once.

        Raises:
            ExperimentMissing: when an experiment of that name was deleted and still blocks it.
        """
        from mlflow.exceptions import MlflowException

        found = self.client.get_experiment_by_name(name)
        if found is None:
            location = (self.artifacts / name).as_uri() if self.artifacts else None
            try:
                return str(self.client.create_experiment(name, artifact_location=location, tags=_KIND))
            except MlflowException as error:
                found = self.client.get_experiment_by_name(name)
                if found is None:
                    raise InputError(f"experiment {name!r} cannot be created: {one_line(error)}") from error
        return alive(Experiment.of(found)).id

    def start(
        self, experiment: str, name: str, *, tags: Mapping[str, str] | None = None, parent: str | None = None
    ) -> Recorder:
        """Begin a run in an experiment (its id), below a parent run if one is given."""
        tags = dict(tags or {}) | ({PARENT_TAG: parent} if parent else {})
        run = self.client.create_run(experiment, start_time=int(time.time() * 1000), tags=tags, run_name=name)
        return Recorder(self.client, run.info.run_id, run.info.artifact_uri)

    def delete_experiment(self, name: str) -> None:
        """Delete an experiment with its runs; its name stays taken, and `restore_experiment` brings it back.

        Raises:
            ExperimentMissing: when there is none, or it was deleted.
        """
        self.client.delete_experiment(self.experiment(name).id)

    def restore_experiment(self, name: str) -> None:
        """Bring a deleted experiment back with its runs.

        Raises:
            ExperimentMissing: when there is none that was deleted.
        """
        found = self.client.get_experiment_by_name(name)
        if found is None or not Experiment.of(found).deleted:
            hint = nearest(name, [each.name for each in self.list_experiments(deleted=True)])
            raise ExperimentMissing(f"there is no deleted experiment {name!r}{hint}")
        self.client.restore_experiment(found.experiment_id)

    def delete_run(self, run_id: str) -> None:
        """Delete a run; `restore_run` brings it back.

        Raises:
            RunMissing: when there is none, or it was deleted.
        """
        self.recorder(run_id).summary()
        self.client.delete_run(run_id)

    def restore_run(self, run_id: str) -> None:
        """Bring a deleted run back.

        Raises:
            RunMissing: when there is none.
        """
        with refusals(f"run {run_id!r} cannot be restored", RunMissing):
            self.client.restore_run(run_id)

    def register_model(self, run_id: str, name: str) -> int:
        """Enter the model that a run has in MLflow's form (`MlflowModelRecord`) into MLflow's registry.

        Returns:
            Its version there; ``models:/NAME/VERSION`` is its address.

        Raises:
            ArtifactMissing: when the run has no model in that form.
            InputError: for a name that MLflow refuses.
        """
        from mlflow.exceptions import MlflowException

        run = self.run(run_id)
        with self.recorder(run).opened(f"{MODEL_FOLDER}/MLmodel"):
            pass  # it is there
        with refusals(f"model {name!r} cannot be registered"):
            try:
                self.client.create_registered_model(name)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            source = f"{run.artifact_uri}/{MODEL_FOLDER}"
            return int(self.client.create_model_version(name, source, run.id).version)


def open_store(uri: str | None, home: Path) -> ExperimentManager:
    """The store of an address; None is the one below a home folder: SQLite, and artifacts as files."""
    if uri:
        return ExperimentManager(uri)
    home.mkdir(parents=True, exist_ok=True)
    return ExperimentManager(f"sqlite:///{home / 'mlflow.db'}", home / "artifacts")
