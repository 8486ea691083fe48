"""What would be traded if the next session were like the day before it, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from components.backtest.account import Account
from components.backtest.quotes import Floats, Quotes, last_known
from components.backtest.signal import best_first
from components.backtest.strategy import Places, TopkDropoutStrategy
from components.backtest.trading import trade
from components.data.market import Market, Panel
from components.serving.portfolio.targets import Target, Targets

#: Digits of a number of shares: a product with a factor has more, which mean nothing.
_DIGITS = 6


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Arrays have one value per name."""

    names: tuple[str, ...]
    #: NaN for a name without a score.
    scores: Floats
    #: The names with a score, best first.
    ranked: Places
    #: Adjusted shares before and after the planned trades.
    before: Floats
    after: Floats
    #: Cash after them.
    cash: float
    #: What the strategy chose, though it may not be tradable.
    to_sell: frozenset[int]
    to_buy: frozenset[int]
    #: What else holds it back.
    days_held: tuple[int, ...]
    hold_thresh: int
    #: The day's quotes, and those that the plan reckons with.
    today: Quotes
    expected: Quotes
    #: The day of each name's last bar; empty: it has had none.
    last_bar: tuple[str, ...]

    @classmethod
    def of(
        cls, scores: pd.Series, today: Quotes, market: Market, account: Account, strategy: TopkDropoutStrategy
    ) -> Self:
        """Plan the trades of an account, which changes.

        Args:
            scores: By name, sorted by name; NaN for what is held without a score.
            today: Quotes of the market's last day.
            market: Ends with the day.
            account: After the day's trades.
            strategy: Chooses the names.
        """
        names = tuple(scores.index)
        values = scores.to_numpy(np.float64)
        ranked = best_first(values)[: int(np.sum(~np.isnan(values)))]
        close, position = last_known(market, "close", names)
        expected = _expected(today, market, names, close)
        before, days_held = account.amount.copy(), tuple(account.days_held.tolist())
        nothing = np.array([], dtype=np.intp)
        sell, buy = trade(ranked, account, expected, strategy) if len(ranked) else (nothing, nothing)
        return cls(
            names=names,
            scores=values,
            ranked=ranked,
            before=before,
            after=account.amount,
            cash=account.cash,
            to_sell=frozenset(sell.tolist()),
            to_buy=frozenset(buy.tolist()),
            days_held=days_held,
            hold_thresh=strategy.hold_thresh,
            today=today,
            expected=expected,
            last_bar=tuple("" if place < 0 else str(market.calendar[place]) for place in position.tolist()),
        )

    def targets(self, day: str) -> Targets:
        """The plan in real shares, all names with a score first."""
        unscored = np.setdiff1d(np.flatnonzero(self.before), self.ranked)
        rank = {place: rank for rank, place in enumerate(self.ranked.tolist(), 1)}
        factor = self._factor()
        before, after = (np.round(amount * factor, _DIGITS) for amount in (self.before, self.after))
        price = self.expected.close.astype(np.float64) / factor
        return Targets(
            day=day,
            cash=float(self.cash),
            rows=tuple(
                Target(
                    instrument=self.names[place],
                    score=float(self.scores[place]) if place in rank else None,
                    rank=rank.get(place),
                    held=float(before[place]),
                    target=float(after[place]),
                    buy=float(max(after[place] - before[place], 0.0)),
                    sell=float(max(before[place] - after[place], 0.0)),
                    price=None if np.isnan(price[place]) else float(price[place]),
                    tradable=bool(self.expected.can_buy[place]),
                    why="; ".join(filter(None, (self._order(place, rank.get(place)), self._state(place)))),
                )
                for place in [*self.ranked.tolist(), *unscored.tolist()]
            ),
        )

    def _factor(self) -> Floats:
        """Real shares per adjusted share, 1 where that is not known."""
        factor = np.ones(len(self.names)) if self.expected.factor is None else self.expected.factor
        return np.where(np.isnan(factor), 1.0, factor).astype(np.float64)

    def _order(self, place: int, rank: int | None) -> str:
        """Why a name is traded, or is not although it was chosen."""
        if place not in self.to_sell | self.to_buy:
            return ""
        if self.after[place] != self.before[place]:
            return "no score" if rank is None else f"rank {rank} of {len(self.ranked)}"
        side = "sold" if place in self.to_sell else "bought"
        if not self.expected.can_buy[place]:
            return f"to be {side} once it trades again"
        if side == "bought":
            return "not bought: its share of the cash does not pay for a lot"
        if self.days_held[place] < self.hold_thresh:
            return f"not sold: held for {self.days_held[place]} of at least {self.hold_thresh} days"
        return "not sold: it would not pay the cost of the sale"

    def _state(self, place: int) -> str:
        """What is unusual about a name on the day."""
        if not self.last_bar[place]:
            return "no bar so far"
        if not self.expected.can_buy[place]:
            return f"no bar since {self.last_bar[place]}"
        limits = (("upper", self.today.can_buy[place]), ("lower", self.today.can_sell[place]))
        return "; ".join(f"closed at its {limit} limit" for limit, free in limits if not free)


def _expected(today: Quotes, market: Market, names: tuple[str, ...], close: Panel) -> Quotes:
    """Quotes of the next session: the last known closes, for whatever has a bar today."""
    quoted = ~np.isnan(today.close)
    factor = None if today.factor is None else last_known(market, "factor", names)[0]
    return replace(
        today, close=close, buy_price=close, sell_price=close, factor=factor, can_buy=quoted, can_sell=quoted
    )
