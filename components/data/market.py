"""What the rest of the system sees of market data: panels, a calendar and universes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.data.calendar import TradingCalendar

Panel = npt.NDArray[np.float32]
Positions = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Membership:
    """Spans of days on which instruments have rows, one element per span.

    An instrument may have several spans; they do not overlap. Days are inclusive calendar positions, already
    cut to the days on which the instrument has data. Sorted by instrument, then by day.
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


class Market(ABC):
    """Daily bars of many instruments on one trading calendar."""

    #: The address that opened this market, absolute, so that another process can open the same.
    uri: str
    calendar: TradingCalendar
    #: All instruments, sorted; Qlib's upper-case codes where the data has them.
    instruments: tuple[str, ...]
    #: Names of the fields, sorted, without the `$`.
    fields: tuple[str, ...]

    @property
    @abstractmethod
    def version(self) -> str:
        """A hash that changes whenever the data does."""

    @abstractmethod
    def panel(self, field: str, instruments: Sequence[str]) -> Panel:
        """Values of a field, shape (instruments, days); NaN where there is none.

        Raises:
            InputError: for an unknown field, naming the nearest known one, or an unknown instrument.

        """

    @abstractmethod
    def data_range(self, instruments: Sequence[str]) -> tuple[Positions, Positions]:
        """First and last calendar position with a bar (values may still be NaN), per instrument."""

    @abstractmethod
    def membership(self, universe: str | Sequence[str]) -> Membership:
        """The rows of a universe: a name (``csi300``, ``all``) with its spans, or a list of instruments.

        A list ignores the spans of any universe: each instrument has rows wherever it has data.

        Raises:
            InputError: for an unknown universe or instrument, or when nothing is left.

        """
