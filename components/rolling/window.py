"""Training one window of a run: what a node does with a task that it has claimed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from components.data import Market
from components.features import MatrixStore
from components.pool import TaskPool, TaskRecord, TaskStatus
from components.tasks import Json, TrainingTask, content_key
from components.tracking import PARENT_TAG, ExperimentManager, Recorder, RunStatus
from components.training import Progress, train_task

#: Tags by which runs are found again.
TASK_TAG = "rollflow.task"
WINDOWS_TAG = "rollflow.windows"


@dataclass(frozen=True, kw_only=True)
class WindowTrainer:
    """Trains claimed tasks of one run, each into an MLflow run of its own below the parent."""

    experiments: ExperimentManager
    #: Id of the experiment.
    experiment: str
    #: Id of the parent run.
    parent: str
    market: Market
    matrices: MatrixStore
    #: Ceiling on the threads of a model.
    threads: int
    #: Packages whose classes tasks may name.
    trusted: Sequence[str] = ()

    def __call__(self, record: TaskRecord, progress: Progress) -> Json:
        """Train the task of a record; the result is what the pool keeps."""
        task = TrainingTask.from_config(record.definition)
        if record.token > 1:
            self._close_abandoned(record)
        recorder = self.experiments.start(
            self.experiment,
            str(task.segments["test"][0]),
            tags={
                TASK_TAG: record.id,
                "rollflow.attempt": str(record.attempts),
                "rollflow.owner": str(record.owner),
            },
            parent=self.parent,
        )
        with recorder.closing():
            return train_task(
                task,
                market=self.market,
                matrices=self.matrices,
                recorder=recorder,
                threads=self.threads,
                progress=progress,
                trusted=self.trusted,
            ).to_document()

    def _close_abandoned(self, record: TaskRecord) -> None:
        """Whoever held the task before was killed or lost it: what it left open is no longer running."""
        for run in self.experiments.runs(self.experiment, {TASK_TAG: record.id}):
            if not run.status.is_finished:
                self.experiments.recorder(run.id).end(RunStatus.KILLED)


@dataclass(frozen=True)
class Stored:
    """The tasks of a run, as they were stored."""

    #: Id of the MLflow run that holds what the windows have in common.
    parent: str
    #: How many of the tasks were done before.
    reused: int


def store_windows(
    tasks: Sequence[TrainingTask], pool: TaskPool, experiments: ExperimentManager, experiment: str
) -> Stored:
    """Put tasks into the pool, failed ones to wait again, and find or open the parent run of just these tasks."""
    keys = pool.submit(tasks)
    pool.reset(ids=keys)
    windows = content_key(keys)
    known = experiments.runs(experiment, {WINDOWS_TAG: windows})
    first, last = tasks[0].segments["test"][0], tasks[-1].segments["test"][1]
    name = f"rolling {first}..{last}, {len(keys)} windows"
    parent = known[0].id if known else experiments.start(experiment, name, tags={WINDOWS_TAG: windows}).id
    return Stored(parent, pool.counts(ids=keys)[TaskStatus.DONE])


def adopted(run_ids: Collection[str], experiments: ExperimentManager, parent: str) -> dict[str, Recorder]:
    """Runs by id, shown below a parent also where they are of an earlier rolling run.

    MLflow is asked once for those in the parent's experiment, and for each of the others.
    """
    listed = experiments.runs(experiments.recorder(parent).experiment, ids=run_ids)
    recorders = {run_id: experiments.recorder(run_id) for run_id in run_ids}
    recorders |= {run.id: experiments.recorder(run) for run in listed}
    children = {run.id for run in listed if run.tags.get(PARENT_TAG) == parent}
    for run_id in recorders.keys() - children:
        recorders[run_id].set_tags({PARENT_TAG: parent})
    return recorders
