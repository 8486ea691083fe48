"""A market of bars given as lists, and expressions over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from components.data.calendar import TradingCalendar
from components.data.market import Market, Panel, Positions, Spans
from components.features.engine import evaluate
from components.features.parser import parse
from components.features.rows import RowIndex

Series = Sequence[float]


class SmallMarket(Market):
    """Bars given as lists; the first value of each instrument stands at its first position."""

    uri = "small:"

    def __init__(self, bars: Mapping[str, tuple[int, Mapping[str, Series]]]) -> None:
        self.bars = bars
        self.instruments = tuple(sorted(bars))
        self.fields = tuple(sorted({field for _, fields in bars.values() for field in fields}))
        days = max(first + len(next(iter(fields.values()))) for first, fields in bars.values())
        self.calendar = TradingCalendar(np.datetime64("2020-01-01") + np.arange(days))
        self.universes = ("all",)

    @property
    def version(self) -> str:
        return "1"

    def panel(self, field: str, instruments: Sequence[str]) -> Panel:
        panel = np.full((len(instruments), len(self.calendar)), np.nan, dtype=np.float32)
        for row, code in zip(panel, instruments, strict=True):
            first, fields = self.bars[code]
            row[first : first + len(fields[field])] = fields[field]
        return panel

    def data_range(self, instruments: Sequence[str]) -> tuple[Positions, Positions]:
        starts = [self.bars[code][0] for code in instruments]
        ends = [first + len(next(iter(fields.values()))) - 1 for first, fields in map(self.bars.get, instruments)]
        return np.array(starts, np.int32), np.array(ends, np.int32)

    def spans(self, universe: str) -> Spans:
        return Spans.everywhere(self.instruments, self.calendar)


def compute(text: str, threads: int | None = None, **fields: Series) -> npt.NDArray[np.float32]:
    """An expression over one instrument, on all its days."""
    return compute_on(SmallMarket({"A": (0, fields)}), text, threads)


def compute_on(market: Market, text: str, threads: int | None = None) -> npt.NDArray[np.float32]:
    rows = RowIndex.of(market, market.membership("all"), 0, len(market.calendar) - 1)
    out = np.empty((len(rows), 1), np.float32)
    evaluate([parse(text)], market, rows, out, start=0, threads=threads)
    return out[:, 0]
