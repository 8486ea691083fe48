"""What one day's trading does to an account."""

from __future__ import annotations

from components.backtest.account import Account
from components.backtest.quotes import Quotes
from components.backtest.strategy import Places, TopkDropoutStrategy


def trade(ranked: Places, account: Account, quotes: Quotes, strategy: TopkDropoutStrategy) -> tuple[Places, Places]:
    """Trade on the scores of the day before, at the quotes of one day.

    Selling comes first; what is in cash then, less a reserve, is divided among all names to buy. A name that cannot
    be bought does not leave its share to the others.

    Args:
        ranked: The names with a score, best first.
        account: Is changed.
        quotes: Those of the day.
        strategy: Chooses the names.

    Returns:
        The names that the strategy wanted to sell and to buy, best first; not all of them need have been traded.
    """
    can_buy, can_sell = quotes.can_buy, quotes.can_sell
    tradable = can_buy & can_sell
    if strategy.forbid_all_trade_at_limit:
        can_buy = can_sell = tradable

    sell, buy = strategy.choose(ranked, account.held, tradable)
    for place in sell[can_sell[sell] & (account.days_held[sell] >= strategy.hold_thresh)]:
        account.sell(place, float(quotes.sell_price[place]))

    money = account.cash * strategy.risk_degree / max(len(buy), 1)
    for place in buy[can_buy[buy]]:
        factor = None if quotes.factor is None else float(quotes.factor[place])
        account.buy(place, float(quotes.buy_price[place]), factor, money)
    return sell, buy
