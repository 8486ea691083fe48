"""Records changed by hand, or written by a newer version: each is named and left, the others go on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from components.pool import RecordBroken, TaskPool, TaskRecord, TaskStatus
from components.pool.__main__ import main

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def clean(pool: TaskPool) -> Iterator[None]:
    """Other tests list the pools of this database."""
    yield
    pool.remove({})


def held(pool: TaskPool) -> TaskRecord:
    record = pool.claim("host:1")
    assert record is not None
    return record


def change(pool: TaskPool, task_id: str, **fields: Any) -> dict[str, Any]:
    pool._collection.documents.update_one({"_id": task_id}, {"$set": fields})
    document = pool._collection.documents.find_one({"_id": task_id})
    assert document is not None
    return document


def command(pool: TaskPool, url: str, *words: str) -> int:
    return main([words[0], "--url", url, "--database", pool.database, "--pool", pool.name, *words[1:]])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"schema": 2}, "schema is 2, this version reads up to 1; update rollflow"),
        ({"schema": "1"}, "schema is '1'"),
        ({"definition": "gone"}, r"cannot read definition \('gone'\); mend or remove it"),
        ({"token": None}, r"cannot read token \(None\)"),
        ({"priority": 1.0}, r"cannot read priority \(1.0\)"),
        ({"history": {}}, "cannot read history"),
        ({"status": "wating"}, r"cannot read status \('wating'\)"),
    ],
)
def test_a_broken_record_is_named_and_left_and_the_others_go_on(
    pool: TaskPool, fields: dict[str, Any], message: str
) -> None:
    broken, sound = pool.submit([{"n": 1}, {"n": 2}])
    before = change(pool, broken, **fields)
    with pytest.raises(RecordBroken, match=f"task {broken}: {message}"):
        pool.get(broken)
    with pytest.raises(RecordBroken, match=broken):
        pool.find()
    told: list[RecordBroken] = []
    assert [record.id for record in pool.find(on_broken=told.append)] == [sound]
    assert broken in str(told[0])
    assert pool.count() == 2
    assert pool.prioritise(3) == 1
    record = held(pool)
    assert (record.id, record.priority) == (sound, 3)
    assert pool.cancel() == 1
    assert pool.reset(status=list(TaskStatus)) == 1
    pool.complete(held(pool))
    assert pool.claim("host:2") is None
    assert pool.reap() == []
    with pytest.raises(RecordBroken, match=f"task {broken}: {message}"):  # for nobody will ever finish it
        pool.wait(poll=timedelta(seconds=0.01), timeout=SECOND)
    assert pool._collection.documents.find_one({"_id": broken}) == before
    assert pool.remove(ids=[broken]) == 1
    assert pool.wait(timeout=SECOND) == {TaskStatus.DONE: 1}


@pytest.mark.parametrize(
    "fields",
    [
        {"history.0.at": "yesterday"},
        {"history.0": "submitted"},
        {"errors": [{"type": "ValueError"}]},
        {"lease_until": "soon"},
    ],
)
def test_what_is_broken_within_a_field_is_found_when_it_is_read(pool: TaskPool, fields: dict[str, Any]) -> None:
    (task_id,) = pool.submit([{"n": 1}])
    held(pool)
    change(pool, task_id, **fields)
    with pytest.raises(RecordBroken, match=f"task {task_id}: cannot read {next(iter(fields)).partition('.')[0]}"):
        pool.get(task_id)


def test_waiting_goes_on_as_long_as_there_is_a_task_that_can_be_read(pool: TaskPool) -> None:
    broken, _ = pool.submit([{"n": 1}, {"n": 2}])
    change(pool, broken, schema=2)
    with pytest.raises(TimeoutError, match="2 tasks"):
        pool.wait(poll=timedelta(seconds=0.01), timeout=timedelta(seconds=0.2))


def test_a_broken_record_does_not_stop_the_reaping(pool: TaskPool, caplog: pytest.LogCaptureFixture) -> None:
    pool.lease = timedelta(milliseconds=50)
    broken, lost = pool.submit([{"n": 1}, {"n": 2}])
    assert [held(pool).id, held(pool).id] == [broken, lost]
    change(pool, broken, progress=None, errors="none")
    time.sleep(0.1)
    assert pool.reap() == [lost]
    assert pool.reap() == []
    assert caplog.text.count(f"task {broken}: cannot read errors") == 1  # said once, not at every look


def test_the_commands_show_the_others_and_name_the_broken_one(
    pool: TaskPool, mongo_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    broken, sound = pool.submit([{"n": 1}, {"n": 2}])
    change(pool, broken, history="lost", status="failed")
    for words in (("query", "--json"), ("failures", "--json"), ("show", broken)):
        capsys.readouterr()
        assert command(pool, mongo_url, *words) == 2
        shown = capsys.readouterr()
        assert f"error: task {broken}: cannot read history ('lost'); mend or remove it" in shown.err
        if words[0] == "query":
            assert [task["id"] for task in json.loads(shown.out)] == [sound]
    assert command(pool, mongo_url, "counts") == 0
    assert command(pool, mongo_url, "remove", "--yes", "--id", broken) == 0
    assert command(pool, mongo_url, "query") == 0


def test_a_pool_with_an_unknown_status_can_be_listed_and_mended(
    pool: TaskPool, mongo_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (task_id,) = pool.submit([{"n": 1}])
    change(pool, task_id, status="wating")
    with pytest.raises(RecordBroken, match=rf"task {task_id}: cannot read status \('wating'\)"):
        pool.counts()
    arguments = ["--url", mongo_url, "--database", pool.database, "--json"]
    assert main(["list", *arguments]) == 2  # and the other pools are shown
    shown = capsys.readouterr()
    assert pool.name not in json.loads(shown.out)
    assert "cannot read status ('wating')" in shown.err
    for words in (("counts",), ("wait",)):
        assert command(pool, mongo_url, *words) == 2
    assert command(pool, mongo_url, "cancel", "--yes") == 0
    assert command(pool, mongo_url, "remove", "--all", "--yes") == 0
    assert main(["list", *arguments]) == 0
