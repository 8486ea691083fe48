"""A store that is locked, full, away or killed: what may come back is asked again, and no text has its password."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from commands import CONFIG
from mlflow.exceptions import MlflowException
from pymongo import MongoClient
from servers import Server
from sqlalchemy import Engine, event

from components.data import Markets
from components.errors import InputError, Unavailable
from components.execution import Worker, WorkerStats
from components.features import MatrixStore
from components.pool import RetryPolicy, TaskPool, TaskRecord, TaskStatus
from components.progress import Progress, ProgressReport
from components.tasks import TrainingTask
from components.tracking import ExperimentManager, Recorder, RunMissing, RunStatus, open_store
from components.tracking.faults import explained
from components.tracking.store import Store
from components.training import TaskTrainer, TrainingContext

#: A port on which nobody listens.
NOBODY = "http://me:geheim@127.0.0.1:9"
SECRET = "geheim"  # noqa: S105


# --- A database that is locked, or full -------------------------------------------------------------------------


@pytest.fixture
def impatient_sqlite() -> Iterator[None]:
    """SQLite itself waits 20 ms for a lock, and not the 20 s that MLflow tells it."""

    def shorten(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> tuple[str, Any]:
        return statement.replace("busy_timeout = 20000", "busy_timeout = 20"), parameters

    event.listen(Engine, "before_cursor_execute", shorten, retval=True)
    yield
    event.remove(Engine, "before_cursor_execute", shorten)


@contextmanager
def locked(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(database, check_same_thread=False)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield connection


def run_of(experiments: ExperimentManager) -> Recorder:
    return experiments.start(experiments.get_or_create("outages"), "run")


def test_a_locked_database_is_waited_for(tmp_path: Path, impatient_sqlite: None) -> None:
    recorder = run_of(open_store(None, tmp_path))
    with locked(tmp_path / "mlflow.db") as holder:
        release = threading.Timer(1, holder.rollback)
        release.start()
        recorder.log(params={"a": 1}, tags={"colour": "blue"})
        release.join()
    assert (recorder.params["a"], recorder.tags["colour"]) == ("1", "blue")


def test_a_database_that_stays_locked_is_unavailable(tmp_path: Path, impatient_sqlite: None) -> None:
    recorder = run_of(open_store(None, tmp_path))
    hasty = Recorder(Store(f"sqlite:///{tmp_path}/mlflow.db", patience=timedelta(0)), recorder.id)
    with locked(tmp_path / "mlflow.db"), pytest.raises(Unavailable) as away:
        hasty.set_tags({"colour": "blue"})
    assert str(away.value) == (
        f"MLflow store sqlite:///{tmp_path}/mlflow.db is not available: run {recorder.id!r}: "
        "(sqlite3.OperationalError) database is locked"
    )


def test_a_full_disk_is_unavailable(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys\n"
        "from datetime import timedelta\n"
        "from components.errors import Unavailable\n"
        "from components.tracking.recorder import Recorder\n"
        "from components.tracking.store import Store\n"
        "recorder = Recorder(Store(sys.argv[1], patience=timedelta(0)), sys.argv[2])\n"
        "recorder.set_tags({'colour': 'blue'})\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "try:\n"
        "    recorder.set_tags({'colour': 'red'})\n"
        "except Unavailable as error:\n"
        "    print(error)"
    )
    run = run_of(open_store(None, tmp_path))
    command = [sys.executable, "-W", "ignore", "-c", code, f"sqlite:///{tmp_path}/mlflow.db", run.id]
    reply = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"mlflow.db is not available: run '{run.id}': (sqlite3.OperationalError) d" in reply.stdout


def test_what_a_store_does_not_have_is_not_unavailable(experiments: ExperimentManager, mlflow_url: str) -> None:
    for store in (experiments, ExperimentManager(mlflow_url)):
        with pytest.raises(RunMissing, match=f"there is no run '{'f' * 32}'"):
            store.recorder("f" * 32).summary()
        with pytest.raises(InputError, match=r"search for 'metrics\.IC >> 1' by time"):
            store.search("metrics.IC >> 1")


def test_what_mlflow_repeats_of_its_address_has_no_password() -> None:
    shown = "http://me:***@host"
    for code, said in ((1, f"MLflow store {shown} is not available: run 'a'"), (1000, "run 'a'")):
        error = MlflowException("API request to http://me:geheim@host/api failed", error_code=code)
        told = explained(error, "run 'a'", shown, server=True)
        assert str(told) == f"{said}: API request to http://me:***@host/api failed"


# --- Addresses that are wrong as a command starts -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        (NOBODY, r"http://me:\*\*\*@127\.0\.0\.1:9 does not answer: \[Errno 111\] Connection refused"),
        ("http://nowhere.invalid", "http://nowhere.invalid does not answer"),
        ("http://[::1", r"'http://\[::1': Invalid IPv6 URL"),
        (
            "postgresql://me:geheim@localhost/db",
            r"//me:\*\*\*@localhost/db': its driver is not installed",
        ),
        ("sqlite:////proc/none/mlflow.db", "sqlite:////proc/none/mlflow.db cannot be opened"),
        ("sqlite:////etc/hostname", "sqlite:////etc/hostname cannot be opened: .*file is not a database"),
        ("gopher://host", "'gopher://host': not an MLflow store"),
    ],
)
def test_a_wrong_address_is_one_line(uri: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        ExperimentManager(uri).check()
    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value)


def test_a_command_ends_with_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "components.tracking", "list", "--uri", NOBODY]
    reply = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (reply.returncode, reply.stdout) == (2, "")
    shown = "http://me:***@127.0.0.1:9"
    assert reply.stderr == f"error: MLflow store {shown} does not answer: [Errno 111] Connection refused\n"


# --- Closing a run whose store is away ----------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError("the training's own"), KeyboardInterrupt()])
def test_a_store_that_is_away_hides_no_error(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    recorder = ExperimentManager(NOBODY).recorder("0" * 32)
    with caplog.at_level(logging.WARNING), pytest.raises(type(error)) as raised, recorder.closing():
        raise error
    assert raised.value is error
    (warning,) = [each.getMessage() for each in caplog.records if each.name == "components.tracking.recorder"]
    assert warning.startswith(f"run {'0' * 32} was not closed: MLflow store http://me:***@127.0.0.1:9 is not")


def test_a_store_that_is_away_delays_no_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.tracking.recorder._CLOSING", 0.1)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")  # some 12 s; MLflow's own are four minutes
    recorder, before = ExperimentManager(NOBODY).recorder("0" * 32), set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt), recorder.closing():
        raise KeyboardInterrupt
    assert set(threading.enumerate()) - before  # it still tries, and nobody waits for it


# --- A server that dies in the middle of a training ---------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """An MLflow server of its own; any user and password will do."""
    (tmp_path / "mlflow").mkdir()
    store = ["--backend-store-uri", f"sqlite:///{tmp_path}/mlflow/mlflow.db"]
    command = [
        "mlflow",
        "server",
        "--workers",
        "1",
        *store,
        "--artifacts-destination",
        f"{tmp_path}/mlflow/artifacts",
    ]
    environ = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with Server(tmp_path / "mlflow", *command, health="health", **environ) as server:
        yield server


@pytest.mark.acceptance
def test_an_mlflow_server_killed_in_the_middle_costs_an_attempt_and_no_secret(
    server: Server,
    mongo_url: str,
    pool: TaskPool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    uri = server.url.replace("http://", f"http://me:{SECRET}@")
    home = tmp_path / "home"
    pool.retry = RetryPolicy(max_attempts=2, base_delay=timedelta(0))
    trainer = TaskTrainer(
        experiments=open_store(uri, home),
        experiment="by hand",
        markets=Markets(),
        matrices=MatrixStore(home / "features"),
        trusted=["sample_models"],
        confirm=pool.heartbeat,
    )
    context = TrainingContext(experiment=trainer.experiments.get_or_create("outage"))
    task = TrainingTask.from_config(CONFIG["task"]).with_data(CONFIG["data"]).with_model_kwargs(seconds=0.5)
    (task_id,) = pool.submit([task], context=context.to_document())

    def train(record: TaskRecord, progress: Progress) -> Any:
        def kill(report: ProgressReport) -> None:
            progress(report)
            if record.attempts == 1 and server.process.poll() is None:
                server.kill()

        return trainer(record, kill)

    def restart(record: TaskRecord) -> None:
        if record.status is TaskStatus.WAITING:
            server.start()

    with caplog.at_level(logging.DEBUG):
        served = Worker(pool=pool, train=train, owner="here:1").serve(restart)
    assert served == WorkerStats(done=1, failures=1)

    record = pool.get(task_id)
    assert (record.status, record.attempts) == (TaskStatus.DONE, 2)
    (error,) = record.errors
    assert error.type == "Unavailable"
    assert "Connection refused" in error.message
    assert "http://me:***@127.0.0.1" in error.message
    run = trainer.experiments.recorder(record.result["recorder_id"])
    assert run.status is RunStatus.FINISHED

    with MongoClient(mongo_url) as client:  # type: ignore[var-annotated]
        documents = str(list(client["tests"][pool.name].find()))
    assert "http://me:***@127.0.0.1" in documents
    assert SECRET not in documents
    assert SECRET not in caplog.text
    telling = [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert telling == []
