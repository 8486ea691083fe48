"""The MongoDB collection behind a pool."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import TypeVar

import pymongo
from bson.errors import BSONError
from pymongo import ReadPreference
from pymongo.collection import Collection
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from components.errors import InputError
from components.pool.connection import connect, retrying
from components.pool.indexes import INDEXES
from components.pool.names import check_names
from components.pool.record import Document

T = TypeVar("T")

_GOODBYE = timedelta(seconds=1)
_LEAST = timedelta(milliseconds=1)  # the driver takes 0 for no limit


class TaskCollection:
    """One collection of a database, one document a task; what is done with it is retried through outages."""

    def __init__(self, url: str, database: str, name: str, *, outage_timeout: timedelta) -> None:
        check_names(database, name)
        self.url = url
        self.database = database
        self.name = name
        self.outage_timeout = outage_timeout
        self._hurried = False
        self._indexed = False
        self.client = connect(url)
        # The primary and a majority, whatever the address prefers: an older copy knows nothing of the last claim,
        # and what a majority does not have yet may be lost with the primary.
        self.documents: Collection[Document] = self.client[database].get_collection(
            name,
            read_preference=ReadPreference.PRIMARY,
            read_concern=ReadConcern("majority"),
            write_concern=WriteConcern(w="majority", j=False),
        )
        #: For writes whose loss in a crash of the server would cost work: acknowledged when they are on disk.
        self.durable = self.documents.with_options(write_concern=WriteConcern(w="majority", j=True))
        #: For reads that must see the last write, even one that the other servers do not have yet.
        self.newest = self.documents.with_options(read_concern=ReadConcern("local"))
        #: Milliseconds after which the server is to give up an operation, before the client does; None: never.
        self.server_limit = _somewhat_less(self.client.options.pool_options.socket_timeout)

    def close(self) -> None:
        """Close the connections; the driver would wait for a server that is away, to say goodbye."""
        with pymongo.timeout(_GOODBYE.total_seconds()):
            self.client.close()

    def hurry(self, timeout: timedelta) -> None:
        """Wait for MongoDB no longer than this from now on."""
        self.outage_timeout = min(timeout, self.outage_timeout)
        self._hurried = True

    def retrying(self, action: Callable[[], T], *, timeout: timedelta | None = None) -> T:
        """Run `action`, and repeat it through an outage; it must be safe to run twice.

        Args:
            action: What to do with the collection.
            timeout: Give up after this time, whatever the reason; None: after an outage of `outage_timeout`.

        Raises:
            PoolUnavailable: when the outage lasts longer.
            PoolUnreachable: when MongoDB does not let us in.
            PoolRefused: when MongoDB refuses the operation.
            InputError: for a value that MongoDB cannot take.

        """
        if timeout is None and self._hurried:
            timeout = self.outage_timeout
        # The driver's own waiting, for a server to choose and for its reply, is limited only when time is short.
        limit = nullcontext() if timeout is None else pymongo.timeout(max(timeout, _LEAST).total_seconds())

        def outage_timeout() -> timedelta:
            return self.outage_timeout if timeout is None else min(timeout, self.outage_timeout)

        try:
            with limit:
                return retrying(action, self.url, outage_timeout=outage_timeout)
        except (BSONError, OverflowError) as error:
            raise InputError(f"pool {self.name!r}: MongoDB cannot take that value: {error}") from None

    def server_time(self) -> datetime:
        """The server's time."""
        options = self.client.codec_options  # else its time comes without a zone
        answer = self.retrying(lambda: self.client.admin.command("hello", codec_options=options))
        time: datetime = answer["localTime"]
        return time

    def ensure_indexes(self) -> None:
        """Create the indexes, unless this object has done so: before the first write rather than on connecting.

        Whoever may only read can still look.
        """
        if not self._indexed:
            self.retrying(lambda: self.documents.create_indexes(INDEXES))
            self._indexed = True


def _somewhat_less(seconds: float | None) -> int | None:
    """In milliseconds."""
    return None if seconds is None else max(1, round(seconds * 900))
