"""A feature matrix as a folder of arrays that grow, and a description that says how far they go."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

#: Changes when the meaning of the files or the result of a computation does; older matrices are then built anew.
FORMAT = 5

DESCRIPTION = "matrix.json"
#: Bytes that have a checksum together: a page that was lost shows, and days are appended without reading all again.
_BLOCK = 1 << 22

Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class ArrayFile:
    """Rows of numbers in a file, in C order and nothing else.

    What the file has beyond these rows was left by a killed writer.
    """

    name: str
    #: NumPy's name of the type, with the byte order.
    dtype: str
    #: Length of a row; None: a row is one number.
    width: int | None
    rows: int = 0
    #: CRC-32 of each block of bytes.
    checksums: tuple[int, ...] = ()

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return np.dtype(self.dtype).itemsize * (1 if self.width is None else self.width)

    def read(self, folder: Path) -> Array:
        """The array, mapped into memory and read-only.

        Raises:
            OSError: when there is no such file.
            ValueError: when the file is too short.
        """
        return self._map(folder, "r", 0, self.rows)

    def verify(self, folder: Path, known: tuple[int, ...] = ()) -> None:
        """Read all bytes, but for the first blocks if their checksums are known to be right.

        Raises:
            OSError, ValueError: when they are not those that were written.
        """
        same = 0
        while same < min(len(known), len(self.checksums)) and known[same] == self.checksums[same]:
            same += 1
        if self._checksums(folder, same) != self.checksums[same:]:
            raise ValueError(f"{folder / self.name} has changed since it was written")

    @contextmanager
    def grown(self, folder: Path, rows: int) -> Iterator[Array]:
        """More rows at the end, mapped into memory, to be filled. They count when `appended` says so.

        Raises:
            OSError: when the disk has no room for them.
        """
        path = folder / self.name
        with path.open("ab"):
            os.truncate(path, self.rows * self.row_bytes)
        size = (self.rows + rows) * self.row_bytes
        os.truncate(path, size)
        if hasattr(os, "posix_fallocate") and size:
            # a mapped file on a full disk would kill the process when it is written
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, size)
        values = self._map(folder, "r+", self.rows, rows)
        yield values
        if isinstance(values, np.memmap):
            values.flush()

    def appended(self, folder: Path, rows: int) -> ArrayFile:
        """The array with some of the rows that it was grown by; the file is as long as that, and on the disk."""
        longer = replace(self, rows=self.rows + rows)
        with (folder / self.name).open("r+b") as file:
            file.truncate(longer.rows * self.row_bytes)
            os.fsync(file.fileno())
        whole = self.rows * self.row_bytes // _BLOCK
        return replace(longer, checksums=(*self.checksums[:whole], *longer._checksums(folder, whole)))

    def written(self, folder: Path, values: Array) -> ArrayFile:
        """The array with more rows, given as they are.

        Raises:
            OSError: when the disk has no room for them.
        """
        with (folder / self.name).open("ab") as file:
            file.truncate(self.rows * self.row_bytes)
            file.write(np.ascontiguousarray(values).data)
        return self.appended(folder, len(values))

    def _checksums(self, folder: Path, first: int) -> tuple[int, ...]:
        """CRC-32 of each block of bytes, from some block on.

        They are read: of a file that is mapped already, a second mapping would count as memory once more.
        """
        start, end = first * _BLOCK, self.rows * self.row_bytes
        if start >= end:
            return ()
        with (folder / self.name).open("rb", buffering=0) as file:
            file.seek(start)
            return tuple(zlib.crc32(file.read(min(_BLOCK, end - at))) for at in range(start, end, _BLOCK))

    def _map(self, folder: Path, mode: Any, first: int, rows: int) -> Array:
        shape = (rows,) if self.width is None else (rows, self.width)
        if not rows or self.width == 0:
            return np.empty(shape, dtype=self.dtype)
        offset = first * self.row_bytes
        return np.memmap(folder / self.name, dtype=self.dtype, mode=mode, offset=offset, shape=shape)


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a folder holds. Days are counted from the handler's first day."""

    #: Number of times that it was written: files that change have it in their names.
    version: int
    #: For people: class of the handler, universe, address of the data.
    handler: str
    universe: str
    uri: str
    #: The handler's first day and the last one of the matrix.
    start: str
    end: str
    #: The last day of the matrix; the last one before late rows; and the last one whose data was seen.
    last: int
    settled: int
    seen: int
    #: Fingerprint of the data through that day.
    data: str
    #: Whether later days can be appended.
    growable: bool
    features: tuple[str, ...]
    labels: tuple[str, ...]
    #: The instruments that rows name, in the order in which they came.
    instruments: tuple[str, ...]
    #: Table -> array -> its file.
    tables: Mapping[str, Mapping[str, ArrayFile]]
    #: File of what is needed to go on, with its checksum.
    memory: str
    format: int = FORMAT

    def write(self, folder: Path) -> None:
        """Put it into the folder at once, which makes all that it describes count."""
        draft = folder / f"{DESCRIPTION}.{uuid4().hex}"
        with draft.open("w", encoding="utf-8") as file:
            json.dump(self._document(), file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(folder / DESCRIPTION)
        sync_folder(folder)

    def _document(self) -> dict[str, Any]:
        tables = {table: {name: vars(file) for name, file in files.items()} for table, files in self.tables.items()}
        return vars(self) | {"tables": tables}

    @classmethod
    def read(cls, folder: Path) -> Description | None:
        """What a folder holds; None when it is not complete, or not readable."""
        try:
            document = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
            if document["format"] != FORMAT:
                return None
            tables = {
                table: {
                    name: ArrayFile(**{**file, "checksums": tuple(file["checksums"])})
                    for name, file in files.items()
                }
                for table, files in document["tables"].items()
            }
            lists = {name: tuple(document[name]) for name in ("features", "labels", "instruments")}
            return cls(**{**document, **lists, "tables": tables})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def arrays(self) -> list[ArrayFile]:
        """The arrays of all tables."""
        return [file for files in self.tables.values() for file in files.values()]

    def files(self) -> set[str]:
        """The names of all files that belong to it."""
        return {file.name for file in self.arrays()} | {DESCRIPTION, self.memory}


def sync_folder(folder: Path) -> None:
    """Have what was created and renamed in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
