"""The way to MongoDB: addresses without their passwords, errors in one line, patience with short outages."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import unquote

from pymongo import MongoClient
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    InvalidURI,
    OperationFailure,
    PyMongoError,
)

from components.errors import InputError, RollflowError
from components.pool.errors import PoolRefused, PoolUnreachable

T = TypeVar("T")
Client = MongoClient[dict[str, Any]]

_PASSWORD = re.compile(r"(?<=://)([^/?#]*?):(.*)@")
# Codes of MongoDB that mean "not now": stepping down, shutting down, no primary yet, interrupted by these.
_NOT_NOW = frozenset({6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436})
# The socket's too: a server that hangs must not hang its workers. What the address says wins.
_DEFAULTS = {"appname": "rollflow", "serverSelectionTimeoutMS": 5_000, "socketTimeoutMS": 30_000}
_AUTHENTICATION_FAILED, _UNAUTHORIZED = 18, 13
_OUT_OF_SPACE = 14031


def without_password(url: str) -> str:
    """The address as it may be shown."""
    return _PASSWORD.sub(r"\1:***@", url)


def connect(url: str) -> Client:
    """A client of the server at `url`, which has answered.

    Raises:
        PoolUnreachable: when there is no answer within some seconds, or the password is wrong.
        InputError: for an address that cannot be read.

    """
    options: dict[str, Any] = {name: value for name, value in _DEFAULTS.items() if name.lower() not in url.lower()}
    try:
        client: Client = MongoClient(url, tz_aware=True, **options)
    except (InvalidURI, ConfigurationError, ValueError) as error:
        raise InputError(f"MongoDB address {without_password(url)}: {_scrub(error, url)}") from None
    try:
        patiently(lambda: client.admin.command("ping"), url, timedelta(0))
    except RollflowError:
        client.close()
        raise
    return client


def patiently(action: Callable[[], T], url: str, patience: timedelta) -> T:
    """Run `action`, again after a short outage, until `patience` has passed since the first failure.

    The action must be safe to run twice: the first time may have succeeded without our hearing of it.

    Raises:
        PoolUnreachable: when the outage is longer, or MongoDB does not let us in.
        PoolRefused: when MongoDB refuses the operation.

    """
    give_up: float | None = None
    pause = 0.05
    while True:
        try:
            return action()
        except PyMongoError as error:
            if not _is_transient(error):
                raise _explain(error, url) from error
            give_up = give_up or time.monotonic() + patience.total_seconds()
            if time.monotonic() >= give_up:
                raise _explain(error, url) from error
        time.sleep(pause)
        pause = min(pause * 2, 1.0)


def _is_transient(error: PyMongoError) -> bool:
    if isinstance(error, ConnectionFailure) or error.has_error_label("RetryableWriteError"):
        return True
    if isinstance(error, BulkWriteError):
        return False
    return isinstance(error, OperationFailure) and error.code in _NOT_NOW


def _explain(error: PyMongoError, url: str) -> RollflowError:
    where = f"MongoDB at {without_password(url)}"
    if isinstance(error, ConnectionFailure):
        first = _scrub(error, url).partition(" (configured timeouts")[0]
        return PoolUnreachable(f"{where} does not answer ({first}); is it running, and is the address right?")
    code = error.code if isinstance(error, OperationFailure) else None
    if code == _AUTHENTICATION_FAILED:
        return PoolUnreachable(f"{where}: wrong user or password (or another authSource is needed)")
    if code == _UNAUTHORIZED:
        return PoolRefused(
            f"{where}: this user may not do that; it needs the role readWrite ({_scrub(error, url)})"
        )
    if code == _OUT_OF_SPACE:
        return PoolRefused(f"{where}: its disk is full; nothing was written")
    return PoolRefused(f"{where}: {_scrub(error, url)}")


def _scrub(error: Exception, url: str) -> str:
    """The first sentence of an error, without the password of `url`."""
    text = str(error).partition(", full error:")[0].partition(", Timeout:")[0].replace("\n", " ")
    found = _PASSWORD.search(url)
    for secret in {found[2], unquote(found[2])} if found else ():
        text = text.replace(secret, "***")
    return text
