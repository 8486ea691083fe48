"""What the rest of the system sees of market data: panels, a calendar and universes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from components.data.calendar import Days, TradingCalendar
from components.data.membership import Membership, Positions, Spans, cut_spans
from components.errors import InputError, nearest

__all__ = ["Market", "Membership", "Panel", "Positions", "Spans"]

Panel = npt.NDArray[np.float32]


class Market(ABC):
    """Daily bars of many instruments on one trading calendar."""

    #: The address that opened this market, absolute, so that another process can open the same.
    uri: str
    calendar: TradingCalendar
    #: All instruments, sorted; Qlib's upper-case codes where the data has them.
    instruments: tuple[str, ...]
    #: Names of the fields, sorted, without the `$`.
    fields: tuple[str, ...]
    #: Names of the universes, sorted.
    universes: tuple[str, ...]

    @property
    def future(self) -> Days:
        """Trading days after the calendar's last that the data announces, rising; none unless it does.

        They are no part of `version`, for no value depends on them.
        """
        return np.array([], dtype="datetime64[D]")

    @property
    @abstractmethod
    def version(self) -> str:
        """A hash that changes whenever the data does."""

    @abstractmethod
    def panel(self, field: str, instruments: Sequence[str]) -> Panel:
        """Values of a field, shape (instruments, days), a fresh array; NaN where there is none.

        Raises:
            InputError: for an unknown field, naming the nearest known one, or an unknown instrument.

        """

    @abstractmethod
    def data_range(self, instruments: Sequence[str]) -> tuple[Positions, Positions]:
        """First and last calendar position with a bar (values may still be NaN), per instrument.

        An instrument without any bar has ``(0, -1)``.

        Raises:
            InputError: for an unknown instrument.

        """

    @abstractmethod
    def spans(self, universe: str) -> Spans:
        """The spans of a universe as the data states them, not yet cut to calendar and data.

        Raises:
            InputError: for an unknown universe.

        """

    def membership(self, universe: str | Sequence[str]) -> Membership:
        """The rows of a universe: a name (``csi300``, ``all``) with its spans, or a list of instruments.

        A list ignores the spans of any universe: each instrument has rows wherever it has data.

        Raises:
            InputError: for an unknown universe or instrument, or when nothing is left.

        """
        spans, codes = self._listed(universe)
        first, last = self.data_range(codes)
        membership = cut_spans(spans, self.calendar, codes, first, last)
        if not len(membership):
            what = f"universe {universe!r}" if isinstance(universe, str) else f"{len(universe)} instruments"
            raise InputError(f"{what}: no row between {self.calendar.first} and {self.calendar.last} in {self.uri}")
        return membership

    def listed(self, universe: str | Sequence[str]) -> list[str]:
        """The instruments that a universe names and the market has, sorted, whether they have rows or not.

        Raises:
            InputError: for an unknown universe or instrument, or when there is none.

        """
        return self._listed(universe)[1]

    def places(self, instruments: Iterable[str]) -> list[int]:
        """Indexes of instruments in `self.instruments`.

        Raises:
            InputError: for an unknown instrument, naming the nearest known one.

        """
        try:
            return [self._places[code] for code in instruments]
        except KeyError as error:
            code = str(error.args[0])
            raise InputError(f"no instrument {code!r} in {self.uri}{nearest(code, self.instruments)}") from None

    def check_field(self, field: str) -> None:
        """Do nothing for a known field.

        Raises:
            InputError: for an unknown field, naming the nearest known one.

        """
        if field not in self.fields:
            hint = nearest(field, self.fields) or f"; it has {', '.join(self.fields)}"
            raise InputError(f"no field ${field} in {self.uri}{hint}")

    def check_universe(self, universe: str) -> None:
        """Do nothing for a known universe.

        Raises:
            InputError: for an unknown universe, naming the nearest known one.

        """
        if universe not in self.universes:
            hint = nearest(universe, self.universes) or f"; it has {', '.join(self.universes)}"
            raise InputError(f"no universe {universe!r} in {self.uri}{hint}")

    def _listed(self, universe: str | Sequence[str]) -> tuple[Spans, list[str]]:
        if isinstance(universe, str):
            spans = self.spans(universe)
        else:
            self.places(universe)
            spans = Spans.everywhere(sorted(set(universe)), self.calendar)
        codes = sorted(set(spans.codes) & self._places.keys())
        if spans.codes and not codes:
            count, few = len(set(spans.codes)), ", ".join(self.instruments[:3])
            raise InputError(
                f"universe {universe!r}: none of its {count} instruments is in {self.uri}; it has {few}, "
                f"and the universe {spans.codes[0]}"
            )
        return spans, codes

    @cached_property
    def _places(self) -> dict[str, int]:
        return {code: place for place, code in enumerate(self.instruments)}
