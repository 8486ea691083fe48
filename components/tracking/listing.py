"""Finding experiments and runs on an MLflow store."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from components.errors import nearest
from components.gc_pause import garbage_kept
from components.redaction import without_password
from components.tracking.recorder import Recorder
from components.tracking.runs import RUN_ID, Experiment, RunSummary
from components.tracking.store import ExperimentMissing, RunMissing, connect, quoted, refusals

if TYPE_CHECKING:
    from mlflow import MlflowClient

_PAGE = 1000


@dataclass(frozen=True)
class ExperimentListing:
    """Experiments and runs as they are on a store, by name, id and search."""

    #: ``sqlite:///FILE``, ``http(s)://HOST`` or a database that MLflow takes.
    uri: str = field(repr=False)
    #: Folder of the artifacts of new experiments; None: what the server says.
    artifacts: Path | None = None

    @property
    def shown_uri(self) -> str:
        """The address as it may be shown."""
        return without_password(self.uri)

    @cached_property
    def client(self) -> MlflowClient:
        """The connection, opened at the first use.

        Raises:
            InputError: when the store cannot be reached, or is of a kind that MLflow no longer takes.
        """
        return connect(self.uri)

    def experiment(self, name: str) -> Experiment:
        """The experiment of a name.

        Raises:
            ExperimentMissing: when there is none, or it was deleted.
        """
        found = self.client.get_experiment_by_name(name)
        if found is None:
            hint = nearest(name, [each.name for each in self.list_experiments()])
            raise ExperimentMissing(f"there is no experiment {name!r}{hint}")
        return alive(Experiment.of(found))

    def list_experiments(self, *, deleted: bool = False) -> list[Experiment]:
        """All experiments, the newest first; with `deleted` those that were deleted."""
        from mlflow.entities import ViewType

        view = ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY
        found: list[Experiment] = []
        token = None
        while True:
            page = self.client.search_experiments(view_type=view, max_results=_PAGE, page_token=token)
            found += map(Experiment.of, page)
            token = page.token
            if not token:
                return found

    def recorder(self, run: str | RunSummary) -> Recorder:
        """The run of an id; of a listed run, MLflow need not be asked where its artifacts are."""
        if isinstance(run, str):
            return Recorder(self.client, run)
        return Recorder(self.client, run.id, run.artifact_uri)

    def address(self, recorder: Recorder, artifact: str) -> str:
        """Where a browser finds an artifact: on the page of a server, without a password, or as a file.

        Raises:
            ArtifactMissing: when the run has no such file.
        """
        place = urlsplit(self.uri)
        if not place.scheme.startswith("http"):
            return recorder.download(artifact).as_uri()
        server = place._replace(netloc=place.netloc.rpartition("@")[2]).geturl().rstrip("/")
        return f"{server}/#/experiments/{recorder.experiment}/runs/{recorder.id}/artifacts/{artifact}"

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
    ) -> list[RunSummary]:
        """All runs of an experiment (its id) that carry the given tags, newest first; of `ids` those it has.

        Several experiments are listed together.
        """
        if ids is not None and not ids:
            return []
        conditions = [f"tags.`{name}` = {quoted(value)}" for name, value in (tags or {}).items()]
        if ids is not None:
            conditions.append(f"attributes.run_id IN ({', '.join(map(quoted, ids))})")
        return self._search([experiment] if isinstance(experiment, str) else experiment, " and ".join(conditions))

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
        with refusals(f"search for {condition!r} by {', '.join(order_by) or 'time'}"):
            return self._search(chosen, condition, order_by, limit)

    def _search(
        self, experiments: Sequence[str], condition: str, order_by: Sequence[str] = (), limit: int | None = None
    ) -> list[RunSummary]:
        found: list[RunSummary] = []
        token = None
        while limit is None or len(found) < limit:
            with garbage_kept():
                page = self.client.search_runs(
                    list(experiments),
                    condition,
                    order_by=list(order_by),
                    page_token=token,
                    max_results=_PAGE if limit is None else min(_PAGE, limit - len(found)),
                )
                found += map(RunSummary.of, page)
            token = page.token
            if not token:
                break
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
