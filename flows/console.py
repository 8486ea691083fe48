"""What the commands have in common: quiet libraries, one-line errors, exit statuses."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from components.errors import InputError, RollflowError
from components.redaction import redacted

#: Exit statuses, besides 0 for success.
FAILED, WRONG_INPUT = 1, 2

_QUIET = {
    "DO_NOT_TRACK": "1",  # or Prefect tells of its usage data on every new machine
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
}


class Interrupt(BaseException):
    """The process was told to end by a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number


class Ended(Exception):
    """A command ends early, for a reason that is one line."""

    def __init__(self, text: str, status: int, *, at_once: bool = False) -> None:
        super().__init__(text)
        self.status = status
        #: Whether to wait for nothing: Prefect goes on for minutes trying to tell a lost server of each node.
        self.at_once = at_once


def quiet_libraries() -> None:
    """Let Prefect and MLflow speak up only when something is wrong; what the user has set stays."""
    from components.tracking.store import quiet_mlflow

    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    quiet_mlflow()


@contextmanager
def signals_as_interrupts() -> Iterator[None]:
    """Raise `Interrupt` in the main thread on Ctrl-C and on SIGTERM; a second one ends the process at once."""

    def interrupt(number: int, _frame: FrameType | None) -> NoReturn:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_DFL)
        raise Interrupt(number)

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_command(main: Callable[[], int]) -> NoReturn:
    """Run a command and exit with its status. An error that can be explained is one line: 2 wrong input, else 1."""
    try:
        with signals_as_interrupts():
            status = main()
    except (RollflowError, OSError) as error:  # a full disk, for one
        print(f"error: {redacted(str(error))}", file=sys.stderr)  # noqa: T201
        status = WRONG_INPUT if isinstance(error, InputError) else FAILED
    except Interrupt as interrupt:
        print(f"interrupted: {_given_back()}; the same command goes on from here", file=sys.stderr)  # noqa: T201
        status = interrupt.status
    except Ended as ended:
        if ended.at_once:
            print(f"\nerror: {ended}", file=sys.stderr, flush=True)  # noqa: T201
            os._exit(ended.status)
        print(f"error: {ended}", file=sys.stderr)  # noqa: T201
        status = ended.status
    sys.exit(status)


def _given_back() -> str:
    """What has become of the tasks that were claimed."""
    services = sys.modules.get("flows.services")  # it takes long to import, and without it nothing was claimed
    count = services.REGISTRY.unreturned if services else 0
    if not count:
        return "claimed tasks were given back"
    return f"MongoDB did not answer, so that {count} claimed tasks are only free when their lease has run out"
