"""Python's garbage collector, and work that it only holds up."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def imports_kept() -> Iterator[None]:
    """While a block runs, spare the collector what is imported by now: it stays, and is walked through in vain."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def garbage_kept() -> Iterator[None]:
    """Pause the collector while a block makes many objects, all of them needed.

    It would walk through all objects of the process again and again, which takes longer than making the new ones.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
