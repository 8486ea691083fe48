"""The family of errors crosses processes: every one of them is the same after a pickle round trip."""

from __future__ import annotations

import importlib
import inspect
import pickle
import pkgutil
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

import components
from components.errors import InputError, RollflowError, Unavailable
from components.execution import AttemptFailed, Interrupted, NotRunnableHere
from components.pool import TaskRecord, TaskStatus
from components.pool.record import FailedAttempt
from components.rolling import RunResult, WindowsFailed
from components.serving.gate import GateReport
from components.serving.outcome import RED, DayResult, ServiceResult

NOON = datetime(2020, 1, 2, 12, tzinfo=UTC)
RECORD = TaskRecord(
    id="ab" * 32,
    definition={"seed": 7},
    context={},
    status=TaskStatus.WAITING,
    priority=0,
    owner="here:1",
    token=1,
    claim_id="c1a1",
    claimed_from=TaskStatus.WAITING,
    attempts=1,
    lease_until=None,
    not_before=None,
    started_at=NOON,
    progress=None,
    result=None,
    errors=(
        FailedAttempt(
            attempt=1,
            token=1,
            reason="error",
            type="ZeroDivisionError",
            message="division by zero",
            traceback="",
            owner="here:1",
            host="here",
            started=NOON,
            duration=1.5,
        ),
    ),
    history=(),
    created_at=NOON,
    updated_at=NOON,
    schema=1,
)
RESULT = RunResult(
    experiment="demo",
    pool="demo",
    recorder_id="",
    windows=(),
    metrics={},
    predictions=None,
    report=None,
    gaps=(),
    reused=0,
)
SERVED = ServiceResult(
    experiment="demo",
    service="demo",
    recorder_id="",
    days=(DayResult(day="2020-01-02", status=RED, trained=(), online={}, summary="gate red"),),
    models=(),
    signals=None,
)
#: A value for each type of an argument that the constructor of an error may take.
ARGUMENTS: dict[str, Any] = {
    "str": "what, where and what to do",
    "TaskRecord": RECORD,
    "RunResult": RESULT,
    "GateReport": GateReport(day="2020-01-02", checks=()),
    "ServiceResult": SERVED,
    "Mapping[str, Json]": {"definition.data": None},
}


E = TypeVar("E", bound=BaseException)


def sent(error: E) -> E:
    """The error as another process gets it."""
    copy: E = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    return copy


def family(cls: type[BaseException]) -> list[type[BaseException]]:
    return [cls, *(below for each in cls.__subclasses__() for below in family(each))]


def every_error() -> list[type[BaseException]]:
    for module in pkgutil.walk_packages(components.__path__, "components."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found = dict.fromkeys([*family(RollflowError), Interrupted, NotRunnableHere])
    return sorted(
        (each for each in found if each.__module__.startswith("components.")), key=lambda cls: cls.__name__
    )


def made(cls: type[BaseException]) -> BaseException:
    if not inspect.isfunction(cls.__init__):  # none of its own: takes whatever an exception takes
        return cls(ARGUMENTS["str"])
    _self, *parameters = inspect.signature(cls.__init__).parameters.values()
    return cls(
        **{each.name: ARGUMENTS[each.annotation] for each in parameters if each.default is inspect.Parameter.empty}
    )


@pytest.mark.parametrize("cls", every_error(), ids=lambda cls: cls.__name__)
def test_an_error_is_the_same_in_another_process(cls: type[BaseException]) -> None:
    error = made(cls)
    error.add_note("in the child process")
    again = sent(error)
    assert type(again) is cls
    assert (str(again), vars(again)) == (str(error), vars(error))


def test_what_errors_say_after_the_way_through_a_process() -> None:
    failed = sent(AttemptFailed(RECORD))
    assert str(failed) == "task abababababab, attempt 1: ZeroDivisionError: division by zero"
    assert failed.will_retry
    assert str(sent(WindowsFailed(RESULT))) == "0 of 0 windows failed: "


def test_the_families_do_not_overlap() -> None:
    both = [cls for cls in every_error() if issubclass(cls, InputError) and issubclass(cls, Unavailable)]
    assert both == []
