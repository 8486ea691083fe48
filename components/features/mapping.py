"""Arrays that are files mapped into memory."""

from __future__ import annotations

import mmap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

#: Seconds in which a reader gets through some tens of megabytes.
_PAUSE = 0.05


@contextmanager
def passing(values: npt.NDArray[Any]) -> Iterator[None]:
    """Keep little of a mapped array in memory while the block reads through it, and nothing afterwards.

    What has been read would stay with the process although the system can take it back; who reads it again gets it
    from the system's cache of the file. Nothing happens to an array that is not mapped.
    """
    mapped = _mapping(values)
    if mapped is None or not hasattr(mmap, "MADV_DONTNEED"):
        yield
        return
    passed = threading.Event()

    def release() -> None:
        while not passed.wait(_PAUSE):
            mapped.madvise(mmap.MADV_DONTNEED)

    releaser = threading.Thread(target=release, name="release", daemon=True)
    releaser.start()
    try:
        yield
    finally:
        passed.set()
        releaser.join()
        mapped.madvise(mmap.MADV_DONTNEED)


def _mapping(values: npt.NDArray[Any]) -> mmap.mmap | None:
    """The mapped file that an array is a part of."""
    base: Any = values
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None
