"""Raw features and labels as a file that any tool reads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from components.data.market import Market
from components.errors import InputError
from components.features.handler import DataHandler

#: Rows that are turned into columns at a time: the whole table is in memory once, and should not be twice.
_ROWS_A_GROUP = 65_536


def export_raw(handler: DataHandler, market: Market, path: Path, *, threads: int | None = None) -> int:
    """Write what a handler has before any processor as Parquet; the file appears when it is complete.

    Columns are ``datetime`` (a day, without time zone), ``instrument``, the features and the labels under their
    names (float32), rows by day and then by instrument.

    Returns:
        The number of rows.

    Raises:
        InputError: when the file cannot be written, or for wrong expressions, universes or days.
    """
    check_writable(path)
    frame = handler.raw(market, threads=threads)
    with _appearing(path) as draft:
        _write(frame, draft)
    return len(frame)


def check_writable(path: Path) -> None:
    """Do nothing for a path where a file can be written.

    Raises:
        InputError: when its folder is missing, is not ours to write to, or when the path is a folder itself.
    """
    try:
        path.exists()
    except (OSError, ValueError) as error:
        raise InputError(f"{str(path)[:200]}: cannot be a file ({getattr(error, 'strerror', error)})") from None
    if path.is_dir():
        raise InputError(f"{path} is a folder; give the name of a file, such as {path / 'features.parquet'}")
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path}: the folder {path.absolute().parent} does not exist")
    if not os.access(path.absolute().parent, os.W_OK):
        raise InputError(f"{path}: no right to write to {path.absolute().parent}")


def _write(frame: pd.DataFrame, path: Path) -> None:
    with pq.ParquetWriter(path, _table(frame.iloc[:1]).schema, compression="zstd") as writer:
        for first in range(0, len(frame), _ROWS_A_GROUP):
            writer.write_table(_table(frame.iloc[first : first + _ROWS_A_GROUP]))


def _table(rows: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(rows.reset_index(), preserve_index=False)


@contextmanager
def _appearing(path: Path) -> Iterator[Path]:
    """Another name in the same folder, renamed to `path` when the block ends well and deleted otherwise."""
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        yield draft
        draft.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        with suppress(OSError):  # as a rule it is gone
            draft.unlink()
