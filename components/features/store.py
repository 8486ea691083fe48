"""Feature matrices that are kept: built once, shared by threads and processes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout

from components.data.calendar import Day
from components.data.market import Market
from components.errors import RollflowError
from components.features.building import MatrixBuilder, Progress, quiet
from components.features.handler import DataHandler
from components.features.matrix import FeatureMatrix
from components.features.matrix_files import FORMAT, load_matrix
from components.features.processors import Processor, Scaler

_BUILDING = "building-"


class MatrixStore:
    """A folder of feature matrices: ``<key>/<first>-<last>/``, with days as calendar positions.

    The key is a hash of everything that a value may depend on: data version, universe, expressions and
    processors. A matrix serves every handler of the same key whose days it covers. It may be deleted at any
    time; processes that use it keep what they have mapped.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # The matrix that was asked for last, with its key: windows that train together share one mapping of it.
        self._last: tuple[str, FeatureMatrix] | None = None

    def open(
        self,
        handler: DataHandler,
        market: Market,
        *,
        days: tuple[Day | None, Day | None] | None = None,
        threads: int | None = None,
        progress: Progress = quiet,
    ) -> FeatureMatrix:
        """The matrix of a handler. It is built if none is stored; of several processes, the first builds it.

        Where it has to be built and `days` are given, it is made for these as well, so as to serve others.

        Raises:
            InputError: for expressions, universes, days or processors that do not fit the market.
            RollflowError: when the disk is full.

        """
        key, (first, last) = matrix_key(handler, market), handler.span(market)
        matrix = self._find(key, market, first, last)
        if matrix is None:
            with self._locked(key, progress):
                matrix = self._find(key, market, first, last) or self._build(
                    key, _wider(handler, days, market), market, threads, progress
                )
        self._last = key, matrix
        return matrix.within(first, last)

    def covers(self, handler: DataHandler, market: Market) -> bool:
        """Whether `open` finds the matrix of a handler without building it."""
        return self._find(matrix_key(handler, market), market, *handler.span(market)) is not None

    def size(self) -> int:
        """Bytes on disk of all matrices."""
        return sum(_bytes(folder) for folder in self._matrices())

    def prune(self, max_bytes: int) -> None:
        """Delete what killed builds left, then the matrices that were not used for longest.

        Args:
            max_bytes: Matrices are deleted until the others take this at most.

        """
        for lock in self._folder.glob("*.lock"):
            with suppress(Timeout), FileLock(lock, timeout=0):
                _clear(self._folder / lock.stem)
        sizes = {folder: _bytes(folder) for folder in sorted(self._matrices(), key=_last_use)}
        excess = sum(sizes.values()) - max_bytes
        for folder, size in sizes.items():
            if excess <= 0:
                break
            shutil.rmtree(folder, ignore_errors=True)
            excess -= size

    def _find(self, key: str, market: Market, first: int, last: int) -> FeatureMatrix | None:
        if self._last and self._last[0] == key and self._last[1].covers(first, last):
            return self._last[1]
        for folder in sorted((self._folder / key).glob("*-*")):
            days = _days(folder)
            if days and days[0] <= first and last <= days[1]:
                matrix = load_matrix(folder, market.calendar)
                if matrix is not None:
                    os.utime(folder)
                    return matrix
        return None

    def _build(
        self, key: str, handler: DataHandler, market: Market, threads: int | None, progress: Progress
    ) -> FeatureMatrix:
        """Build in a folder of another name, so that a build that is killed is never taken for a matrix."""
        first, last = handler.span(market)
        home = self._folder / key
        _clear(home)
        draft, final = home / f"{_BUILDING}{uuid4().hex}", home / f"{first}-{last}"
        draft.mkdir(parents=True)
        try:
            MatrixBuilder(handler, market, threads=threads, progress=progress).build(draft)
            shutil.rmtree(final, ignore_errors=True)
            draft.rename(final)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise RollflowError(f"no room for a feature matrix in {self._folder}: {error.strerror}") from error
            raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        matrix = load_matrix(final, market.calendar)
        if matrix is None:
            raise RollflowError(f"the feature matrix in {final} was changed while it was built")
        self._drop_covered(home, first, last)
        return matrix

    def _drop_covered(self, home: Path, first: int, last: int) -> None:
        """Delete matrices that a new one makes superfluous."""
        for folder in home.glob("*-*"):
            days = _days(folder)
            if days and days != (first, last) and first <= days[0] and days[1] <= last:
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _locked(self, key: str, progress: Progress) -> Iterator[None]:
        """Hold the lock of a key. The system frees it when its holder dies."""
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._folder / f"{key}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress("waiting for another process, which builds the same matrix")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _matrices(self) -> list[Path]:
        return [folder for folder in self._folder.glob("*/*-*") if _days(folder)]


def matrix_key(handler: DataHandler, market: Market) -> str:
    """SHA-256 of what values of a matrix depend on. Days only matter where processors are fitted on them."""
    identity = {
        "format": FORMAT,
        "data": market.version,
        "instruments": handler.instruments,
        "columns": [list(columns.items()) for columns in handler.columns.values()],
        "process_type": handler.process_type,
        "infer": [_identity(step, handler, market) for step in handler.infer_processors],
        "learn": [_identity(step, handler, market) for step in handler.learn_processors],
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def _wider(handler: DataHandler, days: tuple[Day | None, Day | None] | None, market: Market) -> DataHandler:
    """The handler on more days, if it has the same values on those that it has."""
    if days is None:
        return handler
    wide = handler.between(*days)
    (first, last), (start, end) = wide.span(market), handler.span(market)
    same = first <= start and end <= last and matrix_key(wide, market) == matrix_key(handler, market)
    return wide if same else handler


def _identity(processor: Processor, handler: DataHandler, market: Market) -> dict[str, Any]:
    identity = {"class": f"{type(processor).__module__}.{type(processor).__qualname__}", **vars(processor)}
    if isinstance(processor, Scaler):
        # two spellings of the same days are the same, and so are days that the handler does not have
        first, last = market.calendar.span(processor.fit_start_time, processor.fit_end_time)
        start, end = handler.span(market)
        identity |= {"fit_start_time": max(first, start), "fit_end_time": min(last, end)}
    return identity


def _clear(home: Path) -> None:
    """Delete what killed builds left. Who calls holds the lock."""
    for rubbish in home.glob(f"{_BUILDING}*"):
        shutil.rmtree(rubbish)


def _days(folder: Path) -> tuple[int, int] | None:
    first, _, last = folder.name.partition("-")
    return (int(first), int(last)) if first.isdecimal() and last.isdecimal() else None


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*"))


def _last_use(folder: Path) -> float:
    return folder.stat().st_mtime
