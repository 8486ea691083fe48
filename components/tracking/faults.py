"""What MLflow, its database or a disk raise, put into the families of our own errors."""

from __future__ import annotations

import errno
import re
import sqlite3
from typing import TYPE_CHECKING

from components.errors import InputError, RollflowError, Unavailable
from components.redaction import redacted

if TYPE_CHECKING:
    from mlflow.exceptions import MlflowException

#: MLflow's codes of what may pass: a failed connection to a server gets the first one, a database that is locked,
#: full or gone the second one.
_PASSING = frozenset(
    {
        "INTERNAL_ERROR",
        "TEMPORARILY_UNAVAILABLE",
        "DEADLINE_EXCEEDED",
        "REQUEST_LIMIT_EXCEEDED",
        "RESOURCE_EXHAUSTED",
        "RESOURCE_CONFLICT",
        "ABORTED",
        "CANCELLED",
        "IO_ERROR",
    }
)
_LINE = 500
_MISSING = frozenset({"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"})
_NOT_NOW = frozenset({408, 429, *range(500, 600)})
#: What a disk says that is full, read-only for now, or no longer there.
_DISK = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EROFS, errno.ENODEV, errno.ENXIO}
)
#: SQLite's own words for the same.
_SQLITE = re.compile("locked|busy|full|disk I/O|unable to open")


def explained(
    error: Exception, what: str, store: str, *, server: bool, missing: type[RollflowError] = InputError
) -> RollflowError | None:
    """An error in one line, without secrets; None for one that is no fault of store or request.

    Args:
        error: What was raised.
        what: What was asked for, such as ``run '3f2a'``.
        store: Address of the store, as it may be shown.
        server: Whether the store is an MLflow server.
        missing: What it is when the store does not have it.
    """
    from mlflow.exceptions import MlflowException

    if isinstance(error, MlflowException) and error.error_code in _MISSING:
        return missing(f"there is no {what}: {one_line(error)}")
    passing = _is_passing(error, server) if isinstance(error, MlflowException) else _passing(error)
    if passing is None:
        return None
    if passing:
        return Unavailable(f"MLflow store {store} is not available: {what}: {reason(error)}")
    return InputError(f"{what}: {one_line(error)}")


def disk_fault(error: OSError, place: object) -> Unavailable | None:
    """The error of a disk that is full or gone, which may come back; None for any other."""
    if error.errno not in _DISK:
        return None
    return Unavailable(redacted(f"{place} cannot be used now: {error.strerror or error}"))


def one_line(error: BaseException) -> str:
    """The first line of an error, without secrets; cut where it is long, as MLflow repeats what it was asked."""
    line = redacted((str(error).strip().splitlines() or [type(error).__name__])[0])
    return line if len(line) <= _LINE else f"{line[:_LINE]}..."


def reason(error: BaseException) -> str:
    """Why there was no answer: what the system says, if that is somewhere in the text, or its first line."""
    found = re.search(r"\[Errno [^'\")]*", str(error))
    return found[0] if found else one_line(error)


def _is_passing(error: MlflowException, server: bool) -> bool:
    from sqlalchemy.exc import SQLAlchemyError

    if isinstance(error.__cause__, SQLAlchemyError):
        return bool(_passing(error.__cause__))
    if not server and error.error_code == "INTERNAL_ERROR":
        return False  # the code of whatever has no other
    return error.error_code in _PASSING


def _passing(error: Exception) -> bool | None:
    """Whether an error of database, network or disk may pass; None for one of anything else."""
    from requests import RequestException
    from sqlalchemy import exc

    if isinstance(error, RequestException):
        return error.response is None or error.response.status_code in _NOT_NOW
    if isinstance(error, exc.SQLAlchemyError):
        broken = isinstance(error, exc.DBAPIError) and error.connection_invalidated
        return broken or isinstance(error, exc.OperationalError | exc.TimeoutError)
    if isinstance(error, sqlite3.Error):
        return bool(_SQLITE.search(str(error)))
    if isinstance(error, ConnectionError | TimeoutError) or (isinstance(error, OSError) and error.errno in _DISK):
        return True
    return None
