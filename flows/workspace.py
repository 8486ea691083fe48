"""Where a run works: addresses that travel to any process, and the connections that each process makes of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, cached_property
from pathlib import Path

from components.config import RunConfig
from components.data import Fingerprints, Market, Markets
from components.errors import RollflowError
from components.execution import Phase, Train
from components.features import MatrixStore
from components.pool import TaskPool
from components.pool.mongod import embedded_mongo
from components.settings import Settings
from components.tracking import ExperimentManager, open_store
from components.training import TaskTrainer

#: Two windows that have a core each train no faster than one after the other on both, but hold twice the memory;
#: and what surrounds a training, which runs in Python, is faster alone.
_CORES_A_WINDOW = 2


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
    #: Address of the market data; empty: as each task says.
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
        #: Set when no more tasks are to be taken; those in hand are finished.
        self.drain = threading.Event()
        #: As many threads as windows may train at the same time.
        self.trainers = ThreadPoolExecutor(workspace.slots, thread_name_prefix="trainer")
        self.markets = Markets(workspace.market)
        self.fingerprints = Fingerprints(workspace.home / "fingerprints")

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
        return self.markets.open()

    @cached_property
    def matrices(self) -> MatrixStore:
        """The feature matrices."""
        return MatrixStore(self.workspace.matrices)

    @cached_property
    def trainer(self) -> TaskTrainer:
        """Trains claimed tasks."""
        return TaskTrainer(
            experiments=self.experiments,
            experiment=self.workspace.experiment,
            markets=self.markets,
            matrices=self.matrices,
            fingerprints=self.fingerprints,
            threads=self.workspace.threads,
            trusted=self.workspace.trusted,
            confirm=lambda record: self.pool.heartbeat(record),
        )

    def warm_up(self) -> None:
        """Open the MLflow store, whose import takes long, before it is needed."""
        with suppress(RollflowError):  # who uses it meets the same trouble, and says so
            _ = self.experiments.client


@cache
def connect(workspace: Workspace) -> Services:
    """The connections of this process to a workspace."""
    return Services(workspace)


def give_back(workspace: Workspace) -> None:
    """End the trainings of this process, and wait until their tasks are given back; later runs begin anew."""
    services = connect(workspace)
    services.stop.set()
    services.trainers.shutdown(cancel_futures=True)
    connect.cache_clear()


def make_trainer(workspace: Workspace, phase: Phase) -> Train:
    """What trains in a child process, made before there is a task."""
    services = connect(workspace)
    services.warm_up()
    return services.trainer.at(phase)


@contextmanager
def open_workspace(settings: Settings, config: RunConfig, *, workers: int | None = None) -> Iterator[Workspace]:
    """The workspace of a run; see `open_pool`."""
    places = {"pool": config.pool_name, "experiment": config.experiment_name, "market": config.market}
    with open_pool(settings, **places, workers=workers) as workspace:
        yield workspace


@contextmanager
def open_pool(
    settings: Settings, *, pool: str, experiment: str, market: str, workers: int | None = None
) -> Iterator[Workspace]:
    """A workspace on the configured servers; where none is configured, on private ones that run meanwhile.

    Raises:
        InputError: when MongoDB cannot be reached or started.
    """
    with _mongo(settings) as url:
        workspace = Workspace(
            mongo_url=url,
            database=settings.database,
            pool=pool,
            lease=settings.lease,
            tracking_uri=settings.tracking_uri,
            experiment=experiment,
            home=settings.home,
            matrices=settings.matrices,
            market=market,
            trusted=settings.trusted_modules,
            slots=workers or max(1, (os.cpu_count() or 1) // _CORES_A_WINDOW),
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
