"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

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


@pytest.fixture
def pool(mongo_url: str) -> Iterator[TaskPool]:
    """An empty pool of its own for one test."""
    with TaskPool(mongo_url, database="tests", name=f"pool_{next(_pool_numbers)}") as pool:
        yield pool
