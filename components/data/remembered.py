"""A market whose bars are read once, for work that looks at them twice."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from threading import Lock

import numpy as np

from components.data.calendar import Days
from components.data.market import Market, Panel
from components.data.membership import Positions, Spans

#: Bytes of bars that are kept: 20 years of six fields of 1,000 instruments. Whatever is beyond is read again.
_LIMIT = 128 * 2**20


class RememberedBars(Market):
    """Another market, and the bars that were read of it; for as long as a piece of work takes.

    Nobody may write to its panels.

    Args:
        market: Where bars come from.
        limit: Bytes of bars that are kept at most.
    """

    def __init__(self, market: Market, limit: int = _LIMIT) -> None:
        self._market, self._left = market, limit
        self.uri = market.uri
        self.calendar = market.calendar
        self.instruments = market.instruments
        self.fields = market.fields
        self.universes = market.universes
        #: Field -> instrument -> values.
        self._rows: dict[str, dict[str, Panel]] = {}
        self._lock = Lock()

    @property
    def future(self) -> Days:
        """That of the other market."""
        return self._market.future

    @property
    def version(self) -> str:
        """That of the other market."""
        return self._market.version

    def panel(self, field: str, instruments: Sequence[str]) -> Panel:
        """Values that were read before, if all were, or else what is read now; see `Market.panel`."""
        with suppress(KeyError):
            known = self._rows[field]
            rows = [known[code] for code in instruments]
            return np.array(rows, dtype=np.float32).reshape(len(rows), len(self.calendar))
        panel = self._market.panel(field, instruments)
        with self._lock:
            if panel.nbytes <= self._left:
                self._left -= panel.nbytes
                self._rows.setdefault(field, {}).update(zip(instruments, panel, strict=True))
        return panel

    def data_range(self, instruments: Sequence[str]) -> tuple[Positions, Positions]:
        """That of the other market."""
        return self._market.data_range(instruments)

    def spans(self, universe: str) -> Spans:
        """Those of the other market."""
        return self._market.spans(universe)
