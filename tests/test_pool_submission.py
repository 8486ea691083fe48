"""Submitting beside others who submit the same or remove it: nothing is lost, the newest instructions count."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import pytest
from mongods import Mongod, failing, running

from components.pool import TaskPool

_names = count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """One whose commands can be held up."""
    with running(Mongod(tmp_path_factory.mktemp("mongod"))) as mongod:
        yield mongod


@pytest.fixture
def pool(server: Mongod) -> Iterator[TaskPool]:
    with TaskPool(server.url, "tests", f"submission_{next(_names)}") as pool:
        pool.submit([{"n": 0}])  # it is not a new one, of which nothing is known
        yield pool


@contextmanager
def meanwhile(action: Callable[[], object]) -> Iterator[None]:
    """Begin the action, then run the block while it is held up; at the end of the block the action has ended."""
    thread = threading.Thread(target=action)
    thread.start()
    time.sleep(0.2)
    yield
    thread.join()


def test_a_task_that_is_removed_while_it_is_submitted_again_is_stored(server: Mongod, pool: TaskPool) -> None:
    (task_id,) = pool.submit([{"n": 1}])
    with (
        failing(server.url, "update", blockConnection=True, blockTimeMS=600),
        meanwhile(lambda: pool.submit([{"n": 1}], context={"parent": "new"})),
    ):
        assert pool.remove(ids=[task_id]) == 1
    assert pool.get(task_id).context == {"parent": "new"}


@pytest.mark.parametrize("held_up", [1, 2], ids=["the older one stores last", "the newer one stores last"])
def test_of_two_submissions_at_the_same_time_the_newer_ones_context_counts(
    server: Mongod, pool: TaskPool, held_up: int
) -> None:
    with (
        failing(server.url, "insert", times=held_up, blockConnection=True, blockTimeMS=600),
        meanwhile(lambda: pool.submit([{"n": 1}], context={"parent": "older"}, run="older")),
    ):
        (task_id,) = pool.submit([{"n": 1}], context={"parent": "newer"}, run="newer")
    record = pool.get(task_id)
    assert record.context == {"parent": "newer"}
    assert sorted(record.runs) == ["newer", "older"]


def test_who_gives_no_context_takes_none_away(server: Mongod, pool: TaskPool) -> None:
    with (
        failing(server.url, "insert", times=2, blockConnection=True, blockTimeMS=600),
        meanwhile(lambda: pool.submit([{"n": 1}])),
    ):
        (task_id,) = pool.submit([{"n": 1}], context={"parent": "given"})
    pool.submit([{"n": 1}])
    assert pool.get(task_id).context == {"parent": "given"}
