"""What the commands have in common: options, quiet libraries, one-line errors, exit statuses."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from components.errors import InputError

#: Exit statuses, besides 0 for success.
FAILED, WRONG_INPUT = 1, 2
#: Every number of an option is below this.
_MOST = 1_000_000_000

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
    """Run a command and exit with its status; wrong input is one line on stderr and status 2."""
    try:
        with signals_as_interrupts():
            status = main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        status = WRONG_INPUT
    except Interrupt as interrupt:
        print("interrupted: claimed tasks were given back; the same command goes on from here", file=sys.stderr)  # noqa: T201
        status = interrupt.status
    except Ended as ended:
        if ended.at_once:
            print(f"\nerror: {ended}", file=sys.stderr, flush=True)  # noqa: T201
            os._exit(ended.status)
        print(f"error: {ended}", file=sys.stderr)  # noqa: T201
        status = ended.status
    sys.exit(status)


def add_task_options(parser: argparse.ArgumentParser) -> None:
    """The options of every flow that trains."""
    parser.add_argument("--data", metavar="URI", help="market data: demo:, qlib:PATH, parquet:PATH, csv:PATH")
    parser.add_argument("--experiment", metavar="NAME", help="MLflow experiment")
    parser.add_argument("--pool", metavar="NAME", help="task pool (default: as the experiment)")
    parser.add_argument("--plan", action="store_true", help="show what would run, and run nothing")
    parser.add_argument("--json", type=writable, metavar="FILE", help="write the outcome to a file")


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """The options of the flows that train many windows."""
    add_task_options(parser)
    parser.add_argument(
        "--runner",
        choices=("thread", "process", "dask", "worker"),
        default="thread",
        help="where to train; worker: leave it to python -m flows.worker",
    )
    parser.add_argument("--dask", metavar="ADDRESS", help="Dask scheduler for --runner dask (default: a local one)")
    parser.add_argument("--workers", type=positive, metavar="N", help="windows that train at the same time")
    parser.add_argument("--step", type=positive, metavar="N", help="trading days from one window to the next")


def positive(text: str) -> int:
    """The number of an option.

    Raises:
        ArgumentTypeError: when it is not a whole number above zero.
    """
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < len(str(_MOST)) else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text:.80} is not a whole number from 1 to {_MOST - 1:,}")
    return number


def seconds(text: str) -> float:
    """The duration of an option.

    Raises:
        ArgumentTypeError: when it is not above zero.
    """
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < _MOST:
        raise argparse.ArgumentTypeError(f"{text:.80} is not a number of seconds above 0")
    return number


def writable(text: str) -> Path:
    """The path of a file that an option wants written.

    Raises:
        ArgumentTypeError: when its folder does not exist, or no file can be written there.
    """
    path = Path(text).expanduser().absolute()
    try:
        if not path.parent.is_dir():
            raise argparse.ArgumentTypeError(f"the folder {path.parent} does not exist")
        if path.exists() and not path.is_file():
            raise argparse.ArgumentTypeError(f"{path} is not a file")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise argparse.ArgumentTypeError(f"{path} cannot be written")
    except (OSError, ValueError) as error:  # a name that is too long, or holds a zero byte
        raise argparse.ArgumentTypeError(f"{text!r:.80} cannot be a file ({error})") from None
    return path
