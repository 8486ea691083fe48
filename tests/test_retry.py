from __future__ import annotations

import json
from datetime import timedelta

import pytest

from components.errors import InputError
from components.pool import RetryDecision, RetryPolicy, TaskLost

POLICY = RetryPolicy(max_attempts=4, base_delay=timedelta(seconds=2), max_delay=timedelta(seconds=7), jitter=0.5)
FOR_GOOD = timedelta(0)


@pytest.mark.parametrize(
    ("error", "attempts", "chance", "expected"),
    [
        (ValueError(), 1, 0.0, (True, 2.0)),
        (ValueError(), 1, 0.5, (True, 1.5)),  # half the rest is random: 2 * (1 - 0.5 * 0.5)
        (ValueError(), 2, 0.0, (True, 4.0)),
        (ValueError(), 3, 0.0, (True, 7.0)),  # 8, but no longer than max_delay
        (ValueError(), 3, 1.0, (True, 3.5)),
        (ValueError(), 4, 0.0, (False, 0.0)),
        (ValueError(), 9, 0.0, (False, 0.0)),
        (MemoryError(), 1, 0.0, (True, 2.0)),
        (InputError(), 1, 0.0, (False, 0.0)),
        (ImportError(), 1, 0.0, (False, 0.0)),
        (ModuleNotFoundError(), 1, 0.0, (False, 0.0)),
        (TaskLost(), 1, 0.0, (True, 0.0)),
        (TaskLost(), 3, 0.0, (True, 0.0)),
        (TaskLost(), 4, 0.0, (False, 0.0)),
    ],
)
def test_decision(error: Exception, attempts: int, chance: float, expected: tuple[bool, float]) -> None:
    decision = POLICY.decide(error, attempts, chance)
    assert (decision.retry, decision.delay.total_seconds()) == expected


def test_the_reason_is_told() -> None:
    assert POLICY.decide(ValueError(), 2, 0.0) == RetryDecision(True, timedelta(seconds=4), "attempt 2 of 4")
    assert POLICY.decide(InputError(), 1, 0.0) == RetryDecision(
        False, FOR_GOOD, "InputError is not worth another attempt"
    )


def test_a_hundred_attempts_do_not_overflow() -> None:
    policy = RetryPolicy(max_attempts=1000)
    assert policy.decide(ValueError(), 999, 0.0).delay == timedelta(minutes=5)


def test_errors_are_non_retryable_by_the_names_of_their_classes_and_bases() -> None:
    policy = RetryPolicy(non_retryable=("ArithmeticError",))
    assert not policy.decide(ZeroDivisionError(), 1, 0.0).retry
    assert policy.decide(InputError(), 1, 0.0).retry


def test_the_json_form_is_plain_and_reads_back() -> None:
    document = POLICY.to_document()
    assert document == {
        "max_attempts": 4,
        "base_delay": 2.0,
        "max_delay": 7.0,
        "jitter": 0.5,
        "non_retryable": ["InputError", "ImportError", "NotImplementedError"],
    }
    assert RetryPolicy.from_document(json.loads(json.dumps(document))) == POLICY
    assert RetryPolicy.from_document({"max_attempts": 5}) == RetryPolicy(max_attempts=5)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"max_atempts": 3}, "unknown key 'max_atempts'; did you mean 'max_attempts'"),
        ({"max_attempts": "3"}, "max_attempts is '3'"),
        ({"max_attempts": True}, "max_attempts is True"),
        ({"max_attempts": 0}, "max_attempts is 0; give at least 1"),
        ({"base_delay": "soon"}, "base_delay is 'soon'"),
        ({"base_delay": 1e30}, "base_delay is 1e"),
        ({"base_delay": float("nan")}, "base_delay is nan"),
        ({"max_delay": -1}, "max_delay is .*; give zero or more"),
        ({"jitter": float("nan")}, "jitter is nan"),
        ({"non_retryable": "ValueError"}, "non_retryable is 'ValueError'"),
    ],
)
def test_json_forms_that_are_wrong_are_refused_in_one_line(document: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=f"RetryPolicy.*{message}") as caught:
        RetryPolicy.from_document(document)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong", [{"max_attempts": 0}, {"jitter": 1.5}, {"jitter": -0.1}, {"base_delay": timedelta(seconds=-1)}]
)
def test_wrong_policies_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match="RetryPolicy"):
        RetryPolicy(**wrong)  # type: ignore[arg-type]  # that is the point
