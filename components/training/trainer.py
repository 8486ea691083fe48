"""Training claimed tasks, each into an MLflow run of its own: what every node and every worker does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from components.build import ModuleUnavailable, find_class
from components.data import DataChanged, Fingerprints, Market, Markets, Segment, until
from components.errors import InputError
from components.execution.attempt import NotRunnableHere, Train, aborts_as_errors
from components.execution.worker import Phase
from components.features import DataHandler, MatrixStore
from components.formats.objects import save_json
from components.models import model_class
from components.pool import LeaseLost, TaskRecord, TaskStatus
from components.progress import Progress, no_progress
from components.tasks import Json, TrainingTask, kind_of
from components.tracking import ExperimentManager, Recorder, RunMissing, RunStatus, RunSummary
from components.training.dataset import build_handler
from components.training.records import record_class
from components.training.train import TASK_FILE, TrainResult, build_model, parameters, train_task
from components.training.visibility import data_view

#: Tag by which the runs of a task are found again: its id in the pool.
TASK_TAG = "rollflow.task"
#: Tags that say whose run it is: name and number of the claim. Nobody else writes to it; only the holder of a later
#: claim of the same task closes it, if it is still open.
CLAIM_TAG, TOKEN_TAG = "rollflow.claim", "rollflow.token"
#: Tags that do not go from the run of one attempt to that of the next.
_OF_A_RUN = ("mlflow.", "rollflow.", "error")


def task_name(record: TaskRecord) -> str:
    """What people tell a task of the pool by: the first day of its test segment, or the start of its id."""
    try:
        return TrainingTask.from_config(record.definition).name
    except InputError:
        return record.id[:12]


@dataclass(frozen=True, kw_only=True)
class TrainingContext:
    """What the pool keeps beside a task for whoever trains it."""

    #: Id of the MLflow experiment.
    experiment: str
    #: Id of the MLflow run below which the task's own is shown.
    parent: str | None = None
    #: First and last day of what all tasks of the run need: a feature matrix is built once for all of them.
    days: Segment | None = None
    #: Address of the market data, as the one knows it who stored the task.
    data: str | None = None
    #: The last day of the market data that may be seen, ``YYYY-MM-DD``; None: all of it.
    until: str | None = None
    #: Time limit of an attempt in seconds; None: none. `components.execution.time_limit` reads it.
    timeout: float | None = None

    def to_document(self) -> dict[str, Json]:
        """The JSON form."""
        return {**vars(self), "days": list(self.days) if self.days else None}

    @classmethod
    def from_document(cls, document: Mapping[str, Json]) -> Self:
        """Read the JSON form."""
        days = document.get("days")
        return cls(
            experiment=document["experiment"],
            parent=document.get("parent"),
            days=tuple(days) if days else None,
            data=document.get("data"),
            until=document.get("until"),
            timeout=document.get("timeout"),
        )

    def market_of(self, market: Market) -> Market:
        """What of a market may be seen.

        Raises:
            InputError: when the market begins later.
        """
        return market if self.until is None else until(market, self.until)


def _no_claim(_record: TaskRecord) -> None:
    """Nobody else can have the task."""


@dataclass(frozen=True, kw_only=True)
class TaskTrainer:
    """Trains claimed tasks; where they are recorded is in their context.

    Each attempt has a run of its own, which carries the claim as tags. The run that a first phase has prepared goes
    to the first claim of the second phase; if that fails, the next attempt has a new one. So whoever has lost a
    task without knowing it cannot touch what its successor records.
    """

    experiments: ExperimentManager
    #: Name of the experiment of tasks without a context.
    experiment: str
    markets: Markets
    matrices: MatrixStore
    #: What is known of the data that tasks see.
    fingerprints: Fingerprints = field(default_factory=Fingerprints)
    #: Ceiling on the threads of a model.
    threads: int | None = None
    #: Packages whose classes tasks may name.
    trusted: Sequence[str] = ()
    #: Raises `LeaseLost` when a claim no longer holds, as `TaskPool.heartbeat` does; asked before artifacts are
    #: written.
    confirm: Callable[[TaskRecord], object] = _no_claim

    def __call__(self, record: TaskRecord, progress: Progress) -> Json:
        """Train a task, or finish one that was prepared; the result is what the pool keeps.

        Raises:
            NotRunnableHere: when it is not a training; when a class or the market of the task, or the run that it
                belongs to, is not here.
        """
        task = _training(record)
        self._check_classes(task)
        context = self._context(record)
        self.market_of(task, context)
        with (
            self._recorder(record, task, context).closing(killed=(LeaseLost,)) as recorder,
            aborts_as_errors(),
        ):
            return self.fit(task, context, recorder, progress=progress).to_document()

    def prepare(self, record: TaskRecord, _progress: Progress) -> Json:
        """Do everything but the training, which `__call__` does later in the same run.

        Raises:
            NotRunnableHere: when it is not a training; when a class of the task, or the run that it belongs to,
                is not here.
        """
        task = _training(record)
        self._check_classes(task)
        recorder = self._recorder(record, task, self._context(record))
        self.announce(task, recorder)
        return {"recorder_id": recorder.id, "token": record.token}

    def at(self, phase: Phase) -> Train:
        """What trains the tasks that a worker takes in a phase."""
        return self.prepare if phase is Phase.PREPARE else self

    def begin(
        self,
        task: TrainingTask,
        context: TrainingContext,
        tags: Mapping[str, str],
        confirm: Callable[[], object] | None = None,
    ) -> Recorder:
        """Open a run of a task."""
        name = _run_name(task, context.parent)
        return self.experiments.start(context.experiment, name, tags=tags, parent=context.parent, confirm=confirm)

    def announce(self, task: TrainingTask, recorder: Recorder) -> None:
        """Say in a run what will be trained, and leave it to be gone on with.

        Raises:
            InputError: when what the task describes cannot be built; the run has failed.
        """
        with recorder.closing(killed=(LeaseLost,), suspend=True):
            build_model(task, self.trusted)
            build_handler(task, self.trusted)
            with recorder.artifacts() as folder:
                save_json(task.to_config(), folder / TASK_FILE)
            recorder.log(params=parameters(task))

    def fit(
        self,
        task: TrainingTask,
        context: TrainingContext,
        recorder: Recorder,
        *,
        progress: Progress = no_progress,
    ) -> TrainResult:
        """Train a task and write everything about it to a run, which stays open.

        Raises:
            NotRunnableHere: when the data is not that of the task.
        """
        train = partial(
            train_task,
            task,
            matrices=self.matrices,
            recorder=recorder,
            threads=self.threads,
            progress=progress,
            trusted=self.trusted,
            days=context.days,
        )
        try:
            return train(market=self.market_of(task, context))
        except DataChanged:  # what the task sees of it may be as it was
            self.markets.reopen(task.address or context.data)
            return train(market=self.market_of(task, context))

    def abandon(self, record: TaskRecord, error: BaseException) -> None:
        """Close what an attempt left open that was killed from outside."""
        for run in self._open_runs(record, self._context(record)):
            if run.tags.get(CLAIM_TAG) == record.claim_id:
                self.experiments.recorder(run).fail(error)

    def _check_classes(self, task: TrainingTask) -> None:
        """Leave a task to others whose code is not installed or not trusted here."""
        try:
            model = model_class(task.model, self.trusted)
            find_class(task.handler, DataHandler, default_module="components.features", trusted=self.trusted)
            for each in task.record:
                record_class(each, self.trusted)
        except ModuleUnavailable as error:
            places = ("model", "dataset.kwargs.handler", "record")
            raise NotRunnableHere(
                str(error), {"$or": [{f"definition.{place}.module_path": error.path} for place in places]}
            ) from None
        except InputError:
            return  # wrong everywhere: the training fails with it
        try:
            model.check_installed()
        except ModuleUnavailable as error:
            raise NotRunnableHere(str(error), {"definition.model.class": task.model["class"]}) from None

    def _context(self, record: TaskRecord) -> TrainingContext:
        """Where the task is recorded."""
        if not record.context:
            return TrainingContext(experiment=self.experiments.get_or_create(self.experiment))
        context = TrainingContext.from_document(record.context)
        if context.parent:
            try:
                self.experiments.recorder(context.parent).summary()
            except RunMissing:
                raise NotRunnableHere(
                    f"this MLflow store does not have run {context.parent}, to which tasks of the pool belong; "
                    "set MLFLOW_TRACKING_URI to the store of the flow that made them",
                    {"context.parent": context.parent},
                ) from None
        return context

    def market_of(self, task: TrainingTask, context: TrainingContext) -> Market:
        """The market data of a task, which is exactly what the task is bound to.

        Raises:
            NotRunnableHere: when there is none at its address here, or it differs, also after a second look at it.
        """
        address = task.address or context.data
        same = {"definition.data": task.data} if task.address else {"context.data": address}
        try:
            market = context.market_of(self.markets.open(address))
            if self._sees_its_data(task, market):
                return market
            market = context.market_of(self.markets.reopen(address))  # it may have been written to since
            if self._sees_its_data(task, market):
                return market
        except InputError as error:
            hint = "where the data has another address, give it with --data"
            raise NotRunnableHere(f"{error}; {hint}", same) from None
        raise NotRunnableHere(
            f"{market.uri}, which ends on {market.calendar.last}, differs from the data that the flow saw for the "
            f"window {task.name}; bring it up to date here, or run the flow again on the data as it is now",
            {"definition.data": task.data},
        )

    def _sees_its_data(self, task: TrainingTask, market: Market) -> bool:
        if task.fingerprint is None:
            return True
        try:
            view = data_view(task, build_handler(task, self.trusted), market)
            return self.fingerprints.of(market, [view]) == [task.fingerprint]
        except (InputError, DataChanged):  # the days of its segments are not there, or no longer
            return False

    def _recorder(self, record: TaskRecord, task: TrainingTask, context: TrainingContext) -> Recorder:
        """The run of this attempt."""
        claim = {
            TASK_TAG: record.id,
            CLAIM_TAG: str(record.claim_id),
            TOKEN_TAG: str(record.token),
            "rollflow.attempt": str(record.attempts),
            "rollflow.owner": str(record.owner),
        }
        confirm = partial(self.confirm, record)
        prepared = record.result if record.claimed_from is TaskStatus.PART_DONE else None
        if prepared is None:
            self._close_superseded(record, context)
            return self.begin(task, context, claim, confirm)
        recorder = self.experiments.recorder(prepared["recorder_id"], confirm=confirm)
        if prepared.get("token") == record.token - 1:  # nobody has claimed it since
            recorder.set_tags(claim)
            recorder.resume()
            return recorder
        given = {name: value for name, value in recorder.tags.items() if not name.startswith(_OF_A_RUN)}
        self._close_superseded(record, context)
        return self.begin(task, context, given | claim, confirm)

    def _close_superseded(self, record: TaskRecord, context: TrainingContext) -> None:
        """Close what earlier claims of the task left open: whoever had them was killed, or has lost the task."""
        if record.token == 1:
            return
        for run in self._open_runs(record, context):
            if int(run.tags.get(TOKEN_TAG, record.token)) < record.token:
                self.experiments.recorder(run).end(RunStatus.KILLED)

    def _open_runs(self, record: TaskRecord, context: TrainingContext) -> list[RunSummary]:
        runs = self.experiments.runs(context.experiment, {TASK_TAG: record.id})
        return [run for run in runs if not run.status.is_finished]


def _training(record: TaskRecord) -> TrainingTask:
    kind = kind_of(record.definition)
    if kind != TrainingTask.kind:
        raise NotRunnableHere(
            f"tasks of the kind {kind!r} cannot be run here, only trainings; use a version of rollflow that can",
            {"definition.kind": kind},
        )
    return TrainingTask.from_config(record.definition)


def _run_name(task: TrainingTask, parent: str | None) -> str:
    """Below its parent a run is told by its first test day; alone it also says what it is of."""
    return task.name if parent else f"{task.model['class']} {task.name}..{task.segments.get('test', ('', ''))[1]}"
