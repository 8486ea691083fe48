"""Values as files in open formats, and back."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pandas as pd

from components.errors import InputError
from components.formats.tables import INDEX, read_table, save_table

_FORMATS = ".parquet (tables) and .json (plain values)"


def write_object(value: Any, path: Path, *, as_pickle: bool = False) -> None:
    """Write a value in the format that the end of the file's name says, or as a pickle.

    Raises:
        InputError: for another ending, or a value that the format cannot hold.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if as_pickle:
        path.write_bytes(pickle.dumps(value))
    elif path.suffix == ".parquet":
        _write_table(value, path)
    elif path.suffix == ".json":
        try:
            save_json(value, path)
        except TypeError as error:
            raise InputError(f"{path.name}: {error}; save plain values, or name pickle=True") from None
    else:
        raise InputError(f"{path.name}: known formats are {_FORMATS}; for any other object name pickle=True")


def read_object(path: Path, *, as_pickle: bool = False) -> Any:
    """The value that `write_object` wrote.

    Raises:
        InputError: for a file in no format that is read without asking, such as a pickle.
    """
    if as_pickle:
        return pickle.loads(path.read_bytes())  # noqa: S301 - the caller named it
    if path.suffix == ".parquet":
        return read_table(path)
    if path.suffix == ".json":
        return json.loads(path.read_text("utf-8"))
    if path.suffix == ".pkl":
        raise InputError(
            f"{path.name} is a pickle: reading it runs whatever its writer put there; name pickle=True to trust it"
        )
    raise InputError(f"{path.name}: read are {_FORMATS}; download any other file, or name pickle=True for a pickle")


def save_json(value: Any, path: Path) -> None:
    """Write a JSON value, readable by people."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False), "utf-8")


def _write_table(value: Any, path: Path) -> None:
    if isinstance(value, pd.Series):
        value = value.to_frame("value" if value.name is None else value.name)
    if not isinstance(value, pd.DataFrame):
        raise InputError(f"{path.name}: a {type(value).__name__} is no table; save it as .json")
    if set(value.index.names) <= set(INDEX):
        save_table(value, path)
    elif isinstance(value.index, pd.RangeIndex):
        value.to_parquet(path, index=False, write_page_checksum=True)
    else:
        value.reset_index().to_parquet(path, index=False, write_page_checksum=True)
