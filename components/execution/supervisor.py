"""A program in a process of its own, with all that it starts: watched, held to limits, and ended as a whole."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from uuid import uuid4

import psutil

from components.errors import InputError, RollflowError

#: Environment variable with the marks of the programs that a process belongs to, one within the other: by it they
#: are known whatever session or parent they have.
_MARKS = "ROLLFLOW_PROGRAMS"
#: How often a program is looked for what it started while it was ended, and seconds between two looks.
_LOOKS, _PAUSE = 20, 0.02


class ProcessDied(RollflowError):
    """A process ended without a result."""


class MemoryExceeded(RollflowError):
    """A training took more memory than it may, and was ended."""


class TimeExceeded(RollflowError):
    """A training took longer than it may, and was ended."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a training may take."""

    #: Bytes of memory of its own: mapped files, such as feature matrices, do not count. None: no limit.
    memory: int | None = None
    #: Seconds from when it begins. None: no limit.
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.memory is not None and not Path("/proc/self/status").exists():
            raise InputError("a limit of memory needs Linux: there is no /proc/self/status here")

    def within(self, seconds: float | None) -> Limits:
        """These limits and one more of time, of which the shorter one counts."""
        return replace(self, seconds=min((each for each in (self.seconds, seconds) if each), default=None))


def parse_memory(text: str) -> int:
    """Bytes of a text like ``4G`` or ``500M``.

    Raises:
        InputError: when it cannot be read.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT])i?B?", text.strip(), re.IGNORECASE)
    if not found:
        raise InputError(f"memory {text!r}: write it as 500M or 4G")
    return int(float(found[1]) * 1024 ** ("KMGT".index(found[2].upper()) + 1))


class SupervisedProcess:
    """A program that leads a session of its own, so that a Ctrl-C in the terminal is for whoever started it.

    Its process is not reaped before `end`, so that its number, which is also that of its group, stays its own.
    """

    def __init__(self, command: Sequence[str], *, environ: Mapping[str, str], pass_fds: Sequence[int] = ()) -> None:
        self._mark = uuid4().hex
        self._begun = inf
        self._popen = subprocess.Popen(
            command,
            env={**environ, _MARKS: f"{environ.get(_MARKS, '')} {self._mark}"},
            pass_fds=pass_fds,
            start_new_session=True,
        )

    @property
    def alive(self) -> bool:
        """Whether the program has not ended; what it has started may still run."""
        return self._popen.returncode is None and _runs(psutil.Process(self._popen.pid))

    def begin(self) -> None:
        """Count the time from now on."""
        self._begun = time.monotonic()

    def check(self, limits: Limits) -> None:
        """Hold the program to its limits.

        Raises:
            MemoryExceeded: when it takes too much memory.
            TimeExceeded: when it takes too long.
        """
        if limits.seconds is not None and time.monotonic() - self._begun > limits.seconds:
            raise TimeExceeded(f"the training took longer than {limits.seconds:g} s; it was ended")
        if limits.memory is not None and (used := self._memory()) > limits.memory:
            raise MemoryExceeded(
                f"the training took {used / 2**20:,.0f} MB of memory, the limit is "
                f"{limits.memory / 2**20:,.0f} MB; it was ended"
            )

    def kill(self) -> None:
        """End the program and what it has started, also where it has ended itself already."""
        if self._popen.returncode is not None:
            return
        for _ in range(_LOOKS):
            with suppress(ProcessLookupError, PermissionError):  # macOS refuses it for a group of zombies
                os.killpg(self._popen.pid, signal.SIGKILL)
            started = self._started()
            if not started:
                break
            for process in started:
                with suppress(psutil.Error):
                    process.kill()
            time.sleep(_PAUSE)
        self._popen.wait()

    def end(self, grace: float) -> int:
        """Wait so many seconds for the program to end by itself, then end it and what it has started.

        Returns:
            Its exit status, negative for a signal.
        """
        deadline = time.monotonic() + grace
        while self.alive and time.monotonic() < deadline:
            time.sleep(0.01)
        self.kill()
        return self._popen.returncode

    def _started(self) -> list[psutil.Process]:
        """What the program has started and what runs: known by its parent, or by the environment it inherited."""
        found: set[psutil.Process] = set()
        with suppress(psutil.Error):
            found |= set(psutil.Process(self._popen.pid).children(recursive=True))
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if self._mark in process.environ().get(_MARKS, ""):
                    found.add(process)
        return [process for process in found if process.pid != self._popen.pid and _runs(process)]

    def _memory(self) -> int:
        """Bytes of memory of the program's own, swapped ones included; 0 when it has ended.

        From Linux itself: psutil knows resident memory only with the mapped files, or by adding up all pages.
        """
        with suppress(OSError):
            lines = Path(f"/proc/{self._popen.pid}/status").read_text().splitlines()
            values = dict(line.split(":", 1) for line in lines)
            return sum(1024 * int(values.get(name, "0").split()[0]) for name in ("RssAnon", "VmSwap"))
        return 0


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def in_words(status: int) -> str:
    """How a process ended, in words."""
    if status >= 0:
        return f"ended with status {status} and without a result"
    hint = "; the system does so when memory runs out" if -status == signal.SIGKILL else ""
    return f"was killed by {signal.Signals(-status).name}{hint}"
