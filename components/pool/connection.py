"""Connecting to MongoDB: errors in one line without passwords, and retries through short outages."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from pymongo import MongoClient
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    InvalidURI,
    OperationFailure,
    PyMongoError,
)
from pymongo.uri_parser import split_options

from components.errors import InputError, RollflowError
from components.pool.errors import PoolRefused, PoolUnreachable
from components.redaction import PASSWORD, scrubbed, without_password

T = TypeVar("T")
Client = MongoClient[dict[str, Any]]

# Codes of MongoDB that mean "not now": stepping down, shutting down, no primary yet, interrupted by these; a cursor
# that died with its server (43); and the server's own time limit (50).
_NOT_NOW = frozenset({6, 7, 43, 50, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436})
DUPLICATE_KEY = 11000
# Options in the address take precedence. The socket has a timeout so that a server that hangs does not hang its
# workers. The pool repeats writes itself and knows which were made; the driver's own retries fail on a server
# without replicas when a connection breaks while it is opened (pymongo 4.20: "does not support retryable writes").
_DEFAULTS = {
    "appname": "rollflow",
    "serverSelectionTimeoutMS": 5_000,
    "socketTimeoutMS": 30_000,
    "retryWrites": False,
}
_AUTHENTICATION_FAILED, _UNAUTHORIZED = 18, 13
_OUT_OF_SPACE = 14031


def connect(url: str) -> Client:
    """A client of the server at `url`, which has answered.

    Raises:
        PoolUnreachable: when there is no answer within some seconds, or the password is wrong.
        InputError: for an address that cannot be read.

    """
    client = _client(url)
    try:
        retrying(lambda: client.admin.command("ping"), url, outage_timeout=lambda: timedelta(0))
    except RollflowError:
        client.close()
        raise
    return client


def check_address(url: str) -> None:
    """Do nothing for an address that can be read; nothing is connected.

    Raises:
        InputError: for another one.
    """
    _client(url, connect=False).close()


def _client(url: str, **more: Any) -> Client:
    try:
        # The driver only warns of options that it does not know or cannot read.
        given = split_options(text, warn=False) if (text := PASSWORD.sub("", url).partition("?")[2]) else {}
        options: dict[str, Any] = {name: value for name, value in _DEFAULTS.items() if name not in given}
        return MongoClient(url, tz_aware=True, **options, **more)
    except (InvalidURI, ConfigurationError, ValueError, OSError) as error:  # the last: a file with a certificate
        raise InputError(f"MongoDB address {without_password(url)}: {_scrub(error, url)}") from None


def retrying(action: Callable[[], T], url: str, *, outage_timeout: Callable[[], timedelta]) -> T:
    """Run `action`, and repeat it through an outage until that has lasted for the timeout.

    The action must be safe to run twice: the first run may have succeeded and only its reply been lost.

    Args:
        action: What to do.
        url: Address of the server, for messages.
        outage_timeout: Asked after each failure, so that a shorter one takes effect at once.

    Raises:
        PoolUnreachable: when the outage lasts longer, or MongoDB does not let us in.
        PoolRefused: when MongoDB refuses the operation.

    """
    began: float | None = None
    pause = 0.05
    while True:
        try:
            return action()
        except PyMongoError as error:
            if not _is_transient(error):
                raise _explain(error, url) from error
            began = began or time.monotonic()
            left = began + outage_timeout().total_seconds() - time.monotonic()
            if left <= 0:
                raise _explain(error, url) from error
        time.sleep(min(pause, left))
        pause = min(pause * 2, 1.0)


def _is_transient(error: PyMongoError) -> bool:
    if isinstance(error, ConnectionFailure):
        return True
    if isinstance(error, BulkWriteError):
        return all(refusal["code"] in _NOT_NOW for refusal in refusals(error))
    return isinstance(error, OperationFailure) and error.code in _NOT_NOW


def refusals(error: BulkWriteError) -> list[Mapping[str, Any]]:
    """What the server did not write or not confirm of a bulk, apart from documents that it has already."""
    found = [*error.details["writeErrors"], *error.details["writeConcernErrors"]]
    return [refusal for refusal in found if refusal["code"] != DUPLICATE_KEY]


def _explain(error: PyMongoError, url: str) -> RollflowError:
    where = f"MongoDB at {without_password(url)}"
    if isinstance(error, BulkWriteError):
        refusal = refusals(error)[0]
        error = OperationFailure(refusal["errmsg"], refusal["code"])
    reason = _scrub(error, url).partition(" (configured timeouts")[0]
    if isinstance(error, ConnectionFailure):
        return PoolUnreachable(f"{where} does not answer ({reason}); {_advice(reason)}")
    code = error.code if isinstance(error, OperationFailure) else None
    if code == _AUTHENTICATION_FAILED:
        return PoolUnreachable(f"{where}: wrong user or password (or another authSource is needed)")
    if code == _UNAUTHORIZED:
        return PoolRefused(f"{where}: this user may not do that; it needs the role readWrite ({reason})")
    if code == _OUT_OF_SPACE or "No space left on device" in reason:
        return PoolRefused(f"{where}: its disk is full ({reason}); make room and try again")
    return PoolRefused(f"{where}: {reason}")


def _advice(reason: str) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return "if its certificate is one of your own, name the file of its authority with tlsCAFile="
    if "SSL" in reason or "connection closed" in reason:
        return "it takes connections, so: does it want TLS (tls=true), or not?"
    return "is it running, and is the address right?"


def _scrub(error: Exception, url: str) -> str:
    """The first sentence of an error, without the password of `url`."""
    text = str(error).partition(", full error:")[0].partition(", Timeout:")[0].replace("\n", " ")
    return scrubbed(text, url)
