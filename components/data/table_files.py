"""Columns of many Parquet or CSV files as if of one table; names in lower case."""

from __future__ import annotations

import codecs
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from components.data.files import DataFile
from components.errors import InputError

Column: TypeAlias = "pa.ChunkedArray[Any]"

#: CSV columns that are read as they are written: 000001 keeps its zeros, and a day is not moved to UTC.
_TEXT_COLUMNS = frozenset(
    (
        "instrument",
        "symbol",
        "code",
        "ticker",
        "ts_code",
        "date",
        "datetime",
        "day",
        "time",
        "timestamp",
        "trade_date",
    )
)
_NUMBER = r"^\s*[-+]?(\d+\.?\d*([eE][-+]?\d+)?|\.\d+|nan|inf)\s*$"


class TableFiles(ABC):
    """The columns that all files have."""

    #: Lower-case names, in the order of the first file.
    names: tuple[str, ...]

    @abstractmethod
    def column(self, name: str) -> Column:
        """The values of all files, one after the other."""

    @abstractmethod
    def numeric(self) -> tuple[str, ...]:
        """Names of the columns with numbers."""

    @abstractmethod
    def row_name(self, row: int) -> str:
        """What a user finds a row by, given its place from 0."""

    def what_it_holds(self, name: str) -> str:
        """What is wrong with a column that should hold numbers."""
        column = self.column(name)
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            return str(column.type)
        numbers: Any = pc.match_substring_regex(cast("Any", column), _NUMBER, ignore_case=True)
        row = int(np.argmin(numbers.fill_null(True).to_numpy()))
        return f"text ({column[row].as_py()!r:.40} in {self.row_name(row)})"


class ParquetFiles(TableFiles):
    """Reads a column when it is asked for."""

    def __init__(self, files: Sequence[DataFile]) -> None:
        self._files = files
        self._schema = _merged([(Path(file.path), _read_schema(Path(file.path))) for file in files])
        self.names = tuple(self._schema)

    def column(self, name: str) -> Column:
        """See `TableFiles.column`."""
        spelt = self._schema[name].name
        columns = [_read_column(file, spelt) for file in self._files]
        return _joined(columns, [Path(file.path) for file in self._files]).column(0)

    def numeric(self) -> tuple[str, ...]:
        """See `TableFiles.numeric`."""
        return _numeric(self._schema)

    def row_name(self, row: int) -> str:
        """See `TableFiles.row_name`."""
        return f"row {row + 1}"


class CsvFiles(TableFiles):
    """Reads everything at the start: a CSV file cannot be read by the column."""

    def __init__(self, opened: Sequence[DataFile]) -> None:
        files = [Path(file.path) for file in opened]
        tables = [_read_csv(file) for file in files]
        for file in opened:
            file.confirm()
        self._schema = _merged([(file, table.schema) for file, table in zip(files, tables, strict=True)])
        self._rows = [(file, len(table)) for file, table in zip(files, tables, strict=True)]
        self._table = _joined(tables, files)
        self.names = tuple(self._schema)

    def column(self, name: str) -> Column:
        """See `TableFiles.column`."""
        return self._table.column(self._schema[name].name)

    def numeric(self) -> tuple[str, ...]:
        """See `TableFiles.numeric`."""
        return _numeric(self._schema)

    def row_name(self, row: int) -> str:
        """See `TableFiles.row_name`; the first line holds the names."""
        for file, rows in self._rows:
            if row < rows:
                return f"line {row + 2} of {file.name}"
            row -= rows
        raise IndexError(row)


def _read_schema(file: Path) -> pa.Schema:
    try:
        return pyarrow.parquet.read_schema(file)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{file}: not a readable Parquet file: {str(error).splitlines()[0]}") from None


def _read_column(file: DataFile, name: str) -> pa.Table:
    try:
        column = pyarrow.parquet.read_table(file.path, columns=[name], partitioning=None)
    except (pa.ArrowException, OSError, ValueError) as error:
        file.confirm()
        what = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{file.path}: column {name!r} cannot be read: {what}") from None
    file.confirm()
    return column


def _joined(tables: Sequence[pa.Table], files: Sequence[Path]) -> pa.Table:
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise InputError(
            f"{files[0].parent}: the files do not fit together: {str(error).splitlines()[0]}"
        ) from None


def _read_csv(file: Path) -> pa.Table:
    try:
        with file.open("rb") as start:
            if start.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                raise UnicodeDecodeError("utf-8", b"", 0, 1, "UTF-16")
        with pyarrow.csv.open_csv(file) as reader:
            names = reader.schema.names
        types = {name: pa.string() for name in names if name.lower() in _TEXT_COLUMNS}
        options = pyarrow.csv.ConvertOptions(column_types=types)
        return pyarrow.csv.read_csv(file, convert_options=options)
    except (pa.ArrowInvalid, OSError) as error:
        what = str(error).splitlines()[0]
        if "UTF8" in what or "UTF-8" in what:
            raise InputError(f"{file}: not text in UTF-8; save it as CSV UTF-8") from None
        raise InputError(f"{file}: not a readable CSV file: {what}") from None
    except UnicodeDecodeError:  # in the names of the columns
        raise InputError(f"{file}: not text in UTF-8; save it as CSV UTF-8") from None


def _merged(schemas: Sequence[tuple[Path, pa.Schema]]) -> dict[str, pa.Field[Any]]:
    """Lower-case name -> field of the first file; every file must have the same columns."""
    first, fields = schemas[0][0], {}
    for field in schemas[0][1]:
        if field.name.lower() in fields:
            raise InputError(f"{first}: two columns are called {field.name.lower()!r}")
        fields[field.name.lower()] = field
    for file, schema in schemas[1:]:
        if unlike := {field.name for field in fields.values()} ^ set(schema.names):
            raise InputError(f"{file}: column {min(unlike)!r} is not in every file ({first.name} is the first)")
    return fields


def _numeric(schema: Mapping[str, pa.Field[Any]]) -> tuple[str, ...]:
    numbers = (pa.types.is_floating, pa.types.is_integer, pa.types.is_null)
    # pandas stores an index without a name as a column like __index_level_0__
    named = {name: field for name, field in schema.items() if not name.startswith("__")}
    return tuple(name for name, field in named.items() if any(is_kind(field.type) for is_kind in numbers))
