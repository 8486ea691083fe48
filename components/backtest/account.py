"""Cash and holdings from day to day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from components.backtest.exchange import Exchange
from components.backtest.quotes import Floats
from components.backtest.strategy import Flags, Places
from components.data.market import Panel


@dataclass(frozen=True, kw_only=True)
class Deal:
    """What became of one order."""

    #: Index of the instrument.
    place: int
    #: Whether it was bought, else sold.
    bought: bool
    #: Adjusted shares asked for, and traded.
    ordered: float
    amount: float
    #: Money that changed hands, without the cost.
    value: float
    cost: float


@dataclass(frozen=True, kw_only=True)
class DayEnd:
    """An account after the close of a day."""

    cash: float
    #: The names that are held, and for each of them: adjusted shares, last known close, days it has been held.
    places: Places
    amount: Floats
    price: Floats
    days_held: npt.NDArray[np.int64]
    deals: tuple[Deal, ...]


class Account:
    """Changes with every deal. Arrays have one value per instrument."""

    def __init__(self, cash: float, instruments: int, exchange: Exchange) -> None:
        self.cash = cash
        self.exchange = exchange
        self.days_held = np.zeros(instruments, dtype=np.int64)
        #: Adjusted shares of each instrument.
        self.amount = np.zeros(instruments)
        self._price = np.zeros(instruments)
        self._deals: list[Deal] = []

    @classmethod
    def after(cls, day: DayEnd, instruments: int, exchange: Exchange) -> Self:
        """The account as a day left it."""
        account = cls(day.cash, instruments, exchange)
        account.days_held[day.places] = day.days_held
        account.amount[day.places] = day.amount
        account._price[day.places] = day.price
        return account

    @property
    def held(self) -> Flags:
        """Which instruments are held."""
        held: Flags = self.amount > 0
        return held

    def sell(self, place: int, price: float) -> None:
        """Sell all of a name."""
        ordered = float(self.amount[place])
        amount = self.exchange.sold(ordered, price, self.cash)
        value = amount * price
        cost = self.exchange.cost(value, self.exchange.close_cost)
        deal = Deal(place=int(place), bought=False, ordered=ordered, amount=amount, value=value, cost=cost)
        self.amount[place] -= amount
        self.cash += deal.value - deal.cost
        self._deals.append(deal)

    def buy(self, place: int, price: float, factor: float | None, money: float) -> None:
        """Buy a name for some money, in whole lots and as far as the cash goes."""
        ordered = self.exchange.whole_lots(money / price, factor)
        if ordered <= 0:
            return  # less than a lot is no order
        amount = self.exchange.bought(ordered, price, factor, self.cash)
        value = amount * price
        cost = self.exchange.cost(value, self.exchange.open_cost)
        deal = Deal(place=int(place), bought=True, ordered=ordered, amount=amount, value=value, cost=cost)
        self.amount[place] = amount
        self.days_held[place] = 0
        self.cash -= deal.value + deal.cost
        self._deals.append(deal)

    def end_day(self, close: Panel) -> DayEnd:
        """Value the holdings at the close, a suspended one at the last close known."""
        places = np.flatnonzero(self.amount)
        closes = close[places].astype(np.float64)
        self._price[places] = np.where(np.isnan(closes), self._price[places], closes)
        self.days_held[places] += 1
        deals, self._deals = tuple(self._deals), []
        return DayEnd(
            cash=self.cash,
            places=places,
            amount=self.amount[places],
            price=self._price[places],
            days_held=self.days_held[places],
            deals=deals,
        )
