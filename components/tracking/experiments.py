"""Experiments on an MLflow store: a SQLite file or a server."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from components.errors import InputError
from components.tracking.recorder import Recorder, RunStatus

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

#: Tag by which MLflow's UI shows a run below another one.
PARENT_TAG = "mlflow.parentRunId"
#: Lets MLflow's UI open an experiment as one of model training.
_KIND = {"mlflow.experimentKind": "custom_model_development"}


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """What a listing says of a run."""

    id: str
    name: str
    status: RunStatus
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    #: Address of its artifacts.
    artifact_uri: str


@dataclass(frozen=True)
class ExperimentManager:
    """Creates, finds and lists runs by explicit ids; safe to use from many threads and processes.

    Args:
        uri: ``sqlite:///FILE`` or ``http(s)://HOST``.
        artifacts: Folder of the artifacts of new experiments; None: what the server says.
    """

    uri: str
    artifacts: Path | None = None

    @cached_property
    def client(self) -> MlflowClient:
        """The connection, opened at the first use.

        Raises:
            InputError: when the store cannot be reached, or is of a kind that MLflow no longer takes.
        """
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        if not self.uri.startswith(("sqlite:", "http:", "https:", "postgresql", "mysql")):
            raise InputError(
                f"MLFLOW_TRACKING_URI {self.uri!r}: a file store is no longer supported by MLflow; "
                "use sqlite:///FILE or http://HOST, and 'mlflow migrate-filestore' to keep old runs"
            )
        try:
            with self._first_open():
                client = MlflowClient(self.uri)
                client.search_experiments(max_results=1)
        except (MlflowException, SQLAlchemyError, OSError) as error:
            raise InputError(f"MLflow store {self.uri} cannot be opened: {_first_line(error)}") from error
        return client

    def get_or_create(self, name: str) -> str:
        """Id of the experiment of that name; several processes may ask for a new one at once.

        Raises:
            InputError: when an experiment of that name was deleted and still blocks it.
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
                    raise InputError(f"experiment {name!r} cannot be created: {_first_line(error)}") from error
        if found.lifecycle_stage == "deleted":
            raise InputError(
                f"experiment {name!r} was deleted; restore it with 'mlflow experiments restore "
                f"-x {found.experiment_id}' or choose another name with --experiment"
            )
        return str(found.experiment_id)

    def start(
        self, experiment: str, name: str, *, tags: Mapping[str, str] | None = None, parent: str | None = None
    ) -> Recorder:
        """Begin a run in an experiment (its id), below a parent run if one is given."""
        tags = dict(tags or {}) | ({PARENT_TAG: parent} if parent else {})
        run = self.client.create_run(experiment, start_time=int(time.time() * 1000), tags=tags, run_name=name)
        return Recorder(self.client, run.info.run_id, run.info.artifact_uri)

    def recorder(self, run: str | RunSummary) -> Recorder:
        """The run of an id; of a listed run, MLflow need not be asked where its artifacts are."""
        if isinstance(run, str):
            return Recorder(self.client, run)
        return Recorder(self.client, run.id, run.artifact_uri)

    def runs(
        self, experiment: str, tags: Mapping[str, str] | None = None, *, ids: Collection[str] | None = None
    ) -> list[RunSummary]:
        """All runs of an experiment (its id) that carry the given tags, newest first; of `ids` those it has."""
        if ids is not None and not ids:
            return []
        conditions = [f"tags.`{name}` = '{value}'" for name, value in (tags or {}).items()]
        if ids is not None:
            conditions.append(f"attributes.run_id IN ({', '.join(map(repr, ids))})")
        condition = " and ".join(conditions)
        found: list[Run] = []
        token = None
        while True:
            page = self.client.search_runs([experiment], condition, page_token=token, max_results=1000)
            found += page
            token = page.token
            if not token:
                return [_summary(run) for run in found]

    def _first_open(self) -> AbstractContextManager[object]:
        """MLflow creates the tables of a fresh SQLite file without a lock of its own."""
        path = self.uri.removeprefix("sqlite:///")
        if path == self.uri:
            return nullcontext()
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return FileLock(f"{path}.lock")


def open_store(uri: str | None, home: Path) -> ExperimentManager:
    """The store of an address; None is the one below a home folder: SQLite, and artifacts as files."""
    if uri:
        return ExperimentManager(uri)
    home.mkdir(parents=True, exist_ok=True)
    return ExperimentManager(f"sqlite:///{home / 'mlflow.db'}", home / "artifacts")


def _summary(run: Run) -> RunSummary:
    return RunSummary(
        id=run.info.run_id,
        name=run.info.run_name or "",
        status=RunStatus(run.info.status),
        tags=dict(run.data.tags),
        params=dict(run.data.params),
        metrics=dict(run.data.metrics),
        artifact_uri=run.info.artifact_uri,
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
