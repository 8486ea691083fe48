"""Experiments and their runs on an MLflow store: a SQLite file, a database or a server."""

from __future__ import annotations

import hashlib
import re
import shlex
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from components.errors import InputError, nearest
from components.tracking.errors import ExperimentMissing, RunMissing
from components.tracking.recorder import Recorder
from components.tracking.runs import PARENT_TAG, RUN_ID, Experiment, RunSummary
from components.tracking.search import find_experiments, find_runs, find_runs_by_id, quoted
from components.tracking.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment as MlflowExperiment

#: Lets MLflow's UI open an experiment as one of model training.
_KIND = {"mlflow.experimentKind": "custom_model_development"}
#: Names of experiments that are good as names of folders, too.
_PLAIN = re.compile(r"[A-Za-z0-9](?:[\w .-]{0,98}[\w-])?", re.ASCII)


class ExperimentManager:
    """Creates, finds, lists and deletes experiments and runs by explicit ids.

    There is no active experiment or run, so it is safe to use from many threads and processes. All of it raises
    `Unavailable` when the store does not answer.

    Args:
        uri: ``sqlite:///FILE``, ``http(s)://HOST`` or a database that MLflow takes.
        artifacts: Folder of the artifacts of new experiments; None: what the server says.
        downloads: Folder of copies of artifacts that are not on this machine; None: temporary ones, which are left.
    """

    def __init__(self, uri: str, artifacts: Path | None = None, downloads: Path | None = None) -> None:
        self.uri = uri
        self.store = Store(uri, artifacts, downloads)

    def __repr__(self) -> str:
        return f"ExperimentManager({self.shown_uri!r})"

    @property
    def shown_uri(self) -> str:
        """The address as it may be shown."""
        return self.store.shown_uri

    @property
    def client(self) -> MlflowClient:
        """MLflow's own client, opened at the first use.

        Raises:
            InputError: when the store is of a kind that MLflow no longer takes, or cannot be opened.
        """
        return self.store.client

    def check(self) -> None:
        """Make sure as a command starts that the store answers: if it does not, its address is most likely wrong.

        Raises:
            InputError: when the store cannot be used, whatever the cause.
        """
        self.store.check()

    # --- Experiments ----------------------------------------------------------------------------------------------

    def get_or_create(self, name: str) -> str:
        """Id of the experiment of that name; several processes may ask for a new one at once.

        Raises:
            ExperimentMissing: when an experiment of that name was deleted and still blocks it.
            InputError: for a name that MLflow refuses, or that cannot be typed.
        """
        found = self._named(name) or self._created(name)
        return alive(Experiment.of(found)).id

    def experiment(self, name: str) -> Experiment:
        """The experiment of a name.

        Raises:
            ExperimentMissing: when there is none, or it was deleted.
        """
        found = self._named(name)
        if found is None:
            hint = nearest(name, [each.name for each in self.list_experiments()])
            raise ExperimentMissing(f"there is no experiment {name!r}{hint}")
        return alive(Experiment.of(found))

    def list_experiments(self, *, deleted: bool = False) -> list[Experiment]:
        """All experiments, the newest first; with `deleted` those that were deleted."""
        return find_experiments(self.store, deleted=deleted)

    def delete_experiment(self, name: str) -> None:
        """Delete an experiment with its runs; its name stays taken, and `restore_experiment` brings it back.

        Raises:
            ExperimentMissing: when there is none, or it was deleted.
        """
        experiment = self.experiment(name).id
        self.store.ask_once(f"experiment {name!r}", lambda client: client.delete_experiment(experiment))

    def restore_experiment(self, name: str) -> None:
        """Bring a deleted experiment back with its runs.

        Raises:
            ExperimentMissing: when there is none that was deleted.
        """
        found = self._named(name)
        if found is None or not Experiment.of(found).deleted:
            hint = nearest(name, [each.name for each in self.list_experiments(deleted=True)])
            raise ExperimentMissing(f"there is no deleted experiment {name!r}{hint}")
        experiment = found.experiment_id
        self.store.ask_once(f"experiment {name!r}", lambda client: client.restore_experiment(experiment))

    # --- Runs -----------------------------------------------------------------------------------------------------

    def start(
        self,
        experiment: str,
        name: str,
        *,
        tags: Mapping[str, str] | None = None,
        parent: str | None = None,
        confirm: Callable[[], object] | None = None,
    ) -> Recorder:
        """Begin a run in an experiment (its id), below a parent run if one is given.

        `confirm` is called before artifacts are written, and raises when that is no longer wanted.
        """
        tags = dict(tags or {}) | ({PARENT_TAG: parent} if parent else {})
        now = int(time.time() * 1000)
        # Should it be made twice, because the reply was lost, one of the two stays open: nothing refers to it.
        run = self.store.ask(
            f"experiment {experiment}",
            lambda client: client.create_run(experiment, start_time=now, tags=tags, run_name=name),
            ExperimentMissing,
        )
        return Recorder(self.store, run.info.run_id, run.info.artifact_uri, confirm)

    def recorder(self, run: str | RunSummary, *, confirm: Callable[[], object] | None = None) -> Recorder:
        """The run of an id; of a listed run, MLflow need not be asked where its artifacts are."""
        if isinstance(run, str):
            return Recorder(self.store, run, None, confirm)
        return Recorder(self.store, run.id, run.artifact_uri, confirm)

    def run(self, run_id: str) -> RunSummary:
        """The run of an id, or of the start of one that no other run shares.

        Raises:
            RunMissing: when there is none, several start like this, or it was deleted.
        """
        if RUN_ID.fullmatch(run_id):
            return self.recorder(run_id).summary()
        found = self.search(f"attributes.run_id LIKE {quoted(run_id + '%')}", limit=2)
        if len(found) > 1:
            raise RunMissing(f"several runs have an id that starts with {run_id!r}; give more of it")
        if not found:
            raise RunMissing(f"there is no run {run_id!r}; give its whole id if it was deleted")
        return found[0]

    def runs(
        self,
        experiment: str | Sequence[str],
        tags: Mapping[str, str] | None = None,
        *,
        ids: Collection[str] | None = None,
        where: str = "",
    ) -> list[RunSummary]:
        """All runs of an experiment (its id) that carry the given tags, newest first; of `ids` those it has.

        Several experiments are listed together. `where` is a further condition, in MLflow's language.
        """
        experiments = [experiment] if isinstance(experiment, str) else experiment
        conditions = [f"tags.`{name}` = {quoted(value)}" for name, value in (tags or {}).items()]
        condition = " and ".join([*conditions, where] if where else conditions)
        what = f"runs of experiment {', '.join(experiments)}"
        if ids is None:
            return find_runs(self.store, what, experiments, condition)
        return find_runs_by_id(self.store, what, experiments, ids, condition)

    def search(
        self,
        condition: str = "",
        *,
        experiments: Iterable[str] | None = None,
        order_by: Sequence[str] = (),
        limit: int | None = None,
    ) -> list[RunSummary]:
        """Runs that meet a condition, in MLflow's language: ``metrics.IC > 0.04 and tags.model = 'gbdt'``.

        Args:
            condition: MLflow's filter; empty: all runs.
            experiments: Names of the experiments to look in; None: all.
            order_by: Such as ``metrics.`Rank IC` DESC``; none: the newest first.
            limit: How many at most; None: all.

        Raises:
            InputError: when MLflow cannot read condition or order.
            ExperimentMissing: when there is no experiment of a given name.
        """
        if experiments is None:
            chosen = [each.id for each in self.list_experiments()]
        else:
            chosen = [self.experiment(name).id for name in experiments]
        what = f"search for {condition!r} by {', '.join(order_by) or 'time'}"
        return find_runs(self.store, what, chosen, condition, order_by, limit)

    def delete_run(self, run_id: str) -> None:
        """Delete a run; `restore_run` brings it back.

        Raises:
            RunMissing: when there is none, or it was deleted.
        """
        self.recorder(run_id).summary()
        self.store.ask_once(f"run {run_id!r}", lambda client: client.delete_run(run_id), RunMissing)

    def restore_run(self, run_id: str) -> None:
        """Bring a deleted run back.

        Raises:
            RunMissing: when there is none.
        """
        self.store.ask_once(f"run {run_id!r}", lambda client: client.restore_run(run_id), RunMissing)

    def address(self, recorder: Recorder, artifact: str) -> str:
        """Where a browser finds an artifact: on the page of a server, without a password, or as a file.

        Raises:
            ArtifactMissing: when the run has no such file.
        """
        if not self.store.is_server:
            return recorder.download(artifact).as_uri()
        place = urlsplit(self.uri)
        server = place._replace(netloc=place.netloc.rpartition("@")[2]).geturl().rstrip("/")
        return f"{server}/#/experiments/{recorder.experiment}/runs/{recorder.id}/artifacts/{artifact}"

    def _named(self, name: str) -> MlflowExperiment | None:
        _check_name(name)
        return self.store.ask(f"experiment {name!r}", lambda client: client.get_experiment_by_name(name))

    def _created(self, name: str) -> MlflowExperiment:
        """A new experiment, or the one of somebody who was faster."""
        root = self.store.artifacts
        location = (root / folder_name(name)).as_uri() if root else None

        def create(client: MlflowClient) -> MlflowExperiment:
            return client.get_experiment(client.create_experiment(name, artifact_location=location, tags=_KIND))

        try:
            return self.store.ask(f"experiment {name!r} cannot be created", create)
        except InputError:
            found = self._named(name)
            if found is None:
                raise
            return found


def alive(experiment: Experiment) -> Experiment:
    """An experiment that may be used.

    Raises:
        ExperimentMissing: when it was deleted.
    """
    if experiment.deleted:
        raise ExperimentMissing(
            f"experiment {experiment.name!r} was deleted; restore it with 'python -m components.tracking restore "
            f"{shlex.quote(experiment.name)}' or choose another name with --experiment"
        )
    return experiment


def folder_name(experiment: str) -> str:
    """What the folder of an experiment's artifacts is called: its name, if that is good for a folder anywhere."""
    if _PLAIN.fullmatch(experiment):
        return experiment
    digest = hashlib.sha256(experiment.encode()).hexdigest()[:12]
    return f"{re.sub('[^A-Za-z0-9]+', '-', experiment).strip('-')[:40]}-{digest}".lstrip("-")


def open_store(uri: str | None, home: Path) -> ExperimentManager:
    """The store of an address; None is the one below a home folder: SQLite, and artifacts as files."""
    if uri:
        return ExperimentManager(uri, downloads=home / "downloads")
    home.mkdir(parents=True, exist_ok=True)
    return ExperimentManager(f"sqlite:///{home / 'mlflow.db'}", home / "artifacts")


def _check_name(experiment: str) -> None:
    """Make sure that a name can be shown and typed."""
    if not experiment.isprintable():
        raise InputError(f"experiment {experiment!r}: a name has no line breaks or other control characters")
