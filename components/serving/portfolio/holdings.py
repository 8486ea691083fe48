"""What an account holds after a day, as a plain value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from components.backtest.account import DayEnd
from components.data.calendar import Day, to_day


@dataclass(frozen=True, kw_only=True)
class Position:
    """One name that is held."""

    instrument: str
    #: Adjusted shares: times the day's factor they are real ones.
    amount: float
    #: Last known close, adjusted.
    price: float
    #: Trading days that it has been held, 1 on the day it was bought.
    days_held: int


@dataclass(frozen=True, kw_only=True)
class Trade:
    """One order of a day, and what became of it."""

    instrument: str
    #: ``buy`` or ``sell``.
    side: str
    #: Adjusted shares asked for, and traded; less, or 0, where the cash did not pay for all.
    ordered: float
    amount: float
    #: Money that changed hands, without the cost.
    value: float
    cost: float


@dataclass(frozen=True, kw_only=True)
class Holdings:
    """An account after the close of a day."""

    #: The day, and the one on which the account was opened with cash alone; ``YYYY-MM-DD``.
    day: str
    opened: str
    cash: float
    #: Sorted by instrument.
    positions: tuple[Position, ...] = ()
    #: What was traded on the day, in this order.
    trades: tuple[Trade, ...] = field(default=())

    @classmethod
    def open(cls, day: Day, cash: float) -> Self:
        """A new account after the close of a day; the first trades are those of the next."""
        text = str(to_day(day))
        return cls(day=text, opened=text, cash=float(cash))

    @property
    def value(self) -> float:
        """Cash and positions, at the last known closes."""
        return self.cash + float(sum(position.amount * position.price for position in self.positions))

    def to_document(self) -> dict[str, Any]:
        """Plain JSON; floats are kept to the bit."""
        return {
            **asdict(self),
            "positions": [asdict(position) for position in self.positions],
            "trades": [asdict(trade) for trade in self.trades],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """What `to_document` gave."""
        return cls(
            **{
                **document,
                "positions": tuple(Position(**position) for position in document["positions"]),
                "trades": tuple(Trade(**trade) for trade in document["trades"]),
            }
        )

    def day_end(self, instruments: Sequence[str]) -> DayEnd:
        """The same by places among instruments, which must be sorted and hold all that is held."""
        place = {instrument: place for place, instrument in enumerate(instruments)}
        return DayEnd(
            cash=self.cash,
            places=np.array([place[position.instrument] for position in self.positions], dtype=np.intp),
            amount=np.array([position.amount for position in self.positions], dtype=np.float64),
            price=np.array([position.price for position in self.positions], dtype=np.float64),
            days_held=np.array([position.days_held for position in self.positions], dtype=np.int64),
            deals=(),
        )

    def after(self, day: Day, end: DayEnd, instruments: Sequence[str]) -> Self:
        """The same account after a later day, which ended like this."""
        columns = (end.places, end.amount, end.price, end.days_held)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return type(self)(
            day=str(to_day(day)),
            opened=self.opened,
            cash=float(end.cash),
            positions=tuple(
                Position(instrument=instruments[place], amount=amount, price=price, days_held=days)
                for place, amount, price, days in rows
            ),
            trades=tuple(
                Trade(
                    instrument=instruments[deal.place],
                    side="buy" if deal.bought else "sell",
                    ordered=float(deal.ordered),
                    amount=float(deal.amount),
                    value=float(deal.value),
                    cost=float(deal.cost),
                )
                for deal in end.deals
            ),
        )
