"""What cannot be stored, reached or read: one clear line each, and nothing lost."""

from __future__ import annotations

import json
import logging
import math
import subprocess
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pymongo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import InputError
from components.pool import PoolRefused, PoolUnreachable, RecordBroken, TaskPool, TaskRecord, TaskStatus, list_pools
from components.pool.__main__ import main
from components.pool.binary import find_mongod
from components.pool.connection import without_password
from components.pool.encoding import SIZE_LIMIT, decode, encode
from components.pool.guard import Guard
from components.tasks import content_key

_PASSWORD = "s3cret@/"  # noqa: S105 - of a server that lives for one test

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(json_values)
def test_what_is_stored_is_what_was_given(value: Any) -> None:
    assert decode(encode(value, "x")) == value


def test_field_names_are_safe_and_readable() -> None:
    assert encode({"l2.train": 1, "$ref": {"50%": 2}, "%2E": 3, "a\0b": 4}, "x") == {
        "l2%2Etrain": 1,
        "%24ref": {"50%25": 2},
        "%252E": 3,
        "a%00b": 4,
    }
    assert encode({"fit": (date(2020, 1, 2), None)}, "x") == {"fit": ["2020-01-02", None]}


def test_progress_and_results_may_hold_nan() -> None:
    for name in ("IC", "IC.mean"):
        assert math.isnan(decode(encode({name: np.float64("nan")}, "x"))[name])


def held(pool: TaskPool) -> TaskRecord:
    record = pool.claim("host:1")
    assert record is not None
    return record


def test_awkward_names_and_values_survive_the_database(pool: TaskPool) -> None:
    task = {"model": {"kwargs": {"a.b": 1, "$c": "$priority", "50%": [{"d.e": None}]}}, "": {"$set": "$$NOW"}}
    assert pool.submit([task]) == [content_key(task)]
    record = held(pool)
    assert record.definition == task
    assert [found.id for found in pool.find({"definition.model.kwargs.a%2Eb": 1})] == [record.id]
    pool.heartbeat(record, {"l2.train": "$owner", "$literal": 1})
    pool.complete(record, {"$result": "$token", "rows.2017": 3})
    done = pool.get(record.id)
    assert done.progress == {"l2.train": "$owner", "$literal": 1}
    assert done.result == {"$result": "$token", "rows.2017": 3}


def test_an_owner_and_an_error_may_hold_any_text(pool: TaskPool) -> None:
    pool.submit([{"n": 1}])
    record = pool.claim("$token")
    assert record is not None
    assert record.owner == "$token"
    pool.fail(record, ValueError("$$ROOT \ud800"))
    assert pool.get(record.id).errors[0].message == "$$ROOT \\ud800"


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"model": object()}, "model: a object cannot be stored as JSON"),
        ({"a": {"b": [1, {2, 3}]}}, r"a\.b\[1\]: a set cannot be stored as JSON"),
        ({"n": float("nan")}, "cannot be stored as JSON"),
        ({"n": 2**64}, "cannot be stored"),
        ({"text": "\ud800"}, "cannot be stored"),
        ({"text": "x" * SIZE_LIMIT}, r"is 1,000,0\d\d bytes, the limit is 1,000,000"),
        ("text", "TrainingTask or a mapping, not a str"),
    ],
)
def test_what_is_no_task_is_refused_and_nothing_written(pool: TaskPool, task: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        pool.submit([{"n": 1}, task])
    assert pool.counts() == {}


def test_a_result_that_is_too_large_is_refused_and_the_task_still_held(pool: TaskPool) -> None:
    pool.submit([{"n": 1}])
    record = held(pool)
    with pytest.raises(InputError, match=r"the result is 1,000,0\d\d bytes"):
        pool.complete(record, "x" * SIZE_LIMIT)
    with pytest.raises(InputError, match="progress is"):
        pool.heartbeat(record, "x" * SIZE_LIMIT)
    pool.complete(record, "small")


def test_a_long_error_is_cut_with_a_note(pool: TaskPool) -> None:
    pool.submit([{"n": 1}])
    record = held(pool)
    pool.fail(record, ValueError("x" * 10_000_000))
    (error,) = pool.get(record.id).errors
    assert error.message == "x" * 4000 + " [9,996,000 characters cut]"
    assert error.traceback.startswith("[9,")
    assert len(error.traceback) < 17_000


def test_history_and_errors_stay_bounded(pool: TaskPool) -> None:
    (task_id,) = pool.submit([{"n": 1}])
    for _ in range(110):
        pool.release(held(pool))
    history = pool.get(task_id).history
    assert len(history) == 200
    assert history[-1].token == 110


# --- the server


def test_no_server(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    url = "mongodb://me:s3cret@127.0.0.1:1/?serverSelectionTimeoutMS=200"
    with pytest.raises(PoolUnreachable, match="does not answer") as caught:
        TaskPool(url)
    assert "mongodb://me:***@127.0.0.1:1" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value) + caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://me:s3c/ret@host",
        "mongodb://me:s3c@ret@host",
        "mongodb://me:s3cret@host:port",
        "",
    ],
)
def test_addresses_that_cannot_be_read(url: str) -> None:
    with pytest.raises(InputError, match="MongoDB address") as caught:
        TaskPool(url)
    assert "s3c" not in str(caught.value)
    assert "ret@" not in str(caught.value)


def test_addresses_are_shown_without_password() -> None:
    assert without_password("mongodb://a:b@h1,h2/db?replicaSet=r") == "mongodb://a:***@h1,h2/db?replicaSet=r"
    assert without_password("mongodb+srv://a:b%40c@h/") == "mongodb+srv://a:***@h/"
    assert without_password("mongodb://h:27017/db") == "mongodb://h:27017/db"


@pytest.mark.parametrize("name", ["", "a$b", "system.tasks", "x" * 200])
def test_pool_names_that_mongodb_refuses(mongo_url: str, name: str) -> None:
    with pytest.raises(InputError, match="pool name"):
        TaskPool(mongo_url, name=name)
    with pytest.raises(InputError, match="database name"):
        TaskPool(mongo_url, database="a.b")


@pytest.fixture(scope="module")
def guarded_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port of a mongod that asks for a password; users admin (all) and reader (read)."""
    folder = tmp_path_factory.mktemp("auth")
    port = Guard(folder, "", None)._choose_port()
    command = [str(find_mongod(folder)), "--auth", "--dbpath", str(folder), "--port", str(port), "--nounixsocket"]
    process = subprocess.Popen([*command, "--bind_ip", "127.0.0.1"], stdout=subprocess.DEVNULL)
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(f"mongodb://127.0.0.1:{port}")
    client.admin.command("createUser", "admin", pwd=_PASSWORD, roles=["root"])
    client.close()
    with pymongo.MongoClient(f"mongodb://admin:s3cret%40%2F@127.0.0.1:{port}") as admin:
        admin.admin.command("createUser", "reader", pwd=_PASSWORD[:6], roles=["readAnyDatabase"])
    yield f"127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


def test_password_and_rights(guarded_url: str) -> None:
    with TaskPool(f"mongodb://admin:s3cret%40%2F@{guarded_url}/") as pool:
        pool.submit([{"n": 1}])
        assert repr(pool) == f"TaskPool('mongodb://admin:***@{guarded_url}/', 'rollflow', 'rolling')"
    with pytest.raises(PoolUnreachable, match="wrong user or password") as caught:
        TaskPool(f"mongodb://admin:s3cret-not@{guarded_url}/")
    assert "s3cret" not in str(caught.value)
    reader = f"mongodb://reader:s3cret@{guarded_url}/"
    with TaskPool(reader) as pool:
        assert pool.counts() == {TaskStatus.WAITING: 1}
        assert len(pool.find()) == 1
        for write in (lambda: pool.claim("x"), lambda: pool.submit([{"n": 2}]), pool.cancel):
            with pytest.raises(PoolRefused, match="needs the role readWrite") as refused:
                write()
            assert "s3cret" not in str(refused.value)
    assert list_pools(reader) == ["rolling"]
    with pytest.raises(PoolRefused, match="may not do that"):
        TaskPool(f"mongodb://{guarded_url}/").counts()


def test_a_hanging_server_is_given_up(mongo_url: str) -> None:
    with TaskPool(mongo_url + "/?socketTimeoutMS=100", "tests", "slow", patience=timedelta(seconds=0.3)) as pool:
        pool.submit([{"n": 1}])
        start = time.monotonic()
        with pytest.raises(PoolUnreachable, match="does not answer"):
            pool.find({"$where": "sleep(1000) || true"})
        assert time.monotonic() - start < 5


# --- records that somebody else changed


def change(pool: TaskPool, task_id: str, **fields: Any) -> None:
    pool._tasks.update_one({"_id": task_id}, {"$set": fields})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"schema": 2}, "schema is 2, this version reads up to 1; update rollflow"),
        ({"schema": "1"}, "schema is '1'"),
        ({"definition": "gone"}, r"cannot read definition \('gone'\)"),
        ({"token": None}, r"cannot read token \(None\)"),
        ({"history": {}}, "cannot read history"),
        ({"status": "wating"}, r"cannot read status \('wating'\)"),
    ],
)
def test_a_broken_record_is_named_and_left_and_the_others_go_on(
    pool: TaskPool, fields: dict[str, Any], message: str
) -> None:
    broken, sound = pool.submit([{"n": 1}, {"n": 2}])
    change(pool, broken, **fields)
    before = pool._tasks.find_one({"_id": broken})
    with pytest.raises(RecordBroken, match=f"task {broken}: {message}"):
        pool.get(broken)
    with pytest.raises(RecordBroken, match=broken):
        pool.find()
    record = held(pool)
    assert record.id == sound
    pool.complete(record)
    assert pool.claim("host:2") is None
    assert pool._tasks.find_one({"_id": broken}) == before
    pool.remove({})


def test_a_broken_record_does_not_stop_the_reaping(pool: TaskPool, caplog: pytest.LogCaptureFixture) -> None:
    pool.lease = timedelta(milliseconds=50)
    broken, lost = pool.submit([{"n": 1}, {"n": 2}])
    assert [held(pool).id, held(pool).id] == [broken, lost]
    change(pool, broken, progress=None, errors="none")
    time.sleep(0.1)
    assert pool.reap() == [lost]
    assert f"task {broken}: cannot read errors" in caplog.text


def test_a_pool_with_an_unknown_status_says_so(
    capsys: pytest.CaptureFixture[str], pool: TaskPool, mongo_url: str
) -> None:
    (task_id,) = pool.submit([{"n": 1}])
    change(pool, task_id, status="wating")
    with pytest.raises(RecordBroken, match="unknown status: 'wating'"):
        pool.counts()
    arguments = ["--url", mongo_url, "--database", pool.database, "--json"]
    assert main(["list", *arguments]) == 2  # and the other pools are shown
    shown = capsys.readouterr()
    assert pool.name not in json.loads(shown.out)
    assert "unknown status" in shown.err
    pool.remove({})
    assert main(["list", *arguments]) == 0


def test_log_file_of_a_folder_is_named(tmp_path: Path) -> None:
    assert not (tmp_path / "mongod.log").exists()
    assert Guard(tmp_path, "", None)._reason() == "it ended at once; is it made for this system?"
