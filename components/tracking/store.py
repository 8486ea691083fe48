"""The way to an MLflow store: addresses that it takes, and its errors in one line."""

from __future__ import annotations

import os
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
from components.redaction import protect, redacted, without_password

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SCHEMES = ("sqlite", "http", "https", "postgresql", "mysql", "mssql")
_SQLITE = "sqlite:///"
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "ALEMBIC_LOGGING_LEVEL": "WARNING",
}


class RunMissing(InputError):
    """There is no run of that id, or it was deleted."""


class ExperimentMissing(InputError):
    """There is no experiment of that name or id, or it was deleted."""


def quiet_mlflow() -> None:
    """Let MLflow speak up only when something is wrong; what the user has set stays."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)


def connect(uri: str) -> MlflowClient:
    """A client of the store at an address, which has answered.

    Raises:
        InputError: when the store cannot be reached, or is of a kind that MLflow no longer takes.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    protect(uri)
    if urlsplit(uri).scheme.partition("+")[0] not in _SCHEMES:
        raise InputError(_no_folder(uri))
    try:
        with _opening(uri):
            client = MlflowClient(uri)
            client.search_experiments(max_results=1)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise InputError(f"MLflow store {without_password(uri)} cannot be opened: {one_line(error)}") from error
    return client


@contextmanager
def refusals(what: str, kind: type[InputError] = InputError) -> Iterator[None]:
    """Turn what MLflow refuses in the block into an error that says what was tried.

    Raises:
        InputError: or the subclass `kind`.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        raise kind(f"{what}: {one_line(error)}") from error


def one_line(error: Exception) -> str:
    """The first line of an error, without secrets."""
    return redacted((str(error).strip().splitlines() or [type(error).__name__])[0])


def quoted(value: str) -> str:
    """A value as it stands in MLflow's filters.

    Raises:
        InputError: for one with both kinds of quotes, which the filters cannot say.
    """
    if "'" not in value:
        return f"'{value}'"
    if '"' not in value:
        return f'"{value}"'
    raise InputError(f"MLflow cannot search for {value}, because it has both kinds of quotes")


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
