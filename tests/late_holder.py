"""``python -m late_holder POOL_URL POOL HOME PHASE``: a worker that stays long in its task, and then goes on."""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta
from pathlib import Path

import pandas as pd
from sample_models import SlowModel

from components.data import Markets
from components.execution import Phase, Worker
from components.features import DatasetH, MatrixStore
from components.pool import TaskPool
from components.tracking import open_store
from components.training import TaskTrainer

#: Variable with the folder in which a holder says how far it is.
HOLD = "HOLD"


class HeldModel(SlowModel):
    """Is trained at once; in a holder it says so before it predicts, and waits until it may go on."""

    def predict(self, dataset: DatasetH, segment: str = "test") -> pd.Series:
        if HOLD in os.environ:
            place = Path(os.environ[HOLD])
            (place / "trained").touch()
            while not (place / "go").exists():
                time.sleep(0.01)
        return super().predict(dataset, segment)


def trainer_of(home: Path, pool: TaskPool) -> TaskTrainer:
    return TaskTrainer(
        experiments=open_store(None, home),
        experiment="by hand",
        markets=Markets(),
        matrices=MatrixStore(home / "matrices"),
        trusted=["late_holder"],
        confirm=pool.heartbeat,
    )


def worker_of(pool: TaskPool, home: Path, phase: Phase, owner: str) -> Worker:
    return Worker(pool=pool, train=trainer_of(home, pool).at(phase), owner=owner, phase=phase)


def pool_of(url: str, name: str) -> TaskPool:
    return TaskPool(url, database="tests", name=name, lease=timedelta(seconds=1))


if __name__ == "__main__":
    _, url, name, home, phase = sys.argv
    with pool_of(url, name) as pool:
        served = worker_of(pool, Path(home), Phase(phase), "late:1").serve()
        print(served.done, served.failures)  # noqa: T201
