"""Where a run works: addresses that travel to any process."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from components.pool import RetryPolicy


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Addresses of everything that a run uses. Plain values: nodes in other processes get the same."""

    #: Tells the runs that work in a process apart.
    run: str
    mongo_url: str = field(repr=False)
    database: str
    pool: str
    lease: timedelta
    tracking_uri: str | None = field(repr=False)
    experiment: str
    home: Path
    #: Folder of the feature matrices.
    matrices: Path
    #: Bytes that they may take.
    matrices_limit: int
    #: Address of the market data; empty: as each task says.
    market: str
    #: Packages whose classes tasks may name.
    trusted: tuple[str, ...]
    #: Windows that train at the same time in one process.
    slots: int
    #: How often and how soon a failed window is tried again.
    retry: RetryPolicy
    #: Time limit of an attempt at a window, in seconds; None: none.
    timeout: float | None

    @property
    def threads(self) -> int:
        """Threads of each window's model, so that the windows in flight share the cores."""
        return max(1, cores() // self.slots)

    @property
    def how(self) -> str:
        """How windows train, in words."""
        return f"training {self.slots} at a time, each on {self.threads} of {cores()} cores"


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
