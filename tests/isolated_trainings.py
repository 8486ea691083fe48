"""What the tests of isolated training let child processes do."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from components.errors import InputError
from components.execution import NotRunnableHere
from components.pool import TaskRecord
from components.progress import Progress, ProgressReport


class Unpicklable(Exception):
    """An error that can be written but not read."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


def obey(record: TaskRecord, progress: Progress) -> Any:
    """Do what the task says."""
    return _ORDERS[record.definition["do"]](record.definition, progress)


def make() -> Callable[[TaskRecord, Progress], Any]:
    return obey


def broken() -> Callable[[TaskRecord, Progress], Any]:
    raise RuntimeError("cannot be made")


def answer(order: dict[str, Any], progress: Progress) -> Any:
    return {"pid": os.getpid(), "answer": order["n"] * 2}


def fail(order: dict[str, Any], progress: Progress) -> Any:
    raise ZeroDivisionError("told to fail")


def refuse(order: dict[str, Any], progress: Progress) -> Any:
    raise InputError("no such feature")


def fail_oddly(order: dict[str, Any], progress: Progress) -> Any:
    raise Unpicklable("very", "odd")


def leave(order: dict[str, Any], progress: Progress) -> Any:
    raise NotRunnableHere("no market here", {"do": "leave"})


def die(order: dict[str, Any], progress: Progress) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def crash(order: dict[str, Any], progress: Progress) -> Any:
    ctypes.string_at(0)


def leave_the_process(order: dict[str, Any], progress: Progress) -> Any:
    os._exit(7)


def hog(order: dict[str, Any], progress: Progress) -> Any:
    held = [bytearray(b"x" * 2**20) for _ in range(order["megabytes"])]
    time.sleep(60)
    return len(held)


def hang(order: dict[str, Any], progress: Progress) -> Any:
    """Without a word, and with a process of its own."""
    with open(order["pids"], "w") as file:
        file.write(f"{os.getpid()} {subprocess.Popen(['sleep', '60']).pid}")
    time.sleep(60)


def start_a_server(order: dict[str, Any], progress: Progress) -> None:
    """A process in a session of its own, of which the parent is gone at once; it says its number in a file."""
    script = 'echo $$ >> "$0"; exec sleep 60'
    starter = (
        f"import subprocess; subprocess.Popen(['sh', '-c', {script!r}, {order['pids']!r}], start_new_session=True)"
    )
    subprocess.run([sys.executable, "-c", starter], check=True)
    while not os.path.exists(order["pids"]) or not os.path.getsize(order["pids"]):
        time.sleep(0.01)


def start_and_answer(order: dict[str, Any], progress: Progress) -> Any:
    start_a_server(order, progress)
    return "started"


def start_and_die(order: dict[str, Any], progress: Progress) -> Any:
    with open(order["pids"], "w") as file:
        file.write(f"{subprocess.Popen(['sleep', '60']).pid}\n")
    start_a_server(order, progress)
    os.kill(os.getpid(), signal.SIGKILL)


def exit_with_status_3(order: dict[str, Any], progress: Progress) -> Any:
    raise SystemExit(3)


def report(order: dict[str, Any], progress: Progress) -> Any:
    for step in range(1000):
        progress(ProgressReport(step, 1000, {"l2.valid": 0.5}))
        time.sleep(0.05)


_ORDERS = {
    each.__name__: each
    for each in (
        answer,
        fail,
        refuse,
        fail_oddly,
        leave,
        die,
        crash,
        leave_the_process,
        hog,
        hang,
        report,
        start_and_answer,
        start_and_die,
        exit_with_status_3,
    )
}
