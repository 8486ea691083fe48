"""What a command says while it starts, which takes some seconds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

_PATIENCE = 0.7


def say(line: str) -> None:
    """Print a line of progress."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def said_if_slow(line: str) -> Iterator[None]:
    """Print what a block does when it takes its time; wrong settings are found sooner, and are one line alone."""
    timer = Timer(_PATIENCE, say, [line])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
