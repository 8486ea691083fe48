"""Datasets of given numbers, for tests of models."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.data.calendar import TradingCalendar
from components.features import DatasetH, FeatureMatrix, Rows
from components.features.matrix import Table
from components.features.rows import RowIndex
from components.models import Reweighter

#: Rows of each day.
A_DAY = 10
#: Shares of the days of each segment.
SHARES = {"train": 0.6, "valid": 0.2, "test": 0.2}
#: Features and labels.
Part = tuple[npt.NDArray[Any], npt.NDArray[Any]]


class TooLong(Exception):
    """What progress raises to stop a training."""


class LateDaysOnly(Reweighter):
    """Days before the calendar position count nothing, later ones as much as any."""

    def __init__(self, first: int) -> None:
        self.first = first

    def reweight(self, data: Rows) -> npt.ArrayLike:
        return (data.day >= self.first).astype(float)


def noisy(days: int = 60, features: int = 4) -> Part:
    """Features, and a label that depends on two of them and mostly on chance, so that trees overfit early."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(days * A_DAY, features)).astype(np.float32)
    return X, (X[:, 0] - 0.5 * X[:, 1] + 2 * rng.normal(size=len(X))).astype(np.float32)


def dataset_of(X: npt.ArrayLike, y: npt.ArrayLike, **shares: float) -> DatasetH:
    """Rows as given, ten a day; segments one after the other, each with its share of the days."""
    X, y = np.ascontiguousarray(X, np.float32), np.asarray(y, np.float32).reshape(-1, 1)
    days = len(X) // A_DAY
    calendar = TradingCalendar(np.datetime64("2020-01-01") + np.arange(days))
    rows = RowIndex(
        day=np.repeat(np.arange(days, dtype=np.int32), A_DAY),
        instrument=np.tile(np.arange(A_DAY, dtype=np.int32), days),
        instruments=tuple("ABCDEFGHIJ"),
        calendar=calendar,
    )
    table = Table(rows=rows, X=X, X_learn=X, y=y, y_learn=y)
    none = Table(rows=rows.take(slice(0)), X=X[:0], X_learn=X[:0], y=y[:0], y_learn=y[:0])
    matrix = FeatureMatrix(
        features=tuple(f"f{number}" for number in range(X.shape[1])),
        labels=("LABEL0",),
        learnable=table,
        other=none,
        late_learnable=none,
        late_other=none,
        first=0,
        last=days - 1,
    )
    segments, first = {}, 0
    for name, share in shares.items():
        last = first + round(share * days) - 1
        segments[name] = (str(calendar[first]), str(calendar[last]))
        first = last + 1
    return DatasetH(matrix, segments)


def scores_elsewhere(model: Path, X: npt.NDArray[Any], *trusted: str) -> list[float]:
    """What a saved model gives in another process."""
    np.save(model.with_name("features.npy"), X)
    tests = Path(__file__).parent
    command = [sys.executable, str(tests / "load_model.py"), model, model.with_name("features.npy"), *trusted]
    paths = os.pathsep.join([str(tests.parent), str(tests)])
    environ = os.environ | {"PYTHONPATH": paths}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    assert done.returncode == 0, done.stderr
    scores: list[float] = json.loads(done.stdout)
    return scores


def run_without(package: str, folder: Path, *command: str) -> tuple[int, str]:
    """Status and standard error of a command in a folder where a package is not installed."""
    tests = Path(__file__).parent
    paths = os.pathsep.join([str(tests.parent), str(tests)])
    environ = os.environ | {"PYTHONPATH": paths, "ROLLFLOW_HOME": str(folder / "home")}
    done = subprocess.run(
        [sys.executable, str(tests / "without_module.py"), package, *command],
        capture_output=True,
        text=True,
        check=False,
        env=environ,
        cwd=folder,
    )
    return done.returncode, done.stderr
