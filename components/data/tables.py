"""Parquet and CSV tables in long form: one row per day and instrument."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.data.calendar import TradingCalendar
from components.data.days import WrongKeys, to_days
from components.data.files import DataFile
from components.data.market import Market, Panel, Positions, Spans
from components.data.membership import read_spans
from components.data.table_files import CsvFiles, ParquetFiles, TableFiles
from components.errors import InputError

#: Names of the columns of days and of instruments; the second ones count where there is none of the first.
_DAY_NAMES = (("date", "datetime"), ("trade_date", "day", "time", "timestamp"))
_INSTRUMENT_NAMES = (("instrument", "symbol", "code"), ("ticker", "ts_code"))
_READERS: dict[str, Callable[[list[DataFile]], TableFiles]] = {"parquet": ParquetFiles, "csv": CsvFiles}


class TableMarket(Market):
    """A file, or a folder of files read as one table.

    A column of days, one of instruments; every other numeric column is a field. The trading days are those that
    occur. Universe `all` holds every instrument on all its days; others are read from ``instruments/NAME.txt``
    (code, first day, last day; tabs between), inside the folder or beside the file. What names the columns may
    have, and how days may be written: docs/inputs.md.
    """

    def __init__(self, path: Path, kind: str) -> None:
        files = _files(path, kind)
        self.uri = f"{kind}:{path}"
        self._table = _READERS[kind](files)
        day_name, code_name = (_name(self._table, names, path) for names in (_DAY_NAMES, _INSTRUMENT_NAMES))
        day, days = _encode(self._table, day_name, path, to_days)
        instrument, codes = _encode(self._table, code_name, path, _to_codes)
        self.calendar = TradingCalendar(days)
        self.instruments = tuple(codes.tolist())
        self._cell = instrument * len(days) + day
        self._refuse_duplicates(path)
        self.fields = tuple(sorted(set(self._table.numeric()) - {day_name, code_name}))
        if not self.fields:
            raise InputError(f"{path}: no column with numbers; its columns are {', '.join(self._table.names):.200}")
        folder = (path if path.is_dir() else path.parent) / "instruments"
        self._universe_files = {file.stem: DataFile.of(file) for file in sorted(folder.glob("*.txt"))}
        self.universes = tuple(sorted({"all", *self._universe_files}))
        self._version = _hash(files, self._universe_files)

    @property
    def version(self) -> str:
        """SHA-256 over names, sizes and times of change of the files, and the universes."""
        return self._version

    def check_field(self, field: str) -> None:
        """Do nothing for a column with numbers; see `Market.check_field`."""
        if field in self._table.names and field not in self.fields:
            problem = self._table.what_it_holds(field)
            raise InputError(f"{self.uri}: ${field}: the column is there, but holds {problem}; write numbers")
        super().check_field(field)

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
            spans = read_spans(Path(self._universe_files[universe].path))
            self._universe_files[universe].confirm()
            return spans
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


def _files(path: Path, kind: str) -> list[DataFile]:
    files = sorted(path.glob(f"*.{kind}")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path} holds no *.{kind} file")
    return [DataFile.of(file) for file in files]


def _name(table: TableFiles, names: Sequence[Sequence[str]], path: Path) -> str:
    """The name of a key column."""
    for group in names:
        present = [name for name in group if name in table.names]
        if len(present) == 1:
            return present[0]
        if present:
            raise InputError(f"{path}: both {' and '.join(present)}; leave one of them out")
    known = " or ".join(name for group in names for name in group)
    raise InputError(f"{path}: no column {known}; its columns are {', '.join(table.names):.200}")


def _encode(
    table: TableFiles, name: str, path: Path, prepare: Callable[[pa.Array[Any]], npt.NDArray[Any]]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """A key column as indexes into its sorted distinct values, which `prepare` makes of those in the file."""
    column = table.column(name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    empty = column.null_count
    if pa.types.is_string(column.type):
        empty += len(column.filter(pc.equal(column, pa.scalar(""))))
    if empty or not len(column):
        rows = f"{empty} row{'s' * (empty > 1)}" if empty else "all rows"
        raise InputError(f"{path}: column {name!r} is empty in {rows}")
    if pa.types.is_nested(column.type):
        raise InputError(f"{path}: column {name!r} holds {column.type}; write texts or days")
    try:
        encoded: Any = column.combine_chunks().dictionary_encode()
        values = prepare(encoded.dictionary)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"{path}: column {name!r}: {str(error).splitlines()[0]}") from None
    except WrongKeys as error:
        where = ""
        if error.place is not None:
            row = int(np.argmax(encoded.indices.to_numpy() == error.place))
            where = f" in {table.row_name(row)}"
        raise InputError(f"{path}: column {name!r}{where} {error.problem}") from None
    distinct, rank = np.unique(values, return_inverse=True)
    return rank[encoded.indices.to_numpy()], distinct


def _to_codes(distinct: pa.Array[Any]) -> npt.NDArray[np.object_]:
    """Codes as text; those that differ only by case, or hold blanks, were surely meant to be one.

    Raises:
        WrongKeys: for these, and for values that cannot be codes.
    """
    kind = distinct.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)):
        raise WrongKeys(f"holds {kind}; write codes as text")
    codes = np.asarray(distinct.cast(pa.string()).to_numpy(zero_copy_only=False), dtype=object)
    seen: dict[str, str] = {}
    for place, code in enumerate(codes.tolist()):
        if code != code.strip() or not code.isprintable():
            raise WrongKeys(
                f"holds {code!r:.60}, which has a blank at an end, or a character that cannot be seen", place
            )
        if (twin := seen.setdefault(code.lower(), code)) != code:
            raise WrongKeys(
                f"holds {code!r:.60}, but elsewhere {twin!r:.60}; write an instrument alike everywhere", place
            )
    return codes


def _hash(files: Sequence[DataFile], universes: Mapping[str, DataFile]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{Path(file.path).name} {file.size} {file.changed_ns}\n".encode())
    for name, file in universes.items():
        digest.update(f"{name}.txt\n".encode())
        digest.update(file.read())
    return digest.hexdigest()
