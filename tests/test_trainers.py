"""Training what a pool holds, as every node and worker does: contexts, phases, waiting, what is left to others."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from commands import CONFIG, wait_until

from components.data import Market, Markets
from components.execution import AttemptFailed, Interrupted, Phase, Worker, WorkerStats
from components.features import MatrixStore
from components.pool import RetryPolicy, TaskPool, TaskRecord, TaskStatus
from components.progress import ProgressReport, no_progress
from components.rolling.window import common_days
from components.tasks import TrainingTask
from components.tracking import PARENT_TAG, ExperimentManager, Recorder, RunStatus
from components.training import LocalTrainer, PoolTrainer, TaskTrainer, TrainingContext

WAITING, RUNNING, PART_DONE, DONE, FAILED, CANCELLED = TaskStatus
FINISHED = RunStatus.FINISHED
URI = CONFIG["data"]


@pytest.fixture
def trainer(experiments: ExperimentManager, tmp_path: Path) -> TaskTrainer:
    matrices = MatrixStore(tmp_path / "matrices")
    return TaskTrainer(
        experiments=experiments,
        experiment="by hand",
        markets=Markets(),
        matrices=matrices,
        trusted=["sample_models"],
    )


@pytest.fixture
def context(experiments: ExperimentManager, request: pytest.FixtureRequest) -> TrainingContext:
    experiment = experiments.get_or_create(request.node.name[:100])
    return TrainingContext(experiment=experiment, parent=experiments.start(experiment, "all").id)


@pytest.fixture
def quick(mongo_url: str, pool: TaskPool) -> Iterator[TaskPool]:
    """The pool of the test, where a failed task is tried once more, at once."""
    retry = RetryPolicy(max_attempts=2, base_delay=timedelta(0))
    with TaskPool(mongo_url, database="tests", name=pool.name, lease=timedelta(seconds=1), retry=retry) as quick:
        yield quick


def task_of(month: int = 4, **model: Any) -> TrainingTask:
    """A task that tests one month of 2016."""
    task = TrainingTask.from_config(CONFIG["task"]).with_data(URI).with_model_kwargs(**model)
    return task.with_segments({**task.segments, "test": (f"2016-{month:02}-01", f"2016-{month:02}-28")})


def serve(pool: TaskPool, trainer: TaskTrainer, phase: Phase = Phase.TRAIN, **given: Any) -> WorkerStats:
    return Worker(pool=pool, train=trainer.at(phase), owner="here:1", phase=phase, **given).serve()


def children(experiments: ExperimentManager, context: TrainingContext) -> list[tuple[str, str]]:
    runs = experiments.runs(context.experiment, {PARENT_TAG: str(context.parent)})
    return sorted((run.name, run.status.value) for run in runs)


# --- One claimed task ---------------------------------------------------------------------------------------------


def test_a_task_is_recorded_where_its_context_says(
    quick: TaskPool, trainer: TaskTrainer, context: TrainingContext
) -> None:
    (task_id,) = quick.submit([task_of(4)], context=context.to_document())
    assert serve(quick, trainer) == WorkerStats(done=1)
    done = quick.get(task_id)
    run = trainer.experiments.recorder(done.result["recorder_id"])
    assert (run.experiment, run.tags[PARENT_TAG]) == (context.experiment, context.parent)
    assert (run.tags["rollflow.task"], run.tags["rollflow.owner"]) == (task_id, "here:1")
    assert children(trainer.experiments, context) == [("2016-04-01", "FINISHED")]


def test_a_task_without_a_context_is_recorded_all_the_same(quick: TaskPool, trainer: TaskTrainer) -> None:
    (task_id,) = quick.submit([task_of(4)])
    serve(quick, trainer)
    run = trainer.experiments.recorder(quick.get(task_id).result["recorder_id"])
    assert run.experiment == trainer.experiments.get_or_create("by hand")


def test_one_matrix_serves_all_tasks_of_a_run(
    quick: TaskPool, trainer: TaskTrainer, context: TrainingContext, tmp_path: Path, market: Market
) -> None:
    tasks = [task_of(month).with_handler_kwargs(end_time=f"2016-{month:02}-28") for month in (4, 5, 6)]
    days = common_days(tasks)
    assert days == (None, "2016-06-28")
    earliest, *_ = quick.submit(tasks, context=replace(context, days=days).to_document())
    assert serve(quick, trainer, query={"_id": earliest}).done == 1
    (matrix,) = MatrixStore(tmp_path / "matrices").matrices()
    assert (matrix.start, matrix.end) == ("2015-01-02", "2016-06-28")


def test_what_a_lost_attempt_left_open_is_closed(
    quick: TaskPool, trainer: TaskTrainer, context: TrainingContext
) -> None:
    (task_id,) = quick.submit([task_of(4)], context=context.to_document())
    lost = quick.claim("dead:2")
    assert lost is not None
    mine = {"rollflow.task": task_id, "rollflow.claim": str(lost.claim_id), "rollflow.token": str(lost.token)}
    trainer.begin(task_of(4), context, mine)  # and never beats
    time.sleep(1.2)
    assert serve(quick, trainer).done == 1
    assert children(trainer.experiments, context) == [("2016-04-01", "FINISHED"), ("2016-04-01", "KILLED")]


def test_who_begins_late_leaves_the_run_of_a_later_claim_open(
    quick: TaskPool, trainer: TaskTrainer, context: TrainingContext
) -> None:
    (task_id,) = quick.submit([task_of(4)], context=context.to_document())
    for _ in range(2):
        late = quick.claim("here:1")
        assert late is not None
        quick.release(late)
    later = quick.claim("there:2")
    assert later is not None
    theirs = {"rollflow.task": task_id, "rollflow.claim": str(later.claim_id), "rollflow.token": str(later.token)}
    run = trainer.begin(task_of(4), context, theirs)
    trainer(late, no_progress)  # without a pool to ask it does not know that it has lost the task
    assert run.status is RunStatus.RUNNING


def test_what_a_killed_child_left_open_is_closed_with_its_error(
    quick: TaskPool, trainer: TaskTrainer, context: TrainingContext
) -> None:
    quick.submit([task_of(4)], context=context.to_document())
    record = quick.claim("here:1")
    assert record is not None
    mine = {"rollflow.task": record.id, "rollflow.claim": str(record.claim_id)}
    run = trainer.begin(task_of(4), context, mine)
    another = trainer.begin(task_of(4), context, mine | {"rollflow.claim": "somebody else's"})
    trainer.abandon(record, RuntimeError("killed by SIGKILL"))
    assert run.status is RunStatus.FAILED
    assert run.tags["error"] == "RuntimeError: killed by SIGKILL"
    assert another.status is RunStatus.RUNNING


# --- What is not here ---------------------------------------------------------------------------------------------


def test_tasks_whose_market_is_not_here_are_left_to_others(
    quick: TaskPool, trainer: TaskTrainer, context: TrainingContext
) -> None:
    elsewhere = [task_of(month).with_data("qlib:/nowhere") for month in (4, 5)]
    left = quick.submit([*elsewhere, task_of(6)], context=context.to_document())[:2]
    served = serve(quick, trainer)
    assert served.done == 1
    assert served.left == (
        "market 'qlib:/nowhere': /nowhere does not exist; where the data has another address, give it with --data",
    )
    for task_id in left:
        record = quick.get(task_id)
        assert (record.status, record.attempts, record.errors) == (WAITING, 0, ())


def test_tasks_of_another_kind_are_left_to_others(quick: TaskPool, trainer: TaskTrainer) -> None:
    (task_id,) = quick.submit([{"kind": "command", "argv": ["true"]}])
    served = serve(quick, trainer)
    assert served.left == (
        "tasks of the kind 'command' cannot be run here, only trainings; use a version of rollflow that can",
    )
    record = quick.get(task_id)
    assert (record.status, record.attempts) == (WAITING, 0)


def test_tasks_whose_library_is_not_installed_here_are_left_to_others(
    quick: TaskPool, trainer: TaskTrainer, context: TrainingContext
) -> None:
    needy = {"class": "NeedyModel", "module_path": "sample_models"}
    elsewhere = [replace(task_of(month), model=needy) for month in (4, 5)]
    left = quick.submit([*elsewhere, task_of(6)], context=context.to_document())[:2]
    message = "NeedyModel needs no_such_library; install it with: pip install 'rollflow[no_such_library]'"
    assert serve(quick, trainer) == WorkerStats(done=1, left=(message,))
    for task_id in left:
        record = quick.get(task_id)
        assert (record.status, record.attempts, record.errors) == (WAITING, 0, ())


@pytest.mark.parametrize("place", ["model", "handler", "record"])
def test_tasks_whose_code_is_not_trusted_here_are_left_to_others(
    quick: TaskPool, trainer: TaskTrainer, context: TrainingContext, place: str
) -> None:
    foreign = {"class": "Foreign", "module_path": "foreign.models", "kwargs": {}}
    task = task_of(4)
    match place:
        case "model":
            task = replace(task, model=foreign)
        case "handler":
            kwargs = {**task.dataset["kwargs"], "handler": foreign}
            task = replace(task, dataset={**task.dataset, "kwargs": kwargs})
        case "record":
            task = replace(task, record=(foreign,))
    left, _ = quick.submit([task, task_of(5)], context=context.to_document())
    served = serve(quick, trainer)
    message = "class foreign.models.Foreign is not from a trusted module; to trust it, set "
    assert served == WorkerStats(done=1, left=(message + "ROLLFLOW_TRUSTED_MODULES=sample_models,foreign.models",))
    assert (quick.get(left).status, quick.get(left).attempts) == (WAITING, 0)
    assert children(trainer.experiments, context) == [("2016-05-01", "FINISHED")]


def test_tasks_of_another_store_are_left_to_others(
    quick: TaskPool, trainer: TaskTrainer, context: TrainingContext
) -> None:
    foreign = replace(context, parent="f" * 32)
    quick.submit([task_of(4)], context=foreign.to_document())
    (reason,) = serve(quick, trainer).left
    assert reason.startswith(f"this MLflow store does not have run {'f' * 32}")
    assert quick.counts() == {WAITING: 1}


# --- Two phases ---------------------------------------------------------------------------------------------------


def test_what_is_prepared_is_finished_in_the_same_run(
    quick: TaskPool, trainer: TaskTrainer, context: TrainingContext
) -> None:
    ids = quick.submit([task_of(month) for month in (4, 5)], context=context.to_document())
    assert serve(quick, trainer, Phase.PREPARE) == WorkerStats(done=2)
    assert quick.counts() == {PART_DONE: 2}
    assert children(trainer.experiments, context) == [("2016-04-01", "SCHEDULED"), ("2016-05-01", "SCHEDULED")]
    prepared = [quick.get(task_id).result for task_id in ids]
    recorder = trainer.experiments.recorder(prepared[0]["recorder_id"])
    assert TrainingTask.from_config(recorder.load_json("task")) == task_of(4)
    assert serve(quick, trainer) == WorkerStats()  # a worker of whole tasks lets them be

    assert serve(quick, trainer, Phase.FINISH) == WorkerStats(done=2)
    assert children(trainer.experiments, context) == [("2016-04-01", "FINISHED"), ("2016-05-01", "FINISHED")]
    finished = [quick.get(task_id) for task_id in ids]
    assert [record.result["recorder_id"] for record in finished] == [each["recorder_id"] for each in prepared]
    assert [step.status for step in finished[0].history] == [WAITING, RUNNING, PART_DONE, RUNNING, DONE]
    assert "pred.parquet" in recorder.list_artifacts()


def test_a_second_phase_that_failed_is_followed_by_one_in_a_run_of_its_own(
    quick: TaskPool, trainer: TaskTrainer, context: TrainingContext, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("2016-04-01")
    (task_id,) = quick.submit([task_of(4, fail=str(broken))], context=context.to_document())
    serve(quick, trainer, Phase.PREPARE)
    run = trainer.experiments.recorder(quick.get(task_id).result["recorder_id"])
    run.set_tags({"stage": "online"})
    record = quick.claim("here:1", status=PART_DONE)
    assert record is not None
    with pytest.raises(RuntimeError):
        trainer(record, no_progress)
    assert (run.status, "told to fail" in run.tags["error"]) == (RunStatus.FAILED, True)
    assert quick.fail(record, RuntimeError()) is PART_DONE
    broken.unlink()
    trains = PoolTrainer(pool=quick, trainer=trainer, context=context, delay=True)
    (finished,) = trains.end_train([run])
    assert finished.id == quick.get(task_id).result["recorder_id"] != run.id
    assert (finished.status, finished.tags["stage"], "error" in finished.tags) == (FINISHED, "online", False)
    assert "pred.parquet" in finished.list_artifacts()
    assert run.status is RunStatus.FAILED


def test_a_task_that_cannot_be_built_fails_in_the_first_phase(
    quick: TaskPool, trainer: TaskTrainer, context: TrainingContext
) -> None:
    (task_id,) = quick.submit([task_of(4, sekonds=1)], context=context.to_document())
    assert serve(quick, trainer, Phase.PREPARE) == WorkerStats(failures=1, failed=(task_id,))
    assert children(trainer.experiments, context) == [("2016-04-01", "FAILED")]


@pytest.mark.parametrize("through_a_pool", [False, True])
@pytest.mark.parametrize("delay", [False, True])
def test_trainers(
    quick: TaskPool, trainer: TaskTrainer, context: TrainingContext, through_a_pool: bool, delay: bool
) -> None:
    kind = (lambda **given: PoolTrainer(pool=quick, **given)) if through_a_pool else LocalTrainer
    trains = kind(trainer=trainer, context=context, delay=delay)
    first = trains.train([task_of(5), task_of(4)])
    assert {run.status for run in first} == {RunStatus.SCHEDULED if delay else RunStatus.FINISHED}
    more = trains.train([task_of(6)])
    done = trains.end_train([*first, *more])
    assert [run.id for run in done] == [run.id for run in [*first, *more]]
    assert {run.status for run in done} == {RunStatus.FINISHED}
    assert [test_day(run) for run in done] == ["2016-05-01", "2016-04-01", "2016-06-01"]


def test_day(run: Recorder) -> str:
    return str(run.load_json("task")["dataset"]["kwargs"]["segments"]["test"][0])


test_day.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.parametrize("through_a_pool", [False, True])
def test_trainers_train_all_others_before_they_say_what_failed(
    quick: TaskPool, trainer: TaskTrainer, context: TrainingContext, tmp_path: Path, through_a_pool: bool
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("2016-04-01")
    kind = (lambda **given: PoolTrainer(pool=quick, workers=2, **given)) if through_a_pool else LocalTrainer
    trains = kind(trainer=trainer, context=context)
    with pytest.raises(ExceptionGroup, match="1 of 3 tasks failed") as failed:
        trains.train([task_of(month, fail=str(broken)) for month in (4, 5, 6)])
    (error,) = failed.value.exceptions
    assert "told to fail in 2016-04-01" in str(error)
    assert isinstance(error, AttemptFailed if through_a_pool else RuntimeError)
    attempts = 2 if through_a_pool else 1
    runs = children(trainer.experiments, context)
    assert runs == [("2016-04-01", "FAILED")] * attempts + [(f"2016-{n}-01", "FINISHED") for n in ("05", "06")]


def test_a_local_trainer_names_runs_that_had_failed_before(
    trainer: TaskTrainer, context: TrainingContext, tmp_path: Path
) -> None:
    trains = LocalTrainer(trainer=trainer, context=context, delay=True)
    well, failed, killed = trains.train([task_of(month) for month in (4, 5, 6)])
    failed.fail(RuntimeError("out of luck"))
    killed.end(RunStatus.KILLED)
    with pytest.raises(ExceptionGroup, match="2 of 3 tasks failed") as errors:
        trains.end_train([well, failed, killed])
    assert [str(error) for error in errors.value.exceptions] == [
        f"run {failed.id} is FAILED: RuntimeError: out of luck",
        f"run {killed.id} is KILLED: it was ended",
    ]
    assert well.status is FINISHED


def test_a_local_trainer_trains_the_others_where_one_cannot_be_built(
    trainer: TaskTrainer, context: TrainingContext
) -> None:
    with pytest.raises(ExceptionGroup, match="1 of 3 tasks failed") as errors:
        LocalTrainer(trainer=trainer, context=context).train([task_of(4), task_of(5, sekonds=1), task_of(6)])
    assert "sekonds" in str(errors.value.exceptions[0])
    assert [status for _, status in children(trainer.experiments, context)] == ["FINISHED", "FAILED", "FINISHED"]


class Quitter(TaskTrainer):
    """Is interrupted instead of training."""

    def __call__(self, record: TaskRecord, progress: Any) -> Any:
        raise Interrupted


def test_a_trainer_goes_on_after_an_error(quick: TaskPool, trainer: TaskTrainer, context: TrainingContext) -> None:
    trains = PoolTrainer(pool=quick, trainer=trainer, context=context)
    given = {field.name: getattr(trainer, field.name) for field in fields(trainer)}
    with pytest.raises(Interrupted):
        replace(trains, trainer=Quitter(**given)).train([task_of(4)])
    assert not trains.stop.is_set()
    (done,) = trains.train([task_of(4)])
    assert done.status is FINISHED


def test_a_trainer_may_leave_all_to_workers(
    quick: TaskPool, trainer: TaskTrainer, context: TrainingContext
) -> None:
    trains = PoolTrainer(pool=quick, trainer=trainer, context=context, workers=0, delay=True)
    prepared = trains.train([task_of(month) for month in (4, 5, 6)])
    stop = threading.Event()
    with ThreadPoolExecutor(3) as threads:
        waiting = threads.submit(trains.end_train, prepared)
        workers = [threads.submit(serve, quick, trainer, Phase.FINISH, drain=stop, forever=True) for _ in range(2)]
        assert {run.status for run in waiting.result(20)} == {RunStatus.FINISHED}
        stop.set()
        assert sum((worker.result(5) for worker in workers), WorkerStats()) == WorkerStats(done=3)


# --- Serving ------------------------------------------------------------------------------------------------------


def seed_of(record: TaskRecord, progress: Any) -> Any:
    return record.definition["seed"]


def test_a_worker_stays_until_what_others_hold_is_finished_too(quick: TaskPool) -> None:
    quick.submit([{"seed": 1}, {"seed": 2}])
    lost = quick.claim("dead:2")
    assert lost is not None
    served = Worker(pool=quick, train=seed_of, owner="here:1").serve()
    assert served == WorkerStats(done=2)
    taken_over = quick.get(lost.id)
    assert (taken_over.attempts, taken_over.errors[0].reason) == (2, "lost")


def test_a_worker_stays_for_tasks_that_rest(pool: TaskPool) -> None:
    pool.retry = RetryPolicy(max_attempts=2, base_delay=timedelta(seconds=0.5))
    pool.submit([{"seed": 1}])

    def train(record: TaskRecord, progress: Any) -> Any:
        return 1 // (record.attempts - 1)  # fails the first time

    seen: list[tuple[TaskStatus, int]] = []
    served = Worker(pool=pool, train=train, owner="here:1").serve(
        lambda record: seen.append((record.status, record.attempts))
    )
    assert served == WorkerStats(done=1, failures=1)
    assert seen == [(WAITING, 1), (DONE, 2)]


def test_a_worker_takes_only_what_it_is_asked_to(quick: TaskPool) -> None:
    quick.submit([{"seed": seed} for seed in range(4)])
    worker = Worker(pool=quick, train=seed_of, owner="here:1", query={"definition.seed": {"$gte": 2}})
    served = [worker.serve()]
    assert worker.result(served, 0.04).to_document() == {
        "pool": quick.name,
        "owner": "here:1",
        "phase": "train",
        "done": 2,
        "failures": 0,
        "failed": (),
        "left": (),
        "counts": {"waiting": 0, "running": 0, "part_done": 0, "done": 2, "failed": 0, "cancelled": 0},
        "seconds": 0.0,
    }
    assert quick.counts() == {WAITING: 2, DONE: 2}


def test_a_draining_worker_finishes_its_task_and_takes_no_other(quick: TaskPool) -> None:
    quick.submit([{"seed": seed} for seed in range(3)])
    drain = threading.Event()

    def train(record: TaskRecord, progress: Any) -> Any:
        drain.set()
        progress(ProgressReport(1, 2))

    assert Worker(pool=quick, train=train, owner="here:1", drain=drain).serve() == WorkerStats(done=1)
    assert quick.counts() == {WAITING: 2, DONE: 1}


def test_a_worker_that_serves_for_ever_takes_what_comes(quick: TaskPool) -> None:
    drain = threading.Event()
    worker = Worker(pool=quick, train=seed_of, owner="here:1", drain=drain, forever=True)
    with ThreadPoolExecutor(1) as thread:
        serving = thread.submit(worker.serve)
        for seed in range(2):
            quick.submit([{"seed": seed}])
            wait_until(lambda: quick.counts()[DONE] == seed + 1, timeout=10)  # noqa: B023
        drain.set()
        assert serving.result(5) == WorkerStats(done=2)


def test_an_idle_worker_can_be_stopped(quick: TaskPool) -> None:
    stop = threading.Event()
    worker = Worker(pool=quick, train=seed_of, owner="here:1", stop=stop, forever=True)
    with ThreadPoolExecutor(1) as thread:
        serving = thread.submit(worker.serve)
        stop.set()
        with pytest.raises(Interrupted):
            serving.result(5)
