"""An MLflow store: opened when it is first used, asked again through outages, its errors in our own words."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from components.errors import InputError, RollflowError, Unavailable
from components.redaction import protect, without_password
from components.tracking.addresses import check_address, connect, is_server
from components.tracking.faults import explained, one_line, reason

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")
#: How long an outage of a database is retried through.
_PATIENCE = timedelta(seconds=30)
#: Seconds between two tries, at first and at most.
_PAUSES = 0.1, 2.0
#: Seconds that a server has for its first answer to a command.
_KNOCK = 5.0

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "ALEMBIC_LOGGING_LEVEL": "WARNING",
}


def quiet_mlflow() -> None:
    """Let MLflow speak up only when something is wrong; what the user has set stays."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    # It logs each trouble of its database with a traceback, although it raises the error as well.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


class Store:
    """A connection to a store, for any thread.

    Args:
        uri: ``sqlite:///FILE``, ``http(s)://HOST`` or a database that MLflow takes.
        artifacts: Folder of the artifacts of new experiments; None: what the server says.
        downloads: Folder of copies of artifacts that are not on this machine; None: temporary ones, which are left.
        patience: How long an outage is retried through. With a server MLflow has a patience of its own, some four
            minutes (``MLFLOW_HTTP_REQUEST_MAX_RETRIES``), to which nothing is added.
    """

    def __init__(
        self,
        uri: str,
        artifacts: Path | None = None,
        downloads: Path | None = None,
        patience: timedelta = _PATIENCE,
    ) -> None:
        self.uri = uri
        self.artifacts = artifacts
        self.downloads = downloads
        self.is_server = is_server(uri)
        self._patience = timedelta(0) if self.is_server else patience
        self._client: MlflowClient | None = None
        self._lock = threading.Lock()
        protect(uri)

    def __repr__(self) -> str:
        return f"Store({self.shown_uri!r})"

    @property
    def shown_uri(self) -> str:
        """The address as it may be shown."""
        return without_password(self.uri)

    @property
    def client(self) -> MlflowClient:
        """MLflow's own client.

        Raises:
            InputError: when the store is of a kind that MLflow no longer takes, or cannot be opened.
            Unavailable: when it does not answer.
        """
        return self._opened(self._patience)

    def check(self) -> None:
        """Make sure as a command starts that the store answers: if it does not, its address is most likely wrong.

        Raises:
            InputError: when the store cannot be used, whatever the cause.
        """
        check_address(self.uri)
        try:
            if self.is_server and self._client is None:
                self._knock()
            self._opened(timedelta(0))
        except Unavailable as error:
            raise InputError(str(error)) from None

    def ask(self, what: str, action: Callable[[MlflowClient], T], missing: type[RollflowError] = InputError) -> T:
        """Ask MLflow for something that may be asked for twice, and again through an outage.

        Args:
            what: Names it in errors, such as ``run '3f2a'``.
            action: Called with MLflow's client.
            missing: The error when the store does not have it.

        Raises:
            InputError: when MLflow refuses; `missing` when it does not have it.
            Unavailable: when the store does not answer for longer than our patience.
        """
        client = self.client
        return self._retried(what, lambda: action(client), missing, self._patience)

    def ask_once(
        self, what: str, action: Callable[[MlflowClient], T], missing: type[RollflowError] = InputError
    ) -> T:
        """`ask` for what must not happen twice."""
        client = self.client
        return self._retried(what, lambda: action(client), missing, timedelta(0))

    def _opened(self, patience: timedelta) -> MlflowClient:
        check_address(self.uri)
        with self._lock:
            if self._client is None:
                try:
                    self._client = self._retried("it cannot be opened", self._connect, InputError, patience)
                except (InputError, ImportError, OSError) as error:
                    why = one_line(error.__cause__ or error)
                    raise InputError(f"MLflow store {self.shown_uri} cannot be opened: {why}") from error
            return self._client

    def _connect(self) -> MlflowClient:
        return connect(self.uri)

    def _retried(self, what: str, action: Callable[[], T], missing: type[RollflowError], patience: timedelta) -> T:
        give_up = time.monotonic() + patience.total_seconds()
        pause, longest = _PAUSES
        while True:
            try:
                return action()
            except Exception as error:
                told = explained(error, what, self.shown_uri, server=self.is_server, missing=missing)
                if told is None:
                    raise
                if not isinstance(told, Unavailable) or time.monotonic() + pause > give_up:
                    raise told from error
            time.sleep(pause)
            pause = min(2 * pause, longest)

    def _knock(self) -> None:
        """See whether there is a server: MLflow itself would try for minutes.

        Raises:
            Unavailable: when nobody answers.
        """
        import requests

        try:
            with suppress(requests.exceptions.SSLError):  # an answer; MLflow says what it is about
                requests.get(self.uri, timeout=_KNOCK, stream=True).close()
        except requests.RequestException as error:
            raise Unavailable(f"MLflow store {self.shown_uri} does not answer: {reason(error)}") from None
