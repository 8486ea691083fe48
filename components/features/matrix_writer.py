"""Writing a feature matrix: tables that grow, and what is needed to go on with later days."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.features.matrix import Floats
from components.features.matrix_files import ArrayFile, Description, sync_folder
from components.features.processors import Fits
from components.features.rows import RowIndex
from components.features.running import NEVER, RunningStates

Array = npt.NDArray[Any]

#: The tables: rows to learn from and others; the same of late days, which are written anew each time.
TABLES = LEARNABLE, OTHER, LATE_LEARNABLE, LATE_OTHER = "learnable", "other", "late_learnable", "late_other"

#: How many rows each table gets.
Counts = tuple[int, int, int, int]


@dataclass
class Memory:
    """What later days need of earlier ones."""

    #: Of running operators of the features.
    states: RunningStates = field(default_factory=RunningStates.none)
    #: Of the infer processors and the learn processors.
    infer: Fits = field(default_factory=dict)
    learn: Fits = field(default_factory=dict)

    def write(self, path: Path, start: int) -> None:
        """Keep it in a file; days are counted from calendar position `start`."""
        through = self.states.through
        arrays: dict[str, Array] = {
            "codes": np.array(self.states.codes, dtype=np.str_),
            "through": np.where(through == NEVER, NEVER, through - start),
            "keys": np.array(list(self.states.values), dtype=np.str_),
        }
        arrays |= {f"state {number}": states for number, states in enumerate(self.states.values.values())}
        for pipeline, fits in (("infer", self.infer), ("learn", self.learn)):
            arrays |= {f"{pipeline} {number} {group}": fitted for (number, group), fitted in fits.items()}
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)  # a ZIP file, with a checksum for each array

    @classmethod
    def read(cls, path: Path, start: int) -> Memory:
        """What `write` kept.

        Raises:
            OSError, ValueError, KeyError: when it cannot be read.
        """
        with np.load(path, allow_pickle=False) as arrays:
            through = arrays["through"]
            keys = arrays["keys"].tolist()
            values = {key: arrays[f"state {number}"] for number, key in enumerate(keys)}
            memory = cls(
                RunningStates(
                    tuple(arrays["codes"].tolist()), np.where(through == NEVER, NEVER, through + start), values
                )
            )
            for name in arrays.files:
                pipeline, _, place = name.partition(" ")
                if pipeline in ("infer", "learn"):
                    number, group = place.split(" ")
                    getattr(memory, pipeline)[int(number), group] = arrays[name]
        return memory


class MatrixWriter:
    """Appends rows to the tables in a folder; they count when `finish` has written the description."""

    def __init__(self, folder: Path, description: Description | None, start: int) -> None:
        self._folder, self._start = folder, start
        self._version = 0 if description is None else description.version + 1
        self._old_files = set() if description is None else description.files()
        tables = {} if description is None else description.tables
        self._tables: dict[str, dict[str, ArrayFile]] = {
            LEARNABLE: dict(tables.get(LEARNABLE, {})),
            OTHER: dict(tables.get(OTHER, {})),
            LATE_LEARNABLE: {},
            LATE_OTHER: {},
        }
        self._instruments = (
            {} if description is None else {code: n for n, code in enumerate(description.instruments)}
        )

    @contextmanager
    def filling(self, name: str, counts: Counts, width: int) -> Iterator[Floats]:
        """Rows of an array, to be filled, one table's after the other.

        Raises:
            OSError: when the disk has no room for them.
        """
        file = self._file(LEARNABLE, name, "<f4", width)
        with file.grown(self._folder, sum(counts)) as values:
            yield np.asarray(values)
            # the rows to learn from, as a rule most of all, are where they stay
            self._append(name, values[counts[0] :], (0, *counts[1:]))
        self._tables[LEARNABLE][name] = file.appended(self._folder, counts[0])

    @contextmanager
    def scratch(self, rows: int, width: int) -> Iterator[Floats]:
        """Room on the disk for values that are not kept."""
        file = ArrayFile(name=f"scratch-{self._version}.bin", dtype="<f4", width=width)
        try:
            with file.grown(self._folder, rows) as values:
                yield np.asarray(values)
        finally:
            with suppress(OSError):
                (self._folder / file.name).unlink()

    def save(self, name: str, values: Array, counts: Counts) -> None:
        """Append values, one for each row, one table's after the other."""
        self._append(name, values[: counts[0]], (counts[0], 0, 0, 0))
        self._append(name, values[counts[0] :], (0, *counts[1:]))

    def save_rows(self, rows: RowIndex, counts: Counts) -> None:
        """Append the day and the instrument of rows."""
        for place in np.unique(rows.instrument).tolist():
            self._instruments.setdefault(rows.instruments[place], len(self._instruments))
        number = np.array([self._instruments.get(code, -1) for code in rows.instruments], dtype=np.int32)
        self.save("day", rows.day - np.int32(self._start), counts)
        self.save("instrument", number[rows.instrument], counts)

    def finish(self, memory: Memory, **described: Any) -> Description:
        """Make what was written count, and delete what does not any more."""
        file = f"memory-{self._version}.npz"
        memory.write(self._folder / file, self._start)
        description = Description(
            version=self._version,
            instruments=tuple(self._instruments),
            tables=self._tables,
            memory=file,
            **described,
        )
        sync_folder(self._folder)
        description.write(self._folder)
        for name in self._old_files - description.files():
            with suppress(OSError):
                (self._folder / name).unlink()
        return description

    def _append(self, name: str, values: Array, counts: Counts) -> None:
        width = None if values.ndim == 1 else values.shape[1]
        values = values.astype(values.dtype.newbyteorder("<"), copy=False)
        for table, count in zip(TABLES, counts, strict=True):
            if count:
                file = self._file(table, name, values.dtype.str, width)
                self._tables[table][name] = file.written(self._folder, values[:count])
                values = values[count:]

    def _file(self, table: str, name: str, dtype: str, width: int | None) -> ArrayFile:
        place = f"{table}-{self._version}" if table in (LATE_LEARNABLE, LATE_OTHER) else table
        return self._tables[table].get(name) or ArrayFile(name=f"{place}.{name}.bin", dtype=dtype, width=width)
