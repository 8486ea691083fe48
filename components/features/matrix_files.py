"""A feature matrix as a folder of NumPy files and a description."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.data.calendar import TradingCalendar
from components.features.matrix import FeatureMatrix, Floats
from components.features.rows import RowIndex

#: Changes when the meaning of the files or the result of a computation does; older matrices are then built anew.
FORMAT = 4

_DESCRIPTION = "matrix.json"
_SCRATCH = "scratch"
#: Of long arrays every so many rows are part of the checksum.
_SAMPLE = 997

Array = npt.NDArray[Any]


class Draft:
    """A matrix that is being written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._arrays: dict[str, Array] = {}

    def create(self, name: str, shape: tuple[int, int]) -> Floats:
        """A float32 array on disk, mapped into memory, to be filled.

        Raises:
            OSError: when the disk has no room for it.

        """
        path = self._folder / f"{name}.npy"
        values: Floats = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
        _reserve(path)
        self._arrays[name] = np.asarray(values)
        return self._arrays[name]

    def scratch(self, shape: tuple[int, int]) -> Floats:
        """As `create`, for values that are not kept."""
        return self.create(_SCRATCH, shape)

    def drop_scratch(self) -> None:
        """Free what `scratch` gave."""
        if self._arrays.pop(_SCRATCH, None) is not None:
            (self._folder / f"{_SCRATCH}.npy").unlink()

    def save(self, name: str, values: Array) -> None:
        """Write an array."""
        np.save(self._folder / f"{name}.npy", values)
        self._arrays[name] = values

    def finish(self, **description: Any) -> None:
        """Write the description, which makes the matrix complete."""
        checksums = {name: _checksum(values) for name, values in self._arrays.items()}
        text = json.dumps({"format": FORMAT, "checksums": checksums, **description})
        (self._folder / _DESCRIPTION).write_text(text, encoding="utf-8")


def load_matrix(folder: Path, calendar: TradingCalendar) -> FeatureMatrix | None:
    """The matrix in a folder, mapped into memory; None when it is not complete and sound."""
    try:
        description = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
        if description["format"] != FORMAT:
            return None
        checksums = description["checksums"]
        arrays = {name: _load(folder / f"{name}.npy", checksum) for name, checksum in checksums.items()}
        return _assemble(description, arrays, calendar)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _assemble(description: dict[str, Any], arrays: dict[str, Array], calendar: TradingCalendar) -> FeatureMatrix:
    learnable = int(description["learnable"])
    X = arrays["X"]
    rows = RowIndex(
        day=arrays["day"],
        instrument=arrays["instrument"],
        instruments=tuple(description["instruments"]),
        calendar=calendar,
    )
    return FeatureMatrix(
        features=tuple(description["features"]),
        labels=tuple(description["labels"]),
        rows=rows,
        learnable=learnable,
        X=X,
        X_learn=arrays.get("X_learn", X),
        y=arrays["y"],
        y_learn=arrays["y_learn"],
        predictable=arrays.get("predictable"),
        first=int(description["first"]),
        last=int(description["last"]),
    )


def _load(path: Path, checksum: int) -> Array:
    """Map an array; its length is in its header, so a file that was cut short does not load."""
    values = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    if _checksum(values) != checksum:
        raise ValueError(f"{path} has changed since it was written")
    return values


def _checksum(values: Array) -> int:
    """CRC-32 of a sample of the rows and of the last one: an array that was not written wholly shows."""
    sample = values[::_SAMPLE] if values.ndim > 1 else values
    return zlib.crc32(values[-1:].tobytes(), zlib.crc32(sample.tobytes()))


def _reserve(path: Path) -> None:
    """Claim the room on disk now: a mapped file on a full disk would kill the process when it is written."""
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
