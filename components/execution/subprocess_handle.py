"""A child process that trains one task, seen from its parent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from components.errors import RollflowError
from components.execution.attempt import Train
from components.execution.subprocess_main import Message

#: The program of a child.
_MAIN = "from components.execution.subprocess_main import main; main()"
#: Seconds that a child has for its end.
_GRACE = 3.0


class ProcessDied(RollflowError):
    """The process of a training ended without a result."""


class ChildProcess:
    """A child process, seen from its parent."""

    def __init__(self, make: Callable[[], Train]) -> None:
        ours, its = socket.socketpair()
        with its:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    "from components.execution.subprocess_main import main; main()",
                    str(its.fileno()),
                ],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                pass_fds=[its.fileno()],
                start_new_session=True,  # a Ctrl-C in the terminal is the parent's to handle
            )
        self._connection = Connection(ours.detach())
        self.send(make)

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def send(self, content: Any) -> None:
        """Give it something; where it is gone, `receive` says why."""
        with suppress(OSError):
            self._connection.send(content)

    def receive(self, timeout: float) -> Message | None:
        """What it tells, None when it says nothing in so many seconds.

        Raises:
            ProcessDied: when it has ended.
        """
        try:
            if not self._connection.poll(timeout):
                return None
            message: Message = self._connection.recv()
        except (EOFError, OSError):
            raise ProcessDied(f"the process of the training {_in_words(self.end())}") from None
        return message

    def memory(self) -> int:
        """Bytes of memory of its own, swapped ones included; 0 when it has ended."""
        with suppress(OSError):
            lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
            values = dict(line.split(":", 1) for line in lines)
            return sum(1024 * int(values.get(name, "0").split()[0]) for name in ("RssAnon", "VmSwap"))
        return 0

    def stop(self) -> None:
        """Ask it to stop at its next progress."""
        self.send(None)

    def kill(self) -> None:
        """End it now, and what it has started."""
        if self.alive:
            os.killpg(self._process.pid, signal.SIGKILL)
        self.end()

    def end(self) -> int:
        """Wait a while for its end, then end it; its exit status."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        if self.alive:
            self.kill()
        self._connection.close()
        return self._process.wait()


def _in_words(status: int) -> str:
    """How a process ended, in words."""
    if status >= 0:
        return f"ended with status {status} and without a result"
    hint = "; the system does so when memory runs out" if -status == signal.SIGKILL else ""
    return f"was killed by {signal.Signals(-status).name}{hint}"
