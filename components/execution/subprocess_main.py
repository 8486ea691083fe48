"""The child process of `IsolatedTrainer`: trains one task, tells how it gets on, and ends."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from multiprocessing.connection import Connection
from typing import Any

from components.errors import RollflowError
from components.execution.attempt import Interrupted, Train
from components.pool import TaskRecord
from components.progress import ProgressReport

#: Seconds between two reports of progress.
_PAUSE = 0.2


class RemoteError(RollflowError):
    """An error in a child process that cannot be handed over as it is."""


class Kind(Enum):
    """What a message of a child is about."""

    #: The task is begun: from now on its time counts.
    BEGUN = auto()
    #: A `ProgressReport`.
    PROGRESS = auto()
    #: What the training returned.
    RESULT = auto()
    #: What the training raised, as `Raised`.
    ERROR = auto()


@dataclass(frozen=True)
class Message:
    """What a child tells its parent."""

    kind: Kind
    content: Any = None


@dataclass(frozen=True)
class Raised:
    """An error on its way to another process."""

    #: The error itself; None when it cannot be pickled.
    pickled: bytes | None
    #: Its class and message.
    summary: str

    @classmethod
    def of(cls, error: BaseException) -> Raised:
        """Pack an error, its traceback as a note."""
        error.add_note("in the child process:\n" + "".join(traceback.format_exception(error)))
        try:
            pickled = pickle.dumps(error)
            pickle.loads(pickled)  # noqa: S301  # our own: some errors can be written but not read
        except Exception:
            pickled = None
        return cls(pickled, f"{type(error).__name__}: {error}")

    def rebuilt(self) -> BaseException:
        """The error, or one that describes it."""
        error = pickle.loads(self.pickled) if self.pickled else None  # noqa: S301  # our own child's
        return error if isinstance(error, BaseException) else RemoteError(self.summary)


def main() -> None:
    """Take what trains from the parent, then one task."""
    parent = Connection(int(sys.argv[1]))
    stop = threading.Event()
    try:
        make: Callable[[], Train] = parent.recv()
        train = make()
        record: TaskRecord = parent.recv()
    except EOFError:  # not needed any more
        return
    except BaseException as error:
        parent.send(Message(Kind.ERROR, Raised.of(error)))
        return
    threading.Thread(target=_obey, args=[parent, stop], daemon=True).start()
    parent.send(Message(Kind.BEGUN))
    parent.send(_trained(train, record, parent, stop))


def _trained(train: Train, record: TaskRecord, parent: Connection, stop: threading.Event) -> Message:
    reported = 0.0

    def progress(report: ProgressReport) -> None:
        nonlocal reported
        if stop.is_set():
            raise Interrupted
        if time.monotonic() - reported >= _PAUSE:
            reported = time.monotonic()
            parent.send(Message(Kind.PROGRESS, report))

    try:
        return Message(Kind.RESULT, train(record, progress))
    except BaseException as error:
        return Message(Kind.ERROR, Raised.of(error))


def _obey(parent: Connection, stop: threading.Event) -> None:
    """Stop when the parent says so; end at once when it has died, for its task is somebody else's soon."""
    try:
        parent.recv()
        stop.set()
        parent.recv()
    except (EOFError, OSError):
        os.killpg(0, signal.SIGKILL)  # with what the training has started
