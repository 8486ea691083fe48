"""What the exchange asks for a trade and which trades it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from components.errors import InputError, nearest

#: Trades below this value, in money, do not happen: what is left of an order after rounding.
_NO_VALUE = 1e-5


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """Qlib's ``exchange_kwargs``, with its defaults for region cn. Rates are fractions of the traded value.

    An *amount* is in adjusted shares: times the day's factor it is real shares, and times the adjusted price money.

    Raises:
        InputError: for a value that makes no sense or is not supported.
    """

    freq: str = "day"
    #: None: no limit. A number: a name whose close rose (fell) by at least this fraction since its last known
    #: close cannot be bought (sold). Two expressions: true where a name cannot be bought, and sold.
    limit_threshold: float | tuple[str, str] | None = None
    #: A field (``close``), an expression, or one for buying and one for selling. Where it is missing: the close.
    deal_price: str | tuple[str, str] = "close"
    #: Cost rate of buying.
    open_cost: float = 0.0015
    #: Cost rate of selling.
    close_cost: float = 0.0025
    #: Least cost of a trade, in money.
    min_cost: float = 5.0
    #: Real shares in a lot; None: any fraction of a share can be bought.
    trade_unit: int | None = 100
    #: Market impact. Only 0 is supported.
    impact_cost: float = 0.0

    def __post_init__(self) -> None:
        if self.freq not in ("day", "1day"):
            raise InputError(f"exchange_kwargs.freq: only 'day' is supported, not {self.freq!r}")
        for name in ("open_cost", "close_cost", "min_cost", "impact_cost"):
            if not (_is_number(value := getattr(self, name)) and value >= 0):
                raise InputError(f"exchange_kwargs.{name}: expected a number of at least 0, not {value!r}")
        if self.impact_cost:
            raise InputError(f"exchange_kwargs.impact_cost: only 0 is supported, not {self.impact_cost}")
        if self.trade_unit is not None and not (_is_number(self.trade_unit) and self.trade_unit > 0):
            raise InputError(
                f"exchange_kwargs.trade_unit: expected a number above 0 or None, not {self.trade_unit!r}"
            )
        _check_limit(self.limit_threshold)
        if not (isinstance(self.deal_price, str) or _is_pair(self.deal_price)):
            raise InputError(f"exchange_kwargs.deal_price: expected a field or two, not {self.deal_price!r}")

    @classmethod
    def from_kwargs(cls, kwargs: Mapping[str, Any]) -> Self:
        """Read Qlib's ``exchange_kwargs``.

        Raises:
            InputError: for an unknown key, naming the nearest right one, or a wrong value.
        """
        if not isinstance(kwargs, Mapping):
            raise InputError(f"exchange_kwargs: expected names and values, not {kwargs!r:.60}")
        known = [field.name for field in fields(cls)]
        for key in kwargs:
            if key not in known:
                hint = nearest(key, known) or f"; known are {', '.join(known)}"
                raise InputError(f"exchange_kwargs: unknown key {key!r}{hint}")
        values: dict[str, Any] = {
            key: tuple(item) if isinstance(item, list) else item for key, item in kwargs.items()
        }
        return cls(**values)

    @property
    def deal_prices(self) -> tuple[str, str]:
        """Expressions of the price for buying and for selling."""
        pair = (self.deal_price, self.deal_price) if isinstance(self.deal_price, str) else self.deal_price
        buy, sell = (f"${price}" if price.isidentifier() else price for price in pair)
        return buy, sell

    def cost(self, value: float, rate: float) -> float:
        """Cost of a trade of some value."""
        return max(value * rate, self.min_cost) if value > _NO_VALUE else 0.0

    def whole_lots(self, amount: float, factor: float | None) -> float:
        """An amount rounded down to whole lots; a factor of None rounds nothing.

        A tenth of a share is added first, as in Qlib, so that a full lot stays one whatever its last bits. What the
        cash just fails to pay for may so be bought, and the cash fall below 0 by a tenth of a share's price.
        """
        if self.trade_unit is None or factor is None:
            return amount
        return (amount * factor + 0.1) // self.trade_unit * self.trade_unit / factor

    def bought(self, amount: float, price: float, factor: float | None, cash: float) -> float:
        """How much of a buying order is dealt: what the cash pays for, costs included, in whole lots."""
        value = amount * price
        cost = max(value * self.open_cost, self.min_cost)
        if cash < cost:
            return 0.0
        if cash < value + cost:
            amount = min(amount, self._most_for(cash) / price)
        amount = self.whole_lots(amount, factor)
        return amount if amount * price > _NO_VALUE else 0.0

    def sold(self, amount: float, price: float, cash: float) -> float:
        """How much of a whole position is sold: all of it, not in lots; nothing if that could not pay its cost."""
        value = amount * price
        return amount if cash + value >= max(value * self.close_cost, self.min_cost) and value > _NO_VALUE else 0.0

    def _most_for(self, cash: float) -> float:
        """The highest value that can be bought with all of the cash."""
        value = cash / (1 + self.open_cost)
        return value if value * self.open_cost >= self.min_cost else max(cash - self.min_cost, 0.0)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_pair(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(isinstance(item, str) for item in value)


def _check_limit(limit: object) -> None:
    if limit is None or _is_pair(limit):
        return
    if not (isinstance(limit, int | float) and not isinstance(limit, bool) and limit > 0):
        raise InputError(
            "exchange_kwargs.limit_threshold: expected a fraction such as 0.095, two expressions or None, "
            f"not {limit!r}"
        )
