"""Addresses of MLflow stores: which it takes, and what has to be done to open one."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from filelock import FileLock

from components.errors import InputError
from components.redaction import without_password

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SCHEMES = ("sqlite", "http", "https", "postgresql", "mysql", "mssql")
_SQLITE = "sqlite:///"


def is_server(uri: str) -> bool:
    """Whether an address is one of an MLflow server; others are databases."""
    return uri.partition(":")[0] in ("http", "https")


def check_address(uri: str) -> None:
    """Make sure that an address is one of a store.

    Raises:
        InputError: for one that MLflow does not take, or no longer; the message says what to do.
    """
    try:
        scheme = urlsplit(uri).scheme
    except ValueError as error:
        raise InputError(f"MLFLOW_TRACKING_URI {without_password(uri)!r}: {error}") from None
    if scheme.partition("+")[0] not in _SCHEMES:
        raise InputError(_no_folder(uri))


def connect(uri: str) -> MlflowClient:
    """A client of the store at an address, which has answered.

    Raises:
        Exception: whatever MLflow, SQLAlchemy, SQLite or the system raise when the store cannot be used.
    """
    from mlflow import MlflowClient

    with _opening(uri):
        client = MlflowClient(uri)
        client.search_experiments(max_results=1)
    return client


def _opening(uri: str) -> AbstractContextManager[None]:
    """What has to be done around the opening of a store."""
    return _first_open(Path(uri.removeprefix(_SQLITE))) if uri.startswith(_SQLITE) else nullcontext()


@contextmanager
def _first_open(path: Path) -> Iterator[None]:
    """MLflow creates the tables of a fresh SQLite file in it, without a lock of its own.

    A fresh file gets a write-ahead log: a commit then waits for the disk once instead of four times, and reading
    and writing do not wait for each other (https://www.sqlite.org/wal.html). The file remembers it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if not path.exists():
            with closing(sqlite3.connect(path)) as database:
                database.execute("PRAGMA journal_mode = WAL")
        yield


def _no_folder(uri: str) -> str:
    """What to do about an address that is none of a database or server: most likely Qlib's folder `mlruns`."""
    address = urlsplit(uri)
    if address.scheme not in ("", "file"):
        return (
            f"MLFLOW_TRACKING_URI {without_password(uri)!r}: not an MLflow store; use {_SQLITE}FILE or http://HOST"
        )
    folder = Path(url2pathname(address.path)).absolute()
    copy = f"{_SQLITE}{folder.with_suffix('.db')}"
    if not folder.is_dir():
        return f"MLFLOW_TRACKING_URI {uri!r}: MLflow no longer keeps runs in folders; use {copy} or http://HOST"
    migrate = shlex.join(["mlflow", "migrate-filestore", "--source", str(folder), "--target", copy])
    return (
        f"MLFLOW_TRACKING_URI {uri!r}: MLflow no longer reads runs from folders; copy them into a database, once, "
        f"with '{migrate}', leave the folder where it is for the artifacts, and use {copy}"
    )
