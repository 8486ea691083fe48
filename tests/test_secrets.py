"""No password is kept anywhere, also when the server dies whose address holds it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from commands import desk, finish, wait_until
from pymongo import MongoClient
from servers import Server, prefect_server

from components.pool import TaskPool, TaskStatus

pytestmark = pytest.mark.acceptance

SECRET = "s3sam+öffne%"  # noqa: S105
#: As it stands in an address, in a text, and in the header of a request.
SPELLINGS = [SECRET, "s3sam%2B%C3%B6ffne%25", "czNzYW0r"]


@pytest.fixture
def mlflow(tmp_path: Path) -> Iterator[Server]:
    home = tmp_path / "mlflow"
    home.mkdir()
    store = [
        "--backend-store-uri",
        f"sqlite:///{home / 'mlflow.db'}",
        "--artifacts-destination",
        str(home / "kept"),
    ]
    environ = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with Server(home, "mlflow", "server", "--workers", "1", *store, health="health", **environ) as server:
        yield server


def found_in(folder: Path) -> list[str]:
    """Files that hold the secret."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "server.log"]
    return [str(path) for path in files if any(each.encode() in path.read_bytes() for each in SPELLINGS)]


def test_a_tracking_server_that_dies_leaves_its_password_nowhere(
    tmp_path: Path, mlflow: Server, mongo_url: str
) -> None:
    home, prefect_home = tmp_path / "home", tmp_path / "prefect"
    for folder in (home, prefect_home):
        folder.mkdir()
    with prefect_server(prefect_home) as prefect:
        here = desk(
            home,
            PREFECT_API_URL=f"{prefect.url}/api",
            ROLLFLOW_MONGO_URL=mongo_url,
            ROLLFLOW_DATABASE="secrets",
            MLFLOW_TRACKING_URI=mlflow.url.replace("://", f"://someone:{SPELLINGS[1]}@"),
            MLFLOW_HTTP_REQUEST_MAX_RETRIES="1",
            MLFLOW_HTTP_REQUEST_TIMEOUT="2",
        )
        options = ("--step", 100, "--retries", 1, "--workers", 1, "--json", home / "outcome.json")
        flow = here.start("flows.rolling", here.config(seconds=6.0), *options)
        with TaskPool(mongo_url, database="secrets", name="small") as pool:
            wait_until(lambda: pool.counts()[TaskStatus.RUNNING] > 0)
            mlflow.kill()
            outcome = finish(flow, timeout=240)
            assert outcome.status == 1, outcome.err
            failures = [error for record in pool.find() for error in record.errors]
            assert any("127.0.0.1" in failure.traceback for failure in failures)  # what was redacted is there
    client: MongoClient[dict[str, object]] = MongoClient(mongo_url)
    with client:
        documents = str(list(client["secrets"]["small"].find()))
    for text in (outcome.out, outcome.err, documents):
        assert not [each for each in SPELLINGS if each in text]
    assert "Traceback" not in outcome.err
    assert found_in(tmp_path) == []
    with closing(sqlite3.connect(prefect_home / "prefect.db")) as database:
        (states,) = database.execute("SELECT count(*) FROM flow_run_state WHERE type = 'FAILED'").fetchone()
        (logs,) = database.execute("SELECT count(*) FROM log").fetchone()
    assert states > 0  # the failure was stored in Prefect, too
    assert logs > 0
