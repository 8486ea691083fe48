"""Where a run works: addresses that travel to any process, and the connections that each process makes of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, cached_property
from pathlib import Path

from components.data import Market, open_market
from components.features import MatrixStore
from components.pool import TaskPool
from components.pool.embedded import embedded_mongo
from components.rolling import RunConfig
from components.settings import Settings
from components.tracking import ExperimentManager, open_store


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Addresses of everything that a run uses. Plain values: nodes in other processes get the same."""

    mongo_url: str = field(repr=False)
    database: str
    pool: str
    lease: timedelta
    tracking_uri: str | None = field(repr=False)
    experiment: str
    home: Path
    #: Folder of the feature matrices.
    matrices: Path
    market: str
    #: Packages whose classes tasks may name.
    trusted: tuple[str, ...]
    #: Windows that train at the same time in one process.
    slots: int

    @property
    def threads(self) -> int:
        """Threads of each window's model, so that the windows in flight share the cores."""
        return max(1, (os.cpu_count() or 1) // self.slots)


class Services:
    """The connections of one process, each made when it is first used."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        #: Set when the run is to end: trainings stop and their tasks are given back.
        self.stop = threading.Event()
        #: As many threads as windows may train at the same time.
        self.trainers = ThreadPoolExecutor(workspace.slots, thread_name_prefix="trainer")
        self._lock = threading.RLock()

    @cached_property
    def pool(self) -> TaskPool:
        """The task pool."""
        place = self.workspace
        return TaskPool(place.mongo_url, database=place.database, name=place.pool, lease=place.lease)

    @cached_property
    def experiment(self) -> str:
        """Id of the MLflow experiment."""
        return self.experiments.get_or_create(self.workspace.experiment)

    @cached_property
    def experiments(self) -> ExperimentManager:
        """The MLflow store."""
        return open_store(self.workspace.tracking_uri, self.workspace.home)

    @property
    def market(self) -> Market:
        """The market data."""
        with self._lock:
            return self._market

    @property
    def matrices(self) -> MatrixStore:
        """The feature matrices."""
        return MatrixStore(self.workspace.matrices)

    @cached_property
    def _market(self) -> Market:
        return open_market(self.workspace.market)


@cache
def connect(workspace: Workspace) -> Services:
    """The connections of this process to a workspace."""
    return Services(workspace)


@contextmanager
def open_workspace(settings: Settings, config: RunConfig, *, workers: int | None = None) -> Iterator[Workspace]:
    """A workspace on the configured servers; where none is configured, on private ones that run meanwhile.

    Raises:
        InputError: when MongoDB cannot be reached or started.
    """
    with _mongo(settings) as url:
        workspace = Workspace(
            mongo_url=url,
            database=settings.database,
            pool=config.pool_name,
            lease=settings.lease,
            tracking_uri=settings.tracking_uri,
            experiment=config.experiment_name,
            home=settings.home,
            matrices=settings.matrices,
            market=config.market,
            trusted=settings.trusted_modules,
            slots=workers or os.cpu_count() or 1,
        )
        try:
            yield workspace
        finally:
            connect.cache_clear()


@contextmanager
def _mongo(settings: Settings) -> Iterator[str]:
    if settings.mongo_url:
        yield settings.mongo_url
        return
    with embedded_mongo(settings.home, mongod=settings.mongod, port=settings.mongo_port) as url:
        yield url
