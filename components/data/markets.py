"""Markets that are opened once and shared by threads, and opened anew when their data has changed."""

from __future__ import annotations

import threading

from components.data.market import Market
from components.data.opening import open_market
from components.errors import InputError


class Markets:
    """The markets of one process, by address.

    Args:
        address: Where the data is on this machine, whatever address is asked for; empty: where that says.
    """

    def __init__(self, address: str = "") -> None:
        self._address = address
        self._lock = threading.RLock()
        self._opened: dict[str, Market] = {}

    def adopt(self, market: Market) -> None:
        """Take a market that is open already for the one at the address of this machine."""
        with self._lock:
            self._opened[self._address] = market

    def open(self, address: str | None = None) -> Market:
        """The market of an address, opened once.

        Raises:
            InputError: when there is none, or it cannot be read.
        """
        address = self._address or address
        if not address:
            raise InputError("no address of market data is known; give one with --data")
        with self._lock:
            if address not in self._opened:
                self._opened[address] = open_market(address)
            return self._opened[address]

    def reopen(self, address: str | None = None) -> Market:
        """The market of an address as it is now, if its data has changed; else the one that is open.

        Raises:
            InputError: as for `open`.
        """
        before = self.open(address)
        now = open_market(self._address or address or "")
        if now.version == before.version:
            return before
        with self._lock:
            self._opened[self._address or address or ""] = now
            return now
