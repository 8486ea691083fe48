"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings
from mongods import ReplicaSet, running
from servers import Server, prefect_server
from small_matrices import URI

from components.data import Market, open_market
from components.features import MatrixStore
from components.pool import TaskPool
from components.pool.mongod import embedded_mongo
from components.tracking import ExperimentManager, open_store

# How long an example takes says more of the machine than of the code.
settings.register_profile("rollflow", deadline=None)
settings.load_profile("rollflow")

SHARED = Path(__file__).resolve().parents[2] / "shared"
_pool_numbers = count(1)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data beside the checkout; where it is missing the test skips, but fails in CI."""
    if not (SHARED / "goldens").is_dir():
        message = "the reference data (../shared) is not beside this checkout"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return SHARED


@pytest.fixture(scope="session")
def mongo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real private mongod, empty at first and shared by the tests of this run."""
    with embedded_mongo(tmp_path_factory.mktemp("home")) as url:
        yield url


@pytest.fixture(scope="module")
def replica_set(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    """Three real mongods that the tests of a module may kill, but leave well."""
    with running(ReplicaSet(tmp_path_factory.mktemp("replica_set"))) as servers:
        yield servers


@pytest.fixture(scope="session")
def prefect_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API of a real Prefect server with a database of its own, shared by the tests of this run."""
    with prefect_server(tmp_path_factory.mktemp("prefect")) as server:
        yield f"{server.url}/api"


@pytest.fixture(scope="session")
def mlflow_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real MLflow server on a fresh SQLite file, which passes artifacts on, shared by the tests of this run."""
    home = tmp_path_factory.mktemp("mlflow")
    store = [
        "--backend-store-uri",
        f"sqlite:///{home / 'mlflow.db'}",
        "--artifacts-destination",
        str(home / "artifacts"),
    ]
    command = ["mlflow", "server", "--workers", "2", *store]
    environ = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with Server(home, *command, health="health", **environ) as server:
        yield server.url


@pytest.fixture
def pool(mongo_url: str) -> Iterator[TaskPool]:
    """An empty pool of its own for one test."""
    with TaskPool(mongo_url, database="tests", name=f"pool_{next(_pool_numbers)}") as pool:
        yield pool


@pytest.fixture(scope="module")
def market() -> Market:
    """The small demo market."""
    return open_market(URI)


@pytest.fixture(scope="module")
def matrices(tmp_path_factory: pytest.TempPathFactory) -> MatrixStore:
    """Feature matrices of one module, none at first."""
    return MatrixStore(tmp_path_factory.mktemp("matrices"))


@pytest.fixture(scope="module")
def experiments(tmp_path_factory: pytest.TempPathFactory) -> ExperimentManager:
    """A fresh SQLite store of one module."""
    return open_store(None, tmp_path_factory.mktemp("store"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count the wrong inputs that were answered as they should be."""
    passed = [report.nodeid for report in terminalreporter.stats.get("passed", ()) if report.when == "call"]
    if count := sum("::test_wrong_input[" in nodeid for nodeid in passed):
        terminalreporter.write_line(f"wrong inputs: {count} cases, each one line, status 2, nothing written")
