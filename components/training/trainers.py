"""Lists of tasks become recorders: in this process or through a pool, at once or in two phases.

| Qlib | here |
|---|---|
| `TrainerR` | `LocalTrainer` |
| `DelayTrainerR` | `LocalTrainer(delay=True)` |
| `TrainerRM` | `PoolTrainer` |
| `DelayTrainerRM` | `PoolTrainer(delay=True)` |
| `TrainerRM(skip_run_task=True)` | `PoolTrainer(workers=0)` |
| `TrainerRM.worker`, `DelayTrainerRM.worker` | `python -m flows.worker`, with `--phase finish` |
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from components.errors import RollflowError
from components.execution.attempt import AttemptFailed, this_process
from components.execution.worker import Phase, Worker
from components.pool import TaskPool, TaskStatus
from components.tasks import TrainingTask
from components.tracking import ERROR_TAG, Recorder, RunStatus
from components.training.train import TASK_FILE
from components.training.trainer import TASK_TAG, TaskTrainer, TrainingContext

#: Ids in one query: it may have 16 MB.
_IDS = 10_000


class RunFailed(RollflowError):
    """The run of a task failed, or was killed, before it could be trained to its end."""


class Trainer(ABC):
    """Trains lists of tasks: `train`, then `end_train`.

    A delayed trainer only opens the runs in `train`: the recorders can be tagged and referred to, and all that was
    prepared in many calls is trained at once in `end_train`, in parallel where there are workers.
    """

    #: Whether the training is left to `end_train`.
    delay: bool
    #: Where to record, and what may be seen.
    context: TrainingContext

    @abstractmethod
    def train(self, tasks: Sequence[TrainingTask]) -> list[Recorder]:
        """Train tasks, or prepare them; a recorder for each, in their order.

        Raises:
            ExceptionGroup: when tasks failed, after all others were trained.
        """

    @abstractmethod
    def end_train(self, recorders: Sequence[Recorder]) -> list[Recorder]:
        """Train what was prepared; the same recorders.

        Raises:
            ExceptionGroup: when tasks failed, after all others were trained.
        """

    def __call__(self, tasks: Sequence[TrainingTask]) -> list[Recorder]:
        """Train tasks from beginning to end."""
        return self.end_train(self.train(tasks))


@dataclass(frozen=True, kw_only=True)
class LocalTrainer(Trainer):
    """Trains in this process, one task after the other, without a pool."""

    trainer: TaskTrainer
    #: Where to record.
    context: TrainingContext
    delay: bool = False

    def train(self, tasks: Sequence[TrainingTask]) -> list[Recorder]:
        """Train tasks, or open their runs; see `Trainer`."""
        recorders, errors = [], []
        for task in tasks:
            recorders.append(self.trainer.begin(task, self.context, {TASK_TAG: task.key}))
            try:
                self.trainer.announce(task, recorders[-1])
            except Exception as error:  # the others are trained all the same
                errors.append(error)
        if not self.delay:
            errors = self._fit(recorders)  # also names those that could not be prepared
        return _unless_failed(recorders, errors)

    def end_train(self, recorders: Sequence[Recorder]) -> list[Recorder]:
        """Train what was prepared; see `Trainer`."""
        return _unless_failed(recorders, self._fit(recorders))

    def _fit(self, recorders: Sequence[Recorder]) -> list[Exception]:
        """Train into the runs that are open; an error for each that failed, now or before."""
        errors: list[Exception] = []
        for recorder in recorders:
            status = recorder.status
            if status is RunStatus.FINISHED:
                continue
            try:
                if status.is_finished:
                    why = recorder.tags.get(ERROR_TAG, "it was ended")
                    raise RunFailed(f"run {recorder.id} is {status}: {why}")
                self._finish(recorder)
            except Exception as error:  # the others are trained all the same
                errors.append(error)
        return errors

    def _finish(self, recorder: Recorder) -> None:
        task = TrainingTask.from_config(recorder.load_json(TASK_FILE.removesuffix(".json")))
        recorder.resume()
        with recorder.closing():
            self.trainer.fit(task, self.context, recorder)


@dataclass(frozen=True, kw_only=True)
class PoolTrainer(Trainer):
    """Trains through a pool: here, and wherever workers serve it; what is done there already is not done again."""

    pool: TaskPool
    trainer: TaskTrainer
    #: Where to record.
    context: TrainingContext
    delay: bool = False
    #: Tasks that train here at the same time; 0 leaves all of them to workers elsewhere.
    workers: int = 1
    owner: str = field(default_factory=this_process)
    #: Ends the trainings here; their tasks are given back.
    stop: threading.Event = field(default_factory=threading.Event)
    #: Whether tasks that have failed for good are tried again.
    again: bool = True

    def train(self, tasks: Sequence[TrainingTask]) -> list[Recorder]:
        """Train tasks, or open their runs, which is always done here; see `Trainer`."""
        ids = self.pool.submit(tasks, context=self.context.to_document())
        if self.again:
            self.pool.reset(ids=ids)
        if self.delay:
            self._serve(ids, Phase.PREPARE, max(self.workers, 1))
            return self._recorders(ids, TaskStatus.PART_DONE)
        for phase in (Phase.TRAIN, Phase.FINISH):  # somebody may have prepared one
            self._serve(ids, phase, self.workers)
        return self._recorders(ids)

    def end_train(self, recorders: Sequence[Recorder]) -> list[Recorder]:
        """Train what was prepared; see `Trainer`."""
        ids = [recorder.tags[TASK_TAG] for recorder in recorders]
        self._serve(ids, Phase.FINISH, self.workers)
        return self._recorders(ids)

    def _serve(self, ids: Sequence[str], phase: Phase, workers: int) -> None:
        """Bring tasks through a phase."""
        if not workers:
            self.pool.wait(ids=ids)
            return
        for first in range(0, len(ids), _IDS):
            self._serve_some(ids[first : first + _IDS], phase, workers)

    def _serve_some(self, ids: Sequence[str], phase: Phase, workers: int) -> None:
        worker = Worker(
            pool=self.pool,
            train=self.trainer.at(phase),
            owner=self.owner,
            stop=self.stop,
            phase=phase,
            query={"_id": {"$in": list(ids)}},
        )
        stopped_before = self.stop.is_set()
        try:
            with ThreadPoolExecutor(workers) as threads:
                serving = [threads.submit(worker.serve) for _ in range(workers)]
                try:
                    for each in serving:
                        each.result()
                except BaseException:
                    self.stop.set()
                    raise
        except BaseException:
            if not stopped_before:
                self.stop.clear()  # it was to end the other workers; what is trained next is not to be stopped
            raise

    def _recorders(self, ids: Sequence[str], status: TaskStatus = TaskStatus.DONE) -> list[Recorder]:
        records = {record.id: record for record in self.pool.get_many(ids)}
        failed = [record for record in records.values() if record.status not in (status, TaskStatus.DONE)]
        if failed:
            raise ExceptionGroup(f"{len(failed)} of {len(ids)} tasks failed", list(map(AttemptFailed, failed)))
        return [self.trainer.experiments.recorder(records[task_id].result["recorder_id"]) for task_id in ids]


def _unless_failed(recorders: Sequence[Recorder], errors: Sequence[Exception]) -> list[Recorder]:
    if errors:
        raise ExceptionGroup(f"{len(errors)} of {len(recorders)} tasks failed", errors)
    return list(recorders)
