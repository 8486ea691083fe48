"""Addresses of MLflow stores: which it takes, and what has to be done to open one."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from filelock import FileLock

from components.errors import InputError
from components.redaction import protect, redacted, without_password

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SCHEMES = ("sqlite", "http", "https", "postgresql", "mysql", "mssql")
_SQLITE = "sqlite:///"


def is_server(uri: str) -> bool:
    """Whether an address is one of an MLflow server; others are databases."""
    return uri.partition(":")[0] in ("http", "https")


def check_address(uri: str) -> None:
    """Make sure that an address is one of a store, and that this machine has the driver for it.

    Raises:
        InputError: for one that MLflow does not take, or no longer; the message says what to do.
    """
    protect(uri)
    shown = f"MLFLOW_TRACKING_URI {without_password(uri)!r}"
    try:
        address = urlsplit(uri)
        port = address.port if is_server(uri) else None
    except ValueError as error:
        raise InputError(f"{shown}: {error}") from None
    if address.scheme.partition("+")[0] not in _SCHEMES:
        raise InputError(_no_folder(uri))
    if is_server(uri):
        if not address.hostname or port == 0:
            raise InputError(f"{shown}: names no host; use http://HOST:PORT")
    elif address.scheme == "sqlite":
        if not uri.startswith(_SQLITE) or Path(uri.removeprefix(_SQLITE)).is_dir():
            raise InputError(f"{shown}: names no file; use {_SQLITE}FILE")
    else:
        _check_driver(uri, shown)


def _check_driver(uri: str, shown: str) -> None:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        make_url(uri).get_dialect().import_dbapi()
    except ImportError as error:
        raise InputError(
            f"{shown}: its driver is not installed ({error}); install it, or use http://HOST of a server"
        ) from None
    except (SQLAlchemyError, ValueError) as error:
        problem = redacted(str(error).splitlines()[0])
        raise InputError(f"{shown}: cannot be read ({problem})") from None


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
    """MLflow brings the tables of a SQLite file up to date, without a lock of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if not path.exists():
            _create(path)
        yield


def _create(path: Path) -> None:
    """Make a SQLite file with MLflow's tables, which appears as a whole.

    MLflow makes them in some fifty steps, and where it was killed between two of them it can neither go on nor
    begin anew. The file gets a write-ahead log, and remembers it: a commit then waits for the disk once instead of
    four times, and reading and writing do not wait for each other (https://www.sqlite.org/wal.html).
    """
    from mlflow.store.db import utils
    from sqlalchemy import URL, Engine, create_engine

    for left in path.parent.glob(f"{escape(path.name)}.new*"):  # by one that was killed
        left.unlink()
    draft = path.with_name(f"{path.name}.new")
    engine = create_engine(URL.create("sqlite", database=str(draft)))
    try:
        initialise: Callable[[Engine], None] = utils._initialize_tables
        initialise(engine)
    finally:
        engine.dispose()
    with closing(sqlite3.connect(draft)) as database:
        database.execute("PRAGMA journal_mode = WAL")
    draft.rename(path)


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
