"""Universes: on which days an instrument belongs, and so has rows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.data.calendar import Days, TradingCalendar
from components.data.text_files import parse_day, read_lines
from components.errors import InputError

Positions = npt.NDArray[np.int32]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Spans:
    """Days on which instruments belong to a universe as its source states them, one element per span."""

    #: The instrument of each span; an instrument may have several.
    codes: tuple[str, ...]
    #: First day of each span.
    first: Days
    #: Last day of each span, inclusive.
    last: Days

    @classmethod
    def everywhere(cls, codes: Sequence[str], calendar: TradingCalendar) -> Spans:
        """The instruments on all days of a calendar."""
        return cls(tuple(codes), np.full(len(codes), calendar.first), np.full(len(codes), calendar.last))


@dataclass(frozen=True)
class Membership:
    """Spans of days on which instruments have rows, one element per span.

    An instrument may have several spans, with other days between them. Days are inclusive calendar positions,
    already cut to the days on which the instrument has data. Sorted by instrument, then by day.
    """

    #: The instruments that have at least one span, sorted.
    instruments: tuple[str, ...]
    #: For each span, the index of its instrument in `instruments`.
    instrument: Positions
    #: For each span, the calendar position of its first day.
    first: Positions
    #: For each span, the calendar position of its last day.
    last: Positions

    def __len__(self) -> int:
        return len(self.instrument)


def read_spans(path: Path) -> Spans:
    """Read a universe in Qlib's form: a line per span with code, first day and last day, separated by tabs.

    Raises:
        InputError: for a line that does not have this form.

    """
    codes, first, last = [], [], []
    for number, line in enumerate(read_lines(path), 1):
        if line.strip():
            code, *days = (cell.strip() for cell in line.split("\t"))
            if not code or len(days) < 2:
                raise InputError(f"{path} line {number}: expected code TAB first day TAB last day")
            codes.append(code)
            first.append(parse_day(days[0], path, number))
            last.append(parse_day(days[1], path, number))
    return Spans(tuple(codes), np.array(first, dtype="datetime64[D]"), np.array(last, dtype="datetime64[D]"))


def cut_spans(
    spans: Spans, calendar: TradingCalendar, codes: Sequence[str], data_first: Positions, data_last: Positions
) -> Membership:
    """Spans as calendar positions, cut to the data of each instrument; those without a day between are joined.

    Args:
        spans: The spans of a universe.
        calendar: The calendar of the market.
        codes: The instruments that the market has data of, sorted.
        data_first: Position of the first bar of each of `codes`.
        data_last: Position of the last bar of each of `codes`.

    """
    place = {code: index for index, code in enumerate(codes)}
    if absent := sorted(set(spans.codes) - place.keys()):
        _log.warning("%d instruments have no data and so no rows: %s", len(absent), ", ".join(absent[:10]))
    instrument = np.array([place.get(code, -1) for code in spans.codes], dtype=np.int32)
    known = instrument >= 0
    instrument = instrument[known]
    first = np.maximum(np.searchsorted(calendar.days, spans.first[known], "left"), data_first[instrument])
    last = np.minimum(np.searchsorted(calendar.days, spans.last[known], "right") - 1, data_last[instrument])
    order = np.lexsort((first, instrument))
    order = order[first[order] <= last[order]]
    return _joined(codes, instrument[order], first[order], last[order])


def _joined(codes: Sequence[str], instrument: Positions, first: Positions, last: Positions) -> Membership:
    """Join spans that have no day between them, sorted by instrument and first day; leave out idle instruments."""
    starts: list[int] = []
    ends: list[int] = []
    owners: list[int] = []
    for code, start, end in zip(instrument.tolist(), first.tolist(), last.tolist(), strict=True):
        if owners and owners[-1] == code and start <= ends[-1] + 1:
            ends[-1] = max(ends[-1], end)
        else:
            owners.append(code)
            starts.append(start)
            ends.append(end)
    present, index = np.unique(np.array(owners, dtype=np.int32), return_inverse=True)
    return Membership(
        tuple(codes[code] for code in present),
        index.astype(np.int32),
        np.array(starts, dtype=np.int32),
        np.array(ends, dtype=np.int32),
    )
