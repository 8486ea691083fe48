"""The days of a service: which are served, by whom the next one is being served, and what came of each."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import pandas as pd

from components.collection import READERS
from components.errors import InputError
from components.execution.attempt import this_process
from components.pool import FINISHED, Heartbeat, LeaseLost, RetryPolicy, TaskPool, TaskRecord, TaskStatus
from components.serving.day import DayRecord, OnlineModel, Request, ServingDay, Standing
from components.tasks import content_key
from components.tracking import ExperimentManager, Recorder, RunStatus

log = logging.getLogger(__name__)

#: A day that failed is tried again when somebody asks for it, and then at once.
_ONCE = RetryPolicy(max_attempts=1)
#: Tags of the MLflow run of a service, and of that of a day, which is below it.
SERVICE_TAG, DAY_TAG, CLAIM_TAG = "rollflow.service", "rollflow.day", "rollflow.claim"
#: Artifacts of the run of a day: its signal, the scores of all models, what was seen of the data, and, where
#: somebody follows the signal, the holdings and what to buy and sell.
SIGNAL, SCORES, SEEN, HOLDINGS, TARGETS = "signal", "scores", "seen", "holdings", "targets"
#: The signal of earlier days whose data was revised, made anew.
RECOMPUTED = "recomputed"


@dataclass(frozen=True)
class History:
    """The days that were served, in order."""

    days: tuple[DayRecord, ...] = ()

    @property
    def last(self) -> DayRecord | None:
        """The newest day; None before the first."""
        return self.days[-1] if self.days else None

    @property
    def trained(self) -> tuple[OnlineModel, ...]:
        """All models, in the order of their training."""
        return tuple(model for day in self.days for model in day.trained)

    @cached_property
    def carried_out(self) -> frozenset[str]:
        """Keys of the requests that were carried out."""
        return frozenset(key for day in self.days for key in day.requests)

    def on(self, day: str) -> DayRecord | None:
        """The record of a day; None when it was not served."""
        return next((each for each in reversed(self.days) if each.day == day), None)

    def scored_by(self, model: OnlineModel) -> list[DayRecord]:
        """The days on which a model predicted."""
        pair = (model.strategy, model.key)
        return [day for day in self.days if any((each.strategy, each.model) == pair for each in day.scored)]

    def models(self, strategy: str) -> tuple[OnlineModel, ...]:
        """All models of a strategy, in the order of their training."""
        return tuple(model for model in self.trained if model.strategy == strategy)

    def standing(self, strategy: str) -> Standing:
        """The roles of a strategy's models after the newest day on which it was served."""
        return next((day.standing[strategy] for day in reversed(self.days) if strategy in day.standing), Standing())

    def template(self, strategy: str) -> str | None:
        """What a strategy trained when it was last served; None: it never was."""
        return next((day.templates[strategy] for day in reversed(self.days) if strategy in day.templates), None)

    def online(self) -> dict[str, dict[str, list[OnlineModel]]]:
        """Day -> strategy -> the models that were online on it, as Qlib's history."""
        known = {model.key: model for model in self.trained}
        return {
            day.day: {
                name: [known[standing.champion]] if standing.champion else []
                for name, standing in day.standing.items()
            }
            for day in self.days
        }

    def before(self, day: str) -> History:
        """The days before another one."""
        return History(tuple(each for each in self.days if each.day < day))


@dataclass(frozen=True)
class ServiceState:
    """The state of a service: a task of the pool for each day, done when it is served, and its MLflow run.

    The task holds what is known of the day as a plain document, and is completed in one step: a day is served as a
    whole or not at all. Who serves a day holds its task; whoever is killed loses it, and the next one begins anew.
    """

    service: str
    #: Where the days are.
    pool: TaskPool
    experiments: ExperimentManager
    #: Id of the MLflow experiment.
    experiment: str
    #: Which of several runs of the service it is; empty: the one that goes on for ever.
    run: str = ""
    #: Days that were read before: one that is served does not change, so that a day costs the same however many
    #: were served before it.
    _read: dict[str, DayRecord] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def recorder(self) -> Recorder:
        """The run of the service, below which those of its days and models are shown."""
        tags = {SERVICE_TAG: content_key([self.service, self.run])}
        if not (found := self.experiments.runs(self.experiment, tags)):
            name = " ".join(part for part in ("service", self.service, self.run[:12]) if part)
            mine = self.experiments.start(self.experiment, name, tags=tags)
            found = self.experiments.runs(self.experiment, tags)
            if mine.id != found[-1].id:  # of those that begin at once, all take the oldest
                self.experiments.delete_run(mine.id)
        return self.experiments.recorder(found[-1])

    def history(self) -> History:
        """All days that were served.

        Raises:
            RecordBroken: when one of them cannot be read.
        """
        mine = {"definition.kind": ServingDay.kind, "definition.service": self.service, "definition.run": self.run}
        unread = {"definition.day": {"$nin": list(self._read)}}
        for done in self.pool.find({**mine, **unread, "status": TaskStatus.DONE.value}):
            record = DayRecord.from_document(done.result)
            self._read[record.day] = record
        return History(tuple(sorted(self._read.values(), key=_day)))

    @contextmanager
    def serving(self, day: str) -> Iterator[tuple[TaskRecord, Recorder] | None]:
        """Hold a day while the block serves it, with its run, which is closed; None: somebody else has served it.

        While somebody else serves it, this waits.

        Raises:
            LeaseLost: when somebody else has taken the day, because this process was away for too long.
        """
        task = ServingDay(self.service, day, self.run)
        (task_id,) = self.pool.submit([task.to_config()], retry=_ONCE)
        while True:
            self.pool.reset(ids=[task_id])
            with self.pool.claimed(this_process(), ids=[task_id]) as claim:
                if claim is not None:
                    with Heartbeat(self.pool, claim), self._recorder(claim, day) as recorder:
                        yield claim, recorder
                    return
            record = self.pool.get(task_id)
            if record.status is TaskStatus.DONE:
                yield None
                return
            if record.status is TaskStatus.RUNNING:
                log.warning("%s of service %r is being served by %s; waiting", day, self.service, record.owner)
            self.pool.wait(ids=[task_id], until={*FINISHED, TaskStatus.WAITING})

    def commit(self, claim: TaskRecord, record: DayRecord) -> None:
        """A day is served; before this, nothing of it counts.

        Raises:
            LeaseLost: when somebody else has taken the day.
        """
        self.pool.complete(claim, record.to_document())
        self._settle(record.requests)

    def tidy(self, history: History, served: Sequence[DayRecord]) -> None:
        """Finish what processes that were killed have left open of days that are served.

        Args:
            history: All days.
            served: Those that were served now.
        """
        days = {ServingDay(self.service, day.day, self.run).key: day for day in history.days}
        left = f"attributes.status = 'RUNNING' and tags.`{DAY_TAG}` LIKE '%'"
        for run in self.experiments.runs(self.experiment, where=left):
            if day := days.get(run.tags[DAY_TAG]):
                status = RunStatus.FINISHED if run.id == day.recorder_id else RunStatus.KILLED
                self.experiments.recorder(run).end(status)
        self._settle([request.key for request in self._open_requests() if request.key in history.carried_out])
        models = {model.key: model.recorder_id for model in history.trained}
        written = {models[decision.model] for day in served for decision in day.decisions}
        for recorder_id in [self.recorder.id, *written]:
            self.experiments.recorder(recorder_id).clear_drafts()

    def request(self, request: Request) -> None:
        """Ask for something that is carried out with the next day."""
        self.pool.submit([request.to_config()])

    def requests(self, history: History) -> list[Request]:
        """What was asked for and not carried out yet, in the order in which it was asked for."""
        return [request for request in self._open_requests() if request.key not in history.carried_out]

    def load_json(self, day: DayRecord, name: str) -> Any:
        """A plain value among the artifacts of a day.

        Raises:
            ArtifactMissing: when the day has none.
        """
        return self.experiments.recorder(day.recorder_id).load_json(name)

    def _open_requests(self) -> list[Request]:
        if self.run:
            return []
        mine = {"definition.kind": Request.kind, "definition.service": self.service}
        waiting = self.pool.find({**mine, "status": TaskStatus.WAITING.value})
        return [Request.from_config(each.definition) for each in waiting]

    def _settle(self, requests: Sequence[str]) -> None:
        """Requests that were carried out are done; should this not come off, the days say so as well."""
        for key in requests:
            if claim := self.pool.claim(this_process(), ids=[key]):
                self.pool.complete(claim)

    def signal(self, days: Sequence[DayRecord]) -> pd.Series:
        """The signal of some days as it was served, indexed (datetime, instrument)."""
        return self._joined(days, SIGNAL)["score"]

    def corrected(self, signal: pd.Series, days: Sequence[DayRecord]) -> pd.Series:
        """A signal with what was made anew on some days, in their order; what was served stays with the days."""
        for day in days:
            if day.recomputed:
                anew = self._load(RECOMPUTED, day)["score"]
                kept = signal[~signal.index.get_level_values("datetime").isin(anew.index.unique("datetime"))]
                signal = pd.concat([kept, anew]).sort_index()
        return signal

    def scores(self, days: Sequence[DayRecord]) -> pd.DataFrame:
        """What the models said on some days: strategy, model, score, indexed (datetime, instrument)."""
        return self._joined(days, SCORES)

    def _joined(self, days: Sequence[DayRecord], table: str) -> pd.DataFrame:
        if not days:
            raise InputError(f"service {self.service!r} has served no day yet; begin with first-train")
        with ThreadPoolExecutor(READERS) as readers:
            return pd.concat(readers.map(partial(self._load, table), days))

    def _load(self, table: str, day: DayRecord) -> pd.DataFrame:
        return self.experiments.recorder(day.recorder_id).load_table(table)

    @contextmanager
    def _recorder(self, claim: TaskRecord, day: str) -> Iterator[Recorder]:
        """A run of this attempt; what earlier ones left open is closed."""
        tags = {DAY_TAG: claim.id}
        if claim.token > 1:
            for run in self.experiments.runs(self.experiment, tags):
                if not run.status.is_finished:
                    self.experiments.recorder(run).end(RunStatus.KILLED)
        recorder = self.experiments.start(
            self.experiment,
            day,
            parent=self.recorder.id,
            tags=tags | {CLAIM_TAG: str(claim.claim_id)},
            confirm=lambda: self.pool.heartbeat(claim),
        )
        with recorder.closing(killed=(LeaseLost,)):
            yield recorder


def _day(record: DayRecord) -> str:
    return record.day


def model_scores(scores: pd.DataFrame, model: OnlineModel) -> pd.Series:
    """What one of several models said, of a table that `ServiceState.scores` gave."""
    is_its_own = (scores["strategy"] == model.strategy) & (scores["model"] == model.key)
    return scores.loc[is_its_own, "score"]
