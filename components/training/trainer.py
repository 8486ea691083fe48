"""Training claimed tasks, each into an MLflow run of its own: what every node and every worker does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Self

from components.build import ModuleUnavailable, find_class
from components.data import Fingerprints, Market, Markets, Segment
from components.errors import InputError
from components.execution.attempt import NotRunnableHere, Train, aborts_as_errors
from components.execution.worker import Phase
from components.features import DataHandler, MatrixStore
from components.formats.objects import save_json
from components.models import Model
from components.pool import TaskRecord, TaskStatus
from components.progress import Progress, no_progress
from components.tasks import Json, TrainingTask
from components.tracking import ExperimentManager, Recorder, RunMissing, RunStatus
from components.training.dataset import build_handler
from components.training.train import TASK_FILE, TrainResult, build_model, parameters, record_class, train_task
from components.training.visibility import data_view

#: Tag by which the runs of a task are found again: its id in the pool.
TASK_TAG = "rollflow.task"


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
        )


@dataclass(frozen=True, kw_only=True)
class TaskTrainer:
    """Trains claimed tasks; where they are recorded is in their context."""

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

    def __call__(self, record: TaskRecord, progress: Progress) -> Json:
        """Train a task, or finish one that was prepared; the result is what the pool keeps.

        Raises:
            NotRunnableHere: when a class or the market of the task, or the run that it belongs to, is not here.
        """
        task = TrainingTask.from_config(record.definition)
        self._check_classes(task)
        context = self._context(record)
        market = self.market_of(task, context)
        with self._recorder(record, task, context).closing() as recorder, aborts_as_errors():
            return self.fit(task, market, recorder, days=context.days, progress=progress).to_document()

    def prepare(self, record: TaskRecord, _progress: Progress) -> Json:
        """Do everything but the training, which `__call__` does later in the same run.

        Raises:
            NotRunnableHere: when a class of the task, or the run that it belongs to, is not here.
        """
        task = TrainingTask.from_config(record.definition)
        self._check_classes(task)
        recorder = self._recorder(record, task, self._context(record))
        self.announce(task, recorder)
        return {"recorder_id": recorder.id}

    def at(self, phase: Phase) -> Train:
        """What trains the tasks that a worker takes in a phase."""
        return self.prepare if phase is Phase.PREPARE else self

    def begin(self, task: TrainingTask, context: TrainingContext, tags: Mapping[str, str]) -> Recorder:
        """Open a run of a task."""
        name = _run_name(task, context.parent)
        return self.experiments.start(context.experiment, name, tags=tags, parent=context.parent)

    def announce(self, task: TrainingTask, recorder: Recorder) -> None:
        """Say in a run what will be trained, and leave it to be gone on with.

        Raises:
            InputError: when what the task describes cannot be built; the run has failed.
        """
        try:
            build_model(task, self.trusted)
            build_handler(task, self.trusted)
            with recorder.artifacts() as folder:
                save_json(task.to_config(), folder / TASK_FILE)
            recorder.log(params=parameters(task))
        except Exception as error:
            recorder.fail(error)
            raise
        recorder.suspend()

    def fit(
        self,
        task: TrainingTask,
        market: Market,
        recorder: Recorder,
        *,
        days: Segment | None = None,
        progress: Progress = no_progress,
    ) -> TrainResult:
        """Train a task and write everything about it to a run, which stays open."""
        return train_task(
            task,
            market=market,
            matrices=self.matrices,
            recorder=recorder,
            threads=self.threads,
            progress=progress,
            trusted=self.trusted,
            days=days,
        )

    def abandon(self, record: TaskRecord, error: BaseException) -> None:
        """Close what an attempt left open that was killed from outside."""
        for recorder in self._open_runs(record, self._context(record)):
            recorder.fail(error)

    def _check_classes(self, task: TrainingTask) -> None:
        """Leave a task to others whose code is not installed or not trusted here."""
        try:
            find_class(task.model, Model, default_module="components.models", trusted=self.trusted)
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

    def _context(self, record: TaskRecord) -> TrainingContext:
        """Where the task is recorded."""
        if not record.context:
            return TrainingContext(experiment=self.experiments.get_or_create(self.experiment))
        context = TrainingContext.from_document(record.context)
        if context.parent:
            try:
                _check(self.experiments, context.parent)
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
            market = self.markets.open(address)
            if self._sees_its_data(task, market):
                return market
            market = self.markets.reopen(address)  # it may have been written to since
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
        except InputError:  # the days of its segments are not there
            return False
        return self.fingerprints.of(market, [view]) == [task.fingerprint]

    def _recorder(self, record: TaskRecord, task: TrainingTask, context: TrainingContext) -> Recorder:
        """A new run, or the one that the first phase has left."""
        if record.claimed_from is TaskStatus.PART_DONE:
            recorder = self.experiments.recorder(record.result["recorder_id"])
            recorder.resume()
            return recorder
        if record.token > 1:
            # Whoever held the task before was killed or lost it: what it left open is no longer running.
            for abandoned in self._open_runs(record, context):
                abandoned.end(RunStatus.KILLED)
        owner = {"rollflow.attempt": str(record.attempts), "rollflow.owner": str(record.owner)}
        return self.begin(task, context, {TASK_TAG: record.id, **owner})

    def _open_runs(self, record: TaskRecord, context: TrainingContext) -> list[Recorder]:
        runs = self.experiments.runs(context.experiment, {TASK_TAG: record.id})
        return [self.experiments.recorder(run) for run in runs if not run.status.is_finished]


@cache
def _check(experiments: ExperimentManager, run_id: str) -> None:
    experiments.recorder(run_id).summary()


def _run_name(task: TrainingTask, parent: str | None) -> str:
    """Below its parent a run is told by its first test day; alone it also says what it is of."""
    return task.name if parent else f"{task.model['class']} {task.name}..{task.segments.get('test', ('', ''))[1]}"
