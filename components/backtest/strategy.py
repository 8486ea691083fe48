"""Which names to sell and which to buy, given the scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.checking import check_count, check_flag
from components.errors import InputError

#: Indexes of instruments.
Places = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class TopkDropoutStrategy:
    """Hold the `topk` names with the best scores, but change at most `n_drop` of them a day.

    As in Qlib, the worst held names are also sold when too few others have a score to take their places.

    Raises:
        InputError: for a number that makes no sense, or Qlib's random methods, which are not supported.
    """

    #: Number of names to hold.
    topk: int
    #: Number of names to change a day.
    n_drop: int
    #: Which names to sell: ``bottom``, those with the worst scores.
    method_sell: str = "bottom"
    #: Which names to buy: ``top``, those with the best scores.
    method_buy: str = "top"
    #: Days a name must have been held before it is sold.
    hold_thresh: int = 1
    #: Choose only among the names that can be both bought and sold today. Otherwise a chosen name that cannot be
    #: traded keeps its place: it is not sold, and the money meant for it stays in cash.
    only_tradable: bool = False
    #: Neither buy nor sell a name at a limit, although one could sell at the upper and buy at the lower one.
    forbid_all_trade_at_limit: bool = True
    #: Share of the cash that buying may use.
    risk_degree: float = 0.95

    def __post_init__(self) -> None:
        for name, least in (("topk", 1), ("n_drop", 0), ("hold_thresh", 0)):
            check_count(f"TopkDropoutStrategy: {name}", getattr(self, name), least)
        for name, method in (("method_sell", "bottom"), ("method_buy", "top")):
            if (value := getattr(self, name)) != method:
                raise InputError(f"TopkDropoutStrategy: {name}={value!r} is not supported, only {method!r}")
        for name in ("only_tradable", "forbid_all_trade_at_limit"):
            check_flag(f"TopkDropoutStrategy: {name}", getattr(self, name))
        risk = self.risk_degree
        if isinstance(risk, bool) or not isinstance(risk, int | float) or not 0 < risk <= 1:
            raise InputError(
                f"TopkDropoutStrategy: risk_degree must be above 0 and at most 1, not {self.risk_degree!r}"
            )

    def choose(self, ranked: Places, held: Flags, tradable: Flags) -> tuple[Places, Places]:
        """The names to sell and to buy, before anything keeps them from being traded.

        Args:
            ranked: The names with a score, best first.
            held: For every instrument, whether it is held.
            tradable: For every instrument, whether it can be bought and sold; only for `only_tradable`.
        """
        owned = np.flatnonzero(held)
        room = self.topk - len(owned)
        fresh = ranked[~held[ranked]]
        if self.only_tradable:
            fresh = fresh[tradable[fresh]]
        fresh = fresh[: max(room + self.n_drop, 0)]

        # The worst of old and new together, so that no name makes place for one with a lower score.
        worst = self._worst(np.sort(np.concatenate([owned, fresh])), ranked, tradable)
        sell = worst[held[worst]]
        return sell, fresh[: max(room + len(sell), 0)]

    def _worst(self, names: Places, ranked: Places, tradable: Flags) -> Places:
        """The `n_drop` last by score; held names without one come last of all, in the order of the instruments."""
        rank = np.full(len(tradable), len(ranked))
        rank[ranked] = np.arange(len(ranked))
        names = names[np.argsort(rank[names], kind="stable")]
        if self.only_tradable:
            names = names[tradable[names]]
        return names[max(len(names) - self.n_drop, 0) :]
