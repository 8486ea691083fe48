"""The bars of a day and of those before, as the checks of the data gate need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.data.calendar import Days
from components.data.market import Market, Panel, Spans
from components.serving.gate.seen import BarSums, logarithms

Mask = npt.NDArray[np.bool_]
Universe = str | Sequence[str]

#: Rows whose logarithms are in memory at a time.
_BLOCK = 256
#: Fields that are filled in on days without trading, so that they say nothing of a bar.
FILLED = ("factor",)


@dataclass(frozen=True, eq=False, kw_only=True)
class Bars:
    """The last days of some instruments, the day that is looked at at their end."""

    days: Days
    instruments: tuple[str, ...]
    #: Field -> values, shape (instruments, days).
    panels: Mapping[str, Panel]
    #: Which instruments belong to any universe on which days; shape (instruments, days).
    member: Mask

    @property
    def bar(self) -> Mask:
        """Where there is a bar: a value other than 0, of a field that is not filled in."""
        telling = [panel for field, panel in self.panels.items() if field not in FILLED]
        there = np.zeros(self.member.shape, dtype=np.bool_)
        for panel in telling or self.panels.values():
            there |= (panel != 0) & ~np.isnan(panel)
        return there


def read_bars(
    market: Market, codes: Sequence[str], *, end: int, window: int, fields: Sequence[str], sums: Sequence[BarSums]
) -> dict[str, Panel]:
    """Read each field once: its last days are returned, and all its days added up.

    Args:
        market: Where to read.
        codes: The instruments.
        end: The position after the last day.
        window: Days before the last one that are returned with it.
        fields: The fields; those that the market lacks are left out.
        sums: What adds up logarithms of all days until the last.
    """
    recent = {}
    for field in fields:
        if field not in market.fields:
            continue
        panel = market.panel(field, codes)[:, :end]
        recent[field] = panel[:, -window - 1 :].copy()
        for start in range(0, len(codes), _BLOCK):
            rows = slice(start, start + _BLOCK)
            logs = logarithms(panel[rows])
            for each in sums:
                each.add(field, rows, logs)
    return recent


def spans_of(market: Market, universe: Universe) -> Spans:
    """When instruments belong to a universe, whether or not they have data.

    Raises:
        InputError: for an unknown universe or instrument.
    """
    if isinstance(universe, str):
        return market.spans(universe)
    market.places(universe)
    return Spans.everywhere(sorted(set(universe)), market.calendar)


def members(spans: Spans, codes: Sequence[str], days: Days) -> Mask:
    """Which of the instruments belong to a universe on which days; shape (instruments, days)."""
    place = {code: row for row, code in enumerate(codes)}
    known = np.array([code in place for code in spans.codes], dtype=np.bool_)
    rows = np.array([place[code] for code in spans.codes if code in place], dtype=np.int64)
    inside = (spans.first[known, None] <= days) & (days <= spans.last[known, None])
    belongs = np.zeros((len(codes), len(days)), dtype=np.bool_)
    np.logical_or.at(belongs, rows, inside)
    return belongs
