"""Where a run works: addresses that travel to any process."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from components.config import RetrySection, RunConfig
from components.pool import RetryPolicy
from components.pool.connection import check_address as check_mongo
from components.pool.mongod import embedded_mongo
from components.settings import Settings
from components.tracking.addresses import check_address as check_store
from flows.services import end_run

#: Two windows that have a core each train no faster than one after the other on both, but hold twice the memory;
#: and what surrounds a training, which runs in Python, is faster alone.
_CORES_A_WINDOW = 2

_opened: ContextVar[Workspace | None] = ContextVar("opened", default=None)


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


@contextmanager
def open_workspace(settings: Settings, config: RunConfig, *, workers: int | None = None) -> Iterator[Workspace]:
    """The workspace of a run; see `open_pool`."""
    places = {"pool": config.pool_name, "experiment": config.experiment_name, "market": config.market}
    with open_pool(settings, **places, workers=workers, retry=config.retry) as workspace:
        yield workspace


@contextmanager
def open_pool(
    settings: Settings,
    *,
    pool: str,
    experiment: str,
    market: str,
    workers: int | None = None,
    retry: RetrySection | None = None,
) -> Iterator[Workspace]:
    """A workspace on the configured servers; where none is configured, on private ones that run meanwhile.

    What the run has opened in this process is closed at the end. A flow works in the workspace of its command.

    Raises:
        PoolUnreachable: when MongoDB cannot be reached or started.
    """
    if settings.mongo_url:
        check_mongo(settings.mongo_url)
    if settings.tracking_uri:
        check_store(settings.tracking_uri)
    retry = retry or RetrySection()
    with _mongo(settings) as url:
        workspace = Workspace(
            run=secrets.token_hex(8),
            mongo_url=url,
            database=settings.database,
            pool=pool,
            lease=settings.lease,
            tracking_uri=settings.tracking_uri,
            experiment=experiment,
            home=settings.home,
            matrices=settings.matrices,
            matrices_limit=settings.matrices_limit,
            market=market,
            trusted=settings.trusted_modules,
            slots=workers or max(1, cores() // _CORES_A_WINDOW),
            retry=RetryPolicy(max_attempts=retry.attempts, base_delay=timedelta(seconds=retry.backoff)),
            timeout=retry.timeout,
        )
        outer = _opened.get()
        if outer and replace(workspace, run=outer.run) == outer:
            yield outer
            return
        token = _opened.set(workspace)
        try:
            yield workspace
        finally:
            _opened.reset(token)
            end_run(workspace)


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _mongo(settings: Settings) -> Iterator[str]:
    if settings.mongo_url:
        yield settings.mongo_url
        return
    with embedded_mongo(settings.home, mongod=settings.mongod, port=settings.mongo_port) as url:
        yield url
