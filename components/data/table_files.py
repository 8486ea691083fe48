"""Columns of many Parquet or CSV files as if of one table; names in lower case."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from components.errors import InputError

Column: TypeAlias = "pa.ChunkedArray[Any]"

#: CSV columns that are read as they are written: 000001 keeps its zeros, and a day is not moved to UTC.
_TEXT_COLUMNS = ("instrument", "symbol", "code", "date", "datetime")


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


class ParquetFiles(TableFiles):
    """Reads a column when it is asked for."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self._schema = _merged([(file, _read_schema(file)) for file in files])
        self.names = tuple(self._schema)

    def column(self, name: str) -> Column:
        """See `TableFiles.column`."""
        spelt = self._schema[name].name
        tables = [pyarrow.parquet.read_table(file, columns=[spelt], partitioning=None) for file in self._files]
        return pa.concat_tables(tables, promote_options="permissive").column(0)

    def numeric(self) -> tuple[str, ...]:
        """See `TableFiles.numeric`."""
        return _numeric(self._schema)


class CsvFiles(TableFiles):
    """Reads everything at the start: a CSV file cannot be read by the column."""

    def __init__(self, files: Sequence[Path]) -> None:
        tables = [_read_csv(file) for file in files]
        self._schema = _merged([(file, table.schema) for file, table in zip(files, tables, strict=True)])
        self._table = pa.concat_tables(tables, promote_options="permissive")
        self.names = tuple(self._schema)

    def column(self, name: str) -> Column:
        """See `TableFiles.column`."""
        return self._table.column(self._schema[name].name)

    def numeric(self) -> tuple[str, ...]:
        """See `TableFiles.numeric`."""
        return _numeric(self._schema)


def _read_schema(file: Path) -> pa.Schema:
    try:
        return pyarrow.parquet.read_schema(file)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{file}: not a readable Parquet file: {str(error).splitlines()[0]}") from None


def _read_csv(file: Path) -> pa.Table:
    try:
        with pyarrow.csv.open_csv(file) as reader:
            names = reader.schema.names
        types = {name: pa.string() for name in names if name.lower() in _TEXT_COLUMNS}
        options = pyarrow.csv.ConvertOptions(column_types=types)
        return pyarrow.csv.read_csv(file, convert_options=options)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{file}: not a readable CSV file: {str(error).splitlines()[0]}") from None


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
