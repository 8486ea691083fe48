"""Training tasks: into a real MLflow store, and from a real pool."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mongods import Mongod, running
from small_tasks import CONFIG

from components.data import Market
from components.errors import InputError
from components.execution import (
    AttemptFailed,
    Interrupted,
    NotRunnableHere,
    Trainers,
    Worker,
    WorkerStats,
    run_task,
    run_tasks,
)
from components.execution.left_tasks import LeftTasks
from components.features import MatrixStore
from components.models import LGBModel, ModelContractError
from components.pool import RetryPolicy, TaskPool, TaskRecord, TaskStatus
from components.progress import ProgressReport
from components.tasks import TrainingTask
from components.tracking import ExperimentManager, RunStatus, load_model
from components.training import TrainResult, open_dataset, train_task

# --- One task, into a run -----------------------------------------------------------------------------------------


def test_a_task_leaves_everything_in_its_run(
    market: Market, matrices: MatrixStore, experiments: ExperimentManager
) -> None:
    task = TrainingTask.from_config(CONFIG)
    experiment = experiments.get_or_create("one")
    recorder = experiments.start(experiment, "window")
    with recorder.closing():
        result = train_task(task, market=market, matrices=matrices, recorder=recorder, threads=1)
    assert isinstance(result, TrainResult)
    assert (result.recorder_id, result.data_version) == (recorder.id, market.version)
    assert list(result.seconds) == ["data", "fit", "records"]

    (run,) = experiments.runs(experiment)
    assert run.status is RunStatus.FINISHED
    assert run.params["model.class"] == "LGBModel"
    assert run.params["model.kwargs.num_leaves"] == "4"
    assert run.params["segments.test"] == "('2016-07-01', '2016-12-30')"
    assert run.metrics["best_iteration"] == result.best_iteration
    assert {"IC", "ICIR", "Rank IC", "Rank ICIR"} <= run.metrics.keys()
    assert {name: run.metrics[name] for name in result.metrics} == pytest.approx(dict(result.metrics))
    curve = recorder.load_series("l2.valid").tolist()
    assert len(curve) >= (result.best_iteration or 0)
    assert min(curve) == curve[(result.best_iteration or 0) - 1]

    read = experiments.recorder(run)
    assert sorted(read.list_artifacts()) == [
        "importance.json",
        "label.parquet",
        "model/",
        "pred.parquet",
        "sig_analysis.parquet",
        "task.json",
    ]
    assert TrainingTask.from_config(read.load_json("task")) == task
    assert list(read.load_json("importance")) == ["R", "V", "C"]
    dataset = open_dataset(task, market, matrices)
    model = load_model(read)
    assert isinstance(model, LGBModel)
    assert (model.num_boost_round, model.params["num_leaves"]) == (12, 4)
    pd.testing.assert_series_equal(
        read.load_table("pred")["score"], model.predict(dataset), check_index_type=False, check_exact=True
    )
    daily = read.load_table("sig_analysis")
    assert (daily.index.name, str(daily.index[0])) == ("datetime", "2016-07-01 00:00:00")
    rows = dataset.infer("test")
    known = pd.Series(rows.y, index=rows.index(), name="label")
    pd.testing.assert_series_equal(read.load_table("label")["label"], known, check_index_type=False)


def test_only_the_records_that_are_asked_for(
    market: Market, matrices: MatrixStore, experiments: ExperimentManager
) -> None:
    signal = {"class": "SignalRecord", "kwargs": {"model": "<MODEL>", "dataset": "<DATASET>"}}
    linear = {"class": "LinearModel", "kwargs": {"estimator": "ridge", "alpha": 0.1}}
    recorder = experiments.start(experiments.get_or_create("few"), "window")
    task = TrainingTask.from_config({**CONFIG, "model": linear, "record": [signal]})
    result = train_task(task, market=market, matrices=matrices, recorder=recorder)
    assert (result.best_iteration, dict(result.metrics)) == (None, {})
    names = ["importance.json", "label.parquet", "model/", "pred.parquet", "task.json"]
    assert sorted(recorder.list_artifacts()) == names
    assert recorder.status is RunStatus.RUNNING  # closing it is for whoever opened it


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {"class": "LGBModell"}}, "no class 'LGBModell' .*did you mean 'LGBModel'"),
        (
            {"model": {"class": "components.features.DatasetH", "kwargs": {"matrix": 1, "segments": {}}}},
            "DatasetH is not a Model",
        ),
        ({"dataset": {**CONFIG["dataset"], "class": "TSDatasetH"}}, "'TSDatasetH' is not supported, use DatasetH"),
        (
            {"record": {"class": "SignalRecord", "kwargs": {"model": "<MODLE>", "dataset": 1}}},
            "placeholder '<MODLE>'",
        ),
    ],
)
def test_a_task_that_cannot_be_built(
    market: Market,
    matrices: MatrixStore,
    experiments: ExperimentManager,
    changes: dict[str, Any],
    message: str,
) -> None:
    experiment = experiments.get_or_create("wrong")
    recorder = experiments.start(experiment, "window")
    task = TrainingTask.from_config({**CONFIG, **changes})
    with pytest.raises(InputError, match=message), recorder.closing():
        train_task(task, market=market, matrices=matrices, recorder=recorder, threads=1)
    assert recorder.status is RunStatus.FAILED
    assert recorder.tags["error"].startswith("InputError: ")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("nan", r"SlowModel.predict returned NaN for all \d+ rows"),
        ("unsaved", "SlowModel.save wrote nothing into the folder"),
    ],
)
def test_a_model_that_gives_nothing_fails(
    market: Market, matrices: MatrixStore, experiments: ExperimentManager, fault: str, message: str
) -> None:
    model = {"class": "SlowModel", "module_path": "sample_models", "kwargs": {"fault": fault}}
    task = TrainingTask.from_config({**CONFIG, "model": model})
    recorder = experiments.start(experiments.get_or_create("faulty"), "window")
    with pytest.raises(ModelContractError, match=message), recorder.closing():
        train_task(task, market=market, matrices=matrices, recorder=recorder, trusted=["sample_models"])
    assert (recorder.status, recorder.list_artifacts()) == (RunStatus.FAILED, [])


class Stopped(Exception):
    pass


def test_building_the_features_can_be_stopped(
    market: Market, tmp_path: Path, experiments: ExperimentManager
) -> None:
    def stop(report: ProgressReport) -> None:
        raise Stopped

    recorder = experiments.start(experiments.get_or_create("stopped"), "window")
    task = TrainingTask.from_config(CONFIG)
    with pytest.raises(Stopped):
        train_task(task, market=market, matrices=MatrixStore(tmp_path), recorder=recorder, progress=stop)
    assert list(tmp_path.glob("*/*-*")) == []


def test_a_mistake_in_a_record_is_found_before_the_fit(
    market: Market, matrices: MatrixStore, experiments: ExperimentManager
) -> None:
    record = {"class": "SignalRecord", "kwargs": {"model": "<MODLE>", "dataset": "<DATASET>"}}
    task = TrainingTask.from_config({**CONFIG, "record": record})
    recorder = experiments.start(experiments.get_or_create("wrong"), "window")
    reports: list[ProgressReport] = []
    with pytest.raises(InputError, match="placeholder '<MODLE>'"):
        train_task(task, market=market, matrices=matrices, recorder=recorder, progress=reports.append)
    assert [report for report in reports if report.total] == []


# --- Tasks of a pool ----------------------------------------------------------------------------------------------

WAIT = 20.0


@pytest.fixture
def quick(mongo_url: str, pool: TaskPool) -> Iterator[TaskPool]:
    """The pool of the test, where failures are tried again at once and a worker that was cut off learns it soon."""
    retry = RetryPolicy(max_attempts=2, base_delay=timedelta(0))
    with TaskPool(mongo_url, database="tests", name=pool.name, lease=timedelta(seconds=1), retry=retry) as quick:
        yield quick


def run(pool: TaskPool, task_id: str, train: Any, **given: Any) -> TaskRecord:
    with closing(Trainers(1)) as trainers:
        defaults = {"owner": "here:1", "stop": threading.Event(), "trainers": trainers}
        return run_task(pool, task_id, train, **{**defaults, **given})


@contextmanager
def closing(trainers: Trainers) -> Iterator[Trainers]:
    try:
        yield trainers
    finally:
        trainers.shutdown()


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def worker(done: TaskRecord) -> str | None:
    """Who completed a task."""
    return done.history[-1].owner


def seed_of(record: TaskRecord, progress: Any) -> Any:
    return {"seed": record.definition["seed"]}


def never(record: TaskRecord, progress: Any) -> Any:
    raise AssertionError("not to be trained")


def test_a_task_is_trained_once(quick: TaskPool) -> None:
    (task,) = quick.submit([{"seed": 7}])
    done = run(quick, task, seed_of)
    assert (done.status, done.result, done.attempts) == (TaskStatus.DONE, {"seed": 7}, 1)
    assert worker(done) == "here:1"
    assert run(quick, task, never) == done


def test_progress_is_in_the_pool_while_a_task_is_trained(quick: TaskPool) -> None:
    (task,) = quick.submit([{"seed": 7}])
    report = {"done": 3, "total": 10, "metrics": {"l2.valid": 0.5}}

    def train(record: TaskRecord, progress: Any) -> None:
        progress(ProgressReport(3, 10, {"l2.valid": 0.5}))
        until(lambda: quick.get(task).progress == report)

    run(quick, task, train)


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ({"done": 3, "total": 10, "metrics": {"loss": 0.5}}, ProgressReport(3, 10, {"loss": 0.5})),
        ({"done": 3, "total": 10}, ProgressReport(3, 10)),
        ({"iteration": 3}, None),
        ("half of it", None),
        (None, None),
    ],
)
def test_progress_of_another_form_is_nothing_to_stumble_over(stored: Any, read: ProgressReport | None) -> None:
    assert ProgressReport.from_document(stored) == read


def test_a_failure_is_kept_and_the_pool_decides_on_another_attempt(quick: TaskPool) -> None:
    (task,) = quick.submit([{"seed": 7}])

    def fail(record: TaskRecord, progress: Any) -> Any:
        raise ZeroDivisionError(f"in attempt {record.attempts}")

    with pytest.raises(
        AttemptFailed, match=f"task {task[:12]}, attempt 1: ZeroDivisionError: in attempt 1"
    ) as first:
        run(quick, task, fail)
    assert first.value.will_retry
    assert isinstance(first.value.__cause__, ZeroDivisionError)
    assert quick.get(task).status is TaskStatus.WAITING
    with pytest.raises(AttemptFailed, match="attempt 2: ZeroDivisionError: in attempt 2") as second:
        run(quick, task, fail)
    assert not second.value.will_retry
    with pytest.raises(AttemptFailed, match="attempt 2: ZeroDivisionError") as third:
        run(quick, task, never)  # given up: whoever asks again learns why
    assert not third.value.will_retry
    assert [error.message for error in quick.get(task).errors] == ["in attempt 1", "in attempt 2"]


def test_wrong_input_is_not_tried_again(quick: TaskPool) -> None:
    (task,) = quick.submit([{"seed": 7}])

    def fail(record: TaskRecord, progress: Any) -> Any:
        raise InputError("no such feature")

    with pytest.raises(AttemptFailed, match="InputError: no such feature") as failed:
        run(quick, task, fail)
    assert not failed.value.will_retry


def test_stopping_gives_the_task_back(quick: TaskPool) -> None:
    (task,) = quick.submit([{"seed": 7}])
    stop = threading.Event()

    def train(record: TaskRecord, progress: Any) -> Any:
        stop.set()
        progress(ProgressReport(1, 10))

    with pytest.raises(Interrupted):
        run(quick, task, train, stop=stop)
    record = quick.get(task)
    assert (record.status, record.attempts, record.errors) == (TaskStatus.WAITING, 0, ())
    assert run(quick, task, seed_of).attempts == 1


class Odd(BaseException):
    pass


@pytest.mark.parametrize(
    ("error", "message"), [(SystemExit(3), "SystemExit: 3"), (Odd("of its own"), "Odd: of its own")]
)
def test_what_would_end_the_process_fails_the_attempt(quick: TaskPool, error: BaseException, message: str) -> None:
    (task,) = quick.submit([{"seed": 7}])

    def leave(record: TaskRecord, progress: Any) -> Any:
        raise error

    with pytest.raises(AttemptFailed, match=f"attempt 1: TrainingAborted: {message}"):
        run(quick, task, leave)
    record = quick.get(task)
    assert (record.status, record.attempts) == (TaskStatus.WAITING, 1)
    assert (record.errors[0].type, record.errors[0].message) == ("TrainingAborted", message)
    assert "in leave" in record.errors[0].traceback


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, Interrupted])
def test_interrupts_give_the_task_back(quick: TaskPool, interrupt: type[BaseException]) -> None:
    (task,) = quick.submit([{"seed": 7}])

    def train(record: TaskRecord, progress: Any) -> Any:
        raise interrupt

    with pytest.raises(interrupt):
        run(quick, task, train)
    assert (quick.get(task).status, quick.get(task).attempts) == (TaskStatus.WAITING, 0)


def test_a_stop_in_an_outage_is_no_failure_and_says_what_was_not_given_back(tmp_path: Path) -> None:
    stop = threading.Event()
    with running(Mongod(tmp_path)) as server:
        with TaskPool(server.url) as pool:
            (task,) = pool.submit([{"seed": 7}])

            def train(record: TaskRecord, progress: Any) -> Any:
                stop.set()
                pool.hurry()
                server.kill()

            with pytest.raises(Interrupted):
                run(pool, task, train, stop=stop)
            assert pool.unreturned == (task,)
        server.start()
        with TaskPool(server.url) as pool:
            assert pool.get(task).errors == ()


def test_waits_for_whoever_holds_the_task(pool: TaskPool) -> None:
    (task,) = pool.submit([{"seed": 7}])
    record = pool.claim(owner="elsewhere:2")
    assert record is not None
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(run, pool, task, never)
        time.sleep(0.2)
        assert not waiting.done()
        pool.complete(record, {"seed": "theirs"})
        found = waiting.result(WAIT)
    assert (found.result, worker(found)) == ({"seed": "theirs"}, "elsewhere:2")


def test_takes_over_from_a_holder_that_died(quick: TaskPool) -> None:
    (task,) = quick.submit([{"seed": 7}])
    assert quick.claim(owner="dead:3") is not None  # and never beats
    done = run(quick, task, seed_of)
    assert (worker(done), done.attempts, [error.reason for error in done.errors]) == ("here:1", 2, ["lost"])


def test_who_waits_may_be_stopped(pool: TaskPool) -> None:
    held, free = pool.submit([{"seed": 7}, {"seed": 8}])
    assert pool.claim(owner="elsewhere:2", ids=[held]) is not None
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    for task in (held, free):
        with pytest.raises(Interrupted):
            run(pool, task, never, stop=stop)
    assert pool.get(free).attempts == 0


def test_a_task_that_is_cancelled_meanwhile_ends_its_training(quick: TaskPool) -> None:
    (task,) = quick.submit([{"seed": 7}])

    def train(record: TaskRecord, progress: Any) -> Any:
        quick.cancel(ids=[task])
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            progress(ProgressReport(1, 10))
            time.sleep(0.02)
        return "too late"

    with pytest.raises(AttemptFailed) as cancelled:
        run(quick, task, train)
    assert str(cancelled.value) == f"task {task[:12]} is cancelled"
    assert not cancelled.value.will_retry
    assert quick.get(task).status is TaskStatus.CANCELLED


def test_one_trainer_trains_one_task_at_a_time(quick: TaskPool) -> None:
    tasks = quick.submit([{"seed": 1}, {"seed": 2}])
    training: list[str] = []
    most: list[int] = []

    def train(record: TaskRecord, progress: Any) -> Any:
        training.append(record.id)
        most.append(len(training))
        time.sleep(0.2)
        training.remove(record.id)
        return record.definition["seed"]

    with ThreadPoolExecutor(2) as nodes, closing(Trainers(1)) as trainers:
        done = list(nodes.map(lambda task: run(quick, task, train, trainers=trainers).result, tasks))
    assert (done, most) == ([1, 2], [1, 1])


def test_tasks_are_trained_in_the_order_that_was_announced(quick: TaskPool) -> None:
    tasks = quick.submit([{"seed": seed} for seed in range(5)])
    trained: list[int] = []
    come: list[str | None] = []

    def train(record: TaskRecord, progress: Any) -> Any:
        trained.append(record.definition["seed"])

    def begin(place: int) -> Future[TaskRecord]:
        told = {"trainers": trainers, "on_holder": lambda holder, _: come.append(holder)}
        return nodes.submit(run, quick, tasks[place], train, **told)

    with ThreadPoolExecutor(5) as nodes, closing(Trainers(1, patience=WAIT)) as trainers:
        trainers.expect(tasks)
        held = quick.claim("there:2", ids=[tasks[1]])
        assert held is not None
        waiting = [begin(place) for place in (4, 3, 1, 2)]
        until(lambda: len(come) >= 4)
        waiting.append(begin(0))
        until(lambda: len(trained) == 4)  # who waits for others holds nobody up
        quick.complete(held, None)
        assert [node.result().status for node in waiting] == [TaskStatus.DONE] * 5
    assert trained == [0, 2, 3, 4]


def test_who_never_comes_holds_nobody_up_for_ever(quick: TaskPool) -> None:
    tasks = quick.submit([{"seed": 1}, {"seed": 2}])
    with closing(Trainers(1, patience=0.2)) as trainers:
        trainers.expect(tasks)
        assert run(quick, tasks[1], seed_of, trainers=trainers).result == {"seed": 2}


def test_two_that_want_the_same_task_train_it_once(quick: TaskPool) -> None:
    (task,) = quick.submit([{"seed": 7}])
    trained: list[int] = []

    def train(record: TaskRecord, progress: Any) -> Any:
        trained.append(record.token)
        time.sleep(0.3)

    with ThreadPoolExecutor(2) as nodes:
        done = list(nodes.map(lambda owner: run(quick, task, train, owner=owner), ["a:1", "b:2"]))
    assert done[0] == done[1]
    assert trained == [1]


def test_a_worker_trains_until_there_is_nothing_left(quick: TaskPool) -> None:
    tasks = quick.submit([{"seed": seed, "set": "odd" if seed % 2 else "even"} for seed in range(5)])

    def train(record: TaskRecord, progress: Any) -> Any:
        if record.definition["seed"] == 3:
            raise InputError("not three")
        return record.definition["seed"]

    stop = threading.Event()
    odd = run_tasks(quick, train, owner="here:1", stop=stop, query={"definition.set": "odd"})
    assert (odd, quick.get(tasks[3]).status) == (1, TaskStatus.FAILED)
    assert quick.counts() == {TaskStatus.DONE: 1, TaskStatus.FAILED: 1, TaskStatus.WAITING: 3}
    assert run_tasks(quick, train, owner="here:1", stop=stop, next_status=TaskStatus.PART_DONE) == 3
    assert run_tasks(quick, train, owner="here:1", stop=stop) == 0
    assert run_tasks(quick, train, owner="here:1", stop=stop, status=TaskStatus.PART_DONE) == 3
    assert quick.counts() == {TaskStatus.DONE: 4, TaskStatus.FAILED: 1}


def test_an_observer_that_fails_ends_no_worker(quick: TaskPool) -> None:
    quick.submit([{"seed": seed} for seed in range(3)])

    def train(record: TaskRecord, progress: Any) -> Any:
        if record.definition["seed"] == 1:
            raise InputError("not one")
        return record.definition["seed"]

    def observe(record: TaskRecord) -> None:
        raise ValueError(f"closing tag '[/{record.id}]' doesn't match any open tag")

    served = Worker(pool=quick, train=train, owner="here:1").serve(observe)
    assert (served.done, served.failures, quick.counts()[TaskStatus.DONE]) == (2, 1, 2)


def test_a_passing_fault_does_not_blind_a_worker(quick: TaskPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.execution.left_tasks._FIRST_PAUSE", 0.1)
    quick.submit([{"seed": 1, "data": "unmounted"}, {"seed": 2, "data": "here"}])
    drain, tries = threading.Event(), []

    def train(record: TaskRecord, progress: Any) -> Any:
        tries.append(record.definition["data"])
        if tries.count("unmounted") < 3 and record.definition["data"] == "unmounted":
            raise NotRunnableHere("/data is not there", {"definition.data": "unmounted"})
        if tries.count("unmounted") == 3:
            drain.set()
        return record.definition["seed"]

    worker = Worker(pool=quick, train=train, owner="here:1", forever=True, drain=drain)
    served = worker.serve()
    assert (served, tries) == (WorkerStats(done=2), ["unmounted", "here", "unmounted", "unmounted"])


def test_what_is_left_is_looked_at_again_after_growing_pauses() -> None:
    now = 0.0
    left = LeftTasks(clock=lambda: now)
    missing = NotRunnableHere("no market", {"data": "gone"})
    looks = []
    for second in range(1000):
        now = float(second)
        if left.look({"kind": "a"}) == {"kind": "a"}:
            looks.append(second)
            left.add(missing)
    assert looks == [0, 5, 15, 35, 75, 155, 315, 615, 915]
    assert left.look({"kind": "a"}) == {"$and": [{"kind": "a"}, {"$nor": [{"data": "gone"}]}]}
    left.add(NotRunnableHere("no market", {"_id": "another"}))
    assert left.look({})["$and"][1] == {"$nor": [{"$or": [{"data": "gone"}, {"_id": "another"}]}]}
    left.forget()
    assert left.reasons == ("no market",)  # it was not put to the test
    now = 1300.0
    left.look({})
    left.forget()
    assert left.reasons == ()


def test_a_worker_that_is_stopped_gives_its_task_back(quick: TaskPool) -> None:
    quick.submit([{"seed": seed} for seed in range(3)])
    stop = threading.Event()

    def train(record: TaskRecord, progress: Any) -> Any:
        if record.definition["seed"] == 1:
            stop.set()
        progress(ProgressReport(1, 1))

    with pytest.raises(Interrupted):
        run_tasks(quick, train, owner="here:1", stop=stop)
    assert quick.counts() == {TaskStatus.DONE: 1, TaskStatus.WAITING: 2}
    assert {record.attempts for record in quick.find({"status": "waiting"})} == {0}
    assert run_tasks(quick, never, owner="here:1", stop=stop) == 0
