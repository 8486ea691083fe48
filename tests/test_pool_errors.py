"""What cannot be stored, reached or read: one clear line each, and nothing lost."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import bson
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import InputError
from components.pool import TaskPool, TaskRecord
from components.pool.encoding import SIZE_LIMIT, decode, encode, encode_task
from components.tasks import content_key, text_key

_PASSWORD = "s3cret@/"  # noqa: S105 - of a server that lives for one test

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(json_values)
def test_what_is_stored_is_what_was_given(value: Any) -> None:
    assert decode(encode(value, "x")) == value


@given(json_values)
def test_a_task_is_stored_as_it_was_given_under_the_key_of_its_content(value: Any) -> None:
    text, stored = encode_task({"a": value})
    assert decode(bson.decode(stored)) == {"a": value}
    assert text_key(text) == content_key({"a": value})


@pytest.mark.parametrize(
    ("task", "text", "stored"),
    [
        (
            {"fit": {1: (date(2020, 1, 2), True)}},
            b'{"fit":{"1":["2020-01-02",true]}}',
            {"fit": {"1": ["2020-01-02", True]}},
        ),
        ({"l2.train": 0.5}, b'{"l2.train":0.5}', {"l2%2Etrain": 0.5}),
        ({"a": {'l2"train.': "."}}, b'{"a":{"l2\\"train.":"."}}', {"a": {'l2"train%2E': "."}}),
        ({"$a": {"5%": ".\\"}}, b'{"$a":{"5%":".\\\\"}}', {"%24a": {"5%25": ".\\"}}),
        ({"a\0": ":"}, b'{"a\\u0000":":"}', {"a%00": ":"}),
    ],
)
def test_a_task_may_have_any_names(task: Any, text: bytes, stored: Any) -> None:
    written, binary = encode_task(task)
    assert written == text
    assert bson.decode(binary) == stored


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
        ({"text": "\ud800"}, "no JSON form"),
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


def test_no_password_of_an_address_is_stored(pool: TaskPool) -> None:
    (task_id,) = pool.submit([{"n": 1}])
    try:
        try:
            raise OSError("cannot reach postgresql://me:s3cret@db/mlflow")
        except OSError as cause:
            raise ValueError(
                "no run at https://me:s3c@ret@mlflow.example/api, mongodb://h/?tlsCertificateKeyFilePassword=s3cret"
            ) from cause
    except ValueError as error:
        pool.fail(held(pool), error)
    stored = bson.encode(pool._collection.documents.find_one({"_id": task_id}) or {})
    assert b"s3c" not in stored
    assert b"ret@" not in stored
    (failed,) = pool.get(task_id).errors
    assert "https://me:***@mlflow.example/api" in failed.message
    assert "postgresql://me:***@db/mlflow" in failed.traceback


def test_a_secret_that_the_cut_would_halve_is_removed_first(pool: TaskPool) -> None:
    pool.submit([{"n": 1}])
    record = held(pool)
    pool.fail(record, ValueError("x" * 3_970 + " mongodb://me:s3cret-and-long@host"))
    assert "s3c" not in pool.get(record.id).errors[0].message


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
