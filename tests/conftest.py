"""Fixtures that every test may use."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from commands import wait_until

from components.pool import TaskPool
from components.pool.embedded import embedded_mongo

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


@pytest.fixture(scope="session")
def prefect_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API of a real Prefect server with a database of its own, shared by the tests of this run."""
    home = tmp_path_factory.mktemp("prefect")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = os.environ | {"PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        wait_until(lambda: _answers(f"http://127.0.0.1:{port}/api/health"), timeout=90)
        yield f"http://127.0.0.1:{port}/api"
    finally:
        server.terminate()
        server.wait(30)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


@pytest.fixture
def pool(mongo_url: str) -> Iterator[TaskPool]:
    """An empty pool of its own for one test."""
    with TaskPool(mongo_url, database="tests", name=f"pool_{next(_pool_numbers)}") as pool:
        yield pool
