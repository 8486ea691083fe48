"""Feature matrices that are kept: built once, shared by threads and processes, and grown when days come."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4
from zipfile import BadZipFile

from filelock import FileLock, Timeout

from components.data.calendar import Day
from components.data.fingerprint import Fingerprints
from components.data.market import Market
from components.data.remembered import RememberedBars
from components.errors import RollflowError
from components.features.building import Check, Progress, never, quiet
from components.features.growth import Extent, load_matrix, matrix_view, write_matrix
from components.features.handler import DataHandler
from components.features.matrix import FeatureMatrix
from components.features.matrix_files import DESCRIPTION, Description, sync_folder
from components.features.matrix_key import matrix_key
from components.features.matrix_writer import Memory
from components.features.stored_matrix import StoredMatrix

_BUILDING = "building-"


@dataclass(frozen=True)
class _Stored:
    """A matrix in the store, of a handler and of data that are as they were."""

    folder: Path
    description: Description


class MatrixStore:
    """A folder of feature matrices: ``<key>/<name>/``.

    The key is a hash of the handler: universe, first day, expressions and processors. There is a matrix for each
    data that it met, with a fingerprint of what was seen of it. A matrix serves every handler of its key on data
    that is the same so far, and grows by the days that it lacks. It may be deleted at any time; processes that use
    it keep what they have mapped.

    Args:
        folder: Where the matrices are. A read-only one serves what it has.
        fingerprints: Takes the fingerprints of data; None: none are remembered from process to process.
        limit: Bytes that all matrices may take; after a build, those that were not used for longest are deleted.
            None: no limit.
    """

    def __init__(self, folder: Path, *, fingerprints: Fingerprints | None = None, limit: int | None = None) -> None:
        self._folder, self._limit = folder, limit
        self._fingerprints = fingerprints or Fingerprints()
        # The matrix that was mapped last, and its market's version: windows that train together share one mapping.
        self._last: tuple[_Stored, str, FeatureMatrix] | None = None
        # File -> the checksums of its blocks that were found to be right.
        self._verified: dict[Path, tuple[int, ...]] = {}

    def open(
        self,
        handler: DataHandler,
        market: Market,
        *,
        days: tuple[Day | None, Day | None] | None = None,
        threads: int | None = None,
        progress: Progress = quiet,
        check: Check = never,
    ) -> FeatureMatrix:
        """The matrix of a handler. It is built or grown if need be; of several processes, the first does it.

        Args:
            handler: The handler.
            market: Where the data comes from.
            days: Where it has to be built, it is made until the last of these days, so as to serve others as well.
            threads: Threads to share the work; None: one for each processor.
            progress: Told what is done.
            check: Called between pieces of work; what it raises stops the work.

        Raises:
            InputError: for expressions, universes, days or processors that do not fit the market.
            RollflowError: when the disk is full or the folder cannot be written.

        """
        market = RememberedBars(market)  # a matrix that grows sees what its fingerprint has read
        first, last = handler.span(market)
        matrix = self._ready(handler, market)
        if matrix is None:
            target = _target(handler, market, days)
            with self._locked(matrix_key(handler, market), progress):
                matrix = self._ready(handler, market)
                if matrix is None:
                    self._write(handler, market, target, threads, progress, check)
                    matrix = self._ready(handler, market)
            if matrix is None:
                raise RollflowError(f"the feature matrix in {self._folder} was changed while it was built")
        return matrix.within(first, last)

    def covers(self, handler: DataHandler, market: Market) -> bool:
        """Whether `open` finds the matrix of a handler without computing anything."""
        return self._ready(handler, market) is not None

    def size(self) -> int:
        """Bytes on disk of all matrices."""
        return sum(stored.size for stored in self.matrices())

    def matrices(self) -> list[StoredMatrix]:
        """What is stored, last used first."""
        found = []
        for path in self._folder.glob(f"*/*/{DESCRIPTION}"):
            description = Description.read(path.parent)
            with suppress(OSError):  # deleted meanwhile
                found.append(StoredMatrix.of(path.parent, description))
        return sorted(found, key=lambda stored: stored.last_use, reverse=True)

    def prune(self, max_bytes: int, *, keep: int = 0) -> list[StoredMatrix]:
        """Delete what killed builds left, then the matrices that were not used for longest.

        Args:
            max_bytes: Matrices are deleted until the others take this at most.
            keep: So many, those used last, are kept whatever they take.

        Returns:
            The matrices that were deleted.
        """
        for lock in self._folder.glob("*.lock"):
            with suppress(Timeout, OSError), FileLock(lock, timeout=0):
                _clear(self._folder / lock.stem)
        left, deleted = 0, []
        for number, stored in enumerate(self.matrices()):
            if number < keep or left + stored.size <= max_bytes:
                left += stored.size
            else:
                deleted.append(stored)
        self.delete(deleted)
        return deleted

    def delete(self, matrices: Iterable[StoredMatrix]) -> None:
        """Delete matrices; processes that use them keep what they have mapped."""
        for stored in matrices:
            shutil.rmtree(stored.folder, ignore_errors=True)

    def _ready(self, handler: DataHandler, market: Market) -> FeatureMatrix | None:
        """The matrix of a handler, if it has all of its days."""
        stored = self._find(handler, market)
        if stored is None or not _is_enough(stored.description, handler, market):
            return None
        if self._last and self._last[:2] == (stored, market.version):
            return self._last[2]
        try:
            self._verify(stored)
            matrix = load_matrix(stored.folder, stored.description, market, handler.span(market)[0])
        except (OSError, ValueError, KeyError):
            return None
        with suppress(OSError):  # a shared folder may be read-only
            os.utime(stored.folder)
        self._last = stored, market.version, matrix
        return matrix

    def _find(self, handler: DataHandler, market: Market) -> _Stored | None:
        """What is stored of a handler and of the market's data as it is, the longest if there are several."""
        key, (first, last) = matrix_key(handler, market), handler.span(market)
        found = []
        for path in (self._folder / key).glob(f"*/{DESCRIPTION}"):
            description = Description.read(path.parent)
            if description is None or path.parent.name.startswith(_BUILDING):
                continue
            if first + description.seen >= len(market.calendar):
                continue
            # in one go with what a matrix that has grown will have seen: the data is read once
            later = Extent.of(handler, market, max(last, first + description.last)).view
            data, _ = self._fingerprints.of(market, [matrix_view(handler, market, first + description.seen), later])
            if data == description.data:
                found.append(_Stored(path.parent, description))
        return max(found, key=lambda stored: stored.description.last, default=None)

    def _write(
        self,
        handler: DataHandler,
        market: Market,
        target: int,
        threads: int | None,
        progress: Progress,
        check: Check,
    ) -> None:
        """Let a stored matrix grow if one can, or build it. Who calls holds the lock."""
        home = self._folder / matrix_key(handler, market)
        stored, first = self._find(handler, market), handler.span(market)[0]
        last = target if stored is None else max(target, first + stored.description.last)
        extent = Extent.of(handler, market, last)
        (data,) = self._fingerprints.of(market, [extent.view])
        arguments: dict[str, Any] = {"threads": threads, "progress": progress, "check": check}
        try:
            memory = self._memory(stored, first) if stored and extent.growable else None
            if stored and memory:
                before = stored.description
                description = write_matrix(
                    stored.folder, handler, market, extent, data, before, memory, **arguments
                )
                self._know(stored.folder, description)
            else:
                self._build(home, handler, market, extent, data, **arguments)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise RollflowError(f"no room for a feature matrix in {self._folder}: {error.strerror}") from error
            raise
        if self._limit is not None:
            self.prune(self._limit, keep=1)

    def _build(
        self, home: Path, handler: DataHandler, market: Market, extent: Extent, data: str, **how: Any
    ) -> None:
        """Build in a folder of another name, so that a build that is killed is never taken for a matrix."""
        _clear(home)
        name = uuid4().hex
        draft = home / f"{_BUILDING}{name}"
        draft.mkdir(parents=True)
        try:
            description = write_matrix(draft, handler, market, extent, data, None, Memory(), **how)
            draft.rename(home / name)
            sync_folder(home)
            self._know(home / name, description)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        self._drop_superseded(home, name, market)

    def _memory(self, stored: _Stored, first: int) -> Memory | None:
        """What a matrix needs to go on, whose first day has this calendar position; None: it cannot go on."""
        if not stored.description.growable:
            return None
        try:
            self._verify(stored)
            return Memory.read(stored.folder / stored.description.memory, first)
        except (OSError, ValueError, KeyError, BadZipFile):
            return None

    def _verify(self, stored: _Stored) -> None:
        """Read all files, but for the blocks that this store has read before.

        Raises:
            OSError, ValueError: when they are not those that were written.
        """
        for file in stored.description.arrays():
            file.verify(stored.folder, self._verified.get(stored.folder / file.name, ()))
        self._know(stored.folder, stored.description)

    def _know(self, folder: Path, description: Description) -> None:
        """Note that all files are as they were written."""
        self._verified |= {folder / file.name: file.checksums for file in description.arrays()}

    def _drop_superseded(self, home: Path, name: str, market: Market) -> None:
        """Delete matrices of data that was at the same address, and broken ones."""
        for folder in home.iterdir():
            description = Description.read(folder)
            if folder.name != name and (description is None or description.uri == market.uri):
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _locked(self, key: str, progress: Progress) -> Iterator[None]:
        """Hold the lock of a key. The system frees it when its holder dies."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._folder / f"{key}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                progress("waiting for another process, which builds the same matrix")
                lock.acquire()
        except OSError as error:
            raise RollflowError(
                f"{self._folder} cannot be written to ({error.strerror}); it lacks a matrix"
            ) from error
        try:
            yield
        finally:
            lock.release()


def _target(handler: DataHandler, market: Market, days: tuple[Day | None, Day | None] | None) -> int:
    """The last day to build a matrix until: a later one than the handler's, if values are the same."""
    _, last = handler.span(market)
    wanted = last if days is None else market.calendar.span(*days)[1]
    same = wanted > last and not handler.overrides
    return wanted if same and matrix_key(handler, market, wanted) == matrix_key(handler, market) else last


def _is_enough(description: Description, handler: DataHandler, market: Market) -> bool:
    """Whether a matrix has all days of a handler, with all labels that are known by now."""
    first, last = handler.span(market)
    if last > first + description.last:
        return False
    settled = Extent.of(handler, market, first + description.last).settled
    return first + description.settled >= min(settled, last)


def _clear(home: Path) -> None:
    """Delete what killed builds left. Who calls holds the lock."""
    for rubbish in home.glob(f"{_BUILDING}*"):
        shutil.rmtree(rubbish)
