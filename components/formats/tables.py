"""Result tables as Parquet, of which a collection has hundreds."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

#: Columns that make the index of a table, as far as it has them.
INDEX = ("datetime", "instrument")


def read_table(path: Path) -> pd.DataFrame:
    """A Parquet table with its columns datetime and instrument as index.

    The file keeps each instrument's name once and numbers in the rows. These become the codes of the index as
    they are, which saves most of the time: names spelt out for each row would have to be numbered again.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError, OSError: when it is damaged (Arrow's); tables written here have a checksum for each page.
    """
    try:
        options: dict[str, Any] = {"pre_buffer": False, "page_checksum_verification": True}
        with pq.ParquetFile(path, read_dictionary=[INDEX[1]], **options) as file:
            # the tables are small: threads and buffers for each, and pandas' notes on it, take longer than reading
            table = file.read(use_threads=False).replace_schema_metadata(None)
    except KeyError:  # Arrow's, for a table without names
        return _plain(path)
    if INDEX[0] not in table.column_names or not len(table):
        return _plain(path)
    encoded = [_encoded(table.column(name)) for name in INDEX]
    days, instruments = (column.dictionary for column in encoded)
    levels: list[Any] = [pd.Index(days.to_numpy()), _names(tuple(instruments.to_pylist()))]
    codes: list[Any] = [_codes(column) for column in encoded]
    frame = table.drop_columns(list(INDEX)).to_pandas(use_threads=False)
    frame.index = pd.MultiIndex(levels, codes, names=INDEX, verify_integrity=False)
    return frame


def _plain(path: Path) -> pd.DataFrame:
    frame = pd.read_parquet(path, page_checksum_verification=True)
    names = [name for name in INDEX if name in frame]
    return frame.set_index(names) if names else frame


@lru_cache(maxsize=16)
def _names(instruments: tuple[str | None, ...]) -> pd.Index[Any]:
    """The index level of names; the tables of a run mostly have the same ones."""
    return pd.Index(instruments)


def _codes(column: Any) -> Any:
    """The numbers of an encoded column, -1 where it has no value."""
    return (column.indices.fill_null(-1) if column.null_count else column.indices).to_numpy()


def _encoded(column: Any) -> Any:
    """A column of a table as numbers and the values that they stand for."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks()
    return whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole


def save_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table indexed (datetime, instrument) as Parquet with these as columns, for any reader."""
    columns: dict[str, Any] = {
        str(name): _index_column(frame.index, place) for place, name in enumerate(frame.index.names)
    }
    # Not the series themselves: Arrow asks them what they are, which pandas takes for questions about their index.
    columns |= {str(name): column.values for name, column in frame.items()}
    buffer = pa.BufferOutputStream()  # Arrow writes a file in dozens of small pieces, each a call to the system
    # Without Arrow's own schema, which says how the names were held here, every reader sees plain strings.
    table = pa.table({name: pa.array(values, from_pandas=True) for name, values in columns.items()})
    pq.write_table(table, buffer, compression="zstd", store_schema=False, write_page_checksum=True)
    path.write_bytes(buffer.getvalue())


def _index_column(index: pd.Index[Any], place: int) -> Any:
    """The values of an index level in each row; names stay numbers, for which the file has room as well."""
    if not isinstance(index, pd.MultiIndex) or not pd.api.types.is_string_dtype(index.levels[place].dtype):
        return index.get_level_values(place)
    codes = np.asarray(index.codes[place])
    return pa.DictionaryArray.from_arrays(codes, pa.array(index.levels[place]), mask=codes < 0)
