"""A child process that trains one task, seen from its parent."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from components.execution.attempt import Train
from components.execution.subprocess_main import Message
from components.execution.supervisor import Limits, ProcessDied, SupervisedProcess, in_words

#: The program of a child.
_MAIN = "from components.execution.subprocess_main import main; main()"
#: Seconds that a child has for its end.
_GRACE = 3.0


class ChildProcess:
    """A supervised process of Python that is given objects and returns messages."""

    def __init__(self, make: Callable[[], Train]) -> None:
        ours, its = socket.socketpair()
        with its:
            self._process = SupervisedProcess(
                [sys.executable, "-c", _MAIN, str(its.fileno())],
                environ=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                pass_fds=[its.fileno()],
            )
        self._connection = Connection(ours.detach())
        self.send(make)

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.alive

    def send(self, content: Any) -> None:
        """Give it something; where it is gone, `receive` says why."""
        with suppress(OSError):
            self._connection.send(content)

    def receive(self, timeout: float) -> Message | None:
        """Its next message, None when there is none within so many seconds.

        Raises:
            ProcessDied: when it has ended.
        """
        try:
            if not self._connection.poll(timeout):
                return None
            message: Message = self._connection.recv()
        except (EOFError, OSError):
            raise ProcessDied(f"the process of the training {in_words(self.end())}") from None
        return message

    def begin(self) -> None:
        """Count the time of its training from now on."""
        self._process.begin()

    def check(self, limits: Limits) -> None:
        """Hold it to its limits.

        Raises:
            MemoryExceeded: when it takes too much memory.
            TimeExceeded: when it takes too long.
        """
        self._process.check(limits)

    def stop(self) -> None:
        """Ask it to stop at its next progress."""
        self.send(None)

    def kill(self) -> None:
        """End it now, and what it has started."""
        self._process.kill()
        self.end()

    def end(self) -> int:
        """Wait a while for its end, then end it and what it has started; its exit status."""
        status = self._process.end(_GRACE)
        self._connection.close()
        return status
