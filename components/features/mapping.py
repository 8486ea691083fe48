"""Arrays that are files mapped into memory."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
import numpy.typing as npt


def release(values: npt.NDArray[Any]) -> None:
    """Keep nothing of a mapped array in memory; who reads it again gets it from the system's cache of the file.

    What has been read would stay with the process although the system can take it back. Nothing happens to an array
    that is not mapped.
    """
    mapped = _mapping(values)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def _mapping(values: npt.NDArray[Any]) -> mmap.mmap | None:
    """The mapped file that an array is a part of."""
    base: Any = values
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None
