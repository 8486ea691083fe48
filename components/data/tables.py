"""Parquet and CSV tables in long form: one row per day and instrument."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.data.calendar import TradingCalendar
from components.data.market import Market, Panel, Positions, Spans
from components.data.membership import read_spans
from components.data.table_files import Column, CsvFiles, ParquetFiles, TableFiles
from components.errors import InputError

_DAY_NAMES = ("date", "datetime")
_INSTRUMENT_NAMES = ("instrument", "symbol", "code")
_READERS: dict[str, Callable[[list[Path]], TableFiles]] = {"parquet": ParquetFiles, "csv": CsvFiles}


class TableMarket(Market):
    """A file, or a folder of files read as one table.

    Columns: ``date`` or ``datetime``; ``instrument``, ``symbol`` or ``code``; every other numeric column is a
    field. The trading days are those that occur. Universe `all` holds every instrument on all its days; others
    are read from ``instruments/NAME.txt`` (code, first day, last day; tabs between), inside the folder or
    beside the file.
    """

    def __init__(self, path: Path, kind: str) -> None:
        files = _files(path, kind)
        self.uri = f"{kind}:{path}"
        self._table = _READERS[kind](files)
        day, days = _encode(self._table, _DAY_NAMES, path, _as_days)
        instrument, codes = _encode(self._table, _INSTRUMENT_NAMES, path, _as_codes)
        self.calendar = TradingCalendar(np.asarray(days, dtype="datetime64[D]"))
        self.instruments = tuple(codes)
        self._cell = instrument.astype(np.int64) * len(days) + day
        self._refuse_duplicates(path)
        self.fields = tuple(sorted(set(self._table.numeric()) - {*_DAY_NAMES, *_INSTRUMENT_NAMES}))
        folder = (path if path.is_dir() else path.parent) / "instruments"
        self._universe_files = {file.stem: file for file in sorted(folder.glob("*.txt"))}
        self.universes = tuple(sorted({"all", *self._universe_files}))
        self._version = _hash(files, list(self._universe_files.values()))

    @property
    def version(self) -> str:
        """SHA-256 over names, sizes and times of change of the files, and the universes."""
        return self._version

    def panel(self, field: str, instruments: Sequence[str]) -> Panel:
        """Read one column; see `Market.panel`."""
        self.check_field(field)
        places = self.places(instruments)
        panel = np.full((len(self.instruments), len(self.calendar)), np.nan, dtype=np.float32)
        values = self._table.column(field).cast(pa.float32(), safe=False)
        panel.reshape(-1)[self._cell] = values.to_numpy(zero_copy_only=False)
        return panel if places == list(range(len(panel))) else panel[places]

    def data_range(self, instruments: Sequence[str]) -> tuple[Positions, Positions]:
        """From the first to the last row of each; see `Market.data_range`."""
        places = self.places(instruments)
        first, last = self._ranges
        return first[places], last[places]

    def spans(self, universe: str) -> Spans:
        """The lines of ``instruments/<universe>.txt``, or everything for `all`; see `Market.spans`."""
        self.check_universe(universe)
        if universe in self._universe_files:
            return read_spans(self._universe_files[universe])
        return Spans.everywhere(self.instruments, self.calendar)

    @cached_property
    def _ranges(self) -> tuple[Positions, Positions]:
        instrument, day = np.divmod(self._cell, len(self.calendar))
        first = np.full(len(self.instruments), len(self.calendar), dtype=np.int32)
        last = np.full(len(self.instruments), -1, dtype=np.int32)
        np.minimum.at(first, instrument, day.astype(np.int32))
        np.maximum.at(last, instrument, day.astype(np.int32))
        return first, last

    def _refuse_duplicates(self, path: Path) -> None:
        count = np.bincount(self._cell, minlength=0)
        if len(count) and count.max() > 1:
            instrument, day = divmod(int(np.argmax(count > 1)), len(self.calendar))
            many = f"; {int((count > 1).sum())} such pairs" if (count > 1).sum() > 1 else ""
            raise InputError(f"{path}: {self.instruments[instrument]} has two rows on {self.calendar[day]}{many}")


def _files(path: Path, kind: str) -> list[Path]:
    files = sorted(path.glob(f"*.{kind}")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path} holds no *.{kind} file")
    return files


def _encode(
    table: TableFiles, names: Sequence[str], path: Path, prepare: Callable[[Column], Column]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.generic]]:
    """A key column as indexes into its sorted distinct values."""
    present = [name for name in names if name in table.names]
    if len(present) != 1:
        what = f"both {' and '.join(present)}" if present else f"no column {' or '.join(names)}"
        raise InputError(f"{path}: {what}; its columns are {', '.join(table.names)}")
    column = table.column(present[0])
    empty = column.null_count
    if pa.types.is_string(column.type):
        empty += len(column.filter(pc.equal(column, pa.scalar(""))))
    if empty or not len(column):
        raise InputError(f"{path}: column {present[0]!r} is empty in {empty or 'all'} rows")
    try:
        encoded: Any = prepare(column).combine_chunks().dictionary_encode()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"{path}: column {present[0]!r}: {str(error).splitlines()[0]}") from None
    values = encoded.dictionary.to_numpy(zero_copy_only=False)
    order = np.argsort(values, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[encoded.indices.to_numpy()], values[order]


def _as_days(column: Column) -> Column:
    """Dates, timestamps, texts (YYYY-MM-DD or YYYYMMDD) and whole numbers (YYYYMMDD) as days."""
    if pa.types.is_integer(column.type):
        column = column.cast(pa.string())
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        text = pc.replace_substring(pc.utf8_slice_codeunits(column, 0, 10), "-", "")
        times: Any = pc.strptime(text, format="%Y%m%d", unit="s")
    elif isinstance(column.type, pa.TimestampType) and column.type.tz:
        times = pc.local_timestamp(column)
    else:
        times = column
    days: Column = times.cast(pa.date32(), safe=False)
    return days


def _as_codes(column: Column) -> Column:
    return column.cast(pa.string())


def _hash(files: Sequence[Path], universes: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        status = file.stat()
        digest.update(f"{file.name} {status.st_size} {status.st_ctime_ns}\n".encode())
    for file in universes:
        digest.update(f"{file.name}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()
