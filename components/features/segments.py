"""Which days of which instruments must be computed, so that all rows have what they look back and ahead to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.data.market import Market, Positions
from components.features.rolling_operators import Layout
from components.features.rows import RowIndex
from components.features.running import Continuation, RunningStates

#: Elements of a block: its series stay in a core's cache.
_BLOCK = 8192


@dataclass(frozen=True)
class Reach:
    """How far values look."""

    #: Days before the row, or before the first day of the period if `from_start`.
    back: int
    #: Days after the row.
    ahead: int
    #: Values need all days since their series began.
    from_start: bool


@dataclass(frozen=True, kw_only=True)
class SeriesBlock:
    """Series of some instruments, laid one after the other."""

    #: For each series, the place of its instrument in the panels.
    instruments: Positions
    #: For each series, the calendar positions of its first day and after its last.
    starts: Positions
    stops: Positions
    layout: Layout
    #: For each element, the row that it belongs to, or -1.
    rows: Positions

    def series(self, panel: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The block's elements of a panel of shape (instruments, days)."""
        places = zip(self.instruments.tolist(), self.starts.tolist(), self.stops.tolist(), strict=True)
        return np.concatenate([panel[instrument, start:stop] for instrument, start, stop in places])


@dataclass(frozen=True, kw_only=True)
class Segments:
    """Stretches of days, sorted by instrument, with the row of each day in them that has one."""

    #: The instruments that occur.
    codes: tuple[str, ...]
    #: For each stretch, the place of its instrument in `codes`.
    instrument: Positions
    #: The calendar positions of its first day and after its last.
    start: Positions
    stop: Positions
    #: Row of each instrument and day, or -1; shape (instruments, days).
    row_of: Positions
    #: The calendar position of the first day of the period.
    period_start: int
    #: What running updates go on from, and where their new states are kept.
    states: RunningStates | None
    #: The calendar position of the last day after which they are kept.
    keep: int

    @classmethod
    def of(
        cls,
        market: Market,
        rows: RowIndex,
        period_start: int,
        reach: Reach,
        states: RunningStates | None = None,
        keep: int | None = None,
    ) -> Segments:
        """The stretches around `rows` that reach so many days back and ahead, as far as there is data.

        Stretches of an instrument that meet become one. With `states`, running updates go on from them, and their
        states after the day `keep` are kept there (None: after the last one of each stretch).
        """
        used = np.flatnonzero(np.bincount(rows.instrument))
        codes = tuple(rows.instruments[instrument] for instrument in used.tolist())
        place = np.zeros(len(rows.instruments), dtype=np.int64)
        place[used] = np.arange(len(used))
        row_of = np.full((len(codes), len(market.calendar)), -1, dtype=np.int32)
        row_of[place[rows.instrument], rows.day] = np.arange(len(rows), dtype=np.int32)
        earliest = int(rows.day.min(initial=len(market.calendar)))
        instrument, day = np.nonzero(row_of[:, earliest:] >= 0)
        day += earliest
        if len(day) != len(rows):
            raise ValueError("a pair of day and instrument has more than one row")
        first, last = market.data_range(codes)
        back = min(reach.back, len(market.calendar))
        low = np.maximum((period_start if reach.from_start else day) - back, first[instrument])
        if states is not None:
            # the day after the last known one, from whose window a day goes out
            low = np.maximum(low, (states.through[states.places(codes)] - back)[instrument])
        low = np.minimum(low, day)  # a row without data is computed too, from NaN
        high = np.maximum(np.minimum(day + reach.ahead, last[instrument]), day)
        opens = np.ones(len(day), dtype=bool)
        opens[1:] = (instrument[1:] != instrument[:-1]) | (low[1:] > high[:-1] + 1)
        closes = np.append(opens[1:], True)
        return cls(
            codes=codes,
            instrument=instrument[opens].astype(np.int32),
            start=low[opens].astype(np.int32),
            stop=(high[closes] + 1).astype(np.int32),
            row_of=row_of,
            period_start=period_start,
            states=states,
            keep=len(market.calendar) if keep is None else keep,
        )

    def note_states(self) -> None:
        """Note that all blocks are computed, and so through which day the states are known."""
        if self.states is not None:
            places = self.states.places([self.codes[instrument] for instrument in self.instrument.tolist()])
            through = np.minimum(self.stop - 1, self.keep)
            self.states.through[places] = np.where(self.start <= self.keep, through, self.states.through[places])

    def blocks(self) -> Iterator[SeriesBlock]:
        """Cut into blocks of whole stretches."""
        filled = np.cumsum(self.stop - self.start) // _BLOCK
        for bounds in np.split(np.arange(len(filled)), np.flatnonzero(np.diff(filled)) + 1):
            yield self._block(bounds)

    def _block(self, bounds: npt.NDArray[np.int64]) -> SeriesBlock:
        instruments, starts, stops = self.instrument[bounds], self.start[bounds], self.stop[bounds]
        places = zip(instruments.tolist(), starts.tolist(), stops.tolist(), strict=True)
        offsets = np.concatenate([[0], np.cumsum(stops - starts)]).astype(np.int64)
        before = (self.period_start - starts).astype(np.int64)
        continuation = None
        if self.states is not None:
            known = self.states.places([self.codes[instrument] for instrument in instruments.tolist()])
            firsts = offsets[:-1] + np.maximum(self.states.through[known] + 1 - starts, 0)
            lasts = np.where(starts <= self.keep, offsets[:-1] + np.minimum(stops - 1, self.keep) - starts, -1)
            continuation = Continuation(self.states, known, firsts, lasts)
        return SeriesBlock(
            instruments=instruments,
            starts=starts,
            stops=stops,
            layout=Layout(offsets, before, continuation),
            rows=np.concatenate([self.row_of[instrument, start:stop] for instrument, start, stop in places]),
        )
