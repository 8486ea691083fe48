"""What the C library does with memory that is no longer used."""

from __future__ import annotations

import ctypes
import sys

#: Blocks of so many bytes and more go back to the system as soon as they are freed.
_LARGE = 1 << 18
_M_MMAP_THRESHOLD = -3  # malloc.h


def return_free_memory() -> None:
    """Let glibc give back what is free now, and from now on large blocks as soon as they are.

    By itself it keeps blocks as large as the largest one that was ever freed, up to 32 MB (mallopt(3)). LightGBM
    takes a sample of each feature, of some MB, when it makes its bins: hundreds of MB that would stay.
    """
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):  # other C libraries do so by themselves
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        library.malloc_trim(0)
