"""The connections of a run, made in each of its processes and closed with the run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar, overload

from components.data import DataChanged, Fingerprints, Market, Markets
from components.errors import RollflowError
from components.execution import LeavingWord, Phase, RunWatch, TimeLimited, Train, Trainers
from components.features import MatrixStore
from components.pool import PoolUnavailable, PoolUnreachable, TaskPool
from components.tracking import ExperimentManager, open_store
from components.training import TaskTrainer
from flows.workspace import Workspace

T = TypeVar("T")


class RunClosed(RollflowError):
    """The run has ended in this process: what arrives late has nothing to do any more."""


class _Once(Generic[T]):
    """A property that is made when it is first used, and by one thread only; others may be made meanwhile."""

    def __init__(self, make: Callable[[Services], T]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, services: None, owner: type[Services]) -> _Once[T]: ...

    @overload
    def __get__(self, services: Services, owner: type[Services]) -> T: ...

    def __get__(self, services: Services | None, owner: type[Services]) -> T | _Once[T]:
        if services is None:
            return self
        with self._lock(services):
            if self not in services.made:
                services.made[self] = self._make(services)
            made: T = services.made[self]
            return made

    def made(self, services: Services) -> T | None:
        """What has been made of it, or is being made; None: nothing."""
        with self._lock(services):
            made: T | None = services.made.get(self)
            return made

    def taken(self, services: Services) -> T | None:
        """What has been made of it, for whoever closes it: it is forgotten."""
        with self._lock(services):
            made: T | None = services.made.pop(self, None)
            return made

    def _lock(self, services: Services) -> threading.RLock:
        with services.lock:
            return services.making.setdefault(self, threading.RLock())


class Services:
    """The connections of one run in one process, each made when it is first used."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        #: Set when the run is to end: trainings stop and their tasks are given back.
        self.stop = threading.Event()
        #: Set when no more tasks are to be taken; those in hand are finished.
        self.drain = threading.Event()
        self.markets = Markets(workspace.market)
        self.fingerprints = Fingerprints(workspace.home / "fingerprints")
        limit = workspace.matrices_limit
        self.matrices = MatrixStore(workspace.matrices, fingerprints=self.fingerprints, limit=limit)
        self.lock = threading.Lock()
        self.making: dict[_Once[Any], threading.RLock] = {}
        self.made: dict[_Once[Any], Any] = {}
        self._watch: RunWatch | None = None
        #: How many tasks could not be given back; known when it is closed.
        self.unreturned = 0

    @_Once
    def trainers(self) -> Trainers:
        """As many threads as windows may train at the same time."""
        return Trainers(self.workspace.slots)

    @_Once
    def pool(self) -> TaskPool:
        """The task pool."""
        place = self.workspace
        return TaskPool(
            place.mongo_url, database=place.database, name=place.pool, lease=place.lease, retry=place.retry
        )

    @_Once
    def days(self) -> TaskPool:
        """The days of the service that is served; see `components.serving`."""
        place = self.workspace
        name = f"{place.experiment} days"
        return TaskPool(place.mongo_url, database=place.database, name=name, lease=place.lease)

    @_Once
    def experiments(self) -> ExperimentManager:
        """The MLflow store."""
        return open_store(self.workspace.tracking_uri, self.workspace.home)

    @_Once
    def experiment(self) -> str:
        """Id of the MLflow experiment."""
        return self.experiments.get_or_create(self.workspace.experiment)

    @property
    def market(self) -> Market:
        """The market data."""
        return self.markets.open()

    @_Once
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
            confirm=self.pool.heartbeat,
        )

    @property
    def train(self) -> Train:
        """Trains a claimed task within its time limit; says why when it cannot be trained here."""
        return LeavingWord(TimeLimited(self.trainer), self.pool)

    def on_market(self, work: Callable[[Market], T]) -> T:
        """Do something with the market data; again, with the data as it is now, if it was written to meanwhile."""
        try:
            return work(self.market)
        except DataChanged:
            return work(self.markets.reopen())

    def watch(self, run: str) -> RunWatch:
        """What shows how the tasks of the run stand, from when it is first asked for."""
        pool = self.pool
        with self.lock:
            if self._watch is None:
                self._watch = RunWatch(pool, run, patience=2 * self.workspace.lease)
            return self._watch

    def warm_up(self) -> None:
        """Open the MLflow store, whose import takes long, before it is needed."""
        with suppress(RollflowError):  # who uses it meets the same trouble, and says so
            _ = self.experiments.client

    def give_back(self) -> None:
        """Let the trainings of this process end, so that their tasks are given back, as soon as MongoDB allows."""
        self.stop.set()
        if trainers := Services.trainers.made(self):
            trainers.skip()
        if pool := Services.pool.made(self):
            pool.hurry()

    def end_trainers(self) -> None:
        """End the threads that train, which keep memory; what still trains is finished first."""
        if trainers := Services.trainers.taken(self):
            trainers.shutdown()

    def close(self) -> None:
        """Close whatever was opened."""
        self.end_trainers()
        if self._watch:
            self._watch.close()
        if days := Services.days.taken(self):
            days.close()
        if pool := Services.pool.taken(self):
            self.unreturned = len(pool.unreturned)
            pool.close()


class ServiceRegistry:
    """The services of each run that works in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: None stands for a run that has ended here.
        self._services: dict[str, Services | None] = {}
        #: Tasks of ended runs that could not be given back: others get them when their lease has run out.
        self.unreturned = 0

    def of(self, workspace: Workspace) -> Services:
        """The services of a run.

        Raises:
            RunClosed: when the run has ended here, so that nobody would stop what begins now.
        """
        with self._lock:
            if workspace.run not in self._services:
                self._services[workspace.run] = Services(workspace)
            services = self._services[workspace.run]
        if services is None:
            raise RunClosed(f"run {workspace.run} has ended in this process")
        return services

    def close(self, workspace: Workspace, *, stop: bool = False) -> None:
        """Close the services of a run once its trainings have ended; with `stop`, these are to give up."""
        with self._lock:
            services = self._services.get(workspace.run)
            self._services[workspace.run] = None
        if services:
            if stop:
                services.give_back()
            services.close()
            self.unreturned += services.unreturned

    def open_runs(self) -> int:
        """How many runs have services here."""
        with self._lock:
            return sum(services is not None for services in self._services.values())


#: The registry of this process.
REGISTRY = ServiceRegistry()


def connect(workspace: Workspace) -> Services:
    """The services of a run in this process."""
    return REGISTRY.of(workspace)


def end_run(workspace: Workspace, *, stop: bool = False) -> None:
    """Close what a run has opened in this process; with `stop`, its trainings give their tasks back first."""
    REGISTRY.close(workspace, stop=stop)


def make_trainer(workspace: Workspace, phase: Phase) -> Train:
    """What trains in a child process, made before there is a task.

    Raises:
        PoolUnavailable: when MongoDB does not answer; its address is right, for the parent has a connection.
    """
    services = connect(workspace)
    services.warm_up()
    try:
        return services.trainer.at(phase)
    except PoolUnreachable as error:
        raise PoolUnavailable(str(error)) from error
